"""Parsing in worker processes that can be killed, so that a document can break nothing but itself.

Problem: a 161 kB document keeps feedparser busy for seconds, 1.4 MB for ever, and the C libraries below it have had memory
faults. Choice: pebble's process pool with spawned workers under limits of CPU time, address space and wall time. Refused:
threads (cannot be killed) and fork (locks and sockets of the service would be copied into it).

Only the worker imports what parses (document.py: feedparser, nh3); the service stays small (a worker is 27 MB, measured).
A worker that dies takes one document with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import resource
import signal
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from datetime import timedelta
from typing import Any

from pebble import ProcessExpired, ProcessPool

from monitor.feeds.limits import Limits
from monitor.model import FailureKind, PollFailure
from monitor.ports import Fetched, ParsedFeed

WORKERS = 2
"""Processes; the second keeps feeds coming while the first is busy with a hostile document."""

TASKS = 500
"""Documents after which a worker is replaced: what its libraries leak goes with it."""

CPU_LIMIT = 10
"""Seconds of CPU for one document; 15 MiB of ordinary feed need less."""

WALL_LIMIT = timedelta(seconds=30)
"""For one document, with the start of a worker."""

MEMORY_LIMIT = 768 * 1024 * 1024
"""Bytes of address space of a worker."""

SUSPECTS = 1000
"""Addresses remembered for having killed a worker."""


class WorkerParser:
    """`ports.Parser` over worker processes, started with the first document.

    Documents from addresses that killed a worker before take turns in a lane of their own, so that together they hold
    up one worker at most.
    """

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        workers: int = WORKERS,
        tasks: int = TASKS,
        cpu_seconds: int = CPU_LIMIT,
        wall: timedelta = WALL_LIMIT,
        memory: int = MEMORY_LIMIT,
    ) -> None:
        self._limits = limits or Limits()
        self._workers = workers
        self._tasks = tasks
        self._cpu_seconds = cpu_seconds
        self._wall = wall
        self._memory = memory
        self._slots = asyncio.Semaphore(workers)
        self._suspect_lane = asyncio.Semaphore(1)
        self._suspects: dict[str, None] = {}
        self._pool: ProcessPool | None = None
        self._under_way: set[Future[ParsedFeed | PollFailure]] = set()

    async def parse(self, fetched: Fetched) -> ParsedFeed | PollFailure:
        """See `ports.Parser`."""
        lane = self._suspect_lane if fetched.url in self._suspects else contextlib.nullcontext()
        async with lane, self._slots:
            outcome = await self._run(fetched)
        if isinstance(outcome, PollFailure) and outcome.kind is FailureKind.PARSER_KILLED:
            self._suspects.pop(fetched.url, None)
            self._suspects[fetched.url] = None
            if len(self._suspects) > SUSPECTS:
                del self._suspects[next(iter(self._suspects))]
        else:
            self._suspects.pop(fetched.url, None)
        return outcome

    async def aclose(self) -> None:
        """Stop the workers; documents under way end as killed."""
        pool, self._pool = self._pool, None
        for future in self._under_way:
            future.cancel()
        if pool is not None:
            await asyncio.to_thread(_stop, pool)

    async def _run(self, fetched: Fetched) -> ParsedFeed | PollFailure:
        future = self._schedule(fetched)
        self._under_way.add(future)
        try:
            async with asyncio.timeout(self._wall.total_seconds()):
                return await _result(future)
        except TimeoutError:  # leaving the wait cancelled the task, which makes the pool kill its worker
            return _killed(f"it took longer than {self._wall.total_seconds():g} s")
        except MemoryError:
            return _killed(f"it needed more than {self._memory // (1024 * 1024)} MiB of memory")
        except ProcessExpired as error:
            return _killed(_cause(error.exitcode, self._cpu_seconds))
        except (BrokenProcessPool, _StoppedError):
            return _killed("the workers were stopped")  # a pool that gave up is replaced with the next document
        finally:
            self._under_way.discard(future)

    def _schedule(self, fetched: Fetched) -> Future[ParsedFeed | PollFailure]:
        """Hand a document to a worker, with the pool made when it is first needed or has given up."""
        if self._pool is None or not self._pool.active:
            if self._pool is not None:
                self._pool.stop()  # type: ignore[no-untyped-call] # pebble leaves it without annotations
            self._pool = ProcessPool(
                max_workers=self._workers,
                max_tasks=self._tasks,
                initializer=_prepare,
                initargs=(self._memory,),
                context=multiprocessing.get_context("spawn"),
            )
        args = (fetched.body, fetched.content_type, fetched.url, self._limits, self._cpu_seconds)
        future: Future[ParsedFeed | PollFailure] = self._pool.schedule(_work, args=args)
        return future


class _StoppedError(Exception):
    """The pool dropped a task although nobody who waits for it gave up."""


async def _result(future: Future[ParsedFeed | PollFailure]) -> ParsedFeed | PollFailure:
    """Wait for a task. One that the pool cancelled must not look as if the waiting poll had been cancelled."""
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        waiting = asyncio.current_task()
        if waiting is None or waiting.cancelling():
            raise
        raise _StoppedError from None


def _prepare(memory: int) -> None:
    """Set a new worker's limits. Ctrl-C is the service's to handle; a killed worker leaves no core file."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _work(*job: Any) -> ParsedFeed | PollFailure:
    """Parse one document in a worker. CPU limits are for a whole process, so the soft one is moved before each task."""
    from monitor.feeds.document import parse_document

    *document, cpu_seconds = job
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime) + 1 + cpu_seconds, hard))
    return parse_document(*document)


def _killed(why: str) -> PollFailure:
    return PollFailure(kind=FailureKind.PARSER_KILLED, reason=f"Parsing the document was stopped: {why}.")


def _cause(exitcode: int, cpu_seconds: int) -> str:
    """Return why a worker died, from the exit code of its process (negative: the signal)."""
    if -exitcode == signal.SIGXCPU:
        return f"it needed more than {cpu_seconds} s of computing"
    if exitcode < 0:
        return f"the worker died of {signal.Signals(-exitcode).name}"
    return f"the worker ended with code {exitcode}"


def _stop(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call] # pebble leaves it without annotations
    pool.join()
