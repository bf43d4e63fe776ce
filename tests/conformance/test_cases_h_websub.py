"""Conformance cases 98-107: WebSub, up to the lease (pushes: test_cases_h_pushes.py). What a poll finds is shown at the desk, the rest with a hub and our own HTTP server."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from conformance.desk import Desk, days, hours
from conformance.hub_scenes import HUB, PROTEST, document, play, the_one
from support.http_server import Answer, redirect, reply
from support.push_desk import PUBLIC, TOPIC, PushDesk, rss

from monitor.feeds import websub
from monitor.feeds.links import page_links
from monitor.model import FailureKind, PushState

# --- what a poll finds ------------------------------------------------------------------------------------------------


def test_case_098_the_link_header_goes_before_the_document(desk: Desk) -> None:
    headers = [("Link", f'<https://header.example/>; rel="hub", <{desk.server.url("/h")}>; rel="self"')]
    desk.serve(reply(200, document(itself=desk.server.url("/d")), headers), reply(200, document(names="ba")))
    desk.poll()
    assert (desk.state().hub, desk.state().topic) == ("https://header.example/", desk.server.url("/h"))
    desk.poll()
    assert desk.state().hub == HUB


def test_case_098_json_feed_names_its_hubs_too(desk: Desk) -> None:
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "N", "items": [{"id": "1", "title": "a"}]}
    desk.serve(reply(200, json.dumps({**feed, "hubs": [{"type": "WebSub", "url": HUB}]}).encode()))
    desk.poll()
    assert desk.state().hub == HUB


def test_case_098_of_a_page_only_the_head_counts_and_a_poll_takes_no_hub_from_it(desk: Desk) -> None:
    html = f'<head><link rel="hub" href="{HUB}"></head><body><link rel="hub" href="https://comment.example/"></body>'
    assert [(link.url, link.rels) for link in page_links(html, "https://a.example/")] == [(HUB, ("hub",))]
    desk.serve(reply(200, f"<!doctype html><html>{html}</html>".encode(), {"Content-Type": "text/html"}))
    desk.poll()
    assert (desk.failure().kind, desk.state().hub) == (FailureKind.NOT_A_FEED, None)


def test_case_099_the_topic_is_what_the_feed_calls_itself(desk: Desk) -> None:
    desk.serve(reply(200, document(itself=desk.server.url("/canonical"))))
    desk.poll()
    assert (desk.state().hub, desk.state().topic) == (HUB, desk.server.url("/canonical"))


def test_case_099_a_self_of_another_origin_is_refused(desk: Desk) -> None:
    desk.serve(reply(200, document(itself=desk.other.url("/feed"))))
    desk.poll()
    assert (desk.titles(), desk.state().hub, desk.state().topic) == ("a", None, None)


@pytest.mark.parametrize("status", [301, 302])
def test_case_100_behind_a_redirect_the_final_self_is_the_topic(desk: Desk, status: int) -> None:
    final = desk.other.url("/final")
    desk.serve(redirect(final, status))
    desk.serve(reply(200, document(itself=final)), path="/final", server=desk.other)
    desk.poll()
    assert desk.state().topic == final


# --- asking the hub ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [307, 308])
def test_case_101_a_temporary_or_permanent_redirect_takes_the_same_post_along(tmp_path: Path, status: int) -> None:
    async def scene(desk: PushDesk) -> None:
        desk.hub.server.on("/old", redirect("/hub", status))
        desk.found(hub=desk.hub.server.url("/old"))
        await desk.subscribed()
        old, new = desk.hub.server.requests
        assert (old.method, old.body) == (new.method, new.body)
        assert the_one(desk).state is PushState.ACTIVE

    play(tmp_path, scene)


@pytest.mark.parametrize("answer", [redirect("/hub", 301), redirect("/hub", 302), redirect("/hub", 303), reply(500)])
def test_case_101_other_redirects_are_failures_that_are_tried_again_later(tmp_path: Path, answer: Answer) -> None:
    async def scene(desk: PushDesk) -> None:
        desk.hub.server.on("/old", answer)
        desk.found(hub=desk.hub.server.url("/old"))
        await desk.look()
        assert desk.hub.asked == []
        assert (the_one(desk).state, the_one(desk).attempts) == (PushState.PENDING, 1)
        assert the_one(desk).next_at > desk.clock.now()  # type: ignore[operator]

    play(tmp_path, scene)


def test_case_102_a_subscription_is_a_form_with_an_unguessable_callback_and_a_secret(tmp_path: Path) -> None:
    async def scene(desk: PushDesk) -> None:
        desk.found()
        await desk.subscribed()
        first = desk.hub.asked[0]
        desk.clock.time = the_one(desk).next_at  # type: ignore[assignment]
        await desk.subscribed()
        second = desk.hub.asked[1]
        request = desk.hub.server.requests[0]
        assert (request.method, request.header("content-type")) == ("POST", "application/x-www-form-urlencoded")
        assert (first["hub.mode"], first["hub.topic"]) == ("subscribe", TOPIC)
        for form in (first, second):
            assert form["hub.callback"].startswith(PUBLIC + "/websub/")
            assert len(form["hub.callback"].rpartition("/")[2]) == 43
            assert 32 <= len(form["hub.secret"]) < 200
        assert PUBLIC.startswith("https://")
        assert first["hub.callback"] != second["hub.callback"]
        assert first["hub.secret"] != second["hub.secret"]

    play(tmp_path, scene)


def test_case_102_a_hub_without_https_gets_no_secret(tmp_path: Path) -> None:
    async def scene(desk: PushDesk) -> None:
        desk.found()
        await desk.subscribed()
        assert "hub.secret" not in desk.hub.asked[0]
        assert the_one(desk).note == websub.UNSIGNED

    play(tmp_path, scene, secure=False)


# --- verification -----------------------------------------------------------------------------------------------------


def test_case_103_accepted_is_pending_until_the_hub_verifies_and_gets_its_challenge_back(tmp_path: Path) -> None:
    async def scene(desk: PushDesk) -> None:
        desk.hub.verifies = False
        desk.found()
        await desk.look()
        assert the_one(desk).state is PushState.PENDING
        early = await desk.hub.push(desk.hub.only(), rss(PROTEST))
        said = await desk.hub.verify(desk.hub.only().callback, mode="subscribe", topic=TOPIC, challenge="<b>ch4/é</b>")
        assert (early.status, said.status, said.body) == (404, 200, "<b>ch4/é</b>".encode())
        assert said.headers["content-type"].partition(";")[0] == "text/plain"
        assert said.headers["x-content-type-options"] == "nosniff"
        assert the_one(desk).state is PushState.ACTIVE

    play(tmp_path, scene)


def test_case_104_what_nobody_asked_for_is_not_found_and_changes_nothing(tmp_path: Path) -> None:
    async def scene(desk: PushDesk) -> None:
        desk.hub.verifies = False
        desk.found()
        await desk.look()
        before, callback = the_one(desk), desk.hub.only().callback
        asked = [
            (callback, "subscribe", "https://other.example/"),
            (callback, "unsubscribe", TOPIC),
            (callback, "publish", TOPIC),
            (f"{PUBLIC}/websub/{'x' * 43}", "subscribe", TOPIC),
            (f"{PUBLIC}/websub/short", "subscribe", TOPIC),
        ]
        said = [await desk.hub.verify(to, mode=mode, topic=topic) for to, mode, topic in asked]
        assert [each.status for each in said] == [404] * 5
        assert the_one(desk) == before

    play(tmp_path, scene)


def test_case_104_once_verified_a_late_stranger_is_not_found(tmp_path: Path) -> None:
    async def scene(desk: PushDesk) -> None:
        desk.found()
        await desk.subscribed()
        desk.clock.time += hours(1)
        before = the_one(desk)
        said = await desk.hub.verify(desk.hub.only().callback, mode="subscribe", topic=TOPIC)
        assert (said.status, the_one(desk)) == (404, before)

    play(tmp_path, scene)


@pytest.mark.parametrize(
    ("said", "counts"), [(1, hours(1)), (0, hours(1)), (864_000, days(10)), (10**9, days(90)), (10**30, days(90))]
)
def test_case_104_a_stated_lease_counts_within_bounds(tmp_path: Path, said: int, counts: timedelta) -> None:
    async def scene(desk: PushDesk) -> None:
        desk.hub.lease = said
        desk.found()
        await desk.subscribed()
        assert the_one(desk).lease_until == desk.clock.now() + counts

    play(tmp_path, scene)


def test_case_104_a_lease_is_never_shorter_than_what_was_held(tmp_path: Path) -> None:
    async def scene(desk: PushDesk) -> None:
        desk.found()
        await desk.subscribed()
        old = the_one(desk)
        desk.clock.time, desk.hub.lease = old.next_at, 1  # type: ignore[assignment]
        await desk.subscribed()
        assert the_one(desk).lease_until == old.lease_until

    play(tmp_path, scene)


def test_case_105_a_refusal_is_marked_and_the_feed_is_polled_on(tmp_path: Path) -> None:
    async def scene(desk: PushDesk) -> None:
        desk.found(pushed=True)
        await desk.subscribed()
        said = await desk.hub.verify(
            desk.hub.only().callback, mode="denied", topic=TOPIC, **{"hub.reason": "too many of you"}
        )
        await desk.look()
        assert (said.status, the_one(desk).state) == (200, PushState.DENIED)
        assert "too many of you" in (the_one(desk).note or "")
        assert (desk.state().pushed, desk.state().due_at) == (False, desk.clock.now())
        assert len(desk.hub.asked) == 1

    play(tmp_path, scene)


def test_case_106_an_unsolicited_unsubscribe_is_not_found(tmp_path: Path) -> None:
    async def scene(desk: PushDesk) -> None:
        desk.found()
        await desk.subscribed()
        before = the_one(desk)
        said = await desk.hub.verify(desk.hub.only().callback, mode="unsubscribe", topic=TOPIC)
        assert (said.status, the_one(desk)) == (404, before)

    play(tmp_path, scene)


# --- leases -----------------------------------------------------------------------------------------------------------


def test_case_107_a_lease_is_renewed_in_time_and_with_back_off_where_the_hub_fails(tmp_path: Path) -> None:
    async def scene(desk: PushDesk) -> None:
        desk.found()
        await desk.subscribed()
        active = the_one(desk)
        assert active.next_at is not None
        assert 0.5 <= (active.next_at - desk.clock.now()) / days(10) <= 0.8
        desk.hub.answers = [503] * 50
        desk.clock.time = active.next_at
        waits = []
        for _ in range(4):
            await desk.look()
            (pending,) = (each for each in desk.store.subscriptions("kz") if each.state is PushState.PENDING)
            assert pending.next_at is not None
            waits.append(pending.next_at - desk.clock.now())
            desk.clock.time = pending.next_at
        assert all(later >= 1.9 * sooner for sooner, later in pairwise(waits))

    play(tmp_path, scene)


def test_case_107_when_a_lease_has_run_out_the_feed_is_polled_normally_at_once(tmp_path: Path) -> None:
    async def scene(desk: PushDesk) -> None:
        desk.found()
        await desk.subscribed()
        desk.found(pushed=True)
        active = the_one(desk)
        desk.hub.answers = [503] * 50
        desk.clock.time = active.lease_until  # type: ignore[assignment]
        await desk.look()
        assert (desk.state().pushed, desk.state().due_at) == (False, active.lease_until)

    play(tmp_path, scene)
