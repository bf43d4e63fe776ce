"""Which chains of Kazakh suffixes may follow a stem.

Problem: Kazakh chains suffixes without an end (`қазақстан-дық-тар-ға`, `Алматы-да-ғы-лар-дың`), and each of them takes its
vowels from the word (harmony: back or front) and its first consonant from the sound before it (assimilation).
Choice: the grammar as a table of suffixes, each written once with capital letters for the sounds that change, walked as a
state machine over the rest of a word. A state is where in the chain we are, the last sound and the harmony, so a rest of n
letters is decided in steps linear in n. Latin script (of 2021 and before) is the same table spelled anew.
Refused: one regular expression of all chains (it backtracks, and it cannot see the sounds without writing each suffix six
times), a list of all endings (its size grows with every link of the chain).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import NamedTuple

LONGEST = 40
"""Letters of a rest beyond which it is no chain: in unimorph's 28,347 noun forms the longest has 8."""

FRONT, BACK = "front", "back"

SOUNDS = "vrlnztk"
"""How the word so far ends: `v` vowel, `r` р й у, `l` л, `n` м н ң, `z` з ж, `t` voiceless, `k` voiceless that becomes voiced
before a vowel (қ к п). A further one, `g`, is the voiced form itself (халығ-, кітаб-): only a vowel may follow."""
_CONSONANTS = "rlnztg"

_HARMONY = {"A": "ае", "Y": "ыі", "K": "қк", "Q": "ғг"}
"""Sounds that follow the vowels: back, front."""
_ASSIMILATION = {
    "L": "ллдддтт",  # plural -лар, -лық, -лы
    "N": "нддндтт",  # genitive -ның, -нікі
    "C": "нддддтт",  # accusative -ны
    "D": "дддддтт",  # locative -да, -дай, past -ды
    "B": "дддндтт",  # ablative -дан
    "M": "ммммбпп",  # instrumental -мен
    "P": "ммммбпп",  # -мын, -мыз of the person
    "W": "мммббпп",  # negation -ма
    "G": "QQQQQKK",  # dative -ға, -ған
}
"""Sounds that follow the sound before, in the order of `SOUNDS`."""

_LATIN = {
    "а": ("a",),
    "ә": ("ä", "á", "a"),
    "е": ("e",),
    "ы": ("y", "i"),
    "і": ("i",),
    "қ": ("q", "k"),
    "ғ": ("ğ", "ǵ", "gh", "g"),
    "ң": ("ñ", "ń", "ŋ", "ng", "n"),
    "ш": ("ş", "sh", "s"),
    "и": ("i", "y"),
    "й": ("i", "y", "j"),
    "у": ("u", "w", "ý"),
    "о": ("o",),
    "ө": ("ö", "ó", "o"),
    "ұ": ("ū", "u"),
    "ү": ("ü", "ú", "u"),
    "х": ("h", "kh", "x"),
} | {cyrillic: (latin,) for cyrillic, latin in zip("бвгдзжклмнпрстф", "bvgdzjklmnprstf", strict=True)}
"""Latin spellings of a letter: 2021, 2018 and the habits of people, folded (ı is i, an apostrophe is nothing)."""


class State(NamedTuple):
    """Where a chain stands: the slot in the table, the last sound (one of `SOUNDS` or `g`), the harmony."""

    slot: str
    sound: str
    harmony: str


class _Suffix(NamedTuple):
    pattern: str
    after: str
    """Last sounds it may follow; its own assimilation narrows them further."""
    slot: str
    """Where the chain stands then."""
    sound: str
    harmony: str | None = None
    """Harmony of what follows, where the suffix has its own."""


_ANY = SOUNDS

