"""`monitor feeds`: what is read, how it is doing, and editing feeds.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType

from monitor.cli import feeds_check, moments, output, shapes
from monitor.cli.command import FAULT, Json, command, group
from monitor.cli.session import Session
from monitor.errors import UsageError
from monitor.model import Feed, FeedState

if TYPE_CHECKING:
    from monitor.settings.values import Settings

app = group("Feeds: what is read, how it is doing, and editing feeds.yaml.")


class Health(StrEnum):
    """How a feed is doing, as a choice on the command line."""

    OK = "ok"
    FAILING = "failing"
    SILENT = "silent"
    NEW = "new"
    DISABLED = "disabled"


@command(app, "list", example="monitor feeds list --health failing")
def list_feeds(
    session: Session,
    health: Annotated[
        Health | None, typer.Option("--health", help="Only feeds that do so.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """List all feeds: how each is doing and why, last success, entries, pace, next poll."""
    settings = session.settings()
    with session.store_if_any() as store:
        states = {each.feed_id: each for each in store.feed_states(settings.situation_id)} if store else {}
    now = session.now
    rows = [(feed, states.get(feed.id), *_health(feed, states.get(feed.id), now)) for feed in settings.feeds]
    chosen = [row for row in rows if health is None or row[2] == health]
    if as_json:
        output.show_json(shapes.listed("feeds", (shapes.feed(*row) for row in chosen)))
        return
    output.show(_table(chosen, now))
    if not states:
        output.say("Nothing was polled yet: start the service with `monitor run`.")


@command(app, "poll", example="monitor feeds poll tengrinews-ru")
def poll_feeds(
    session: Session,
    wanted: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Ids; none: all enabled feeds.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Have the running service poll feeds now, those that rest after failures too: for when the network is back."""
    ids = wanted or [feed.id for feed in session.settings().feeds if feed.enabled]
    answer = session.ask("poll-now", feeds=ids)
    if as_json:
        output.show_json({"polled": answer["feeds"]})
        return
    output.show(f"{output.count(answer['feeds'], 'feed')} due now; `monitor feeds list` shows what comes of it.")


@command(app, "check", example="monitor feeds check https://news.example/rss")
def check_feeds(
    session: Session,
    wanted: Annotated[
        list[str] | None,
        typer.Argument(metavar="[URL|ID]...", help="Addresses or ids; none: all enabled feeds.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Fetch and read feeds once, as the service would, and store nothing. Exit code 1 when one cannot be watched.

    For a single feed everything is shown: status, type, encoding, validators, pace, entries with their times, warnings.
    """
    settings = session.settings(secrets=True)
    feeds = [_meant(settings, each) for each in wanted or ()] or [feed for feed in settings.feeds if feed.enabled]
    if not feeds:
        raise UsageError(
            "there is no enabled feed to check: name an address, or add a feed with `monitor feeds add URL`"
        )
    with output.progress("checking feeds", len(feeds)) as display:
        checks = feeds_check.check_feeds(settings, feeds, lambda _done: display.advance(display.task_ids[0]))
    if as_json:
        output.show_json(shapes.listed("feeds", map(feeds_check.shape, checks)))
    elif len(checks) == 1:
        output.show(*feeds_check.described(checks[0], settings.zone))
    else:
        output.show(_check_table(checks))
    if not all(check.usable for check in checks):
        raise typer.Exit(FAULT)


def _health(feed: Feed, state: FeedState | None, now: Any) -> tuple[str, str | None]:
    from monitor.feeds.health import describe_state

    if not feed.enabled:
        return Health.DISABLED, feed.reason
    if state is None:
        return Health.NEW, "It was not polled yet."
    return describe_state(state, feed, now)


def _table(rows: Sequence[tuple[Feed, FeedState | None, str, str | None]], now: Any) -> RenderableType:
    shown = (
        (
            feed.id,
            health,
            moments.ago(state.last_success_at, now) if state else None,
            state.entries if state else None,
            moments.span(feed.pace),
            moments.ago(state.due_at, now) if state and feed.enabled else None,
            feed.name,
            sentence,
        )
        for feed, state, health, sentence in rows
    )
    headings = ("id", "state", "last success", "entries", "pace", "next", "name", "reason")
    return output.table(headings, shown, empty="No such feeds.")


def _check_table(checks: Sequence[feeds_check.Check]) -> RenderableType:
    rows = (
        (
            check.feed.id,
            "ok" if check.usable else "failing",
            len(check.parsed.entries) if check.parsed else None,
            check.failure.reason if check.failure else " ".join(check.warnings),
        )
        for check in checks
    )
    return output.table(("id", "state", "entries", "reason"), rows, empty="")


def _meant(settings: Settings, given: str) -> Feed:
    """Return the configured feed with this id or address, else a feed made of the address."""
    for feed in settings.feeds:
        if given in {feed.id, feed.url}:
            return feed
    if "://" not in given:
        from monitor.settings.words import choose

        raise UsageError(
            f"there is no feed `{given}`, and it is no address: {choose(given, [f.id for f in settings.feeds])}"
        )
    return Feed(id=given, name=given, url=given, situation=settings.situation_id, outlet=given)
