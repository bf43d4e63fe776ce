"""watches.yaml: what is watched for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monitor.language.gazetteer import Gazetteer
from monitor.language.text import fold
from monitor.model import Route, Watch, content_key
from monitor.settings.document import Document, Where
from monitor.settings.feeds_file import listed
from monitor.settings.files import WatchRow
from monitor.settings.names import Names
from monitor.settings.queries import Queries
from monitor.settings.validate import Findings, check_names, validate

KEYS = ("watches", "saved")


def watches(
    document: Document,
    findings: Findings,
    *,
    known: Names,
    routes: Sequence[Route] | None,
    gazetteer: Gazetteer,
    saved: Mapping[str, str],
) -> tuple[Watch, ...]:
    """Return the watches. `routes` is None while monitor.yaml has mistakes in them: then no way out is missed."""
    queries = Queries(document, saved, gazetteer, findings)
    based_on = content_key("b1", gazetteer.key, *(part for pair in sorted(saved.items()) for part in pair))
    rows = listed(document, "watches", findings)
    _report_doubles(document, rows, findings)
    made = []
    for number, raw in enumerate(rows):
        where = ("watches", number)
        row = validate(WatchRow, document, where, raw, findings)
        if row is None:
            continue
        _check_words(document, where, row, findings)
        watch = _watch(row, based_on)
        queries.check(where, row, watch)
        check_names(document, (*where, "routes"), row.routes, known.routes, "route", findings)
        check_names(document, (*where, "feeds"), row.feeds, known.feeds, "feed", findings)
        check_names(document, (*where, "groups"), row.groups, known.groups, "group of feeds", findings)
        _check_way_out(document, where, row, routes, findings)
        made.append(watch)
    return tuple(made)


def _report_doubles(document: Document, rows: list[Any], findings: Findings) -> None:
    first: dict[str, int] = {}
    for number, row in enumerate(rows):
        name = row.get("name") if isinstance(row, dict) else None
        if isinstance(name, str) and first.setdefault(name, number) != number:
            message = (
                f"the name `{name}` is taken by the watch in line {document.line(('watches', first[name], 'name'))}"
            )
            findings.add(document, ("watches", number, "name"), message, "give each watch its own")


def _check_words(document: Document, where: Where, row: WatchRow, findings: Findings) -> None:
    """A watch without words would match every report: nobody means that."""
    if not row.any and not row.all and not row.query.strip():
        instead = "write a `query:`, or list some under `any:` or `all:`"
        findings.add(document, where, f"the watch `{row.name}` has no keywords", instead)


def _check_way_out(
    document: Document, where: Where, row: WatchRow, routes: Sequence[Route] | None, findings: Findings
) -> None:
    """A watch that no route takes would match and say nothing."""
    if routes is None or row.routes or not row.enabled:
        return
    if not any(not route.watches or row.name in route.watches for route in routes):
        message = f"no route takes the watch `{row.name}`"
        findings.add(document, where, message, "name one under `routes:` here, or have a route without `watches:`")


def _watch(row: WatchRow, based_on: str) -> Watch:
    return Watch(
        query=row.query.strip(),
        score=row.score,
        based_on=based_on,
        name=row.name,
        title=row.title or row.name,
        any=_once(row.any),
        all=tuple(_once(group) for group in row.all),
        none=_once(row.none),
        fields=row.fields,
        languages=row.languages,
        sources=row.sources,
        feeds=row.feeds,
        groups=row.groups,
        severity=row.severity,
        routes=row.routes,
        enabled=row.enabled,
    )


def _once(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words without those that fold to an earlier one. Written small a word may mean something else: oral, Oral."""
    kept: dict[tuple[str, bool], str] = {}
    for word in words:
        kept.setdefault((fold(word), word.islower()), word)
    return tuple(kept.values())
