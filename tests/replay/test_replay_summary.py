import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.model import (
    Alert,
    AlertKind,
    Delivery,
    DeliveryState,
    Disposition,
    Feed,
    Listing,
    Match,
    Reason,
    Report,
    Route,
    Severity,
    Version,
    Watch,
)
from monitor.replay.evidence import Evidence, Stored, reports_by_entry
from monitor.replay.figures import Latency, Polls
from monitor.replay.inbox import Arrival
from monitor.replay.lateness import is_disturbed, spread
from monitor.replay.publishers import Hit
from monitor.replay.result import SENDER_SLOTS, ReplayResult
from monitor.replay.scenario import Kill, Misbehaviour, PublisherFault, ReceiverFault, State, Stop
from monitor.replay.summary import routes_of, summarise
from monitor.watches import compile_watches

WATCH = Watch(name="curfew", title="Curfew", any=("curfew",))
ROUTE = Route(name="default", channels=("mail", "hook"))


class Desk:
    """A run made by hand: two outlets, one alert that came over two channels, one copy, one noise."""

    def __init__(self, make: Any) -> None:
        self.make = make
        outlets = (make.outlet("bell"), make.outlet("horn"))
        entries = (
            make.entry("r1", 10, title="Curfew begins"),
            make.entry("c1", 20, of="horn", title="Curfew begins"),
            make.entry("n1", 30, of="horn", title="Football", report=None, relevant=False),
        )
        self.scenario = make.scenario(*entries, outlets=outlets)
        self.shown: dict[tuple[str, int], datetime] = {
            ("r1", 1): make.at(12), ("c1", 1): make.at(25), ("n1", 1): make.at(32),
        }  # fmt: skip
        self.reports = {entry.id: self.report(entry.id, entry.outlet, entry.states[0].title) for entry in entries}
        self.links = {entry.id: f"http://www.{entry.outlet}.example{entry.path}?utm_source=rss" for entry in entries}
        self.listings = [
            self.listing("r1", Disposition.ALERTED),
            self.listing("c1", Disposition.COPY),
        ]
        self.alerts = [self.alert("a1", "r1")]
        self.deliveries = [self.delivery("d1", "a1", "mail"), self.delivery("d2", "a1", "hook")]
        self.arrivals = [self.arrival("d1", "email", 13), self.arrival("d2", "webhook", 14)]
        self.hits = (
            Hit(at=make.at(0), conditional=False, status=200),
            Hit(at=make.at(12), conditional=True, status=304),
            Hit(at=make.at(22), conditional=True, status=0, fault=Misbehaviour.OUTAGE),
        )
        self.routes: tuple[Route, ...] = (ROUTE,)
        self.watches: tuple[Watch, ...] = (WATCH,)

    def report(self, entry: str, outlet: str, title: str) -> Report:
        return Report(
            id=f"R-{entry}",
            situation="small",
            feed_id=outlet,
            outlet=outlet,
            source=outlet,
            grade=None,
            title=title,
            text="Text.",
            link=None,
            author=None,
            language="en",
            published=self.make.at(10),
            seen_at=self.make.at(12),
        )

    def listing(self, entry: str, disposition: Disposition, alert: str | None = "a1") -> Listing:
        reason = Reason(keyword="curfew", surface="Curfew", field="title", start=0, end=6)
        match = Match(report_id=f"R-{entry}", watch="curfew", version=1, reasons=(reason,))
        return Listing(match=match, route="default", disposition=disposition, at=self.make.at(12), alert_id=alert)

    def alert(self, name: str, entry: str, *, story: str = "s1", kind: AlertKind = AlertKind.STORY) -> Alert:
        return Alert(
            id=name,
            kind=kind,
            situation="small",
            route="default",
            severity=Severity.WARNING,
            at=self.make.at(12),
            headline="Curfew begins",
            reason="new_story",
            report=self.reports[entry] if kind is AlertKind.STORY else None,
            story_id=story if kind is AlertKind.STORY else None,
            matches=(self.listings[0].match,) if kind is AlertKind.STORY else (),
        )

    def delivery(self, name: str, alert: str, channel: str) -> Delivery:
        at = self.make.at(12)
        return Delivery(
            id=name,
            alert_id=alert,
            channel=channel,
            recipient="desk",
            payload=b"",
            due_at=at,
            created_at=at,
            state=DeliveryState.DELIVERED,
        )

    def arrival(self, name: str, channel: str, minutes: float) -> Arrival:
        return Arrival(channel=channel, id=name, at=self.make.at(minutes), recipient="desk", subject="", file=Path("x"))

    def summary(self) -> Any:
        versions: Mapping[str, tuple[Version, ...]] = {
            report.id: (
                Version(
                    report_id=report.id,
                    number=1,
                    title=report.title,
                    text=report.text,
                    seen_at=report.seen_at,
                    fingerprint=b"",
                ),
            )
            for report in self.reports.values()
        }
        rows = tuple(
            (report.feed_id, self.links[entry], report.id)
            for entry, report in self.reports.items()
            if entry in self.links
        )
        stored = Stored(
            reports={report.id: report for report in self.reports.values()},
            versions=versions,
            entry_reports=rows,
            listings=tuple(self.listings),
            alerts=tuple(self.alerts),
            deliveries=tuple(self.deliveries),
            stories=2,
        )
        feeds = tuple(
            Feed(id=outlet.id, name=outlet.name, url="http://x.example/", situation="small", outlet=outlet.id)
            for outlet in self.scenario.outlets
        )
        return summarise(
            Evidence(
                scenario=self.scenario,
                start=self.scenario.start,
                end=self.scenario.end,
                shown=self.shown,
                hits={"bell": self.hits},
                arrivals=tuple(self.arrivals),
                stored=stored,
                feeds=feeds,
                watches=self.watches,
                index=compile_watches(self.watches),
                routes=self.routes,
            )
        )


