"""Rendering: one alert in words for one recipient.

Problem: a template that fails must neither lose an alert nor send half of one, and feed text must never become code, markup
or a header. Choice: everything is rendered before any connection is opened; user templates are read once, when the
configuration is loaded, run in a sandbox (sandbox.py), and replaced by the built-in template when they fail, with a
problem for the operator that names file, line and error. Feed text reaches a template only as a value (`{{ 7*7 }}` in a
title stays as it is), cleaned, and escaped in the HTML part.
A template of the name `email.txt.ru.j2` goes before `email.txt.j2` for readers of Russian; one may begin with
`{% extends "builtin/email.html.j2" %}` and change single blocks.
Refused: rendering while sending (a failing template has then sent half a mail); reloading templates when their files
change (a half-saved file would be used without having been checked).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PrefixLoader

from monitor.alerts import sample
from monitor.alerts.about import Titles
from monitor.alerts.event import event
from monitor.alerts.feedtext import cut
from monitor.alerts.sandbox import Failure, Files, Source, compiled, environment, read, written
from monitor.alerts.view import view
from monitor.errors import Mistake, TemplateError
from monitor.model import LANGUAGES, Alert, Language, Message, Part, Recipient

BUILT_IN = Path(__file__).parent / "templates"

PARTS = tuple(Part)
"""What can be overridden; a file is called `PART.j2` or `PART.LANGUAGE.j2`. Files that begin with `_` are for including."""

_GAP = re.compile(r"\n{3,}")
"""More than one empty line: what a part of a template leaves behind that had nothing to show."""

MAX_SUBJECT = 150
"""Characters of a whole subject (delivery reference 2.6: titles are cut at 150 before a message is built)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A message, and what went wrong with the user's templates on the way (for the operator)."""

    message: Message
    problems: tuple[str, ...] = ()


class _Set:
    """The templates of one folder, with a sandbox that escapes and one that does not."""

    def __init__(self, files: Mapping[str, Source], loader: Files | ChoiceLoader) -> None:
        self.files = files
        self._plain, self._html = environment(loader, html=False), environment(loader, html=True)

    def sandbox(self, part: Part) -> Environment:
        return self._html if part is Part.HTML else self._plain

    def chosen(self, part: Part, language: Language) -> str | None:
        """Return the file for a part, the one for the language first."""
        return next((name for name in (f"{part}.{language}.j2", f"{part}.j2") if name in self.files), None)

    def render(self, name: str, part: Part, variables: Mapping[str, Any]) -> str:
        path = self.files[name].path
        return _fit(part, written(self.sandbox(part), path, name, variables), path)


class Renderer:
    """Renders alerts with the user's templates over the built-in ones. Files are read here and never again."""

    def __init__(self, templates_dir: Path | None, titles: Titles | None = None) -> None:
        """Take the folder of the user's templates, if there is one, and what the gazetteer's entries are called."""
        self._titles = titles or {}
        built_in, user = read(BUILT_IN), read(templates_dir)
        self._built_in = _Set(built_in, Files(built_in))
        self._user = _Set(user, ChoiceLoader([Files(user), PrefixLoader({"builtin": Files(built_in)})]))

    def render(
        self,
        alert: Alert,
        recipient: Recipient,
        *,
        situation_name: str,
        desk_zone: str,
        now: datetime,
        parts: Collection[Part] = PARTS,
    ) -> Rendered:
        """Return the alert in the recipient's language and zone; zones are IANA names, `now` tells whether it is late.

        Only `parts` are written, the others stay empty; without any, the event is all that is made.

        Never fails because of a user's template: the built-in one takes its place and `problems` says so. A webhook without a
        user's template has no body; its channel encodes `data`.
        """
        if not parts:
            told = event(alert, language=recipient.language, titles=self._titles, now=now)
            return Rendered(message=Message(subject="", line="", text="", html="", data=told))
        seen = view(alert, recipient, situation_name=situation_name, desk_zone=desk_zone, titles=self._titles, now=now)
        variables, language = seen.variables(), seen.t.language
        texts = dict.fromkeys(PARTS, "")
        problems: list[str] = []
        for part in parts:
            own, problem = self._own(part, language, variables)
            problems += [problem] if problem else []
            texts[part] = own or ("" if part is Part.WEBHOOK else self._default(part, variables))
        message = Message(
            subject=texts[Part.SUBJECT],
            line=texts[Part.LINE],
            text=texts[Part.TEXT],
            html=texts[Part.HTML],
            data=seen.event,
            body=texts[Part.WEBHOOK].encode() or None,
        )
        return Rendered(message=message, problems=tuple(problems))

    def mistakes(self) -> Iterator[Mistake]:
        """Yield what is wrong with each template, tried with every sample alert in every language it is used for."""
        yield from _misnamed(self._user.files)
        for templates in (self._built_in, self._user):
            for name, source in templates.files.items():
                yield from _mistakes_of(templates, source.path, name)

    def _own(self, part: Part, language: Language, variables: Mapping[str, Any]) -> tuple[str, str]:
        """Return what the user's template writes, or nothing and the problem with it."""
        chosen = self._user.chosen(part, language)
        if chosen is None:
            return "", ""
        try:
            return self._user.render(chosen, part, variables), ""
        except Failure as failure:
            return "", str(failure)

    def _default(self, part: Part, variables: Mapping[str, Any]) -> str:
        try:
            return self._built_in.render(f"{part}.j2", part, variables)
        except Failure as failure:
            raise TemplateError(f"built-in template: {failure}") from failure


