"""Header lines, and what their values mean: dates and waits, lenient where servers are sloppy, None where a value says nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import overload

MAX_WAIT = timedelta(hours=24)
"""No server makes us wait longer (conformance case 62)."""

_ASCTIME = re.compile(r"[A-Za-z]{3} ([A-Za-z]{3}) {1,2}(\d{1,2}) (\d{2}:\d{2}:\d{2}) (\d{4})")
_RFC850 = re.compile(r"[A-Za-z]{6,9}, (\d{2})-([A-Za-z]{3})-(\d{2}) (\d{2}:\d{2}:\d{2}) GMT", re.IGNORECASE)
_SECONDS = re.compile(r"[0-9]{1,18}(\.[0-9]{0,18})?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class Lines:
    """Header lines by name, whatever the case; repeated lines are kept. Read as Latin-1, every byte survives (validators are sent back).

    An answer is asked for a dozen names, most of them absent: the lines are read once for all of them.
    """

    __slots__ = ("_lines",)

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._lines: dict[str, list[str]] = {}
        for name, value in raw:
            self._lines.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._lines

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the value of a name, of several lines as one list (RFC 9110 section 5.3)."""
        values = self._lines.get(name.lower())
        return default if values is None else ", ".join(values)

    def get_list(self, name: str) -> list[str]:
        """Return the values of all lines with that name."""
        return self._lines.get(name.lower(), [])


def http_date(text: str | None) -> datetime | None:
    """Return the time an HTTP-date names (RFC 9110 section 5.6.7: IMF-fixdate, RFC 850 and asctime forms), None for junk."""
    if text is None or len(text) > 64:  # noqa: PLR2004 - the longest form has 33 characters
        return None
    return _dated(text.strip())


@lru_cache(maxsize=1024)
def _dated(text: str) -> datetime | None:
    """Return what `http_date` does for a text of bounded length: many servers name the same second."""
    try:
        if match := _ASCTIME.fullmatch(text):
            month, day, clock, year = match.groups()
            return _at(int(year), month, int(day), clock)
        if match := _RFC850.fullmatch(text):
            day, month, short_year, clock = match.groups()
            return _at(_century(int(short_year)), month, int(day), clock)
        parsed = parsedate_to_datetime(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def retry_after(value: str | None, date: datetime) -> timedelta | None:
    """Return how long a `Retry-After` asks to wait, at most 24 h; None when it is absent or means nothing.

    Seconds (fractions tolerated) or an HTTP-date, which counts from `date`: the answer's own `Date` where it has one,
    so that a wrong clock on either side does not matter (RFC 9110 section 10.2.3). A date in the past asks for nothing.
    """
    if value is None:
        return None
    value = value.strip()
    if _SECONDS.fullmatch(value):
        return min(timedelta(seconds=min(float(value), MAX_WAIT.total_seconds())), MAX_WAIT)
    until = http_date(value)
    if until is None:
        return None
    return min(max(until - date, timedelta(0)), MAX_WAIT)


def _at(year: int, month: str, day: int, clock: str) -> datetime:
    hour, minute, second = (int(part) for part in clock.split(":"))
    return datetime(year, _MONTHS.index(month.lower()) + 1, day, hour, minute, min(second, 59), tzinfo=UTC)


def _century(short: int) -> int:
    """Return the year of two digits. The rule of RFC 9110 needs the clock; a pivot of 1970 is the same until 2050."""
    return 1900 + short if short >= 70 else 2000 + short  # noqa: PLR2004
