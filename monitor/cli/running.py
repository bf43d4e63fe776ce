"""The service itself: starting it, asking it, telling it."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli import ids, output, shapes
from monitor.cli.alerts import deliveries_of, delivery_table
from monitor.cli.command import FAULT, Json, command
from monitor.cli.session import Session
from monitor.cli.status import show_status
from monitor.errors import NotRunning, UsageError
from monitor.model import Delivery, DeliveryState

if TYPE_CHECKING:
    from monitor.ports import Store
    from monitor.settings.values import Settings

LOOK_AGAIN = 0.2
"""Seconds between looks at the deliveries of a test alert."""

UNDER_WAY = frozenset({DeliveryState.PENDING, DeliveryState.SENDING})


def register(app: typer.Typer) -> None:
    """Add the commands to the top level."""
    command(app, "run", example="monitor run --config config")(run)
    command(app, "once", example="monitor once --json")(once)
    command(app, "status", example="monitor status --json")(status)
    command(app, "reload", example="monitor reload")(reload)
    command(app, "pause", example="monitor pause")(pause)
    command(app, "resume", example="monitor resume")(resume)
    command(app, "test-alert", example="monitor test-alert --route default")(send_test_alert)


def run(
    session: Session,
    virtual_clock: Annotated[
        str | None, typer.Option("--virtual-clock", metavar="ISO", hidden=True, help="Stand at this time (replay).")
    ] = None,
) -> None:
    """Start the service: poll feeds, decide, deliver, until it is stopped (Ctrl-C or SIGTERM). Logs go to stdout."""
    clock = _moment(virtual_clock) if virtual_clock else None
    settings = _checked(session)
    from monitor.service.app import run_service
    from monitor.service.logs import configure
    from monitor.store import become_owner

    become_owner(settings.data_dir)
    configure(settings.log_format)
    asyncio.run(run_service(settings, virtual_clock=clock, reload_settings=_reader(session)))


def once(session: Session, as_json: Json = False) -> None:
    """Poll what is due now, decide, deliver, and end: for cron, or to try a configuration out.

    Exit code 1 when nobody can be reached.
    """
    settings = _checked(session)
    from monitor.service.app import run_once
    from monitor.service.logs import configure
    from monitor.store import become_owner

    become_owner(settings.data_dir)
    with redirect_stdout(sys.stderr):
        configure("console", level=30)
    # the console channel writes to stdout as it does in the service; with --json stdout is one document
    with redirect_stdout(sys.stderr if as_json else sys.stdout), output.working("polling, deciding, delivering"):
        done = asyncio.run(run_once(settings))
    if as_json:
        output.show_json(done)
    else:
        _show_done(done)
    if done["network_down"]:
        output.say("! Nobody can be reached: the network of this machine is down. No feed is to blame, all stay due.")
        raise typer.Exit(FAULT)


def _show_done(done: Mapping[str, Any]) -> None:
    """Print what `once` did."""
    output.show(
        f"Polled {output.count(done['polls'], 'feed')}, decided {output.count(done['entries'], 'entry', 'entries')}, "
        f"made {output.count(len(done['alerts']), 'alert')}, sent {output.count(done['sent'], 'delivery', 'deliveries')}."
    )
    if done["alerts"]:
        rows = ((ids.short(a["id"]), a["severity"], a["source"], a["headline"]) for a in done["alerts"])
        output.show(output.table(("alert", "severity", "source", "headline"), rows, empty=""))


def status(session: Session, as_json: Json = False) -> None:
    """Show in one screen whether the service runs, how feeds and channels are doing, what waits, the last alert."""
    show_status(session, as_json=as_json)


def reload(session: Session, as_json: Json = False) -> None:
    """Have the running service read the configuration again. One with mistakes is refused, the old one keeps running."""
    _checked(session)
    answer = session.ask("reload")
    if as_json:
        output.show_json({"reloaded": True, **answer})
        return
    output.show(
        f"Reloaded: {output.count(answer['feeds'], 'feed')}, {output.count(answer['watches'], 'watch', 'watches')}, "
        f"{output.count(answer['channels'], 'channel')}."
    )
    if ended := answer.get("ended"):
        output.say(
            f"{output.count(ended, 'delivery', 'deliveries')} waited for channels that are gone and ended:"
            " `monitor deliveries list --state dead`."
        )


def pause(session: Session, as_json: Json = False) -> None:
    """Stop sending: feeds are polled and alerts decided as before, deliveries wait until `monitor resume`."""
    _set_paused(session, paused=True, as_json=as_json)


def resume(session: Session, as_json: Json = False) -> None:
    """Send again, beginning with what waited."""
    _set_paused(session, paused=False, as_json=as_json)


def send_test_alert(
    session: Session,
    route: Annotated[
        str | None,
        typer.Option("--route", metavar="NAME", help="Route to test (default: the first).", show_default=False),
    ] = None,
    wait: Annotated[int, typer.Option("--wait", min=0, max=3600, help="Wait so many seconds for the outcome.")] = 60,
    as_json: Json = False,
) -> None:
    """Send a marked test alert through the running service's whole path, and show what came of each delivery.

    Exit code 1 when one did not arrive in time.
    """
    answer = session.ask("test-alert", **({"route": route} if route else {}))
    with session.store() as store, output.working(f"sending on route {answer['route']}"):
        deliveries = _outcome(store, answer["alert"], wait)
        found = deliveries_of(store, answer["alert"])
    arrived = bool(deliveries) and all(each.state is DeliveryState.DELIVERED for each in deliveries)
    if as_json:
        output.show_json(
            {
                "alert": answer["alert"],
                "route": answer["route"],
                "arrived": arrived,
                "deliveries": [shapes.delivery_with(*each) for each in found],
            }
        )
    else:
        output.show(
            f"Test alert {ids.short(answer['alert'])} on route {answer['route']}.",
            delivery_table([row for row, _ in found], session.settings().zone),
        )
        if not arrived:
            output.say(_left(session, deliveries, wait))
    if not arrived:
        raise typer.Exit(FAULT)


def _checked(session: Session) -> Settings:
    """Return the settings, templates tried too."""
    return _reader(session)()


def _reader(session: Session) -> Callable[[], Settings]:
    """Return how the service reads its configuration, now and at a reload."""
    from monitor.alerts.render import check_templates
    from monitor.settings import load

    folder = session.config_dir.absolute()
    return lambda: load(folder, environ=os.environ, check_templates=check_templates)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"`{text}` is no time: write it like 2022-01-01T12:00:00+00:00") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _set_paused(session: Session, *, paused: bool, as_json: bool) -> None:
    running = True
    try:
        session.ask("pause" if paused else "resume")
    except NotRunning:
        running = False
        with session.store() as store:
            store.set_flag("paused", session.now.isoformat() if paused else None)
    if as_json:
        output.show_json({"paused": paused, "running": running})
        return
    output.show("Sending is paused; deliveries wait." if paused else "Sending goes on.")
    if not running:
        output.say("The service is not running; this counts from its next start.")


def _outcome(store: Store, alert_id: str, wait: float) -> tuple[Delivery, ...]:
    """Return an alert's deliveries when all of them ended, or as they are when the time is over."""
    until = time.monotonic() + wait
    while True:
        deliveries = store.deliveries(limit=1000, alert_id=alert_id)
        tried = all(each.state not in UNDER_WAY or each.failures for each in deliveries)
        if tried or time.monotonic() >= until:
            return deliveries
        time.sleep(LOOK_AGAIN)


def _left(session: Session, deliveries: tuple[Delivery, ...], wait: int) -> str:
    if not deliveries:
        return "The route has no recipients: give its channels some in monitor.yaml."
    with session.store() as store:
        if store.flag("paused"):
            return "Sending is paused, so the test waits: `monitor resume` lets it go."
    retried = any(each.failures and each.state in UNDER_WAY for each in deliveries)
    if retried:
        return "What failed is tried again by itself; `monitor deliveries show ID` shows what the receiver answered."
    if any(each.state in UNDER_WAY for each in deliveries):
        return f"Not everything was sent within {wait} s: `monitor status` shows why a channel waits."
    return "`monitor deliveries show ID` shows what the receiver answered."
