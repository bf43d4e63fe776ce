"""From a page to its feeds: what `monitor feeds add https://site/` does when the address is no feed.

Three places, each only where the one before has nothing: the links of the page's head; a few well-known paths of the site; the
news sitemaps that its robots.txt names. Nothing is believed: each candidate is fetched and read, and only what has the form of
a feed is offered. All requests go through the guarded fetcher with the permissions of the feed that is being added, one after
another and a second apart. A page can make us send `MAX_REQUESTS` of them, each redirect and each child of an index counted, and
nothing more (threat S1); a host that asks us to come back later is asked no more, and that is told.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urljoin, urlsplit

from monitor.feeds import charset
from monitor.feeds.fetch import PERMANENT
from monitor.feeds.links import PageLink, absolute, page_links
from monitor.model import FailureKind, Feed, PollFailure
from monitor.ports import Fetched, Fetcher, More, ParsedFeed, Parser

How = Literal["itself", "link", "path", "sitemap"]
"""Where a feed was found: the address itself is one, the page names it, a well-known path, robots.txt names it."""

MAX_CANDIDATES = 6
"""Addresses asked of those that a page or a robots.txt names."""

MAX_REQUESTS = 20
"""Requests after that for the page itself."""

APART = 1.0
"""Seconds between two requests: most go to one host."""

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
    feed: Feed,
    *,
    fetcher: Fetcher,
    parser: Parser,
    page: Fetched | None = None,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    tell: Callable[[str], None] = lambda _sentence: None,
) -> tuple[Found, ...] | PollFailure:
    """Return the feeds of the site at `feed.url`, best first; empty where there are none, a failure where it cannot be fetched.

    `page` is the answer of that address where the caller has it already. `feed` is not stored: it gives the permissions
    (`allow_networks`), proxy, user agent and credentials; the fetcher keeps the last to their origin. Takes at most one poll's
    deadline for the page and `DEADLINE` for the rest; `pause` waits before each further request. `tell` is called with a sentence
    for each host that was asked no further.
    """
    if page is None:
        answer = await fetcher.fetch(feed, None)
        if isinstance(answer, PollFailure):
            return answer
        assert isinstance(answer, Fetched)  # no condition was sent
        page = answer
    search = _Search(feed=feed, fetcher=fetcher, parser=parser, page=page, pause=pause, tell=tell)
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
    pause: Callable[[float], Awaitable[None]]
    tell: Callable[[str], None]
    found: list[Found] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    resting: set[str] = field(default_factory=set)
    """Hosts that asked us to come back later."""
    left: int = MAX_REQUESTS
    """Requests that may still be sent."""

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
            await self._try(urljoin(self.page.url, path), how="path")
            if self.found:
                return

    async def _sitemaps(self) -> None:
        """Try the sitemaps of robots.txt until one has news."""
        got = await self._ask(urljoin(self.page.url, "/robots.txt"))
        if got is not None:
            for url in sitemaps(got[0].body, got[0].url)[:MAX_CANDIDATES]:
                await self._try(url, how="sitemap")
                if self.found:
                    return

    async def _try(self, url: str, *, how: How, title: str = "") -> None:
        """Fetch and read an address that was not asked yet."""
        got = await self._ask(url, home=how != "path")
        if got is not None:
            answer, address = got
            named = how != "path"  # an address that was only guessed is nobody's to keep
            await self._read(answer, how=how, title=title, address=address if named else answer.url)

    async def _ask(self, url: str, *, home: bool = True) -> tuple[Fetched, str] | None:
        """Return the document at an address, and the address behind its permanent redirects; None where there is nothing new.

        Redirects are followed one by one, so that each is counted and none leads to what was asked before; with `home=False` none
        leads to a site's front page either.
        """
        address, permanent = url, True
        while url not in self.asked and _host(url) not in self.resting and self.left > 0:
            self.asked.add(url)
            self.left -= 1
            await self.pause(APART)
            answer = await self.fetcher.fetch(self.feed, None, address=url, redirects=False)
            if isinstance(answer, Fetched):
                known = answer.url != url and answer.url in self.asked
                self.asked.add(answer.url)
                return None if known else (answer, address)
            assert isinstance(answer, PollFailure)  # no condition was sent
            target = self._next(url, answer)
            if target is None or not (home or urlsplit(target).path.strip("/")):
                return None
            permanent = permanent and answer.status in PERMANENT
            address, url = target if permanent else address, target
        return None

    def _next(self, url: str, failure: PollFailure) -> str | None:
        """Return where a redirect leads that may be followed; whoever asks us to come back later is asked no more."""
        if failure.retry_after or failure.kind is FailureKind.THROTTLED:
            self.resting.add(_host(url))
            self.tell(
                f"{_host(url)} asked us to come back later ({failure.status}) and was asked no more: try again then."
            )
            return None
        if failure.kind is not FailureKind.REDIRECT or failure.moved_to is None:
            return None
        unprotected = urlsplit(url).scheme == "https" and urlsplit(failure.moved_to).scheme == "http"
        return None if unprotected else failure.moved_to

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
        got = await self._ask(child) if child is not None else None
        if child is None or got is None:
            return False
        parsed = await self.parser.parse(got[0], whole=True, lane="new")
        if not isinstance(parsed, ParsedFeed) or not parsed.entries:
            return False
        self.found.append(_found(parsed, child if _is_news(child) else address, how, ""))
        return True


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _found(parsed: ParsedFeed, address: str, how: How, title: str) -> Found:
    said = parsed.head.title if parsed.head is not None else ""
    newest = max((entry.published for entry in parsed.entries if entry.published), default=None)
    return Found(url=address, title=said or title, entries=parsed.shown, newest=newest, how=how)
