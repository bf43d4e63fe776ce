"""How often feeds are polled: what `polling:` says for all of them, what a feed says for itself, and what cannot be meant.

Problem: six spans hang together (`floor` <= `crisis_pace` <= `pace` <= `slowest`, and `cap`), and most people state one.
Choice: what is stated must fit together, at both places; what is not stated follows what is. So `pace: 30s` alone is no
mistake although the usual `floor` is a minute, and a feed's own pace counts more than the floor and the growth of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from monitor.settings.document import Document, Where
from monitor.settings.files import FeedRow, PollingRow
from monitor.settings.validate import Findings
from monitor.settings.words import say_duration

GROWTH = 4
"""Paces that the interval of a quiet feed grows to where `slowest` is not stated: a portal that sleeps at night is asked a
quarter as often, and the first report of the morning is at most twenty minutes late."""

_ORDER: Sequence[tuple[str, str]] = (
    ("floor", "pace"),
    ("floor", "crisis_pace"),
    ("crisis_pace", "pace"),
    ("pace", "slowest"),
    ("pace", "cap"),
)
"""Which span must not be longer than which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """The spans of one feed, as `model.Feed` has them."""

    pace: timedelta
    floor: timedelta
    slowest: timedelta | None


def check_polling(document: Document, findings: Findings, row: PollingRow) -> None:
    """Report the spans of `polling:` that contradict each other; a default contradicts nothing but the default of `pace` does."""
    stated = row.model_fields_set
    for shorter, longer in _ORDER:
        low, high = getattr(row, shorter), getattr(row, longer)
        if low is None or high is None or low <= high:
            continue
        if shorter in stated and (longer in stated or longer == "pace"):
            _report(document, findings, ("polling", shorter), f"longer than `{longer}` ({say_duration(high)})", high)
        elif longer in stated and shorter == "pace":
            _report(document, findings, ("polling", longer), f"shorter than `pace` ({say_duration(low)})", low, "more")


def check_feed(document: Document, findings: Findings, where: Where, row: FeedRow, polling: PollingRow) -> None:
    """Report the spans of a feed that contradict each other."""
    for key in ("pace", "slowest") if row.crisis else ():
        if getattr(row, key) is not None:
            message = f"`{key}` and `crisis` are both given: a crisis feed has the pace `crisis_pace` of monitor.yaml"
            findings.add(document, (*where, key), message, "keep one of them")
            return
    pace = say_duration(pacing(row, polling).pace)
    if row.floor is not None and row.floor > pacing(row, polling).pace:
        _report(
            document, findings, (*where, "floor"), f"longer than the feed's pace ({pace})", pacing(row, polling).pace
        )
    if row.slowest is not None and row.slowest < pacing(row, polling).pace:
        short = f"shorter than the feed's pace ({pace})"
        _report(document, findings, (*where, "slowest"), short, pacing(row, polling).pace, "more")


def pacing(row: FeedRow, polling: PollingRow) -> Pacing:
    """Return the spans of a feed. One with a pace of its own stays at it, unless it says `slowest`."""
    pace = crisis_pace(polling) if row.crisis else row.pace or polling.pace
    general = None if row.crisis or row.pace else polling.slowest or GROWTH * polling.pace
    return Pacing(pace=pace, floor=row.floor or min(polling.floor, pace), slowest=row.slowest or general)


def crisis_pace(polling: PollingRow) -> timedelta:
    """Return the pace of crisis feeds; where it is not stated it stays between what is stated about floor and pace."""
    if "crisis_pace" in polling.model_fields_set:
        return polling.crisis_pace
    lowest = polling.floor if "floor" in polling.model_fields_set else timedelta(0)
    return min(max(polling.crisis_pace, lowest), polling.pace)


def _report(
    document: Document, findings: Findings, where: Where, message: str, bound: timedelta, direction: str = "less"
) -> None:
    findings.add(document, where, f"`{where[-1]}` is {message}", f"write {say_duration(bound)} or {direction}")
