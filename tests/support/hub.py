"""A hub (WebSub section 5 to 7) on loopback: takes subscriptions, verifies them, distributes with signatures, misbehaves on request.

The service's public address leads nowhere; `reach` is the port on which its callback really listens.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlencode, urlsplit

from support.http_server import FakeServer, Request, reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer of the callback."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True, kw_only=True)
class Held:
    """A subscription as the hub holds it."""

    callback: str
    topic: str
    secret: str | None
    verified: bool = False


@dataclass(slots=True, kw_only=True)
class FakeHub:
    """The hub; `lease` is what it grants, `answers` the statuses of its next answers (then 202)."""

    server: FakeServer
    reach: int = 0
    lease: int = 864000
    verifies: bool = True
    early: bool = False
    """Verify before the request is answered."""
    answers: list[int] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    """The forms that came, in order."""
    held: dict[str, Held] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    """What the callback answered to verifications."""
    _tasks: set[asyncio.Task[Said]] = field(default_factory=set)
    _verified: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        """Return the hub's address."""
        return self.server.url("/hub")

    async def __aenter__(self) -> Self:
        self.server.on("/hub", self._take)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _take(self, request: Request, writer: asyncio.StreamWriter) -> None:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        self.asked.append(form)
        status = self.answers.pop(0) if self.answers else 202
        accepted = 200 <= status < 300
        callback = form["hub.callback"]
        if accepted and form["hub.mode"] == "subscribe":
            self.held[callback] = Held(callback=callback, topic=form["hub.topic"], secret=form.get("hub.secret"))
        if accepted and self.verifies and self.early:
            await self.verify(callback, mode=form["hub.mode"], topic=form["hub.topic"])
        await reply(status, b"" if accepted else b"sorry, not now")(request, writer)
        if accepted and self.verifies and not self.early:
            task = asyncio.ensure_future(self.verify(callback, mode=form["hub.mode"], topic=form["hub.topic"]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def verify(self, callback: str, *, mode: str, topic: str, challenge: str = "ch4ll/énge", **more: str) -> Said:
        """Ask the callback, as section 5.3 has it; remember whether it agreed."""
        fields = {"hub.mode": mode, "hub.topic": topic, "hub.challenge": challenge}
        if mode == "subscribe":
            fields["hub.lease_seconds"] = str(self.lease)
        said = await self.call("GET", f"{_path(callback)}?{urlencode(fields | more)}")
        agreed = said.status == 200 and said.body == challenge.encode()
        if callback in self.held and agreed:
            if mode == "subscribe":
                self.held[callback].verified = True
            else:
                del self.held[callback]
        async with self._verified:
            self.said.append(said)
            self._verified.notify_all()
        return said

    async def verified(self, count: int) -> None:
        """Wait until that many verifications were answered."""
        async with asyncio.timeout(5), self._verified:
            await self._verified.wait_for(lambda: len(self.said) >= count)

    async def push(
        self,
        held: Held,
        body: bytes,
        *,
        method: str = "sha256",
        signature: str | None = "",
        headers: Sequence[tuple[str, str]] = (("Content-Type", "application/rss+xml"),),
    ) -> Said:
        """Distribute a document, signed where there is a secret; `signature` replaces it, None leaves it out."""
        lines = list(headers)
        if signature == "" and held.secret is not None:
            signature = f"{method}={hmac.new(held.secret.encode(), body, method).hexdigest()}"
        if signature:
            lines.append(("X-Hub-Signature", signature))
        return await self.call("POST", _path(held.callback), body, lines)

    async def call(self, method: str, target: str, body: bytes = b"", headers: Sequence[tuple[str, str]] = ()) -> Said:
        """Send one request to the service."""
        return await call(self.reach, method, target, body, headers)

    def only(self) -> Held:
        """Return the one subscription held."""
        (held,) = self.held.values()
        return held


def _path(callback: str) -> str:
    """Return what is left of a callback's path behind the reverse proxy of the public address."""
    return "/websub/" + urlsplit(callback).path.partition("/websub/")[2]


async def call(port: int, method: str, target: str, body: bytes = b"", headers: Sequence[tuple[str, str]] = ()) -> Said:
    """Send one request over a connection of its own and return the answer."""
    lines = [f"{method} {target} HTTP/1.1", "Host: anything.example", *(f"{name}: {value}" for name, value in headers)]
    if method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return await talk(port, "\r\n".join([*lines, "", ""]).encode() + body)


async def talk(port: int, data: bytes) -> Said:
    """Send these bytes and return the answer; status 0 where the connection ended without one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(20):
            writer.write(data)
            answer = await reader.read()
    except ConnectionError:
        answer = b""
    finally:
        writer.close()
    return _read(answer)


def _read(answer: bytes) -> Said:
    block, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = block.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Said(status=int(first.split(" ")[1]) if first else 0, headers=headers, body=body)
