from __future__ import annotations

import asyncio
import gzip
import socket
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from support.feeds import a_feed, rss
from support.http_server import Answer, FakeServer, drip, hang, head, raw, redirect, reply, reset, vanish
from support.net import http_client

from monitor.feeds.answers import KINDS, STATUSES
from monitor.feeds.fetch import HttpFetcher
from monitor.model import FailureKind, Feed, PollFailure, Secret, Validators
from monitor.net.client import NetKind
from monitor.ports import Fetched, NotModified

URLS = Path(__file__).parents[2] / "../shared/data/protocol/ssrf-urls.txt"

BODY = rss("<guid>1</guid><title>A</title>")
Outcome = Fetched | NotModified | PollFailure
Exchange = Callable[[FakeServer, HttpFetcher], Awaitable[None]]


def with_server(exchange: Exchange, **options: Any) -> None:
    """Run an exchange between a fetcher and a server of its own."""

    async def run() -> None:
        async with FakeServer() as server, http_client() as client:
            await exchange(server, HttpFetcher(client, contact="https://desk.example/", **options))

    asyncio.run(run())


def poll(
    *answers: Answer, times: int = 1, feed: dict[str, Any] | None = None, **options: Any
) -> tuple[list[Outcome], FakeServer]:
    """Return what polls one after another bring, each with the validators of the one before, and the server."""
    outcomes: list[Outcome] = []
    servers: list[FakeServer] = []

    async def exchange(server: FakeServer, fetcher: HttpFetcher) -> None:
        servers.append(server.on("/feed", *answers))
        validators: Validators | None = None
        for _ in range(times):
            outcome = await fetcher.fetch(a_feed(server.url("/feed"), **(feed or {})), validators)
            outcomes.append(outcome)
            if not isinstance(outcome, PollFailure):
                validators = outcome.validators

    with_server(exchange, **options)
    return outcomes, servers[0]


def failure(*answers: Answer, **options: Any) -> PollFailure:
    [outcome], _ = poll(*answers, **options)
    assert isinstance(outcome, PollFailure), outcome
    return outcome


# --- the request itself (cases 1-9) ---------------------------------------------------------------------------------


def test_the_first_request_is_plain_and_says_who_asks() -> None:
    _, server = poll(reply(200, BODY))
    [request] = server.requests
    assert request.names() == {"host", "user-agent", "accept", "accept-encoding"}
    assert request.header("user-agent") == "situation-monitor/0.1.0 (+https://desk.example/)"
    assert request.header("accept-encoding") == "gzip, deflate"
    assert (request.header("accept") or "").rpartition(",")[2].strip().startswith("*/*;q=")


def test_every_request_looks_the_same() -> None:
    _, server = poll(reply(200, BODY), times=3)
    assert len({request.headers for request in server.requests}) == 1


def test_the_address_is_asked_as_it_stands() -> None:
    async def exchange(server: FakeServer, fetcher: HttpFetcher) -> None:
        server.on("/feed", reply(200, BODY))
        for query in ("?b=2&a=1", "?q=%D0%B0+b", ""):
            await fetcher.fetch(a_feed(server.url(f"/feed{query}#part")), None)
        assert [request.target for request in server.requests] == ["/feed?b=2&a=1", "/feed?q=%D0%B0+b", "/feed"]

    with_server(exchange)


def test_cookies_are_never_sent_back() -> None:
    _, server = poll(reply(200, BODY, {"Set-Cookie": "id=1; Path=/"}), times=2)
    assert all(request.header("cookie") is None for request in server.requests)


def test_who_gave_no_contact_says_so() -> None:
    async def exchange() -> None:
        async with FakeServer() as server, http_client() as client:
            server.on("/feed", reply(200, BODY))
            await HttpFetcher(client).fetch(a_feed(server.url("/feed")), None)
            assert "no contact" in (server.requests[0].header("user-agent") or "")

    asyncio.run(exchange())


