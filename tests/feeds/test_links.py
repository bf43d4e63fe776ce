from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.feeds.links import MAX_LINKS, absolute, header_links, merged, older, page_links
from monitor.ports import Head

URL = "https://news.example/feeds/main.xml"
HUB, SELF = "https://hub.example/", "https://news.example/feed"


def by_relation(page: str, url: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for link in page_links(page, url):
        for rel in link.rels:
            found[rel] = (*found.get(rel, ()), link.url)
    return found


# --- Link headers (RFC 8288) ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "links"),
    [
        ([f'<{HUB}>; rel="hub"'], {"hub": (HUB,)}),
        ([f"<{HUB}>;rel=hub"], {"hub": (HUB,)}),
        ([f'<{HUB}>; REL="Hub"'], {"hub": (HUB,)}),
        ([f'<{HUB}>; rel="hub", <{SELF}>; rel="self"'], {"hub": (HUB,), "self": (SELF,)}),
        ([f'<{HUB}>; rel="hub"', f'<{SELF}>; rel="self"'], {"hub": (HUB,), "self": (SELF,)}),
        ([f'<{SELF}>; rel="self canonical"'], {"self": (SELF,), "canonical": (SELF,)}),
        ([f'<{HUB}>; rel="hub"', '<https://b.example/>; rel="hub"'], {"hub": (HUB, "https://b.example/")}),
        ([f'<{HUB}>; rel="hub", <{HUB}>; rel="hub"'], {"hub": (HUB,)}),
        (['<https://h.example/?a=1,2;b>; rel="hub"'], {"hub": ("https://h.example/?a=1,2;b",)}),
        ([f'<{HUB}>; title="a, <https://evil.example/>; rel=self"; rel="hub"'], {"hub": (HUB,)}),
        ([rf'<{HUB}>; title="say \"hi\", \\"; rel="hub"'], {"hub": (HUB,)}),
        ([f'<{HUB}>; rel="hub"; rel="self"'], {"hub": (HUB,)}),
        (['</hub>; rel="hub"'], {"hub": ("https://news.example/hub",)}),
        (['<page2>; rel="next"'], {"next": ("https://news.example/feeds/page2",)}),
        (["<>; rel=self"], {"self": (URL,)}),
        (["<//hub.example/x>; rel=hub"], {"hub": ("https://hub.example/x",)}),
        ([f"<{SELF}#top>; rel=self"], {"self": (SELF,)}),
        (['<https://news.example/wp-json/>; rel="https://api.w.org/"'], {"https://api.w.org/": ("https://news.example/wp-json/",)}),
        ([f' ,, <{HUB}> ; rel = "hub" ,'], {"hub": (HUB,)}),
        ([f'nonsense, <{HUB}>; rel="hub"'], {"hub": (HUB,)}),
        ([f'<{SELF}>; ??; x, <{HUB}>; rel="hub"'], {"hub": (HUB,)}),
        ([f"<{HUB}>; rev=hub"], {}),
        ([f"<{HUB}>"], {}),
        ([f'<{HUB}; rel="hub"'], {}),
        (["<javascript:alert(1)>; rel=hub", "<ftp://h.example/>; rel=hub", "<http://[x/>; rel=hub", "<>"], {}),
        ([""], {}),
        ([], {}),
    ],
)  # fmt: skip
def test_link_headers_are_read_by_relation(lines: list[str], links: dict[str, tuple[str, ...]]) -> None:
    assert header_links(lines, URL) == links


@pytest.mark.parametrize(
    ("anchor", "counts"),
    [
        (URL, True),
        ("", True),
        ("main.xml", True),
        ("https://other.example/", False),
        ("#part", False),
        ("http://[", False),
    ],
)
def test_a_link_with_a_foreign_anchor_says_nothing_about_this_document(anchor: str, counts: bool) -> None:
    assert bool(header_links([f'<{HUB}>; anchor="{anchor}"; rel="hub"'], URL)) is counts


@given(st.text(alphabet='<>;,="\\ \trelhubxyz/:', max_size=200))
def test_no_link_header_breaks_the_reading_or_leads_elsewhere_than_http(line: str) -> None:
    for targets in header_links([line], URL).values():
        assert all(target.startswith(("http://", "https://")) for target in targets)


