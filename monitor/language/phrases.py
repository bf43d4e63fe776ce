"""One index for all keywords and names: the cost of a text grows with the text, not with the number of phrases.

A phrase is a row of slots, one for each word; a slot holds the stems that its word may begin with. Phrases form a tree whose
edges are slots, so phrases that begin alike share their way. The words of a text are looked up by their beginnings: the
first letters tell how long the stems are that begin so, each length is one look into a dictionary, and only stems found are
asked about the rest of the word (measured best of four ways, see the keyword bench). What a word leads to from the root is
remembered by the word. No pattern can backtrack: there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from monitor.language.stems import ANY, EXACT, Case, Stem
from monitor.language.text import Token, forms, tokens

Slot = tuple[Stem, ...]
"""What one word of a phrase may be."""
Phrase = tuple[Slot, ...]

LONGEST = 64
"""Letters of a word with endings: longer ones are no words; only their beginning is compared then (`protest*`)."""
MOST_PLACES = 500
"""Places kept of one phrase in one text, the first ones."""
REMEMBERED = 1 << 16
"""Words whose stems are remembered: about 8 MiB; a day of news has 50,000 different ones."""
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
    def _loud(self) -> bool:
        """Whether the text has no small letter: then capitals say nothing."""
        return self.text.isupper()

    def written(self, at: int, case: Case) -> bool:
        """Tell whether a word has the capitals asked for, or stands in a text of capitals only."""
        if case is Case.ANY:
            return True
        word = self.tokens[at]
        if case is Case.FIRST:
            return self.text[word.start].isupper() or self._loud
        return self.text[word.start : word.end].isupper()

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


_Edges = tuple[tuple[Stem, _Node], ...]


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
        self._known: dict[str, _Edges] = {}

    def edges(self, word: str) -> _Edges:
        """Return the edges a word may take, capitals aside."""
        known = self._known.get(word)
        if known is not None:
            return known
        found = tuple(self._find(word))
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
            if not table.edges(word):
                continue
            for number, last in self._at(reading, at):
                places = found.setdefault(number, [])
                if len(places) < MOST_PLACES:
                    places.append((at, last))
        return found

    def phrase(self, number: int) -> Phrase:
        """Return the phrase that has a number."""
        return self._phrases[number]

    def rules(self, number: int, reading: Reading, place: Place) -> tuple[str, ...]:
        """Return what joined each word at a place to the phrase's, for people."""
        pairs = zip(self._phrases[number], range(place[0], place[1] + 1), strict=True)
        return tuple(next(stem.rule for stem in slot if _takes(stem, reading, at)) for slot, at in pairs)

    def _at(self, reading: Reading, first: int) -> Iterator[tuple[int, int]]:
        """Yield the phrases that begin at a word, each with the number of the word it ends in."""
        nodes: list[_Node] = [self._root]
        for at in range(first, len(reading.words)):
            nodes = list(dict.fromkeys(after for node in nodes for after in _after(node, reading, at)))
            if not nodes:
                return
            for node in nodes:
                if node.ends is not None:
                    yield node.ends, at


def _after(node: _Node, reading: Reading, at: int) -> Iterator[_Node]:
    if node.table is None:
        return
    for stem, following in node.table.edges(reading.words[at]):
        if stem.case is Case.ANY or reading.written(at, stem.case):
            yield following


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
