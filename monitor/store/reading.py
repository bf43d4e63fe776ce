"""What commands and the status page ask. An id may be given by its unambiguous beginning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, bindparam, func, literal, literal_column, select

from monitor.model import Alert, Attempt, AuditEvent, Delivery, DeliveryState, Listing, Report, Story, Version
from monitor.store import codec, rows
from monitor.store.schema import (
    alerts,
    attempts,
    audit,
    deliveries,
    intake,
    listings,
    report_links,
    reports,
    stories,
    tombstones,
    versions,
)

_PAGE = 500
"""Reports looked through at a time when searching their text: bounds the memory of a search over all of them."""

_ENTRIES = select(func.count()).select_from(intake).where(intake.c.situation == bindparam("of"))
_WAITING = _ENTRIES.where(intake.c.aside_at.is_(None))
_ASIDE = _ENTRIES.where(intake.c.aside_at.is_not(None))
_ONE_WAITS = (
    select(literal(1))
    .select_from(intake)
    .where(intake.c.situation == bindparam("of"), intake.c.aside_at.is_(None))
    .limit(literal_column("1"))
)
_BETWEEN = (
    select(*rows.REPORT)
    .where(
        reports.c.situation == bindparam("of"),
        reports.c.seen_at >= bindparam("since"),
        reports.c.seen_at < bindparam("until"),
    )
    .order_by(reports.c.seen_at, reports.c.seq)
)


def full_id(connection: Connection, column: Column[str], beginning: str) -> str | None:
    """Return the id that is or begins with this; None where there is none or more than one."""
    if not beginning:
        return None
    if connection.execute(select(column).where(column == beginning)).first() is not None:
        return beginning
    found = connection.execute(select(column).where(column.startswith(beginning, autoescape=True)).limit(2)).all()
    return str(found[0][0]) if len(found) == 1 else None


# --- reports ----------------------------------------------------------------------------------------------------------


def intake_waiting(connection: Connection, situation: str) -> int:
    """Return how many entries wait."""
    return int(connection.execute(_WAITING, {"of": situation}).scalar_one())


def entries_wait(connection: Connection, situation: str) -> bool:
    """Tell whether entries wait, however many they are."""
    return connection.execute(_ONE_WAITS, {"of": situation}).first() is not None


def reports_between(connection: Connection, situation: str, since: datetime, until: datetime) -> tuple[Report, ...]:
    """Return the reports first seen in [since, until), oldest first."""
    given = {"of": situation, "since": since, "until": until}
    return tuple(rows.report(row) for row in connection.execute(_BETWEEN, given))


def find_reports(
    connection: Connection, situation: str, *, limit: int, since: datetime | None, watch: str | None, text: str | None
) -> tuple[Report, ...]:
    """Return the reports stored last first.

    The text is looked for here and not in SQL: neither engine folds the case of Cyrillic letters in every installation.
    """
    wanted = select(reports.c.seq, *rows.REPORT).where(reports.c.situation == situation)
    if since is not None:
        wanted = wanted.where(reports.c.seen_at >= since)
    if watch is not None:
        of_watch = select(listings.c.report_id).where(listings.c.watch == watch)
        wanted = wanted.where(reports.c.id.in_(of_watch))
    wanted = wanted.order_by(reports.c.seq.desc())
    if text is None:
        return tuple(rows.report(row[1:]) for row in connection.execute(wanted.limit(limit)))
    found: list[Report] = []
    for report in _page_through(connection, wanted):
        if text.casefold() in f"{report.title}\n{report.text}".casefold():
            found.append(report)
            if len(found) >= limit:
                break
    return tuple(found[:limit])


def _page_through(connection: Connection, wanted: Any) -> Iterator[Report]:
    last: int | None = None
    while True:
        page = wanted if last is None else wanted.where(reports.c.seq < last)
        found = connection.execute(page.limit(_PAGE)).all()
        yield from (rows.report(row[1:]) for row in found)
        if len(found) < _PAGE:
            return
        last = found[-1][0]


def report(connection: Connection, report_id: str) -> Report | None:
    """Return one report."""
    known = full_id(connection, reports.c.id, report_id)
    row = connection.execute(select(*rows.REPORT).where(reports.c.id == known)).first() if known else None
    return rows.report(row) if row is not None else None


def report_versions(connection: Connection, report_id: str) -> tuple[Version, ...]:
    """Return a report's versions, oldest first."""
    known = full_id(connection, reports.c.id, report_id)
    found = select(*rows.VERSION).where(versions.c.report_id == known).order_by(versions.c.number)
    return tuple(rows.version(row) for row in connection.execute(found))


def entry_reports(connection: Connection, situation: str) -> tuple[tuple[str, str | None, str], ...]:
    """Return (feed id, link of the entry, report id), also of the entries that turned out to be a report known already."""
    found = (
        select(report_links.c.feed_id, report_links.c.link, report_links.c.report_id)
        .join(reports, reports.c.id == report_links.c.report_id)
        .where(reports.c.situation == situation)
        .order_by(report_links.c.seq)
    )
    return tuple((row.feed_id, row.link or None, row.report_id) for row in connection.execute(found))


# --- listings and stories ---------------------------------------------------------------------------------------------


def find_listings(
    connection: Connection, *, report_id: str | None, watch: str | None, alert_id: str | None, limit: int
) -> tuple[Listing, ...]:
    """Return listings, newest first."""
    wanted = select(listings).order_by(listings.c.seq.desc()).limit(limit)
    if report_id is not None:
        wanted = wanted.where(listings.c.report_id == full_id(connection, reports.c.id, report_id))
    if watch is not None:
        wanted = wanted.where(listings.c.watch == watch)
    if alert_id is not None:
        wanted = wanted.where(listings.c.alert_id == full_id(connection, alerts.c.id, alert_id))
    return tuple(rows.listing(row) for row in connection.execute(wanted))


