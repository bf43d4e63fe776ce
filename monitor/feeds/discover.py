"""From a page to its feeds: what `monitor feeds add https://site/` does when the address is no feed.

Three places, each only where the one before has nothing: the links of the page's head; a few well-known paths of the site; the
news sitemaps that its robots.txt names. Nothing is believed: each candidate is fetched and read, and only what has the form of
a feed is offered. All requests go through the guarded fetcher with the permissions of the feed that is being added, one after
another; a page can make us ask `MAX_CANDIDATES` addresses, `PATHS` and robots.txt, and nothing more (threat S1).
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urljoin, urlsplit

from monitor.feeds import charset
from monitor.feeds.links import PageLink, absolute, page_links
from monitor.model import FailureKind, Feed, PollFailure
from monitor.ports import Fetched, Fetcher, More, ParsedFeed, Parser

How = Literal["itself", "link", "path", "sitemap"]
"""Where a feed was found: the address itself is one, the page names it, a well-known path, robots.txt names it."""

MAX_CANDIDATES = 6
"""Addresses asked of those that a page or a robots.txt names."""

DEADLINE = timedelta(seconds=90)
"""For everything after the page itself; then what was found so far is the answer."""

PATHS = ("/feed/", "/rss", "/rss.xml", "/feed.xml", "/atom.xml", "/index.xml", "/feed.json", "/index.rss")
"""Where sites keep feeds that their pages do not name (case 116)."""

MAX_ROBOTS = 512 * 1024
"""Bytes of a robots.txt that are read (RFC 9309 section 2.5 asks for 500 KiB)."""

ASLEEP = timedelta(days=30)
"""How far a feed may lie behind the freshest one of the site before it is offered after it."""

JSON_FEED = "application/feed+json"

TYPES = frozenset({
    JSON_FEED, "application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/x.atom+xml",
    "application/x-atom+xml", "application/xml", "text/xml", "application/json",
})  # fmt: skip
"""Media types under which pages name feeds."""

_COMMENTS = re.compile(r"comment|коммент|пікір|түсініктеме|replies", re.IGNORECASE)
_SITEMAP = re.compile(r"^[ \t]*sitemap[ \t]*:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An address that may be a feed, as a page names it: title (may be empty) and media type in lower case."""

    url: str
    title: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A feed that was fetched and read: its address (behind permanent redirects), its title, how much it shows and how fresh."""

    url: str
    title: str
    entries: int
    newest: datetime | None
    how: How


async def discover(
    feed: Feed, *, fetcher: Fetcher, parser: Parser, page: Fetched | None = None
) -> tuple[Found, ...] | PollFailure:
    """Return the feeds of the site at `feed.url`, best first; empty where there are none, a failure where it cannot be fetched.

    `page` is the answer of that address where the caller has it already. `feed` is not stored: it gives the permissions
    (`allow_networks`), proxy, user agent and credentials; the fetcher keeps the last to their origin. Takes at most one poll's
    deadline for the page and `DEADLINE` for the rest.
    """
    if page is None:
        answer = await fetcher.fetch(feed, None)
        if isinstance(answer, PollFailure):
            return answer
        assert isinstance(answer, Fetched)  # no condition was sent
        page = answer
    search = _Search(feed=feed, fetcher=fetcher, parser=parser, page=page)
    try:
        async with asyncio.timeout(DEADLINE.total_seconds()):
            await search.run()
    except TimeoutError:
        pass  # a slow site: what answered in time is offered
    return _best_first(search.found)


def candidates(html: bytes, content_type: str | None, url: str) -> tuple[Candidate, ...]:
    """Return the feeds that the head of a page names, each address once, in the order to ask them in (case 115).

    JSON Feed first; then RSS and Atom as the page has them; feeds of comments after those; `application/json`, which mostly is an
    interface such as `/wp-json/`, last.
    """
    named: dict[str, Candidate] = {}
    for link in page_links(charset.decode(html, content_type).text, url):
        if _is_feed(link):
            named.setdefault(link.url, Candidate(url=link.url, title=link.title, type=link.type))
    return tuple(sorted(named.values(), key=_rank))


def _is_feed(link: PageLink) -> bool:
    """Tell whether a link can be a feed. Addresses with credentials in them are somebody's trick or mistake."""
    rels = set(link.rels)
    related = ("alternate" in rels and "stylesheet" not in rels and link.type in TYPES) or (
        "feed" in rels and (not link.type or link.type in TYPES)
    )
    return related and "@" not in urlsplit(link.url).netloc


def _rank(candidate: Candidate) -> int:
    place = urlsplit(candidate.url)
    if candidate.type == "application/json" or "/wp-json/" in place.path:
        return 3
    if _COMMENTS.search(f"{place.path}?{place.query} {candidate.title}"):
        return 2
    return 0 if candidate.type == JSON_FEED else 1


