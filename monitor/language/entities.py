"""What a gazetteer holds: places, people, organisations and concepts, with all their names.

Values only: `settings` reads them from `config/gazetteer/`, `gazetteer` finds them in texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from monitor.model import Language


class Kind(StrEnum):
    """What an entry of a gazetteer is."""

    PLACE = "place"
    PERSON = "person"
    ORG = "org"
    CONCEPT = "concept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """One name of an entry, in the pattern language of `config/gazetteer/README.md`.

    Words are inflected in the name's language (None: in the languages its script allows); `word*` takes any ending,
    `=word` none. `since` and `until` (exclusive) say when the name was official: older and newer texts still use it.
    """

    text: str
    language: Language | None = None
    since: date | None = None
    until: date | None = None
    capital: bool = True
    """Only where the text writes it with a capital (Оралда, not оралған). Concepts are common words: False."""
    near: tuple[str, ...] = ()
    """It is this entry only if one of these stands in the same text, or another entry of the same country supports it."""
    unless: tuple[str, ...] = ()
    """It is something else where one of these phrases, which contain it, stands at its place (`Оралдың орманы`, `Air Astana`)."""
    without: tuple[str, ...] = ()
    """It is something else where one of these, or an entry (`@AM`), stands in the same text: `Republic Square` of Yerevan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """Something that held for a time: an office of a person, the region of a town. `until` is exclusive."""

    value: str
    since: date | None = None
    until: date | None = None

    def at(self, day: date) -> bool:
        """Tell whether it held on a day."""
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """An entry of a gazetteer. `key` (`place/almaty`) names it in queries, reports and JSON."""

    kind: Kind
    id: str
    titles: Mapping[Language, str]
    """What people read, by language; English at least."""
    names: tuple[Name, ...]
    country: str | None = None
    """ISO 3166-1 alpha-2."""
    at: tuple[float, float] | None = None
    """Latitude and longitude in degrees (WGS 84) of a place."""
    people: int | None = None
    """Inhabitants: of two places with one name the larger one is meant, other things equal."""
    parents: tuple[Term, ...] = ()
    """Ids of the places a place is part of, over time."""
    offices: tuple[Term, ...] = ()
    """Offices of a person, over time, in words."""
    group: str | None = None
    """Heading of a concept (unrest, measures, casualties)."""
    severity: int | None = field(default=None)
    """0 to 4: how grave a report that names a concept is by itself."""

    @property
    def key(self) -> str:
        """The entry among all kinds."""
        return f"{self.kind.value}/{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A place in a report where an entry is named: character span [start, end) of a field, and what joined the two.

    `covered`: the name is part of another entry's longer name there (Almaty in `Almaty Region`). A keyword counts it, the
    report is not about it.
    """

    key: str
    surface: str
    field: str
    start: int
    end: int
    rule: str
    covered: bool = False
