"""The names that one file uses of another, taken before anything is validated.

A row with a mistake still has its name: a route to a channel whose password is missing is no second mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monitor.settings.document import Document

DEFAULT_ROUTE = "default"

IMPLICIT_CHANNELS: Mapping[str, Mapping[str, Any]] = {
    "console": {"kind": "console"},
    "file": {"kind": "jsonl", "path": "alerts.jsonl"},
}
"""What there is while `channels:` is empty: the service is of use before anything is set up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What may be referred to; None where the file that says so cannot be read, so that nothing is held against it."""

    channels: frozenset[str] | None
    routes: frozenset[str] | None
    feeds: frozenset[str] | None
    groups: frozenset[str] | None
    watches: frozenset[str] | None


def names(monitor: Document | None, feeds: Document | None, watches: Document | None) -> Names:
    """Return the names in three documents."""
    return Names(
        channels=frozenset(_keys(monitor, "channels") or IMPLICIT_CHANNELS) if monitor else None,
        routes=frozenset(_keys(monitor, "routes") or {DEFAULT_ROUTE}) if monitor else None,
        feeds=_column(feeds, "feeds", "id"),
        groups=_column(feeds, "feeds", "group"),
        watches=_column(watches, "watches", "name"),
    )


def _keys(document: Document, key: str) -> frozenset[str]:
    rows = document.data.get(key)
    return frozenset(rows) if isinstance(rows, dict) else frozenset()


def _column(document: Document | None, key: str, column: str) -> frozenset[str] | None:
    if document is None:
        return None
    rows = document.data.get(key)
    values = (row.get(column) for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()
    return frozenset(value for value in values if isinstance(value, str))
