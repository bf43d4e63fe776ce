"""Which entries a report names: conditions, longest names, one name of several entries, spellings, and looking entries up."""

from datetime import date
from itertools import chain

import pytest

from monitor.language.entities import Entity, Kind, Name, Term
from monitor.language.gazetteer import Gazetteer, distance
from monitor.language.phrases import Look, PhraseIndex, Reading

DAY = date(2022, 1, 6)


def place(id_, *names, **more):
    return entity(Kind.PLACE, id_, *names, **more)


def entity(kind, id_, *names, country="KZ", **more):
    each = tuple(name if isinstance(name, Name) else Name(text=name, capital=False) for name in names)
    return Entity(kind=kind, id=id_, titles={"en": each[0].text}, names=each, country=country, **more)


def inside(*places):
    return tuple(Term(value=place) for place in places)


ENTITIES = (
    place("KZ", "Kazakhstan", "Казахстан", Name(text="Қазақстан", language="kk", capital=False)),
    place("KZ-19", "Almaty Region", "Алматинская область", parents=inside("KZ"), at=(44.0, 77.5)),
    place("KZ-27", "West Kazakhstan", parents=inside("KZ")),
    place("KZ-39", "Kostanay Region", parents=inside("KZ")),
    place("almaty", "Almaty", "Алматы", "алматинский", at=(43.2525, 76.9115), people=1977011, parents=inside("KZ")),
    place("ala-airport", "Almaty airport", at=(43.3521, 77.0405), parents=inside("almaty")),
    place("talgar", "Talgar", at=(43.3023, 77.2381), people=42194, parents=inside("KZ-19")),
    place(
        "astana",
        Name(text="Astana", capital=False, unless=("Air Astana",)),
        Name(text="Nur-Sultan", capital=False, since=date(2019, 3, 23), until=date(2022, 9, 17)),
        at=(51.18, 71.446),
    ),
    place("oral", Name(text="Oral", near=("region", "@KZ-27")), parents=inside("KZ-27")),
    place("rudny", Name(text="Рудный", near=("Костанай",)), parents=inside("KZ-39")),
    place("kostanay", "Kostanay", "Kostanai", people=210000, parents=inside("KZ-39")),
    place("square", Name(text="Republic Square", without=("Belgrade", "@AM")), parents=inside("almaty")),
    place(
        "semey",
        Name(text="Semey"),
        Name(text="Семей"),
        parents=(
            Term(value="KZ-63", until=date(2022, 6, 8)),
            Term(value="KZ-10", since=date(2022, 6, 8)),
        ),
    ),
    place("KZ-10", "Abai Region", parents=inside("KZ")),
    place("KZ-63", "East Kazakhstan", parents=inside("KZ")),
    place("verny", Name(text="Верный", near=("крепость",)), parents=inside("KZ")),
    place("AM", "Armenia", "Armenian", country="AM"),
    place("aksu-south", "Aksu", people=26115, parents=inside("KZ-19")),
    place("aksu-north", "Aksu", people=44808, parents=inside("KZ-39")),
    place("akmola-city", Name(text="Akmola", until=date(1998, 5, 6)), people=270000),
    place("akmola-region", Name(text="Akmola", since=date(1998, 5, 6))),
    entity(Kind.PERSON, "tokayev", "Kassym-Jomart Tokayev", "Tokayev", "Токаев", Name(text="Тоқаев", language="kk")),
    entity(Kind.PERSON, "mamin", "Аскар Мамин", Name(text="Мамин", near=("премьер",))),
    entity(Kind.ORG, "csto", "CSTO", Name(text="ҰҚШҰ", language="kk"), country=None),
    entity(Kind.ORG, "mfa", Name(text="МИД Казахстана", language="ru"), parents=inside("KZ")),
    entity(Kind.ORG, "us", Name(text="АҚШ", language="kk", capital=False), country="US"),
    entity(Kind.CONCEPT, "protest", "protest", Name(text="протестующий", capital=False), "наразылық", country=None),
    entity(Kind.CONCEPT, "lifted", "emergency lifted", country=None),
    entity(Kind.CONCEPT, "emergency", "emergency", country=None),
)


@pytest.fixture(scope="module")
def gazetteer():
    return Gazetteer(ENTITIES)


@pytest.fixture(scope="module")
def named(gazetteer):
    index = PhraseIndex(gazetteer.phrases)
    recogniser = gazetteer.bind(index)

    def mentions(text, title="", when=DAY):
        readings = (("title", Reading(title)), ("text", Reading(text)))
        return recogniser.recognise([Look(field, each, index.find(each)) for field, each in readings], when)

    return mentions


def keys(mentions):
    return [mention.key.partition("/")[2] for mention in mentions if not mention.covered]


