"""The diff as laws: batches do not matter, taking an edit back is no change, versions count up and are all different."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.archive import Archive
from support.laws import law
from support.values import HOUR, NOW, feed

from monitor.language.text import fold, squeeze
from monitor.model import Change, ChangeKind, Entry
from monitor.reports.diff import _folded, words_print

OUTLET = feed("outlet", url="https://outlet.kz/rss", grade="B", language="ru")
FEEDS = {
    known.id: known
    for known in (
        OUTLET,
        feed("section", url="https://outlet.kz/section", outlet="outlet"),
        feed("other", url="https://other.kz/rss"),
        feed("aggregator", url="https://news.example/rss"),
    )
}
FULL = "В Алматы введён комендантский час с одиннадцати вечера до семи утра сообщил комендант города"
ARTICLE = Entry(guid="urn:1001", link="https://outlet.kz/n-1001", title="Введён комендантский час", summary=FULL)

guids = st.sampled_from([None, "", "1", "news", "urn:1001", "urn:1002", "https://outlet.kz/n-1001"])
links = st.sampled_from(
    [None, "https://outlet.kz/", "https://outlet.kz/n-1001", "http://www.outlet.kz/n-1001?utm_source=x", "https://outlet.kz/live",
     "https://outlet.kz/n-1002", "https://other.kz/n-1001"]
)  # fmt: skip
titles = st.sampled_from(
    [
        "",
        "Новости дня",
        "Введён комендантский час",
        "Введён комендантский час в Алматы",
        "Погода на завтра",
        "Курс 431",
        "Курс 432",
    ]
)
texts = st.sampled_from(
    ["", "Коротко.", FULL, FULL[:50] + "…", FULL.replace("семи", "шести"), "Совсем другой текст " * 4]
)
times = st.sampled_from([None, NOW - HOUR, NOW - 30 * HOUR, NOW + 48 * HOUR])
entries = st.builds(
    Entry,
    guid=guids,
    link=links,
    title=titles,
    summary=texts,
    published=times,
    guid_repeated=st.booleans(),
    link_repeated=st.booleans(),
)
streams = st.lists(st.tuples(entries, st.sampled_from(sorted(FEEDS))), max_size=14)


def bare(changes: list[Change]) -> list[tuple[object, ...]]:
    return [(change.kind, change.report, change.keys, change.version) for change in changes]


@law
@given(streams, st.lists(st.integers(1, 5), min_size=14, max_size=14), st.sets(st.integers(0, 13)))
def test_any_split_into_batches_gives_equal_results(
    stream: list[tuple[Entry, str]], sizes: list[int], pruned: set[int]
) -> None:
    """The same pruned reports are gone before each run: what is buried must not depend on batches either."""
    results = []
    for split in ([len(stream) or 1], [1] * len(stream), sizes):
        held = Archive(FEEDS)
        for number in sorted(pruned & set(range(len(stream)))):
            found = held.show(*stream[number])
            if found.report.id in held.reports:
                held.prune(found.report.id)
        waiting = [held.intake(entry, feed_id, NOW + n * HOUR) for n, (entry, feed_id) in enumerate(stream)]
        decided: list[Change] = []
        for size in split:
            decided += held.decide(waiting[:size])
            waiting = waiting[size:]
        results.append(bare(decided))
        assert not waiting
    assert results[0] == results[1] == results[2]


@law
@given(streams)
def test_what_was_shown_before_is_no_change(stream: list[tuple[Entry, str]]) -> None:
    """Entries of one outlet's feeds, shown again in any later poll, are never new and never a version.

    The archive itself checks that keys have one owner and that a new report has a new id.
    """
    held = Archive(FEEDS)
    for entry, feed_id in stream:
        held.show(entry, feed_id)
        assert held.show(entry, feed_id, NOW + HOUR).kind is ChangeKind.SAME


@law
@given(st.lists(st.tuples(titles.filter(bool), texts.filter(bool)), min_size=1, max_size=12))
def test_each_state_of_an_article_is_a_version_once(states: list[tuple[str, str]]) -> None:
    held = Archive(FEEDS)
    found = [
        held.show(replace(ARTICLE, title=t, summary=x), "outlet", NOW + n * HOUR) for n, (t, x) in enumerate(states)
    ]
    distinct = list(dict.fromkeys(words_print(title, text) for title, text in states))
    (versions,) = held.versions.values()
    assert [version.fingerprint for version in versions] == distinct
    assert [version.number for version in versions] == list(range(1, len(distinct) + 1))
    assert [change.kind for change in found].count(ChangeKind.NEW) == 1
    assert [change.version for change in found if change.version] == list(versions)
    assert found[-1].report.version == len(distinct)


def test_edit_revert_edit_tells_each_wording_once() -> None:
    held = Archive(FEEDS)
    words = ["час введён", "час отменён", "час введён", "час отменён", "час продлён", "час введён"]
    found = [held.show(replace(ARTICLE, title=title), "outlet", NOW + n * HOUR) for n, title in enumerate(words)]
    assert [change.kind.value for change in found] == ["new", "revised", "same", "same", "revised", "same"]
    versions = held.versions[found[0].report.id]
    assert [(version.number, version.title) for version in versions] == [
        (1, "час введён"), (2, "час отменён"), (3, "час продлён"),
    ]  # fmt: skip
    assert [version.seen_at for version in versions] == [NOW, NOW + HOUR, NOW + 4 * HOUR]
    assert found[-1].report.seen_at == NOW


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Тише  едешь", " тише\nЕДЕШЬ "),
        ("по\u00adлиция", "полиция"),
        ("Ещё", "Еще"),
        ("Café", "Cafe\u0301"),
        ("Д'Артаньян", "Д’Артаньян"),
    ],
)
def test_white_space_case_and_marks_are_no_new_version(one: str, other: str) -> None:
    assert words_print(one, "") == words_print(other, "")
    assert words_print("", one) == words_print("", other)
    assert words_print(one, "") != words_print("", one)


@pytest.mark.parametrize(
    ("one", "other"), [("8 killed?", "8 killed"), ("8 killed", "18 killed"), ("a b", "ab"), ("", "a")]
)
def test_other_words_and_marks_that_change_the_sense_are_a_version(one: str, other: str) -> None:
    assert words_print(one, "") != words_print(other, "")


def test_a_report_keeps_what_the_entry_and_its_feed_say() -> None:
    entry = replace(ARTICLE, author="А. Автор", published=NOW - HOUR, source_name="Казинформ")
    report = Archive(FEEDS).show(entry, "outlet").report
    assert (report.feed_id, report.outlet, report.source, report.grade) == ("outlet", "outlet", "Казинформ", "B")
    assert (report.title, report.text, report.link) == (entry.title, entry.summary, entry.link)
    assert (report.author, report.language, report.published, report.seen_at) == ("А. Автор", "ru", NOW - HOUR, NOW)
    assert (report.version, report.story_id) == (1, None)


def test_a_report_without_title_is_headed_by_its_text() -> None:
    report = Archive(FEEDS).show(replace(ARTICLE, title="", summary="Слово " * 50), "outlet").report
    assert report.title == ("Слово " * 50)[:120]


@pytest.mark.parametrize(
    ("published", "updated", "kept"),
    [
        (None, None, None),
        (NOW - HOUR, NOW, NOW - HOUR),
        (None, NOW - HOUR, NOW - HOUR),
        (NOW + timedelta(hours=23), None, NOW + timedelta(hours=23)),
        (NOW + timedelta(hours=24), None, None),
        (datetime(1, 1, 2, tzinfo=NOW.tzinfo), None, datetime(1, 1, 2, tzinfo=NOW.tzinfo)),
        (datetime(9999, 12, 31, tzinfo=NOW.tzinfo), None, None),
    ],
)
def test_a_time_far_in_the_future_says_nothing(
    published: datetime | None, updated: datetime | None, kept: datetime | None
) -> None:
    report = Archive(FEEDS).show(replace(ARTICLE, published=published, updated=updated), "outlet").report
    assert report.published == kept


def test_a_version_is_in_the_language_of_its_words() -> None:
    held = Archive(FEEDS)
    held.show(ARTICLE, "outlet")
    kazakh = held.show(
        replace(ARTICLE, title="Коменданттық сағат енгізілді", summary="Қалада бұл туралы айтылды"), "outlet"
    )
    assert kazakh.report.language == "kk"
    assert held.show(replace(ARTICLE, title="Снова по-русски", summary=""), "outlet").report.language == "kk"


def test_the_entrys_own_language_is_asked_before_the_feeds() -> None:
    blank = replace(ARTICLE, title="2022", summary="")
    assert Archive(FEEDS).show(blank, "outlet").report.language == "ru"
    assert Archive(FEEDS).show(replace(blank, language="kk"), "outlet").report.language == "kk"


@law
@given(
    st.text(
        st.one_of(
            st.sampled_from(" \u00a0\u2009\u0301\u0307\u0308\u200b\u00ad'’`\u00b4\u037aiİıЁйﬁ한\u1100\u1161"),
            st.characters(),
        )
    )
)
@example(" a \u0301 b\u00a0")
@example("\u200b x")
def test_words_fold_alone_as_they_do_in_their_text(text: str) -> None:
    """Prints are stored: folding word by word must give what folding the whole text gave."""
    assert _folded(text) == fold(squeeze(text))
