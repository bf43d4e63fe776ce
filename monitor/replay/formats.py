"""Feeds as publishers write them: RSS 2.0, Atom 1.0 and RSS 1.0, with their habits. Pure: no clock, no socket.

Written by hand and not with the standard library's XML writer, because publishers do things it refuses to do
(repeated guids, text that is markup, legacy encodings with character references).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from monitor.replay.scenario import Body, Format, Guids, Links, Outlet

_ESCAPES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;"}
_CONTROL = {code: None for code in range(32) if code not in {9, 10, 13}}
"""Characters that XML 1.0 forbids (section 2.2)."""

CONTENT_TYPES = {
    Format.RSS: "application/rss+xml",
    Format.ATOM: "application/atom+xml",
    Format.RDF: "application/rdf+xml",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry as it is shown: `published` keeps the offset it is written with, `updated` is its latest change."""

    id: str
    path: str
    title: str
    text: str
    published: datetime
    updated: datetime


def escape(text: str) -> str:
    """Return text for use in an XML element or a quoted attribute."""
    return text.translate(_CONTROL).translate(_ESCAPES)


def document(outlet: Outlet, items: Sequence[Item], *, day: int, changed: datetime, guid_suffix: str = "") -> bytes:
    """Return the feed's bytes in its encoding.

    `day` counts days and turns the habits that change daily; `guid_suffix` is put to all guids while they are wrong.
    """
    write = _WRITERS[outlet.format]
    text = write(outlet, [_Shown.of(outlet, item, day, guid_suffix) for item in items], changed)
    declared = f'<?xml version="1.0" encoding="{outlet.encoding}"?>\n{text}\n'
    return declared.encode(outlet.encoding, "xmlcharrefreplace")


def link_of(outlet: Outlet, path: str, day: int) -> str:
    """Return the link as the outlet writes it on that day."""
    host = outlet.home.split("://", 1)[-1]
    match outlet.links:
        case Links.RELATIVE:
            return path
        case Links.TRACKING:
            return f"{outlet.home}{path}?utm_source=rss&utm_medium=feed&utm_campaign=day{day}"
        case Links.MOVING:
            return f"{('https://', 'http://', 'https://www.')[day % 3]}{host}{path}"
        case _:
            return outlet.home + path


def number_of(identifier: str) -> int:
    """Return a stable article number for an entry, as content systems give them."""
    number = 0
    for char in identifier:
        number = (number * 131 + ord(char)) % 9_000_000
    return 1_000_000 + number


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """An item as this outlet shows it; every text is escaped already."""

    link: str
    guid: str | None
    permalink: bool
    title: str
    plain: str | None
    html: str | None
    published: datetime
    updated: datetime

    @classmethod
    def of(cls, outlet: Outlet, item: Item, day: int, guid_suffix: str) -> _Shown:
        guid = _guid(outlet, item, day)
        return cls(
            link=escape(link_of(outlet, item.path, day)),
            guid=None if guid is None else escape(guid + guid_suffix),
            permalink=outlet.guids is Guids.PERMALINK and outlet.links is not Links.RELATIVE and not guid_suffix,
            title=escape(item.title),
            plain=_plain(outlet, item),
            html=None if outlet.body is Body.TEXT else escape(_html(item)),
            published=item.published,
            updated=item.updated,
        )


def _guid(outlet: Outlet, item: Item, day: int) -> str | None:
    match outlet.guids:
        case Guids.MISSING:
            return None
        case Guids.REPEATED:
            return outlet.home + "/"
        case Guids.NUMBER:
            return str(number_of(item.id))
        case Guids.TITLE:
            return item.title
        case Guids.TAG:
            return f"tag:{outlet.home.split('://', 1)[-1]},{item.published:%Y}:{number_of(item.id)}"
        case _:
            return link_of(outlet, item.path, day)


def _plain(outlet: Outlet, item: Item) -> str | None:
    match outlet.body:
        case Body.TEXT:
            return escape(item.text)
        case Body.BOTH:
            return escape(item.text.partition(". ")[0].rstrip(".") + ".")
        case _:
            return None


