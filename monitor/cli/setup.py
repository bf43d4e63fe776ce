"""Writing, checking and showing a configuration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli import output
from monitor.cli.command import MISUSE, Json, command, group
from monitor.cli.session import Session
from monitor.errors import Mistake, UsageError

config_app = group("The configuration in effect, and its JSON Schema for editors.")


def register(app: typer.Typer) -> None:
    """Add the commands to the top level."""
    command(app, "init", example="monitor init my-situation")(init)
    command(app, "check", example="monitor check --config config")(check)
    app.add_typer(config_app, name="config")


def init(
    session: Session,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write into.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Write a complete starter configuration, ready for Kazakhstan, into a folder. Existing files are never touched."""
    del session  # there may be no configuration yet
    from monitor.settings import write_starter

    written = write_starter(folder)
    if as_json:
        output.show_json({"folder": folder.absolute(), "files": written})
        return
    output.show(f"Wrote {output.count(len(written), 'file')} to {folder}.")
    output.say(
        f"Next: `monitor check --config {folder}`, then `monitor run --config {folder}`. Without a channel of your own, alerts "
        "go to the console and to alerts.jsonl in the data directory."
    )


def check(session: Session, as_json: Json = False) -> None:
    """Check the whole configuration, templates too, and list every mistake with file and line. Uses no network."""
    from monitor.alerts.render import check_templates
    from monitor.settings.load import examine

    folder = session.config_dir
    settings, mistakes = examine(folder, environ=os.environ, check_templates=check_templates)
    if as_json:
        output.show_json(
            {"folder": folder.absolute(), "ok": not mistakes, "mistakes": [_shape(each) for each in mistakes]}
        )
    elif settings is None:
        output.show(*map(str, mistakes))
        output.say(f"{output.count(len(mistakes), 'mistake')} in {folder}; nothing was started or changed.")
    else:
        enabled = sum(feed.enabled for feed in settings.feeds)
        output.show(
            f"{folder} is fine: {enabled} of {output.count(len(settings.feeds), 'feed')} enabled, "
            f"{output.count(len(settings.watches), 'watch', 'watches')}, {output.count(len(settings.channels), 'channel')}, "
            f"{output.count(len(settings.routes), 'route')}."
        )
    if mistakes:
        raise typer.Exit(MISUSE)


@command(config_app, "show", example="monitor config show --json")
def show_config(session: Session, as_json: Json = False) -> None:
    """Show the configuration in effect, defaults filled in. Passwords and tokens are shown as ***."""
    from monitor.settings import show

    values = show(session.settings())
    if as_json:
        output.show_json(values)
        return
    single = {key: value for key, value in values.items() if not isinstance(value, list)}
    output.show(output.facts((key, value) for key, value in single.items()))
    for key, rows in values.items():
        if isinstance(rows, list):
            output.show(output.heading(f"{key} ({len(rows)})"))
            output.show(output.facts(_row(row) for row in rows))


@command(config_app, "schema", example="monitor config schema feeds.yaml")
def show_schema(
    session: Session,
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="[FILE]", help="monitor.yaml, feeds.yaml or watches.yaml (default: all).", show_default=False
        ),
    ] = None,
) -> None:
    """Print the JSON Schema of the configuration files: an editor then completes keys and marks mistakes."""
    del session  # the schema is the program's, not a configuration's
    from monitor.settings import json_schema

    schemas = json_schema()
    if file is None:
        output.show_json(schemas)
        return
    if file not in schemas:
        raise UsageError(f"there is no schema for `{file}`: choose from {', '.join(schemas)}")
    output.show_json(schemas[file])


def _shape(mistake: Mistake) -> dict[str, object]:
    return {"file": mistake.file, "line": mistake.line, "message": mistake.message, "instead": mistake.instead}


def _row(row: object) -> tuple[str, str]:
    """Return a feed, watch, channel or route as its name and the rest of its values that are set."""
    if not isinstance(row, dict):
        return "", str(row)
    values = dict(row)
    name = str(values.pop("id", None) or values.pop("name", ""))
    return name, ", ".join(f"{key}={_value(value)}" for key, value in values.items() if value not in (None, [], {}, ""))


def _value(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_value(item)}" for key, item in value.items() if item is not None) + "}"
    return str(value)
