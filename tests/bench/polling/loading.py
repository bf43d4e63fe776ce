"""The second part: what ours bears. 10,000 feeds on a pace, hostile feeds among others, scheduling alone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import documents
import hostile
import measuring
import ours
from comparing import say
from measuring import FailedError
from paced import Lateness, Publisher, Watcher, lateness
from servers import Nginx, address
from table import Verdict

PACE = 60
SHARE = 0.1
"""Of all feeds publish an entry in a minute."""


def many(
    nginx: Nginx, place: Path, *, feeds: int, seconds: float, watches: int, fill_seconds: float
) -> tuple[list[Verdict], Mapping[str, Any]]:
    """Poll many small feeds on a pace of a minute; judge lateness, memory and CPU once all are filled."""
    work = f"{feeds:,} feeds, {PACE} s pace, {SHARE:.0%} changed a minute"
    outlets, names, addresses = _outlets(nginx, feeds, net=2, entries=3, full=False)
    config = ours.configure(place, addresses, watches=watches, pace=f"{PACE}s", concurrency=200)
    service = ours.Service("many", place, config)
    since = nginx.mark()
    begun = time.time()
    try:
        start = service.start(seconds=300)
        sampler = measuring.Memory(service.pid, 1.0)
        say(
            f"many: started in {start.wall:.0f} s ({start.cpu:.0f} s CPU, {start.memory:.0f} MB), filling {feeds} feeds ..."
        )
        service.wait(begun, feeds, fill_seconds)
        filled = time.time() - begun
        say(f"many: filled in {filled:.0f} s, measuring {seconds:.0f} s ...")
        time.sleep(10)
        before = service.books.count("reports")
        measured = nginx.mark()
        publisher = Publisher(nginx, outlets, names, SHARE)
        watcher = Watcher(service.data, 10)
        watcher.start()
        publisher.start()
        with measuring.taking(service.pid) as taken:
            time.sleep(seconds)
        end = time.time()
        overdue = watcher.stop()
        requests = nginx.requests(measured, names)
        published = publisher.stop()
        uris = {each.id: f"/{name}" for each, name in zip(addresses, names, strict=True)}
        late = lateness(watcher, overdue, nginx.requests(since, names), uris, end)
        _await_reports(service, before + published)
        highest = sampler.stop()
        cores = taken.found.cpu / taken.found.wall
        due = feeds * seconds / (PACE * 1.025)
        changed = sum(each.status == 200 for each in requests)
        problem = _not_done(len(requests), due, changed, published)
    except (FailedError, OSError) as error:
        return [
            Verdict(work=work, aim="on time, under 200 MB, under one core", shown=f"broken: {error}", passed=False)
        ], {"problem": str(error)}
    finally:
        service.stop()
    facts = {
        "feeds": feeds, "seconds": seconds, "start_cpu": start.cpu, "fill_seconds": filled, "requests": len(requests),
        "published": published, "cores": cores, "memory_highest": highest, "memory_steady": taken.found.memory,
        "cpu_per_poll": taken.found.cpu / len(requests), "problem": problem, **_facts(late),
    }  # fmt: skip
    if problem:
        return [Verdict(work=work, aim="all that is due is polled", shown=f"broken: {problem}", passed=False)], facts
    asked = f"p99 {late.asked_p99:.2f} s, worst {late.asked_worst:.2f} s (until saved: {late.saved_p99:.2f}, {late.saved_worst:.2f}); {late.polls:,} polls"
    memory = f"{highest:.0f} MB highest ({taken.found.memory:.0f} MB in the measured time)"
    used = f"{cores:.2f} cores, {taken.found.cpu / len(requests) * 1000:.2f} ms per poll; start {start.cpu:.0f} s CPU, filled after {filled:.0f} s"
    return [
        Verdict(work=work, aim="p99 lateness under 2 s", shown=asked, passed=late.asked_p99 < 2),
        Verdict(work=work, aim="under 200 MB", shown=memory, passed=highest < 200),
        Verdict(work=work, aim="under one core", shown=used, passed=cores < 1),
    ], facts


def _outlets(
    nginx: Nginx, feeds: int, *, net: int, entries: int, full: bool
) -> tuple[list[documents.Outlet], list[str], list[ours.Address]]:
    outlets = [documents.Outlet(number, full=full) for number in range(feeds)]
    names = [f"f{net}-{number:05}.xml" for number in range(feeds)]
    now = time.time()
    for outlet, name in zip(outlets, names, strict=True):
        outlet.fill(entries, now)
        nginx.put(name, outlet.body())
    addresses = [ours.Address(id=f"f{number}", url=nginx.url(number, net)) for number in range(feeds)]
    return outlets, names, addresses


def _await_reports(service: ours.Service, wanted: int) -> None:
    """Wait until every entry that was published is a report: two paces are enough."""
    ends = time.monotonic() + 2 * PACE
    while (stored := service.books.count("reports")) < wanted:
        if time.monotonic() > ends:
            raise FailedError(f"{stored} reports are stored, {wanted} entries were shown")
        time.sleep(1)


def _not_done(requests: int, due: float, changed: int, published: int) -> str | None:
    if requests < 0.9 * due:
        return f"{requests} requests were made, {due:.0f} were due"
    if changed < 0.5 * published:
        return f"{changed} documents were fetched, {published} changed"
    return None


def _facts(late: Lateness) -> dict[str, float]:
    return {name: getattr(late, name) for name in ("polls", "asked_p99", "asked_worst", "saved_p99", "saved_worst")}


# --- hostile feeds ----------------------------------------------------------------------------------------------------


def attacked(
    nginx: Nginx, place: Path, *, feeds: int, seconds: float, watches: int
) -> tuple[list[Verdict], Mapping[str, Any]]:
    """Poll healthy feeds alone, then with ten hostile ones among them, each asked anew every ten seconds."""
    work = f"{len(hostile.DOCUMENTS) + len(hostile.SERVED)} hostile feeds among {feeds}"
    healthy = feeds - len(hostile.DOCUMENTS) - len(hostile.SERVED)
    outlets, names, addresses = _outlets(nginx, healthy, net=3, entries=10, full=True)
    for name, made in hostile.DOCUMENTS.items():
        nginx.put(name, made())
    config = ours.configure(place, addresses, watches=watches, pace="20s", concurrency=50)
    service = ours.Service("attacked", place, config)
    uris = {each.id: f"/{name}" for each, name in zip(addresses, names, strict=True)}
    addresses_of_server = [address(number, 5) for number in range(len(hostile.SERVED))]
    command = [sys.executable, str(Path(hostile.__file__)), str(nginx.port + 1), *addresses_of_server]
    asked_log = (place / "hostile.log").open("w")
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=asked_log, stderr=subprocess.DEVNULL)
    publisher = Publisher(nginx, outlets, names, SHARE)
    begun = time.time()
    try:
        service.start()
        service.wait(begun, healthy, 240)
        say(f"hostile: {healthy} healthy feeds are filled, measuring {seconds:.0f} s without hostile ones ...")
        time.sleep(25)  # what was late while all were filled
        publisher.start()
        alone = _window(nginx, service, uris, names, seconds, [])
        bad = [ours.Address(id=f"bad{n}", url=nginx.url(n, 4, name)) for n, name in enumerate(hostile.DOCUMENTS)]
        bad += [
            ours.Address(id=f"bad-{name}", url=f"http://{where}:{nginx.port + 1}/{name}.xml")
            for name, where in zip(hostile.SERVED, addresses_of_server, strict=True)
        ]
        ours.write_feeds(config, [*addresses, *bad], "20s")
        since = nginx.mark()
        service.ask("reload")
        say(f"hostile: measuring {seconds:.0f} s with them ...")
        among = _window(nginx, service, uris, names, seconds, [each.id for each in bad])
        kinds = {
            feed: (json.loads(failure) if failure else {}).get("kind") for feed, failure in service.books.failing()
        }
        problem = _unasked(nginx, since, place / "hostile.log")
        if sick := [feed for feed in kinds if feed in uris]:
            problem = problem or f"healthy feeds fail: {', '.join(sick[:5])}"
    except (FailedError, OSError) as error:
        return [Verdict(work=work, aim="others late by less than 1 s", shown=f"broken: {error}", passed=False)], {
            "problem": str(error)
        }
    finally:
        if publisher.is_alive():
            publisher.stop()
        service.stop()
        server.communicate()
        asked_log.close()
    facts = {"alone": _facts(alone), "among": _facts(among), "failing": kinds, "problem": problem}
    if problem:
        return [Verdict(work=work, aim="others late by less than 1 s", shown=f"broken: {problem}", passed=False)], facts
    added = among.saved_worst - alone.saved_worst
    shown = (
        f"worst {added:+.2f} s, p99 {among.saved_p99 - alone.saved_p99:+.2f} s against the run without (until saved: with"
        f" {among.saved_worst:.2f} and {among.saved_p99:.2f} s, without {alone.saved_worst:.2f} and {alone.saved_p99:.2f} s)"
    )
    return [Verdict(work=work, aim="others late by less than 1 s", shown=shown, passed=added < 1)], facts


def _window(
    nginx: Nginx, service: ours.Service, uris: Mapping[str, str], names: list[str], seconds: float, bad: list[str]
) -> Lateness:
    """Return how late the healthy feeds were over some seconds, in which the hostile ones are asked again and again."""
    since = nginx.mark()
    watcher = Watcher(service.data, 2)
    watcher.start()
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        if bad:
            service.ask("poll-now", feeds=bad, force=True)
        time.sleep(min(10, left))
    overdue = watcher.stop()
    return lateness(watcher, overdue, nginx.requests(since, names), uris, time.time())


def _unasked(nginx: Nginx, since: int, log: Path) -> str | None:
    """Return which hostile feeds were never asked: then nothing was shown."""
    asked = {each.uri.removeprefix("/") for each in nginx.requests(since)}
    served = log.read_text().split()
    left = [name for name in hostile.DOCUMENTS if name not in asked]
    left += [name for name in hostile.SERVED if f"/{name}.xml" not in served]
    return f"never asked: {', '.join(left)}" if left else None


# --- scheduling -------------------------------------------------------------------------------------------------------


def scheduling(
    place: Path, filled: Path, *, feeds: int, seconds: float, paces: Sequence[int]
) -> tuple[list[Verdict], Mapping[str, Any]]:
    """Run the service with instant answers; judge its share of a core at a pace of a minute, show that of five minutes."""
    verdicts, facts = [], {}
    for pace in paces:
        aim = 0.02 if pace == PACE else None
        work = f"scheduling alone, {feeds:,} feeds, {pace} s pace"
        say(f"{work} ...")
        folder = place / str(pace)
        config = ours.configure(
            folder, [ours.Address(id="s", url="http://o.example/feed")], watches=0, pace=f"{pace}s", concurrency=20
        )
        command = [
            sys.executable,
            str(Path(__file__).with_name("scheduling.py")),
            *map(str, (config, filled, feeds, pace, 10, seconds)),
        ]
        log = folder / "log"
        with log.open("wb") as errors:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
        try:
            out, _ = process.communicate(timeout=150 + seconds)
            told = json.loads(out.splitlines()[-1])
        except (subprocess.TimeoutExpired, ValueError, IndexError):
            process.send_signal(signal.SIGKILL)
            process.wait()
            tail = " ".join(log.read_text(errors="replace").strip().splitlines()[-1:])[:300]
            verdicts.append(
                Verdict(work=work, aim="under 2 % of a core", shown=f"broken: {tail}", passed=False if aim else None)
            )
            continue
        facts[str(pace)] = told
        shown = f"{told['share']:.1%} of a core, {told['share'] * seconds / max(told['polls'], 1) * 1e6:.0f} us per poll, nothing due: {told['idle']:.2%}"
        passed = told["share"] < aim if aim else None
        if told["polls"] < 0.95 * told["due"]:
            shown, passed = f"broken: {told['polls']} polls were made, {told['due']:.0f} were due ({shown})", False
        verdicts.append(
            Verdict(work=work, aim="under 2 % of a core" if aim else "(shown only)", shown=shown, passed=passed)
        )
    return verdicts, facts
