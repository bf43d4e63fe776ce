"""The language of a text: `en`, `ru`, `kk` or `other`, by its letters and its commonest words.

Kazakh Cyrillic has nine letters Russian lacks; a Russian text that quotes a Kazakh name has a few of them too, so their
share of the Cyrillic letters decides, and function words decide when a headline is too short for shares.
A measured detector for six-word texts is the keyword work's; this one is right on sentences.
"""

from __future__ import annotations

from monitor.language.text import forms
from monitor.model import Language

KAZAKH_LETTERS = frozenset("әғқңөұүһі")
RUSSIAN_ONLY = frozenset("ёэщцъ")
KAZAKH_SHARE = 0.05
"""Kazakh letters are 14 % of Kazakh news text and under 2 % of Russian text full of Kazakh names."""

KAZAKH_WORDS = frozenset(
    "және мен бен пен үшін туралы деп бұл осы бойынша жаңа жыл қазақстан екен еді болды керек".split()
)  # noqa: SIM905
RUSSIAN_WORDS = frozenset("и в на не что по с из за о об от до для при как его это был были после".split())  # noqa: SIM905
ENGLISH_WORDS = frozenset("the of and to in for on with at by from is are was were has after over as it that".split())  # noqa: SIM905
MIN_SHARE = 0.5
"""A text whose letters are less than half Latin and less than half Cyrillic is in another script."""


def language_of(text: str, declared: Language | None = None) -> Language:
    """Return the language of the text; `declared` (by feed or configuration) breaks ties and stands for texts without words."""
    sample = text[:4000].casefold()
    cyrillic = sum("\u0400" <= char <= "\u04ff" for char in sample)
    latin = sum("a" <= char <= "z" or "\u00c0" <= char <= "\u024f" for char in sample)
    letters = sum(char.isalpha() for char in sample)
    if not letters:
        return declared or "other"
    if cyrillic / letters >= MIN_SHARE:
        return _cyrillic(sample, cyrillic, declared)
    if latin / letters >= MIN_SHARE:
        return _latin(sample, declared)
    return "other"


def _cyrillic(sample: str, count: int, declared: Language | None) -> Language:
    words = set(forms(sample))
    kazakh = len(words & KAZAKH_WORDS) + sum(char in KAZAKH_LETTERS for char in sample) / count / KAZAKH_SHARE
    russian = len(words & RUSSIAN_WORDS) + sum(char in RUSSIAN_ONLY for char in sample) / count / KAZAKH_SHARE
    if kazakh == russian:
        return declared if declared in {"ru", "kk"} else "ru"
    return "kk" if kazakh > russian else "ru"


def _latin(sample: str, declared: Language | None) -> Language:
    words = forms(sample)
    if set(words) & ENGLISH_WORDS:
        return "en"
    return "en" if declared == "en" and sample.isascii() else "other"
