"""Our own network: when it is down, that is one event, and no feed is to blame (conformance case 71).

Problem: an outage of the line makes all feeds fail within minutes; feeds that had never failed then rest for hours (what users of
other readers suffer). Choice: a feed that cannot be reached is believed to be at fault only when somebody else can be: another
publisher answered a moment ago, or one of a few other hosts takes a connection now (a connection only: nothing is asked, no
publisher is polled early). Otherwise the network is down: polls are given back as they were, nobody is asked, and a connection
is tried every few seconds until one stands.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import structlog

from monitor.model import FailureKind, Feed, PollFailure
from monitor.net.client import Http
from monitor.service.hosts import place

UNREACHABLE = frozenset({FailureKind.DNS, FailureKind.CONNECT, FailureKind.TIMEOUT, FailureKind.TLS})
"""Failures that our own network can be the cause of."""

FRESH = 10.0
"""Seconds for which an answer of anybody proves that the network is up."""

DOUBTFUL = 2
"""Hosts that may fail since the last answer before it proves nothing any more."""

WITNESSES = 3
"""Other hosts that are tried."""

PATIENCE = timedelta(seconds=5)
"""For a connection to a witness."""

PROBE_EVERY = 5.0
"""Seconds between looks while it is down."""

log = structlog.get_logger("network")


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
        self._answered = -FRESH
        self._failing = set[str]()
        """Domains that could not be reached since the last answer."""
        self._judging = asyncio.Lock()
        self._watching: asyncio.Task[None] | None = None
        self.down_since: datetime | None = None

    def answered(self) -> None:
        """Note that a publisher answered."""
        self._answered = time.monotonic()
        self._failing.clear()

    def close(self) -> None:
        """Stop looking whether the network is back."""
        if self._watching is not None:
            self._watching.cancel()

    async def is_to_blame(self, feed: Feed, failure: PollFailure, now: datetime) -> bool:
        """Tell whether a failed poll is our network's fault and not the feed's."""
        if failure.kind not in UNREACHABLE or failure.status is not None:
            return False
        async with self._judging:  # many fail at once: the first finds out for all
            if self.down_since is not None:
                return True
            domain = place(feed).domain
            self._failing.add(domain)
            if time.monotonic() - self._answered < FRESH and len(self._failing) <= DOUBTFUL:
                return False
            witnesses = self._witnesses(domain)
            if not witnesses or await self._any(witnesses):
                return False
            self.down_since = now
            self._watching = self._tasks.create_task(self._watch(now), name="network watch")
            log.error("nobody can be reached: the network of this machine is down, polling waits", tried=len(witnesses))
            return True

    async def _watch(self, since: datetime) -> None:
        """Try until somebody can be reached again."""
        while not await self._any(self._witnesses(None)):  # noqa: ASYNC110 - nobody tells us, we have to look
            await asyncio.sleep(PROBE_EVERY)
        self.down_since = self._watching = None
        log.info("the network is back, polling goes on", since=since.isoformat())
        await self._on_back(since)

    def _witnesses(self, besides: str | None) -> list[Feed]:
        """Return some feeds of other domains, one for each."""
        by_domain = {place(feed).domain: feed for feed in self._feeds().values()}
        others = [feed for domain, feed in by_domain.items() if domain != besides]
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
                    self.answered()
                    return True
            return False
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
