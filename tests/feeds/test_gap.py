from __future__ import annotations

from datetime import datetime

import pytest
from support.feeds import NOW, a_state, hours, minutes

from monitor.feeds import gap
from monitor.feeds.gap import Caught
from monitor.model import Entry


def entry(name: str, text: str = "", **fields: object) -> Entry:
    return Entry(**({"guid": name, "link": None, "title": name, "summary": text} | fields))  # type: ignore[arg-type]


def test_entries_of_several_documents_are_decided_oldest_first() -> None:
    newest, older, oldest = map(entry, "fe"), map(entry, "dc"), map(entry, "ba")
    assert "".join(e.title for e in gap.entries_of([tuple(newest), tuple(older), tuple(oldest)])) == "abcdef"


def test_of_two_forms_of_an_entry_the_one_updated_last_wins_else_the_more_recent_document() -> None:
    def text(left: datetime | None, right: datetime | None) -> str:
        [chosen] = gap.entries_of([(entry("a", "recent", updated=left),), (entry("a", "archive", updated=right),)])
        return chosen.summary

    assert text(None, None) == text(NOW, NOW) == text(NOW, None) == text(None, NOW) == "recent"
    assert text(NOW, NOW - hours(1)) == "recent"
    assert text(NOW - hours(1), NOW) == "archive"


def test_entries_without_guid_are_known_by_their_link_or_by_what_they_say() -> None:
    linked = [
        (entry("x", guid=None, link="https://a.example/1"),),
        (entry("y", guid=None, link="https://a.example/1"),),
    ]
    assert [e.title for e in gap.entries_of(linked)] == ["x"]
    bare = [(entry("x", guid=None),), (entry("x", guid=None), entry("y", guid=None))]
    assert [e.title for e in gap.entries_of(bare)] == ["y", "x"]


@pytest.mark.parametrize(
    ("since", "shown", "caught", "recovered", "told"),
    [
        (NOW - hours(1), [-20, -5], Caught(why="the feed names no older documents"), 0,
         "Between 2022-01-05 11:00 UTC and 2022-01-05 11:40 UTC some entries may be missing: the feed names no older documents."),
        (NOW - hours(1), [None], Caught(why="it broke off"), 1,
         "Between 2022-01-05 11:00 UTC and 2022-01-05 12:00 UTC some entries may be missing: 1 entry was recovered, but it broke off."),
        (NOW - hours(1), [-90, 60], Caught(closed=True), 7,
         "Before 2022-01-05 10:30 UTC the feed moved on further than its document reaches; 7 entries were recovered, nothing is missing."),
        (None, [], Caught(why="it broke off"), 0, "Before 2022-01-05 12:00 UTC some entries may be missing: it broke off."),
    ],
)  # fmt: skip
def test_a_gap_is_told_with_its_time_and_what_was_done_about_it(
    since: datetime | None, shown: list[float | None], caught: Caught, recovered: int, told: str
) -> None:
    entries = [
        entry(str(n), published=None if minute is None else NOW + minutes(minute)) for n, minute in enumerate(shown)
    ]
    sentence = gap.sentence(a_state(last_success_at=since), entries, caught, recovered, NOW)
    assert sentence == told
