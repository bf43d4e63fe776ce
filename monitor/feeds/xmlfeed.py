"""RSS, Atom and RDF as entries: what feedparser (parsers.py) makes of them, without its inventions. Run inside the worker.

it fills missing parts of dates from today                the raw text is read by dates.py
its dictionaries answer for `updated` with `published`    `_own` asks for what is really there
it takes `text/xml` without charset for ASCII (RFC 3023)  the text is decoded by charset.py and handed over as UTF-8
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from monitor.feeds import marks
from monitor.feeds.entries import Body, Item, entries, plain
from monitor.feeds.googlenews import recover
from monitor.feeds.heads import Outline, outline
from monitor.feeds.limits import Limits
from monitor.feeds.parsers import Result, parse, utf8
from monitor.model import FailureKind, PollFailure
from monitor.ports import Head, ParsedFeed

_HTML = re.compile(r"(?:\s|<\?[^>]*>|<!--.*?-->)*<(?:!doctype\s+html|html|head)\b", re.IGNORECASE | re.DOTALL)
_OPENED = re.compile(r"<(?:\w+:)?(?:item|entry)\b", re.IGNORECASE)
_CLOSED = re.compile(r"</(?:\w+:)?(?:item|entry)\s*>", re.IGNORECASE)
_END = re.compile(r"</(?:\w+:)?(?:rss|feed|rdf|channel)\s*>\s*\Z", re.IGNORECASE)


def read(
    text: str, *, note: str | None, content_type: str | None, url: str, limits: Limits
) -> ParsedFeed | PollFailure:
    """Return what a document's text says, or why it is no feed. `note`: what was odd about its letters."""
    data = utf8(text)
    result = parse(data)
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
    before, fresh, after = utf8(head), utf8(new), utf8(tail)
    around = outline(before + after, url, entries_at=len(before))
    frame = around.frame or (before, after)
    result = parse(fresh.join(frame))
    return _feed(result, list(_items(result)), around, note, url, limits)


def _feed(
    result: Result,
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


def _items(result: Result) -> Iterator[Item]:
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
    begins = " ".join("".join(char if char.isprintable() else " " for char in text[:60]).split())
    return PollFailure(
        kind=FailureKind.NOT_A_FEED, reason=f'The server sent {what} instead of a feed ({kind}); it begins "{begins}".'
    )


def _warning(result: Result, note: str | None, *, cut: bool, dropped: int) -> str | None:
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
