"""The service. One event loop, one task group; APScheduler's tick looks once a second for what is due.

    tick ──▶ poller ──(entries)──▶ decider ──(alerts)──▶ deliverers
      └────▶ cron work, claimed by rows in the store         └──▶ channels

With a virtual clock everything is the same but who moves the time. Here is the life that the parts share: how they begin, work
off and end. How they are built is in parts.py, the tick in ticking.py, taking files over in configuring.py, what watches over the
service itself in lookout.py.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import structlog

import monitor
from monitor.errors import StoreBroken
from monitor.feeds import expat
from monitor.feeds.parse import WorkerParser
from monitor.model import Alert, Feed
from monitor.net.client import Http
from monitor.pipeline import Setup, deliveries_of
from monitor.ports import Clock, Store
from monitor.service import systemd
from monitor.service.build import build_setup
from monitor.service.clock import SystemClock, VirtualClock
from monitor.service.configuring import Configuring
from monitor.service.control import ControlServer, socket_path
from monitor.service.deliverer import Deliverer
from monitor.service.hosts import BUSY
from monitor.service.lookout import look_out
from monitor.service.network import Network
from monitor.service.opening import open_for_service
from monitor.service.operations import Operations, summary
from monitor.service.parts import decider_of, deliverer_of, manners_of, poller_of, pushing_of
from monitor.service.reach import listen
from monitor.service.telling import about_the_service
from monitor.service.ticking import TICK, Ticker
from monitor.settings.values import Settings

__all__ = ["DRAIN", "TICK", "Service", "run_once", "run_service"]

DRAIN = timedelta(seconds=25)
"""How long a stopping service waits for what is under way; systemd allows 30 s."""

COLLECT_AFTER = (20_000, 20, 20)
"""When the garbage collector looks, for each of its generations: by default it took an eighth of all that polls cost (measured)."""

TOLD_AFTER = timedelta(minutes=5)
"""An outage of our own network shorter than this is only logged."""

log = structlog.get_logger("service")


async def run_service(
    settings: Settings, *, virtual_clock: datetime | None, reload_settings: Callable[[], Settings]
) -> None:
    """Run until SIGTERM, SIGINT or `stop`. Raises `StoreError` when the store cannot be opened, `MonitorError` on an unsafe system."""
    expat.require()
    clock = VirtualClock(virtual_clock) if virtual_clock else SystemClock()
    store = await asyncio.to_thread(open_for_service, settings)
    try:
        async with asyncio.TaskGroup() as tasks:
            await Service(settings, store, clock, tasks, reload_settings).run()
    finally:
        store.close()


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Have the garbage collector look seldom, and never through what is there already: it stays."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


async def run_once(settings: Settings) -> dict[str, Any]:
    """Poll what is due, decide, deliver, and stop; return what was done."""
    expat.require()
    store = await asyncio.to_thread(open_for_service, settings)
    try:
        async with asyncio.TaskGroup() as tasks:
            return await Service(settings, store, SystemClock(), tasks, lambda: settings).once()
    finally:
        store.close()


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
        self.parser = WorkerParser(workers=settings.parse_workers)
        self.setup: Setup = build_setup(settings, self.http, {})
        self.entries, self.change, self._stopping = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.network = Network(self.http, feeds=self._witnesses, tasks=tasks, on_back=self._network_back)
        self.poller = poller_of(self)
        self.decider = decider_of(self)
        self.pushing = pushing_of(self)
        self.deliverers: dict[str, Deliverer] = {}
        self.configuring = Configuring(self, reload_settings)
        self.ticker = Ticker(self)
        self.started_at = clock.now()
        self._recent: list[Alert] = []
        self._fatal: StoreBroken | None = None

    @property
    def last_tick(self) -> float:
        """When the scheduler's last tick ended, monotonic."""
        return self.ticker.last

    @property
    def store_fault(self) -> str | None:
        """Why the store could not be written last time, until it can be again."""
        return self.ticker.store_fault

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping.is_set()

    # --- life -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve until told to stop, then let what is under way finish."""
        with _seldom_collected():
            await self._serve()
        if self._fatal is not None:
            raise self._fatal
        log.info("stopped")

    async def _serve(self) -> None:
        control = ControlServer(socket_path(self.settings.data_dir), Operations(self).handle)
        decider = self.tasks.create_task(self.decider.run(), name="decider")
        server = None
        pusher = self._start_pusher()
        lookout = self.tasks.create_task(look_out(self), name="lookout")
        try:
            await self.configuring.configure(self.settings, self.setup)
            if self.settings.listen:
                server = await listen(self, self.settings.listen)  # before the first tick: it may fail
            self.ticker.start()
            await control.start()
            self._on_signals()
            self.entries.set()
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
            await self.ticker.stop()
            await self._drain()
            decider.cancel()
            if pusher is not None:
                pusher.cancel()
            await control.stop()
            await self._let_go()

    async def once(self) -> dict[str, Any]:
        """Do all that is due now, once; what cannot be done soon (the network is down, a host asks for rest) is left."""
        decider = self.tasks.create_task(self.decider.run(), name="decider")
        pusher = self._start_pusher()
        try:
            await self.configuring.configure(self.settings, self.setup, spread=False)
            self.entries.set()
            due = await self.work_off()
            while self._goes_on(due):  # feeds that share a host take turns
                await asyncio.sleep(TICK.total_seconds())
                due = await self.work_off()
            alerts = [summary(alert) for alert in self.take_recent()]
            return {
                "polls": self.poller.polls,
                "entries": self.decider.entries,
                "alerts": alerts,
                "sent": self.sent(),
                "network_down": self.network.down_since is not None,
            }
        finally:
            decider.cancel()
            if pusher is not None:
                pusher.cancel()
            self.network.close()
            await self._let_go()

    def _goes_on(self, due: datetime | None) -> bool:
        """Tell whether something is due so soon that it can be a feed's turn at its host or among the slow; who asked for rest is not."""
        turn = max(self.settings.host_spacing, BUSY)
        return self.poller.has_queue and due is not None and due - self.clock.now() <= turn

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
                await self.idle()
        except TimeoutError:
            log.warning("stopping although something is under way; it is taken up again at the next start")

    async def _let_go(self) -> None:
        for channel in self.setup.channels.values():
            await channel.aclose()
        await self.parser.aclose()
        await self.http.aclose()

    def _on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(
            signal.SIGHUP, lambda: self.tasks.create_task(self.configuring.reload_logged(), name="reload")
        )

    def stop(self) -> None:
        """Begin to stop."""
        self._stopping.set()

    def fail(self, error: StoreBroken) -> None:
        """Begin to stop because of something that no retry mends; `run` raises it at its end."""
        self._fatal = error
        self.stop()

    # --- work -----------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Run the tick now, whatever the scheduler thinks is due."""
        self.ticker.wake()

    async def work_off(self) -> datetime | None:
        """Tick until nothing is due at or before now and nothing is under way; return when something will be."""
        return await self.ticker.work_off()

    @property
    def busy(self) -> bool:
        """Whether something is under way."""
        return bool(
            self.poller.in_flight
            or self.decider.busy
            or self.entries.is_set()
            or (self.pushing is not None and self.pushing.busy)
            or any(deliverer.in_flight for deliverer in self.deliverers.values())
        )

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while self.busy:
            self.change.clear()
            if self.busy:
                await self.change.wait()

    async def decided(self) -> None:
        """Wait until the decision that is being made is over."""
        while self.decider.busy:
            self.change.clear()
            if self.decider.busy:
                await self.change.wait()

    # --- configuration --------------------------------------------------------------------------------------------

    def take_over(self, settings: Settings, setup: Setup) -> None:
        """Work by this configuration from now on; channels that stay as they are keep what they have under way."""
        self.setup, self.settings = setup, settings
        self.ticker.announce()
        self.poller.configure(settings.poll_concurrency, manners_of(settings))
        self.deliverers = {
            name: kept
            if (kept := self.deliverers.get(name)) and kept.channel is channel
            else deliverer_of(self, channel)
            for name, channel in setup.channels.items()
        }

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

    def on_alerts(self, alerts: tuple[Alert, ...]) -> None:
        """Have what was decided sent."""
        if isinstance(self.clock, VirtualClock) or not self.ticker.running:
            self._recent += alerts
        self.change.set()
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
        self.on_alerts((alert,))
        return len(deliveries)

    async def tell_operator(self, headline: str, facts: Mapping[str, str]) -> None:
        """Tell the operator about the service itself; the same thing once a day, however its details differ."""
        alert = about_the_service(headline, facts, self.setup.rules, self.clock.now())
        await self.tell(alert)

    def sent(self) -> int:
        """Return how many sends were made since the start."""
        return sum(deliverer.sent for deliverer in self.deliverers.values())
