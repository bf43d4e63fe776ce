"""`monitor stories`: reports about one event, across outlets."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated

import typer
from rich.text import Text

from monitor.alerts.feedtext import one_line
from monitor.cli import ids, moments, output, shapes
from monitor.cli.command import Json, Limit, command, group
from monitor.cli.reports import report_table
from monitor.cli.session import Session
from monitor.ports import Store

app = group("Stories: the reports about one event, across outlets.")


@command(app, "list", example="monitor stories list --limit 20")
def list_stories(session: Session, limit: Limit = 50, as_json: Json = False) -> None:
    """List the stories updated last: how many reports and sources each has."""
    settings = session.settings()
    with session.store() as store:
        found = store.list_stories(settings.situation_id, limit=limit)
    if as_json:
        output.show_json(shapes.listed("stories", map(shapes.story, found)))
        return
    rows = (
        (moments.short(each.updated_at, settings.zone), ids.short(each.id), each.reports, each.sources, each.title)
        for each in found
    )
    headings = (f"updated ({settings.zone})", "id", "reports", "sources", "title")
    output.show(output.table(headings, rows, empty="No stories yet."))


@command(app, "show", example="monitor stories show s1a2b3c4d5e6 --json")
def show_story(
    session: Session,
    story_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the story, or its beginning.")],
    as_json: Json = False,
) -> None:
    """Show one story with its reports, first come first."""
    settings = session.settings()
    with session.store() as store:
        newest = partial(_newest, store, settings.situation_id)
        story, reports = ids.found("story", story_id, store.story(story_id), newest)
    if as_json:
        output.show_json({**shapes.story(story), "in_order": [shapes.report(each) for each in reports]})
        return
    output.show(
        Text(one_line(story.title), style="bold"),
        output.facts(
            (
                ("story", story.id),
                ("opened", moments.full(story.opened_at, settings.zone)),
                ("updated", moments.full(story.updated_at, settings.zone)),
                ("sources", ", ".join(dict.fromkeys(each.source for each in reports))),
            )
        ),
        output.heading("Reports"),
        report_table(reports, settings.zone),
    )


def _newest(store: Store, situation: str) -> Iterator[tuple[str, str]]:
    for each in store.list_stories(situation, limit=ids.SEARCHED):
        yield each.id, each.title
