"""What `--json` prints: one function for each thing. Keys are only ever added; values are converted by `output.plain`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from monitor.cli import worddiff
from monitor.model import (
    Alert,
    Attempt,
    Delivery,
    Endpoint,
    FailureKind,
    Feed,
    FeedState,
    Listing,
    Match,
    Reason,
    Report,
    Story,
    Subscription,
    Version,
    Watch,
)

Shape = dict[str, Any]


def feed(
    configured: Feed, state: FeedState | None, push: Subscription | None, health: str, sentence: str | None
) -> Shape:
    """Return a feed with its state; `health` is `ok`, `failing`, `silent`, `new` or `disabled`, `reason` says why."""
    return {
        "id": configured.id,
        "name": configured.name,
        "url": configured.url,
        "outlet": configured.outlet,
        "group": configured.group,
        "language": configured.language,
        "grade": configured.grade,
        "pace": configured.pace,
        "floor": configured.floor,
        "slowest": configured.slowest or configured.pace,
        "cap": configured.cap,
        "hints": configured.hints,
        "enabled": configured.enabled,
        "health": health,
        "reason": sentence,
        "entries": state.entries if state else None,
        "last_success": state.last_success_at if state else None,
        "last_attempt": state.last_attempt_at if state else None,
        "last_entry": state.last_entry_at if state else None,
        "next": state.due_at if state else None,
        "interval": state.interval if state else None,
        "rhythm": state.rhythm if state else None,
        "gaps": state.gaps if state else 0,
        "last_gap": state.gap_at if state else None,
        "gap": state.gap if state else None,
        "quarantined": bool(state and state.failure and state.failure.kind is FailureKind.PARSER_KILLED),
        "failure": state.failure.kind if state and state.failure else None,
        "failures": state.failures if state else 0,
        "failing_since": state.failing_since if state else None,
        "warning": state.warning if state else None,
        "moved_to": state.moved_to if state else None,
        "hub": state.hub if state else None,
        "topic": state.topic if state else None,
        "pushed": state.pushed if state else False,
        "subscription": subscription(push) if push else None,
    }


def subscription(stored: Subscription) -> Shape:
    """Return a subscription without its token and secret: whoever knows the token could send in the hub's name."""
    return {
        "state": stored.state,
        "hub": stored.hub,
        "topic": stored.topic,
        "asked": stored.asked_at,
        "next": stored.next_at,
        "verified": stored.verified_at,
        "lease_until": stored.lease_until,
        "last_push": stored.last_push_at,
        "pushes": stored.pushes,
        "rejected": stored.rejected,
        "note": stored.note,
    }


def watch(configured: Watch, routes: Sequence[str], last: Listing | None) -> Shape:
    """Return a watch; `routes` are those it goes to in the end, `last_match` when it last wanted a report."""
    return {
        "name": configured.name,
        "title": configured.title,
        "enabled": configured.enabled,
        "severity": configured.severity,
        "any": configured.any,
        "all": configured.all,
        "none": configured.none,
        "query": configured.query or None,
        "score": configured.score,
        "fields": configured.fields,
        "languages": configured.languages,
        "sources": configured.sources,
        "feeds": configured.feeds,
        "groups": configured.groups,
        "routes": routes,
        "last_match": last.at if last else None,
    }


def report(stored: Report) -> Shape:
    """Return a report without its text; `named` are keys of the gazetteer's entries that it is about."""
    return {
        "id": stored.id,
        "title": stored.title,
        "source": stored.source,
        "outlet": stored.outlet,
        "grade": stored.grade,
        "feed": stored.feed_id,
        "author": stored.author,
        "link": stored.link,
        "language": stored.language,
        "published": stored.published,
        "seen": stored.seen_at,
        "version": stored.version,
        "story": stored.story_id,
        "named": stored.named,
    }


def version(stored: Version, before: Version | None) -> Shape:
    """Return a version of a report; `changes` says how title and text came from the version before."""
    changes = None
    if before is not None:
        changes = {"title": _stretches(before.title, stored.title), "text": _stretches(before.text, stored.text)}
    return {
        "number": stored.number,
        "seen": stored.seen_at,
        "title": stored.title,
        "text": stored.text,
        "changes": changes,
    }


