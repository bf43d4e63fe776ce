"""Who is behind a host: the registrable domain, which rate limits count by.

Choice: Mozilla's public suffix list, of which only the part of the registries (ICANN) is used: `a.tumblr.com` and `b.tumblr.com`
belong to different people, but one operator serves and counts both. The list comes with the library; nothing is fetched.
"""

from __future__ import annotations

import contextlib
from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList

from monitor.net.guard import literal_address


@lru_cache(maxsize=16_384)
def registrable(host: str) -> str:
    """Return the domain that somebody registered and `host` is part of, in lower case.

    `news.example.co.uk` is `example.co.uk`. Addresses, single labels and suffixes themselves stand for themselves; names
    in other alphabets become their ASCII form, so that both spellings count together.
    """
    if (address := literal_address(host)) is not None:
        return str(address)
    name = host.lower().rstrip(".")
    with contextlib.suppress(UnicodeError):  # no name that could be looked up: it stands for itself
        name = name.encode("idna").decode("ascii")
    return _suffixes().privatesuffix(name) or name


@cache
def _suffixes() -> PublicSuffixList:
    """Return the list; loaded on first use (40 ms and 4 MB, 2 us a question, measured)."""
    return PublicSuffixList(only_icann=True)
