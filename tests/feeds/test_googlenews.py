from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.feeds import rss

from monitor.feeds.document import parse_document
from monitor.feeds.entries import Body, Item
from monitor.feeds.googlenews import original, recover, split_title
from monitor.feeds.limits import Limits
from monitor.ports import ParsedFeed

ARTICLE = "https://tengrinews.kz/kazakhstan_news/protestyi-v-almatyi-457000/"
AMP = "https://tengrinews.kz/amp/457000/"
TOKEN = "AU_yqLMg5Yd2JkdMh8LTR1VqRkxXb0M0dGJx" * 3


def field(number: int, value: bytes) -> bytes:
    """A field of bytes as protocol buffers have it."""
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def google(*fields: bytes, folder: str = "rss/articles", tail: str = "?oc=5") -> str:
    data = b"\x08\x13" + b"".join(fields)
    return f"https://news.google.com/{folder}/{base64.urlsafe_b64encode(data).decode().rstrip('=')}{tail}"


OLD = google(field(4, ARTICLE.encode()), field(26, AMP.encode()))
OPAQUE = google(field(4, TOKEN.encode()))


def an_item(title: str = "Протесты в Алматы - Tengrinews", link: str = OLD, **fields: Any) -> Item:
    given = {
        "guid": "CBMi",
        "links": (link,),
        "title": Body(value=title, is_html=True),
        "bodies": (Body(value="x", is_html=True),),
    }
    return Item(**(given | {"source_name": "Tengrinews"} | fields))


def test_ids_of_the_old_form_begin_as_google_writes_them() -> None:
    assert "/CBMi" in OLD
    assert "/CBMi" in OPAQUE


def test_an_item_of_google_news_has_its_publisher_headline_and_address() -> None:
    item = recover(an_item())
    assert item.links == (ARTICLE, OLD)
    assert (item.title.value, item.source_name, item.bodies) == ("Протесты в Алматы", "Tengrinews", ())
    assert item.guid == "CBMi"


def test_an_opaque_id_keeps_googles_link() -> None:
    item = recover(an_item(link=OPAQUE))
    assert item.links == (OPAQUE,)
    assert (item.title.value, item.source_name) == ("Протесты в Алматы", "Tengrinews")


