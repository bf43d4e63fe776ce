"""What every store does in the poll flow and with its configuration (see also test_store_deciding and test_store_delivering)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import timedelta

import pytest
from support.stores import databases_fixture, migrated_file_fixture, store_fixture, store_url_fixture, twin_fixture  # noqa: F401 - fixtures
from support.values import HOUR, KZ, MINUTE, NOW, alert, delivery, document, entry, feed, polled, save

from monitor.model import Entry, FailureKind, Feed, FeedState, Pace, PollFailure, Validators, Watch
from monitor.ports import Store

LEASE = timedelta(seconds=60)


def configure(store: Store, *feeds: Feed) -> None:
    store.sync_feeds(KZ, feeds, NOW, {one.id: NOW for one in feeds})


def claim(store: Store, now=NOW, limit: int = 10) -> tuple[FeedState, ...]:
    return store.claim_due_feeds(KZ, now, limit, LEASE)


def state_of(store: Store, feed_id: str = "tengri") -> FeedState:
    return next(state for state in store.feed_states(KZ) if state.feed_id == feed_id)


# --- claiming ---------------------------------------------------------------------------------------------------------


def test_due_feeds_are_claimed_the_longest_due_first_up_to_the_limit(store):
    feeds = [feed(name) for name in ("a", "b", "c", "d")]
    due = {"a": NOW, "b": NOW - HOUR, "c": NOW - MINUTE, "d": NOW + timedelta(microseconds=1)}
    store.sync_feeds(KZ, feeds, NOW, due)
    assert [state.feed_id for state in claim(store, limit=2)] == ["b", "c"]
    assert [state.feed_id for state in claim(store, limit=2)] == ["a"]
    assert claim(store) == ()


def test_a_claimed_feed_is_free_again_when_its_lease_expires(store):
    configure(store, feed())
    (first,) = claim(store)
    assert claim(store, NOW + LEASE - timedelta(microseconds=1)) == ()
    (second,) = claim(store, NOW + LEASE)
    assert second.lease not in (None, first.lease)
    assert second.due_at == NOW


def test_whoever_lost_the_lease_changes_nothing(store):
    configure(store, feed())
    (slow,) = claim(store)
    (quick,) = claim(store, NOW + LEASE)
    late = polled(slow, entry(1), document=document())
    assert not save(store, late)
    assert not save(store, replace(late, entries=(), document=None))
    store.postpone([("tengri", slow.lease, NOW + HOUR)])
    assert state_of(store) == quick
    assert store.intake_waiting(KZ) == 0
    assert save(store, polled(quick, entry(1)))


def test_an_expired_lease_that_nobody_took_still_counts(store):
    configure(store, feed())
    (slow,) = claim(store)
    assert save(store, polled(slow, at=NOW + HOUR))


def test_postponing_gives_a_feed_back_unpolled(store):
    configure(store, feed())
    (state,) = claim(store)
    store.postpone([("tengri", state.lease, NOW + MINUTE)])
    assert state_of(store) == replace(state, lease=None, due_at=NOW + MINUTE)
    assert claim(store, NOW + MINUTE)


def test_poll_now_makes_feeds_due_but_leaves_one_that_is_being_polled(store):
    store.sync_feeds(KZ, [feed("a"), feed("b"), feed("c")], NOW, {"a": NOW, "b": NOW + HOUR, "c": NOW + HOUR})
    (held,) = claim(store)
    store.poll_now(["a", "b"], NOW)
    assert [state.feed_id for state in claim(store)] == ["b"]
    assert save(store, polled(held))


def test_releasing_leases_lets_a_restarted_service_go_on_at_once(store):
    configure(store, feed())
    (before,) = claim(store)
    store.release_leases()
    (after,) = claim(store)
    assert not save(store, polled(before))
    assert save(store, polled(after))


def test_four_threads_claim_each_feed_once(store, twin):
    configure(store, *(feed(f"f{number:02}") for number in range(60)))
    barrier = threading.Barrier(4)

    def work(mine: Store) -> list[str]:
        barrier.wait(timeout=20)
        claimed: list[str] = []
        while states := mine.claim_due_feeds(KZ, NOW, 4, LEASE):
            claimed += [state.feed_id for state in states]
        return claimed

    with ThreadPoolExecutor(4) as pool:
        claimed = [name for names in pool.map(work, (store, twin, store, twin)) for name in names]
    assert sorted(claimed) == [f"f{number:02}" for number in range(60)]


# --- commit A ---------------------------------------------------------------------------------------------------------

EVERYTHING = {
    "validators": Validators(url="https://tengri.example/rss", etag='W/"é\\"', last_modified="Wed, 05 Jan 2022"),
    "body_hash": bytes(range(32)),
    "known": b"\x00\xff" * 36,
    "filled": True,
    "failures": 3,
    "failure": PollFailure(
        kind=FailureKind.THROTTLED, reason="slow \x00 down \ud800", status=429, retry_after=timedelta(seconds=90), moved_to="x"
    ),
    "failing_since": NOW - HOUR,
    "last_attempt_at": NOW,
    "last_success_at": NOW - 2 * HOUR,
    "last_entry_at": NOW - 3 * HOUR,
    "audited_at": NOW - 4 * HOUR,
    "moved_to": "https://new.example/",
    "moved_since": NOW - 5 * HOUR,
    "moved_count": 2,
    "warning": "лента повреждена",
    "entries": 30,
    "said": Pace(ttl=MINUTE, period=HOUR, skips=2**31 - 1),
    "max_age": timedelta(days=365, microseconds=7),
    "interval": 7 * MINUTE,
    "rhythm": 3 * HOUR,
    "gaps": 4,
    "gap_at": NOW - 6 * HOUR,
    "gap": "нет связи с прошлым документом",
    "archive": "https://tengri.example/archive/7",
    "hub": "https://hub.example/",
    "topic": "https://tengri.example/rss",
    "pushed": True,
}  # fmt: skip


def test_every_field_of_a_feeds_state_comes_back_as_it_was_saved(store):
    configure(store, feed())
    (claimed,) = claim(store)
    saved = replace(claimed, due_at=NOW + MINUTE, **EVERYTHING)
    assert save(store, replace(polled(claimed), state=saved))
    assert state_of(store) == replace(saved, lease=None)


def test_every_field_of_the_state_is_tried():
    given_by_claim = {"feed_id", "situation", "url", "due_at", "lease"}
    assert {field.name for field in fields(FeedState)} == given_by_claim | EVERYTHING.keys()


@pytest.mark.parametrize("name", [*EVERYTHING, "due_at"])
def test_a_state_that_differs_in_one_field_from_what_was_claimed_comes_back_as_it_was_saved(store, name):
    configure(store, feed())
    (claimed,) = claim(store)
    saved = replace(claimed, **{name: {**EVERYTHING, "due_at": NOW + MINUTE}[name]})
    assert save(store, replace(polled(claimed), state=saved, before=claimed))
    assert state_of(store) == replace(saved, lease=None)
    (claimed,) = claim(store, NOW + HOUR)
    saved = replace(claimed, **{name: getattr(FeedState(feed_id="", situation="", url="", due_at=NOW), name)})
    assert save(store, replace(polled(claimed), state=saved, before=claimed))
    assert state_of(store) == replace(saved, lease=None)


def test_many_polls_are_saved_at_once_and_only_those_whose_lease_was_lost_are_not(store):
    configure(store, *(feed(name) for name in "abcdefg"))
    states = {state.feed_id: state for state in claim(store)}
    store.postpone([("c", states["c"].lease, NOW)])
    (taken_over,) = claim(store)
    given = {"a": (entry(1), entry(2)), "b": (), "c": (entry(3),), "d": (entry(4),), "e": ()}
    results = [
        polled(states[name], *entries, before=states[name], document=document(name.encode()) if entries else None)
        for name, entries in given.items()
    ]
    gone = polled(replace(states["f"], feed_id="nobody"), entry(5))
    assert store.save_polls([*results, gone]) == {"c", "nobody"}
    assert state_of(store, "c") == taken_over
    assert state_of(store, "f") == states["f"]
    for result in results[:2] + results[3:]:
        assert state_of(store, result.state.feed_id) == replace(result.state, lease=None)
    with store.deciding(KZ) as deciding:
        waiting = deciding.intake(10)
    assert [(each.feed_id, each.entry.guid) for each in waiting] == [("a", "g1"), ("a", "g2"), ("d", "g4")]
    assert len({each.document_id for each in waiting}) == 2
    assert store.save_polls([]) == frozenset()


def test_more_polls_than_one_list_of_values_holds_are_saved_at_once(store):
    configure(store, *(feed(f"f{number}") for number in range(1001)))
    results = [polled(state, before=state) for state in claim(store, limit=2000)]
    assert store.save_polls(results) == frozenset()
    assert all(state.lease is None and state.due_at == NOW + 5 * MINUTE for state in store.feed_states(KZ))


def test_two_that_save_the_same_polls_at_the_same_time_save_each_once(store, twin):
    configure(store, *(feed(f"f{number:02}") for number in range(40)))
    results = [polled(state, entry(number)) for number, state in enumerate(claim(store, limit=100))]
    barrier = threading.Barrier(2)

    def work(mine: Store, mine_first: int) -> int:
        barrier.wait(timeout=20)
        ordered = results[::mine_first]
        return sum(len(mine.save_polls(ordered[at : at + 10])) for at in range(0, 40, 10))

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(work, (store, twin), (1, -1))) == 40
    assert store.intake_waiting(KZ) == 40


def test_a_state_is_found_by_its_feed(store):
    configure(store, feed("a"), feed("b"))
    assert store.feed_state("b") == state_of(store, "b")
    assert store.feed_state("c") is None


def test_a_host_that_asked_for_rest_is_left_alone_until_then(store):
    due = {"a": NOW, "b": NOW + 2 * HOUR, "c": NOW + MINUTE, "d": NOW - MINUTE}
    store.sync_feeds(KZ, [feed(name) for name in "abcd"], NOW, due)
    (held,) = claim(store, NOW - MINUTE)
    store.put_off(["a", "b", "d"], NOW + HOUR)
    found = {state.feed_id: state.due_at for state in store.feed_states(KZ)}
    assert found == {"a": NOW + HOUR, "b": NOW + 2 * HOUR, "c": NOW + MINUTE, "d": NOW - MINUTE}
    assert [state.feed_id for state in claim(store, NOW + HOUR - timedelta(microseconds=1))] == ["d", "c"]
    assert [state.feed_id for state in claim(store, NOW + HOUR)] == ["a"]
    store.put_off([], NOW)
    assert not save(store, polled(held))


def test_a_poll_saves_state_document_and_entries_together(store):
    configure(store, feed())
    full = Entry(
        guid="g", link=None, title="Қазақ \x00 \ud800", summary="сумма", author="A",
        published=NOW, updated=NOW + MINUTE, language="kk", source_name="S", guid_repeated=True, link_repeated=True,
    )  # fmt: skip
    (first,) = claim(store)
    assert save(store, polled(first, full, entry(2), baseline=True, document=document()))
    (second,) = claim(store, NOW + HOUR)
    assert save(store, polled(second, entry(3), at=NOW + HOUR))
    assert store.intake_waiting(KZ) == 3
    with store.deciding(KZ) as deciding:
        one, two, three = deciding.intake(10)
        assert deciding.intake(1) == (one,)
    assert one.entry == full
    assert (one.feed_id, one.situation, one.seen_at, one.baseline) == ("tengri", KZ, NOW, True)
    assert one.document_id is not None
    assert one.document_id == two.document_id
    assert one.seq < two.seq < three.seq
    assert (three.baseline, three.document_id) == (False, None)


def test_an_entry_knows_since_when_its_feed_was_covered(store):
    configure(store, feed())
    for at in (NOW, NOW + HOUR):
        (state,) = claim(store, at)
        save(store, polled(state, entry(1), at=at))
    with store.deciding(KZ) as deciding:
        assert [waiting.covered_from for waiting in deciding.intake(10)] == [None, NOW]


# --- feeds follow the configuration -----------------------------------------------------------------------------------


def polled_once(store: Store, *feeds: Feed) -> FeedState:
    """Configure and poll, so that there is a state to keep; return that of the first."""
    configure(store, *feeds)
    for state in claim(store):
        saved = replace(state, due_at=NOW + HOUR, **{**EVERYTHING, "failures": 0})
        save(store, replace(polled(state), state=saved))
    return state_of(store, feeds[0].id)


SAME_PLACE = [
    "https://tengri.example/rss",
    "http://www.tengri.example/rss/",
    "HTTPS://Tengri.example:443/rss",
]


@pytest.mark.parametrize("url", SAME_PLACE)
def test_a_feed_under_a_new_id_keeps_its_row_when_the_address_is_the_same(store, url):
    before = polled_once(store, feed(pace=HOUR))
    configure(store, feed("tengrinews", url=url, pace=HOUR))
    (after,) = store.feed_states(KZ)
    same_url = url == before.url
    expected = before if same_url else _under_another_url(before, url, after.due_at)
    assert after == replace(expected, feed_id="tengrinews")


def _under_another_url(state, url, due_at):
    """The row as it was, less all that was the old address's."""
    return replace(
        state,
        url=url,
        due_at=due_at,
        validators=None,
        body_hash=None,
        failures=0,
        failure=None,
        failing_since=None,
        moved_to=None,
        moved_since=None,
        moved_count=0,
        warning=None,
        archive=None,
        hub=None,
        topic=None,
        pushed=False,
    )


