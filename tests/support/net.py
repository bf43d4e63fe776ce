"""The guarded client for tests: opened for loopback, closed at the end."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cache
from typing import Any

from monitor.net.client import Answer, Http, NetFailure
from monitor.net.transport import tls_context

LOOPBACK = ("127.0.0.0/8", "::1/128")
"""What `allow_networks` has to hold for a server of a test to be reached."""


@cache
def _tls() -> ssl.SSLContext:
    return tls_context()


@asynccontextmanager
async def http_client(**options: Any) -> AsyncIterator[Http]:
    client = Http(**({} if "ca_file" in options else {"tls": _tls()}) | options)
    try:
        yield client
    finally:
        await client.aclose()


async def get(client: Http, url: str, **options: Any) -> Answer | NetFailure:
    """Ask once, allowed to reach loopback, 2 s, 1 MiB, unless told otherwise."""
    settled = {"deadline": timedelta(seconds=2), "max_body": 1 << 20, "allow_networks": LOOPBACK} | options
    return await client.request(settled.pop("method", "GET"), url, **settled)