def _html(item: Item) -> str:
    """Return the text as markup: the first sentence as a paragraph of its own, as content systems like it."""
    first, dot, rest = item.text.partition(". ")
    paragraphs = [first + dot.strip(), rest] if rest else [item.text]
    return "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)


def _rss(outlet: Outlet, shown: Sequence[_Shown], changed: datetime) -> str:
    items = "\n".join(_rss_item(outlet, item) for item in shown)
    return (
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>\n'
        f"<title>{escape(outlet.name)}</title><link>{escape(outlet.home)}/</link>"
        f"<description>{escape(outlet.name)}</description><language>{outlet.language}</language>"
        f"<lastBuildDate>{format_datetime(changed.astimezone(UTC), usegmt=True)}</lastBuildDate>\n"
        f"{items}\n</channel></rss>"
    )


def _rss_item(outlet: Outlet, item: _Shown) -> str:
    permalink = "" if item.permalink else ' isPermaLink="false"'
    parts = [f"<title>{item.title}</title><link>{item.link}</link>"]
    if item.guid is not None:
        parts.append(f"<guid{permalink}>{item.guid}</guid>")
    parts.append(f"<pubDate>{format_datetime(item.published)}</pubDate>")
    parts.append(_description(outlet, item))
    return "<item>" + "".join(parts) + "</item>"


def _description(outlet: Outlet, item: _Shown) -> str:
    if outlet.body is Body.BOTH:
        return f"<description>{item.plain}</description><content:encoded>{item.html}</content:encoded>"
    return f"<description>{item.plain or item.html}</description>"


def _atom(outlet: Outlet, shown: Sequence[_Shown], changed: datetime) -> str:
    entries = "\n".join(_atom_entry(outlet, item) for item in shown)
    home = escape(outlet.home)
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{outlet.language}" xml:base="{home}/">\n'
        f'<id>{home}/</id><title>{escape(outlet.name)}</title><link href="{home}/"/>'
        f"<author><name>{escape(outlet.name)}</name></author>"
        f"<updated>{changed.astimezone(UTC).isoformat(timespec='seconds')}</updated>\n{entries}\n</feed>"
    )


def _atom_entry(outlet: Outlet, item: _Shown) -> str:
    parts = [f'<title>{item.title}</title><link href="{item.link}"/>']
    if item.guid is not None:
        parts.append(f"<id>{item.guid}</id>")
    parts.append(f"<published>{item.published.isoformat(timespec='seconds')}</published>")
    parts.append(f"<updated>{item.updated.isoformat(timespec='seconds')}</updated>")
    if item.plain is not None:
        parts.append(f"<summary>{item.plain}</summary>")
    if outlet.body is not Body.TEXT:
        parts.append(f'<content type="html">{item.html}</content>')
    return "<entry>" + "".join(parts) + "</entry>"


def _rdf(outlet: Outlet, shown: Sequence[_Shown], changed: datetime) -> str:
    home = escape(outlet.home)
    order = "".join(f'<rdf:li rdf:resource="{item.link}"/>' for item in shown)
    items = "\n".join(_rdf_item(outlet, item) for item in shown)
    return (
        '<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/">\n'
        f'<channel rdf:about="{home}/"><title>{escape(outlet.name)}</title><link>{home}/</link>'
        f"<description>{escape(outlet.name)}</description><dc:language>{outlet.language}</dc:language>"
        f"<dc:date>{changed.astimezone(UTC).isoformat(timespec='seconds')}</dc:date>"
        f"<items><rdf:Seq>{order}</rdf:Seq></items></channel>\n{items}\n</rdf:RDF>"
    )


def _rdf_item(outlet: Outlet, item: _Shown) -> str:
    about = "" if item.guid is None else f' rdf:about="{item.guid}"'
    return (
        f"<item{about}><title>{item.title}</title><link>{item.link}</link>"
        f"<dc:date>{item.published.isoformat(timespec='seconds')}</dc:date>{_description(outlet, item)}</item>"
    )


_WRITERS: dict[Format, Callable[[Outlet, Sequence[_Shown], datetime], str]] = {
    Format.RSS: _rss,
    Format.ATOM: _atom,
    Format.RDF: _rdf,
}
