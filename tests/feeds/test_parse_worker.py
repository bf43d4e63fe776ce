from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support import watched
from support.feeds import fetched, rss
from support.http_server import FakeServer, reply

from monitor.feeds.document import parse_document
from monitor.feeds.limits import Limits
from monitor.feeds.parse import WorkerParser
from monitor.model import FailureKind, PollFailure
from monitor.ports import Lane, ParsedFeed

HOSTILE = Path(__file__).parents[2] / "../shared/data/feeds/hostile"

GOOD = rss("<guid>1</guid><title>A</title>")
BUSY = rss(f"<title>endless</title><description>{'d ' * 50_000}</description>")
"""Keeps a worker busy for ever (`ENDLESS`): no document is known that would."""

ENDLESS = """
from monitor.feeds import document, worker
real = document.parse_document
def planted(body, *rest):
    while b"endless" in body:
        pass
    return real(body, *rest)
document.parse_document = planted
worker.main()
"""


@pytest.fixture(autouse=True)
def _endless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.feeds.lanes.COMMAND", ENDLESS)


def with_parser(work: Callable[[WorkerParser], Awaitable[None]], **options: Any) -> None:
    async def run() -> None:
        parser = WorkerParser(**options)
        try:
            await work(parser)
        finally:
            await parser.aclose()

    asyncio.run(run())


async def killed(parser: WorkerParser, body: bytes, lane: Lane = "new") -> PollFailure:
    outcome = await parser.parse(fetched(body, url="https://evil.example/feed"), lane=lane)
    assert isinstance(outcome, PollFailure), outcome
    assert outcome.kind is FailureKind.PARSER_KILLED, outcome
    return outcome


async def good(parser: WorkerParser, lane: Lane = "proven") -> None:
    outcome = await parser.parse(fetched(GOOD), lane=lane)
    assert isinstance(outcome, ParsedFeed), outcome
    assert [entry.title for entry in outcome.entries] == ["A"]


def pids(parser: WorkerParser) -> list[int]:
    return [worker.pid for lane in parser.lanes.values() for worker in lane.workers if worker.pid is not None]


def test_a_worker_reads_what_the_function_reads_and_is_replaced_in_time() -> None:
    async def work(parser: WorkerParser) -> None:
        direct = parse_document(GOOD, "application/rss+xml", "https://news.example/feed", Limits(title=5))
        assert isinstance(direct, ParsedFeed)
        for _ in range(4):
            outcome = await parser.parse(fetched(GOOD))
            assert isinstance(outcome, ParsedFeed)
            assert replace(outcome, marks=b"") == replace(direct, marks=b"")
        failure = await parser.parse(fetched(b"no feed"))
        assert isinstance(failure, PollFailure)
        assert failure.kind is FailureKind.NOT_A_FEED

    with_parser(work, limits=Limits(title=5), tasks=2, workers=1)


def test_documents_that_compute_without_end_are_killed_and_hold_up_nobody_else() -> None:
    async def work(parser: WorkerParser) -> None:
        failure, _ = await asyncio.gather(killed(parser, BUSY, "suspect"), good(parser))
        assert "1 s of computing" in failure.reason
        hostile = [asyncio.ensure_future(killed(parser, BUSY, "suspect")) for _ in range(2)]
        await asyncio.sleep(0)  # they stand in front of the others
        for lane in ("proven", "new", "proven"):
            await good(parser, lane)  # type: ignore[arg-type]
        assert not any(task.done() for task in hostile)
        for task in hostile:
            task.cancel()
        await asyncio.gather(*hostile, return_exceptions=True)
        await good(parser, "suspect")

    with_parser(work, cpu_seconds=1)


HOSTILE_KINDS = (
    BUSY,
    rss("<title>A</title>" + "".join(f"<category>c{n}</category>" for n in range(20_000))),
    rss("<title>A</title><description>" + "&lt;!--" * 40_000 + "</description>"),
    b"<!DOCTYPE rss [<!ENTITY a '"
    + b"x" * 50_000
    + b"'>]>"
    + rss("<title>" + "&a;" * 20_000 + "</title>").partition(b"?>")[2],
    rss("<title>A</title>" + "<x>" * 40_000),
)


