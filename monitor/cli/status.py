"""`monitor status`: one screen. From the running service where one answers, else from the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from monitor.alerts.feedtext import one_line
from monitor.cli import ids, moments, output
from monitor.cli.session import Session
from monitor.errors import NotRunning, SettingsError

NAMED = 10
"""Feeds named with their reasons; `monitor feeds list` has all of them."""

TIMES = frozenset({"now", "at", "since", "last_success", "next", "paused_until", "down_since"})
"""Keys whose values are moments: they travel over the control socket as text."""

WAITING = ("pending", "sending", "dead")
"""States of deliveries that somebody may have to do something about; `delivered` is told as a number."""


def show_status(session: Session, *, as_json: bool) -> None:
    """Print the status."""
    found, refused = read(session)
    mistakes = _mistakes(session)
    if as_json:
        output.show_json({**found, "configuration": {"mistakes": [str(mistake) for mistake in mistakes]}})
        return
    output.show(*_screen(found, refused))
    if mistakes:
        output.say(
            f"! The configuration has {output.count(len(mistakes), 'mistake')}; `monitor check` lists "
            f"{'it' if len(mistakes) == 1 else 'them'}. A running service keeps what it has."
        )


def read(session: Session) -> tuple[dict[str, Any], str | None]:
    """Return the status with `running` (None when no service answers), and why none answered."""
    try:
        return _with_times(session.ask("status")), None
    except NotRunning as error:
        return {"running": None, **_from_store(session)}, str(error)


def _from_store(session: Session) -> dict[str, Any]:
    from monitor.service.status import status

    settings = session.settings()
    if not session.has_store():
        return {"now": session.now, "situation": {"id": settings.situation_id, "name": settings.situation_name}}
    with session.store() as store:
        return status(store, settings, session.now)


def _mistakes(session: Session) -> Sequence[Any]:
    try:
        session.settings()
    except SettingsError as error:
        return error.mistakes
    return ()


def _with_times(value: Any, key: str | None = None) -> Any:
    """Return an answer of the control socket with its moments as such."""
    if isinstance(value, Mapping):
        return {name: _with_times(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_times(item) for item in value]
    return moments.read(value) if key in TIMES and isinstance(value, str) else value


def _screen(found: Mapping[str, Any], refused: str | None) -> Iterable[RenderableType]:
    now: datetime = found["now"]
    yield from _service(found, refused, now)
    if "feeds" not in found:
        yield Text("Nothing is stored yet: the service has never run with this configuration.")
        return
    yield output.facts(
        (
            ("feeds", _feed_numbers(found)),
            ("gaps", _gaps(found["feeds"])),
            ("pushes", _pushes(found.get("pushes") or {})),
            ("intake", _intake(found["counts"])),
            ("stored", _stored(found["counts"])),
            ("deliveries", _deliveries(found["counts"])),
            ("last alert", _last_alert(found["last_alert"], now)),
        )
    )
    yield from _troubled(found["feeds"], now)
    yield output.heading("Channels")
    yield output.table(
        ("name", "kind", "state", "last success", "reason"),
        (_channel(each, now) for each in found["channels"]),
        empty="None.",
    )


def _service(found: Mapping[str, Any], refused: str | None, now: datetime) -> Iterable[RenderableType]:
    running = found["running"]
    if running is None:
        yield Text("NOT RUNNING", style="bold red")
        yield Text(one_line(refused or ""))
    else:
        yield Text("running", style="bold green")
    reload, fault = (running or {}).get("reload"), (running or {}).get("store_fault")
    down = ((running or {}).get("network") or {}).get("down_since")
    expat = found.get("expat") or {}
    paused = moments.read(found.get("paused"))
    yield output.facts(
        (
            ("situation", found["situation"]["name"]),
            ("store", Text(f"cannot be written: {fault}", style="bold red") if fault else None),
            ("network", Text(f"DOWN, {moments.ago(down, now)}: polling waits", style="bold red") if down else None),
            ("process", f"{running['pid']}, version {running['version']}" if running else None),
            (
                "parser",
                Text(expat["sentence"], style="" if expat["verdict"] == "fine" else "yellow") if expat else None,
            ),
            ("since", moments.ago(running["since"], now) if running else None),
            ("sending", f"PAUSED {moments.ago(paused, now)}; `monitor resume` goes on" if paused else None),
            ("reload", _reload(reload, now) if reload else None),
        )
    )


def _reload(reload: Mapping[str, Any], now: datetime) -> str:
    when = moments.ago(reload["at"], now)
    return f"{when}, REFUSED, the old configuration goes on: {reload['error']}" if reload["error"] else f"{when}, fine"


def _feed_numbers(found: Mapping[str, Any]) -> str:
    feeds = found["feeds"]
    parts = [f"{feeds[health]} {health}" for health in ("ok", "failing", "silent", "new") if feeds.get(health)]
    disabled = [f"{found['disabled']} disabled"] if found["disabled"] else []
    return ", ".join([*parts, *disabled]) or "none"


def _gaps(feeds: Mapping[str, Any]) -> str | None:
    number = feeds.get("gaps", 0)
    return (
        f"entries of {output.count(number, 'feed')} may have been missed: `monitor feeds list --gaps`"
        if number
        else None
    )


def _pushes(pushes: Mapping[str, int]) -> str | None:
    """Return how the hubs do, None where no feed has one."""
    if not any(pushes.values()):
        return None
    parts = [f"{pushes['working']} of {output.count(pushes['offered'], 'feed')} with a hub are pushed"]
    parts += [f"{pushes[word]} {word}" for word in ("waiting", "refused") if pushes[word]]
    parts += (
        [f"{output.count(pushes['rejected'], 'push', 'pushes')} with a wrong signature"] if pushes["rejected"] else []
    )
    return ", ".join(parts)


def _intake(counts: Mapping[str, int]) -> str:
    waiting = f"{output.count(counts['intake'], 'entry', 'entries')} waiting to be decided"
    aside = counts.get("aside", 0)
    return f"{waiting}; {aside} SET ASIDE, because deciding them failed: see the service's log" if aside else waiting


def _stored(counts: Mapping[str, int]) -> str:
    return ", ".join(
        output.count(counts[key], one, many)
        for key, one, many in (
            ("reports", "report", None),
            ("stories", "story", "stories"),
            ("matches", "match", "matches"),
            ("alerts", "alert", None),
        )
    )


def _deliveries(counts: Mapping[str, int]) -> str:
    troubled = [f"{counts[f'deliveries_{state}']} {state}" for state in WAITING if counts.get(f"deliveries_{state}")]
    return ", ".join([f"{counts.get('deliveries_delivered', 0)} delivered", *troubled])


def _last_alert(last: Mapping[str, Any] | None, now: datetime) -> str:
    if last is None:
        return "none yet"
    return f"{moments.ago(last['at'], now)}: {last['headline']} ({ids.short(last['id'])})"


def _troubled(feeds: Mapping[str, Any], now: datetime) -> Iterable[RenderableType]:
    rows = [(state, feed) for state in ("failing", "silent") for feed in feeds[f"{state}_feeds"]]
    if not rows:
        return
    yield output.heading("Feeds to look at")
    yield output.table(
        ("id", "state", "last success", "name", "reason"),
        (
            (feed["id"], state, moments.ago(feed["last_success"], now) or "never", feed["name"], feed["reason"])
            for state, feed in rows[:NAMED]
        ),
        empty="",
    )
    if len(rows) > NAMED:
        yield Text(f"... and {len(rows) - NAMED} more: `monitor feeds list --failing --silent`")


def _channel(channel: Mapping[str, Any], now: datetime) -> tuple[object, ...]:
    paused: datetime | None = channel["paused_until"]
    waits = f" (waits until {moments.full(paused, 'UTC')})" if paused and paused > now else ""
    reason = f"{channel['reason'] or ''}{waits}"
    return (
        channel["name"],
        channel["kind"],
        channel["health"],
        moments.ago(channel["last_success"], now),
        reason or None,
    )
