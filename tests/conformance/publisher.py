"""The feeds that a poller is scored with: publishers of every kind on two hosts of this machine, and a log of what they were asked.

async with publishing(clock) as publisher:
    publisher.offers        what to configure
    publisher.exchanges     what was asked and answered so far
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from conformance.scoring import Exchange, Offer
from support.feeds import rss
from support.http_server import FakeServer, Request, reply

START = datetime(2022, 1, 3, 6, tzinfo=UTC)
PACE = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
SHOWN = 10
"""Entries in a document."""

Said = dict[str, str]
Reply = tuple[int, Said, bytes]
Kind = Callable[["Asked"], Reply]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as a publisher sees it."""

    at: datetime
    name: str
    number: int
    """How many there were before."""
    etag: str | None
    modified: str | None

    def edition(self, every: timedelta) -> int:
        """Return the number of the edition of now."""
        return (self.at - START) // every


# --- kinds of publishers ----------------------------------------------------------------------------------------------


def document(name: str, edition: int, *, every: timedelta = 40 * MINUTE, channel: str = "") -> bytes:
    """Return a document with its last entries, newest first."""
    return rss(
        *(
            f"<guid>{name}-{number}</guid><title>Report {number} of {name}</title>"
            f"<pubDate>{date(START + number * every)}</pubDate>"
            for number in range(edition, edition - SHOWN, -1)
        ),
        channel=channel,
    )


def news(
    *,
    etag: bool = True,
    modified: bool = False,
    every: timedelta = 40 * MINUTE,
    always: Mapping[str, str] | None = None,
    zone: str = "GMT",
    channel: str = "",
) -> Kind:
    """An ordinary publisher: an edition every now and then, validators of these kinds, and these headers with 200 and 304."""

    def answer(asked: Asked) -> Reply:
        edition = asked.edition(every)
        told = f'"{asked.name}-{edition}"'
        when = date(START + edition * every).replace("GMT", zone)
        said = {**({"ETag": told} if etag else {}), **({"Last-Modified": when} if modified else {}), **(always or {})}
        same = asked.etag == told if asked.etag else asked.modified == when
        if same:
            return 304, said, b""
        return 200, said, document(asked.name, edition, every=every, channel=channel)

    return answer


def touched(asked: Asked) -> Reply:
    """The file is touched every hour: new validators, the same bytes."""
    said = {
        "ETag": f'"{asked.edition(60 * MINUTE)}"',
        "Last-Modified": date(START + asked.edition(60 * MINUTE) * 60 * MINUTE),
    }
    return (304, said, b"") if asked.etag == said["ETag"] else (200, said, document(asked.name, 0))


def renewing(asked: Asked) -> Reply:
    """Each 304 brings a new ETag."""
    return (304 if asked.etag else 200), {"ETag": f'"{asked.number}"'}, b"" if asked.etag else document(asked.name, 0)


def skewed(asked: Asked) -> Reply:
    """A server whose clock is three years behind, and which says `Expires`."""
    now = asked.at - timedelta(days=1100)
    said = {"Date": date(now), "Expires": date(now + 45 * MINUTE)}
    status, told, body = news()(asked)
    return status, {**told, **said}, body


def busy(every: int, status: int, wait: Callable[[datetime], Said]) -> Kind:
    """A server that is too busy every so many requests."""

    def answer(asked: Asked) -> Reply:
        return (status, wait(asked.at), b"") if asked.number % every == every - 1 else news(modified=True)(asked)

    return answer


def failing(asked: Asked) -> Reply:
    """A server that is broken for three hours every eight."""
    broken = (asked.at - START) % timedelta(hours=8) >= timedelta(hours=5)
    return (500, {}, b"Oops") if broken else news()(asked)


def moved(status: int, location: str) -> Kind:
    """An address that leads elsewhere, with everything that must not travel along."""
    said = {"Location": location, "ETag": '"of the redirect"', "Set-Cookie": "way=1; Path=/"}
    return lambda _: (status, said, b"")


def in_half_an_hour(at: datetime) -> Said:
    return {"Retry-After": date(at + 40 * MINUTE), "Date": date(at)}


