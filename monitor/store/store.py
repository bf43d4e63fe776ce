"""The store: every method of `ports.Store` as one transaction over the statements of its flow."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError

from monitor.errors import StoreError
from monitor.model import (
    Alert,
    Attempt,
    AuditEvent,
    Delivery,
    DeliveryState,
    Endpoint,
    Feed,
    FeedState,
    Listing,
    PollResult,
    Push,
    PushResult,
    Report,
    Story,
    Subscription,
    Version,
    Watch,
)
from monitor.ports import Deciding, Work
from monitor.store import (
    committing,
    configuring,
    deciding,
    delivering,
    files,
    keeping,
    migrating,
    polling,
    pushing,
    reading,
    saving,
)
from monitor.store.engine import Database

PATIENCE = timedelta(seconds=10)
"""How long a call waits for the write lock before `StoreBusy`; a decider's batch ends at 200 ms, a checkpoint in a second."""

_SCHEMES = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgresql+psycopg": "postgresql+psycopg"}


def open_store(url: str, *, data_dir: Path | None = None, patience: timedelta = PATIENCE) -> SqlStore:
    """Open a store: `sqlite:///path` (a relative path counts from `data_dir`), `sqlite://` in memory, `postgresql+psycopg://...`.

    Nothing is created or changed: a service calls `lock_service` and `migrate`; a command that only reads needs neither and gets a
    `StoreError` at its first call where there is no database yet, or one of another version. Raises `StoreError` for any other URL.
    """
    return SqlStore(Database(_parsed(url, data_dir), busy=patience))


def _parsed(url: str, data_dir: Path | None) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise StoreError(
            "the store's URL cannot be read; write sqlite:///monitor.db or postgresql+psycopg://..."
        ) from error
    if parsed.drivername not in _SCHEMES:
        raise StoreError(
            f"no store of kind {parsed.drivername!r}; write sqlite:///monitor.db or postgresql+psycopg://USER@HOST/NAME"
        )
    parsed = parsed.set(drivername=_SCHEMES[parsed.drivername])
    if parsed.drivername != "sqlite":
        return parsed
    path = None if parsed.database in (None, "", ":memory:") else str(Path(data_dir or "", parsed.database or ""))
    return parsed.set(database=path)


