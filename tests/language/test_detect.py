"""The language of a text: sentences, headlines, neighbours that look alike, texts that say nothing."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import law

from monitor.language.detect import COMMON_WORDS, language_of, trigrams
from monitor.language.text import fold
from monitor.language.trigrams import WEIGHTS
from monitor.model import LANGUAGES

DATA = Path(__file__).parents[2] / "../shared/data"

TEXTS = {
    "russian": ("В Алматы введён комендантский час, сообщили в пресс-службе акимата.", "ru"),
    "russian headline": ("Протесты в Жанаозене", "ru"),
    "russian headline of two words": ("Кабмин отставлен", "ru"),
    "russian with kazakh names": ("Касым-Жомарт Тоқаев провёл совещание с акимом Қызылорды по вопросам безопасности", "ru"),
    "kazakh": ("Алматы қаласында төтенше жағдай енгізілді, деп хабарлады Президенттің баспасөз қызметі.", "kk"),
    "kazakh headline": ("Жаңаөзенде газ бағасы көтерілді", "kk"),
    "kazakh headline of few special letters": ("Тоқаев халыққа арнау айтты", "kk"),
    "kazakh without its letters": ("Жана жыл туралы", "kk"),
    "kazakh apart": (unicodedata.normalize("NFD", "Алматы қаласында төтенше жағдай"), "kk"),
    "english": ("Dozens of protesters were killed in Almaty, police say.", "en"),
    "english headline without common words": ("Kazakhstan protests: dozens killed, thousands detained", "en"),
    "english with an accent": ("The café on the square was burned", "en"),
    "english name": ("Los Angeles", "en"),
    "german": ("Der Präsident hat nicht mit den Demonstranten gesprochen und ist abgereist", "other"),
    "german without umlauts": ("Das Gas ist nicht billig und wurde teurer", "other"),
    "turkish": ("Kazakistan'da olağanüstü hâl ilan edildi ve internet kesildi", "other"),
    "turkish headline": ("Kazakistan’da çatışmalar sürüyor", "other"),
    "french": ("Le président est en visite pour une journée avec des ministres", "other"),
    "kazakh in latin letters": ("Almaty men Astana arasynda jäne basqa qalalarda üşin", "kk"),
    "ukrainian": ("Президент Казахстану заявив, що її уряд піде у відставку", "other"),
    "ukrainian apart": (unicodedata.normalize("NFD", "Президент Казахстану заявив, що її уряд піде у відставку"), "other"),
    "kyrgyz": ("Өкмөт күн тартибин бекитти, өлкөдө тынчтык", "other"),
    "tajik": ("Ҷумҳурии Тоҷикистон ҳамсоя", "other"),
    "chinese": ("哈萨克斯坦宣布进入紧急状态", "other"),
    "arabic": ("احتجاجات في كازاخستان", "other"),
    "half and half": ("газ gas 气气气气气气气", "other"),
    "six words without a function word": ("Токаев уволил Назарбаева", "ru"),
    "the same in kazakh": ("Тоқаев үкіметті таратты", "kk"),
    "the same in english": ("Blasts in Almaty", "en"),
    "kazakh with russian names": ("Владимир Путин Мәскеуде Сергей Лавровпен кездесті", "kk"),
    "kazakh with a brand": ("Sainsbury's компаниясы Revlon, Essie, Tweezerman және басқалар", "kk"),
    "russian with brands": ("Hewlett-Packard берёт пример с Google", "ru"),
    "russian with an address": ("В Москве [появится](https://news.example.com/lyudi/vsem-shampanskogo-moskva) кафе", "ru"),
    "russian with latin lookalikes": ("Сегодня - Дeнь oткaзa oт куpeния", "ru"),
    "russian with a ukrainian name": ("Президент Зеленський прибыл с визитом после переговоров", "ru"),
    "russian with a long address": ("Пожар https://news.example.com/world/fire-in-the-market-of-the-old-town", "ru"),
    "kazakh of names": ("Алматыдан Астанадан Шымкенттен", "kk"),
    "turkish name with a case": ("İstanbul'da deprem korkuttu", "other"),
    "english of capitals": ("COMCAST SIGNS SONY EST PACT", "en"),
    "english with an acronym that is a foreign word": ("EM ASIA FX currencies firmer as yuan steadies", "en"),
    "ukrainian headline": ("Президент Казахстану заявив про відставку", "other"),
    "belarusian": ("У Алматы пачаліся сутыкненні, улады ўвялі надзвычайнае становішча", "other"),
    "bulgarian": ("Правителството на Казахстан подаде оставка след протестите", "other"),
    "serbian": ("Влада Казахстана поднела је оставку након протеста", "other"),
    "uzbek": ("Қозоғистон ҳукумати истеъфога чиқди, деди президент", "other"),
    "uzbek in latin letters": ("Qozog‘iston hukumati iste’foga chiqdi va favqulodda holat e’lon qilindi", "other"),
    "french headline": ("Le gouvernement kazakh démissionne", "other"),
    "spanish": ("El gobierno de Kazajistán dimite tras las protestas", "other"),
    "kazakh of 2018": ("Toqaev úkimetti taratty, dep jazdy", "kk"),
    "kazakh latin headline": ("Qazaqstan ükimeti otstavkağa ketti", "kk"),
    "kazakh in arabic letters": ("قازاقستان ۇكىمەتى وتستاۆكاعا كەتتى", "kk"),
    "uyghur": ("قازاقىستان ھۆكۈمىتى ئىستېپا بەردى", "other"),
    "persian": ("دولت قزاقستان استعفا کرد", "other"),
    "an address alone": ("https://news.example.com/moskva", "other"),
    "digits": ("2022-01-05 18:30", "other"),
    "nothing": ("", "other"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "language"), TEXTS.values(), ids=TEXTS)
def test_the_language_of_a_text(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("text", "declared", "language"),
    [
        ("2022", "kk", "kk"),
        ("2022", "de", "other"),
        ("2022", None, "other"),
        ("Алматы", None, "ru"),
        ("Алматы", "kk", "kk"),
        ("Алматы", "en", "ru"),
        ("Алматы", "other", "ru"),
        ("Қазақстан Республикасы", None, "kk"),
        ("Almaty", None, "en"),
        ("Almaty", "en", "en"),
        ("Almaty", "other", "other"),
        ("Almaty", "kk", "kk"),
        ("Almaty", "ru", "other"),
        ("Өкмөт күн тартибин бекитти", "kk", "kk"),
        ("В Алматы введён комендантский час", "kk", "ru"),
        ("Үкімет отставкаға кетті, деп хабарлады", "ru", "kk"),
        ("The government resigned on Wednesday", "ru", "en"),
    ],
)
def test_what_is_declared_counts_only_where_the_text_is_silent(text: str, declared: str | None, language: str) -> None:
    assert language_of(text, declared=declared) == language


@law
@given(st.text(st.characters(), max_size=80), st.sampled_from([None, *LANGUAGES, "other"]))
def test_every_text_has_one_of_four_languages(text: str, declared: str | None) -> None:
    assert language_of(text, declared=declared) in {*LANGUAGES, "other"}


def test_only_the_beginning_of_a_giant_text_is_looked_at() -> None:
    assert language_of("Комендантский час введён. " * 200 + "The end of the text is in English. " * 100_000) == "ru"


@pytest.mark.skipif(
    not (DATA / "ntrex/documents.jsonl").exists(), reason="needs the parallel corpus beside the project"
)
@pytest.mark.parametrize(("name", "language"), [("eng", "en"), ("rus", "ru"), ("kaz", "kk")])
def test_news_sentences_are_told_apart(name: str, language: str) -> None:
    documents = map(json.loads, (DATA / "ntrex/documents.jsonl").read_text(encoding="utf-8").splitlines())
    sentences = [sentence for document in documents for sentence in document[name]]
    right = sum(language_of(sentence) == language for sentence in sentences)
    assert len(sentences) > 900
    if right / len(sentences) < 0.995:
        pytest.fail(f"{right} of {len(sentences)} sentences in {language}")


@pytest.mark.skipif(
    not (DATA / "ntrex/documents.jsonl").exists(), reason="needs the parallel corpus beside the project"
)
@pytest.mark.parametrize(("name", "language"), [("eng", "en"), ("rus", "ru"), ("kaz", "kk")])
def test_six_words_are_enough(name: str, language: str) -> None:
    documents = map(json.loads, (DATA / "ntrex/documents.jsonl").read_text(encoding="utf-8").splitlines())
    beginnings = [" ".join(sentence.split()[:6]) for document in documents for sentence in document[name]]
    right = sum(language_of(text) == language for text in beginnings)
    if right / len(beginnings) < 0.985:
        pytest.fail(f"{right} of {len(beginnings)} beginnings in {language}")


@pytest.mark.skipif(
    not (DATA / "kazakhstan/timeline.yaml").exists(), reason="needs the reports of January 2022 beside the project"
)
def test_headlines_of_one_feed_are_told_apart_without_its_hint() -> None:
    """The English facts of the timeline: short, full of names and figures."""
    from ruamel.yaml import YAML

    reports = YAML(typ="safe").load((DATA / "kazakhstan/timeline.yaml").read_text(encoding="utf-8"))["reports"]
    facts = [row["fact"] for row in reports]
    assert len(facts) > 100
    wrong = sum(language_of(fact) != "en" for fact in facts)
    if wrong:
        pytest.fail(f"{wrong} of {len(facts)} facts")


def test_function_words_of_the_three_languages_are_known_folded_and_no_subjects() -> None:
    assert {"who", "us", "it", "the", "кто", "все", "еще", "және", "үшін", "бұл"} <= COMMON_WORDS
    assert not {"gas", "oil", "газ", "нефть", "мұнай", "қазақстан", "almaty", "ана", "бас", "protest"} & COMMON_WORDS
    assert {fold(word) for word in COMMON_WORDS} == COMMON_WORDS


def test_weights_of_trigrams_are_small_and_speak_for_both_languages() -> None:
    assert {len(trigram) for trigram in WEIGHTS} == {3}
    assert min(WEIGHTS.values()) == -9
    assert max(WEIGHTS.values()) == 9
    assert trigrams("газ") == ["_га", "газ", "аз_"]
