from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.feeds import NOW, a_feed, a_state, fetched, hours, minutes

from monitor.feeds import pace
from monitor.feeds.pace import LYING, MOVED, NO_ENTRIES
from monitor.model import Entry, FailureKind, FeedState, Pace, PollFailure, PollResult, Validators
from monitor.ports import Fetched, NotModified, ParsedFeed

FEED = a_feed()
GIVEN = Validators(url=FEED.url, etag='"1"')
NEW = "https://new.example/feed"


def entry(name: str, **fields: object) -> Entry:
    return Entry(**({"guid": name, "link": None, "title": name, "summary": ""} | fields))  # type: ignore[arg-type]


def parsed(*names: str, **fields: object) -> ParsedFeed:
    return ParsedFeed(**({"title": "News", "language": None, "entries": tuple(entry(name) for name in names)} | fields))  # type: ignore[arg-type]


def not_modified(**fields: object) -> NotModified:
    return NotModified(**({"url": FEED.url, "validators": GIVEN, "pace": Pace()} | fields))  # type: ignore[arg-type]


def read(state: FeedState, document: ParsedFeed, answer: Fetched | None = None, *, now=NOW) -> PollResult:  # type: ignore[no-untyped-def]
    return pace.read(FEED, state, answer or fetched(b"x"), document, now=now, jitter=0.0)


def after(state: FeedState) -> FeedState:
    """The row as the next poll claims it."""
    from dataclasses import replace

    return replace(state, lease="l2")


# --- when next ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        (Pace(), minutes(5)),
        (Pace(max_age=timedelta(0)), minutes(5)),
        (Pace(max_age=timedelta(seconds=5)), minutes(5)),
        (Pace(max_age=hours(1)), hours(1)),
        (Pace(max_age=timedelta(days=365)), hours(24)),
        (Pace(ttl=hours(1)), minutes(5)),
    ],
)
def test_after_a_success_the_feeds_own_pace_or_the_servers_freshness_counts(said: Pace, wait: timedelta) -> None:
    assert pace.next_due(FEED, pace=said, failures=0, failure=None, now=NOW, jitter=0.0) == NOW + wait


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 100_000), st.integers(0, 10**6), st.integers(0, 40))
def test_jitter_is_small_and_only_ever_added(jitter: float, seconds: int, fresh: int, failures: int) -> None:
    feed = a_feed(pace=timedelta(seconds=seconds))
    failure = PollFailure(kind=FailureKind.DNS, reason="") if failures else None
    said = Pace(max_age=timedelta(seconds=fresh))
    exact = pace.next_due(feed, pace=said, failures=failures, failure=failure, now=NOW, jitter=0.0)
    spread = pace.next_due(feed, pace=said, failures=failures, failure=failure, now=NOW, jitter=jitter)
    assert timedelta(0) <= spread - exact <= timedelta(seconds=15)
    assert exact - NOW >= feed.pace


@pytest.mark.parametrize(
    ("kind", "waits"),
    [
        (FailureKind.DNS, [5, 10, 20, 40, 60, 60]),
        (FailureKind.TIMEOUT, [5, 10, 20, 40, 60, 60]),
        (FailureKind.SERVER_ERROR, [5, 10, 20, 40, 60, 60]),
        (FailureKind.NOT_A_FEED, [5, 10, 20, 40, 80, 160, 320, 360, 360]),
        (FailureKind.THROTTLED, [10, 20, 40, 80, 160, 320, 360]),
        (FailureKind.BLOCKED, [10, 20]),
        (FailureKind.MISSING, [5, 10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440]),
        (FailureKind.GONE, [5, 10]),
    ],
)
def test_failures_back_off_from_the_own_pace_to_the_cap_of_their_kind(kind: FailureKind, waits: list[float]) -> None:
    state = a_state()
    for number, wait in enumerate(waits, start=1):
        result = pace.failed(FEED, after(state), PollFailure(kind=kind, reason="x"), now=NOW, jitter=0.0)
        state = result.state
        assert (state.failures, state.due_at - NOW) == (number, minutes(wait))


