"""The gazetteer's entries that a report names, by kind, for people and for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from monitor.alerts.about import KINDS
from monitor.language.entities import Entity, Mention

if TYPE_CHECKING:
    from monitor.language.gazetteer import Gazetteer

Entities = Callable[[str], Entity]
"""Gives an entry by its key."""


def named(mentions: Iterable[Mention], entity: Entities) -> dict[str, list[dict[str, Any]]]:
    """Return for each kind the entries named, first come first: key, title, and each place where one is named.

    `covered` marks a name that is part of another entry's: the report is not about it.
    """
    found: dict[str, dict[str, list[Mention]]] = {heading: {} for heading in KINDS.values()}
    for mention in mentions:
        found[KINDS[entity(mention.key).kind]].setdefault(mention.key, []).append(mention)
    return {
        heading: [
            {"key": key, "title": title(entity(key)), "mentions": [_spot(each) for each in spots]}
            for key, spots in entries.items()
        ]
        for heading, entries in found.items()
    }


def title(entity: Entity) -> str:
    """Return what people read, in English."""
    return entity.titles["en"]


def about(keys: Iterable[str], gazetteer: Gazetteer) -> str:
    """Return what a stored report is about, by title; an entry that is in the gazetteer no more by its key."""
    known = {entity.key: title(entity) for entity in gazetteer.entities}
    return ", ".join(known.get(key, key) for key in keys)


def named_lines(mentions: Iterable[Mention], entity: Entities) -> list[tuple[str, str]]:
    """Return for each kind that is named its heading and its entries: `Almaty (Алматыда), Zhanaozen`."""
    lines = []
    for heading, entries in named((each for each in mentions if not each.covered), entity).items():
        if entries:
            lines.append((heading, ", ".join(map(_shown, entries))))
    return lines


def _shown(entry: Mapping[str, Any]) -> str:
    words = dict.fromkeys(each["word"] for each in entry["mentions"])
    others = [word for word in words if word.casefold() != entry["title"].casefold()]
    return f"{entry['title']} ({', '.join(others)})" if others else str(entry["title"])


def _spot(mention: Mention) -> dict[str, Any]:
    return {
        "word": mention.surface,
        "field": mention.field,
        "start": mention.start,
        "end": mention.end,
        "rule": mention.rule,
        "covered": mention.covered,
    }
