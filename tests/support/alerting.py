"""An alert, its message and its delivery, as tests of ways out need them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from monitor.model import Alert, AlertKind, Delivery, Message, Report, Severity
from monitor.ports import Channel

NOW = datetime(2022, 1, 5, 9, 41, 12, tzinfo=UTC)
DELIVERY_ID = "d1" + "0123456789abcdef" * 2
SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "monitor/alerts/event-1.schema.json").read_text(encoding="utf-8")
)
HEADLINE = "В Алматы введено чрезвычайное положение"

REPORT = Report(
    id="r1cafe", situation="kazakhstan", feed_id="sv", outlet="stepnoy-vestnik", source="Степной вестник", grade="B",
    title=HEADLINE, text="Режим действует до 19 января.", link="https://stepnoy-vestnik.example/4711", author=None,
    language="ru", published=NOW, seen_at=NOW,
)  # fmt: skip

ALERT = Alert(
    id="a1beef", kind=AlertKind.STORY, situation="kazakhstan", route="default", severity=Severity.CRITICAL, at=NOW,
    headline=HEADLINE, reason="new_story", report=REPORT, story_id="s1feed", sources=("Степной вестник",),
)  # fmt: skip


def event(**changes: Any) -> dict[str, Any]:
    """Return the schema's example, with fields of its `data` changed."""
    example = json.loads(json.dumps(SCHEMA["examples"][0]))
    example["data"].update(changes)
    return example


MESSAGE = Message(
    subject=HEADLINE,
    line=f"[critical] {HEADLINE} (Степной вестник)",
    text=f"{HEADLINE}\n\nРежим действует до 19 января.\nhttps://stepnoy-vestnik.example/4711\n",
    html=f"<!DOCTYPE html><html><body><h1>{HEADLINE}</h1><p>Режим действует до 19 января.</p></body></html>",
    data=event(),
)


def delivery(channel: Channel, message: Message = MESSAGE, *, alert: Alert = ALERT, **changes: Any) -> Delivery:
    """Return a claimed delivery of the message to the channel's first recipient."""
    recipient = channel.recipients[0]
    payload = channel.compose(message, alert=alert, delivery_id=DELIVERY_ID, recipient=recipient)
    row = Delivery(
        id=DELIVERY_ID,
        alert_id=alert.id,
        channel=channel.name,
        recipient=recipient.address,
        payload=payload,
        due_at=NOW,
        created_at=NOW,
        claims=1,
        lease="lease",
    )
    return replace(row, **changes)
