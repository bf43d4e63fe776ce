"""One poll's requests: each holds a place at its host while it runs, and no longer.

What lies between two requests (reading a document, waiting for a seat or a turn) is no publisher's matter: whoever answers slowly,
or has us ask for much, takes no place from those who share the host.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from monitor.model import Feed, PollFailure, Validators
from monitor.pipeline.catching_up import MAX_DOCUMENTS, NoTurnError
from monitor.ports import Clock, Fetched, Fetcher, NotModified
from monitor.service.hosts import Hosts, Place, place
from monitor.service.rooms import Seat

WAITS = timedelta(minutes=4)
"""How long a poll waits for seats and turns of its further documents, all together, where hosts need no spacing."""

TURNS = 3 * MAX_DOCUMENTS
"""Spacings for which it waits beyond that: every other turn is left to those who wait for the host, and some to chance."""

LONG_WALK = 30.0
"""Seconds spent on further documents, waits aside, from which a walk is a long one."""


def waits(spacing: timedelta) -> timedelta:
    """Return how long a poll waits for its further documents at most, all waits together."""
    return WAITS + TURNS * spacing


class Visit:
    """A `ports.Fetcher` for one poll, and the pause before its further documents."""

    def __init__(
        self, feed: Feed, at: Place, seat: Seat, *, fetcher: Fetcher, hosts: Hosts, clock: Clock, long: bool
    ) -> None:
        """Begin a poll that has a place at its host already; `long`: its feed's last walk was a long one."""
        self._feed, self._at, self._seat, self._long = feed, at, seat, long
        self._fetcher, self._hosts, self._clock = fetcher, hosts, clock
        self._held: Place | None = at
        self._last = clock.now()
        self._spent = 0.0
        self._working_since: float | None = None
        self._waits = waits(hosts.manners.spacing).total_seconds()

    async def fetch(
        self, feed: Feed, validators: Validators | None, *, address: str | None = None, redirects: bool = True
    ) -> Fetched | NotModified | PollFailure:
        """See `ports.Fetcher`. From the first answer on it is known where the documents lie."""
        try:
            answer = await self._fetcher.fetch(feed, validators, address=address, redirects=redirects)
        finally:
            self.leave()
        if not isinstance(answer, PollFailure):
            self._at = place(self._feed, answer.url)
        return answer

    def leave(self) -> None:
        """Give the place at the host back."""
        if self._held is not None:
            self._hosts.leave(self._held)
            self._held = None

    @property
    def walked_long(self) -> bool | None:
        """Whether much time went into further documents; None where that was not to be seen."""
        long = self._spent_now() > LONG_WALK
        return long if long or self._working_since is not None else None

    async def turn(self, least: float) -> None:
        """Wait at least so many seconds, for a seat among walks and for a turn at the host; `NoTurnError` if that takes too long.

        The time that was waited for counts as passed, so that a virtual clock, which stands still meanwhile, holds up nobody.
        """
        loop = asyncio.get_running_loop()
        self._spent = self._spent_now()
        began = loop.time()
        self._working_since = None
        try:
            async with asyncio.timeout(self._waits):
                await self._seat.walk(long=self._long or self._spent > LONG_WALK)
                now = await self._rested(self._last, timedelta(seconds=least))
                while wait := self._hosts.further(self._at, now, self._last):
                    now = await self._rested(now, wait)
        except TimeoutError as error:
            raise NoTurnError from error
        self._held, self._last = self._at, now
        self._working_since = loop.time()
        self._waits -= self._working_since - began

    def _spent_now(self) -> float:
        if self._working_since is None:
            return self._spent
        return self._spent + asyncio.get_running_loop().time() - self._working_since

    async def _rested(self, now: datetime, span: timedelta) -> datetime:
        """Return the time after a rest."""
        await asyncio.sleep(span.total_seconds())
        return max(self._clock.now(), now + span)
