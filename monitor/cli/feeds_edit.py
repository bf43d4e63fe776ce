"""Editing feeds.yaml: `monitor feeds add`, `remove`, `import-opml`, and `export-opml`."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from monitor.cli import editing, feeds_check, feeds_finding, output
from monitor.cli.command import Json, Networks, command
from monitor.cli.feeds import app
from monitor.cli.feeds_advice import require_address
from monitor.cli.session import Session
from monitor.cli.words import shown_address
from monitor.errors import UsageError
from monitor.model import Feed

if TYPE_CHECKING:
    from monitor.settings.values import Settings

__all__ = ["app"]

ID_LENGTH = 40
"""Characters of an id made from an address or a name: short enough to type."""


@command(app, "add", example="monitor feeds add https://news.example/rss --name 'Example News' --language ru")
def add_feed(
    session: Session,
    url: Annotated[
        str, typer.Argument(metavar="URL", help="Address of the feed, or of a page of the site.", show_default=False)
    ],
    name: Annotated[
        str | None, typer.Option("--name", help="Name in alerts (default: the feed's own title).", show_default=False)
    ] = None,
    feed_id: Annotated[
        str | None,
        typer.Option("--id", help="Short id that stays for ever (default: from the address).", show_default=False),
    ] = None,
    group_name: Annotated[str | None, typer.Option("--group", help="Group, for watches.", show_default=False)] = None,
    language: Annotated[str | None, typer.Option("--language", help="en, ru, kk or other.", show_default=False)] = None,
    grade: Annotated[
        str | None, typer.Option("--grade", help="Reliability, A (best) to F.", show_default=False)
    ] = None,
    pace: Annotated[str | None, typer.Option("--pace", help="How often: 90s, 5m, 2h.", show_default=False)] = None,
    networks: Networks = None,
    crisis: Annotated[bool, typer.Option("--crisis", help="Poll it as often as feeds of a crisis are.")] = False,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Fetch it once first.")] = True,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Where a site has several feeds, take the best.")] = False,
    as_json: Json = False,
) -> None:
    """Add a feed to feeds.yaml, after it was fetched once to see that it is one. Comments in the file stay.

    Given the address of a page, the feeds of its site are looked for, and you are asked which one you mean.
    A running service takes the change over at once; its older entries are stored without alerts.
    """
    require_address(url)
    settings = session.settings(secrets=True)
    allowed = tuple(networks or ())
    found = feeds_finding.find(settings, url, allowed, best=yes) if check else None
    address = found.url if found else url
    given = {"language": language, "group": group_name, "grade": grade, "pace": pace, "crisis": crisis or None}
    row = {
        "id": feed_id or new_id(address, {feed.id for feed in settings.feeds}),
        "name": name or (found.title if found else "") or urlsplit(address).hostname or address,
        "url": address,
        **{key: value for key, value in given.items() if value is not None},
        **({"allow_networks": networks} if networks else {}),
    }
    from monitor.settings.edit import add_feeds

    add_feeds(session.config_dir, [row], environ=os.environ)
    done = {"added": row, "found": feeds_finding.shape(found) if found else None}
    sentence = f"Added `{row['id']}` ({row['name']}) to {session.config_dir / 'feeds.yaml'}."
    about = f"\n{feeds_finding.described(found, session.now)}" if found else ""
    editing.finish(session, done, sentence + about, as_json=as_json)


@command(app, "remove", example="monitor feeds remove example-news")
def remove_feed(
    session: Session,
    feed_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the feed.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Take a feed out of feeds.yaml, with the comment above it. What it brought stays stored."""
    from monitor.settings.edit import remove_feed as take_out

    take_out(session.config_dir, feed_id, environ=os.environ)
    sentence = f"Removed `{feed_id}` from {session.config_dir / 'feeds.yaml'}."
    editing.finish(session, {"removed": feed_id}, sentence, as_json=as_json)


