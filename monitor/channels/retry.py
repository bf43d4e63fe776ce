"""When a delivery is tried again, when it is given up, and how an endpoint's health follows: pure decisions.

Problem: a report happens once, so nothing may be dropped because a receiver was down, and a receiver that is down must
not be hammered by every waiting row. Choice: two memories. The row's `failures` moves along the channel's schedule; the
endpoint's `failures` counts in a row over all rows and opens a breaker. While it is open one row at a time is tried
(`allowance`), each `paused_until` apart, and what fails then says more about the endpoint than about the row: it is kept,
no attempt is burned. So rows survive an outage of days; a row ends after `MAX_AGE` whatever happened.

Refused: dropping a row for what its endpoint does (rows of a bad endpoint wait until it is repaired); burning attempts
while nobody listens; leaving ambiguous attempts unburned (each may be a copy in someone's inbox, so they always count).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from monitor.model import (
    Ambiguous,
    BadEndpoint,
    BadMessage,
    Delivered,
    Delivery,
    DeliveryState,
    Endpoint,
    Gone,
    Outcome,
    Retry,
    Throttled,
)
from monitor.net.headers import MAX_WAIT, retry_after

__all__ = [
    "HTTP_SCHEDULE",
    "MAIL_SCHEDULE",
    "UNREACHABLE",
    "after",
    "allowance",
    "doomed",
    "news",
    "retry_after",
]

HTTP_SCHEDULE: tuple[timedelta, ...] = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(hours=24),
    timedelta(hours=24),
)
"""12 attempts in 70 h 42 m 35 s: the span of Standard Webhooks' example, denser at the start because news is urgent."""

MAIL_SCHEDULE: tuple[timedelta, ...] = (
    timedelta(seconds=75),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
    timedelta(hours=12),
    timedelta(hours=24),
    timedelta(hours=24),
    timedelta(hours=24),
)
"""13 attempts in 4.2 days (RFC 5321 section 4.5.4.1: give up after 4 to 5 days). 75 s less a fifth is the minute that
greylisting wants at least."""

JITTER = 0.2
"""Waits vary by a fifth both ways, so that what failed together does not come back together."""

OPEN_AFTER = 5
"""Failed attempts in a row that open the breaker."""

PROBE_LONGEST = timedelta(minutes=10)
"""Between probes of an endpoint that fails: a recovery is noticed within this time."""

SLOW, SLOW_LONGEST = timedelta(minutes=10), timedelta(hours=1)
"""Between probes of an endpoint that is set up wrongly: a wrong password tried every few seconds locks the account."""

MAX_AGE = timedelta(days=14)
"""No row waits longer: past this nobody calls it news, and somebody was told long ago."""

MAX_CLAIMS = 5
"""Times a row is taken up without any result before it counts as what ends the process."""

UNREACHABLE = "unreachable"
"""Reason of a `Retry` that never got as far as the receiver: it burns no attempt."""


def after(
    outcome: Outcome,
    delivery: Delivery,
    endpoint: Endpoint,
    schedule: Sequence[timedelta],
    now: datetime,
    jitter: float,
) -> tuple[Delivery, Endpoint]:
    """Return the delivery's new row and the endpoint's new health after an attempt.

    `jitter` in [0, 1) is where in its ±20 % a wait falls; 0.5 is the schedule itself. The row comes back without lease.
    """
    delivery = replace(delivery, lease=None)
    match outcome:
        case Delivered():
            return _delivered(outcome, delivery, endpoint, now)
        case Retry() | Ambiguous():
            return _failed(outcome, delivery, endpoint, schedule, now, jitter)
        case Throttled():
            return _throttled(outcome, delivery, endpoint, schedule, now, jitter)
        case BadMessage():
            return _refused(outcome, delivery, endpoint, schedule, now, jitter)
        case BadEndpoint():
            return _misfit(outcome, delivery, endpoint, schedule, now, jitter)
        case Gone():
            return _gone(outcome, delivery, endpoint, now)
        case _:
            assert_never(outcome)


