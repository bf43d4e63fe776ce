"""Subscribing at hubs: who is subscribed where, renewed when, and told when a feed leaves.

Leases are renewed by APScheduler: its tick claims the look as a cron row once a minute, and one look finds all that is due in
the store (new hubs, failed requests, renewals, ended leases), so nothing of it lives in memory and a restart misses nothing.
What a hub is asked is stored before the request goes out: its verification may come before its answer (callback.py).

Ending a subscription at the hub is a courtesy and kept in memory only: after a crash its lease ends by itself. It is asked for
with the network permissions, the proxy and the name of the feed as it was at the last look; of a feed whose settings nobody
knows any more (it was removed while the service was down) the hub is not asked, and its pushes are not found.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import structlog

from monitor.errors import StoreError
from monitor.feeds import leases, websub
from monitor.model import Feed, FeedState, PushState, Subscription
from monitor.pipeline import Setup
from monitor.ports import Clock, Store
from monitor.service.hubs import Hubs

AT_ONCE = 8
"""Requests to hubs under way."""

PER_LOOK = 120
"""Hubs asked in one look: many feeds share a hub, and renewals have days of time."""

FAMILIAR = 20_000
"""Tokens remembered, so that strangers are told from hubs without the store."""

T = TypeVar("T")

log = structlog.get_logger("websub")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What one look into the store found to do."""

    asked: tuple[Subscription, ...]
    left: tuple[Subscription, ...]
    """To be ended at their hubs."""


