"""Our own network: when it is down, no feed is to blame."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import pytest
from support.feeds import a_feed, fetched

from monitor.model import FailureKind, Feed, PollFailure, Secret
from monitor.service import network
from monitor.service.network import Hearing, Network

NOW = datetime(2022, 1, 5, 12, tzinfo=UTC)
FAILED = PollFailure(kind=FailureKind.CONNECT, reason="The server cannot be reached.")
FEEDS = {name: a_feed(f"https://{name}.kz/rss", id=name) for name in ("one", "two", "three", "four", "five")}


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service listens for real seconds before it looks."""
    monkeypatch.setattr(network, "HEARD", 0.1)
    monkeypatch.setattr(network, "ON_ITS_WAY", 0.0)


class Line:
    """Takes the place of the HTTP client: says who takes connections, and who was asked."""

    def __init__(self, *up: str) -> None:
        self.up, self.asked = set(up), list[str]()

    async def reaches(self, url: str, **_: Any) -> bool:
        self.asked.append(url)
        await asyncio.sleep(0)
        return any(f"//{name}." in url for name in self.up)


def judged(
    line: Line, test: Callable[[Network], Awaitable[Any]], *, feeds: dict[str, Feed] | None = None
) -> tuple[Any, list[datetime]]:
    """Run a test with a network over that line; return what it returned, and since when outages were when they ended."""
    over: list[datetime] = []

    async def on_back(since: datetime) -> None:
        over.append(since)

    async def run() -> Any:
        async with asyncio.TaskGroup() as tasks:
            http: Any = line
            known = FEEDS if feeds is None else feeds
            held = Network(http, feeds=lambda: known, tasks=tasks, on_back=on_back)
            try:
                return await test(held)
            finally:
                held.close()

    return asyncio.run(run()), over


def blame(*names: str, failure: PollFailure = FAILED) -> Callable[[Network], Awaitable[list[bool]]]:
    async def test(held: Network) -> list[bool]:
        return [await held.is_to_blame(FEEDS[name], failure, NOW, began=monotonic()) for name in names]

    return test


async def amid_answers(held: Network, *, began: float) -> bool:
    """Judge a failure while others are answered all the time."""
    judging = asyncio.create_task(held.is_to_blame(FEEDS["one"], FAILED, NOW, began=began))
    while not judging.done():
        await asyncio.sleep(0)
        held.answered(FEEDS["one"])
    return await judging


def test_a_feed_that_fails_while_another_host_takes_connections_is_at_fault_itself() -> None:
    line = Line("two", "three", "four", "five")
    assert judged(line, blame("one"))[0] == [False]
    assert all("//one." not in url for url in line.asked)


def test_when_no_host_takes_a_connection_the_network_is_to_blame_for_all() -> None:
    line = Line()
    assert judged(line, blame("one", "two", "three"))[0] == [True, True, True]


def test_many_failures_at_once_cost_one_look_at_three_other_hosts_and_its_own() -> None:
    line = Line()

    async def test(held: Network) -> list[bool]:
        return await asyncio.gather(
            *(held.is_to_blame(feed, FAILED, NOW, began=monotonic()) for feed in FEEDS.values())
        )

    async def first_look(held: Network) -> tuple[list[bool], int]:
        held._watch = no_watch  # type: ignore[method-assign]
        return await test(held), len(line.asked)

    async def no_watch(_: datetime) -> None:
        return

    assert judged(line, first_look)[0] == ([True] * 5, network.WITNESSES + 1)


def test_an_answer_after_the_failure_proves_the_network_and_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "HEARD", 20.0)
    line = Line()

    async def test(held: Network) -> bool:
        return await amid_answers(held, began=monotonic())

    assert judged(line, test)[0] is False
    assert line.asked == []


def test_an_answer_from_before_an_outage_blames_not_even_the_first_feed_that_fails() -> None:
    async def test(held: Network) -> bool:
        held.answered(FEEDS["one"])
        return await held.is_to_blame(FEEDS["one"], FAILED, NOW, began=monotonic())

    assert judged(Line(), test)[0] is True


def test_answers_that_were_on_their_way_when_the_line_broke_prove_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "ON_ITS_WAY", 0.05)

    async def test(held: Network) -> bool:
        judging = asyncio.create_task(held.is_to_blame(FEEDS["one"], FAILED, NOW, began=monotonic()))
        await asyncio.sleep(0)
        held.answered(FEEDS["one"])
        return await judging

    assert judged(Line(), test)[0] is True


def test_a_poll_that_began_during_an_outage_and_fails_after_it_is_its_victim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "PROBE_EVERY", 0.001)
    line = Line()

    async def test(held: Network) -> list[bool]:
        began = monotonic()
        assert await held.is_to_blame(FEEDS["one"], FAILED, NOW, began=began)
        line.up.update(FEEDS)
        assert held._watching is not None
        await asyncio.wait_for(held._watching, 10)
        return [await amid_answers(held, began=at) for at in (began, monotonic())]

    assert judged(line, test)[0] == [True, False]


