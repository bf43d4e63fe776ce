"""A desk that is pushed: real store, HTTP server, hub, parse worker and decider; only the clock is ours."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import trustme

from monitor.feeds.parse import WorkerParser
from monitor.model import Alert, FeedState, PollResult
from monitor.net.client import Http
from monitor.pipeline import Setup
from monitor.service.build import build_setup
from monitor.service.callback import Callback
from monitor.service.decider import Decider
from monitor.service.hubs import Hubs
from monitor.service.pusher import Pusher
from monitor.service.subscriber import Subscriber
from monitor.settings import load
from monitor.store import SqlStore, open_store
from monitor.web import HttpServer, make_app
from support.http_server import FakeServer
from support.hub import FakeHub

NOON = datetime(2022, 1, 5, 12, tzinfo=UTC)
TOPIC = "https://paper.example/feed"
PUBLIC = "https://monitor.example/in"


class Hands:
    """A clock whose hands are moved by the test."""

    def __init__(self, now: datetime = NOON) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time


@cache
def authority() -> trustme.CA:
    return trustme.CA()


def serving() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert("127.0.0.1").configure_cert(context)
    return context


@dataclass(slots=True, kw_only=True)
class PushDesk:
    """All parts; `now` moves, nothing else does by itself but what was started."""

    place: Path
    store: SqlStore
    clock: Hands
    setup: Setup
    subscriber: Subscriber
    pusher: Pusher
    decider: Decider
    web: HttpServer
    hub: FakeHub
    entries: asyncio.Event
    changed: asyncio.Event

    def configure(self, *names: str) -> None:
        """Let these feeds be the configured ones."""
        write(self.place, names)
        self.setup = build_setup(load(self.place / "config", environ={}), None, {})  # type: ignore[arg-type]  # no channel sends
        feeds = tuple(self.setup.feeds.values())
        now = self.clock.now()
        self.store.sync_feeds(self.setup.situation, feeds, now, {feed.id: now for feed in feeds})

    def found(self, feed_id: str = "paper", *, hub: str | None = "", topic: str | None = TOPIC, **fields: Any) -> None:
        """Let a poll have found this hub (by default the real one) and save what else is given."""
        now = self.clock.now()
        self.store.poll_now([feed_id], now)
        for state in self.store.claim_due_feeds(self.setup.situation, now, 1000, timedelta(minutes=1)):
            changes = {"hub": self.hub.url if hub == "" else hub, "topic": topic if hub is not None else None, **fields}
            mine = changes if state.feed_id == feed_id else {}
            after = replace(
                state, lease=None, filled=True, last_success_at=now, due_at=now + timedelta(minutes=5), **mine
            )
            self.store.save_polls([poll_result(state, after, now)])

    def state(self, feed_id: str = "paper") -> FeedState:
        """Return a feed's row."""
        state = self.store.feed_state(feed_id)
        assert state is not None
        return state

    async def look(self) -> None:
        """Look for what is due, and wait until all hubs have answered."""
        await self.subscriber.look(self.clock.now())
        await self.asked()

    async def asked(self) -> None:
        """Wait until no hub is being asked."""
        await self._until(lambda: not self.subscriber.in_flight)

    async def read(self) -> None:
        """Wait until all pushes are read and decided."""
        await self._until(lambda: not self.pusher.busy and not self.decider.busy and not self.entries.is_set())

    async def subscribed(self) -> None:
        """Subscribe to what was found, verified."""
        before = len(self.hub.said)
        await self.look()
        await self.hub.verified(before + 1)

    def headlines(self) -> list[str]:
        """Return the alerts of stories, oldest first."""
        return [alert.headline for alert in reversed(self.store.alerts(limit=1000)) if alert.kind.value == "story"]

    async def _until(self, done: Any) -> None:
        async with asyncio.timeout(30):
            while not done():
                self.changed.clear()
                if not done():
                    await self.changed.wait()


def poll_result(before: FeedState, after: FeedState, now: datetime) -> PollResult:
    assert before.lease is not None
    return PollResult(state=after, lease=before.lease, at=now)


