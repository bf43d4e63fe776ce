"""What can be asked of a running service over its control socket, one method per operation."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import monitor
from monitor.alerts import policy
from monitor.errors import StoreError, UsageError
from monitor.feeds.pace import asked_to_rest, may_poll_now
from monitor.model import Alert, AlertKind, Feed, FeedState, Severity
from monitor.service.clock import VirtualClock
from monitor.service.hosts import place
from monitor.service.status import status

if TYPE_CHECKING:
    from monitor.service.app import Service

ADVANCE_LIMIT = timedelta(minutes=5)
"""Real time in which a virtual moment must be worked off."""


class Operations:
    """Answers requests `{"op": ...}`; refusals are `MonitorError`s in words."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def handle(self, request: Mapping[str, Any]) -> dict[str, Any]:  # noqa: PLR0911 - one per operation
        """Do what is asked and return the answer."""
        service = self._service
        match request["op"]:
            case "status":
                return await asyncio.to_thread(self._status)
            case "reload":
                return await service.configuring.reload()
            case "pause" | "resume" as op:
                return await self._pause(since=service.clock.now() if op == "pause" else None)
            case "stop":
                service.stop()
                return {}
            case "poll-now":
                return await self._poll_now(list(request["feeds"]), force=bool(request.get("force")))
            case "test-alert":
                return await self._test_alert(request.get("route"))
            case "advance" if isinstance(service.clock, VirtualClock):
                return await self._advance(service.clock, datetime.fromisoformat(request["to"]))
            case op:
                raise UsageError(f"the service knows no `{op}`")

    def _status(self) -> dict[str, Any]:
        service = self._service
        running = {
            "pid": os.getpid(),
            "version": monitor.__version__,
            "since": service.started_at,
            "polls": service.poller.polls,
            "in_flight": service.poller.in_flight,
            "sent": service.sent(),
            "reload": service.configuring.last or None,
            "store_fault": service.store_fault,
            "network": {"down_since": service.network.down_since},
        }
        try:
            return {**status(service.store, service.settings, service.clock.now()), "running": running}
        except StoreError as error:
            raise StoreError(
                f"the service runs (process {os.getpid()}), but it cannot use its store: {error}"
            ) from error

    async def _pause(self, since: datetime | None) -> dict[str, Any]:
        await asyncio.to_thread(self._service.store.set_flag, "paused", since.isoformat() if since else None)
        self._service.wake()
        return {"paused": since is not None}

    async def _poll_now(self, feeds: list[str], *, force: bool) -> dict[str, Any]:
        """Poll feeds at once, but those just polled and those to be left alone (case 45); `force` polls these too."""
        service, now = self._service, self._service.clock.now()
        unknown = [feed for feed in feeds if feed not in service.setup.feeds]
        if unknown:
            raise UsageError(f"no such feed is enabled: {', '.join(unknown)}")
        resting: Mapping[str, str] = {}
        if not force:
            states = await asyncio.to_thread(service.store.feed_states, service.setup.situation)
            resting = _resting(states, service.setup.feeds, now)
        resting = {feed: resting[feed] for feed in feeds if feed in resting}
        polled = [feed for feed in feeds if feed not in resting]
        await asyncio.to_thread(service.store.poll_now, polled, now)
        service.wake()
        return {"feeds": len(polled), "resting": resting}

    async def _test_alert(self, route: str | None) -> dict[str, Any]:
        service = self._service
        names = [each.name for each in service.setup.rules.routes]
        route = route or names[0]
        if route not in names:
            raise UsageError(f"there is no route `{route}`; there are: {', '.join(names)}")
        now = service.clock.now()
        alert = policy.plain_alert(
            AlertKind.TEST,
            headline="Test alert",
            note="This is a test of the whole path from the service to you. Nothing happened.",
            rules=service.setup.rules,
            route=route,
            key=now.isoformat(),
            severity=Severity.INFO,
            now=now,
        )
        return {"alert": alert.id, "route": route, "deliveries": await service.tell(alert)}

    async def _advance(self, clock: VirtualClock, to: datetime) -> dict[str, Any]:
        service = self._service
        clock.move_to(to)
        async with asyncio.timeout(ADVANCE_LIMIT.total_seconds()):
            due = await service.work_off()
        counts = {"polls": service.poller.polls, "entries": service.decider.entries, "sent": service.sent()}
        alerts = [summary(alert) for alert in service.take_recent()]
        return {"now": clock.now(), "next_due": due, "alerts": alerts, "counts": counts}


def _resting(states: Sequence[FeedState], feeds: Mapping[str, Feed], now: datetime) -> dict[str, str]:
    """Return why feeds must be left alone: each for itself, or because a publisher asked for it (429) for the whole host."""
    known = [(feeds[state.feed_id], state) for state in states if state.feed_id in feeds]
    throttled = {
        place(feed).domain: why
        for feed, state in known
        if state.failure and state.failure.status == HTTPStatus.TOO_MANY_REQUESTS and (why := asked_to_rest(state, now))
    }
    return {
        feed.id: why
        for feed, state in known
        if (why := may_poll_now(feed, state, now) or throttled.get(place(feed).domain))
    }


def summary(alert: Alert) -> dict[str, Any]:
    """Return an alert in few words: what a live view shows."""
    return {
        "id": alert.id,
        "kind": alert.kind.value,
        "route": alert.route,
        "severity": alert.severity.word,
        "headline": alert.headline,
        "source": alert.report.source if alert.report else None,
        "watches": list(alert.watch_titles.values()),
        "words": list(dict.fromkeys(reason.surface for match in alert.matches for reason in match.reasons)),
        "reason": alert.reason,
        "at": alert.at,
    }
