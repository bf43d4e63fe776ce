"""Folding and tokens: how text is compared, without losing where a word stood.

Problem: the same word is written with and without combining marks, with soft hyphens and zero-width characters put in by
editors and copiers, with `ё` or `е`, with four kinds of apostrophe, with the dotted and dotless i of Turkic Latin. Choice:
tokens are cut from the text as it is, so a character span always points into what the user sees, and each token is folded
by itself.
Refused: folding the whole text first (spans shift), stemming (breaks the names this product is for).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

IGNORED = "\u00ad\u200b\u200c\u200d\u2060\ufeff\u0301\u0300\u200e\u200f"
"""Soft hyphen, zero-width characters, stress marks of dictionaries, direction marks: invisible in a word."""

APOSTROPHES = "'\u2019\u02bc\u2018\u0060\u00b4\u1ffd"

_DROP = re.compile(f"[{IGNORED}{APOSTROPHES}]+")
_DOTTED = "i\u0307"
"""What lower case makes of the capital dotted I."""
_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{IGNORED}\u0300-\u036f]|[{APOSTROPHES}](?=[^\W_]))*")
"""An underscore ends a word: hash tags tie their words with it."""
_SPACE = re.compile(r"\s+")
_USUAL = 32
"""Letters up to which a word's form is remembered: longer ones are no words, and would fill the memory."""
_REMEMBERED = 1024
"""Texts whose words are remembered (8 bytes a word): deciding one report asks for them six times."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a text: folded form, and the character span [start, end) of the word as written."""

    form: str
    start: int
    end: int


def fold(text: str) -> str:
    """Return the form in which words are compared: compatible characters as one, case folded, `ё` as `е`, every Latin i dotted.

    Invisible characters, stress marks and apostrophes are gone, whether a mark stands alone or is composed with its letter;
    `й` keeps its breve. Folding a form again changes nothing.
    """
    return _usual(text) if len(text) <= _USUAL else _fold(text)


@lru_cache(maxsize=1 << 15)
def _usual(word: str) -> str:
    return _fold(word)


def _fold(text: str) -> str:
    apart = _drop(unicodedata.normalize("NFKD", _drop(text))).casefold()
    together = unicodedata.normalize("NFKC", apart).casefold()
    dotted = together.replace("ё", "е").replace("ı", "i").replace(_DOTTED, "i")
    return _drop(unicodedata.normalize("NFKC", dotted))


def _drop(text: str) -> str:
    return _DROP.sub("", text)


def tokens(text: str) -> Iterator[Token]:
    """Yield the words of a text in order. A hyphen ends a word: `Алма-Ата` is two."""
    for found in _WORD.finditer(text):
        form = fold(found.group())
        if form:
            yield Token(form, found.start(), found.end())


@lru_cache(maxsize=_REMEMBERED)
def forms(text: str) -> tuple[str, ...]:
    """Return the folded words of a text: the forms of its `tokens`."""
    return tuple(form for word in _WORD.findall(text) if (form := _usual(word) if len(word) <= _USUAL else _fold(word)))


def squeeze(text: str) -> str:
    """Return the text with every run of white space as one space, none at the ends."""
    return _SPACE.sub(" ", text).strip()
