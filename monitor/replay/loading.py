"""YAML into a `Scenario`. All mistakes of all files are reported together, each with file and line.

The main file names the files it includes; these may hold `entries`, `edits`, `removals` and `faults`, in any mixture.
What the fields mean is written in `config/scenarios/README.md`.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.errors import ScenarioError
from monitor.model import LANGUAGES
from monitor.replay.faults import check_windows, read_fault
from monitor.replay.nodes import EPOCH, Fields, Notes, read_mapping
from monitor.replay.scenario import (
    Body,
    Format,
    Guids,
    Links,
    Outlet,
    PlannedEntry,
    Scenario,
    State,
    ValidatorStyle,
)

GRADES = ("A", "B", "C", "D", "E", "F")


class _Draft:
    """An entry on its way: its fields as read, and the changes that other files bring."""

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self.id = fields.text("id")
        self.outlet = fields.text("outlet")
        self.at = fields.moment("at")
        self.report = fields.optional("report")
        self.copy_of = fields.optional("copy_of")
        self.title, self.text = fields.optional("title"), fields.optional("text")
        self.credit = fields.optional("credit")
        self.relevant = fields.truth("relevant", default=True)
        self.edits = [(child, *_edit(child)) for child in fields.children("versions", "version")]
        self.removed = fields.moment("removed") if fields.has("removed") else None
        fields.close()
        if self.report is None and self.relevant:
            fields.note(f"entry {self.id} tells no report", "give `report:`, or `relevant: false` for noise")
        if self.copy_of is None:
            for name, value in (("title", self.title), ("text", self.text)):
                if value is None:
                    fields.note(f"entry {self.id} has no {name}", f"give `{name}:` or `copy_of:`")


def load_scenario(path: Path) -> Scenario:
    """Read a scenario with its includes. Raises `ScenarioError` that lists every mistake."""
    notes = Notes()
    top = read_mapping(path, notes, "scenario file")
    scenario = _scenario(top, notes) if top else None
    if notes.mistakes or scenario is None:
        count = f"{len(notes.mistakes)} mistake{'' if len(notes.mistakes) == 1 else 's'} in the scenario"
        raise ScenarioError("\n".join([count, *(f"  {mistake}" for mistake in notes.mistakes)]))
    return scenario


def _scenario(top: Fields, notes: Notes) -> Scenario | None:
    head = top.child("scenario", "scenario")
    if head is None:
        top.note("`scenario` is missing", "give `scenario: {name, title, from, to, zone}`")
        return None
    start, end = head.moment("from"), head.moment("to")
    if EPOCH not in {start, end} and start >= end:
        head.note("the scenario ends before it begins", key="to")
    outlets = tuple(_outlet(child) for child in top.children("outlets", "outlet"))
    pages = [top, *_included(top, notes)]
    drafts = [_Draft(child) for page in pages for child in page.children("entries", "entry")]
    _apply_changes(pages, drafts)
    names = {outlet.id for outlet in outlets}
    faults = (read_fault(child, names) for page in pages for child in page.children("faults", "fault"))
    scenario = Scenario(
        name=head.text("name"),
        title=head.text("title"),
        start=start,
        end=end,
        zone=_zone(head),
        outlets=outlets,
        entries=_entries(drafts, outlets, end),
        faults=tuple(fault for fault in faults if fault is not None),
    )
    head.close()
    for page in pages:
        page.close()
    check_windows(top, scenario)
    _check_outlets(top, outlets)
    return scenario


def _included(top: Fields, notes: Notes) -> list[Fields]:
    found = (read_mapping(top.file.parent / name, notes, "scenario part") for name in top.texts("include"))
    return [page for page in found if page is not None]


def _zone(head: Fields) -> str:
    name = head.text("zone", "UTC")
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not found; an absolute path; a folder
        head.note(f"`zone: {name}` is not known", "write an IANA name, e.g. Asia/Almaty", key="zone")
    return name


def _outlet(fields: Fields) -> Outlet:
    encoding = fields.text("encoding", "utf-8")
    try:
        codecs.lookup(encoding)
    except LookupError:
        fields.note(f"`encoding: {encoding}` is not known", "write e.g. utf-8 or windows-1251", key="encoding")
    identifier = fields.text("id")
    outlet = Outlet(
        id=identifier,
        name=fields.text("name"),
        language=fields.text("language", among=LANGUAGES),
        home=fields.text("home", f"https://{identifier}.example").rstrip("/"),
        format=Format(_choice(fields, "format", Format.RSS, tuple(Format))),
        encoding=encoding,
        grade=fields.text("grade", "", among=GRADES) or None,
        group=fields.optional("group"),
        pace=fields.span("pace", timedelta(minutes=15)),
        items=fields.number("items", 30, 1, 1000),
        guids=Guids(_choice(fields, "guids", Guids.PERMALINK, tuple(Guids))),
        body=Body(_choice(fields, "body", Body.TEXT, tuple(Body))),
        links=Links(_choice(fields, "links", Links.PLAIN, tuple(Links))),
        validators=ValidatorStyle(_choice(fields, "validators", ValidatorStyle.BOTH, tuple(ValidatorStyle))),
        gzip=fields.truth("gzip", default=True),
    )
    fields.close()
    if outlet.pace <= timedelta():
        fields.note("`pace` must be longer than nothing", key="pace")
    return outlet


def _choice(fields: Fields, key: str, default: str, among: Sequence[str]) -> str:
    given = fields.text(key, default, among=among)
    return given if given in among else default


def _edit(fields: Fields) -> tuple[datetime, str | None, str | None]:
    at, title, text = fields.moment("at"), fields.optional("title"), fields.optional("text")
    fields.close()
    if title is None and text is None:
        fields.note("this version changes nothing", "give `title:`, `text:` or both")
    return at, title, text


def _apply_changes(pages: Iterable[Fields], drafts: Sequence[_Draft]) -> None:
    by_id = {draft.id: draft for draft in drafts}
    for page in pages:
        for child in page.children("edits", "edit"):
            draft = _draft(child, by_id)
            change = _edit(child)
            if draft:
                draft.edits.append((child, *change))
        for child in page.children("removals", "removal"):
            draft, at = _draft(child, by_id), child.moment("at")
            child.close()
            if draft and draft.removed is not None:
                child.note(f"entry {draft.id} is removed twice")
            elif draft:
                draft.removed = at


def _draft(child: Fields, by_id: dict[str, _Draft]) -> _Draft | None:
    name = child.text("entry")
    if name and name not in by_id:
        child.note(f"entry {name} does not exist", key="entry")
    return by_id.get(name)


def _entries(drafts: Sequence[_Draft], outlets: Sequence[Outlet], end: datetime) -> tuple[PlannedEntry, ...]:
    languages = {outlet.id: outlet.language for outlet in outlets}
    by_id: dict[str, _Draft] = {}
    for draft in drafts:
        if draft.id in by_id:
            draft.fields.note(f"entry {draft.id} exists already (line {by_id[draft.id].fields.line})", key="id")
        by_id[draft.id] = draft
        if draft.outlet not in languages:
            draft.fields.note(f"outlet {draft.outlet} does not exist", "add it under `outlets:`", key="outlet")
        if EPOCH != end < draft.at:
            draft.fields.note(f"entry {draft.id} is published after the scenario's end", key="at")
    made: dict[str, PlannedEntry | None] = {}
    planned = [_planned(draft, by_id, languages, made) for draft in by_id.values()]
    return tuple(sorted((entry for entry in planned if entry), key=lambda entry: (entry.at, entry.id)))


def _planned(
    draft: _Draft, by_id: dict[str, _Draft], languages: dict[str, str], made: dict[str, PlannedEntry | None]
) -> PlannedEntry | None:
    """Return the entry with what it copies; `made` holds None for one that is being made (a copy of itself)."""
    if draft.id in made:
        return made[draft.id]
    made[draft.id] = None
    title, text = draft.title, draft.text
    if draft.copy_of is not None:
        source = by_id.get(draft.copy_of)
        original = _planned(source, by_id, languages, made) if source else None
        if source is None or original is None:
            draft.fields.note(
                f"entry {draft.id} copies {draft.copy_of}, which does not exist or copies it", key="copy_of"
            )
            return None
        _check_copy(draft, source, languages)
        told = original.states[max(original.number_at(draft.at), 1) - 1]
        title, text = title or told.title, text or told.text
    text = f"{draft.credit} {text}" if draft.credit else text
    made[draft.id] = PlannedEntry(
        id=draft.id,
        outlet=draft.outlet,
        states=_states(draft, State(at=draft.at, title=title or "", text=text or "")),
        report=draft.report,
        copy_of=draft.copy_of,
        relevant=draft.relevant,
        removed=draft.removed,
    )
    return made[draft.id]


def _check_copy(draft: _Draft, source: _Draft, languages: dict[str, str]) -> None:
    if languages.get(draft.outlet) != languages.get(source.outlet):
        draft.fields.note(f"entry {draft.id} copies {source.id} of another language", key="copy_of")
    if draft.at < source.at:
        draft.fields.note(f"entry {draft.id} copies {source.id} before that is published", key="at")


def _states(draft: _Draft, first: State) -> tuple[State, ...]:
    states = [first]
    for fields, at, title, text in sorted(draft.edits, key=lambda edit: edit[1]):
        if at <= states[-1].at:
            fields.note(f"this version of {draft.id} does not come after the one before it", key="at")
        states.append(replace(states[-1], at=at, title=title or states[-1].title, text=text or states[-1].text))
    if draft.removed is not None and draft.removed <= states[-1].at:
        draft.fields.note(f"entry {draft.id} is removed before it is published or edited")
    return tuple(states)


def _check_outlets(top: Fields, outlets: Sequence[Outlet]) -> None:
    ids = [outlet.id for outlet in outlets]
    for name in sorted({name for name in ids if ids.count(name) > 1}):
        top.note(f"outlet {name} stands twice", key="outlets")
    if not ids:
        top.note("the scenario has no outlets", key="outlets")
