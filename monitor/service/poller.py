"""Polling due feeds: claims them, keeps them apart by host, and never lets one wait for another.

A feed whose host is busy waits in a short queue of that host; beyond that it goes back into the store with a later due time,
so a host with hundreds of slow feeds takes neither the slots nor the memory of the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog

from monitor.errors import StoreError
from monitor.model import Feed, FeedState, PollResult
from monitor.pipeline import Setup, poll
from monitor.ports import Clock, Fetcher, Parser, Store

LEASE = timedelta(minutes=10)
"""A poll ends within its deadlines (30 s fetching, 30 s parsing) and the host's queue before it; this is far beyond."""

QUEUE = 4
"""Feeds that wait for one host, for each of its slots."""

HOST_BUSY = timedelta(seconds=10)
"""When a feed comes back whose host had no room."""

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
        tasks: asyncio.TaskGroup,
        concurrency: int,
        per_host: int,
        on_entries: asyncio.Event,
        on_change: asyncio.Event,
    ) -> None:
        self._store, self._fetcher, self._parser, self._clock = store, fetcher, parser, clock
        self._tasks, self._concurrency, self._per_host = tasks, concurrency, per_host
        self._on_entries, self._on_change = on_entries, on_change
        self._hosts: dict[str, asyncio.Semaphore] = {}
        self._waiting: Counter[str] = Counter()
        self._polls: set[asyncio.Task[None]] = set()
        self.in_flight = 0
        self.polls = 0

    def claim(self, setup: Setup, now: datetime) -> tuple[FeedState, ...]:
        """Lease the feeds that are due, as many as there is room for (blocking)."""
        room = self._concurrency - self.in_flight
        return self._store.claim_due_feeds(setup.situation, now, room, LEASE) if room > 0 else ()

    async def start(self, setup: Setup, states: Iterable[FeedState], now: datetime) -> None:
        """Take up leased feeds."""
        for state in states:
            await self._take(setup, state, now)

    async def _take(self, setup: Setup, state: FeedState, now: datetime) -> None:
        feed = setup.feeds.get(state.feed_id)
        assert state.lease is not None
        host = urlsplit(feed.url).netloc.rpartition("@")[2].lower() if feed else ""
        if feed is None or self._waiting[host] >= self._per_host * (1 + QUEUE):
            await asyncio.to_thread(self._store.postpone, state.feed_id, state.lease, now + HOST_BUSY)
            return
        self.in_flight += 1
        self._waiting[host] += 1
        task = self._tasks.create_task(self._run(feed, state, host), name=f"poll {feed.id}")
        self._polls.add(task)
        task.add_done_callback(self._polls.discard)

    def cancel(self) -> None:
        """Give up the polls under way: nothing of them is stored, and they are due as before."""
        for task in self._polls:
            task.cancel()

    async def _run(self, feed: Feed, state: FeedState, host: str) -> None:
        slots = self._hosts.setdefault(host, asyncio.Semaphore(self._per_host))
        try:
            async with slots:
                result = await poll(
                    feed,
                    state,
                    fetcher=self._fetcher,
                    parser=self._parser,
                    clock=self._clock,
                    jitter=random.random(),
                )
            await self._save(feed, state, result)
        except StoreError as error:
            log.error("store unavailable, the feed is polled again when its lease ends", feed=feed.id, error=str(error))
        except asyncio.CancelledError:
            assert state.lease is not None
            with contextlib.suppress(StoreError):  # the lease ends by itself too
                await asyncio.to_thread(self._store.postpone, feed.id, state.lease, state.due_at)
            raise
        except Exception:
            # a defect of ours with this one feed: loud, and the others go on
            log.exception("poll failed unexpectedly", feed=feed.id)
            assert state.lease is not None
            await asyncio.to_thread(self._store.postpone, feed.id, state.lease, self._clock.now() + feed.pace)
        finally:
            self.in_flight -= 1
            self._waiting[host] -= 1
            if not self._waiting[host]:
                del self._waiting[host], self._hosts[host]
            self._on_change.set()

    async def _save(self, feed: Feed, before: FeedState, result: PollResult) -> None:
        saved = await asyncio.to_thread(self._store.save_poll, result)
        self.polls += 1
        state = result.state
        if not saved:
            log.warning("another process took this feed over, nothing was stored", feed=feed.id)
            return
        if result.entries:
            self._on_entries.set()
        if state.failure is not None:
            log.warning(
                "feed failed",
                feed=feed.id,
                kind=state.failure.kind.value,
                failures=state.failures,
                reason=state.failure.reason,
                due=state.due_at.isoformat(),
            )
        elif before.failure is not None:
            log.info("feed recovered", feed=feed.id, after=before.failures, new=len(result.entries))
        else:
            log.info("polled", feed=feed.id, new=len(result.entries), entries=state.entries)
