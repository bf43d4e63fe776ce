from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.feeds import a_feed, fetched, rss
from support.http_server import FakeServer, Request, hang, redirect, reply
from support.net import http_client

from monitor.feeds import discover as module
from monitor.feeds.discover import (
    MAX_CANDIDATES,
    MAX_REQUESTS,
    PATHS,
    Candidate,
    Found,
    candidates,
    discover,
    sitemaps,
)
from monitor.feeds.document import parse_document
from monitor.feeds.fetch import HttpFetcher
from monitor.feeds.limits import Limits
from monitor.feeds.parse import WorkerParser
from monitor.model import FailureKind, PollFailure
from monitor.ports import Fetched, ParsedFeed

PAGES = Path(__file__).parents[2] / "../shared/data/feeds/feedvalidator/feedfinder-tests"
SSRF = Path(__file__).parents[2] / "../shared/data/protocol/ssrf-urls.txt"
URL = "https://news.example/"
ARCHIVED = b"https://web.archive.org/web/20110926231958/"
"""What the archive of these pages put before their addresses."""
HERE = "http://diveintomark.org/tests/client/autodiscovery/"
FEED = rss(
    "<guid>1</guid><title>A</title><pubDate>Wed, 05 Jan 2022 12:00:00 GMT</pubDate>", "<guid>2</guid><title>B</title>"
)
NEWEST = datetime(2022, 1, 5, 12, 0, tzinfo=UTC)
NEWS = (
    b'<urlset xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>/1</loc><news:news><news:publication>'
    b"<news:name>Map</news:name></news:publication><news:title>A</news:title></news:news></url></urlset>"
)
PAGES_ONLY = b"<urlset><url><loc>/1</loc></url></urlset>"


def link(href: str, kind: str = "application/rss+xml", title: str = "", rel: str = "alternate") -> str:
    return f'<link rel="{rel}" type="{kind}" title="{title}" href="{href}">'


def page(*links: str) -> bytes:
    return (
        f"<!doctype html><html><head><title>News</title>{''.join(links)}</head><body><p>News</p></body></html>".encode()
    )


def urls(html: bytes, url: str = URL) -> list[str]:
    return [candidate.url for candidate in candidates(html, "text/html", url)]


# --- what a page names (cases 114, 115) -----------------------------------------------------------------------------

TITLED = {
    "plain": (page(link("/f")), ["https://news.example/f"]),
    "single quotes": (b"<head><link rel='alternate' type='application/rss+xml' href='/f'>", ["https://news.example/f"]),
    "no quotes": (b"<head><link rel=alternate type=application/rss+xml href=/f>", ["https://news.example/f"]),
    "upper case": (b"<HEAD><LINK REL=ALTERNATE TYPE=APPLICATION/RSS+XML HREF=/f>", ["https://news.example/f"]),
    "any order": (b"<head><link href=/f type=application/atom+xml rel=alternate>", ["https://news.example/f"]),
    "line breaks": (b"<head><link\rrel=alternate\ntype='application/atom+xml'\r\nhref=/f>", ["https://news.example/f"]),
    "several relations": (page(link("/f", rel="home alternate x")), ["https://news.example/f"]),
    "html5 feed": (page('<link rel="feed" href="/f">'), ["https://news.example/f"]),
    "parameters of the type": (page(link("/f", "application/rss+xml; charset=utf-8")), ["https://news.example/f"]),
    "xhtml": (b"<?xml version='1.0'?><html xmlns='x'><head><link rel='alternate' type='text/xml' href='/f' /></head></html>", ["https://news.example/f"]),
    "entities": (page(link("/f?a=1&amp;b=2")), ["https://news.example/f?a=1&b=2"]),
    "base": (page('<base href="https://cdn.example/x/">', link("f")), ["https://cdn.example/x/f"]),
    "fragment": (page(link("/f#a"), link("/f#b")), ["https://news.example/f"]),
    "windows-1251": (page(link("/f", title="Новости")).decode().encode("cp1251"), ["https://news.example/f"]),
    "twice": (page(link("/f"), link("/f", title="again")), ["https://news.example/f"]),
    "another language": (page('<link rel="alternate" hreflang="kk" href="/kk/">'), []),
    "a style": (page(link("/f", rel="alternate stylesheet")), []),
    "reversed": (page('<link rev="alternate" type="application/rss+xml" href="/f">'), []),
    "oembed": (page(link("/wp-json/oembed", "application/json+oembed"), link("/o", "text/xml+oembed")), []),
    "in the body": (b"<html><head></head><body>" + link("/f").encode(), []),
    "foreign schemes": (page(link("feed://news.example/f"), link("javascript:x"), link("")), []),
    "credentials": (page(link("https://u:p@news.example/f")), []),
    "nothing": (b"", []),
    "no page": (bytes(range(256)), []),
}  # fmt: skip


