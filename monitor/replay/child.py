"""The service as a child process: started, asked over its control socket, killed, stopped. Only ever this one child.

How to reach the socket is an argument (`Connect`): replay and service know each other by their protocol alone.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from monitor.errors import MonitorError, NotRunning, ScenarioError

READY = timedelta(seconds=60)
"""Real time a start may take: imports, migrations, worker processes."""

STOP = timedelta(seconds=45)
"""Real time an orderly stop may take; the service drains for up to 25 s."""

ORPHANS = timedelta(seconds=10)
"""Real time in which the workers of a killed service must have noticed and ended."""

_RETRY = 0.02
"""Seconds between tries to connect while the service starts."""

_TAIL = 20
"""Lines of the log shown when the service ends by itself."""


class Control(Protocol):
    """A connection to the service's control socket."""

    async def call(self, op: str, **fields: Any) -> dict[str, Any]:
        """Ask for one thing; `NotRunning` when the connection ended, `MonitorError` when the service refuses."""

    async def aclose(self) -> None:
        """Hang up."""


Connect = Callable[[Path], Awaitable[Control]]
"""Opens the control socket of the service of a data directory; `NotRunning` while none answers."""


class Child:
    """One service after another in the same data directory; at most one is alive."""

    def __init__(
        self, command: Callable[[datetime], Sequence[str]], *, data_dir: Path, log: Path, connect: Connect
    ) -> None:
        """`command` gives the arguments to start it at a virtual time; what it prints goes to `log`."""
        self._command = command
        self._data_dir = data_dir
        self._log = log
        self._connect = connect
        self._process: asyncio.subprocess.Process | None = None
        self._control: Control | None = None
        self.starts = 0
        self.kills = 0
        self.orphans = 0
        """Workers that outlived their killed service for too long."""
        self.killed = False
        """The present process was sent SIGKILL by `shoot`."""

    @property
    def pid(self) -> int | None:
        """Return the process id while a child is there."""
        return self._process.pid if self._process else None

    async def start(self, now: datetime) -> None:
        """Start the service at a virtual time and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command(now),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"},
                start_new_session=True,
            )
        self.starts += 1
        self.killed = False
        try:
            async with asyncio.timeout(READY.total_seconds()):
                self._control = await self._reach(self._process)
        except TimeoutError:
            raise ScenarioError(f"the service did not answer within {READY}: see {self._log}") from None

    async def _reach(self, process: asyncio.subprocess.Process) -> Control:
        while process.returncode is None:
            try:
                return await self._connect(self._data_dir)
            except NotRunning:
                await asyncio.sleep(_RETRY)
        raise self._ended(process)

    async def call(self, op: str, **fields: Any) -> dict[str, Any] | None:
        """Ask the service; None when it was shot meanwhile. A service that ends by itself is a `ScenarioError`."""
        assert self._process is not None
        assert self._control is not None
        try:
            return await self._control.call(op, **fields)
        except (NotRunning, ValueError) as error:  # ValueError: half an answer
            if self.killed:
                return None
            await self._wait(self._process, STOP)
            raise self._ended(self._process) from error
        except MonitorError as error:
            raise ScenarioError(f"the service refused `{op}`: {error} (see {self._log})") from error

    def shoot(self) -> None:
        """Send SIGKILL to the service, and only to it: its workers have to notice by themselves."""
        if self._process is not None and self._process.returncode is None and not self.killed:
            self.killed = True
            self.kills += 1
            self._process.kill()

    async def bury(self) -> None:
        """Wait for the end of a service that was shot, and of its workers."""
        assert self._process is not None
        await self._process.wait()
        await self._hang_up()
        await self._end_group(self._process.pid)
        self.killed = False

    async def stop(self) -> None:
        """Stop the service in order; one that does not end in time is killed, and that is an error."""
        if self.killed:
            await self.bury()
            return
        if self._process is None or self._process.returncode is not None:
            return
        await self.call("stop")
        await self._hang_up()
        if not await self._wait(self._process, STOP):
            self._process.kill()
            await self._process.wait()
            await self._end_group(self._process.pid)
            raise ScenarioError(f"the service did not stop within {STOP}: see {self._log}")
        if self._process.returncode:
            raise self._ended(self._process)

    async def aclose(self) -> None:
        """Leave no process behind, whatever happened."""
        await self._hang_up()
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
            await self._end_group(self._process.pid)

    async def _hang_up(self) -> None:
        if self._control is not None:
            await self._control.aclose()
            self._control = None

    async def _wait(self, process: asyncio.subprocess.Process, limit: timedelta) -> bool:
        try:
            async with asyncio.timeout(limit.total_seconds()):
                await process.wait()
        except TimeoutError:
            return False
        return True

    async def _end_group(self, group: int) -> None:
        """Wait until the workers of a dead service are gone too; end those that stay. The group is the child's own session."""
        try:
            async with asyncio.timeout(ORPHANS.total_seconds()):
                while await asyncio.to_thread(_alive, group):  # noqa: ASYNC110 - no event tells of others' children
                    await asyncio.sleep(_RETRY)
        except TimeoutError:
            self.orphans += 1
            os.killpg(group, signal.SIGKILL)

    def _ended(self, process: asyncio.subprocess.Process) -> ScenarioError:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL:]
        shown = "\n".join(f"  {line}" for line in lines)
        return ScenarioError(
            f"the service ended by itself (code {process.returncode}); its last words in {self._log}:\n{shown}"
        )


def _alive(group: int) -> bool:
    """Tell whether a process of the group still runs. A dead one that nobody has collected does not count."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    table = Path("/proc")
    if not (table / "self" / "stat").exists():
        return True
    return any(_is_member(folder / "stat", group) for folder in table.iterdir() if folder.name.isdecimal())


def _is_member(stat: Path, group: int) -> bool:
    """Read one line of the process table: after the name in brackets come state, parent and group (proc(5))."""
    try:
        state, _, its_group = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:3]
    except (OSError, ValueError):  # it ended while we looked
        return False
    return state != "Z" and int(its_group) == group