@pytest.mark.parametrize(
    "piece", ["<", "<>", "<a>;", '<a>;r="', '";<a>', ",", "\\", '<a>;rel="\\', "<a>;rel=b,", "<,", " ", ", "]
)
def test_a_hostile_link_header_takes_no_time(piece: str) -> None:
    begun = time.process_time()
    header_links([piece * 50_000] * 3, URL)
    assert time.process_time() - begun < 4


def test_only_so_many_links_are_taken() -> None:
    lines = [f"<https://a.example/{number}>; rel=hub" for number in range(MAX_LINKS + 50)]
    assert len(header_links(lines, URL)["hub"]) == MAX_LINKS


def test_links_of_the_header_go_before_those_of_the_document() -> None:
    header, document = (
        {"hub": ("https://h1.example/",)},
        {"hub": ("https://h2.example/", "https://h1.example/"), "self": (SELF,)},
    )
    assert merged(header, document) == {"hub": ("https://h1.example/", "https://h2.example/"), "self": (SELF,)}
    assert merged({}, document) == document
    assert merged() == {}


@pytest.mark.parametrize(
    ("link", "address"),
    [
        (" x y ", "https://news.example/feeds/x%20y"),
        ("http:\\\\a", None),
        ("mailto:a@b", None),
        ("https://user@h.example/", "https://user@h.example/"),
        ("https://h.example:99999/", None),
        ("#", URL),
    ],
)
def test_a_link_is_an_absolute_address_or_none(link: str, address: str | None) -> None:
    assert absolute(URL, link) == address


# --- pages ----------------------------------------------------------------------------------------------------------

HUB_LINK = '<link rel="hub" href="/hub">'


@pytest.mark.parametrize(
    "page",
    [
        f"<!doctype html><html><head>{HUB_LINK}</head><body></body></html>",
        "<html><HEAD><LINK REL=hub HREF='/hub'></HEAD>",
        "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head><link rel='hub' href='/hub'/></head></html>",
        f"<title>x</title>{HUB_LINK}<p>no head element",
        f"<br /><b>Warning</b>: junk of a server<html><head>{HUB_LINK}</head>",
        f"<div>junk of a server</div><html><head>{HUB_LINK}</head>",
        f"<html><head><script>if (a</body>) '<div>'</script>{HUB_LINK}</head>",
        f"<html><head><noscript><div><img src=x></div></noscript>{HUB_LINK}</head>",
        f"<html><head><!-- <body> -->{HUB_LINK}</head>",
        f"<html><head><base href='https://news.example/x/'>{HUB_LINK}</head>",
        "<html><head><link href=' /hub ' rel='stylesheet  HUB'></head>",
        "<html><head><link rel='&#104;ub' href='&#47;hub'></head>",
        f"<html><head><template/>{HUB_LINK}</head>",
        f"<html><head>{HUB_LINK}",
    ],
)
def test_a_pages_head_gives_its_links(page: str) -> None:
    assert by_relation(page, "https://news.example/a/")["hub"] == ("https://news.example/hub",)


@pytest.mark.parametrize(
    "page",
    [
        f"<html><head></head><body>{HUB_LINK}</body></html>",
        f"<html><head></head>{HUB_LINK}",
        f"<html><body>{HUB_LINK}<head>{HUB_LINK}</head>",
        f"<html><head><title>x</title></head><body><head>{HUB_LINK}</head>",
        f"<html><head><title>x</title><p>{HUB_LINK}<head>{HUB_LINK}",
        f"<p>comment</p>{HUB_LINK}",
        f"<html><head><!-- {HUB_LINK} --></head>",
        f"<html><head><script>{HUB_LINK}</script></head>",
        f"<html><head><style>{HUB_LINK}</style></head>",
        f"<html><head><template>{HUB_LINK}</template></head>",
        f"<html><head><noscript>{HUB_LINK}</noscript></head>",
        "<html><head><link rel='hub' href='javascript:alert(1)'><link rel='hub' href=''><link rel='hub'></head>",
        "<html><head><a rel='hub' href='/hub'>x</a></head>",
    ],
)
def test_what_others_may_write_into_a_page_is_none_of_its_links(page: str) -> None:
    assert "hub" not in by_relation(page, "https://news.example/a/")


