"""Watches the real service for hours of virtual time and prints what publishers have to complain about.

    python tests/conformance/score.py --hours 48

The service is a process of its own on a virtual clock; meanwhile it is restarted, killed, switched off, suspended, its clock is set
back, and somebody asks for a poll now. Exits 1 when any column but `visits` holds more than zeros, or a feed was hardly visited.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conformance.publisher import PACE, START, Publisher, publishing
from conformance.scoring import SPACING, Order, Score, judge

from monitor.replay.child import Child, Control
from monitor.service.control import ControlClient, socket_path

KILLS_APART = timedelta(minutes=4)
OFF, ASLEEP, SET_BACK = timedelta(hours=2), timedelta(minutes=50), timedelta(hours=7)
START_TAKES = timedelta(seconds=5)
"""True time between the end of a process and what the next one does."""

FEWEST_HOURS, FEWEST_VISITS = 6, 3


@dataclass(slots=True)
class Hand:
    """The true time, and how far the service's clock is from it."""

    now: datetime = START
    off: timedelta = timedelta(0)

    def service(self) -> datetime:
        """Return what the service's clock says."""
        return self.now + self.off


@dataclass(slots=True, kw_only=True)
class Run:
    """A service being watched."""

    hand: Hand
    publisher: Publisher
    child: Child
    kills: int
    orders: list[Order] = field(default_factory=list)

    async def until(self, end: datetime) -> None:
        """Let time pass from one due moment to the next."""
        while True:
            answer = await self.child.call("advance", to=self.hand.service().isoformat())
            assert answer is not None
            due = datetime.fromisoformat(answer["next_due"]) - self.hand.off if answer["next_due"] else end
            if self.hand.now >= end:
                return
            self.hand.now = min(max(due, self.hand.now), end)

    # --- what happens to it ---------------------------------------------------------------------------------------

    async def restart(self) -> None:
        """Stop it and start it again."""
        await self.child.stop()
        await self._start()

    async def kill(self) -> None:
        """Kill it, some times, with minutes between."""
        for _ in range(self.kills):
            await self.until(self.hand.now + KILLS_APART)
            self.child.shoot()
            await self.child.bury()
            await self._start()

    async def switch_off(self) -> None:
        """Have it switched off for some hours."""
        await self.child.stop()
        self.hand.now += OFF
        await self._start()

    async def suspend(self) -> None:
        """Let the machine sleep: the time is suddenly another, and everything is due."""
        self.hand.now += ASLEEP

    async def set_back(self) -> None:
        """Set its clock back while it is off."""
        await self.child.stop()
        self.hand.off -= SET_BACK
        await self._start()

    async def poll_now(self) -> None:
        """Somebody asks for all feeds at once, those that rest too."""
        await self.child.call("poll-now", feeds=sorted(self._all()))
        self.orders.append(Order(at=self.hand.now, feeds=self._all()))

    async def _start(self) -> None:
        self.hand.now += START_TAKES
        await self.child.start(self.hand.service())

    def _all(self) -> frozenset[str]:
        return frozenset(offer.name for offer in self.publisher.offers)


def events(run: Run) -> tuple[Callable[[], Awaitable[None]], ...]:
    """Return what happens to a service, one after the other."""
    return (run.restart, run.kill, run.suspend, run.poll_now, run.switch_off, run.set_back, run.poll_now)


def configure(place: Path, publisher: Publisher) -> None:
    """Write the service's files."""
    place.joinpath("monitor.yaml").write_text(
        f"situation: {{id: kz, name: Kazakhstan, zone: Asia/Almaty}}\nstore: {{data_dir: {place / 'data'}}}\n"
        "service: {contact: 'https://desk.example/contact'}\nhttp: {listen: none}\n"
        f"polling: {{host_spacing: {SPACING.total_seconds():.0f}s, per_host: 2}}\n"
    )
    pace = f"{PACE.total_seconds():.0f}s"
    rows = [
        {
            "id": offer.name,
            "name": offer.name,
            "url": offer.url,
            "pace": pace,
            "floor": pace,
            "allow_networks": ["127.0.0.0/8", "::1/128"],
            **({"authorization": offer.credentials} if offer.credentials else {}),
        }
        for offer in publisher.offers
    ]
    place.joinpath("feeds.yaml").write_text("feeds:\n" + "".join(f"- {json.dumps(row)}\n" for row in rows))
    place.joinpath("watches.yaml").write_text("watches:\n- {name: unrest, title: Unrest, any: [protest]}\n")


async def score(place: Path, hours: float, *, kills: int = 5) -> Score:
    """Watch a service in `place` for so many hours of its time, in which it is killed so often."""
    hand = Hand()
    async with AsyncExitStack() as stack:
        publisher = await stack.enter_async_context(publishing(lambda: hand.now))
        configure(place, publisher)

        async def connect(data_dir: Path) -> Control:
            return await ControlClient.connect(socket_path(data_dir))

        def command(now: datetime) -> list[str]:
            clock = ["--virtual-clock", now.isoformat()]
            return [sys.executable, "-m", "monitor", "run", "--config", str(place), *clock]

        child = Child(command, data_dir=place / "data", log=place / "service.log", connect=connect)
        stack.push_async_callback(child.aclose)
        run = Run(hand=hand, publisher=publisher, child=child, kills=kills)
        await child.start(hand.service())
        happening = events(run)
        quiet = (timedelta(hours=hours) - kills * KILLS_APART - OFF - ASLEEP) / (len(happening) + 1)
        for event in happening:
            await run.until(hand.now + quiet)
            await event()
        await run.until(hand.now + quiet)
        await child.stop()
        return judge(publisher.exchanges, publisher.offers, run.orders)


def is_good(score: Score) -> bool:
    """Tell whether nobody complains, and nobody was forgotten."""
    return score.total() == 0 and min(score.visits[name] for name in score.faults) >= FEWEST_VISITS


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=48)
    hours = parser.parse_args().hours
    if hours < FEWEST_HOURS:
        parser.error(f"what happens to the service takes {FEWEST_HOURS} hours at least")
    with tempfile.TemporaryDirectory(prefix="monitor-score-") as place:
        found = asyncio.run(score(Path(place), hours))
    print(found.table())  # noqa: T201 - what this program is for
    print("\n".join(found.found))  # noqa: T201
    print(f"{found.requests} requests in {hours:g} h of virtual time, {found.not_modified} of them answered by 304")  # noqa: T201
    return 0 if is_good(found) else 1


if __name__ == "__main__":
    sys.exit(main())
