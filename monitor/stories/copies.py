"""Near-identical reports: forty outlets that carry one statement make one story.

An inverted index over the sketches of the last 72 h keeps a look-up proportional to the report, not to the window. A report
joins the story of the likest one, unless another report of that story speaks against it: through a copy that leaves the
figures out, `8 killed` and `18 killed` would else become one story.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from itertools import islice

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

_Index = dict[int, Sketch | list[Sketch]]
"""Who holds a hash. Most are held by one report: a list for each would take most of the memory."""


class CopyIndex:
    """The open reports by likeness. Fed in decision order, so it is the same after a restart as before it."""

    def __init__(self) -> None:
        self._sketches: dict[str, Sketch] = {}
        self._oldest: list[tuple[datetime, str]] = []
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
            self._remove(sketch.report_id)
        self._sketches[sketch.report_id] = sketch
        heapq.heappush(self._oldest, (sketch.at, sketch.report_id))
        for index, hashes in self._places(sketch):
            for hash_ in hashes:
                _put(index, hash_, sketch)

    def forget(self, before: datetime) -> None:
        """Drop reports seen before that time."""
        while self._oldest and self._oldest[0][0] < before:
            _, report_id = heapq.heappop(self._oldest)
            sketch = self._sketches.get(report_id)
            if sketch is not None and sketch.at < before:
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
        since = sketch.at - MEMORY
        words = title_words(sketch)
        by_text, by_title = Counter[str](), Counter[str]()
        rare = Counter[str]()
        for index, hashes, counted in (
            (self._by_text, sketch.text[:_INDEXED], by_text),
            (self._by_title, words, by_title),
        ):
            for hash_ in hashes:
                if held := _open(index.get(hash_), since):
                    counted.update(held)
                    if len(held) <= _COMMON:
                        rare.update(held)
        likely = {name for name, count in by_text.items() if count > 1}
        likely.update(name for name, count in by_title.items() if 2 * count >= len(words) and count + by_text[name] > 1)
        likely.discard(sketch.report_id)
        shared = {name: by_text[name] + by_title[name] for name in likely}
        chosen = dict.fromkeys(name for counted in (rare, shared) for name in self._most(counted, likely))
        return [self._sketches[name] for name in chosen]

    def _most(self, counted: Mapping[str, int], likely: AbstractSet[str]) -> list[str]:
        names = (name for name in likely if counted[name] > 1)
        return heapq.nsmallest(_CANDIDATES, names, lambda name: (-counted[name], self._sketches[name].at, name))

    def _places(self, sketch: Sketch) -> tuple[tuple[_Index, Sequence[int]], ...]:
        return (self._by_text, sketch.text[:_INDEXED]), (self._by_title, title_words(sketch))

    def _remove(self, report_id: str) -> None:
        sketch = self._sketches.pop(report_id)
        for index, hashes in self._places(sketch):
            for hash_ in hashes:
                _take(index, hash_, sketch)


def _put(index: _Index, hash_: int, sketch: Sketch) -> None:
    held = index.get(hash_)
    if held is None:
        index[hash_] = sketch
    elif isinstance(held, list):
        held.append(sketch)
    else:
        index[hash_] = [held, sketch]


def _take(index: _Index, hash_: int, sketch: Sketch) -> None:
    held = index[hash_]
    if isinstance(held, list) and len(held) > 1:
        del held[next(at for at, holder in enumerate(held) if holder is sketch)]
    else:
        del index[hash_]


def _open(held: Sketch | list[Sketch] | None, since: datetime) -> list[str]:
    """Return the reports seen since then, the first ones: one more than are looked at where there are more."""
    if held is None:
        return []
    if not isinstance(held, list):
        return [held.report_id] if held.at >= since else []
    return list(islice((sketch.report_id for sketch in held if sketch.at >= since), _COMMON + 1))