@pytest.mark.parametrize("kind", list(FailureKind))
def test_nothing_is_ever_given_up(kind: FailureKind) -> None:
    failure = PollFailure(kind=kind, reason="x")
    due = pace.next_due(FEED, pace=Pace(), failures=10**6, failure=failure, now=NOW, jitter=0.0)
    assert due - NOW <= hours(24)
    slow = a_feed(pace=timedelta(days=3))
    assert pace.next_due(slow, pace=Pace(), failures=9, failure=failure, now=NOW, jitter=0.0) == NOW + slow.pace


@pytest.mark.parametrize(
    ("asked", "wait"), [(None, minutes(10)), (timedelta(0), minutes(10)), (minutes(2), minutes(10)), (hours(3), hours(3)), (hours(99), hours(24))]
)  # fmt: skip
def test_retry_after_is_obeyed_up_to_a_day_and_never_shortens(asked: timedelta | None, wait: timedelta) -> None:
    failure = PollFailure(kind=FailureKind.THROTTLED, reason="x", retry_after=asked)
    assert pace.next_due(FEED, pace=Pace(), failures=1, failure=failure, now=NOW, jitter=0.0) == NOW + wait


def test_first_polls_are_spread_the_same_way_every_time() -> None:
    feeds = [a_feed(id=f"feed-{number}") for number in range(1000)]
    due = pace.first_due(feeds, NOW)
    assert due == pace.first_due(feeds, NOW)
    assert all(NOW <= moment < NOW + minutes(200 / 60) for moment in due.values())
    per_second = [
        sum(1 for moment in due.values() if int((moment - NOW).total_seconds()) == second) for second in range(200)
    ]
    assert max(per_second) < 20
    assert pace.first_due([a_feed(pace=timedelta(seconds=1))] * 100, NOW)["news"] < NOW + timedelta(seconds=1)
    assert pace.first_due([], NOW) == {}


def test_no_feed_is_due_further_ahead_than_its_longest_rest():
    assert pace.longest_rest(timedelta(minutes=5)) == timedelta(hours=24) + pace.MAX_JITTER
    assert pace.longest_rest(timedelta(days=7)) == timedelta(days=7) + pace.MAX_JITTER


# --- what is remembered ---------------------------------------------------------------------------------------------


def test_the_first_document_is_a_baseline_and_everything_after_it_is_news() -> None:
    answer = fetched(b"one", validators=GIVEN)
    first = read(a_state(), parsed("b", "a"), answer)
    assert (first.baseline, [e.title for e in first.entries], first.lease) == (True, ["a", "b"], "l1")
    assert first.state.filled
    assert first.state.lease is None
    assert first.state.validators == GIVEN
    assert first.document is not None
    assert first.document.body == b"one"
    second = read(after(first.state), parsed("c", "b", "a"), fetched(b"two"))
    assert (second.baseline, [e.title for e in second.entries]) == (False, ["c"])
    assert second.state.validators is None  # the last answer gave none
    third = read(after(second.state), parsed("c", "b"), fetched(b"three"))
    assert (third.entries, third.document) == ((), None)


def test_a_feed_whose_first_document_was_empty_has_its_first_entry_as_news() -> None:
    empty = read(a_state(), parsed())
    assert empty.baseline
    assert NO_ENTRIES in (empty.state.warning or "")
    first = read(after(empty.state), parsed("a"))
    assert (first.baseline, len(first.entries)) == (False, 1)
    assert first.state.warning is None


def test_entries_that_vanish_for_a_while_are_no_news_when_they_come_back() -> None:
    full = read(a_state(), parsed("b", "a")).state
    gone = read(after(full), parsed()).state
    assert read(after(gone), parsed("b", "a")).entries == ()
    cut = read(after(full), parsed("b"), fetched(b"x", complete=False)).state
    assert cut.body_hash is None
    assert read(after(cut), parsed("b", "a")).entries == ()


