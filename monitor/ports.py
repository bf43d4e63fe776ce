"""The protocols between the flows and the world; only service and cli build what stands behind them.

Store methods are plain blocking calls, safe to use from several threads; the flows call them in worker threads. Each
method is one transaction. All raise `errors.StoreError` when the database cannot be used.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from monitor.model import (
    Alert,
    Attempt,
    AuditEvent,
    Decision,
    Delivery,
    DeliveryState,
    Endpoint,
    Entry,
    Feed,
    FeedState,
    IntakeEntry,
    Listing,
    Message,
    Outcome,
    Pace,
    Part,
    PollFailure,
    PollResult,
    Push,
    PushResult,
    Recipient,
    Report,
    Sketch,
    Story,
    Subscription,
    Validators,
    Version,
    Watch,
)

# --- time -------------------------------------------------------------------------------------------------------------


class Clock(Protocol):
    """Business time. Deadlines of I/O never ask it; they are monotonic."""

    def now(self) -> datetime:
        """Return the present as an aware UTC datetime."""


# --- reaching publishers ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A complete 200 answer: body decoded within its bounds."""

    url: str
    """The address that answered, after redirects."""
    body: bytes
    content_type: str | None
    validators: Validators | None
    pace: Pace
    permanent_target: str | None = None
    """Where the leading run of permanent redirects (301/308) pointed, if there was one."""
    status: int = 200
    date: datetime | None = None
    complete: bool = True
    """The end of the document is certain. Otherwise its entries count, but nothing may be concluded from what is absent."""
    partial: bool = False
    """Only what is new was sent (a 226 to `A-IM: feed`, a push): absence means nothing."""
    links: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Targets of the answer's Link headers (RFC 8288) by relation in lower case, absolute, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotModified:
    """A 304 to a conditional request: success without entries."""

    url: str
    validators: Validators | None
    """The stored ones with what the 304 brought put over them."""
    pace: Pace
    permanent_target: str | None = None
    date: datetime | None = None


class Fetcher(Protocol):
    """Fetches one feed once, through the guard, within all limits."""

    async def fetch(
        self, feed: Feed, validators: Validators | None, *, address: str | None = None, redirects: bool = True
    ) -> Fetched | NotModified | PollFailure:
        """Ask `address` (default: `feed.url`), with `validators` where the URL that gave them is the one asked.

        The feed's permissions, proxy and user agent count for every address; its credentials only for its own origin.
        Without `redirects` one is not followed: it is a failure (`REDIRECT`) whose `moved_to` says where it leads.
        Never raises for what the peer does.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a document says about itself, outside its entries."""

    title: str = ""
    language: str | None = None
    generator: str = ""
    """The software that wrote it, as `<generator>` has it: how older entries are asked for depends on it."""
    pace: Pace = field(default_factory=Pace)
    links: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Its links by relation in lower case (`hub`, `self`, `prev-archive`, `next`, ...), absolute, in document order."""
    complete: bool = False
    """`fh:complete`: these are all entries there are (RFC 5005 section 2)."""
    archive: bool = False
    """`fh:archive`: an archive document, which does not change (RFC 5005 section 4)."""
    expired: bool = False
    """The publisher says that the feed has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class More:
    """Another document that belongs to this one (a child of a sitemap index), and when it last changed."""

    url: str
    changed: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """A document as read: its new entries in document order, and marks of all that it shows."""

    entries: tuple[Entry, ...]
    """Those whose bytes were not known; all of them where the whole document was parsed. At most `limits` of them."""
    marks: bytes
    """Of all entries shown, in document order, packed (feeds/marks.py): `known` of the next poll."""
    shown: int
    """Entries in the document."""
    head: Head | None
    """None when nothing of the document was parsed, because all its entries were known."""
    warning: str | None = None
    """Malformed but readable."""
    malformed: bool = False
    """Not well-formed: a tolerant parser read it, whose reading of an entry depends on the whole document."""
    dropped: int = 0
    """Entries beyond the limit."""
    more: tuple[More, ...] = ()
    evidence: bytes | None = None
    """What was read of the document where that was not all of it: the new entries and what stands around them."""


Lane = Literal["proven", "new", "suspect"]
"""Which workers read a document. `proven`: the feed was read well before, so it must never wait for others. `new`: never read.
`suspect`: it killed its worker the last time."""


class Parser(Protocol):
    """Turns a document into entries in a killable worker."""

    async def parse(
        self, fetched: Fetched, *, known: bytes = b"", whole: bool = False, lane: Lane = "new"
    ) -> ParsedFeed | PollFailure:
        """Parse what is not `known` (all with `whole`), within limits of CPU, memory and time.

        A document that breaks the limits is a failure, never a crash.
        """