def test_a_renamed_feed_keeps_what_waits_in_intake(store):
    configure(store, feed())
    (state,) = claim(store)
    save(store, polled(state, entry(1)))
    configure(store, feed("tengrinews", url=feed().url))
    with store.deciding(KZ) as deciding:
        assert [waiting.feed_id for waiting in deciding.intake(10)] == ["tengrinews"]


def test_a_feed_whose_old_id_is_still_configured_is_no_rename(store):
    polled_once(store, feed())
    configure(store, feed(), feed("copy", url=feed().url))
    assert not state_of(store, "copy").filled


def test_a_changed_url_is_polled_now_and_forgets_what_was_the_old_ones(store):
    before = polled_once(store, feed(pace=HOUR))
    configure(store, feed(url="https://other.example/feed", pace=HOUR))
    after = state_of(store)
    assert after == _under_another_url(before, "https://other.example/feed", after.due_at)
    assert after.known == before.known
    assert after.filled
    assert after.due_at <= NOW + HOUR / 2


def test_a_poll_of_the_old_url_that_is_under_way_is_not_saved_under_the_new_one(store):
    configure(store, feed())
    (state,) = claim(store)
    configure(store, feed(url="https://other.example/feed"))
    assert not save(store, polled(state))
    assert [found.url for found in claim(store)] == ["https://other.example/feed"]


