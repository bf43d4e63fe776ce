"""`explain`, `watches explain`, `watches format` and `gazetteer`: what is looked for, why it is found, why it is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from monitor.cli import app
from monitor.cli.naming import about
from monitor.settings import load

WATCHES = """\
# Watches of the desk; this comment stays.
saved:
  towns: Aktau OR Zhanaozen
watches:
- {name: unrest, title: Unrest, any: [митинг, protest], none: [football], severity: warning}
# Above fuel.
- name: fuel
  query: "gas   price*  or" # why
  groups: [national]

- name: towns
  query: |
    @towns rally^3
    OR place:Aktau
  score: 2
- {name: quiet, query: "title:('fuel' OR газ)", enabled: false}
""".replace('  or"', '"').replace("('fuel' OR газ)", "(fuel OR газ)")
MONITOR = """\
situation: {id: kazakhstan, name: Kazakhstan, zone: Asia/Almaty}
http: {listen: none}
"""
GAZETTEER = """\
country: KZ
places:
- {id: KZ-47, en: [Mangystau Region], ru: [Мангистауская область]}
- id: aktau
  en: [Aktau, {name: Shevchenko, until: 1991}]
  ru: [Актау]
  kk: [Ақтау]
  in: KZ-47
  at: [43.65, 51.15]
  people: 185000
- {id: port, en: [Aktau Sea Port]}
people:
- {id: taras, en: [Taras Shevchenko, Shevchenko]}
- id: tokayev
  en: [Kassym-Jomart Tokayev, Tokayev]
  offices: [{office: President, since: 2019-03-20}]
