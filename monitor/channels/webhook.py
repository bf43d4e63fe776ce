"""Webhook: a signed JSON event by HTTP POST, as Standard Webhooks 1.0.0 asks for.

What an answer means is decided here and nowhere else (`judge`). Two choices differ from common practice: a redirect is a
wrong address, so the rows wait for the operator instead of dying; and an unknown 4xx is held against the endpoint, not
the message, because a report happens once and a row that waits can still be sent.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from monitor import __version__
from monitor.channels import event, signing
from monitor.channels.options import CaFile, Network, Reading, WebAddress, fault, is_loopback
from monitor.channels.retry import HTTP_SCHEDULE, UNREACHABLE, retry_after
from monitor.model import (
    Alert,
    Ambiguous,
    BadEndpoint,
    BadMessage,
    Delivered,
    Delivery,
    Gone,
    Message,
    Outcome,
    Part,
    Recipient,
    Retry,
    Secret,
    Throttled,
)
from monitor.net.client import Answer, Http, NetFailure, NetKind

DEADLINE = timedelta(seconds=20)
"""For the whole attempt; Standard Webhooks recommends 15 to 30 s."""

MAX_ANSWER = 16 * 1024
"""Bytes of an answer that are read; its status is what counts."""

MAX_SKEW = timedelta(seconds=60)
"""Between the receiver's clock and ours, before it is told: receivers refuse signatures 5 minutes off."""

LOOPBACK = ("127.0.0.0/8", "::1/128")

MAX_HEADERS = 4096
"""Bytes of all headers of a user together."""

_RESERVED = re.compile(
    r"(webhook-|proxy-|sec-).*"
    r"|accept-encoding|connection|content-(encoding|length|type)|date|expect|host|keep-alive|te|trailer|transfer-encoding|upgrade"
)
"""Headers that are ours: framing, routing, and what the signature is about."""

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\x20-\x7e]*")

_AGAIN = frozenset({408, 409, 421, 425})
_BAD_MESSAGE = frozenset({400, 413, 415, 422})
_WRONG: Mapping[int, str] = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "not_found",
    407: "proxy_login",
}


