"""What a scenario is: outlets, planned entries and faults as frozen values. `loading.load_scenario` reads them from YAML.

Times keep the offset they were written with, because publishers show it; they compare like any other moment.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.model import Language


class Format(StrEnum):
    """The document types a publisher can write."""

    RSS = "rss"
    ATOM = "atom"
    RDF = "rdf"


class Guids(StrEnum):
    """What a publisher puts into `guid`, `id` or `rdf:about`."""

    PERMALINK = "permalink"
    NUMBER = "number"
    TAG = "tag"
    TITLE = "title"
    """The headline: an edited headline is a new guid."""
    MISSING = "missing"
    REPEATED = "repeated"
    """The same on all entries."""


class Body(StrEnum):
    """How a publisher gives the text."""

    TEXT = "text"
    HTML = "html"
    BOTH = "both"
    """The first sentence as plain summary, everything as HTML content."""


class Links(StrEnum):
    """What a publisher does to its links."""

    PLAIN = "plain"
    TRACKING = "tracking"
    """Campaign parameters that change every day."""
    RELATIVE = "relative"
    MOVING = "moving"
    """https, http and www in turn, changing every day."""


class ValidatorStyle(StrEnum):
    """What a publisher gives for conditional requests."""

    BOTH = "both"
    ETAG = "etag"
    LAST_MODIFIED = "last-modified"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """A publisher with one feed and its habits."""

    id: str
    name: str
    language: Language
    home: str
    format: Format = Format.RSS
    encoding: str = "utf-8"
    grade: str | None = None
    group: str | None = None
    pace: timedelta = timedelta(minutes=15)
    """What it states as `Cache-Control: max-age`."""
    items: int = 30
    """Entries it shows, newest first."""
    guids: Guids = Guids.PERMALINK
    body: Body = Body.TEXT
    links: Links = Links.PLAIN
    validators: ValidatorStyle = ValidatorStyle.BOTH
    gzip: bool = True

    @property
    def restless(self) -> bool:
        """Tell whether the document changes every day although nothing was published."""
        return self.links in {Links.TRACKING, Links.MOVING}


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One state of an entry's title and text, from `at` on."""

    at: datetime
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedEntry:
    """What an outlet publishes at `at`, with its later states; `report` names the event of the timeline it tells."""

    id: str
    outlet: str
    states: tuple[State, ...]
    """First state first; never empty."""
    report: str | None = None
    copy_of: str | None = None
    relevant: bool = True
    removed: datetime | None = None

    @property
    def at(self) -> datetime:
        """Return when it is published."""
        return self.states[0].at

    @property
    def path(self) -> str:
        """Return the path of its page: what a replay finds it by again, whatever the publisher does to the link."""
        return f"/{self.at:%Y/%m/%d}/{self.id}"

    def number_at(self, now: datetime) -> int:
        """Return which state stands at a moment, from 1; 0 before it is published and after it is removed."""
        if self.removed is not None and now >= self.removed:
            return 0
        return bisect_right([state.at for state in self.states], now)


class Misbehaviour(StrEnum):
    """What a publisher can do wrong for a while."""

    OUTAGE = "outage"
    """Connections are dropped without an answer."""
    STATUS = "status"
    NOT_MODIFIED = "not-modified"
    """304 to every conditional request, whatever is new."""
    HTML = "html"
    """A page instead of the feed, with status 200."""
    GUIDS = "guids"
    """All guids are others than before."""
    SLOW = "slow"
    """The answer takes `delay` of real time."""
    TRUNCATED = "truncated"
    """Half of the body, then the connection is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherFault:
    """Outlets misbehave within [start, end)."""

    kind: Misbehaviour
    outlets: tuple[str, ...]
    start: datetime
    end: datetime
    status: int = 503
    retry_after: timedelta | None = None
    delay: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverFault:
    """The inbox does not take messages of a channel within [start, end). Without a status connections are dropped."""

    channel: str
    """`email` or `webhook`."""
    start: datetime
    end: datetime
    status: int | None = None
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """The service is killed (SIGKILL) in the middle of what it does at each of these times, and started again."""

    moments: tuple[datetime, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """The service is stopped in order at `start` and started again at `end`."""

    start: datetime
    end: datetime


Fault = PublisherFault | ReceiverFault | Kill | Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A situation that can be played: who publishes what when, and what goes wrong."""

    name: str
    title: str
    start: datetime
    end: datetime
    zone: str
    outlets: tuple[Outlet, ...]
    entries: tuple[PlannedEntry, ...]
    """In order of publication."""
    faults: tuple[Fault, ...] = ()

    def by_outlet(self) -> Mapping[str, tuple[PlannedEntry, ...]]:
        """Return each outlet's entries, in order of publication."""
        return {
            outlet.id: tuple(entry for entry in self.entries if entry.outlet == outlet.id) for outlet in self.outlets
        }
