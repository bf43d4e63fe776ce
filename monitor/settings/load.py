"""The configuration folder as `Settings`, or all of its mistakes at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from monitor.errors import Mistake, SettingsError
from monitor.language.gazetteer import Gazetteer
from monitor.model import Feed, Route, Secret, Watch
from monitor.settings import feeds_file, gazetteer_files, monitor_file, watches_file
from monitor.settings.document import Document, read_document
from monitor.settings.files import DefaultsRow, PollingRow
from monitor.settings.names import Names, names
from monitor.settings.queries import saved_queries
from monitor.settings.validate import Findings, check_keys
from monitor.settings.values import ChannelSettings, Settings

MONITOR, FEEDS, WATCHES = "monitor.yaml", "feeds.yaml", "watches.yaml"

KEYS = {MONITOR: monitor_file.KEYS, FEEDS: feeds_file.KEYS, WATCHES: watches_file.KEYS}

SHORTEST_HIDDEN = 4
"""Characters: a shorter value from the environment is no secret, and hiding it would blot out other text."""

_PASSWORD = re.compile(r"(://[^/@:]*:)[^/@]*@")

TemplateCheck = Callable[[Path], Sequence[Mistake]]


def load(config_dir: Path, *, environ: Mapping[str, str], check_templates: TemplateCheck | None = None) -> Settings:
    """Return the settings in a folder. Raises SettingsError with every mistake of all files; nothing is written.

    `environ` fills `${NAME}`; `check_templates` is given the folder's `templates/`, if it is there.
    """
    settings, mistakes = examine(config_dir, environ=environ, check_templates=check_templates)
    if settings is None:
        raise SettingsError(mistakes)
    return settings


def check(
    config_dir: Path, *, environ: Mapping[str, str], check_templates: TemplateCheck | None = None
) -> tuple[Mistake, ...]:
    """Return the mistakes of a folder, none when it can be loaded."""
    return examine(config_dir, environ=environ, check_templates=check_templates)[1]


def examine(
    config_dir: Path,
    *,
    environ: Mapping[str, str],
    check_templates: TemplateCheck | None = None,
    texts: Mapping[str, str] | None = None,
) -> tuple[Settings | None, tuple[Mistake, ...]]:
    """Return the settings or the mistakes. `texts` stand in for files, by name: what an edit would make of them."""
    folder = config_dir.absolute()
    if not folder.is_dir():
        instead = "`monitor init DIR` writes a configuration"
        return None, (Mistake(file=folder, line=None, message="is not a folder", instead=instead),)
    findings = Findings()
    documents = {name: _document(folder / name, environ, findings, (texts or {}).get(name)) for name in KEYS}
    settings = _settings(folder, documents, environ, findings)
    templates = _templates(folder)
    if templates and check_templates:
        findings.mistakes.extend(check_templates(templates))
    mistakes = _ordered(findings)
    return (None if mistakes else settings), mistakes


def _document(file: Path, environ: Mapping[str, str], findings: Findings, text: str | None) -> Document | None:
    document, mistakes = read_document(file, environ, text)
    findings.mistakes.extend(mistakes)
    if document:
        findings.hidden.update(document.hidden)
        check_keys(document, KEYS[file.name], findings)
    return document


def _settings(
    folder: Path, documents: Mapping[str, Document | None], environ: Mapping[str, str], findings: Findings
) -> Settings | None:
    """Return the settings; every section is looked at, whatever is wrong with the others."""
    known = names(documents[MONITOR], documents[FEEDS], documents[WATCHES])
    outward = _outward(folder, documents[MONITOR], environ, known, findings)
    feeds, watches = documents[FEEDS], documents[WATCHES]
    polling = outward.basics.polling if outward else PollingRow()
    situation = outward.basics.situation.id if outward else ""
    feed_values = feeds_file.feeds(feeds, findings, situation=situation, polling=polling) if feeds else ()
    routes = outward.routes if outward else None
    gazetteer = Gazetteer(gazetteer_files.entities(folder / gazetteer_files.FOLDER, environ, findings))
    words = _words(watches, findings, known=known, routes=routes, gazetteer=gazetteer)
    return _joined(folder, outward, feed_values, words, findings) if outward else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What is watched for, and what its names mean."""

    gazetteer: Gazetteer
    watches: tuple[Watch, ...] = ()
    saved: Mapping[str, str] = field(default_factory=dict)