class SqlStore:
    """`ports.Store` on SQLite and PostgreSQL; safe to use from several threads."""

    def __init__(self, database: Database) -> None:
        self.url = database.url
        self._database = database
        self._usable = False
        self._service = files.ServiceLock(database.file) if database.file else None
        self._inode: int | None = None

    # -- life
    def lock_service(self) -> bool:
        """Keep a second service off this SQLite file until `close`; `StoreBusy` names the process that has it.

        A database in memory is nobody else's anyway. On PostgreSQL others may run: nothing is locked, and the answer is False.
        """
        if self._service:
            files.create_directory(self._service.path.parent)
            self._service.take()
        return self._database.dialect == "sqlite"

    def migrate(self) -> None:
        """Create the database where there is none, and bring its schema up to date under a lock."""
        if self._database.file:
            files.create(self._database.file)
        migrating.migrate(self._database)
        self._inode = files.inode(self._database.file)
        self._usable = True

    def close(self) -> None:
        """Let go of all connections and of the service's lock."""
        self._database.close()
        if self._service:
            self._service.release()

    def is_gone(self) -> bool:
        """Tell whether the database file is another one than the one that was migrated, or none."""
        return self._inode is not None and self._inode != files.inode(self._database.file)

    def release_leases(self) -> None:
        """Forget leases of a process that is certainly gone (single-process stores, at start)."""
        with self._writing() as connection:
            polling.release_leases(connection)
            delivering.release_leases(connection)

    # -- configuration
    def sync_feeds(
        self, situation: str, feeds: Sequence[Feed], now: datetime, first_due: Mapping[str, datetime]
    ) -> None:
        """Make the feed rows follow the configuration (rules: `ports.Store`)."""
        with self._writing() as connection:
            configuring.sync_feeds(connection, situation, feeds, now, first_due)

    def changed_watches(self, situation: str, watches: Sequence[Watch]) -> tuple[str, ...]:
        """Return the names of watches that are new or changed since the last sync, changing nothing."""
        with self._reading() as connection:
            return configuring.changed_watches(connection, situation, watches)

    def sync_watches(self, situation: str, watches: Sequence[Watch], now: datetime) -> tuple[str, ...]:  # noqa: ARG002
        """Store the watches' recipes; return the names of those new or changed (none at a store's first sync)."""
        with self._writing() as connection:
            return configuring.sync_watches(connection, situation, watches)

    def flag(self, name: str) -> str | None:
        """Return a small persistent setting of the running service."""
        with self._reading() as connection:
            return configuring.flag(connection, name)

    def set_flag(self, name: str, value: str | None) -> None:
        """Set or clear it."""
        with self._once() as connection:
            configuring.set_flag(connection, name, value)

    # -- poll
    def claim_due_feeds(self, situation: str, now: datetime, limit: int, lease: timedelta) -> tuple[FeedState, ...]:
        """Lease up to `limit` due feeds, the longest due first."""
        with self._once() as connection:
            return polling.claim_due_feeds(connection, situation, now, limit, lease)

    def feed_states(self, situation: str) -> tuple[FeedState, ...]:
        """Return the state of all configured feeds, by id."""
        with self._reading() as connection:
            return polling.feed_states(connection, situation)

    def postpone(self, feeds: Sequence[tuple[str, str, datetime]]) -> None:
        """Give leased feeds back unpolled: (feed id, lease, when it is due)."""
        if not feeds:
            return
        with self._writing() as connection:
            polling.postpone(connection, feeds)

    def poll_now(self, feed_ids: Sequence[str], now: datetime) -> None:
        """Make these feeds due."""
        with self._writing() as connection:
            polling.poll_now(connection, feed_ids, now)

    def put_off(self, feed_ids: Sequence[str], until: datetime) -> None:
        """Let none of these feeds be due before `until`; those under way are not touched."""
        with self._writing() as connection:
            polling.put_off(connection, feed_ids, until)

    def save_polls(self, results: Sequence[PollResult]) -> frozenset[str]:
        """Commit A for several polls. Returns the feeds whose lease was lost: nothing of them was changed."""
        if not results:
            return frozenset()
        ready = saving.prepare(results)
        with self._writing() as connection:
            return saving.save_polls(connection, ready)

    # -- push
    def subscriptions(self, situation: str) -> tuple[Subscription, ...]:
        """Return the subscriptions that are not over, and of each feed the last one at each hub and topic without such; by feed."""
        with self._reading() as connection:
            return pushing.living(connection, situation)

    def subscription(self, token: str) -> Subscription | None:
        """Return the subscription whose callback address has this token."""
        with self._reading() as connection:
            return pushing.subscription(connection, token)

    def save_subscription(self, subscription: Subscription) -> None:
        """Add it or replace what is stored under its token (what pushes counted meanwhile stays); ends older active ones."""
        with self._writing() as connection:
            pushing.save_subscription(connection, subscription)

    def drop_subscriptions(self, feed_ids: Sequence[str]) -> tuple[Subscription, ...]:
        """Forget the subscriptions of these feeds and return those that were living."""
        with self._writing() as connection:
            return pushing.drop_subscriptions(connection, feed_ids)

    def count_rejected(self, token: str) -> None:
        """Count a push that was ignored for its signature."""
        with self._once() as connection:
            pushing.count_rejected(connection, token)

    def enqueue_pushes(self, pushes: Sequence[Push]) -> None:
        """Keep pushed documents and count them at their subscriptions."""
        bodies = [pushing.packed(push.body) for push in pushes]
        with self._writing() as connection:
            for push, body in zip(pushes, bodies, strict=True):
                pushing.enqueue(connection, push, body)

    def waiting_pushes(self, situation: str, limit: int, without: Collection[str] = ()) -> tuple[Push, ...]:
        """Return the oldest push that was not read yet of each feed that is polled, `without` these feeds."""
        with self._reading() as connection:
            return pushing.waiting(connection, situation, limit, without)

    def save_pushes(self, results: Sequence[PushResult], now: datetime) -> frozenset[int]:
        """Commit A for pushes. Returns the `seq` of those that were taken by somebody else before: nothing of them was changed."""
        documents = [saving.document_row(result.document) if result.entries else None for result in results]
        with self._writing() as connection:
            return frozenset(
                result.push.seq
                for result, document in zip(results, documents, strict=True)
                if not pushing.save(connection, result, document, now)
            )

    def end_pushes(self, feed_ids: Sequence[str], now: datetime) -> None:
        """Let these feeds count as not pushed, and make them due."""
        with self._writing() as connection:
            pushing.end_pushes(connection, feed_ids, now)

    def feed_state(self, feed_id: str) -> FeedState | None:
        """Return the state of one feed."""
        with self._reading() as connection:
            return polling.feed_state(connection, feed_id)

    # -- decide
    def intake_waiting(self, situation: str) -> int:
        """Return how many entries wait."""
        with self._reading() as connection:
            return reading.intake_waiting(connection, situation)

    def set_aside(self, situation: str, now: datetime) -> str | None:
        """Put the oldest waiting entry aside; return what it is."""
        with self._as_decider(situation) as connection:
            aside = keeping.set_aside(connection, situation, now)
            if aside is None:
                return None
            feed_id, entry = aside
            words = {"title": entry.title[:200], "link": entry.link}
            event = AuditEvent(at=now, kind="aside", subject=feed_id, data=words)
            committing.add_audit(connection, [event])
        return f"{feed_id}: {entry.title[:200]}"

    def take_up_aside(self, situation: str) -> int:
        """Let entries that were set aside be decided once more."""
        with self._writing() as connection:
            return keeping.take_up_aside(connection, situation)

    def shift_due(self, situation: str, step: timedelta) -> None:
        """Move all due times, leases and pauses along with a wall clock that was set."""
        with self._writing() as connection:
            keeping.shift_due(connection, situation, step)

    def deciding(self, situation: str) -> AbstractContextManager[Deciding]:
        """Open the decider's transaction under the situation's lock."""
        self._ensure_usable()
        return deciding.deciding(self._database, situation)

    def reports_between(self, situation: str, since: datetime, until: datetime) -> tuple[Report, ...]:
        """Return the reports first seen in [since, until), oldest first."""
        with self._reading() as connection:
            return reading.reports_between(connection, situation, since, until)

    def add_listings(self, listings: Sequence[Listing], audit: Sequence[AuditEvent] = ()) -> None:
        """Add listings that are not there yet."""
        with self._writing() as connection:
            committing.add_listings(connection, listings)
            committing.add_audit(connection, audit)

    def add_alerts(self, alerts: Sequence[Alert], deliveries: Sequence[Delivery], audit: Sequence[AuditEvent]) -> None:
        """Add alerts that no intake caused, with their deliveries; those already there stay as they are."""
        with self._writing() as connection:
            committing.add_alerts(connection, alerts, deliveries)
            committing.add_audit(connection, audit)

    # -- deliver
    def claim_due_deliveries(self, channel: str, now: datetime, limit: int, lease: timedelta) -> tuple[Delivery, ...]:
        """Lease up to `limit` due deliveries of a channel, oldest due first; at most one in all while its breaker is open."""
        with self._once() as connection:
            claimed = delivering.claim_due(connection, channel, now, limit, lease)
        if claimed or limit < 1 or not self.endpoint(channel).open:
            return claimed
        with self._writing() as connection:
            return delivering.claim_probe(connection, channel, now, lease)

    def save_attempt(
        self, delivery: Delivery, lease: str, attempt: Attempt, endpoint: Endpoint, audit: Sequence[AuditEvent]
    ) -> bool:
        """Commit C. Returns False, changing nothing but adding the attempt, when the lease was lost."""
        with self._writing() as connection:
            return delivering.save_attempt(connection, delivery, lease, attempt, endpoint, audit)

    def endpoint(self, channel: str) -> Endpoint:
        """Return a channel's health."""
        with self._reading() as connection:
            return delivering.endpoint(connection, channel)

    def save_endpoint(self, endpoint: Endpoint) -> None:
        """Set it."""
        with self._once() as connection:
            delivering.save_endpoint(connection, endpoint)

    def retire_channels(self, configured: Sequence[str], now: datetime) -> int:
        """End waiting deliveries of channels that are configured no more; return their number."""
        with self._once() as connection:
            return delivering.retire_channels(connection, configured, now)

    def retry_deliveries(self, ids: Sequence[str], now: datetime) -> int:
        """Make ended or waiting deliveries due now with fresh counters; return how many."""
        with self._writing() as connection:
            return delivering.retry_deliveries(connection, ids, now)

    # -- time
    def work(self, situation: str, now: datetime, channels: Sequence[str]) -> Work:
        """Return what waits, and when it is due; what someone holds a living lease on is left out."""
        with self._reading() as connection:
            return Work(
                feeds=polling.earliest(connection, situation, now),
                cron=keeping.earliest_cron(connection),
                deliveries=delivering.earliest(connection, channels, now) if channels else {},
                entries=reading.entries_wait(connection, situation),
            )

    def claim_cron(self, name: str, due_at: datetime, next_at: datetime) -> bool:
        """Take one run of a cron job: True for exactly one caller per `due_at`."""
        with self._once() as connection:
            return keeping.claim_cron(connection, name, due_at, next_at)

    def cron_due(self, name: str) -> datetime | None:
        """Return when the job is due next, None when it was never planned."""
        with self._reading() as connection:
            return keeping.cron_due(connection, name)

    def plan_cron(self, name: str, next_at: datetime) -> None:
        """Set when a job is due next."""
        with self._once() as connection:
            keeping.plan_cron(connection, name, next_at)

    def prune(self, situation: str, before: datetime, limit: int) -> int:
        """Replace up to `limit` reports first seen before that time, that nothing waits for, by tombstones; return how many."""
        with self._as_decider(situation) as connection:
            return keeping.prune(connection, situation, before, limit)

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
        """Return the newest reports first; `text` is looked for in title and text, whatever its case."""
        with self._reading() as connection:
            return reading.find_reports(connection, situation, limit=limit, since=since, watch=watch, text=text)

    def report(self, report_id: str) -> Report | None:
        """Return one report."""
        with self._reading() as connection:
            return reading.report(connection, report_id)

    def versions(self, report_id: str) -> tuple[Version, ...]:
        """Return a report's versions, oldest first."""
        with self._reading() as connection:
            return reading.report_versions(connection, report_id)

    def listings(
        self, *, report_id: str | None = None, watch: str | None = None, alert_id: str | None = None, limit: int = 1000
    ) -> tuple[Listing, ...]:
        """Return listings, newest first."""
        with self._reading() as connection:
            return reading.find_listings(connection, report_id=report_id, watch=watch, alert_id=alert_id, limit=limit)

    def list_stories(self, situation: str, *, limit: int) -> tuple[Story, ...]:
        """Return the latest updated stories first."""
        with self._reading() as connection:
            return reading.list_stories(connection, situation, limit=limit)

    def story(self, story_id: str) -> tuple[Story, tuple[Report, ...]] | None:
        """Return a story with its reports, first come first."""
        with self._reading() as connection:
            return reading.story(connection, story_id)

    def alerts(self, *, limit: int, route: str | None = None, since: datetime | None = None) -> tuple[Alert, ...]:
        """Return the newest alerts first."""
        with self._reading() as connection:
            return reading.find_alerts(connection, limit=limit, route=route, since=since)

    def alert(self, alert_id: str) -> Alert | None:
        """Return one alert."""
        with self._reading() as connection:
            return reading.alert(connection, alert_id)

    def deliveries(
        self, *, limit: int, state: DeliveryState | None = None, alert_id: str | None = None, channel: str | None = None
    ) -> tuple[Delivery, ...]:
        """Return the newest deliveries first."""
        with self._reading() as connection:
            return reading.find_deliveries(connection, limit=limit, state=state, alert_id=alert_id, channel=channel)

    def delivery(self, delivery_id: str) -> tuple[Delivery, tuple[Attempt, ...]] | None:
        """Return a delivery with its attempts."""
        with self._reading() as connection:
            return reading.delivery(connection, delivery_id)

    def audit(self, *, limit: int, kind: str | None = None, after: int = 0) -> tuple[tuple[int, AuditEvent], ...]:
        """Return (sequence, event) after a sequence number, oldest first."""
        with self._reading() as connection:
            return reading.audit_log(connection, limit=limit, kind=kind, after=after)

    def entry_reports(self, situation: str) -> tuple[tuple[str, str | None, str], ...]:
        """Return (feed id, link of the entry, report id) of all reports."""
        with self._reading() as connection:
            return reading.entry_reports(connection, situation)

    def counts(self, situation: str) -> Mapping[str, int]:
        """Return the numbers of reports, versions, matches, stories, alerts, deliveries by state, intake, tombstones."""
        with self._reading() as connection:
            return reading.counts(connection, situation)

    # -- access
    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        self._ensure_usable()
        with self._database.reading() as connection:
            yield connection

    @contextmanager
    def _once(self) -> Iterator[Connection]:
        self._ensure_usable()
        with self._database.once() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        self._ensure_usable()
        with self._database.writing() as connection:
            yield connection

    @contextmanager
    def _as_decider(self, situation: str) -> Iterator[Connection]:
        """Give a transaction while nobody decides the situation (on PostgreSQL its row sees to that)."""
        with ExitStack() as stack:
            if self._database.dialect == "sqlite":
                stack.enter_context(deciding.one_decider(self._database, situation))
            yield stack.enter_context(self._writing())

    def _ensure_usable(self) -> None:
        if not self._usable:
            migrating.check(self._database)
            self._usable = True
