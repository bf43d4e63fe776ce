"""Feeds on a pace: how late polls are, while entries are published all the time.

A feed's due time is read from the database every few seconds; the poll that follows is found in nginx's log (when its request began) and in
the database again (when it was saved: `last_attempt_at`, taken after fetching and parsing). Lateness is the one minus the due time. A feed
that is overdue at the end and was not polled counts with what it is late by then, so that silence is never a good figure.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import documents
import ours
from servers import Nginx, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """Seconds that polls began (`asked`) and ended (`saved`) after they were due."""

    polls: int
    asked_p99: float
    asked_worst: float
    saved_p99: float
    saved_worst: float


class Publisher(threading.Thread):
    """Publishes an entry in one feed after another, a tenth of all feeds in a minute."""

    def __init__(self, nginx: Nginx, outlets: Sequence[documents.Outlet], names: Sequence[str], share: float) -> None:
        super().__init__(daemon=True)
        self._nginx, self._outlets, self._names = nginx, outlets, names
        self._rate = len(outlets) * share / 60
        self._ended = threading.Event()
        self.published = 0

    def run(self) -> None:
        start = time.monotonic()
        while not self._ended.wait(0.2):
            while self.published < (time.monotonic() - start) * self._rate:
                number = self.published % len(self._outlets)
                self._outlets[number].replace(time.time())
                self._nginx.put(self._names[number], self._outlets[number].body())
                self.published += 1

    def stop(self) -> int:
        self._ended.set()
        self.join()
        return self.published


class Watcher(threading.Thread):
    """Reads due times and last polls of all feeds every few seconds."""

    def __init__(self, data: Path, every: float) -> None:
        super().__init__(daemon=True)
        self._data, self._every, self._ended = data, every, threading.Event()
        self._last: dict[str, tuple[float, float | None]] = {}
        self.polls: list[tuple[str, float, float]] = []
        """Feed, when it was due, when it was polled."""

    def run(self) -> None:
        books = ours.Books(self._data)  # a connection belongs to its thread
        try:
            self._last = books.due()
            while not self._ended.wait(self._every):
                self._look(books.due())
            self._look(books.due())
        finally:
            books.close()

    def _look(self, now: dict[str, tuple[float, float | None]]) -> None:
        for feed, (_, attempt) in now.items():
            due, before = self._last.get(feed, (0.0, attempt))
            if attempt is not None and attempt != before:
                self.polls.append((feed, due, attempt))
        self._last = now

    def stop(self) -> Mapping[str, float]:
        """End; return the due times at the end."""
        self._ended.set()
        self.join()
        return {feed: due for feed, (due, _) in self._last.items()}


def lateness(
    watcher: Watcher, overdue: Mapping[str, float], requests: Iterable[Request], uris: Mapping[str, str], end: float
) -> Lateness:
    """Return how late the polls of the feeds in `uris` (by id) were."""
    begun: defaultdict[str, list[float]] = defaultdict(list)
    for request in requests:
        begun[request.uri].append(request.start)
    asked, saved = [], []
    for feed, due, attempt in watcher.polls:
        if feed not in uris:
            continue
        starts = sorted(begun[uris[feed]])
        at = bisect_right(starts, attempt + 0.005)
        if at:
            asked.append(starts[at - 1] - due)
        saved.append(attempt - due)
    silent = [end - due for feed, due in overdue.items() if feed in uris and due < end]
    polls = len(saved)
    asked, saved = sorted(asked + silent), sorted(saved + silent)
    if not polls or len(asked) < 0.99 * len(saved):
        raise ours.FailedError(f"of {polls} polls only {len(asked)} are in the server's log")
    return Lateness(
        polls=polls,
        asked_p99=asked[int(len(asked) * 0.99)],
        asked_worst=asked[-1],
        saved_p99=saved[int(len(saved) * 0.99)],
        saved_worst=saved[-1],
    )
