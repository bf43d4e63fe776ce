"""Inserts that both engines understand, built once per table and engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ClauseElement, Executable, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

T = TypeVar("T")

_AT_ONCE = 500
"""Values in one IN list: far below SQLite's limit of 32,766 parameters, and few enough distinct lengths to compile."""


def insert_into(table: Table, dialect: str) -> Any:
    """Return the engine's own INSERT, which knows ON CONFLICT."""
    makers: dict[str, Callable[[Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
    return makers[dialect](table)


@cache
def prepared(statement: ClauseElement, dialect: str) -> str:
    """Return a statement as the engine's text with named parameters, for `exec_driver_sql`.

    For the few statements of the hot path: values go to the driver and come back as they are, without a column type's turn at
    each. The statement must name all its values (`bindparam`, `null()`), and hold no list that grows (`IN` of many).
    """
    with_names = sqlite.dialect(paramstyle="named") if dialect == "sqlite" else PGDialect_psycopg()  # type: ignore[no-untyped-call]  # the library has no types there
    return str(statement.compile(dialect=with_names))


@cache
def insert_new(table: Table, dialect: str) -> Executable:
    """Return an INSERT that leaves a row that is there already as it is."""
    statement: Executable = insert_into(table, dialect).on_conflict_do_nothing()
    return statement


@cache
def upsert(table: Table, dialect: str, key: str) -> Executable:
    """Return an INSERT that overwrites the row with the same `key`."""
    statement = insert_into(table, dialect)
    changed = {column.name: statement.excluded[column.name] for column in table.c if column.name != key}
    overwriting: Executable = statement.on_conflict_do_update(index_elements=[table.c[key]], set_=changed)
    return overwriting


def batches(values: Iterable[T], size: int = _AT_ONCE) -> Iterator[Sequence[T]]:
    """Return the distinct values, in order, in lists short enough for one statement."""
    rest = iter(dict.fromkeys(values))
    while batch := list(islice(rest, size)):
        yield batch
