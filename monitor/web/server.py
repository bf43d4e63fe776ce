"""Running the application by uvicorn's protocol inside the service's own event loop.

Problem: `uvicorn.Server` takes over signals and logging, wakes ten times a second, ends the process when its port is taken, and bounds neither
the head of a request nor the time in which it comes. Choice: its HTTP protocol alone, on a listening socket of ours, with one
request for each connection: whoever drips, pipelines or does not read is gone after `LIFE`, and there is nothing else to time.
Hubs send one request at a time, and reverse proxies close as well unless told otherwise.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import socket
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from monitor.errors import MonitorError

LIFE = 15.0
"""Seconds of a connection."""

MAX_HEAD = 16 * 1024
"""Bytes of request line and headers."""

MAX_HEADERS = 64
"""Header lines of a request."""

MAX_CONNECTIONS = 200
"""Open at a time; beyond, connections are closed unanswered."""

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
        make = functools.partial(_Connection, config=self._config, server_state=self._state, app_state={})
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


class _Connection(HttpToolsProtocol):
    """One request within bounds, then the end: `connection: close` stands in every answer, so uvicorn closes."""

    def __init__(self, config: uvicorn.Config, server_state: ServerState, app_state: dict[str, Any]) -> None:
        super().__init__(config, server_state, app_state)
        self._size = 0
        self._has_head = False
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._end = self.loop.call_later(LIFE, transport.abort)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():  # what is sent behind the request
            return
        self._size += len(data)
        super().data_received(data)
        if not self._has_head and self._size > MAX_HEAD:
            self.transport.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self.headers) >= MAX_HEADERS or len(name) + len(value) > MAX_HEAD:
            raise ValueError("too many headers")  # the parser turns it into a 400
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._has_head:
            raise ValueError("a second request")
        self._has_head = True
        super().on_headers_complete()


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
