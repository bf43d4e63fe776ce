"""What every way out promises, the fake one of other tests included (`ports.Channel`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.alerting import ALERT, MESSAGE, NOW, delivery
from support.fake_channel import FakeChannel
from support.http_server import FakeServer, drip, reply, reset, vanish
from support.smtp_server import FakeSmtp, drop, say, silence

from monitor.channels import KINDS, build
from monitor.channels.email import EmailChannel, Waits
from monitor.channels.email_options import EmailOptions
from monitor.channels.webhook import WebhookChannel, WebhookOptions
from monitor.model import AlertKind, Delivered, Message, Retry
from monitor.net.client import Http
from monitor.ports import Channel, describe

SECRET = "whsec_" + "A" * 32
HASTY = Waits(connect=0.3, command=0.3, prepare=0.6, dot=0.3, goodbye=0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A channel, the faults its receiver can be given, and how often it received something."""

    channel: Channel
    hasty: Channel
    """The same with a short deadline, for receivers that never answer."""
    faults: tuple[Callable[[], object], ...]
    received: Callable[[], int]


@asynccontextmanager
async def _email(_tmp: Path) -> AsyncIterator[Way]:
    async with FakeSmtp() as server:
        raw = {
            "host": "localhost",
            "port": server.port,
            "tls": "none",
            "from": "a@example.org",
            "to": ["b@example.net"],
        }
        options = EmailOptions.model_validate(raw)
        channel, hasty = EmailChannel("out", options), EmailChannel("out", options, _waits=HASTY)
        stages = ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "DOT")
        answers = (drop(), silence(), say("451 later"), say("550 never"), say("nonsense"))
        faults = tuple(
            lambda stage=stage, answer=answer: server.on(stage, answer) for stage in stages for answer in answers
        )
        yield Way(channel=channel, hasty=hasty, faults=faults, received=lambda: len(server.mails))


@asynccontextmanager
async def _webhook(_tmp: Path) -> AsyncIterator[Way]:
    http = Http()
    async with FakeServer() as server:
        server.on("/hook", reply(204))
        options = WebhookOptions.model_validate({"url": server.url("/hook"), "secret": SECRET})
        channel = WebhookChannel("out", options, http)
        hasty = WebhookChannel("out", options, http, _deadline=timedelta(seconds=0.5))
        answers = (
            reply(500),
            reply(429),
            reply(410),
            reply(422),
            reply(401),
            reply(302),
            vanish(),
            reset(),
            drip(b"", b"x"),
        )
        faults = tuple(lambda answer=answer: server.on("/hook", answer) for answer in answers)
        yield Way(channel=channel, hasty=hasty, faults=faults, received=lambda: len(server.requests))
    await http.aclose()


@asynccontextmanager
async def _console(tmp: Path) -> AsyncIterator[Way]:
    http = Http()
    channel = build("out", "console", {}, http=http, data_dir=tmp)
    yield Way(channel=channel, hasty=channel, faults=(), received=lambda: 1)
    await http.aclose()


@asynccontextmanager
async def _jsonl(tmp: Path) -> AsyncIterator[Way]:
    http, path = Http(), tmp / "alerts.jsonl"

    def spoil() -> None:
        path.unlink(missing_ok=True)
        path.mkdir()

    channel = build("out", "jsonl", {}, http=http, data_dir=tmp)
    yield Way(
        channel=channel,
        hasty=channel,
        faults=(spoil,),
        received=lambda: len(path.read_bytes().splitlines()),
    )
    await http.aclose()


@asynccontextmanager
async def _fake(_tmp: Path) -> AsyncIterator[Way]:
    channel = FakeChannel()
    fault = Retry(reason="told", detail="as the test wants it")
    yield Way(
        channel=channel,
        hasty=channel,
        faults=(lambda: channel.outcomes.append(fault),),
        received=lambda: len(channel.sent),
    )


WAYS: dict[str, Callable[[Path], AbstractAsyncContextManager[Way]]] = {
    "email": _email,
    "webhook": _webhook,
    "console": _console,
    "jsonl": _jsonl,
    "fake": _fake,
}

Check = Callable[[Way], Awaitable[None]]


@pytest.fixture(params=sorted(WAYS))
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Check], None]:
    """Run a check against one kind of channel."""

    def runner(check: Check) -> None:
        async def main() -> None:
            async with asyncio.timeout(60), WAYS[request.param](tmp_path) as way:
                await check(way)
                await way.channel.aclose()

        asyncio.run(main())

    return runner


Run = Callable[[Check], None]


def test_every_kind_is_in_the_suite() -> None:
    assert set(KINDS) | {"fake"} == set(WAYS)


def test_it_says_what_it_is_and_who_reads_it(run: Run) -> None:
    async def check(way: Way) -> None:
        channel = way.channel
        assert channel.name
        assert channel.kind
        assert channel.deadline > timedelta(0)
        assert channel.concurrency >= 1
        assert list(channel.schedule) == sorted(channel.schedule)
        assert channel.recipients
        assert len({recipient.address for recipient in channel.recipients}) == len(channel.recipients)

    run(check)


def test_a_delivery_is_sent_and_says_so_in_a_sentence(run: Run) -> None:
    async def check(way: Way) -> None:
        outcome = await way.channel.send(delivery(way.channel), now=NOW)
        assert isinstance(outcome, Delivered)
        assert outcome.detail
        assert way.received() == 1

    run(check)


def test_composing_is_pure_and_takes_any_alert(run: Run) -> None:
    async def check(way: Way) -> None:
        bare = Message(subject="", line="", text="", html="", data=MESSAGE.data)
        odd = replace(MESSAGE, subject="a\r\nb\x00\ud800", line="\x1b[31m\ud800", text="\ud800.\r\n", html="<p>\ud800")
        alerts = (ALERT, replace(ALERT, kind=AlertKind.OPERATOR, report=None, story_id=None, note="disk full"))
        for alert in alerts:
            for message in (MESSAGE, bare, odd):
                assert delivery(way.channel, message, alert=alert).payload

    run(check)


def test_the_same_row_may_be_sent_again_and_others_at_the_same_time(run: Run) -> None:
    async def check(way: Way) -> None:
        row = delivery(way.channel)
        rows = [row, row, replace(row, id="d2")]
        outcomes = await asyncio.gather(*(way.channel.send(each, now=NOW) for each in rows))
        assert all(isinstance(outcome, Delivered) for outcome in outcomes)

    run(check)


def test_whatever_the_receiver_does_is_an_outcome_within_the_deadline_and_never_an_exception(run: Run) -> None:
    async def check(way: Way) -> None:
        row = delivery(way.channel)
        loop = asyncio.get_running_loop()
        for fault in way.faults:
            fault()
            started = loop.time()
            outcome = await way.hasty.send(row, now=NOW)
            assert loop.time() - started < way.hasty.deadline.total_seconds() + 1
            assert describe(outcome) != "delivered"
            assert outcome.detail
            assert outcome.detail.isprintable()

    run(check)


def test_a_send_that_is_cancelled_ends_at_once(run: Run) -> None:
    async def check(way: Way) -> None:
        task = asyncio.ensure_future(way.channel.send(delivery(way.channel), now=NOW))
        await asyncio.sleep(0)
        task.cancel()
        async with asyncio.timeout(2):
            await asyncio.gather(task, return_exceptions=True)

    run(check)
