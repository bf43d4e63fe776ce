"""Parsing in worker processes that can be killed, so that a document can break nothing but itself.

Problem: a 161 kB document keeps feedparser busy for seconds, 1.4 MB for ever, and the C libraries below it have had memory
faults. Choice: up to two worker processes (worker.py), each with a pipe of its own, under limits of CPU time, address space
and wall time; one that dies takes one document with it. Refused: threads (cannot be killed), fork (locks and sockets of the
service would be copied), and pebble's pool, which the design named: when the system killed a worker that waited for work (out
of memory), the lock that its workers share died with it and parsing hung, in one of three trials (measured); it also polls,
starts a tracker process of 7 MB and imports `__main__` again in every worker.

The service itself loads no parser and stays small; a worker takes 18 to 27 MB (measured).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import signal
import sys
from datetime import timedelta
from pathlib import Path

import monitor
from monitor.feeds.limits import Limits
from monitor.feeds.worker import OUT_OF_MEMORY, message
from monitor.model import FailureKind, PollFailure
from monitor.ports import Fetched, ParsedFeed

WORKERS = 2
"""Processes at most; the second is started when two documents come at once."""

TASKS = 500
"""Documents after which a worker is replaced: what its libraries leak goes with it."""

CPU_LIMIT = 10
"""Seconds of CPU for one document; 15 MiB of ordinary feed need less."""

WALL_LIMIT = timedelta(seconds=30)
"""For one document, with the start of a worker (0.3 s here)."""

MEMORY_LIMIT = 768 * 1024 * 1024
"""Bytes of address space of a worker."""

SUSPECTS = 1000
"""Addresses remembered for having killed a worker."""

COMMAND = "from monitor.feeds.worker import main; main()"


class WorkerParser:
    """`ports.Parser` over worker processes, started when they are first needed.

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
        self._cpu_seconds, self._wall, self._memory = cpu_seconds, wall, memory
        self._workers = [_Worker(memory=memory, cpu_seconds=cpu_seconds, tasks=tasks) for _ in range(workers)]
        self._free: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()  # the last used first: others need not start
        for worker in self._workers:
            self._free.put_nowait(worker)
        self._suspect_lane = asyncio.Semaphore(1)
        self._suspects: dict[str, None] = {}
        self._closed = False

    async def parse(self, fetched: Fetched) -> ParsedFeed | PollFailure:
        """See `ports.Parser`."""
        lane = self._suspect_lane if fetched.url in self._suspects else contextlib.nullcontext()
        async with lane:
            worker = await self._free.get()
            try:
                outcome = await self._run(worker, fetched)
            finally:
                self._free.put_nowait(worker)
        killed = isinstance(outcome, PollFailure) and outcome.kind is FailureKind.PARSER_KILLED
        self._suspects.pop(fetched.url, None)
        if killed:
            self._suspects[fetched.url] = None
        if len(self._suspects) > SUSPECTS:
            del self._suspects[next(iter(self._suspects))]
        return outcome

    async def aclose(self) -> None:
        """Stop the workers for good; documents under way end as killed."""
        self._closed = True
        for worker in self._workers:
            worker.close()
        free = [await self._free.get() for _ in self._workers]
        for worker in free:
            await worker.stop()
            self._free.put_nowait(worker)

    async def _run(self, worker: _Worker, fetched: Fetched) -> ParsedFeed | PollFailure:
        """Parse in a worker, and once more in a new one where the first was not new and may have died before."""
        job = message((fetched.body, fetched.content_type, fetched.url, self._limits))
        while True:
            if self._closed:
                return _killed("the workers were stopped")
            used = worker.is_used
            try:
                async with asyncio.timeout(self._wall.total_seconds()):
                    return await worker.parse(job)
            except TimeoutError:
                return _killed(f"it took longer than {self._wall.total_seconds():g} s")
            except _DiedError as death:
                if not self._closed and not (used and death.is_unexplained):
                    return _killed(death.cause(self._cpu_seconds, self._memory))


class _Worker:
    """One worker process, or none yet: started with the first document, and anew after its end."""

    def __init__(self, *, memory: int, cpu_seconds: int, tasks: int) -> None:
        self._arguments = (str(memory), str(cpu_seconds))
        self._tasks = tasks
        self._done = 0
        self._closed = False
        self._process: asyncio.subprocess.Process | None = None

    @property
    def is_used(self) -> bool:
        """Whether this process has read a document before."""
        return self._process is not None and self._done > 0

    async def parse(self, job: bytes) -> ParsedFeed | PollFailure:
        """Return what the process made of a job; `_DiedError` when it died over it. Whoever gives up waiting kills it."""
        process = self._process or await self._start()
        if self._closed:  # while it started
            self.kill()
        try:
            outcome = await _exchange(process, job)
        except (ConnectionError, asyncio.IncompleteReadError):
            raise _DiedError(await self._end(process)) from None
        except BaseException:
            await self.stop()
            raise
        self._done += 1
        if self._done >= self._tasks:
            await self.stop()
        return outcome

    def close(self) -> None:
        """Kill the process, also one that is being started."""
        self._closed = True
        self.kill()

    def kill(self) -> None:
        """Kill the process if there is one; who waits for it sees it die."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(
                    self._process.pid, signal.SIGKILL
                )  # `Process.kill` may reap it, and asyncio loses the exit code

    async def stop(self) -> None:
        """Kill the process if there is one, and see it off."""
        self.kill()
        if self._process is not None:
            await self._end(self._process)

    async def _start(self) -> asyncio.subprocess.Process:
        self._done = 0
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-c", COMMAND, *self._arguments,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 20, env=_environment(),
            start_new_session=True,  # Ctrl-C in a terminal is for the service
        )  # fmt: skip
        return self._process

    async def _end(self, process: asyncio.subprocess.Process) -> int:
        """Wait for a process that is ending, let its pipes go, and return its exit code (negative: the signal)."""
        if process is self._process:
            self._process = None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        await process.stdout.read()
        return await process.wait()


class _DiedError(Exception):
    """A worker's process ended over a document."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code

    @property
    def is_unexplained(self) -> bool:
        """Whether no limit of ours ended it: the system may have, and not because of this document."""
        return self.code not in {OUT_OF_MEMORY, -signal.SIGXCPU}

    def cause(self, cpu_seconds: int, memory: int) -> str:
        """Return what it died of."""
        if self.code == OUT_OF_MEMORY:
            return f"it needed more than {memory // (1024 * 1024)} MiB of memory"
        if self.code == -signal.SIGXCPU:
            return f"it needed more than {cpu_seconds} s of computing"
        if self.code < 0:
            return f"the worker died of {signal.Signals(-self.code).name}"
        return f"the worker ended with code {self.code}"


async def _exchange(process: asyncio.subprocess.Process, job: bytes) -> ParsedFeed | PollFailure:
    """Hand a job over and return what comes back."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(job)
    await process.stdin.drain()
    size = int.from_bytes(await process.stdout.readexactly(4), "big")
    outcome = pickle.loads(await process.stdout.readexactly(size))  # noqa: S301 - from our own worker
    assert isinstance(outcome, ParsedFeed | PollFailure)
    return outcome


def _environment() -> dict[str, str]:
    """Return a worker's environment: what Python needs to run and to find this package, and no secrets."""
    kept = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONHOME", "TZ")
    paths = [str(Path(monitor.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {name: os.environ[name] for name in kept if name in os.environ} | {"PYTHONPATH": os.pathsep.join(paths)}


def _killed(why: str) -> PollFailure:
    return PollFailure(kind=FailureKind.PARSER_KILLED, reason=f"Parsing the document was stopped: {why}.")
