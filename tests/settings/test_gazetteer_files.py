"""Files of the gazetteer: what they come to, and every mistake at its file and line with advice."""

import textwrap
from datetime import date
from pathlib import Path

import pytest

from monitor.language.entities import Kind, Name, Term
from monitor.settings.gazetteer_files import entities
from monitor.settings.validate import Findings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def read(tmp_path):
    def made(text, **others):
        for name, content in {"one": text, **others}.items():
            file = tmp_path / name.replace("_", "/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.with_suffix(".yaml").write_text(textwrap.dedent(content), encoding="utf-8")
        findings = Findings()
        found = entities(tmp_path, {}, findings)
        return found, [str(mistake).removeprefix(f"{tmp_path}/") for mistake in findings.mistakes]

    return made


def test_the_example_of_the_readme_is_right(read):
    readme = (ROOT / "config/gazetteer/README.md").read_text(encoding="utf-8")
    example = readme.partition("```yaml\n")[2].partition("```")[0]
    found, mistakes = read(example, regions="places:\n- {id: KZ-63, en: [East]}\n- {id: KZ-10, en: [Abai]}\n")
    assert mistakes == []
    assert "place/semey" in {each.key for each in found}


def test_a_title_goes_before_the_first_name_of_its_language(read):
    (found,), mistakes = read(
        """
        concepts:
        - {id: fuel, title: {ru: Цены на газ}, en: [=fuel price, gas price], ru: ["цен* на газ"], also: [Gaspreis]}
        """
    )
    assert mistakes == []
    assert found.titles == {"en": "fuel price", "ru": "Цены на газ"}
    assert "Цены на газ" not in {name.text for name in found.names}


def test_no_folder_is_an_empty_gazetteer(tmp_path):
    findings = Findings()
    assert entities(tmp_path / "none", {}, findings) == ()
    assert findings.mistakes == []


def test_a_place_comes_to_its_names_dates_and_parents(read):
    found, mistakes = read(
        """
        country: KZ
        places:
        - id: KZ
          en: [Kazakhstan]
        - id: semey
          en: [Semey, {name: Semipalatinsk, until: 2007}]
          ru: [Семей]
          also: [{name: "Semei*", capital: false, near: [], without: ["@KZ"]}]
          capital: true
          near: [Irtysh, "@KZ"]
          unless: [Semey Cup]
          in: [{place: KZ, until: 2022-06-08}, {place: KZ, since: 2022-06}]
          at: [50.42, 80.25]
          people: 292780
          note: for people
        """
    )
    assert mistakes == []
    semey = found[1]
    assert (semey.key, semey.country, semey.at, semey.people) == ("place/semey", "KZ", (50.42, 80.25), 292780)
    assert semey.titles == {"en": "Semey", "ru": "Семей"}
    usual = {"near": ("Irtysh", "@KZ"), "unless": ("Semey Cup",)}
    assert semey.names == (
        Name(text="Semey", language="en", **usual),
        Name(text="Semipalatinsk", language="en", until=date(2007, 1, 1), **usual),
        Name(text="Семей", language="ru", **usual),
        Name(text="Semei*", capital=False, unless=("Semey Cup",), without=("@KZ",)),
    )
    assert semey.parents == (
        Term(value="KZ", until=date(2022, 6, 8)),
        Term(value="KZ", since=date(2022, 6, 1)),
    )


def test_people_organisations_and_concepts_come_to_entries_of_their_kind(read):
    found, mistakes = read(
        """
        people:
        - id: tokayev
          en: [Tokayev]
          country: KZ
          offices: [{office: President, since: 2019-03-20}]
        concepts:
        - {id: protest, en: ["=Protest"], group: unrest, severity: 1}
        """,
        kz_orgs="organisations:\n- {id: csto, en: [CSTO], in: asia}\nplaces:\n- {id: asia, en: [Asia]}\n",
    )
    assert mistakes == []
    by_kind = {each.kind: each for each in found}
    assert by_kind[Kind.PERSON].offices == (Term(value="President", since=date(2019, 3, 20)),)
    assert by_kind[Kind.PERSON].country == "KZ"
    assert (by_kind[Kind.CONCEPT].group, by_kind[Kind.CONCEPT].severity) == ("unrest", 1)
    assert by_kind[Kind.CONCEPT].titles == {"en": "Protest"}
    assert by_kind[Kind.ORG].parents == (Term(value="asia"),)


def row(text):
    return f"places:\n- id: taraz\n  en: [Taraz]\n  {text}\n"


MISTAKES = [
    ("place: []", "one.yaml:1: there is no key `place`; did you mean `places`?"),
    ("places: 5", "one.yaml:1: `places` must be a list; begin each row with `- `"),
    (
        "country: Kazakhstan",
        "one.yaml:1: `country` cannot be `Kazakhstan`; write the two capitals of ISO 3166-1, like KZ",
    ),
    ("places:\n- id: taraz\n", "one.yaml:2: `en` is missing; add it"),
    ("places:\n- {id: taraz, en: []}\n", "one.yaml:2: `en` is empty; name at least one"),
    (
        "places:\n- {id: 'so taraz', en: [Taraz]}\n",
        "one.yaml:2: `id` cannot be `so taraz`; use up to 64 Latin letters, digits, `-`, `_` and `.`, like `almaty` or `KZ-75`",
    ),
    (row("unles: [x]"), "one.yaml:4: there is no key `unles`; did you mean `unless`?"),
    (row("ru: [{name: Тараз, nam: x}]"), "one.yaml:4: there is no key `nam`; did you mean `name`?"),
    (row("ru: [5]"), "one.yaml:4: entry 1 of `ru` must be text; put it in quotes"),
    (row('ru: ["..."]'), "one.yaml:4: entry 1 of `ru`: `...` holds a part without letters or digits; delete it"),
    (
        row("ru: [я]"),
        "one.yaml:4: entry 1 of `ru`: `я` stands in nearly every text; write more of the name, or delete it",
    ),
    (
        row("also: [the]"),
        "one.yaml:4: entry 1 of `also`: `the` stands in nearly every text; write more of the name, or delete it",
    ),
    (
        row('ru: ["га*"]'),
        "one.yaml:4: entry 1 of `ru`: `га*` cannot be looked for; write `*` behind at least 3 letters, and not in a word with `=`",
    ),
    (
        row('ru: ["=газ*"]'),
        "one.yaml:4: entry 1 of `ru`: `=газ*` cannot be looked for; write `*` behind at least 3 letters, and not in a word with `=`",
    ),
    (
        row("ru: [{name: Тараз, since: soon}]"),
        "one.yaml:4: `since` is no date; write it as 2022-06-08, 2022-06 or 2022",
    ),
    (
        row("ru: [{name: Тараз, since: 2022-02-31}]"),
        "one.yaml:4: `since` is no date; write it as 2022-06-08, 2022-06 or 2022",
    ),
    (
        row("ru: [{name: Тараз, since: 2022, until: 2019}]"),
        "one.yaml:4: entry 1 of `ru`: `until` (2019-01-01) is not after `since` (2022-01-01); swap them",
    ),
    (
        row("ru: [{name: Тараз, since: 2022, until: 2022}]"),
        "one.yaml:4: entry 1 of `ru`: `until` (2022-01-01) is not after `since` (2022-01-01); swap them",
    ),
    (row("at: [91, 0]"), "one.yaml:4: entry 1 of `at` must be at most 90.0"),
    (row("people: -1"), "one.yaml:4: `people` must be at least 0"),
    (row("in: tarz"), "one.yaml:4: there is no place `tarz`; did you mean `taraz`?"),
    (row("in: taraz"), "one.yaml:4: `taraz` lies in itself; name what lies around it"),
    (row('near: ["@tara"]'), "one.yaml:4: there is no entry `@tara`; did you mean `taraz`?"),
    (row('ru: [{name: Тараз, without: ["@org/x"]}]'), "one.yaml:4: there is no entry `@org/x`; places are taraz"),
    ("concepts:\n- {id: c, en: [cc], severity: 5}\n", "one.yaml:2: `severity` must be at most 4"),
    ("people:\n- {id: p, en: [Pp], offices: [{since: 2020}]}\n", "one.yaml:2: `office` is missing; add it"),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_a_mistake_is_told_at_its_line_with_advice(read, text, message):
    assert read(text)[1] == [message]


def test_an_id_is_given_once_per_kind_over_all_files(read):
    place = "places:\n- {id: taraz, en: [Taraz]}\n"
    found, mistakes = read(place, two=place, three="people:\n- {id: taraz, en: [Taraz]}\n")
    assert mistakes == ["two.yaml:2: the id `taraz` is taken by line 2 of one.yaml; give each its own"]
    assert len(found) == 2


def test_places_that_hold_each_other_are_told(read):
    text = "places:\n- {id: a, en: [Aa], in: b}\n- {id: b, en: [Bb], in: a}\n"
    assert read(text)[1] == [
        "one.yaml:2: `a` lies in itself; name what lies around it",
        "one.yaml:3: `b` lies in itself; name what lies around it",
    ]


def test_a_file_that_is_no_yaml_is_one_mistake_and_the_others_are_read(read):
    found, mistakes = read("places: [", two="places:\n- {id: taraz, en: [Taraz]}\n")
    assert len(mistakes) == 1
    assert [each.id for each in found] == ["taraz"]
