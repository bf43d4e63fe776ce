"""Moments, differences, words and tables: the pure part of the command line."""

from __future__ import annotations

import io
import json
import re
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.cli import ids, moments, output, worddiff, words
from monitor.cli.worddiff import Kind, Stretch
from monitor.errors import UsageError
from monitor.model import Disposition, Reason, Secret, Severity

NOW = datetime(2022, 1, 5, 10, 3, tzinfo=UTC)
ALMATY = "Asia/Almaty"

TEXTS = st.text(alphabet="аб12 .,\n", max_size=40)


@given(before=TEXTS, after=TEXTS)
def test_a_difference_holds_both_texts(before: str, after: str) -> None:
    parts = worddiff.compare(before, after)
    assert "".join(part.text for part in parts if part.kind is not Kind.ADDED) == before
    assert "".join(part.text for part in parts if part.kind is not Kind.REMOVED) == after


def test_a_difference_is_by_words_and_joins_neighbours() -> None:
    parts = worddiff.compare("Задержаны двенадцать человек в Актау.", "Задержаны сто пять человек в Актау.")
    assert [(part.kind, part.text) for part in parts] == [
        ("same", "Задержаны "),
        ("removed", "двенадцать"),
        ("added", "сто пять"),
        ("same", " человек в Актау."),
    ]


def test_words_changed_one_after_the_other_are_one_change() -> None:
    parts = worddiff.compare("было два три человека", "было сто пять человека")
    assert [(part.kind, part.text) for part in parts][1:3] == [("removed", "два три"), ("added", "сто пять")]


def test_a_very_long_text_is_shown_as_replaced() -> None:
    parts = worddiff.compare("а " * 3000, "б " * 3000)
    assert [part.kind for part in parts] == ["removed", "added"]


@pytest.mark.parametrize(
    ("head", "tail", "expected"),
    [
        (False, True, "… 7 8 9 {+x+}"),
        (True, False, "{+x+} 0 1 2 …"),
        (True, True, "{+x+} 0 1 2 … 7 8 9 {+x+}"),
        (False, False, " 0 1 2 3 4 5 6 7 8 9 "),
    ],
)
def test_a_brief_difference_keeps_the_words_next_to_a_change(head: bool, tail: bool, expected: str) -> None:
    change, same = Stretch(kind=Kind.ADDED, text="x"), Stretch(kind=Kind.SAME, text=" 0 1 2 3 4 5 6 7 8 9 ")
    full = [change] * head + [same] + [change] * tail
    parts = worddiff.brief(full, context=3)
    assert "".join(f"{{+{part.text}+}}" if part.kind is Kind.ADDED else part.text for part in parts) == expected
    assert worddiff.brief(full, context=10) == tuple(full)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30m", NOW - timedelta(minutes=30)),
        ("24h", NOW - timedelta(hours=24)),
        ("7D", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(weeks=2)),
        ("2022-01-02", datetime(2022, 1, 1, 18, 0, tzinfo=UTC)),
        ("2022-01-02T10:00", datetime(2022, 1, 2, 4, 0, tzinfo=UTC)),
        ("2022-01-02T10:00+00:00", datetime(2022, 1, 2, 10, 0, tzinfo=UTC)),
        ("99999w", NOW - timedelta(weeks=99999)),
    ],
)
def test_since_takes_spans_and_dates_in_the_desks_zone(text: str, expected: datetime) -> None:
    assert moments.since(text, NOW, ALMATY) == expected


@pytest.mark.parametrize("text", ["yesterday", "h", "-3h", "2022-13-01", "", "1000000d", "0001-01-01"])
def test_since_refuses_anything_else_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="24h"):
        moments.since(text, NOW, ALMATY)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (NOW, "now"),
        (NOW - timedelta(seconds=45), "45 s ago"),
        (NOW - timedelta(minutes=59), "59 min ago"),
        (NOW - timedelta(hours=47), "1 d ago"),
        (NOW + timedelta(hours=2), "in 2 h"),
        (None, None),
    ],
)
def test_how_long_ago_is_told_in_the_largest_unit(moment: datetime | None, expected: str | None) -> None:
    assert moments.ago(moment, NOW) == expected


