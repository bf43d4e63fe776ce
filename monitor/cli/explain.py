"""`monitor explain`: why a report or a text is wanted or not, watch by watch; what is not wanted by its nearest miss."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from monitor.alerts.feedtext import one_line
from monitor.cli import output, shapes
from monitor.cli.command import Json, command
from monitor.cli.reports import known_watch
from monitor.cli.session import Session
from monitor.cli.words import reason_line
from monitor.model import Watch

if TYPE_CHECKING:
    from monitor.cli.naming import Entities
    from monitor.cli.subject import Subject
    from monitor.watches import WatchIndex
    from monitor.watches.evidence import Evidence
    from monitor.watches.explaining import Line, Miss


def register(app: typer.Typer) -> None:
    """Add the command to the top level."""
    command(app, "explain", example="monitor explain r1a2b3c4d5e6 --watch unrest")(explain)


def explain(
    session: Session,
    what: Annotated[
        str,
        typer.Argument(
            metavar="REPORT|FILE|-",
            help="Id of a stored report, or a file (`-` is stdin): a text whose first line is the title, or a line of JSON"
            " as `monitor backtest` takes it.",
            show_default=False,
        ),
    ],
    watch: Annotated[
        list[str] | None,
        typer.Option("--watch", metavar="NAME", help="Only this watch, part by part.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show why each watch wants a report or a text, or does not: the words found, or what came nearest; what it names.

    A disabled watch that is named with --watch is tried as if it were enabled.
    """
    settings = session.settings()
    for name in watch or ():
        known_watch(name, [each.name for each in settings.watches])
    from monitor.cli.subject import subject

    given = subject(session, settings, what)

    chosen = [
        _tried(each, given, named=bool(watch)) for each in settings.watches if each.name in (watch or [each.name])
    ]
    index = settings.index(chosen)
    seen = index.read(given.report, {feed.id: feed for feed in settings.feeds}.get(given.report.feed_id))
    judged = _judged(index, seen)
    entity = settings.gazetteer.entity
    if as_json:
        output.show_json(_shape(seen, judged, entity))
        return
    output.show(*_shown(seen, judged, entity, in_full=bool(watch)))
    limited = [each.name for each in settings.watches if each.sources or each.feeds or each.groups]
    if limited and not given.placed:
        output.say(f"Where the text comes from is not known; limits to that were left out: {', '.join(limited)}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """What one watch makes of it."""

    watch: Watch
    wanted: bool
    score: float
    outside: str
    """The limits that it does not come from within; empty where it does."""
    lines: tuple[Line, ...]
    misses: tuple[Miss, ...]


def _tried(watch: Watch, given: Subject, *, named: bool) -> Watch:
    enabled = watch.enabled or named
    if given.placed:
        return replace(watch, enabled=enabled)
    return replace(watch, enabled=enabled, sources=(), feeds=(), groups=())


def _judged(index: WatchIndex, seen: Evidence) -> tuple[_Judged, ...]:
    from monitor.watches.explaining import lines, misses
    from monitor.watches.nodes import score

    wanted = {match.watch for match in index.judge(seen)}
    return tuple(
        _Judged(
            watch=each.watch,
            wanted=each.watch.name in wanted,
            score=score(each.node, seen) if each.node.holds(seen) else 0.0,
            outside="" if each.limits.take(seen.report, seen.feed) else str(each.limits),
            lines=tuple(lines(each.node, seen)),
            misses=misses(each.node, seen),
        )
        for each in index.watches
    )


# --- what is shown ------------------------------------------------------------------------------------------------------


def _shape(seen: Evidence, judged: Iterable[_Judged], entity: Entities) -> shapes.Shape:
    from monitor.cli.naming import named

    return {
        **shapes.report(replace(seen.report, named=tuple(sorted(seen.about)))),
        **named(seen.mentions, entity),
        "watches": [_watch_shape(each) for each in judged],
    }


def _watch_shape(judged: _Judged) -> shapes.Shape:
    return {
        "watch": judged.watch.name,
        "wanted": judged.wanted,
        "score": judged.score,
        "least_score": judged.watch.score,
        "outside": judged.outside or None,
        "query": [
            {
                "depth": line.depth,
                "holds": line.holds,
                "label": line.label,
                "reasons": list(map(shapes.reason, line.reasons)),
            }
            for line in judged.lines
        ],
        "misses": [
            {
                "label": miss.label,
                "hidden_by": list(map(shapes.reason, miss.hidden_by)),
                "near": [
                    {"keyword": near.keyword, "word": near.surface, "field": near.field, "why": near.why}
                    for near in miss.near
                ],
            }
            for miss in judged.misses
        ],
    }


def _shown(seen: Evidence, judged: Sequence[_Judged], entity: Entities, *, in_full: bool) -> Iterator[RenderableType]:
    from monitor.cli.naming import named_lines

    report = seen.report
    source = f"{one_line(report.source)}, " if report.source else ""
    yield Text.assemble((one_line(report.title), "bold"), f"  ({source}language {report.language})")
    yield from (Text(f"{heading}: {one_line(entries)}") for heading, entries in named_lines(seen.mentions, entity))
    if not judged:
        yield Text("No watch is enabled.")
    for each in judged:
        yield output.heading(f"{each.watch.name}: {_verdict(each)}")
        yield from _tree(each.lines) if in_full else _reasons(each)
        yield from _missed(each.misses)


def _verdict(judged: _Judged) -> str:
    if judged.wanted:
        return f"wanted, score {judged.score:g}"
    if judged.outside:
        return f"not wanted, it comes from outside its limits ({judged.outside})"
    if not judged.misses:
        return f"not wanted, its score {judged.score:g} is below {judged.watch.score:g}"
    return "not wanted"


def _reasons(judged: _Judged) -> Iterator[Text]:
    """Yield the words found, also where they were not enough."""
    found = dict.fromkeys(reason for line in judged.lines if line.holds for reason in line.reasons)
    yield from (Text(f"  {one_line(reason_line(reason))}") for reason in found)


def _tree(lines: Iterable[Line]) -> Iterator[Text]:
    for line in lines:
        indent = "  " * (line.depth + 1)
        yield Text(f"{indent}{'+' if line.holds else '-'} {one_line(line.label)}", style="" if line.holds else "dim")
        yield from (Text(f"{indent}    {one_line(reason_line(reason))}") for reason in line.reasons)


def _missed(misses: Iterable[Miss]) -> Iterator[Text]:
    for miss in misses:
        if miss.hidden_by:
            words = ", ".join(dict.fromkeys(reason.surface for reason in miss.hidden_by))
            yield Text(f"  left out for: {one_line(f'{words} ({miss.label})')}")
            continue
        yield Text(f"  nothing found of: {one_line(miss.label)}")
        for near in miss.near:
            yield Text(
                f"    nearest: {one_line(near.surface)} in the {near.field} for {near.keyword}: {one_line(near.why)}"
            )
