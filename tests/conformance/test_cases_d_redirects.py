"""Conformance cases 51-60: redirects."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from conformance.desk import Desk, Requests, days, hours, minutes, page
from conformance.running import watching
from support.feeds import rss
from support.http_server import Answer, FakeServer, raw, redirect, reply

from monitor.feeds.moved import FOREIGN, MOVED
from monitor.model import FailureKind, Secret
from monitor.net.client import Http


def paths(desk: Desk) -> list[str]:
    return [request.path for request in desk.requests]


@pytest.mark.parametrize("status", [302, 303, 307])
def test_case_051_a_temporary_redirect_is_followed_and_forgotten(desk: Desk, status: int) -> None:
    desk.feed(pace=hours(6), floor=hours(6))
    desk.serve(redirect("/there", status))
    desk.serve(reply(200, page("a"), {"ETag": '"1"'}), path="/there")
    desk.polls(15)
    assert paths(desk) == ["/feed", "/there"] * 15
    assert (desk.state().moved_to, desk.state().warning) == (None, None)


@pytest.mark.parametrize("status", [301, 308])
def test_case_052_a_permanent_redirect_is_believed_after_ten_polls_over_two_days(desk: Desk, status: int) -> None:
    desk.feed(pace=hours(6), floor=hours(6))
    desk.serve(redirect("/there", status))
    desk.serve(reply(200, page("a"), {"ETag": '"1"'}), path="/there")
    desk.poll()
    assert desk.state().warning is None
    begun = desk.now()
    while desk.state().warning is None:
        desk.poll()
    assert len(desk.times()) >= 10
    assert desk.now() - begun >= hours(48)
    assert desk.state().warning == f"{MOVED}; please write its new address into feeds.yaml: {desk.server.url('/there')}"
    desk.requests.clear()
    desk.polls(3)
    assert paths(desk).count("/there") == 3
    assert paths(desk).count("/feed") <= 1  # the daily look whether it is still so
    assert desk.state().url == desk.server.url("/feed")


def test_case_052_a_portal_of_two_days_teaches_nothing_that_lasts(desk: Desk) -> None:
    desk.feed(pace=hours(6), floor=hours(6))
    desk.serve(redirect("/there", 301))
    desk.serve(reply(200, page("a"), {"ETag": '"1"'}), path="/there")
    while desk.state().warning is None:
        desk.poll()
    desk.serve(reply(200, page("a"), {"ETag": '"1"'}))
    begun = desk.now()
    while desk.state().warning:
        desk.poll()
    assert desk.now() - begun <= days(1) + hours(6)
    assert desk.state().moved_to is None


@pytest.mark.parametrize("status", [301, 308])
def test_case_053_a_move_to_a_page_or_to_another_feed_is_not_learnt_but_told(desk: Desk, status: int) -> None:
    desk.feed(pace=hours(6), floor=hours(6))
    desk.serve(reply(200, page("cba"), {"ETag": '"1"'}), redirect("/parked", status))
    desk.serve(
        reply(200, b"<!doctype html><html><body>This domain is for sale</body></html>"),
        reply(200, page("zyx"), {"ETag": '"2"'}),
        path="/parked",
    )
    desk.polls(2)
    assert desk.failure().kind is FailureKind.NOT_A_FEED
    desk.polls(15)
    assert desk.times("/feed")[-1] == desk.times("/parked")[-1]
    assert FOREIGN in (desk.state().warning or "")
    assert desk.state().gaps == 0


def test_case_054_only_the_leading_permanent_hops_count(desk: Desk) -> None:
    desk.feed(pace=hours(6), floor=hours(6))
    desk.serve(redirect("/moved", 301))
    desk.serve(redirect("/today", 302), path="/moved")
    desk.serve(reply(200, page("a"), {"ETag": '"1"'}), path="/today")
    while desk.state().warning is None:
        desk.poll()
    assert desk.state().moved_to == desk.server.url("/moved")
    desk.requests.clear()
    desk.poll()
    assert paths(desk) == ["/moved", "/today"]


@pytest.mark.parametrize(
    ("hops", "asked"),
    [
        pytest.param({"/feed": "/feed"}, 1, id="to itself"),
        pytest.param({"/feed": "/b", "/b": "/c", "/c": "/b"}, 3, id="loop"),
        pytest.param({"/feed": "/1", **{f"/{n}": f"/{n + 1}" for n in range(1, 20)}}, 6, id="endless"),
    ],
)
def test_case_055_loops_and_long_chains_end_with_one_request_per_hop(
    desk: Desk, hops: dict[str, str], asked: int
) -> None:
    for path, target in hops.items():
        desk.serve(redirect(target), path=path)
    desk.poll()
    assert desk.failure().kind is FailureKind.REDIRECT
    assert len(desk.requests) == len(set(paths(desk))) == asked


def test_case_056_another_origin_sees_no_validators_and_no_credentials(desk: Desk) -> None:
    desk.feed(authorization=Secret("Bearer pa55"))
    desk.serve(reply(200, page("a"), {"ETag": '"1"', "Set-Cookie": "a=b"}), redirect(desk.other.url("/feed")))
    desk.serve(reply(200, page("ba")), server=desk.other)
    desk.polls(2)
    assert desk.titles() == "b"
    assert [desk.sent("if-none-match")[1], desk.sent("authorization")[1]] == ['"1"', "Bearer pa55"]
    (elsewhere,) = desk.other.requests
    assert elsewhere.names() == {"host", "user-agent", "accept", "accept-encoding"}


def test_case_056_each_hop_is_checked_like_the_first(desk: Desk) -> None:
    desk.feed(allow_networks=(f"{desk.server.host}/32",))
    for target in (f"http://127.0.0.2:{desk.other.port}/feed", f"http://[::ffff:127.0.0.2]:{desk.other.port}/feed"):
        desk.serve(redirect(target))
        desk.poll()
        assert desk.failure().kind is FailureKind.ADDRESS_BLOCKED
    assert not desk.other.requests


@pytest.fixture(name="secure")
def secure_fixture(desk: Desk, tmp_path: Path) -> Iterator[FakeServer]:
    """A server with TLS, and a client that trusts it."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server = FakeServer(tls=context, requests=Requests(desk.now))
    house, desk.house = desk.house, replace(desk.house, http=Http(ca_file=tmp_path / "ca.pem"))
    desk.run(server.__aenter__())
    yield server
    desk.run(server.__aexit__(None, None, None))
    desk.run(desk.house.http.aclose())
    desk.house = house


