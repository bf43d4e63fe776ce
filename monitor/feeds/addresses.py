"""Addresses of feeds as they are asked: read once, remembered as text.

A parsed URL costs more than all else that a poll does around its request (30 us: measured), so what a poll needs of it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import httpx

from monitor.model import Secret
from monitor.net.guard import check_url
from monitor.net.urls import basic

ADDRESSES = 16_384
"""Addresses remembered as read; about 300 bytes each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address as read: what is asked, whose it is, and what stood in it."""

    url: str
    """Without credentials and fragment."""
    origin: tuple[str, str, int | None]
    credentials: Secret | None = None


def target_of(base: str, locations: list[str]) -> Address | None:
    """Return where a Location leads, resolved against the address that gave it; None when it leads nowhere we go.

    Spaces and raw UTF-8, which servers do send, are accepted; several different targets, backslashes, control characters
    and other schemes than http and https are not.
    """
    if len(set(locations)) != 1:
        return None
    location = _utf8(locations[0].strip())
    if not location or "\\" in location or any(char < " " or "\x7f" <= char <= "\x9f" for char in location):
        return None
    try:
        target = httpx.URL(base).join(location)
        leads = target.scheme in {"http", "https"} and target.host  # a host that is no name of the network raises here
    except (httpx.InvalidURL, ValueError):
        return None
    return parsed(target) if leads else None


def _utf8(text: str) -> str:
    """Return a header value that was read as Latin-1 as the UTF-8 it may be."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


class BadAddressError(Exception):
    """An address that cannot be asked; the text is the sentence that says why."""


@lru_cache(maxsize=ADDRESSES)
def read(url: str) -> Address:
    """Return an address as read; raise `BadAddressError` where it cannot be asked."""
    if sentence := check_url(url):  # before any parser has made it look harmless
        raise BadAddressError(sentence)
    try:
        return parsed(httpx.URL(url))
    except (httpx.InvalidURL, ValueError) as error:
        raise BadAddressError("The address cannot be read as a URL.") from error


def parsed(url: httpx.URL) -> Address:
    """Return an address as it is asked for and remembered: without credentials and fragment."""
    return Address(
        url=str(url.copy_with(userinfo=b"", fragment=None)),
        origin=(url.scheme, url.host, url.port),
        credentials=Secret(basic(url.username, url.password)) if url.userinfo else None,
    )
