"""Polls over real sockets and through the real parser: what the parts promise each other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from support.feeds import NOW, a_feed, a_state, rss
from support.http_server import FakeServer, reply
from support.net import http_client

from monitor.feeds.fetch import HttpFetcher
from monitor.feeds.parse import WorkerParser
from monitor.model import FeedState, PollResult
from monitor.pipeline.polling import poll

ATOM = "http://www.w3.org/2005/Atom"
Poll = Callable[[FeedState], Awaitable[PollResult]]


class Stopped:
    def now(self):  # type: ignore[no-untyped-def]
        return NOW


async def no_pause(_seconds: float) -> None:
    """Archives of a test need no rest."""


def with_publisher(exchange: Callable[[FakeServer, Poll], Awaitable[None]]) -> None:
    async def run() -> None:
        async with FakeServer() as server, http_client() as client:
            parser = WorkerParser()
            feed = a_feed(server.url("/feed"))

            async def once(state: FeedState) -> PollResult:
                return await poll(
                    feed,
                    replace(state, lease="l"),
                    fetcher=HttpFetcher(client),
                    parser=parser,
                    clock=Stopped(),
                    jitter=0.0,
                    pause=no_pause,
                )

            try:
                await exchange(server, once)
            finally:
                await parser.aclose()

    asyncio.run(run())


def items(names: str) -> list[str]:
    return [f"<guid>{name}</guid><title>{name}</title>" for name in names]


def titles(result: PollResult) -> str:
    assert result.state.failure is None, result.state.failure
    return "".join(entry.title for entry in result.entries)


def test_a_gap_is_filled_from_the_archive_that_the_document_names() -> None:
    async def exchange(server: FakeServer, once: Poll) -> None:
        link = f'<link xmlns="{ATOM}" rel="prev-archive" href="/archive/1"/>'
        server.on(
            "/feed", reply(200, rss(*items("cba")), {"ETag": '"1"'}), reply(200, rss(*items("hgf"), channel=link))
        )
        server.on("/archive/1", reply(200, rss(*items("edcb")), {"ETag": '"archive"'}))
        first = await once(a_state(url=server.url("/feed")))
        assert titles(first) == "abc"
        second = await once(first.state)
        assert titles(second) == "defgh"
        assert "2 entries were recovered, nothing is missing" in (second.state.gap or "")
        assert (second.state.validators, second.state.archive) == (None, server.url("/archive/1"))
        assert [request.header("if-none-match") for request in server.requests] == [None, '"1"', None]
        third = await once(second.state)
        assert (titles(third), third.state.gaps) == ("", 1)

    with_publisher(exchange)


def test_only_what_is_new_is_taken_from_a_document_and_from_a_difference() -> None:
    async def exchange(server: FakeServer, once: Poll) -> None:
        server.on(
            "/feed",
            reply(200, rss(*items("ba")), {"ETag": '"1"'}),
            reply(200, rss(*items("cba")), {"ETag": '"2"'}),
            reply(226, rss(*items("d")), {"ETag": '"3"', "IM": "feed"}),
            reply(304),
            reply(200, rss(*items("dcba")), {"ETag": '"4"'}),
        )
        state, seen = a_state(url=server.url("/feed")), list[str]()
        for _ in range(5):
            result = await once(state)
            seen.append(titles(result))
            state = result.state
        assert seen == ["ab", "c", "d", "", ""]
        assert (state.gaps, state.warning, state.entries) == (0, None, 4)

    with_publisher(exchange)


def test_an_index_of_news_sitemaps_is_read_through_its_children() -> None:
    news = (
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:n="http://www.google.com/schemas/sitemap-news/0.9">'
        "<url><loc>{0}</loc><n:news><n:publication><n:name>N</n:name><n:language>ru</n:language></n:publication>"
        "<n:publication_date>2022-01-05T11:00:00Z</n:publication_date><n:title>Протест</n:title></n:news></url></urlset>"
    )
    index = (
        '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><sitemap><loc>{0}</loc>'
        "<lastmod>2022-01-05T11:00:01Z</lastmod></sitemap><sitemap><loc>{1}</loc><lastmod>2020-01-01T00:00:01Z</lastmod></sitemap>"
        "</sitemapindex>"
    )

    async def exchange(server: FakeServer, once: Poll) -> None:
        children = index.format(server.url("/news.xml"), server.url("/old.xml"))
        server.on("/feed", reply(200, children.encode(), {"ETag": '"1"'}))
        server.on("/news.xml", reply(200, news.format(server.url("/1")).encode()))
        result = await once(a_state(url=server.url("/feed")))
        assert titles(result) == "Протест"
        assert [request.path for request in server.requests] == ["/feed", "/news.xml"]
        assert result.state.validators is not None

    with_publisher(exchange)
