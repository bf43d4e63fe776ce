"""The decider's turns: it goes on while entries are left, and lets those that come meanwhile gather."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
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


class Shelf:
    """A store that sets entries aside; only `decide` would touch more of it."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.aside: list[str] = []

    def set_aside(self, _situation: str, _now: datetime) -> str:
        self.aside.append(self.waiting.pop(0))
        return self.aside[-1]


class AnySetup:
    """What the decider asks of a setup."""

    situation = "kz"


async def rounds(
    decider: Decider, entries: asyncio.Event, change: asyncio.Event, checks: list[Callable[[], None]]
) -> None:
    """Have a decider run until it rests, once for each check."""
    task = asyncio.create_task(decider.run())
    async with asyncio.timeout(20):
        for check in checks:
            entries.set()
            await change.wait()
            change.clear()
            check()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def a_decider(shelf: Shelf, entries: asyncio.Event, change: asyncio.Event) -> Decider:
    return Decider(
        store=shelf,  # type: ignore[arg-type]  # see there
        clock=Standing(),
        setup=AnySetup,  # type: ignore[arg-type]
        on_entries=entries,
        on_alerts=lambda _: None,
        on_change=change,
        polling=lambda: False,
        tell=lambda *_: asyncio.sleep(0),
    )


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
        decider = a_decider(Shelf(), entries, change)

        def rests() -> None:
            assert (len(waiting), decider.busy, decider.entries) == (1, False, 242)

        await rounds(decider, entries, change, [rests, lambda: None])

    monkeypatch.setattr("monitor.service.decider.decide", decide)
    asyncio.run(run())
    assert limits == [200, 135, 178, 200]


@pytest.mark.parametrize("place", [0, 1, 5, 9, 150])
def test_an_entry_that_cannot_be_decided_is_found_by_one_failing_decision_more(
    monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    shelf, limits, failed = Shelf(), list[int](), list[int]()
    shelf.waiting = [str(number) for number in range(300)]
    bad = str(place)

    def decide(*given: Any) -> Decided:
        limit = given[-1]
        limits.append(limit)
        batch = shelf.waiting[:limit]
        if bad in batch:
            failed.append(limit)
            raise RuntimeError("a defect")
        del shelf.waiting[:limit]
        return Decided(entries=len(batch), more=len(batch) == limit)

    async def run() -> None:
        entries, change = asyncio.Event(), asyncio.Event()
        decider = a_decider(shelf, entries, change)
        await rounds(decider, entries, change, [lambda: None])

    monkeypatch.setattr("monitor.service.decider.decide", decide)
    asyncio.run(run())
    assert (failed, shelf.aside, shelf.waiting) == ([200, 1], [bad], [])
    assert limits[1 : place + 2] == [1] * (place + 1)
    assert limits[place + 2] == 200
