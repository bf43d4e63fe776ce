"""Links between documents: those of `Link` headers (RFC 8288) and of a page's head, and which of them leads to older entries.

A relation is a key in lower case, its targets are absolute http(s) addresses in their order; what leads elsewhere is left out.
The header goes before the document (WebSub section 4): whoever runs the server decides, not who writes into its pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Literal
from urllib.parse import parse_qsl, urldefrag, urlencode, urljoin, urlsplit

from monitor.net.guard import check_url
from monitor.ports import Head

Links = Mapping[str, tuple[str, ...]]

Way = Literal["archive", "page", "wordpress"]
"""How older entries are reached: an archive document, the next page of a paged feed, WordPress's `paged` parameter."""

MAX_LINKS = 200
"""Links taken of one answer or page; more say nothing about a feed."""

MAX_HEADER = 16_384
"""Characters of a header line that are read."""

MAX_PAGE = 512 * 1024
"""Characters of a page in which its head is looked for; inline styles make heads of 300 kB."""

BODY = frozenset({
    "body", "frameset", "div", "p", "h1", "h2", "h3", "h4", "h5", "h6", "article", "section", "main", "nav", "header", "footer",
    "aside", "form", "table", "ul", "ol", "dl", "hr",
})  # fmt: skip
"""Elements that only a body has: the head ends before them, closed or not. Stray ones such as `<br>` end nothing."""

UNREAD = frozenset({"noscript", "template", "svg"})
"""Elements of a head in which links mean nothing; what stands in them does not end the head."""

_TARGET = re.compile(r"[\s,]*+<([^>]{0,2048})>")
_UNREADABLE = re.compile(r"[^,]*+[\s,]*+")
_PARAMETER = re.compile(r'\s*;\s*([^\s=;,"<>]*)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s;,"]*))?')
_ESCAPED = re.compile(r"\\(.)")

_WORDPRESS = "wordpress.org/"
"""In the `<generator>` of each of its feeds."""

_WORDPRESS_API = "https://api.w.org/"
"""Relation of the Link header that WordPress sends with everything."""


# --- Link headers -----------------------------------------------------------------------------------------------------


def header_links(lines: Iterable[str], url: str) -> Links:
    """Return the targets of Link header lines by relation, resolved against the address that answered.

    RFC 8288: one line holds many links, one link several relations, the first `rel` of a link counts, quoted strings may hold
    commas and semicolons. A link whose `anchor` is another resource says nothing about this one (section 3.2).
    """
    pairs = ((rel, target) for line in lines for target, rels in _links(line[:MAX_HEADER], url) for rel in rels)
    return _collected(pairs)


