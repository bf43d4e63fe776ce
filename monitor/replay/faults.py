"""Faults of a scenario: reading them, and checking that they leave nothing unseen by the length of a feed."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from monitor.replay.nodes import Fields
from monitor.replay.scenario import Fault, Kill, Misbehaviour, PublisherFault, ReceiverFault, Scenario, Stop

CATCH_UP = timedelta(hours=6)
"""After an outage a poller may need this long to come back (its back-off); the feed must still show what was missed."""

HIDING = frozenset(Misbehaviour) - {Misbehaviour.GUIDS, Misbehaviour.SLOW}
"""Kinds that keep a poller from reading the feed."""


def read_fault(fields: Fields, outlets: set[str]) -> Fault | None:
    """Return one fault; None, with a note, when its kind is not known."""
    publisher = tuple(Misbehaviour)
    kind = fields.text("kind", among=(*publisher, "receiver", "kill", "stop"))
    fault: Fault | None = None
    if kind == "kill":
        fault = Kill(moments=fields.moments("at"))
    elif kind == "stop":
        fault = Stop(start=fields.moment("from"), end=fields.moment("to"))
    elif kind == "receiver":
        fault = _receiver_fault(fields)
    elif kind in publisher:
        fault = _publisher_fault(fields, Misbehaviour(kind), outlets)
    else:
        return None
    fields.close()
    if not isinstance(fault, Kill) and fault is not None and fault.start >= fault.end:
        fields.note("this fault ends before it begins", key="to")
    return fault


def _receiver_fault(fields: Fields) -> ReceiverFault:
    return ReceiverFault(
        channel=fields.text("channel", among=("email", "webhook")),
        start=fields.moment("from"),
        end=fields.moment("to"),
        status=fields.number("status", None, 300, 599) if fields.has("status") else None,
        retry_after=fields.span("retry_after") if fields.has("retry_after") else None,
    )


def _publisher_fault(fields: Fields, kind: Misbehaviour, outlets: set[str]) -> PublisherFault:
    delay = timedelta()
    if kind is Misbehaviour.SLOW:
        delay = fields.span("delay")
    return PublisherFault(
        kind=kind,
        outlets=fields.texts("outlets", among=tuple(sorted(outlets))),
        start=fields.moment("from"),
        end=fields.moment("to"),
        status=fields.number("status", None, 300, 599) if kind is Misbehaviour.STATUS else 503,
        retry_after=fields.span("retry_after") if fields.has("retry_after") else None,
        delay=delay,
    )


def check_windows(top: Fields, scenario: Scenario) -> None:
    """Note feeds too short to show after a silence what was published during it."""
    silences = _silences(scenario)
    for outlet in scenario.outlets:
        published = [entry.at for entry in scenario.entries if entry.outlet == outlet.id]
        for start, end in silences[outlet.id]:
            missed = sum(start <= at < end + outlet.pace + CATCH_UP for at in published)
            if missed > outlet.items:
                top.note(
                    f"{outlet.id} publishes {missed} entries from {start.isoformat()} until it can be read again, "
                    f"but shows only {outlet.items}",
                    "raise its `items` or shorten the fault",
                    key="outlets",
                )


def _silences(scenario: Scenario) -> dict[str, list[tuple[datetime, datetime]]]:
    found: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for fault in scenario.faults:
        match fault:
            case PublisherFault(kind=kind, outlets=outlets, start=start, end=end) if kind in HIDING:
                for name in outlets:
                    found[name].append((start, end))
            case Stop(start=start, end=end):
                for outlet in scenario.outlets:
                    found[outlet.id].append((start, end))
            case _:
                pass
    return found
