"""Why a watch wants a report or does not, and what it looks for: the answers behind `explain`.

A report that is not wanted is explained by its nearest miss: the fewest parts of the query that would have had to hold, and
for each the words of the text that come closest to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from monitor.language.phrases import LONGEST, PhraseIndex, Reading
from monitor.language.stems import Case, Stem
from monitor.model import Reason
from monitor.watches.evidence import Evidence
from monitor.watches.nodes import All, Close, No, Node, Some, Weighted, Words

CLOSEST = 5
"""Words of a text named as near to a keyword."""
_LEAST = 3
"""Letters of a stem from which on a word that begins with it is near to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One part of a query: how deep it stands in it, whether it holds, what it asks, which words of the report answer."""

    depth: int
    holds: bool
    label: str
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A word of a text that comes near to a keyword, and why it is not the keyword: a clause for people."""

    keyword: str
    surface: str
    field: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A part that would have had to be otherwise, and the words of the text that come near to it."""

    label: str
    hidden_by: tuple[Reason, ...] = ()
    """What the text has and the query excludes."""
    near: tuple[Near, ...] = ()


def lines(node: Node, seen: Evidence, depth: int = 0) -> Iterator[Line]:
    """Yield the parts of a query from the outside in, each with what a report answers to it."""
    inner = _inner(node)
    said = () if inner else tuple(node.reasons(seen))
    yield Line(depth=depth, holds=node.holds(seen), label=node.label, reasons=said)
    for part in inner:
        yield from lines(part, seen, depth + 1)


def misses(node: Node, seen: Evidence) -> tuple[Miss, ...]:
    """Return the nearest miss: the fewest leaves that would have had to hold; nothing if the query holds."""
    return tuple(_miss(leaf, seen) for leaf in _blamed(node, seen))


def _inner(node: Node) -> tuple[Node, ...]:
    match node:
        case All() | Some():
            return node.parts
        case Close():
            return (node.left, node.right)
        case Weighted():
            return (node.part,)
        case No():
            return _inner(node.part)
        case _:
            return ()


def _blamed(node: Node, seen: Evidence) -> tuple[Node, ...]:
    """Return the fewest leaves that keep a query from holding."""
    if node.holds(seen):
        return ()
    match node:
        case All():
            return tuple(chain.from_iterable(_blamed(part, seen) for part in node.parts))
        case Some():
            missing = node.count - sum(part.holds(seen) for part in node.parts)
            blamed = sorted((each for part in node.parts if (each := _blamed(part, seen))), key=len)
            return tuple(chain.from_iterable(blamed[:missing]))
        case Weighted():
            return _blamed(node.part, seen)
        case Close():
            apart = (*_blamed(node.left, seen), *_blamed(node.right, seen))
            return apart or (node,)
        case _:
            return (node,)


def _miss(leaf: Node, seen: Evidence) -> Miss:
    match leaf:
        case No():
            return Miss(label=leaf.label, hidden_by=tuple(leaf.part.reasons(seen)))
        case Words():
            return Miss(label=leaf.label, near=tuple(islice(_near(leaf, seen), CLOSEST)))
        case _:
            return Miss(label=leaf.label)


def _near(leaf: Words, seen: Evidence) -> Iterable[Near]:
    """Return words that begin with a keyword's stem and yet are no form of it, the longest stems first."""
    stems = _by_beginning(leaf.phrases, seen.index)
    found: dict[tuple[str, str], tuple[int, Near]] = {}
    for name in leaf.fields:
        reading = seen.looks[name].reading
        for word, at in _first_places(reading).items():
            surface = reading.text[slice(*reading.span((at, at)))]
            for length in range(len(word), 0, -1):
                for keyword, stem in stems.get(word[:length], ()):
                    near = Near(keyword=keyword, surface=surface, field=name, why=_why_not(word, stem))
                    found.setdefault((keyword, word), (length, near))
    return (near for _, near in sorted(found.values(), key=lambda each: -each[0]))


def _by_beginning(phrases: Mapping[int, str], index: PhraseIndex) -> Mapping[str, Sequence[tuple[str, Stem]]]:
    """Return the stems of keywords of one word."""
    found: dict[str, list[tuple[str, Stem]]] = {}
    for number, keyword in phrases.items():
        phrase = index.phrase(number)
        for stem in phrase[0] if len(phrase) == 1 else ():
            if len(stem.text) >= _LEAST:
                found.setdefault(stem.text, []).append((keyword, stem))
    return found


def _first_places(reading: Reading) -> dict[str, int]:
    """Return the different words of a text with where each stands first; what is too long is no word."""
    first: dict[str, int] = {}
    for at, word in enumerate(reading.words):
        if len(word) <= LONGEST:
            first.setdefault(word, at)
    return first


def _why_not(word: str, stem: Stem) -> str:
    """Say why a word of a text that begins with a stem was not found as a form of it."""
    rest = word[len(stem.text) :]
    if not stem.endings.accepts(rest):
        return f"`{stem.text}` may not go on with `{rest}`" if rest else f"`{stem.text}` needs an ending"
    return "it is not written in capitals" if stem.case is Case.ALL else "it is written small"
