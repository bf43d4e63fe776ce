"""Every query that cannot be meant is refused with a sentence, a place and a suggestion; nothing else ever comes out."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import QueryError
from monitor.watches.reading import LONGEST, doubts, read_keyword, read_query
from monitor.watches.writing import wrapped, write

MISTAKES: tuple[tuple[str, str, str, str], ...] = (
    # query, the characters blamed, words of the message, words of the hint
    ("", "", "empty", "protest"),
    (" \u202e\n", "", "empty", "protest"),
    ('fire "oil', '"', "not closed", "close it"),
    ("fire «oil", "«", "not closed", "»"),
    ('fire "oil" riot"', '"', "not closed", "close it"),
    ("(fire (oil)", "(", "not closed", ")"),
    ("(fire OR", "OR", "nothing after", "take it out"),
    ("fire)", ")", "not opened", "("),
    ("fire) (oil", ")", "not opened", "("),
    ("fire ()", "()", "empty", "take them out"),
    ('fire ""', '""', "no word", "write a word"),
    ('fire "..."', '"..."', "no letter", "pattern"),
    ("titel:fire", "titel:", "no field `titel`", "`title:`"),
    ("fire sorce:AFP", "sorce:", "no field", "`source:`"),
    ("site:AFP", "site:", "no field", "`source:`"),
    ("xyz:fire", "xyz:", "no field", "title, text, source"),
    ("fire http://a.example", "http:", "no field", "quotes"),
    ("title:", "title:", "nothing after", "write"),
    ("title:-fire", "-", "followed by a NOT", "-title:word"),
    ("title:(fire text:oil)", "title:", "within another field", "one of the two"),
    ("source:", "source:", "nothing after", "write"),
    ("source:*", "*", "no name", "letters"),
    ("source:Reu*", "Reu*", "open at its end", "whole name"),
    ("source:(Reuters AFP)", "AFP", "only OR and commas", "New York"),
    ("source:(Reuters AND AFP)", "AND", "only OR and commas", "New York"),
    ("lang:kz", "kz", "no language", "`lang:kk`"),
    ("lang:klingon", "klingon", "no language", "en, ru, kk, other"),
    ("*", "*", "alone", "protest*"),
    ("fire *", "*", "alone", "protest*"),
    ("fire *oil", "*", "before a word", "protest*"),
    ("pro*test", "*", "end of no word", "protest*"),
    ('"oil * riot"', "*", "end of no word", "protest*"),
    ("а", "а", "one letter", "longer"),
    ("fire OR а", "а", "one letter", "longer"),
    ("а*", "а*", "one letter", "longer"),
    ("=x", "=x", "one letter", "longer"),
    ("the", "the", "nearly every text", "capitals"),
    ("кто", "кто", "nearly every text", "WHO"),
    ("және", "және", "nearly every text", "capitals"),
    ('"of the"', '"of the"', "nearly every text", "capitals"),
    ("fire OR the", "the", "nearly every text", "capitals"),
    ("1 of (the, fire)", "the", "nearly every text", "capitals"),
    ("title:the", "the", "nearly every text", "capitals"),
    ("the OR or", "the", "nearly every text", "`or` is a word here, the operator is OR"),
    ("NOT fire", "NOT", "only excludes", "protest NOT football"),
    ("-fire", "-", "only excludes", "protest NOT football"),
    ("NOT (NOT fire)", "NOT", "only excludes", "protest NOT football"),
    ("fire OR NOT oil", "NOT", "only excludes", "beside every OR"),
    ("fire OR (NOT oil AND NOT riot)", "NOT", "only excludes", "beside every OR"),
    ("2 of (fire, -oil, -riot)", "-", "only excludes", "beside"),
    ("title:(-fire)", "-", "only excludes", "protest NOT football"),
    ("the NOT fire", "the", "nearly every text", "capitals"),
    ("fire AND", "AND", "nothing after", "take it out"),
    ("OR fire", "OR", "nothing before", "both sides"),
    ("fire AND (OR oil)", "OR", "nothing before", "both sides"),
    ("fire AND OR oil", "AND OR", "follow each other", "one of them"),
    ("fire NOT NOT oil", "NOT", "twice", "both out"),
    ("fire NEAR NOT oil", "NOT", "NEAR cannot", "(a NEAR/5 b) NOT c"),
    ("fire NEAR (oil -riot)", "NEAR", "NEAR cannot", "(a NEAR/5 b) NOT c"),
    ("fire NEAR (oil OR (NOT riot))", "NOT", "NEAR cannot", "(a NEAR/5 b) NOT c"),
    ("fire NEAR (oil riot)", "NEAR", "NEAR stands between", "AND"),
    ("fire NEAR/2 oil NEAR riot", "NEAR", "two sides", "AND"),
    ("fire NEAR (oil NEAR riot)", "NEAR", "two sides", "AND"),
    ("title:fire NEAR oil", "NEAR", "NEAR stands between", "title:(a NEAR/5 b)"),
    ("fire^2 NEAR oil", "NEAR", "NEAR stands between", "boost the whole"),
    ("fire NEAR /oil/", "NEAR", "NEAR stands between", "AND"),
    ("fire NEAR/1001 oil", "NEAR/1001", "too far", "NEAR/1000"),
    ("fire NEAR/99999999999 oil", "NEAR/99999999999", "too far", "NEAR/1000"),
    ("fire NEAR/x oil", "NEAR/x", "no number", "NEAR/5"),
    ("NEAR", "NEAR", "nothing before", "both sides"),
    ("0 of (fire, oil)", "0 of", "every report", "1 or more"),
    ("3 of (fire, oil)", "3 of", "only 2", "fewer"),
    ("fire, oil", ",", "comma", "parentheses"),
    ("(fire,,oil)", ",", "nothing after", "take it out"),
    ("(,fire)", ",", "nothing before", "both sides"),
    ("fire^", "^", "no number", "^2.5"),
    ("fire^many", "^", "no number", "^2.5"),
    ("fire^0", "^0", "no boost", "0.1 to 100"),
    ("fire^101", "^101", "no boost", "0.1 to 100"),
    ("fire^2^3", "^3", "cannot stand here", "one boost"),
    ("within 50 miles of Oral", "within 50 miles of", "unit", "kilometres"),
    ("within 0 km of Oral", "within 0 km of", "no distance", "0.1 to 20000"),
    ("within 1.2.3 km of Oral", "within 1.2.3 km of", "no distance", "0.1 to 20000"),
    ("within 5 km of Oral,Aral", "Aral", "one place", "OR"),
    ("fire @", "@", "no name", "@name"),
    ("fire = ", "=", "no word", "=word"),
    ("=(fire)", "=", "no word", "=word"),
    (": fire", ":", "no field", "one of title"),
    ("🔥", "🔥", "no letter", "/№/"),
    ("fire - oil", "-", "dash", "-word"),
    ("fire —oil", "—", "dash", "NOT word"),
    ("a1 / b1", "/", "no word", "quotes"),
    ("fire /news/world", "/news/world", "does not end", "space after it"),
    ("fire /(?=oil)riot/", "(?=", "looking ahead", "alternative"),
    (r"fire /(oil)\1/", r"\1", "repeating", "alternative"),
    ("fire /x*/", "x*", "empty text", "+"),
    ("(" * 51 + "fire" + ")" * 51, "(", "nested deeper than 50", "@name"),
    ("(fire OR oil NOT " * 30 + "riot" + ")" * 30, "fire", "nested deeper than 50", "@name"),
)  # fmt: skip


@pytest.mark.parametrize(("query", "blamed", "message", "hint"), MISTAKES, ids=lambda text: text[:30])
def test_a_mistake_is_named_with_its_place_and_a_way_out(query: str, blamed: str, message: str, hint: str) -> None:
    with pytest.raises(QueryError) as caught:
        read_query(query)
    error = caught.value
    assert message in error.message
    assert hint in error.hint
    assert query[slice(*error.span)] == blamed
    assert "\n" not in str(error)


def refusal(read: Callable[[str], object], text: str) -> QueryError | None:
    """Return the error that a text meets, with its place in the text; nothing but a QueryError ever comes out."""
    try:
        read(text)
    except QueryError as error:
        found = error
    else:
        return None
    assert 0 <= found.span[0] <= found.span[1] <= len(text)
    assert found.message
    assert found.hint
    return found


HOSTILE = (
    "(", ")", "()", '"', "«", '"a ', "«a ", "/", "/a ", "/a", "a/", "@", "@a", "*", "ab*", "ab* ", "=", "^", "a^2 ", "title:", "source:",
    "a,", "within ", "within 5 km of ", "5 of ", "5 of (", "5", "NEAR ", "a NEAR ", "NOT ", "-", "-a ", "|", "a|", ",", "a:", "\\", "/\\",
    "\u202e", "\u202ea\u2066", "а\u0301", "\u0301", "🔥", "\0", "\ud800", "\ufeff", "a-", "\n", "AND ", "ш", "İ", "ß", "\u200d",
)  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_queries_are_answered_in_time_in_proportion_and_by_nothing_but_query_errors(piece: str) -> None:
    text = (piece * LONGEST)[: LONGEST // 4]
    started = time.process_time()
    error = refusal(read_query, text)
    assert error is None or len(str(error)) < 500
    assert time.process_time() - started < 3


def test_ten_megabytes_of_parentheses_are_refused_at_once() -> None:
    started = time.process_time()
    for text in ("(" * 10_000_000, '"' * 10_000_000):
        with pytest.raises(QueryError, match="longer than"):
            read_query(text)
    assert time.process_time() - started < 1


PIECES = (
    "fire", "oil", "the", "а", " ", " ", " ", "(", ")", '"', "«", "»", "AND", "OR", "NOT", "NEAR/3", "NEAR", "or", "-", "|", ",", "*", "=", "^2", "^",
    "title:", "text:", "source:", "lang:kk", "place:", "foo:", "@x1", "@", "/ab/", "/", "2 of", "0 of (", "within 5 km of ", "\n", "\u202e", "🔥", "'", "\\",
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.lists(st.sampled_from(PIECES), max_size=24).map("".join), st.text(max_size=40)))
def test_whatever_is_written_is_a_query_or_a_query_error(text: str) -> None:
    refusal(read_keyword, text)
    if refusal(read_query, text) is None:
        query = read_query(text)
        assert read_query(write(query)) == query
        assert read_query(wrapped(query, 20)) == query
        doubts(text)
