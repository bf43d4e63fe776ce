"""News sitemaps (Google's extension of the sitemap protocol): how portals without RSS say what is new. Runs in the killable worker.

A sitemap without headlines is no feed: nothing can be told from an address, and `lastmod` is no time of publication (case 117).
An index is no feed either, but names its children; `ParsedFeed.more` hands them on. Names are compared without their prefixes,
because sites declare the namespaces wrongly or not at all. The XML is read by expat as a stream, no tree is built; a document that
declares entities is refused, and nothing it names is ever opened (threat S9).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from xml.parsers import expat

from monitor.feeds.dates import parse as parse_date
from monitor.feeds.entries import Body, Item, plain
from monitor.feeds.limits import Limits
from monitor.feeds.links import absolute
from monitor.feeds.reading import whole
from monitor.model import FailureKind, PollFailure
from monitor.ports import Head, More, ParsedFeed

MAX_URLS = 1000
"""Addresses that a news sitemap may have; those with the newest dates are taken of longer ones."""

MAX_CHILDREN = 100
"""Children of an index that are handed on, the latest changed first."""

MAX_DEPTH = 50
"""Nesting that no sitemap has."""

MAX_VALUE = 20_000
"""Characters kept of one value."""

NEWS = "sitemap-news"
"""In the namespace of the extension, whatever version and scheme a site writes: an empty sitemap with it has no news now."""

_ROOT = re.compile(
    r"(?:\s++|<\?[^>]*+>|<!--(?:[^-]|-(?!->))*+-->|<!doctype[^>\[]*+(?:\[[^\]]*+\]\s*+)?>)*+"
    r"<(?:[\w.-]+:)?(urlset|sitemapindex)\b",
    re.IGNORECASE,
)
_AMPERSAND = re.compile(r"&(?!(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos);)")
"""An ampersand that begins no reference that XML knows."""


class _Refused(Exception):  # noqa: N818 - leaves expat's callbacks
    """The document is not read to its end; the text is the sentence for people."""


def read(text: str, url: str, limits: Limits) -> ParsedFeed | PollFailure | None:
    """Return what a sitemap fetched from `url` says or why it is no feed, None when the text is no sitemap."""
    root = _ROOT.match(text)
    if root is None:
        return None
    reader, problem = _read(text, url)
    if isinstance(problem, _Refused):
        return PollFailure(kind=FailureKind.NOT_A_FEED, reason=str(problem))
    warning = f"The document is not well-formed: {problem}." if problem else None
    if root[1].lower() == "sitemapindex":
        return _index(reader.children, url, warning)
    if problem and not reader.urls:
        reason = f"The sitemap cannot be read beyond its beginning: {problem}."
        return PollFailure(kind=FailureKind.INCOMPLETE, reason=reason)
    if not reader.items and (reader.urls or NEWS not in text):
        reason = (
            f"This is a sitemap without headlines ({reader.urls} pages); a news sitemap or a feed says what is new."
        )
        return PollFailure(kind=FailureKind.NOT_A_FEED, reason=reason)
    head = Head(
        title=plain(Body(value=_most(reader.names), is_html=True), limits.title),
        language=_most(reader.languages) or None,
    )
    taken = _newest(reader.items, min(MAX_URLS, limits.entries))
    return whole(taken, head, url=url, limits=limits, warning=warning, dropped=len(reader.items) - len(taken))


def _read(text: str, url: str) -> tuple[_Reader, _Refused | str | None]:
    """Return what was read of a sitemap and what stopped the reading.

    Addresses with bare ampersands and entities of HTML are common: where they break the document it is read again with them mended.
    """
    reader = _Reader(url)
    problem = reader.read(text)
    if isinstance(problem, str):
        reader = _Reader(url)
        problem = reader.read(_mended(text))
    return reader, problem


def _mended(text: str) -> str:
    """Return a document whose ampersands outside CDATA all begin references that XML knows; those of HTML are decoded later."""
    first, *rest = text.split("<![CDATA[")
    parts = [_AMPERSAND.sub("&amp;", first)]
    for part in rest:
        data, end, markup = part.partition("]]>")
        parts.append(data + end + _AMPERSAND.sub("&amp;", markup))
    return "<![CDATA[".join(parts)


def _index(children: Sequence[More], url: str, warning: str | None) -> ParsedFeed | PollFailure:
    """Return an index as its children, the latest changed first, those that do not say last."""
    resolved = (replace(child, url=target) for child in children if (target := absolute(url, child.url)))
    unique = {child.url: child for child in resolved if child.url != url}
    if not unique:
        return PollFailure(kind=FailureKind.NOT_A_FEED, reason="This is a sitemap index that names no sitemaps.")
    latest = sorted(
        unique.values(), key=lambda child: child.changed.timestamp() if child.changed else 0.0, reverse=True
    )
    return ParsedFeed(entries=(), marks=b"", shown=0, head=Head(), warning=warning, more=tuple(latest[:MAX_CHILDREN]))


def _newest(items: Sequence[Item], limit: int) -> Sequence[Item]:
    """Return as many items as are taken, in the document's order: those with the newest dates."""
    if len(items) <= limit:
        return items
    dates = [next((date.timestamp() for text in item.published if (date := parse_date(text))), 0.0) for item in items]
    kept = sorted(sorted(range(len(items)), key=lambda at: -dates[at])[:limit])
    return [items[at] for at in kept]


