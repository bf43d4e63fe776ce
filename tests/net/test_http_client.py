from __future__ import annotations

import asyncio
import gzip
import random
import time
import tracemalloc
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.http_server import Answer as Script
from support.http_server import FakeServer, drip, hang, head, pour, raw, reply, reset, vanish
from support.net import get, http_client

from monitor.model import Secret
from monitor.net.client import MAX_HEADERS, PREFIX, Answer, NetFailure, NetKind
from monitor.net.urls import origin, redact

SHORT = timedelta(seconds=0.4)


def ask(answer: Script, **options: Any) -> Answer | NetFailure:
    """Return what the client makes of one scripted answer."""

    async def exchange() -> Answer | NetFailure:
        async with FakeServer() as server, http_client() as client:
            server.on("/x", answer)
            return await get(client, server.url("/x"), **options)

    return asyncio.run(exchange())


def coded(body: bytes, coding: str, status: int = 200) -> Script:
    return reply(status, body, {"Content-Encoding": coding})


def packed(data: bytes, level: int = 9) -> bytes:
    return gzip.compress(data, level, mtime=0)  # the same bytes in every process: they are part of the tests' names


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


DOCUMENT = "Жаңалықтар / Новости ".encode() * 200


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (DOCUMENT, "identity"),
        (packed(DOCUMENT), "gzip"),
        (packed(DOCUMENT), "X-GZIP"),
        (packed(DOCUMENT[:50]) + packed(DOCUMENT[50:]), "gzip"),
        (packed(DOCUMENT) + b"trailing garbage", "gzip"),
        (zlib.compress(DOCUMENT), "deflate"),
        (raw_deflate(DOCUMENT), "deflate"),
        (packed(packed(DOCUMENT)), "gzip, gzip"),
        (packed(zlib.compress(DOCUMENT)), "deflate,,identity, gzip"),
    ],
)
def test_codings_are_undone(body: bytes, coding: str) -> None:
    answer = ask(coded(body, coding))
    assert isinstance(answer, Answer), answer
    assert answer.body == DOCUMENT
    assert answer.complete


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (coded(DOCUMENT, "gzip"), NetKind.BAD_ENCODING),
        (coded(DOCUMENT, "deflate"), NetKind.BAD_ENCODING),
        (coded(DOCUMENT, "br"), NetKind.BAD_ENCODING),
        (coded(DOCUMENT, "zstd"), NetKind.BAD_ENCODING),
        (coded(DOCUMENT, "foo"), NetKind.BAD_ENCODING),
        (coded(packed(b"x"), "gzip, gzip, gzip, gzip"), NetKind.BAD_ENCODING),
        (coded(packed(b"") * 1500, "gzip"), NetKind.BAD_ENCODING),
        (coded(packed(DOCUMENT)[:-20], "gzip"), NetKind.INCOMPLETE),
        (coded(zlib.compress(DOCUMENT)[:1], "deflate"), NetKind.INCOMPLETE),
        (raw(head(200, {"Content-Length": "1000"}) + b"x" * 900), NetKind.INCOMPLETE),
        (raw(head(200, {"Transfer-Encoding": "chunked"}) + b"5\r\nhello\r\n"), NetKind.INCOMPLETE),
        (reset(head(200, {"Content-Length": "10"}) + b"abc"), NetKind.INCOMPLETE),
        (reply(200, b"x" * (1 << 20) + b"y"), NetKind.TOO_LARGE),
        (raw(head(200, {"Content-Length": "1000000000000"})), NetKind.TOO_LARGE),
        (pour(head(200), b"x" * 65536, 100), NetKind.TOO_LARGE),
        (coded(packed(b"\0" * (1 << 20) + b"x"), "gzip"), NetKind.TOO_LARGE),
        (coded(packed(random.Random(1).randbytes(700_000).hex().encode(), 1), "gzip"), NetKind.TOO_LARGE),
        (vanish(), NetKind.PROTOCOL),
        (raw(b"SSH-2.0-OpenSSH\r\n\r\n"), NetKind.PROTOCOL),
        (raw(b"HTTP/1.1 OK\r\n\r\n"), NetKind.PROTOCOL),
        (raw(head(200, [("Content-Length", "1"), ("Content-Length", "2")]) + b"xx"), NetKind.PROTOCOL),
        (raw(head(200, {"X": "y" * 200_000})), NetKind.PROTOCOL),
        (reply(200, b"", [(f"X-{number}", "y") for number in range(3000)]), NetKind.PROTOCOL),
    ],
)
def test_answers_that_are_no_use_become_values(answer: Script, kind: NetKind) -> None:
    outcome = ask(answer)
    assert isinstance(outcome, NetFailure), outcome
    assert outcome.kind is kind, outcome
    assert outcome.reason.endswith(".")
    assert outcome.sent


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (hang(), "had not answered"),
        (drip(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"), "had not answered"),
        (drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), "had not answered"),
        (drip(head(200, {"Content-Length": "99999"}), b"x"), "to its end"),
        (drip(head(200, {"Transfer-Encoding": "chunked"}), b"1\r\nx\r\n"), "to its end"),
    ],
)
def test_the_deadline_ends_every_exchange_however_lively(answer: Script, words: str) -> None:
    started = time.monotonic()
    outcome = ask(answer, deadline=SHORT)
    assert isinstance(outcome, NetFailure)
    assert outcome.kind is NetKind.TIMEOUT
    assert words in outcome.reason
    assert outcome.sent
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("coding", ["gzip", "gzip, gzip", "deflate"])
def test_a_bomb_is_given_up_before_it_unfolds(coding: str) -> None:
    packer = zlib.compressobj(9, wbits=31 if "gzip" in coding else 15)
    zeros = bytes(1 << 20)
    bomb = b"".join(packer.compress(zeros) for _ in range(100)) + packer.flush()
    if coding == "gzip, gzip":
        bomb = packed(bomb)
    tracemalloc.start()
    try:
        outcome = ask(coded(bomb, coding), max_body=15 << 20, deadline=timedelta(seconds=10))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(outcome, NetFailure)
    assert outcome.kind is NetKind.TOO_LARGE
    assert "bomb" in outcome.reason
    assert peak < 32 << 20


