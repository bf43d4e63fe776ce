"""Commit B: a decision becomes rows, in one transaction with the intake it consumes.

Rows that only ever appear once (keys, versions, listings, alerts, deliveries) are inserted where they are not there yet, so the
same decision made again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, delete, exists, func, insert, literal, select

from monitor.errors import StoreBusy
from monitor.model import Alert, AuditEvent, Change, ChangeKind, Decision, Delivery, Listing
from monitor.store import rows
from monitor.store.schema import (
    Words,
    alerts,
    audit,
    deliveries,
    documents,
    intake,
    listings,
    report_keys,
    report_links,
    reports,
    sketches,
    stories,
    versions,
)
from monitor.store.statements import batches, insert_into, insert_new, upsert

_LINKS = 50
"""Links remembered per report: a feed that adds a new tracking parameter at every poll must not fill the disk."""
_FIRST_SEEN = {"id", "seq", "seen_at", "situation", "story_id"}
"""Columns of a report that a later version does not change (the story: see `_report_upsert`)."""

_CONSUME = (
    delete(intake)
    .where(intake.c.situation == bindparam("of"), intake.c.seq.in_(bindparam("these", expanding=True)))
    .returning(intake.c.document_id)
)
_DROP_SKETCHES = delete(sketches).where(sketches.c.report_id.in_(bindparam("these", expanding=True)))

_still_waiting = exists().where(intake.c.document_id == documents.c.id)
_was_alerted = exists(
    select(literal(1))
    .select_from(versions.join(listings, listings.c.report_id == versions.c.report_id))
    .where(versions.c.document_id == documents.c.id, listings.c.alert_id.is_not(None))
)
_DROP_DOCUMENTS = delete(documents).where(
    documents.c.id.in_(bindparam("these", expanding=True)), ~_still_waiting, ~_was_alerted
)


def save(connection: Connection, situation: str, decision: Decision) -> None:
    """Save all of a decision; raise `StoreBusy` when somebody else consumed the same intake."""
    touched = _consume(connection, situation, decision.consumed)
    stored = [change for change in decision.changes if change.kind is not ChangeKind.BURIED]
    _save_stories(connection, decision)
    _save_reports(connection, stored, {sketch.report_id: sketch.story_id for sketch in decision.sketches})
    _save_sketches(connection, situation, decision)
    add_alerts(connection, decision.alerts, decision.deliveries)
    add_listings(connection, decision.listings)
    add_audit(connection, decision.audit)
    drop_documents(connection, touched)


def add_alerts(connection: Connection, new: Sequence[Alert], out: Sequence[Delivery]) -> None:
    """Add alerts and deliveries that are not there yet."""
    _insert_new(connection, alerts, map(rows.alert_row, new))
    _insert_new(connection, deliveries, map(rows.delivery_row, out))


def add_listings(connection: Connection, new: Iterable[Listing]) -> None:
    """Add listings that are not there yet, of reports that are still there."""
    given = [{f"the_{name}": value for name, value in rows.listing_row(listing).items()} for listing in new]
    if given:
        connection.execute(_listing_insert(connection.dialect.name), given)


def add_audit(connection: Connection, events: Iterable[AuditEvent]) -> None:
    """Append to the audit log."""
    if new := rows.audit_rows(events):
        connection.execute(insert(audit), new)


def drop_documents(connection: Connection, ids: Iterable[int]) -> None:
    """Remove those documents that nothing rests on: no waiting entry, no report that was alerted."""
    for batch in batches(ids):
        connection.execute(_DROP_DOCUMENTS, {"these": batch})


# --- parts ------------------------------------------------------------------------------------------------------------


def _consume(connection: Connection, situation: str, seqs: Sequence[int]) -> list[int]:
    """Delete intake rows; return the documents they came from."""
    gone: list[int | None] = []
    for batch in batches(seqs):
        gone.extend(connection.execute(_CONSUME, {"of": situation, "these": batch}).scalars())
    if len(gone) != len(set(seqs)):
        raise StoreBusy(f"intake of {situation} was decided by another process meanwhile; this batch is dropped")
    return [document for document in gone if document is not None]


def _save_stories(connection: Connection, decision: Decision) -> None:
    if new := list(map(rows.plain, decision.stories)):
        connection.execute(upsert(stories, connection.dialect.name, "id"), new)


def _save_reports(connection: Connection, stored: Sequence[Change], story_of: dict[str, str]) -> None:
    if not stored:
        return
    dialect = connection.dialect.name
    of_reports = [
        {**rows.plain(change.report), "story_id": change.report.story_id or story_of.get(change.report.id)}
        for change in stored
    ]
    connection.execute(_report_upsert(dialect), of_reports)
    _insert_new(connection, report_keys, (row for change in stored for row in _key_rows(change)))
    of_versions = [
        {**rows.plain(change.version), "document_id": change.intake.document_id} for change in stored if change.version
    ]
    _insert_new(connection, versions, of_versions)
    connection.execute(_link_insert(dialect), list(map(_link_row, stored)))


def _key_rows(change: Change) -> Iterable[dict[str, Any]]:
    report = change.report
    return ({"situation": report.situation, "key": key, "report_id": report.id} for key in change.keys)


def _link_row(change: Change) -> dict[str, Any]:
    return {
        "the_report": change.report.id,
        "the_feed": change.intake.feed_id,
        "the_link": change.intake.entry.link or "",
    }


def _save_sketches(connection: Connection, situation: str, decision: Decision) -> None:
    """Save sketches under new numbers, also those that replace an older one: whoever follows the numbers sees them."""
    latest = {sketch.report_id: sketch for sketch in decision.sketches}
    if latest:
        for batch in batches(latest):
            connection.execute(_DROP_SKETCHES, {"these": batch})
        connection.execute(insert(sketches), [rows.sketch_row(sketch, situation) for sketch in latest.values()])


def _insert_new(connection: Connection, table: Any, new: Iterable[dict[str, Any]]) -> None:
    if given := list(new):
        connection.execute(insert_new(table, connection.dialect.name), given)


# --- statements that only one engine's INSERT can say -----------------------------------------------------------------


@cache
def _report_upsert(dialect: str) -> Executable:
    """Return the INSERT of a report that follows its latest version, keeps when it was first seen, and never loses its story."""
    statement = insert_into(reports, dialect)
    changed = {column.name: statement.excluded[column.name] for column in reports.c if column.name not in _FIRST_SEEN}
    changed["story_id"] = func.coalesce(statement.excluded.story_id, reports.c.story_id)
    upserting: Executable = statement.on_conflict_do_update(index_elements=[reports.c.id], set_=changed)
    return upserting


@cache
def _link_insert(dialect: str) -> Executable:
    report, feed, link = (bindparam(f"the_{name}", type_=Words) for name in ("report", "feed", "link"))
    few = (
        select(func.count())
        .select_from(report_links)
        .where(report_links.c.report_id == bindparam("the_report"))
        .scalar_subquery()
        < _LINKS
    )
    chosen = select(report, feed, link).where(few)
    inserting: Executable = (
        insert_into(report_links, dialect)
        .from_select(["report_id", "feed_id", "link"], chosen)
        .on_conflict_do_nothing()
    )
    return inserting


@cache
def _listing_insert(dialect: str) -> Executable:
    names = [column.name for column in listings.c if column.name != "seq"]
    given = [bindparam(f"the_{name}", type_=listings.c[name].type) for name in names]
    chosen = select(*given).where(exists().where(reports.c.id == bindparam("the_report_id")))
    inserting: Executable = insert_into(listings, dialect).from_select(names, chosen).on_conflict_do_nothing()
    return inserting
