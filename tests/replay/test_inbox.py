import asyncio
import base64
import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import httpx
import pytest
from standardwebhooks import Webhook

from monitor.replay.clock import Hand
from monitor.replay.hook_server import refusal_of
from monitor.replay.inbox import Inbox
from monitor.replay.scenario import ReceiverFault

NOW = datetime(2022, 1, 5, 10, 30, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
BODY = json.dumps({"type": "alert", "data": {"headline": "Төтенше жағдай"}}, ensure_ascii=False).encode()


def receive(out: Path, story: Callable[[Inbox, Hand], Coroutine[Any, Any, None]], *faults: ReceiverFault) -> Inbox:
    async def run() -> Inbox:
        hand = Hand(NOW)
        async with Inbox(hand, out, SECRET, faults=faults) as inbox:
            await asyncio.wait_for(story(inbox, hand), 20)
        return inbox

    return asyncio.run(run())


def signed(identifier: str, at: datetime, body: bytes = BODY, secret: str = SECRET) -> dict[str, str]:
    """Headers as the independent implementation of the standard makes them."""
    return {
        "webhook-id": identifier,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(identifier, at, body.decode()),
    }


def mail(identifier: str, text: str = "Line one.\n.a line that begins with a dot\n..two dots\n") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "monitor@newsroom.example", "desk@newsroom.example"
    message["Subject"], message["Message-ID"] = "Төтенше жағдай енгізілді", f"<{identifier}@newsroom.example>"
    message.set_content(text)
    return message


async def send(inbox: Inbox, message: EmailMessage) -> None:
    await aiosmtplib.send(message, hostname="127.0.0.1", port=inbox.smtp_port, start_tls=False, timeout=10)


async def post(inbox: Inbox, headers: dict[str, str], body: bytes = BODY, method: str = "POST") -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.request(method, inbox.hook_url, content=body, headers=headers)


def test_a_mail_is_kept_with_id_time_recipient_and_subject(tmp_path: Path) -> None:
    async def story(inbox: Inbox, hand: Hand) -> None:
        hand.move(NOW + timedelta(minutes=5))
        await send(inbox, mail("d1abc"))

    (arrival,) = receive(tmp_path, story).arrivals
    assert (arrival.channel, arrival.id, arrival.recipient) == ("email", "d1abc", "desk@newsroom.example")
    assert arrival.subject == "Төтенше жағдай енгізілді"
    assert arrival.at == NOW + timedelta(minutes=5)
    assert arrival.file.parent == tmp_path / "mails"
    assert b"\n.a line that begins with a dot" in arrival.file.read_bytes()
    assert b"\n..two dots" in arrival.file.read_bytes()


def test_one_connection_takes_several_mails_and_several_recipients(tmp_path: Path) -> None:
    async def story(inbox: Inbox, hand: Hand) -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=inbox.smtp_port, start_tls=False) as client:
            await client.send_message(mail("d1"), recipients=["a@newsroom.example", "b@newsroom.example"])
            await client.noop()
            await client.rset()
            await client.send_message(mail("d2"))

    arrivals = receive(tmp_path, story).arrivals
    assert [(each.id, each.recipient) for each in arrivals] == [
        ("d1", "a@newsroom.example"),
        ("d1", "b@newsroom.example"),
        ("d2", "desk@newsroom.example"),
    ]


def test_commands_out_of_order_or_unknown_are_refused(tmp_path: Path) -> None:
    async def story(inbox: Inbox, hand: Hand) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", inbox.smtp_port)
        writer.write(b"HELO me\r\nDATA\r\nFLY\r\nQUIT\r\n")
        lines = (await reader.read()).decode().splitlines()
        writer.close()
        assert [line[:3] for line in lines] == ["220", "250", "503", "502", "221"]

    assert receive(tmp_path, story).arrivals == []


@pytest.mark.parametrize("status", [421, 451, 550])
def test_mail_is_refused_with_a_status_while_the_fault_lasts(tmp_path: Path, status: int) -> None:
    async def story(inbox: Inbox, hand: Hand) -> None:
        with pytest.raises(aiosmtplib.SMTPException) as caught:
            await send(inbox, mail("d1"))
        assert getattr(caught.value, "code", status) == status
        hand.move(NOW + timedelta(hours=1))
        await send(inbox, mail("d1"))

    fault = ReceiverFault(channel="email", start=NOW, end=NOW + timedelta(hours=1), status=status)
    inbox = receive(tmp_path, story, fault)
    assert [arrival.id for arrival in inbox.arrivals] == ["d1"]
    assert inbox.repeated == {}
    assert [refusal.channel for refusal in inbox.refusals] == ["email"]


def test_mail_connections_are_dropped_without_a_status(tmp_path: Path) -> None:
    async def story(inbox: Inbox, hand: Hand) -> None:
        with pytest.raises(aiosmtplib.SMTPException):
            await send(inbox, mail("d1"))

    fault = ReceiverFault(channel="email", start=NOW, end=NOW + timedelta(hours=1))
    assert receive(tmp_path, story, fault).arrivals == []


