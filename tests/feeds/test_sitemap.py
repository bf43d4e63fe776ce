from __future__ import annotations

import gzip
import time
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.archive import Archive
from support.feeds import rss
from support.values import feed

from monitor.feeds.document import parse_document
from monitor.feeds.limits import Limits
from monitor.feeds.sitemap import MAX_CHILDREN, MAX_URLS
from monitor.model import ChangeKind, Entry, FailureKind, PollFailure
from monitor.ports import More, ParsedFeed

URL = "https://news.example/sitemap-news.xml"
OPEN = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
    'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">'
)


def urlset(*urls: str) -> str:
    return OPEN + "".join(f"<url>{url}</url>" for url in urls) + "</urlset>"


def article(
    number: int = 1, title: str = "Шеруге шыққандар", date: str = "2022-01-05T12:30:00Z", more: str = ""
) -> str:
    return (
        f"<loc>https://news.example/{number}</loc><news:news><news:publication><news:name>Tengri</news:name>"
        f"<news:language>kk</news:language></news:publication><news:publication_date>{date}</news:publication_date>"
        f"<news:title>{title}</news:title></news:news>{more}"
    )


def index(*children: str) -> str:
    inside = "".join(f"<sitemap>{child}</sitemap>" for child in children)
    return f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{inside}</sitemapindex>'


def parse(document: str | bytes, limits: Limits | None = None) -> ParsedFeed:
    body = document.encode() if isinstance(document, str) else document
    result = parse_document(body, "text/html", URL, limits or Limits())
    assert isinstance(result, ParsedFeed), result
    return result


def refuse(document: str | bytes) -> PollFailure:
    body = document.encode() if isinstance(document, str) else document
    result = parse_document(body, "application/xml", URL, Limits())
    assert isinstance(result, PollFailure), result
    return result


# --- news sitemaps (case 117) ---------------------------------------------------------------------------------------


def test_an_article_of_a_news_sitemap_becomes_an_entry_with_all_that_it_says() -> None:
    document = parse(urlset(article(more="<lastmod>2022-01-05T13:00:00+06:00</lastmod>")))
    assert document.entries == (
        Entry(
            guid="https://news.example/1",
            link="https://news.example/1",
            title="Шеруге шыққандар",
            summary="",
            published=datetime(2022, 1, 5, 12, 30, tzinfo=UTC),
            updated=datetime(2022, 1, 5, 7, 0, tzinfo=UTC),
            language="kk",
        ),
    )
    assert document.head is not None
    assert (document.head.title, document.head.language) == ("Tengri", "kk")
    assert (document.shown, len(document.marks), document.warning, document.more) == (1, 24, None, ())


