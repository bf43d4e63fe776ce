from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.feeds import NOW, a_feed, a_state, hours, minutes

from monitor.feeds import pace
from monitor.model import FailureKind, Feed, FeedState, Pace, PollFailure, Validators

FEED = a_feed()
GIVEN = Validators(url=FEED.url, etag='"1"')
NIGHTS = sum(1 << hour for hour in (20, 21, 22, 23, 0, 1, 2, 3))
WEEKENDS = 1 << 29 | 1 << 30


def due(  # type: ignore[no-untyped-def]
    state: FeedState | None = None,
    feed: Feed = FEED,
    *,
    max_age: timedelta | None = None,
    now=NOW,
    jitter: float = 0.0,
    validated: bool = True,
) -> datetime:
    state = state or a_state()
    return pace.after_success(
        feed, state, interval=state.interval, validated=validated, max_age=max_age, now=now, jitter=jitter
    )


def due_failing(
    kind: FailureKind, failures: int = 1, feed: Feed = FEED, jitter: float = 0.0, **fields: object
) -> datetime:
    failure = PollFailure(kind=kind, reason="x", **fields)  # type: ignore[arg-type]
    return pace.after_failure(feed, a_state(failures=failures - 1), failure, now=NOW, jitter=jitter)


# --- after a success (cases 30 to 50) --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "max_age", "feed", "wait"),
    [
        (Pace(), None, {}, minutes(5)),
        (Pace(), timedelta(0), {}, minutes(5)),
        (Pace(), timedelta(seconds=5), {}, minutes(5)),
        (Pace(), hours(1), {}, hours(1)),
        (Pace(), hours(1), {"hints": False}, hours(1)),
        (Pace(), timedelta(days=365), {}, hours(24)),
        (Pace(), timedelta(days=365), {"cap": hours(2)}, hours(2)),
        (Pace(ttl=hours(1)), None, {}, hours(1)),
        (Pace(ttl=timedelta(days=365)), None, {}, hours(24)),
        (Pace(ttl=hours(1)), None, {"hints": False}, minutes(5)),
        (Pace(ttl=hours(1)), hours(2), {}, hours(2)),
        (Pace(period=hours(1)), None, {}, hours(1)),
        (Pace(period=hours(1)), None, {"hints": False}, minutes(5)),
        (Pace(period=minutes(1)), None, {}, minutes(5)),
        (Pace(), None, {"pace": timedelta(seconds=30)}, minutes(1)),
    ],
)
def test_a_feed_is_asked_at_its_pace_unless_its_publisher_asks_for_more(
    said: Pace, max_age: timedelta | None, feed: dict[str, object], wait: timedelta
) -> None:
    assert due(a_state(said=said), a_feed(**feed), max_age=max_age) == NOW + wait


@pytest.mark.parametrize(("rhythm", "wait"), [(None, 60), (minutes(59), 5), (minutes(60), 60), (hours(5), 60)])
def test_the_period_that_software_writes_counts_only_while_entries_do_not_come_faster(
    rhythm: timedelta | None, wait: float
) -> None:
    assert due(a_state(said=Pace(period=hours(1)), rhythm=rhythm)) == NOW + minutes(wait)
    assert due(a_state(said=Pace(ttl=hours(1)), rhythm=rhythm)) == NOW + hours(1)


def test_a_feed_without_validators_has_a_larger_floor() -> None:
    fast = a_feed(pace=minutes(2), floor=minutes(2))
    assert due(feed=fast) == NOW + minutes(2)
    assert due(feed=fast, validated=False) == NOW + minutes(4)
    assert due(validated=False) == NOW + minutes(5)


def test_a_feed_whose_pushes_work_is_polled_once_an_hour_to_make_sure() -> None:
    assert due(a_state(pushed=True)) == NOW + hours(1)
    assert due(a_state(pushed=True, interval=minutes(1))) == NOW + hours(1)
    assert due(a_state(pushed=True), a_feed(pace=hours(3))) == NOW + hours(3)
    assert due(a_state(pushed=True, interval=hours(2)), a_feed(pace=hours(3))) == NOW + hours(3)
    assert due(a_state(pushed=True), max_age=hours(2)) == NOW + hours(2)


def test_the_interval_that_the_feed_led_to_counts_within_its_bounds() -> None:
    assert due(a_state(interval=minutes(2))) == NOW + minutes(2)
    assert due(a_state(interval=timedelta(seconds=1))) == NOW + minutes(1)
    assert due(a_state(interval=hours(9))) == NOW + minutes(5)
    assert due(a_state(interval=minutes(2)), max_age=hours(1)) == NOW + hours(1)


