"""Inserts that both engines understand, built once per table and engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Executable, Table
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")

_AT_ONCE = 500
"""Values in one IN list: far below SQLite's limit of 32,766 parameters, and few enough distinct lengths to compile."""


def insert_into(table: Table, dialect: str) -> Any:
    """Return the engine's own INSERT, which knows ON CONFLICT."""
    makers: dict[str, Callable[[Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
    return makers[dialect](table)


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