_PLURAL = (_Suffix("LAр", _ANY, "plural", "r"),)
_POSSESSIVE = (
    _Suffix("м", "v", "mine", "n"),
    _Suffix("ң", "v", "mine", "n"),
    _Suffix("мYз", "v", "ours", "z"),
    _Suffix("ңYз", "v", "ours", "z"),
    _Suffix("сY", "v", "its", "v"),
    _Suffix("Yм", _CONSONANTS, "mine", "n"),
    _Suffix("Yң", _CONSONANTS, "mine", "n"),
    _Suffix("YмYз", _CONSONANTS, "ours", "z"),
    _Suffix("YңYз", _CONSONANTS, "ours", "z"),
    _Suffix("Y", _CONSONANTS, "its", "v"),
)
_PERSON = (
    _Suffix("PYн", _ANY, "end", "n"),
    _Suffix("PYз", _ANY, "end", "z"),
    _Suffix("бYн", "n", "end", "n"),
    _Suffix("бYз", "n", "end", "z"),
    _Suffix("сYң", _ANY, "end", "n"),
    _Suffix("сYз", _ANY, "end", "z"),
    _Suffix("сYңдAр", _ANY, "end", "r"),
    _Suffix("сYздAр", _ANY, "end", "r"),
    _Suffix("DYр", _ANY, "end", "r"),
)
_GENITIVE = (
    _Suffix("NYң", _ANY, "end", "n"),
    _Suffix("Nікі", _ANY, "one of", "v", FRONT),
)
_PLACE = (
    _Suffix("DA", _ANY, "place", "v"),
    _Suffix("BAн", _ANY, "from", "n"),
    _Suffix("дAн", "n", "from", "n"),  # written beside -нан after м: қаламнан, қаламдан
)
_WITH = (_Suffix("Mен", _ANY, "end", "n"),)
_ACCUSATIVE = (_Suffix("CY", _ANY, "end", "v"),)
_CASES = (*_GENITIVE, *_ACCUSATIVE, *_PLACE, *_WITH, _Suffix("GA", _ANY, "end", "v"))
_LIKE = (
    _Suffix("DAй", _ANY, "end", "r"),
    _Suffix("шA", _ANY, "end", "v"),
    _Suffix("сYз", _ANY, "one of", "z"),  # never -сыздық: қауіп is danger, қауіпсіздік security
)
_ABSTRACT = (_Suffix("LYK", _ANY, "one of", "k"), _Suffix("LYQ", _ANY, "one of", "g"))
"""-лық: of a place its people (алматылық), of a thing its quality."""
_NOUN = (*_PLURAL, *_POSSESSIVE, *_CASES, *_PERSON, *_LIKE)

_VERB = (
    # voices: passive, reflexive, reciprocal, causative
    *(_Suffix(sound, "v", "verb", last) for sound, last in (("л", "l"), ("н", "n"), ("с", "t"), ("т", "t"))),
    *(_Suffix("Y" + sound, _CONSONANTS + "k", "verb", last) for sound, last in (("л", "l"), ("н", "n"), ("с", "t"))),
    _Suffix("т", "rl", "verb", "t"),
    _Suffix("DYр", _ANY, "verb", "r"),
    _Suffix("тYр", "rl", "verb", "r"),
    _Suffix("GYз", _ANY, "verb", "z"),
    # negation
    _Suffix("WA", _ANY, "verb", "v"),
    _Suffix("WAс", _ANY, "derived", "t"),
    # times and moods
    _Suffix("DY", _ANY, "past", "v"),
    _Suffix("сA", _ANY, "past", "v"),
    _Suffix("GAй", _ANY, "past", "r"),
    _Suffix("сYн", _ANY, "end", "n"),
    _Suffix("п", "v", "gerund", "t"),
    _Suffix("Yп", _CONSONANTS + "k", "gerund", "t"),
    _Suffix("й", "v", "present", "v"),
    _Suffix("A", _CONSONANTS + "k", "present", "v"),
    _Suffix("ңYз", "v", "end", "z"),
    _Suffix("YңYз", _CONSONANTS + "k", "end", "z"),
    _Suffix("йYK", "v", "end", "t"),
    _Suffix("AйYK", _CONSONANTS + "k", "end", "t"),
    _Suffix("GAлY", _ANY, "end", "v"),
    # nouns made of verbs
    _Suffix("GAн", _ANY, "derived", "n"),
    _Suffix("р", "v", "derived", "r"),
    _Suffix("Aр", _CONSONANTS + "k", "derived", "r"),
    _Suffix("йтYн", "v", "derived", "n"),
    _Suffix("AтYн", _CONSONANTS + "k", "derived", "n"),
    _Suffix("у", _ANY, "derived", "r"),
    _Suffix("ушY", _ANY, "derived", "v"),
    _Suffix("GYш", _ANY, "derived", "t"),
    _Suffix("Yс", _CONSONANTS + "k", "derived", "t"),
    _Suffix("WAK", _ANY, "derived", "k"),
    _Suffix("WAKшY", _ANY, "end", "v"),
)
_WHO = tuple(_Suffix(person, "vr", "end", "n") for person in ("м", "ң", "K", "ңYз", "ңдAр", "ңYздAр"))

