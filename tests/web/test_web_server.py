"""The small HTTP server on a real socket: two routes, hard bounds, nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus

import pytest
from support.hub import call, talk

from monitor.errors import MonitorError
from monitor.feeds.callbacks import NOT_FOUND, TAKEN, Reply
from monitor.model import PushState, Subscription
from monitor.web import HttpServer, app, make_app, server
from monitor.web.rates import STRANGER_BURST, TOKEN_BURST, Bucket, Rates
from monitor.web.room import PLACES, ROOM, Room, Shares

NOW = datetime(2022, 1, 5, 12, tzinfo=UTC)
TOKEN, OTHER = "t" * 43, "o" * 43
DRIP = f"POST /websub/{TOKEN} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx".encode()
SUBSCRIPTION = Subscription(
    token=TOKEN,
    feed_id="paper",
    hub="https://hub.example/",
    topic="https://paper.example/feed",
    secret=None,
    state=PushState.ACTIVE,
    asked_at=NOW,
)
MORE = tuple(letter * 43 for letter in "abc")
HELD = {
    **{token: replace(SUBSCRIPTION, token=token) for token in (TOKEN, *MORE)},
    OTHER: replace(SUBSCRIPTION, token=OTHER, hub="https://other.example/hub"),
}


class Callbacks:
    """Knows two tokens, of two hubs."""

    def __init__(self):
        self.looked, self.bodies, self.signatures, self.queries = 0, [], [], []
        self._finds = asyncio.Semaphore(0)

    def is_familiar(self, token):
        return token in HELD

    async def found(self, count):
        """Wait until so many pushes more were looked up."""
        for _ in range(count):
            await self._finds.acquire()

    async def verify(self, token, query):
        self.queries.append(query)
        return Reply(status=HTTPStatus.OK, body=b"<b>challenge</b>") if token == TOKEN else NOT_FOUND

    async def find(self, token):
        self.looked += 1
        self._finds.release()
        return HELD.get(token, NOT_FOUND)

    async def receive(self, subscription, *, content_type, signatures, body):
        assert subscription in HELD.values()
        self.bodies.append((content_type, body))
        self.signatures.append(signatures)
        return TAKEN


class Well:
    """A service that is well until told otherwise."""

    def __init__(self):
        self.reasons, self.asked = (), 0

    async def __call__(self):
        self.asked += 1
        return self.reasons


@contextlib.asynccontextmanager
async def serving(callback=None, health=None):
    running = HttpServer("127.0.0.1:0", make_app(health=health or Well(), callback=callback))
    await running.start()
    try:
        yield running.port
    finally:
        await running.stop()


def play(scene, *, callback=None, health=None):
    async def run():
        async with asyncio.timeout(60), serving(callback, health) as port:
            return await scene(port)

    return asyncio.run(run())


def test_healthz_is_200_while_the_service_is_well_and_503_with_the_reasons_when_not(monkeypatch):
    monkeypatch.setattr(app, "FRESH", 0.0)
    health = Well()

    async def scene(port):
        well = await call(port, "GET", "/healthz")
        health.reasons = ("The store cannot be written.",)
        return well, await call(port, "GET", "/healthz")

    well, ill = play(scene, health=health)
    assert (well.status, json.loads(well.body)) == (200, {"status": "ok"})
    assert ill.status == 503
    assert json.loads(ill.body) == {"status": "failing", "reasons": ["The store cannot be written."]}


def test_asking_for_the_health_often_looks_once():
    health = Well()

    async def scene(port):
        await asyncio.gather(*(call(port, "GET", "/healthz") for _ in range(20)))

    play(scene, health=health)
    assert health.asked <= 2


@pytest.mark.parametrize(
    "path",
    ["/", "/docs", "/redoc", "/openapi.json", "/healthz/", "/websub", "/websub/", f"/websub/{TOKEN}/", "//healthz", "/%2e%2e/x",
     "/websub/a%2Fb", "/websub/" + "x" * 43, "http://evil.example/healthz2", "/\\evil.example"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_s19_every_other_path_is_not_there_and_says_the_same(path, method):
    async def scene(port):
        return await call(port, method, path)

    said = play(scene, callback=Callbacks())
    assert (said.status, said.body) == (404, b"Not Found\n")
    assert "location" not in said.headers


def test_without_a_public_address_there_is_no_callback():
    async def scene(port):
        return await call(port, "GET", f"/websub/{TOKEN}")

    assert play(scene).status == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(method):
    async def scene(port):
        return [(await call(port, method, path)).status for path in ("/healthz", f"/websub/{TOKEN}")]

    assert play(scene, callback=Callbacks()) == [405, 405]


def test_103_a_challenge_is_plain_text_that_no_browser_takes_for_a_page():
    callback = Callbacks()

    async def scene(port):
        return await call(port, "GET", f"/websub/{TOKEN}?hub.mode=subscribe&hub.challenge=x%2By")

    said = play(scene, callback=callback)
    assert (said.status, said.body) == (200, b"<b>challenge</b>")
    assert said.headers["content-type"] == "text/plain"
    assert said.headers["x-content-type-options"] == "nosniff"
    assert callback.queries == [b"hub.mode=subscribe&hub.challenge=x%2By"]


def test_answers_do_not_say_what_program_this_is():
    async def scene(port):
        return [await call(port, "GET", path) for path in ("/healthz", "/nothing")] + [
            await talk(port, b"junk\r\n\r\n")
        ]

    for said in play(scene):
        assert "server" not in said.headers
        assert "x-powered-by" not in said.headers
        assert not any(word in said.body.lower() for word in (b"uvicorn", b"fastapi", b"python", b"monitor"))


def test_a_push_is_handed_over_as_it_came():
    callback = Callbacks()
    headers = [
        ("Content-Type", "application/atom+xml"),
        ("X-Hub-Signature", "sha1=aa"),
        ("X-Hub-Signature", "sha256=bb"),
    ]

    async def scene(port):
        chunked = f"POST /websub/{TOKEN} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n<rs\r\n3\r\ns/>\r\n0\r\n\r\n"
        return [
            (await call(port, "POST", f"/websub/{TOKEN}", b"<feed/>\xff", headers)).status,
            (await talk(port, chunked.encode())).status,
        ]

    assert play(scene, callback=callback) == [202, 202]
    assert callback.bodies == [("application/atom+xml", b"<feed/>\xff"), (None, b"<rss/>")]
    assert callback.signatures == [["sha1=aa", "sha256=bb"], []]


def test_111_a_stated_length_beyond_three_mebibytes_is_refused_before_anything_is_looked_up():
    callback = Callbacks()

    async def scene(port):
        head = f"POST /websub/{TOKEN} HTTP/1.1\r\nHost: x\r\nContent-Length: {5 * 1024 * 1024}\r\n\r\n"
        return await talk(port, head.encode())

    assert play(scene, callback=callback).status == 413
    assert (callback.looked, callback.bodies) == (0, [])


def test_111_a_body_without_length_is_cut_off_at_the_limit(monkeypatch):
    monkeypatch.setattr(app, "MAX_PUSH", 1000)
    callback = Callbacks()

    async def scene(port):
        head = f"POST /websub/{TOKEN} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        return await talk(port, head.encode() + b"400\r\n" + b"x" * 1024 + b"\r\n")

    assert play(scene, callback=callback).status == 413
    assert callback.bodies == []


async def slowly(seconds):
    """Let time pass that a body is measured by."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()