@pytest.mark.parametrize(
    ("now", "skips", "expected"),
    [
        ("2022-01-05 12:00", NIGHTS, "2022-01-05 12:05"),
        ("2022-01-05 19:54", NIGHTS, "2022-01-05 19:59"),
        ("2022-01-05 19:55", NIGHTS, "2022-01-06 04:00"),
        ("2022-01-05 23:59", NIGHTS, "2022-01-06 04:00"),
        ("2022-01-07 23:58", WEEKENDS, "2022-01-10 00:00"),
        ("2022-01-07 23:58", WEEKENDS | NIGHTS, "2022-01-10 04:00"),
        ("2022-01-05 12:00", (1 << 31) - 1, "2022-01-05 12:05"),
    ],
)
def test_no_feed_is_asked_in_hours_and_days_that_its_publisher_skips(now: str, skips: int, expected: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    state = a_state(said=Pace(skips=skips))
    assert due(state, now=moment) == datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert due(state, a_feed(hints=False), now=moment) == moment + minutes(5)


def test_feeds_that_come_back_after_skipped_hours_come_spread() -> None:
    state = a_state(said=Pace(skips=NIGHTS))
    evening = datetime(2022, 1, 5, 21, tzinfo=UTC)
    moments = {due(state, now=evening, jitter=number / 10) for number in range(10)}
    assert len(moments) == 10
    assert all(timedelta(0) <= moment - datetime(2022, 1, 6, 4, tzinfo=UTC) < pace.SKIP_SPREAD for moment in moments)


spans = st.timedeltas(timedelta(0), timedelta(days=400))
feeds = st.builds(
    lambda floor, pace, slower, cap, hints: a_feed(
        floor=floor, pace=pace, slowest=None if slower is None else pace + slower, cap=cap, hints=hints
    ),
    st.timedeltas(timedelta(seconds=1), hours(2)),
    st.timedeltas(timedelta(seconds=1), timedelta(days=3)),
    st.none() | st.timedeltas(timedelta(0), timedelta(days=3)),
    st.timedeltas(minutes(1), timedelta(days=2)),
    st.booleans(),
)
paces = st.builds(Pace, ttl=st.none() | spans, period=st.none() | spans, skips=st.integers(0, 2**31 - 1))
states = st.builds(
    lambda said, interval, rhythm, quiet, pushed: a_state(
        said=said, interval=interval, rhythm=rhythm, pushed=pushed, last_entry_at=None if quiet is None else NOW - quiet
    ),
    paces, st.none() | spans, st.none() | spans, st.none() | st.timedeltas(timedelta(days=-2), timedelta(days=400)), st.booleans(),
)  # fmt: skip
jitters = st.floats(0, 1, exclude_max=True)


@given(feeds, states, st.none() | spans, st.booleans(), jitters, st.timedeltas(timedelta(0), timedelta(days=8)))
def test_never_earlier_than_floor_and_publisher_and_never_later_than_cap_and_skips(
    feed: Feed, state: FeedState, max_age: timedelta | None, validated: bool, jitter: float, later: timedelta
) -> None:
    now = NOW + later
    moment = due(state, feed, max_age=max_age, now=now, jitter=jitter, validated=validated)
    ttl = state.said.ttl if feed.hints else None
    word = min(max(max_age or timedelta(0), ttl or timedelta(0)), feed.cap)
    floor = feed.floor if validated else 2 * feed.floor
    assert moment - now >= max(word, floor)
    longest = max(feed.pace, feed.slowest or feed.pace, feed.cap, floor, pace.VERIFY)
    skipped = timedelta(days=7) + pace.SKIP_SPREAD if feed.hints and state.said.skips else timedelta(0)
    assert moment - now <= longest + pace.MAX_JITTER + skipped
    assert not pace.is_too_far(feed, replace(state, due_at=moment), now)


@given(feeds, states, jitters)
def test_jitter_is_small_and_only_ever_added(feed: Feed, state: FeedState, jitter: float) -> None:
    exact, spread = due(state, feed), due(state, feed, jitter=jitter)
    skipped = feed.hints and state.said.skips
    assert timedelta(0) <= spread - exact
    assert skipped or spread - exact <= pace.MAX_JITTER


@given(feeds, states)
def test_a_clock_that_was_wrong_is_noticed_by_a_due_time_no_poll_can_have_given(feed: Feed, state: FeedState) -> None:
    far = replace(state, due_at=due(state, feed) + timedelta(days=60))
    assert pace.is_too_far(feed, far, NOW)
    assert not pace.is_too_far(feed, replace(state, due_at=NOW - timedelta(days=60)), NOW)


# --- after a failure (cases 60 to 70) ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "waits"),
    [
        (FailureKind.DNS, [5, 10, 20, 40, 60, 60]),
        (FailureKind.TIMEOUT, [5, 10, 20, 40, 60, 60]),
        (FailureKind.SERVER_ERROR, [5, 10, 20, 40, 60, 60]),
        (FailureKind.NOT_A_FEED, [5, 10, 20, 40, 80, 160, 320, 360, 360]),
        (FailureKind.PARSER_KILLED, [5, 10, 20, 40, 80, 160, 320, 360, 360]),
        (FailureKind.THROTTLED, [10, 20, 40, 80, 160, 320, 360]),
        (FailureKind.UNAUTHORIZED, [10, 20, 40, 80, 160, 320, 360]),
        (FailureKind.BLOCKED, [10, 20]),
        (FailureKind.CHALLENGE, [10, 20]),
        (FailureKind.MISSING, [5, 10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440]),
    ],
)
def test_failures_back_off_from_the_own_pace_to_the_cap_of_their_kind(kind: FailureKind, waits: list[float]) -> None:
    state = a_state()
    for number, wait in enumerate(waits, start=1):
        failure = PollFailure(kind=kind, reason="x")
        moment = pace.after_failure(FEED, state, failure, now=state.due_at, jitter=0.0)
        assert moment - state.due_at == minutes(wait)
        state = replace(state, failures=number, failure=failure, last_attempt_at=state.due_at, due_at=moment)


