"""What a store holds of reports, in memory: drives `reports.changes` batch after batch as the decider does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from monitor.model import Change, ChangeKind, Entry, Feed, IntakeEntry, Report, Version
from monitor.ports import Known
from monitor.reports import changes, keys_of
from support.values import NOW


@dataclass(slots=True)
class Archive:
    feeds: Mapping[str, Feed]
    reports: dict[str, Report] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    versions: dict[str, tuple[Version, ...]] = field(default_factory=dict)
    buried: set[str] = field(default_factory=set)
    numbers: count[int] = field(default_factory=lambda: count(1))

    def intake(self, entry: Entry, feed_id: str, at: datetime = NOW) -> IntakeEntry:
        return IntakeEntry(
            seq=next(self.numbers),
            situation=self.feeds[feed_id].situation,
            feed_id=feed_id,
            entry=entry,
            seen_at=at,
            baseline=False,
            covered_from=at - timedelta(minutes=5),
            document_id=None,
        )

    def known(self, keys: Iterable[str]) -> Known:
        held = {key: self.reports[self.keys[key]] for key in keys if key in self.keys}
        ids = {report.id for report in held.values()}
        versions = {name: self.versions[name] for name in ids}
        return Known(reports=held, versions=versions, buried=frozenset(self.buried.intersection(keys) - held.keys()))

    def decide(self, waiting: Sequence[IntakeEntry]) -> tuple[Change, ...]:
        """Decide a batch and keep what it came to."""
        keys = [keys_of(intake.entry, self.feeds[intake.feed_id]) for intake in waiting]
        asked = {key for each in keys for key in each}
        decided = tuple(changes(waiting, keys, self.known(asked), self.feeds))
        for change in decided:
            self._keep(change)
        return decided

    def show(self, entry: Entry, feed_id: str, at: datetime = NOW) -> Change:
        """Decide one entry by itself."""
        return self.decide([self.intake(entry, feed_id, at)])[0]

    def prune(self, report_id: str) -> None:
        """Replace a report by tombstones of its keys."""
        del self.reports[report_id], self.versions[report_id]
        gone = {key for key, owner in self.keys.items() if owner == report_id}
        self.buried |= gone
        self.keys = {key: owner for key, owner in self.keys.items() if key not in gone}

    def _keep(self, change: Change) -> None:
        if change.kind is ChangeKind.BURIED:
            return
        assert (change.kind is ChangeKind.NEW) == (change.report.id not in self.reports)
        self.reports[change.report.id] = change.report
        for key in change.keys:
            assert self.keys.setdefault(key, change.report.id) == change.report.id
        if change.version:
            self.versions[change.report.id] = (*self.versions.get(change.report.id, ()), change.version)
