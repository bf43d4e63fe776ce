"""Documents as entries: the only user of feedparser, run inside the killable worker (parse.py).

feedparser's traps, and what is done about them (each measured):
    given bytes or str it may open the file or URL they name    always a BytesIO
    prefers libxml2's SAX driver, which reads external entities  `PREFERRED_XML_PARSERS = []`, so expat, entities off
    its sanitiser passes `jav&#x09;ascript:` and forms, and its  both switched off; nh3 cleans, links are resolved in
    HTML passes are quadratic                                     entries.py
    quadratic on many attributes or categories                   CPU, memory and time limits of the worker
    resolves guids against the base address, so a moved feed     no base address is given; links are resolved here
    changes every identity
    fills missing parts of dates from today                      the raw text is read by dates.py
    its loose parser fails on references to surrogates and       `_mended` rewrites them first
    beyond Unicode (`&#55357;&#56832;`)
    RFC 3023 rules turn `text/xml` without charset to ASCII      the text is decoded by charset.py and handed over as UTF-8
"""

from __future__ import annotations

import io
import re
import sys
import warnings
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import feedparser
import feedparser.api

from monitor.feeds import charset, jsonfeed
from monitor.feeds.entries import Body, Item, entries, plain
from monitor.feeds.limits import Limits
from monitor.model import FailureKind, Pace, PollFailure
from monitor.ports import ParsedFeed

feedparser.api.PREFERRED_XML_PARSERS = []

PERIODS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(days=7),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
"""`sy:updatePeriod` (RSS 1.0 syndication module)."""

MAX_TTL = timedelta(days=365)

_ILLEGAL = {code: None for code in (*range(0x20), 0xFFFE, 0xFFFF) if chr(code) not in "\t\n\r"}
"""Characters that XML 1.0 forbids and that stop a strict parser (section 2.2)."""

_SUSPECT_REFERENCES = re.compile(
    rb"(?:&#(?:0++|0*+5[567][0-9]{3}|[0-9]{7,}+|[xX](?:0++|0*+[dD][89a-fA-F][0-9a-fA-F]{2}|[0-9a-fA-F]{6,}+));)++"
)
"""Runs of numeric references that may name no character: zero, those around the surrogates (55296 to 57343, U+D800 to
U+DFFF), very long ones. Few ordinary references match, and possessive repeats keep the search linear."""

_REFERENCE = re.compile(rb"&#([xX]?)0*+([0-9a-fA-F]*+);")

_LONGEST_NUMBER = 7
"""Digits of 1114111 (U+10FFFF), the last character; hexadecimal needs six."""

_XML_DECLARATION = re.compile(r"^<\?xml\b[^>]*\?>")
_HTML = re.compile(r"(?:\s|<\?[^>]*>|<!--.*?-->)*<(?:!doctype\s+html|html|head)\b", re.IGNORECASE | re.DOTALL)
_OPENED = re.compile(r"<(?:\w+:)?(?:item|entry)\b", re.IGNORECASE)
_CLOSED = re.compile(r"</(?:\w+:)?(?:item|entry)\s*>", re.IGNORECASE)
_END = re.compile(r"</(?:\w+:)?(?:rss|feed|rdf|channel)\s*>\s*\Z", re.IGNORECASE)


