"""`monitor feeds`: what is read, how it is doing, and trying it out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType

from monitor.cli import feeds_answer, feeds_check, feeds_push, moments, output, shapes
from monitor.cli.command import FAULT, Json, Networks, command, group
from monitor.cli.feeds_advice import require_address, what_to_do
from monitor.cli.session import Session
from monitor.errors import StoreError, UsageError
from monitor.model import Feed, FeedState, PushState, Subscription

if TYPE_CHECKING:
    from monitor.ports import Store
    from monitor.settings.values import Settings

app = group("Feeds: what is read, how it is doing, and editing feeds.yaml.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A feed with all that is known of it. `health` is `ok`, `failing`, `silent`, `new` or `disabled`."""

    feed: Feed
    state: FeedState | None
    subscription: Subscription | None
    health: str
    reason: str | None

    @property
    def is_pushed(self) -> bool:
        """Tell whether its hub sends what is new."""
        return self.state is not None and self.state.pushed

    @property
    def has_gaps(self) -> bool:
        """Tell whether entries may have been missed."""
        return self.state is not None and self.state.gaps > 0


@command(app, "list", example="monitor feeds list --failing --silent")
def list_feeds(
    session: Session,
    failing: Annotated[bool, typer.Option("--failing", help="Feeds whose last poll failed.")] = False,
    silent: Annotated[bool, typer.Option("--silent", help="Feeds that answer and show nothing new.")] = False,
    new: Annotated[bool, typer.Option("--new", help="Feeds that were not polled yet.")] = False,
    disabled: Annotated[bool, typer.Option("--disabled", help="Feeds that are switched off.")] = False,
    gaps: Annotated[bool, typer.Option("--gaps", help="Feeds of which entries may have been missed.")] = False,
    pushed: Annotated[bool, typer.Option("--pushed", help="Feeds whose hub sends what is new.")] = False,
    as_json: Json = False,
) -> None:
    """List feeds: how each is doing, its last success, how often something new comes, for how long nothing has, gaps, pushes.

    Below the table it says why a feed is not well. With options only the feeds are listed that one of them is about.
    """
    settings = session.settings()
    with session.store_if_any() as store:
        rows = _rows(settings, store, session.now)
    chosen = {"failing": failing, "silent": silent, "new": new, "disabled": disabled}
    filtered = any((*chosen.values(), gaps, pushed))
    wanted = [
        row
        for row in rows
        if not filtered or chosen.get(row.health) or (gaps and row.has_gaps) or (pushed and row.is_pushed)
    ]
    if as_json:
        output.show_json(
            shapes.listed("feeds", (shapes.feed(r.feed, r.state, r.subscription, r.health, r.reason) for r in wanted))
        )
        return
    output.show(_table(wanted, session.now), *_reasons(wanted, session.now, with_disabled=disabled))
    if all(row.state is None for row in rows):
        output.say("Nothing was polled yet: start the service with `monitor run`.")


