"""The glossary in code: frozen values that are handed from step to step.

One word per idea. Times are aware UTC `datetime`s, spans are `timedelta`s, languages are `en`, `ru`, `kk` or `other`,
keys come from content with the recipe's version first (`a1...`), so deciding the same intake again gives the same keys.
Nothing here reads a clock, a file or a socket.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any

Language = str
"""`en`, `ru`, `kk` or `other`."""

LANGUAGES: tuple[Language, ...] = ("en", "ru", "kk")
"""The languages alerts are written in."""


class Severity(IntEnum):
    """How much a watch matters; the name in lower case is what people write and read."""

    INFO = 0
    NOTICE = 1
    WARNING = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        """Return the lower-case name used in files and messages."""
        return self.name.lower()


class Secret:
    """A value that hides from repr, logs, errors and pages; `reveal()` is the only way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself: only where it goes onto the wire."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def content_key(recipe: str, *parts: str) -> str:
    """Return a key from content: `recipe` and 120 bits of BLAKE2b over the length-prefixed parts, in hex (no dots)."""
    digest = hashlib.blake2b(digest_size=15)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return recipe + digest.hexdigest()


# --- feeds ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """An address that we poll, as configured. `id` is its identity: name and URL may be edited or move."""

    id: str
    name: str
    url: str
    situation: str
    outlet: str
    """Whose voice it is: feeds of one outlet share identity keys and never count as two sources."""
    language: Language | None = None
    group: str | None = None
    grade: str | None = None
    """Reliability of the source, A to F (Admiralty code)."""
    pace: timedelta = timedelta(minutes=5)
    """How often it is normally polled."""
    floor: timedelta = timedelta(minutes=1)
    """Never more often than this, however fast entries come."""
    slowest: timedelta | None = None
    """While nothing new comes the interval may grow up to this; None: it stays at `pace`."""
    cap: timedelta = timedelta(hours=24)
    """What the publisher asks for counts up to this."""
    hints: bool = True
    """Whether `<ttl>`, `sy:updatePeriod`, `skipHours` and `skipDays` count; `max-age` and `Retry-After` always do."""
    user_agent: str | None = None
    authorization: Secret | None = None
    proxy: Secret | None = None
    allow_networks: tuple[str, ...] = ()
    """Networks (CIDR) that this feed may be fetched from although they are not public."""
    enabled: bool = True
    reason: str | None = None
    """Why it is disabled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """What a server gave to ask `has it changed?` with, byte for byte, and the URL that gave it (RFC 9110 section 13)."""

    url: str
    etag: str | None = None
    last_modified: str | None = None


class FailureKind(StrEnum):
    """Why a poll failed, by what a person would do about it."""

    BAD_URL = "bad_url"
    ADDRESS_BLOCKED = "address_blocked"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    INCOMPLETE = "incomplete"
    TOO_LARGE = "too_large"
    BAD_ENCODING = "bad_encoding"
    PROTOCOL = "protocol"
    REDIRECT = "redirect"
    THROTTLED = "throttled"
    UNAUTHORIZED = "unauthorized"
    BLOCKED = "blocked"
    CHALLENGE = "challenge"
    MISSING = "missing"
    GONE = "gone"
    SERVER_ERROR = "server_error"
    UNEXPECTED_STATUS = "unexpected_status"
    NOT_A_FEED = "not_a_feed"
    EMPTY = "empty"
    PARSER_KILLED = "parser_killed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PollFailure:
    """An expected failure: its kind, a sentence for people, and how long the publisher asked us to wait."""

    kind: FailureKind
    reason: str
    status: int | None = None
    retry_after: timedelta | None = None
    moved_to: str | None = None
    """The last address of a redirect chain, where there was one."""
    passing: bool = False
    """Whoever failed says so itself (a resolver that may know the name later): it weighs less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What the publisher said about how often to come back."""

    max_age: timedelta | None = None
    """Freshness left, from Cache-Control/Expires/Age/Date (RFC 9111 section 4.2)."""
    ttl: timedelta | None = None
    """`<ttl>` of the document: not before this."""
    period: timedelta | None = None
    """`sy:updatePeriod`/`updateFrequency` of the document: about this often, says the publisher's software."""
    skips: int = 0
    """`skipHours` as bits 0 to 23 (GMT) and `skipDays` as bits 24 (Monday) to 30: not then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item as a feed shows it now. Title and summary are plain text, links are http(s) or None."""

    guid: str | None
    link: str | None
    title: str
    summary: str
    """Plain text of the summary or content, whitespace collapsed."""
    author: str | None = None
    published: datetime | None = None
    updated: datetime | None = None
    language: Language | None = None
    """What the feed declares; the language of the text is decided later."""
    source_name: str | None = None
    """`<source>` of an aggregator's item: the outlet it was taken from."""
    guid_repeated: bool = False
    """The same guid stands on another entry of the same document: it identifies nothing."""
    link_repeated: bool = False
    """The same link stands on another entry of the same document (a home page, a live blog)."""

    def fingerprint(self) -> bytes:
        """Return 8 bytes over what a reader can see and what identifies: equal bytes, nothing new."""
        parts = (self.guid or "", self.link or "", self.title, self.summary)
        digest = hashlib.blake2b(digest_size=8)
        for part in parts:
            data = part.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "big") + data)
        return digest.digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """What the store knows of a feed: one row. `lease` is set while someone polls it."""

    feed_id: str
    situation: str
    url: str
    due_at: datetime
    lease: str | None = None
    validators: Validators | None = None
    body_hash: bytes | None = None
    known: bytes = b""
    """Marks of the entries in the last document that was taken, packed (feeds/marks.py)."""
    filled: bool = False
    """The first successful poll is done: what is new from now on is news."""
    failures: int = 0
    """Failed polls in a row."""
    failure: PollFailure | None = None
    failing_since: datetime | None = None
    last_attempt_at: datetime | None = None
    last_success_at: datetime | None = None
    last_entry_at: datetime | None = None
    """When an entry was last new."""
    audited_at: datetime | None = None
    """Last request without validators that succeeded (a lying 304 is noticed by one such request a day)."""
    moved_to: str | None = None
    moved_since: datetime | None = None
    moved_count: int = 0
    """Polls in a row that were permanently redirected to `moved_to`."""
    warning: str | None = None
    """Something is odd but works: parser warning, lying 304, moved address."""
    entries: int = 0
    """Entries in the last document."""
    said: Pace = field(default_factory=Pace)
    """What the last document that was read said about its pace (without `max_age`)."""
    max_age: timedelta | None = None
    """Freshness that the last answer stated; a 304 that says nothing of it leaves it in force (RFC 9111 section 4.3.4)."""
    interval: timedelta | None = None
    """The interval that the feed's own behaviour has led to; None: its configured pace."""
    rhythm: timedelta | None = None
    """Usual time between two new entries."""
    gaps: int = 0
    """How often a document showed nothing of the one before: entries may have been missed in between."""
    gap_at: datetime | None = None
    gap: str | None = None
    """The last gap in a sentence, with what was done about it."""
    archive: str | None = None
    """The archive document that the last document named as the one before it (RFC 5005 section 4)."""
    hub: str | None = None
    topic: str | None = None
    """Where pushes of this feed can be had (WebSub), and under which name."""
    pushed: bool = False
    """Pushes work: they arrived, and none was missed since. The feed is polled slowly to make sure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The bytes a batch of entries came from, kept as evidence while anything rests on them."""

    url: str
    fetched_at: datetime
    status: int
    content_type: str | None
    body: bytes

    @property
    def sha256(self) -> str:
        """Return the hex digest of the bytes as received (after decompression)."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResult:
    """Commit A: all that one poll changes. `state` is the new row, `document` is None when nothing was new.

    Feeds show the newest entry first; `entries` are in the order they shall be decided: oldest first.
    """

    state: FeedState
    lease: str
    at: datetime
    entries: tuple[Entry, ...] = ()
    baseline: bool = False
    """These entries are a feed's first fill: those older than the alert window are stored silently."""
    document: Document | None = None
    before: FeedState | None = None
    """The state as it was claimed, where the caller has it: what did not change since is not written again."""
    answered_by: str | None = None
    """The address that the feed's own document came from, after redirects."""
    refusal: PollFailure | None = None
    """The answer to one of the further documents that asked us to come back later."""
    children: Mapping[str, Validators] | None = None
    """What to ask the children of a sitemap index with the next time, by address; kept in memory, once this is saved.

    None where the document was no index, or none was read.
    """