class WebhookOptions(Reading):
    """`kind: webhook`."""

    url: WebAddress = Field(description="Address that events are posted to.")
    secret: tuple[SecretStr, ...] = Field(
        min_length=1,
        description="Signing secret, whsec_ and Base64 of 24 to 64 random bytes; a list while it is changed.",
    )
    headers: dict[str, SecretStr] = Field(default={}, description="Further headers, like Authorization.")
    format: Literal["standard", "cloudevents"] = Field(default="standard", description="Envelope of the event.")
    allow_networks: tuple[Network, ...] = Field(
        default=(), description="Networks (CIDR) the receiver may be in although they are not public."
    )
    ca_file: CaFile | None = Field(default=None, description="Certificates to trust besides the public ones (PEM).")
    proxy: WebAddress | None = Field(default=None, description="HTTP proxy to go through.")

    @field_validator("secret", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        return [value] if isinstance(value, str | SecretStr) else value

    @field_validator("secret")
    @classmethod
    def _keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for secret in value:
            try:
                signing.parse(secret.get_secret_value())
            except ValueError as error:
                raise fault(str(error), "write whsec_ and the Base64 of 24 to 64 random bytes") from None
        return value

    @field_validator("headers")
    @classmethod
    def _headers(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, secret in value.items():
            if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(secret.get_secret_value()):
                raise fault(f"`{name}` is no header that can be sent", "use plain ASCII in one line")
            if _RESERVED.fullmatch(name.lower()):
                raise fault(f"`{name}` is set by the service itself", "delete it")
        if sum(len(name) + len(secret.get_secret_value()) for name, secret in value.items()) > MAX_HEADERS:
            raise fault(f"are longer than {MAX_HEADERS} bytes")
        return value

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        if urlsplit(self.address).scheme == "http" and not self.networks:
            raise fault("`url` must begin with https://", "or open the receiver's network with `allow_networks`")
        return self

    @property
    def address(self) -> str:
        """Return the URL itself: only for the wire."""
        return self.url.get_secret_value()

    @property
    def host(self) -> str:
        """Return host and port without the path, which may hold a token."""
        parts = urlsplit(self.address)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        return f"{host}:{parts.port}" if parts.port else host

    @property
    def networks(self) -> tuple[str, ...]:
        """Return the networks that may be reached: those allowed, and this machine where the URL names it."""
        return (
            (*self.allow_networks, *LOOPBACK)
            if is_loopback(urlsplit(self.address).hostname or "")
            else self.allow_networks
        )


class WebhookChannel:
    """One receiver; see `ports.Channel`."""

    Options: ClassVar[type[WebhookOptions]] = WebhookOptions
    kind = "webhook"
    deadline = DEADLINE
    concurrency = 4
    schedule: Sequence[timedelta] = HTTP_SCHEDULE
    wants: Collection[Part] = (Part.WEBHOOK,)

    def __init__(self, name: str, options: WebhookOptions, http: Http, *, _deadline: timedelta = DEADLINE) -> None:
        self.name = name
        self.deadline = _deadline
        self.recipients: tuple[Recipient, ...] = (
            Recipient(address=options.host, language=options.reads, zone=options.clock),
        )
        self._options = options
        self._keys = tuple(signing.parse(secret.get_secret_value()) for secret in options.secret)
        self._own_http = Http(ca_file=options.ca_file) if options.ca_file else None
        self._http = self._own_http or http

    @classmethod
    def build(cls, name: str, options: Any, *, http: Http, data_dir: Path) -> Self:
        """Return the channel; it keeps no files."""
        del data_dir
        return cls(name, WebhookOptions.of(options), http)

    def compose(self, message: Message, *, alert: Alert, delivery_id: str, recipient: Recipient) -> bytes:
        """Return the body: as a template wrote it, else the event in the envelope of `format`."""
        del recipient
        if message.body is not None:
            return message.body
        if self._options.format == "standard":
            return event.body(message.data)
        source = f"/situations/{alert.situation}/routes/{alert.route}"
        return event.body(event.cloud_event(message.data, delivery_id=delivery_id, source=source))

    async def send(self, delivery: Delivery, *, now: datetime) -> Outcome:
        """Post the body once; a body that is too long for the receiver (413) once more in its short form."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + self.deadline.total_seconds()
        answer = await self._post(delivery.id, delivery.payload, now, self.deadline)
        too_long = isinstance(answer, Answer) and answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        short = event.shorter(delivery.payload) if too_long else None
        if short is None:
            return self._hidden(judge(answer, now))
        left = timedelta(seconds=max(ends - loop.time(), 0.1))
        outcome = judge(await self._post(delivery.id, short, now, left), now)
        return self._hidden(replace(outcome, detail=f"{outcome.detail} (in its short form: the whole was too long)"))

    async def aclose(self) -> None:
        """Close the connections of a client of our own; the shared one is closed by who made it."""
        if self._own_http is not None:
            await self._own_http.aclose()

    async def _post(self, delivery_id: str, body: bytes, now: datetime, deadline: timedelta) -> Answer | NetFailure:
        proxy = self._options.proxy
        return await self._http.request(
            "POST",
            self._options.address,
            headers=self._headers(delivery_id, body, now),
            content=body,
            deadline=deadline,
            max_body=MAX_ANSWER,
            allow_networks=self._options.networks,
            proxy=Secret(proxy.get_secret_value()) if proxy else None,
            read="prefix",
        )

    def _headers(self, delivery_id: str, body: bytes, now: datetime) -> dict[str, str]:
        """Return the headers of one attempt: id and body stay the same on every one, timestamp and signature are its own."""
        timestamp = int(now.timestamp())
        theirs = {name.lower(): secret.get_secret_value() for name, secret in self._options.headers.items()}
        cloud = self._options.format == "cloudevents"
        return {
            "user-agent": f"situation-monitor/{__version__}",
            "accept": "*/*",
            **theirs,
            "accept-encoding": "identity",
            "content-type": f"application/{'cloudevents+' if cloud else ''}json; charset=utf-8",
            "webhook-id": delivery_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signing.signature(self._keys, delivery_id, timestamp, body),
        }

    def _hidden(self, outcome: Outcome) -> Outcome:
        """Return the outcome without what must not be shown, should the receiver have repeated it."""
        parts = urlsplit(self._options.address)
        secrets = [secret.get_secret_value() for secret in (*self._options.secret, *self._options.headers.values())]
        secrets += [
            value for value in (self._options.address, parts.path, parts.query, parts.username, parts.password) if value
        ]
        detail = outcome.detail
        for secret in sorted((value for value in secrets if len(value) > 3), key=len, reverse=True):  # noqa: PLR2004 - not "/"
            detail = detail.replace(secret, "***")
        return replace(outcome, detail=detail)


def judge(answer: Answer | NetFailure, now: datetime) -> Outcome:  # noqa: PLR0911 - a table, one row a return
    """Return what an answer, or none, means for the delivery (HTTP column of the outcome table)."""
    if isinstance(answer, NetFailure):
        return _judge_failure(answer)
    detail = _detail(answer, now)
    match answer.status:
        case status if 200 <= status < 300:  # noqa: PLR2004
            return Delivered(detail=detail, status=status)
        case 429 as status:
            wait = retry_after(answer.headers.get("retry-after"), answer.date or now)
            return Throttled(reason="throttled", detail=detail, status=status, retry_after=wait)
        case 503 as status if (wait := retry_after(answer.headers.get("retry-after"), answer.date or now)) is not None:
            return Throttled(reason="unavailable", detail=detail, status=status, retry_after=wait)
        case 410 as status:
            return Gone(reason="gone", detail=detail, status=status, endpoint=True)
        case status if status in _BAD_MESSAGE:
            return BadMessage(reason="refused", detail=detail, status=status)
        case status if status in _AGAIN or status >= 500:  # noqa: PLR2004
            return Retry(reason="server_error", detail=detail, status=status)
        case status if 300 <= status < 400:  # noqa: PLR2004
            return BadEndpoint(reason="redirect", detail=f"{detail}; redirects are not followed", status=status)
        case status:
            return BadEndpoint(reason=_WRONG.get(status, "refused"), detail=detail, status=status)


def _judge_failure(failure: NetFailure) -> Outcome:
    match failure.kind:
        case NetKind.BAD_URL:
            return BadEndpoint(reason="bad_url", detail=failure.reason)
        case NetKind.BLOCKED:
            return BadEndpoint(reason="address_not_allowed", detail=failure.reason)
        case NetKind.TLS if "certificate" in failure.reason:  # others also come from a server that is being restarted
            return BadEndpoint(reason="certificate", detail=failure.reason)
        case NetKind.DNS | NetKind.CONNECT | NetKind.TLS:
            return Retry(reason=UNREACHABLE, detail=failure.reason)
        case _ if failure.sent:
            return Ambiguous(reason="no_answer", detail=failure.reason)
        case _:
            return Retry(reason=str(failure.kind), detail=failure.reason)


def _detail(answer: Answer, now: datetime) -> str:
    """Return what was answered in one line: status, the start of the text, a clock that is off."""
    words = f"answered {answer.status}"
    text = " ".join(
        "".join(c if c.isprintable() else " " for c in answer.body[:512].decode("utf-8", "replace")).split()
    )
    if text and not 200 <= answer.status < 300:  # noqa: PLR2004
        words += f": {text[:200]}"
    if answer.date is not None and abs(answer.date - now) > MAX_SKEW:
        words += (
            f"; its clock says {format_datetime(answer.date)}, ours {format_datetime(now)}: clock skew, receivers refuse"
            " signatures that are 5 minutes off"
        )
    return words
