"""Near-identical reports: forty outlets that carry one statement make one story.

Problem: outlets print an agency's words with a headline of their own, cut, with a credit in front. Choice: two sketches per
report, of the title (its words) and of the text (its three-word shingles), hashed to 32 bits; reports are copies when the
texts share most of the shorter one's shingles, or when long titles are all but equal and nothing in the texts speaks
against it. An inverted index over the sketches of the last 72 h keeps a look-up proportional to the report, not to the window.
A copy may leave numbers out or add some, not change them: where each of two reports has a number the other lacks they are
no copies (`8 killed` and `18 killed` differ in one word and are two facts).
Refused: simhash (blind on texts of 10 words), title equality (a third of copies have another headline).
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from datetime import datetime, timedelta

from monitor.language.text import forms
from monitor.model import Report, Sketch

MEMORY = timedelta(hours=72)
"""How long a story stays open for copies."""

TEXT_COPY = 0.6
"""Share of the shorter text's shingles that two copies have in common (an own headline and a cut keep it above 0.7)."""

TITLE_COPY = 0.8
"""Jaccard share of title words of reports that have one headline (one word of nine may differ)."""

LONG_TITLE = 5
"""Words below which equal titles say nothing (`News of the day`)."""

SHORT_TEXT = 8
"""Shingles below which a text cannot speak against an equal title."""

CONTRARY = 0.15
"""Share of common shingles below which two full texts under one headline are two reports (a daily column)."""

SHINGLE = 3
_NUMBER = 1 << 32
MAX_SHINGLES = 400
_CANDIDATES = 50
_COMMON = 200
"""A shingle that stands in more open reports than this is boilerplate and finds nothing."""


def sketch_of(report: Report, story_id: str) -> Sketch:
    """Return a report's likeness: sorted 32-bit hashes of title words and text shingles.

    Beside the title's words stand the numbers of title and text, marked by bit 32.
    """
    title = forms(report.title)
    words = forms(report.text)
    shingles = [" ".join(words[i : i + SHINGLE]) for i in range(min(max(0, len(words) - SHINGLE + 1), MAX_SHINGLES))]
    return Sketch(
        report_id=report.id,
        story_id=story_id,
        outlet=report.outlet,
        at=report.seen_at,
        title=_hashes(title) + tuple(_NUMBER | hash_ for hash_ in _hashes(w for w in (*title, *words) if w.isdigit())),
        text=_hashes(shingles),
    )


class CopyIndex:
    """The open reports by likeness. Fed in decision order, so it is the same after a restart as before it."""

    def __init__(self) -> None:
        self._sketches: dict[str, Sketch] = {}
        self._order: deque[str] = deque()
        self._by_text: defaultdict[int, list[str]] = defaultdict(list)
        self._by_title: defaultdict[int, list[str]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._sketches)

    def add(self, sketch: Sketch) -> None:
        """Add a report, replacing its earlier version."""
        if sketch.report_id in self._sketches:
            self._remove(sketch.report_id)
        self._sketches[sketch.report_id] = sketch
        self._order.append(sketch.report_id)
        for hash_ in sketch.text:
            self._by_text[hash_].append(sketch.report_id)
        for hash_ in sketch.title:
            self._by_title[hash_].append(sketch.report_id)

    def forget(self, before: datetime) -> None:
        """Drop reports seen before that time."""
        while self._order:
            oldest = self._sketches.get(self._order[0])
            if oldest is not None and oldest.at >= before:
                return
            report_id = self._order.popleft()
            if oldest is not None and report_id not in self._order:
                self._remove(report_id)

    def copy_of(self, sketch: Sketch) -> Sketch | None:
        """Return the open report that this one is a copy of: the likest, the earliest of equals; None for a report of its own."""
        found = [(_likeness(sketch, candidate), candidate) for candidate in self._candidates(sketch)]
        copies = [(likeness, candidate) for likeness, candidate in found if likeness]
        if not copies:
            return None
        return min(copies, key=lambda copy: (-copy[0], copy[1].at, copy[1].report_id))[1]

    def _candidates(self, sketch: Sketch) -> Iterable[Sketch]:
        shared: Counter[str] = Counter()
        for index, hashes in ((self._by_text, sketch.text), (self._by_title, sketch.title)):
            for hash_ in hashes:
                holders = index.get(hash_, ())
                if len(holders) <= _COMMON:
                    shared.update(holders)
        shared.pop(sketch.report_id, None)
        held = [(self._sketches[report_id], count) for report_id, count in shared.items() if count > 1]
        open_ = [(other, count) for other, count in held if sketch.at - other.at <= MEMORY]
        open_.sort(key=lambda pair: (-pair[1], pair[0].at, pair[0].report_id))
        return [other for other, _ in open_[:_CANDIDATES]]

    def _remove(self, report_id: str) -> None:
        sketch = self._sketches.pop(report_id)
        for index, hashes in ((self._by_text, sketch.text), (self._by_title, sketch.title)):
            for hash_ in hashes:
                holders = index[hash_]
                holders.remove(report_id)
                if not holders:
                    del index[hash_]


def _likeness(one: Sketch, other: Sketch) -> float:
    """Return how alike two reports are in (0, 2], 0 for reports that are no copies."""
    if not _nested(_numbers(one), _numbers(other)):
        return 0.0
    text = _overlap(one.text, other.text)
    title = _jaccard(_words(one), _words(other))
    shorter = min(len(one.text), len(other.text))
    if shorter >= SHORT_TEXT and text >= TEXT_COPY:
        return text + title
    if min(len(_words(one)), len(_words(other))) < LONG_TITLE or title < TITLE_COPY:
        return 0.0
    if shorter >= SHORT_TEXT and text < CONTRARY:
        return 0.0
    return text + title


def _words(sketch: Sketch) -> frozenset[int]:
    return frozenset(hash_ for hash_ in sketch.title if hash_ < _NUMBER)


def _numbers(sketch: Sketch) -> frozenset[int]:
    return frozenset(hash_ for hash_ in sketch.title if hash_ >= _NUMBER)


def _nested(one: frozenset[int], other: frozenset[int]) -> bool:
    return one <= other or other <= one


def _overlap(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    return len(set(one) & set(other)) / max(1, min(len(one), len(other)))


def _jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / max(1, len(one | other))


def _hashes(parts: Iterable[str]) -> tuple[int, ...]:
    return tuple(sorted({int.from_bytes(hashlib.blake2b(part.encode(), digest_size=4).digest()) for part in parts}))
