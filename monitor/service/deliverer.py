"""Delivering what is due: each channel has its own slots, so a slow one delays no other."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta

import structlog

from monitor.channels import retry
from monitor.errors import StoreError
from monitor.model import Attempt, Delivery, Endpoint
from monitor.pipeline.delivering import deliver, given_up, sent
from monitor.ports import Channel, Clock, Store

GRACE = timedelta(seconds=15)
"""What a lease lasts beyond the channel's own deadline."""

log = structlog.get_logger("deliver")


class Deliverer:
    """The deliver flow of one channel."""

    def __init__(
        self,
        channel: Channel,
        *,
        store: Store,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        on_change: asyncio.Event,
        tell: Callable[[str, Mapping[str, str]], Awaitable[None]],
    ) -> None:
        self.channel = channel
        self._store, self._clock, self._tasks, self._tell = store, clock, tasks, tell
        self._on_change = on_change
        self._saving = asyncio.Lock()
        self._leases: dict[str, str] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self.in_flight = 0
        self.sent = 0

    def claim(self, now: datetime) -> tuple[Delivery, ...]:
        """Lease what is due, as much as there is room for and the endpoint's health allows (blocking)."""
        free = self.channel.concurrency - self.in_flight
        if free <= 0:
            return ()
        endpoint = self._store.endpoint(self.channel.name)
        room = retry.allowance(endpoint, free=free, in_flight=self.in_flight, now=now)
        if room <= 0:
            return ()
        return self._store.claim_due_deliveries(self.channel.name, now, room, self.channel.deadline + GRACE)

    def start(self, deliveries: Iterable[Delivery]) -> None:
        """Take up leased deliveries. One that is being sent already keeps being sent, under its new lease.

        That happens when the wall clock is set forward: leases end by it, sends do not.
        """
        for delivery in deliveries:
            assert delivery.lease is not None
            known = delivery.id in self._leases
            self._leases[delivery.id] = delivery.lease
            if known:
                continue
            self.in_flight += 1
            self._idle.clear()
            self._tasks.create_task(self._run(delivery), name=f"deliver {delivery.id}")

    async def idle(self) -> None:
        """Wait until nothing is being sent."""
        await self._idle.wait()

    async def _run(self, delivery: Delivery) -> None:
        try:
            await self._deliver(delivery)
        except StoreError as error:
            log.error(
                "the outcome could not be stored, sent again when its lease ends", id=delivery.id, error=str(error)
            )
        except asyncio.CancelledError:
            raise
        except Exception:
            # a defect of ours with this one message: loud, its claims are bounded, the others go on
            log.exception("delivery failed unexpectedly", id=delivery.id, channel=self.channel.name)
        finally:
            del self._leases[delivery.id]
            self.in_flight -= 1
            if not self.in_flight:
                self._idle.set()
            self._on_change.set()

    async def _deliver(self, delivery: Delivery) -> None:
        before = await asyncio.to_thread(self._store.endpoint, self.channel.name)
        ended = retry.doomed(delivery, before, self._clock.now())
        if ended is not None:
            await self._save(delivery, ended, given_up(ended, self._clock.now()), before)
            return
        outcome, attempt = await deliver(delivery, self.channel, self._clock)
        self.sent += 1
        async with self._saving:
            before = await asyncio.to_thread(self._store.endpoint, self.channel.name)
            row, endpoint = retry.after(
                outcome, delivery, before, self.channel.schedule, self._clock.now(), random.random()
            )
            await self._save(delivery, row, attempt, endpoint)
        if said := retry.news(before, endpoint):
            log.warning("channel", channel=self.channel.name, news=said)
            await self._tell(said, _facts(before, endpoint))

    async def _save(self, claimed: Delivery, row: Delivery, attempt: Attempt, endpoint: Endpoint) -> None:
        lease = self._leases[claimed.id]
        audit = sent(row, attempt, endpoint)
        saved = await asyncio.to_thread(self._store.save_attempt, row, lease, attempt, endpoint, audit)
        log.info(
            "delivery",
            id=row.id,
            channel=self.channel.name,
            outcome=attempt.outcome,
            state=row.state.value,
            detail=attempt.detail,
            saved=saved,
        )


def _facts(before: Endpoint, endpoint: Endpoint) -> dict[str, str]:
    recovered = before.open and not endpoint.open and not endpoint.gone
    what = "channel_gone" if endpoint.gone else "channel_recovered" if recovered else "channel_failing"
    return {"what": what, "channel": endpoint.channel, "detail": endpoint.reason or ""}
