"""JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/), which feedparser 6 cannot read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from monitor.feeds.entries import Body, Item

_VERSION = re.compile(r"https?://(www\.)?jsonfeed\.org/version/1")


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonFeed:
    """A JSON Feed as read: items without an id are left out, as the format asks for."""

    title: str
    language: str | None
    items: tuple[Item, ...]
    expired: bool


def read(text: str) -> JsonFeed | None:
    """Return the feed a JSON text is, None when it is something else."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or not _VERSION.match(_text(data.get("version"))):
        return None
    listed = data.get("items")
    items = tuple(_items(listed if isinstance(listed, list) else [], _people(data)))
    return JsonFeed(
        title=_text(data.get("title")),
        language=_text(data.get("language")) or None,
        items=items,
        expired=data.get("expired") is True,
    )


def _items(listed: list[Any], feed_authors: str | None) -> Iterator[Item]:
    for data in listed:
        identity = data.get("id") if isinstance(data, dict) else None
        if isinstance(identity, bool) or not isinstance(identity, str | int | float) or not str(identity).strip():
            continue
        yield Item(
            guid=str(identity),
            links=tuple(link for key in ("url", "external_url") if (link := _text(data.get(key)))),
            title=Body(value=_text(data.get("title")), is_html=False),
            bodies=tuple(_bodies(data)),
            author=_people(data) or feed_authors,
            published=tuple(date for key in ("date_published", "date_modified") if (date := _text(data.get(key)))),
            updated=_text(data.get("date_modified")) or None,
            language=_text(data.get("language")) or None,
        )


def _bodies(data: dict[str, Any]) -> Iterator[Body]:
    for key, is_html in (("content_html", True), ("content_text", False), ("summary", False)):
        if value := _text(data.get(key)):
            yield Body(value=value, is_html=is_html)


def _people(data: dict[str, Any]) -> str | None:
    """Return the names of `authors` (1.1), or of `author` (1.0)."""
    people = data.get("authors")
    listed = people if isinstance(people, list) else [data.get("author")]
    names = [_text(person.get("name")) for person in listed if isinstance(person, dict)]
    return ", ".join(name for name in names if name) or None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
