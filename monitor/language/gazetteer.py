"""The gazetteer: which entries there are, what they are called, what lies in what, and the phrases to look for in a text.

Looking is the index's (`phrases`), which watches and gazetteer share, so that a text is passed once; which entry a phrase
that was found names is the `Recogniser`'s. Adding a country is adding files (`config/gazetteer/README.md`), never code.
Nothing here changes once it is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from functools import cached_property
from math import asin, cos, radians, sin, sqrt

from monitor.language import inflection, spelling
from monitor.language.entities import Entity, Kind, Name
from monitor.language.phrases import Phrase, PhraseIndex, Slot
from monitor.language.recogniser import SHORTEST, Recogniser, Sense
from monitor.language.stems import Case
from monitor.language.text import KAZAKH_LETTERS, fold, forms
from monitor.model import Language, content_key

__all__ = ["Gazetteer", "Recogniser", "distance"]

EARTH = 6371.0
"""Mean radius in km (IUGG)."""
ENTRY = "@"
"""Begins a `near` that is an entry rather than a word: `@KZ-39`."""
BEFORE = ("city of", "town of", "village of", "город", "г", "посёлок", "село", "аул")
AFTER = ("city", "town", "village", "қала", "кент", "ауыл")
"""What makes the name beside it a settlement's: `г. Шу`, `Орал қаласында`."""
LIKELY = 0.75
"""Ratio (difflib) from which on a name is near enough to another to be a typo of it."""


@dataclass(frozen=True, slots=True)
class _Called:
    """An entry with whether it may be called so in small letters."""

    entity: Entity
    small: bool


