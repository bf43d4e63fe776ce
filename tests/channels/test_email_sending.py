"""The email channel against a real SMTP server on loopback that fails at every stage there is."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.policy import default
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import ValidationError
from support.alerting import ALERT, DELIVERY_ID, MESSAGE, NOW, delivery
from support.smtp_server import Answer, FakeSmtp, Session, drip, drop, say, say_and_close, silence

from monitor.channels.email import EmailChannel, Waits, _Client
from monitor.channels.email_options import EmailOptions
from monitor.channels.retry import MAIL_SCHEDULE, MAX_AGE, UNREACHABLE, after
from monitor.model import (
    Ambiguous,
    BadEndpoint,
    BadMessage,
    Delivered,
    DeliveryState,
    Endpoint,
    Gone,
    Outcome,
    Recipient,
    Retry,
    Throttled,
)

WAITS = Waits(connect=10, command=10, prepare=15, dot=10, goodbye=5)
HASTY = Waits(connect=0.5, command=0.3, prepare=2, dot=0.4, goodbye=0.2)
"""For servers that never answer."""
PASSWORD = "correct-horse-staple"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One attempt: what came of it, and the server afterwards."""

    outcome: Outcome
    server: FakeSmtp


@cache
def authority() -> trustme.CA:
    return trustme.CA()


def server_tls(name: str = "localhost") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert(name).configure_cert(context)
    return context