concepts:
- {id: killed, en: [killed], ru: [погиб*], group: casualties, severity: 4}
- {id: aktau-day, en: [Aktau day]}
"""


@pytest.fixture
def known(empty_desk: Any) -> Any:
    """A desk with queries, saved ones too, and a gazetteer."""
    folder = empty_desk.config / "gazetteer"
    folder.mkdir()
    (folder / "kz.yaml").write_text(GAZETTEER)
    (empty_desk.config / "monitor.yaml").write_text(MONITOR)
    (empty_desk.config / "watches.yaml").write_text(WATCHES)
    return empty_desk


def asked(desk: Any, text: str, *arguments: str) -> Any:
    """What `explain` says of a text, by watch."""
    file: Path = desk.folder / "text.txt"
    file.write_text(text)
    row = desk.json("explain", str(file), *arguments)
    return {each["watch"]: each for each in row["watches"]}, row


# --- explain ------------------------------------------------------------------------------------------------------------


def test_a_text_is_explained_watch_by_watch(known: Any) -> None:
    of, row = asked(known, "Митинги в Актау\nДва человека погибли, цены на газ растут")
    assert (row["title"], row["language"]) == ("Митинги в Актау", "ru")
    assert [(each["key"], each["mentions"][0]["word"]) for each in row["places"]] == [("place/aktau", "Актау")]
    assert [each["key"] for each in row["concepts"]] == ["concept/killed"]
    assert list(of) == ["unrest", "fuel", "towns"]
    assert of["unrest"]["wanted"]
    reasons = [reason for line in of["unrest"]["query"] for reason in line["reasons"]]
    assert reasons == [
        {"keyword": "митинг", "word": "Митинги", "field": "title", "start": 0, "end": 7, "rule": "Russian ending"}
    ]
    assert of["unrest"]["misses"] == []


def test_a_name_within_a_longer_one_is_marked_and_not_shown(known: Any) -> None:
    _, row = asked(known, "Ships wait at Aktau Sea Port")
    covered = {each["key"]: [spot["covered"] for spot in each["mentions"]] for each in row["places"]}
    assert covered == {"place/port": [False], "place/aktau": [True]}
    assert row["named"] == ["place/port"]
    assert "places: Aktau Sea Port\n" in known.run("explain", str(known.folder / "text.txt")).stdout


def test_what_is_excluded_hides_what_was_found(known: Any) -> None:
    of, _ = asked(known, "Protests after football")
    assert not of["unrest"]["wanted"]
    (miss,) = of["unrest"]["misses"]
    assert [reason["word"] for reason in miss["hidden_by"]] == ["football"]
    assert "left out for: football" in known.run("explain", str(known.folder / "text.txt")).stdout


def test_the_nearest_miss_is_told_in_words(known: Any) -> None:
    of, _ = asked(known, "Protestantism in Europe")
    (miss,) = of["unrest"]["misses"]
    (near,) = miss["near"]
    assert (near["keyword"], near["word"], near["field"]) == ("protest", "Protestantism", "title")
    text = known.run("explain", str(known.folder / "text.txt")).stdout
    assert "unrest: not wanted\n  nothing found of: митинг, protest\n    nearest: Protestantism in the title" in text


def test_what_was_found_and_was_not_enough_stands_before_what_is_missing(known: Any) -> None:
    asked(known, "Gas from abroad")
    text = known.run("explain", str(known.folder / "text.txt")).stdout
    assert "fuel: not wanted\n  Gas (as written), title 0-3\n  nothing found of: price*\n" in text


def test_a_score_below_the_least_is_told(known: Any) -> None:
    of, _ = asked(known, "Aktau is quiet")
    assert (of["towns"]["wanted"], of["towns"]["score"], of["towns"]["least_score"]) == (False, 1.0, 2.0)
    assert of["towns"]["misses"] == []
    text = known.run("explain", str(known.folder / "text.txt")).stdout
    assert "towns: not wanted, its score 1 is below 2" in text


def test_a_named_watch_is_shown_part_by_part_also_when_it_is_disabled(known: Any) -> None:
    asked(known, "Fuel is short")
    text = known.run("explain", str(known.folder / "text.txt"), "--watch", "quiet").stdout
    assert "quiet: wanted, score 1\n  + fuel, газ (in the title)\n      Fuel (as written), title 0-4\n" in text
    assert "unrest" not in text
    assert "did you mean `quiet`?" in known.run("explain", "x", "--watch", "quite", code=2).stderr


def test_a_text_without_a_source_is_not_held_to_limits_and_a_line_with_one_is(known: Any) -> None:
    of, _ = asked(known, "Gas prices")
    assert of["fuel"]["wanted"]
    assert "limits to that were left out: fuel" in known.run("explain", str(known.folder / "text.txt")).stderr
    row = {"id": "7", "source": "Zakon", "title": "Gas prices", "content": "<p>rise</p>", "published": "2022-01-02"}
    of, shown = asked(known, json.dumps(row))
    assert (shown["id"], shown["feed"], shown["published"]) == ("7", "zakon", "2022-01-02T00:00:00Z")
    assert not of["fuel"]["wanted"]
    assert of["fuel"]["outside"] == "group national"
    result = known.run("explain", str(known.folder / "text.txt"))
    assert "fuel: not wanted, it comes from outside its limits (group national)" in result.stdout
    assert "left out" not in result.stderr
    of, _ = asked(known, json.dumps({**row, "source": "tengri"}))
    assert of["fuel"]["wanted"]


def test_a_text_is_taken_as_a_feed_would_bring_it(known: Any) -> None:
    _, row = asked(known, "\u202e Protest \x1b[2J of " + "x" * 5000 + "\nin  " + "y" * 60_000)
    assert row["title"].startswith("Protest [2J of xxx")
    assert len(row["title"]) == 1000
    of, _ = asked(known, "Quiet\n" + "word " * 9990 + "protest " + "word " * 9990)
    (spot,) = (reason for line in of["unrest"]["query"] for reason in line["reasons"])
    assert (spot["field"], spot["start"]) == ("text", 49950)


def test_a_text_comes_from_stdin_too(known: Any) -> None:
    result = CliRunner().invoke(app, ["explain", "-", "--config", str(known.config)], input="Protest")
    assert "unrest: wanted, score 1\n  Protest" in result.stdout


def test_a_stored_report_is_explained_by_the_beginning_of_its_id(desk: Any) -> None:
    row = desk.json("explain", "r1ab01")
    assert row["title"] == "Протест в Актау"
    assert [(each["watch"], each["wanted"]) for each in row["watches"]] == [("unrest", True), ("fuel", False)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "text.txt: is empty"),
        (b"\xff\xfe", "text.txt: is not UTF-8"),
        (b'{"id": 1}', "text.txt: `title` is missing"),
    ],
)
def test_a_file_that_says_nothing_is_wrong_usage(known: Any, content: bytes, said: str) -> None:
    file = known.folder / "text.txt"
    file.write_bytes(content)
    assert said in known.run("explain", str(file), code=2).stderr


def test_what_is_neither_a_file_nor_an_id_is_wrong_usage(desk: Any) -> None:
    assert "there is no file `none.txt`" in desk.run("explain", "none.txt", code=2).stderr
    assert "no report has an id that begins with `r9`" in desk.run("explain", "r9", code=2).stderr
    assert "may mean several reports" in desk.run("explain", "r1", code=2).stderr


def test_what_a_stored_report_is_about_is_shown_by_title_or_by_key_where_the_entry_is_gone(known: Any) -> None:
    gazetteer = load(known.config, environ={}).gazetteer
    assert about(("place/aktau", "place/gone"), gazetteer) == "Aktau, place/gone"


# --- watches explain ----------------------------------------------------------------------------------------------------


def test_a_watch_is_explained_as_a_tree_of_its_keywords_and_their_forms(known: Any) -> None:
    text = known.run("watches", "explain", "unrest").stdout
    assert text.startswith("unrest: all of these\n├── one of these\n│   ├── митинг\n")
    assert "Russian ending: митинг(- а ам ами ах е и ов ом у)" in text
    assert "Kazakh suffix: митинг(" in text
    assert "English ending: protest(- ed ing s)" in text
    assert "not this" in text
    assert "football" in text


def test_a_name_is_explained_by_the_gazetteer_and_a_saved_query_by_its_own(known: Any) -> None:
    text = known.run("watches", "explain", "towns").stdout
    assert "saved as @towns" in text
    assert "Aktau (place/aktau)" in text
    assert "Russian: Актау" in text
    assert "Aktau (place/aktau, see above)" in text
    assert "counting 3 times" in text
    assert "only group national" in known.run("watches", "explain", "fuel").stdout


def test_a_watch_is_explained_for_programs(known: Any) -> None:
    row = known.json("watches", "explain", "towns")
    assert set(row) == {"watch", "query", "fields", "limits", "least_score", "expansion"}
    assert (row["query"], row["least_score"]) == ("@towns AND rally^3 OR place:Aktau", 2.0)
    assert set(row["expansion"]) == {"label", "keywords", "parts"}
    (place,) = row["expansion"]["keywords"]
    assert (place["keyword"], place["entries"][0]["key"]) == ("place:Aktau", "place/aktau")
    forms = known.json("watches", "explain", "unrest")["expansion"]["parts"][0]["keywords"][0]["words"][0]
    assert set(forms[0]) == {"stem", "language", "rule", "endings", "more", "capitals"}
    assert any("ами" in each["endings"] and not each["more"] for each in forms)
    assert any(each["language"] == "kk" and each["more"] for each in forms)


# --- watches format, add and test ---------------------------------------------------------------------------------------


def test_a_query_is_shown_in_its_canonical_form_and_lists_as_the_query_they_are(known: Any) -> None:
    assert known.run("watches", "format", "fuel").stdout == "gas AND price*\n"
    assert known.run("watches", "format", "unrest").stdout == "(митинг OR protest) AND NOT football\n"
    text = known.run("watches", "format").stdout
    assert "\ntowns\n@towns AND rally^3 OR place:Aktau\n" in text
    assert known.json("watches", "format", "fuel") == {"queries": [{"watch": "fuel", "query": "gas AND price*"}]}


def test_queries_are_written_back_and_all_else_stays(known: Any) -> None:
    written = known.run("watches", "format", "--write").stdout
    assert "Wrote the queries of fuel, towns in" in written
    expected = WATCHES.replace('"gas   price*" # why', '"gas AND price*" # why').replace(
        "query: |\n    @towns rally^3\n    OR place:Aktau\n", "query: |-\n    @towns AND rally^3 OR place:Aktau\n"
    )
    assert known.watches_text() == expected
    assert "Nothing to change" in known.run("watches", "format", "--write").stdout
    assert known.json("watches", "format", "--write") == {"written": [], "reloaded": False}
    error = known.run("watches", "format", "unrest", "--write", code=2).stderr
    assert "has lists and no query" in error


def test_a_watch_is_added_by_its_query(known: Any) -> None:
    query = '"state of emergency" OR /комендант\\w+/ OR @aktau'
    row = known.json("watches", "add", "curfew", "--query", query)
    assert row["added"] == {"name": "curfew", "query": query, "severity": "notice"}
    stored = {each["name"]: each for each in known.json("watches", "list")["watches"]}
    assert stored["curfew"]["query"] == query
    assert f"query: '{query}'" in known.watches_text()
    assert stored["towns"]["score"] == 2
    rows = {line.split()[0]: line.split() for line in known.run("watches", "list").stdout.splitlines()}
    assert {name: rows[name][2] for name in ("unrest", "towns", "curfew")} == {
        "unrest": "2",
        "towns": "3",
        "curfew": "3",
    }


def test_a_query_that_cannot_be_meant_is_shown_with_its_place(known: Any) -> None:
    before = known.watches_text()
    error = known.run("watches", "add", "bad", "--query", "gas AND (price", code=2).stderr
    assert "line 1, column 9" in error
    assert "gas AND (price\n" in error
    assert "^" in error
    unknown = known.run("watches", "add", "bad", "--query", "@nobody gas", code=2).stderr
    assert "@nobody" in unknown
    assert known.watches_text() == before


def test_a_query_that_may_not_say_what_is_meant_is_taken_and_doubted(known: Any) -> None:
    error = known.run("watches", "add", "doubtful", "--query", "gas or petrol").stderr
    assert "`or` is a word here" in error
    assert "    ^^\n" in error
    assert "the operator is OR" in error


def test_testing_a_watch_shows_what_joined_word_and_keyword(known: Any) -> None:
    text = known.run("watches", "test", "unrest", "--text", "Люди на митинге").stdout
    heading, row = text.splitlines()
    assert heading.split() == ["watch", "word", "keyword", "rule"]
    assert row.split()[:3] == ["unrest", "митинге", "митинг"]
    assert "Russian ending" in row


# --- gazetteer ----------------------------------------------------------------------------------------------------------


def test_what_a_text_names_is_found_with_the_words_that_name_it(known: Any) -> None:
    text = known.run("gazetteer", "find", "Tokayev in Aktau: 5 killed").stdout
    rows = [line.split() for line in text.splitlines()]
    assert rows[0] == ["key", "title", "named", "by"]
    assert [row[0] for row in rows[1:]] == ["person/tokayev", "place/aktau", "concept/killed"]
    assert "Tokayev (as written)" in text
    row = known.json("gazetteer", "find", "Aktau")
    assert [each["key"] for each in row["called"]] == ["place/aktau"]
    assert row["places"][0]["mentions"][0]["start"] == 0
    result = known.run("gazetteer", "find", "Helsinki")
    assert "Nothing is called so." in result.stdout


def test_an_entry_is_shown_by_key_id_or_name(known: Any) -> None:
    by_key = known.run("gazetteer", "show", "place/aktau").stdout
    assert by_key == known.run("gazetteer", "show", "aktau").stdout
    assert by_key == known.run("gazetteer", "show", "Ақтау").stdout
    assert "coordinates  43.65, 51.15" in by_key
    assert "people       185,000" in by_key
    assert "in           KZ-47" in by_key
    assert "Shevchenko (until 1991-01-01)" in by_key
    assert "Contains 1 entry\nAktau" in known.run("gazetteer", "show", "KZ-47").stdout
    assert "offices  President (from 2019-03-20)" in known.run("gazetteer", "show", "tokayev").stdout


def test_an_entry_is_shown_for_programs(known: Any) -> None:
    row = known.json("gazetteer", "show", "place/aktau")
    assert (row["key"], row["kind"], row["title"], row["latitude"]) == ("place/aktau", "place", "Aktau", 43.65)
    assert row["in"] == [{"value": "KZ-47", "since": None, "until": None}]
    assert {name["name"]: name["until"] for name in row["names"]}["Shevchenko"] == "1991-01-01"


def test_a_name_of_several_entries_has_them_listed(known: Any) -> None:
    error = known.run("gazetteer", "show", "Shevchenko", code=2).stderr
    assert "may mean several entries" in error
    assert "  place/aktau Aktau" in error
    assert "  person/taras Taras Shevchenko" in error


def test_an_entry_that_is_not_there_has_its_nearest_named(known: Any) -> None:
    assert "did you mean `Shevchenko`?" in known.run("gazetteer", "show", "Shevchenk", code=2).stderr
