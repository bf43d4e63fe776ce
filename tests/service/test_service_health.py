from __future__ import annotations

import asyncio
import threading
import time

import pytest
from support.push_desk import Hands
from support.stores import databases_fixture, migrated_file_fixture, store_fixture, store_url_fixture  # noqa: F401 - fixtures

from monitor.errors import StoreBroken, StoreError
from monitor.service import health
from monitor.service.health import Health
from monitor.service.together import Together


def ask(store, last_tick=time.monotonic):
    return asyncio.run(Health(last_tick=last_tick, store=store, clock=Hands())())


def test_a_service_that_ticks_and_writes_is_well(store):
    assert ask(store) == ()


def test_a_tick_that_is_late_is_said_in_seconds(store):
    assert ask(store, lambda: time.monotonic() - 25) == ("Nothing was taken up for 25 s.",)


def test_a_store_that_cannot_be_written_is_said_with_the_reason(store, monkeypatch):
    def broken(*_):
        raise StoreBroken("the disk is full")

    monkeypatch.setattr(store, "set_flag", broken)
    assert ask(store) == ("The store cannot be written: the disk is full",)


def test_a_store_that_does_not_answer_is_not_waited_for(store, monkeypatch):
    free = threading.Event()
    monkeypatch.setattr(health, "PATIENCE", 0.05)
    monkeypatch.setattr(store, "set_flag", lambda *_: free.wait(10))

    async def scene():
        try:
            return await Health(last_tick=time.monotonic, store=store, clock=Hands())()
        finally:
            free.set()

    assert asyncio.run(scene()) == ("The store did not take a write within 0.05 s.",)


# --- writing together -------------------------------------------------------------------------------------------------


def test_what_comes_while_one_writes_is_written_in_one_go_and_in_order():
    batches = []

    def write(items):
        batches.append(list(items))
        return [item * 10 for item in items]

    async def scene():
        together = Together(write)
        return await asyncio.gather(*(together.put(number) for number in range(200)))

    assert asyncio.run(scene()) == [number * 10 for number in range(200)]
    assert [item for batch in batches for item in batch] == list(range(200))
    assert len(batches) == 4


def test_a_write_that_fails_fails_for_all_that_were_in_it_and_for_nobody_else():
    def write(items):
        if 13 in items:
            raise StoreBroken("the disk is full")
        return items

    async def scene():
        together = Together(write)
        first = await asyncio.gather(*map(together.put, (12, 13, 14)), return_exceptions=True)
        return [type(said) for said in first], await together.put(2)

    assert asyncio.run(scene()) == ([StoreBroken] * 3, 2)


def test_whoever_gives_up_waiting_while_it_is_written_disturbs_nobody():
    here, free = threading.Event(), threading.Event()

    def write(items):
        if 2 in items:
            here.set()
            free.wait(10)
        return items

    async def scene():
        together = Together(write)
        first, second, third = (asyncio.ensure_future(together.put(number)) for number in (1, 2, 3))
        await asyncio.to_thread(here.wait, 10)
        second.cancel()
        free.set()
        return await first, await third, second.cancelled(), await together.put(4)

    assert asyncio.run(scene()) == (1, 3, True, 4)


def test_when_writing_is_given_up_whoever_waits_is_told():
    here, free = threading.Event(), threading.Event()

    def write(items):
        here.set()
        free.wait(10)
        return items

    async def scene():
        together = Together(write)
        waiting = asyncio.ensure_future(together.put(1))
        await asyncio.to_thread(here.wait, 10)
        (writer,) = (task for task in asyncio.all_tasks() if task.get_name() == "writer")
        writer.cancel()
        with pytest.raises(StoreError, match="given up"):
            await waiting
        free.set()

    asyncio.run(scene())


def test_a_write_waits_a_moment_for_what_is_on_its_way():
    batches = []

    async def scene():
        together = Together(lambda items: batches.append(list(items)) or items, coming=lambda: 2)
        first = asyncio.ensure_future(together.put(1))
        await asyncio.sleep(0)
        return await asyncio.gather(first, together.put(2))

    assert asyncio.run(scene()) == [1, 2]
    assert batches == [[1, 2]]
