"""Where polls run: rooms with so many seats each, so that nobody who takes long holds up those who do not.

polls: every poll, while it is quick: after `DAWDLED` seconds its seat is given to the next, and it goes on standing
slow: those that took long the last time have one of these as well while they ask for their own document, or do not begin
walks: those that ask for further documents (gaps, sitemaps) move here, and wait for a seat if need be
long walks: those among them that take long, or did the last time, move on to here, and wait again
"""

from __future__ import annotations

import asyncio
from typing import Self

from monitor.pipeline.catching_up import NoTurnError

SHARE = 4
"""Slow feeds have one seat for so many of the polls, and long walks as many."""

WALKS_SHARE, WALKS_LEAST = 2, 4
"""Walks have one seat for so many of the polls, but so many at least: most of the time they wait for their turn at a host."""

DAWDLED = 10.0
"""Seconds from which a poll, well or not, is slow."""

QUEUE = 1
"""Walks that wait, for each seat; those beyond end before they begin, so that what they hold does not fill the memory."""


class Room:
    """Seats for walks, and the queue before them."""

    def __init__(self, seats: int) -> None:
        self._most = seats * (1 + QUEUE)
        self._seats = asyncio.Semaphore(seats)
        self.inside = 0
        """Walks that have a seat or wait for one."""

    async def enter(self) -> None:
        """Take a seat, waiting for one if need be; `NoTurnError` where too many wait already."""
        if self.inside >= self._most:
            raise NoTurnError
        self.inside += 1
        try:
            await self._seats.acquire()
        except BaseException:
            self.inside -= 1
            raise

    def leave(self) -> None:
        """Give the seat to the next."""
        self.inside -= 1
        self._seats.release()


class Rooms:
    """The seats of one configuration."""

    def __init__(self, seats: int) -> None:
        share = max(seats // SHARE, 1)
        self.polls = asyncio.Semaphore(seats)
        self.slow_seats = self.free_slow_seats = share
        self.walks = Room(max(seats // WALKS_SHARE, WALKS_LEAST))
        self.long_walks = Room(share)


class Seat:
    """What one poll holds: `async with` waits for a seat, and holds it as long as the poll is quick.

    A slow one takes its seat among the slow when it is made, so there has to be one, and `end` gives it back.
    """

    def __init__(self, rooms: Rooms, *, slow: bool) -> None:
        self._rooms, self._slow = rooms, slow
        self._sits = self.dawdled = False
        self._walks_in: Room | None = None
        self._dawdling: asyncio.TimerHandle
        rooms.free_slow_seats -= slow

    async def __aenter__(self) -> Self:
        await self._rooms.polls.acquire()
        self._sits = True
        self._dawdling = asyncio.get_running_loop().call_later(DAWDLED, self.dawdle)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._dawdling.cancel()
        self.leave()
        self.end()
        if self._walks_in is not None:
            self._walks_in.leave()
            self._walks_in = None

    def dawdle(self) -> None:
        """Leave because it takes long."""
        self.dawdled = self._sits
        self.leave()

    def leave(self) -> None:
        """Let the next poll have the seat."""
        if self._sits:
            self._sits = False
            self._rooms.polls.release()

    def end(self) -> None:
        """Let the next slow feed have the seat among the slow."""
        self._rooms.free_slow_seats += self._slow
        self._slow = False

    async def walk(self, *, long: bool) -> None:
        """Move to the room of those that ask for further documents, or of the long ones; `NoTurnError` where it is too full."""
        room = self._rooms.long_walks if long else self._rooms.walks
        if room is self._walks_in:
            return
        self.leave()
        self.end()
        if self._walks_in is not None:
            self._walks_in.leave()
            self._walks_in = None
        await room.enter()
        self._walks_in = room