def test_a_resolver_that_may_know_later_weighs_less() -> None:
    waits = [due_failing(FailureKind.DNS, number, passing=True) - NOW for number in range(1, 9)]
    assert waits == [minutes(wait) for wait in (5, 5, 10, 10, 20, 20, 40, 40)]


def test_throttling_doubles_the_rest_that_the_publisher_had_asked_for_before() -> None:
    rested = a_state(last_attempt_at=NOW - hours(2), due_at=NOW)
    failure = PollFailure(kind=FailureKind.THROTTLED, reason="x", status=429)
    assert pace.after_failure(FEED, rested, failure, now=NOW, jitter=0.0) == NOW + hours(4)
    daily = a_state(last_attempt_at=NOW - hours(24), due_at=NOW)
    assert pace.after_failure(FEED, daily, failure, now=NOW, jitter=0.0) == NOW + hours(24)
    jumped = a_state(last_attempt_at=NOW - timedelta(days=400), due_at=NOW)
    assert pace.after_failure(FEED, jumped, failure, now=NOW, jitter=0.0) == NOW + hours(24)


def test_what_is_gone_is_made_sure_of_then_asked_weekly_then_monthly_and_never_given_up() -> None:
    state, moment, asked = a_state(), NOW, list[timedelta]()
    failure = PollFailure(kind=FailureKind.GONE, reason="x", status=410)
    for number in range(12):
        asked.append(moment - NOW)
        following = pace.after_failure(FEED, state, failure, now=moment, jitter=0.0)
        state = replace(
            state, failures=number + 1, failure=failure, failing_since=state.failing_since or NOW, due_at=following
        )
        assert not pace.is_too_far(FEED, state, moment)
        moment = following
    days = [span / timedelta(days=1) for span in asked]
    assert days == [0, 0.5, 1, 8, 15, 22, 29, 36, 66, 96, 126, 156]


def test_one_answer_of_gone_after_another_failure_is_made_sure_of() -> None:
    down = a_state(
        failures=9, failing_since=NOW - timedelta(days=90), failure=PollFailure(kind=FailureKind.DNS, reason="x")
    )
    failure = PollFailure(kind=FailureKind.GONE, reason="x")
    assert pace.after_failure(FEED, down, failure, now=NOW, jitter=0.0) == NOW + hours(12)


@pytest.mark.parametrize("kind", [kind for kind in FailureKind if kind is not FailureKind.GONE])
def test_nothing_is_ever_given_up(kind: FailureKind) -> None:
    assert due_failing(kind, 10**6) - NOW <= hours(24)
    slow = a_feed(pace=timedelta(days=3))
    assert due_failing(kind, 9, slow) == NOW + slow.pace


@pytest.mark.parametrize(
    ("asked", "wait"), [(None, minutes(10)), (timedelta(0), minutes(10)), (minutes(2), minutes(10)), (hours(3), hours(3)), (hours(99), hours(24))]
)  # fmt: skip
def test_retry_after_is_obeyed_up_to_a_day_and_never_shortens(asked: timedelta | None, wait: timedelta) -> None:
    assert due_failing(FailureKind.THROTTLED, 1, retry_after=asked) == NOW + wait


@given(feeds, st.sampled_from(list(FailureKind)), st.integers(1, 40), st.none() | spans, st.booleans(), jitters)
def test_a_failing_feed_never_comes_back_sooner_for_failing_more(
    feed: Feed, kind: FailureKind, failures: int, asked: timedelta | None, passing: bool, jitter: float
) -> None:
    once = due_failing(kind, failures, feed, jitter, retry_after=asked, passing=passing)
    again = due_failing(kind, failures + 1, feed, jitter, retry_after=asked, passing=passing)
    assert again >= once
    assert once - NOW >= max(feed.pace, min(asked or timedelta(0), hours(24)))
    state = a_state(failure=PollFailure(kind=kind, reason="x"), due_at=once)
    assert not pace.is_too_far(feed, state, NOW)


