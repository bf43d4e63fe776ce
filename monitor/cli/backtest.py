"""`monitor backtest`: what watches would find and tell, over stored reports or given ones; nobody is told, nothing is kept."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli import moments, output
from monitor.cli.command import Since, command
from monitor.cli.reports import known_watch
from monitor.cli.session import Session
from monitor.errors import MonitorError, UsageError
from monitor.model import IntakeEntry, Watch

if TYPE_CHECKING:
    from rich.progress import Progress

    from monitor.cli.lines import Notes
    from monitor.pipeline.backtest import Trial, Verdict
    from monitor.settings.values import Settings

STEP = timedelta(days=1)
"""Stored reports are read by so much of their time."""
BATCH = 200
"""Reports given to the decision steps at once."""


def register(app: typer.Typer) -> None:
    """Add the command to the top level."""
    command(app, "backtest", example="monitor backtest --watch unrest --since 30d --compare other.yaml")(backtest)


def backtest(
    session: Session,
    watch: Annotated[
        list[str] | None,
        typer.Option(
            "--watch", metavar="NAME", help="Only this watch; can be given several times.", show_default=False
        ),
    ] = None,
    since: Since = None,
    given: Annotated[
        Path | None,
        typer.Option(
            "--input",
            metavar="FILE.jsonl",
            help="Reports as lines of JSON (id, source, url, title, summary, content, published, language), also packed"
            " with gzip; `-` is stdin.",
            show_default=False,
        ),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(
            "--compare",
            metavar="OTHER.yaml",
            help="A candidate for watches.yaml: what it would add and remove.",
            show_default=False,
        ),
    ] = None,
    wanted: Annotated[
        bool, typer.Option("--wanted", help="Print only reports that a watch wants, before or after the change.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON document a line: one for each report, the sums at the end.")
    ] = False,
) -> None:
    """Run the decision steps over reports, stored (--since) or given (--input): what is found and why, what would be told.

    Nobody is alerted, nothing is stored. Sums for each watch at the end: hits per day, sources, words. A disabled watch that
    is named with --watch runs as if it were enabled.
    """
    if (since is None) == (given is None):
        raise UsageError("choose one: --since 30d runs over stored reports, --input FILE.jsonl over given ones")
    settings = session.settings()
    candidate = session.settings_with(compare) if compare else None
    configured = [each.name for each in (*settings.watches, *(candidate.watches if candidate else ()))]
    for name in watch or ():
        known_watch(name, list(dict.fromkeys(configured)))
    with ExitStack() as stack:
        source = _given(session, settings, given, stack) if given else _stored(session, settings, since, stack)
        trials = [stack.enter_context(_trial(_only(each, watch))) for each in (settings, candidate) if each]
        _run(source, trials, settings, wanted=wanted, as_json=as_json)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Reports to decide, in the order of their times; how many where that is known."""

    entries: Iterable[IntakeEntry]
    total: int | None
    notes: Notes | None = None


def _given(session: Session, settings: Settings, path: Path, stack: ExitStack) -> _Source:
    from monitor.cli.lines import Lines, open_lines

    lines = stack.enter_context(Lines())
    with ExitStack() as reading, output.working(f"reading {path}"):
        lines.take(open_lines(path, sys.stdin.buffer, reading))
    if lines.notes.lines and not len(lines):
        first = lines.notes.named[0]
        raise MonitorError(
            f"{path}: none of its {lines.notes.lines} lines says a report; line {first.number} {first.why}"
        )
    return _Source(
        entries=lines.entries(settings.situation_id, settings.feeds, session.now), total=len(lines), notes=lines.notes
    )


def _stored(session: Session, settings: Settings, since: str | None, stack: ExitStack) -> _Source:
    now = session.now
    start = moments.since(since, now, settings.zone) or now
    store = stack.enter_context(session.store())

    def entries() -> Iterator[IntakeEntry]:
        from monitor.pipeline.backtest import stored_entry

        at, number = start, 0
        while at < now:
            until = min(at + STEP, now)
            for report in store.reports_between(settings.situation_id, at, until):
                number += 1
                yield stored_entry(number, report)
            at = until

    return _Source(entries=entries(), total=None)


@contextmanager
def _trial(settings: Settings) -> Iterator[Trial]:
    """Give the decision steps on a store in a folder of its own, which goes when they are done.

    In a file rather than in memory: what 100,000 reports come to is some hundred megabytes.
    """
    from monitor.pipeline.backtest import Trial
    from monitor.service.build import build_silent_setup
    from monitor.store import open_store

    with TemporaryDirectory(prefix="monitor-backtest-") as folder:
        store = open_store("sqlite:///backtest.db", data_dir=Path(folder))
        try:
            store.migrate()
            yield Trial(store, build_silent_setup(settings), settings.retention)
        finally:
            store.close()


def _only(settings: Settings, names: Sequence[str] | None) -> Settings:
    """Return a configuration with these watches only, all of them enabled; all as they are where none is named."""
    if not names:
        return settings
    chosen: tuple[Watch, ...] = tuple(replace(each, enabled=True) for each in settings.watches if each.name in names)
    return replace(settings, watches=chosen)


def _run(source: _Source, trials: Sequence[Trial], settings: Settings, *, wanted: bool, as_json: bool) -> None:
    from monitor.cli import backtest_shapes, backtest_view
    from monitor.cli.backtest_tally import Tally, hits

    tally, entity = Tally(trials[0].watches, settings.situation_zone), settings.gazetteer.entity
    span: tuple[datetime, datetime] | None = None
    for verdict, other in _verdicts(source, trials):
        tally.add(verdict, other)
        span = (span[0] if span else verdict.intake.seen_at, verdict.intake.seen_at)
        if wanted and not hits(verdict) and not (other and hits(other)):
            continue
        if as_json:
            output.show_json_line({"report": backtest_shapes.report(verdict, entity, other)})
        else:
            output.show(*backtest_view.report(verdict, entity, settings.situation_zone, other))
    compared = len(trials) > 1
    if as_json:
        output.show_json_line({"summary": backtest_shapes.summary(tally, span, source.notes, compared=compared)})
    else:
        output.show(*backtest_view.sums(tally, settings.situation_zone, source.notes, compared=compared))
    if source.notes:
        backtest_view.tell(source.notes)


def _verdicts(source: _Source, trials: Sequence[Trial]) -> Iterator[tuple[Verdict, Verdict | None]]:
    """Yield what each report comes to, and what it would come to with the candidate."""
    first, *others = trials
    entries = iter(source.entries)
    with _progress(source.total) as display:
        while batch := tuple(islice(entries, BATCH)):
            verdicts = first.decide(batch)
            theirs: Iterable[Verdict | None] = others[0].decide(batch) if others else (None for _ in batch)
            yield from zip(verdicts, theirs, strict=True)
            if display:
                display.advance(display.task_ids[0], len(batch))


def _progress(total: int | None) -> AbstractContextManager[Progress | None]:
    """Show how far it is, unless the reports themselves go by on the terminal."""
    return nullcontext() if sys.stdout.isatty() else output.progress("deciding reports", total)
