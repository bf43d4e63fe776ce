"""The one guarded HTTP client for feeds and channels.

Problem: HTTP clients trust their peers. Out of the box httpx keeps and resends cookies, follows redirects with credentials
and validators, reads the environment, has timeouts per read only (a dripping server holds it for ever) and decodes a whole
network chunk (64 MB from 300 kB): measured. Choice: httpx's values (URL, Request, Headers) over a transport of our own on
httpcore's pool; `httpx.AsyncClient`, where those habits live, is not used. One request is one request: redirects belong to
whoever knows what may travel with them (feeds/fetch.py).

What is guaranteed for every request, whatever the peer does:
    the dialled address was checked (net/dial.py)          one deadline round everything, however lively the peer
    TLS 1.2 or later, verified                             bodies bounded as received and as decoded
    no cookie, no environment, no header of our own        expected failures are values (`NetFailure`), never exceptions
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import httpcore
import httpx

from monitor.model import Secret
from monitor.net import decode
from monitor.net.dial import CONNECT_TIMEOUT, Resolve, Resolver
from monitor.net.failure import EXPECTED, NetFailure, NetKind, blocked, failure, late
from monitor.net.guard import check_address, check_url, literal_address
from monitor.net.headers import http_date
from monitor.net.transport import BadAnswerError, GuardedTransport, Progress, tls_context
from monitor.net.urls import basic

__all__ = ["Answer", "Http", "NetFailure", "NetKind"]

HeaderLines = Mapping[str, str] | Sequence[tuple[str, str]]

MAX_HEADERS = 256
"""Header lines of an answer; 3,000 small ones fit into httpcore's 100 kB buffer (conformance case 82)."""

PREFIX, PREFIX_WAIT = 16 * 1024, 2.0
"""Bytes and seconds spent on a body that nobody asked for, once the status is known."""

CUT: tuple[type[Exception], ...] = (TimeoutError, *EXPECTED)
"""What may end a body whose beginning is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as received; `headers` are case-insensitive and keep repeated lines (`get_list`)."""

    status: int
    headers: httpx.Headers
    body: bytes
    complete: bool
    """The end of the body was certain (a length, chunks, or the end of the compressed data), not just a closed connection."""
    date: datetime | None
    """The answer's own `Date`."""


class Http:
    """The client. One for the whole process; requests may run at the same time.

    `ca_file` adds certificates to trust. `tls` (made by `tls_context`, which takes a tenth of a second) and `resolve` are
    for those who share the one or replace the other.
    """

    def __init__(
        self, *, ca_file: Path | None = None, tls: ssl.SSLContext | None = None, resolve: Resolve | None = None
    ) -> None:
        self._tls = tls or tls_context(ca_file)
        self._resolver = Resolver()
        self._resolve = resolve or self._resolver
        self._transports: dict[tuple[tuple[str, ...], Secret | None], GuardedTransport] = {}

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        content: bytes | None = None,
        deadline: timedelta,
        max_body: int,
        allow_networks: tuple[str, ...] = (),
        proxy: Secret | None = None,
        decode_body: bool = True,
        read: Literal["all", "prefix"] = "all",
    ) -> Answer | NetFailure:
        """Send one request and return its answer; never raises for what the peer or the network does.

        Header values are sent as Latin-1, byte for byte; userinfo in the URL becomes Basic authorization where no
        other is given. Nothing is added but `Host` and `Content-Length`: callers name the codings they accept, of gzip
        and deflate. With `read="prefix"`, and for every status but 2xx, the first 16 KiB of the body are kept and the
        rest is dropped: the status is what counts, so a body that is cut, slow or wrongly coded is no failure.
        Redirects are answers like others.
        """
        progress = Progress()
        lines = tuple(headers.items() if isinstance(headers, Mapping) else headers)
        if sentence := _bad_url(url) or _bad_headers(lines):
            return NetFailure(kind=NetKind.BAD_URL, reason=sentence)
        if proxy is not None and (refused := _bad_proxying(url, proxy, allow_networks)):
            return refused
        loop = asyncio.get_running_loop()
        ends = loop.time() + deadline.total_seconds()
        try:
            async with asyncio.timeout_at(ends):
                message = _message(method, url, lines, content, progress, deadline)
                response = await self._send(message, allow_networks, proxy, progress)
                async with aclosing(response):
                    if read == "prefix" or not response.is_success:
                        until = min(ends - 0.05, loop.time() + PREFIX_WAIT)
                        return await _read_prefix(response, min(max_body, PREFIX), until)
                    return await _read_all(response, max_body, decode_body=decode_body)
        except TimeoutError:
            return late(progress, deadline)
        except EXPECTED as error:
            return failure(error, progress)

    async def aclose(self) -> None:
        """Close connections and let the resolver's threads go."""
        for transport in self._transports.values():
            await transport.aclose()
        self._transports.clear()
        self._resolver.close()

    async def _send(
        self, message: httpx.Request, allow_networks: tuple[str, ...], proxy: Secret | None, progress: Progress
    ) -> httpx.Response:
        """Send over a kept or a new connection; a GET on a kept one that turns out dead is sent once more."""
        transport = self._transport(allow_networks, proxy)
        try:
            return await transport.handle_async_request(message)
        except (httpcore.RemoteProtocolError, httpcore.NetworkError):
            if progress.fresh or message.method != "GET":  # RFC 9110 section 9.2.2: only what is idempotent
                raise
            progress.sent = False
            return await transport.handle_async_request(message)

    def _transport(self, allow_networks: tuple[str, ...], proxy: Secret | None) -> GuardedTransport:
        """Return the pool for one set of permissions: a connection opened under one must never serve another."""
        key = (allow_networks, proxy)
        if key not in self._transports:
            self._transports[key] = GuardedTransport(
                resolve=self._resolve, tls=self._tls, allow_networks=allow_networks, proxy=proxy
            )
        return self._transports[key]