def test_an_entry_shown_twice_is_handed_on_once() -> None:
    assert len(read(a_state(), parsed("a", "a")).entries) == 1


def test_the_same_bytes_need_no_parsing_but_their_validators_are_kept() -> None:
    state = read(a_state(), parsed("a"), fetched(b"same")).state
    assert pace.is_same_body(state, fetched(b"same"))
    assert not pace.is_same_body(state, fetched(b"other"))
    assert not pace.is_same_body(a_state(), fetched(b"same"))
    again = pace.unchanged(FEED, after(state), fetched(b"same", validators=GIVEN), now=NOW, jitter=0.0).state
    assert again.validators == GIVEN
    assert (again.known, again.body_hash) == (state.known, state.body_hash)


def test_a_failure_forgets_nothing_and_a_304_ends_it() -> None:
    state = read(a_state(), parsed("a", warning="odd"), fetched(b"x", validators=GIVEN)).state
    down = pace.failed(
        FEED, after(state), PollFailure(kind=FailureKind.DNS, reason="x"), now=NOW + hours(1), jitter=0.0
    )
    assert (down.entries, down.document, down.lease) == ((), None, "l2")
    worse = pace.failed(
        FEED, after(down.state), PollFailure(kind=FailureKind.TLS, reason="y"), now=NOW + hours(2), jitter=0.0
    ).state
    assert (worse.failures, worse.failing_since, worse.last_attempt_at) == (2, NOW + hours(1), NOW + hours(2))
    assert (worse.validators, worse.known, worse.body_hash, worse.last_success_at) == (
        state.validators, state.known, state.body_hash, NOW,
    )  # fmt: skip
    well = pace.unchanged(FEED, after(worse), not_modified(), now=NOW + hours(3), jitter=0.0).state
    assert (well.failures, well.failure, well.failing_since) == (0, None, None)
    assert (well.last_success_at, well.known, well.warning) == (NOW + hours(3), state.known, "odd")


def test_a_dead_feed_shows_its_age_from_the_first_poll() -> None:
    old = parsed(entries=(entry("a", published=NOW - hours(500)), entry("b", published=NOW - hours(400))))
    assert read(a_state(), old).state.last_entry_at == NOW - hours(400)
    future = parsed(entries=(entry("a", published=NOW + hours(500)),))
    assert read(a_state(), future).state.last_entry_at == NOW
    assert read(a_state(filled=True), old).state.last_entry_at == NOW


def test_a_poll_without_a_lease_is_a_defect() -> None:
    with pytest.raises(ValueError, match="lease"):
        read(a_state(lease=None), parsed("a"))


@pytest.mark.parametrize(
    ("dates", "order"),
    [
        ([None, None, None], "cba"),
        ([3, 2, 1], "cba"),
        ([1, 2, 3], "abc"),
        ([9, 2, 1], "cba"),
        ([1, 9, 5], "acb"),
        ([3, None, 1], "cba"),
        ([1, None, 3], "abc"),
        ([2, 2, 2], "cba"),
    ],
)
def test_entries_are_decided_in_the_order_of_their_publication(dates: list[int | None], order: str) -> None:
    shown = [
        entry(name, published=None if hour is None else NOW + hours(hour))
        for name, hour in zip("abc", dates, strict=True)
    ]
    assert "".join(e.title for e in pace.oldest_first(shown)) == order


# --- moved feeds and lying servers ----------------------------------------------------------------------------------


