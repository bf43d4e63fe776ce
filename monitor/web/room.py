"""Places and memory for bodies that are still coming, shared so that no sender can keep the others out.

Problem: whoever drips or waits holds a connection, of which there are only so many; a body that is let in without its room is
refused half-way; and behind a reverse proxy all senders have one address. Choice: shares by the hub a subscription belongs to, of
places and of bytes, where nobody may hold more than what is left free. A place is had at once or not at all; the room for a whole
body is waited for before any of it is read, so that those that are read come to their end. Refused: a queue for places (who waits
there for nothing fills the server's connections), counting bytes as they come (of twelve large bodies at once seven were refused
half-way), and taking room away from others.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

PLACES = 128
"""Bodies under way or waiting for room, of all hubs: fewer than the connections that the server keeps. One hub has half of them."""

ROOM = 32 * 1024 * 1024
"""Bytes of all bodies under way."""


class Shares:
    """So much of something, in the hands of senders."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._held: Counter[str] = Counter()

    def take(self, sender: str, amount: int) -> bool:
        """Take so much for a sender, unless it would hold more than what is then left for others: alone it gets half."""
        if self._held[sender] + amount > self._free - amount:
            return False
        self._held[sender] += amount
        self._free -= amount
        return True

    def give(self, sender: str, amount: int) -> None:
        """Give back what was taken."""
        self._free += amount
        self._held -= Counter({sender: amount})  # forgets who holds nothing


class Place:
    """One body's place, and the room that it has."""

    def __init__(self, room: Room, sender: str) -> None:
        self._room, self._sender = room, sender
        self.size = 0

    async def reserve(self, size: int) -> None:
        """Take so many bytes, once, as soon as the sender may have them."""
        await self._room.reserve(self._sender, size)
        self.size = size


class Room:
    """All that there is for bodies."""

    def __init__(self, size: int = ROOM, places: int = PLACES) -> None:
        self._bytes, self._places = Shares(size), Shares(places)
        self._freed = asyncio.Event()

    @contextmanager
    def place(self, sender: str) -> Iterator[Place | None]:
        """Give a place for as long as a body is needed; None where the sender has all that it may have."""
        if not self._places.take(sender, 1):
            yield None
            return
        place = Place(self, sender)
        try:
            yield place
        finally:
            self._places.give(sender, 1)
            self._bytes.give(sender, place.size)
            self._freed.set()

    async def reserve(self, sender: str, size: int) -> None:
        """Count bytes for a sender, as soon as it may have them."""
        while not self._bytes.take(sender, size):
            self._freed.clear()
            await self._freed.wait()
