"""What is told, on which route, and why: pure functions with named reasons.

Every match ends in a listing on every route its watch takes, with the reason in its disposition; nothing wanted is dropped
without one. One story is told once per route: the alert's id is made of both, so even a decision that is made again cannot
tell it twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.model import (
    Alert,
    AlertKind,
    Change,
    ChangeKind,
    Development,
    Disposition,
    Listing,
    Match,
    Route,
    Severity,
    Watch,
    content_key,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the configuration says about telling."""

    situation: str
    watches: Mapping[str, Watch]
    routes: Sequence[Route]
    alert_window: timedelta
    operator_route: str

    def routes_of(self, watch: Watch) -> tuple[Route, ...]:
        """Return where a watch goes: the routes it names, else those that name it, else those that name no watch."""
        named = tuple(route for route in self.routes if route.name in watch.routes)
        claimed = named or tuple(route for route in self.routes if watch.name in route.watches)
        return claimed or tuple(route for route in self.routes if not route.watches)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was told and listed before this report, grown by the caller as a batch is decided."""

    alerts: Mapping[tuple[str, str], str]
    """Alert id by (story id, route)."""
    listed: frozenset[tuple[str, str, str]]
    """(report id, watch, route)."""


def judge(
    change: Change, development: Development, matches: Sequence[Match], told: Told, rules: Rules, now: datetime
) -> tuple[tuple[Listing, ...], tuple[Alert, ...]]:
    """Return the listings and alerts of one new or revised report."""
    listings: list[Listing] = []
    alerts: list[Alert] = []
    for route, wanted in _by_route(matches, rules).items():
        fresh = tuple(match for match in wanted if (match.report_id, match.watch, route.name) not in told.listed)
        if not fresh:
            continue
        disposition = _disposition(change, development, fresh, route, told, rules)
        alert_id = told.alerts.get((development.story_id, route.name))
        if disposition is Disposition.ALERTED:
            alert = _alert(change, development, fresh, route, rules, now)
            alerts.append(alert)
            alert_id = alert.id
        listings += (
            Listing(match=match, route=route.name, disposition=disposition, at=now, alert_id=alert_id)
            for match in fresh
        )
    return tuple(listings), tuple(alerts)


def is_older(change: Change, window: timedelta) -> bool:
    """Tell whether a report is too old to be news.

    In a feed's first fill that is what was published before the alert window, or does not say when. Later, a new entry is
    news unless it was published before the window *and* a window before the feed was last read: what appeared while the
    service was down is news, an archive that a publisher puts back into its feed is not.
    """
    intake, published = change.intake, change.report.published
    edge = intake.seen_at - window
    if intake.baseline:
        return published is None or published < edge
    if intake.covered_from is not None:
        edge = min(edge, intake.covered_from - window)
    return published is not None and published < edge


def story_alert_id(situation: str, route: str, story_id: str) -> str:
    """Return the id of the alert that opens a story on a route."""
    return content_key("a1", situation, route, story_id)


def plain_alert(
    kind: AlertKind,
    *,
    headline: str,
    note: str = "",
    facts: Mapping[str, str | int] | None = None,
    rules: Rules,
    route: str | None = None,
    key: str,
    severity: Severity,
    now: datetime,
) -> Alert:
    """Return an alert without a report: a test, a notice to the operator, `now watching`.

    `key` makes its id: the same key is told once. `facts` let it be told in the reader's language (see phrases); headline and
    note are what the store's lists show. Without a route it goes to the operator's.
    """
    route = route or rules.operator_route
    return Alert(
        id=content_key("a1", rules.situation, route, kind.value, key),
        kind=kind,
        situation=rules.situation,
        route=route,
        severity=severity,
        at=now,
        headline=headline,
        reason=kind.value,
        note=note,
        facts=facts or {},
        test=kind is AlertKind.TEST,
    )


def _by_route(matches: Iterable[Match], rules: Rules) -> dict[Route, list[Match]]:
    wanted: dict[Route, list[Match]] = {}
    for match in matches:
        watch = rules.watches.get(match.watch)
        for route in rules.routes_of(watch) if watch else ():
            wanted.setdefault(route, []).append(match)
    return wanted


def _disposition(
    change: Change, development: Development, fresh: Sequence[Match], route: Route, told: Told, rules: Rules
) -> Disposition:
    if is_older(change, rules.alert_window):
        return Disposition.OLDER
    if _severity(fresh, rules) < route.min_severity:
        return Disposition.BELOW
    if (development.story_id, route.name) in told.alerts:
        return Disposition.COPY if change.kind is ChangeKind.NEW else Disposition.REVISED
    return Disposition.ALERTED


def _severity(matches: Sequence[Match], rules: Rules) -> Severity:
    return max(rules.watches[match.watch].severity for match in matches)


def _alert(
    change: Change, development: Development, matches: tuple[Match, ...], route: Route, rules: Rules, now: datetime
) -> Alert:
    return Alert(
        id=story_alert_id(rules.situation, route.name, development.story_id),
        kind=AlertKind.STORY,
        situation=rules.situation,
        route=route.name,
        severity=_severity(matches, rules),
        at=now,
        headline=change.report.title,
        reason="new_story" if change.kind is ChangeKind.NEW else "newly_matched",
        report=change.report,
        story_id=development.story_id,
        matches=matches,
        watch_titles={match.watch: rules.watches[match.watch].title for match in matches},
        sources=development.sources,
    )
