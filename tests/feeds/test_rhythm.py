from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.feeds import NOW, a_feed, a_state, fetched, hours, minutes

from monitor.feeds import rhythm
from monitor.feeds.marks import mark, pack
from monitor.feeds.rhythm import Overlap
from monitor.model import Entry
from monitor.ports import Fetched, Head, More, ParsedFeed

FEED = a_feed(slowest=minutes(20))


def entry(name: str, text: str = "", **fields: object) -> Entry:
    return Entry(**({"guid": name, "link": None, "title": name, "summary": text} | fields))  # type: ignore[arg-type]


def marks_of(*entries: Entry) -> bytes:
    return pack(map(mark, entries))


def document(*entries: Entry, **fields: object) -> ParsedFeed:
    settled = {"entries": entries, "marks": marks_of(*entries), "shown": len(entries), "head": Head()}
    return ParsedFeed(**(settled | fields))  # type: ignore[arg-type]


# --- overlap (case 50) ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("abc", "abc", (3, 0)),
        ("abc", "dab", (3, 1)),
        ("abc", "edc", (3, 2)),
        ("abc", "fed", (3, 3)),
        ("abc", "c", (1, 0)),
        ("a", "b", (1, 1)),
    ],
)
def test_overlap_is_what_a_document_shares_with_the_one_before(before: str, after: str, found: tuple[int, int]) -> None:
    state = a_state(filled=True, known=marks_of(*map(entry, before)))
    seen = rhythm.overlap(state, fetched(b""), document(*map(entry, after)))
    assert seen == Overlap(shown=found[0], fresh=found[1])


def test_entries_that_were_edited_are_the_same_entries() -> None:
    state = a_state(filled=True, known=marks_of(entry("a"), entry("b"), entry("c")))
    edited = document(entry("a", "more"), entry("b", "more"), entry("c", "more"))
    assert rhythm.overlap(state, fetched(b""), edited) == Overlap(shown=3, fresh=0)
    linked = a_state(filled=True, known=marks_of(entry("x", guid=None, link="https://a.example/1")))
    same_link = document(entry("y", guid=None, link="https://a.example/1"))
    assert rhythm.overlap(linked, fetched(b""), same_link) == Overlap(shown=1, fresh=0)


@pytest.mark.parametrize(
    ("ages", "fresh"),
    [((0.1, 5, 6, 7), 1), ((0.1, 0.2, 0.3, 5), 3), ((0.1, 0.2, 0.3, 0.4, 5), 5), ((0.1, 0.2), 2), ((None, None), 2)],
    ids=["reaches back", "a quarter reaches back", "one dated back", "all since", "undated"],
)
def test_a_document_that_reaches_back_to_the_last_poll_leaves_no_gap_though_all_its_names_changed(
    ages: tuple[float | None, ...], fresh: int
) -> None:
    state = a_state(filled=True, known=marks_of(entry("a"), entry("b")), last_success_at=NOW - hours(1))
    now = [entry(f"n{n}", published=None if age is None else NOW - hours(age)) for n, age in enumerate(ages)]
    assert rhythm.overlap(state, fetched(b""), document(*now)) == Overlap(shown=len(ages), fresh=fresh)


def test_a_name_that_stands_on_many_entries_makes_none_of_them_known() -> None:
    home = "https://a.example/"
    before = marks_of(*(entry(name, guid=None, link=home) for name in "abc"))
    after = document(*(entry(name, guid=None, link=home) for name in "def"))
    assert rhythm.overlap(a_state(filled=True, known=before), fetched(b""), after) == Overlap(shown=3, fresh=3)
    nameless = document(*(entry(name, guid=None) for name in "def"))
    before = marks_of(*(entry(name, guid=None) for name in "abc"))
    assert rhythm.overlap(a_state(filled=True, known=before), fetched(b""), nameless) == Overlap(shown=3, fresh=3)


FULL = document(entry("z"))


@pytest.mark.parametrize(
    ("state", "answer", "parsed"),
    [
        ({"filled": False}, fetched(b""), FULL),
        ({"known": b""}, fetched(b""), FULL),
        ({}, fetched(b"", complete=False), FULL),
        ({}, fetched(b"", partial=True), FULL),
        ({}, fetched(b""), document()),
        ({}, fetched(b""), document(entry("z"), head=Head(complete=True))),
        ({}, fetched(b""), document(entry("z"), more=(More(url="https://news.example/a"),))),
    ],
)
def test_documents_that_say_nothing_about_overlap_are_not_judged(
    state: dict[str, object], answer: Fetched, parsed: ParsedFeed
) -> None:
    settled = {"filled": True, "known": marks_of(entry("a"))} | state
    assert rhythm.overlap(a_state(**settled), answer, parsed) is None


def test_a_document_touches_what_is_known_by_one_entry() -> None:
    known = marks_of(entry("a"), entry("b"))
    assert rhythm.touches(known, marks_of(entry("z"), entry("b", "edited")))
    assert not rhythm.touches(known, marks_of(entry("z")))
    assert not rhythm.touches(known, b"")
    assert not rhythm.touches(b"", marks_of(entry("z")))


# --- the interval -----------------------------------------------------------------------------------------------------