class Gazetteer:
    """The entries of all files."""

    def __init__(self, entities: Iterable[Entity]) -> None:
        """Take entries; their keys differ."""
        self.entities = tuple(entities)
        self._by_key = {entity.key: entity for entity in self.entities}

    def entity(self, key: str) -> Entity:
        """Return the entry that has a key. Raises KeyError."""
        return self._by_key[key]

    @cached_property
    def key(self) -> str:
        """What tells this gazetteer from one with other entries."""
        return content_key("g1", *map(repr, self.entities))

    @cached_property
    def phrases(self) -> tuple[Phrase, ...]:
        """What an index must look for: names, the words that must be near some of them, the phrases that rule them out."""
        return tuple(dict.fromkeys(self._phrases()))

    def bind(self, index: PhraseIndex) -> Recogniser:
        """Return what tells the entries from what the index, which must know `phrases`, found in a text."""
        senses: dict[int, list[Sense]] = {}
        for entity in self.entities:
            for name in entity.names:
                number = index.numbers.get(_phrase(name.text, name, entity.kind))
                if number is not None:
                    senses.setdefault(number, []).append(self._sense(entity, name, index))
        return Recogniser(
            index=index,
            senses={number: tuple(each) for number, each in senses.items()},
            above={key: self._above(key) for key in self._by_key},
            before=frozenset(index.numbers[_common(text)] for text in BEFORE),
            after=frozenset(index.numbers[_common(text)] for text in AFTER),
            spelled=self._spelled,
        )

    def called(self, name: str, kind: Kind | None = None) -> tuple[Entity, ...]:
        """Return the entries that an id, a title or a name in its plain form, in any spelling, stands for; the largest first.

        Capitals do not count, but for a name that is a common word when written small (`oral`), unless `kind` is given.
        """
        words = forms(name)
        small = kind is None and name == name.lower()
        found = [each.entity for each in self._called.get(words, ()) if each.small or not small]
        if not found and not small and len("".join(words)) >= SHORTEST:
            found = [each.entity for each in self._called_alike.get(_keys(words), ())]
        kept = dict.fromkeys(entity.key for entity in found if kind is None or entity.kind is kind)
        return tuple(sorted(map(self.entity, kept), key=lambda entity: -(entity.people or 0)))

    def alike(self, name: str, also: Iterable[str] = ()) -> str | None:
        """Return the name nearest to one that nothing is called, of the gazetteer's and of others; None if none is near."""
        known: dict[str, str] = {}
        for text in (*also, *self._names):
            known.setdefault(" ".join(forms(text)), text)
        near = get_close_matches(" ".join(forms(name)), known, n=1, cutoff=LIKELY)
        return known[near[0]] if near else None

    def children(self, key: str) -> frozenset[str]:
        """Return the keys of all entries that lie in a place at any time, at any depth."""
        return self._below.get(key, frozenset())

    def within(self, km: float, key: str) -> frozenset[str]:
        """Return the keys of the places whose middle is at most so many kilometres from a place's, its own among them.

        A place without coordinates has itself alone.
        """
        middle = self.entity(key).at
        if middle is None:
            return frozenset({key})
        placed = ((entity.key, entity.at) for entity in self.entities if entity.at)
        return frozenset({key, *(each for each, at in placed if distance(middle, at) <= km)})

    def region_on(self, day: date, key: str) -> str | None:
        """Return the key of what a place was part of on a day."""
        parents = (term.value for term in self.entity(key).parents if term.at(day))
        return next((_place(parent) for parent in parents), None)

    def phrases_of(self, key: str) -> Mapping[Language | None, tuple[str, ...]]:
        """Return an entry's names by language, as they stand in its file (None: in any); what `explain` shows."""
        names: dict[Language | None, dict[str, None]] = {}
        for name in self.entity(key).names:
            names.setdefault(name.language, {})[name.text] = None
        return {language: tuple(texts) for language, texts in names.items()}

    def _phrases(self) -> Iterator[Phrase]:
        for entity in self.entities:
            for name in entity.names:
                yield _phrase(name.text, name, entity.kind)
                for text in (*_words(name.near), *_words(name.without), *name.unless):
                    yield _common(text)
        yield from map(_common, (*BEFORE, *AFTER))

    def _sense(self, entity: Entity, name: Name, index: PhraseIndex) -> Sense:
        region = {_place(term.value) for term in entity.parents} - {_country(entity)}

        def numbers(texts: Iterable[str]) -> frozenset[int]:
            return frozenset(index.numbers[_common(text)] for text in texts)

        return Sense(
            key=entity.key,
            kind=entity.kind,
            sure=not name.near,
            near=numbers(_words(name.near)),
            around=_entries(name.near) | region,
            unless=numbers(name.unless),
            without=numbers(_words(name.without)),
            foreign=_entries(name.without),
            since=name.since,
            until=name.until,
            people=entity.people or 0,
        )

    def _above(self, key: str) -> frozenset[str]:
        """Return an entry and all that it lies in, at any time."""
        found, waiting = set[str](), [key]
        while waiting:
            at = waiting.pop()
            if at in found:
                continue
            found.add(at)
            entity = self._by_key.get(at)
            if entity:
                waiting += (_place(term.value) for term in entity.parents)
                waiting += [country] if (country := _country(entity)) else []
        return frozenset(found)

    @cached_property
    def _below(self) -> Mapping[str, frozenset[str]]:
        below: dict[str, set[str]] = {}
        for entity in self.entities:
            if entity.kind is Kind.PLACE:
                for above in self._above(entity.key) - {entity.key}:
                    below.setdefault(above, set()).add(entity.key)
        return {key: frozenset(keys) for key, keys in below.items()}

    @cached_property
    def _names(self) -> tuple[str, ...]:
        """What entries are called, for people: titles first."""
        titles = (title for entity in self.entities for title in entity.titles.values())
        names = (name.text for entity in self.entities for name in entity.names if _is_plain(name.text))
        return tuple(dict.fromkeys((*titles, *names, *(entity.id for entity in self.entities))))

    @cached_property
    def _called(self) -> Mapping[tuple[str, ...], Sequence[_Called]]:
        common = {forms(name.text) for entity in self.entities for name in entity.names if name.capital}
        found: dict[tuple[str, ...], list[_Called]] = {}
        for entity in self.entities:
            names = (name.text for name in entity.names)
            for text in (entity.id, *entity.titles.values(), *names):
                words = forms(text)
                found.setdefault(words, []).append(_Called(entity, small=words not in common))
        return found

    @cached_property
    def _called_alike(self) -> Mapping[tuple[str, ...], Sequence[_Called]]:
        found: dict[tuple[str, ...], list[_Called]] = {}
        for words, entries in self._called.items():
            named = [each for each in entries if each.entity.kind is not Kind.CONCEPT]
            if named:
                found.setdefault(_keys(words), []).extend(named)
        return found

    @cached_property
    def _spelled(self) -> Mapping[str, str]:
        """The entry that a word stands for by its spelling key, where that is one entry only and needs no context."""
        found: dict[str, set[str]] = {}
        for entity in self.entities:
            for name in entity.names if entity.kind in {Kind.PLACE, Kind.PERSON} else ():
                words = forms(name.text)
                if len(words) == 1 and _is_plain(name.text) and not name.near and not name.text.isupper():
                    found.setdefault(spelling.key(words[0]), set()).add(entity.key)
        return {key: next(iter(entries)) for key, entries in found.items() if len(entries) == 1}


def distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the km between two points (latitude, longitude in degrees) along a great circle (haversine formula)."""
    (south, west), (north, east) = ((radians(at[0]), radians(at[1])) for at in (one, other))
    chord = sin((north - south) / 2) ** 2 + cos(south) * cos(north) * sin((east - west) / 2) ** 2
    return 2 * EARTH * asin(min(1.0, sqrt(chord)))


def _phrase(text: str, name: Name, kind: Kind) -> Phrase:
    """Return what a name finds: each word written with a capital is inflected as a name, the others as common words."""
    return tuple(slot for part in text.split() for slot in _slots(part, name, kind))


def _slots(part: str, name: Name, kind: Kind) -> Iterator[Slot]:
    if inflection.is_acronym(part):
        yield _acronym(part, name.language)
        return
    proper = kind is not Kind.CONCEPT and part[:1].isupper()
    places = kind is Kind.PLACE
    every = [
        inflection.phrase(part, name=proper, demonyms=places, language=language)
        for language in _languages(part, name.language)
    ]
    for slots in zip(*every, strict=True):
        stems = dict.fromkeys(stem for slot in slots for stem in slot)
        if part.startswith("=") or name.capital:
            yield tuple(stems)
        else:
            small = (replace(stem, case=Case.ANY) if stem.case is Case.FIRST else stem for stem in stems)
            yield tuple(dict.fromkeys(small))


def _acronym(part: str, language: Language | None) -> Slot:
    """Return what an acronym finds: written with a capital at least (`Nato`), declined in Russian only (`МИДа`, not `ақша`)."""
    stems = inflection.slot(part)
    if language != "ru":
        stems = tuple(stem for stem in stems if stem.endings == inflection.POSSESSIVE)
    return tuple(replace(stem, case=max(stem.case, Case.FIRST)) for stem in stems)


def _languages(part: str, language: Language | None) -> Sequence[Language]:
    """Return the languages a word of a name is inflected in: those of its script where the file does not say.

    What `inflection` does for keywords beyond that, other spellings, the recogniser does by their keys.
    """
    if language == "en" and part[:1].isupper():
        return ("en", "kk")  # Kazakh in Latin letters spells many names as English does: Almatyda, Astanağa
    if language:
        return (language,)
    folded = fold(part)
    if "а" <= folded.strip("=*")[:1] <= "ӿ":
        return ("kk",) if KAZAKH_LETTERS & set(folded) else ("ru", "kk")
    return ("en", "kk")


def _common(text: str) -> Phrase:
    """Return what a word that must be near, or a phrase that rules out, finds."""
    return tuple(
        slot
        for part in text.split()
        for slot in inflection.phrase(part, name=False, demonyms=False, language=_language_of(part))
    )


def _language_of(part: str) -> Language:
    return _languages(part, None)[0]


def _words(context: Iterable[str]) -> Iterator[str]:
    return (text for text in context if not text.startswith(ENTRY))


def _entries(context: Iterable[str]) -> frozenset[str]:
    return frozenset(_place(text.removeprefix(ENTRY)) for text in context if text.startswith(ENTRY))


def _is_plain(text: str) -> bool:
    """Tell whether a name stands in its plain form: `=word` may be any of its forms, `word*` is a beginning."""
    return "*" not in text and "=" not in text


def _keys(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(spelling.key(word) for word in words)


def _place(reference: str) -> str:
    """Return the key that a reference means: an id alone is a place's."""
    return reference if "/" in reference else f"{Kind.PLACE.value}/{reference}"


def _country(entity: Entity) -> str | None:
    key = f"{Kind.PLACE.value}/{entity.country}" if entity.country else None
    return None if key == entity.key else key
