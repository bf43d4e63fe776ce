"""The container files, without an engine: they name what exists, and the health check tells whether the service runs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from monitor.cli import app
from monitor.service.app import DRAIN
from monitor.settings import load
from monitor.settings.files import HttpRow

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CONTAINERFILE = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
INSTRUCTIONS = [
    tuple(line.split(None, 1))
    for line in re.sub(r"\\\n", " ", CONTAINERFILE).splitlines()
    if line and not line.startswith("#")
]
COMMANDS: Any = typer.main.get_command(app)


def values(word: str) -> list[str]:
    return [rest for name, rest in INSTRUCTIONS if name == word]


def compose(name: str) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(DEPLOY / name)
    return found


def test_everything_that_is_copied_into_the_image_exists() -> None:
    sources = [part for line in values("COPY") if "--from" not in line for part in line.split()[:-1]]
    assert {"requirements.lock", "pyproject.toml", "monitor", "config"} <= set(sources)
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_the_image_holds_what_the_lock_file_allows_and_nothing_else() -> None:
    installs = [line for line in values("RUN") if "pip install" in line]
    assert len(installs) == 2
    assert all("--require-hashes -r requirements.lock" in line or "--no-deps --no-index" in line for line in installs)


def test_the_health_check_asks_where_the_service_listens_by_default() -> None:
    (words,) = [line for line in values("ENV") if "MONITOR_HEALTH" in line]
    shown = dict(word.split("=", 1) for word in words.split())
    assert shown["MONITOR_HEALTH"] == f"http://{HttpRow().listen}/healthz"


def test_the_process_is_not_root_and_is_stopped_as_it_expects() -> None:
    assert values("USER") == ["10001:10001"]
    assert values("STOPSIGNAL") == ["SIGTERM"]
    assert values("VOLUME") == ["/data"]
    assert INSTRUCTIONS[-1][0] == "CMD"


def test_the_image_and_the_services_run_commands_of_ours() -> None:
    assert json.loads(values("ENTRYPOINT")[0]) == ["monitor"]
    for words in (json.loads(values("CMD")[0]), compose("compose.yaml")["services"]["monitor"]["command"]):
        COMMANDS.commands[words[0]].make_context(words[0], list(words[1:])).close()


def test_the_container_is_closed_and_has_time_to_stop() -> None:
    service = compose("compose.yaml")["services"]["monitor"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert any(mount.startswith("/tmp") for mount in service["tmpfs"])
    assert "./config:/config:ro" in service["volumes"]
    assert "data:/data" in service["volumes"]
    assert int(service["stop_grace_period"].removesuffix("s")) > DRAIN.total_seconds()
    assert "data" in compose("compose.yaml")["volumes"]
    assert "ports" not in service


def test_the_override_for_postgresql_gives_the_address_that_the_configuration_asks_for(tmp_path: Path) -> None:
    override = compose("compose.postgres.yaml")
    monitor, db = override["services"]["monitor"], override["services"]["db"]
    assert monitor["depends_on"]["db"]["condition"] == "service_healthy"
    assert db["image"] == "postgres:16"
    assert db["healthcheck"]["test"][:2] == ["CMD", "pg_isready"]
    url = re.sub(r"\$\{DB_PASSWORD:\?[^}]*\}", "abc123", monitor["environment"]["MONITOR_STORE_URL"])
    assert url == f"postgresql://{db['environment']['POSTGRES_USER']}:abc123@db/{db['environment']['POSTGRES_DB']}"
    tmp_path.joinpath("monitor.yaml").write_text(
        "situation: {id: kz, name: Kazakhstan}\nstore:\n  url: ${MONITOR_STORE_URL}\n"
    )
    tmp_path.joinpath("feeds.yaml").write_text("feeds:\n- {id: a, name: A, url: https://a.example/rss}\n")
    tmp_path.joinpath("watches.yaml").write_text("watches:\n- {name: w, any: [word]}\n")
    assert load(tmp_path, environ={"MONITOR_STORE_URL": url}).store_url == url
    assert "url: ${MONITOR_STORE_URL}" in (DEPLOY / "compose.postgres.yaml").read_text(encoding="utf-8")


# --- the health check -------------------------------------------------------------------------------------------------


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """What a process in the container sees: a configuration, a data directory, `monitor` and `python` on the path."""
    config = tmp_path / "config"
    config.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    config.joinpath("monitor.yaml").write_text(
        f"situation: {{id: kz, name: Kazakhstan}}\nhttp: {{listen: '{listen}'}}\n"
    )
    config.joinpath("feeds.yaml").write_text(
        "feeds:\n- {id: a, name: A, url: https://a.example/rss, enabled: false, reason: a test}\n"
    )
    config.joinpath("watches.yaml").write_text("watches:\n- {name: w, any: [word]}\n")
    (tmp_path / "data").mkdir()
    programs = tmp_path / "bin"
    programs.mkdir()
    programs.joinpath("monitor").write_text(f'#!/bin/sh\nexec {sys.executable} -m monitor "$@"\n')
    programs.joinpath("python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    return {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "MONITOR_CONFIG": str(config),
        "STATE_DIRECTORY": str(tmp_path / "data"),
        "MONITOR_HEALTH": f"http://{listen}/healthz",
        "http_proxy": "http://127.0.0.1:9",
    }


def healthy(environ: dict[str, str]) -> bool:
    command = values("HEALTHCHECK")[0].partition("CMD ")[2]
    return (
        subprocess.run(["sh", "-c", command], env=environ, capture_output=True, timeout=30, check=False).returncode == 0
    )


@contextlib.contextmanager
def running(environ: dict[str, str]) -> Iterator[None]:
    """Run the image's command until its log says `ready`."""
    words = [*json.loads(values("ENTRYPOINT")[0]), *json.loads(values("CMD")[0])]
    with subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout
            assert any("ready" in line for line in process.stdout)
            yield
        finally:
            process.terminate()
            process.communicate(timeout=20)


def test_the_health_check_succeeds_while_the_service_runs_and_only_then(environ: dict[str, str]) -> None:
    assert not healthy(environ)
    with running(environ):
        assert healthy(environ)
        assert not healthy(environ | {"MONITOR_HEALTH": environ["MONITOR_HEALTH"] + "/else"})
