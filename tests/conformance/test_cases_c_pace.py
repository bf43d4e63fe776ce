"""Conformance cases 30-38 and 42-50: freshness and pace, as far as one feed shows it; the rest is in test_cases_c_hosts.py."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from conformance.desk import Desk, days, hours, minutes, page, seconds
from support.http_server import reply

from monitor.model import FailureKind

PACE = minutes(5)
"""Of the desk's feed; its floor is a minute."""


def rest_after(desk: Desk, headers: dict[str, str] | list[tuple[str, str]], **feed: object) -> timedelta:
    """Return how long the feed rests after a document that came with these headers."""
    desk.feed(**feed)
    lines = list(headers.items()) if isinstance(headers, dict) else headers
    desk.serve(reply(200, page("a"), [("ETag", '"1"'), *lines]))
    desk.poll()
    return desk.rest()


def rest_with(desk: Desk, channel: str, **feed: object) -> timedelta:
    """Return how long the feed rests after a document that says this about itself."""
    desk.feed(**feed)
    desk.serve(reply(200, page("a", channel=channel), {"ETag": '"1"'}), reply(304))
    desk.poll()
    rest = desk.rest()
    desk.poll()
    assert desk.rest() >= PACE
    return rest


# --- headers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 304])
def test_case_030_max_age_less_age_is_waited_also_after_a_304(desk: Desk, status: int) -> None:
    fresh = {"ETag": '"1"', "Cache-Control": "public, max-age=3600", "Age": "600"}
    desk.serve(reply(200, page("a"), {"ETag": '"1"'}), reply(status, page("a") if status == 200 else b"", fresh))
    desk.polls(2)
    assert desk.rest() == seconds(3000)


@pytest.mark.parametrize(
    ("lines", "rest"),
    [
        (['max-age="600"'], seconds(600)),
        (["MAX-AGE=600"], seconds(600)),
        (["max-age=600, max-age=1"], seconds(600)),
        (["max-age=600", "max-age=1"], seconds(600)),
        (["public", "max-age=600"], seconds(600)),
        (["max-age=abc"], PACE),
        (["max-age=-1"], PACE),
        (["max-age=600.5"], PACE),
        (["max-age=99999999999"], hours(24)),
    ],
)
def test_case_031_max_age_is_read_as_written_by_anyone(desk: Desk, lines: list[str], rest: timedelta) -> None:
    assert rest_after(desk, [("Cache-Control", line) for line in lines]) == rest


def test_case_032_what_shared_caches_may_do_means_nothing(desk: Desk) -> None:
    assert rest_after(desk, {"Cache-Control": "s-maxage=7200, max-age=600"}) == seconds(600)


def test_case_033_no_cache_means_no_freshness(desk: Desk) -> None:
    assert rest_after(desk, {"Cache-Control": "no-cache, max-age=3600"}) == PACE


def test_case_034_stale_directives_change_no_pace_and_an_error_no_state(desk: Desk) -> None:
    said = "max-age=600, stale-while-revalidate=86400, stale-if-error=86400"
    desk.serve(reply(200, page("a"), {"ETag": '"1"', "Cache-Control": said}), reply(500), reply(304))
    desk.poll()
    assert desk.rest() == seconds(600)
    before = desk.state()
    desk.poll()
    after = desk.state()
    assert (after.known, after.validators, after.entries) == (before.known, before.validators, 1)
    desk.poll()
    assert desk.sent("if-none-match")[2] == '"1"'


@pytest.mark.parametrize(
    ("headers", "rest"),
    [
        ({"Date": "Tue, 01 Jan 2019 10:00:00 GMT", "Expires": "Tue, 01 Jan 2019 11:00:00 GMT"}, hours(1)),
        ({"Date": "Tue, 01 Jan 2019 10:00:00 GMT", "Expires": "Tuesday, 01-Jan-19 10:30:00 GMT"}, minutes(30)),
        (
            {
                "Date": "Tue, 01 Jan 2019 10:00:00 GMT",
                "Expires": "Tue, 01 Jan 2019 11:00:00 GMT",
                "Cache-Control": "max-age=600",
            },
            minutes(10),
        ),
        ({"Date": "Tue, 01 Jan 2019 10:00:00 GMT", "Expires": "Tue, 01 Jan 2019 09:00:00 GMT"}, PACE),
        ({"Expires": "0"}, PACE),
        ({"Expires": "-1"}, PACE),
        ({"Expires": "soon"}, PACE),
    ],
)
def test_case_035_expires_counts_from_the_servers_own_clock(
    desk: Desk, headers: dict[str, str], rest: timedelta
) -> None:
    assert rest_after(desk, headers) == rest


def test_case_036_a_year_of_freshness_is_capped(desk: Desk) -> None:
    year = {"Cache-Control": "max-age=31536000, immutable"}
    assert rest_after(desk, year) == hours(24)
    desk.house.empty()
    assert rest_after(desk, year, cap=hours(6)) == hours(6)


@pytest.mark.parametrize("age", ["0", "5"])
def test_case_037_our_own_floor_holds_whatever_a_server_allows(desk: Desk, age: str) -> None:
    assert rest_after(desk, {"Cache-Control": f"max-age={age}"}, pace=minutes(15), floor=minutes(15)) == minutes(15)
    for names in (
        "cb",
        "ed",
        "gf",
    ):  # a feed that moves too fast for its pace is polled faster, but not below the floor
        desk.serve(reply(200, page(names), {"ETag": f'"{names}"', "Cache-Control": f"max-age={age}"}))
        desk.poll()
        assert desk.rest() >= minutes(15)