def test_a_feed_has_moved_when_many_polls_over_two_days_were_sent_there() -> None:
    state = a_state()
    warned: list[bool] = []
    for number in range(13):
        answer = fetched(b"x", permanent_target=NEW)
        state = after(read(state, parsed("a"), answer, now=NOW + hours(6 * number)).state)
        warned.append(MOVED in (state.warning or ""))
    assert warned == [False] * 9 + [True] * 4
    assert NEW in (state.warning or "")
    state = after(
        pace.unchanged(FEED, state, not_modified(permanent_target=NEW), now=NOW + hours(99), jitter=0.0).state
    )
    assert (state.warning or "").count(MOVED) == 1
    back = pace.unchanged(FEED, state, not_modified(), now=NOW + hours(100), jitter=0.0).state
    assert (back.warning, back.moved_to, back.moved_since, back.moved_count) == (None, None, None, 0)


def test_many_polls_in_a_short_time_or_to_changing_targets_move_nothing() -> None:
    state = a_state()
    for number in range(30):
        state = after(
            read(state, parsed("a"), fetched(b"x", permanent_target=NEW), now=NOW + minutes(5 * number)).state
        )
    assert state.warning is None
    for number in range(30):
        target = f"{NEW}?session={number}"
        state = after(
            read(state, parsed("a"), fetched(b"x", permanent_target=target), now=NOW + hours(6 * number)).state
        )
    assert (state.warning, state.moved_count) == (None, 1)


@pytest.mark.parametrize(
    ("validators", "audited", "wanted"),
    [
        (None, None, False),
        (GIVEN, None, True),
        (GIVEN, hours(0), False),
        (GIVEN, hours(-23.9), False),
        (GIVEN, hours(-24), True),
        (GIVEN, hours(2), False),
        (GIVEN, hours(48), True),
    ],
)
def test_one_request_a_day_goes_without_validators(
    validators: Validators | None, audited: timedelta | None, wanted: bool
) -> None:
    state = a_state(validators=validators, audited_at=None if audited is None else NOW + audited)
    assert pace.wants_audit(state, NOW) is wanted


def test_a_304_that_hid_entries_is_found_out_by_the_audit() -> None:
    state = after(read(a_state(), parsed("a"), fetched(b"1", validators=GIVEN)).state)
    assert state.audited_at == NOW
    for number in range(1, 4):
        state = after(pace.unchanged(FEED, state, not_modified(), now=NOW + hours(number), jitter=0.0).state)
    later = NOW + hours(25)
    audit = read(state, parsed("b", "a"), fetched(b"2", validators=GIVEN), now=later).state
    assert LYING in (audit.warning or "")
    assert audit.validators is None
    next_day = read(after(audit), parsed("c"), fetched(b"3", validators=GIVEN), now=later + hours(1)).state
    assert (next_day.validators, LYING in (next_day.warning or "")) == (None, True)
    same = pace.unchanged(
        FEED, after(next_day), fetched(b"3", validators=GIVEN), now=later + hours(2), jitter=0.0
    ).state
    assert (same.validators, (same.warning or "").count(LYING)) == (None, 1)


@pytest.mark.parametrize(
    ("names", "validators"),
    [(("b", "a"), Validators(url=FEED.url, etag='"2"')), (("a",), GIVEN), (("b", "a"), None)],
)
def test_an_audit_that_finds_honest_changes_or_none_accuses_nobody(
    names: tuple[str, ...], validators: Validators | None
) -> None:
    state = after(read(a_state(), parsed("a"), fetched(b"1", validators=GIVEN)).state)
    audit = read(state, parsed(*names), fetched(b"2", validators=validators), now=NOW + hours(25)).state
    assert audit.warning is None
    assert audit.validators == validators
    assert audit.audited_at == NOW + hours(25)


def test_a_conditional_success_is_no_audit() -> None:
    state = after(read(a_state(), parsed("a"), fetched(b"1", validators=GIVEN)).state)
    changed = read(state, parsed("b", "a"), fetched(b"2", validators=GIVEN), now=NOW + hours(5)).state
    assert (changed.audited_at, changed.warning) == (NOW, None)