_TABLE: dict[str, tuple[_Suffix, ...]] = {
    "stem": (*_NOUN, *_ABSTRACT, _Suffix("LY", _ANY, "derived", "v"), _Suffix("шY", _ANY, "derived", "v")),
    "derived": (*_NOUN, *_ABSTRACT),
    "cut": (*_NOUN, *_ABSTRACT),
    "name": _NOUN,
    "demonym": _ABSTRACT,
    "of time": (_Suffix("GY", _ANY, "one of", "v"),),
    "plural": (*_POSSESSIVE, *_CASES, *_PERSON, *_LIKE),
    "mine": (*_GENITIVE, *_ACCUSATIVE, *_PLACE, *_WITH, *_PERSON, *_LIKE, _Suffix("A", _ANY, "end", "v")),
    "ours": (*_CASES, *_PERSON, *_LIKE),
    "its": (
        *_GENITIVE,
        *_WITH,
        *_PERSON,
        _Suffix("н", _ANY, "end", "n"),
        _Suffix("нA", _ANY, "end", "v"),
        _Suffix("ндA", _ANY, "place", "v"),
        _Suffix("нAн", _ANY, "from", "n"),
        _Suffix("ндAй", _ANY, "end", "r"),
        _Suffix("ншA", _ANY, "end", "v"),
        _Suffix("нсYз", _ANY, "end", "z"),
    ),
    "place": (*_PERSON, _Suffix("QY", _ANY, "one of", "v")),
    "one of": (*_PLURAL, *_POSSESSIVE, *_CASES, *_PERSON, *_LIKE),
    "from": _PERSON,
    "end": (),
    "verb": _VERB,
    "past": _WHO,
    "gerund": (_Suffix("тY", _ANY, "from", "v"),),
    "present": (*_PERSON, _Suffix("DY", _ANY, "end", "v")),
}

_UNFINISHED = frozenset({"demonym", "of time", "cut", "verb"})
"""Slots where a suffix must follow: the word alone belongs to another stem."""


@dataclass(frozen=True, slots=True)
class Suffixes:
    """Endings of a Kazakh stem: any chain from one of the states that the stem may stand for.

    A stem of which we cannot tell the harmony (`Путин`) or the sound (`Киев`) starts from several states; within a chain
    the harmony stays.
    """

    starts: tuple[State, ...]
    latin: bool = False

    def accepts(self, rest: str) -> bool:
        """Tell whether the rest is a chain of suffixes."""
        if len(rest) > LONGEST:
            return False
        reached: list[set[State]] = [set() for _ in range(len(rest) + 1)]
        reached[0].update(self.starts)
        for at, letter in enumerate(rest):
            for state in reached[at]:
                for suffix, after in _suffixes(state, self.latin).get(letter, ()):
                    if rest.startswith(suffix, at):
                        reached[at + len(suffix)].add(after)
        return any(_finished(state) for state in reached[-1])


def _finished(state: State) -> bool:
    return state.sound != "g" and state.slot not in _UNFINISHED


@cache  # bounded by the table: slots x sounds x 2 harmonies x 2 scripts
def _suffixes(state: State, latin: bool) -> dict[str, list[tuple[str, State]]]:
    """Return by first letter the suffixes as written that may follow a state, each with the state after it."""
    found: dict[str, list[tuple[str, State]]] = {}
    for suffix in _TABLE[state.slot]:
        if state.sound in suffix.after:
            after = State(suffix.slot, suffix.sound, suffix.harmony or state.harmony)
            written = _written(suffix.pattern, state)
            for spelt in latin_spellings(written) if latin else (written,):
                found.setdefault(spelt[0], []).append((spelt, after))
    return found


def _written(pattern: str, state: State) -> str:
    """Return the letters of a suffix after a state: assimilation first, then harmony (the dative goes through both)."""
    sound = SOUNDS.find(state.sound)
    back = state.harmony == BACK
    assimilated = (_ASSIMILATION[letter][sound] if letter in _ASSIMILATION else letter for letter in pattern)
    return "".join(_HARMONY[letter][0 if back else 1] if letter in _HARMONY else letter for letter in assimilated)


def latin_spellings(word: str) -> Iterator[str]:
    """Yield the folded Latin spellings of a short Cyrillic word or suffix in lower case."""
    for letters in product(*(_LATIN[letter] for letter in word)):
        yield "".join(letters)