@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.999])
def test_case_038_never_early_jitter_is_only_added(desk: Desk, jitter: float) -> None:
    desk.serve(reply(200, page("a"), {"ETag": '"1"', "Cache-Control": "max-age=3600"}), reply(304), reply(503))
    for least in (hours(1), hours(1), PACE):  # a 304 that says nothing of it leaves the max-age in force
        desk.poll(jitter=jitter)
        assert least <= desk.rest() <= least + seconds(15)


def test_case_042_the_change_of_a_zone_changes_no_interval(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Almaty")
    time.tzset()
    try:
        desk.house.time[0] = datetime(2024, 2, 29, 18, 30, tzinfo=UTC)  # half an hour before UTC+6 became UTC+5
        desk.house.empty_store()
        desk.feed()
        desk.serve(reply(200, page("a"), {"ETag": '"1"'}), reply(304))
        desk.polls(13)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert {later - earlier for earlier, later in pairwise(desk.times())} == {PACE}


# --- the document's own words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ttl", "rest"),
    [("60", hours(1)), (" 90 ", minutes(90)), *((junk, PACE) for junk in ("0", "-5", "1.5", "", "abc", "&lt;5"))],
)
def test_case_046_ttl_is_the_least_that_is_waited(desk: Desk, ttl: str, rest: timedelta) -> None:
    assert rest_with(desk, f"<ttl>{ttl}</ttl>") == rest


def skip_hours(*hours_: object) -> str:
    return "<skipHours>" + "".join(f"<hour>{hour}</hour>" for hour in hours_) + "</skipHours>"


@pytest.mark.parametrize(
    ("listed", "until"),
    [
        ((12, 13), hours(2)),
        (("12", "13", "14", "99"), hours(3)),
        ((24,), PACE),
        ((0, 1), PACE),
        (("25", "-1", "12.5", ""), PACE),
        (range(24), PACE),
        (range(1, 25), PACE),
    ],
)
def test_case_047_no_poll_in_hours_that_the_publisher_skips(desk: Desk, listed: list[object], until: timedelta) -> None:
    assert rest_with(desk, skip_hours(*listed)) == until


def test_case_047_hour_24_is_midnight(desk: Desk) -> None:
    desk.advance(hours(12) - minutes(2))
    assert rest_with(desk, skip_hours(24)) == hours(1) + minutes(2)


@pytest.mark.parametrize("channel", [skip_hours(12, 13), "<ttl>60</ttl>", "<skipDays><day>Wednesday</day></skipDays>"])
def test_case_047_a_crisis_desk_may_turn_hints_off_for_a_feed(desk: Desk, channel: str) -> None:
    assert rest_with(desk, channel, hints=False) == PACE


WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@pytest.mark.parametrize(
    ("listed", "until"),
    [
        (("Wednesday",), hours(12)),
        (("wednesday", "Thursday"), hours(36)),
        (("Thursday",), PACE),
        (("Mittwoch", "Wed", "3", ""), PACE),
        (WEEK, PACE),
    ],
)
def test_case_048_no_poll_on_days_that_the_publisher_skips(desk: Desk, listed: list[str], until: timedelta) -> None:
    channel = "<skipDays>" + "".join(f"<day>{day}</day>" for day in listed) + "</skipDays>"
    assert rest_with(desk, channel) == until


SY = 'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'


@pytest.mark.parametrize(
    ("period", "frequency", "rest"),
    [
        ("hourly", "2", minutes(30)),
        ("hourly", None, hours(1)),
        ("daily", "4", hours(6)),
        ("daily", "1", hours(24)),
        *(("hourly", junk, PACE) for junk in ("0", "0.1", "-1", "often")),
        ("hourly", "", hours(1)),
        *((word, "1", PACE) for word in ("minutely", "always", "dayly", "")),
    ],
)
def test_case_049_the_syndication_module_gives_a_hint(
    desk: Desk, period: str, frequency: str | None, rest: timedelta
) -> None:
    times = "" if frequency is None else f"<sy:updateFrequency {SY}>{frequency}</sy:updateFrequency>"
    assert rest_with(desk, f"<sy:updatePeriod {SY}>{period}</sy:updatePeriod>{times}") == rest


# --- what the feed shows ----------------------------------------------------------------------------------------------


def test_case_050_no_overlap_halves_the_interval_and_records_a_gap_and_duplicates_let_it_grow(desk: Desk) -> None:
    editions = ["dcba", "hgfe", "lkji", "ponm", "tsrq"]
    desk.serve(*(reply(200, page(names), {"ETag": f'"{names}"'}) for names in editions), reply(304))
    desk.poll()
    rests = [desk.rest()]
    for _ in editions[1:]:
        desk.poll()
        rests.append(desk.rest())
    assert rests == [PACE, PACE / 2, PACE / 4, minutes(1), minutes(1)]
    state = desk.state()
    assert state.gaps == 4
    assert "may be missing" in (state.gap or "")
    grown = list[timedelta]()
    while desk.rest() < PACE:
        desk.poll()
        grown.append(desk.rest())
    assert len(grown) > 4
    assert all(later <= earlier * 1.3 for earlier, later in pairwise([minutes(1), *grown]))


def test_case_050_a_failure_is_no_sign_of_a_fast_feed(desk: Desk) -> None:
    desk.serve(reply(200, page("ba"), {"ETag": '"1"'}), reply(500), reply(200, page("cba"), {"ETag": '"2"'}))
    desk.polls(2)
    assert desk.failure().kind is FailureKind.SERVER_ERROR
    desk.poll()
    assert (desk.state().gaps, desk.rest()) == (0, PACE)


def test_case_041_and_nothing_is_owed_for_missed_polls(desk: Desk) -> None:
    desk.serve(reply(200, page("a"), {"ETag": '"1"'}), reply(304))
    desk.poll()
    desk.advance(days(1))
    desk.poll()
    assert desk.rest() == PACE
