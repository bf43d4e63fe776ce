"""Our own network: when it is down, that is one event, and no feed is to blame (conformance case 71).

Problem: an outage of the line makes all feeds fail within minutes; feeds that had never failed then rest for hours (what users of
other readers suffer). Choice: a feed that cannot be reached is believed to be at fault only when somebody else can be reached
after it failed: another publisher answers within a few seconds, or one of a few other hosts, or at last its own, takes a connection
then (a connection only: nothing is asked, no publisher is polled early). Until that is known its poll waits, unsaved, and holds up
nobody. Otherwise the network is down: polls are given back as they were, also those that began before it was back, nobody is asked,
and a connection is tried every few seconds until one stands. A host in a permitted network or behind a proxy proves nothing of the
line: it counts only where there are too few others. Refused: believing an answer from before the failure, which blames the first
feeds of every outage.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import structlog

from monitor.model import FailureKind, Feed, PollFailure, Validators
from monitor.net.client import Http
from monitor.ports import Fetched, Fetcher, NotModified
from monitor.service.hosts import place

UNREACHABLE = frozenset({FailureKind.DNS, FailureKind.CONNECT, FailureKind.TIMEOUT, FailureKind.TLS})
"""Failures that our own network can be the cause of."""

HEARD = 5.0
"""Seconds in which an answer of anybody spares the looking: busy services hear one in much less."""

ON_ITS_WAY = 1.0
"""Seconds for which answers may still arrive that were sent before the line broke."""

WITNESSES = 3
"""Other hosts that are tried; so many domains, asked directly in the public network, are enough not to count any other."""

PATIENCE = timedelta(seconds=5)
"""For a connection to a witness."""

PROBE_EVERY = 5.0
"""Seconds between looks while it is down."""

log = structlog.get_logger("network")


class Hearing:
    """A fetcher that tells the network of each answer the moment it came."""

    def __init__(self, fetcher: Fetcher, network: Network) -> None:
        self._fetcher, self._network = fetcher, network

    async def fetch(
        self, feed: Feed, validators: Validators | None, *, address: str | None = None, redirects: bool = True
    ) -> Fetched | NotModified | PollFailure:
        """See `ports.Fetcher`."""
        answer = await self._fetcher.fetch(feed, validators, address=address, redirects=redirects)
        if not isinstance(answer, PollFailure) or answer.status is not None:
            self._network.answered(feed)
        return answer


class Network:
    """Knows whether this machine reaches anybody. `feeds` gives those whose hosts may be witnesses; `on_back` is told since when it was down."""

    def __init__(
        self,
        http: Http,
        *,
        feeds: Callable[[], Mapping[str, Feed]],
        tasks: asyncio.TaskGroup,
        on_back: Callable[[datetime], Awaitable[None]],
    ) -> None:
        self._http, self._feeds, self._tasks, self._on_back = http, feeds, tasks, on_back
        self._known: Mapping[str, Feed] | None = None
        self._by_domain: dict[str, Feed] = {}
        self._all_count = True
        self._heard = asyncio.Event()
        self._answered = self._back = -math.inf
        """When somebody answered last, and when the last outage was over; monotonic."""
        self._judging = asyncio.Lock()
        self._watching: asyncio.Task[None] | None = None
        self.down_since: datetime | None = None

    def answered(self, feed: Feed) -> None:
        """Note that a publisher answered."""
        if self._proves(feed):
            self._note()

    def _note(self) -> None:
        self._answered = time.monotonic()
        self._heard.set()

    def close(self) -> None:
        """Stop looking whether the network is back."""
        if self._watching is not None:
            self._watching.cancel()

    async def is_to_blame(self, feed: Feed, failure: PollFailure, now: datetime, *, began: float) -> bool:
        """Tell whether a failed poll is our network's fault and not the feed's; takes some seconds to be sure.

        `began` is when the poll did, monotonic. What began while the network was down failed with it.
        """
        witnesses = self._witnesses(place(feed).domain)
        if failure.kind not in UNREACHABLE or failure.status is not None or not witnesses:
            return False
        failed_at = time.monotonic()
        if began < self._back or not self._proves(feed):
            return began < self._back or self.down_since is not None
        if self.down_since is None and await self._is_heard_after(failed_at):
            return False
        async with self._judging:  # many fail at once: the first finds out for all
            if self.down_since is not None or began < self._back:
                return True
            if self._answered > failed_at + ON_ITS_WAY or await self._any(witnesses) or await self._any([feed]):
                return False
            self.down_since = now
            self._watching = self._tasks.create_task(self._watch(now), name="network watch")
            log.error("nobody can be reached: the network of this machine is down, polling waits", tried=len(witnesses))
            return True

    async def _is_heard_after(self, failed_at: float) -> bool:
        """Tell whether somebody answers soon, with what was on its way before aside."""
        try:
            async with asyncio.timeout(HEARD):
                await asyncio.sleep(ON_ITS_WAY)
                while self._answered <= failed_at + ON_ITS_WAY and self.down_since is None:
                    self._heard.clear()
                    await self._heard.wait()
        except TimeoutError:
            return False
        return self.down_since is None

    async def _watch(self, since: datetime) -> None:
        """Try until somebody can be reached again."""
        while not await self._any(self._witnesses(None)):  # noqa: ASYNC110 - nobody tells us, we have to look
            await asyncio.sleep(PROBE_EVERY)
        self.down_since = self._watching = None
        self._back = time.monotonic()
        log.info("the network is back, polling goes on", since=since.isoformat())
        await self._on_back(since)

    def _look_up(self) -> None:
        """Learn who may be a witness, once for each configuration."""
        feeds = self._feeds()
        if feeds is self._known:
            return
        direct = {place(feed).domain: feed for feed in feeds.values() if _goes_out_directly(feed)}
        self._known, self._all_count = feeds, len(direct) < WITNESSES
        self._by_domain = {place(feed).domain: feed for feed in feeds.values()} if self._all_count else direct

    def _proves(self, feed: Feed) -> bool:
        """Tell whether reaching a feed's host proves that the network works."""
        self._look_up()
        return self._all_count or _goes_out_directly(feed)

    def _witnesses(self, besides: str | None) -> list[Feed]:
        """Return some feeds of other domains, one for each."""
        self._look_up()
        others = [feed for domain, feed in self._by_domain.items() if domain != besides]
        return random.sample(others, min(WITNESSES, len(others)))

    async def _any(self, feeds: list[Feed]) -> bool:
        """Tell whether one of these hosts takes a connection."""
        asked = [
            asyncio.create_task(
                self._http.reaches(feed.url, deadline=PATIENCE, allow_networks=feed.allow_networks, proxy=feed.proxy)
            )
            for feed in feeds
        ]
        try:
            for answer in asyncio.as_completed(asked):
                if await answer:
                    self._note()
                    return True
            return False
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)


def _goes_out_directly(feed: Feed) -> bool:
    """Tell whether a feed's host is a public one that is asked through nobody."""
    return feed.proxy is None and not feed.allow_networks