def _bad_url(url: str) -> str | None:
    """Return what is wrong with a URL, by the rules and by the parser that will be used."""
    if sentence := check_url(url):
        return sentence
    try:
        host = httpx.URL(url).raw_host
    except (httpx.InvalidURL, ValueError):
        return "The address cannot be read as a URL."
    return None if host else "The address names no host."


def _bad_headers(lines: Sequence[tuple[str, str]]) -> str | None:
    """Return which header cannot be sent: only what fits into Latin-1 without control characters can."""
    for name, value in lines:
        if not name.isascii() or any(
            char > "\xff" or (char < " " and char != "\t") or char == "\x7f" for char in value
        ):
            return f"The header {name!a} holds characters that cannot be sent."
    return None


def _bad_proxying(url: str, proxy: Secret, allow_networks: tuple[str, ...]) -> NetFailure | None:
    """Return why a URL cannot be asked through a proxy. Names are the proxy's to resolve; addresses are judged here."""
    if _bad_url(proxy.reveal()):
        return NetFailure(kind=NetKind.BAD_URL, reason="The proxy's address must be http:// or https:// with a host.")
    literal = literal_address(httpx.URL(url).host)
    why = None if literal is None else check_address(literal, allow_networks)
    return None if why is None else NetFailure(kind=NetKind.BLOCKED, reason=blocked(why))


def _message(
    method: str,
    url: str,
    lines: Sequence[tuple[str, str]],
    content: bytes | None,
    progress: Progress,
    deadline: timedelta,
) -> httpx.Request:
    """Return the request as it goes out, with the hooks that follow it."""
    parsed = httpx.URL(url)
    pairs = [(name.encode("ascii"), value.encode("latin-1")) for name, value in lines]
    if parsed.userinfo and all(name.lower() != b"authorization" for name, _ in pairs):
        pairs.append((b"Authorization", basic(parsed.username, parsed.password).encode("ascii")))
    timeouts = {"connect": min(CONNECT_TIMEOUT, deadline.total_seconds())}
    return httpx.Request(
        method,
        parsed.copy_with(userinfo=b""),
        headers=pairs,
        content=content,
        extensions={"timeout": timeouts, "trace": progress.trace},
    )


async def _read_all(response: httpx.Response, max_body: int, *, decode_body: bool) -> Answer:
    headers = _headers(response)
    length = headers.get("content-length", "0")
    if response.status_code not in {204, 304} and length.isdecimal() and int(length) > max_body:
        raise decode.TooLargeError(f"The answer says that it has {int(length):,} bytes, more than is taken.")
    chain = decode.decoders(headers.get("content-encoding", "")) if decode_body else ()
    body = decode.Body(max_body=max_body, chain=chain)
    async with aclosing(_chunks(response)) as chunks:
        async for chunk in chunks:
            body.add(chunk)
    if not body.ended:
        raise httpcore.RemoteProtocolError("the compressed data ends early")
    return _answer(response, headers, bytes(body.content), complete=_framed(response, headers) or bool(chain))


async def _read_prefix(response: httpx.Response, max_body: int, ends: float) -> Answer:
    headers = _headers(response)
    kept, complete = bytearray(), False
    try:
        async with asyncio.timeout_at(ends), aclosing(_chunks(response)) as chunks:
            async for chunk in chunks:
                kept += chunk[: max_body - len(kept)]
                if len(kept) >= max_body:
                    break
            else:
                complete = _framed(response, headers)
    except CUT:
        complete = False
    return _answer(response, headers, _unpacked(bytes(kept), headers, max_body), complete=complete)


async def _chunks(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Yield the body as received, undecoded (`Response.aiter_raw` without its bookkeeping)."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    async for chunk in response.stream:
        yield chunk


def _unpacked(kept: bytes, headers: httpx.Headers, max_body: int) -> bytes:
    """Return what of a prefix can be read: decoded as far as it goes."""
    try:
        body = decode.Body(max_body=max_body, chain=decode.decoders(headers.get("content-encoding", "")))
    except decode.BadCodingError:
        return b""
    with contextlib.suppress(decode.BadCodingError, decode.TooLargeError):  # what came before the break is enough
        body.add(kept)
    return bytes(body.content)


def _headers(response: httpx.Response) -> httpx.Headers:
    """Return the headers read as Latin-1: every byte survives, so validators can be sent back as they came."""
    if len(response.headers.raw) > MAX_HEADERS:
        raise BadAnswerError(f"it has more than {MAX_HEADERS} header lines")
    return httpx.Headers(response.headers.raw, encoding="latin-1")


def _framed(response: httpx.Response, headers: httpx.Headers) -> bool:
    """Tell whether the end of the body is known other than by the end of the connection (RFC 9112 section 6.3)."""
    return response.status_code in {204, 304} or "content-length" in headers or "transfer-encoding" in headers


def _answer(response: httpx.Response, headers: httpx.Headers, body: bytes, *, complete: bool) -> Answer:
    return Answer(
        status=response.status_code,
        headers=headers,
        body=body,
        complete=complete,
        date=http_date(headers.get("date")),
    )
