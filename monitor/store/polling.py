"""The poll flow's statements: claim due feeds, and commit A."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    Connection,
    Integer,
    Row,
    and_,
    bindparam,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from monitor.model import Document, FeedState, PollFailure, PollResult, Validators
from monitor.store import codec
from monitor.store.schema import documents, feeds, intake
from monitor.store.statements import batches

_KEPT_AS_THEY_ARE = (
    "filled", "failures", "failing_since", "last_attempt_at", "last_success_at", "last_entry_at", "audited_at",
    "moved_to", "moved_since", "moved_count", "warning", "entries", "body_hash",
)  # fmt: skip
"""Fields of a state that are columns of the same name and type."""

_STATE = [
    feeds.c[name]
    for name in (
        "id", "situation", "url", "due_at", "lease", "validators_url", "etag", "last_modified", "failure", "known",
        *_KEPT_AS_THEY_ARE,
    )
]  # fmt: skip

_DUE = (
    select(feeds.c.id)
    .where(feeds.c.situation == bindparam("of"), feeds.c.enabled, feeds.c.wake_at <= bindparam("now"))
    .order_by(feeds.c.wake_at, feeds.c.id)
    .limit(bindparam("at_most", type_=Integer))
    .with_for_update(skip_locked=True)
    .cte("due")
)
_CLAIM = (
    update(feeds)
    .where(feeds.c.id.in_(select(_DUE.c.id)))
    .values(lease=bindparam("new_lease"), wake_at=bindparam("until"))
    .returning(*_STATE)
)
_STATES = select(*_STATE).where(feeds.c.situation == bindparam("of"), feeds.c.configured).order_by(feeds.c.id)
_LEASED = and_(feeds.c.id == bindparam("the_feed"), feeds.c.lease == bindparam("the_lease"))
_POSTPONE = update(feeds).where(_LEASED).values(lease=None, due_at=bindparam("later"), wake_at=bindparam("later"))
_SAVE = update(feeds).where(_LEASED)
_PREVIOUS_SUCCESS = select(feeds.c.last_success_at).where(_LEASED).with_for_update()
_RELEASE = update(feeds).where(feeds.c.lease.is_not(None)).values(lease=None, wake_at=feeds.c.due_at)
_EARLIEST = (
    select(feeds.c.wake_at)
    .where(
        feeds.c.situation == bindparam("of"),
        feeds.c.enabled,
        or_(feeds.c.lease.is_(None), feeds.c.wake_at <= bindparam("now")),
    )
    .order_by(feeds.c.wake_at)
    .limit(literal_column("1"))
)


def claim_due_feeds(
    connection: Connection, situation: str, now: datetime, limit: int, lease: timedelta
) -> tuple[FeedState, ...]:
    """Lease up to `limit` due feeds in one statement, the longest due first."""
    given = {"of": situation, "now": now, "at_most": limit, "new_lease": uuid4().hex, "until": now + lease}
    states = [_state(row) for row in connection.execute(_CLAIM, given)]
    return tuple(sorted(states, key=lambda state: (state.due_at, state.feed_id)))


def feed_states(connection: Connection, situation: str) -> tuple[FeedState, ...]:
    """Return the state of all configured feeds, by id."""
    return tuple(_state(row) for row in connection.execute(_STATES, {"of": situation}))


def postpone(connection: Connection, feed_id: str, lease: str, due_at: datetime) -> None:
    """Give a leased feed back; nothing happens when the lease was lost."""
    connection.execute(_POSTPONE, {"the_feed": feed_id, "the_lease": lease, "later": due_at})


def poll_now(connection: Connection, feed_ids: Sequence[str], now: datetime) -> None:
    """Make these feeds due; one that is being polled at this moment stays with whoever polls it."""
    free = or_(feeds.c.lease.is_(None), feeds.c.wake_at <= now)
    for ids in batches(feed_ids):
        connection.execute(
            update(feeds).where(feeds.c.id.in_(ids), free).values(due_at=now, wake_at=now, lease=None),
        )


def release_leases(connection: Connection) -> None:
    """Make every leased feed claimable as it was before."""
    connection.execute(_RELEASE)


def earliest(connection: Connection, situation: str, now: datetime) -> datetime | None:
    """Return when the next feed is due that nobody is polling."""
    due: datetime | None = connection.execute(_EARLIEST, {"of": situation, "now": now}).scalar()
    return due


# --- commit A ---------------------------------------------------------------------------------------------------------


def save_state(connection: Connection, result: PollResult) -> bool:
    """Save the new row alone, in one statement; False when the lease was lost."""
    given = {"the_feed": result.state.feed_id, "the_lease": result.lease, **_columns(result.state)}
    return connection.execute(_SAVE, given).rowcount == 1


def save_poll(connection: Connection, result: PollResult) -> bool:
    """Save row, document and entries in the transaction of `connection`; False, changing nothing, when the lease was lost."""
    leased = {"the_feed": result.state.feed_id, "the_lease": result.lease}
    previous = connection.execute(_PREVIOUS_SUCCESS, leased).first()
    if previous is None:
        return False
    save_state(connection, result)
    document_id = _save_document(connection, result.document) if result.document else None
    if result.entries:
        shared = {
            "situation": result.state.situation,
            "feed_id": result.state.feed_id,
            "seen_at": result.at,
            "baseline": result.baseline,
            "covered_from": previous.last_success_at,
            "document_id": document_id,
        }
        connection.execute(insert(intake), [{**shared, "entry": codec.to_json(entry)} for entry in result.entries])
    return True


def _save_document(connection: Connection, document: Document) -> int:
    row = {
        "url": document.url,
        "fetched_at": document.fetched_at,
        "status": document.status,
        "content_type": document.content_type,
        "sha256": document.sha256,
        "body": zlib.compress(document.body),
    }
    return int(connection.execute(insert(documents).returning(documents.c.id), row).scalar_one())


def _columns(state: FeedState) -> dict[str, Any]:
    """Return what a poll changes of a row; id, situation and URL are the configuration's."""
    validators = state.validators
    return {
        "lease": None,
        "due_at": state.due_at,
        "wake_at": state.due_at,
        "validators_url": validators.url if validators else None,
        "etag": validators.etag if validators else None,
        "last_modified": validators.last_modified if validators else None,
        "failure": codec.to_json(state.failure) if state.failure else None,
        "known": codec.pack_known(state.known),
        **{name: getattr(state, name) for name in _KEPT_AS_THEY_ARE},
    }


def _state(row: Row[Any]) -> FeedState:
    """Return a row as state. Where its blobs are damaged, what the server told us is forgotten: the next poll asks for all."""
    kept = {name: getattr(row, name) for name in _KEPT_AS_THEY_ARE}
    try:
        known = codec.unpack_known(row.known)
        failure = codec.from_json(PollFailure, row.failure) if row.failure is not None else None
    except codec.Damaged:
        known, failure, kept["body_hash"], validators = frozenset[bytes](), None, None, None
    else:
        validators = _validators(row)
    return FeedState(
        feed_id=row.id,
        situation=row.situation,
        url=row.url,
        due_at=row.due_at,
        lease=row.lease,
        validators=validators,
        known=known,
        failure=failure,
        **kept,
    )


def _validators(row: Row[Any]) -> Validators | None:
    if row.validators_url is None:
        return None
    return Validators(url=row.validators_url, etag=row.etag, last_modified=row.last_modified)
