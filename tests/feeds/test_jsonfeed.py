from __future__ import annotations

import json
from typing import Any

import pytest

from monitor.feeds.document import parse_document
from monitor.feeds.limits import Limits
from monitor.ports import Head, ParsedFeed

URL = "https://news.example/feed.json"


def parse(*items: Any, text: str | None = None, content_type: str | None = None, **fields: Any) -> ParsedFeed:
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "J", "items": items} | fields
    result = parse_document((text or json.dumps(feed)).encode(), content_type, URL, Limits())
    assert isinstance(result, ParsedFeed), result
    return result


def head(**fields: Any) -> Head:
    found = parse({"id": "1"}, **fields).head
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("identity", "guid"),
    [("a", "a"), (7, "7"), (0, "0"), (1.5, "1.5"), (10**400, None), (12345678901234567890, "12345678901234567890")],
)
def test_an_id_that_is_a_number_is_kept_as_it_is_written(identity: Any, guid: str | None) -> None:
    [entry] = parse({"id": identity, "title": "A"}).entries
    assert entry.guid == (guid or str(identity))


def test_an_id_that_is_a_number_is_not_rounded() -> None:
    text = '{"version": "https://jsonfeed.org/version/1", "items": [{"id": 1.10}, {"id": 1.0}, {"id": 1e2}]}'
    assert [entry.guid for entry in parse(text=text).entries] == ["1.10", "1.0", "1e2"]


@pytest.mark.parametrize("identity", [None, "", "  ", True, False, [], {}])
def test_an_item_without_a_usable_id_is_left_out(identity: Any) -> None:
    assert [
        entry.guid for entry in parse({"id": identity, "title": "A"}, {"title": "B"}, "x", None, {"id": "1"}).entries
    ] == ["1"]


@pytest.mark.parametrize(
    "content_type", ["application/feed+json", "application/json", "text/html", "text/plain; charset=utf-8", None]
)
def test_the_content_type_does_not_matter(content_type: str | None) -> None:
    assert parse({"id": "1"}, content_type=content_type).shown == 1


@pytest.mark.parametrize(
    "version",
    ["https://jsonfeed.org/version/1", "http://www.jsonfeed.org/version/1.1", "https://jsonfeed.org/version/1.1/"],
)
def test_both_versions_are_read_however_they_are_written(version: str) -> None:
    assert parse({"id": "1"}, version=version).shown == 1


def test_hubs_of_websub_are_links_and_those_of_other_protocols_are_not() -> None:
    hubs = [
        {"type": "WebSub", "url": "https://hub.example/"},
        {"type": "rssCloud", "url": "https://cloud.example/"},
        {"type": "websub", "url": "/hub"},
        {"type": "WebSub", "url": "javascript:alert(1)"},
        {"type": "WebSub"},
        {"url": "https://x.example/"},
        "https://y.example/",
    ]
    assert head(hubs=hubs).links == {"hub": ("https://hub.example/", "https://news.example/hub")}
    assert head(hubs={"type": "WebSub", "url": "https://hub.example/"}).links == {}


def test_a_feeds_own_address_its_page_and_the_next_one_are_links() -> None:
    links = head(feed_url="https://news.example/f", home_page_url="https://news.example/", next_url="?page=2").links
    assert links == {
        "self": ("https://news.example/f",),
        "alternate": ("https://news.example/",),
        "next": ("https://news.example/feed.json?page=2",),
    }


@pytest.mark.parametrize("following", ["https://news.example/f", URL, "#", "", None, 5, "mailto:a@b"])
def test_a_next_address_that_leads_nowhere_new_is_none(following: Any) -> None:
    assert "next" not in head(feed_url="https://news.example/f", next_url=following).links


def test_a_feed_that_has_ended_says_so() -> None:
    ended = parse({"id": "1"}, expired=True)
    assert ended.head is not None
    assert ended.head.expired
    assert "ended" in (ended.warning or "")
    assert not head(expired="true").expired
    assert not head(expired=1).expired


def test_authors_go_before_author_and_the_items_before_the_feeds() -> None:
    both = {
        "authors": [{"name": "Anna"}, {"url": "https://a.example/"}, {"name": " "}, {"name": "Ben"}],
        "author": {"name": "Old"},
    }
    only_old, unnamed = {"author": {"name": "Old"}}, {"authors": [{"url": "https://a.example/"}]}
    found = parse(
        {"id": "1"} | both,
        {"id": "2"} | only_old,
        {"id": "3"} | unnamed,
        {"id": "4", "author": "x"},
        authors=[{"name": "Desk"}],
    )
    assert [entry.author for entry in found.entries] == ["Anna, Ben", "Old", "Desk", "Desk"]


def test_a_language_of_the_feed_holds_for_its_items() -> None:
    found = parse({"id": "1"}, {"id": "2", "language": "kk"}, language="ru-RU")
    assert [entry.language for entry in found.entries] == ["ru", "kk"]


def test_tags_attachments_and_images_change_nothing() -> None:
    bare = {"id": "1", "title": "A", "content_text": "x"}
    rich = bare | {
        "tags": ["a"],
        "attachments": [{"url": "https://a.example/a.mp3", "mime_type": "audio/mpeg"}],
        "image": "i",
        "_own": {"a": 1},
    }
    assert parse(bare).entries == parse(rich).entries
