"""Requests over connections of our own: which connection a request takes, and the way through proxies.

httpx's Request and Response are not used: building them took a quarter of what polling an unchanged feed costs (measured).
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from monitor.model import Secret
from monitor.net.answering import BadHttpError
from monitor.net.connection import Connection, LostError, Progress
from monitor.net.dial import CONNECT_TIMEOUT, Dialler, Resolve
from monitor.net.headers import Lines
from monitor.net.pool import Pool
from monitor.net.urls import basic

PORTS = {"http": 80, "https": 443}

_HEAD = re.compile(
    rb"[A-Z]+ [\x21-\x7e]+ HTTP/1\.1\r\n"
    rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+: [\t\x20-\x7e\x80-\xff]*\r\n)*\r\n"
)
"""What a request may look like on the wire (RFC 9112 sections 3 and 5)."""


WITH_CONTENT = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose requests state the length of their content even where there is none (RFC 9110 section 8.6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request; `Host` and `Content-Length` are added to its lines where they do not hold them."""

    method: str
    url: httpx.URL
    lines: Sequence[tuple[bytes, bytes]] = ()
    content: bytes = b""
    progress: Progress = field(default_factory=Progress)
    connect_within: float = CONNECT_TIMEOUT
    """Seconds for a new connection."""

    def all_lines(self) -> list[tuple[bytes, bytes]]:
        """Return the header lines as they go out."""
        given = {name.lower() for name, _ in self.lines}
        lines = [*self.lines] if b"host" in given else [(b"Host", self.url.netloc), *self.lines]
        if b"content-length" not in given and (self.content or self.method in WITH_CONTENT):
            lines.append((b"Content-Length", b"%d" % len(self.content)))
        return lines


class UnsendableError(Exception):
    """The request would not be one request on the wire."""


class ProxyRefusedError(Exception):
    """The proxy opened no tunnel; `str(error)` says how it refused."""


