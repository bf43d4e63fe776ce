"""What is wrong with a query that the grammar does not take: the parser's complaint in words for people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from lark import Token

from monitor.errors import QueryError
from monitor.watches import demands
from monitor.watches.pointing import shown
from monitor.watches.query import About, From, Span, Within

OPENS = "LPAR"
FIELDS = (*Within, *From, *About)
_ALIASES = {
    "site": "source", "outlet": "source", "publisher": "source", "domain": "source", "from": "source", "language": "lang",
    "headline": "title", "intitle": "title", "body": "text", "content": "text", "location": "place", "city": "place",
    "country": "place", "region": "place", "people": "person", "who": "person", "organisation": "org", "organization": "org",
    "company": "org", "topic": "concept", "event": "concept",
}  # fmt: skip
"""How other programs call the fields."""

_FIELD = re.compile(r"([^\W\d_]+):")
_WAITING = {"_OR": "OR", "_AND": "AND", "NEAR": "NEAR", "NOT": "NOT"}
_QUOTES = '"“”„‟«»'
_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_SIGNS = {
    "^": ("`^` is followed by no number", "write what the word counts, as in `protest^2.5`"),
    "@": ("`@` is followed by no name", 'write `@name` or `@"a name"`'),
    ":": ("`:` follows no field", f"write the field before it, one of {', '.join(FIELDS)}, or leave it out"),
    **dict.fromkeys(_DASHES, ("a dash is no word", "write `-word` or `NOT word` to exclude one, or put the phrase in quotes")),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """What a query that can be read may not say as it is meant: what, at which characters of it, and what to write instead."""

    message: str
    span: Span
    hint: str


def place(token: Token) -> Span:
    """Return the characters [start, end) of a query that a token is."""
    return (token.start_pos or 0, token.end_pos or 0)


def strange(text: str, at: int) -> QueryError:
    """Return the error for a place where nothing known begins."""
    field = _FIELD.match(text, at)
    if field:
        return _unknown_field(field.group(1), field.span())
    special = {"*": _star, "/": _slash, **dict.fromkeys(_QUOTES, _quote)}.get(text[at])
    if special:
        return special(text, at)
    message, hint = _SIGNS.get(
        text[at], (f"`{shown(text[at])}` cannot stand here", "put the phrase in quotes, or take the sign out")
    )
    return QueryError(message, (at, at + 1), hint)


def misplaced(token: Token, seen: Sequence[Token], opened: Sequence[Token]) -> QueryError:
    """Return the error for a part that cannot stand where it stands. `opened`: the parentheses not closed so far."""
    at_end = token.type == "$END"
    before = seen[-1] if seen else None
    if not at_end and before is not None and before.start_pos == token.start_pos:
        before = seen[-2] if len(seen) > 1 else None
    if at_end and before is None:
        return QueryError("the query is empty", (0, 0), "write what is wanted, such as `protest AND Almaty`")
    if before is not None and before.type in {*_WAITING, "EXACT", "LIMIT", "FIELD", "WITHIN", "COMMA"}:
        return _unfinished(before, token)
    if at_end:
        return QueryError("a parenthesis is not closed", place(opened[-1]), "close it with `)`")
    if token.type == "RPAR":
        return _closing(token, before)
    if before is None or before.type == OPENS:
        return QueryError(f"`{shown(token)}` has nothing before it", place(token), "write what it joins on both sides")
    return _in_the_way(token, before, opened)


def _unfinished(before: Token, token: Token) -> QueryError:
    """Return the error for what should have been followed by something."""
    name, span = shown(before), place(before)
    if before.type == "NEAR" and token.type == "NOT":
        return QueryError("NEAR cannot have a NOT inside", place(token), "write `(a NEAR/5 b) NOT c`")
    if before.type == "NOT" and token.type == "NOT":
        return QueryError("NOT stands twice", place(token), "take both out, or one of them")
    if before.type == "LIMIT" and token.type == "NOT":
        return QueryError(f"`{name}` is followed by a NOT", place(token), f"write `-{name}word`")
    if before.type in _WAITING and token.type in _WAITING:
        both = f"`{name}` and `{shown(token)}` follow each other"
        return QueryError(both, (span[0], place(token)[1]), "keep one of them")
    if before.type == "EXACT":
        return QueryError("`=` stands before no word", span, 'write `=word` or `="a phrase"`')
    return QueryError(f"`{name}` has nothing after it", span, "write what it is about, or take it out")


def _closing(token: Token, before: Token | None) -> QueryError:
    if before is not None and before.type == OPENS:
        return QueryError(
            "the parentheses are empty",
            (place(before)[0], place(token)[1]),
            "write something in them, or take them out",
        )
    return QueryError("a parenthesis is closed that was not opened", place(token), "take it out, or open it with `(`")


def _in_the_way(token: Token, before: Token, opened: Sequence[Token]) -> QueryError:
    name, span = shown(token), place(token)
    if token.type == "COMMA":
        hint = "write OR or AND, or put the alternatives in parentheses or the phrase in quotes"
        return QueryError("a comma separates alternatives in parentheses only", span, hint)
    if token.type == "NEAR":
        return demands.three_near(span)
    if token.type == "BOOST":
        return QueryError(
            f"`{name}` cannot stand here", span, "write one boost right after a word, a phrase or parentheses"
        )
    if opened and before.type in {"VALUES", OPENS}:
        return QueryError(
            "a list of values has only OR and commas", span, 'write `source:(Reuters OR "New York Times")`'
        )
    return QueryError(f"`{name}` cannot stand here", span, "put a phrase in quotes, or take it out")


def _unknown_field(name: str, span: Span) -> QueryError:
    near = _ALIASES.get(name.lower()) or next(iter(get_close_matches(name.lower(), FIELDS, n=1)), None)
    hint = f"did you mean `{near}:`?" if near else f"the fields are {', '.join(FIELDS)}"
    return QueryError(f"there is no field `{shown(name)}`", span, f"{hint} (a colon in quotes is only a sign)")


def _quote(text: str, at: int) -> QueryError:
    closing = "»" if text[at] in "«»" else '"'
    return QueryError("a quotation mark is not closed", (at, at + 1), f"close it with `{closing}`, or take it out")


def _star(text: str, at: int) -> QueryError:
    if text[at + 1 : at + 2].isalnum():
        return QueryError("`*` stands before a word", (at, at + 1), "a word can be open at its end only: `protest*`")
    return QueryError(
        "`*` alone would want every report", (at, at + 1), "write the beginning of a word before it: `protest*`"
    )


def _slash(text: str, at: int) -> QueryError:
    end = re.compile(r"\S*").match(text, at)
    span = end.span() if end else (at, at + 1)
    if span == (at, at + 1):
        return QueryError("`/` is no word", span, "take it out, or put the phrase in quotes")
    return QueryError(
        "a pattern begins here that does not end",
        span,
        r"write `/pattern/` with a space after it and `\/` for a slash in it, or put the words in quotes",
    )
