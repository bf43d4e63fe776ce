"""Time and housekeeping: cron rows that exactly one caller takes, and pruning old reports down to tombstones."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    bindparam,
    delete,
    exists,
    func,
    literal,
    select,
    type_coerce,
    update,
)

from monitor.model import Entry
from monitor.store import codec, pushing
from monitor.store import situation as situation_row
from monitor.store.committing import drop_documents
from monitor.store.schema import (
    alerts,
    cron,
    deliveries,
    endpoints,
    feeds,
    intake,
    listings,
    report_keys,
    reports,
    stories,
    tombstones,
    versions,
)
from monitor.store.statements import batches, insert_into, upsert

_CLAIM = (
    update(cron)
    .where(cron.c.name == bindparam("the_name"), cron.c.due_at == bindparam("seen"))
    .values(due_at=bindparam("later"))
)
_DUE = select(cron.c.due_at).where(cron.c.name == bindparam("the_name"))
_EARLIEST = select(func.min(cron.c.due_at))

_own_alert_waits = exists(
    select(literal(1))
    .select_from(alerts.join(deliveries, deliveries.c.alert_id == alerts.c.id))
    .where(alerts.c.report_id == reports.c.id, deliveries.c.wake_at.is_not(None))
)
_listed_alert_waits = exists(
    select(literal(1))
    .select_from(listings.join(deliveries, deliveries.c.alert_id == listings.c.alert_id))
    .where(listings.c.report_id == reports.c.id, deliveries.c.wake_at.is_not(None))
)


def claim_cron(connection: Connection, name: str, due_at: datetime, next_at: datetime) -> bool:
    """Take one run: True for exactly one caller per `due_at`."""
    given = {"the_name": name, "seen": due_at, "later": next_at}
    return connection.execute(_CLAIM, given).rowcount == 1


def cron_due(connection: Connection, name: str) -> datetime | None:
    """Return when the job is due next."""
    due: datetime | None = connection.execute(_DUE, {"the_name": name}).scalar()
    return due


def plan_cron(connection: Connection, name: str, next_at: datetime) -> None:
    """Set when a job is due next."""
    connection.execute(upsert(cron, connection.dialect.name, "name"), {"name": name, "due_at": next_at})


def earliest_cron(connection: Connection) -> datetime | None:
    """Return when the next job is due."""
    due: datetime | None = connection.execute(_EARLIEST).scalar()
    return due


def prune(connection: Connection, situation: str, before: datetime, limit: int) -> int:
    """Replace up to `limit` old reports by tombstones of their keys; return how many.

    Versions, sketches, listings, links and keys go with the report (ON DELETE CASCADE), then stories without reports and
    documents without versions. Alerts and deliveries stay: they carry what they told.
    """
    pushing.prune(connection, before)
    seen = situation_row.hold(connection, situation)
    old = (
        select(reports.c.id, reports.c.story_id)
        .where(
            reports.c.situation == situation,
            reports.c.seen_at < before,
            ~_own_alert_waits,
            ~_listed_alert_waits,
        )
        .order_by(reports.c.seq)
        .limit(limit)
    )
    found = {row.id: row.story_id for row in connection.execute(old)}
    if not found:
        return 0
    situation_row.count_on(connection, situation, seen)
    for ids in batches(found):
        _bury(connection, list(ids))
    for story_ids in batches(story for story in found.values() if story is not None):
        still_told = exists().where(reports.c.story_id == stories.c.id)
        connection.execute(delete(stories).where(stories.c.id.in_(story_ids), ~still_told))
    return len(found)


def set_aside(connection: Connection, situation: str, now: datetime) -> tuple[str, Entry] | None:
    """Put the oldest waiting entry aside, when nobody is deciding; return its feed and itself."""
    seen = situation_row.hold(connection, situation)
    oldest = (
        select(intake.c.seq, intake.c.feed_id, intake.c.entry)
        .where(intake.c.situation == situation, intake.c.aside_at.is_(None))
        .order_by(intake.c.seq)
        .limit(1)
    )
    row = connection.execute(oldest).first()
    if row is None:
        return None
    situation_row.count_on(connection, situation, seen)
    connection.execute(update(intake).where(intake.c.seq == row.seq).values(aside_at=now))
    return row.feed_id, codec.from_json(Entry, row.entry)


def take_up_aside(connection: Connection, situation: str) -> int:
    """Put entries set aside back into the queue, at their old place."""
    back = update(intake).where(intake.c.situation == situation, intake.c.aside_at.is_not(None)).values(aside_at=None)
    return connection.execute(back).rowcount


def shift_due(connection: Connection, situation: str, step: timedelta) -> None:
    """Move due times, leases and pauses by `step`."""
    by = step // timedelta(microseconds=1)

    def moved(column: Column[datetime]) -> Any:
        return type_coerce(column, BigInteger) + by

    mine = feeds.c.situation == situation
    columns = ("due_at", "wake_at", "last_attempt_at")  # from the last attempt counts how long a feed was to rest
    connection.execute(update(feeds).where(mine).values({name: moved(feeds.c[name]) for name in columns}))
    connection.execute(
        update(deliveries)
        .where(deliveries.c.wake_at.is_not(None))
        .values(due_at=moved(deliveries.c.due_at), wake_at=moved(deliveries.c.wake_at))
    )
    pushing.shift(connection, situation, by)
    connection.execute(
        update(endpoints)
        .where(endpoints.c.paused_until.is_not(None))
        .values(paused_until=moved(endpoints.c.paused_until))
    )


def _bury(connection: Connection, ids: list[str]) -> None:
    keys = select(report_keys.c.situation, report_keys.c.key).where(report_keys.c.report_id.in_(ids))
    burying = insert_into(tombstones, connection.dialect.name).from_select(["situation", "key"], keys)
    connection.execute(burying.on_conflict_do_nothing())
    evidence = select(versions.c.document_id).where(
        versions.c.report_id.in_(ids), versions.c.document_id.is_not(None)
    )  # fmt: skip
    documents = list(connection.execute(evidence).scalars())
    connection.execute(delete(reports).where(reports.c.id.in_(ids)))
    drop_documents(connection, [document for document in documents if document is not None])
