"""What the server answers. Two routes; everything else is not there.

Whoever can reach it is a stranger: no page, no cookie, no redirect, nothing that depends on the Host header, and nothing said
about the program. The answer to a token that does not exist is the same as to a path that does not (threats S19, S23).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlsplit

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from monitor.feeds.callbacks import Reply
from monitor.feeds.websub import PATH
from monitor.model import Subscription
from monitor.web.bounds import Bounds
from monitor.web.rates import Rates
from monitor.web.room import Place, Room

MAX_PUSH = 3 * 1024 * 1024
"""Bytes of a pushed document; hubs push what is new."""

PATIENCE = 3.0
"""Seconds for which a push waits while others of its hub take all that hub may have."""

GRACE, SLOWEST, LONGEST = 2.0, 32 * 1024, 8.0
"""A body has 2 s and one more for every 32 KiB that came, 8 s at most: who drips is gone soon."""

FRESH = 1.0
"""Seconds for which a look at the health is kept: asking often must cost nothing."""

Health = Callable[[], Awaitable[Sequence[str]]]
"""Why the service is not well, in sentences; nothing when it is."""

log = structlog.get_logger("web")


class Callback(Protocol):
    """The subscriber's side of the callback (service/callback.py)."""

    def is_familiar(self, token: str) -> bool:
        """Tell whether a token is known without a look into the store."""

    async def verify(self, token: str, query: bytes) -> Reply:
        """Answer a GET."""

    async def find(self, token: str) -> Subscription | Reply:
        """Return the subscription that a POST is for, or the answer where there is none."""

    async def receive(
        self, subscription: Subscription, *, content_type: str | None, signatures: Sequence[str], body: bytes
    ) -> Reply:
        """Take the body of a POST."""


def make_app(*, health: Health, callback: Callback | None) -> Bounds:
    """Return the ASGI application; without a `callback` its path is not there."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.add_api_route("/healthz", _Healthz(health), methods=["GET", "HEAD"], response_model=None)
    if callback is not None:
        hub = _Hub(callback)
        app.add_api_route(f"{PATH}{{token}}", hub.verify, methods=["GET"], response_model=None)
        app.add_api_route(f"{PATH}{{token}}", hub.receive, methods=["POST"], response_model=None)
    app.add_exception_handler(HTTPException, _refused)
    return Bounds(app, max_body=MAX_PUSH)


async def _refused(_request: Request, error: Exception) -> Response:
    """Answer what has no route, or no such method, with the bare status."""
    assert isinstance(error, HTTPException)
    return _bare(error.status_code)


class _Healthz:
    """`GET` (or `HEAD`) `/healthz`: 200 while the service works, else 503 with the reasons."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self._looking = asyncio.Lock()
        self._reasons: Sequence[str] = ()
        self._at: float | None = None

    async def __call__(self) -> Response:
        async with self._looking:
            if self._at is None or time.monotonic() - self._at > FRESH:
                self._reasons = await self._health()
                self._at = time.monotonic()
        if self._reasons:
            content = {"status": "failing", "reasons": list(self._reasons)}
            return JSONResponse(content, HTTPStatus.SERVICE_UNAVAILABLE)
        return JSONResponse({"status": "ok"})


class _Hub:
    """The callback's routes."""

    def __init__(self, callback: Callback) -> None:
        self._callback = callback
        self._rates = Rates(time.monotonic)
        self._room = Room()

    async def verify(self, token: str, request: Request) -> Response:
        if not self._admits(token):
            return _bare(HTTPStatus.TOO_MANY_REQUESTS)
        return _said(await self._callback.verify(token, request.scope["query_string"]))

    async def receive(self, token: str, request: Request) -> Response:
        if not self._admits(token):
            return _bare(HTTPStatus.TOO_MANY_REQUESTS)
        found = await self._callback.find(token)
        if isinstance(found, Reply):
            return _said(found)
        with self._room.place(urlsplit(found.hub).netloc) as place:
            if place is None:
                return _bare(HTTPStatus.SERVICE_UNAVAILABLE)
            body = await _body(request, place)
            reply = await self._callback.receive(
                found,
                content_type=request.headers.get("content-type"),
                signatures=request.headers.getlist("x-hub-signature"),
                body=body,
            )
        return _said(reply)

    def _admits(self, token: str) -> bool:
        return self._rates.admits(token, familiar=self._callback.is_familiar(token))


async def _body(request: Request, place: Place) -> bytes:
    """Return a body; refuses one that is too long or too slow, or that its sender has no room for."""
    try:
        async with asyncio.timeout(PATIENCE):
            await place.reserve(_length(request))
    except TimeoutError:
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE) from None
    body, start = bytearray(), asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(GRACE) as limit:
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_PUSH:
                    raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                limit.reschedule(start + min(GRACE + len(body) / SLOWEST, LONGEST))
    except TimeoutError:
        raise HTTPException(HTTPStatus.REQUEST_TIMEOUT) from None
    except ClientDisconnect:
        raise HTTPException(HTTPStatus.BAD_REQUEST) from None
    return bytes(body)


def _length(request: Request) -> int:
    """Return how long a body can become: as long as it is stated, which the server holds it to, else as long as any may be."""
    stated = request.headers.get("content-length", "")
    return min(int(stated[-18:]), MAX_PUSH) if stated.isdecimal() else MAX_PUSH


def _said(reply: Reply) -> Response:
    if reply.status is not HTTPStatus.OK:
        return _bare(reply.status)
    return Response(reply.body, HTTPStatus.OK, headers={"content-type": "text/plain"})


def _bare(status: int) -> Response:
    """Return a status with its own name as the text."""
    headers = {"retry-after": "60"} if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE} else {}
    return Response(
        f"{HTTPStatus(status).phrase}\n".encode(), status, headers={"content-type": "text/plain", **headers}
    )
