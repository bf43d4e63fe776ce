"""Conformance cases 77-82 and 85-91: bodies, codings, types. Letters: test_cases_f_letters.py."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from conformance.desk import Desk, minutes, page, seconds
from support.feeds import rss
from support.http_server import Answer, Closing, Request, drip, head, raw, reply

from monitor.feeds import fetch, health
from monitor.feeds.fetch import HttpFetcher
from monitor.model import FailureKind
from monitor.net import dial

MIB = 1024 * 1024


# --- how a body ends --------------------------------------------------------------------------------------------------

CUT = {
    "shorter than its length": head(200, {"Content-Length": "1000", "ETag": '"2"'}) + page("ba")[:900],
    "chunks without an end": head(200, {"Transfer-Encoding": "chunked", "ETag": '"2"'}) + b"40\r\n" + page("ba")[:64] + b"\r\n40\r\n<rss",
    "cut gzip": head(200, {"Content-Encoding": "gzip", "ETag": '"2"', "Connection": "close"}) + gzip.compress(page("ba"))[:-12],
}  # fmt: skip


@pytest.mark.parametrize("data", CUT.values(), ids=CUT.keys())
def test_case_077_of_a_body_that_is_not_whole_nothing_is_used(desk: Desk, data: bytes) -> None:
    desk.serve(reply(200, page("a"), {"ETag": '"1"'}), raw(data), reply(200, page("ba"), {"ETag": '"3"'}))
    desk.polls(2)
    assert (desk.failure().kind, desk.waiting()) == (FailureKind.INCOMPLETE, 1)
    desk.poll()
    assert (desk.titles(), desk.sent("if-none-match")) == ("b", [None, '"1"', '"1"'])


def test_case_078_without_framing_whole_entries_of_a_cut_body_are_used_and_nothing_is_forgotten(desk: Desk) -> None:
    cut = page("cba").partition(b"<guid>b")[0]
    desk.serve(
        reply(200, page("ba"), {"ETag": '"1"'}),
        raw(head(200, {"ETag": '"2"', "Connection": "close"}) + cut),
        reply(200, page("cba"), {"ETag": '"3"'}),
    )
    desk.polls(2)
    assert desk.titles() == "c"
    assert desk.state().gaps == 0
    desk.poll()
    assert desk.titles() == ""
    assert desk.sent("if-none-match")[2] is None


# --- codings ----------------------------------------------------------------------------------------------------------


def raw_deflate(data: bytes) -> bytes:
    made = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return made.compress(data) + made.flush()


DECODED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "gzip twice": ("gzip, gzip", lambda data: gzip.compress(gzip.compress(data))),
    "identity": ("identity", lambda data: data),
}


@pytest.mark.parametrize(("coding", "encode"), DECODED.values(), ids=DECODED.keys())
def test_case_079_codings_are_undone(desk: Desk, coding: str, encode: Callable[[bytes], bytes]) -> None:
    assert desk.title_of(encode(page("a")), **{"Content-Encoding": coding}) == "a"


@pytest.mark.parametrize("coding", ["br", "zstd", "foo", "gzip", "deflate", "gzip, gzip, gzip, gzip"])
def test_case_079_a_bad_coding_is_an_error_and_the_next_poll_asks_for_plain_bytes_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, coding: str
) -> None:
    one = HttpFetcher(desk.house.http)
    monkeypatch.setattr("conformance.desk.HttpFetcher", lambda *_, **__: one)
    desk.serve(reply(200, page("a"), {"Content-Encoding": coding}), reply(200, page("a")), reply(200, page("ba")))
    desk.poll()
    assert desk.failure().kind is FailureKind.BAD_ENCODING
    desk.polls(2)
    assert desk.sent("accept-encoding") == ["gzip, deflate", "identity", "gzip, deflate"]


# --- limits -----------------------------------------------------------------------------------------------------------


def flood(sent: list[int], first: bytes, piece: bytes, pieces: int) -> Answer:
    """Send a piece again and again, counting; the client is to hang up long before the end."""

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        for _ in range(pieces):
            writer.write(piece)
            sent.append(len(piece))
            await writer.drain()
        raise Closing

    return answer


def test_case_080_more_than_15_mib_are_not_taken_in(desk: Desk) -> None:
    sent = list[int]()
    desk.serve(flood(sent, head(200, {"Connection": "close"}) + page("a"), b" " * MIB, 64))
    desk.poll()
    assert desk.failure().kind is FailureKind.TOO_LARGE
    assert sum(sent) < 32 * MIB


def test_case_080_a_length_that_is_too_large_ends_the_poll_before_the_body(desk: Desk) -> None:
    desk.serve(raw(head(200, {"Content-Length": str(16 * MIB)}) + page("a")))
    desk.poll()
    assert desk.failure().kind is FailureKind.TOO_LARGE


def test_case_080_content_that_unpacks_200_fold_past_1_mib_is_dropped_while_it_comes(desk: Desk) -> None:
    bomb = gzip.compress(page("a") + b" " * (14 * MIB), 9)
    assert len(bomb) < 20_000
    desk.serve(reply(200, bomb, {"Content-Encoding": "gzip", "ETag": '"1"'}))
    desk.polls(2)
    assert (desk.failure().kind, desk.sent("if-none-match")) == (FailureKind.TOO_LARGE, [None, None])


@pytest.mark.parametrize(
    "answer",
    [
        drip(head(200, {"Connection": "close"}), b" ", every=0.01),
        drip(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n", every=0.01),
        drip(b"", b"HTTP/1.1 103 Early Hints\r\nX-A: b\r\n\r\n", every=0.01),
    ],
    ids=["body", "headers", "hints"],
)
def test_case_081_a_lively_drip_ends_with_the_deadline(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    monkeypatch.setattr("conformance.desk.HttpFetcher", partial(HttpFetcher, deadline=seconds(0.2)))
    desk.serve(answer)
    desk.poll()
    assert desk.failure().kind is FailureKind.TIMEOUT
    assert (seconds(30), 10) == (fetch.DEADLINE, dial.CONNECT_TIMEOUT)


@pytest.mark.parametrize(
    "headers",
    [[("X-Big", "a" * 200_000)], [(f"X-{number}", "a" * 2000) for number in range(100)], [("X-A", "b")] * 3000],
    ids=["one of 200 kB", "100 of 2 kB", "3000 small ones"],
)
def test_case_082_too_many_or_too_long_headers_are_refused(desk: Desk, headers: list[tuple[str, str]]) -> None:
    desk.serve(reply(200, page("a"), headers))
    desk.poll()
    assert (desk.failure().kind, desk.waiting()) == (FailureKind.PROTOCOL, 0)


# --- types ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    ["text/html", "text/plain", "application/octet-stream", None, "application/xml", "image/png", ";;", "a" * 500],
)
def test_case_085_a_feed_is_a_feed_whatever_its_type_says(desk: Desk, content_type: str | None) -> None:
    assert desk.title_of(page("a"), content_type) == "a"


PAGE = b"<!doctype html><html><head><title>Subscribe</title></head><body><p>Please pay.</p></body></html>"


def test_case_086_a_page_instead_of_a_feed_is_an_error_and_what_was_known_is_kept(desk: Desk) -> None:
    desk.serve(
        reply(200, page("a"), {"ETag": '"1"'}),
        reply(200, PAGE, {"ETag": '"page"', "Content-Type": "text/html"}),
        reply(200, page("ba")),
    )
    desk.polls(2)
    assert desk.failure().kind is FailureKind.NOT_A_FEED
    assert (
        "Look for the address of the feed itself"
        in health.describe_state(desk.state(), desk.feeds["news"], desk.now())[1]
    )
    desk.poll()
    assert (desk.titles(), desk.sent("if-none-match")) == ("b", [None, '"1"', '"1"'])


BROKEN: dict[str, bytes] = {
    "blank lines": b"\r\n\n  \n" + page("a"),
    "junk before": b"<!-- cached -->\nWarning: mysql\n" + page("a"),
    "junk behind": page("a") + b"\n<script>count()</script></body>",
    "bare ampersand": page("a").replace(b"<title>News", b"<title>R & D <b>News"),
    "control characters": page("a").replace(b"<title>News", b"<title>\x00\x08\x1bNews"),
    "undefined entity": page("a").replace(b"<title>News", b"<title>News&nbsp;&foo;"),
    "unclosed document": page("a").removesuffix(b"</channel></rss>"),
    "unclosed tags": page("a").replace(b"</item>", b"<description>Some <b>bold</item>"),
    "crossed tags": page("a").replace(b"<guid>", b"<description><b><i>x</b></i></description><guid>"),
    "bad bytes": page("a").replace(b"<title>News", b"<title>\xff\xfeNews"),
    "attribute without quotes": page("a").replace(b'version="2.0"', b"version=2.0"),
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
def test_case_087_entries_of_a_broken_document_come_all_the_same(desk: Desk, body: bytes) -> None:
    assert desk.title_of(body) == "a"


# --- how much ---------------------------------------------------------------------------------------------------------


def test_case_088_200_without_content_is_a_failure_that_forgets_nothing(desk: Desk) -> None:
    desk.serve(reply(200, page("ba")), reply(200), reply(200, page("cba")))
    desk.polls(2)
    assert desk.failure().kind is FailureKind.EMPTY
    desk.poll()
    assert desk.titles() == "c"


def test_case_088_a_feed_without_items_removes_nothing_is_no_gap_and_is_warned_about(desk: Desk) -> None:
    many = "abcdefghijklmnopqrstuvwxyz"
    desk.serve(reply(200, page(many)), reply(200, page("")), reply(200, page(many)))
    desk.polls(2)
    assert (desk.titles(), desk.state().gaps) == ("", 0)
    assert "no entries" in (desk.state().warning or "")
    desk.poll()
    assert (desk.titles(), desk.state().gaps, desk.state().warning) == ("", 0, None)


def test_case_089_of_5000_items_the_newest_2000_are_taken_and_the_rest_is_counted(desk: Desk) -> None:
    items = (f"<guid>{number}</guid><title>n{number}</title>" for number in range(5000))
    desk.serve(reply(200, rss(*items)))
    desk.poll()
    assert desk.last is not None
    assert (len(desk.last.entries), desk.waiting()) == (2000, 2000)
    assert {desk.last.entries[0].title, desk.last.entries[-1].title} == {"n0", "n1999"}
    assert "3000" in (desk.state().warning or "")


def test_case_089_a_title_of_10_mb_is_cut(desk: Desk) -> None:
    title = desk.title_of(rss(f"<title>{'Long ' * (2 * MIB)}</title>"))
    assert title.startswith("Long Long ")
    assert len(title) <= 1000


# --- JSON Feed --------------------------------------------------------------------------------------------------------


def json_feed(*items: Any, version: str = "https://jsonfeed.org/version/1.1", **more: Any) -> bytes:
    return json.dumps({"version": version, "title": "News", "items": items, **more}).encode()


@pytest.mark.parametrize("version", ["https://jsonfeed.org/version/1", "https://jsonfeed.org/version/1.1"])
@pytest.mark.parametrize("content_type", ["application/feed+json", "application/json", "text/plain"])
def test_case_090_json_feed_is_read(desk: Desk, version: str, content_type: str) -> None:
    people = {"authors": [{"name": "New"}], "author": {"name": "Old"}}
    items = ({"id": 7, "title": "a", **people}, {"title": "none"}, {"id": " ", "title": "blank"})
    assert desk.title_of(json_feed(*items, version=version), content_type) == "a"
    assert desk.last is not None
    (entry,) = desk.last.entries
    assert (entry.guid, entry.author) == ("7", "New")


def test_case_090_an_expired_feed_is_told_of_and_asked_once_a_day(desk: Desk) -> None:
    desk.serve(reply(200, json_feed({"id": "1", "title": "a"}, expired=True)))
    desk.poll()
    assert "ended" in (desk.state().warning or "")
    assert desk.rest() == minutes(24 * 60)
    assert "ended" in health.describe_state(desk.state(), desk.feeds["news"], desk.now())[1]


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "location", "link"),
    [
        (' xml:base="https://base.example/x/"', "/elsewhere/feed", "https://base.example/x/1"),
        ("", "/elsewhere/feed", "{server}/elsewhere/1"),
        ("", None, "{server}/1"),
        (' xml:base="sub/"', "/elsewhere/feed", "{server}/elsewhere/sub/1"),
        ("", "https://evil.example/feed", "{server}/1"),
    ],
)
def test_case_091_relative_links_belong_to_the_base_then_the_content_location_then_the_feed(
    desk: Desk, base: str, location: str | None, link: str
) -> None:
    body = (
        f"<rss version='2.0'{base}><channel><title>N</title><item><title>a</title><link>1</link></item></channel></rss>"
    )
    desk.title_of(body.encode(), **({"Content-Location": location} if location else {}))
    assert desk.last is not None
    assert desk.last.entries[0].link == link.format(server=desk.server.url(""))
