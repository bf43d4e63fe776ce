"""Catching up: the documents around the one that a poll brought. Fetch ▶ parse, one after the other, politely and bounded.

After a gap the walk goes back through archives (RFC 5005 section 4), pages (section 3) or WordPress's pages until it meets what
was known; an index of sitemaps leads to its children that changed. Both ask through the feed's own guard, stay on its host, wait
for their turn there before each request, and end at the first answer that asks us to come back later (cases 61, 65, 92 to 95).
Archives and pages are asked for once; what a child of an index gave to ask with is handed back, never mixed with the feed's own.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from http import HTTPStatus
from urllib.parse import urlsplit

from monitor.feeds.gap import MAX_CAUGHT, Caught
from monitor.feeds.links import older
from monitor.feeds.rhythm import touches
from monitor.model import Entry, Feed, FeedState, PollFailure, Validators
from monitor.ports import Fetched, Fetcher, More, NotModified, ParsedFeed, Parser

Pause = Callable[[float], Awaitable[None]]
"""Waits at least so many seconds, and for the turn of one more request; `NoTurnError` where none comes in time."""

MAX_DOCUMENTS = 20
"""Documents asked for after one poll (case 92)."""

MAX_UNDATED = 3
"""Children of an index asked for that do not say when they changed."""

APART = 1.0
"""Seconds between two requests of a walk."""

MAX_BYTES = 16 * 1024 * 1024
"""Bytes of older documents after which a walk ends: one publisher fills neither memory nor disk at once."""

PATIENCE = 120.0
"""Seconds from the first further document on, waits for turns aside, after which no other is asked for: a poll has a lease."""

FRESH = timedelta(days=2)
"""What changed so lately is read when an index is read for the first time: news sitemaps reach back so far (case 117)."""

BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class NoTurnError(Exception):
    """Too many other feeds are being caught up on, or asked at that host: no further document now."""


@dataclass(slots=True, kw_only=True)
class Reach:
    """What a walk needs: the feed with its state, the ways out, and until when they may be used."""

    feed: Feed
    state: FeedState
    fetcher: Fetcher
    parser: Parser
    pause: Pause
    ends: float = math.inf
    """In the loop's time; counts from the first document. What is waited for a turn does not count."""

    @property
    def is_late(self) -> bool:
        """Whether no further document is to be asked for."""
        return asyncio.get_running_loop().time() > self.ends

    async def answer(
        self, url: str | None, validators: Validators | None = None
    ) -> Fetched | NotModified | PollFailure:
        """Ask for one more document when it may be asked (`None`: the feed's own once more)."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self.pause(APART)
        self.ends = min(self.ends + loop.time() - began, loop.time() + PATIENCE)
        return await self.fetcher.fetch(self.feed, validators, address=url)

    async def document(
        self, url: str, validators: Validators | None = None
    ) -> tuple[Fetched, ParsedFeed] | NotModified | PollFailure:
        """Fetch and parse one more document of the feed."""
        answer = await self.answer(url, validators)
        if not isinstance(answer, Fetched):
            return answer
        parsed = await self.parser.parse(answer, known=self.state.known, lane="new")
        return parsed if isinstance(parsed, PollFailure) else (answer, parsed)


def refusal_of(failure: PollFailure) -> PollFailure | None:
    """Return a failure that asks for rest (429, or any answer with Retry-After): whoever asks on is impolite; None for others."""
    return failure if failure.retry_after or failure.status == HTTPStatus.TOO_MANY_REQUESTS else None


async def walk_back(reach: Reach, answer: Fetched, parsed: ParsedFeed) -> Caught:
    """Return the entries between a document that shows nothing known and what was known before."""
    asked = {answer.url, reach.feed.url, reach.state.url}
    documents: list[tuple[Entry, ...]] = []
    size = 0
    way = older(parsed.head, answer.links, answer.url)
    why = "the feed names no older documents"
    while way is not None:
        kind, url = way
        if kind == "archive" and url == reach.state.archive:
            return Caught(documents=tuple(documents), closed=True)
        if problem := _objection(url, asked, documents, answer.url, late=reach.is_late or size > MAX_BYTES):
            return Caught(documents=tuple(documents), why=problem)
        asked.add(url)
        try:
            got = await reach.document(url)
        except NoTurnError:
            return Caught(documents=tuple(documents), why="too many other documents were waited for")
        if isinstance(got, PollFailure):
            why = f"an older document cannot be had ({_clause(got.reason)})"
            return Caught(documents=tuple(documents), why=why, refusal=refusal_of(got))
        assert not isinstance(got, NotModified)  # nothing conditional was asked
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


@dataclass(slots=True, kw_only=True)
class Children:
    """What asking the children of an index came to."""

    taken: list[ParsedFeed] = field(default_factory=list)
    validators: dict[str, Validators | None] = field(default_factory=dict)
    """What each gave to ask with the next time, by its address in the index."""
    problems: list[str] = field(default_factory=list)
    refusal: PollFailure | None = None

    def note(self, url: str, got: tuple[Fetched, ParsedFeed] | NotModified | PollFailure) -> bool:
        """Note what came of a child; tell whether others may be asked for."""
        if isinstance(got, PollFailure):
            self.problems.append(_clause(got.reason))
            self.refusal = refusal_of(got)
            return self.refusal is None and got.status not in BUSY
        if isinstance(got, NotModified):
            self.validators[url] = got.validators
        else:
            self.validators[url] = got[0].validators
            self.taken.append(got[1])
        return True

    def to_ask_with(self, given: Mapping[str, Validators], more: Sequence[More]) -> Mapping[str, Validators]:
        """Return what the children that the index still has are asked with the next time."""
        known = {**given, **self.validators}
        return {child.url: kept for child in more if (kept := known.get(child.url)) is not None}


async def with_children(
    reach: Reach, answer: Fetched, parsed: ParsedFeed, given: Mapping[str, Validators], now: datetime
) -> tuple[Fetched, ParsedFeed, Children]:
    """Return an index of sitemaps as one document: what its changed children show. `given` is what they are asked with.

    Where a child could not be read, or one does not say exactly when it changes, the index must not count as read: the next
    poll asks for it without conditions.
    """
    found = await _asked_for(reach, children(parsed.more, reach.state, answer.url, now), given)
    taken = found.taken
    note = f"Parts of this index could not be read: {found.problems[0]}." if found.problems else None
    whole = replace(
        parsed,
        entries=tuple(entry for page in taken for entry in page.entries),  # all: their marks make them known
        marks=b"".join(page.marks for page in taken),
        shown=sum(page.shown for page in taken),
        warning=note or parsed.warning or next((page.warning for page in taken if page.warning), None),
    )
    settled = not found.problems and all(_is_exact(child) for child in parsed.more)
    return answer if settled else replace(answer, complete=False, validators=None), whole, found


async def _asked_for(reach: Reach, wanted: Sequence[More], given: Mapping[str, Validators]) -> Children:
    """Ask for children of an index, one after the other, as long as that is welcome."""
    found = Children()
    for child in wanted:
        if reach.is_late:
            found.problems.append("there was no time for all of them")
            break
        try:
            got = await reach.document(child.url, given.get(child.url))
        except NoTurnError:
            found.problems.append("too many other documents were waited for")
            break
        if not found.note(child.url, got):
            break
    return found


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