@pytest.mark.parametrize(("html", "found"), TITLED.values(), ids=TITLED.keys())
def test_the_head_of_a_page_names_its_feeds(html: bytes, found: list[str]) -> None:
    assert urls(html) == found


def test_json_feed_goes_first_and_comments_and_interfaces_last() -> None:
    html = page(
        link("/wp-json/wp/v2/pages/2", "application/json"),
        link("/api", "application/json"),
        link("/comments/feed/", title="News » Comments Feed"),
        link("/feed/", title="News » Feed"),
        link("/post/feed/", title="Лента комментариев к «Закон»"),
        link("/wp-json/feed", "application/rss+xml"),
        link("/atom", "application/atom+xml"),
        link("/feed.json", "application/feed+json"),
        link("/kk", title="Пікірлер"),
    )
    assert [url.removeprefix(URL) for url in urls(html)] == [
        "feed.json", "feed/", "atom", "comments/feed/", "post/feed/", "kk", "wp-json/wp/v2/pages/2", "api", "wp-json/feed",
    ]  # fmt: skip


def test_a_candidate_has_the_title_and_type_that_the_page_gives_it() -> None:
    [found] = candidates(page(link("/f", "Application/Atom+XML", "Новости &amp; мнения")), None, URL)
    assert found == Candidate(url="https://news.example/f", title="Новости & мнения", type="application/atom+xml")


@pytest.mark.skipif(not PAGES.exists(), reason="needs the corpus of pages beside the project")
@pytest.mark.parametrize("number", range(1, 58))
def test_the_pages_of_the_autodiscovery_suite_lead_to_their_feeds(number: int) -> None:
    name = f"html4-{number:03}"
    html = (PAGES / f"{name}.html").read_bytes().replace(ARCHIVED, b"")
    other = "http://www.ragingplatypus.com/tests/client/autodiscovery/"
    assert urls(html, HERE + f"{name}.html") == [f"{other if number in range(47, 51) else HERE}{name}.xml"]


def test_a_robots_txt_names_sitemaps_those_of_news_first() -> None:
    robots = (
        b"\xef\xbb\xbfUser-agent: *\nDisallow: /x\nSitemap: https://news.example/sitemap.xml\r\n"
        b"  sitemap :/sitemap-news.xml # comment\nSITEMAP:https://news.example/sitemap.xml\n"
        b"# Sitemap: /no.xml\nSitemap: file:///etc/passwd\nSitemap:\n\xff\xfe"
    )
    assert sitemaps(robots, URL + "robots.txt") == (
        "https://news.example/sitemap-news.xml",
        "https://news.example/sitemap.xml",
    )
    assert sitemaps(b"Sitemap: /late.xml".rjust(1 << 20, b"\n"), URL) == ()


# --- looking for feeds ----------------------------------------------------------------------------------------------


class Reader:
    """The parser without its processes."""

    async def parse(self, answer: Fetched, **_: Any) -> ParsedFeed | PollFailure:
        return parse_document(answer.body, answer.content_type, answer.url, Limits())


