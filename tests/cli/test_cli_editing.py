"""Commands that write: configuration files keep their comments, the store changes as told, a running service follows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from monitor.cli import app
from monitor.cli.feeds_edit import new_id, slug
from monitor.errors import MonitorError
from monitor.model import DeliveryState

DEAD, WAITS, SENT = "d1" + "2" * 30, "d1" + "3" * 30, "d1" + "1" * 30
RELOADED = {"feeds": 5, "watches": 3, "channels": 2}


# --- setting up -------------------------------------------------------------------------------------------------------


def test_init_writes_a_configuration_that_check_finds_fine_and_never_overwrites(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    result = CliRunner().invoke(app, ["init", str(folder)])
    assert result.exit_code == 0
    assert (folder / "monitor.yaml").is_file()
    assert "monitor check" in result.stderr
    checked = CliRunner().invoke(app, ["check", "--config", str(folder)])
    assert checked.exit_code == 0
    assert "is fine" in checked.stdout
    again = CliRunner().invoke(app, ["init", str(folder), "--json"])
    assert again.exit_code == 2
    assert "nothing was written" in again.stderr
    assert not again.stdout


def test_init_as_json_names_the_files(tmp_path: Path) -> None:
    row = json.loads(CliRunner().invoke(app, ["init", str(tmp_path / "new"), "--json"]).stdout)
    assert set(row) == {"folder", "files"}
    assert str(tmp_path / "new" / "feeds.yaml") in row["files"]


def test_check_lists_all_mistakes_of_all_files_with_lines_and_templates(empty_desk: Any) -> None:
    (empty_desk.config / "monitor.yaml").write_text("situation: {id: kz, name: Kz, zone: Mars/Base}\n")
    (empty_desk.config / "watches.yaml").write_text("watches:\n- {name: a, anyy: [x]}\n")
    (empty_desk.config / "templates").mkdir()
    (empty_desk.config / "templates" / "line.j2").write_text("{{ nothing_like_this }}")
    result = empty_desk.run("check", code=2)
    assert "monitor.yaml:1: " in result.stdout
    assert "watches.yaml:2: there is no key `anyy`; did you mean `any`?" in result.stdout
    assert "line.j2" in result.stdout
    assert "nothing was started" in result.stderr
    row = empty_desk.json("check", code=2)
    assert set(row) == {"folder", "ok", "mistakes"}
    assert row["ok"] is False
    assert set(row["mistakes"][0]) == {"file", "line", "message", "instead"}
    assert len(row["mistakes"]) >= 3


def test_a_configuration_with_mistakes_stops_run_and_once_before_anything_starts(empty_desk: Any) -> None:
    (empty_desk.config / "watches.yaml").write_text("watches:\n- {name: a, anyy: [x]}\n")
    for command in ("run", "once", "reload"):
        result = empty_desk.run(command, code=2)
        assert "watches.yaml:2" in result.stderr
    assert not empty_desk.data.exists()


def test_the_configuration_in_effect_is_shown_without_secrets(desk: Any) -> None:
    (desk.config / "feeds.yaml").write_text(
        'feeds:\n- {id: own, name: Own, url: "https://own.example/rss", authorization: "Bearer ${TOKEN}", group: national}\n'
    )
    text = desk.run("config", "show", TOKEN="sesame-open").stdout
    row = json.loads(desk.run("config", "show", "--json", TOKEN="sesame-open").stdout)
    assert "Kazakhstan" in text
    assert "own" in text
    assert row["situation_id"] == "kazakhstan"
    assert row["feeds"][0]["authorization"] == "***"
    assert "sesame" not in text + json.dumps(row)


def test_reading_needs_no_secrets_of_the_service_and_sending_does(desk: Any) -> None:
    (desk.config / "feeds.yaml").write_text(
        'feeds:\n- {id: tengri, name: Own, url: "https://own.example/rss", authorization: "Bearer ${UNSET_TOKEN}", group: national}\n'
    )
    assert len(desk.json("reports", "list")["reports"]) == 3
    assert "UNSET_TOKEN is not set" in desk.run("feeds", "check", "tengri", code=2).stderr
    (desk.config / "monitor.yaml").write_text(
        "situation: {id: kazakhstan, name: Kz}\nstore: {url: 'postgresql://me:${UNSET_TOKEN}@db.example/x'}\n"
    )
    assert "UNSET_TOKEN is not set" in desk.run("reports", "list", code=2).stderr


def test_the_schema_is_printed_for_all_files_or_one(desk: Any) -> None:
    assert set(json.loads(desk.run("config", "schema").stdout)) == {"monitor.yaml", "feeds.yaml", "watches.yaml"}
    assert json.loads(desk.run("config", "schema", "feeds.yaml").stdout)["properties"]["feeds"]
    assert "choose from monitor.yaml" in desk.run("config", "schema", "routes.yaml", code=2).stderr


# --- feeds and watches ------------------------------------------------------------------------------------------------


def test_a_feed_is_added_with_comments_kept_and_an_id_from_its_address(desk: Any) -> None:
    result = desk.run(
        "feeds", "add", "https://www.news.example/rss", "--no-check", "--name", "News: today", "--pace", "90s",
        "--language", "kk", "--group", "local", "--grade", "C",
    )  # fmt: skip
    assert "`news-example`" in result.stdout
    assert "No service is running" in result.stderr
    text = desk.feeds_text()
    assert text.startswith("# Feeds of the desk; this comment stays.\n")
    row = desk.json("feeds", "list")["feeds"][-1]
    assert (row["id"], row["name"], row["pace"]) == ("news-example", "News: today", 90)
    assert (row["language"], row["group"], row["grade"]) == ("kk", "local", "C")


def test_adding_as_json_and_removing_tell_what_was_done(desk: Any) -> None:
    row = desk.json("feeds", "add", "https://tengri.example/other", "--no-check")
    assert row == {
        "added": {"id": "tengri-example", "name": "tengri.example", "url": "https://tengri.example/other"},
        "found": None,
        "reloaded": False,
    }
    assert desk.json("feeds", "remove", "tengri-example") == {"removed": "tengri-example", "reloaded": False}
    assert "tengri-example" not in desk.feeds_text()
    assert "Removed `off`" in desk.run("feeds", "remove", "off").stdout


def test_a_feed_of_the_crisis_is_added_as_such(desk: Any) -> None:
    row = desk.json("feeds", "add", "https://akorda.example/rss", "--no-check", "--crisis")
    assert row["added"]["crisis"] is True
    assert desk.json("feeds", "list")["feeds"][-1]["pace"] == 120
    both = desk.run("feeds", "add", "https://b.example/rss", "--no-check", "--crisis", "--pace", "1m", code=2).stderr
    assert "`pace` and `crisis` are both given" in both


def test_what_the_file_may_not_hold_is_refused_and_the_file_stays_as_it_is(desk: Any) -> None:
    before = desk.feeds_text()
    assert "pace" in desk.run("feeds", "add", "https://n.example/", "--no-check", "--pace", "often", code=2).stderr
    assert "taken by the feed" in desk.run("feeds", "add", "https://tengri.example/rss", "--no-check", code=2).stderr
    assert "did you mean `vlast`?" in desk.run("feeds", "remove", "vlats", code=2).stderr
    assert desk.feeds_text() == before


def test_a_running_service_takes_an_edit_over_by_itself(desk: Any, service: Any) -> None:
    service.answers["reload"] = RELOADED
    assert "taken it over" in desk.run("feeds", "remove", "off").stderr
    assert desk.json("watches", "remove", "quiet")["reloaded"] is True
    assert service.ops == ["reload", "reload"]


def test_a_refusal_of_the_running_service_is_told(desk: Any, service: Any) -> None:
    service.answers["reload"] = MonitorError("the disk is full")
    error = desk.run("feeds", "remove", "off", code=1).stderr
    assert "the file was changed, but the running service keeps its old configuration: the disk is full" in error


def test_a_watch_is_added_and_removed_with_comments_kept(desk: Any) -> None:
    result = desk.run(
        "watches", "add", "flights", "--any", "авиарейс", "--any", "flights cancelled", "--all", "Алматы|Алмата",
        "--all", "рейс", "--none", "кино", "--severity", "critical", "--title", "Flights", "--language", "ru",
        "--route", "desk", "--group", "national",
    )  # fmt: skip
    assert "monitor watches test flights" in result.stderr
    assert desk.watches_text().startswith("# Watches of the desk; this comment stays.\n")
    row = desk.json("watches", "list")["watches"][-1]
    assert row["any"] == ["авиарейс", "flights cancelled"]
    assert row["all"] == [["Алматы", "Алмата"], ["рейс"]]
    assert (row["none"], row["severity"], row["title"]) == (["кино"], "critical", "Flights")
    assert (row["languages"], row["routes"], row["groups"]) == (["ru"], ["desk"], ["national"])
    assert "Removed the watch `flights`" in desk.run("watches", "remove", "flights").stdout
    assert "flights" not in desk.watches_text()


def test_a_watch_without_words_or_with_wrong_ones_is_refused(desk: Any) -> None:
    before = desk.watches_text()
    assert "--any" in desk.run("watches", "add", "empty", code=2).stderr
    assert "severity" in desk.run("watches", "add", "odd", "--any", "x", "--severity", "huge", code=2).stderr
    assert "route" in desk.run("watches", "add", "odd", "--any", "x", "--route", "nowhere", code=2).stderr
    assert desk.watches_text() == before


def test_feeds_come_from_other_readers_and_go_to_them(desk: Any, tmp_path: Path) -> None:
    exported = tmp_path / "out.opml"
    assert "Wrote 4 feeds" in desk.run("feeds", "export-opml", str(exported)).stderr
    assert desk.run("feeds", "export-opml").stdout.strip() == exported.read_text().strip()
    assert "https://off.example" not in exported.read_text()
    listed = tmp_path / "in.opml"
    listed.write_text(
        '<opml version="2.0"><body><outline text="Мои ленты"><outline type="rss" text="Tengrinews" '
        'xmlUrl="http://www.tengri.example/rss/"/><outline type="rss" text="Tengrinews" xmlUrl="https://t2.example/a"/>'
        '</outline><outline text="Local news"><outline type="rss" text="Third" xmlUrl="https://t2.example/b"/></outline>'
        "</body></opml>"
    )
    row = desk.json("feeds", "import-opml", str(listed), "--no-check")
    assert row["known"] == 1
    assert row["left_out"] == []
    assert [(each["id"], each["name"], each["group"]) for each in row["added"]] == [
        ("t2-example", "Tengrinews (t2.example)", "imported"),
        ("t2-example-2", "Third", "local-news"),
    ]
    assert "Added 0 feeds; 3 were there already" in desk.run("feeds", "import-opml", str(listed), "--no-check").stdout
    assert "cannot be read" in desk.run("feeds", "import-opml", str(tmp_path / "none"), code=2).stderr


def test_an_import_that_brings_nothing_new_leaves_the_service_alone(desk: Any, service: Any, tmp_path: Path) -> None:
    listed = tmp_path / "in.opml"
    listed.write_text('<opml><body><outline type="rss" text="T" xmlUrl="https://tengri.example/rss"/></body></opml>')
    result = desk.run("feeds", "import-opml", str(listed), "--no-check")
    assert "Added 0 feeds; 1 were there already" in result.stdout
    assert (result.stderr, service.ops) == ("", [])


@pytest.mark.parametrize(
    ("url", "taken", "expected"),
    [
        ("https://www.Tengri.example:8080/x", set(), "tengri-example"),
        ("https://tengri.example/", {"tengri-example", "tengri-example-2"}, "tengri-example-3"),
        ("https://қазақ.example/", set(), "example"),
        ("https://қазақ/", set(), "feed"),
    ],
)
def test_an_id_is_made_of_the_host(url: str, taken: set[str], expected: str) -> None:
    assert new_id(url, taken) == expected


def test_a_slug_holds_only_what_an_id_may() -> None:
    assert slug("  Café & Bar -- 24/7! ") == "cafe-bar-24-7"


# --- deliveries -------------------------------------------------------------------------------------------------------


def _states(desk: Any) -> dict[str, tuple[str, int]]:
    return {row["id"]: (row["state"], row["claims"]) for row in desk.json("deliveries", "list")["deliveries"]}


@pytest.mark.parametrize(
    ("arguments", "retried"),
    [
        ([DEAD[:4]], {DEAD}),
        ([DEAD, WAITS], {DEAD, WAITS}),
        (["--channel", "gone"], {DEAD}),
        (["--channel", "book"], set()),
        (["--state", "dead"], {DEAD}),
        (["--state", "pending", "--channel", "log"], {WAITS}),
    ],
)
def test_deliveries_are_tried_again_by_id_channel_or_state(desk: Any, arguments: list[str], retried: set[str]) -> None:
    _give_the_channel_back(desk)
    row = desk.json("deliveries", "retry", *arguments)
    assert row["retried"] == len(retried)
    assert set(row["deliveries"]) == retried
    states = _states(desk)
    assert states[SENT] == ("delivered", 1)
    assert states[DEAD] == (("pending", 0) if DEAD in retried else ("dead", 1))


def test_what_waited_for_a_removed_channel_is_not_promised_to_be_sent(desk: Any) -> None:
    assert "gone is no channel" in desk.run("deliveries", "retry", DEAD, code=2).stderr
    assert _states(desk)[DEAD] == ("dead", 1)


def _give_the_channel_back(desk: Any) -> None:
    file = desk.config / "monitor.yaml"
    file.write_text(file.read_text().replace("channels:\n", "channels:\n  gone: {kind: console}\n", 1))


def test_retrying_says_in_words_what_happens(desk: Any) -> None:
    _give_the_channel_back(desk)
    assert "1 delivery will be tried again now." in desk.run("deliveries", "retry", DEAD).stdout


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ([], "--channel or --state"),
        ([DEAD, "--state", "dead"], "--channel or --state"),
        (["--state", "delivered"], "not sent again"),
        ([SENT], "not sent a second time"),
        ([DEAD, SENT], "nothing was changed"),
    ],
)
def test_what_arrived_is_never_sent_a_second_time(desk: Any, arguments: list[str], hint: str) -> None:
    assert hint in desk.run("deliveries", "retry", *arguments, code=2).stderr
    assert _states(desk)[DEAD] == ("dead", 1)


# --- root -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def foreign_desk(desk: Any) -> Iterator[Any]:
    """The desk in a place that everybody reaches, with a data directory of another user."""
    with tempfile.TemporaryDirectory(prefix="monitor-cli-") as place:
        Path(place).chmod(0o755)
        shutil.copytree(desk.folder, place, dirs_exist_ok=True)
        for path in (Path(place) / "data", Path(place) / "data" / "monitor.db"):
            os.chown(path, 12345, 12345)
        yield type(desk)(Path(place))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for another user")
@pytest.mark.parametrize("command", ["pause", "status"])
def test_a_command_run_by_root_leaves_no_file_that_locks_the_service_out(foreign_desk: Any, command: str) -> None:
    arguments = [sys.executable, "-m", "monitor", command, "--config", str(foreign_desk.config)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    owners = {path.stat().st_uid for path in foreign_desk.data.rglob("*")}
    assert owners == {12345}


def test_states_on_the_command_line_are_those_of_the_model(desk: Any) -> None:
    error = desk.run("deliveries", "list", "--state", "lost", code=2).stderr
    assert [state.value for state in DeliveryState if state.value not in error] == []


def test_checking_what_is_neither_feed_nor_address_is_wrong_usage(desk: Any) -> None:
    assert "did you mean `tengri`?" in desk.run("feeds", "check", "tengrii", code=2).stderr
