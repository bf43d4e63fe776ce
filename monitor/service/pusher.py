"""Reading what hubs pushed, the moment it is stored; what a killed service left is read at the next start.

Pushes of one feed are read in order, feeds beside each other, in the same workers and within the same limits as polls. Feeds take
turns, one push each, however many one of them has waiting: a hostile document holds up its own feed only. What cannot be read
is dropped with a note at its subscription, and its feed is polled on.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence

import structlog

from monitor.errors import StoreError
from monitor.model import FailureKind, Feed, FeedState, Push, PushResult
from monitor.pipeline import Setup
from monitor.pipeline.pushing import ReadPush, read_push
from monitor.ports import Clock, Parser, Store
from monitor.service.together import Together

AT_ONCE = 16
"""Pushes in memory, each of another feed: up to 3 MiB each."""

BACKLOG = 8
"""Pushes of one feed that may wait; a hub that is told to wait sends again."""

RETRY_STORE = 1.0
"""Seconds before pushes are taken up again when the store is unavailable."""

DEFECT = "A push could not be read for a defect of this program; see its log."

log = structlog.get_logger("push")


class Pusher:
    """The push flow of the service."""

    def __init__(
        self,
        *,
        store: Store,
        parser: Parser,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        setup: Callable[[], Setup],
        note: Callable[[str, str], Awaitable[None]],
        on_entries: asyncio.Event,
        on_change: asyncio.Event,
    ) -> None:
        self._store, self._parser, self._clock, self._tasks, self._setup = store, parser, clock, tasks, setup
        self._note, self._on_entries, self._on_change = note, on_entries, on_change
        self._arrived = asyncio.Event()
        self._arrived.set()  # what a killed service left
        self._reading: set[str] = set()
        self._served: set[str] = set()
        """Feeds that had their turn in this round."""
        self._aside: set[str] = set()
        """Feeds whose pushes wait for the next one to come, after a defect of ours."""
        self._waiting: Counter[str] = Counter()
        self._suspects: set[str] = set()
        """Feeds whose last push killed its worker."""
        self._saver = Together(self._save)
        self._looking = False
        self.pushes = 0

    @property
    def busy(self) -> bool:
        """Whether pushes wait or are being read."""
        return self._looking or self._arrived.is_set() or bool(self._reading)

    def has_room(self, feed_id: str) -> bool:
        """Tell whether another push of a feed may be stored."""
        return self._waiting[feed_id] < BACKLOG

    def arrived(self, feed_id: str) -> None:
        """A push of this feed was stored."""
        self._waiting[feed_id] += 1
        self._aside.discard(feed_id)
        self._arrived.set()

    async def run(self) -> None:
        """Read pushes for as long as the service runs, beginning with what waits from before."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            self._looking = True
            try:
                await self._look()
            except StoreError as error:
                log.error("store unavailable, pushes wait", error=str(error))
                await asyncio.sleep(RETRY_STORE)
                self._arrived.set()
            finally:
                self._looking = False
                self._on_change.set()

    async def _look(self) -> None:
        """Start reading the next push of each feed whose turn it is, as many as there is room for; the end of each looks again."""
        self._start(await self._waiting_without(self._served))
        if self._served and len(self._reading) < AT_ONCE:  # the others had their turn: the next round
            self._served.clear()
            self._start(await self._waiting_without(self._served))

    async def _waiting_without(self, these: Collection[str]) -> tuple[Push, ...]:
        room = AT_ONCE - len(self._reading)
        if room <= 0:
            return ()
        without = {*these, *self._reading, *self._aside}
        return await asyncio.to_thread(self._store.waiting_pushes, self._setup().situation, room, without)

    def _start(self, pushes: Iterable[Push]) -> None:
        for push in pushes:
            self._reading.add(push.feed_id)
            self._served.add(push.feed_id)
            self._tasks.create_task(self._take(push), name=f"push {push.feed_id}")

    async def _take(self, push: Push) -> None:
        try:
            await self._read(push)
        except StoreError as error:
            log.error("store unavailable, pushes wait", feed=push.feed_id, error=str(error))
            await asyncio.sleep(RETRY_STORE)
        except Exception:
            # a defect of ours with this one feed: loud, and the others go on
            log.exception("taking a push in failed unexpectedly", feed=push.feed_id)
            self._aside.add(push.feed_id)
        finally:
            self._reading.discard(push.feed_id)
            self._arrived.set()
            self._on_change.set()

    async def _read(self, push: Push) -> None:
        feed = self._setup().feeds.get(push.feed_id)
        state = await asyncio.to_thread(self._store.feed_state, push.feed_id)
        dropped = ReadPush(result=PushResult(push=push))
        read = dropped if feed is None or state is None else await self._try(push, feed, state)
        saved = await self._saver.put(read.result)
        self._waiting -= Counter({push.feed_id: 1})
        if not saved:
            return
        self.pushes += 1
        if read.result.entries:
            self._on_entries.set()
        if read.note is None:
            log.info("pushed", feed=push.feed_id, new=len(read.result.entries))
        else:
            log.warning("push dropped", feed=push.feed_id, reason=read.note)
            await self._note(push.token, read.note)

    async def _try(self, push: Push, feed: Feed, state: FeedState) -> ReadPush:
        """Read a push; one that we cannot read for a defect of ours is loud and dropped: its feed is polled."""
        try:
            read = await read_push(
                push,
                feed,
                state,
                topic=state.topic or feed.url,
                parser=self._parser,
                now=self._clock.now(),
                suspect=push.feed_id in self._suspects,
            )
        except Exception:
            log.exception("reading a push failed unexpectedly", feed=feed.id)
            return ReadPush(result=PushResult(push=push), note=DEFECT)
        if read.failure is FailureKind.PARSER_KILLED:
            self._suspects.add(feed.id)
        else:
            self._suspects.discard(feed.id)
        return read

    def _save(self, results: Sequence[PushResult]) -> list[bool]:
        """Commit A of pushes that were read meanwhile (blocking); tell of each whether it was ours."""
        taken = self._store.save_pushes(results, self._clock.now())
        return [result.push.seq not in taken for result in results]
