"""Commands that need the service or the network: a control socket, a publisher, and once the real thing."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import values
from support.http_server import reply
from typer.testing import CliRunner

from monitor.cli import app
from monitor.errors import MonitorError
from monitor.model import AlertKind
from monitor.service.status import status
from monitor.settings import load

STATUS = {
    "running",
    "now",
    "situation",
    "paused",
    "feeds",
    "disabled",
    "counts",
    "channels",
    "pushes",
    "expat",
    "last_alert",
    "configuration",
}


# --- status -----------------------------------------------------------------------------------------------------------


def test_status_without_a_service_says_so_and_tells_the_rest_from_the_store(desk: Any) -> None:
    text = desk.run("status").stdout
    assert text.startswith("NOT RUNNING\n")
    assert "start it with `monitor run`" in text
    assert "1 ok, 1 failing, 1 silent, 1 disabled" in text
    assert "1 delivered, 1 pending, 1 dead" in text
    assert "last alert  1 h ago: Протест в Актау (a1bbbbbbbbbb)" in text
    assert "The server failed (503)." in text
    assert "nothing new has come for" in text
    row = desk.json("status")
    assert set(row) == STATUS
    assert row["running"] is None
    assert row["counts"]["deliveries_dead"] == 1


def test_status_of_a_service_that_never_ran_says_so(empty_desk: Any) -> None:
    assert "has never run" in empty_desk.run("status").stdout
    assert set(empty_desk.json("status")) == {"running", "now", "situation", "configuration"}


def _running(desk: Any, **changed: Any) -> Callable[[Any], dict[str, Any]]:
    def answer(_request: Any) -> dict[str, Any]:
        settings = load(desk.config, environ={})
        store = desk.open()
        try:
            found = status(store, settings, datetime.now(UTC))
        finally:
            store.close()
        since = datetime.now(UTC) - timedelta(hours=3, minutes=1)
        running = {"pid": 4711, "version": "1.2", "since": since, "polls": 9, "in_flight": 0, "sent": 2, "reload": None}
        return {**found, "running": {**running, **changed.pop("running", {})}, **changed}

    return answer


def test_status_of_a_running_service_comes_from_it_with_process_pause_and_reload(desk: Any, service: Any) -> None:
    service.answers["status"] = _running(desk)
    at = datetime.now(UTC) - timedelta(minutes=5)
    reload, waiting = {"at": at, "error": "1 mistake in the configuration"}, {"intake": 1, "aside": 2}
    service.answers["status"] = _running(
        desk, running={"reload": reload}, paused=at.isoformat(), counts={**desk.json("status")["counts"], **waiting}
    )
    text = desk.run("status").stdout
    assert text.startswith("running\n")
    assert "4711, version 1.2" in text
    assert "3 h ago" in text
    assert "PAUSED 5 min ago; `monitor resume` goes on" in text
    assert "5 min ago, REFUSED, the old configuration goes on: 1 mistake in the configuration" in text
    assert "1 entry waiting to be decided; 2 SET ASIDE" in text
    service.answers["status"] = _running(desk, running={"reload": {"at": at, "error": None}})
    row = desk.json("status")
    assert set(row) == STATUS
    assert row["running"]["since"].endswith("Z")
    assert row["last_alert"]["at"].endswith("Z")
    assert row["channels"][1]["last_success"].endswith("Z")


def test_status_tells_gaps_pushes_the_xml_parser_and_an_own_network_that_is_down(desk: Any, service: Any) -> None:
    since = datetime.now(UTC) - timedelta(minutes=7)
    service.answers["status"] = _running(desk, running={"network": {"down_since": since}})
    text = desk.run("status").stdout
    assert "entries of 1 feed may have been missed: `monitor feeds list --gaps`" in text
    assert "1 of 2 feeds with a hub are pushed, 1 push with a wrong signature" in text
    assert re.search(r"parser +libexpat 2\.\d", text)
    assert re.search(r"network +DOWN, 7 min ago: polling waits", text)
    service.answers["status"] = _running(desk, running={"network": {"down_since": since}})
    row = desk.json("status")
    assert row["pushes"] == {"offered": 2, "working": 1, "waiting": 0, "refused": 0, "rejected": 1}
    assert row["running"]["network"]["down_since"].endswith("Z")
    assert row["expat"]["verdict"] in {"fine", "old"}
    service.answers["status"] = _running(desk, running={"network": {"down_since": None}})
    assert "DOWN" not in desk.run("status").stdout


def test_a_service_of_the_version_before_can_still_be_asked_how_it_is(desk: Any, service: Any) -> None:
    answer = _running(desk)(None)
    old = {key: value for key, value in answer.items() if key not in {"pushes", "expat"}}
    service.answers["status"] = {**old, "feeds": {key: value for key, value in old["feeds"].items() if key != "gaps"}}
    assert desk.run("status").stdout.startswith("running\n")


def test_status_reaches_a_service_although_the_files_have_mistakes_now(desk: Any, service: Any) -> None:
    service.answers["status"] = answer = _running(desk)(None)
    (desk.config / "watches.yaml").write_text("watches:\n- {name: fuel, anyy: [x]}\n")
    assert answer["running"]
    result = desk.run("status")
    assert "running" in result.stdout
    assert "1 mistake; `monitor check` lists it" in result.stderr
    assert "there is no key `anyy`" in desk.json("status")["configuration"]["mistakes"][0]


def test_only_the_first_ten_troubled_feeds_are_named(desk: Any) -> None:
    rows = "".join(f'- {{id: f{n}, name: F{n}, url: "https://f{n}.example/", group: national}}\n' for n in range(12))
    (desk.config / "feeds.yaml").write_text(f"feeds:\n{rows}")
    store, at = desk.open(), datetime.now(UTC) - timedelta(hours=2)
    feeds = [values.feed(f"f{n}") for n in range(12)]
    store.sync_feeds(values.KZ, feeds, at, {feed.id: at for feed in feeds})
    for state in store.claim_due_feeds(values.KZ, at, 20, values.MINUTE):
        store.save_polls([values.polled(state, at=at)])
    store.close()
    text = desk.run("status").stdout
    assert "12 silent" in text
    assert sum(" silent " in line for line in text.splitlines()) == 10
    assert "... and 2 more: `monitor feeds list --failing --silent`" in text


# --- telling the service ----------------------------------------------------------------------------------------------


def test_reload_tells_what_is_in_effect_now(desk: Any, service: Any) -> None:
    service.answers["reload"] = {"feeds": 4, "watches": 1, "channels": 2}
    assert desk.run("reload").stdout == "Reloaded: 4 feeds, 1 watch, 2 channels.\n"
    assert desk.json("reload") == {"reloaded": True, "feeds": 4, "watches": 1, "channels": 2}


def test_what_the_service_refuses_is_told_in_its_words(desk: Any, service: Any) -> None:
    service.answers["reload"] = MonitorError("store.url cannot change while the service runs: restart it instead")
    assert "restart it instead" in desk.run("reload", code=1).stderr


@pytest.mark.parametrize("command", [("reload",), ("test-alert",)])
def test_what_needs_a_service_says_that_none_runs(desk: Any, command: tuple[str, ...]) -> None:
    result = desk.run(*command, "--json", code=1)
    assert not result.stdout
    assert "start it with `monitor run`" in result.stderr


def test_pause_and_resume_reach_the_running_service(desk: Any, service: Any) -> None:
    service.answers |= {"pause": {"paused": True}, "resume": {"paused": False}}
    assert "deliveries wait" in desk.run("pause").stdout
    assert desk.json("resume") == {"paused": False, "running": True}
    assert service.ops == ["pause", "resume"]


def test_pause_and_resume_count_from_the_next_start_where_no_service_runs(desk: Any) -> None:
    assert "next start" in desk.run("pause").stderr
    assert desk.json("status")["paused"]
    assert "PAUSED" in desk.run("status").stdout
    assert desk.json("resume") == {"paused": False, "running": False}
    assert desk.json("status")["paused"] is None


# --- test alerts ------------------------------------------------------------------------------------------------------

TEST = "a1" + "7" * 30


def _test_alert(desk: Any, *ends: str, failures: int = 0) -> Callable[[Any], dict[str, Any]]:
    """An answer of the service that leaves deliveries in these states."""

    def answer(request: Any) -> dict[str, Any]:
        now, store = datetime.now(UTC), desk.open()
        alert = values.alert(TEST, kind=AlertKind.TEST, report=None, matches=(), story_id=None, at=now, test=True)
        made = [
            values.delivery(
                f"d1{n}" + "7" * 28, alert_id=TEST, channel=f"c{n}", created_at=now, due_at=now, failures=failures
            )
            for n in range(len(ends))
        ]
        store.add_alerts([alert], made, ())
        for row, end in zip(made, ends, strict=True):
            if end == "delivered":
                (claimed,) = store.claim_due_deliveries(row.channel, now, 1, values.MINUTE)
                attempt = values.attempt(claimed, started_at=now)
                store.save_attempt(values.ended(claimed), claimed.lease, attempt, store.endpoint(row.channel), ())
        store.close()
        return {"alert": TEST, "route": request.get("route") or "desk", "deliveries": len(ends)}

    return answer


def test_a_test_alert_shows_the_outcome_of_each_delivery(desk: Any, service: Any) -> None:
    service.answers["test-alert"] = _test_alert(desk, "delivered", "delivered")
    text = desk.run("test-alert", "--route", "night").stdout
    assert "on route night" in text
    assert text.count(" delivered ") == 2
    assert service.requests == [{"op": "test-alert", "route": "night"}]


def test_a_test_alert_as_json_has_every_attempt(desk: Any, service: Any) -> None:
    service.answers["test-alert"] = _test_alert(desk, "delivered")
    row = desk.json("test-alert")
    assert set(row) == {"alert", "route", "arrived", "deliveries"}
    assert row["arrived"] is True
    assert row["deliveries"][0]["attempts"][0]["detail"] == "250 2.0.0 Ok"


def test_a_test_alert_that_does_not_arrive_in_time_is_a_fault_with_advice(desk: Any, service: Any) -> None:
    service.answers["test-alert"] = _test_alert(desk, "delivered", "pending")
    assert "monitor status" in desk.run("test-alert", "--wait", "0", code=1).stderr


def test_a_test_alert_that_failed_once_is_not_waited_for(desk: Any, service: Any) -> None:
    service.answers["test-alert"] = _test_alert(desk, "pending", failures=1)
    began = time.monotonic()
    assert "tried again by itself" in desk.run("test-alert", code=1).stderr
    assert time.monotonic() - began < 30


def test_a_test_alert_while_paused_or_without_recipients_says_why(desk: Any, service: Any) -> None:
    service.answers["test-alert"] = _test_alert(desk)
    assert "no recipients" in desk.run("test-alert", code=1).stderr
    store = desk.open()
    store.set_flag("paused", "now")
    store.close()
    service.answers["test-alert"] = _test_alert(desk, "pending")
    assert "monitor resume" in desk.run("test-alert", "--wait", "0", code=1).stderr


def test_a_refused_test_alert_is_told(desk: Any, service: Any) -> None:
    service.answers["test-alert"] = MonitorError("there is no route `x`; there are: desk, night")
    assert "there are: desk, night" in desk.run("test-alert", "--route", "x", code=1).stderr


# --- channels ---------------------------------------------------------------------------------------------------------


def test_a_channel_is_tried_directly_and_shows_what_the_receiver_answered(desk: Any, publisher: Any) -> None:
    publisher.on("/hook", reply(200, b"thanks"), reply(410, b"closed"))
    (desk.config / "monitor.yaml").write_text(
        "situation: {id: kazakhstan, name: Kazakhstan}\n"
        f"channels:\n  hook: {{kind: webhook, url: '{publisher.url('/hook')}', secret: '{'whsec_' + 'MDEy' * 8}'}}\n"
        "  book: {kind: jsonl, path: alerts.jsonl}\n"
        "routes: {desk: {channels: [hook]}}\n"
    )
    row = desk.json("channels", "test", "hook")
    assert set(row) == {"channel", "kind", "deliveries"}
    assert set(row["deliveries"][0]) == {
        "recipient", "outcome", "reason", "detail", "status", "took", "template_problems",
    }  # fmt: skip
    assert (row["deliveries"][0]["outcome"], row["deliveries"][0]["status"]) == ("delivered", 200)
    body = json.loads(publisher.requests[0].body)
    assert body["data"]["test"] is True
    text = desk.run("channels", "test", "hook", code=1).stdout
    assert "gone" in text
    assert "410" in text
    assert publisher.requests[0].header("webhook-id") != publisher.requests[1].header("webhook-id")
    assert len(desk.json("alerts", "list")["alerts"]) == 1


def test_a_channel_that_writes_to_standard_output_leaves_json_alone(desk: Any) -> None:
    assert "[TEST]" in desk.run("channels", "test", "log").stdout
    row = desk.json("channels", "test", "log")
    assert row["deliveries"][0]["outcome"] == "delivered"


def test_an_unknown_channel_is_wrong_usage_with_a_hint(desk: Any) -> None:
    assert "did you mean `book`?" in desk.run("channels", "test", "bok", code=2).stderr


# --- once --------------------------------------------------------------------------------------------------------------


def test_once_polls_decides_and_delivers_and_tells_what_it_did(empty_desk: Any, publisher: Any, news: bytes) -> None:
    publisher.on("/news", reply(200, news, {"Content-Type": "text/xml"}))
    empty_desk.own_feeds(news=publisher.url("/news"))
    row = empty_desk.json("once")
    assert set(row) == {"polls", "entries", "alerts", "sent", "network_down"}
    assert (row["polls"], row["entries"], row["sent"]) == (1, 2, 2)
    assert row["alerts"][0]["headline"] == "Митинг в Актау"
    text = empty_desk.run("once").stdout
    assert re.search(r"^Polled \d feeds?, decided 0 entries, made ", text, re.MULTILINE)
    assert "Митинг в Актау" in (empty_desk.data / "alerts.jsonl").read_text()


def test_once_does_not_wait_for_a_host_that_asks_for_rest(empty_desk: Any, publisher: Any, news: bytes) -> None:
    publisher.on("/first", reply(429, headers={"Retry-After": "3600"}))
    for path in ("/second", "/third"):
        publisher.on(path, reply(200, news, {"Content-Type": "text/xml"}))
    empty_desk.own_feeds(**{name: publisher.url(f"/{name}") for name in ("first", "second", "third")})
    began = time.monotonic()
    empty_desk.run("once")
    assert time.monotonic() - began < 60
    assert "/first" in [request.path for request in publisher.requests]


def test_once_ends_where_nobody_can_be_reached_and_says_so(empty_desk: Any) -> None:
    rows = "".join(
        f"- {{id: {name}-{number}, name: {name} {number}, url: 'http://127.0.0.{number}:9/{name}', group: national,"
        " allow_networks: [127.0.0.0/8]}\n"
        for name in ("first", "second")
        for number in (2, 3, 4)
    )
    (empty_desk.config / "feeds.yaml").write_text(f"feeds:\n{rows}")
    with (empty_desk.config / "monitor.yaml").open("a") as file:
        file.write("polling: {host_spacing: 10s}\n")  # the second feed of each host is due when it is known
    result = empty_desk.run("once", "--json", code=1)
    assert "network of this machine is down" in result.stderr
    done = json.loads(result.stdout)
    assert (done["polls"], done["network_down"]) == (0, True)


# --- the real service -------------------------------------------------------------------------------------------------


@pytest.fixture
def real_service(empty_desk: Any, publisher: Any, news: bytes) -> Iterator[Any]:
    """`monitor run` as a process, ready."""
    publisher.on("/news", reply(200, news, {"Content-Type": "text/xml"}))
    empty_desk.own_feeds(news=publisher.url("/news"))
    arguments = [sys.executable, "-m", "monitor", "run", "--config", str(empty_desk.config)]
    with (empty_desk.folder / "log").open("wb") as log:
        process = subprocess.Popen(arguments, stdout=log, stderr=log, env={**os.environ, "PYTHONUNBUFFERED": "1"})
        deadline = time.monotonic() + 60
        while not (empty_desk.data / "control.sock").exists():
            assert process.poll() is None, (empty_desk.folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def test_commands_work_with_the_real_service(empty_desk: Any, real_service: Any) -> None:
    row = empty_desk.json("status")
    assert row["running"]["pid"] == real_service.pid
    assert set(row) == STATUS
    assert empty_desk.json("test-alert")["arrived"] is True
    assert empty_desk.json("watches", "add", "flights", "--any", "рейс")["reloaded"] is True
    assert "fine" in empty_desk.run("status").stdout
    result = empty_desk.run("once", code=1)
    assert str(real_service.pid) in result.stderr


def test_run_with_a_virtual_clock_stands_at_that_time(empty_desk: Any) -> None:
    assert "2022-01-01T12:00" in empty_desk.run("run", "--virtual-clock", "noon", code=2).stderr


def test_feeds_poll_asks_for_the_named_feeds_or_for_all_enabled_ones(desk: Any, service: Any) -> None:
    service.answers["poll-now"] = {"feeds": 2}
    assert desk.run("feeds", "poll", "a", "b").stdout.startswith("2 feeds due now")
    assert desk.json("feeds", "poll") == {"polled": 2, "resting": {}}
    asked = [(request["feeds"], request["force"]) for request in service.requests]
    assert asked == [(["a", "b"], False), (["tengri", "vlast", "zakon", "fresh"], False)]


def test_feeds_whose_publisher_asked_for_rest_are_named_and_polled_only_by_force(desk: Any, service: Any) -> None:
    service.answers["poll-now"] = {"feeds": 1, "resting": {"vlast": "The publisher asked for a rest."}}
    result = desk.run("feeds", "poll")
    assert "1 feed due now" in result.stdout
    assert "! vlast: The publisher asked for a rest." in result.stderr
    assert "--force" in result.stderr
    desk.run("feeds", "poll", "vlast", "--force")
    assert service.requests[-1]["force"] is True


# --- a configuration that cannot be used --------------------------------------------------------------------------------


def _broken(folder: Path, how: str) -> Path:
    config = folder / "config"
    if how == "a file":
        config.write_text("situation: {}\n")
        return config
    if how != "missing":
        config.mkdir()
    if how == "a folder for a file":
        (config / "monitor.yaml").mkdir()
    elif how != "missing":
        (config / "monitor.yaml").write_bytes(
            {"bytes": b"\xff\xfe\x00", "no yaml": b"situation: [\n", "empty": b""}[how]
        )
    return config


COMMANDS = (
    "run", "once", "status", "check", "reload", "pause", "resume", "test-alert", "config show", "feeds list", "feeds check",
    "feeds poll", "feeds add https://news.example/", "feeds remove x", "feeds export-opml", "watches list", "watches remove x",
    "alerts list", "deliveries list", "channels list", "reports list", "stories list",
)  # fmt: skip


@pytest.mark.parametrize("how", ["missing", "a file", "a folder for a file", "bytes", "no yaml", "empty"])
def test_no_command_breaks_on_a_configuration_that_cannot_be_used(tmp_path: Path, how: str) -> None:
    config = _broken(tmp_path, how)
    for command in COMMANDS:
        result = CliRunner().invoke(app, [*command.split(), "--config", str(config)])
        told = result.stderr + result.stdout
        assert (result.exit_code, type(result.exception)) == (2, SystemExit), f"{command}: {told} {result.exception!r}"
        assert str(config) in told, command
