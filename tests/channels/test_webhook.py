"""The webhook channel against real servers on loopback: what goes onto the wire, and what every answer means."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import trustme
from pydantic import ValidationError
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from support.alerting import ALERT, DELIVERY_ID, MESSAGE, NOW, SCHEMA, delivery, event
from support.http_server import Answer, FakeServer, drip, hang, head, pour, raw, redirect, reply, reset, vanish

from monitor.channels.event import MAX_BODY, SHORT_BODY, shorter
from monitor.channels.retry import HTTP_SCHEDULE, UNREACHABLE, after
from monitor.channels.webhook import WebhookChannel, WebhookOptions, judge
from monitor.model import (
    Ambiguous,
    BadEndpoint,
    BadMessage,
    Delivered,
    Delivery,
    DeliveryState,
    Endpoint,
    Gone,
    Outcome,
    Retry,
    Throttled,
)
from monitor.net import client
from monitor.net.client import Http, NetFailure, NetKind

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OLD_SECRET = "whsec_" + base64.b64encode(bytes(range(100, 124))).decode()
TOKEN = "t0k3n-in-the-path"
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())

Test = Callable[[WebhookChannel, FakeServer], Awaitable[Any]]


def options(url: str, **more: Any) -> WebhookOptions:
    return WebhookOptions.model_validate({"url": url, "secret": SECRET, **more})


def talk(test: Test, *, path: str = "/hook", deadline: float = 5, **more: Any) -> Any:
    """Run `test` with a channel that posts to a server's path."""

    async def run() -> Any:
        http = Http()
        try:
            async with FakeServer() as server:
                channel = WebhookChannel(
                    "hook", options(server.url(path), **more), http, _deadline=timedelta(seconds=deadline)
                )
                async with asyncio.timeout(20):
                    return await test(channel, server)
        finally:
            await http.aclose()

    return asyncio.run(run())


def send(*answers: Answer, deadline: float = 5, now: datetime = NOW, **more: Any) -> Outcome:
    """Return the outcome of one attempt against a server that answers so."""

    async def test(channel: WebhookChannel, server: FakeServer) -> Outcome:
        server.on("/hook", *answers)
        return await channel.send(delivery(channel), now=now)

    outcome: Outcome = talk(test, deadline=deadline, **more)
    return outcome


def exchange(*, now: datetime = NOW, **more: Any) -> tuple[Outcome, Any]:
    """Return the outcome and the request of one attempt that is answered well."""

    async def test(channel: WebhookChannel, server: FakeServer) -> tuple[Outcome, Any]:
        server.on("/hook", reply(204))
        return await channel.send(delivery(channel), now=now), server.requests[0]

    pair: tuple[Outcome, Any] = talk(test, **more)
    return pair


# --- on the wire ------------------------------------------------------------------------------------------------------


def test_the_body_is_the_event_of_the_published_schema_in_utf_8() -> None:
    outcome, request = exchange()
    assert outcome == Delivered(detail="answered 204", status=204)
    VALIDATOR.validate(json.loads(request.body))
    assert "чрезвычайное".encode() in request.body
    assert request.method == "POST"
    assert request.header("content-type") == "application/json; charset=utf-8"
    assert request.header("accept-encoding") == "identity"
    assert request.header("user-agent").startswith("situation-monitor/")


def test_an_independent_implementation_verifies_the_signature() -> None:
    _, request = exchange(now=datetime.now(UTC))
    headers = {name.lower(): value for name, value in request.headers}
    assert Webhook(SECRET).verify(request.body, headers)["type"] == "alert.story"
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD_SECRET).verify(request.body, headers)


def test_while_a_secret_is_changed_the_old_and_the_new_one_verify_alone() -> None:
    _, request = exchange(now=datetime.now(UTC), secret=[SECRET, OLD_SECRET])
    headers = {name.lower(): value for name, value in request.headers}
    assert len(headers["webhook-signature"].split()) == 2
    for secret in (SECRET, OLD_SECRET):
        Webhook(secret).verify(request.body, headers)


