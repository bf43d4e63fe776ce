"""Scheduling alone: the real service with a fetcher that answers `not modified` at once; no HTTP, no parsing, nothing to decide.

    python scheduling.py CONFIG FILLED FEEDS PACE WARM SECONDS

The service of the folder CONFIG gets FEEDS feeds whose rows look like one that was really polled (FILLED: a database with one), due evenly over
PACE seconds. Printed after WARM + SECONDS: CPU of the process over the last SECONDS, polls made, how many were due, and the same while
nothing is due (all due times a day ahead). It covers tick, claim, due times and saving.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sqlite3
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from monitor.model import Feed, Pace
from monitor.ports import NotModified
from monitor.service import app, parts
from monitor.service.clock import SystemClock
from monitor.service.logs import configure
from monitor.service.opening import open_for_service
from monitor.settings import load

OWN = {"id", "situation", "configured", "enabled", "url", "address", "pace", "due_at", "wake_at", "lease"}
"""Columns that each row keeps; all others are those of the filled row."""


class InstantFetcher:
    """`ports.Fetcher` that has nothing new, whatever it is asked."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    async def fetch(self, feed: Feed, validators: Any = None, *_: Any, **__: Any) -> NotModified:
        return NotModified(url=feed.url, validators=validators, pace=Pace())


def _look_filled(database: Path, filled: Path, feeds: int, pace: float, start: float) -> None:
    """Give all rows what a polled feed has, and due times over one pace."""
    connection = sqlite3.connect(database)
    connection.execute("ATTACH ? AS other", (str(filled),))
    columns = [row[1] for row in connection.execute("PRAGMA table_info(feeds)") if row[1] not in OWN]
    row = connection.execute(f"SELECT {', '.join(columns)} FROM other.feeds WHERE filled LIMIT 1").fetchone()
    connection.execute(f"UPDATE feeds SET {', '.join(f'{name} = ?' for name in columns)}", row)
    connection.execute("UPDATE feeds SET validators_url = url")
    spread = random.Random(1)
    names = [name for (name,) in connection.execute("SELECT id FROM feeds")]
    moments = [(int((start + spread.random() * pace) * 1e6),) * 2 + (name,) for name in names]
    connection.executemany("UPDATE feeds SET due_at = ?, wake_at = ? WHERE id = ?", moments)
    assert len(names) == feeds
    connection.execute(
        "REPLACE INTO flags VALUES ('announced', ?)", (json.dumps(names),)
    )  # a running service said so long ago
    connection.commit()
    connection.close()


async def main() -> None:
    folder, filled = Path(sys.argv[1]), Path(sys.argv[2])
    feeds, pace, warm, seconds = int(sys.argv[3]), *map(float, sys.argv[4:7])
    settings = load(folder, environ=os.environ)
    first = settings.feeds[0]
    made = tuple(
        replace(
            first,
            id=f"s{n}",
            name=f"s{n}",
            outlet=f"s{n}",
            url=f"http://o{n}.example/feed",
            pace=timedelta(seconds=pace),
        )
        for n in range(feeds)
    )
    # instant answers: concurrency is no limit of theirs, and must not be what is measured
    settings = replace(settings, feeds=made, poll_concurrency=5000)
    configure("json", level=30)
    parts.HttpFetcher = InstantFetcher  # type: ignore[attr-defined, assignment]
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    prepared = open_for_service(settings)
    now = datetime.now(UTC)
    prepared.sync_feeds(settings.situation_id, made, now, {feed.id: now + timedelta(days=1) for feed in made})
    prepared.close()
    database = settings.data_dir / "monitor.db"
    _look_filled(database, filled, feeds, pace, time.time() + 20)
    store = open_for_service(settings)
    async with asyncio.TaskGroup() as tasks:
        service = app.Service(settings, store, SystemClock(), tasks, lambda: settings)
        running = tasks.create_task(service.run())
        await asyncio.sleep(20 + warm)
        busy = await _window(service, seconds)
        await asyncio.to_thread(store.shift_due, settings.situation_id, timedelta(days=1))
        await asyncio.sleep(3)
        idle = await _window(service, min(seconds, 10))
        service.stop()
        await running
    store.close()
    due = (
        feeds / (pace * 1.025 if pace < 300 else pace + 7.5) * seconds
    )  # jitter: 5 % of the pace, at most 15 s; half of it on average
    print(json.dumps({"share": busy[0], "polls": busy[1], "due": due, "idle": idle[0], "seconds": seconds}))


async def _window(service: app.Service, seconds: float) -> tuple[float, int]:
    """Return the share of a core and the polls made over some seconds."""
    polls, cpu, wall = service.poller.polls, time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    spent = (time.process_time() - cpu) / (time.monotonic() - wall)
    return spent, service.poller.polls - polls


if __name__ == "__main__":
    asyncio.run(main())
