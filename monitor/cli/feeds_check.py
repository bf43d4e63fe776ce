"""Trying feeds: fetched and read once, exactly as the service does it, with nothing stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from monitor.model import Feed, Pace, PollFailure

if TYPE_CHECKING:
    from monitor.feeds.discover import Found
    from monitor.net.client import Answer, Http, NetFailure
    from monitor.ports import Fetched, Fetcher, ParsedFeed, Parser
    from monitor.settings.values import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What one try came to. `failure` is None for a feed that can be used."""

    feed: Feed
    answers: tuple[tuple[str, Answer], ...] = ()
    """Address and answer of every request, redirects first; the bodies are not kept."""
    fetched: Fetched | None = None
    parsed: ParsedFeed | None = None
    encoding: str | None = None
    failure: PollFailure | None = None
    again: str | None = None
    """What a second, conditional request came to, in a sentence; None where none was made."""

    @property
    def usable(self) -> bool:
        """Tell whether the service can watch this feed."""
        return self.failure is None

    @property
    def said(self) -> Pace:
        """Return what the publisher says about coming back: the answer's freshness, the document's own words."""
        in_document = self.parsed.head.pace if self.parsed and self.parsed.head else Pace()
        return Pace(
            max_age=self.fetched.pace.max_age if self.fetched else None,
            ttl=in_document.ttl,
            period=in_document.period,
            skips=in_document.skips,
        )

    @property
    def links(self) -> Mapping[str, tuple[str, ...]]:
        """Return what answer and document link to by relation; the answer's word comes first (WebSub section 4)."""
        from monitor.feeds.links import merged

        in_document = self.parsed.head.links if self.parsed and self.parsed.head else {}
        return merged(self.fetched.links if self.fetched else {}, in_document)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what is odd but works."""
        return tuple(sentence for is_so, sentence in self._oddities() if is_so)

    def _oddities(self) -> tuple[tuple[object, str], ...]:
        from monitor.feeds.health import ONE_ENTRY

        fetched, parsed, hubs = self.fetched, self.parsed, self.links.get("hub", ())
        entries = parsed.entries if parsed else ()
        index = parsed is not None and bool(parsed.more)
        return (
            (parsed and parsed.warning, parsed.warning or "" if parsed else ""),
            (parsed and not entries and not index, "The feed shows no entries at the moment."),
            (
                entries and not any(entry.published for entry in entries),
                "No entry states when it was published: in the first fill all count as old, later all as news.",
            ),
            (
                index and not entries,
                "It only lists other documents: whether they hold headlines shows when they are read, at the first poll.",
            ),
            (
                parsed and parsed.dropped,
                f"{parsed.dropped if parsed else 0} entries beyond the limit of one document were left out.",
            ),
            (
                parsed and parsed.head and parsed.head.expired,
                "The publisher says that this feed has ended.",
            ),
            (parsed and parsed.shown == 1 and not index, ONE_ENTRY),
            (
                fetched and not fetched.complete,
                "The end of the document is not certain: the connection was closed without a length.",
            ),
            (
                fetched and fetched.permanent_target,
                f"The feed has moved for good to {fetched.permanent_target if fetched else ''}: write that address instead.",
            ),
            (
                hubs and not any(hub.startswith("https://") for hub in hubs),
                "Its hub has no https address: pushes would not be signed. Ask the publisher for one with https.",
            ),
            (
                fetched and not fetched.validators,
                "The server gives no validators, so every poll transfers the whole document.",
            ),
        )


def check_feeds(
    settings: Settings,
    feeds: Sequence[Feed],
    on_done: Callable[[Check], None] = lambda _check: None,
    *,
    twice: bool = False,
) -> tuple[Check, ...]:
    """Try feeds at the same time, within the service's own limits per host and in all; results in the order given.

    With `twice` each is asked a second time with the validators it gave, to see whether it honours them.
    """
    return asyncio.run(_check_all(settings, feeds, on_done, twice=twice))


def find_feeds(
    settings: Settings, feed: Feed, page: Fetched, tell: Callable[[str], None]
) -> tuple[Found, ...] | PollFailure:
    """Return the feeds of the site whose page answered at the feed's address, best first; `tell` hears what was left out."""
    return asyncio.run(_find(settings, feed, page, tell))