def test_every_attempt_has_the_same_id_and_bytes_and_its_own_timestamp() -> None:
    async def test(channel: WebhookChannel, server: FakeServer) -> None:
        server.on("/hook", reply(500), reply(204))
        row = delivery(channel)
        await channel.send(row, now=NOW)
        await channel.send(row, now=NOW + timedelta(minutes=5))
        first, second = server.requests
        assert first.body == second.body
        assert first.header("webhook-id") == second.header("webhook-id") == DELIVERY_ID
        assert "." not in DELIVERY_ID
        stamps = [int(request.header("webhook-timestamp") or 0) for request in (first, second)]
        assert stamps == [int(NOW.timestamp()), int(NOW.timestamp()) + 300]
        assert first.header("webhook-signature") != second.header("webhook-signature")

    talk(test)


def test_headers_of_the_user_are_sent_and_cannot_replace_ours() -> None:
    _, request = exchange(headers={"Authorization": "Bearer s3cr3t", "X-Desk": "night"})
    assert request.header("authorization") == "Bearer s3cr3t"
    assert request.header("x-desk") == "night"


def test_as_a_cloud_event_the_same_data_travels_in_their_envelope() -> None:
    _, request = exchange(format="cloudevents")
    assert request.header("content-type") == "application/cloudevents+json; charset=utf-8"
    body = json.loads(request.body)
    assert {key: body[key] for key in ("specversion", "id", "source", "type", "time")} == {
        "specversion": "1.0",
        "id": DELIVERY_ID,
        "source": "/situations/kazakhstan/routes/default",
        "type": "alert.story",
        "time": MESSAGE.data["timestamp"],
    }
    VALIDATOR.validate({"type": body["type"], "timestamp": body["time"], "data": body["data"]})


def channel_for(**more: Any) -> WebhookChannel:
    return WebhookChannel("hook", options("https://receiver.example/hook", **more), Http())


def test_a_body_that_a_template_wrote_is_sent_as_it_is() -> None:
    channel = channel_for()
    body = b'{"text": "mine"}'
    assert delivery(channel, replace(MESSAGE, body=body)).payload == body


@pytest.mark.parametrize("form", ["standard", "cloudevents"])
@pytest.mark.parametrize(
    ("field", "value", "dropped"),
    [
        ("summary", "ы" * 15_000, "summary"),
        ("story", {"id": "s", "sources": ["Редакция"] * 3000, "source_count": 3000}, "sources"),
        ("headline", "Ы" * 30_000, "report"),
        (
            "watches",
            [{"name": "w", "title": "W", "reasons": [{"keyword": "к", "surface": "к", "field": "text", "start": 1, "end": 2}] * 999}],
            "reasons",
        ),
    ],
)  # fmt: skip
def test_a_long_event_gives_up_fields_in_a_fixed_order_and_says_so(
    field: str, value: object, dropped: str, form: str
) -> None:
    payload = delivery(channel_for(format=form), replace(MESSAGE, data=event(**{field: value}))).payload
    assert len(payload) <= MAX_BODY
    data = json.loads(payload)["data"]
    assert data["truncated"] is True
    VALIDATOR.validate({"type": "alert.story", "timestamp": MESSAGE.data["timestamp"], "data": data})
    assert data["source"]["name"] == "Степной вестник"
    assert data["url"]
    assert f'"{dropped}"' not in json.dumps(data)


def test_an_event_without_report_or_story_is_shortened_too() -> None:
    bare = event(story=None, report=None, source=None, watches=None, url=None, note="н" * 15_000)
    data = json.loads(delivery(channel_for(), replace(MESSAGE, data=bare)).payload)["data"]
    assert "note" not in data
    assert data["headline"] == bare["data"]["headline"]


def test_an_event_that_cannot_be_made_short_enough_goes_out_as_short_as_it_gets() -> None:
    data = json.loads(delivery(channel_for(), replace(MESSAGE, data=event(url="u" * 30_000))).payload)["data"]
    assert len(data["url"]) == 30_000
    assert "summary" not in data


def test_odd_text_makes_valid_json() -> None:
    odd = 'a"b\\c\nd\x00e\u2028f\ud800g {{ 7*7 }} </script>'
    data = json.loads(delivery(channel_for(), replace(MESSAGE, data=event(headline=odd))).payload)["data"]
    assert data["headline"] == odd.replace("\ud800", "?")


