"""gazetteer/: what places, people, organisations and concepts are called. Every YAML file of the folder and its folders is read.

A row may refer to rows of other files (`in: KZ-47`, `near: ["@KZ"]`), so all rows are read before references are checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.language.entities import Entity, Kind, Name, Term
from monitor.model import LANGUAGES, Language
from monitor.settings.document import Document, Where, read_document
from monitor.settings.files import Row
from monitor.settings.gazetteer_rows import (
    ConceptRow,
    Country,
    EntityRow,
    NameRow,
    OrganisationRow,
    PersonRow,
    PlaceRow,
    PlaceTime,
)
from monitor.settings.validate import Findings, check_keys, validate
from monitor.settings.words import choose

FOLDER = "gazetteer"

_SECTIONS: Mapping[str, tuple[Kind, type[EntityRow]]] = {
    "places": (Kind.PLACE, PlaceRow),
    "people": (Kind.PERSON, PersonRow),
    "organisations": (Kind.ORG, OrganisationRow),
    "concepts": (Kind.CONCEPT, ConceptRow),
}
KEYS = ("country", *_SECTIONS)
_CONTEXTS = ("near", "without")
"""Keys that may refer to entries."""


class _Head(Row):
    """What a file says about all its rows."""

    country: Country | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A row with the kind of its section, and where it stands."""

    kind: Kind
    row: EntityRow
    country: str | None
    document: Document
    where: Where

    @property
    def key(self) -> str:
        return f"{self.kind.value}/{self.row.id}"


def entities(folder: Path, environ: Mapping[str, str], findings: Findings) -> tuple[Entity, ...]:
    """Return the entries of all files of a folder, none where there is no folder."""
    found: dict[str, _Found] = {}
    for file in sorted(folder.rglob("*.yaml")):
        document, mistakes = read_document(file, environ)
        findings.mistakes.extend(mistakes)
        for each in _rows(document, findings) if document else ():
            earlier = found.setdefault(each.key, each)
            if earlier is not each:
                _report_double(each, earlier, findings)
    for each in found.values():
        _check_references(each, found, findings)
    _check_circles(found, findings)
    return tuple(_entity(each) for each in found.values())


def _rows(document: Document, findings: Findings) -> Iterator[_Found]:
    check_keys(document, KEYS, findings)
    head = {key: document.data[key] for key in ("country",) if key in document.data}
    said = validate(_Head, document, (), head, findings)
    for section, (kind, model) in _SECTIONS.items():
        rows: Any = document.data.get(section)
        if rows is not None and not isinstance(rows, list):
            findings.add(document, (section,), f"`{section}` must be a list", "begin each row with `- `")
            continue
        for number, raw in enumerate(rows or ()):
            row = validate(model, document, (section, number), raw, findings)
            if row:
                country = row.country or (said.country if said else None)
                yield _Found(kind=kind, row=row, country=country, document=document, where=(section, number))


def _report_double(each: _Found, earlier: _Found, findings: Findings) -> None:
    line = earlier.document.line((*earlier.where, "id"))
    message = f"the id `{each.row.id}` is taken by line {line} of {earlier.document.file.name}"
    findings.add(each.document, (*each.where, "id"), message, "give each its own")


def _check_references(each: _Found, found: Mapping[str, _Found], findings: Findings) -> None:
    """Report places and entries that a row names and that no file has."""
    for number, part in enumerate(_parents(each.row)):
        if f"{Kind.PLACE.value}/{part.place}" not in found:
            where = (*each.where, "in", number) if len(_parents(each.row)) > 1 else (*each.where, "in")
            findings.add(each.document, where, f"there is no place `{part.place}`", _places_like(part.place, found))
    for language in (*LANGUAGES, "also"):
        for at, name in enumerate(getattr(each.row, language)):
            for key in _CONTEXTS:
                _check_context((*each.where, language, at, key), getattr(name, key) or (), each, found, findings)
    for key in _CONTEXTS:
        _check_context((*each.where, key), getattr(each.row, key), each, found, findings)


def _check_context(
    where: Where, texts: Sequence[str], each: _Found, found: Mapping[str, _Found], findings: Findings
) -> None:
    for number, text in enumerate(texts):
        reference = text.removeprefix("@")
        key = reference if "/" in reference else f"{Kind.PLACE.value}/{reference}"
        if text.startswith("@") and key not in found:
            findings.add(each.document, (*where, number), f"there is no entry `{text}`", _places_like(reference, found))


def _places_like(name: str, found: Mapping[str, _Found]) -> str:
    return choose(name, (each.row.id for each in found.values() if each.kind is Kind.PLACE), what="places are")


def _check_circles(found: Mapping[str, _Found], findings: Findings) -> None:
    """Report places that lie in themselves."""
    for each in found.values():
        seen, waiting = set[str](), [part.place for part in _parents(each.row)]
        while waiting:
            at = waiting.pop()
            if at == each.row.id and each.kind is Kind.PLACE:
                findings.add(each.document, (*each.where, "in"), f"`{at}` lies in itself", "name what lies around it")
                break
            if at not in seen and (around := found.get(f"{Kind.PLACE.value}/{at}")):
                seen.add(at)
                waiting += (part.place for part in _parents(around.row))


def _parents(row: EntityRow) -> Sequence[PlaceTime]:
    return (row.within or ()) if isinstance(row, PlaceRow | OrganisationRow) else ()


def _entity(each: _Found) -> Entity:
    row = each.row
    place = row if isinstance(row, PlaceRow) else None
    concept = row if isinstance(row, ConceptRow) else None
    offices = row.offices if isinstance(row, PersonRow) else ()
    return Entity(
        kind=each.kind,
        id=row.id,
        titles={language: title for language in LANGUAGES if (title := _title(row, language))},
        names=tuple(_names(row)),
        country=each.country,
        at=place.at if place else None,
        people=place.people if place else None,
        parents=tuple(Term(value=part.place, since=part.since, until=part.until) for part in _parents(row)),
        offices=tuple(Term(value=term.office, since=term.since, until=term.until) for term in offices),
        group=concept.group if concept else None,
        severity=concept.severity if concept else None,
    )


def _title(row: EntityRow, language: Language) -> str | None:
    """Return what people read: the title, else the first name as it is written; None where there is neither."""
    title: str | None = getattr(row.title, language, None)
    names: Sequence[NameRow] = getattr(row, language)
    return title or next((each.name.replace("*", "").replace("=", "") for each in names), None)


def _names(row: EntityRow) -> Iterator[Name]:
    for language in LANGUAGES:
        yield from (_name(name, row, language) for name in getattr(row, language))
    yield from (_name(name, row, None) for name in row.also)


def _name(name: NameRow, row: EntityRow, language: Language | None) -> Name:
    return Name(
        text=name.name,
        language=language,
        since=name.since,
        until=name.until,
        capital=row.capital if name.capital is None else name.capital,
        near=row.near if name.near is None else name.near,
        unless=row.unless if name.unless is None else name.unless,
        without=row.without if name.without is None else name.without,
    )
