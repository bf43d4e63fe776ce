"""A query as people write it, made into the values of `query.py`.

The grammar lies in `query.lark`; lark's LALR parser needs time in proportion to the query, without recursion. Choice: lark,
for the whole language stands in one readable file. Refused: luqum, whose Lucene syntax has no `2 of (...)`, no `@name` and no
`within`, and whose errors name no place. Only this package imports lark; its errors never leave it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from monitor.errors import QueryError
from monitor.language.text import APOSTROPHES
from monitor.watches import demands, mistakes
from monitor.watches.building import Builder, term_of, values_of
from monitor.watches.mistakes import OPENS, Doubt, place
from monitor.watches.pointing import shown
from monitor.watches.query import Query, Saved, Term

LONGEST = 200_000
"""Characters of a query."""
GRAMMAR = Path(__file__).with_name("query.lark")

_OPERATORS = {"or": "OR", "and": "AND", "not": "NOT"}
_TRANSLATED = {"И": "AND", "ЖӘНЕ": "AND", "ИЛИ": "OR", "НЕМЕСЕ": "OR", "НЕ": "NOT", "ЕМЕС": "NOT"}
_BEGINS = {"WORD", "PHRASE", "PATTERN", "SAVED", "EXACT", "LIMIT", "FIELD", "WITHIN", "COUNT", "NOT", OPENS}
_ENDS = {"WORD", "PHRASE", "PATTERN", "SAVED", "VALUES", "BOOST", "RPAR"}


def read_query(text: str) -> Query:
    """Return what a query says. Raises QueryError: what is wrong, where, and what to write instead."""
    seen: list[Token] = []
    try:
        query = _parsed(text, seen)
        demands.must_not_be_deep(query)
        demands.must_want(query)
    except QueryError as error:
        written_small = next((token for token in seen if token.type == "WORD" and token.lower() in _OPERATORS), None)
        if written_small is None:
            raise
        hint = f"{error.hint}; `{written_small}` is a word here, the operator is {_OPERATORS[written_small.lower()]}"
        raise QueryError(error.message, error.span, hint) from error
    return query


def read_keyword(text: str) -> Term | Saved:
    """Return what a keyword of a list says: a word or a phrase as it stands, without operators.

    `=` before it means as written only, `*` after a word any ending, `@name` a saved query or an entry of the gazetteer.
    Raises QueryError.
    """
    if len(text) > LONGEST:
        raise _too_long()
    start = len(text) - len(text.lstrip())
    stripped = text.strip()
    span = (start, start + len(stripped))
    if stripped.startswith("@"):
        return Saved(name=values_of(stripped[1:], start + 1)[0][0], span=span)
    exact = stripped.startswith("=")
    term = term_of(stripped[exact:], start + exact, span, exact=exact, quoted=None)
    if demands.says_nothing(term):
        raise demands.too_common(term)
    return term


def doubts(text: str) -> tuple[Doubt, ...]:
    """Return what a query that can be read may not say as it is meant. Raises QueryError as `read_query` does."""
    read_query(text)
    seen: list[Token] = []
    _parsed(text, seen)
    return (*_misleading(seen), *_mixed(seen))


def _parsed(text: str, seen: list[Token]) -> Query:
    """Return what a query says; `seen` gets its tokens, also those before a mistake."""
    if len(text) > LONGEST:
        raise _too_long()
    opened: list[Token] = []
    try:
        parsing = _parser().parse_interactive(text)
        for token in parsing.iter_parse():
            seen.append(token)
            if token.type == OPENS:
                opened.append(token)
                if len(opened) > demands.DEEPEST:
                    raise demands.too_deep(place(token))
            elif token.type == "RPAR" and opened:
                opened.pop()
        query: Query = parsing.feed_eof(seen[-1] if seen else None)  # type: ignore[no-untyped-call] # lark's is not annotated
    except UnexpectedCharacters as error:
        raise mistakes.strange(text, error.pos_in_stream or 0) from None
    except UnexpectedToken as error:
        if error.token.type == "VALUES":  # what no place but a field's takes
            raise mistakes.strange(text, error.token.start_pos or 0) from None
        raise mistakes.misplaced(error.token, seen, opened) from None
    return query


@cache
def _parser() -> Lark:
    grammar = GRAMMAR.read_text(encoding="utf-8")
    options: dict[str, Any] = {"parser": "lalr", "lexer": "contextual", "maybe_placeholders": False}
    return Lark(grammar, transformer=Builder(), **options)


def _misleading(seen: list[Token]) -> Iterator[Doubt]:
    """Doubt words that look like something else."""
    for token in seen:
        operator = _operator(token) if token.type == "WORD" else None
        if operator:
            hint = f"the operator is {operator}; in quotes it stays a word"
            yield Doubt(message=f"`{token}` is a word here", span=place(token), hint=hint)
        elif token.type == "WORD" and token[0] in APOSTROPHES:
            yield Doubt(
                message="an apostrophe begins no phrase", span=place(token), hint='put phrases in quotes: `"a phrase"`'
            )


def _operator(word: str) -> str | None:
    """Return the operator that somebody who writes this word may mean."""
    if word.lower().startswith("near/"):
        return word.upper()
    return _OPERATORS.get(word.lower()) or _TRANSLATED.get(word)


def _mixed(seen: list[Token]) -> Iterator[Doubt]:
    """Doubt an OR beside words that only stand side by side, between the same parentheses and commas."""
    places = [_Place()]
    for before, token in pairwise([Token("COMMA", ""), *seen]):
        if token.type in {"RPAR", "COMMA"}:
            yield from places.pop().doubt()
        if token.type in {OPENS, "COMMA"}:
            if before.type in _ENDS:
                places[-1].side_by_side = places[-1].side_by_side or token
            places.append(_Place())
        elif token.type == "_OR":
            places[-1].alternatives = True
        elif before.type in _ENDS and token.type in _BEGINS:
            places[-1].side_by_side = places[-1].side_by_side or token
    yield from places[0].doubt()


@dataclass(slots=True)
class _Place:
    """What stands between parentheses or commas."""

    alternatives: bool = False
    side_by_side: Token | None = None

    def doubt(self) -> Iterator[Doubt]:
        if self.alternatives and self.side_by_side is not None:
            yield Doubt(
                message=f"words side by side are joined before OR is: `{shown(self.side_by_side)}` goes with what stands before it",
                span=place(self.side_by_side),
                hint="put parentheses around what belongs together, as in `a (b OR c)` or `(a b) OR c`",
            )


def _too_long() -> QueryError:
    return QueryError(
        f"the query is longer than {LONGEST} characters",
        (0, LONGEST),
        "make several watches of it, or save parts as `@name`",
    )
