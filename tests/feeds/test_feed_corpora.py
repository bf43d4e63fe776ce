"""Thousands of feeds of other projects: none may break the parser, and what it gives must keep its promises."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.reading import differs

from monitor.feeds.document import parse_document
from monitor.feeds.limits import Limits
from monitor.model import LANGUAGES, Entry, FailureKind, PollFailure
from monitor.net.guard import check_url
from monitor.ports import ParsedFeed

CORPORA = Path(__file__).parents[2] / "../shared/data/feeds"
URL = "https://news.example/feed"
LIMITS = Limits()

pytestmark = pytest.mark.skipif(not CORPORA.exists(), reason="the corpora are not part of the project")


def documents() -> Iterator[Path]:
    for name in ("feedparser", "feedvalidator", "gofeed"):
        yield from sorted(path for path in (CORPORA / name).rglob("*") if path.is_file())


def sampled(paths: Iterator[Path], share: int) -> list[Path]:
    """Every `share`-th document by a hash of its path: the same ones every time."""
    return [path for path in paths if hashlib.blake2b(path.name.encode()).digest()[0] % share == 0]


def check(path: Path) -> ParsedFeed | PollFailure:
    result = parse_document(path.read_bytes(), "application/xml", URL, LIMITS)
    assert isinstance(result, ParsedFeed | PollFailure), path
    for entry in result.entries if isinstance(result, ParsedFeed) else ():
        assert keeps_promises(entry), (path, entry)
    return result


def keeps_promises(entry: Entry) -> bool:
    texts = [entry.title, entry.summary, entry.author or "", entry.source_name or "", entry.guid or ""]
    return (
        all(unicodedata.category(char) not in {"Cc", "Cs"} for text in texts for char in text)
        and all(text == " ".join(text.split()) for text in texts[:4])
        and len(entry.title) <= LIMITS.title
        and len(entry.summary) <= LIMITS.text
        and (entry.link is None or check_url(entry.link) is None)
        and (entry.language is None or entry.language in {*LANGUAGES, "other"})
        and all(date is None or date.utcoffset() is not None for date in (entry.published, entry.updated))
    )


def test_a_sample_of_the_corpora_is_read() -> None:
    results = [check(path) for path in sampled(documents(), 16)]
    assert len(results) > 200
    assert sum(isinstance(result, ParsedFeed) for result in results) > len(results) / 2


@pytest.mark.slow
def test_all_corpora_are_read() -> None:
    results = {path: check(path) for path in documents()}
    feeds = sum(isinstance(result, ParsedFeed) for result in results.values())
    assert len(results) > 5000
    assert feeds > 4400


def test_each_entry_alone_is_read_as_in_its_whole_document() -> None:
    """By parts against by all, in every field and mark, on a sample; `make fuzz-feeds` does so on all of them."""
    parts = 0
    for path in sampled(documents(), 12):
        difference, count = differs(path.read_bytes(), most=12)
        assert difference is None, (path, difference)
        parts += count
    assert parts > 200


def test_wellformed_feeds_of_feedparsers_own_suite_are_feeds() -> None:
    folder = CORPORA / "feedparser/tests/wellformed"
    paths = sampled((path for kind in ("rss", "atom", "atom10") for path in sorted((folder / kind).glob("*.xml"))), 4)
    assert len(paths) > 80
    refused = [path.name for path in paths if isinstance(check(path), PollFailure)]
    assert refused == []


@pytest.mark.parametrize(
    "path", sorted((CORPORA / "feedvalidator/feedfinder-tests").glob("*.html"))[:5], ids=lambda path: path.name
)
def test_pages_are_no_feeds(path: Path) -> None:
    result = check(path)
    assert isinstance(result, PollFailure)
    assert result.kind is FailureKind.NOT_A_FEED
