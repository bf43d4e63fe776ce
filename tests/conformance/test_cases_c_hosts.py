"""Conformance cases 39-41 and 43-45: pace over restarts, clocks that jump, and hosts with many feeds."""

from __future__ import annotations

import asyncio
import socket
import time
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conformance.desk import Desk, days, hours, minutes, page, seconds
from conformance.running import watching
from support.http_server import Answer, Request, reply

from monitor.service.app import run_once

PACE = minutes(5)
NEWS = {"news": {"path": "/feed"}}


def serve_well(desk: Desk, path: str = "/feed") -> None:
    """Let the publisher give a document with a validator, and honour it."""

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        asked = request.header("if-none-match")
        await (reply(304) if asked else reply(200, page("a"), {"ETag": '"1"'}))(request, writer)

    desk.serve(answer, path=path)


def apart(times: list[datetime]) -> list[timedelta]:
    return [later - earlier for earlier, later in pairwise(sorted(times))]


# --- restarts and clocks ----------------------------------------------------------------------------------------------


def test_case_039_restarts_do_not_change_the_spacing(desk: Desk, tmp_path: Path) -> None:
    serve_well(desk)
    with watching(desk, tmp_path) as service:
        service.configure(NEWS)
        for _ in range(8):
            service.start()
            service.advance(minutes(3))
            service.stop()
    assert len(desk.times()) == 5
    assert min(apart(desk.times())) >= PACE
    assert desk.sent("if-none-match", "/feed") == [None, *['"1"'] * 4]


def test_case_039_a_kill_leaves_the_due_time_as_it_was(desk: Desk) -> None:
    serve_well(desk)
    for _ in range(20):
        desk.poll()
        desk.house.store.release_leases()  # what a service does at its start
        assert desk.rest() == PACE
    assert set(apart(desk.times())) == {PACE}


@pytest.mark.parametrize("jump", [-days(1), -hours(20), -days(400), days(1)], ids=str)
def test_case_040_a_clock_that_jumps_while_the_service_is_off_means_neither_burst_nor_silence(
    desk: Desk, tmp_path: Path, jump: timedelta
) -> None:
    serve_well(desk)
    with watching(desk, tmp_path) as service:
        service.configure(NEWS)
        service.start()
        service.advance(minutes(12))
        service.stop()
        desk.requests.clear()
        desk.advance(jump)
        service.start()
        service.advance(hours(1))
    assert 10 <= len(desk.times()) <= 12
    assert min(apart(desk.times())) >= PACE


@pytest.mark.parametrize("jump", [-days(1), days(1)], ids=str)
def test_case_040_a_clock_that_jumps_while_the_service_runs_moves_what_is_due_along(
    desk: Desk, jump: timedelta
) -> None:
    serve_well(desk)
    desk.poll()
    desk.advance(jump)
    desk.store.shift_due(desk.situation, jump)  # what the service's lookout does
    assert desk.rest() == PACE


def test_case_041_after_a_long_sleep_each_feed_is_caught_up_with_once(desk: Desk, tmp_path: Path) -> None:
    names = [f"n{number}" for number in range(6)]
    for name in names:
        serve_well(desk, f"/{name}")
    with watching(desk, tmp_path) as service:
        service.configure({name: {} for name in names}, polling="host_spacing: 1s")
        service.start()
        service.advance(minutes(12))
        desk.requests.clear()
        desk.advance(hours(8))  # nothing runs meanwhile
        service.advance(minutes(4))
    assert [len(desk.times(f"/{name}")) for name in names] == [1] * 6
    assert min(apart([time for name in names for time in desk.times(f"/{name}")])) >= seconds(1)


# --- hosts ------------------------------------------------------------------------------------------------------------


def test_case_043_a_first_start_spreads_its_requests(desk: Desk, tmp_path: Path) -> None:
    names = [f"n{number}" for number in range(60)]
    serve_well(desk, "*")
    with watching(desk, tmp_path) as service:
        service.configure({name: {} for name in names}, polling="host_spacing: 1s")
        service.start()
        service.advance(minutes(2))
    times = [time for name in names for time in desk.times(f"/{name}")]
    assert len(times) == 60
    assert min(apart(times)) >= seconds(1)
    assert max(times) - min(times) <= seconds(75)


def test_case_043_new_limits_follow_a_reload(desk: Desk, tmp_path: Path) -> None:
    names = ["n0", "n1", "n2"]
    serve_well(desk, "*")
    with watching(desk, tmp_path) as service:
        service.configure({name: {} for name in names}, polling="host_spacing: 0s")
        service.start()
        service.advance(minutes(1))
        service.configure({name: {} for name in names}, polling="host_spacing: 40s")
        service.call("reload")
        desk.requests.clear()
        service.advance(minutes(8))
    times = [time for name in names for time in desk.times(f"/{name}")]
    assert len(times) == 3
    assert min(apart(times)) >= seconds(40)


