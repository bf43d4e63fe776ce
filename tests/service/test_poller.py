"""Polls of the service that ask for more than one document, or elsewhere than they are configured to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from support.feeds import NOW, a_feed, a_state, fetched, hours, minutes

from monitor.feeds.marks import mark, pack
from monitor.model import Entry, FailureKind, Feed, FeedState, PollFailure, PollResult, Validators
from monitor.pipeline import catching_up
from monitor.ports import Fetched, Head, More, NotModified, ParsedFeed
from monitor.service import visits
from monitor.service.hosts import BUSY, Manners
from monitor.service.network import Network
from monitor.service.poller import HOST_REST, OUTAGE_RETRY, Poller

Answer = Fetched | NotModified | PollFailure
REFUSED = PollFailure(kind=FailureKind.THROTTLED, reason="Too often (429).", status=429, retry_after=hours(3))


def entry(name: str) -> Entry:
    return Entry(guid=name, link=None, title=name, summary="")


@dataclass
class World:
    """Stands for all that the poller needs: publishers whose documents are letters, a store that only remembers, a clock."""

    answers: Mapping[str, Answer]
    held: frozenset[str] = frozenset()
    """Addresses that answer only once `release` is set."""
    links: Mapping[str, str] = field(default_factory=dict)
    """The archive before each address."""
    more: tuple[More, ...] = ()
    asked: list[tuple[str, datetime, Validators | None]] = field(default_factory=list)
    saved: dict[str, PollResult] = field(default_factory=dict)
    back: list[tuple[str, datetime]] = field(default_factory=list)
    rests: list[tuple[tuple[str, ...], datetime]] = field(default_factory=list)
    time: datetime = NOW
    keeps: bool = True
    """Whether what is saved is not somebody else's."""

    def __post_init__(self) -> None:
        self.release, self.stir = asyncio.Event(), asyncio.Condition()

    async def until(self, sight: Callable[[], object]) -> None:
        async with asyncio.timeout(10), self.stir:
            await self.stir.wait_for(sight)

    async def stirred(self) -> None:
        async with self.stir:
            self.stir.notify_all()

    def now(self) -> datetime:
        return self.time

    async def fetch(
        self, feed: Feed, validators: Validators | None, *, address: str | None = None, redirects: bool = True
    ) -> Answer:
        assert redirects
        url = address or feed.url
        self.asked.append((url, self.time, validators))
        await self.stirred()
        if url in self.held:
            await self.release.wait()
        return self.answers[url]

    async def parse(self, answer: Fetched, **_: Any) -> ParsedFeed:
        shown = tuple(map(entry, answer.body.decode()))
        way = self.links.get(answer.url)
        head = Head(links={"prev-archive": (way,)} if way else {})
        more = self.more if answer.body == b"" else ()
        return ParsedFeed(entries=shown, marks=pack(map(mark, shown)), shown=len(shown), head=head, more=more)

    def save_polls(self, results: Sequence[PollResult]) -> frozenset[str]:
        self.saved |= {result.state.feed_id: result for result in results}
        return frozenset() if self.keeps else frozenset(result.state.feed_id for result in results)

    def postpone(self, given: Sequence[tuple[str, str, datetime]]) -> None:
        self.back += [(feed_id, due_at) for feed_id, _, due_at in given]

    def put_off(self, feed_ids: Sequence[str], until: datetime) -> None:
        self.rests.append((tuple(feed_ids), until))


Test = Callable[[Poller, World, Callable[..., Awaitable[None]]], Awaitable[None]]


def played(
    world: Callable[[], World],
    feeds: Sequence[Feed],
    test: Test,
    *,
    concurrency: int = 4,
    spacing: timedelta = timedelta(0),
    per_host: int = 9,
) -> None:
    """Run a test with a poller over a world; `start` takes up feeds by id."""

    async def run() -> None:
        here = world()
        some: Any = here
        setup: Any = SimpleNamespace(situation="kz", feeds={feed.id: feed for feed in feeds})

        async def tell(_headline: str, _facts: Mapping[str, str]) -> None:
            await here.stirred()

        async with asyncio.TaskGroup() as tasks:
            http: Any = None
            network = Network(http, feeds=dict, tasks=tasks, on_back=some)
            poller = Poller(
                store=some, fetcher=some, parser=some, clock=some, network=network, tasks=tasks, concurrency=concurrency,
                manners=Manners(per_host=per_host, per_domain=9, spacing=spacing), on_entries=asyncio.Event(),
                on_change=asyncio.Event(), tell=tell,
            )  # fmt: skip

            async def start(*states: FeedState) -> None:
                await poller.start(setup, states, here.time)

            await test(poller, here, start)
            poller.cancel()

    asyncio.run(run())


