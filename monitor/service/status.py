"""What `monitor status` says, from the store: the same whether the service runs or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from monitor.feeds import expat
from monitor.feeds.health import describe_state
from monitor.model import Feed, FeedState, PushState, Subscription
from monitor.ports import Store
from monitor.settings.values import Settings

RECENT = timedelta(hours=24)
"""A gap counts in the status for so long; `monitor feeds list --gaps` keeps all."""


def status(store: Store, settings: Settings, now: datetime) -> dict[str, Any]:
    """Return feeds by health with reasons, what waits, each channel's health, the last alert; JSON-able but for datetimes."""
    feeds = {feed.id: feed for feed in settings.feeds if feed.enabled}
    states = [state for state in store.feed_states(settings.situation_id) if state.feed_id in feeds]
    last = store.alerts(limit=1)
    return {
        "now": now,
        "situation": {"id": settings.situation_id, "name": settings.situation_name},
        "paused": store.flag("paused"),
        "feeds": _feeds(feeds, states, now),
        "pushes": _pushes(states, store.subscriptions(settings.situation_id)),
        "expat": {"verdict": expat.verdict(expat.version()), "sentence": expat.sentence(expat.version())},
        "disabled": sum(not feed.enabled for feed in settings.feeds),
        "counts": dict(store.counts(settings.situation_id)),
        "channels": [_channel(store, entry.name, entry.kind) for entry in settings.channels],
        "last_alert": {"id": last[0].id, "at": last[0].at, "headline": last[0].headline} if last else None,
    }


def _feeds(feeds: dict[str, Feed], states: list[FeedState], now: datetime) -> dict[str, Any]:
    found: dict[str, list[dict[str, Any]]] = {"ok": [], "failing": [], "silent": [], "new": []}
    for state in states:
        health, sentence = describe_state(state, feeds[state.feed_id], now)
        found.setdefault(health, []).append(
            {
                "id": state.feed_id,
                "name": feeds[state.feed_id].name,
                "reason": sentence,
                "since": state.failing_since,
                "last_success": state.last_success_at,
                "next": state.due_at,
            }
        )
    numbers = {health: len(rows) for health, rows in found.items()}
    gaps = sum(state.gap_at is not None and now - state.gap_at < RECENT for state in states)
    return {
        "total": len(states),
        **numbers,
        "gaps": gaps,
        "failing_feeds": found["failing"],
        "silent_feeds": found["silent"],
    }


def _pushes(states: Sequence[FeedState], subscriptions: Sequence[Subscription]) -> dict[str, int]:
    """Return how many feeds have a hub and how many of them it works for; subscriptions asked for or refused; bad pushes."""
    numbers = Counter(subscription.state for subscription in subscriptions)
    active = {subscription.feed_id for subscription in subscriptions if subscription.state is PushState.ACTIVE}
    denied = {subscription.feed_id for subscription in subscriptions if subscription.state is PushState.DENIED}
    return {
        "offered": sum(state.hub is not None for state in states),
        "working": sum(state.pushed for state in states),
        "waiting": numbers[PushState.PENDING],
        "refused": len(denied - active),
        "rejected": sum(subscription.rejected for subscription in subscriptions),
    }


def _channel(store: Store, name: str, kind: str) -> dict[str, Any]:
    endpoint = store.endpoint(name)
    health = "gone" if endpoint.gone else "failing" if endpoint.open or endpoint.failures else "ok"
    return {
        "name": name,
        "kind": kind,
        "health": health,
        "failures": endpoint.failures,
        "reason": endpoint.reason if health != "ok" else None,
        "paused_until": endpoint.paused_until,
        "last_success": endpoint.last_success_at,
    }
