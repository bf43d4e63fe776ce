"""Identity survives what publishers do, and two articles are never merged: each habit shown for a day, poll by poll."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from support.archive import Archive
from support.values import HOUR, NOW, feed

from monitor.model import Change, ChangeKind, Entry

TITLE = "Жители Жанаозена вышли на площадь из-за цены на газ"
EDITED = "Жители Жанаозена второй день на площади из-за цены на газ"
TEXT = (
    "В Жанаозене несколько сотен человек собрались у здания акимата и требуют снизить цену сжиженного газа до 50 тенге."
)
OTHER_TITLE = "Нацбанк сохранил базовую ставку"
OTHER_TEXT = (
    "Комитет по денежно-кредитной политике принял решение оставить ставку без изменений, сообщила пресс-служба банка."
)
LINK = "https://outlet.kz/news/society/zhanaozen-449729"
GUID = "https://outlet.kz/?p=449729"
ARTICLE = Entry(guid=GUID, link=LINK, title=TITLE, summary=TEXT, published=NOW - HOUR)
OUTLET = feed("outlet", url="https://outlet.kz/rss")
SECTION = feed("section", url="https://outlet.kz/society/rss", outlet="outlet")
NEWS = feed("aggregator", url="https://news.example/rss")


def archive() -> Archive:
    return Archive({known.id: known for known in (OUTLET, SECTION, NEWS)})


def kinds(shown: Sequence[Entry], feeds: Sequence[str] = ("outlet",)) -> list[str]:
    """Show entries one poll after the other, an hour apart; the feeds take turns."""
    held = archive()
    found = (held.show(entry, feeds[hour % len(feeds)], NOW + hour * HOUR) for hour, entry in enumerate(shown))
    return [change.kind.value for change in found]


def hourly(**habits: str) -> Iterator[Entry]:
    """The article at each hour of a day; `{}` in a field is the hour."""
    for hour in range(24):
        yield replace(ARTICLE, **{name: value.format(hour) for name, value in habits.items()})  # type: ignore[arg-type]


A_DAY = {
    "unchanged": [ARTICLE] * 24,
    "no guid": [replace(ARTICLE, guid=None)] * 24,
    "blank guid": [replace(ARTICLE, guid=" ")] * 24,
    "guid repeated in its document": [replace(ARTICLE, guid="0", guid_repeated=True)] * 24,
    "guid that changes": list(hourly(guid="{}-8f14e45f-ceea-467f")),
    "guid that is a counter": list(hourly(guid="{}")),
    "guid and time that change": [replace(e, published=NOW + n * HOUR) for n, e in enumerate(hourly(guid="urn:{}"))],
    "guid that comes and goes": [replace(ARTICLE, guid=GUID if n % 2 else None) for n in range(24)],
    "link that changes": list(hourly(link="https://outlet.kz/news/{}/zhanaozen-gas-price")),
    "link with a session": list(hourly(link=LINK + "?PHPSESSID={}")),
    "no link": [replace(ARTICLE, link=None)] * 24,
    "home page as link": [replace(ARTICLE, link="https://outlet.kz/")] * 24,
    "home page as link, no guid": [replace(ARTICLE, link="https://outlet.kz/", guid=None)] * 24,
    "link shared in its document": [replace(ARTICLE, link="https://outlet.kz/live", link_repeated=True)] * 24,
    "link and guid gone": [replace(ARTICLE, link=None, guid=None)] * 24,
    "link and guid that both change": list(hourly(link="https://outlet.kz/{}", guid="urn:{}")),
    "tracking that changes": list(hourly(link=LINK + "?utm_source=rss&utm_campaign={}")),
    "scheme, www, mobile and amp by turns": [
        replace(ARTICLE, guid=None, link=LINK.replace("https://", ("http://", "https://www.", "https://m.", "https://amp.")[n % 4]))
        for n in range(24)
    ],
    "amp twin with a guid of its own": [
        replace(ARTICLE, link=LINK + "/amp" * (n % 2), guid=LINK + "/amp" * (n % 2)) for n in range(24)
    ],
    "host that moved, guids with it": [
        replace(ARTICLE, link=LINK.replace("outlet.kz", host), guid=LINK.replace("outlet.kz", host))
        for host in ("outlet.kz", "outlet.com") * 12
    ],
    "no text": [replace(ARTICLE, summary="")] * 24,
    "no text and guids that change": [replace(e, summary="") for e in hourly(guid="urn:{}")],
    "no text, link and guid that change, time kept": [replace(e, summary="") for e in hourly(link=LINK + "{}", guid="urn:{}")],
    "no title": [replace(ARTICLE, title="")] * 24,
    "text that comes and goes": [replace(ARTICLE, summary=TEXT * (n % 2 == 0)) for n in range(24)],
    "title that comes and goes": [replace(ARTICLE, title=TITLE * (n % 2 == 0)) for n in range(24)],
    "other white space and case": [replace(ARTICLE, title=f" {TITLE.upper()}\n" if n % 2 else TITLE) for n in range(24)],
    "guid in capitals and spaces": [replace(ARTICLE, link=None, guid=f" {GUID}\n" if n % 2 else GUID) for n in range(24)],
}  # fmt: skip


@pytest.mark.parametrize("shown", A_DAY.values(), ids=A_DAY)
def test_an_unchanged_article_is_new_once_a_day_long(shown: Sequence[Entry]) -> None:
    assert kinds(shown) == ["new", *["same"] * 23]


@pytest.mark.parametrize("shown", A_DAY.values(), ids=A_DAY)
def test_two_feeds_of_one_outlet_show_one_article(shown: Sequence[Entry]) -> None:
    assert kinds(shown, ("outlet", "section")) == ["new", *["same"] * 23]


EDITS = {
    "title": ARTICLE,
    "no guid": replace(ARTICLE, guid=None),
    "no guid, short link": replace(ARTICLE, guid=None, link="https://outlet.kz/n/7"),
    "no link": replace(ARTICLE, link=None),
    "no text": replace(ARTICLE, summary=""),
    "link shared in its document": replace(ARTICLE, link_repeated=True),
    "guid repeated in its document": replace(ARTICLE, guid_repeated=True),
    "neither text nor guid": replace(ARTICLE, summary="", guid=None),
}


@pytest.mark.parametrize("article", EDITS.values(), ids=EDITS)
def test_an_edited_headline_is_a_version(article: Entry) -> None:
    assert kinds([article, replace(article, title=EDITED), article, replace(article, title=EDITED)]) == [
        "new", "revised", "same", "same",
    ]  # fmt: skip


ADDRESS_EDITS = {
    "headline in the guid": {"guid": "tag:outlet.kz,2022:zhiteli-vtoroj-den-na-ploshhadi"},
    "headline in the link": {"link": "https://outlet.kz/news/society/zhiteli-vtoroj-den-na-ploshhadi"},
    "headline in the guid of the other host": {"guid": "https://www.outlet.kz/zhiteli-vtoroj-den-na-ploshhadi"},
    "headline in a fragment": {"link": LINK + "#zhiteli-vtoroj-den", "guid": LINK + "#zhiteli-vtoroj-den"},
    "guid left out": {"guid": None},
    "link left out": {"link": None},
}


@pytest.mark.parametrize("address", ADDRESS_EDITS.values(), ids=ADDRESS_EDITS)
@pytest.mark.parametrize("text", [TEXT, ""])
def test_an_edited_headline_within_the_address_is_a_version(address: dict[str, str | None], text: str) -> None:
    before = replace(ARTICLE, summary=text)
    edited = replace(before, title=EDITED, **address)  # type: ignore[arg-type]
    assert kinds([before, edited, before, edited]) == ["new", "revised", "same", "same"]


def test_link_and_guid_that_agree_are_believed_whatever_the_words_are() -> None:
    rewritten = replace(ARTICLE, title=OTHER_TITLE, summary=OTHER_TEXT)
    assert kinds([ARTICLE, rewritten]) == ["new", "revised"]


@pytest.mark.parametrize("kept", ["link", "guid"])
def test_the_only_address_of_an_entry_is_believed_if_it_looks_made_for_one_article(kept: str) -> None:
    gone = "guid" if kept == "link" else "link"
    bare = replace(ARTICLE, **{gone: None})  # type: ignore[arg-type]
    assert kinds([bare, replace(bare, title=OTHER_TITLE, summary=OTHER_TEXT)]) == ["new", "revised"]


def column(**shared: object) -> tuple[Entry, Entry]:
    """Two articles, all different but for what is named."""
    one = Entry(
        guid="urn:a:1001", link="https://outlet.kz/a-1001", title=TITLE, summary=TEXT, published=NOW - 25 * HOUR
    )
    other = Entry(
        guid="urn:b:1002", link="https://outlet.kz/b-1002", title=OTHER_TITLE, summary=OTHER_TEXT, published=NOW
    )
    return replace(one, **shared), replace(other, **shared)  # type: ignore[arg-type]


RATE = "Курс доллара на {} января составил {} тенге"
TWO_ARTICLES = {
    "nothing in common": column(),
    "one title": column(title="Новости дня"),
    "one long title": column(title="Главные новости дня в Казахстане и мире"),
    "one long title, no text": column(title="Главные новости дня в Казахстане и мире", summary=""),
    "one long title, no text, no time": column(title="Главные новости дня в Казахстане", summary="", published=None),
    "one title and one short text": column(title="Курс валют Нацбанка на сегодня", summary="Смотрите таблицу."),
    "one title and one text, a day apart": column(title=TITLE, summary=TEXT),
    "one guid": column(guid="news"),
    "one guid that looks like one": column(guid="tag:outlet.kz,2022:news-of-the-day"),
    "one guid, no links": column(guid="news", link=None),
    "one guid and the home page": column(guid="news", link="https://outlet.kz/"),
    "one guid, the home page and one title": column(guid="news", link="https://outlet.kz/", title="Новости дня"),
    "one guid and one title": column(guid="news", title="Новости дня"),
    "one guid and one title without text": column(guid="news", title="Главные новости дня в стране", summary=""),
    "one live page": column(link="https://outlet.kz/live"),
    "one live page with a name": column(link="https://outlet.kz/live/2022/kazakhstan-protests"),
    "one live page, no guid": column(link="https://outlet.kz/live", guid=None),
    "one live page and one title": column(
        link="https://outlet.kz/live/2022/kazakhstan", title="Онлайн-трансляция событий"
    ),
    "one page, places in it": tuple(
        replace(e, link=f"https://outlet.kz/live-2022#block-{n}") for n, e in enumerate(column())
    ),
    "a parameter that is no tracking": tuple(
        replace(e, link=f"https://outlet.kz/item?source={n}") for n, e in enumerate(column())
    ),
    "one page of two towns": tuple(
        replace(e, link=f"https://{town}.outlet.kz/weather", title="Погода на завтра")
        for town, e in zip(("almaty", "astana"), column(), strict=True)
    ),
    "one template": tuple(
        replace(
            e, title=RATE.format(n, 430 + n), summary="", link=f"https://outlet.kz/kurs-{n}000", guid=f"urn:k:{n}000"
        )
        for n, e in enumerate(column())
    ),
    "one template with texts of a template": tuple(
        replace(e, title=RATE.format(n, 430 + n), summary=(RATE.format(n, 430 + n) + ". ") * 3)
        for n, e in enumerate(column())
    ),
    "one template and one guid": tuple(
        replace(e, title=RATE.format(n, 430 + n), summary="", guid="1") for n, e in enumerate(column())
    ),
    "one template and one guid, no link": tuple(
        replace(e, title=RATE.format(n, 430 + n), summary="", guid="1", link=None) for n, e in enumerate(column())
    ),
    "one template on one page": tuple(
        replace(e, title=RATE.format(n, 430 + n), summary="", guid=None, link="https://outlet.kz/kurs")
        for n, e in enumerate(column())
    ),
    "no address and other words": column(guid=None, link=None),
    "no address and one title": column(guid=None, link=None, title="Новости дня"),
    "no address, one short title, another day": column(guid=None, link=None, title="Погода на завтра", summary=""),
    "blank addresses": column(guid=" ", link="https://outlet.kz/#"),
    "no words": column(title="", summary=""),
}


@pytest.mark.parametrize("two", TWO_ARTICLES.values(), ids=TWO_ARTICLES)
def test_two_articles_are_never_merged_and_each_is_new_once(two: tuple[Entry, Entry]) -> None:
    one, other = two
    held = archive()
    first, second = (held.show(entry, "outlet", NOW) for entry in two)
    assert [first.kind, second.kind] == [ChangeKind.NEW, ChangeKind.NEW]
    assert first.report.id != second.report.id
    again = [held.show(entry, "outlet", NOW + HOUR) for entry in (one, other, other, one)]
    assert [change.kind for change in again] == [ChangeKind.SAME] * 4
    assert [change.report.id for change in again] == [
        first.report.id, second.report.id, second.report.id, first.report.id,
    ]  # fmt: skip


def test_guids_that_are_positions_shift_under_articles_that_stay() -> None:
    held = archive()
    articles = [
        Entry(guid=None, link=f"https://outlet.kz/{n}01", title=title, summary="", published=NOW)
        for n, title in enumerate((TITLE, OTHER_TITLE, "Снегопад закрыл трассу", "Открыт новый мост", "Умер академик"))
    ]
    for hour in range(4):
        for position, article in enumerate(reversed(articles[: hour + 2])):
            held.show(replace(article, guid=str(position)), "outlet", NOW + hour * HOUR)
    assert len(held.reports) == 5
    assert all(len(versions) == 1 for versions in held.versions.values())


def test_a_live_page_keeps_one_report_for_each_of_its_posts() -> None:
    held = archive()
    words = ("Штурм акимата", "Отставка кабинета", "Введён карантин", "Отключён интернет", "Прибыл спецназ")
    posts = [
        Entry(guid=f"urn:post:{n}000", link="https://outlet.kz/live-2022", title=t, summary="")
        for n, t in enumerate(words)
    ]
    for hour in range(5):
        for post in posts[: hour + 1]:
            held.show(post, "outlet", NOW + hour * HOUR)
    edited = held.show(replace(posts[2], title="Введён комендантский карантин"), "outlet")
    assert len(held.reports) == 5
    assert edited.kind is ChangeKind.REVISED
    assert edited.report.id == held.show(posts[2], "outlet").report.id


# --- several feeds, several outlets ------------------------------------------------------------------------------------


def shown(*polls: tuple[Entry, str]) -> list[Change]:
    held = archive()
    return [held.show(entry, feed_id, NOW + n * HOUR) for n, (entry, feed_id) in enumerate(polls)]


@pytest.mark.parametrize("cut", [TEXT[:60], TEXT[:60] + "…", TEXT[:47] + " [...]", "", TEXT.upper()[:70]])
def test_a_text_cut_short_in_another_feed_of_the_outlet_is_no_edit(cut: str) -> None:
    short = replace(ARTICLE, summary=cut)
    full, cut_, again = shown((ARTICLE, "outlet"), (short, "section"), (ARTICLE, "outlet"))
    assert [full.kind.value, cut_.kind.value, again.kind.value] == ["new", "same", "same"]
    assert cut_.report.text == TEXT


def test_the_full_text_that_another_feed_brings_is_a_version_and_stays() -> None:
    short = replace(ARTICLE, summary=TEXT[:60] + "…")
    found = shown((short, "section"), (ARTICLE, "outlet"), (short, "section"), (ARTICLE, "outlet"))
    assert [change.kind.value for change in found] == ["new", "revised", "same", "same"]
    assert found[-1].report.text == TEXT


def test_a_headline_edited_in_both_feeds_is_one_version_with_the_full_text() -> None:
    edited = replace(ARTICLE, title=EDITED)
    short = replace(edited, summary=TEXT[:60] + "…")
    found = shown((ARTICLE, "outlet"), (short, "section"), (edited, "outlet"))
    assert [change.kind.value for change in found] == ["new", "revised", "same"]
    assert found[1].report.text == TEXT


def test_an_aggregator_shows_the_outlets_report_and_never_revises_it() -> None:
    copy = replace(ARTICLE, guid="CBMi-1", title=f"{TITLE} - Outlet", summary="", source_name="Outlet")
    found = shown(
        (ARTICLE, "outlet"),
        (copy, "aggregator"),
        (replace(copy, title=f"Ещё раз: {EDITED}"), "aggregator"),
        (ARTICLE, "outlet"),
    )
    assert [change.kind.value for change in found] == ["new", "same", "same", "same"]
    assert {change.report.outlet for change in found} == {"outlet"}
    assert found[-1].report.title == TITLE


def test_an_outlet_takes_its_report_over_from_an_aggregator_that_was_first() -> None:
    copy = replace(ARTICLE, guid="CBMi-1", title=f"{TITLE} - Outlet", summary="", source_name="Outlet")
    found = shown(
        (copy, "aggregator"), (ARTICLE, "outlet"), (copy, "aggregator"), (replace(ARTICLE, title=EDITED), "outlet")
    )
    assert [change.kind.value for change in found] == ["new", "revised", "same", "revised"]
    assert found[0].report.source == "Outlet"
    taken = found[1].report
    assert (taken.feed_id, taken.outlet, taken.title, taken.text) == ("outlet", "outlet", TITLE, TEXT)
    assert taken.id == found[0].report.id == found[3].report.id
    assert found[3].report.version == 3


def test_an_outlet_that_takes_over_does_so_with_its_own_words_and_once() -> None:
    longer = replace(ARTICLE, guid="CBMi-1", title="Иначе")
    short = replace(ARTICLE, summary=TEXT[:60] + "…")
    found = shown(
        (longer, "aggregator"), (short, "outlet"), (short, "outlet"), (longer, "aggregator"), (short, "outlet")
    )
    assert [change.kind.value for change in found] == ["new", "revised", "same", "same", "same"]
    assert found[-1].report.text == short.summary


def test_an_aggregators_links_of_its_own_make_reports_of_its_own() -> None:
    copy = replace(ARTICLE, guid="CBMi-1", link="https://news.example/articles/CBMi-1", source_name="Outlet")
    found = shown((ARTICLE, "outlet"), (copy, "aggregator"))
    assert [change.kind.value for change in found] == ["new", "new"]


def test_an_aggregator_that_carries_on_a_known_guid_is_asked_for_its_words() -> None:
    copy = replace(ARTICLE, guid="CBMi-1", link="https://news.example/articles/CBMi-1")
    found = shown((ARTICLE, "outlet"), (copy, "aggregator"), (replace(copy, link=LINK), "aggregator"))
    assert [change.kind.value for change in found] == ["new", "new", "same"]


SPAM = Entry(
    guid=None, link="http://z.example/news/miners-strike-2026-11-22", title="Buy cheap watches today", summary=""
)
STRIKE = replace(SPAM, title="Protest: miners walk out in Karaganda over unpaid wages")


@pytest.mark.parametrize("guid", [None, "7", "urn:strike:1001"])
@pytest.mark.parametrize("link", [SPAM.link, "http://z.example/5"])
def test_another_outlets_words_over_the_same_link_do_not_swallow_a_report(link: str, guid: str | None) -> None:
    spam, strike = replace(SPAM, link=link), replace(STRIKE, link=link, guid=guid)
    found = shown((spam, "aggregator"), (strike, "outlet"), (spam, "aggregator"), (strike, "section"))
    assert [change.kind.value for change in found] == ["new", "new", "same", "same"]
    assert found[1].version is not None
    assert found[1].report.id == found[3].report.id != found[0].report.id == found[2].report.id


@pytest.mark.parametrize("first", ["outlet", "aggregator"])
@pytest.mark.parametrize("link", ["https://outlet.kz/1", "https://outlet.kz/5"])
def test_a_link_that_says_nothing_and_one_word_of_three_are_no_copy(link: str, first: str) -> None:
    one = Entry(guid=None, link=link, title="Miners strike Karaganda", summary="")
    other = replace(one, title="Bakers strike Almaty")
    second = "outlet" if first == "aggregator" else "aggregator"
    assert [change.kind.value for change in shown((one, first), (other, second), (one, first), (other, second))] == [
        "new", "new", "same", "same",
    ]  # fmt: skip


@pytest.mark.parametrize("guid", [None, "7", "urn:strike:1001"])
def test_edits_of_a_report_whose_link_another_outlet_had_first_are_versions(guid: str | None) -> None:
    strike = replace(STRIKE, guid=guid)
    edited, rewritten = (
        replace(strike, title=title)
        for title in ("Protest: miners walk out in Temirtau", "Shafts flooded, trains stand")
    )
    found = shown(
        (SPAM, "aggregator"), (strike, "outlet"), (edited, "section"), (rewritten, "outlet"), (edited, "outlet")
    )
    assert [change.kind.value for change in found] == ["new", "new", "revised", "revised", "same"]
    assert len({change.report.id for change in found[1:]}) == 1


def test_an_aggregators_own_headlines_over_one_link_are_one_report_of_its_own() -> None:
    """Also where the aggregator was first and the outlet took the report over, its guid and link with it."""
    copy = replace(ARTICLE, guid="CBMi-1001")
    own = replace(copy, title=OTHER_TITLE, summary="")
    found = shown(
        (copy, "aggregator"),
        (replace(ARTICLE, title=EDITED), "outlet"),
        (own, "aggregator"),
        (replace(own, title="Снегопад закрыл трассу"), "aggregator"),
        (replace(ARTICLE, title=EDITED), "outlet"),
    )
    assert [change.kind.value for change in found] == ["new", "revised", "new", "revised", "same"]
    assert {change.report.id for change in found[2:4]} != {found[0].report.id} == {found[4].report.id}


@pytest.mark.parametrize("turns", [("outlet", "aggregator"), ("aggregator", "outlet")])
def test_a_copy_that_stays_is_no_news_when_the_outlet_rewrites_its_article(turns: tuple[str, str]) -> None:
    entries = {"outlet": ARTICLE, "aggregator": replace(ARTICLE, guid=None, title=EDITED, summary="", published=None)}
    rewritten = replace(ARTICLE, title=OTHER_TITLE, summary=OTHER_TEXT)
    found = shown(
        *((entries[turn], turn) for turn in turns), (rewritten, "outlet"), (entries["aggregator"], "aggregator")
    )
    assert [change.kind.value for change in found[2:]] == ["revised", "same"]
    assert len({change.report.id for change in found}) == 1


# --- pruned reports ----------------------------------------------------------------------------------------------------


def pruned(article: Entry) -> Archive:
    held = archive()
    held.prune(held.show(article, "outlet").report.id)
    return held


BACK_AGAIN = {
    "unchanged": ARTICLE,
    "edited": replace(ARTICLE, title=EDITED),
    "without guid": replace(ARTICLE, guid=None),
    "without link": replace(ARTICLE, link=None),
    "in another section": replace(ARTICLE, link=LINK + "?utm_source=x"),
}


@pytest.mark.parametrize("entry", BACK_AGAIN.values(), ids=BACK_AGAIN)
def test_a_pruned_article_does_not_come_back(entry: Entry) -> None:
    held = pruned(ARTICLE)
    change = held.show(entry, "outlet")
    assert (change.kind, change.keys, change.version) == (ChangeKind.BURIED, (), None)
    assert held.reports == {}


def test_a_pruned_article_does_not_come_back_where_another_outlets_report_has_its_link() -> None:
    held = archive()
    held.show(SPAM, "aggregator")
    held.prune(held.show(STRIKE, "outlet").report.id)
    edited = replace(STRIKE, title="Protest: miners walk out in Temirtau")
    assert [held.show(entry, "section").kind.value for entry in (STRIKE, edited)] == ["buried", "buried"]
    assert held.show(SPAM, "aggregator").kind is ChangeKind.SAME


def test_a_pruned_article_without_any_address_does_not_come_back() -> None:
    bare = replace(ARTICLE, guid=None, link=None)
    assert pruned(bare).show(bare, "outlet").kind is ChangeKind.BURIED


NEW_AFTER = {
    "a guid used again": replace(ARTICLE, link="https://outlet.kz/other-1002", title=OTHER_TITLE, summary=OTHER_TEXT),
    "a live page": replace(ARTICLE, guid="urn:other:1002", title=OTHER_TITLE, summary=OTHER_TEXT),
    "a column with its title": replace(ARTICLE, guid="urn:other:1002", summary=OTHER_TEXT),
    "the same warning again": replace(ARTICLE, guid="urn:other:1002", link="https://outlet.kz/other-1002"),
}


@pytest.mark.parametrize("entry", NEW_AFTER.values(), ids=NEW_AFTER)
def test_tombstones_do_not_swallow_another_article(entry: Entry) -> None:
    held = pruned(ARTICLE)
    assert held.show(entry, "outlet").kind is ChangeKind.NEW
    assert held.show(entry, "outlet", NOW + HOUR).kind is ChangeKind.SAME


def test_a_key_that_a_living_report_took_over_is_no_grave() -> None:
    """The pruned article's link comes back under known words, then with its old guid and other words: in one batch as in three."""
    other = replace(ARTICLE, guid=None, title=OTHER_TITLE, summary=OTHER_TEXT)
    entries = (replace(other, link=None), other, replace(ARTICLE, title="Снегопад закрыл дорогу", summary=""))
    for size in (1, 3):
        held = pruned(ARTICLE)
        waiting = [held.intake(entry, "outlet") for entry in entries]
        found = [change.kind.value for at in range(0, 3, size) for change in held.decide(waiting[at : at + size])]
        assert found == ["new", "same", "new"]


