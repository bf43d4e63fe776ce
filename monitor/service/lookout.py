"""Looks after the service in monotonic time: the wall clock, the scheduler and the database file."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from monitor.errors import StoreBroken, StoreError
from monitor.service.clock import StepWatch, SystemClock

if TYPE_CHECKING:
    from monitor.service.app import Service

EVERY = 1.0
"""Seconds between looks."""

LATE = 3.0
"""Seconds without a tick after which the scheduler is woken: APScheduler stops ticking when the clock steps back (measured)."""

log = structlog.get_logger("service")


async def look_out(service: Service) -> None:
    """Watch until the service ends, or end it: when its database is gone, what it stores would be lost."""
    steps = StepWatch()
    while True:
        await asyncio.sleep(EVERY)
        if service.store.is_gone():
            service.fail(
                StoreBroken(
                    f"the database of {service.settings.data_dir} was deleted or replaced while the service ran; it stops, because"
                    " what it stores now would be lost: put a backup back, or start again with an empty database"
                )
            )
            return
        step = steps.step()
        if step and isinstance(service.clock, SystemClock):
            await _follow(service, step)
        if step or time.monotonic() - service.last_tick > LATE:
            service.wake()


async def _follow(service: Service, step: timedelta) -> None:
    """Move what is due along with a wall clock that was set."""
    log.warning("the wall clock was set", by=str(step))
    try:
        await asyncio.to_thread(service.store.shift_due, service.setup.situation, step)
    except StoreError as error:
        log.error("due times could not be moved along", error=str(error))