# --- what answers mean ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_delivered(status: int) -> None:
    assert send(reply(status, b"thanks" if status != 204 else b"")) == Delivered(
        detail=f"answered {status}", status=status
    )


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (500, Retry, "server_error"), (502, Retry, "server_error"), (503, Retry, "server_error"),
        (504, Retry, "server_error"), (408, Retry, "server_error"), (409, Retry, "server_error"),
        (425, Retry, "server_error"), (429, Throttled, "throttled"),
        (400, BadMessage, "refused"), (413, BadMessage, "refused"), (415, BadMessage, "refused"), (422, BadMessage, "refused"),
        (401, BadEndpoint, "unauthorized"), (403, BadEndpoint, "forbidden"), (404, BadEndpoint, "not_found"),
        (405, BadEndpoint, "not_found"), (418, BadEndpoint, "refused"), (410, Gone, "gone"),
        (301, BadEndpoint, "redirect"), (302, BadEndpoint, "redirect"), (307, BadEndpoint, "redirect"), (304, BadEndpoint, "redirect"),
    ],
)  # fmt: skip
def test_every_status_has_its_outcome(status: int, kind: type, reason: str) -> None:
    outcome = send(reply(status))
    assert isinstance(outcome, kind)
    assert not isinstance(outcome, Delivered)
    assert (outcome.reason, outcome.status) == (reason, status)
    assert f"answered {status}" in outcome.detail
    if isinstance(outcome, Gone):
        assert outcome.endpoint


def judged(status: int, headers: dict[str, str], *, date: datetime | None = None) -> Outcome:
    answer = client.Answer(status=status, headers=httpx.Headers(headers), body=b"", complete=True, date=date)
    return judge(answer, NOW)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("7", timedelta(seconds=7)),
        ("0.376", timedelta(seconds=0.376)),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), timedelta(seconds=90)),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), timedelta(0)),
        ("864000", timedelta(days=1)),
        ("1" * 400, None),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("1_0", None),
    ],
)
def test_retry_after_is_obeyed_in_all_its_forms(status: int, value: str, wait: timedelta | None) -> None:
    outcome = judged(status, {"Retry-After": value})
    if wait is None and status == 503:
        assert isinstance(outcome, Retry)
        return
    assert isinstance(outcome, Throttled)
    assert outcome.retry_after == wait
    row = Delivery(id="d", alert_id="a", channel="hook", recipient="x", payload=b"", due_at=NOW, created_at=NOW)
    kept, endpoint = after(outcome, row, Endpoint(channel="hook"), HTTP_SCHEDULE, NOW, 0.5)
    assert (kept.failures, kept.state) == (0, DeliveryState.PENDING)
    assert kept.due_at == endpoint.paused_until == NOW + max(HTTP_SCHEDULE[0], wait or timedelta(0))


def test_a_date_in_retry_after_counts_from_the_receivers_own_clock() -> None:
    theirs = NOW + timedelta(days=3)
    outcome = judged(429, {"Retry-After": format_datetime(theirs + timedelta(minutes=2), usegmt=True)}, date=theirs)
    assert isinstance(outcome, Throttled)
    assert outcome.retry_after == timedelta(minutes=2)


def test_a_body_too_long_for_the_receiver_is_sent_once_more_in_its_short_form() -> None:
    long = replace(MESSAGE, data=event(summary="ы" * 5000))

    async def test(channel: WebhookChannel, server: FakeServer) -> None:
        server.on("/hook", reply(413), reply(200))
        outcome = await channel.send(delivery(channel, long), now=NOW)
        assert isinstance(outcome, Delivered)
        assert "short form" in outcome.detail
        whole, short = server.requests
        assert len(short.body) <= SHORT_BODY < len(whole.body)
        assert short.header("webhook-id") == whole.header("webhook-id")
        assert json.loads(short.body)["data"]["truncated"] is True
        server.on("/hook", reply(413))
        assert isinstance(await channel.send(delivery(channel, long), now=NOW), BadMessage)
        assert len(server.requests) == 4

    talk(test)


