"""From a hub's push to an alert's delivery: real server, store, parse worker and decider."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from dataclasses import replace
from datetime import timedelta

import pytest
from support.hub import call
from support.push_desk import NOON, TOPIC, poll_result, push_desk, rss
from support.values import entry

from monitor.feeds import websub
from monitor.feeds.marks import SIZE, mark, pack
from monitor.model import FailureKind, PollFailure, Push
from monitor.service.pusher import BACKLOG

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
PROTEST = ("p1", "Protest in Almaty over fuel prices")
SECOND = ("p2", "Second protest in Almaty")


def play(tmp_path, scene, *, reads=True, **options):
    async def run():
        async with asyncio.timeout(100), push_desk(tmp_path, reads=reads, **options) as desk:
            desk.found()
            await desk.subscribed()
            return await scene(desk)

    return asyncio.run(run())


def subscription(desk):
    (one,) = desk.store.subscriptions("kz")
    return one


def test_websub_rocks_300_a_push_is_answered_202_and_becomes_an_alert_with_its_delivery(tmp_path):
    async def scene(desk):
        said = await desk.hub.push(desk.hub.only(), rss(PROTEST))
        await desk.read()
        (delivery,) = desk.store.deliveries(limit=10)
        return said.status, desk.headlines(), delivery.channel, desk.state(), subscription(desk)

    status, headlines, channel, state, stored = play(tmp_path, scene)
    assert (status, headlines, channel) == (202, [PROTEST[1]], "hook")
    assert (state.pushed, state.due_at) == (True, NOON + HOUR)
    assert (stored.pushes, stored.rejected, stored.last_push_at, stored.note) == (1, 0, NOON, None)


def test_108_a_push_is_answered_before_anything_of_it_is_read(tmp_path):
    async def scene(desk):
        said = await desk.hub.push(desk.hub.only(), b"anything at all")
        (waiting,) = desk.store.waiting_pushes("kz", 10)
        return said.status, waiting.body

    assert play(tmp_path, scene, reads=False) == (202, b"anything at all")


@pytest.mark.parametrize(
    ("signature", "rejected"),
    [
        ("sha256=" + "0" * 64, 1),
        ("md5=" + hashlib.md5(rss(PROTEST)).hexdigest(), 1),
        ("sha256=" + hmac.new(b"guess", rss(PROTEST), "sha256").hexdigest(), 1),
        ("sha1", 1),
        (None, 1),
    ],
)
def test_websub_rocks_301_and_302_a_push_signed_wrongly_or_not_is_ignored_and_counted(tmp_path, signature, rejected):
    async def scene(desk):
        said = await desk.hub.push(desk.hub.only(), rss(PROTEST), signature=signature)
        await desk.read()
        return said.status, desk.headlines(), desk.state().pushed, subscription(desk)

    status, headlines, pushed, stored = play(tmp_path, scene)
    assert (status, headlines, pushed) == (202, [], False)
    assert (stored.rejected, stored.pushes) == (rejected, 0)


@pytest.mark.parametrize(("method", "note"), [("sha1", websub.WEAK_SIGNATURE), ("sha384", None), ("sha512", None)])
def test_109_all_methods_are_taken_and_sha1_is_noted_as_weak(tmp_path, method, note):
    async def scene(desk):
        await desk.hub.push(desk.hub.only(), rss(PROTEST), method=method)
        await desk.read()
        return desk.headlines(), subscription(desk).note

    assert play(tmp_path, scene) == ([PROTEST[1]], note)


def test_110_links_in_a_push_do_not_choose_the_subscription(tmp_path):
    names = ("paper", "other")

    async def scene(desk):
        links = '<https://other.example/feed>; rel="self", <https://hub.example/>; rel="hub"'
        headers = [("Content-Type", "application/rss+xml"), ("Link", links)]
        await desk.hub.push(desk.hub.only(), rss(PROTEST), headers=headers)
        await desk.read()
        (report,) = desk.store.reports("kz", limit=10)
        return report.feed_id, report.link, desk.state("other").pushed

    assert play(tmp_path, scene, names=names) == ("paper", "https://paper.example/p1", False)


def test_111_what_a_push_does_not_show_is_not_forgotten(tmp_path):
    async def scene(desk):
        await desk.hub.push(desk.hub.only(), rss(PROTEST))
        await desk.read()
        await desk.hub.push(desk.hub.only(), rss(SECOND))
        await desk.read()
        await desk.hub.push(desk.hub.only(), rss(SECOND, PROTEST))
        await desk.read()
        return desk.headlines(), len(desk.state().known) // SIZE, desk.store.counts("kz")["reports"]

    assert play(tmp_path, scene) == ([PROTEST[1], SECOND[1]], 2, 2)


def test_a_push_that_is_sent_again_brings_nothing_and_the_row_does_not_grow(tmp_path):
    async def scene(desk):
        await desk.hub.push(desk.hub.only(), rss(SECOND, PROTEST))
        await desk.read()
        once = desk.store.counts("kz"), desk.state().known
        for _ in range(3):
            assert (await desk.hub.push(desk.hub.only(), rss(SECOND, PROTEST))).status == 202
            await desk.read()
        return once, (desk.store.counts("kz"), desk.state().known)

    before, after = play(tmp_path, scene)
    assert before == after


def test_112_the_same_entry_by_push_and_poll_in_the_same_second_is_one_alert(tmp_path):
    async def scene(desk):
        desk.store.poll_now(["paper"], desk.clock.now())
        (leased,) = desk.store.claim_due_feeds("kz", desk.clock.now(), 10, MINUTE)
        await desk.hub.push(desk.hub.only(), rss(PROTEST))
        await desk.read()
        same = entry(
            guid="p1", link="https://paper.example/p1", title=PROTEST[1], summary=f"{PROTEST[1]} today.", published=NOON
        )
        polled = poll_result(leased, replace(leased, lease=None, known=pack([mark(same)])), NOON)
        lost = desk.store.save_polls([replace(polled, entries=(same,))])
        desk.entries.set()
        await desk.read()
        return lost, desk.headlines(), desk.store.counts("kz")["reports"]

    assert play(tmp_path, scene) == (frozenset(), [PROTEST[1]], 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Service unavailable</body></html>",
        b"\x00\xff" * 1000,
        b"<rss version='2.0'><channel><title>empty</title></channel></rss>",
        b'<!DOCTYPE r [<!ENTITY a "' + b"x" * 1000 + b'">' + b'<!ENTITY b "' + b"&a;" * 1000 + b'">]><rss>&b;</rss>',
    ],
)
def test_111_what_is_no_feed_is_dropped_with_a_note_and_the_feed_is_polled_on(tmp_path, body):
    async def scene(desk):
        due = desk.state().due_at
        said = await desk.hub.push(desk.hub.only(), body)
        await desk.read()
        state = desk.state()
        return (
            said.status,
            due == state.due_at,
            state.pushed,
            desk.headlines(),
            subscription(desk).note,
            len(desk.store.waiting_pushes("kz", 9)),
        )

    status, same, pushed, headlines, note, waiting = play(tmp_path, scene)
    assert (status, same, pushed, headlines, waiting) == (202, True, False, [], 0)
    assert note


def test_a_push_that_kills_its_worker_is_dropped_and_the_next_one_is_a_suspect(tmp_path):
    lanes = []

    class Killed:
        async def parse(self, _fetched, *, known=b"", whole=False, lane="new"):
            lanes.append(lane)
            return PollFailure(kind=FailureKind.PARSER_KILLED, reason="Parsing the document was stopped.")

    async def scene(desk):
        desk.pusher._parser = Killed()
        for _ in range(2):
            await desk.hub.push(desk.hub.only(), rss(PROTEST))
            await desk.read()
        return subscription(desk).note, desk.state().pushed

    note, pushed = play(tmp_path, scene)
    assert lanes == ["proven", "suspect"]
    assert "stopped" in note
    assert not pushed


def test_a_defect_of_ours_with_one_push_is_loud_and_the_next_one_is_read(tmp_path, capsys):
    async def scene(desk):
        parser, desk.pusher._parser = desk.pusher._parser, None
        await desk.hub.push(desk.hub.only(), rss(SECOND))
        await desk.read()
        desk.pusher._parser = parser
        await desk.hub.push(desk.hub.only(), rss(PROTEST))
        await desk.read()
        return desk.headlines()

    assert play(tmp_path, scene) == [PROTEST[1]]
    assert "AttributeError" in capsys.readouterr().out


def test_a_slow_push_holds_up_its_own_feed_only(tmp_path):
    async def scene(desk):
        reached, go = asyncio.Event(), asyncio.Event()
        parser = desk.pusher._parser

        class Slow:
            async def parse(self, fetched, **rest):
                if b"slow" in fetched.body:
                    reached.set()
                    await go.wait()
                return await parser.parse(fetched, **rest)

        desk.pusher._parser = Slow()
        paper = desk.hub.only()
        desk.found("other", topic="https://other.example/feed")
        await desk.subscribed()
        (other,) = (held for held in desk.hub.held.values() if held is not paper)
        await desk.hub.push(paper, rss(("slow", "slow news")))
        await reached.wait()
        await desk.hub.push(other, rss(PROTEST))
        async with asyncio.timeout(20):
            while not desk.headlines():
                desk.changed.clear()
                await desk.changed.wait()
        first = desk.headlines()
        go.set()
        await desk.read()
        return first

    assert play(tmp_path, scene, names=("paper", "other")) == [PROTEST[1]]


def test_pushes_of_one_feed_are_read_one_after_another_and_each_once(tmp_path):
    bodies = []

    async def scene(desk):
        reached, go = asyncio.Event(), asyncio.Event()
        parser = desk.pusher._parser

        class Slow:
            async def parse(self, fetched, **rest):
                bodies.append(fetched.body)
                reached.set()
                await go.wait()
                return await parser.parse(fetched, **rest)

        desk.pusher._parser = Slow()
        await desk.hub.push(desk.hub.only(), rss(PROTEST))
        await reached.wait()
        await desk.hub.push(desk.hub.only(), rss(SECOND))
        while desk.pusher._arrived.is_set() or desk.pusher._looking:
            desk.changed.clear()
            await desk.changed.wait()
        go.set()
        await desk.read()
        return desk.headlines()

    assert play(tmp_path, scene) == [PROTEST[1], SECOND[1]]
    assert bodies == [rss(PROTEST), rss(SECOND)]


def test_two_feeds_with_many_slow_pushes_hold_up_a_third_by_one_of_each_at_most(tmp_path):
    names = ("paper", "other", "third")
    read = []

    async def scene(desk):
        tokens = {}
        for name in names[1:]:
            desk.found(name, topic=f"https://{name}.example/feed")
            await desk.subscribed()
        for one in desk.store.subscriptions("kz"):
            tokens[one.feed_id] = one.token
        parser, slot = desk.pusher._parser, asyncio.Lock()

        class OneAtATime:
            async def parse(self, fetched, **rest):
                async with slot:
                    read.append(fetched.url)
                    return await parser.parse(fetched, **rest)

        desk.pusher._parser = OneAtATime()
        sent = [("paper", number) for number in range(8)] + [("other", number) for number in range(8)] + [("third", 0)]
        desk.store.enqueue_pushes(
            [
                Push(
                    feed_id=name,
                    token=tokens[name],
                    received_at=NOON,
                    content_type=None,
                    body=rss((f"{name}{at}", "News")),
                )
                for name, at in sent
            ]
        )
        desk.pusher.arrived("third")
        await desk.read()

    play(tmp_path, scene, names=names)
    assert len(read) == 17
    assert read.index("https://third.example/feed") <= 2


def test_feeds_take_turns_when_there_is_room_for_one_push(tmp_path, monkeypatch):
    monkeypatch.setattr("monitor.service.pusher.AT_ONCE", 1)
    names = ("paper", "other")
    read = []

    async def scene(desk):
        desk.found("other", topic="https://other.example/feed")
        await desk.subscribed()
        parser = desk.pusher._parser

        class Noting:
            async def parse(self, fetched, **rest):
                read.append(fetched.url)
                return await parser.parse(fetched, **rest)

        desk.pusher._parser = Noting()
        tokens = {one.feed_id: one.token for one in desk.store.subscriptions("kz")}
        desk.store.enqueue_pushes(
            [
                Push(feed_id=name, token=tokens[name], received_at=NOON, content_type=None, body=rss((f"{at}", "News")))
                for at, name in enumerate(("paper", "paper", "paper", "other", "other"))
            ]
        )
        desk.pusher.arrived("paper")
        await desk.read()

    play(tmp_path, scene, names=names)
    assert [url.partition("//")[2].partition(".")[0] for url in read] == ["paper", "other", "paper", "other", "paper"]


def test_a_defect_of_ours_with_saving_a_push_is_loud_and_it_is_tried_again_with_the_next(tmp_path, monkeypatch, capsys):
    async def scene(desk):
        def broken(*_):
            raise RuntimeError("a defect")

        with monkeypatch.context() as patched:
            patched.setattr(desk.store, "save_pushes", broken, raising=True)
            await desk.hub.push(desk.hub.only(), rss(PROTEST))
            await desk.read()
        assert desk.headlines() == []
        await desk.hub.push(desk.hub.only(), rss(SECOND))
        await desk.read()
        return desk.headlines()

    assert play(tmp_path, scene) == [PROTEST[1], SECOND[1]]
    assert "RuntimeError: a defect" in capsys.readouterr().out


def test_a_feed_with_too_many_waiting_pushes_asks_its_hub_to_come_back(tmp_path):
    async def scene(desk):
        return [(await desk.hub.push(desk.hub.only(), rss(PROTEST))).status for _ in range(BACKLOG + 1)]

    assert play(tmp_path, scene, reads=False) == [202] * BACKLOG + [503]


def test_a_push_survives_a_crash_between_its_answer_and_its_reading(tmp_path):
    async def first(desk):
        return (await desk.hub.push(desk.hub.only(), rss(PROTEST))).status

    assert play(tmp_path, first, reads=False) == 202

    async def second():
        async with asyncio.timeout(60), push_desk(tmp_path, reads=True) as desk:
            await desk.read()
            return desk.headlines()

    assert asyncio.run(second()) == [PROTEST[1]]


def test_a_waiting_push_of_a_feed_that_was_removed_is_no_trouble(tmp_path):
    async def scene(desk):
        held = desk.hub.only()
        desk.store.enqueue_pushes(
            [
                Push(
                    feed_id="paper",
                    token=subscription(desk).token,
                    received_at=NOON,
                    content_type=None,
                    body=rss(PROTEST),
                )
            ]
        )
        desk.setup = replace(desk.setup, feeds={})
        desk.pusher.arrived("paper")
        await desk.read()
        return held, desk.headlines(), len(desk.store.waiting_pushes("kz", 9))

    assert play(tmp_path, scene)[1:] == ([], 0)


def test_pushes_on_the_old_callback_count_after_a_renewal(tmp_path):
    async def scene(desk):
        held = desk.hub.only()
        desk.clock.time = subscription(desk).next_at
        await desk.subscribed()
        await desk.hub.verified(3)
        said = await desk.hub.push(held, rss(PROTEST, now=desk.clock.now()))
        await desk.read()
        return said.status, desk.headlines()

    assert play(tmp_path, scene) == (202, [PROTEST[1]])


def test_s23_unknown_tokens_are_not_found_whatever_they_send_and_change_nothing(tmp_path):
    async def scene(desk):
        tokens = ["x" * 43, subscription(desk).token[:-1] + "_", "short", "%00", "a" * 5000]
        statuses = [(await call(desk.web.port, "POST", f"/websub/{token}", rss(PROTEST))).status for token in tokens]
        await desk.read()
        return statuses, desk.headlines(), subscription(desk).pushes

    assert play(tmp_path, scene) == ([404] * 5, [], 0)


def test_s23_during_a_flood_of_strangers_a_push_is_taken_and_told(tmp_path):
    async def scene(desk):
        async def flood(part):
            for number in range(100):
                await call(desk.web.port, "POST", f"/websub/{part:03}{number:040}", b"x")

        flooding = [asyncio.ensure_future(flood(part)) for part in range(10)]
        said = await desk.hub.push(desk.hub.only(), rss(PROTEST))
        await desk.read()
        told = desk.headlines(), any(not task.done() for task in flooding)
        await asyncio.gather(*flooding)
        return said.status, told

    assert play(tmp_path, scene) == (202, ([PROTEST[1]], True))


def test_topics_are_what_relative_links_belong_to(tmp_path):
    async def scene(desk):
        await desk.hub.push(desk.hub.only(), rss(PROTEST))
        await desk.read()
        (report,) = desk.store.reports("kz", limit=10)
        return report.link

    assert TOPIC == "https://paper.example/feed"
    assert play(tmp_path, scene) == "https://paper.example/p1"
