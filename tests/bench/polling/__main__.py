"""Polling, measured against peers on the same nginx in the same run, and against the issue's aims.

    make bench-polling                      about twenty minutes
    make bench-polling BENCH="--quick"      100 feeds, no 10,000: about four minutes
    python tests/bench/polling --help

Prints tables to stdout and progress to stderr. Exits 1 when an aim is missed or a part is broken, 2 when nothing could be measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import comparing
import loading
import peers
import profiles
import servers
import table
from comparing import Comparison, Plan, say
from measuring import Usage

ROOT = Path(__file__).resolve().parents[3]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench-polling", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--feeds", type=int, default=0, help="feeds that are compared on (500; quick: 100)")
    parser.add_argument(
        "--rounds", type=int, default=0, help="rounds of a phase for programs that need less than 20 s (3; quick: 2)"
    )
    parser.add_argument("--quick", action="store_true", help="100 feeds, no 10,000, no feed2exec")
    parser.add_argument(
        "--peers", default="reader,rss2email,newsboat,sfeed,feed2exec", help="comma-separated; empty: none"
    )
    parser.add_argument(
        "--sampled", type=int, default=30, help="feeds for feed2exec, which is slow; its figures are per poll"
    )
    parser.add_argument("--parts", default="", help="comma-separated: compare, many, hostile, scheduling (all)")
    parser.add_argument("--watches", type=int, default=150)
    parser.add_argument("--concurrency", type=int, default=50, help="of the service and the bare transport")
    parser.add_argument("--many", type=int, default=10_000, help="feeds of the part `many`")
    parser.add_argument(
        "--minutes", type=float, default=3, help="measured time of the part `many`, after all feeds are filled"
    )
    parser.add_argument("--scheduled", type=int, default=50_000, help="feeds of the part `scheduling`")
    parser.add_argument("--limit", type=float, default=240, help="seconds that one program's phase may take")
    parser.add_argument("--cache", type=Path, default=ROOT / ".bench", help="where peers are installed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all figures here")
    parser.add_argument(
        "--profile", action="store_true", help="only our phases, under cProfile: the functions that take most"
    )
    parser.add_argument("--keep", action="store_true", help="leave the temporary directory for a look")
    given = parser.parse_args()
    given.feeds = given.feeds or (100 if given.quick or given.profile else 500)
    given.rounds = given.rounds or (2 if given.quick else 1 if given.profile else 3)
    given.parts = [part for part in given.parts.split(",") if part] or ["compare", "hostile", "scheduling", "many"]
    given.programs = [name for name in given.peers.split(",") if name]
    if given.quick:
        given.parts = [part for part in given.parts if part != "many"]
        given.programs = [name for name in given.programs if name != "feed2exec"]
    if given.profile:
        given.parts, given.programs = ["compare"], []
    if unknown := [name for name in given.programs if name not in peers.PREPARE]:
        parser.error(f"no such peer: {', '.join(unknown)}; there are {', '.join(peers.PREPARE)}")
    return given


def main() -> int:
    given = options()
    if not servers.is_there():
        print("nginx is not installed; on Debian and Ubuntu: apt-get install nginx-light", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    place = Path(tempfile.mkdtemp(prefix="monitor-bench-"))
    given.cache, given.json = given.cache.absolute(), given.json and given.json.absolute()
    os.chdir(place)  # what programs drop where they stand
    nginx = servers.Nginx(place / "nginx")
    began = time.monotonic()
    try:
        return measure(given, nginx, place, began)
    finally:
        nginx.stop()
        if given.keep:
            say(f"kept: {place}")
        else:
            shutil.rmtree(place, ignore_errors=True)


def measure(given: argparse.Namespace, nginx: servers.Nginx, place: Path, began: float) -> int:
    verdicts: list[table.Verdict] = []
    more: dict[str, Any] = {"python": platform.python_version(), "cores": os.cpu_count(), "feeds": given.feeds}
    cells: table.Cells = {}
    if "compare" in given.parts or "scheduling" in given.parts:
        comparison = compare(given, nginx, place, light="compare" not in given.parts)
        if given.profile:
            return show_profiles(comparison)
        if "compare" in given.parts:
            cells = comparison.cells
            verdicts += report(comparison, given, more)
    for part in ("hostile", "scheduling", "many"):
        if part in given.parts:
            found, more[part] = load(part, given, nginx, place)
            verdicts += found
    more["minutes"] = (time.monotonic() - began) / 60
    print("\nAims (deciding on; lateness of a poll: from its due time in the database to its request in nginx's log)")
    print("\n".join(table.verdict_lines(verdicts)))
    print(f"\n{more['minutes']:.1f} minutes; Python {more['python']}, {more['cores']} cores")
    if given.json:
        given.json.write_text(json.dumps(table.as_json(cells, verdicts, more), indent=1, ensure_ascii=False))
    broken = any(cell.problem for cell in cells.values())
    return 1 if broken or any(each.passed is False for each in verdicts) else 0


def load(
    part: str, given: argparse.Namespace, nginx: servers.Nginx, place: Path
) -> tuple[list[table.Verdict], Mapping[str, Any]]:
    """Run one of the parts that only ours takes part in."""
    if part == "hostile":
        seconds = 40 if given.quick else 60
        return loading.attacked(nginx, place / part, feeds=given.feeds, seconds=seconds, watches=given.watches)
    if part == "scheduling":
        paces = (60,) if given.quick else (60, 300)
        filled = place / "off/data/monitor.db"
        return loading.scheduling(place / part, filled, feeds=given.scheduled, seconds=30, paces=paces)
    return loading.many(
        nginx,
        place / part,
        feeds=given.many,
        seconds=given.minutes * 60,
        watches=given.watches,
        fill_seconds=given.limit,
    )


def show_profiles(comparison: Comparison) -> int:
    """Print what `--profile` found."""
    for profile in comparison.profiles:
        print("\n".join(profiles.lines(profile)))
    problems = {key: cell.problem for key, cell in comparison.cells.items() if cell.problem}
    for (phase, name), problem in problems.items():
        print(f"broken: {name}, {table.PHASES[phase]}: {problem}")
    return 1 if problems else 0


def compare(given: argparse.Namespace, nginx: servers.Nginx, place: Path, *, light: bool) -> Comparison:
    """Run the first part; `light` only to have a filled database."""
    plan = Plan(
        feeds=10 if light else given.feeds,
        rounds=1 if light else given.rounds,
        sampled=min(given.sampled, given.feeds),
        programs=() if light else given.programs,
        watches=given.watches,
        concurrency=given.concurrency,
        seconds=given.limit,
        profile=given.profile,
        only_fill=light,
    )
    comparison = Comparison(plan, nginx, place, given.cache)
    comparison.run()
    return comparison


def report(comparison: Comparison, given: argparse.Namespace, more: dict[str, Any]) -> list[table.Verdict]:
    """Print the table of all programs and return the verdicts on the ratios."""
    present = [name for name in given.programs if name not in comparison.missing]
    programs = [*table.OURS, table.TRANSPORT, *present]
    start = comparison.starts[-1] if comparison.starts else Usage(cpu=0, wall=0, memory=0)
    print(
        f"{given.feeds} feeds of {comparing.ENTRIES} entries, {comparison.size / 1000:.0f} kB on average; one nginx worker, plain HTTP,"
    )
    print(
        f"an address for each feed; concurrency {given.concurrency}; deciding on: {given.watches} watches. CPU is user and system time of the"
    )
    print(
        "whole process tree: the peers' with their start, ours as a running service (its start is in the first fill and in the line below).\n"
    )
    print("\n".join(table.per_program(comparison.cells, programs)))
    print(f"\nour start on a filled store: {start.cpu:.2f} s CPU, {start.wall:.1f} s, {start.memory:.0f} MB")
    for name, why in comparison.missing.items():
        print(f"{name} could not be had: {why}")
    for (phase, name), cell in comparison.cells.items():
        if cell.problem:
            print(f"broken: {name}, {table.PHASES[phase]}: {cell.problem}")
    if "feed2exec" in present and given.sampled < given.feeds:
        print(f"feed2exec polled {given.sampled} feeds only (its start weighs more for it)")
    sys.stdout.flush()
    more["start"] = {"cpu": start.cpu, "wall": start.wall, "memory": start.memory}
    more["missing"] = comparison.missing
    return table.ratios(comparison.cells, start.cpu, given.feeds)


if __name__ == "__main__":
    sys.exit(main())
