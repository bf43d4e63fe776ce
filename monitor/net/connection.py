"""One connection: requests out, answers in, one at a time, with or without TLS.

Problem: httpcore takes a millisecond of CPU per request and looks at every open connection each time (measured). Choice: an
asyncio protocol of our own. Refused: asyncio's streams, which read on while nobody takes what came. Whatever a peer says
unasked ends the connection.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

from monitor.net.answering import SLICE, AnswerParser, BadAnswerError, BadHttpError
from monitor.net.tls import TlsLayer

MAX_HELD = 256 * 1024
"""Bytes of a body that may wait for their reader; then the peer has to."""


class LostError(Exception):
    """The connection ended before the answer did."""


@dataclass(slots=True)
class Progress:
    """How far one request came: filled while it runs, read when it fails."""

    stage: Literal["connect", "tls", "send", "wait", "read"] = "connect"
    sent: bool = False
    """The kernel took the whole request."""


class Connection(asyncio.Protocol):
    """A connection that stands. `lost` is called once, when it is gone, whoever ended it."""

    def __init__(self, lost: Callable[[Connection], None]) -> None:
        self.answer = AnswerParser()
        self.answer.done = True  # nothing was asked yet
        self.idle_since = 0.0
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._layers: list[TlsLayer] = []
        self._news: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._stalled = self._paused = False

    @property
    def reusable(self) -> bool:
        """Whether the answer is over and the peer is ready for the next request."""
        standing = self._error is None and not self._transport.is_closing()
        return standing and self.answer.done and self.answer.keep and not self._stalled

    def silent(self) -> bool:
        """Whether nothing waits to be read: what a peer says between two requests, or its goodbye, ends a connection."""
        ready = select.poll()
        ready.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return not ready.poll(0)

    @property
    def secure(self) -> bool:
        """Whether the connection speaks TLS."""
        return bool(self._layers)

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Secure the connection as it stands (inside the TLS that there is, for a target behind an https proxy)."""
        layer = TlsLayer(context, host)
        self._layers.append(layer)
        self.answer.done = True
        self.drop()
        self._take(b"", len(self._layers) - 1)
        while not layer.ready:
            await self._more()

    async def exchange(self, message: bytes, progress: Progress) -> None:
        """Send a request and wait for the head of its answer: then `answer` has it."""
        self.answer = answer = AnswerParser()
        progress.stage = "send"
        self._write(message)
        while self._stalled and not answer.status:  # an answer that comes before all was sent is final
            await self._more()
        if not self._stalled:
            progress.stage, progress.sent = "wait", True
        while not answer.status:
            await self._more()
        progress.stage = "read"

    async def read(self) -> bytes:
        """Return the next bytes of the body, none at its end."""
        body = self.answer.body
        while not body:
            if self.answer.done:
                return b""
            await self._more()
        data = bytes(body[:SLICE])
        del body[:SLICE]
        if not body:
            self.drop()
        return data

    def drop(self) -> None:
        """Let go of what came of the body and was not read."""
        self.answer.body.clear()
        if self._paused and self._error is None:
            self._paused = False
            self._transport.resume_reading()

    def abort(self) -> None:
        """End the connection at once."""
        self._fail(LostError("closed by us"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`. Writing counts as stalled as soon as the kernel did not take everything."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(0)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if not self._layers:
            self._parse(data)
            return
        try:
            self._take(data, 0)
        except ssl.SSLError as error:
            self._write(b"")  # the alert that tells the peer why
            self._fail(error)
        if any(layer.ended for layer in self._layers):
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`. A body without a stated end ends here."""
        self.answer.end(orderly=exc is None)
        self._fail(LostError(str(exc or "closed by the peer")))
        self._lost(self)

    def pause_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._stalled = True

    def resume_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._stalled = False
        self._wake()

    def _take(self, data: bytes, depth: int) -> None:
        """Take bytes through the layers of TLS from `depth` on, and send what these have to say."""
        if depth == len(self._layers):
            self._parse(data)
            return
        for content in self._layers[depth].decrypt(data):
            self._take(content, depth + 1)
        self._write(b"")
        self._wake()

    def _write(self, data: bytes) -> None:
        for layer in reversed(self._layers):
            data = layer.encrypt(data)
        if data:
            self._transport.write(data)

    def _parse(self, data: bytes) -> None:
        answer = self.answer
        if answer.done:  # nothing was asked
            self.abort()
        elif self._error is None:
            try:
                answer.feed(data)
            except (BadHttpError, BadAnswerError) as error:
                self._fail(error)
            if len(answer.body) > MAX_HELD and not self._paused:
                self._paused = True
                self._transport.pause_reading()
        self._wake()

    async def _more(self) -> None:
        """Wait until anything happened; raises what ended the connection."""
        if self._error is not None:
            raise self._error
        self._news = self._loop.create_future()
        await self._news

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _fail(self, error: Exception) -> None:
        """End the connection, for the first reason that is known."""
        if self._error is None:
            self._error = error
            self._transport.abort()
        self._wake()
