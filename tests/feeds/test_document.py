from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.feeds import rss

from monitor.feeds.document import parse_document
from monitor.feeds.limits import Limits
from monitor.feeds.parsers import mended
from monitor.model import Entry, FailureKind, PollFailure
from monitor.ports import ParsedFeed

URL = "https://news.example/feeds/main.xml"


def parse(
    body: bytes | str, content_type: str | None = "application/rss+xml", limits: Limits | None = None
) -> ParsedFeed:
    data = body.encode() if isinstance(body, str) else body
    result = parse_document(data, content_type, URL, limits or Limits())
    assert isinstance(result, ParsedFeed), result
    return result


def refuse(body: bytes | str, content_type: str | None = "text/xml") -> PollFailure:
    data = body.encode() if isinstance(body, str) else body
    result = parse_document(data, content_type, URL, Limits())
    assert isinstance(result, PollFailure), result
    return result


def item(inside: str) -> Entry:
    [entry] = parse(rss(inside)).entries
    return entry


def atom(inside: str, attributes: str = "") -> Entry:
    [entry] = parse(
        f'<feed xmlns="http://www.w3.org/2005/Atom" {attributes}><title>T</title><entry>{inside}</entry></feed>'
    ).entries
    return entry


# --- formats --------------------------------------------------------------------------------------------------------


def test_an_rss_item_becomes_an_entry_with_all_that_it_says() -> None:
    entry = item(
        "<guid isPermaLink='false'>tag:1</guid><title>Шеруге шыққандар</title><link>https://news.example/1?utm=x&amp;id=2</link>"
        "<description>Кратко &lt;b&gt;и ясно&lt;/b&gt;</description><pubDate>Wed, 05 Jan 2022 18:30:00 +0600</pubDate>"
        "<author>a@news.example (Aигүл)</author><source url='https://other.example/rss'>Other Agency</source>"
    )
    assert entry == Entry(
        guid="tag:1",
        link="https://news.example/1?utm=x&id=2",
        title="Шеруге шыққандар",
        summary="Кратко и ясно",
        author="a@news.example (Aигүл)",
        published=datetime(2022, 1, 5, 12, 30, tzinfo=UTC),
        source_name="Other Agency",
    )


def test_an_atom_entry_becomes_an_entry_with_all_that_it_says() -> None:
    entry = atom(
        "<id>urn:1</id><title type='html'>A &amp;amp; B &lt;i&gt;now&lt;/i&gt;</title><link rel='self' href='/self'/>"
        "<link href='/1'/><summary>short</summary><content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>"
        "<p>longer text</p><p>of two</p></div></content><author><name>Anna</name></author>"
        "<published>2022-01-05T12:30:00Z</published><updated>2022-01-05T13:00:00Z</updated>",
        "xml:lang='kk-KZ'",
    )
    assert (entry.guid, entry.link, entry.title) == ("urn:1", "https://news.example/1", "A & B now")
    assert entry.summary == "longer text of two"
    assert (entry.author, entry.language) == ("Anna", "kk")
    assert entry.published == datetime(2022, 1, 5, 12, 30, tzinfo=UTC)
    assert entry.updated == datetime(2022, 1, 5, 13, 0, tzinfo=UTC)


def test_an_rdf_item_becomes_an_entry() -> None:
    [entry] = parse(
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/' "
        "xmlns:dc='http://purl.org/dc/elements/1.1/'><channel rdf:about='x'><title>T</title><dc:language>ru</dc:language></channel>"
        "<item rdf:about='https://news.example/1'><title>A</title><link>https://news.example/1</link>"
        "<dc:date>2022-01-05T12:30:00Z</dc:date><dc:creator>Anna</dc:creator></item></rdf:RDF>"
    ).entries
    assert (entry.link, entry.author, entry.language) == ("https://news.example/1", "Anna", "ru")
    assert entry.published == datetime(2022, 1, 5, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "content_type", ["text/html", "text/plain; charset=utf-8", "application/octet-stream", "nonsense", "", None]
)
def test_the_content_type_does_not_decide_what_a_document_is(content_type: str | None) -> None:
    document = parse(rss("<title>A</title>"), content_type)
    assert (len(document.entries), document.warning) == (1, None)


