"""Why a watch wants a report or not: the parts with their answers, and the nearest miss."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.asking import read
from support.laws import law

from monitor.errors import QueryError
from monitor.watches.evidence import Evidence
from monitor.watches.explaining import CLOSEST, lines, misses
from monitor.watches.nodes import All, Close, Node, Some, Weighted


def told(query: str, text: str = "", title: str = "") -> list[tuple[int, bool, str, list[str]]]:
    node, seen = read(query, text, title=title)
    return [
        (line.depth, line.holds, line.label, [reason.surface for reason in line.reasons]) for line in lines(node, seen)
    ]


def missed(query: str, text: str = "", title: str = "") -> list[str]:
    return [miss.label for miss in misses(*read(query, text, title=title))]


def near(query: str, text: str = "", title: str = "") -> list[tuple[str, str]]:
    return [(each.surface, each.why) for miss in misses(*read(query, text, title=title)) for each in miss.near]


LINES = [
    ("=aa", "aa", [(0, True, "=aa", ["aa"])]),
    ("=aa", "bb", [(0, False, "=aa", [])]),
    (
        "=aa (=bb OR lang:kk)",
        "aa",
        [
            (0, False, "all of these", []),
            (1, True, "=aa", ["aa"]),
            (1, False, "one of these", []),
            (2, False, "=bb", []),
            (2, False, "language kk", []),
        ],
    ),
    (
        "=aa^2 NOT =bb",
        "aa bb",
        [
            (0, False, "all of these", []),
            (1, True, "counting 2 times", []),
            (2, True, "=aa", ["aa"]),
            (1, False, "not: =bb", []),
        ],
    ),
    (
        "=aa NEAR/1 =bb",
        "aa x x bb",
        [
            (0, False, "with at most 1 words between them", []),
            (1, True, "=aa", ["aa"]),
            (1, True, "=bb", ["bb"]),
        ],
    ),
    (
        "=aa NOT (=bb =cc)",
        "aa bb",
        [
            (0, True, "all of these", []),
            (1, True, "=aa", ["aa"]),
            (1, True, "not: all of these", []),
            (2, True, "=bb", ["bb"]),
            (2, False, "=cc", []),
        ],
    ),
]


@pytest.mark.parametrize(("query", "text", "expected"), LINES)
def test_each_part_of_a_query_says_whether_it_holds_and_by_which_words(
    query: str, text: str, expected: list[tuple[int, bool, str, list[str]]]
) -> None:
    assert told(query, text) == expected


BLAMES = [
    ("=aa", "aa", []),
    ("=aa", "bb", ["=aa"]),
    ("=aa =bb", "aa", ["=bb"]),
    ("=aa =bb", "cc", ["=aa", "=bb"]),
    # of alternatives the one that lacks least
    ("(=aa =bb) OR (=cc =dd =ee)", "cc", ["=aa", "=bb"]),
    ("(=aa =bb) OR (=cc =dd =ee)", "cc dd", ["=ee"]),
    ("(=aa =bb) OR /x[xy]y/", "cc", ["/x[xy]y/"]),
    # of a count as many as are missing, the least first
    ("2 of (=aa, =bb, =cc)", "", ["=aa", "=bb"]),
    ("2 of (=aa, =bb, =cc)", "bb", ["=aa"]),
    ("2 of (=aa =bb, =cc =dd, =ee)", "cc", ["=dd", "=ee"]),
    ("3 of (=aa =bb, =cc, =dd)", "dd", ["=cc", "=aa", "=bb"]),
    ("=aa^2 =bb", "bb", ["=aa"]),
    ("=aa NOT =bb", "aa bb", ["not: =bb"]),
    ("=aa NOT =bb", "bb", ["=aa", "not: =bb"]),
    ("=aa NEAR/1 =bb", "aa", ["=bb"]),
    ("=aa NEAR/1 =bb", "", ["=aa", "=bb"]),
    ("=aa NEAR/1 =bb", "aa x x bb", ["with at most 1 words between them"]),
    ("title:=aa", "aa", ["=aa (in the title)"]),
    ("=aa lang:kk", "aa", ["language kk"]),
    ("place:Coast", "x", ["place:Coast"]),
]


@pytest.mark.parametrize(("query", "text", "labels"), BLAMES)
def test_the_nearest_miss_is_the_fewest_parts_that_would_have_had_to_hold(
    query: str, text: str, labels: list[str]
) -> None:
    assert sorted(missed(query, text)) == sorted(labels)


@pytest.mark.parametrize(
    ("query", "text", "hidden"),
    [
        ("=aa NOT =bb", "aa bb x bb", ["bb", "bb"]),
        ("=aa NOT (=bb OR place:Coast)", "aa bb Aktau", ["bb", "Aktau"]),
        ("=aa NOT (=bb =cc)", "aa cc bb", ["bb", "cc"]),
    ],
)
def test_what_hides_a_report_is_named(query: str, text: str, hidden: list[str]) -> None:
    (miss,) = misses(*read(query, text))
    assert sorted(reason.surface for reason in miss.hidden_by) == sorted(hidden)
    assert miss.near == ()


NEAR = [
    ("strike", "strikingly strikebreaker", [("strikebreaker", "`strike` may not go on with `breaker`")]),
    ("протест", "протестант", [("протестант", "`протест` may not go on with `ант`")]),
    ("КТО", "кто это", [("кто", "it is not written in capitals")]),
    ("КТО", "Кто это", [("Кто", "it is not written in capitals")]),
    ("=Strike", "strike", [("strike", "it is written small")]),
    ("person:Steelman", "steelman", [("steelman", "it is written small")]),
    ("=strike", "Strikes", [("Strikes", "`strike` may not go on with `s`")]),
    ("=strike", "the rally", []),
    ('="oil strike"', "oil strikes", []),
    ("халық", "халқ", [("халқ", "`халқ` needs an ending")]),
    ("title:=strike", "strikes", []),
    ("/strike/", "strik", []),
]


@pytest.mark.parametrize(("query", "text", "expected"), NEAR)
def test_words_that_begin_like_a_keyword_are_named_with_why_they_are_none(
    query: str, text: str, expected: list[tuple[str, str]]
) -> None:
    found = near(query, text)
    assert found[:1] == expected[:1] if expected else found == []


def test_the_longest_beginnings_come_first_and_each_word_once_for_a_keyword() -> None:
    found = near("=abc OR =abcdef", "abcd abcdefg abcdefg ABCDEFG", title="abcx")
    assert [surface for surface, _ in found] == ["abcdefg", "abcx", "abcd", "abcdefg"]
    assert found[0][1] == "`abcdef` may not go on with `g`"


def test_only_the_closest_words_are_named() -> None:
    assert len(near("=abc", " ".join(f"abc{letter}" for letter in "defghijkl"))) == CLOSEST


def test_beginnings_of_two_letters_are_near_to_nothing() -> None:
    assert near("=ab", "abc") == []
    assert near("=abc", "abcd") != []


@pytest.mark.parametrize(("text", "words"), [("strikes " * 5000, 1), ("strike" * 20_000, 0)])
def test_a_word_is_named_once_and_one_without_end_not_at_all(text: str, words: int) -> None:
    assert len(near("=strike", text)) == words


# --- laws --------------------------------------------------------------------------------------------------------------

ATOMS = ["=aa", "=bb", "=cc", "lang:kk", "place:Coast", "/x[xy]y/"]
some = st.sampled_from


def joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(parts, min_size=2, max_size=3)
    return st.one_of(
        several.map(lambda each: f"({' OR '.join(each)})"),
        several.map(lambda each: f"({' AND '.join(each)})"),
        several.map(lambda each: f"(2 of ({', '.join(each)}))"),
        several.map(lambda each: f"({each[0]} NOT {each[1]})"),
        parts.map(lambda each: f"({each})^2"),
    )


@law
@given(
    query=st.recursive(some(ATOMS), joined, max_leaves=6),
    words=st.lists(some(["aa", "bb", "cc", "Aktau", "xyy"]), max_size=5),
)
def test_there_is_a_miss_exactly_where_a_query_does_not_hold(query: str, words: list[str]) -> None:
    try:
        node, seen = read(query, " ".join(words))
    except QueryError:
        assume(False)
        raise
    assert bool(misses(node, seen)) is not node.holds(seen)
    assert next(lines(node, seen)).holds is node.holds(seen)
    assert len(misses(node, seen)) == fewest(node, seen)
    for line in lines(node, seen):
        assert line.holds or not line.reasons


def fewest(node: Node, seen: Evidence) -> int:
    """Count the fewest leaves that must change, by trying every choice of alternatives."""
    if node.holds(seen):
        return 0
    match node:
        case All():
            return sum(fewest(part, seen) for part in node.parts)
        case Some():
            return sum(sorted(fewest(part, seen) for part in node.parts)[: node.count])
        case Weighted():
            return fewest(node.part, seen)
        case Close():
            return max(1, fewest(node.left, seen) + fewest(node.right, seen))
        case _:
            return 1


def test_evidence_tells_mentions_by_entry() -> None:
    _, seen = read("place:Coast", "Aktau, Zhanaozen, Aktau")
    assert {key: len(mentions) for key, mentions in seen.named.items()} == {"place/aktau": 2, "place/zhanaozen": 1}
    assert seen.about == {"place/aktau", "place/zhanaozen"}
    hidden = replace(seen, mentions=tuple(replace(each, covered=True) for each in seen.mentions))
    assert (hidden.about, len(hidden.named)) == (frozenset(), 2)