def test_ten_feeds_that_turn_hostile_hold_up_no_healthy_one() -> None:
    """Ten at once, in the lane of the proven: each is stopped after a short patience and waits among the suspects."""

    async def work(parser: WorkerParser) -> None:
        known = [
            read
            for n in range(50)
            if isinstance(read := await parser.parse(fetched(page(n)), lane="proven"), ParsedFeed)
        ]
        assert len(known) == 50
        hostile = [
            asyncio.ensure_future(
                parser.parse(fetched(HOSTILE_KINDS[n % 5], url=f"https://evil.example/{n}"), lane="proven")
            )
            for n in range(10)
        ]
        await asyncio.sleep(0)  # they stand in front of the others
        for n, before in enumerate(known):
            outcome = await parser.parse(fetched(page(n, "<title>fresh</title>")), known=before.marks, lane="proven")
            assert isinstance(outcome, ParsedFeed), outcome
            assert [entry.title for entry in outcome.entries] == ["fresh"]
        assert sum(task.done() for task in hostile) < 10
        for task in hostile:
            task.cancel()
        await asyncio.gather(*hostile, return_exceptions=True)

    with_parser(work, cpu_seconds=5, patience=0.3)


def test_large_documents_leave_a_worker_to_small_ones() -> None:
    async def work(parser: WorkerParser) -> None:
        large = [asyncio.ensure_future(parser.parse(fetched(BUSY), lane="proven")) for _ in range(2)]
        await asyncio.sleep(0)  # they stand in front of the others
        for _ in range(3):
            await good(parser)
        assert not any(task.done() for task in large)
        for task in large:
            task.cancel()
        await asyncio.gather(*large, return_exceptions=True)

    with_parser(work, cpu_seconds=60, patience=60)


def page(number: int, *fresh: str) -> bytes:
    return rss(*fresh, *(f"<guid>{number}/{n}</guid><title>T{n}</title>" for n in range(5)))


def test_a_document_that_needs_more_than_the_patience_of_its_lane_is_read_among_the_suspects() -> None:
    async def work(parser: WorkerParser) -> None:
        slow = rss(*(f"<guid>{n}</guid><title>T</title><description>{'d ' * 500}</description>" for n in range(300)))
        outcome = await parser.parse(fetched(slow), lane="proven")
        assert isinstance(outcome, ParsedFeed), outcome
        assert outcome.shown == 300
        assert [worker.is_used for worker in parser.lanes["suspect"].workers] == [True]

    with_parser(work, patience=-2)  # nothing but what its size allows


def test_an_address_whose_document_was_slow_is_read_among_the_suspects_at_once() -> None:
    """So it costs its neighbours one patience, not one with each poll."""

    async def work(parser: WorkerParser) -> None:
        slow = rss(*(f"<guid>{n}</guid><title>T</title><description>{'d ' * 500}</description>" for n in range(300)))
        for _ in range(2):
            outcome = await parser.parse(fetched(slow, url="https://slow.example/feed"), lane="proven")
            assert isinstance(outcome, ParsedFeed), outcome
            await parser.lanes["proven"].aclose()
        await killed(parser, GOOD, "proven")  # another address would have been read there

    with_parser(work, patience=-2)


def test_of_slow_addresses_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.feeds.parse.MAX_APART", 2)

    async def work(parser: WorkerParser) -> None:
        for address in ("a", "b", "a", "c"):
            parser._was_slow(address)
        assert [parser._is_slow(address) for address in "abc"] == [True, False, True]

    with_parser(work)


def test_workers_without_work_end_after_a_while_and_start_again() -> None:
    async def work(parser: WorkerParser) -> None:
        for _ in range(2):
            await good(parser)
            process = parser.lanes["proven"].workers[-1]._process
            assert process is not None
            assert await asyncio.wait_for(process.wait(), 20) == -signal.SIGKILL

    with_parser(work, idle=timedelta(seconds=0.05))


def test_a_document_that_takes_too_long_is_killed() -> None:
    async def work(parser: WorkerParser) -> None:
        assert "longer than 0.05 s" in (await killed(parser, BUSY)).reason

    with_parser(work, wall=timedelta(seconds=0.05))


def test_a_document_that_needs_too_much_memory_is_killed() -> None:
    async def work(parser: WorkerParser) -> None:
        await killed(parser, rss(f"<title>{'я' * 12_000_000}</title>"))
        await good(parser)

    with_parser(work, memory=128 << 20, workers=1)


def test_a_worker_that_dies_takes_only_its_document_with_it() -> None:
    async def work(parser: WorkerParser) -> None:
        task = asyncio.ensure_future(killed(parser, BUSY))
        await asyncio.sleep(0)
        await good(parser)  # by the other worker: the first has its document by now
        for pid in pids(parser):
            os.kill(pid, signal.SIGKILL)
        assert "SIGKILL" in (await task).reason
        await good(parser)

    with_parser(work)


