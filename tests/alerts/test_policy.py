"""The policy as a table and as laws: nothing wanted is without a listing, nothing is told twice, ids come from content."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import law
from support.values import HOUR, KZ, NOW, entry, match, report

from monitor.alerts.policy import Rules, Told, is_older, judge, plain_alert, story_alert_id
from monitor.model import (
    Alert,
    AlertKind,
    Change,
    ChangeKind,
    Development,
    DevelopmentKind,
    Disposition,
    IntakeEntry,
    Listing,
    Report,
    Route,
    Severity,
    Watch,
)

WINDOW = 48 * HOUR
NOBODY = Told(alerts={}, listed=frozenset())


def watch(name: str, **given: Any) -> Watch:
    return Watch(**{"name": name, "title": name.title(), "any": ("газ",), **given})


def rules(*routes: Route, watches: tuple[Watch, ...] = (watch("unrest"),)) -> Rules:
    named = {known.name: known for known in watches}
    return Rules(situation=KZ, watches=named, routes=routes, alert_window=WINDOW, operator_route="desk")


def change(of: Report, kind: ChangeKind = ChangeKind.NEW, **given: Any) -> Change:
    known = {"seq": 1, "situation": KZ, "feed_id": "tengri", "entry": entry(), "seen_at": NOW, "baseline": False}
    intake = IntakeEntry(**{**known, "covered_from": NOW - HOUR / 12, "document_id": None, **given})
    return Change(kind=kind, intake=intake, report=of, keys=("k",))


def judged(
    of: Report,
    told: Told,
    by: Rules,
    kind: ChangeKind = ChangeKind.NEW,
    watches: tuple[str, ...] = ("unrest",),
    **given: Any,
) -> tuple[tuple[Listing, ...], tuple[Alert, ...]]:
    new = DevelopmentKind.NEW_STORY if kind is ChangeKind.NEW else DevelopmentKind.REVISION
    development = Development(kind=new, story_id=of.story_id or "s1", report=of, sources=("Tengrinews", "Zakon"))
    matches = [match(of.id, name) for name in watches]
    return judge(change(of, kind, **given), development, matches, told, by, NOW)


# --- the table ---------------------------------------------------------------------------------------------------------

DESK = Route(name="desk", channels=("mail",))
NIGHT = Route(name="night", channels=("sms",))


def verdict(kind: ChangeKind, *, told: bool, older: bool, below: bool) -> Disposition:
    """What the product promises, in one sentence per line."""
    if older:
        return Disposition.OLDER
    if below:
        return Disposition.BELOW
    if told:
        return Disposition.COPY if kind is ChangeKind.NEW else Disposition.REVISED
    return Disposition.ALERTED


@pytest.mark.parametrize(
    ("kind", "told", "older", "below", "routes"),
    list(
        product(
            (ChangeKind.NEW, ChangeKind.REVISED),
            (False, True),
            (False, True),
            (False, True),
            ((), (DESK,), (DESK, NIGHT)),
        )
    ),
)
def test_every_match_gets_one_listing_per_route_with_what_became_of_it(
    kind: ChangeKind, told: bool, older: bool, below: bool, routes: tuple[Route, ...]
) -> None:
    by = rules(*(replace(route, min_severity=Severity.WARNING) for route in routes), watches=(
        watch("unrest", severity=Severity.NOTICE if below else Severity.WARNING), watch("fuel", severity=Severity.INFO),
    ))  # fmt: skip
    of = report(published=NOW - (72 * HOUR if older else HOUR))
    before = Told(alerts={("s1", route.name): f"alert-{route.name}" for route in routes if told}, listed=frozenset())
    listings, alerts = judged(of, before, by, kind, ("unrest", "fuel"))
    expected = verdict(kind, told=told, older=older, below=below)
    assert [(listing.match.watch, listing.route, listing.disposition, listing.at) for listing in listings] == [
        (name, route.name, expected, NOW) for route in routes for name in ("unrest", "fuel")
    ]
    assert len(alerts) == (len(routes) if expected is Disposition.ALERTED else 0)
    made = {alert.route: alert.id for alert in alerts}
    for listing in listings:
        assert listing.alert_id == (made.get(listing.route) or before.alerts.get(("s1", listing.route)))


def test_an_alert_says_what_why_and_from_whom() -> None:
    by = rules(DESK, watches=(watch("unrest", severity=Severity.WARNING), watch("fuel", severity=Severity.CRITICAL)))
    of = report(title="Газ подорожал")
    _, (alert,) = judged(of, NOBODY, by, watches=("unrest", "fuel"))
    assert alert == Alert(
        id=story_alert_id(KZ, "desk", "s1"),
        kind=AlertKind.STORY,
        situation=KZ,
        route="desk",
        severity=Severity.CRITICAL,
        at=NOW,
        headline="Газ подорожал",
        reason="new_story",
        report=of,
        story_id="s1",
        matches=(match("r1", "unrest"), match("r1", "fuel")),
        watch_titles={"unrest": "Unrest", "fuel": "Fuel"},
        sources=("Tengrinews", "Zakon"),
    )


def test_a_later_version_that_a_watch_wants_for_the_first_time_is_told_with_its_reason() -> None:
    _, (alert,) = judged(report(version=2), NOBODY, rules(DESK), ChangeKind.REVISED)
    assert alert.reason == "newly_matched"


def test_what_was_listed_is_not_listed_again_and_only_the_rest_is_told() -> None:
    by = rules(DESK, NIGHT, watches=(watch("unrest"), watch("fuel")))
    before = Told(
        alerts={("s1", "desk"): "a0"},
        listed=frozenset({("r1", "unrest", "desk"), ("r1", "fuel", "desk"), ("r1", "unrest", "night")}),
    )
    listings, (alert,) = judged(report(version=2), before, by, ChangeKind.REVISED, ("unrest", "fuel"))
    assert [(listing.match.watch, listing.route) for listing in listings] == [("fuel", "night")]
    assert [found.watch for found in alert.matches] == ["fuel"]


def test_one_watch_that_reaches_the_routes_severity_takes_the_others_along() -> None:
    by = rules(
        replace(DESK, min_severity=Severity.CRITICAL),
        watches=(watch("unrest", severity=Severity.INFO), watch("fuel", severity=Severity.CRITICAL)),
    )
    listings, (alert,) = judged(report(), NOBODY, by, watches=("unrest", "fuel"))
    assert {listing.disposition for listing in listings} == {Disposition.ALERTED}
    assert alert.severity is Severity.CRITICAL


def test_a_watch_that_is_gone_since_is_nowhere() -> None:
    assert judged(report(), NOBODY, rules(DESK), watches=("retired",)) == ((), ())


ROUTING = [
    # routes of the watch, {route: its watches}, where it goes
    ((), {"desk": ()}, ["desk"]),
    ((), {"desk": (), "night": ()}, ["desk", "night"]),
    ((), {"desk": (), "night": ("unrest",)}, ["night"]),
    ((), {"desk": (), "night": ("fuel",)}, ["desk"]),
    (("night",), {"desk": (), "night": ("fuel",)}, ["night"]),
    (("night",), {"desk": ("unrest",), "night": ()}, ["night"]),
    (("night", "desk"), {"desk": (), "night": (), "day": ()}, ["desk", "night"]),
    (("retired",), {"desk": ()}, ["desk"]),
    ((), {"night": ("fuel",)}, []),
    ((), {}, []),
]


@pytest.mark.parametrize(("named", "routes", "expected"), ROUTING)
def test_routes_of_a_watch_are_those_it_names_else_those_that_name_it_else_those_that_name_none(
    named: tuple[str, ...], routes: dict[str, tuple[str, ...]], expected: list[str]
) -> None:
    by = rules(*(Route(name=name, channels=("mail",), watches=watches) for name, watches in routes.items()))
    assert [route.name for route in by.routes_of(watch("unrest", routes=named))] == expected


SECOND = timedelta(seconds=1)
OLDER: list[tuple[dict[str, Any], datetime | None, bool]] = [
    # a first fill: what is older than the window, or does not say when
    ({"baseline": True, "covered_from": None}, None, True),
    ({"baseline": True, "covered_from": None}, NOW - WINDOW - SECOND, True),
    ({"baseline": True, "covered_from": None}, NOW - WINDOW, False),
    ({"baseline": True, "covered_from": None}, NOW, False),
    # later: what says nothing is news, what is older than the window is not
    ({}, None, False),
    ({}, NOW - WINDOW, False),
    ({}, NOW - WINDOW - HOUR, True),
    ({}, NOW + HOUR, False),
    ({"covered_from": None}, NOW - WINDOW - SECOND, True),
    # after a silence: what appeared since the feed was last read is news
    ({"covered_from": NOW - 10 * WINDOW}, NOW - 10 * WINDOW, False),
    ({"covered_from": NOW - 10 * WINDOW}, NOW - 11 * WINDOW, False),
    ({"covered_from": NOW - 10 * WINDOW}, NOW - 11 * WINDOW - SECOND, True),
    ({"covered_from": NOW + HOUR}, NOW - WINDOW - SECOND, True),
    ({"covered_from": NOW + HOUR}, NOW - WINDOW + SECOND, False),
]  # fmt: skip


@pytest.mark.parametrize(("seen", "published", "older"), OLDER)
def test_what_is_too_old_to_be_news(seen: dict[str, Any], published: datetime | None, older: bool) -> None:
    assert is_older(change(report(published=published), **seen), WINDOW) is older


# --- laws --------------------------------------------------------------------------------------------------------------

WATCHES = ("unrest", "fuel", "border")
some_routes = st.lists(
    st.builds(
        Route,
        name=st.sampled_from(["desk", "night", "day"]),
        channels=st.just(("mail",)),
        min_severity=st.sampled_from(Severity),
        watches=st.lists(st.sampled_from(WATCHES), max_size=2, unique=True).map(tuple),
    ),
    max_size=3,
    unique_by=lambda route: route.name,
)
some_watches = st.tuples(
    *(
        st.builds(
            lambda severity, routes, name=name: watch(name, severity=severity, routes=routes),
            st.sampled_from(Severity),
            st.lists(st.sampled_from(["desk", "night"]), max_size=1).map(tuple),
        )
        for name in WATCHES
    )
)
happenings = st.lists(
    st.tuples(
        st.integers(0, 4),  # which report
        st.integers(0, 2),  # its story, when it is new
        st.sets(st.sampled_from(WATCHES)).map(sorted).map(tuple),
        st.sampled_from([None, NOW - HOUR, NOW - 3 * WINDOW]),
        st.booleans(),
    ),
    max_size=12,
)


def run(
    by: Rules, happened: list[tuple[int, int, tuple[str, ...], datetime | None, bool]]
) -> tuple[list[Listing], list[Alert]]:
    """Judge reports and their versions one after the other, remembering as the decider does."""
    told: dict[tuple[str, str], str] = {}
    listings: list[Listing] = []
    alerts: list[Alert] = []
    story_of: dict[int, int] = {}
    for number, story, wanted, published, baseline in happened:
        kind = ChangeKind.REVISED if number in story_of else ChangeKind.NEW
        of = report(f"r{number}", published=published, story_id=f"s{story_of.setdefault(number, story)}")
        listed = frozenset((row.match.report_id, row.match.watch, row.route) for row in listings)
        found = judged(of, Told(alerts=dict(told), listed=listed), by, kind, wanted, baseline=baseline)
        listings += found[0]
        alerts += found[1]
        told |= {(alert.story_id or "", alert.route): alert.id for alert in found[1]}
    return listings, alerts


@law
@given(some_routes, some_watches, happenings)
def test_each_match_has_exactly_one_listing_per_route_and_no_story_is_told_twice_on_one(
    routes: list[Route],
    watches: tuple[Watch, ...],
    happened: list[tuple[int, int, tuple[str, ...], datetime | None, bool]],
) -> None:
    by = rules(*routes, watches=watches)
    listings, alerts = run(by, happened)
    matched = {(f"r{number}", name) for number, _, wanted, _, _ in happened for name in wanted}
    owed = {(of, name, route.name) for of, name in matched for route in by.routes_of(by.watches[name])}
    rows = [(row.match.report_id, row.match.watch, row.route) for row in listings]
    assert len(rows) == len(set(rows))
    assert set(rows) == owed
    told = [(alert.story_id, alert.route) for alert in alerts]
    assert len(told) == len(set(told)) == len({alert.id for alert in alerts})
    ids = {alert.id: alert for alert in alerts}
    for row in listings:
        if row.disposition is Disposition.ALERTED:
            assert row.alert_id in ids
            assert row.match in ids[row.alert_id].matches
    for alert in alerts:
        lowest = next(route.min_severity for route in routes if route.name == alert.route)
        assert alert.severity >= lowest
        assert alert.severity == max(by.watches[found.watch].severity for found in alert.matches)
    assert run(by, happened) == (listings, alerts)


def test_ids_are_made_of_situation_route_and_story_alone() -> None:
    assert story_alert_id(KZ, "desk", "s1") == "a133d15354e2145a670bf53793779bf9"
    assert (
        len(
            {
                story_alert_id(*parts)
                for parts in ((KZ, "desk", "s1"), (KZ, "desk", "s2"), (KZ, "night", "s1"), ("b", "desk", "s1"))
            }
        )
        == 4
    )
    (_, (one,)), (_, (other,)) = (judged(report(name, story_id="s7"), NOBODY, rules(DESK)) for name in ("r1", "r2"))
    assert one.id == other.id


@pytest.mark.parametrize("kind", [AlertKind.TEST, AlertKind.OPERATOR, AlertKind.WATCHING])
def test_an_alert_without_a_report_is_known_by_its_kind_route_and_key(kind: AlertKind) -> None:
    def made(route: str = "desk", key: str = "k", note: str = "note") -> Alert:
        return plain_alert(
            kind, headline="Head", note=note, rules=rules(DESK), route=route, key=key, severity=Severity.NOTICE, now=NOW
        )

    alert = made()
    assert (alert.kind, alert.reason, alert.headline, alert.note, alert.at) == (kind, kind.value, "Head", "note", NOW)
    assert alert.test is (kind is AlertKind.TEST)
    assert (alert.report, alert.story_id, alert.matches) == (None, None, ())
    assert made(note="other words").id == alert.id
    assert len({alert.id, made(route="night").id, made(key="other").id}) == 3
