"""Catching up: the documents around the one that a poll brought. Fetch ▶ parse, one after the other, politely and bounded.

After a gap the walk goes back through archives (RFC 5005 section 4), pages (section 3) or WordPress's pages until it meets what
was known; an index of sitemaps leads to its children that changed. Both ask through the feed's own guard, stay on its host, start
a second apart, and never keep the validators of what they fetch: those would stand for another document (cases 92 to 95).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from urllib.parse import urlsplit

from monitor.feeds.gap import MAX_CAUGHT, Caught
from monitor.feeds.links import older
from monitor.feeds.rhythm import touches
from monitor.model import Entry, Feed, FeedState, PollFailure
from monitor.ports import Fetched, Fetcher, More, ParsedFeed, Parser

Pause = Callable[[float], Awaitable[None]]

MAX_DOCUMENTS = 20
"""Documents asked for after one poll (case 92)."""

MAX_UNDATED = 3
"""Children of an index asked for that do not say when they changed."""

APART = 1.0
"""Seconds between two requests of a walk."""

MAX_BYTES = 16 * 1024 * 1024
"""Bytes of older documents after which a walk ends: one publisher fills neither memory nor disk at once."""

PATIENCE = 120.0
"""Seconds after which no further document is asked for: a poll has a lease and a slot that others wait for."""

FRESH = timedelta(days=2)
"""What changed so lately is read when an index is read for the first time: news sitemaps reach back so far (case 117)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a walk needs: the feed with its state, and the ways out."""

    feed: Feed
    state: FeedState
    fetcher: Fetcher
    parser: Parser
    pause: Pause

    async def document(self, url: str) -> tuple[Fetched, ParsedFeed] | PollFailure:
        """Fetch and parse one more document of the feed."""
        await self.pause(APART)
        answer = await self.fetcher.fetch(self.feed, None, address=url)
        if isinstance(answer, PollFailure):
            return answer
        assert isinstance(answer, Fetched)  # nothing conditional was asked
        parsed = await self.parser.parse(answer, known=self.state.known, lane="new")
        return parsed if isinstance(parsed, PollFailure) else (answer, parsed)


async def walk_back(reach: Reach, answer: Fetched, parsed: ParsedFeed) -> Caught:
    """Return the entries between a document that shows nothing known and what was known before."""
    ends = asyncio.get_running_loop().time() + PATIENCE
    asked = {answer.url, reach.feed.url, reach.state.url}
    documents: list[tuple[Entry, ...]] = []
    size = 0
    way = older(parsed.head, answer.links, answer.url)
    why = "the feed names no older documents"
    while way is not None:
        kind, url = way
        if kind == "archive" and url == reach.state.archive:
            return Caught(documents=tuple(documents), closed=True)
        late = asyncio.get_running_loop().time() > ends or size > MAX_BYTES
        if problem := _objection(url, asked, documents, answer.url, late=late):
            return Caught(documents=tuple(documents), why=problem)
        asked.add(url)
        got = await reach.document(url)
        if isinstance(got, PollFailure):
            return Caught(documents=tuple(documents), why=f"an older document cannot be had ({_clause(got.reason)})")
        before, page = got
        size += len(before.body)
        documents.append(page.entries)
        if touches(reach.state.known, page.marks):
            return Caught(documents=tuple(documents), closed=True)
        why = "the older documents end before what was known"
        way = older(page.head, before.links, before.url) if page.shown else None
    return Caught(documents=tuple(documents), why=why)


def _objection(
    url: str, asked: set[str], documents: Sequence[tuple[Entry, ...]], home: str, *, late: bool
) -> str | None:
    """Return why a walk does not go on to an address, None when it does."""
    if url in asked:
        return "the links to older documents go in a circle"
    if not _same_host(url, home):
        return "the older documents lie on another host"
    if late or len(documents) >= MAX_DOCUMENTS or sum(map(len, documents)) >= MAX_CAUGHT:
        return "there is more than is caught up on at once"
    return None


async def with_children(reach: Reach, answer: Fetched, parsed: ParsedFeed, now: datetime) -> tuple[Fetched, ParsedFeed]:
    """Return an index of sitemaps as one document: what its changed children show.

    Where a child could not be read, or one does not say exactly when it changes, the index must not count as read: the next
    poll asks for it without conditions.
    """
    ends = asyncio.get_running_loop().time() + PATIENCE
    wanted = children(parsed.more, reach.state, answer.url, now)
    problems: list[str] = []
    taken: list[ParsedFeed] = []
    for child in wanted:
        if asyncio.get_running_loop().time() > ends:
            problems.append("there was no time for all of them")
            break
        got = await reach.document(child.url)
        if isinstance(got, PollFailure):
            problems.append(_clause(got.reason))
        else:
            taken.append(got[1])
    note = f"Parts of this index could not be read: {problems[0]}." if problems else None
    whole = replace(
        parsed,
        entries=tuple(entry for page in taken for entry in page.entries)[:MAX_CAUGHT],
        marks=b"".join(page.marks for page in taken),
        shown=sum(page.shown for page in taken),
        warning=note or parsed.warning or next((page.warning for page in taken if page.warning), None),
    )
    settled = not problems and all(_is_exact(child) for child in parsed.more)
    return answer if settled else replace(answer, complete=False, validators=None), whole


def children(more: Sequence[More], state: FeedState, home: str, now: datetime) -> tuple[More, ...]:
    """Return the children of an index to ask for: those changed since the last success, the latest first, and few undated ones.

    A change with a date only may have come at any time of that day. After a failed child a day is gone over again.
    """
    since = state.last_success_at or now - FRESH
    if state.body_hash is None and state.filled:
        since -= timedelta(days=1)
    here = [child for child in more if _same_host(child.url, home)]
    dated = sorted((child for child in here if child.changed is not None), key=_changed, reverse=True)
    undated = [child for child in here if child.changed is None]
    changed = [child for child in dated if _changed(child) > since]
    wanted = [*changed, *undated[:MAX_UNDATED]][:MAX_DOCUMENTS]
    return tuple(wanted if wanted or state.filled else dated[:1])


def _changed(child: More) -> datetime:
    """Return when a child changed at the latest."""
    assert child.changed is not None
    return child.changed if _is_exact(child) else child.changed + timedelta(days=1)


def _is_exact(child: More) -> bool:
    return child.changed is not None and child.changed.time() != time()


def _same_host(left: str, right: str) -> bool:
    return _host(left) == _host(right)


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")


def _clause(reason: str) -> str:
    """Return a sentence as a part of another."""
    return reason.rstrip(".")
