"""Folding and tokens: what is one word, and where it stands."""

from __future__ import annotations

import json
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.laws import law

from monitor.language.text import APOSTROPHES, IGNORED, fold, forms, squeeze, tokens

DATA = Path(__file__).parents[2] / "../shared/data"
ANY_TEXT = st.text(st.characters(), max_size=60)  # with lone surrogates: broken feeds have them


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\t", []),
        ("…!?—", []),
        ("Алма-Ата", ["алма", "ата"]),
        ("Ещё раз: ЁЛКА", ["еще", "раз", "елка"]),
        ("ҚАЗАҚСТАН ӘҢГІМЕ ӨҢІР ҰЛЫ ҮКІМЕТ ҺАҚ", ["қазақстан", "әңгіме", "өңір", "ұлы", "үкімет", "һақ"]),
        ("пра\u00adвительство за\u0301мок г\u200bаз", ["правительство", "замок", "газ"]),
        ("раи\u0306он отче\u0308т", ["район", "отчет"]),
        ("под'езд об’єкт ‘газ’ 'нефть'", ["подезд", "обєкт", "газ", "нефть"]),
        ("İstanbul ISTANBUL ıstanbul i\u0307stanbul", ["istanbul"] * 4),
        ("#чп_алматы_2022", ["чп", "алматы", "2022"]),
        ("___ \u02bc", []),
        ("1,200.5 22:00 COVID-19 18-летний", ["1", "200", "5", "22", "00", "covid", "19", "18", "летний"]),
        ("Straße ＮＡＴＯ oﬃcial", ["strasse", "nato", "official"]),
        ("café cafe\u0301 naïve", ["cafe", "cafe", "naïve"]),
        ("\u0301а '\u200b'", ["а"]),
        ("газ\u200b цена\u200e", ["газ", "цена"]),
        ("中文 日本", ["中文", "日本"]),
        ("a\ud800b", ["a", "b"]),
    ],
)
def test_words_of_a_text(text: str, expected: list[str]) -> None:
    assert list(forms(text)) == expected


@pytest.mark.parametrize("char", IGNORED)
def test_invisible_characters_are_no_part_of_a_form(char: str) -> None:
    assert forms(f"га{char}з") == forms("газ")
    assert fold(f"{char}газ{char}") == "газ"


@pytest.mark.parametrize("char", APOSTROPHES)
def test_apostrophes_are_one_and_none(char: str) -> None:
    assert forms(f"д{char}арк") == ("дарк",)
    assert forms(f"{char}арк{char}") == ("арк",)


@law
@given(ANY_TEXT)
@example("İ\u0307\u0301ß\ufb03ŉ\u1ffd\u0345")
def test_a_token_points_into_the_text_and_folds_to_its_form(text: str) -> None:
    last = 0
    for token in tokens(text):
        assert last <= token.start < token.end <= len(text)
        assert fold(text[token.start : token.end]) == token.form
        assert token.form
        last = token.end


@law
@given(ANY_TEXT)
@example("ŉ İ ẞ ͅ ΐ ﬃ ½ Ǆ")
def test_folding_again_changes_nothing_and_case_and_composition_do_not_count(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert fold(unicodedata.normalize("NFC", text)) == folded
    assert fold(unicodedata.normalize("NFD", text)) == folded


def test_every_letter_of_unicode_folds_once_and_for_all() -> None:
    letters = [chr(code) for code in range(sys.maxunicode) if chr(code).isalnum()]
    for letter in letters:
        form = fold(letter)
        assert fold(form) == form
        assert fold(letter.upper()) == form
        assert fold(unicodedata.normalize("NFD", letter)) == form


def test_a_form_does_not_depend_on_the_length_of_its_word() -> None:
    assert fold("Ё" * 20) == "е" * 20
    assert fold("Ё" * 50_000) == "е" * 50_000


@law
@given(st.lists(st.text("абвгдеёжзabcxyz0189", min_size=1, max_size=8), max_size=8))
def test_words_that_are_joined_by_spaces_come_apart_again(words: list[str]) -> None:
    assert forms(" ".join(words)) == tuple(fold(word) for word in words)


@law
@given(ANY_TEXT)
def test_squeezing_leaves_single_spaces(text: str) -> None:
    squeezed = squeeze(text)
    assert squeezed.split() == text.split()
    assert squeeze(squeezed) == squeezed == " ".join(text.split())


@pytest.mark.skipif(not (DATA / "protocol/blns.json").exists(), reason="needs the protocol corpus beside the project")
def test_naughty_strings_have_words_that_point_into_them() -> None:
    for text in json.loads((DATA / "protocol/blns.json").read_text()):
        assert all(fold(text[token.start : token.end]) == token.form for token in tokens(text))
        assert fold(fold(text)) == fold(text)
