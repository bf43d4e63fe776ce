"""Reading by parts finds the news that reading everything finds: by tables, by laws, and on documents that change step by step."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from support.feeds import rss
from support.laws import law
from support.reading import Reader, differs, news, read, without

from monitor.feeds import marks
from monitor.feeds.limits import Limits
from monitor.model import PollFailure
from monitor.ports import ParsedFeed

ONE, TWO, THREE = (f"<guid>{n}</guid><title>T{n}</title><link>/{n}</link>" for n in (1, 2, 3))
DAMAGED = "<guid>bad</guid><title>Bad &nosuch; one</title>"


def taken(reader: Reader, body: bytes, known: bytes = b"", *, whole: bool = False) -> ParsedFeed:
    document = read(reader, body, known=known, whole=whole)
    assert isinstance(document, ParsedFeed), document
    return document


def titles(document: ParsedFeed) -> list[str]:
    return [entry.title for entry in document.entries]


# --- what is read -----------------------------------------------------------------------------------------------------


def test_where_nothing_is_new_nothing_is_read_and_marks_follow_the_documents_order() -> None:
    reader = Reader()
    first = taken(reader, rss(ONE, TWO, THREE))
    again = taken(reader, rss(THREE, ONE), first.marks)
    assert (reader.parts, reader.wholes) == (0, 1)
    assert (again.entries, again.head, again.shown) == ((), None, 2)
    one, _, three = marks.unpack(first.marks)
    assert marks.unpack(again.marks) == (three, one)


def test_only_what_is_new_is_read() -> None:
    reader = Reader()
    first = taken(reader, rss(TWO, THREE))
    again = taken(reader, rss(ONE, TWO, THREE), first.marks)
    assert (reader.parts, reader.wholes) == (1, 1)
    assert titles(again) == ["T1"]
    assert again.head is not None
    assert again.head.title == "News"
    assert again.marks == taken(Reader(), rss(ONE, TWO, THREE)).marks


def test_a_first_poll_an_audit_and_a_document_of_new_entries_only_are_read_as_a_whole() -> None:
    reader = Reader()
    first = taken(reader, rss(ONE, TWO))
    audit = taken(reader, rss(ONE, TWO), first.marks, whole=True)
    assert titles(audit) == ["T1", "T2"]
    assert audit.marks == first.marks
    assert titles(taken(reader, rss(THREE), first.marks)) == ["T3"]
    assert (reader.parts, reader.wholes) == (0, 3)


@pytest.mark.parametrize("twice", ["<guid>1</guid><title>X</title>", "<guid>9</guid><title>X</title><link>/1</link>"])
def test_what_a_new_entry_shares_with_a_known_one_is_seen(twice: str) -> None:
    reader = Reader()
    known = taken(reader, rss(ONE, TWO)).marks
    body = rss(twice, ONE, TWO)
    [new] = news(taken(reader, body, known), known)
    assert new.guid_repeated or new.link_repeated
    assert [new] == [entry for entry in taken(Reader(), body).entries if entry.title == "X"]


def test_new_entries_that_share_something_with_each_other_are_seen_by_reading_them_alone() -> None:
    reader = Reader()
    known = taken(reader, rss(ONE)).marks
    again = taken(reader, rss("<guid>7</guid><title>X</title>", "<guid>7</guid><title>Y</title>", ONE), known)
    assert [entry.guid_repeated for entry in again.entries] == [True, True]
    assert reader.parts == 1


def test_an_edited_entry_is_read_and_shares_nothing_with_what_it_was() -> None:
    reader = Reader()
    known = taken(reader, rss(ONE, TWO)).marks
    again = taken(reader, rss(ONE.replace("T1", "T1 updated"), TWO), known)
    [entry] = news(again, known)
    assert (entry.title, entry.guid_repeated, reader.parts) == ("T1 updated", False, 1)


def test_another_base_of_the_feed_reads_all_its_entries_anew() -> None:
    reader = Reader()
    body = rss(ONE, TWO)
    known = taken(reader, body).marks
    moved = body.replace(b"<channel>", b"<channel xml:base='https://other.example/'>")
    again = taken(reader, moved, known)
    assert [entry.link for entry in news(again, known)] == ["https://other.example/1", "https://other.example/2"]


@pytest.mark.parametrize(
    "said",
    ["<ttl>7</ttl>", "<atom:link xmlns:atom='http://www.w3.org/2005/Atom' rel='hub' href='https://hub.example/'/>",
     '<link rel="self" href="/a>b"/>', "<skipHours><hour>3</hour></skipHours>", "<sy:updatePeriod>daily</sy:updatePeriod>",
     "<fh:archive xmlns:fh='http://purl.org/syndication/history/1.0'/>"],
)  # fmt: skip
@pytest.mark.parametrize("at", [b"<item>", b"</channel>"])
def test_what_the_head_says_anew_is_heard_without_a_new_entry(said: str, at: bytes) -> None:
    reader = Reader()
    body = rss(ONE, TWO)
    known = taken(reader, body).marks
    changed = body.replace(at, said.encode() + at, 1)
    again = taken(reader, changed, known)
    whole = taken(Reader(), changed)
    assert again.head is not None
    assert (again.head, news(again, known)) == (whole.head, ())
    assert taken(reader, changed, again.marks).head is None


@pytest.mark.parametrize("attributes", ["xml:base='/wrapped/'", "x='y'", "xml:lang='kk'"])
def test_an_element_around_the_entries_counts_for_each(attributes: str) -> None:
    def wrapped(*items: str, around: str) -> bytes:
        return (
            rss("".join(items))
            .replace(b"<item>", f"<all {around}>".encode(), 1)
            .replace(b"</item></channel>", b"</all></channel>")
        )

    one, two, three = (f"<item>{item}</item>" for item in (ONE, TWO, THREE))
    known = taken(Reader(), wrapped(one, two, around="x='z'")).marks
    body = wrapped(three, one, two, around=attributes)
    assert news(taken(Reader(), body, known), known) == news(taken(Reader(), body), known)


def test_a_base_after_a_greater_than_in_a_value_of_the_root_is_seen() -> None:
    reader = Reader()
    body = rss(ONE, TWO).replace(b"<rss ", b"<rss a='x>y' ")
    known = taken(reader, body).marks
    moved = body.replace(b"a='x>y' ", b"a='x>y' xml:base='https://other.example/' ")
    assert [entry.link for entry in news(taken(reader, moved, known), known)] == [
        "https://other.example/1",
        "https://other.example/2",
    ]


@pytest.mark.parametrize("item", ["<it\x01em><title>New</title></item>", "<it\x01em><title>New</title></it\x01em>", "<it\uffffem><title>New</title></it\uffffem>", "<item><title>New</title></it\x02em>", "<\x01item><title>New</title></item>",
                                  "<!-\x01- <item><title>No</title></item> --><item><title>New</title></item>"])  # fmt: skip
@pytest.mark.parametrize("last", [True, False])
def test_an_entry_whose_tags_hold_control_characters_is_found(item: str, last: bool) -> None:
    known = taken(Reader(), rss(ONE, TWO)).marks
    inside = [f"<item>{ONE}</item>", f"<item>{TWO}</item>"]
    inside.insert(2 if last else 0, item)
    body = rss().replace(b"</channel>", "".join(inside).encode() + b"</channel>")
    assert [entry.title for entry in news(taken(Reader(), body), known)] == ["New"]
    assert [entry.title for entry in news(taken(Reader(), body, known), known)] == ["New"]


@pytest.mark.parametrize(
    "broken",
    ["<item><guid>3</guid><title>T3</title><description>half a", "<item><guid>3</guid><title>T3</title>", "<ite"],
)
def test_a_document_that_breaks_off_brings_its_last_entry_when_it_is_whole_again(broken: str) -> None:
    """Oldest first, so that what breaks off is the newest: by parts as in a full reading, and nothing comes twice."""
    reader = Reader()
    known = taken(reader, rss(ONE, TWO)).marks
    cut = rss(ONE, TWO).removesuffix(b"</channel></rss>") + broken.encode()
    again = taken(reader, cut, known)
    assert news(again, known) == news(taken(Reader(), cut), known) == ()
    assert [entry.title for entry in news(taken(reader, rss(ONE, TWO, THREE), again.marks), again.marks)] == ["T3"]


def test_empty_items_make_no_entries_so_that_document_is_never_cut() -> None:
    reader = Reader()
    first = taken(reader, rss(ONE, "", TWO))
    assert {mark.span for mark in marks.unpack(first.marks)} == {marks.NO_SPAN}
    assert titles(taken(reader, rss(THREE, ONE, "", TWO), first.marks)) == ["T3", "T1", "T2"]


def test_more_entries_than_are_taken_are_never_cut() -> None:
    reader = Reader(Limits(entries=2))
    assert {mark.span for mark in marks.unpack(taken(reader, rss(ONE, TWO, THREE)).marks)} == {marks.NO_SPAN}


# --- documents that are not well-formed -------------------------------------------------------------------------------


ODD = "<guid isPermaLink='false'>tag:?a={0}&amp;amp;b</guid><title>Odd {0}</title>"
"""The two parsers do not agree on this guid."""


def test_damage_that_comes_and_goes_makes_no_untouched_entry_new() -> None:
    """The tolerant parser reads this text in another way than the strict one: without spans it would be an edited entry."""
    reader = Reader()
    tricky, other = ODD.format(1), ODD.format(2)
    sound = taken(reader, rss(tricky, TWO))
    damaged = taken(reader, rss(DAMAGED, tricky, TWO), sound.marks)
    assert damaged.malformed
    assert [entry.guid for entry in news(damaged, sound.marks)] == ["bad"]
    body = rss(other, DAMAGED, tricky, TWO)
    more = taken(reader, body, damaged.marks)
    assert list(news(more, damaged.marks)) == [taken(Reader(), body).entries[0]]
    assert news(taken(reader, body, more.marks), more.marks) == ()
    mended = taken(reader, rss(ONE, other, tricky, TWO), more.marks)
    assert [entry.title for entry in news(mended, more.marks)] == ["T1"]
    assert not mended.malformed
    back = taken(reader, rss(ONE, tricky, TWO), mended.marks, whole=True)
    assert news(back, mended.marks) == ()


def test_a_document_that_is_not_well_formed_and_shows_nothing_new_is_not_read() -> None:
    reader = Reader()
    first = taken(reader, rss(DAMAGED, ONE))
    again = taken(reader, rss(ONE, DAMAGED), first.marks)
    assert again.malformed
    assert (again.entries, reader.parts, reader.wholes) == ((), 0, 1)


def test_new_entries_of_a_damaged_document_come_out_as_in_a_full_reading() -> None:
    known = taken(Reader(), rss(DAMAGED, ONE)).marks
    body = rss(ODD.format(1), DAMAGED, ONE)
    assert news(taken(Reader(), body, known), known) == news(taken(Reader(), body), known)


# --- laws -------------------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        "Шеру",
        "Алматы",
        "a",
        "b &amp; c",
        "&lt;b>x&lt;/b>",
        "<![CDATA[<item>no</item>]]>",
        "<![CDATA[a]]>",
        "<!-- <item> -->x",
        "&#1234;",
        "«»",
        "&amp;lt;",
    ]
)
FIELDS = st.sampled_from([
    "<title>{}</title>", "<description>{}</description>", "<content:encoded>{}</content:encoded>", "<dc:creator>{}</dc:creator>",
    "<link>/{}</link>", "<guid isPermaLink='false'>{}</guid>", "<guid>{}</guid>", "<link xml:base='/deep/'>x</link>", "<category>{}</category>",
    "<pubDate>Wed, 05 Jan 2022 18:30:00 +0600</pubDate>", "<x:y xmlns:x='urn:x'>{}</x:y>", "<media:title>{}</media:title>",
    "<source url='/s'>{}</source>", "<language>kk</language>", "<image><title>{}</title></image>", "<updated>2022-01-05</updated>",
    "<summary>{}</summary>", "<author><name>{}</name></author>",
])  # fmt: skip
OPENINGS = st.sampled_from(
    ["", "", "", " xml:base='/sub/'", " xml:base='https://o.example/'", " xml:lang='kk'", " xmlns:z='urn:z'"]
)
ITEMS = st.builds(
    lambda opening, fields: f"<item{opening}>" + "".join(field.format(word) for field, word in fields) + "</item>",
    OPENINGS,
    st.lists(st.tuples(FIELDS, WORDS), min_size=1, max_size=6),
)
SPACES = (
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:media="http://search.yahoo.com/mrss/" '
    'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" xmlns:fh="http://purl.org/syndication/history/1.0"'
)
HEADS = st.sampled_from([
    "<title>N</title><ttl>7</ttl>", "<title>N</title><skipHours><hour>3</hour></skipHours>", "<title>N</title><sy:updatePeriod>daily</sy:updatePeriod>",
    "<title>N</title><atom:link xmlns:atom='http://www.w3.org/2005/Atom' href='/other' rel='hub self'/>",
    "<title>N</title><fh:complete/>", "<image title='a>b'><title>I</title></image><title>N</title>",
    "<title>News</title>", "<title>News</title><language>ru</language><ttl>5</ttl>", "<!-- <item> --><title>N</title><link>/</link>",
    "<image><title>I</title><url>/i</url></image><title>N</title>", "<description><![CDATA[<item>]]></description>",
    "<atom:link xmlns:atom='http://www.w3.org/2005/Atom' rel='hub' href='/hub'/><title>N</title>",
])  # fmt: skip
AROUND = st.sampled_from(["", "", "", " xml:base='/wrapped/'", " xml:lang='kk'", " x='>'"])
"""Attributes of an element around the items, which no dialect knows; empty for none."""
ROOTS = st.sampled_from(
    [
        "",
        "",
        " x='>' xml:base='/after/'",
        " x='>' xml:lang='kk'",
        " xml:base='https://b.example/x/'",
        " xml:base='/rel/'",
        " xml:lang='ru'",
    ]
)
TAILS = st.sampled_from(
    [
        "<generator>x</generator>",
        "<generator>x</generator>",
        "<ttl>9</ttl>",
        "<language>kk</language>",
        "<skipDays><day>Monday</day></skipDays>",
    ]
)
ENCODINGS = st.sampled_from(["utf-8", "utf-8", "windows-1251", "koi8-r", "utf-16"])


@dataclass(frozen=True)
class Page:
    items: tuple[str, ...]
    head: str = "<title>N</title>"
    root: str = ""
    encoding: str = "utf-8"
    gap: str = ""
    around: str = ""
    tail: str = "<generator>x</generator>"

    def body(self) -> bytes:
        inside = self.gap.join(self.items)
        if self.around:
            inside = f"<x:all xmlns:x='urn:x'{self.around}>{inside}</x:all>"
        text = (
            f'<?xml version="1.0" encoding="{self.encoding}"?><rss version="2.0" {SPACES}{self.root}><channel>{self.head}{inside}'
            f"{self.tail}</channel></rss>"
        )
        return text.encode(self.encoding, "xmlcharrefreplace")


PAGES = st.builds(
    Page,
    items=st.lists(ITEMS, min_size=1, max_size=6).map(tuple),
    head=HEADS,
    root=ROOTS,
    encoding=ENCODINGS,
    gap=st.sampled_from(["", "\n", "<!-- <item> -->"]),
    around=AROUND,
    tail=TAILS,
)


@law
@given(PAGES)
def test_each_entry_alone_is_read_as_in_the_whole_document(page: Page) -> None:
    difference, _ = differs(page.body())
    assert difference is None


class Publisher(RuleBasedStateMachine):
    """A feed that changes between polls: what reading by parts takes for new is what reading everything takes for new."""

    @initialize(page=PAGES)
    def begin(self, page: Page) -> None:
        self.page = page
        first = taken(Reader(), page.body())
        self.by_parts, self.by_all = first.marks, first.marks
        assert first.head is not None
        self.head = first.head

    @rule(item=ITEMS, at=st.integers(0, 6))
    def publish(self, item: str, at: int) -> None:
        self.page = replace(self.page, items=(*self.page.items[:at], item, *self.page.items[at:]))

    @rule(item=ITEMS, at=st.integers(0, 6))
    def edit(self, item: str, at: int) -> None:
        items = list(self.page.items)
        items[at % len(items)] = item
        self.page = replace(self.page, items=tuple(items))

    @rule(at=st.integers(0, 6))
    def remove(self, at: int) -> None:
        items = list(self.page.items)
        del items[at % len(items)]
        self.page = replace(self.page, items=tuple(items) or self.page.items)

    @rule(at=st.integers(0, 6))
    def repeat(self, at: int) -> None:
        self.page = replace(self.page, items=(*self.page.items, self.page.items[at % len(self.page.items)]))

    @rule(seed=st.integers(0, 1000))
    def reorder(self, seed: int) -> None:
        items = list(self.page.items)
        random.Random(seed).shuffle(items)
        self.page = replace(self.page, items=tuple(items))

    @rule(head=HEADS, root=ROOTS, encoding=ENCODINGS, around=AROUND, tail=TAILS)
    def redesign(self, head: str, root: str, encoding: str, around: str, tail: str) -> None:
        self.page = replace(self.page, head=head, root=root, encoding=encoding, around=around, tail=tail)

    @rule(head=HEADS, tail=TAILS)
    def say(self, head: str, tail: str) -> None:
        self.page = replace(self.page, head=head, tail=tail)

    @rule(at=st.integers(0, 6), within=st.integers(0, 30))
    def control(self, at: int, within: int) -> None:
        """Put a control character into an item, maybe into the name of a tag: readers take them out of the text."""
        items = list(self.page.items)
        item = items[at % len(items)]
        items[at % len(items)] = item[:within] + "\x01" + item[within:]
        self.page = replace(self.page, items=tuple(items))

    @invariant()
    def same_news(self) -> None:
        body = self.page.body()
        parts, whole = taken(Reader(), body, self.by_parts), taken(Reader(), body)
        assert news(parts, self.by_parts) == news(whole, self.by_all)
        self.by_parts, self.by_all = parts.marks, whole.marks
        self.head = parts.head or self.head
        assert whole.head is not None
        assert (self.head.pace, self.head.links, self.head.complete) == (
            whole.head.pace,
            whole.head.links,
            whole.head.complete,
        )
        assert marks.shown(self.by_parts) == marks.shown(self.by_all)


TestPublisher = Publisher.TestCase
TestPublisher.settings = settings(law, max_examples=30, stateful_step_count=10)


@settings(law, max_examples=60)
@given(PAGES, st.sets(st.integers(0, 5)), st.text("<>/![]-CDATA&;x \"'?itemrs", max_size=12), st.integers(0, 2000))
def test_no_damage_hides_an_entry_that_a_full_reading_finds(page: Page, old: set[int], junk: str, at: int) -> None:
    """Also where tags are broken: what a full reading of the damaged document finds beyond the known is found by parts.

    Unless the damage changes how untouched bytes are read: those are known, and no news.
    """
    page = replace(page, encoding="utf-8")
    sound = taken(Reader(), page.body())
    known = without(sound.marks, *old)
    body = page.body()[:at] + junk.encode() + page.body()[at:]
    parts, whole = read(Reader(), body, known=known), read(Reader(), body)
    if isinstance(whole, PollFailure) or whole.malformed:
        return
    assert isinstance(parts, ParsedFeed)
    assert news(parts, known) == news(whole, known)


@settings(law, max_examples=60)
@given(PAGES, ITEMS, st.text("<>/![]-CDATA&;x \"'?itemrs", max_size=12), st.integers(0, 400))
def test_a_new_damaged_entry_is_found_as_a_full_reading_finds_it(page: Page, item: str, junk: str, at: int) -> None:
    page = replace(page, encoding="utf-8")
    known = taken(Reader(), page.body()).marks
    body = replace(page, items=(item[:at] + junk + item[at:], *page.items)).body()
    parts, whole = read(Reader(), body, known=known), read(Reader(), body)
    if isinstance(whole, PollFailure):
        return
    assert isinstance(parts, ParsedFeed)
    titles_known = {entry.fingerprint() for entry in taken(Reader(), page.body()).entries}
    fresh = [entry for entry in news(whole, known) if entry.fingerprint() not in titles_known]
    found = {entry.fingerprint() for entry in news(parts, known)}
    if not whole.malformed:
        assert {entry.fingerprint() for entry in fresh} == found
    elif fresh and whole.shown == len(page.items) + 1:
        assert fresh[0].fingerprint() in found or whole.entries[0].fingerprint() in titles_known
