"""What a poll changes, and when the next one is due: pure functions from (state, outcome, now) to the new state.

Rules (numbers are cases of the conformance list): validators are stored only with a document that was taken (21, 22), a 304
is a success (18), never early and jitter only added (38), due times lie in the store so restarts change nothing (39), failures
back off to a cap and nothing is ever given up (67, 70), `Retry-After` is obeyed up to a day (61, 62). How long a failing feed
rests depends on what the failure costs whom: an address that cannot be reached is asked at least hourly, because the fault may
be our own network and the country's outlets come back one by one; one that refuses us every six hours; one that says there is
nothing once a day.

`<ttl>` and `sy:updatePeriod` are read but do not slow a feed down: a desk in a crisis sets the pace itself, and publishers
leave these at their software's defaults. `max-age` is obeyed: it is the server's word about this very answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.model import Document, Entry, FailureKind, Feed, FeedState, Pace, PollFailure, PollResult, Validators
from monitor.net.headers import MAX_WAIT
from monitor.ports import Fetched, NotModified, ParsedFeed

MAX_FRESHNESS = timedelta(hours=24)
"""A `max-age` of a year is somebody's static file setting (case 36)."""

AUDIT = timedelta(hours=24)
"""One request a day without validators: at most what publishers tolerate, enough to notice a 304 that lies (case 27)."""

MOVED_POLLS, MOVED_SPAN = 10, timedelta(hours=48)
"""A permanent redirect counts when it was seen this often over this time: captive portals and hacked hosts pass (case 52)."""

REST_UNREACHABLE, REST_REFUSED, REST_ABSENT = timedelta(hours=1), timedelta(hours=6), timedelta(hours=24)
"""The longest rests of a failing feed, by kind."""

UNREACHABLE = frozenset({
    FailureKind.DNS, FailureKind.CONNECT, FailureKind.TLS, FailureKind.TIMEOUT, FailureKind.INCOMPLETE,
    FailureKind.PROTOCOL, FailureKind.SERVER_ERROR,
})  # fmt: skip
ABSENT = frozenset({FailureKind.MISSING, FailureKind.GONE})
UNWELCOME = frozenset({FailureKind.THROTTLED, FailureKind.BLOCKED, FailureKind.UNAUTHORIZED})
"""Kinds that mean `not so often`: already the first failure doubles the interval (case 63)."""

JITTER, MAX_JITTER = 0.05, timedelta(seconds=15)
"""Added at most: this share of the interval, and no more than this."""

FIRST_POLLS_APART = timedelta(milliseconds=200)
"""Average distance of first polls at a start (case 43)."""

MOVED = "The feed has moved for good"
LYING = "The server says `not modified` although there is something new"
NO_ENTRIES = "The feed shows no entries at the moment"
"""How the warnings begin that this module gives; others are the parser's. One warning a line."""


def next_due(
    feed: Feed, *, pace: Pace, failures: int, failure: PollFailure | None, now: datetime, jitter: float
) -> datetime:
    """Return when a feed is polled next. `failures` counts this one; `jitter` in [0, 1) is only ever added."""
    if failure is None:
        wait = max(feed.pace, min(pace.max_age or timedelta(0), MAX_FRESHNESS))
    else:
        wait = _rest(feed, failures, failure)
    return now + wait + min(wait * JITTER, MAX_JITTER) * jitter


def _rest(feed: Feed, failures: int, failure: PollFailure) -> timedelta:
    """Return how long a failing feed rests: doubling from its own pace up to the cap of the kind, never below its pace."""
    doublings = failures - (0 if failure.kind in UNWELCOME else 1)
    rest = feed.pace * (1 << min(max(doublings, 0), 16))
    asked = min(failure.retry_after or timedelta(0), MAX_WAIT)
    return max(min(rest, max(_longest_rest(failure.kind), feed.pace)), asked)


def _longest_rest(kind: FailureKind) -> timedelta:
    if kind in UNREACHABLE:
        return REST_UNREACHABLE
    return REST_ABSENT if kind in ABSENT else REST_REFUSED


def first_due(feeds: Sequence[Feed], now: datetime) -> Mapping[str, datetime]:
    """Return when feeds that were never polled are due: spread by a hash of their id, five a second, within their pace."""
    window = FIRST_POLLS_APART * len(feeds)
    return {feed.id: now + min(window, feed.pace) * _share(feed.id) for feed in feeds}


def _share(feed_id: str) -> float:
    """Return a number in [0, 1) that is always the same for an id."""
    return int.from_bytes(hashlib.blake2b(feed_id.encode(), digest_size=6).digest()) / 2**48


def longest_rest(pace: timedelta) -> timedelta:
    """Return how far ahead a feed of this pace can be due: beyond it the clock was wrong (case 40)."""
    return max(pace, MAX_FRESHNESS, REST_ABSENT, MAX_WAIT) + MAX_JITTER


def wants_audit(state: FeedState, now: datetime) -> bool:
    """Tell whether the next request goes out without validators although there are some."""
    if state.validators is None:
        return False
    return state.audited_at is None or abs(now - state.audited_at) >= AUDIT


def is_same_body(state: FeedState, fetched: Fetched) -> bool:
    """Tell whether the document is, byte for byte, the last one that was taken (case 15)."""
    return state.filled and state.body_hash == _hash(fetched.body)


def failed(feed: Feed, state: FeedState, failure: PollFailure, *, now: datetime, jitter: float) -> PollResult:
    """Return what a failed poll changes: nothing of what was learnt from earlier ones."""
    failures = state.failures + 1
    changed = replace(
        state,
        lease=None,
        failures=failures,
        failure=failure,
        failing_since=state.failing_since or now,
        last_attempt_at=now,
        due_at=next_due(feed, pace=Pace(), failures=failures, failure=failure, now=now, jitter=jitter),
    )
    return PollResult(state=changed, lease=_lease(state), at=now)


