"""Entries that may have been missed between two documents: what was recovered of them, and how it is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.model import Entry, FeedState, PollFailure

MAX_CAUGHT = 2000
"""Entries taken from older documents at once, the newest first: what one ordinary document may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """What the documents before a gap gave."""

    documents: tuple[tuple[Entry, ...], ...] = ()
    """Their entries in document order, the newest document first."""
    closed: bool = False
    """The walk came to what was known before: nothing is missing."""
    why: str = ""
    """Where it is not closed: why the walk ended, as half a sentence."""
    refusal: PollFailure | None = None
    """The answer that asked us to come back later, where that ended the walk."""


def entries_of(documents: Iterable[Sequence[Entry]]) -> tuple[Entry, ...]:
    """Return the entries of several documents, the newest document first, each entry once and oldest first.

    Of several forms of one entry the one updated last wins, else that of the more recent document (RFC 5005 section 4.2).
    """
    chosen: dict[str | bytes, Entry] = {}
    order: list[Entry] = []
    for document in documents:
        for entry in oldest_first(document)[::-1]:
            name = entry.guid or entry.link or entry.fingerprint()
            kept = chosen.get(name)
            if kept is None:
                order.append(entry)
            if kept is None or _is_newer(entry, kept):
                chosen[name] = entry
    return tuple(chosen[entry.guid or entry.link or entry.fingerprint()] for entry in reversed(order))


def _is_newer(entry: Entry, kept: Entry) -> bool:
    return entry.updated is not None and kept.updated is not None and entry.updated > kept.updated


def oldest_first(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return a document's entries in the order they were published, as far as it tells.

    By their dates where all have one; else the document turned round (feeds show the newest first), unless its dates rise.
    """
    turned = tuple(reversed(entries))
    dated = [(entry.published, entry) for entry in turned if entry.published is not None]
    if len(dated) == len(turned):
        return tuple(entry for _, entry in sorted(dated, key=lambda pair: pair[0]))
    return tuple(entries) if dated and dated[0][0] > dated[-1][0] else turned


def sentence(state: FeedState, shown: Sequence[Entry], caught: Caught, recovered: int, now: datetime) -> str:
    """Return what is to be said about a gap: from when to when entries may be missing, and what was done about it."""
    since = state.last_success_at
    dates = [entry.published for entry in shown if entry.published is not None and entry.published <= now]
    until = min(dates, default=now)
    span = f"Between {_moment(since)} and {_moment(until)}" if since and since < until else f"Before {_moment(until)}"
    count = "1 entry was" if recovered == 1 else f"{recovered} entries were"
    if caught.closed:
        return f"{span} the feed moved on further than its document reaches; {count} recovered, nothing is missing."
    done = f"{count} recovered, but {caught.why}" if recovered else caught.why
    return f"{span} some entries may be missing: {done}."


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
