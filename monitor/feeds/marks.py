"""What a feed showed last, in 24 bytes an entry: enough to tell what is new without reading the old again.

A mark holds hashes of the entry's bytes in the document (its span; zeros where the document was not split), of what a reader
sees of it (`Entry.fingerprint`), and of its guid and link: whether those are repeated in a document is a fact about all of its
entries, and identity rests on it, so it must be known of the entries that are not parsed again.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

from monitor.model import Entry

SIZE = 24
"""Bytes of a packed mark."""

NO_SPAN = bytes(8)
"""In place of a span's fingerprint: the document was not split."""


class Mark(NamedTuple):
    """One entry of a document, as fingerprints: 8 bytes of its span, 8 of what it says, 4 of its guid and 4 of its link."""

    span: bytes
    entry: bytes
    guid: bytes
    link: bytes


def mark(entry: Entry, span: bytes = NO_SPAN) -> Mark:
    """Return an entry's mark."""
    return Mark(span, entry.fingerprint(), _short(entry.guid), _short(entry.link))


def pack(marks: Iterable[Mark]) -> bytes:
    """Return marks as one string of bytes, `SIZE` for each."""
    return b"".join(part for each in marks for part in each)


def unpack(packed: bytes) -> tuple[Mark, ...]:
    """Return the marks of a string of bytes made by `pack`."""
    return tuple(
        Mark(packed[at : at + 8], packed[at + 8 : at + 16], packed[at + 16 : at + 20], packed[at + 20 : at + 24])
        for at in range(0, len(packed), SIZE)
    )


def by_span(packed: bytes) -> dict[bytes, bytes]:
    """Return the packed mark of each span, where the document was split."""
    found = {packed[at : at + 8]: packed[at : at + SIZE] for at in range(0, len(packed), SIZE)}
    found.pop(NO_SPAN, None)
    return found


def shown(packed: bytes) -> frozenset[bytes]:
    """Return the fingerprints of the entries (`Entry.fingerprint`)."""
    return frozenset(packed[at + 8 : at + 16] for at in range(0, len(packed), SIZE))


def _short(text: str | None) -> bytes:
    """Return four bytes of a hash; zeros for what is missing."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).digest() if text else bytes(4)
