"""From what a document says to `model.Entry`: text is plain, links go to http(s) or nowhere.

Publishers are not trusted: no markup survives anywhere, so nothing is loaded and nothing runs wherever an entry is shown;
controls and text-direction overrides are taken out (a headline must not turn what stands after it around).
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urljoin

import nh3

from monitor.feeds.dates import parse as parse_date
from monitor.feeds.limits import Limits
from monitor.model import Entry, Language, content_key
from monitor.net.guard import check_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A text as a document has it: markup or plain."""

    value: str
    is_html: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item as any format has it, before anything is cleaned."""

    guid: str | None
    links: tuple[str, ...]
    """Candidates in order of preference; the first that leads anywhere counts."""
    title: Body
    bodies: tuple[Body, ...]
    author: str | None = None
    published: tuple[str, ...] = ()
    """Dates as written, the one that says most about publication first."""
    updated: str | None = None
    language: str | None = None
    source_name: str | None = None


DROPPED = frozenset({"script", "style", "head", "title", "noscript", "template", "iframe", "object", "svg", "math"})
"""Elements that go with all that is in them."""

_BLOCK = re.compile(
    r"<(?=/?(?:p|div|br|li|ul|ol|dl|dt|dd|h[1-6]|hr|tr|td|th|table|blockquote|pre|section|article|figure|figcaption)\b)",
    re.IGNORECASE,
)
_UNSEEN = re.compile(
    "[\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u200b\u2060\ufeff\ufffe\uffff\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+"
)
"""Controls, text-direction marks and overrides, spaces of no width, halves of letters: removed from all text."""

_LANGUAGES = {"en": "en", "eng": "en", "ru": "ru", "rus": "ru", "kk": "kk", "kaz": "kk", "kz": "kk"}
"""Primary subtags; `kz` is a country, but publishers write it for Kazakh."""


def entries(items: Sequence[Item], url: str, limits: Limits) -> tuple[tuple[Entry, ...], int]:
    """Return the entries of a document fetched from `url`, in its order, and how many were dropped past the limit."""
    made = [_entry(item, url, limits) for item in _newest(items, limits.entries)]
    guids, links = Counter(entry.guid for entry in made), Counter(entry.link for entry in made)
    marked = tuple(
        replace(
            entry,
            guid_repeated=entry.guid is not None and guids[entry.guid] > 1,
            link_repeated=entry.link is not None and links[entry.link] > 1,
        )
        for entry in made
        if entry.guid or entry.link or entry.title or entry.summary
    )
    return marked, max(len(items) - limits.entries, 0)


def _newest(items: Sequence[Item], limit: int) -> Sequence[Item]:
    """Return as many items as are taken: the first ones, or the last ones where the document runs from old to new."""
    if len(items) <= limit:
        return items
    first, last = (
        next((d for text in item.published if (d := parse_date(text))), None) for item in (items[0], items[-1])
    )
    return items[-limit:] if first and last and first < last else items[:limit]


def _entry(item: Item, url: str, limits: Limits) -> Entry:
    summary = max((plain(body, limits.text) for body in item.bodies), key=len, default="")
    dates = [date for text in item.published if (date := parse_date(text)) is not None]
    return Entry(
        guid=_guid(item.guid, limits.guid),
        link=_link(item.links, url),
        title=plain(item.title, limits.title),
        summary=summary,
        author=_name(item.author, limits.name),
        published=dates[0] if dates else None,
        updated=parse_date(item.updated),
        language=language(item.language),
        source_name=_name(item.source_name, limits.name),
    )


def plain(body: Body, limit: int) -> str:
    """Return a text without markup, its entities decoded once, whitespace collapsed, cut at `limit` characters."""
    value = body.value[: limit * 20]  # markup is rarely more than that of a text; the rest would be cut anyway
    if body.is_html and ("<" in value or "&" in value):
        spaced = _BLOCK.sub(" <", _UNSEEN.sub("", value))
        value = html.unescape(nh3.clean(spaced, tags=set(), clean_content_tags=set(DROPPED)))
    text = " ".join(_UNSEEN.sub("", value).split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def absolute(base: str, link: str) -> str | None:
    """Return a link as an absolute http(s) address, None when it is none. Spaces inside are escaped as browsers do."""
    link = _UNSEEN.sub("", link).strip().replace(" ", "%20")
    joined = urljoin_safe(base, link) if link else ""
    return None if not joined or check_url(joined) else joined


def urljoin_safe(base: str, link: str) -> str:
    """Return `link` against `base`, or as it stands where the two make no address."""
    try:
        return urljoin(base, link) if link else base
    except ValueError:
        return link


def language(tag: str | None) -> Language | None:
    """Return a declared language as ours: `en`, `ru`, `kk`, `other`; None when nothing is declared."""
    if not tag or not tag.strip():
        return None
    return _LANGUAGES.get(re.split(r"[-_]", tag.strip().lower())[0], "other")


def _link(candidates: Iterable[str], base: str) -> str | None:
    return next((link for candidate in candidates if (link := absolute(base, candidate))), None)


def _guid(guid: str | None, limit: int) -> str | None:
    """Return a guid as it stands; one that is too long to keep becomes a key of it."""
    text = _UNSEEN.sub("", (guid or "")).strip()
    if not text:
        return None
    return text if len(text) <= limit else content_key("g1", text)


def _name(name: str | None, limit: int) -> str | None:
    return plain(Body(value=name, is_html=True), limit) or None if name else None
