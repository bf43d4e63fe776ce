"""Deciding: real store, real watches, real templates; only the way out is a list."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.alerts.policy import Rules
from monitor.alerts.render import Renderer
from monitor.language.entities import Entity, Kind, Name
from monitor.language.gazetteer import Gazetteer
from monitor.model import (
    AlertKind,
    Delivered,
    Disposition,
    Document,
    Entry,
    Feed,
    Part,
    PollResult,
    Recipient,
    Route,
    Severity,
    Watch,
)
from monitor.pipeline import Memory, Setup, decide
from monitor.store import open_store
from monitor.watches import compile_watches

NOW = datetime(2022, 1, 5, 12, tzinfo=UTC)
PACE = timedelta(minutes=5)


@dataclass
class Paper:
    """A channel that keeps what it is given."""

    name: str = "paper"
    kind: str = "paper"
    deadline: timedelta = timedelta(seconds=1)
    concurrency: int = 1
    schedule: tuple = (timedelta(seconds=5),)
    recipients: tuple = (Recipient(address="desk"),)
    wants: tuple = tuple(Part)
    composed: list = field(default_factory=list)

    def compose(self, message, *, alert, delivery_id, recipient):
        if "POISON" in message.subject:
            raise ZeroDivisionError
        self.composed.append((alert.headline, delivery_id, recipient.address))
        return json.dumps({"id": delivery_id, "subject": message.subject}).encode()

    async def send(self, delivery, *, now):
        return Delivered(detail="on paper")

    async def aclose(self):
        pass


FEEDS = {
    name: Feed(id=name, name=name.title(), url=f"https://{name}.example/rss", situation="kz", outlet=name)
    for name in ("herald", "wire", "post")
}
WATCHES = (
    Watch(name="unrest", title="Unrest", any=("protest", "rally"), severity=Severity.WARNING),
    Watch(name="casualties", title="Casualties", any=("killed",), severity=Severity.CRITICAL, routes=("night",)),
)
ROUTES = (Route(name="desk", channels=("paper",)), Route(name="night", channels=("paper",), watches=("casualties",)))


def a_concept(name):
    return Entity(
        kind=Kind.CONCEPT, id=name, titles={"en": name}, names=(Name(text=name, language="en", capital=False),)
    )


ZHANAOZEN = Entity(
    kind=Kind.PLACE, id="zhanaozen", titles={"en": "Zhanaozen"}, names=(Name(text="Zhanaozen", language="en"),)
)
GAZETTEER = Gazetteer((ZHANAOZEN, a_concept("strike"), a_concept("protest")))


def a_setup(**changes):
    watches = changes.pop("watches", WATCHES)
    routes = changes.pop("routes", ROUTES)
    rules = Rules(
        situation="kz",
        watches={watch.name: watch for watch in watches},
        routes=routes,
        alert_window=timedelta(hours=24),
        operator_route=routes[0].name,
    )
    base = Setup(
        situation="kz",
        situation_name="Kazakhstan",
        zone="Asia/Almaty",
        feeds=FEEDS,
        watches=compile_watches(watches, GAZETTEER),
        rules=rules,
        channels={"paper": Paper()},
        renderer=Renderer(None),
    )
    return replace(base, **changes)


@pytest.fixture
def store():
    opened = open_store("sqlite://")
    opened.migrate()
    opened.sync_feeds("kz", list(FEEDS.values()), NOW, dict.fromkeys(FEEDS, NOW))
    yield opened
    opened.close()


def show(store, feed_id, *entries, at=NOW, baseline=False):
    """Commit A: a feed shows these entries, oldest first."""
    store.poll_now([feed_id], at)
    for state in store.claim_due_feeds("kz", at, 10, timedelta(minutes=1)):
        if state.feed_id != feed_id:
            store.postpone([(state.feed_id, state.lease, state.due_at)])
            continue
        after = replace(state, lease=None, due_at=at + PACE, filled=True, last_success_at=at, last_attempt_at=at)
        document = Document(url=FEEDS[feed_id].url, fetched_at=at, status=200, content_type=None, body=b"<rss/>")
        result = PollResult(
            state=after, lease=state.lease, at=at, entries=entries, baseline=baseline, document=document
        )
        assert not store.save_polls([result])


def an_entry(title, text="", link=None, *, published=NOW, guid=None):
    return Entry(guid=guid, link=link, title=title, summary=text, published=published)


def settle(store, setup=None, now=NOW, memory=None):
    setup, memory = setup or a_setup(), memory or Memory()
    alerts = []
    while (decided := decide(store, memory, setup, now)).entries:
        alerts += decided.alerts
    return alerts


PROTEST = an_entry("Protest in Zhanaozen over gas price", "A crowd gathered on the square.", "https://herald.example/1")


def test_a_wanted_report_becomes_one_alert_with_a_delivery_for_everyone_on_the_route(store):
    show(store, "herald", PROTEST)
    (alert,) = settle(store)
    assert (alert.route, alert.severity, alert.reason) == ("desk", Severity.WARNING, "new_story")
    assert [reason.surface for reason in alert.matches[0].reasons] == ["Protest"]
    (delivery,) = store.deliveries(limit=9)
    assert (delivery.alert_id, delivery.channel, delivery.recipient) == (alert.id, "paper", "desk")
    assert json.loads(delivery.payload)["id"] == delivery.id
    assert store.intake_waiting("kz") == 0


def test_deciding_nothing_does_nothing(store):
    assert decide(store, Memory(), a_setup(), NOW).entries == 0
    assert store.counts("kz")["reports"] == 0


def test_an_unwanted_report_is_stored_and_not_told(store):
    show(store, "herald", an_entry("Chess results", "A draw.", "https://herald.example/2"))
    assert settle(store) == []
    assert store.counts("kz")["reports"] == 1


def test_the_same_entry_again_is_no_news(store):
    show(store, "herald", PROTEST)
    settle(store)
    show(store, "herald", replace(PROTEST, link="http://www.herald.example/1?utm_source=rss"), at=NOW + PACE)
    assert settle(store) == []
    assert store.counts("kz")["reports"] == 1


def reports_about(store):
    return {report.title: report.named for report in store.reports("kz", limit=99)}


def test_every_report_is_stored_with_what_it_is_about_whether_a_watch_wants_it_or_not(store):
    show(store, "herald", PROTEST, an_entry("Chess results", "A strike in Zhanaozen.", "https://herald.example/2"))
    (alert,) = settle(store)
    assert alert.report.named == ("concept/protest", "place/zhanaozen")
    assert store.listings()[0].match.score == 1.0
    assert reports_about(store) == {
        PROTEST.title: ("concept/protest", "place/zhanaozen"),
        "Chess results": ("concept/strike", "place/zhanaozen"),
    }


@pytest.mark.parametrize("limit", [1, 9])
def test_an_edit_changes_what_a_report_is_about_and_the_same_again_does_not(store, limit):
    show(store, "herald", PROTEST)
    edited = replace(PROTEST, title="Strike in a town over gas price")
    show(store, "herald", edited, at=NOW + PACE)
    again = replace(edited, link="http://www.herald.example/1?utm_source=rss")
    show(store, "herald", again, at=NOW + 2 * PACE)
    memory = Memory()
    while decide(store, memory, a_setup(), NOW, limit).entries:
        pass
    assert reports_about(store) == {edited.title: ("concept/strike",)}


def test_a_copy_by_another_outlet_is_listed_in_the_story_and_not_told(store):
    text = "Several hundred people gathered on the main square of the town and demanded that the price be lowered."
    show(store, "herald", an_entry("Protest over gas price in Zhanaozen", text, "https://herald.example/1"))
    show(store, "wire", an_entry("Protest over gas price in Zhanaozen", text, "https://wire.example/77"))
    (alert,) = settle(store)
    (copy,) = [listing for listing in store.listings() if listing.disposition is Disposition.COPY]
    assert copy.alert_id == alert.id
    story, reports = store.story(alert.story_id)
    assert (story.reports, story.sources, len(reports)) == (2, 2, 2)


def test_copies_are_found_after_a_restart_too(store):
    text = "Several hundred people gathered on the main square of the town and demanded that the price be lowered."
    show(store, "herald", an_entry("Protest over gas price in Zhanaozen", text, "https://herald.example/1"))
    assert len(settle(store)) == 1
    show(store, "wire", an_entry("Protest over gas price in Zhanaozen", text, "https://wire.example/77"), at=NOW + PACE)
    assert settle(store, memory=Memory()) == []


def test_an_edit_is_a_version_and_its_reversal_no_change(store):
    show(store, "herald", PROTEST)
    settle(store)
    edited = replace(PROTEST, title="Protest in Zhanaozen grows over gas price")
    show(store, "herald", edited, at=NOW + PACE)
    show(store, "herald", PROTEST, at=NOW + 2 * PACE)
    assert settle(store) == []
    (report,) = store.reports("kz", limit=9)
    assert [version.title for version in store.versions(report.id)] == [PROTEST.title, edited.title]


def test_an_edit_that_makes_a_report_wanted_is_told_with_that_reason(store):
    quiet = replace(PROTEST, title="Crowd in Zhanaozen")
    show(store, "herald", quiet)
    assert settle(store) == []
    show(store, "herald", PROTEST, at=NOW + PACE)
    (alert,) = settle(store)
    assert alert.reason == "newly_matched"


def test_an_entry_new_and_edited_in_one_batch_stays_in_one_story(store):
    show(store, "herald", PROTEST)
    show(store, "herald", replace(PROTEST, title="Protest in Zhanaozen goes on into the night"), at=NOW + PACE)
    assert len(settle(store)) == 1
    (story,) = store.list_stories("kz", limit=9)
    assert story.reports == 1


def test_each_route_is_told_once(store):
    show(store, "herald", an_entry("Protest: two killed", "In the square.", "https://herald.example/3"))
    alerts = settle(store)
    assert sorted(alert.route for alert in alerts) == ["desk", "night"]
    assert len({alert.id for alert in alerts}) == 2


def test_the_first_fill_tells_the_news_of_the_window_and_stores_the_rest_silently(store):
    old = an_entry("Old protest remembered", "x", "https://herald.example/old", published=NOW - timedelta(days=3))
    undated = an_entry("Undated protest somewhere", "y", "https://herald.example/undated", published=None)
    show(store, "herald", old, undated, PROTEST, baseline=True)
    assert [alert.headline for alert in settle(store)] == [PROTEST.title]
    assert sorted(listing.disposition for listing in store.listings()) == ["alerted", "older", "older"]


def test_what_appeared_while_the_service_was_down_for_days_is_told(store):
    show(store, "herald", baseline=True)
    late = NOW + timedelta(days=4)
    missed = an_entry("Rally on the third day", "z", "https://herald.example/9", published=NOW + timedelta(hours=30))
    show(store, "herald", missed, at=late)
    assert [alert.headline for alert in settle(store, now=late)] == [missed.title]


def test_an_archive_put_back_into_a_feed_is_listed_and_not_told(store):
    show(store, "herald", baseline=True)
    old = an_entry("Rally of last year", "z", "https://herald.example/0", published=NOW - timedelta(days=300))
    show(store, "herald", old, at=NOW + PACE)
    assert settle(store) == []
    assert [listing.disposition for listing in store.listings()] == [Disposition.OLDER]


def test_a_failing_user_template_falls_back_and_the_operator_is_told_once(store, tmp_path):
    (tmp_path / "line.j2").write_text("{{ nothing_of_that_name }}")
    show(store, "herald", PROTEST, an_entry("Rally in Aktau", "On the square.", "https://herald.example/4"))
    alerts = settle(store, a_setup(renderer=Renderer(tmp_path)))
    kinds = [alert.kind for alert in store.alerts(limit=9)]
    assert len([alert for alert in alerts if alert.kind is AlertKind.STORY]) == 2
    assert kinds.count(AlertKind.OPERATOR) == 1


def test_a_crash_before_the_commit_leaves_everything_to_be_decided_again_with_the_same_ids(store, monkeypatch):
    show(store, "herald", PROTEST)

    class Crash(BaseException):
        pass

    def crash(self):
        raise Crash

    with monkeypatch.context() as planted:
        planted.setattr("monitor.pipeline.deciding._Batch.decision", crash)
        with pytest.raises(Crash):
            decide(store, Memory(), a_setup(), NOW)
    assert store.intake_waiting("kz") == 1
    assert store.counts("kz")["reports"] == 0
    (alert,) = settle(store)
    assert alert.id == store.alerts(limit=1)[0].id


def test_entries_of_a_feed_that_is_configured_no_more_are_still_decided(store):
    show(store, "herald", PROTEST)
    setup = a_setup(feeds={name: feed for name, feed in FEEDS.items() if name != "herald"})
    assert len(settle(store, setup)) == 1


def test_a_batch_ends_when_its_time_is_used_up_and_the_rest_follows(store, monkeypatch):
    monkeypatch.setattr("monitor.pipeline.deciding.BUDGET", timedelta(seconds=-1))
    show(store, "herald", *(an_entry(f"Rally number {n}", "", f"https://herald.example/{n}") for n in range(5)))
    memory, setup = Memory(), a_setup()
    decisions = [decide(store, memory, setup, NOW) for _ in range(6)]
    assert [decided.entries for decided in decisions] == [1, 1, 1, 1, 1, 0]
    assert [decided.more for decided in decisions] == [True, True, True, True, False, False]


def test_a_batch_that_read_all_it_was_allowed_to_says_that_there_may_be_more(store):
    show(store, "herald", *(an_entry(f"Rally number {n}", "", f"https://herald.example/{n}") for n in range(5)))
    memory, setup = Memory(), a_setup()
    decisions = [decide(store, memory, setup, NOW, limit=2) for _ in range(3)]
    assert [(decided.entries, decided.more) for decided in decisions] == [(2, True), (2, True), (1, False)]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 4), min_size=1, max_size=8))
def test_results_depend_on_intake_order_and_not_on_batches_or_restarts(limits):
    texts = [
        an_entry(
            f"Protest {n % 3} in {('town', 'Zhanaozen')[n // 4]} {n % 3}",
            f"Some people gathered in the square of town {n % 3} and stayed there until night came down.",
            f"https://{feed}.example/{n}",
        )
        for n in range(6)
        for feed in ("herald", "wire")
    ]

    setup = a_setup()

    def run(batches):
        opened = open_store("sqlite://")
        try:
            opened.migrate()
            opened.sync_feeds("kz", list(FEEDS.values()), NOW, dict.fromkeys(FEEDS, NOW))
            for entry in texts:
                show(opened, entry.link.split("//")[1].split(".")[0], entry)
            for limit in batches:
                decide(opened, Memory(), setup, NOW, limit)
            settle(opened, setup)
            alerts = sorted(alert.id for alert in opened.alerts(limit=99))
            stories = sorted((story.id, story.reports, story.sources) for story in opened.list_stories("kz", limit=99))
            listed = sorted((i.match.report_id, i.route, i.disposition) for i in opened.listings())
            about = sorted((report.id, report.named) for report in opened.reports("kz", limit=99))
            return alerts, stories, listed, about
        finally:
            opened.close()

    assert run(limits) == run([])
