"""Feeds, states and documents for tests, with everything that does not matter filled in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.model import Feed, FeedState, Pace
from monitor.ports import Fetched
from support.net import LOOPBACK

NOW = datetime(2022, 1, 5, 12, 0, tzinfo=UTC)


def a_feed(url: str = "https://news.example/feed", **fields: Any) -> Feed:
    settled = {"id": "news", "name": "News", "situation": "kz", "outlet": "news", "allow_networks": LOOPBACK}
    return Feed(url=url, **(settled | fields))


def a_state(**fields: Any) -> FeedState:
    settled = {"feed_id": "news", "situation": "kz", "url": "https://news.example/feed", "due_at": NOW, "lease": "l1"}
    return FeedState(**(settled | fields))


def fetched(body: bytes, **fields: Any) -> Fetched:
    settled = {
        "url": "https://news.example/feed",
        "content_type": "application/rss+xml",
        "validators": None,
        "pace": Pace(),
    }
    return Fetched(body=body, **(settled | fields))


def rss(*items: str, channel: str = "") -> bytes:
    """An RSS document around items (the inside of `<item>`), newest first."""
    inside = "".join(f"<item>{item}</item>" for item in items)
    return f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>News</title>{channel}{inside}</channel></rss>'.encode()


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)
