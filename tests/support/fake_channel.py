"""A channel that keeps what it is given and answers as it is told; passes the contract suite of the real ones."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.channels.retry import HTTP_SCHEDULE
from monitor.model import Alert, Delivered, Delivery, Message, Outcome, Part, Recipient


@dataclass(slots=True, kw_only=True)
class FakeChannel:
    """`outcomes` are given one after another; when they are used up everything is delivered."""

    name: str = "fake"
    kind: str = "fake"
    deadline: timedelta = timedelta(seconds=5)
    concurrency: int = 2
    schedule: Sequence[timedelta] = HTTP_SCHEDULE
    recipients: tuple[Recipient, ...] = (Recipient(address="fake"),)
    wants: Collection[Part] = (Part.SUBJECT, Part.TEXT)
    outcomes: deque[Outcome] = field(default_factory=deque)
    sent: list[tuple[Delivery, datetime]] = field(default_factory=list)
    """Every attempt, whatever came of it."""
    gate: asyncio.Event | None = None
    """While it is not set, sending does not end."""
    closed: bool = False

    def compose(self, message: Message, *, alert: Alert, delivery_id: str, recipient: Recipient) -> bytes:
        return f"{delivery_id} {recipient.address} {alert.id}\n{message.subject}\n{message.text}".encode(
            "utf-8", "replace"
        )

    async def send(self, delivery: Delivery, *, now: datetime) -> Outcome:
        self.sent.append((delivery, now))
        if self.gate is not None:
            await self.gate.wait()
        return self.outcomes.popleft() if self.outcomes else Delivered(detail="kept")

    async def aclose(self) -> None:
        self.closed = True