def _links(line: str, url: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (absolute target, relations) of each link of a line; one that cannot be read spoils only itself."""
    at = 0
    while at < len(line):
        match = _TARGET.match(line, at)
        if match is None:
            unreadable = _UNREADABLE.match(line, at)
            at = unreadable.end() if unreadable else len(line)
            continue
        said, at = _parameters(line, match.end())
        anchor = said.get("anchor")
        if anchor is not None and _joined(url, anchor) != url:
            continue
        target = absolute(url, match[1])
        if target is not None:
            yield target, tuple(said.get("rel", "").lower().split())


def _parameters(line: str, at: int) -> tuple[dict[str, str], int]:
    """Return the parameters that begin at a position, the first of each name, and where they end."""
    said: dict[str, str] = {}
    while match := _PARAMETER.match(line, at):
        at = match.end()
        value = match[2] or ""
        quoted = len(value) > 1 and value[0] == '"'
        said.setdefault(match[1].lower(), _ESCAPED.sub(r"\1", value[1:-1]) if quoted else value)
    return said, at


def merged(*sources: Links) -> Links:
    """Return links of several sources as one, the targets of the first source first (Link header before document), each once."""
    return _collected((rel, target) for links in sources for rel, targets in links.items() for target in targets)


def _collected(pairs: Iterable[tuple[str, str]]) -> Links:
    found: dict[str, dict[str, None]] = {}
    for number, (rel, target) in enumerate(pairs):
        if number >= MAX_LINKS:
            break
        found.setdefault(rel, {})[target] = None
    return {rel: tuple(targets) for rel, targets in found.items()}


def absolute(base: str, link: str) -> str | None:
    """Return a link as the absolute http(s) address to ask, without fragment; None when it is none."""
    joined = _joined(base, link.strip().replace(" ", "%20"))
    if joined is None or check_url(joined) is not None:
        return None
    return urldefrag(joined).url


def _joined(base: str, link: str) -> str | None:
    try:
        return urljoin(base, link)
    except ValueError:
        return None


# --- pages ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLink:
    """A `<link>` of a page's head: absolute target, relations and media type in lower case, title as written."""

    url: str
    rels: tuple[str, ...]
    type: str
    title: str


def page_links(html: str, url: str) -> tuple[PageLink, ...]:
    """Return the `<link>` elements of a page's head, in order. HTML of any age and XHTML; reads at most `MAX_PAGE` characters."""
    reader = _PageReader(url)
    reader.feed(html[:MAX_PAGE])  # never closed: what is left unfinished at the end would be searched again and again
    return tuple(reader.found)


class _PageReader(HTMLParser):
    """The standard parser's callbacks, deaf once the head has ended."""

    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[PageLink] = []
        self._base = url
        self._based = False
        self._unread = 0
        self._opened = self._over = self._closed = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "head":
            self._opened, self._over = True, False  # junk may stand before a head
        elif tag in UNREAD:
            self._unread += 1
        elif self._unread or self._closed:
            return
        elif tag in BODY:
            self._over = True
            self._closed = self._opened or tag in {"body", "frameset"}
        elif self._over:
            return
        elif tag == "base":
            self._rebase(dict(reversed(attrs)).get("href"))
        elif tag == "link" and len(self.found) < MAX_LINKS:
            self._link({name: value or "" for name, value in reversed(attrs)})

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in UNREAD:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in UNREAD:
            self._unread = max(self._unread - 1, 0)
        elif tag == "head":
            self._over = self._closed = True

    def _rebase(self, href: str | None) -> None:
        """Take the first base; links before it keep the page's own address, as feedfinder's pages have it."""
        base = absolute(self._base, href) if href and not self._based else None
        if base is not None:
            self._base, self._based = base, True

    def _link(self, said: dict[str, str]) -> None:
        rels = tuple(said.get("rel", "").lower().split())
        target = absolute(self._base, said["href"]) if said.get("href", "").strip() else None
        if rels and target is not None:
            kind = said.get("type", "").partition(";")[0].strip().lower()
            self.found.append(
                PageLink(url=target, rels=rels, type=kind, title=" ".join(said.get("title", "").split())[:300])
            )


# --- older entries ----------------------------------------------------------------------------------------------------


def older(head: Head | None, links: Links, url: str) -> tuple[Way, str] | None:
    """Return how and where the entries before those of a document are found, None where nothing leads to them.

    `links` are the answer's own, `url` is the address it came from. Archives (RFC 5005 section 4) before paging (section 3, and
    JSON Feed's `next_url`) before what WordPress does for everybody. A link that leads to the document itself is none; longer
    circles are for the caller to notice.
    """
    every = merged(links, head.links) if head is not None else links
    itself = {url, *every.get("self", ())}
    ways: tuple[tuple[Way, str], ...] = (("archive", "prev-archive"), ("page", "next"))
    for way, rel in ways:
        target = next((target for target in every.get(rel, ()) if target not in itself), None)
        if target is not None:
            return way, target
    if _WORDPRESS_API in every or (head is not None and _WORDPRESS in head.generator.lower()):
        return "wordpress", _next_page(url)
    return None


def _next_page(url: str) -> str:
    """Return a WordPress address with its `paged` parameter one higher; without one it is the first page."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    page = next((int(value) for name, value in pairs if name == "paged" and value.isdecimal() and len(value) < 6), 1)  # noqa: PLR2004 - no blog has more pages
    kept = [(name, value) for name, value in pairs if name != "paged"]
    return parts._replace(query=urlencode([*kept, ("paged", page + 1)]), fragment="").geturl()
