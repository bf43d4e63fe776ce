"""Conformance cases 92-97: catching up on entries that were missed."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from conformance.desk import NOON, Desk, days, hours, page
from conformance.running import watching
from support.feeds import rss
from support.http_server import Answer, Request, redirect, reply

from monitor.pipeline import catching_up
from monitor.pipeline.catching_up import APART

ATOM = 'xmlns="http://www.w3.org/2005/Atom"'
HISTORY = 'xmlns="http://purl.org/syndication/history/1.0"'


def linked(names: str, rel: str | None = None, href: str = "", *, more: str = "") -> bytes:
    """Return a document that shows these entries and names another."""
    link = f'<link {ATOM} rel="{rel}" href="{href}"/>' if rel else ""
    return page(names, channel=link + more)


@pytest.fixture(autouse=True)
def _no_rest_between_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service's own pauses are real seconds."""
    monkeypatch.setattr(catching_up, "APART", 0.0)


def asked(desk: Desk) -> list[str]:
    return [request.target for request in desk.requests]


# --- archives ---------------------------------------------------------------------------------------------------------


def test_case_092_after_a_gap_archives_are_walked_back_until_a_known_entry(desk: Desk) -> None:
    desk.serve(reply(200, page("cba")), reply(200, linked("lkj", "prev-archive", "/3")))
    desk.serve(reply(200, linked("ihg", "prev-archive", "/2")), path="/3")
    desk.serve(reply(200, linked("fedc", "prev-archive", "/1")), path="/2")
    desk.polls(2)
    assert desk.titles() == "defghijkl"
    assert asked(desk) == ["/feed", "/feed", "/3", "/2"]
    assert "6 entries were recovered, nothing is missing" in (desk.state().gap or "")


def test_case_092_an_archive_whose_address_is_known_ends_the_walk_unasked(desk: Desk) -> None:
    desk.serve(
        reply(200, linked("cba", "prev-archive", "/2")),
        reply(200, linked("ihg", "prev-archive", "/3")),
    )
    desk.serve(reply(200, linked("fed", "prev-archive", "/2")), path="/3")
    desk.polls(2)
    assert (desk.titles(), asked(desk)) == ("defghi", ["/feed", "/feed", "/3"])
    assert "nothing is missing" in (desk.state().gap or "")


def endless() -> Answer:
    """Archives that never end, each with entries of its own."""

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        number = int(request.path.rpartition("/")[2] or 0) + 1
        await reply(200, linked("", "prev-archive", f"/archive/{number}").replace(
            b"</channel>", f"<item><guid>n{number}</guid><title>n{number}</title></item></channel>".encode()
        ))(request, writer)  # fmt: skip

    return answer


