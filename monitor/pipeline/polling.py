"""Poll: one feed, once. Fetch ▶ parse ▶ what is new; commit A is the caller's, in a thread."""

from __future__ import annotations

from monitor.feeds import pace
from monitor.model import Feed, FeedState, PollFailure, PollResult
from monitor.ports import Clock, Fetched, Fetcher, Parser


async def poll(
    feed: Feed, state: FeedState, *, fetcher: Fetcher, parser: Parser, clock: Clock, jitter: float
) -> PollResult:
    """Return what one poll changes. `jitter` in [0, 1) spreads what falls due together."""
    audit = pace.wants_audit(state, clock.now())
    answer = await fetcher.fetch(feed, None if audit else state.validators)
    if isinstance(answer, PollFailure):
        return pace.failed(feed, state, answer, now=clock.now(), jitter=jitter)
    if not isinstance(answer, Fetched) or pace.is_same_body(state, answer):
        return pace.unchanged(feed, state, answer, now=clock.now(), jitter=jitter)
    parsed = await parser.parse(answer)
    if isinstance(parsed, PollFailure):
        return pace.failed(feed, state, parsed, now=clock.now(), jitter=jitter)
    return pace.read(feed, state, answer, parsed, now=clock.now(), jitter=jitter)
