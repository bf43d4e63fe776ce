import asyncio
import gzip
import io
from collections.abc import Callable, Coroutine
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import feedparser
import httpx
import pytest

from monitor.replay import publishers as module
from monitor.replay.clock import Hand
from monitor.replay.publishers import Publishers
from monitor.replay.scenario import Misbehaviour, PublisherFault, Scenario, ValidatorStyle

Ask = Callable[..., Coroutine[Any, Any, httpx.Response]]


def play(
    scenario: Scenario, story: Callable[[Publishers, Hand, Ask], Coroutine[Any, Any, None]], **options: Any
) -> None:
    """Run a story against the publishers of a scenario, with one client that keeps its connections."""

    async def run() -> None:
        hand = Hand(scenario.start)
        async with Publishers(scenario, hand, **options) as publishers, httpx.AsyncClient(trust_env=False) as client:

            async def ask(outlet: str = "bell", **headers: str) -> httpx.Response:
                return await client.get(
                    publishers.desks[outlet].url,
                    headers={name.replace("_", "-"): value for name, value in headers.items()},
                )

            await asyncio.wait_for(story(publishers, hand, ask), 20)

    asyncio.run(run())


def titles(response: httpx.Response) -> list[str]:
    return [entry.title for entry in feedparser.parse(io.BytesIO(response.content)).entries]


def fault(make: Any, kind: Misbehaviour, **fields: Any) -> PublisherFault:
    return PublisherFault(kind=kind, outlets=("bell",), start=make.at(30), end=make.at(60), **fields)


def test_a_feed_shows_at_each_virtual_moment_what_the_scenario_says(make: Any) -> None:
    async def story(publishers: Publishers, hand: Hand, ask: Ask) -> None:
        assert titles(await ask()) == []
        hand.move(make.at(15))
        response = await ask()
        assert titles(response) == ["Headline of a"]
        assert response.headers["cache-control"] == "max-age=600"
        assert response.headers["content-type"] == "application/rss+xml; charset=utf-8"
        assert parsedate_to_datetime(response.headers["date"]) == make.at(15)
        hand.move(make.at(25))
        assert titles(await ask()) == ["Headline of b", "Headline of a"]
        assert publishers.desks["bell"].first_shown == {("a", 1): make.at(15), ("b", 1): make.at(25)}
        assert publishers.requests == 3

    play(make.scenario(make.entry("a", 10), make.entry("b", 20)), story)


@pytest.mark.parametrize(
    ("style", "given"),
    [
        (ValidatorStyle.BOTH, {"etag", "last-modified"}),
        (ValidatorStyle.ETAG, {"etag"}),
        (ValidatorStyle.LAST_MODIFIED, {"last-modified"}),
        (ValidatorStyle.NONE, set()),
    ],
)
def test_conditional_requests_get_a_304_until_something_changes(
    make: Any, style: ValidatorStyle, given: set[str]
) -> None:
    async def story(publishers: Publishers, hand: Hand, ask: Ask) -> None:
        hand.move(make.at(15))
        first = await ask()
        assert {"etag", "last-modified"} & set(first.headers) == given
        asked = {"etag": "if_none_match", "last-modified": "if_modified_since"}
        again = {asked[name]: first.headers[name] for name in given}
        same = await ask(**again)
        assert same.status_code == (304 if given else 200)
        assert same.headers["cache-control"] == "max-age=600"
        hand.move(make.at(25))
        assert (await ask(**again)).status_code == 200
        hits = publishers.desks["bell"].hits
        assert [hit.conditional for hit in hits] == [False, bool(given), bool(given)]

    play(make.scenario(make.entry("a", 10), make.entry("b", 20), outlets=(make.outlet(validators=style),)), story)


def test_an_answer_is_packed_for_those_who_ask_and_only_where_the_outlet_does_it(make: Any) -> None:
    async def story(publishers: Publishers, hand: Hand, ask: Ask) -> None:
        hand.move(make.at(15))
        assert (await ask(accept_encoding="gzip")).headers.get("content-encoding") == "gzip"
        assert "content-encoding" not in (await ask(accept_encoding="identity")).headers
        assert "content-encoding" not in (await ask("horn", accept_encoding="gzip")).headers
        edition = publishers.desks["bell"].stand.edition(hand.now)
        assert gzip.decompress(edition.packed) == edition.body

    outlets = (make.outlet("bell"), make.outlet("horn", gzip=False))
    play(make.scenario(make.entry("a", 10), outlets=outlets), story)


