"""A webhook receiver that does what receivers are told to do: check the signature, keep the body, answer 204.

The check follows Standard Webhooks 1.0.0 (`webhook-id`, `webhook-timestamp`, `webhook-signature`), written here apart from
the sender's code so that one mistake cannot hide another. Timestamps are held against the virtual clock.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Self

from monitor.replay.clock import Hand
from monitor.replay.scenario import ReceiverFault

TOLERANCE = 300
"""Seconds that a timestamp may differ from the clock (Standard Webhooks 1.0.0, verifying webhook authenticity)."""

MAX_HEAD = 65_536
MAX_BODY = 4 * 1024 * 1024

TakeHook = Callable[[str, bytes, str], None]


def refusal_of(headers: Mapping[str, str], body: bytes, secret: str, now: float) -> str | None:
    """Return why a request is not genuine or not fresh, None when it is. `headers` in lower case, `now` in seconds."""
    identifier, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not identifier or not stamp.isdecimal():
        return "webhook-id or webhook-timestamp is missing"
    if abs(now - int(stamp)) > TOLERANCE:
        return f"the timestamp is {now - int(stamp):+.0f} s off"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{identifier}.{stamp}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = (part.partition(",") for part in headers.get("webhook-signature", "").split())
    if any(version == "v1" and hmac.compare_digest(value, wanted) for version, _, value in given):
        return None
    return "the signature does not fit"


class HookServer:
    """Listens on 127.0.0.1; `take` is called with id, body and headline before the answer is given."""

    def __init__(
        self,
        hand: Hand,
        secret: str,
        fault: Callable[[], ReceiverFault | None],
        take: TakeHook,
        refused: Callable[[str], None],
    ) -> None:
        self.port = 0
        self._hand = hand
        self._secret = secret
        self._fault = fault
        self._take = take
        self._refused = refused
        self._tasks = set[asyncio.Task[None]]()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._client, "127.0.0.1", 0, limit=MAX_HEAD)
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
            while await self._exchange(reader, writer):
                pass
        except (OSError, EOFError, asyncio.LimitOverrunError):
            pass  # the client ended the connection, between requests or within one: nothing was taken
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False ends the connection."""
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        size = headers.get("content-length", "")
        if not size.isdecimal() or int(size) > MAX_BODY:
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if size.isdecimal() else HTTPStatus.LENGTH_REQUIRED
            return await self._answer(writer, status, close=True)
        body = await reader.readexactly(int(size))
        fault = self._fault()
        if fault is not None:
            return await self._refuse(writer, fault)
        if not first.startswith("POST "):
            return await self._answer(writer, HTTPStatus.METHOD_NOT_ALLOWED)
        reason = refusal_of(headers, body, self._secret, self._hand.now.timestamp())
        if reason is not None:
            self._refused(reason)
            return await self._answer(writer, HTTPStatus.UNAUTHORIZED)
        self._take(headers["webhook-id"], body, _headline(body))
        return await self._answer(writer, HTTPStatus.NO_CONTENT)

    async def _refuse(self, writer: asyncio.StreamWriter, fault: ReceiverFault) -> bool:
        if fault.status is None:
            self._refused("connection dropped")
            return False
        self._refused(f"status {fault.status}")
        seconds = None if fault.retry_after is None else int(fault.retry_after.total_seconds())
        return await self._answer(writer, HTTPStatus(fault.status), retry_after=seconds)

    async def _answer(
        self, writer: asyncio.StreamWriter, status: HTTPStatus, *, retry_after: int | None = None, close: bool = False
    ) -> bool:
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", f"Date: {self._hand.http_date}"]
        if status is not HTTPStatus.NO_CONTENT:
            lines.append("Content-Length: 0")
        if retry_after is not None:
            lines.append(f"Retry-After: {retry_after}")
        if close:
            lines.append("Connection: close")
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        await writer.drain()
        return not close


def _headline(body: bytes) -> str:
    """Return the headline of an event for the list of arrivals, empty when it has none."""
    try:
        data = json.loads(body)
    except ValueError:
        return ""
    inner = data.get("data") if isinstance(data, dict) else None
    return str(inner.get("headline", "")) if isinstance(inner, dict) else ""
