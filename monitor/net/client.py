"""The one guarded HTTP client for feeds and channels.

Problem: HTTP clients trust their peers. Out of the box httpx keeps and resends cookies, follows redirects with credentials
and validators, reads the environment, has timeouts per read only (a dripping server holds it for ever) and decodes a whole
network chunk (64 MB from 300 kB): measured. Choice: httpx's URL over connections of our own;
`httpx.AsyncClient`, where those habits live, is not used. One request is one request: redirects belong to whoever knows what
may travel with them (feeds/fetch.py).

What is guaranteed for every request, whatever the peer does:
    the dialled address was checked (net/dial.py)          one deadline round everything, however lively the peer
    TLS 1.2 or later, verified                             bodies bounded as received and as decoded
    no cookie, no environment, no header of our own        expected failures are values (`NetFailure`), never exceptions
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Literal

import httpx

from monitor.model import Secret
from monitor.net import decode
from monitor.net.answering import BODILESS, MAX_HEADERS
from monitor.net.connection import LostError, Progress
from monitor.net.dial import CONNECT_TIMEOUT, Resolve, Resolver
from monitor.net.failure import EXPECTED, NetFailure, NetKind, blocked, failure, late
from monitor.net.guard import check_address, check_name, check_url, literal_address
from monitor.net.headers import Lines, http_date
from monitor.net.pool import Pool
from monitor.net.transport import GuardedTransport, Received, Request, tls_context
from monitor.net.urls import basic

__all__ = ["MAX_HEADERS", "Answer", "Http", "NetFailure", "NetKind"]

HeaderLines = Mapping[str, str] | Sequence[tuple[str, str]]

MAX_TARGETS = 16_384
"""Addresses whose parsing is remembered (40 us each time, and polls ask for the same ones again and again)."""

PREFIX, PREFIX_WAIT = 16 * 1024, 2.0
"""Bytes and seconds spent on a body that nobody asked for, once the status is known."""

CUT: tuple[type[Exception], ...] = (TimeoutError, *EXPECTED)
"""What may end a body whose beginning is enough."""

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as received; `headers` are case-insensitive and keep repeated lines (`get_list`)."""

    status: int
    headers: Lines
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
        self._pool = Pool()
        self._transports: dict[tuple[tuple[str, ...], Secret | None], GuardedTransport] = {}

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: HeaderLines = (),
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
        target = _target(url)
        if refused := _refused(target, lines, proxy, allow_networks):
            return refused
        assert isinstance(target, _Target)
        loop = asyncio.get_running_loop()
        ends = loop.time() + deadline.total_seconds()
        try:
            async with asyncio.timeout_at(ends):
                message = _message(method, target, lines, content, progress, deadline)
                response = await self._transport(allow_networks, proxy).ask(message)
                async with aclosing(response):
                    if read == "prefix" or not 200 <= response.status < 300:  # noqa: PLR2004 - by class, RFC 9110 section 15
                        until = min(ends - 0.05, loop.time() + PREFIX_WAIT)
                        return await _read_prefix(response, min(max_body, PREFIX), until)
                    return await _read_all(response, max_body, decode_body=decode_body)
        except TimeoutError:
            return late(progress, deadline)
        except EXPECTED as error:
            return failure(error, progress)

    async def reaches(
        self, url: str, *, deadline: timedelta, allow_networks: tuple[str, ...] = (), proxy: Secret | None = None
    ) -> bool:
        """Tell whether the host of `url` (or the proxy before it) takes a connection; nothing is asked of it."""
        target = _target(url)
        if _refused(target, (), proxy, allow_networks) or not isinstance(target, _Target):
            return False
        try:
            await self._transport(allow_networks, proxy).knock(target.url, deadline.total_seconds())
        except EXPECTED:
            return False
        return True

    async def aclose(self) -> None:
        """Close connections and let the resolver's threads go."""
        for transport in self._transports.values():
            await transport.aclose()
        self._transports.clear()
        self._pool.clear()
        self._resolver.close()

    def _transport(self, allow_networks: tuple[str, ...], proxy: Secret | None) -> GuardedTransport:
        """Return the transport for one set of permissions: a connection opened under one must never serve another."""
        key = (allow_networks, proxy)
        if key not in self._transports:
            self._transports[key] = GuardedTransport(
                resolve=self._resolve,
                tls=self._tls,
                pool=self._pool,
                allow_networks=allow_networks,
                proxy=proxy,
            )
        return self._transports[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """An address as it is asked for, and the Basic authorization that it held."""

    url: httpx.URL
    login: bytes


@lru_cache(maxsize=MAX_TARGETS)
def _target(text: str) -> _Target | str:
    """Return what an address leads to, or what is wrong with it by the rules or by the parser that is used."""
    if sentence := check_url(text):
        return sentence
    try:
        url = httpx.URL(text)
        host = url.host  # raises for what looks like an international name and is none (`xn--a`)
    except (httpx.InvalidURL, ValueError):
        return "The address cannot be read as a URL."
    if not host:
        return "The address names no host."
    login = basic(url.username, url.password).encode("ascii") if url.userinfo else b""
    return _Target(url=url.copy_with(userinfo=b"", fragment=None), login=login)


def _refused(
    target: _Target | str, lines: Sequence[tuple[str, str]], proxy: Secret | None, allow_networks: tuple[str, ...]
) -> NetFailure | None:
    """Return why a request is not even tried."""
    if isinstance(target, str):
        return NetFailure(kind=NetKind.BAD_URL, reason=target)
    if sentence := _bad_headers(lines):
        return NetFailure(kind=NetKind.BAD_URL, reason=sentence)
    return None if proxy is None else _bad_proxying(target, proxy, allow_networks)


def _bad_headers(lines: Sequence[tuple[str, str]]) -> str | None:
    """Return which header cannot be sent: only what fits into Latin-1 without control characters can."""
    for name, value in lines:
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or value != value.strip(" \t"):
            return f"The header {name!a} holds characters that cannot be sent."
    return None


def _bad_proxying(target: _Target, proxy: Secret, allow_networks: tuple[str, ...]) -> NetFailure | None:
    """Return why a URL cannot be asked through a proxy. Public names are the proxy's to resolve; the rest is judged here."""
    if isinstance(_target(proxy.reveal()), str):
        return NetFailure(kind=NetKind.BAD_URL, reason="The proxy's address must be http:// or https:// with a host.")
    literal = literal_address(target.url.host)
    host = target.url.host
    why = check_name(host, allow_networks) if literal is None else check_address(literal, allow_networks)
    return None if why is None else NetFailure(kind=NetKind.BLOCKED, reason=blocked(why))


def _message(
    method: str,
    target: _Target,
    lines: Sequence[tuple[str, str]],
    content: bytes | None,
    progress: Progress,
    deadline: timedelta,
) -> Request:
    """Return the request as it goes out, with the hooks that follow it."""
    pairs = [(name.encode("ascii"), value.encode("latin-1")) for name, value in lines]
    if target.login and all(name.lower() != b"authorization" for name, _ in pairs):
        pairs.append((b"Authorization", target.login))
    return Request(
        method=method,
        url=target.url,
        lines=pairs,
        content=content or b"",
        progress=progress,
        connect_within=min(CONNECT_TIMEOUT, deadline.total_seconds()),
    )


async def _read_all(response: Received, max_body: int, *, decode_body: bool) -> Answer:
    headers = response.headers
    length = headers.get("content-length", "0")
    if response.status not in BODILESS and length.isdecimal() and int(length) > max_body:
        raise decode.TooLargeError(f"The answer says that it has {int(length):,} bytes, more than is taken.")
    chain = decode.decoders(headers.get("content-encoding", "")) if decode_body else ()
    body = decode.Body(max_body=max_body, chain=chain)
    async for chunk in response:
        body.add(chunk)
    if not body.ended:
        raise LostError("the compressed data ends early")
    return _answer(response, bytes(body.content), complete=response.framed or bool(chain))


async def _read_prefix(response: Received, max_body: int, ends: float) -> Answer:
    if response.status in BODILESS:
        return _answer(response, b"", complete=True)
    kept, complete = bytearray(), False
    try:
        async with asyncio.timeout_at(ends):
            async for chunk in response:
                kept += chunk[: max_body - len(kept)]
                if len(kept) >= max_body:
                    break
            else:
                complete = response.framed
    except CUT:
        complete = False
    return _answer(response, _unpacked(bytes(kept), response.headers, max_body), complete=complete)


def _unpacked(kept: bytes, headers: Lines, max_body: int) -> bytes:
    """Return what of a prefix can be read: decoded as far as it goes."""
    try:
        body = decode.Body(max_body=max_body, chain=decode.decoders(headers.get("content-encoding", "")))
    except decode.BadCodingError:
        return b""
    with contextlib.suppress(decode.BadCodingError, decode.TooLargeError):  # what came before the break is enough
        body.add(kept)
    return bytes(body.content)


def _answer(response: Received, body: bytes, *, complete: bool) -> Answer:
    headers = response.headers
    return Answer(
        status=response.status,
        headers=headers,
        body=body,
        complete=complete,
        date=http_date(headers.get("date")),
    )