def test_only_updated_dates_stand_for_publication_where_there_are_no_others() -> None:
    entry = atom("<title>A</title><updated>2022-01-05T12:30:00Z</updated>")
    assert entry.published == entry.updated == datetime(2022, 1, 5, 12, 30, tzinfo=UTC)
    assert item("<title>A</title><pubDate>whenever</pubDate>").published is None
    assert item("<title>A</title><pubDate>Wed, 05 Jan 2022 12:30:00 GMT</pubDate>").updated is None


# --- titles and texts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "title"),
    [
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("Tom &amp;amp; Jerry", "Tom & Jerry"),
        ("&amp;laquo;Казах&amp;raquo; &amp;#8212; так", "«Казах» — так"),
        ("AT&amp;amp;amp;T", "AT&amp;T"),
        ("5 &lt; 6 and 7 &gt; 2", "5 < 6 and 7 > 2"),
        ("&lt;b&gt;Bold&lt;/b&gt; move", "Bold move"),
        ("&lt;p&gt;One&lt;/p&gt;&lt;p&gt;Two&lt;/p&gt;", "One Two"),
        ("<![CDATA[Alma<br/>ty &nbsp; now]]>", "Alma ty now"),
        ("<![CDATA[a <script>alert(1)</script><b>b</b>]]>", "a <script>alert(1)</script><b>b</b>"),
        ("  many\n\t spaces\u00a0\u2028here ", "many spaces here"),
        ("zero\u200bwidth\ufeff soft\u00adhyphen", "zerowidth softhyphen"),
        ("exe\u202egnp.\u202c \u2066x\u2069", "exegnp. x"),
        ("Hi&#10;Bcc: evil@example.com", "Hi Bcc: evil@example.com"),
        ("bell\u0085next", "bell…next"),
        ("👩\u200d🚒 on duty", "👩\u200d🚒 on duty"),
        ("{{ 7*7 }}", "{{ 7*7 }}"),
        ("", ""),
    ],
)
def test_titles_are_plain_text_on_one_line(markup: str, title: str) -> None:
    assert item(f"<guid>1</guid><title>{markup}</title>").title == title


def test_atom_text_titles_are_taken_literally() -> None:
    assert atom("<id>1</id><title>Use &lt;b&gt; &amp;amp; win</title>").title == "Use <b> &amp; win"


def test_long_fields_are_cut() -> None:
    limits = Limits(title=10, text=20, guid=30)
    [entry] = parse(
        rss(f"<guid>{'g' * 40}</guid><title>{'t' * 40}</title><description>{'d' * 40}</description>"), limits=limits
    ).entries
    assert entry.title == "t" * 9 + "…"
    assert entry.summary == "d" * 19 + "…"
    assert entry.guid is not None
    assert entry.guid.startswith("g1")
    assert len(entry.guid) == 32


def test_a_title_of_megabytes_is_cut_and_the_rest_of_the_document_stays() -> None:
    document = parse(rss("<title>" + "я" * 2_000_000 + "</title>", "<title>B</title>"))
    assert [len(entry.title) for entry in document.entries] == [1000, 1]


@pytest.mark.parametrize(
    ("description", "content", "summary"),
    [("short", "longer content", "longer content"), ("a longer description", "short", "a longer description"), ("only", None, "only"),
     (None, "only", "only"), (None, None, "")],
)  # fmt: skip
def test_the_longer_of_summary_and_content_is_the_text(
    description: str | None, content: str | None, summary: str
) -> None:
    inside = "<title>A</title>"
    inside += f"<description>{description}</description>" if description else ""
    inside += (
        f"<c:encoded xmlns:c='http://purl.org/rss/1.0/modules/content/'><![CDATA[{content}]]></c:encoded>"
        if content
        else ""
    )
    assert item(inside).summary == summary