@command(app, "poll", example="monitor feeds poll tengrinews-ru")
def poll_feeds(
    session: Session,
    wanted: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Ids; none: all enabled feeds.", show_default=False)
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also those whose publisher asked us to wait (Retry-After).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Have the running service poll feeds now, those that rest after failures too: for when the network is back.

    Feeds whose publisher asked for rest are left alone and named, unless you insist.
    """
    ids = wanted or [feed.id for feed in session.settings().feeds if feed.enabled]
    answer = session.ask("poll-now", feeds=ids, force=force)
    resting = answer.get("resting", {})
    if as_json:
        output.show_json({"polled": answer["feeds"], "resting": resting})
        return
    output.show(f"{output.count(answer['feeds'], 'feed')} due now; `monitor feeds list` shows what comes of it.")
    for feed_id, reason in resting.items():
        output.say(f"! {feed_id}: {reason}")
    if resting:
        output.say("`--force` asks all the same.")


@command(app, "check", example="monitor feeds check https://news.example/rss")
def check_feeds(
    session: Session,
    wanted: Annotated[
        list[str] | None,
        typer.Argument(metavar="[URL|ID]...", help="Addresses or ids; none: all enabled feeds.", show_default=False),
    ] = None,
    twice: Annotated[
        bool, typer.Option("--twice", help="Ask each a second time, to see whether it honours its validators.")
    ] = False,
    networks: Networks = None,
    as_json: Json = False,
) -> None:
    """Fetch and read feeds once, as the service would, and store nothing. Exit code 1 when one cannot be watched.

    For a single feed everything is shown: redirects, the headers that polling goes by, encoding, validators, stated and
    recommended pace, pushes, archives, entries with their times, warnings, and of a configured one what its hub said. One
    request for each, two with --twice.
    """
    settings = session.settings(secrets=True)
    allowed = tuple(networks or ())
    feeds = [_meant(settings, each, allowed) for each in wanted or ()] or [
        feed for feed in settings.feeds if feed.enabled
    ]
    if not feeds:
        raise UsageError(
            "there is no enabled feed to check: name an address, or add a feed with `monitor feeds add URL`"
        )
    with output.progress("checking feeds", len(feeds)) as display:
        task = display.task_ids[0]
        checks = feeds_check.check_feeds(settings, feeds, lambda _done: display.advance(task), twice=twice)
    ids = {feed.id for feed in settings.feeds}
    if as_json:
        rows = (feeds_answer.shape(check, configured=check.feed.id in ids) for check in checks)
        output.show_json(shapes.listed("feeds", rows))
    elif len(checks) == 1:
        output.show(*feeds_answer.described(checks[0], settings.zone, configured=checks[0].feed.id in ids))
        _say_push(session, settings, checks[0].feed)
    else:
        output.show(_check_table(checks, ids))
    if not all(check.usable for check in checks):
        raise typer.Exit(FAULT)


def _say_push(session: Session, settings: Settings, feed: Feed) -> None:
    """Say what is odd about the pushes of a feed that is configured."""
    if feed not in settings.feeds:
        return
    try:
        with session.store_if_any() as store:
            latest = _latest(store.subscriptions(settings.situation_id)) if store else {}
    except StoreError as error:
        output.say(f"! how its pushes stand cannot be told: {error}")
        return
    odd = feeds_push.oddity(latest.get(feed.id), session.now)
    if odd:
        output.say(f"! {odd}")


def _rows(settings: Settings, store: Store | None, now: datetime) -> list[Row]:
    states = {each.feed_id: each for each in store.feed_states(settings.situation_id)} if store else {}
    pushes = _latest(store.subscriptions(settings.situation_id)) if store else {}
    return [_row(feed, states.get(feed.id), pushes.get(feed.id), now) for feed in settings.feeds]


def _latest(subscriptions: Iterable[Subscription]) -> dict[str, Subscription]:
    """Return one subscription for each feed: the one that works, where a renewal beside it was only asked for."""
    ordered = sorted(subscriptions, key=lambda each: (each.state is PushState.ACTIVE, each.asked_at))
    return {each.feed_id: each for each in ordered}


def _row(feed: Feed, state: FeedState | None, subscription: Subscription | None, now: datetime) -> Row:
    from monitor.feeds.health import describe_state

    if not feed.enabled:
        health, reason = "disabled", feed.reason
    elif state is None:
        health, reason = "new", "It was not polled yet."
    else:
        health, reason = describe_state(state, feed, now)
    return Row(feed=feed, state=state, subscription=subscription, health=health, reason=reason)


def _table(rows: Sequence[Row], now: datetime) -> RenderableType:
    headings = ("id", "state", "last success", "usually new", "nothing new", "gaps", "push")
    return output.table(headings, (_cells(row, now) for row in rows), empty="No such feeds.")


def _cells(row: Row, now: datetime) -> tuple[object, ...]:
    """Return a row of the table: nothing in it is long, so that it fits 100 columns."""
    from monitor.feeds.health import push_state, rhythm, staleness

    state = row.state
    if state is None:
        return (row.feed.id, row.health, None, None, None, None, None)
    return (
        row.feed.id,
        row.health,
        moments.ago(state.last_success_at, now),
        rhythm(state),
        staleness(state, now),
        state.gaps or None,
        push_state(state, row.subscription),
    )


def _reasons(rows: Sequence[Row], now: datetime, *, with_disabled: bool) -> Iterable[RenderableType]:
    """Return what is to be said about feeds that are not well, about gaps, and about pushes."""
    quiet = {"ok", "new"} if with_disabled else {"ok", "new", "disabled"}
    said = [(row.feed.id, row.reason) for row in rows if row.reason and row.health not in quiet]
    said += [(row.feed.id, row.state.gap) for row in rows if row.state and row.state.gap]
    said += [(row.feed.id, row.state.warning) for row in rows if row.state and row.state.warning]
    said += [(row.feed.id, odd) for row in rows if (odd := feeds_push.oddity(row.subscription, now))]
    if said:
        yield output.heading("Why")
        yield output.table(("id", "reason"), said, empty="")


def _check_table(checks: Sequence[feeds_check.Check], ids: Collection[str]) -> RenderableType:
    rows = (
        (
            check.feed.id,
            "ok" if check.usable else "failing",
            len(check.parsed.entries) if check.parsed else None,
            f"{check.failure.reason} {what_to_do(check.failure.kind, configured=check.feed.id in ids)}"
            if check.failure
            else " ".join(check.warnings),
        )
        for check in checks
    )
    return output.table(("id", "state", "entries", "reason"), rows, empty="")


def _meant(settings: Settings, given: str, networks: tuple[str, ...]) -> Feed:
    """Return the configured feed with this id or address, else a feed made of the address, which may be in these networks."""
    for feed in settings.feeds:
        if given in {feed.id, feed.url}:
            return feed
    if "://" not in given:
        from monitor.settings.words import choose

        raise UsageError(
            f"there is no feed `{given}`: {choose(given, [f.id for f in settings.feeds])}"
            " (an address begins with https:// or http://)"
        )
    require_address(given)
    from monitor.net.urls import redact

    shown = redact(given)  # its credentials are for the publisher
    return Feed(id=shown, name=shown, url=given, situation=settings.situation_id, outlet=shown, allow_networks=networks)
