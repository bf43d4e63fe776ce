"""Reports as lines of JSON: what is taken, what is named as bad, in which order they are decided."""

from __future__ import annotations

import gzip
import io
import json
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support import values

from monitor.cli import lines
from monitor.cli.lines import BadLine, Lines, open_lines, read_line
from monitor.errors import UsageError
from monitor.model import IntakeEntry

NOW = datetime(2022, 1, 9, tzinfo=UTC)
FEEDS = (
    values.feed("tengri", name="Tengrinews", outlet="tengri-news"),
    values.feed("vlast", name="Власть"),
    values.feed("copy", name="Власть", outlet="tengri"),
)


def raw(**row: Any) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"


def read(*given: bytes) -> tuple[Lines, list[IntakeEntry]]:
    with Lines() as taken:
        taken.take(io.BytesIO(b"".join(given)))
        return taken, list(taken.entries("kz", FEEDS, NOW))


def test_a_line_becomes_an_entry_that_came_in_when_it_was_published() -> None:
    row = raw(
        id=7,
        source="tengrinews ",
        url="https://t.example/7",
        title=" Митинг  в Актау",
        summary="Коротко",
        content="<p>Люди вышли&nbsp;на площадь</p><script>x()</script>",
        published="2022-01-02T10:00:00+06:00",
        language="ru",
    )
    _, (intake,) = read(row)
    at = datetime(2022, 1, 2, 4, tzinfo=UTC)
    assert (intake.seq, intake.feed_id, intake.seen_at, intake.situation) == (1, "tengri", at, "kz")
    entry = intake.entry
    assert (entry.guid, entry.link, entry.published, entry.language) == ("7", "https://t.example/7", at, "ru")
    assert (entry.title, entry.summary) == ("Митинг в Актау", "Люди вышли на площадь")


def test_plain_text_with_angles_stays_as_it_is() -> None:
    assert read_line(raw(id="1", title="a < b and c > d & e")).entry.title == "a < b and c > d & e"


@pytest.mark.parametrize(
    ("source", "url", "feed"),
    [
        ("tengri", None, "tengri"),
        ("TENGRINEWS", None, "tengri"),
        ("tengri-news", None, "tengri"),
        ("власть", None, "vlast"),
        ("Reuters", None, "Reuters"),
        (None, "https://www.bbc.example/1", "bbc.example"),
        (None, None, "input"),
    ],
)
def test_a_source_is_a_feed_by_id_name_or_outlet_and_else_itself(
    source: str | None, url: str | None, feed: str
) -> None:
    _, (intake,) = read(raw(id="1", title="x y", source=source, url=url))
    assert intake.feed_id == feed


@pytest.mark.parametrize(
    ("published", "hour"),
    [
        ("2022-01-02", 0),
        ("2022-01-02T05:00:00Z", 5),
        ("2022-01-02 05:00:00", 5),
        ("Sun, 02 Jan 2022 11:00:00 +0600", 5),
        (1641099600, 5),
        (1641099600.5, 5),
    ],
)
def test_times_are_those_that_feeds_write_or_seconds(published: Any, hour: int) -> None:
    found = read_line(raw(id="1", title="x", published=published)).entry.published
    assert found is not None
    assert (found.date().isoformat(), found.hour) == ("2022-01-02", hour)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"not json\n", "is not JSON"),
        (b"[" * 100_000 + b"\n", "is not JSON"),
        (b'{"id": ' + b"9" * 5000 + b', "title": "x"}\n', "is not JSON"),
        (b'{"id": "1", "title": "\xff"}\n', "is not UTF-8"),
        (b'["a"]\n', "is no JSON object"),
        (raw(id="1"), "`title` is missing"),
        (raw(id="1", title=""), "`title` is missing"),
        (raw(id="1", title=" \u200b "), "`title` has nothing to read"),
        (raw(id="1", title=5), "`title` is not a text"),
        (raw(id="1", title="x", content=["x"]), "`content` is not a text"),
        (raw(id=True, title="x"), "`id` is neither a text nor a number"),
        (raw(id=1.5, title="x"), "`id` is neither a text nor a number"),
        (raw(title="x"), "needs `id` or `url`"),
        (raw(title="x", url="javascript:alert(1)"), "`url` is no http(s) address, and there is no `id`"),
        (raw(id="1", title="x", published="yesterday"), '`published` is no date: "yesterday"'),
        (raw(id="1", title="x", published=1e30), "`published` is no date: 1e+30"),
        (b'{"id": "1", "title": "x", "published": NaN}\n', "`published` is no date: NaN"),
        (raw(id="1", title="x", published=True), "`published` is no date: true"),
    ],
)
def test_a_line_that_says_no_report_is_named_with_its_number_and_the_others_are_taken(line: bytes, why: str) -> None:
    taken, found = read(raw(id="1", title="first"), b"\n", line, raw(id="2", title="last"))
    assert [each.entry.title for each in found] == ["first", "last"]
    assert (taken.notes.lines, taken.notes.bad, taken.notes.named) == (3, 1, [BadLine(number=3, why=why)])


