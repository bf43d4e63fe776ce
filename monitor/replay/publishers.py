"""The outlets of a scenario as HTTP servers on loopback: what a poller meets, at the virtual moment it comes.

Each outlet listens on an address of its own (127.0.0.N) where the system has them, because a poller treats hosts apart;
elsewhere all share one address and differ in port. Requests are read by a plain protocol and answered with one write:
ten days are 20,000 polls, and both processes share two cores.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import partial
from http import HTTPStatus
from types import TracebackType
from typing import Self

from monitor.replay.clock import Hand
from monitor.replay.editions import Edition, Newsstand
from monitor.replay.formats import CONTENT_TYPES
from monitor.replay.scenario import Format, Misbehaviour, Outlet, PublisherFault, Scenario, ValidatorStyle

MAX_HEAD = 65_536
"""Bytes of a request head; a poller sends a few hundred."""

PATHS = {Format.RSS: "/rss.xml", Format.ATOM: "/atom.xml", Format.RDF: "/index.rdf"}

FIRST_HOST = 11
"""Outlets are 127.0.0.11 and up: 127.0.0.1 is everyone's."""

_PAGE = (
    "<!DOCTYPE html><html><head><title>{name}</title></head><body><h1>{name}</h1>"
    "<p>We are working on our site. Please come back later.</p></body></html>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One request for a feed: when (virtual), whether it was conditional, what was answered (0: nothing)."""

    at: datetime
    conditional: bool
    status: int
    fault: Misbehaviour | None = None


@dataclass(slots=True, kw_only=True)
class Desk:
    """One outlet at work: what it shows, what was asked of it, and what it got to show."""

    outlet: Outlet
    stand: Newsstand
    faults: tuple[PublisherFault, ...]
    url: str = ""
    hits: list[Hit] = field(default_factory=list)
    first_shown: dict[tuple[str, int], datetime] = field(default_factory=dict)
    """When (entry id, number of its state) first stood in a complete, readable answer."""
    last_read: int = -1
    """Number of the edition of the last such answer."""

    def fault_at(self, now: datetime) -> PublisherFault | None:
        """Return what is wrong now (guid faults are in the document itself)."""
        return next((fault for fault in self.faults if fault.start <= now < fault.end), None)

    def is_read(self, now: datetime) -> bool:
        """Tell whether all that the feed shows now has been given out."""
        return self.last_read == self.stand.edition(now).number


class Publishers:
    """All outlets of a scenario, listening. Use as an async context manager."""

    def __init__(
        self,
        scenario: Scenario,
        hand: Hand,
        *,
        until: datetime | None = None,
        on_news: Callable[[Outlet, tuple[tuple[str, int], ...]], None] = lambda _outlet, _shown: None,
    ) -> None:
        """`on_news` hears of entries and states that are given out for the first time; `until` ends publishing."""
        self._hand = hand
        self._on_news = on_news
        self._servers: list[asyncio.Server] = []
        self.connections = set[_Connection]()
        faults = tuple(fault for fault in scenario.faults if isinstance(fault, PublisherFault))
        self.desks: Mapping[str, Desk] = {
            outlet.id: Desk(
                outlet=outlet,
                stand=Newsstand(outlet, scenario, until=until),
                faults=tuple(f for f in faults if outlet.id in f.outlets and f.kind is not Misbehaviour.GUIDS),
            )
            for outlet in scenario.outlets
        }

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        own = has_own_addresses()
        for number, desk in enumerate(self.desks.values()):
            host = f"127.0.{number // 200}.{FIRST_HOST + number % 200}" if own else "127.0.0.1"
            server = await loop.create_server(partial(_Connection, desk, self), host, 0)
            self._servers.append(server)
            port = server.sockets[0].getsockname()[1]
            desk.url = f"http://{host}:{port}{PATHS[desk.outlet.format]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.close()
        for connection in tuple(self.connections):
            connection.drop()
        for server in self._servers:
            await server.wait_closed()

    @property
    def requests(self) -> int:
        """Return how many requests came for feeds."""
        return sum(len(desk.hits) for desk in self.desks.values())

    def forget_reads(self) -> None:
        """Take nothing as read: the reader was killed and may have lost what it had not yet stored."""
        for desk in self.desks.values():
            desk.last_read = -1

    def elsewhere(self) -> Answer:
        """Return the answer to whatever is not the feed."""
        return Answer(status=404, data=_head(404, self._hand.http_date, [("Content-Length", "0")]))

    def answer(self, desk: Desk, request: Mapping[str, str]) -> Answer:
        """Return what the outlet answers to these header fields (lower case) now, and write it down."""
        now = self._hand.now
        fault = desk.fault_at(now)
        edition = desk.stand.edition(now)
        conditional = "if-none-match" in request or "if-modified-since" in request
        answer = _answer(desk.outlet, edition, request, fault, self._hand.http_date, conditional=conditional)
        kind = fault.kind if fault else None
        desk.hits.append(Hit(at=now, conditional=conditional, status=answer.status, fault=kind))
        if answer.shows:
            self._shown(desk, edition, now)
        return answer

    def _shown(self, desk: Desk, edition: Edition, now: datetime) -> None:
        desk.last_read = edition.number
        fresh = tuple(pair for pair in edition.shown if pair not in desk.first_shown)
        for pair in fresh:
            desk.first_shown[pair] = now
        if fresh:
            self._on_news(desk.outlet, fresh)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Bytes for the wire. `status` 0 sends nothing and drops the connection, `close` ends it after the bytes."""

    status: int
    data: bytes = b""
    close: bool = False
    delay: timedelta = timedelta()
    shows: bool = False
    """The whole feed as it is now: given in full, or confirmed by an honest 304."""


def has_own_addresses() -> bool:
    """Tell whether the system lets a server listen on 127.0.0.11 (Linux does, macOS only after configuration)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((f"127.0.0.{FIRST_HOST}", 0))
        except OSError:
            return False
    return True


def _answer(
    outlet: Outlet,
    edition: Edition,
    request: Mapping[str, str],
    fault: PublisherFault | None,
    date: str,
    *,
    conditional: bool,
) -> Answer:
    kind = fault.kind if fault else None
    if fault is not None and kind is Misbehaviour.OUTAGE:
        return Answer(status=0, close=True)
    if fault is not None and kind is Misbehaviour.STATUS:
        return _failure(fault, date)
    if kind is Misbehaviour.HTML:
        body = _PAGE.format(name=outlet.name).encode()
        head = _head(200, date, [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))])
        return Answer(status=200, data=head + body)
    current = _is_current(outlet, edition, request)
    if current or (kind is Misbehaviour.NOT_MODIFIED and conditional):
        return Answer(status=304, data=_head(304, date, _freshness(outlet, edition)), shows=current)
    head, body = _full(outlet, edition, request, date)
    if kind is Misbehaviour.TRUNCATED:
        return Answer(status=200, data=head + body[: len(body) // 2], close=True)
    delay = fault.delay if fault else timedelta()
    return Answer(status=200, data=head + body, delay=delay, shows=True)


def _failure(fault: PublisherFault, date: str) -> Answer:
    lines = [("Content-Type", "text/plain"), ("Content-Length", "0")]
    if fault.retry_after is not None:
        lines.append(("Retry-After", str(int(fault.retry_after.total_seconds()))))
    return Answer(status=fault.status, data=_head(fault.status, date, lines))


def _is_current(outlet: Outlet, edition: Edition, request: Mapping[str, str]) -> bool:
    """Tell whether the client has this edition already (RFC 9110 section 13.2.2: If-None-Match goes first)."""
    tag, since = request.get("if-none-match"), request.get("if-modified-since")
    if tag is not None and outlet.validators in {ValidatorStyle.BOTH, ValidatorStyle.ETAG}:
        return edition.etag in tag
    if since is not None and outlet.validators in {ValidatorStyle.BOTH, ValidatorStyle.LAST_MODIFIED}:
        return since == format_datetime(edition.changed, usegmt=True)
    return False


def _freshness(outlet: Outlet, edition: Edition) -> list[tuple[str, str]]:
    lines = [("Cache-Control", f"max-age={int(outlet.pace.total_seconds())}")]
    if outlet.validators in {ValidatorStyle.BOTH, ValidatorStyle.ETAG}:
        lines.append(("ETag", edition.etag))
    if outlet.validators in {ValidatorStyle.BOTH, ValidatorStyle.LAST_MODIFIED}:
        lines.append(("Last-Modified", format_datetime(edition.changed, usegmt=True)))
    return lines


def _full(outlet: Outlet, edition: Edition, request: Mapping[str, str], date: str) -> tuple[bytes, bytes]:
    packed = outlet.gzip and "gzip" in request.get("accept-encoding", "")
    body = edition.packed if packed else edition.body
    lines = [
        ("Content-Type", f"{CONTENT_TYPES[outlet.format]}; charset={outlet.encoding}"),
        ("Content-Length", str(len(body))),
        ("Vary", "Accept-Encoding"),
        *_freshness(outlet, edition),
    ]
    if packed:
        lines.append(("Content-Encoding", "gzip"))
    return _head(200, date, lines), body


def _head(status: int, date: str, lines: list[tuple[str, str]]) -> bytes:
    text = "".join(f"{name}: {value}\r\n" for name, value in lines)
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nDate: {date}\r\n{text}\r\n".encode("latin-1")


class _Connection(asyncio.Protocol):
    """One client connection, kept alive until the client or a fault ends it."""

    def __init__(self, desk: Desk, publishers: Publishers) -> None:
        self._desk = desk
        self._publishers = publishers
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.TimerHandle | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._publishers.connections.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        if self._waiting:
            self._waiting.cancel()
        self._transport = None
        self._publishers.connections.discard(self)

    def drop(self) -> None:
        """End the connection at once."""
        if self._transport:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
            self._take(head.decode("latin-1"))
        if len(self._buffer) > MAX_HEAD:
            self.drop()

    def _take(self, head: str) -> None:
        first, *lines = head.split("\r\n")
        method, _, rest = first.partition(" ")
        target = rest.rpartition(" ")[0]
        if method != "GET" or target != PATHS[self._desk.outlet.format]:
            self._send(self._publishers.elsewhere())
            return
        pairs = (line.partition(":") for line in lines)
        answer = self._publishers.answer(self._desk, {name.lower(): value.strip() for name, _, value in pairs})
        if answer.delay:
            loop = asyncio.get_running_loop()
            self._waiting = loop.call_later(answer.delay.total_seconds(), self._send, answer)
        else:
            self._send(answer)

    def _send(self, answer: Answer) -> None:
        if self._transport is None or not answer.data:
            self.drop()
            return
        self._transport.write(answer.data)
        if answer.close:
            self._transport.close()
