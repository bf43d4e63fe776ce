"""TLS over memory: a layer between the bytes of a connection and what they say.

Problem: asyncio's TLS holds a buffer of 256 KiB per connection. Choice: the standard library's `SSLObject` driven directly: a
tenth of the memory, layers that stack (TLS to a target inside TLS to a proxy), the same on every event loop. Refused:
resuming sessions. `SSLObject.session` leaks 7 kB each time it is read (CPython 3.11 to 3.13, measured), which at one
new connection a second is half a gigabyte a day; keeping connections saves more.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator

PIECE = 16 * 1024
"""Bytes decrypted at a time (a TLS record): OpenSSL's memory buffers never shrink, so they must not grow."""


class TlsLayer:
    """The client's side of TLS with `host`, which is verified by the rules of `context`. Methods raise `ssl.SSLError`."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self.ready = False
        """The handshake is over and the peer is who it should be."""
        self.ended = False
        """The peer said that nothing more will come."""
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        try:
            self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        except ValueError as error:  # a name with an empty or overlong label, which only a proxy was asked about
            raise ssl.SSLError("the name cannot stand in a certificate") from error

    def decrypt(self, data: bytes) -> Iterator[bytes]:
        """Take bytes from the wire (none to begin with) and yield the content in them."""
        for start in range(0, len(data) or 1, PIECE):
            self._incoming.write(data[start : start + PIECE])
            try:
                if not self.ready:
                    self._object.do_handshake()
                    self.ready = True
                while content := self._object.read(PIECE):
                    yield content
            except ssl.SSLWantReadError:
                continue
            self.ended = True
            return

    def encrypt(self, content: bytes = b"") -> bytes:
        """Return the bytes that carry `content`, and whatever else TLS has to say, to the wire."""
        if content:
            self._object.write(content)
        return self._outgoing.read()
