"""Running the application by uvicorn's protocol inside the service's own event loop.

Problem: `uvicorn.Server` takes over signals and logging, wakes ten times a second, ends the process when its port is taken, and bounds neither
the head of a request nor the time in which it comes. Choice: its HTTP protocol alone, on a listening socket of ours, with one
request for each connection: whoever sends no head is gone after `HEAD_LIFE`, whoever drips, pipelines or does not read after
`LIFE`. Hubs send one request at a time, and reverse proxies close as well unless told otherwise. When all places are taken,
the connection that has waited longest without a head makes room, so that idle ones never shut a health probe out. Refused: a
limit for each address, for behind a reverse proxy there is only one.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import socket
from collections.abc import Callable
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from monitor.errors import MonitorError

HEAD_LIFE = 5.0
"""Seconds until the head of a request must have come."""

LIFE = 15.0
"""Seconds from there to the end of a connection."""

LINGER, MAX_DROPPED = 2.0, 8 * 1024 * 1024
"""Seconds and bytes for which the rest of a refused request is read and dropped."""

MAX_HEAD = 16 * 1024
"""Bytes of request line and headers."""

MAX_HEADERS = 64
"""Header lines of a request."""

MAX_CONNECTIONS = 200
"""Open at a time; beyond, those that have not sent a head yet are closed, the oldest first."""

BACKLOG = 256

LAST_WORDS = 2.0
"""Seconds for answers under way when the server stops."""

log = structlog.get_logger("web")


class HttpServer:
    """A server at `listen` (`address:port`, IPv6 in brackets; port 0: any free one)."""

    def __init__(self, listen: str, app: ASGIApp) -> None:
        self._listen = listen
        self._config = uvicorn.Config(
            app,
            http=_Connection,
            ws="none",
            lifespan="off",
            interface="asgi3",
            loop="none",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
        )
        self._state = ServerState()
        self._state.default_headers = [(b"connection", b"close")]
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port listened on."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self) -> None:
        """Listen; `MonitorError` when the address cannot be had."""
        listener = _listener(self._listen)
        self._config.load()
        spare: dict[_Connection, None] = {}
        make = functools.partial(_Connection, config=self._config, server_state=self._state, app_state={}, spare=spare)
        self._server = await asyncio.get_running_loop().create_server(make, sock=listener, backlog=BACKLOG)
        log.info("listening", at=self._listen)

    async def stop(self) -> None:
        """Stop listening, let answers under way go out, and close what is left."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=LAST_WORDS)
        for task in list(self._state.tasks):
            task.cancel()
        for connection in list(self._state.connections):
            connection.transport.abort()
        await self._server.wait_closed()


class _Gentle(asyncio.Transport):
    """A transport that does not cut its own answer off.

    Closing a socket with unread bytes resets the connection, and the reset overtakes the answer (RFC 9112 section 9.6). So when
    a request is answered before all of it came, only our half is closed, and what still comes is dropped by the connection.
    """

    def __init__(self, inner: asyncio.Transport, *, on_close: Callable[[], bool]) -> None:
        super().__init__()
        self._inner, self._on_close = inner, on_close
        self.lingers = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._inner.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return self.lingers or self._inner.is_closing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._inner.write(data)

    def pause_reading(self) -> None:
        self._inner.pause_reading()

    def resume_reading(self) -> None:
        self._inner.resume_reading()

    def abort(self) -> None:
        self._inner.abort()

    def close(self) -> None:
        """Close, or only our half where `on_close` says that more is coming."""
        if self.is_closing():
            return
        self.lingers = self._on_close()
        if self.lingers:
            self._inner.write_eof()
            self._inner.resume_reading()
        else:
            self._inner.close()


class _Connection(HttpToolsProtocol):
    """One request within bounds, then the end: `connection: close` stands in every answer, so uvicorn closes.

    `spare` are the connections of a server that can make room, the oldest first: they wait for a head, or linger.
    """

    transport: _Gentle

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        spare: dict[_Connection, None],
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._spare = spare
        self._size = self._dropped = 0
        self._has_head = self._has_all = False
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(_Gentle(transport, on_close=self._lingers))
        self._end_in(HEAD_LIFE)
        if len(self.connections) > MAX_CONNECTIONS:
            next(iter(self._spare), self)._make_room()  # noqa: SLF001 - one of us
        if not self.transport.is_closing():
            self._spare[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._spare.pop(self, None)
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.lingers:
            self._dropped += len(data)
            if self._dropped > MAX_DROPPED:
                self.transport.abort()
        if self.transport.is_closing():  # what is sent behind the request
            return
        self._size += len(data)
        super().data_received(data)
        if not self._has_head and self._size > MAX_HEAD:
            self.transport.abort()

    def _end_in(self, seconds: float) -> None:
        """End the connection after so many seconds, whatever was planned before."""
        if self._end is not None:
            self._end.cancel()
        self._end = self.loop.call_later(seconds, self.transport.abort)

    def _make_room(self) -> None:
        """End at once, and stand in nobody's way any more."""
        self._spare.pop(self, None)
        self.transport.abort()

    def _lingers(self) -> bool:
        """Tell whether more of the request may come after its answer; then wait for that, for a while."""
        if not self._has_head or self._has_all:
            return False
        self._end_in(LINGER)
        self._spare[self] = None
        return True

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self.headers) >= MAX_HEADERS or len(name) + len(value) > MAX_HEAD:
            raise ValueError("too many headers")  # the parser turns it into a 400
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._has_head:
            raise ValueError("a second request")
        self._has_head = True
        self._spare.pop(self, None)
        self._end_in(LIFE)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._has_all = True
        super().on_message_complete()


def _listener(listen: str) -> socket.socket:
    """Return a socket bound to `address:port`; `MonitorError` with what to do where that is not possible."""
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, int(port)))
    except OSError as error:
        listener.close()
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be listened on ({error.strerror})"
        raise MonitorError(f"{listen} {why}: choose another http.listen, or listen: none") from error
    listener.setblocking(False)
    return listener
