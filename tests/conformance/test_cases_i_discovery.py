"""Conformance cases 114-118: discovery and sitemaps."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conformance.desk import NOON, Desk, hours, no_pause, page
from conformance.running import watching
from support.feeds import a_feed
from support.http_server import Answer, redirect, reply

from monitor.feeds.discover import PATHS, Found, discover
from monitor.feeds.fetch import HttpFetcher
from monitor.feeds.limits import Limits
from monitor.feeds.sitemap import MAX_URLS
from monitor.model import FailureKind, PollFailure
from monitor.reports.identity import canonical_link

DATA = Path(__file__).parents[2] / "../shared/data"
PAGES = DATA / "feeds/feedvalidator/feedfinder-tests"
URIS = DATA / "protocol/feedvalidator-unit/src/tests/testUri.py"
ARCHIVED = b"https://web.archive.org/web/20110926231958/"
"""What the archive of the suite's pages put before their addresses."""

HOSTS = ("http://diveintomark.org", "http://www.ragingplatypus.com")

RSS, JSON = "application/rss+xml", "application/feed+json"


def link(href: str, kind: str = RSS, title: str = "") -> str:
    return f'<link rel="alternate" type="{kind}" title="{title}" href="{href}">'


def site(*links: str) -> bytes:
    return f"<!doctype html><html><head><title>News</title>{''.join(links)}</head><body>News</body></html>".encode()


def found_at(desk: Desk, answers: Mapping[str, Answer], *, start: str = "/") -> list[str]:
    """Let a site answer like this, look for its feeds, and return the paths of those found."""
    for path, answer in answers.items():
        desk.serve(answer, path=path)
    looked = desk.run(
        discover(
            a_feed(desk.server.url(start)),
            fetcher=HttpFetcher(desk.house.http),
            parser=desk.house.parser,
            pause=no_pause,
        )
    )
    assert not isinstance(looked, PollFailure), looked
    return [path_of(each) for each in looked]


def path_of(found: Found) -> str:
    return urlsplit(found.url).path


# --- pages ------------------------------------------------------------------------------------------------------------

FORMS: dict[str, bytes] = {
    "relative": site(link("f.xml")),
    "absolute path": site(link("/f.xml")),
    "absolute": site(link("{server}/f.xml")),
    "base href": site('<base href="{server}/sub/">', link("../f.xml")),
    "rel last": b"<html><head><link href=/f.xml type=application/rss+xml rel=alternate></head></html>",
    "upper case": b"<HTML><HEAD><LINK REL=ALTERNATE TYPE=APPLICATION/RSS+XML HREF=/f.xml></HEAD></HTML>",
    "several rels": b'<head><link rel="home  Alternate x" type="application/rss+xml" href="/f.xml"></head>',
    "single quotes": b"<head><link rel='alternate' type='application/rss+xml' href='/f.xml'></head>",
    "line breaks": b"<head><link\nrel=alternate\r\ntype='application/rss+xml'\nhref='/f.xml'></head>",
    "entities": b'<head><link rel="alternate" type="application/rss+xml" href="&#47;f&#46;xml"></head>',
    "xhtml": b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head><link rel='alternate' type='application/rss+xml' href='/f.xml' /></head></html>",
}  # fmt: skip


@pytest.mark.parametrize("html", FORMS.values(), ids=FORMS.keys())
def test_case_114_a_page_leads_to_its_feed(desk: Desk, html: bytes) -> None:
    html = html.replace(b"{server}", desk.server.url("").encode())
    answers = {"/": reply(200, html, {"Content-Type": "text/html"}), "/f.xml": reply(200, page("a"))}
    assert found_at(desk, answers) == ["/f.xml"]


@pytest.mark.skipif(not PAGES.exists(), reason="needs the corpus of pages beside the project")
def test_case_114_the_pages_of_the_autodiscovery_suite_lead_to_their_feeds(desk: Desk) -> None:
    place = "/tests/client/autodiscovery/"
    names = sorted(file.stem for file in PAGES.glob("html4-*.html"))
    wrong = []
    for name in names:
        html = (PAGES / f"{name}.html").read_bytes().replace(ARCHIVED, b"")
        for host, encoding in product(HOSTS, ("ascii", "utf-16-le")):  # one page is UTF-16
            html = html.replace(host.encode(encoding), desk.server.url("").encode(encoding))
        answers = {f"{place}{name}.html": reply(200, html), f"{place}{name}.xml": reply(200, page("a"))}
        if found_at(desk, answers, start=f"{place}{name}.html") != [f"{place}{name}.xml"]:
            wrong.append(name)
    assert len(names) >= 55
    assert wrong == []


