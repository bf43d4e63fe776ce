"""By what a report is known again: identity keys, strongest first.

Problem: publishers leave GUIDs out, repeat them, change them hourly, put the headline into them; they append tracking
parameters, move from http to https, to www and to another host; one outlet shows an article in five feeds.
Choice: an entry has several keys, each a different way to be the same, and any stored key finds the report. A key that
cannot identify (a guid or link that stands on several entries of one document, a home page) is not made.
    l1  canonical link: scheme, www, tracking parameters, fragment and trailing slash gone
    g1  outlet and guid
    p1  outlet, path and query of the link, and folded title: an article that moved to another host
    t1  outlet, folded title and text: an entry whose guid and link both changed, or that never had any
Refused: one "best" key per feed (FreshRSS degrades whole feeds to it): each change of a publisher's habit alerts everything anew.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from monitor.language.text import forms
from monitor.model import Entry, Feed, content_key

TRACKING = re.compile(
    r"^(utm_\w+|mtm_\w+|pk_\w+|at_(medium|campaign|\w*)|ns_\w+|fbclid|gclid|dclid|yclid|ysclid|msclkid|igshid|mc_[ce]id|_openstat|from|ref|referrer|source|cmpid|cmp|rss|ito|xtor|spm|feature|ocid|smid)$",
    re.IGNORECASE,
)
"""Query parameters that say where a reader came from and never which article it is."""

LONG_TITLE = 4
"""Words a title needs before title and text together identify an entry without link and guid."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


def canonical_link(link: str) -> str | None:
    """Return a link in the form in which links are compared (no scheme), None for a home page or what is no http(s) link."""
    parts = _split(link)
    if parts is None:
        return None
    path, query = _path(parts), _query(parts)
    if path == "/" and not query:
        return None
    return _host(parts) + path + query


def keys_of(entry: Entry, feed: Feed) -> tuple[str, ...]:
    """Return the identity keys of an entry, strongest first; never empty."""
    title = " ".join(forms(entry.title))
    keys = []
    link = canonical_link(entry.link) if entry.link and not entry.link_repeated else None
    if link:
        keys.append(content_key("l1", link))
    if entry.guid and entry.guid.strip() and not entry.guid_repeated:
        keys.append(content_key("g1", feed.outlet, entry.guid.strip()))
    if link and title:
        keys.append(content_key("p1", feed.outlet, link.partition("/")[2], title))
    if len(title.split()) >= LONG_TITLE or not keys:
        keys.append(content_key("t1", feed.outlet, title, " ".join(forms(entry.summary))))
    return tuple(keys)


def _split(link: str) -> SplitResult | None:
    try:
        parts = urlsplit(link.strip())
        parts.port  # noqa: B018 - raises for a bad port
    except ValueError:
        return None
    return parts if parts.scheme.lower() in _DEFAULT_PORTS and parts.hostname else None


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower().rstrip(".").removeprefix("www.")
    port = parts.port if parts.port != _DEFAULT_PORTS[parts.scheme.lower()] else None
    return f"{host}:{port}" if port else host


def _path(parts: SplitResult) -> str:
    path = quote(unquote(parts.path), safe="/:@!$&'()*+,;=~-._")
    path = re.sub(r"/(index|default)\.(html?|php|aspx?)$", "/", path)
    return path.removesuffix("/amp").rstrip("/") or "/"


def _query(parts: SplitResult) -> str:
    kept = sorted(pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not TRACKING.match(pair[0]))
    return "?" + urlencode(kept) if kept else ""
