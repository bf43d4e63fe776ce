"""One index for all keywords and names: the cost of a text grows with the text, not with the number of phrases.

A phrase is a row of slots, one for each word; a slot holds the stems that its word may begin with. Phrases form a tree whose
edges are slots, so phrases that begin alike share their way. The words of a text are looked up by their beginnings: the
first letters tell how long the stems are that begin so, each length is one look into a dictionary, and only stems found are
asked about the rest of the word (measured best of four ways, see the keyword bench). What a word leads to from the root is
remembered by the word. No pattern can backtrack: there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from monitor.language.stems import ANY, EXACT, Case, Stem
from monitor.language.text import APOSTROPHES, Token, forms, tokens, written

Slot = tuple[Stem, ...]
"""What one word of a phrase may be."""
Phrase = tuple[Slot, ...]

LONGEST = 64
"""Letters of a word with endings: longer ones are no words; only their beginning is compared then (`protest*`)."""
MOST_PLACES = 500
"""Places kept of one phrase in one text, the first ones."""
REMEMBERED = 1 << 16
"""Words whose stems are remembered: about 8 MiB; a day of news has 50,000 different ones."""
_POSSESSIVE = re.compile(f"[{APOSTROPHES}]s$")
"""Small even after an acronym: WHO's."""
_KEY = 2
"""Letters by which the table of stems is entered."""

Place = tuple[int, int]
"""The numbers of the first and the last word of a phrase in a text."""


class Reading:
    """A text cut into words once, for all who look for something in it."""

    def __init__(self, text: str) -> None:
        """Take a text. Its folded words are cut at once, their places when somebody asks."""
        self.text = text
        self.words = forms(text)

    @cached_property
    def tokens(self) -> Sequence[Token]:
        """The words with their places."""
        return tuple(tokens(self.text))

    @cached_property
    def surfaces(self) -> Sequence[str]:
        """The words as the text writes them."""
        return written(self.text)

    @cached_property
    def starts(self) -> Mapping[int, int]:
        """The number of the word that begins at a character."""
        return {token.start: number for number, token in enumerate(self.tokens)}

    @cached_property
    def ends(self) -> Mapping[int, int]:
        """The number of the word that ends before a character."""
        return {token.end: number for number, token in enumerate(self.tokens)}

    @cached_property
    def _loud(self) -> bool:
        """Whether the text has no small letter: then capitals say nothing."""
        return self.text.isupper()

    def written(self, at: int, case: Case) -> bool:
        """Tell whether a word has the capitals asked for, or stands in a text of capitals only."""
        if case is Case.ANY:
            return True
        surface = self.surfaces[at]
        if case is Case.FIRST:
            return surface[0].isupper() or self._loud
        return _POSSESSIVE.sub("", surface).isupper()

    def span(self, place: Place) -> tuple[int, int]:
        """Return the characters [start, end) of a place."""
        return self.tokens[place[0]].start, self.tokens[place[1]].end


@dataclass(frozen=True, slots=True)
class Look:
    """What an index found in one field of a report."""

    field: str
    reading: Reading
    found: Mapping[int, Sequence[Place]]


@dataclass(slots=True, eq=False)
class _Node:
    """A place in the tree of phrases. Nobody changes it once the index is made, but for what the table remembers."""

    ends: int | None = None
    """The phrase that ends here."""
    edges: dict[Slot, _Node] = field(default_factory=dict)
    table: _Table | None = None


_Edge = tuple[Stem, _Node]


