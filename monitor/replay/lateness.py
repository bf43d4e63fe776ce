"""How late news came: virtual time from publication to arrival. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from monitor.model import Alert
from monitor.replay.evidence import Evidence
from monitor.replay.figures import Latency
from monitor.replay.scenario import Kill, PlannedEntry, PublisherFault, ReceiverFault, Scenario, Stop

KINDS = ("all", "undisturbed", "to_reader")
"""All deliveries; those that no fault of the scenario could delay; from being shown to the poller to arrival."""


def latency(
    evidence: Evidence, entry_of: Mapping[str, str], arrived: Mapping[str, Sequence[datetime]]
) -> dict[str, Latency]:
    """Return the spans of all deliveries that told an entry published within the run, by kind.

    `entry_of` leads from report ids to entry ids, `arrived` from delivery ids to the times of arrival, first one first.
    """
    entries = {entry.id: entry for entry in evidence.scenario.entries}
    deliveries = defaultdict[str, list[str]](list)
    for delivery in evidence.stored.deliveries:
        deliveries[delivery.alert_id].append(delivery.id)
    spans = defaultdict[str, list[timedelta]](list)
    for alert in evidence.stored.alerts:
        entry = entries.get(entry_of.get(alert.report.id, "")) if alert.report else None
        times = _times(evidence, alert, entry) if entry else None
        if entry is None or times is None:
            continue
        published, shown = times
        for at in (at for name in deliveries[alert.id] for at in arrived.get(name, ())[:1]):
            spans["all"].append(at - published)
            spans["to_reader"].append(at - shown)
            if not is_disturbed(evidence.scenario, entry.outlet, published, at):
                spans["undisturbed"].append(at - published)
    return {kind: spread(spans[kind]) for kind in KINDS}


def _times(evidence: Evidence, alert: Alert, entry: PlannedEntry) -> tuple[datetime, datetime] | None:
    """Return when what the alert tells was published and first given out; None for what stood there before the run.

    A report that matched from the start tells the first state, one that matched later the state that then stood.
    """
    first = alert.reason == "new_story" or alert.report is None
    number = 1 if first or alert.report is None else max(entry.number_at(alert.report.seen_at), 1)
    published = entry.states[number - 1].at
    shown = min(
        (at for (name, state), at in evidence.shown.items() if name == entry.id and state >= number), default=None
    )
    return None if published < evidence.start or shown is None else (published, shown)


def spread(spans: Iterable[timedelta]) -> Latency:
    """Return count, median, 99th percentile (nearest rank) and maximum."""
    ordered = sorted(span.total_seconds() for span in spans)
    if not ordered:
        return Latency(count=0, p50=0.0, p99=0.0, max=0.0)

    def rank(share: float) -> float:
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

    return Latency(count=len(ordered), p50=rank(0.5), p99=rank(0.99), max=ordered[-1])


def is_disturbed(scenario: Scenario, outlet: str, start: datetime, end: datetime) -> bool:
    """Tell whether a fault that can delay this outlet's news lay between publication and arrival."""
    for fault in scenario.faults:
        match fault:
            case PublisherFault(outlets=outlets) if outlet not in outlets:
                continue
            case Kill(moments=moments):
                if any(start <= moment <= end for moment in moments):
                    return True
            case PublisherFault() | ReceiverFault() | Stop():
                if fault.start <= end and start < fault.end:
                    return True
    return False
