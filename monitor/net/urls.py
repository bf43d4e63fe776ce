"""URLs in messages and headers: what may be shown of them, and credentials written in them."""

from __future__ import annotations

import base64

import httpx


def basic(username: str, password: str) -> str:
    """Return the value of an `Authorization` header of the Basic scheme (RFC 7617, UTF-8)."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def redact(url: str) -> str:
    """Return a URL fit for logs and messages: no userinfo, no fragment, `?…` for a query."""
    try:
        parsed = httpx.URL(url)
        bare = parsed.copy_with(userinfo=b"", query=None, fragment=None)
    except (httpx.InvalidURL, ValueError, TypeError):
        return "(an address that cannot be read)"
    return f"{bare}?…" if parsed.query else str(bare)


def origin(url: str) -> str:
    """Return scheme, host and port of a URL: what to name where its path is a secret (chat webhooks)."""
    try:
        return str(httpx.URL(url).copy_with(userinfo=b"", raw_path=b"/", fragment=None)).removesuffix("/")
    except (httpx.InvalidURL, ValueError, TypeError):
        return "(an address that cannot be read)"
