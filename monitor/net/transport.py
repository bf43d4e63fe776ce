"""httpx's transport interface over httpcore's pool, dialling through the guard, and a record of how far a request came."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpcore
import httpx

from monitor.model import Secret
from monitor.net.dial import GuardedBackend, Resolve

IDLE_CONNECTIONS, IDLE_SECONDS = 8, 15.0
"""Connections kept for the next hop of a redirect or the next message; few, polls are minutes apart."""


class BadAnswerError(Exception):
    """An answer past our limits for heads; `str(error)` says which."""


@dataclass(slots=True)
class Progress:
    """How far one request came: filled while it runs, read when it fails."""

    stage: Literal["connect", "tls", "send", "wait", "read"] = "connect"
    fresh: bool = False
    """A connection was opened for it; a kept one may have been closed by the peer at any time."""
    sent: bool = False
    tunnelling: bool = False

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Follow httpcore's events (named `<part>.<what>.started`, `.complete`, `.failed`)."""
        match event.split(".", 1)[-1]:
            case "connect_tcp.started":
                self.fresh = True
            case "start_tls.started":
                self.stage = "tls"
            case "send_request_headers.started":
                self.tunnelling = info["request"].method == b"CONNECT"
                self.stage = "send"
            case "send_request_body.complete" if not self.tunnelling:
                self.stage, self.sent = "wait", True
            case "receive_response_headers.complete" if not self.tunnelling:
                self.stage = "read"


class GuardedTransport(httpx.AsyncBaseTransport):
    """httpx's transport over httpcore's pool with our way to the network; raises httpcore's errors and `dial`'s."""

    def __init__(
        self, *, resolve: Resolve, tls: ssl.SSLContext, allow_networks: tuple[str, ...], proxy: Secret | None
    ) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            proxy=None if proxy is None else _proxy(proxy, tls),
            max_connections=None,  # concurrency is owned by who asks
            max_keepalive_connections=IDLE_CONNECTIONS,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=GuardedBackend(resolve, allow_networks=allow_networks, exempt=proxy is not None),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request as it is and return its head; the body streams, undecoded."""
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        inner = httpcore.Request(
            request.method, url, headers=request.headers.raw, content=request.stream, extensions=request.extensions
        )
        response = await self._pool.handle_async_request(inner)
        return httpx.Response(response.status, headers=response.headers, stream=_Stream(response), request=request)

    async def aclose(self) -> None:
        """Close idle connections."""
        await self._pool.aclose()


class _Stream(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.aiter_stream():
            yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


def tls_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """Return the shared TLS settings: TLS 1.2 or later, verified against the bundled and the system's authorities."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _proxy(proxy: Secret, tls: ssl.SSLContext) -> httpcore.Proxy:
    url = httpx.URL(proxy.reveal())
    return httpcore.Proxy(
        url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/"),
        auth=(url.username.encode(), url.password.encode()) if url.userinfo else None,
        ssl_context=tls if url.scheme == "https" else None,
    )
