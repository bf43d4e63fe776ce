"""Saying that feeds went quiet: silence must mean calm, not that nobody listens any more (conformance cases 69, 73).

Once an hour: feeds that have failed for a day, that need a person at once (credentials, gone for good), or that answer but have
shown nothing new for far longer than they usually do. Named is what was well at an earlier look, so each feed once until it is
well again, all of an hour in one alert; a feed that was dead when it was added is counted by `now watching`.
"""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from monitor.feeds.health import is_stale
from monitor.model import FailureKind, FeedState

if TYPE_CHECKING:
    from monitor.service.app import Service

LONG = timedelta(hours=24)
"""A feed that fails, or shows nothing new although it usually does, is named after this: nights are quiet everywhere."""

FOR_PEOPLE = frozenset({FailureKind.UNAUTHORIZED, FailureKind.GONE})
"""Failures that no waiting mends."""

NAMED = 10
"""Feeds named in one alert; the rest is counted."""

FLAG = "feeds_well"

log = structlog.get_logger("feeds")


def is_quiet(state: FeedState, now: datetime) -> bool:
    """Tell whether somebody should know that nothing comes from this feed."""
    if state.failure is not None:
        if state.failure.kind in FOR_PEOPLE and state.failures > 1:
            return True
        return state.failing_since is not None and now - state.failing_since >= LONG
    return is_stale(state, now) and state.last_entry_at is not None and now - state.last_entry_at >= LONG


async def tell_quiet(service: Service, now: datetime) -> None:
    """Name the feeds that went quiet since the last time."""
    feeds = service.setup.feeds
    states = await asyncio.to_thread(service.store.feed_states, service.setup.situation)
    known = [state for state in states if state.feed_id in feeds]
    flag = await asyncio.to_thread(service.store.flag, FLAG)
    before = set(json.loads(flag)) if flag else set[str]()
    well = {state.feed_id for state in known if state.filled and not is_quiet(state, now)}
    new = [state.feed_id for state in known if state.feed_id in before and is_quiet(state, now)]
    if new:
        more = f" (+{len(new) - NAMED})" if len(new) > NAMED else ""
        names = ", ".join(feeds[feed_id].name for feed_id in new[:NAMED]) + more
        log.warning("feeds went quiet", feeds=", ".join(new))
        await service.tell_operator("Feeds went quiet", {"what": "feeds_quiet", "names": names})
    if well != before:
        await asyncio.to_thread(service.store.set_flag, FLAG, json.dumps(sorted(well)))