NAMED = [
    ("Protests in Almaty.", ["protest", "almaty"]),
    ("Протестующие в Алматы", ["protest", "almaty"]),
    ("Тоқаевтың сөзі, Қазақстанда", ["tokayev", "KZ"]),
    ("a day in almaty", ["almaty"]),
    ("PROTESTS IN ALMATY", ["protest", "almaty"]),
    ("The Almaty Region has an akim", ["KZ-19"]),
    ("В Алматинской области снег", ["KZ-19"]),
    ("Алматинские власти", ["almaty"]),
    ("Flights from Almaty airport", ["ala-airport", "almaty"]),
    ("Air Astana flies", []),
    ("Air Astana flies from Astana", ["astana"]),
    ("Police in Nur-Sultan", ["astana"]),
    ("The CSTO and Csto, but no csto", ["csto", "csto"]),
    ("Ақша көп, ақша, АҚШ аз", ["us"]),
    ("emergency lifted", ["lifted", "emergency"]),
    ("", []),
]


@pytest.mark.parametrize(("text", "expected"), NAMED)
def test_a_report_names_these_entries(named, text, expected):
    assert keys(named(text)) == expected


CONTEXT = [
    ("Oral exams begin", []),
    ("Oral exams begin in Kazakhstan", ["KZ"]),
    ("The West Kazakhstan town Oral", ["KZ-27", "KZ", "oral"]),
    ("A region: Oral", ["oral"]),
    ("Oral, Kazakhstan", ["oral", "KZ"]),
    ("Oral (Kazakhstan)", ["oral", "KZ"]),
    ("Oral, Armenia", ["AM"]),
    ("the city of Oral", ["oral"]),
    ("in Oral city", ["oral"]),
    ("city of oral pleasures", []),
    ("Верный друг в Казахстане", ["KZ"]),
    ("крепость Верный", ["verny"]),
    ("рудный концентрат", []),
    ("Рудный концентрат", []),
    ("г. Рудный", ["rudny"]),
    ("г. Мамин", []),
    ("в городе Рудном", ["rudny"]),
    ("Рудный и Kostanay", ["rudny", "kostanay"]),
    ("помощь семей", []),
    ("в Семее", ["semey"]),
    ("Мамин пирог", []),
    ("Премьер Мамин", ["mamin"]),
    ("Аскар Мамин ушёл. Мамина не видели.", ["mamin", "mamin"]),
    ("Republic Square is empty", ["square"]),
    ("Republic Square in Belgrade", []),
    ("Republic Square, says an Armenian", ["AM"]),
]


@pytest.mark.parametrize(("text", "expected"), CONTEXT)
def test_a_name_that_may_be_something_else_needs_context(named, text, expected):
    assert keys(named(text)) == expected


def test_context_in_the_title_counts_for_the_text(named):
    assert keys(named("Oral is calm", title="West Kazakhstan")) == ["KZ-27", "KZ", "oral"]


def test_a_name_within_a_longer_one_is_covered_unless_it_holds_the_longer_ones_place(named):
    region = [(mention.surface, mention.covered) for mention in named("Almaty Region")]
    assert region == [("Almaty Region", False), ("Almaty", True)]
    airport = [(mention.surface, mention.covered) for mention in named("Almaty airport")]
    assert airport == [("Almaty airport", False), ("Almaty", False)]
    ministry = [(mention.surface, mention.covered) for mention in named("МИДу Казахстана")]
    assert ministry == [("МИДу Казахстана", False), ("Казахстана", False)]


def test_the_longest_name_of_an_entry_stands_for_the_shorter_ones_in_it(named):
    assert [mention.surface for mention in named("Kassym-Jomart Tokayev spoke")] == ["Kassym-Jomart Tokayev"]


def test_of_two_places_with_one_name_the_larger_is_meant_unless_its_region_is_named(named):
    assert keys(named("A fire in Aksu")) == ["aksu-north"]
    assert keys(named("A fire in Aksu, Almaty Region")) == ["aksu-south", "KZ-19"]


@pytest.mark.parametrize(("when", "key"), [(date(1998, 5, 5), "akmola-city"), (date(1998, 5, 6), "akmola-region")])
def test_of_two_places_with_one_name_that_which_was_called_so_on_the_day_is_meant(named, when, key):
    assert keys(named("News from Akmola", when=when)) == [key]


def test_a_mention_points_at_its_words_and_says_what_joined_them(named):
    title, text = "Тоқаевтан хат", "Кеше Алматыда… Токаеву"
    found = named(text, title=title)
    fields = {"title": title, "text": text}
    assert all(fields[mention.field][mention.start : mention.end] == mention.surface for mention in found)
    assert [(mention.field, mention.surface, mention.rule) for mention in found] == [
        ("title", "Тоқаевтан", "Kazakh suffix"),
        ("text", "Алматыда", "Kazakh suffix"),
        ("text", "Токаеву", "Russian ending"),
    ]


@pytest.mark.parametrize(
    ("when", "rule"),
    [
        (date(2019, 3, 22), "as written, name since 2019"),
        (date(2019, 3, 23), "as written"),
        (date(2022, 9, 16), "as written"),
        (date(2022, 9, 17), "as written, name until 2022"),
    ],
)
def test_a_name_out_of_its_time_still_counts_and_says_so(named, when, rule):
    (mention,) = named("in Nur-Sultan", when=when)
    assert (mention.key, mention.rule) == ("place/astana", rule)


