"""Folding and tokens: how text is compared, without losing where a word stood.

Problem: the same word is written with and without combining marks, with soft hyphens and zero-width characters put in by
editors and copiers, with `ё` or `е`, with four kinds of apostrophe. Choice: tokens are cut from the text as it is, so a
character span always points into what the user sees, and each token is folded by itself.
Refused: folding the whole text first (spans shift), stemming (breaks the names this product is for).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

IGNORED = "\u00ad\u200b\u200c\u200d\u2060\ufeff\u0301\u0300\u200e\u200f"
"""Soft hyphen, zero-width characters, stress marks of dictionaries, direction marks: invisible in a word."""

APOSTROPHES = "'\u2019\u02bc\u2018\u0060\u00b4"

_DROP = {ord(char): None for char in IGNORED + APOSTROPHES}
_LETTERS = {ord("ё"): "е"}
_WORD = re.compile(rf"\w(?:[\w{IGNORED}\u0300-\u036f]|[{APOSTROPHES}](?=\w))*")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a text: folded form, and the character span [start, end) of the word as written."""

    form: str
    start: int
    end: int


def fold(text: str) -> str:
    """Return the form in which words are compared: NFKC, case folded, `ё` as `е`, invisible characters and apostrophes gone.

    `й` keeps its breve because NFKC composes it before marks are looked at.
    """
    composed = unicodedata.normalize("NFKC", text.translate(_DROP)).casefold()
    return unicodedata.normalize("NFKC", composed).translate(_LETTERS).translate(_DROP)


def tokens(text: str) -> Iterator[Token]:
    """Yield the words of a text in order. A hyphen ends a word: `Алма-Ата` is two."""
    for found in _WORD.finditer(text):
        form = fold(found.group())
        if form:
            yield Token(form, found.start(), found.end())


def forms(text: str) -> tuple[str, ...]:
    """Return the folded words of a text."""
    return tuple(token.form for token in tokens(text))


def squeeze(text: str) -> str:
    """Return the text with every run of white space as one space, none at the ends."""
    return _SPACE.sub(" ", text).strip()