def _stretches(before: str, after: str) -> list[Shape]:
    return [{"op": part.kind, "text": part.text} for part in worddiff.compare(before, after)]


def reason(why: Reason) -> Shape:
    """Return why a watch wants a report: its keyword, the word of the text, the field, the characters [start, end).

    `rule` says in words what joined the two (`Russian ending`).
    """
    return {
        "keyword": why.keyword,
        "word": why.surface,
        "field": why.field,
        "start": why.start,
        "end": why.end,
        "rule": why.rule,
    }


def match(found: Match) -> Shape:
    """Return a match with its reasons; `score` counts each keyword found, 1 where the query gives it no boost."""
    return {
        "watch": found.watch,
        "report": found.report_id,
        "version": found.version,
        "score": found.score,
        "reasons": [reason(why) for why in found.reasons],
    }


def listing(stored: Listing) -> Shape:
    """Return a match with what became of it on one route."""
    return {
        **match(stored.match),
        "route": stored.route,
        "disposition": stored.disposition,
        "at": stored.at,
        "alert": stored.alert_id,
    }


def story(stored: Story) -> Shape:
    """Return a story without its reports."""
    return {
        "id": stored.id,
        "title": stored.title,
        "opened": stored.opened_at,
        "updated": stored.updated_at,
        "reports": stored.reports,
        "sources": stored.sources,
    }


def alert(stored: Alert) -> Shape:
    """Return an alert."""
    return {
        "id": stored.id,
        "kind": stored.kind,
        "route": stored.route,
        "severity": stored.severity,
        "at": stored.at,
        "headline": stored.headline,
        "note": stored.note or None,
        "reason": stored.reason,
        "test": stored.test,
        "report": stored.report.id if stored.report else None,
        "source": stored.report.source if stored.report else None,
        "link": stored.report.link if stored.report else None,
        "story": stored.story_id,
        "sources": stored.sources,
        "watches": dict(stored.watch_titles),
        "matches": [match(found) for found in stored.matches],
    }


def delivery(stored: Delivery) -> Shape:
    """Return a delivery; `state` is `pending`, `sending`, `delivered`, `dead` or `superseded`, `reason` says why."""
    return {
        "id": stored.id,
        "alert": stored.alert_id,
        "channel": stored.channel,
        "recipient": stored.recipient,
        "state": stored.state,
        "reason": stored.reason,
        "created": stored.created_at,
        "due": stored.due_at,
        "finished": stored.finished_at,
        "failures": stored.failures,
        "claims": stored.claims,
        "remote_ref": stored.remote_ref,
    }


def attempt(made: Attempt) -> Shape:
    """Return an attempt: `took` in seconds, `detail` what the receiver answered."""
    return {
        "number": made.number,
        "started": made.started_at,
        "took": made.took,
        "outcome": made.outcome,
        "reason": made.reason,
        "detail": made.detail,
        "status": made.status,
    }


def delivery_with(stored: Delivery, attempts: Iterable[Attempt]) -> Shape:
    """Return a delivery with its attempts."""
    return {**delivery(stored), "attempts": [attempt(made) for made in attempts]}


def channel(
    name: str, kind: str, health: str, endpoint: Endpoint | None, *, waiting: int, recipients: Sequence[str]
) -> Shape:
    """Return a channel; `health` is `ok`, `failing`, `gone` or `unused`."""
    return {
        "name": name,
        "kind": kind,
        "health": health,
        "reason": endpoint.reason if endpoint else None,
        "failures": endpoint.failures if endpoint else 0,
        "failing_since": endpoint.failing_since if endpoint else None,
        "paused_until": endpoint.paused_until if endpoint else None,
        "last_success": endpoint.last_success_at if endpoint else None,
        "waiting": waiting,
        "recipients": recipients,
    }


def listed(name: str, rows: Iterable[Mapping[str, Any]]) -> Shape:
    """Return rows under the name of what they are: lists can grow keys beside them later."""
    return {name: list(rows)}
