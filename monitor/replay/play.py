"""One replay from the files to the account: sets the parts up, plays, reads what came of it, and cleans up."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.errors import UsageError
from monitor.model import DeliveryState
from monitor.replay.child import Child, Connect
from monitor.replay.clock import Hand
from monitor.replay.driver import Driver, Pacing, window
from monitor.replay.evidence import Evidence, read_store
from monitor.replay.inbox import Inbox
from monitor.replay.loading import load_scenario
from monitor.replay.publishers import Publishers
from monitor.replay.result import ReplayResult
from monitor.replay.rundir import SECRET, Addresses, write_config
from monitor.replay.scenario import Outlet, ReceiverFault, Scenario
from monitor.replay.summary import summarise
from monitor.replay.view import View
from monitor.settings.load import load
from monitor.settings.values import Settings
from monitor.store import open_store

MARK = "written-by-monitor-replay"
"""Stands in every out directory; without it nothing there is touched."""

MADE = ("mails", "hooks", "config", "service.log", "summary.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """What to play and how. A plain date is a whole day in the scenario's zone; a time without offset is in that zone."""

    scenario: Path
    config_dir: Path
    """Whose watches, routes, defaults and templates are used."""
    out: Path
    """Where mails, webhooks, the run's configuration, the service's log and the summary go."""
    start: date | datetime | None = None
    end: date | datetime | None = None
    speed: float | None = None
    """Virtual seconds per real second; None plays as fast as the service works."""
    kills: int = 0
    seed: int = 1
    data_dir: Path | None = None
    """Kept when given; a temporary one otherwise."""
    store_url: str | None = None
    command: Sequence[str] = (sys.executable, "-m", "monitor")
    """The program to play with."""


async def replay(options: ReplayOptions, *, view: View, connect: Connect) -> ReplayResult:
    """Play a scenario through the real service and return the account.

    `connect` opens the control socket of the service of a data directory. Raises `ScenarioError` for a scenario that
    cannot be played or a service that ends by itself, `UsageError` for an out directory that holds something else.
    """
    scenario = load_scenario(options.scenario)
    zone = ZoneInfo(scenario.zone)
    start, end = window(
        scenario, moment_in(options.start, zone, scenario), moment_in(options.end, zone, scenario, last=True)
    )
    out = _prepare(options.out)
    try:
        with _ending_on_sigterm():
            async with _data_dir(options) as data_dir:
                result = await _play(scenario, start, end, options, out, data_dir, view, connect)
    finally:
        view.close()
    text = json.dumps(result.as_json(), ensure_ascii=False, indent=1)
    (out / "summary.json").write_text(text + "\n", encoding="utf-8")
    view.finish(result)
    return result


