"""Where pushes of a feed can be had, from its links (WebSub section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit


def push_of(links: Mapping[str, tuple[str, ...]], url: str) -> tuple[str, str] | tuple[None, None]:
    """Return (hub, topic) of a document at `url`, (None, None) where there is none to trust.

    Hubs over https go first. The topic is what the document calls itself (`rel=self`), else its address; a self of another
    origin would subscribe us to somebody else's feed under this one's name, so it is refused (case 99). Only the scheme may
    differ: many publishers still write http there.
    """
    hubs = links.get("hub", ())
    topic = next(iter(links.get("self", ())), url)
    if not hubs or not _same_site(topic, url):
        return None, None
    return next((hub for hub in hubs if hub.startswith("https://")), hubs[0]), topic


def _same_site(left: str, right: str) -> bool:
    try:
        return _site(left) == _site(right)
    except ValueError:
        return False


def _site(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    standard = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.hostname, None if parts.port in {None, standard} else parts.port
