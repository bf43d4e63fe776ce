"""`monitor watches`: what is watched for, trying it out, and editing watches.yaml."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from monitor.cli import editing, ids, moments, output, shapes
from monitor.cli.command import Json, Since, command, group
from monitor.cli.reports import known_watch
from monitor.cli.session import Session
from monitor.cli.words import matched_words
from monitor.errors import QueryError, UsageError
from monitor.model import Match, Report, Severity, Watch

if TYPE_CHECKING:
    from monitor.settings.values import Settings

app = group("Watches: what is watched for, trying it out, and editing watches.yaml.")

Words = list[str] | None

GROUP_MARK = "|"
"""Stands between the words of one group of `--all`: any of them will do."""


@command(app, "list", example="monitor watches list")
def list_watches(session: Session, as_json: Json = False) -> None:
    """List the watches: severity, keywords, routes, when each last wanted a report."""
    settings = session.settings()
    with session.store_if_any() as store:
        last = {each.name: store.listings(watch=each.name, limit=1) for each in settings.watches} if store else {}
    routes = _routes(settings)
    if as_json:
        rows = (shapes.watch(w, routes[w.name], (last.get(w.name) or [None])[0]) for w in settings.watches)
        output.show_json(shapes.listed("watches", rows))
        return
    now = session.now
    shown = (
        (
            each.name,
            each.severity.word if each.enabled else "disabled",
            _size(each),
            ", ".join(routes[each.name]),
            moments.ago(last[each.name][0].at, now) if last.get(each.name) else None,
            each.title,
        )
        for each in settings.watches
    )
    headings = ("name", "severity", "words", "routes", "last match", "title")
    output.show(output.table(headings, shown, empty="No watches: add one with `monitor watches add NAME --any WORD`."))


@command(app, "add", example="monitor watches add flights --any авиарейс --any 'flights cancelled' --severity warning")
def add_watch(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Short name.", show_default=False)],
    any_words: Annotated[
        Words,
        typer.Option("--any", metavar="WORD", help="A word or phrase; one of them must be there.", show_default=False),
    ] = None,
    all_words: Annotated[
        Words,
        typer.Option("--all", metavar="WORD", help="Must be there too; 'a|b' means a or b.", show_default=False),
    ] = None,
    none_words: Annotated[
        Words, typer.Option("--none", metavar="WORD", help="Must not be there.", show_default=False)
    ] = None,
    query: Annotated[
        str | None,
        typer.Option("--query", help="What must be there, in the query language.", show_default=False),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="Name in alerts.", show_default=False)] = None,
    severity: Annotated[
        str, typer.Option("--severity", help="info, notice, warning or critical.")
    ] = Severity.NOTICE.word,
    language: Annotated[
        Words, typer.Option("--language", help="Only reports in this language.", show_default=False)
    ] = None,
    group_name: Annotated[
        Words, typer.Option("--group", metavar="NAME", help="Only feeds of this group.", show_default=False)
    ] = None,
    route: Annotated[
        Words,
        typer.Option("--route", metavar="NAME", help="Where it goes (default: to routes for all).", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Add a watch to watches.yaml; comments in the file stay. Options for words can be given several times.

    A running service takes it over at once, runs it over the reports of the alert window and lists what it finds,
    without alerting.
    """
    if not any_words and not all_words and not query:
        raise UsageError("a watch needs words: give some with --any or a --query, for example --any curfew")
    if query:
        _check(query)
    given: dict[str, Any] = {
        "title": title,
        "query": query,
        "any": any_words,
        "all": [_group(words) for words in all_words or ()],
        "none": none_words,
        "languages": language,
        "groups": group_name,
        "severity": severity,
        "routes": route,
    }
    row = {"name": name, **{key: value for key, value in given.items() if value}}
    from monitor.settings.edit import add_watch as append

    append(session.config_dir, row, environ=os.environ)
    sentence = f"Added the watch `{name}` to {session.config_dir / 'watches.yaml'}."
    hint = f"`monitor watches test {name}` shows what it finds in what is stored."
    editing.finish(session, {"added": row}, sentence, as_json=as_json, hint=hint)


