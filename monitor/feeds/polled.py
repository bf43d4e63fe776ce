"""What a poll changes: pure functions from (state, outcome, now) to commit A.

Numbers are cases of the conformance list. Validators are stored only with a document that was taken (21, 22), a 304 is a success
(18), a failure forgets nothing, and what a document does not show is never taken for deleted (78, 88, 95, 96). When the next poll
is due says pace.py; how fast the feed moves says rhythm.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import xxhash

from monitor.feeds import gap, marks, moved, noted, pace, rhythm
from monitor.feeds.asking import Plan
from monitor.feeds.hubs import push_of
from monitor.feeds.links import Way, merged
from monitor.feeds.rhythm import Overlap
from monitor.model import Document, Entry, FailureKind, Feed, FeedState, PollFailure, PollResult
from monitor.ports import Fetched, Head, NotModified, ParsedFeed

BLOCKED_AFTER = 3
"""So many times in a row a 403 of a feed that worked is taken for throttling; then we are blocked (case 66)."""

MAX_KNOWN = 4000
"""Marks kept at most, where those of several documents are kept together."""

PUSH_GRACE = timedelta(minutes=2)
"""An entry that a poll brings so soon after its publication may still be on its way through the hub."""

KEPT_BESIDE_PUSHES = 100
"""Marks kept beyond the last document of a pushed feed: a push may be ahead of the document that a cache gives us."""

ENDED_REST = timedelta(hours=24)
"""A feed that its publisher declared ended is looked at once a day (case 90; nothing is given up)."""

FORBIDDEN = 403

UNSEEN = frozenset(
    {FailureKind.DNS, FailureKind.CONNECT, FailureKind.TLS, FailureKind.ADDRESS_BLOCKED, FailureKind.BAD_URL}
)
"""Failures of polls that no server saw."""


def is_same_body(state: FeedState, fetched: Fetched) -> bool:
    """Tell whether the document is, byte for byte, the last one that was taken (case 15)."""
    return state.filled and state.body_hash == _hash(fetched.body)


def is_gap(
    state: FeedState, asked: Plan, answer: Fetched, overlap: Overlap | None, way: tuple[Way, str] | None
) -> bool:
    """Tell whether entries may have been missed: a document shows nothing of the one before, and is the same feed.

    Nothing is known of an address that was just edited (no hash is kept then). A feed that shows one entry at a time never shows
    the one before: nothing can be told of it unless it names its older documents itself (`way`; a guess at one does not count).
    """
    if overlap is None or not overlap.is_gap or state.body_hash is None:
        return False
    if overlap.shown == 1 and state.entries <= 1 and (way is None or way[0] == "wordpress"):
        return False
    return not is_foreign(state, asked, answer, overlap)


def may_lie(state: FeedState, asked: Plan, answer: Fetched, parsed: ParsedFeed) -> bool:
    """Tell whether a 304 may have hidden what an audit brought: something new, under the validators of before (case 27).

    An ETag that never changes is no lie where the server never says 304 either: that is found out by asking once more.
    """
    same = state.validators is not None and state.validators == answer.validators
    return asked.audit and same and bool(_new(state, parsed))


def is_foreign(state: FeedState, asked: Plan, answer: Fetched, overlap: Overlap | None) -> bool:
    """Tell whether a permanent redirect led to a new place that shows nothing of this feed (case 53)."""
    target = answer.permanent_target
    elsewhere = asked.address is None and target is not None and target != state.moved_to
    return elsewhere and overlap is not None and overlap.is_gap


def failed(feed: Feed, state: FeedState, failure: PollFailure, *, now: datetime, jitter: float) -> PollResult:
    """Return what a failed poll changes: nothing of what was learnt from earlier ones.

    An audit that the server saw counts, whatever came of it: the next request is conditional again (case 27).
    """
    failure = _judged(state, failure)
    audited = state.audited_at is not None and pace.wants_audit(state, now) and failure.kind not in UNSEEN
    changed = replace(
        state,
        lease=None,
        failures=state.failures + 1,
        failure=failure,
        failing_since=state.failing_since or now,
        last_attempt_at=now,
        audited_at=now if audited else state.audited_at,
        due_at=pace.after_failure(feed, state, failure, now=now, jitter=jitter),
    )
    return PollResult(state=changed, lease=_lease(state), at=now, before=state, answered_by=failure.moved_to)


def _judged(state: FeedState, failure: PollFailure) -> PollFailure:
    """Return a failure as it is to be taken: a 403 where there was a feed is the way many servers say `too often`."""
    if failure.kind is not FailureKind.BLOCKED or failure.status != FORBIDDEN:
        return failure
    if not state.filled or state.failures >= BLOCKED_AFTER:
        return failure
    reason = "The server refuses us (403), as many do when they are asked too often."
    return replace(failure, kind=FailureKind.THROTTLED, reason=reason)


def unchanged(
    feed: Feed, state: FeedState, asked: Plan, answer: NotModified | Fetched, *, now: datetime, jitter: float
) -> PollResult:
    """Return what a poll without news changes: a 304, or the same bytes again (perhaps with new validators: case 15)."""
    move = _move(state, asked, answer, foreign=False, now=now)
    validators = None if noted.is_lying(state) else answer.validators
    interval = rhythm.pressed(feed, state.interval, None)
    silent = answer.pace.max_age is None and isinstance(
        answer, NotModified
    )  # then the stored headers stay (RFC 9111, 4.3.4)
    max_age = state.max_age if silent else answer.pace.max_age
    changed = replace(
        state,
        lease=None,
        validators=validators,
        failures=0,
        failure=None,
        failing_since=None,
        last_attempt_at=now,
        last_success_at=now,
        audited_at=now if asked.audit else state.audited_at,
        moved_to=move.to,
        moved_since=move.since,
        moved_count=move.count,
        interval=interval,
        max_age=max_age,
        warning=noted.still(state, move.warning),
        due_at=pace.after_success(
            feed,
            state,
            interval=interval,
            validated=validators is not None,
            max_age=max_age,
            now=now,
            jitter=jitter,
            at_least=_rest_of_ended(state),
        ),
    )
    return PollResult(state=changed, lease=_lease(state), at=now, before=state, answered_by=answer.url)


def read(
    feed: Feed,
    state: FeedState,
    asked: Plan,
    answer: Fetched,
    parsed: ParsedFeed,
    *,
    overlap: Overlap | None,
    caught: gap.Caught | None = None,
    lies: bool = False,
    refusal: PollFailure | None = None,
    now: datetime,
    jitter: float,
) -> PollResult:
    """Return what a document changes: entries that the last one did not show, oldest first, and all that is remembered.

    A document without entries, or one that may be cut or is only a part, forgets nothing: what comes back later is not news
    (78, 88, 96). `overlap` is how it lies over the last one, `caught` what was found behind a gap; `lies`: a 304 hid some of
    it; `refusal` is how a part of it was refused: the feed rests at least as long as that asks for.
    """
    new = _new(state, parsed)
    entries, recovered = _in_order(new, caught, marks.shown(state.known))
    refusal = refusal or (caught.refusal if caught else None)
    move = _move(state, asked, answer, foreign=is_foreign(state, asked, answer, overlap), now=now)
    warning = noted.after(state, parsed, move.warning, partial=answer.partial, caught_lying=lies)
    changed = replace(
        state,
        lease=None,
        validators=None if noted.LYING in (warning or "") else answer.validators,
        body_hash=state.body_hash if answer.partial else _hash(answer.body) if answer.complete else None,
        known=_known(state, answer, parsed),
        filled=True,
        failures=0,
        failure=None,
        failing_since=None,
        last_attempt_at=now,
        last_success_at=now,
        last_entry_at=_last_entry(state, new, now),
        audited_at=now if asked.audit else state.audited_at,
        moved_to=move.to,
        moved_since=move.since,
        moved_count=move.count,
        warning=warning,
        entries=state.entries if answer.partial else parsed.shown,
        said=parsed.head.pace if parsed.head else state.said,
        max_age=answer.pace.max_age,
        interval=_interval(feed, state, parsed, overlap, now),
        rhythm=_rhythm(state, asked, parsed, len(new), now),
        pushed=state.pushed and not _missed_push(state, new, now),
    )
    changed = _linked(changed, answer, parsed.head) if parsed.head else changed
    if caught is not None and not (caught.closed and parsed.shown == 1 and not recovered):
        told = gap.sentence(state, new, caught, recovered, now)
        changed = replace(changed, gaps=state.gaps + 1, gap_at=now, gap=told)
    due = _next(feed, changed, refusal, now, jitter)
    document = Document(
        url=answer.url,
        fetched_at=now,
        status=answer.status,
        content_type=answer.content_type,
        body=parsed.evidence or answer.body,
    )
    return PollResult(
        state=replace(changed, due_at=due),
        lease=_lease(state),
        at=now,
        before=state,
        entries=entries,
        baseline=not state.filled,
        document=document if entries else None,
        refusal=refusal,
    )


def _next(feed: Feed, changed: FeedState, refusal: PollFailure | None, now: datetime, jitter: float) -> datetime:
    return pace.after_success(
        feed,
        changed,
        interval=changed.interval,
        validated=changed.validators is not None,
        max_age=changed.max_age,
        now=now,
        jitter=jitter,
        at_least=max(_rest_of_ended(changed), pace.rest_of(feed, refusal) if refusal else timedelta(0)),
    )


def _rest_of_ended(state: FeedState) -> timedelta:
    return ENDED_REST if noted.has_ended(state) else timedelta(0)


def _new(state: FeedState, parsed: ParsedFeed) -> list[Entry]:
    """Return the entries that the last document did not show, each once."""
    before = marks.shown(state.known)
    return list({mark: entry for entry in parsed.entries if (mark := entry.fingerprint()) not in before}.values())


# --- entries ----------------------------------------------------------------------------------------------------------


def _in_order(
    new: Sequence[Entry], caught: gap.Caught | None, before: frozenset[bytes]
) -> tuple[tuple[Entry, ...], int]:
    """Return the new entries in the order they shall be decided, and how many of them came from older documents."""
    if caught is None or not caught.documents:
        return gap.oldest_first(new), 0
    older = [[entry for entry in each if entry.fingerprint() not in before] for each in caught.documents]
    entries = gap.entries_of([new, *older])
    return entries, len(entries) - len(gap.entries_of([new]))


def _last_entry(state: FeedState, new: Sequence[Entry], now: datetime) -> datetime | None:
    """Return when an entry was last new: at a first fill by the entries' own dates, so that a dead feed is seen as one."""
    if not new:
        return state.last_entry_at
    if state.filled:
        return now
    return max((min(entry.published or now, now) for entry in new), default=now)


