"""A small SMTP server (RFC 5321) that takes every message, or refuses as the scenario says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from monitor.replay.scenario import ReceiverFault

MAX_MESSAGE = 10 * 1024 * 1024
"""Bytes of one message; an alert has some ten thousand."""

IDLE = 300.0
"""Seconds of real time a client may stay silent (RFC 5321 section 4.5.3.2.7 asks for 5 minutes)."""

TakeMail = Callable[[Sequence[str], bytes], None]


class SmtpServer:
    """Listens on 127.0.0.1; `take` is called with recipients and message before the answer `250` is given."""

    def __init__(
        self, fault: Callable[[], ReceiverFault | None], take: TakeMail, refused: Callable[[str], None]
    ) -> None:
        self.port = 0
        self._fault = fault
        self._take = take
        self._refused = refused
        self._tasks = set[asyncio.Task[None]]()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._client, "127.0.0.1", 0, limit=MAX_MESSAGE)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await _Session(reader, writer, self._fault, self._take, self._refused).run()
        except (OSError, EOFError, asyncio.LimitOverrunError, TimeoutError):
            self._refused("the client went away")
        finally:
            self._tasks.discard(task)
            writer.transport.abort()


class _Session:
    """One connection: commands in, replies out."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        fault: Callable[[], ReceiverFault | None],
        take: TakeMail,
        refused: Callable[[str], None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._fault = fault
        self._take = take
        self._refused = refused
        self._sender: str | None = None
        self._recipients: list[str] = []

    async def run(self) -> None:
        fault = self._fault()
        if fault is not None and fault.status is None:
            self._refused("connection dropped")
            return
        if fault is not None and fault.status == 421:  # noqa: PLR2004 - the reply code that ends a session
            self._refused("421 at the greeting")
            await self._reply("421 4.3.2 inbox.example is closed, try again later")
            return
        await self._reply("220 inbox.example ESMTP")
        while line := await asyncio.wait_for(self._reader.readline(), IDLE):
            verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            if not await self._command(verb.upper(), rest):
                return

    async def _command(self, verb: str, rest: str) -> bool:
        """Answer one command; False ends the session."""
        match verb:
            case "EHLO":
                await self._reply(f"250-inbox.example\r\n250-SIZE {MAX_MESSAGE}\r\n250-8BITMIME\r\n250 SMTPUTF8")
            case "HELO" | "NOOP":
                await self._reply("250 inbox.example")
            case "RSET":
                self._sender, self._recipients = None, []
                await self._reply("250 2.0.0 forgotten")
            case "MAIL":
                self._sender, self._recipients = _address(rest), []
                await self._reply("250 2.1.0 sender noted")
            case "RCPT":
                self._recipients.append(_address(rest))
                await self._reply("250 2.1.5 recipient noted")
            case "DATA":
                await self._data()
            case "QUIT":
                with contextlib.suppress(OSError):
                    await self._reply("221 2.0.0 goodbye")
                return False
            case _:
                await self._reply("502 5.5.1 command not known")
        return True

    async def _data(self) -> None:
        if self._sender is None or not self._recipients:
            await self._reply("503 5.5.1 MAIL and RCPT come first")
            return
        await self._reply("354 end with a dot on a line of its own")
        data = await asyncio.wait_for(self._body(), IDLE)
        fault = self._fault()
        if fault is not None and fault.status is not None:
            self._refused(f"{fault.status} after the message")
            await self._reply(f"{fault.status} {fault.status // 100}.3.0 not now")
        else:
            self._take(tuple(self._recipients), data)
            await self._reply("250 2.0.0 taken")
        self._sender, self._recipients = None, []

    async def _body(self) -> bytes:
        """Read up to the line that is a single dot; leading dots of other lines are doubled on the wire (section 4.5.2)."""
        lines = []
        while (line := await self._reader.readuntil(b"\n")) not in {b".\r\n", b".\n"}:
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    async def _reply(self, text: str) -> None:
        self._writer.write(text.encode("ascii") + b"\r\n")
        await self._writer.drain()


def _address(rest: str) -> str:
    """Return the address of `FROM:<a@b> SIZE=10` or `TO:<a@b>`."""
    return rest.partition("<")[2].partition(">")[0]
