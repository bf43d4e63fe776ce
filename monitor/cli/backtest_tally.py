"""What a backtest comes to, watch by watch: counted while reports go by, in memory that does not grow with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from monitor.model import ChangeKind, Match
from monitor.pipeline.backtest import Verdict

MOST_FORMS = 10_000
"""Different words counted for a watch; a pattern may find no end of them."""
EXAMPLES = 20
"""Reports named of those that a candidate would add or remove, for each watch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A report that a candidate judges otherwise."""

    id: str
    title: str
    words: tuple[str, ...]
    """Of the text, that made the one of the two want it."""


@dataclass(slots=True)
class OfWatch:
    """What one watch found."""

    reports: int = 0
    alerts: int = 0
    """Alerts that it had a part in."""
    days: Counter[date] = field(default_factory=Counter)
    """Reports by the day, in the zone of the situation."""
    sources: Counter[str] = field(default_factory=Counter)
    forms: Counter[str] = field(default_factory=Counter)
    """Words of the texts, in small letters, by how many reports had them."""
    added: int = 0
    removed: int = 0
    added_examples: list[Example] = field(default_factory=list)
    removed_examples: list[Example] = field(default_factory=list)


class Tally:
    """The sums of a backtest."""

    def __init__(self, watches: Iterable[str], zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self.watches: dict[str, OfWatch] = {name: OfWatch() for name in watches}
        self.reports = 0
        self.wanted = 0
        self.alerts = 0
        self.candidate_alerts = 0
        self.changes: Counter[ChangeKind] = Counter()
        self.languages: Counter[str] = Counter()
        self.developments: Counter[str] = Counter()

    def add(self, verdict: Verdict, other: Verdict | None = None) -> None:
        """Count a report; `other` is what the candidate makes of it."""
        self.reports += 1
        self.changes[verdict.change] += 1
        self.languages[verdict.report.language] += 1
        if verdict.development:
            self.developments[verdict.development.value] += 1
        self.alerts += len(verdict.alerts)
        found = hits(verdict)
        self.wanted += bool(found)
        day = verdict.intake.seen_at.astimezone(self._zone).date()
        for name, match in found.items():
            self._count(self.watches[name], match, verdict.report.source, day)
        for alert in verdict.alerts:
            for name in {match.watch for match in alert.matches}:
                self.watches[name].alerts += 1
        if other is not None:
            self._compare(verdict, found, other)

    def _count(self, of: OfWatch, match: Match, source: str, day: date) -> None:
        of.reports += 1
        of.days[day] += 1
        of.sources[source] += 1
        for form in {reason.surface.casefold() for reason in match.reasons}:
            if form in of.forms or len(of.forms) < MOST_FORMS:
                of.forms[form] += 1

    def _compare(self, verdict: Verdict, found: Mapping[str, Match], other: Verdict) -> None:
        self.candidate_alerts += len(other.alerts)
        theirs = hits(other)
        for name in added(found, theirs):
            of = self.watches.setdefault(name, OfWatch())
            of.added += 1
            _keep(of.added_examples, verdict, theirs[name])
        for name in added(theirs, found):
            of = self.watches[name]
            of.removed += 1
            _keep(of.removed_examples, verdict, found[name])


def hits(verdict: Verdict) -> dict[str, Match]:
    """Return what counts as found: every match of a new report, of an edited one those that it had not had before."""
    listed = {listing.match.watch for listing in verdict.listings}
    new = verdict.change is ChangeKind.NEW
    return {match.watch: match for match in verdict.matches if new or match.watch in listed}


def added(before: Mapping[str, Match], after: Mapping[str, Match]) -> Sequence[str]:
    """Return the watches that are only in the second."""
    return [name for name in after if name not in before]


def given_id(verdict: Verdict) -> str:
    """Return what a report is called where it comes from: its id there, else its address."""
    entry = verdict.intake.entry
    return entry.guid or entry.link or verdict.report.id


def _keep(examples: list[Example], verdict: Verdict, match: Match) -> None:
    if len(examples) < EXAMPLES:
        words = tuple(dict.fromkeys(reason.surface for reason in match.reasons))
        examples.append(Example(id=given_id(verdict), title=verdict.report.title, words=words))