@pytest.fixture
def desk(make: Any) -> Desk:
    return Desk(make)


def test_a_clean_run_counts_everything_and_misses_nothing(desk: Desk) -> None:
    summary = desk.summary()
    counts = summary.counts
    assert (counts.published, counts.seen, counts.stored, counts.matched) == (3, 3, 3, 2)
    assert (counts.stories, counts.alerts, counts.notices) == (2, 1, 0)
    assert (counts.deliveries, counts.undelivered) == (2, 0)
    assert (counts.lost, counts.repeated, counts.unmatched, counts.false, counts.garbled) == (0, 0, 0, 0, 0)


def test_alerts_and_deliveries_name_the_entries_behind_them(desk: Desk) -> None:
    summary = desk.summary()
    (alert,) = summary.alerts
    assert (alert.entries, alert.listed, alert.watches) == (("r1",), ("c1",), ("curfew",))
    assert [(row.id, row.entries, len(row.arrived)) for row in summary.deliveries] == [
        ("d1", ("r1",), 1),
        ("d2", ("r1",), 1),
    ]


def test_latency_runs_from_publication_and_from_being_shown(desk: Desk) -> None:
    latency = desk.summary().latency
    assert latency["all"] == Latency(count=2, p50=180.0, p99=240.0, max=240.0)
    assert latency["to_reader"] == Latency(count=2, p50=60.0, p99=120.0, max=120.0)


def test_each_outlet_tells_how_it_was_polled(desk: Desk) -> None:
    assert desk.summary().polls == {"bell": Polls(requests=3, conditional=2, not_modified=1, troubled=1, soonest=600.0)}


def test_what_stood_there_before_the_run_has_no_latency(desk: Desk) -> None:
    first = desk.scenario.entries[0]
    early = replace(first, states=(replace(first.states[0], at=desk.scenario.start - timedelta(hours=1)),))
    desk.links["r1"] = f"https://bell.example{early.path}"
    desk.scenario = replace(desk.scenario, entries=(early, *desk.scenario.entries[1:]))
    summary = desk.summary()
    assert summary.latency["all"].count == 0
    assert summary.counts.published == 2


def test_an_edit_that_made_a_report_match_is_late_from_the_edit_on(desk: Desk) -> None:
    first = desk.scenario.entries[0]
    edited = replace(first, states=(*first.states, State(at=desk.make.at(60), title="Curfew begins now", text="T.")))
    desk.scenario = replace(desk.scenario, entries=(edited, *desk.scenario.entries[1:]))
    desk.shown[("r1", 2)] = desk.make.at(65)
    told = replace(desk.reports["r1"], seen_at=desk.make.at(65))
    desk.alerts = [replace(desk.alerts[0], reason="newly_matched", report=told)]
    desk.arrivals = [desk.arrival("d1", "email", 70), desk.arrival("d2", "webhook", 70)]
    assert desk.summary().latency["all"].max == 600.0


