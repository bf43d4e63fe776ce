"""What is odd about a feed's pushes, in a sentence, with what to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from monitor.cli import moments
from monitor.feeds import websub
from monitor.model import PushState, Subscription

ADVICE: Mapping[str, str] = {
    websub.UNSIGNED: "Ask the publisher for a hub with https.",
    websub.WEAK_SIGNATURE: "They are taken; ask whoever runs the hub for SHA-256.",
    websub.UNVERIFIED: "If this stays so, check that public_url can be reached from outside.",
}
"""For notes that are always the same."""


def oddity(subscription: Subscription | None, now: datetime) -> str | None:
    """Return what a person should know of a feed's subscription, None where nothing is odd or all of it is over."""
    if subscription is None or subscription.note is None or subscription.state is PushState.ENDED:
        return None
    return f"{subscription.note} {ADVICE.get(subscription.note) or _meanwhile(subscription, now)}"


def _meanwhile(subscription: Subscription, now: datetime) -> str:
    """Return what happens by itself."""
    if subscription.state is PushState.ACTIVE or subscription.next_at is None:
        return "The feed is polled as well."
    return f"The feed is polled; the hub is asked again {moments.ago(max(subscription.next_at, now), now)}."
