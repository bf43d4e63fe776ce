"""The programs ours is measured against, each in an environment of its own under a cache directory.

reader, rss2email and feed2exec come from PyPI; newsboat and sfeed from Debian: used where they are installed, else their packages are
unpacked into the cache, which needs no root. One that cannot be had is named with the reason, and the others still run.

Each is started once per phase, as its users start it from cron, and all that the start costs is in its figures. sfeed fetches through
curl without conditions, so it gets a 200 where the others get a 304.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from measuring import Usage, run

READER = """
import sys
from reader import make_reader
reader = make_reader(sys.argv[1])
for url in open(sys.argv[2]).read().split():
    reader.add_feed(url, exist_ok=True)
reader.update_feeds(scheduled=False)
"""
NOT_TAKEN = {"libc6", "libgcc-s1", "libstdc++6"}
"""Libraries that every system has."""


class MissingError(Exception):
    """The program cannot be had here; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A program that is ready to poll."""

    name: str
    feeds: int
    """How many of the feeds it polls; its figures are scaled from them."""
    conditional: bool
    """It sends what validators it has."""
    settles: bool = False
    """Its second poll is still unconditional: newsboat stores validators only for a feed that it has in its database already."""
    command: Sequence[str | Path]
    env: Mapping[str, str]
    place: Path
    stored: Callable[[], int]
    """Entries that it holds now: what it really did."""

    def poll(self, seconds: float) -> Usage:
        return run(self.command, env=self.env, log=self.place / "log", seconds=seconds)


def prepare(name: str, cache: Path, place: Path, urls: Sequence[str]) -> Peer:
    """Install a program where needed, configure it for these feeds, and return it. Raises `MissingError`."""
    place.mkdir(parents=True)
    try:
        return PREPARE[name](cache, place, urls)
    except (OSError, subprocess.SubprocessError) as error:
        output = getattr(error, "stderr", None) or b""
        tail = output.decode(errors="replace").strip().splitlines()[-1:] if isinstance(output, bytes) else []
        raise MissingError(" ".join([str(error)[:160], *tail])[:300]) from error


def _env(place: Path, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    return kept | {"HOME": str(place), "TERM": "dumb", "TMPDIR": str(place)} | more


# --- from PyPI --------------------------------------------------------------------------------------------------------


def _environment(cache: Path, name: str, packages: Sequence[str], check: str) -> Path:
    """Return the bin directory of a virtual environment in which `check` (a Python statement) works."""
    home = cache / f"{name}-py{sys.version_info.major}.{sys.version_info.minor}"
    if not (home / "ready").exists():
        shutil.rmtree(home, ignore_errors=True)
        print(f"installing {name} into {home} ...", file=sys.stderr)
        quiet = {"capture_output": True, "timeout": 600}
        subprocess.run([sys.executable, "-m", "venv", home], check=True, **quiet)
        subprocess.run([home / "bin/python", "-m", "pip", "install", "--quiet", *packages], check=True, **quiet)
        subprocess.run([home / "bin/python", "-c", check], check=True, **quiet)
        (home / "ready").touch()
    return home / "bin"


def _rows(database: Path, table: str) -> Callable[[], int]:
    def count() -> int:
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        try:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
        finally:
            connection.close()

    return count


def _reader(cache: Path, place: Path, urls: Sequence[str]) -> Peer:
    # sgmllib3k: the last reader for Python 3.11 brings its own old feedparser, which imports it and does not ask for it
    binaries = _environment(cache, "reader", ["reader", "sgmllib3k"], "import reader")
    (place / "urls").write_text("\n".join(urls))
    (place / "poll.py").write_text(READER)
    command = [binaries / "python", place / "poll.py", place / "db.sqlite", place / "urls"]
    stored = _rows(place / "db.sqlite", "entries")
    return Peer(
        name="reader", feeds=len(urls), conditional=True, command=command, env=_env(place), place=place, stored=stored
    )


def _rss2email(cache: Path, place: Path, urls: Sequence[str]) -> Peer:
    binaries = _environment(cache, "rss2email", ["rss2email"], "import rss2email")
    config, data = place / "rss2email.cfg", place / "rss2email.json"
    rows = "".join(f"[feed.f{n}]\nurl = {url}\n\n" for n, url in enumerate(urls))
    config.write_text(f"[DEFAULT]\nfrom = bench@example.org\nto = bench@example.org\n\n{rows}")

    def stored() -> int:
        return sum(len(feed["seen"]) for feed in json.loads(data.read_text())["feeds"])

    command = [binaries / "r2e", "-c", config, "-d", data, "run", "--no-send"]
    return Peer(
        name="rss2email",
        feeds=len(urls),
        conditional=True,
        command=command,
        env=_env(place),
        place=place,
        stored=stored,
    )


def _feed2exec(cache: Path, place: Path, urls: Sequence[str]) -> Peer:
    binaries = _environment(cache, "feed2exec", ["feed2exec"], "import feed2exec")
    config, data = place / "feed2exec.ini", place / "feed2exec.db"
    config.write_text(
        "".join(f"[f{n}]\nurl = {url}\noutput = feed2exec.plugins.null\n\n" for n, url in enumerate(urls))
    )
    command = [binaries / "feed2exec", "--quiet", "--config", config, "--database", data, "fetch"]
    stored = _rows(data, "feedcache")
    return Peer(
        name="feed2exec",
        feeds=len(urls),
        conditional=True,
        command=command,
        env=_env(place),
        place=place,
        stored=stored,
    )


# --- from Debian ------------------------------------------------------------------------------------------------------


def _debian(cache: Path, name: str, binary: str) -> tuple[Path, dict[str, str]]:
    """Return where a program is and what its environment needs: as installed, else unpacked from Debian's package."""
    if found := shutil.which(binary):
        return Path(found), {}
    home = cache / name
    if not (home / "ready").exists():
        _unpack(home, name)
    libraries = ":".join(str(path) for path in (*home.glob("usr/lib/*-linux-gnu*"), home / "usr/lib"))
    return home / "usr/bin" / binary, {"LD_LIBRARY_PATH": libraries}


