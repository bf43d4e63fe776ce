"""Watches: what is found, where it stands, what is not, and what finding costs."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.laws import law
from support.values import feed, report

from monitor.errors import QueryError
from monitor.language.phrases import _Table
from monitor.language.text import forms
from monitor.model import Match, Watch
from monitor.watches import compile_watches
from monitor.watches.index import MAX_REASONS

DATA = Path(__file__).parents[2] / "../shared/data"


def watch(*words: str, **given: Any) -> Watch:
    return Watch(**{"name": "w", "title": "W", "any": words, **given})


def found(watched: Watch, title: str = "", text: str = "", **given: Any) -> Match | None:
    matches = compile_watches([watched]).match(report(title=title, text=text, **given), feed())
    assert len(matches) <= 1
    return matches[0] if matches else None


def surfaces(watched: Watch, title: str = "", text: str = "") -> list[str] | None:
    match = found(watched, title, text)
    return None if match is None else [reason.surface for reason in match.reasons]


FINDS = {
    "as written": ("митинг", "В Алматы митинг.", "митинг"),
    "capitals in the text": ("митинг", "МИТИНГ в Алматы", "МИТИНГ"),
    "capitals in the keyword": ("АЛМАТЫ", "в алматы", "алматы"),
    "kazakh capitals": ("қарағанды өңірі", "ҚАРАҒАНДЫ ӨҢІРІ", "ҚАРАҒАНДЫ ӨҢІРІ"),
    "kazakh small letters": ("ӘҢҮҰІҺҒҚӨ", "әңүұіһғқө", "әңүұіһғқө"),
    "ё in the text": ("отчет", "отчёт", "отчёт"),
    "ё in the keyword": ("подъём", "ПОДЪЕМ", "ПОДЪЕМ"),
    "ё apart": ("отчет", "отче\u0308т", "отче\u0308т"),
    "й apart": ("район", "раи\u0306он", "раи\u0306он"),
    "й apart in the keyword": ("раи\u0306он", "район", "район"),
    "stress mark": ("замок", "за\u0301мок", "за\u0301мок"),
    "soft hyphen": ("правительство", "пра\u00adви\u00adтель\u00adство", "пра\u00adви\u00adтель\u00adство"),
    "no width": ("газ", "г\u200bа\u200dз", "г\u200bа\u200dз"),
    "byte order mark": ("газ", "\ufeffгаз", "газ"),
    "direction marks": ("газ", "\u200fг\u200eаз", "г\u200eаз"),
    "typographic apostrophe": ("Д'Арк", "Д’Арк", "Д’Арк"),
    "modifier apostrophe": ("подʼезд", "под'езд", "под'езд"),
    "no apostrophe": ("подезд", "под'езд", "под'езд"),
    "accents": ("cafe", "Café", "Café"),
    "full width": ("NATO", "ＮＡＴＯ", "ＮＡＴＯ"),
    "ligature": ("official", "oﬃcial", "oﬃcial"),
    "sharp s": ("STRASSE", "Straße", "Straße"),
    "final sigma": ("ΟΔΟΣ", "οδος", "οδος"),
    "dotted capital i": ("istanbul", "İSTANBUL", "İSTANBUL"),
    "dotted capital i in the keyword": ("İstanbul", "istanbul", "istanbul"),
    "dotless i": ("respublikasy", "RESPUBLİKASY", "RESPUBLİKASY"),
    "dotless i small": ("RESPUBLIKASI", "respublikası", "respublikası"),
    "hash tag": ("алматы", "#алматы", "алматы"),
    "hash tag of words": ("алматы", "#чп_алматы_сегодня", "алматы"),
    "digits": ("22", "(22)", "22"),
    "phrase": ("чрезвычайное положение", "введено чрезвычайное положение", "чрезвычайное положение"),
    "phrase over lines": ("чрезвычайное положение", "чрезвычайное\n\tположение", "чрезвычайное\n\tположение"),
    "phrase over a no-break space": (
        "чрезвычайное положение",
        "чрезвычайное\u00a0положение",
        "чрезвычайное\u00a0положение",
    ),
    "phrase over punctuation": ("аким алматы", "аким (Алматы)", "аким (Алматы"),
    "phrase over quotes": ("партия отан", "партия «Отан»", "партия «Отан"),
    "hyphen for a space": ("алма ата", "Алма-Ата", "Алма-Ата"),
    "space for a hyphen": ("Алма-Ата", "Алма Ата", "Алма Ата"),
    "dash for a hyphen": ("Алма-Ата", "Алма – Ата", "Алма – Ата"),
    "punctuation around the keyword": ("«Отан»!", "Отан", "Отан"),
    "phrase after a false start": ("а а б", "а а а б", "а а б"),
    "phrase at the end": ("б в", "а б в", "б в"),
    "emoji between": ("газ цена", "газ 🔥 цена", "газ 🔥 цена"),
}


@pytest.mark.parametrize(("keyword", "text", "surface"), FINDS.values(), ids=FINDS)
def test_a_keyword_is_found_however_it_is_written(keyword: str, text: str, surface: str) -> None:
    assert surfaces(watch(keyword), text=text) == [surface]
    match = found(watch(keyword), title=text)
    assert match is not None
    assert [(reason.field, reason.keyword) for reason in match.reasons] == [("title", keyword)]


MISSES = {
    "part of a word": ("газ", "газета"),
    "end of a word": ("ата", "Алматата"),
    "й is not и": ("мои", "мой"),
    "kazakh letters are letters of their own": ("казак", "қазақ"),
    "half of a phrase": ("чрезвычайное положение", "чрезвычайное"),
    "phrase in another order": ("чрезвычайное положение", "положение чрезвычайное"),
    "phrase with a word between": ("чрезвычайное положение", "чрезвычайное и тяжёлое положение"),
    "phrase over the end": ("а б", "а"),
    "other number": ("22", "2022"),
    "umlaut": ("schon", "schön"),
}


@pytest.mark.parametrize(("keyword", "text"), MISSES.values(), ids=MISSES)
def test_other_words_are_not_found(keyword: str, text: str) -> None:
    assert found(watch(keyword), text=text) is None


def test_a_phrase_does_not_reach_from_title_into_text() -> None:
    assert found(watch("чрезвычайное положение"), "чрезвычайное", "положение") is None


LOGIC = [
    # any, all, none, text, wanted
    (("аа", "бб"), (), (), "аа", True),
    (("аа", "бб"), (), (), "бб", True),
    (("аа", "бб"), (), (), "вв", False),
    ((), (("аа",), ("бб",)), (), "аа бб", True),
    ((), (("аа",), ("бб",)), (), "аа", False),
    ((), (("аа", "вв"), ("бб",)), (), "вв бб", True),
    (("гг",), (("аа",),), (), "аа", False),
    (("гг",), (("аа",),), (), "гг", False),
    (("гг",), (("аа",),), (), "аа гг", True),
    (("аа",), (), ("бб",), "аа бб", False),
    (("аа",), (), ("бб",), "аа", True),
    (("аа",), (), ("бб вв",), "аа бб", True),
    (("аа",), (), ("бб вв",), "аа бб вв", False),
    ((), (), ("бб",), "бб", False),
    ((), (), ("бб",), "аа", True),
]


@pytest.mark.parametrize(("any_", "all_", "none", "text", "wanted"), LOGIC)
def test_any_all_and_none(
    any_: tuple[str, ...], all_: tuple[tuple[str, ...], ...], none: tuple[str, ...], text: str, wanted: bool
) -> None:
    match = found(watch(any=any_, all=all_, none=none), text=text)
    assert (match is not None) is wanted
    if match:
        assert {reason.keyword for reason in match.reasons} <= {*any_, *(word for group in all_ for word in group)}


LIMITS: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({"languages": ("ru",)}, {"language": "ru"}, True),
    ({"languages": ("kk", "ru")}, {"language": "ru"}, True),
    ({"languages": ("kk",)}, {"language": "ru"}, False),
    ({"sources": ("ТЕНГРИНЬЮС",)}, {"outlet": "тенгриньюс"}, True),
    ({"sources": ("Казинформ",)}, {"outlet": "aggregator", "source": "КазИнформ"}, True),
    ({"sources": ("Радио  Свобода ",)}, {"source": "Радио Свобода"}, True),
    ({"sources": ("Радио",)}, {"source": "Радио Свобода"}, False),
    ({"sources": ("!",)}, {"source": "Радио"}, False),
    ({"sources": ("Пятый", "Третий")}, {"source": "Третий"}, True),
    ({"feeds": ("a", "b")}, {"feed_id": "b"}, True),
    ({"feeds": ("a",)}, {"feed_id": "b"}, False),
    ({"groups": ("state",)}, {}, True),
    ({"groups": ("state", "region")}, {}, True),
    ({"groups": ("region",)}, {}, False),
    ({"feeds": ("b",), "languages": ("kk",)}, {"feed_id": "b", "language": "ru"}, False),
    ({"enabled": False}, {}, False),
]


@pytest.mark.parametrize(("limits", "of", "wanted"), LIMITS)
def test_limits_of_language_source_feed_and_group(limits: dict[str, Any], of: dict[str, Any], wanted: bool) -> None:
    index = compile_watches([watch("газ", **limits)])
    assert bool(index.match(report(text="газ", **of), feed(group="state"))) is wanted


def test_a_report_of_a_feed_that_is_gone_is_in_no_group() -> None:
    index = compile_watches([watch("газ", groups=("state",)), watch("газ", name="free")])
    assert [match.watch for match in index.match(report(text="газ"), None)] == ["free"]
    assert [match.watch for match in index.match(report(text="газ"), feed(group=None))] == ["free"]


@pytest.mark.parametrize(
    ("fields", "title", "text", "wanted"),
    [
        (("title",), "газ", "", True),
        (("title",), "", "газ", False),
        (("text",), "", "газ", True),
        (("text",), "газ", "", False),
        (("title", "text"), "газ", "газ", True),
    ],
)
def test_fields_say_where_to_look(fields: tuple[str, ...], title: str, text: str, wanted: bool) -> None:
    match = found(watch("газ", fields=fields), title, text)
    assert (match is not None) is wanted
    assert match is None or {reason.field for reason in match.reasons} <= set(fields)


def test_what_must_not_be_there_counts_only_in_the_fields_looked_at() -> None:
    assert found(watch("газ", none=("спорт",), fields=("title",)), "газ", "спорт") is not None
    assert found(watch("газ", none=("спорт",)), "газ", "спорт") is None


def test_each_watch_names_keywords_as_it_writes_them() -> None:
    index = compile_watches([watch("Ёлка", name="a"), watch("ЕЛКА", name="b"), watch("река", name="c")])
    matches = index.match(report(title="ёлка", text="", version=3), feed())
    assert [(match.watch, match.version, match.report_id) for match in matches] == [("a", 3, "r1"), ("b", 3, "r1")]
    assert [reason.keyword for match in matches for reason in match.reasons] == ["Ёлка", "ЕЛКА"]


def test_reasons_begin_with_the_title_and_with_the_first_place_of_each_keyword() -> None:
    match = found(watch("бб", all=(("аа",),)), "аа бб бб", "бб аа " * 30)
    assert match is not None
    assert len(match.reasons) == MAX_REASONS
    places = [(reason.field, reason.keyword, reason.start) for reason in match.reasons]
    assert places[:5] == [
        ("title", "аа", 0),
        ("title", "бб", 3),
        ("text", "бб", 0),
        ("text", "аа", 3),
        ("title", "бб", 6),
    ]
    assert len(set(places)) == MAX_REASONS


def test_a_keyword_of_two_groups_is_one_reason() -> None:
    assert surfaces(watch("газ", all=(("газ",), ("газ", "нефть"))), text="газ") == ["газ"]


# --- laws --------------------------------------------------------------------------------------------------------------

WORDS = ["газ", "ёлка", "елка", "алма", "ата", "ılık", "ираи\u0306он", "д'арк", "22", "straße", "oﬃcial"]
WRITTEN = [*WORDS, "Газ", "İLİK", "STRASSE", "е", "д"]
JOINTS = [" ", "-", ", ", "\n", "_", "\u200b ", " «", "\u00a0", "…", "😀", "'"]
pieces = st.lists(st.tuples(st.sampled_from(WRITTEN), st.sampled_from(JOINTS)), max_size=30)
texts = st.one_of(st.text(st.characters(), max_size=80), pieces.map(lambda found: "".join(a + b for a, b in found)))
keywords = st.lists(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join).map("={}".format), max_size=5
)


@law
@given(texts, texts, keywords)
@example("\ud800 газ", "İ\u0307k ık", ["=газ", "=ik"])
def test_a_reason_points_at_its_surface_and_the_surface_is_its_keyword(title: str, text: str, any_: list[str]) -> None:
    match = found(watch(*any_), title, text)
    given = {"title": title, "text": text}
    for reason in match.reasons if match else ():
        assert given[reason.field][reason.start : reason.end] == reason.surface
        assert forms(reason.surface) == forms(reason.keyword)
        assert reason.keyword in any_


@law
@given(texts, keywords.filter(bool))
def test_what_is_found_is_what_a_plain_search_over_words_finds(text: str, any_: list[str]) -> None:
    words = forms(text)
    plain = {
        forms(keyword)
        for keyword in any_
        for at in range(len(words))
        if words[at : at + len(forms(keyword))] == forms(keyword)
    }
    match = found(watch(*any_), "", text)
    kept = {forms(reason.keyword) for reason in match.reasons} if match else set()
    assert kept == plain


@law
@given(texts, keywords)
def test_folding_the_text_first_changes_no_verdict(text: str, any_: list[str]) -> None:
    verdicts = {
        found(watch(*any_), "", variant) is None
        for variant in (
            text,
            unicodedata.normalize("NFD", text),
            unicodedata.normalize("NFC", text),
            text.upper().lower(),
        )
    }
    assert len(verdicts) == 1


@law
@given(st.lists(keywords, min_size=1, max_size=4), texts)
def test_watches_do_not_disturb_each_other(lists: list[list[str]], text: str) -> None:
    watches = [watch(*words, name=str(n)) for n, words in enumerate(lists)]
    together = compile_watches(watches).match(report(text=text), feed())
    alone = [match for one in watches for match in compile_watches([one]).match(report(text=text), feed())]
    assert list(together) == alone


# --- cost --------------------------------------------------------------------------------------------------------------


def cost(words: Iterable[str], text: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how often a table of stems is asked about a word of a text."""
    index, asked, ask = compile_watches([watch(*words)]), 0, _Table.edges

    def counted(table: _Table, word: str) -> Any:
        nonlocal asked
        asked += 1
        return ask(table, word)

    monkeypatch.setattr(_Table, "edges", counted)
    index.match(report(title="", text=text), feed())
    return asked


