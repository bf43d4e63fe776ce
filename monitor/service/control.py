"""The control socket: how commands reach a running service. JSON lines over a unix socket, one answer per request.

Only root and the user the service runs under are answered (SO_PEERCRED), whatever the file's mode says. Nothing can be asked
here that the owner of the data directory could not do anyway.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import socket
import struct
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog

from monitor.errors import MonitorError, NotRunning

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

LONGEST_PATH = 100
"""Unix socket paths end at 107 bytes on Linux and at 103 elsewhere."""

LONGEST_LINE = 1 << 20

log = structlog.get_logger("control")


def socket_path(data_dir: Path) -> Path:
    """Return where the service of a data directory listens; a long path gets a short stand-in named after it."""
    path = data_dir.resolve() / "control.sock"
    if len(os.fsencode(path)) <= LONGEST_PATH:
        return path
    name = hashlib.blake2b(os.fsencode(path), digest_size=8).hexdigest()
    return Path(tempfile.gettempdir()) / f"monitor-{name}.sock"


class ControlServer:
    """Listens while the service runs."""

    def __init__(self, path: Path, handle: Handler) -> None:
        self._path = path
        self._handle = handle
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen; a file left by a killed service is taken away (the service lock says that it is gone)."""
        self._path.unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, path=self._path, limit=LONGEST_LINE)
        finally:
            os.umask(mask)

    async def stop(self) -> None:
        """Stop listening and drop who is connected."""
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            if _peer(writer) not in {0, os.geteuid()}:
                return
            while line := await reader.readline():
                writer.write(await self._answer(line))
                await writer.drain()
        except (ConnectionError, ValueError, asyncio.LimitOverrunError):
            log.debug("control connection ended")
        except asyncio.CancelledError:
            if self._server is not None and self._server.is_serving():
                raise
        finally:
            self._open.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _answer(self, line: bytes) -> bytes:
        try:
            request = json.loads(line)
            answer = {"ok": True, **await self._handle(request)}
        except (MonitorError, ValueError, KeyError, TypeError) as error:
            answer = {"ok": False, "error": str(error)}
        return json.dumps(answer, ensure_ascii=False, default=str).encode() + b"\n"


class ControlClient:
    """One connection to a running service."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def connect(cls, path: Path) -> ControlClient:
        """Connect to the service that listens at `path`; `NotRunning` when none answers."""
        try:
            reader, writer = await asyncio.open_unix_connection(path, limit=LONGEST_LINE)
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
            raise NotRunning(f"no service answers at {path}: start it with `monitor run`") from None
        except PermissionError:
            raise NotRunning(
                f"{path} belongs to another user: run this as root or as the user the service runs under"
            ) from None
        return cls(reader, writer)

    async def call(self, op: str, **fields: Any) -> dict[str, Any]:
        """Ask for one thing and return the answer; `MonitorError` with the service's words when it refuses."""
        try:
            self._writer.write(json.dumps({"op": op, **fields}, default=str).encode() + b"\n")
            await self._writer.drain()
            line = await self._reader.readline()
        except ConnectionError:
            line = b""
        if not line:
            raise NotRunning("the service ended the connection: it is stopping, was killed, or runs under another user")
        answer: dict[str, Any] = json.loads(line)
        if not answer.pop("ok"):
            raise MonitorError(str(answer["error"]))
        return answer

    async def aclose(self) -> None:
        """Hang up."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


def _peer(writer: asyncio.StreamWriter) -> int:
    """Return the user id of who connected."""
    peer: socket.socket = writer.get_extra_info("socket")
    if not hasattr(socket, "SO_PEERCRED"):
        return os.geteuid()  # other systems rely on the file's mode (0600)
    size = struct.calcsize("3i")
    uid: int = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[1]
    return uid
