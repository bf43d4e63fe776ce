"""What a query expands to: made of what texts are searched with, so each form that is shown is found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from monitor.language.entities import Entity, Kind, Name, Term
from monitor.language.gazetteer import Gazetteer
from monitor.language.phrases import PhraseIndex, Reading
from monitor.language.stems import Case
from monitor.watches.compiling import Compiler
from monitor.watches.expanding import Branch, Keyword, expansion
from monitor.watches.reading import read_query

AKTAU = Entity(
    kind=Kind.PLACE,
    id="aktau",
    titles={"en": "Aktau"},
    names=(
        *(
            Name(text=text, language=language, capital=False)
            for text, language in (("Aktau", "en"), ("Актау", "ru"), ("Ақтау", "kk"))
        ),
    ),
    at=(43.65, 51.15),
    parents=(Term(value="coast"),),
)
COAST = Entity(kind=Kind.PLACE, id="coast", titles={"en": "Coast"}, names=(Name(text="Coast"),), at=(44.0, 52.0))
SAVED = {"fuel": read_query("petrol OR gas"), "both": read_query("@fuel AND price*")}


def a_compiler() -> Compiler:
    return Compiler(Gazetteer((AKTAU, COAST)), SAVED)


def expanded(query: str) -> Branch:
    return expansion(read_query(query), a_compiler())


def keywords(branch: Branch) -> Iterator[Keyword]:
    yield from branch.keywords
    for part in branch.parts:
        yield from keywords(part)


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("petrol", ["this"]),
        ("petrol price", ["all of these"]),
        ("petrol OR gas", ["one of these"]),
        ("petrol NOT price", ["all of these", "not this"]),
        ("2 of (petrol, gas, coal)", ["at least 2 of these"]),
        ("petrol NEAR/5 price", ["these with at most 5 words between them"]),
        ("title:(petrol OR gas)", ["in the title", "one of these"]),
        ("petrol^2.5 gas", ["all of these", "counting 2.5 times"]),
        ("@fuel price", ["all of these", "saved as @fuel", "one of these"]),
        ("@both", ["saved as @both", "all of these", "saved as @fuel", "one of these"]),
    ],
)
def test_each_part_of_a_query_is_labelled(query: str, labels: list[str]) -> None:
    def walk(branch: Branch) -> Iterator[str]:
        yield branch.label
        for part in branch.parts:
            yield from walk(part)

    assert list(walk(expanded(query))) == labels


@pytest.mark.parametrize(
    ("query", "keyword", "keys"),
    [
        ("Aktau", "Aktau", ["place/aktau"]),
        ("place:Aktau", "place:Aktau", ["place/aktau"]),
        ("@aktau", "@aktau", ["place/aktau"]),
        ("within 200 km of Coast", "within 200 km of Coast", ["place/aktau", "place/coast"]),
        ("person:Nobody", "person:Nobody", []),
        ("/gas|oil/ AND petrol", "/gas|oil/", []),
        ("lang:kk AND petrol", "lang:kk", []),
    ],
)
def test_names_lead_to_entries(query: str, keyword: str, keys: list[str]) -> None:
    first = next(keywords(expanded(query)))
    assert (first.text, [entry.key for entry in first.entries]) == (keyword, keys)


def test_an_entry_has_its_names_by_language() -> None:
    (entry,) = next(keywords(expanded("Aktau"))).entries
    assert entry.title == "Aktau"
    assert entry.names == {"en": ("Aktau",), "ru": ("Актау",), "kk": ("Ақтау",)}


@pytest.mark.parametrize("word", ["митинг", "наразылық", "protest", "Тоқаев", "Zhanaozen", "цена"])
def test_every_form_that_is_shown_is_found(word: str) -> None:
    compiler = a_compiler()
    (keyword,) = keywords(expanded(word))
    phrases = compiler.meaning(read_query(word)).phrases
    index = PhraseIndex(phrases)
    (slot,) = keyword.words
    assert any(forms.endings for forms in slot)
    for forms in slot:
        for ending in forms.endings:
            form = forms.stem + ending
            assert index.find(Reading(form if forms.case is Case.ANY else form.capitalize())), form


@pytest.mark.parametrize(
    ("query", "stem", "endings", "more"),
    [("=Митинг", "митинг", ("",), False), ("протест*", "протест", (), True), ("protest", "protest", ("", "ed"), False)],
)
def test_exact_words_take_nothing_and_open_ones_anything(
    query: str, stem: str, endings: tuple[str, ...], more: bool
) -> None:
    (keyword,) = keywords(expanded(query))
    forms = keyword.words[0][-1]
    assert (forms.stem, forms.endings[:2], forms.more) == (stem, endings, more)
