"""Commit A: what polls and pushes bring becomes rows, many polls in one transaction.

What costs time (packing documents, writing entries as JSON) is done by `prepare`, before the transaction holds anybody up.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, null, select, update

from monitor.model import Document, Entry, PollResult
from monitor.store import codec, states
from monitor.store.schema import clean, documents, feeds, intake, microseconds
from monitor.store.statements import batches, prepared

_FAST = 1
"""zlib's level for documents: they are packed with every poll that brings news and read almost never."""

_HELD = (
    select(feeds.c.id, feeds.c.lease, feeds.c.last_success_at)
    .where(feeds.c.id.in_(bindparam("these", expanding=True)))
    .order_by(feeds.c.id)
    .with_for_update()
)
_BACK = update(feeds).where(feeds.c.id == bindparam("the_feed"))
_FREE: dict[str, Any] = {"lease": null(), "wake_at": bindparam("due_at", type_=feeds.c.wake_at.type)}
_KEPT_WHEN_NULL = ("known", "pushed")
"""Columns that pushes change too: given only where the poll changed them."""


def _given(names: Iterable[str]) -> dict[str, Any]:
    return {name: bindparam(name, type_=feeds.c[name].type) for name in names}


def _given_or_kept(names: Iterable[str]) -> dict[str, Any]:
    return {name: func.coalesce(given, feeds.c[name]) for name, given in _given(names).items()}


_SAVE_SETTLED = _BACK.values(_FREE | _given(states.EVERY_POLL))
_SAVE = _BACK.values(_FREE | _given(states.POLLED) | _given_or_kept(_KEPT_WHEN_NULL))
_ADD_ENTRIES = insert(intake).values(
    {
        name: bindparam(name, type_=intake.c[name].type)
        for name in ("situation", "feed_id", "seen_at", "baseline", "covered_from", "document_id", "entry")
    }
)
_ADD_DOCUMENT = (
    insert(documents)
    .values({column.name: bindparam(column.name, type_=column.type) for column in documents.c if column.name != "id"})
    .returning(documents.c.id)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A poll's result as the driver takes it."""

    feed_id: str
    lease: str
    settled: bool
    """Nothing changed but times."""
    columns: dict[str, Any]
    entries: list[dict[str, Any]]
    document: dict[str, Any] | None


def prepare(results: Iterable[PollResult]) -> list[Ready]:
    """Return results ready to be saved."""
    return [_ready(result) for result in results]


def save_polls(connection: Connection, results: Sequence[Ready]) -> frozenset[str]:
    """Save rows, documents and entries in the transaction of `connection`; return the feeds whose lease was lost."""
    leases, successes = _held(connection, results)
    mine = [result for result in results if leases.get(result.feed_id) == result.lease]
    _execute(connection, _SAVE_SETTLED, [result.columns for result in mine if result.settled])
    _execute(connection, _SAVE, [result.columns for result in mine if not result.settled])
    waiting: list[dict[str, Any]] = []
    for result in mine:
        if result.entries:
            document_id = add_document(connection, result.document)
            waiting += completed(result.entries, successes[result.feed_id], document_id)
    add_entries(connection, waiting)
    return frozenset(result.feed_id for result in results) - {result.feed_id for result in mine}


def _ready(result: PollResult) -> Ready:
    state, before = result.state, result.before
    settled = before is not None and states.is_settled(before, state)
    columns = states.of_every_poll(state) if settled else states.columns(state, before)
    columns["the_feed"] = state.feed_id
    return Ready(
        feed_id=state.feed_id,
        lease=result.lease,
        settled=settled,
        columns=columns,
        entries=entry_rows(result.entries, state.situation, state.feed_id, result.at, baseline=result.baseline),
        document=document_row(result.document),
    )


def _held(
    connection: Connection, results: Sequence[Ready]
) -> tuple[dict[str, str | None], dict[str, datetime | None]]:  # fmt: skip
    """Return lease and last success by feed; on PostgreSQL the rows are locked, in one order for everyone."""
    leases: dict[str, str | None] = {}
    successes: dict[str, datetime | None] = {}
    for ids in batches(sorted(result.feed_id for result in results)):
        for feed_id, lease, success in connection.execute(_HELD, {"these": ids}):
            leases[feed_id], successes[feed_id] = lease, success
    return leases, successes


def _execute(connection: Connection, statement: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.exec_driver_sql(prepared(statement, connection.dialect.name), rows)


# --- entries and documents --------------------------------------------------------------------------------------------


def entry_rows(
    entries: Sequence[Entry], situation: str, feed_id: str, seen_at: datetime, *, baseline: bool
) -> list[dict[str, Any]]:
    """Return entries of one document as rows of the intake, but for what only the transaction knows (`completed`)."""
    shared = {
        "situation": situation,
        "feed_id": feed_id,
        "seen_at": microseconds(seen_at) if entries else None,
        "baseline": baseline,
    }
    return [{**shared, "entry": codec.to_json(entry)} for entry in entries]


def completed(
    rows: Iterable[dict[str, Any]], covered_from: datetime | None, document_id: int | None
) -> list[dict[str, Any]]:  # fmt: skip
    """Return rows of the intake with the feed's last success before this one and the document they came from."""
    known = {
        "covered_from": None if covered_from is None else microseconds(covered_from),
        "document_id": document_id,
    }
    return [{**row, **known} for row in rows]


def add_entries(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Put rows into the intake, in this order."""
    _execute(connection, _ADD_ENTRIES, rows)


def document_row(document: Document | None) -> dict[str, Any] | None:
    """Return a document as the driver takes it."""
    if document is None:
        return None
    return {
        "url": clean(document.url),
        "fetched_at": microseconds(document.fetched_at),
        "status": document.status,
        "content_type": None if document.content_type is None else clean(document.content_type),
        "sha256": document.sha256,
        "body": zlib.compress(document.body, _FAST),
    }


def add_document(connection: Connection, row: dict[str, Any] | None) -> int | None:
    """Keep a document; return its number."""
    if row is None:
        return None
    return int(connection.exec_driver_sql(prepared(_ADD_DOCUMENT, connection.dialect.name), row).scalar_one())
