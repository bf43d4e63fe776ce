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

LINGER = 0.01
"""Seconds for which a write waits for items that are on their way: many cost little more than one, and nobody notices."""


def _nothing() -> int:
    return 0


class Together(Generic[T, R]):
    """One task writes for all who wait, and ends when nobody does.

    `write` blocks, takes up to `most` items in order and gives one result for each; `coming` tells how many items are waiting or
    on their way.
    """

    def __init__(
        self, write: Callable[[Sequence[T]], Sequence[R]], *, most: int = MOST, coming: Callable[[], int] = _nothing
    ) -> None:
        self._write, self._most, self._coming = write, most, coming
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def put(self, item: T) -> R:
        """Return the result for an item once it is written; `StoreError` where its transaction failed."""
        mine: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, mine))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all(), name="writer")
        return await mine

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                if len(self._waiting) < min(self._coming(), self._most):
                    await asyncio.sleep(LINGER)
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._write_batch(batch)
        finally:
            self._writer = None

    async def _write_batch(self, batch: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
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
