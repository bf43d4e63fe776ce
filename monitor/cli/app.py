"""All commands under one name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import monitor
from monitor.cli import (
    alerts,
    backtest,
    channels,
    deliveries,
    explain,
    feeds_edit,
    gazetteer,
    replaying,
    reports,
    running,
    setup,
    stories,
    watches_query,
)
from monitor.cli.command import ConfigOption, DebugOption
from monitor.cli.session import Session

EPILOG = "Exit codes: 0 fine, 1 something failed, 2 the command or the configuration is wrong."


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"monitor {monitor.__version__}")
        raise typer.Exit


VersionOption = Annotated[
    bool, typer.Option("--version", help="Print the version and end.", callback=_print_version, is_eager=True)
]


def build() -> typer.Typer:
    """Return the command line."""
    app = typer.Typer(
        name="monitor",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        epilog=EPILOG,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_top)
    running.register(app)
    setup.register(app)
    replaying.register(app)
    backtest.register(app)
    explain.register(app)
    for name, commands in (
        ("feeds", feeds_edit.app),
        ("watches", watches_query.app),
        ("gazetteer", gazetteer.app),
        ("reports", reports.app),
        ("stories", stories.app),
        ("alerts", alerts.app),
        ("deliveries", deliveries.app),
        ("channels", channels.app),
    ):
        app.add_typer(commands, name=name)
    return app


def _top(
    ctx: typer.Context,
    config: ConfigOption = None,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> None:
    """Watch feeds for new reports on a developing situation, and tell people what is new: once, in time, with its source.

    First steps: `monitor init DIR`, `monitor check`, `monitor run`; then `monitor status`.
    """
    del version  # its callback has done its work
    given: Path | None = config
    ctx.obj = Session(given=given, debug=debug)


app = build()
