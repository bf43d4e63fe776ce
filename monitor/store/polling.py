"""The poll flow's statements: claim due feeds, give them back, tell when the next is due. Commit A is in `saving.py`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, Integer, and_, bindparam, literal_column, or_, select, update

from monitor.model import FeedState
from monitor.store import states
from monitor.store.schema import feeds, microseconds
from monitor.store.statements import batches, prepared

_DUE = (
    select(feeds.c.id)
    .where(feeds.c.situation == bindparam("of"), feeds.c.enabled, feeds.c.wake_at <= bindparam("now"))
    .order_by(feeds.c.wake_at, feeds.c.id)
    .limit(bindparam("at_most", type_=Integer))
    .offset(literal_column("0"))  # said, or SQLAlchemy makes it a value without a name
    .with_for_update(skip_locked=True)
    .cte("due")
)
_CLAIM = (
    update(feeds)
    .where(feeds.c.id.in_(select(_DUE.c.id)))
    .values(lease=bindparam("new_lease"), wake_at=bindparam("until"))
    .returning(*states.STATE)
)
_STATES = select(*states.STATE).where(feeds.c.situation == bindparam("of"), feeds.c.configured).order_by(feeds.c.id)
_ONE_STATE = select(*states.STATE).where(feeds.c.id == bindparam("the_feed"))
_LEASED = and_(feeds.c.id == bindparam("the_feed"), feeds.c.lease == bindparam("the_lease"))
_POSTPONE = update(feeds).where(_LEASED).values(lease=None, due_at=bindparam("later"), wake_at=bindparam("later"))
_PUT_OFF = (
    update(feeds)
    .where(
        feeds.c.id.in_(bindparam("these", expanding=True)), feeds.c.lease.is_(None), feeds.c.due_at < bindparam("until")
    )
    .values(due_at=bindparam("until"), wake_at=bindparam("until"))
)
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
    given = {
        "of": situation,
        "now": microseconds(now),
        "at_most": limit,
        "new_lease": uuid4().hex,
        "until": microseconds(now + lease),
    }
    found = connection.exec_driver_sql(prepared(_CLAIM, connection.dialect.name), given).all()
    return tuple(sorted(map(states.state, found), key=lambda state: (state.due_at, state.feed_id)))


def feed_states(connection: Connection, situation: str) -> tuple[FeedState, ...]:
    """Return the state of all configured feeds, by id."""
    found = connection.exec_driver_sql(prepared(_STATES, connection.dialect.name), {"of": situation})
    return tuple(map(states.state, found.all()))


def feed_state(connection: Connection, feed_id: str) -> FeedState | None:
    """Return the state of one feed."""
    row = connection.exec_driver_sql(prepared(_ONE_STATE, connection.dialect.name), {"the_feed": feed_id}).first()
    return None if row is None else states.state(row)


def postpone(connection: Connection, given: Sequence[tuple[str, str, datetime]]) -> None:
    """Give leased feeds back: (feed, lease, when it is due); nothing happens to one whose lease was lost."""
    connection.execute(
        _POSTPONE, [{"the_feed": feed_id, "the_lease": lease, "later": due_at} for feed_id, lease, due_at in given]
    )


def poll_now(connection: Connection, feed_ids: Sequence[str], now: datetime) -> None:
    """Make these feeds due; one that is being polled at this moment stays with whoever polls it."""
    free = or_(feeds.c.lease.is_(None), feeds.c.wake_at <= now)
    for ids in batches(feed_ids):
        connection.execute(
            update(feeds).where(feeds.c.id.in_(ids), free).values(due_at=now, wake_at=now, lease=None),
        )


def put_off(connection: Connection, feed_ids: Sequence[str], until: datetime) -> None:
    """Let none of these feeds be due before `until`; those that are due later or being polled stay as they are."""
    for ids in batches(feed_ids):
        connection.execute(_PUT_OFF, {"these": ids, "until": until})


def release_leases(connection: Connection) -> None:
    """Make every leased feed claimable as it was before."""
    connection.execute(_RELEASE)


def earliest(connection: Connection, situation: str, now: datetime) -> datetime | None:
    """Return when the next feed is due that nobody is polling."""
    due: datetime | None = connection.execute(_EARLIEST, {"of": situation, "now": now}).scalar()
    return due
