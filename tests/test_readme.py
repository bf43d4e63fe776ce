"""The README and deploy/ say what is so: every command parses, every key exists, and the receiver checks signatures."""

from __future__ import annotations

import asyncio
import base64
import re
import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from support.alerting import delivery
from support.http_server import FakeServer, reply

from monitor.channels.webhook import WebhookChannel, WebhookOptions
from monitor.cli import app
from monitor.net.client import Http
from monitor.settings import check, json_schema, load

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DEPLOYING = (ROOT / "deploy/README.md").read_text(encoding="utf-8")
TOP: Any = typer.main.get_command(app)

USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]
"""What the parser raises for any wrong command line; typer brings its own."""

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


# --- commands ---------------------------------------------------------------------------------------------------------


def command_lines() -> Iterator[str]:
    """Yield the command lines of the shell blocks, as they would be typed."""
    for line in "".join(blocks(README, "sh") + blocks(DEPLOYING, "sh")).splitlines():
        for found in re.finditer(
            r"(?:^|&& |exec monitor )monitor (?P<typed>[^&]+)|situation-monitor:\S+ (?P<run>\w.*)", line
        ):
            yield found["typed"] or found["run"]


def mentions() -> Iterator[str]:
    """Yield the commands that stand in running text."""
    for text in (README, DEPLOYING, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")):
        prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
        yield from (found.removeprefix("monitor ") for found in re.findall(r"`(monitor [^`]+)`", prose))


def parse(line: str) -> None:
    """Walk the command line as typer would; a `USAGE_ERROR` says what is wrong."""
    words, command = shlex.split(line, comments=True), TOP
    while hasattr(command, "commands"):
        if not words:
            return  # a group, named as such
        name = words.pop(0)
        if name not in command.commands:
            raise USAGE_ERROR(f"there is no command {name!r}")
        command = command.commands[name]
    command.make_context(command.name, words).close()


@pytest.mark.parametrize("line", sorted(set(command_lines())))
def test_every_command_line_in_the_documents_parses(line: str) -> None:
    parse(line)


@pytest.mark.parametrize("line", sorted(set(mentions())))
def test_every_command_mentioned_in_the_documents_exists(line: str) -> None:
    try:
        parse(line)
    except typer.BadParameter as error:
        if "Missing parameter" not in str(error):  # the sentence may be about the command, without its arguments
            raise


def test_a_command_that_does_not_exist_would_be_noticed() -> None:
    for wrong in ("frobnicate", "feeds frobnicate", "status --frobnicate"):
        with pytest.raises(USAGE_ERROR):
            parse(wrong)


def test_the_table_of_commands_is_complete() -> None:
    documented = {tuple(line.split()) for line in mentions()}

    def leaves(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        for name, command in group.commands.items():
            yield from leaves(command, (*path, name)) if hasattr(command, "commands") else [(*path, name)]

    missing = [path for path in leaves(TOP) if not any(line[: len(path)] == path for line in documented)]
    assert missing == []


def test_every_make_target_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README + DEPLOYING, re.MULTILINE))
    assert {"demo", "test", "run", "wheel"} <= named
    assert named <= targets


# --- configuration ----------------------------------------------------------------------------------------------------


def documented() -> dict[str, dict[str, str]]:
    """Return the defaults by key of every table of the reference, by its heading."""
    part = README[README.index("## Configuration") : README.index("## Commands")]
    tables: dict[str, dict[str, str]] = {}
    for heading, body in re.findall(r"^#{4,5} `([^`]+)`\n(.*?)(?=^#|\Z)", part, re.DOTALL | re.MULTILINE):
        tables[heading] = {
            key: default.strip(" `")
            for keys, default in re.findall(r"^\| (`[^|]+) \|([^|]*)\|", body, re.MULTILINE)
            for key in re.findall(r"`([^`]+)`", keys)
        }
    return tables


def existing() -> dict[str, dict[str, Any]]:
    """Return the schema of every section and row, by the same headings."""
    schema = json_schema()
    sections = schema["monitor.yaml"]["properties"]
    channels = sections["channels"]["anyOf"][0]["additionalProperties"]["oneOf"]
    return {
        **{name: sections[name] for name in ("situation", "store", "service", "polling", "http", "defaults")},
        **{f"kind: {channel['title']}": channel for channel in channels},
        "routes": sections["routes"]["anyOf"][0]["additionalProperties"],
        "feeds": schema["feeds.yaml"]["properties"]["feeds"]["anyOf"][0]["items"],
        "watches": schema["watches.yaml"]["properties"]["watches"]["anyOf"][0]["items"],
    }


DOCUMENTED, EXISTING = documented(), existing()


def test_every_section_is_documented_and_every_documented_one_exists() -> None:
    sections = set(json_schema()["monitor.yaml"]["properties"])
    assert set(DOCUMENTED) == set(EXISTING) | sections


@pytest.mark.parametrize("section", EXISTING)
def test_the_documented_keys_are_those_that_exist(section: str) -> None:
    assert sorted(DOCUMENTED[section]) == sorted(EXISTING[section]["properties"])


@pytest.mark.parametrize("section", EXISTING)
def test_what_is_needed_is_said_to_be_needed(section: str) -> None:
    schema = EXISTING[section]
    either = {name for one in schema.get("allOf", []) for way in one["anyOf"] for name in way["required"]}
    needed = {key for key, default in DOCUMENTED[section].items() if default == "needed"}
    assert needed == set(schema.get("required", [])) | either


