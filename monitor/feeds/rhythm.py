"""How fast a feed moves, and what interval follows from it: pure functions over what its documents showed.

Problem: a fixed pace loses entries of a feed that turns over faster (a document shows the last 20, and 30 came), and asks in vain
for one that sleeps. Choice: overlap decides (case 50). A document that shows nothing of the one before halves the interval, one
that is mostly new shortens it, ample overlap lets it go back to the pace step by step. Below the pace the interval is remembered;
above it, it follows from the silence alone: a feed that showed nothing new for a while is asked after a twelfth of that while, so
a report after long silence is late by a twelfth of it at most, and one new entry brings the pace back at once, with nothing to
unlearn. Refused: intervals from a share of duplicates in fixed steps of minutes (too slow for a crisis, measured by others).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.feeds import marks
from monitor.model import Entry, Feed, FeedState
from monitor.ports import Fetched, ParsedFeed

SHORTER = 2 / 3
"""What a mostly new document makes of the interval."""

LONGER = 1.25
"""What ample overlap makes of an interval below the pace."""

AMPLE = 1 / 3
"""With at most this share of new entries a document overlaps amply: the interval could be half as long again."""

SILENCE = 12
"""A silent feed is asked after its silence divided by this."""

TURNOVER = 3
"""A just-added feed is polled so often in the time in which its document is renewed."""

NEWEST_SHARE = 0.75
"""Share of a document's dates that count, newest first: pinned and forgotten entries at its end do not slow the estimate."""

COVERED = 1 / 4
"""Share of a document's entries that are older than the last poll, from which it reaches back to it; a few are only dated back."""

LEARN = 0.1
"""How much one new entry moves the rhythm; many at once move it by a half at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """How much of a document the one before did not show."""

    shown: int
    fresh: int

    @property
    def is_gap(self) -> bool:
        """Nothing of the document before is left: what came in between may have been missed."""
        return self.fresh == self.shown

    @property
    def is_thin(self) -> bool:
        """More than half of it is new."""
        return 2 * self.fresh > self.shown

    @property
    def is_ample(self) -> bool:
        """So little of it is new that it could be asked less often."""
        return self.fresh <= AMPLE * self.shown


def overlap(state: FeedState, answer: Fetched, parsed: ParsedFeed) -> Overlap | None:
    """Return how a document lies over the last one; None where that says nothing.

    That is: a first document, one that may be cut (78), that brings only what is new (96), that is only a part (sitemap index),
    an empty one before or now (88), and one that holds all entries there are (`fh:complete`, 95).
    """
    if not (state.filled and state.known and parsed.marks) or not answer.complete or answer.partial or parsed.more:
        return None
    if parsed.head is not None and parsed.head.complete:
        return None
    before = marks.shown(state.known)
    now = [parsed.marks[at + 8 : at + 16] for at in range(0, len(parsed.marks), marks.SIZE)]
    fresh = sum(1 for fingerprint in now if fingerprint not in before)
    if 2 * fresh > len(now):  # edited entries look new: their names tell
        fresh = _unnamed(state.known, parsed.marks)
    if fresh == len(now):  # every name changed too (links with a counter in them): the dates tell
        fresh -= _covered(state, parsed, len(now))
    return Overlap(shown=len(now), fresh=fresh)


def _covered(state: FeedState, parsed: ParsedFeed, shown: int) -> int:
    """Return how many entries were published before the last poll, 0 where these are too few to speak for the document.

    A document that reaches back to before the last poll lets nothing be missed since.
    """
    since = state.last_success_at
    old = sum(1 for entry in parsed.entries if entry.published and since and entry.published <= since)
    return old if old >= COVERED * shown else 0


def touches(known: bytes, shown: bytes) -> bool:
    """Tell whether a document shows an entry that is known."""
    return bool(shown) and _unnamed(known, shown) < len(shown) // marks.SIZE


def _unnamed(known: bytes, shown: bytes) -> int:
    """Return how many of the shown entries are neither known as they are nor by a guid or link that is theirs alone."""
    before, now = marks.unpack(known), marks.unpack(shown)
    fingerprints = {mark.entry for mark in before}
    names = _names(before) & _names(now)
    return sum(1 for mark in now if mark.entry not in fingerprints and _name(mark) not in names)


def _names(of: Sequence[marks.Mark]) -> set[bytes]:
    """Return the names that stand on one entry only."""
    seen, twice = set[bytes](), set[bytes]()
    for mark in of:
        name = _name(mark)
        (twice if name in seen else seen).add(name)
    return seen - twice - {NO_NAME}


NO_NAME = b"l" + bytes(4)


def _name(mark: marks.Mark) -> bytes:
    return b"g" + mark.guid if any(mark.guid) else b"l" + mark.link


def pressed(feed: Feed, interval: timedelta | None, found: Overlap | None) -> timedelta | None:
    """Return the interval below the pace that a poll leads to, None when the pace itself is enough.

    `found` is None where a poll showed nothing new (or nothing that can be judged): that relaxes.
    """
    current = min(interval or feed.pace, feed.pace)
    if found is not None and found.is_gap:
        wanted = current / 2
    elif found is not None and found.is_thin:
        wanted = current * SHORTER
    elif found is None or found.is_ample:
        wanted = current * LONGER
    else:
        wanted = current
    return _below_pace(feed, wanted)


def first_interval(feed: Feed, rhythm: timedelta | None, shown: int) -> timedelta | None:
    """Return the interval for a feed whose first document was read: its pace, or less where the document is renewed faster."""
    return None if rhythm is None else _below_pace(feed, rhythm * shown / TURNOVER)


def _below_pace(feed: Feed, wanted: timedelta) -> timedelta | None:
    bounded = max(wanted, feed.floor)
    return bounded if bounded < feed.pace else None


def own_interval(feed: Feed, interval: timedelta | None, last_entry_at: datetime | None, now: datetime) -> timedelta:
    """Return how long a feed may rest as far as its own behaviour goes: from its floor up to `slowest` (or its pace)."""
    pace = max(feed.pace, feed.floor)
    if interval is not None:
        return min(max(interval, feed.floor), pace)
    if feed.slowest is None or last_entry_at is None:
        return pace
    return max(min((now - last_entry_at) / SILENCE, feed.slowest), pace)


def of(entries: Iterable[Entry], now: datetime) -> timedelta | None:
    """Return the usual time between two entries of a document by their dates, None where they do not tell."""
    dates = sorted((min(entry.published, now) for entry in entries if entry.published is not None), reverse=True)
    if len(dates) < 2:  # noqa: PLR2004 - there is nothing between one
        return None
    last = max(int((len(dates) - 1) * NEWEST_SHARE), 1)
    return (dates[0] - dates[last]) / last or None  # all in one moment: the dates are not those of publication


def learnt(state: FeedState, new: int, now: datetime) -> timedelta | None:
    """Return the rhythm after `new` entries came: the old one, moved a little towards what was seen."""
    if not new or state.last_entry_at is None or now <= state.last_entry_at:
        return state.rhythm
    seen = (now - state.last_entry_at) / new
    if state.rhythm is None:
        return seen
    return state.rhythm + (seen - state.rhythm) * min(LEARN * new, 0.5)