async def _find(
    settings: Settings, feed: Feed, page: Fetched, tell: Callable[[str], None]
) -> tuple[Found, ...] | PollFailure:
    from monitor.feeds.discover import discover
    from monitor.feeds.fetch import HttpFetcher

    async with _tools(workers=1) as (http, parser):
        fetcher = HttpFetcher(http, contact=settings.contact)
        return await discover(feed, fetcher=fetcher, parser=parser, page=page, tell=tell)


async def _check_all(
    settings: Settings, feeds: Sequence[Feed], on_done: Callable[[Check], None], *, twice: bool
) -> tuple[Check, ...]:
    slots = asyncio.Semaphore(settings.poll_concurrency)
    hosts = {_host(feed): asyncio.Semaphore(settings.per_host) for feed in feeds}
    async with _tools(workers=min(settings.parse_workers, len(feeds))) as (http, parser):

        async def one(feed: Feed) -> Check:
            async with hosts[_host(feed)], slots:
                done = await _check(feed, http, settings.contact, parser, twice=twice)
            on_done(done)
            return done

        return tuple(await asyncio.gather(*(one(feed) for feed in feeds)))


def _host(feed: Feed) -> str:
    """Return whom a feed asks; the address itself where it names nobody that can be asked (its check says why)."""
    try:
        return urlsplit(feed.url).netloc
    except ValueError:
        return feed.url


@asynccontextmanager
async def _tools(*, workers: int) -> AsyncIterator[tuple[Http, Parser]]:
    """Give a client and parser workers, and put them away."""
    from monitor.feeds.parse import WorkerParser
    from monitor.net.client import Http

    http, parser = Http(), WorkerParser(workers=workers)
    try:
        yield http, parser
    finally:
        await parser.aclose()
        await http.aclose()


class _Listening:
    """The client as one fetch sees it: requests go through the shared one, answers are remembered without their bodies."""

    def __init__(self, shared: Http) -> None:
        self._shared = shared
        self.answers: list[tuple[str, Answer]] = []

    async def request(self, method: str, url: str, **options: Any) -> Answer | NetFailure:
        """See `net.client.Http.request`."""
        from monitor.net.client import Answer

        answer = await self._shared.request(method, url, **options)
        if isinstance(answer, Answer):
            self.answers.append((url, replace(answer, body=b"")))
        return answer


async def _check(feed: Feed, http: Http, contact: str | None, parser: Parser, *, twice: bool) -> Check:
    from monitor.feeds import charset
    from monitor.feeds.fetch import HttpFetcher
    from monitor.ports import Fetched

    heard = _Listening(http)
    fetcher = HttpFetcher(cast("Http", heard), contact=contact)
    answer = await fetcher.fetch(feed, None)
    answers = tuple(heard.answers)
    if isinstance(answer, PollFailure):
        return Check(feed=feed, answers=answers, failure=answer)
    assert isinstance(answer, Fetched), "a request without validators is never answered with `not modified`"
    parsed = await parser.parse(answer, whole=True)
    failure = parsed if isinstance(parsed, PollFailure) else None
    return Check(
        feed=feed,
        answers=answers,
        fetched=answer,
        parsed=None if isinstance(parsed, PollFailure) else parsed,
        encoding=charset.decode(answer.body, answer.content_type).encoding,
        failure=failure,
        again=await _asked_again(fetcher, feed, answer) if twice and failure is None else None,
    )


async def _asked_again(fetcher: Fetcher, feed: Feed, first: Fetched) -> str:
    """Ask once more with what the first answer gave to ask with; return what came of it."""
    from monitor.ports import NotModified

    if first.validators is None:
        return "not asked again: it gave no validators to ask with"
    match await fetcher.fetch(feed, first.validators):
        case NotModified():
            return "304, not modified: the validators work"
        case PollFailure() as failure:
            return failure.reason
        case second if second.body == first.body:
            return "200 with the same bytes: the validators are ignored"
        case _:
            return "200 with other bytes: the document changed in between, or is never the same"
