"""What a replay left behind, joined to the scenario: publishers' logs, the store's account, what the inbox got."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from monitor.model import Alert, Delivery, Feed, Listing, Report, Route, Version, Watch
from monitor.ports import Store
from monitor.replay.inbox import Arrival
from monitor.replay.publishers import Hit
from monitor.replay.scenario import PlannedEntry, Scenario
from monitor.watches import WatchIndex

EVERYTHING = 1_000_000
"""More rows than any scenario makes: listings are read whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the store holds at the end."""

    reports: Mapping[str, Report]
    """By report id."""
    versions: Mapping[str, tuple[Version, ...]]
    entry_reports: tuple[tuple[str, str | None, str], ...]
    """(feed id, link of the entry, report id)."""
    listings: tuple[Listing, ...]
    alerts: tuple[Alert, ...]
    deliveries: tuple[Delivery, ...]
    stories: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything the account is made from."""

    scenario: Scenario
    start: datetime
    end: datetime
    """Nothing is published after it; what was on its way may arrive later."""
    shown: Mapping[tuple[str, int], datetime]
    """When (entry id, number of its state) was first given out."""
    hits: Mapping[str, Sequence[Hit]]
    arrivals: Sequence[Arrival]
    stored: Stored
    feeds: tuple[Feed, ...]
    watches: tuple[Watch, ...]
    index: WatchIndex
    routes: tuple[Route, ...]

    def planned(self) -> tuple[PlannedEntry, ...]:
        """Return the entries that are published within the run."""
        return tuple(entry for entry in self.scenario.entries if self.start <= entry.at <= self.end)


def read_store(store: Store, situation: str) -> Stored:
    """Read what the account needs, whole."""
    reports = {report.id: report for report in store.reports(situation, limit=EVERYTHING)}
    return Stored(
        reports=reports,
        versions={identifier: store.versions(identifier) for identifier in reports},
        entry_reports=tuple(store.entry_reports(situation)),
        listings=tuple(store.listings(limit=EVERYTHING)),
        alerts=tuple(store.alerts(limit=EVERYTHING)),
        deliveries=tuple(store.deliveries(limit=EVERYTHING)),
        stories=len(store.list_stories(situation, limit=EVERYTHING)),
    )


def reports_by_entry(entries: Iterable[PlannedEntry], rows: Iterable[tuple[str, str | None, str]]) -> dict[str, str]:
    """Return the report id of each stored entry, found by the path of its link: hosts and parameters come and go."""
    by_path = {(entry.outlet, entry.path): entry.id for entry in entries}
    found: dict[str, str] = {}
    for feed_id, link, report_id in rows:
        entry = by_path.get((feed_id, urlsplit(link).path if link else ""))
        if entry is not None:
            found[entry] = report_id
    return found
