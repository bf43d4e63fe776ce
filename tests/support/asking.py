"""Queries asked of texts: a small gazetteer, and a watch that asks one query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monitor.language.entities import Entity, Kind, Name, Term
from monitor.language.gazetteer import Gazetteer
from monitor.model import Match, Watch
from monitor.watches import WatchIndex, compile_watches
from monitor.watches.evidence import Evidence
from monitor.watches.nodes import Node
from support.values import feed, report


def _names(*texts: str, capital: bool = False) -> tuple[Name, ...]:
    return tuple(Name(text=text, capital=capital) for text in texts)


def _place(id_: str, title: str, names: tuple[Name, ...], parent: str | None = None, **given: Any) -> Entity:
    parents = (Term(value=parent),) if parent else ()
    return Entity(kind=Kind.PLACE, id=id_, titles={"en": title}, names=names, parents=parents, **given)


COAST = Gazetteer(
    (
        _place("coast", "Coast", _names("Coast", "Маңғыстау"), at=(44.0, 52.0)),
        _place("aktau", "Aktau", _names("Aktau", "Актау", "Ақтау"), "coast", at=(43.65, 51.15), people=180_000),
        _place("aktau-port", "Port of Aktau", _names("Port of Aktau"), "aktau", at=(43.60, 51.22)),
        _place("zhanaozen", "Zhanaozen", _names("Zhanaozen", "Жанаозен"), "coast", at=(43.34, 52.86)),
        _place("oral", "Oral", _names("Oral", capital=True), at=(51.23, 51.37)),
        _place("nowhere", "Nowhere", _names("Nowhere")),
        Entity(kind=Kind.PERSON, id="tokayev", titles={"en": "Tokayev"}, names=_names("Tokayev", "Токаев")),
        Entity(kind=Kind.ORG, id="csto", titles={"en": "CSTO"}, names=_names("CSTO", "ОДКБ")),
        Entity(
            kind=Kind.CONCEPT,
            id="protest",
            titles={"en": "Protest"},
            names=_names("protest", "протест", "наразылық", "unrest"),
        ),
    )
)
"""Places with parents and distances (Aktau lies 150 km from Zhanaozen), a name that is a common word when written small, a
person, an organisation, a concept in three languages."""


def asked(*queries: str, saved: Mapping[str, str] | None = None, **given: Any) -> WatchIndex:
    """Return an index over COAST with a watch for each query, called by its number."""
    made = [Watch(name=str(number), title="W", query=query, **given) for number, query in enumerate(queries)]
    return compile_watches(made, COAST, saved)


def match(
    query: str, text: str = "", *, title: str = "", saved: Mapping[str, str] | None = None, **given: Any
) -> Match | None:
    """Return what one query makes of a report; `given` are a watch's other fields."""
    found = asked(query, saved=saved, **given).match(report(title=title, text=text), feed())
    return found[0] if found else None


def surfaces(query: str, text: str = "", **given: Any) -> list[str] | None:
    """Return the words a query finds in a report, None where it does not want it."""
    found = match(query, text, **given)
    return None if found is None else [reason.surface for reason in found.reasons]


def read(query: str, text: str = "", *, title: str = "", **given: Any) -> tuple[Node, Evidence]:
    """Return a query compiled, and what its index finds in a report."""
    index = asked(query, **given)
    return index.watches[0].node, index.read(report(title=title, text=text), feed())
