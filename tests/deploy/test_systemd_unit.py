"""The systemd unit: as strict as it says, without cutting off what the service needs, and true to what the service does."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer

from monitor.cli import app
from monitor.cli.command import MISUSE
from monitor.service.app import DRAIN, TICK

DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT = DEPLOY / "monitor.service"
ANALYZE = shutil.which("systemd-analyze")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

with_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed here")


def settings() -> dict[str, list[str]]:
    """Return the unit's values by key, in order."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith(("#", ";")):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    assert ANALYZE is not None
    return subprocess.run([ANALYZE, *words], capture_output=True, text=True, timeout=30, check=False)


# --- hardening --------------------------------------------------------------------------------------------------------


@with_systemd
def test_the_exposure_is_below_two_and_written_down() -> None:
    said = analyze("security", "--offline=true", "--no-pager", str(UNIT)).stdout
    score = re.search(r"Overall exposure level for monitor.service: ([\d.]+)", said)
    assert score, said
    assert float(score[1]) < 2.0
    version = analyze("--version").stdout.split()[1]
    if f"(systemd {version})" in UNIT.read_text(encoding="utf-8"):  # other versions weigh other things
        assert f"overall exposure {score[1]} OK" in UNIT.read_text(encoding="utf-8")


@with_systemd
def test_systemd_knows_every_line_of_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "monitor.service"
    unit.write_text(
        re.sub(r"^ExecStart=.*", "ExecStart=/bin/true", UNIT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    said = analyze("verify", "--man=no", str(unit))
    assert (said.returncode, said.stderr) == (0, "")


SEEN = """
    accept4 access arch_prctl bind brk chmod clone3 close close_range connect dup2 epoll_create1 epoll_ctl epoll_wait execve
    exit exit_group fcntl fdatasync flock ftruncate futex getcwd getdents64 geteuid getpeername getpid getrandom getrusage
    getsockname getsockopt gettid getuid ioctl kill listen listxattr lseek madvise mkdir mmap mprotect mremap munmap newfstatat
    openat pipe2 poll pread64 prlimit64 pwrite64 read readlink recvfrom rmdir rseq rt_sigaction rt_sigprocmask sendfile sendto
    set_robust_list set_tid_address setsid setsockopt socket socketpair sysinfo umask uname unlink unlinkat utimensat vfork
    wait4 write"""
"""System calls of a replay (service, parse workers, publishers and inbox) under `strace -f`, x86-64, Python 3.11. Without fchown, which
only root needs. No mapping in it was writable and executable, so MemoryDenyWriteExecute takes nothing away."""


def _groups() -> dict[str, set[str]]:
    groups: dict[str, set[str]] = {}
    name = ""
    for line in analyze("syscall-filter", "--no-pager").stdout.splitlines():
        if line.startswith("@"):
            name = line.strip()
            groups[name] = set()
        elif name and line.startswith("    ") and not line.strip().startswith("#"):
            groups[name].add(line.strip())
    return groups


def _calls(word: str, groups: dict[str, set[str]]) -> set[str]:
    return set().union(*(_calls(inner, groups) for inner in groups[word])) if word.startswith("@") else {word}


@with_systemd
def test_the_filter_lets_through_all_that_the_service_was_seen_to_call() -> None:
    groups, allowed = _groups(), set[str]()
    for line in settings()["SystemCallFilter"]:
        named = set().union(*(_calls(word, groups) for word in line.removeprefix("~").split()))
        allowed = allowed - named if line.startswith("~") else allowed | named
    assert {*SEEN.split(), "setrlimit"} <= allowed
    assert not {"mount", "ptrace", "setuid", "chown", "reboot", "init_module"} & allowed


# --- what it says about the service -----------------------------------------------------------------------------------


def test_the_start_command_is_one_of_ours() -> None:
    (line,) = settings()["ExecStart"]
    program, name, *words = shlex.split(line)
    assert program == "/opt/monitor/bin/monitor"
    commands: Any = typer.main.get_command(app)
    commands.commands[name].make_context(name, words).close()


def test_the_times_leave_the_service_room() -> None:
    unit = settings()
    assert int(unit["TimeoutStopSec"][0]) > DRAIN.total_seconds()
    assert timedelta(seconds=int(unit["WatchdogSec"][0])) > 10 * TICK
    assert unit["Type"] == ["notify"]
    assert unit["NotifyAccess"] == ["main"]


def test_a_wrong_configuration_is_not_started_again_and_all_else_is() -> None:
    unit = settings()
    assert unit["Restart"] == ["always"]
    assert unit["RestartPreventExitStatus"] == [str(MISUSE)]


def test_the_command_for_administrators_means_the_installed_service(tmp_path: Path) -> None:
    script = tmp_path / "monitor"
    script.write_text((DEPLOY / "monitor.sh").read_text().replace("/opt/monitor/bin/monitor", "/usr/bin/env"))
    said = subprocess.run(["sh", script], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True)
    assert "MONITOR_CONFIG=/etc/monitor\n" in said.stdout
    assert "STATE_DIRECTORY=/var/lib/monitor\n" in said.stdout
    named = re.findall(r"LoadCredential=[\w-]+:(\S+)/", UNIT.read_text(encoding="utf-8"))
    assert [f"CREDENTIALS_DIRECTORY={place}\n" in said.stdout for place in named] == [True, True]
    assert (DEPLOY / "monitor.sh").stat().st_mode & 0o111


# --- the service under it ---------------------------------------------------------------------------------------------


class Manager:
    """What systemd is to a service: directories, credentials, a notify socket, signals."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(place / "notify"))
        self._socket.settimeout(20)
        self.process: subprocess.Popen[bytes] | None = None
        for name in ("config", "state", "credentials"):
            (place / name).mkdir()
        (place / "credentials/webhook-secret").write_text(f"{SECRET}\n")
        self.write("monitor.yaml", "situation: {id: kz, name: Kazakhstan}\nhttp: {listen: none}\nchannels:\n  hook: {kind: webhook, "
                   "url: https://hooks.example/m, secret_file: '${CREDENTIALS_DIRECTORY}/webhook-secret'}\n")  # fmt: skip
        self.write(
            "feeds.yaml", "feeds:\n- {id: a, name: A, url: https://a.example/rss, enabled: false, reason: a test}\n"
        )
        self.write("watches.yaml", "watches:\n- {name: w, any: [word]}\n")

    def write(self, name: str, text: str) -> None:
        (self.place / "config" / name).write_text(text)

    def start(self) -> None:
        with (self.place / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "monitor", "run", "--config", str(self.place / "config")],
                cwd=self.place / "state",
                stdout=log,
                stderr=log,
                env={
                    "PATH": os.environ["PATH"],
                    "NOTIFY_SOCKET": str(self.place / "notify"),
                    "STATE_DIRECTORY": str(self.place / "state"),
                    "CREDENTIALS_DIRECTORY": str(self.place / "credentials"),
                },
            )

    def hear(self, word: str) -> None:
        """Wait until the service says so."""
        while word not in self._socket.recv(4096).decode().splitlines():
            pass

    def kill(self, number: signal.Signals) -> None:
        assert self.process
        self.process.send_signal(number)

    def ended(self) -> int:
        assert self.process
        return self.process.wait(timeout=20)

    def log(self) -> str:
        return (self.place / "log").read_text(encoding="utf-8")

    def close(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(tmp_path)
    yield made
    made.close()


def test_the_service_tells_its_manager_that_it_is_ready_alive_reloading_and_stopping(manager: Manager) -> None:
    manager.start()
    manager.hear("READY=1")
    manager.hear("WATCHDOG=1")
    manager.kill(signal.SIGHUP)
    manager.hear("RELOADING=1")
    manager.hear("READY=1")
    manager.hear("WATCHDOG=1")
    manager.kill(signal.SIGTERM)
    manager.hear("STOPPING=1")
    assert manager.ended() == 0
    assert (manager.place / "state/monitor.db").exists()
    assert SECRET not in manager.log()


def test_a_wrong_configuration_ends_the_service_with_the_code_that_the_unit_waits_for(manager: Manager) -> None:
    manager.write("watches.yaml", "watches:\n- {name: w, any: [word], frobnicate: 1}\n")
    manager.start()
    assert manager.ended() == MISUSE
    assert "frobnicate" in manager.log()
    assert not (manager.place / "state/monitor.db").exists()
