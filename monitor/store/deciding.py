"""The decider's transaction: what it reads, and commit B.

The lock. On PostgreSQL the transaction holds the situation's row from the first read to the commit. SQLite has no row locks: there
one decider per situation is kept by a lock of the process, reads run without a transaction, and only the commit takes the
database's write lock; the row's counter proves that nobody else decided since the first read, in this process or another. Holding
BEGIN IMMEDIATE for the whole batch was refused: it would keep every poll and every delivery waiting while a batch is decided.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection, Integer, bindparam, select

from monitor.errors import StoreBusy
from monitor.model import Decision, Entry, IntakeEntry, Report, Sketch, Story, Version
from monitor.ports import Known
from monitor.store import codec, committing, rows
from monitor.store import situation as situation_row
from monitor.store.engine import Database
from monitor.store.schema import alerts, intake, listings, report_keys, reports, sketches, stories, tombstones, versions
from monitor.store.statements import batches


def _in(column: Any) -> Any:
    return column.in_(bindparam("these", expanding=True))


_INTAKE = (
    select(intake)
    .where(intake.c.situation == bindparam("of"), intake.c.aside_at.is_(None))
    .order_by(intake.c.seq)
    .limit(bindparam("at_most", type_=Integer))
)
_KNOWN = (
    select(report_keys.c.key, *rows.REPORT)
    .join_from(report_keys, reports, reports.c.id == report_keys.c.report_id)
    .where(report_keys.c.situation == bindparam("of"), _in(report_keys.c.key))
)
_VERSIONS = select(*rows.VERSION).where(_in(versions.c.report_id)).order_by(versions.c.report_id, versions.c.number)
_BURIED = select(tombstones.c.key).where(tombstones.c.situation == bindparam("of"), _in(tombstones.c.key))
_SKETCHES = (
    select(sketches)
    .where(
        sketches.c.situation == bindparam("of"),
        sketches.c.seq > bindparam("after"),
        sketches.c.at >= bindparam("not_before"),
    )
    .order_by(sketches.c.seq)
)
_STORIES = select(*rows.STORY).where(_in(stories.c.id))
_SOURCES = (
    select(reports.c.story_id, reports.c.outlet, reports.c.source)
    .where(_in(reports.c.story_id))
    .order_by(reports.c.seq)
)
_TOLD = (
    select(alerts.c.story_id, alerts.c.route, alerts.c.id)
    .where(_in(alerts.c.story_id), ~alerts.c.test)
    .order_by(alerts.c.seq)
)
_LISTED = select(listings.c.report_id, listings.c.watch, listings.c.route).where(_in(listings.c.report_id))


class _Access(Protocol):
    """How a decider reaches the database: connections for reads and one transaction to commit in."""

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection for reads."""

    @contextmanager
    def committing(self) -> Iterator[Connection]:
        """Give the transaction of commit B."""