GAP, THIN, HALF, AMPLE = (Overlap(shown=12, fresh=fresh) for fresh in (12, 7, 5, 4))


@pytest.mark.parametrize(
    ("interval", "found", "wanted"),
    [
        (None, GAP, 150), (None, THIN, 200), (None, HALF, None), (None, AMPLE, None), (None, None, None),
        (150, GAP, 75), (75, GAP, 60), (60, GAP, 60), (60, THIN, 60), (90, THIN, 60),
        (120, HALF, 120), (120, AMPLE, 150), (120, None, 150), (240, None, None), (60, None, 75),
        (9999, GAP, 150), (9999, None, None),
    ],
)  # fmt: skip
def test_a_gap_halves_the_interval_and_ample_overlap_gives_it_back_step_by_step(
    interval: float | None, found: Overlap | None, wanted: float | None
) -> None:
    def seconds(number: float | None) -> timedelta | None:
        return None if number is None else timedelta(seconds=number)

    assert rhythm.pressed(FEED, seconds(interval), found) == seconds(wanted)


@pytest.mark.parametrize(
    ("quiet", "wait"),
    [(minutes(0), 5), (minutes(60), 5), (minutes(120), 10), (hours(4), 20), (hours(400), 20), (minutes(-60), 5)],
)
def test_a_silent_feed_is_asked_after_a_twelfth_of_its_silence_and_one_new_entry_ends_that(
    quiet: timedelta, wait: float
) -> None:
    assert rhythm.own_interval(FEED, None, NOW - quiet, NOW) == minutes(wait)
    assert rhythm.own_interval(a_feed(), None, NOW - quiet, NOW) == minutes(5)


def test_without_any_entry_yet_the_pace_counts() -> None:
    assert rhythm.own_interval(FEED, None, None, NOW) == minutes(5)


@given(
    st.timedeltas(timedelta(seconds=1), hours(2)),
    st.timedeltas(timedelta(seconds=1), hours(9)),
    st.none() | st.timedeltas(timedelta(0), hours(99)),
    st.none() | st.timedeltas(timedelta(0), hours(99)),
    st.none() | st.timedeltas(timedelta(days=-9), timedelta(days=999)),
    st.lists(st.none() | st.builds(Overlap, shown=st.just(9), fresh=st.integers(0, 9)), max_size=9),
)
def test_the_interval_stays_between_floor_and_slowest(
    floor: timedelta,
    pace: timedelta,
    slower: timedelta | None,
    interval: timedelta | None,
    quiet: timedelta | None,
    seen: list[Overlap | None],
) -> None:
    feed = a_feed(floor=floor, pace=pace, slowest=None if slower is None else pace + slower)
    for found in seen:
        interval = rhythm.pressed(feed, interval, found)
        assert interval is None or floor <= interval < pace
    own = rhythm.own_interval(feed, interval, None if quiet is None else NOW - quiet, NOW)
    assert floor <= own <= max(feed.slowest or pace, pace, floor)


# --- the rhythm -------------------------------------------------------------------------------------------------------


def dated(*ago: float | None) -> list[Entry]:
    return [
        entry(str(number), published=None if minute is None else NOW - minutes(minute))
        for number, minute in enumerate(ago)
    ]


@pytest.mark.parametrize(
    ("ago", "usual"),
    [
        ((0, 10, 20, 30), minutes(10)),
        ((30, 0, 20, 10), minutes(10)),
        ((0, 10, 20, 30, 999_999), minutes(10)),
        ((0, 60), minutes(60)),
        ((-600, 0, 10, 20, 30), minutes(10) * 2 / 3),
        ((5, None, 15), minutes(10)),
        ((5,), None),
        ((None, None), None),
        ((), None),
        ((7, 7, 7), None),
    ],
)
def test_the_dates_of_a_document_tell_the_rhythm_of_a_feed(
    ago: tuple[float | None, ...], usual: timedelta | None
) -> None:
    assert rhythm.of(dated(*ago), NOW) == usual


def test_a_just_added_feed_is_polled_before_its_document_is_renewed() -> None:
    assert rhythm.first_interval(FEED, minutes(10), 50) is None
    assert rhythm.first_interval(FEED, minutes(0.3), 20) == minutes(2)
    assert rhythm.first_interval(FEED, timedelta(seconds=1), 10) == minutes(1)
    assert rhythm.first_interval(FEED, None, 10) is None


def test_new_entries_move_the_rhythm_a_little() -> None:
    state = a_state(rhythm=minutes(10), last_entry_at=NOW - minutes(20))
    assert rhythm.learnt(state, 0, NOW) == minutes(10)
    assert rhythm.learnt(state, 1, NOW) == minutes(11)
    assert rhythm.learnt(state, 10, NOW) == minutes(6)
    assert rhythm.learnt(a_state(last_entry_at=NOW - minutes(20)), 2, NOW) == minutes(10)
    assert rhythm.learnt(a_state(rhythm=minutes(10)), 2, NOW) == minutes(10)
    assert rhythm.learnt(a_state(rhythm=minutes(10), last_entry_at=NOW + hours(9)), 2, NOW) == minutes(10)