def test_a_base_counts_for_what_follows_it_and_only_once() -> None:
    page = "<head><link rel=a href=x><base href='/b/'><base href='/c/'><link rel=a href=x></head>"
    assert by_relation(page, URL)["a"] == ("https://news.example/feeds/x", "https://news.example/b/x")


def test_a_page_link_has_its_type_without_parameters_and_its_title() -> None:
    [link] = page_links(
        "<link rel=alternate type=' Application/RSS+xml; charset=utf-8' title=' Лента\n новостей ' href=f>", URL
    )
    assert (link.type, link.title) == ("application/rss+xml", "Лента новостей")


@pytest.mark.parametrize(
    "piece",
    ["<!--", "<", "<a ", "<!", "<?", "<![CDATA[", "</", "<script>", "<link a='", "<link ", "&amp", "<!DOCTYPE ", "<link rel=a href=b>"],
)  # fmt: skip
def test_a_hostile_page_takes_no_time(piece: str) -> None:
    begun = time.process_time()
    assert len(page_links(piece * (2_000_000 // len(piece)), URL)) <= MAX_LINKS
    assert time.process_time() - begun < 5


@given(st.text(alphabet="<>/!-=\"' abeghiklnrtuy&;", max_size=300))
def test_no_page_breaks_the_reading(page: str) -> None:
    page_links("<head>" + page, URL)


# --- older entries (RFC 5005) ---------------------------------------------------------------------------------------

ARCHIVE, PAGE = "https://news.example/2021.xml", "https://news.example/feed?page=2"
WORDPRESS = Head(generator="https://wordpress.org/?v=6.4")


@pytest.mark.parametrize(
    ("head", "links", "url", "way"),
    [
        (Head(links={"prev-archive": (ARCHIVE,), "next": (PAGE,)}), {}, URL, ("archive", ARCHIVE)),
        (Head(links={"next": (PAGE,)}), {}, URL, ("page", PAGE)),
        (None, {"prev-archive": (ARCHIVE,)}, URL, ("archive", ARCHIVE)),
        (Head(), {"next": (PAGE,)}, URL, ("page", PAGE)),
        (Head(links={"next": (PAGE,)}), {"next": (ARCHIVE,)}, URL, ("page", ARCHIVE)),
        (Head(links={"next": (URL, PAGE)}), {}, URL, ("page", PAGE)),
        (Head(links={"next": (SELF,), "self": (SELF,)}), {}, URL, None),
        (Head(links={"next": (URL,)}), {}, URL, None),
        (Head(links={"previous": (PAGE,)}), {}, URL, None),
        (Head(generator="Movable Type 6"), {}, URL, None),
        (Head(), {}, URL, None),
        (None, {}, URL, None),
        (WORDPRESS, {}, "https://w.example/feed/", ("wordpress", "https://w.example/feed/?paged=2")),
        (WORDPRESS, {}, "https://w.example/feed/?paged=2", ("wordpress", "https://w.example/feed/?paged=3")),
        (WORDPRESS, {}, "https://w.example/?feed=rss2&paged=9&b=%D0%B0#x", ("wordpress", "https://w.example/?feed=rss2&b=%D0%B0&paged=10")),
        (WORDPRESS, {}, "https://w.example/?paged=x", ("wordpress", "https://w.example/?paged=2")),
        (Head(links={"next": (PAGE,)}, generator="https://wordpress.org/"), {}, URL, ("page", PAGE)),
        (None, {"https://api.w.org/": ("https://w.example/wp-json/",)}, "https://w.example/feed/",
         ("wordpress", "https://w.example/feed/?paged=2")),
    ],
)  # fmt: skip
def test_older_entries_are_found_in_archives_then_pages_then_as_wordpress_has_them(
    head: Head | None, links: dict[str, tuple[str, ...]], url: str, way: tuple[str, str] | None
) -> None:
    assert older(head, links, url) == way
