"""Which entries of the gazetteer a report names, out of what the index found in it.

A phrase found may be a name of several entries, or a common word. The rules, in order: a phrase that rules a name out (`Air
Astana`) takes it away; a name that needs context counts if one of its words, or an entry of its region, stands in the same
report, or the same entry by a name that needs none (a surname after the full name); of several entries with one name that
with support wins, then the one whose name it was on that day, then the larger; a name within a longer name of something else
is covered (Almaty in `Almaty Region`), but not one in a name of its own part (Almaty in `Almaty airport`).
A word with a capital that no name explains is compared by its spelling key.
Refused: probabilities (nobody can check them), the nearest place to others in the text (a crisis spreads over a country).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from monitor.language import spelling
from monitor.language.entities import Kind, Mention
from monitor.language.phrases import Look, PhraseIndex, Place
from monitor.language.stems import Case

BY_SPELLING = "spelling"
SHORTEST = 6
"""Letters of a word from which on its spelling key may tell an entry: shorter keys collide."""
REMEMBERED = 1 << 16
"""Words whose keys are remembered, about 8 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sense:
    """What a phrase may mean: an entry by one of its names, and on which conditions."""

    key: str
    kind: Kind
    sure: bool
    """It needs no context."""
    near: frozenset[int]
    """Phrases of which one is context."""
    around: frozenset[str]
    """Entries: one of these, or what lies in one, is context too."""
    unless: frozenset[int]
    """Phrases within which it means something else."""
    without: frozenset[int]
    foreign: frozenset[str]
    """Phrases and entries beside which, in the same report, it means something else."""
    since: date | None
    until: date | None
    people: int

    def current(self, day: date) -> bool:
        """Tell whether the name was official on a day."""
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)


class _Spot(NamedTuple):
    """A place of a text with an entry that it may name. A tuple: hundreds are made for a report."""

    look: int
    place: Place
    number: int
    sense: Sense

    @property
    def length(self) -> int:
        return self.place[1] - self.place[0]