# --- the rest ---------------------------------------------------------------------------------------------------------


def test_first_polls_are_spread_the_same_way_every_time() -> None:
    many = [a_feed(id=f"feed-{number}") for number in range(1000)]
    first = pace.first_due(many, NOW)
    assert first == pace.first_due(many, NOW)
    assert all(NOW <= moment < NOW + minutes(200 / 60) for moment in first.values())
    per_second = [
        sum(1 for moment in first.values() if int((moment - NOW).total_seconds()) == second) for second in range(200)
    ]
    assert max(per_second) < 20
    assert pace.first_due([a_feed(pace=timedelta(seconds=1))] * 100, NOW)["news"] < NOW + timedelta(seconds=1)
    assert pace.first_due([], NOW) == {}


@pytest.mark.parametrize(
    ("validators", "audited", "wanted"),
    [
        (None, None, True),
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


@pytest.mark.parametrize(
    ("asked", "ago", "refused"),
    [
        (None, minutes(1), False),
        (minutes(2), minutes(1), True),
        (minutes(2), minutes(2), False),
        (hours(99), hours(23), True),
        (hours(99), hours(24), False),
        (minutes(2), minutes(-1), False),
    ],
)
def test_a_poll_on_request_waits_for_what_the_publisher_asked_for(
    asked: timedelta | None, ago: timedelta, refused: bool
) -> None:
    failure = PollFailure(kind=FailureKind.THROTTLED, reason="x", retry_after=asked)
    state = a_state(failure=failure, last_attempt_at=NOW - ago)
    sentence = pace.may_poll_now(a_feed(floor=timedelta(seconds=10)), state, NOW)
    assert (sentence is not None) is refused
    assert not refused or "asked for a rest" in (sentence or "")


@pytest.mark.parametrize(
    ("ago", "sentence"),
    [
        (timedelta(0), "It was polled a moment ago; its floor lasts 60 s longer (until 2022-01-05 12:01:00 UTC)."),
        (
            timedelta(seconds=59),
            "It was polled a moment ago; its floor lasts 1 s longer (until 2022-01-05 12:00:01 UTC).",
        ),
        (timedelta(seconds=60), None),
        (timedelta(seconds=-1), None),
        (None, None),
    ],
)
def test_a_feed_may_be_polled_on_request_once_its_floor_is_over(ago: timedelta | None, sentence: str | None) -> None:
    state = a_state(last_attempt_at=None if ago is None else NOW - ago, max_age=hours(1))
    assert pace.may_poll_now(a_feed(), state, NOW) == sentence


@pytest.mark.parametrize(
    ("said", "rhythm", "shown", "wanted"),
    [
        (Pace(), None, 0, None),
        (Pace(ttl=hours(1)), None, 0, hours(1)),
        (Pace(), minutes(10), 50, minutes(10)),
        (Pace(), minutes(10), 1, minutes(10) / 3),
        (Pace(), timedelta(seconds=1), 50, minutes(2)),
        (Pace(), hours(30), 50, hours(1)),
        (Pace(max_age=hours(3)), minutes(10), 50, hours(3)),
    ],
)
def test_a_recommended_pace_keeps_up_with_the_entries_within_what_the_publisher_likes(
    said: Pace, rhythm: timedelta | None, shown: int, wanted: timedelta | None
) -> None:
    assert pace.recommended(said, rhythm, shown) == wanted


@pytest.mark.parametrize(
    ("polled", "due", "too_far", "resumed"),
    [
        pytest.param(hours(7), hours(7.5), True, hours(0.5), id="a clock set back by seven hours"),
        pytest.param(hours(7), hours(9), True, hours(2), id="who asked for a rest gets it"),
        pytest.param(hours(7), hours(1), False, None, id="due times that were moved along"),
        pytest.param(minutes(4), minutes(9), False, None, id="a clock corrected by little"),
        pytest.param(hours(7), hours(7 + 24 * 400), True, hours(0), id="a rest that nobody can have decided"),
        pytest.param(None, hours(24 * 400), True, hours(0), id="never polled"),
    ],
)
def test_a_feed_that_was_polled_in_the_future_rests_from_now_on(
    polled: timedelta | None, due: timedelta, *, too_far: bool, resumed: timedelta | None
) -> None:
    state = a_state(last_attempt_at=polled and NOW + polled, due_at=NOW + due)
    assert pace.is_too_far(FEED, state, NOW) is too_far
    if resumed is not None:
        assert pace.resumed(state, NOW) == NOW + resumed
