"""Making the rows follow the configuration: feeds, watches, and the flags of the running service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row, bindparam, delete, insert, or_, select, update

from monitor.model import Feed, Watch
from monitor.store import situation as situation_row
from monitor.store.schema import (
    feeds,
    flags,
    intake,
    pushes,
    report_links,
    reports,
    situations,
    subscriptions,
    watches,
)
from monitor.store.statements import insert_new, upsert

_RETIRE = update(feeds).where(feeds.c.id == bindparam("the_feed")).values(configured=False, enabled=False)
_CHANGE = update(feeds).where(feeds.c.id == bindparam("the_feed"))
_FLAG = select(flags.c.value).where(flags.c.name == bindparam("the_name"))

_FRESH: Mapping[str, Any] = {
    "filled": False,
    "failures": 0,
    "moved_count": 0,
    "entries": 0,
    "skips": 0,
    "gaps": 0,
    "pushed": False,
}
"""A feed that was never polled."""
_FORGOTTEN_WITH_THE_URL: Mapping[str, Any] = {
    "validators_url": None,
    "etag": None,
    "last_modified": None,
    "body_hash": None,
    "failures": 0,
    "failure": None,
    "failing_since": None,
    "moved_to": None,
    "moved_since": None,
    "moved_count": 0,
    "warning": None,
    "archive": None,
    "hub": None,
    "topic": None,
    "pushed": False,
}


def feed_address(url: str) -> str:
    """Return what stays of a URL when a site moves to https, adds or drops `www.`, or a trailing slash."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return url
    host = (parts.hostname or "").removeprefix("www.").rstrip(".")
    shown = "" if port in (None, 80, 443) else f":{port}"
    scheme = "" if parts.scheme.lower() in ("http", "https") else f"{parts.scheme.lower()}:"
    query = f"?{parts.query}" if parts.query else ""
    return f"{scheme}//{host}{shown}{parts.path.rstrip('/')}{query}"


# --- feeds ------------------------------------------------------------------------------------------------------------


def sync_feeds(
    connection: Connection, situation: str, configured: Sequence[Feed], now: datetime, first_due: Mapping[str, datetime]
) -> None:
    """Make the feed rows follow the configuration; the rules stand in `ports.Store.sync_feeds`."""
    seen = situation_row.hold(connection, situation)
    ids = [feed.id for feed in configured]
    of_us = or_(feeds.c.situation == situation, feeds.c.id.in_(ids))
    rows = {row.id: row for row in connection.execute(select(feeds).where(of_us).order_by(feeds.c.id))}
    renamed = _renamed(configured, rows)
    new: list[dict[str, Any]] = []
    for feed in configured:
        if feed.id in rows:
            _follow(connection, feed, rows[feed.id], now)
        elif feed.id in renamed:
            _rename(connection, renamed[feed.id].id, feed.id)
            _follow(connection, feed, renamed[feed.id], now)
        else:
            new.append(_new(feed, first_due.get(feed.id, now)))
    if new:
        connection.execute(insert_new(feeds, connection.dialect.name), new)
    kept = {*ids, *(row.id for row in renamed.values())}
    for row in rows.values():
        if row.id not in kept and row.configured:
            connection.execute(_RETIRE, {"the_feed": row.id})
    if renamed:
        situation_row.count_on(connection, situation, seen)


def _renamed(configured: Sequence[Feed], rows: Mapping[str, Row[Any]]) -> dict[str, Row[Any]]:
    """Return, by new id, the row of each feed that goes on under another id: same address, old id configured no more."""
    ids = {feed.id for feed in configured}
    left = {
        row.address: row for row in sorted(rows.values(), key=lambda row: bool(row.configured)) if row.id not in ids
    }
    found: dict[str, Row[Any]] = {}
    for feed in configured:
        if feed.id not in rows and (row := left.pop(feed_address(feed.url), None)) is not None:
            found[feed.id] = row
    return found


