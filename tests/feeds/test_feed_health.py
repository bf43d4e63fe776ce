from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from support.feeds import NOW, a_feed, a_state, hours, minutes

from monitor.feeds.health import (
    ADVICE,
    advice,
    describe_state,
    is_stale,
    push_state,
    recommended_pace,
    rhythm,
    span,
    staleness,
)
from monitor.model import Entry, FailureKind, FeedState, Pace, PollFailure, PushState, Subscription

FEED = a_feed()
WELL = a_state(last_success_at=NOW, last_entry_at=NOW - minutes(12), due_at=NOW + minutes(5), filled=True)


def failing(count: int = 1, since: timedelta = timedelta(0)) -> FeedState:
    failure = PollFailure(kind=FailureKind.DNS, reason="The name news.example has no address.")
    return a_state(failures=count, failure=failure, failing_since=NOW - since, last_success_at=NOW - since)


@pytest.mark.parametrize(
    ("state", "health", "words"),
    [
        (a_state(), "new", "not polled yet"),
        (WELL, "ok", "Last new entry 12 min ago."),
        (replace(WELL, entries=1), "ok", "one entry at a time; what comes and goes between two polls is never seen"),
        (failing(), "failing", "has no address. Check the spelling"),
        (failing(7, hours(3)), "failing", "(7 polls in a row over 3 h)"),
        (a_state(failures=1, failure=failing().failure), "failing", "has no address."),
        (a_state(last_success_at=NOW), "silent", "never shown an entry"),
    ],
)
def test_a_feed_is_described_in_a_word_and_a_sentence(state: FeedState, health: str, words: str) -> None:
    found, sentence = describe_state(state, FEED, NOW)
    assert found == health
    assert words in sentence


@pytest.mark.parametrize(
    ("later", "due", "health", "words"),
    [
        (hours(70), hours(70), "ok", "2 days ago"),
        (hours(73), hours(73), "silent", "nothing new has come for 3 days"),
        (minutes(15), minutes(0), "ok", ""),
        (minutes(17), minutes(0), "silent", "is the service running?"),
    ],
)
def test_silence_is_no_news_for_days_or_no_poll_for_minutes(
    later: timedelta, due: timedelta, health: str, words: str
) -> None:
    state = a_state(last_success_at=NOW, last_entry_at=NOW, due_at=NOW + due)
    found, sentence = describe_state(state, FEED, NOW + later)
    assert found == health
    assert words in sentence


def test_a_warning_is_told_although_the_feed_is_well() -> None:
    state = a_state(last_success_at=NOW, last_entry_at=NOW, due_at=NOW, warning="Odd.\nMoved.")
    assert describe_state(state, FEED, NOW) == ("ok", "Odd. Moved.")


def test_every_kind_of_failure_has_advice_of_its_own() -> None:
    assert set(ADVICE) == set(FailureKind)
    assert len({advice(kind) for kind in FailureKind}) == len(FailureKind)
    assert all(sentence.endswith(".") for sentence in ADVICE.values())


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=59.9), "59 s"),
        (minutes(1), "1 min"),
        (minutes(59.9), "59 min"),
        (hours(1), "1 h"),
        (hours(3.5), "3 h 30 min"),
        (hours(47.99), "47 h 59 min"),
        (hours(48), "2 days"),
        (hours(500), "20 days"),
    ],
)
def test_lengths_of_time_are_told_as_people_tell_them(length: timedelta, words: str) -> None:
    assert span(length) == words


# --- silence, rhythm, gaps, pushes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("usual", "quiet", "stale"),
    [
        (None, hours(71), False),
        (None, hours(73), True),
        (minutes(10), hours(23), False),
        (minutes(10), hours(25), True),
        (hours(6), hours(59), False),
        (hours(6), hours(61), True),
        (hours(24 * 7), hours(24 * 69), False),
    ],
)
def test_a_source_is_stale_when_it_is_silent_for_far_longer_than_it_uses_to(
    usual: timedelta | None, quiet: timedelta, *, stale: bool
) -> None:
    state = replace(WELL, rhythm=usual, last_entry_at=NOW - quiet)
    assert is_stale(state, NOW) is stale
    assert describe_state(state, FEED, NOW)[0] == ("silent" if stale else "ok")


