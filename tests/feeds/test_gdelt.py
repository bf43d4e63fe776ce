from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.feeds.document import parse_document
from monitor.feeds.limits import Limits
from monitor.model import Entry, FailureKind, PollFailure
from monitor.ports import ParsedFeed

URL = "https://api.gdeltproject.org/api/v2/doc/doc?query=Kazakhstan&mode=artlist&format=json"
ELSEWHERE = "https://news.example/list.json"
ARTICLE = {
    "url": "https://tengrinews.kz/kazakhstan_news/1/",
    "url_mobile": "https://m.tengrinews.kz/kazakhstan_news/1/",
    "title": "Протесты в Алматы &amp; Жанаозене",
    "seendate": "20220105T101500Z",
    "socialimage": "https://tengrinews.kz/1.jpg",
    "domain": "tengrinews.kz",
    "language": "Russian",
    "sourcecountry": "Kazakhstan",
}


def parse(text: str, url: str = ELSEWHERE) -> ParsedFeed:
    result = parse_document(text.encode("utf-8", "surrogatepass"), "text/html", url, Limits())
    assert isinstance(result, ParsedFeed), result
    return result


def refuse(text: str, url: str = ELSEWHERE) -> PollFailure:
    result = parse_document(text.encode(), "text/html; charset=utf-8", url, Limits())
    assert isinstance(result, PollFailure), result
    return result


def articles(*listed: dict[str, Any]) -> str:
    return json.dumps({"articles": listed}, ensure_ascii=False)


def test_an_article_becomes_an_entry_with_its_domain_as_source() -> None:
    document = parse(articles(ARTICLE))
    assert document.entries == (
        Entry(
            guid="https://tengrinews.kz/kazakhstan_news/1/",
            link="https://tengrinews.kz/kazakhstan_news/1/",
            title="Протесты в Алматы & Жанаозене",
            summary="",
            published=datetime(2022, 1, 5, 10, 15, tzinfo=UTC),
            language="ru",
            source_name="tengrinews.kz",
        ),
    )
    assert document.head is not None
    assert document.head.title == "GDELT"
    assert (document.shown, len(document.marks), document.warning) == (1, 24, None)


@pytest.mark.parametrize(
    ("named", "language"),
    [("English", "en"), ("Russian", "ru"), ("Kazakh", "kk"), ("kazakh ", "kk"), ("Turkish", "other"), ("", None)],
)
def test_languages_are_named_in_english(named: str, language: str | None) -> None:
    assert parse(articles(ARTICLE | {"language": named})).entries[0].language == language


def test_an_address_that_is_listed_twice_counts_once() -> None:
    [entry, other] = parse(
        articles(ARTICLE, ARTICLE | {"url": "https://vlast.kz/1"}, ARTICLE | {"title": "Again"})
    ).entries
    assert (entry.title, other.link) == ("Протесты в Алматы & Жанаозене", "https://vlast.kz/1")
    assert (entry.link_repeated, entry.guid_repeated) == (False, False)


@pytest.mark.parametrize(
    ("title", "read"),
    [
        (r"It\'s over", r"It\'s over"),
        (r"50\% of \Almaty", r"50\% of \Almaty"),
        (r"a \\ b \" c \/ d \u0041", 'a \\ b " c / d A'),
        (r"broken \u12", r"broken \u12"),
        (r"\q \" \u0041 \\", '\\q " A \\'),
        ("a\ttab and\x01control", "a tab andcontrol"),
        (r"half \ud83d emoji", "half emoji"),
        ("line\nbreak", "line break"),
    ],
)
def test_json_that_is_none_is_read_for_what_it_means(title: str, read: str) -> None:
    text = articles(ARTICLE | {"title": "@@"}).replace("@@", title)
    assert [entry.title for entry in parse(text).entries] == [read]


@pytest.mark.parametrize("text", ["{}", '{"articles": []}', ' {"articles": null}\n'])
def test_a_search_without_results_is_an_empty_list(text: str) -> None:
    assert parse(text, URL).entries == ()
    assert refuse(text).kind is FailureKind.NOT_A_FEED


@pytest.mark.parametrize(
    "text",
    [
        '{"articles": [{"url": "https://a.example/"}]}',
        '{"articles": [1]}',
        '{"articles": {"seendate": 1}}',
        '{"articles": "x"}',
        '{"articles": [{"seendate": "20220105T101500Z", ',
        "{" * 100_000,
    ],
)
def test_other_json_is_no_article_list(text: str) -> None:
    assert refuse(text).kind is FailureKind.NOT_A_FEED


def test_articles_of_a_wrong_shape_are_left_out() -> None:
    odd = (
        {"seendate": 5},
        {"seendate": None, "url": 5, "title": []},
        {"seendate": "x", "url": "javascript:alert(1)", "domain": 1},
    )
    [entry] = parse(articles(*odd)).entries
    assert (entry.link, entry.published) == (None, None)


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("Please limit requests to one every 5 seconds or contact somebody for larger queries.", FailureKind.THROTTLED),
        ("Your query was too short or too long.\n", FailureKind.NOT_A_FEED),
        ("Your search contained only common words.", FailureKind.NOT_A_FEED),
        ("The specified phrase is too short.", FailureKind.NOT_A_FEED),
        ("Queries containing OR'd terms must be surrounded by ().", FailureKind.NOT_A_FEED),
        ("Invalid/Unsupported Country.", FailureKind.NOT_A_FEED),
        ("Timespan is too short.", FailureKind.NOT_A_FEED),
    ],
)
def test_a_refusal_in_plain_text_is_a_failure_in_its_words(sentence: str, kind: FailureKind) -> None:
    failure = refuse(sentence)
    assert failure.kind is kind
    assert failure.reason == f"GDELT answers: {sentence.strip()}"


def test_a_refusal_of_several_lines_is_sentences() -> None:
    text = "Your query was too short\n\n Try  a longer one:\r\nThank you!\n"
    assert refuse(text).reason == "GDELT answers: Your query was too short. Try a longer one. Thank you!"


def test_any_short_text_from_gdelt_is_its_refusal_and_no_text_from_elsewhere() -> None:
    assert refuse("Something new is wrong.", URL).reason == "GDELT answers: Something new is wrong."
    assert "GDELT" not in refuse("Something new is wrong.").reason
    assert "GDELT" not in refuse("<html><body>Your query was too short</body></html>", URL).reason
    assert "GDELT" not in refuse("Your query " * 100).reason


@pytest.mark.parametrize(
    "text", ['{"articles": "' + "\\" * 2_000_001, '{"a":' * 200_000, '{"articles": [' + '"\\q",' * 300_000]
)
def test_hostile_json_takes_no_time(text: str) -> None:
    begun = time.process_time()
    refuse(text)
    assert time.process_time() - begun < 5


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda each: st.lists(each, max_size=3)
    )
)
def test_no_value_breaks_the_reading(value: Any) -> None:
    parse(
        articles({"seendate": value, "url": "https://a.example/1", "title": value, "domain": value, "language": value})
    )
