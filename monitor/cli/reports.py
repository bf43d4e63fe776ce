"""`monitor reports`: what is kept of what feeds showed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from monitor.alerts.feedtext import clean, one_line
from monitor.cli import ids, moments, output, shapes, worddiff
from monitor.cli.command import Json, Limit, Since, command, group
from monitor.cli.naming import about
from monitor.cli.session import Session
from monitor.cli.words import matched_words, state_words
from monitor.errors import UsageError
from monitor.model import Alert, Listing, Report, Story, Version
from monitor.ports import Store

if TYPE_CHECKING:
    from monitor.settings.values import Settings

app = group("What is kept of what feeds showed: every report with all of its versions.")

MARKS = {worddiff.Kind.REMOVED: ("[-", "-]", "red strike"), worddiff.Kind.ADDED: ("{+", "+}", "green")}
"""How a change is shown: brackets that read without colour too."""


@command(app, "list", example="monitor reports list --since 24h --watch unrest")
def list_reports(
    session: Session,
    since: Since = None,
    watch: Annotated[
        str | None, typer.Option("--watch", metavar="NAME", help="Only what this watch wants.", show_default=False)
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", help="Only with this in title or text.", show_default=False)
    ] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List the reports stored last: when seen, id, source, headline."""
    settings = session.settings()
    if watch is not None:
        known_watch(watch, [each.name for each in settings.watches])
    start = moments.since(since, session.now, settings.zone)
    with session.store() as store:
        found = store.reports(settings.situation_id, limit=limit, since=start, watch=watch, text=text)
    if as_json:
        output.show_json(shapes.listed("reports", map(shapes.report, found)))
        return
    output.show(report_table(found, settings.zone))


@command(app, "show", example="monitor reports show r1a2b3c4d5e6")
def show_report(
    session: Session,
    report_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the report, or its beginning.")],
    as_json: Json = False,
) -> None:
    """Show one report: text, what each edit changed, which watches want it and why, its story, its alerts."""
    settings = session.settings()
    with session.store() as store:
        report = ids.found("report", report_id, store.report(report_id), partial(newest, store, settings.situation_id))
        versions, listings = store.versions(report.id), store.listings(report_id=report.id)
        story = store.story(report.story_id) if report.story_id else None
        alerts = alerts_of(store, listings)
    if as_json:
        output.show_json(
            {
                **shapes.report(report),
                "text": report.text,
                "versions": [shapes.version(each, before) for before, each in _pairs(versions)],
                "matches": [shapes.listing(each) for each in listings],
                "in_story": shapes.story(story[0]) if story else None,
                "alerts": [shapes.alert(each) for each in alerts],
            }
        )
        return
    output.show(*_report(report, versions, listings, story[0] if story else None, alerts, settings))


def known_watch(name: str, names: Sequence[str]) -> None:
    """Raise `UsageError` for a watch that is not configured."""
    if name not in names:
        from monitor.settings.words import choose

        raise UsageError(f"there is no watch `{name}`: {choose(name, names)}")


def alerts_of(store: Store, listings: Iterable[Listing]) -> tuple[Alert, ...]:
    """Return the alerts that listings lead to, each once."""
    found = (store.alert(identifier) for identifier in dict.fromkeys(each.alert_id for each in listings) if identifier)
    return tuple(alert for alert in found if alert is not None)


def report_table(found: Iterable[Report], zone: str) -> RenderableType:
    """Return reports as a table."""
    rows = (
        (moments.short(each.seen_at, zone), ids.short(each.id), each.language, each.source, _title(each))
        for each in found
    )
    return output.table((f"seen ({zone})", "id", "lang", "source", "headline"), rows, empty="No reports.")


def _title(report: Report) -> str:
    return f"{report.title} (version {report.version})" if report.version > 1 else report.title


def _pairs(versions: Sequence[Version]) -> Iterable[tuple[Version | None, Version]]:
    return zip([None, *versions[:-1]], versions, strict=True)


def _report(
    report: Report,
    versions: Sequence[Version],
    listings: Sequence[Listing],
    story: Story | None,
    alerts: Sequence[Alert],
    settings: Settings,
) -> Iterable[RenderableType]:
    zone = settings.zone
    yield Text(one_line(report.title), style="bold")
    yield output.facts(
        (
            ("report", report.id),
            ("source", report.source + (f" (reliability {report.grade})" if report.grade else "")),
            ("author", report.author),
            ("link", report.link),
            ("feed", report.feed_id),
            ("language", report.language),
            ("names", about(report.named, settings.gazetteer)),
            ("published", moments.full(report.published, zone) or "not stated"),
            ("first seen", moments.full(report.seen_at, zone)),
            ("story", f"{ids.short(story.id)}  {story.title} ({_size(story)})" if story else None),
        )
    )
    yield Text("\n" + one_line(report.text))
    for before, version in _pairs(versions):
        if before is not None:
            yield from _edit(before, version, zone)
    yield output.heading("Wanted by")
    yield wanted_table(listings)
    if alerts:
        yield output.heading("Alerts")
        yield output.table(
            (f"decided ({zone})", "id", "severity", "route", "headline"),
            ((moments.short(a.at, zone), ids.short(a.id), a.severity.word, a.route, a.headline) for a in alerts),
            empty="",
        )


def _size(story: Story) -> str:
    return f"{output.count(story.reports, 'report')} of {output.count(story.sources, 'source')}"


def _edit(before: Version, after: Version, zone: str) -> Iterable[RenderableType]:
    yield output.heading(f"Version {after.number}, seen {moments.full(after.seen_at, zone)}, changed")
    for name, old, new in (("title", before.title, after.title), ("text", before.text, after.text)):
        if old != new:
            yield Text.assemble(f"{name}: ", difference(old, new))


def difference(before: str, after: str) -> Text:
    """Return how a text was edited: `[-gone-]{+come+}` with a few words around."""
    text = Text()
    for part in worddiff.brief(worddiff.compare(before, after)):
        opening, closing, style = MARKS.get(part.kind, ("", "", ""))
        text.append(f"{opening}{clean(part.text)}{closing}", style=style)
    return text


def wanted_table(listings: Sequence[Listing]) -> RenderableType:
    """Return what became of a report on each route, with the words that made watches want it."""
    rows = (
        (each.match.watch, each.route, state_words(each.disposition), matched_words(each.match.reasons))
        for each in listings
    )
    return output.table(("watch", "route", "what became of it", "matched words"), rows, empty="No watch wants it.")


def newest(store: Store, situation: str) -> Iterator[tuple[str, str]]:
    """Yield (id, title) of the newest reports: what an ambiguous id may mean."""
    for each in store.reports(situation, limit=ids.SEARCHED):
        yield each.id, each.title
