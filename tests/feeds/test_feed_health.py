from __future__ import annotations

from datetime import timedelta

import pytest
from support.feeds import NOW, a_feed, a_state, hours, minutes

from monitor.feeds.health import ADVICE, advice, describe_state, span
from monitor.model import FailureKind, FeedState, PollFailure

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