def sitemaps(robots: bytes, url: str) -> tuple[str, ...]:
    """Return the sitemaps that a robots.txt names, those that call themselves news first, each once (sitemaps.org)."""
    text = robots[:MAX_ROBOTS].decode("utf-8", "replace").removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    named = (absolute(url, target) for target in _SITEMAP.findall(text))
    return tuple(sorted(dict.fromkeys(target for target in named if target), key=lambda target: not _is_news(target)))


def _is_news(url: str) -> bool:
    return "news" in urlsplit(url).path.lower()


def _best_first(found: list[Found]) -> tuple[Found, ...]:
    """Return feeds with entries first, those that fell asleep behind the others; otherwise as they were found."""
    freshest = max((each.newest for each in found if each.newest), default=None)

    def late(each: Found) -> bool:
        return each.newest is not None and freshest is not None and freshest - each.newest > ASLEEP

    return tuple(sorted(found, key=lambda each: (not each.entries, late(each))))


@dataclass(slots=True, kw_only=True)
class _Search:
    """One search: what was asked, so that nothing is asked twice, and what was found."""

    feed: Feed
    fetcher: Fetcher
    parser: Parser
    page: Fetched
    found: list[Found] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Look at the document itself, then at each place until one has something."""
        self.asked |= {self.feed.url, self.page.url}
        if await self._read(self.page, how="itself"):
            return
        named = await asyncio.to_thread(candidates, self.page.body, self.page.content_type, self.page.url)
        for candidate in named[:MAX_CANDIDATES]:
            await self._try(candidate.url, how="link", title=candidate.title)
        if not self.found:
            await self._paths()
        if not self.found:
            await self._sitemaps()

    async def _paths(self) -> None:
        """Probe the well-known paths until one is a feed; one that leads to the home page is not followed there."""
        for path in PATHS:
            address = urljoin(self.page.url, path)
            if address in self.asked:
                continue
            self.asked.add(address)
            answer = await self.fetcher.fetch(self.feed, None, address=address, redirects=False)
            if isinstance(answer, PollFailure) and answer.kind is FailureKind.REDIRECT and answer.moved_to:
                if urlsplit(answer.moved_to).path.strip("/"):
                    await self._try(answer.moved_to, how="path")
            elif isinstance(answer, Fetched):
                await self._read(answer, how="path")
            if self.found:
                return

    async def _sitemaps(self) -> None:
        """Try the sitemaps of robots.txt until one has news."""
        answer = await self.fetcher.fetch(self.feed, None, address=urljoin(self.page.url, "/robots.txt"))
        if isinstance(answer, Fetched):
            for url in sitemaps(answer.body, answer.url)[:MAX_CANDIDATES]:
                await self._try(url, how="sitemap")
                if self.found:
                    return

    async def _try(self, url: str, *, how: How, title: str = "") -> None:
        """Fetch and read an address that was not asked yet."""
        if url in self.asked:
            return
        self.asked.add(url)
        answer = await self.fetcher.fetch(self.feed, None, address=url)
        if isinstance(answer, Fetched) and (answer.url == url or answer.url not in self.asked):
            self.asked.add(answer.url)
            await self._read(answer, how=how, title=title, address=answer.permanent_target or url)

    async def _read(self, answer: Fetched, *, how: How, title: str = "", address: str | None = None) -> bool:
        """Parse an answer, note it where it is a feed, and tell whether it is one."""
        parsed = await self.parser.parse(answer, whole=True, lane="new")
        if isinstance(parsed, PollFailure):
            return False
        address = address or answer.permanent_target or answer.url
        if parsed.more and not parsed.entries:
            return await self._look_into(parsed.more, address, how)
        self.found.append(_found(parsed, address, how, title))
        return True

    async def _look_into(self, children: tuple[More, ...], address: str, how: How) -> bool:
        """Note a sitemap index by one child: the one that calls itself news, by its own address, else the newest."""
        urls = [child.url for child in children if child.url not in self.asked]
        child = next((url for url in urls if _is_news(url)), next(iter(urls), None))
        if child is None:
            return False
        self.asked.add(child)
        answer = await self.fetcher.fetch(self.feed, None, address=child)
        parsed = await self.parser.parse(answer, whole=True, lane="new") if isinstance(answer, Fetched) else None
        if not isinstance(parsed, ParsedFeed) or not parsed.entries:
            return False
        self.found.append(_found(parsed, child if _is_news(child) else address, how, ""))
        return True


def _found(parsed: ParsedFeed, address: str, how: How, title: str) -> Found:
    said = parsed.head.title if parsed.head is not None else ""
    newest = max((entry.published for entry in parsed.entries if entry.published), default=None)
    return Found(url=address, title=said or title, entries=parsed.shown, newest=newest, how=how)