@pytest.mark.parametrize(
    "body", [b"", b"no json", b"[]", b'{"data": 1}', b'{"data": {"mine": "' + b"x" * 9000 + b'"}}']
)
def test_only_our_own_events_have_a_short_form(body: bytes) -> None:
    assert shorter(body) is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(status: int) -> None:
    async def test(channel: WebhookChannel, server: FakeServer) -> None:
        async with FakeServer() as target:
            server.on("/hook", redirect(target.url("/elsewhere"), status))
            outcome = await channel.send(delivery(channel), now=NOW)
            assert isinstance(outcome, BadEndpoint)
            assert "not followed" in outcome.detail
            assert target.connections == 0
            assert len(server.requests) == 1

    talk(test)


# --- what the network does --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (hang(), "After 0.4 s the server had not answered"),
        (hang(b"HTTP/1.1 200 O"), "After 0.4 s"),
        (drip(b"HTTP/1.1 200 OK\r\n", b"x"), "After 0.4 s"),
        (reset(), "without an answer"),
        (vanish(), "without an answer"),
        (raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "not valid HTTP"),
        (raw(head(200, [("x", "y" * 300_000)])), ""),
    ],
)
def test_what_breaks_after_the_request_was_written_is_ambiguous(answer: Answer, words: str) -> None:
    outcome = send(answer, deadline=0.4)
    assert isinstance(outcome, Ambiguous)
    assert words in outcome.detail


