"""Commands that fetch feeds: checking, finding the feeds of a page, adding and importing what can be watched."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from support.http_server import redirect, reply
from typer.testing import CliRunner

from monitor.cli import app, feeds_finding
from monitor.feeds import discover


@pytest.fixture(autouse=True)
def _no_rest_between_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a search for feeds are real seconds."""
    monkeypatch.setattr(discover, "APART", 0.0)


# --- checking ---------------------------------------------------------------------------------------------------------


def test_one_feed_is_checked_with_everything_that_is_known_of_it(desk: Any, publisher: Any, news: bytes) -> None:
    headers = {"Content-Type": "text/xml", "ETag": '"v1"', "Cache-Control": "max-age=600"}
    publisher.on("/moved", redirect(publisher.url("/news"), 301))
    publisher.on("/news", reply(200, news, headers))
    desk.own_feeds(news=publisher.url("/moved"))
    text = desk.run("feeds", "check", "news").stdout
    assert text.startswith("Вести\nIt can be watched.\n")
    for told in ("text/xml", "cp1251", 'ETag "v1"', "max-age 10 min, ttl 15 min", "Митинг в Актау", "moved for good"):
        assert told in text
    row = desk.json("feeds", "check", "news")["feeds"][0]
    assert set(row) == {
        "id", "url", "usable", "failure", "reason", "advice", "answered_by", "status", "content_type", "encoding", "bytes",
        "etag", "last_modified", "max_age", "ttl", "period", "skip_hours", "skip_days", "retry_after", "pace",
        "recommended_pace", "again", "title", "language", "hubs", "topic", "archive", "next_page", "documents", "entries",
        "warnings", "answers",
    }  # fmt: skip
    assert (row["usable"], row["status"], row["etag"], row["ttl"]) == (True, 200, '"v1"', 900)
    assert [entry["title"] for entry in row["entries"]] == ["Митинг в Актау", "Погода"]
    assert row["entries"][0]["published"]


HOURS = "".join(f"<hour>{hour}</hour>" for hour in (1, 2))
SPOKEN = (
    '<rss version="2.0" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" xmlns:atom="http://www.w3.org/2005/Atom">'
    "<channel><title>Spoken</title><ttl>20</ttl><sy:updatePeriod>hourly</sy:updatePeriod>"
    f"<skipHours>{HOURS}</skipHours><skipDays><day>Sunday</day></skipDays>"
    '<atom:link rel="hub" href="https://hub.example/"/><atom:link rel="prev-archive" href="https://n.example/2021.xml"/>'
    "<item><title>One</title><guid>1</guid></item></channel></rss>"
).encode()


def test_what_a_feed_says_about_pace_pushes_and_archives_is_shown(desk: Any, publisher: Any) -> None:
    headers = {
        "Content-Type": "text/xml",
        "Retry-After": "30",
        "Link": '<https://first.example/>; rel="hub"',
        "X-Odd": "1",
    }
    publisher.on("/spoken", reply(200, SPOKEN, headers))
    desk.own_feeds(spoken=publisher.url("/spoken"))
    text = desk.run("feeds", "check", "spoken").stdout
    for told in (
        "ttl 20 min, update period 1 h, not at 1, 2 h GMT, not on Sunday",
        "https://n.example/2021.xml",
        "200 OK from http://127.0.0.1",
        "retry-after   30",
        "No entry states when",
        "gives no validators",
    ):
        assert told in text
    assert "X-Odd" not in text
    row = desk.json("feeds", "check", "spoken")["feeds"][0]
    assert (row["ttl"], row["period"], row["skip_hours"], row["skip_days"]) == (1200, 3600, [1, 2], ["Sunday"])
    assert row["archive"] == "https://n.example/2021.xml"
    assert row["answers"][0]["headers"]["content-type"] == "text/xml"
    assert row["hubs"][-1] == "https://hub.example/"