def test_case_115_several_feeds_are_listed_json_first_comments_and_interfaces_last(desk: Desk) -> None:
    html = site(
        link("/wp-json/wp/v2/pages/2", "application/json"), link("/comments/feed", title="Comments on News"),
        link("/rss"), link("/atom", "application/atom+xml"), link("/feed.json", JSON),
    )  # fmt: skip
    feed = reply(200, page("a"))
    paths = ["/feed.json", "/rss", "/atom", "/comments/feed", "/wp-json/wp/v2/pages/2"]
    assert found_at(desk, {"/": reply(200, html), **dict.fromkeys(paths, feed)}) == paths


def test_case_116_without_links_at_most_eight_paths_are_probed(desk: Desk) -> None:
    assert found_at(desk, {"/": reply(200, site())}) == []
    probed = [request.path for request in desk.requests]
    assert probed == ["/", *PATHS, "/robots.txt"]
    assert len(PATHS) <= 8


def test_case_116_a_path_that_leads_to_the_home_page_is_not_followed_there(desk: Desk) -> None:
    away = desk.other.url("/")
    answers = {
        "/": reply(200, site()), "/feed/": redirect("/"), "/rss": redirect(away), "/rss.xml": redirect("/real.xml"),
        "/real.xml": reply(200, page("a")),
    }  # fmt: skip
    assert found_at(desk, answers) == ["/real.xml"]
    assert [request.path for request in desk.requests].count("/") == 1
    assert desk.other.requests == []


# --- sitemaps ---------------------------------------------------------------------------------------------------------

SITEMAP = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def article(name: str, date: str = "2022-01-05T11:30:00Z", *, title: str | None = None) -> str:
    return (
        f"<url><loc>/{name}</loc><news:news><news:publication><news:name>N</news:name><news:language>ru</news:language>"
        f"</news:publication><news:publication_date>{date}</news:publication_date><news:title>{title or name}</news:title>"
        "</news:news></url>"
    )


def sitemap(*urls: str) -> bytes:
    news = 'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
    return f"<?xml version='1.0' encoding='UTF-8'?><urlset {SITEMAP} {news}>{''.join(urls)}</urlset>".encode()


def index(*children: tuple[str, str]) -> bytes:
    inside = "".join(f"<sitemap><loc>{url}</loc><lastmod>{changed}</lastmod></sitemap>" for url, changed in children)
    return f"<sitemapindex {SITEMAP}>{inside}</sitemapindex>".encode()


@pytest.mark.parametrize(
    ("date", "published"),
    [
        ("2022-01-05", datetime(2022, 1, 5, tzinfo=UTC)),
        ("2022-01-05T16:30+06:00", datetime(2022, 1, 5, 10, 30, tzinfo=UTC)),
        ("2022-01-05T16:30:15+06:00", datetime(2022, 1, 5, 10, 30, 15, tzinfo=UTC)),
        ("2022-01-05T10:30:15.45Z", datetime(2022, 1, 5, 10, 30, 15, tzinfo=UTC)),
        ("2022-01-05T10:30Z", datetime(2022, 1, 5, 10, 30, tzinfo=UTC)),
    ],
)
def test_case_117_a_news_sitemap_is_a_feed_with_all_forms_of_dates(desk: Desk, date: str, published: datetime) -> None:
    desk.serve(reply(200, sitemap(article("a", date))))
    desk.poll()
    assert desk.titles() == "a"
    assert desk.last is not None
    (entry,) = desk.last.entries
    found = entry.published
    assert found is not None
    assert found.replace(microsecond=0) == published


def test_case_117_of_too_many_addresses_the_newest_thousand_are_taken(desk: Desk) -> None:
    old = (article(f"o{number}", "2022-01-04T10:00:00Z") for number in range(500))
    new = (article(f"n{number}") for number in range(MAX_URLS))
    desk.serve(reply(200, sitemap(*old, *new)))
    desk.poll()
    assert desk.last is not None
    assert {entry.title[0] for entry in desk.last.entries} == {"n"}
    assert (len(desk.last.entries), MAX_URLS) == (1000, 1000)
    assert Limits().entries >= MAX_URLS


