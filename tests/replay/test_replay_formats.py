import io
import itertools
from datetime import timedelta
from typing import Any

import feedparser
import pytest

from monitor.replay.editions import Newsstand
from monitor.replay.formats import Item, document, link_of, number_of
from monitor.replay.scenario import Body, Format, Guids, Links, Misbehaviour, PublisherFault, State

TITLE = 'Цена на газ: «50 & не <больше>», сказал "аким" — Қазақстан'
TEXT = "Первая фраза о 50 < 60 тенге & о «ценах». Вторая фраза, в ней <b>нет</b> разметки."


def parsed(body: bytes) -> Any:
    feed = feedparser.parse(io.BytesIO(body))
    assert not feed.bozo, feed.get("bozo_exception")
    return feed


def text_of(entry: Any) -> str:
    """What a reader sees of an entry's longest body."""
    values = [(entry.get("summary", ""), entry.get("summary_detail", {}).get("type", ""))]
    values += [(content.value, content.type) for content in entry.get("content", ())]
    shown, kind = max(values, key=lambda value: len(value[0]))
    if kind == "text/html" or "<p>" in shown:
        shown = shown.replace("</p><p>", " ").replace("<p>", "").replace("</p>", "")
        shown = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
    return shown


@pytest.mark.parametrize(
    ("form", "encoding", "body"),
    list(itertools.product(Format, ["utf-8", "windows-1251", "utf-16"], Body)),
    ids=str,
)
def test_a_written_feed_reads_back_the_same(make: Any, form: Format, encoding: str, body: Body) -> None:
    outlet = make.outlet(format=form, encoding=encoding, body=body)
    item = Item(id="r001", path="/2022/01/05/r001", title=TITLE, text=TEXT, published=make.at(0), updated=make.at(5))
    feed = parsed(document(outlet, [item], day=3, changed=make.at(5)))

    assert feed.version == {Format.RSS: "rss20", Format.ATOM: "atom10", Format.RDF: "rss10"}[form]
    assert feed.feed.title == "Bell"
    assert [entry.title_detail.type for entry in feed.entries] == ["text/plain"]
    assert [entry.title for entry in feed.entries] == [TITLE]
    assert [entry.link for entry in feed.entries] == ["https://bell.example/2022/01/05/r001"]
    assert [text_of(entry) for entry in feed.entries] == [TEXT]
    assert feed.entries[0]["updated_parsed" if form is Format.RDF else "published_parsed"][:5] == (2022, 1, 5, 6, 0)


@pytest.mark.parametrize(
    ("guids", "wanted"),
    [
        (Guids.PERMALINK, ["https://bell.example/a", "https://bell.example/b"]),
        (Guids.NUMBER, [str(number_of("a")), str(number_of("b"))]),
        (Guids.TAG, [f"tag:bell.example,2022:{number_of('a')}", f"tag:bell.example,2022:{number_of('b')}"]),
        (Guids.TITLE, ["Title a", "Title b"]),
        (Guids.REPEATED, ["https://bell.example/", "https://bell.example/"]),
        (Guids.MISSING, [None, None]),
    ],
)
@pytest.mark.parametrize("form", [Format.RSS, Format.ATOM])
def test_guids_are_as_the_outlet_writes_them(make: Any, form: Format, guids: Guids, wanted: list[str | None]) -> None:
    outlet = make.outlet(format=form, guids=guids)
    items = [
        Item(id=name, path=f"/{name}", title=f"Title {name}", text="T.", published=make.at(0), updated=make.at(0))
        for name in "ab"
    ]
    body = document(outlet, items, day=0, changed=make.at(0)).decode()
    assert [
        entry.get("id") for entry in parsed(body.replace(' xml:base="https://bell.example/"', "").encode()).entries
    ] == wanted


