"""A backtest for people: a few lines for each report, and the sums of each watch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from monitor.alerts.feedtext import one_line
from monitor.cli import ids, moments, output
from monitor.cli.backtest_tally import Example, OfWatch, Tally, added, hits
from monitor.cli.lines import Notes
from monitor.cli.naming import Entities, named_lines
from monitor.cli.words import outcome_words, reason_line
from monitor.model import Match
from monitor.pipeline.backtest import Verdict

MOST = 12
"""Sources and words shown for a watch."""
DAYS = 14
"""Days shown for a watch, the last ones."""
BAD_LINES = 10
"""Bad lines named on stderr."""


def report(verdict: Verdict, entity: Entities, zone: str, other: Verdict | None = None) -> Iterator[RenderableType]:
    """Yield the lines of a report: what it is, why watches want it, what it names, its story, what came of it."""
    stored = verdict.report
    when = moments.short(verdict.intake.seen_at, zone)
    edited = f", version {stored.version}" if stored.version > 1 else ""
    yield Text.assemble(
        f"{when}  ", (one_line(stored.title), "bold"), f"  ({one_line(stored.source)}, {stored.language}{edited})"
    )
    for match in verdict.matches:
        yield from _match(match)
    yield from (_line(f"{heading}: {entries}") for heading, entries in named_lines(verdict.mentions, entity))
    if verdict.development and verdict.matches:
        yield _line(f"story {ids.short(stored.story_id)}: {verdict.development.value.replace('_', ' ')}")
    yield _line(outcome_words(verdict.change, verdict.matches, verdict.listings, verdict.alerts))
    if other is not None:
        yield from _compared(verdict, other)


def sums(tally: Tally, zone: str, notes: Notes | None, *, compared: bool) -> Iterator[RenderableType]:
    """Yield the sums: of all, and of each watch."""
    yield output.heading("Summary")
    yield output.facts(
        (
            ("reports", f"{tally.reports} ({_counted(tally.changes)})" if tally.reports else 0),
            ("languages", _counted(tally.languages)),
            ("stories", _counted(tally.developments)),
            ("wanted", tally.wanted),
            ("alerts", f"{tally.alerts} (candidate: {tally.candidate_alerts})" if compared else tally.alerts),
            ("lines left out", f"{notes.bad} of {notes.lines}" if notes and notes.bad else None),
        )
    )
    quiet = [name for name, of in tally.watches.items() if not (of.reports or of.added)]
    for name, of in tally.watches.items():
        if name not in quiet:
            yield from _watch(name, of, compared=compared)
    if quiet:
        yield Text(f"\nNothing found: {', '.join(quiet)}.")
    yield Text(f"\nDays are those of {zone}.")


def tell(notes: Notes) -> None:
    """Say on stderr what was wrong with lines."""
    for bad in notes.named[:BAD_LINES]:
        output.say(f"line {bad.number}: {bad.why}")
    if notes.bad > BAD_LINES:
        output.say(f"... and {notes.bad - BAD_LINES} more lines that say no report")
    if notes.unknown:
        output.say(f"Keys that nothing is done with: {_counted(notes.unknown)}.")


def _match(match: Match) -> Iterator[Text]:
    yield _line(f"{match.watch}, score {match.score:g}:")
    for reason in match.reasons:
        yield Text(f"    {one_line(reason_line(reason))}")


def _compared(verdict: Verdict, other: Verdict) -> Iterator[Text]:
    mine, theirs = hits(verdict), hits(other)
    for name in added(mine, theirs):
        yield Text(f"  + candidate adds {name}: {_words(theirs[name])}", style="green")
    for name in added(theirs, mine):
        yield Text(f"  - candidate removes {name}: {_words(mine[name])}", style="red")
    if bool(verdict.alerts) != bool(other.alerts):
        outcome = outcome_words(other.change, other.matches, other.listings, other.alerts)
        yield _line(f"with the candidate: {outcome}")


def _watch(name: str, of: OfWatch, *, compared: bool) -> Iterator[RenderableType]:
    yield output.heading(name)
    yield output.facts(
        (
            ("reports", of.reports),
            ("in alerts", of.alerts),
            ("by day", _days(of.days)),
            ("sources", _counted(of.sources)),
            ("words", _counted(of.forms)),
            ("candidate", f"adds {of.added}, removes {of.removed}" if compared else None),
        )
    )
    yield from _examples("+", of.added, of.added_examples)
    yield from _examples("-", of.removed, of.removed_examples)


def _examples(mark: str, number: int, examples: Sequence[Example]) -> Iterator[Text]:
    for example in examples:
        yield Text(one_line(f"{mark} {example.title} ({', '.join(example.words)})"))
    if number > len(examples):
        yield Text(f"{mark} ... and {number - len(examples)} more")


def _days(days: Counter[date]) -> str:
    shown = sorted(days.items())[-DAYS:]
    before = f"({len(days) - DAYS} days before), " if len(days) > DAYS else ""
    return before + ", ".join(f"{day.isoformat()} {number}" for day, number in shown)


def _counted(counter: Counter[Any]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counter.most_common(MOST))


def _words(match: Match) -> str:
    return one_line(", ".join(dict.fromkeys(reason.surface for reason in match.reasons)))


def _line(text: str) -> Text:
    return Text(f"  {one_line(text)}")
