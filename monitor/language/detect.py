"""The language of a text: `en`, `ru`, `kk` or `other`, by its letters, its function words and the shape of its words.

Problem: a headline has six words, half of them names, and often no function word. Choice: first the script; a text with a
fair share of Cyrillic is Cyrillic, since Russian and Kazakh news quote names in Latin letters and English news none in
Cyrillic. Then Russian or Kazakh by a sum over the words: what each three letters of a word say (`trigrams`, learnt), the
letters that only Kazakh has, the function words; a word with a capital says half, names stand in both. Neighbours are
told by what neither has: letters, function words, signs such as `ө` in a later syllable (Kyrgyz) or `ъ` before a consonant
(Bulgarian). In Latin letters English is assumed where nothing speaks against it.
Refused: a library (the smallest good one is 130 MB in memory), the language a feed declares (feeds mix languages).
Figures and protocol: tests/bench/keywords/detection.py.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from monitor.language.function_words import (
    COMMON_WORDS,
    ENGLISH,
    KAZAKH,
    KAZAKH_LATIN,
    OTHER_CYRILLIC,
    OTHER_LATIN,
    RUSSIAN,
)
from monitor.language.text import KAZAKH_LETTERS, fold
from monitor.language.trigrams import WEIGHTS
from monitor.model import LANGUAGES, Language

__all__ = ["COMMON_WORDS", "language_of", "trigrams"]

SAMPLE = 4000
"""Characters looked at."""
CYRILLIC_SHARE = 0.25
"""Of Cyrillic among the letters of a text that quotes names in Latin letters."""
SCRIPT_SHARE = 0.5
"""Of Latin or Arabic letters in a text of that script."""

FUNCTION_WORD, SMALL_WORD, NAME = 15, 20, 10
"""What a function word says, and a Kazakh letter in a word written small or with a capital: in units of the trigrams' weights."""
NAMES_ALONE = 15
"""What a text of names alone must say for Kazakh: they are written alike in Russian."""
SHORT = 2
"""Letters of function words that many languages share."""
LONGEST = 64
"""Letters of a word that are looked at."""
DECLARED = 10
"""What a declared language says: less than one function word, enough for a name alone."""

_KAZAKH_OWN = frozenset("ғқұ")
"""Letters that Russian lacks; those that Kyrgyz, Tatar, Mongolian and Ukrainian lack too."""
_FOREIGN = re.compile("[їєґўҷҳӣӯјљњћђџѓќҗҙҫҡѕ]")
"""Letters of Ukrainian, Belarusian, Tajik, Uzbek, Serbian, Macedonian, Tatar, Bashkir."""
_FOREIGN_SIGNS = re.compile("ъ(?=[^еёюяъ])|і[яю]|.ів$|ція")
"""Bulgarian and Tajik write ъ before consonants, Ukrainian і before vowels and in its plural genitive."""
_TURKIC_SIGNS = re.compile(".аа|аа.|..оо$|өө|үү|ө.*ө|ә.*ә|ч[ыөү]|[лнр]ди$")
"""In Kyrgyz, Tatar, Uzbek: long vowels, ө and ә after the first syllable, ч before hard vowels, -ди as a past tense."""
_SHARED = frozenset({"про", "для", "при", "над", "под", "без", "как", "или", "его", "они"})
"""Russian function words that other Slavic languages have too, beside those of one or two letters."""

_NOISE = re.compile(r"https?://\S+|www\.\S+|@\S+")
"""Addresses say nothing of the language."""
_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f\u00ad\u200b-\u200f'’ʻʼ‘](?=[^\W\d_]))*")
_CYRILLIC, _LATIN = re.compile("[\u0400-\u052f]+"), re.compile("[a-zA-Z\u00c0-\u024f\u0259]+")
_ARABIC = re.compile("[\u0600-\u06ff]+")
_KAZAKH_ARABIC, _NOT_KAZAKH_ARABIC = re.compile("[ەۇۋڭٴ]"), re.compile("[ئېۈێڕڵپ]ە|[ئېۈێڕڵ]")
"""Letters of Kazakh in Arabic script, and of Uyghur and Kurdish, which have some of them too."""
_MARKED = re.compile(r"[^\x00-\x7f'’]")
"""What no English word has but for loans."""
_TURKISH_CASE = re.compile(r".+['’](?:[dt][ae]n?|n?[ıiuü]n|y[ae]|[ae])")
"""A name with a Turkish case ending."""
_ENGLISH_SIGNS = re.compile(r"[a-z]{2,}(?:ing|ed|ly|ness)|.+['’]s")
"""Ends of English words, in any case."""
_FOREIGN_LATIN_SIGNS = re.compile(
    r".*[^\x00-\x7f'’].*|.*[og][‘ʻ].*|(?:l|d|qu)['’].+|.+['’](?!re$|ve$|ll$)[a-z]{2,}|.+(?:ung|keit|isch|licht|eux|euse|zione|zioni|nych|nego|iyor|lari|ning|ildi|ladi|moqda)"
)
"""Words written small with a letter, an elision or an end that English lacks."""
_KAZAKH_LATIN_SIGNS = re.compile(r".*(?:q(?!u)|ǵ|ñ(?![aeiou])).*|.+(?:[dt]ağy|ğan?)")
"""Words written small in the manner of Kazakh in Latin letters."""


