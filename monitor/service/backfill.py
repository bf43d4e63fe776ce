"""A new or changed watch runs over what is stored: it lists what it finds, and alerts nobody."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.model import AuditEvent, Disposition, Listing
from monitor.pipeline import Setup
from monitor.ports import Store


def backfill(store: Store, setup: Setup, name: str, now: datetime) -> int:
    """Run one watch over the reports of the alert window; return how many it wants."""
    watch = setup.rules.watches[name]
    reports = store.reports_between(setup.situation, now - setup.rules.alert_window, now + timedelta(seconds=1))
    matches = [
        match
        for report in reports
        for match in setup.watches.match(report, setup.feeds.get(report.feed_id))
        if match.watch == name
    ]
    listings = [
        Listing(match=match, route=route.name, disposition=Disposition.BACKFILL, at=now)
        for match in matches
        for route in setup.rules.routes_of(watch)
    ]
    audit = AuditEvent(at=now, kind="configured", subject=name, data={"watch": name, "found": len(matches)})
    store.add_listings(listings, [audit])
    return len(matches)
