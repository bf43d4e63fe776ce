"""The diff: what each entry is to what is stored. Pure; an entry's fate depends on intake order only.

A report is found by its keys and recognised by `reports.recognise`; other words than in any of its versions make a new
version, words that it had before are no change (an outlet that takes an edit back says nothing new). Only the outlet itself
revises a report: an aggregator that links to it under a headline of its own shows the same report, and where the aggregator
came first, the outlet takes its report over with its own words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.language.detect import language_of
from monitor.language.text import fold, forms, squeeze
from monitor.model import Change, ChangeKind, Entry, Feed, IntakeEntry, Report, Version, content_key
from monitor.ports import Known
from monitor.reports.identity import is_own, keys_of
from monitor.reports.recognise import headline, recognise


@dataclass(slots=True)
class _Memory:
    """What is known, growing as the batch is decided: later entries of a batch see earlier ones."""

    reports: dict[str, Report]
    versions: dict[str, tuple[Version, ...]]
    buried: frozenset[str]
    current: dict[str, Report] = field(default_factory=dict)

    def find(self, keys: Sequence[str], entry: Entry, outlet: str) -> Report | None:
        found = {key[:2]: report for key in keys if (report := self.owner(key))}
        return recognise(entry, outlet, found, {key[:2] for key in keys})

    def owner(self, key: str) -> Report | None:
        report = self.reports.get(key)
        return self.current.get(report.id, report) if report else None

    def is_buried(self, keys: Sequence[str]) -> bool:
        """Tell whether an entry that no report claims was pruned: all that identifies it is under a tombstone.

        A guid or link alone is not enough where the other one is new: publishers use them again.
        """
        identifying = [key for key in keys if key[:2] in {"l1", "g1"}] or keys
        gone = self.buried - self.reports.keys()
        return gone.issuperset(identifying) or keys[-1] in gone

    def claimed(self, keys: Sequence[str], report_id: str | None) -> tuple[str, ...]:
        """Return the keys a report is known by: those of no other report; the exact one only where some are another's."""
        free = tuple(key for key in keys if (owner := self.owner(key)) is None or owner.id == report_id)
        return free if len(free) < len(keys) else tuple(key for key in free if not key.startswith("e1"))

    def learn(self, change: Change) -> None:
        if change.kind is ChangeKind.BURIED:
            return
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
    keys = keys_of(intake.entry, feed)
    report = memory.find(keys, intake.entry, feed.outlet)
    if report is not None:
        return _known(intake, feed, report, memory.versions.get(report.id, ()), memory.claimed(keys, report.id))
    if memory.is_buried(keys):
        return Change(kind=ChangeKind.BURIED, intake=intake, report=_report(intake, feed, keys), keys=())
    mine = memory.claimed(keys, None)
    fresh = _report(intake, feed, tuple(key for key in mine if key not in memory.buried))
    return Change(
        kind=ChangeKind.NEW, intake=intake, report=fresh, keys=mine, version=_version(fresh, 1, intake.seen_at)
    )


def _known(
    intake: IntakeEntry, feed: Feed, report: Report, versions: Sequence[Version], keys: tuple[str, ...]
) -> Change:
    """Return what an entry of a known report is: a new version, or nothing new."""
    same = Change(kind=ChangeKind.SAME, intake=intake, report=report, keys=keys)
    entry, takes_over = intake.entry, report.outlet != feed.outlet
    if takes_over and not is_own(entry, feed):
        return same
    title, text = entry.title or report.title, entry.summary or report.text
    if not takes_over and report.feed_id != feed.id and _is_part(text, report.text):
        text = report.text
    print_ = words_print(title, text)
    if any(version.fingerprint == print_ for version in versions):
        return same
    number = 1 + max((version.number for version in versions), default=0)
    language = language_of(f"{title}\n{text}", entry.language or feed.language)
    revised = replace(report, title=title, text=text, language=language, version=number)
    if takes_over:
        revised = replace(
            revised,
            feed_id=feed.id,
            outlet=feed.outlet,
            source=entry.source_name or feed.name,
            grade=feed.grade,
            link=entry.link,
            author=entry.author,
        )
    version = _version(revised, number, intake.seen_at)
    return Change(kind=ChangeKind.REVISED, intake=intake, report=revised, keys=keys, version=version)


def words_print(title: str, text: str) -> bytes:
    """Return a fingerprint over the words of title and text: white space, case, marks and markup are no new version."""
    return bytes.fromhex(content_key("", fold(squeeze(title)), fold(squeeze(text))))[:8]


def _is_part(text: str, full: str) -> bool:
    """Tell whether a text is a part of the full one, cut between words or within one."""
    return " ".join(forms(text)) in " ".join(forms(full))


def _report(intake: IntakeEntry, feed: Feed, keys: tuple[str, ...]) -> Report:
    entry = intake.entry
    return Report(
        id=content_key("r1", intake.situation, keys[0]),
        situation=intake.situation,
        feed_id=feed.id,
        outlet=feed.outlet,
        source=entry.source_name or feed.name,
        grade=feed.grade,
        title=headline(entry),
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


def _version(report: Report, number: int, seen_at: datetime) -> Version:
    return Version(
        report_id=report.id,
        number=number,
        title=report.title,
        text=report.text,
        seen_at=seen_at,
        fingerprint=words_print(report.title, report.text),
    )
