"""The service. One event loop, one task group; APScheduler's tick looks once a second for what is due.

    tick ──▶ poller ──(entries)──▶ decider ──(alerts)──▶ deliverers
      └────▶ cron work, claimed by rows in the store         └──▶ channels

What is due lives in the store, never in memory, so the tick may come late, twice or after a kill. With a virtual clock
everything is the same but who moves the time. Taking files over is in configuring.py, what watches over the service itself in
lookout.py.
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
from monitor.errors import StoreBroken, StoreError
from monitor.feeds import expat
from monitor.feeds.fetch import HttpFetcher
from monitor.feeds.parse import WorkerParser
from monitor.model import Alert, AlertKind, Delivery, Feed, FeedState, Severity
from monitor.net.client import Http
from monitor.pipeline import Setup, deliveries_of
from monitor.ports import Channel, Clock, Store
from monitor.service import cron, systemd
from monitor.service.build import build_setup
from monitor.service.clock import SystemClock, VirtualClock
from monitor.service.configuring import Configuring
from monitor.service.control import ControlServer, socket_path
from monitor.service.decider import Decider
from monitor.service.deliverer import Deliverer
from monitor.service.hosts import Manners
from monitor.service.lookout import look_out
from monitor.service.network import Network
from monitor.service.operations import Operations, summary
from monitor.service.poller import Poller
from monitor.service.reach import listen, pushing
from monitor.settings.values import Settings
from monitor.store import open_store

TICK = timedelta(seconds=1)

DRAIN = timedelta(seconds=25)
"""How long a stopping service waits for what is under way; systemd allows 30 s."""

TOLD_AFTER = timedelta(minutes=5)
"""An outage of our own network shorter than this is only logged."""

log = structlog.get_logger("service")


async def run_service(
    settings: Settings, *, virtual_clock: datetime | None, reload_settings: Callable[[], Settings]
) -> None:
    """Run until SIGTERM, SIGINT or `stop`. Raises `StoreError` when the store cannot be opened, `MonitorError` on an unsafe system."""
    expat.require()
    clock = VirtualClock(virtual_clock) if virtual_clock else SystemClock()
    store = await asyncio.to_thread(_open, settings)
    try:
        async with asyncio.TaskGroup() as tasks:
            await Service(settings, store, clock, tasks, reload_settings).run()
    finally:
        store.close()


async def run_once(settings: Settings) -> dict[str, Any]:
    """Poll what is due, decide, deliver, and stop; return what was done."""
    expat.require()
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
        self.tasks, self.http = tasks, Http()
        self._parser = WorkerParser(workers=settings.parse_workers)
        self.setup: Setup = build_setup(settings, self.http, {})
        self._entries, self._change, self._stopping = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.network = Network(self.http, feeds=self._witnesses, tasks=tasks, on_back=self._network_back)
        self.poller = Poller(
            store=store,
            fetcher=HttpFetcher(self.http, contact=settings.contact),
            parser=self._parser,
            clock=clock,
            network=self.network,
            tasks=tasks,
            concurrency=settings.poll_concurrency,
            manners=_manners(settings),
            on_entries=self._entries,
            on_change=self._change,
            tell=self.tell_operator,
        )
        self.decider = Decider(
            store=store,
            clock=clock,
            setup=lambda: self.setup,
            on_entries=self._entries,
            on_alerts=self._on_alerts,
            on_change=self._change,
            polling=lambda: self.poller.in_flight > 0,
            tell=self.tell_operator,
        )
        self.pushing = (
            pushing(
                public_url=settings.public_url,
                contact=settings.contact,
                http=self.http,
                store=store,
                parser=self._parser,
                clock=clock,
                tasks=tasks,
                setup=lambda: self.setup,
                on_entries=self._entries,
                on_change=self._change,
            )
            if settings.listen and settings.public_url
            else None
        )
        self.deliverers: dict[str, Deliverer] = {}
        self.configuring = Configuring(self, reload_settings)
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._ticking = asyncio.Lock()
        self.last_tick = time.monotonic()
        self.started_at = clock.now()
        self._recent: list[Alert] = []
        self._fatal: StoreBroken | None = None
        self.store_fault: str | None = None
        """Why the store could not be written last time, until it can be again."""
        self._announce_at: datetime | None = clock.now()

    # --- life -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve until told to stop, then let what is under way finish."""
        control = ControlServer(socket_path(self.settings.data_dir), Operations(self).handle)
        decider = self.tasks.create_task(self.decider.run(), name="decider")
        server = None
        pusher = self._start_pusher()
        lookout = self.tasks.create_task(look_out(self), name="lookout")
        try:
            await self.configuring.configure(self.settings, self.setup)
            self._scheduler.add_job(
                self._scheduled, "interval", seconds=TICK.total_seconds(), id="tick", misfire_grace_time=None,
                coalesce=True, max_instances=1, next_run_time=datetime.now(UTC),
            )  # fmt: skip
            self._scheduler.start()
            await control.start()
            if self.settings.listen:
                server = await listen(self, self.settings.listen)
            self._on_signals()
            self._entries.set()
            systemd.notify("READY=1", f"STATUS=watching {len(self.setup.feeds)} feeds")
            log.info(
                "ready", version=monitor.__version__, feeds=len(self.setup.feeds), watches=len(self.settings.watches)
            )
            await self._stopping.wait()
        finally:
            systemd.notify("STOPPING=1")
            if server is not None:
                await server.stop()  # first of all: what is pushed from now on is sent again later
            lookout.cancel()
            self.network.close()
            if self._scheduler.running:
                self._scheduler.pause()
                async with self._ticking:  # a tick under way ends first: shutting down would cancel it half-way
                    self._scheduler.shutdown(wait=False)
            await self._drain()
            decider.cancel()
            if pusher is not None:
                pusher.cancel()
            await control.stop()
            await self._let_go()
        if self._fatal is not None:
            raise self._fatal
        log.info("stopped")

    async def once(self) -> dict[str, Any]:
        """Do all that is due now, once."""
        decider = self.tasks.create_task(self.decider.run(), name="decider")
        pusher = self._start_pusher()
        try:
            await self.configuring.configure(self.settings, self.setup, spread=False)
            self._entries.set()
            await self.work_off()
            while self.poller.has_queue:  # feeds that share a host take turns
                await asyncio.sleep(TICK.total_seconds())
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
            if pusher is not None:
                pusher.cancel()
            await self._let_go()

    def _start_pusher(self) -> asyncio.Task[None] | None:
        """Read pushes from now on, beginning with those that a service that was killed had taken."""
        return self.tasks.create_task(self.pushing.pusher.run(), name="pusher") if self.pushing else None

    async def _drain(self) -> None:
        """Wait for decisions and sends under way; what takes longer is left to its lease. Polls are given back."""
        self.poller.cancel()
        if self.pushing is not None:
            self.pushing.subscriber.cancel()
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
        await self.http.aclose()

    def _on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(
            signal.SIGHUP, lambda: self.tasks.create_task(self.configuring.reload_logged(), name="reload")
        )

    # --- time -----------------------------------------------------------------------------------------------------

    async def _scheduled(self) -> None:
        """APScheduler's job."""
        await self.tick()
        self.last_tick = time.monotonic()
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
        work = self.store.work(setup.situation, now, tuple(self.deliverers))
        polling = not self._stopping.is_set() and self.network.down_since is None
        return _Due(
            feeds=self.poller.claim(setup, now) if polling and _is_due(work.feeds, now) else (),
            cron=cron.claim(self.store, setup.zone, now)
            if not self._stopping.is_set() and _is_due(work.cron, now)
            else (),
            entries=work.entries,
            deliveries=tuple(
                (deliverer, deliverer.claim(now))
                for name, deliverer in list(self.deliverers.items())
                if _is_due(work.deliveries.get(name), now)
            ),
        )

    async def _announce(self, now: datetime) -> None:
        """Look once a minute whether first fills are to be announced, until there is nothing left to say."""
        if self._announce_at is not None and now >= self._announce_at:
            self._announce_at = None if await cron.announce(self, now) else now + timedelta(minutes=1)

    def stop(self) -> None:
        """Begin to stop."""
        self._stopping.set()

    def fail(self, error: StoreBroken) -> None:
        """Begin to stop because of something that no retry mends; `run` raises it at its end."""
        self._fatal = error
        self.stop()

    def wake(self) -> None:
        """Run the tick now, whatever the scheduler thinks is due."""
        if self._scheduler.running and self._scheduler.get_job("tick"):
            self._scheduler.modify_job("tick", next_run_time=datetime.now(UTC))

    def _busy(self) -> bool:
        return bool(
            self.poller.in_flight
            or self.decider.busy
            or self._entries.is_set()
            or (self.pushing is not None and self.pushing.busy)
            or any(deliverer.in_flight for deliverer in self.deliverers.values())
        )

    async def decided(self) -> None:
        """Wait until the decision that is being made is over."""
        while self.decider.busy:
            self._change.clear()
            if self.decider.busy:
                await self._change.wait()

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
                work = await asyncio.to_thread(self.store.work, self.setup.situation, now, tuple(self.deliverers))
                if not self._busy() and not work.entries and not _is_due(work.due, now):
                    return work.due

    # --- configuration --------------------------------------------------------------------------------------------

    def take_over(self, settings: Settings, setup: Setup) -> None:
        """Work by this configuration from now on; channels that stay as they are keep what they have under way."""
        self.setup, self.settings, self._announce_at = setup, settings, self.clock.now()
        self.poller.configure(settings.poll_concurrency, _manners(settings))
        self.deliverers = {
            name: kept if (kept := self.deliverers.get(name)) and kept.channel is channel else self._deliverer(channel)
            for name, channel in setup.channels.items()
        }

    def _deliverer(self, channel: Channel) -> Deliverer:
        return Deliverer(
            channel,
            store=self.store,
            clock=self.clock,
            tasks=self.tasks,
            on_change=self._change,
            tell=self.tell_operator,
        )

    # --- our own network ------------------------------------------------------------------------------------------

    def _witnesses(self) -> Mapping[str, Feed]:
        """Return the feeds whose hosts can tell whether our network works; with a virtual clock nothing is ours to lose."""
        return {} if isinstance(self.clock, VirtualClock) else self.setup.feeds

    async def _network_back(self, since: datetime) -> None:
        self.wake()
        outage = self.clock.now() - since
        if outage >= TOLD_AFTER:
            facts = {"what": "network_down", "minutes": str(round(outage / timedelta(minutes=1)))}
            await self.tell_operator("The network of this machine was down", facts)

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
        """Tell the operator about the service itself; the same thing once a day, however its details differ."""
        now = self.clock.now()
        named = {name: fact for name, fact in facts.items() if name not in {"detail", "minutes"}}
        about = named if len(named) > 1 else facts  # where there is nothing but details they tell it apart
        alert = policy.plain_alert(
            AlertKind.OPERATOR,
            headline=headline,
            note=facts.get("detail", ""),
            facts=facts,
            rules=self.setup.rules,
            key=f"{now.date()} {sorted(about.items())}",
            severity=Severity.WARNING,
            now=now,
        )
        await self.tell(alert)

    def sent(self) -> int:
        """Return how many sends were made since the start."""
        return sum(deliverer.sent for deliverer in self.deliverers.values())


def _manners(settings: Settings) -> Manners:
    return Manners(per_host=settings.per_host, per_domain=settings.per_domain, spacing=settings.host_spacing)


def _is_due(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now
