"""Subscribing, renewing and leaving at a real hub (WebSub); numbers are cases of the conformance list or of websub.rocks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from support.http_server import redirect, reply
from support.push_desk import PUBLIC, TOPIC, push_desk

from monitor.errors import StoreBroken
from monitor.feeds import websub
from monitor.model import PushState

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def play(tmp_path, scene, **options):
    async def run():
        async with asyncio.timeout(60), push_desk(tmp_path, **options) as desk:
            return await scene(desk)

    return asyncio.run(run())


def the_one(desk):
    (subscription,) = desk.store.subscriptions("kz")
    return subscription


def path_of(held):
    return "/websub/" + held.callback.rpartition("/")[2]


# --- subscribing ------------------------------------------------------------------------------------------------------


def test_websub_rocks_200_the_topic_is_what_the_feed_calls_itself(tmp_path):
    async def scene(desk):
        desk.found(topic="https://paper.example/self")
        await desk.subscribed()
        return desk.hub.asked[0], the_one(desk)

    form, subscription = play(tmp_path, scene)
    assert form["hub.topic"] == "https://paper.example/self"
    assert form["hub.callback"] == f"{PUBLIC}/websub/{subscription.token}"
    assert form["hub.secret"] == subscription.secret.reveal()
    assert subscription.state is PushState.ACTIVE
    assert subscription.lease_until == subscription.verified_at + 10 * DAY


def test_103_a_yes_of_the_hub_is_pending_until_it_verifies(tmp_path):
    async def scene(desk):
        desk.hub.verifies = False
        desk.found()
        await desk.look()
        pending = the_one(desk)
        said = await desk.hub.verify(desk.hub.only().callback, mode="subscribe", topic=TOPIC)
        return pending, said, the_one(desk)

    pending, said, active = play(tmp_path, scene)
    assert (pending.state, pending.note) == (PushState.PENDING, websub.UNVERIFIED)
    assert (said.status, said.body) == (200, "ch4ll/énge".encode())
    assert said.headers["content-type"] == "text/plain"
    assert (active.state, active.note, active.attempts) == (PushState.ACTIVE, None, 0)


def test_a_verification_may_come_before_the_hub_has_answered(tmp_path):
    async def scene(desk):
        desk.hub.early = True
        desk.found()
        await desk.subscribed()
        return the_one(desk)

    assert play(tmp_path, scene).state is PushState.ACTIVE


def test_a_feed_without_a_hub_asks_nobody_and_one_look_after_another_asks_once(tmp_path):
    async def scene(desk):
        await desk.look()
        none = len(desk.hub.asked)
        desk.found()
        await desk.subscribed()
        for _ in range(3):
            await desk.look()
        return none, len(desk.hub.asked)

    assert play(tmp_path, scene) == (0, 1)


def test_a_hub_without_https_gets_no_secret_and_the_subscription_says_so(tmp_path):
    async def scene(desk):
        desk.found()
        await desk.subscribed()
        return desk.hub.asked[0], the_one(desk)

    form, subscription = play(tmp_path, scene, secure=False)
    assert "hub.secret" not in form
    assert (subscription.secret, subscription.note) == (None, websub.UNSIGNED)


@pytest.mark.parametrize("status", [307, 308])
def test_websub_rocks_203_and_204_the_post_is_sent_again_where_the_hub_redirects(tmp_path, status):
    async def scene(desk):
        desk.hub.server.on("/old", redirect("/hub", status))
        desk.found(hub=desk.hub.server.url("/old"))
        await desk.subscribed()
        return desk.hub.asked, the_one(desk)

    asked, subscription = play(tmp_path, scene)
    assert [form["hub.mode"] for form in asked] == ["subscribe"]
    assert subscription.state is PushState.ACTIVE


@pytest.mark.parametrize(
    "answer", [redirect("/hub", 302), redirect("/hub", 301), redirect("/old", 307), reply(503, b"<b>full</b>\x1b")]
)
def test_101_other_redirects_and_refusals_are_failures_that_are_tried_again_later(tmp_path, answer):
    async def scene(desk):
        desk.hub.server.on("/old", answer)
        desk.found(hub=desk.hub.server.url("/old"))
        await desk.look()
        first = the_one(desk)
        await desk.look()
        requests = len(desk.hub.server.to("/old"))
        desk.clock.time = first.next_at
        await desk.look()
        return first, requests, len(desk.hub.server.to("/old")), the_one(desk), desk.hub.asked

    first, once, twice, second, asked = play(tmp_path, scene)
    assert (first.state, first.attempts) == (PushState.PENDING, 1)
    assert first.note
    assert first.note.isprintable()
    assert (second.token, second.attempts) == (first.token, 2)
    assert twice == 2 * once
    assert asked == []


def test_a_redirect_into_the_own_network_is_refused_by_the_guard(tmp_path):
    async def scene(desk):
        desk.hub.server.on("/old", redirect("https://10.0.0.1/hub", 307))
        desk.found(hub=desk.hub.server.url("/old"))
        await desk.look()
        return the_one(desk).note

    assert "10.0.0.1" in play(tmp_path, scene)


def test_s23_a_hub_in_the_own_network_is_not_asked_unless_the_feed_may(tmp_path):
    async def scene(desk):
        desk.setup = replace(
            desk.setup, feeds={name: replace(feed, allow_networks=()) for name, feed in desk.setup.feeds.items()}
        )
        desk.found()
        await desk.look()
        return the_one(desk), desk.hub.asked

    subscription, asked = play(tmp_path, scene)
    assert asked == []
    assert "127.0.0.1" in subscription.note


def test_a_hub_that_never_verifies_is_asked_again_with_the_same_callback(tmp_path):
    async def scene(desk):
        desk.hub.verifies = False
        desk.found()
        await desk.look()
        for _ in range(3):
            desk.clock.time = the_one(desk).next_at
            await desk.look()
        return desk.hub.asked, the_one(desk)

    asked, subscription = play(tmp_path, scene)
    assert len(asked) == 4
    assert len({form["hub.callback"] for form in asked}) == 1
    assert subscription.attempts == 4


def test_what_a_killed_service_asked_is_asked_again_after_a_while(tmp_path):
    async def scene(desk):
        desk.found()
        await desk.subscriber.look(desk.clock.now())
        desk.subscriber.cancel()
        await desk.asked()
        stored = the_one(desk)
        desk.clock.time = stored.next_at
        await desk.subscribed()
        return stored, the_one(desk)

    stored, active = play(tmp_path, scene)
    assert stored.state is PushState.PENDING
    assert (active.token, active.state) == (stored.token, PushState.ACTIVE)


# --- verification -----------------------------------------------------------------------------------------------------


def test_websub_rocks_205_a_verification_with_another_topic_is_not_found_and_changes_nothing(tmp_path):
    async def scene(desk):
        desk.hub.verifies = False
        desk.found()
        await desk.look()
        before = the_one(desk)
        callback = desk.hub.only().callback
        statuses = [
            (await desk.hub.verify(callback, mode="subscribe", topic="https://other.example/")).status,
            (await desk.hub.verify(callback, mode="unsubscribe", topic=TOPIC)).status,
            (await desk.hub.verify(callback, mode="subscribe", topic=TOPIC, challenge="")).status,
            (await desk.hub.verify(PUBLIC + "/websub/" + "x" * 43, mode="subscribe", topic=TOPIC)).status,
            (await desk.hub.verify(PUBLIC + "/websub/short", mode="subscribe", topic=TOPIC)).status,
        ]
        return statuses, before == the_one(desk)

    assert play(tmp_path, scene) == ([404] * 5, True)


def test_106_an_unsolicited_unsubscribe_is_not_found(tmp_path):
    async def scene(desk):
        desk.found()
        await desk.subscribed()
        before = the_one(desk)
        said = await desk.hub.verify(desk.hub.only().callback, mode="unsubscribe", topic=TOPIC)
        return said.status, before == the_one(desk)

    assert play(tmp_path, scene) == (404, True)


def test_105_a_refusal_ends_pushes_and_the_feed_is_polled_at_once(tmp_path):
    async def scene(desk):
        desk.found()
        await desk.subscribed()
        desk.found(pushed=True)
        said = await desk.hub.verify(desk.hub.only().callback, mode="denied", topic=TOPIC, **{"hub.reason": "no"})
        await desk.look()
        late = await desk.hub.push(desk.hub.only(), b"<rss/>")
        return said.status, the_one(desk), desk.state(), late.status, len(desk.hub.asked)

    status, subscription, state, late, asked = play(tmp_path, scene)
    assert (status, subscription.state, late, asked) == (200, PushState.DENIED, 410, 1)
    assert "no" in subscription.note
    assert not state.pushed
    assert state.due_at == subscription.verified_at


# --- leases -----------------------------------------------------------------------------------------------------------


def test_107_a_lease_is_renewed_with_a_new_callback_and_secret_and_the_old_one_is_left(tmp_path):
    async def scene(desk):
        desk.found()
        await desk.subscribed()
        old, held = the_one(desk), desk.hub.only()
        desk.clock.time = old.next_at
        await desk.subscribed()
        await desk.hub.verified(3)
        await desk.asked()
        pushed = await desk.hub.push(held, b"<rss/>")
        desk.clock.time = old.lease_until
        late = await desk.hub.push(held, b"<rss/>")
        return old, the_one(desk), desk.hub, pushed.status, late.status, desk.store.subscription(old.token)

    old, new, hub, pushed, late, kept = play(tmp_path, scene)
    assert [form["hub.mode"] for form in hub.asked] == ["subscribe", "subscribe", "unsubscribe"]
    assert (new.state, kept.state) == (PushState.ACTIVE, PushState.ENDED)
    assert new.token != old.token
    assert new.secret != old.secret
    assert hub.only().callback.endswith(new.token)
    assert (pushed, late) == (202, 410)


def test_104_a_renewal_with_a_forged_short_lease_does_not_shorten_what_is_held(tmp_path):
    async def scene(desk):
        desk.found()
        await desk.subscribed()
        old = the_one(desk)
        desk.clock.time, desk.hub.lease = old.next_at, 1
        await desk.subscribed()
        return old, the_one(desk)

    old, new = play(tmp_path, scene)
    assert new.lease_until == old.lease_until
    assert new.next_at - new.verified_at < HOUR


def test_a_renewal_that_fails_leaves_the_old_subscription_until_its_lease_ends(tmp_path):
    async def scene(desk):
        desk.found(pushed=True)
        await desk.subscribed()
        desk.found(pushed=True)
        old, held = the_one(desk), desk.hub.only()
        desk.hub.answers = [503] * 100
        desk.clock.time = old.next_at
        await desk.look()
        meanwhile = (await desk.hub.push(held, b"<rss/>")).status, desk.state().pushed
        desk.clock.time = old.lease_until
        await desk.look()
        return meanwhile, desk.state(), the_one(desk), old

    meanwhile, state, pending, old = play(tmp_path, scene)
    assert meanwhile == (202, True)
    assert (state.pushed, state.due_at) == (False, old.lease_until)
    assert pending.state is PushState.PENDING


def test_a_feed_that_lost_its_hub_leaves_it_and_is_polled_at_once(tmp_path):
    async def scene(desk):
        desk.found()
        await desk.subscribed()
        held = desk.hub.only()
        desk.found(hub=None, pushed=True)
        desk.hub.verifies = False
        await desk.look()
        gone = await desk.hub.push(held, b"<rss/>")
        wrong = await desk.hub.verify(held.callback, mode="unsubscribe", topic="https://other.example/")
        agreed = await desk.hub.verify(held.callback, mode="unsubscribe", topic=TOPIC)
        desk.clock.time += HOUR
        await desk.look()
        forgotten = await desk.hub.push(held, b"<rss/>")
        return gone.status, wrong.status, agreed.status, forgotten.status, the_one(desk), desk.state()

    gone, wrong, agreed, forgotten, subscription, state = play(tmp_path, scene)
    assert (gone, wrong, agreed, forgotten) == (410, 404, 200, 410)
    assert subscription.state is PushState.ENDED
    assert not state.pushed


def named(desk, user_agent):
    """Let all feeds of a desk have this name for us."""
    feeds = {name: replace(feed, user_agent=user_agent) for name, feed in desk.setup.feeds.items()}
    desk.setup = replace(desk.setup, feeds=feeds)


def test_a_feed_that_is_removed_is_left_at_its_hub_as_it_was_reached(tmp_path):
    async def scene(desk):
        named(desk, "Mozilla/5.0")
        desk.found()
        await desk.subscribed()
        desk.configure("other")
        await desk.look()
        await desk.look()
        agents = [request.header("user-agent") for request in desk.hub.server.requests]
        return [form["hub.mode"] for form in desk.hub.asked], agents, desk.store.subscriptions("kz")

    modes, agents, subscriptions = play(tmp_path, scene)
    assert modes == ["subscribe", "unsubscribe"]
    assert agents == ["Mozilla/5.0", "Mozilla/5.0"]
    assert subscriptions == ()


def test_of_a_feed_that_was_removed_while_the_service_was_down_no_hub_is_asked_anything(tmp_path):
    async def before(desk):
        desk.found()
        await desk.subscribed()
        return path_of(desk.hub.only())

    async def after(desk):
        await desk.look()
        pushed = await desk.hub.call("POST", path, b"<rss/>")
        return desk.hub.server.requests, desk.store.subscriptions("kz"), pushed.status

    path = play(tmp_path, before)
    assert play(tmp_path, after, names=("other",)) == ([], (), 404)


def test_a_feed_that_is_removed_before_its_hub_is_asked_is_asked_for_as_it_was(tmp_path):
    async def scene(desk):
        named(desk, "Mozilla/5.0")
        desk.found()
        await desk.subscriber.look(desk.clock.now())
        desk.configure("other")
        await desk.asked()
        return [request.header("user-agent") for request in desk.hub.server.requests]

    assert play(tmp_path, scene) == ["Mozilla/5.0"]


def test_a_feed_that_names_a_new_hub_each_time_has_one_asked_a_day(tmp_path):
    async def scene(desk):
        desk.hub.answers = [503] * 100
        for number in range(4 * 24):
            desk.hub.server.on(f"/hub{number}", reply(503))
            desk.found(hub=desk.hub.server.url(f"/hub{number}") if number % 3 else None)
            await desk.look()
            desk.clock.time += HOUR
        return len({request.path for request in desk.hub.server.requests})

    assert play(tmp_path, scene) <= 4


def test_a_feed_that_names_its_hub_by_turns_with_none_has_it_asked_once_an_hour(tmp_path):
    async def scene(desk):
        desk.hub.verifies = False
        for number in range(120):
            desk.found(hub=None if number % 2 else "")
            await desk.look()
            desk.clock.time += timedelta(minutes=1)
        return [form["hub.mode"] for form in desk.hub.asked].count("subscribe")

    assert play(tmp_path, scene) == 2


def test_105_a_hub_that_refused_is_remembered_while_others_are_tried(tmp_path):
    async def scene(desk):
        desk.found()
        await desk.subscribed()
        await desk.hub.verify(desk.hub.only().callback, mode="denied", topic=TOPIC)
        desk.hub.server.on("/second", reply(503))
        for hub in (desk.hub.server.url("/second"), "", desk.hub.server.url("/second"), ""):
            desk.clock.time += DAY
            desk.found(hub=hub)
            await desk.look()
        return [request.path for request in desk.hub.server.requests]

    assert play(tmp_path, scene) == ["/hub", "/second", "/second"]


def test_a_defect_of_ours_with_one_hub_is_loud_and_the_others_are_asked(tmp_path, capsys):
    async def scene(desk):
        ask = desk.subscriber._hubs.ask

        async def broken(mode, subscription, feed):
            if feed.id == "paper":
                raise RuntimeError("a defect")
            return await ask(mode, subscription, feed)

        desk.subscriber._hubs.ask = broken
        desk.found()
        desk.found("other", topic="https://other.example/feed")
        await desk.subscribed()
        desk.subscriber._hubs.ask = ask
        desk.clock.time += HOUR
        await desk.subscribed()
        return [form["hub.topic"] for form in desk.hub.asked]

    assert play(tmp_path, scene, names=("paper", "other")) == ["https://other.example/feed", TOPIC]
    assert "RuntimeError: a defect" in capsys.readouterr().out


def test_a_feed_that_moves_to_another_topic_subscribes_there_and_then_leaves_the_old(tmp_path):
    async def scene(desk):
        desk.found()
        await desk.subscribed()
        desk.found(topic="https://paper.example/atom")
        await desk.look()
        desk.clock.time += DAY
        await desk.subscribed()
        await desk.hub.verified(3)
        return [(form["hub.mode"], form["hub.topic"]) for form in desk.hub.asked], desk.hub.only().topic

    asked, topic = play(tmp_path, scene)
    assert asked == [
        ("subscribe", TOPIC),
        ("subscribe", "https://paper.example/atom"),
        ("unsubscribe", TOPIC),
    ]
    assert topic == "https://paper.example/atom"


def test_many_feeds_are_subscribed_a_bounded_number_at_a_look(tmp_path, monkeypatch):
    monkeypatch.setattr("monitor.service.subscriber.PER_LOOK", 3)
    names = tuple(f"paper{number}" for number in range(7))

    async def scene(desk):
        for name in names:
            desk.found(name, topic=f"https://{name}.example/feed")
        counts = []
        for _ in range(3):
            await desk.look()
            counts.append(len(desk.hub.asked))
        await desk.hub.verified(7)
        return counts

    assert play(tmp_path, scene, names=names) == [3, 6, 7]


def test_a_store_that_cannot_be_used_ends_nothing_and_takes_nothing(tmp_path, monkeypatch):
    async def scene(desk):
        desk.found()
        await desk.subscribed()
        held = desk.hub.only()

        def broken(*_):
            raise StoreBroken("the disk is full")

        for name in ("subscriptions", "subscription", "enqueue_pushes"):
            with monkeypatch.context() as patched:
                patched.setattr(desk.store, name, broken, raising=True)
                await desk.look()
                if name != "subscriptions":
                    yield_ = await desk.hub.push(held, b"<rss/>")
                    assert yield_.status == 503
                if name == "subscription":
                    said = await desk.hub.verify(held.callback, mode="subscribe", topic=TOPIC)
                    assert said.status == 503
        return (await desk.hub.push(held, b"<rss/>")).status, len(desk.store.waiting_pushes("kz", 10))

    assert play(tmp_path, scene) == (202, 1)
