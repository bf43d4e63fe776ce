"""The diff: what each entry is to what is stored. Pure; an entry's fate depends on intake order only.

A report is found by its keys and recognised by `reports.recognise`; other words than in any of its versions make a new
version, words that it had before are no change (an outlet that takes an edit back says nothing new). Only the outlet itself
revises a report: an aggregator that links to it in words that are alike shows the same report, and where the aggregator came
first, the outlet takes its report over with its own words. Other words of another outlet are a report of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.language.detect import language_of
from monitor.language.text import fold, forms
from monitor.model import Change, ChangeKind, Entry, Feed, IntakeEntry, Report, Version, content_key
from monitor.ports import Known
from monitor.reports.identity import is_own
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
        gone = self.buried - self.reports.keys()
        link = (
            "o1" if any(key[:2] == "o1" and key in gone for key in keys) else "l1"
        )  # l1 may live on as another outlet's
        identifying = [key for key in keys if key[:2] in {link, "g1"}] or keys
        return gone.issuperset(identifying) or keys[-1] in gone

    def claimed(self, keys: Sequence[str], entry: Entry, feed: Feed, report: Report | None = None) -> tuple[str, ...]:
        """Return the keys a report (None: a new one) is known by from an entry: those that are no other report's.

        The outlet's link only where the link is another outlet's. The exact one only where some keys are another report's, or
        the words may drift away from an entry that stays: the outlet edits what an aggregator shows.
        """
        owners = {key: owner for key in keys if (owner := self.owner(key)) and (not report or owner.id != report.id)}
        copied = report is not None and report.outlet != feed.outlet
        beside = any(key[:2] == "l1" and owner.outlet != feed.outlet for key, owner in owners.items())
        idle = set() if beside and not copied else {"o1"}
        if not owners and not copied and (not entry.link or is_own(entry, feed)):
            idle.add("e1")
        return tuple(key for key in keys if key not in owners and key[:2] not in idle)

    def learn(self, change: Change) -> None:
        if change.kind is ChangeKind.BURIED:
            return
        self.current[change.report.id] = change.report
        for key in change.keys:
            self.reports.setdefault(key, change.report)
        if change.version:
            self.versions[change.report.id] = (*self.versions.get(change.report.id, ()), change.version)


def changes(
    waiting: Iterable[IntakeEntry], keys: Iterable[tuple[str, ...]], known: Known, feeds: Mapping[str, Feed]
) -> Iterator[Change]:
    """Yield one change per waiting entry, in order. `keys` are the `keys_of` each; `feeds` holds the feed of each."""
    memory = _Memory(dict(known.reports), dict(known.versions), known.buried)
    for intake, of_entry in zip(waiting, keys, strict=True):
        change = _change(intake, of_entry, feeds[intake.feed_id], memory)
        memory.learn(change)
        yield change


def _change(intake: IntakeEntry, keys: tuple[str, ...], feed: Feed, memory: _Memory) -> Change:
    report = memory.find(keys, intake.entry, feed.outlet)
    if report is not None:
        return _known(
            intake, feed, report, memory.versions.get(report.id, ()), memory.claimed(keys, intake.entry, feed, report)
        )
    if memory.is_buried(keys):
        return Change(kind=ChangeKind.BURIED, intake=intake, report=_report(intake, feed, keys), keys=())
    mine = memory.claimed(keys, intake.entry, feed)
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
    language = language_of(title, text, declared=entry.language or feed.language)
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
    return bytes.fromhex(content_key("", _folded(title), _folded(text)))[:8]


def _folded(text: str) -> str:
    """Return `fold(squeeze(text))`, word by word: nothing folds across a space, and most words are remembered (an eighth of the time)."""
    return " ".join(map(fold, text.split()))


def _is_part(text: str, full: str) -> bool:
    """Tell whether a text is a part of the full one, cut between words or within one."""
    return " ".join(forms(text)) in " ".join(forms(full))


def new_report_id(situation: str, key: str) -> str:
    """Return the id of a new report, from the strongest of its keys that is free."""
    return content_key("r1", situation, key)


def _report(intake: IntakeEntry, feed: Feed, keys: tuple[str, ...]) -> Report:
    entry = intake.entry
    return Report(
        id=new_report_id(intake.situation, keys[0]),
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
    return language_of(entry.title, entry.summary, declared=entry.language or feed.language)


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
