"""Kazakh words as stems: what a keyword begins with in a text, and which chains of suffixes may follow.

Problem: a Kazakh keyword stands in its plain form in little more than half of its mentions (measured on KazNERD's news), and
the stem itself changes: халық-тың but халқ-ы, кітап-тың but кітаб-ы, Кремль-дің but Кремл-і. Choice: the last letters and
the vowels of the word tell its sound and its harmony; where they do not tell (loans, foreign names), every chain that agrees
with itself may follow. What no rule tells, such as the words that lose a vowel, is a closed list. `kazakh_suffixes` knows
the chains.
Refused: a dictionary of stems (it does not know names), a bare prefix (`оралған` is no Орал, `газета` no газ).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from monitor.language.kazakh_suffixes import BACK, FRONT, State, Suffixes, latin_spellings
from monitor.language.stems import EXACT, Case, Endings, Stem
from monitor.language.text import fold


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SUFFIX, _DEMONYM, _VERB = "Kazakh suffix", "Kazakh demonym", "Kazakh verb ending"

_CYRILLIC = re.compile(r"[\u0400-\u04ff]+")
_LATIN = re.compile(r"[a-z\u00df-\u024f]+")

_BACK = frozenset("аоұыяaū")
_FRONT = frozenset("әөүіеэeäáöóüú")
_NEUTRAL = frozenset("иуюiuyýo")
"""Vowels of both harmonies, and Latin letters that stand for several (ı is folded to i, o and u may lack their marks)."""
_VOWELS = _BACK | _FRONT | _NEUTRAL
_BOTH = (BACK, FRONT)
_UNBOUND = ("ь", "ев", "ev")
"""Ends of words after which either harmony is written."""
_FRONT_STOPS = frozenset("кгkg")
"""Letters that a back word of Kazakh does not end in: it has қ or ғ."""

_SOUNDS = {
    letter: sounds
    for letters, sounds in (
        ("аәоөұүыіеяэaäáoóöūúüe", "v"),
        ("июiuy", "vr"),  # Сочидің is the rule, Сочинің is written
        ("йуrрwýj", "r"),
        ("лl", "l"),
        ("мнңmnñńŋ", "n"),
        ("зжz", "z"),
        ("стфхһцчшщstfhxcş", "t"),
        ("кпkp", "tk"),  # тобы, but микроскопы
        ("қq", "k"),
        ("бвгдbvgdğǵ", "tl"),  # voiceless in speech: Киевте is the rule, Киевде is written
    )
    for letter in letters
}
"""How a word with this last letter ends, as `kazakh_suffixes.SOUNDS`: several where it is read, or written, both ways."""
_DIGRAPHS = {"ng": "n", "zh": "z"}
"""Those that do not sound like their last letter."""
_VOICED = {"қ": ("ғ",), "к": ("г",), "п": ("б",), "q": ("ğ", "ǵ", "gh", "g"), "k": ("g",), "p": ("b",)}

_LOSING = _listed(
    "халық қалып орын ерін мойын мұрын қарын қойын қайын ауыз дауыс ырық парық нарық құлық ғұрып әріп қаріп қауіп көрік ерік "
    "бөрік құлып кейіп пейіл көңіл мүлік қырық шырық шарық зауық тұрық сұрық"
)
"""Words whose last vowel falls before a vowel: орын, орны. No rule tells them from those that keep it (балық, балығы)."""
_SHORT = {word: (word[:-2] + word[-1],) for word in _LOSING} | {
    spelling: tuple(latin_spellings(word[:-2] + word[-1])) for word in _LOSING for spelling in latin_spellings(word)
}

_CLUSTERS = ("нк", "рк", "лк", "ск", "кт", "ст", "фт")
"""Ends of loans that take an -і before their suffixes, by habit and not always: объектілер, объекттер."""

_TIMES = _listed("жыл күн ай апта ғасыр кез мезгіл маусым күз қыс жаз көктем таң кеш түн бүгін ертең кеше биыл былтыр")
"""Nouns and adverbs of time that take -ғы by themselves (былтырғы); of others -ғы makes another word (жар, жарғы)."""

_NO_VERBS = _listed("бұзау жалау қырау алау атырау біреу екеу үшеу төртеу бесеу алтау жетеу")
"""Nouns that end as verbs do."""
_INFINITIVE = frozenset("уuwý")
"""Letters of the infinitive's ending: after a vowel no vowel themselves."""
_SYLLABLES = 2
"""Of a verb's stem, from which on its forms are safe: ату (to shoot) begins as ат (horse, name) does."""


def stems(word: str, *, name: bool = False, demonyms: bool = True) -> tuple[Stem, ...]:
    """Return the stems of a keyword of one word, written in Cyrillic or in Latin as its user writes it.

    `name` asks for a capital in the text; with `demonyms`, those called after the name (алматылық) are found too, and they
    are written small. A common word of two syllables and more that ends as an infinitive does is also taken for the verb.
    What is neither Cyrillic nor Latin (Arabic script, figures) is looked for as it is written.
    """
    form, case = fold(word), Case.FIRST if name else Case.ANY
    if not _is_word(form):
        return (_stem(form, EXACT, "as written", case),)
    found = [_stem(text, endings, _SUFFIX, case) for text, endings in _noun(form, name=name)]
    if name and demonyms:
        found.append(_stem(form, _endings(form, "demonym", _sounds(form), _harmonies(form)), _DEMONYM))
    if not name and _is_safe_verb(form):
        found.extend(verb_stems(word))
    return tuple(found)


