"""Documents read as the service reads them, without worker processes: what is new by parts against what is new by all."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from monitor.feeds import marks, spans
from monitor.feeds.document import parse_document, parse_part
from monitor.feeds.limits import Limits
from monitor.feeds.parse import IN_THREAD, WorkerParser
from monitor.feeds.spans import Part
from monitor.model import Entry, PollFailure
from monitor.ports import Fetched, Head, Lane, ParsedFeed
from support.feeds import fetched


class Reader(WorkerParser):
    """A parser that reads in this process, and counts what it was handed."""

    def __init__(self, limits: Limits | None = None) -> None:
        super().__init__(limits=limits)
        self.parts = self.wholes = 0

    async def _read(self, document: bytes | Part, fetched: Fetched, lane: Lane) -> ParsedFeed | PollFailure:
        if isinstance(document, Part):
            self.parts += 1
            return parse_part(document, fetched.url, self._limits)
        self.wholes += 1
        return parse_document(document, fetched.content_type, fetched.url, self._limits)


def read(
    reader: Reader,
    body: bytes,
    *,
    known: bytes = b"",
    whole: bool = False,
    content_type: str | None = "application/xml",
) -> ParsedFeed | PollFailure:
    """Read a document now: nothing is waited for but the thread that cuts large ones."""
    reading = reader.parse(fetched(body, content_type=content_type), known=known, whole=whole)
    if len(body) > IN_THREAD:
        return asyncio.run(reading)
    try:
        reading.send(None)
    except StopIteration as end:
        document: ParsedFeed | PollFailure = end.value
        return document
    raise AssertionError("something was waited for")


def news(document: ParsedFeed, known: bytes) -> tuple[Entry, ...]:
    """Return the entries that the service takes for new (feeds/polled.py)."""
    before = marks.shown(known)
    return tuple(entry for entry in document.entries if entry.fingerprint() not in before)


def without(packed: bytes, *numbers: int) -> bytes:
    """Return marks as if these entries had not been shown."""
    return b"".join(
        packed[at : at + marks.SIZE]
        for number, at in enumerate(range(0, len(packed), marks.SIZE))
        if number not in numbers
    )


def with_filler(body: bytes, content_type: str | None) -> bytes:
    """Return a document with one entry more at its end, so that it is never all of it that is new."""
    pieces = spans.cut(body, content_type, "", known=(), most=2000)
    if pieces is None:
        return body
    end = len(body) - len(pieces.tail)
    opening = pieces.closing.replace(b"/", b"")
    return body[:end] + opening + b"<title>filler</title>" + pieces.closing + pieces.tail


def _untitled(head: Head | None) -> Head | None:
    """Leave the title out: which of several feedparser takes depends on elements that have no bearing on entries."""
    return None if head is None else replace(head, title="")


def differs(
    body: bytes, *, most: int | None = None, content_type: str | None = "application/xml"
) -> tuple[str | None, int]:
    """Return how reading by parts differs from reading the whole, each entry alone and the first five taken as new.

    And how often only a part was read. None where there is no difference.
    """
    reader = Reader()
    body = with_filler(body, content_type)
    whole = read(reader, body, content_type=content_type)
    if isinstance(whole, PollFailure):
        return None, 0
    count = whole.shown
    picked = range(count) if most is None or count <= most else range(0, count, -(-count // most))
    for numbers in [(), *((number,) for number in picked), tuple(range(min(count, 5)))]:
        known = without(whole.marks, *numbers)
        again = read(reader, body, known=known, content_type=content_type)
        if isinstance(again, PollFailure):
            return f"{numbers}: {again.reason}", reader.parts
        wanted = news(whole, known)
        if news(again, known) != wanted:
            return f"{numbers}: {news(again, known)} instead of {wanted}", reader.parts
        if again.marks != whole.marks or again.shown != whole.shown:
            return f"{numbers}: other marks", reader.parts
        if again.head is not None and _untitled(again.head) != _untitled(whole.head):
            return f"{numbers}: {again.head} instead of {whole.head}", reader.parts
    return None, reader.parts
