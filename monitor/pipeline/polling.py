"""Poll: one feed, once. Fetch ▶ parse what is new ▶ catch up where something was missed ▶ what changes; commit A is the caller's."""

from __future__ import annotations

import asyncio

from monitor.feeds import polled
from monitor.feeds.asking import plan
from monitor.feeds.rhythm import overlap
from monitor.model import Feed, FeedState, PollFailure, PollResult
from monitor.pipeline.catching_up import Pause, Reach, walk_back, with_children
from monitor.ports import Clock, Fetched, Fetcher, Parser


async def poll(
    feed: Feed,
    state: FeedState,
    *,
    fetcher: Fetcher,
    parser: Parser,
    clock: Clock,
    jitter: float,
    pause: Pause = asyncio.sleep,
) -> PollResult:
    """Return what one poll changes. `jitter` in [0, 1) spreads what falls due together; `pause` waits between older documents."""
    asked = plan(state, clock.now())
    answer = await fetcher.fetch(feed, asked.validators, address=asked.address)
    if isinstance(answer, PollFailure):
        return polled.failed(feed, state, answer, now=clock.now(), jitter=jitter)
    if not isinstance(answer, Fetched) or polled.is_same_body(state, answer):
        return polled.unchanged(feed, state, asked, answer, now=clock.now(), jitter=jitter)
    parsed = await parser.parse(answer, known=state.known, whole=asked.whole, lane=asked.lane)
    if isinstance(parsed, PollFailure):
        return polled.failed(feed, state, parsed, now=clock.now(), jitter=jitter)
    reach = Reach(feed=feed, state=state, fetcher=fetcher, parser=parser, pause=pause)
    if parsed.more:
        answer, parsed = await with_children(reach, answer, parsed, clock.now())
    found = overlap(state, answer, parsed)
    caught = await walk_back(reach, answer, parsed) if polled.is_gap(state, asked, answer, found) else None
    return polled.read(feed, state, asked, answer, parsed, overlap=found, caught=caught, now=clock.now(), jitter=jitter)
