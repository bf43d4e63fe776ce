"""Rows to model values and back, one pair per kind. Columns carry the names of the fields they hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from functools import cache
from typing import Any, TypeVar, cast

from sqlalchemy import Column, Row, Table

from monitor.model import (
    Alert,
    Attempt,
    AuditEvent,
    Delivery,
    DeliveryState,
    Disposition,
    Endpoint,
    Listing,
    Match,
    Reason,
    Report,
    Sketch,
    Story,
    Version,
)
from monitor.store import codec, schema

ENDED = frozenset({DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.SUPERSEDED})
"""Delivery states that nothing waits for."""


def columns_of(kind: type[Any], table: Table) -> list[Column[Any]]:
    """Return the columns that hold a dataclass's fields, in its order."""
    return [table.c[field.name] for field in fields(kind)]


REPORT = columns_of(Report, schema.reports)
VERSION = columns_of(Version, schema.versions)
STORY = columns_of(Story, schema.stories)
DELIVERY = columns_of(Delivery, schema.deliveries)
ENDPOINT = columns_of(Endpoint, schema.endpoints)
ATTEMPT = columns_of(Attempt, schema.attempts)

_T = TypeVar("_T")


def plain(value: Any) -> dict[str, Any]:
    """Return a dataclass as a row: the fields as they are."""
    return {name: getattr(value, name) for name in _names(cast("Any", type(value)))}


def _valued(kind: type[_T], row: Sequence[Any]) -> _T:
    return kind(**dict(zip(_names(cast("Any", kind)), row, strict=True)))


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def report(row: Sequence[Any]) -> Report:
    """Return a row of `REPORT` columns as a report."""
    return _valued(Report, row)


def version(row: Sequence[Any]) -> Version:
    """Return a row of `VERSION` columns as a version."""
    return _valued(Version, row)


def story(row: Sequence[Any]) -> Story:
    """Return a row of `STORY` columns as a story."""
    return _valued(Story, row)


def endpoint(row: Sequence[Any]) -> Endpoint:
    """Return a row of `ENDPOINT` columns as an endpoint."""
    return _valued(Endpoint, row)


def attempt(row: Sequence[Any]) -> Attempt:
    """Return a row of `ATTEMPT` columns as an attempt."""
    return _valued(Attempt, row)


def sketch_row(sketch: Sketch, situation: str) -> dict[str, Any]:
    """Return a sketch as a row."""
    return {
        "report_id": sketch.report_id,
        "situation": situation,
        "story_id": sketch.story_id,
        "outlet": sketch.outlet,
        "at": sketch.at,
        "hashes": codec.pack_hashes(sketch.title, sketch.text),
    }


def sketch(row: Row[Any]) -> Sketch:
    """Return a row of the sketches table as a sketch."""
    title, text = codec.unpack_hashes(row.hashes)
    return Sketch(
        report_id=row.report_id, story_id=row.story_id, outlet=row.outlet, at=row.at, title=title, text=text
    )  # fmt: skip


def listing_row(listing: Listing) -> dict[str, Any]:
    """Return a listing as a row."""
    return {
        "report_id": listing.match.report_id,
        "watch": listing.match.watch,
        "version": listing.match.version,
        "reasons": codec.to_json(listing.match.reasons),
        "score": listing.match.score,
        "route": listing.route,
        "disposition": listing.disposition.value,
        "at": listing.at,
        "alert_id": listing.alert_id,
    }


def listing(row: Row[Any]) -> Listing:
    """Return a row of the listings table as a listing."""
    reasons = codec.from_json(tuple[Reason, ...], row.reasons)
    match = Match(report_id=row.report_id, watch=row.watch, version=row.version, reasons=reasons, score=row.score)
    return Listing(
        match=match,
        route=row.route,
        disposition=Disposition(row.disposition),
        at=row.at,
        alert_id=row.alert_id,
    )


def alert_row(alert: Alert) -> dict[str, Any]:
    """Return an alert as a row: what is searched for in columns, all of it as JSON."""
    return {
        "id": alert.id,
        "kind": alert.kind.value,
        "situation": alert.situation,
        "route": alert.route,
        "at": alert.at,
        "report_id": alert.report.id if alert.report else None,
        "story_id": alert.story_id,
        "test": alert.test,
        "content": codec.to_json(alert),
    }


def alert(content: str) -> Alert:
    """Return an alert from its JSON."""
    return codec.from_json(Alert, content)


def delivery_row(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery as a row; `wake_at` is NULL once nothing waits for it."""
    wake_at = None if delivery.state in ENDED else delivery.due_at
    return {**plain(delivery), "state": delivery.state.value, "wake_at": wake_at}


def delivery(row: Sequence[Any]) -> Delivery:
    """Return a row of `DELIVERY` columns as a delivery."""
    found = _valued(Delivery, row)
    return replace(found, state=DeliveryState(found.state))


def attempt_row(attempt: Attempt) -> dict[str, Any]:
    """Return an attempt as a row."""
    return plain(attempt)


def audit_rows(events: Iterable[AuditEvent]) -> list[dict[str, Any]]:
    """Return audit events as rows."""
    return [
        {"at": event.at, "kind": event.kind, "subject": event.subject, "data": codec.to_json(event.data)}
        for event in events
    ]
