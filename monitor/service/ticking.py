"""The tick: once a second, or whenever somebody says so, all that is due is taken up.

What is due lives in the store, never in memory, so the tick may come late, twice or after a kill.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from monitor.errors import StoreError
from monitor.model import Delivery, FeedState
from monitor.service import cron, systemd
from monitor.service.deliverer import Deliverer

if TYPE_CHECKING:
    from monitor.service.app import Service

TICK = timedelta(seconds=1)

log = structlog.get_logger("service")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """What a look into the store found to do; feeds and deliveries are leased."""

    feeds: tuple[FeedState, ...]
    cron: tuple[str, ...]
    entries: bool
    deliveries: tuple[tuple[Deliverer, tuple[Delivery, ...]], ...]


class Ticker:
    """Looks what is due and hands it to the parts of a service; one look at a time."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._ticking = asyncio.Lock()
        self.last = time.monotonic()
        """When the scheduler's last tick ended, monotonic."""
        self.store_fault: str | None = None
        """Why the store could not be written last time, until it can be again."""
        self._announce_at: datetime | None = service.clock.now()

    @property
    def running(self) -> bool:
        """Whether it ticks by itself."""
        return bool(self._scheduler.running)

    def start(self) -> None:
        """Tick by itself from now on."""
        self._scheduler.add_job(
            self._scheduled, "interval", seconds=TICK.total_seconds(), id="tick", misfire_grace_time=None,
            coalesce=True, max_instances=1, next_run_time=datetime.now(UTC),
        )  # fmt: skip
        self._scheduler.start()

    async def stop(self) -> None:
        """Tick no more by itself. A tick under way ends first: shutting down would cancel it half-way."""
        if self._scheduler.running:
            self._scheduler.pause()
            async with self._ticking:
                self._scheduler.shutdown(wait=False)

    def wake(self) -> None:
        """Run the tick now, whatever the scheduler thinks is due."""
        if self._scheduler.running and self._scheduler.get_job("tick"):
            self._scheduler.modify_job("tick", next_run_time=datetime.now(UTC))

    def announce(self) -> None:
        """Look at the next tick whether first fills are to be announced."""
        self._announce_at = self._service.clock.now()

    async def tick(self) -> None:
        """Take up all that is due now. The store is asked in one go, in a worker thread."""
        async with self._ticking:
            now = self._service.clock.now()
            try:
                due = await asyncio.to_thread(self._look, now)
                if due.feeds or any(deliveries for _, deliveries in due.deliveries):
                    self.store_fault = None  # something could be written
                await self._take_up(due, now)
            except StoreError as error:
                self.store_fault = str(error)
                log.error("store unavailable", error=str(error))

    async def work_off(self) -> datetime | None:
        """Tick until nothing is due at or before now and nothing is under way; return when something will be.

        While our own network is down no feed is due. The last look is taken while no tick runs: what a tick has leased and not yet taken up would look like nothing.
        """
        service = self._service
        while True:
            await self.tick()
            await service.idle()
            async with self._ticking:
                now = service.clock.now()
                channels = tuple(service.deliverers)
                work = await asyncio.to_thread(service.store.work, service.setup.situation, now, channels)
                due = work.due if service.network.down_since is None else replace(work, feeds=None).due
                if not service.busy and not work.entries and not _is_due(due, now):
                    return due

    async def _scheduled(self) -> None:
        """APScheduler's job."""
        await self.tick()
        self.last = time.monotonic()
        systemd.notify("WATCHDOG=1")

    def _look(self, now: datetime) -> _Due:
        service, setup = self._service, self._service.setup
        work = service.store.work(setup.situation, now, tuple(service.deliverers))
        polling = not service.stopping and service.network.down_since is None
        timely = not service.stopping and _is_due(work.cron, now)
        return _Due(
            feeds=service.poller.claim(setup, now) if polling and _is_due(work.feeds, now) else (),
            cron=cron.claim(service.store, setup.zone, now) if timely else (),
            entries=work.entries,
            deliveries=tuple(
                (deliverer, deliverer.claim(now))
                for name, deliverer in list(service.deliverers.items())
                if _is_due(work.deliveries.get(name), now)
            ),
        )

    async def _take_up(self, due: _Due, now: datetime) -> None:
        service = self._service
        if due.entries:
            service.entries.set()
        for deliverer, deliveries in due.deliveries:
            deliverer.start(deliveries)
        await service.poller.start(service.setup, due.feeds, now)
        for name in due.cron:
            await cron.run(service, name, now)
        await self._announce(now)

    async def _announce(self, now: datetime) -> None:
        """Look once a minute whether first fills are to be announced, until there is nothing left to say."""
        if self._announce_at is not None and now >= self._announce_at:
            self._announce_at = None if await cron.announce(self._service, now) else now + timedelta(minutes=1)


def _is_due(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now
