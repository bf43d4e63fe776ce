"""The control socket: who is answered, what a broken request gets, what happens around a killed service."""

import asyncio
import json
import os
import stat

import pytest

from monitor.errors import MonitorError, NotRunning, UsageError
from monitor.service import control
from monitor.service.control import ControlClient, ControlServer, socket_path


async def _echo(request):
    if request["op"] == "fail":
        raise UsageError("that cannot be asked")
    return {"got": request}


async def _served(path, talk, handle=_echo):
    server = ControlServer(path, handle)
    await server.start()
    try:
        return await talk()
    finally:
        await server.stop()


def test_a_request_gets_its_answer_and_the_socket_is_the_owners_alone(tmp_path):
    path = socket_path(tmp_path)

    async def talk():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        client = await ControlClient.connect(path)
        first = await client.call("status", limit=3)
        second = await client.call("again")
        await client.aclose()
        return first, second

    first, second = asyncio.run(_served(path, talk))
    assert first == {"got": {"op": "status", "limit": 3}}
    assert second == {"got": {"op": "again"}}
    assert not path.exists()


def test_a_refusal_reaches_the_caller_in_words(tmp_path):
    path = socket_path(tmp_path)

    async def talk():
        client = await ControlClient.connect(path)
        try:
            with pytest.raises(MonitorError, match="that cannot be asked"):
                await client.call("fail")
            return await client.call("still there")
        finally:
            await client.aclose()

    assert asyncio.run(_served(path, talk))["got"]["op"] == "still there"


@pytest.mark.parametrize("line", [b"no json\n", b"[1, 2]\n", b"{}\n", b'{"op": null\n', b"\xff\xfe\n"])
def test_what_is_no_request_gets_an_error_and_the_service_goes_on(tmp_path, line):
    path = socket_path(tmp_path)

    async def talk():
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(line + b'{"op": "fine"}\n')
        await writer.drain()
        answers = [json.loads(await reader.readline()) for _ in range(2)]
        writer.close()
        await writer.wait_closed()
        return answers

    refused, fine = asyncio.run(_served(path, talk))
    assert refused["ok"] is False
    assert fine == {"ok": True, "got": {"op": "fine"}}


def test_an_endless_line_is_cut_off(tmp_path):
    path = socket_path(tmp_path)

    async def talk():
        reader, writer = await asyncio.open_unix_connection(path)
        try:
            writer.write(b"x" * (control.LONGEST_LINE * 2 + 2))
            await writer.drain()
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()

    assert asyncio.run(_served(path, talk)) == b""


def test_another_user_is_not_answered(tmp_path, monkeypatch):
    path = socket_path(tmp_path)
    monkeypatch.setattr(control, "_peer", lambda _writer: os.geteuid() + 1)

    async def talk():
        client = await ControlClient.connect(path)
        try:
            with pytest.raises(NotRunning, match="ended the connection"):
                await client.call("status")
        finally:
            await client.aclose()

    asyncio.run(_served(path, talk))


def test_where_nothing_runs_the_error_says_what_to_do(tmp_path):
    with pytest.raises(NotRunning, match="monitor run"):
        asyncio.run(ControlClient.connect(socket_path(tmp_path)))


def test_a_file_left_by_a_killed_service_is_no_hindrance(tmp_path):
    path = socket_path(tmp_path)

    async def leave():
        server = await asyncio.start_unix_server(lambda *_: None, path=path)
        server.close()

    asyncio.run(leave())
    path.touch()
    with pytest.raises(NotRunning):
        asyncio.run(ControlClient.connect(path))

    async def talk():
        client = await ControlClient.connect(path)
        answer = await client.call("back")
        await client.aclose()
        return answer

    assert asyncio.run(_served(path, talk))["got"]["op"] == "back"


def test_a_long_data_directory_gets_a_short_stand_in(tmp_path):
    deep = tmp_path / ("d" * 120)
    assert len(os.fsencode(socket_path(deep))) <= control.LONGEST_PATH
    assert socket_path(deep) == socket_path(deep)
    assert socket_path(deep) != socket_path(deep / "other")


def test_a_client_that_stays_connected_does_not_hold_up_the_end(tmp_path):
    path = socket_path(tmp_path)
    clients = []

    async def talk():
        clients.append(await ControlClient.connect(path))
        await clients[0].call("hello")

    async def run():
        async with asyncio.timeout(10):
            await _served(path, talk)
            with pytest.raises(NotRunning):
                await clients[0].call("anyone?")
            await clients[0].aclose()

    asyncio.run(run())
