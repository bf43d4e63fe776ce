"""A query after compiling: does a report satisfy it, by which words, and how strongly. Pure questions to the evidence.

Limits to fields are known at each leaf, and alternatives of words are one leaf, so that a list of 10,000 words is one
comparison of sets.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import inf
from operator import itemgetter
from typing import Protocol

from monitor.language.phrases import Place
from monitor.model import Reason
from monitor.watches.evidence import Evidence, said
from monitor.watches.origin import Origins
from monitor.watches.patterns import Regex

MOST_SPOTS = 100
"""Places of one pattern kept in one field."""

SHOWN = 8
"""Keywords of one leaf named in its label."""

Triggers = frozenset[int | str]
"""Phrases by number and gazetteer entries by key."""
Spot = tuple[Place, Reason]
"""A reason with the numbers of its words."""


class Node(Protocol):
    """A part of a compiled query."""

    @property
    def label(self) -> str:
        """What the part asks for, in words."""
        ...

    @property
    def needs(self) -> Triggers | None:
        """One of these must be found, or the part cannot hold. None: it may hold without any."""
        ...

    def holds(self, seen: Evidence) -> bool:
        """Tell whether a report satisfies the part."""
        ...

    def reasons(self, seen: Evidence) -> Iterator[Reason]:
        """Yield each word found that the part wants; nothing of what it excludes, nothing of parts that do not hold."""
        ...

    def weights(self, seen: Evidence) -> Iterator[tuple[str, float]]:
        """Yield the keywords found with what each counts in the score."""
        ...


class _Leaf:
    """What counts 1 for each keyword found."""

    def weights(self: Node, seen: Evidence) -> Iterator[tuple[str, float]]:
        """Yield the keywords found, each counting 1."""
        for reason in self.reasons(seen):
            yield reason.keyword, 1.0


@dataclass(frozen=True, kw_only=True)
class Words(_Leaf):
    """One of these phrases or names stands in one of the fields. Each is shown as the keyword it comes from."""

    phrases: Mapping[int, str]
    names: Mapping[str, str]
    """Keys of gazetteer entries whose names count as the keyword."""
    fields: tuple[str, ...]

    @property
    def label(self) -> str:
        """The first of the keywords."""
        keywords = list(dict.fromkeys(chain(self.phrases.values(), self.names.values())))
        more = f" and {len(keywords) - SHOWN} more" if len(keywords) > SHOWN else ""
        return ", ".join(keywords[:SHOWN]) + more + _where(self.fields)

    @property
    def needs(self) -> Triggers:
        """The phrases and the entries."""
        return frozenset[int | str](chain(self.phrases, self.names))

    def holds(self, seen: Evidence) -> bool:
        """Compare sets first: most reports have none of the words."""
        wanted = self.phrases.keys()
        if any(not seen.looks[name].found.keys().isdisjoint(wanted) for name in self.fields):
            return True
        return any(True for _ in self._mentioned(seen))

    def reasons(self, seen: Evidence) -> Iterator[Reason]:
        """Yield the phrases where they stand, then the names."""
        for name in self.fields:
            look = seen.looks[name]
            for number in look.found.keys() & self.phrases.keys():
                for place in look.found[number]:
                    yield seen.found(self.phrases[number], number, look, place)
        yield from self._mentioned(seen)

    def weights(self, seen: Evidence) -> Iterator[tuple[str, float]]:
        """Yield the keywords found, each counting 1; where they stand is not asked."""
        for name in self.fields:
            for number in seen.looks[name].found.keys() & self.phrases.keys():
                yield self.phrases[number], 1.0
        for reason in self._mentioned(seen):
            yield reason.keyword, 1.0

    def _mentioned(self, seen: Evidence) -> Iterator[Reason]:
        for key in seen.named.keys() & self.names.keys():
            for mention in seen.named[key]:
                if mention.field in self.fields:
                    yield said(self.names[key], mention)


@dataclass(frozen=True, kw_only=True)
class About(_Leaf):
    """The report is about one of these entries, by a name in one of the fields that is no part of another's name."""

    keyword: str
    keys: frozenset[str]
    fields: tuple[str, ...]

    @property
    def label(self) -> str:
        """The question as it was written."""
        return self.keyword + _where(self.fields)

    @property
    def needs(self) -> Triggers:
        """The entries."""
        return frozenset[int | str](self.keys)

    def holds(self, seen: Evidence) -> bool:
        """Tell whether one is named."""
        return not seen.about.isdisjoint(self.keys) and any(True for _ in self.reasons(seen))

    def reasons(self, seen: Evidence) -> Iterator[Reason]:
        """Yield where they are named."""
        for key in seen.named.keys() & self.keys:
            for mention in seen.named[key]:
                if mention.field in self.fields and not mention.covered:
                    yield said(self.keyword, mention)


