"""One name in many spellings: what they have in common, and how it may be written elsewhere."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import law

from monitor.language.spelling import LONGEST, MOST, key, variants
from monitor.language.text import fold

DATA = Path(__file__).parents[2] / "../shared/data"

ONE_NAME = (
    "Актобе Ақтөбе Aktobe Aqtobe Aqtöbe Aktöbe Aqtóbe اقتوبە",
    "Жанаозен Жаңаөзен Zhanaozen Zhangaozen Janaozen Jañaözen Jańaózen",
    "Токаев Тоқаев Tokayev Tokaev Toqaev Toqayev Tokajew Tokajev Tokaïev توقايەۆ",
    "Назарбаев Nazarbayev Nazarbaev Nasarbajew Nazarbaïev",
    "Нурсултан Нұрсұлтан Nursultan Noursoultan Nūrsūltan",
    "Масимов Мәсімов Masimov Massimov Mäsimov Massimow",
    "Алматы Almaty Almatı الماتى",
    "Атырау Atyrau Atyraw Atyraý",
    "Мангыстау Маңғыстау Mangystau Mañğystau Mangghystau",
    "Жамбыл Джамбыл Zhambyl Dzhambyl Jambyl Jambıl",
    "Шымкент Shymkent Şymkent Shımkent",
    "Ахметов Akhmetov Ahmetov Achmetow",
    "Щучинск Shchuchinsk",
    "Александр Aleksandr Alexandr",
    "Кызылординский Kyzylordinskiy Kyzylordinsky Kyzylordinskij",
    "Қазақстан Казакстан Qazaqstan Kazakstan قازاقستان",
)
APART = (
    "Масимов Максимов",
    "Токаев Таукеев",
    "Аксу Аксай",
    "Тараз Терезе",
    "Орал Арал Урал",
    "Семей Сумы",
    "Жезды Жизда",
)

EXPECTED = {
    "Тоқаев": "Токаев Tokayev Tokaev Toqaev Toqayev",
    "Токаев": "Тоқаев Tokayev Tokaev Toqaev Toqayev",
    "Tokayev": "Токаев Тоқаев Tokaev Toqaev",
    "Tokajew": "Токаев Тоқаев Tokayev",
    "Масимов": "Мәсімов Masimov Massimov Mäsimov",
    "Massimov": "Масимов Мәсімов Masimov",
    "Kantemirov": "Кантемиров Кантеміров",
    "Жаңаөзен": "Жанаозен Zhanaozen Janaozen Jañaözen",
    "Ақтөбе": "Актобе Aktobe Aqtobe Aqtöbe",
    "Aqtöbe": "Актобе Ақтөбе Aktobe Aqtobe",
    "Сагинтаев": "Сағынтаев Sagintayev Sagintaev",
    "Turgumbayev": "Тургумбаев Тұрғымбаев Turgumbaev",
    "Nasarbajew": "Назарбаев Nazarbayev",
    "Серик": "Серік Serik",
    "Әлихан": "Алихан Alikhan",
    "Akhmetzhanov": "Ахметжанов",
    "Mikhail": "Михаил",
    "Вадим": "Vadim",
    "Алексей": "Alexey Aleksey",
    "Александровский": "Alexandrovsky Aleksandrovskiy",
    "Екібастұз": "Экибастуз Екибастуз Ekibastuz",
    "Құлсары": "Кульсары Кулсары Kulsary",
}


@pytest.mark.parametrize("spellings", ONE_NAME)
def test_spellings_of_one_name_have_one_key(spellings: str) -> None:
    assert len(set(map(key, spellings.split()))) == 1, list(map(key, spellings.split()))


@pytest.mark.parametrize("names", APART)
def test_names_that_differ_in_a_vowel_or_a_consonant_stay_apart(names: str) -> None:
    assert len(set(map(key, names.split()))) == len(names.split())


def test_a_key_is_of_plain_letters_or_empty() -> None:
    assert key("Ust-Kamenogorsk") == key("Усть-Каменогорск") == "ustkamenogorsk"
    assert key("") == key("2022") == key("阿拉木图") == ""


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items())
def test_a_name_is_written_in_the_other_alphabets(name: str, expected: str) -> None:
    missing = set(expected.split()) - set(variants(name))
    assert not missing, variants(name)


def test_the_usual_spellings_come_first() -> None:
    assert variants("Тоқаев")[:3] == ("Токаев", "Tokayev", "Toqaev")
    assert variants("Tokayev")[:2] == ("Токаев", "Тоқаев")
    assert variants("Токаев")[:2] == ("Тоқаев", "Tokayev")


@pytest.mark.parametrize("name", ["", "2022", "阿拉木图", "الماتى", "ЖVщ", "А" * (LONGEST + 1)])
def test_what_is_no_name_of_one_known_script_has_no_variants(name: str) -> None:
    assert variants(name) == ()


def test_a_letter_of_the_other_script_is_no_other_script() -> None:
    assert variants("Aлматы") == variants("Алматы")


@law
@given(st.text("абвгдежзийклмнопрстуфхцчшщъыьэюяәғқңөұүһі", min_size=1, max_size=LONGEST))
def test_variants_are_few_and_different_and_have_a_capital(word: str) -> None:
    found = variants(word.capitalize())
    assert len(found) <= MOST
    assert len({fold(word), *map(fold, found)}) == len(found) + 1
    assert all(not each[:1].islower() for each in found)


@law
@given(st.text(st.characters(), max_size=40))
def test_any_word_has_a_key_and_variants(word: str) -> None:
    assert re.fullmatch("[a-z]*", key(word))
    assert len(variants(word)) <= MOST


@pytest.mark.skipif(not (DATA / "kazakhstan/gazetteer.yaml").exists(), reason="needs the gazetteer beside the project")
def test_surnames_of_office_holders_are_reached_from_each_of_their_scripts() -> None:
    """Pairs of spellings with the same consonants; German, French and other habits (Tokajew, Guiniyat) are the gazetteer's."""
    from ruamel.yaml import YAML

    people = YAML(typ="safe").load((DATA / "kazakhstan/gazetteer.yaml").read_text(encoding="utf-8"))["people"]
    right = total = 0
    for person in people:
        names = {language: _surnames(person.get(language, [])) for language in ("en", "ru", "kk")}
        for one, other in permutations(names, 2):
            pairs = [(a, b) for a in names[one] for b in names[other] if _bones(a) == _bones(b) and fold(a) != fold(b)]
            total += len(pairs)
            right += sum(fold(b) in map(fold, variants(a)) for a, b in pairs)
    assert total > 60
    if right / total < 0.85:
        pytest.fail(f"{right} of {total}")


@pytest.mark.skipif(
    not (DATA / "gazetteer/kz_places_geonames.json").exists(), reason="needs the places beside the project"
)
def test_different_places_have_different_keys() -> None:
    """351 places: those that share a key are spellings of one name (Shalkar, Shalqar)."""
    names = defaultdict(set)
    for place in json.loads((DATA / "gazetteer/kz_places_geonames.json").read_text(encoding="utf-8")):
        names[key(place["name"])].add(place["name"].casefold())
    assert sum(len(each) for each in names.values() if len(each) > 1) <= 12


def _surnames(names: list[str]) -> set[str]:
    words = {name.rstrip("*").split()[-1].rstrip("*") for name in names}
    return {word for word in words if re.fullmatch(r"\w+(ев|ов|ин|ev|ov|in|ай|ay|ей|ey|ды|dy|леу|leu)", word)}


def _bones(name: str) -> str:
    return re.sub("[aeiou]", "", key(name))
