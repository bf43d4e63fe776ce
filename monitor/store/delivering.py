"""The deliver flow's statements: claim due deliveries, commit C, and what operators do to rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from monitor.model import Attempt, AuditEvent, Delivery, DeliveryState, Endpoint
from monitor.store import rows
from monitor.store.committing import add_audit
from monitor.store.schema import attempts, deliveries, endpoints, flags
from monitor.store.statements import batches, upsert

PAUSED = "paused"
"""The flag that stops all sending while it is set."""

_mine = deliveries.c.channel == bindparam("the_channel")
_paused = exists().where(flags.c.name == PAUSED)
_closed = exists().where(
    endpoints.c.channel == bindparam("the_channel"),
    ~endpoints.c.gone,  # rows of a channel that is gone are claimed: the caller ends them with the reason
    endpoints.c.paused_until > bindparam("now"),
)
_breaker_open = exists().where(endpoints.c.channel == bindparam("the_channel"), endpoints.c.open, ~endpoints.c.gone)
_claimable = and_(_mine, deliveries.c.wake_at <= bindparam("now"), ~_paused, ~_closed)


def _claiming(due: Select[tuple[int]]) -> ReturningUpdate[Any]:
    chosen = due.with_for_update(skip_locked=True, of=deliveries).cte("due")
    return (
        update(deliveries)
        .where(deliveries.c.seq.in_(select(chosen.c.seq)))
        .values(
            state=DeliveryState.SENDING.value,
            lease=bindparam("new_lease"),
            wake_at=bindparam("until"),
            claims=deliveries.c.claims + 1,
        )
        .returning(deliveries.c.seq, *rows.DELIVERY)
    )


_CLAIM = _claiming(
    select(deliveries.c.seq)
    .where(_claimable, ~_breaker_open)
    .order_by(deliveries.c.wake_at, deliveries.c.seq)
    .limit(bindparam("at_most", type_=Integer))
)
_PROBE = _claiming(
    select(deliveries.c.seq).where(_claimable).order_by(deliveries.c.seq).limit(literal_column("1"))
)  # fmt: skip
_LOCK_OPEN_ENDPOINT = (
    select(endpoints.c.channel)
    .where(endpoints.c.channel == bindparam("the_channel"), endpoints.c.open)
    .with_for_update()
)
_SOMEONE_SENDS = (
    select(deliveries.c.seq)
    .where(_mine, deliveries.c.wake_at > bindparam("now"), deliveries.c.lease.is_not(None))
    .limit(literal_column("1"))
)
_FINISH = update(deliveries).where(
    deliveries.c.id == bindparam("the_delivery"), deliveries.c.lease == bindparam("the_lease")
)
_ENDPOINT = select(*rows.ENDPOINT).where(endpoints.c.channel == bindparam("the_channel"))
_RELEASE = (
    update(deliveries)
    .where(deliveries.c.lease.is_not(None))
    .values(lease=None, state=DeliveryState.PENDING.value, wake_at=deliveries.c.due_at)
)
_free = or_(deliveries.c.lease.is_(None), deliveries.c.wake_at <= bindparam("now"))
_WAITING_BY_CHANNEL = (
    select(
        deliveries.c.channel,
        func.min(case((_free, deliveries.c.wake_at))).label("earliest"),
        func.max(case((_free, 0), else_=1)).label("sending"),
    )
    .where(
        deliveries.c.channel.in_(bindparam("channels", expanding=True)),
        deliveries.c.wake_at.is_not(None),
        ~_paused,
    )
    .group_by(deliveries.c.channel)
)
_ENDPOINTS = select(*rows.ENDPOINT).where(endpoints.c.channel.in_(bindparam("channels", expanding=True)))


# --- claiming ---------------------------------------------------------------------------------------------------------


def claim_due(
    connection: Connection, channel: str, now: datetime, limit: int, lease: timedelta
) -> tuple[Delivery, ...]:
    """Lease up to `limit` due deliveries in one statement; none while paused, or while the endpoint rests or its breaker is open.

    An abandoned row is due when its lease ended.
    """
    given = {"the_channel": channel, "now": now, "at_most": limit, "new_lease": uuid4().hex, "until": now + lease}
    claimed = sorted(connection.execute(_CLAIM, given), key=lambda row: (row.due_at, row.seq))
    return tuple(rows.delivery(row[1:]) for row in claimed)


def claim_probe(connection: Connection, channel: str, now: datetime, lease: timedelta) -> tuple[Delivery, ...]:
    """Lease the oldest due delivery of a channel whose breaker is open, unless one of its rows is being sent already.

    The endpoint's row is locked, so that two replicas cannot both probe.
    """
    if connection.execute(_LOCK_OPEN_ENDPOINT, {"the_channel": channel}).first() is None:
        return ()
    given = {"the_channel": channel, "now": now}
    if connection.execute(_SOMEONE_SENDS, given).first() is not None:
        return ()
    given |= {"new_lease": uuid4().hex, "until": now + lease}
    return tuple(rows.delivery(row[1:]) for row in connection.execute(_PROBE, given))


def release_leases(connection: Connection) -> None:
    """Make every leased delivery claimable as it was before."""
    connection.execute(_RELEASE)


# --- commit C ---------------------------------------------------------------------------------------------------------


def save_attempt(
    connection: Connection,
    delivery: Delivery,
    lease: str,
    attempt: Attempt,
    endpoint: Endpoint,
    audit: Sequence[AuditEvent],
) -> bool:
    """Save the outcome of an attempt; when the lease was lost only the attempt is added, and False returned."""
    if delivery.state is DeliveryState.SENDING:
        raise ValueError("an attempt that is over leaves its delivery waiting or ended, not sending")
    row = rows.delivery_row(delivery)
    for fixed in ("id", "alert_id", "channel", "recipient", "payload", "created_at"):
        del row[fixed]
    given = {**row, "lease": None, "the_delivery": delivery.id, "the_lease": lease}
    ours = connection.execute(_FINISH, given).rowcount == 1
    connection.execute(insert(attempts), [rows.attempt_row(attempt)])
    if ours:
        save_endpoint(connection, endpoint)
        add_audit(connection, audit)
    return ours


def endpoint(connection: Connection, channel: str) -> Endpoint:
    """Return a channel's health; one never heard of is healthy."""
    row = connection.execute(_ENDPOINT, {"the_channel": channel}).first()
    return Endpoint(channel=channel) if row is None else rows.endpoint(row)