async def _play(
    scenario: Scenario,
    start: datetime,
    end: datetime,
    options: ReplayOptions,
    out: Path,
    data_dir: Path,
    view: View,
    connect: Connect,
) -> ReplayResult:
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        run = await _Run.set_up(stack, scenario, start, end, options, out, data_dir, view, connect)
        view.begin(scenario, start, end, run.left_out)
        await run.driver.play()
        evidence = run.evidence(scenario, start, end)
        return ReplayResult(
            scenario=scenario.name,
            title=scenario.title,
            zone=scenario.zone,
            start=start,
            end=end,
            summary=summarise(evidence),
            out=out,
            took=timedelta(seconds=time.monotonic() - began),
            requests=run.publishers.requests,
            refused=len(run.inbox.refusals),
            kills=run.child.kills,
            starts=run.child.starts,
            orphans=run.child.orphans,
            seed=options.seed,
            left_out=run.left_out,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """The parts of one replay, wired."""

    publishers: Publishers
    inbox: Inbox
    child: Child
    driver: Driver
    settings: Settings
    left_out: tuple[str, ...]

    @classmethod
    async def set_up(
        cls,
        stack: AsyncExitStack,
        scenario: Scenario,
        start: datetime,
        end: datetime,
        options: ReplayOptions,
        out: Path,
        data_dir: Path,
        view: View,
        connect: Connect,
    ) -> _Run:
        hand, entries = Hand(start), {entry.id: entry for entry in scenario.entries}

        def on_news(outlet: Outlet, shown: tuple[tuple[str, int], ...]) -> None:
            driver.gun.trigger("news", hand.now)
            for entry_id, number in reversed(shown):
                view.news(outlet, entries[entry_id], number)

        publishers = await stack.enter_async_context(Publishers(scenario, hand, until=end, on_news=on_news))
        faults = [fault for fault in scenario.faults if isinstance(fault, ReceiverFault)]
        inbox = Inbox(
            hand,
            out,
            SECRET,
            faults=faults,
            on_arrival=view.arrival,
            on_touch=lambda channel: driver.gun.trigger(channel, hand.now),
        )
        await stack.enter_async_context(inbox)
        addresses = Addresses(
            feeds={name: desk.url for name, desk in publishers.desks.items()},
            smtp_port=inbox.smtp_port,
            hook_url=inbox.hook_url,
        )
        left_out = write_config(
            out / "config", scenario, addresses, user=options.config_dir, data_dir=data_dir, store_url=options.store_url
        )
        settings = load(out / "config", environ=os.environ)
        child = Child(
            lambda now: [
                *options.command, "run", "--config", str(out / "config"), "--virtual-clock", now.isoformat(),
            ],
            data_dir=settings.data_dir,
            log=out / "service.log",
            connect=connect,
        )  # fmt: skip
        stack.push_async_callback(child.aclose)
        driver = Driver(
            scenario,
            start=start,
            end=end,
            hand=hand,
            publishers=publishers,
            child=child,
            pending=lambda: _pending(settings),
            pacing=Pacing(speed=options.speed),
            kills=options.kills,
            seed=options.seed,
            on_progress=view.progress,
            on_event=view.event,
        )
        return cls(publishers=publishers, inbox=inbox, child=child, driver=driver, settings=settings, left_out=left_out)

    def evidence(self, scenario: Scenario, start: datetime, end: datetime) -> Evidence:
        """Read what the run left behind."""
        store = open_store(self.settings.store_url, data_dir=self.settings.data_dir)
        try:
            stored = read_store(store, self.settings.situation_id)
        finally:
            store.close()
        shown = {pair: at for desk in self.publishers.desks.values() for pair, at in desk.first_shown.items()}
        return Evidence(
            scenario=scenario,
            start=start,
            end=end,
            shown=shown,
            hits={name: tuple(desk.hits) for name, desk in self.publishers.desks.items()},
            arrivals=tuple(self.inbox.arrivals),
            stored=stored,
            feeds=self.settings.feeds,
            watches=tuple(watch for watch in self.settings.watches if watch.enabled),
            index=self.settings.index(),
            routes=self.settings.routes,
        )


def moment_in(
    given: date | datetime | None, zone: ZoneInfo, scenario: Scenario, *, last: bool = False
) -> datetime | None:
    """Return a moment in the scenario's zone; a plain date is its beginning, as the `last` day its end.

    A date's beginning or end that lies just outside of the scenario means the scenario's own.
    """
    if given is None:
        return None
    if isinstance(given, datetime):
        return given if given.tzinfo else given.replace(tzinfo=zone)
    midnight = datetime(given.year, given.month, given.day, tzinfo=zone)
    if last:
        midnight += timedelta(days=1)
    near = timedelta(days=1)
    if midnight < scenario.start < midnight + near:
        return scenario.start
    return scenario.end if midnight - near < scenario.end < midnight else midnight


def _pending(settings: Settings) -> int:
    store = open_store(settings.store_url, data_dir=settings.data_dir)
    try:
        return sum(
            len(store.deliveries(limit=1, state=state)) for state in (DeliveryState.PENDING, DeliveryState.SENDING)
        )
    finally:
        store.close()


def _prepare(out: Path) -> Path:
    """Return the out directory, empty but for its mark. What a replay did not write is never deleted."""
    out = out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()) and not (out / MARK).exists():
        raise UsageError(f"{out} holds something that no replay wrote: give another `--out`")
    for name in MADE:
        path = out / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    (out / MARK).touch()
    return out


@contextmanager
def _ending_on_sigterm() -> Iterator[None]:
    """End in order on SIGTERM: the service is a child in a session of its own and would be left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    told = threading.Event()

    def end() -> None:
        told.set()
        task.cancel()

    loop.add_signal_handler(signal.SIGTERM, end)
    try:
        yield
    except asyncio.CancelledError:
        if told.is_set():
            raise SystemExit(128 + signal.SIGTERM) from None
        raise
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


@asynccontextmanager
async def _data_dir(options: ReplayOptions) -> AsyncIterator[Path]:
    if options.data_dir is not None:
        kept = options.data_dir.absolute()
        if kept.is_dir() and any(kept.iterdir()):
            raise UsageError(f"{kept} holds data: a replay begins with an empty data directory")
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="monitor-replay-", ignore_cleanup_errors=True) as name:
        yield Path(name)
