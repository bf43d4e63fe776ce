"""From a word of a keyword to what a text may write for it: endings by language, spellings across scripts.

The script of a word and its letters tell the languages it may be inflected in: Latin is English or Kazakh, Cyrillic is
Russian or Kazakh unless a letter decides. A word of both is inflected in both (`Алматы` of a Russian text does not change,
that of a Kazakh text does).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from monitor.language import english, kazakh, russian, spelling
from monitor.language.detect import COMMON_WORDS
from monitor.language.phrases import Phrase, Slot
from monitor.language.stems import ANY, EXACT, Case, Closed, Stem
from monitor.language.text import KAZAKH_LETTERS, fold, tokens
from monitor.model import Language

RUSSIAN_LETTERS = frozenset("ёщъэ")
"""Letters that hardly stand in Kazakh words: a word that has one is inflected in Russian only."""

POSSESSIVE = Closed(frozenset({"", "s"}))
"""What may follow an acronym: CSTO, CSTO's, NGOs."""

AS_WRITTEN, OPEN, ACRONYM, SPELLING = "as written", "any ending", "acronym", "other spelling"

_LATIN, _CYRILLIC = re.compile(r"[a-z\u00c0-\u024f]"), re.compile(r"[\u0400-\u052f]")


def exact(word: str) -> Slot:
    """Return what `=word` finds: the word as it is; its capitals count, where it has any."""
    return (Stem(text=fold(word), endings=EXACT, rule=AS_WRITTEN, case=_case(word)),)


def open_ended(word: str) -> Slot:
    """Return what `word*` finds."""
    return (Stem(text=fold(word), endings=ANY, rule=OPEN),)


@lru_cache(maxsize=1 << 14)
def slot(word: str, *, name: bool = False, demonyms: bool = False, language: Language | None = None) -> Slot:
    """Return what a word of a keyword finds: its forms, and where it is written like a name those of its other spellings.

    `name`: it is a name, and a text must write it with a capital. `demonyms`: of a place, also those who live there.
    `language` limits the endings to one language. A word with a capital that is not known to be a name is inflected both
    as a name and as a common word, and found written small too: `Protest` finds `protests`.
    """
    if is_acronym(word):
        return tuple(_acronym(word))
    name = name and word[:1].lower() != word[:1].upper()  # a digit and an Arabic letter have no capital
    found = list(_inflected(word, name, demonyms, language))
    if language is None and _like_a_name(word):
        if not name:
            found += (replace(stem, case=Case.ANY) for stem in _inflected(word, True, demonyms, None))
        for other in spelling.variants(word):
            found += (_spelled(stem) for stem in _inflected(other, True, demonyms, None))
    return tuple(dict.fromkeys(found))


def phrase(text: str, *, name: bool = False, demonyms: bool = False, language: Language | None = None) -> Phrase:
    """Return what a keyword finds. `word*` and `=word` stand for themselves; no word: an empty phrase."""
    return tuple(each for part in text.split() for each in _slots(part, name, demonyms, language))


def is_acronym(word: str) -> bool:
    """Tell whether a word is written like an acronym: two to six letters, all capitals."""
    return 2 <= len(word) <= 6 and word.isupper() and word.isalpha()  # noqa: PLR2004 - as the docstring says


def _slots(part: str, name: bool, demonyms: bool, language: Language | None) -> Iterator[Slot]:
    literal, begun = part.startswith("="), part.endswith("*")
    words = [part[token.start : token.end] for token in tokens(part)]
    for number, word in enumerate(words, start=1):
        if literal:
            yield exact(word)
        elif begun and number == len(words):
            yield open_ended(word)
        else:
            yield slot(word, name=name, demonyms=demonyms, language=language)


def _inflected(word: str, name: bool, demonyms: bool, language: Language | None) -> Iterator[Stem]:
    yield Stem(text=fold(word), endings=EXACT, rule=AS_WRITTEN, case=Case.FIRST if name else Case.ANY)
    for each in (language,) if language else _languages(word):
        match each:
            case "en":
                yield from english.stems(word, name=name)
            case "ru":
                yield from russian.stems(word, name=name)
            case "kk":
                yield from kazakh.stems(word, name=name, demonyms=demonyms)
            case _:
                continue


def _acronym(word: str) -> Iterator[Stem]:
    """Yield an acronym, and its cases where Russian declines it (`ОМОНа`).

    One that is a common word when written small is looked for in capitals only.
    """
    form = fold(word)
    if form in COMMON_WORDS:
        yield Stem(text=form, endings=POSSESSIVE, rule=ACRONYM, case=Case.ALL)
        return
    yield Stem(text=form, endings=POSSESSIVE, rule=ACRONYM)
    if any(map(_CYRILLIC.match, form)):
        for stem in russian.stems(word, name=True):
            yield replace(stem, rule=f"{ACRONYM}, {stem.rule}")


def _languages(word: str) -> Iterable[Language]:
    letters = set(unicodedata.normalize("NFC", word).casefold())
    if any(map(_CYRILLIC.match, letters)):
        if letters & KAZAKH_LETTERS:
            return ("kk",)
        return ("ru",) if letters & RUSSIAN_LETTERS else ("ru", "kk")
    if any(map(_LATIN.match, letters)):
        return ("en", "kk") if word[:1].isupper() else ("en",)
    return ()


def _like_a_name(word: str) -> bool:
    return word[:1].isupper() and not word.isupper()


def _spelled(stem: Stem) -> Stem:
    """Return a stem of another spelling: such words are names, so a text writes them with a capital."""
    return Stem(
        text=stem.text,
        endings=stem.endings,
        rule=SPELLING if stem.rule == AS_WRITTEN else f"{SPELLING}, {stem.rule}",
        language=stem.language,
        case=Case.FIRST,
    )


def _case(word: str) -> Case:
    if is_acronym(word):
        return Case.ALL
    return Case.FIRST if word[:1].isupper() else Case.ANY
