"""What a report is about, in the reader's language: the gazetteer's entries by kind, with the titles people read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitor.language.entities import Entity, Kind
from monitor.model import Language

Titles = Mapping[str, Mapping[Language, str]]
"""Titles of the gazetteer's entries by key (`place/almaty`), each by language."""

KINDS: Mapping[Kind, str] = {
    Kind.PLACE: "places",
    Kind.PERSON: "people",
    Kind.ORG: "organisations",
    Kind.CONCEPT: "concepts",
}
"""What the entries of a kind are called in events, in the order they are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """An entry that a report is about."""

    id: str
    title: str


def titles_of(entities: Iterable[Entity]) -> Titles:
    """Return the titles of a gazetteer's entries."""
    return {entity.key: entity.titles for entity in entities}


def topics(named: Iterable[str], titles: Titles, language: Language) -> Mapping[str, tuple[Topic, ...]]:
    """Return the entries of each kind in the order of `KINDS`, by title.

    An entry without a title in that language has its English one; one that is in the gazetteer no more has its id.
    """
    found: dict[str, list[Topic]] = {name: [] for name in KINDS.values()}
    for key in named:
        kind, _, own = key.partition("/")
        known = titles.get(key, {})
        found[KINDS[Kind(kind)]].append(Topic(id=own, title=known.get(language) or known.get("en", own)))
    return {name: tuple(sorted(each, key=lambda topic: topic.title.casefold())) for name, each in found.items()}
