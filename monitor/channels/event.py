"""The webhook event as bytes: JSON in UTF-8, CloudEvents around it, and shorter forms where it is too long.

Cyrillic stays as it is: escaped it takes three times the bytes (measured), and receivers have limits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

MAX_BODY = 20_000
"""Bytes of a body (Standard Webhooks 1.0.0: payloads of at most 20 kB)."""

SHORT_BODY = 4_000
"""Bytes of the short form for a receiver that answered 413."""

HEADLINE = 200
"""Characters left of a headline when nothing else could make a body short enough."""


def encode(value: Mapping[str, Any]) -> bytes:
    """Return JSON in UTF-8 on one line. Lone surrogates, which UTF-8 has no bytes for, become `?`."""
    text = json.dumps(dict(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def body(event: Mapping[str, Any], limit: int = MAX_BODY) -> bytes:
    """Return the event (or the CloudEvent of it) in at most `limit` bytes where that is possible.

    It is shortened step by step in a fixed order and marked `truncated`: where words matched, names of sources, summary,
    note, watches, report, story; last the headline is cut. Who said it, when, and the link stay.
    """
    encoded = encode(event)
    if len(encoded) <= limit:
        return encoded
    data = {**event["data"], "truncated": True}
    for shorten in _STEPS:
        shorten(data)
        encoded = encode({**event, "data": data})
        if len(encoded) <= limit:
            break
    return encoded


def shorter(sent: bytes) -> bytes | None:
    """Return the short form of a body that was made by `body`, None for others and where it is short already."""
    try:
        event = json.loads(sent)
    except ValueError:
        return None
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict) or "alert_id" not in event["data"]:
        return None
    short = body(event, SHORT_BODY)
    return short if len(short) < len(sent) else None


def cloud_event(event: Mapping[str, Any], *, delivery_id: str, source: str) -> dict[str, Any]:
    """Return the event in the JSON format of CloudEvents 1.0 (structured mode): the same `data` in their envelope."""
    return {
        "specversion": "1.0",
        "id": delivery_id,
        "source": source,
        "type": event["type"],
        "time": event["timestamp"],
        "datacontenttype": "application/json",
        "data": event["data"],
    }


def _drop(key: str) -> Callable[[dict[str, Any]], None]:
    def drop(data: dict[str, Any]) -> None:
        data.pop(key, None)

    return drop


def _drop_reasons(data: dict[str, Any]) -> None:
    if isinstance(data.get("watches"), list):
        data["watches"] = [{key: watch[key] for key in watch if key != "reasons"} for watch in data["watches"]]


def _drop_sources(data: dict[str, Any]) -> None:
    if isinstance(data.get("story"), Mapping):
        data["story"] = {key: value for key, value in data["story"].items() if key != "sources"}


def _cut_headline(data: dict[str, Any]) -> None:
    if len(str(data.get("headline", ""))) > HEADLINE:
        data["headline"] = str(data["headline"])[: HEADLINE - 1] + "…"


_STEPS: tuple[Callable[[dict[str, Any]], None], ...] = (
    _drop_reasons,
    _drop_sources,
    _drop("summary"),
    _drop("note"),
    _drop("watches"),
    _drop("report"),
    _drop("story"),
    _cut_headline,
)
