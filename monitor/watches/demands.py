"""What a query must ask for to be one: on every way to a match something is wanted that not nearly every report has."""

from __future__ import annotations

from monitor.errors import QueryError
from monitor.language.function_words import COMMON_WORDS
from monitor.language.text import fold
from monitor.watches.pointing import shown
from monitor.watches.query import (
    And,
    Around,
    AtLeast,
    Boosted,
    Limited,
    Mentions,
    Near,
    Not,
    Or,
    Query,
    Saved,
    Term,
    leaves,
    parts_of,
)

DEEPEST = 50
"""Parts within parts: whoever walks a query may do so by recursion."""

SHORT = 3
"""Letters of common words whose phrases stand in nearly every text, like `of the`."""

_NEAR = "NEAR stands between words, phrases and entries of the gazetteer, or alternatives of these in parentheses"


def must_want(query: Query) -> None:
    """Raise QueryError for a query that nearly every report satisfies: only a NOT, only one letter, only words like `the`."""
    blamed = _idle(query)
    if isinstance(blamed, Not):
        raise QueryError(
            "a query that only excludes would want nearly every report",
            blamed.span,
            "add what is wanted, as in `protest NOT football`, and also beside every OR",
        )
    if blamed is not None:
        raise too_common(blamed)


def too_common(term: Term) -> QueryError:
    """Return the error for a term that stands in nearly every text."""
    if one_letter(term):
        return QueryError(
            f"one letter (`{shown(term.text)}`) stands in nearly every text",
            term.span,
            "write a longer word, or a phrase in quotes",
        )
    return QueryError(
        f"`{shown(term.text)}` stands in nearly every text",
        term.span,
        "add a word that says what is meant; an acronym is written in capitals, like WHO",
    )


def says_nothing(term: Term) -> bool:
    """Tell whether a term alone finds nearly everything: one letter, a common word, a phrase of short common words.

    Not an acronym in capitals, and not a phrase with a longer word: `is down` is what an outage is called.
    """
    return one_letter(term) or (
        all(fold(word.text) in COMMON_WORDS and not word.open_end and not word.text.isupper() for word in term.words)
        and (len(term.words) == 1 or all(len(word.text) <= SHORT for word in term.words))
    )


def one_letter(term: Term) -> bool:
    """Tell whether a term is one letter."""
    return len(term.words) == 1 and len(fold(term.words[0].text)) == 1


def must_not_be_deep(query: Query) -> None:
    """Raise QueryError for parts within parts within parts."""
    waiting = [(query, 1)]
    while waiting:
        at, depth = waiting.pop()
        if depth > DEEPEST:
            raise too_deep(next((leaf.span for leaf in leaves(at)), (0, 0)))
        waiting += ((part, depth + 1) for part in parts_of(at))


def too_deep(span: tuple[int, int]) -> QueryError:
    """Return the error for a query nested too deeply."""
    return QueryError(
        f"the query is nested deeper than {DEEPEST} times",
        span,
        "take parentheses out, or save parts of it and use `@name`",
    )


def must_be_near(part: Query, span: tuple[int, int]) -> None:
    """Raise QueryError for what NEAR cannot measure from."""
    match part:
        case Or():
            for each in part.parts:
                must_be_near(each, span)
        case Term() | Mentions() | Around() | Saved():
            return
        case Not():
            raise QueryError("NEAR cannot have a NOT inside", part.span, "write `(a NEAR/5 b) NOT c`")
        case And() if any(isinstance(each, Not) for each in part.parts):
            raise QueryError("NEAR cannot have a NOT inside", span, "write `(a NEAR/5 b) NOT c`")
        case Near():
            raise three_near(span)
        case Boosted():
            raise QueryError(_NEAR, span, "boost the whole: `(a NEAR/5 b)^2`")
        case Limited():
            raise QueryError(_NEAR, span, f"limit the whole: `{part.to.value}:(a NEAR/5 b)`")
        case _:
            raise QueryError(_NEAR, span, "join the rest with AND outside of it: `(a NEAR/5 b) AND c`")


def three_near(span: tuple[int, int]) -> QueryError:
    """Return the error for NEAR in a row."""
    return QueryError("NEAR has two sides only", span, "write `(a NEAR/5 b) AND (b NEAR/5 c)`")


def must_be_one_field(part: Query, span: tuple[int, int]) -> None:
    """Raise QueryError for a field within a field."""
    waiting = [part]
    while waiting:
        at = waiting.pop()
        if isinstance(at, Limited):
            raise QueryError(f"`{at.to.value}:` stands within another field", span, "keep one of the two")
        waiting += parts_of(at)


def _idle(query: Query) -> Term | Not | None:
    """Return a part that lets nearly every report through; None if every way to a match wants something."""
    match query:
        case Not():
            return query
        case Term() if says_nothing(query):
            return query
        case And() | Near():
            idle = [_idle(part) for part in query.parts]
            return None if None in idle else idle[0]
        case Or() | AtLeast():
            blamed = [each for part in query.parts if (each := _idle(part)) is not None]
            enough = query.count if isinstance(query, AtLeast) else 1
            return blamed[0] if len(blamed) >= enough else None
        case Limited() | Boosted():
            return _idle(query.part)
        case _:
            return None
