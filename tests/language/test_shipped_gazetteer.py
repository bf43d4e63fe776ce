"""The gazetteer that is shipped: it loads, names what it must, and names nothing that only looks so (tests/corpus/traps.yaml)."""

from datetime import date
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from monitor.language.entities import Kind
from monitor.language.gazetteer import Gazetteer
from monitor.language.phrases import Look, PhraseIndex, Reading
from monitor.settings.gazetteer_files import entities
from monitor.settings.validate import Findings

ROOT = Path(__file__).parents[2]
TRAPS = YAML(typ="safe").load(ROOT / "tests/corpus/traps.yaml")["traps"]
DAY = date(2022, 1, 6)
ENOUGH = 150


@pytest.fixture(scope="module")
def gazetteer():
    findings = Findings()
    read = entities(ROOT / "config/gazetteer", {}, findings)
    assert not findings.mistakes
    return Gazetteer(read)


@pytest.fixture(scope="module")
def named(gazetteer):
    index = PhraseIndex(gazetteer.phrases)
    recogniser = gazetteer.bind(index)

    def keys(text):
        reading = Reading(text)
        found = recogniser.recognise([Look("text", reading, index.find(reading))], DAY)
        return [mention.key for mention in found if not mention.covered]

    return keys


def test_there_are_traps_enough():
    assert sum(len(trap["not"]) for trap in TRAPS) >= ENOUGH


@pytest.mark.parametrize("trap", TRAPS, ids=[trap["key"] for trap in TRAPS])
def test_what_looks_like_a_name_is_none_and_the_name_is_found(gazetteer, named, trap):
    assert gazetteer.entity(trap["key"])
    assert [text for text in trap["not"] if trap["key"] in named(text)] == []
    assert [text for text in trap["yes"] if trap["key"] not in named(text)] == []


def test_the_readme_counts_right(gazetteer):
    readme = (ROOT / "config/gazetteer/README.md").read_text(encoding="utf-8")
    villages = YAML(typ="safe").load(ROOT / "config/gazetteer/kazakhstan/villages.yaml")["places"]
    assert f"{len(villages)} smaller towns" in readme


def test_it_holds_what_was_promised(gazetteer):
    regions = [each for each in gazetteer.entities if each.kind is Kind.PLACE and each.id.startswith("KZ-")]
    concepts = [each for each in gazetteer.entities if each.kind is Kind.CONCEPT]
    assert (len(regions), len(concepts)) == (17, 61)
    assert all(each.group and each.severity is not None for each in concepts)
    assert all({"en", "ru", "kk"} <= set(each.titles) for each in (*regions, *concepts))


def test_no_title_is_cut_short():
    """The first name of some rows is the beginning of words (`цен* на газ`), which is no title: those rows have one."""
    files = sorted((ROOT / "config/gazetteer").glob("*/*.yaml"))
    rows = [
        row for file in files for held in YAML(typ="safe").load(file).values() if isinstance(held, list) for row in held
    ]
    assert len(rows) > 400
    cut_short = [
        (row["id"], language)
        for row in rows
        for language in ("en", "ru", "kk")
        if str(row.get(language, [""])[0]).endswith("*") and language not in row.get("title", {})
    ]
    assert cut_short == []


def test_every_town_lies_in_the_country_and_near_the_middle_of_it(gazetteer):
    inside = gazetteer.children("place/KZ")
    near = gazetteer.within(2000, "place/KZ")
    towns = [each for each in gazetteer.entities if each.kind is Kind.PLACE and each.country == "KZ" and each.people]
    assert len(towns) > 150
    assert [each.key for each in towns if each.key != "place/KZ" and each.key not in inside & near] == []


REGIONS = [
    ("place/semey", date(2022, 1, 6), "place/KZ-63"),
    ("place/semey", date(2022, 6, 8), "place/KZ-10"),
    ("place/taldykorgan", date(2022, 1, 6), "place/KZ-19"),
    ("place/zhezkazgan", date(2023, 1, 1), "place/KZ-62"),
    ("place/almaty", date(2022, 1, 6), "place/KZ"),
]


@pytest.mark.parametrize(("town", "day", "region"), REGIONS)
def test_a_town_is_in_the_region_of_its_day(gazetteer, town, day, region):
    assert gazetteer.region_on(day, town) == region


RENAMED = [
    ("Nur-Sultan", "place/astana"),
    ("Нұр-Сұлтан", "place/astana"),
    ("Целиноград", "place/astana"),
    ("Уральск", "place/oral"),
    ("Усть-Каменогорск", "place/oskemen"),
    ("Семипалатинск", "place/semey"),
    ("Капшагай", "place/konaev"),
    ("Гурьев", "place/atyrau"),
    ("Новый Узень", "place/zhanaozen"),
    ("Noursoultan", "place/astana"),
    ("Jañaözen", "place/zhanaozen"),
    ("الماتى", "place/almaty"),
    ("Токаев", "person/tokayev"),
    ("Nasarbajew", "person/nazarbayev"),
    ("ОДКБ", "org/csto"),
    ("протест", "concept/protest"),
]


@pytest.mark.parametrize(("name", "key"), RENAMED)
def test_old_names_and_spellings_reach_their_entry(gazetteer, name, key):
    assert key in [each.key for each in gazetteer.called(name)]


FORMS = [
    ("قازاقستاندا الماتىدا", ["place/KZ", "place/almaty"]),
    ("توقايەۆتىڭ سوزى", ["person/tokayev"]),
    ("Тоқаевтың Жаңаөзендегі", ["person/tokayev", "place/zhanaozen"]),
    ("алматылықтар", ["place/almaty"]),
    ("U.S. troops", ["place/US", "concept/troops"]),
    ("КНБ и МВД Казахстана", ["org/knb", "org/mvd", "place/KZ"]),
    ("Қазақстанның Сыртқы істер министрлігі", ["place/KZ", "org/mfa"]),
]


@pytest.mark.parametrize(("text", "keys"), FORMS)
def test_forms_in_three_scripts_are_found(named, text, keys):
    assert named(text) == keys
