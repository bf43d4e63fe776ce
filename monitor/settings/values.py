"""What the files come to: frozen values for service and commands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel

from monitor.language.gazetteer import Gazetteer
from monitor.model import Feed, Language, Route, Secret, Watch
from monitor.watches import WatchIndex, compile_watches


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSettings:
    """A channel by name: `monitor.channels.KINDS[kind]` is built from `options` (an instance of its `Options`)."""

    name: str
    kind: str
    options: BaseModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration, checked: every name it mentions exists, every duration is in range."""

    situation_id: str
    situation_name: str
    situation_zone: str
    store_url: str = field(repr=False)
    """SQLAlchemy address; may hold a password."""
    data_dir: Path
    """Absolute; created by who writes into it."""
    config_dir: Path
    templates_dir: Path | None
    """`templates/` beside monitor.yaml, None where there is none."""
    contact: str | None
    poll_concurrency: int
    per_host: int
    per_domain: int
    host_spacing: timedelta
    """Between the starts of two requests to one host."""
    parse_workers: int
    listen: str | None
    """`host:port` of the small HTTP server, the host an IP address (IPv6 in brackets); None: there is none."""
    public_url: str | None
    """Where `listen` is reached from outside, without a slash at the end; None: no pushes."""
    log_format: str
    """`console` or `json`."""
    pace: timedelta
    """Of feeds that state none; each feed carries its own already."""
    alert_window: timedelta
    retention: timedelta
    language: Language
    """Of alerts to recipients that state none."""
    zone: str
    feeds: tuple[Feed, ...]
    """All of them, the disabled ones too."""
    watches: tuple[Watch, ...]
    saved: Mapping[str, str]
    """Queries that others use as `@name`."""
    gazetteer: Gazetteer
    channels: tuple[ChannelSettings, ...]
    routes: tuple[Route, ...]
    operator_route: str
    """Route of the alerts that the service gives about itself."""
    hidden: tuple[Secret, ...] = ()
    """Values from environment variables and secret files: scrubbed wherever settings are shown."""

    def index(self, watches: Iterable[Watch] | None = None) -> WatchIndex:
        """Return the watches (or others in their place) compiled with the saved queries and the gazetteer."""
        return compile_watches(self.watches if watches is None else watches, self.gazetteer, self.saved)
