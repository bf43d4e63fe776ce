"""The webhook event: what a machine is told, as published in `event-1.schema.json`; later work only adds fields.

It is the full report with its source rather than a pointer to it: desks archive what they were told. Standard Webhooks
asks for at most 20 kB, so a longer event loses text in a fixed order and says `truncated`; the link, the source and the ids
are never lost.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from monitor.alerts.about import Titles, topics
from monitor.alerts.feedtext import clean, cut, link, one_line
from monitor.alerts.phrases import Phrases, phrases
from monitor.alerts.when import iso
from monitor.alerts.wording import wording
from monitor.model import Alert, AlertKind, Language, Match, Reason, Report

LIMIT = 19_000
"""Bytes of UTF-8 JSON: the 20 kB of Standard Webhooks less what a CloudEvents envelope adds."""

LATE = timedelta(minutes=30)
"""An alert later than this after its report says so (delivery reference 2.2: outages longer than 30 min)."""

NAME = 200
"""Characters of a source's or outlet's name, a word or a keyword."""

Data = dict[str, Any]


def event(alert: Alert, *, language: Language, titles: Titles, now: datetime) -> Data:
    """Return the event `{type, timestamp, data}` of an alert; `now` tells whether it comes late.

    Text is cleaned (see feedtext) and in the language of the report, or in `language` where there is none. Reasons, kinds,
    rules and severities are the model's words, so that a receiver can rely on them whatever language its people read; the
    titles of what the report is about are for those people.
    """
    data = _data(alert, phrases(language), titles, now)
    whole = {"type": f"alert.{alert.kind.value}", "timestamp": iso(alert.at), "data": data}
    for shorten in _SHORTER:
        if _size(whole) <= LIMIT:
            break
        data["truncated"] = True
        shorten(data)
    return whole


def lateness(alert: Alert, now: datetime) -> timedelta:
    """Return how long after its report the alert is told; zero where there is none."""
    return max(now - alert.report.when, timedelta(0)) if alert.report else timedelta(0)


def _data(alert: Alert, t: Phrases, titles: Titles, now: datetime) -> Data:
    report = alert.report
    headline, note = wording(alert, t)
    test = alert.test or alert.kind is AlertKind.TEST
    summary = one_line(report.text) if report else ""
    texts = {"title": _Shown.of(report.title, headline), "text": _Shown.of(report.text, summary)} if report else {}
    return {
        "schema": 1,
        "alert_id": alert.id,
        "situation": one_line(alert.situation),
        "route": one_line(alert.route),
        "kind": alert.kind.value,
        "severity": alert.severity.word,
        "headline": headline,
        "reason": one_line(alert.reason),
        "summary": summary,
        "url": link(report.link) if report else None,
        "language": report.language if report else t.language,
        "published_at": iso(report.published) if report else None,
        "seen_at": iso(report.seen_at) if report else None,
        "decided_at": iso(alert.at),
        "delayed": lateness(alert, now) > LATE,
        "source": _source(report) if report else None,
        "story": _story(alert),
        "report": {"id": report.id, "version": report.version} if report else None,
        "about": _about(report.named if report else (), titles, t.language),
        "watches": [_watch(alert, match, texts) for match in alert.matches],
        "note": " ".join(note or ((t.test_banner, t.test_sentence) if test and report is None else ())),
        "test": test,
        "truncated": False,
    }


def _source(report: Report) -> Data:
    return {
        "name": cut(one_line(report.source), NAME),
        "outlet": cut(one_line(report.outlet), NAME),
        "grade": None if report.grade is None else one_line(report.grade),
    }


def _about(named: Iterable[str], titles: Titles, language: Language) -> Data:
    return {
        kind: [{"id": cut(one_line(each.id), NAME), "title": cut(one_line(each.title), NAME)} for each in entries]
        for kind, entries in topics(named, titles, language).items()
    }


def _story(alert: Alert) -> Data | None:
    if alert.story_id is None:
        return None
    names = [cut(one_line(name), NAME) for name in alert.sources]
    return {"id": alert.story_id, "sources": names, "source_count": len(names)}


@dataclass(frozen=True, slots=True)
class _Shown:
    """A text of the report, and whether the event shows it letter by letter: then places in the one are places in the other."""

    raw: str
    as_it_is: bool

    @classmethod
    def of(cls, raw: str, shown: str) -> _Shown:
        return cls(raw, raw == shown)

    def at(self, start: int) -> int:
        """Return where in the text shown a place of the raw one is."""
        return min(start, len(self.raw)) if self.as_it_is else len(clean(self.raw[:start]).lstrip())


def _watch(alert: Alert, match: Match, texts: Mapping[str, _Shown]) -> Data:
    title = one_line(alert.watch_titles.get(match.watch, match.watch))
    reasons = [_reason(reason, texts) for reason in match.reasons]
    return {"name": match.watch, "title": title, "score": match.score, "reasons": reasons}


def _reason(reason: Reason, texts: Mapping[str, _Shown]) -> Data:
    """Return a reason with its span in the text of this event, which is the report's text cleaned."""
    text = texts.get(reason.field)
    surface = clean(reason.surface)
    start = text.at(reason.start) if text and text.raw else reason.start
    return {
        "keyword": cut(one_line(reason.keyword), NAME),
        "surface": cut(surface, NAME),
        "field": one_line(reason.field),
        "start": start,
        "end": start + len(surface),
        "rule": cut(one_line(reason.rule), NAME),
    }


def _size(value: Data) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def _cut_field(name: str, limit: int) -> Callable[[Data], None]:
    def shorten(data: Data) -> None:
        data[name] = cut(data[name], limit)

    return shorten


def _cut_reasons(limit: int) -> Callable[[Data], None]:
    def shorten(data: Data) -> None:
        for watch in data["watches"]:
            del watch["reasons"][limit:]

    return shorten


def _cut_watches(limit: int) -> Callable[[Data], None]:
    def shorten(data: Data) -> None:
        del data["watches"][limit:]

    return shorten


def _cut_about(limit: int) -> Callable[[Data], None]:
    def shorten(data: Data) -> None:
        for entries in data["about"].values():
            del entries[limit:]

    return shorten


def _cut_sources(limit: int) -> Callable[[Data], None]:
    def shorten(data: Data) -> None:
        if data["story"] is not None:
            del data["story"]["sources"][limit:]  # source_count keeps the true number

    return shorten


_SHORTER: tuple[Callable[[Data], None], ...] = (
    _cut_field("summary", 4000),
    _cut_reasons(20),
    _cut_sources(50),
    _cut_about(20),
    _cut_field("summary", 1000),
    _cut_field("headline", 500),
    _cut_field("note", 1000),
    _cut_reasons(3),
    _cut_sources(10),
    _cut_about(3),
    _cut_watches(20),
    _cut_field("summary", 200),
    _cut_reasons(0),
)
"""What is given up first comes first."""
