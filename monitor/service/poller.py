"""Polling due feeds: claims them, keeps them apart by host, never lets one wait for another, and saves what came in batches.

    claim ──▶ host free? ──no──▶ back into the store, with a moment of its own
                  │ yes
    wait for a seat ──▶ poll ──▶ our own network's fault? ──yes──▶ back, as it was
                                       │ no
                              one transaction (commit A) for all that came meanwhile

A poll that was claimed is in flight until it is saved or given back. Its seat is one of the quick room's only while it is quick;
further documents (gaps, sitemaps) are asked for from a room of their own (rooms.py), each in its turn at the host (hosts.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

import structlog

from monitor.errors import StoreError
from monitor.feeds.moved import direct_address
from monitor.model import FailureKind, Feed, FeedState, PollResult, Validators
from monitor.pipeline import Setup, poll
from monitor.pipeline.polling import NOTHING
from monitor.ports import Clock, Fetcher, Parser, Store
from monitor.service.hosts import Hosts, Manners, Place, place
from monitor.service.network import Hearing, Network
from monitor.service.rooms import Rooms, Seat
from monitor.service.together import Together
from monitor.service.visits import Visit, waits

LEASE = timedelta(minutes=10)
"""A poll ends within its deadlines (30 s fetching, 30 s parsing, 3 minutes with further documents) and the wait for a seat.

What it may wait for the turns of further documents (visits.py) comes on top of it.
"""

AHEAD = 10
"""Feeds claimed for each seat: those that wait for one are started the moment it is free, not at the next tick."""

SLOW_LATER = timedelta(seconds=1)
"""When slow feeds that find no seat are looked at again, so that they fill no room that others need: as many as there are seats
after this time, as many others after as much again, and so on."""

SLOW = frozenset({FailureKind.TIMEOUT, FailureKind.INCOMPLETE, FailureKind.PARSER_KILLED, FailureKind.TOO_LARGE})

OUTAGE_RETRY = timedelta(seconds=10)
"""When a feed is due again whose poll failed because our own network did."""

HOST_REST = timedelta(hours=1)
"""The longest rest of a host's other feeds when one of its own is told that we ask too often (cases 61, 65).

