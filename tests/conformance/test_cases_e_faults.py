"""Conformance cases 70, 71 and 73: faults, our own network, health."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conformance.desk import NOON, Desk, days, hours, minutes, page, seconds
from conformance.running import watching
from support.feeds import a_feed
from support.http_server import Answer, FakeServer, hang, reply, reset, vanish
from support.push_desk import serving

from monitor.feeds import health
from monitor.feeds.fetch import HttpFetcher
from monitor.model import FailureKind
from monitor.net.client import Http
from monitor.service import network
from monitor.service.hosts import Manners
from monitor.service.network import Network
from monitor.service.poller import Poller

GOOD = reply(200, page("a"), {"ETag": '"1"'})


# --- faults -----------------------------------------------------------------------------------------------------------

FAULTS: dict[str, tuple[Answer, FailureKind]] = {
    "500": (reply(500), FailureKind.SERVER_ERROR),
    "502": (reply(502), FailureKind.SERVER_ERROR),
    "504": (reply(504), FailureKind.SERVER_ERROR),
    "408": (reply(408), FailureKind.TIMEOUT),
    "silence": (hang(), FailureKind.TIMEOUT),
    "reset": (reset(), FailureKind.PROTOCOL),
    "closed": (vanish(), FailureKind.PROTOCOL),
}


def is_never_given_up(desk: Desk, polls: int = 12) -> None:
    found = desk.rests(polls)
    assert (max(found), found[-1]) == (hours(1), hours(1))
    assert desk.state().failures == polls
    desk.configure(*desk.feeds.values())
    assert desk.rest() <= hours(1)


@pytest.mark.parametrize(("answer", "kind"), FAULTS.values(), ids=FAULTS.keys())
def test_case_070_a_fault_backs_off_to_an_hour_and_no_feed_is_ever_given_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, answer: Answer, kind: FailureKind
) -> None:
    monkeypatch.setattr("conformance.desk.HttpFetcher", impatient)
    desk.serve(answer)
    is_never_given_up(desk)
    assert desk.failure().kind is kind


def impatient(http: Http, **options: Any) -> HttpFetcher:
    return HttpFetcher(http, deadline=seconds(0.05), **options)


def test_case_070_a_tls_error_backs_off_and_is_not_given_up(desk: Desk) -> None:
    stranger = FakeServer(tls=serving())
    desk.run(stranger.__aenter__())
    try:
        desk.feed(stranger.url("/feed"))
        is_never_given_up(desk)
    finally:
        desk.run(stranger.__aexit__(None, None, None))
    assert desk.failure().kind is FailureKind.TLS
    assert stranger.requests == []


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (socket.EAI_NONAME, [5, 10, 20, 40, 60, 60]),
        (socket.EAI_FAIL, [5, 10, 20, 40, 60, 60]),
        (socket.EAI_AGAIN, [5, 5, 10, 10, 20, 20]),
    ],
    ids=["unknown", "broken", "try again"],
)
def test_case_070_a_name_that_cannot_be_resolved_weighs_less_where_the_resolver_says_try_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: int, found: list[int]
) -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror(error, "no address")

    monkeypatch.setattr(desk.house.http, "_resolve", resolve)
    monkeypatch.setattr(desk.house.http, "_transports", {})
    desk.feed("http://news.example/feed")
    assert desk.rests(6) == [minutes(number) for number in found]
    assert desk.failure().kind is FailureKind.DNS


def test_case_071_when_all_feeds_fail_it_is_our_network_and_no_feed_pays_for_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "PROBE_EVERY", 0.001)
    names = [f"{name}.example" for name in ("one", "two", "three", "four")]
    desk.configure(*(a_feed(f"http://{name}:{desk.server.port}/feed", id=name) for name in names))
    desk.serve(GOOD)
    back, after, polled = desk.run(outage(desk))
    assert [state.failures for state in after] == [0] * 4
    assert [state.failure for state in after] == [None] * 4
    assert max(state.due_at - desk.now() for state in after) <= seconds(10)
    assert (len(back), polled) == (1, 0)
    assert desk.requests == []


async def outage(desk: Desk) -> tuple[list[datetime], list[Any], int]:
    """Let all feeds be polled while no name is resolved, until it is; return the ends, the feeds' states, polls that counted."""
    up, over, ended = asyncio.Event(), list[datetime](), asyncio.Event()

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        if not up.is_set():
            raise socket.gaierror(socket.EAI_AGAIN, "no address")
        return ["127.0.0.1"]

    async def on_back(since: datetime) -> None:
        over.append(since)
        ended.set()

    async def tell(_headline: str, _facts: Any) -> None:
        raise AssertionError("nobody is to be told of a feed")

    http, changed, setup = Http(resolve=resolve), asyncio.Event(), SimpleNamespace(situation="kz", feeds=desk.feeds)
    try:
        async with asyncio.TaskGroup() as tasks, asyncio.timeout(20):
            poller = Poller(
                store=desk.store, fetcher=HttpFetcher(http), parser=desk.house.parser, clock=desk, tasks=tasks, concurrency=10,
                network=Network(http, feeds=lambda: desk.feeds, tasks=tasks, on_back=on_back), tell=tell,
                manners=Manners(per_host=9, per_domain=9, spacing=timedelta(0)), on_entries=asyncio.Event(), on_change=changed,
            )  # fmt: skip
            states = poller.claim(setup, desk.now())  # type: ignore[arg-type]
            assert len(states) == len(desk.feeds)
            await poller.start(setup, states, desk.now())  # type: ignore[arg-type]
            while poller.in_flight:
                changed.clear()
                await changed.wait()
            up.set()
            await ended.wait()
    finally:
        await http.aclose()
    return over, [desk.state(name) for name in desk.feeds], poller.polls


# --- health -----------------------------------------------------------------------------------------------------------


def test_case_073_the_log_has_each_failure_with_its_number_and_the_recovery_once(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.serve(GOOD, reply(500), reply(500), reply(500), GOOD)
    with watching(desk, tmp_path) as service:
        service.configure({"news": {"path": "/feed"}})
        service.start()
        service.advance(hours(2))
    lines = [line for line in capsys.readouterr().out.splitlines() if "feed failed" in line or "recovered" in line]
    assert ["recovered" in line for line in lines] == [False, False, False, True]
    assert all(f"failures={number}" in line for number, line in enumerate(lines[:3], 1))


def test_case_073_a_feed_that_is_silent_for_far_longer_than_usual_is_called_so_although_its_server_answers(
    desk: Desk,
) -> None:
    desk.serve(reply(200, page("a")), reply(200, page("ba")), reply(200, page("cba")))
    desk.poll()
    seen = []
    while desk.now() < NOON + days(2):
        desk.poll()
        seen.append(health.describe_state(desk.state(), desk.feeds["news"], desk.now())[0])
    assert (seen[0], seen[100], seen[-1]) == ("ok", "ok", "silent")
