"""`monitor gazetteer`: which places, people, organisations and concepts are known, and what a text names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from monitor.alerts.about import KINDS
from monitor.cli import output, shapes
from monitor.cli.command import Json, command, group
from monitor.cli.naming import named, title
from monitor.cli.session import Session
from monitor.cli.watches_query import name_lines
from monitor.errors import UsageError
from monitor.language.entities import Entity, Mention, Term

if TYPE_CHECKING:
    from monitor.language.gazetteer import Gazetteer

app = group("What is known by name: places, people, organisations and concepts of config/gazetteer/.")

MOST = 50
"""Entries listed."""


@command(app, "find", example="monitor gazetteer find 'Митинг в Алма-Ате'")
def find(
    session: Session,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A name, or a text.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Show the entries that are called so, and those that a text names, with the words that name them.

    Exit code 0 also where there are none.
    """
    gazetteer = session.settings().gazetteer
    called = gazetteer.called(text)
    mentions = _mentions(gazetteer, text, session.now.date())
    if as_json:
        output.show_json(
            {"text": text, "called": [_brief(each) for each in called], **named(mentions, gazetteer.entity)}
        )
        return
    spots: dict[str, list[Mention]] = {}
    for mention in mentions:
        spots.setdefault(mention.key, []).append(mention)
    for entity in called:
        spots.setdefault(entity.key, [])
    rows = ((key, title(gazetteer.entity(key)), _words(found)) for key, found in list(spots.items())[:MOST])
    output.show(output.table(("key", "title", "named by"), rows, empty="Nothing is called so."))
    if not spots and (near := gazetteer.alike(text)):
        output.say(f"Did you mean `{near}`?")


@command(app, "show", example="monitor gazetteer show place/almaty")
def show(
    session: Session,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Key of the entry, its id, or a name.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Show one entry: its names by language, where it lies and what lies in it, offices, what it counts as."""
    gazetteer = session.settings().gazetteer
    entity = _meant(gazetteer, key)
    if as_json:
        output.show_json(_shape(gazetteer, entity))
        return
    output.show(*_shown(gazetteer, entity))


def _mentions(gazetteer: Gazetteer, text: str, day: date) -> tuple[Mention, ...]:
    from monitor.language.phrases import Look, PhraseIndex, Reading

    index, reading = PhraseIndex(gazetteer.phrases), Reading(text)
    look = Look("text", reading, index.find(reading))
    return gazetteer.bind(index).recognise((look,), day)


def _meant(gazetteer: Gazetteer, key: str) -> Entity:
    """Return the entry that a key, an id or a name stands for. Raises UsageError for none, or several."""
    try:
        return gazetteer.entity(key)
    except KeyError:
        found = gazetteer.called(key)
    if len(found) == 1:
        return found[0]
    if found:
        listed = "\n".join(f"  {each.key}  {title(each)}" for each in found)
        raise UsageError(f"`{key}` may mean several entries; give the key:\n{listed}")
    near = gazetteer.alike(key)
    hint = f"did you mean `{near}`?" if near else "`monitor gazetteer find TEXT` looks for names in a text"
    raise UsageError(f"the gazetteer has no `{key}`: {hint}")


def _words(mentions: Iterable[Mention]) -> str:
    said = (f"{each.surface} ({each.rule}{', part of a longer name' if each.covered else ''})" for each in mentions)
    return ", ".join(dict.fromkeys(said))


def _brief(entity: Entity) -> shapes.Shape:
    return {"key": entity.key, "kind": entity.kind, "title": title(entity)}


def _shape(gazetteer: Gazetteer, entity: Entity) -> shapes.Shape:
    return {
        **_brief(entity),
        "titles": dict(entity.titles),
        "country": entity.country,
        "latitude": entity.at[0] if entity.at else None,
        "longitude": entity.at[1] if entity.at else None,
        "people": entity.people,
        "in": [_term(each) for each in entity.parents],
        "offices": [_term(each) for each in entity.offices],
        "group": entity.group,
        "severity": entity.severity,
        "names": [
            {
                "name": name.text,
                "language": name.language,
                "since": name.since,
                "until": name.until,
                "capital": name.capital,
                "near": name.near,
                "unless": name.unless,
            }
            for name in entity.names
        ],
        "contains": sorted(gazetteer.children(entity.key)),
    }


def _term(term: Term) -> shapes.Shape:
    return {"value": term.value, "since": term.since, "until": term.until}


def _shown(gazetteer: Gazetteer, entity: Entity) -> Iterator[RenderableType]:
    yield Text(title(entity), style="bold")
    yield output.facts(
        (
            ("key", entity.key),
            ("kind", KINDS[entity.kind]),
            ("titles", ", ".join(f"{text} ({language})" for language, text in entity.titles.items())),
            ("country", entity.country),
            ("coordinates", f"{entity.at[0]:g}, {entity.at[1]:g}" if entity.at else None),
            ("people", f"{entity.people:,}" if entity.people else None),
            ("in", "; ".join(map(_dated, entity.parents))),
            ("offices", "; ".join(map(_dated, entity.offices))),
            ("group", entity.group),
            ("severity", entity.severity),
        )
    )
    yield output.heading("Names")
    yield from map(Text, name_lines(gazetteer.phrases_of(entity.key)))
    official = [name for name in entity.names if name.since or name.until]
    if official:
        yield output.heading("Official for a time")
        yield from (Text(_dated(Term(value=name.text, since=name.since, until=name.until))) for name in official)
    if inside := sorted(gazetteer.children(entity.key)):
        yield output.heading(f"Contains {output.count(len(inside), 'entry', 'entries')}")
        more = f" and {len(inside) - MOST} more" if len(inside) > MOST else ""
        yield Text(", ".join(title(gazetteer.entity(key)) for key in inside[:MOST]) + more)


def _dated(term: Term) -> str:
    """Return a term with its time: `Nur-Sultan (2019-03-23 to 2022-09-17)`."""
    if term.since is None and term.until is None:
        return term.value
    since = f"from {term.since} " if term.since else ""
    until = f"until {term.until}" if term.until else ""
    return f"{term.value} ({(since + until).strip()})"
