"""Virtual time as the replay's own parts see it: publishers, inbox and driver share one hand."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime


class Hand:
    """The present of the replay: moved by the driver only, forwards only."""

    __slots__ = ("_now", "_stamp")

    def __init__(self, now: datetime) -> None:
        self._now = now.astimezone(UTC)
        self._stamp = ""

    @property
    def now(self) -> datetime:
        """Return the virtual present, UTC."""
        return self._now

    def move(self, to: datetime) -> None:
        """Move on; an earlier time leaves it where it is."""
        if to > self._now:
            self._now = to.astimezone(UTC)
            self._stamp = ""

    @property
    def http_date(self) -> str:
        """Return the present for a `Date` header (RFC 9110 section 5.6.7)."""
        if not self._stamp:
            self._stamp = format_datetime(self._now, usegmt=True)
        return self._stamp