PLANTED = """
from monitor.feeds import worker, xmlfeed
real = xmlfeed.parse
def planted(data):
    if b"planted" in data:
        raise LookupError("a secret of the document")
    return real(data)
xmlfeed.parse = planted
worker.main()
"""


def test_an_error_of_the_parser_is_that_documents_failure_and_the_worker_goes_on(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("monitor.feeds.lanes.COMMAND", PLANTED)

    async def work(parser: WorkerParser) -> None:
        await good(parser)
        before = pids(parser)
        failure = await killed(parser, rss("<title>planted</title>"), "proven")
        assert failure.reason == "The document cannot be read: it made the parser fail with LookupError."
        await good(parser)
        assert pids(parser) == before

    with_parser(work, workers=1)
    assert capfd.readouterr() == ("", "")


BAITS = tuple(
    declaration.encode()
    + rss("<title>&x;</title><link>file:///etc/passwd</link>", channel="<xi:include href='/etc/passwd'/>").partition(
        b"?>"
    )[2]
    for declaration in (
        "<!DOCTYPE rss [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
        "<!DOCTYPE rss SYSTEM 'file:///etc/passwd'>",
        "<!DOCTYPE rss PUBLIC 'x' 'http://127.0.0.1:9/x.dtd'>",
        "<!DOCTYPE rss [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/x.dtd'> %p;]>",
        "<?xml-stylesheet href='/etc/passwd'?>",
    )
)


def test_no_document_makes_a_worker_open_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threat S9, by an audit hook in the worker: it sees every file, connection and program whoever asks for it."""
    monkeypatch.setattr("monitor.feeds.lanes.COMMAND", watched.COMMAND)
    bodies = [*BAITS, b"/etc/passwd", b"file:///etc/passwd", b"http://127.0.0.1:9/"]

    async def work(parser: WorkerParser) -> None:
        for body in bodies:
            outcome = await parser.parse(fetched(body), lane="suspect")
            assert "root:" not in str(outcome)
            assert f"code {watched.FORBIDDEN}" not in str(outcome), body[:300]

    with_parser(work, cpu_seconds=1)


@pytest.mark.parametrize("deed", ["open('/etc/passwd')", "__import__('socket').create_connection(('127.0.0.1', 9))"])
def test_the_watch_over_workers_sees_what_it_should(monkeypatch: pytest.MonkeyPatch, deed: str) -> None:
    planted = f"document.parse_document = lambda *_: {deed}\nworker.main()"
    monkeypatch.setattr("monitor.feeds.lanes.COMMAND", watched.WATCHED + planted)

    async def work(parser: WorkerParser) -> None:
        assert f"code {watched.FORBIDDEN}" in (await killed(parser, GOOD)).reason

    with_parser(work)


def test_references_to_halves_of_letters_cost_no_worker() -> None:
    async def work(parser: WorkerParser) -> None:
        outcome = await parser.parse(
            fetched(rss("<title>&#55357;&#56832;</title>", "<title>&#xD800;</title>", "<title>A</title>"))
        )
        assert isinstance(outcome, ParsedFeed), outcome
        assert [entry.title for entry in outcome.entries] == ["\U0001f600", "\ufffd", "A"]

    with_parser(work, workers=1)


def test_workers_that_are_killed_while_idle_are_replaced() -> None:
    async def work(parser: WorkerParser) -> None:
        for _ in range(5):
            await asyncio.gather(good(parser), good(parser), good(parser, "new"))
            assert len(pids(parser)) == 3
            for pid in pids(parser):
                os.kill(pid, signal.SIGKILL)

    with_parser(work)


@pytest.mark.parametrize("moment", ["starting", "busy", "busy again"])
def test_closing_ends_documents_under_way_as_killed_and_not_as_cancelled(moment: str) -> None:
    async def work(parser: WorkerParser) -> None:
        if moment == "busy again":
            await good(parser)
        task = asyncio.ensure_future(killed(parser, BUSY))
        await asyncio.sleep(0)
        if moment != "starting":
            await good(parser)
        await parser.aclose()
        assert "stopped" in (await task).reason
        await killed(parser, GOOD)
        assert pids(parser) == []

    started = time.monotonic()
    with_parser(work)
    assert time.monotonic() - started < 8


def test_cancelling_a_poll_cancels_it() -> None:
    async def work(parser: WorkerParser) -> None:
        await good(parser)
        task = asyncio.ensure_future(parser.parse(fetched(BUSY)))
        await asyncio.sleep(0)
        await good(parser)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await good(parser)

    with_parser(work)


def test_the_service_itself_loads_no_parser() -> None:
    check = (
        "import sys, monitor.feeds.parse, monitor.feeds.pace, monitor.feeds.health;"
        "assert not {'feedparser', 'nh3', 'httpx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", check], check=True, timeout=60)


def test_a_worker_gets_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "canary")
    environments: list[bytes] = []

    async def work(parser: WorkerParser) -> None:
        await good(parser)
        [pid] = pids(parser)  # one document at a time needs one worker
        environments.append(await asyncio.to_thread(Path(f"/proc/{pid}/environ").read_bytes))

    with_parser(work)
    assert b"PYTHONPATH" in environments[0]
    assert b"canary" not in environments[0]


def test_a_worker_ends_with_the_service(tmp_path: Path) -> None:
    script = tmp_path / "service.py"
    script.write_text(
        "import asyncio, os\n"
        "from monitor.feeds.parse import WorkerParser\n"
        "from monitor.model import Pace\n"
        "from monitor.ports import Fetched\n"
        "async def run():\n"
        "    parser = WorkerParser()\n"
        "    await parser.parse(Fetched(url='x', body=b'x', content_type=None, validators=None, pace=Pace()))\n"
        "    print(parser.lanes['new'].workers[0].pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(run())\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, timeout=60, check=False)
    pid = int(done.stdout)
    with contextlib.suppress(ProcessLookupError):
        for _ in range(500):
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return
            time.sleep(0.01)
        pytest.fail("the worker outlived its service")


def test_a_worker_loads_neither_client_nor_store() -> None:
    check = (
        "import sys, monitor.feeds.document;"
        "assert not {'httpx', 'httpcore', 'sqlalchemy', 'apscheduler', 'typer'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", check], check=True, timeout=60)


def test_entities_open_no_file_and_no_connection(tmp_path: Path) -> None:
    canary = tmp_path / "canary.txt"
    canary.write_text("canary")

    async def work(parser: WorkerParser) -> None:
        async with FakeServer() as server:
            server.on("*", reply(200, b"canary"))
            for target in (server.url("/x.dtd"), canary.as_uri(), str(canary)):
                for declaration in (
                    f'<!DOCTYPE rss [<!ENTITY x SYSTEM "{target}">]>',
                    f'<!DOCTYPE rss SYSTEM "{target}">',
                    f'<!DOCTYPE rss PUBLIC "x" "{target}">',
                    f'<!DOCTYPE rss [<!ENTITY % p SYSTEM "{target}"> %p;]>',
                    f'<?xml-stylesheet href="{target}"?>',
                ):
                    body = rss(
                        f"<title>&x;</title><link>{target}</link>"
                        f"<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='{target}' parse='text'/>"
                        f"<description><![CDATA[<img src='{target}'><link href='{target}'>]]></description>"
                    )
                    outcome = await parser.parse(fetched(declaration.encode() + body.partition(b"?>")[2]))
                    entries = outcome.entries if isinstance(outcome, ParsedFeed) else ()
                    assert not any("canary" in entry.title + entry.summary for entry in entries)
                assert isinstance(await parser.parse(fetched(target.encode())), PollFailure)
            assert server.connections == 0

    with_parser(work, workers=1)


@pytest.mark.skipif(not HOSTILE.exists(), reason="the hostile corpus is not part of the project")
def test_every_hostile_document_ends_opens_nothing_and_the_next_one_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threats S9 and S10: no secret text, no file, no connection, bounded time and memory."""
    monkeypatch.setattr("monitor.feeds.lanes.COMMAND", watched.COMMAND)

    async def work(parser: WorkerParser) -> None:
        paths = sorted(path for path in HOSTILE.rglob("*") if path.is_file())
        assert len(paths) > 25
        for path in paths:
            outcome = await parser.parse(fetched(path.read_bytes()), lane="suspect")
            assert isinstance(outcome, ParsedFeed | PollFailure), path
            assert "root:" not in str(outcome), path
            assert f"code {watched.FORBIDDEN}" not in str(outcome), path
            await good(parser, "suspect")

    with_parser(work, cpu_seconds=0.5)
