"""One name in four spellings: Russian and Kazakh Cyrillic, English and Kazakh Latin.

Problem: the name a user types in one alphabet stands in the news in the others, and each alphabet has several habits
(Tokayev, Tokaev, Toqaev, Tokajew). Choice: two tools. `key` reduces any spelling to what all of them agree about, for
comparing names; `variants` writes a name out in the other alphabets, the likeliest first, for looking them up in texts.
Refused: keys without vowels (they join names of three letters that have nothing in common).
Names that differ by more than spelling (Uralsk and Oral) are the gazetteer's business.
"""

from __future__ import annotations

import heapq
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

from monitor.language.spelling_table import CYRILLIC, ENGLISH, KAZAKH, KAZAKH_LATIN, RUSSIAN, Table
from monitor.language.text import KAZAKH_LETTERS, fold

MOST = 24
"""Variants of a name."""
WITHIN = 15
"""Tenths that a spelling may cost more than the cheapest: what is rarer is not looked for."""
LONGEST = 32
"""Letters of a name: longer ones have no variants."""

_HAS_CYRILLIC, _HAS_LATIN = re.compile("[\u0400-\u052f]"), re.compile("[a-z\u00df-\u024f]")


def _paired(letters: str, spellings: str) -> dict[str, str]:
    return dict(zip(letters, spellings.split(), strict=True))


_LETTERS = _paired(
    "абвгғдеёжзийкқлмнңоөпрстуұүфхһцчшщыіэюяә",
    "a b v g g d e e j z i i k k l m n n o o p r s t u u u f h h ts c x x i i e iu ia a",
)
"""Cyrillic in the alphabet of keys: `c` is ч, `x` ш, `j` ж, `h` х. Signs without a sound are not there."""
_LETTERS |= _paired("ابۆگعدەجزيىكقلمڭنوپرستۋۇفحچشھ", "a b v g g d e j z i i k k l m n n o p r s t u u f h c x h")
"""Kazakh in Arabic letters, as it is written in China; the hamza only tells the harmony."""
_LETTERS |= _paired("äâğñŋöüūûşšŝžçčïıß", "a ia g n n o u u iu x x x j c c i i s")
"""Marked Latin letters."""
_LATIN_SIGNS = tuple(
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r"shch|sch", "ш"),
        (r"sh", "ш"),
        (r"tch|ch", "ч"),
        (r"dzh|zh|dj", "ж"),
        (r"(?<=[aeiouy])j(?=[^aiouy]|$)", "y"),
        (r"gh", "g"),
        (r"kh", "х"),
        (r"ph", "f"),
        (r"ou", "u"),
        (r"(?<=a)w(?![aeiouy])|(?<=[kq])w", "u"),
        (r"w", "v"),
        (r"x", "ks"),
        (r"ck|q|c(?![eiy])", "k"),
        (r"c", "s"),
        (r"y", "i"),
    )
)
"""Latin letters and groups of them that stand for one sound, in Cyrillic where the key's letter means something else."""
_GERMAN = re.compile(r"[oe]w(?:a|s|as|n)?$")
_GERMAN_SIGNS = (("dsch", "ж"), ("tsch", "ч"), ("sch", "ш"), ("ch", "х"))
_COMMON = tuple(
    (re.compile(pattern), plain) for pattern, plain in ((r"n+g+", "n"), (r"dj", "j"), (r"i+e", "e"), (r"(.)\1+", r"\1"))
)


def key(word: str) -> str:
    """Return what the spellings of a name have in common, in letters a to z; "" where no letter is known.

    Names with equal keys are spelt alike, not surely the same name.
    """
    letters = fold(unicodedata.normalize("NFC", word).casefold().replace("ý", "u"))  # ý of 2018 is у
    if _GERMAN.search(letters):
        for sign, plain in _GERMAN_SIGNS:
            letters = letters.replace(sign, plain)
        letters = re.sub(r"(?<=[aeiou])s(?=[aeiou])", "z", letters)  # Nasarbajew
    for pattern, plain in _LATIN_SIGNS:
        letters = pattern.sub(plain, letters)
    plain = "".join(_LETTERS.get(letter) or (letter if "a" <= letter <= "z" else "") for letter in letters)
    for pattern, common in _COMMON:
        plain = pattern.sub(common, plain)
    return plain


@lru_cache(maxsize=1 << 14)
def variants(word: str) -> tuple[str, ...]:
    """Return other spellings of a name of one word, the most usual first: at most `MOST`, each with a capital.

    Russian and Kazakh Cyrillic, English and Kazakh Latin; not the word itself. None for what is in another script, in two,
    or too long for a name.
    """
    letters = unicodedata.normalize("NFC", word).casefold()
    if _HAS_CYRILLIC.search(letters) and _HAS_LATIN.search(letters):
        letters = fold(word)
    if len(letters) > LONGEST or bool(_HAS_CYRILLIC.search(letters)) == bool(_HAS_LATIN.search(letters)):
        return ()
    unique = {fold(word): word}
    for each in _all(letters):
        unique.setdefault(fold(each), each[:1].upper() + each[1:])
    return tuple(unique.values())[1 : MOST + 1]


def _all(letters: str) -> Iterator[str]:
    russian, kazakh = _cyrillic(letters)
    english = _spelled(russian[0], ENGLISH, 6)
    latin = _spelled(kazakh[0], KAZAKH_LATIN, 4)
    yield from (russian[0], kazakh[0], english[0], latin[0])
    yield from (*english[1:], *kazakh[1:], *russian[1:])
    yield from _spelled(kazakh[0], ENGLISH, 6)
    yield from latin[1:]
    for other in kazakh[1:3]:
        yield from _spelled(other, KAZAKH_LATIN, 1)


def _cyrillic(letters: str) -> tuple[list[str], list[str]]:
    """Return how a name may be written in Russian and in Kazakh."""
    if not _HAS_CYRILLIC.search(letters):
        read = _spelled(letters, CYRILLIC, 4)
        russian = list(dict.fromkeys(each for reading in read for each in _spelled(reading, RUSSIAN, 1)))
        kazakh = _kazakh(read[0])
        return russian, kazakh
    if KAZAKH_LETTERS & set(letters):
        return _spelled(letters, RUSSIAN, 4), [letters]
    return [letters], _kazakh(letters)


def _kazakh(letters: str) -> list[str]:
    return [letters] if len(KAZAKH_LETTERS & set(letters)) > 1 else _spelled(letters, KAZAKH, 5)


def _spelled(letters: str, table: Table, most: int) -> list[str]:
    """Return the cheapest spellings by a table; letters that it lacks stay."""
    found: list[tuple[int, str]] = [(0, "")]
    at = 0
    while at < len(letters):
        unit, options = _unit(letters, at, table)
        found = heapq.nsmallest(most, ((cost + more, text + plus) for cost, text in found for plus, more in options))
        at += len(unit)
    return [text for cost, text in found if cost <= found[0][0] + WITHIN]


def _unit(letters: str, at: int, table: Table) -> tuple[str, Iterable[tuple[str, int]]]:
    for line in table.get(letters[at], ()):
        if found := line.unit.match(letters, at):
            return found.group(), line.spellings
    return letters[at], ((letters[at], 0),)
