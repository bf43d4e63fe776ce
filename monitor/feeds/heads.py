"""What an RSS, Atom or RDF document says outside its entries: pace, links, RFC 5005 marks; and the least of it that entries need.

feedparser drops some of it (`skipHours`, `fh:complete`), keeps one of several where all are needed, and takes a third of a
millisecond for an ordinary head (measured); expat takes a tenth of that. Where a document is not well-formed, what stands
before the damage counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urljoin
from xml.parsers import expat

from monitor.feeds.entries import absolute
from monitor.model import Pace

HISTORY = "http://purl.org/syndication/history/1.0"
"""The namespace of RFC 5005."""

PERIODS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(days=7),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
"""`sy:updatePeriod` (RSS 1.0 syndication module)."""

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

ALL_HOURS, ALL_DAYS = (1 << 24) - 1, 0b1111111 << 24
"""Lists that name everything say nothing (conformance cases 47, 48)."""

MAX_TTL = timedelta(days=365)

MAX_LINKS = 100
"""More relations than any publisher needs."""

MAX_TEXT = 1000
"""Characters of a value; no number or address is longer."""

MAX_BASE = 1000
"""Characters of a base address; a longer one is none. Nested relative ones grow with every element."""

_IANA = "http://www.iana.org/assignments/relation/"
_START_TAG = re.compile(rb"""<(?:[^<>"']|"[^"]*+"|'[^']*+')*+>""")
_WORDS = frozenset({"ttl", "updateperiod", "updatefrequency", "hour", "day", "link", "generator"})
"""Elements whose text counts."""


@dataclass(slots=True, kw_only=True)
class Outline:
    """What was found outside the entries."""

    generator: str = ""
    ttl: timedelta | None = None
    period: str = ""
    frequency: str = "1"
    skips: int = 0
    links: dict[str, list[str]] = field(default_factory=dict)
    complete: bool = False
    archive: bool = False
    frame: tuple[bytes, bytes] | None = None
    """The least that entries must stand between to be read as in the whole document; None where that is not certain."""

    @property
    def pace(self) -> Pace:
        """Return the pace that is asked for (conformance cases 46 to 49); lists of all hours or days are ignored."""
        hours, days = self.skips & ALL_HOURS, self.skips & ALL_DAYS
        skips = (0 if hours == ALL_HOURS else hours) | (0 if days == ALL_DAYS else days)
        return Pace(ttl=self.ttl, period=_period(self.period, self.frequency), skips=skips)

    @property
    def relations(self) -> Mapping[str, tuple[str, ...]]:
        """Return the links by relation, each once."""
        return {rel: tuple(dict.fromkeys(links)) for rel, links in self.links.items()}


def outline(data: bytes, url: str, *, entries_at: int | None = None) -> Outline:
    """Return what a document in UTF-8, fetched from `url`, says outside its entries.

    `entries_at`: where its entries were taken out; only then a `frame` is made.
    """
    reader = _Reader(data, url, entries_at)
    reader.read()
    return reader.found


class _Reader:
    """Follows one document by expat, without namespaces: prefixes are often not declared where the rest is fine."""

    def __init__(self, data: bytes, url: str, entries_at: int | None) -> None:
        self.found = Outline()
        self._data, self._entries_at = data, entries_at
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.EntityDeclHandler = _refuse
        self._path: list[str] = []
        self._bases = [url]
        self._namespaces: dict[str, str] = {}
        self._inside_entry = 0
        self._text: list[str] | None = None
        self._kept: list[tuple[int, int]] = []
        self._began = -1

    def read(self) -> None:
        try:
            self._parser.Parse(self._data, True)
        except (expat.ExpatError, _RefusedError, ValueError):
            return
        if self._entries_at is not None and self._is_framed():
            self.found.frame = self._frame(self._entries_at)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2].lower()
        if self._inside_entry or local in {"item", "entry"}:
            self._inside_entry += 1
            return
        self._path.append(local)
        self._bases.append(_base(self._bases[-1], attributes))
        depth = len(self._path)
        if depth <= 3:  # noqa: PLR2004 - root, channel, and what is in it
            self._namespaces |= {key[6:]: value for key, value in attributes.items() if key.startswith("xmlns:")}
            self._keep_start(local, depth)
        if self._is_about_feed(depth):
            self._said(name, local, attributes)

    def _end(self, name: str) -> None:
        if self._inside_entry:
            self._inside_entry -= 1
            return
        if self._text is not None:
            self._value(self._path[-1], "".join(self._text).strip())
            self._text, self._parser.CharacterDataHandler = None, None
        self._keep_end(name, self._path[-1], len(self._path))
        self._path.pop()
        self._bases.pop()

    def _is_about_feed(self, depth: int) -> bool:
        """Tell whether the present element stands in the channel, or one of its lists does."""
        parent = self._path[-2] if depth > 1 else ""
        return parent in {"channel", "feed"} or (depth > 2 and parent in {"skiphours", "skipdays"})  # noqa: PLR2004

    def _said(self, name: str, local: str, attributes: dict[str, str]) -> None:
        if local == "link" and "href" in attributes:
            self._link(attributes.get("rel", "alternate"), attributes["href"])
        elif local in {"complete", "archive"}:
            prefix, own = name.rpartition(":")[0], attributes.get("xmlns")
            if self._namespaces.get(prefix, own) == HISTORY:
                setattr(self.found, local, True)
        elif local in _WORDS:
            self._text = []
            self._parser.CharacterDataHandler = self._text.append

    def _value(self, local: str, text: str) -> None:
        text, found = text[:MAX_TEXT], self.found
        if local == "ttl":
            found.ttl = found.ttl or _minutes(text)
        elif local == "generator":
            found.generator = text
        elif local == "updateperiod":
            found.period = text.lower()
        elif local == "updatefrequency":
            found.frequency = text or "1"
        elif local == "link":
            self._link("alternate", text)
        elif local == "hour" and _is_number(text) and int(text) <= 24:  # noqa: PLR2004 - 24 is 0
            found.skips |= 1 << int(text) % 24
        elif local == "day" and text.lower() in DAYS:
            found.skips |= 1 << 24 + DAYS.index(text.lower())

    def _link(self, relations: str, target: str) -> None:
        if (link := absolute(self._bases[-1], target[: MAX_TEXT * 2])) is None:
            return
        for relation in relations.lower().split():
            if sum(map(len, self.found.links.values())) < MAX_LINKS:
                self.found.links.setdefault(relation.removeprefix(_IANA)[:MAX_TEXT], []).append(link)

    # -- the frame

    def _keep_start(self, local: str, depth: int) -> None:
        """Keep the start tags of root and channel, and remember where a title or language begins."""
        at = self._parser.CurrentByteIndex
        if depth == 1 or (depth == 2 and local == "channel"):  # noqa: PLR2004
            tag = _START_TAG.match(self._data, at)
            self._kept.append((at, tag.end() if tag else -1))
        elif local in {"title", "language"} and self._path[-2] in {"channel", "feed"}:
            self._began = at

    def _keep_end(self, name: str, local: str, depth: int) -> None:
        """Keep the end tags of root and channel, and titles and languages as a whole."""
        at = self._parser.CurrentByteIndex
        is_tag = self._data.startswith(b"</" + name.encode(), at)  # else an empty-element tag ended here
        end = self._data.find(b">", at) + 1 if is_tag else at
        if depth == 1 or (depth == 2 and local == "channel"):  # noqa: PLR2004
            self._kept.append((at, end))
        elif local in {"title", "language"} and self._path[-2] in {"channel", "feed"}:
            self._kept.append((self._began, end))

    def _is_framed(self) -> bool:
        """Tell whether the root alone decides which dialect this is, so that nothing else of the head does."""
        if not self._kept or any(end <= 0 for _, end in self._kept):
            return False
        root = self._data[slice(*self._kept[0])]
        if b"rdf" in root[:40].lower():
            return b"http://purl.org/rss/1.0/" in root or b"http://my.netscape.com/rdf/simple/0.9/" in root
        return root[:4].lower() == b"<rss" or b"http://www.w3.org/2005/Atom" in root

    def _frame(self, entries_at: int) -> tuple[bytes, bytes]:
        parts = [(start, self._data[start:end]) for start, end in self._kept]
        before = b"".join(part for start, part in parts if start < entries_at)
        return before, b"".join(part for start, part in parts if start >= entries_at)


class _RefusedError(Exception):
    """A document declares entities: nothing of it is followed here."""


def _refuse(*_declaration: object) -> None:
    raise _RefusedError


def _base(base: str, attributes: dict[str, str]) -> str:
    own = attributes.get("xml:base")
    try:
        return urljoin(base, own) if own and len(base) + len(own) <= MAX_BASE else base
    except ValueError:
        return base


def _minutes(text: str) -> timedelta | None:
    """Return a `<ttl>`; what is no whole number of minutes above 0 says nothing (conformance case 46)."""
    return min(timedelta(minutes=int(text)), MAX_TTL) if _is_number(text) and int(text) else None


def _period(period: str, frequency: str) -> timedelta | None:
    """Return how often the publisher's software says it writes the document (conformance case 49)."""
    span = PERIODS.get(period)
    return span / int(frequency) if span and _is_number(frequency) and int(frequency) else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 8  # noqa: PLR2004 - years in minutes are junk