def test_a_silent_feed_is_told_with_its_rhythm() -> None:
    state = replace(WELL, rhythm=minutes(10), last_entry_at=NOW - hours(30))
    assert "for 30 h; usually something comes every 10 min." in describe_state(state, FEED, NOW)[1]


def test_nothing_is_stale_that_never_showed_an_entry() -> None:
    assert not is_stale(a_state(), NOW)


def test_a_fresh_gap_is_told_first_and_an_old_one_no_more() -> None:
    state = replace(WELL, gap="Some entries may be missing.", gap_at=NOW - hours(23), warning="Odd.")
    assert describe_state(state, FEED, NOW) == ("ok", "Some entries may be missing. Odd.")
    assert describe_state(replace(state, gap_at=NOW - hours(25)), FEED, NOW) == ("ok", "Odd.")


@pytest.mark.parametrize(
    ("length", "words"),
    [(minutes(12), "12 min"), (timedelta(seconds=9), "9 s"), (hours(3.5), "3 h"), (hours(47.5), "47 h"), (hours(72), "3 days")],
)  # fmt: skip
def test_cells_of_a_list_hold_a_length_in_one_unit(length: timedelta, words: str) -> None:
    state = replace(WELL, rhythm=length, last_entry_at=NOW - length)
    assert (rhythm(state), staleness(state, NOW)) == (f"every {words}", words)
    assert (rhythm(a_state()), staleness(a_state(), NOW)) == (None, None)


def test_entries_that_all_came_together_tell_no_rhythm() -> None:
    state = replace(WELL, rhythm=timedelta(seconds=0.3), last_entry_at=NOW - hours(80))
    assert rhythm(state) is None
    assert describe_state(state, FEED, NOW)[1] == "It answers, but nothing new has come for 3 days."


def subscribed(state: PushState) -> Subscription:
    return Subscription(
        token="t", feed_id="news", hub="https://hub.example/", topic=FEED.url, secret=None, state=state, asked_at=NOW
    )


@pytest.mark.parametrize(
    ("state", "subscription", "word"),
    [
        (WELL, None, "-"),
        (replace(WELL, hub="https://hub.example/"), None, "offered"),
        (WELL, subscribed(PushState.PENDING), "asked"),
        (WELL, subscribed(PushState.ACTIVE), "waits"),
        (replace(WELL, pushed=True), subscribed(PushState.ACTIVE), "works"),
        (replace(WELL, pushed=True), subscribed(PushState.ENDED), "ended"),
        (WELL, subscribed(PushState.DENIED), "denied"),
    ],
)
def test_pushes_are_described_in_a_word(state: FeedState, subscription: Subscription | None, word: str) -> None:
    assert push_state(state, subscription) == word


def shown_every(apart: timedelta, count: int) -> list[Entry]:
    return [Entry(guid=str(n), link=None, title="", summary="", published=NOW - n * apart) for n in range(count)]


@pytest.mark.parametrize(
    ("entries", "said", "pace"),
    [
        ([], Pace(), None),
        ([], Pace(ttl=minutes(61)), hours(2)),
        (shown_every(minutes(4), 50), Pace(), minutes(5)),
        (shown_every(minutes(1), 50), Pace(), minutes(2)),
        (shown_every(minutes(30), 2), Pace(), minutes(20)),
        (shown_every(hours(9), 50), Pace(), hours(1)),
        (shown_every(minutes(4), 50), Pace(max_age=hours(1)), hours(1)),
        (shown_every(minutes(4), 50), Pace(max_age=hours(99)), hours(99)),
    ],
)
def test_a_recommended_pace_is_one_that_people_write(entries: list[Entry], said: Pace, pace: timedelta | None) -> None:
    assert recommended_pace(entries, said, NOW) == pace
