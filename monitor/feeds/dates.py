"""Dates as publishers write them, and None rather than a guess.

Why not feedparser's own: parts that are missing become today's, unknown zones become UTC (measured), and a report that
claims a wrong time is worse than one that claims none.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

EARLIEST, LATEST = 1995, 2100
"""Years outside are placeholders (`0001-01-01`, `1970-01-01`), not times of publication."""

ZONES = {
    "": 0, "UT": 0, "UTC": 0, "GMT": 0, "Z": 0, "WET": 0,
    "EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420,
    "BST": 60, "CET": 60, "MET": 60, "WEST": 60, "CEST": 120, "MEST": 120, "EET": 120, "EEST": 180, "MSK": 180, "MSD": 240,
    "SAMT": 240, "YEKT": 300, "UZT": 300, "TJT": 300, "TMT": 300, "AQTT": 300, "ORAT": 300, "QYZT": 360, "OMST": 360,
    "ALMT": 360, "KGT": 360, "NOVT": 420, "KRAT": 420, "IRKT": 480, "JST": 540, "KST": 540,
}  # fmt: skip
"""Minutes east of UTC of the zone names that feeds use (RFC 822 section 5.1, and those of our regions)."""

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan янв қаң", "feb фев ақп", "mar мар нау", "apr апр сәу", "may май мая мам", "jun июн мау", "jul июл шіл",
            "aug авг там", "sep сен қыр", "oct окт қаз", "nov ноя қар", "dec дек жел",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
"""First three letters, in English, Russian and Kazakh."""

_RFC822 = re.compile(
    r"(?:[^\W\d]+\.?,?\s+)?(\d{1,2})[ \-]([^\W\d]{3})[^\W\d]*\.?,?[ \-](\d{4}|\d{2})"
    r"(?:,?\s+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?\s*([A-Za-z]*)\s*([+-]\d{1,2}:?\d{2})?"
)
_ISO = re.compile(
    r"(\d{4})-?(\d{2})-?(\d{2})(?:(?:T|t|\s+)(\d{2}):?(\d{2})(?::?(\d{2})(?:[.,]\d+)?)?)?\s*([A-Za-z]*)\s*([+-]\d{2}(?::?\d{2})?)?"
)
_DOTTED = re.compile(
    r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:,?\s+(\d{1,2}):(\d{2})(?::(\d{2}))?)?\s*([A-Za-z]*)\s*([+-]\d{2}:?\d{2})?"
)


def parse(text: str | None) -> datetime | None:
    """Return the time a date names, in UTC; without a zone it is read as UTC (as RFC 822 readers do), None for junk.

    A date without a time is its first minute. RFC 822 with its usual deviations, ISO 8601 and W3C forms, `05.01.2022 18:30`.
    """
    if text is None or len(text) > 100:  # noqa: PLR2004 - no date is longer
        return None
    text = " ".join(text.split())
    if match := _RFC822.fullmatch(text):
        day, month, year, *rest = match.groups()
        number = MONTHS.get(month.lower())
        return None if number is None else _time(_year(year), number, int(day), rest)
    if match := _ISO.fullmatch(text):
        year, month, day, *rest = match.groups()
        return _time(int(year), int(month), int(day), rest)
    if match := _DOTTED.fullmatch(text):
        day, month, year, *rest = match.groups()
        return _time(int(year), int(month), int(day), rest)
    return None


def _time(year: int, month: int, day: int, rest: list[str | None]) -> datetime | None:
    """Return the time of matched parts; `rest` is hour, minute, second, zone name, zone offset."""
    hour, minute, second, name, offset = rest
    east = _offset(offset) if offset else ZONES.get((name or "").upper())
    if east is None or not EARLIEST <= year <= LATEST:
        return None
    try:
        local = datetime(
            year,
            month,
            day,
            int(hour or 0),
            int(minute or 0),
            min(int(second or 0), 59),
            tzinfo=timezone(timedelta(minutes=east)),
        )
    except ValueError:
        return None
    return local.astimezone(UTC)


def _offset(text: str) -> int | None:
    """Return minutes east of UTC of `+0600`, `+06:00`, `+06` or `+600`; None for what no zone has."""
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "")
    hours, minutes = (int(digits), 0) if len(digits) <= 2 else (int(digits[:-2]), int(digits[-2:]))  # noqa: PLR2004
    total = sign * (hours * 60 + minutes)
    return total if -24 * 60 < total < 24 * 60 and minutes < 60 else None  # noqa: PLR2004


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)  # noqa: PLR2004 - no feed is older than its format
