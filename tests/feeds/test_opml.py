from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.feeds import a_feed

from monitor.errors import UsageError
from monitor.feeds.opml import Subscription, read_opml, write_opml
from monitor.model import Secret

LIST = """<?xml version="1.0" encoding="UTF-8"?>
<opml version="1.0"><head><title>Mine</title></head><body>
  <outline text="Қазақстан" title="Қазақстан">
    <outline type="rss" text="Tengri" title="Tengri News" xmlUrl="https://a.example/rss?x=1&amp;y=2" language="ru"/>
    <outline text="deeper"><outline text="B" xmlURL=" https://b.example/feed "/></outline>
  </outline>
  <outline type="rss" text="C" url="https://c.example/feed"/>
  <outline type="link" text="D" url="https://d.example/page"/>
  <outline text="local" xmlUrl="file:///etc/passwd"/>
  <outline text="script" xmlUrl="javascript:alert(1)"/>
  <outline text="again" xmlUrl="https://c.example/feed"/>
  <outline xmlUrl="https://e.example/feed"/>
</body></opml>"""


def test_a_list_gives_its_feeds_with_their_folders_each_once() -> None:
    assert read_opml(LIST.encode()) == (
        Subscription(url="https://a.example/rss?x=1&y=2", title="Tengri News", group="Қазақстан", language="ru"),
        Subscription(url="https://b.example/feed", title="B", group="deeper"),
        Subscription(url="https://c.example/feed", title="C"),
        Subscription(url="https://e.example/feed", title="https://e.example/feed"),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "windows-1251"])
def test_lists_come_in_their_own_encoding(encoding: str) -> None:
    text = "<?xml version='1.0' encoding='%s'?><opml><body><outline text='Новости' xmlUrl='https://a.example/'/></body></opml>"
    assert read_opml((text % encoding).encode(encoding))[0].title == "Новости"


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "well-formed"),
        (b"<opml><body>", "line 1"),
        (b"not xml", "well-formed"),
        (b"<rss version='2.0'/>", "no OPML"),
        (b"<!DOCTYPE opml><opml/>", "DOCTYPE"),
        (
            b"<!DOCTYPE opml [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'>]><opml><body><outline text='&b;'/></body></opml>",
            "DOCTYPE",
        ),
        (b"<!DOCTYPE opml SYSTEM 'file:///etc/passwd'><opml/>", "DOCTYPE"),
        (b"<opml>" + b"<outline>" * 100 + b"</outline>" * 100 + b"</opml>", "deeper"),
        (b"<opml>" + b" " * (10 << 20) + b"</opml>", "larger"),
    ],
)
def test_what_is_no_list_is_refused_in_a_sentence(data: bytes, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        read_opml(data)


def test_what_is_written_can_be_read_and_tells_no_secret() -> None:
    feeds = [
        a_feed("https://u:canary@a.example/feed?a=1&b=2", id="a", name="A <&> Ә", group="Outlets", language="kk",
               authorization=Secret("canary"), proxy=Secret("http://canary/")),
        a_feed("https://b.example/feed", id="b", name='B "quoted"'),
        a_feed("https://c.example/feed", id="c", name="C", group="Outlets"),
    ]  # fmt: skip
    data = write_opml(feeds, title="Desk")
    assert b"canary" not in data
    assert read_opml(data) == (
        Subscription(url="https://a.example/feed?a=1&b=2", title="A <&> Ә", group="Outlets", language="kk"),
        Subscription(url="https://c.example/feed", title="C", group="Outlets"),
        Subscription(url="https://b.example/feed", title='B "quoted"'),
    )
    assert data.count(b'text="Outlets"') == 1


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(junk: bytes) -> None:
    for data in (junk, b"<opml><body>" + junk + b"</body></opml>"):
        with contextlib.suppress(UsageError):
            read_opml(data)


def test_the_corpus_of_lists_is_read() -> None:
    folder = Path(__file__).parents[2] / "../shared/data/feeds/feedvalidator/testcases/opml"
    if not folder.exists():
        pytest.skip("the corpus is not part of the project")
    for path in sorted(folder.rglob("*.opml")) + sorted(folder.rglob("*.xml")):
        with contextlib.suppress(UsageError):
            read_opml(path.read_bytes())