async def whole(port, head, body):
    """Send all of a request, as most hubs do, and only then read its answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)  # so that it must be read
    writer.transport.set_write_buffer_limits(high=0)
    writer.write(head.encode() + body)
    await writer.drain()
    answer = await reader.read()
    writer.close()
    return int(answer.split(b" ")[1]) if answer else 0


@pytest.mark.parametrize(("token", "chunked"), [(TOKEN, 413), ("s" * 43, 404)])
def test_111_a_body_one_byte_too_long_is_answered_although_all_of_it_is_sent(token, chunked):
    body = b"x" * (app.MAX_PUSH + 1)

    async def scene(port):
        head = f"POST /websub/{token} HTTP/1.1\r\nHost: x\r\n"
        in_parts = f"{head}Transfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n"
        return (
            await whole(port, f"{head}Content-Length: {len(body)}\r\n\r\n", body),
            await whole(port, in_parts, body + b"\r\n0\r\n\r\n"),
        )

    assert play(scene, callback=Callbacks()) == (413, chunked)


def test_of_a_refused_body_no_more_than_a_bound_is_read(monkeypatch):
    monkeypatch.setattr(server, "MAX_DROPPED", 1024 * 1024)

    async def scene(port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"POST /websub/{TOKEN} HTTP/1.1\r\nHost: x\r\nContent-Length: {10**9}\r\n\r\n".encode())
        with contextlib.suppress(ConnectionError):
            for number in range(1000):
                writer.write(b"x" * 65536)
                await writer.drain()
                sent = number
        writer.close()
        return sent

    assert play(scene, callback=Callbacks()) < 900


async def until_broken(writer):
    """Send on until the other side is gone."""
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(b"x")
            await writer.drain()
            await slowly(0.01)


def test_who_stays_after_a_refusal_is_gone_soon(monkeypatch):
    monkeypatch.setattr(server, "LINGER", 0.1)

    async def scene(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"POST /websub/{'s' * 43} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n".encode())
        answer = await reader.read()
        async with asyncio.timeout(10):
            await until_broken(writer)
        writer.close()
        return answer[:12]

    assert play(scene, callback=Callbacks()) == b"HTTP/1.1 404"


def test_a_stranger_is_answered_without_its_body():
    callback = Callbacks()

    async def scene(port):
        head = f"POST /websub/{'s' * 43} HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\nand then nothing"
        return await talk(port, head.encode())

    assert play(scene, callback=callback).status == 404


def test_a_body_that_ends_early_is_not_taken():
    callback = Callbacks()

    async def scene(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"POST /websub/{TOKEN} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n<rss/>".encode())
        writer.write_eof()
        writer.close()
        await writer.wait_closed()
        await call(port, "GET", "/healthz")
        return reader.at_eof()

    play(scene, callback=callback)
    assert callback.bodies == []


@pytest.mark.parametrize(
    "data",
    [
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(100)) + b"\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"y" * 20_000,
        b"GET /" + b"a" * 70_000,
        b"GET /healthz HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
def test_heads_that_are_too_long_or_broken_get_400_or_nothing(data):
    async def scene(port):
        return await talk(port, data + b"\r\n\r\n"), await call(port, "GET", "/healthz")

    broken, after = play(scene)
    assert broken.status in {0, 400}
    assert after.status == 200


def test_a_connection_serves_one_request():
    async def scene(port):
        return await talk(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 5)

    said = play(scene)
    assert said.body.count(b"HTTP/1.1 200") == 0
    assert said.headers["connection"] == "close"


def test_who_sends_nothing_or_drips_is_gone_soon(monkeypatch):
    async def scene(port):
        monkeypatch.setattr(server, "HEAD_LIFE", 0.2)
        silent, half = talk(port, b""), talk(port, b"GET /healthz HTTP/1.1\r\nHost:")
        heads = await asyncio.gather(silent, half)
        monkeypatch.setattr(server, "HEAD_LIFE", 99)
        monkeypatch.setattr(server, "LIFE", 0.2)
        return [said.status for said in (*heads, await talk(port, DRIP))]

    monkeypatch.setattr(app, "GRACE", 99)
    monkeypatch.setattr(app, "LONGEST", 99)
    started = time.monotonic()
    assert play(scene, callback=Callbacks()) == [0, 0, 0]
    assert time.monotonic() - started < 5


def test_who_has_sent_a_head_may_wait_longer_for_the_answer(monkeypatch):
    monkeypatch.setattr(server, "HEAD_LIFE", 0.2)

    async def slow():
        await slowly(0.5)
        return ()

    async def scene(port):
        return (await call(port, "GET", "/healthz")).status

    assert play(scene, health=slow) == 200


def test_a_body_that_drips_is_refused_soon_and_one_that_comes_steadily_is_not(monkeypatch):
    monkeypatch.setattr(app, "GRACE", 0.3)
    monkeypatch.setattr(app, "SLOWEST", 1000)
    callback = Callbacks()

    async def steady(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"POST /websub/{TOKEN} HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n".encode() + b"x" * 1500)
        await slowly(1.0)
        writer.write(b"x" * 500)
        answer = await reader.read()
        writer.close()
        return int(answer.split(b" ")[1])

    async def scene(port):
        return (await talk(port, DRIP)).status, await steady(port)

    assert play(scene, callback=callback) == (408, 202)


def test_no_body_takes_longer_than_the_longest(monkeypatch):
    monkeypatch.setattr(app, "GRACE", 99)
    monkeypatch.setattr(app, "LONGEST", 0.3)

    async def scene(port):
        return (await talk(port, DRIP)).status

    started = time.monotonic()
    assert play(scene, callback=Callbacks()) == 408
    assert time.monotonic() - started < 5


@contextlib.asynccontextmanager
async def connected(port, count, data=b""):
    """Hold so many connections that have sent `data`."""
    pairs = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    try:
        for _, writer in pairs:
            writer.write(data)
            await writer.drain()
        yield [reader for reader, _ in pairs]
    finally:
        for _, writer in pairs:
            writer.close()


def test_200_idle_and_50_dripping_connections_keep_neither_a_health_probe_nor_a_push_out():
    callback = Callbacks()

    async def scene(port):
        async with connected(port, 200), connected(port, 50, DRIP):
            await callback.found(50)
            head = await call(port, "HEAD", "/healthz")
            return head.status, head.body, (await call(port, "POST", f"/websub/{OTHER}", b"<rss/>")).status

    started = time.monotonic()
    assert play(scene, callback=callback) == (200, b"", 202)
    assert time.monotonic() - started < 5


def test_the_connection_that_waited_longest_without_a_head_makes_room(monkeypatch):
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 5)

    async def scene(port):
        async with connected(port, 5) as idle:
            said = await call(port, "GET", "/healthz")
            gone = await idle[0].read()
            return said.status, gone, [reader.at_eof() for reader in idle]

    assert play(scene) == (200, b"", [True, False, False, False, False])


def test_where_all_connections_have_sent_a_head_another_is_closed(monkeypatch):
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 5)
    callback = Callbacks()

    async def scene(port):
        async with connected(port, 5, DRIP):
            await callback.found(5)
            return (await call(port, "GET", "/healthz")).status

    assert play(scene, callback=callback) == 0


def test_the_head_of_healthz_is_its_status_without_a_body():
    async def scene(port):
        return await call(port, "HEAD", "/healthz"), (await call(port, "HEAD", f"/websub/{TOKEN}")).status

    said, callback = play(scene, callback=Callbacks())
    assert (said.status, said.body, callback) == (200, b"", 405)
    assert said.headers["content-length"] != "0"


def test_s23_one_hub_that_drips_takes_no_more_than_half_and_another_is_served():
    callback = Callbacks()

    async def scene(port):
        async with connected(port, 80, DRIP):
            await callback.found(80)
            other = await call(port, "POST", f"/websub/{OTHER}", b"<rss/>")
            same = await call(port, "POST", f"/websub/{TOKEN}", b"<rss/>")
            return other.status, same.status

    assert PLACES // 2 < 80
    assert play(scene, callback=callback) == (202, 503)


def test_s23_connections_of_one_hub_by_many_subscriptions_keep_neither_a_health_probe_nor_a_push_out():
    callback = Callbacks()
    per_token = 80

    async def scene(port):
        async with contextlib.AsyncExitStack() as held:
            for token in MORE:
                for _ in range(per_token):
                    drip = DRIP.replace(TOKEN.encode(), token.encode())
                    await held.enter_async_context(connected(port, 1, drip))
                await callback.found(per_token)
            probe = await call(port, "GET", "/healthz")
            return probe.status, (await call(port, "POST", f"/websub/{OTHER}", b"<rss/>")).status

    assert len(MORE) * per_token > server.MAX_CONNECTIONS
    assert play(scene, callback=callback) == (200, 202)


@pytest.mark.parametrize("chunked", [False, True])
def test_large_pushes_of_one_hub_that_come_together_are_all_taken(chunked):
    callback, body, count = Callbacks(), b"x" * app.MAX_PUSH, 12
    framing = f"Content-Length: {len(body)}\r\n\r\n"
    if chunked:
        framing, body = f"Transfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n", body + b"\r\n0\r\n\r\n"
    head = f"POST /websub/{TOKEN} HTTP/1.1\r\nHost: x\r\n{framing}"

    async def scene(port):
        return await asyncio.gather(*(whole(port, head, body) for _ in range(count)))

    assert count * app.MAX_PUSH > ROOM
    assert play(scene, callback=callback) == [202] * count


def test_a_push_for_which_no_room_comes_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr(app, "PATIENCE", 0.2)
    monkeypatch.setattr(app, "Room", lambda: Room(ROOM // 64))
    callback = Callbacks()

    async def scene(port):
        large = await call(port, "POST", f"/websub/{TOKEN}", b"x" * (ROOM // 100))
        return large.status, (await call(port, "POST", f"/websub/{TOKEN}", b"x" * (ROOM // 200))).status

    assert play(scene, callback=callback) == (503, 202)
    assert len(callback.bodies) == 1


def test_a_share_leaves_as_much_to_others_and_comes_back():
    shares = Shares(100)
    assert [shares.take("a", 30), shares.take("a", 20), shares.take("a", 1)] == [True, True, False]
    assert [shares.take("b", 25), shares.take("b", 1)] == [True, False]
    shares.give("a", 50)
    shares.give("b", 25)
    assert [shares.take("c", 50), shares.take("c", 1)] == [True, False]


def test_a_request_that_takes_too_long_is_ended():
    async def forever():
        await asyncio.Event().wait()

    async def scene():
        bounded = make_app(health=forever, callback=None)
        bounded._seconds = 0.1
        running = HttpServer("127.0.0.1:0", bounded)
        await running.start()
        said = await call(running.port, "GET", "/healthz")
        await running.stop()
        return said.status

    assert asyncio.run(scene()) == 408


def test_a_defect_is_one_500_without_a_word_about_it():
    async def broken():
        raise RuntimeError("secret detail")

    async def scene(port):
        return await call(port, "GET", "/healthz")

    said = play(scene, health=broken)
    assert (said.status, said.body.strip()) == (500, b"Internal Server Error")


def test_a_port_that_is_in_use_is_said_with_what_to_do():
    async def scene():
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            listen = f"127.0.0.1:{taken.getsockname()[1]}"
            with pytest.raises(MonitorError) as error:
                await HttpServer(listen, make_app(health=Well(), callback=None)).start()
            return listen, str(error.value)

    listen, sentence = asyncio.run(scene())
    assert sentence == f"{listen} is in use: choose another http.listen, or listen: none"


def test_an_address_that_is_not_ours_is_said_too():
    async def scene():
        with pytest.raises(MonitorError, match="cannot be listened on"):
            await HttpServer("192.0.2.1:8480", make_app(health=Well(), callback=None)).start()

    asyncio.run(scene())


def test_it_listens_on_ipv6_too():
    async def scene():
        running = HttpServer("[::1]:0", make_app(health=Well(), callback=None))
        await running.start()
        assert running.port
        await running.stop()

    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    asyncio.run(scene())


def test_stopping_lets_an_answer_under_way_go_out():
    class Slow(Callbacks):
        def __init__(self):
            super().__init__()
            self.here, self.go = asyncio.Event(), asyncio.Event()

        async def receive(self, subscription, **_):
            self.here.set()
            await self.go.wait()
            return TAKEN

    async def scene():
        callback = Slow()
        running = HttpServer("127.0.0.1:0", make_app(health=Well(), callback=callback))
        await running.start()
        asking = asyncio.ensure_future(call(running.port, "POST", f"/websub/{TOKEN}", b"x"))
        await callback.here.wait()
        stopping = asyncio.ensure_future(running.stop())
        callback.go.set()
        await stopping
        return (await asking).status

    assert asyncio.run(scene()) == 202


def test_s23_a_flood_of_made_up_tokens_takes_nothing_from_hubs():
    callback = Callbacks()

    async def scene(port):
        statuses = [
            (await call(port, "POST", f"/websub/{number:043}", b"x")).status
            for number in range(int(STRANGER_BURST) + 100)
        ]
        return statuses, (await call(port, "POST", f"/websub/{TOKEN}", b"x")).status

    statuses, hub = play(scene, callback=callback)
    assert set(statuses) == {404, 429}
    assert callback.looked < STRANGER_BURST + 100
    assert hub == 202


def test_s23_one_subscription_cannot_take_more_than_its_share():
    now = [0.0]
    rates = Rates(lambda: now[0])
    taken = sum(rates.admits("a", familiar=True) for _ in range(1000))
    assert taken == TOKEN_BURST
    assert rates.admits("b", familiar=True)
    now[0] += 1.0
    assert rates.admits("a", familiar=True)


def test_a_bucket_refills_up_to_its_burst():
    bucket = Bucket(2.0, 3.0, 3.0, 0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(0.5), bucket.take(0.5)] == [True, False]
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]