@dataclass(frozen=True, kw_only=True)
class Like(_Leaf):
    """A pattern stands in one of the fields."""

    keyword: str
    regex: Regex
    fields: tuple[str, ...]
    needs = None

    @property
    def label(self) -> str:
        """The pattern."""
        return self.keyword + _where(self.fields)

    def holds(self, seen: Evidence) -> bool:
        """Tell whether it stands there."""
        return any(self.regex.stands_in(seen.looks[name].reading.text) for name in self.fields)

    def reasons(self, seen: Evidence) -> Iterator[Reason]:
        """Yield where it stands."""
        for name in self.fields:
            text = seen.looks[name].reading.text
            for start, end in self.regex.spans(text, MOST_SPOTS):
                yield Reason(
                    keyword=self.keyword, surface=text[start:end], field=name, start=start, end=end, rule="pattern"
                )


@dataclass(frozen=True, kw_only=True)
class Comes(_Leaf):
    """Where the report comes from. No word speaks for it."""

    origins: Origins
    needs = None

    @property
    def label(self) -> str:
        """The limits."""
        return str(self.origins)

    def holds(self, seen: Evidence) -> bool:
        """Tell whether it comes from there."""
        return self.origins.take(seen.report, seen.feed)

    def reasons(self, seen: Evidence) -> Iterator[Reason]:  # noqa: ARG002 - the protocol's
        """Yield nothing."""
        return iter(())


@dataclass(frozen=True, kw_only=True)
class No(_Leaf):
    """The part does not hold. No word speaks for that."""

    part: Node
    needs = None

    @property
    def label(self) -> str:
        """What must not be."""
        return f"not: {self.part.label}"

    def holds(self, seen: Evidence) -> bool:
        """Tell whether the part does not hold."""
        return not self.part.holds(seen)

    def reasons(self, seen: Evidence) -> Iterator[Reason]:  # noqa: ARG002 - the protocol's
        """Yield nothing."""
        return iter(())


class _Joined:
    """What speaks through those of its parts that hold."""

    parts: tuple[Node, ...]

    def reasons(self, seen: Evidence) -> Iterator[Reason]:
        """Yield the reasons of the parts that hold."""
        for part in self.parts:
            if part.holds(seen):
                yield from part.reasons(seen)

    def weights(self, seen: Evidence) -> Iterator[tuple[str, float]]:
        """Yield the keywords of the parts that hold."""
        for part in self.parts:
            if part.holds(seen):
                yield from part.weights(seen)


@dataclass(frozen=True, kw_only=True)
class All(_Joined):
    """All parts hold."""

    parts: tuple[Node, ...]

    @property
    def label(self) -> str:
        """How the parts are joined."""
        return "all of these"

    @property
    def needs(self) -> Triggers | None:
        """What the part needs that fewest things can start."""
        return _fewest(part.needs for part in self.parts)

    def holds(self, seen: Evidence) -> bool:
        """Ask the parts in order."""
        return all(part.holds(seen) for part in self.parts)


@dataclass(frozen=True, kw_only=True)
class Some(_Joined):
    """At least so many of the parts hold."""

    count: int
    parts: tuple[Node, ...]

    @property
    def label(self) -> str:
        """How the parts are joined."""
        return "one of these" if self.count == 1 else f"at least {self.count} of these"

    @property
    def needs(self) -> Triggers | None:
        """Whatever one of the parts needs."""
        return _union(part.needs for part in self.parts)

    def holds(self, seen: Evidence) -> bool:
        """Ask no more parts than needed."""
        held = (part for part in self.parts if part.holds(seen))
        return any(number >= self.count for number, _ in enumerate(held, start=1))