class SqlDeciding:
    """`ports.Deciding` on either engine."""

    def __init__(self, access: _Access, situation: str) -> None:
        self._access = access
        self._situation = situation
        self._over = False

    def intake(self, limit: int) -> tuple[IntakeEntry, ...]:
        """Return the oldest waiting entries of the situation, in order."""
        with self._reading() as connection:
            found = connection.execute(_INTAKE, {"of": self._situation, "at_most": limit}).all()
        return tuple(
            IntakeEntry(
                seq=row.seq,
                situation=row.situation,
                feed_id=row.feed_id,
                entry=codec.from_json(Entry, row.entry),
                seen_at=row.seen_at,
                baseline=row.baseline,
                covered_from=row.covered_from,
                document_id=row.document_id,
            )
            for row in found
        )

    def known(self, keys: Iterable[str]) -> Known:
        """Return what is stored under these identity keys."""
        wanted = tuple(keys)
        by_key: dict[str, Report] = {}
        by_id: dict[str, Report] = {}
        with self._reading() as connection:
            for key, *columns in _each(connection, _KNOWN, wanted, of=self._situation):
                report = rows.report(columns)
                by_key[key] = by_id.setdefault(report.id, report)
            history: dict[str, list[Version]] = {}
            for row in _each(connection, _VERSIONS, by_id):
                history.setdefault(row.report_id, []).append(rows.version(row))
            missing = (key for key in wanted if key not in by_key)
            buried = frozenset(row.key for row in _each(connection, _BURIED, missing, of=self._situation))
        return Known(reports=by_key, versions={name: tuple(held) for name, held in history.items()}, buried=buried)

    def sketches_since(self, seq: int, not_before: datetime) -> tuple[tuple[int, Sketch], ...]:
        """Return (sequence, sketch) of reports decided after `seq` and seen at or after `not_before`."""
        given = {"of": self._situation, "after": seq, "not_before": not_before}
        with self._reading() as connection:
            return tuple((row.seq, rows.sketch(row)) for row in connection.execute(_SKETCHES, given))

    def stories(self, ids: Iterable[str]) -> Mapping[str, Story]:
        """Return the stories as stored, by id."""
        with self._reading() as connection:
            return {row.id: rows.story(row) for row in _each(connection, _STORIES, ids)}

    def story_sources(self, ids: Iterable[str]) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """Return (outlet, source name) of each story's reports, first come first, each outlet once."""
        sources: dict[str, dict[str, str]] = {}
        with self._reading() as connection:
            for row in _each(connection, _SOURCES, ids):
                sources.setdefault(row.story_id, {}).setdefault(row.outlet, row.source)
        return {story: tuple(outlets.items()) for story, outlets in sources.items()}

    def told(self, story_ids: Iterable[str]) -> Mapping[tuple[str, str], str]:
        """Return the id of the first alert for each (story id, route) that was told; tests do not count."""
        told: dict[tuple[str, str], str] = {}
        with self._reading() as connection:
            for row in _each(connection, _TOLD, story_ids):
                told.setdefault((row.story_id, row.route), row.id)
        return told

    def listed(self, report_ids: Iterable[str]) -> frozenset[tuple[str, str, str]]:
        """Return the (report id, watch, route) that have a listing."""
        with self._reading() as connection:
            return frozenset((row.report_id, row.watch, row.route) for row in _each(connection, _LISTED, report_ids))

    def commit(self, decision: Decision) -> None:
        """Save the decision and end the transaction (commit B)."""
        self._refuse_when_over()
        self._over = True
        with self._access.committing() as connection:
            committing.save(connection, self._situation, decision)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        self._refuse_when_over()
        with self._access.reading() as connection:
            yield connection

    def _refuse_when_over(self) -> None:
        if self._over:
            raise RuntimeError("the decision is committed; open the next transaction")


def _each(connection: Connection, statement: Any, these: Iterable[str], **given: object) -> Iterator[Any]:
    for batch in batches(these):
        yield from connection.execute(statement, {**given, "these": batch})


# --- the lock ---------------------------------------------------------------------------------------------------------


class _OneTransaction:
    """PostgreSQL: all on one connection, in the transaction that holds the row."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        yield self._connection

    @contextmanager
    def committing(self) -> Iterator[Connection]:
        yield self._connection
        self._connection.commit()


class _CheckedCommit:
    """SQLite: reads as they come, the write lock only for the commit, and proof that nobody else decided."""

    def __init__(self, database: Database, situation: str, decisions: int) -> None:
        self._database = database
        self._situation = situation
        self._decisions = decisions

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._database.reading() as connection:
            yield connection

    @contextmanager
    def committing(self) -> Iterator[Connection]:
        with self._database.writing() as connection:
            situation_row.count_on(connection, self._situation, self._decisions)
            yield connection


@contextmanager
def deciding(database: Database, situation: str) -> Iterator[SqlDeciding]:
    """Open the decider's transaction; leaving it without `commit` changes nothing."""
    if database.dialect == "postgresql":
        with database.holding() as connection:
            situation_row.hold(connection, situation)
            yield SqlDeciding(_OneTransaction(connection), situation)
        return
    with one_decider(database, situation):
        with database.writing() as connection:
            decisions = situation_row.hold(connection, situation)
        yield SqlDeciding(_CheckedCommit(database, situation, decisions), situation)


@contextmanager
def one_decider(database: Database, situation: str) -> Iterator[None]:
    """Keep other threads of this process from deciding the same situation."""
    lock = database.deciders.setdefault(situation, threading.Lock())
    if not lock.acquire(timeout=database.patience.total_seconds()):
        raise StoreBusy(f"{database.where}: another thread has been deciding {situation} past the deadline")
    try:
        yield
    finally:
        lock.release()