def test_case_043_polling_once_keeps_the_spacing_of_a_host(desk: Desk, tmp_path: Path) -> None:
    times = list[float]()

    async def stamped(request: Request, writer: asyncio.StreamWriter) -> None:
        times.append(time.monotonic())
        await reply(200, page("a"))(request, writer)

    desk.serve(stamped, path="*")
    with watching(desk, tmp_path) as service:
        service.configure({name: {} for name in ("n0", "n1", "n2")}, polling="host_spacing: 1s")
        done = desk.run(run_once(service.settings()))
    assert (done["polls"], len(times)) == (3, 3)
    assert min(later - earlier for earlier, later in pairwise(times)) >= 0.95  # a request is on its way for a moment


def test_case_043_a_host_sees_two_requests_at_a_time_at_most(desk: Desk, tmp_path: Path) -> None:
    inside, most, both = 0, 0, asyncio.Event()

    async def crowded(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        if inside == 2:
            both.set()
        await asyncio.wait_for(both.wait(), 10)
        await reply(200, page("a"))(request, writer)
        inside -= 1
        if not inside:
            both.clear()

    names = [f"n{number}" for number in range(8)]
    desk.serve(crowded, path="*")
    with watching(desk, tmp_path) as service:
        service.configure({name: {} for name in names}, polling="host_spacing: 0s, per_host: 2, per_domain: 8")
        service.start()
        desk.advance(minutes(4))  # all are due at once
        service.advance(minutes(1))
    assert len({request.path for request in desk.requests} - {"/hook"}) == 8
    assert most == 2


@pytest.fixture(name="blogs")
def blogs_fixture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name below blogs.example is this machine."""
    real = socket.getaddrinfo

    def resolved(host: Any, *args: Any, **kwargs: Any) -> Any:
        return real("127.0.0.1" if str(host).endswith(".blogs.example") else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)


def test_case_044_feeds_of_one_domain_take_turns_and_none_starves(desk: Desk, tmp_path: Path, blogs: None) -> None:
    names = [f"b{number}" for number in range(40)]
    port = desk.server.port
    serve_well(desk, "*")
    with watching(desk, tmp_path) as service:
        feeds = {name: {"url": f"http://{name}.blogs.example:{port}/{name}"} for name in names}
        service.configure(feeds, polling="host_spacing: 15s")  # 40 feeds, 15 s, 5 min: twice what fits
        service.start()
        service.advance(minutes(35))
    asked = [(time, name) for name in names for time in desk.times(f"/{name}")]
    assert min(apart([time for time, _ in asked])) >= seconds(15)
    assert {len(desk.times(f"/{name}")) for name in names} <= {3, 4}
    rounds = [name for _, name in sorted(asked)]
    assert len(set(rounds[:40])) == 40
    assert len(set(rounds[40:80])) == 40


# --- check now --------------------------------------------------------------------------------------------------------


def asked_now(desk: Desk, place: Path, answer: Answer, *, force: bool = False) -> tuple[dict[str, Any], Desk]:
    """Poll a feed, then ask for it again a minute later; return the service's answer."""
    desk.serve(reply(200, page("a"), {"ETag": '"1"'}), answer, reply(304))
    with watching(desk, place) as service:
        service.configure(NEWS)
        service.start()
        service.advance(minutes(6))
        desk.requests.clear()
        service.advance(minutes(1))
        said = service.call("poll-now", feeds=["news"], force=force)
        service.advance()
    return said, desk


def test_case_045_check_now_is_one_conditional_request(desk: Desk, tmp_path: Path) -> None:
    said, _ = asked_now(desk, tmp_path, reply(304))
    assert (said["feeds"], said["resting"]) == (1, {})
    assert desk.sent("if-none-match", "/feed") == ['"1"']


@pytest.mark.parametrize("force", [False, True])
def test_case_045_check_now_is_allowed_once_within_a_floor_and_within_max_age(
    desk: Desk, tmp_path: Path, force: bool
) -> None:
    desk.serve(reply(200, page("a"), {"ETag": '"1"', "Cache-Control": "max-age=3600"}), reply(304))
    with watching(desk, tmp_path) as service:
        service.configure(NEWS)
        service.start()
        service.advance(minutes(1.5))
        first = service.call("poll-now", feeds=["news"])
        service.advance(seconds(1))
        again = service.call("poll-now", feeds=["news"], force=force)
        service.advance(seconds(58))
    assert first["resting"] == {}
    assert ("floor" in again["resting"].get("news", "")) is not force
    assert len(desk.times()) == 2 + force


@pytest.mark.parametrize(("force", "requests"), [(False, 0), (True, 1)])
def test_case_045_check_now_respects_retry_after_unless_forced(
    desk: Desk, tmp_path: Path, force: bool, requests: int
) -> None:
    said, _ = asked_now(desk, tmp_path, reply(429, headers={"Retry-After": "7200"}), force=force)
    assert len(desk.times()) == requests
    assert ("news" in said["resting"]) is not force
