"""What is refused before any route is asked: too much, too long. Pure ASGI, because it must be cheap."""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS = 12.0
"""For one request with its body and its answer."""

HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
)
"""With every answer: the challenge that is echoed must never be taken for a page (case 103)."""

log = structlog.get_logger("web")


class Bounds:
    """An application within limits of body and time; a defect in it is one 500 and one line in the log."""

    def __init__(self, app: ASGIApp, *, max_body: int, seconds: float = SECONDS) -> None:
        self._app, self._max_body, self._seconds = app, max_body, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                date = (b"date", formatdate(usegmt=True).encode("ascii"))
                message = {**message, "headers": [*message.get("headers", ()), *HEADERS, date]}
            await send(message)

        if _length(scope) > self._max_body:
            await _refuse(answer, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        try:
            async with asyncio.timeout(self._seconds):
                await self._app(scope, receive, answer)
        except TimeoutError:
            if not started:
                await _refuse(answer, HTTPStatus.REQUEST_TIMEOUT)
        except Exception:
            log.exception("a request failed unexpectedly", method=scope["method"])
            if not started:
                await _refuse(answer, HTTPStatus.INTERNAL_SERVER_ERROR)


def _length(scope: Scope) -> int:
    """Return the length that a request states; 0 where it states none that can be read (the server refuses those)."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    stated = next((value for name, value in headers if name == b"content-length"), b"")
    return int(stated[:18]) if stated.isdigit() else 0


async def _refuse(send: Any, status: HTTPStatus) -> None:
    body = f"{status.phrase}\n".encode("ascii")
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode("ascii"))]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})