Look = Callable[[FakeServer], Awaitable[tuple[Found, ...] | PollFailure]]


async def no_rest(_seconds: float) -> None:
    """Requests to servers of a test need no rest."""


def look(
    *, path: str = "/", page: Fetched | None = None, parser: Any = None, pause: Any = no_rest, **answers: Any
) -> tuple[Any, FakeServer]:
    """Return what is found from a path of a server with these answers by path, and the server."""

    async def run() -> tuple[Any, FakeServer]:
        async with FakeServer() as server, http_client() as client:
            for at, answer in answers["at"](server).items():
                server.on(at, *answer) if isinstance(answer, tuple) else server.on(at, answer)
            fetcher = HttpFetcher(client)
            return await discover(
                a_feed(server.url(path)), fetcher=fetcher, parser=parser or Reader(), page=page, pause=pause
            ), server

    return asyncio.run(run())


def asked(server: FakeServer) -> list[str]:
    return [request.target for request in server.requests]


def ok(body: bytes, kind: str = "text/html") -> Any:
    return reply(200, body, {"Content-Type": kind})


def test_an_address_that_is_a_feed_is_found_itself() -> None:
    found, server = look(path="/f", at=lambda _: {"/f": ok(FEED)})
    assert found == (Found(url=server.url("/f"), title="News", entries=2, newest=NEWEST, how="itself"),)
    assert asked(server) == ["/f"]


def test_the_feeds_that_a_page_names_are_fetched_and_read() -> None:
    html = page(
        link("/comments/feed"), link("/broken"), link("/missing"), link("/f", title="Named"), link("/g", title="Named")
    )
    untitled = FEED.replace(b"<title>News</title>", b"")
    found, server = look(
        at=lambda _: {
            "/": ok(html),
            "/f": ok(FEED),
            "/g": ok(untitled),
            "/comments/feed": ok(FEED),
            "/broken": ok(b"x"),
        }
    )
    assert [(each.url.removeprefix(server.url()), each.title, each.how) for each in found] == [
        ("f", "News", "link"), ("g", "Named", "link"), ("comments/feed", "News", "link"),
    ]  # fmt: skip
    assert asked(server) == ["/", "/broken", "/missing", "/f", "/g", "/comments/feed"]


def test_a_page_that_was_fetched_before_is_not_fetched_again() -> None:
    given = fetched(page(link("f")), url="http://127.0.0.1:9/x/", content_type="text/html")

    async def run() -> tuple[Found, ...] | PollFailure:
        async with http_client() as client:
            return await discover(
                a_feed("http://127.0.0.1:9/x/"), fetcher=HttpFetcher(client), parser=Reader(), page=given, pause=no_rest
            )

    assert asyncio.run(run()) == ()


def test_a_page_can_make_us_ask_only_a_few_addresses() -> None:
    html = page(*(link(f"/f{number}") for number in range(50)))
    found, server = look(at=lambda _: {"/": ok(html), "*": reply(404)})
    assert found == ()
    assert (
        len([target for target in asked(server) if target.startswith("/f") and target[2:].isdigit()]) == MAX_CANDIDATES
    )
    assert len(asked(server)) == 1 + MAX_CANDIDATES + len(PATHS) + 1


@pytest.mark.parametrize(("html", "status"), [(b"", 404), (b"", 500)])
def test_a_page_that_cannot_be_fetched_is_a_failure(html: bytes, status: int) -> None:
    found, server = look(at=lambda _: {"*": reply(status, html)})
    assert isinstance(found, PollFailure)
    assert found.status == status
    assert asked(server) == ["/"]


def test_feeds_that_fell_asleep_or_are_empty_go_last() -> None:
    old = FEED.replace(b"2022", b"2021")
    undated = rss("<guid>1</guid><title>A</title>")
    html = page(*(link(f"/{name}") for name in ("empty", "old", "new", "undated")))
    found, server = look(
        at=lambda _: {"/": ok(html), "/empty": ok(rss()), "/old": ok(old), "/new": ok(FEED), "/undated": ok(undated)}
    )
    assert [each.url.removeprefix(server.url()) for each in found] == ["new", "undated", "old", "empty"]


