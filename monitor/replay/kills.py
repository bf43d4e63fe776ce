"""When a campaign kills the service: moments spread over the run, each in the middle of something. Pure but for the timer.

A kill at a random time would nearly always hit a service that waits. So each planned moment only arms the gun; it is fired
a random real-time delay after the next trigger: the start of an advance, news given out by a publisher, a mail or a
webhook coming in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

TRIGGERS: dict[str, float] = {"advance": 0.030, "news": 0.080, "email": 0.012, "webhook": 0.012}
"""Longest delay in seconds after each trigger: about what the work that it starts takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """Fire `delay` of real time after the first `trigger` at or after `at`."""

    at: datetime
    trigger: str
    delay: timedelta


def plan(kills: int, seed: int, start: datetime, end: datetime) -> tuple[Shot, ...]:
    """Return a campaign's shots in order of time; the same seed gives the same campaign."""
    random = Random(seed)
    span = (end - start).total_seconds()
    shots = []
    for _ in range(kills):
        trigger = random.choice(tuple(TRIGGERS))
        shots.append(
            Shot(
                at=start + timedelta(seconds=random.uniform(0, span)),
                trigger=trigger,
                delay=timedelta(seconds=random.uniform(0, TRIGGERS[trigger])),
            )
        )
    return tuple(sorted(shots, key=lambda shot: shot.at))


class Gun:
    """Fires the planned shots, one at a time. A shot whose trigger does not come before the next one is due goes off then."""

    def __init__(self, shots: tuple[Shot, ...], shoot: Callable[[], None]) -> None:
        self._shots = list(shots)
        self._shoot = shoot
        self._timer: asyncio.TimerHandle | None = None

    @property
    def left(self) -> int:
        """Return how many shots were not fired."""
        return len(self._shots)

    def trigger(self, name: str, now: datetime) -> None:
        """Say that something begins; fires what waits for it."""
        if self._timer is not None or not self._shots or self._shots[0].at > now:
            return
        overdue = len(self._shots) > 1 and self._shots[1].at <= now
        if name == self._shots[0].trigger or (overdue and name == "advance"):
            shot = self._shots.pop(0)
            self._timer = asyncio.get_running_loop().call_later(shot.delay.total_seconds(), self._fire)

    def hold(self) -> None:
        """Take back a shot that was about to go off: there is nobody to hit."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        self._timer = None
        self._shoot()