def test_who_hears_an_answer_tells_the_network_at_once() -> None:
    class Fetcher:
        def __init__(self, *answers: Any) -> None:
            self.answers = list(answers)

        async def fetch(self, *_: Any, **__: Any) -> Any:
            return self.answers.pop(0)

    class Told:
        answers = 0

        def answered(self, _: Feed) -> None:
            self.answers += 1

    async def heard(*answers: Any) -> int:
        told: Any = Told()
        fetcher: Any = Fetcher(*answers)
        for _ in answers:
            await Hearing(fetcher, told).fetch(FEEDS["one"], None)
        return int(told.answers)

    assert asyncio.run(heard(fetched(b""), replace(FAILED, status=500))) == 2
    assert asyncio.run(heard(FAILED)) == 0


@pytest.mark.parametrize(
    "failure",
    [
        PollFailure(kind=FailureKind.MISSING, reason="404", status=404),
        PollFailure(kind=FailureKind.TIMEOUT, reason="408", status=408),
        PollFailure(kind=FailureKind.NOT_A_FEED, reason="A page."),
        PollFailure(kind=FailureKind.ADDRESS_BLOCKED, reason="127.0.0.1"),
    ],
)
def test_what_needs_an_answer_is_never_the_networks_fault(failure: PollFailure) -> None:
    line = Line()
    assert judged(line, blame("one", failure=failure))[0] == [False]
    assert line.asked == []


def test_a_feed_without_witnesses_is_at_fault_itself() -> None:
    assert judged(Line(), blame("one"), feeds={"one": FEEDS["one"]})[0] == [False]


def test_feeds_of_the_same_domain_are_no_witnesses() -> None:
    same = {"one": FEEDS["one"], "other": a_feed("https://www.one.kz/sport", id="other")}
    assert judged(Line(), blame("one"), feeds=same)[0] == [False]


def test_the_network_is_back_when_one_host_takes_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "PROBE_EVERY", 0.001)
    line = Line()

    async def test(held: Network) -> tuple[datetime | None, datetime | None]:
        assert await held.is_to_blame(FEEDS["one"], FAILED, NOW, began=monotonic())
        down, watching = held.down_since, held._watching
        line.up.add("four")
        assert watching is not None
        await asyncio.wait_for(watching, 10)
        return down, held.down_since

    assert judged(line, test) == ((NOW, None), [NOW])


def test_a_feed_whose_own_host_takes_connections_is_at_fault_even_if_no_other_does() -> None:
    line = Line("one")
    tls = replace(FAILED, kind=FailureKind.TLS)
    both = {name: FEEDS[name] for name in ("one", "two")}
    assert judged(line, blame("one", failure=tls), feeds=both)[0] == [False]
    assert [url.split("/")[2] for url in line.asked] == ["two.kz", "one.kz"]


PUBLIC = {name: replace(feed, allow_networks=()) for name, feed in FEEDS.items()}
ELSEWHERE = [
    replace(FEEDS["one"], id="local", url="http://127.0.0.1:8/feed"),
    replace(PUBLIC["one"], id="proxied", url="https://proxied.kz/feed", proxy=Secret("http://127.0.0.1:3128")),
]


@pytest.mark.parametrize("elsewhere", ELSEWHERE, ids=lambda feed: feed.id)
def test_neither_connections_nor_answers_from_permitted_networks_or_through_proxies_prove_the_line(
    elsewhere: Feed,
) -> None:
    line = Line("proxied", "127")
    feeds = {"two": PUBLIC["two"], "three": PUBLIC["three"], "four": PUBLIC["four"], elsewhere.id: elsewhere}

    async def test(held: Network) -> list[bool]:
        judging = asyncio.create_task(held.is_to_blame(PUBLIC["two"], FAILED, NOW, began=monotonic()))
        while not judging.done():
            await asyncio.sleep(0)
            held.answered(elsewhere)
        return [await judging, await held.is_to_blame(elsewhere, FAILED, NOW, began=monotonic())]

    assert judged(line, test, feeds=feeds)[0] == [True, True]
    assert elsewhere.url not in line.asked


@pytest.mark.parametrize("elsewhere", ELSEWHERE, ids=lambda feed: feed.id)
def test_what_is_asked_there_is_at_fault_itself_while_the_line_works(elsewhere: Feed) -> None:
    line = Line()

    async def test(held: Network) -> bool:
        return await held.is_to_blame(elsewhere, FAILED, NOW, began=monotonic())

    assert judged(line, test, feeds={**PUBLIC, elsewhere.id: elsewhere})[0] is False
    assert line.asked == []


def test_where_there_are_too_few_public_hosts_all_others_count() -> None:
    local = ELSEWHERE[0]
    line = Line("127")
    feeds = {"one": PUBLIC["one"], "two": PUBLIC["two"], local.id: local}
    assert judged(line, blame("one"), feeds=feeds)[0] == [False]
