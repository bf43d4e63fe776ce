"""What `monitor explain` is given: a stored report, a line of JSON, or a text."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.cli import ids
from monitor.cli.lines import Given, Unusable, intake_of, read_line, sources
from monitor.cli.reports import newest
from monitor.cli.session import Session
from monitor.errors import UsageError
from monitor.feeds.entries import Body, Item, entries
from monitor.feeds.limits import Limits
from monitor.language.detect import language_of
from monitor.model import Feed, Report

if TYPE_CHECKING:
    from monitor.settings.values import Settings

LONGEST = 16 * 2**20
"""Bytes read of a file."""

_BLANK = b"\xef\xbb\xbf \t\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is to be explained; `placed` tells whether it says where it comes from."""

    report: Report
    placed: bool


def subject(session: Session, settings: Settings, what: str) -> Subject:
    """Return what `what` means: `-` stdin, a file, else the id of a stored report. Raises UsageError where it is none of them."""
    if what == "-":
        return _read(sys.stdin.buffer.read(LONGEST), "stdin", settings, session.now)
    path = Path(what)
    if path.is_file():
        try:
            with path.open("rb") as file:
                return _read(file.read(LONGEST), what, settings, session.now)
        except OSError as error:
            raise UsageError(f"{what}: cannot be read: {error.strerror}") from error
    if not what.isalnum():
        raise UsageError(f"there is no file `{what}`, and no id of a report looks like that")
    with session.store() as store:
        report = ids.found("report", what, store.report(what), partial(newest, store, settings.situation_id))
    return Subject(report=report, placed=True)


def _read(raw: bytes, where: str, settings: Settings, now: datetime) -> Subject:
    """Read JSON where the text begins as an object does, else a title and what follows."""
    given = _from_json(raw, where) if raw.lstrip(_BLANK).startswith(b"{") else _from_text(raw, where)
    return _as_subject(given, settings.situation_id, settings.feeds, now)


def _from_json(raw: bytes, where: str) -> Given:
    try:
        return read_line(raw)
    except Unusable as error:
        raise UsageError(f"{where}: {error}") from error


def _from_text(raw: bytes, where: str) -> Given:
    """Return a text as a feed would bring it: cleaned, and cut where texts of feeds are."""
    try:
        title, _, text = raw.decode("utf-8-sig").strip().partition("\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"{where}: is not UTF-8") from error
    bodies = (Body(value=text, is_html=False),)
    item = Item(guid=where, links=(), title=Body(value=title, is_html=False), bodies=bodies)
    (entry,), _ = entries((item,), "", Limits())
    if not entry.title:
        raise UsageError(f"{where}: is empty")
    return Given(entry=entry, source=None, unknown=())


def _as_subject(given: Given, situation: str, feeds: Sequence[Feed], now: datetime) -> Subject:
    """Return what is given as a report seen for the first time; without a source it comes from nowhere."""
    entry, placed = given.entry, given.source is not None
    intake = intake_of(given, 1, entry.published or now, situation, sources(feeds))
    feed = next((each for each in feeds if each.id == intake.feed_id), None)
    report = Report(
        id=entry.guid or entry.link or "",
        situation=situation,
        feed_id=intake.feed_id if placed else "",
        outlet=(feed.outlet if feed else intake.feed_id) if placed else "",
        source=(feed.name if feed else intake.feed_id) if placed else "",
        grade=None,
        title=entry.title,
        text=entry.summary,
        link=entry.link,
        author=None,
        language=language_of(entry.title, entry.summary, declared=entry.language),
        published=entry.published,
        seen_at=intake.seen_at,
    )
    return Subject(report=report, placed=placed)