def test_links_change_as_the_outlet_likes_and_keep_their_path(make: Any) -> None:
    moving = [link_of(make.outlet(links=Links.MOVING), "/a", day) for day in range(3)]
    assert moving == ["https://bell.example/a", "http://bell.example/a", "https://www.bell.example/a"]
    tracked = link_of(make.outlet(links=Links.TRACKING), "/a", 7)
    assert tracked == "https://bell.example/a?utm_source=rss&utm_medium=feed&utm_campaign=day7"
    assert link_of(make.outlet(links=Links.RELATIVE), "/a", 7) == "/a"


def test_relative_links_of_atom_lead_to_the_outlet(make: Any) -> None:
    outlet = make.outlet(format=Format.ATOM, links=Links.RELATIVE, guids=Guids.NUMBER)
    item = Item(id="a", path="/a", title="A", text="T.", published=make.at(0), updated=make.at(0))
    assert parsed(document(outlet, [item], day=0, changed=make.at(0))).entries[0].link == "https://bell.example/a"


def test_an_edition_shows_what_stands_newest_first_and_no_more_than_the_feed_holds(make: Any) -> None:
    late = State(at=make.at(200), title="Edited", text="Edited.")
    first = State(at=make.at(10), title="Old", text="Old.")
    scenario = make.scenario(
        make.entry("a", 10, states=(first, late)),
        make.entry("b", 60),
        make.entry("c", 120, removed=make.at(150)),
        outlets=(make.outlet(items=2),),
    )
    stand = Newsstand(scenario.outlets[0], scenario)

    assert stand.edition(make.at(0)).shown == ()
    assert stand.edition(make.at(10)).shown == (("a", 1),)
    assert stand.edition(make.at(130)).shown == (("c", 1), ("b", 1))
    assert stand.edition(make.at(160)).shown == (("b", 1), ("a", 1))
    assert stand.edition(make.at(220)).shown == (("b", 1), ("a", 2))
    assert stand.edition(make.at(220)).changed == make.at(200)


def test_an_edition_is_written_once_while_it_stands(make: Any) -> None:
    scenario = make.scenario(make.entry("a", 10), make.entry("b", 60))
    stand = Newsstand(scenario.outlets[0], scenario)
    assert stand.edition(make.at(20)) is stand.edition(make.at(59))
    assert stand.edition(make.at(59)).etag != stand.edition(make.at(60)).etag


def test_restless_outlets_change_every_day_and_others_do_not(make: Any) -> None:
    calm, restless = make.outlet("calm"), make.outlet("restless", links=Links.TRACKING)
    entries = (make.entry("a", 10, of="calm"), make.entry("b", 10, of="restless"))
    scenario = make.scenario(*entries, outlets=(calm, restless), lasts=timedelta(days=3))
    days = [make.at(20 + 1440 * day) for day in range(3)]
    assert len({Newsstand(calm, scenario).edition(day).etag for day in days}) == 1
    assert len({Newsstand(restless, scenario).edition(day).etag for day in days}) == 3


def test_guids_differ_while_they_are_wrong_and_come_back(make: Any) -> None:
    fault = PublisherFault(kind=Misbehaviour.GUIDS, outlets=("bell",), start=make.at(60), end=make.at(120))
    scenario = make.scenario(make.entry("a", 10), faults=(fault,))
    stand = Newsstand(scenario.outlets[0], scenario)
    ids = [parsed(stand.edition(make.at(minute)).body).entries[0].id for minute in (30, 90, 150)]
    assert ids[0] == ids[2]
    assert ids[1] == ids[0] + "-v2"


def test_nothing_is_published_after_the_end_of_the_run(make: Any) -> None:
    scenario = make.scenario(make.entry("a", 10), make.entry("b", 60))
    stand = Newsstand(scenario.outlets[0], scenario, until=make.at(30))
    assert stand.edition(make.at(90)).shown == (("a", 1),)
    assert stand.changes_between(make.at(0), make.at(600)) == (make.at(10),)
