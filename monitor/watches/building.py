"""What each rule of the grammar makes: the parser calls these while it reads, so there is no tree in between."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from lark import Token, Transformer

from monitor.errors import QueryError
from monitor.language.text import IGNORED, forms, squeeze, tokens
from monitor.model import LANGUAGES
from monitor.watches import demands
from monitor.watches.mistakes import place
from monitor.watches.patterns import Regex
from monitor.watches.pointing import shown
from monitor.watches.query import (
    About,
    And,
    Around,
    AtLeast,
    Boosted,
    From,
    Limited,
    Mentions,
    Near,
    Not,
    Or,
    Origin,
    Pattern,
    Query,
    Saved,
    Span,
    Term,
    Within,
    Word,
)

OPERATORS = frozenset({"AND", "OR", "NOT", "NEAR"})
NEAR_WORDS = 10
"""Words between the sides of a NEAR without a number."""
MOST_WORDS = 1000
LEAST_BOOST, MOST_BOOST = 0.1, 100.0
LEAST_KM, MOST_KM = 0.1, 20_000.0
"""Kilometres of a `within`; 20,000 is half way round."""
LANGUAGES_OF_REPORTS = (*LANGUAGES, "other")
_OTHER_CODES = {"kz": "kk", "kaz": "kk", "kazakh": "kk", "rus": "ru", "russian": "ru", "eng": "en", "english": "en"}

_INVISIBLE = re.compile(f"[{IGNORED.replace(chr(0x301), '').replace(chr(0x300), '')}]")
"""What a word drops: all that folding ignores, but for stress marks, which are seen."""
_QUOTED = re.compile(r'^(?:["“”„‟]([^"“”„‟]*)["“”„‟]|[«»]([^«»]*)[«»])$')
_VALUE = re.compile(r'["“”„‟][^"“”„‟]*["“”„‟]|[«»][^«»]*[«»]|[^,"“”„‟«»]+')
_WITHIN = re.compile(r"within\s+([\d.,]+)\s*([^\W\d_]+)\s+of", re.IGNORECASE)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Builder(Transformer[Token, Query]):
    """Makes a query of what the parser found; one method for each rule of the grammar, with what the rule joins."""

    def either(self, parts: list[Query]) -> Query:
        """`a OR b`."""
        return any_of(parts)

    def all(self, parts: list[Query]) -> Query:
        """`a AND b`, `a b`."""
        return all_of(parts)

    def without(self, parts: list[Any]) -> Query:
        """`NOT a`, `-a`."""
        sign, part = parts
        return Not(part=part, span=place(sign))

    def close(self, parts: list[Any]) -> Query:
        """`a NEAR/5 b`."""
        left, near, right = parts
        words = _number(near[5:]) if len(near) > len("NEAR") else NEAR_WORDS
        if words > MOST_WORDS:
            raise QueryError("NEAR looks too far", place(near), f"write at most NEAR/{MOST_WORDS}, or AND")
        for side in (left, right):
            demands.must_be_near(side, place(near))
        return Near(parts=(left, right), words=int(words), span=place(near))

    def boosted(self, parts: list[Any]) -> Query:
        """`a^2.5`."""
        part, boost = parts
        weight = float(boost[1:])
        if not LEAST_BOOST <= weight <= MOST_BOOST:
            raise QueryError(f"`{shown(boost)}` is no boost", place(boost), f"write {LEAST_BOOST:g} to {MOST_BOOST:g}")
        return Boosted(part=part, weight=weight)

    def limited(self, parts: list[Any]) -> Query:
        """`title:a`."""
        field, part = parts
        demands.must_be_one_field(part, place(field))
        return Limited(to=Within(field[:-1].lower()), part=part)

    def listed(self, parts: list[Token]) -> Query:
        """`source:Reuters`, `place:(Almaty OR Astana)`."""
        name = parts[0][:-1].lower()
        values = [value for token in parts[1:] if token.type == "VALUES" for value in values_of(token, place(token)[0])]
        return any_of([_asked(name, value, (place(parts[0])[0], span[1]), span) for value, span in values])

    def around(self, parts: list[Token]) -> Query:
        """`within 50 km of Almaty`."""
        within, name = parts
        values = values_of(name.lstrip("@"), place(name)[1] - len(name.lstrip("@")))
        if len(values) > 1:
            raise QueryError(
                "`within` takes one place", values[1][1], "write `within 50 km of Almaty OR within 50 km of Oral`"
            )
        return Around(km=_kilometres(within), place=values[0][0], span=(place(within)[0], values[0][1][1]))

    def at_least(self, parts: list[Any]) -> Query:
        """`2 of (a, b, c)`."""
        of, parts_of_it = parts
        count = _number(of.split()[0])
        if not count:
            raise QueryError("`0 of` would want every report", place(of), "ask for 1 or more")
        if count > len(parts_of_it):
            less = f"the list has only {len(parts_of_it)}"
            raise QueryError(
                f"`{shown(of)}` cannot hold: {less}", place(of), "ask for fewer, or separate them by commas"
            )
        return AtLeast(count=int(count), parts=tuple(parts_of_it), span=place(of))

    def term(self, parts: list[Token]) -> Query:
        """`word`, `"a phrase"`, `=word`."""
        written = parts[-1]
        text, start = str(written), place(written)[0]
        if text.startswith("NEAR/"):
            raise QueryError(f"`{shown(text)}` has no number of words", place(written), "write `NEAR/5`")
        quoted = written.type == "PHRASE"
        if quoted:
            text, start = text[1:-1], start + 1
        term = term_of(text, start, (place(parts[0])[0], place(written)[1]), exact=len(parts) > 1, quoted=quoted)
        bare = "-".join(word.text + "*" * word.open_end for word in term.words)
        needs_quotes = bare != text and (len(term.words) > 1 or bare in OPERATORS)
        return replace(term, quoted=True) if needs_quotes else term

    def pattern(self, parts: list[Token]) -> Query:
        """`/regex/`."""
        written, start = parts[0][1:-1], place(parts[0])[0] + 1
        try:
            Regex.of(written)
        except QueryError as error:
            span = (start + error.span[0], start + error.span[1])
            raise QueryError(error.message, span, error.hint) from error
        return Pattern(pattern=_ESCAPED.sub(_unescaped, written), span=place(parts[0]))

    def saved(self, parts: list[Token]) -> Query:
        """`@name`."""
        return Saved(name=values_of(parts[0][1:], place(parts[0])[0] + 1)[0][0], span=place(parts[0]))

    def group(self, parts: list[list[Query]]) -> Query:
        """`(a OR b)`, `(a, b)`."""
        return any_of(parts[0])

    def list(self, parts: list[Query]) -> Any:
        """What stands between parentheses, separated by commas."""
        return parts


def all_of(parts: Iterable[Query]) -> Query:
    """Return parts that must all hold as one, without an AND in an AND."""
    flat = tuple(inner for part in parts for inner in (part.parts if isinstance(part, And) else (part,)))
    return flat[0] if len(flat) == 1 else And(parts=flat)


def any_of(parts: Iterable[Query]) -> Query:
    """Return alternatives as one, without an OR in an OR: the index asks for the words of one OR in one step."""
    flat = tuple(inner for part in parts for inner in (part.parts if isinstance(part, Or) else (part,)))
    return flat[0] if len(flat) == 1 else Or(parts=flat)


def term_of(text: str, start: int, span: Span, *, exact: bool, quoted: bool | None) -> Term:
    """Return the words of a text that begins at `start`; without `quoted` several words make a phrase. Raises QueryError."""
    words = tuple(_words(text, start))
    if not words:
        if text.strip():
            raise QueryError(
                f"`{shown(text)}` has no letter and no digit",
                span,
                "look for a sign by a pattern, as in `/№/`, or take it out",
            )
        raise QueryError("there is no word", span, 'write a word, or a phrase such as `"oil workers"`')
    return Term(words=words, exact=exact, quoted=len(words) > 1 if quoted is None else quoted, span=span)


def values_of(text: str, start: int) -> list[tuple[str, Span]]:
    """Return values separated by commas, with the places where they stand. Raises QueryError."""
    values = []
    for found in _VALUE.finditer(text):
        span = (start + found.start(), start + found.end())
        quoted = _QUOTED.match(found.group())
        value = squeeze(_INVISIBLE.sub("", (quoted[1] or quoted[2] or "") if quoted else found.group()))
        if not forms(value):
            raise QueryError(f"`{shown(found.group())}` is no name", span, "write a name with letters")
        if "*" in value:
            raise QueryError("a name cannot be open at its end", span, "write the whole name, without `*`")
        values.append((value, span))
    if not values:
        raise QueryError("there is no name", (start, start + len(text)), "write a name with letters")
    return values


def _words(text: str, start: int) -> Iterable[Word]:
    """Yield the words of a text, each with the star that follows it."""
    cut = list(tokens(text))
    stars = {at for at, char in enumerate(text) if char == "*"} if "*" in text else set[int]()
    begins = {token.start for token in cut}
    for token in cut:
        open_end = token.end in stars and token.end + 1 not in begins
        if open_end:
            stars.remove(token.end)
        yield Word(text=_INVISIBLE.sub("", text[token.start : token.end]), open_end=open_end)
    if stars:
        at = start + min(stars)
        raise QueryError(
            "`*` stands at the end of no word", (at, at + 1), "a word can be open at its end only: `protest*`"
        )


def _asked(name: str, value: str, span: Span, at: Span) -> Query:
    if name in set(About):
        return Mentions(about=About(name), name=value.lstrip("@ "), span=span)
    if name == From.LANG:
        value = value.lower()
        if value not in LANGUAGES_OF_REPORTS:
            raise _unknown_language(value, at)
    return Origin(of=From(name), value=value, span=span)


def _unknown_language(value: str, at: Span) -> QueryError:
    near = _OTHER_CODES.get(value) or next(iter(get_close_matches(value, LANGUAGES_OF_REPORTS, n=1)), None)
    known = ", ".join(LANGUAGES_OF_REPORTS)
    hint = f"did you mean `lang:{near}`?" if near else f"the languages are {known}"
    return QueryError(f"there is no language `{shown(value)}`", at, hint)


def _kilometres(within: Token) -> float:
    found = _WITHIN.match(within)
    number, unit = (found[1], found[2]) if found else ("", "")
    if unit.lower() != "km":
        raise QueryError(
            f"`{shown(unit)}` is no unit of a distance here",
            place(within),
            "write kilometres: `within 50 km of Almaty`",
        )
    try:
        km = float(number)
    except ValueError:
        km = math.nan
    if not LEAST_KM <= km <= MOST_KM:
        raise QueryError(
            f"`{shown(number)}` is no distance",
            place(within),
            f"write {LEAST_KM:g} to {MOST_KM:g} km, as in `within 2.5 km of`",
        )
    return km


def _number(digits: str) -> float:
    """Return a whole number however many digits it has; one too long to mean anything is infinite."""
    return int(digits) if len(digits) <= 9 else math.inf  # noqa: PLR2004 - more than enough


def _unescaped(found: re.Match[str]) -> str:
    return "/" if found[1] == "/" else found[0]
