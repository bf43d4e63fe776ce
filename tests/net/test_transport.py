from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from support.http_server import FakeServer, hang, head, pour, raw, reply, vanish
from support.net import LOOPBACK, get, http_client

from monitor.model import Secret
from monitor.net import pool as pools
from monitor.net.client import Answer, Http, NetFailure, NetKind
from monitor.net.pool import Pool
from monitor.net.transport import GuardedTransport, Request, UnsendableError, tls_context


async def here(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


@asynccontextmanager
async def transport(pool: Pool | None = None) -> AsyncIterator[GuardedTransport]:
    way = GuardedTransport(resolve=here, tls=ssl.create_default_context(), pool=pool or Pool(), allow_networks=LOOPBACK)
    try:
        yield way
    finally:
        await way.aclose()
        if pool:
            pool.clear()


def waiting(client: Http) -> int:
    """Return how many connections are kept."""
    return sum(len(kept) for kept in client._pool._waiting)


async def until(condition: Any) -> None:
    """Wait for what the event loop brings about by itself."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - there is no event for what happens inside a connection
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("method", "lines"),
    [
        ("GET", [(b"X", b"a\r\nInjected: yes")]),
        ("GET", [(b"X", b"a\nInjected: yes")]),
        ("GET", [(b"X", b"a\r")]),
        ("GET", [(b"X", b"a\0b")]),
        ("GET", [(b"X\r\nInjected: yes", b"a")]),
        ("GET", [(b"X: a\r\nInjected", b"yes")]),
        ("GET", [(b"X ", b"a")]),
        ("GET", [(b"", b"a")]),
        ("GET / HTTP/1.1\r\nX:", []),
        ("GET\r\n", []),
        ("", []),
        ("ЖОЙ", []),
    ],
)
def test_nothing_but_one_request_can_go_onto_the_wire(method: str, lines: list[tuple[bytes, bytes]]) -> None:
    async def exchange() -> None:
        async with FakeServer() as server, transport() as way:
            request = Request(method=method, url=httpx.URL(server.url()), lines=lines)
            with pytest.raises(UnsendableError):
                await way.ask(request)
            assert server.connections == 0

    asyncio.run(exchange())


@pytest.mark.parametrize(
    ("method", "lines", "content", "added"),
    [
        ("GET", [], b"", [(b"Host", b"a.example:81")]),
        ("POST", [(b"X", b"y")], b"abc", [(b"Host", b"a.example:81"), (b"X", b"y"), (b"Content-Length", b"3")]),
        ("POST", [], b"", [(b"Host", b"a.example:81"), (b"Content-Length", b"0")]),
        ("GET", [(b"HOST", b"b.example")], b"", [(b"HOST", b"b.example")]),
        ("POST", [(b"content-length", b"0"), (b"host", b"b")], b"", [(b"content-length", b"0"), (b"host", b"b")]),
    ],
)
def test_a_request_is_completed_by_its_host_and_its_length(
    method: str, lines: list[tuple[bytes, bytes]], content: bytes, added: list[tuple[bytes, bytes]]
) -> None:
    request = Request(method=method, url=httpx.URL("http://a.example:81/x"), lines=lines, content=content)
    assert request.all_lines() == added


@pytest.mark.parametrize("path", ["/a b", "/a%0d%0aX:%20y", "/\u2028", "/?q=а\u0085", "/\x7f"])
def test_odd_paths_stay_one_target(path: str) -> None:
    async def exchange() -> None:
        async with FakeServer() as server, transport() as way:
            server.on("*", reply(200))
            try:
                url = httpx.URL(server.url() + path[1:])
            except httpx.InvalidURL:
                return
            response = await way.ask(Request(method="GET", url=url))
            await response.aclose()
            assert [name for name, _ in server.requests[0].headers] == ["Host"]

    asyncio.run(exchange())


@pytest.mark.parametrize("extra", [head(200, {"Content-Length": "3"}) + b"bad", b"junk"])
def test_an_answer_nobody_asked_for_is_never_given_to_the_next_request(extra: bytes) -> None:
    async def exchange() -> None:
        async with FakeServer() as server, http_client() as client:
            first = head(200, {"Content-Length": "2"}) + b"ok"
            server.on("/", raw(first + extra, close=False), reply(200, b"good"))
            bodies = [await get(client, server.url()) for _ in range(2)]
            assert [body.body for body in bodies if isinstance(body, Answer)] == [b"ok", b"good"]
            assert server.connections == 2

    asyncio.run(exchange())


def test_what_a_server_says_between_two_requests_ends_the_connection() -> None:
    async def exchange() -> None:
        writers = []

        async def answer(_request: object, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            await reply(200, b"ok")(_request, writer)  # type: ignore[arg-type]

        async with FakeServer() as server, http_client() as client:
            server.on("/", answer)
            await get(client, server.url())
            assert waiting(client) == 1
            writers[0].write(head(200, {"Content-Length": "3"}) + b"bad")
            await until(lambda: waiting(client) == 0)
            again = await get(client, server.url())
            assert isinstance(again, Answer)
            assert (again.body, server.connections) == (b"ok", 2)

    asyncio.run(exchange())


def test_a_connection_that_the_server_closes_leaves_the_pool_at_once() -> None:
    async def exchange() -> None:
        writers = []

        async def answer(_request: object, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            await reply(200, b"ok")(_request, writer)  # type: ignore[arg-type]

        async with FakeServer() as server, http_client() as client:
            server.on("/", answer)
            await get(client, server.url())
            assert waiting(client) == 1
            writers[0].close()
            await until(lambda: waiting(client) == 0)
            assert client._pool._by_key == {}

    asyncio.run(exchange())


def test_kept_connections_are_bounded_and_the_longest_unused_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "IDLE_PLAIN", 2)

    async def exchange() -> None:
        async with FakeServer() as one, FakeServer() as two, FakeServer() as three, http_client() as client:
            servers = (one, two, three)
            for server in servers:
                server.on("*", reply(200, b"ok"))
            for server in (one, two, one, three, one, three):
                await get(client, server.url())
            assert [server.connections for server in servers] == [1, 1, 1]
            await get(client, two.url())
            assert [server.connections for server in servers] == [1, 2, 1]
            assert waiting(client) == 2

    asyncio.run(exchange())


def test_kept_connections_end_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "IDLE_SECONDS", 0.05)

    async def exchange() -> None:
        async with FakeServer() as server, http_client() as client:
            server.on("*", reply(200, b"ok"))
            await asyncio.gather(*(get(client, server.url()) for _ in range(3)))
            assert waiting(client) == 3
            await until(lambda: waiting(client) == 0)
            await until(lambda: not server._tasks)  # the server saw them end
            assert client._pool._sweep is None

    asyncio.run(exchange())


def test_many_requests_at_once_get_their_own_answers() -> None:
    async def exchange() -> None:
        async def echo(request: Any, writer: asyncio.StreamWriter) -> None:
            await reply(200, request.target.encode())(request, writer)

        async with FakeServer() as server, http_client() as client:
            server.on("*", echo)

            async def ask(number: int) -> None:
                answer = await get(client, server.url(f"/{number}"))
                assert isinstance(answer, Answer)
                assert answer.body == b"/%d" % number

            for _ in range(3):
                await asyncio.gather(*(ask(number) for number in range(30)))
            assert server.connections <= 30

    asyncio.run(exchange())


def test_a_body_that_nobody_reads_makes_the_server_wait() -> None:
    async def exchange() -> int:
        async with FakeServer() as server, transport() as way:
            server.on("/", pour(head(200), bytes(65536), 2000))
            tracemalloc.start()
            response = await way.ask(Request(method="GET", url=httpx.URL(server.url())))
            connection = response._connection
            await until(lambda: connection._paused)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert len(connection.answer.body) < 1 << 20
            taken = 0
            async for piece in response:  # and goes on when somebody does
                taken += len(piece)
            await response.aclose()
            assert taken == 65536 * 2000
            return peak

    assert asyncio.run(exchange()) < 8 << 20


def test_a_large_content_goes_out_whole_and_counts_as_sent_only_then() -> None:
    async def exchange() -> None:
        async with FakeServer() as server, http_client() as client:
            server.on("/", reply(200, b"got it"))
            answer = await get(client, server.url(), method="POST", content=bytes(8 << 20))
            assert isinstance(answer, Answer)
            assert len(server.requests[0].body) == 8 << 20

        with socket.create_server(("127.0.0.1", 0)) as stuck:  # takes what fits into its buffers
            async with http_client() as client:
                url = f"http://127.0.0.1:{stuck.getsockname()[1]}/"
                deadline = timedelta(seconds=0.8)
                outcome = await get(client, url, method="POST", content=bytes(16 << 20), deadline=deadline)
                assert isinstance(outcome, NetFailure)
                assert (outcome.kind, outcome.sent) == (NetKind.TIMEOUT, False)
                assert "had not taken the request" in outcome.reason

    asyncio.run(exchange())


@pytest.mark.parametrize("cut", ["cancel", "deadline", "close"])
def test_however_a_request_ends_early_its_connection_is_closed(cut: str) -> None:
    async def exchange() -> None:
        async with FakeServer() as server, http_client() as client:
            server.on("/", hang(head(200, {"Content-Length": "10"}) + b"abc"))
            seconds = 0.2 if cut == "deadline" else 20
            task = asyncio.ensure_future(get(client, server.url(), deadline=timedelta(seconds=seconds)))
            await server.arrived(1)
            if cut == "cancel":
                task.cancel()
            elif cut == "close":
                await client.aclose()
            outcome = (await asyncio.gather(task, return_exceptions=True))[0]
            assert isinstance(outcome, asyncio.CancelledError if cut == "cancel" else NetFailure)
            assert waiting(client) == 0
            assert all(not way._standing for way in client._transports.values())

    asyncio.run(exchange())


def test_a_request_that_is_cancelled_while_it_connects_leaves_no_socket() -> None:
    async def exchange() -> None:
        async with FakeServer() as server:
            server.on("/", reply(200))
            async with http_client() as client:
                for turns in range(12):
                    task = asyncio.ensure_future(get(client, server.url()))
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
                assert isinstance(await get(client, server.url()), Answer)  # so the server has accepted all before it
            await until(lambda: not server._tasks)

    asyncio.run(exchange())  # an open socket would be a ResourceWarning, and these are errors


def test_a_dead_kept_connection_is_replaced_by_a_new_one_and_not_by_another_kept_one() -> None:
    async def exchange() -> None:
        async with FakeServer() as server, http_client() as client:
            server.on("/", reply(200, b"a"))
            await asyncio.gather(*(get(client, server.url()) for _ in range(3)))
            server.on("/", vanish(), reply(200, b"b"))
            answer = await get(client, server.url())
            assert isinstance(answer, Answer)
            assert (answer.body, server.connections) == (b"b", 4)

    asyncio.run(exchange())


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA, tmp_path: Path) -> ssl.SSLContext:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return tls_context(tmp_path / "ca.pem")


def serving(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@asynccontextmanager
async def tunnelling_proxy(tls: ssl.SSLContext | None, port: int, heads: list[bytes]) -> AsyncIterator[int]:
    """A proxy that connects everybody with `port`, whatever they ask for."""
    tasks: set[asyncio.Task[None]] = set()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        there = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pipe(reader, there[1]), pipe(there[0], writer), return_exceptions=True)
        for end in (writer, there[1]):
            end.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await end.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async with await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_tunnel_leads_through_the_proxy_to_the_verified_target(
    scheme: str, authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    async def exchange() -> None:
        heads: list[bytes] = []
        outside = serving(authority, "proxy.example") if scheme == "https" else None
        async with FakeServer(tls=serving(authority, "news.example")) as target:
            target.on("/", reply(200, b"x" * 300_000), reply(200, b"y"))
            async with tunnelling_proxy(outside, target.port, heads) as port:
                async with http_client(tls=trusting, resolve=here) as client:
                    way = Secret(f"{scheme}://me:secret@proxy.example:{port}")
                    first = await get(client, "https://news.example/", proxy=way, allow_networks=())
                    second = await get(client, "https://news.example/", proxy=way, allow_networks=())
                    other = await get(client, "https://other.example/", proxy=way, allow_networks=())
                assert isinstance(first, Answer), first
                assert isinstance(second, Answer)
                assert (len(first.body), second.body) == (300_000, b"y")
                assert isinstance(other, NetFailure)
                assert other.kind is NetKind.TLS  # the proxy is believed in nothing: not the name it leads to
        assert heads[0].startswith(b"CONNECT news.example:443 HTTP/1.1\r\nHost: news.example:443\r\n")
        assert b"Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" in heads[0]
        assert len(heads) == 2  # the second request went through the first tunnel
        assert target.requests[0].header("proxy-authorization") is None

    asyncio.run(exchange())


def test_connections_over_tls_are_kept_and_bodies_come_whole(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    async def exchange() -> None:
        async with (
            FakeServer(tls=serving(authority, "news.example"), name="news.example") as server,
            http_client(tls=trusting, resolve=here) as client,
        ):
            server.on("/", reply(200, bytes(900_000)), raw(head(200) + b"z" * 100_000))
            first, second = [await get(client, server.url()) for _ in range(2)]
            assert isinstance(first, Answer)
            assert isinstance(second, Answer)
            assert (len(first.body), first.complete) == (900_000, True)
            assert (len(second.body), second.complete) == (100_000, False)
            assert server.connections == 1

    asyncio.run(exchange())


@pytest.mark.parametrize("host", ["a..example", ".example", "x" * 64 + ".example"])
def test_names_that_no_certificate_can_hold_are_failures_and_not_errors(host: str) -> None:
    async def exchange() -> None:
        async with FakeServer() as proxy, http_client() as client:
            proxy.on("*", raw(head(200), close=False))
            outcome = await get(client, f"https://{host}/", proxy=Secret(proxy.url()), allow_networks=())
            assert isinstance(outcome, NetFailure)
            assert outcome.kind in {NetKind.TLS, NetKind.BAD_URL}

    asyncio.run(exchange())


def test_a_large_content_that_was_taken_whole_was_sent_although_no_answer_came() -> None:
    async def exchange() -> None:
        async with FakeServer() as server, http_client() as client:
            server.on("/", hang())
            task = asyncio.ensure_future(
                get(client, server.url(), method="POST", content=bytes(8 << 20), deadline=timedelta(seconds=2))
            )
            await server.arrived(1)
            outcome = await task
            assert isinstance(outcome, NetFailure)
            assert (outcome.kind, outcome.sent) == (NetKind.TIMEOUT, True)
            assert "had not answered" in outcome.reason

    asyncio.run(exchange())


def test_a_post_never_goes_onto_a_connection_that_the_server_has_just_closed() -> None:
    async def exchange() -> None:
        async with FakeServer() as server, http_client() as client:
            server.on("/", raw(head(200, {"Content-Length": "0"}), close=True))
            for _ in range(5):  # the goodbye is in the kernel, and the event loop has not seen it
                assert isinstance(await get(client, server.url(), method="POST", content=b"x"), Answer)

    asyncio.run(exchange())