class PushState(StrEnum):
    """How a WebSub subscription stands."""

    PENDING = "pending"
    """Asked for; the hub has not verified it yet."""
    ACTIVE = "active"
    DENIED = "denied"
    ENDED = "ended"
    """The lease ran out, or a newer subscription took its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One subscription at a hub (WebSub section 5). Each renewal is a new one with a token of its own; a feed may have two."""

    token: str
    """The unguessable part of its callback address; it alone says which subscription a push belongs to."""
    feed_id: str
    hub: str
    topic: str
    secret: Secret | None
    state: PushState
    asked_at: datetime
    attempts: int = 0
    """Requests to the hub that failed in a row."""
    next_at: datetime | None = None
    """When the hub is asked next: again after a failure, or for the renewal. None: nothing is to be done."""
    verified_at: datetime | None = None
    lease_until: datetime | None = None
    last_push_at: datetime | None = None
    pushes: int = 0
    rejected: int = 0
    """Pushes whose signature was missing or wrong: taken, counted, ignored."""
    note: str | None = None
    """What went wrong last, or what is weak, in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """A document that a hub sent, as stored before anything was read of it."""

    feed_id: str
    token: str
    received_at: datetime
    content_type: str | None
    body: bytes
    seq: int = 0
    """Order of arrival, given by the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushResult:
    """Commit A for a push: what reading it changes. `document` is None when nothing was new."""

    push: Push
    entries: tuple[Entry, ...] = ()
    """New ones, in the order they shall be decided: oldest first."""
    marks: bytes = b""
    """Of all entries that the push shows, packed; the store keeps each once."""
    document: Document | None = None
    works: bool = False
    """It was a document of entries, new or known: pushes arrive."""
    due_at: datetime | None = None
    """Until when the feed's next poll is put off; None: it stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeEntry:
    """An entry waiting to be decided, in arrival order `seq`."""

    seq: int
    situation: str
    feed_id: str
    entry: Entry
    seen_at: datetime
    baseline: bool
    covered_from: datetime | None
    """The feed's last successful poll before this one: what was published after it cannot have been seen earlier."""
    document_id: int | None