def verb_stems(word: str) -> tuple[Stem, ...]:
    """Return the stems of a verb given by its infinitive in -у or -ю; none where the word is no infinitive.

    Of a stem of one syllable the forms are those of other words too (атты: he shot, and named): ask for them knowingly.
    """
    form = fold(word)
    if not _is_word(form):
        return ()
    return tuple(
        _stem(text, _endings(text, slot, _sounds(text), _harmonies(text)), _VERB) for text, slot in _verb(form)
    )


def _stem(text: str, endings: Endings, rule: str, case: Case = Case.ANY) -> Stem:
    return Stem(text=text, endings=endings, rule=rule, language="kk", case=case)


def _is_word(form: str) -> bool:
    """Two letters and more of one script, with a vowel or not."""
    return len(form) > 1 and bool(_CYRILLIC.fullmatch(form) or _LATIN.fullmatch(form))


def _noun(form: str, *, name: bool) -> Iterator[tuple[str, Endings]]:
    """Yield the beginnings of a noun: as it is, and as it changes before some suffixes."""
    slot = "name" if name else "stem"
    harmonies = _harmonies(form)
    yield form, _endings(form, slot, _sounds(form), harmonies)
    for voiced in _VOICED.get(form[-1], ()):  # кітап, кітабы
        yield form[:-1] + voiced, _endings(form, slot, "g", harmonies)
    for short in () if name else _SHORT.get(form, ()):  # халық, халқы
        yield short, _endings(form, slot, "g", harmonies)
    if form.endswith("ь"):  # Кремль, Кремлі
        yield form[:-1], _endings(form, slot, "g", harmonies)
    if form[-1] == form[-2] and form[-1] not in _VOWELS:  # процесс, процестер
        yield form[:-1], _endings(form, "cut", _sounds(form), harmonies)
    if form.endswith(_CLUSTERS):  # банк, банкіге; объект, объектілер
        yield form + "і", Suffixes((State(slot, "v", FRONT),))
    if form.endswith("ст"):  # журналист, журналистер
        yield form[:-1], _endings(form, "cut", "t", harmonies)
    if not name and form in _TIMES:  # былтыр, былтырғы
        yield form, _endings(form, "of time", _sounds(form), harmonies)


def _verb(form: str) -> Iterator[tuple[str, str]]:
    """Yield the beginnings of a verb, each with the slot of the chain it opens."""
    body = form[:-1]
    if form[-1] in _INFINITIVE:
        yield body, "verb"
        if _CYRILLIC.fullmatch(form) and body[-1] not in _VOWELS and _syllables(body) < _SYLLABLES:
            # оқу, оқыды: the infinitive swallows the vowel
            for harmony in _harmonies(form):
                yield body + ("ы" if harmony == BACK else "і"), "verb"
    elif form.endswith("ю"):  # жою: жой-ды, жоя-ды
        yield body + "й", "verb"
        yield body + "я", "present"
        yield body + "ю", "cut"


def _is_safe_verb(form: str) -> bool:
    return form[-1] in _INFINITIVE and _syllables(form[:-1]) >= _SYLLABLES and form not in _NO_VERBS


def _syllables(text: str) -> int:
    return sum(letter in _VOWELS for letter in text)


def _endings(form: str, slot: str, sounds: str, harmonies: tuple[str, ...]) -> Suffixes:
    starts = tuple(State(slot, sound, harmony) for sound in sounds for harmony in harmonies)
    return Suffixes(starts, latin=not _CYRILLIC.fullmatch(form))


def _sounds(form: str) -> str:
    """Tell how a word ends, as states of a chain; several where it is read both ways."""
    if form[-2:] in _DIGRAPHS:
        return _DIGRAPHS[form[-2:]]
    return _SOUNDS.get(form.rstrip("ьъ")[-1:], "vrlnzt")


def _harmonies(form: str) -> tuple[str, ...]:
    """Tell the harmony of the suffixes: that of the last vowel, or both where it does not bind.

    It does not bind in -ев (Тоқаевтың, Медведевтің), before a soft sign (Кремльде, Казаньда), before к or г, which back
    words of Kazakh lack (банктер, Йоркте, педагогтар), and where it is и, у or ю after back vowels (Парижде, Бакуде, but
    Ғаниға, автобуста). An у after a vowel is none (Атырауда).
    """
    vowels = [
        letter
        for before, letter in pairwise(" " + form)
        if letter in _VOWELS and not (letter in _INFINITIVE and before in _VOWELS)
    ]
    told = [BACK if letter in _BACK else FRONT for letter in vowels if letter not in _NEUTRAL]
    if not told or form.endswith(_UNBOUND):
        return _BOTH
    loose = form[-1] in _FRONT_STOPS or vowels[-1] in _NEUTRAL
    return _BOTH if loose and told[-1] == BACK else (told[-1],)
