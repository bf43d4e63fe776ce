"""RSS, Atom and RDF as entries: the only user of feedparser, run inside the killable worker (parse.py).

feedparser's traps, and what is done about them (each measured):
    given bytes or str it may open the file or URL they name    its `parse` is never called: its two parsers are driven here
    prefers libxml2's SAX driver, which reads external entities  so expat it is, entities off
    its sanitiser passes `jav&#x09;ascript:` and forms, and its  both switched off; nh3 cleans, links are resolved in
    HTML passes are quadratic                                     entries.py
    quadratic on many attributes or categories                   CPU, memory and time limits of the worker
    resolves guids against the base address, so a moved feed     no base address is given; links are resolved here
    changes every identity
    without one, `xml:base` of an entry stays in force after it, `_Mended` ends it and joins relative ones
    and one that is relative to a relative one is lost
    fails as a whole on some end tags without start tags         `_Mended` skips them
    fills missing parts of dates from today                      the raw text is read by dates.py
    its loose parser fails on references to surrogates and       `_mended` rewrites them first
    beyond Unicode (`&#55357;&#56832;`)
    RFC 3023 rules turn `text/xml` without charset to ASCII      the text is decoded by charset.py and handed over as UTF-8
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
import warnings
import xml.sax
import xml.sax.expatreader
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import feedparser.api

from monitor.feeds import marks
from monitor.feeds.entries import Body, Item, entries, plain
from monitor.feeds.googlenews import recover
from monitor.feeds.heads import Outline, outline
from monitor.feeds.limits import Limits
from monitor.model import FailureKind, PollFailure
from monitor.ports import Head, ParsedFeed

_SUSPECT_REFERENCES = re.compile(
    rb"(?:&#(?:0++|0*+5[567][0-9]{3}|[0-9]{7,}+|[xX](?:0++|0*+[dD][89a-fA-F][0-9a-fA-F]{2}|[0-9a-fA-F]{6,}+));)++"
)
"""Runs of numeric references that may name no character: zero, those around the surrogates (55296 to 57343, U+D800 to
U+DFFF), very long ones. Few ordinary references match, and possessive repeats keep the search linear."""

_REFERENCE = re.compile(rb"&#([xX]?)0*+([0-9a-fA-F]*+);")

_LONGEST_NUMBER = 7
"""Digits of 1114111 (U+10FFFF), the last character; hexadecimal needs six."""

_XML_DECLARATION = re.compile(rb"^<\?xml\b[^>]*\?>")
_HTML = re.compile(r"(?:\s|<\?[^>]*>|<!--.*?-->)*<(?:!doctype\s+html|html|head)\b", re.IGNORECASE | re.DOTALL)
_OPENED = re.compile(r"<(?:\w+:)?(?:item|entry)\b", re.IGNORECASE)
_CLOSED = re.compile(r"</(?:\w+:)?(?:item|entry)\s*>", re.IGNORECASE)
_END = re.compile(r"</(?:\w+:)?(?:rss|feed|rdf|channel)\s*>\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """What feedparser made of a document, and why it is not well-formed."""

    version: str
    feed: Any
    entries: list[Any]
    error: Exception | None


def read(
    text: str, *, note: str | None, content_type: str | None, url: str, limits: Limits
) -> ParsedFeed | PollFailure:
    """Return what a document's text says, or why it is no feed. `note`: what was odd about its letters."""
    data = _utf8(text)
    result = _parse(data)
    items = list(_items(result))
    cut = result.error is not None and _is_cut(text)
    if cut and items:
        items.pop()  # what stands after the break is missing: half a headline would be taken for an edited one
    if not result.version and (not items or is_page(text)):
        return not_a_feed(text, content_type)
    if not items and cut:
        return PollFailure(
            kind=FailureKind.INCOMPLETE, reason="The document breaks off before the end of its first entry."
        )
    return _feed(result, items, outline(data, url), note, url, limits, cut=cut)


def read_part(head: str, new: str, tail: str, *, note: str | None, url: str, limits: Limits) -> ParsedFeed:
    """Return what the `new` entries of a document say that stand between its head and its tail."""
    before, fresh, after = _utf8(head), _utf8(new), _utf8(tail)
    around = outline(before + after, url, entries_at=len(before))
    frame = around.frame or (before, after)
    result = _parse(fresh.join(frame))
    return _feed(result, list(_items(result)), around, note, url, limits)


def _feed(
    result: _Result,
    items: list[Item],
    around: Outline,
    note: str | None,
    url: str,
    limits: Limits,
    *,
    cut: bool = False,
) -> ParsedFeed:
    feed = result.feed
    taken, dropped = entries(items, url, limits)
    return ParsedFeed(
        head=Head(
            title=plain(_body(feed.get("title_detail"), feed.get("title")), limits.title),
            language=_own(feed, "language"),
            generator=around.generator,
            pace=around.pace,
            links=around.relations,
            complete=around.complete,
            archive=around.archive,
        ),
        entries=taken,
        marks=marks.pack(map(marks.mark, taken)),
        shown=len(taken),
        warning=_warning(result, note, cut=cut, dropped=dropped),
        malformed=result.error is not None,
        dropped=dropped,
    )


