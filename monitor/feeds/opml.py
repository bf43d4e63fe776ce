"""Subscription lists of other readers: OPML 1.0 and 2.0, in and out.

Lists come from anywhere, so the XML is read by expat with any document type refused: without one there are no entities to
bomb or to fetch with.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass
from xml.parsers import expat

from monitor.errors import UsageError
from monitor.model import Feed
from monitor.net.guard import check_url

MAX_BYTES = 10 * 1024 * 1024
MAX_DEPTH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One feed of a list: where it is, what the list calls it, and the folder it stands in."""

    url: str
    title: str
    group: str | None = None
    language: str | None = None


def read_opml(data: bytes) -> tuple[Subscription, ...]:
    """Return the feeds of a list in its order, each address once. `UsageError` when it is no OPML.

    Outlines without a usable http(s) address are folders or foreign things and are left out.
    """
    if len(data) > MAX_BYTES:
        raise UsageError(f"The list is larger than {MAX_BYTES // (1024 * 1024)} MiB: that is no OPML file.")
    reader = _Reader()
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise UsageError(
            f"The list is no well-formed OPML: {expat.ErrorString(error.code)} in line {error.lineno}."
        ) from None
    if not reader.is_opml:
        raise UsageError("The file is XML, but no OPML: it must begin with <opml>.")
    first: dict[str, Subscription] = {}
    for found in reader.found:
        first.setdefault(found.url, found)
    return tuple(first.values())


class _Reader:
    """Expat's callbacks: a stack of folder names and what was found."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.found: list[Subscription] = []
        self.is_opml = False
        self._depth = 0
        self._folders: list[str | None] = []

    def _doctype(self, *_: object) -> None:
        raise UsageError("The list has a document type declaration (<!DOCTYPE>), which OPML does not need: refused.")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1:
            self.is_opml = name.lower() == "opml"
        if self._depth > MAX_DEPTH:
            raise UsageError(f"The list is nested deeper than {MAX_DEPTH} folders: refused.")
        if name.lower() != "outline":
            return
        said = {key.lower(): " ".join(value.split()) for key, value in attributes.items()}
        title = said.get("title") or said.get("text") or ""
        url = said.get("xmlurl") or (said.get("url", "") if said.get("type", "").lower() in {"rss", "atom"} else "")
        self._folders.append(None if url else title or None)
        if url and check_url(url) is None:
            self.found.append(
                Subscription(url=url, title=title or url, group=self._folder(), language=said.get("language") or None)
            )

    def _end(self, name: str) -> None:
        self._depth -= 1
        if name.lower() == "outline":
            self._folders.pop()

    def _folder(self) -> str | None:
        return next((folder for folder in reversed(self._folders) if folder), None)


def write_opml(feeds: Iterable[Feed], *, title: str = "Feeds") -> bytes:
    """Return feeds as OPML 2.0, in folders by group. Credentials (userinfo, headers, proxies) are never written."""
    root = ET.Element("opml", version="2.0")
    ET.SubElement(ET.SubElement(root, "head"), "title").text = title
    body = ET.SubElement(root, "body")
    folders: dict[str, ET.Element] = {}
    for feed in feeds:
        parent = body
        if feed.group:
            if feed.group not in folders:
                folders[feed.group] = ET.SubElement(body, "outline", text=feed.group, title=feed.group)
            parent = folders[feed.group]
        outline = {"type": "rss", "text": feed.name, "title": feed.name, "xmlUrl": _public(feed.url)}
        ET.SubElement(parent, "outline", outline | ({"language": feed.language} if feed.language else {}))
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _public(url: str) -> str:
    """Return an address without userinfo."""
    scheme, mark, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{mark}{authority.rpartition('@')[2]}{slash}{path}"