def _known(state: FeedState, answer: Fetched, parsed: ParsedFeed) -> bytes:
    """Return the marks to compare the next document with: of this one, and of those before where it is not the whole picture."""
    if not parsed.shown or not answer.complete or answer.partial or parsed.more:
        return _union(parsed.marks, state.known, max(parsed.shown, MAX_KNOWN))
    if state.hub is None:
        return parsed.marks
    return _union(parsed.marks, state.known, parsed.shown + KEPT_BESIDE_PUSHES)


def _union(first: bytes, second: bytes, most: int) -> bytes:
    both = first + second
    each = dict.fromkeys(both[at : at + marks.SIZE] for at in range(0, len(both), marks.SIZE))
    return b"".join(list(each)[:most])


def _missed_push(state: FeedState, new: Sequence[Entry], now: datetime) -> bool:
    """Tell whether a poll brought an entry that no push had brought, although there was time for it (case 111)."""
    if not state.pushed or not new:
        return False
    late = (entry for entry in new if entry.published is None or not now - PUSH_GRACE < entry.published <= now)
    return any(not rhythm.touches(state.known, marks.pack([marks.mark(entry)])) for entry in late)


# --- what is learnt ---------------------------------------------------------------------------------------------------


def _interval(
    feed: Feed, state: FeedState, parsed: ParsedFeed, overlap: Overlap | None, now: datetime
) -> timedelta | None:
    if state.filled:
        return rhythm.pressed(feed, state.interval, overlap)
    return rhythm.first_interval(feed, rhythm.of(parsed.entries, now), parsed.shown)


