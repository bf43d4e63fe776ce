"""The service. One event loop, one task group; APScheduler's tick looks once a second for what is due.

    tick ──▶ poller ──(entries)──▶ decider ──(alerts)──▶ deliverers
      └────▶ cron work, claimed by rows in the store         └──▶ channels

What is due lives in the store, never in memory, so the tick may come late, twice or after a kill. A wall clock that is set is
noticed against the monotonic one: due times are moved along, and the scheduler is woken (it stops ticking when the clock
steps back). With a virtual clock everything is the same but who moves the time.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

import monitor
from monitor.alerts import policy
from monitor.errors import MonitorError, SettingsError, StoreBroken, StoreError, UsageError
from monitor.feeds import pace
from monitor.feeds.fetch import HttpFetcher
from monitor.feeds.parse import WorkerParser
from monitor.model import Alert, AlertKind, Delivery, Endpoint, FeedState, Severity
from monitor.net.client import Http
from monitor.pipeline import Setup, deliveries_of
from monitor.ports import Channel, Clock, Store
from monitor.service import backfill, cron, systemd
from monitor.service.build import build_setup
from monitor.service.clock import StepWatch, SystemClock, VirtualClock
from monitor.service.control import ControlServer, socket_path
from monitor.service.decider import Decider
from monitor.service.deliverer import Deliverer
from monitor.service.operations import Operations, summary
from monitor.service.poller import Poller
from monitor.settings.values import Settings
from monitor.store import open_store

TICK = timedelta(seconds=1)
LATE = 3.0
"""Seconds without a tick after which the scheduler is woken."""

DRAIN = timedelta(seconds=25)
"""How long a stopping service waits for what is under way; systemd allows 30 s."""

log = structlog.get_logger("service")


async def run_service(
    settings: Settings, *, virtual_clock: datetime | None, reload_settings: Callable[[], Settings]
) -> None:
    """Run until SIGTERM, SIGINT or `stop`. Raises `StoreError` when the store cannot be opened."""
    clock = VirtualClock(virtual_clock) if virtual_clock else SystemClock()
    store = await asyncio.to_thread(_open, settings)
    try:
        async with asyncio.TaskGroup() as tasks:
            await Service(settings, store, clock, tasks, reload_settings).run()
    finally:
        store.close()


async def run_once(settings: Settings) -> dict[str, Any]:
    """Poll what is due, decide, deliver, and stop; return what was done."""
    store = await asyncio.to_thread(_open, settings)
    try:
        async with asyncio.TaskGroup() as tasks:
            return await Service(settings, store, SystemClock(), tasks, lambda: settings).once()
    finally:
        store.close()


def _open(settings: Settings) -> Store:
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the data directory {settings.data_dir} cannot be made ({error.strerror}): choose another one with"
            " `store: data_dir` in monitor.yaml, or make it writable"
        ) from error
    store = open_store(settings.store_url, data_dir=settings.data_dir)
    try:
        alone = store.lock_service()
        store.migrate()
        if alone:
            store.release_leases()
        store.take_up_aside(settings.situation_id)  # this start may be that of a program that can decide them
    except BaseException:
        store.close()
        raise
    return store


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """What a look into the store found to do; feeds and deliveries are leased."""

    feeds: tuple[FeedState, ...]
    cron: tuple[str, ...]
    entries: bool
    deliveries: tuple[tuple[Deliverer, tuple[Delivery, ...]], ...]


class Service:
    """All parts of a running service, and the life they share."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        reload_settings: Callable[[], Settings],
    ) -> None:
        self.settings, self.store, self.clock = settings, store, clock
        self._tasks, self._reload_settings = tasks, reload_settings
        self._http = Http()
        self._parser = WorkerParser(workers=settings.parse_workers)
        self.setup: Setup = build_setup(settings, self._http, {})
        self._entries, self._change, self._stopping = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.poller = Poller(
            store=store,
            fetcher=HttpFetcher(self._http, contact=settings.contact),
            parser=self._parser,
            clock=clock,
            tasks=tasks,
            concurrency=settings.poll_concurrency,
            per_host=settings.per_host,
            on_entries=self._entries,
            on_change=self._change,
        )
        self.decider = Decider(
            store=store,
            clock=clock,
            setup=lambda: self.setup,
            on_entries=self._entries,
            on_alerts=self._on_alerts,
            on_change=self._change,
            tell=self.tell_operator,
        )
        self._deliverers: dict[str, Deliverer] = {}
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._steps = StepWatch()
        self._ticking = asyncio.Lock()
        self._last_tick = time.monotonic()
        self.started_at = clock.now()
        self._recent: list[Alert] = []
        self.reloaded: dict[str, Any] = {}
        self._fatal: StoreBroken | None = None
        self.store_fault: str | None = None
        """Why the store could not be written last time, until it can be again."""
        self._announce_at: datetime | None = clock.now()

    # --- life -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve until told to stop, then let what is under way finish."""
        control = ControlServer(socket_path(self.settings.data_dir), Operations(self).handle)
        decider = self._tasks.create_task(self.decider.run(), name="decider")
        guard = self._tasks.create_task(self._guard(), name="guard")
        try:
            await self._configure(self.settings, self.setup)
            self._scheduler.add_job(
                self._scheduled, "interval", seconds=TICK.total_seconds(), id="tick", misfire_grace_time=None,
                coalesce=True, max_instances=1, next_run_time=datetime.now(UTC),
            )  # fmt: skip
            self._scheduler.start()
            await control.start()
            self._on_signals()
            self._entries.set()
            systemd.notify("READY=1", f"STATUS=watching {len(self.setup.feeds)} feeds")
            log.info(
                "ready", version=monitor.__version__, feeds=len(self.setup.feeds), watches=len(self.settings.watches)
            )
            await self._stopping.wait()
        finally:
            systemd.notify("STOPPING=1")
            guard.cancel()
            if self._scheduler.running:
                self._scheduler.pause()
                async with self._ticking:  # a tick under way ends first: shutting down would cancel it half-way
                    self._scheduler.shutdown(wait=False)
            await self._drain()
            decider.cancel()
            await control.stop()
            await self._let_go()
        if self._fatal is not None:
            raise self._fatal
        log.info("stopped")

    async def once(self) -> dict[str, Any]:
        """Do all that is due now, once."""
        decider = self._tasks.create_task(self.decider.run(), name="decider")
        try:
            await self._configure(self.settings, self.setup, spread=False)
            self._entries.set()
            await self.work_off()
            alerts = [summary(alert) for alert in self.take_recent()]
            return {
                "polls": self.poller.polls,
                "entries": self.decider.entries,
                "alerts": alerts,
                "sent": self.sent(),
            }
        finally:
            decider.cancel()
            await self._let_go()

    async def _drain(self) -> None:
        """Wait for decisions and sends under way; what takes longer is left to its lease. Polls are given back."""
        self.poller.cancel()
        try:
            async with asyncio.timeout(DRAIN.total_seconds()):
                while self._busy():
                    self._change.clear()
                    await self._change.wait()
        except TimeoutError:
            log.warning("stopping although something is under way; it is taken up again at the next start")

    async def _let_go(self) -> None:
        for channel in self.setup.channels.values():
            await channel.aclose()
        await self._parser.aclose()
        await self._http.aclose()

    def _on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._tasks.create_task(self._reload_logged(), name="reload"))

    # --- time -----------------------------------------------------------------------------------------------------

    async def _scheduled(self) -> None:
        """APScheduler's job."""
        await self.tick()
        self._last_tick = time.monotonic()
        systemd.notify("WATCHDOG=1")

    async def tick(self) -> None:
        """Take up all that is due now. The store is asked in one go, in a worker thread."""
        async with self._ticking:
            now = self.clock.now()
            try:
                due = await asyncio.to_thread(self._look, now)
                if due.feeds or any(deliveries for _, deliveries in due.deliveries):
                    self.store_fault = None  # something could be written
                await self._take_up(due, now)
            except StoreError as error:
                self.store_fault = str(error)
                log.error("store unavailable", error=str(error))

    async def _take_up(self, due: _Due, now: datetime) -> None:
        if due.entries:
            self._entries.set()
        for deliverer, deliveries in due.deliveries:
            deliverer.start(deliveries)
        await self.poller.start(self.setup, due.feeds, now)
        for name in due.cron:
            await cron.run(self, name, now)
        await self._announce(now)

    def _look(self, now: datetime) -> _Due:
        setup = self.setup
        work = self.store.work(setup.situation, now, tuple(self._deliverers))
        polling = not self._stopping.is_set()
        return _Due(
            feeds=self.poller.claim(setup, now) if polling and _is_due(work.feeds, now) else (),
            cron=cron.claim(self.store, setup.zone, now) if polling and _is_due(work.cron, now) else (),
            entries=work.entries,
            deliveries=tuple(
                (deliverer, deliverer.claim(now))
                for name, deliverer in list(self._deliverers.items())
                if _is_due(work.deliveries.get(name), now)
            ),
        )

    async def _announce(self, now: datetime) -> None:
        """Look once a minute whether first fills are to be announced, until there is nothing left to say."""
        if self._announce_at is not None and now >= self._announce_at:
            self._announce_at = None if await cron.announce(self, now) else now + timedelta(minutes=1)

    async def _guard(self) -> None:
        """Watch the scheduler and the wall clock, in monotonic time."""
        while True:
            await asyncio.sleep(TICK.total_seconds())
            if self.store.is_gone():
                self._fatal = StoreBroken(
                    f"the database of {self.settings.data_dir} was deleted or replaced while the service ran; it stops, because"
                    " what it stores now would be lost: put a backup back, or start again with an empty database"
                )
                self.stop()
                return
            step = self._steps.step()
            if step and isinstance(self.clock, SystemClock):
                await self._follow(step)
            if step or time.monotonic() - self._last_tick > LATE:
                self.wake()

    async def _follow(self, step: timedelta) -> None:
        """Move what is due along with a wall clock that was set."""
        log.warning("the wall clock was set", by=str(step))
        try:
            await asyncio.to_thread(self.store.shift_due, self.setup.situation, step)
        except StoreError as error:
            log.error("due times could not be moved along", error=str(error))

    def stop(self) -> None:
        """Begin to stop."""
        self._stopping.set()

    def wake(self) -> None:
        """Run the tick now, whatever the scheduler thinks is due."""
        if self._scheduler.running and self._scheduler.get_job("tick"):
            self._scheduler.modify_job("tick", next_run_time=datetime.now(UTC))

    def _busy(self) -> bool:
        return bool(
            self.poller.in_flight
            or self.decider.busy
            or self._entries.is_set()
            or any(deliverer.in_flight for deliverer in self._deliverers.values())
        )

    async def work_off(self) -> datetime | None:
        """Tick until nothing is due at or before now and nothing is under way; return when something will be.

        The last look is taken while no tick runs: what a tick has leased and not yet taken up would look like nothing.
        """
        while True:
            await self.tick()
            while self._busy():
                self._change.clear()
                if self._busy():
                    await self._change.wait()
            async with self._ticking:
                now = self.clock.now()
                work = await asyncio.to_thread(self.store.work, self.setup.situation, now, tuple(self._deliverers))
                if not self._busy() and not work.entries and not _is_due(work.due, now):
                    return work.due

    # --- configuration --------------------------------------------------------------------------------------------

    async def _configure(self, settings: Settings, setup: Setup, *, spread: bool = True) -> int:
        """Make the store follow the settings, then the service; return how many waiting deliveries ended with their channel.

        The service changes only after the store has: a store that cannot be written leaves the old configuration running.
        """
        now = self.clock.now()
        await asyncio.to_thread(cron.plan, self.store, settings.situation_zone, now)
        enabled = tuple(setup.feeds.values())
        first = pace.first_due(enabled, now) if spread else dict.fromkeys(setup.feeds, now)
        await asyncio.to_thread(self.store.sync_feeds, settings.situation_id, enabled, now, first)
        await self._backfill(settings, setup, now)
        self.setup, self.settings, self._announce_at = setup, settings, now
        self._deliverers = {
            name: kept if (kept := self._deliverers.get(name)) and kept.channel is channel else self._deliverer(channel)
            for name, channel in setup.channels.items()
        }
        try:
            await asyncio.to_thread(self._clamp, now)
            return await self._end_removed()
        except StoreError as error:
            log.error("what follows a new configuration is done at the next start", error=str(error))
            return 0

    async def _end_removed(self) -> int:
        """End what waits for channels that are configured no more, and tell the operator."""
        now = self.clock.now()
        ended = await asyncio.to_thread(self.store.retire_channels, tuple(self.setup.channels), now)
        if ended:
            log.warning("channels were removed; what waited for them ended and can be retried", deliveries=ended)
            headline = "Alerts were waiting for a channel that was removed"
            await self.tell_operator(headline, {"what": "channel_removed", "ended": str(ended)})
        return ended

    async def _backfill(self, settings: Settings, setup: Setup, now: datetime) -> None:
        """Run new and changed watches over the stored reports; only then they count as known."""
        for name in await asyncio.to_thread(self.store.changed_watches, settings.situation_id, settings.watches):
            found = await asyncio.to_thread(backfill.backfill, self.store, setup, name, now)
            log.info("watch is new or changed: ran over the stored reports", watch=name, found=found)
        await asyncio.to_thread(self.store.sync_watches, settings.situation_id, settings.watches, now)

    def _clamp(self, now: datetime) -> None:
        """Poll feeds now that are due later than any poll can be put off: the clock was wrong when that was decided."""
        states = self.store.feed_states(self.setup.situation)
        paces = {feed.id: feed.pace for feed in self.setup.feeds.values()}
        late = [
            state.feed_id
            for state in states
            if state.feed_id in paces and state.due_at - now > pace.longest_rest(paces[state.feed_id])
        ]
        if late:
            log.warning("feeds were due too far ahead, polled now: was the clock set back?", feeds=len(late))
            self.store.poll_now(late, now)

    def _deliverer(self, channel: Channel) -> Deliverer:
        return Deliverer(
            channel,
            store=self.store,
            clock=self.clock,
            tasks=self._tasks,
            on_change=self._change,
            tell=self.tell_operator,
        )

    async def reload(self) -> dict[str, Any]:
        """Take the edited files over; with mistakes, or a store that cannot be written, the old configuration keeps running."""
        try:
            settings = await asyncio.to_thread(self._reload_settings)
            self._refuse_moves(settings)
            same = {entry.name: entry for entry in self.settings.channels}
            kept = {
                entry.name: self.setup.channels[entry.name]
                for entry in settings.channels
                if same.get(entry.name) == entry
            }
            left = [deliverer for name, deliverer in self._deliverers.items() if name not in kept]
            ended = await self._configure(settings, build_setup(settings, self._http, kept))
        except MonitorError as error:
            self.reloaded = {"at": self.clock.now(), "error": str(error)}
            log.error("the new configuration was refused, the old one keeps running", error=str(error))
            raise
        for deliverer in left:
            self._tasks.create_task(self._retire(deliverer), name=f"retire {deliverer.channel.name}")
        self.reloaded = {"at": self.clock.now(), "error": None}
        log.info("configuration reloaded", feeds=len(self.setup.feeds), watches=len(settings.watches))
        counts = {"feeds": len(self.setup.feeds), "watches": len(settings.watches), "channels": len(settings.channels)}
        return {**counts, "ended": ended}

    async def _retire(self, deliverer: Deliverer) -> None:
        """Close a channel that is configured no more, after its last sends and the decision that was being made."""
        await deliverer.idle()
        while self.decider.busy:
            self._change.clear()
            if self.decider.busy:
                await self._change.wait()
        try:
            await asyncio.to_thread(self.store.save_endpoint, Endpoint(channel=deliverer.channel.name))  # set up anew
            await self._end_removed()
        except StoreError as error:
            log.error("what waits for removed channels ends at the next start", error=str(error))
        await deliverer.channel.aclose()

    def _refuse_moves(self, settings: Settings) -> None:
        old = self.settings
        if (settings.store_url, settings.data_dir, settings.situation_id) != (
            old.store_url, old.data_dir, old.situation_id,
        ):  # fmt: skip
            raise UsageError(
                "store.url, store.data_dir and situation.id cannot change while the service runs: restart it instead"
            )

    async def _reload_logged(self) -> None:
        systemd.notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            await self.reload()
        except (SettingsError, UsageError, StoreError):
            log.info("reload ended without a change")
        finally:
            systemd.notify("READY=1")

    # --- telling --------------------------------------------------------------------------------------------------

    def _on_alerts(self, alerts: tuple[Alert, ...]) -> None:
        if isinstance(self.clock, VirtualClock) or not self._scheduler.running:
            self._recent += alerts
        self._change.set()
        self.wake()

    def take_recent(self) -> list[Alert]:
        """Return the alerts decided since the last call (a virtual clock's and `once`'s only)."""
        recent, self._recent = self._recent, []
        return recent

    async def tell(self, alert: Alert) -> int:
        """Add an alert that no report caused, with its deliveries; return their number."""
        now = self.clock.now()
        deliveries, _ = await asyncio.to_thread(deliveries_of, alert, self.setup, now)
        await asyncio.to_thread(self.store.add_alerts, [alert], deliveries, [])
        self._on_alerts((alert,))
        return len(deliveries)

    async def tell_operator(self, headline: str, facts: Mapping[str, str]) -> None:
        """Tell the operator about the service itself; the same thing once a day."""
        now = self.clock.now()
        alert = policy.plain_alert(
            AlertKind.OPERATOR,
            headline=headline,
            note=facts.get("detail", ""),
            facts=facts,
            rules=self.setup.rules,
            key=f"{now.date()} {sorted(facts.items())}",
            severity=Severity.WARNING,
            now=now,
        )
        await self.tell(alert)

    def sent(self) -> int:
        """Return how many sends were made since the start."""
        return sum(deliverer.sent for deliverer in self._deliverers.values())


def _is_due(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now