@pytest.fixture
def ca_file(tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority().cert_pem.write_to_path(str(path))
    return str(path)


def options(server: FakeSmtp, **more: Any) -> EmailOptions:
    base = {
        "host": "localhost",
        "port": server.port,
        "tls": "none",
        "from": "alerts@example.org",
        "to": ["desk@example.net"],
    }
    return EmailOptions.model_validate({**base, **more})


def attempt(
    server: FakeSmtp | None = None,
    *,
    waits: Waits = WAITS,
    script: dict[str, tuple[Answer, ...]] | None = None,
    **more: Any,
) -> Seen:
    """Send one mail through a server with a script."""

    async def run() -> Seen:
        async with server or FakeSmtp() as running:
            for stage, answers in (script or {}).items():
                running.on(stage, *answers)
            channel = EmailChannel("mail", options(running, **more), _waits=waits)
            async with asyncio.timeout(20):
                return Seen(outcome=await channel.send(delivery(channel), now=NOW), server=running)

    return asyncio.run(run())


# --- a mail that arrives ----------------------------------------------------------------------------------------------


def test_a_mail_arrives_byte_for_byte_with_its_envelope() -> None:
    text = ".\n..two\nFrom here\n" + "ы" * 5000 + "\n🚨\n"
    message = replace(MESSAGE, text=text)

    async def run() -> None:
        async with FakeSmtp() as server:
            channel = EmailChannel("mail", options(server, envelope_sender="bounces@example.org"), _waits=WAITS)
            row = delivery(channel, message)
            outcome = await channel.send(row, now=NOW)
            assert outcome == Delivered(detail="localhost took it: 2.0.0 queued as 4711", status=250)
            (mail,) = server.mails
            assert mail.data == row.payload
            assert (mail.sender, mail.recipients) == ("bounces@example.org", ("desk@example.net",))
            body = message_from_bytes(mail.data, policy=default).get_body(("plain",))
            assert body is not None
            assert body.get_content().replace("\r\n", "\n") == text
            assert server.commands("QUIT")

    asyncio.run(run())


def test_lines_that_begin_with_a_dot_survive() -> None:
    async def run() -> None:
        async with FakeSmtp() as server:
            channel = EmailChannel("mail", options(server), _waits=WAITS)
            raw = b"Subject: x\r\n\r\n.\r\n..\r\n.a\r\nb.\r\n"
            await channel.send(replace(delivery(channel), payload=raw), now=NOW)
            assert server.mails[0].data == raw

    asyncio.run(run())


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_password_and_mail_travel_encrypted(tls: str, ca_file: str) -> None:
    server = FakeSmtp(tls=server_tls(), implicit=tls == "implicit")
    seen = attempt(server, tls=tls, ca_file=ca_file, username="alerts", password=PASSWORD)
    assert isinstance(seen.outcome, Delivered)
    assert seen.server.mails[0].encrypted
    assert not any(verb in seen.server.clear for verb in (b"AUTH", b"MAIL", b"RCPT", b"DATA"))
    assert len(seen.server.commands("AUTH")) == 1


@pytest.mark.parametrize(("offered", "used"), [("LOGIN PLAIN", "AUTH PLAIN"), ("LOGIN", "AUTH LOGIN")])
def test_the_login_is_one_that_the_server_offers(offered: str, used: str) -> None:
    seen = attempt(FakeSmtp(logins=offered), username="alerts", password=PASSWORD)
    assert isinstance(seen.outcome, Delivered)
    assert seen.server.commands("AUTH")[0].startswith(used)


def test_each_recipient_gets_a_mail_and_an_outcome_of_their_own() -> None:
    async def run() -> None:
        async with FakeSmtp() as server:
            server.on("RCPT", say("250 ok"), say("452 4.2.2 mailbox full"), say("550 5.1.1 no such user"))
            everyone = ["a@example.net", {"address": "b@example.net", "language": "kk"}, "c@example.net"]
            channel = EmailChannel("mail", options(server, to=everyone, language="ru"), _waits=WAITS)
            assert [to.language for to in channel.recipients] == ["ru", "kk", "ru"]
            outcomes = []
            for to in channel.recipients:
                payload = channel.compose(MESSAGE, alert=ALERT, delivery_id=f"d-{to.language}", recipient=to)
                row = replace(delivery(channel), recipient=to.address, payload=payload)
                outcomes.append(await channel.send(row, now=NOW))
            assert [type(outcome) for outcome in outcomes] == [Delivered, Retry, Gone]
            assert [mail.recipients for mail in server.mails] == [("a@example.net",)]
            assert b"b@example.net" not in server.mails[0].data
            states = [
                after(outcome, row, Endpoint(channel="mail"), MAIL_SCHEDULE, NOW, 0.5)[0].state for outcome in outcomes
            ]
            assert states == [DeliveryState.DELIVERED, DeliveryState.PENDING, DeliveryState.DEAD]
            server.on("RCPT", say("250 ok"))
            again = replace(delivery(channel), recipient="b@example.net")
            assert isinstance(await channel.send(again, now=NOW), Delivered)
            assert [mail.recipients[0][0] for mail in server.mails] == ["a", "b"]

    asyncio.run(run())


def test_a_recipient_who_was_removed_gets_nothing_more() -> None:
    async def run() -> None:
        async with FakeSmtp() as server:
            channel = EmailChannel("mail", options(server), _waits=WAITS)
            outcome = await channel.send(replace(delivery(channel), recipient="old@example.net"), now=NOW)
            assert isinstance(outcome, Gone)
            assert not outcome.endpoint
            assert server.connections == 0

    asyncio.run(run())


# --- every answer at every stage --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "answer", "kind", "reason"),
    [
        ("CONNECT", say_and_close("421 too many connections"), Throttled, "throttled"),
        ("CONNECT", say_and_close("554 go away"), BadEndpoint, "server_refuses"),
        ("CONNECT", say_and_close("450 busy"), Retry, "try_later"),
        ("CONNECT", drop(), Retry, UNREACHABLE),
        ("CONNECT", silence(), Retry, UNREACHABLE),
        ("CONNECT", drip(b"220-x"), Retry, UNREACHABLE),
        ("CONNECT", drip(b"x" * 4000), Retry, UNREACHABLE),
        ("EHLO", say("421 shutting down"), Throttled, "throttled"),
        ("EHLO", say("550 not you"), BadEndpoint, "server_refuses"),
        ("EHLO", drip(b"250-x\r\n"), Retry, "timeout"),
        ("EHLO", drip(b"250-" + b"x" * 8000 + b"\r\n"), Retry, "protocol"),
        ("EHLO", silence(), Retry, "timeout"),
        ("EHLO", drop(), Retry, "disconnected"),
        ("AUTH", say("535 5.7.8 wrong"), BadEndpoint, "login_refused"),
        ("AUTH", say("534 5.7.9 too weak"), BadEndpoint, "login_refused"),
        ("AUTH", say("454 4.7.0 temporary failure"), Retry, "try_later"),
        ("AUTH", drop(), Retry, "disconnected"),
        ("MAIL", say("450 4.1.8 domain not found"), Retry, "try_later"),
        ("MAIL", say("451 4.7.1 slow down"), Throttled, "throttled"),
        ("MAIL", say("550 5.1.8 sender rejected"), BadEndpoint, "sender_refused"),
        ("MAIL", say("530 5.7.0 must issue STARTTLS"), BadEndpoint, "login_refused"),
        ("MAIL", drop(), Retry, "disconnected"),
        ("RCPT", say("451 4.7.1 greylisted"), Retry, "try_later"),
        ("RCPT", say("450 4.2.0 greylisted"), Retry, "try_later"),
        ("RCPT", say("452 4.2.2 full"), Retry, "try_later"),
        ("RCPT", say("550 5.1.1 unknown"), Gone, "no_such_recipient"),
        ("RCPT", say("550 unknown"), Gone, "no_such_recipient"),
        ("RCPT", say("550 5.2.1 mailbox disabled"), Gone, "no_such_recipient"),
        ("RCPT", say("554 5.7.1 relay access denied"), BadEndpoint, "relay_refused"),
        ("RCPT", say("550 5.7.1 policy"), BadMessage, "recipient_refused"),
        ("RCPT", say("552 5.2.2 full"), BadMessage, "recipient_refused"),
        ("RCPT", silence(), Retry, "timeout"),
        ("DATA", say("451 later"), Retry, "try_later"),
        ("DATA", say("554 5.5.1 no"), BadMessage, "refused"),
        ("DATA", drop(), Retry, "disconnected"),
        ("DATA", silence(), Retry, "timeout"),
        ("DATA", say("garbage"), Retry, "protocol"),
        ("DOT", say("451 4.3.0 later"), Retry, "try_later"),
        ("DOT", say("421 4.7.0 too many"), Throttled, "throttled"),
        ("DOT", say("452 4.7.1 rate"), Throttled, "throttled"),
        ("DOT", say("552 5.3.4 too big"), BadMessage, "content_refused"),
        ("DOT", say("554 5.6.0 bad content"), BadMessage, "content_refused"),
        ("DOT", say("550 5.7.1 spam"), BadMessage, "content_refused"),
        ("DOT", drop(), Ambiguous, "no_receipt"),
        ("DOT", silence(), Ambiguous, "no_receipt"),
        ("DOT", say("garbage"), Ambiguous, "no_receipt"),
        ("DOT", drip(b"250-x\r\n"), Ambiguous, "no_receipt"),
    ],
)
def test_every_answer_at_every_stage_has_its_outcome(stage: str, answer: Answer, kind: type, reason: str) -> None:
    endless = answer.__qualname__.startswith(("silence", "drip"))
    seen = attempt(script={stage: (answer,)}, waits=HASTY if endless else WAITS, username="alerts", password=PASSWORD)
    assert isinstance(seen.outcome, kind)
    assert not isinstance(seen.outcome, Delivered)
    assert seen.outcome.reason == reason
    assert "localhost" in seen.outcome.detail
    assert not seen.server.mails


