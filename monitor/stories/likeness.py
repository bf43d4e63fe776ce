"""How alike two reports are: sketches of title and text, and what makes one a copy of the other.

Problem: outlets print an agency's words with a headline of their own, cut, with a credit in front; columns come every day
under one headline; digests hold whole reports of others. Choice: a sketch is the hashed words of the title and the smallest
hashes of the text's three-word shingles, a fair sample of texts of any length. Reports are copies when the texts share most
of the shorter one, or when long titles are all but equal and nothing in the texts speaks against it.
A copy may leave numbers out or add some, not change them: where each of two reports has a number the other lacks they are
no copies (`8 killed` and `18 killed` differ in one word and are two facts). One outlet rarely copies itself: its reports
are copies only when nearly all is the same.
Refused: simhash (blind on texts of 10 words), title equality (a third of copies have another headline).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import NamedTuple

from xxhash import xxh32_intdigest

from monitor.language.text import fold, forms
from monitor.model import Report, Sketch

TEXT_COPY = 0.6
"""Share of the shorter text's shingles that two copies have in common (an own headline and a cut keep it above 0.7)."""

OWN_COPY = 0.8
"""Jaccard share of shingles of two copies by one outlet: its posts share a footer, in short ones most of the words (of 4,119
posts of 24 channels 253 joined a story of their own channel without this, 89 of them one story)."""

DIGEST = 3.0
"""Times a text may be as long as its copy under another headline: a longer one is a digest that holds many reports."""

TITLE_CUT = 0.5
"""Jaccard share of title words from which a text may be cut to less than that."""

TITLE_COPY = 0.8
"""Jaccard share of title words of reports that have one headline (one word of nine may differ)."""

LONG_TITLE = 5
"""Words below which equal titles say nothing (`News of the day`)."""

FULL_TEXT = 8
"""Shingles from which a text says by itself that it is a copy."""

SOME_TEXT = 3
"""Shingles from which a text can speak against an equal title."""

CONTRARY = 0.15
"""Share of common shingles below which two texts under one headline are two reports (a daily column)."""

VERBATIM = 6
"""Title words and shingles together from which short reports that are equal in both are copies."""

SAME_HOURS = timedelta(hours=12)
"""How far apart reports of few words, or of one outlet, may be copies: a flash goes round within hours; the column and the
air raid warning come in the same words on the next day."""

MAX_SHINGLES = 128
MAX_TITLE = 40
MAX_NUMBERS = 100
_NUMBER = 1 << 32
_NUMBERS = re.compile(r"\d(?:\d{0,2}(?:[ \u00a0\u2009\u202f.,'’]\d{3})+(?!\d)|\d*)")
"""A number, in thousands (`1 200`, `1,200`) or not. It begins with its first digit, so that text between is skipped fast."""


class Likeness(NamedTuple):
    """What comparing two reports says: how alike they are (0 for no copies, at most 2), and whether one refutes the other."""

    share: float
    refutes: bool
    certain: bool
    """The texts alone make it a copy, and the numbers are the same."""


_UNLIKE = Likeness(0.0, refutes=False, certain=False)


def sketch_of(report: Report, story_id: str) -> Sketch:
    """Return a report's likeness: 32-bit hashes of title words, and the smallest 32-bit hashes of text shingles.

    Behind the title's words stand the numbers of title and text, marked by bit 32.
    """
    title = tuple(dict.fromkeys(forms(report.title)))[:MAX_TITLE]
    words = forms(report.text)
    shingles = map(" ".join, zip(words, words[1:], words[2:], strict=False))
    found = (
        fold(re.sub(r"\D", "", number))[:40].lstrip("0")
        for number in _NUMBERS.findall(f"{report.title}\n{report.text}")
    )
    numbers = tuple(dict.fromkeys(found))[:MAX_NUMBERS]
    return Sketch(
        report_id=report.id,
        story_id=story_id,
        outlet=report.outlet,
        at=report.seen_at,
        title=_hashes(title) + tuple(_NUMBER | hash_ for hash_ in _hashes(numbers)),
        text=_hashes(shingles)[:MAX_SHINGLES],
    )