def lose_listing(desk: Desk) -> None:
    del desk.listings[1]


def lose_report(desk: Desk) -> None:
    del desk.links["c1"]
    desk.listings = desk.listings[:1]


def lose_arrival(desk: Desk) -> None:
    desk.arrivals = desk.arrivals[:1]


def lose_delivery(desk: Desk) -> None:
    desk.deliveries = desk.deliveries[:1]


def lose_alert_of_listing(desk: Desk) -> None:
    desk.listings[1] = desk.listing("c1", Disposition.COPY, alert=None)


LOSSES = {
    "a match without a listing": (
        lose_listing,
        ["c1 for watch curfew on route default: matched, neither alerted nor listed"],
    ),
    "an entry that is not in the store": (lose_report, ["c1 for watch curfew on route default: seen, not stored"]),
    "a message that never came": (
        lose_arrival,
        [f"{name} for watch curfew on route default: the alert a1 never arrived over hook" for name in ("c1", "r1")],
    ),
    "a delivery that was never made": (
        lose_delivery,
        [f"{name} for watch curfew on route default: the alert a1 never arrived over hook" for name in ("c1", "r1")],
    ),
    "a copy of nothing": (
        lose_alert_of_listing,
        ["c1 for watch curfew on route default: listed as copy without an alert"],
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_found_and_named(desk: Desk, name: str) -> None:
    harm, sentences = LOSSES[name]
    harm(desk)
    summary = desk.summary()
    assert list(summary.lost) == sentences
    assert summary.counts.lost == len(sentences)


def test_what_is_listed_as_older_or_below_is_accounted_for_without_an_alert(desk: Desk) -> None:
    desk.listings = [desk.listing("r1", Disposition.OLDER, None), desk.listing("c1", Disposition.BELOW, None)]
    desk.alerts, desk.deliveries, desk.arrivals = [], [], []
    assert desk.summary().lost == ()


def test_a_loss_on_one_of_two_routes_is_found(desk: Desk) -> None:
    desk.routes = (ROUTE, Route(name="night", channels=("mail",)))
    assert {sentence.split(": ")[0] for sentence in desk.summary().lost} == {
        "r1 for watch curfew on route night",
        "c1 for watch curfew on route night",
    }


def repeat_message(desk: Desk) -> None:
    desk.arrivals.append(desk.arrival("d1", "email", 20))


def repeat_report(desk: Desk) -> None:
    desk.alerts.append(desk.alert("a2", "r1", story="s2"))


def repeat_story(desk: Desk) -> None:
    desk.alerts.append(desk.alert("a2", "c1"))


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (repeat_message, "delivery d1 came 2 times over email"),
        (repeat_report, "report R-r1 was told 2 times on default"),
        (repeat_story, "story s1 was told 2 times on default"),
    ],
)
def test_what_is_said_twice_is_found_and_named(desk: Desk, harm: Any, sentence: str) -> None:
    harm(desk)
    summary = desk.summary()
    assert summary.repeated == (sentence,)
    assert summary.counts.resent == (harm is repeat_message)


def test_notices_of_the_service_are_no_stories(desk: Desk) -> None:
    desk.alerts += [desk.alert(name, "r1", kind=AlertKind.OPERATOR) for name in ("a2", "a3")]
    counts = desk.summary().counts
    assert (counts.alerts, counts.notices, counts.repeated) == (1, 2, 0)


def test_relevant_entries_that_no_watch_wants_are_unmatched(desk: Desk) -> None:
    desk.watches = (replace(WATCH, any=("earthquake",)),)
    summary = desk.summary()
    assert summary.unmatched == ("c1", "r1")
    assert summary.counts.matched == 0


def test_irrelevant_entries_that_were_alerted_are_false(desk: Desk) -> None:
    desk.listings.append(desk.listing("n1", Disposition.ALERTED))
    assert desk.summary().false == ("n1",)


