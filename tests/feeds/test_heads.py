from __future__ import annotations

import time
from datetime import timedelta

import pytest

from monitor.feeds.heads import outline
from monitor.model import Pace

URL = "https://news.example/feeds/main.xml"
SY = "xmlns:sy='http://purl.org/rss/1.0/modules/syndication/'"
FH = "xmlns:fh='http://purl.org/syndication/history/1.0'"
ATOM = "xmlns:atom='http://www.w3.org/2005/Atom'"


def channel(inside: str, spaces: str = "") -> bytes:
    return f"<rss version='2.0' {spaces}><channel><title>T</title>{inside}</channel></rss>".encode()


def pace(inside: str, spaces: str = "") -> Pace:
    return outline(channel(inside, spaces), URL).pace


@pytest.mark.parametrize(
    ("said", "ttl"),
    [("60", timedelta(hours=1)), (" 5\n", timedelta(minutes=5)), ("0", None), ("-5", None), ("1.5", None), ("", None), ("abc", None),
     ("99999999999", None), ("٣", None), ("9999999", timedelta(days=365))],
)  # fmt: skip
def test_case_46_a_ttl_is_whole_minutes_above_zero(said: str, ttl: timedelta | None) -> None:
    assert pace(f"<ttl>{said}</ttl>") == Pace(ttl=ttl)


def bits(*numbers: int) -> int:
    return sum(1 << number for number in numbers)


@pytest.mark.parametrize(
    ("hours", "skips"),
    [(["0", "5", "23"], bits(0, 5, 23)), (["24"], bits(0)), (["25", "-1", "1.5", "", "x", "07"], bits(7)), ([str(n) for n in range(24)], 0),
     ([str(n) for n in range(1, 25)], 0), ([str(n) for n in range(23)], bits(*range(23)))],
)  # fmt: skip
def test_case_47_skip_hours_are_0_to_23_and_all_of_them_are_none(hours: list[str], skips: int) -> None:
    listed = "".join(f"<hour>{hour}</hour>" for hour in hours)
    assert pace(f"<skipHours>{listed}</skipHours>") == Pace(skips=skips)


ALL_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


@pytest.mark.parametrize(
    ("days", "skips"),
    [(["Monday"], bits(24)), (["sunday", "SATURDAY"], bits(29, 30)), (["Mon", "Montag", ""], 0), (ALL_DAYS, 0), (ALL_DAYS[:6], bits(*range(24, 30)))],
)  # fmt: skip
def test_case_48_skip_days_are_english_names_and_all_of_them_are_none(days: list[str], skips: int) -> None:
    listed = "".join(f"<day>{day}</day>" for day in days)
    assert pace(f"<skipDays>{listed}</skipDays>") == Pace(skips=skips)


@pytest.mark.parametrize(
    ("inside", "period"),
    [("<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>", timedelta(minutes=30)),
     ("<sy:updateFrequency>4</sy:updateFrequency><sy:updatePeriod> Daily </sy:updatePeriod>", timedelta(hours=6)),
     ("<sy:updatePeriod>weekly</sy:updatePeriod><sy:updateFrequency></sy:updateFrequency>", timedelta(days=7)),
     ("<sy:updatePeriod>minutely</sy:updatePeriod>", None), ("<sy:updatePeriod>always</sy:updatePeriod>", None), ("<sy:updatePeriod/>", None),
     ("<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>", None),
     ("<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>0.1</sy:updateFrequency>", None)],
)  # fmt: skip
def test_case_49_an_update_period_is_a_hint_where_it_can_be_read(inside: str, period: timedelta | None) -> None:
    assert pace(inside, SY) == Pace(period=period)
    assert pace(inside) == Pace(period=period)  # whoever forgets to declare the prefix means the same


def test_what_entries_say_is_not_said_by_the_feed() -> None:
    found = outline(
        channel(
            "<item><ttl>5</ttl><link>/1</link><skipHours><hour>1</hour></skipHours></item><image><link>/i</link></image>"
        ),
        URL,
    )
    assert (found.pace, found.relations) == (Pace(), {})