def test_a_feed_has_its_own_user_agent_and_authorization() -> None:
    _, server = poll(reply(200, BODY), feed={"user_agent": "odd/1", "authorization": Secret("Bearer t")})
    assert server.requests[0].header("user-agent") == "odd/1"
    assert server.requests[0].header("authorization") == "Bearer t"


def test_userinfo_becomes_basic_authorization_and_is_forgotten() -> None:
    async def exchange(server: FakeServer, fetcher: HttpFetcher) -> None:
        server.on("/feed", reply(200, BODY, {"ETag": '"1"'}), redirect("/gone"))
        feed = a_feed(server.url("/feed", userinfo="u:canary@"))
        outcome = await fetcher.fetch(feed, None)
        assert isinstance(outcome, Fetched)
        assert server.requests[0].header("authorization") == "Basic dTpjYW5hcnk="
        assert "canary" not in str(outcome)
        missing = await fetcher.fetch(feed, None)
        assert isinstance(missing, PollFailure)
        assert "canary" not in str(missing)
        assert (
            server.requests[2].header("authorization") == "Basic dTpjYW5hcnk="
        )  # same origin, after a relative redirect

    with_server(exchange)


# --- validators (cases 10-29) ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ({"ETag": '"a"', "Last-Modified": "Wed, 05 Jan 2022 10:00:00 GMT"},
         {"if-none-match": '"a"', "if-modified-since": "Wed, 05 Jan 2022 10:00:00 GMT"}),
        ({"ETag": 'W/"a,b"'}, {"if-none-match": 'W/"a,b"'}),
        ({"ETag": "unquoted"}, {"if-none-match": "unquoted"}),
        ({"ETag": '"caf\xe9"'}, {"if-none-match": '"caf\xe9"'}),
        ({"ETag": '"abc-gzip"', "Vary": "Accept-Encoding"}, {"if-none-match": '"abc-gzip"'}),
        ({"Last-Modified": "wed, 05 jan 2022 10:00:00 +0600"}, {"if-modified-since": "wed, 05 jan 2022 10:00:00 +0600"}),
        ({"Last-Modified": "garbage"}, {"if-modified-since": "garbage"}),
        ({"ETag": '"' + "x" * 5000 + '"', "Last-Modified": "now"}, {"if-modified-since": "now"}),
        ({"ETag": "", "Last-Modified": ""}, {}),
        ({"Date": "Wed, 05 Jan 2022 10:00:00 GMT"}, {}),
        ({"ETag": '"a"', "Cache-Control": "max-age=0, No-Store"}, {}),
        ({}, {}),
    ],
)  # fmt: skip
def test_validators_go_back_byte_for_byte_and_nothing_is_made_up(headers: dict[str, str], sent: dict[str, str]) -> None:
    _, server = poll(reply(200, BODY, headers), times=2)
    conditions = {name.lower(): value for name, value in server.requests[1].headers if name.lower().startswith("if-")}
    assert conditions == sent


def test_the_latest_answer_decides_what_is_asked_next() -> None:
    old, new = {"ETag": '"1"', "Last-Modified": "same"}, {"ETag": '"2"', "Last-Modified": "same"}
    _, server = poll(reply(200, BODY, old), reply(200, BODY, new), reply(200, BODY), times=4)
    assert [request.header("if-none-match") for request in server.requests] == [None, '"1"', '"2"', None]
    assert [request.header("if-modified-since") for request in server.requests] == [None, "same", "same", None]


def test_a_304_is_a_success_that_may_renew_validators() -> None:
    outcomes, server = poll(
        reply(200, BODY, {"ETag": '"1"', "Last-Modified": "x"}), reply(304, b"", {"ETag": '"2"'}), times=3
    )
    assert isinstance(outcomes[1], NotModified)
    assert outcomes[1].validators == Validators(url=server.url("/feed"), etag='"2"', last_modified="x")
    assert server.requests[2].header("if-none-match") == '"2"'
    assert server.requests[2].header("if-modified-since") == "x"


