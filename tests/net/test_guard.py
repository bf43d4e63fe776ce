from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.http_server import FakeServer, reply
from support.net import get, http_client

from monitor.net.client import NetFailure, NetKind
from monitor.net.guard import SPECIAL, check_address, check_name, check_url, literal_address

URLS = Path(__file__).parents[2] / "../shared/data/protocol/ssrf-urls.txt"

LOCAL = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.0.9", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
    "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:db8::1",
    "2002:7f00:1::", "2002:808:808::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%lo",
    "febf::1", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip

PUBLIC = ["1.1.1.1", "8.8.8.8", "95.56.234.1", "172.32.0.1", "100.63.255.255", "100.128.0.1", "192.0.1.1", "223.255.255.255",
          "2a00:1450:4001::1", "2606:4700::1111", "::ffff:8.8.8.8", "2003::1", "2001:4860::8888"]  # fmt: skip


@pytest.mark.parametrize("address", LOCAL)
def test_addresses_that_are_not_plainly_public_are_refused_with_a_reason(address: str) -> None:
    reason = check_address(address)
    assert reason is not None
    assert " " in reason


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_dialled(address: str) -> None:
    assert check_address(address) is None


@pytest.mark.parametrize(
    ("address", "networks", "allowed"),
    [
        ("10.1.2.3", ("10.0.0.0/8",), True),
        ("10.1.2.3", ("10.1.2.3",), True),
        ("10.1.2.3", ("10.9.9.9/8",), True),  # host bits are forgiven
        ("::ffff:10.1.2.3", ("10.0.0.0/8",), True),
        ("fd00::1", ("fd00::/8",), True),
        ("10.1.2.3", ("192.168.0.0/16", "fd00::/8"), False),
        ("127.0.0.1", ("10.0.0.0/8",), False),
        ("64:ff9b::7f00:1", ("127.0.0.0/8",), False),  # the gateway is what must be allowed
    ],
)
def test_an_operator_opens_exactly_the_networks_that_are_named(
    address: str, networks: tuple[str, ...], allowed: bool
) -> None:
    assert (check_address(address, networks) is None) is allowed


def test_every_special_range_is_refused_at_both_ends() -> None:
    for network, words in SPECIAL:
        for end in (network[0], network[-1]):
            assert check_address(end) is not None, (network, words)


def test_what_is_no_address_is_refused() -> None:
    assert check_address("localhost") is not None
    assert check_address("") is not None


@pytest.mark.parametrize(
    "url",
    ["http://a.example/", "HTTPS://a.example", "https://u:p@a.example:8443/x?q=1&b=%20#f", "http://президент.рф/лента",
     "http://[2606:4700::1111]/", "http://127.0.0.1/", "http://a.example./", f"http://{'x' * 63}.example/",
     "http://xn--d1abbgf6aiiy.xn--p1ai/", "http://under_score.example/", "http://localhost/"],
)  # fmt: skip
def test_usable_urls_pass(url: str) -> None:
    assert check_url(url) is None  # local addresses are the business of the connection, not of the spelling


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("", "empty"),
        ("a.example/feed", "http"),
        ("/feed", "http"),
        ("file:///etc/passwd", "file:"),
        ("gopher://127.0.0.1:6379/_INFO", "gopher:"),
        ("ftp://a.example/", "ftp:"),
        ("data:text/xml,<rss/>", "data:"),
        ("feed:http://a.example/", "feed:"),
        ("javascript:alert(1)", "javascript:"),
        ("http://", "host"),
        ("http:///path", "host"),
        ("http://user@/", "host"),
        ("http://in:80\\@out/", "backslash"),
        ("http://a.example/a b", "space"),
        ("http://a.example/\n", "space"),
        ("http://a.example/\x00", "control"),
        ("http://a.example/\x85", "space"),
        ("http://a.example/\u2028", "space"),
        ("http://a.example:0/", "Port 0"),
        ("http://a.example:99999/", "read"),
        ("http://a.example:x/", "read"),
        ("http://[::1/", "read"),
        ("http://[fe80::1%25lo]/", "percent"),
        ("http://a.example/" + "x" * 5000, "longer"),
        ("http://a..example/", "empty part"),
        ("http://.example/", "empty part"),
        ("http://./", "empty part"),
        (f"http://{'x' * 64}.example/", "63"),
        (f"http://{'ш' * 60}.example/", "exists"),
        (f"http://{'x.' * 127}kz/", "253"),
        ("http://xn--a/", "exists"),
        ("http://xn--a.example/", "exists"),
        ("http://сай т.kz/".replace(" ", "\u200b"), "exists"),
    ],
)
def test_odd_urls_are_refused_in_a_sentence_that_names_the_oddity(url: str, word: str) -> None:
    sentence = check_url(url)
    assert sentence is not None
    assert word in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("name", "networks", "refused"),
    [
        ("news.example", (), False),
        ("news.example.", (), False),
        ("localhost.example", (), False),
        ("localhost", (), True),
        ("LOCALHOST.", (), True),
        ("a.localhost", (), True),
        ("localhost", ("127.0.0.0/8",), False),
        ("router", (), True),
        ("router.", (), True),
        ("printer.local", (), True),
        ("metadata.google.internal", (), True),
        ("box.localdomain", (), True),
        ("nas.home.arpa", (), True),
        ("router", ("0.0.0.0/0",), True),
    ],
)
def test_names_that_are_not_public_are_nobody_elses_to_look_up(
    name: str, networks: tuple[str, ...], *, refused: bool
) -> None:
    assert (check_name(name, networks) is not None) is refused


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "127.0.0.1"), ("2130706433", "127.0.0.1"), ("0x7f.1", "127.0.0.1"), ("127.1", "127.0.0.1"), ("0", "0.0.0.0"),
     ("0177.0.0.1", "127.0.0.1"), ("[::1]", "::1"), ("127.0.0.1.", "127.0.0.1")],
)  # fmt: skip
def test_hosts_that_are_addresses_in_disguise_are_seen_as_such(host: str, address: str) -> None:
    assert str(literal_address(host)) == address