def test_links_are_absolute_in_document_order_each_once_by_relation_in_lower_case() -> None:
    found = outline(
        channel(
            "<link>/site</link><atom:link rel='hub' href='https://hub.example/'/><atom:link rel='Hub  x' href='//two.example/'/>"
            "<atom:link rel='self' href=''/><atom:link rel='http://www.iana.org/assignments/relation/prev-archive' href='1.xml'/>"
            "<atom:link rel='hub' href='https://hub.example/'/><atom:link rel='next' href='javascript:x'/><item/><atom:link rel='next' href='?2'/>",
            ATOM,
        ),
        URL,
    )
    assert found.relations == {
        "alternate": ("https://news.example/site",),
        "hub": ("https://hub.example/", "https://two.example/"),
        "x": ("https://two.example/",),
        "prev-archive": ("https://news.example/feeds/1.xml",),
        "next": ("https://news.example/feeds/main.xml?2",),
    }


def test_links_of_a_feed_belong_to_its_xml_base() -> None:
    feed = b"<feed xmlns='http://www.w3.org/2005/Atom' xml:base='/a/'><link rel='self' href='x'/><link href='y' xml:base='b/'/><entry><link href='no'/></entry></feed>"
    assert outline(feed, URL).relations == {
        "self": ("https://news.example/a/x",),
        "alternate": ("https://news.example/a/b/y",),
    }


@pytest.mark.parametrize(
    ("inside", "spaces", "complete", "archive"),
    [("<fh:complete/>", FH, True, False), ("<h:archive/>", FH.replace(":fh", ":h"), False, True), ("<itunes:complete>yes</itunes:complete>", "", False, False),
     ("<fh:complete/>", "", False, False), ("<fh:complete xmlns:fh='http://purl.org/syndication/history/1.0'/>", "", True, False),
     ("<item><fh:archive/></item>", FH, False, False)],
)  # fmt: skip
def test_marks_of_rfc_5005_count_in_their_namespace_only(
    inside: str, spaces: str, complete: bool, archive: bool
) -> None:
    found = outline(channel(inside, spaces), URL)
    assert (found.complete, found.archive) == (complete, archive)


@pytest.mark.parametrize("damage", [b"&nosuch;", b"</x>", b"<", b"<!DOCTYPE x [<!ENTITY a 'b'>]>"])
def test_what_stands_before_the_damage_counts(damage: bytes) -> None:
    body = channel("<ttl>5</ttl><generator>WordPress</generator>#<ttl>6</ttl>").replace(b"#", damage)
    found = outline(body, URL, entries_at=len(body))
    assert (found.pace.ttl, found.generator, found.frame) == (timedelta(minutes=5), "WordPress", None)


def test_entities_are_never_expanded() -> None:
    bomb = b"<!DOCTYPE rss [<!ENTITY a 'b'><!ENTITY c SYSTEM 'file:///etc/passwd'>]>" + channel(
        "<ttl>5</ttl><link>&c;</link>"
    )
    assert outline(bomb, URL).pace == Pace()


@pytest.mark.parametrize(
    ("body", "frame"),
    [
        ("<rss version='2.0'><channel a='>'><title>T</title><link>x</link><language>ru</language>#<ttl>1</ttl><dc:language>kk</dc:language></channel></rss>",
         ("<rss version='2.0'><channel a='>'><title>T</title><language>ru</language>", "<dc:language>kk</dc:language></channel></rss>")),
        ("<feed xmlns='http://www.w3.org/2005/Atom'><id>x</id><title type='xhtml'><b>T</b></title>#</feed >",
         ("<feed xmlns='http://www.w3.org/2005/Atom'><title type='xhtml'><b>T</b></title>", "</feed >")),
        ("<rdf:RDF xmlns='http://purl.org/rss/1.0/'><channel><title/><items/></channel>#<image/></rdf:RDF>",
         ("<rdf:RDF xmlns='http://purl.org/rss/1.0/'><channel><title/></channel>", "</rdf:RDF>")),
        ("<feed>#</feed>", None), ("<rdf:RDF>#</rdf:RDF>", None), ("<x><channel>#</channel></x>", None),
    ],
)  # fmt: skip
def test_a_frame_is_the_least_that_entries_need(body: str, frame: tuple[str, str] | None) -> None:
    before, _, after = body.partition("#")
    found = outline((before + after).encode(), URL, entries_at=len(before.encode())).frame
    assert (None if found is None else tuple(part.decode() for part in found)) == frame


@pytest.mark.parametrize(
    "piece", [b"<link href='x'/>", b"<a>", b"<title a='", b"<link>", b"<skipHours>", b"<x a='1' b='2'/>", b"<item>"]
)
def test_reading_a_hostile_head_takes_linear_time(piece: bytes) -> None:
    body = b"<rss><channel>" + piece * (200_000 // len(piece))
    started = time.process_time()
    outline(body, URL, entries_at=0)
    assert time.process_time() - started < 3  # measured: at most 0.1 s