def test_case_056_no_way_leads_from_https_to_http(desk: Desk, secure: FakeServer) -> None:
    desk.feed(secure.url("/feed"))
    desk.serve(redirect(desk.server.url("/feed")), server=secure)
    desk.serve(reply(200, page("a")))
    desk.poll()
    assert "unprotected" in desk.failure().reason
    assert not desk.requests
    desk.serve(redirect("/there"), server=secure)
    desk.serve(reply(200, page("a")), path="/there", server=secure)
    desk.poll()
    assert desk.titles() == "a"


@pytest.mark.parametrize("target", ["//127.0.0.1:{port}/there", "there", "./there", "http://127.0.0.1:{port}/there#x"])
def test_case_057_a_location_is_resolved_against_the_address_that_gave_it(desk: Desk, target: str) -> None:
    desk.serve(redirect(target.format(port=desk.server.port)))
    desk.serve(reply(200, page("a")), path="/there")
    desk.poll()
    assert (desk.titles(), desk.requests[-1].target) == ("a", "/there")


def test_case_057_a_location_in_cyrillic_is_encoded(desk: Desk) -> None:
    desk.serve(redirect("/новости".encode().decode("latin-1")))
    desk.serve(reply(200, page("a")), path="*")
    desk.poll()
    assert desk.requests[-1].target == "/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8"


@pytest.mark.parametrize(
    "locations",
    [
        ["file:///etc/passwd"],
        ["javascript:alert(1)"],
        ["data:text/xml,<rss/>"],
        ["http://"],
        ["http://[::1"],
        ["\\\\evil.example/"],
        ["http://a.example:99999999/"],
        [""],
        [],
        ["/a", "/b"],
    ],
    ids=str,
)
def test_case_057_a_location_that_leads_nowhere_is_refused(desk: Desk, locations: list[str]) -> None:
    desk.serve(reply(302, b"", [("Location", location) for location in locations]))
    desk.poll()
    assert desk.failure().kind in {FailureKind.REDIRECT, FailureKind.BAD_URL}
    assert len(desk.requests) == 1


def test_case_058_300_is_a_failure_and_304_with_a_location_is_a_304(desk: Desk) -> None:
    there = {"Location": "/there"}
    desk.serve(reply(200, page("a"), {"ETag": '"1"'}), reply(304, headers=there), reply(300, b"<ul>", there))
    desk.polls(2)
    assert desk.state().failure is None
    desk.poll()
    assert desk.failure().kind is FailureKind.REDIRECT
    assert "/there" not in paths(desk)


def test_case_059_two_subscriptions_that_lead_to_one_address_keep_their_settings(desk: Desk) -> None:
    desk.configure()
    for name, pace in (("old", minutes(5)), ("new", minutes(20))):
        desk.feed(desk.server.url(f"/{name}"), id=name, name=name, pace=pace)
        desk.serve(redirect("/one", 301), path=f"/{name}")
    desk.serve(reply(200, page("a"), {"ETag": '"1"'}), path="/one")
    for name, pace in (("old", minutes(5)), ("new", minutes(20))):
        desk.poll(name)
        assert desk.titles() == "a"
        assert desk.rest(name) == pace
        assert (desk.state(name).url, desk.state(name).failure) == (desk.server.url(f"/{name}"), None)


def test_case_059_what_both_subscriptions_show_is_told_once(desk: Desk, tmp_path: Path) -> None:
    item = "<guid>p</guid><title>A protest</title><link>/p</link><pubDate>Wed, 05 Jan 2022 12:00:00 GMT</pubDate>"
    for name in ("old", "new"):
        desk.serve(redirect("/one", 301), path=f"/{name}")
    desk.serve(reply(200, rss(item), {"ETag": '"1"'}), path="/one")
    with watching(desk, tmp_path) as service:
        service.configure({"old": {}, "new": {}})
        service.start()
        service.advance(minutes(30))
        told = [event["data"]["headline"] for event in service.told() if event["type"] == "alert.story"]
        assert {state.failure for state in service.states().values()} == {None}
    assert len(desk.times("/one")) >= 10
    assert told == ["A protest"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_case_060_a_redirect_that_asks_to_wait_is_not_followed_before(desk: Desk, status: int) -> None:
    desk.serve(redirect("/there", status, {"Retry-After": "1800"}), redirect("/there", status))
    desk.serve(reply(200, page("a")), path="/there")
    desk.poll()
    assert paths(desk) == ["/feed"]
    assert desk.rest() >= minutes(30)
    desk.poll()
    assert desk.titles() == "a"


@pytest.mark.parametrize("answer", [raw(b"HTTP/1.1 302 Found\r\n\r\n"), raw(b"HTTP/1.1 301\r\nLocation: \r\n\r\n")])
def test_case_057_a_redirect_without_a_target_is_a_failure_and_no_crash(desk: Desk, answer: Answer) -> None:
    desk.serve(answer)
    desk.poll()
    assert desk.failure()