@pytest.mark.parametrize("stage", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA"])
def test_a_mail_that_was_put_off_waits_at_least_a_minute(stage: str) -> None:
    seen = attempt(script={stage: (say_and_close("421 4.3.2 later"),)})
    row, endpoint = after(seen.outcome, delivery_row(), Endpoint(channel="mail"), MAIL_SCHEDULE, NOW, 0.0)
    assert (row.due_at - NOW).total_seconds() >= 60
    assert endpoint.paused_until == row.due_at


def delivery_row() -> Any:
    made = EmailOptions.model_validate(
        {"host": "localhost", "tls": "none", "from": "a@example.org", "to": ["b@example.net"]}
    )
    return delivery(EmailChannel("mail", made))


def test_a_mail_that_may_have_arrived_is_sent_again_with_the_same_id_and_bytes() -> None:
    async def run() -> None:
        async with FakeSmtp() as server:
            server.on("DOT", drop(), say("250 ok"))
            channel = EmailChannel("mail", options(server), _waits=WAITS)
            row = delivery(channel)
            first = await channel.send(row, now=NOW)
            assert isinstance(first, Ambiguous)
            kept, _ = after(first, row, Endpoint(channel="mail"), MAIL_SCHEDULE, NOW, 0.5)
            assert kept.reason is not None
            assert kept.reason.startswith("possibly delivered: ")
            assert kept.failures == 1
            assert isinstance(await channel.send(kept, now=NOW), Delivered)
            assert message_from_bytes(server.mails[0].data)["Message-ID"] == f"<{DELIVERY_ID}@example.org>"
            assert server.mails[0].data == row.payload

    asyncio.run(run())


def test_the_receipt_of_the_whole_mail_is_waited_for_longest() -> None:
    assert Waits().dot == 600
    assert EmailChannel.deadline.total_seconds() >= 900

    async def slow(session: Session) -> None:
        done = asyncio.Event()
        asyncio.get_running_loop().call_later(1.2, done.set)
        await done.wait()
        await session.write("250 2.0.0 at last")

    assert isinstance(attempt(waits=replace(WAITS, command=1), script={"DOT": (slow,)}).outcome, Delivered)


@pytest.mark.parametrize("answer", ["552 5.3.4 too big", "554 5.6.0 bad content"])
def test_a_mail_refused_for_its_content_is_tried_once_more_as_text_alone(answer: str) -> None:
    async def run(*answers: Answer) -> tuple[Outcome, FakeSmtp]:
        async with FakeSmtp() as server:
            server.on("DOT", *answers)
            channel = EmailChannel("mail", options(server), _waits=WAITS)
            return await channel.send(delivery(channel), now=NOW), server

    outcome, server = asyncio.run(run(say(answer), say("250 ok")))
    assert isinstance(outcome, Delivered)
    assert "as text alone" in outcome.detail
    mail = message_from_bytes(server.mails[0].data, policy=default)
    assert mail.get_content_type() == "text/plain"
    assert mail["Message-ID"] == f"<{DELIVERY_ID}@example.org>"
    outcome, server = asyncio.run(run(say(answer)))
    assert isinstance(outcome, BadMessage)
    assert len(server.commands("DATA")) == 2


def test_a_farewell_that_is_not_answered_changes_nothing() -> None:
    assert isinstance(attempt(waits=replace(WAITS, goodbye=0.1), script={"QUIT": (silence(),)}).outcome, Delivered)


def test_a_connection_to_a_server_that_hears_nothing_any_more_ends_at_once() -> None:
    async def deaf(session: Session) -> None:
        session.writer.transport.pause_reading()
        await session.write("220 hello")

    async def run() -> None:
        async with FakeSmtp(tls=server_tls(), implicit=True) as server:
            server.on("CONNECT", deaf)
            trusting = ssl.create_default_context()
            authority().configure_trust(trusting)
            client = _Client(
                hostname="localhost", port=server.port, use_tls=True, tls_context=trusting, local_hostname="x"
            )
            await client.connect()
            protocol = client.protocol
            assert protocol is not None
            client.close()
            for _ in range(3):  # rounds of the loop, not time: a farewell over TLS would take 30 s
                await asyncio.sleep(0)
            assert not protocol.is_connected
            assert protocol.transport is None

    asyncio.run(run())


# --- encryption and login ---------------------------------------------------------------------------------------------


def test_nothing_is_sent_in_clear_where_starttls_is_not_offered() -> None:
    seen = attempt(tls="starttls", username="alerts", password=PASSWORD)
    assert isinstance(seen.outcome, BadEndpoint)
    assert seen.outcome.reason == "no_starttls"
    assert "nothing was sent in clear" in seen.outcome.detail
    assert seen.server.lines == ["EHLO example.org", "QUIT"]


@pytest.mark.parametrize(
    ("script", "kind", "reason"),
    [
        ({"STARTTLS": (say("454 4.7.0 not now"),)}, Retry, "try_later"),
        ({"STARTTLS": (say("502 no"),)}, BadEndpoint, "server_refuses"),
        ({"STARTTLS": (drop(),)}, Retry, "disconnected"),
    ],
)
def test_starttls_that_fails_sends_nothing(
    script: dict[str, tuple[Answer, ...]], kind: type, reason: str, ca_file: str
) -> None:
    seen = attempt(FakeSmtp(tls=server_tls()), script=script, tls="starttls", ca_file=ca_file)
    assert isinstance(seen.outcome, kind)
    assert getattr(seen.outcome, "reason", "") == reason
    assert not seen.server.commands("MAIL")


def test_starttls_that_never_comes_runs_into_the_deadline(ca_file: str) -> None:
    seen = attempt(
        FakeSmtp(tls=server_tls()), waits=HASTY, script={"STARTTLS": (silence(),)}, tls="starttls", ca_file=ca_file
    )
    assert isinstance(seen.outcome, Retry)
    assert seen.outcome.reason == "timeout"


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("trusted", [True, False])
def test_a_certificate_that_does_not_hold_stops_everything(tls: str, trusted: bool, ca_file: str) -> None:
    name = "other.example" if trusted else "localhost"
    more: dict[str, Any] = {"ca_file": ca_file} if trusted else {}
    seen = attempt(FakeSmtp(tls=server_tls(name), implicit=tls == "implicit"), tls=tls, **more)
    assert isinstance(seen.outcome, BadEndpoint)
    assert seen.outcome.reason == "certificate"
    assert "is not valid" in seen.outcome.detail
    assert not seen.server.commands("MAIL")


def test_tls_on_a_port_without_it_says_what_may_be_meant() -> None:
    seen = attempt(tls="implicit")
    assert isinstance(seen.outcome, BadEndpoint)
    assert seen.outcome.reason == "no_tls"
    assert "starttls" in seen.outcome.detail


def test_a_wrong_password_is_tried_once_and_then_slowly() -> None:
    seen = attempt(
        FakeSmtp(logins="CRAM-MD5 LOGIN PLAIN"),
        script={"AUTH": (say("535 5.7.8 wrong"),)},
        username="a",
        password=PASSWORD,
    )
    assert len(seen.server.commands("AUTH")) == 1
    row, endpoint = after(seen.outcome, delivery_row(), Endpoint(channel="mail"), MAIL_SCHEDULE, NOW, 0.0)
    assert endpoint.open
    assert (row.due_at - NOW).total_seconds() >= 600
    assert row.state is DeliveryState.PENDING
    assert row.failures == 0


@pytest.mark.parametrize("offered", ["", "GSSAPI NTLM"])
def test_a_server_without_a_login_that_we_know_is_a_wrong_endpoint(offered: str) -> None:
    seen = attempt(FakeSmtp(logins=offered), username="alerts", password=PASSWORD)
    assert isinstance(seen.outcome, BadEndpoint)
    assert seen.outcome.reason == "no_login"


def test_an_old_server_without_ehlo_is_greeted_the_old_way() -> None:
    seen = attempt(script={"EHLO": (say("502 what?"),)})
    assert isinstance(seen.outcome, Delivered)
    assert seen.server.commands("HELO") == ["HELO example.org"]


def test_a_server_that_is_not_there_burns_no_attempt() -> None:
    async def run() -> Outcome:
        async with FakeSmtp() as server:
            made = options(server)
        channel = EmailChannel("mail", made, _waits=WAITS)
        return await channel.send(delivery(channel), now=NOW)

    outcome = asyncio.run(run())
    assert isinstance(outcome, Retry)
    assert "cannot be reached (Connect call failed" in outcome.detail
    row, _ = after(outcome, delivery_row(), Endpoint(channel="mail"), MAIL_SCHEDULE, NOW, 0.5)
    assert (row.failures, row.state) == (0, DeliveryState.PENDING)
    assert (
        after(outcome, row, Endpoint(channel="mail"), MAIL_SCHEDULE, NOW + 2 * MAX_AGE, 0.5)[0].state
        is DeliveryState.DEAD
    )


def test_a_password_that_the_server_repeats_is_not_told() -> None:
    encoded = base64.b64encode(f"\0alerts\0{PASSWORD}".encode()).decode()
    answer = say(f"535 {PASSWORD} and {base64.b64encode(PASSWORD.encode()).decode()} and {encoded} \x1b[31m")
    seen = attempt(script={"AUTH": (answer,)}, username="alerts", password=PASSWORD)
    told = repr(seen.outcome)
    for secret in (PASSWORD, base64.b64encode(PASSWORD.encode()).decode(), encoded):
        assert secret not in told
    assert "\\x1b" not in told


# --- options ----------------------------------------------------------------------------------------------------------


BASE: dict[str, Any] = {"host": "mail.example.org", "tls": "starttls", "from": "a@example.org", "to": ["b@example.net"]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tls": "none"}, "readable for everyone"),
        ({"tls": None}, "starttls"),
        ({"tls": True}, "starttls"),
        ({"host": "mail server"}, "is not a domain"),
        ({"port": 0}, "greater than or equal"),
        ({"to": []}, "at least 1"),
        ({"to": ["b@example.net", {"address": "b@example.net"}]}, "twice"),
        ({"to": ["Desk <b@example.net>"]}, "not a mail address"),
        ({"to": ["b@example.net\r\nRCPT TO:<x@y>"]}, "not a mail address"),
        ({"to": ["ы@example.net"]}, "not a mail address"),
        ({"to": ["b..c@example.net"]}, "not a mail address"),
        ({"to": ["b@-.net"]}, "not a domain"),
        ({"to": ["b@" + "ы" * 80 + ".net"]}, "not a domain"),
        ({"to": [{"address": "b@example.net", "language": "fr"}]}, "no language of alerts"),
        ({"to": [{"address": "b@example.net", "zone": "Mars/Base"}]}, "no time zone"),
        ({"from": "Monitor"}, "not a mail address"),
        ({"from": "A\r\nBcc: x <a@example.org>"}, "control characters"),
        ({"username": "x"}, "belong together"),
        ({"password": PASSWORD}, "belong together"),
        ({"list_id": "<alerts>"}, "is not a domain"),
        ({"unsubscribe": "https://example.org/off"}, "is not a mail address"),
        ({"unsubscribe": "a@example.org>\r\nBcc: x"}, "is not a mail address"),
        ({"ca_file": __file__}, "holds no certificates"),
        ({"timeout": 3}, "Extra inputs"),
    ],
)
def test_a_wrong_option_is_refused_with_words_that_help_and_no_secret(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        EmailOptions.model_validate({**BASE, **changes})
    assert words in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_tls_must_be_said() -> None:
    with pytest.raises(ValidationError, match="tls"):
        EmailOptions.model_validate({key: value for key, value in BASE.items() if key != "tls"})


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"tls": "none", "host": "127.0.0.1"}, lambda made: made.host == "127.0.0.1"),
        ({"tls": "none", "host": "::1"}, lambda made: made.host == "::1"),
        ({"tls": "none", "allow_plain": True}, lambda made: made.allow_plain),
        ({"to": ["desk@почта.example"]}, lambda made: made.to == ("desk@xn--80a1acny.example",)),
        ({"from": "Монитор <a@example.org>"}, lambda made: made.letterhead().sender.display_name == "Монитор"),
        ({"domain": "news.example.org"}, lambda made: made.letterhead().domain == "news.example.org"),
        ({"username": "u", "password": PASSWORD}, lambda made: PASSWORD not in repr(made)),
    ],
)
def test_options_that_are_fine(changes: dict[str, Any], check: Callable[[EmailOptions], bool]) -> None:
    assert check(EmailOptions.model_validate({**BASE, **changes}))


def test_recipients_read_in_their_own_language_and_zone_else_the_channels_else_the_defaults() -> None:
    to = [{"address": "a@example.net", "language": "kk", "zone": "Asia/Almaty"}, "b@example.net"]
    context = {"language": "ru", "zone": "Europe/Berlin"}
    made = EmailOptions.model_validate({**BASE, "to": to}, context=context)
    assert made.recipients() == (
        Recipient(address="a@example.net", language="kk", zone="Asia/Almaty"),
        Recipient(address="b@example.net", language="ru", zone="Europe/Berlin"),
    )
    named = EmailOptions.model_validate(
        {**BASE, "to": [{"address": "a@example.net"}], "language": "en"}, context=context
    )
    assert named.recipients() == (Recipient(address="a@example.net", language="en", zone="Europe/Berlin"),)