def test_case_117_a_sitemap_without_titles_is_refused(desk: Desk) -> None:
    pages = "".join(f"<url><loc>/{name}</loc><lastmod>2022-01-05T11:00:00Z</lastmod></url>" for name in "ab")
    desk.serve(reply(200, f"<urlset {SITEMAP}>{pages}</urlset>".encode()))
    desk.poll()
    assert desk.failure().kind is FailureKind.NOT_A_FEED
    assert "news sitemap" in desk.failure().reason


def test_case_117_lastmod_is_no_date_of_publication(desk: Desk) -> None:
    no_date = article("a").replace("<news:publication_date>2022-01-05T11:30:00Z</news:publication_date>", "")
    desk.serve(reply(200, sitemap(no_date.replace("</url>", "<lastmod>2022-01-05T11:00:00Z</lastmod></url>"))))
    desk.poll()
    assert desk.titles() == "a"
    assert desk.last is not None
    assert desk.last.entries[0].published is None


def test_case_117_of_an_index_only_children_that_changed_are_asked_for(desk: Desk) -> None:
    desk.serve(
        reply(200, index(("/today.xml", "2022-01-05T11:00:01Z"), ("/old.xml", "2021-12-01T00:00:01Z"))),
        reply(200, index(("/today.xml", "2022-01-05T12:04:01Z"), ("/noon.xml", "2022-01-05T11:59:01Z"), ("/old.xml", "2021-12-01T00:00:01Z"))),
    )  # fmt: skip
    desk.serve(reply(200, sitemap(article("a"))), reply(200, sitemap(article("b"), article("a"))), path="/today.xml")
    desk.poll()
    assert desk.titles() == "a"
    desk.poll()
    assert desk.titles() == "b"
    assert [request.path for request in desk.requests] == ["/feed", "/today.xml", "/feed", "/today.xml"]


def test_case_118_one_article_in_rss_and_in_the_sitemap_is_one_report_and_one_alert(desk: Desk, tmp_path: Path) -> None:
    date = f"{NOON - hours(1):%a, %d %b %Y %H:%M:%S} GMT"
    item = f"<title>Protest in Almaty</title><link>/1?utm_source=rss</link><guid isPermaLink='false'>7</guid><pubDate>{date}</pubDate>"
    channel = f"<rss version='2.0'><channel><title>N</title><item>{item}</item></channel></rss>"
    desk.serve(reply(200, channel.encode()), path="/rss")
    desk.serve(reply(200, sitemap(article("1/", "2022-01-05T11:00:00Z", title="Protest in Almaty"))), path="/news.xml")
    with watching(desk, tmp_path) as service:
        service.configure({"rss": {"path": "/rss", "outlet": "n"}, "map": {"path": "/news.xml", "outlet": "n"}})
        service.start()
        alerts = service.advance(hours(1))
        assert service.call("status")["counts"]["reports"] == 1
    assert [alert["headline"] for alert in alerts if alert["kind"] == "story"] == ["Protest in Almaty"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://a.example/x", "https://www.a.example/x/", True),
        ("http://a.example:80/x", "http://A.example/x", True),
        ("http://a.example/%7Esmith/x", "http://a.example/~smith/x", True),
        ("http://a.example/b/../x", "http://a.example/x", True),
        ("http://a.example/x?utm_source=rss#top", "http://a.example/x", True),
        ("http://a.example/x", "http://a.example/X", False),
        ("http://a.example/x", "http://a.example:8080/x", False),
        ("http://a.example/x?id=1", "http://a.example/x?id=2", False),
        ("http://a.example/x", "http://b.example/x", False),
    ],
)
def test_case_118_addresses_are_equal_where_they_name_one_article(one: str, other: str, same: bool) -> None:
    assert (canonical_link(one) == canonical_link(other)) is same


@pytest.mark.skipif(not URIS.exists(), reason="needs the protocol corpus beside the project")
def test_case_118_the_equality_table_of_the_feed_validator_holds_for_web_addresses() -> None:
    tables = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(URIS.read_text()).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.startswith("tests")
    }  # fmt: skip
    equal = [(one, other) for one, other in tables["testsEqual"] if one.lower().startswith("http://")]
    assert len(equal) >= 5
    assert all(canonical_link(one) == canonical_link(other) for one, other in equal)
    unlike = [
        (one, other) for one, other in tables["testsDifferent"] if canonical_link(one) and not one.endswith("~smith/")
    ]
    assert all(canonical_link(one) != canonical_link(other) for one, other in unlike)