def test_a_304_nobody_asked_for_is_a_failure() -> None:
    assert failure(reply(304)).kind is FailureKind.UNEXPECTED_STATUS


def test_a_304_with_a_location_is_a_304() -> None:
    outcomes, _ = poll(reply(200, BODY, {"ETag": '"1"'}), reply(304, b"", {"Location": "/elsewhere"}), times=2)
    assert isinstance(outcomes[1], NotModified)


def test_validators_belong_to_the_address_that_gave_them() -> None:
    async def exchange(server: FakeServer, fetcher: HttpFetcher) -> None:
        server.on("/feed", redirect("/real", headers={"ETag": '"redirect"'})).on(
            "/real", reply(200, BODY, {"ETag": '"real"'})
        )
        outcome = await fetcher.fetch(a_feed(server.url("/feed")), None)
        assert isinstance(outcome, Fetched)
        assert outcome.validators == Validators(url=server.url("/real"), etag='"real"')
        await fetcher.fetch(a_feed(server.url("/feed")), outcome.validators)
        assert [request.header("if-none-match") for request in server.requests] == [None, None, None, '"real"']

    with_server(exchange)


def test_a_304_to_the_unconditional_hop_of_another_address_is_a_failure() -> None:
    async def exchange(server: FakeServer, fetcher: HttpFetcher) -> None:
        server.on("/feed", reply(304))
        outcome = await fetcher.fetch(
            a_feed(server.url("/feed")), Validators(url="https://www.news.example/feed", etag='"x"')
        )
        assert isinstance(outcome, PollFailure)
        assert server.requests[0].header("if-none-match") is None

    with_server(exchange)


# --- only what is new (cases 75 and 96) -------------------------------------------------------------------------------


def test_differences_are_asked_for_only_together_with_an_etag() -> None:
    _, server = poll(reply(200, BODY, {"ETag": '"1"'}), reply(200, BODY, {"Last-Modified": "x"}), times=3)
    assert [request.header("a-im") for request in server.requests] == [None, "feed", None]


@pytest.mark.parametrize("used", ["feed", "Feed", "gzip, feed", "feed;q=1"])
def test_an_answer_with_only_what_is_new_is_partial_and_its_etag_counts(used: str) -> None:
    difference = reply(226, BODY, {"IM": used, "ETag": '"2"'})
    outcomes, server = poll(reply(200, BODY, {"ETag": '"1"'}), difference, times=3)
    assert isinstance(outcomes[0], Fetched)
    assert isinstance(outcomes[1], Fetched)
    assert (outcomes[0].partial, outcomes[1].partial, outcomes[1].status) == (False, True, 226)
    assert server.requests[2].header("if-none-match") == '"2"'


@pytest.mark.parametrize(
    ("validators", "headers"), [({}, {"IM": "feed"}), ({"Last-Modified": "x"}, {"IM": "feed"}), ({"ETag": '"1"'}, {}), ({"ETag": '"1"'}, {"IM": "vcdiff"})]
)  # fmt: skip
def test_differences_that_nobody_asked_for_are_a_failure(validators: dict[str, str], headers: dict[str, str]) -> None:
    outcomes, _ = poll(reply(200, BODY, validators), reply(226, BODY, headers), times=2)
    assert isinstance(outcomes[1], PollFailure)
    assert outcomes[1].kind is FailureKind.UNEXPECTED_STATUS


# --- where a document lies (case 91) and what it is linked with (case 98) ---------------------------------------------


@pytest.mark.parametrize(
    ("location", "path"),
    [("/real/feed.xml", "/real/feed.xml"), ("real", "/real"), ("https://other.example/x", "/feed"), ("file:///x", "/feed"), ("", "/feed")],
)  # fmt: skip
def test_a_content_location_of_the_same_origin_is_where_relative_links_start(location: str, path: str) -> None:
    [outcome], server = poll(reply(200, BODY, {"Content-Location": location, "ETag": '"1"'}))
    assert isinstance(outcome, Fetched)
    assert outcome.url == server.url(path)
    assert outcome.validators == Validators(url=server.url("/feed"), etag='"1"')


