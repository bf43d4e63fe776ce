"""The player: moves the clock, lets publishers and service follow, and does to the service what the scenario says.

Loop: ask the service to work off a virtual moment, take from its answer when it will have something to do next, move the
hand of publishers and inbox there, ask again. Between two answers nothing is in flight, so a run depends on the scenario
alone, however fast or slow the machine is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.errors import ScenarioError
from monitor.replay.child import Child
from monitor.replay.clock import Hand
from monitor.replay.kills import Gun, Shot, plan
from monitor.replay.publishers import Publishers
from monitor.replay.scenario import Kill, Scenario, Stop

SECOND = timedelta(seconds=1)

SETTLE = timedelta(hours=30)
"""Virtual time after the end in which what is on its way may arrive: beyond a day's back-off and its jitter."""

IDLE_STEP = timedelta(minutes=1)
"""Step of the clock when the service says that nothing will ever be due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """How fast the virtual clock runs: `speed` virtual seconds per second, None for as fast as the service works."""

    speed: float | None = None


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far the player is: for views."""

    now: datetime
    polls: int = 0
    entries: int = 0
    sent: int = 0
    alerts: list[dict[str, Any]] = field(default_factory=list)
    """Alerts decided in the last step."""


class Driver:
    """Plays one scenario once."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        start: datetime,
        end: datetime,
        hand: Hand,
        publishers: Publishers,
        child: Child,
        pending: Callable[[], int],
        pacing: Pacing,
        kills: int = 0,
        seed: int = 1,
        on_progress: Callable[[Progress], None] = lambda _progress: None,
        on_event: Callable[[str], None] = lambda _sentence: None,
    ) -> None:
        """`pending` counts deliveries that still wait; `on_event` hears in a sentence what is done to the service."""
        self._scenario = scenario
        self._end = end
        self._hand = hand
        self._publishers = publishers
        self._child = child
        self._pending = pending
        self._pacing = pacing
        self._on_progress = on_progress
        self._on_event = on_event
        planned = [moment for fault in scenario.faults if isinstance(fault, Kill) for moment in fault.moments]
        shots = [Shot(at=moment, trigger="advance", delay=timedelta(0)) for moment in planned]
        shots += plan(kills, seed, start, end)
        wanted = (shot for shot in shots if start <= shot.at <= end)
        self.gun = Gun(tuple(sorted(wanted, key=lambda shot: shot.at)), child.shoot)
        self._stops = sorted(
            (fault for fault in scenario.faults if isinstance(fault, Stop) and start < fault.start <= end),
            key=lambda stop: stop.start,
        )
        self._progress = Progress(now=start)
        self._before = Progress(now=start)

    async def play(self) -> None:
        """Play from the hand's time to the end, and on until everything has arrived."""
        began, first = time.monotonic(), self._hand.now
        await self._child.start(first)
        due = await self._advance()
        while not (self._hand.now >= self._end and self._is_settled()):
            target = self._target(due)
            await self._keep_pace(began, first, target)
            if self._stops and target >= self._stops[0].start:
                await self._sit_out(self._stops.pop(0))
            else:
                self._hand.move(target)
            due = await self._advance()
        self.gun.hold()
        await self._child.stop()

    def _target(self, due: datetime | None) -> datetime:
        """Return the next moment to go to: when something is due, in whole seconds, never standing still."""
        now = self._hand.now
        target = now + IDLE_STEP if due is None else max(_whole(due), now + SECOND)
        ahead = [stop.start for stop in self._stops[:1]]
        if now < self._end:
            ahead.append(self._end)
        return max(now, min([target, *ahead]))

    async def _advance(self) -> datetime | None:
        """Have the present worked off, starting the service again as often as it is shot; return what is due next."""
        while True:
            self.gun.trigger("advance", self._hand.now)
            answer = await self._child.call("advance", to=self._hand.now.isoformat())
            if answer is not None and not self._child.killed:
                self._note(answer)
                due = answer["next_due"]
                return datetime.fromisoformat(due) if due else None
            await self._start_again()

    async def _start_again(self) -> None:
        self.gun.hold()
        await self._child.bury()
        self._publishers.forget_reads()
        self._before = self._progress
        self._on_event(f"the service was killed (kill -9, number {self._child.kills}) and started again")
        await self._child.start(self._hand.now)

    async def _sit_out(self, stop: Stop) -> None:
        self._hand.move(stop.start)
        self.gun.hold()
        self._on_event(f"the service is stopped until {stop.end.astimezone(UTC):%d %b %H:%M} UTC")
        await self._child.stop()
        self._before = self._progress
        self._hand.move(stop.end)
        await self._child.start(self._hand.now)
        self._on_event("the service is started again")

    def _note(self, answer: dict[str, Any]) -> None:
        """Add up counts over restarts: each process counts from zero."""
        counts = answer["counts"]
        self._progress = Progress(
            now=self._hand.now,
            polls=self._before.polls + counts.get("polls", 0),
            entries=self._before.entries + counts.get("entries", 0),
            sent=self._before.sent + counts.get("sent", 0),
            alerts=answer["alerts"],
        )
        self._on_progress(self._progress)

    def _is_settled(self) -> bool:
        """Tell whether all that was published has been read and all that was decided has been sent."""
        now = self._hand.now
        if now > self._end + SETTLE:
            return True
        return all(desk.is_read(now) for desk in self._publishers.desks.values()) and not self._pending()

    async def _keep_pace(self, began: float, first: datetime, target: datetime) -> None:
        if self._pacing.speed is None:
            return
        wanted = began + (target - first).total_seconds() / self._pacing.speed
        await asyncio.sleep(max(0.0, wanted - time.monotonic()))


def _whole(moment: datetime) -> datetime:
    """Return the moment, rounded up to a whole second."""
    whole = moment.replace(microsecond=0)
    return whole if whole == moment else whole + SECOND


def window(scenario: Scenario, start: datetime | None, end: datetime | None) -> tuple[datetime, datetime]:
    """Return the part to play; raises `ScenarioError` when it lies outside or is empty."""
    first, last = start or scenario.start, end or scenario.end
    if not scenario.start <= first < last <= scenario.end:
        raise ScenarioError(
            f"{scenario.name} runs from {scenario.start.isoformat()} to {scenario.end.isoformat()}; "
            f"{first.isoformat()} to {last.isoformat()} is no part of it"
        )
    return first, last
