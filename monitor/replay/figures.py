"""The figures of a replay as values: what `summary.json` and `--json` hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The numbers of a replay. Entries are counted by the scenario's ids."""

    published: int
    """Entries that came out within the run."""
    seen: int
    """Entries that stood in an answer a poller could read (those published before the run too)."""
    stored: int
    """Entries of the scenario found in the store."""
    matched: int
    """Entries that a watch wants, in any version."""
    unmatched: int
    """Labelled relevant and seen, and no watch wanted them."""
    false: int
    """Labelled irrelevant, and alerted."""
    stories: int
    alerts: int
    """Alerts that tell a story."""
    notices: int
    """Alerts about the service itself (`now watching`, operator)."""
    deliveries: int
    undelivered: int
    """Deliveries that had not arrived when the run ended, or never will."""
    lost: int
    repeated: int
    resent: int
    """Of the repeated: one message with one id twice, which a kill excuses; a story told twice never is."""
    garbled: int
    """Entries whose stored headline is not the published one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Seconds of virtual time from publication to arrival, over deliveries."""

    count: int
    p50: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldAlert:
    """One alert with the entries that caused it (`entries`) and those listed under it later (`listed`)."""

    id: str
    kind: str
    route: str
    severity: str
    headline: str
    reason: str
    at: datetime
    story: str | None
    watches: tuple[str, ...]
    entries: tuple[str, ...]
    listed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SentDelivery:
    """One delivery with the times at which the inbox got it."""

    id: str
    alert: str
    channel: str
    recipient: str
    state: str
    reason: str | None
    arrived: tuple[datetime, ...]
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Polls:
    """How an outlet was polled, by its own log."""

    requests: int
    conditional: int
    not_modified: int
    """Answered 304."""
    troubled: int
    """Met a fault of the scenario."""
    soonest: float
    """Shortest time between two requests in seconds, 0 when there were fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The account. `lost` and `repeated` hold a sentence for each case."""

    counts: Counts
    latency: Mapping[str, Latency]
    """`all`, `undisturbed` (no fault lay in between), `to_reader` (from being shown to arrival)."""
    polls: Mapping[str, Polls]
    """By outlet."""
    alerts: tuple[ToldAlert, ...]
    deliveries: tuple[SentDelivery, ...]
    lost: tuple[str, ...]
    repeated: tuple[str, ...]
    unmatched: tuple[str, ...]
    false: tuple[str, ...]
    garbled: tuple[str, ...]
