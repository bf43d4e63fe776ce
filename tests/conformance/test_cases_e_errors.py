"""Conformance cases 61-69, 72, 74-76: answers that are errors. Faults: test_cases_e_faults.py."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from conformance.desk import Desk, days, hours, minutes, page, seconds
from conformance.running import watching
from support.http_server import Answer, reply

from monitor.feeds import health
from monitor.feeds.fetch import HttpFetcher
from monitor.model import FailureKind

GOOD = reply(200, page("a"), {"ETag": '"1"'})


def busy(status: int = 429, wait: str | None = None, **more: str) -> Answer:
    return reply(status, b"", {**({} if wait is None else {"Retry-After": wait}), **more})


# --- throttling -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jitter", [0.0, 0.99])
def test_case_061_a_429_with_retry_after_is_obeyed_and_jitter_only_adds(desk: Desk, jitter: float) -> None:
    desk.serve(GOOD, busy(wait="7200"), reply(304))
    desk.poll()
    desk.poll(jitter=jitter)
    assert hours(2) <= desk.rest() <= hours(2) + seconds(15)
    desk.poll()
    first, second, third = desk.times()
    assert (second - first, third - second >= hours(2)) == (minutes(5), True)


def test_case_061_a_short_retry_after_is_a_lower_bound_too(desk: Desk) -> None:
    desk.feed(pace=minutes(1))
    desk.serve(busy(wait="120"))
    assert desk.rests(1)[0] >= seconds(120)


@pytest.mark.parametrize(
    ("value", "rest"),
    [
        ("7200", hours(2)),
        ("Wed, 05 Jan 2022 14:00:00 GMT", hours(2)),
        ("Wednesday, 05-Jan-22 14:00:00 GMT", hours(2)),
        ("Wed Jan  5 14:00:00 2022", hours(2)),
        ("Fri, 07 Jan 2022 23:59:59 GMT", hours(24)),
        ("999999999", hours(24)),
        ("Tue, 04 Jan 2022 14:00:00 GMT", None),
        ("-5", None),
        ("1e9", None),
        ("abc", None),
        ("", None),
    ],
)
def test_case_062_retry_after_is_seconds_or_a_date_and_junk_is_our_own_back_off(
    desk: Desk, value: str, rest: timedelta | None
) -> None:
    desk.serve(busy(wait=value, Date="Wed, 05 Jan 2022 12:00:00 GMT"))
    assert desk.rests(1) == [rest or minutes(10)]


def test_case_062_a_date_counts_from_the_answers_own_date(desk: Desk) -> None:
    desk.serve(busy(wait="Sat, 01 Jan 2000 05:00:00 GMT", Date="Sat, 01 Jan 2000 02:00:00 GMT"))
    assert desk.rests(1) == [hours(3)]


def test_case_063_a_429_without_retry_after_doubles_each_time_and_never_gets_faster(desk: Desk) -> None:
    desk.serve(GOOD, busy())
    desk.poll()
    assert desk.rests(8) == [*(minutes(10) * 2**times for times in range(6)), hours(6), hours(6)]


def test_case_064_a_503_with_retry_after_is_a_throttle_and_one_without_an_ordinary_failure(desk: Desk) -> None:
    desk.serve(GOOD, busy(503, "3600"), GOOD, busy(503))
    desk.poll()
    assert desk.rests(1) == [hours(1)]
    assert desk.failure().kind is FailureKind.THROTTLED
    desk.poll()
    assert desk.rests(3) == [minutes(5), minutes(10), minutes(20)]
    assert desk.failure().kind is FailureKind.SERVER_ERROR


def test_case_065_a_429_slows_its_whole_host_and_nobody_else(desk: Desk, tmp_path: Path) -> None:
    desk.serve(busy(wait="1800"), GOOD, path="/a")
    desk.serve(GOOD, path="/b")
    desk.serve(GOOD, path="/c", server=desk.other)
    with watching(desk, tmp_path) as service:
        service.configure({"a": {"path": "/a"}, "b": {"path": "/b"}, "c": {"url": desk.other.url("/c")}})
        service.start()
        service.advance(hours(1))
    told = desk.times("/a")[0]
    after = [time for time in desk.times("/b") if time > told]
    assert min(after) >= told + minutes(30)
    assert len(after) >= 5
    assert len(desk.times("/c", desk.other)) >= 11


def test_case_065_a_503_with_retry_after_on_one_path_slows_that_feed_alone(desk: Desk, tmp_path: Path) -> None:
    desk.serve(busy(503, "1800"), path="/a")
    desk.serve(GOOD, path="/b")
    with watching(desk, tmp_path) as service:
        service.configure({"a": {"path": "/a"}, "b": {"path": "/b"}})
        service.start()
        service.advance(hours(1))
    assert len(desk.times("/b")) >= 11
    first, second = desk.times("/a")[:2]
    assert second - first >= minutes(30)


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_case_066_a_403_where_there_was_a_feed_is_throttling_first_and_a_block_after_some(desk: Desk) -> None:
    desk.serve(GOOD, busy(403))
    desk.poll()
    kinds, found = [], []
    for _ in range(5):
        found += desk.rests(1)
        kinds.append(desk.failure().kind)
    assert kinds == [FailureKind.THROTTLED] * 3 + [FailureKind.BLOCKED] * 2
    assert found == [minutes(5) * 2**times for times in range(1, 6)]


def test_case_067_a_feed_that_is_missing_is_asked_daily_and_comes_back_to_life(desk: Desk) -> None:
    desk.serve(GOOD, *[busy(404)] * 20, reply(200, page("ba")), reply(404), reply(200, page("ba")))
    desk.poll()
    found = desk.rests(20)
    assert (max(found), found[-1]) == (hours(24), hours(24))
    desk.poll()
    assert (desk.titles(), desk.state().failures, desk.rest() <= minutes(5)) == ("b", 0, True)
    assert desk.rests(2) == [minutes(5), minutes(5)]


def test_case_068_gone_is_made_sure_of_then_asked_weekly_for_a_month_and_told(desk: Desk) -> None:
    desk.serve(GOOD, busy(410))
    desk.poll()
    found = desk.rests(9)
    assert found == [hours(12), hours(12), *[days(7)] * 5, days(30), days(30)]
    kind, words = health.describe_state(desk.state(), desk.feeds["news"], desk.now())
    assert kind == "failing"
    assert "gone for good (410)" in words
    assert "Remove the feed" in words


def test_case_068_a_feed_that_was_said_to_be_gone_is_taken_again(desk: Desk) -> None:
    desk.serve(GOOD, *[busy(410)] * 3, reply(200, page("ba")))
    desk.polls(5)
    assert (desk.titles(), desk.state().failure, desk.rest()) == ("b", None, minutes(5))


@pytest.mark.parametrize(("status", "said"), [(401, "WWW-Authenticate"), (407, "Proxy-Authenticate")])
def test_case_069_no_credentials_are_tried_and_nothing_is_repeated(desk: Desk, status: int, said: str) -> None:
    desk.serve(GOOD, reply(status, b"", {said: 'Basic realm="news"'}))
    desk.poll()
    found = desk.rests(4)
    assert desk.failure().kind is FailureKind.UNAUTHORIZED
    assert found == sorted(found)
    assert found[0] >= minutes(10)
    assert len(desk.requests) == 5
    assert all({"authorization", "proxy-authorization"}.isdisjoint(request.names()) for request in desk.requests)
    assert "authorization" in health.describe_state(desk.state(), desk.feeds["news"], desk.now())[1]


# --- statuses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (299, None),
        (471, FailureKind.UNEXPECTED_STATUS),
        (599, FailureKind.SERVER_ERROR),
        (999, FailureKind.UNEXPECTED_STATUS),
        (399, FailureKind.REDIRECT),
    ],
)
def test_case_072_unknown_statuses_count_by_their_class(desk: Desk, status: int, kind: FailureKind | None) -> None:
    desk.serve(reply(status, page("a")))
    desk.poll()
    failure = desk.state().failure
    assert (failure.kind if failure else None, desk.waiting()) == (kind, 0 if kind else 1)


def test_case_074_a_failed_request_is_not_repeated_and_the_next_one_is_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = HttpFetcher(desk.house.http)
    monkeypatch.setattr("conformance.desk.HttpFetcher", lambda *_, **__: one)
    desk.serve(reply(500))
    rested = desk.rests(3)
    assert [second - first for first, second in pairwise(desk.times())] == rested[:2]
    assert len({request.headers for request in desk.requests}) == 1


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (206, {"Content-Range": "bytes 0-99/1000"}, FailureKind.UNEXPECTED_STATUS),
        (226, {"IM": "feed"}, FailureKind.UNEXPECTED_STATUS),
        (203, {}, None),
        (204, {}, FailureKind.EMPTY),
    ],
)
def test_case_075_parts_that_nobody_asked_for_are_errors_and_a_203_is_taken(
    desk: Desk, status: int, headers: dict[str, str], kind: FailureKind | None
) -> None:
    desk.serve(reply(status, b"" if status == 204 else page("a"), headers))
    desk.poll()
    failure = desk.state().failure
    assert (failure.kind if failure else None, desk.waiting()) == (kind, 0 if kind else 1)


@pytest.mark.parametrize("body", [b"<!doctype html><title>Just a moment...</title>", page("z")], ids=["page", "feed"])
def test_case_076_a_bot_check_is_a_failure_of_its_own_and_is_not_read(desk: Desk, body: bytes) -> None:
    desk.serve(GOOD, reply(403, body, {"cf-mitigated": "challenge", "Content-Type": "text/html"}))
    desk.polls(2)
    assert desk.failure().kind is FailureKind.CHALLENGE
    assert "browsers" in desk.failure().reason
    assert (desk.waiting(), desk.rest()) == (1, minutes(10))
