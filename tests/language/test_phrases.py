"""The index: which phrases stand in a text, where, by which rule, and what looking for them costs."""

from __future__ import annotations

import random
import string
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import law

from monitor.language import phrases as module
from monitor.language.phrases import LONGEST, MOST_PLACES, Phrase, PhraseIndex, Reading
from monitor.language.stems import ANY, EXACT, Case, Closed, Endings, Stem

CASES = Closed(frozenset({"", "а", "у", "ом"}))


def stem(text: str, endings: Endings = EXACT, case: Case = Case.ANY, rule: str = "as written") -> Stem:
    return Stem(text=text, endings=endings, rule=rule, case=case)


def phrase(*words: Stem) -> Phrase:
    return tuple((word,) for word in words)


def found(index: PhraseIndex, text: str) -> dict[int, list[str]]:
    """Return what stands in a text, as the text writes it."""
    reading = Reading(text)
    spans = {number: map(reading.span, places) for number, places in index.find(reading).items()}
    return {number: [text[start:end] for start, end in each] for number, each in spans.items()}


FINDS = {
    "a word": (stem("протест"), "Идёт протест.", ["протест"]),
    "an ending": (stem("протест", CASES), "Без протеста", ["протеста"]),
    "no other ending": (stem("протест", CASES), "протестант", None),
    "no shorter word": (stem("протест", CASES), "протес", None),
    "no middle of a word": (stem("аким", CASES), "каким", None),
    "any ending": (stem("протест", ANY), "протестующих", ["протестующих"]),
    "a one-letter beginning": (stem("я", ANY), "я и яблоко", ["я", "яблоко"]),
    "a capital where one is asked for": (stem("орал", CASES, Case.FIRST), "В Орале и Орала; орала", ["Орала"]),
    "no small letter where a capital is asked for": (stem("орал", CASES, Case.FIRST), "он орал", None),
    "a text of capitals": (stem("орал", CASES, Case.FIRST), "ВЗРЫВ У ОРАЛА", ["ОРАЛА"]),
    "an acronym": (stem("кто", EXACT, Case.ALL), "КТО введён. Кто виноват? кто", ["КТО"]),
    "a word with a soft hyphen": (stem("протест", CASES), "про\u00adтеста", ["про\u00adтеста"]),
    "every place": (stem("газ"), "газ, газ и Газ", ["газ", "газ", "Газ"]),
    "nothing in nothing": (stem("газ"), "", None),
}


@pytest.mark.parametrize("case", FINDS, ids=FINDS.keys())
def test_a_word_is_found_by_its_stem_and_what_may_follow(case: str) -> None:
    one, text, surfaces = FINDS[case]
    assert found(PhraseIndex([phrase(one)]), text).get(0) == surfaces


def test_a_phrase_stands_where_all_its_words_follow_each_other() -> None:
    index = PhraseIndex([phrase(stem("чрезвычайн", ANY), stem("положен", ANY))])
    assert found(index, "О чрезвычайном положении; чрезвычайный и положение") == {0: ["чрезвычайном положении"]}


def test_phrases_that_begin_alike_are_all_found() -> None:
    index = PhraseIndex([phrase(stem("a")), phrase(stem("a"), stem("b")), phrase(stem("a"), stem("b"), stem("c"))])
    assert found(index, "a b c a b") == {0: ["a", "a"], 1: ["a b", "a b"], 2: ["a b c"]}


def test_a_phrase_is_found_once_at_a_place_however_many_of_its_stems_fit() -> None:
    both = (stem("протест", CASES), stem("протеста"))
    assert found(PhraseIndex([(both, both)]), "протеста протеста") == {0: ["протеста протеста"]}


def test_different_stems_lead_to_their_own_phrases() -> None:
    index = PhraseIndex([phrase(stem("протест", ANY)), phrase(stem("протест", CASES)), phrase(stem("протеста"))])
    assert sorted(found(index, "протеста")) == [0, 1, 2]


def test_equal_phrases_share_a_number_and_those_without_words_stand_nowhere() -> None:
    index = PhraseIndex([phrase(stem("a")), (), ((),), phrase(stem("a")), phrase(stem("b"))])
    assert list(index.numbers.values()) == [0, 1]
    assert found(index, "b") == {1: ["b"]}


def test_an_index_without_phrases_finds_nothing() -> None:
    assert PhraseIndex([]).find(Reading("a b c")) == {}


def test_rules_tell_what_joined_each_word() -> None:
    one = (stem("орал", EXACT, Case.FIRST, "name"), stem("орал", CASES, rule="Russian ending"))
    index = PhraseIndex([(one, (stem("взрыв", rule="as written"),))])
    reading = Reading("Орала взрыв; Орал взрыв")
    places = index.find(reading)[0]
    assert [index.rules(0, reading, place) for place in places] == [
        ("Russian ending", "as written"),
        ("name", "as written"),
    ]


def test_only_the_first_places_of_a_phrase_are_kept() -> None:
    places = PhraseIndex([phrase(stem("a"))]).find(Reading("a " * (MOST_PLACES + 5)))[0]
    assert places == [(at, at) for at in range(MOST_PLACES)]


def test_a_word_without_end_is_compared_by_its_beginning_only() -> None:
    index = PhraseIndex([phrase(stem("а", Closed(frozenset({"а" * LONGEST})))), phrase(stem("аа", ANY))])
    assert found(index, "а" * (LONGEST + 1)) == {1: ["а" * (LONGEST + 1)]}


def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 4)
    index = PhraseIndex([phrase(stem("a", ANY))])
    words = [f"a{number}" for number in range(20)]
    assert found(index, " ".join(words)) == {0: words}
    assert len(index._root.table._known) <= 4  # type: ignore[union-attr]


words = st.text(alphabet="абв", min_size=1, max_size=3)


@law
@given(st.lists(st.lists(words, min_size=1, max_size=3), max_size=8), st.lists(words, max_size=12))
def test_the_index_finds_what_comparing_every_phrase_at_every_place_finds(
    asked: list[list[str]], text: list[str]
) -> None:
    index = PhraseIndex([phrase(*(stem(word, CASES) for word in each)) for each in asked])
    expected: dict[int, list[tuple[int, int]]] = {}
    for each in dict.fromkeys(map(tuple, asked)):
        number = index.numbers[phrase(*(stem(word, CASES) for word in each))]
        for at in range(len(text) - len(each) + 1):
            pairs = zip(each, text[at:], strict=False)
            if all(word.startswith(begin) and CASES.accepts(word[len(begin) :]) for begin, word in pairs):
                expected.setdefault(number, []).append((at, at + len(each) - 1))
    assert index.find(Reading(" ".join(text))) == expected


def steps(keywords: Sequence[str], text: str) -> int:
    """Return how many stems are asked about the words of a text."""
    asked = 0

    class Counting(Closed):
        def accepts(self, rest: str) -> bool:
            nonlocal asked
            asked += 1
            return super().accepts(rest)

    counted = Counting(CASES.endings)
    PhraseIndex([phrase(stem(word, counted)) for word in keywords]).find(Reading(text))
    return asked


def test_work_grows_with_the_text_and_not_with_the_number_of_keywords() -> None:
    dice = random.Random(4)
    made = ["".join(dice.choices(string.ascii_lowercase, k=8)) for _ in range(10_000)]
    text = " ".join(made[:50] * 3)
    assert steps(made, text) <= 2 * steps(made[:100], text)
