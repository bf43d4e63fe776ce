"""Items of aggregators that hide where an article is: publisher, headline and address recovered, without asking anybody.

Google News: the title ends in ` - Publisher`, `<source>` names the publisher, the link leads to Google under an id. Ids of the old
form (`CBMi` and base64 of a small protocol buffer) hold the article's address in their field 4. In the form that came in 2024 that
field holds an opaque token (`AU_yqL...`) which only Google can resolve, by requests that its terms do not welcome: such items keep
Google's link. The description repeats headlines, those of other articles too: it is no text of this one and is left out.
Google Alerts and Bing News lead through an address of their own with the article's in a parameter.
"""

from __future__ import annotations

import base64
import binascii
import html
from dataclasses import replace
from urllib.parse import SplitResult, parse_qs, urlsplit

from monitor.feeds.entries import Item
from monitor.net.guard import check_url

GOOGLE = "news.google.com"

WRAPPERS = {
    ("www.google.com", "/url"): ("url", "q"),
    ("www.bing.com", "/news/apiclick.aspx"): ("url",),
}
"""Addresses that only lead on, and the parameters in which they say where to."""

MAX_NAME = 80
"""Characters of a publisher's name; what is longer behind the last dash belongs to the headline."""

_DASH = " - "
_FIELD_4_BYTES = 4 << 3 | 2
"""Field 4 of a protocol buffer, with a length before its bytes (wire type 2)."""


def recover(item: Item) -> Item:
    """Return an item of Google News, Google Alerts or Bing News with what can be recovered; any other item as it is."""
    place = _place(item.links[0]) if item.links else None
    if place is None:
        return item
    link = original(item.links[0])
    links = (link, *item.links) if link else item.links
    if place.hostname != GOOGLE:
        return replace(item, links=links)
    headline, publisher = split_title(item.title.value, item.source_name)
    title = replace(item.title, value=headline)
    return replace(item, links=links, title=title, bodies=(), source_name=publisher)


def original(link: str) -> str | None:
    """Return the address of the article that an aggregator's link leads to, None where it does not say."""
    place = _place(link)
    if place is None:
        return None
    if place.hostname == GOOGLE:
        found = _decoded(place.path.rpartition("/")[2])
    else:
        said = parse_qs(place.query)
        names = WRAPPERS[place.hostname or "", place.path]
        found = next((said[name][0] for name in names if name in said), None)
    return found if found and check_url(found) is None else None


def split_title(title: str, publisher: str | None) -> tuple[str, str | None]:
    """Return headline and publisher of a title `Headline - Publisher`; `publisher` is what the item says elsewhere, if it does.

    A title that ends in something else than the publisher is not touched.
    """
    if publisher:
        tail = _DASH + _folded(publisher)
        if not _folded(title).endswith(tail):
            return title, publisher
        headline = title.rstrip()
        for _ in range(publisher.count(_DASH) + 1):  # names may hold a dash themselves
            headline = headline.rpartition(_DASH)[0]
        return headline.strip() or title, publisher
    headline, dash, name = title.rpartition(_DASH)
    if not dash or not headline.strip() or not 0 < len(name.strip()) <= MAX_NAME:
        return title, None
    return headline.strip(), html.unescape(name.strip())


def _place(link: str) -> SplitResult | None:
    """Return the parts of an aggregator's link, None for all other links."""
    if "google.com/" not in link and "bing.com/" not in link:
        return None
    try:
        place = urlsplit(link.strip())
    except ValueError:
        return None
    wrapped = place.hostname == GOOGLE or (place.hostname or "", place.path) in WRAPPERS
    return place if wrapped and place.scheme in {"http", "https"} else None


def _decoded(name: str) -> str | None:
    """Return field 4 of the protocol buffer in an id: an address in the old form, a token in the new one."""
    try:
        data = base64.b64decode(name + "=" * (-len(name) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        size, at = _varint(data, at)  # a number, or the length of bytes
        if key == _FIELD_4_BYTES:
            value = data[at : at + size]
            return value.decode() if value.isascii() else None
        if key & 7 == 2:  # noqa: PLR2004 - wire type: bytes follow
            at += size
    return None


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number at a position (7 bits a byte, the lowest first) and where it ends."""
    number, shift = 0, 0
    while at < len(data) and shift < 64:  # noqa: PLR2004 - bits of the largest number
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004 - the last byte of a number
            break
    return number, at


def _folded(text: str) -> str:
    return " ".join(html.unescape(text).split()).casefold()