def test_link_headers_are_read_relative_to_the_address_that_answered() -> None:
    links = [("Link", '<https://hub.example/>; rel="hub"'), ("Link", '</self>; rel=self, <1.xml>; rel="prev-archive"')]
    [outcome], server = poll(reply(200, BODY, links))
    assert isinstance(outcome, Fetched)
    assert outcome.links == {
        "hub": ("https://hub.example/",), "self": (server.url("/self"),), "prev-archive": (server.url("/1.xml"),),
    }  # fmt: skip


# --- other addresses of a feed ----------------------------------------------------------------------------------------


def test_another_address_of_a_feed_is_asked_with_its_own_validators_and_without_foreign_credentials() -> None:
    async def exchange(server: FakeServer, fetcher: HttpFetcher) -> None:
        async with FakeServer() as other:
            server.on("*", reply(200, BODY))
            other.on("*", reply(200, BODY))
            feed = a_feed(server.url("/feed", userinfo="u:p@"), user_agent="odd/1")
            given = Validators(url=other.url("/moved"), etag='"1"')
            await fetcher.fetch(feed, given, address=other.url("/moved"))
            await fetcher.fetch(feed, given, address=server.url("/archive/1"))
            [moved], [archive] = other.requests, server.requests
            assert (moved.path, moved.header("if-none-match"), moved.header("authorization")) == ("/moved", '"1"', None)
            assert moved.header("user-agent") == "odd/1"
            assert (archive.path, archive.header("if-none-match")) == ("/archive/1", None)
            assert archive.header("authorization") == "Basic dTpw"

    with_server(exchange)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "http://in:80\\@out/", "", "http://[::1"])
def test_another_address_is_held_to_the_same_rules(address: str) -> None:
    async def exchange(server: FakeServer, fetcher: HttpFetcher) -> None:
        outcome = await fetcher.fetch(a_feed(server.url("/feed")), None, address=address)
        assert isinstance(outcome, PollFailure)
        assert outcome.kind is FailureKind.BAD_URL
        assert server.connections == 0

    with_server(exchange)


def test_who_wants_no_redirects_is_told_where_one_leads() -> None:
    async def exchange(server: FakeServer, fetcher: HttpFetcher) -> None:
        server.on("/feed", redirect("/home"))
        outcome = await fetcher.fetch(a_feed(server.url("/feed")), None, redirects=False)
        assert isinstance(outcome, PollFailure)
        assert (outcome.kind, outcome.moved_to) == (FailureKind.REDIRECT, server.url("/home"))
        assert len(server.requests) == 1

    with_server(exchange)


def test_a_resolver_that_may_know_the_name_later_makes_a_passing_failure() -> None:
    async def ask(errno: int) -> PollFailure:
        async def resolve(host: str, port: int) -> Any:
            raise socket.gaierror(errno, "no")

        async with http_client(resolve=resolve) as client:
            outcome = await HttpFetcher(client).fetch(a_feed("https://news.example/"), None)
            assert isinstance(outcome, PollFailure)
            return outcome

    later, never = asyncio.run(ask(socket.EAI_AGAIN)), asyncio.run(ask(socket.EAI_NONAME))
    assert (later.kind, later.passing, never.kind, never.passing) == (FailureKind.DNS, True, FailureKind.DNS, False)


