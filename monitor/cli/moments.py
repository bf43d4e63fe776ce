"""Moments as people write and read them on a command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.errors import UsageError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

MAX_DIGITS = 5
"""Of a span: 99999 weeks ago the calendar still had years."""


def short(moment: datetime | None, zone: str) -> str | None:
    """Return a moment for a list: `2022-01-05 16:03` in the zone (the heading names it)."""
    return None if moment is None else f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def full(moment: datetime | None, zone: str) -> str | None:
    """Return a moment in UTC and in the zone: `2022-01-05 10:03:00 UTC (16:03 Asia/Almaty)`."""
    if moment is None:
        return None
    universal, local = moment.astimezone(UTC), moment.astimezone(ZoneInfo(zone))
    written = f"{universal:%Y-%m-%d %H:%M:%S} UTC"
    if local.utcoffset() == timedelta(0):
        return written
    day = "" if local.date() == universal.date() else f"{local:%Y-%m-%d} "
    return f"{written} ({day}{local:%H:%M} {zone})"


def span(length: timedelta) -> str:
    """Return a span in its largest unit, rounded down: `45 s`, `5 min`, `3 h`, `2 d`."""
    seconds = int(length.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{max(seconds, 0)} s"


def ago(moment: datetime | None, now: datetime) -> str | None:
    """Return how long ago or how far ahead a moment is: `3 min ago`, `in 2 h`, `now`."""
    if moment is None:
        return None
    if moment > now:
        return f"in {span(moment - now)}"
    return f"{span(now - moment)} ago" if now - moment >= timedelta(seconds=1) else "now"


def since(text: str | None, now: datetime, zone: str) -> datetime | None:
    """Return when `24h`, `7d` ago was, or a date or time as written (in the zone where it names none).

    Raises UsageError for anything else.
    """
    if text is None:
        return None
    number, unit = text[:-1].strip(), text[-1:].lower()
    if unit in _UNITS and number.isdecimal() and len(number) <= MAX_DIGITS:
        return now - timedelta(**{_UNITS[unit]: int(number)})
    try:
        written = datetime.fromisoformat(text)
        return (written if written.tzinfo else written.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"`{text}` is no time span and no date: write 30m, 24h or 7d, or a date like 2022-01-05 or 2022-01-05T10:00"
        ) from None


def read(value: datetime | str | None) -> datetime | None:
    """Return a moment that may have travelled over the control socket as text."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value