@pytest.mark.parametrize(
    "markup",
    [
        "<p onclick='x()'>a<b style='x'>b</b></p>",
        "<a href='jav&#x09;ascript:alert(1)'>ab</a>",
        "a<img src='https://evil.example/pixel.gif'>b",
        "a<script>alert(1)</script>b",
        "a<style>p{}</style>b",
        "a<iframe srcdoc='<script>alert(1)</script>'></iframe>b",
        "a<form action='https://evil.example'><input type=password></form>b",
        "a<svg><a xlink:href='javascript:alert(1)'>z</a></svg>b",
        "a<!-- comment -->b",
        "a\u202eb",
    ],
)
def test_text_loses_all_markup_with_what_it_would_run_load_or_lie(markup: str) -> None:
    assert item(f"<title>A</title><description><![CDATA[<i>1</i> {markup}]]></description>").summary == "1 ab"


# --- links and identity ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "resolved"),
    [
        ("https://a.example/1", "https://a.example/1"),
        ("//a.example/1", "https://a.example/1"),
        ("/1", "https://news.example/1"),
        ("1.html", "https://news.example/feeds/1.html"),
        (" https://a.example/a b\n", "https://a.example/a%20b"),
        ("https://a.example/?a=1&amp;b=2", "https://a.example/?a=1&b=2"),
        ("https://президент.рф/лента", "https://президент.рф/лента"),
        ("javascript:alert(1)", None),
        ("jav&#9;ascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("mailto:a@b.example", None),
        ("http://[::1", None),
        ("http://in:80\\@out/", None),
    ],
)
def test_links_are_http_or_none(link: str, resolved: str | None) -> None:
    assert item(f"<title>A</title><link>{link}</link>").link == resolved


@pytest.mark.parametrize(
    ("attributes", "entry_base", "link"),
    [("", "", "https://news.example/feeds/1"), ("xml:base='https://b.example/x/'", "", "https://b.example/x/1"),
     ("xml:base='/root/'", "", "https://news.example/root/1"), ("xml:base='https://b.example/x/'", "xml:base='y/'", "https://b.example/x/y/1")],
)  # fmt: skip
def test_relative_links_belong_to_xml_base_then_to_the_feeds_address(
    attributes: str, entry_base: str, link: str
) -> None:
    [entry] = parse(
        f"<feed xmlns='http://www.w3.org/2005/Atom' {attributes}><title>T</title><entry {entry_base}><id>urn:1</id>"
        "<title>A</title><link href='1'/></entry></feed>"
    ).entries
    assert entry.link == link


@pytest.mark.parametrize("where", ["<entry {}>", "<entry><content type='html' {}>x</content>"])
@pytest.mark.parametrize("root", ["", "xml:base='/root/'", "xml:base='https://b.example/'"])
@pytest.mark.parametrize("own", ["https://other.example/x/", "/own/", "own/", "javascript:x"])
def test_case_91_a_base_holds_for_its_element_and_for_nothing_after_it(where: str, root: str, own: str) -> None:
    opened = where.format(f"xml:base='{own}'")
    _, second = parse(
        f"<feed xmlns='http://www.w3.org/2005/Atom' {root}><title>T</title>{opened}<id>a</id>"
        "<title>A</title></entry><entry><id>b</id><title>B</title><link href='1'/></entry></feed>"
    ).entries
    wanted = {"": "https://news.example/feeds/1", "xml:base='/root/'": "https://news.example/root/1"}
    assert second.link == wanted.get(root, "https://b.example/1")


def test_relative_bases_add_up() -> None:
    [entry] = parse(
        "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='a/'><title>T</title><entry xml:base='b/'><id>urn:1</id><title>A</title>"
        "<link href='1' xml:base='c/'/></entry></feed>"
    ).entries
    assert entry.link == "https://news.example/feeds/a/b/c/1"


@pytest.mark.parametrize("stray", ["</height>", "</width>", "</height></width></image>"])
def test_an_end_tag_without_a_start_costs_nothing_but_itself(stray: str) -> None:
    document = parse(rss("<title>A</title>", channel=stray))
    assert ([entry.title for entry in document.entries], document.malformed) == (["A"], True)


