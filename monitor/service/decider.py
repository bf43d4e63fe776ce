"""Deciding whenever entries wait, in a worker thread; one decision at a time.

An entry that makes deciding fail (a defect of ours) is found by deciding those of the failed batch one at a time, set aside with
the reason where `status` shows it, and told to the operator: the entries behind it are not held up and nothing is dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from monitor.errors import StoreError
from monitor.model import Alert
from monitor.pipeline import Decided, Memory, Setup, decide
from monitor.pipeline.deciding import BATCH
from monitor.ports import Clock, Store

LINGER, LINGERS = 0.02, 5
"""Seconds, and how often: while polls are under way a decision waits for what they bring. Many entries decided together cost a
third of what they cost one by one (measured), and nobody notices a tenth of a second."""

RETRY_STORE = 1.0
"""Seconds before deciding is tried again when the store is unavailable."""

log = structlog.get_logger("decide")


class Decider:
    """The decide flow of the service."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        setup: Callable[[], Setup],
        on_entries: asyncio.Event,
        on_alerts: Callable[[tuple[Alert, ...]], None],
        on_change: asyncio.Event,
        polling: Callable[[], bool],
        tell: Callable[[str, Mapping[str, str]], Awaitable[None]],
    ) -> None:
        self._store, self._clock, self._setup = store, clock, setup
        self._on_entries, self._on_alerts, self._on_change, self._tell = on_entries, on_alerts, on_change, tell
        self._polling = polling
        self._memory = Memory()
        self._limit = BATCH
        self._suspects = 0
        """Entries of a failed batch that are yet to be decided one at a time."""
        self.busy = False
        self.entries = 0

    async def run(self) -> None:
        """Decide for as long as the service runs."""
        while True:
            await self._on_entries.wait()
            self.busy = True
            await self._linger()
            self._on_entries.clear()
            try:
                while await self._step():
                    pass
            finally:
                self.busy = False
                self._on_change.set()

    async def _linger(self) -> None:
        for _ in range(LINGERS):
            if not self._polling():
                return
            await asyncio.sleep(LINGER)

    async def _step(self) -> bool:
        """Decide one batch; tell whether more wait. What comes meanwhile is another wait's, so that it is not decided one by one."""
        try:
            decided = await asyncio.to_thread(
                decide, self._store, self._memory, self._setup(), self._clock.now(), self._limit
            )
        except StoreError as error:
            log.error("store unavailable, deciding waits", error=str(error))
            self._memory = Memory()
            await asyncio.sleep(RETRY_STORE)
            return True
        except Exception:
            log.exception("deciding failed unexpectedly", limit=self._limit)
            return await self._isolate()
        self._suspects = max(self._suspects - decided.entries, 0) if decided.more else 0
        self._limit = 1 if self._suspects else _following(decided)
        self._report(decided)
        return decided.more

    async def _isolate(self) -> bool:
        """Find the entry: after a failed batch decide one at a time, set aside the one that fails alone. True: go on now."""
        self._memory = Memory()
        if self._limit > 1:
            self._suspects, self._limit = self._limit, 1
            return True
        try:
            aside = await asyncio.to_thread(self._store.set_aside, self._setup().situation, self._clock.now())
            self._suspects, self._limit = 0, BATCH
            if aside:
                headline = "An entry could not be decided and was set aside"
                await self._tell(headline, {"what": "entry_aside", "detail": aside})
        except StoreError as error:
            log.error("store unavailable, the entry is tried again with the next tick", error=str(error))
            return False
        return True

    def _report(self, decided: Decided) -> None:
        self.entries += decided.entries
        if decided.entries:
            log.info(
                "decided",
                entries=decided.entries,
                new=decided.new,
                revised=decided.revised,
                listed=decided.listings,
                alerts=len(decided.alerts),
            )
        for alert in decided.alerts:
            log.info("alert", id=alert.id, route=alert.route, severity=alert.severity.word, headline=alert.headline)
        if decided.alerts:
            self._on_alerts(decided.alerts)


def _following(decided: Decided) -> int:
    """Return how many entries to read next: while some are left, about what the time of a decision is enough for; more is in vain."""
    return min(BATCH, decided.entries * 5 // 4 + 10) if decided.more else BATCH
