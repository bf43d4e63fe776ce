"""Conformance cases 108-113: pushes. Subscriptions: test_cases_h_websub.py."""

from __future__ import annotations

import asyncio
import hmac
import json
from dataclasses import replace
from pathlib import Path

import pytest
from conformance.desk import Desk, hours, minutes, page
from conformance.hub_scenes import HUB, PROTEST, document, play, the_one
from support.http_server import reply
from support.hub import call, talk
from support.push_desk import TOPIC, PushDesk, poll_result, rss
from support.values import entry

from monitor.feeds import websub
from monitor.feeds.marks import mark, pack
from monitor.model import Push
from monitor.pipeline.pushing import read_push

SECOND = ("p2", "Second protest in Almaty")


def test_case_108_a_push_is_answered_once_it_is_stored_and_before_it_is_read(tmp_path: Path) -> None:
    async def scene(desk: PushDesk) -> None:
        desk.found()
        await desk.subscribed()
        async with asyncio.timeout(1):
            said = await desk.hub.push(desk.hub.only(), rss(PROTEST))
        (waiting,) = desk.store.waiting_pushes("kz", 10)
        assert (said.status, waiting.body) == (202, rss(PROTEST))
        assert "location" not in said.headers

    play(tmp_path, scene)


def test_case_108_a_push_for_a_subscription_that_was_given_up_is_gone(tmp_path: Path) -> None:
    async def scene(desk: PushDesk) -> None:
        desk.found()
        await desk.subscribed()
        held = desk.hub.only()
        desk.hub.verifies = False
        desk.found(hub=None)
        await desk.look()
        assert (await desk.hub.push(held, rss(PROTEST))).status == 410
        assert (await call(desk.web.port, "POST", f"/websub/{'x' * 43}", rss(PROTEST))).status == 404

    play(tmp_path, scene)


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
def test_case_109_a_push_that_is_signed_well_becomes_an_alert(tmp_path: Path, method: str) -> None:
    async def scene(desk: PushDesk) -> None:
        desk.found()
        await desk.subscribed()
        said = await desk.hub.push(desk.hub.only(), rss(PROTEST), method=method)
        await desk.read()
        assert (said.status, desk.headlines()) == (202, [PROTEST[1]])
        assert the_one(desk).note == (websub.WEAK_SIGNATURE if method == "sha1" else None)

    play(tmp_path, scene, reads=True)


FORGED = {
    "none": None,
    "zeros": "sha256=" + "0" * 64,
    "another secret": "sha256=" + hmac.new(b"guess", rss(PROTEST), "sha256").hexdigest(),
    "no digest": "sha1",
    "no hex": "sha256=zz",
}


def test_case_109_a_push_that_is_not_is_answered_ignored_and_counted(tmp_path: Path) -> None:
    async def scene(desk: PushDesk) -> None:
        desk.found()
        await desk.subscribed()
        said = [await desk.hub.push(desk.hub.only(), rss(PROTEST), signature=forged) for forged in FORGED.values()]
        said.append(await desk.hub.push(desk.hub.only(), rss(PROTEST), method="md5"))
        await desk.read()
        assert {each.status for each in said} == {202}
        assert (the_one(desk).rejected, the_one(desk).pushes) == (len(FORGED) + 1, 0)
        assert (desk.headlines(), desk.state().pushed) == ([], False)

    play(tmp_path, scene, reads=True)


def test_case_110_links_in_a_push_choose_nothing(tmp_path: Path) -> None:
    async def scene(desk: PushDesk) -> None:
        desk.found()
        await desk.subscribed()
        links = f'<https://other.example/feed>; rel="self", <{HUB}>; rel="hub"'
        headers = [("Content-Type", "application/rss+xml"), ("Link", links)]
        await desk.hub.push(desk.hub.only(), rss(PROTEST), headers=headers)
        await desk.read()
        (report,) = desk.store.reports("kz", limit=10)
        assert (report.feed_id, desk.state("other").pushed) == ("paper", False)
        assert (desk.state().hub, desk.state().topic) == (desk.hub.url, TOPIC)

    play(tmp_path, scene, reads=True, names=("paper", "other"))


