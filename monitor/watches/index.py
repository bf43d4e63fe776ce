"""All watches and the gazetteer in one index: one pass over a report, then only the watches that something was found for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from monitor.language.gazetteer import Gazetteer, Recogniser
from monitor.language.phrases import Look, PhraseIndex, Reading
from monitor.model import Feed, Match, Reason, Report, Watch
from monitor.watches.compiling import Compiler, limits_of, query_of
from monitor.watches.evidence import Evidence
from monitor.watches.nodes import Node, score
from monitor.watches.origin import Origins
from monitor.watches.reading import read_query

MAX_REASONS = 20
"""Reasons kept per match; the first of each keyword and field come first."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A watch with what it asks for."""

    watch: Watch
    node: Node
    limits: Origins


@dataclass(frozen=True, slots=True)
class WatchIndex:
    """The compiled watches with the gazetteer; immutable, shared by threads."""

    watches: tuple[_Compiled, ...]
    phrases: PhraseIndex
    recogniser: Recogniser
    asking: Mapping[int | str, tuple[int, ...]]
    """Which watches (by position) a phrase or an entry may count for."""
    always: tuple[int, ...]
    """Watches that can want a report whatever was found in it."""

    def read(self, report: Report, feed: Feed | None) -> Evidence:
        """Return what the index finds in a report and what the report is about."""
        readings = {"title": Reading(report.title), "text": Reading(report.text)}
        looks = {name: Look(name, reading, self.phrases.find(reading)) for name, reading in readings.items()}
        mentions = self.recogniser.recognise(tuple(looks.values()), report.when.date())
        return Evidence(report=report, feed=feed, looks=looks, mentions=mentions, index=self.phrases)

    def match(self, report: Report, feed: Feed | None) -> tuple[Match, ...]:
        """Return a match for each watch that wants a report, in the order of the watches."""
        return self.judge(self.read(report, feed))

    def judge(self, seen: Evidence) -> tuple[Match, ...]:
        """Return a match for each watch that wants the report that was read, in the order of the watches.

        A reason's span points into the report's field as it is: `text[start:end]` is its surface.
        """
        found: Iterator[int | str] = chain(seen.named, *(look.found for look in seen.looks.values()))
        concerned = {at for what in found for at in self.asking.get(what, ())}
        matches = (_judge(self.watches[at], seen) for at in sorted(concerned.union(self.always)))
        return tuple(match for match in matches if match is not None)


def compile_watches(
    watches: Iterable[Watch], gazetteer: Gazetteer | None = None, saved: Mapping[str, str] | None = None
) -> WatchIndex:
    """Compile the enabled watches. Raises QueryError for a query that cannot be meant so."""
    gazetteer = gazetteer or Gazetteer(())
    compiler = Compiler(gazetteer, {name: read_query(text) for name, text in (saved or {}).items()})
    for phrase in gazetteer.phrases:
        compiler.number(phrase)
    compiled = tuple(
        _Compiled(watch, compiler.node(query_of(watch), watch.fields), limits_of(watch))
        for watch in watches
        if watch.enabled
    )
    asking: dict[int | str, list[int]] = {}
    always: list[int] = []
    for at, each in enumerate(compiled):
        needs = each.node.needs
        if needs is None:
            always.append(at)
            continue
        for what in needs:
            asking.setdefault(what, []).append(at)
    phrases = PhraseIndex(compiler.numbers)
    return WatchIndex(
        watches=compiled,
        phrases=phrases,
        recogniser=gazetteer.bind(phrases),
        asking={what: tuple(each) for what, each in asking.items()},
        always=tuple(always),
    )


def _judge(compiled: _Compiled, seen: Evidence) -> Match | None:
    if not compiled.limits.take(seen.report, seen.feed) or not compiled.node.holds(seen):
        return None
    strength = score(compiled.node, seen)
    if strength < compiled.watch.score:
        return None
    kept = _first_of_each(compiled.node.reasons(seen))
    report = seen.report
    return Match(report_id=report.id, watch=compiled.watch.name, version=report.version, reasons=kept, score=strength)


def _first_of_each(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Return the reasons by field and place, the first of each keyword and field before repetitions, at most MAX_REASONS.

    A keyword that stands at a place by several rules has one reason there.
    """
    once: dict[tuple[str, str, int, int], Reason] = {}
    for reason in sorted(reasons, key=_order):
        once.setdefault((reason.keyword, reason.field, reason.start, reason.end), reason)
    ordered = list(once.values())
    seen = set[tuple[str, str]]()
    first, later = list[Reason](), list[Reason]()
    for reason in ordered:
        (later if (reason.keyword, reason.field) in seen else first).append(reason)
        seen.add((reason.keyword, reason.field))
    return tuple([*first, *later][:MAX_REASONS])


def _order(reason: Reason) -> tuple[bool, int, str, int, str]:
    return (reason.field != "title", reason.start, reason.keyword, reason.end, reason.rule)
