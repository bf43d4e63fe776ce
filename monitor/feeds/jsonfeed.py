"""JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/), which feedparser 6 cannot read.

Told by its `version`, whatever the content type. Tags, attachments and images say nothing that is used here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from monitor.feeds.entries import Body, Item, plain
from monitor.feeds.limits import Limits
from monitor.feeds.links import absolute
from monitor.feeds.reading import whole
from monitor.ports import Head, ParsedFeed

_VERSION = re.compile(r"https?://(www\.)?jsonfeed\.org/version/1")

_WEBSUB = frozenset({"websub", "pubsubhubbub"})
"""Types of hubs that speak WebSub, by its present and its first name; `rssCloud` is another protocol."""


class _Number(str):
    """A number as it is written: `1.10` stays what it is, and it is no text where a text is meant."""

    __slots__ = ()


def read(text: str, url: str, limits: Limits) -> ParsedFeed | None:
    """Return the feed that a JSON text fetched from `url` is, None when it is something else.

    Items without an id are left out, as the format asks for; ids that are numbers are kept as they are written.
    """
    try:
        data = json.loads(text, parse_int=_Number, parse_float=_Number)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or not _VERSION.match(_text(data.get("version"))):
        return None
    expired = data.get("expired") is True
    head = Head(
        title=plain(Body(value=_text(data.get("title")), is_html=False), limits.title),
        language=_text(data.get("language")) or None,
        links=dict(_links(data, url)),
        expired=expired,
    )
    warning = "The publisher says that this feed has ended and will not change any more." if expired else None
    return whole(tuple(_items(data)), head, url=url, limits=limits, warning=warning)


def _links(data: Mapping[str, Any], url: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the feed's links by the relation they have elsewhere; a `next_url` that is the feed itself is none (case 95)."""
    itself = _address(data.get("feed_url"), url)
    following = _address(data.get("next_url"), url)
    hubs = (_address(hub.get("url"), url) for hub in _objects(data.get("hubs")) if _is_websub(hub))
    found = {
        "self": (itself,),
        "alternate": (_address(data.get("home_page_url"), url),),
        "next": (following if following not in {itself, url} else None,),
        "hub": tuple(dict.fromkeys(hubs)),
    }
    for rel, targets in found.items():
        if usable := tuple(target for target in targets if target):
            yield rel, usable


def _is_websub(hub: Mapping[str, Any]) -> bool:
    return _text(hub.get("type")).strip().lower() in _WEBSUB


def _items(data: Mapping[str, Any]) -> Iterator[Item]:
    authors = _people(data)
    for item in _objects(data.get("items")):
        identity = item.get("id")
        if not isinstance(identity, str) or not identity.strip():
            continue
        yield Item(
            guid=str(identity),
            links=tuple(link for key in ("url", "external_url") if (link := _text(item.get(key)))),
            title=Body(value=_text(item.get("title")), is_html=False),
            bodies=tuple(_bodies(item)),
            author=_people(item) or authors,
            published=tuple(date for key in ("date_published", "date_modified") if (date := _text(item.get(key)))),
            updated=_text(item.get("date_modified")) or None,
            language=_text(item.get("language")) or _text(data.get("language")) or None,
        )


def _bodies(item: Mapping[str, Any]) -> Iterator[Body]:
    for key, is_html in (("content_html", True), ("content_text", False), ("summary", False)):
        if value := _text(item.get(key)):
            yield Body(value=value, is_html=is_html)


def _people(data: Mapping[str, Any]) -> str | None:
    """Return the names of `authors` (1.1), else of `author` (1.0), which feeds of 1.1 may carry for older readers."""
    for listed in (_objects(data.get("authors")), _objects([data.get("author")])):
        names = [name for person in listed if (name := _text(person.get("name")).strip())]
        if names:
            return ", ".join(names)
    return None


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _address(value: Any, url: str) -> str | None:
    return absolute(url, link) if (link := _text(value)) else None


def _text(value: Any) -> str:
    """Return a text, nothing for what is none."""
    return value if isinstance(value, str) and not isinstance(value, _Number) else ""