def test_redirects_are_shown_one_by_one(desk: Any, publisher: Any, news: bytes) -> None:
    publisher.on("/moved", redirect(publisher.url("/news"), 301))
    publisher.on("/news", reply(200, news, {"Content-Type": "text/xml"}))
    desk.own_feeds(news=publisher.url("/moved"))
    answers = desk.json("feeds", "check", "news")["feeds"][0]["answers"]
    assert [(each["status"], each["url"]) for each in answers] == [
        (301, publisher.url("/moved")),
        (200, publisher.url("/news")),
    ]
    assert answers[0]["headers"]["location"] == publisher.url("/news")


AGAIN = [
    ({"ETag": '"v1"'}, reply(304), "304, not modified: the validators work"),
    ({"ETag": '"v1"'}, None, "200 with the same bytes: the validators are ignored"),
    ({"ETag": '"v1"'}, reply(200, SPOKEN, {"Content-Type": "text/xml"}), "200 with other bytes"),
    ({"ETag": '"v1"'}, reply(500), "500"),
    ({}, None, "not asked again: it gave no validators"),
]


@pytest.mark.parametrize(("validators", "second", "told"), AGAIN, ids=[case[2][:30] for case in AGAIN])
def test_asked_twice_a_feed_shows_whether_it_honours_its_validators(
    desk: Any, publisher: Any, news: bytes, validators: dict[str, str], second: Any, told: str
) -> None:
    first = reply(200, news, {"Content-Type": "text/xml", **validators})
    publisher.on("/news", first, second or first)
    desk.own_feeds(news=publisher.url("/news"))
    assert told in desk.json("feeds", "check", "news", "--twice")["feeds"][0]["again"]
    asked = [request.header("if-none-match") for request in publisher.requests]
    assert asked == ([None, '"v1"'] if validators else [None])


def test_a_check_makes_one_request_unless_told_otherwise(desk: Any, publisher: Any, news: bytes) -> None:
    publisher.on("/news", reply(200, news, {"Content-Type": "text/xml", "ETag": '"v1"'}))
    desk.own_feeds(news=publisher.url("/news"))
    assert desk.json("feeds", "check", "news")["feeds"][0]["again"] is None
    assert len(publisher.requests) == 1


# --- a page in place of a feed ----------------------------------------------------------------------------------------


def _site(publisher: Any, news: bytes) -> str:
    page = (
        "<!doctype html><html><head><title>A site</title>"
        '<link rel="alternate" type="application/rss+xml" title="All" href="/all.xml">'
        '<link rel="alternate" type="application/rss+xml" title="Politics" href="/politics.xml">'
        "</head><body>Hello</body></html>"
    )
    publisher.on("/", reply(200, page.encode(), {"Content-Type": "text/html"}))
    for path in ("/all.xml", "/politics.xml"):
        publisher.on(path, reply(200, news, {"Content-Type": "text/xml"}))
    return str(publisher.url("/"))


def test_the_best_feed_of_a_page_is_taken_when_asked_to(desk: Any, publisher: Any, news: bytes) -> None:
    row = desk.json("feeds", "add", _site(publisher, news), "--yes", "--allow-network", "127.0.0.0/8")
    assert row["added"]["url"] == publisher.url("/all.xml")
    assert row["added"]["name"] == "Вести"
    assert set(row["found"]) == {"url", "title", "entries", "newest", "how"}
    assert (row["found"]["entries"], row["found"]["how"]) == (2, "link")
    assert publisher.url("/all.xml") in desk.feeds_text()


def test_where_nobody_can_be_asked_the_feeds_of_a_page_are_listed_and_nothing_is_added(
    desk: Any, publisher: Any, news: bytes
) -> None:
    before = desk.feeds_text()
    error = desk.run("feeds", "add", _site(publisher, news), "--allow-network", "127.0.0.0/8", code=2).stderr
    assert "its site has 2 feeds" in error
    assert "--yes" in error
    assert re.search(r"1\. http\S+/all\.xml +Вести: 2 entries, the newest 10 min ago", error)
    assert re.search(r"2\. http\S+/politics\.xml ", error)
    assert desk.feeds_text() == before