def test_an_edited_name_changes_nothing(store):
    before = polled_once(store, feed(pace=HOUR))
    configure(store, feed(name="Tengri News", group="news", pace=HOUR))
    assert state_of(store) == before


def test_a_feed_that_is_removed_and_added_again_comes_back_as_it_was(store):
    before = polled_once(store, feed(pace=HOUR), feed("other"))
    configure(store, feed("other"))
    assert [state.feed_id for state in store.feed_states(KZ)] == ["other"]
    assert [state.feed_id for state in claim(store, NOW + 9 * HOUR)] == ["other"]
    configure(store, feed(pace=HOUR), feed("other"))
    assert state_of(store) == before
    assert [state.feed_id for state in claim(store, NOW + 9 * HOUR)] == ["tengri"]


def test_a_disabled_feed_is_shown_but_not_polled(store):
    configure(store, feed(enabled=False, reason="dead"))
    assert [state.feed_id for state in store.feed_states(KZ)] == ["tengri"]
    assert claim(store) == ()
    assert store.work(KZ, NOW, ()).due is None
    configure(store, feed())
    assert claim(store)


def test_a_poll_of_a_feed_that_was_disabled_meanwhile_is_saved_but_not_claimed_again(store):
    configure(store, feed())
    (state,) = claim(store)
    configure(store, feed(enabled=False))
    assert save(store, polled(state))
    assert claim(store, NOW + 9 * HOUR) == ()