@pytest.mark.parametrize(
    ("inside", "guid", "link"),
    [
        ("<guid>https://a.example/1</guid>", "https://a.example/1", "https://a.example/1"),
        ("<guid isPermaLink='false'>https://a.example/1</guid>", "https://a.example/1", None),
        ("<guid>12345</guid>", "12345", None),
        ("<guid>12345</guid><link>/1</link>", "12345", "https://news.example/1"),
        ("<guid>  </guid><link>/1</link>", None, "https://news.example/1"),
        ("<guid>a\u202eb</guid>", "ab", None),
    ],
)
def test_guids_stay_as_written_wherever_the_feed_is_fetched_from(
    inside: str, guid: str | None, link: str | None
) -> None:
    entry = item(f"<title>A</title>{inside}")
    assert (entry.guid, entry.link) == (guid, link)


def test_guids_and_links_that_stand_twice_are_marked() -> None:
    entries = parse(
        rss(
            "<guid>1</guid><title>A</title><link>/home</link>",
            "<guid>1</guid><title>B</title><link>/b</link>",
            "<guid>2</guid><title>C</title><link>/home</link>",
            "<title>D</title>",
            "<title>E</title>",
        )
    ).entries
    assert [entry.guid_repeated for entry in entries] == [True, True, False, False, False]
    assert [entry.link_repeated for entry in entries] == [True, False, True, False, False]


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("ru", "ru"),
        ("ru-RU", "ru"),
        ("en_US", "en"),
        ("KK", "kk"),
        ("kaz", "kk"),
        ("kz", "kk"),
        ("de", "other"),
        ("", None),
        ("  ", None),
    ],
)
def test_the_declared_language_is_one_of_ours_or_other(tag: str, language: str | None) -> None:
    [entry] = parse(rss("<title>A</title>", channel=f"<language>{tag}</language>")).entries
    assert entry.language == language


# --- limits, pace, damage -------------------------------------------------------------------------------------------


def test_of_too_many_entries_the_newest_are_taken_and_the_others_counted() -> None:
    def dated(days: range) -> list[str]:
        return [f"<title>{day}</title><pubDate>2022-01-{day:02}</pubDate>" for day in days]

    falling = parse(rss(*dated(range(20, 0, -1))), limits=Limits(entries=3))
    rising = parse(rss(*dated(range(1, 21))), limits=Limits(entries=3))
    assert [entry.title for entry in falling.entries] == ["20", "19", "18"]
    assert [entry.title for entry in rising.entries] == ["18", "19", "20"]
    assert falling.dropped == rising.dropped == 17
    assert "17" in (falling.warning or "")


@pytest.mark.parametrize(
    ("body", "warned"),
    [
        (b"\n\n  " + rss("<title>A</title>"), False),
        (rss("<title>A</title>") + b"\n<!-- cached -->\ngarbage", True),
        (rss("<title>A & B</title>"), True),
        (rss("<title>A\x08\x0b</title>"), False),
        (rss("<title>A&nbsp;B</title>"), True),
        (rss("<title>A</title><description><p>unclosed</description>"), True),
        (
            b"<?xml version='1.0' encoding='utf-8'?><!-- x --><!DOCTYPE rss>"
            + rss("<title>A</title>").partition(b"?>")[2],
            False,
        ),
    ],
)
def test_damaged_documents_still_give_their_entries(body: bytes, warned: bool) -> None:
    document = parse(body)
    assert [entry.title[0] for entry in document.entries] == ["A"]
    assert (document.warning is not None) is warned


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "windows-1251"])
def test_a_document_that_breaks_off_gives_its_whole_entries_only(encoding: str) -> None:
    text = rss("<title>Первая</title>", "<title>Вторая новость</title>").decode().replace("utf-8", encoding)
    cut = text[: text.index("новость")].encode(encoding)
    document = parse(cut)
    assert [entry.title for entry in document.entries] == ["Первая"]
    assert "breaks off" in (document.warning or "")
    cut_before = text[: text.index("Первая")].encode(encoding)
    assert refuse(cut_before).kind is FailureKind.INCOMPLETE


