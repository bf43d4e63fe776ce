"""Who may be asked when: publishers see a few of our requests at a time, and never two in the same moment.

Feeds of one host, and hosts of one registrable domain (`a.tumblr.com`, `b.tumblr.com`: one operator), share limits: so many at
a time, and starts a spacing apart (conformance cases 43, 44). A feed whose host is not free gets a moment to come back at, one
after the other in the order they were due; the moment is stored, so it holds over restarts and needs nobody's memory. A feed that
is redirected counts where it is configured and where it is led to, from its second poll on: then that is known. A poll that asks
for further documents waits for a turn before each of them, and leaves every other one to the feeds that wait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
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
    """Where a feed is asked: hosts with their ports, and registrable domains; first its own, then those it is redirected to."""

    hosts: tuple[str, ...]
    domains: tuple[str, ...]

    @property
    def domain(self) -> str:
        """Return the feed's own domain."""
        return self.domains[0]


def place(feed: Feed, leads_to: str | None = None) -> Place:
    """Return where a feed is asked, and where that leads if it is known."""
    asked = [_host_and_domain(url) for url in (feed.url, leads_to) if url is not None]
    hosts, domains = zip(*asked, strict=True)
    return Place(hosts=tuple(dict.fromkeys(hosts)), domains=tuple(dict.fromkeys(domains)))


def _host_and_domain(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
    except ValueError:  # an address that cannot be asked: the fetcher says so
        return url, url
    return f"{name}:{port}" if port else name, registrable(name)


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
        busy = self._is_busy(at)
        free_at = self._latest(self._last, at) + self.manners.spacing
        if not busy and (mine or free_at) <= now:
            next_start = self._latest(self._started, at) + self.manners.spacing
            if next_start > now:  # the turn is this feed's, but a late tick brought two at once
                return next_start
            self._begin(feed, at, now)
            return None
        if mine is None or mine <= now:
            mine = self._given[feed.id] = max(free_at, now + (BUSY if busy else self.manners.spacing))
            self._last.update(dict.fromkeys(at.domains, mine))
        return mine

    def further(self, at: Place, now: datetime, last: datetime) -> timedelta:
        """Return how long a poll under way has to wait for one more request; zero: it starts now. `last` is when its last one did.

        Where feeds have moments to come, one of them has its turn in between.
        """
        spacing = self.manners.spacing
        free_at = self._latest(self._started, at) + spacing
        if self._latest(self._last, at) > now:
            free_at = max(free_at, last + 2 * spacing)
        if free_at > now:
            return free_at - now
        self._note(at, now)
        return timedelta(0)

    def _is_busy(self, at: Place) -> bool:
        most, together = self.manners.per_host, self.manners.per_domain
        return any(self._busy[host] >= most for host in at.hosts) or any(
            self._busy[f".{domain}"] >= together for domain in at.domains
        )

    @staticmethod
    def _latest(moments: dict[str, datetime], at: Place) -> datetime:
        return max(moments.get(domain, _LONG_AGO) for domain in at.domains)

    def _note(self, at: Place, now: datetime) -> None:
        for domain in at.domains:
            self._started[domain] = now
            self._last[domain] = max(self._last.get(domain, now), now)

    def _begin(self, feed: Feed, at: Place, now: datetime) -> None:
        self._given.pop(feed.id, None)
        self._note(at, now)
        self._busy.update(_counted(at))

    @property
    def has_queue(self) -> bool:
        """Whether feeds were given moments that are still to come."""
        return bool(self._given)

    def leave(self, at: Place) -> None:
        """Give the place back."""
        for key in _counted(at):
            self._busy[key] -= 1
            if self._busy[key] <= 0:
                del self._busy[key]

    def forget(self, now: datetime) -> None:
        """Drop what does not matter any more: domains that are free, moments long past."""
        spacing = self.manners.spacing
        self._started = {domain: last for domain, last in self._started.items() if last + spacing > now}
        self._last = {domain: last for domain, last in self._last.items() if last + spacing > now}
        self._given = {feed: moment for feed, moment in self._given.items() if moment + 60 * BUSY > now}


def _counted(at: Place) -> Iterable[str]:
    """Return what a poll is counted under."""
    return (*at.hosts, *(f".{domain}" for domain in at.domains))
