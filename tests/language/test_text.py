"""Folding and tokens: what is one word, and where it stands."""

from __future__ import annotations

import json
import sys
import time
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
        ("Kазахстан Aлматы AЛМАТЫ дeнь BТБ казаxстан", ["казахстан", "алматы", "алматы", "день", "втб", "казахстан"]),
        ("Тokayev Аlmaty саppеlletti", ["tokayev", "almaty", "cappelletti"]),
        ("oн сo аb", ["он", "со", "ab"]),
        ("VKонтакте NATOның Bank-ВТБ Яаhool", ["vkонтакте", "natoның", "bank", "втб", "яаhool"]),
        ("мемлекеттiк Атыpау", ["мемлекеттік", "атырау"]),
        ("г\u0336а\u0336з\u0336 п\u0332p\u0332о\u0332", ["газ", "про"]),
        ("га\u202eз г\u2066аз\u2069 г\ufe0fаз", ["газ", "газ", "газ"]),
        (
            "\u0642\u0627\u0640\u0640\u0632\u0627\u0642 \ufed7\ufe8e\ufeaf\ufe8e\ufed5",
            ["\u0642\u0627\u0632\u0627\u0642"] * 2,
        ),
        ("\u0645\u064f\u062d\u064e\u0645\u0651\u064e\u062f", ["\u0645\u062d\u0645\u062f"]),
    ],
)
def test_words_of_a_text(text: str, expected: list[str]) -> None:
    assert list(forms(text)) == expected


@pytest.mark.parametrize("char", IGNORED)
def test_invisible_characters_are_no_part_of_a_form(char: str) -> None:
    assert forms(f"га{char}з") == forms("газ")
    assert fold(f"{char}газ{char}") == "газ"


@pytest.mark.parametrize("char", "-\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d")
def test_hyphens_of_every_kind_end_a_word(char: str) -> None:
    assert forms(f"Алма{char}Ата") == ("алма", "ата")


@pytest.mark.parametrize("unit", ["Ааa", "a\u0336", "а\u0301", "\ufdfa", "\u0628\u0640", "a'"])
def test_the_time_for_one_giant_word_grows_with_its_length(unit: str) -> None:
    """Eight times the length may take eight times as long, not 64 times: 24 leaves room for a busy machine."""
    short, long = (min(_time(unit * length) for _ in range(3)) for length in (20_000, 160_000))
    assert long < 24 * short + 0.05


def _time(text: str) -> float:
    start = time.process_time()
    assert len(list(tokens(text))) == 1
    return time.process_time() - start


def test_words_of_two_scripts_beside_one_another_stay_what_they_are() -> None:
    assert fold("кот CAT Pостов") == "кот cat ростов"


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
@given(st.text("аеорсухіАВЕКМНОРСТХ", min_size=2, max_size=10), st.data())
def test_a_letter_of_the_other_script_does_not_hide_a_word(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 1))
    looks = dict(zip("аеорсухіАВЕКМНОРСТХ", "aeopcyxiABEKMHOPCTX", strict=True))
    assert fold(f"ж{word}{word[:at]}{looks[word[at]]}{word[at + 1 :]}") == fold(f"ж{word}{word}")


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