def test_outlets_have_addresses_of_their_own_where_the_system_has_them(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts: list[set[str]] = []

    async def story(publishers: Publishers, hand: Hand, ask: Ask) -> None:
        hosts.append({httpx.URL(desk.url).host for desk in publishers.desks.values()})
        assert len({desk.url for desk in publishers.desks.values()}) == 2
        assert (await ask("horn")).status_code == 200

    scenario = make.scenario(outlets=(make.outlet("bell"), make.outlet("horn")))
    if module.has_own_addresses():
        play(scenario, story)
        assert len(hosts.pop()) == 2
    monkeypatch.setattr(module, "has_own_addresses", lambda: False)
    play(scenario, story)
    assert hosts.pop() == {"127.0.0.1"}


def test_an_outage_drops_connections_and_then_the_feed_is_back_with_what_came_meanwhile(make: Any) -> None:
    async def story(publishers: Publishers, hand: Hand, ask: Ask) -> None:
        assert (await ask()).status_code == 200
        hand.move(make.at(45))
        with pytest.raises(httpx.TransportError):
            await ask()
        assert not publishers.desks["bell"].is_read(hand.now)
        hand.move(make.at(60))
        assert titles(await ask()) == ["Headline of a"]
        assert publishers.desks["bell"].is_read(hand.now)

    play(make.scenario(make.entry("a", 40), faults=(fault(make, Misbehaviour.OUTAGE),)), story)


def test_a_status_comes_with_its_retry_after(make: Any) -> None:
    async def story(publishers: Publishers, hand: Hand, ask: Ask) -> None:
        hand.move(make.at(30))
        response = await ask()
        assert (response.status_code, response.headers["retry-after"], response.content) == (429, "1200", b"")

    throttled = fault(make, Misbehaviour.STATUS, status=429, retry_after=timedelta(minutes=20))
    play(make.scenario(faults=(throttled,)), story)


def test_a_lying_304_hides_what_is_new_from_conditional_requests_only(make: Any) -> None:
    async def story(publishers: Publishers, hand: Hand, ask: Ask) -> None:
        etag = (await ask()).headers["etag"]
        hand.move(make.at(45))
        assert (await ask(if_none_match=etag)).status_code == 304
        desk = publishers.desks["bell"]
        assert desk.first_shown == {}
        assert not desk.is_read(hand.now)
        assert titles(await ask()) == ["Headline of a"]
        hand.move(make.at(61))
        assert (await ask(if_none_match=etag)).status_code == 200

    play(make.scenario(make.entry("a", 40), faults=(fault(make, Misbehaviour.NOT_MODIFIED),)), story)


def test_a_page_instead_of_the_feed_shows_nothing(make: Any) -> None:
    async def story(publishers: Publishers, hand: Hand, ask: Ask) -> None:
        hand.move(make.at(45))
        response = await ask()
        assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "etag" not in response.headers
        assert publishers.desks["bell"].first_shown == {}

    play(make.scenario(make.entry("a", 40), faults=(fault(make, Misbehaviour.HTML),)), story)


def test_a_truncated_answer_is_shorter_than_it_says(make: Any) -> None:
    async def story(publishers: Publishers, hand: Hand, ask: Ask) -> None:
        hand.move(make.at(45))
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
            await ask()
        assert publishers.desks["bell"].first_shown == {}
        hand.move(make.at(60))
        assert (await ask()).status_code == 200

    play(make.scenario(make.entry("a", 40), faults=(fault(make, Misbehaviour.TRUNCATED),)), story)


def test_a_slow_answer_takes_its_time_and_arrives_whole(make: Any) -> None:
    async def story(publishers: Publishers, hand: Hand, ask: Ask) -> None:
        hand.move(make.at(45))
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert titles(await ask()) == ["Headline of a"]
        assert loop.time() - began >= 0.1

    slow = fault(make, Misbehaviour.SLOW, delay=timedelta(milliseconds=100))
    play(make.scenario(make.entry("a", 40), faults=(slow,)), story)


def test_closing_does_not_wait_for_a_slow_answer(make: Any) -> None:
    asked = asyncio.Event()

    async def story(publishers: Publishers, hand: Hand, ask: Ask) -> None:
        hand.move(make.at(45))
        asking = asyncio.create_task(ask())
        await asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    slow = fault(make, Misbehaviour.SLOW, delay=timedelta(hours=1))
    play(make.scenario(make.entry("a", 40), faults=(slow,)), story, on_news=lambda _outlet, _shown: asked.set())


def test_other_paths_and_methods_are_not_found(make: Any) -> None:
    async def story(publishers: Publishers, hand: Hand, ask: Ask) -> None:
        url = publishers.desks["bell"].url
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(url.replace("rss.xml", "robots.txt"))).status_code == 404
            assert (await client.request("DELETE", url)).status_code == 404
        assert publishers.requests == 0

    play(make.scenario(), story)


def test_news_is_told_once_with_edits_as_news_of_their_own(make: Any) -> None:
    told: list[tuple[str, tuple[tuple[str, int], ...]]] = []

    async def story(publishers: Publishers, hand: Hand, ask: Ask) -> None:
        for minute in (15, 16, 45):
            hand.move(make.at(minute))
            await ask()

    first, edited = make.entry("a", 10).states[0], make.entry("a", 40, title="Edited").states[0]
    scenario = make.scenario(make.entry("a", 10, states=(first, edited)))
    play(scenario, story, on_news=lambda outlet, shown: told.append((outlet.id, shown)))
    assert told == [("bell", (("a", 1),)), ("bell", (("a", 2),))]


def test_a_head_that_never_ends_is_cut_off(make: Any) -> None:
    async def story(publishers: Publishers, hand: Hand, ask: Ask) -> None:
        url = httpx.URL(publishers.desks["bell"].url)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.transport.abort()

    play(make.scenario(), story)


def test_what_a_killed_reader_may_have_lost_counts_as_unread(make: Any) -> None:
    async def story(publishers: Publishers, hand: Hand, ask: Ask) -> None:
        hand.move(make.at(15))
        await ask()
        assert publishers.desks["bell"].is_read(hand.now)
        publishers.forget_reads()
        assert not publishers.desks["bell"].is_read(hand.now)

    play(make.scenario(make.entry("a", 10)), story)
