"""Trying feeds: fetched and parsed once, exactly as the service does it, with nothing stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.text import Text

from monitor.alerts.feedtext import one_line
from monitor.cli import moments, output
from monitor.model import Feed, PollFailure

if TYPE_CHECKING:
    from monitor.ports import Fetched, Fetcher, ParsedFeed, Parser
    from monitor.settings.values import Settings

SHOWN = 10
"""Entries shown of a feed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What one try came to. `failure` is None for a feed that can be used."""

    feed: Feed
    fetched: Fetched | None = None
    parsed: ParsedFeed | None = None
    encoding: str | None = None
    failure: PollFailure | None = None

    @property
    def usable(self) -> bool:
        """Tell whether the service can watch this feed."""
        return self.failure is None

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what is odd but works."""
        found: list[str] = []
        if self.parsed and self.parsed.warning:
            found.append(self.parsed.warning)
        if self.parsed and not self.parsed.entries:
            found.append("The feed shows no entries at the moment.")
        if self.parsed and self.parsed.entries and not any(entry.published for entry in self.parsed.entries):
            found.append(
                "No entry states when it was published: in the first fill all count as old, later all as news."
            )
        if self.fetched and not self.fetched.complete:
            found.append("The end of the document is not certain: the connection was closed without a length.")
        if self.fetched and self.fetched.permanent_target:
            found.append(f"The feed has moved for good to {self.fetched.permanent_target}: write that address instead.")
        if self.fetched and not self.fetched.validators:
            found.append("The server gives no validators, so every poll transfers the whole document.")
        return tuple(found)


def check_feeds(
    settings: Settings, feeds: Sequence[Feed], on_done: Callable[[Check], None] = lambda _check: None
) -> tuple[Check, ...]:
    """Try feeds at the same time, within the service's own limits per host and in all; results in the order given."""
    return asyncio.run(_check_all(settings, feeds, on_done))


async def _check_all(settings: Settings, feeds: Sequence[Feed], on_done: Callable[[Check], None]) -> tuple[Check, ...]:
    from urllib.parse import urlsplit

    from monitor.feeds.fetch import HttpFetcher
    from monitor.feeds.parse import WorkerParser
    from monitor.net.client import Http

    http = Http()
    parser = WorkerParser(workers=min(settings.parse_workers, len(feeds)))
    slots = asyncio.Semaphore(settings.poll_concurrency)
    hosts = {urlsplit(feed.url).netloc: asyncio.Semaphore(settings.per_host) for feed in feeds}

    async def one(feed: Feed) -> Check:
        async with hosts[urlsplit(feed.url).netloc], slots:
            done = await _check(feed, HttpFetcher(http, contact=settings.contact), parser)
        on_done(done)
        return done

    try:
        return tuple(await asyncio.gather(*(one(feed) for feed in feeds)))
    finally:
        await parser.aclose()
        await http.aclose()


async def _check(feed: Feed, fetcher: Fetcher, parser: Parser) -> Check:
    from monitor.feeds import charset
    from monitor.ports import Fetched

    answer = await fetcher.fetch(feed, None)
    if isinstance(answer, PollFailure):
        return Check(feed=feed, failure=answer)
    assert isinstance(answer, Fetched), "a request without validators is never answered with `not modified`"
    encoding = charset.decode(answer.body, answer.content_type).encoding
    parsed = await parser.parse(answer)
    if isinstance(parsed, PollFailure):
        return Check(feed=feed, fetched=answer, encoding=encoding, failure=parsed)
    return Check(feed=feed, fetched=answer, parsed=parsed, encoding=encoding)


def shape(check: Check) -> dict[str, Any]:
    """Return a check for `--json`."""
    from monitor.feeds.health import advice

    fetched, parsed, failure = check.fetched, check.parsed, check.failure
    return {
        "id": check.feed.id,
        "url": shown_address(check.feed.url),
        "usable": check.usable,
        "failure": failure.kind if failure else None,
        "reason": failure.reason if failure else None,
        "advice": advice(failure.kind) if failure else None,
        "answered_by": shown_address(fetched.url) if fetched else None,
        "status": fetched.status if fetched else failure.status if failure else None,
        "content_type": fetched.content_type if fetched else None,
        "encoding": check.encoding,
        "bytes": len(fetched.body) if fetched else None,
        "etag": fetched.validators.etag if fetched and fetched.validators else None,
        "last_modified": fetched.validators.last_modified if fetched and fetched.validators else None,
        "max_age": fetched.pace.max_age if fetched else None,
        "ttl": parsed.pace.ttl if parsed else None,
        "title": parsed.title if parsed else None,
        "language": parsed.language if parsed else None,
        "entries": [
            {"title": entry.title, "link": entry.link, "published": entry.published, "updated": entry.updated}
            for entry in (parsed.entries if parsed else ())
        ],
        "warnings": check.warnings,
    }


def shown_address(url: str) -> str:
    """Return an address without the credentials that may stand in it."""
    scheme, mark, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{mark}{authority.rpartition('@')[2]}{slash}{path}"


def described(check: Check, zone: str) -> Iterable[RenderableType]:
    """Return a check for people."""
    from monitor.feeds.health import advice

    fetched, parsed, failure = check.fetched, check.parsed, check.failure
    verdict = Text("It can be watched.", style="green") if check.usable else Text("It cannot be watched.", style="red")
    yield Text(one_line(parsed.title if parsed and parsed.title else check.feed.name), style="bold")
    yield verdict
    if failure:
        yield Text(one_line(f"{failure.reason} {advice(failure.kind)}"))
    yield output.facts(
        (
            ("address", shown_address(check.feed.url)),
            ("answered by", shown_address(fetched.url) if fetched and fetched.url != check.feed.url else None),
            ("status", fetched.status if fetched else failure.status if failure else None),
            ("content type", (fetched.content_type or "none stated") if fetched else None),
            ("encoding", check.encoding),
            ("size", f"{len(fetched.body)} bytes" if fetched else None),
            ("validators", _validators(fetched) if fetched else None),
            ("stated pace", _pace(fetched, parsed) if fetched else None),
            ("language", parsed.language if parsed else None),
            ("entries", len(parsed.entries) if parsed else None),
        )
    )
    for warning in check.warnings:
        yield Text(one_line(f"! {warning}"), style="yellow")
    if parsed and parsed.entries:
        rows = ((moments.short(entry.published, zone), entry.title) for entry in parsed.entries[:SHOWN])
        yield output.heading("Entries" if len(parsed.entries) <= SHOWN else f"The first {SHOWN} entries")
        yield output.table((f"published ({zone})", "headline"), rows, empty="")


def _validators(fetched: Fetched) -> str:
    validators = fetched.validators
    if validators is None:
        return "none"
    given = (("ETag", validators.etag), ("Last-Modified", validators.last_modified))
    return ", ".join(f"{name} {value}" for name, value in given if value)


def _pace(fetched: Fetched, parsed: ParsedFeed | None) -> str:
    given = (("max-age", fetched.pace.max_age), ("ttl", parsed.pace.ttl if parsed else None))
    return ", ".join(f"{name} {moments.span(value)}" for name, value in given if value) or "none"