def test_a_bomb_in_the_outer_coding_is_counted_although_the_inner_one_has_ended() -> None:
    outcome = ask(coded(packed(packed(b"hello") + bytes(30 << 20)), "gzip, gzip"), max_body=15 << 20)
    assert isinstance(outcome, NetFailure)
    assert outcome.kind is NetKind.TOO_LARGE


@pytest.mark.parametrize(
    ("body", "complete"), [(raw(head(200) + b"hello"), False), (raw(head(200, {"Content-Encoding": "gzip"}) + packed(b"hello")), True)]
)  # fmt: skip
def test_without_a_stated_length_only_the_end_of_compressed_data_is_certain(body: Script, complete: bool) -> None:
    answer = ask(body)
    assert isinstance(answer, Answer)
    assert (answer.body, answer.complete) == (b"hello", complete)


@pytest.mark.parametrize(
    ("answer", "body", "complete"),
    [
        (reply(200, b"ok"), b"ok", True),
        (reply(500, b"x" * 100_000), b"x" * PREFIX, False),
        (raw(head(202, {"Content-Length": "10"}) + b"abc"), b"abc", False),
        (drip(head(200, {"Content-Length": "99"}), b"", every=0.05), b"", False),
        (coded(b"not gzip", "gzip"), b"", True),
        (coded(b"not known", "br"), b"", True),
        (coded(packed(b"told"), "gzip"), b"told", True),
    ],
)
def test_a_prefix_is_enough_where_the_status_counts(answer: Script, body: bytes, complete: bool) -> None:
    outcome = ask(answer, read="prefix", deadline=timedelta(seconds=0.6))
    assert isinstance(outcome, Answer), outcome
    assert (outcome.body, outcome.complete) == (body, complete)


@pytest.mark.parametrize("status", [301, 404, 500])
def test_the_body_of_an_unsuccessful_answer_cannot_do_harm(status: int) -> None:
    answer = ask(coded(packed(bytes(50 << 20)), "gzip", status))
    assert isinstance(answer, Answer)
    assert answer.status == status


def test_nothing_is_added_kept_or_sent_back() -> None:
    async def exchange() -> None:
        async with FakeServer() as server, http_client() as client:
            server.on("/", reply(200, b"", {"Set-Cookie": "id=1; Path=/", "Location": "/elsewhere"}))
            for _ in range(2):
                await get(client, server.url("/?q=1#part"), headers=[("User-Agent", "test/1"), ("X-Odd", "caf\xe9")])
            assert [request.names() for request in server.requests] == [{"host", "user-agent", "x-odd"}] * 2
            assert server.requests[0].target == "/?q=1"
            assert server.requests[0].header("x-odd") == "caf\xe9"
            assert server.connections == 1

    asyncio.run(exchange())