def test_a_moment_is_shown_in_utc_and_in_the_desks_zone() -> None:
    assert moments.full(NOW, ALMATY) == "2022-01-05 10:03:00 UTC (16:03 Asia/Almaty)"
    assert moments.full(NOW + timedelta(hours=9), ALMATY) == "2022-01-05 19:03:00 UTC (2022-01-06 01:03 Asia/Almaty)"
    assert moments.full(NOW, "UTC") == "2022-01-05 10:03:00 UTC"
    assert moments.short(NOW, ALMATY) == "2022-01-05 16:03"


def test_json_values_are_plain_and_secrets_stay_hidden() -> None:
    given_values = {
        "at": NOW,
        "fraction": NOW + timedelta(milliseconds=5),
        "span": timedelta(minutes=1.5),
        "severity": Severity.CRITICAL,
        "word": Disposition.COPY,
        "secret": Secret("hush"),
        "rows": (1, 2.5, None, True),
    }
    assert output.plain(given_values) == {
        "at": "2022-01-05T10:03:00Z",
        "fraction": "2022-01-05T10:03:00.005Z",
        "span": 90.0,
        "severity": "critical",
        "word": "copy",
        "secret": "***",
        "rows": [1, 2.5, None, True],
    }


@pytest.mark.parametrize("encoding", ["utf-8", "koi8-r", "ascii"])
def test_json_is_valid_in_every_encoding_of_standard_output(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding=encoding) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        output.show_json({"title": "Қаңтар \ud83d …"})
        stream.flush()
        assert json.loads(raw.getvalue().decode(encoding)) == {"title": "Қаңтар \ud83d …"}


def test_matched_words_name_the_keyword_where_the_text_has_it_otherwise() -> None:
    reasons = [
        Reason(keyword="Митинг", surface="митинг", field="title", start=0, end=6),
        Reason(keyword="шеру", surface="шеруге", field="text", start=0, end=6),
        Reason(keyword="шеру", surface="Шеруге", field="text", start=9, end=15),
    ]
    assert words.matched_words(reasons) == "митинг, Шеруге (шеру)"


def test_every_disposition_has_words() -> None:
    assert {words.state_words(each) for each in Disposition} == set(words.DISPOSITIONS.values())


def test_an_id_that_means_nothing_or_too_much_is_told_with_candidates() -> None:
    rows = [(f"d1a{number:02}", "mail") for number in range(12)]
    assert ids.found("delivery", "x", "value", lambda: pytest.fail("asked for nothing")) == "value"
    with pytest.raises(UsageError, match=r"several deliveries(.|\n)*d1a00  mail(.|\n)*and 2 more"):
        ids.found("delivery", "d1a", None, lambda: rows)
    with pytest.raises(UsageError, match="no story has an id that begins with `s1`; `monitor stories list`"):
        ids.found("story", "s1", None, list)


# --- where nobody sits at a terminal ----------------------------------------------------------------------------------


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


LONG = "The answer is not what a feed is. " * 12
ADDRESS = "https://news.example/" + "x" * 120


def _shown(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, *rows: tuple[str, ...]) -> list[str]:
    monkeypatch.setattr(sys, "stdout", stream)
    output.show(output.table(("id", "state", "reason"), rows, empty="None."))
    return stream.getvalue().splitlines()


@pytest.mark.parametrize(
    "environ", [{}, {"COLUMNS": "80"}, {"FORCE_COLOR": "1"}, {"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str
)
def test_in_a_pipe_a_row_is_a_line_with_all_of_its_words(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    lines = _shown(monkeypatch, io.StringIO(), (ADDRESS, "failing", LONG), ("short", "ok", "Fine."))
    assert len(lines) == 3
    assert ADDRESS in lines[1]
    assert LONG.strip() in lines[1]
    assert not any(line.endswith(" ") for line in lines)


def test_messages_in_a_pipe_are_not_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stderr", stream := io.StringIO())
    output.say(LONG)
    assert stream.getvalue().strip() == LONG.strip()


@pytest.mark.parametrize("first", ["news", ADDRESS])
def test_on_a_narrow_terminal_nothing_is_cut_and_no_column_is_crowded_out(
    monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in _shown(monkeypatch, _Terminal(), (first, "failing", LONG))]
    assert all(len(line) <= 80 for line in lines)
    assert "…" not in "".join(lines)
    assert "failing" in lines[1]
    assert "".join(line[: lines[0].index("state")].strip() for line in lines[1:]) == first
    assert " ".join(line[lines[0].index("reason") :].strip() for line in lines[1:]).split() == LONG.split()
