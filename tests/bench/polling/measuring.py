"""CPU, memory and wall time of process trees. CPU is user and system time; nginx and this process are in none of them."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What some work took."""

    cpu: float
    """Seconds, all processes together."""
    wall: float
    memory: float
    """MB, highest sum over the tree at one moment (PSS: shared pages are counted once)."""
    workers: float = 0.0
    """Seconds of `cpu` that were spent below the first process."""


def tree(pid: int) -> list[int]:
    """Return a process and all below it, as far as they are still there."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return [pid]
    return [pid, *(each for child in children for each in tree(child))]


def cpu(pid: int) -> tuple[float, float]:
    """Return seconds of a whole tree, and of what is or was below its first process.

    Living processes are read from their CPU clocks (nanoseconds), ended ones from what their parent reaped (ticks of 10 ms).
    """
    own = below = 0.0
    for each in tree(pid):
        try:
            spent = time.clock_gettime((~each << 3) | 2)  # the clock of another process: clock_getcpuclockid(3)
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        reaped = (int(fields[13]) + int(fields[14])) / TICK
        own += spent if each == pid else 0
        below += reaped + (0 if each == pid else spent)
    return own + below, below


def memory(pid: int) -> float:
    """Return MB of proportional set size of a tree now."""
    total = 0
    for each in tree(pid):
        try:
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return total / 1024


class Memory:
    """Samples a tree until it is stopped."""

    def __init__(self, pid: int, every: float) -> None:
        self.highest = 0.0
        self._pid, self._every, self._stop = pid, every, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            self.highest = max(self.highest, memory(self._pid))
            if self._stop.wait(self._every):
                return

    def stop(self) -> float:
        self._stop.set()
        self._thread.join()
        return self.highest


@dataclass(slots=True)
class Taken:
    """Filled at the end of `taking`."""

    usage: Usage | None = None

    @property
    def found(self) -> Usage:
        assert self.usage is not None
        return self.usage


@contextmanager
def taking(pid: int) -> Iterator[Taken]:
    """Measure a living process over the body of a `with`."""
    taken, sampler = Taken(), Memory(pid, 0.5)
    (before, below), start = cpu(pid), time.monotonic()
    try:
        yield taken
    finally:
        after, below_after = cpu(pid)
        wall = time.monotonic() - start
        taken.usage = Usage(cpu=after - before, wall=wall, memory=sampler.stop(), workers=below_after - below)


class FailedError(Exception):
    """A program ended with an error, or not in time."""


def run(command: Sequence[str | Path], *, env: Mapping[str, str], log: Path, seconds: float) -> Usage:
    """Run a program to its end and return what it and all that it waited for took."""
    start = time.monotonic()
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    sampler = Memory(process.pid, 0.2)
    timer = threading.Timer(seconds, os.killpg, (process.pid, signal.SIGKILL))
    timer.start()
    try:
        _, status, used = os.wait4(process.pid, 0)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)  # it is in a session of its own: Ctrl-C does not reach it
        process.wait()
        raise
    finally:
        timer.cancel()
        highest = sampler.stop()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        tail = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise FailedError(f"{Path(command[0]).name} ended with {process.returncode}: {' '.join(tail)[:200]}")
    wall = time.monotonic() - start
    return Usage(cpu=used.ru_utime + used.ru_stime, wall=wall, memory=highest)
