"""Whether a feed has moved, decided from many polls: a permanent redirect seen once may be a captive portal or a hacked host.

A target is learnt after ten polls over two days that were sent there and read as the same feed (case 52). From then on it is asked
directly, while everything is well; the daily audit asks the configured address again, so whatever was learnt wrongly is unlearnt
within a day. The address in feeds.yaml stays the user's: a warning asks for the new one to be written there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.model import FeedState
from monitor.net.urls import redact

MOVED_POLLS, MOVED_SPAN = 10, timedelta(hours=48)
"""A permanent redirect counts when it was seen this often over this time."""

MOVED = "The feed has moved for good"
FOREIGN = "The address leads for good to a document that showed nothing of this feed"
"""How the warnings begin that this module gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What is known of a feed's permanent redirect: the fields of its state."""

    to: str | None = None
    since: datetime | None = None
    count: int = 0
    warning: str | None = None


def stored(state: FeedState) -> Move:
    """Return what a state knows, without its warning."""
    return Move(to=state.moved_to, since=state.moved_since, count=state.moved_count)


def direct_address(state: FeedState) -> str | None:
    """Return the address to ask in place of the configured one, None for that itself.

    Only while all is well; a feed whose configured address was edited (it has no hash then) is asked there first.
    """
    sure = state.moved_to is not None and state.failures == 0 and state.body_hash is not None
    return state.moved_to if sure and _has_moved(stored(state), state.last_success_at) else None


def seen(state: FeedState, target: str | None, *, foreign: bool, now: datetime) -> Move:
    """Return what is known after the configured address answered, sent to `target` for good or to nowhere.

    `foreign`: what came shows nothing of what this feed showed before. Such a target is never learnt (case 53).
    """
    if target is None:
        return Move()
    known = target == state.moved_to
    if (foreign and not known) or (known and FOREIGN in (state.warning or "")):
        return Move(to=target, since=state.moved_since if known else now, warning=_foreign(target))
    since = (state.moved_since or now) if known else now
    move = Move(to=target, since=since, count=state.moved_count + 1 if known else 1)
    return replace(move, warning=_advice(move, now))


def kept(state: FeedState, now: datetime) -> Move:
    """Return what is known of a feed that was asked where it moved to."""
    move = stored(state)
    return replace(move, warning=_advice(move, now))


def _advice(move: Move, now: datetime) -> str | None:
    """Return the warning that asks for a new address in the configuration, None while that is not sure."""
    return f"{MOVED}; please write its new address into feeds.yaml: {move.to}" if _has_moved(move, now) else None


def _has_moved(move: Move, now: datetime | None) -> bool:
    if move.to is None or move.since is None or now is None:
        return False
    return move.count >= MOVED_POLLS and now - move.since >= MOVED_SPAN


def _foreign(target: str) -> str:
    return (
        f"{FOREIGN} ({redact(target)}); look whether it is the same feed, and write the right address into feeds.yaml."
    )