@command(app, "import-opml", example="monitor feeds import-opml subscriptions.opml")
def import_opml(
    session: Session,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="OPML file of another reader.", show_default=False)],
    check: Annotated[bool, typer.Option("--check/--no-check", help="Leave out what cannot be watched.")] = True,
    as_json: Json = False,
) -> None:
    """Add the feeds of another reader's subscription list (OPML) that are not there yet. Folders become groups."""
    from monitor.feeds.opml import read_opml
    from monitor.settings.edit import add_feeds
    from monitor.settings.feeds_file import address_key

    settings = session.settings()
    known = {address_key(feed.url) for feed in settings.feeds}
    listed = {address_key(each.url): each for each in read_opml(_read(file))}
    fresh = [each for key, each in listed.items() if key not in known]
    names, taken = {feed.name.casefold() for feed in settings.feeds}, {feed.id for feed in settings.feeds}
    rows: list[dict[str, Any]] = []
    for each in fresh:
        row = {"id": new_id(each.url, taken), "name": _new_name(each.title, each.url, names), "url": each.url}
        if each.group:
            row["group"] = slug(each.group) or "imported"
        taken.add(row["id"])
        names.add(row["name"].casefold())
        rows.append(row)
    refused = _refused(settings, rows) if check else {}
    kept = [row for row in rows if row["id"] not in refused]
    add_feeds(session.config_dir, kept, environ=os.environ)
    left_out = [{"url": row["url"], "reason": refused[row["id"]]} for row in rows if row["id"] in refused]
    for each_left in () if as_json else left_out:
        output.say(f"Left out {each_left['url']}: {each_left['reason']}")
    sentence = (
        f"Added {output.count(len(kept), 'feed')}; {len(listed) - len(fresh)} were there already, "
        f"{len(left_out)} cannot be watched."
    )
    done = {"added": kept, "known": len(listed) - len(fresh), "left_out": left_out}
    editing.finish(session, done, sentence, as_json=as_json, changed=bool(kept))


@command(app, "export-opml", example="monitor feeds export-opml subscriptions.opml")
def export_opml(
    session: Session,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="File to write; none: standard output.", show_default=False),
    ] = None,
) -> None:
    """Write the enabled feeds as a subscription list (OPML) for other readers. Passwords are left out."""
    from monitor.feeds.opml import write_opml

    settings = session.settings()
    feeds = [feed for feed in settings.feeds if feed.enabled]
    data = write_opml(feeds, title=settings.situation_name)
    if file is None:
        sys.stdout.write(data.decode() + "\n")
        return
    try:
        file.write_bytes(data)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error
    output.say(f"Wrote {output.count(len(feeds), 'feed')} to {file}.")


def slug(text: str) -> str:
    """Return a text as an id: Latin letters, digits and dashes; empty where nothing is left."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")[:ID_LENGTH].strip("-")


def new_id(url: str, taken: Collection[str]) -> str:
    """Return an id from an address's host that no other feed has."""
    host = (urlsplit(url).hostname or "feed").removeprefix("www.")
    base = slug(host) or "feed"
    number = 1
    wanted = base
    while wanted in taken:
        number += 1
        wanted = f"{base}-{number}"
    return wanted


def _new_name(title: str, url: str, taken: Collection[str]) -> str:
    """Return a name that no other feed has: the title, where it is taken with the host, else the address."""
    host = urlsplit(url).hostname or url
    choices = (title, f"{title} ({host})", shown_address(url))
    return next((choice for choice in choices if choice.casefold() not in taken), url)


def _refused(settings: Settings, rows: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return why feeds of a list cannot be watched, by id."""
    feeds = [
        Feed(id=row["id"], name=row["name"], url=row["url"], situation=settings.situation_id, outlet=row["id"])
        for row in rows
    ]
    if not feeds:
        return {}
    with output.progress("checking feeds", len(feeds)) as display:
        checks = feeds_check.check_feeds(settings, feeds, lambda _done: display.advance(display.task_ids[0]))
    return {check.feed.id: check.failure.reason for check in checks if check.failure}


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
