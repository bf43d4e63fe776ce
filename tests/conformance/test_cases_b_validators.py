"""Conformance cases 10-29: validators."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conformance.desk import Desk, hours, minutes, page
from conformance.running import watching
from support.feeds import rss
from support.http_server import Answer, raw, redirect, reply

from monitor.feeds.noted import LYING
from monitor.feeds.parse import WorkerParser
from monitor.model import FailureKind, PollFailure
from monitor.ports import ParsedFeed
from monitor.store import open_store
from monitor.store.schema import feeds

DATE = "Wed, 05 Jan 2022 10:00:00 GMT"


def conditions(desk: Desk) -> list[tuple[str | None, str | None]]:
    """Return what each request asked with: ETag and date."""
    return list(zip(desk.sent("if-none-match"), desk.sent("if-modified-since"), strict=True))


def truthful(*editions: tuple[bytes, str]) -> list[Answer]:
    """Return answers of a server that gives each edition once with its ETag."""
    return [reply(200, body, {"ETag": etag}) for body, etag in editions]


# --- what is sent -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("etag", ['"a"', 'W/"a"'])
def test_case_010_both_validators_come_back_byte_for_byte(desk: Desk, etag: str) -> None:
    desk.serve(reply(200, page("a"), {"ETag": etag, "Last-Modified": DATE}), reply(304))
    desk.polls(3)
    assert conditions(desk) == [(None, None), (etag, DATE), (etag, DATE)]


@pytest.mark.parametrize(
    ("given", "asked"),
    [({"Last-Modified": DATE}, (None, DATE)), ({"ETag": '"a"'}, ('"a"', None)), ({}, (None, None))],
)
def test_case_011_only_what_was_given_is_asked_with(
    desk: Desk, given: dict[str, str], asked: tuple[str | None, str | None]
) -> None:
    desk.serve(reply(200, page("a"), given))
    desk.polls(2)
    assert conditions(desk)[1] == asked


@pytest.mark.parametrize(
    "date", ["Wed, 05 Jan 2022 10:00:00 +0600", "wed, 05 jan 2022 10:00:00 gmt", "2022-01-05", "yesterday, about noon"]
)
def test_case_012_an_odd_date_is_sent_back_unchanged(desk: Desk, date: str) -> None:
    desk.serve(reply(200, page("a"), {"Last-Modified": date}), reply(304))
    desk.polls(3)
    assert desk.sent("if-modified-since") == [None, date, date]


def test_case_013_no_date_is_made_up(desk: Desk) -> None:
    item = f"<guid>a</guid><title>a</title><pubDate>{DATE}</pubDate>"
    document = rss(item, channel=f"<lastBuildDate>{DATE}</lastBuildDate>")
    desk.serve(reply(200, document, {"Date": DATE, "Expires": DATE, "ETag": '"a"'}), reply(304, headers={"Date": DATE}))
    desk.polls(3)
    assert desk.sent("if-modified-since") == [None, None, None]


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_case_014_a_new_etag_with_the_old_date_is_taken(desk: Desk) -> None:
    desk.serve(
        reply(200, page("a"), {"ETag": '"1"', "Last-Modified": DATE}),
        reply(200, page("ba"), {"ETag": '"2"', "Last-Modified": DATE}),
    )
    desk.polls(3)
    assert conditions(desk)[2] == ('"2"', DATE)


def test_case_015_the_same_bytes_bring_new_validators(desk: Desk) -> None:
    desk.serve(*truthful((page("a"), '"1"'), (page("a"), '"2"'), (page("a"), '"3"')))
    desk.polls(3)
    assert desk.sent("if-none-match") == [None, '"1"', '"2"']
    assert (desk.titles(), desk.waiting()) == ("", 1)


def test_case_016_validators_that_are_given_no_more_are_dropped(desk: Desk) -> None:
    desk.serve(reply(200, page("a"), {"ETag": '"1"', "Last-Modified": DATE}), reply(200, page("ba")))
    desk.polls(3)
    assert conditions(desk)[2] == (None, None)


def test_case_017_a_304_brings_new_validators_and_absent_ones_stay(desk: Desk) -> None:
    desk.serve(reply(200, page("a"), {"ETag": '"1"', "Last-Modified": "t"}), reply(304, headers={"ETag": '"2"'}))
    desk.polls(3)
    assert conditions(desk) == [(None, None), ('"1"', "t"), ('"2"', "t")]


def test_case_018_a_304_is_a_success_that_changes_no_entries(desk: Desk) -> None:
    desk.serve(reply(200, page("ba"), {"ETag": '"1"'}), reply(500), reply(304), reply(200, page("ba"), {"ETag": '"1"'}))
    desk.polls(2)
    assert desk.state().failures == 1
    desk.poll()
    state = desk.state()
    assert (state.failures, state.failure, state.failing_since, state.last_success_at) == (0, None, None, desk.now())
    desk.poll()
    assert (desk.waiting(), state.entries) == (2, 2)


def test_case_019_a_304_that_nobody_asked_for_is_an_error(desk: Desk) -> None:
    desk.serve(reply(304, headers={"ETag": '"1"'}), reply(200, page("a")))
    desk.poll()
    assert (desk.failure().kind, desk.state().last_success_at) == (FailureKind.UNEXPECTED_STATUS, None)
    desk.poll()
    assert desk.sent("if-none-match") == [None, None]
    assert desk.titles() == "a"


def test_case_020_a_lost_state_means_an_unconditional_request(desk: Desk) -> None:
    desk.serve(reply(200, page("a"), {"ETag": '"1"'}), reply(304), reply(200, page("a"), {"ETag": '"1"'}))
    desk.polls(2)
    desk.house.empty_store()  # a backup from before the feed was added
    desk.feed()
    desk.poll()
    assert desk.sent("if-none-match") == [None, '"1"', None]
    assert desk.titles() == "a"


def test_case_020_a_damaged_state_means_an_unconditional_request(desk: Desk) -> None:
    desk.serve(reply(200, page("a"), {"ETag": '"1"'}), reply(200, page("ba"), {"ETag": '"2"'}))
    desk.poll()
    with desk.store._database.writing() as connection:
        connection.execute(feeds.update().values(known=b"damaged"))
    desk.poll()
    assert desk.sent("if-none-match") == [None, None]
    assert desk.titles() == "ab"


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(reply(200, b"<!doctype html><html><body>Oops</body></html>", {"ETag": '"bad"'}), id="page"),
        pytest.param(raw(b'HTTP/1.1 200 OK\r\nETag: "bad"\r\nContent-Length: 9999\r\n\r\n<rss>'), id="truncated"),
        pytest.param(reply(200, b"", {"ETag": '"bad"'}), id="nothing"),
        pytest.param(reply(500, page("a"), {"ETag": '"bad"'}), id="error"),
    ],
)
def test_case_021_validators_of_what_could_not_be_read_are_not_kept(desk: Desk, bad: Answer) -> None:
    desk.serve(bad, *truthful((page("a"), '"good"')), bad, *truthful((page("ba"), '"better"')))
    desk.poll()
    assert desk.failure()
    desk.polls(3)
    assert desk.sent("if-none-match") == [None, None, '"good"', '"good"']
    assert desk.titles() == "b"


def test_case_022_validators_are_not_kept_when_the_commit_fails(desk: Desk) -> None:
    desk.serve(*truthful((page("a"), '"1"'), (page("ba"), '"2"'), (page("ba"), '"2"')))
    desk.poll()
    desk.fetched()
    desk.store.release_leases()
    desk.poll()
    assert desk.sent("if-none-match") == [None, '"1"', '"1"']
    assert (desk.titles(), desk.waiting()) == ("b", 2)


def test_case_023_entries_stored_before_a_kill_are_told_after_it_although_the_server_says_304(
    desk: Desk, tmp_path: Path
) -> None:
    item = f"<guid>p</guid><title>A protest</title><link>/p</link><pubDate>{DATE}</pubDate>"
    desk.serve(reply(200, rss(item), {"ETag": '"1"'}), reply(304))
    with watching(desk, tmp_path) as service:
        service.configure({"news": {"path": "/feed"}})
        service.data.mkdir()
        store = open_store(service.settings().store_url, data_dir=service.data)
        store.migrate()
        killed = Desk(house=replace(desk.house, store=store))
        killed.feed()
        killed.poll()  # commit A, and then nothing more
        store.close()
        service.start()
        service.advance(minutes(10))
        assert [event["data"]["headline"] for event in service.told() if event["type"] == "alert.story"] == [
            "A protest"
        ]
    assert set(desk.sent("if-none-match", "/feed")[1:]) == {'"1"'}


@pytest.mark.parametrize(
    ("etag", "asked"),
    [
        ("abc", "abc"),
        ('"a,b"', '"a,b"'),
        ('"\xe9"', '"\xe9"'),
        ('"' + "a" * 1022 + '"', '"' + "a" * 1022 + '"'),
        ('"' + "a" * 5000 + '"', None),
        ('"a\tb"', None),
        ("", None),
    ],
    ids=["no quotes", "comma", "not ascii", "1 KB", "5 KB", "tab", "empty"],
)
def test_case_024_an_odd_etag_is_kept_where_it_can_be_sent(desk: Desk, etag: str, asked: str | None) -> None:
    desk.serve(reply(200, page("a"), {"ETag": etag}), reply(304) if asked else reply(200, page("a")))
    desk.polls(2)
    assert desk.sent("if-none-match") == [None, asked]


def test_case_024_a_folded_etag_never_breaks_a_line(desk: Desk) -> None:
    body = page("a")
    head = f'HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nETag: "a\r\n b"\r\n\r\n'.encode()
    desk.serve(raw(head + body))
    desk.polls(2)
    assert set(desk.requests[1].names()) <= {
        "host", "user-agent", "accept", "accept-encoding", "if-none-match", "a-im", "connection",
    }  # fmt: skip
    assert desk.sent("if-none-match")[1] in {None, '"a b"'}


@pytest.mark.parametrize("etag", ['"a-gzip"', '"a;gzip"', 'W/"a--gzip"'])
def test_case_025_the_etag_of_a_coding_is_sent_as_received_with_the_same_codings(desk: Desk, etag: str) -> None:
    headers = {"ETag": etag, "Vary": "Accept-Encoding", "Content-Encoding": "gzip"}
    desk.serve(reply(200, gzip.compress(page("a")), headers), reply(304))
    desk.polls(3)
    assert desk.sent("if-none-match") == [None, etag, etag]
    assert len(set(desk.sent("accept-encoding"))) == 1


def test_case_026_no_store_keeps_no_validators_but_the_entries(desk: Desk) -> None:
    desk.serve(reply(200, page("a"), {"ETag": '"1"', "Last-Modified": DATE, "Cache-Control": "no-store"}))
    desk.polls(2)
    assert conditions(desk) == [(None, None), (None, None)]
    assert desk.waiting() == 1


# --- who lies, who says nothing, whose they are -------------------------------------------------------------------------


def test_case_027_a_304_that_lies_is_found_out_within_a_day(desk: Desk) -> None:
    shown = ["a"]

    async def lying(request: object, writer: object) -> None:
        conditional = request.header("if-none-match")  # type: ignore[attr-defined]
        answer = reply(304) if conditional else reply(200, page(shown[0]), {"ETag": '"same"'})
        await answer(request, writer)  # type: ignore[arg-type]

    desk.feed(floor=minutes(5))
    desk.serve(lying)
    desk.poll()
    begun, shown[0] = desk.now(), "ba"
    while desk.state().warning is None:
        desk.poll()
    assert desk.now() - begun <= hours(24) + minutes(10)
    assert LYING in (desk.state().warning or "")
    assert (desk.titles(), desk.sent("if-none-match").count(None)) == ("b", 2)
    assert desk.rest() >= minutes(10)
    shown[0] = "cba"
    desk.poll()
    assert (desk.titles(), desk.sent("if-none-match")[-1]) == ("c", None)


def test_case_027_an_audit_that_fails_is_no_reason_for_another_one(desk: Desk) -> None:
    desk.feed(pace=hours(23))
    desk.serve(*truthful((page("a"), '"1"')), reply(304), reply(503), reply(304))
    desk.polls(4)
    assert desk.sent("if-none-match") == [None, '"1"', None, '"1"']


class Counting:
    """A parser that counts the documents it is handed."""

    def __init__(self, parser: WorkerParser) -> None:
        self.parser, self.asked = parser, 0

    async def parse(self, *args: Any, **options: Any) -> ParsedFeed | PollFailure:
        self.asked += 1
        return await self.parser.parse(*args, **options)


def test_case_028_without_validators_the_bytes_tell_and_the_floor_is_larger(desk: Desk) -> None:
    parser: Any = Counting(desk.house.parser)
    desk.house = replace(desk.house, parser=parser)
    desk.feed(floor=minutes(5))
    desk.serve(reply(200, page("a")))
    desk.poll()
    assert desk.rest() == minutes(10)
    desk.poll()
    assert (desk.titles(), desk.waiting(), desk.state().last_success_at) == ("", 1, desk.now())
    assert parser.asked == 1


def test_case_029_validators_belong_to_the_address_that_gave_them(desk: Desk) -> None:
    desk.serve(redirect(desk.other.url("/feed"), 302, {"ETag": '"hop"'}))
    desk.serve(reply(200, page("a"), {"ETag": '"other"'}), reply(304), server=desk.other)
    desk.polls(2)
    assert desk.sent("if-none-match") == [None, None]
    assert [request.header("if-none-match") for request in desk.other.requests] == [None, '"other"']


def test_case_029_an_edited_address_is_asked_without_conditions(desk: Desk) -> None:
    desk.serve(reply(200, page("a"), {"ETag": '"1"'}))
    desk.serve(reply(200, page("a"), {"ETag": '"2"'}), server=desk.other)
    desk.poll()
    desk.feed(desk.other.url("/feed"))
    desk.poll()
    assert [request.header("if-none-match") for request in desk.other.requests] == [None]
    assert (desk.titles(), desk.waiting()) == ("", 1)
