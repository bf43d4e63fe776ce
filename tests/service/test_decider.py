"""The decider's turns: it goes on while entries are left, and lets those that come meanwhile gather."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest
from support.values import NOW

from monitor.pipeline import Decided
from monitor.service.decider import Decider


class Standing:
    """A clock that stands."""

    def now(self) -> datetime:
        return NOW


def test_it_goes_on_while_entries_are_left_and_then_waits_for_the_next_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = [
        Decided(entries=100, new=100, more=True),
        Decided(entries=135, new=135, more=True),
        Decided(entries=7, new=7),
        Decided(entries=0),
    ]
    limits: list[int] = []

    def decide(*given: Any) -> Decided:
        limits.append(given[-1])
        return waiting.pop(0)

    async def run() -> None:
        entries, change = asyncio.Event(), asyncio.Event()
        decider = Decider(
            store=None,  # type: ignore[arg-type]  # only `decide` would touch it
            clock=Standing(),
            setup=lambda: None,  # type: ignore[arg-type, return-value]
            on_entries=entries,
            on_alerts=lambda _: None,
            on_change=change,
            polling=lambda: False,
            tell=lambda *_: asyncio.sleep(0),
        )
        task = asyncio.create_task(decider.run())
        entries.set()
        async with asyncio.timeout(20):
            await change.wait()
            assert (len(waiting), decider.busy, decider.entries) == (1, False, 242)
            change.clear()
            entries.set()
            await change.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    monkeypatch.setattr("monitor.service.decider.decide", decide)
    asyncio.run(run())
    assert limits == [200, 135, 178, 200]
