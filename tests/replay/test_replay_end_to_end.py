"""A small scenario through the real service: a child process, real sockets, real store."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from monitor.errors import ScenarioError, UsageError
from monitor.replay import ReplayOptions, ReplayResult, replay
from monitor.replay.play import MARK, moment_in
from monitor.replay.view import SilentView
from monitor.service.control import ControlClient, socket_path

SCENARIO = """
scenario: {name: small, title: "A small one", from: "2022-01-05T06:00+06:00", to: "2022-01-05T14:00+06:00", zone: Asia/Almaty}
outlets:
- {id: bell, name: Bell, language: en, pace: 20m, body: both}
- {id: horn, name: Рожок, language: ru, pace: 20m, format: rdf, encoding: windows-1251, guids: repeated, links: moving}
- {id: dombra, name: Домбыра, language: kk, pace: 30m, format: atom, guids: missing, body: html, validators: none}
entries:
- {id: r001, outlet: bell, at: "2022-01-05T07:05+06:00", report: r001, title: "Curfew declared in two regions", text: "A curfew begins at eleven in the evening. It ends at seven in the morning, the president said on Wednesday."}
- {id: r002, outlet: horn, at: "2022-01-05T08:05+06:00", report: r002, title: "В двух областях введён комендантский час", text: "Комендантский час действует с одиннадцати вечера. Об этом сообщила пресс-служба, «детали» позже."}
- {id: k001, outlet: dombra, at: "2022-01-05T09:05+06:00", report: r001, title: "Екі облыста коменданттық сағат енгізілді", text: "Коменданттық сағат кешкі он бірден басталады. Ол таңғы жетіге дейін созылады, деп хабарлады баспасөз қызметі."}
- {id: c001, outlet: bell, at: "2022-01-05T11:05+06:00", report: r001, title: "Weather turns colder in the steppe", text: "Snow is expected in the north by the weekend."}
- {id: n001, outlet: bell, at: "2022-01-05T11:30+06:00", relevant: false, title: "Cup final is played on Sunday", text: "The hosts meet last year's winners."}
edits:
- {entry: c001, at: "2022-01-05T12:10+06:00", title: "Curfew and colder weather in the steppe"}
faults:
- {kind: outage, outlets: [horn], from: "2022-01-05T08:00+06:00", to: "2022-01-05T08:50+06:00"}
- {kind: receiver, channel: webhook, status: 503, from: "2022-01-05T07:00+06:00", to: "2022-01-05T07:40+06:00"}
- {kind: receiver, channel: email, status: 451, from: "2022-01-05T09:00+06:00", to: "2022-01-05T09:50+06:00"}
- {kind: kill, at: ["2022-01-05T07:06+06:00"]}
- {kind: stop, from: "2022-01-05T10:30+06:00", to: "2022-01-05T12:30+06:00"}
"""

WATCHES = """
watches:
- {name: curfew, title: Curfew, severity: critical, any: [curfew, комендантский час, коменданттық сағат]}
"""


async def connect(data_dir: Path) -> ControlClient:
    return await ControlClient.connect(socket_path(data_dir))


@pytest.fixture
def options(tmp_path: Path) -> ReplayOptions:
    (tmp_path / "small.yaml").write_text(SCENARIO, encoding="utf-8")
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "watches.yaml").write_text(WATCHES, encoding="utf-8")
    return ReplayOptions(scenario=tmp_path / "small.yaml", config_dir=tmp_path / "user", out=tmp_path / "out")


def played(options: ReplayOptions) -> ReplayResult:
    return asyncio.run(asyncio.wait_for(replay(options, view=SilentView(), connect=connect), 110))


def test_the_real_service_loses_and_repeats_nothing_whatever_goes_wrong(options: ReplayOptions) -> None:
    result = played(options)
    summary, counts = result.summary, result.summary.counts
    log = (options.out / "service.log").read_text(encoding="utf-8")

    assert not result.failed, (summary.lost, summary.repeated, summary.garbled)
    assert summary.lost == ()
    assert (counts.published, counts.seen, counts.stored, counts.matched) == (5, 5, 5, 4), log
    assert (counts.unmatched, counts.false, counts.garbled) == (0, 0, 0)
    told = {alert.entries[0]: alert for alert in summary.alerts if alert.entries}
    assert set(told) | {name for alert in summary.alerts for name in alert.listed} == {"r001", "r002", "k001", "c001"}
    assert told["r001"].watches == ("curfew",)
    assert counts.deliveries == 2 * len(summary.alerts)
    assert counts.undelivered == 0
    assert result.kills == 1
    assert result.starts == 3
    assert result.orphans == 0
    assert result.refused >= 2

    hooks = {row.entries: row.arrived[0] for row in summary.deliveries if row.channel == "hook" and row.entries}
    mails = {row.entries: row.arrived[0] for row in summary.deliveries if row.channel == "mail" and row.entries}
    zone = ZoneInfo("Asia/Almaty")
    assert hooks[("r001",)] >= datetime(2022, 1, 5, 7, 40, tzinfo=zone)
    assert mails[("r001",)] < datetime(2022, 1, 5, 7, 40, tzinfo=zone)
    assert mails[("k001",)] >= datetime(2022, 1, 5, 9, 50, tzinfo=zone)

    read = json.loads((options.out / "summary.json").read_text(encoding="utf-8"))
    assert read["counts"]["lost"] == 0
    assert read["run"]["scenario"] == "small"
    assert len(list((options.out / "mails").glob("*.eml"))) >= counts.deliveries // 2
    assert len(list((options.out / "hooks").glob("*.json"))) >= counts.deliveries // 2


def test_a_service_that_cannot_start_is_reported_and_the_terminal_given_back(
    options: ReplayOptions, tmp_path: Path
) -> None:
    script = tmp_path / "broken.py"
    script.write_text("raise SystemExit('no config, no service')", encoding="utf-8")
    closed: list[bool] = []

    class Watching(SilentView):
        def close(self) -> None:
            closed.append(True)

    broken = ReplayOptions(
        scenario=options.scenario,
        config_dir=options.config_dir,
        out=options.out,
        command=(sys.executable, str(script)),
    )
    with pytest.raises(ScenarioError, match="no config, no service"):
        asyncio.run(replay(broken, view=Watching(), connect=connect))
    assert closed == [True]


def test_an_out_directory_of_someone_else_is_not_touched(options: ReplayOptions) -> None:
    options.out.mkdir()
    (options.out / "mails").mkdir()
    (options.out / "mails" / "precious.eml").touch()
    with pytest.raises(UsageError, match="holds something that no replay wrote"):
        asyncio.run(replay(options, view=SilentView(), connect=connect))
    assert (options.out / "mails" / "precious.eml").exists()


def test_an_out_directory_of_an_earlier_run_is_emptied_of_what_that_wrote(
    options: ReplayOptions, tmp_path: Path
) -> None:
    (options.out / "mails").mkdir(parents=True)
    for name in (MARK, "mails/old.eml", "notes.txt", "service.log"):
        (options.out / name).touch()
    script = tmp_path / "broken.py"
    script.write_text("raise SystemExit('ended')", encoding="utf-8")
    again = ReplayOptions(
        scenario=options.scenario,
        config_dir=options.config_dir,
        out=options.out,
        command=(sys.executable, str(script)),
    )
    with pytest.raises(ScenarioError):
        asyncio.run(replay(again, view=SilentView(), connect=connect))
    assert not (options.out / "mails" / "old.eml").exists()
    assert (options.out / "notes.txt").exists()


def test_a_data_directory_that_holds_data_is_refused(options: ReplayOptions, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "monitor.db").touch()
    again = ReplayOptions(scenario=options.scenario, config_dir=options.config_dir, out=options.out, data_dir=kept)
    with pytest.raises(UsageError, match="begins with an empty data directory"):
        asyncio.run(replay(again, view=SilentView(), connect=connect))


def test_days_and_times_of_the_command_line_are_in_the_scenarios_zone(make: Any) -> None:
    zone = ZoneInfo("Asia/Almaty")
    scenario = make.scenario(lasts=timedelta(days=3))  # 5 January 12:00 to 8 January 12:00 there
    days: list[tuple[Callable[[], datetime | None], datetime]] = [
        (lambda: moment_in(date(2022, 1, 6), zone, scenario), datetime(2022, 1, 6, tzinfo=zone)),
        (lambda: moment_in(date(2022, 1, 6), zone, scenario, last=True), datetime(2022, 1, 7, tzinfo=zone)),
        (lambda: moment_in(date(2022, 1, 5), zone, scenario), scenario.start),
        (lambda: moment_in(date(2022, 1, 8), zone, scenario, last=True), scenario.end),
        (lambda: moment_in(datetime(2022, 1, 6, 10), zone, scenario), datetime(2022, 1, 6, 10, tzinfo=zone)),  # noqa: DTZ001
        (lambda: moment_in(make.at(5), zone, scenario), make.at(5)),
    ]
    assert [given() for given, _ in days] == [wanted for _, wanted in days]
    assert moment_in(None, zone, scenario) is None


def test_sigterm_ends_the_player_and_its_service(options: ReplayOptions, tmp_path: Path) -> None:
    service = tmp_path / "waiting.py"
    service.write_text(
        "import os, pathlib, time\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
        f"os.kill(os.getppid(), {signal.SIGTERM.value})\n"
        "time.sleep(600)\n",
        encoding="utf-8",
    )
    player = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from monitor.errors import NotRunning\n"
        "from monitor.replay import ReplayOptions, replay\n"
        "from monitor.replay.view import SilentView\n"
        "async def connect(data_dir):\n"
        "    raise NotRunning('not yet')\n"
        f"options = ReplayOptions(scenario=Path({str(options.scenario)!r}), config_dir=Path({str(options.config_dir)!r}),"
        f" out=Path({str(options.out)!r}), command=(sys.executable, {str(service)!r}))\n"
        "asyncio.run(replay(options, view=SilentView(), connect=connect))\n"
    )
    done = subprocess.run([sys.executable, "-c", player], capture_output=True, timeout=60, check=False)
    assert done.returncode == 128 + signal.SIGTERM, done.stderr.decode()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
