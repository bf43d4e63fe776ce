"""`monitor alerts`: what was told, to whom, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from monitor.alerts.feedtext import one_line
from monitor.cli import ids, moments, output, shapes
from monitor.cli.command import Json, Limit, Since, command, group
from monitor.cli.session import Session
from monitor.cli.words import matched_words, reason_words, state_words
from monitor.errors import UsageError
from monitor.model import Alert, Attempt, Delivery, Listing
from monitor.ports import Store

app = group("Alerts: what was told, to whom, and why.")

DELIVERIES = 1000
"""Deliveries of one alert that are shown: more recipients than any desk has."""


@command(app, "list", example="monitor alerts list --since 24h")
def list_alerts(
    session: Session,
    since: Since = None,
    route: Annotated[
        str | None, typer.Option("--route", metavar="NAME", help="Only on this route.", show_default=False)
    ] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List the alerts decided last."""
    settings = session.settings()
    if route is not None:
        known_route(route, [each.name for each in settings.routes])
    start = moments.since(since, session.now, settings.zone)
    with session.store() as store:
        found = store.alerts(limit=limit, route=route, since=start)
    if as_json:
        output.show_json(shapes.listed("alerts", map(shapes.alert, found)))
        return
    rows = (
        (moments.short(each.at, settings.zone), ids.short(each.id), each.severity.word, each.route, each.headline)
        for each in found
    )
    headings = (f"decided ({settings.zone})", "id", "severity", "route", "headline")
    output.show(output.table(headings, rows, empty="No alerts."))


@command(app, "show", example="monitor alerts show a1a2b3c4d5e6")
def show_alert(
    session: Session,
    alert_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the alert, or its beginning.")],
    as_json: Json = False,
) -> None:
    """Show one alert: why it was made, what was listed under it since, each delivery with its attempts."""
    settings = session.settings()
    with session.store() as store:
        alert = alert_called(store, alert_id)
        listings = store.listings(alert_id=alert.id)
        deliveries = deliveries_of(store, alert.id)
    if as_json:
        output.show_json(
            {
                **shapes.alert(alert),
                "listed": [shapes.listing(each) for each in listings],
                "deliveries": [shapes.delivery_with(each, attempts) for each, attempts in deliveries],
            }
        )
        return
    output.show(*_alert(alert, listings, deliveries, settings.zone))


def alert_called(store: Store, given: str) -> Alert:
    """Return the alert whose id begins so; `UsageError` where there is none or more than one."""
    return ids.found("alert", given, store.alert(given), lambda: _newest(store))


def _newest(store: Store) -> Iterator[tuple[str, str]]:
    for each in store.alerts(limit=ids.SEARCHED):
        yield each.id, each.headline


def known_route(name: str, names: Sequence[str]) -> None:
    """Raise `UsageError` for a route that is not configured."""
    if name not in names:
        from monitor.settings.words import choose

        raise UsageError(f"there is no route `{name}`: {choose(name, names)}")


def deliveries_of(store: Store, alert_id: str) -> tuple[tuple[Delivery, tuple[Attempt, ...]], ...]:
    """Return an alert's deliveries with their attempts, oldest first."""
    rows = store.deliveries(limit=DELIVERIES, alert_id=alert_id)
    found = (store.delivery(row.id) for row in reversed(rows))
    return tuple(each for each in found if each is not None)


def _alert(
    alert: Alert,
    listings: Sequence[Listing],
    deliveries: Sequence[tuple[Delivery, tuple[Attempt, ...]]],
    zone: str,
) -> Iterable[RenderableType]:
    yield Text(one_line(alert.headline), style="bold")
    report = alert.report
    yield output.facts(
        (
            ("alert", alert.id),
            ("severity", alert.severity.word),
            ("route", alert.route),
            ("decided", moments.full(alert.at, zone)),
            ("why", reason_words(alert.reason)),
            ("note", alert.note),
            ("report", report.id if report else None),
            ("source", report.source if report else None),
            ("link", report.link if report else None),
            ("published", moments.full(report.published, zone) if report else None),
            ("story", alert.story_id),
        )
    )
    if alert.matches:
        yield output.heading("Watches")
        rows = ((alert.watch_titles.get(m.watch, m.watch), matched_words(m.reasons)) for m in alert.matches)
        yield output.table(("watch", "matched words"), rows, empty="")
    if later := [each for each in listings if report is None or each.match.report_id != report.id]:
        yield output.heading("Listed under it since")
        listed = (
            (moments.short(each.at, zone), ids.short(each.match.report_id), state_words(each.disposition))
            for each in later
        )
        yield output.table((f"decided ({zone})", "report", "what became of it"), listed, empty="")
    yield output.heading("Deliveries")
    yield delivery_table([row for row, _ in deliveries], zone)
    for row, attempts in deliveries:
        if attempts:
            yield output.heading(f"Attempts of {ids.short(row.id)} ({row.channel}, {row.recipient})")
            yield attempt_table(attempts, zone)


def delivery_table(found: Iterable[Delivery], zone: str) -> RenderableType:
    """Return deliveries as a table."""
    rows = (
        (
            moments.short(each.created_at, zone),
            ids.short(each.id),
            each.state.value,
            each.channel,
            each.recipient,
            each.failures or None,
            each.reason,
        )
        for each in found
    )
    headings = (f"created ({zone})", "id", "state", "channel", "recipient", "failures", "reason")
    return output.table(headings, rows, empty="No deliveries.")


def attempt_table(attempts: Iterable[Attempt], zone: str) -> RenderableType:
    """Return attempts as a table."""
    rows = (
        (
            moments.short(each.started_at, zone),
            each.number,
            each.outcome,
            each.status,
            f"{each.took.total_seconds():.2f} s",
            each.detail,
        )
        for each in attempts
    )
    return output.table((f"started ({zone})", "no", "outcome", "status", "took", "answer"), rows, empty="No attempts.")
