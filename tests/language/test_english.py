"""English words: plural, possessive and verb forms of a keyword are found, and no word that only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import law

from monitor.language import english
from monitor.language.stems import Case
from monitor.language.text import fold


def finds(keyword: str, word: str, *, name: bool = False) -> bool:
    form = fold(word)
    return any(
        form.startswith(stem.text) and stem.endings.accepts(form.removeprefix(stem.text))
        for stem in english.stems(keyword, name=name)
    )


def found(keyword: str, words: str, *, name: bool = False) -> list[str]:
    return [word for word in words.split() if finds(keyword, word, name=name)]


@pytest.mark.parametrize(
    "forms",
    [
        "protest protests protest's protests' protested protesting",
        "rally rallies rally's rallied rallying",
        "journalist journalists journalist's",
        "attack attacked attacking attacks",
        "clash clashes clashed clashing",
        "crash crashes crashed",
        "bus buses",
        "gas gases gasses gassed",
        "tax taxes taxed taxing",
        "veto vetoes vetoed vetoing",
        "embargo embargoes embargos",
        "crisis crises",
        "knife knives",
        "thief thieves",
        "leaf leaves",
        "policeman policemen policeman's policemen's",
        "woman women women's",
        "human humans human's",
        "child children children's",
        "person people persons people's",
        "referendum referendums referenda",
        "ban bans banned banning",
        "rob robbed robbing",
        "quit quits quitting",
        "visit visits visited visiting",
        "commit commits committed committing",
        "cancel canceled cancelled cancelling",
        "fuel fuels fuelled fueling",
        "seize seizes seized seizing",
        "fire fires fired firing",
        "agree agrees agreed agreeing",
        "die dies died dying",
        "dye dyes dyed dyeing",
        "panic panicked panicking",
        "shoot shoots shot shooting",
        "strike strikes struck striking stricken",
        "flee flees fled fleeing",
        "overthrow overthrew overthrown overthrowing overthrows",
        "fly flies flew flown flying",
        "go goes went gone going",
        "teach teaches taught teaching",
        "give gives gave given giving",
        "see sees saw seen seeing",
        "lie lies lied lying lay",
        "burst bursts bursting",
        "shooting shootings",
        "killed",
        "hundred hundreds",
        "it",
    ],
)
def test_every_form_of_a_word_is_found(forms: str) -> None:
    words = forms.split()
    assert found(words[0], forms) == words


@pytest.mark.parametrize(
    ("keyword", "lookalikes"),
    {
        "scar": "scared scary scare",
        "car": "cared caring care carpet",
        "fin": "fined final",
        "rat": "rated rating rate",
        "fir": "fired firing",
        "star": "staring stared start",
        "see": "seed seeds",
        "find": "finded",
        "even": "evening evenings",
        "new": "news",
        "unit": "united unity",
        "human": "humen",
        "protest": "protestant protestants",
        "universe": "university",
        "gas": "gasp gasoline gaze",
        "coup": "couple coupe",
        "riot": "rioja",
        "arm": "army",
        "th": "thing",
        "be": "being bed",
        "killed": "kill killeding",
        "leaf": "leaving",
        "general": "generation",
    }.items(),
)
def test_no_lookalike_is_found(keyword: str, lookalikes: str) -> None:
    assert found(keyword, lookalikes) == []


def test_a_name_has_plural_and_possessive_only_and_asks_for_a_capital() -> None:
    assert found("Tokayev", "Tokayev Tokayev's Tokayevs Tokayeved Tokayeving", name=True) == [
        "Tokayev",
        "Tokayev's",
        "Tokayevs",
    ]
    assert found("James", "James James' James's Jameses", name=True) == ["James", "James'", "James's", "Jameses"]
    assert found("Turkey", "Turkey's turkeyed", name=True) == ["Turkey's"]
    assert {stem.case for stem in english.stems("Oral", name=True)} == {Case.FIRST}
    assert {stem.case for stem in english.stems("Oral")} == {Case.ANY}


def test_the_rule_is_told_as_an_english_ending() -> None:
    assert {(stem.rule, stem.language) for stem in english.stems("go")} == {("English ending", "en")}
    assert {(stem.rule, stem.language) for stem in english.stems("would")} == {("as written", "en")}


@pytest.mark.parametrize("word", ["", "'"])
def test_a_keyword_without_letters_has_no_stems(word: str) -> None:
    assert english.stems(word) == english.stems(word, name=True) == ()


@law
@given(st.text("abcdefghinorstuvxyz", min_size=1, max_size=8), st.booleans())
def test_every_word_is_a_form_of_itself(word: str, name: bool) -> None:
    assert finds(word, word, name=name)


def test_irregular_forms_that_begin_otherwise_have_stems_of_their_own() -> None:
    assert sorted(stem.text for stem in english.stems("go")) == ["go", "went"]
    assert min(len(stem.text) for word in ("buy", "see", "lie", "eat") for stem in english.stems(word)) >= 2


def test_words_of_a_kind_share_one_list_of_endings() -> None:
    assert english.stems("protest")[0].endings is english.stems("attack")[0].endings


def test_a_very_long_word_costs_little_more_than_its_letters() -> None:
    assert finds("a" * 100_000 + "b", "a" * 100_000 + "bs")
