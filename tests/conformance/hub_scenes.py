"""Scenes with a hub, our HTTP server and a desk that is pushed: for the WebSub cases."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from conformance.desk import page
from support.push_desk import PushDesk, push_desk

from monitor.model import Subscription

T = TypeVar("T")
ATOM = 'xmlns="http://www.w3.org/2005/Atom"'
HUB = "https://hub.example/"
PROTEST = ("p1", "Protest in Almaty over fuel prices")


def document(hub: str | None = HUB, itself: str | None = None, names: str = "a") -> bytes:
    links = {"hub": hub, "self": itself}
    return page(names, channel="".join(f'<link {ATOM} rel="{rel}" href="{to}"/>' for rel, to in links.items() if to))


def play(
    place: Path, scene: Callable[[PushDesk], Awaitable[T]], *, secure: bool = True, reads: bool = False, names: tuple[str, ...] = ("paper",)
) -> T:  # fmt: skip
    """Let a hub, our server and a desk play a scene."""

    async def run() -> T:
        async with asyncio.timeout(60), push_desk(place, secure=secure, reads=reads, names=names) as desk:
            return await scene(desk)

    return asyncio.run(run())


def the_one(desk: PushDesk) -> Subscription:
    (subscription,) = desk.store.subscriptions("kz")
    return subscription