def parse_document(body: bytes, content_type: str | None, url: str, limits: Limits) -> ParsedFeed | PollFailure:
    """Return what a document fetched from `url` says, or why it is no feed. Opens nothing, whatever the document names."""
    if not body.strip():
        return PollFailure(kind=FailureKind.EMPTY, reason="The server answered with an empty document.")
    decoded = charset.decode(body, content_type)
    text = decoded.text.translate(_ILLEGAL).lstrip()
    if text.startswith("{"):
        return _json(text, content_type, url, limits)
    result = _feedparser(text)
    items = list(_items(result))
    cut = bool(result.get("bozo")) and _is_cut(text)
    if cut and items:
        items.pop()  # what stands after the break is missing: half a headline would be taken for an edited one
    if not result.get("version") and (not items or _is_page(text)):
        return _not_a_feed(text, content_type)
    if not items and cut:
        return PollFailure(
            kind=FailureKind.INCOMPLETE, reason="The document breaks off before the end of its first entry."
        )
    feed = result["feed"]
    taken, dropped = entries(items, url, limits)
    return ParsedFeed(
        title=plain(_body(feed.get("title_detail"), feed.get("title")), limits.title),
        language=_own(feed, "language"),
        entries=taken,
        pace=Pace(ttl=_ttl(feed)),
        warning=_warning(result, decoded, cut=cut, dropped=dropped),
        dropped=dropped,
    )


def _json(text: str, content_type: str | None, url: str, limits: Limits) -> ParsedFeed | PollFailure:
    feed = jsonfeed.read(text)
    if feed is None:
        return _not_a_feed(text, content_type)
    taken, dropped = entries(feed.items, url, limits)
    return ParsedFeed(
        title=plain(Body(value=feed.title, is_html=False), limits.title),
        language=feed.language,
        entries=taken,
        warning="The publisher says that this feed has ended and will not change any more." if feed.expired else None,
        dropped=dropped,
    )