def test_case_092_the_walk_is_bounded_and_a_second_apart(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = list[float]()

    async def pause(length: float) -> None:
        pauses.append(length)

    monkeypatch.setattr("conformance.desk.no_pause", pause)
    monkeypatch.setattr(catching_up, "APART", APART)
    desk.serve(reply(200, page("a")), reply(200, linked("z", "prev-archive", "/archive/0")))
    desk.serve(endless(), path="*")
    desk.polls(2)
    assert (len(asked(desk)), pauses) == (2 + 20, [1.0] * 20)
    assert "may be missing" in (desk.state().gap or "")


@pytest.mark.parametrize("way", ["link", "redirect"])
def test_case_092_archives_pass_the_same_guard(desk: Desk, way: str) -> None:
    archive = "http://10.0.0.1/archive" if way == "link" else "/archive"
    desk.serve(reply(200, page("a")), reply(200, linked("z", "prev-archive", archive)))
    desk.serve(redirect("http://169.254.169.254/latest/"), path="/archive")
    desk.polls(2)
    assert desk.titles() == "z"
    assert "may be missing" in (desk.state().gap or "")


def test_case_092_without_a_gap_no_archive_is_asked_for(desk: Desk) -> None:
    desk.serve(reply(200, page("cba")), reply(200, linked("edc", "prev-archive", "/2")))
    desk.polls(2)
    assert asked(desk) == ["/feed", "/feed"]


@pytest.mark.parametrize(
    ("recent", "older", "title"),
    [
        ("2022-01-05T12:01:00Z", "2022-01-05T12:02:00Z", "older document"),
        ("2022-01-05T12:02:00Z", "2022-01-05T12:01:00Z", "recent document"),
        ("2022-01-05T12:01:00Z", "2022-01-05T12:01:00Z", "recent document"),
        (None, None, "recent document"),
    ],
)
def test_case_093_of_one_entry_in_two_documents_the_last_updated_wins_then_the_more_recent_document(
    desk: Desk, recent: str | None, older: str | None, title: str
) -> None:
    def entry(name: str, updated: str | None) -> str:
        said = f"<updated {ATOM}>{updated}</updated>" if updated else ""
        return f"<guid>twice</guid><title>{name}</title>{said}"

    link = f'<link {ATOM} rel="prev-archive" href="/1"/>'
    desk.serve(reply(200, page("a")), reply(200, rss(entry("recent document", recent), channel=link)))
    desk.serve(reply(200, rss(entry("older document", older), "<guid>a</guid><title>a</title>")), path="/1")
    desk.polls(2)
    assert desk.titles() == title


@pytest.mark.parametrize("status", [403, 404, 410])
def test_case_094_an_archive_that_cannot_be_had_is_recorded(desk: Desk, status: int) -> None:
    desk.serve(reply(200, page("a")), reply(200, linked("z", "prev-archive", "/1")))
    desk.serve(reply(status), path="/1")
    desk.polls(2)
    assert (desk.titles(), desk.state().failure, desk.state().gaps) == ("z", None, 1)
    assert "some entries may be missing" in (desk.state().gap or "")
    assert str(status) in (desk.state().gap or "")


def test_case_094_the_user_is_told_that_entries_may_be_missing(desk: Desk, tmp_path: Path) -> None:
    desk.serve(reply(200, page("a")), reply(200, linked("z", "prev-archive", "/1")))
    with watching(desk, tmp_path) as service:
        service.configure({"news": {"path": "/feed"}})
        service.start()
        alerts = service.advance(hours(1))
    assert [alert["headline"] for alert in alerts if alert["kind"] == "operator"] == [
        "Entries of a feed may have been missed"
    ]
    assert any("may be missing" in json.dumps(event) for event in service.told())


# --- complete feeds and pages -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "complete",
    [f"<fh:complete {HISTORY.replace('xmlns', 'xmlns:fh')}/>", f"<complete {HISTORY}/>"],
    ids=["prefix", "no prefix"],
)
def test_case_095_what_a_complete_feed_shows_no_more_is_no_gap_and_stays_a_report(
    desk: Desk, tmp_path: Path, complete: str
) -> None:
    desk.serve(reply(200, linked("ba", more=complete)), reply(200, linked("dc", "prev-archive", "/1", more=complete)))
    with watching(desk, tmp_path) as service:
        service.configure({"news": {"path": "/feed"}})
        service.start()
        service.advance(hours(1))
        assert service.call("status")["counts"]["reports"] == 4
        assert service.states()["news"].gaps == 0
    assert "/1" not in asked(desk)


def json_page(*names: str, following: str) -> bytes:
    items = [{"id": name, "title": name} for name in names]
    return json.dumps(
        {"version": "https://jsonfeed.org/version/1.1", "title": "N", "items": items, "next_url": following}
    ).encode()


@pytest.mark.parametrize("form", ["rss", "json"])
def test_case_095_pages_are_used_for_gaps_only(desk: Desk, form: str) -> None:
    def made(names: str, following: str) -> bytes:
        return linked(names, "next", following) if form == "rss" else json_page(*names, following=following)

    desk.serve(reply(200, made("ba", "/2")), reply(200, made("cb", "/2")), reply(200, made("gf", "/2")))
    desk.serve(reply(200, made("ed", "/3")), path="/2")
    desk.serve(reply(200, made("cb", "/4")), path="/3")
    desk.polls(3)
    assert (desk.titles(), asked(desk)) == ("defg", ["/feed"] * 3 + ["/2", "/3"])