# --- redirects (cases 51-60) ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hops", "permanent"),
    [
        ([301], "/1"), ([308], "/1"), ([302], None), ([303], None), ([307], None),
        ([301, 302], "/1"), ([301, 308], "/2"), ([302, 301], None), ([301, 301, 302, 301], "/2"),
    ],
)  # fmt: skip
def test_only_the_leading_run_of_permanent_redirects_says_that_a_feed_moved(
    hops: list[int], permanent: str | None
) -> None:
    async def exchange(server: FakeServer, fetcher: HttpFetcher) -> None:
        for number, status in enumerate(hops):
            server.on(f"/{number}", redirect(f"/{number + 1}", status))
        server.on(f"/{len(hops)}", reply(200, BODY))
        outcome = await fetcher.fetch(a_feed(server.url("/0")), None)
        assert isinstance(outcome, Fetched)
        assert outcome.url == server.url(f"/{len(hops)}")
        assert outcome.permanent_target == (server.url(permanent) if permanent else None)
        assert len(server.requests) == len(hops) + 1

    with_server(exchange)


@pytest.mark.parametrize(
    ("location", "path"),
    [("/b", "/b"), ("b?q=1#x", "/b"), ("./x/../b", "/b"), ("?page=2", "/feed"), ("/лента", "/%D0%BB%D0%B5%D0%BD%D1%82%D0%B0"),
     ("/with space", "/with%20space"), (" /b ", "/b")],
)  # fmt: skip
def test_locations_are_resolved_as_browsers_do(location: str, path: str) -> None:
    async def exchange(server: FakeServer, fetcher: HttpFetcher) -> None:
        line = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
        server.on("/feed", raw(line, close=False), reply(200, BODY)).on("*", reply(200, BODY))
        assert isinstance(await fetcher.fetch(a_feed(server.url("/feed")), None), Fetched)
        assert server.requests[1].path == path

    with_server(exchange)


@pytest.mark.parametrize(
    "headers",
    [
        {"Location": "file:///etc/passwd"},
        {"Location": "javascript:alert(1)"},
        {"Location": "data:text/xml,<rss/>"},
        {"Location": "http://in:80\\@out/"},
        {"Location": ""},
        {"Location": "http://[::1"},
        {"Location": "http://news.example:port/"},
        {"Location": "http://"},
        {"Location": "/feed"},
        {},
        [("Location", "/a"), ("Location", "/b")],
    ],
)
def test_redirects_that_lead_nowhere_fail_after_one_request(headers: Any) -> None:
    [outcome], server = poll(reply(302, b"", headers))
    assert isinstance(outcome, PollFailure)
    assert outcome.kind is FailureKind.REDIRECT
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [300, 304, 305, 306])
def test_other_3xx_are_not_followed(status: int) -> None:
    [outcome], server = poll(reply(status, b"", {"Location": "/b"}))
    assert isinstance(outcome, PollFailure)
    assert len(server.requests) == 1


def test_a_circle_and_an_endless_chain_end() -> None:
    async def exchange(server: FakeServer, fetcher: HttpFetcher) -> None:
        server.on("/a", redirect("/b")).on("/b", redirect("/a"))
        circle = await fetcher.fetch(a_feed(server.url("/a")), None)
        assert isinstance(circle, PollFailure)
        assert (circle.kind, len(server.requests)) == (FailureKind.REDIRECT, 2)
        for number in range(9):
            server.on(f"/{number}", redirect(f"/{number + 1}"))
        chain = await fetcher.fetch(a_feed(server.url("/0")), None)
        assert isinstance(chain, PollFailure)
        assert chain.kind is FailureKind.REDIRECT
        assert len(server.requests) == 2 + 6
        assert chain.moved_to == server.url("/6")

    with_server(exchange)


def test_nothing_that_is_ours_travels_to_another_origin() -> None:
    async def exchange(server: FakeServer, fetcher: HttpFetcher) -> None:
        async with FakeServer() as other:
            server.on("/feed", redirect(other.url("/feed", userinfo="given:away@"), headers={"Set-Cookie": "a=b"}))
            other.on("/feed", reply(200, BODY, {"ETag": '"other"'}))
            feed = a_feed(server.url("/feed"), authorization=Secret("Bearer t"))
            outcome = await fetcher.fetch(
                feed, Validators(url=server.url("/feed"), etag='"mine"', last_modified="mine")
            )
            assert isinstance(outcome, Fetched)
            assert server.requests[0].header("authorization") == "Bearer t"
            assert server.requests[0].header("if-none-match") == '"mine"'
            assert other.requests[0].names() == {"host", "user-agent", "accept", "accept-encoding"}

    with_server(exchange)