def _feedparser(text: str) -> Any:
    """Return feedparser's reading of a text, with neither its HTML cleaning nor its link resolution."""
    data = _mended(_XML_DECLARATION.sub("", text, count=1).encode("utf-8", "replace"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return feedparser.parse(
            io.BytesIO(data),
            response_headers={"content-type": "application/xml; charset=utf-8"},
            sanitize_html=False,
            resolve_relative_uris=False,
        )


def _mended(data: bytes) -> bytes:
    """Return a document in UTF-8 whose numeric references all name characters (XML 1.0, section 4.1).

    Publishers that count in UTF-16 write an emoji as references to two surrogates: they become one to the letter.
    Lone surrogates, NUL and numbers beyond Unicode become U+FFFD.
    """
    return _SUSPECT_REFERENCES.sub(_mended_run, data)


def _mended_run(run: re.Match[bytes]) -> bytes:
    units = "".join(_character(match[2], 16 if match[1] else 10) for match in _REFERENCE.finditer(run[0]))
    text = units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return b"".join(b"&#%d;" % ord(char) for char in text)  # never raw: `&#0000060;` must not become markup


def _character(digits: bytes, base: int) -> str:
    """Return what a number without leading zeros names, maybe half a letter; U+FFFD for what cannot be one."""
    code = int(digits, base) if 0 < len(digits) <= _LONGEST_NUMBER else 0
    return chr(code) if 0 < code <= sys.maxunicode else "\N{REPLACEMENT CHARACTER}"


def _items(result: Any) -> Iterator[Item]:
    inherited = _own(result["feed"], "language")
    for entry in result["entries"]:
        title = entry.get("title_detail")
        published = tuple(text for key in ("published", "created") if (text := _own(entry, key)))
        updated = _own(entry, "updated")
        yield Item(
            guid=_own(entry, "id"),
            links=tuple(_links(entry)),
            title=_body(title, entry.get("title")),
            bodies=tuple(_bodies(entry)),
            author=_own(entry, "author"),
            published=published
            or ((updated,) if updated else ()),  # the only date of an entry is that of its publication
            updated=updated,
            language=_language(title, entry) or inherited,
            source_name=_own(entry.get("source") or {}, "title"),
            base=(title or {}).get("base") or "",
        )


def _links(entry: Any) -> Iterator[str]:
    """Yield the addresses an entry may be found at: its link, alternates, and a guid only where it is an address itself."""
    guid = _own(entry, "id")
    if (link := _own(entry, "link")) and (link != guid or "://" in link):
        yield link
    for other in entry.get("links") or ():
        if other.get("rel") == "alternate" and other.get("href") and other["href"] != guid:
            yield other["href"]
    if guid and guid.startswith(("http://", "https://")) and entry.get("guidislink", True):
        yield guid


def _bodies(entry: Any) -> Iterator[Body]:
    for content in entry.get("content") or ():
        if content.get("type", "text/html") in {
            "text/plain",
            "text/html",
            "application/xhtml+xml",
            "text",
            "html",
            "xhtml",
        }:
            yield _body(content, "")
    if entry.get("summary"):
        yield _body(entry.get("summary_detail"), entry["summary"])


def _body(detail: Any, value: str | None) -> Body:
    """Return a text construct; without details it may hold markup."""
    if not detail:
        return Body(value=value or "", is_html=True)
    is_html = detail.get("type", "text/html") not in {"text/plain", "text"}
    return Body(value=detail.get("value") or "", is_html=is_html, base=detail.get("base") or "")


def _own(mapping: Any, key: str) -> str | None:
    """Return a value that is really there: feedparser's dictionaries answer for `updated` with `published`."""
    value = dict.get(mapping, key)
    return value.strip() or None if isinstance(value, str) else None


def _language(title: Any, entry: Any) -> str | None:
    detail = title or entry.get("summary_detail") or {}
    return detail.get("language") or _own(entry, "language") or _own(entry, "dc_language")


def _ttl(feed: Any) -> timedelta | None:
    """Return the interval a document asks for, None where it says nothing usable (conformance cases 46, 49)."""
    minutes = dict.get(feed, "ttl") or ""
    if minutes.isascii() and minutes.isdigit() and 0 < len(minutes) < 8 and int(minutes):  # noqa: PLR2004 - years are junk
        return min(timedelta(minutes=int(minutes)), MAX_TTL)
    period = PERIODS.get((dict.get(feed, "sy_updateperiod") or "").strip().lower())
    frequency = (dict.get(feed, "sy_updatefrequency") or "1").strip()
    if period is None or not (frequency.isascii() and frequency.isdigit()) or not int(frequency[:6]):
        return None
    return period / int(frequency[:6])


def _is_cut(text: str) -> bool:
    """Tell whether a document ends inside an entry or before its own end."""
    if _END.search(text, max(len(text) - 200, 0)):
        return False
    opened = max((match.start() for match in _OPENED.finditer(text)), default=-1)
    closed = max((match.start() for match in _CLOSED.finditer(text)), default=-1)
    return opened > closed


def _is_page(text: str) -> bool:
    return bool(_HTML.match(text, 0, 2000))


def _not_a_feed(text: str, content_type: str | None) -> PollFailure:
    what = "a web page" if _is_page(text) else "something else"
    kind = "".join(char for char in (content_type or "no content type") if char.isprintable())[:60]
    begins = " ".join(text[:60].split())
    return PollFailure(
        kind=FailureKind.NOT_A_FEED, reason=f"The server sent {what} instead of a feed ({kind}); it begins: {begins}"
    )


def _warning(result: Any, decoded: charset.Text, *, cut: bool, dropped: int) -> str | None:
    """Return what is odd about a document that could be read all the same."""
    notes = [decoded.note] if decoded.note else []
    if cut:
        notes.append("The document breaks off; its last entry is left for the next poll.")
    elif result.get("bozo"):
        notes.append(f"The document is not well-formed: {_problem(result.get('bozo_exception'))}.")
    if dropped:
        notes.append(f"It has more entries than are taken; {dropped} of the oldest were left out.")
    return " ".join(notes) or None


def _problem(error: Any) -> str:
    line = getattr(error, "getLineNumber", lambda: None)()
    message = getattr(error, "getMessage", lambda: str(error))()
    text = "".join(char if char.isprintable() else " " for char in str(message))[:100].strip(" .")
    return f"{text} (line {line})" if line else text
