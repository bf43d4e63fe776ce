"""Writing together what comes at the same time: a commit costs milliseconds however little is in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from monitor.errors import StoreError

T = TypeVar("T")
R = TypeVar("R")

MOST = 64
"""Items in one go."""


class Together(Generic[T, R]):
    """Whoever has the turn writes for all who wait. `write` blocks, takes items in order and gives one result for each."""

    def __init__(self, write: Callable[[Sequence[T]], Sequence[R]]) -> None:
        self._write = write
        self._turn = asyncio.Lock()
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []

    async def put(self, item: T) -> R:
        """Return the result for an item once it is written; `StoreError` where its transaction failed."""
        mine: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, mine))
        async with self._turn:
            while not mine.done():
                await self._write_batch()
        return await mine

    async def _write_batch(self) -> None:
        batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        try:
            results = await asyncio.to_thread(self._write, [item for item, _ in batch])
        except BaseException as error:
            told = error if isinstance(error, Exception) else StoreError("writing was given up half-way")
            for _, waiting in batch:
                if not waiting.done():
                    waiting.set_exception(told)
                    waiting.exception()  # whoever gave up waiting asks no more
            if not isinstance(error, Exception):
                raise
            return
        for (_, waiting), result in zip(batch, results, strict=True):
            if not waiting.done():
                waiting.set_result(result)
