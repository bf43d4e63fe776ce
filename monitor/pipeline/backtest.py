"""Backtest: what the decision steps make of reports that are stored or given, while nothing leaves and nothing is kept.

The steps are the service's own (`deciding.weigh`) on a store of their own, so identity, stories and alerts come out as they
would have. Routes stay and lose their channels: what would be told is decided, but nothing is rendered or queued. Each entry
is decided at the time it carries, in the order of those times.
Refused: matching alone (it would count forty copies of one story as forty alerts).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from monitor.language.entities import Mention
from monitor.model import (
    Alert,
    Change,
    ChangeKind,
    Decision,
    DevelopmentKind,
    Entry,
    IntakeEntry,
    Listing,
    Match,
    Report,
)
from monitor.pipeline.deciding import Memory, own_story, weigh
from monitor.pipeline.setup import Setup
from monitor.ports import Store

T = TypeVar("T")

PRUNE_EVERY = timedelta(days=1)
"""Of the reports' time: so often reports beyond the retention go, as the service prunes every night."""
PRUNED = 1000
"""Reports pruned in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the decision steps make of one entry."""

    intake: IntakeEntry
    change: ChangeKind
    report: Report
    development: DevelopmentKind | None
    """None: the report was known before and nothing of it changed."""
    matches: tuple[Match, ...] = ()
    """All watches that want the report as it is now."""
    mentions: tuple[Mention, ...] = ()
    """What of the gazetteer it names."""
    listings: tuple[Listing, ...] = ()
    """What became of each match on each route; a match that had been listed before is not listed again."""
    alerts: tuple[Alert, ...] = ()


class Trial:
    """One configuration over entries in the order of their times. The store is the trial's own: migrated, empty, thrown away."""

    def __init__(self, store: Store, setup: Setup, retention: timedelta) -> None:
        """Take an empty store, a configuration, and how long the service keeps reports."""
        self._store, self._setup, self._retention = store, silent(setup), retention
        self._memory = Memory()
        self._pruned: datetime | None = None

    @property
    def watches(self) -> tuple[str, ...]:
        """The names of the watches that look, in their order."""
        return tuple(name for name, watch in self._setup.rules.watches.items() if watch.enabled)

    def decide(self, waiting: Sequence[IntakeEntry]) -> Iterator[Verdict]:
        """Yield what each entry comes to, in order."""
        while waiting:
            decision = self._decided(waiting)
            yield from self._verdicts(decision)
            waiting = waiting[len(decision.changes) :]

    def _decided(self, waiting: Sequence[IntakeEntry]) -> Decision:
        """Decide the first entries, as many as one decision takes; they never were in the store's intake."""
        now = waiting[-1].seen_at
        self._prune(waiting[0].seen_at)
        with self._store.deciding(self._setup.situation) as tx:
            decision = weigh(tx, waiting, self._memory, self._setup, now)
            tx.commit(replace(decision, consumed=(), audit=()))
        return decision

    def _prune(self, now: datetime) -> None:
        if self._pruned is not None and now - self._pruned < PRUNE_EVERY:
            return
        self._pruned = now
        while self._store.prune(self._setup.situation, now - self._retention, PRUNED):
            pass

    def _verdicts(self, decision: Decision) -> Iterator[Verdict]:
        listings = _by_version((each.match.report_id, each.match.version, each) for each in decision.listings)
        alerts = _by_version((each.report.id, each.report.version, each) for each in decision.alerts if each.report)
        stories = {sketch.report_id: sketch.story_id for sketch in decision.sketches}
        for change in decision.changes:
            report = replace(change.report, story_id=change.report.story_id or stories.get(change.report.id))
            of = (report.id, report.version)
            if change.kind not in {ChangeKind.NEW, ChangeKind.REVISED}:
                yield Verdict(intake=change.intake, change=change.kind, report=report, development=None)
                continue
            seen = self._setup.watches.read(report, self._setup.feeds.get(report.feed_id))
            yield Verdict(
                intake=change.intake,
                change=change.kind,
                report=report,
                development=_development(change),
                matches=self._setup.watches.judge(seen),
                mentions=seen.mentions,
                listings=tuple(listings.get(of, ())),
                alerts=tuple(alerts.get(of, ())),
            )


def silent(setup: Setup) -> Setup:
    """Return a configuration that decides all the same and tells nobody: its routes have no channels."""
    routes = tuple(replace(route, channels=()) for route in setup.rules.routes)
    return replace(setup, channels={}, rules=replace(setup.rules, routes=routes))


def stored_entry(seq: int, report: Report) -> IntakeEntry:
    """Return a stored report as the entry that it might have come from; its id is the guid."""
    entry = Entry(
        guid=report.id,
        link=report.link,
        title=report.title,
        summary=report.text,
        author=report.author,
        published=report.published,
        source_name=report.source,
    )
    return IntakeEntry(
        seq=seq,
        situation=report.situation,
        feed_id=report.feed_id,
        entry=entry,
        seen_at=report.seen_at,
        baseline=False,
        covered_from=None,
        document_id=None,
    )


def _development(change: Change) -> DevelopmentKind:
    if change.kind is ChangeKind.REVISED:
        return DevelopmentKind.REVISION
    own = change.report.story_id == own_story(change.report.id)
    return DevelopmentKind.NEW_STORY if own else DevelopmentKind.COPY


def _by_version(found: Iterable[tuple[str, int, T]]) -> dict[tuple[str, int], list[T]]:
    kept: dict[tuple[str, int], list[T]] = {}
    for report_id, version, each in found:
        kept.setdefault((report_id, version), []).append(each)
    return kept