BROKEN_EMOJI = (
    "<?xml version='1.0' encoding='{encoding}'?><rss version='2.0'><channel><title>T</title>"
    "<item><guid>1</guid><title>Привет &#55357;&#56832;</title></item>"
    "<item><guid>2</guid><title>Сосед</title></item></channel></rss>"
)
"""An emoji as some publishing systems write it: references to both halves of its UTF-16 form."""


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1251", "koi8-r", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("damage", ["", "&nosuch;"], ids=["strict", "loose"])
def test_an_emoji_written_as_two_surrogates_is_one_and_its_neighbour_stays(encoding: str, damage: str) -> None:
    text = BROKEN_EMOJI.format(encoding=encoding).replace("<title>T", f"<title>T{damage}")
    document = parse(text.encode(encoding))
    assert [entry.title for entry in document.entries] == ["Привет \U0001f600", "Сосед"]
    assert bool(document.warning) == bool(damage)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("&#55357;&#56832;", "\U0001f600"),
        ("&#xD83D;&#xDE00;", "\U0001f600"),
        ("&#Xd83d;&#056832;", "\U0001f600"),
        ("&#65;&#55357;&#56832;&#55357;&#56833;&#66;", "A\U0001f600\U0001f601B"),
        ("&#55357;&#55357;&#56832;", "\ufffd\U0001f600"),
        ("&#xD800;", "\ufffd"),
        ("&#55357;x&#56832;", "\ufffdx\ufffd"),
        ("&#56832;&#55357;", "\ufffd\ufffd"),
        ("&#0;&#x00;", "\ufffd\ufffd"),
        ("&#1114112;&#x110000;", "\ufffd\ufffd"),
        (f"&#{'9' * 5000};", "\ufffd"),
        (f"&#{'0' * 5000}65;&#x{'0' * 5000}42;", "AB"),
        ("&#55295;&#57344;&#xD7FF;&#xE000;", "\ud7ff\ue000\ud7ff\ue000"),
        ("&#128512;&#x1F600;&#1114109;", "\U0001f600\U0001f600\U0010fffd"),
        ("&#0000060;b&#x000003e;", "<b>"),
    ],
)
@pytest.mark.parametrize("damage", ["", "&nosuch;"], ids=["strict", "loose"])
def test_references_to_no_character_are_mended_and_others_stay(written: str, read: str, damage: str) -> None:
    text = "<feed xmlns='http://www.w3.org/2005/Atom'><title>{}</title><entry><title type='text'>-{}-</title></entry></feed>"
    [entry] = parse(text.format(damage, written)).entries
    assert entry.title == f"-{read}-"


def test_references_to_halves_in_cdata_are_joined_too() -> None:
    assert item("<title><![CDATA[a &#55357;&#56832;]]></title>").title == "a \U0001f600"


def test_mending_references_takes_linear_time() -> None:
    started = time.process_time()
    for piece in (b"&#55357;", b"&#0", b"&#x0000000", b"0"):
        mended(b"&#" + piece * (60_000 // len(piece)))
    assert time.process_time() - started < 1  # measured: 11 ms; a quadratic search takes many seconds


def test_a_feed_without_entries_is_a_feed_whatever_it_talks_about() -> None:
    assert parse(rss(channel="<description><![CDATA[<html>]]></description>")).entries == ()
    document = parse(rss())
    assert document.head is not None
    assert (document.entries, document.head.title, document.warning) == ((), "News", None)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<!DOCTYPE html><html><head><title>Login</title></head><body>Please log in</body></html>", "web page"),
        ("<html><body><item>not one</item></body></html>", "web page"),
        ("<?xml version='1.0'?>\n<!-- x --><html xmlns='http://www.w3.org/1999/xhtml'><item/></html>", "web page"),
        ("Service temporarily unavailable", 'begins "Service temporarily unavailable"'),
        ('{"error": "no"}', "something else"),
        ("{ broken json", "something else"),
        ('["a"]', "something else"),
        ("<opml version='2.0'><body/></opml>", "something else"),
        ("%PDF-1.7", "something else"),
        ("<a/>", "something else"),
    ],
)
def test_what_is_no_feed_is_named_with_type_and_beginning(body: str, words: str) -> None:
    failure = refuse(body, "text/html; charset=utf-8")
    assert failure.kind is FailureKind.NOT_A_FEED
    assert words in failure.reason
    assert "text/html" in failure.reason