def unchanged(
    feed: Feed, state: FeedState, answer: NotModified | Fetched, *, now: datetime, jitter: float
) -> PollResult:
    """Return what a poll without news changes: a 304, or the same bytes again (perhaps with new validators: case 15)."""
    changed = _succeeded(feed, state, answer, answer.pace, now, jitter)
    return PollResult(
        state=replace(changed, warning=_warning(state, changed, _parsers(state))), lease=_lease(state), at=now
    )


def read(
    feed: Feed, state: FeedState, answer: Fetched, parsed: ParsedFeed, *, now: datetime, jitter: float
) -> PollResult:
    """Return what a document changes: entries that the last one did not show, oldest first, and all that is remembered.

    A document without entries, or one that may be cut, forgets nothing: what comes back later is not news (cases 78, 88).
    """
    shown = {entry.fingerprint(): entry for entry in parsed.entries}
    new = [entry for mark, entry in shown.items() if mark not in state.known]
    pace = Pace(max_age=answer.pace.max_age, ttl=parsed.pace.ttl)
    notes = [parsed.warning] if parsed.warning else [] if shown else [f"{NO_ENTRIES}."]
    if new and _hidden_by_304(state, answer, now):
        notes.append(f"{LYING}; it is asked without conditions from now on.")
    changed = replace(
        _succeeded(feed, state, answer, pace, now, jitter),
        body_hash=_hash(answer.body) if answer.complete else None,
        known=frozenset(shown) if shown and answer.complete else state.known | frozenset(shown),
        filled=True,
        last_entry_at=_last_entry(state, new, now),
        entries=len(shown),
    )
    changed = replace(changed, warning=_warning(state, changed, notes))
    if is_lying(changed):
        changed = replace(changed, validators=None)
    document = Document(
        url=answer.url, fetched_at=now, status=answer.status, content_type=answer.content_type, body=answer.body
    )
    return PollResult(
        state=changed,
        lease=_lease(state),
        at=now,
        entries=oldest_first(new),
        baseline=not state.filled,
        document=document if new else None,
    )


def oldest_first(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return a document's entries in the order they were published, as far as it tells.

    By their dates where all have one; else the document turned round (feeds show the newest first), unless its dates rise.
    """
    turned = tuple(reversed(entries))
    dated = [(entry.published, entry) for entry in turned if entry.published is not None]
    if len(dated) == len(turned):
        return tuple(entry for _, entry in sorted(dated, key=lambda pair: pair[0]))
    return tuple(entries) if dated and dated[0][0] > dated[-1][0] else turned


def is_lying(state: FeedState) -> bool:
    """Tell whether a feed's 304 was caught hiding entries: it is then polled without validators."""
    return LYING in (state.warning or "")


def _succeeded(
    feed: Feed, state: FeedState, answer: NotModified | Fetched, pace: Pace, now: datetime, jitter: float
) -> FeedState:
    """Return the state after any success, entries aside."""
    asked_plainly = isinstance(answer, Fetched) and (state.validators is None or wants_audit(state, now))
    target = answer.permanent_target
    same_target = target is not None and target == state.moved_to
    return replace(
        state,
        lease=None,
        validators=None if is_lying(state) else answer.validators,
        failures=0,
        failure=None,
        failing_since=None,
        last_attempt_at=now,
        last_success_at=now,
        audited_at=now if asked_plainly else state.audited_at,
        moved_to=target,
        moved_since=state.moved_since if same_target else now if target else None,
        moved_count=state.moved_count + 1 if same_target else int(target is not None),
        due_at=next_due(feed, pace=pace, failures=0, failure=None, now=now, jitter=jitter),
    )


def _hidden_by_304(state: FeedState, answer: Fetched, now: datetime) -> bool:
    """Tell whether new entries came under the very validators that stand for `nothing new` (seen only by an audit)."""
    return wants_audit(state, now) and _same_validators(state.validators, answer.validators)


def _same_validators(left: Validators | None, right: Validators | None) -> bool:
    return left is not None and left == right


def _warning(before: FeedState, after: FeedState, notes: Iterable[str]) -> str | None:
    """Return the warnings of a state, one a line: the notes, and what polls have shown over time."""
    lines = [note.replace("\n", " ") for note in notes]
    if is_lying(before) and not any(LYING in line for line in lines):
        lines.append(f"{LYING}; it is asked without conditions.")
    if _has_moved(after):
        lines.append(f"{MOVED}; please write its new address into feeds.yaml: {after.moved_to}")
    return "\n".join(lines) or None


def _has_moved(state: FeedState) -> bool:
    if state.moved_since is None or state.last_success_at is None:
        return False
    return state.moved_count >= MOVED_POLLS and state.last_success_at - state.moved_since >= MOVED_SPAN


def _parsers(state: FeedState) -> list[str]:
    """Return the stored warnings that are about the document, which is the same as before."""
    return [line for line in (state.warning or "").split("\n") if line and MOVED not in line and LYING not in line]


def _last_entry(state: FeedState, new: Sequence[Entry], now: datetime) -> datetime | None:
    """Return when an entry was last new: at a first fill by the entries' own dates, so that a dead feed is seen as one."""
    if not new:
        return state.last_entry_at
    if state.filled:
        return now
    return max((min(entry.published or now, now) for entry in new), default=now)


def _lease(state: FeedState) -> str:
    """Return the lease under which the poll ran. A poll without one is a defect of the caller."""
    if state.lease is None:
        raise ValueError(f"feed {state.feed_id} was polled without a lease")
    return state.lease


def _hash(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=16).digest()
