"""A feed's row and its `FeedState`, for the statements that run a thousand times a second.

These statements go to the driver as text with plain integers (`statements.prepared`), because turning each of 35 values into
a column type's own and back costs about as much as the database does. Measured on 50,000 rows in a SQLite file, CPU for a row in
batches of 200: saving one poll went from 290 to 28 us (with one transaction for all), claiming one from 51 to 41; 25 of those
are SQLite's own. This is the one place that knows what stands in which column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

from monitor.model import FeedState, Pace, PollFailure, Validators
from monitor.store import codec
from monitor.store.schema import clean, feeds, microseconds

MARK = 24
"""Bytes of one entry's mark (feeds/marks.py)."""
MOST_MARKS = 4000
"""Marks a feed's row keeps at most where pushes add to them: 96 kB."""

COLUMNS = (
    "id", "situation", "url", "due_at", "lease", "validators_url", "etag", "last_modified", "body_hash", "known", "filled",
    "failures", "failure", "failing_since", "last_attempt_at", "last_success_at", "last_entry_at", "audited_at", "moved_to",
    "moved_since", "moved_count", "warning", "entries", "ttl", "period", "skips", "interval", "rhythm", "gaps", "gap_at", "gap",
    "archive", "hub", "topic", "pushed", "max_age",
)  # fmt: skip
STATE = [feeds.c[name] for name in COLUMNS]

EVERY_POLL = ("due_at", "last_attempt_at", "last_success_at", "interval")
"""What also a poll changes that brings nothing (a 304)."""

_NOT_OF_A_POLL = {"id", "feed_id", "situation", "url", "lease"}
POLLED = tuple(name for name in COLUMNS if name not in {*_NOT_OF_A_POLL, "known", "pushed"})
"""What polls alone change; pushes have a part in `known` and `pushed`."""

_others = attrgetter(*(each.name for each in fields(FeedState) if each.name not in {*EVERY_POLL, *_NOT_OF_A_POLL}))
_NOTHING_SAID = Pace()


def is_settled(before: FeedState, after: FeedState) -> bool:
    """Tell whether a poll changed nothing but the columns of `EVERY_POLL`."""
    return bool(_others(before) == _others(after))


# --- to the row -------------------------------------------------------------------------------------------------------


def of_every_poll(state: FeedState) -> dict[str, Any]:
    """Return the columns of `EVERY_POLL` as the driver takes them."""
    return {
        "due_at": microseconds(state.due_at),
        "last_attempt_at": _stored(state.last_attempt_at),
        "last_success_at": _stored(state.last_success_at),
        "interval": _length(state.interval),
    }


def columns(state: FeedState, before: FeedState | None) -> dict[str, Any]:
    """Return what a poll changes of a row, as the driver takes it; id, situation and URL are the configuration's.

    `known` and `pushed` are None where they stayed as they were `before`.
    """
    validators, said = state.validators, state.said
    return {
        **of_every_poll(state),
        "validators_url": clean(validators.url) if validators else None,
        "etag": _clean(validators.etag) if validators else None,
        "last_modified": _clean(validators.last_modified) if validators else None,
        "body_hash": state.body_hash,
        "known": None if before and before.known == state.known else codec.pack_known(state.known),
        "filled": state.filled,
        "failures": state.failures,
        "failure": codec.to_json(state.failure) if state.failure else None,
        "failing_since": _stored(state.failing_since),
        "last_entry_at": _stored(state.last_entry_at),
        "audited_at": _stored(state.audited_at),
        "moved_to": _clean(state.moved_to),
        "moved_since": _stored(state.moved_since),
        "moved_count": state.moved_count,
        "warning": _clean(state.warning),
        "entries": state.entries,
        "ttl": _length(said.ttl),
        "period": _length(said.period),
        "skips": said.skips,
        "max_age": _length(state.max_age),
        "rhythm": _length(state.rhythm),
        "gaps": state.gaps,
        "gap_at": _stored(state.gap_at),
        "gap": _clean(state.gap),
        "archive": _clean(state.archive),
        "hub": _clean(state.hub),
        "topic": _clean(state.topic),
        "pushed": None if before and before.pushed == state.pushed else state.pushed,
    }


def with_marks(known: bytes, marks: bytes) -> bytes:
    """Return what is known with marks added: each once, at most the newest `MOST_MARKS`."""
    packed = known + marks
    newest_first = dict.fromkeys(packed[at : at + MARK] for at in reversed(range(0, len(packed), MARK)))
    return b"".join(reversed(list(newest_first)[:MOST_MARKS]))


def _stored(moment: datetime | None) -> int | None:
    return None if moment is None else microseconds(moment)


def _length(span: timedelta | None) -> int | None:
    return None if span is None else (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def _clean(text: str | None) -> str | None:
    return None if text is None else clean(text)


# --- from the row -----------------------------------------------------------------------------------------------------


def moment(stored: int) -> datetime:
    """Return a stored time. Half as dear as adding to 1970; a float is exact to the microsecond until the year 2242."""
    return datetime.fromtimestamp(stored / 1_000_000, UTC)


def _moment(stored: int | None) -> datetime | None:
    return None if stored is None else datetime.fromtimestamp(stored / 1_000_000, UTC)


def _span(stored: int | None) -> timedelta | None:
    return None if stored is None else timedelta(microseconds=stored)


def state(row: Sequence[Any]) -> FeedState:
    """Return a row of `COLUMNS` as the driver gave it.

    Where its blobs are damaged, what the server told us is forgotten: the next poll asks for all.
    """
    (
        feed_id, situation, url, due_at, lease, validators_url, etag, last_modified, body_hash, blob, filled,
        failures, failure_text, failing_since, last_attempt_at, last_success_at, last_entry_at, audited_at, moved_to,
        moved_since, moved_count, warning, entries, ttl, period, skips, interval, rhythm, gaps, gap_at, gap,
        archive, hub, topic, pushed, max_age,
    ) = row  # fmt: skip
    try:
        known = codec.unpack_known(blob)
        failure = None if failure_text is None else codec.from_json(PollFailure, failure_text)
    except codec.Damaged:
        known, failure, body_hash, validators_url = b"", None, None, None
    said = _NOTHING_SAID
    if skips or ttl is not None or period is not None:
        said = Pace(ttl=_span(ttl), period=_span(period), skips=skips)
    return FeedState(
        feed_id=feed_id,
        situation=situation,
        url=url,
        due_at=moment(due_at),
        lease=lease,
        validators=None
        if validators_url is None
        else Validators(url=validators_url, etag=etag, last_modified=last_modified),
        body_hash=body_hash,
        known=known,
        filled=bool(filled),
        failures=failures,
        failure=failure,
        failing_since=_moment(failing_since),
        last_attempt_at=_moment(last_attempt_at),
        last_success_at=_moment(last_success_at),
        last_entry_at=_moment(last_entry_at),
        audited_at=_moment(audited_at),
        moved_to=moved_to,
        moved_since=_moment(moved_since),
        moved_count=moved_count,
        warning=warning,
        entries=entries,
        said=said,
        max_age=_span(max_age),
        interval=_span(interval),
        rhythm=_span(rhythm),
        gaps=gaps,
        gap_at=_moment(gap_at),
        gap=gap,
        archive=archive,
        hub=hub,
        topic=topic,
        pushed=bool(pushed),
    )
