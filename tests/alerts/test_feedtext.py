"""Feed text: what acts is dropped, what can be seen stays, and marks stay on their words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.feedtext import Piece, cut, excerpt, host, isolated, link, one_line, pieces, spans
from monitor.model import Reason


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Almaty\r\nBcc: thief@example.org", "Almaty Bcc: thief@example.org"),
        ("a\u2028b\u2029c\x85d\x0be\x0cf\x1cg", "a b c d e f g"),
        ("NUL\x00 and \x1b[31mred\x07", "NUL and [31mred"),
        ("half \ud83d of a pair", "half of a pair"),
        ("zero\u200bwidth\u2060, soft\u00adhyphen, mark\ufeff", "zerowidth, softhyphen, mark"),
        ("safe \u202egpj.exe\u202c", "safe gpj.exe"),
        ("a\u2066b\u2069c\u200ed\u061ce", "abcde"),
        ("tag\U000e0041ged", "tagged"),
        ("  Қазақ   тілі\u00a0 ", "Қазақ тілі"),
        ("{{ 7*7 }} {% raw %}", "{{ 7*7 }} {% raw %}"),
        ("й ё ә 🚒 👍🏽", "й ё ә 🚒 👍🏽"),
        ("z" + "\u0301" * 50, "z" + "\u0301" * 3),
    ],
)
def test_text_keeps_what_can_be_seen_and_loses_what_only_acts(text: str, seen: str) -> None:
    assert one_line(text) == seen


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Z", "C", "M"])))
def test_cleaned_text_is_one_printable_line_that_can_be_encoded(text: str) -> None:
    cleaned = one_line(text)
    assert cleaned.encode().decode() == cleaned
    assert len(cleaned.splitlines()) <= 1
    assert one_line(cleaned) == cleaned
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 or char in "\u202e\u2066\u2069" for char in cleaned)


def test_only_right_to_left_text_is_isolated() -> None:
    assert isolated("Алматы 2022") == "Алматы 2022"
    assert isolated("احتجاجات في ألماتي") == "\u2068احتجاجات في ألماتي\u2069"


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("short", 10, "short"),
        ("one two three four", 12, "one two…"),
        ("one two, three", 10, "one two…"),
        ("x" * 30, 10, "x" * 9 + "…"),
        ("abcdefghe\u0301f", 10, "abcdefgh…"),
    ],
)
def test_long_text_is_cut_between_words_and_never_inside_a_letter(text: str, limit: int, shown: str) -> None:
    assert cut(text, limit) == shown


@given(st.text(max_size=60), st.integers(2, 40))
def test_cut_text_is_never_longer_than_asked(text: str, limit: int) -> None:
    assert len(cut(text, limit)) <= limit


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://example.org/a?b=1&c=2#d", "https://example.org/a?b=1&c=2#d"),
        ("http://example.org/путь", "http://example.org/путь"),
        ("https://example.org/a b", "https://example.org/a%20b"),
        ('https://example.org/"><script>', "https://example.org/%22%3E%3Cscript%3E"),
        ("https://example.org/%D0%B0", "https://example.org/%D0%B0"),
        ("HTTPS://example.org/", "https://example.org/"),
        ("https://[2001:db8::1]/", "https://[2001:db8::1]/"),
        ("javascript:alert(1)", None),
        ("JaVaScRiPt:alert(1)", None),
        ("java\tscript:alert(1)", None),
        (" javascript:alert(1)", None),
        ("data:text/html,<script>", None),
        ("file:///etc/passwd", None),
        ("ftp://example.org/", None),
        ("//example.org/", None),
        ("/path", None),
        ("https://", None),
        ("https://[broken/", None),
        ("https://example.org/\u202egpj.exe", None),
        ("https://exa mple.org/", None),
        ("https://example.org/" + "a" * 3000, None),
        ("", None),
        (None, None),
    ],
)
def test_only_web_addresses_become_links(address: str | None, shown: str | None) -> None:
    assert link(address) == shown


def test_the_host_is_shown_without_what_stands_before_it() -> None:
    assert host("https://bank.example:pw@www.evil.example:8443/x") == "evil.example"


def _reason(text: str, surface: str, nth: int = 0) -> Reason:
    start = -1
    for _ in range(nth + 1):
        start = text.index(surface, start + 1)
    return Reason(keyword=surface, surface=surface, field="text", start=start, end=start + len(surface))


def _shown(parts: tuple[Piece, ...]) -> str:
    return "".join(f"[{piece.text}]" if piece.marked else piece.text for piece in parts)


def test_marks_stand_on_the_words_that_matched_and_on_no_others() -> None:
    text = "gas, gas and\u200b more  gas"
    reasons = (_reason(text, "gas", 1), _reason(text, "more  gas"))
    assert _shown(pieces(text, spans(text, "text", reasons))) == "gas, [gas] and [more gas]"


def test_overlapping_marks_become_one() -> None:
    text = "state of emergency declared"
    reasons = (_reason(text, "state of emergency"), _reason(text, "emergency declared"), _reason(text, "of"))
    assert _shown(pieces(text, spans(text, "text", reasons))) == "[state of emergency declared]"


def test_a_reason_of_another_version_or_field_marks_nothing() -> None:
    text = "nothing of the kind"
    stale = Reason(keyword="riot", surface="riot", field="text", start=0, end=4)
    other = Reason(keyword="nothing", surface="nothing", field="title", start=0, end=7)
    beyond = Reason(keyword="x", surface="", field="text", start=90, end=95)
    assert spans(text, "text", (stale, other, beyond)) == ()


def test_an_excerpt_begins_shortly_before_a_first_match_that_stands_late() -> None:
    text = "filler " * 200 + "then a curfew was declared " + "more " * 200
    shown = _shown(excerpt(text, spans(text, "text", (_reason(text, "curfew"),)), 200))
    assert shown.startswith("… filler")
    assert "then a [curfew] was declared" in shown
    assert shown.endswith(" …")
    assert len(shown) < 215


def test_a_match_that_the_end_of_the_excerpt_cuts_off_does_not_break_it() -> None:
    text = "word " * 30 + "curfew"
    long = Reason(keyword="k", surface=text[5:], field="text", start=5, end=len(text))
    parts = excerpt(text, spans(text, "text", (long,)), 60)
    assert _shown(parts).startswith("word [word word")
    assert len(_shown(parts)) < 70


@given(
    st.text(max_size=300),
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 20)), max_size=5),
    st.integers(70, 200),
)
def test_an_excerpt_holds_nothing_but_the_text_in_order(text: str, marks: list[tuple[int, int]], limit: int) -> None:
    reasons = [Reason(keyword="k", surface=text[at : at + n], field="text", start=at, end=at + n) for at, n in marks]
    shown = "".join(piece.text for piece in excerpt(text, spans(text, "text", reasons), limit))
    bare = shown.removeprefix("… ").removesuffix(" …")
    squeezed = one_line(text).replace(" ", "")
    assert bare.replace(" ", "").rstrip() in squeezed or not bare.strip()