# --- reports ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What we keep of an entry: identity, current version, source, times, language."""

    id: str
    situation: str
    feed_id: str
    outlet: str
    source: str
    """Name shown to people: the outlet, or the outlet an aggregator took it from."""
    grade: str | None
    title: str
    text: str
    link: str | None
    author: str | None
    language: Language
    published: datetime | None
    seen_at: datetime
    version: int = 1
    story_id: str | None = None
    named: tuple[str, ...] = ()
    """What it is about: keys of the gazetteer's entries (`place/almaty`, `concept/curfew`), sorted."""

    @property
    def when(self) -> datetime:
        """Return the time of publication where it is stated and not after we saw it, else when we first saw it."""
        return min(self.published, self.seen_at) if self.published else self.seen_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One state of a report's title and text. `number` counts from 1; every version is kept."""

    report_id: str
    number: int
    title: str
    text: str
    seen_at: datetime
    fingerprint: bytes


class ChangeKind(StrEnum):
    """What an entry is to what is stored."""

    NEW = "new"
    REVISED = "revised"
    SAME = "same"
    BURIED = "buried"
    """Known once, pruned since: a tombstone keeps it from coming back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one intake entry means: the report as it is now, and the keys it is known by from now on."""

    kind: ChangeKind
    intake: IntakeEntry
    report: Report
    keys: tuple[str, ...]
    version: Version | None = None
    """The version to add (new and revised only)."""