@pytest.mark.parametrize(
    ("written", "published"),
    [
        ("2022-01-05", datetime(2022, 1, 5, tzinfo=UTC)),
        ("2022-01-05T18:30+06:00", datetime(2022, 1, 5, 12, 30, tzinfo=UTC)),
        ("2022-01-05T18:30:15+06:00", datetime(2022, 1, 5, 12, 30, 15, tzinfo=UTC)),
        ("2022-01-05T12:30:15.45Z", datetime(2022, 1, 5, 12, 30, 15, tzinfo=UTC)),
        ("2022-01-05T12:30Z", datetime(2022, 1, 5, 12, 30, tzinfo=UTC)),
        ("  2022-01-05T12:30:00Z\n", datetime(2022, 1, 5, 12, 30, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
    ],
)
def test_publication_dates_come_in_all_w3c_forms(written: str, published: datetime | None) -> None:
    assert parse(urlset(article(date=written))).entries[0].published == published


def test_lastmod_alone_is_no_time_of_publication() -> None:
    bare = "<loc>/1</loc><lastmod>2022-01-05</lastmod><news:news><news:title>A</news:title></news:news>"
    [entry] = parse(urlset(bare)).entries
    assert (entry.published, entry.updated) == (None, datetime(2022, 1, 5, tzinfo=UTC))
    assert entry.link == entry.guid == "https://news.example/1"


@pytest.mark.parametrize(
    "document",
    [
        urlset("<loc>https://news.example/</loc><lastmod>2022-01-05</lastmod>"),
        urlset("<loc>/1</loc><image:image><image:title>A picture</image:title></image:image>"),
        urlset("<loc>/1</loc><video:video xmlns:video='v'><video:title>A film</video:title></video:video>"),
        urlset("<loc>/1</loc><news:news><news:title>  </news:title></news:news>"),
        urlset("<news:news><news:title>No address</news:title></news:news>"),
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"/>',
        "<!-- made by x --><urlset><url><loc>https://news.example/1</loc></url></urlset>",
    ],
)
def test_a_sitemap_without_headlines_is_refused_by_its_name(document: str) -> None:
    failure = refuse(document)
    assert failure.kind is FailureKind.NOT_A_FEED
    assert "sitemap without headlines" in failure.reason


def test_a_news_sitemap_of_a_quiet_day_is_an_empty_feed() -> None:
    document = parse(urlset())
    assert (document.entries, document.shown, document.marks) == ((), 0, b"")


@pytest.mark.parametrize(
    "document",
    [
        urlset(article()).replace("news:", "n:"),
        urlset(article()).replace("xmlns:news", "xmlns:other"),
        urlset(article()).replace("http://www.google", "https://google"),
        urlset(article()).replace("<url>", "<URL>").replace("</url>", "</URL>"),
        urlset(article()).replace("urlset", "s:urlset").replace("xmlns=", "xmlns:s="),
        urlset(article()).partition("?>")[2],
        urlset(article()).replace('version="1.0"', 'version="1.1"'),
        "\n\n" + urlset(article()),
        urlset(article()).replace("<urlset", "<?xml-stylesheet href='x'?><!-- a - > b --><!DOCTYPE urlset><urlset"),
        urlset(article()).replace("<news:title>", "<news:title><![CDATA[").replace("</news:title>", "]]></news:title>"),
    ],
)
def test_prefixes_and_surroundings_do_not_matter(document: str) -> None:
    assert [entry.title for entry in parse(document).entries] == ["Шеруге шыққандар"]


def test_letters_come_in_any_encoding() -> None:
    text = urlset(article(title="Протесты в Алматы")).replace("UTF-8", "windows-1251")
    assert parse(text.encode("cp1251")).entries[0].title == "Протесты в Алматы"
    assert parse(text.replace("windows-1251", "UTF-16").encode("utf-16")).entries[0].title == "Протесты в Алматы"


def test_a_packed_sitemap_is_opened() -> None:
    assert parse(gzip.compress(urlset(article()).encode())).entries[0].title == "Шеруге шыққандар"


def test_a_packed_bomb_or_damaged_file_is_refused() -> None:
    assert refuse(gzip.compress(b" " * (16 << 20))).kind is FailureKind.TOO_LARGE
    assert refuse(gzip.compress(Random(1).randbytes(15_800_000), 0)).kind is FailureKind.TOO_LARGE
    assert refuse(b"\x1f\x8b\x08 no gzip").kind is FailureKind.BAD_ENCODING


def test_only_so_many_articles_are_taken_the_newest_in_the_documents_order() -> None:
    old = [article(number, date="2022-01-04") for number in range(20)]
    new = [article(number, date="2022-01-05") for number in range(20, MAX_URLS + 10)]
    document = parse(urlset(*old, *new))
    assert (document.shown, document.dropped) == (MAX_URLS, 10)
    assert document.entries[0].link == "https://news.example/0"
    assert document.entries[-1].link == f"https://news.example/{MAX_URLS + 9}"
    few = parse(urlset(*old[:10], *new[:3], *old[10:]), Limits(entries=5))
    assert few.dropped == 18
    assert [entry.link for entry in few.entries[-3:]] == [f"https://news.example/{number}" for number in (20, 21, 22)]


# --- damage ---------------------------------------------------------------------------------------------------------


def test_bare_ampersands_and_entities_of_html_are_mended() -> None:
    broken = article(title="Көлік&nbsp;&amp; жол &mdash; AT&T &#1179; &nosuch;").replace(
        "example/1", "example/?a=1&b=2&copy=3"
    )
    plain = article(2, title="<![CDATA[R&D && more]]>")
    wrapped = article(3).replace("https://news.example/3", "<![CDATA[https://news.example/?c=1&d=2]]>")
    one, two, three = parse(urlset(broken, plain, wrapped)).entries
    assert three.link == "https://news.example/?c=1&d=2"
    assert one.title == "Көлік & жол — AT&T қ &nosuch;"
    assert one.link == "https://news.example/?a=1&b=2&copy=3"
    assert two.title == "R&D && more"


def test_what_stands_before_a_break_counts_and_is_warned_about() -> None:
    text = urlset(article(1), article(2))
    document = parse(text[: text.index("news.example/2") + 100])
    assert [entry.guid for entry in document.entries] == ["https://news.example/1"]
    assert document.warning is not None
    assert "not well-formed" in document.warning


def test_a_document_that_breaks_off_at_once_is_incomplete() -> None:
    failure = refuse(OPEN + "<url><loc>https://news.example/1</loc>")
    assert failure.kind is FailureKind.INCOMPLETE


@pytest.mark.parametrize(
    "dtd",
    [
        '<!DOCTYPE urlset [<!ENTITY a "aaaa">]>',
        '<!DOCTYPE urlset [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE urlset [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]>',
        '<!DOCTYPE urlset [<!ENTITY a "b"><!ENTITY c "&a;&a;&a;">]>',
    ],
)
def test_a_sitemap_that_declares_entities_is_refused(dtd: str) -> None:
    failure = refuse(urlset(article(title="&a;&x;")).replace("<urlset", dtd + "<urlset"))
    assert failure.kind is FailureKind.NOT_A_FEED
    assert "entities" in failure.reason


def test_a_sitemap_is_not_nested_deeply() -> None:
    assert "nested" in refuse("<urlset>" + "<a>" * 100).reason


@pytest.mark.parametrize(
    "document",
    [
        "<urlset" + " a='b'" * 60_000 + ">",
        "<urlset>" + "<![CDATA[" * 100_000,
        "<urlset>" + "&" * 1_000_000,
        "<!-- " * 200_000 + "<urlset>",
        "<!doctype [" * 100_000,
        urlset(f"<loc>{'x' * 3_000_000}</loc><news:news><news:title>{'y' * 3_000_000}</news:title></news:news>"),
        urlset(*["<loc>a</loc>"] * 50_000),
    ],
)
def test_a_hostile_sitemap_takes_no_time(document: str) -> None:
    begun = time.process_time()
    parse_document(document.encode(), "text/xml", URL, Limits())
    assert time.process_time() - begun < 8


@given(st.binary(max_size=300))
def test_no_sitemap_breaks_the_reading(data: bytes) -> None:
    parse_document(OPEN.encode() + b"<url>" + data, None, URL, Limits())
    parse_document(b"<sitemapindex>" + data + b"</sitemapindex>", None, URL, Limits())


# --- indexes --------------------------------------------------------------------------------------------------------


def test_an_index_hands_on_its_children_the_latest_changed_first() -> None:
    document = parse(
        index(
            "<loc>/a.xml</loc>",
            "<loc>https://news.example/b.xml</loc><lastmod>2022-01-04</lastmod>",
            "<loc>https://news.example/c.xml.gz</loc><lastmod>2022-01-05T10:00:00+06:00</lastmod>",
            "<loc>https://news.example/b.xml</loc><lastmod>2022-01-04</lastmod>",
            "<loc>file:///etc/passwd</loc>",
            f"<loc>{URL}</loc>",
            "<lastmod>2022-01-05</lastmod>",
        )
    )
    assert (document.entries, document.shown, document.marks) == ((), 0, b"")
    assert document.more == (
        More(url="https://news.example/c.xml.gz", changed=datetime(2022, 1, 5, 4, 0, tzinfo=UTC)),
        More(url="https://news.example/b.xml", changed=datetime(2022, 1, 4, tzinfo=UTC)),
        More(url="https://news.example/a.xml"),
    )


def test_only_so_many_children_are_handed_on() -> None:
    assert len(parse(index(*(f"<loc>/{number}.xml</loc>" for number in range(MAX_CHILDREN + 5)))).more) == MAX_CHILDREN


def test_an_index_without_children_is_refused() -> None:
    assert "index" in refuse(index()).reason


# --- one article, two ways in (case 118) ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "link",
    ["https://news.example/1001", "http://www.news.example/1001/?utm_source=rss", "https://news.example/1001#top", "https://m.news.example/1001"],
)  # fmt: skip
@pytest.mark.parametrize("rss_first", [True, False])
def test_the_same_article_in_rss_and_sitemap_is_one_report(link: str, *, rss_first: bool) -> None:
    item = f"<guid isPermaLink='false'>urn:77</guid><link>{link.replace('&', '&amp;')}</link><title>Шеруге шыққандар</title>"
    body = rss(
        item + "<description>Алматыда мыңдаған адам шеруге шықты, деп хабарлайды тілшіміз алаңнан.</description>"
    )
    from_rss = parse_document(body, None, "https://news.example/rss", Limits())
    assert isinstance(from_rss, ParsedFeed)
    shown = [(from_rss.entries[0], "rss"), (parse(urlset(article(1001))).entries[0], "map")]
    archive = Archive(feeds={
        "rss": feed("rss", url="https://news.example/rss", outlet="news"),
        "map": feed("map", url=URL, outlet="news"),
    })  # fmt: skip
    first, second = (archive.show(*each) for each in (shown if rss_first else reversed(shown)))
    assert first.kind is ChangeKind.NEW
    assert second.kind is (ChangeKind.SAME if rss_first else ChangeKind.REVISED)
    assert second.report.id == first.report.id
    assert "мыңдаған адам" in second.report.text
    assert [archive.show(*each).kind for each in shown] == [ChangeKind.SAME, ChangeKind.SAME]
