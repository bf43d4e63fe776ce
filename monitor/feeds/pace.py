"""When a feed is polled next: pure functions of what the publisher says, how the feed behaves, and how a poll went.

    after a success   the feed's own interval (rhythm.py), at least its floor
                      at least what the publisher says: `max-age`, and with `hints` `<ttl>` and `sy:updatePeriod`, each up to `cap`
                      never within `skipHours` and `skipDays`: at the first allowed minute then
    after a failure   doubling from the own interval up to the cap of its kind, at least `Retry-After` (61, 62)

Numbers are cases of the conformance list. Never early, jitter is only added (38); due times lie in the store, so restarts change
nothing (39); nothing is ever given up (67, 70). How long a failing feed rests depends on what the failure costs whom: an address
that cannot be reached is asked at least hourly, because the fault may be our own network and the country's outlets come back one
by one; one that refuses us every six hours; one that says there is nothing once a day; one that says it is gone for good twice
more within a day, then weekly for a month, then monthly (68).

`sy:updatePeriod` is what blog software writes by itself (WordPress: hourly, everywhere): it counts only while the feed's entries
do not come faster than it says. `<ttl>` and the skips are the publisher's own words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from monitor.feeds.rhythm import TURNOVER, own_interval
from monitor.model import FailureKind, Feed, FeedState, Pace, PollFailure
from monitor.net.headers import MAX_WAIT

AUDIT = timedelta(hours=24)
"""One request a day without validators: at most what publishers tolerate, enough to notice a 304 that lies (case 27)."""

VERIFY = timedelta(hours=1)
"""A feed whose pushes work is polled so often to make sure of them (case 111), or at its pace where that is longer."""

UNVALIDATED = 2
"""The floor of a feed without validators is so many times its own: each poll costs its publisher a whole document (case 28)."""

REST_UNREACHABLE, REST_REFUSED, REST_ABSENT = timedelta(hours=1), timedelta(hours=6), timedelta(hours=24)
"""The longest rests of a failing feed, by kind."""

GONE_AGAIN, GONE_WEEKLY, GONE_MONTHLY = timedelta(hours=12), timedelta(days=7), timedelta(days=30)
GONE_SURE, GONE_SINCE = timedelta(hours=24), timedelta(days=31)
"""Three polls over a day make sure, weekly polls follow up to a month, monthly ones for ever (case 68)."""

UNREACHABLE = frozenset({
    FailureKind.DNS, FailureKind.CONNECT, FailureKind.TLS, FailureKind.TIMEOUT, FailureKind.INCOMPLETE,
    FailureKind.PROTOCOL, FailureKind.SERVER_ERROR,
})  # fmt: skip
UNWELCOME = frozenset({
    FailureKind.THROTTLED, FailureKind.BLOCKED, FailureKind.CHALLENGE, FailureKind.UNAUTHORIZED,
})  # fmt: skip
"""Kinds that mean `not so often`: already the first failure doubles the interval, and it never gets shorter (case 63)."""

JITTER, MAX_JITTER = 0.05, timedelta(seconds=15)
"""Added at most: this share of the interval, and no more than this."""

SKIP_SPREAD = timedelta(minutes=5)
"""Feeds that may be asked again from a full hour on come spread over this."""

WEEK = 7 * 24
"""Hours after which skips repeat themselves."""

FIRST_POLLS_APART = timedelta(milliseconds=200)
"""Average distance of first polls at a start (case 43)."""

SHORTEST_ADVICE, LONGEST_ADVICE = timedelta(minutes=2), timedelta(hours=1)
"""A desk wants a report within the hour; below two minutes publishers lose patience."""

_ZERO = timedelta(0)


def after_success(
    feed: Feed,
    state: FeedState,
    *,
    interval: timedelta | None,
    validated: bool,
    max_age: timedelta | None,
    now: datetime,
    jitter: float,
    at_least: timedelta = _ZERO,
) -> datetime:
    """Return when a feed that answered is polled next.

    `state` tells its rhythm, its words and whether it is pushed; `interval` is the one below its pace, if there is one; `validated`:
    the next request can be conditional. `jitter` in [0, 1) is only ever added.
    """
    floor = feed.floor if validated else feed.floor * UNVALIDATED
    wait = max(own_interval(feed, interval, state.last_entry_at, now), floor, at_least, _asked(feed, state, max_age))
    if state.pushed:
        wait = max(wait, VERIFY, feed.pace)
    due = now + wait + min(wait * JITTER, MAX_JITTER) * jitter
    return _allowed(due, state.said.skips, jitter) if feed.hints and state.said.skips else due


def _asked(feed: Feed, state: FeedState, max_age: timedelta | None) -> timedelta:
    """Return how long the publisher asks us to stay away, up to the feed's cap (case 36)."""
    asked = max_age or _ZERO
    if feed.hints:
        said = state.said
        faster = said.period is not None and state.rhythm is not None and state.rhythm < said.period
        asked = max(asked, said.ttl or _ZERO, _ZERO if faster else said.period or _ZERO)
    return min(asked, feed.cap)