def save_endpoint(connection: Connection, endpoint: Endpoint) -> None:
    """Set a channel's health."""
    connection.execute(upsert(endpoints, connection.dialect.name, "channel"), [rows.plain(endpoint)])


# --- operators --------------------------------------------------------------------------------------------------------


def retire_channels(connection: Connection, configured: Sequence[str], now: datetime) -> int:
    """End what waits for channels that are configured no more; a row that is being sent ends with its attempt."""
    waiting = and_(deliveries.c.wake_at.is_not(None), or_(deliveries.c.lease.is_(None), deliveries.c.wake_at <= now))
    ending = (
        update(deliveries)
        .where(waiting, deliveries.c.channel.not_in(tuple(configured)))
        .values(state=DeliveryState.DEAD.value, reason="channel removed", finished_at=now, lease=None, wake_at=None)
    )
    return connection.execute(ending).rowcount


def retry_deliveries(connection: Connection, ids: Sequence[str], now: datetime) -> int:
    """Make deliveries due now with fresh counters, except those being sent at this moment.

    Who asks for it has a reason to: their channels are tried at once, whatever was known of their health.
    """
    free = or_(deliveries.c.lease.is_(None), deliveries.c.wake_at <= now)
    retried = 0
    for batch in batches(ids):
        retrying = (
            update(deliveries)
            .where(deliveries.c.id.in_(batch), free)
            .values(
                state=DeliveryState.PENDING.value,
                due_at=now,
                wake_at=now,
                lease=None,
                claims=0,
                failures=0,
                reason=None,
                finished_at=None,
            )
        )
        retried += connection.execute(retrying).rowcount
        theirs = select(deliveries.c.channel).where(deliveries.c.id.in_(batch), free)
        connection.execute(
            update(endpoints).where(endpoints.c.channel.in_(theirs)).values(gone=False, open=False, paused_until=None)
        )
    return retried


def earliest(connection: Connection, channels: Sequence[str], now: datetime) -> dict[str, datetime]:
    """Return by channel when a delivery can be claimed next: not before its endpoint's pause ends.

    A channel with an open breaker and a row being sent waits for that row, so it says nothing here.
    """
    given = {"channels": list(channels), "now": now}
    waiting = connection.execute(_WAITING_BY_CHANNEL, given).all()
    if not waiting:
        return {}
    health = {row.channel: rows.endpoint(row) for row in connection.execute(_ENDPOINTS, given)}
    moments = {}
    for channel, due, sending in waiting:
        known = health.get(channel, Endpoint(channel=channel))
        if due is None or (known.open and sending and not known.gone):
            continue
        moments[channel] = due if known.gone else max(due, known.paused_until or due)
    return moments