@pytest.mark.parametrize("section", EXISTING)
def test_the_documented_defaults_are_the_real_ones(section: str) -> None:
    spans = {"PT1S": "1s", "PT1M": "1m", "PT2M": "2m", "PT5M": "5m", "P1D": "24h", "P1Y35D": "400d"}
    severities = {"min_severity": "info", "severity": "notice"}
    for key, schema in EXISTING[section]["properties"].items():
        default = severities.get(key, schema.get("default"))
        if default in (None, [], {}):
            continue
        shown = f"[{', '.join(default)}]" if isinstance(default, list) else str(default)
        assert DOCUMENTED[section][key] == spans.get(shown, shown.lower() if isinstance(default, bool) else shown), key


@pytest.mark.parametrize("example", blocks(README, "yaml"), ids=["channels and routes", "pushes", "watches"])
def test_every_example_is_a_configuration_without_mistakes(tmp_path: Path, example: str) -> None:
    of_watches = "\nwatches:" in example
    settings = "" if of_watches else example
    watches = example if of_watches else "watches:\n- {name: w, any: [word]}\n"
    tmp_path.joinpath("monitor.yaml").write_text(
        f"situation: {{id: kz, name: Kazakhstan}}\n{settings}", encoding="utf-8"
    )
    tmp_path.joinpath("feeds.yaml").write_text("feeds:\n- {id: a, name: A, url: https://a.example/rss}\n")
    tmp_path.joinpath("watches.yaml").write_text(watches, encoding="utf-8")
    tmp_path.joinpath("gazetteer").symlink_to(ROOT / "config/gazetteer")
    assert check(tmp_path, environ={"SMTP_PASSWORD": "x", "WEBHOOK_SECRET": SECRET}) == ()


def test_the_secrets_that_deploying_names_are_keys_of_their_channels() -> None:
    named = re.findall(r"(\w+_file): \$\{CREDENTIALS_DIRECTORY\}/", DEPLOYING)
    keys = {key for schema in EXISTING.values() for key in schema["properties"]}
    assert {"password_file", "secret_file", "url_file"} == set(named)
    assert set(named) <= keys


def test_the_starter_holds_as_many_feeds_and_watches_as_the_readme_says() -> None:
    settings = load(ROOT / "config", environ={})
    assert f"{len(settings.feeds)} feeds" in README
    assert len(settings.watches) == 10
    assert "ten watches" in README


# --- the rest ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["README.md", "deploy/README.md"])
def test_every_link_inside_the_project_leads_somewhere(name: str) -> None:
    file = ROOT / name
    links = re.findall(r"\]\(([^)#]+)\)", file.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (file.parent / link).exists()] == []


def test_every_folder_in_the_readme_exists() -> None:
    table = README[README.index("## Where to look") :]
    named = re.findall(r"`([a-z_/]+(?:\.py|/))`", table)
    assert "monitor/pipeline/" in named
    assert [name for name in named if not (ROOT / name).exists()] == []


# --- the receiver -----------------------------------------------------------------------------------------------------


def receiver() -> Any:
    """Return the README's function, with a secret in the place of the dots."""
    (source,) = blocks(README, "python")
    assert source.count("whsec_...") == 1
    space: dict[str, Any] = {}
    exec(compile(source.replace("whsec_...", SECRET), "README.md", "exec"), space)
    return space["receive"]


def signed() -> tuple[dict[str, str], bytes]:
    """Return headers and body of a request that the webhook channel really made."""

    async def run() -> tuple[dict[str, str], bytes]:
        http = Http()
        try:
            async with FakeServer() as server:
                server.on("/hook", reply(204))
                options = WebhookOptions.model_validate({"url": server.url("/hook"), "secret": SECRET})
                channel = WebhookChannel("hook", options, http)
                await channel.send(delivery(channel), now=datetime.now(UTC))
                (request,) = server.requests
                return {name: request.header(name) or "" for name in request.names()}, request.body
        finally:
            await http.aclose()

    return asyncio.run(run())


def test_the_receiver_takes_a_signed_message_and_tells_it_once(capsys: pytest.CaptureFixture[str]) -> None:
    receive, (headers, body) = receiver(), signed()
    assert (receive(headers, body), receive(headers, body)) == (204, 204)
    (told,) = capsys.readouterr().out.splitlines()
    assert "https://" in told


def _old(headers: Mapping[str, str]) -> dict[str, str]:
    before = datetime.now(UTC) - timedelta(minutes=10)
    return {**headers, "webhook-timestamp": str(int(before.timestamp()))}


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(lambda headers, body: (headers, body.replace(b"alert", b"alarm")), id="another body"),
        pytest.param(lambda headers, body: (headers, body + b" "), id="a byte more"),
        pytest.param(lambda headers, body: (headers, b"\xff\xfe"), id="no text"),
        pytest.param(lambda headers, body: (_old(headers), body), id="another time"),
        pytest.param(lambda headers, body: ({**headers, "webhook-id": "other"}, body), id="another id"),
        pytest.param(lambda headers, body: ({**headers, "webhook-signature": "v1"}, body), id="half a signature"),
        pytest.param(lambda headers, body: ({**headers, "webhook-signature": "v1,ä"}, body), id="no Base64"),
        pytest.param(lambda headers, body: ({**headers, "webhook-timestamp": "soon"}, body), id="no time"),
        pytest.param(lambda headers, body: ({}, body), id="no headers"),
    ],
)
def test_the_receiver_refuses_a_wrong_message_and_tells_nothing(
    changed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    receive, (headers, body) = receiver(), signed()
    assert receive(*changed(headers, body)) == 401
    assert capsys.readouterr().out == ""
