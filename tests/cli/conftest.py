"""A desk to run commands at: a configuration, a data directory with a filled store, and a runner."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import values
from support.http_server import FakeServer
from typer.testing import CliRunner, Result

from monitor.cli import app
from monitor.model import (
    ChangeKind,
    DeliveryState,
    Disposition,
    Endpoint,
    FailureKind,
    FeedState,
    PollFailure,
    PollResult,
    PushState,
    Secret,
    Subscription,
)
from monitor.service.control import ControlServer, socket_path
from monitor.store import SqlStore, open_store

MONITOR = """\
situation: {id: kazakhstan, name: Kazakhstan, zone: Asia/Almaty}
defaults: {alert_window: 24h}
http: {listen: none}
channels:
  log: {kind: console}
  book: {kind: jsonl, path: alerts.jsonl}
routes:
  desk: {channels: [log, book]}
  night: {channels: [book], watches: [fuel]}
"""

FEEDS = """\
# Feeds of the desk; this comment stays.
feeds:
- {id: tengri, name: Tengrinews, url: "https://tengri.example/rss", language: ru, group: national}
- {id: vlast, name: Власть, url: "https://vlast.example/rss", pace: 10m}
- {id: zakon, name: Zakon, url: "https://zakon.example/rss"}
- {id: fresh, name: Fresh, url: "https://fresh.example/rss"}
- {id: off, name: Off, url: "https://off.example/rss", enabled: false, reason: it moved behind a wall}
"""

WATCHES = """\
# Watches of the desk; this comment stays.
watches:
- {name: unrest, title: Unrest, any: [митинг, митинги, протест, rally], severity: warning}
- {name: fuel, title: Fuel, any: [газ], all: [[цена, цены]], groups: [national]}
- {name: quiet, any: [rally], enabled: false}
"""

R1, R2, R3 = "r1ab01" + "0" * 26, "r1ab02" + "0" * 26, "r1ff03" + "0" * 26
S1, A1 = "s1" + "a" * 30, "a1" + "b" * 30
SENT, DEAD, WAITS = "d1" + "1" * 30, "d1" + "2" * 30, "d1" + "3" * 30

HUB = "https://hub.example/"

HOSTILE = "Митинг \x1b[2J[red]в Алматы[/red]\u202e прошёл"


NEWS = """<?xml version="1.0" encoding="windows-1251"?>
<rss version="2.0"><channel><title>Вести</title><ttl>15</ttl>
<item><title>Митинг в Актау</title><link>http://n.example/1</link><guid>1</guid><pubDate>{at}</pubDate></item>
<item><title>Погода</title><link>http://n.example/2</link><guid>2</guid><pubDate>{at}</pubDate></item>
</channel></rss>"""


@dataclass(frozen=True)
class Desk:
    """Where a test works."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "config"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def run(self, *arguments: str, code: int = 0, **environ: str) -> Result:
        """Run a command on this desk's configuration and check its exit code."""
        result = CliRunner().invoke(app, [*arguments, "--config", str(self.config)], env=environ or None)
        shown = f"{result.stdout}\n{result.stderr}\n{result.exception!r}"
        assert result.exit_code == code, shown
        assert "Traceback" not in result.stderr, shown
        return result

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Run a command with --json and return its one document."""
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def open(self) -> SqlStore:
        return open_store("sqlite:///monitor.db", data_dir=self.data)

    def own_feeds(self, **urls: str) -> None:
        """Put feeds on this machine in the place of the desk's."""
        rows = "".join(
            f"- {{id: {name}, name: {name}, url: '{url}', group: national, allow_networks: [127.0.0.0/8]}}\n"
            for name, url in urls.items()
        )
        (self.config / "feeds.yaml").write_text(f"# Own feeds.\nfeeds:\n{rows}")

    def feeds_text(self) -> str:
        return (self.config / "feeds.yaml").read_text()

    def watches_text(self) -> str:
        return (self.config / "watches.yaml").read_text()


@pytest.fixture
def empty_desk(tmp_path: Path) -> Desk:
    """A configuration whose service never ran."""
    config = tmp_path / "config"
    config.mkdir()
    for name, text in (("monitor.yaml", MONITOR), ("feeds.yaml", FEEDS), ("watches.yaml", WATCHES)):
        (config / name).write_text(text)
    return Desk(tmp_path)


