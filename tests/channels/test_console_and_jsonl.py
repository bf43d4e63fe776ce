"""The ways out that need no other machine."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from support.alerting import DELIVERY_ID, MESSAGE, NOW, delivery, event

from monitor.channels import KINDS, build, jsonl
from monitor.channels.console import ConsoleChannel, ConsoleOptions
from monitor.channels.jsonl import JsonlChannel, JsonlOptions
from monitor.model import Ambiguous, BadEndpoint, Delivered, Delivery, Outcome, Retry
from monitor.net.client import Http
from monitor.ports import Channel


def send(channel: Channel, row: Delivery | None = None) -> Outcome:
    return asyncio.run(channel.send(row or delivery(channel), now=NOW))


# --- console ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_an_alert_is_one_line_on_the_stream(stream: str, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = send(ConsoleChannel("console", ConsoleOptions.model_validate({"stream": stream})))
    assert outcome == Delivered(detail=f"written to {stream}")
    captured = capsys.readouterr()
    assert getattr(captured, "out" if stream == "stdout" else "err") == MESSAGE.line + "\n"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("two\r\nlines", "two lines"),
        ("\x1b[2J\x1b]0;title\x07 cleared", "[2J ]0;title  cleared"),
        ("a\x00b\x9bc\u202ed\u2028e\ud800f", "a b c d e f"),
    ],
)
def test_what_a_terminal_would_obey_is_not_written(line: str, shown: str) -> None:
    payload = delivery(ConsoleChannel("console", ConsoleOptions()), replace(MESSAGE, line=line)).payload
    assert payload.decode() == shown + "\n"


def test_letters_that_the_terminal_lacks_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    with io.TextIOWrapper(io.BytesIO(), encoding="ascii") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert isinstance(send(ConsoleChannel("console", ConsoleOptions())), Delivered)
        written = stream.buffer.getvalue()  # type: ignore[attr-defined]  # it is the BytesIO above
    assert written.startswith(b"[critical] \\u0412 ")


def test_a_closed_or_missing_stream_is_a_wrong_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    for stream in (closed, None):
        monkeypatch.setattr(sys, "stdout", stream)
        assert isinstance(send(ConsoleChannel("console", ConsoleOptions())), BadEndpoint)


# --- jsonl ------------------------------------------------------------------------------------------------------------


def file(tmp_path: Path, **more: Any) -> JsonlChannel:
    return JsonlChannel("file", JsonlOptions.model_validate(more), tmp_path)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_each_delivery_is_one_line_with_its_id_so_a_repeat_can_be_seen(tmp_path: Path) -> None:
    channel = file(tmp_path)
    for _ in range(2):
        assert isinstance(send(channel), Delivered)
    first, second = lines(tmp_path / "alerts.jsonl")
    assert first == second == {"delivery_id": DELIVERY_ID, **MESSAGE.data}
    assert (tmp_path / "alerts.jsonl").stat().st_mode & 0o007 == 0
    assert "чрезвычайное".encode() in (tmp_path / "alerts.jsonl").read_bytes()


@pytest.mark.parametrize("path", ["deep/er/x.jsonl", "x.jsonl"])
def test_a_relative_path_is_in_the_data_directory(path: str, tmp_path: Path) -> None:
    send(file(tmp_path, path=path))
    assert lines(tmp_path / path)


def test_an_absolute_path_stays(tmp_path: Path) -> None:
    send(JsonlChannel("file", JsonlOptions(path=tmp_path / "x.jsonl"), Path("/nowhere")))
    assert lines(tmp_path / "x.jsonl")


def test_after_a_torn_line_a_new_one_is_started(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_bytes(b'{"whole": 1}\n{"torn": ')
    send(file(tmp_path))
    whole, torn, mine = path.read_bytes().splitlines()
    assert (json.loads(whole), torn) == ({"whole": 1}, b'{"torn": ')
    assert json.loads(mine)["delivery_id"] == DELIVERY_ID


def test_odd_text_stays_on_its_line(tmp_path: Path) -> None:
    channel = file(tmp_path)
    odd = 'a\nb\r"c"\\d\x00e\ud800f\u2028g'
    assert isinstance(send(channel, delivery(channel, replace(MESSAGE, data=event(headline=odd)))), Delivered)
    data = (tmp_path / "alerts.jsonl").read_bytes()
    assert data.count(b"\n") == 1
    assert json.loads(data)["data"]["headline"] == odd.replace("\ud800", "?")


def test_a_write_that_stops_half_way_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(jsonl.os, "write", lambda handle, data: write(handle, data[:100]))
    send(file(tmp_path))
    assert len(lines(tmp_path / "alerts.jsonl")) == 1


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, Retry),
        (errno.EDQUOT, Retry),
        (errno.EIO, Retry),
        (errno.EROFS, BadEndpoint),
        (errno.EACCES, BadEndpoint),
    ],
)
def test_a_full_disk_passes_and_a_wrong_path_is_the_operators(
    number: int, kind: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(jsonl.os, "fsync", fail)
    outcome = send(file(tmp_path))
    assert isinstance(outcome, kind)
    assert os.strerror(number) in outcome.detail


def test_a_disk_that_hangs_may_still_write_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = threading.Event()
    monkeypatch.setattr(jsonl.os, "fsync", lambda _handle: disk.wait(5))

    async def run() -> Outcome:
        channel = JsonlChannel("file", JsonlOptions(), tmp_path, _deadline=timedelta(seconds=0.1))
        try:
            return await channel.send(delivery(channel), now=NOW)
        finally:
            disk.set()

    assert isinstance(asyncio.run(run()), Ambiguous)


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: (path.parent / "x").symlink_to("x")])
def test_a_path_that_is_no_file_is_a_wrong_endpoint(make: Callable[[Path], object], tmp_path: Path) -> None:
    make(tmp_path / "alerts.jsonl")
    path = "x" if (tmp_path / "x").is_symlink() else "alerts.jsonl"
    assert isinstance(send(file(tmp_path, path=path)), BadEndpoint)


@pytest.mark.parametrize("path", ["", "a\0b", "/"])
def test_a_path_without_a_name_is_refused(path: str) -> None:
    with pytest.raises(ValidationError, match="path of a file"):
        JsonlOptions.model_validate({"path": path})


# --- all kinds --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("email", {"host": "mail.example.org", "tls": "implicit", "from": "a@example.org", "to": ["b@example.net"]}),
        ("webhook", {"url": "https://receiver.example/", "secret": "whsec_" + "A" * 32}),
        ("console", {}),
        ("jsonl", {}),
    ],
)
def test_every_kind_is_built_by_its_word_from_a_mapping_or_from_checked_options(
    kind: str, options: dict[str, Any], tmp_path: Path
) -> None:
    http = Http()
    made = build("out", kind, options, http=http, data_dir=tmp_path)
    assert (made.name, made.kind, type(made)) == ("out", kind, KINDS[kind])
    checked = KINDS[kind].Options.model_validate(options)
    assert build("out", kind, checked, http=http, data_dir=tmp_path).recipients == made.recipients
    with pytest.raises(ValidationError):
        build("out", kind, {**options, "unknown": 1}, http=http, data_dir=tmp_path)
    asyncio.run(http.aclose())