class _Table:
    """The stems that may follow, by their beginnings."""

    def __init__(self, edges: Mapping[Slot, _Node]) -> None:
        self._whole: dict[str, list[tuple[Stem, _Node]]] = {}
        self._begun: dict[str, list[tuple[Stem, _Node]]] = {}
        lengths: dict[str, set[int]] = {}
        for slot, node in edges.items():
            for stem in slot:
                if stem.endings == EXACT:
                    self._whole.setdefault(stem.text, []).append((stem, node))
                else:
                    self._begun.setdefault(stem.text, []).append((stem, node))
                    lengths.setdefault(stem.text[:_KEY], set()).add(len(stem.text))
        self._lengths = {key: tuple(sorted(each)) for key, each in lengths.items()}
        self._short = any(len(key) < _KEY for key in self._lengths)
        self._known: dict[str, tuple[_Edge, ...]] = {}

    def edges(self, word: str) -> tuple[_Edge, ...]:
        """Return the edges a word may take, capitals aside."""
        known = self._known.get(word)
        if known is not None:
            return known
        found = _once(self._find(word))
        if len(word) <= LONGEST:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[word] = found
        return found

    def _find(self, word: str) -> Iterator[tuple[Stem, _Node]]:
        yield from self._whole.get(word, ())
        keys = (word[:_KEY], word[:1]) if self._short else (word[:_KEY],)
        for key in keys:
            for length in self._lengths.get(key, ()):
                if length > len(word):
                    break
                for stem, node in self._begun.get(word[:length], ()):
                    if stem.endings is ANY or (len(word) <= LONGEST and stem.endings.accepts(word[length:])):
                        yield stem, node


def _once(edges: Iterable[_Edge]) -> tuple[_Edge, ...]:
    """Return the edges without those that lead where another leads whatever the capitals."""
    kept: dict[tuple[int, Case], _Edge] = {}
    for stem, node in sorted(edges, key=lambda edge: edge[0].case):
        if (id(node), Case.ANY) not in kept:
            kept.setdefault((id(node), stem.case), (stem, node))
    return tuple(kept.values())


class PhraseIndex:
    """Phrases to look for, by their numbers. Immutable for those who use it; shared by threads."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        """Take phrases; equal ones share a number. A phrase without words, or with a word without stems, stands nowhere."""
        self._root = _Node()
        self.numbers: dict[Phrase, int] = {}
        for phrase in phrases:
            if phrase in self.numbers or not phrase or not all(phrase):
                continue
            self.numbers[phrase] = len(self.numbers)
            node = self._root
            for slot in phrase:
                node = node.edges.setdefault(slot, _Node())
            node.ends = self.numbers[phrase]
        self._phrases = tuple(self.numbers)
        _set_tables(self._root)

    def find(self, reading: Reading) -> dict[int, list[Place]]:
        """Return the phrases that stand in a text with their places, in order."""
        found: dict[int, list[Place]] = {}
        table = self._root.table
        if table is None:
            return found
        for at, word in enumerate(reading.words):
            edges = table.edges(word)
            if edges:
                _follow(edges, reading, at, found)
        return found

    def phrase(self, number: int) -> Phrase:
        """Return the phrase that has a number."""
        return self._phrases[number]

    def rules(self, number: int, reading: Reading, place: Place) -> tuple[str, ...]:
        """Return what joined each word at a place to the phrase's, for people."""
        pairs = zip(self._phrases[number], range(place[0], place[1] + 1), strict=True)
        return tuple(next(stem.rule for stem in slot if _takes(stem, reading, at)) for slot, at in pairs)


def _follow(edges: Iterable[_Edge], reading: Reading, first: int, found: dict[int, list[Place]]) -> None:
    """Note the phrases that begin at a word, going on from the edges that it may take."""
    words = reading.words
    for at in range(first, len(words)):
        nodes = list[_Node]()
        for stem, node in edges:
            if node in nodes or (stem.case and not reading.written(at, stem.case)):
                continue
            nodes.append(node)
            if node.ends is not None:
                places = found.setdefault(node.ends, [])
                if len(places) < MOST_PLACES:
                    places.append((first, at))
        tables = [node.table for node in nodes if node.table is not None]
        if not tables or at + 1 == len(words):
            return
        edges = [edge for table in tables for edge in table.edges(words[at + 1])]
        if not edges:
            return


def _takes(stem: Stem, reading: Reading, at: int) -> bool:
    word = reading.words[at]
    if not word.startswith(stem.text) or not reading.written(at, stem.case):
        return False
    return stem.endings is ANY or stem.endings.accepts(word[len(stem.text) :])


def _set_tables(root: _Node) -> None:
    nodes = [root]
    while nodes:
        node = nodes.pop()
        if node.edges:
            node.table = _Table(node.edges)
        nodes += node.edges.values()
