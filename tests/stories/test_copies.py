"""Copies: what is one report in many outlets, what only looks like it, and that nobody can glue or flood."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import law
from support.values import HOUR, NOW, report

from monitor.language.text import forms
from monitor.model import Report, Sketch, content_key
from monitor.stories import CopyIndex, sketch_of
from monitor.stories.copies import MEMORY, _Ages, _open
from monitor.stories.likeness import (
    _NUMBERS,
    MAX_NUMBERS,
    MAX_SHINGLES,
    MAX_TITLE,
    SAME_HOURS,
    likeness,
    title_words,
)

TITLE = "МВД Казахстана сообщило о погибших сотрудниках полиции в Алматы"
TEXT = (
    "В ходе массовых беспорядков погибли 8 сотрудников полиции и Национальной гвардии, сообщили в пресс-службе ведомства. "
    "Ещё 317 человек получили ранения различной степени тяжести, они находятся в больницах города. По факту нападений на "
    "административные здания начато досудебное расследование, задержанные доставлены в отделы внутренних дел для дачи показаний."
)
OTHER_TEXT = (
    "Правительство ввело государственное регулирование цен на сжиженный газ, бензин и дизельное топливо на полгода. Министр "
    "энергетики рассказал на брифинге, что предельная цена литра газа в Мангистау составит 50 тенге, а заправки проверят."
)
SENTENCES = TEXT.split(". ")


def made(name: str = "", /, at: datetime = NOW, **given: Any) -> Report:
    """A report by an outlet of its own, unless one is named."""
    known = {"title": TITLE, "text": TEXT, "seen_at": at} | given
    name = name or content_key("r", *(str(value) for value in known.values()))
    return report(name, **{"outlet": name, **known})


class Desk:
    """Puts reports into stories as the decider does."""

    def __init__(self) -> None:
        self.index = CopyIndex()
        self.kept: dict[str, Sketch] = {}

    def take(self, of: Report) -> str:
        original = self.index.copy_of(sketch_of(of, ""))
        sketch = sketch_of(of, original.story_id if original else content_key("s1", of.id))
        self.index.add(sketch)
        self.kept.pop(of.id, None)
        self.kept[of.id] = sketch
        return sketch.story_id


def stories(*reports: Report) -> list[int]:
    """Return the story of each report, numbered as they come."""
    desk = Desk()
    taken = [desk.take(of) for of in reports]
    return [list(dict.fromkeys(taken)).index(story) for story in taken]


COPIES = {
    "verbatim": {},
    "own headline": {"title": "Восемь силовиков не дожили до утра"},
    "credit in front": {
        "text": "Об этом передаёт корреспондент агентства Tengrinews.kz со ссылкой на Казинформ. " + TEXT
    },
    "credit behind": {"text": TEXT + " Читайте также другие новости на нашем сайте и в телеграм-канале редакции."},
    "cut": {"text": ". ".join(SENTENCES[:2])},
    "cut within a word": {"text": TEXT[:150] + "…"},
    "cut to the first sentence": {"text": SENTENCES[0]},
    "cut to the first sentence, and the headline too": {"text": SENTENCES[0], "title": " ".join(TITLE.split()[:5])},
    "cut with its own headline": {"text": ". ".join(SENTENCES[:2]), "title": "Потери силовиков"},
    "marked as updated": {"title": "ОБНОВЛЕНО: " + TITLE},
    "headline in capitals": {"title": TITLE.upper()},
    "headline with quotes and dashes": {
        "title": "«МВД Казахстана» — сообщило о погибших сотрудниках полиции в Алматы!"
    },
    "one word of the headline changed": {"title": TITLE.replace("сообщило", "объявило"), "text": TEXT},
    "headline only": {"text": ""},
    "headline and a word": {"text": "Подробности позже."},
    "figures left out": {"text": TEXT.replace(" 8 ", " ").replace("317 ", "")},
    "a figure more": {"text": TEXT + " Задержаны 2000 человек."},
    "soft hyphens": {"text": TEXT.replace("пол", "по\u00adл")},
    "no ё": {"text": TEXT.replace("ё", "е").replace("Ё", "Е")},
    "some words changed": {"text": TEXT.replace("различной степени тяжести", "разной тяжести").replace("Ещё", "Также")},
}


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
def test_a_copy_joins_the_story_whichever_comes_first(copy: dict[str, str]) -> None:
    original, other = made("original"), made("copy", NOW + HOUR, outlet="b", **copy)
    assert stories(original, other) == [0, 0]
    assert stories(made("copy", outlet="b", **copy), made("original", NOW + HOUR)) == [0, 0]


def test_thousands_are_one_number_however_they_are_written() -> None:
    texts = [TEXT.replace("317", number) for number in ("1 200", "1200", "1,200", "1\u00a0200", "1.200", "1'200")]
    assert stories(*(made(f"r{n}", text=text) for n, text in enumerate(texts))) == [0] * 6


def test_short_reports_that_are_equal_in_all_are_copies() -> None:
    short = {"title": "Взрыв в Алматы", "text": "По первым данным погибших нет"}
    assert stories(made("a", **short), made("b", **short)) == [0, 0]
    assert stories(made("a", **short), made("b", title="Взрыв в Алматы", text="Причины выясняет полиция города")) == [
        0,
        1,
    ]
    assert stories(
        made("a", title="Новости", text="Все новости дня"), made("b", title="Новости", text="Все новости дня")
    ) == [0, 1]


def test_short_reports_of_which_one_says_more_stay_apart() -> None:
    more = "По первым данным погибших нет но есть раненые"
    assert stories(made("a", title="Взрыв в Алматы", text=more[:29]), made("b", title="Взрыв в Алматы", text=more)) == [
        0,
        1,
    ]


def test_half_of_a_long_text_under_another_headline_is_a_copy() -> None:
    long = words(1, 900)
    assert stories(made("a", text=long), made("b", title="Иначе", text=long[: len(long) // 2])) == [0, 0]


APART: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "other words": ({}, {"title": "Цены на газ снижены", "text": OTHER_TEXT}),
    "other number": ({}, {"text": TEXT.replace(" 8 ", " 18 ")}),
    "other number in headlines without text": (
        {"title": "В Алматы погибли 8 сотрудников полиции", "text": ""},
        {"title": "В Алматы погибли 18 сотрудников полиции", "text": ""},
    ),
    "daily column": (
        {"title": "Главные новости дня в Казахстане и мире", "text": TEXT},
        {"title": "Главные новости дня в Казахстане и мире", "text": OTHER_TEXT},
    ),
    "daily column of few words": (
        {"title": "Главные новости дня в Казахстане и мире", "text": "Погибли сотрудники полиции в Алматы"},
        {"title": "Главные новости дня в Казахстане и мире", "text": "Снижены цены на газ в Мангистау"},
    ),
    "short title": ({"title": "Новости дня", "text": ""}, {"title": "Новости дня", "text": ""}),
    "empty": ({"title": "", "text": ""}, {"title": "", "text": ""}),
    "other town": (
        {"title": "В Алматы введён режим чрезвычайного положения из-за массовых беспорядков до января", "text": ""},
        {"title": "В Актау введён режим чрезвычайного положения из-за массовых беспорядков до января", "text": ""},
    ),
    "denial": (
        {"title": "Россия закрыла границу с Казахстаном для граждан", "text": ""},
        {"title": "Россия не закрыла границу с Казахстаном для граждан, сообщил МИД", "text": ""},
    ),
    "common phrase": (
        {
            "title": "Цены на газ",
            "text": OTHER_TEXT + " По факту нападений на административные здания начато расследование.",
        },
        {},
    ),
}


@pytest.mark.parametrize(("one", "other"), APART.values(), ids=APART)
def test_reports_that_only_look_alike_stay_apart(one: dict[str, str], other: dict[str, str]) -> None:
    assert stories(made("a", **one), made("b", NOW + HOUR, outlet="b", **other)) == [0, 1]
    assert stories(made("b", outlet="b", **other), made("a", NOW + HOUR, **one)) == [0, 1]


def test_figures_do_not_change_through_a_copy_that_leaves_them_out() -> None:
    eight, none, eighteen = TEXT, COPIES["figures left out"]["text"], TEXT.replace(" 8 ", " 18 ")
    bare = TEXT.replace(" 8 ", " ")
    assert stories(made("a", text=eight), made("b", text=none), made("c", text=eighteen)) == [0, 0, 1]
    assert stories(made("a", text=eight), made("b", text=bare), made("c", text=eighteen), made("d", text=eighteen)) == [
        0,
        0,
        1,
        1,
    ]


def test_a_verbatim_copy_joins_although_other_copies_added_other_figures() -> None:
    """Two that each add a figure of their own are told apart: which of them changed one, nobody can say from words."""
    later, more = TEXT + " Это произошло в 10 часов.", TEXT + " Задержаны 2000 человек."
    assert stories(made("a"), made("b", text=later), made("c", text=more), made("d", title="Иначе")) == [0, 0, 1, 0]


def test_a_verbatim_copy_joins_although_a_later_version_of_another_speaks_against_it() -> None:
    desk = Desk()
    story = desk.take(made("a"))
    assert desk.take(made("b", text=TEXT + " Задержаны 2000 человек.")) == story
    assert desk.take(made("c")) == story
    desk.index.add(sketch_of(made("c", text=TEXT + " Это произошло в 10 часов."), story))
    assert desk.take(made("d", text=TEXT + " Задержаны 2000 человек.", title="Иначе")) == story
    assert desk.take(made("e", text=TEXT + " Задержаны 3000 человек.", title="Иначе")) != story


def test_an_outlets_own_new_figure_does_not_hide_behind_a_copy_without_figures() -> None:
    text = "Погибли {}сотрудников полиции и Национальной гвардии, сообщили в пресс-службе ведомства днём"
    flow = [
        made("a", outlet="one", text=text.format("8 ")),
        made("b", text=text.format("")),
        made("c", outlet="one", text=text.format("18 ")),
    ]
    assert stories(*flow) == [0, 0, 1]


FOOTER = (
    "Подписаться на наш телеграм-канал, прислать новость редакции, читать нас в других социальных сетях каждый день"
)


def test_a_footer_does_not_make_copies_of_an_outlets_own_posts() -> None:
    posts = ("Взрыв на рынке в Алматы", "Снижены цены на газ", "Аким подал в отставку", "Введён комендантский час")
    desk = [made(f"r{n}", outlet="channel", title=post, text=f"{post}. {FOOTER}") for n, post in enumerate(posts)]
    assert stories(*desk) == [0, 1, 2, 3]


def test_a_column_with_a_footer_is_a_report_each_time() -> None:
    title = "Главные новости дня в Казахстане и мире"
    days = [
        made(f"r{n}", NOW + n * HOUR, outlet="channel", title=title, text=f"{words(n, 15)} {FOOTER}") for n in range(3)
    ]
    assert stories(*days) == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        (TEXT, True),
        (TEXT.replace("различной", "разной"), True),
        (TEXT + " Подробности позже.", True),
        (". ".join(SENTENCES[:2]), False),
        (TEXT + " " + OTHER_TEXT, False),
        ("", True),
    ],
    ids=["verbatim", "a word changed", "a sentence more", "cut", "much more", "headline only"],
)
def test_an_outlet_copies_itself_only_where_nearly_all_is_the_same(text: str, joined: bool) -> None:
    one, other = made("a", outlet="one"), made("b", NOW + HOUR, outlet="one", text=text)
    assert (stories(one, other) == [0, 0]) is joined


def test_a_flash_does_not_join_two_reports_under_one_headline() -> None:
    title = "Президент выступил с обращением к народу Казахстана"
    first, flash = made("a", title=title), made("flash", NOW + HOUR, title=title, text="")
    second = made("b", NOW + 2 * HOUR, title=title, text=OTHER_TEXT)
    assert stories(first, flash, second) == [0, 0, 1]


@pytest.mark.parametrize(
    ("apart", "joined"), [(timedelta(), True), (SAME_HOURS, True), (SAME_HOURS + timedelta(seconds=1), False)]
)
def test_a_headline_alone_makes_copies_for_half_a_day(apart: timedelta, joined: bool) -> None:
    title = "Прогноз погоды на завтра по областям Казахстана"
    found = stories(made("a", title=title, text=""), made("b", NOW + apart, title=title, text=""))
    assert (found == [0, 0]) is joined


@pytest.mark.parametrize(
    "words", ["Воздушная тревога объявлена на всей территории области", "Тревога в Алматы: укройтесь"]
)
def test_an_alarm_in_the_same_words_is_a_copy_for_half_a_day(words: str) -> None:
    first = made("a", outlet="one", title=words, text=words)
    for outlet in ("one", "other"):
        soon, later = (made("b", NOW + hours * HOUR, outlet=outlet, title=words, text=words) for hours in (3, 24))
        assert stories(first, soon) == [0, 0]
        assert stories(first, later) == [0, 1]


def test_an_outlets_own_report_is_a_copy_for_half_a_day() -> None:
    assert stories(made("a", outlet="one"), made("b", NOW + SAME_HOURS, outlet="one")) == [0, 0]
    assert stories(made("a", outlet="one"), made("b", NOW + SAME_HOURS + HOUR, outlet="one")) == [0, 1]


@pytest.mark.parametrize(("apart", "joined"), [(MEMORY, True), (MEMORY + timedelta(seconds=1), False)])
def test_a_story_is_open_for_72_hours(apart: timedelta, joined: bool) -> None:
    assert (stories(made("a"), made("b", NOW + apart)) == [0, 0]) is joined


def test_a_story_stays_open_from_copy_to_copy() -> None:
    assert stories(*(made(f"r{n}", NOW + n * timedelta(hours=71)) for n in range(5))) == [0] * 5


def test_a_copy_is_found_behind_boilerplate_that_hundreds_share() -> None:
    boilerplate = words(999, 40)
    desk = Desk()
    for number in range(230):
        desk.take(made(f"r{number}", title=f"Заголовок {number}", text=f"{words(number, 20)} {boilerplate}"))
    original = desk.take(made("a", text=f"{SENTENCES[1]} {boilerplate}"))
    assert desk.take(made("b", title="Иначе", text=f"{SENTENCES[1]} {boilerplate}")) == original


def test_the_likest_wins_and_the_earliest_of_equals() -> None:
    index = CopyIndex()
    for name, at, text in (
        ("late", NOW + HOUR, TEXT),
        ("early", NOW, TEXT),
        ("cut", NOW - HOUR, ". ".join(SENTENCES[:2])),
    ):
        index.add(sketch_of(made(name, at, text=text, title=TITLE if name != "cut" else "Потери"), name))
    found = index.copy_of(sketch_of(made("x", NOW + 2 * HOUR), ""))
    assert found is not None
    assert found.story_id == "early"


def test_a_report_is_no_copy_of_itself() -> None:
    index = CopyIndex()
    index.add(sketch_of(made("a"), "s"))
    assert index.copy_of(sketch_of(made("a"), "")) is None


# --- hostile feeds -----------------------------------------------------------------------------------------------------


def words(number: int, count: int = 40) -> str:
    return " ".join(
        content_key("", str(number), str(n))[:8].translate(str.maketrans("0123456789", "ghijklmnop"))
        for n in range(count)
    )


def test_a_feed_that_gives_every_report_one_title_glues_nothing() -> None:
    assert stories(*(made(f"r{n}", title=TITLE, text=words(n)) for n in range(300))) == list(range(300))


def test_headlines_of_a_flood_leave_real_reports_alone() -> None:
    """300 reports under the headline of a real one, each with a text of its own: the real one and its copies find each other."""
    desk = Desk()
    real = desk.take(made("real"))
    for number in range(300):
        assert desk.take(made(f"flood{number}", NOW + HOUR, outlet="hostile", text=words(number))) != real
    assert desk.take(made("copy", NOW + 2 * HOUR, outlet="b")) == real
    assert (
        desk.take(made("cut", NOW + 2 * HOUR, outlet="c", text=". ".join(SENTENCES[:2]), title="Потери силовиков"))
        == real
    )


def test_copies_still_join_when_more_are_open_than_are_looked_at() -> None:
    assert set(stories(*(made(f"r{n}", NOW + n * timedelta(minutes=1), outlet=f"o{n}") for n in range(1000)))) == {0}


def test_a_giant_text_swallows_no_reports() -> None:
    """A digest that holds ten reports in full is a copy of none, and none that comes later is a copy of it."""
    parts = [words(number) for number in range(10)]
    digest = made("digest", title="Обзор прессы за неделю", text=" ".join(parts))
    reports = [made(f"r{n}", title=f"Заголовок {words(100 + n, 5)}", text=part) for n, part in enumerate(parts)]
    assert stories(digest, *reports) == list(range(11))
    assert stories(*reports, digest) == list(range(11))


def test_a_giant_text_and_its_parts_under_one_headline_are_copies() -> None:
    parts = [words(number) for number in range(10)]
    assert stories(made("whole", text=" ".join(parts)), made("cut", text=" ".join(parts[:2]))) == [0, 0]


def test_a_sketch_stays_small_whatever_is_sent() -> None:
    giant = made("giant", title=words(1, 20_000), text=" ".join([words(2, 20_000), *map(str, range(20_000))]))
    sketch = sketch_of(giant, "")
    assert len(sketch.text) == MAX_SHINGLES
    assert len(sketch.title) <= MAX_TITLE + MAX_NUMBERS
    assert likeness(sketch, sketch).share == pytest.approx(2)
    assert sketch_of(made("one", title="9" * 100_000, text="9" * 100_000 + " ½ ² ٣"), "").text != ()


def test_one_look_up_compares_few_reports_in_a_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    index = CopyIndex()
    for number in range(400):
        index.add(sketch_of(made(f"r{number}", text=TEXT + words(number, 5)), f"s{number}"))
    compared = []
    monkeypatch.setattr(
        "monitor.stories.copies.comparer", lambda one: lambda other: compared.append(other) or likeness(one, other)
    )
    assert index.copy_of(sketch_of(made("x"), "")) is not None
    assert len(compared) <= 50
    assert len(_open(list(index._sketches), frozenset())) == 201


# --- laws --------------------------------------------------------------------------------------------------------------

phrases = [*SENTENCES, *OTHER_TEXT.split(". "), "8 погибших", "18 погибших", words(1, 12), words(2, 12), "\ud800 x"]
some_texts = st.lists(st.sampled_from(phrases), max_size=4).map(". ".join)
some_titles = st.sampled_from(
    [TITLE, "ОБНОВЛЕНО: " + TITLE, TITLE + " 8", TITLE + " 18", "Новости дня", "", OTHER_TEXT[:60]]
)
streams = st.lists(st.tuples(some_titles, some_texts, st.integers(0, 40), st.integers(0, 12)), max_size=25)


def flow(stream: list[tuple[str, str, int, int]]) -> list[Report]:
    """Reports in intake order, hours apart; a number that comes again is a later version of that report."""
    at, seen, found = NOW, dict[int, datetime](), []
    for number, (title, text, hours, again) in enumerate(stream):
        at += hours * HOUR
        name = min(number, again)
        seen.setdefault(name, at)
        found.append(made(f"r{name}", seen[name], title=title, text=text))
    return found


@law
@given(streams, st.integers(0, 25), st.data())
def test_an_index_rebuilt_from_its_sketches_decides_alike(
    stream: list[tuple[str, str, int, int]], cut: int, data: st.DataObject
) -> None:
    """The other decider forgets what is old whenever it likes, and is restarted in between."""
    reports = flow(stream)
    through, restarted = Desk(), Desk()
    for number, of in enumerate(reports):
        if of.id in through.kept:  # a version keeps its story
            for desk in (through, restarted):
                sketch = sketch_of(of, desk.kept.pop(of.id).story_id)
                desk.kept[of.id] = sketch
                desk.index.add(sketch)
            continue
        if number == cut:
            restarted.index = CopyIndex()
            for sketch in restarted.kept.values():
                if sketch.at >= of.seen_at - MEMORY:
                    restarted.index.add(sketch)
        if data.draw(st.booleans()):
            restarted.index.forget(of.seen_at - MEMORY)
        assert through.take(of) == restarted.take(of)


@law
@given(streams)
def test_likeness_is_symmetric_and_a_full_report_is_like_itself(stream: list[tuple[str, str, int, int]]) -> None:
    sketches = [sketch_of(of, "") for of in flow(stream)]
    for one, other in permutations(sketches[:6], 2):
        assert likeness(one, other) == likeness(other, one)
    for one in sketches:
        if len(one.text) >= 8 and title_words(one):
            assert likeness(one, one) == (pytest.approx(2), False, True)


@law
@given(streams)
def test_forgetting_leaves_nothing_behind(stream: list[tuple[str, str, int, int]]) -> None:
    index = CopyIndex()
    reports = flow(stream)
    for of in reports:
        index.add(sketch_of(of, "s"))
    assert len(index) == len({of.id for of in reports})
    middle = NOW + 100 * HOUR
    index.forget(middle)
    assert len(index) == len({of.id for of in reports if of.seen_at >= middle})
    index.forget(NOW + 10_000 * HOUR)
    assert (len(index), index._by_text, index._by_title, index._ages._times) == (0, {}, {}, [])


@law
@given(st.lists(st.tuples(st.sampled_from(["add", "drop", "forget", "older"]), st.integers(0, 9)), max_size=40))
def test_who_is_older_is_known_in_whatever_order_reports_come_and_go(steps: list[tuple[str, int]]) -> None:
    ages, open_, edge = _Ages(), dict[str, Sketch](), NOW
    for number, (step, hours) in enumerate(steps):
        moment = NOW + hours * HOUR
        if step == "add":
            sketch = Sketch(report_id=f"r{number}", story_id="s", outlet="o", at=moment, title=(), text=())
            open_[sketch.report_id] = sketch
            ages.add(sketch)
        elif step == "drop" and open_:
            ages.drop(open_.pop(sorted(open_)[hours % len(open_)]))
        elif step == "forget":
            gone = {name for name, sketch in open_.items() if sketch.at < moment}
            assert set(ages.forget(moment)) == gone
            open_ = {name: sketch for name, sketch in open_.items() if name not in gone}
        elif step == "older":
            edge = moment
        assert ages.older(edge) == {name for name, sketch in open_.items() if sketch.at < edge}


def test_of_what_more_hold_than_are_looked_at_only_the_first_open_ones_count() -> None:
    held = [f"r{number}" for number in range(300)]
    assert _open(held, {"x"}) == held[:201]
    assert _open(held, {"r0", "r7", "r299"}) == [name for name in held if name not in {"r0", "r7"}][:201]
    assert (list(_open("r1", {"r0"})), list(_open("r1", {"r1"})), list(_open(None, set()))) == (["r1"], [], [])


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("8 killed, 18 hurt", ["8", "18"]),
        ("1 200 and 1,200,000 and 12 34", ["1 200", "1,200,000", "12", "34"]),
        ("1234 567", ["1234", "567"]),
        ("12 3456 7", ["12", "3456", "7"]),
        ("1\u00a0000\u202f000 tenge", ["1\u00a0000\u202f000"]),
    ],
)
def test_numbers_are_read_with_their_thousands(text: str, numbers: list[str]) -> None:
    assert _NUMBERS.findall(text) == numbers


def test_a_later_version_replaces_the_earlier_one() -> None:
    index = CopyIndex()
    index.add(sketch_of(made("a"), "s"))
    index.add(sketch_of(made("a", NOW + HOUR, title="Другое", text=OTHER_TEXT), "s"))
    assert len(index) == 1
    assert index.copy_of(sketch_of(made("b", NOW + HOUR), "")) is None
    assert index.copy_of(sketch_of(made("c", NOW + HOUR, title="Другое", text=OTHER_TEXT), "")) is not None
    index.forget(NOW + timedelta(minutes=30))
    assert len(index) == 1


def test_the_texts_of_this_file_are_what_they_are_taken_for() -> None:
    assert len(forms(TITLE)) >= 5
    assert not set(forms(words(1))) & set(forms(words(2)))
