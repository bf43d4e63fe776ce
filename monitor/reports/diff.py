"""The diff: what each entry is to what is stored. Pure; an entry's fate depends on intake order only.

A report found by a weak key alone may be another article: a guid that a publisher uses again (`1`, `news`) comes with
another link and another title, and is then a report of its own. Everything else that a stored key finds is the same
report; other words than in any of its versions make a new version, words that it had before are no change (an outlet
that takes an edit back says nothing new). Only the outlet itself revises a report: an aggregator that links to it under
a headline of its own shows the same report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.language.detect import language_of
from monitor.language.text import forms, squeeze
from monitor.model import Change, ChangeKind, Entry, Feed, IntakeEntry, Report, Version, content_key
from monitor.ports import Known
from monitor.reports.identity import keys_of

REUSED_GUID = 0.25
"""Share of common title words below which a guid match with another link is another article (headline edits keep more)."""


@dataclass(slots=True)
class _Memory:
    """What is known, growing as the batch is decided: later entries of a batch see earlier ones."""

    reports: dict[str, Report]
    versions: dict[str, tuple[Version, ...]]
    buried: frozenset[str]
    current: dict[str, Report] = field(default_factory=dict)

    def find(self, keys: Sequence[str], entry: Entry) -> Report | None:
        for key in keys:
            report = self.reports.get(key)
            if report is None:
                continue
            report = self.current.get(report.id, report)
            if not (key.startswith("g1") and _reused(report, entry)):
                return report
        return None

    def learn(self, change: Change) -> None:
        self.current[change.report.id] = change.report
        for key in change.keys:
            self.reports.setdefault(key, change.report)
        if change.version:
            self.versions[change.report.id] = (*self.versions.get(change.report.id, ()), change.version)


def changes(waiting: Sequence[IntakeEntry], known: Known, feeds: Mapping[str, Feed]) -> tuple[Change, ...]:
    """Return one change per waiting entry, in order. `feeds` holds the feed of each."""
    memory = _Memory(dict(known.reports), dict(known.versions), known.buried)
    decided = []
    for intake in waiting:
        change = _change(intake, feeds[intake.feed_id], memory)
        memory.learn(change)
        decided.append(change)
    return tuple(decided)


def _change(intake: IntakeEntry, feed: Feed, memory: _Memory) -> Change:
    entry, keys = intake.entry, keys_of(intake.entry, feed)
    report = memory.find(keys, entry)
    if report is None:
        fresh = _report(intake, feed, keys)
        if memory.buried.intersection(keys):
            return Change(kind=ChangeKind.BURIED, intake=intake, report=fresh, keys=())
        return Change(kind=ChangeKind.NEW, intake=intake, report=fresh, keys=keys, version=_version(fresh, entry, 1))
    versions = memory.versions.get(report.id, ())
    print_ = words_print(entry)
    if any(version.fingerprint == print_ for version in versions):
        return Change(kind=ChangeKind.SAME, intake=intake, report=report, keys=keys)
    if report.outlet != feed.outlet or (report.feed_id != intake.feed_id and _abridged(report, entry)):
        return Change(kind=ChangeKind.SAME, intake=intake, report=report, keys=keys)
    number = 1 + max((version.number for version in versions), default=0)
    revised = replace(
        report,
        title=entry.title or report.title,
        text=entry.summary or report.text,
        language=_language(entry, feed),
        version=number,
    )
    return Change(
        kind=ChangeKind.REVISED,
        intake=intake,
        report=revised,
        keys=keys,
        version=_version(revised, entry, number, intake.seen_at),
    )


def words_print(entry: Entry) -> bytes:
    """Return a fingerprint over the words of title and text: white space, case and markup are no new version."""
    return bytes.fromhex(content_key("", "\n".join((squeeze(entry.title), squeeze(entry.summary)))))[:8]


def _reused(report: Report, entry: Entry) -> bool:
    """Tell whether an entry with a report's guid is another article: other link and hardly a title word in common."""
    if not entry.link or entry.link == report.link:
        return False
    mine, theirs = set(forms(entry.title)), set(forms(report.title))
    return len(mine & theirs) / max(1, min(len(mine), len(theirs))) < REUSED_GUID


def _abridged(report: Report, entry: Entry) -> bool:
    """Tell whether another feed of the outlet shows the same article with less of its text."""
    return squeeze(entry.title) == squeeze(report.title) and squeeze(entry.summary) in squeeze(report.text)


def _report(intake: IntakeEntry, feed: Feed, keys: tuple[str, ...]) -> Report:
    entry = intake.entry
    return Report(
        id=content_key("r1", intake.situation, keys[0]),
        situation=intake.situation,
        feed_id=feed.id,
        outlet=feed.outlet,
        source=entry.source_name or feed.name,
        grade=feed.grade,
        title=entry.title or squeeze(entry.summary)[:120],
        text=entry.summary,
        link=entry.link,
        author=entry.author,
        language=_language(entry, feed),
        published=_plausible(entry.published or entry.updated, intake.seen_at),
        seen_at=intake.seen_at,
    )


def _language(entry: Entry, feed: Feed) -> str:
    return language_of(f"{entry.title}\n{entry.summary}", entry.language or feed.language)


def _plausible(published: datetime | None, seen_at: datetime) -> datetime | None:
    """Return the stated time unless it is so far in the future that it says nothing (clock or zone gone wrong by over a day)."""
    if published is None or (published - seen_at).days >= 1:
        return None
    return published


def _version(report: Report, entry: Entry, number: int, seen_at: datetime | None = None) -> Version:
    return Version(
        report_id=report.id,
        number=number,
        title=report.title,
        text=report.text,
        seen_at=seen_at or report.seen_at,
        fingerprint=words_print(entry),
    )
