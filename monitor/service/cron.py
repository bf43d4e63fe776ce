"""Cron work: planned by APScheduler's triggers, claimed by a row in the store.

So a run is neither missed (the row is due when the service was down) nor doubled (one claim succeeds), whichever replica is alive, and
it follows the virtual clock of a replay.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog
from apscheduler.triggers.cron import CronTrigger

from monitor.alerts import policy
from monitor.model import AlertKind, FeedState, Severity
from monitor.ports import Store
from monitor.service.quiet import tell_quiet

if TYPE_CHECKING:
    from monitor.service.app import Service

PRUNE_BATCH = 500
NAMED = 10
"""New feeds that `now watching` names; the rest is counted."""

SETTLE = timedelta(minutes=10)
"""How long `now watching` waits for the other feeds of a first start, so that it is one line and not a hundred."""

log = structlog.get_logger("cron")

Job = Callable[["Service", datetime], Awaitable[None]]


def plan(service: Service, zone: str, now: datetime) -> None:
    """Plan the jobs that never were, and put those off for good that this configuration has no use for (blocking)."""
    store = service.store
    for name, (expression, _) in JOBS.items():
        due = store.cron_due(name)
        if name == SUBSCRIPTIONS and service.pushing is None:
            if due is not None:
                store.plan_cron(name, NEVER)
        elif due is None or due == NEVER:
            store.plan_cron(name, _following(expression, zone, now))


def claim(store: Store, zone: str, now: datetime) -> tuple[str, ...]:
    """Claim what is due and return its names (blocking)."""
    claimed = []
    for name, (expression, _) in JOBS.items():
        at = store.cron_due(name)
        if at is not None and at <= now and store.claim_cron(name, at, _following(expression, zone, now)):
            claimed.append(name)
    return tuple(claimed)


async def run(service: Service, name: str, now: datetime) -> None:
    """Run a claimed job."""
    _, job = JOBS[name]
    await job(service, now)


def _following(expression: str, zone: str, now: datetime) -> datetime:
    trigger = CronTrigger.from_crontab(expression, timezone=ZoneInfo(zone))
    following: datetime = trigger.get_next_fire_time(None, now + timedelta(seconds=1))
    return following


async def prune(service: Service, now: datetime) -> None:
    """Replace reports beyond the retention by tombstones, in small batches."""
    before, pruned = now - service.settings.retention, 0
    while count := await asyncio.to_thread(service.store.prune, service.setup.situation, before, PRUNE_BATCH):
        pruned += count
        await asyncio.sleep(0)
    if pruned:
        log.info("pruned", reports=pruned, before=before.isoformat())


async def announce(service: Service, now: datetime) -> bool:
    """Say once which feeds are watched now: a first fill is stored silently and counted in one line.

    Returns whether there is nothing left to say; until the first fills have settled there is.
    """
    states = [
        state
        for state in await asyncio.to_thread(service.store.feed_states, service.setup.situation)
        if state.feed_id in service.setup.feeds
    ]
    flag = await asyncio.to_thread(service.store.flag, "announced")
    said = set(json.loads(flag)) if flag else set()
    fresh = [state for state in states if state.filled and state.feed_id not in said]
    if not fresh:
        return all(state.filled or state.last_attempt_at is not None for state in states)
    if not _settled(fresh, states, now):
        return False
    names = [service.setup.feeds[state.feed_id].name for state in fresh]
    facts: dict[str, str | int] = {
        "feeds": len(states),
        "names": ", ".join(names[:NAMED]),
        "more": max(0, len(names) - NAMED),
        "entries": sum(state.entries for state in fresh),
        "failing": sum(state.failure is not None for state in states),
    }
    alert = policy.plain_alert(
        AlertKind.WATCHING,
        headline=f"Now watching {len(states)} feed{'' if len(states) == 1 else 's'}",
        note=f"{facts['entries']} entries stood in {len(fresh)} new ones; {facts['failing']} feeds cannot be read.",
        facts=facts,
        rules=service.setup.rules,
        key=json.dumps(sorted(state.feed_id for state in fresh)),
        severity=Severity.INFO,
        now=now,
    )
    await service.tell(alert)
    said |= {state.feed_id for state in fresh}
    await asyncio.to_thread(service.store.set_flag, "announced", json.dumps(sorted(said)))
    return False


def _settled(fresh: list[FeedState], states: list[FeedState], now: datetime) -> bool:
    """Tell whether every feed was tried, or the first of the new ones was filled long enough ago."""
    if all(state.last_attempt_at is not None for state in states):
        return True
    first = min((state.last_success_at for state in fresh if state.last_success_at), default=now)
    return now - first >= SETTLE


async def subscriptions(service: Service, now: datetime) -> None:
    """Ask hubs for what is due: new subscriptions, renewals, what failed."""
    if service.pushing is not None:
        await service.pushing.subscriber.look(now)


SUBSCRIPTIONS = "subscriptions"
NEVER = datetime(9999, 1, 1, tzinfo=UTC)

JOBS: dict[str, tuple[str, Job]] = {
    "prune": ("30 3 * * *", prune),
    "quiet": ("7 * * * *", tell_quiet),
    SUBSCRIPTIONS: ("* * * * *", subscriptions),
}
