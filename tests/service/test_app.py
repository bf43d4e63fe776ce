"""The service as a whole: real sockets, real SQLite file, real parse workers; only the clock is ours."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from support.http_server import FakeServer, hang, reply

from monitor.errors import MonitorError, StoreBroken, StoreBusy
from monitor.service.app import COLLECT_AFTER, run_service
from monitor.service.control import ControlClient, socket_path
from monitor.settings import load
from monitor.store import open_store

NOON = datetime(2022, 1, 5, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def rss(*items, age=timedelta(0), now=NOON):
    rows = "".join(
        f"<item><title>{escape(title)}</title><link>https://paper.example/{slug}</link><guid>{slug}</guid>"
        f"<description>{escape(text)}</description><pubDate>{now - age:%a, %d %b %Y %H:%M:%S} GMT</pubDate></item>"
        for slug, title, text in items
    )
    return reply(200, f"<rss version='2.0'><channel><title>Paper</title>{rows}</channel></rss>".encode())


PROTEST = ("p1", "Protest in Almaty over fuel prices", "A crowd gathered on the square of Almaty.")


class Desk:
    """A configuration directory, a publisher and a receiver on loopback, and a service on them."""

    def __init__(self, place: Path, server: FakeServer) -> None:
        self.place, self.server, self.now = place, server, NOON
        self.config, self.data = place / "config", place / "data"
        self.config.mkdir()
        self.feeds = {"paper": "/feed"}
        self.write()

    def write(self, *, channels=True, watch="protest", extra=""):
        self.config.joinpath("monitor.yaml").write_text(
            f"situation: {{id: kz, name: Kazakhstan, zone: Asia/Almaty}}\nstore: {{data_dir: {self.data}}}\n"
            "http: {listen: none}\npolling: {host_spacing: 0s}\n"
            + (
                f"channels:\n  hook: {{kind: webhook, url: '{self.server.url('/hook')}', secret: '{SECRET}',"
                " allow_networks: [127.0.0.0/8]}\nroutes:\n  desk: {channels: [hook]}\n"
                if channels
                else ""
            )
            + extra
        )
        self.config.joinpath("feeds.yaml").write_text(
            "feeds:\n"
            + "".join(
                f"- {{id: {name}, name: {name.title()}, url: '{path if '://' in path else self.server.url(path)}', pace: 5m,"
                " allow_networks: [127.0.0.0/8]}\n"
                for name, path in self.feeds.items()
            )
        )
        self.config.joinpath("watches.yaml").write_text(
            f"watches:\n- {{name: unrest, title: Unrest, any: [{watch}]}}\n"
        )

    def settings(self):
        return load(self.config, environ={})

    @contextlib.asynccontextmanager
    async def running(self):
        """Run the service; leaving stops it the way `stop` does."""
        task = asyncio.create_task(run_service(self.settings(), virtual_clock=self.now, reload_settings=self.settings))
        try:
            client = await self._connect(task)
            try:
                yield client
            finally:
                with contextlib.suppress(MonitorError):
                    await client.call("stop")
                await client.aclose()
        finally:
            async with asyncio.timeout(20):
                await task

    async def _connect(self, task):
        path = socket_path(self.data)
        while True:
            if task.done():
                await task
            with contextlib.suppress(MonitorError):
                return await ControlClient.connect(path)
            await asyncio.sleep(0)

    async def advance(self, client, by=timedelta(0)):
        self.now += by
        return await client.call("advance", to=self.now.isoformat())

    def told(self):
        return [json.loads(request.body) for request in self.server.to("/hook")]


def play(tmp_path, scene):
    async def run():
        async with asyncio.timeout(110), FakeServer() as server:
            server.on("/hook", reply(204))
            return await scene(Desk(tmp_path, server), server)

    return asyncio.run(run())


def test_a_report_goes_from_a_feed_to_a_signed_webhook_and_is_told_once(tmp_path):
    async def scene(desk, server):
        server.on("/feed", rss(PROTEST))
        async with desk.running() as client:
            first = await desk.advance(client, MINUTE)
            for _ in range(3):
                await desk.advance(client, 5 * MINUTE)
        return first, desk.told(), server.to("/hook")[0]

    first, told, request = play(tmp_path, scene)
    assert [alert["headline"] for alert in first["alerts"]] == [PROTEST[1]]
    stories = [event for event in told if event["type"] == "alert.story"]
    assert [event["data"]["headline"] for event in stories] == [PROTEST[1]]
    assert request.header("webhook-signature").startswith("v1,")


def test_a_restart_with_nothing_new_says_nothing_and_what_appeared_meanwhile_is_told(tmp_path):
    async def scene(desk, server):
        server.on("/feed", rss(PROTEST))
        async with desk.running() as client:
            for _ in range(4):
                await desk.advance(client, 5 * MINUTE)
        before = len(desk.told())
        async with desk.running() as client:
            await desk.advance(client, 10 * MINUTE)
        quiet = len(desk.told()) - before
        server.on("/feed", rss(("p2", "Second protest in Almaty", "More people came."), PROTEST))
        desk.now += timedelta(hours=9)
        async with desk.running() as client:
            await desk.advance(client, MINUTE)
        return quiet, [event["data"]["headline"] for event in desk.told()[before:]]

    assert play(tmp_path, scene) == (0, ["Second protest in Almaty"])


def test_a_receiver_that_is_down_gets_the_same_id_and_bytes_later(tmp_path):
    async def scene(desk, server):
        server.on("/feed", rss(PROTEST))
        server.on("/hook", reply(503), reply(503), reply(204))
        async with desk.running() as client:
            await desk.advance(client, MINUTE)
            await desk.advance(client, 3 * MINUTE)
            await desk.advance(client, 3 * MINUTE)
        requests = [request for request in server.to("/hook") if b"alert.story" in request.body]
        return [(request.header("webhook-id"), request.body) for request in requests]

    sends = play(tmp_path, scene)
    assert len(sends) == 3
    assert len(set(sends)) == 1


def test_a_hanging_feed_holds_up_no_other(tmp_path):
    async def scene(desk, server):
        server.on("/feed", rss(PROTEST))
        async with FakeServer() as slow:
            slow.on("/slow", hang())
            desk.feeds = {"paper": "/feed", "slow": slow.url("/slow")}
            desk.write()
            async with desk.running() as client:
                advancing = asyncio.create_task(desk.advance(client, 5 * MINUTE))
                await slow.arrived(1)
                await server.arrived(2)
                told = desk.told()
                await slow.__aexit__(None, None, None)
                await advancing
        return [event["data"]["headline"] for event in told]

    assert play(tmp_path, scene) == [PROTEST[1]]


def test_a_first_fill_is_one_line_and_old_entries_are_not_told(tmp_path):
    async def scene(desk, server):
        old = [(f"o{n}", f"Protest number {n} of last month", "Long ago.") for n in range(20)]
        server.on("/feed", rss(*old, age=timedelta(days=30)))
        async with desk.running() as client:
            for _ in range(4):
                await desk.advance(client, 5 * MINUTE)
        return desk.told()

    (event,) = play(tmp_path, scene)
    assert event["type"] == "alert.watching"
    assert "20" in event["data"]["note"]


def test_a_bad_new_configuration_is_refused_and_the_old_one_keeps_running(tmp_path):
    async def scene(desk, server):
        server.on("/feed", rss(PROTEST))
        async with desk.running() as client:
            desk.config.joinpath("watches.yaml").write_text("watches:\n- {name: unrest, anny: [protest]}\n")
            with pytest.raises(MonitorError, match="anny"):
                await client.call("reload")
            status = await client.call("status")
            await desk.advance(client, MINUTE)
        return status["running"]["reload"]["error"], [event["data"]["headline"] for event in desk.told()]

    error, told = play(tmp_path, scene)
    assert "watches.yaml" in error
    assert told == [PROTEST[1]]


def test_a_reload_takes_new_watches_over_and_lists_what_they_find_without_telling(tmp_path):
    async def scene(desk, server):
        server.on("/feed", rss(("f1", "Fuel becomes cheaper in Almaty", "Says the ministry.")))
        async with desk.running() as client:
            await desk.advance(client, MINUTE)
            desk.write(watch="cheaper")
            await client.call("reload")
            await desk.advance(client, 5 * MINUTE)
        store = open_store(desk.settings().store_url, data_dir=desk.data)
        try:
            return [event["type"] for event in desk.told()], [item.disposition for item in store.listings()]
        finally:
            store.close()

    types, listed = play(tmp_path, scene)
    assert "alert.story" not in types
    assert listed == ["backfill"]


def test_a_channel_that_is_taken_away_ends_its_rows_and_says_so(tmp_path):
    async def scene(desk, server):
        server.on("/feed", rss(PROTEST))
        server.on("/hook", reply(503))
        async with desk.running() as client:
            await desk.advance(client, MINUTE)
            desk.write(channels=False)
            answer = await client.call("reload")
        assert answer["ended"] == 1
        store = open_store(desk.settings().store_url, data_dir=desk.data)
        try:
            return [(row.state, row.reason) for row in store.deliveries(limit=9, channel="hook")]
        finally:
            store.close()

    ((state, reason),) = play(tmp_path, scene)
    assert state == "dead"
    assert "channel removed" in reason


def test_a_reload_that_the_store_does_not_take_leaves_the_old_configuration_running(tmp_path, monkeypatch):
    async def scene(desk, server):
        server.on("/feed", rss(PROTEST))
        async with desk.running() as client:
            with monkeypatch.context() as broken:
                broken.setattr("monitor.store.store.SqlStore.sync_feeds", _locked)
                desk.write(channels=False)
                with pytest.raises(MonitorError, match="stayed locked"):
                    await client.call("reload")
            status = await client.call("status")
            await desk.advance(client, MINUTE)
        return [each["name"] for each in status["channels"]], status["running"]["reload"]["error"], len(desk.told())

    channels, error, told = play(tmp_path, scene)
    assert channels == ["hook"]
    assert "stayed locked" in error
    assert told == 1


def _locked(*_args):
    raise StoreBusy("the database stayed locked")


def test_pause_holds_deliveries_and_resume_lets_them_go(tmp_path):
    async def scene(desk, server):
        server.on("/feed", rss(PROTEST))
        async with desk.running() as client:
            await client.call("pause")
            await desk.advance(client, 2 * MINUTE)
            held = len(desk.told())
            await client.call("resume")
            await desk.advance(client, timedelta(seconds=1))
        return held, len(desk.told())

    assert play(tmp_path, scene) == (0, 1)


def test_a_test_alert_takes_the_whole_path_and_is_marked(tmp_path):
    async def scene(desk, server):
        server.on("/feed", rss())
        async with desk.running() as client:
            answer = await client.call("test-alert")
            await desk.advance(client, timedelta(seconds=1))
            with pytest.raises(MonitorError, match="no route"):
                await client.call("test-alert", route="nowhere")
        return answer, desk.told()

    answer, (event,) = play(tmp_path, scene)
    assert answer["deliveries"] == 1
    assert (event["type"], event["data"]["test"], event["data"]["alert_id"]) == ("alert.test", True, answer["alert"])


def test_a_second_service_on_the_same_store_is_refused(tmp_path):
    async def scene(desk, server):
        server.on("/feed", rss())
        async with desk.running():
            with pytest.raises(StoreBusy):
                await run_service(desk.settings(), virtual_clock=NOON, reload_settings=desk.settings)

    play(tmp_path, scene)


def test_an_entry_that_cannot_be_decided_is_set_aside_and_the_others_go_on(tmp_path, monkeypatch):
    from monitor.alerts.render import Renderer

    whole = Renderer.render

    def render(self, alert, *args, **kwargs):
        if "cursed" in alert.headline:
            raise ZeroDivisionError
        return whole(self, alert, *args, **kwargs)

    monkeypatch.setattr(Renderer, "render", render)

    async def scene(desk, server):
        server.on("/feed", rss(("p3", "Third protest", "c"), ("p2", "A cursed protest", "b"), PROTEST))
        async with desk.running() as client:
            await desk.advance(client, MINUTE)
            status = await client.call("status")
        return sorted(event["data"]["headline"] for event in desk.told()), status["counts"]

    headlines, counts = play(tmp_path, scene)
    assert PROTEST[1] in headlines
    assert "Third protest" in headlines
    assert any("set aside" in headline for headline in headlines)
    assert counts["aside"] == 1


def test_status_tells_what_fails_and_why(tmp_path):
    async def scene(desk, server):
        server.on(
            "/feed", reply(200, b"<!doctype html><html><body>Buy now</body></html>", [("Content-Type", "text/html")])
        )
        async with desk.running() as client:
            await desk.advance(client, MINUTE)
            return await client.call("status")

    status = play(tmp_path, scene)
    assert status["feeds"]["failing"] == 1
    assert "page" in status["feeds"]["failing_feeds"][0]["reason"]


async def _run_without_database(desk):
    async with desk.running() as client:
        await desk.advance(client, MINUTE)
        for file in desk.data.glob("monitor.db*"):
            file.unlink()
        await client._reader.read()  # until the service hangs up


def test_a_database_deleted_under_the_service_ends_it_with_a_clear_message(tmp_path):
    async def scene(desk, server):
        server.on("/feed", rss(PROTEST))
        with pytest.raises(ExceptionGroup) as ended:
            await _run_without_database(desk)
        return ended.value

    group = play(tmp_path, scene)
    assert group.subgroup(StoreBroken) is not None
    assert "deleted or replaced" in repr(group.exceptions)


def test_a_channel_that_is_gone_is_tried_again_once_it_is_set_up_anew(tmp_path):
    async def scene(desk, server):
        server.on("/feed", rss(PROTEST))
        server.on("/hook", reply(410))
        server.on("/new", reply(204))
        async with desk.running() as client:
            await desk.advance(client, MINUTE)
            written = (desk.config / "monitor.yaml").read_text()
            (desk.config / "monitor.yaml").write_text(written.replace("/hook'", "/new'"))
            await client.call("reload")
            await client.call("test-alert")
            await desk.advance(client, MINUTE)
        return [json.loads(request.body)["type"] for request in server.to("/new")]

    assert "alert.test" in play(tmp_path, scene)


def test_a_service_that_waits_for_a_hanging_feed_stops_at_once_and_the_feed_is_due_as_before(tmp_path):
    async def scene(desk, server):
        server.on("/feed", hang())
        async with asyncio.timeout(20):
            async with desk.running() as client:
                advancing = asyncio.create_task(desk.advance(client, MINUTE))
                await server.arrived(1)
                stopper = await desk._connect(asyncio.current_task())
                await stopper.call("stop")
                await stopper.aclose()
                await asyncio.gather(advancing, return_exceptions=True)
        store = open_store(desk.settings().store_url, data_dir=desk.data)
        try:
            (state,) = store.feed_states("kz")
            return state.lease, state.due_at <= desk.now
        finally:
            store.close()

    assert play(tmp_path, scene) == (None, True)


def test_the_garbage_collector_looks_seldom_while_a_service_runs_and_as_before_afterwards(tmp_path):
    before = (gc.get_threshold(), gc.get_freeze_count())

    async def scene(desk, server):
        server.on("/feed", rss(PROTEST))
        async with desk.running():
            return gc.get_threshold(), gc.get_freeze_count()

    threshold, frozen = play(tmp_path, scene)
    assert threshold == COLLECT_AFTER
    assert frozen > 10_000
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
