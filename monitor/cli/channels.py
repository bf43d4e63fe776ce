"""`monitor channels`: the ways out, how each is doing, and trying one out."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli import moments, output, shapes
from monitor.cli.command import FAULT, Json, command, group
from monitor.cli.session import Session
from monitor.errors import UsageError
from monitor.model import (
    Alert,
    AlertKind,
    Delivered,
    Delivery,
    DeliveryState,
    Endpoint,
    Outcome,
    Recipient,
    Severity,
    content_key,
)
from monitor.ports import Channel, Store, describe

if TYPE_CHECKING:
    from monitor.settings.values import ChannelSettings, Settings

app = group("Channels: the ways out, how each is doing, and trying one out.")

COUNTED = 10_000
"""Waiting deliveries that are counted per channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One test message to one recipient, and what came of it."""

    recipient: Recipient
    outcome: Outcome
    took: timedelta
    problems: tuple[str, ...]
    """What was wrong with the templates; the built-in ones were used."""


@command(app, "list", example="monitor channels list")
def list_channels(session: Session, as_json: Json = False) -> None:
    """List the channels: who reads them, how each is doing and why, what waits."""
    settings = session.settings()
    readers = asyncio.run(_readers(settings))
    with session.store_if_any() as store:
        rows = [_shape(entry, readers[entry.name], store) for entry in settings.channels]
    if as_json:
        output.show_json(shapes.listed("channels", rows))
        return
    now = session.now
    shown = (
        (
            row["name"],
            row["kind"],
            row["health"],
            row["waiting"],
            moments.ago(row["last_success"], now),
            ", ".join(row["recipients"]),
            row["reason"],
        )
        for row in rows
    )
    headings = ("name", "kind", "state", "waiting", "last success", "recipients", "reason")
    output.show(output.table(headings, shown, empty="No channels."))


@command(app, "test", example="monitor channels test desk-mail")
def try_channel(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the channel.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Send a marked test message over one channel now, to all of its recipients, without the queue and without a service.

    Shows what the receiver answered and how long it took. Exit code 1 when one did not arrive.
    """
    settings = session.settings(secrets=True)
    entry = _called(settings, name)
    from monitor.store import become_owner

    become_owner(settings.data_dir)
    with redirect_stdout(sys.stderr if as_json else sys.stdout), output.working(f"sending over {name}"):
        tries = asyncio.run(_send(settings, entry, session.now))
    if as_json:
        output.show_json({"channel": name, "kind": entry.kind, "deliveries": [_try_shape(each) for each in tries]})
    else:
        rows = (
            (
                each.recipient.address,
                describe(each.outcome),
                each.outcome.status,
                f"{each.took.total_seconds():.2f} s",
                each.outcome.detail,
            )
            for each in tries
        )
        output.show(
            output.table(("recipient", "outcome", "status", "took", "answer"), rows, empty="It has no recipients.")
        )
        for problem in dict.fromkeys(problem for each in tries for problem in each.problems):
            output.say(f"! A template failed, the built-in one was used: {problem}")
    if not tries or not all(isinstance(each.outcome, Delivered) for each in tries):
        raise typer.Exit(FAULT)


def _called(settings: Settings, name: str) -> ChannelSettings:
    for entry in settings.channels:
        if entry.name == name:
            return entry
    from monitor.settings.words import choose

    raise UsageError(f"there is no channel `{name}`: {choose(name, [entry.name for entry in settings.channels])}")


@asynccontextmanager
async def _built(settings: Settings, entries: Sequence[ChannelSettings]) -> AsyncIterator[dict[str, Channel]]:
    """Give channels as the service builds them, and let them go."""
    from monitor.channels import build
    from monitor.net.client import Http

    http = Http()
    made = {
        each.name: build(each.name, each.kind, each.options, http=http, data_dir=settings.data_dir) for each in entries
    }
    try:
        yield made
    finally:
        for channel in made.values():
            await channel.aclose()
        await http.aclose()


async def _readers(settings: Settings) -> dict[str, tuple[str, ...]]:
    async with _built(settings, settings.channels) as made:
        return {name: tuple(each.address for each in channel.recipients) for name, channel in made.items()}


async def _send(settings: Settings, entry: ChannelSettings, now: datetime) -> tuple[Try, ...]:
    """Send one test alert to each recipient, one after the other."""
    from monitor.alerts.render import Renderer

    renderer, alert, tries = Renderer(settings.templates_dir), _test_alert(settings, entry.name, now), []
    async with _built(settings, [entry]) as made:
        channel = made[entry.name]
        for recipient in channel.recipients:
            rendered = renderer.render(
                alert,
                recipient,
                situation_name=settings.situation_name,
                desk_zone=settings.situation_zone,
                now=now,
                parts=channel.wants,
            )
            identifier = content_key("d1", alert.id, entry.name, recipient.address)
            payload = channel.compose(rendered.message, alert=alert, delivery_id=identifier, recipient=recipient)
            delivery = Delivery(
                id=identifier,
                alert_id=alert.id,
                channel=entry.name,
                recipient=recipient.address,
                payload=payload,
                due_at=now,
                created_at=now,
                state=DeliveryState.SENDING,
                claims=1,
            )
            began = time.monotonic()
            outcome = await channel.send(delivery, now=now)
            took = timedelta(seconds=time.monotonic() - began)
            tries.append(Try(recipient=recipient, outcome=outcome, took=took, problems=rendered.problems))
    return tuple(tries)


def _test_alert(settings: Settings, channel: str, now: datetime) -> Alert:
    """Return an alert that says that it is a test; each call has an id of its own, so no receiver drops it as a repeat."""
    return Alert(
        id=content_key("a1", settings.situation_id, "channel-test", channel, now.isoformat()),
        kind=AlertKind.TEST,
        situation=settings.situation_id,
        route=_route_of(settings, channel),
        severity=Severity.INFO,
        at=now,
        headline="Test alert",
        reason=AlertKind.TEST.value,
        note=f"This is a test of the channel {channel}. Nothing happened.",
        test=True,
    )


def _route_of(settings: Settings, channel: str) -> str:
    return next((route.name for route in settings.routes if channel in route.channels), settings.operator_route)


def _shape(entry: ChannelSettings, recipients: tuple[str, ...], store: Store | None) -> dict[str, Any]:
    endpoint = store.endpoint(entry.name) if store else None
    pending = store.deliveries(limit=COUNTED, state=DeliveryState.PENDING, channel=entry.name) if store else ()
    return shapes.channel(
        entry.name, entry.kind, _health(endpoint), endpoint, waiting=len(pending), recipients=recipients
    )


def _health(endpoint: Endpoint | None) -> str:
    if endpoint is None or (endpoint.last_success_at is None and not endpoint.failures and not endpoint.gone):
        return "unused"
    if endpoint.gone:
        return "gone"
    return "failing" if endpoint.open or endpoint.failures else "ok"


def _try_shape(made: Try) -> dict[str, Any]:
    return {
        "recipient": made.recipient.address,
        "outcome": describe(made.outcome),
        "reason": getattr(made.outcome, "reason", "delivered"),
        "detail": made.outcome.detail,
        "status": made.outcome.status,
        "took": made.took,
        "template_problems": made.problems,
    }
