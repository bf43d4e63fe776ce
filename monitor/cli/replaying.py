"""`monitor replay`: a recorded situation through the real service."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli import output
from monitor.cli.command import FAULT, Json, command
from monitor.cli.session import Session
from monitor.errors import UsageError

if TYPE_CHECKING:
    from monitor.replay.child import Control

OUT = Path("replay-out")


def register(app: typer.Typer) -> None:
    """Add the command to the top level."""
    command(app, "replay", example="monitor replay config/scenarios/january-2022.yaml --as-fast-as-possible")(replay)


def replay(
    session: Session,
    scenario: Annotated[Path, typer.Argument(metavar="SCENARIO.yaml", help="What to play.", show_default=False)],
    speed: Annotated[
        float | None,
        typer.Option("--speed", min=0.001, help="Seconds of the scenario per second.", show_default=False),
    ] = None,
    fast: Annotated[
        bool, typer.Option("--as-fast-as-possible", help="As fast as the service works (the default).")
    ] = False,
    start: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Begin with this day or time.", show_default=False)
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="End with this day or time.", show_default=False)
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where mails, webhooks and the log go.")] = OUT,
    kills: Annotated[
        int, typer.Option("--kills", min=0, max=100_000, help="Kill the service so often on the way (kill -9).")
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", help="Of the moments of these kills.")] = 1,
    as_json: Json = False,
) -> None:
    """Play a recorded situation through the real service on a virtual clock, and account for every report.

    Local publishers show feeds as the scenario says, a local inbox takes the mails and webhooks. Nothing leaves this
    machine. Exit code 1 when something was lost or told twice.
    """
    if speed is not None and fast:
        raise UsageError("choose one: --speed N or --as-fast-as-possible")
    from monitor.replay.play import ReplayOptions
    from monitor.replay.play import replay as play
    from monitor.replay.view import make_view

    options = ReplayOptions(
        scenario=scenario,
        config_dir=session.config_dir,
        out=out,
        start=_day_or_time(start),
        end=_day_or_time(end),
        speed=speed,
        kills=kills,
        seed=seed,
    )
    result = asyncio.run(play(options, view=make_view(as_json=as_json), connect=_connect))
    if as_json:
        output.show_json(result.as_json())
    if result.failed:
        raise typer.Exit(FAULT)


async def _connect(data_dir: Path) -> Control:
    from monitor.service.control import ControlClient, socket_path

    return await ControlClient.connect(socket_path(data_dir))


def _day_or_time(text: str | None) -> date | datetime | None:
    """Return a plain date as a date (a whole day of the scenario), anything longer as a time."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text) if len(text) == len("2022-01-02") else datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"`{text}` is no day and no time: write 2022-01-02 or 2022-01-02T12:00+06:00") from None
