"""From a hub's POST to the delivery's row: how long it takes at so many pushes a second.

    .venv/bin/python tests/bench/push_latency.py [--rate 50] [--pushes 500] [--feeds 100]

Everything is real (HTTP server, SQLite file, parse workers, decider), and hub and service share one process, so the figures
are a little high. Times run from the moment the hub begins to send to the moment the delivery's row is committed.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import structlog

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from support.push_desk import PushDesk, push_desk, rss


@dataclass(slots=True)
class Watch:
    """When each push was sent, answered, and told."""

    sent: dict[str, float] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)
    told: dict[str, float] = field(default_factory=dict)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rate", type=float, default=50.0)
    options.add_argument("--pushes", type=int, default=500)
    options.add_argument("--feeds", type=int, default=100)
    given = options.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(run(Path(place), given.rate, given.pushes, given.feeds))


async def run(place: Path, rate: float, pushes: int, feeds: int) -> None:
    names = tuple(f"paper{number}" for number in range(feeds))
    watch = Watch()
    async with push_desk(place, names=names, reads=True, on_alerts=lambda alerts: noted(watch, alerts)) as desk:
        for name in names:
            desk.found(name, topic=f"https://{name}.example/feed")
        while len([held for held in desk.hub.held.values() if held.verified]) < feeds:
            await desk.look()
        held = list(desk.hub.held.values())
        await push(desk, held[0], rss(("warm", "A protest that warms up")), "warm", watch)
        await desk.read()
        started, cpu = time.perf_counter(), time.process_time()
        async with asyncio.TaskGroup() as tasks:
            for number in range(pushes):
                await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
                title = f"Protest number {number} in town {number * 7919}"
                tasks.create_task(push(desk, held[number % feeds], rss((f"n{number}", title)), title, watch))
        await desk.read()
        took, used = time.perf_counter() - started, time.process_time() - cpu
        rows = len(desk.store.deliveries(limit=10_000))
    watch.sent.pop("warm")
    print(
        f"{pushes} pushes at {rate:g}/s over {feeds} feeds: {took:.1f} s, {used / pushes * 1000:.1f} ms CPU a push here"
    )
    show("answered 202", [watch.answered[title] - watch.sent[title] for title in watch.sent])
    show("delivery row", [watch.told[title] - watch.sent[title] for title in watch.sent if title in watch.told])
    print(f"alerts told {len(watch.told)}, delivery rows {rows}")


async def push(desk: PushDesk, held: object, body: bytes, title: str, watch: Watch) -> None:
    watch.sent[title] = time.perf_counter()
    said = await desk.hub.push(held, body)  # type: ignore[arg-type]
    assert said.status == 202, said.status
    watch.answered[title] = time.perf_counter()


def noted(watch: Watch, alerts: object) -> None:
    """The decider has committed: alerts and their deliveries are rows now."""
    for alert in alerts:  # type: ignore[attr-defined]
        watch.told[alert.headline] = time.perf_counter()


def show(what: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    p50, p99 = (ordered[int((len(ordered) - 1) * share)] * 1000 for share in (0.5, 0.99))
    print(f"{what:14} p50 {p50:7.1f} ms   p99 {p99:7.1f} ms   worst {ordered[-1] * 1000:7.1f} ms   n {len(ordered)}")


if __name__ == "__main__":
    main()