@pytest.mark.parametrize(
    ("pace", "failures", "due_in"),
    [(MINUTE, 0, MINUTE), (2 * HOUR, 0, HOUR), (MINUTE, 3, HOUR)],
    ids=["shorter: sooner", "longer: as it was", "failing: as the publisher asked"],
)
def test_a_shorter_pace_brings_the_due_time_forward(store, pace, failures, due_in):
    configure(store, feed(pace=3 * HOUR))
    (state,) = claim(store)
    save(store, replace(polled(state), state=replace(state, due_at=NOW + HOUR, failures=failures)))
    configure(store, feed(pace=pace))
    assert state_of(store).due_at == NOW + due_in
    assert bool(claim(store, NOW + due_in - timedelta(seconds=1))) is False
    assert bool(claim(store, NOW + due_in)) is True


def test_a_new_feed_is_due_when_it_was_spread_to(store):
    store.sync_feeds(KZ, [feed("a"), feed("b")], NOW, {"a": NOW + MINUTE})
    assert {state.feed_id: state.due_at for state in store.feed_states(KZ)} == {"a": NOW + MINUTE, "b": NOW}


def test_situations_do_not_see_each_others_feeds(store):
    configure(store, feed())
    store.sync_feeds("georgia", [feed("civil", situation="georgia")], NOW, {})
    assert [state.feed_id for state in store.feed_states(KZ)] == ["tengri"]
    assert [state.feed_id for state in store.claim_due_feeds("georgia", NOW, 9, LEASE)] == ["civil"]


# --- watches, flags ---------------------------------------------------------------------------------------------------


