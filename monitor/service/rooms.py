"""Where polls run: three rooms with so many seats each, so that nobody who takes long holds up those who do not.

polls: every poll, while it is quick: after `DAWDLED` seconds its seat is given to the next, and it goes on standing
slow: those that took long the last time need one of these as well, for all the time they take
walks: those that ask for further documents (gaps, sitemaps) move here, and wait for a seat if need be
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from monitor.pipeline.catching_up import NoTurnError

SHARE = 4
"""Slow feeds have one seat for so many of the polls, and walks as many."""

DAWDLED = 10.0
"""Seconds from which a poll, well or not, is slow."""

WALKS_QUEUE = 4
"""Walks that wait, for each seat; those beyond end before they begin, so that what they hold does not fill the memory."""

TURN_WAIT = 90.0
"""Seconds that a walk waits for its seat, or for its turn at a host: polls have a lease."""


class Rooms:
    """The seats of one configuration."""

    def __init__(self, seats: int) -> None:
        self.slow_seats = self.walk_seats = max(seats // SHARE, 1)
        self.polls = asyncio.Semaphore(seats)
        self.slow = asyncio.Semaphore(self.slow_seats)
        self.walks = asyncio.Semaphore(self.walk_seats)
        self.walking = 0
        """Walks that have a seat or wait for one."""


class Seat:
    """What one poll holds."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._sits = True
        self._walks = False
        self.dawdled = False

    def dawdle(self) -> None:
        """Leave because it takes long."""
        self.dawdled = self._sits
        self.leave()

    def leave(self) -> None:
        """Let the next poll have the seat."""
        if self._sits:
            self._sits = False
            self._rooms.polls.release()

    async def walk(self) -> None:
        """Move to the room of those that ask for further documents; `NoTurnError` where that is too full."""
        if self._walks:
            return
        self.leave()
        rooms = self._rooms
        if rooms.walking >= rooms.walk_seats * (1 + WALKS_QUEUE):
            raise NoTurnError
        rooms.walking += 1
        try:
            async with asyncio.timeout(TURN_WAIT):
                await rooms.walks.acquire()
        except BaseException as error:
            rooms.walking -= 1
            if isinstance(error, TimeoutError):
                raise NoTurnError from error
            raise
        self._walks = True

    def end(self) -> None:
        """Give everything back."""
        self.leave()
        if self._walks:
            self._walks = False
            self._rooms.walking -= 1
            self._rooms.walks.release()


@asynccontextmanager
async def seat(rooms: Rooms, *, slow: bool) -> AsyncIterator[Seat]:
    """Wait for a seat and hold it as long as the poll is quick."""
    if slow:
        await rooms.slow.acquire()
    try:
        await rooms.polls.acquire()
        mine = Seat(rooms)
        dawdling = asyncio.get_running_loop().call_later(DAWDLED, mine.dawdle)
        try:
            yield mine
        finally:
            dawdling.cancel()
            mine.end()
    finally:
        if slow:
            rooms.slow.release()
