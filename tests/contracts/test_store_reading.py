"""What every store answers to commands and the status page, and that its audit log only grows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import exc, text
from support.stores import databases_fixture, migrated_file_fixture, store_fixture, store_url_fixture  # noqa: F401 - fixtures
from support.values import (
    HOUR,
    KZ,
    MINUTE,
    NOW,
    alert,
    decision,
    delivery,
    entry,
    feed,
    listing,
    new,
    polled,
    report,
    save,
    story,
)

from monitor.model import AuditEvent, Change, ChangeKind, DeliveryState, Entry, IntakeEntry, Report
from monitor.store import SqlStore


def fill(store: SqlStore, *made: Report, links: tuple[str | None, ...] = (), **given: object) -> None:
    """Store reports, one entry each."""
    store.sync_feeds(KZ, [feed()], NOW, {"tengri": NOW})
    entries = [entry(number, link=link) for number, link in enumerate(links or [None] * len(made))]
    found = arrive(store, *entries)
    decide(store, decision(*(new(one, of) for one, of in zip(found, made, strict=True)), **given))


def arrive(store: SqlStore, *entries: Entry) -> tuple[IntakeEntry, ...]:
    store.poll_now(["tengri"], NOW)
    (state,) = store.claim_due_feeds(KZ, NOW, 1, MINUTE)
    save(store, polled(state, *entries))
    with store.deciding(KZ) as deciding:
        return deciding.intake(1000)


def decide(store: SqlStore, what) -> None:
    with store.deciding(KZ) as deciding:
        deciding.commit(what)


def test_reports_are_found_newest_first_by_time_watch_and_text(store):
    fill(
        store,
        report("r1", title="ПРОТЕСТ в Алматы", seen_at=NOW - HOUR),
        report("r2", text="100% газ_"),
        report("r3", title="спорт"),
        listings=(listing("r2", "fuel"), listing("r2", "unrest"), listing("r3", "fuel")),
    )

    def find(**given):
        return [of.id for of in store.reports(KZ, **{"limit": 9, **given})]

    assert find() == ["r3", "r2", "r1"]
    assert find(limit=2) == ["r3", "r2"]
    assert find(since=NOW) == ["r3", "r2"]
    assert find(watch="fuel") == ["r3", "r2"]
    assert find(text="протест В") == ["r1"]
    assert find(text="0% ГАЗ_") == ["r2"]
    assert find(text="митинг", limit=1) == ["r3"]
    assert find(text="митинг", watch="unrest", since=NOW) == []
    assert store.reports("georgia", limit=9) == ()


def test_a_text_is_looked_for_in_all_reports_page_by_page(store, monkeypatch):
    monkeypatch.setattr("monitor.store.reading._PAGE", 2)
    fill(store, *(report(f"r{number}", title="лес" if number % 4 == 0 else "поле") for number in range(6)))
    assert [of.id for of in store.reports(KZ, limit=9, text="ЛЕС")] == ["r4", "r0"]
    assert len(store.reports(KZ, limit=9, text="поле")) == 4


def test_every_field_of_a_report_comes_back(store):
    full = report(author="А. Б.", grade=None, published=None, link=None, story_id="s1", version=7, language="kk")
    fill(store, full)
    assert store.report("r1") == full


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("abc1", "abc1"),
        ("abc1f", "abc1f"),
        ("abc2", "abc2e"),
        ("abc", None),
        ("", None),
        ("abc_e", None),
        ("abc2%", None),
    ],
)
def test_the_unambiguous_beginning_of_an_id_is_enough(store, asked, found):
    names = ("abc1", "abc1f", "abc2e")
    fill(
        store,
        *(report(name, story_id=name) for name in names),
        stories=tuple(story(name) for name in names),
        alerts=tuple(alert(name) for name in names),
        deliveries=tuple(delivery(name, alert_id=name) for name in names),
        listings=tuple(listing(name, alert_id=name) for name in names),
    )
    one = [] if found is None else [found]
    assert [of.id for of in (store.report(asked),) if of] == one
    assert [of.report_id for of in store.versions(asked)] == one
    assert [of[0].id for of in (store.story(asked),) if of] == one
    assert [of.id for of in (store.alert(asked),) if of] == one
    assert [of[0].id for of in (store.delivery(asked),) if of] == one
    assert [of.id for of in store.deliveries(limit=9, alert_id=asked)] == one
    assert [of.match.report_id for of in store.listings(report_id=asked)] == one
    assert [of.alert_id for of in store.listings(alert_id=asked)] == one


def test_reports_between_two_times_come_oldest_first(store):
    ages = {"old": HOUR, "edge": MINUTE, "in": MINUTE / 2, "until": timedelta(0)}
    fill(store, *(report(name, seen_at=NOW - age) for name, age in reversed(ages.items())))
    assert [of.id for of in store.reports_between(KZ, NOW - MINUTE, NOW)] == ["edge", "in"]


def test_listings_are_found_by_report_watch_and_alert_newest_first(store):
    fill(store, report("r1"), report("r2"), listings=(listing("r1", "a"), listing("r1", "b"), listing("r2", "a")))
    assert [one.match.watch for one in store.listings(report_id="r1")] == ["b", "a"]
    assert [one.match.report_id for one in store.listings(watch="a")] == ["r2", "r1"]
    assert [one.match.report_id for one in store.listings(watch="a", limit=1)] == ["r2"]


def test_stories_come_latest_updated_first_with_their_reports_in_order(store):
    one, two = story("s1"), story("s2", updated_at=NOW + HOUR)
    fill(store, report("r1", story_id="s1"), report("r2", story_id="s1"), stories=(two, one))
    assert store.list_stories(KZ, limit=9) == (two, one)
    assert store.list_stories(KZ, limit=1) == (two,)
    assert [of.id for of in store.story("s1")[1]] == ["r1", "r2"]
    assert store.story("s9") is None


def test_alerts_come_newest_first_by_route_and_time(store):
    made = [alert("a1"), alert("a2", route="night"), alert("a3", at=NOW + HOUR, report=None, note="x")]
    store.add_alerts(made, [], [])
    assert store.alerts(limit=2) == (made[2], made[1])
    assert store.alerts(limit=9, route="night") == (made[1],)
    assert store.alerts(limit=9, since=NOW + HOUR) == (made[2],)
    assert store.alert("a1") == made[0]


def test_deliveries_are_found_by_state_alert_and_channel(store):
    store.add_alerts(
        [alert("a1"), alert("b1")],
        [delivery("d1"), delivery("d2", channel="hook"), delivery("d3", alert_id="b1")],
        [],
    )
    store.claim_due_deliveries("hook", NOW, 1, MINUTE)

    def find(**given):
        return [one.id for one in store.deliveries(**{"limit": 9, **given})]

    assert find() == ["d3", "d2", "d1"]
    assert find(limit=1) == ["d3"]
    assert find(state=DeliveryState.SENDING) == ["d2"]
    assert find(alert_id="a1") == ["d2", "d1"]
    assert find(channel="mail") == ["d3", "d1"]


def test_links_of_all_entries_lead_to_their_reports(store):
    fill(store, report("r1"), report("r2"), links=("https://tengri.example/1", None))
    again = arrive(store, entry(8, link="https://tengri.example/1?utm=x"), entry(9, link="https://tengri.example/1"))
    decide(store, decision(*(Change(kind=ChangeKind.SAME, intake=one, report=report("r1"), keys=()) for one in again)))
    assert store.entry_reports(KZ) == (
        ("tengri", "https://tengri.example/1", "r1"),
        ("tengri", None, "r2"),
        ("tengri", "https://tengri.example/1?utm=x", "r1"),
    )


def test_a_feed_with_ever_new_links_for_one_report_does_not_fill_the_store(store):
    fill(store, report("r1"))
    again = arrive(store, *(entry(number, link=f"https://tengri.example/1?v={number}") for number in range(80)))
    decide(store, decision(*(Change(kind=ChangeKind.SAME, intake=one, report=report("r1"), keys=()) for one in again)))
    assert len(store.entry_reports(KZ)) == 50


def test_counts_say_how_much_there_is_of_everything(store):
    fill(
        store,
        report("r1"),
        report("r2"),
        stories=(story(),),
        listings=(listing("r1"), listing("r1", route="night"), listing("r2", "fuel")),
        alerts=(alert(),),
        deliveries=(delivery("d1"), delivery("d2"), delivery("d3", channel="hook")),
    )
    arrive(store, entry(5))
    store.claim_due_deliveries("hook", NOW, 1, MINUTE)
    assert store.counts(KZ) == {
        "aside": 0,
        "reports": 2,
        "versions": 2,
        "matches": 2,
        "stories": 1,
        "alerts": 1,
        "deliveries": 3,
        "deliveries_pending": 2,
        "deliveries_sending": 1,
        "deliveries_delivered": 0,
        "deliveries_dead": 0,
        "deliveries_superseded": 0,
        "intake": 1,
        "tombstones": 0,
    }
    assert set(store.counts("georgia").values()) == {0}


# --- the audit log ----------------------------------------------------------------------------------------------------


def test_the_audit_log_is_read_in_order_from_where_one_left_off(store):
    events = [AuditEvent(at=NOW, kind=kind, subject=kind, data={"b": [1]}) for kind in ("seen", "decided", "seen")]
    store.add_alerts([], [], events)
    log = store.audit(limit=9)
    assert [event for _, event in log] == events
    assert store.audit(limit=1, after=log[0][0]) == log[1:2]
    assert store.audit(limit=9, kind="seen") == (log[0], log[2])


@pytest.mark.parametrize("change", ["UPDATE audit SET subject = 'x'", "DELETE FROM audit"])
def test_nobody_changes_what_the_audit_log_holds(store, change):
    store.add_alerts([], [], [AuditEvent(at=NOW, kind="sent", subject="d1")])
    with pytest.raises(exc.DBAPIError, match="append-only"), store._database.writing() as connection:
        connection.execute(text(change))
    assert len(store.audit(limit=9)) == 1
