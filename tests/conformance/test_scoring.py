"""The judge itself: a perfect log has no faults, and each fault shows in its column and in no other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conformance.scoring import COLUMNS, Exchange, Offer, Order, Score, judge

NOON = datetime(2022, 1, 5, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PACE = 15 * MINUTE
AGENT = ("User-Agent", "situation-monitor/1 (+https://desk.example/contact)")
URL, ELSEWHERE = "http://a.example/feed", "http://b.example/feed"
NEWS = Offer(name="news", url=URL, pace=PACE)
LOGIN = "Basic cmVhZGVy"


def get(at: timedelta, *headers: tuple[str, str], status: int = 200, url: str = URL, **answered: str) -> Exchange:
    """A request after so long, and its answer: by default with an ETag; underscores in names stand for hyphens."""
    said = {"etag": '"1"'} if status in {200, 304} and not answered else answered
    lines = tuple((name.replace("_", "-"), value) for name, value in said.items())
    return Exchange(at=NOON + at, url=url, headers=(AGENT, *headers), status=status, answered=lines)


INM = ("If-None-Match", '"1"')
FIRST = get(0 * MINUTE)


def scored(*exchanges: Exchange, offer: Offer = NEWS, more: tuple[Offer, ...] = (), **options: Any) -> Score:
    return judge(exchanges, (offer, *more), **options)


def faults(score: Score) -> dict[str, int]:
    return {column: n for column in COLUMNS if (n := sum(each[column] for each in score.faults.values()))}


GOOD = [FIRST, *(get(number * PACE, INM, status=304) for number in range(1, 90)), get(24 * HOUR)]


def test_a_perfect_reader_gets_zeros_and_one_audit_a_day() -> None:
    score = scored(*GOOD)
    assert (faults(score), score.total(), score.visits["news"], score.not_modified) == ({}, 0, 91, 89)


CACHED = get(0 * MINUTE, etag='"1"', cache_control="max-age=3600", age="600")
EXPIRING = get(0 * MINUTE, etag='"1"', date="Tue, 01 Jan 2019 10:00:00 GMT", expires="Tue, 01 Jan 2019 11:00:00 GMT")
BUSY = get(0 * MINUTE, status=429, retry_after="3600")
DATED = get(0 * MINUTE, status=503, date="Tue, 01 Jan 2019 10:00:00 GMT", retry_after="Tue, 01 Jan 2019 11:00:00 GMT")
AWAY = get(0 * MINUTE, status=302, location=ELSEWHERE)
AWAY_TWICE = replace(AWAY, at=NOON + PACE)
LEADING = replace(NEWS, leads_to=(ELSEWHERE,))
OTHER = Offer(name="other", url="http://a.example/other", pace=PACE)

BAD: list[Any] = [
    pytest.param("unconditional", [FIRST, get(PACE)], {}, id="no condition although there was an ETag"),
    pytest.param("unconditional", [*GOOD, get(24 * HOUR + PACE)], {}, id="two audits in a day"),
    pytest.param("validators", [FIRST, get(PACE, ("If-None-Match", '"2"'))], {}, id="made up ETag"),
    pytest.param("validators", [FIRST, get(PACE, ("If-None-Match", "1"))], {}, id="quotes lost"),
    pytest.param("validators", [FIRST, get(PACE, INM, ("If-Modified-Since", "now"))], {}, id="made up date"),
    pytest.param(
        "validators",
        [get(0 * MINUTE, etag='"1"', last_modified="x"), get(PACE, ("If-Modified-Since", "x"))],
        {},
        id="only one of two",
    ),
    pytest.param(
        "validators", [FIRST, get(PACE, INM, etag='"2"'), get(2 * PACE, INM, status=304)], {}, id="an old ETag"
    ),
    pytest.param(
        "validators",
        [get(0 * MINUTE, etag='"1"', cache_control="no-store"), get(PACE, INM)],
        {},
        id="kept in spite of no-store",
    ),
    pytest.param("early", [FIRST, get(PACE - timedelta(seconds=1), INM, status=304)], {}, id="a second early"),
    pytest.param("max-age", [CACHED, get(49 * MINUTE, INM, status=304)], {}, id="max-age less Age"),
    pytest.param("max-age", [EXPIRING, get(59 * MINUTE, INM, status=304)], {}, id="Expires by the server's clock"),
    pytest.param("max-age", [FIRST, get(59 * MINUTE, INM)], {"offer": replace(NEWS, least=HOUR)}, id="ttl"),
    pytest.param("retry-after", [BUSY, get(59 * MINUTE)], {}, id="429"),
    pytest.param("retry-after", [DATED, get(59 * MINUTE)], {}, id="503 with a date"),
    pytest.param(
        "retry-after", [BUSY, get(20 * MINUTE, url=OTHER.url)], {"more": (OTHER,)}, id="a neighbour during a 429"
    ),
    pytest.param(
        "retry-after",
        [BUSY, get(PACE)],
        {"orders": [Order(at=NOON + MINUTE, feeds=frozenset({"news"}))]},
        id="poll-now during a 429",
    ),
    pytest.param("cookies", [FIRST, get(PACE, INM, ("Cookie", "a=b"))], {}, id="a cookie"),
    pytest.param("referrer", [FIRST, get(PACE, INM, ("Referer", URL))], {}, id="a referrer"),
    pytest.param("referrer", [FIRST, get(PACE, INM, ("Origin", "http://a.example"))], {}, id="an origin"),
    pytest.param("query", [FIRST, get(PACE, INM, url=f"{URL}?_=1")], {}, id="a cache buster"),
    pytest.param("query", [get(PACE)], {"offer": replace(NEWS, url=f"{URL}?x")}, id="a query lost"),
    pytest.param("user agent", [replace(FIRST, headers=())], {}, id="none"),
    pytest.param("user agent", [replace(FIRST, headers=(("User-Agent", "python-httpx/0.28"),))], {}, id="a library"),
    pytest.param("user agent", [replace(FIRST, headers=(("User-Agent", "monitor/1"),))], {}, id="no contact"),
    pytest.param(
        "user agent",
        [FIRST, replace(get(PACE, INM), headers=(("User-Agent", "Other/1 (+https://x.example)"), INM))],
        {},
        id="changing",
    ),
    pytest.param(
        "foreign",
        [FIRST, replace(AWAY_TWICE, headers=(AGENT, INM)), get(PACE, INM, url=ELSEWHERE, etag='"b"')],
        {"offer": LEADING},
        id="validators of another address",
    ),
    pytest.param(
        "foreign",
        [AWAY, get(0 * MINUTE, ("Authorization", LOGIN), url=ELSEWHERE)],
        {"offer": replace(LEADING, credentials=LOGIN)},
        id="credentials of another origin",
    ),
    pytest.param("foreign", [get(0 * MINUTE, ("Authorization", LOGIN))], {}, id="credentials nobody configured"),
    pytest.param(
        "host", [FIRST, get(timedelta(seconds=1), url=OTHER.url)], {"more": (OTHER,)}, id="two feeds of a host"
    ),
]


@pytest.mark.parametrize(("column", "log", "options"), BAD)
def test_a_bad_reader_shows_in_its_column_and_in_no_other(
    column: str, log: list[Exchange], options: dict[str, Any]
) -> None:
    score = scored(*log, **options)
    assert faults(score) == {column: 1}


def test_every_column_has_a_bad_reader() -> None:
    assert {str(each.values[0]) for each in BAD} == set(COLUMNS)


def test_what_was_ordered_is_not_early_but_only_once() -> None:
    ordered = [Order(at=NOON + MINUTE, feeds=frozenset({"news"}))]
    log = [CACHED, get(MINUTE, INM, status=304), get(2 * MINUTE, INM, status=304)]
    assert faults(scored(*log, orders=ordered)) == {"early": 1}


def test_following_a_redirect_is_no_second_visit() -> None:
    score = scored(
        AWAY,
        get(0 * MINUTE, url=ELSEWHERE, etag='"b"'),
        AWAY_TWICE,
        get(PACE, ("If-None-Match", '"b"'), url=ELSEWHERE, status=304, etag='"b"'),
        offer=LEADING,
    )
    assert (faults(score), score.visits["news"], score.requests) == ({}, 2, 4)


def test_the_table_names_feeds_columns_and_sums() -> None:
    lines = scored(FIRST, get(PACE)).table().splitlines()
    assert lines[0].split() == ["visits", "unconditional", "validators", "early", "max-age", "retry-after", "cookies",
                                "referrer", "query", "user", "agent", "foreign", "host"]  # fmt: skip
    assert [line.split()[:3] for line in lines[1:]] == [["news", "2", "1"], ["all", "2", "1"]]