@pytest.mark.parametrize("body", [b"", b"  \n ", b"\r\n"])
def test_nothing_is_an_empty_document(body: bytes) -> None:
    assert refuse(body).kind is FailureKind.EMPTY


def test_documents_that_name_files_are_not_opened(tmp_path: Any) -> None:
    canary = tmp_path / "canary"
    canary.write_text("<rss version='2.0'><channel><item><title>canary</title></item></channel></rss>")
    assert refuse(str(canary)).kind is FailureKind.NOT_A_FEED
    assert refuse(f"file://{canary}").kind is FailureKind.NOT_A_FEED
    entity = (
        f"<!DOCTYPE rss [<!ENTITY x SYSTEM 'file://{canary}'>]>"
        + rss("<title>&x;!</title>").decode().partition("?>")[2]
    )
    assert "canary" not in str(parse(entity).entries)


# --- JSON Feed ------------------------------------------------------------------------------------------------------


def json_feed(*items: Any, **fields: Any) -> str:
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "J", "items": items} | fields)


def test_a_json_feed_gives_entries() -> None:
    document = parse(
        json_feed(
            {
                "id": 7,
                "url": "/7",
                "title": "A & <b>",
                "content_html": "<p>x</p>",
                "date_published": "2022-01-05T12:30:00Z",
            },
            {
                "id": "8",
                "external_url": "https://o.example/8",
                "content_text": "5 < 6",
                "authors": [{"name": "Anna"}, {"name": "Ben"}],
            },
            {"id": "", "title": "blank"},
            {"title": "none"},
            {"id": None},
            {"id": True},
            {"id": ["x"]},
            "text",
            None,
            authors=[{"name": "Desk"}],
            language="ru-RU",
        ),
        "application/json",
    )
    first, second = document.entries
    assert (first.guid, first.link, first.title, first.summary, first.author) == (
        "7", "https://news.example/7", "A & <b>", "x", "Desk",
    )  # fmt: skip
    assert first.published == datetime(2022, 1, 5, 12, 30, tzinfo=UTC)
    assert (second.guid, second.link, second.summary, second.author) == (
        "8", "https://o.example/8", "5 < 6", "Anna, Ben",
    )  # fmt: skip
    assert document.head is not None
    assert (document.head.title, document.head.language, document.warning) == ("J", "ru-RU", None)


def test_json_feed_1_0_has_one_author_and_may_have_ended() -> None:
    document = parse(
        json_feed({"id": "1", "author": {"name": "A"}}, version="http://jsonfeed.org/version/1", expired=True)
    )
    assert document.entries[0].author == "A"
    assert "ended" in (document.warning or "")


@pytest.mark.parametrize(
    "text", ['{"version": 1}', '{"version": "https://jsonfeed.org/version/2"}', "{" * 5000, '{"a":' * 100_000]
)
def test_other_json_is_no_feed(text: str) -> None:
    assert refuse(text).kind is FailureKind.NOT_A_FEED


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.sampled_from(["id", "url", "title", "content_html", "authors", "author", "name", "date_published"]), inner, max_size=4)))  # fmt: skip
def test_no_json_of_a_wrong_shape_breaks_the_reading(value: Any) -> None:
    text = json.dumps({"version": "https://jsonfeed.org/version/1", "items": value, "title": value, "authors": value})
    parse(text)
    parse(json_feed(value))


@settings(max_examples=60)
@given(st.binary(max_size=300), st.integers(0, 200))
def test_no_bytes_inside_a_feed_break_the_parsing(junk: bytes, at: int) -> None:
    body = rss("<guid>1</guid><title>A</title>")
    result = parse_document(body[:at] + junk + body[at:], None, URL, Limits())
    assert isinstance(result, ParsedFeed | PollFailure)


