"""Feeds that went quiet are named once."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from support.feeds import NOW, a_feed, a_state

from monitor.model import FailureKind, FeedState, PollFailure
from monitor.service import quiet

DAY = timedelta(hours=24)
HOUR = timedelta(hours=1)


def failing(kind: FailureKind, since: timedelta, failures: int = 5) -> FeedState:
    failure = PollFailure(kind=kind, reason="It failed.")
    return a_state(filled=True, failure=failure, failures=failures, failing_since=NOW - since)


def showing(last: timedelta, rhythm: timedelta | None = HOUR) -> FeedState:
    return a_state(filled=True, last_entry_at=NOW - last, rhythm=rhythm)


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (failing(FailureKind.CONNECT, DAY), True),
        (failing(FailureKind.CONNECT, DAY - HOUR), False),
        (failing(FailureKind.UNAUTHORIZED, HOUR), True),
        (failing(FailureKind.UNAUTHORIZED, HOUR, failures=1), False),
        (failing(FailureKind.GONE, HOUR), True),
        (showing(3 * DAY), True),
        (showing(HOUR), False),
        (showing(DAY, rhythm=3 * DAY), False),
        (a_state(), False),
    ],
    ids=["a day", "not yet a day", "credentials", "credentials once", "gone", "stale", "well", "rare by nature", "new"],
)
def test_a_feed_is_quiet_when_somebody_should_know(state: FeedState, told: bool) -> None:
    assert quiet.is_quiet(state, NOW) is told


class Desk:
    """What of a service is asked."""

    def __init__(self, *states: FeedState) -> None:
        self.states, self.flags, self.said = states, dict[str, Any](), list[str]()
        self.setup = self
        self.store = self
        self.situation = "kz"
        self.feeds = {state.feed_id: a_feed(id=state.feed_id, name=state.feed_id.title()) for state in states}

    def feed_states(self, _: str) -> tuple[FeedState, ...]:
        return self.states

    def flag(self, name: str) -> Any:
        return self.flags.get(name)

    def set_flag(self, name: str, value: str) -> None:
        self.flags[name] = value

    async def tell_operator(self, _: str, facts: dict[str, str]) -> None:
        self.said.append(facts["names"])

    def look(self, now: datetime = NOW) -> list[str]:
        service: Any = self
        asyncio.run(quiet.tell_quiet(service, now))
        said, self.said = self.said, []
        return said


def named(name: str, state: FeedState) -> FeedState:
    from dataclasses import replace

    return replace(state, feed_id=name)


def test_each_feed_is_named_once_until_it_is_well_again() -> None:
    bad, well = failing(FailureKind.DNS, DAY), showing(HOUR)
    desk = Desk(named("one", well), named("two", well))
    assert desk.look() == []
    desk.states = (named("one", bad), named("two", well))
    assert desk.look() == ["One"]
    assert desk.look() == []
    desk.states = (named("one", bad), named("two", bad))
    assert desk.look() == ["Two"]
    desk.states = (named("one", well), named("two", bad))
    assert desk.look() == []
    desk.states = (named("one", bad), named("two", bad))
    assert desk.look() == ["One"]


def test_a_feed_that_was_dead_when_it_was_added_did_not_go_quiet() -> None:
    desk = Desk(named("one", showing(30 * DAY)))
    assert [desk.look(), desk.look()] == [[], []]


def test_of_many_feeds_ten_are_named_and_the_rest_is_counted() -> None:
    desk = Desk(*(named(f"f{number:02}", showing(HOUR)) for number in range(13)))
    desk.look()
    desk.states = tuple(named(state.feed_id, failing(FailureKind.DNS, DAY)) for state in desk.states)
    [said] = desk.look()
    assert said.startswith("F00, F01, ")
    assert said.endswith("F09 (+3)")


def test_feeds_that_are_configured_no_more_are_not_missed() -> None:
    desk = Desk(named("one", showing(HOUR)))
    desk.look()
    desk.states, desk.feeds = (named("one", failing(FailureKind.DNS, DAY)),), {}
    assert desk.look() == []
