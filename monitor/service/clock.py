"""Business time: the machine's, or a virtual one that a replay moves."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

STEP = timedelta(seconds=30)
"""A wall clock that moves this much against the monotonic one was set (slewing stays far below)."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present as an aware UTC datetime."""
        return datetime.now(UTC)


class VirtualClock:
    """A clock that stands still until it is moved; it never goes back."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """Return the virtual present."""
        return self._now

    def move_to(self, moment: datetime) -> None:
        """Move on; an earlier moment is ignored."""
        self._now = max(self._now, moment.astimezone(UTC))


@dataclass(slots=True)
class StepWatch:
    """Notices when the wall clock is set: it then disagrees with the monotonic clock, which never is."""

    offset: float | None = None

    def step(self) -> timedelta:
        """Return by how much the wall clock was set since the last call, zero when it was not."""
        now = time.time() - time.monotonic()
        before, self.offset = self.offset, now
        moved = timedelta(seconds=now - before) if before is not None else timedelta(0)
        return moved if abs(moved) >= STEP else timedelta(0)
