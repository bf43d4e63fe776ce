"""Forms of a Russian word: one table from how the word ends to the endings that its stem may have.

Problem: a Russian noun has ten forms, an adjective twenty, a verb sixty, and the names of a crisis stand in no dictionary.
Choice: school grammar as data (`russian_table`). The first line that fits the keyword says how much is cut and what may follow;
what cannot be seen in a word (gender after a soft sign, animate or not, whether a vowel is fleeting, surname or town) is
allowed both ways, since a form that no word has does no harm. Folding has made `ё` an `е` before.
Refused: stemming, and a dictionary (both measured worse on names); derived words (`Крым` and `крымский`) are other words.
Figures and protocol: tests/bench/keywords/russian.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

from monitor.language.russian_table import NAMES, OTHER_WORDS, reflexive
from monitor.language.stems import EXACT, Case, Closed, Stem
from monitor.language.text import fold


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


RULE = "Russian ending"
AS_WRITTEN = "as written"
SHORT = 2
"""Letters that every stem has: an index by the beginning of words works best on long beginnings."""

UNCHANGED = _words(
    """а без бы был быть в вам вас весь во вот все всего всем вы где да для до его ее ей ему если есть еще же за здесь и из
    или им ими их к как ко когда кто лет ли лишь мне мной мои мой мы на над нам нами нас нашей не него нее ней нем нет ни
    ним ними них но о об он она они оно от по под после при про пусть с сам сама себе себя со среди строго так такой там
    те тем теми тех то тобой того той только том тому тот ту ты у уж уже хоть хотя чего чей чем что чтобы эта эти это этой
    этом этот я"""
)
"""Function words: they have no forms here, and no keyword has them as a form (`посол` has not `после`, `тема` not `тем`)."""
INDECLINABLE = _words("метро кино депо авто фото видео евро бюро пальто досье кафе шоссе такси интервью жюри пари")
"""Loan words of news, some of which would be taken for nouns with forms (`метро` for `метр`)."""


@lru_cache(maxsize=1 << 14)
def stems(word: str, *, name: bool = False) -> tuple[Stem, ...]:
    """Return what begins the forms of a Russian word that a user wrote in its nominative or infinitive.

    A surname may be given in its man's or woman's form, an adjective in any gender or the plural. `name` asks for a capital
    letter in the text and takes the word for no verb. Acronyms have no forms: they are not asked for here.
    """
    form, case = fold(word), Case.FIRST if name else Case.ANY
    if not form:
        return ()
    unchanged = form in INDECLINABLE or (form in UNCHANGED and not name)
    found = None if unchanged else _declined(form, name=name)
    if found is None:
        return (Stem(text=form, endings=EXACT, rule=AS_WRITTEN, language="ru", case=case),)
    return tuple(_stems(form, *found, case))


def _declined(form: str, *, name: bool) -> tuple[str, Closed] | None:
    """Return the stem of a word and its endings by the first line of the table that fits."""
    if not name and form.endswith(("ться", "тись", "чься")):
        found = _declined(form[:-2], name=False)
        return None if found is None else (found[0], reflexive(found[1]))
    for row in (NAMES if name else OTHER_WORDS).get(form[-1], ()):
        if match := row.shape.fullmatch(form):
            return match[1], row.endings
    return None


def _stems(form: str, stem: str, endings: Closed, case: Case) -> Iterator[Stem]:
    foreign = {word[len(stem) :] for word in UNCHANGED if word.startswith(stem) and word != form} & endings.endings
    if foreign:
        endings = Closed(endings.endings - foreign)
    for text, rest in _lengthened(stem, endings):
        yield Stem(text=text, endings=rest, rule=RULE, language="ru", case=case)
    if not endings.accepts(form[len(stem) :]):  # spelt as no Russian word is: itself it is all the same
        yield Stem(text=form, endings=EXACT, rule=AS_WRITTEN, language="ru", case=case)


def _lengthened(stem: str, endings: Closed) -> Iterator[tuple[str, Closed]]:
    """Yield the stem as it is or, when it is short, once for each letter that follows it (`д` + `ень, ня`: `де`, `дн`)."""
    if len(stem) >= SHORT or endings == EXACT:
        yield stem, endings
        return
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for ending in endings.endings:
        groups[ending[:1]].add(ending[1:])
    for letter, rests in sorted(groups.items()):
        yield from _lengthened(stem + letter, Closed(frozenset(rests)))