def test_environment_proxies_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    async def exchange() -> None:
        async with FakeServer() as proxy, FakeServer() as server, http_client() as client:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.url())
            server.on("/", reply(200, b"direct"))
            answer = await get(client, server.url())
            assert isinstance(answer, Answer)
            assert answer.body == b"direct"
            assert proxy.connections == 0

    asyncio.run(exchange())


def test_credentials_in_the_url_become_basic_authorization_and_leave_the_target() -> None:
    async def exchange() -> None:
        async with FakeServer() as server, http_client() as client:
            server.on("/", reply(200))
            await get(client, server.url(userinfo="user:p%40ss@"))
            await get(client, server.url(userinfo="user:pass@"), headers={"Authorization": "Bearer t"})
            assert server.requests[0].header("authorization") == "Basic dXNlcjpwQHNz"
            assert server.requests[1].header("authorization") == "Bearer t"
            assert "user" not in str(server.requests[0].headers)

    asyncio.run(exchange())


@pytest.mark.parametrize(
    "lines", [{"X-Bad": "a\r\nInjected: yes"}, {"X-Bad": "Ж"}, {"X-Жад": "a"}, {"X Y": "a"}, {"X": "\0"}]
)
def test_headers_that_cannot_be_sent_are_refused_without_a_word_on_the_wire(lines: dict[str, str]) -> None:
    async def exchange() -> None:
        async with FakeServer() as server, http_client() as client:
            outcome = await get(client, server.url(), headers=lines)
            assert isinstance(outcome, NetFailure)
            assert outcome.kind is NetKind.BAD_URL
            assert not outcome.sent
            assert server.requests == []

    asyncio.run(exchange())


def test_answers_carry_repeated_headers_their_own_date_and_every_byte() -> None:
    lines = [("ETag", '"caf\xe9"'), ("Warning", "1"), ("warning", "2"), ("Date", "Fri, 07 Jan 2022 23:59:59 GMT")]
    answer = ask(reply(200, b"", lines))
    assert isinstance(answer, Answer)
    assert answer.headers.get("etag", "").encode("latin-1") == b'"caf\xe9"'
    assert answer.headers.get_list("WARNING") == ["1", "2"]
    assert answer.date == datetime(2022, 1, 7, 23, 59, 59, tzinfo=UTC)


def test_as_many_headers_as_allowed_are_taken() -> None:
    lines = [(f"X-{number}", "y") for number in range(MAX_HEADERS - 1)]
    assert isinstance(ask(reply(200, b"", lines)), Answer)


def test_a_kept_connection_that_died_is_tried_once_more_for_get_only() -> None:
    async def exchange(method: str) -> tuple[Answer | NetFailure, int]:
        async with FakeServer() as server, http_client() as client:
            server.on("/", reply(200, b"first"), vanish(), reply(200, b"again"))
            await get(client, server.url())
            outcome = await get(client, server.url(), method=method, content=b"x" if method == "POST" else None)
            return outcome, server.connections

    again, connections = asyncio.run(exchange("GET"))
    assert isinstance(again, Answer)
    assert (again.body, connections) == (b"again", 2)
    once, connections = asyncio.run(exchange("POST"))
    assert isinstance(once, NetFailure)
    assert (once.kind, once.sent, connections) == (NetKind.PROTOCOL, True, 1)


def test_a_closed_port_is_a_failed_connection_with_nothing_sent() -> None:
    async def exchange() -> NetFailure:
        async with FakeServer() as server:
            url = server.url()
        async with http_client() as client:
            outcome = await get(client, url)
        assert isinstance(outcome, NetFailure)
        return outcome

    outcome = asyncio.run(exchange())
    assert (outcome.kind, outcome.sent) == (NetKind.CONNECT, False)


@pytest.mark.parametrize(("error", "temporary"), [(-3, True), (-2, False)])
def test_names_without_address_say_whether_it_may_get_better(error: int, temporary: bool) -> None:
    import socket

    async def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(error, "no")

    async def exchange() -> NetFailure:
        async with http_client(resolve=resolve) as client:
            outcome = await get(client, "http://nowhere.example/")
        assert isinstance(outcome, NetFailure)
        return outcome

    outcome = asyncio.run(exchange())
    assert (outcome.kind, outcome.temporary, outcome.sent) == (NetKind.DNS, temporary, False)
    assert "nowhere.example" in outcome.reason


