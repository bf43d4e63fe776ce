"""What an outlet's feed is at a moment. Pure over the scenario; each edition is written once and kept while it stands."""

from __future__ import annotations

import gzip
import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from monitor.replay.formats import Item, document
from monitor.replay.scenario import Misbehaviour, Outlet, PlannedEntry, PublisherFault, Scenario

_DAY_ZERO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One state of a feed: its bytes, what identifies it to conditional requests, and what it shows."""

    number: int
    body: bytes
    packed: bytes
    """The body through gzip."""
    etag: str
    changed: datetime
    """When the feed came to be like this, to the second (Last-Modified)."""
    shown: tuple[tuple[str, int], ...]
    """(entry id, number of its state)."""


class Newsstand:
    """An outlet's editions over time. Asking for the same moment again costs a bisection."""

    def __init__(self, outlet: Outlet, scenario: Scenario, *, until: datetime | None = None) -> None:
        """Take the outlet's entries and guid faults; nothing is published after `until` (default: the scenario's end)."""
        self.outlet = outlet
        self._until = until or scenario.end
        self._entries = tuple(
            entry for entry in scenario.entries if entry.outlet == outlet.id and entry.at <= self._until
        )
        self._guid_faults = tuple(
            fault
            for fault in scenario.faults
            if isinstance(fault, PublisherFault) and fault.kind is Misbehaviour.GUIDS and outlet.id in fault.outlets
        )
        self._moments = self._changes(scenario.start)
        self._current: Edition | None = None

    def edition(self, now: datetime) -> Edition:
        """Return what the feed is at a moment."""
        number = bisect_right(self._moments, now)
        if self._current is None or self._current.number != number:
            self._current = self._write(number)
        return self._current

    def changes_between(self, start: datetime, end: datetime) -> tuple[datetime, ...]:
        """Return when the feed changes within (start, end]."""
        return tuple(moment for moment in self._moments if start < moment <= end)

    def _changes(self, start: datetime) -> list[datetime]:
        moments = set[datetime]()
        for entry in self._entries:
            moments.update(state.at for state in entry.states)
            if entry.removed is not None:
                moments.add(entry.removed)
        for fault in self._guid_faults:
            moments.update((fault.start, fault.end))
        if self.outlet.restless:
            midnight = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            moments.update(midnight + timedelta(days=day) for day in range((self._until - midnight).days + 1))
        return sorted(moment.astimezone(UTC) for moment in moments if moment <= self._until)

    def _write(self, number: int) -> Edition:
        """Write the edition that stands after `number` changes: all it shows is as of its last change."""
        at = self._moments[number - 1] if number else _DAY_ZERO
        standing = [(entry, state) for entry in self._entries if (state := entry.number_at(at))]
        standing = _newest_first(standing)[: self.outlet.items]
        altered = any(fault.start <= at < fault.end for fault in self._guid_faults)
        body = document(
            self.outlet,
            [_item(entry, state) for entry, state in standing],
            day=(at - _DAY_ZERO).days,
            changed=at,
            guid_suffix="-v2" if altered else "",
        )
        return Edition(
            number=number,
            body=body,
            packed=gzip.compress(body, compresslevel=1, mtime=0),
            etag=f'"{hashlib.blake2b(body, digest_size=8).hexdigest()}"',
            changed=at.replace(microsecond=0),
            shown=tuple((entry.id, state) for entry, state in standing),
        )


def _newest_first(standing: Sequence[tuple[PlannedEntry, int]]) -> list[tuple[PlannedEntry, int]]:
    return sorted(standing, key=lambda pair: (pair[0].at, pair[0].id), reverse=True)


def _item(entry: PlannedEntry, number: int) -> Item:
    state = entry.states[number - 1]
    return Item(id=entry.id, path=entry.path, title=state.title, text=state.text, published=entry.at, updated=state.at)
