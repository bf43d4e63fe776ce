"""What is odd about a feed that works, one warning a line: of its document, of its server, of its address."""

from __future__ import annotations

from monitor.feeds.moved import FOREIGN, MOVED
from monitor.model import FeedState
from monitor.ports import ParsedFeed

LYING = "The server says `not modified` although there is something new"
NO_ENTRIES = "The feed shows no entries at the moment"
ENDED = "The publisher says that this feed has ended"
"""How the warnings begin that this module gives; others are the parser's, and that of a moved feed (moved.py)."""


def is_lying(state: FeedState) -> bool:
    """Tell whether a feed's 304 was caught hiding entries: it is then polled without validators."""
    return state.warning is not None and LYING in state.warning


def has_ended(state: FeedState) -> bool:
    """Tell whether the publisher declared the feed ended."""
    return state.warning is not None and ENDED in state.warning


def still(state: FeedState, move: str | None) -> str | None:
    """Return the warnings of a feed whose document did not change. `move` is that of its address."""
    if state.warning is None:
        return move
    return _lines([*_of_document(state), *_of_server(state), move])


def after(state: FeedState, parsed: ParsedFeed, move: str | None, *, partial: bool, caught_lying: bool) -> str | None:
    """Return the warnings after a document was read. `state` is from before; `partial`: it was to hold only what is new."""
    unread = _of_document(state) if parsed.head is None and parsed.shown else []
    lines = [line for line in unread if NO_ENTRIES not in line]  # it shows some again, though none of them is new
    if parsed.warning:
        lines.append(parsed.warning.replace("\n", " "))
    elif not parsed.shown and not partial and not parsed.more:
        lines.append(f"{NO_ENTRIES}.")
    if parsed.head is not None and parsed.head.expired and not any(ENDED in line for line in lines):
        lines.append(f"{ENDED}.")
    if caught_lying:
        return _lines([*lines, f"{LYING}; it is asked without conditions from now on.", move])
    return _lines([*lines, *_of_server(state), move])


def _of_server(state: FeedState) -> list[str]:
    return [f"{LYING}; it is asked without conditions."] if is_lying(state) else []


def _of_document(state: FeedState) -> list[str]:
    """Return the stored warnings that are about the document."""
    lines = (state.warning or "").split("\n")
    return [line for line in lines if line and not any(other in line for other in (MOVED, FOREIGN, LYING))]


def _lines(warnings: list[str | None]) -> str | None:
    return "\n".join(warning for warning in warnings if warning) or None
