"""The tables. Statements elsewhere use them; `migrations/` creates them, and a test holds the two together.

Decisions that bind all tables:

* Times are integer microseconds since 1970 UTC: the same on both engines, exact, and comparable by an index.
* What is claimed (feeds, deliveries) has a `wake_at`: `due_at` while it waits, the end of the lease while someone holds it,
  NULL when it is over. One index range then finds everything claimable, abandoned work included.
* Rows that are read in order of arrival have an ever growing `seq`; ids from content are unique beside it. Wide rows stand in
  rowid tables: as primary key of a WITHOUT ROWID table the same rows cost four times as much (measured).
* Text of publishers may hold what a database refuses (NUL, lone surrogates); `Words` replaces that by U+FFFD.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

PROGRAM_SCHEMA = 2
"""The schema number of this program. A database names the lowest that may open it (`meta.min_program_schema`)."""

REVISIONS: tuple[str, ...] = ("0001", "0002", "0003", "0004")
"""Migrations this program has, oldest first; the last is what it works on."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Return a moment as it is stored; a naive datetime is a bug and raises `TypeError`."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def clean(text: str) -> str:
    """Return text that both engines take: NUL and lone surrogates become U+FFFD, all else stays as it is."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in text)
    return text


class Utc(TypeDecorator[datetime]):
    """An aware datetime as integer microseconds since 1970 UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - the base asks
        """Return microseconds; a naive datetime is a bug and raises `TypeError`."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the aware UTC datetime."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class Span(TypeDecorator[timedelta]):
    """A timedelta as integer microseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Return microseconds."""
        return None if value is None else value // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> timedelta | None:  # noqa: ARG002
        """Return the timedelta."""
        return None if value is None else timedelta(microseconds=value)


class Words(TypeDecorator[str]):
    """Text from outside: NUL and lone surrogates become U+FFFD, all else stays as it is."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Return text that both engines take."""
        return None if value is None else clean(value)


class Keys(TypeDecorator[tuple[str, ...]]):
    """Keys as a JSON list."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - the base asks
        """Return the JSON; letters beyond ASCII are escaped, so that both engines take it."""
        return None if value is None else json.dumps(value, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:  # noqa: ARG002
        """Return the keys."""
        return () if value is None else tuple(json.loads(value))


_Serial = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite grows a key by itself only where its type is exactly INTEGER."""

metadata = MetaData()


def _seq() -> Column[int]:
    return Column("seq", _Serial, primary_key=True, autoincrement=True)


def _of_report(*, primary_key: bool = False) -> Column[str]:
    return Column(
        "report_id", Text, ForeignKey("reports.id", ondelete="CASCADE"), nullable=False, primary_key=primary_key
    )


meta = Table("meta", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))

situations = Table(
    "situations",
    metadata,
    Column("id", Text, primary_key=True),
    Column(
        "decisions", BigInteger, nullable=False
    ),  # goes up with every commit B: the decider's lock hangs on this row
    Column("watches_synced", Boolean, nullable=False),
)

