"""`monitor deliveries`: one alert to one recipient over one channel, with every attempt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated

import typer

from monitor.cli import ids, moments, output, shapes
from monitor.cli.alerts import alert_called, attempt_table, delivery_table
from monitor.cli.command import Json, Limit, command, group
from monitor.cli.session import Session
from monitor.errors import UsageError
from monitor.model import Delivery, DeliveryState
from monitor.ports import Store

app = group("Deliveries: one alert to one recipient over one channel, with every attempt.")

WAITING = (DeliveryState.PENDING, DeliveryState.DEAD)
"""What is tried again for a whole channel: what it has not got yet, never what it has."""

AT_ONCE = 10_000
"""Deliveries retried by one command; the next call takes the rest."""

StateOption = Annotated[
    DeliveryState | None, typer.Option("--state", help="Only in this state.", show_default=False, case_sensitive=False)
]
ChannelOption = Annotated[
    str | None, typer.Option("--channel", metavar="NAME", help="Only of this channel.", show_default=False)
]


@command(app, "list", example="monitor deliveries list --state dead")
def list_deliveries(
    session: Session,
    state: StateOption = None,
    channel: ChannelOption = None,
    alert: Annotated[
        str | None, typer.Option("--alert", metavar="ID", help="Only of this alert.", show_default=False)
    ] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List the deliveries made last, with their state and the reason for it."""
    settings = session.settings()
    with session.store() as store:
        if alert is not None:
            alert = alert_called(store, alert).id
        found = store.deliveries(limit=limit, state=state, alert_id=alert, channel=channel)
    if as_json:
        output.show_json(shapes.listed("deliveries", map(shapes.delivery, found)))
        return
    output.show(delivery_table(found, settings.zone))


@command(app, "show", example="monitor deliveries show d1a2b3c4d5e6")
def show_delivery(
    session: Session,
    delivery_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the delivery, or its beginning.")],
    as_json: Json = False,
) -> None:
    """Show one delivery with its attempts and what the receiver answered."""
    settings = session.settings()
    with session.store() as store:
        delivery, attempts = ids.found("delivery", delivery_id, store.delivery(delivery_id), partial(_newest, store))
        alert = store.alert(delivery.alert_id)
    if as_json:
        output.show_json(shapes.delivery_with(delivery, attempts))
        return
    output.show(
        output.facts(
            (
                ("delivery", delivery.id),
                ("alert", f"{ids.short(delivery.alert_id)}  {alert.headline if alert else ''}"),
                ("channel", delivery.channel),
                ("recipient", delivery.recipient),
                ("state", delivery.state.value),
                ("reason", delivery.reason),
                ("created", moments.full(delivery.created_at, settings.zone)),
                ("next try", _next_try(delivery, settings.zone)),
                ("finished", moments.full(delivery.finished_at, settings.zone)),
                ("receiver's id", delivery.remote_ref),
            )
        ),
        output.heading("Attempts"),
        attempt_table(attempts, settings.zone),
    )


@command(app, "retry", example="monitor deliveries retry --channel desk-mail")
def retry_deliveries(
    session: Session,
    delivery_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Deliveries to send now.", show_default=False)
    ] = None,
    channel: ChannelOption = None,
    state: StateOption = None,
    as_json: Json = False,
) -> None:
    """Send deliveries now that ended without arriving or wait for their next try: by id, by channel or by state.

    They start again with a fresh count of failures. A running service takes them up within a second, another one when
    it is started. What arrived is not sent a second time.
    """
    if bool(delivery_ids) == bool(channel or state):
        raise UsageError("name deliveries by id, or choose them with --channel or --state (for one: --state dead)")
    if state in {DeliveryState.DELIVERED, DeliveryState.SUPERSEDED, DeliveryState.SENDING}:
        raise UsageError(f"deliveries that are {state} are not sent again: choose --state dead or --state pending")
    configured = {each.name for each in session.settings().channels}
    with session.store() as store:
        chosen = _by_id(store, delivery_ids) if delivery_ids else _matching(store, channel, state)
        gone = sorted({each.channel for each in chosen} - configured)
        if gone:
            raise UsageError(
                f"nothing was changed: {', '.join(gone)} is no channel in monitor.yaml any more; give a channel that name"
                " again, then retry"
            )
        retried = store.retry_deliveries([each.id for each in chosen], session.now)
    if as_json:
        output.show_json({"retried": retried, "deliveries": [each.id for each in chosen]})
        return
    output.show(f"{output.count(retried, 'delivery', 'deliveries')} will be tried again now.")
    if retried < len(chosen):
        output.say(f"{output.count(len(chosen) - retried, 'other', 'others')} are being sent at this moment.")


def _by_id(store: Store, given: Sequence[str]) -> list[Delivery]:
    chosen = [ids.found("delivery", each, store.delivery(each), partial(_newest, store))[0] for each in given]
    arrived = [each for each in chosen if each.state not in {*WAITING, DeliveryState.SENDING}]
    if arrived:
        listed = ", ".join(f"{ids.short(each.id)} ({each.state})" for each in arrived)
        raise UsageError(f"nothing was changed: these are not sent a second time: {listed}")
    return chosen


def _matching(store: Store, channel: str | None, state: DeliveryState | None) -> list[Delivery]:
    states = WAITING if state is None else (state,)
    return [each for one in states for each in store.deliveries(limit=AT_ONCE, state=one, channel=channel)]


def _newest(store: Store) -> Iterator[tuple[str, str]]:
    for each in store.deliveries(limit=ids.SEARCHED):
        yield each.id, f"{each.channel} {each.recipient} {each.state}"


def _next_try(delivery: Delivery, zone: str) -> str | None:
    return moments.full(delivery.due_at, zone) if delivery.state is DeliveryState.PENDING else None
