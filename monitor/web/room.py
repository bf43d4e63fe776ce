"""Memory for bodies that are still coming, shared so that no sender can keep the others out.

Problem: a place for each body is held by whoever drips, and behind a reverse proxy all senders have one address. Choice: count
bytes, which a dripper does not have, by the hub a subscription belongs to; and let nobody hold more than what is left free.
Refused: places with a queue (eight drips filled them for everybody), and taking room away from others half-way.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

ROOM = 32 * 1024 * 1024
"""Bytes of all bodies under way."""

LEAST = 256 * 1024
"""What a body counts before it has come, for its connection and buffers: one sender has 64 at a time at most, all together 128."""


class Share:
    """What one body takes of the room."""

    def __init__(self, room: Room, sender: str) -> None:
        self._room, self._sender = room, sender
        self.size = 0

    async def begin(self) -> None:
        """Take what every body counts, as soon as the sender may have it."""
        while not self.grow(LEAST):
            await self._room.wait()

    def grow(self, amount: int) -> bool:
        """Take so many bytes more if the sender may have them."""
        if not self._room.take(self._sender, amount):
            return False
        self.size += amount
        return True


class Room:
    """All bytes there are for bodies."""

    def __init__(self, size: int = ROOM) -> None:
        self._free = size
        self._held: Counter[str] = Counter()
        self._freed = asyncio.Event()

    @contextmanager
    def share(self, sender: str) -> Iterator[Share]:
        """Give a share, empty at first, for as long as a body is needed."""
        share = Share(self, sender)
        try:
            yield share
        finally:
            self._free += share.size
            self._held -= Counter({sender: share.size})  # forgets who holds nothing
            self._freed.set()

    async def wait(self) -> None:
        """Wait until something is given back."""
        self._freed.clear()
        await self._freed.wait()

    def take(self, sender: str, amount: int) -> bool:
        """Count bytes for a sender, unless it would hold more than what is then left for others: alone it gets half."""
        if self._held[sender] + amount > self._free - amount:
            return False
        self._held[sender] += amount
        self._free -= amount
        return True