def test_each_hop_is_guarded() -> None:
    async def exchange(server: FakeServer, fetcher: HttpFetcher) -> None:
        async with FakeServer(host="127.0.0.2") as inside:
            server.on("/feed", redirect(inside.url("/secret")))
            outcome = await fetcher.fetch(a_feed(server.url("/feed"), allow_networks=("127.0.0.1/32",)), None)
            assert isinstance(outcome, PollFailure)
            assert outcome.kind is FailureKind.ADDRESS_BLOCKED
            assert outcome.moved_to == inside.url("/secret")
            assert inside.connections == 0

    with_server(exchange)


def test_https_is_not_given_up_on_the_way(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def exchange() -> None:
        async with (
            FakeServer(tls=context) as secure,
            FakeServer() as plain,
            http_client(ca_file=tmp_path / "ca.pem") as client,
        ):
            secure.on("/feed", redirect(plain.url("/feed")))
            plain.on("/feed", reply(200, BODY)).on("/up", redirect(secure.url("/real")))
            secure.on("/real", reply(200, BODY))
            fetcher = HttpFetcher(client)
            down = await fetcher.fetch(a_feed(secure.url("/feed")), None)
            assert isinstance(down, PollFailure)
            assert down.kind is FailureKind.REDIRECT
            assert plain.requests == []
            up = await fetcher.fetch(a_feed(plain.url("/up"), authorization=Secret("Bearer t")), None)
            assert isinstance(up, Fetched)
            assert secure.to("/real")[0].header("authorization") is None  # https is another origin than http

    asyncio.run(exchange())


def test_a_redirect_that_asks_to_wait_is_not_followed_yet() -> None:
    outcome = failure(redirect("/b", headers={"Retry-After": "60"}))
    assert outcome.kind is FailureKind.REDIRECT
    assert outcome.retry_after == timedelta(seconds=60)


def test_a_failure_after_a_redirect_says_where_it_happened() -> None:
    outcome = failure(redirect("/missing"))
    assert outcome.kind is FailureKind.MISSING
    assert outcome.moved_to is not None
    assert outcome.moved_to.endswith("/missing")


# --- statuses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 203, 299])
def test_successes_by_class_bring_a_document(status: int) -> None:
    [outcome], _ = poll(reply(status, BODY))
    assert isinstance(outcome, Fetched)
    assert (outcome.body, outcome.status) == (BODY, status)


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (204, {}, FailureKind.EMPTY), (206, {}, FailureKind.UNEXPECTED_STATUS), (226, {}, FailureKind.UNEXPECTED_STATUS),
        (400, {}, FailureKind.UNEXPECTED_STATUS), (401, {}, FailureKind.UNAUTHORIZED), (403, {}, FailureKind.BLOCKED),
        (404, {}, FailureKind.MISSING), (407, {}, FailureKind.UNAUTHORIZED), (408, {}, FailureKind.TIMEOUT),
        (410, {}, FailureKind.GONE), (429, {}, FailureKind.THROTTLED), (451, {}, FailureKind.BLOCKED),
        (471, {}, FailureKind.UNEXPECTED_STATUS), (500, {}, FailureKind.SERVER_ERROR), (503, {}, FailureKind.SERVER_ERROR),
        (503, {"Retry-After": "5"}, FailureKind.THROTTLED), (503, {"Retry-After": "soon"}, FailureKind.SERVER_ERROR),
        (599, {}, FailureKind.SERVER_ERROR), (600, {}, FailureKind.UNEXPECTED_STATUS), (999, {}, FailureKind.UNEXPECTED_STATUS),
        (403, {"CF-Mitigated": "challenge"}, FailureKind.CHALLENGE), (503, {"cf-mitigated": "challenge"}, FailureKind.CHALLENGE),
    ],
)  # fmt: skip
def test_statuses_are_classes_of_failure(status: int, headers: dict[str, str], kind: FailureKind) -> None:
    outcome = failure(reply(status, b"<html>no</html>" if status not in {204, 304} else b"", headers))
    assert (outcome.kind, outcome.status) == (kind, status)
    assert str(status) in outcome.reason


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
def test_retry_after_is_read_from_every_failure(status: int) -> None:
    assert failure(reply(status, b"", {"Retry-After": "120"})).retry_after == timedelta(seconds=120)
    dated = {"Retry-After": "Fri, 07 Jan 2022 12:02:00 GMT", "Date": "Fri, 07 Jan 2022 12:00:00 GMT"}
    assert failure(reply(status, b"", dated)).retry_after == timedelta(minutes=2)
    assert failure(reply(status, b"", {"Retry-After": "tomorrow"})).retry_after is None


