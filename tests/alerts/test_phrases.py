"""The three languages say the same things, with the right forms after numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import pytest

from monitor.alerts.phrases import AS_WRITTEN, ENGLISH, KAZAKH, OPERATOR_FACTS, RUSSIAN, Phrases, phrases, plural_form
from monitor.language import inflection
from monitor.language.recogniser import BY_SPELLING
from monitor.model import Severity

ALL = (ENGLISH, RUSSIAN, KAZAKH)
PLURALS = ("watching_headline", "watching_entries", "watching_failing", "new_here")
NAME = re.compile(r"\{(\w+)\}")


@pytest.mark.parametrize(
    ("form", "numbers"),
    [
        ("источник", (1, 21, 31, 101, 121, 1001)),
        ("источника", (2, 3, 4, 22, 23, 24, 102, 134)),
        ("источников", (0, 5, 9, 10, 11, 12, 13, 14, 15, 19, 20, 25, 100, 111, 112, 114, 1011)),
    ],
)
def test_russian_nouns_take_the_form_of_their_number(form: str, numbers: tuple[int, ...]) -> None:
    for n in numbers:
        assert RUSSIAN.plural(("{n} источник", "{n} источника", "{n} источников"), n) == f"{n} {form}"


@pytest.mark.parametrize(("n", "form"), [(0, 1), (1, 0), (2, 1), (11, 1), (21, 1), (101, 1)])
def test_english_has_one_and_many(n: int, form: int) -> None:
    assert plural_form(n, "en") == form


def test_kazakh_leaves_the_noun_alone_after_a_number() -> None:
    assert {plural_form(n, "kk") for n in range(200)} == {0}


def test_verbs_follow_the_number_too() -> None:
    entries = [RUSSIAN.plural(RUSSIAN.watching_entries, n) for n in (1, 3, 5, 21)]
    assert [sentence.split(";")[0] for sentence in entries] == [
        "Там уже была 1 запись",
        "Там уже были 3 записи",
        "Там уже было 5 записей",
        "Там уже была 21 запись",
    ]


def test_every_language_has_every_form_of_every_counted_phrase() -> None:
    forms = {"en": 2, "ru": 3, "kk": 1}
    for t in ALL:
        for name in PLURALS:
            assert len(getattr(t, name)) == forms[t.language], name


def _texts(t: Phrases) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of every phrase."""

    def walk(path: str, value: Any) -> Iterator[tuple[str, str]]:
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, Mapping):
            for key, inner in value.items():
                yield from walk(f"{path}.{key}", inner)
        else:
            for number, inner in enumerate(value):
                yield from walk(f"{path}.{number}", inner)

    for each in fields(t):
        if each.name != "language":
            yield from walk(each.name, getattr(t, each.name))


@pytest.mark.parametrize("t", [RUSSIAN, KAZAKH], ids=lambda t: t.language)
def test_a_translation_fills_in_the_same_names_and_is_no_copy_of_the_english(t: Phrases) -> None:
    english, translated = dict(_texts(ENGLISH)), dict(_texts(t))
    single = {path for path in english if not path.startswith(PLURALS)}
    assert {path for path in translated if not path.startswith(PLURALS)} == single
    for path in single - {"quote"}:
        assert set(NAME.findall(translated[path])) == set(NAME.findall(english[path])), path
        assert translated[path] != english[path], path
        assert re.search("[а-яёәғқңөұүһі]", translated[path], re.IGNORECASE), path


WORDS = ("Астана", "жиналу", "Токаев", "протест", "protest", "protest*", "ОМОН", "ЕО", "Tokayev", "=Орал")


def test_every_rule_that_joins_a_keyword_to_a_text_has_its_words() -> None:
    slots = [slot for word in WORDS for slot in inflection.phrase(word, name=word.istitle(), demonyms=True)]
    rules = {rule for slot in slots for stem in slot for rule in stem.rule.split(", ")}
    assert rules | {BY_SPELLING, "pattern"} == {*ENGLISH.rules, AS_WRITTEN}
    for t in ALL:
        assert t.rules.keys() == ENGLISH.rules.keys()
        assert t.periods.keys() == ENGLISH.periods.keys()


@pytest.mark.parametrize(
    ("rule", "russian"),
    [
        ("", ""),
        ("as written", ""),
        ("Russian ending", "русское окончание"),
        ("other spelling, as written, Kazakh suffix", "другое написание, казахский суффикс"),
        ("as written, name until 1993", "название до 1993 г."),
        ("name since 2022", "название с 2022 г."),
        ("of a later version", "of a later version"),
    ],
)
def test_a_rule_is_told_in_the_readers_words(rule: str, russian: str) -> None:
    assert RUSSIAN.rule(rule) == russian


def test_every_severity_and_every_operator_fact_has_its_words() -> None:
    for t in ALL:
        assert len({t.severity_word(severity) for severity in Severity}) == len(Severity)
        for what, names in OPERATOR_FACTS.items():
            assert {name for text in t.operator[what] for name in NAME.findall(text)} == set(names)


def test_a_language_that_alerts_are_not_written_in_falls_back_to_english() -> None:
    assert phrases("other") is ENGLISH
    assert phrases("kk") is KAZAKH