# --- ways out ---------------------------------------------------------------------------------------------------------


class Channel(Protocol):
    """One way out, for all its recipients. A new channel is one file, one line in channels/, and the contract suite."""

    name: str
    kind: str
    deadline: timedelta
    """No attempt takes longer; the lease is this and 15 s."""
    concurrency: int
    schedule: Sequence[timedelta]
    """Waits after the 1st, 2nd, ... failure (delivery reference 2.2)."""
    recipients: tuple[Recipient, ...]
    wants: Collection[Part]
    """The texts that `compose` takes from a message; others are not rendered for it."""

    def compose(self, message: Message, *, alert: Alert, delivery_id: str, recipient: Recipient) -> bytes:
        """Return the bytes every attempt will send. Pure: no clock, network, disk."""

    async def send(self, delivery: Delivery, *, now: datetime) -> Outcome:
        """Send once within the deadline. Never raises for what the receiver does."""

    async def aclose(self) -> None:
        """Let connections go."""


# --- the store --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the store holds under a set of identity keys."""

    reports: Mapping[str, Report]
    """By identity key; several keys may lead to one report."""
    versions: Mapping[str, tuple[Version, ...]]
    """By report id, oldest first."""
    buried: frozenset[str] = frozenset()
    """Keys under a tombstone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """When what is due next, of what nobody holds a living lease on; None or missing where nothing waits."""

    feeds: datetime | None
    cron: datetime | None
    deliveries: Mapping[str, datetime]
    """By channel; empty while paused."""
    entries: bool
    """Entries wait to be decided."""

    @property
    def due(self) -> datetime | None:
        """Return the earliest of all due times."""
        moments = (self.feeds, self.cron, *self.deliveries.values())
        return min((moment for moment in moments if moment is not None), default=None)


class Deciding(Protocol):
    """The decider's transaction: holds the situation's lock from the first read to the commit."""

    def intake(self, limit: int) -> tuple[IntakeEntry, ...]:
        """Return the oldest waiting entries of the situation, in order."""

    def known(self, keys: Iterable[str]) -> Known:
        """Return what is stored under these identity keys."""

    def sketches_since(self, seq: int, not_before: datetime) -> tuple[tuple[int, Sketch], ...]:
        """Return (sequence, sketch) of reports decided after `seq` (0: all) and seen at or after `not_before`."""

    def stories(self, ids: Iterable[str]) -> Mapping[str, Story]:
        """Return the stories as stored."""

    def story_sources(self, ids: Iterable[str]) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """Return (outlet, source name) of each story's reports, first come first, each outlet once."""

    def told(self, story_ids: Iterable[str]) -> Mapping[tuple[str, str], str]:
        """Return the alert id for each (story id, route) that was told."""

    def listed(self, report_ids: Iterable[str]) -> frozenset[tuple[str, str, str]]:
        """Return the (report id, watch, route) that have a listing."""

    def commit(self, decision: Decision) -> None:
        """Save the decision and end the transaction (commit B). Without this call everything is rolled back."""