def test_a_feed_that_moved_for_good_is_found_at_its_new_address_once() -> None:
    html = page(link("/old"), link("/f"), link("/now"), link("/again"), link("/other"))
    found, server = look(at=lambda _: {
        "/": ok(html), "/old": redirect("/f", 301), "/now": redirect("/latest", 302), "/again": redirect("/latest", 302), "/latest": ok(FEED), "/f": ok(FEED), "/other": redirect("/", 302),
    })  # fmt: skip
    assert [each.url.removeprefix(server.url()) for each in found] == ["f", "now"]


# --- well-known paths (case 116) ------------------------------------------------------------------------------------


def test_well_known_paths_are_tried_where_the_page_names_nothing() -> None:
    found, server = look(at=lambda _: {"/": ok(page()), "/rss.xml": ok(FEED), "/atom.xml": ok(FEED)})
    assert [(each.url, each.how) for each in found] == [(server.url("/rss.xml"), "path")]
    assert asked(server) == ["/", "/feed/", "/rss", "/rss.xml"]


def test_a_site_that_sends_unknown_paths_home_is_not_followed_there() -> None:
    found, server = look(path="/ru/", at=lambda server: {
        "/ru/": ok(page()), "*": redirect("/"), "/rss": redirect(server.url("/?x")), "/index.xml": redirect("/news/"), "/feed.json": redirect("/news/"),
        "/index.rss": redirect("/ru/"), "/news/": ok(page()), "/robots.txt": reply(404),
    })  # fmt: skip
    assert found == ()
    assert asked(server) == ["/ru/", *PATHS[:6], "/news/", *PATHS[6:], "/robots.txt"]


def test_a_well_known_path_may_lead_on_to_the_feed() -> None:
    found, server = look(
        at=lambda _: {"/": ok(page()), "/rss": redirect("/rss/all.xml", 301), "/rss/all.xml": ok(FEED)}
    )
    assert [(each.url, each.how) for each in found] == [(server.url("/rss/all.xml"), "path")]


def test_a_page_at_a_well_known_path_is_not_asked_again() -> None:
    found, server = look(path="/rss", at=lambda _: {"/rss": ok(page())})
    assert found == ()
    assert asked(server).count("/rss") == 1


def test_there_are_at_most_eight_well_known_paths() -> None:
    assert len(set(PATHS)) == len(PATHS) <= 8


# --- news sitemaps --------------------------------------------------------------------------------------------------


def robots(server: FakeServer, *paths: str) -> Any:
    return ok("".join(f"Sitemap: {server.url(path)}\n" for path in paths).encode(), "text/plain")


def test_the_news_sitemap_of_robots_txt_is_found_last() -> None:
    found, server = look(at=lambda server: {
        "/": ok(page()), "/robots.txt": robots(server, "/sitemap.xml", "/news.xml"), "/sitemap.xml": ok(PAGES_ONLY), "/news.xml": ok(NEWS),
    })  # fmt: skip
    assert found == (Found(url=server.url("/news.xml"), title="Map", entries=1, newest=None, how="sitemap"),)
    assert "/sitemap.xml" not in asked(server)


