"""Reports as lines of JSON, for backtests: read, checked, put in the order of their times.

A line is one object: `id` or `url`, and `title` are needed; `source`, `summary`, `content`, `published` and `language` may be
there. Text is cleaned as that of feeds is. Lines are kept in a file that has no name and goes with the process; in memory are
their times only, so 100,000 lines cost some 20 MB.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, BinaryIO, Self, cast
from urllib.parse import urlsplit

from monitor.errors import UsageError
from monitor.feeds.dates import parse as parse_date
from monitor.feeds.entries import Body, Item, entries
from monitor.feeds.limits import Limits
from monitor.language.text import fold, squeeze
from monitor.model import Entry, Feed, IntakeEntry

KEYS = frozenset({"id", "source", "url", "title", "summary", "content", "published", "language"})
"""What a line may say; other keys are counted and ignored."""

LONGEST = 16 * 2**20
"""Bytes of a line; an article has some kilobytes."""
MOST_KEYS = 100
"""Different unknown keys that are counted by name."""
MOST_NAMED = 1000
"""Bad lines kept with what is wrong with them; all are counted."""

NOWHERE = "input"
"""The source of a line that names none, and no address either."""

_GZIP = b"\x1f\x8b"
_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|&(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z]+);")


@dataclass(frozen=True, slots=True, kw_only=True)
class BadLine:
    """A line that says no report, and why. Lines count from 1."""

    number: int
    why: str


@dataclass(slots=True)
class Notes:
    """What was noticed while lines were read."""

    lines: int = 0
    """Lines that were not empty."""
    bad: int = 0
    named: list[BadLine] = field(default_factory=list)
    """The first of the bad ones."""
    unknown: Counter[str] = field(default_factory=Counter)
    """Keys that nothing is done with."""

    def note_bad(self, number: int, why: str) -> None:
        """Count a bad line."""
        self.bad += 1
        if len(self.named) < MOST_NAMED:
            self.named.append(BadLine(number=number, why=why))

    def note_keys(self, keys: Iterable[str]) -> None:
        """Count unknown keys."""
        for key in keys:
            if key in self.unknown or len(self.unknown) < MOST_KEYS:
                self.unknown[key] += 1


class Unusable(Exception):  # noqa: N818 - what a line is
    """A line says no report: the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A line as read."""

    entry: Entry
    source: str | None
    unknown: tuple[str, ...]


class Lines:
    """Lines on their way from a file to the decision steps: taken in their order, given in the order of their times."""

    def __init__(self) -> None:
        self.notes = Notes()
        self._kept: BinaryIO = TemporaryFile()  # noqa: SIM115 - closed by `__exit__`
        self._order: list[tuple[datetime | None, int, int, int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kept.close()

    def __len__(self) -> int:
        return len(self._order)

    def take(self, stream: BinaryIO) -> None:
        """Read all lines of a stream, plain or packed with gzip; those that say no report are noted."""
        last: datetime | None = None
        for number, raw in _numbered(stream, self.notes):
            self.notes.lines += 1
            try:
                given = read_line(raw)
            except Unusable as error:
                self.notes.note_bad(number, str(error))
                continue
            self.notes.note_keys(given.unknown)
            last = given.entry.published or last
            self._order.append((last, number, self._kept.tell(), len(raw)))
            self._kept.write(raw)

    def entries(self, situation: str, feeds: Iterable[Feed], now: datetime) -> Iterator[IntakeEntry]:
        """Yield the reports in the order of their times.

        A report without a time came with the one before it in the file, at the beginning with the one after; where no line
        has a time, now.
        """
        first = next((at for at, *_ in self._order if at), now)
        known = sources(feeds)
        dated = sorted((at or first, number, offset, length) for at, number, offset, length in self._order)
        for at, number, offset, length in dated:
            self._kept.seek(offset)
            given = read_line(self._kept.read(length))
            yield intake_of(given, number, at, situation, known)


def open_lines(path: Path, stdin: BinaryIO, stack: ExitStack) -> BinaryIO:
    """Return the stream that a path means, `-` being stdin. Raises UsageError where there is no such file."""
    if str(path) == "-":
        return stdin
    try:
        return stack.enter_context(path.open("rb"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error


def read_line(raw: bytes) -> Given:
    """Return the report that a line says. Raises an exception with a sentence where it says none."""
    row = _object(raw)
    texts = {key: _text(row, key) for key in KEYS - {"id", "published"}}
    if not texts["title"]:
        raise Unusable("`title` is missing")
    published = _published(row)
    item = Item(
        guid=_id(row),
        links=(texts["url"],) if texts["url"] else (),
        title=_body(texts["title"]),
        bodies=tuple(_body(text) for key in ("summary", "content") if (text := texts[key])),
        published=(published.isoformat(),) if published else (),
        language=texts["language"],
    )
    made, _ = entries((item,), "", Limits())
    if not made or not made[0].title:
        raise Unusable("`title` has nothing to read")
    if not made[0].guid and not made[0].link:
        raise Unusable("`url` is no http(s) address, and there is no `id`" if texts["url"] else "needs `id` or `url`")
    unknown = tuple(key for key in row if key not in KEYS)
    return Given(entry=made[0], source=squeeze(texts["source"] or "") or None, unknown=unknown)


def sources(feeds: Iterable[Feed]) -> Mapping[str, Feed]:
    """Return the feeds by what a line may call its source: id, name or outlet, folded."""
    found: dict[str, Feed] = {}
    for called in ("id", "name", "outlet"):
        for feed in feeds:
            found.setdefault(fold(squeeze(getattr(feed, called))), feed)
    return found


def intake_of(given: Given, number: int, at: datetime, situation: str, known: Mapping[str, Feed]) -> IntakeEntry:
    """Return a line as an entry that has just come in. One of an unknown source comes from a feed of that name."""
    source = given.source or _host(given.entry.link)
    feed = known.get(fold(source))
    return IntakeEntry(
        seq=number,
        situation=situation,
        feed_id=feed.id if feed else source,
        entry=given.entry,
        seen_at=at,
        baseline=False,
        covered_from=None,
        document_id=None,
    )


def _numbered(stream: BinaryIO, notes: Notes) -> Iterator[tuple[int, bytes]]:
    """Yield the lines with their numbers, without the empty ones; what is too long or cannot be unpacked is noted."""
    plain = _unpacked(stream)
    number = 0
    try:
        while raw := plain.readline(LONGEST):
            number += 1
            if len(raw) == LONGEST and not raw.endswith(b"\n"):
                while (rest := plain.readline(LONGEST)) and not rest.endswith(b"\n"):
                    pass
                notes.lines += 1
                notes.note_bad(number, f"is longer than {LONGEST // 2**20} MiB")
            elif raw.strip():
                yield number, raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        notes.note_bad(number + 1, f"cannot be unpacked, and nothing after it: {error}")


def _unpacked(stream: BinaryIO) -> BinaryIO:
    """Return the stream, through gzip where it begins so."""
    ahead = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", stream))
    packed = ahead.peek(len(_GZIP)).startswith(_GZIP)
    return cast("BinaryIO", gzip.GzipFile(fileobj=ahead) if packed else ahead)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        row = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Unusable("is not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise Unusable("is not JSON") from error
    if not isinstance(row, dict):
        raise Unusable("is no JSON object")
    return row


def _text(row: Mapping[str, Any], key: str) -> str | None:
    value = row.get(key)
    if value is None or isinstance(value, str):
        return value
    raise Unusable(f"`{key}` is not a text")


def _id(row: Mapping[str, Any]) -> str | None:
    value = row.get("id")
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Unusable("`id` is neither a text nor a number")


def _published(row: Mapping[str, Any]) -> datetime | None:
    """Return the time of publication: a date as feeds write them, or seconds since 1970."""
    value = row.get("published")
    if value is None:
        return None
    try:
        stamp = isinstance(value, int | float) and not isinstance(value, bool)
        found = datetime.fromtimestamp(value, UTC) if stamp else parse_date(value if isinstance(value, str) else "")
    except (ValueError, OverflowError, OSError):
        found = None
    if found is None:
        raise Unusable(f"`published` is no date: {json.dumps(value, ensure_ascii=False)[:40]}")
    return found


def _body(text: str) -> Body:
    """Return a text as markup where it looks like that: exports hold both."""
    return Body(value=text, is_html=_MARKUP.search(text) is not None)


def _host(link: str | None) -> str:
    return (urlsplit(link or "").hostname or NOWHERE).removeprefix("www.")