class Store(Protocol):
    """Everything that survives a crash."""

    url: str

    # -- life
    def lock_service(self) -> bool:
        """Make sure that this is the only service on a single-process store (`StoreBusy` names the other).

        False on a store that several may share (PostgreSQL): nothing is locked, and leases of others are alive.
        """

    def migrate(self) -> None:
        """Bring the schema up to date under a lock; refuse a database of a newer program (`StoreTooNew`)."""

    def close(self) -> None:
        """Let go of all connections."""

    def is_gone(self) -> bool:
        """Tell whether the database file was deleted or replaced since `migrate`: what is written now would be lost."""

    def release_leases(self) -> None:
        """Forget leases of a process that is certainly gone (single-process stores, at start)."""

    # -- configuration
    def sync_feeds(
        self, situation: str, feeds: Sequence[Feed], now: datetime, first_due: Mapping[str, datetime]
    ) -> None:
        """Make the rows follow the configuration.

        A feed is found by id, else by its URL (http/https, www and trailing slash aside) under an id that is no longer configured:
        then it keeps its row, its reports and its history under the new id. New feeds are due at `first_due[id]`.
        Feeds that are gone or disabled keep their rows, are not claimed, and come back as they were.
        A changed URL drops validators and body hash, nothing else. A shorter pace brings the due time forward.
        """

    def changed_watches(self, situation: str, watches: Sequence[Watch]) -> tuple[str, ...]:
        """Return what `sync_watches` would return, changing nothing: what is done for them is done again after a crash before it."""

    def sync_watches(self, situation: str, watches: Sequence[Watch], now: datetime) -> tuple[str, ...]:
        """Store the watches' recipes; return the names of those new or changed (none on a store's first sync)."""

    def flag(self, name: str) -> str | None:
        """Return a small persistent setting of the running service (`paused`, `heartbeat`, ...)."""

    def set_flag(self, name: str, value: str | None) -> None:
        """Set or clear it."""

    # -- poll
    def claim_due_feeds(self, situation: str, now: datetime, limit: int, lease: timedelta) -> tuple[FeedState, ...]:
        """Lease up to `limit` due feeds, the longest due first."""

    def feed_states(self, situation: str) -> tuple[FeedState, ...]:
        """Return the state of all configured feeds, by id."""

    def postpone(self, feeds: Sequence[tuple[str, str, datetime]]) -> None:
        """Give leased feeds back unpolled: (feed id, lease, when it is due) of each (host busy, service stopping)."""

    def poll_now(self, feed_ids: Sequence[str], now: datetime) -> None:
        """Make these feeds due."""

    def put_off(self, feed_ids: Sequence[str], until: datetime) -> None:
        """Let none of these feeds be due before `until` (their host asked for rest); those under way are not touched."""

    def save_polls(self, results: Sequence[PollResult]) -> frozenset[str]:
        """Commit A for several polls in one transaction. Returns the feeds whose lease was lost: nothing of them was changed."""

    # -- push
    def subscriptions(self, situation: str) -> tuple[Subscription, ...]:
        """Return the subscriptions that are not over, and of each feed the last one at each hub and topic without such; by feed."""

    def subscription(self, token: str) -> Subscription | None:
        """Return the subscription whose callback address has this token."""

    def save_subscription(self, subscription: Subscription) -> None:
        """Add it or replace what is stored under its token; one that is active ends the feed's older active ones."""

    def drop_subscriptions(self, feed_ids: Sequence[str]) -> tuple[Subscription, ...]:
        """Forget the subscriptions of these feeds and return those that were living: the hub is to be told."""

    def count_rejected(self, token: str) -> None:
        """Count a push that was ignored for its signature."""

    def enqueue_pushes(self, pushes: Sequence[Push]) -> None:
        """Keep pushed documents: once this returns, they survive any crash. Counts them at their subscriptions."""

    def waiting_pushes(self, situation: str, limit: int, without: Collection[str] = ()) -> tuple[Push, ...]:
        """Return of each feed the oldest push that was not read yet, those that wait longest first; `without` these feeds."""

    def save_pushes(self, results: Sequence[PushResult], now: datetime) -> frozenset[int]:
        """Commit A for pushes: their entries into intake, marks added to what the feeds' rows know, the pushes gone.

        `works` sets the feed's `pushed` and never clears it; a due time that is later than `due_at` stays, and so does that of
        a poll under way. One transaction. Returns the `seq` of those that somebody else took before: nothing of them was changed.
        """

    def end_pushes(self, feed_ids: Sequence[str], now: datetime) -> None:
        """No hub pushes these feeds any more: `pushed` is cleared, and those that are not under way are due now."""

    def feed_state(self, feed_id: str) -> FeedState | None:
        """Return the state of one feed."""

    # -- decide
    def intake_waiting(self, situation: str) -> int:
        """Return how many entries wait."""

    def deciding(self, situation: str) -> AbstractContextManager[Deciding]:
        """Open the decider's transaction under the situation's lock."""

    def set_aside(self, situation: str, now: datetime) -> str | None:
        """Put the oldest waiting entry aside, so that deciding goes on behind it; return what it is (feed, title), None if none waits.

        It stays in the store, is counted as `aside` by `counts`, and an audit event says so.
        """

    def take_up_aside(self, situation: str) -> int:
        """Let entries that were set aside be decided once more; return how many."""

    def shift_due(self, situation: str, step: timedelta) -> None:
        """The wall clock was set by `step`: move all due times, leases and pauses along, so that nothing bursts or falls silent."""

    def reports_between(self, situation: str, since: datetime, until: datetime) -> tuple[Report, ...]:
        """Return the reports first seen in [since, until), oldest first: what a changed watch is run over."""

    def add_listings(self, listings: Sequence[Listing], audit: Sequence[AuditEvent] = ()) -> None:
        """Add listings that are not there yet (backfill of a watch)."""

    def add_alerts(self, alerts: Sequence[Alert], deliveries: Sequence[Delivery], audit: Sequence[AuditEvent]) -> None:
        """Add alerts that no intake caused (test, operator), with their deliveries; those already there stay as they are."""

    # -- deliver
    def claim_due_deliveries(self, channel: str, now: datetime, limit: int, lease: timedelta) -> tuple[Delivery, ...]:
        """Lease up to `limit` due deliveries of a channel, oldest due first; `claims` goes up in the same statement."""

    def save_attempt(
        self, delivery: Delivery, lease: str, attempt: Attempt, endpoint: Endpoint, audit: Sequence[AuditEvent]
    ) -> bool:
        """Commit C: `delivery` is the new row. Returns False, changing nothing but adding the attempt, when the lease was lost."""

    def endpoint(self, channel: str) -> Endpoint:
        """Return a channel's health."""

    def save_endpoint(self, endpoint: Endpoint) -> None:
        """Set it."""

    def retire_channels(self, configured: Sequence[str], now: datetime) -> int:
        """End waiting deliveries of channels that are configured no more (`channel removed`, retryable); return their number."""

    def retry_deliveries(self, ids: Sequence[str], now: datetime) -> int:
        """Make ended or waiting deliveries due now with fresh counters; return how many."""

    # -- time
    def work(self, situation: str, now: datetime, channels: Sequence[str]) -> Work:
        """Return what waits: one cheap look before anything is claimed."""

    def claim_cron(self, name: str, due_at: datetime, next_at: datetime) -> bool:
        """Take one run of a cron job: True for exactly one caller per `due_at`; the row then waits for `next_at`."""

    def cron_due(self, name: str) -> datetime | None:
        """Return when the job is due next, None when it was never planned."""

    def plan_cron(self, name: str, next_at: datetime) -> None:
        """Set when a job is due next."""

    def prune(self, situation: str, before: datetime, limit: int) -> int:
        """Replace up to `limit` reports first seen before that time, that nothing waits for, by tombstones; return how many."""

    # -- reading, for commands and status
    def reports(
        self,
        situation: str,
        *,
        limit: int,
        since: datetime | None = None,
        watch: str | None = None,
        text: str | None = None,
    ) -> tuple[Report, ...]:
        """Return the newest reports first."""

    def report(self, report_id: str) -> Report | None:
        """Return one report; an unambiguous beginning of an id is enough here and in all reads below."""

    def versions(self, report_id: str) -> tuple[Version, ...]:
        """Return a report's versions, oldest first."""

    def listings(
        self, *, report_id: str | None = None, watch: str | None = None, alert_id: str | None = None, limit: int = 1000
    ) -> tuple[Listing, ...]:
        """Return listings, newest first."""

    def list_stories(self, situation: str, *, limit: int) -> tuple[Story, ...]:
        """Return the latest updated stories first."""

    def story(self, story_id: str) -> tuple[Story, tuple[Report, ...]] | None:
        """Return a story with its reports, first come first."""

    def alerts(self, *, limit: int, route: str | None = None, since: datetime | None = None) -> tuple[Alert, ...]:
        """Return the newest alerts first."""

    def alert(self, alert_id: str) -> Alert | None:
        """Return one alert."""

    def deliveries(
        self, *, limit: int, state: DeliveryState | None = None, alert_id: str | None = None, channel: str | None = None
    ) -> tuple[Delivery, ...]:
        """Return the newest deliveries first."""

    def delivery(self, delivery_id: str) -> tuple[Delivery, tuple[Attempt, ...]] | None:
        """Return a delivery with its attempts."""

    def audit(self, *, limit: int, kind: str | None = None, after: int = 0) -> tuple[tuple[int, AuditEvent], ...]:
        """Return (sequence, event) after a sequence number, oldest first."""

    def entry_reports(self, situation: str) -> tuple[tuple[str, str | None, str], ...]:
        """Return (feed id, link of the entry, report id) of all reports: what a replay joins its scenario with."""

    def counts(self, situation: str) -> Mapping[str, int]:
        """Return the numbers of reports, versions, matches, stories, alerts, deliveries by state, intake, tombstones."""


def describe(outcome: Outcome) -> str:
    """Return an outcome's word as attempts and logs have it (`Delivered` -> `delivered`)."""
    words: dict[str, str] = {
        "Delivered": "delivered",
        "Retry": "retry",
        "Throttled": "throttled",
        "Ambiguous": "ambiguous",
        "BadMessage": "bad_message",
        "BadEndpoint": "bad_endpoint",
        "Gone": "gone",
    }
    return words[type(outcome).__name__]
