"""The trial: it decides as the service does, tells nobody, and its memory ends with the retention."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.fake_channel import FakeChannel

from monitor.alerts.policy import Rules
from monitor.alerts.render import Renderer
from monitor.model import (
    ChangeKind,
    DevelopmentKind,
    Disposition,
    Entry,
    Feed,
    IntakeEntry,
    Listing,
    PollResult,
    Report,
    Route,
    Severity,
    Watch,
)
from monitor.pipeline import Memory, Setup, backtest, deciding
from monitor.pipeline.backtest import Trial, Verdict, stored_entry
from monitor.store import SqlStore, open_store
from monitor.watches import compile_watches

NOW = datetime(2022, 1, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FEEDS = {
    name: Feed(id=name, name=name.title(), url=f"https://{name}.example/rss", situation="kz", outlet=name)
    for name in ("herald", "wire")
}
WATCHES = (
    Watch(name="unrest", title="Unrest", any=("protest", "rally"), severity=Severity.WARNING),
    Watch(name="killed", title="Killed", any=("killed",), routes=("night",)),
)
LONG = "A crowd gathered on the square in the morning and asked for the government to step down at once."


def a_setup() -> Setup:
    return Setup(
        situation="kz",
        situation_name="Kazakhstan",
        zone="Asia/Almaty",
        feeds=FEEDS,
        watches=compile_watches(WATCHES),
        rules=Rules(
            situation="kz",
            watches={watch.name: watch for watch in WATCHES},
            routes=(
                Route(name="desk", channels=("fake",)),
                Route(name="night", channels=("fake",), watches=("killed",), min_severity=Severity.CRITICAL),
            ),
            alert_window=timedelta(hours=24),
            operator_route="desk",
        ),
        channels={"fake": FakeChannel()},
        renderer=Renderer(None),
    )


def intake(number: int, title: str, feed: str = "herald", at: datetime = NOW, **given: Any) -> IntakeEntry:
    known = {"guid": f"guid-{number}", "link": f"https://{feed}.example/article/{number:05}", "summary": ""}
    return IntakeEntry(
        seq=number,
        situation="kz",
        feed_id=feed,
        entry=Entry(title=title, published=at, **{**known, **given}),
        seen_at=at,
        baseline=False,
        covered_from=None,
        document_id=None,
    )


SITUATION = (
    intake(1, "Protest in Zhanaozen over the gas price", summary=LONG),
    intake(2, "Weather for the week", at=NOW + HOUR),
    intake(3, "Protest in Zhanaozen over the gas price", "wire", summary=LONG, at=NOW + HOUR),
    intake(4, "Ten killed in Almaty", at=NOW + HOUR),
    replace(intake(1, "Protest in Zhanaozen over gas price grows", summary=f"{LONG} More.", at=NOW + 2 * HOUR), seq=5),
    replace(intake(2, "Weather for the week", at=NOW + 2 * HOUR), seq=6),
)


@pytest.fixture
def store() -> Iterator[SqlStore]:
    opened = open_store("sqlite://")
    opened.migrate()
    yield opened
    opened.close()


def decided(store: SqlStore, entries: Sequence[IntakeEntry], retention: timedelta = 30 * 24 * HOUR) -> list[Verdict]:
    return list(Trial(store, a_setup(), retention).decide(entries))


def test_each_entry_comes_with_what_it_is_what_wants_it_and_what_became_of_it(store: SqlStore) -> None:
    first, weather, copy, killed, edited, same = decided(store, SITUATION)
    assert (first.change, first.development) == (ChangeKind.NEW, DevelopmentKind.NEW_STORY)
    assert [match.watch for match in first.matches] == ["unrest"]
    assert [reason.surface for match in first.matches for reason in match.reasons] == ["Protest"]
    assert [(each.route, each.disposition) for each in first.listings] == [("desk", Disposition.ALERTED)]
    assert [(each.route, each.severity) for each in first.alerts] == [("desk", Severity.WARNING)]
    assert (weather.development, weather.matches, weather.listings) == (DevelopmentKind.NEW_STORY, (), ())
    assert (copy.development, copy.report.story_id) == (DevelopmentKind.COPY, first.report.story_id)
    assert ([each.disposition for each in copy.listings], copy.alerts) == ([Disposition.COPY], ())
    assert [(each.route, each.disposition) for each in killed.listings] == [("night", Disposition.BELOW)]
    assert (edited.change, edited.development) == (ChangeKind.REVISED, DevelopmentKind.REVISION)
    assert ([match.version for match in edited.matches], edited.listings, edited.alerts) == ([2], (), ())
    assert (same.change, same.development, same.matches) == (ChangeKind.SAME, None, ())


def test_it_decides_as_the_service_does(store: SqlStore) -> None:
    feeds = list(FEEDS.values())
    store.sync_feeds("kz", feeds, NOW, dict.fromkeys(FEEDS, NOW))
    setup, memory = a_setup(), Memory()
    for each in SITUATION:
        store.poll_now([each.feed_id], each.seen_at)
        for state in store.claim_due_feeds("kz", each.seen_at, 10, HOUR):
            after = replace(state, lease=None, filled=True)
            entries = (each.entry,) if state.feed_id == each.feed_id else ()
            store.save_polls([PollResult(state=after, lease=state.lease or "", at=each.seen_at, entries=entries)])
        assert deciding.decide(store, memory, setup, each.seen_at).entries == 1
    own = open_store("sqlite://")
    own.migrate()
    verdicts = decided(own, SITUATION)
    assert {alert.id for verdict in verdicts for alert in verdict.alerts} == {a.id for a in store.alerts(limit=10)}
    assert _told(store.listings()) == _told(each for verdict in verdicts for each in verdict.listings)
    for verdict in verdicts[-2:]:
        assert store.report(verdict.report.id) == verdict.report
    assert not own.deliveries(limit=10)
    assert store.deliveries(limit=10)
    own.close()


def _told(listings: Iterable[Listing]) -> set[tuple[str, str, str, Disposition]]:
    return {(each.match.report_id, each.match.watch, each.route, each.disposition) for each in listings}


def test_how_entries_fall_into_decisions_changes_nothing(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = decided(store, SITUATION)
    monkeypatch.setattr(deciding, "BUDGET", timedelta(seconds=-1))
    other = open_store("sqlite://")
    other.migrate()
    assert [_timeless(verdict) for verdict in decided(other, SITUATION)] == [_timeless(verdict) for verdict in whole]
    other.close()


def _timeless(verdict: Verdict) -> Verdict:
    """A verdict without the time of the decision, which is its batch's."""
    listings = tuple(replace(each, at=NOW) for each in verdict.listings)
    return replace(verdict, listings=listings, alerts=tuple(replace(each, at=NOW) for each in verdict.alerts))


