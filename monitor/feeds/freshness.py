"""What an answer's headers say about keeping and repeating: validators (RFC 9110 section 13) and freshness (RFC 9111)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType

from monitor.model import Validators
from monitor.net.headers import Lines, http_date

MAX_VALIDATOR = 1024
"""Bytes of an ETag or Last-Modified worth sending back (conformance case 24)."""

MAX_SECONDS = 2**31
"""Larger numbers count as this (RFC 9111 section 1.2.2)."""

USUAL = 200
"""Characters of a Cache-Control up to which its meaning is remembered."""

_DIRECTIVE = re.compile(r'\s*([^\s=,;"]+)(?:=("(?:[^"\\]|\\.)*"|[^,]*))?\s*(?:,|$)')


_AGE_END = re.compile(r"[,;]")
"""Of several ages the first counts, and no parameter (RFC 9111 section 5.1)."""

_SENDABLE = re.compile(rf"[\x20-\x7e\x80-\xff]{{1,{MAX_VALIDATOR}}}")


def directives(headers: Lines) -> Mapping[str, str | None]:
    """Return the directives of all Cache-Control lines: names in lower case, quotes removed, the first of each counts."""
    lines = headers.get_list("cache-control")
    text = ",".join(lines)
    return {} if not text else _usual(text) if len(text) <= USUAL else _read(text)


@lru_cache(maxsize=1024)
def _usual(text: str) -> Mapping[str, str | None]:
    """Return the directives of a text of ordinary length: servers send the same few for ever."""
    return _read(text)


def _read(text: str) -> Mapping[str, str | None]:
    found: dict[str, str | None] = {}
    for name, value in _directives(text):
        found.setdefault(name, value)
    return MappingProxyType(found)


def _directives(text: str) -> Iterator[tuple[str, str | None]]:
    at = 0
    while at < len(text):
        match = _DIRECTIVE.match(text, at)
        if match is None or match.end() == at:
            at = (text.find(",", at) + 1) or len(text)  # one that cannot be read spoils only itself
            continue
        at = match.end()
        value = match[2]
        quoted = value is not None and len(value) > 1 and value[0] == value[-1] == '"'
        yield match[1].lower(), value[1:-1] if quoted and value is not None else value


def freshness(headers: Lines, now: datetime) -> timedelta | None:
    """Return how long an answer stays fresh from here (RFC 9111 section 4.2), zero when stale, None when it does not say.

    `max-age` before `Expires`; `Expires` counts from the answer's own `Date` (from `now` without one); `Age` is taken
    off; `no-cache`, `no-store` and what cannot be read mean stale; `s-maxage` is for shared caches and means nothing here. An
    `Expires` that is written sloppily but names a moment is obeyed: a cache has to be strict to be right, we to be polite.
    """
    said = directives(headers)
    if "no-cache" in said or "no-store" in said:
        return timedelta(0)
    if "max-age" in said:
        lifetime = timedelta(seconds=_seconds(said["max-age"]))
    elif expires := headers.get_list("expires"):
        until = http_date(expires[0])
        since = http_date(_first(headers, "date")) or now
        lifetime = until - since if until is not None else timedelta(0)
    else:
        return None
    age = timedelta(seconds=_seconds(_AGE_END.split(_first(headers, "age") or "")[0]))
    return max(lifetime - age, timedelta(0))


def validators(url: str, headers: Lines) -> Validators | None:
    """Return what the next request to `url` may ask with, byte for byte; None when there is nothing to ask with."""
    if "no-store" in directives(headers):
        return None
    etag, modified = _usable(_first(headers, "etag")), _usable(_first(headers, "last-modified"))
    if etag is None and modified is None:
        return None
    return Validators(url=url, etag=etag, last_modified=modified)


def refreshed(stored: Validators, headers: Lines) -> Validators | None:
    """Return stored validators with what a 304 brought put over them (RFC 9111 section 3.2)."""
    if "no-store" in directives(headers):
        return None
    new = validators(stored.url, headers) or stored
    etag, modified = new.etag or stored.etag, new.last_modified or stored.last_modified
    return new if (etag, modified) == (new.etag, new.last_modified) else replace(new, etag=etag, last_modified=modified)


def _seconds(text: str | None) -> int:
    """Return delta-seconds, clamped; 0 for what is none."""
    if text is None or not (text.isascii() and text.isdigit()):
        return 0
    return min(int(text[:11]), MAX_SECONDS)


def _first(headers: Lines, name: str) -> str | None:
    return next(iter(headers.get_list(name)), None)


def _usable(value: str | None) -> str | None:
    """Return a validator that may be sent back: not empty, not huge, no control characters."""
    return value if value is not None and _SENDABLE.fullmatch(value) else None
