"""A desk for conformance cases: a publisher on loopback, a feed, a store and a clock, driven step by step from plain tests.

    def test_case_017_a_304_brings_new_validators(desk):
        desk.serve(reply(200, page("a"), {"ETag": '"1"'}), reply(304, headers={"ETag": '"2"'}))
        desk.poll()                                   # at once
        desk.poll()                                   # waits (on the desk's clock) until the feed is due, then polls
        desk.poll()
        assert desk.sent("if-none-match") == [None, '"1"', '"2"']

What runs is what the service runs: the guarded client, parse workers, `pipeline.poll`, commit A into SQLite. Server, client,
workers and store are shared by all tests of a session; a desk begins with all of it empty. For what needs the whole service
(hosts, restarts, alerts) see running.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, TypeVar

from support.feeds import a_feed, rss
from support.http_server import Answer, FakeServer, Request, reply

from monitor.feeds.fetch import HttpFetcher
from monitor.feeds.parse import WorkerParser
from monitor.model import Feed, FeedState, PollFailure, PollResult
from monitor.net.client import Http
from monitor.net.transport import tls_context
from monitor.pipeline import poll
from monitor.store import SqlStore, open_store
from monitor.store.schema import metadata

NOON = datetime(2022, 1, 5, 12, tzinfo=UTC)
"""A Wednesday."""

LEASE = timedelta(minutes=10)
KEPT = {"meta", "audit"}
"""Tables that stay from test to test: what the schema is, and an audit log that refuses to be emptied."""

T = TypeVar("T")


class Requests(list[Request]):
    """The requests a server received, each with the desk's time."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        self.now, self.times = now, list[datetime]()

    def append(self, request: Request, /) -> None:
        self.times.append(self.now())
        super().append(request)

    def clear(self) -> None:
        self.times.clear()
        super().clear()


@dataclass(slots=True, kw_only=True)
class House:
    """What all desks of a session share."""

    runner: asyncio.Runner
    server: FakeServer
    other: FakeServer
    """Another origin (the same host at another port, and of another name: localhost)."""
    http: Http
    parser: WorkerParser
    store: SqlStore
    time: list[datetime]
    """The present; a list, so that servers and desks see the same."""

    def empty(self) -> None:
        """Forget what the test before did."""
        self.time[0] = NOON
        for server in (self.server, self.other):
            server.requests.clear()
            server._scripts.clear()
        self.empty_store()

    def empty_store(self) -> None:
        """Lose all that was stored."""
        with self.store._database.writing() as connection:
            for table in reversed(metadata.sorted_tables):
                if table.name not in KEPT:
                    connection.execute(table.delete())


@contextmanager
def open_house() -> Iterator[House]:
    """Open everything, and close it in the end."""
    store = open_store("sqlite://")
    store.migrate()
    time = [NOON]
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def opened() -> House:
            http, parser = Http(tls=tls_context()), WorkerParser()
            stack.push_async_callback(http.aclose)
            stack.push_async_callback(parser.aclose)
            servers = [
                await stack.enter_async_context(FakeServer(name=name, requests=Requests(lambda: time[0])))
                for name in (None, "localhost")
            ]
            return House(
                runner=runner, server=servers[0], other=servers[1], http=http, parser=parser, store=store, time=time
            )

        try:
            yield runner.run(opened())
        finally:
            runner.run(stack.aclose())
            store.close()


