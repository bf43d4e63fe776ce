"""Conformance cases 1-9: the request itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from conformance.desk import Desk, minutes, page
from conformance.running import watching
from support.feeds import rss
from support.http_server import redirect, reply

from monitor import __version__
from monitor.errors import SettingsError

ATOM = "http://www.w3.org/2005/Atom"


def test_case_001_a_first_fetch_is_one_get_without_conditions(desk: Desk) -> None:
    desk.serve(reply(200, page("a"), {"ETag": '"1"'}))
    desk.poll()
    (request,) = desk.requests
    assert request.method == "GET"
    assert not [name for name in request.names() if name.startswith("if-")]
    assert request.body == b""


def test_case_002_every_request_says_who_we_are_in_the_same_words(desk: Desk) -> None:
    link = f'<link xmlns="{ATOM}" rel="prev-archive" href="/archive"/>'
    desk.serve(reply(200, page("a")), redirect("/there"), reply(200, page("z", channel=link)))
    desk.serve(reply(200, page("b")), path="/there")
    desk.serve(reply(200, page("a")), path="/archive")
    desk.polls(3)
    assert [request.path for request in desk.requests] == ["/feed", "/feed", "/there", "/feed", "/archive"]
    assert set(desk.sent("user-agent")) == {f"situation-monitor/{__version__} (+https://desk.example/contact)"}


@pytest.mark.parametrize(
    ("configured", "asked"),
    [("/feed", "/feed"), ("/feed?format=rss&x", "/feed?format=rss&x"), ("/feed#news", "/feed"), ("/feed?", "/feed?")],
)
def test_case_003_nothing_is_added_to_the_configured_address(desk: Desk, configured: str, asked: str) -> None:
    desk.serve(reply(200, page("a"), {"ETag": '"1"'}), reply(304))
    desk.feed(desk.server.url(configured))
    desk.polls(3)
    assert {request.target for request in desk.requests} == {asked}


def test_case_004_cookies_are_never_sent_back(desk: Desk) -> None:
    cookie = ("Set-Cookie", "session=1; Path=/")
    desk.serve(reply(200, page("a"), [cookie]), redirect("/there", 302, [cookie]))
    desk.serve(reply(200, page("ba")), path="/there")
    desk.polls(3)
    assert len(desk.requests) == 5
    assert set(desk.sent("cookie")) == {None}


def test_case_005_no_referrer_and_no_origin_not_even_after_a_redirect(desk: Desk) -> None:
    desk.serve(redirect("/there"))
    desk.serve(reply(200, page("a")), path="/there")
    desk.polls(2)
    assert len(desk.requests) == 4
    assert {*desk.sent("referer"), *desk.sent("origin")} == {None}


def test_case_006_feed_types_are_asked_for_first_and_only_codings_that_are_decoded_with_a_bound(desk: Desk) -> None:
    desk.serve(reply(200, page("a")))
    desk.poll()
    (accept,), (codings,) = desk.sent("accept"), desk.sent("accept-encoding")
    assert accept is not None
    assert codings is not None
    types = [each.strip() for each in accept.split(",")]
    assert {"application/rss+xml", "application/atom+xml"} <= set(types)
    assert types[-1].startswith("*/*;q=0.")
    assert set(codings.split(", ")) <= {"gzip", "deflate", "identity"}


def test_case_007_the_environment_chooses_no_proxy_and_no_password(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, desk.other.url())
    desk.serve(reply(200, page("a")))
    desk.poll()
    assert desk.titles() == "a"
    assert desk.sent("authorization") == [None]
    assert not desk.other.requests


def test_case_008_credentials_go_to_their_origin_and_nowhere_else(desk: Desk) -> None:
    desk.feed(desk.server.url("/feed", userinfo="reader:pa55word@"))
    desk.serve(redirect("/here"), redirect(desk.other.url("/feed")), reply(500))
    desk.serve(reply(200, page("a")), path="/here")
    desk.serve(reply(200, page("a")), server=desk.other)
    results = desk.polls(3)
    assert desk.sent("authorization") == ["Basic cmVhZGVyOnBhNTV3b3Jk"] * 4
    assert [request.header("authorization") for request in desk.other.requests] == [None]
    seen = repr([(each.entries, each.document, each.state.failure, each.state.validators) for each in results])
    assert desk.failure().reason in seen
    assert "pa55word" not in seen
    assert "cmVhZGVy" not in seen


def test_case_008_no_credentials_in_logs_status_or_webhooks(
    desk: Desk, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    item = "<guid>p</guid><title>A protest</title><link>/p</link><pubDate>Wed, 05 Jan 2022 12:00:00 GMT</pubDate>"
    desk.serve(reply(200, rss(item)), reply(500))
    with watching(desk, tmp_path) as service:
        service.configure({"news": {"path": "/feed", "authorization": "Basic cmVhZGVyOnBhNTV3b3Jk"}})
        service.start()
        service.advance(minutes(30))
        seen = f"{service.call('status')} {service.told()} {capfd.readouterr()}"
    assert "Basic cmVhZGVyOnBhNTV3b3Jk" in desk.sent("authorization")
    assert "feed failed" in seen
    assert desk.server.url("/p") in seen
    assert "cmVhZGVy" not in seen


def test_case_008_an_address_that_holds_a_password_is_refused_in_the_files(desk: Desk, tmp_path: Path) -> None:
    with watching(desk, tmp_path) as service:
        service.configure({"news": {"url": "https://reader:pa55word@news.example/feed"}})
        with pytest.raises(SettingsError, match="move it to `authorization:`") as refused:
            service.settings()
    assert "pa55word" not in str(refused.value)


def test_case_009_a_feed_that_five_watches_use_is_fetched_once(desk: Desk, tmp_path: Path) -> None:
    desk.serve(reply(200, page("a")))
    with watching(desk, tmp_path) as service:
        service.configure({"news": {"path": "/feed"}})
        names = "".join(f"- {{name: w{number}, title: W, any: [protest]}}\n" for number in range(5))
        (tmp_path / "config/watches.yaml").write_text(f"watches:\n{names}")
        service.start()
        service.advance(minutes(1))
    assert len(desk.times()) == 1