@pytest.mark.parametrize("form", ["rss", "json"])
@pytest.mark.parametrize("target", ["/feed", "/2"], ids=["the feed itself", "a circle"])
def test_case_095_pages_that_lead_in_a_circle_are_left(desk: Desk, form: str, target: str) -> None:
    def made(names: str, following: str) -> bytes:
        return linked(names, "next", following) if form == "rss" else json_page(*names, following=following)

    desk.serve(reply(200, made("ba", target)), reply(200, made("gf", target)))
    desk.serve(reply(200, made("ed", "/3")), path="/2")
    desk.serve(reply(200, made("ih", "/2")), path="/3")
    desk.polls(2)
    assert asked(desk) == ["/feed", "/feed", *([] if target == "/feed" else ["/2", "/3"])]
    assert "may be missing" in (desk.state().gap or "")


# --- differences ------------------------------------------------------------------------------------------------------


def test_case_096_a_difference_is_asked_for_with_an_etag_only(desk: Desk) -> None:
    desk.serve(
        reply(200, page("a"), {"Last-Modified": "t"}),
        reply(200, page("ba"), {"ETag": '"1"'}),
        reply(304),
    )
    desk.polls(3)
    assert desk.sent("a-im") == [None, None, "feed"]
    assert desk.sent("if-none-match") == [None, None, '"1"']


def test_case_096_a_226_is_merged_and_what_it_does_not_show_is_known_on(desk: Desk) -> None:
    desk.serve(
        reply(200, page("ba"), {"ETag": '"1"'}),
        reply(226, linked("c", "prev-archive", "/1"), {"ETag": '"2"', "IM": "feed"}),
        reply(226, page("d"), {"ETag": '"3"', "IM": "feed"}),
        reply(200, page("edcba"), {"ETag": '"4"'}),
    )
    shown = [poll and "".join(entry.title for entry in poll.entries) for poll in desk.polls(4)]
    assert shown == ["ab", "c", "d", "e"]
    assert desk.sent("if-none-match") == [None, '"1"', '"2"', '"3"']
    assert (desk.state().gaps, desk.state().entries) == (0, 5)
    assert "/1" not in asked(desk)


# --- what comes late --------------------------------------------------------------------------------------------------


def test_case_097_what_is_caught_up_on_and_old_is_stored_and_not_told_one_by_one(desk: Desk, tmp_path: Path) -> None:
    def item(name: str, title: str, published: datetime) -> str:
        date = f"<pubDate>{published:%a, %d %b %Y %H:%M:%S} GMT</pubDate>"
        return f"<guid isPermaLink='false'>{name}</guid><title>{title}</title>{date}"

    link = f'<link {ATOM} rel="prev-archive" href="/1"/>'
    towns = ("Almaty", "Taraz", "Aktobe", "Oral", "Shymkent")
    old = [item(town, f"Protest in {town}", NOON - days(20)) for town in towns]
    desk.serve(
        reply(200, rss(item("a", "Quiet day", NOON - hours(1)))),
        reply(200, rss(item("b", "Protest in Zhanaozen", NOON + timedelta(minutes=4)), channel=link)),
    )
    desk.serve(reply(200, rss(*old, item("a", "Quiet day", NOON - hours(1)))), path="/1")
    with watching(desk, tmp_path) as service:
        service.configure({"news": {"path": "/feed"}})
        service.start()
        alerts = service.advance(hours(1))
        assert service.call("status")["counts"]["reports"] == 7
    assert [alert["headline"] for alert in alerts if alert["kind"] == "story"] == ["Protest in Zhanaozen"]
