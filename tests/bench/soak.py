"""Soak: 300 real feeds behind a local nginx, changing all the time, and the service on them for ten minutes.

    make soak            (MINUTES=10 FEEDS=300; needs nginx; reads ../shared/data/feeds where present, else generated feeds)

Prints: memory of the whole process tree (PSS, highest of samples every 2 s), how late polls were against their due time (from nginx's
log), requests that broke the pace, entries published against reports stored, and what `monitor status` said against what is true.
Exits 1 when memory is above 200 MB, a poll was more than 30 s late, an entry is missing, or `status` is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

CORPUS = Path(__file__).resolve().parents[3] / "shared/data/feeds"
PACE = 60.0
LIMIT_MB = 200
LATE_S = 30.0
PORT = 18080

NGINX = """
daemon off; worker_processes 1; pid {place}/nginx.pid; error_log {place}/error.log;
events {{ worker_connections 512; }}
http {{
  log_format timed '$msec $uri $status "$http_if_none_match" "$http_user_agent"';
  access_log {place}/access.log timed;
  client_body_temp_path {place}/t1; proxy_temp_path {place}/t2; fastcgi_temp_path {place}/t3;
  uwsgi_temp_path {place}/t4; scgi_temp_path {place}/t5;
  default_type application/xml; gzip on; gzip_types application/xml; etag on;
  server {{ listen 127.0.0.1:{port}; root {place}/www; }}
}}
"""


def corpus_feeds(count: int) -> list[bytes]:
    """Return documents of the corpora that hold several entries, the largest share real-world shaped."""
    found = []
    for path in sorted(CORPUS.rglob("*.xml")) if CORPUS.is_dir() else ():
        if "hostile" in path.parts or path.stat().st_size > 200_000:
            continue
        body = path.read_bytes()
        if body.count(b"<item") + body.count(b"<entry") >= 1 and b"</" in body:
            found.append(body)
    random.Random(1).shuffle(found)
    return found[:count]


def generated(number: int, entries: list[tuple[int, float]]) -> bytes:
    """Return an RSS document with these (serial, time) entries, newest first."""
    items = "".join(
        f"<item><title>Report {serial} of outlet {number}</title><link>https://o{number}.example/{serial}</link>"
        f"<guid>o{number}-{serial}</guid><description>{'Words about item ' + str(serial) + '. ' * 40}</description>"
        f"<pubDate>{format_datetime(datetime.fromtimestamp(at, UTC))}</pubDate></item>"
        for serial, at in reversed(entries[-50:])
    )
    return f"<rss version='2.0'><channel><title>Outlet {number}</title>{items}</channel></rss>".encode()


class Site:
    """What nginx serves: half corpus documents (touched now and then), half generated feeds that get new entries."""

    def __init__(self, www: Path, feeds: int) -> None:
        self.www, self.published = www, 0
        www.mkdir()
        corpus = corpus_feeds(feeds // 2)
        self.corpus = {f"c{n:03}.xml": body for n, body in enumerate(corpus)}
        self.live: dict[str, list[tuple[int, float]]] = {f"g{n:03}.xml": [] for n in range(feeds - len(corpus))}
        for name, body in self.corpus.items():
            self._write(name, body)
        for n, name in enumerate(self.live):
            self.live[name] = [(serial, time.time() - 60 * (30 - serial)) for serial in range(30)]
            self._write(name, generated(n, self.live[name]))

    def change(self, random_: random.Random) -> None:
        """Publish one entry in a generated feed; sometimes touch a corpus document without a change."""
        name = random_.choice(sorted(self.live))
        entries = self.live[name]
        entries.append((len(entries), time.time()))
        self._write(name, generated(sorted(self.live).index(name), entries))
        self.published += 1
        if self.corpus and random_.random() < 0.5:
            os.utime(self.www / random_.choice(sorted(self.corpus)))

    def _write(self, name: str, body: bytes) -> None:
        fresh = self.www / f".{name}"
        fresh.write_bytes(body)
        fresh.rename(self.www / name)


def configure(place: Path, site: Site) -> Path:
    config = place / "config"
    config.mkdir()
    (config / "monitor.yaml").write_text(
        f"situation: {{id: kz, name: Kazakhstan, zone: Asia/Almaty}}\nstore: {{data_dir: {place}/data}}\n"
        "polling: {per_host: 10, per_domain: 50, host_spacing: 0s, floor: 10s}\n"
        "http: {listen: none}\n"
    )
    names = [*site.corpus, *site.live, "missing.xml"]
    (config / "feeds.yaml").write_text(
        "feeds:\n"
        + "".join(
            f"- {{id: {name[:-4]}, name: {name}, url: 'http://127.0.0.1:{PORT}/{name}', pace: {PACE:.0f}s,"
            " allow_networks: [127.0.0.0/8]}\n"
            for name in names
        )
    )
    shutil.copy(Path(__file__).resolve().parents[2] / "config/watches.yaml", config)
    return config


def tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in tree(int(child)))]


def pss(pid: int) -> float:
    """Return MB of proportional set size of a process and all below it."""
    total = 0
    for each in tree(pid):
        try:
            rollup = Path(f"/proc/{each}/smaps_rollup").read_text()
        except OSError:
            continue
        total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total / 1024


def lateness(log: Path, start: float, failing: set[str]) -> tuple[float, float, int]:
    """Return p99 and worst lateness of polls in seconds, and how many came before their pace was over."""
    last: dict[str, float] = {}
    late: list[float] = []
    early = 0
    gaps: defaultdict[str, list[float]] = defaultdict(list)
    for line in log.read_text().splitlines():
        at, uri, *_ = line.split()
        when = float(at)
        if uri in last and last[uri] > start and uri[1:-4] not in failing:  # those rest longer, as they should
            gap = when - last[uri]
            gaps[uri].append(gap)
            early += gap < PACE - 0.05
            late.append(gap - PACE * 1.05)  # jitter of 5 % is meant
        last[uri] = when
    late.sort()
    return late[int(len(late) * 0.99)], late[-1], early


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--feeds", type=int, default=300)
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="monitor-soak-"))
    place.chmod(0o755)  # nginx's worker runs as another user
    site = Site(place / "www", options.feeds)
    (place / "nginx.conf").write_text(NGINX.format(place=place, port=PORT))
    config = configure(place, site)
    nginx = subprocess.Popen(["nginx", "-c", place / "nginx.conf", "-p", place])
    with (place / "service.log").open("wb") as log:
        service = subprocess.Popen([sys.executable, "-m", "monitor", "run", "--config", config], stdout=log, stderr=log)
    try:
        return watch(place, config, site, service, options.minutes * 60)
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(40)
        nginx.terminate()
        nginx.wait(10)
        shutil.rmtree(place)


def watch(place: Path, config: Path, site: Site, service: subprocess.Popen[bytes], seconds: float) -> int:
    random_ = random.Random(2)
    start = time.time()
    highest, samples = 0.0, []
    quiet = 2 * PACE  # the last entries get the time to be polled
    while (passed := time.time() - start) < seconds:
        if service.poll() is not None:
            print((place / "service.log").read_text()[-3000:])
            return 1
        if passed < seconds - quiet:
            site.change(random_)
        if int(passed) % 2 == 0:
            samples.append(pss(service.pid))
            highest = max(highest, samples[-1])
        time.sleep(1)
    cpu = sum(int(n) for n in Path(f"/proc/{service.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:15]) / 100
    asked = subprocess.run(
        [sys.executable, "-m", "monitor", "status", "--config", config, "--json"], capture_output=True, check=False
    )
    status = json.loads(asked.stdout)
    failing = {row["id"] for row in status["feeds"]["failing_feeds"]}
    p99, worst, early = lateness(place / "access.log", start + PACE, failing)
    polls = sum(1 for _ in (place / "access.log").open())
    expected = site.published + 30 * len(site.live)
    stored = status["counts"]["reports"]
    stored_live = stored_of_live(place)
    truth = status["feeds"]["failing"] >= 1 and any("missing" in row["id"] for row in status["feeds"]["failing_feeds"])
    print(f"feeds               {len(site.corpus)} of the corpora, {len(site.live)} generated, 1 that does not exist")
    print(f"requests            {polls} in {seconds / 60:.0f} min, CPU of the service {cpu:.0f} s")
    print(f"memory, PSS of tree highest {highest:.0f} MB, last {samples[-1]:.0f} MB (limit {LIMIT_MB})")
    print(
        f"lateness            p99 {p99:.1f} s, worst {worst:.1f} s beyond pace and jitter (limit {LATE_S:.0f} s); {early} early"
    )
    print(f"entries             {stored_live} of {expected} generated ones stored ({stored} reports in all)")
    print(
        f"status              {status['feeds']['ok']} ok, {status['feeds']['failing']} failing; the missing one named: {truth}"
    )
    fine = highest <= LIMIT_MB and worst <= LATE_S and not early and stored_live == expected and truth
    print("fine" if fine else "NOT fine")
    return 0 if fine else 1


def stored_of_live(place: Path) -> int:
    """Return how many reports of generated feeds the store holds."""
    from monitor.store import open_store

    store = open_store("sqlite:///monitor.db", data_dir=place / "data")
    try:
        return sum(1 for feed, _, _ in store.entry_reports("kz") if feed.startswith("g"))
    finally:
        store.close()


if __name__ == "__main__":
    sys.exit(main())