def allowance(endpoint: Endpoint, *, free: int, in_flight: int, now: datetime) -> int:
    """Return how many rows of the endpoint may be claimed now, of `free` sender slots.

    None during a pause; one at a time while the breaker is open. Rows of an endpoint that is gone are claimed too: `doomed`
    ends them with the reason.
    """
    if endpoint.gone:
        return free
    if endpoint.paused_until is not None and now < endpoint.paused_until:
        return 0
    if endpoint.open:
        return min(free, 1) if in_flight == 0 else 0
    return free


def doomed(delivery: Delivery, endpoint: Endpoint, now: datetime) -> Delivery | None:
    """Return the ended row if a claimed delivery must not be sent any more, None when it may be sent."""
    if endpoint.gone:
        return _dead(delivery, f"the receiver is gone: {endpoint.reason or 'it said so'}", now)
    if delivery.claims > MAX_CLAIMS and delivery.reason is None:
        return _dead(delivery, f"sending it ended the process {MAX_CLAIMS} times", now)
    if now - delivery.created_at > MAX_AGE:
        return _dead(delivery, _too_old(delivery.reason or "it was never tried"), now)
    return None


def news(before: Endpoint, now: Endpoint) -> str | None:
    """Return what an operator should hear about a channel when its health changed, None when nothing is to say."""
    if now.gone and not before.gone:
        return f"Channel {now.channel} is switched off, its receiver is gone: {now.reason}"
    if now.open and not before.open:
        return f"Channel {now.channel} fails, alerts wait: {now.reason}"
    if before.open and not now.open:
        return f"Channel {now.channel} works again."
    return None


def _delivered(outcome: Delivered, delivery: Delivery, endpoint: Endpoint, now: datetime) -> tuple[Delivery, Endpoint]:
    row = replace(
        delivery,
        state=DeliveryState.DELIVERED,
        reason=outcome.detail,
        finished_at=now,
        remote_ref=outcome.remote_ref or delivery.remote_ref,
    )
    return row, replace(_healthy(endpoint), last_success_at=now)


def _failed(
    outcome: Retry | Ambiguous,
    delivery: Delivery,
    endpoint: Endpoint,
    schedule: Sequence[timedelta],
    now: datetime,
    jitter: float,
) -> tuple[Delivery, Endpoint]:
    spared = isinstance(outcome, Retry) and (endpoint.open or outcome.reason == UNREACHABLE)
    failures = delivery.failures + (0 if spared else 1)
    reason = f"possibly delivered: {outcome.detail}" if isinstance(outcome, Ambiguous) else outcome.detail
    health = _ailing(endpoint, reason, now)
    if health.open:
        wait = _spread(min(_step(schedule, health.failures - OPEN_AFTER + 1), PROBE_LONGEST), jitter)
        health = _paused(health, now + wait)
    if failures > len(schedule):
        return _dead(replace(delivery, failures=failures), f"gave up after {failures} attempts: {reason}", now), health
    wait = _spread(_step(schedule, failures), jitter)
    if health.open and isinstance(outcome, Retry):  # the probe finds out when it works again, not the row's long wait
        wait = min(wait, PROBE_LONGEST)
    due = max(now + wait, health.paused_until or now)
    return _kept(replace(delivery, failures=failures), reason, due, now), health


def _throttled(
    outcome: Throttled,
    delivery: Delivery,
    endpoint: Endpoint,
    schedule: Sequence[timedelta],
    now: datetime,
    jitter: float,
) -> tuple[Delivery, Endpoint]:
    wait = _spread(_step(schedule, delivery.failures + 1), jitter)
    if outcome.retry_after is None:  # it only says "too much": every time the row was taken up makes the wait longer
        wait = max(wait, _spread(min(_step(schedule, delivery.claims), PROBE_LONGEST), jitter))
    else:
        wait = max(wait, min(outcome.retry_after, MAX_WAIT))
    health = _paused(replace(endpoint, reason=outcome.detail), now + wait)
    return _kept(delivery, outcome.detail, health.paused_until or now, now), health


