"""WebSub: subscriptions, pushes as they arrived, and what a push that was read changes.

A push is stored before the hub gets its answer, and it goes in the transaction that puts its entries into the intake: a crash
between the two reads it again, and entries that came twice are recognised by the decider.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Executable,
    Row,
    bindparam,
    case,
    delete,
    exists,
    insert,
    or_,
    select,
    type_coerce,
    update,
)

from monitor.model import Push, PushResult, PushState, Secret, Subscription
from monitor.store import codec, polling, rows, saving, states
from monitor.store.schema import feeds, pushes, subscriptions
from monitor.store.statements import batches, insert_into

OVER_FOR = timedelta(days=30)
"""How long a subscription that is over is kept beside a newer one of its feed, for people to read what became of it."""

_LIVING = (PushState.PENDING.value, PushState.ACTIVE.value)
_SUBSCRIPTION = rows.columns_of(Subscription, subscriptions)
_NEVER_BACK = ("pushes", "rejected", "last_push_at")
"""What pushes count while somebody else saves the subscription: it only grows."""

_ALL = (
    select(*_SUBSCRIPTION)
    .join(feeds, feeds.c.id == subscriptions.c.feed_id)
    .where(feeds.c.situation == bindparam("of"))
    .order_by(subscriptions.c.feed_id, subscriptions.c.asked_at, subscriptions.c.token)
)
_ONE = select(*_SUBSCRIPTION).where(subscriptions.c.token == bindparam("the_token"))
_END_OLDER = (
    update(subscriptions)
    .where(
        subscriptions.c.feed_id == bindparam("the_feed"),
        subscriptions.c.token != bindparam("the_token"),
        subscriptions.c.asked_at <= bindparam("asked"),
        subscriptions.c.state == PushState.ACTIVE.value,
    )
    .values(state=PushState.ENDED.value, next_at=None)
)
_FORGET_OVER = delete(subscriptions).where(
    subscriptions.c.feed_id == bindparam("the_feed"),
    subscriptions.c.asked_at < bindparam("asked"),
    subscriptions.c.state.not_in(_LIVING),
)
_DROP = (
    delete(subscriptions)
    .where(subscriptions.c.feed_id.in_(bindparam("these", expanding=True)))
    .returning(*_SUBSCRIPTION)
)
_REJECTED = (
    update(subscriptions)
    .where(subscriptions.c.token == bindparam("the_token"))
    .values(rejected=subscriptions.c.rejected + 1)
)
_ARRIVED = (
    update(subscriptions)
    .where(subscriptions.c.token == bindparam("the_token"))
    .values(pushes=subscriptions.c.pushes + 1, last_push_at=bindparam("at"))
)
_WAITING = (
    select(pushes.c.seq, pushes.c.feed_id)
    .join(feeds, feeds.c.id == pushes.c.feed_id)
    .where(feeds.c.situation == bindparam("of"), feeds.c.enabled)
    .order_by(pushes.c.seq)
)
_THESE = select(pushes).where(pushes.c.seq.in_(bindparam("these", expanding=True))).order_by(pushes.c.seq)
_TAKE = delete(pushes).where(pushes.c.seq == bindparam("the_seq")).returning(pushes.c.feed_id)
_OF_PUSH = (
    select(
        feeds.c.situation,
        feeds.c.known,
        feeds.c.last_success_at,
        feeds.c.last_entry_at,
        feeds.c.due_at,
        feeds.c.lease,
        feeds.c.pushed,
    )
    .where(feeds.c.id == bindparam("the_feed"))
    .with_for_update()
)
_CHANGE = update(feeds).where(feeds.c.id == bindparam("the_feed"))


# --- subscriptions ----------------------------------------------------------------------------------------------------


def living(connection: Connection, situation: str) -> tuple[Subscription, ...]:
    """Return the subscriptions that are not over, and of each feed the last one at each hub and topic without such; by feed."""
    all_of_them = [_subscription(row) for row in connection.execute(_ALL, {"of": situation})]
    last = {_place(each): each.token for each in all_of_them}
    at = {_place(each) for each in all_of_them if each.state.value in _LIVING}
    return tuple(
        each
        for each in all_of_them
        if each.state.value in _LIVING or (last[_place(each)] == each.token and _place(each) not in at)
    )


def _place(subscription: Subscription) -> tuple[str, str, str]:
    return subscription.feed_id, subscription.hub, subscription.topic


def subscription(connection: Connection, token: str) -> Subscription | None:
    """Return the subscription with this token."""
    row = connection.execute(_ONE, {"the_token": token}).first()
    return None if row is None else _subscription(row)


def save_subscription(connection: Connection, given: Subscription) -> None:
    """Add or replace it; an active one ends the older active ones of its feed. What pushes counted never goes back.

    What was over 30 days before it goes: a store knows the time only by what it is given, and a feed renews every few days.
    """
    row = {
        **rows.plain(given),
        "secret": given.secret.reveal() if given.secret else None,
        "state": given.state.value,
    }
    connection.execute(_upsert(connection.dialect.name), row)
    if given.state is PushState.ACTIVE:
        older = {"the_feed": given.feed_id, "the_token": given.token, "asked": given.asked_at}
        connection.execute(_END_OLDER, older)
    connection.execute(_FORGET_OVER, {"the_feed": given.feed_id, "asked": given.asked_at - OVER_FOR})


def drop_subscriptions(connection: Connection, feed_ids: Iterable[str]) -> tuple[Subscription, ...]:
    """Forget the subscriptions of these feeds; return those that were living, by feed."""
    dropped = (
        _subscription(row) for ids in batches(feed_ids) for row in connection.execute(_DROP, {"these": ids}).all()
    )
    were_living = (each for each in dropped if each.state.value in _LIVING)
    return tuple(sorted(were_living, key=lambda each: (each.feed_id, each.asked_at, each.token)))


def count_rejected(connection: Connection, token: str) -> None:
    """Count a push that was ignored for its signature."""
    connection.execute(_REJECTED, {"the_token": token})


def shift(connection: Connection, situation: str, microseconds: int) -> None:
    """Move the times at which something is to be done along with the clock."""
    ours = subscriptions.c.feed_id.in_(select(feeds.c.id).where(feeds.c.situation == situation))
    connection.execute(
        update(subscriptions)
        .where(ours)
        .values(
            {
                column: type_coerce(column, BigInteger) + microseconds
                for column in (subscriptions.c.next_at, subscriptions.c.lease_until)
            }
        )
    )


def prune(connection: Connection, before: datetime) -> None:
    """Drop subscriptions that are over and were asked for before that time, and pushes of feeds that are configured no more."""
    over = subscriptions.c.state.not_in(_LIVING)
    connection.execute(delete(subscriptions).where(over, subscriptions.c.asked_at < before))
    configured = exists().where(feeds.c.id == pushes.c.feed_id, feeds.c.configured)
    connection.execute(delete(pushes).where(~configured))


def _upsert(dialect: str) -> Executable:
    statement = insert_into(subscriptions, dialect)
    given = statement.excluded
    changed = {
        column.name: _larger(given[column.name], column) if column.name in _NEVER_BACK else given[column.name]
        for column in subscriptions.c
        if column.name != "token"
    }
    upserting: Executable = statement.on_conflict_do_update(index_elements=[subscriptions.c.token], set_=changed)
    return upserting


def _larger(given: Any, stored: Column[Any]) -> Any:
    return case((or_(given.is_(None), stored > given), stored), else_=given)


def _subscription(row: Row[Any]) -> Subscription:
    return Subscription(
        **{
            **row._mapping,  # noqa: SLF001 - SQLAlchemy's public name for a row by column
            "secret": None if row.secret is None else Secret(row.secret),
            "state": PushState(row.state),
        }
    )


# --- pushes -----------------------------------------------------------------------------------------------------------


def enqueue(connection: Connection, push: Push, body: bytes) -> None:
    """Keep a push, with its body packed, and count it at its subscription."""
    row = {
        "feed_id": push.feed_id,
        "token": push.token,
        "received_at": push.received_at,
        "content_type": push.content_type,
        "body": body,
    }
    connection.execute(insert(pushes), row)
    connection.execute(_ARRIVED, {"the_token": push.token, "at": push.received_at})


def packed(body: bytes) -> bytes:
    """Return a body as it is stored: most pushes are read within seconds, so time counts more than bytes."""
    return zlib.compress(body, 1)


def waiting(connection: Connection, situation: str, limit: int, without: Collection[str]) -> tuple[Push, ...]:
    """Return the oldest push of each feed that is polled (one of a feed that nobody reads would stand in the way for ever).

    Which it is is told by their numbers: bodies that will not be returned are not read.
    """
    first: dict[str, int] = {}
    for row in connection.execute(_WAITING, {"of": situation}):
        if row.feed_id not in without:
            first.setdefault(row.feed_id, row.seq)
    these = list(first.values())[:limit]
    found = connection.execute(_THESE, {"these": these}) if these else ()
    return tuple(Push(**{**row._mapping, "body": _unpacked(row.body)}) for row in found)  # noqa: SLF001 - as above


def _unpacked(body: bytes) -> bytes:
    """Return a body. A damaged one is empty: it is then read as no feed and goes, and the next poll brings what it held."""
    try:
        return zlib.decompress(body)
    except zlib.error:
        return b""


def save(connection: Connection, result: PushResult, document: dict[str, Any] | None, now: datetime) -> bool:
    """Save what a push brought in the transaction of `connection`, its document as `saving.document_row`; False when it is gone."""
    feed_id: str | None = connection.execute(_TAKE, {"the_seq": result.push.seq}).scalar()
    row = None if feed_id is None else connection.execute(_OF_PUSH, {"the_feed": feed_id}).first()
    if feed_id is None or row is None:
        return False
    changed: dict[str, Any] = {
        "known": codec.pack_known(states.with_marks(_known(row.known), result.marks)),
        "pushed": result.works or row.pushed,
        "last_entry_at": now if result.entries else row.last_entry_at,
    }
    if result.due_at is not None and result.due_at > row.due_at and row.lease is None:
        changed |= {"due_at": result.due_at, "wake_at": result.due_at}
    connection.execute(_CHANGE, {"the_feed": feed_id, **changed})
    if result.entries:
        document_id = saving.add_document(connection, document)
        new = saving.entry_rows(result.entries, row.situation, feed_id, now, baseline=False)
        saving.add_entries(connection, saving.completed(new, row.last_success_at, document_id))
    return True


def end_pushes(connection: Connection, feed_ids: Iterable[str], now: datetime) -> None:
    """Let these feeds count as not pushed and make them due; one that is being polled at this moment stays with whoever polls it."""
    for ids in batches(feed_ids):
        connection.execute(update(feeds).where(feeds.c.id.in_(ids)).values(pushed=False))
        polling.poll_now(connection, ids, now)


def _known(blob: bytes | None) -> bytes:
    try:
        return codec.unpack_known(blob)
    except codec.Damaged:
        return b""