@pytest.mark.parametrize("host", ["a.example", "", "1.2.3.4.5", "127。0。0。1", "a\0b"])
def test_names_are_no_addresses(host: str) -> None:
    assert literal_address(host) is None


@pytest.mark.skipif(not URLS.exists(), reason="the list of URLs is not part of the project")
def test_no_url_of_the_request_forgery_list_reaches_a_listener() -> None:
    lines = [line.split("#")[0] for line in URLS.read_text().splitlines()]
    urls = [line.split()[0] for line in lines if line.strip()]
    assert len(urls) > 40

    async def ask_all() -> None:
        async with FakeServer() as server, http_client() as client:
            server.on("*", reply(200, b"inside"))
            with_port = [url.replace("/", f":{server.port}/", 3).replace(f":{server.port}/", "/", 2) for url in urls]
            for url in [*urls, *with_port]:
                outcome = await get(client, url, allow_networks=())
                assert isinstance(outcome, NetFailure), url
                assert outcome.kind in {NetKind.BLOCKED, NetKind.BAD_URL, NetKind.DNS}, url
                assert not outcome.sent
            assert server.connections == 0

    asyncio.run(ask_all())


def test_a_second_lookup_that_would_answer_differently_never_happens() -> None:
    answers = [["8.8.8.8", "127.0.0.1"], ["8.8.8.8"]]
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    async def ask() -> None:
        async with FakeServer() as server, http_client(resolve=resolve) as client:
            outcome = await get(client, f"http://rebind.example:{server.port}/", allow_networks=())
            assert isinstance(outcome, NetFailure)
            assert outcome.kind is NetKind.BLOCKED  # one local address among public ones spoils all
            assert asked == ["rebind.example"]
            assert server.connections == 0

    asyncio.run(ask())


def test_the_checked_address_is_dialled_and_the_name_stays_in_host() -> None:
    lookups: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        lookups.append(host)
        return ["127.0.0.1"]

    async def ask() -> None:
        async with FakeServer() as server, http_client(resolve=resolve) as client:
            server.on("/", reply(200, b"hello", keep_alive=False))
            outcome = await get(client, f"http://news.example:{server.port}/")
            assert not isinstance(outcome, NetFailure)
            assert server.requests[0].header("host") == f"news.example:{server.port}"
            assert lookups == ["news.example"]

    asyncio.run(ask())


def test_permission_for_one_target_opens_no_kept_connection_to_another() -> None:
    async def ask() -> None:
        async with FakeServer() as server, http_client() as client:
            server.on("/", reply(200, b"hello"))
            assert not isinstance(await get(client, server.url()), NetFailure)
            refused = await get(client, server.url(), allow_networks=())
            assert isinstance(refused, NetFailure)
            assert refused.kind is NetKind.BLOCKED
            assert "allow_networks" in refused.reason
            assert len(server.requests) == 1

    asyncio.run(ask())
