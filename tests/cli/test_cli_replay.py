"""`monitor replay`: a small situation through the real service, and what cannot be played."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

SCENARIO = """\
scenario:
  name: small
  title: "A small situation"
  from: "2022-01-05T10:00+06:00"
  to: "2022-01-05T{until}+06:00"
  zone: Asia/Almaty
outlets:
- {{id: paper, name: "Paper", format: rss, language: ru, pace: 5m, home: "https://paper.example"}}
entries:
- {{id: e1, outlet: paper, at: "2022-01-05T10:20+06:00", report: e1, title: "Митинг в Актау", text: "Прошёл митинг."}}
- {{id: e2, outlet: paper, at: "2022-01-05T10:25+06:00", relevant: false, title: "Погода в Актау", text: "Будет снег."}}
"""


def _scenario(folder: Path, until: str = "11:00") -> str:
    file = folder / "small.yaml"
    file.write_text(SCENARIO.format(until=until))
    return str(file)


def _configured(desk: Any) -> None:
    (desk.config / "watches.yaml").write_text("watches:\n- {name: unrest, any: [митинг], severity: warning}\n")
    (desk.config / "monitor.yaml").write_text("situation: {id: kazakhstan, name: Kazakhstan, zone: Asia/Almaty}\n")


def test_a_scenario_is_played_and_accounted_for(empty_desk: Any, tmp_path: Path) -> None:
    _configured(empty_desk)
    row = empty_desk.json("replay", _scenario(tmp_path), "--as-fast-as-possible", "--out", str(tmp_path / "out"))
    assert {"run", "counts", "alerts", "deliveries", "lost", "repeated"} <= set(row)
    counts = row["counts"]
    assert (counts["published"], counts["matched"], counts["lost"], counts["repeated"]) == (2, 1, 0, 0)
    assert [alert["entries"] for alert in row["alerts"] if alert["kind"] == "story"] == [["e1"]]
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["counts"] == counts


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["none.yaml"], "none.yaml"),
        (["SCENARIO", "--speed", "2", "--as-fast-as-possible"], "choose one"),
        (["SCENARIO", "--from", "soon"], "2022-01-02"),
        (["SCENARIO", "--from", "2023-01-01"], "no part of it"),
    ],
)
def test_what_cannot_be_played_is_wrong_usage(empty_desk: Any, tmp_path: Path, arguments: list[str], hint: str) -> None:
    given = [_scenario(tmp_path) if each == "SCENARIO" else each for each in arguments]
    result = empty_desk.run("replay", *given, "--out", str(tmp_path / "out"), "--json", code=2)
    assert hint in result.stderr
    assert not result.stdout


def test_a_replay_that_is_stopped_leaves_no_service_behind(empty_desk: Any, tmp_path: Path) -> None:
    _configured(empty_desk)
    out = tmp_path / "out"
    words = ["replay", _scenario(tmp_path), "--speed", "1", "--out", str(out), "--config", str(empty_desk.config)]
    arguments = [sys.executable, "-m", "monitor", *words]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=os.environ) as process:
        try:
            _wait(lambda: process.poll() is not None or _is_ready(out / "service.log"))
            assert _services(str(out / "config"))
        finally:
            process.send_signal(signal.SIGTERM)
        error = process.stderr.read() if process.stderr else b""
    assert process.returncode == 128 + signal.SIGTERM, error
    assert b"Traceback" not in error
    _wait(lambda: not _services(str(out / "config")))


def _is_ready(log: Path) -> bool:
    return log.exists() and "ready" in log.read_text()


def _services(config: str) -> list[str]:
    """Processes that run the service on a configuration."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if "run" in words and config in words:
                found.append(folder.name)
    return found


def _wait(done: Any) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)
