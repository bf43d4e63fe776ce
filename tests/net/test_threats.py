"""The threats that concern fetching (S1 to S8, S20, S24 of our list), each tried against `Http.request` itself."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import tracemalloc
import warnings
import zlib
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
import trustme
from support.http_server import FakeServer, drip, head, pour, raw, redirect, reply
from support.net import get, http_client

from monitor.net import dial
from monitor.net.client import Answer, Http, NetFailure, NetKind
from monitor.net.transport import tls_context

INSIDE = [
    "http://127.0.0.1/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/",
    "http://0/", "http://0.0.0.0/", "http://127.0.0.1./", "http://[::]/", "http://[::1]/", "http://[::127.0.0.1]/",
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::ffff:0:7f00:1]/", "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::a00:1]/", "http://[2002:7f00:1::]/", "http://[2001:0:7f00:1::]/", "http://[fd00:ec2::254]/",
    "http://[fe80::1]/", "http://[ff02::1]/", "http://localhost/", "http://localhost./", "http://me:secret@127.0.0.1/",
    "http://169.254.169.254/latest/meta-data/", "http://100.100.100.200/", "http://10.0.0.1/", "http://172.16.0.1/",
    "http://192.168.0.1/", "http://192.0.0.1/", "http://198.18.0.1/", "http://224.0.0.1/", "http://240.0.0.1/",
    "http://255.255.255.255/", "http://127。0。0。1/", "http://①②⑦.⓪.⓪.①/",
]  # fmt: skip

ODD = ["127.0.0.1", "10.0.0.1", "100.64.0.1", "192.88.99.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "::ffff:127.0.0.1",
       "::127.0.0.1", "3fff::1", "5f00::1", "fe80::1", "224.0.0.1", "ff0e::1"]  # fmt: skip


@pytest.mark.parametrize("url", INSIDE)
def test_s1_no_spelling_of_an_inner_address_is_reached(url: str) -> None:
    async def exchange() -> None:
        async with FakeServer() as server, http_client() as client:
            server.on("*", reply(200, b"inside"))
            scheme, _, rest = url.partition("://")
            host, _, path = rest.partition("/")
            for spelling in (url, f"{scheme}://{host}:{server.port}/{path}"):
                outcome = await get(client, spelling, allow_networks=())
                assert isinstance(outcome, NetFailure), spelling
                assert outcome.kind in {NetKind.BLOCKED, NetKind.BAD_URL, NetKind.DNS}, outcome
                assert not outcome.sent
            assert server.connections == 0

    asyncio.run(exchange())


def test_s2_a_name_is_looked_up_once_and_that_address_is_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    lookups: list[str] = []
    dialled: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        lookups.append(host)
        return ["8.8.8.8"] if len(lookups) == 1 else ["127.0.0.1"]

    async def refuse(_loop: asyncio.AbstractEventLoop, address: str, _port: int) -> socket.socket:
        dialled.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(dial, "_connect", refuse)

    async def exchange() -> None:
        async with FakeServer() as server, http_client(resolve=resolve) as client:
            first = await get(client, f"http://rebind.example:{server.port}/", allow_networks=())
            assert isinstance(first, NetFailure)
            assert (first.kind, lookups, dialled) == (NetKind.CONNECT, ["rebind.example"], ["8.8.8.8"])
            second = await get(client, f"http://rebind.example:{server.port}/", allow_networks=())
            assert isinstance(second, NetFailure)
            assert (second.kind, dialled) == (NetKind.BLOCKED, ["8.8.8.8"])
            assert server.connections == 0

    asyncio.run(exchange())


@pytest.mark.parametrize("address", ODD)
def test_s3_a_name_that_leads_to_an_odd_address_is_refused(address: str) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return [address]

    async def exchange() -> None:
        async with http_client(resolve=resolve) as client:
            outcome = await get(client, "http://looks-public.example/", allow_networks=())
            assert isinstance(outcome, NetFailure)
            assert (outcome.kind, outcome.sent) == (NetKind.BLOCKED, False)
            assert "allow_networks" in outcome.reason

    asyncio.run(exchange())


@pytest.mark.parametrize(
    "url",
    ["http://outside.example\\@127.0.0.1/", "http://127.0.0.1\\.outside.example/", "http://127.0.0.1 .outside.example/",
     "http://127.0.0.1\t/", "http://127.0.0.1\r\nX: y/", "http://127.0.0.1%00.outside.example/", "http://[::1%25lo]/"],
)  # fmt: skip
def test_s4_what_parsers_read_differently_is_not_asked_at_all(url: str) -> None:
    async def exchange() -> None:
        async with http_client() as client:
            outcome = await get(client, url)
            assert isinstance(outcome, NetFailure)
            assert outcome.kind is NetKind.BAD_URL

    asyncio.run(exchange())


def test_s5_a_redirect_is_an_answer_and_takes_nothing_anywhere() -> None:
    async def exchange() -> None:
        async with FakeServer() as server, FakeServer() as other, http_client() as client:
            server.on("/", redirect(other.url("/stolen"), 302, {"Set-Cookie": "a=b"}))
            answer = await get(client, server.url(userinfo="me:secret@"), headers={"Authorization": "Bearer x"})
            assert isinstance(answer, Answer)
            assert (answer.status, answer.headers.get("location")) == (302, other.url("/stolen"))
            assert other.connections == 0

    asyncio.run(exchange())


@cache
def bomb(times: int) -> bytes:
    """Return 100 MB of zeros, packed once or more."""
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(100)) + packer.flush()
    return packed if times == 1 else gzip.compress(packed, 9, mtime=0)


@pytest.mark.parametrize("status", [200, 302, 404])
@pytest.mark.parametrize("times", [1, 2])
def test_s6_a_bomb_unfolds_nowhere(status: int, times: int) -> None:
    async def exchange() -> None:
        async with FakeServer() as server, http_client() as client:
            server.on("/", reply(status, bomb(times), {"Content-Encoding": ", ".join(["gzip"] * times)}))
            tracemalloc.start()
            outcome = await get(client, server.url(), max_body=15 << 20, deadline=timedelta(seconds=10))
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert isinstance(outcome, NetFailure if status == 200 else Answer)
            assert peak < 32 << 20

    asyncio.run(exchange())


@pytest.mark.parametrize(
    ("answer", "kinds"),
    [
        (drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), {NetKind.TIMEOUT}),
        (drip(head(200), b"x"), {NetKind.TIMEOUT}),
        (drip(b"", b"HTTP/1.1 102 Processing\r\n\r\n"), {NetKind.TIMEOUT}),
        (pour(b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 1000, 10_000), {NetKind.PROTOCOL}),
        (pour(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1000, 10_000), {NetKind.PROTOCOL}),
        (pour(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 10_000, 10_000), {NetKind.PROTOCOL}),
        (pour(head(200), bytes(65536), 10_000), {NetKind.TOO_LARGE}),
        (pour(head(200, {"Transfer-Encoding": "chunked"}), b"1\r\nx\r\n" * 10_000, 10_000), {NetKind.TIMEOUT, NetKind.TOO_LARGE}),
        (pour(head(200, {"Transfer-Encoding": "chunked"}), b"1;abcdefghijkl\r\nx\r\n" * 1000, 10_000), {NetKind.PROTOCOL}),
        (pour(head(200, {"Transfer-Encoding": "chunked"}) + b"0\r\n", b"X: y\r\n" * 1000, 10_000), {NetKind.PROTOCOL}),
        (pour(head(200, {"Transfer-Encoding": "chunked"}) + b"0\r\nX: ", b"y" * 10_000, 10_000), {NetKind.PROTOCOL}),
        (pour(head(200, {"Transfer-Encoding": "chunked"}) + b"1;", b"y" * 10_000, 10_000), {NetKind.PROTOCOL}),
    ],
)  # fmt: skip
def test_s7_what_never_ends_is_ended(answer: object, kinds: set[NetKind]) -> None:
    async def exchange() -> None:
        async with FakeServer() as server, http_client() as client:
            server.on("/", answer)  # type: ignore[arg-type]
            tracemalloc.start()
            outcome = await get(client, server.url(), deadline=timedelta(seconds=0.4))
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert isinstance(outcome, NetFailure)
            assert outcome.kind in kinds, outcome
            assert peak < 16 << 20

    asyncio.run(exchange())


def test_s8_a_huge_length_is_only_a_word() -> None:
    async def exchange() -> None:
        async with FakeServer() as server, http_client() as client:
            server.on("/", raw(head(200, {"Content-Length": "1000000000000"}) + b"x"))
            tracemalloc.start()
            outcome = await get(client, server.url(), max_body=1 << 50)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert isinstance(outcome, NetFailure)
            assert outcome.kind is NetKind.INCOMPLETE
            assert peak < 4 << 20

    asyncio.run(exchange())


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "FILE:/etc/passwd", "gopher://127.0.0.1:6379/_INFO", "ftp://127.0.0.1/", "dict://127.0.0.1:11211/stat",
     "data:text/xml,<rss/>", "feed:http://127.0.0.1/", "javascript:alert(1)", "unix:/run/x.sock", "/etc/passwd", "//127.0.0.1/"],
)  # fmt: skip
def test_s20_only_http_and_https_are_ever_asked(url: str) -> None:
    async def exchange() -> None:
        async with http_client() as client:
            outcome = await get(client, url)
            assert isinstance(outcome, NetFailure)
            assert outcome.kind is NetKind.BAD_URL

    asyncio.run(exchange())


@pytest.mark.parametrize("fault", ["expired", "not yet", "other name", "self-signed", "TLS 1.1"])
def test_s24_a_server_that_proves_nothing_gets_no_request(fault: str, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    day, now = timedelta(days=1), datetime.now(UTC)
    certificate = {
        "expired": lambda: authority.issue_cert("news.example", not_after=now - day),
        "not yet": lambda: authority.issue_cert("news.example", not_before=now + day),
        "other name": lambda: authority.issue_cert("other.example"),
        "self-signed": lambda: trustme.CA().issue_cert("news.example"),
        "TLS 1.1": lambda: authority.issue_cert("news.example"),
    }[fault]()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if fault == "TLS 1.1":
        with warnings.catch_warnings(action="ignore"):
            context.minimum_version = ssl.TLSVersion.TLSv1_1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("DEFAULT:@SECLEVEL=0")

    async def here(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    async def exchange() -> None:
        async with (
            FakeServer(tls=context, name="news.example") as server,
            http_client(tls=tls_context(tmp_path / "ca.pem"), resolve=here) as client,
        ):
            outcome = await get(client, server.url(), headers={"Authorization": "secret"})
            assert isinstance(outcome, NetFailure)
            assert (outcome.kind, outcome.sent) == (NetKind.TLS, False)
            assert server.requests == []

    asyncio.run(exchange())


@pytest.mark.parametrize("host", ["xn--", "xn--a", "xn--0x7f"])
def test_a_host_that_only_looks_international_is_refused_and_breaks_nothing(host: str) -> None:
    async def ask() -> object:
        http = Http()
        try:
            return await http.request("GET", f"https://{host}/", deadline=timedelta(seconds=5), max_body=10)
        finally:
            await http.aclose()

    answer = asyncio.run(ask())
    assert isinstance(answer, NetFailure)
    assert answer.kind is NetKind.BAD_URL