def title_words(sketch: Sketch) -> tuple[int, ...]:
    """Return the hashes of the title's words."""
    return sketch.title[: bisect_left(sketch.title, _NUMBER)]


def likeness(one: Sketch, other: Sketch) -> Likeness:
    """Compare two reports; the order of the two makes no difference."""
    return comparer(one)(other)


def comparer(one: Sketch) -> Callable[[Sketch], Likeness]:
    """Return what compares a report with others: `likeness` with one side prepared."""
    sample, words, numbers = frozenset(one.text), frozenset(title_words(one)), _numbers(one)
    return lambda other: _likeness(one, other, sample, words, numbers)


def _likeness(
    one: Sketch, other: Sketch, sample: frozenset[int], mine: frozenset[int], numbers: frozenset[int]
) -> Likeness:
    shorter = min(len(one.text), len(other.text))
    text, same = _shares(one, other, sample)
    theirs = frozenset(title_words(other))
    title = len(mine & theirs) / max(1, len(mine | theirs))
    if text < TEXT_COPY and title < TITLE_COPY:  # neither a copy nor under one headline: most of what is compared
        return _UNLIKE
    headline = min(len(mine), len(theirs)) >= LONG_TITLE and title >= TITLE_COPY
    by_text = shorter >= FULL_TEXT and text >= TEXT_COPY and (title >= TITLE_CUT or not _is_digest(one, other))
    soon = abs(one.at - other.at) <= SAME_HOURS
    verbatim = title == 1 and shorter > 0 and one.text == other.text and len(mine) + shorter >= VERBATIM
    by_title = headline and (text >= CONTRARY if shorter >= SOME_TEXT else _nested(mine, theirs))
    alike = by_text or ((by_title or verbatim) and (shorter >= FULL_TEXT or soon))
    if alike and not _nested(numbers, _numbers(other)):
        return Likeness(0.0, refutes=True, certain=False)
    footer = one.outlet == other.outlet and not (soon and (shorter < SOME_TEXT or same >= OWN_COPY))
    if footer or not alike:
        return Likeness(0.0, refutes=headline and shorter >= SOME_TEXT and text < CONTRARY, certain=False)
    return Likeness(text + title, refutes=False, certain=by_text and numbers == _numbers(other))


def _numbers(sketch: Sketch) -> frozenset[int]:
    return frozenset(sketch.title[bisect_left(sketch.title, _NUMBER) :])


def _nested(one: frozenset[int], other: frozenset[int]) -> bool:
    return one <= other or other <= one


def _shares(one: Sketch, other: Sketch, sample: frozenset[int]) -> tuple[float, float]:
    """Return the shares of common shingles, in the shorter text and in both, from the part of both samples that compares.

    `sample` is the first one's text as a set.
    """
    limit = min(_reach(one), _reach(other))
    mine, theirs = bisect_right(one.text, limit), bisect_right(other.text, limit)
    common = len(sample.intersection(other.text[:theirs]))
    return common / max(1, min(mine, theirs)), common / max(1, mine + theirs - common)


def _is_digest(one: Sketch, other: Sketch) -> bool:
    """Tell whether one text is so much longer that it may hold many reports."""
    lengths = sorted(len(text.text) / (_reach(text) + 1) for text in (one, other))
    return lengths[1] > DIGEST * lengths[0]


def _reach(sketch: Sketch) -> int:
    """Return the largest hash up to which a sample is complete."""
    return sketch.text[-1] if len(sketch.text) == MAX_SHINGLES else _NUMBER - 1


def _hashes(parts: Iterable[str]) -> tuple[int, ...]:
    return tuple(sorted(set(map(xxh32_intdigest, map(str.encode, parts)))))  # words hold no half letters: all encode
