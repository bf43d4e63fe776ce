"""monitor.yaml: the situation, where data goes, how the service works, and the ways out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from monitor.channels import KINDS
from monitor.model import Route
from monitor.settings.document import Document
from monitor.settings.fields import ID, ID_ADVICE
from monitor.settings.files import DefaultsRow, HttpRow, PollingRow, RouteRow, Row, ServiceRow, SituationRow, StoreRow
from monitor.settings.names import DEFAULT_ROUTE, IMPLICIT_CHANNELS, Names
from monitor.settings.paces import check_polling
from monitor.settings.validate import Findings, check_names, validate
from monitor.settings.values import ChannelSettings
from monitor.settings.words import choose

Section = TypeVar("Section", bound=Row)

KEYS = ("situation", "store", "service", "polling", "http", "defaults", "channels", "routes", "operator")


@dataclass(frozen=True, slots=True, kw_only=True)
class Basics:
    """The sections that hold single values."""

    situation: SituationRow
    store: StoreRow
    service: ServiceRow
    polling: PollingRow
    http: HttpRow
    defaults: DefaultsRow


def basics(document: Document, findings: Findings) -> Basics | None:
    """Return the single values, None when one of the sections is wrong."""
    situation = _section(SituationRow, "situation", document, findings)
    store = _section(StoreRow, "store", document, findings)
    service = _section(ServiceRow, "service", document, findings)
    polling = _section(PollingRow, "polling", document, findings)
    http = _section(HttpRow, "http", document, findings)
    defaults = _section(DefaultsRow, "defaults", document, findings)
    if not (situation and store and service and polling and http and defaults):
        return None
    check_polling(document, findings, polling)
    if defaults.alert_window > defaults.retention:
        findings.add(
            document, ("defaults", "retention"), "`retention` is shorter than `alert_window`", "keep reports longer"
        )
    if http.public_url and http.listen is None:
        sentence = "`public_url` leads nowhere: nothing listens"
        findings.add(document, ("http", "public_url"), sentence, "give `listen` an address, or delete `public_url`")
    return Basics(situation=situation, store=store, service=service, polling=polling, http=http, defaults=defaults)


def _section(model: type[Section], key: str, document: Document, findings: Findings) -> Section | None:
    raw = document.data.get(key)
    return validate(model, document, (key,), {} if raw is None else raw, findings)


def data_dir(store: StoreRow, config_dir: Path, environ: Mapping[str, str]) -> Path:
    """Return where the service writes: as configured, else what systemd gave (its first), else `data` beside the folder."""
    if store.data_dir:
        return config_dir.parent / store.data_dir
    given = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(given) if given else config_dir.parent / "data"


def store_url(store: StoreRow, data: Path) -> str:
    """Return the database's address; a relative SQLite path starts in the data directory."""
    url = store.url.get_secret_value() if store.url else "sqlite:///monitor.db"
    scheme, _, path = url.partition(":///")
    relative = scheme.startswith("sqlite") and path and not path.startswith(("/", ":memory:", "file:"))
    return f"{scheme}:///{data / path}" if relative else url


def _named(document: Document, key: str, findings: Findings) -> dict[str, Any]:
    """Return a section of rows by name; names that cannot be one are reported and left out."""
    rows = document.data.get(key) or {}
    if not isinstance(rows, dict):
        findings.add(
            document, (key,), f"`{key}` must hold names with values", f"write each as `name: {{...}}` below `{key}:`"
        )
        return {}
    for name in rows:
        if not ID.fullmatch(name):
            findings.add(document, (key, name), f"`{name}` cannot be a name", ID_ADVICE)
    return rows


def channels(document: Document, findings: Findings, context: Mapping[str, Any]) -> tuple[ChannelSettings, ...]:
    """Return the channels. `context` (language, zone) reaches the validators of their options."""
    rows = _named(document, "channels", findings) or IMPLICIT_CHANNELS
    made = (_channel(document, name, row, findings, context) for name, row in rows.items())
    return tuple(channel for channel in made if channel)


def _channel(
    document: Document, name: str, row: Any, findings: Findings, context: Mapping[str, Any]
) -> ChannelSettings | None:
    where = ("channels", name)
    kind = row.get("kind") if isinstance(row, Mapping) else None
    if kind is None:
        findings.add(document, where, f"`kind` of the channel `{name}` is missing", choose("", KINDS))
        return None
    if not isinstance(kind, str) or kind not in KINDS:
        findings.add(document, (*where, "kind"), f"there is no kind of channel `{kind}`", choose(str(kind), KINDS))
        return None
    rest = {key: value for key, value in row.items() if key != "kind"}
    options = validate(KINDS[kind].Options, document, where, rest, findings, **context)
    return ChannelSettings(name=name, kind=kind, options=options) if options else None


def routes(document: Document, findings: Findings, known: Names) -> tuple[Route, ...]:
    """Return the routes; without any, one to all channels."""
    rows = _named(document, "routes", findings)
    if not rows:
        return (Route(name=DEFAULT_ROUTE, channels=tuple(document.data.get("channels") or IMPLICIT_CHANNELS)),)
    made = (_route(document, name, raw, findings, known) for name, raw in rows.items())
    return tuple(route for route in made if route)


def _route(document: Document, name: str, raw: Any, findings: Findings, known: Names) -> Route | None:
    where = ("routes", name)
    row = validate(RouteRow, document, where, raw, findings)
    if row is None:
        return None
    check_names(document, (*where, "channels"), row.channels, known.channels, "channel", findings)
    check_names(document, (*where, "watches"), row.watches, known.watches, "watch", findings)
    return Route(name=name, channels=row.channels, min_severity=row.min_severity, watches=row.watches)


def operator_route(document: Document, findings: Findings, routes: Sequence[Route], known: Names) -> str:
    """Return the route for what the service says about itself: as named, else `default`, else the first."""
    name = document.data.get("operator")
    if name is None:
        return next((route.name for route in routes if route.name == DEFAULT_ROUTE), routes[0].name if routes else "")
    if not isinstance(name, str) or name not in (known.routes or ()):
        findings.add(document, ("operator",), f"there is no route `{name}`", choose(str(name), known.routes or ()))
    return str(name)
