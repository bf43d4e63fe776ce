"""Who takes long holds up nobody who does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from monitor.pipeline.catching_up import NoTurnError
from monitor.service import rooms
from monitor.service.rooms import QUEUE, Rooms, Seat

Test = Callable[[Rooms, asyncio.TaskGroup], Awaitable[None]]


def played(seats: int, test: Test) -> None:
    async def run() -> None:
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            await test(Rooms(seats), tasks)

    asyncio.run(run())


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def walk(held: Rooms, going: list[int], number: int, end: asyncio.Event, *, long: bool = False) -> None:
    async with Seat(held, slow=False) as mine:
        await mine.walk(long=long)
        await mine.walk(long=long)  # its seat is its own until the end
        going.append(number)
        await end.wait()
        going.remove(number)


def test_polls_that_ask_for_further_documents_leave_all_seats_to_the_others_and_take_turns_in_a_room_of_their_own() -> (
    None
):
    async def test(held: Rooms, tasks: asyncio.TaskGroup) -> None:
        going, end = list[int](), asyncio.Event()
        walks = [tasks.create_task(walk(held, going, number, end)) for number in range(6)]
        await settled()
        assert going == [0, 1, 2, 3]
        async with Seat(held, slow=False), Seat(held, slow=False), Seat(held, slow=False), Seat(held, slow=False):
            assert held.polls.locked()
            assert going == [0, 1, 2, 3]
        end.set()
        await asyncio.gather(*walks)
        assert (held.walks.inside, held.walks._seats._value, held.polls.locked()) == (0, 4, False)

    played(4, test)


def test_long_walks_however_many_keep_no_other_walk_waiting() -> None:
    async def test(held: Rooms, tasks: asyncio.TaskGroup) -> None:
        going, end = list[int](), asyncio.Event()
        for number in range(1 + QUEUE):
            tasks.create_task(walk(held, going, number, end, long=True))
            await settled()
        with pytest.raises(NoTurnError):
            await walk(held, going, 99, end, long=True)
        assert going == [0]
        tasks.create_task(walk(held, going, 7, end))
        await settled()
        assert going == [0, 7]
        end.set()

    played(4, test)


def test_a_walk_that_becomes_a_long_one_gives_its_seat_to_the_next() -> None:
    async def test(held: Rooms, tasks: asyncio.TaskGroup) -> None:
        async with Seat(held, slow=True) as mine:
            assert held.free_slow_seats == 0
            await mine.walk(long=False)
            assert (held.walks.inside, held.long_walks.inside, held.free_slow_seats) == (1, 0, 1)
            await mine.walk(long=True)
            assert (held.walks.inside, held.long_walks.inside) == (0, 1)
        assert (held.walks.inside, held.long_walks.inside, held.free_slow_seats) == (0, 0, 1)

    played(4, test)


def test_walks_beyond_the_queue_do_not_begin() -> None:
    async def test(held: Rooms, tasks: asyncio.TaskGroup) -> None:
        going, end = list[int](), asyncio.Event()
        for number in range(4 * (1 + QUEUE)):
            tasks.create_task(walk(held, going, number, end))
            await settled()
        with pytest.raises(NoTurnError):
            await walk(held, going, 99, end)
        assert not held.polls.locked()
        end.set()

    played(1, test)


def test_a_walk_that_is_cancelled_while_it_waits_gives_everything_back() -> None:
    async def test(held: Rooms, tasks: asyncio.TaskGroup) -> None:
        going, end = list[int](), asyncio.Event()
        first, second = (tasks.create_task(walk(held, going, number, end, long=True)) for number in range(2))
        await settled()
        for task in (second, first):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert (held.long_walks.inside, held.long_walks._seats._value, held.polls.locked()) == (0, 1, False)

    played(1, test)


def test_a_poll_that_takes_long_gives_its_seat_to_the_next_the_very_first_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "DAWDLED", 0.01)

    async def test(held: Rooms, tasks: asyncio.TaskGroup) -> None:
        async with Seat(held, slow=False) as slow_one:
            async with Seat(
                held, slow=False
            ) as other:  # there is one seat: this one waits until the other has stood up
                assert (slow_one.dawdled, other.dawdled) == (True, False)
            assert not held.polls.locked()

    played(1, test)


def test_a_slow_poll_keeps_its_place_among_the_slow_while_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "DAWDLED", 0.0)

    async def test(held: Rooms, tasks: asyncio.TaskGroup) -> None:
        async with Seat(held, slow=True) as mine:
            await settled()
            assert mine.dawdled
            assert (held.free_slow_seats, held.polls.locked()) == (0, False)
        assert held.free_slow_seats == 1

    played(1, test)
