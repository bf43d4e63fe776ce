"""How much the callback takes: buckets that fill with time. Times are seconds of a monotonic clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

PER_TOKEN, TOKEN_BURST = 20.0, 100.0
"""Requests a second for one subscription, and at once: no feed brings that much for long."""

FAMILIAR, FAMILIAR_BURST = 500.0, 1000.0
"""The same for all subscriptions together."""

STRANGERS, STRANGER_BURST = 20.0, 50.0
"""The same for tokens that memory does not know: each costs a look into the store."""

TOKENS = 10_000
"""Buckets kept; the oldest is forgotten first."""


@dataclass(slots=True)
class Bucket:
    """So many at once, refilled so fast."""

    rate: float
    burst: float
    level: float
    at: float

    def take(self, now: float) -> bool:
        """Take one if there is one."""
        self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        if self.level < 1:
            return False
        self.level -= 1
        return True


class Rates:
    """The callback's limits: a flood of made-up tokens uses up its own bucket and takes nothing from hubs."""

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        now = time()
        self._familiar = Bucket(FAMILIAR, FAMILIAR_BURST, FAMILIAR_BURST, now)
        self._strangers = Bucket(STRANGERS, STRANGER_BURST, STRANGER_BURST, now)
        self._tokens: dict[str, Bucket] = {}

    def admits(self, token: str, *, familiar: bool) -> bool:
        """Count a request and tell whether it is within the limits."""
        now = self._time()
        if not familiar:
            return self._strangers.take(now)
        bucket = self._tokens.get(token)
        if bucket is None:
            bucket = self._tokens[token] = Bucket(PER_TOKEN, TOKEN_BURST, TOKEN_BURST, now)
            if len(self._tokens) > TOKENS:
                del self._tokens[next(iter(self._tokens))]
        return bucket.take(now) and self._familiar.take(now)
