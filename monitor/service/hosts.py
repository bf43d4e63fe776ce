"""Who may be asked when: publishers see a few of our requests at a time, and never two in the same moment.

Feeds of one host, and hosts of one registrable domain (`a.tumblr.com`, `b.tumblr.com`: one operator), share limits: so many at
a time, and starts a spacing apart (conformance cases 43, 44). A feed whose host is not free gets a moment to come back at, one
after the other in the order they were due; the moment is stored, so it holds over restarts and needs nobody's memory.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from monitor.model import Feed
from monitor.net.domains import registrable

BUSY = timedelta(seconds=5)
"""When a feed comes back at the earliest whose host is busy with others."""

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a feed is asked: its host with the port, and the registrable domain."""

    host: str
    domain: str


def place(feed: Feed) -> Place:
    """Return where a feed is asked."""
    try:
        parts = urlsplit(feed.url)
        name, port = parts.hostname or "", parts.port
    except ValueError:  # an address that cannot be asked: the fetcher says so
        return Place(host=feed.url, domain=feed.url)
    return Place(host=f"{name}:{port}" if port else name, domain=registrable(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How many requests at a time one host and one registrable domain see, and how far apart they start."""

    per_host: int
    per_domain: int
    spacing: timedelta


class Hosts:
    """What is under way at each host, and which moments are given away."""

    def __init__(self, manners: Manners) -> None:
        self.manners = manners
        self._busy: Counter[str] = Counter()
        self._started: dict[str, datetime] = {}
        """The last start, by domain."""
        self._last: dict[str, datetime] = {}
        """The last start or the last moment given away, by domain."""
        self._given: dict[str, datetime] = {}
        """Moments given to feeds, by feed id."""

    def enter(self, feed: Feed, at: Place, now: datetime) -> datetime | None:
        """Take a place at the feed's host; None when it may start, else when to come back."""
        mine = self._given.get(feed.id)
        busy = self._busy[at.host] >= self.manners.per_host or self._busy[f".{at.domain}"] >= self.manners.per_domain
        free_at = self._last.get(at.domain, _LONG_AGO) + self.manners.spacing
        if not busy and (mine or free_at) <= now:
            next_start = self._started.get(at.domain, _LONG_AGO) + self.manners.spacing
            if next_start > now:  # the turn is this feed's, but a late tick brought two at once
                return next_start
            self._begin(feed, at, now)
            return None
        if mine is None or mine <= now:
            mine = max(free_at, now + (BUSY if busy else self.manners.spacing))
            self._given[feed.id] = self._last[at.domain] = mine
        return mine

    def _begin(self, feed: Feed, at: Place, now: datetime) -> None:
        self._given.pop(feed.id, None)
        self._started[at.domain] = now
        self._last[at.domain] = max(self._last.get(at.domain, now), now)
        self._busy[at.host] += 1
        self._busy[f".{at.domain}"] += 1

    @property
    def has_queue(self) -> bool:
        """Whether feeds were given moments that are still to come."""
        return bool(self._given)

    def leave(self, at: Place) -> None:
        """Give the place back."""
        for key in (at.host, f".{at.domain}"):
            self._busy[key] -= 1
            if self._busy[key] <= 0:
                del self._busy[key]

    def forget(self, now: datetime) -> None:
        """Drop what does not matter any more: domains that are free, moments long past."""
        spacing = self.manners.spacing
        self._started = {domain: last for domain, last in self._started.items() if last + spacing > now}
        self._last = {domain: last for domain, last in self._last.items() if last + spacing > now}
        self._given = {feed: moment for feed, moment in self._given.items() if moment + 60 * BUSY > now}