def _new(feed: Feed, due_at: datetime) -> dict[str, Any]:
    return {**_FRESH, **_configured(feed), "id": feed.id, "due_at": due_at, "wake_at": due_at}


def _configured(feed: Feed) -> dict[str, Any]:
    return {
        "situation": feed.situation,
        "configured": True,
        "enabled": feed.enabled,
        "url": feed.url,
        "address": feed_address(feed.url),
        "pace": feed.pace,
    }


def _follow(connection: Connection, feed: Feed, row: Row[Any], now: datetime) -> None:
    """Write what changed. A new URL is polled now, and the old one's troubles are forgotten with its validators.

    A poll under way to the old URL loses its lease: what it brings is not of the new one.
    """
    changed = {name: value for name, value in _configured(feed).items() if getattr(row, name) != value}
    if "url" in changed:
        changed |= {**_FORGOTTEN_WITH_THE_URL, "lease": None, "due_at": now, "wake_at": now}
    faster = feed.pace < row.pace and row.failures == 0  # a failing feed waits as its publisher asked
    if faster and "url" not in changed and now + feed.pace < row.due_at:
        changed["due_at"] = now + feed.pace
        if row.lease is None:
            changed["wake_at"] = now + feed.pace
    if changed:
        connection.execute(_CHANGE, {"the_feed": feed.id, **changed})


def _rename(connection: Connection, old: str, new: str) -> None:
    connection.execute(_CHANGE, {"the_feed": old, "id": new})
    for table in (intake, reports, report_links, subscriptions, pushes):
        connection.execute(update(table).where(table.c.feed_id == old).values(feed_id=new))


# --- watches ----------------------------------------------------------------------------------------------------------


def changed_watches(connection: Connection, situation: str, configured: Sequence[Watch]) -> tuple[str, ...]:
    """Return the names of enabled watches that are new or changed, none before the first sync."""
    synced = select(situations.c.watches_synced).where(situations.c.id == situation)
    if not connection.execute(synced).scalar():
        return ()
    stored = {
        row.name: row.recipe for row in connection.execute(select(watches).where(watches.c.situation == situation))
    }
    return tuple(watch.name for watch in configured if watch.enabled and stored.get(watch.name) != watch.recipe())


def sync_watches(connection: Connection, situation: str, configured: Sequence[Watch]) -> tuple[str, ...]:
    """Store the recipes of the enabled watches; return the names of those new or changed, none at the first sync."""
    situation_row.hold(connection, situation)
    first = not connection.execute(select(situations.c.watches_synced).where(situations.c.id == situation)).scalar_one()
    mine = watches.c.situation == situation
    stored = {row.name: row.recipe for row in connection.execute(select(watches).where(mine))}
    recipes = {watch.name: watch.recipe() for watch in configured if watch.enabled}
    changed = tuple(name for name, recipe in recipes.items() if stored.get(name) != recipe)
    gone = [name for name in stored if recipes.get(name) != stored[name]]
    if gone:
        connection.execute(delete(watches).where(mine, watches.c.name.in_(gone)))
    if changed:
        rows = [{"situation": situation, "name": name, "recipe": recipes[name]} for name in changed]
        connection.execute(insert(watches), rows)
    if first:
        connection.execute(update(situations).where(situations.c.id == situation).values(watches_synced=True))
    return () if first else changed


# --- flags ------------------------------------------------------------------------------------------------------------


def flag(connection: Connection, name: str) -> str | None:
    """Return a flag's value."""
    value: str | None = connection.execute(_FLAG, {"the_name": name}).scalar()
    return value


def set_flag(connection: Connection, name: str, value: str | None) -> None:
    """Set a flag, or clear it."""
    if value is None:
        connection.execute(delete(flags).where(flags.c.name == name))
    else:
        connection.execute(upsert(flags, connection.dialect.name, "name"), {"name": name, "value": value})
