"""The readers' side: an SMTP server and a webhook receiver on loopback that keep everything they are given.

Every message that was taken is a file in the out directory (`mails/*.eml`, `hooks/*.json`) and an `Arrival` with its
virtual time; the id is what a receiver recognises a repetition by (Message-ID, `webhook-id`).
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.parser import BytesHeaderParser
from email.policy import default as header_policy
from pathlib import Path
from types import TracebackType
from typing import Self

from monitor.replay.clock import Hand
from monitor.replay.hook_server import HookServer
from monitor.replay.scenario import ReceiverFault
from monitor.replay.smtp_server import SmtpServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A message that was taken."""

    channel: str
    """`email` or `webhook`."""
    id: str
    """The delivery's id, as the message carries it."""
    at: datetime
    recipient: str
    subject: str
    file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A message or connection that was not taken, and why."""

    channel: str
    at: datetime
    reason: str


class Inbox:
    """Both receivers, listening. Use as an async context manager."""

    def __init__(
        self,
        hand: Hand,
        out: Path,
        secret: str,
        *,
        faults: Sequence[ReceiverFault] = (),
        on_arrival: Callable[[Arrival], None] = lambda _arrival: None,
        on_touch: Callable[[str], None] = lambda _channel: None,
    ) -> None:
        """`secret` (`whsec_...`) signs the webhooks; `on_touch` hears when a message begins to come in."""
        self.arrivals: list[Arrival] = []
        self.refusals: list[Refusal] = []
        self._hand = hand
        self._out = out
        self._faults = tuple(faults)
        self._on_arrival = on_arrival
        self._on_touch = on_touch
        self._smtp = SmtpServer(self._fault("email"), self._take_mail, self._refuse("email"))
        self._hooks = HookServer(hand, secret, self._fault("webhook"), self._take_hook, self._refuse("webhook"))

    @property
    def smtp_port(self) -> int:
        """Return the port of the SMTP server on 127.0.0.1."""
        return self._smtp.port

    @property
    def hook_url(self) -> str:
        """Return the webhook's address."""
        return f"http://127.0.0.1:{self._hooks.port}/alerts"

    @property
    def repeated(self) -> dict[str, int]:
        """Return the ids that came more than once, with how often."""
        counted = Counter((arrival.channel, arrival.id, arrival.recipient) for arrival in self.arrivals)
        return {identifier: times for (_, identifier, _), times in counted.items() if times > 1}

    async def __aenter__(self) -> Self:
        for folder in ("mails", "hooks"):
            (self._out / folder).mkdir(parents=True, exist_ok=True)
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._smtp)
            await stack.enter_async_context(self._hooks)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def _fault(self, channel: str) -> Callable[[], ReceiverFault | None]:
        def current() -> ReceiverFault | None:
            now = self._hand.now
            self._on_touch(channel)
            return next((f for f in self._faults if f.channel == channel and f.start <= now < f.end), None)

        return current

    def _refuse(self, channel: str) -> Callable[[str], None]:
        return lambda reason: self.refusals.append(Refusal(channel=channel, at=self._hand.now, reason=reason))

    def _take_mail(self, recipients: Sequence[str], data: bytes) -> None:
        headers = BytesHeaderParser(policy=header_policy).parsebytes(data)
        identifier = str(headers["Message-ID"] or "").strip().strip("<>").partition("@")[0]
        file = self._file("mails", identifier, "eml")
        file.write_bytes(data)
        subject = str(headers["Subject"] or "")
        for recipient in recipients:
            self._arrived("email", identifier, recipient, subject, file)

    def _take_hook(self, identifier: str, body: bytes, subject: str) -> None:
        file = self._file("hooks", identifier, "json")
        file.write_bytes(body)
        self._arrived("webhook", identifier, "", subject, file)

    def _file(self, folder: str, identifier: str, suffix: str) -> Path:
        name = re.sub(r"[^A-Za-z0-9_-]", "", identifier)[:12] or "no-id"
        return self._out / folder / f"{len(self.arrivals) + 1:05}-{self._hand.now:%m%dT%H%M%S}-{name}.{suffix}"

    def _arrived(self, channel: str, identifier: str, recipient: str, subject: str, file: Path) -> None:
        arrival = Arrival(
            channel=channel, id=identifier, at=self._hand.now, recipient=recipient, subject=subject, file=file
        )
        self.arrivals.append(arrival)
        self._on_arrival(arrival)