class Recogniser:
    """Tells the entries in what an index found. Shared by threads; remembers words only."""

    def __init__(
        self,
        *,
        index: PhraseIndex,
        senses: Mapping[int, tuple[Sense, ...]],
        above: Mapping[str, frozenset[str]],
        before: frozenset[int],
        after: frozenset[int],
        spelled: Mapping[str, str],
    ) -> None:
        """Take the index, the senses of its phrases, and for each entry what it lies in.

        `before` and `after` are phrases beside which a name is a settlement's, `spelled` the entries by spelling key.
        """
        self._index = index
        self._senses = senses
        self._above = above
        self._before = before
        self._after = after
        self._spelled = spelled
        self._known: dict[str, str | None] = {}
        self._rules: dict[tuple[int, tuple[str, ...]], str] = {}

    def recognise(self, looks: Sequence[Look], when: date) -> tuple[Mention, ...]:
        """Return what a report of a day names, in the order of its fields and words."""
        every = tuple(self._spots(looks))
        accepted = self._accepted([spot for spot in every if not _ruled_out(spot, looks)], looks)
        chosen = _best(accepted, when)
        mentions = [*self._told(chosen, looks, when), *self._by_spelling(every, looks)]
        order = {look.field: at for at, look in enumerate(looks)}
        return tuple(
            sorted(mentions, key=lambda mention: (order[mention.field], mention.start, -mention.end, mention.key))
        )

    def _accepted(self, spots: Sequence[_Spot], looks: Sequence[Look]) -> Iterator[tuple[_Spot, bool]]:
        """Yield the spots whose conditions hold, each with whether its context speaks for it."""
        present = frozenset[int]().union(*(look.found.keys() for look in looks))
        sure = _sure(spots)
        around = frozenset[str]().union(*(self._above[key] for key in sure))
        beside = self._beside(spots, looks)
        for spot in spots:
            sense = spot.sense
            if not (sense.without.isdisjoint(present) and sense.foreign.isdisjoint(around)):
                continue
            supported = not (sense.near.isdisjoint(present) and sense.around.isdisjoint(around))
            if supported or sense.sure or sense.key in sure or self._is_settlement(spot, beside):
                yield spot, supported

    def _beside(self, spots: Iterable[_Spot], looks: Sequence[Look]) -> Mapping[tuple[int, int], frozenset[str]]:
        """Return where a name is a settlement's by the words beside it: entries it must lie in, none for any."""
        found: dict[tuple[int, int], frozenset[str]] = {}
        for at, look in enumerate(looks):
            for number in look.found.keys() & self._before:
                found |= {(at, place[1] + 1): frozenset() for place in look.found[number]}
            for number in look.found.keys() & self._after:
                found |= {(at, place[0] - 1): frozenset() for place in look.found[number]}
        for spot in spots:
            if spot.sense.sure and spot.sense.kind is Kind.PLACE:
                found.setdefault((spot.look, spot.place[0] - 1), frozenset({spot.sense.key}))
        return found

    def _is_settlement(self, spot: _Spot, beside: Mapping[tuple[int, int], frozenset[str]]) -> bool:
        """Tell whether the words beside a name make it a place: `г. Шу`, `Oral, Kazakhstan`."""
        if spot.sense.kind is not Kind.PLACE:
            return False
        around = (beside.get((spot.look, at)) for at in spot.place)
        return any(within is not None and within <= self._above[spot.sense.key] for within in around)

    def _spots(self, looks: Sequence[Look]) -> Iterator[_Spot]:
        for at, look in enumerate(looks):
            for number in look.found.keys() & self._senses.keys():
                for place in look.found[number]:
                    for sense in self._senses[number]:
                        yield _Spot(at, place, number, sense)

    def _told(self, spots: Iterable[_Spot], looks: Sequence[Look], when: date) -> Iterator[Mention]:
        """Yield the spots as mentions, without those within a longer name of the same entry."""
        around: list[_Spot] = []
        told = set[tuple[int, Place, str]]()
        for spot in sorted(spots, key=lambda spot: (spot.look, spot.place[0], -spot.place[1])):
            around = [each for each in around if each.look == spot.look and each.place[1] >= spot.place[0]]
            longer = [each for each in around if each.place[1] >= spot.place[1] and each.length > spot.length]
            around.append(spot)
            where = (spot.look, spot.place, spot.sense.key)
            if where in told or any(each.sense.key == spot.sense.key for each in longer):
                continue
            told.add(where)
            covered = any(self._covers(each.sense, spot.sense) for each in longer)
            yield self._mention(spot, looks[spot.look], when, covered=covered)

    def _covers(self, longer: Sense, shorter: Sense) -> bool:
        """Tell whether a name within a longer one is only a part of it. Concepts hide nothing: `red level lifted` is both."""
        return longer.kind is not Kind.CONCEPT and shorter.key not in self._above[longer.key]

    def _mention(self, spot: _Spot, look: Look, when: date, *, covered: bool) -> Mention:
        start, end = look.reading.span(spot.place)
        rule = self._rule(spot, look)
        return Mention(
            key=spot.sense.key,
            surface=look.reading.text[start:end],
            field=look.field,
            start=start,
            end=end,
            rule=", ".join((rule, *_period(spot.sense, when))),
            covered=covered,
        )

    def _rule(self, spot: _Spot, look: Look) -> str:
        """Return what joined the words of a text to a name's. The same words joined once more are remembered."""
        words = (spot.number, look.reading.words[spot.place[0] : spot.place[1] + 1])
        rule = self._rules.get(words)
        if rule is None:
            rule = ", ".join(dict.fromkeys(self._index.rules(spot.number, look.reading, spot.place)))
            if len(self._rules) >= REMEMBERED:
                self._rules.clear()
            self._rules[words] = rule
        return rule

    def _by_spelling(self, spots: Iterable[_Spot], looks: Sequence[Look]) -> Iterator[Mention]:
        """Yield words with a capital that are no name, not even one ruled out, and that are spelled like one."""
        explained: set[tuple[int, int]] | None = None
        for number, look in enumerate(looks):
            for at, key in self._alike(look.reading.words):
                if not look.reading.written(at, Case.FIRST):
                    continue
                if explained is None:
                    explained = {
                        (spot.look, each) for spot in spots for each in range(spot.place[0], spot.place[1] + 1)
                    }
                if (number, at) not in explained:
                    start, end = look.reading.span((at, at))
                    surface = look.reading.text[start:end]
                    yield Mention(key=key, surface=surface, field=look.field, start=start, end=end, rule=BY_SPELLING)

    def _alike(self, words: Sequence[str]) -> Sequence[tuple[int, str]]:
        """Return the words that are spelled like an entry's name, by number, with the entry."""
        for word in set(words).difference(self._known):
            self._learn(word)
        known = self._known
        return [(at, key) for at, word in enumerate(words) if (key := known.get(word))]

    def _learn(self, word: str) -> None:
        if len(word) > _LONGEST:
            return
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[word] = self._spelled.get(spelling.key(word)) if len(word) >= SHORTEST else None


_LONGEST = 32
"""Letters of a word beyond which it is no name, and would fill the memory."""


def _sure(spots: Iterable[_Spot]) -> frozenset[str]:
    """Return the entries that are named without a doubt: by a name that needs no context and no other entry has."""
    alone: dict[tuple[int, Place], str | None] = {}
    for spot in spots:
        sense = spot.sense
        if sense.sure and sense.kind is not Kind.CONCEPT:
            at = (spot.look, spot.place)
            alone[at] = sense.key if alone.get(at, sense.key) == sense.key else None
    return frozenset(key for key in alone.values() if key)


def _best(accepted: Iterable[tuple[_Spot, bool]], when: date) -> Iterator[_Spot]:
    """Yield one spot for each name at a place, and every concept."""
    best: dict[tuple[int, Place], tuple[tuple[bool, bool, int], _Spot]] = {}
    for spot, supported in accepted:
        sense = spot.sense
        if sense.kind is Kind.CONCEPT:
            yield spot
            continue
        rank = (supported, sense.current(when), sense.people)
        at = (spot.look, spot.place)
        if at not in best or best[at][0] < rank:
            best[at] = (rank, spot)
    yield from (spot for _, spot in best.values())


def _ruled_out(spot: _Spot, looks: Sequence[Look]) -> bool:
    """Tell whether a phrase that rules a name out stands over it."""
    if not spot.sense.unless:
        return False
    found = looks[spot.look].found
    first, last = spot.place
    return any(
        place[0] <= first and last <= place[1] for number in spot.sense.unless for place in found.get(number, ())
    )


def _period(sense: Sense, when: date) -> Iterator[str]:
    """Say when a name was official, where that is not the day of the report."""
    if sense.until and when >= sense.until:
        yield f"name until {sense.until.year}"
    elif sense.since and when < sense.since:
        yield f"name since {sense.since.year}"
