"""Deliver: one claimed row, once. Send ▶ outcome; commit C is the caller's, in a thread, after `settle`."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from monitor.model import Attempt, AuditEvent, Delivery, DeliveryState, Endpoint, Outcome
from monitor.ports import Channel, Clock, describe


async def deliver(delivery: Delivery, channel: Channel, clock: Clock) -> tuple[Outcome, Attempt]:
    """Send a claimed delivery and return what came of it."""
    started, ticks = clock.now(), time.monotonic()
    outcome = await channel.send(delivery, now=started)
    attempt = Attempt(
        delivery_id=delivery.id,
        number=delivery.claims,
        started_at=started,
        took=timedelta(seconds=time.monotonic() - ticks),
        outcome=describe(outcome),
        reason=getattr(outcome, "reason", "delivered"),
        detail=outcome.detail,
        status=outcome.status,
    )
    return outcome, attempt


def given_up(ended: Delivery, now: datetime) -> Attempt:
    """Return the line in the list of attempts for a delivery that is ended without being sent."""
    return Attempt(
        delivery_id=ended.id,
        number=ended.claims,
        started_at=now,
        took=timedelta(0),
        outcome="given_up",
        reason="given_up",
        detail=ended.reason or "given up",
    )


def sent(delivery: Delivery, attempt: Attempt, endpoint: Endpoint) -> tuple[AuditEvent, ...]:
    """Return the lines for the audit log: every attempt, with where the delivery stands after it."""
    data = {
        "alert": delivery.alert_id,
        "channel": endpoint.channel,
        "attempt": attempt.number,
        "outcome": attempt.outcome,
        "state": DeliveryState(delivery.state).value,
    }
    return (AuditEvent(at=attempt.started_at, kind="sent", subject=delivery.id, data=data),)
