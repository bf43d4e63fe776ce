"""A send under way and the clock: a lease that ends by the wall clock does not make a second send."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from support.values import alert, delivery

from monitor.model import Delivered
from monitor.service.clock import VirtualClock
from monitor.service.deliverer import Deliverer
from monitor.store import open_store

NOW = datetime(2022, 1, 5, 12, tzinfo=UTC)


class Slow:
    """A channel whose one send ends when it is let."""

    name, kind, deadline, concurrency = "mail", "slow", timedelta(seconds=20), 4
    schedule = (timedelta(seconds=5),)
    recipients = ()

    def __init__(self):
        self.sends, self.begun, self.go = [], asyncio.Event(), asyncio.Event()

    async def send(self, delivery, *, now):
        self.sends.append(delivery.id)
        self.begun.set()
        await self.go.wait()
        return Delivered(detail="taken")


def test_a_clock_set_forward_while_sending_makes_no_second_send_and_the_outcome_is_kept():
    async def run():
        store = open_store("sqlite://")
        store.migrate()
        row = replace(delivery(), channel="mail", due_at=NOW)
        store.add_alerts([alert()], [row], [])
        channel, clock = Slow(), VirtualClock(NOW)

        async def tell(_headline, _facts):
            raise AssertionError("nothing to tell")

        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            deliverer = Deliverer(channel, store=store, clock=clock, tasks=tasks, on_change=asyncio.Event(), tell=tell)
            deliverer.start(deliverer.claim(clock.now()))
            await channel.begun.wait()
            clock.move_to(NOW + timedelta(days=1))
            again = deliverer.claim(clock.now())
            deliverer.start(again)
            channel.go.set()
            await deliverer.idle()
        found, attempts = store.delivery(row.id)
        store.close()
        return len(again), channel.sends, found.state, len(attempts)

    assert asyncio.run(run()) == (1, ["d1"], "delivered", 1)
