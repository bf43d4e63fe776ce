"""What each part of a query asks: neighbours, counts, exclusions, fields, entries, the score, and what may be skipped."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.asking import COAST, asked, match, read, surfaces
from support.laws import law
from support.values import feed, report

from monitor.errors import QueryError
from monitor.language.text import forms
from monitor.model import Match, Watch
from monitor.watches import WatchIndex, compile_watches
from monitor.watches.nodes import MOST_SPOTS, SHOWN, Some, Words

NEAR = [
    # query, text, surfaces
    ("=strike NEAR/0 =oil", "strike oil", ["strike", "oil"]),
    ("=strike NEAR/0 =oil", "oil strike", ["oil", "strike"]),
    ("=strike NEAR/0 =oil", "strike of oil", None),
    ("=strike NEAR/2 =oil", "strike by the oil", ["strike", "oil"]),
    ("=strike NEAR/2 =oil", "oil in the strike", ["oil", "strike"]),
    ("=strike NEAR/2 =oil", "strike by all the oil", None),
    ("=strike NEAR/2 =oil", "oil in all the strike", None),
    ("=strike NEAR/2 =oil", "strike", None),
    ("=strike NEAR/2 =oil", "oil", None),
    # the far places of a word do not hide a near one, and are no reasons
    ("=strike NEAR/1 =oil", "strike a b c oil a strike a b c strike", ["oil", "strike"]),
    ("=strike NEAR/1 =oil", "oil a b c oil a strike", ["oil", "strike"]),
    ("=strike NEAR/9 =oil", "oil a strike oil", ["strike", "oil"]),
    # each left word has its own neighbour
    ("=strike NEAR/1 =oil", "oil strike a b c strike oil", ["oil", "strike", "strike", "oil"]),
    # one neighbour of two is told once
    ("=strike NEAR/1 =oil", "strike oil strike", ["strike", "oil", "strike"]),
    # phrases: counted from their nearer ends, and what overlaps is no neighbour
    ('="oil strike" NEAR/1 =gas', "oil strike a gas", ["oil strike", "gas"]),
    ('="oil strike" NEAR/1 =gas', "gas a oil strike", ["gas", "oil strike"]),
    ('="oil strike" NEAR/1 =gas', "gas a b oil strike", None),
    ('="oil strike" NEAR/5 =strike', "oil strike", None),
    ('="oil strike" NEAR/5 =strike', "oil strike strike", ["oil strike", "strike"]),
    ('=strike NEAR/5 ="oil strike"', "oil strike", None),
    ('=strike NEAR/0 (="oil strike a b" OR =oil)', "strike oil strike a b", ["strike", "oil", "strike"]),
    ("=oil NEAR/5 =oil", "oil", None),
    ("=oil NEAR/5 =oil", "oil oil", ["oil", "oil"]),
    ('(="a b c d" OR =xx) NEAR/0 =yy', "a b c d xx yy", ["xx", "yy"]),
    ('=yy NEAR/0 (="a bb c d" OR =bb)', "a bb c d yy", ["a bb c d", "yy"]),
    # alternatives, entries, saved queries
    ("(=strike OR =rally) NEAR/1 (=oil OR =gas)", "rally a b strike gas", ["strike", "gas"]),
    ("=strike NEAR/1 place:Aktau", "Aktau strike", ["Aktau", "strike"]),
    ("=strike NEAR/1 place:Aktau", "strike a b Aktau", None),
    ("=strike NEAR/1 @oil", "strike of oil", ["strike", "oil"]),
    ("=strike NEAR/1 @pattern", "strike xxyy", ["strike", "xxyy"]),
    ("=strike NEAR/1 @pattern", "strike axxyy", None),
]  # fmt: skip
SAVED = {"oil": "=oil OR =gas", "pattern": "/xxyy/"}


@pytest.mark.parametrize(("query", "text", "found"), NEAR)
def test_neighbours_stand_in_either_order_with_so_many_words_between_them(
    query: str, text: str, found: list[str] | None
) -> None:
    assert surfaces(query, text, saved=SAVED) == found


def test_neighbours_stand_in_one_field_and_both_fields_are_searched() -> None:
    assert match("=strike NEAR/5 =oil", "oil", title="strike") is None
    assert surfaces("=strike NEAR/5 =oil", "oil strike", title="strike oil") == ["strike", "oil", "oil", "strike"]
    assert surfaces("title:(=strike NEAR/5 =oil)", "oil strike", title="a") is None
    assert surfaces("=strike NEAR/5 =oil", "oil strike", fields=("title",)) is None


words = st.lists(st.sampled_from(["aa", "bb", "cc", "dd"]), max_size=14)
sides = st.sampled_from(['="aa"', '="aa bb"', '="aa bb cc"', '(="aa" OR ="bb cc")', '(="aa bb cc" OR ="bb")'])


@law
@given(text=words, left=sides, right=sides, between=st.integers(0, 4))
def test_neighbours_are_those_of_a_plain_comparison_of_all_places(
    text: list[str], left: str, right: str, between: int
) -> None:
    def places(side: str) -> list[tuple[int, int]]:
        phrases = [part.strip('()="').split() for part in side.split(" OR ")]
        return [
            (at, at + len(phrase))
            for phrase in phrases
            for at in range(len(text))
            if text[at : at + len(phrase)] == phrase
        ]

    near = any(
        max(one[0], other[0]) - min(one[1], other[1]) in range(between + 1)
        for one in places(left)
        for other in places(right)
    )
    assert (match(f"{left} NEAR/{between} {right}", " ".join(text)) is not None) is near


COUNTS = [
    ("2 of (=aa, =bb, =cc)", "aa bb", ["aa", "bb"]),
    ("2 of (=aa, =bb, =cc)", "aa aa aa", None),
    ("2 of (=aa, =bb, =cc)", "cc", None),
    ("2 of (=aa, =bb, =cc)", "cc aa bb", ["cc", "aa", "bb"]),
    ("3 of (=aa, =bb, =cc)", "cc bb", None),
    ("1 of (=aa, =bb)", "bb", ["bb"]),
    ("2 of (=aa OR =bb, =cc)", "aa bb", None),
    ("2 of (=aa OR =bb, =cc)", "cc bb", ["cc", "bb"]),
    ("2 of (=aa =bb, =cc, =dd)", "aa cc", None),
    ("2 of (=aa =bb, =cc, =dd)", "aa cc dd", ["cc", "dd"]),
]


@pytest.mark.parametrize(("query", "text", "found"), COUNTS)
def test_minimum_counts_count_parts_that_hold_not_words(query: str, text: str, found: list[str] | None) -> None:
    assert surfaces(query, text) == found


NOTS = [
    ("=aa NOT =bb", "aa", ["aa"]),
    ("=aa NOT =bb", "aa bb", None),
    ("=aa NOT =bb", "bb", None),
    ("=aa NOT (=bb =cc)", "aa bb", ["aa"]),
    ("=aa NOT (=bb =cc)", "aa bb cc", None),
    ("=aa NOT title:=bb", "aa bb", ["aa"]),
    ("(=aa NOT =bb) OR =cc", "aa bb cc", ["cc"]),
    ("=aa NOT (=bb NOT =cc)", "aa bb", None),
    ("=aa NOT (=bb NOT =cc)", "aa bb cc", ["aa"]),
    ("=aa NOT /x[xy]y/", "aa xyy", None),
    ("=aa -place:Coast", "aa in Aktau", None),
    ("=aa -place:Coast", "aa in Oral", ["aa"]),
]


@pytest.mark.parametrize(("query", "text", "found"), NOTS)
def test_what_is_excluded_hides_a_report_and_is_never_a_reason(query: str, text: str, found: list[str] | None) -> None:
    assert surfaces(query, text) == found


FIELDS = [
    ("title:=aa", "aa", "", ["aa"]),
    ("title:=aa", "", "aa", None),
    ("text:=aa", "aa", "", None),
    ("text:=aa", "aa", "aa", ["aa"]),
    ("title:(=aa OR /x[xy]y/)", "", "xyy", None),
    ("title:(=aa OR /x[xy]y/)", "xyy", "xyy", ["xyy"]),
    ("title:(place:Aktau)", "", "Aktau", None),
    ("title:(place:Aktau)", "Aktau", "Aktau", ["Aktau"]),
    ("title:Aktau", "", "Aktau", None),
    ("title:Aktau", "Aktau", "", ["Aktau"]),
    ("title:@words", "", "aa", None),
    ("title:@words", "aa", "aa", ["aa"]),
    ("title:=aa text:=bb", "aa", "bb", ["aa", "bb"]),
    ("title:=aa text:=bb", "bb", "aa", None),
]


@pytest.mark.parametrize(("query", "title", "text", "found"), FIELDS)
def test_a_part_may_be_limited_to_a_field(query: str, title: str, text: str, found: list[str] | None) -> None:
    assert surfaces(query, text, title=title, saved={"words": "=aa"}) == found


SCORES = [
    ("=aa", "aa aa aa", 1.0),
    ("=aa OR =bb", "aa bb", 2.0),
    ("=aa^3 OR =bb", "aa bb", 4.0),
    ("=aa^3 OR =bb", "bb", 1.0),
    ("=aa^3 OR =aa", "aa", 3.0),
    ("=aa^0.5 OR =aa^0.2", "aa", 0.5),
    ("(=aa OR =bb)^2", "aa bb", 4.0),
    ("(=aa^3 OR =bb)^2", "aa bb", 8.0),
    ("=aa NOT =bb^9", "aa", 1.0),
    ("=aa =bb", "aa bb", 2.0),
    ("2 of (=aa^2, =bb, =cc =dd)", "aa bb cc", 3.0),
    ("=aa NEAR/1 =bb", "aa bb", 2.0),
    ("(=aa NEAR/1 =bb)^2", "aa bb", 4.0),
    ("place:Coast^2", "Aktau and Zhanaozen", 2.0),
    ("/x[xy]y/^2", "xyy xxy", 2.0),
    ("lang:ru", "", 0.0),
    ("lang:ru =aa", "aa", 1.0),
    ("@words", "aa", 5.0),
]


@pytest.mark.parametrize(("query", "text", "expected"), SCORES)
def test_a_keyword_counts_its_highest_boost_once(query: str, text: str, expected: float) -> None:
    found = match(query, text, saved={"words": "=aa^5"})
    assert found is not None
    assert found.score == pytest.approx(expected)


def test_a_keyword_counts_once_over_both_fields() -> None:
    found = match("=aa^2", "aa", title="aa")
    assert found is not None
    assert (found.score, len(found.reasons)) == (2.0, 2)


@pytest.mark.parametrize(("least", "wanted"), [(0.0, True), (2.0, True), (3.0, True), (3.1, False)])
def test_a_watch_wants_what_scores_enough(least: float, wanted: bool) -> None:
    assert (match("=aa^2 OR =bb", "aa bb", score=least) is not None) is wanted


ENTRIES = [
    ("place:Coast", "in Aktau", ["Aktau"]),
    ("place:Coast", "in Oral", None),
    ("place:Aktau", "in Маңғыстау", None),
    ("place:Aktau", "Port of Aktau", ["Port of Aktau", "Aktau"]),
    ("place:aktau-port", "Aktau", None),
    ("place:Oral", "an oral exam", None),
    ("place:Oral", "in Oral", ["Oral"]),
    ("person:Tokayev", "Токаеву", ["Токаеву"]),
    ("org:CSTO", "силы ОДКБ", ["ОДКБ"]),
    ("concept:protest", "наразылықтың", ["наразылықтың"]),
    ("@protest", "unrest", ["unrest"]),
    ("@coast", "in Aktau", ["Aktau"]),
    ("within 100 km of Aktau", "in Zhanaozen", None),
    ("within 200 km of Aktau", "in Zhanaozen", ["Zhanaozen"]),
    ("within 100 km of Aktau", "in Актау", ["Актау"]),
    ("within 100 km of Nowhere", "in Nowhere", ["Nowhere"]),
    # somebody nobody listed
    ('person:"Aigul Nurlanova"', "Aigul Nurlanova said", ["Aigul Nurlanova"]),
    ('person:"Айгуль Нурланова"', "Айгуль Нурлановой", ["Айгуль Нурлановой"]),
    ('person:"Айгуль Нурланова"', "айгуль нурлановой", None),
    ("org:Steelworks", "of Steelworks", ["Steelworks"]),
    ("org:Steelworks", "of steelworks", None),
]


@pytest.mark.parametrize(("query", "text", "found"), ENTRIES)
def test_a_report_is_about_entries_and_what_lies_in_them(query: str, text: str, found: list[str] | None) -> None:
    assert surfaces(query, text) == found


def test_a_name_within_anothers_name_is_a_keyword_but_not_what_a_report_is_about() -> None:
    text = "Aktau Oral Company"
    entity = COAST.entity("place/aktau")
    longer = type(entity)(
        kind=entity.kind, id="company", titles={"en": text}, names=(type(entity.names[0])(text=text),)
    )
    gazetteer = type(COAST)((*COAST.entities, longer))
    for query, wanted in (("place:Aktau", False), ("Aktau", True), ("place:Coast", False)):
        index = compile_watches([Watch(name="w", title="W", query=query)], gazetteer)
        assert bool(index.match(report(title="", text=text), feed())) is wanted, query
    index = compile_watches([Watch(name="w", title="W", query="place:Aktau")], gazetteer)
    (free,) = index.match(report(title="", text=f"{text} of Aktau"), feed())
    assert [(reason.surface, reason.start) for reason in free.reasons] == [("Aktau", len(text) + 4)]


ORIGINS = [
    ("lang:ru =aa", {"language": "ru"}, True),
    ("lang:(ru, kk) =aa", {"language": "kk"}, True),
    ("lang:ru =aa", {"language": "kk"}, False),
    ("source:Reuters =aa", {"outlet": "reuters"}, True),
    ("source:Reuters =aa", {"outlet": "x", "source": "Reuters"}, True),
    ("source:Reuters =aa", {"outlet": "x", "source": "y"}, False),
    ("feed:one =aa", {"feed_id": "one"}, True),
    ("feed:one =aa", {"feed_id": "two"}, False),
    ("=aa -feed:one", {"feed_id": "one"}, False),
    ("=bb OR feed:one", {"feed_id": "one"}, True),
]


@pytest.mark.parametrize(("query", "of", "wanted"), ORIGINS)
def test_a_query_may_ask_where_a_report_comes_from(query: str, of: dict[str, Any], wanted: bool) -> None:
    assert bool(asked(query).match(report(text="aa", **of), feed())) is wanted


def test_a_pattern_tells_its_places_up_to_a_bound() -> None:
    node, seen = read("/x[xy]y/", "xyy " * (MOST_SPOTS + 5), title="XXY")
    reasons = list(node.reasons(seen))
    assert len(reasons) == MOST_SPOTS + 1
    assert (reasons[0].surface, reasons[0].field, reasons[0].keyword) == ("XXY", "title", "/x[xy]y/")


LABELS = [
    ("=aa", "=aa"),
    ("title:=aa", "=aa (in the title)"),
    ("=aa OR =bb", "=aa, =bb"),
    (" OR ".join(f"=w{n}" for n in range(SHOWN)), ", ".join(f"=w{n}" for n in range(SHOWN))),
    (" OR ".join(f"=w{n}" for n in range(SHOWN + 2)), ", ".join(f"=w{n}" for n in range(SHOWN)) + " and 2 more"),
    ("text:(place:Aktau)", "place:Aktau (in the text)"),
    ("within 2.5 km of Aktau", "within 2.5 km of Aktau"),
    ("text:/x[xy]y/", "/x[xy]y/ (in the text)"),
    ("lang:kk", "language kk"),
    ("source:Reuters", "source reuters"),
    ("=aa =bb", "all of these"),
    ("=aa OR lang:kk", "one of these"),
    ("2 of (=aa, =bb)", "at least 2 of these"),
    ("=aa NEAR/3 =bb", "with at most 3 words between them"),
    ("=aa^2.50", "counting 2.5 times"),
]


@pytest.mark.parametrize(("query", "label"), LABELS)
def test_each_part_has_a_label_for_people(query: str, label: str) -> None:
    assert read(query)[0].label == label


def test_the_label_of_an_exclusion_says_what_must_not_be() -> None:
    _, excluded = read("=aa NOT =bb")[0].parts  # type: ignore[attr-defined]
    assert excluded.label == "not: =bb"


def test_the_same_keyword_twice_is_one_in_a_label() -> None:
    assert Words(phrases={1: "a", 2: "a"}, names={"k": "a"}, fields=("title", "text")).label == "a"


# --- what may be skipped -----------------------------------------------------------------------------------------------

ATOMS = [
    "=aa",
    "=bb",
    '="aa bb"',
    "cc*",
    "Aktau",
    "Oral",
    "oral",
    "protest",
    "Тоқаев",
    "place:Coast",
    "concept:protest",
]
ATOMS += ["within 200 km of Aktau", "/x[xy]y/", "lang:ru", "feed:one", "@fuel", "person:Nobody", "org:CSTO", "КТО"]
SAVES = {"fuel": "=gas OR (=oil =aa)"}
TEXT = [
    "aa",
    "bb",
    "cc",
    "ccc",
    "Aktau",
    "Актауда",
    "Oral",
    "oral",
    "protest",
    "Протесты",
    "Токаева",
    "xyy",
    "gas",
    "oil",
]
TEXT += ["Nobody", "nobody", "ОДКБ", "КТО", "кто", "Zhanaozen", "."]


def joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    some = st.lists(parts, min_size=2, max_size=3)
    return st.one_of(
        some.map(lambda each: f"({' OR '.join(each)})"),
        some.map(lambda each: f"({' AND '.join(each)})"),
        some.map(lambda each: f"(2 of ({', '.join(each)}))"),
        some.map(lambda each: f"({each[0]} NOT {each[1]})"),
        some.map(lambda each: f"({each[0]} NEAR/2 {each[1]})"),
        parts.map(lambda each: f"title:({each})"),
        parts.map(lambda each: f"{each}^2"),
    )


queries = st.recursive(st.sampled_from(ATOMS), joined, max_leaves=6)
texts = st.lists(st.sampled_from(TEXT), max_size=8).map(" ".join)


def index_of(asking: list[str]) -> WatchIndex:
    try:
        return asked(*asking, saved=SAVES)
    except QueryError:  # a NEAR or a field around what cannot stand there
        assume(False)
        raise


@law
@given(asking=st.lists(queries, min_size=1, max_size=4), title=texts, text=texts)
def test_skipping_watches_that_nothing_was_found_for_loses_no_match(asking: list[str], title: str, text: str) -> None:
    index = index_of(asking)
    of = report(title=title, text=text, language="ru")
    every = WatchIndex(
        watches=index.watches,
        phrases=index.phrases,
        recogniser=index.recogniser,
        asking={},
        always=tuple(range(len(asking))),
    )
    found = index.match(of, feed())
    assert found == every.match(of, feed())
    alone = [
        each for number, query in enumerate(asking) for each in renamed(index_of([query]).match(of, feed()), number)
    ]
    assert list(found) == alone, "other watches change no verdict, score or reason"
    for reason in (reason for each in found for reason in each.reasons):
        assert {"title": title, "text": text}[reason.field][reason.start : reason.end] == reason.surface
        assert forms(reason.surface)
        assert reason.rule


def renamed(matches: tuple[Match, ...], number: int) -> list[Match]:
    return [replace(each, watch=str(number)) for each in matches]


def test_only_watches_that_something_was_found_for_are_judged() -> None:
    wanted = [
        "=aa",
        "=bb =cc",
        "lang:ru",
        "=aa OR lang:ru",
        "=dd NEAR/1 =ee",
        "(=aa OR =bb)^2",
        "lang:ru =ff",
        "=aa -=bb",
    ]
    index = asked(*wanted, "@pattern NEAR/1 =ee", saved=SAVED)
    assert index.always == (2, 3)
    asking = {at for each in index.asking.values() for at in each}
    assert asking == {0, 1, 4, 5, 6, 7, 8}


def test_alternatives_of_nothing_never_hold_and_need_nothing_found() -> None:
    _, seen = read("=aa", "aa")
    nothing = Some(count=1, parts=())
    assert not nothing.holds(seen)
    assert nothing.needs == frozenset()


def test_a_deep_query_is_compiled_and_judged_without_repeating_itself() -> None:
    """Each level asks each part once: asking twice would take 2^23 times as long here."""
    query = "=z0"
    for level in range(1, 46):
        query = f"(=y{level} {query})" if level % 2 else f"(=y{level} OR {query})"
    text = " ".join(["z0", *(f"y{level}" for level in range(1, 46))])
    assert match(query, text) is not None
    assert match(query, "z0") is None


def test_ten_thousand_words_are_one_question() -> None:
    query = " OR ".join(f"=w{number}" for number in range(10_000))
    node, seen = read(query, "a w17 b w9999")
    assert isinstance(node, Words)
    assert [reason.surface for reason in node.reasons(seen)] == ["w17", "w9999"]
    assert len(node.label) < 200


def test_neighbours_are_found_in_a_text_full_of_them() -> None:
    """Each word has one nearest neighbour to either side: comparing all with all would be 10^8 steps."""
    left = " OR ".join(f"=l{number}" for number in range(200))
    right = " OR ".join(f"=r{number}" for number in range(200))
    text = " ".join(f"l{number % 200} r{number % 200}" for number in range(10_000))
    node, seen = read(f"({left}) NEAR/1000 ({right})", text)
    reasons = list(node.reasons(seen))
    assert len(reasons) == 19_999, "of two as near the one before is told, so the last has no partner"
    assert all(one.end < other.start for one, other in pairwise(sorted(reasons, key=lambda reason: reason.start)))
