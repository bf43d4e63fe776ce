"""Our side: the real service (`monitor run`) as its own process, on its own configuration, SQLite file and jsonl channel.

It is told to poll over its control socket (`poll-now`), on the real clock: what is measured is what a running service pays for so many
polls, its ticks, decisions and deliveries in between included, its start not. What became of the polls is read from its database,
by another process and read-only.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import documents
import measuring
from measuring import FailedError, Usage

from monitor.errors import NotRunning
from monitor.service.control import ControlClient, socket_path

HERE = Path(__file__).parent
CONFIG = """situation: {{id: bench, name: Bench, zone: Asia/Almaty}}
store: {{data_dir: {data}}}
service: {{log: json}}
polling: {{poll_concurrency: {concurrency}}}
http: {{listen: none}}
channels:
  file: {{kind: jsonl, path: alerts.jsonl}}
routes:
  default: {{channels: [file]}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A feed to configure."""

    id: str
    url: str


def configure(place: Path, feeds: Sequence[Address], *, watches: int, pace: str, concurrency: int) -> Path:
    """Write a configuration and return its folder. Feeds keep their pace, whether anything new comes or not."""
    folder = place / "config"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "monitor.yaml").write_text(CONFIG.format(data=place / "data", concurrency=concurrency))
    write_feeds(folder, feeds, pace)
    # JSON is YAML: no quoting rules to get wrong
    rows = "".join(f"- {json.dumps(row, ensure_ascii=False)}\n" for row in documents.watches(watches))
    (folder / "watches.yaml").write_text(f"watches:\n{rows}" if rows else "watches: []\n")
    return folder


def write_feeds(folder: Path, feeds: Sequence[Address], pace: str) -> None:
    rows = (
        f"- {{id: {feed.id}, name: Outlet {feed.id}, url: '{feed.url}', pace: {pace}, allow_networks: [127.0.0.0/8]}}\n"
        for feed in feeds
    )
    (folder / "feeds.yaml").write_text(f"feeds:\n{''.join(rows)}")


class Books:
    """What the database says, read beside the service."""

    def __init__(self, data: Path) -> None:
        self._connection = sqlite3.connect(f"file:{data}/monitor.db?mode=ro", uri=True, timeout=20)

    def _one(self, statement: str, *given: object) -> int:
        return int(self._connection.execute(statement, given).fetchone()[0])

    def polled_since(self, moment: float) -> int:
        """Return how many feeds were polled and saved after a moment (Unix time)."""
        return self._one("SELECT count(*) FROM feeds WHERE last_attempt_at >= ? AND lease IS NULL", int(moment * 1e6))

    def undecided(self) -> int:
        return self._one("SELECT count(*) FROM intake")

    def undelivered(self) -> int:
        return self._one("SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending')")

    def count(self, table: str) -> int:
        return self._one(f"SELECT count(*) FROM {table}")

    def failing(self) -> list[tuple[str, str]]:
        return self._connection.execute("SELECT id, failure FROM feeds WHERE failures > 0").fetchall()

    def due(self) -> dict[str, tuple[float, float | None]]:
        """Return for each feed when it is due and when it was polled last (Unix time)."""
        rows = self._connection.execute("SELECT id, due_at, last_attempt_at FROM feeds WHERE enabled")
        return {feed: (due / 1e6, None if last is None else last / 1e6) for feed, due, last in rows}

    def close(self) -> None:
        self._connection.close()


class Service:
    """One service, started and stopped as often as wanted on the same data."""

    def __init__(self, name: str, place: Path, config: Path, *, profile: bool = False) -> None:
        self.name, self.place, self.data = name, place, place / "data"
        self._command = [sys.executable, *([str(HERE / "profiled.py")] if profile else ["-m", "monitor"])]
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None
        self._books: Books | None = None
        self._snapshots = 0

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def books(self) -> Books:
        if self._books is None:
            self._books = Books(self.data)
        return self._books

    def start(self, seconds: float = 60) -> Usage:
        """Start it, wait until it answers, and return what the start took."""
        start = time.monotonic()
        self._snapshots = 0
        with (self.place / "service.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, "run", "--config", str(self._config)],
                cwd=self.place,
                stdout=log,
                stderr=log,
                env={key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"},
            )
        while True:
            if self._process.poll() is not None or time.monotonic() - start > seconds:
                raise FailedError(f"the service did not start: {self.tail()}")
            try:
                self.ask("status")
                break
            except NotRunning:
                time.sleep(0.05)
        spent, below = measuring.cpu(self.pid)
        memory = measuring.memory(self.pid)
        return Usage(cpu=spent, wall=time.monotonic() - start, memory=memory, workers=below)

    def ask(self, op: str, **fields: object) -> Mapping[str, object]:
        """Send a request to its control socket."""

        async def call() -> Mapping[str, object]:
            client = await ControlClient.connect(socket_path(self.data))
            try:
                return await client.call(op, **fields)
            finally:
                await client.aclose()

        return asyncio.run(call())

    def poll(self, ids: Sequence[str], *, seconds: float) -> Usage:
        """Have these feeds polled at once; return what it took until all is saved and decided (sending may go on)."""
        start = time.time()
        with measuring.taking(self.pid) as taken:
            self.ask("poll-now", feeds=list(ids), force=True)
            self.wait(start, len(ids), seconds)
        return taken.found

    def fill(self, ids: Sequence[str], *, seconds: float) -> Usage:
        """Start it on an empty store and have all feeds polled; return what that took, the start included."""
        began, start = time.time(), time.monotonic()
        started = self.start()
        with measuring.taking(self.pid) as taken:
            self.ask("poll-now", feeds=list(ids), force=True)
            self.wait(began, len(ids), seconds)
        spent, workers = measuring.cpu(self.pid)
        memory = max(started.memory, taken.found.memory)
        return Usage(cpu=spent, wall=time.monotonic() - start, memory=memory, workers=workers)

    def wait(self, since: float, feeds: int, seconds: float) -> None:
        """Wait until so many feeds were polled and nothing waits to be decided."""
        ends = time.monotonic() + seconds
        while (polled := self.books.polled_since(since)) < feeds or self.books.undecided():
            if self._process is None or self._process.poll() is not None:
                raise FailedError(f"the service ended: {self.tail()}")
            if time.monotonic() > ends:
                waiting = self.books.undecided()
                raise FailedError(f"after {seconds:.0f} s {polled} of {feeds} feeds are polled, {waiting} entries wait")
            time.sleep(0.1)

    def rest(self, seconds: float) -> None:
        """Wait until all is delivered, so that the next measurement pays for itself alone."""
        ends = time.monotonic() + seconds
        while left := self.books.undelivered():
            if time.monotonic() > ends:
                raise FailedError(f"{left} deliveries still wait after {seconds:.0f} s")
            time.sleep(0.2)

    def snapshot(self) -> Path:
        """Have a profiled service write its figures; return the file."""
        self._snapshots += 1
        target = self.place / f"profile-{self.pid}-{self._snapshots}.json"
        os.kill(self.pid, signal.SIGUSR1)
        ends = time.monotonic() + 30
        while not target.exists():
            if time.monotonic() > ends:
                raise FailedError("the profile was not written")
            time.sleep(0.05)
        return target

    def stop(self) -> None:
        if self._books is not None:
            self._books.close()
            self._books = None
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(45)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def tail(self) -> str:
        lines = (self.place / "service.log").read_text(errors="replace").strip().splitlines()
        return " | ".join(lines[-3:])[-600:]
