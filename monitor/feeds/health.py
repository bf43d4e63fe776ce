"""How a feed is doing, in words for the person who looks after it: what happens and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from monitor.feeds import pace
from monitor.feeds import rhythm as rhythms
from monitor.model import Entry, FailureKind, Feed, FeedState, Pace, PushState, Subscription

Health = Literal["ok", "failing", "silent", "new"]

SILENT_AFTER = timedelta(days=3)
"""Without a new entry for so long, a news feed whose rhythm is not known is silent, although its server answers."""

STALE_RHYTHMS, STALE_LEAST = 10, timedelta(hours=24)
"""One with a rhythm is silent after so many times its usual rest, but no night or holiday makes it so (case 73)."""

GAP_TOLD = timedelta(hours=24)
"""How long a gap belongs to the first things said of a feed."""

ADVICE: dict[FailureKind, str] = {
    FailureKind.BAD_URL: "Correct the address in feeds.yaml.",
    FailureKind.ADDRESS_BLOCKED: "If it is not meant, somebody leads this feed into a private network: look for its real address.",
    FailureKind.DNS: "Check the spelling of the host name; if other feeds fail too, check this machine's DNS.",
    FailureKind.CONNECT: "The server may be down or block this machine; if other feeds fail too, check the network.",
    FailureKind.TLS: "The publisher has to repair the certificate; check that this machine's clock is right.",
    FailureKind.TIMEOUT: "The server is slow or overloaded; it is tried again.",
    FailureKind.INCOMPLETE: "The connection was cut while sending; it is tried again, nothing of it was used.",
    FailureKind.TOO_LARGE: "Look for a smaller feed of this outlet (a section instead of everything).",
    FailureKind.BAD_ENCODING: "The server's compression is broken; the next poll asks without it.",
    FailureKind.PROTOCOL: "Check address and port; if they are right, the publisher has to repair the server.",
    FailureKind.REDIRECT: "Open the address in a browser and write where it leads into feeds.yaml.",
    FailureKind.THROTTLED: "It is asked less often by itself; a longer pace for this feed avoids it.",
    FailureKind.UNAUTHORIZED: "Set or renew the authorization of this feed, or what its proxy asks for.",
    FailureKind.BLOCKED: "Ask the publisher, or try another user_agent or a proxy for this feed.",
    FailureKind.CHALLENGE: "Only browsers get past this check: ask the publisher to let feed readers through, or look for another way"
    " to its reports (sitemap, news search).",
    FailureKind.MISSING: "Look for the outlet's new feed address; this one is asked once a day.",
    FailureKind.GONE: "Remove the feed, or look for its successor; this one is asked ever more rarely, in the end once a month.",
    FailureKind.SERVER_ERROR: "The publisher has to repair it; it is tried again.",
    FailureKind.UNEXPECTED_STATUS: "Open the address in a browser to see what the server does; it is tried again.",
    FailureKind.NOT_A_FEED: "Look for the address of the feed itself: `monitor feeds add` with that of the site's page finds it.",
    FailureKind.EMPTY: "The publisher sends nothing; it is tried again.",
    FailureKind.PARSER_KILLED: "The document is far out of the ordinary or meant to do harm; look at it before keeping the feed.",
}
"""What a person can do, for every kind of failure."""


ONE_ENTRY = "It shows one entry at a time; what comes and goes between two polls is never seen."
"""No gap can be told of such a feed (case 50); it is only asked sooner when its entry was replaced."""


SUBSCRIPTIONS = {PushState.PENDING: "asked", PushState.DENIED: "denied", PushState.ENDED: "ended"}
"""Words for subscriptions under which nothing is pushed."""


def describe_state(state: FeedState, feed: Feed, now: datetime) -> tuple[Health, str]:
    """Return a feed's health and a sentence about it.

    `failing`: the last poll failed. `silent`: it answers, but shows nothing new for long, or nothing answered within
    three paces. `new`: never polled.
    """
    if state.failure is not None:
        return "failing", _failing(state, now)
    if state.last_success_at is None:
        return "new", "It was not polled yet."
    late = now - state.due_at
    if late > max(3 * feed.pace, timedelta(minutes=15)):
        return "silent", f"It was due {span(late)} ago and was not polled: is the service running?"
    if state.last_entry_at is None:
        return "silent", "It answers, but has never shown an entry."
    quiet = now - state.last_entry_at
    if is_stale(state, now):
        often = rhythm(state)
        usual = f"; usually something comes {often}" if often else ""
        return "silent", f"It answers, but nothing new has come for {span(quiet)}{usual}."
    said = " ".join(
        part for part in (_gap(state, now), _warned(state), ONE_ENTRY if state.entries == 1 else "") if part
    )
    return "ok", said or f"Last new entry {span(quiet)} ago."


def is_stale(state: FeedState, now: datetime) -> bool:
    """Tell whether nothing new has come for far longer than usual, whatever the server says (case 73)."""
    if state.last_entry_at is None:
        return False
    usual = SILENT_AFTER if state.rhythm is None else max(STALE_RHYTHMS * state.rhythm, STALE_LEAST)
    return now - state.last_entry_at > usual


def rhythm(state: FeedState) -> str | None:
    """Return how often something new comes, in a few letters (`every 12 min`); None while that is not known.

    Under a second it is none: many entries were published, or found, at one moment.
    """
    if state.rhythm is None or state.rhythm < timedelta(seconds=1):
        return None
    return f"every {_short(state.rhythm)}"


def staleness(state: FeedState, now: datetime) -> str | None:
    """Return for how long nothing new has come, in a few letters (`3 h`); None where nothing ever came."""
    return None if state.last_entry_at is None else _short(now - state.last_entry_at)


def push_state(state: FeedState, subscription: Subscription | None) -> str:
    """Return how pushes of a feed stand, in a word.

    `works`; `waits`: subscribed, but none came yet, or one was missed; `asked`: the hub has not confirmed; `denied`; `ended`;
    `offered`: not subscribed; `-`: the feed names no hub.
    """
    if subscription is None:
        return "-" if state.hub is None else "offered"
    if subscription.state is PushState.ACTIVE:
        return "works" if state.pushed else "waits"
    return SUBSCRIPTIONS[subscription.state]


def recommended_pace(entries: Sequence[Entry], said: Pace, now: datetime) -> timedelta | None:
    """Return a pace that suits a feed with these entries whose publisher says this (with `max_age`); None: not enough to tell.

    Often enough that a document never loses an entry between two polls, not more often than the publisher asks.
    """
    wanted = pace.recommended(said, rhythms.of(entries, now), len(entries))
    return None if wanted is None else next((step for step in STEPS if step >= wanted), wanted)


STEPS = tuple(timedelta(minutes=minutes) for minutes in (2, 3, 5, 10, 15, 20, 30, 60, 120, 180, 360, 720, 1440))
"""Paces that people write."""


def advice(kind: FailureKind) -> str:
    """Return what a person can do about a kind of failure."""
    return ADVICE[kind]


def span(length: timedelta) -> str:
    """Return a length of time in words, in the two units that matter at most: `40 s`, `12 min`, `3 h 20 min`, `5 days`."""
    seconds = max(int(length.total_seconds()), 0)
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 60:  # noqa: PLR2004
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:  # noqa: PLR2004
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} days"


def _short(length: timedelta) -> str:
    """Return a length of time in its largest unit."""
    text = span(length)
    return text.partition(" h ")[0] + " h" if " h " in text else text


def _gap(state: FeedState, now: datetime) -> str:
    return state.gap if state.gap and state.gap_at and now - state.gap_at < GAP_TOLD else ""


def _failing(state: FeedState, now: datetime) -> str:
    assert state.failure is not None
    since = f"{state.failures} polls in a row over {span(now - state.failing_since)}" if state.failing_since else ""
    often = f" ({since})" if state.failures > 1 and since else ""
    return f"{state.failure.reason}{often} {advice(state.failure.kind)}"


def _warned(state: FeedState) -> str:
    return " ".join((state.warning or "").split("\n"))