@pytest.mark.parametrize(
    ("link", "address"),
    [
        (OLD, ARTICLE),
        (google(field(4, ARTICLE.encode())), ARTICLE),
        (google(field(4, ARTICLE.encode()), tail=""), ARTICLE),
        (google(field(4, ARTICLE.encode()), folder="articles"), ARTICLE),
        (google(field(4, ARTICLE.encode()), folder="read", tail="?hl=ru&gl=KZ"), ARTICLE),
        (google(field(3, b"?"), b"\x28\x90\x4e", field(4, ARTICLE.encode())), ARTICLE),
        (google(field(4, b"https://a.example/" + b"x" * 300)), "https://a.example/" + "x" * 300),
        (OPAQUE, None),
        (google(), None),
        (google(field(4, b"javascript:alert(1)")), None),
        (google(field(4, b"http://")), None),
        (google(field(4, "https://қаз.example/".encode())), None),
        (google(field(4, b"https://a.example/ x")), None),
        (google(b"\x0d\x00\x00\x00\x00", field(4, ARTICLE.encode())), None),
        (google(b"\x22\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), None),
        ("https://news.google.com/rss/articles/CAIiE!!not-base64", None),
        ("https://news.google.com/", None),
        ("https://news.google.com/rss/articles/" + "C" * 10_000, None),
        (OLD.replace("news.google.com", "news.google.com.evil.example"), None),
        (OLD.replace("https://", "ftp://"), None),
        ("https://[news.google.com/rss", None),
        ("https://www.google.com/url?rct=j&sa=t&url=https://vlast.kz/a%3Fb%3D1&ct=ga&cd=x", "https://vlast.kz/a?b=1"),
        ("https://www.google.com/url?q=https://vlast.kz/a", "https://vlast.kz/a"),
        ("http://www.bing.com/news/apiclick.aspx?ref=FexRss&aid=&url=https%3a%2f%2fvlast.kz%2fa&c=1", "https://vlast.kz/a"),
        ("https://www.google.com/url?url=file:///etc/passwd", None),
        ("https://www.google.com/url", None),
        ("https://www.google.com/maps?url=https://vlast.kz/", None),
        ("https://vlast.kz/google.com/url?url=https://evil.example/", None),
    ],
)  # fmt: skip
def test_an_aggregators_link_leads_to_the_article_where_it_says_so(link: str, address: str | None) -> None:
    assert original(link) == address


@pytest.mark.parametrize(
    ("title", "publisher", "headline", "name"),
    [
        ("Митинг в Актау - Tengrinews", "Tengrinews", "Митинг в Актау", "Tengrinews"),
        ("Митинг в Актау - TENGRINEWS ", "Tengrinews", "Митинг в Актау", "Tengrinews"),
        ("Almaty - Nur-Sultan road closed - Reuters", "Reuters", "Almaty - Nur-Sultan road closed", "Reuters"),
        (
            "Law - what changes - Radio Free - Europe",
            "Radio Free - Europe",
            "Law - what changes",
            "Radio Free - Europe",
        ),
        ("R&amp;D - AT&amp;T News", "AT&T News", "R&amp;D", "AT&T News"),
        ("Митинг - Другой", "Tengrinews", "Митинг - Другой", "Tengrinews"),
        ("No publisher", "Tengrinews", "No publisher", "Tengrinews"),
        ("Митинг в Актау - zakon.kz", None, "Митинг в Актау", "zakon.kz"),
        ("Law - what changes - AT&amp;T", None, "Law - what changes", "AT&T"),
        ("No publisher", None, "No publisher", None),
        (" - Tengrinews", None, " - Tengrinews", None),
        (" - Tengrinews", "Tengrinews", " - Tengrinews", "Tengrinews"),
        ("Long - " + "x" * 100, None, "Long - " + "x" * 100, None),
        ("Митинг&nbsp;- Tengrinews", "Tengrinews", "Митинг&nbsp;- Tengrinews", "Tengrinews"),
        ("", None, "", None),
    ],
)
def test_a_title_is_split_into_headline_and_publisher(
    title: str, publisher: str | None, headline: str, name: str | None
) -> None:
    assert split_title(title, publisher) == (headline, name)


def test_an_alert_keeps_its_words_and_gets_the_articles_address() -> None:
    link = "https://www.google.com/url?sa=t&url=https://vlast.kz/a"
    item = an_item(title="Митинг - Vlast", link=link, source_name=None)
    assert recover(item) == Item(guid="CBMi", links=("https://vlast.kz/a", link), title=item.title, bodies=item.bodies)


@pytest.mark.parametrize(
    "links", [(), ("https://vlast.kz/a",), ("https://www.google.com/search?q=x",), ("not a link",), ("",)]
)
def test_all_other_items_are_left_as_they_are(links: tuple[str, ...]) -> None:
    item = an_item(links=links)
    assert recover(item) is item


def test_a_feed_of_google_news_is_read_with_what_was_recovered() -> None:
    body = rss(
        f"<title>Протесты в Алматы - Tengrinews</title><link>{OLD}</link><guid isPermaLink='false'>CBMi1</guid>"
        "<pubDate>Wed, 05 Jan 2022 12:00:00 GMT</pubDate><source url='https://tengrinews.kz'>Tengrinews</source>"
        "<description>&lt;a href='x'&gt;Протесты в Алматы&lt;/a&gt; &lt;font&gt;Tengrinews&lt;/font&gt;</description>"
    )
    document = parse_document(body, None, "https://news.google.com/rss/search?q=x", Limits())
    assert isinstance(document, ParsedFeed)
    [entry] = document.entries
    assert (entry.title, entry.link, entry.source_name) == ("Протесты в Алматы", ARTICLE, "Tengrinews")
    assert (entry.summary, entry.guid) == ("", "CBMi1")


@given(st.binary(max_size=60))
def test_no_id_breaks_the_decoding(data: bytes) -> None:
    original(f"https://news.google.com/rss/articles/{base64.urlsafe_b64encode(data).decode()}")
