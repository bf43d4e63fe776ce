"""Cron work: planned by APScheduler's triggers, claimed by a row in the store.

So a run is neither missed (the row is due when the service was down) nor doubled (one claim succeeds), whichever replica is alive, and
it follows the virtual clock of a replay.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog
from apscheduler.triggers.cron import CronTrigger

from monitor.alerts import policy
from monitor.model import AlertKind, FeedState, Severity

if TYPE_CHECKING:
    from monitor.service.app import Service

PRUNE_BATCH = 500
SETTLE = timedelta(minutes=10)
"""How long `now watching` waits for the other feeds of a first start, so that it is one line and not a hundred."""

log = structlog.get_logger("cron")

Job = Callable[["Service", datetime], Awaitable[None]]


async def run_due(service: Service, now: datetime) -> None:
    """Run what is due, each once."""
    for name, (expression, job) in JOBS.items():
        due = await asyncio.to_thread(service.store.cron_due, name)
        if due is not None and due > now:
            continue
        following = _following(expression, service.settings.situation_zone, now)
        if due is None:
            await asyncio.to_thread(service.store.plan_cron, name, following)
        elif await asyncio.to_thread(service.store.claim_cron, name, due, following):
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


async def announce(service: Service, now: datetime) -> None:
    """Say once which feeds are watched now: a first fill is stored silently and counted in one line."""
    states = [
        state
        for state in await asyncio.to_thread(service.store.feed_states, service.setup.situation)
        if state.feed_id in service.setup.feeds
    ]
    flag = await asyncio.to_thread(service.store.flag, "announced")
    said = set(json.loads(flag)) if flag else set()
    fresh = [state for state in states if state.filled and state.feed_id not in said]
    if not fresh or not _settled(fresh, states, now):
        return
    failing = sum(state.failure is not None for state in states)
    entries = sum(state.entries for state in fresh)
    names = ", ".join(service.setup.feeds[state.feed_id].name for state in fresh[:10])
    more = f" and {len(fresh) - 10} more" if len(fresh) > 10 else ""  # noqa: PLR2004 - as many as listed
    note = (
        f"Now watching {len(fresh)} new feed{'s' if len(fresh) > 1 else ''}: {names}{more}. "
        f"{entries} entries stood in them; those older than the alert window were stored without an alert. "
        + (f"{failing} of {len(states)} feeds cannot be read at the moment (see `monitor status`)." if failing else "")
    )
    alert = policy.plain_alert(
        AlertKind.WATCHING,
        note.strip(),
        f"Now watching {len(states)} feeds",
        rules=service.setup.rules,
        route=service.settings.operator_route,
        key=json.dumps(sorted(state.feed_id for state in fresh)),
        severity=Severity.INFO,
        now=now,
    )
    await service.tell(alert)
    said |= {state.feed_id for state in fresh}
    await asyncio.to_thread(service.store.set_flag, "announced", json.dumps(sorted(said)))


def _settled(fresh: list[FeedState], states: list[FeedState], now: datetime) -> bool:
    """Tell whether every feed was tried, or the first of the new ones was filled long enough ago."""
    if all(state.last_attempt_at is not None for state in states):
        return True
    first = min((state.last_success_at for state in fresh if state.last_success_at), default=now)
    return now - first >= SETTLE


JOBS: dict[str, tuple[str, Job]] = {
    "announce": ("*/5 * * * *", announce),
    "prune": ("30 3 * * *", prune),
}