def test_a_signed_webhook_is_kept_as_it_came(tmp_path: Path) -> None:
    async def story(inbox: Inbox, hand: Hand) -> None:
        response = await post(inbox, signed("d1abc", NOW))
        assert (response.status_code, response.headers["date"]) == (204, "Wed, 05 Jan 2022 10:30:00 GMT")

    (arrival,) = receive(tmp_path, story).arrivals
    assert (arrival.channel, arrival.id, arrival.at) == ("webhook", "d1abc", NOW)
    assert arrival.subject == "Төтенше жағдай"
    assert arrival.file.read_bytes() == BODY


def test_what_comes_twice_is_counted(tmp_path: Path) -> None:
    async def story(inbox: Inbox, hand: Hand) -> None:
        for identifier in ("d1", "d2", "d1", "d1"):
            assert (await post(inbox, signed(identifier, NOW))).status_code == 204

    assert receive(tmp_path, story).repeated == {"d1": 3}


OTHER = "whsec_" + base64.b64encode(bytes(32)).decode()

FORGED = {
    "another secret": (signed("d1", NOW, secret=OTHER), BODY),
    "another body": (signed("d1", NOW), BODY + b" "),
    "another id": ({**signed("d1", NOW), "webhook-id": "d2"}, BODY),
    "too old": (signed("d1", NOW - timedelta(seconds=301)), BODY),
    "from the future": (signed("d1", NOW + timedelta(seconds=301)), BODY),
    "no id": ({**signed("d1", NOW), "webhook-id": ""}, BODY),
    "no timestamp": ({**signed("d1", NOW), "webhook-timestamp": "soon"}, BODY),
    "no signature": ({**signed("d1", NOW), "webhook-signature": ""}, BODY),
    "another version": (
        {**signed("d1", NOW), "webhook-signature": signed("d1", NOW)["webhook-signature"].replace("v1,", "v2,")},
        BODY,
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_webhook_that_is_not_genuine_or_not_fresh_is_refused(tmp_path: Path, name: str) -> None:
    headers, body = FORGED[name]
    assert refusal_of(headers, body, SECRET, NOW.timestamp()) is not None

    async def story(inbox: Inbox, hand: Hand) -> None:
        assert (await post(inbox, headers, body)).status_code == 401

    inbox = receive(tmp_path, story)
    assert inbox.arrivals == []
    assert len(inbox.refusals) == 1


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_webhook_within_five_minutes_and_with_one_good_signature_of_several_is_genuine(seconds: int) -> None:
    headers = signed("d1", NOW + timedelta(seconds=seconds))
    headers["webhook-signature"] = "v1a,nothing v1,AAAA " + headers["webhook-signature"]
    assert refusal_of(headers, BODY, SECRET, NOW.timestamp()) is None


def test_the_webhook_receiver_refuses_with_a_status_while_the_fault_lasts(tmp_path: Path) -> None:
    async def story(inbox: Inbox, hand: Hand) -> None:
        response = await post(inbox, signed("d1", NOW))
        assert (response.status_code, response.headers["retry-after"]) == (503, "600")
        hand.move(NOW + timedelta(hours=1))
        assert (await post(inbox, signed("d1", hand.now))).status_code == 204

    fault = ReceiverFault(
        channel="webhook", start=NOW, end=NOW + timedelta(hours=1), status=503, retry_after=timedelta(minutes=10)
    )
    assert receive(tmp_path, story, fault).repeated == {}


def test_webhook_connections_are_dropped_without_a_status(tmp_path: Path) -> None:
    async def story(inbox: Inbox, hand: Hand) -> None:
        with pytest.raises(httpx.TransportError):
            await post(inbox, signed("d1", NOW))

    fault = ReceiverFault(channel="webhook", start=NOW, end=NOW + timedelta(hours=1))
    assert receive(tmp_path, story, fault).arrivals == []


def test_odd_requests_do_not_disturb_the_receiver(tmp_path: Path) -> None:
    async def story(inbox: Inbox, hand: Hand) -> None:
        assert (await post(inbox, {}, b"", "GET")).status_code in {405, 411}
        reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(inbox.hook_url).port)
        writer.write(b"POST /alerts HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 413 ")
        writer.close()
        assert (await post(inbox, signed("d1", NOW, b"[]"), b"[]")).status_code == 204
        assert (await post(inbox, signed("d2", NOW, b"no json"), b"no json")).status_code == 204

    assert [arrival.subject for arrival in receive(tmp_path, story).arrivals] == ["", ""]


def test_files_have_names_that_stay_in_their_folder(tmp_path: Path) -> None:
    async def story(inbox: Inbox, hand: Hand) -> None:
        await send(inbox, mail("../../etc/passwd"))

    (arrival,) = receive(tmp_path, story).arrivals
    assert arrival.file.parent == tmp_path / "mails"
    assert arrival.file.exists()
