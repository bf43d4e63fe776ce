"""The account of a replay: was anything lost, was anything said twice, how late did it come. Pure.

`lost` trusts nobody: what a watch wants is found out here anew, by running the watches over what was published; each such
entry must have a listing on every route of the watch, and what the listing calls alerted must have arrived at the inbox on
every channel of the route.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus

from monitor.language.text import squeeze
from monitor.model import AlertKind, Delivery, Disposition, Listing, Report, Route, Watch
from monitor.replay.evidence import Evidence, reports_by_entry
from monitor.replay.figures import Counts, Polls, SentDelivery, Summary, ToldAlert
from monitor.replay.lateness import latency
from monitor.replay.publishers import Hit
from monitor.replay.scenario import PlannedEntry, Scenario

TOLD = frozenset({Disposition.ALERTED, Disposition.COPY, Disposition.REVISED})
"""Listings that rest on an alert, which must have arrived."""


def summarise(evidence: Evidence) -> Summary:
    """Return the account of a replay."""
    account = _Account(evidence)
    lost, repeated = account.lost(), account.repeated()
    unmatched, false, garbled = account.unmatched(), account.false(), account.garbled()
    stored, told = evidence.stored, account.told_alerts()
    deliveries = account.sent_deliveries()
    counts = Counts(
        published=len(evidence.planned()),
        seen=len(account.seen),
        stored=len(account.report_of),
        matched=len(account.wanted),
        unmatched=len(unmatched),
        false=len(false),
        stories=stored.stories,
        alerts=sum(alert.kind is AlertKind.STORY for alert in stored.alerts),
        notices=sum(alert.kind is not AlertKind.STORY for alert in stored.alerts),
        deliveries=len(deliveries),
        undelivered=sum(not delivery.arrived for delivery in deliveries),
        lost=len(lost),
        repeated=len(repeated),
        resent=len(account.resent()),
        garbled=len(garbled),
    )
    return Summary(
        counts=counts,
        latency=latency(evidence, account.entry_of, account.arrived),
        polls={outlet: polls_of(hits) for outlet, hits in evidence.hits.items()},
        alerts=told,
        deliveries=deliveries,
        lost=lost,
        repeated=repeated,
        unmatched=unmatched,
        false=false,
        garbled=garbled,
    )


def routes_of(watch: Watch, routes: Sequence[Route]) -> tuple[Route, ...]:
    """Return where a watch goes: the routes it names, else those that name it, else those that name no watch."""
    named = tuple(route for route in routes if route.name in watch.routes)
    claimed = named or tuple(route for route in routes if watch.name in route.watches)
    return claimed or tuple(route for route in routes if not route.watches)


def polls_of(hits: Sequence[Hit]) -> Polls:
    """Return how an outlet was polled."""
    gaps = [(after.at - before.at).total_seconds() for before, after in itertools.pairwise(hits)]
    return Polls(
        requests=len(hits),
        conditional=sum(hit.conditional for hit in hits),
        not_modified=sum(hit.status == HTTPStatus.NOT_MODIFIED for hit in hits),
        troubled=sum(hit.fault is not None for hit in hits),
        soonest=min(gaps, default=0.0),
    )


class _Account:
    """The joins that several figures need."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        stored = evidence.stored
        self.entries = {entry.id: entry for entry in evidence.scenario.entries}
        self.report_of = reports_by_entry(evidence.scenario.entries, stored.entry_reports)
        self.entry_of = {report: entry for entry, report in self.report_of.items()}
        self.seen = {entry for entry, _ in evidence.shown}
        self.arrived: Mapping[str, list[datetime]] = defaultdict(list)
        for arrival in evidence.arrivals:
            self.arrived[arrival.id].append(arrival.at)
        self.sent = defaultdict[str, list[Delivery]](list)
        for delivery in stored.deliveries:
            self.sent[delivery.alert_id].append(delivery)
        self.listings = {(row.match.report_id, row.match.watch, row.route): row for row in stored.listings}
        self.wanted = self._wanted()

    def _wanted(self) -> dict[str, frozenset[str]]:
        """Return which watches want which seen entry, in any of its versions."""
        index = self.evidence.index
        feeds = {feed.id: feed for feed in self.evidence.feeds}
        wanted = {}
        for entry_id in sorted(self.seen):
            states = self._states(self.entries[entry_id])
            names = frozenset(match.watch for state in states for match in index.match(state, feeds.get(state.feed_id)))
            if names:
                wanted[entry_id] = names
        return wanted

    def _states(self, entry: PlannedEntry) -> list[Report]:
        """Return an entry's versions as the store has them, else as they were published."""
        report = self.evidence.stored.reports.get(self.report_of.get(entry.id, ""))
        if report is not None:
            versions = self.evidence.stored.versions.get(report.id, ())
            return [replace(report, title=v.title, text=v.text, version=v.number) for v in versions] or [report]
        shown = [entry.states[number - 1] for name, number in self.evidence.shown if name == entry.id]
        return [_unstored(self.evidence.scenario, entry, state.title, state.text) for state in shown]

    # -- what must be nothing

    def lost(self) -> tuple[str, ...]:
        """Return a sentence for each thing that was wanted and neither alerted nor listed, or alerted and never came."""
        watches = {watch.name: watch for watch in self.evidence.watches}
        found = []
        for entry_id, names in self.wanted.items():
            for name in sorted(names):
                for route in routes_of(watches[name], self.evidence.routes):
                    reason = self._loss(entry_id, name, route)
                    if reason:
                        found.append(f"{entry_id} for watch {name} on route {route.name}: {reason}")
        return tuple(found)

    def _loss(self, entry_id: str, watch: str, route: Route) -> str | None:
        report_id = self.report_of.get(entry_id)
        if report_id is None:
            return "seen, not stored"
        listing = self.listings.get((report_id, watch, route.name))
        if listing is None:
            return "matched, neither alerted nor listed"
        return self._undelivered(listing, route) if listing.disposition in TOLD else None

    def _undelivered(self, listing: Listing, route: Route) -> str | None:
        if listing.alert_id is None:
            return f"listed as {listing.disposition} without an alert"
        deliveries = self.sent.get(listing.alert_id, [])
        arrived = {delivery.channel for delivery in deliveries if self.arrived.get(delivery.id)}
        missing = [channel for channel in route.channels if channel not in arrived]
        return f"the alert {listing.alert_id[:10]} never arrived over {', '.join(missing)}" if missing else None

    def resent(self) -> tuple[str, ...]:
        """Return a sentence for each message that came more than once to one recipient, with one id."""
        arrivals = Counter((arrival.channel, arrival.id, arrival.recipient) for arrival in self.evidence.arrivals)
        return tuple(
            f"delivery {name[:10]} came {times} times over {channel}"
            for (channel, name, _), times in arrivals.items()
            if times > 1
        )

    def repeated(self) -> tuple[str, ...]:
        """Return a sentence for each thing that was said twice."""
        found = list(self.resent())
        stories = [alert for alert in self.evidence.stored.alerts if alert.kind is AlertKind.STORY]
        told = Counter((alert.report.id, alert.route) for alert in stories if alert.report)
        found += [
            f"report {name[:10]} was told {times} times on {route}"
            for (name, route), times in told.items()
            if times > 1
        ]
        threads = Counter((alert.story_id, alert.route) for alert in stories if alert.story_id)
        found += [
            f"story {name[:10]} was told {times} times on {route}"
            for (name, route), times in threads.items()
            if times > 1
        ]
        return tuple(found)

    # -- how well the watches fit

    def unmatched(self) -> tuple[str, ...]:
        """Return the seen entries that are relevant and that no watch wanted."""
        return tuple(name for name in sorted(self.seen - set(self.wanted)) if self.entries[name].relevant)

    def false(self) -> tuple[str, ...]:
        """Return the irrelevant entries that were alerted."""
        alerted = {
            self.entry_of[row.match.report_id]
            for row in self.evidence.stored.listings
            if row.disposition is Disposition.ALERTED and row.match.report_id in self.entry_of
        }
        return tuple(name for name in sorted(alerted) if not self.entries[name].relevant)

    def garbled(self) -> tuple[str, ...]:
        """Return the entries whose stored headline is none of the published ones."""
        reports = self.evidence.stored.reports
        return tuple(
            name
            for name, report_id in sorted(self.report_of.items())
            if report_id in reports
            and squeeze(reports[report_id].title) not in {squeeze(state.title) for state in self.entries[name].states}
        )

    # -- rows for people and programs

    def told_alerts(self) -> tuple[ToldAlert, ...]:
        """Return all alerts, oldest first, with the entries behind them."""
        listed = defaultdict[str, set[str]](set)
        for row in self.evidence.stored.listings:
            if row.alert_id is not None and row.match.report_id in self.entry_of:
                listed[row.alert_id].add(self.entry_of[row.match.report_id])
        rows = []
        for alert in sorted(self.evidence.stored.alerts, key=lambda alert: (alert.at, alert.id)):
            causes = self._causes(alert.report)
            rows.append(
                ToldAlert(
                    id=alert.id,
                    kind=alert.kind.value,
                    route=alert.route,
                    severity=alert.severity.word,
                    headline=alert.headline,
                    reason=alert.reason,
                    at=alert.at,
                    story=alert.story_id,
                    watches=tuple(sorted({match.watch for match in alert.matches})),
                    entries=causes,
                    listed=tuple(sorted(listed[alert.id] - set(causes))),
                )
            )
        return tuple(rows)

    def sent_deliveries(self) -> tuple[SentDelivery, ...]:
        """Return all deliveries, oldest first."""
        causes = {alert.id: self._causes(alert.report) for alert in self.evidence.stored.alerts}
        return tuple(
            SentDelivery(
                id=delivery.id,
                alert=delivery.alert_id,
                channel=delivery.channel,
                recipient=delivery.recipient,
                state=delivery.state.value,
                reason=delivery.reason,
                arrived=tuple(self.arrived.get(delivery.id, ())),
                entries=causes.get(delivery.alert_id, ()),
            )
            for delivery in sorted(self.evidence.stored.deliveries, key=lambda row: (row.created_at, row.id))
        )

    def _causes(self, report: Report | None) -> tuple[str, ...]:
        entry = self.entry_of.get(report.id) if report else None
        return (entry,) if entry else ()


def _unstored(scenario: Scenario, entry: PlannedEntry, title: str, text: str) -> Report:
    outlet = next(outlet for outlet in scenario.outlets if outlet.id == entry.outlet)
    return Report(
        id=entry.id,
        situation=scenario.name,
        feed_id=outlet.id,
        outlet=outlet.id,
        source=outlet.name,
        grade=outlet.grade,
        title=title,
        text=text,
        link=None,
        author=None,
        language=outlet.language,
        published=entry.at,
        seen_at=entry.at,
    )