def _most(words: Iterable[str]) -> str:
    """Return the most frequent word, the first of equals."""
    return next((word for word, _ in Counter(words).most_common(1)), "")


class _Reader:
    """Expat's callbacks: where in the document we are, the values of the present `<url>`, and what was read."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.items: list[Item] = []
        self.children: list[More] = []
        self.names: list[str] = []
        self.languages: list[str] = []
        self.urls = 0
        self._path: list[str] = []
        self._values: dict[str, str] = {}
        self._text: list[str] = []
        self._size = 0

    def read(self, text: str) -> _Refused | str | None:
        """Read a document; return what stopped it, None at its end."""
        parser = expat.ParserCreate("utf-8")  # whatever the declaration says: the text is decoded by now
        parser.buffer_text = True
        parser.EntityDeclHandler = self._entity
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        try:
            parser.Parse(text.encode("utf-8", "replace"), True)
        except expat.ExpatError as error:
            return f"{expat.ErrorString(error.code)} (line {error.lineno})"
        except _Refused as refused:
            return refused
        return None

    def _entity(self, *_: object) -> None:
        raise _Refused("The sitemap is refused because it declares entities (<!ENTITY>), which none needs.")

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        if len(self._path) >= MAX_DEPTH:
            raise _Refused(f"The sitemap is refused because it is nested deeper than {MAX_DEPTH} elements.")
        self._path.append(name.rpartition(":")[2].lower())
        self._text, self._size = [], 0
        if len(self._path) == 2:  # noqa: PLR2004 - `url` or `sitemap`, whose values begin here
            self._values = {}

    def _data(self, text: str) -> None:
        if self._size < MAX_VALUE:
            self._text.append(text)
            self._size += len(text)

    def _end(self, _name: str) -> None:
        if len(self._path) == 2:  # noqa: PLR2004
            self._take(self._path[1])
        elif len(self._path) > 2 and self._size:  # noqa: PLR2004
            self._values.setdefault("/".join(self._path[2:]), " ".join("".join(self._text).split())[:MAX_VALUE])
        self._path.pop()
        self._text, self._size = [], 0

    def _take(self, kind: str) -> None:
        """Keep what an element below the root said; what has no headline only counts."""
        said = self._values
        address = said.get("loc", "")
        if kind == "sitemap" and address:
            self.children.append(More(url=address, changed=parse_date(said.get("lastmod"))))
        elif kind == "url":
            self.urls += 1
            title, date = said.get("news/title", ""), said.get("news/publication_date")
            if address and title:
                self.items.append(_item(absolute(self._url, address) or address, title, date, said))
                self.names.append(said.get("news/publication/name", ""))
                self.languages.append(said.get("news/publication/language") or said.get("news/language", ""))


def _item(address: str, title: str, date: str | None, said: dict[str, str]) -> Item:
    """Return one article. Its address is its identity too: that is what the same article has in the outlet's RSS (case 118)."""
    return Item(
        guid=address,
        links=(address,),
        title=Body(value=title, is_html=True),
        bodies=(),
        published=(date,) if date else (),
        updated=said.get("lastmod"),
        language=said.get("news/publication/language") or said.get("news/language"),
    )