async def ended(poller: Poller) -> None:
    async with asyncio.timeout(10):
        while poller._polls:
            with suppress(asyncio.CancelledError):
                await asyncio.wait(set(poller._polls))


@pytest.fixture(autouse=True)
def _no_rest_between_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catching_up, "APART", 0.0)


GAP, WELL = a_feed("https://gap.kz/feed", id="gap"), a_feed("https://well.kz/feed", id="well")
ARCHIVE = "https://gap.kz/archive"


def with_gap(*, archive: Answer | None = None) -> World:
    answers = {
        GAP.url: fetched(b"fe", url=GAP.url),
        WELL.url: fetched(b"ba", url=WELL.url),
        ARCHIVE: archive or fetched(b"dcb", url=ARCHIVE),
    }
    return World(answers=answers, held=frozenset({ARCHIVE}), links={GAP.url: ARCHIVE})


def known(feed: Feed, **fields: Any) -> FeedState:
    settled = {
        "feed_id": feed.id, "url": feed.url, "filled": True, "known": pack(map(mark, map(entry, "ba"))), "body_hash": b"ba",
        "entries": 2, "audited_at": NOW, "last_success_at": NOW - minutes(5),
    }  # fmt: skip
    return a_state(**(settled | fields))


def test_a_walk_back_that_hangs_holds_up_no_other_poll_and_is_one_commit_in_the_end() -> None:
    async def test(poller: Poller, world: World, start: Callable[..., Awaitable[None]]) -> None:
        await start(known(GAP))
        await world.until(lambda: world.asked[-1:] and world.asked[-1][0] == ARCHIVE)
        await start(known(WELL))
        async with asyncio.timeout(10):
            while "well" not in world.saved:  # noqa: ASYNC110 - what is saved is saved in a thread, which tells nobody
                await asyncio.sleep(0)
        assert "gap" not in world.saved
        world.release.set()
        await ended(poller)
        assert "".join(each.title for each in world.saved["gap"].entries) == "cdef"

    played(with_gap, [GAP, WELL], test, concurrency=1)


def test_a_walk_back_that_is_cut_off_by_a_stop_leaves_its_feed_due_as_it_was() -> None:
    async def test(poller: Poller, world: World, start: Callable[..., Awaitable[None]]) -> None:
        await start(known(GAP, due_at=NOW - minutes(1)))
        await world.until(lambda: world.asked[-1:] and world.asked[-1][0] == ARCHIVE)
        poller.cancel()
        await ended(poller)
        assert (world.saved, world.back, poller.in_flight) == ({}, [("gap", NOW - minutes(1))], 0)
        assert (poller._rooms.walks.inside, poller._hosts._at_hosts) == (0, {})

    played(with_gap, [GAP], test, concurrency=1)


def test_a_429_to_an_older_document_gives_the_whole_host_its_rest() -> None:
    other = a_feed("https://www.gap.kz/sport", id="other")

    async def test(poller: Poller, world: World, start: Callable[..., Awaitable[None]]) -> None:
        world.release.set()
        await start(known(GAP))
        await ended(poller)
        assert world.rests == [(("other",), NOW + HOST_REST)]
        assert world.saved["gap"].state.due_at >= NOW + hours(3)

    played(lambda: with_gap(archive=REFUSED), [GAP, WELL, other], test)