@dataclass(frozen=True, kw_only=True)
class Close(_Leaf):
    """Both parts stand in one field with at most so many words between them, in either order."""

    left: Node
    right: Node
    words: int
    fields: tuple[str, ...]

    @property
    def label(self) -> str:
        """How the parts are joined."""
        return f"with at most {self.words} words between them"

    @property
    def needs(self) -> Triggers | None:
        """What either part needs."""
        return _fewest((self.left.needs, self.right.needs))

    def holds(self, seen: Evidence) -> bool:
        """Tell whether there are neighbours."""
        return self.left.holds(seen) and self.right.holds(seen) and any(True for _ in self.reasons(seen))

    def reasons(self, seen: Evidence) -> Iterator[Reason]:
        """Yield the neighbours, each once."""
        for name in self.fields:
            yield from dict.fromkeys(chain.from_iterable(self._neighbours(seen, name)))

    def _neighbours(self, seen: Evidence, name: str) -> Iterator[tuple[Reason, Reason]]:
        """Yield each place of the left part with the nearest place of the right part, where that is near enough.

        Places that overlap are no neighbours: the nearest begins after the last word or ends before the first one.
        """
        left, right = (_spots(part.reasons(seen), seen, name) for part in (self.left, self.right))
        ends = sorted(right, key=_end)
        for (first, last), reason in left:
            after = bisect_right(right, last, key=_begin)
            before = bisect_left(ends, first, key=_end)
            beside = [
                *((first - place[1] - 1, other) for place, other in ends[before - 1 : before]),
                *((place[0] - last - 1, other) for place, other in right[after : after + 1]),
            ]
            distance, nearest = min(beside, key=itemgetter(0), default=(inf, reason))
            if distance <= self.words:
                yield reason, nearest


@dataclass(frozen=True, kw_only=True)
class Weighted:
    """A part whose keywords count more or less in the score."""

    part: Node
    weight: float

    @property
    def label(self) -> str:
        """What the parts count."""
        return f"counting {self.weight:g} times"

    @property
    def needs(self) -> Triggers | None:
        """What the part needs."""
        return self.part.needs

    def holds(self, seen: Evidence) -> bool:
        """Tell whether the part holds."""
        return self.part.holds(seen)

    def reasons(self, seen: Evidence) -> Iterator[Reason]:
        """Yield the part's reasons."""
        return self.part.reasons(seen)

    def weights(self, seen: Evidence) -> Iterator[tuple[str, float]]:
        """Yield the part's keywords with their counts, boosted."""
        for keyword, weight in self.part.weights(seen):
            yield keyword, weight * self.weight


def score(node: Node, seen: Evidence) -> float:
    """Return how strongly a report satisfies a query: each keyword that stands in it counts its boost once (1 without one)."""
    counts: dict[str, float] = {}
    for keyword, weight in node.weights(seen):
        counts[keyword] = max(weight, counts.get(keyword, 0.0))
    return sum(counts.values())


def _where(fields: Sequence[str]) -> str:
    return f" (in the {fields[0]})" if len(fields) == 1 else ""


def _union(needs: Iterable[Triggers | None]) -> Triggers | None:
    known = list(needs)
    if any(each is None for each in known):
        return None
    return frozenset(chain.from_iterable(each for each in known if each is not None))


def _fewest(needs: Iterable[Triggers | None]) -> Triggers | None:
    return min((each for each in needs if each is not None), key=len, default=None)


def _begin(spot: Spot) -> int:
    return spot[0][0]


def _end(spot: Spot) -> int:
    return spot[0][1]


def _spots(reasons: Iterable[Reason], seen: Evidence, name: str) -> Sequence[Spot]:
    """Return where reasons stand in a field, in order, by the numbers of their words. What cuts through words is left out."""
    reading = seen.looks[name].reading
    spots = [
        ((reading.starts[reason.start], reading.ends[reason.end]), reason)
        for reason in reasons
        if reason.field == name and reason.start in reading.starts and reason.end in reading.ends
    ]
    return sorted(spots, key=lambda spot: (spot[0], spot[1].keyword, spot[1].rule))
