"""After a configuration file was edited: a running service takes the change over, and people or programs are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monitor.cli import output
from monitor.cli.session import Session
from monitor.errors import MonitorError, NotRunning


def finish(
    session: Session, done: Mapping[str, Any], sentence: str, *, as_json: bool, hint: str = "", changed: bool = True
) -> None:
    """Have a running service read the edited file, then print `done` as JSON or the sentence; `hint` is what to do next."""
    reloaded = changed and _reload_if_running(session)
    if as_json:
        output.show_json({**done, "reloaded": reloaded})
        return
    output.show(sentence)
    if not changed:
        return
    taken = (
        "The running service has taken it over."
        if reloaded
        else "No service is running; it counts from the next start."
    )
    output.say(f"{taken} {hint}".rstrip())


def _reload_if_running(session: Session) -> bool:
    """Return whether a service runs. Its refusal is an error."""
    try:
        session.ask("reload")
    except NotRunning:
        return False
    except MonitorError as error:
        raise MonitorError(
            f"the file was changed, but the running service keeps its old configuration: {error}"
        ) from error
    return True
