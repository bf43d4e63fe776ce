import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from monitor.errors import ScenarioError
from monitor.replay.clock import Hand
from monitor.replay.driver import Driver, Pacing, Progress, window
from monitor.replay.kills import Gun, Shot, plan
from monitor.replay.publishers import Publishers
from monitor.replay.scenario import Kill, Stop

PACE = timedelta(minutes=10)


async def get(url: str) -> None:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(f"GET {parts.path} HTTP/1.1\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


class FakeChild:
    """A service in a few lines: polls every feed every ten minutes, and can be shot in the middle of it."""

    def __init__(self, publishers: Publishers) -> None:
        self.publishers = publishers
        self.log: list[tuple[str, datetime]] = []
        self.starts = self.kills = self.polls = 0
        self.killed = False
        self.due: datetime | None = None
        self.on_poll: Callable[[], None] = lambda: None

    async def start(self, now: datetime) -> None:
        self.log.append(("start", now))
        self.starts += 1
        self.polls, self.killed = 0, False
        self.due = self.due or now

    async def call(self, op: str, **fields: Any) -> dict[str, Any] | None:
        assert op == "advance"
        now = datetime.fromisoformat(fields["to"])
        self.log.append(("advance", now))
        assert self.due is not None
        if now >= self.due:
            for desk in self.publishers.desks.values():
                await get(desk.url)
                self.polls += 1
                self.on_poll()
                if self.killed:
                    return None
            self.due = now + PACE + timedelta(milliseconds=300)
        return {
            "next_due": self.due.isoformat(),
            "alerts": [],
            "counts": {"polls": self.polls, "sent": 0, "entries": 0},
        }

    def shoot(self) -> None:
        self.killed = True
        self.kills += 1

    async def bury(self) -> None:
        self.log.append(("bury", self.publishers._hand.now))

    async def stop(self) -> None:
        self.log.append(("stop", self.publishers._hand.now))


def play(scenario: Any, **options: Any) -> tuple[FakeChild, list[Progress], list[str], Publishers]:
    """Play a scenario with the fake service; `prepare(child, driver)` may plant something first."""
    steps: list[Progress] = []
    events: list[str] = []
    prepare = options.pop("prepare", lambda child, driver: None)

    async def run() -> tuple[FakeChild, Publishers]:
        hand = Hand(scenario.start)
        async with Publishers(scenario, hand) as publishers:
            child = FakeChild(publishers)
            driver = Driver(
                scenario,
                start=scenario.start,
                end=scenario.end,
                hand=hand,
                publishers=publishers,
                child=child,  # type: ignore[arg-type]
                pending=options.pop("pending", lambda: 0),
                pacing=options.pop("pacing", Pacing()),
                on_progress=steps.append,
                on_event=events.append,
                **options,
            )
            prepare(child, driver)
            await asyncio.wait_for(driver.play(), 20)
        return child, publishers

    child, publishers = asyncio.run(run())
    return child, steps, events, publishers


def test_the_clock_goes_from_one_due_moment_to_the_next_in_whole_seconds_and_to_the_end(make: Any) -> None:
    scenario = make.scenario(make.entry("a", 3), lasts=timedelta(minutes=25))
    child, steps, _, publishers = play(scenario)
    moments = [at for what, at in child.log if what == "advance"]
    second = timedelta(seconds=1)
    assert moments == [make.at(0), make.at(10) + second, make.at(20) + 2 * second, make.at(25)]
    assert child.log[-1] == ("stop", make.at(25))
    assert publishers.desks["bell"].first_shown == {("a", 1): make.at(10) + second}
    assert [step.polls for step in steps] == [1, 2, 3, 3]


def test_the_run_goes_on_after_the_end_until_everything_was_read(make: Any) -> None:
    scenario = make.scenario(make.entry("a", 24), lasts=timedelta(minutes=25))
    child, *_, publishers = play(scenario)
    assert publishers.desks["bell"].first_shown.keys() == {("a", 1)}
    assert child.log[-1][1] == make.at(30) + timedelta(seconds=3)


def test_the_run_goes_on_while_deliveries_wait_but_not_for_ever(make: Any) -> None:
    waiting = [1, 1, 0]
    child, *_ = play(make.scenario(lasts=timedelta(minutes=5)), pending=lambda: waiting.pop(0) if waiting else 0)
    assert child.log[-1][1] > make.at(15)
    child, *_ = play(make.scenario(lasts=timedelta(minutes=5)), pending=lambda: 1)
    assert timedelta(hours=30) < child.log[-1][1] - make.at(5) < timedelta(hours=31)


def test_a_stopped_service_is_started_again_at_its_time_and_the_clock_passes_without_it(make: Any) -> None:
    stop = Stop(start=make.at(12), end=make.at(55))
    child, steps, events, publishers = play(
        make.scenario(make.entry("a", 20), faults=(stop,), lasts=timedelta(hours=1))
    )
    assert ("stop", make.at(12)) in child.log
    assert ("start", make.at(55)) in child.log
    assert not [at for what, at in child.log if what == "advance" and make.at(12) < at < make.at(55)]
    assert publishers.desks["bell"].first_shown[("a", 1)] == make.at(55)
    assert [event.split(" is ")[1][:7] for event in events] == ["stopped", "started"]
    assert [step.polls for step in steps] == sorted(step.polls for step in steps)


def test_a_killed_service_is_started_again_and_works_the_same_moment_off(make: Any) -> None:
    def shoot_once(child: FakeChild, driver: Driver) -> None:
        child.on_poll = lambda: child.shoot() if child.kills == 0 and driver._hand.now > make.at(5) else None

    child, steps, events, publishers = play(
        make.scenario(make.entry("a", 3), lasts=timedelta(minutes=25)), prepare=shoot_once
    )
    assert child.kills == 1
    assert child.starts == 2
    at = make.at(10) + timedelta(seconds=1)
    assert [what for what, when in child.log if when == at] == ["advance", "bury", "start", "advance"]
    assert publishers.desks["bell"].is_read(make.at(25))
    assert "killed" in events[0]
    assert [step.polls for step in steps] == [1, 2, 3, 3]


def test_the_run_waits_until_a_service_killed_at_the_very_end_has_read_again(make: Any) -> None:
    def shoot_at_the_end(child: FakeChild, driver: Driver) -> None:
        def shoot() -> None:
            if child.kills == 0 and driver._hand.now >= make.at(10):
                child.shoot()
                child.due = make.at(40)  # the poll that was cut off comes again when its lease has ended

        child.on_poll = shoot

    scenario = make.scenario(make.entry("a", 3), lasts=timedelta(minutes=10, seconds=1))
    child, *_ = play(scenario, prepare=shoot_at_the_end)
    assert child.log[-1] == ("stop", make.at(40))


def test_a_kill_of_the_scenario_is_carried_out_at_its_time(make: Any) -> None:
    class Slow(FakeChild):
        async def call(self, op: str, **fields: Any) -> dict[str, Any] | None:
            answer = await super().call(op, **fields)
            if datetime.fromisoformat(fields["to"]) >= make.at(12) and not self.kills:
                await shot.wait()
            return None if self.killed else answer

        def shoot(self) -> None:
            super().shoot()
            shot.set()

    async def run() -> FakeChild:
        scenario = make.scenario(faults=(Kill(moments=(make.at(12),)),), lasts=timedelta(minutes=25))
        hand = Hand(scenario.start)
        async with Publishers(scenario, hand) as publishers:
            child = Slow(publishers)
            driver = Driver(
                scenario, start=scenario.start, end=scenario.end, hand=hand, publishers=publishers, child=child,  # type: ignore[arg-type]
                pending=lambda: 0, pacing=Pacing(),
            )  # fmt: skip
            await asyncio.wait_for(driver.play(), 20)
            assert driver.gun.left == 0
        return child

    shot = asyncio.Event()
    child = asyncio.run(run())
    assert (child.kills, child.starts) == (1, 2)
    assert ("start", make.at(20) + timedelta(seconds=2)) in child.log


def test_speed_keeps_virtual_and_real_time_together(make: Any) -> None:
    began = time.monotonic()
    play(make.scenario(lasts=timedelta(minutes=1)), pacing=Pacing(speed=200))
    assert 0.3 <= time.monotonic() - began < 10


def test_a_service_that_waits_for_nothing_still_sees_time_pass(make: Any) -> None:
    class Idle(FakeChild):
        async def call(self, op: str, **fields: Any) -> dict[str, Any] | None:
            answer = await super().call(op, **fields)
            return {**answer, "next_due": None} if answer else None

    async def run() -> FakeChild:
        scenario = make.scenario(lasts=timedelta(minutes=5))
        hand = Hand(scenario.start)
        async with Publishers(scenario, hand) as publishers:
            child = Idle(publishers)
            driver = Driver(
                scenario, start=scenario.start, end=scenario.end, hand=hand, publishers=publishers, child=child,  # type: ignore[arg-type]
                pending=lambda: 0, pacing=Pacing(),
            )  # fmt: skip
            await asyncio.wait_for(driver.play(), 20)
        return child

    child = asyncio.run(run())
    assert child.log[-1] == ("stop", make.at(5))


def test_a_window_lies_within_the_scenario(make: Any) -> None:
    scenario = make.scenario(lasts=timedelta(hours=2))
    assert window(scenario, None, None) == (make.at(0), make.at(120))
    assert window(scenario, make.at(10), make.at(20)) == (make.at(10), make.at(20))
    for start, end in ((make.at(-1), None), (None, make.at(121)), (make.at(20), make.at(20))):
        with pytest.raises(ScenarioError, match="is no part of it"):
            window(scenario, start, end)


def test_the_same_seed_gives_the_same_campaign(make: Any) -> None:
    first = plan(50, 7, make.at(0), make.at(600))
    assert first == plan(50, 7, make.at(0), make.at(600))
    assert first != plan(50, 8, make.at(0), make.at(600))
    assert list(first) == sorted(first, key=lambda shot: shot.at)
    assert {shot.trigger for shot in first} == {"advance", "news", "email", "webhook"}


def test_a_gun_fires_after_its_trigger_once_its_time_has_come(make: Any) -> None:
    async def run() -> list[int]:
        fired: list[int] = []
        shot = asyncio.Event()

        def shoot() -> None:
            fired.append(gun.left)
            shot.set()

        gun = Gun((Shot(at=make.at(10), trigger="email", delay=timedelta()),), shoot)
        gun.trigger("email", make.at(9))
        gun.trigger("advance", make.at(11))
        assert gun.left == 1
        gun.trigger("email", make.at(12))
        await asyncio.wait_for(shot.wait(), 5)
        gun.trigger("email", make.at(13))
        return fired

    assert asyncio.run(run()) == [0]


def test_a_shot_whose_trigger_never_comes_goes_off_when_the_next_is_due(make: Any) -> None:
    async def run() -> int:
        shot = asyncio.Event()
        shots = tuple(Shot(at=make.at(minute), trigger="email", delay=timedelta()) for minute in (10, 20))
        gun = Gun(shots, shot.set)
        gun.trigger("advance", make.at(15))
        assert gun.left == 2
        gun.trigger("advance", make.at(20))
        await asyncio.wait_for(shot.wait(), 5)
        return gun.left

    assert asyncio.run(run()) == 1


def test_a_held_shot_does_not_go_off(make: Any) -> None:
    async def run() -> None:
        fired = asyncio.Event()
        gun = Gun((Shot(at=make.at(10), trigger="advance", delay=timedelta()),), fired.set)
        gun.trigger("advance", make.at(10))
        gun.hold()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(fired.wait(), 0.05)

    asyncio.run(run())