def _refused(
    outcome: BadMessage,
    delivery: Delivery,
    endpoint: Endpoint,
    schedule: Sequence[timedelta],
    now: datetime,
    jitter: float,
) -> tuple[Delivery, Endpoint]:
    """End the row, unless the breaker is open: a receiver that refuses one message after another is broken itself."""
    health = _ailing(endpoint, outcome.detail, now)
    if health.open:
        wait = _spread(min(_step(schedule, health.failures - OPEN_AFTER + 1), PROBE_LONGEST), jitter)
        health = _paused(health, now + wait)
    if endpoint.open:
        return _kept(delivery, outcome.detail, health.paused_until or now, now), health
    return _dead(delivery, f"refused: {outcome.detail}", now), health


def _misfit(
    outcome: BadEndpoint,
    delivery: Delivery,
    endpoint: Endpoint,
    schedule: Sequence[timedelta],
    now: datetime,
    jitter: float,
) -> tuple[Delivery, Endpoint]:
    health = replace(_ailing(endpoint, outcome.detail, now), open=True)
    wait = max(SLOW, _spread(min(max(_step(schedule, health.failures), SLOW), SLOW_LONGEST), jitter))
    health = _paused(health, now + wait)
    return _kept(delivery, outcome.detail, health.paused_until or now, now), health


def _gone(outcome: Gone, delivery: Delivery, endpoint: Endpoint, now: datetime) -> tuple[Delivery, Endpoint]:
    """End the row. A server that says so of one recipient (`status`) proves that the way to it works."""
    row = _dead(delivery, f"gone: {outcome.detail}", now)
    if outcome.endpoint:
        return row, replace(_ailing(endpoint, outcome.detail, now), gone=True)
    return row, endpoint if outcome.status is None else _healthy(endpoint)


def _healthy(endpoint: Endpoint) -> Endpoint:
    """Close the breaker. A pause that the receiver asked for stays; one between probes ends."""
    return replace(
        endpoint,
        failures=0,
        failing_since=None,
        open=False,
        gone=False,
        reason=None,
        paused_until=None if endpoint.open else endpoint.paused_until,
    )


def _ailing(endpoint: Endpoint, reason: str, now: datetime) -> Endpoint:
    """Count a failure; enough of them in a row open the breaker."""
    failures = endpoint.failures + 1
    return replace(
        endpoint,
        failures=failures,
        failing_since=endpoint.failing_since or now,
        open=endpoint.open or failures >= OPEN_AFTER,
        reason=reason,
    )


def _paused(endpoint: Endpoint, until: datetime) -> Endpoint:
    """Pause the endpoint, never for less long than it is paused already."""
    return replace(endpoint, paused_until=max(until, endpoint.paused_until or until))


def _kept(delivery: Delivery, reason: str, due_at: datetime, now: datetime) -> Delivery:
    if now - delivery.created_at > MAX_AGE:
        return _dead(delivery, _too_old(reason), now)
    return replace(delivery, state=DeliveryState.PENDING, reason=reason, due_at=due_at)


def _dead(delivery: Delivery, reason: str, now: datetime) -> Delivery:
    return replace(delivery, state=DeliveryState.DEAD, reason=reason, lease=None, finished_at=now)


def _too_old(reason: str) -> str:
    return f"not delivered within {MAX_AGE.days} days: {reason}"


def _step(schedule: Sequence[timedelta], number: int) -> timedelta:
    """Return the wait after the `number`th failure; before the first and past the last it is the nearest one."""
    return schedule[min(max(number, 1), len(schedule)) - 1]


def _spread(wait: timedelta, jitter: float) -> timedelta:
    return wait * (1 + JITTER * (2 * jitter - 1))
