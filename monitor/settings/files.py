"""What may stand in monitor.yaml, feeds.yaml and watches.yaml: one model for each section or row.

Every row is validated by itself, so that one bad row does not hide the mistakes of the others. The descriptions are what
an editor shows beside a key (see schema.py).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from monitor.model import Severity
from monitor.settings.fields import (
    AlertLanguage,
    AlertWindow,
    Count,
    FieldName,
    Grade,
    Group,
    Header,
    Id,
    Listen,
    Network,
    Pace,
    ProxyUrl,
    PublicUrl,
    ReportLanguage,
    Rest,
    Retention,
    SecretHeader,
    SeverityWord,
    Spacing,
    StoreUrl,
    Title,
    WebUrl,
    Word,
    Zone,
)


class Row(BaseModel):
    """A section or row: unknown keys are refused, values never stand in error texts."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SituationRow(Row):
    """`situation:` in monitor.yaml."""

    id: Id = Field(description="Short name that the stored data belongs to; do not change it later.")
    name: Title = Field(description="Name in alerts.")
    zone: Zone = Field(default="UTC", description="Time zone of the place (IANA name, like Asia/Almaty).")


class StoreRow(Row):
    """`store:` in monitor.yaml."""

    url: StoreUrl | None = Field(
        default=None, description="Database; sqlite:///monitor.db stands in the data directory. Or postgresql://..."
    )
    data_dir: Title | None = Field(
        default=None, description="Directory for what the service writes; relative to the folder that holds config/."
    )


class ServiceRow(Row):
    """`service:` in monitor.yaml."""

    contact: Header | None = Field(default=None, description="Address or page that publishers find in our User-Agent.")
    log: Literal["console", "json"] = Field(default="console", description="Form of the log on standard output.")


class PollingRow(Row):
    """`polling:` in monitor.yaml; how its spans hang together stands in paces.py."""

    pace: Pace = Field(
        default=timedelta(minutes=5), description="How often a feed is polled, unless it says otherwise."
    )
    floor: Pace = Field(
        default=timedelta(minutes=1), description="Never more often than this, however fast entries come."
    )
    slowest: Rest | None = Field(
        default=None, description="How far the interval of a feed without news may grow; default: 4 times the pace."
    )
    crisis_pace: Pace = Field(
        default=timedelta(minutes=2), description="How often feeds with `crisis: true` are polled."
    )
    cap: Rest = Field(
        default=timedelta(hours=24), description="When a publisher asks us to come later, so much of it is obeyed."
    )
    hints: bool = Field(
        default=True,
        description="Obey ttl, updatePeriod, skipHours and skipDays of feeds, unless a feed says otherwise.",
    )
    poll_concurrency: Count = Field(default=20, ge=1, le=1000, description="Feeds fetched at the same time.")
    per_host: Count = Field(default=2, ge=1, le=10, description="Of these, at most so many from one host.")
    per_domain: Count = Field(default=4, ge=1, le=50, description="And at most so many from hosts of one domain.")
    host_spacing: Spacing = Field(
        default=timedelta(seconds=1), description="Between the starts of two requests to one host."
    )
    parse_workers: Count = Field(default=2, ge=1, le=16, description="Processes that read feed documents.")


class HttpRow(Row):
    """`http:` in monitor.yaml: the small server for health checks and pushes."""

    listen: Listen = Field(default="127.0.0.1:8480", description="Address and port, or none for no server.")
    public_url: PublicUrl | None = Field(
        default=None,
        description="Where `listen` is reached from outside (https); hubs push to it. Without it: no pushes.",
    )


class DefaultsRow(Row):
    """`defaults:` in monitor.yaml."""

    alert_window: AlertWindow = Field(
        default=timedelta(hours=24), description="Reports older than this when first seen are stored, not alerted."
    )
    language: AlertLanguage = Field(default="en", description="Language of alerts, unless a recipient says otherwise.")
    zone: Zone | None = Field(default=None, description="Zone of times in alerts; default: that of the situation.")
    retention: Retention = Field(default=timedelta(days=400), description="How long reports are kept.")


class RouteRow(Row):
    """One of `routes:` in monitor.yaml."""

    channels: tuple[str, ...] = Field(min_length=1, description="Names of channels.")
    min_severity: SeverityWord = Field(default=Severity.INFO, description="Alerts below this do not go this way.")
    watches: tuple[str, ...] = Field(
        default=(), description="Watches that go this way; without this key: all that name no route."
    )


class FeedRow(Row):
    """One of `feeds:` in feeds.yaml."""

    id: Id = Field(description="Identity of the feed: name and address may be edited, this stays.")
    name: Title = Field(description="Name in alerts.")
    url: WebUrl = Field(description="Address of the feed: RSS, Atom, JSON Feed, a news sitemap, a news search.")
    outlet: Id | None = Field(default=None, description="Whose voice it is; feeds of one outlet count as one source.")
    language: ReportLanguage | None = Field(default=None, description="Language of the reports, as a hint.")
    group: Id | None = Field(default=None, description="For the `groups:` of watches.")
    grade: Grade | None = Field(
        default=None, description="Reliability of the source, A (best) to F (cannot be judged)."
    )
    pace: Pace | None = Field(default=None, description="How often it is polled; it stays at that.")
    floor: Pace | None = Field(default=None, description="Never more often than this, however fast entries come.")
    slowest: Rest | None = Field(default=None, description="How far the interval may grow while nothing new comes.")
    crisis: bool = Field(default=False, description="Polled as often as `crisis_pace` of monitor.yaml says, always.")
    hints: bool | None = Field(
        default=None, description="Obey its ttl, updatePeriod, skipHours and skipDays; default: as in `polling:`."
    )
    user_agent: Header | None = Field(default=None, description="User-Agent for this feed.")
    authorization: SecretHeader | None = Field(default=None, description="Authorization header, like Bearer ${TOKEN}.")
    proxy: ProxyUrl | None = Field(default=None, description="HTTP proxy to go through.")
    allow_networks: tuple[Network, ...] = Field(
        default=(), description="Networks (CIDR) it may be fetched from although they are not public."
    )
    enabled: bool = True
    reason: Title | None = Field(default=None, description="Why it is disabled.")


class WatchRow(Row):
    """One of `watches:` in watches.yaml."""

    name: Id = Field(description="Short name, for routes and commands.")
    title: Title | None = Field(default=None, description="Name in alerts; default: the short name.")
    query: str = Field(default="", description="What must be there, in the query language.")
    score: float = Field(default=0.0, ge=0, description="Least score: each keyword found counts its boost, or 1.")
    any: tuple[Word, ...] = Field(default=(), description="One of these words or phrases must be there.")
    all: tuple[Group, ...] = Field(
        default=(), description="Each of these must be there; an entry that is a list needs one of its words."
    )
    none: tuple[Word, ...] = Field(default=(), description="None of these may be there.")
    fields: tuple[FieldName, ...] = Field(default=("title", "text"), min_length=1, description="Where to look.")
    languages: tuple[ReportLanguage, ...] = Field(default=(), description="Only reports in these languages.")
    sources: tuple[Title, ...] = Field(default=(), description="Only these outlets or source names.")
    feeds: tuple[str, ...] = Field(default=(), description="Only these feeds (ids).")
    groups: tuple[str, ...] = Field(default=(), description="Only feeds of these groups.")
    severity: SeverityWord = Field(default=Severity.NOTICE, description="How much it matters.")
    routes: tuple[str, ...] = Field(default=(), description="Routes it goes; default: those that take every watch.")
    enabled: bool = True