def test_a_person_is_asked_which_feed_is_meant_until_the_answer_is_one_of_them(
    desk: Any, publisher: Any, news: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds_finding, "can_ask", lambda: True)
    arguments = ["feeds", "add", _site(publisher, news), "--allow-network", "127.0.0.0/8", "--config", str(desk.config)]
    result = CliRunner().invoke(app, arguments, input="7\nall\n2\n")
    assert result.exit_code == 0, result.stderr
    assert "its site has 2 feeds:" in result.stderr
    assert result.stderr.count("give a number from 1 to 2") == 2
    assert "politics.xml" in desk.feeds_text()
    assert "all.xml" not in desk.feeds_text()
    assert "2 entries, the newest 10 min ago" in result.stdout


def test_a_page_whose_site_has_no_feed_is_a_fault_with_advice(desk: Any, publisher: Any) -> None:
    publisher.on("/", reply(200, b"<!doctype html><html><body>Hello</body></html>", {"Content-Type": "text/html"}))
    error = desk.run("feeds", "add", publisher.url("/"), "--allow-network", "127.0.0.0/8", code=1).stderr
    assert "No feed of this site was found." in error
    assert "RSS or Atom" in error
    assert "feeds.yaml" not in error


def test_an_added_feed_is_told_with_what_it_shows(desk: Any, publisher: Any, news: bytes) -> None:
    publisher.on("/news", reply(200, news, {"Content-Type": "text/xml"}))
    result = desk.run("feeds", "add", publisher.url("/news"), "--allow-network", "127.0.0.0/8", "--id", "own")
    assert "Added `own` (Вести)" in result.stdout
    assert "/news  Вести: 2 entries, the newest 10 min ago" in result.stdout


def test_feeds_that_cannot_be_watched_are_a_fault_with_reason_and_advice(
    desk: Any, publisher: Any, news: bytes
) -> None:
    publisher.on("/news", reply(200, news, {"Content-Type": "text/xml"}))
    publisher.on("/page", reply(200, b"<!doctype html><html><body>Hello</body></html>", {"Content-Type": "text/html"}))
    desk.own_feeds(news=publisher.url("/news"), page=publisher.url("/page"), none=publisher.url("/none"))
    text = desk.run("feeds", "check", code=1).stdout
    assert "a web page instead of a feed" in text
    assert "404" in text
    single = desk.run("feeds", "check", "page", code=1).stdout
    assert "It cannot be watched." in single
    row = desk.json("feeds", "check", "none", code=1)["feeds"][0]
    assert row["failure"] == "missing"
    assert row["advice"]


def test_an_address_inside_the_own_network_is_refused_unless_it_is_allowed(
    desk: Any, publisher: Any, news: bytes
) -> None:
    publisher.on("/news", reply(200, news, {"Content-Type": "text/xml"}))
    before = desk.feeds_text()
    refused = desk.run("feeds", "add", publisher.url("/news"), code=1)
    assert refused.stderr.count("allow_networks") == 1
    assert "`--allow-network 10.0.0.0/8`" in refused.stderr
    assert desk.feeds_text() == before
    assert publisher.requests == []
    row = desk.json("feeds", "add", publisher.url("/news"), "--allow-network", "127.0.0.0/8", "--id", "own")
    assert row["added"]["name"] == "Вести"
    assert row["added"]["allow_networks"] == ["127.0.0.0/8"]


def test_importing_leaves_out_what_cannot_be_watched(desk: Any, publisher: Any, tmp_path: Path) -> None:
    listed = tmp_path / "in.opml"
    listed.write_text(
        f'<opml><body><outline type="rss" text="Inside" xmlUrl="{publisher.url("/news")}"/></body></opml>'
    )
    result = desk.run("feeds", "import-opml", str(listed))
    assert "Added 0 feeds; 0 were there already, 1 cannot be watched." in result.stdout
    assert "Left out" in result.stderr