@dataclass(slots=True, kw_only=True)
class Desk:
    """One feed at `/feed` of `server` (pace 5 min, floor 1 min) and whatever a test adds."""

    house: House
    situation: str = "kz"
    feeds: dict[str, Feed] = field(default_factory=dict)
    last: PollResult | None = None
    """What the last poll came to."""

    # --- the world ------------------------------------------------------------------------------------------------

    @property
    def server(self) -> FakeServer:
        return self.house.server

    @property
    def other(self) -> FakeServer:
        return self.house.other

    @property
    def store(self) -> SqlStore:
        return self.house.store

    def now(self) -> datetime:
        """Return the present (this makes the desk a `ports.Clock`)."""
        return self.house.time[0]

    def advance(self, by: timedelta) -> None:
        """Let time pass; less than none sets the clock back."""
        self.house.time[0] += by

    def date(self, ahead: timedelta = timedelta(0)) -> str:
        """Return an HTTP-date, `ahead` of the present."""
        return format_datetime(self.now() + ahead, usegmt=True)

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        """Run something asynchronous; servers live only meanwhile."""
        return self.house.runner.run(doing)

    def serve(self, *answers: Answer, path: str = "/feed", server: FakeServer | None = None) -> None:
        """Answer a path with these, one after another; the last one repeats."""
        (server or self.server).on(path, *answers)

    # --- the feed -------------------------------------------------------------------------------------------------

    def configure(self, *feeds: Feed) -> None:
        """Let these be the configured feeds, due at once where they are new."""
        self.feeds = {feed.id: feed for feed in feeds}
        self.store.sync_feeds(self.situation, feeds, self.now(), dict.fromkeys(self.feeds, self.now()))

    def feed(self, url: str | None = None, **fields: Any) -> Feed:
        """Configure one feed (`/feed` of the server unless told otherwise) with these fields, and return it."""
        feed = a_feed(url or self.server.url("/feed"), **({"situation": self.situation} | fields))
        self.configure(*({**self.feeds, feed.id: feed}.values()))
        return feed

    def state(self, feed_id: str = "news") -> FeedState:
        """Return what is stored of a feed."""
        state = self.store.feed_state(feed_id)
        assert state is not None
        return state

    def rest(self, feed_id: str = "news") -> timedelta:
        """Return how long the feed rests from now on."""
        return self.state(feed_id).due_at - self.now()

    # --- polling --------------------------------------------------------------------------------------------------

    def poll(self, feed_id: str = "news", *, at_once: bool = False, jitter: float = 0.0) -> PollResult:
        """Wait until the feed is due (or ask for it `at_once`), poll it, and save what came: as the service does."""
        result = self.fetched(feed_id, at_once=at_once, jitter=jitter)
        assert not self.store.save_polls([result])
        return result

    def polls(self, times: int) -> list[PollResult]:
        """Poll so many times."""
        return [self.poll() for _ in range(times)]

    def fetched(self, feed_id: str = "news", *, at_once: bool = False, jitter: float = 0.0) -> PollResult:
        """Poll without commit A: as if the process were killed before it."""
        state = self._leased(feed_id, at_once=at_once)
        self.last = self.run(
            poll(
                self.feeds[feed_id],
                state,
                fetcher=HttpFetcher(self.house.http, contact="https://desk.example/contact"),
                parser=self.house.parser,
                clock=self,
                jitter=jitter,
                pause=no_pause,
            )
        )
        return self.last

    def _leased(self, feed_id: str, *, at_once: bool) -> FeedState:
        if at_once:
            self.store.poll_now([feed_id], self.now())
        self.house.time[0] = max(self.now(), self.state(feed_id).due_at)
        mine: FeedState | None = None
        others = list[tuple[str, str, datetime]]()
        for state in self.store.claim_due_feeds(self.situation, self.now(), 1000, LEASE):
            assert state.lease is not None
            if state.feed_id == feed_id:
                mine = state
            else:
                others.append((state.feed_id, state.lease, state.due_at))
        self.store.postpone(others)
        assert mine is not None
        return mine

    # --- what was seen --------------------------------------------------------------------------------------------

    @property
    def requests(self) -> list[Request]:
        """Return the requests that the server received."""
        return self.server.requests

    def times(self, path: str = "/feed", server: FakeServer | None = None) -> list[datetime]:
        """Return when the requests for a path came."""
        requests = (server or self.server).requests
        assert isinstance(requests, Requests)
        return [time for time, request in zip(requests.times, requests, strict=True) if request.path == path]

    def sent(self, name: str, path: str | None = None) -> list[str | None]:
        """Return the value of a header in each request (to a path)."""
        return [request.header(name) for request in self.requests if path is None or request.path == path]

    def titles(self) -> str:
        """Return the titles of the last poll's new entries in a row; its failure fails the test."""
        assert self.last is not None
        assert self.last.state.failure is None, self.last.state.failure
        return "".join(entry.title for entry in self.last.entries)

    def failure(self) -> PollFailure:
        """Return why the last poll failed; that it did not fails the test."""
        assert self.last is not None
        assert self.last.state.failure is not None
        return self.last.state.failure

    def waiting(self) -> int:
        """Return how many entries wait to be decided."""
        return self.store.intake_waiting(self.situation)

    def rests(self, times: int) -> list[timedelta]:
        """Poll so many times; return how long the feed rests after each."""
        found = []
        for _ in range(times):
            self.poll()
            found.append(self.rest())
        return found

    def title_of(self, body: bytes, content_type: str | None = "application/rss+xml", **headers: str) -> str:
        """Return the titles that one poll of this document finds."""
        self.serve(reply(200, body, {**({"Content-Type": content_type} if content_type else {}), **headers}))
        self.poll()
        return self.titles()


async def no_pause(_seconds: float) -> None:
    """Archives of a test need no rest."""


def page(names: str, *, channel: str = "") -> bytes:
    """Return an RSS document whose entries have one letter each for name, newest first."""
    return rss(*(f"<guid>{name}</guid><title>{name}</title>" for name in names), channel=channel)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def days(number: float) -> timedelta:
    return timedelta(days=number)