def date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


# --- serving them -----------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Publisher:
    """Two hosts, what they offer, and what they were asked."""

    here: FakeServer
    there: FakeServer
    clock: Callable[[], datetime]
    kinds: dict[str, Kind] = field(default_factory=dict)
    """By address without query."""
    names: dict[str, str] = field(default_factory=dict)
    offers: list[Offer] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    asked: dict[str, int] = field(default_factory=dict)

    def offer(
        self, name: str, kind: Kind, *, server: FakeServer | None = None, query: str = "", **fields: object
    ) -> None:
        """Offer one feed."""
        url = (server or self.here).url(f"/{name}")
        self.kinds[url], self.names[url] = kind, name
        self.offers.append(Offer(name=name, url=url + query, pace=PACE, **fields))  # type: ignore[arg-type]

    def leads(self, name: str, status: int, **fields: object) -> None:
        """Offer a feed that is found at the other host."""
        target = self.there.url(f"/{name}-target")
        self.kinds[target], self.names[target] = news(modified=True), f"{name}-target"
        self.offer(name, moved(status, target), leads_to=(target,), **fields)

    def answering(self, server: FakeServer) -> Callable[[Request, asyncio.StreamWriter], object]:
        """Return what answers all requests to a host, and keeps the log."""

        async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
            url, at = server.url(request.path), self.clock()
            number = self.asked[url] = self.asked.get(url, -1) + 1
            asked = Asked(
                at=at,
                name=self.names.get(url, ""),
                number=number,
                etag=request.header("if-none-match"),
                modified=request.header("if-modified-since"),
            )
            status, said, body = self.kinds[url](asked) if url in self.kinds else (404, {}, b"")
            self.exchanges.append(
                Exchange(
                    at=at, url=server.url(request.target), headers=request.headers, status=status,
                    answered=tuple(said.items()),
                )
            )  # fmt: skip
            await reply(status, body, said)(request, writer)

        return answer


@asynccontextmanager
async def publishing(clock: Callable[[], datetime]) -> AsyncIterator[Publisher]:
    """Serve all kinds of feeds. `clock` tells the true time."""
    async with FakeServer() as here, FakeServer(name="localhost") as there:
        publisher = Publisher(here=here, there=there, clock=clock)
        for server in (here, there):
            server.on("*", publisher.answering(server))  # type: ignore[arg-type]
        hour, cookies = {"Cache-Control": "public, max-age=3600"}, {"Set-Cookie": "session=1; Path=/"}
        publisher.offer("etag", news())
        publisher.offer("modified", news(etag=False, modified=True))
        publisher.offer("both", news(modified=True))
        publisher.offer("none", news(etag=False))
        publisher.offer("weak-odd-date", news(modified=True, zone="+0600"))
        publisher.offer("touched", touched)
        publisher.offer("renewing", renewing)
        publisher.offer("slow", news(modified=True, every=timedelta(hours=9)))
        publisher.offer("fast", news(every=MINUTE))
        publisher.offer("max-age", news(always=hour))
        publisher.offer("max-age-and-age", news(always={**hour, "Age": "600"}))
        publisher.offer("expires-skewed", skewed)
        publisher.offer("no-store", news(modified=True, always={"Cache-Control": "no-store"}))
        publisher.offer("ttl", news(channel="<ttl>60</ttl>"), least=timedelta(hours=1))
        publisher.offer("cookies", news(always=cookies))
        publisher.offer("query", news(), query="?format=rss&x")
        publisher.offer("failing", failing)
        publisher.offer("with-login", news(), credentials="Basic cmVhZGVyOnBhNTV3b3Jk")
        publisher.offer("busy-503", busy(4, 503, in_half_an_hour))
        publisher.offer("busy-429", busy(5, 429, lambda _: {"Retry-After": "1800"}), server=there)
        publisher.offer("neighbour", news(), server=there)
        publisher.leads("moved-301", 301)
        publisher.leads("away-302", 302)
        publisher.leads("login-302", 302, credentials="Basic cmVhZGVyOnBhNTV3b3Jk")
        yield publisher
