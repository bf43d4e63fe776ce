"""Parsing in worker processes that can be killed, so that a document can break nothing but itself.

Problem: a 161 kB document keeps feedparser busy for seconds, 1.4 MB for ever, and the C libraries below it have had memory
faults. Choice: worker processes (worker.py), each with a pipe of its own, under limits of computing time, address space
and wall time; one that dies takes one document with it, and lanes keep what is dangerous away from the rest (lanes.py).
Refused: threads (cannot be killed), fork (locks and sockets of the service would be copied), and pebble's pool, which the
design named: when the system killed a worker that waited for work (out of memory), the lock that its workers share died with
it and parsing hung, in one of three trials (measured); it also polls, starts a tracker process of 7 MB and imports `__main__`
again in every worker.

The service itself loads no parser and stays small. It looks for what is new in a document (spans.py, increment.py), and only
that goes through the pipe.
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from monitor.feeds import charset, increment, marks, spans
from monitor.feeds.lanes import IDLE, TASKS, Bounds, BrokeError, Lane
from monitor.feeds.limits import Limits
from monitor.model import FailureKind, PollFailure
from monitor.ports import Fetched, ParsedFeed
from monitor.ports import Lane as LaneName

WORKERS = 2
"""Processes for proven feeds at most; the second is started when two documents come at once."""

CPU_LIMIT = 10
"""Seconds of computing for one document; 15 MiB of ordinary feed need less."""

WALL_LIMIT = timedelta(seconds=30)
"""For one document, with the start of a worker (0.3 s here)."""

MEMORY_LIMIT = 768 * 1024 * 1024
"""Bytes of address space of a worker."""

PATIENCE = 0.2
"""Seconds of computing outside the suspects' lane, whatever the size: more than any feed of 150 kB needs (0.1 s here).
A slow machine reads more of them among the suspects, which costs them time and nothing else."""

PATIENCE_PER_BYTE = 2.0 / 2**20
"""And this for each byte: a large feed is no suspect (0.7 s for 1 MiB here)."""

APART = timedelta(hours=24)
"""So long the documents of an address that took more than the patience are read among the suspects at once."""

MAX_APART = 10_000
"""Addresses of which that is remembered; the oldest is forgotten first."""

IN_THREAD = 256 * 1024
"""Bytes from which on a document is cut in a thread: up to here that holds up the event loop for 18 ms at most, mostly for 0.3
(0.07 us a byte for the worst of 55 hostile shapes, 5 MB too: measured)."""


class WorkerParser:
    """`ports.Parser` over worker processes, started when they are first needed."""

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        workers: int = WORKERS,
        tasks: int = TASKS,
        cpu_seconds: float = CPU_LIMIT,
        wall: timedelta = WALL_LIMIT,
        memory: int = MEMORY_LIMIT,
        patience: float = PATIENCE,
        idle: timedelta = IDLE,
    ) -> None:
        self._limits = limits or Limits()
        self._full = Bounds(cpu=cpu_seconds, wall=wall.total_seconds(), memory=memory)
        self._patience = patience
        each: tuple[tuple[LaneName, int], ...] = (("proven", workers), ("new", 1), ("suspect", 1))
        self.lanes = {name: Lane(count, memory=memory, tasks=tasks, idle=idle) for name, count in each}
        """Their workers, for those who want to look at them."""
        self._slow: dict[str, float] = {}
        """Until when addresses are read apart, by the event loop's clock."""

    async def parse(
        self, fetched: Fetched, *, known: bytes = b"", whole: bool = False, lane: LaneName = "new"
    ) -> ParsedFeed | PollFailure:
        """See `ports.Parser`."""
        remembered = marks.by_span(known)
        pieces = await self._cut(fetched, remembered)
        if pieces is not None and remembered and not whole:
            new = increment.unread(pieces, remembered)
            if not new:
                return increment.unchanged(pieces, remembered)
            if not pieces.loose and len(new) < len(pieces.spans):
                outcome = await self._part(fetched, pieces, new, lane)
                if isinstance(outcome, PollFailure):
                    return outcome
                if (document := increment.joined(pieces, remembered, new, outcome)) is not None:
                    return document
        outcome = await self._read(fetched.body, fetched, lane)
        if isinstance(outcome, PollFailure) or pieces is None:
            return outcome
        return increment.aligned(pieces, remembered, outcome)

    async def aclose(self) -> None:
        """Stop the workers for good; documents under way end as killed."""
        for lane in self.lanes.values():
            await lane.aclose()

    async def _cut(self, fetched: Fetched, remembered: Mapping[bytes, bytes]) -> spans.Cut | None:
        def cut() -> spans.Cut | None:
            return spans.cut(
                fetched.body, fetched.content_type, fetched.url, known=remembered, most=self._limits.entries
            )

        return await asyncio.to_thread(cut) if len(fetched.body) > IN_THREAD else cut()

    async def _part(
        self, fetched: Fetched, pieces: spans.Cut, new: list[int], lane: LaneName
    ) -> ParsedFeed | PollFailure:
        text = charset.decode(fetched.body, fetched.content_type)
        part = spans.part(pieces, new, text)
        outcome = await self._read(part, fetched, lane)
        if isinstance(outcome, PollFailure):
            return outcome
        return replace(outcome, evidence=part.head + part.entries + part.tail)

    async def _read(self, document: bytes | spans.Part, fetched: Fetched, lane: LaneName) -> ParsedFeed | PollFailure:
        """Return what a worker of a lane makes of a document; one that needs too long there is read among the suspects."""
        job = pickle.dumps((document, fetched.content_type, fetched.url, self._limits), pickle.HIGHEST_PROTOCOL)
        try:
            if lane != "suspect" and not self._is_slow(fetched.url):
                try:
                    return await self.lanes[lane].read(job, self._bounds(len(job)))
                except BrokeError as broke:
                    if not broke.slow:
                        raise
                self._was_slow(fetched.url)
            return await self.lanes["suspect"].read(job, self._full)
        except BrokeError as broke:
            reason = f"Parsing the document was stopped: {broke}."
            return PollFailure(kind=FailureKind.PARSER_KILLED, reason=reason)

    def _is_slow(self, url: str) -> bool:
        return self._slow.get(url, 0.0) > asyncio.get_running_loop().time()

    def _was_slow(self, url: str) -> None:
        """Remember a slow document's address, so that its feed costs its neighbours the patience once a day, not with each poll."""
        self._slow.pop(url, None)
        self._slow[url] = asyncio.get_running_loop().time() + APART.total_seconds()
        if len(self._slow) > MAX_APART:
            del self._slow[next(iter(self._slow))]

    def _bounds(self, size: int) -> Bounds:
        """Return what a document of this size may cost outside the suspects' lane."""
        cpu = min(self._patience + size * PATIENCE_PER_BYTE, self._full.cpu)
        return Bounds(cpu=cpu, wall=self._full.wall, memory=self._full.memory)
