"""A query written in its one canonical form: operators in full, parentheses where they are needed, quotes where they are.

Reading what was written gives the same query. (What only code can make is written so that it means the same: a single word
that would be taken for an operator gets quotes.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import assert_never

from monitor.watches.building import OPERATORS
from monitor.watches.query import (
    And,
    Around,
    AtLeast,
    Boosted,
    Leaf,
    Limited,
    Mentions,
    Near,
    Not,
    Or,
    Origin,
    Pattern,
    Query,
    Saved,
    Term,
)

WIDTH = 100
"""Characters of a line of a wrapped query."""
INDENT = "  "
ROOM = len("AND title:")
"""Characters that may stand before parentheses on their line."""

_BARE_VALUE = re.compile(r'[^\s()|,^"“”„‟«»@*]+')
_BARE_NAME = re.compile(r"[\w\u0300-\u036f]+(?:[.-][\w\u0300-\u036f]+)*")
_QUOTES = frozenset('"“”„‟')
_PIECE = re.compile(r"\\.|.", re.DOTALL)


def write(query: Query) -> str:  # noqa: PLR0911 - one for each kind
    """Return a query on one line."""
    match query:
        case And():
            return " AND ".join(_within(part, Or) for part in query.parts)
        case Or():
            return _one_field(query) or " OR ".join(map(write, query.parts))
        case Not():
            return f"NOT {_within(query.part, And, Or, Not, Near)}"
        case AtLeast():
            return f"{query.count} of ({', '.join(map(write, query.parts))})"
        case Near():
            left, right = (_within(part, And, Or, Not, Near) for part in query.parts)
            return f"{left} NEAR/{query.words} {right}"
        case Limited():
            return f"{query.to.value}:{_sought(query.part)}"
        case Boosted():
            return f"{_within(query.part, And, Or, Not, Near, Boosted)}^{_number(query.weight)}"
        case _:
            return _leaf(query)


def wrapped(query: Query, width: int = WIDTH) -> str:  # noqa: PLR0911 - one for each kind
    """Return a query on as many lines as it needs: short parts fill lines, what is longer stands indented in parentheses."""
    line = write(query)
    if len(line) <= width:
        return line
    match query:
        case And():
            return _filled([_folded(part, width, Or) for part in query.parts], "AND ", width)
        case Or():
            return _filled([wrapped(part, width) for part in query.parts], "OR ", width)
        case Not():
            return f"NOT {_block(query.part, width)}"
        case AtLeast():
            inner = _listed([wrapped(part, width - len(INDENT)) for part in query.parts], width - len(INDENT))
            return f"{query.count} of (\n{_indented(inner)}\n)"
        case Near():
            left, right = (_folded(part, width, And, Or, Not, Near) for part in query.parts)
            return f"{left}\nNEAR/{query.words} {right}"
        case Limited():
            return f"{query.to.value}:{_block(query.part, width)}"
        case Boosted():
            return f"{_block(query.part, width)}^{_number(query.weight)}"
        case _:
            return line


def _one_field(query: Query) -> str | None:
    """Return alternatives for one field in short, `source:(Reuters OR AFP)`; None for anything else."""
    if not isinstance(query, Or):
        return None
    kinds = {
        part.about if isinstance(part, Mentions) else part.of if isinstance(part, Origin) else None
        for part in query.parts
    }
    (kind,) = kinds if len(kinds) == 1 else (None,)
    if kind is None:
        return None
    values = (_leaf(part).partition(":")[2] for part in query.parts if isinstance(part, Mentions | Origin))
    return f"{kind.value}:({' OR '.join(values)})"


def _leaf(leaf: Leaf) -> str:
    match leaf:
        case Term():
            return _term(leaf)
        case Pattern():
            return f"/{_PIECE.sub(_escaped, leaf.pattern)}/"
        case Saved():
            return f"@{leaf.name if _BARE_NAME.fullmatch(leaf.name) else _quoted(leaf.name)}"
        case Mentions():
            return f"{leaf.about.value}:{_value(leaf.name)}"
        case Origin():
            return f"{leaf.of.value}:{_value(leaf.value)}"
        case Around():
            return f"within {_number(leaf.km)} km of {_value(leaf.place)}"
        case _:
            assert_never(leaf)


def _escaped(piece: re.Match[str]) -> str:
    return r"\/" if piece[0] == "/" else piece[0]


def _term(term: Term) -> str:
    words = [word.text + "*" * word.open_end for word in term.words]
    bare = not term.quoted and not (len(words) == 1 and words[0] in OPERATORS)
    written = "-".join(words) if bare else f'"{" ".join(words)}"'
    return f"={written}" if term.exact else written


def _value(value: str) -> str:
    return value if _BARE_VALUE.fullmatch(value) else _quoted(value)


def _quoted(text: str) -> str:
    """Return a name in quotes that it does not hold."""
    return f"«{text}»" if _QUOTES & set(text) else f'"{text}"'


def _number(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(number)


def _within(part: Query, *loose: type[Query]) -> str:
    """Return a part, in parentheses if it is joined more loosely than what it stands in."""
    return f"({write(part)})" if isinstance(part, loose) and not _one_field(part) else write(part)


def _sought(part: Query) -> str:
    return write(part) if isinstance(part, Term | Pattern | Saved) else f"({write(part)})"


def _folded(part: Query, width: int, *loose: type[Query]) -> str:
    """Return a part on as many lines as it needs, in parentheses if it is joined more loosely than what it stands in."""
    if not isinstance(part, loose):
        return wrapped(part, width)
    short = _one_field(part)
    return short if short and len(short) <= width - ROOM else _block(part, width)


def _block(part: Query, width: int) -> str:
    """Return a part in parentheses, on lines of its own if it is long."""
    line = f"({write(part)})"
    return line if len(line) <= width - ROOM else f"(\n{_indented(wrapped(part, width - len(INDENT)))}\n)"


def _indented(text: str) -> str:
    return "\n".join(INDENT + line for line in text.split("\n"))


def _listed(pieces: Sequence[str], width: int) -> str:
    return "\n".join(_lines([*(f"{piece}," for piece in pieces[:-1]), pieces[-1]], width))


def _filled(pieces: Sequence[str], joint: str, width: int) -> str:
    return "\n".join(_lines([pieces[0], *(joint + piece for piece in pieces[1:])], width))


def _lines(pieces: Sequence[str], width: int) -> Iterator[str]:
    """Yield lines filled with pieces; a piece of several lines stands alone."""
    line = ""
    for piece in pieces:
        if line and "\n" not in piece + line and len(line) + 1 + len(piece) <= width:
            line += f" {piece}"
            continue
        if line:
            yield line
        line = piece
    yield line