def test_every_status_of_the_table_has_its_own_sentence() -> None:
    sentences = [sentence for _, sentence in STATUSES.values()]
    assert len(set(sentences)) == len(sentences)


def test_every_kind_of_network_failure_is_a_kind_of_poll_failure() -> None:
    assert set(KINDS) == set(NetKind)


# --- bodies and time (cases 77-82) ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (raw(head(200, {"Content-Length": "1000"}) + BODY), FailureKind.INCOMPLETE),
        (raw(head(200, {"Transfer-Encoding": "chunked"}) + b"5\r\n<rss>\r\n"), FailureKind.INCOMPLETE),
        (reset(), FailureKind.PROTOCOL),
        (vanish(), FailureKind.PROTOCOL),
        (reply(200, BODY, {"Content-Encoding": "foo"}), FailureKind.BAD_ENCODING),
        (reply(200, BODY, {"Content-Encoding": "br"}), FailureKind.BAD_ENCODING),
        (reply(200, BODY * 1000), FailureKind.TOO_LARGE),
        (reply(200, gzip.compress(bytes(3 << 20)), {"Content-Encoding": "gzip"}), FailureKind.TOO_LARGE),
        (hang(), FailureKind.TIMEOUT),
        (drip(head(200, {"Content-Length": "9999"}), b" "), FailureKind.TIMEOUT),
        (drip(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"), FailureKind.TIMEOUT),
        (raw(head(200, {"X": "y" * 150_000})), FailureKind.PROTOCOL),
    ],
)
def test_what_is_broken_large_or_slow_is_given_up(answer: Answer, kind: FailureKind) -> None:
    assert failure(answer, deadline=timedelta(seconds=0.5), max_body=100_000).kind is kind


def test_the_deadline_is_for_all_hops_together() -> None:
    async def exchange(server: FakeServer, fetcher: HttpFetcher) -> None:
        async def slow_redirect(request: Any, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.2)
            await redirect(f"{request.path}x")(request, writer)

        server.on("*", slow_redirect)
        started = time.monotonic()
        outcome = await fetcher.fetch(a_feed(server.url("/a")), None)
        assert isinstance(outcome, PollFailure)
        assert outcome.kind is FailureKind.TIMEOUT
        assert time.monotonic() - started < 2

    with_server(exchange, deadline=timedelta(seconds=0.5))


def test_after_content_that_cannot_be_decoded_plain_bytes_are_asked_for_once() -> None:
    broken = reply(200, BODY, {"Content-Encoding": "gzip"})
    outcomes, server = poll(broken, reply(200, BODY), times=3)
    assert isinstance(outcomes[0], PollFailure)
    assert isinstance(outcomes[1], Fetched)
    codings = [request.header("accept-encoding") for request in server.requests]
    assert codings == ["gzip, deflate", "identity", "gzip, deflate"]


