"""The canonical form of a query: stable, readable, and read as the same query again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import QueryError
from monitor.watches.building import all_of, any_of
from monitor.watches.query import (
    About,
    Around,
    AtLeast,
    Boosted,
    From,
    Limited,
    Mentions,
    Near,
    Not,
    Origin,
    Pattern,
    Query,
    Saved,
    Term,
    Within,
    Word,
)
from monitor.watches.reading import read_query
from monitor.watches.writing import wrapped, write

CANONICAL = (
    ("fire oil", "fire AND oil"),
    ("fire|oil riot", "fire OR oil AND riot"),
    ("(fire OR oil) riot -rain", "(fire OR oil) AND riot AND NOT rain"),
    ("((fire))", "fire"),
    ("fire (oil, riot)", "fire AND (oil OR riot)"),
    ("«oil  workers»", '"oil workers"'),
    ("Алма-Ата =Нур-Султан", "Алма-Ата AND =Нур-Султан"),
    ("24/7", '"24 7"'),
    ("place:@@oral", "place:oral"),
    ("fire AND🔥", 'fire AND "AND"'),
    ("fire NEAR (oil riot*, rain)", None),
    ("fire NEAR (riot*, rain)", "fire NEAR/10 (riot* OR rain)"),
    ("fire -(oil NEAR/3 riot)", "fire AND NOT (oil NEAR/3 riot)"),
    ("title:fire^2 title:(oil^2.50)", "title:fire^2 AND title:(oil^2.5)"),
    ("2  OF(fire oil,oil OR riot)", "2 of (fire AND oil, oil OR riot)"),
    ("source:Reuters,AFP fire", "source:(Reuters OR AFP) AND fire"),
    ('source:"New York Times"', 'source:"New York Times"'),
    ('source:«The "Sun"»', 'source:«The "Sun"»'),
    ("source:a1 OR place:b1", "source:a1 OR place:b1"),
    ("fire -place:Oral,Aral", "fire AND NOT place:(Oral OR Aral)"),
    ("place:(Oral,Aral)^2", "place:(Oral OR Aral)^2"),
    ("title:(source:a1,b1)", "title:(source:(a1 OR b1))"),
    ('within 50km of "Nur-Sultan"', "within 50 km of Nur-Sultan"),
    ('@"a b" @ab', '@"a b" AND @ab'),
    (r"/a\/b\\c/", r"/a\/b\\c/"),
)  # fmt: skip


@pytest.mark.parametrize(("written", "canonical"), CANONICAL)
def test_a_query_has_one_form(written: str, canonical: str | None) -> None:
    if canonical is None:
        with pytest.raises(QueryError):
            read_query(written)
        return
    query = read_query(written)
    assert write(query) == canonical
    assert read_query(canonical) == query


def test_a_word_like_an_operator_gets_quotes() -> None:
    assert write(Term(words=(Word(text="OR"),))) == '"OR"'
    assert write(read_query('fire "OR"')) == 'fire AND "OR"'


def test_a_long_query_is_wrapped_where_it_is_joined() -> None:
    query = read_query(
        "(fire OR blaze OR inferno OR conflagration) AND title:(oil OR gas OR pipeline OR refinery) AND NOT (football OR hockey OR chess OR boxing)"
    )
    assert wrapped(query, 40) == (
        "(\n"
        "  fire OR blaze OR inferno\n"
        "  OR conflagration\n"
        ")\n"
        "AND title:(\n"
        "  oil OR gas OR pipeline OR refinery\n"
        ")\n"
        "AND NOT (\n"
        "  football OR hockey OR chess OR boxing\n"
        ")"
    )  # fmt: skip
    assert wrapped(query, 200) == write(query)
    listed = read_query("conflagration place:Almaty,Astana,Karaganda")
    assert wrapped(listed, 50) == "conflagration\nAND place:(Almaty OR Astana OR Karaganda)"
    assert wrapped(read_query("fire place:Almaty,Astana"), 20) == "fire\nAND (\n  place:Almaty\n  OR place:Astana\n)"
    assert wrapped(read_query("2 of (fire riot, oil workers, strikes)^3 (aaaa NEAR bbbb)"), 24) == (
        "(\n"
        "  2 of (\n"
        "    fire AND riot,\n"
        "    oil AND workers,\n"
        "    strikes\n"
        "  )\n"
        ")^3\n"
        "AND aaaa NEAR/10 bbbb"
    )  # fmt: skip


_words = st.from_regex(r"[a-zа-яқү]{2,8}[1-9]", fullmatch=True)
_names = st.one_of(_words, st.tuples(_words, _words).map(" ".join), st.tuples(_words, _words).map("-".join))
_terms = st.builds(
    lambda words, exact, quoted: Term(words=tuple(words), exact=exact, quoted=quoted),
    st.lists(st.builds(lambda text, open_end: Word(text=text, open_end=open_end), _words, st.booleans()), min_size=1, max_size=3),
    st.booleans(), st.booleans(),
)  # fmt: skip
_entries = st.one_of(
    st.builds(lambda about, name: Mentions(about=about, name=name), st.sampled_from(About), _names),
    st.builds(lambda km, place: Around(km=km, place=place), st.floats(0.1, 20_000), _names),
    st.builds(lambda name: Saved(name=name), _names),
)
_origins = st.one_of(
    st.builds(lambda of, value: Origin(of=of, value=value), st.sampled_from([From.SOURCE, From.FEED]), _names),
    st.builds(lambda value: Origin(of=From.LANG, value=value), st.sampled_from(["en", "ru", "kk", "other"])),
)
_patterns = st.sampled_from([r"взрыв\w+", r"ab/cd", r"a\\b", r"[а-я]{3} \d+", r"\bab\b"]).map(
    lambda text: Pattern(pattern=text)
)
_near_sides = st.one_of(_terms, _entries, st.lists(st.one_of(_terms, _entries), min_size=2, max_size=3).map(any_of))
_nears = st.builds(
    lambda left, right, words: Near(parts=(left, right), words=words), _near_sides, _near_sides, st.integers(0, 1000)
)


def _limited(to: Within, part: Query) -> Query:
    return part if "Limited(" in repr(part) else Limited(to=to, part=part)


def _joined(inner: st.SearchStrategy[Query]) -> st.SearchStrategy[Query]:
    some = st.lists(inner, min_size=2, max_size=4)
    return st.one_of(
        some.map(all_of),
        some.map(any_of),
        st.builds(lambda part, unwanted: all_of([part, Not(part=unwanted)]), inner, inner),
        st.builds(
            lambda parts, count: AtLeast(count=min(count, len(parts)), parts=tuple(parts)), some, st.integers(1, 4)
        ),
        st.builds(_limited, st.sampled_from(Within), inner),
        st.builds(lambda part, weight: Boosted(part=part, weight=weight), inner, st.floats(0.1, 100)),
    )


QUERIES = st.recursive(st.one_of(_terms, _entries, _origins, _patterns, _nears), _joined, max_leaves=8)


@settings(max_examples=300, deadline=None)
@given(QUERIES, st.integers(10, 120))
def test_reading_what_was_written_gives_the_same_query(query: Query, width: int) -> None:
    assert read_query(write(query)) == query
    assert read_query(wrapped(query, width)) == query