def test_half_a_character_in_a_line_hurts_nobody() -> None:
    _, (intake,) = read(b'{"id": "1", "title": "half \\ud83d of it"}\n')
    assert intake.entry.title == "half of it"


def test_a_line_that_is_too_long_is_left_out_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST", 100)
    long = raw(id="1", title="x" * 1000)
    taken, found = read(long, raw(id="2", title="short"))
    assert [each.entry.title for each in found] == ["short"]
    assert (taken.notes.lines, taken.notes.bad) == (2, 1)


def test_only_so_many_bad_lines_are_kept_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST_NAMED", 2)
    taken, _ = read(*[b"x\n"] * 5)
    assert (taken.notes.bad, len(taken.notes.named)) == (5, 2)


def test_unknown_keys_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST_KEYS", 2)
    taken, _ = read(raw(id="1", title="x", a=1, b=2), raw(id="2", title="x", b=1, c=3))
    assert taken.notes.unknown == {"a": 1, "b": 2}


def test_reports_come_in_the_order_of_their_times_and_without_one_behind_the_line_before() -> None:
    _, found = read(
        raw(id="none yet", title="x"),
        raw(id="late", title="x", published="2022-01-05"),
        raw(id="behind late", title="x"),
        raw(id="early", title="x", published="2022-01-02"),
        raw(id="behind early", title="x"),
        raw(id="same time", title="x", published="2022-01-05"),
    )
    order = ["early", "behind early", "none yet", "late", "behind late", "same time"]
    assert [each.entry.guid for each in found] == order
    assert [each.seq for each in found] == [4, 5, 1, 2, 3, 6]
    assert found[1].seen_at == found[0].seen_at
    assert found[1].entry.published is None


def test_lines_without_any_time_come_now() -> None:
    _, found = read(raw(id="1", title="x"), raw(id="2", title="x"))
    assert {each.seen_at for each in found} == {NOW}


def test_the_mark_that_windows_puts_before_a_file_is_no_part_of_it() -> None:
    _, found = read(b"\xef\xbb\xbf" + raw(id="1", title="x"))
    assert len(found) == 1


def test_packed_lines_are_unpacked_and_a_file_that_ends_early_says_so() -> None:
    packed = gzip.compress(raw(id="1", title="first") * 50)
    _, found = read(packed)
    assert len(found) == 50
    taken, _ = read(packed[:-10])
    assert taken.notes.bad == 1
    assert taken.notes.named[0].why.startswith("cannot be unpacked")


def test_a_dash_is_stdin_and_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    stdin = io.BytesIO(b"x")
    with ExitStack() as stack:
        assert open_lines(Path("-"), stdin, stack) is stdin
        with pytest.raises(UsageError, match=r"none\.jsonl: cannot be read: No such file"):
            open_lines(tmp_path / "none.jsonl", stdin, stack)
        with pytest.raises(UsageError, match="Is a directory"):
            open_lines(tmp_path, stdin, stack)