def write(place: Path, names: tuple[str, ...]) -> None:
    """Write a configuration with these feeds and one channel."""
    config = place / "config"
    config.mkdir(exist_ok=True)
    config.joinpath("monitor.yaml").write_text(
        f"situation: {{id: kz, name: Kazakhstan, zone: Asia/Almaty}}\nstore: {{data_dir: {place / 'data'}}}\n"
        "channels:\n  hook: {kind: webhook, url: 'https://receiver.example/hook', secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'}\n"
        "routes:\n  desk: {channels: [hook]}\n"
    )
    config.joinpath("feeds.yaml").write_text(
        "feeds:\n"
        + "".join(
            f"- {{id: {name}, name: {name.title()}, url: 'https://{name}.example/feed', pace: 5m, allow_networks: [127.0.0.0/8]}}\n"
            for name in names
        )
    )
    config.joinpath("watches.yaml").write_text("watches:\n- {name: unrest, title: Unrest, any: [protest]}\n")


@contextlib.asynccontextmanager
async def push_desk(
    place: Path,
    *,
    secure: bool = True,
    names: tuple[str, ...] = ("paper",),
    reads: bool = False,
    on_alerts: Callable[[tuple[Alert, ...]], None] = lambda _: None,
) -> AsyncIterator[PushDesk]:
    """Run all parts around a store in `place`; with `reads`, pushes are read and decided."""
    place.joinpath("data").mkdir(exist_ok=True)
    authority().cert_pem.write_to_path(str(place / "ca.pem"))
    store = open_store(f"sqlite:///{place}/data/monitor.db")
    store.migrate()
    http, parser, clock = Http(ca_file=place / "ca.pem"), WorkerParser(workers=2), Hands()
    entries, changed = asyncio.Event(), asyncio.Event()
    running: list[asyncio.Task[None]] = []
    try:
        async with asyncio.TaskGroup() as tasks, FakeServer(tls=serving() if secure else None) as server:
            desk: PushDesk

            async def tell(headline: str, facts: Any) -> None:
                raise AssertionError(headline, facts)

            subscriber = Subscriber(
                store=store, hubs=Hubs(http, public_url=PUBLIC, contact="desk@monitor.example"), clock=clock, tasks=tasks,
                setup=lambda: desk.setup, on_change=changed,
            )  # fmt: skip
            pusher = Pusher(
                store=store, parser=parser, clock=clock, tasks=tasks, setup=lambda: desk.setup, note=subscriber.note,
                on_entries=entries, on_change=changed,
            )  # fmt: skip
            decider = Decider(
                store=store, clock=clock, setup=lambda: desk.setup, on_entries=entries, on_alerts=on_alerts,
                on_change=changed, polling=lambda: False, tell=tell,
            )  # fmt: skip
            callback = Callback(subscriber=subscriber, pusher=pusher, store=store, clock=clock)
            web = HttpServer("127.0.0.1:0", make_app(health=well, callback=callback))
            await web.start()
            async with FakeHub(server=server, reach=web.port) as hub:
                desk = PushDesk(
                    place=place, store=store, clock=clock, setup=None, subscriber=subscriber, pusher=pusher,  # type: ignore[arg-type]
                    decider=decider, web=web, hub=hub, changed=changed, entries=entries,
                )  # fmt: skip
                desk.configure(*names)
                if reads:
                    running = [tasks.create_task(pusher.run()), tasks.create_task(decider.run())]
                try:
                    yield desk
                finally:
                    subscriber.cancel()
                    for task in running:
                        task.cancel()
                    await web.stop()
    finally:
        await parser.aclose()
        await http.aclose()
        store.close()


async def well() -> tuple[str, ...]:
    return ()


def rss(*items: tuple[str, str], now: datetime = NOON) -> bytes:
    """An RSS document of (slug, title), newest first."""
    rows = "".join(
        f"<item><title>{escape(title)}</title><link>/{slug}</link><guid isPermaLink='false'>{slug}</guid>"
        f"<description>{escape(title)} today.</description><pubDate>{now:%a, %d %b %Y %H:%M:%S} GMT</pubDate></item>"
        for slug, title in items
    )
    return f"<rss version='2.0'><channel><title>Paper</title><link>https://paper.example/</link>{rows}</channel></rss>".encode()
