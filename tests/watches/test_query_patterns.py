"""Patterns find what people mean by them in three scripts, in time in proportion to the text."""

from __future__ import annotations

import time

import pytest

from monitor.errors import QueryError
from monitor.watches.patterns import Regex

FOUND = (
    (r"взрыв\w*", "Взрыв! ВЗРЫВЫ, повзрывал", ["Взрыв", "ВЗРЫВЫ", "взрывал"]),
    (r"\bвзрыв\b", "взрыв взрывы подвзрыв «взрыв» взрыв", ["взрыв", "взрыв", "взрыв"]),
    (r"\bвзры\w+", "взрыв, подвзрыв ВЗРЫВЫ", ["взрыв", "ВЗРЫВЫ"]),
    (r"\b(газ|oil)\b", "газета газ OIL boils", ["газ", "OIL"]),
    (r"ұлт\w+", "Ұлттық ұлт", ["Ұлттық"]),
    (r"\w+stan\b", "Qazaqstan, Қазақstanға", ["Qazaqstan"]),
    (r"№\s?\d+", "№\u00a05 и №17", ["№\u00a05", "№17"]),
    (r"\S+ км", "около 50 км от", ["50 км"]),
    (r"[\w-]+ость", "какая-то новость, гость", ["новость", "гость"]),
    (r"[\s\S]fire", "x\nfire", ["\nfire"]),
    (r"(?-i)NATO", "nato NATO", ["NATO"]),
    (r"🔥+", "a🔥🔥 🔥", ["🔥🔥", "🔥"]),
    (r"a\Wb", "a-b aыb a b", ["a-b", "a b"]),
    (r"\Qa.b\E", "axb a.b", ["a.b"]),
    (r"[]x]yz", "]yz", ["]yz"]),
    (r"[[:upper:]]{2}[|]", "ab|", ["ab|"]),
    (r"ab|cd", "cd ab", ["cd", "ab"]),
    (r"^ab", "abab", ["ab"]),
    (r"ab", "\ud800ab🔥\udfffab", ["ab", "ab"]),
)


@pytest.mark.parametrize(("pattern", "text", "found"), FOUND)
def test_a_pattern_stands_where_people_see_it(pattern: str, text: str, found: list[str]) -> None:
    regex = Regex.of(pattern)
    assert [text[start:end] for start, end in regex.spans(text, 10)] == found
    assert regex.stands_in(text)
    assert not regex.stands_in("")
    assert list(regex.spans(text, 1)) == list(regex.spans(text, 10))[:1]


REFUSED = (
    ("(?=a)bc", "(?=", "looking ahead"), ("(?!a)bc", "(?!", "looking ahead"), ("(?<=a)bc", "(?<=", "looking ahead"),
    (r"(ab)\1", r"\1", "repeating"), (r"(?P<x>ab)(?P=x)", "(?P", "repeating"),
    ("", "", "empty text"), ("a*", "a*", "empty text"), (r"\b", r"\b", "empty text"), ("^$", "^$", "empty text"), (r"\b(a?)\b", r"\b(a?)\b", "empty text"),
    ("a", "a", "nearly every text"), (".", ".", "nearly every text"), (r"\w", r"\w", "nearly every text"), ("ы|ab", "ы|ab", "nearly every text"),
    (".+", ".+", "nearly every text"), ("..", "..", "nearly every text"), (r"\d", r"\d", "nearly every text"), (r"\s", r"\s", "nearly every text"),
    ("(ab", "(ab", "not closed"), ("ab)", "ab)", "not opened"), ("[ab", "[ab", "not closed"), ("*ab", "*", "nothing to repeat"),
    ("ab**", "**", "two repetitions"), ("a{1001}", "{1001}", "too often"), (r"\yab", r"\y", "means nothing"), ("ab\\", "ab\\", "nothing after"),
    ("[z-a]b", "z-a", "range"), (r"\p{Foo}b", r"\p{Foo}", "range"), (r"ab\b cd", r"\b", "cannot stand here"), (r"a\Bb", r"\B", "cannot stand here"),
    (r"\bab|cd", "|", "not clear"), (r"\Cb", r"\C", "cut characters"), (r"[\W]b", r"\W", "class"),
    ("x" * 1001, "x" * 1001, "too long"), ("(ab{9}c{9}d{9}){99}", "(ab{9}c{9}d{9}){99}", "too large"), (r"(\w{20} ){20}", r"(\w{20} ){20}", "too large"),
    ("ab\ud800", "ab\ud800", "half of a character"),
)  # fmt: skip


@pytest.mark.parametrize(("pattern", "blamed", "message"), REFUSED, ids=lambda text: ascii(text[:20]))
def test_a_pattern_that_cannot_be_meant_is_refused_with_its_place(pattern: str, blamed: str, message: str) -> None:
    with pytest.raises(QueryError) as caught:
        Regex.of(pattern)
    assert message in caught.value.message
    assert pattern[slice(*caught.value.span)] == blamed


def test_equal_patterns_are_equal() -> None:
    assert Regex.of("ab") == Regex.of("ab") != Regex.of("abc")
    assert hash(Regex.of("ab")) == hash(Regex.of("ab"))


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|aa)*bc", "(a|b|ab)*xyz", "a*a*a*a*a*a*xx", "(.*)(.*)(.*)(.*)yyy"])
def test_a_pattern_that_would_backtrack_takes_no_time(pattern: str) -> None:
    regex = Regex.of(pattern)
    started = time.process_time()
    assert not regex.stands_in("a" * 100_000)
    assert time.process_time() - started < 0.5


def test_the_worst_pattern_takes_time_in_proportion_to_the_text() -> None:
    regex = Regex.of("[ab]*a[ab]{200}c")
    times = []
    for length in (5_000, 40_000):
        text = "".join("ab"[number * number % 7 % 2] for number in range(length))
        started = time.process_time()
        assert not regex.stands_in(text)
        times.append(time.process_time() - started)
    assert times[1] < 40 * max(times[0], 0.005)
