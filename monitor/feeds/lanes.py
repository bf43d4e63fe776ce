"""Worker processes in lanes, so that documents which are dangerous wait for each other and for nothing else.

Three lanes with workers of their own: `proven` (feeds that were read well before), `new` (never read), `suspect` (broke a
limit). A document outside the suspects' lane gets a short patience of computing time; one that needs more is stopped there
and read once more among the suspects, with the full limits: a feed that turns hostile costs its neighbours that patience once.
And large documents never take all workers of a lane, because it takes size to be slow: what is small finds one free soon.

Workers start when they are first needed, are replaced after some documents (what their libraries leak goes with them), and
end after some minutes without work: each takes 18 to 27 MB (measured).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import monitor
from monitor.feeds.worker import OUT_OF_MEMORY
from monitor.model import PollFailure
from monitor.ports import ParsedFeed

TASKS = 500
"""Documents after which a worker is replaced."""

IDLE = timedelta(minutes=5)
"""After so long without work a worker ends; a feed's usual pace is shorter, so that of busy services stays."""

LARGE = 16 * 1024
"""Bytes from which on a document may not take a lane's last worker. What is new in a document is mostly less, and nothing that was
tried keeps a parser busy for longer than 6 us a byte, 0.1 s for this (eighty shapes of hostile documents, measured)."""

COMMAND = "from monitor.feeds.worker import main; main()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What one document may cost: seconds of computing, of waiting, and bytes of address space."""

    cpu: float
    wall: float
    memory: int


class BrokeError(Exception):
    """A document broke its bounds, or its worker died over it; `str()` says of what."""

    def __init__(self, why: str, *, slow: bool = False) -> None:
        super().__init__(why)
        self.slow = slow
        """It was time that ran out, not memory or luck."""


class Lane:
    """Some workers for one kind of documents, the last used first: others need not start."""

    def __init__(self, workers: int, *, memory: int, tasks: int, idle: timedelta) -> None:
        self.workers = [Worker(memory=memory, tasks=tasks, idle=idle) for _ in range(workers)]
        self._free: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        for worker in self.workers:
            self._free.put_nowait(worker)
        self._for_large = asyncio.Semaphore(max(workers - 1, 1))
        self._closed = False

    async def read(self, job: bytes, bounds: Bounds) -> ParsedFeed | PollFailure:
        """Return what a free worker makes of a job; `BrokeError` when it broke its bounds.

        It gets a second worker where the first was not new and may have died before.
        """
        async with self._for_large if len(job) > LARGE else contextlib.nullcontext():
            worker = await self._free.get()
            try:
                return await self._run(worker, job, bounds)
            finally:
                worker.rest()
                self._free.put_nowait(worker)

    async def aclose(self) -> None:
        """Stop the workers for good; documents under way end as broken."""
        self._closed = True
        for worker in self.workers:
            worker.close()
        for worker in [await self._free.get() for _ in self.workers]:
            await worker.stop()
            self._free.put_nowait(worker)

    async def _run(self, worker: Worker, job: bytes, bounds: Bounds) -> ParsedFeed | PollFailure:
        while True:
            if self._closed:
                raise BrokeError("the workers were stopped")
            used = worker.is_used
            try:
                async with asyncio.timeout(bounds.wall):
                    return await worker.read(job, bounds.cpu)
            except TimeoutError:
                raise BrokeError(f"it took longer than {bounds.wall:g} s", slow=True) from None
            except _DiedError as death:
                if self._closed or not (used and death.is_unexplained):
                    raise BrokeError(death.cause(bounds), slow=death.code == -signal.SIGPROF) from None


class Worker:
    """One worker process, or none yet: started with the first document, and anew after its end."""

    def __init__(self, *, memory: int, tasks: int, idle: timedelta) -> None:
        self._memory, self._tasks, self._idle = memory, tasks, idle.total_seconds()
        self._done = 0
        self._closed = False
        self._process: asyncio.subprocess.Process | None = None
        self._end_of_rest: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """Return the number of its process, None while it has none."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    @property
    def is_used(self) -> bool:
        """Whether this process has read a document before."""
        return self._process is not None and self._done > 0

    async def read(self, job: bytes, cpu: float) -> ParsedFeed | PollFailure:
        """Return what the process made of a job; `_DiedError` when it died over it. Whoever gives up waiting kills it."""
        if self._end_of_rest is not None:
            self._end_of_rest.cancel()
        if self._process is not None and self._process.returncode is not None:  # it ended while it had no work
            await self._end(self._process)
        process = self._process or await self._start()
        if self._closed:  # while it started
            self.kill()
        try:
            outcome = await _exchange(process, job, cpu)
        except (ConnectionError, asyncio.IncompleteReadError):
            raise _DiedError(await self._end(process)) from None
        except BaseException:
            await self.stop()
            raise
        self._done += 1
        if self._done >= self._tasks:
            await self.stop()
        return outcome

    def rest(self) -> None:
        """Have no work for now: after a while the process ends."""
        if self.pid is not None:
            self._end_of_rest = asyncio.get_running_loop().call_later(self._idle, self.kill)

    def close(self) -> None:
        """Kill the process, also one that is being started."""
        self._closed = True
        self.kill()

    def kill(self) -> None:
        """Kill the process if there is one; who waits for it sees it die."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)  # `Process.kill` may reap it, and asyncio loses the exit code

    async def stop(self) -> None:
        """Kill the process if there is one, and see it off."""
        if self._end_of_rest is not None:
            self._end_of_rest.cancel()
        self.kill()
        if self._process is not None:
            await self._end(self._process)

    async def _start(self) -> asyncio.subprocess.Process:
        self._done = 0
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-c", COMMAND, str(self._memory),
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
        return self.code not in {OUT_OF_MEMORY, -signal.SIGPROF}

    def cause(self, bounds: Bounds) -> str:
        """Return what it died of."""
        if self.code == OUT_OF_MEMORY:
            return f"it needed more than {bounds.memory // (1024 * 1024)} MiB of memory"
        if self.code == -signal.SIGPROF:
            return f"it needed more than {bounds.cpu:g} s of computing"
        if self.code < 0:
            return f"the worker died of {signal.Signals(-self.code).name}"
        return f"the worker ended with code {self.code}"


async def _exchange(process: asyncio.subprocess.Process, job: bytes, cpu: float) -> ParsedFeed | PollFailure:
    """Hand a job over and return what comes back."""
    assert process.stdin is not None
    assert process.stdout is not None
    milliseconds = max(round(cpu * 1000), 1)  # 0 would be no limit at all
    process.stdin.writelines([len(job).to_bytes(4, "big"), milliseconds.to_bytes(4, "big"), job])
    await process.stdin.drain()
    size = int.from_bytes(await process.stdout.readexactly(4), "big")
    outcome = pickle.loads(await process.stdout.readexactly(size))  # noqa: S301 - from our own worker
    assert isinstance(outcome, ParsedFeed | PollFailure)
    return outcome


def _environment() -> dict[str, str]:
    """Return a worker's environment: what Python needs to run and to find this package, and no secrets."""
    return dict(_kept())


def _kept() -> Iterator[tuple[str, str]]:
    for name in ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONHOME", "TZ"):
        if name in os.environ:
            yield name, os.environ[name]
    paths = [str(Path(monitor.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    yield "PYTHONPATH", os.pathsep.join(paths)