def check_templates(templates_dir: Path | None) -> tuple[Mistake, ...]:
    """Return every mistake of the built-in and the user's templates, each once, with file and line.

    Each is compiled and rendered with sample alerts of every kind in every language it may be used for; HTML must close what
    it opens, JSON must be JSON, a subject must be one line that is not empty.
    """
    return tuple(dict.fromkeys(Renderer(templates_dir).mistakes()))


def unclosed(html: str) -> str:
    """Return what is wrong with the nesting of an HTML text in a sentence, or nothing."""
    parser = _Balance()
    parser.feed(html)
    parser.close()
    return parser.wrong or (f"<{parser.open[-1]}> is never closed" if parser.open else "")


def _fit(part: Part, text: str, path: Path) -> str:
    """Return the text as it is sent: never empty, subject and line on one line, JSON that parses; else raise `Failure`."""
    text = text.strip()
    if not text:
        raise Failure(path, None, "writes nothing")
    if part is Part.SUBJECT and len(text.splitlines()) > 1:
        raise Failure(path, None, "a subject is one line; this one has several")
    if part is Part.SUBJECT:
        return cut(" ".join(text.split()), MAX_SUBJECT)
    if part is Part.LINE:
        return " ".join(text.split())
    if part is Part.WEBHOOK:
        _parse(text, path)
        return text
    return _GAP.sub("\n\n", text) + "\n"


def _parse(text: str, path: Path) -> None:
    try:
        json.loads(text)
    except ValueError as error:
        raise Failure(
            path, None, f"does not write JSON ({error}); write each value as {{{{ value | tojson }}}}"
        ) from error


def _part_of(name: str) -> tuple[Part, tuple[Language, ...]] | None:
    """Return which part a file overrides and for which languages, or None."""
    uses = {f"{part}.j2": (part, LANGUAGES) for part in PARTS}
    uses |= {f"{part}.{language}.j2": (part, (language,)) for part in PARTS for language in LANGUAGES}
    return uses.get(name)


def _misnamed(files: Mapping[str, Source]) -> Iterator[Mistake]:
    known = ", ".join(f"{part}.j2" for part in PARTS)
    instead = f"call it one of {known}, with .en, .ru or .kk before .j2 for one language, or begin it with _"
    for name, source in files.items():
        if _part_of(name) is None and not name.startswith("_"):
            yield Mistake(file=source.path, line=None, message="nothing uses a template of this name", instead=instead)


def _mistakes_of(templates: _Set, path: Path, name: str) -> Iterator[Mistake]:
    used = _part_of(name)
    if used is None:
        yield from _compiled(templates, path)
        return
    part, languages = used
    for language in languages:
        for variables in _samples(language):
            try:
                text = templates.render(name, part, variables)
            except Failure as failure:
                yield Mistake(file=failure.file, line=failure.line, message=failure.error)
                continue
            if part is Part.HTML and (message := unclosed(text)):
                yield Mistake(file=path, line=None, message=message)


def _compiled(templates: _Set, path: Path) -> Iterator[Mistake]:
    """Yield why a file that is only included does not compile; what it writes is tried where it is included."""
    try:
        compiled(templates.sandbox(Part.TEXT), path)
    except Failure as failure:
        yield Mistake(file=failure.file, line=failure.line, message=failure.error)


def _samples(language: Language) -> Iterator[dict[str, Any]]:
    recipient = Recipient(address="reader@example.org", language=language, zone="Europe/Berlin")
    for alert in sample.alerts():
        seen = view(
            alert,
            recipient,
            situation_name=sample.SITUATION_NAME,
            desk_zone=sample.DESK_ZONE,
            titles=sample.TITLES,
            now=sample.NOW,
        )
        yield seen.variables()


class _Balance(HTMLParser):
    """Follows which elements are open."""

    VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember it as open."""
        del attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost open one, which must be of that name."""
        if tag in self.VOID or self.wrong:
            return
        if not self.open or self.open[-1] != tag:
            self.wrong = f"</{tag}> " + (f"stands inside <{self.open[-1]}>" if self.open else "was never opened")
            return
        self.open.pop()