@pytest.mark.parametrize(
    "body",
    ["<html><body>no", "x", "x\x07y\nz", "{}", "", "<rss><channel><item><title>A", "<urlset><url><loc>https://a.example/</loc></url></urlset>",
     "<urlset><url>", "<sitemapindex/>", "<!DOCTYPE x [<!ENTITY a 'b'>]><urlset/>", "<urlset>" + "<a>" * 60, "Your query was too short",
     b"\x1f\x8bx"],
)  # fmt: skip
def test_every_failure_is_a_sentence_that_another_can_follow(body: bytes | str) -> None:
    reason = refuse(body).reason
    assert reason.endswith((".", "!", "?"))
    assert reason.isprintable()


@pytest.mark.parametrize("tag", ["<feed xmlns='a b c d'>", "<feed xmlns:x='a b c d' x:y='z'>"])
def test_a_namespace_with_spaces_is_no_end_of_reading(tag: str) -> None:
    assert [entry.title for entry in parse(f"{tag}<entry><title>x</title></entry></feed>").entries] == ["x"]


# --- documents made to be slow ----------------------------------------------------------------------------------------

SIZE = 200_000
ATOM = "<feed xmlns='http://www.w3.org/2005/Atom'><entry><title>x</title>{}</entry></feed>"


@pytest.mark.parametrize(
    "body",
    [
        f"<rss><channel><item {' '.join(f'a{n}={chr(34)}1{chr(34)}' for n in range(SIZE // 8))}><title>x</title></item></channel></rss>",
        ATOM.format(f"<content type='xhtml'><b {' '.join(f'a{n}={chr(34)}1{chr(34)}' for n in range(SIZE // 8))}/></content>"),
        rss("<title>A</title>" + "".join(f"<category>c{n}</category>" for n in range(3 * SIZE // 24))),
        ATOM.format("<x xml:base='a/'>" * (SIZE // 21) + "</x>" * (SIZE // 21)),
        "<rss xml:base='a/'>" + "<x xml:base='a/'>" * (SIZE // 21) + "</x>" * (SIZE // 21) + "<channel><item><title>x</title></item></channel></rss>",
        f"<rss xmlns='foo' {' '.join(f'xmlns:a{n}={chr(34)}u{n}{chr(34)}' for n in range(SIZE // 36))}><channel><item>{'<x/>' * (SIZE // 8)}</item></channel></rss>",
        f"<!DOCTYPE rss [<!ENTITY a '{'<b/>' * (SIZE // 8)}'>]><rss><channel><item><title>{'&a;' * (SIZE // 6)}</title></item></channel></rss>",
        f"<!DOCTYPE rss [<!ENTITY a '{'x' * (SIZE // 2)}'>]><rss><channel><item><title>{'&a;' * (SIZE // 6)}</title></item></channel></rss>",
        rss("<title>A</title>" + "<x>" * (SIZE // 12)),
    ],
    ids=["attributes", "attributes of xhtml", "categories", "bases", "bases of the feed", "namespaces", "entities of markup", "entities of text", "nesting"],
)  # fmt: skip
def test_documents_made_to_be_slow_are_read_in_linear_time(body: bytes | str) -> None:
    started = time.process_time()
    parse(body)
    assert (
        time.process_time() - started < 2.5
    )  # measured: at most 0.7 s; what is quadratic takes four and more, or for ever


def test_attributes_and_bases_are_still_what_they_were() -> None:
    body = ATOM.format("<link HREF='no' href='b' xml:base='/deep/'/><id>1</id>").replace(
        "<feed ", "<feed xml:base='https://o.example/' "
    )
    assert parse(body).entries[0].link == "https://o.example/deep/b"


def test_an_entity_of_plain_text_is_still_followed_and_one_of_markup_is_not() -> None:
    doctype = """<!DOCTYPE rss [\n<!ENTITY raquo "&#187;">\n]>"""
    assert (
        parse(doctype + "<rss><channel><item><title>&raquo; x</title></item></channel></rss>").entries[0].title == "» x"
    )
    markup = parse(
        "<!DOCTYPE rss [<!ENTITY a '<title>no</title>'>]><rss><channel><item><title>x</title>&a;</item></channel></rss>"
    )
    assert [entry.title for entry in markup.entries] == ["x"]
    assert markup.malformed
