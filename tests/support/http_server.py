"""Publishers and receivers that misbehave on purpose: real sockets on loopback, scripted byte by byte.

    async with FakeServer() as server:
        server.on("/feed", reply(304), reply(200, b"<rss/>"), hang())   # one after another; the last one repeats
        await something(server.url("/feed"))
        assert server.requests[0].header("if-none-match") is None

An answer is any `async (Request, StreamWriter) -> None`; what it writes goes onto the wire as it is. A connection is
kept for the next request when the answer left it open and says so (`keep_alive` of `reply`), else it is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Self

MAX_HEAD = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client sent: the header lines in order and as written, the body without its framing."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    connection: int = 0
    """Number of the connection it came over, from 1."""

    def header(self, name: str) -> str | None:
        """Return the first value of a header, None when it was not sent."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def names(self) -> set[str]:
        """Return the names of all headers in lower case."""
        return {key.lower() for key, _ in self.headers}

    @property
    def path(self) -> str:
        """Return the target without its query (and without the origin that a proxy gets to see)."""
        target = self.target.split("?", 1)[0]
        return "/" + target.split("/", 3)[3] if "://" in target else target


Answer = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]
HeaderLines = Mapping[str, str] | Iterable[tuple[str, str]]


class Closing(Exception):  # noqa: N818 - control flow of this module
    """The answer is done and the connection shall be closed."""


def head(status: int, headers: HeaderLines = ()) -> bytes:
    """Return a status line and header lines with the empty line that ends them."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Odd"
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in pairs)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def reply(status: int = 200, body: bytes = b"", headers: HeaderLines = (), *, keep_alive: bool = True) -> Answer:
    """A well-behaved answer with a Content-Length (none for 204 and 304)."""
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    if status not in {204, 304} and not any(name.lower() == "content-length" for name, _ in pairs):
        pairs.append(("Content-Length", str(len(body))))
    if not keep_alive:
        pairs.append(("Connection", "close"))
    return raw(head(status, pairs) + body, close=not keep_alive)


def redirect(location: str, status: int = 302, headers: HeaderLines = ()) -> Answer:
    """Send the client elsewhere."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return reply(status, b"", [("Location", location), *pairs])


def raw(data: bytes, *, close: bool = True) -> Answer:
    """Exactly these bytes, then the connection is closed (or kept)."""

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        if close:
            raise Closing

    return answer


def hang(first: bytes = b"") -> Answer:
    """Send `first`, then nothing, until the client or the test gives up."""

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        await writer.drain()
        await asyncio.Event().wait()

    return answer


def drip(first: bytes, piece: bytes, *, every: float = 0.02) -> Answer:
    """Send `first`, then `piece` again and again, for ever: lively, and never done."""

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            await writer.drain()
            await asyncio.sleep(every)
            writer.write(piece)

    return answer


def pour(first: bytes, piece: bytes, times: int) -> Answer:
    """Send `first`, then `piece` `times` times as fast as the client takes it, then close."""

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        for _ in range(times):
            writer.write(piece)
            await writer.drain()
        raise Closing

    return answer


def reset(first: bytes = b"") -> Answer:
    """Send `first`, then a TCP reset."""

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        await writer.drain()
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        raise Closing

    return answer


def vanish() -> Answer:
    """Close without a word."""
    return raw(b"")


@dataclass(slots=True, kw_only=True)
class Script:
    """Answers of one path: one after another, the last one again and again."""

    answers: list[Answer]
    at: int = 0

    def next(self) -> Answer:
        answer = self.answers[min(self.at, len(self.answers) - 1)]
        self.at += 1
        return answer


@dataclass(slots=True, kw_only=True)
class FakeServer:
    """A server on a port of its own. Unknown paths get 404. Everything is closed on the way out."""

    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    name: str | None = None
    """The name in URLs, where it shall differ from the address listened on (e.g. `localhost`)."""
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    """TCP connections accepted so far, with or without a request on them."""
    port: int = 0
    _scripts: dict[str, Script] = field(default_factory=dict)
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    def on(self, path: str, *answers: Answer) -> Self:
        """Answer `path` (or `*`: every other path) with these, in order; the last one repeats."""
        self._scripts[path] = Script(answers=list(answers))
        return self

    def url(self, path: str = "/", *, userinfo: str = "") -> str:
        """Return the address of a path on this server."""
        scheme = "https" if self.tls else "http"
        host = self.name or (f"[{self.host}]" if ":" in self.host else self.host)
        return f"{scheme}://{userinfo}{host}:{self.port}{path}"

    def to(self, path: str) -> list[Request]:
        """Return the requests for one path."""
        return [request for request in self.requests if request.path == path]

    async def arrived(self, count: int, *, deadline: float = 5.0) -> None:
        """Wait until that many requests were read."""
        async with asyncio.timeout(deadline), self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= count)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self.host, 0, ssl=self.tls, limit=MAX_HEAD)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection in a task of our own: the stdlib's would log its cancellation."""
        self.connections += 1
        task = asyncio.ensure_future(self._serve(reader, writer, self.connections))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        try:
            while (request := await _read(reader, writer, number)) is not None:
                async with self._arrived:
                    self.requests.append(request)
                    self._arrived.notify_all()
                script = self._scripts.get(request.path) or self._scripts.get("*")
                await (script.next() if script else reply(404))(request, writer)
        except (Closing, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ssl.SSLError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
                async with asyncio.timeout(2):
                    await writer.wait_closed()


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> Request | None:
    """Return the next request, None at the end of the connection."""
    try:
        block = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = block.rstrip("\r\n").split("\r\n")
    method, target, _version = first.split(" ", 2)
    headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    request = Request(method=method, target=target, headers=headers, connection=number)
    if request.header("expect"):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await _body(reader, request)
    return Request(method=method, target=target, headers=headers, body=body, connection=number)


async def _body(reader: asyncio.StreamReader, request: Request) -> bytes:
    if length := request.header("content-length"):
        return await reader.readexactly(int(length))
    if request.header("transfer-encoding") != "chunked":
        return b""
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body
