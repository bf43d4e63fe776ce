"""What every store does with subscriptions and pushes (WebSub)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from support.stores import databases_fixture, migrated_file_fixture, store_fixture, store_url_fixture, twin_fixture  # noqa: F401 - fixtures
from support.values import HOUR, KZ, MINUTE, NOW, document, entry, feed, polled, save

from monitor.feeds.marks import mark, pack
from monitor.model import Push, PushResult, PushState, Secret, Subscription
from monitor.ports import Store

LEASE = timedelta(seconds=60)


def subscription(token: str = "t1", /, **given: Any) -> Subscription:
    known: dict[str, Any] = {
        "feed_id": "tengri",
        "hub": "https://hub.example/",
        "topic": "https://tengri.example/rss",
        "secret": Secret("geheim"),
        "state": PushState.PENDING,
        "asked_at": NOW,
    }
    return Subscription(token=token, **{**known, **given})


def active(token: str = "t1", /, **given: Any) -> Subscription:
    return subscription(token, **{"state": PushState.ACTIVE, **given})


def push(body: bytes = b"<rss/>", **given: Any) -> Push:
    known: dict[str, Any] = {"feed_id": "tengri", "token": "t1", "received_at": NOW, "content_type": "text/xml"}
    return Push(body=body, **{**known, **given})


def arrived(store: Store, *pushes: Push) -> tuple[Push, ...]:
    for each in pushes or (push(),):
        store.enqueue_pushes([each])
    return store.waiting_pushes(KZ, 100)


def take(store: Store, one: Push, **given: Any) -> bool:
    now = given.pop("now", NOW)
    return store.save_pushes([PushResult(push=one, **{"works": True, **given})], now) == frozenset()


def state(store: Store):
    found = store.feed_state("tengri")
    assert found is not None
    return found


@pytest.fixture(autouse=True)
def configured(store):
    store.sync_feeds(KZ, [feed(), feed("vlast")], NOW, {"tengri": NOW, "vlast": NOW})


# --- subscriptions ----------------------------------------------------------------------------------------------------


def test_a_subscription_comes_back_as_it_was_saved(store):
    full = active(
        attempts=3,
        next_at=NOW + HOUR,
        verified_at=NOW + MINUTE,
        lease_until=NOW + 9 * HOUR,
        last_push_at=NOW + 2 * MINUTE,
        pushes=5,
        rejected=2,
        note="слабая подпись",
    )
    for saved in (subscription(secret=None), full):
        store.save_subscription(saved)
        assert store.subscription("t1") == saved
        assert store.subscriptions(KZ) == (saved,)
    assert store.subscription("t2") is None
    assert "geheim" not in repr(store.subscription("t1"))


def test_the_living_are_shown_and_where_there_is_none_the_last_at_each_hub_and_topic(store):
    ended = [subscription(f"e{at}", state=PushState.ENDED, asked_at=NOW + at * MINUTE) for at in (1, 2)]
    renewing = [active("a1"), subscription("p1", asked_at=NOW + HOUR)]
    denied = [
        subscription(f"d{at}", feed_id="vlast", state=PushState.DENIED, asked_at=NOW + at * MINUTE) for at in (3, 1)
    ]
    elsewhere = [
        subscription(f"h{at}", hub="https://b.example/", state=PushState.DENIED, asked_at=NOW - at * HOUR)
        for at in (1, 2)
    ]
    for each in (*denied, *renewing, *ended, *elsewhere):
        store.save_subscription(each)
    assert store.subscriptions(KZ) == (elsewhere[0], *renewing, denied[0])
    assert store.subscriptions("georgia") == ()


def test_one_that_is_verified_ends_the_older_active_ones_of_its_feed_alone(store):
    others = [
        active("old", next_at=NOW),
        active("newer", asked_at=NOW + 2 * HOUR),
        subscription("asked"),
        active("other", feed_id="vlast"),
    ]
    # saved in an order in which none ends another
    for each in (others[1], others[0], *others[2:]):
        store.save_subscription(each)
    store.save_subscription(subscription("new", asked_at=NOW + HOUR))
    assert state_of(store, "old") is PushState.ACTIVE
    store.save_subscription(active("new", asked_at=NOW + HOUR))
    assert {token: state_of(store, token) for token in ("old", "newer", "new", "asked", "other")} == {
        "old": PushState.ENDED,
        "newer": PushState.ACTIVE,
        "new": PushState.ACTIVE,
        "asked": PushState.PENDING,
        "other": PushState.ACTIVE,
    }
    assert store.subscription("old").next_at is None


def state_of(store: Store, token: str) -> PushState:
    found = store.subscription(token)
    assert found is not None
    return found.state


def test_what_was_over_thirty_days_before_a_new_one_goes(store):
    asked = {"old": timedelta(days=31), "recent": timedelta(days=29)}
    for token, ago in asked.items():
        store.save_subscription(subscription(token, state=PushState.ENDED, asked_at=NOW - ago))
    store.save_subscription(
        subscription("other", feed_id="vlast", state=PushState.DENIED, asked_at=NOW - 99 * 24 * HOUR)
    )
    store.save_subscription(active("living", asked_at=NOW - 99 * 24 * HOUR))
    store.save_subscription(subscription("new"))
    found = {token for token in ("old", "recent", "other", "living", "new") if store.subscription(token)}
    assert found == {"recent", "other", "living", "new"}


def test_what_pushes_counted_is_not_lost_when_an_older_view_is_saved(store):
    store.save_subscription(subscription())
    before = store.subscription("t1")
    arrived(store, push(received_at=NOW + MINUTE))
    store.count_rejected("t1")
    store.save_subscription(replace(before, state=PushState.ACTIVE, note="verified"))
    expected = replace(
        before, state=PushState.ACTIVE, note="verified", pushes=1, rejected=1, last_push_at=NOW + MINUTE
    )  # fmt: skip
    assert store.subscription("t1") == expected


def test_subscriptions_of_feeds_are_forgotten_and_those_living_are_named_for_the_hub(store):
    living = [active("a1"), subscription("p1", asked_at=NOW + HOUR)]
    for each in (*living, subscription("d1", state=PushState.DENIED), active("other", feed_id="vlast")):
        store.save_subscription(each)
    assert store.drop_subscriptions([]) == ()
    assert store.drop_subscriptions(["tengri", "nobody"]) == tuple(living)
    assert [each.token for each in store.subscriptions(KZ)] == ["other"]
    assert store.drop_subscriptions(["tengri"]) == ()


def test_a_subscription_and_what_it_brought_follow_a_feed_to_its_new_id(store):
    store.save_subscription(active())
    (waiting,) = arrived(store)
    store.sync_feeds(KZ, [feed("tengrinews", url=feed().url), feed("vlast")], NOW, {})
    assert [each.feed_id for each in store.subscriptions(KZ)] == ["tengrinews"]
    assert [each.feed_id for each in store.waiting_pushes(KZ, 9)] == ["tengrinews"]
    assert take(store, waiting, entries=(entry(1),))
    with store.deciding(KZ) as deciding:
        assert [each.feed_id for each in deciding.intake(9)] == ["tengrinews"]


@pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["forward", "back"])
def test_subscriptions_move_along_with_a_clock_that_was_set(store, step):
    store.save_subscription(active(next_at=NOW + HOUR, lease_until=NOW + 3 * HOUR))
    store.save_subscription(active("none", feed_id="vlast"))
    store.shift_due(KZ, step)
    moved = store.subscription("t1")
    assert (moved.next_at, moved.lease_until) == (NOW + HOUR + step, NOW + 3 * HOUR + step)
    assert moved.asked_at == NOW
    assert store.subscription("none") == active("none", feed_id="vlast")


def test_pruning_drops_what_is_over_and_what_nobody_will_read(store):
    for each in (
        subscription("over", state=PushState.ENDED),
        subscription("denied", state=PushState.DENIED),
        subscription("fresh", state=PushState.ENDED, asked_at=NOW + HOUR),
        active("living"),
    ):
        store.save_subscription(each)
    arrived(store, push(), push(feed_id="vlast"))
    store.sync_feeds(KZ, [feed("vlast", enabled=False)], NOW, {})
    assert store.prune(KZ, NOW + MINUTE, 10) == 0
    assert [bool(store.subscription(token)) for token in ("over", "denied", "fresh", "living")] == [
        False, False, True, True,
    ]  # fmt: skip
    store.sync_feeds(KZ, [feed(), feed("vlast")], NOW, {})
    assert [each.feed_id for each in store.waiting_pushes(KZ, 9)] == ["vlast"]


# --- pushes -----------------------------------------------------------------------------------------------------------


def test_pushes_wait_in_order_of_arrival_and_are_counted_at_their_subscription(store, twin):
    store.save_subscription(active())
    sent = [push(b"one"), push(b"two" * 999, content_type=None, received_at=NOW + HOUR), push(b"three", token="gone")]
    arrived(store, *sent)
    counted = store.subscription("t1")
    assert store.waiting_pushes("georgia", 2) == ()
    waiting = []
    while found := twin.waiting_pushes(KZ, 2):
        waiting += found
        assert take(store, *found)
    assert [replace(each, seq=0) for each in waiting] == sent
    assert [each.seq for each in waiting] == sorted({each.seq for each in waiting})
    assert (counted.pushes, counted.last_push_at) == (2, NOW + HOUR)


def test_of_each_feed_its_oldest_push_is_shown_those_that_wait_longest_first(store):
    arrived(store, *(push() for _ in range(20)), push(b"one", feed_id="vlast"), push(b"two", feed_id="vlast"))
    tengri, vlast = store.waiting_pushes(KZ, 2)
    assert (tengri.feed_id, vlast.feed_id, vlast.seq - tengri.seq) == ("tengri", "vlast", 20)
    assert [each.feed_id for each in store.waiting_pushes(KZ, 1)] == ["tengri"]
    assert [each.body for each in store.waiting_pushes(KZ, 1, {"tengri"})] == [b"one"]
    assert store.waiting_pushes(KZ, 9, {"tengri", "vlast"}) == ()


def test_a_push_of_a_feed_that_is_not_polled_does_not_stand_in_the_way(store):
    arrived(store, push(), push(feed_id="vlast"), push(feed_id="unheard of"))
    store.sync_feeds(KZ, [feed(enabled=False), feed("vlast")], NOW, {})
    assert [each.feed_id for each in store.waiting_pushes(KZ, 1)] == ["vlast"]
    store.sync_feeds(KZ, [feed(), feed("vlast")], NOW, {})
    assert [each.feed_id for each in store.waiting_pushes(KZ, 9)] == ["tengri", "vlast"]


def test_a_push_that_was_read_becomes_intake_marks_and_evidence_and_goes(store):
    (held,) = [each for each in store.claim_due_feeds(KZ, NOW, 9, LEASE) if each.feed_id == "tengri"]
    save(store, polled(held, entry(1)))
    before = state(store)
    new = (entry(2), entry(3))
    (waiting,) = arrived(store)
    at = NOW + HOUR
    marks = pack(map(mark, new))
    assert take(store, waiting, entries=new, marks=marks, document=document(b"pushed"), now=at, due_at=NOW + 2 * HOUR)
    assert store.waiting_pushes(KZ, 9) == ()
    assert state(store) == replace(
        before, known=before.known + marks, last_entry_at=at, pushed=True, due_at=NOW + 2 * HOUR
    )  # fmt: skip
    with store.deciding(KZ) as deciding:
        _, two, three = deciding.intake(9)
    assert (two.entry, three.entry) == new
    assert (two.feed_id, two.situation, two.seen_at, two.baseline) == ("tengri", KZ, at, False)
    assert two.covered_from == NOW
    assert two.document_id is not None
    assert two.document_id == three.document_id


def test_a_push_without_news_keeps_no_document_and_leaves_what_it_does_not_concern(store):
    before = state(store)
    (waiting,) = arrived(store)
    assert take(store, waiting, marks=bytes(24), document=document(), works=False, due_at=NOW - HOUR)
    assert state(store) == replace(before, known=bytes(24))
    with store._database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM documents")).scalar() == 0


def test_works_is_never_taken_back_by_a_push(store):
    assert take(store, *arrived(store), works=True)
    assert take(store, *arrived(store), works=False)
    assert state(store).pushed


def test_a_push_is_taken_once(store, twin):
    (waiting,) = arrived(store)
    barrier = threading.Barrier(4)

    def work(mine: Store) -> bool:
        barrier.wait(timeout=20)
        return take(mine, waiting, entries=(entry(1),))

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(work, (store, twin, store, twin))) == [False, False, False, True]
    assert store.intake_waiting(KZ) == 1


def test_a_push_of_a_feed_that_is_unknown_brings_nothing(store):
    store.enqueue_pushes([push(feed_id="unheard of")])
    assert not take(store, replace(push(), seq=1), entries=(entry(1),))
    assert store.intake_waiting(KZ) == 0


def test_a_poll_under_way_keeps_its_lease_and_due_time_and_loses_neither_marks_nor_flag(store):
    (held,) = [each for each in store.claim_due_feeds(KZ, NOW, 9, LEASE) if each.feed_id == "tengri"]
    (waiting,) = arrived(store)
    assert take(store, waiting, marks=b"m" * 24, due_at=NOW + 9 * HOUR)
    assert (state(store).lease, state(store).due_at) == (held.lease, held.due_at)
    after = replace(held, due_at=NOW + HOUR, failures=1, lease=None)
    assert save(store, replace(polled(held), state=after, before=held))
    assert state(store) == replace(after, known=b"m" * 24, pushed=True)


def test_marks_are_kept_once_and_the_newest_four_thousand(store):
    def numbered(*numbers: int) -> bytes:
        return b"".join(number.to_bytes(24) for number in numbers)

    assert take(store, *arrived(store), marks=numbered(*range(4000)))
    assert take(store, *arrived(store), marks=numbered(0, 4000, 4000))
    assert state(store).known == numbered(*range(2, 4000), 0, 4000)


def test_a_push_whose_body_is_damaged_is_an_empty_document(store):
    arrived(store)
    with store._database.writing() as connection:
        connection.execute(text("UPDATE pushes SET body = :it"), {"it": b"damaged"})
    assert [each.body for each in store.waiting_pushes(KZ, 9)] == [b""]


def test_damaged_marks_are_replaced_by_those_of_the_push(store):
    with store._database.writing() as connection:
        connection.execute(text("UPDATE feeds SET known = :it"), {"it": b"damaged"})
    (waiting,) = arrived(store)
    assert take(store, waiting, marks=bytes(24))
    assert state(store).known == bytes(24)


def test_feeds_that_no_hub_pushes_any_more_are_due_at_once(store):
    take(store, *arrived(store), works=True, due_at=NOW + HOUR)
    before = state(store)
    store.end_pushes(["tengri"], NOW + MINUTE)
    after = state(store)
    assert (before.pushed, before.due_at) == (True, NOW + HOUR)
    assert (after.pushed, after.due_at) == (False, NOW + MINUTE)


def test_a_feed_that_is_being_polled_when_its_pushes_end_stays_with_its_poll(store):
    take(store, *arrived(store), works=True)
    (leased, *_) = store.claim_due_feeds(KZ, NOW, 1, LEASE)
    store.end_pushes(["tengri"], NOW)
    assert state(store).lease == leased.lease
    assert not state(store).pushed
