"""`monitor backtest`: what watches would find and tell, for people and for programs; nobody is told, nothing is kept."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from monitor.cli import app

LONG = "Люди вышли на площадь и требуют снизить цены, полиция перекрыла улицы, связь пропала."
ROWS: tuple[dict[str, Any], ...] = (
    {"id": "weather", "source": "Reuters", "title": "Weather in London", "published": "2022-01-02T00:00:00Z"},
    {
        "id": "first",
        "source": "tengri",
        "url": "https://tengri.example/article/1",
        "title": "Митинг в Жанаозене",
        "content": LONG,
        "published": "2022-01-02T04:00:00Z",
    },
    {
        "id": "copy",
        "source": "Власть",
        "url": "https://vlast.example/article/2",
        "title": "Митинг в Жанаозене",
        "content": LONG,
        "published": "2022-01-02T05:00:00Z",
    },
    {"id": "rally", "source": "zakon", "title": "A rally in Aktau", "published": "2022-01-03T20:00:00Z"},
)
KEYS = {
    "id", "line", "title", "source", "feed", "link", "published", "at", "language", "change", "version", "story",
    "development", "matches", "places", "people", "organisations", "concepts", "listings", "alerted", "alerts", "why",
}  # fmt: skip
SUMMARY = {
    "reports", "since", "until", "changes", "languages", "developments", "wanted", "alerts", "watches", "input",
}  # fmt: skip
GAZETTEER = """\
country: KZ
places:
- {id: aktau, en: [Aktau], ru: [Актау], at: [43.65, 51.15]}
people:
- {id: tokayev, en: [Kassym-Jomart Tokayev, Tokayev], ru: [Токаев]}
concepts:
- {id: square, en: [square], ru: [площадь]}
"""


def written(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.fixture
def given(empty_desk: Any) -> Path:
    """The lines of a small situation, and a gazetteer that knows some of it."""
    folder = empty_desk.config / "gazetteer"
    folder.mkdir()
    (folder / "kz.yaml").write_text(GAZETTEER)
    file = empty_desk.folder / "in.jsonl"
    file.write_text(written(*ROWS))
    return file


def lines(desk: Any, *arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in desk.run("backtest", *arguments, "--json").stdout.splitlines()]


def test_each_report_is_a_line_of_json_and_the_sums_are_the_last(empty_desk: Any, given: Path) -> None:
    *found, last = lines(empty_desk, "--input", str(given))
    assert [set(each) for each in found] == [{"report"}] * 4
    reports = {each["report"]["id"]: each["report"] for each in found}
    assert list(reports) == ["weather", "first", "copy", "rally"]
    assert all(set(each) == KEYS for each in reports.values())
    first = reports["first"]
    (match,) = first["matches"]
    reason = match["reasons"][0]
    assert (match["watch"], reason["word"], reason["field"], reason["start"], reason["end"]) == (
        "unrest", "Митинг", "title", 0, 6,
    )  # fmt: skip
    assert reason["rule"]
    assert (first["line"], first["feed"], first["language"], first["at"]) == (2, "tengri", "ru", "2022-01-02T04:00:00Z")
    assert (first["change"], first["development"], first["alerted"]) == ("new", "new_story", True)
    assert first["alerts"] == [{"route": "desk", "severity": "warning", "reason": "new_story", "watches": ["unrest"]}]
    assert first["listings"] == [{"watch": "unrest", "route": "desk", "disposition": "alerted"}]
    assert first["why"] == "desk: alerted, the first report of this story on this route"
    copy = reports["copy"]
    assert (copy["development"], copy["story"], copy["alerted"]) == ("copy", first["story"], False)
    assert copy["why"] == "desk: its story was told before: listed there as one more source"
    assert (reports["weather"]["why"], reports["weather"]["feed"]) == ("no watch wants it", "Reuters")
    assert [each["key"] for each in reports["rally"]["places"]] == ["place/aktau"]
    assert [each["title"] for each in first["concepts"]] == ["square"]
    assert set(last["summary"]) == SUMMARY
    assert (last["summary"]["wanted"], last["summary"]["alerts"]) == (3, 2)
    unrest = last["summary"]["watches"][0]
    assert unrest == {
        "watch": "unrest",
        "reports": 3,
        "alerts": 2,
        "days": {"2022-01-02": 2, "2022-01-04": 1},
        "sources": {"Tengrinews": 1, "Власть": 1, "Zakon": 1},
        "forms": {"митинг": 2, "rally": 1},
    }


def test_an_edit_counts_only_for_watches_that_had_not_wanted_the_report(empty_desk: Any, given: Path) -> None:
    edit = {**ROWS[1], "content": f"{LONG} На газ растут цены, идёт rally.", "published": "2022-01-02T06:00:00Z"}
    given.write_text(written(ROWS[1], edit, edit))
    first, edited, same, last = lines(empty_desk, "--input", str(given), "--watch", "unrest", "--watch", "fuel")
    assert [match["watch"] for match in first["report"]["matches"]] == ["unrest"]
    assert (edited["report"]["change"], edited["report"]["version"]) == ("revised", 2)
    assert [match["watch"] for match in edited["report"]["matches"]] == ["unrest", "fuel"]
    assert [(each["watch"], each["disposition"]) for each in edited["report"]["listings"]] == [("fuel", "alerted")]
    assert same["report"]["why"] == "known already, nothing of it is new"
    assert [(each["watch"], each["reports"]) for each in last["summary"]["watches"]] == [("unrest", 1), ("fuel", 1)]
    again = {**ROWS[1], "content": f"{LONG} Ещё одно предложение.", "published": "2022-01-02T06:00:00Z"}
    given.write_text(written(ROWS[1], again))
    assert lines(empty_desk, "--input", str(given))[1]["report"]["why"] == "wanted and listed before"


def test_the_same_for_people(empty_desk: Any, given: Path) -> None:
    text = empty_desk.run("backtest", "--input", str(given)).stdout
    blocks = text.split("2022-01-0")
    assert "no watch wants it" in blocks[1]
    assert "Митинг в Жанаозене  (Tengrinews, ru)" in blocks[2]
    assert "  unrest, score 2:\n    Митинг" in blocks[2]
    assert "title 0-6" in blocks[2]
    assert "concepts: square (площадь)" in blocks[2]
    assert "new story\n  desk: alerted, the first report of this story on this route\n" in blocks[2]
    assert "places: Aktau" in text
    summary = text.partition("\nSummary\n")[2]
    assert "reports    4 (new 4)" in summary
    assert "by day     2022-01-02 2, 2022-01-04 1" in summary
    assert "words      митинг 2, rally 1" in summary
    assert "Nothing found: fuel." in summary
    assert "\nfuel\n" not in summary
    assert "Asia/Almaty" in summary


def test_only_wanted_reports_are_printed_when_asked(empty_desk: Any, given: Path) -> None:
    *found, last = lines(empty_desk, "--input", str(given), "--wanted")
    assert [each["report"]["id"] for each in found] == ["first", "copy", "rally"]
    assert last["summary"]["reports"] == 4


def test_a_named_watch_runs_alone_also_when_it_is_disabled(empty_desk: Any, given: Path) -> None:
    *found, last = lines(empty_desk, "--input", str(given), "--watch", "quiet", "--watch", "fuel")
    assert [len(each["report"]["matches"]) for each in found] == [0, 0, 0, 1]
    assert [each["watch"] for each in last["summary"]["watches"]] == ["fuel", "quiet"]
    error = empty_desk.run("backtest", "--input", str(given), "--watch", "quite", code=2).stderr
    assert "did you mean `quiet`?" in error


def test_lines_come_from_stdin_and_packed_too(empty_desk: Any, given: Path) -> None:
    packed = given.with_suffix(".gz")
    packed.write_bytes(gzip.compress(given.read_bytes()))
    expected = lines(empty_desk, "--input", str(given))
    assert lines(empty_desk, "--input", str(packed)) == expected
    arguments = ["backtest", "--input", "-", "--json", "--config", str(empty_desk.config)]
    piped = CliRunner().invoke(app, arguments, input=given.read_bytes())
    assert [json.loads(line) for line in piped.stdout.splitlines()] == expected


def test_bad_lines_are_named_and_unknown_keys_counted_while_the_run_goes_on(empty_desk: Any, given: Path) -> None:
    given.write_text("not json\n" + written({**ROWS[1], "extra": 1, "more": 2}, {**ROWS[3], "extra": 1}))
    result = empty_desk.run("backtest", "--input", str(given), "--json")
    assert "line 1: is not JSON" in result.stderr
    assert "Keys that nothing is done with: extra 2, more 1." in result.stderr
    summary = json.loads(result.stdout.splitlines()[-1])["summary"]
    assert summary["reports"] == 2
    assert summary["input"] == {
        "lines": 3,
        "bad": 1,
        "bad_lines": [{"line": 1, "why": "is not JSON"}],
        "unknown_keys": {"extra": 2, "more": 1},
    }
    assert "lines left out  1 of 3" in empty_desk.run("backtest", "--input", str(given)).stdout


def test_many_bad_lines_are_not_all_told(empty_desk: Any, given: Path) -> None:
    given.write_text("x\n" * 30 + written(ROWS[0]))
    assert "... and 20 more lines" in empty_desk.run("backtest", "--input", str(given)).stderr


def test_a_file_without_any_report_is_an_error_and_an_empty_one_is_not(empty_desk: Any, given: Path) -> None:
    given.write_text("x\n{}\n")
    assert (
        "none of its 2 lines says a report; line 1 is not JSON"
        in empty_desk.run("backtest", "--input", str(given), code=1).stderr
    )
    given.write_text("")
    assert lines(empty_desk, "--input", str(given))[0]["summary"]["reports"] == 0
    assert "reports  0" in empty_desk.run("backtest", "--input", str(given)).stdout


def test_it_says_what_to_run_over(empty_desk: Any, given: Path) -> None:
    assert "choose one" in empty_desk.run("backtest", code=2).stderr
    assert "choose one" in empty_desk.run("backtest", "--input", str(given), "--since", "1d", code=2).stderr
    assert "cannot be read" in empty_desk.run("backtest", "--input", "none.jsonl", code=2).stderr


def test_what_is_stored_is_decided_again_under_its_own_ids(desk: Any) -> None:
    before = (desk.data / "monitor.db").read_bytes()
    *found, last = lines(desk, "--since", "2d")
    reports = [each["report"] for each in found]
    assert [each["id"][:6] for each in reports] == ["r1ab01", "r1ab02", "r1ff03"]
    assert [each["change"] for each in reports] == ["new"] * 3
    assert [match["watch"] for match in reports[0]["matches"]] == ["unrest"]
    assert "input" not in last["summary"]
    assert (desk.data / "monitor.db").read_bytes() == before


def test_nothing_is_left_behind(empty_desk: Any, given: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = empty_desk.folder / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    empty_desk.run("backtest", "--input", str(given))
    assert not list(folder.iterdir())
    assert not empty_desk.data.exists()


# --- a candidate --------------------------------------------------------------------------------------------------------

CANDIDATE = """\
watches:
- {name: unrest, title: Unrest, any: [rally], severity: warning}
- {name: london, any: [London]}
- {name: fuel, any: [fuel]}
"""


@pytest.fixture
def candidate(empty_desk: Any) -> Path:
    file: Path = empty_desk.folder / "other.yaml"
    file.write_text(CANDIDATE)
    return file


def test_a_candidate_shows_what_it_would_add_and_remove(empty_desk: Any, given: Path, candidate: Path) -> None:
    *found, last = lines(empty_desk, "--input", str(given), "--compare", str(candidate))
    compared = {each["report"]["id"]: each["report"]["compare"] for each in found}
    added = {key: [match["watch"] for match in each["added"]] for key, each in compared.items()}
    removed = {key: [match["watch"] for match in each["removed"]] for key, each in compared.items()}
    assert added == {"weather": ["london"], "first": [], "copy": [], "rally": []}
    assert removed == {"weather": [], "first": ["unrest"], "copy": ["unrest"], "rally": []}
    assert [each["alerted"] for each in compared.values()] == [True, False, False, True]
    assert last["summary"]["compare"] == {"alerts": 2, "added": 1, "removed": 2}
    of = {each["watch"]: each for each in last["summary"]["watches"]}
    assert (of["london"]["reports"], of["london"]["added"], of["unrest"]["removed"]) == (0, 1, 2)
    assert of["london"]["added_examples"] == [{"id": "weather", "title": "Weather in London", "words": ["London"]}]
    assert [each["id"] for each in of["unrest"]["removed_examples"]] == ["first", "copy"]


def test_a_candidate_for_people(empty_desk: Any, given: Path, candidate: Path) -> None:
    text = empty_desk.run("backtest", "--input", str(given), "--compare", str(candidate)).stdout
    assert "+ candidate adds london: London" in text
    assert "- candidate removes unrest: Митинг" in text
    assert "with the candidate: no watch wants it" in text
    assert "alerts     2 (candidate: 2)" in text
    assert "candidate  adds 0, removes 2" in text
    assert "+ Weather in London (London)" in text


def test_a_candidate_with_mistakes_is_refused_by_its_own_name(empty_desk: Any, given: Path, candidate: Path) -> None:
    candidate.write_text("watches:\n- {name: unrest, anny: [rally]}\n")
    error = empty_desk.run("backtest", "--input", str(given), "--compare", str(candidate), code=2).stderr
    assert f"{candidate}:2:" in error
    missing = empty_desk.run("backtest", "--input", str(given), "--compare", "none.yaml", code=2).stderr
    assert "none.yaml: cannot be read" in missing