def test_case_111_whole_or_part_a_push_forgets_nothing_and_works_from_the_first_valid_one(tmp_path: Path) -> None:
    async def scene(desk: PushDesk) -> None:
        desk.found()
        await desk.subscribed()
        held = desk.hub.only()
        assert not desk.state().pushed
        await desk.hub.push(held, b"<html>Service unavailable</html>")
        await desk.read()
        assert not desk.state().pushed
        for items in ((PROTEST,), (SECOND,), (SECOND, PROTEST)):
            await desk.hub.push(held, rss(*items))
            await desk.read()
        assert desk.state().pushed
        assert desk.headlines() == [PROTEST[1], SECOND[1]]
        assert desk.store.counts("kz")["reports"] == 2

    play(tmp_path, scene, reads=True)


def test_case_111_a_push_of_more_than_3_mib_is_not_taken(tmp_path: Path) -> None:
    async def scene(desk: PushDesk) -> None:
        desk.found()
        await desk.subscribed()
        length = 3 * 1024 * 1024 + 1
        head = f"POST /websub/{the_one(desk).token} HTTP/1.1\r\nHost: a.example\r\nContent-Length: {length}\r\n\r\n"
        said = await talk(desk.web.port, head.encode())
        assert (said.status, desk.store.waiting_pushes("kz", 10)) == (413, ())

    play(tmp_path, scene)


def pushed(desk: Desk, names: str) -> None:
    """Let a hub have pushed these entries of the desk's feed: stored, read, saved."""
    state, feed = desk.state(), desk.feeds["news"]
    push = Push(feed_id=feed.id, token="t", received_at=desk.now(), content_type=None, body=page(names))
    desk.store.enqueue_pushes([push])
    (waiting,) = desk.store.waiting_pushes("kz", 10)
    read = desk.run(read_push(waiting, feed, state, topic=feed.url, parser=desk.house.parser, now=desk.now()))
    assert not desk.store.save_pushes([read.result], desk.now())


def test_case_111_a_slow_poll_goes_on_and_an_entry_that_no_push_brought_makes_it_fast_again(desk: Desk) -> None:
    desk.serve(
        reply(200, document()),
        reply(200, document(names="ba")),
        reply(200, document(names="cba")),
        reply(200, document(names="cba")),
    )
    desk.poll()
    pushed(desk, "b")
    assert (desk.state().pushed, desk.rest(), desk.waiting()) == (True, hours(1), 2)
    desk.poll()
    assert (desk.state().pushed, desk.titles(), desk.rest()) == (True, "", hours(1))
    desk.poll()
    assert (desk.state().pushed, desk.titles(), desk.rest()) == (False, "c", minutes(5))


def test_case_112_the_same_entry_by_push_and_poll_at_once_is_one_alert(tmp_path: Path) -> None:
    async def scene(desk: PushDesk) -> None:
        desk.found()
        await desk.subscribed()
        now = desk.clock.now()
        desk.store.poll_now(["paper"], now)
        (leased,) = desk.store.claim_due_feeds("kz", now, 10, minutes(1))
        await desk.hub.push(desk.hub.only(), rss(PROTEST))
        await desk.read()
        same = entry(
            guid="p1", link="https://paper.example/p1", title=PROTEST[1], summary=f"{PROTEST[1]} today.", published=now
        )
        polled = poll_result(leased, replace(leased, lease=None, known=pack([mark(same)])), now)
        assert not desk.store.save_polls([replace(polled, entries=(same,))])
        desk.entries.set()
        await desk.read()
        assert desk.headlines() == [PROTEST[1]]
        assert desk.store.counts("kz")["reports"] == 1

    play(tmp_path, scene, reads=True)  # fmt: skip


CLOUD = page(
    "a", channel='<cloud domain="rpc.example" port="80" path="/ping" registerProcedure="" protocol="http-post"/>'
)
CLOUD_JSON = json.dumps({
    "version": "https://jsonfeed.org/version/1.1", "title": "N", "items": [{"id": "1", "title": "a"}],
    "hubs": [{"type": "rssCloud", "url": "https://rpc.example/ping"}],
}).encode()  # fmt: skip


@pytest.mark.parametrize("body", [CLOUD, CLOUD_JSON], ids=["rss", "json"])
def test_case_113_a_feed_with_rsscloud_alone_is_polled_as_any_other(desk: Desk, body: bytes) -> None:
    desk.serve(reply(200, body))
    desk.poll()
    assert (desk.titles(), desk.state().hub, desk.rest()) == ("a", None, minutes(5))
