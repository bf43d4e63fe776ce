"""Which feed is meant by an address: the one that answers there, or one of those that its site has."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from monitor.cli import feeds_answer, feeds_check, moments, output
from monitor.cli.feeds_advice import FIRST, NO_FEED_FOUND
from monitor.cli.words import shown_address
from monitor.errors import MonitorError, UsageError
from monitor.model import FailureKind, Feed, PollFailure

if TYPE_CHECKING:
    from monitor.feeds.discover import Found
    from monitor.settings.values import Settings


def find(settings: Settings, url: str, networks: tuple[str, ...], *, best: bool) -> Found:
    """Return the feed that an address means; warnings go to stderr. `best` takes the first of several.

    `MonitorError` says why nothing there can be watched; `UsageError` lists the feeds of a page where nobody can be asked.
    """
    feed = Feed(id="new", name=url, url=url, situation=settings.situation_id, outlet="new", allow_networks=networks)
    with output.working(f"fetching {shown_address(url)}"):
        (check,) = feeds_check.check_feeds(settings, [feed])
    if check.failure is not None:
        return _chosen(url, _of_the_site(settings, check, check.failure), best=best)
    for warning in check.warnings:
        output.say(f"! {warning}")
    return _itself(url, check)


def shape(found: Found) -> dict[str, Any]:
    """Return what was found for `--json`."""
    return {
        "url": shown_address(found.url),
        "title": found.title,
        "entries": found.entries,
        "newest": found.newest,
        "how": found.how,
    }


def described(found: Found, now: datetime) -> str:
    """Return what was found in a line."""
    newest = moments.ago(found.newest, now)
    shows = f"{output.count(found.entries, 'entry', 'entries')}{f', the newest {newest}' if newest else ''}"
    return f"{shown_address(found.url)}  {found.title or 'without a title'}: {shows}"


def _itself(url: str, check: feeds_check.Check) -> Found:
    from monitor.feeds.discover import Found

    return Found(
        url=url,
        title=feeds_answer.title(check) or "",
        entries=len(check.parsed.entries) if check.parsed else 0,
        newest=feeds_answer.newest(check),
        how="itself",
    )


def _of_the_site(settings: Settings, check: feeds_check.Check, failure: PollFailure) -> Sequence[Found]:
    """Return the feeds of the site whose page was fetched instead of a feed."""
    shown = shown_address(check.feed.url)
    found: tuple[Found, ...] | PollFailure = ()
    left_out = list[str]()
    if failure.kind is FailureKind.NOT_A_FEED and check.fetched is not None:
        with output.working(f"looking for the feeds of {shown}"):
            found = feeds_check.find_feeds(settings, check.feed, check.fetched, left_out.append)
    for sentence in left_out:
        output.say(f"! {sentence}")
    if isinstance(found, PollFailure) or not found:
        reason = found.reason if isinstance(found, PollFailure) else failure.reason
        what = NO_FEED_FOUND if failure.kind is FailureKind.NOT_A_FEED else FIRST[failure.kind]
        raise MonitorError(f"{shown} was not added: {reason} {what}")
    return found


def _chosen(url: str, found: Sequence[Found], *, best: bool) -> Found:
    """Return the one that is meant: the first with `best`, else the one that the person at the terminal names."""
    if best:
        return found[0]
    now = datetime.now().astimezone()
    listed = [f"{number}. {described(each, now)}" for number, each in enumerate(found, start=1)]
    intro = f"{shown_address(url)} is a page; its site has {output.count(len(found), 'feed')}"
    if not can_ask():
        advice = "name the address that you mean, or say --yes for the first"
        raise UsageError("\n".join([f"{intro}: {advice}", *(f"  {line}" for line in listed)]))
    output.say("\n".join([f"{intro}:", *(f"  {line}" for line in listed)]))
    number: int = typer.prompt("Which one", default="1", value_proc=lambda typed: _number(typed, len(found)), err=True)
    return found[number - 1]


def _number(typed: str, most: int) -> int:
    """Return a number of the list; the prompt asks again after anything else."""
    if not (typed.strip().isdecimal() and 1 <= int(typed) <= most):
        raise typer.BadParameter(f"give a number from 1 to {most}, or end with Ctrl-C")
    return int(typed)


def can_ask() -> bool:
    """Tell whether a person sits at the other end."""
    return sys.stdin.isatty() and sys.stderr.isatty()
