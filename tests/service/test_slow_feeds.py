"""Feeds that were slow the last time fill no room that others need."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from support.feeds import NOW, a_feed, a_state

from monitor.model import FailureKind, PollFailure
from monitor.service.hosts import Manners
from monitor.service.poller import SLOW_LATER, Poller


class Hanging:
    """Stands for fetcher, store, clock and network: a fetch never ends, and nothing else matters."""

    def __init__(self) -> None:
        self.back = list[str]()

    async def fetch(self, *_: Any, **__: Any) -> Any:
        await asyncio.Event().wait()

    def postpone(self, given: Any) -> None:
        self.back += [feed_id for feed_id, _, _ in given]

    def now(self) -> Any:
        return NOW


def test_slow_feeds_beyond_their_share_come_back_later_and_the_others_start() -> None:
    async def run() -> tuple[dict[str, timedelta | None], int, bool]:
        world: Any = Hanging()
        manners = Manners(per_host=9, per_domain=9, spacing=timedelta(0))
        async with asyncio.TaskGroup() as tasks:
            poller = Poller(
                store=world, fetcher=world, parser=world, clock=world, network=world, tasks=tasks, concurrency=4,
                manners=manners, on_entries=asyncio.Event(), on_change=asyncio.Event(), tell=world,
            )  # fmt: skip
            slow = PollFailure(kind=FailureKind.TIMEOUT, reason="It took too long.")
            due = {f"slow{n}": slow for n in range(5)} | {f"well{n}": None for n in range(3)}
            setup: Any = None
            later = {
                name: poller._enter(
                    setup, a_feed(f"https://{name}.kz/", id=name), a_state(feed_id=name, failure=failure), NOW
                )
                for name, failure in due.items()
            }
            started, queue = poller.in_flight, poller.has_queue
            await asyncio.sleep(0)
            poller.cancel()
        return {name: moment and moment - NOW for name, moment in later.items()}, started, queue

    waits, started, queue = asyncio.run(run())
    assert [waits[f"slow{n}"] for n in range(5)] == [None] + [SLOW_LATER * n for n in range(2, 6)]  # there is one seat
    assert [waits[f"well{n}"] for n in range(3)] == [None, None, None]
    assert (started, queue) == (4, True)