The feed that was told rests as long as it was told, up to a day. The others are asked again after an hour at the latest: what a
publisher says of one address need not hold for all, and where it does, the first of them is told so and they rest again; so a host
that keeps saying it sees one request an hour. A feed that is merely led there rests alone: a redirect silences no other outlet.
Refused: silencing all outlets of a host for a day on the word of one address.
"""

SAVED_TOGETHER = 256
"""Polls in one transaction at most: from 64 to 256 of them, saving one costs a quarter less, beyond that nothing (measured)."""

log = structlog.get_logger("poll")


class Poller:
    """The poll flow of the service."""

    def __init__(
        self,
        *,
        store: Store,
        fetcher: Fetcher,
        parser: Parser,
        clock: Clock,
        network: Network,
        tasks: asyncio.TaskGroup,
        concurrency: int,
        manners: Manners,
        on_entries: asyncio.Event,
        on_change: asyncio.Event,
        tell: Callable[[str, Mapping[str, str]], Awaitable[None]],
    ) -> None:
        self._store, self._parser, self._clock = store, parser, clock
        self._fetcher = Hearing(fetcher, network)
        self._network, self._tasks = network, tasks
        self._on_entries, self._on_change, self._tell = on_entries, on_change, tell
        self._dawdlers, self._long_walkers = set[str](), set[str]()
        self._slow_until = clock.now()
        """The last moment given to a slow feed that found no seat."""
        self._hosts = Hosts(manners)
        self.configure(concurrency, manners)
        self._places: dict[str, tuple[str, str | None, Place]] = {}
        """By feed, with its address and the one that this leads to as far as it is known."""
        self._children: dict[str, Mapping[str, Validators]] = {}
        """By feed, what the children of its index are asked with; lost at a restart, which costs one whole answer each."""
        self._polls: dict[asyncio.Task[None], tuple[Visit, Seat]] = {}
        """Those under way, and what they hold."""
        self._saver = Together(self._write, most=SAVED_TOGETHER, coming=lambda: self.in_flight)
        self.in_flight = 0
        self.polls = 0

    def configure(self, concurrency: int, manners: Manners) -> None:
        """Work with these limits from now on; what is under way ends in the rooms where it began."""
        self._concurrency, self._hosts.manners = concurrency, manners
        self._rooms = Rooms(concurrency)

    def claim(self, setup: Setup, now: datetime) -> tuple[FeedState, ...]:
        """Lease the feeds that are due, as many as there is room for (blocking)."""
        room = self._concurrency * AHEAD - self.in_flight
        lease = LEASE + waits(self._hosts.manners.spacing)
        return self._store.claim_due_feeds(setup.situation, now, room, lease) if room > 0 else ()

    async def start(self, setup: Setup, states: Iterable[FeedState], now: datetime) -> None:
        """Take up leased feeds; those whose host is not free go back with the moment they may come."""
        back = list[tuple[str, str, datetime]]()
        for state in states:
            assert state.lease is not None
            feed = setup.feeds.get(state.feed_id)
            later = now + timedelta(minutes=1) if feed is None else self._enter(setup, feed, state, now)
            if later is not None:
                back.append((state.feed_id, state.lease, later))
        self._hosts.forget(now)
        if back:
            await asyncio.to_thread(self._store.postpone, back)

    @property
    def has_queue(self) -> bool:
        """Whether feeds were due and wait for their host's next moment, or for a seat among the slow."""
        return self._hosts.has_queue or self._slow_until > self._clock.now()

    def cancel(self) -> None:
        """Give up the polls under way: nothing of them is stored, and they are due as before."""
        for task in self._polls:
            task.cancel()

    def _enter(self, setup: Setup, feed: Feed, state: FeedState, now: datetime) -> datetime | None:
        slow = feed.id in self._dawdlers or (state.failure is not None and state.failure.kind in SLOW)
        if slow and self._rooms.free_slow_seats <= 0:
            self._slow_until = max(self._slow_until, now + SLOW_LATER) + SLOW_LATER / self._rooms.slow_seats
            return self._slow_until
        at = self._place(feed)
        later = self._hosts.enter(feed, at, now)
        if later is None:
            self.in_flight += 1
            seat = Seat(self._rooms, slow=slow)
            visit = Visit(
                feed, at, seat,
                fetcher=self._fetcher, hosts=self._hosts, clock=self._clock, long=feed.id in self._long_walkers,
            )  # fmt: skip
            task = self._tasks.create_task(self._run(setup, feed, state, visit, seat), name=f"poll {feed.id}")
            self._polls[task] = visit, seat
            task.add_done_callback(self._ended)
        return later

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Give back what a poll holds that was given up before it began."""
        visit, seat = self._polls.pop(task)
        visit.leave()
        seat.end()

    def _place(self, feed: Feed, leads_to: str | None = None) -> Place:
        """Return where a feed is asked; `leads_to` is what its last answer told of that."""
        known = self._places.get(feed.id)
        if known is None or known[0] != feed.url or leads_to not in {None, known[1]}:
            known = self._places[feed.id] = (feed.url, leads_to, place(feed, leads_to))
        return known[2]

    async def _run(self, setup: Setup, feed: Feed, state: FeedState, visit: Visit, seat: Seat) -> None:
        try:
            began = time.monotonic()
            result = await self._poll(feed, state, visit, seat)
            failure = result.state.failure
            if failure is not None and await self._network.is_to_blame(feed, failure, result.at, began=began):
                await self._give_back(state, result.at + OUTAGE_RETRY)
            else:
                await self._save(setup, feed, state, result)
        except StoreError as error:
            log.error("store unavailable, the feed is polled again when its lease ends", feed=feed.id, error=str(error))
        except asyncio.CancelledError:
            await self._give_back(state, state.due_at)
            raise
        except Exception:
            # a defect of ours with this one feed: loud, and the others go on
            log.exception("poll failed unexpectedly", feed=feed.id)
            await self._give_back(state, self._clock.now() + feed.pace)
        finally:
            self.in_flight -= 1
            self._on_change.set()

    async def _poll(self, feed: Feed, state: FeedState, visit: Visit, seat: Seat) -> PollResult:
        async with seat:
            result = await poll(
                feed,
                state,
                fetcher=visit,
                parser=self._parser,
                clock=self._clock,
                jitter=random.random(),
                pause=visit.turn,
                children=self._children.get(feed.id, NOTHING),
            )
        (self._dawdlers.add if seat.dawdled else self._dawdlers.discard)(feed.id)
        if visit.walked_long is not None:
            (self._long_walkers.add if visit.walked_long else self._long_walkers.discard)(feed.id)
        if result.answered_by is not None:
            self._place(feed, result.answered_by)
        return result

    async def _give_back(self, state: FeedState, due_at: datetime) -> None:
        assert state.lease is not None
        with contextlib.suppress(StoreError):  # the lease ends by itself too
            await asyncio.to_thread(self._store.postpone, [(state.feed_id, state.lease, due_at)])

    # --- commit A -------------------------------------------------------------------------------------------------

    async def _save(self, setup: Setup, feed: Feed, before: FeedState, result: PollResult) -> None:
        saved = await self._saver.put(result)
        self.polls += 1
        if not saved:
            log.warning("another process took this feed over, nothing was stored", feed=feed.id)
            return
        if result.children is not None:
            self._children[feed.id] = result.children
        if result.entries:
            self._on_entries.set()
        _log(feed, before, result)
        await self._rest_host(setup, feed, before, result)
        if result.state.gap and result.state.gaps > before.gaps:
            facts = {"what": "gap", "feed": feed.name, "detail": result.state.gap}
            await self._tell("Entries of a feed may have been missed", facts)

    def _write(self, results: Sequence[PollResult]) -> list[bool]:
        lost = self._store.save_polls(results)
        return [result.state.feed_id not in lost for result in results]

    async def _rest_host(self, setup: Setup, feed: Feed, before: FeedState, result: PollResult) -> None:
        """Let a whole host rest when it tells one of its own feeds that we ask too often; the longest rest is for that feed."""
        failure = result.state.failure or result.refusal
        if failure is None or failure.status != HTTPStatus.TOO_MANY_REQUESTS:
            return
        home = direct_address(before)
        domain = place(feed, failure.moved_to or result.answered_by or home).domains[-1]
        if domain not in place(feed, home).domains:
            return
        others = [
            each.id for each in setup.feeds.values() if each.id != feed.id and domain in self._place(each).domains
        ]
        if others:
            rest = min(failure.retry_after or feed.pace, HOST_REST)
            await asyncio.to_thread(self._store.put_off, others, result.at + rest)
            log.warning(
                "the host asks for rest, its other feeds wait too", host=domain, feeds=len(others), rest=str(rest)
            )


def _log(feed: Feed, before: FeedState, result: PollResult) -> None:
    """Log what a poll came to: news and changes of health; that nothing changed is no news."""
    state = result.state
    if state.failure is not None:
        log.warning(
            "feed failed",
            feed=feed.id,
            kind=state.failure.kind.value,
            failures=state.failures,
            reason=state.failure.reason,
            due=state.due_at.isoformat(),
        )
        return
    if before.failure is not None:
        log.info("feed recovered", feed=feed.id, after=before.failures, new=len(result.entries))
    elif result.entries:
        log.info("polled", feed=feed.id, new=len(result.entries), entries=state.entries)
    if state.gaps > before.gaps:
        log.warning("entries may have been missed", feed=feed.id, gap=state.gap)
    if before.pushed and not state.pushed:
        log.warning("a push was missed, the feed is polled as before", feed=feed.id)
