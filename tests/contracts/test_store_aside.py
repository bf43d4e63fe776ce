"""Setting an entry aside, and moving due times along with a clock that was set."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from support.stores import databases_fixture, migrated_file_fixture, store_fixture, store_url_fixture  # noqa: F401 - fixtures
from support.values import save

from monitor.model import Endpoint, Entry, Feed, PollResult

NOW = datetime(2022, 1, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)
FEED = Feed(id="herald", name="Herald", url="https://herald.example/rss", situation="kz", outlet="herald")


def entry(title):
    return Entry(guid=title, link=None, title=title, summary="")


def fill(store, *titles):
    store.sync_feeds("kz", [FEED], NOW, {"herald": NOW})
    (state,) = store.claim_due_feeds("kz", NOW, 1, DAY)
    after = replace(state, lease=None, due_at=NOW + timedelta(minutes=5))
    save(store, PollResult(state=after, lease=state.lease, at=NOW, entries=tuple(map(entry, titles))))


def test_an_entry_set_aside_is_kept_and_counted_and_the_others_are_decided(store):
    fill(store, "poison", "fine")
    assert "poison" in store.set_aside("kz", NOW)
    with store.deciding("kz") as tx:
        assert [waiting.entry.title for waiting in tx.intake(9)] == ["fine"]
    assert store.intake_waiting("kz") == 1
    assert store.counts("kz")["aside"] == 1
    assert [event.kind for _, event in store.audit(limit=9)] == ["aside"]
    assert store.take_up_aside("kz") == 1
    with store.deciding("kz") as tx:
        assert [waiting.entry.title for waiting in tx.intake(9)] == ["poison", "fine"]


def test_with_nothing_waiting_nothing_is_set_aside(store):
    fill(store)
    assert store.set_aside("kz", NOW) is None


def test_due_times_and_pauses_move_with_the_clock(store):
    fill(store)
    store.save_endpoint(Endpoint(channel="mail", paused_until=NOW))
    due = store.feed_states("kz")[0].due_at
    store.shift_due("kz", -DAY)
    assert store.feed_states("kz")[0].due_at == due - DAY
    assert store.work("kz", NOW - DAY, ()).due == due - DAY
    assert store.endpoint("mail").paused_until == NOW - DAY
