"""What holds for every command: help, examples, exit codes, and how little is imported."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import monitor
from monitor.cli import app
from monitor.cli.command import _expected
from monitor.cli.session import find_config
from monitor.errors import MonitorError, StoreBusy, UsageError

HEAVY = (
    "httpx", "sqlalchemy", "pydantic", "apscheduler", "feedparser", "jinja2", "nh3", "aiosmtplib", "structlog", "lark", "re2",
    "monitor.language.inflection",
)  # fmt: skip


def _commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name), command


ROOT: Any = typer.main.get_command(app)
COMMANDS = dict(_commands(ROOT))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_of_every_command_runs_and_says_what_it_does_with_an_example(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert f"Example: monitor {' '.join(path)}" in result.stdout
    assert COMMANDS[path].help


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_the_example_of_every_command_is_a_command_line_that_parses(path: tuple[str, ...]) -> None:
    words = shlex.split(COMMANDS[path].epilog.removeprefix("Example: monitor "))
    assert tuple(words[: len(path)]) == path
    COMMANDS[path].make_context(path[-1], words[len(path) :]).close()


def test_all_commands_that_the_product_promises_are_there() -> None:
    promised = """run once check init reload status pause resume test-alert replay backtest explain
        feeds list|add|remove|check|poll|import-opml|export-opml   watches list|add|remove|test|explain|format   gazetteer find|show   reports list|show
        stories list|show   alerts list|show   deliveries list|show|retry   channels list|test   config show|schema"""
    words = promised.split()
    wanted = set()
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if "|" in after:
            wanted |= {(word, name) for name in after.split("|")}
        elif "|" not in word:
            wanted.add((word,))
    assert wanted == set(COMMANDS)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_an_unknown_option_is_wrong_usage(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*path, "--no-such-option"])
    assert result.exit_code == 2
    assert not result.stdout
    assert "--no-such-option" in result.stderr


def test_an_unknown_command_is_wrong_usage() -> None:
    result = CliRunner().invoke(app, ["feeds", "polish"])
    assert result.exit_code == 2
    assert "polish" in result.stderr


def test_the_version_is_printed() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"monitor {monitor.__version__}\n"


def test_the_command_line_imports_nothing_heavy_before_a_command_needs_it() -> None:
    script = f"import sys, monitor.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_configuration_is_the_one_named_then_the_environments_then_the_first_found(tmp_path: Any) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    second.mkdir()
    (second / "monitor.yaml").touch()
    assert find_config(first, {"MONITOR_CONFIG": "x"}, (second,)) == first
    assert str(find_config(None, {"MONITOR_CONFIG": "x"}, (second,))) == "x"
    assert find_config(None, {}, (first, second)) == second
    with pytest.raises(UsageError, match="monitor init DIR"):
        find_config(None, {}, (first,))


def test_without_any_configuration_a_command_says_what_to_do(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MONITOR_CONFIG", raising=False)
    result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 2
    assert "--config DIR" in result.stderr


def test_errors_of_concurrent_work_are_told_only_when_all_are_expected() -> None:
    expected = StoreBusy("another service holds it")
    assert _expected(ExceptionGroup("", [ExceptionGroup("", [expected])])) is expected
    assert _expected(ExceptionGroup("", [expected, ValueError("a defect")])) is None


def test_debug_shows_where_an_error_came_from(tmp_path: Any) -> None:
    result = CliRunner().invoke(app, ["--debug", "--config", str(tmp_path / "none"), "status"])
    assert isinstance(result.exception, MonitorError)
    plain = CliRunner().invoke(app, ["--config", str(tmp_path / "none"), "status"])
    assert isinstance(plain.exception, SystemExit)
    assert "is not a folder" in plain.stderr