def _allowed(due: datetime, skips: int, jitter: float) -> datetime:
    """Return the first moment from `due` on that is in no skipped hour or day (cases 47, 48); `due` where all are."""
    if not _is_skipped(due, skips):
        return due
    hour = due.replace(minute=0, second=0, microsecond=0)
    for ahead in range(1, WEEK + 1):
        later = hour + timedelta(hours=ahead)
        if not _is_skipped(later, skips):
            return later + SKIP_SPREAD * jitter
    return due


def _is_skipped(moment: datetime, skips: int) -> bool:
    return bool(skips >> moment.hour & 1 or skips >> (24 + moment.weekday()) & 1)


def after_failure(feed: Feed, state: FeedState, failure: PollFailure, *, now: datetime, jitter: float) -> datetime:
    """Return when a feed is polled next that failed. `state` is what it was before: this failure is not counted there yet."""
    asked = min(failure.retry_after or _ZERO, MAX_WAIT)
    wait = max(_rest(feed, state, failure, now), asked)
    return now + wait + min(wait * JITTER, MAX_JITTER) * jitter


def rest_of(feed: Feed, refusal: PollFailure) -> timedelta:
    """Return how long a feed rests at least of whose further documents one was refused so (cases 61, 63)."""
    return min(refusal.retry_after, MAX_WAIT) if refusal.retry_after else 2 * max(feed.pace, feed.floor)


def _rest(feed: Feed, state: FeedState, failure: PollFailure, now: datetime) -> timedelta:
    """Return how long a failing feed rests by itself: never shorter than it does when all is well."""
    if failure.kind is FailureKind.GONE:
        return max(_rest_of_gone(state, now), feed.pace)
    usual = max(feed.pace, feed.floor)
    unwelcome = failure.kind in UNWELCOME
    doublings = state.failures // 2 if failure.passing else state.failures + unwelcome
    rest = usual * (1 << min(max(doublings, 0), 16))
    longest = max(_longest_rest(failure.kind), usual)
    if not unwelcome:
        return min(rest, longest)
    before = _last_wait(feed, state)
    return max(min(max(rest, 2 * before), longest), before)


def _last_wait(feed: Feed, state: FeedState) -> timedelta:
    """Return how long the feed had rested before this poll, as it was planned."""
    if state.last_attempt_at is None:
        return _ZERO
    return min(max(state.due_at - state.last_attempt_at, _ZERO), max(feed.cap, feed.pace))


def _rest_of_gone(state: FeedState, now: datetime) -> timedelta:
    """Return the rest of a feed that is said to be gone for good: it is made sure of, then hoped for."""
    since = state.failing_since or now
    if state.failure is None or state.failure.kind is not FailureKind.GONE or now - since < GONE_SURE:
        return GONE_AGAIN
    return GONE_WEEKLY if now - since < GONE_SINCE else GONE_MONTHLY


def _longest_rest(kind: FailureKind) -> timedelta:
    if kind in UNREACHABLE:
        return REST_UNREACHABLE
    return REST_ABSENT if kind is FailureKind.MISSING else REST_REFUSED


