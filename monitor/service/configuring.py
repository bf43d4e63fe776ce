"""Taking a configuration over: first the store follows it, then the service; what runs is never half old, half new.

With mistakes in the files, or a store that cannot be written, the old configuration keeps running.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from monitor.errors import MonitorError, SettingsError, StoreError, UsageError
from monitor.feeds import pace
from monitor.model import Endpoint
from monitor.pipeline import Setup
from monitor.service import backfill, cron, systemd
from monitor.service.build import build_setup
from monitor.service.deliverer import Deliverer
from monitor.settings.values import Settings

if TYPE_CHECKING:
    from monitor.service.app import Service

FIXED = {
    "store.url": "store_url",
    "store.data_dir": "data_dir",
    "situation.id": "situation_id",
    "http.listen": "listen",
    "http.public_url": "public_url",
    "polling.parse_workers": "parse_workers",
    "service.contact": "contact",
}
"""What a running service holds on to: settings by the name they have in the files."""

log = structlog.get_logger("service")


class Configuring:
    """Configures a service at its start and whenever its files changed."""

    def __init__(self, service: Service, reload_settings: Callable[[], Settings]) -> None:
        self._service, self._reload_settings = service, reload_settings
        self.last: dict[str, Any] = {}
        """When the files were last read again, and why they were refused if they were."""

    async def configure(self, settings: Settings, setup: Setup, *, spread: bool = True) -> int:
        """Make store and service follow; return how many waiting deliveries ended with their channel.

        `spread`: feeds that were never polled are due one after the other, not all now.
        """
        service = self._service
        store, now = service.store, service.clock.now()
        await asyncio.to_thread(cron.plan, service, settings.situation_zone, now)
        enabled = tuple(setup.feeds.values())
        first = pace.first_due(enabled, now) if spread else dict.fromkeys(setup.feeds, now)
        await asyncio.to_thread(store.sync_feeds, settings.situation_id, enabled, now, first)
        await self._backfill(settings, setup, now)
        service.take_over(settings, setup)
        try:
            await asyncio.to_thread(self._clamp, now)
            return await self._end_removed()
        except StoreError as error:
            log.error("what follows a new configuration is done at the next start", error=str(error))
            return 0

    async def reload(self) -> dict[str, Any]:
        """Take the edited files over; with mistakes, or a store that cannot be written, the old configuration keeps running."""
        service = self._service
        try:
            settings = await asyncio.to_thread(self._reload_settings)
            self._refuse_moves(settings)
            same = {entry.name: entry for entry in service.settings.channels}
            kept = {
                entry.name: service.setup.channels[entry.name]
                for entry in settings.channels
                if same.get(entry.name) == entry
            }
            left = [deliverer for name, deliverer in service.deliverers.items() if name not in kept]
            ended = await self.configure(settings, build_setup(settings, service.http, kept))
        except MonitorError as error:
            self.last = {"at": service.clock.now(), "error": str(error)}
            log.error("the new configuration was refused, the old one keeps running", error=str(error))
            raise
        self._retire_all(left)
        self.last = {"at": service.clock.now(), "error": None}
        log.info("configuration reloaded", feeds=len(service.setup.feeds), watches=len(settings.watches))
        counts = {
            "feeds": len(service.setup.feeds),
            "watches": len(settings.watches),
            "channels": len(settings.channels),
        }
        return {**counts, "ended": ended}

    async def reload_logged(self) -> None:
        """Reload on a signal: nobody waits for the answer, the log has it."""
        systemd.notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            await self.reload()
        except (SettingsError, UsageError, StoreError):
            log.info("reload ended without a change")
        finally:
            systemd.notify("READY=1")

    async def _backfill(self, settings: Settings, setup: Setup, now: datetime) -> None:
        """Run new and changed watches over the stored reports; only then they count as known."""
        store = self._service.store
        for name in await asyncio.to_thread(store.changed_watches, settings.situation_id, settings.watches):
            found = await asyncio.to_thread(backfill.backfill, store, setup, name, now)
            log.info("watch is new or changed: ran over the stored reports", watch=name, found=found)
        await asyncio.to_thread(store.sync_watches, settings.situation_id, settings.watches, now)

    def _clamp(self, now: datetime) -> None:
        """Let feeds rest from now on that are due later than any poll can be put off: the clock was wrong when that was decided."""
        service = self._service
        feeds = service.setup.feeds
        late = [
            state
            for state in service.store.feed_states(service.setup.situation)
            if state.feed_id in feeds and pace.is_too_far(feeds[state.feed_id], state, now)
        ]
        if not late:
            return
        log.warning("feeds were due too far ahead, they rest from now on: was the clock set back?", feeds=len(late))
        service.store.poll_now([state.feed_id for state in late], now)
        for state in late:
            service.store.put_off([state.feed_id], pace.resumed(state, now))

    async def _end_removed(self) -> int:
        """End what waits for channels that are configured no more, and tell the operator."""
        service = self._service
        now = service.clock.now()
        ended = await asyncio.to_thread(service.store.retire_channels, tuple(service.setup.channels), now)
        if ended:
            log.warning("channels were removed; what waited for them ended and can be retried", deliveries=ended)
            headline = "Alerts were waiting for a channel that was removed"
            await service.tell_operator(headline, {"what": "channel_removed", "ended": str(ended)})
        return ended

    def _retire_all(self, left: Iterable[Deliverer]) -> None:
        for deliverer in left:
            self._service.tasks.create_task(self._retire(deliverer), name=f"retire {deliverer.channel.name}")

    async def _retire(self, deliverer: Deliverer) -> None:
        """Close a channel that is configured no more, after its last sends and the decision that was being made."""
        service = self._service
        await deliverer.idle()
        await service.decided()
        try:
            await asyncio.to_thread(
                service.store.save_endpoint, Endpoint(channel=deliverer.channel.name)
            )  # set up anew
            await self._end_removed()
        except StoreError as error:
            log.error("what waits for removed channels ends at the next start", error=str(error))
        await deliverer.channel.aclose()

    def _refuse_moves(self, settings: Settings) -> None:
        old = self._service.settings
        for name, key in FIXED.items():
            if getattr(settings, key) != getattr(old, key):
                raise UsageError(f"{name} cannot change while the service runs: restart it instead")