def test_what_is_beyond_the_retention_is_pruned(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtest, "PRUNED", 1)
    trial = Trial(store, a_setup(), 48 * HOUR)
    list(trial.decide(SITUATION))
    assert store.counts("kz")["reports"] == 4
    later = intake(9, "Rally in Aktau", at=NOW + 100 * HOUR)
    (verdict,) = trial.decide([later])
    assert [match.watch for match in verdict.matches] == ["unrest"]
    assert store.counts("kz")["reports"] == 1
    (again,) = trial.decide([intake(1, "Protest in Zhanaozen", at=NOW + 101 * HOUR)])
    assert (again.change, again.matches, again.development) == (ChangeKind.BURIED, (), None)


def test_a_report_of_a_feed_that_is_not_configured_is_decided_too(store: SqlStore) -> None:
    (verdict,) = decided(store, [intake(1, "Rally in Aktau", "elsewhere")])
    assert (verdict.report.source, verdict.report.outlet, len(verdict.alerts)) == ("elsewhere", "elsewhere", 1)


def test_a_stored_report_is_decided_as_it_is_stored(store: SqlStore) -> None:
    report = Report(
        id="r1stored", situation="kz", feed_id="wire", outlet="wire", source="Through Wire", grade=None, title="Rally",
        text="In Aktau", link="https://else.example/1", author="A. B.", language="ru",
        published=NOW - HOUR, seen_at=NOW, version=3,
    )  # fmt: skip
    entry = stored_entry(7, report)
    assert (entry.seq, entry.entry.guid, entry.seen_at) == (7, "r1stored", NOW)
    (verdict,) = decided(store, [entry])
    kept = ("feed_id", "outlet", "source", "title", "text", "link", "author", "published", "seen_at")
    assert {name: getattr(verdict.report, name) for name in kept} == {name: getattr(report, name) for name in kept}