feeds = Table(
    "feeds",
    metadata,
    Column("id", Text, primary_key=True),
    Column("situation", Text, nullable=False),
    Column("configured", Boolean, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("url", Words, nullable=False),
    Column("address", Words, nullable=False),  # the URL without what moves: scheme, www, trailing slash
    Column("pace", Span, nullable=False),
    Column("due_at", Utc, nullable=False),
    Column("wake_at", Utc, nullable=False),
    Column("lease", Text),
    Column("validators_url", Words),
    Column("etag", Words),
    Column("last_modified", Words),
    Column("filled", Boolean, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("failure", Words),  # JSON
    Column("failing_since", Utc),
    Column("last_attempt_at", Utc),
    Column("last_success_at", Utc),
    Column("last_entry_at", Utc),
    Column("audited_at", Utc),
    Column("moved_to", Words),
    Column("moved_since", Utc),
    Column("moved_count", Integer, nullable=False),
    Column("warning", Words),
    Column("entries", Integer, nullable=False),
    Column("body_hash", LargeBinary),
    Column("ttl", Span),
    Column("period", Span),
    Column("skips", Integer, nullable=False),
    Column("interval", Span),
    Column("rhythm", Span),
    Column("gaps", Integer, nullable=False),
    Column("gap_at", Utc),
    Column("gap", Words),
    Column("archive", Words),
    Column("hub", Words),
    Column("topic", Words),
    Column("pushed", Boolean, nullable=False),
    Column(
        "known", LargeBinary
    ),  # see codec.pack_known; so far behind that reading what stands before it never walks through it
    Column("max_age", Span),
    Index("feeds_due", "situation", "enabled", "wake_at", "id"),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("token", Text, primary_key=True),
    Column("feed_id", Text, nullable=False),
    Column("hub", Words, nullable=False),
    Column("topic", Words, nullable=False),
    Column("secret", Text),  # needed in plain: the hub signs with it
    Column("state", Text, nullable=False),
    Column("asked_at", Utc, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Utc),
    Column("verified_at", Utc),
    Column("lease_until", Utc),
    Column("last_push_at", Utc),
    Column("pushes", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("note", Words),
    Index("subscriptions_feed", "feed_id", "asked_at"),
)

pushes = Table(
    "pushes",
    metadata,
    _seq(),
    Column("feed_id", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("received_at", Utc, nullable=False),
    Column("content_type", Words),
    Column("body", LargeBinary, nullable=False),  # zlib
    sqlite_autoincrement=True,
)

documents = Table(
    "documents",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("url", Words, nullable=False),
    Column("fetched_at", Utc, nullable=False),
    Column("status", Integer, nullable=False),
    Column("content_type", Words),
    Column("sha256", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),  # zlib
    sqlite_autoincrement=True,
)

intake = Table(
    "intake",
    metadata,
    _seq(),
    Column("situation", Text, nullable=False),
    Column("feed_id", Text, nullable=False),
    Column("seen_at", Utc, nullable=False),
    Column("baseline", Boolean, nullable=False),
    Column("covered_from", Utc),
    Column("document_id", _Serial, ForeignKey("documents.id")),
    Column("aside_at", Utc),  # could not be decided: kept, and nothing waits for it
    Column("entry", Text, nullable=False),  # JSON; last, so that reading what stands before it never walks through it
    Index("intake_order", "situation", "seq"),
    Index("intake_document", "document_id"),
    sqlite_autoincrement=True,
)

reports = Table(
    "reports",
    metadata,
    _seq(),
    Column("id", Text, nullable=False, unique=True),
    Column("situation", Text, nullable=False),
    Column("feed_id", Text, nullable=False),
    Column("outlet", Words, nullable=False),
    Column("source", Words, nullable=False),
    Column("grade", Text),
    Column("link", Words),
    Column("author", Words),
    Column("language", Text, nullable=False),
    Column("published", Utc),
    Column("seen_at", Utc, nullable=False),
    Column("version", Integer, nullable=False),
    Column("story_id", Text),
    Column("title", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("named", Keys, nullable=False, server_default="[]"),
    Index("reports_seen", "situation", "seen_at"),
    Index("reports_order", "situation", "seq"),
    Index("reports_story", "story_id", "seq"),
    sqlite_autoincrement=True,
)

report_keys = Table(
    "report_keys",
    metadata,
    _seq(),
    Column("situation", Text, nullable=False),
    Column("key", Words, nullable=False),
    _of_report(),
    UniqueConstraint("situation", "key", name="report_keys_key"),
    Index("report_keys_report", "report_id"),
)

report_links = Table(
    "report_links",
    metadata,
    _seq(),
    _of_report(),
    Column("feed_id", Text, nullable=False),
    Column("link", Words, nullable=False),  # empty: the entry had none
    UniqueConstraint("report_id", "feed_id", "link", name="report_links_link"),
)

versions = Table(
    "versions",
    metadata,
    _seq(),
    _of_report(),
    Column("number", Integer, nullable=False),
    Column("seen_at", Utc, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("document_id", _Serial, ForeignKey("documents.id", ondelete="SET NULL")),
    Column("title", Words, nullable=False),
    Column("text", Words, nullable=False),
    UniqueConstraint("report_id", "number", name="versions_number"),
    Index("versions_document", "document_id"),
)

sketches = Table(
    "sketches",
    metadata,
    _seq(),
    _of_report(),
    Column("situation", Text, nullable=False),
    Column("story_id", Text, nullable=False),
    Column("outlet", Words, nullable=False),
    Column("at", Utc, nullable=False),
    Column("hashes", LargeBinary, nullable=False),  # see codec.pack_hashes
    UniqueConstraint("report_id", name="sketches_report"),
    Index("sketches_order", "situation", "seq"),
    sqlite_autoincrement=True,  # a number is never used twice: readers remember how far they got
)

stories = Table(
    "stories",
    metadata,
    Column("id", Text, primary_key=True),
    Column("situation", Text, nullable=False),
    Column("title", Words, nullable=False),
    Column("opened_at", Utc, nullable=False),
    Column("updated_at", Utc, nullable=False),
    Column("reports", Integer, nullable=False),
    Column("sources", Integer, nullable=False),
    Index("stories_updated", "situation", "updated_at"),
)

listings = Table(
    "listings",
    metadata,
    _seq(),
    _of_report(),
    Column("watch", Words, nullable=False),
    Column("route", Words, nullable=False),
    Column("version", Integer, nullable=False),
    Column("disposition", Text, nullable=False),
    Column("at", Utc, nullable=False),
    Column("alert_id", Text),
    Column("reasons", Text, nullable=False),  # JSON
    Column("score", Double, nullable=False, server_default="0"),
    UniqueConstraint("report_id", "watch", "route", name="listings_once"),
    Index("listings_watch", "watch", "seq"),
    Index("listings_alert", "alert_id"),
    sqlite_autoincrement=True,
)

figures = Table(  # the ledger of counted claims; a later issue fills it
    "figures",
    metadata,
    Column("id", Text, primary_key=True),
    Column("story_id", Text, nullable=False),
    Column("report_id", Text, nullable=False),
    Column("what", Words, nullable=False),
    Column("who", Words),
    Column("scope", Words),
    Column("op", Text, nullable=False),
    Column("value", BigInteger, nullable=False),
    Column("words", Words, nullable=False),
    Column("by", Words),
    Column("as_of", Utc),
    Column("said_at", Utc, nullable=False),
    Index("figures_story", "story_id"),
)

alerts = Table(
    "alerts",
    metadata,
    _seq(),
    Column("id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("situation", Text, nullable=False),
    Column("route", Words, nullable=False),
    Column("at", Utc, nullable=False),
    Column("report_id", Text),
    Column("story_id", Text),
    Column("test", Boolean, nullable=False),
    Column("content", Text, nullable=False),  # JSON of the whole alert, its report included: it outlives pruning
    Index("alerts_story", "story_id", "route"),
    Index("alerts_report", "report_id"),
    Index("alerts_at", "at"),
    sqlite_autoincrement=True,
)

deliveries = Table(
    "deliveries",
    metadata,
    _seq(),
    Column("id", Text, nullable=False, unique=True),
    Column("alert_id", Text, ForeignKey("alerts.id"), nullable=False),
    Column("channel", Words, nullable=False),
    Column("recipient", Words, nullable=False),
    Column("due_at", Utc, nullable=False),
    Column("wake_at", Utc),
    Column("created_at", Utc, nullable=False),
    Column("state", Text, nullable=False),
    Column("lease", Text),
    Column("claims", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("reason", Words),
    Column("finished_at", Utc),
    Column("remote_ref", Words),
    Column("payload", LargeBinary, nullable=False),
    UniqueConstraint("alert_id", "channel", "recipient", name="deliveries_once"),
    Index("deliveries_due", "channel", "wake_at", "seq", "lease"),
    Index("deliveries_state", "state"),
    sqlite_autoincrement=True,
)

attempts = Table(
    "attempts",
    metadata,
    _seq(),
    Column("delivery_id", Text, ForeignKey("deliveries.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("took", Span, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Words, nullable=False),
    Column("detail", Words, nullable=False),
    Column("status", Integer),
    Index("attempts_delivery", "delivery_id"),
)

endpoints = Table(
    "endpoints",
    metadata,
    Column("channel", Words, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("failing_since", Utc),
    Column("paused_until", Utc),
    Column("open", Boolean, nullable=False),
    Column("gone", Boolean, nullable=False),
    Column("reason", Words),
    Column("last_success_at", Utc),
)

watches = Table(
    "watches",
    metadata,
    Column("situation", Text, primary_key=True),
    Column("name", Words, primary_key=True),
    Column("recipe", Text, nullable=False),
)

flags = Table("flags", metadata, Column("name", Text, primary_key=True), Column("value", Words, nullable=False))

cron = Table("cron", metadata, Column("name", Text, primary_key=True), Column("due_at", Utc, nullable=False))

tombstones = Table(
    "tombstones",
    metadata,
    Column("situation", Text, primary_key=True),
    Column("key", Words, primary_key=True),
)

audit = Table(  # append-only: triggers refuse UPDATE and DELETE
    "audit",
    metadata,
    _seq(),
    Column("at", Utc, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Words, nullable=False),
    Column("data", Text, nullable=False),  # JSON
    Index("audit_kind", "kind", "seq"),
    sqlite_autoincrement=True,
)
