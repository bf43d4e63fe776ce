"""Near-identical reports: forty outlets that carry one statement make one story.

An inverted index over the sketches of the last 72 h keeps a look-up proportional to the report, not to the window. A report
joins the story of the likest one, unless another report of that story speaks against it: through a copy that leaves the
figures out, `8 killed` and `18 killed` would else become one story.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from itertools import chain

from monitor.model import Sketch
from monitor.stories.likeness import comparer, sketch_of, title_words

__all__ = ["MEMORY", "CopyIndex", "sketch_of"]

MEMORY = timedelta(hours=72)
"""How long a story stays open for copies."""

_INDEXED = 48
"""Shingles of a text that find it: two texts that share a fifth of the longer one share ten of them on average."""

_CANDIDATES = 25
"""Reports compared in full: so many that share most, and so many that share most of what is rare."""

_COMMON = 200
"""Open reports looked at for one shingle or word, earliest first; what more hold than that is boilerplate."""

_Index = dict[int, str | list[str]]
"""The reports that hold a hash, by id. Most are held by one: a list for each would take most of the memory."""


class CopyIndex:
    """The open reports by likeness. Fed in decision order, so it is the same after a restart as before it."""

    def __init__(self) -> None:
        self._sketches: dict[str, Sketch] = {}
        self._ages = _Ages()
        self._by_text: _Index = {}
        self._by_title: _Index = {}

    def __len__(self) -> int:
        return len(self._sketches)

    def add(self, sketch: Sketch) -> None:
        """Add a report, replacing its earlier version."""
        known = self._sketches.get(sketch.report_id)
        if known == sketch:  # what was decided here comes back from the store
            return
        if known is not None:
            self._ages.drop(known)
            self._remove(sketch.report_id)
        self._sketches[sketch.report_id] = sketch
        self._ages.add(sketch)
        for index, hashes in self._places(sketch):
            for hash_ in hashes:
                _put(index, hash_, sketch.report_id)

    def forget(self, before: datetime) -> None:
        """Drop reports seen before that time."""
        for report_id in self._ages.forget(before):
            self._remove(report_id)

    def copy_of(self, sketch: Sketch) -> Sketch | None:
        """Return the open report that this one is a copy of: the likest, the earliest of equals; None for a report of its own."""
        like = comparer(sketch)
        compared = [(like(candidate), candidate) for candidate in self._candidates(sketch)]
        refuted = {candidate.story_id for found, candidate in compared if found.refutes}
        copies = [
            (-found.share, candidate.at, candidate.report_id, candidate)
            for found, candidate in compared
            if found.share and (found.certain or candidate.story_id not in refuted)
        ]
        return min(copies)[-1] if copies else None

    def _candidates(self, sketch: Sketch) -> Iterable[Sketch]:
        """Return the open reports to compare with: a few that share most, whatever a flood of look-alikes does to the index.

        Only those that can be copies: by two shingles of the sample, or by half the words of the title. What merely shares some
        words of the news of the day is not compared (most of what the index finds).
        """
        closed = self._ages.older(sketch.at - MEMORY)
        words = title_words(sketch)
        of_text = [_open(self._by_text.get(hash_), closed) for hash_ in sketch.text[:_INDEXED]]
        of_title = [_open(self._by_title.get(hash_), closed) for hash_ in words]
        by_text, by_title = Counter(chain.from_iterable(of_text)), Counter(chain.from_iterable(of_title))
        likely = {name for name, count in by_text.items() if count > 1}
        half = (len(words) + 1) // 2
        likely.update(name for name, count in by_title.items() if count >= half and count + by_text.get(name, 0) > 1)
        likely.discard(sketch.report_id)
        if len(likely) <= _CANDIDATES:
            return [self._sketches[name] for name in likely]
        rare = Counter(chain.from_iterable(held for held in (*of_text, *of_title) if len(held) <= _COMMON))
        shared = {name: by_text[name] + by_title[name] for name in likely}
        chosen = dict.fromkeys(name for counted in (rare, shared) for name in self._most(counted, likely))
        return [self._sketches[name] for name in chosen]

    def _most(self, counted: Mapping[str, int], likely: AbstractSet[str]) -> list[str]:
        names = (name for name in likely if counted.get(name, 0) > 1)
        return sorted(names, key=lambda name: (-counted[name], self._sketches[name].at, name))[:_CANDIDATES]

    def _places(self, sketch: Sketch) -> tuple[tuple[_Index, Sequence[int]], ...]:
        return (self._by_text, sketch.text[:_INDEXED]), (self._by_title, title_words(sketch))

    def _remove(self, report_id: str) -> None:
        sketch = self._sketches.pop(report_id)
        for index, hashes in self._places(sketch):
            for hash_ in hashes:
                _take(index, hash_, report_id)


class _Ages:
    """The open reports by age, and which of them are too old for the report in hand: moves with it, so it costs next to nothing."""

    def __init__(self) -> None:
        self._times: list[tuple[datetime, str]] = []
        self._edge = datetime.min.replace(tzinfo=UTC)
        self._older: set[str] = set()

    def add(self, sketch: Sketch) -> None:
        insort(self._times, (sketch.at, sketch.report_id))
        if sketch.at < self._edge:
            self._older.add(sketch.report_id)

    def drop(self, sketch: Sketch) -> None:
        del self._times[bisect_left(self._times, (sketch.at, sketch.report_id))]
        self._older.discard(sketch.report_id)

    def forget(self, before: datetime) -> list[str]:
        """Drop those seen before that time and return them."""
        end = self._before(before)
        gone = [report_id for _, report_id in self._times[:end]]
        del self._times[:end]
        self._older.difference_update(gone)
        return gone

    def older(self, edge: datetime) -> AbstractSet[str]:
        """Return those seen before that time."""
        at, to = self._before(self._edge), self._before(edge)
        self._older.update(report_id for _, report_id in self._times[at:to])
        self._older.difference_update(report_id for _, report_id in self._times[to:at])
        self._edge = edge
        return self._older

    def _before(self, moment: datetime) -> int:
        return bisect_left(self._times, (moment, ""))


def _put(index: _Index, hash_: int, report_id: str) -> None:
    held = index.get(hash_)
    if held is None:
        index[hash_] = report_id
    elif isinstance(held, list):
        held.append(report_id)
    else:
        index[hash_] = [held, report_id]


def _take(index: _Index, hash_: int, report_id: str) -> None:
    held = index[hash_]
    if isinstance(held, list) and len(held) > 1:
        held.remove(report_id)
    else:
        del index[hash_]


def _open(held: str | list[str] | None, closed: AbstractSet[str]) -> Sequence[str]:
    """Return the reports that are not closed, the first ones: one more than are looked at where there are more."""
    if held is None:
        return ()
    if not isinstance(held, list):
        return () if held in closed else (held,)
    first = held[: _COMMON + 1]
    if closed.isdisjoint(first):
        return first
    enough = held[: _COMMON + 1 + len(closed)]
    return [report_id for report_id in enough if report_id not in closed][: _COMMON + 1]