def first_due(feeds: Sequence[Feed], now: datetime) -> Mapping[str, datetime]:
    """Return when feeds that were never polled are due: spread by a hash of their id, five a second, within their pace."""
    window = FIRST_POLLS_APART * len(feeds)
    return {feed.id: now + min(window, feed.pace) * _share(feed.id) for feed in feeds}


def _share(feed_id: str) -> float:
    """Return a number in [0, 1) that is always the same for an id."""
    return int.from_bytes(hashlib.blake2b(feed_id.encode(), digest_size=6).digest()) / 2**48


def is_too_far(feed: Feed, state: FeedState, now: datetime) -> bool:
    """Tell whether a feed is due later than any poll can have put it off: the clock was wrong when that was decided (case 40).

    So it was when the last poll lies ahead by more than a pace, unless what is due was moved along with the clock.
    """
    if state.last_attempt_at is not None and state.last_attempt_at - now > feed.pace:
        return state.due_at > state.last_attempt_at
    if state.failure is not None and state.failure.kind is FailureKind.GONE:
        longest = GONE_MONTHLY
    else:
        longest = max(feed.pace, feed.slowest or _ZERO, feed.cap, feed.floor * UNVALIDATED, REST_ABSENT, MAX_WAIT)
        if feed.hints and state.said.skips:
            longest += timedelta(hours=WEEK) + SKIP_SPREAD
    return state.due_at - now > longest + MAX_JITTER


def resumed(state: FeedState, now: datetime) -> datetime:
    """Return when a feed is due that `is_too_far`: from now on it rests as long as it was to rest after its last poll.

    So a clock that was set back costs nobody an early request, not even one who asked us to wait (cases 40, 61).
    """
    if state.last_attempt_at is None:
        return now
    rest = state.due_at - state.last_attempt_at
    return now + rest if _ZERO <= rest <= MAX_WAIT + MAX_JITTER else now


def wants_audit(state: FeedState, now: datetime) -> bool:
    """Tell whether the next request goes out without validators, and its document is read whole (case 27)."""
    return state.audited_at is None or abs(now - state.audited_at) >= AUDIT


def may_poll_now(feed: Feed, state: FeedState, now: datetime) -> str | None:
    """Return why a feed is not polled on request now, None when it may be (case 45).

    A publisher asked to be left alone, or the feed was asked less than its floor ago: a person may ask before it is due, also
    within a `max-age`, as with a browser's button, but not again and again.
    """
    return asked_to_rest(state, now) or _just_polled(feed, state, now)


def asked_to_rest(state: FeedState, now: datetime) -> str | None:
    """Return until when a publisher asked to be left alone, in a sentence; None where it did not."""
    if state.failure is None or state.failure.retry_after is None:
        return None
    rest = _rest_left(state, min(state.failure.retry_after, MAX_WAIT), now)
    return f"The publisher asked for a rest that lasts {rest}." if rest else None


def _just_polled(feed: Feed, state: FeedState, now: datetime) -> str | None:
    rest = _rest_left(state, feed.floor, now)
    return f"It was polled a moment ago; its floor lasts {rest}." if rest else None


def _rest_left(state: FeedState, length: timedelta, now: datetime) -> str | None:
    """Return how much of a rest since the last poll is left, and until when, in words; None when it is over."""
    asked_at = state.last_attempt_at
    if asked_at is None or not asked_at <= now < asked_at + length:
        return None
    until = asked_at + length
    return f"{(until - now).total_seconds():.0f} s longer (until {until:%Y-%m-%d %H:%M:%S} UTC)"


def recommended(said: Pace, rhythm: timedelta | None, shown: int) -> timedelta | None:
    """Return a pace that suits a feed: with its entries, before half its document is renewed, when the publisher likes it."""
    asked = max(said.max_age or _ZERO, said.ttl or _ZERO)
    if rhythm is None:
        return asked or None
    return max(min(rhythm, rhythm * shown / TURNOVER, LONGEST_ADVICE), SHORTEST_ADVICE, asked)