def test_watches_are_named_when_they_are_new_or_changed_but_not_at_the_first_sync(store):
    def sync(*watches: Watch) -> tuple[str, ...]:
        return store.sync_watches(KZ, watches, NOW)

    unrest, fuel = Watch(name="unrest", title="", any=("митинг",)), Watch(name="fuel", title="", any=("газ",))
    assert sync(unrest) == ()
    assert sync(unrest) == ()
    assert sync(unrest, fuel) == ("fuel",)
    assert sync(replace(unrest, any=("митинг", "протест")), fuel) == ("unrest",)
    assert sync(replace(fuel, title="Fuel prices")) == ()
    assert sync(replace(fuel, enabled=False)) == ()
    assert sync(fuel) == ("fuel",)


def test_a_store_that_first_saw_no_watches_names_the_first_one(store):
    fuel = Watch(name="fuel", title="", any=("газ",))
    assert store.changed_watches(KZ, [fuel]) == ()
    assert store.sync_watches(KZ, [], NOW) == ()
    assert store.changed_watches(KZ, [fuel]) == ("fuel",)
    assert store.sync_watches(KZ, [fuel], NOW) == ("fuel",)
    assert store.changed_watches(KZ, [fuel]) == ()


def test_flags_are_set_changed_and_cleared(store):
    assert store.flag("heartbeat") is None
    for value in ("1", "2", None):
        store.set_flag("heartbeat", value)
        assert store.flag("heartbeat") == value


# --- time -------------------------------------------------------------------------------------------------------------


def test_a_cron_run_is_taken_by_exactly_one_of_many(store, twin):
    assert store.cron_due("digest") is None
    assert not store.claim_cron("digest", NOW, NOW + HOUR)
    store.plan_cron("digest", NOW)
    barrier = threading.Barrier(4)

    def work(mine: Store) -> bool:
        barrier.wait(timeout=20)
        return mine.claim_cron("digest", NOW, NOW + HOUR)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(work, (store, twin, store, twin))) == [False, False, False, True]
    assert store.cron_due("digest") == NOW + HOUR
    store.plan_cron("digest", NOW + 2 * HOUR)
    assert store.cron_due("digest") == NOW + 2 * HOUR


def test_the_next_due_time_is_the_earliest_of_feeds_and_cron_rows(store):
    assert store.work(KZ, NOW, ("mail",)).due is None
    store.plan_cron("digest", NOW + HOUR)
    assert store.work(KZ, NOW, ("mail",)).due == NOW + HOUR
    store.sync_feeds(KZ, [feed("a"), feed("b")], NOW, {"a": NOW - HOUR, "b": NOW + MINUTE})
    assert store.work(KZ, NOW, ()).due == NOW - HOUR


@pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["forward", "back"])
def test_leases_and_deliveries_move_along_with_a_clock_that_was_set(store, step):
    configure(store, feed("a"))
    claim(store)
    configure(store, feed("a"), feed("b"))
    store.add_alerts([alert()], [delivery("d1", due_at=NOW + MINUTE)], [])
    store.plan_cron("digest", NOW + 9 * HOUR)
    store.shift_due(KZ, step)
    assert [state.feed_id for state in claim(store, NOW + step)] == ["b"]
    assert [state.feed_id for state in claim(store, NOW + step + LEASE)] == ["a", "b"]
    assert store.claim_due_deliveries("mail", NOW + step + MINUTE / 2, 9, LEASE) == ()
    assert len(store.claim_due_deliveries("mail", NOW + step + MINUTE, 9, LEASE)) == 1
    assert store.cron_due("digest") == NOW + 9 * HOUR


@pytest.mark.parametrize("step", [24 * HOUR, -24 * HOUR], ids=["forward", "back"])
def test_a_clock_that_was_set_leaves_the_rest_of_a_feed_as_long_as_it_was(store, step):
    before = polled_once(store, feed("a"))
    store.shift_due(KZ, step)
    after = state_of(store, "a")
    assert (after.due_at - before.due_at, after.last_attempt_at - before.last_attempt_at) == (step, step)


def test_a_feed_that_is_being_polled_is_not_due_until_its_lease_ends(store):
    store.sync_feeds(KZ, [feed("a"), feed("b")], NOW, {"a": NOW, "b": NOW + HOUR})
    claim(store)
    assert store.work(KZ, NOW + MINUTE / 2, ()).due == NOW + HOUR
    due = store.work(KZ, NOW + LEASE, ()).due
    assert due is not None
    assert due <= NOW + LEASE
