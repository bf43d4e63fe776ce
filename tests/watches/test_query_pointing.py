"""Where a mistake is, as people see it in a terminal."""

from __future__ import annotations

import pytest

from monitor.watches.pointing import pointed, shown

CASES = (
    ("fire titel:x", (5, 11), "line 1, column 6", "fire titel:x", "     ^^^^^^"),
    ("fire\n\n  oil )\nriot", (12, 13), "line 3, column 7", "  oil )", "      ^"),
    ("fire", (4, 4), "line 1, column 5", "fire", "    ^"),
    ("", (0, 0), "line 1, column 1", "", "^"),
    ("火事 )", (3, 4), "line 1, column 4", "火事 )", "     ^"),
    ("e\u0301 )", (3, 4), "line 1, column 4", "e\u0301 )", "  ^"),
    ("a\tb\u202e )", (5, 6), "line 1, column 6", "a b\ufffd )", "     ^"),
    ("(fire\noil", (0, 9), "line 1, column 1", "(fire", "^^^^^"),
    ("fire", (9, 12), "line 1, column 5", "fire", "    ^"),
)


@pytest.mark.parametrize(("text", "span", "where", "line", "carets"), CASES)
def test_carets_stand_under_the_place(text: str, span: tuple[int, int], where: str, line: str, carets: str) -> None:
    assert pointed(text, span).split("\n") == [where, line, carets]


def test_only_a_window_of_a_long_line_is_shown() -> None:
    text = "a" * 1000 + "titel:" + "b" * 1000
    where, line, carets = pointed(text, (1000, 1006)).split("\n")
    assert where == "line 1, column 1001"
    assert len(line) < 80
    assert line.startswith("...aaa")
    assert line.endswith("bbb...")
    assert line[carets.index("^") : len(carets)] == "titel:"


def test_a_piece_of_a_query_in_a_sentence_is_short_and_cannot_turn_it_around() -> None:
    assert shown("fire\u202e\x1b\n") == "fire\ufffd\ufffd\ufffd"
    assert shown("x" * 50) == "x" * 40 + "..."