@command(app, "remove", example="monitor watches remove flights")
def remove_watch(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the watch.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Take a watch out of watches.yaml, with the comment above it. What it found stays stored."""
    from monitor.settings.edit import remove_watch as take_out

    take_out(session.config_dir, name, environ=os.environ)
    sentence = f"Removed the watch `{name}` from {session.config_dir / 'watches.yaml'}."
    editing.finish(session, {"removed": name}, sentence, as_json=as_json)


@command(app, "test", example="monitor watches test unrest --text 'Митинг в Жанаозене продолжается'")
def try_watch(
    session: Session,
    wanted: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Watch to test (default: all); or a text.", show_default=False),
    ] = None,
    text: Annotated[str | None, typer.Option("--text", help="Test this text.", show_default=False)] = None,
    since: Since = None,
    as_json: Json = False,
) -> None:
    """Show what a watch finds and which words made it so: in a text, or in the reports stored in the alert window.

    Nobody is alerted and nothing is stored. A disabled watch is tested as if it were enabled.
    """
    settings = session.settings()
    if wanted and text is None and since is None and _is_text(settings, wanted):
        wanted, text = None, wanted
    if text is not None and since is not None:
        raise UsageError("choose one: --text tests a text, --since tests stored reports")
    if wanted is not None:
        known_watch(wanted, [each.name for each in settings.watches])
    watches = [replace(each, enabled=True) for each in settings.watches if wanted in {None, each.name}]
    if text is not None:
        _test_text(settings, watches, text, as_json=as_json)
    else:
        _test_stored(session, settings, watches, since, as_json=as_json)


def _test_text(settings: Settings, watches: Sequence[Watch], text: str, *, as_json: bool) -> None:
    """Run watches over a text as title and text at once; where it comes from is not known, so those limits are left out."""
    from monitor.language.detect import language_of

    free = [replace(each, sources=(), feeds=(), groups=()) for each in watches]
    report = _sample(settings, text, language_of(text))
    matches = settings.index(free).match(report, None)
    if as_json:
        rows = [shapes.match(each) for each in matches]
        output.show_json({"text": text, "language": report.language, "matches": rows})
        return
    headings = ("watch", "word", "keyword", "rule")
    output.show(output.table(headings, chain.from_iterable(map(_reason_rows, matches)), empty="No match."))
    if not matches:
        output.say("`monitor explain FILE` shows what came nearest.")
    output.say(f"The text was read as language `{report.language}`.")
    if limited := [each.name for each in watches if each.sources or each.feeds or each.groups]:
        output.say(f"Limits to sources, feeds and groups were left out: {', '.join(limited)}.")


def _test_stored(
    session: Session, settings: Settings, watches: Sequence[Watch], since: str | None, *, as_json: bool
) -> None:

    now = session.now
    start = moments.since(since, now, settings.zone) or now - settings.alert_window
    index, feeds = settings.index(watches), {feed.id: feed for feed in settings.feeds}
    with session.store() as store, output.working("running the watch over stored reports"):
        reports = store.reports_between(settings.situation_id, start, now)
        found = [(each, index.match(each, feeds.get(each.feed_id))) for each in reports]
    wanted = [(report, matches) for report, matches in reversed(found) if matches]
    if as_json:
        rows = [{**shapes.report(report), "matches": list(map(shapes.match, matches))} for report, matches in wanted]
        output.show_json({"since": start, "tested": len(reports), "reports": rows})
        return
    shown = (
        (moments.short(report.seen_at, settings.zone), ids.short(report.id), *_found(matches), report.title)
        for report, matches in wanted
    )
    headings = (f"seen ({settings.zone})", "report", "watch", "matched words", "headline")
    output.show(output.table(headings, shown, empty="No match."))
    seen = moments.full(start, settings.zone)
    output.show(Text(f"{len(wanted)} of {output.count(len(reports), 'report')} seen since {seen}."))


def _reason_rows(match: Match) -> Iterator[tuple[str, str, str, str]]:
    """Yield each different word that a watch found, with the keyword and what joined the two."""
    yield from dict.fromkeys((match.watch, each.surface, each.keyword, each.rule) for each in match.reasons)


def _found(matches: Sequence[Match]) -> tuple[str, str]:
    words = matched_words(reason for match in matches for reason in match.reasons)
    return ", ".join(match.watch for match in matches), words


def _is_text(settings: Settings, given: str) -> bool:
    """Tell whether an argument is a text to test: watches have one word for a name."""
    return " " in given.strip() and given not in {each.name for each in settings.watches}


def _sample(settings: Settings, text: str, language: str) -> Report:
    from datetime import UTC, datetime

    return Report(
        id="text",
        situation=settings.situation_id,
        feed_id="",
        outlet="",
        source="",
        grade=None,
        title=text,
        text=text,
        link=None,
        author=None,
        language=language,
        published=None,
        seen_at=datetime.now(UTC),
    )


def _size(watch: Watch) -> int:
    """Return how many words and names a watch asks for."""
    in_lists = len(watch.any) + sum(map(len, watch.all))
    if not watch.query:
        return in_lists
    from monitor.watches.query import leaves
    from monitor.watches.reading import read_query

    return in_lists + sum(1 for _ in leaves(read_query(watch.query)))


def _check(query: str) -> None:
    """Raise `UsageError` for a query that cannot be meant so; say on stderr where one may not say what is meant."""
    from monitor.watches.pointing import pointed
    from monitor.watches.reading import doubts

    try:
        doubtful = doubts(query)
    except QueryError as error:
        raise UsageError(f"{error.message}\n{pointed(query, error.span)}\n{error.hint}") from error
    for doubt in doubtful:
        output.say(f"{doubt.message}\n{pointed(query, doubt.span)}\n{doubt.hint}")


def _group(words: str) -> Any:
    """Return `a|b` as a list of words, a lone word as it is."""
    parts = [part.strip() for part in words.split(GROUP_MARK) if part.strip()]
    return parts if len(parts) > 1 else words.strip()


def _routes(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Return where each watch goes."""
    from monitor.alerts.policy import Rules

    rules = Rules(
        situation=settings.situation_id,
        watches={watch.name: watch for watch in settings.watches},
        routes=settings.routes,
        alert_window=settings.alert_window,
        operator_route=settings.operator_route,
    )
    return {watch.name: tuple(route.name for route in rules.routes_of(watch)) for watch in settings.watches}
