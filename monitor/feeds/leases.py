"""What the subscriptions of a feed need: a new one, a repeated request, or nothing. Pure; the times are those of the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.model import PushState, Subscription

TURN = timedelta(days=1)
"""A feed turns to another hub or topic once a day at most: a document that names a new one each time would have us send a request
to any address it likes with every poll."""

REST = timedelta(hours=1)
"""The same for the hub it had, where documents name it by turns with none; no lease is shorter (callbacks.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """Ask for a new subscription, in place of a living one or of none."""

    replaces: Subscription | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """Ask again for a pending one."""

    subscription: Subscription


def is_living(subscription: Subscription, now: datetime) -> bool:
    """Tell whether the hub pushes for it: verified, and the lease runs."""
    return subscription.state is PushState.ACTIVE and _runs(subscription, now)


def takes_pushes(subscription: Subscription, now: datetime) -> bool:
    """Tell whether a push for it is read: also after a newer one took its place, until its own lease ends."""
    return (
        subscription.verified_at is not None and subscription.state is not PushState.DENIED and _runs(subscription, now)
    )


def over(subscriptions: Iterable[Subscription], hub: str, topic: str, now: datetime) -> tuple[Subscription, ...]:
    """Return those that have ended and are not marked so yet: the lease is over, or the feed has another hub before the first answered."""
    return tuple(
        each
        for each in subscriptions
        if (each.state is PushState.ACTIVE and not _runs(each, now))
        or (each.state is PushState.PENDING and (each.hub, each.topic) != (hub, topic))
    )


def next_step(subscriptions: Sequence[Subscription], hub: str, topic: str, now: datetime) -> Begin | Repeat | None:
    """Return what a feed with this hub and topic needs now.

    `subscriptions` are those of the feed that are not over, and the last one at each hub and topic: where a refusal rests, and
    how long ago another hub was asked.
    """
    same = [each for each in subscriptions if (each.hub, each.topic) == (hub, topic)]
    waiting = next((each for each in same if each.state is PushState.PENDING), None)
    if waiting is not None:
        return Repeat(subscription=waiting) if _is_due(waiting, now) else None
    living = max((each for each in same if is_living(each, now)), key=_lease_end, default=None)
    if living is not None:
        return Begin(replaces=living) if _is_due(living, now) else None
    if any(each.state is PushState.DENIED and not _is_due(each, now) for each in same):
        return None
    if any(abs(now - each.asked_at) < (REST if each in same else TURN) for each in subscriptions):
        return None
    return Begin(replaces=max((each for each in subscriptions if is_living(each, now)), key=_lease_end, default=None))


def _runs(subscription: Subscription, now: datetime) -> bool:
    return subscription.lease_until is not None and now < subscription.lease_until


def _lease_end(subscription: Subscription) -> datetime:
    assert subscription.lease_until is not None  # of living ones only
    return subscription.lease_until


def _is_due(subscription: Subscription, now: datetime) -> bool:
    return subscription.next_at is not None and subscription.next_at <= now