def _words(
    document: Document | None,
    findings: Findings,
    *,
    known: Names,
    routes: tuple[Route, ...] | None,
    gazetteer: Gazetteer,
) -> _Words:
    if document is None:
        return _Words(gazetteer=gazetteer)
    saved = saved_queries(document, findings)
    watches = watches_file.watches(document, findings, known=known, routes=routes, gazetteer=gazetteer, saved=saved)
    return _Words(gazetteer=gazetteer, watches=watches, saved=saved)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outward:
    """What monitor.yaml comes to."""

    basics: monitor_file.Basics
    data_dir: Path
    channels: tuple[ChannelSettings, ...]
    routes: tuple[Route, ...]
    operator: str


def _outward(
    folder: Path, document: Document | None, environ: Mapping[str, str], known: Names, findings: Findings
) -> _Outward | None:
    """Return what monitor.yaml comes to, None when it has mistakes."""
    if document is None:
        return None
    before = len(findings.mistakes)
    basics = monitor_file.basics(document, findings)
    data = monitor_file.data_dir(basics.store, folder, environ) if basics else folder
    defaults = basics.defaults if basics else DefaultsRow()
    context = {"language": defaults.language, "zone": _zone(basics)}
    channels = monitor_file.channels(document, findings, context)
    routes = monitor_file.routes(document, findings, known)
    operator = monitor_file.operator_route(document, findings, routes, known)
    if basics is None or len(findings.mistakes) > before:
        return None
    return _Outward(basics=basics, data_dir=data, channels=channels, routes=routes, operator=operator)


def _zone(basics: monitor_file.Basics | None) -> str:
    return (basics.defaults.zone or basics.situation.zone) if basics else "UTC"


def _joined(folder: Path, outward: _Outward, feeds: tuple[Feed, ...], words: _Words, findings: Findings) -> Settings:
    situation, service, defaults = outward.basics.situation, outward.basics.service, outward.basics.defaults
    polling, http = outward.basics.polling, outward.basics.http
    return Settings(
        situation_id=situation.id,
        situation_name=situation.name,
        situation_zone=situation.zone,
        store_url=monitor_file.store_url(outward.basics.store, outward.data_dir),
        data_dir=outward.data_dir,
        config_dir=folder,
        templates_dir=_templates(folder),
        contact=service.contact,
        poll_concurrency=polling.poll_concurrency,
        per_host=polling.per_host,
        per_domain=polling.per_domain,
        host_spacing=polling.host_spacing,
        parse_workers=polling.parse_workers,
        listen=http.listen,
        public_url=http.public_url,
        log_format=service.log,
        pace=polling.pace,
        alert_window=defaults.alert_window,
        retention=defaults.retention,
        language=defaults.language,
        zone=_zone(outward.basics),
        feeds=feeds,
        watches=words.watches,
        saved=words.saved,
        gazetteer=words.gazetteer,
        channels=outward.channels,
        routes=outward.routes,
        operator_route=outward.operator,
        hidden=tuple(Secret(value) for value in sorted(findings.hidden)),
    )


def _templates(folder: Path) -> Path | None:
    templates = folder / "templates"
    return templates if templates.is_dir() else None


def _ordered(findings: Findings) -> tuple[Mistake, ...]:
    """Return the mistakes by file and line, each once, with nothing in them that came from outside."""
    hidden = sorted((value for value in findings.hidden if len(value) >= SHORTEST_HIDDEN), key=len, reverse=True)
    clean = dict.fromkeys(
        replace(
            mistake, message=scrub(mistake.message, hidden), instead=mistake.instead and scrub(mistake.instead, hidden)
        )
        for mistake in findings.mistakes
    )
    order = list(KEYS)
    return tuple(
        sorted(clean, key=lambda mistake: (_rank(order, mistake.file.name), str(mistake.file), mistake.line or 0))
    )


def _rank(order: Sequence[str], name: str) -> int:
    return order.index(name) if name in order else len(order)


def scrub(text: str, hidden: Iterable[str]) -> str:
    """Return the text with every hidden value as `***`."""
    for value in hidden:
        text = text.replace(value, "***")
    return text


def hide_password(url: str) -> str:
    """Return a database address without its password (`scheme://user:password@host`)."""
    return _PASSWORD.sub(r"\1***@", url)