@pytest.mark.parametrize(
    ("children", "url"),
    [
        (["/pages.xml", "/news-1.xml"], "/news-1.xml"),
        (["/dated.xml", "/pages.xml"], "/map.xml"),
        (["/pages.xml", "/dated.xml"], None),
        (["/map.xml"], None),
        (["/missing.xml"], None),
        (["/"], None),
        (["/quiet.xml"], None),
        ([], None),
    ],
)
def test_an_index_is_found_by_one_of_its_children(children: list[str], url: str | None) -> None:
    inside = "".join(f"<sitemap><loc>{child}</loc></sitemap>" for child in children)
    found, server = look(at=lambda server: {
        "/": ok(page()), "/robots.txt": robots(server, "/map.xml"), "/map.xml": ok(f"<sitemapindex>{inside}</sitemapindex>".encode()),
        "/pages.xml": ok(PAGES_ONLY), "/news-1.xml": ok(NEWS), "/dated.xml": ok(NEWS), "/quiet.xml": ok(NEWS.partition(b"<url>")[0] + b"</urlset>"),
    })  # fmt: skip
    assert [each.url for each in found] == ([server.url(url)] if url else [])
    assert asked(server).count("/map.xml") == asked(server).count("/") == 1
    assert len(asked(server)) <= 1 + len(PATHS) + 3


def test_a_robots_txt_can_make_us_ask_only_a_few_addresses() -> None:
    found, server = look(
        at=lambda server: {"/": ok(page()), "/robots.txt": robots(server, *(f"/s{number}" for number in range(50)))}
    )
    assert found == ()
    assert len([target for target in asked(server) if target.startswith("/s")]) == MAX_CANDIDATES


def test_all_that_a_site_can_make_us_ask_is_counted_redirects_and_parts_of_an_index_too() -> None:
    async def onward(request: Request, writer: asyncio.StreamWriter) -> None:
        await redirect(f"{request.path}x")(request, writer)

    def index(name: str) -> Any:
        return ok(f"<sitemapindex><sitemap><loc>/{name}-part</loc></sitemap></sitemapindex>".encode())

    named = page(*(link(f"/f{number}") for number in range(6)))
    maps = {f"/s{number}": index(f"s{number}") for number in range(6)}
    for answers in (
        {"/": ok(named), "*": onward},
        {"/": ok(page()), **maps, "*": reply(404)},
        {"/": ok(named), **maps, "*": reply(404)},
    ):
        found, server = look(at=lambda server, answers=answers: {"/robots.txt": robots(server, *maps), **answers})
        assert (found, len(asked(server)) <= 1 + MAX_REQUESTS) == ((), True)
        assert len(asked(server)) > 15


def test_requests_of_a_search_are_a_second_apart() -> None:
    rests = list[float]()

    async def rest(seconds: float) -> None:
        rests.append(seconds)

    _, server = look(pause=rest, at=lambda _: {"/": ok(page(link("/old"))), "/old": redirect("/f"), "/f": ok(FEED)})
    assert (asked(server), rests) == (["/", "/old", "/f"], [1.0, 1.0])


@pytest.mark.parametrize(
    "refusal", [reply(429), reply(503, b"", {"Retry-After": "60"}), redirect("/g", 302, {"Retry-After": "60"})]
)
def test_a_site_that_asks_us_to_come_back_later_is_asked_no_more(refusal: Any) -> None:
    found, server = look(at=lambda _: {"/": ok(page(link("/f"), link("/g"))), "/f": refusal, "/g": ok(FEED)})
    assert (found, asked(server)) == ((), ["/", "/f"])


def test_a_host_that_asks_us_to_come_back_later_ends_the_asking_of_no_other_and_is_told() -> None:
    told = list[str]()

    async def run() -> tuple[Any, list[str], list[str]]:
        async with FakeServer(host="127.0.0.2") as other, FakeServer() as site, http_client() as client:
            other.on("*", reply(429))
            site.on("/", ok(page(link(other.url("/a")), link(other.url("/b")), link("/f"))))
            site.on("/f", ok(FEED))
            found = await discover(
                a_feed(site.url("/")), fetcher=HttpFetcher(client), parser=Reader(), pause=no_rest, tell=told.append
            )
            assert isinstance(found, tuple)
            return [each.url == site.url("/f") for each in found], asked(site), asked(other)

    assert asyncio.run(run()) == ([True], ["/", "/f"], ["/a"])
    assert told == ["127.0.0.2 asked us to come back later (429) and was asked no more: try again then."]


