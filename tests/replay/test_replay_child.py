import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import MonitorError, NotRunning, ScenarioError
from monitor.replay import child as module
from monitor.replay.child import Child

NOW = datetime(2022, 1, 5, 10, tzinfo=UTC)

SERVICE = """
import json, os, socket, sys, subprocess
data, mode = sys.argv[1], sys.argv[2]
print("started at", sys.argv[3], flush=True)
if mode == "broken":
    sys.exit("cannot work like this")
if mode == "orphan":
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
path = os.path.join(data, "s")
if os.path.exists(path):
    os.unlink(path)
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen()
connection, _ = server.accept()
for line in connection.makefile():
    request = json.loads(line)
    if request["op"] == "hang":
        sys.stdin.read()
        __import__("time").sleep(600)
    if request["op"] == "crash":
        sys.exit("out of ideas")
    connection.sendall(json.dumps({"ok": request["op"] != "refuse", "error": "no", "echo": request}).encode() + b"\\n")
    if request["op"] == "stop" and mode == "deaf":
        __import__("time").sleep(600)
    if request["op"] == "stop":
        sys.exit(3 if mode == "sulk" else 0)
"""


class Line:
    """The control protocol, by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def call(self, op: str, **fields: Any) -> dict[str, Any]:
        try:
            self.writer.write(json.dumps({"op": op, **fields}).encode() + b"\n")
            line = await self.reader.readline()
        except ConnectionError:
            line = b""
        if not line:
            raise NotRunning("gone")
        answer: dict[str, Any] = json.loads(line)
        if not answer["ok"]:
            raise MonitorError(answer["error"])
        return answer

    async def aclose(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


async def connect(data_dir: Path) -> Line:
    try:
        return Line(*await asyncio.open_unix_connection(data_dir / "s"))
    except (FileNotFoundError, ConnectionRefusedError):
        raise NotRunning("not yet") from None


def run(tmp_path: Path, story: Callable[[Child], Coroutine[Any, Any, None]], mode: str = "plain") -> str:
    script = tmp_path / "service.py"
    script.write_text(SERVICE, encoding="utf-8")

    async def play() -> None:
        child = Child(
            lambda now: [sys.executable, "-S", str(script), str(tmp_path), mode, now.isoformat()],
            data_dir=tmp_path,
            log=tmp_path / "log",
            connect=connect,
        )
        try:
            await asyncio.wait_for(story(child), 30)
        finally:
            await child.aclose()

    asyncio.run(play())
    return (tmp_path / "log").read_text(encoding="utf-8")


def test_a_service_is_started_asked_and_stopped(tmp_path: Path) -> None:
    async def story(child: Child) -> None:
        await child.start(NOW)
        answer = await child.call("status", deep=True)
        assert answer is not None
        assert answer["echo"] == {"op": "status", "deep": True}
        await child.stop()
        await child.stop()

    assert run(tmp_path, story) == "started at 2022-01-05T10:00:00+00:00\n"


def test_a_shot_service_gives_no_answer_and_can_be_started_again(tmp_path: Path) -> None:
    async def story(child: Child) -> None:
        await child.start(NOW)
        asked = asyncio.create_task(child.call("hang"))
        await asyncio.sleep(0)
        child.shoot()
        child.shoot()
        assert await asked is None
        await child.bury()
        await child.start(NOW)
        assert await child.call("status") is not None
        assert (child.starts, child.kills, child.orphans) == (2, 1, 0)

    assert run(tmp_path, story).count("started") == 2


def test_stopping_a_shot_service_buries_it(tmp_path: Path) -> None:
    async def story(child: Child) -> None:
        await child.start(NOW)
        child.shoot()
        await child.stop()
        assert not child.killed

    run(tmp_path, story)


def test_workers_that_outlive_a_shot_service_are_counted_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ORPHANS", module.timedelta(milliseconds=200))

    async def story(child: Child) -> None:
        await child.start(NOW)
        assert child.pid is not None
        group = child.pid
        child.shoot()
        await child.bury()
        assert child.orphans == 1
        while module._alive(group):  # noqa: ASYNC110 - other processes give no event
            await asyncio.sleep(0.01)

    run(tmp_path, story, "orphan")


async def start_and_crash(child: Child) -> None:
    await child.start(NOW)
    await child.call("crash")


@pytest.mark.parametrize("mode", ["broken", "plain"])
def test_a_service_that_ends_by_itself_is_an_error_with_its_last_words(tmp_path: Path, mode: str) -> None:
    async def story(child: Child) -> None:
        words = "cannot work like this" if mode == "broken" else "out of ideas"
        with pytest.raises(ScenarioError, match=words):
            await start_and_crash(child)

    run(tmp_path, story, mode)


def test_a_refusal_of_the_service_is_an_error(tmp_path: Path) -> None:
    async def story(child: Child) -> None:
        await child.start(NOW)
        with pytest.raises(ScenarioError, match="refused `refuse`: no"):
            await child.call("refuse")

    run(tmp_path, story)


def test_a_service_that_stops_with_an_error_is_an_error(tmp_path: Path) -> None:
    async def story(child: Child) -> None:
        await child.start(NOW)
        with pytest.raises(ScenarioError, match="code 3"):
            await child.stop()

    run(tmp_path, story, "sulk")


def test_a_service_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READY", module.timedelta(milliseconds=1))

    async def story(child: Child) -> None:
        with pytest.raises(ScenarioError, match="did not answer within"):
            await child.start(NOW)

    run(tmp_path, story)


def test_a_service_that_does_not_stop_is_killed_and_that_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP", module.timedelta(milliseconds=100))

    async def story(child: Child) -> None:
        await child.start(NOW)
        with pytest.raises(ScenarioError, match="did not stop within"):
            await child.stop()

    run(tmp_path, story, "deaf")


def test_nothing_is_left_behind_when_the_player_fails(tmp_path: Path) -> None:
    groups: list[int] = []

    async def story(child: Child) -> None:
        await child.start(NOW)
        assert child.pid is not None
        groups.append(child.pid)
        raise RuntimeError("the player fails")

    with pytest.raises(RuntimeError):
        run(tmp_path, story)
    with pytest.raises(ProcessLookupError):
        os.kill(groups[0], 0)
