"""Poll: one feed, once. Fetch ▶ parse what is new ▶ catch up where something was missed ▶ what changes; commit A is the caller's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from monitor.feeds import polled
from monitor.feeds.asking import plan
from monitor.feeds.links import older
from monitor.feeds.rhythm import overlap
from monitor.model import Feed, FeedState, PollFailure, PollResult, Validators
from monitor.pipeline.catching_up import Children, NoTurnError, Pause, Reach, walk_back, with_children
from monitor.ports import Clock, Fetched, Fetcher, NotModified, Parser

NOTHING: Mapping[str, Validators] = MappingProxyType({})


async def poll(
    feed: Feed,
    state: FeedState,
    *,
    fetcher: Fetcher,
    parser: Parser,
    clock: Clock,
    jitter: float,
    pause: Pause = asyncio.sleep,
    children: Mapping[str, Validators] = NOTHING,
) -> PollResult:
    """Return what one poll changes. `jitter` in [0, 1) spreads what falls due together; `pause` waits before further documents.

    `children` is what the last poll that was saved returned as such: what an index of sitemaps is asked for its parts with.
    """
    asked = plan(state, clock.now())
    answer = await fetcher.fetch(feed, asked.validators, address=asked.address)
    if isinstance(answer, PollFailure):
        return polled.failed(feed, state, answer, now=clock.now(), jitter=jitter)
    if not isinstance(answer, Fetched) or polled.is_same_body(state, answer):
        return polled.unchanged(feed, state, asked, answer, now=clock.now(), jitter=jitter)
    parsed = await parser.parse(answer, known=state.known, whole=asked.whole, lane=asked.lane)
    if isinstance(parsed, PollFailure):
        return polled.failed(feed, state, parsed, now=clock.now(), jitter=jitter)
    reach, found = Reach(feed=feed, state=state, fetcher=fetcher, parser=parser, pause=pause), Children()
    home, more = answer, parsed.more
    if more:
        known = NOTHING if asked.audit else children
        answer, parsed, found = await with_children(reach, answer, parsed, known, clock.now())
    lies = polled.may_lie(state, asked, answer, parsed) and await _is_hidden(reach)
    shared = overlap(state, answer, parsed)
    way = older(parsed.head, answer.links, answer.url)
    caught = await walk_back(reach, answer, parsed) if polled.is_gap(state, asked, answer, shared, way) else None
    result = polled.read(
        feed, state, asked, answer, parsed,
        overlap=shared, caught=caught, lies=lies, refusal=found.refusal, now=clock.now(), jitter=jitter,
    )  # fmt: skip
    given = found.to_ask_with(children, more) if more else None
    return replace(result, answered_by=home.url, children=given)


async def _is_hidden(reach: Reach) -> bool:
    """Tell whether the server calls a document unchanged that has just changed (case 27)."""
    try:
        return isinstance(await reach.answer(None, reach.state.validators), NotModified)
    except NoTurnError:
        return False
