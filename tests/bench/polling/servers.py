"""The publishers: one nginx with one worker on loopback, each feed on an address (so: a host) of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

CONFIG = """
daemon off; {user}worker_processes 1; worker_rlimit_nofile 8192; pid {place}/nginx.pid; error_log {place}/error.log;
events {{ worker_connections 4096; }}
http {{
  log_format bench '$msec $request_time $uri $status $request_length $body_bytes_sent "$http_user_agent" "$http_if_none_match"';
  access_log {place}/access.log bench;
  client_body_temp_path {place}/t1; proxy_temp_path {place}/t2; fastcgi_temp_path {place}/t3;
  uwsgi_temp_path {place}/t4; scgi_temp_path {place}/t5;
  default_type application/xml; gzip off; sendfile on; keepalive_timeout 3s; {validators}
  server {{
    listen 0.0.0.0:{port} backlog=4096; allow 127.0.0.0/8; deny all; root {place}/www;
    location /gzipped/ {{ add_header Content-Encoding gzip; }}
  }}
}}
"""
"""Listens on every address because 127.0.0.0/8 cannot be named as one; answers only those who come from it. Connections are held
for 3 s: polls are minutes apart, so none of them may find the one before still open."""

WITH, WITHOUT = "etag on;", 'etag off; if_modified_since off; add_header Last-Modified "";'


def address(number: int, net: int = 1) -> str:
    """Return the loopback address of a feed; each `net` has room for 62,500."""
    return f"127.{net}.{number // 250}.{number % 250 + 1}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One line of the log."""

    start: float
    uri: str
    status: int
    length: int
    """Bytes of the request: two clients that send the same headers send the same number."""
    agent: str
    conditional: bool


class Nginx:
    """Started on the first free port found; its directory is `place/www`."""

    def __init__(self, place: Path) -> None:
        self.place, self.www, self._log = place, place / "www", place / "access.log"
        self.www.mkdir(parents=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._write(WITH)
        self._process = subprocess.Popen(["nginx", "-c", place / "nginx.conf", "-p", place])
        self._until(lambda head: "etag" in head)

    def url(self, number: int, net: int = 1, name: str | None = None) -> str:
        return f"http://{address(number, net)}:{self.port}/{name or f'f{net}-{number:05}.xml'}"

    def put(self, name: str, body: bytes) -> None:
        """Publish a document in one step."""
        fresh = self.www / f".{name.replace('/', '_')}"
        fresh.write_bytes(body)
        target = self.www / name
        target.parent.mkdir(exist_ok=True)
        fresh.rename(target)

    def validators(self, *, on: bool) -> None:
        """Send ETag and Last-Modified from now on, or neither."""
        self._write(WITH if on else WITHOUT)
        self._process.send_signal(signal.SIGHUP)
        self._until(lambda head: ("etag" in head) is on and ("last-modified" in head) is on)

    def mark(self) -> int:
        """Return where the log stands."""
        return self._log.stat().st_size

    def requests(self, since: int, names: Iterable[str] | None = None) -> list[Request]:
        """Return what was asked since a mark; `names` leaves out other documents."""
        wanted = None if names is None else {f"/{name}" for name in names}
        with self._log.open("rb") as log:
            log.seek(since)
            lines = log.read().decode("utf-8", "replace").splitlines()
        return [each for each in map(_request, lines) if wanted is None or each.uri in wanted]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _write(self, validators: str) -> None:
        user = "" if os.geteuid() else "user root; "  # else its worker could not enter our temporary directory
        text = CONFIG.format(place=self.place, port=self.port, user=user, validators=validators)
        (self.place / "nginx.conf").write_text(text)

    def _until(self, fits: Callable[[set[str]], bool]) -> None:
        """Wait until new connections are answered as configured (an old worker may still accept for a moment)."""
        self.put("probe.xml", b"<rss/>")
        seen, ends = 0, time.monotonic() + 20
        while seen < 5:
            if self._process.poll() is not None:
                raise SystemExit(f"nginx ended: {(self.place / 'error.log').read_text()[-500:]}")
            if time.monotonic() > ends:
                raise SystemExit("nginx does not answer as configured")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/probe.xml", timeout=5) as answer:
                    head = {name.lower() for name, value in answer.headers.items() if value}
                seen = seen + 1 if fits(head) else 0
            except OSError:
                seen = 0
            if not seen:
                time.sleep(0.05)


def _request(line: str) -> Request:
    first, agent, _, condition, *_ = line.split('"')
    msec, spent, uri, status, length, _ = first.split()
    return Request(
        start=float(msec) - float(spent),
        uri=uri,
        status=int(status),
        length=int(length),
        agent=agent,
        conditional=condition != "-",
    )


def is_there() -> bool:
    """Tell whether nginx can be started here."""
    return any(os.access(Path(folder) / "nginx", os.X_OK) for folder in os.environ.get("PATH", "").split(os.pathsep))