def test_the_exact_entry_of_a_report_that_shared_its_keys_stays_buried() -> None:
    one, other = column(guid="news", link="https://outlet.kz/", title="Новости дня")
    held = archive()
    held.show(one, "outlet")
    held.prune(held.show(other, "outlet").report.id)
    assert held.show(other, "outlet").kind is ChangeKind.BURIED
    assert held.show(one, "outlet").kind is ChangeKind.SAME


@pytest.mark.parametrize(("apart", "kind"), [(timedelta(), "same"), (HOUR, "same"), (2 * HOUR, "new")])
def test_equal_words_at_another_address_are_one_article_for_an_hour(apart: timedelta, kind: str) -> None:
    moved = replace(ARTICLE, guid="urn:x:1002", link="https://outlet.kz/x-1002", published=NOW - HOUR + apart)
    assert kinds([ARTICLE, moved]) == ["new", kind]
    assert kinds([ARTICLE, replace(moved, published=None)]) == ["new", "same"]


def test_an_alarm_that_comes_again_in_the_same_words_is_new() -> None:
    words = "Воздушная тревога объявлена на всей территории области"
    alarms = [
        Entry(
            guid=f"urn:{n}000",
            link=f"https://outlet.kz/{n}000",
            title=words,
            summary=words,
            published=NOW + 3 * n * HOUR,
        )
        for n in range(3)
    ]
    assert kinds([*alarms, *alarms]) == ["new"] * 3 + ["same"] * 3


@pytest.mark.parametrize(("apart", "kind"), [(23 * HOUR, "same"), (25 * HOUR, "new")])
def test_an_article_on_another_host_may_state_another_time_within_a_day(apart: timedelta, kind: str) -> None:
    other = LINK.replace("outlet.kz", "outlet.com")
    assert kinds([ARTICLE, replace(ARTICLE, link=other, guid=other, published=NOW - HOUR + apart)]) == ["new", kind]
