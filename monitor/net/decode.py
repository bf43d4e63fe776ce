"""Content codings with bounds: gzip and deflate, a piece at a time, never more in memory than a piece.

Problem: 300 kB of gzip become 64 MB in one piece, and codings nest (measured with plain httpx). Choice: the standard
library's zlib with `max_length`, each piece counted before the next is made. Brotli and zstd are never asked for.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

PIECE = 64 * 1024
"""Bytes made at a time."""

MAX_CODINGS = 3
"""Nested codings that are undone; servers show one, broken proxies two."""

MAX_MEMBERS = 1000
"""Members of one gzip stream; a log that was appended to has a few."""

MAX_RATIO, RATIO_FROM = 200, 1024 * 1024
"""Past 1 MiB, content that unpacks to more than 200 times its size is a bomb (conformance case 80)."""

_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


class BadCodingError(Exception):
    """The content is not what its Content-Encoding says, or the coding is unknown; `str(error)` names it."""


class TooLargeError(Exception):
    """The body is past a limit; `str(error)` is the sentence."""


class Decoder(Protocol):
    """One coding undone; `done` is True when the coded data came to its own end."""

    done: bool

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the decoded content of the next bytes in pieces of at most `PIECE`."""


class Inflate:
    """gzip (several members too) and deflate (with or without zlib's header: servers send both, RFC 9110 8.4.1.2)."""

    def __init__(self, *, gzip: bool) -> None:
        self.done = False
        self._gzip = gzip
        self._stream: zlib._Decompress | None = zlib.decompressobj(_GZIP) if gzip else None
        self._held = b""
        self._members = 1
        self._trailing = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """See `Decoder`. What follows the end of the data is ignored, as all clients do."""
        if self._stream is None:
            data = self._held + data
            if len(data) < 2:  # noqa: PLR2004 - zlib's header has two bytes
                self._held = data
                return
            self._stream = zlib.decompressobj(_ZLIB if _is_zlib(data) else _RAW)
        while data and not self._trailing:
            try:
                piece = self._stream.decompress(data, PIECE)
            except zlib.error as error:
                raise BadCodingError("gzip" if self._gzip else "deflate") from error
            if piece:
                yield piece
            data = self._stream.unconsumed_tail
            if self._stream.eof:
                data = self._next_member(self._stream.unused_data)

    def _next_member(self, rest: bytes) -> bytes:
        """Return what is left to decode after the end of a member."""
        self.done = True
        if self._gzip and rest.startswith(b"\x1f\x8b"):
            self.done = False
            self._members += 1
            if self._members > MAX_MEMBERS:
                raise BadCodingError("gzip of too many parts")
            self._stream = zlib.decompressobj(_GZIP)
            return rest
        self._trailing = True
        return b""


def decoders(content_encoding: str) -> tuple[Decoder, ...]:
    """Return what undoes a Content-Encoding value, in the order to apply; `BadCodingError` for one that is not known."""
    names = [
        name for name in (part.strip().lower() for part in content_encoding.split(",")) if name not in {"", "identity"}
    ]
    if len(names) > MAX_CODINGS:
        raise BadCodingError(f"{len(names)} codings")
    return tuple(_decoder(name) for name in reversed(names))


class Body:
    """A body being received: every byte counted, as received and as made by each decoder, before it is kept."""

    def __init__(self, *, max_body: int, chain: tuple[Decoder, ...]) -> None:
        self.content = bytearray()
        self.received = 0
        self._max_body = max_body
        self._chain = chain
        self._made = [0] * len(chain)

    @property
    def ended(self) -> bool:
        """Whether compressed data came to its own end (also: nothing was received, nothing has to end)."""
        return self.received == 0 or all(decoder.done for decoder in self._chain)

    def add(self, data: bytes) -> None:
        """Take the next bytes from the wire; `TooLargeError` past a limit, `BadCodingError` for broken coding."""
        self.received += len(data)
        if self.received > self._max_body:
            raise TooLargeError(f"The answer is larger than {_size(self._max_body)}.")
        for piece in self._decoded(data, 0):
            self.content += piece

    def _decoded(self, data: bytes, stage: int) -> Iterator[bytes]:
        if stage == len(self._chain):
            yield data
            return
        for piece in self._chain[stage].feed(data):
            self._count(stage, len(piece))
            yield from self._decoded(piece, stage + 1)

    def _count(self, stage: int, size: int) -> None:
        made = self._made[stage] = self._made[stage] + size
        if made > self._max_body:
            raise TooLargeError(f"The answer unpacks to more than {_size(self._max_body)}.")
        if made > RATIO_FROM and made > MAX_RATIO * self.received:
            raise TooLargeError(f"The answer unpacks to more than {MAX_RATIO} times its size: refused as a bomb.")


def _decoder(name: str) -> Decoder:
    match name:
        case "gzip" | "x-gzip":
            return Inflate(gzip=True)
        case "deflate":
            return Inflate(gzip=False)
        case _:
            raise BadCodingError(name[:40])


def _is_zlib(data: bytes) -> bool:
    """Tell zlib's header from raw deflate (RFC 1950 section 2.2: method 8 and a checksum over the first two bytes)."""
    return data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0  # noqa: PLR2004


def _size(count: int) -> str:
    """Return a count of bytes for people."""
    return f"{count / 1048576:.3g} MiB" if count >= 1048576 else f"{count / 1024:.3g} KiB"  # noqa: PLR2004
