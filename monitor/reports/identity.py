"""By what a report is known again: identity keys, strongest first.

Problem: publishers leave GUIDs out, repeat them, change them hourly, put the headline into them; they append tracking
parameters, move from http to https, to www and to another host; one outlet shows an article in five feeds.
Choice: an entry has several keys, each a different way to be the same, and any stored key finds a report (whether that one
is meant is `reports.recognise`'s question). A key that cannot identify (a guid or link that stands on several entries of one
document, a home page) is not made.
    l1  canonical link: scheme, www, mobile and AMP forms, tracking parameters, fragment and trailing slash gone
    o1  outlet and canonical link: for an outlet's own report where the link already leads to another outlet's
    g1  outlet and guid
    p1  outlet, path and query of the link, and folded title: an article that moved to another host
    t1  outlet, folded title and text: an entry whose guid and link both changed, or that never had any. Short words are the
        same only at the same time: `Weather for tomorrow` comes every day.
    e1  all of these together: for an entry whose other keys belong to other reports, or to one that another outlet edits
Refused: one "best" key per feed (FreshRSS degrades whole feeds to it): each change of a publisher's habit alerts everything anew.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from functools import lru_cache
from urllib.parse import SplitResult, parse_qsl, quote_from_bytes, unquote_to_bytes, urlencode, urlsplit

from monitor.language.text import forms
from monitor.model import Entry, Feed, content_key

TRACKING = re.compile(
    r"^(utm_\w+|mtm_\w+|pk_\w+|at_(medium|campaign|\w*)|ns_\w+|fbclid|gclid|dclid|yclid|ysclid|msclkid|igshid|mc_[ce]id|_openstat|from|ref|referrer|source|cmpid|cmp|rss|ito|xtor|spm|feature|ocid|smid|amp|outputtype)$",
    re.IGNORECASE,
)
"""Query parameters that say where a reader came from or how a page is drawn, and never which article it is."""

SUBSTANCE = 12
"""Words of title and text from which they identify an entry by themselves."""

LONG_TITLE = 4
"""Words from which a title and its time identify an entry without text."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_TWINS = ("www.", "amp.", "m.", "mobile.")
_INDEX = re.compile(r"(index|default)\.(html?|php|aspx?)")
_AMP = re.compile(r"(?<=[^/])[.-]amp(?=(\.html?)?$)")
_SEGMENT = ":@!$&'()*+,;=~-._"
"""Characters of a path segment that need no escape (RFC 3986 section 3.3)."""


@lru_cache(maxsize=1024)
def canonical_link(link: str) -> str | None:
    """Return a link in the form in which links are compared (no scheme), None for a home page or what is no http(s) link."""
    parts = _split(link)
    if parts is None:
        return None
    place = _path(parts) + _query(parts) + _route(parts)
    return None if place == "/" else _host(parts) + place


def is_own(entry: Entry, feed: Feed) -> bool:
    """Tell whether an entry leads to the site its feed comes from: then it is the outlet's own, not an aggregator's."""
    link, site = _split(entry.link or ""), _split(feed.url)
    if link is None or site is None:
        return False
    one, other = _host(link), _host(site)
    return one == other or one.endswith("." + other) or other.endswith("." + one)


def keys_of(entry: Entry, feed: Feed) -> tuple[str, ...]:
    """Return the identity keys of an entry, strongest first; never empty."""
    title, text = forms(entry.title), forms(entry.summary)
    words = (" ".join(title), " ".join(text))
    link = canonical_link(entry.link) if entry.link else None
    guid = (entry.guid or "").strip()
    keys = []
    if link and not entry.link_repeated:
        keys += [content_key("l1", link), content_key("o1", feed.outlet, link)]
    if guid and not entry.guid_repeated:
        keys.append(content_key("g1", feed.outlet, guid))
    if not keys:
        when = "" if len(title) + len(text) >= SUBSTANCE else _stamp(entry.published)[:10]
        return (content_key("t1", feed.outlet, *words, when),)
    if link and title and not entry.link_repeated:
        keys.append(content_key("p1", feed.outlet, link[link.index("/") :], words[0]))
    if len(title) + len(text) >= SUBSTANCE:
        keys.append(content_key("t1", feed.outlet, *words, ""))
    elif len(title) >= LONG_TITLE and entry.published:
        keys.append(content_key("t1", feed.outlet, *words, _stamp(entry.published)))
    return (*keys, content_key("e1", feed.outlet, link or "", guid, *words))


def _stamp(published: datetime | None) -> str:
    return published.isoformat() if published else ""


def _split(link: str) -> SplitResult | None:
    try:
        parts = urlsplit(link.strip())
        parts.port  # noqa: B018 - raises for a bad port
    except ValueError:
        return None
    return parts if parts.scheme.lower() in _DEFAULT_PORTS and parts.hostname else None


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower().rstrip(".")
    for twin in _TWINS:
        if host.startswith(twin) and "." in host.removeprefix(twin):
            host = host.removeprefix(twin)
    port = parts.port if parts.port != _DEFAULT_PORTS[parts.scheme.lower()] else None
    return _ascii(host) + (f":{port}" if port else "")


def _ascii(host: str) -> str:
    """Return an international name as the network has it, as it stands where it has no such form."""
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def _path(parts: SplitResult) -> str:
    segments: list[str] = []
    for segment in parts.path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in {"", "."}:
            segments.append(quote_from_bytes(_composed(unquote_to_bytes(_raw(segment))), safe=_SEGMENT))
    if segments and _INDEX.fullmatch(segments[-1]):
        segments.pop()
    if len(segments) > 1:  # `/amp` alone may be the page about it
        segments = segments[segments[0] == "amp" :]
        segments = segments[: len(segments) - (segments[-1] == "amp")]
    return "/" + _AMP.sub("", "/".join(segments))


def _query(parts: SplitResult) -> str:
    """Return the query sorted, without tracking. Bytes pass as Latin-1: old sites escape other charsets than UTF-8."""
    pairs = parse_qsl(_raw(parts.query).decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    kept = sorted((name, value) for name, value in pairs if not TRACKING.match(name))
    composed = [(_composed(name.encode("latin-1")), _composed(value.encode("latin-1"))) for name, value in kept]
    return "?" + urlencode(composed) if kept else ""


def _route(parts: SplitResult) -> str:
    """Return the fragment where it names a page (`#!/news/5`), nothing where it names a place in one."""
    return f"#{parts.fragment}" if parts.fragment.startswith(("!", "/")) else ""


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _composed(data: bytes) -> bytes:
    """Return UTF-8 in composed form, anything else as it is."""
    try:
        return unicodedata.normalize("NFC", data.decode("utf-8")).encode("utf-8")
    except UnicodeDecodeError:
        return data
