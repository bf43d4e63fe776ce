"""How a feed is doing, in words for the person who looks after it: what happens and what to do."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from monitor.model import FailureKind, Feed, FeedState

Health = Literal["ok", "failing", "silent", "new"]

SILENT_AFTER = timedelta(days=3)
"""Without a new entry for so long, a news feed is silent, although its server answers."""

ADVICE: dict[FailureKind, str] = {
    FailureKind.BAD_URL: "Correct the address in feeds.yaml.",
    FailureKind.ADDRESS_BLOCKED: "If this server is meant to be reached, add its network to allow_networks of the feed.",
    FailureKind.DNS: "Check the spelling of the host name; if other feeds fail too, check this machine's DNS.",
    FailureKind.CONNECT: "The server may be down or block this machine; if other feeds fail too, check the network.",
    FailureKind.TLS: "The publisher has to repair the certificate; check that this machine's clock is right.",
    FailureKind.TIMEOUT: "The server is slow or overloaded; it is tried again.",
    FailureKind.INCOMPLETE: "The connection was cut while sending; it is tried again, nothing of it was used.",
    FailureKind.TOO_LARGE: "Look for a smaller feed of this outlet (a section instead of everything).",
    FailureKind.BAD_ENCODING: "The server's compression is broken; the next poll asks without it.",
    FailureKind.PROTOCOL: "What answers there is no proper web server; check address and port.",
    FailureKind.REDIRECT: "Open the address in a browser and write where it leads into feeds.yaml.",
    FailureKind.THROTTLED: "It is asked less often by itself; a longer pace for this feed avoids it.",
    FailureKind.UNAUTHORIZED: "Set or renew the authorization of this feed.",
    FailureKind.BLOCKED: "Ask the publisher, or try another user_agent or a proxy for this feed.",
    FailureKind.MISSING: "Look for the outlet's new feed address; this one is asked once in a while.",
    FailureKind.GONE: "Remove the feed, or look for its successor; this one is asked once a day.",
    FailureKind.SERVER_ERROR: "The publisher has to repair it; it is tried again.",
    FailureKind.UNEXPECTED_STATUS: "Open the address in a browser to see what the server does.",
    FailureKind.NOT_A_FEED: "Look for the address of the feed itself (RSS, Atom or JSON Feed); this one shows something else.",
    FailureKind.EMPTY: "The publisher sends nothing; it is tried again.",
    FailureKind.PARSER_KILLED: "The document is far out of the ordinary or meant to do harm; look at it before keeping the feed.",
}
"""What a person can do, for every kind of failure."""


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
    if quiet > SILENT_AFTER:
        return "silent", f"It answers, but nothing new has come for {span(quiet)}."
    return "ok", _warned(state) or f"Last new entry {span(quiet)} ago."


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


def _failing(state: FeedState, now: datetime) -> str:
    assert state.failure is not None
    since = f"{state.failures} polls in a row over {span(now - state.failing_since)}" if state.failing_since else ""
    often = f" ({since})" if state.failures > 1 and since else ""
    return f"{state.failure.reason}{often} {advice(state.failure.kind)}"


def _warned(state: FeedState) -> str:
    return " ".join((state.warning or "").split("\n"))
