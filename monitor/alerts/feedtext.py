"""Feed text on its way into a message: cleaned, cut, marked; always data, never markup, never a header.

Problem: titles and texts come from strangers. They hold line breaks (header injection), terminal escapes, zero-width
and direction characters (a title that reads backwards, a link that looks like another), lone surrogates (no encoder
takes them) and towers of combining marks. Choice: everything that can be seen stays as it is, everything that only acts is
dropped, white space becomes one space. Spans of matched words point into the raw text, so the raw text is cut into
pieces first and each piece is cleaned by itself.
Refused: cleaning first and searching the word again, which marks the wrong place when a word stands twice.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from monitor.model import Reason

ELLIPSIS = "…"

MAX_LINK = 2048
"""Characters; longer links are cut by mail clients and chat services, so they are not offered at all."""

_DROPPED = re.compile(
    "["
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"  # controls, except those that separate lines
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2064\u3164\ufeff\uffa0"  # seen by nobody
    "\u061c\u202a-\u202e\u2066-\u206f"  # change the direction of what follows
    "\ufdd0-\ufdef\ufff0-\ufffb\ufffe\uffff"  # no characters at all
    "\ud800-\udfff"  # halves of surrogate pairs: UTF-8 has no bytes for them
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff"  # tags, private use
    "]"
)
_SPACE = re.compile(r"[\s\x1c-\x1f\x85\u2028\u2029]+")
_TOWER = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3})[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
_LINK_CHARACTERS = "!#$%&'()*+,/:;=?@[]~"
"""Reserved characters and `%` keep their meaning (RFC 3986 section 2.2); everything odd is percent-encoded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of text; `marked` is a matched word."""

    text: str
    marked: bool = False


def clean(text: str) -> str:
    """Return what can be seen of a text, on one line, with single spaces; ends are kept (see `one_line`)."""
    return _TOWER.sub(r"\1", _SPACE.sub(" ", _DROPPED.sub("", text)))


def one_line(text: str) -> str:
    """Return the cleaned text without spaces at its ends: safe as a header, a terminal line, a list item."""
    return clean(text).strip()


def isolated(text: str) -> str:
    """Return the text between direction isolates (U+2068, U+2069) where it holds right-to-left letters, else as it is.

    Cleaned text holds no direction characters, so the isolate cannot be closed from inside.
    """
    if any(unicodedata.bidirectional(char) in {"R", "AL", "AN"} for char in text):
        return f"\u2068{text}\u2069"
    return text


def cut(text: str, limit: int) -> str:
    """Return the text in at most `limit` characters, cut between words where one ends near, and marked with `…`."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    end = head.rfind(" ")
    if end > limit // 2:
        head = head[:end]
    while unicodedata.combining(text[len(head)]) and head:  # never between a letter and its mark
        head = head[:-1]
    return head.rstrip(" ,;:-–—.") + ELLIPSIS


def link(address: str | None) -> str | None:
    """Return an http(s) address that is safe in an attribute and on a line of its own, or None."""
    if address is None or _DROPPED.search(address) or len(address) > MAX_LINK:
        return None
    try:
        parts = urlsplit(address.strip())
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host or _SPACE.search(parts.netloc):
        return None
    return "".join(
        char if not char.isascii() and char.isalnum() else quote(char, safe=_LINK_CHARACTERS) for char in parts.geturl()
    )


def host(address: str) -> str:
    """Return the host of an address for showing beside its link, without `www.`."""
    return (urlsplit(address).hostname or "").removeprefix("www.")


def spans(text: str, field: str, reasons: Iterable[Reason]) -> tuple[tuple[int, int], ...]:
    """Return the matched stretches of a field in order, overlapping ones joined.

    A reason that belongs to another version of the text does not find its word there and is left out.
    """
    found = sorted(
        (reason.start, reason.end)
        for reason in reasons
        if reason.field == field and reason.surface and text[reason.start : reason.end] == reason.surface
    )
    joined: list[tuple[int, int]] = []
    for start, end in found:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def pieces(text: str, marks: Sequence[tuple[int, int]]) -> tuple[Piece, ...]:
    """Return the cleaned text in pieces, the stretches of `marks` (ordered, not overlapping) marked."""
    edges: list[tuple[int, int, bool]] = []
    at = 0
    for start, end in marks:
        edges += [(at, start, False), (start, end, True)]
        at = end
    edges.append((at, len(text), False))
    cleaned = [Piece(text=clean(text[start:end]), marked=marked) for start, end, marked in edges]
    return tuple(piece for piece in cleaned if piece.text)


def excerpt(text: str, marks: Sequence[tuple[int, int]], limit: int) -> tuple[Piece, ...]:
    """Return up to about `limit` characters of the text as pieces, from its beginning or from shortly before the first mark."""
    start = _opening(text, marks, limit)
    end = len(text) if start + limit >= len(text) else _word_end(text, start + limit)
    inside = [(first - start, min(last, end) - start) for first, last in marks if first >= start and first < end]
    found = list(pieces(text[start:end].strip() if not inside else text[start:end], inside))
    before = (Piece(text=f"{ELLIPSIS} "),) if start else ()
    after = (Piece(text=f" {ELLIPSIS}"),) if end < len(text) else ()
    return (*before, *found, *after)


def _opening(text: str, marks: Sequence[tuple[int, int]], limit: int) -> int:
    """Return where the excerpt begins: 0 while the first mark is well inside, else a word about a third before the mark."""
    if not marks or marks[0][1] <= limit * 3 // 4:
        return 0
    return text.rfind(" ", 0, max(marks[0][0] - limit // 3, 0)) + 1


def _word_end(text: str, near: int) -> int:
    """Return the end of the last word that ends at or before `near`."""
    end = text.rfind(" ", near - 60, near + 1)
    return end if end > 0 else near