def test_a_name_that_is_never_resolved_ends_with_the_deadline() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    async def exchange() -> NetFailure:
        async with http_client(resolve=resolve) as client:
            outcome = await get(client, "http://slow.example/", deadline=timedelta(seconds=0.2))
        assert isinstance(outcome, NetFailure)
        return outcome

    assert asyncio.run(exchange()).kind in {NetKind.TIMEOUT, NetKind.DNS}


def test_a_dead_first_address_leaves_time_for_the_next() -> None:
    async def exchange() -> Answer | NetFailure:
        async with FakeServer() as server:

            async def resolve(host: str, port: int) -> list[str]:
                return ["127.0.0.2", "127.0.0.1"]  # nothing listens on the first

            async with http_client(resolve=resolve) as client:
                server.on("/", reply(200, b"second"))
                return await get(client, f"http://two.example:{server.port}/")

    answer = asyncio.run(exchange())
    assert isinstance(answer, Answer)
    assert answer.body == b"second"


def test_cancelling_a_request_cancels_it_and_closes_its_connection() -> None:
    async def exchange() -> None:
        async with FakeServer() as server, http_client() as client:
            server.on("/", hang())
            task = asyncio.ensure_future(get(client, server.url()))
            await server.arrived(1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(exchange())


def test_plain_requests_go_to_a_proxy_in_full_and_with_its_credentials() -> None:
    async def exchange() -> None:
        async with FakeServer() as proxy, http_client() as client:
            proxy.on("/feed", reply(200, b"through"))
            answer = await get(
                client, "http://news.example/feed", allow_networks=(), proxy=Secret(proxy.url(userinfo="me:secret@"))
            )
            assert isinstance(answer, Answer)
            request = proxy.requests[0]
            assert (request.target, request.header("host")) == ("http://news.example/feed", "news.example")
            assert request.header("proxy-authorization") == "Basic bWU6c2VjcmV0"

    asyncio.run(exchange())


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "[::1]", "127.1", "localhost", "router", "nas.local", "db.internal"]
)
def test_a_proxy_is_not_asked_for_local_addresses(host: str) -> None:
    async def exchange() -> None:
        async with FakeServer() as proxy, http_client() as client:
            outcome = await get(client, f"http://{host}/", allow_networks=(), proxy=Secret(proxy.url()))
            assert isinstance(outcome, NetFailure)
            assert outcome.kind is NetKind.BLOCKED
            assert proxy.connections == 0

    asyncio.run(exchange())


def test_a_tunnel_that_the_proxy_refuses_was_never_a_sent_request() -> None:
    async def exchange() -> None:
        async with FakeServer() as proxy, http_client() as client:
            proxy.on("*", reply(403, b"no"))
            outcome = await get(client, "https://news.example/", proxy=Secret(proxy.url()), method="POST", content=b"x")
            assert isinstance(outcome, NetFailure)
            assert (outcome.kind, outcome.sent) == (NetKind.CONNECT, False)
            assert "proxy" in outcome.reason
            assert proxy.requests[0].method == "CONNECT"

    asyncio.run(exchange())


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "nonsense", "http://"])
def test_a_proxy_address_that_cannot_work_is_named(proxy: str) -> None:
    async def exchange() -> None:
        async with http_client() as client:
            outcome = await get(client, "http://news.example/", proxy=Secret(proxy))
            assert isinstance(outcome, NetFailure)
            assert outcome.kind is NetKind.BAD_URL
            assert "proxy" in outcome.reason

    asyncio.run(exchange())


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:secret@a.example:8443/feed?token=secret#secret", "https://a.example:8443/feed?…"),
        ("https://a.example/feed", "https://a.example/feed"),
        ("http://[::secret/", "(an address that cannot be read)"),
    ],
)
def test_urls_are_shown_without_what_may_be_secret(url: str, shown: str) -> None:
    assert redact(url) == shown
    assert "secret" not in origin(url)


def test_no_failure_tells_a_secret() -> None:
    async def exchange() -> list[str]:
        texts = []
        async with FakeServer() as server, http_client() as client:
            server.on("*", vanish(), raw(b"HTTP/1.1 nonsense\r\n\r\n"), hang(), reply(200, b"x" * 99))
            for max_body in (9, 9, 9, 9):
                url = server.url("/canary?canary=1", userinfo="canary:canary@")
                texts.append(str(await get(client, url, max_body=max_body, deadline=SHORT, headers={"X": "canary"})))
            texts.append(str(await get(client, server.url("/canary", userinfo="canary@"), allow_networks=())))
            texts.append(str(await get(client, server.url(), headers={"Authorization": " canary "})))
        return texts

    assert [text for text in asyncio.run(exchange()) if "canary" in text] == []