def language_of(*texts: str, declared: Language | None = None) -> Language:
    """Return the language of texts that belong together (title and text).

    `declared` (by feed or configuration) decides where a text says next to nothing.
    """
    sample = unicodedata.normalize("NFC", _NOISE.sub(" ", "\n".join(text[:SAMPLE] for text in texts)))
    words = _WORD.findall(sample)
    letters = sum(map(len, words))
    if not letters:
        return declared if declared in LANGUAGES else "other"
    if _share(_CYRILLIC, sample, letters) >= CYRILLIC_SHARE:
        return _cyrillic([word for word in words if _CYRILLIC.match(word)], declared)
    if _share(_LATIN, sample, letters) >= SCRIPT_SHARE:
        return _latin(words, declared)
    if _share(_ARABIC, sample, letters) >= SCRIPT_SHARE:
        return "kk" if _KAZAKH_ARABIC.search(sample) and not _NOT_KAZAKH_ARABIC.search(sample) else "other"
    return "other"


def trigrams(word: str) -> list[str]:
    """Return each three letters of a folded word and its ends."""
    ended = f"_{word}_"
    return [ended[at : at + 3] for at in range(len(word))]


def _share(script: re.Pattern[str], sample: str, letters: int) -> float:
    return sum(map(len, script.findall(sample))) / letters


def _cyrillic(words: Sequence[str], declared: Language | None) -> Language:
    kazakh, neighbours = map(sum, zip(*map(_said, words), strict=True))
    if declared in {"ru", "kk"}:
        kazakh += DECLARED if declared == "kk" else -DECLARED
        neighbours -= 1
    if neighbours > 0:
        return "other"
    said_least = 0 if declared == "kk" or not all(map(_as_in_russian, words)) else NAMES_ALONE
    return "kk" if kazakh > said_least else "ru"


def _as_in_russian(word: str) -> bool:
    """Tell whether a word is a name that Russian may write the same."""
    return word[0].isupper() and not KAZAKH_LETTERS.intersection(word.casefold())


@lru_cache(maxsize=1 << 15)
def _said(word: str) -> tuple[int, int]:
    """Return how far a Cyrillic word speaks for Kazakh against Russian, and how far for a neighbour of the two."""
    form, small = fold(word), not word[0].isupper()
    weight = sum(WEIGHTS.get(trigram, 0) for trigram in trigrams(form[:LONGEST]))
    kazakh = weight if small else weight // 2
    letters = KAZAKH_LETTERS.intersection(form)
    if letters:
        kazakh += SMALL_WORD if small else NAME
    kazakh += FUNCTION_WORD * ((form in KAZAKH) - (form in RUSSIAN))
    return kazakh, _neighbours(form, letters, small=small)


def _neighbours(form: str, letters: frozenset[str], *, small: bool) -> int:
    """Tell whether a word is of a neighbour's language (1 and more), or of none (-1)."""
    if _FOREIGN.search(form):
        return 2
    if form in OTHER_CYRILLIC or _FOREIGN_SIGNS.search(form):
        return 1
    if letters & _KAZAKH_OWN or (len(letters) > 1 and "і" in letters) or form in KAZAKH:
        return -1
    if (small or letters) and _TURKIC_SIGNS.search(form):
        return 1
    return -1 if len(form) > SHORT and form in RUSSIAN and form not in _SHARED else 0


def _latin(words: Sequence[str], declared: Language | None) -> Language:
    said = list(map(_said_latin, words))
    english, kazakh, others = map(said.count, ("en", "kk", "other"))
    if kazakh > english and kazakh >= others:
        return "kk"
    if others > english:
        return "other"
    if english or declared in {None, "en"}:
        return "en"
    return "kk" if declared == "kk" else "other"


@lru_cache(maxsize=1 << 15)
def _said_latin(word: str) -> Language | None:
    """Return the language that a word in Latin letters speaks for; written with a capital it may be a name."""
    form = fold(word)
    if form in ENGLISH and not _MARKED.search(word):
        return "en"
    if word[0].islower():
        if (form in KAZAKH_LATIN and form not in OTHER_LATIN) or _KAZAKH_LATIN_SIGNS.fullmatch(word):
            return "kk"
        if form in OTHER_LATIN or _FOREIGN_LATIN_SIGNS.fullmatch(word):
            return "other"
    if _TURKISH_CASE.fullmatch(word):
        return "other"
    return "en" if _ENGLISH_SIGNS.fullmatch(word.lower()) else None