def test_a_word_with_a_capital_that_is_spelled_like_a_name_counts(named):
    (mention,) = named("Präsident Tokajew")
    assert (mention.key, mention.surface, mention.rule) == ("person/tokayev", "Tokajew", "spelling")
    assert keys(named("tokajew")) == []
    assert keys(named("Aqmola, but which?")) == []
    assert keys(named("Tokajew", title="Tokayev")) == ["tokayev", "tokayev"]


def test_a_name_that_was_ruled_out_does_not_come_back_by_its_spelling(named):
    assert named("Air Astana") == ()


def test_remembered_words_change_nothing(named):
    text = "Tokajew, Oral, Almaty Region, CSTO " + "x" * 100
    assert named(text) == named(text)


CALLED = [
    ("Almaty", ["almaty"]),
    ("almaty", ["almaty"]),
    ("АЛМАТЫ", ["almaty"]),
    ("Nur-Sultan", ["astana"]),
    ("Алматы", ["almaty"]),
    ("KZ-19", ["KZ-19"]),
    ("ala-airport", ["ala-airport"]),
    ("Tokajew", ["tokayev"]),
    ("tokajew", []),
    ("Aqsu", []),
    ("Oral", ["oral"]),
    ("oral", []),
    ("семей", []),
    ("Aksu", ["aksu-north", "aksu-south"]),
    ("protest", ["protest"]),
    ("nowhere", []),
    ("", []),
]


@pytest.mark.parametrize(("name", "expected"), CALLED)
def test_entries_are_called_by_id_title_name_and_spelling(gazetteer, name, expected):
    assert [each.id for each in gazetteer.called(name)] == expected


def test_with_a_kind_small_letters_are_no_doubt(gazetteer):
    assert [each.id for each in gazetteer.called("oral", Kind.PLACE)] == ["oral"]
    assert gazetteer.called("almaty", Kind.PERSON) == ()


@pytest.mark.parametrize(
    ("name", "expected"), [("Almati", "Almaty"), ("Kasakhstan", "Kazakhstan"), ("energi", "energy"), ("xyz", None)]
)
def test_the_nearest_name_is_suggested(gazetteer, name, expected):
    assert gazetteer.alike(name, ("energy",)) == expected


def test_places_hold_what_lies_in_them_at_any_depth(gazetteer):
    assert gazetteer.children("place/almaty") == {"place/ala-airport", "place/square"}
    assert {"place/ala-airport", "place/talgar", "place/KZ-19"} <= gazetteer.children("place/KZ")
    assert gazetteer.children("place/talgar") == frozenset()
    assert not {"place/AM", "org/mfa"} & gazetteer.children("place/KZ")


def test_places_within_a_distance_include_the_place_itself(gazetteer):
    assert gazetteer.within(20, "place/almaty") == {"place/almaty", "place/ala-airport"}
    assert "place/talgar" in gazetteer.within(50, "place/almaty")
    assert "place/astana" not in gazetteer.within(900, "place/almaty")
    assert gazetteer.within(50, "place/AM") == {"place/AM"}


def test_distance_is_along_a_great_circle():
    assert distance((43.2525, 76.9115), (51.18, 71.446)) == pytest.approx(972, abs=3)
    assert distance((0, 179.5), (0, -179.5)) == pytest.approx(111.2, abs=0.1)
    assert distance((0, 0), (0, 180)) == pytest.approx(20015, abs=1)
    assert distance((10, 20), (10, 20)) == 0


@pytest.mark.parametrize(("day", "region"), [(date(2022, 6, 7), "place/KZ-63"), (date(2022, 6, 8), "place/KZ-10")])
def test_the_region_of_a_town_depends_on_the_day(gazetteer, day, region):
    assert gazetteer.region_on(day, "place/semey") == region
    assert gazetteer.region_on(day, "place/AM") is None


def test_names_are_told_by_language(gazetteer):
    assert gazetteer.phrases_of("place/KZ") == {None: ("Kazakhstan", "Казахстан"), "kk": ("Қазақстан",)}


def test_equal_gazetteers_have_equal_keys(gazetteer):
    assert Gazetteer(ENTITIES).key == gazetteer.key != Gazetteer(ENTITIES[1:]).key


def test_an_empty_gazetteer_names_nothing():
    gazetteer = Gazetteer(())
    index = PhraseIndex(gazetteer.phrases)
    reading = Reading("Almaty")
    assert gazetteer.bind(index).recognise([Look("text", reading, index.find(reading))], DAY) == ()
    assert gazetteer.called("Almaty") == ()
    assert gazetteer.alike("Almaty") is None


def test_time_grows_with_the_text_and_a_word_without_end_is_no_name(named):
    text = "Алматы " * 300 + "а" * 1_000_000
    assert len(named(text)) == 300


def test_every_phrase_is_asked_for_once(gazetteer):
    assert len(set(gazetteer.phrases)) == len(gazetteer.phrases)
    assert all(chain.from_iterable(gazetteer.phrases))
