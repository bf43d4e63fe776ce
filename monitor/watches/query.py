"""What a query is made of. The grammar (`query.lark`) makes these values of text, `writing` makes text of them again.

Spans are characters [start, end) of the query as it was written, so that an error or an explanation can point at them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

Span = tuple[int, int]


class Within(StrEnum):
    """The parts of a report that a query may be limited to."""

    TITLE = "title"
    TEXT = "text"


class About(StrEnum):
    """What a report is about, by the gazetteer."""

    PLACE = "place"
    PERSON = "person"
    ORG = "org"
    CONCEPT = "concept"


class From(StrEnum):
    """Where a report comes from and what it is written in."""

    SOURCE = "source"
    FEED = "feed"
    LANG = "lang"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word of a term as written; `open_end` for `protest*`."""

    text: str
    open_end: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A word or a phrase. With `exact` (`=word`) only as written: no endings, no other spellings."""

    words: tuple[Word, ...]
    exact: bool = False
    quoted: bool = False
    span: Span = field(default=(0, 0), compare=False)
    written: str = field(default="", compare=False)
    """How the list form writes it, hyphens and all."""

    @property
    def text(self) -> str:
        """The term as a keyword that people read."""
        if self.written:
            return self.written
        words = " ".join(word.text + "*" * word.open_end for word in self.words)
        return f"={words}" if self.exact else words


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """`@name`: a query saved in watches.yaml, or an entry of the gazetteer."""

    name: str
    span: Span = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """`/regex/`: looked for in the text as it is, by an engine that takes linear time."""

    pattern: str
    span: Span = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentions:
    """`place:Almaty`: the report is about an entry of the gazetteer (or about a part of a place)."""

    about: About
    name: str
    span: Span = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """`within 50 km of Almaty`: the report names a place so near to another."""

    km: float
    place: str
    span: Span = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """`source:Reuters`, `feed:bbc`, `lang:kk`."""

    of: From
    value: str
    span: Span = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class And:
    """All of these."""

    parts: tuple[Query, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Or:
    """One of these."""

    parts: tuple[Query, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """Not this. Stands only beside something that is wanted."""

    part: Query
    span: Span = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLeast:
    """`2 of (a, b, c)`: so many of these."""

    count: int
    parts: tuple[Query, ...]
    span: Span = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """`a NEAR/5 b`: both in the same field with at most so many words between them, in either order.

    The parts are terms, gazetteer entries, or alternatives of these.
    """

    parts: tuple[Query, Query]
    words: int
    span: Span = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limited:
    """`title:(...)`: looked for in that field only."""

    to: Within
    part: Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Boosted:
    """`word^3`: counts three times in the score."""

    part: Query
    weight: float


Leaf = Term | Pattern | Mentions | Around | Origin | Saved
Query = Leaf | And | Or | Not | AtLeast | Near | Limited | Boosted


def parts_of(query: Query) -> tuple[Query, ...]:
    """Return what a query joins; nothing for a leaf."""
    match query:
        case And(parts=parts) | Or(parts=parts) | AtLeast(parts=parts) | Near(parts=parts):
            return parts
        case Not(part=part) | Limited(part=part) | Boosted(part=part):
            return (part,)
        case _:
            return ()


def leaves(query: Query) -> Iterator[Leaf]:
    """Yield the leaves of a query from left to right."""
    waiting = [query]
    while waiting:
        at = waiting.pop()
        inner = parts_of(at)
        if inner:
            waiting += reversed(inner)
        elif isinstance(at, Leaf):
            yield at
