"""The first part: the same 500 feeds polled by ours, the bare transport and the peers, phase by phase, one after the other.

Phases in this order, because what one leaves is what the next begins with: first fill; unchanged, answered 304; unchanged, answered 200 with
equal bytes (nginx sends no validators); one new entry in every feed. Every phase is checked: each feed asked exactly once, with the
statuses that were meant, and the entries stored that were shown. What fails a check shows as broken, never as a figure.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import documents
import ours
import peers
from measuring import FailedError, Usage
from profiles import Profile
from servers import Nginx, Request
from table import OURS, PHASES, TRANSPORT, Cell, Cells

ENTRIES = 50
SLOW = 20.0
"""Seconds after which a program's phase is not repeated."""

FIRST = 10
"""Feeds that a service may have polled by itself between its start and our word: five a second are due after a start."""

WARM = 4
"""Feeds that change before the last phase, so that parse workers run as they do in a service that runs for days."""


class Transport:
    """The helper process of transport.py."""

    def __init__(self, place: Path, urls: Sequence[str], concurrency: int) -> None:
        place.mkdir()
        (place / "urls").write_text("\n".join(urls))
        command = [sys.executable, str(Path(__file__).with_name("transport.py")), str(place / "urls"), str(concurrency)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def round(self) -> Usage:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise FailedError("the transport's process ended")
        told = json.loads(line)
        return Usage(cpu=told["cpu"], wall=told["wall"], memory=0)

    def stop(self) -> None:
        self._process.communicate()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    feeds: int
    rounds: int
    sampled: int
    """Feeds that feed2exec polls; 0 leaves it out."""
    programs: Sequence[str]
    """Peers."""
    watches: int
    concurrency: int
    seconds: float
    """The longest that one phase of one program may take."""
    profile: bool
    only_fill: bool


class Comparison:
    """All programs on the same feeds."""

    def __init__(self, plan: Plan, nginx: Nginx, place: Path, cache: Path) -> None:
        self.plan, self.nginx, self.place = plan, nginx, place
        self.cells: Cells = {}
        self.missing: dict[str, str] = {}
        self.starts: list[Usage] = []
        self.profiles: list[Profile] = []
        self._published = 0
        self._outlets = [documents.Outlet(number) for number in range(plan.feeds + WARM)]
        self._names = [f"f1-{number:05}.xml" for number in range(plan.feeds + WARM)]
        now = time.time()
        for outlet, name in zip(self._outlets, self._names, strict=True):
            outlet.fill(ENTRIES, now)
            nginx.put(name, outlet.body())
        sizes = [len(outlet.body()) for outlet in self._outlets]
        self.size = sum(sizes) / len(sizes)
        self._urls = [nginx.url(number) for number in range(plan.feeds)]
        self._services = [self._service(name, watches) for name, watches in zip(OURS, (0, plan.watches), strict=True)]
        self._transport = Transport(place / "transport", self._urls, plan.concurrency)
        self._peers = [peer for name in plan.programs if (peer := self._peer(name, cache))]
        self._lengths: dict[str, Counter[int]] = {}

    def _service(self, name: str, watches: int) -> ours.Service:
        place = self.place / ("off" if watches == 0 else "on")
        feeds = [ours.Address(id=f"f{number}", url=self.nginx.url(number)) for number in range(self.plan.feeds + WARM)]
        config = ours.configure(place, feeds, watches=watches, pace="12h", concurrency=self.plan.concurrency)
        return ours.Service(name, place, config, profile=self.plan.profile)

    def _peer(self, name: str, cache: Path) -> peers.Peer | None:
        urls = self._urls[: self.plan.sampled] if name == "feed2exec" else self._urls
        try:
            return peers.prepare(name, cache, self.place / name, urls)
        except peers.MissingError as error:
            self.missing[name] = str(error)
            return None

    # --- the phases ---------------------------------------------------------------------------------------------------

    def run(self) -> None:
        try:
            self._fill()
            if self.plan.only_fill:
                return
            self._repeat("304", 304)
            self.nginx.validators(on=False)
            self._repeat("200", 200)
            self.nginx.validators(on=True)
            self._warm()
            self._repeat("new", 200)
            self._compare_headers()
        finally:
            for service in self._services:
                service.stop()
            self._transport.stop()

    def _fill(self) -> None:
        """Fill every store; services start anew afterwards, and what such a start costs is measured."""
        for service in self._services[:1] if self.plan.only_fill else self._services:
            self._measure("fill", service, 200)
            if self._cell("fill", service.name).problem is None:
                self._try(service, "fill", lambda service=service: service.rest(60))
            service.stop()
            if again := self._try(service, "fill", service.start):
                self.starts.append(again)
        for peer in self._peers:
            self._measure("fill", peer, 200)
            if peer.settles:
                self._try(peer, "fill", lambda peer=peer: peer.poll(self.plan.seconds))
        self._transport.round()

    def _warm(self) -> None:
        """Publish in the feeds that only our services have, so that their parse workers run."""
        for number in range(self.plan.feeds, self.plan.feeds + WARM):
            self._outlets[number].replace(time.time())
            self.nginx.put(self._names[number], self._outlets[number].body())
        for service in self._usable(self._services, "new"):
            self._try(service, "new", lambda service=service: self._poll_warm(service))

    def _poll_warm(self, service: ours.Service) -> None:
        service.poll([f"f{number}" for number in range(self.plan.feeds, self.plan.feeds + WARM)], seconds=60)

    def _repeat(self, phase: str, status: int) -> None:
        """Measure all programs in turn, the quick ones several times."""
        slow: set[str] = set()
        for round_ in range(self.plan.rounds):
            if phase == "new":
                self._publish()
            for program in (*self._usable(self._services, phase), self._transport, *self._usable(self._peers, phase)):
                name = TRANSPORT if isinstance(program, Transport) else program.name
                if name in slow:
                    continue
                self._measure(phase, program, status)
                cell = self._cell(phase, name)
                if cell.problem or (cell.rounds and cell.rounds[-1].wall > SLOW and name not in OURS):
                    slow.add(name)
            if len(slow) == len(self._services) + 1 + len(self._peers):
                return
            say(f"{phase}: round {round_ + 1} of {self.plan.rounds} done")

    def _usable(self, programs: Sequence[ours.Service | peers.Peer], phase: str) -> list[ours.Service | peers.Peer]:
        """Return the programs whose store was filled; the others' later phases would mean nothing."""
        usable = []
        for program in programs:
            problem = self._cell("fill", program.name).problem
            if problem is None:
                usable.append(program)
            else:
                self._cell(phase, program.name).problem = "the first fill failed"
        return usable

    def _publish(self) -> None:
        """Put one new entry into every feed. File times must differ by a second for `Last-Modified` to show it."""
        time.sleep(1.1)
        now = time.time()
        for number in range(self.plan.feeds):
            self._outlets[number].replace(now)
            self.nginx.put(self._names[number], self._outlets[number].body())
        self._published += 1

    # --- one program in one phase -------------------------------------------------------------------------------------

    def _measure(self, phase: str, program: ours.Service | peers.Peer | Transport, status: int) -> None:
        name = TRANSPORT if isinstance(program, Transport) else program.name
        feeds = self._feeds(program, phase)
        cell = self._cell(phase, name)
        cell.polls = feeds
        say(f"{phase}: {name} ...")
        since = self.nginx.mark()
        usage = self._try(program, phase, lambda: self._work(program, phase))
        if usage is None:
            return
        requests = self.nginx.requests(since, self._names[:feeds])
        wanted = 200 if isinstance(program, peers.Peer) and not program.conditional else status
        cell.problem = (
            cell.problem
            or _wrong(requests, feeds, wanted, twice=FIRST if phase == "fill" else 0)
            or self._unstored(phase, program)
        )
        cell.rounds.append(usage)
        if phase == "304" and (isinstance(program, Transport) or name in OURS):
            self._lengths[name] = Counter(each.length for each in requests)

    def _feeds(self, program: ours.Service | peers.Peer | Transport, phase: str) -> int:
        """Return how many feeds a program polls in a phase."""
        if isinstance(program, peers.Peer):
            return program.feeds
        return self.plan.feeds + (WARM if isinstance(program, ours.Service) and phase == "fill" else 0)

    def _work(self, program: ours.Service | peers.Peer | Transport, phase: str) -> Usage:
        match program:
            case Transport():
                return program.round()
            case peers.Peer():
                return program.poll(self.plan.seconds)
            case ours.Service():
                if phase != "fill":
                    program.rest(90)
                ids = [f"f{number}" for number in range(self._feeds(program, phase))]
                poll = program.fill if phase == "fill" else program.poll
                if not self.plan.profile or phase == "fill":
                    return poll(ids, seconds=self.plan.seconds)
                before = program.snapshot()
                usage = poll(ids, seconds=self.plan.seconds)
                title = f"{PHASES[phase]}, {program.name}"
                self.profiles.append(Profile(title=title, polls=len(ids), before=before, after=program.snapshot()))
                return usage

    def _try(self, program: object, phase: str, work):
        name = TRANSPORT if isinstance(program, Transport) else program.name
        try:
            return work()
        except (FailedError, OSError) as error:
            self._cell(phase, name).problem = str(error)
            return None

    def _unstored(self, phase: str, program: ours.Service | peers.Peer | Transport) -> str | None:
        """Return what is missing in a program's store."""
        new = self._published
        match program:
            case Transport():
                return None
            case peers.Peer():
                stored, wanted = program.stored(), program.feeds * ENTRIES + program.feeds * new
            case ours.Service():
                stored = program.books.count("reports")
                wanted = (self.plan.feeds + WARM) * ENTRIES + self.plan.feeds * new
                if phase == "new":
                    wanted += WARM
                    self._cell(phase, program.name).notes["alerts"] = program.books.count("alerts")
        return None if stored == wanted else f"{stored} entries are stored, {wanted} were shown"

    def _compare_headers(self) -> None:
        """The transport must send what the service sends, or the ratio between them says nothing."""
        seen = {name: self._lengths.get(name) for name in (*OURS, TRANSPORT)}
        if any(lengths != seen[TRANSPORT] for name, lengths in seen.items() if lengths):
            self._cell("304", TRANSPORT).problem = f"its requests are not those of the service: lengths {seen}"

    def _cell(self, phase: str, name: str) -> Cell:
        return self.cells.setdefault((phase, name), Cell())


def _wrong(requests: Sequence[Request], feeds: int, status: int, twice: int) -> str | None:
    """Return what is wrong with the requests of a phase: each feed once, all answered with the status that is meant.

    At most `twice` feeds may be asked again, and get a 304 then.
    """
    again = len(requests) - feeds
    statuses = Counter(each.status for each in requests)
    if 0 < again <= twice:
        statuses -= Counter({304: again})
    if len({each.uri for each in requests}) != feeds or not 0 <= again <= twice:
        return f"{len(requests)} requests to {len({each.uri for each in requests})} of {feeds} feeds"
    if statuses != {status: feeds}:
        return f"answers were {dict(statuses)}, not {status}"
    return None


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
