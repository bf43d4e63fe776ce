"""A document as entries, whatever its format: told by its content, not by its type. Run inside the killable worker (parse.py)."""

from __future__ import annotations

import re

from monitor.feeds import charset, gdelt, jsonfeed, sitemap, xmlfeed
from monitor.feeds.limits import Limits
from monitor.feeds.reading import unpacked
from monitor.feeds.spans import Part
from monitor.feeds.xmlfeed import not_a_feed
from monitor.model import FailureKind, PollFailure
from monitor.ports import ParsedFeed

_ILLEGAL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]+")
"""Characters that XML 1.0 forbids and that stop a strict parser (section 2.2)."""


def parse_document(body: bytes, content_type: str | None, url: str, limits: Limits) -> ParsedFeed | PollFailure:
    """Return what a document fetched from `url` says, or why it is no feed. Opens nothing, whatever the document names."""
    document = unpacked(body)
    if isinstance(document, PollFailure):
        return document
    if not document.strip():
        return PollFailure(kind=FailureKind.EMPTY, reason="The server answered with an empty document.")
    decoded = charset.decode(document, content_type)
    text = _ILLEGAL.sub("", decoded.text).lstrip()
    readers = (jsonfeed.read, gdelt.read) if text.startswith("{") else (sitemap.read, gdelt.read)
    for read in readers:
        if (outcome := read(text, url, limits)) is not None:
            return outcome
    if text.startswith("{"):
        return not_a_feed(text, content_type)
    return xmlfeed.read(text, note=decoded.note, content_type=content_type, url=url, limits=limits)


def parse_part(part: Part, url: str, limits: Limits) -> ParsedFeed:
    """Return what the new entries of a document say that was cut into spans (spans.py)."""
    head, new, tail = (
        _ILLEGAL.sub("", piece.decode(part.encoding, "replace")) for piece in (part.head, part.entries, part.tail)
    )
    return xmlfeed.read_part(head.lstrip(" \t\r\n\ufeff"), new, tail, note=part.note, url=url, limits=limits)