# --- watches ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What a user watches. `any`, `all`, `none` hold words and phrases; empty limits mean no limit.

    Wanted is what satisfies `query` (if given), holds one of `any` (if given), one of each group of `all`, and nothing of
    `none`, and scores at least `score`: each keyword that stands in the report counts its boost in the query, or 1.
    """

    name: str
    title: str
    any: tuple[str, ...] = ()
    all: tuple[tuple[str, ...], ...] = ()
    none: tuple[str, ...] = ()
    query: str = ""
    score: float = 0.0
    based_on: str = ""
    """Key of what its names mean: the saved queries and the gazetteer it was read with."""
    fields: tuple[str, ...] = ("title", "text")
    languages: tuple[Language, ...] = ()
    sources: tuple[str, ...] = ()
    """Outlets or source names (folded, whole)."""
    feeds: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    severity: Severity = Severity.NOTICE
    routes: tuple[str, ...] = ()
    enabled: bool = True

    def recipe(self) -> str:
        """Return a key over all that decides what matches: when it changes, the watch runs over the stored reports."""
        groups = tuple(content_key("", *group) for group in self.all)
        limits = (self.fields, self.languages, self.sources, self.feeds, self.groups)
        asked = (self.query, f"{self.score:g}", self.based_on)
        return content_key(
            "w2", *(content_key("", *values) for values in (self.any, groups, self.none, asked, *limits))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a watch wants a report: which keyword, which word of the text, where (character span in that field).

    `rule` says what joined the two, for people: `as written`, `Russian ending`, `name in the gazetteer`.
    """

    keyword: str
    surface: str
    field: str
    start: int
    end: int
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A report that a watch wants, with the reasons and how strongly (see `Watch`)."""

    report_id: str
    watch: str
    version: int
    reasons: tuple[Reason, ...]
    score: float = 0.0


# --- stories ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """A report's likeness for finding copies: sorted hashes of the words of its title and of the shingles of its text (see stories)."""

    report_id: str
    story_id: str
    outlet: str
    at: datetime
    title: tuple[int, ...]
    text: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The thread of reports about one event."""

    id: str
    situation: str
    title: str
    opened_at: datetime
    updated_at: datetime
    reports: int
    sources: int
    """Outlets, each counted once."""


class DevelopmentKind(StrEnum):
    """What a report adds to its story."""

    NEW_STORY = "new_story"
    COPY = "copy"
    REVISION = "revision"


@dataclass(frozen=True, slots=True, kw_only=True)
class Development:
    """What one report adds to its story, with the sources the story has by now."""

    kind: DevelopmentKind
    story_id: str
    report: Report
    sources: tuple[str, ...]
    """Names of the outlets of the story so far, first come first."""


# --- alerts -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who reads it: an address within a channel, their language and zone (IANA name)."""

    address: str
    language: Language = "en"
    zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """From watches to channels."""

    name: str
    channels: tuple[str, ...]
    min_severity: Severity = Severity.INFO
    watches: tuple[str, ...] = ()
    """Watches that go this way; empty means all that name no other route."""


class AlertKind(StrEnum):
    """Why an alert exists."""

    STORY = "story"
    WATCHING = "watching"
    """`now watching`: a new feed's first fill, counted in one line."""
    OPERATOR = "operator"
    """The service about itself: a failing template, a channel that refuses."""
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What we decided to tell one route: made by a pure function, kept with the reports that caused it."""

    id: str
    kind: AlertKind
    situation: str
    route: str
    severity: Severity
    at: datetime
    """When it was decided."""
    headline: str
    reason: str
    """The named reason of the policy, e.g. `new_story`, `newly_matched`."""
    report: Report | None = None
    story_id: str | None = None
    matches: tuple[Match, ...] = ()
    watch_titles: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    note: str = ""
    """The plain sentence of alerts that carry no report."""
    facts: Mapping[str, str | int] = field(default_factory=dict)
    """What the phrases of alerts without a report are filled with in the reader's language (see alerts/phrases.py)."""
    test: bool = False


class Disposition(StrEnum):
    """What became of a report that a watch wants, on one route. Nothing wanted is ever without one."""

    ALERTED = "alerted"
    COPY = "copy"
    """Its story was told on this route before; listed there as one more source."""
    REVISED = "revised"
    """A later version of a report that was told before."""
    OLDER = "older"
    """Older than the alert window when first seen; stored and counted."""
    BACKFILL = "backfill"
    """Found by running a new or changed watch over what was stored."""
    BELOW = "below"
    """Below the route's lowest severity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One match on one route with what became of it: the account that nothing is lost from."""

    match: Match
    route: str
    disposition: Disposition
    at: datetime
    alert_id: str | None = None


