"""Whether the service is well, for `/healthz`: its tick runs and its store can be written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from monitor.errors import StoreError
from monitor.ports import Clock, Store

LATE = 10.0
"""Seconds without a tick; it runs every second, and is woken after three."""

PATIENCE = 3.0
"""Seconds for a write."""

FLAG = "healthz"


class Health:
    """Looks when asked. `last_tick` gives the monotonic time of the last tick that came to its end."""

    def __init__(self, *, last_tick: Callable[[], float], store: Store, clock: Clock) -> None:
        self._last_tick, self._store, self._clock = last_tick, store, clock

    async def __call__(self) -> tuple[str, ...]:
        """Return what is wrong, in sentences; nothing when the service is well."""
        reasons = []
        silent = time.monotonic() - self._last_tick()
        if silent > LATE:
            reasons.append(f"Nothing was taken up for {silent:.0f} s.")
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.to_thread(self._store.set_flag, FLAG, self._clock.now().isoformat())
        except StoreError as error:
            reasons.append(f"The store cannot be written: {error}")
        except TimeoutError:
            reasons.append(f"The store did not take a write within {PATIENCE:g} s.")
        return tuple(reasons)