class _Mended:
    """Mixed into both parsers: a base address ends with its element, and one relative to a relative one is joined.

    And a tag that their handlers fail on (`</width>` that was never opened) is skipped, not the whole document.
    """

    baseuri: str
    depth: int
    basestack: list[str]
    langstack: list[str | None]
    lang: str | None

    def unknown_starttag(self, tag: str, attrs: list[tuple[str, str]]) -> None:
        """Begin an element."""
        if self.baseuri and "://" not in self.baseuri:
            attrs = [
                (key, _joined(self.baseuri, value) if key in {"xml:base", "base"} else value) for key, value in attrs
            ]
            self.baseuri = "" if any(key in {"xml:base", "base"} for key, _ in attrs) else self.baseuri
        with contextlib.suppress(TypeError, LookupError, ValueError):
            super().unknown_starttag(tag, attrs)  # type: ignore[misc]

    def unknown_endtag(self, tag: str) -> None:
        """End an element."""
        depth = self.depth
        with contextlib.suppress(TypeError, LookupError, ValueError):
            super().unknown_endtag(tag)  # type: ignore[misc]
        if self.depth == depth:  # what comes last in there did not happen
            self.depth -= 1
            for stack in (self.basestack, self.langstack):
                del stack[-1:]
            self.lang = self.langstack[-1] if self.langstack else self.lang
        self.baseuri = self.basestack[-1] if self.basestack else ""


class _Strict(_Mended, feedparser.api.StrictFeedParser):  # type: ignore[misc]
    """Reads what is well-formed."""

    resolve_relative_uris = sanitize_html = False


class _Loose(_Mended, feedparser.api.LooseFeedParser):  # type: ignore[misc]
    """Reads anything."""

    resolve_relative_uris = sanitize_html = False


def _utf8(text: str) -> bytes:
    return _mended(_XML_DECLARATION.sub(b"", text.encode("utf-8", "replace"), count=1))


def _parse(data: bytes) -> _Result:
    """Return feedparser's reading of a document in UTF-8, with neither its HTML cleaning nor its link resolution."""
    version, data, entities = feedparser.api.replace_doctype(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        parser, error = _Strict("", None, "utf-8"), None
        try:
            _sax(parser, data)
        except xml.sax.SAXException as problem:
            error = problem
            parser = _Loose("", None, "utf-8", entities)
            parser.feed(data.decode("utf-8", "replace"))
    return _Result(version=version or parser.version, feed=parser.feeddata, entries=parser.entries, error=error)


def _sax(handler: Any, data: bytes) -> None:
    """Drive a strict parser: by expat, namespaces on, entities from outside off."""
    reader = xml.sax.expatreader.ExpatParser(1)
    reader.setFeature(xml.sax.handler.feature_external_ges, False)
    reader.setContentHandler(handler)
    reader.setErrorHandler(handler)
    source = xml.sax.xmlreader.InputSource()
    source.setByteStream(io.BytesIO(data))
    source.setEncoding("utf-8")
    reader.parse(source)


def _joined(base: str, link: str) -> str:
    try:
        return urljoin(base, link)
    except ValueError:
        return base


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


def _items(result: _Result) -> Iterator[Item]:
    inherited = _own(result.feed, "language")
    for entry in result.entries:
        title = entry.get("title_detail")
        published = tuple(text for key in ("published", "created") if (text := _own(entry, key)))
        updated = _own(entry, "updated")
        item = Item(
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
        )
        yield recover(item)


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
    return Body(value=detail.get("value") or "", is_html=is_html)


def _own(mapping: Any, key: str) -> str | None:
    """Return a value that is really there: feedparser's dictionaries answer for `updated` with `published`."""
    value = dict.get(mapping, key)
    return value.strip() or None if isinstance(value, str) else None


def _language(title: Any, entry: Any) -> str | None:
    detail = title or entry.get("summary_detail") or {}
    return detail.get("language") or _own(entry, "language") or _own(entry, "dc_language")


def _is_cut(text: str) -> bool:
    """Tell whether a document ends inside an entry or before its own end."""
    if _END.search(text, max(len(text) - 200, 0)):
        return False
    opened = max((match.start() for match in _OPENED.finditer(text)), default=-1)
    closed = max((match.start() for match in _CLOSED.finditer(text)), default=-1)
    return opened > closed


def is_page(text: str) -> bool:
    """Tell whether a text is a web page."""
    return bool(_HTML.match(text, 0, 2000))


def not_a_feed(text: str, content_type: str | None) -> PollFailure:
    """Return the failure of a document that is something else, with how it begins."""
    what = "a web page" if is_page(text) else "something else"
    kind = "".join(char for char in (content_type or "no content type") if char.isprintable())[:60]
    begins = " ".join(text[:60].split())
    return PollFailure(
        kind=FailureKind.NOT_A_FEED, reason=f"The server sent {what} instead of a feed ({kind}); it begins: {begins}"
    )


def _warning(result: _Result, note: str | None, *, cut: bool, dropped: int) -> str | None:
    """Return what is odd about a document that could be read all the same."""
    notes = [note] if note else []
    if cut:
        notes.append("The document breaks off; its last entry is left for the next poll.")
    elif result.error is not None:
        notes.append(f"The document is not well-formed: {_problem(result.error)}.")
    if dropped:
        notes.append(f"It has more entries than are taken; {dropped} of the oldest were left out.")
    return " ".join(notes) or None


def _problem(error: Exception) -> str:
    line = getattr(error, "getLineNumber", lambda: None)()
    message = getattr(error, "getMessage", lambda: str(error))()
    text = "".join(char if char.isprintable() else " " for char in str(message))[:100].strip(" .")
    return f"{text} (line {line})" if line else text