# --- the guard (S1) and time ----------------------------------------------------------------------------------------

INSIDE = [
    "http://127.0.0.1:{}/", "http://localhost:{}/", "http://127.1:{}/", "http://2130706433:{}/", "http://[::ffff:127.0.0.1]:{}/",
    "http://0.0.0.0:{}/", "http://0x7f.1:{}/", "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "http://[::1]:{}/",
]  # fmt: skip


@pytest.mark.parametrize("how", ["link", "robots"])
def test_a_page_leads_to_no_address_inside_our_network(how: str) -> None:
    async def run() -> int:
        async with FakeServer() as inside, FakeServer(host="127.0.0.2") as outside, http_client() as client:
            inside.on("*", ok(FEED))
            aims = [aim.format(inside.port) for aim in INSIDE]
            for start in range(0, len(aims), MAX_CANDIDATES):
                some = aims[start : start + MAX_CANDIDATES]
                outside.on("/", ok(page(*(link(aim) for aim in some)) if how == "link" else page()))
                outside.on("/robots.txt", ok("".join(f"Sitemap: {aim}\n" for aim in some).encode()))
                feed = a_feed(outside.url("/"), allow_networks=("127.0.0.2/32",))
                assert await discover(feed, fetcher=HttpFetcher(client), parser=Reader(), pause=no_rest) == ()
            assert len(outside.requests) > 2
            return inside.connections

    assert asyncio.run(run()) == 0


@pytest.mark.skipif(not SSRF.exists(), reason="the list of URLs is not part of the project")
def test_no_url_of_the_request_forgery_list_is_reached_from_a_page_or_a_robots_txt() -> None:
    aims = [line.split()[0] for line in SSRF.read_text().splitlines() if line.strip() and not line.startswith("#")]

    async def run() -> None:
        async with FakeServer(host="127.0.0.2") as site, http_client() as client:
            feed = a_feed(site.url("/"), allow_networks=("127.0.0.2/32",))
            for start in range(0, len(aims), MAX_CANDIDATES):
                some = aims[start : start + MAX_CANDIDATES]
                site.on("/robots.txt", ok("".join(f"Sitemap: {aim}\n" for aim in some).encode()))
                for links in (map(link, some), ()):
                    site.on("/", ok(page(*links)))
                    assert await discover(feed, fetcher=HttpFetcher(client), parser=Reader(), pause=no_rest) == ()

    asyncio.run(run())


def test_a_site_that_stops_answering_gives_what_was_found_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEADLINE", timedelta(seconds=0.4))
    found, server = look(at=lambda _: {"/": ok(page(link("/f"), link("/slow"))), "/f": ok(FEED), "/slow": hang()})
    assert [each.url for each in found] == [server.url("/f")]


def test_a_page_that_breaks_its_parser_is_searched_all_the_same() -> None:
    class Killed(Reader):
        async def parse(self, answer: Fetched, **options: Any) -> ParsedFeed | PollFailure:
            if answer.url.endswith("/"):
                return PollFailure(kind=FailureKind.PARSER_KILLED, reason="too much")
            return await super().parse(answer, **options)

    found, server = look(parser=Killed(), at=lambda _: {"/": ok(page(link("/f"))), "/f": ok(FEED)})
    assert [each.url for each in found] == [server.url("/f")]


def test_discovery_works_with_the_real_parser() -> None:
    async def run() -> tuple[Found, ...] | PollFailure:
        parser = WorkerParser()
        try:
            async with FakeServer() as server, http_client() as client:
                server.on("/", ok(page(link("/f")))).on("/f", ok(FEED))
                return await discover(
                    a_feed(server.url("/")), fetcher=HttpFetcher(client), parser=parser, pause=no_rest
                )
        finally:
            await parser.aclose()

    found = asyncio.run(run())
    assert isinstance(found, tuple)
    assert [(each.title, each.entries, each.newest) for each in found] == [("News", 2, NEWEST)]