@pytest.mark.parametrize(
    "answer",
    [
        hang(head(200, {"Content-Length": "10"})),
        drip(head(200, {"Content-Length": "1000000"}), b"x"),
        pour(head(200), b"x" * 65536, 200),
        reset(head(200, {"Content-Length": "10"}) + b"123"),
        reply(200, b"not gzip", {"Content-Encoding": "gzip"}),
    ],
)
def test_once_the_status_is_known_the_body_cannot_spoil_it(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PREFIX_WAIT", 0.2)
    assert isinstance(send(answer), Delivered)


def test_a_receiver_that_is_not_there_burns_no_attempt() -> None:
    async def run() -> Outcome:
        async with FakeServer() as server:
            url = server.url("/hook")
        http = Http()
        channel = WebhookChannel("hook", options(url), http)
        try:
            return await channel.send(delivery(channel), now=NOW)
        finally:
            await http.aclose()

    outcome = asyncio.run(run())
    assert isinstance(outcome, Retry)
    assert outcome.reason == UNREACHABLE


def resolving(*addresses: str, error: OSError | None = None) -> Http:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        if error:
            raise error
        return addresses

    return Http(resolve=resolve)


@pytest.mark.parametrize(
    "addresses",
    [
        ("10.1.2.3",),
        ("::1",),
        ("::ffff:127.0.0.1",),
        ("64:ff9b::7f00:1",),
        ("169.254.169.254",),
        ("93.184.215.14", "127.0.0.1"),
    ],
)
def test_a_name_that_leads_inside_is_blocked_before_the_connection(addresses: tuple[str, ...]) -> None:
    async def run() -> Outcome:
        http = resolving(*addresses)
        channel = WebhookChannel("hook", options("https://receiver.example/hook"), http)
        try:
            return await channel.send(delivery(channel), now=NOW)
        finally:
            await http.aclose()

    outcome = asyncio.run(run())
    assert isinstance(outcome, BadEndpoint)
    assert outcome.reason == "address_not_allowed"
    assert "not allowed" in outcome.detail


def test_allow_networks_opens_the_way_inside() -> None:
    async def run() -> Outcome:
        http = resolving("127.0.0.1")
        async with FakeServer() as server:
            server.on("/hook", reply(204))
            url = f"http://n8n.internal:{server.port}/hook"
            channel = WebhookChannel("hook", options(url, allow_networks=["127.0.0.0/8"]), http)
            try:
                return await channel.send(delivery(channel), now=NOW)
            finally:
                await http.aclose()

    assert isinstance(asyncio.run(run()), Delivered)


def test_a_name_without_address_is_retried() -> None:
    async def run() -> Outcome:
        http = resolving(error=OSError("nothing"))
        channel = WebhookChannel("hook", options("https://receiver.example/hook"), http)
        try:
            return await channel.send(delivery(channel), now=NOW)
        finally:
            await http.aclose()

    outcome = asyncio.run(run())
    assert isinstance(outcome, Retry)
    assert "receiver.example has no address" in outcome.detail


@pytest.mark.parametrize(
    ("kind", "sent", "outcome", "reason"),
    [
        (NetKind.BAD_URL, False, BadEndpoint, "bad_url"),
        (NetKind.TIMEOUT, False, Retry, "timeout"),
        (NetKind.TIMEOUT, True, Ambiguous, "no_answer"),
        (NetKind.PROTOCOL, False, Retry, "protocol"),
        (NetKind.INCOMPLETE, True, Ambiguous, "no_answer"),
        (NetKind.TLS, False, Retry, UNREACHABLE),
    ],
)
def test_every_failure_has_its_outcome(kind: NetKind, sent: bool, outcome: type, reason: str) -> None:
    made = judge(NetFailure(kind=kind, reason="words", sent=sent), NOW)
    assert isinstance(made, outcome)
    assert (getattr(made, "reason", None), made.detail) == (reason, "words")


def test_a_connection_that_the_server_closed_between_two_alerts_is_opened_again() -> None:
    async def test(channel: WebhookChannel, server: FakeServer) -> None:
        server.on("/hook", raw(head(200, {"Content-Length": "0"}), close=True), reply(204))
        for _ in range(2):
            assert isinstance(await channel.send(delivery(channel), now=NOW), Delivered)
        assert len(server.requests) == 2

    talk(test)


# --- TLS --------------------------------------------------------------------------------------------------------------


def _send_tls(context: ssl.SSLContext, ca: trustme.CA, tmp_path: Path, *, trusted: bool = True) -> tuple[Outcome, int]:
    ca_file = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(ca_file))

    async def run() -> tuple[Outcome, int]:
        http = Http()
        async with FakeServer(tls=context, name="localhost") as server:
            server.on("/hook", reply(204))
            more = {"ca_file": str(ca_file)} if trusted else {}
            channel = WebhookChannel("hook", options(server.url("/hook"), **more), http)
            try:
                return await channel.send(delivery(channel), now=NOW), len(server.requests)
            finally:
                await channel.aclose()
                await http.aclose()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("name", "expires", "trusted", "words"),
    [
        ("localhost", None, True, None),
        ("localhost", None, False, "certificate is not valid"),
        ("other.example", None, True, "certificate is not valid"),
        ("localhost", datetime(2020, 1, 1, tzinfo=UTC), True, "expired"),
    ],
)
def test_a_certificate_that_does_not_hold_is_a_wrong_endpoint_and_nothing_is_sent(
    name: str, expires: datetime | None, trusted: bool, words: str | None, tmp_path: Path
) -> None:
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name, not_after=expires).configure_cert(context)
    outcome, requests = _send_tls(context, ca, tmp_path, trusted=trusted)
    if words is None:
        assert isinstance(outcome, Delivered)
        return
    assert isinstance(outcome, BadEndpoint)
    assert (outcome.reason, requests) == ("certificate", 0)
    assert words in outcome.detail


def test_http_on_the_https_port_is_retried_with_a_clear_reason() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(head(400, {"Connection": "close"}))
        await writer.drain()
        writer.close()

    async def run() -> Outcome:
        http = Http()
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        channel = WebhookChannel("hook", options(url), http)
        try:
            return await channel.send(delivery(channel), now=NOW)
        finally:
            server.close()
            await server.wait_closed()
            await http.aclose()

    outcome = asyncio.run(run())
    assert isinstance(outcome, Retry)
    assert "secure connection" in outcome.detail


# --- what people are told ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("off", "told"), [(timedelta(minutes=10), True), (timedelta(seconds=-61), True), (timedelta(seconds=30), False)]
)
def test_a_clock_that_differs_is_told(off: timedelta, told: bool) -> None:
    outcome = send(reply(204, headers={"Date": format_datetime(NOW + off)}))
    assert isinstance(outcome, Delivered)
    assert ("clock skew" in outcome.detail) is told


def test_what_the_receiver_says_is_told_in_one_clean_line() -> None:
    outcome = send(reply(422, "bad\r\n\x1b[31mfield\x00 «имя»".encode() + b"\xff" + b"x" * 5000))
    assert outcome.detail.startswith("answered 422: bad [31mfield «имя»")
    assert len(outcome.detail) < 250
    assert outcome.detail.isprintable()