class Part(StrEnum):
    """A text that templates write for a message; its value is the beginning of the template's file name."""

    SUBJECT = "email.subject"
    TEXT = "email.txt"
    HTML = "email.html"
    LINE = "line"
    WEBHOOK = "webhook.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An alert in words for one recipient, rendered once. Filled are the parts that the channel wants."""

    subject: str
    line: str
    text: str
    html: str
    data: Mapping[str, Any]
    """The webhook event: `{type, timestamp, data}` as published in the JSON Schema."""
    body: bytes | None = None
    """The webhook body when a template wrote it; otherwise the channel encodes `data`."""


class DeliveryState(StrEnum):
    """Where a delivery stands. Every end state has a reason text."""

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    DEAD = "dead"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One alert to one recipient over one channel. `payload` is rendered once; every attempt sends the same bytes."""

    id: str
    alert_id: str
    channel: str
    recipient: str
    payload: bytes
    due_at: datetime
    created_at: datetime
    state: DeliveryState = DeliveryState.PENDING
    lease: str | None = None
    claims: int = 0
    """Times it was taken up: goes up before sending, so a message that kills the process cannot loop for ever."""
    failures: int = 0
    """Answers that count against the retry schedule."""
    reason: str | None = None
    finished_at: datetime | None = None
    remote_ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The receiver took it."""

    detail: str
    status: int | None = None
    remote_ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """It did not arrive, and the same bytes may arrive later."""

    reason: str
    detail: str
    status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled:
    """The endpoint asks for a pause: all its rows wait, no attempt is burned."""

    reason: str
    detail: str
    status: int | None = None
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguous:
    """The receiver may have it: sent again with the same id and the same bytes, shown as possibly delivered."""

    reason: str
    detail: str
    status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BadMessage:
    """The receiver refuses this message for good: dead letter now, the next row is still tried."""

    reason: str
    detail: str
    status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BadEndpoint:
    """The receiver or our way to it is set up wrongly: rows are kept on the slow schedule, the operator is told."""

    reason: str
    detail: str
    status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """The receiver (`endpoint`) or this one recipient is gone for good."""

    reason: str
    detail: str
    status: int | None = None
    endpoint: bool = False


Outcome = Delivered | Retry | Throttled | Ambiguous | BadMessage | BadEndpoint | Gone
"""What one attempt came to (delivery reference 2.3). `reason` is a short stable word, `detail` a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt of a delivery, kept for ever."""

    delivery_id: str
    number: int
    started_at: datetime
    took: timedelta
    outcome: str
    """`delivered`, `retry`, `throttled`, `ambiguous`, `bad_message`, `bad_endpoint`, `gone`, `given_up` (ended unsent)."""
    reason: str
    detail: str
    status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A channel's health, stored so that restarts do not forget it."""

    channel: str
    failures: int = 0
    """Failed attempts in a row, over all its rows."""
    failing_since: datetime | None = None
    paused_until: datetime | None = None
    open: bool = False
    """The breaker is open: only one row at a time is tried."""
    gone: bool = False
    reason: str | None = None
    last_success_at: datetime | None = None


# --- the decision -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One line of the append-only log: what we knew, decided, sent, and when (UTC)."""

    at: datetime
    kind: str
    """`seen`, `decided`, `sent`, `acknowledged`, `configured`, `pruned`."""
    subject: str
    """Id of the report, alert, delivery or other thing it is about."""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Commit B: all that a batch of intake came to, saved in one transaction with the rows it consumes."""

    consumed: tuple[int, ...]
    """`seq` of the intake rows."""
    changes: tuple[Change, ...] = ()
    sketches: tuple[Sketch, ...] = ()
    stories: tuple[Story, ...] = ()
    listings: tuple[Listing, ...] = ()
    alerts: tuple[Alert, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    audit: tuple[AuditEvent, ...] = ()