def _unpack(home: Path, name: str) -> None:
    for tool in ("apt-get", "apt-cache", "dpkg-deb", "ldd"):
        if not shutil.which(tool):
            raise MissingError(f"{name} is not installed, and without {tool} it cannot be unpacked here")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    print(f"unpacking {name} into {home} ...", file=sys.stderr)
    quiet = {"capture_output": True, "timeout": 300, "cwd": home}
    if subprocess.run(["apt-cache", "show", name], capture_output=True, timeout=60, check=False).returncode:
        subprocess.run(["apt-get", "update"], check=True, **quiet)
    asked = subprocess.run(["apt-cache", "depends", name], check=True, **quiet)
    needed = [line.split()[-1] for line in asked.stdout.decode().splitlines() if line.strip().startswith("Depends:")]
    wanted = [name, *(each for each in needed if each not in NOT_TAKEN and each.startswith("lib"))]
    subprocess.run(["apt-get", "download", *wanted], check=True, **quiet)
    for package in home.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, home], check=True, **quiet)
    (home / "ready").touch()


def _newsboat(cache: Path, place: Path, urls: Sequence[str]) -> Peer:
    binary, more = _debian(cache, "newsboat", "newsboat")
    env = _env(place, **more)
    subprocess.run([binary, "-v"], env=env, check=True, capture_output=True, timeout=20)
    (place / "urls").write_text("\n".join(urls) + "\n")
    (place / "config").write_text("reload-threads 1\nauto-reload no\n")
    command = [binary, "-q", "-u", place / "urls", "-C", place / "config", "-c", place / "cache.db", "-x", "reload"]
    stored = _rows(place / "cache.db", "rss_item")
    return Peer(
        name="newsboat",
        feeds=len(urls),
        conditional=True,
        settles=True,
        command=command,
        env=env,
        place=place,
        stored=stored,
    )


def _sfeed(cache: Path, place: Path, urls: Sequence[str]) -> Peer:
    binary, more = _debian(cache, "sfeed", "sfeed_update")
    if not shutil.which("curl"):
        raise MissingError("sfeed fetches through curl, which is not installed")
    rows = "\n".join(f"  feed f{n} {url}" for n, url in enumerate(urls))
    (place / "feeds").mkdir()
    (place / "sfeedrc").write_text(f'sfeedpath="{place}/feeds"\nmaxjobs=10\nfeeds() {{\n{rows}\n}}\n')
    env = _env(place, **more)
    env["PATH"] = f"{binary.parent}:{env.get('PATH', '')}"

    def stored() -> int:
        return sum(path.read_bytes().count(b"\n") for path in (place / "feeds").iterdir())

    return Peer(
        name="sfeed",
        feeds=len(urls),
        conditional=False,
        command=[binary, place / "sfeedrc"],
        env=env,
        place=place,
        stored=stored,
    )


PREPARE: Mapping[str, Callable[[Path, Path, Sequence[str]], Peer]] = {
    "reader": _reader,
    "rss2email": _rss2email,
    "newsboat": _newsboat,
    "sfeed": _sfeed,
    "feed2exec": _feed2exec,
}
