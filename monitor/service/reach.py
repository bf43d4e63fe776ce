"""How others reach the service: the small HTTP server, and behind it the flow of pushes where hubs can reach it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.net.client import Http
from monitor.pipeline import Setup
from monitor.ports import Clock, Parser, Store
from monitor.service.callback import Callback
from monitor.service.health import Health
from monitor.service.hubs import Hubs
from monitor.service.pusher import Pusher
from monitor.service.subscriber import Subscriber

if TYPE_CHECKING:
    from monitor.service.app import Service
    from monitor.web import HttpServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushing:
    """The parts of the push flow."""

    subscriber: Subscriber
    pusher: Pusher
    callback: Callback

    @property
    def busy(self) -> bool:
        """Whether pushes wait or are read, or hubs are being asked."""
        return self.pusher.busy or self.subscriber.in_flight > 0


def pushing(
    *,
    public_url: str,
    contact: str | None,
    http: Http,
    store: Store,
    parser: Parser,
    clock: Clock,
    tasks: asyncio.TaskGroup,
    setup: Callable[[], Setup],
    on_entries: asyncio.Event,
    on_change: asyncio.Event,
) -> Pushing:
    """Return the push flow behind callbacks at `public_url`."""
    subscriber = Subscriber(
        store=store,
        hubs=Hubs(http, public_url=public_url, contact=contact),
        clock=clock,
        tasks=tasks,
        setup=setup,
        on_change=on_change,
    )
    pusher = Pusher(
        store=store,
        parser=parser,
        clock=clock,
        tasks=tasks,
        setup=setup,
        note=subscriber.note,
        on_entries=on_entries,
        on_change=on_change,
    )
    callback = Callback(subscriber=subscriber, pusher=pusher, store=store, clock=clock)
    return Pushing(subscriber=subscriber, pusher=pusher, callback=callback)


async def listen(service: Service, where: str) -> HttpServer:
    """Start the HTTP server; a `MonitorError` when the address cannot be had."""
    from monitor.web import HttpServer, make_app  # 10 MB that a service without a server does not need

    health = Health(last_tick=lambda: service.last_tick, store=service.store, clock=service.clock)
    server = HttpServer(where, make_app(health=health, callback=service.pushing.callback if service.pushing else None))
    await server.start()
    return server