class Subscriber:
    """The service's subscriptions, as they are kept at hubs and in the store."""

    def __init__(
        self,
        *,
        store: Store,
        hubs: Hubs,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        setup: Callable[[], Setup],
        on_change: asyncio.Event,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._store, self._hubs, self._clock, self._tasks, self._setup = store, hubs, clock, tasks, setup
        self._on_change, self._random = on_change, random
        self._changing = asyncio.Lock()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._requests: set[asyncio.Task[None]] = set()
        self._familiar: dict[str, None] = {}
        self._replaced: dict[str, Subscription] = {}
        """What is to be ended at its hub once the subscription with this token is active."""
        self._leaving: dict[str, tuple[Subscription, datetime]] = {}
        self._before: Mapping[str, Feed] = {}
        """The feeds as they were configured at the last look."""

    @property
    def in_flight(self) -> int:
        """Requests to hubs under way."""
        return len(self._requests)

    async def look(self, now: datetime) -> None:
        """Take up all that is due: to be called once a minute, and when a poll found a new hub. Requests go on in tasks."""
        self._forget(now)
        setup = self._setup()
        try:
            async with self._changing:
                found = await asyncio.to_thread(self._take_up, setup, now)
        except StoreError as error:
            log.error("store unavailable, hubs are asked later", error=str(error))
            return
        for subscription in found.left:
            self.leave(subscription, now)
        for subscription in found.asked:
            self._start(self._subscribe, subscription, setup.feeds[subscription.feed_id])
        self._before = setup.feeds

    def cancel(self) -> None:
        """Give up the requests under way: they are made again when their answer is overdue."""
        for task in self._requests:
            task.cancel()

    def is_familiar(self, token: str) -> bool:
        """Tell whether a token is one of ours as far as memory knows."""
        return token in self._familiar

    def leaving(self, token: str) -> Subscription | None:
        """Return the subscription with this token if its hub was asked to end it."""
        left = self._leaving.get(token)
        return left[0] if left else None

    async def find(self, token: str) -> Subscription | None:
        """Return the subscription with this token as stored."""
        subscription = await asyncio.to_thread(self._store.subscription, token)
        if subscription is not None:
            self._remember(token)
        return subscription

    async def change(self, token: str, step: Callable[[Subscription], tuple[Subscription, T]]) -> T | None:
        """Replace a subscription by what `step` makes of it, one at a time; return what else it says. None: there is none."""
        async with self._changing:
            before = await self.find(token)
            if before is None:
                return None
            after, said = step(before)
            if after != before:
                await asyncio.to_thread(self._store.save_subscription, after)
        if after.state is not before.state:
            await self._became(after)
        return said

    async def note(self, token: str, sentence: str) -> None:
        """Say at a subscription what is odd about it."""
        await self.change(token, lambda subscription: (replace(subscription, note=sentence), None))

    def leave(self, subscription: Subscription, now: datetime) -> None:
        """Ask a hub to end a subscription, once; its verification is then answered."""
        feed = self._setup().feeds.get(subscription.feed_id) or self._before.get(subscription.feed_id)
        if feed is None:
            log.info("hub not asked to end: how its feed may be reached is not known", feed=subscription.feed_id)
            return
        self._leaving[subscription.token] = (subscription, now)
        self._remember(subscription.token)
        self._start(self._unsubscribe, subscription, feed)

    # --- what is due ----------------------------------------------------------------------------------------------

    def _take_up(self, setup: Setup, now: datetime) -> _Found:
        """Find what is due and store what will be asked (blocking, under the lock)."""
        held: dict[str, list[Subscription]] = defaultdict(list)
        for subscription in self._store.subscriptions(setup.situation):
            held[subscription.feed_id].append(subscription)
            self._remember(subscription.token)
        configured = [state for state in self._store.feed_states(setup.situation) if state.feed_id in setup.feeds]
        states = {state.feed_id: state for state in configured if state.hub and state.topic}
        gone = [feed_id for feed_id in held if feed_id not in setup.feeds]
        left = list(self._store.drop_subscriptions(gone)) if gone else []
        for feed_id in held.keys() & setup.feeds.keys() - states.keys():
            left += self._end(held[feed_id], now)
        asked: list[Subscription] = []
        for feed_id, state in states.items():
            asked += self._take_up_feed(state, held[feed_id], now, room=len(asked) < PER_LOOK)
        self._end_silent(configured, held, now)
        return _Found(asked=tuple(asked), left=tuple(left))

    def _end(self, subscriptions: Iterable[Subscription], now: datetime) -> list[Subscription]:
        """End the living ones of a feed that names no hub any more; kept, for when another hub was asked is to be known."""
        living = [each for each in subscriptions if each.state in {PushState.PENDING, PushState.ACTIVE}]
        for each in living:
            self._store.save_subscription(replace(each, state=PushState.ENDED, next_at=None, lease_until=now))
        return living

    def _take_up_feed(
        self, state: FeedState, held: Sequence[Subscription], now: datetime, *, room: bool
    ) -> list[Subscription]:
        """Mark what is over; store and return the subscription to ask for, if one is due and there is room."""
        assert state.hub is not None
        assert state.topic is not None
        for subscription in leases.over(held, state.hub, state.topic, now):
            self._store.save_subscription(replace(subscription, state=PushState.ENDED, next_at=None))
        step = leases.next_step(held, state.hub, state.topic, now) if room else None
        if step is None:
            return []
        asked = self._begin(state, step.replaces, now) if isinstance(step, leases.Begin) else step.subscription
        asked = websub.asking(asked, now)
        self._store.save_subscription(asked)
        if isinstance(step, leases.Begin) and step.replaces is not None:
            self._store.save_subscription(replace(step.replaces, next_at=None))  # its renewal has begun
        return [asked]

    def _begin(self, state: FeedState, replaces: Subscription | None, now: datetime) -> Subscription:
        assert state.hub is not None
        assert state.topic is not None
        same = replaces is not None and (replaces.hub, replaces.topic) == (state.hub, state.topic)
        subscription = websub.pending(
            state.feed_id,
            state.hub,
            state.topic,
            now=now,
            random=self._random(2 * websub.RANDOM_BYTES),
            held=replaces.lease_until if replaces and same else None,
        )
        self._remember(subscription.token)
        if replaces is not None:
            self._replaced[subscription.token] = replaces
        return subscription

    def _end_silent(
        self, states: Iterable[FeedState], held: Mapping[str, Sequence[Subscription]], now: datetime
    ) -> None:
        """Poll feeds normally again, and at once, for which no hub pushes any more (case 107)."""
        silent = [
            state.feed_id
            for state in states
            if state.pushed and not (state.hub and any(leases.is_living(each, now) for each in held[state.feed_id]))
        ]
        if silent:
            self._store.end_pushes(silent, now)
            log.warning("no hub pushes these feeds any more, they are polled as before", feeds=silent[:10])

    # --- hubs -----------------------------------------------------------------------------------------------------

    def _start(
        self, ask: Callable[[Subscription, Feed], Awaitable[None]], subscription: Subscription, feed: Feed
    ) -> None:
        task = self._tasks.create_task(self._try(ask, subscription, feed), name=f"hub of {feed.id}")
        self._requests.add(task)
        task.add_done_callback(self._ended)

    async def _try(
        self, ask: Callable[[Subscription, Feed], Awaitable[None]], subscription: Subscription, feed: Feed
    ) -> None:
        """Ask a hub; a defect of ours with this one is loud, and the others go on."""
        try:
            async with self._slots:
                await ask(subscription, feed)
        except Exception:
            log.exception("asking a hub failed unexpectedly", feed=feed.id)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._requests.discard(task)
        self._on_change.set()

    async def _subscribe(self, asked: Subscription, feed: Feed) -> None:
        """Ask for a subscription that is stored as pending; what the store holds afterwards may be verified already."""
        refusal = await self._hubs.ask("subscribe", asked, feed)
        now = self._clock.now()

        def answered(subscription: Subscription) -> tuple[Subscription, None]:
            if refusal is None:
                return websub.accepted(subscription), None
            return websub.failed(subscription, refusal.reason, now, asked_to_wait=refusal.wait), None

        if refusal is None:
            log.info("hub asked", feed=asked.feed_id, attempts=asked.attempts)
        else:
            log.warning("hub failed", feed=asked.feed_id, attempts=asked.attempts, reason=refusal.reason)
        try:
            await self.change(asked.token, answered)
        except StoreError as error:
            log.error("store unavailable, the hub is asked again later", feed=asked.feed_id, error=str(error))

    async def _unsubscribe(self, left: Subscription, feed: Feed) -> None:
        refusal = await self._hubs.ask("unsubscribe", left, feed)
        log.info("hub asked to end", feed=left.feed_id, refused=refusal.reason if refusal else None)

    async def _became(self, subscription: Subscription) -> None:
        """Follow up on what a hub has just said about a subscription."""
        log.info("subscription", feed=subscription.feed_id, state=subscription.state.value, note=subscription.note)
        if subscription.state is PushState.ACTIVE:
            replaced = self._replaced.pop(subscription.token, None)
            if replaced is not None:
                self.leave(replaced, self._clock.now())
        elif subscription.state is PushState.DENIED:
            self._replaced.pop(subscription.token, None)

    def _remember(self, token: str) -> None:
        self._familiar[token] = None
        if len(self._familiar) > FAMILIAR:
            del self._familiar[next(iter(self._familiar))]

    def _forget(self, now: datetime) -> None:
        """Drop what hubs were asked to end and have not verified in time."""
        self._leaving = {
            token: (subscription, since)
            for token, (subscription, since) in self._leaving.items()
            if now - since < websub.VERIFY_WAIT
        }
