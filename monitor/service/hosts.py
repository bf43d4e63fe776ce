"""Who may be asked when: publishers see a few of our requests at a time, and never two in the same moment.

Feeds of one host, and hosts of one registrable domain (`a.tumblr.com`, `b.tumblr.com`: one operator), share limits: so many at
a time, and starts a spacing apart (conformance cases 43, 44). A feed whose host is not free gets a moment to come back at, one
after the other in the order they were due; the moment is stored, so it holds over restarts and needs nobody's memory. A feed that
is redirected counts where it is configured and where it is led to, from its second poll on: then that is known; there it is a
guest, and guests leave one place to the host's own feeds. A place is held while a request runs. A poll that asks for further
documents waits for a turn before each of them, leaves every other one to the feeds that wait, and one place to all that come.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from monitor.model import Feed
from monitor.net.domains import registrable

BUSY = timedelta(seconds=5)
"""When a feed comes back at the earliest whose host is busy with others."""

SOON = timedelta(seconds=1)
"""When a poll under way looks again whether its host has a place for a further request."""

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
        self._at_hosts: dict[str, int] = {}
        self._at_domains: dict[str, int] = {}
        """Polls under way, where there are any."""
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
            self._given.pop(feed.id, None)
            self._begin(at, now)
            return None
        if mine is None or mine <= now:
            mine = self._given[feed.id] = max(free_at, now + (BUSY if busy else self.manners.spacing))
            self._last[at.domain] = mine  # where it is a guest it keeps nobody waiting
        return mine

    def further(self, at: Place, now: datetime, last: datetime) -> timedelta:
        """Return how long a poll under way has to wait for one more request; zero: it takes a place and starts now.

        `last` is when its last one did. Where feeds have moments to come, one of them has its turn in between.
        """
        spacing = self.manners.spacing
        free_at = self._latest(self._started, at) + spacing
        is_others_turn = self._latest(self._last, at) > now and self._latest(self._started, at) <= last
        if is_others_turn:
            free_at = max(free_at, last + 2 * spacing)
        if free_at > now:
            return free_at - now
        if is_others_turn or self._is_busy(at, guest=True):
            return SOON
        self._begin(at, now)
        return timedelta(0)

    def _is_busy(self, at: Place, *, guest: bool = False) -> bool:
        """Tell whether there is no place. Where a feed is only led to, and for a `guest` anywhere, one of several does not count."""
        hosts, domains = self._at_hosts, self._at_domains
        most, together = self.manners.per_host, self.manners.per_domain
        host, domain = (None, None) if guest else (at.hosts[0], at.domains[0])
        return any(hosts[name] >= _left(most, name == host) for name in at.hosts if name in hosts) or any(
            domains[name] >= _left(together, name == domain) for name in at.domains if name in domains
        )

    @staticmethod
    def _latest(moments: dict[str, datetime], at: Place) -> datetime:
        return max(moments.get(domain, _LONG_AGO) for domain in at.domains)

    def _note(self, at: Place, now: datetime) -> None:
        for domain in at.domains:
            self._started[domain] = now
            self._last[domain] = max(self._last.get(domain, now), now)

    def _begin(self, at: Place, now: datetime) -> None:
        self._note(at, now)
        for counts, names in self._counted(at):
            for name in names:
                counts[name] = counts.get(name, 0) + 1

    @property
    def has_queue(self) -> bool:
        """Whether feeds were given moments that are still to come."""
        return bool(self._given)

    def leave(self, at: Place) -> None:
        """Give the place back."""
        for counts, names in self._counted(at):
            for name in names:
                counts[name] -= 1
                if not counts[name]:
                    del counts[name]

    def _counted(self, at: Place) -> Iterable[tuple[dict[str, int], tuple[str, ...]]]:
        """Return what a poll is counted under, and where."""
        return (self._at_hosts, at.hosts), (self._at_domains, at.domains)

    def forget(self, now: datetime) -> None:
        """Drop what does not matter any more: domains that are free, moments long past."""
        spacing = self.manners.spacing
        self._started = {domain: last for domain, last in self._started.items() if last + spacing > now}
        self._last = {domain: last for domain, last in self._last.items() if last + spacing > now}
        self._given = {feed: moment for feed, moment in self._given.items() if moment + 60 * BUSY > now}


def _left(most: int, is_home: bool) -> int:
    """Return how many of the places may be taken."""
    return most if is_home else max(most - 1, 1)