@pytest.mark.parametrize(
    ("answer", "complete"),
    [
        (raw(head(200, {"ETag": '"1"'}) + BODY), True),  # the document itself says that it is whole
        (raw(head(200, {"ETag": '"1"'}) + BODY + b"\n<!-- cached -->"), True),
        (raw(head(200, {"ETag": '"1"'}) + BODY[:-20]), False),
        (raw(head(200, {"ETag": '"1"', "Content-Encoding": "gzip"}) + gzip.compress(BODY[:-20])), True),
        (reply(200, BODY[:-20], {"ETag": '"1"'}), True),
    ],
)
def test_a_document_that_may_be_cut_gives_no_validators(answer: Answer, complete: bool) -> None:
    [outcome], _ = poll(answer)
    assert isinstance(outcome, Fetched)
    assert outcome.complete is complete
    assert (outcome.validators is not None) is complete


def test_the_answer_says_how_long_it_is_fresh_also_when_it_is_a_304() -> None:
    outcomes, _ = poll(
        reply(200, BODY, {"ETag": '"1"', "Cache-Control": "max-age=600", "Age": "100"}),
        reply(304, b"", {"Cache-Control": "max-age=300"}),
        times=2,
    )
    assert isinstance(outcomes[0], Fetched)
    assert outcomes[0].pace.max_age == timedelta(seconds=500)
    assert isinstance(outcomes[1], NotModified)
    assert outcomes[1].pace.max_age == timedelta(seconds=300)


@pytest.mark.parametrize(
    ("feed", "kind"),
    [
        (a_feed("file:///etc/passwd"), FailureKind.BAD_URL),
        (a_feed("http://1.0.0.127\\@127.0.0.1/"), FailureKind.BAD_URL),
        (a_feed("http://"), FailureKind.BAD_URL),
        (a_feed("http://[::1"), FailureKind.BAD_URL),
        (a_feed("http://127.0.0.1/", allow_networks=()), FailureKind.ADDRESS_BLOCKED),
        (a_feed("http://127.1/", allow_networks=()), FailureKind.ADDRESS_BLOCKED),
        (a_feed("http://127.0.0.1:1/"), FailureKind.CONNECT),
        (a_feed("http://news.example/", proxy=Secret("socks5://127.0.0.1:1")), FailureKind.BAD_URL),
        (a_feed("http://127.0.0.1:1/", user_agent="Ж"), FailureKind.BAD_URL),
    ],
)
def test_addresses_that_cannot_be_asked_fail_in_their_own_way(feed: Feed, kind: FailureKind) -> None:
    async def exchange() -> None:
        async with http_client() as client:
            outcome = await HttpFetcher(client).fetch(feed, None)
            assert isinstance(outcome, PollFailure)
            assert outcome.kind is kind, outcome

    asyncio.run(exchange())


@pytest.mark.skipif(not URLS.exists(), reason="the list of URLs is not part of the project")
def test_no_url_of_the_request_forgery_list_is_reached_as_feed_or_by_redirect() -> None:
    lines = [line.split("#")[0].split() for line in URLS.read_text().splitlines()]
    urls = [line[0] for line in lines if line]

    async def exchange(server: FakeServer, fetcher: HttpFetcher) -> None:
        async with FakeServer(host="127.0.0.2") as inside:
            for number, url in enumerate([*urls, inside.url("/")]):
                feed = await fetcher.fetch(a_feed(url, allow_networks=()), None)
                assert isinstance(feed, PollFailure), url
                location = f"HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n".encode()
                server.on(f"/{number}", raw(location, close=False))
                hop = await fetcher.fetch(a_feed(server.url(f"/{number}"), allow_networks=("127.0.0.1/32",)), None)
                assert isinstance(hop, PollFailure), url
                assert hop.kind in {
                    FailureKind.REDIRECT,
                    FailureKind.ADDRESS_BLOCKED,
                    FailureKind.DNS,
                    FailureKind.CONNECT,
                }, hop
            assert inside.connections == 0
        assert len(server.requests) == len(urls) + 1

    with_server(exchange)