@pytest.mark.parametrize(
    ("words", "longest"),
    [
        ([f"газ {number}" for number in range(10_000)], 2),
        (["газ " * length for length in range(1, 9)], 8),
        ([f"{number}" for number in range(10, 10_000)], 1),
        ([f"газ газ газ {number}" for number in range(10_000)], 4),
    ],
    ids=["one first word", "phrases within phrases", "many words", "one long beginning"],
)
def test_the_cost_grows_with_the_text_and_not_with_the_keywords(
    words: list[str], longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From each word of the text: whether a keyword begins there, one step per word of the longest, and one that finds nothing more."""
    hostile = "газ " * 25_000
    assert cost(words, hostile, monkeypatch) <= 25_000 * (longest + 2)


def test_a_text_of_one_word_keeps_few_reasons() -> None:
    match = found(watch("газ", *(f"газ {'газ ' * n}" for n in range(5))), "", "газ " * 25_000)
    assert match is not None
    assert len(match.reasons) == MAX_REASONS


def test_one_giant_word_is_one_word() -> None:
    assert found(watch("газ"), "", "газ" * 30_000) is None
    assert found(watch("газ"), "", "газ\u0301" * 30_000) is None


@pytest.mark.skipif(not (DATA / "protocol/blns.json").exists(), reason="needs the protocol corpus beside the project")
def test_naughty_strings_are_found_in_themselves() -> None:
    for text in __import__("json").loads((DATA / "protocol/blns.json").read_text()):
        try:
            match = found(watch(text), "", f"до {text} после")
        except QueryError:
            continue
        assert (match is not None) is bool(forms(text))


def test_a_changed_watch_is_another_recipe_and_compiles_anew() -> None:
    before = watch("газ")
    after = replace(before, any=("нефть",))
    assert before.recipe() != after.recipe()
    assert found(before, text="нефть") is None
    assert found(after, text="нефть") is not None