@pytest.fixture(scope="session")
def filled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with something of everything, an hour old."""
    folder = tmp_path_factory.mktemp("filled")
    store = open_store("sqlite:///monitor.db", data_dir=folder)
    store.migrate()
    _fill(store, datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1))
    store.close()
    return folder / "monitor.db"


@pytest.fixture
def desk(empty_desk: Desk, filled_file: Path) -> Iterator[Desk]:
    """A configuration with a store that was worked on."""
    empty_desk.data.mkdir()
    shutil.copyfile(filled_file, empty_desk.data / "monitor.db")
    return empty_desk


def _fill(store: SqlStore, at: datetime) -> None:
    feeds = [values.feed(name) for name in ("tengri", "vlast", "zakon")]
    store.sync_feeds(values.KZ, feeds, at, {feed.id: at for feed in feeds})
    for state in store.claim_due_feeds(values.KZ, at, 10, values.MINUTE):
        store.save_polls([_polled(state, at)])
    store.save_subscription(_subscription(at))
    _decide(store, at)
    _deliver(store, at)


def _polled(state: FeedState, at: datetime) -> PollResult:
    due = at + timedelta(hours=2)
    match state.feed_id:
        case "tengri":
            entries = tuple(values.entry(number) for number in (1, 2, 3, 4))
            result = values.polled(state, *entries, at=at)
            seen = replace(result.state, last_entry_at=at, entries=4, due_at=due, rhythm=timedelta(minutes=12))
            gap = "Between 08:00 and 09:00 entries may be missing."
            pushed = replace(seen, hub=HUB, topic=state.url, pushed=True, gaps=2, gap_at=at, gap=gap)
            return replace(result, state=pushed)
        case "vlast":
            failure = PollFailure(kind=FailureKind.SERVER_ERROR, reason="The server failed (503).", status=503)
            failing = replace(state, lease=None, failures=3, failure=failure, failing_since=at, due_at=due)
            return PollResult(state=failing, lease=state.lease or "", at=at)
        case _:
            old = at - timedelta(days=9)
            seen = replace(state, lease=None, last_success_at=at, last_entry_at=old, entries=7, due_at=due)
            silent = replace(seen, hub=HUB, topic=state.url)
            return PollResult(state=silent, lease=state.lease or "", at=at)


def _subscription(at: datetime) -> Subscription:
    return Subscription(
        token="secret-token",
        feed_id="tengri",
        hub=HUB,
        topic="https://tengri.example/rss",
        secret=Secret("hub-secret"),
        state=PushState.ACTIVE,
        asked_at=at,
        verified_at=at,
        lease_until=at + timedelta(days=7),
        pushes=5,
        rejected=1,
    )


def _decide(store: SqlStore, at: datetime) -> None:
    first = values.report(R1, title="Протест в Жанаозене", text="Задержаны 12 человек", seen_at=at, story_id=S1)
    edited = replace(first, title="Протест в Актау", text="Задержаны 15 человек", version=2)
    copy = values.report(R2, outlet="vlast", source="Власть", title="Протест в Актау", seen_at=at, story_id=S1)
    other = values.report(R3, title=HOSTILE, seen_at=at + 30 * values.MINUTE, story_id="s1" + "c" * 30)
    with store.deciding(values.KZ) as tx:
        waiting = tx.intake(10)
        changes = [
            values.new(waiting[0], first),
            replace(values.new(waiting[1], edited), kind=ChangeKind.REVISED),
            values.new(waiting[2], copy),
            values.new(waiting[3], other),
        ]
        tx.commit(
            values.decision(
                *changes,
                sketches=(values.sketch(edited, S1), values.sketch(copy, S1), values.sketch(other, other.story_id)),
                stories=(
                    values.story(S1, title="Протест в Актау", opened_at=at, updated_at=at, reports=2, sources=2),
                    values.story(other.story_id, title=HOSTILE, opened_at=at, updated_at=at),
                ),
                listings=(
                    values.listing(R1, at=at, alert_id=A1),
                    values.listing(R2, at=at, alert_id=A1, disposition=Disposition.COPY),
                ),
                alerts=(
                    values.alert(
                        A1, at=at, headline=edited.title, report=edited, story_id=S1, matches=(values.match(R1),)
                    ),
                ),
                deliveries=(
                    values.delivery(SENT, alert_id=A1, channel="book", due_at=at, created_at=at),
                    values.delivery(DEAD, alert_id=A1, channel="gone", due_at=at, created_at=at),
                    values.delivery(WAITS, alert_id=A1, channel="log", due_at=at, created_at=at),
                ),
            )
        )


def _deliver(store: SqlStore, at: datetime) -> None:
    (sent,) = store.claim_due_deliveries("book", at, 1, values.MINUTE)
    made = values.attempt(sent, started_at=at, detail="written to alerts.jsonl")
    healthy = Endpoint(channel="book", last_success_at=at)
    store.save_attempt(values.ended(sent, finished_at=at), sent.lease or "", made, healthy, ())
    (dead,) = store.claim_due_deliveries("gone", at, 1, values.MINUTE)
    refused = values.attempt(dead, started_at=at, outcome="gone", reason="gone", detail="410 Gone", status=410)
    ailing = Endpoint(channel="gone", failures=1, gone=True, reason="410 Gone")
    ended = values.ended(dead, DeliveryState.DEAD, finished_at=at, reason="the receiver is gone (410)")
    store.save_attempt(ended, dead.lease or "", refused, ailing, ())


# --- a service and a publisher beside the commands ----------------------------------------------------------------------


class Loop:
    """An event loop in a thread, for servers that commands (with loops of their own) talk to."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=20)

    def close(self) -> None:
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Service:
    """What stands for a running service: the real control socket, answers given by the test, requests kept."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.answers: dict[str, Any] = {}

    async def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        self.requests.append(request)
        answer = self.answers[request["op"]]
        result = answer(request) if callable(answer) else answer
        if isinstance(result, Exception):
            raise result
        return result

    @property
    def ops(self) -> list[str]:
        return [request["op"] for request in self.requests]


@pytest.fixture
def loop() -> Iterator[Loop]:
    running = Loop()
    yield running
    running.close()


@pytest.fixture
def service(desk: Desk, loop: Loop) -> Iterator[Service]:
    """A service that answers on the desk's control socket."""
    answering = Service()
    server = ControlServer(socket_path(desk.data), answering.handle)
    loop.run(server.start())
    yield answering
    loop.run(server.stop())


@pytest.fixture
def news() -> bytes:
    """A feed of two entries, ten minutes old."""
    at = datetime.now(UTC) - timedelta(minutes=10)
    return NEWS.format(at=at.strftime("%a, %d %b %Y %H:%M:%S GMT")).encode("cp1251")


@pytest.fixture
def publisher(loop: Loop) -> Iterator[FakeServer]:
    server = FakeServer()
    loop.run(server.__aenter__())
    yield server
    loop.run(server.__aexit__(None, None, None))
