"""A mail server that misbehaves on purpose: a real socket on loopback, scripted stage by stage.

    async with FakeSmtp() as server:
        server.on("RCPT", say("452 4.2.2 full"), say("250 ok"))    # one answer after another; the last one repeats
        await something("127.0.0.1", server.port)
        assert server.mails[0].recipients == ("desk@example.org",)

Stages: `CONNECT` (the banner), `EHLO`, `HELO`, `STARTTLS`, `AUTH`, `MAIL`, `RCPT`, `DATA` (before the mail), `DOT` (after it),
`QUIT`.
A stage without a script is answered well. A mail counts as taken when `DOT` was answered with 250.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

Answer = Callable[["Session"], Awaitable[None]]


class Closing(Exception):  # noqa: N818 - control flow of this module
    """The answer is done and the connection shall be closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail that was taken: envelope, and the data with dots unstuffed."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    encrypted: bool


@dataclass(slots=True, kw_only=True)
class Session:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    encrypted: bool
    sender: str = ""
    recipients: list[str] = field(default_factory=list)
    last: str = ""
    """The reply given last."""

    async def write(self, text: str | bytes) -> None:
        data = text if isinstance(text, bytes) else text.encode() + b"\r\n"
        self.last = data.decode("utf-8", "replace")
        self.writer.write(data)
        await self.writer.drain()


def say(text: str) -> Answer:
    """Give this reply (several lines with CRLF between)."""

    async def answer(session: Session) -> None:
        await session.write(text)

    return answer


def say_and_close(text: str) -> Answer:
    """Give this reply and close the connection."""

    async def answer(session: Session) -> None:
        await session.write(text)
        raise Closing

    return answer


def drop() -> Answer:
    """Close the connection without a word."""

    async def answer(_session: Session) -> None:
        raise Closing

    return answer


def silence() -> Answer:
    """Never answer."""

    async def answer(_session: Session) -> None:
        await asyncio.Event().wait()

    return answer


def drip(piece: bytes) -> Answer:
    """Send a piece again and again, never a whole reply."""

    async def answer(session: Session) -> None:
        while True:
            await session.write(piece)
            await asyncio.sleep(0.01)

    return answer


@dataclass(slots=True, kw_only=True)
class FakeSmtp:
    """A server on a port of its own. Everything is closed on the way out."""

    tls: ssl.SSLContext | None = None
    implicit: bool = False
    """TLS from the first byte; otherwise `tls` is for STARTTLS, which is offered when it is given."""
    logins: str = "PLAIN LOGIN"
    """What AUTH is offered once the connection is encrypted (or always, without `tls`)."""
    mails: list[Mail] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    """Every command line that came, of all connections."""
    clear: bytearray = field(default_factory=bytearray)
    """Command lines that came unencrypted."""
    connections: int = 0
    port: int = 0
    _scripts: dict[str, list[Answer]] = field(default_factory=dict)
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def on(self, stage: str, *answers: Answer) -> Self:
        """Answer a stage with these, in order; the last one repeats."""
        self._scripts[stage] = list(answers)
        return self

    def commands(self, verb: str) -> list[str]:
        """Return the command lines that begin with a verb."""
        return [line for line in self.lines if line.upper().startswith(verb)]

    async def __aenter__(self) -> Self:
        context = self.tls if self.implicit else None
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(reader=reader, writer=writer, encrypted=self.implicit)
        try:
            await self._answer("CONNECT", session, "220 mail.test ready")
            while line := await session.reader.readline():
                await self._command(line.decode("latin-1").rstrip("\r\n"), session)
        except (Closing, ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            session.writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
                async with asyncio.timeout(0.5):
                    await session.writer.wait_closed()
            session.writer.transport.abort()
            await asyncio.sleep(0)  # the loop closes the socket in its next round

    async def _command(self, line: str, session: Session) -> None:
        self.lines.append(line)
        if not session.encrypted:
            self.clear += line.encode("latin-1") + b"\n"
        verb = line.split(" ", 1)[0].upper()
        match verb:
            case "EHLO":
                await self._answer("EHLO", session, self._extensions(session))
            case "STARTTLS":
                await self._starttls(session)
            case "AUTH":
                await self._auth(line, session)
            case "MAIL":
                session.sender, session.recipients = _address(line), []
                await self._answer("MAIL", session, "250 2.1.0 ok")
            case "RCPT":
                session.recipients.append(_address(line))
                await self._answer("RCPT", session, "250 2.1.5 ok")
            case "DATA":
                await self._data(session)
            case "QUIT":
                await self._answer("QUIT", session, "221 bye")
                raise Closing
            case _:
                await self._answer(verb, session, "250 ok")

    async def _answer(self, stage: str, session: Session, well: str) -> None:
        script = self._scripts.get(stage)
        if not script:
            await session.write(well)
            return
        answer = script.pop(0) if len(script) > 1 else script[0]
        await answer(session)

    def _extensions(self, session: Session) -> str:
        words = ["mail.test", "SIZE 10000000"]
        if self.tls and not session.encrypted:
            words.append("STARTTLS")
        elif self.logins:
            words.append(f"AUTH {self.logins}")
        return "\r\n".join([*(f"250-{word}" for word in words[:-1]), f"250 {words[-1]}"])

    async def _starttls(self, session: Session) -> None:
        await self._answer("STARTTLS", session, "220 go ahead")
        if self.tls is None or not session.last.startswith("220"):
            return
        await _upgrade(session, self.tls)

    async def _auth(self, line: str, session: Session) -> None:
        if line.upper().startswith("AUTH LOGIN"):
            await session.write("334 UGFzc3dvcmQ6")
            self.lines.append((await session.reader.readline()).decode().strip())
        await self._answer("AUTH", session, "235 2.7.0 welcome")

    async def _data(self, session: Session) -> None:
        await self._answer("DATA", session, "354 go on")
        if not session.last.startswith("354"):
            return
        data = bytearray()
        while (line := await session.reader.readline()) != b".\r\n":
            if not line:
                raise Closing
            data += line.removeprefix(b".")
        await self._answer("DOT", session, "250 2.0.0 queued as 4711")
        if session.last.startswith("250"):
            self.mails.append(
                Mail(
                    sender=session.sender,
                    recipients=tuple(session.recipients),
                    data=bytes(data),
                    encrypted=session.encrypted,
                )
            )


async def _upgrade(session: Session, context: ssl.SSLContext) -> None:
    """Put TLS under the connection (`StreamWriter.start_tls`, whose reader follows only from Python 3.12)."""
    loop = asyncio.get_running_loop()
    transport = session.writer.transport
    protocol = transport.get_protocol()
    encrypted = await loop.start_tls(transport, protocol, context, server_side=True)
    assert encrypted is not None
    session.reader._transport = encrypted
    protocol._over_ssl = True
    session.writer = asyncio.StreamWriter(encrypted, protocol, session.reader, loop)
    session.encrypted = True


def _address(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]
