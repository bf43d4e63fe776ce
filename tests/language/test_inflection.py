"""From a word of a keyword to what a text may write: languages by script, capitals, acronyms, other spellings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import law

from monitor.language.inflection import SPELLING, exact, is_acronym, open_ended, phrase, slot
from monitor.language.phrases import Phrase, PhraseIndex, Reading
from monitor.language.stems import Case
from monitor.language.text import forms


def stands(looked_for: Phrase, text: str) -> bool:
    return bool(PhraseIndex([looked_for]).find(Reading(text)))


def rules(word: str, text: str, **given: object) -> str:
    index, reading = PhraseIndex([phrase(word, **given)]), Reading(text)  # type: ignore[arg-type]
    ((number, places),) = index.find(reading).items()
    return ", ".join(index.rules(number, reading, places[0]))


LANGUAGES = {
    "strike": {"en"},
    "Strike": {"en", "kk"},
    "забастовка": {"ru", "kk"},
    "объезд": {"ru"},
    "жаңалық": {"kk"},
    "жан\u0306": {"ru", "kk"},
    "2022": set(),
    "الماتى": set(),
    "東京": set(),
    "ñandú": {"en"},
}


@pytest.mark.parametrize(("word", "languages"), LANGUAGES.items())
def test_script_and_letters_tell_the_languages_a_word_is_inflected_in(word: str, languages: set[str]) -> None:
    found = {stem.language for stem in slot(word) if stem.language and not stem.rule.startswith(SPELLING)}
    assert found <= languages
    assert bool(found) is bool(languages)


def test_a_word_of_two_languages_is_inflected_in_both() -> None:
    assert {stem.language for stem in slot("Алматы")} >= {"kk"}
    assert stands(phrase("завод"), "заводами")
    assert stands(phrase("завод"), "заводтардың")


def test_a_word_with_a_capital_is_found_small_in_all_that_it_may_be() -> None:
    small = {(stem.text, stem.endings) for stem in slot("Мамин") if stem.case is Case.ANY}
    assert small > {(stem.text, stem.endings) for stem in slot("мамин")}
    assert small >= {(stem.text, stem.endings) for stem in slot("Мамин", name=True, language="ru")}


FINDS = [
    # common words
    ("strike", {}, "strikes", True),
    ("strike", {}, "Striking", True),
    ("Protest", {}, "protests", True),
    ("протест", {}, "протестами", True),
    ("халық", {}, "халқының", True),
    ("протест", {"language": "ru"}, "протестами", True),
    ("протест", {"language": "kk"}, "протестами", False),
    ("протест", {"language": "kk"}, "протестінің", True),
    ("протест", {"language": "en"}, "протест", True),
    ("протест", {"language": "other"}, "протест", True),
    ("протест", {"language": "other"}, "протеста", False),
    # names
    ("Токаев", {"name": True}, "Токаева", True),
    ("Токаев", {"name": True}, "токаева", False),
    ("Токаев", {"name": True}, "ТОКАЕВА", True),
    ("Токаев", {}, "токаева", True),
    ("Токаев", {}, "Tokayev", True),
    ("Токаев", {}, "Toqaev", True),
    ("Tokayev", {}, "Токаевым", True),
    ("Tokayev", {}, "токаевым", False),
    ("Tokayev", {"language": "en"}, "Токаевым", False),
    ("tokayev", {}, "Токаевым", False),
    ("Aqtobe", {}, "Ақтөбеде", True),
    # what has no capitals cannot be asked for them
    ("Channel 31", {"name": True}, "Channel 31", True),
    ("Channel 31", {"name": True}, "channel 31", False),
    ("الماتى", {"name": True}, "الماتى", True),
    # phrases
    ("oil worker", {}, "oil workers", True),
    ("oil worker", {}, "oil and workers", False),
    ("Алма-Ата", {}, "в Алма-Ате", True),
    ("oil work*", {}, "oil workaholics", True),
    ("=oil worker", {}, "oils worker", False),
    ("=oil worker", {}, "oil workers", True),
    ("pro-government*", {}, "pro-governmental", True),
    ("pro-government*", {}, "propose-governmental", False),
    # acronyms
    ("ОМОН", {}, "ОМОНа", True),
    ("ОМОН", {}, "омон", True),
    ("ОМОН", {}, "омона", False),
    ("КТО", {}, "КТО", True),
    ("КТО", {}, "кто", False),
    ("КТО", {}, "Кто", False),
    ("WHO", {}, "WHO's", True),
    ("WHO", {}, "who", False),
    ("WHO", {}, "who's", False),
    ("WHO", {}, "Who's", False),
    ("КТО", {}, "КТО ЭТО", True),
    ("CSTO", {}, "CSTO's", True),
    ("CSTO", {}, "csto", True),
    ("CSTO", {}, "CSTOing", False),
]


@pytest.mark.parametrize(("keyword", "given", "text", "found"), FINDS)
def test_a_keyword_finds_its_forms_and_no_others(
    keyword: str, given: dict[str, object], text: str, found: bool
) -> None:
    assert stands(phrase(keyword, **given), text) is found  # type: ignore[arg-type]


@pytest.mark.parametrize("keyword", ["", " ", "&", "- *", "=", "*"])
def test_a_keyword_without_a_word_is_an_empty_phrase(keyword: str) -> None:
    assert phrase(keyword) == ()


@pytest.mark.parametrize(
    ("word", "acronym"),
    [
        ("ЕС", True),
        ("КТО", True),
        ("КазМГА", False),
        ("UNICEF", True),
        ("UNESCOS", False),
        ("A", False),
        ("G20", False),
        ("20", False),
        ("Кто", False),
        ("", False),
    ],
)
def test_an_acronym_is_two_to_six_capitals(word: str, acronym: bool) -> None:
    assert is_acronym(word) is acronym


def test_rules_say_how_a_form_was_found() -> None:
    assert rules("=strike", "strike") == "as written"
    assert rules("strike", "strike") == "as written"
    assert rules("stri*", "strike") == "any ending"
    assert rules("NGO", "NGOs") == "acronym"
    assert rules("ОМОН", "ОМОНом").startswith("acronym, ")
    assert rules("Токаев", "Tokayev") == "other spelling"
    assert rules("Tokayev", "Токаевым").startswith("other spelling, ")


@pytest.mark.parametrize(
    ("word", "case"),
    [("strike", Case.ANY), ("Strike", Case.FIRST), ("КТО", Case.ALL), ("2022", Case.ANY), ("Ö", Case.FIRST)],
)
def test_a_word_taken_exactly_counts_its_capitals(word: str, case: Case) -> None:
    (stem,) = exact(word)
    assert (stem.case, stem.text) == (case, forms(word)[0])
    assert open_ended(word)[0].case is Case.ANY


KEYWORDS = [
    "strike",
    "Strike",
    "Токаев",
    "протест",
    "жаңалық",
    "ОМОН",
    "WHO",
    "Алма-Ата",
    "oil worker",
    "pro*",
    "=gas",
    "Д'Арк",
    "2022",
]


@law
@given(keyword=st.one_of(st.sampled_from(KEYWORDS), st.text(max_size=12)), name=st.booleans())
def test_every_word_has_a_slot_and_a_keyword_finds_itself(keyword: str, name: bool) -> None:
    looked_for = phrase(keyword, name=name)
    assert all(looked_for)
    assert len(looked_for) == len(forms(keyword))
    if looked_for:
        assert stands(looked_for, keyword.upper() if name else keyword)