# --- addresses --------------------------------------------------------------------------------------------------------

UNREADABLE = [
    "http://[::1",
    "news.example/rss",
    "ftp://news.example/rss",
    "http://",
    "",
    "javascript:alert(1)",
    "http://a b/",
]


@pytest.mark.parametrize("address", UNREADABLE)
def test_what_is_no_address_is_wrong_usage_with_an_example(desk: Any, address: str) -> None:
    before = desk.feeds_text()
    for option in ("--check", "--no-check"):
        error = desk.run("feeds", "add", address, option, code=2).stderr
        assert "https://news.example/rss" in error
        assert "feeds.yaml" not in error
    assert desk.feeds_text() == before
    assert "https://" in desk.run("feeds", "check", address, code=2).stderr


@pytest.mark.parametrize("command", [("feeds", "add"), ("feeds", "check")])
def test_what_is_no_network_is_wrong_usage(desk: Any, command: tuple[str, ...]) -> None:
    error = desk.run(*command, "https://news.example/", "--allow-network", "nonsense", code=2).stderr
    assert "nonsense" in error


def test_an_address_of_the_own_network_can_be_checked_before_it_is_added(
    desk: Any, publisher: Any, news: bytes
) -> None:
    publisher.on("/news", reply(200, news, {"Content-Type": "text/xml"}))
    assert desk.json("feeds", "check", publisher.url("/news"), code=1)["feeds"][0]["failure"] == "address_blocked"
    row = desk.json("feeds", "check", publisher.url("/news"), "--allow-network", "127.0.0.0/8")["feeds"][0]
    assert row["usable"]


def test_the_check_of_a_page_names_the_command_that_finds_its_feeds(desk: Any, publisher: Any, news: bytes) -> None:
    site = _site(publisher, news)
    for given in (site, "page"):
        desk.own_feeds(page=site) if given == "page" else None
        text = desk.run("feeds", "check", given, "--allow-network", "127.0.0.0/8", code=1).stdout
        assert "`monitor feeds add`" in text


FIRST_WORDS = [("missing", reply(404)), ("blocked", reply(403)), ("throttled", reply(429)), ("gone", reply(410))]


@pytest.mark.parametrize(("kind", "answer"), FIRST_WORDS, ids=[kind for kind, _ in FIRST_WORDS])
def test_advice_about_a_new_address_does_not_speak_of_a_feed_that_is_polled(
    desk: Any, publisher: Any, kind: str, answer: Any
) -> None:
    publisher.on("/new", answer)
    options = (publisher.url("/new"), "--allow-network", "127.0.0.0/8")
    error = desk.run("feeds", "add", *options, code=1).stderr
    row = desk.json("feeds", "check", *options, code=1)["feeds"][0]
    assert row["failure"] == kind
    assert row["advice"] in error
    for polled in ("it is asked", "is asked once", "Remove the feed", "for this feed"):
        assert polled not in error


def test_the_folder_must_be_there_before_a_feed_or_watch_can_be_removed(tmp_path: Path) -> None:
    for command in (("feeds", "remove", "x"), ("watches", "remove", "x")):
        result = CliRunner().invoke(app, [*command, "--config", str(tmp_path / "none")])
        assert (result.exit_code, "is not a folder" in result.stderr) == (2, True), result.exception


def test_it_is_told_when_a_site_asked_us_to_come_back_later(desk: Any, publisher: Any, news: bytes) -> None:
    url = _site(publisher, news)
    publisher.on("/all.xml", reply(429))
    error = desk.run("feeds", "add", url, "--yes", "--allow-network", "127.0.0.0/8", code=1).stderr
    assert "! 127.0.0.1 asked us to come back later (429)" in error
    assert "No feed of this site was found." in error