def test_requests_of_a_walk_keep_the_spacing_of_their_host_and_count_for_others() -> None:
    spacing = timedelta(milliseconds=20)

    def world() -> World:
        answers = {GAP.url: fetched(b"fe", url=GAP.url)}
        names = [f"https://gap.kz/{number}" for number in range(4)]
        answers |= {name: fetched(letter.encode(), url=name) for name, letter in zip(names, "zyxb", strict=True)}
        return World(answers=answers, links=dict(zip([GAP.url, *names], names, strict=False)))

    async def test(poller: Poller, world: World, start: Callable[..., Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await start(known(GAP))
        await ended(poller)
        assert len(world.asked) == 5
        assert loop.time() - began >= 4 * spacing.total_seconds()
        assert poller._hosts._started["gap.kz"] == NOW + 4 * spacing  # this clock stands: what was waited counts
        assert poller._enter(Any, GAP, known(GAP), NOW) == NOW + 5 * spacing  # type: ignore[arg-type]

    played(world, [GAP], test, spacing=spacing)


def test_a_walk_whose_host_has_no_turn_for_it_in_time_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.service.visits.TURNS", 0)
    monkeypatch.setattr("monitor.service.visits.WAITS", timedelta(milliseconds=10))

    async def test(poller: Poller, world: World, start: Callable[..., Awaitable[None]]) -> None:
        await start(known(GAP))
        await ended(poller)
        assert [url for url, _, _ in world.asked] == [GAP.url]
        assert "too many other documents were waited for" in (world.saved["gap"].state.gap or "")

    played(with_gap, [GAP], test, spacing=hours(1))


def test_turns_are_waited_for_as_long_as_the_spacing_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.service.visits.WAITS", timedelta(milliseconds=1))
    monkeypatch.setattr(catching_up, "PATIENCE", 0.05)
    names = [f"https://gap.kz/{number}" for number in range(4)]

    def world() -> World:
        answers = {GAP.url: fetched(b"", url=GAP.url)} | {name: fetched(b"z", url=name) for name in names}
        return World(answers=answers, more=tuple(More(url=name, changed=NOW) for name in names))

    async def test(poller: Poller, world: World, start: Callable[..., Awaitable[None]]) -> None:
        await start(known(GAP))
        await ended(poller)
        assert [url for url, _, _ in world.asked] == [GAP.url, *names]
        assert world.saved["gap"].state.warning is None

    played(world, [GAP], test, spacing=timedelta(milliseconds=40))


def test_a_poll_holds_its_hosts_place_only_while_it_asks() -> None:
    same = a_feed("https://gap.kz/sport", id="same")
    first = [True]

    def world() -> World:
        return replace(with_gap(), held=frozenset())

    async def test(poller: Poller, world: World, start: Callable[..., Awaitable[None]]) -> None:
        busy = asyncio.Event()
        parse = world.parse

        async def parsed(answer: Fetched, **given: Any) -> ParsedFeed:
            if first and not first.clear():  # type: ignore[func-returns-value]
                busy.set()
                await world.release.wait()
            return await parse(answer, **given)

        world.parse = parsed  # type: ignore[method-assign]
        await start(known(GAP))
        await busy.wait()
        assert poller._enter(Any, same, known(same), NOW) is None  # type: ignore[arg-type]
        poller.cancel()
        await ended(poller)
        assert not poller._hosts._at_hosts

    played(world, [GAP, same], test, per_host=1)


def test_a_walk_takes_its_hosts_place_for_each_document_anew() -> None:
    same = a_feed("https://gap.kz/sport", id="same")

    async def test(poller: Poller, world: World, start: Callable[..., Awaitable[None]]) -> None:
        await start(known(GAP))
        await world.until(lambda: world.asked[-1:] and world.asked[-1][0] == ARCHIVE)
        assert poller._enter(Any, same, known(same), NOW) == NOW + BUSY  # type: ignore[arg-type]
        world.release.set()
        await ended(poller)
        assert poller._enter(Any, same, known(same), NOW + BUSY) is None  # type: ignore[arg-type]

    played(with_gap, [GAP, same], test, per_host=1)


def test_a_walk_of_a_feed_that_walked_long_the_last_time_waits_in_a_room_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(visits, "LONG_WALK", -1.0)

    async def test(poller: Poller, world: World, start: Callable[..., Awaitable[None]]) -> None:
        world.release.set()
        for _ in range(2):
            await start(known(GAP))
            await ended(poller)
        assert poller._long_walkers == {"gap"}
        monkeypatch.setattr(visits, "LONG_WALK", 30.0)
        world.release.clear()
        world.asked.clear()
        await start(known(GAP))
        await world.until(lambda: world.asked[-1:] and world.asked[-1][0] == ARCHIVE)
        assert (poller._rooms.walks.inside, poller._rooms.long_walks.inside) == (0, 1)
        world.release.set()
        await ended(poller)
        assert poller._long_walkers == set()

    played(with_gap, [GAP], test)


# --- where redirects lead ---------------------------------------------------------------------------------------------

ONE, TWO = a_feed("https://one.kz/feed", id="one"), a_feed("https://two.kz/feed", id="two")
BURNER = "https://burner.example/"


def redirected(**answers: Answer) -> Callable[[], World]:
    given: dict[str, Answer] = {feed.url: fetched(b"ba", url=f"{BURNER}{feed.id}") for feed in (ONE, TWO)}
    given |= {f"https://{name}.kz/feed": answer for name, answer in answers.items()}
    return lambda: World(answers=given, held=frozenset(given))


def test_feeds_that_are_led_to_one_host_share_its_places_from_their_second_poll_on() -> None:
    async def test(poller: Poller, world: World, start: Callable[..., Awaitable[None]]) -> None:
        world.release.set()
        await start(known(ONE), known(TWO))
        await ended(poller)
        assert (len(world.asked), world.back) == (2, [])
        world.release.clear()
        await start(known(ONE), known(TWO))
        assert world.back == [("two", NOW + BUSY)]
        world.release.set()
        await ended(poller)

    played(redirected(), [ONE, TWO], test, per_host=1)


def test_a_429_behind_a_redirect_rests_no_other_feed() -> None:
    own = a_feed("https://own.burner.example/feed", id="own")
    refused = replace(REFUSED, moved_to=f"{BURNER}one")

    async def test(poller: Poller, world: World, start: Callable[..., Awaitable[None]]) -> None:
        world.release.set()
        await start(known(ONE), known(TWO))
        await ended(poller)
        assert world.rests == []
        assert world.saved["one"].state.due_at >= NOW + hours(3)

    played(redirected(one=refused), [ONE, TWO, own, WELL], test)


def test_a_429_to_a_feed_that_moved_there_for_good_rests_the_others_there() -> None:
    own = a_feed("https://own.burner.example/feed", id="own")
    refused = replace(REFUSED, retry_after=minutes(7))
    moved = {"moved_to": f"{BURNER}one", "moved_since": NOW - hours(72), "moved_count": 99}

    async def test(poller: Poller, world: World, start: Callable[..., Awaitable[None]]) -> None:
        world.release.set()
        await start(known(ONE, **moved))
        await ended(poller)
        assert [url for url, _, _ in world.asked] == [f"{BURNER}one"]
        assert world.rests == [(("own",), NOW + minutes(7))]

    def world() -> World:
        return World(answers={f"{BURNER}one": refused})

    played(world, [ONE, TWO, own], test)


def test_a_refused_document_that_was_redirected_elsewhere_is_not_the_word_of_the_feeds_host() -> None:
    others = [a_feed("https://www.gap.kz/sport", id="other"), a_feed("https://archives.example/feed", id="archives")]
    refused = replace(REFUSED, moved_to="https://archives.example/old")

    async def test(poller: Poller, world: World, start: Callable[..., Awaitable[None]]) -> None:
        world.release.set()
        await start(known(GAP))
        await ended(poller)
        assert world.saved["gap"].refusal == refused
        assert world.rests == []

    played(lambda: with_gap(archive=refused), [GAP, *others], test)


# --- an index of sitemaps ---------------------------------------------------------------------------------------------

CHILD = "https://gap.kz/child"
GIVEN = Validators(url=CHILD, etag='"1"')


@pytest.mark.parametrize("keeps", [True, False], ids=["saved", "lost"])
def test_what_a_child_gave_is_used_once_its_entries_are_saved(*, keeps: bool) -> None:
    def world() -> World:
        answers = {GAP.url: fetched(b"", url=GAP.url), CHILD: fetched(b"a", url=CHILD, validators=GIVEN)}
        return World(answers=answers, more=(More(url=CHILD),), keeps=keeps)

    async def test(poller: Poller, world: World, start: Callable[..., Awaitable[None]]) -> None:
        for _ in range(2):
            await start(known(GAP))
            await ended(poller)
        asked = [validators for url, _, validators in world.asked if url == CHILD]
        assert asked == [None, GIVEN if keeps else None]

    played(world, [GAP], test)


# --- limits and outages -----------------------------------------------------------------------------------------------


def test_new_limits_count_from_the_next_poll_on() -> None:
    async def test(poller: Poller, world: World, start: Callable[..., Awaitable[None]]) -> None:
        await start(known(ONE))
        poller.configure(1, Manners(per_host=1, per_domain=1, spacing=timedelta(0)))
        same = replace(TWO, url="https://one.kz/other")
        assert poller._enter(Any, same, known(same), NOW) == NOW + BUSY  # type: ignore[arg-type]
        assert poller._rooms.polls._value == 1
        world.release.set()
        await ended(poller)

    played(redirected(), [ONE, TWO], test)


def test_a_poll_that_our_own_network_failed_leaves_its_feed_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    async def to_blame(*_: Any, **__: Any) -> bool:
        return True

    monkeypatch.setattr(Network, "is_to_blame", to_blame)
    failed = PollFailure(kind=FailureKind.CONNECT, reason="x")

    async def test(poller: Poller, world: World, start: Callable[..., Awaitable[None]]) -> None:
        world.release.set()
        await start(known(ONE))
        await ended(poller)
        assert (world.saved, world.back) == ({}, [("one", NOW + OUTAGE_RETRY)])

    played(redirected(one=failed), [ONE], test)