def test_no_secret_is_told_even_where_the_receiver_repeats_it() -> None:
    echo = f"POST /{TOKEN}?key=abcd1234 Bearer hunter22 {SECRET} denied".encode()

    async def test(channel: WebhookChannel, server: FakeServer) -> Outcome:
        server.on("*", reply(403, echo))
        return await channel.send(delivery(channel), now=NOW)

    outcome = talk(test, path=f"/{TOKEN}?key=abcd1234", headers={"Authorization": "Bearer hunter22"})
    for secret in (TOKEN, "abcd1234", "hunter22", SECRET):
        assert secret not in repr(outcome)
    assert "denied" in outcome.detail


def test_neither_options_nor_recipient_show_secrets() -> None:
    made = options(f"https://receiver.example:8443/{TOKEN}", headers={"Authorization": "Bearer hunter22"})
    channel = WebhookChannel("hook", made, Http())
    assert channel.recipients[0].address == "receiver.example:8443"
    for secret in (TOKEN, "hunter22", SECRET):
        assert secret not in repr(made) + str(made) + repr(channel.recipients)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": "http://receiver.example/"}, "must begin with https://"),
        ({"url": "ftp://receiver.example/"}, "ftp:"),
        ({"url": "https://"}, "names no host"),
        ({"secret": "hunter2"}, "does not begin with whsec_"),
        ({"secret": "whsec_???"}, "is not Base64"),
        ({"secret": "whsec_" + base64.b64encode(b"short").decode()}, "has 5 bytes"),
        ({"secret": []}, "at least 1"),
        ({"headers": {"Host": "x"}}, "set by the service itself"),
        ({"headers": {"Webhook-Id": "x"}}, "set by the service itself"),
        ({"headers": {"Content-Type": "x"}}, "set by the service itself"),
        ({"headers": {"Proxy-Authorization": "x"}}, "set by the service itself"),
        ({"headers": {"X-A": "a\r\nX-B: b"}}, "no header that can be sent"),
        ({"headers": {"X A": "a"}}, "no header that can be sent"),
        ({"headers": {"X-A": "a" * 5000}}, "longer than"),
        ({"allow_networks": ["10.0.0.1/8"]}, "is not a network"),
        ({"format": "xml"}, "standard"),
        ({"language": "fr"}, "no language of alerts"),
        ({"zone": "Asia/Alma-Ata-2"}, "no time zone"),
        ({"ca_file": "/nonexistent.pem"}, "No such file"),
        ({"ca_file": "ca.pem"}, "relative path"),
        ({"retries": 3}, "Extra inputs"),
    ],
)
def test_a_wrong_option_is_refused_with_words_that_help_and_no_secret(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        WebhookOptions.model_validate({"url": f"https://receiver.example/{TOKEN}", "secret": SECRET, **changes})
    assert words in str(caught.value)
    for secret in (TOKEN, SECRET, "hunter2"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://localhost:8080/", "http://127.0.0.1/", "http://[::1]:1/", "http://a.localhost/"]
)
def test_this_machine_may_be_reached_unencrypted(url: str) -> None:
    assert options(url).networks


def test_language_and_zone_come_from_the_defaults_unless_given() -> None:
    made = WebhookOptions.model_validate(
        {"url": "https://r.example/", "secret": SECRET, "zone": "Europe/Berlin"},
        context={"language": "kk", "zone": "Asia/Almaty"},
    )
    recipient = WebhookChannel("hook", made, Http()).recipients[0]
    assert (recipient.language, recipient.zone) == ("kk", "Europe/Berlin")


def test_the_schema_is_a_schema_and_its_example_keeps_it() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for example in SCHEMA["examples"]:
        VALIDATOR.validate(example)
        VALIDATOR.validate({**example, "later": 1, "data": {**example["data"], "later": {}}})
        with pytest.raises(jsonschema.ValidationError):
            VALIDATOR.validate(
                {**example, "data": {key: example["data"][key] for key in example["data"] if key != "url"}}
            )
    assert ALERT.reason == SCHEMA["examples"][0]["data"]["reason"]
