"""How a command is made: its session, the options all commands share, and what an error becomes.

A command is a function that takes a `Session` first; `command()` gives it `--config` and `--debug`, an example in its help,
and turns `MonitorError` into a sentence on stderr and an exit code (0 fine, 1 fault, 2 wrong usage or configuration). A defect
of ours is no `MonitorError`: its traceback is printed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from monitor.cli import output
from monitor.cli.session import Session
from monitor.errors import MonitorError, ScenarioError, SettingsError, UsageError

FAULT, MISUSE = 1, 2

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="DIR",
        help="Folder with monitor.yaml, feeds.yaml and watches.yaml (or MONITOR_CONFIG; else ./config, else /etc/monitor).",
        show_default=False,
    ),
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show where in the program an error came from.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="Show at most so many, the newest first.")]
Since = Annotated[
    str | None, typer.Option("--since", help="Only from then on: 30m, 24h, 7d, or a date.", show_default=False)
]


def _networks(given: list[str] | None) -> list[str] | None:
    """Return networks as given; anything else is wrong usage."""
    for text in given or ():
        try:
            ip_network(text.strip())
        except ValueError:
            raise typer.BadParameter(f"`{text}` is not a network: write it like 10.0.0.0/8 or fd00::/8") from None
    return given


Networks = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-network",
        metavar="CIDR",
        help="A network of your own that the address may be in, like 10.0.0.0/8.",
        show_default=False,
        callback=_networks,
    ),
]

Function = Callable[..., None]


def group(help_text: str) -> typer.Typer:
    """Return an empty group of commands."""
    return typer.Typer(help=help_text, no_args_is_help=True, pretty_exceptions_enable=False)


def command(app: typer.Typer, name: str, *, example: str) -> Callable[[Function], Function]:
    """Register a function as a command; `example` is shown in its help and run through the parser by a test."""

    def register(function: Function) -> Function:
        app.command(name, epilog=f"Example: {example}")(_with_session(function))
        return function

    return register


def _with_session(function: Function) -> Function:
    """Return the function as typer shall see it: the session replaced by the options it is made from."""
    hints = get_type_hints(function, include_extras=True)
    own = [
        parameter.replace(annotation=hints[name])
        for name, parameter in inspect.signature(function).parameters.items()
        if hints[name] is not Session
    ]
    shared = [
        inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context),
        inspect.Parameter("shared_config", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=ConfigOption),
        inspect.Parameter("shared_debug", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=DebugOption),
    ]

    def run(**values: Any) -> None:
        ctx: typer.Context = values.pop("ctx")
        given = ctx.find_object(Session) or Session()
        config, debug = values.pop("shared_config"), values.pop("shared_debug")
        session = Session(given=config or given.given, debug=debug or given.debug)
        end(session, lambda: function(session, **values))

    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own] + shared
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # what typer reads instead of **values
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__name__, run.__doc__, run.__module__ = function.__name__, function.__doc__, function.__module__
    return run


def end(session: Session, work: Callable[[], None]) -> None:
    """Do the work of a command; leave with an exit code where it cannot be done."""
    try:
        work()
    except MonitorError as error:
        fail(error, session)
    except ExceptionGroup as several:
        expected = _expected(several)
        if expected is None:
            raise
        fail(expected, session)


def fail(error: MonitorError, session: Session) -> None:
    """Print an expected error and leave: 2 where command or configuration are wrong, else 1."""
    if session.debug:
        raise error
    output.say(f"monitor: {error}")
    code = MISUSE if isinstance(error, SettingsError | UsageError | ScenarioError) else FAULT
    raise typer.Exit(code) from error


def _expected(several: ExceptionGroup[Exception]) -> MonitorError | None:
    """Return the first error of a group of concurrent work where all of them are expected ones."""
    _, others = several.split(MonitorError)
    if others is not None:
        return None
    first: BaseException = several
    while isinstance(first, ExceptionGroup):
        first = first.exceptions[0]
    return first if isinstance(first, MonitorError) else None
