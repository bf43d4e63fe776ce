"""What the readers of all formats have in common: packed files are opened, items become entries with their marks."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.feeds import marks
from monitor.feeds.entries import Item, entries
from monitor.feeds.limits import Limits
from monitor.model import FailureKind, PollFailure
from monitor.net.decode import BadCodingError, TooLargeError, decoders
from monitor.net.decode import Body as Unpacking
from monitor.ports import Head, ParsedFeed

GZIP = b"\x1f\x8b"
"""How a gzip file begins. Sitemaps are often such files (`.xml.gz`), whatever Content-Encoding says (sitemaps.org)."""

MAX_UNPACKED = 15 * 1024 * 1024
"""Bytes of a document in a packed file, as of one that is fetched (conformance case 80)."""


def unpacked(body: bytes) -> bytes | PollFailure:
    """Return what a gzip file holds, within the bounds that hold for content codings; anything else as it is."""
    if not body.startswith(GZIP):
        return body
    unpacking = Unpacking(max_body=MAX_UNPACKED, chain=decoders("gzip"))
    try:
        unpacking.add(body)
    except TooLargeError as error:
        return PollFailure(kind=FailureKind.TOO_LARGE, reason=str(error))
    except BadCodingError:
        return PollFailure(kind=FailureKind.BAD_ENCODING, reason="The server sent a gzip file that is damaged.")
    return bytes(unpacking.content)


def whole(
    items: Sequence[Item], head: Head, *, url: str, limits: Limits, warning: str | None = None, dropped: int = 0
) -> ParsedFeed:
    """Return a document that was read as a whole. `dropped` counts items that its reader left out beyond the limit."""
    taken, more = entries(items, url, limits)
    return ParsedFeed(
        head=head,
        entries=taken,
        marks=marks.pack(map(marks.mark, taken)),
        shown=len(taken),
        warning=warning,
        dropped=dropped + more,
    )