def _rhythm(state: FeedState, asked: Plan, parsed: ParsedFeed, new: int, now: datetime) -> timedelta | None:
    """Return the usual time between entries: by the dates of a document that was read whole, else moved by what came."""
    seen = rhythm.of(parsed.entries, now) if asked.audit and len(parsed.entries) == parsed.shown else None
    return seen or rhythm.learnt(state, new, now)


def _linked(state: FeedState, answer: Fetched, head: Head) -> FeedState:
    """Return a state with what the document's links say: its hub, and the archive before it. The header goes first (98)."""
    links = merged(answer.links, head.links)
    hub, topic = push_of(links, answer.url)
    archive = next(iter(links.get("prev-archive", ())), None)
    if (hub, topic, archive) == (state.hub, state.topic, state.archive):
        return state
    return replace(state, hub=hub, topic=topic, archive=archive, pushed=state.pushed and hub is not None)


def _move(state: FeedState, asked: Plan, answer: NotModified | Fetched, *, foreign: bool, now: datetime) -> moved.Move:
    """Return what is known of the feed's move: what was asked directly says nothing new about it."""
    if asked.address is None:
        return moved.seen(state, answer.permanent_target, foreign=foreign, now=now)
    return moved.kept(state, now)


def _lease(state: FeedState) -> str:
    """Return the lease under which the poll ran. A poll without one is a defect of the caller."""
    if state.lease is None:
        raise ValueError(f"feed {state.feed_id} was polled without a lease")
    return state.lease


def _hash(body: bytes) -> bytes:
    """Return 16 bytes that tell documents apart (2.5 us for 150 kB; BLAKE2b takes 159 us: measured)."""
    return xxhash.xxh3_128_digest(body)
