"""What is new in a document that was cut into spans (spans.py), and how what was read of it joins what was known.

Rules, so that incremental reading finds the same news as reading everything:
    a span that is known stays unread              its bytes and all that bears on their reading are as they were
    a new entry whose guid or link a known one     the whole document is read: whether those stand twice in it decides
    shows as well                                  what identifies an entry
    entries and spans that are not one to one      the whole document counts, and its marks name no spans
    a document that is not well-formed             feedparser's tolerant parser reads all of it in another way. So its spans
                                                   have fingerprints of another kind: nothing new, nothing read; anything new,
                                                   all is read, the new ones just as in a full parse
    a known span that now reads differently        is no news: the publisher did not touch it. It happens where damage comes
                                                   into a document or leaves it, and where this program has changed
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import compress

from monitor.feeds import marks
from monitor.feeds.spans import Cut
from monitor.ports import ParsedFeed

MISSING = bytes(4)
"""The hash of a guid or link that is not there."""


def unread(pieces: Cut, known: Mapping[bytes, bytes]) -> list[int]:
    """Return the numbers of the spans that are not known. `known`: marks by the fingerprints of spans (`marks.by_span`)."""
    return [number for number, span in enumerate(pieces.spans) if span.print not in known]


def unchanged(pieces: Cut, known: Mapping[bytes, bytes]) -> ParsedFeed:
    """Return a document all of whose spans are known."""
    packed = b"".join([known[span.print] for span in pieces.spans])
    return ParsedFeed(entries=(), marks=packed, shown=len(pieces.spans), head=None, malformed=pieces.loose)


def joined(pieces: Cut, known: Mapping[bytes, bytes], new: Sequence[int], part: ParsedFeed) -> ParsedFeed | None:
    """Return a document of which only the `new` spans were read, as `part`; None where all of it must be read."""
    if part.malformed or part.dropped or len(part.entries) != len(new):
        return None
    added = [
        each._replace(span=pieces.spans[number].print)
        for number, each in zip(new, marks.unpack(part.marks), strict=True)
    ]
    shown = {span.print: known[span.print] for span in pieces.spans if span.print in known}
    kept = marks.unpack(b"".join(shown.values()))
    guids, links = {mark.guid for mark in kept} - {MISSING}, {mark.link for mark in kept} - {MISSING}
    if any(mark.guid in guids or mark.link in links for mark in added):
        return None
    packed = shown | {mark.span: marks.pack([mark]) for mark in added}
    return replace(part, marks=b"".join([packed[span.print] for span in pieces.spans]), shown=len(pieces.spans))


def aligned(pieces: Cut, known: Mapping[bytes, bytes], feed: ParsedFeed) -> ParsedFeed:
    """Return a document that was read as a whole, its marks with the spans of its entries where the two are one to one."""
    if feed.dropped or not len(feed.entries) == feed.shown == len(pieces.spans):
        return feed
    each = marks.unpack(feed.marks)
    seen = {packed[8:16] for packed in known.values()}
    news = [span.print not in known or mark.entry in seen for span, mark in zip(pieces.spans, each, strict=True)]
    prints = pieces.prints(loose=feed.malformed)
    packed = marks.pack(mark._replace(span=print_) for mark, print_ in zip(each, prints, strict=True))
    return replace(feed, entries=tuple(compress(feed.entries, news)), marks=packed)