class GuardedTransport:
    """The way out for one set of permissions. Raises the errors of `dial`, `connection` and this module, and `ssl.SSLError`."""

    def __init__(
        self,
        *,
        resolve: Resolve,
        tls: ssl.SSLContext,
        pool: Pool,
        allow_networks: tuple[str, ...] = (),
        proxy: Secret | None = None,
    ) -> None:
        self._dialler = Dialler(resolve=resolve, allow_networks=allow_networks, exempt=proxy is not None)
        self._tls = tls
        self._pool = pool
        self._proxy = None if proxy is None else httpx.URL(proxy.reveal())
        self._standing: set[Connection] = set()

    async def ask(self, request: Request) -> Received:
        """Send one request as it is and return its head; the body streams, undecoded.

        A GET on a kept connection that turns out dead is sent once more on a new one (RFC 9110 section 9.2.2).
        """
        message, progress = self._message(request), request.progress
        # A connection opened under one set of permissions must never serve another: the transport is part of the key.
        key = (self, *self._peer(request.url))
        kept = self._pool.take(key)
        if kept is not None:
            try:
                return await self._answer(kept, key, message, progress)
            except (LostError, BadHttpError, ssl.SSLError):
                if request.method != "GET":
                    raise
                progress.stage, progress.sent = "connect", False
        connection = await self._open(request)
        return await self._answer(connection, key, message, progress)

    async def knock(self, url: httpx.URL, within: float) -> None:
        """Open a connection to where `url` would be asked, and close it: nothing is sent. Raises what dialling raises."""
        first = self._proxy or url
        (await self._dialler.dial(_host(first), _port(first), within)).close()

    async def aclose(self) -> None:
        """End all connections; returns when they are closed."""
        for connection in list(self._standing):
            connection.abort()
        while self._standing:  # noqa: ASYNC110 - an aborted connection is gone a turn or two of the loop later
            await asyncio.sleep(0)

    async def _answer(
        self, connection: Connection, key: Hashable, message: bytes, progress: Progress
    ) -> Received:  # fmt: skip
        try:
            await connection.exchange(message, progress)
        except BaseException:
            connection.abort()
            raise
        return Received(self._pool, key, connection)

    async def _open(self, request: Request) -> Connection:
        """Return a new connection on which `request` can be asked."""
        url, first, progress = request.url, self._proxy or request.url, request.progress
        sock = await self._dialler.dial(_host(first), _port(first), request.connect_within)
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: Connection(self._lost), sock=sock)
        self._standing.add(connection)
        try:
            if first.scheme == "https":
                progress.stage = "tls"
                await connection.start_tls(self._tls, _host(first))
            if self._proxy is not None and url.scheme == "https":
                progress.stage = "connect"
                await self._tunnel(connection, url)
                progress.stage = "tls"
                await connection.start_tls(self._tls, _host(url))
        except BaseException:
            connection.abort()
            raise
        return connection

    async def _tunnel(self, connection: Connection, url: httpx.URL) -> None:
        """Have the proxy connect us with the host of `url` (RFC 9110 section 9.3.6)."""
        host = url.copy_with(port=None).netloc
        authority = b"%s:%d" % (host, _port(url))
        lines = [(b"Host", authority), *self._proxy_login()]
        try:
            await connection.exchange(_head(b"CONNECT", authority, lines), Progress())
        except (LostError, BadHttpError) as error:
            raise ProxyRefusedError("it did not answer in HTTP") from error
        if not 200 <= connection.answer.status < 300:  # noqa: PLR2004 - by class, RFC 9110 section 15
            raise ProxyRefusedError(f"it answered with status {connection.answer.status}")

    def _message(self, request: Request) -> bytes:
        url, lines, target = request.url, request.all_lines(), request.url.raw_path
        if self._proxy is not None and url.scheme == "http":
            target = b"http://" + url.netloc + target
            lines = [*lines, *self._proxy_login()]
        return _head(request.method.encode("ascii", "replace"), target, lines) + request.content

    def _peer(self, url: httpx.URL) -> tuple[str, str, int]:
        """Return what a connection must lead to for a URL to be asked on it."""
        if self._proxy is not None and url.scheme == "http":
            return "proxy", "", 0
        return url.scheme, url.host, _port(url)

    def _proxy_login(self) -> list[tuple[bytes, bytes]]:
        if self._proxy is None or not self._proxy.userinfo:
            return []
        return [(b"Proxy-Authorization", basic(self._proxy.username, self._proxy.password).encode("ascii"))]

    def _lost(self, connection: Connection) -> None:
        self._standing.discard(connection)
        self._pool.forget(connection)


class Received:
    """An answer whose head came. Its body is read by iterating; when it is let go, the connection is kept or ended."""

    def __init__(self, pool: Pool, key: Hashable, connection: Connection) -> None:
        answer = connection.answer
        self.status, self.framed = answer.status, answer.framed
        self.headers = Lines(answer.headers)
        self._pool, self._key, self._connection = pool, key, connection

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if data := await self._connection.read():
            return data
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Let the connection go."""
        if self._connection.reusable:
            self._connection.drop()
            self._pool.put(self._key, self._connection)
        else:
            self._connection.abort()


def tls_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """Return the shared TLS settings: TLS 1.2 or later, verified against the bundled and the system's authorities."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _head(method: bytes, target: bytes, lines: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return the head of a request; `UnsendableError` where it would be read as anything else (request smuggling)."""
    head = b"\r\n".join(
        [method + b" " + target + b" HTTP/1.1", *(name + b": " + value for name, value in lines), b"", b""]
    )
    if head.count(b"\n") != len(lines) + 2 or not _HEAD.fullmatch(head):
        raise UnsendableError
    return head


def _host(url: httpx.URL) -> str:
    return url.raw_host.decode("ascii")


def _port(url: httpx.URL) -> int:
    return url.port or PORTS[url.scheme]