def test_a_headline_that_changed_on_the_way_is_garbled(desk: Desk) -> None:
    desk.reports["r1"] = replace(desk.reports["r1"], title="Ð¡urfew begins")
    assert desk.summary().garbled == ("r1",)


def test_entries_are_found_by_path_whatever_became_of_host_and_parameters(make: Any) -> None:
    entries = [make.entry("r1", 10), make.entry("r2", 10, of="horn")]
    path = entries[0].path
    rows = [
        ("bell", f"http://www.bell.example:8080{path}?utm_campaign=x", "R1"),
        ("bell", f"https://bell.example{entries[1].path}", "R2"),
        ("bell", None, "R3"),
    ]
    assert reports_by_entry(entries, rows) == {"r1": "R1"}


@pytest.mark.parametrize(
    ("watch", "wanted"),
    [
        (replace(WATCH, routes=("night",)), ["night"]),
        (replace(WATCH, name="fuel"), ["fuel-only"]),
        (WATCH, ["default"]),
    ],
)
def test_routes_of_a_watch(watch: Watch, wanted: list[str]) -> None:
    routes = (
        ROUTE,
        Route(name="night", channels=("mail",), watches=("other",)),
        Route(name="fuel-only", channels=("mail",), watches=("fuel",)),
    )
    assert [route.name for route in routes_of(watch, routes)] == wanted


def test_percentiles_are_nearest_ranks() -> None:
    assert spread(timedelta(seconds=n) for n in range(1, 101)) == Latency(count=100, p50=50.0, p99=99.0, max=100.0)
    assert spread([]) == Latency(count=0, p50=0.0, p99=0.0, max=0.0)
    assert spread([timedelta(seconds=5)]).p50 == 5.0


def test_a_fault_disturbs_only_what_it_can_delay(make: Any) -> None:
    def disturbed(fault: Any) -> bool:
        return is_disturbed(make.scenario(faults=(fault,)), "bell", make.at(10), make.at(20))

    def outage(outlet: str, start: float, end: float) -> PublisherFault:
        return PublisherFault(kind=Misbehaviour.OUTAGE, outlets=(outlet,), start=make.at(start), end=make.at(end))

    assert disturbed(outage("bell", 15, 30))
    assert not disturbed(outage("horn", 15, 30))
    assert not disturbed(outage("bell", 0, 10))
    assert not disturbed(outage("bell", 21, 30))
    assert disturbed(ReceiverFault(channel="email", start=make.at(5), end=make.at(12)))
    assert disturbed(Stop(start=make.at(19), end=make.at(25)))
    assert disturbed(Kill(moments=(make.at(1), make.at(15))))
    assert not disturbed(Kill(moments=(make.at(1),)))


def test_a_result_is_json_and_fails_on_losses_and_unexcused_repetitions(desk: Desk, tmp_path: Path) -> None:
    def result(summary: Any, kills: int = 0) -> ReplayResult:
        return ReplayResult(
            scenario="small",
            title="A small one",
            zone="Asia/Almaty",
            start=desk.make.at(0),
            end=desk.make.at(60),
            summary=summary,
            out=tmp_path,
            took=timedelta(seconds=2),
            requests=7,
            refused=0,
            kills=kills,
            starts=kills + 1,
            orphans=0,
            seed=1,
            left_out=(),
        )

    clean = desk.summary()
    read = json.loads(json.dumps(result(clean).as_json()))
    assert read["run"]["failed"] is False
    assert read["counts"]["matched"] == 2
    assert read["alerts"][0]["entries"] == ["r1"]
    assert read["deliveries"][0]["arrived"] == ["2022-01-05T06:13:00+00:00"]
    assert read["latency"]["all"]["max"] == 240.0

    lost = replace(clean, counts=replace(clean.counts, lost=1))
    resent = replace(clean, counts=replace(clean.counts, repeated=SENDER_SLOTS, resent=SENDER_SLOTS))
    too_often = replace(clean, counts=replace(clean.counts, repeated=SENDER_SLOTS + 1, resent=SENDER_SLOTS + 1))
    told_twice = replace(clean, counts=replace(clean.counts, repeated=1))
    assert result(lost).failed
    assert result(resent).failed
    assert not result(resent, kills=1).failed
    assert result(too_often, kills=1).failed
    assert result(told_twice, kills=100).failed