def list_stories(connection: Connection, situation: str, *, limit: int) -> tuple[Story, ...]:
    """Return the latest updated stories first."""
    wanted = (
        select(*rows.STORY)
        .where(stories.c.situation == situation)
        .order_by(stories.c.updated_at.desc(), stories.c.id)
        .limit(limit)
    )
    return tuple(rows.story(row) for row in connection.execute(wanted))


def story(connection: Connection, story_id: str) -> tuple[Story, tuple[Report, ...]] | None:
    """Return a story with its reports, first come first."""
    known = full_id(connection, stories.c.id, story_id)
    row = connection.execute(select(*rows.STORY).where(stories.c.id == known)).first() if known else None
    if row is None:
        return None
    of_story = select(*rows.REPORT).where(reports.c.story_id == known).order_by(reports.c.seq)
    return rows.story(row), tuple(rows.report(found) for found in connection.execute(of_story))


# --- alerts and deliveries --------------------------------------------------------------------------------------------


def find_alerts(
    connection: Connection, *, limit: int, route: str | None, since: datetime | None
) -> tuple[Alert, ...]:  # fmt: skip
    """Return the newest alerts first."""
    wanted = select(alerts.c.content).order_by(alerts.c.seq.desc()).limit(limit)
    if route is not None:
        wanted = wanted.where(alerts.c.route == route)
    if since is not None:
        wanted = wanted.where(alerts.c.at >= since)
    return tuple(rows.alert(content) for content in connection.execute(wanted).scalars())


def alert(connection: Connection, alert_id: str) -> Alert | None:
    """Return one alert."""
    known = full_id(connection, alerts.c.id, alert_id)
    content = connection.execute(select(alerts.c.content).where(alerts.c.id == known)).scalar() if known else None
    return rows.alert(content) if content is not None else None


def find_deliveries(
    connection: Connection, *, limit: int, state: DeliveryState | None, alert_id: str | None, channel: str | None
) -> tuple[Delivery, ...]:
    """Return the newest deliveries first."""
    wanted = select(*rows.DELIVERY).order_by(deliveries.c.seq.desc()).limit(limit)
    if state is not None:
        wanted = wanted.where(deliveries.c.state == state.value)
    if alert_id is not None:
        wanted = wanted.where(deliveries.c.alert_id == full_id(connection, alerts.c.id, alert_id))
    if channel is not None:
        wanted = wanted.where(deliveries.c.channel == channel)
    return tuple(rows.delivery(row) for row in connection.execute(wanted))


def delivery(connection: Connection, delivery_id: str) -> tuple[Delivery, tuple[Attempt, ...]] | None:
    """Return a delivery with its attempts, in order."""
    known = full_id(connection, deliveries.c.id, delivery_id)
    row = connection.execute(select(*rows.DELIVERY).where(deliveries.c.id == known)).first() if known else None
    if row is None:
        return None
    of_delivery = select(*rows.ATTEMPT).where(attempts.c.delivery_id == known).order_by(attempts.c.seq)
    return rows.delivery(row), tuple(rows.attempt(made) for made in connection.execute(of_delivery))


# --- the log and the numbers ------------------------------------------------------------------------------------------


def audit_log(
    connection: Connection, *, limit: int, kind: str | None, after: int
) -> tuple[tuple[int, AuditEvent], ...]:
    """Return (sequence, event) after a sequence number, oldest first."""
    wanted = select(audit).where(audit.c.seq > after).order_by(audit.c.seq).limit(limit)
    if kind is not None:
        wanted = wanted.where(audit.c.kind == kind)
    return tuple(
        (
            row.seq,
            AuditEvent(at=row.at, kind=row.kind, subject=row.subject, data=codec.from_json(dict[str, Any], row.data)),
        )
        for row in connection.execute(wanted)
    )


def counts(connection: Connection, situation: str) -> Mapping[str, int]:
    """Return the numbers of all that is kept; deliveries in all and as `deliveries_<state>`, matches per report and watch."""

    def number(wanted: Any) -> int:
        return int(connection.execute(select(func.count()).select_from(wanted)).scalar_one())

    ours = select(reports.c.id).where(reports.c.situation == situation)
    mine = select(alerts.c.id).where(alerts.c.situation == situation)
    matched = select(listings.c.report_id, listings.c.watch).where(listings.c.report_id.in_(ours)).distinct()
    by_state = dict.fromkeys((f"deliveries_{state.value}" for state in DeliveryState), 0)
    states = select(deliveries.c.state, func.count()).where(deliveries.c.alert_id.in_(mine))
    for state, count in connection.execute(states.group_by(deliveries.c.state)):
        by_state[f"deliveries_{state}"] = int(count)
    return {
        "reports": number(ours.subquery()),
        "versions": number(select(versions.c.seq).where(versions.c.report_id.in_(ours)).subquery()),
        "matches": number(matched.subquery()),
        "stories": number(select(stories.c.id).where(stories.c.situation == situation).subquery()),
        "alerts": number(mine.subquery()),
        "deliveries": sum(by_state.values()),
        **by_state,
        "intake": intake_waiting(connection, situation),
        "aside": int(connection.execute(_ASIDE, {"of": situation}).scalar_one()),
        "tombstones": number(select(tombstones.c.key).where(tombstones.c.situation == situation).subquery()),
    }
