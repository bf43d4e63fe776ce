"""Model values for tests: sensible defaults, every field can be named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.feeds.marks import mark, pack
from monitor.model import (
    Alert,
    AlertKind,
    Attempt,
    Change,
    ChangeKind,
    Decision,
    Delivery,
    DeliveryState,
    Disposition,
    Document,
    Entry,
    Feed,
    FeedState,
    IntakeEntry,
    Listing,
    Match,
    PollResult,
    Reason,
    Report,
    Severity,
    Sketch,
    Story,
    Version,
)
from monitor.ports import Store

KZ = "kazakhstan"
NOW = datetime(2022, 1, 5, 6, 30, 0, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def feed(name: str = "tengri", /, **given: Any) -> Feed:
    known = {"id": name, "name": name, "url": f"https://{name}.example/rss", "situation": KZ, "outlet": name}
    return Feed(**{**known, **given})


def entry(number: int = 1, **given: Any) -> Entry:
    known = {
        "guid": f"g{number}",
        "link": f"https://tengri.example/{number}",
        "title": f"Протест {number}",
        "summary": "В Алматы",
    }
    return Entry(**{**known, **given})


def document(body: bytes = b"<rss/>", **given: Any) -> Document:
    known = {"url": "https://tengri.example/rss", "fetched_at": NOW, "status": 200, "content_type": "text/xml"}
    return Document(**{**known, "body": body, **given})


def polled(state: FeedState, *entries: Entry, at: datetime = NOW, **given: Any) -> PollResult:
    """A successful poll of a leased feed, that is due again in five minutes."""
    assert state.lease is not None
    after = replace(
        state,
        due_at=at + 5 * MINUTE,
        last_success_at=at,
        filled=True,
        known=state.known + pack(map(mark, entries)),
    )
    return PollResult(**{"state": after, "lease": state.lease, "at": at, "entries": entries, **given})


def save(store: Store, result: PollResult) -> bool:
    """Save one poll; False when its lease was lost."""
    lost = store.save_polls([result])
    assert lost <= {result.state.feed_id}
    return not lost


def report(name: str = "r1", /, **given: Any) -> Report:
    known: dict[str, Any] = {
        "id": name,
        "situation": KZ,
        "feed_id": "tengri",
        "outlet": "tengri",
        "source": "Tengrinews",
        "grade": "B",
        "title": f"Протест {name}",
        "text": "В Алматы прошли митинги",
        "link": f"https://tengri.example/{name}",
        "author": None,
        "language": "ru",
        "published": NOW - MINUTE,
        "seen_at": NOW,
        "named": ("concept/rally", "place/almaty"),
    }
    return Report(**{**known, **given})


def new(waiting: IntakeEntry, of: Report, *keys: str) -> Change:
    """The first version of a report, from a waiting entry."""
    return Change(
        kind=ChangeKind.NEW, intake=waiting, report=of, keys=keys or (f"key-{of.id}",), version=version(of, waiting)
    )


def version(of: Report, waiting: IntakeEntry) -> Version:
    return Version(
        report_id=of.id,
        number=of.version,
        title=of.title,
        text=of.text,
        seen_at=waiting.seen_at,
        fingerprint=waiting.entry.fingerprint(),
    )


def sketch(of: Report, story_id: str = "s1", **given: Any) -> Sketch:
    known = {"report_id": of.id, "story_id": story_id, "outlet": of.outlet, "at": of.seen_at}
    return Sketch(**{**known, "title": (1, 2**64 - 1), "text": (5, 6, 7), **given})


def story(name: str = "s1", /, **given: Any) -> Story:
    known = {"id": name, "situation": KZ, "title": "Протест", "opened_at": NOW, "updated_at": NOW}
    return Story(**{**known, "reports": 1, "sources": 1, **given})


def match(report_id: str = "r1", watch: str = "unrest") -> Match:
    reason = Reason(keyword="митинг", surface="митинги", field="text", start=17, end=24)
    return Match(report_id=report_id, watch=watch, version=1, reasons=(reason,), score=2.5)


def listing(report_id: str = "r1", watch: str = "unrest", route: str = "desk", **given: Any) -> Listing:
    known = {"match": match(report_id, watch), "route": route, "disposition": Disposition.ALERTED, "at": NOW}
    return Listing(**{**known, **given})


def alert(name: str = "a1", /, **given: Any) -> Alert:
    known: dict[str, Any] = {
        "id": name,
        "kind": AlertKind.STORY,
        "situation": KZ,
        "route": "desk",
        "severity": Severity.CRITICAL,
        "at": NOW,
        "headline": "Протест",
        "reason": "new_story",
        "report": report(),
        "story_id": "s1",
        "matches": (match(),),
        "watch_titles": {"unrest": "Unrest"},
        "sources": ("Tengrinews",),
    }
    return Alert(**{**known, **given})


def delivery(name: str = "d1", /, **given: Any) -> Delivery:
    known = {"id": name, "alert_id": "a1", "channel": "mail", "recipient": f"{name}@desk.example"}
    return Delivery(**{**known, "payload": b"\x00\xff mail", "due_at": NOW, "created_at": NOW, **given})


def attempt(of: Delivery, number: int = 1, **given: Any) -> Attempt:
    known = {"delivery_id": of.id, "number": number, "started_at": NOW, "took": timedelta(milliseconds=250)}
    return Attempt(**{**known, "outcome": "delivered", "reason": "ok", "detail": "250 2.0.0 Ok", **given})


def ended(of: Delivery, state: DeliveryState = DeliveryState.DELIVERED, **given: Any) -> Delivery:
    return replace(of, **{"state": state, "lease": None, "finished_at": NOW, "reason": "ok", **given})


def decision(*changes: Change, **given: Any) -> Decision:
    return Decision(**{"consumed": tuple(change.intake.seq for change in changes), "changes": changes, **given})
