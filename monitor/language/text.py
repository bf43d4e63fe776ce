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
from itertools import chain

_INVISIBLE = (0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x34F, 0x61C, 0x180E, 0x200E, 0x200F)
_INVISIBLE_RANGES = (range(0x202A, 0x202F), range(0x2061, 0x2065), range(0x2066, 0x2070), range(0xFE00, 0xFE10))
_MARKS = (0x300, 0x301, 0x640, *range(0x64B, 0x653), 0x670)
IGNORED = "".join(map(chr, (*_INVISIBLE, *chain.from_iterable(_INVISIBLE_RANGES), *_MARKS)))
"""Soft hyphen, zero-width characters, direction marks, variation selectors: invisible in a word; stress marks of dictionaries,
the lengthening stroke and the vowel marks of Arabic script: no letters."""

APOSTROPHES = "'\u2019\u02bc\u2018\u0060\u00b4\u1ffd"

KAZAKH_LETTERS = frozenset("әғқңөұүһі")
"""Letters of Kazakh Cyrillic that Russian lacks."""

_DROP = re.compile(f"[{IGNORED}{APOSTROPHES}]+")
_DOTTED = "i\u0307"
"""What lower case makes of the capital dotted I."""
_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{IGNORED}\u0300-\u036f]|[{APOSTROPHES}](?=[^\W_]))*")
"""An underscore ends a word: hash tags tie their words with it."""
_LOOSE = re.compile("[\u0300-\u036f]+")
"""Marks that are no part of any letter of Unicode: struck out, underlined, heaped up."""

_LATIN_LOOKS = "ABCEHIJKMOPSTXYaceijkopsxyh"
_CYRILLIC_LOOKS = "АВСЕНІЈКМОРЅТХУасеіјкорѕхуһ"
"""Letters that look like one another, case by case: `B` is like `В`, `b` like nothing."""
_TO_CYRILLIC = str.maketrans(_LATIN_LOOKS, _CYRILLIC_LOOKS)
_TO_LATIN = str.maketrans(_CYRILLIC_LOOKS, _LATIN_LOOKS)
_LATIN, _CYRILLIC = re.compile("[A-Za-z]"), re.compile("[\u0400-\u052f]")
_RUN = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f])*")
"""Letters with their marks apart."""
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

    A word of Latin and Cyrillic letters that look alike is of one script. Invisible characters, stress marks and apostrophes
    are gone, whether a mark stands alone or is composed with its letter; `й` keeps its breve. Folding a form again changes
    nothing.
    """
    return _usual(text) if len(text) <= _USUAL else _fold(text)


@lru_cache(maxsize=1 << 15)
def _usual(word: str) -> str:
    return _fold(word)


def _fold(text: str) -> str:
    apart = _drop(unicodedata.normalize("NFKD", _drop(text)))
    if _LATIN.search(apart) and _CYRILLIC.search(apart):
        apart = _RUN.sub(_in_one_script, apart)
    together = unicodedata.normalize("NFKC", apart.casefold()).casefold()
    dotted = together.replace("ё", "е").replace("ı", "i").replace(_DOTTED, "i")
    return _LOOSE.sub("", _drop(unicodedata.normalize("NFKC", dotted)))


def _in_one_script(found: re.Match[str]) -> str:
    """Return a word of two scripts in that of most of its letters, if all others look like some of it: `Kазахстан`, `Тokayev`.

    Of two halves the Latin one is turned first.
    """
    word = found.group()
    latin, cyrillic = len(_LATIN.findall(word)), len(_CYRILLIC.findall(word))
    if cyrillic >= latin:
        turned = word.translate(_TO_CYRILLIC)
        if cyrillic > latin or not _LATIN.search(turned):
            return word if _LATIN.search(turned) else turned
    turned = word.translate(_TO_LATIN)
    return word if _CYRILLIC.search(turned) else turned


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


def written(text: str) -> tuple[str, ...]:
    """Return the words of a text as it writes them: the surfaces of its `tokens`, without their places (a third of the time)."""
    return tuple(word for word in _WORD.findall(text) if fold(word))


def squeeze(text: str) -> str:
    """Return the text with every run of white space as one space, none at the ends."""
    return _SPACE.sub(" ", text).strip()
