"""What every store does for the deliver flow: claims, commit C, endpoints, and what operators do to rows."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from support.stores import databases_fixture, migrated_file_fixture, store_fixture, store_url_fixture, twin_fixture  # noqa: F401 - fixtures
from support.values import HOUR, KZ, MINUTE, NOW, alert, attempt, delivery, ended

from monitor.model import AuditEvent, Delivery, DeliveryState, Endpoint
from monitor.store import SqlStore

LEASE = timedelta(seconds=45)
MAIL = Endpoint(channel="mail")
SENT = AuditEvent(at=NOW, kind="sent", subject="d1")


def queue(store: SqlStore, *deliveries: Delivery) -> None:
    store.add_alerts([alert()], deliveries, [])


def claim(store: SqlStore, now=NOW, limit: int = 10, channel: str = "mail") -> tuple[Delivery, ...]:
    return store.claim_due_deliveries(channel, now, limit, LEASE)


def ids(claimed: tuple[Delivery, ...]) -> list[str]:
    return [one.id for one in claimed]


def save(store: SqlStore, after: Delivery, lease: str | None, endpoint: Endpoint = MAIL) -> bool:
    assert lease is not None
    return store.save_attempt(after, lease, attempt(after), endpoint, [SENT])


# --- claiming ---------------------------------------------------------------------------------------------------------


def test_due_deliveries_of_a_channel_are_claimed_oldest_due_first(store):
    queue(
        store,
        delivery("later", due_at=NOW + timedelta(microseconds=1)),
        delivery("b", due_at=NOW - MINUTE),
        delivery("c"),
        delivery("a", due_at=NOW - HOUR),
        delivery("hook", channel="hook"),
    )
    first = claim(store, limit=2)
    assert ids(first) == ["a", "b"]
    assert first[0] == replace(
        delivery("a", due_at=NOW - HOUR), state=DeliveryState.SENDING, lease=first[0].lease, claims=1
    )
    assert ids(claim(store)) == ["c"]
    assert claim(store) == ()
    assert claim(store, limit=0, channel="hook") == ()
    assert ids(claim(store, channel="hook")) == ["hook"]


def test_an_abandoned_delivery_is_claimed_again_when_its_lease_ended(store):
    queue(store, delivery())
    (first,) = claim(store)
    assert claim(store, NOW + LEASE - timedelta(microseconds=1)) == ()
    (second,) = claim(store, NOW + LEASE)
    assert second == replace(first, lease=second.lease, claims=2)
    assert second.lease != first.lease


def test_a_row_that_was_claimed_often_without_an_attempt_is_still_returned(store):
    queue(store, delivery())
    for number in range(7):
        (held,) = claim(store, NOW + number * LEASE)
    assert held.claims == 7
    assert store.delivery("d1") == (held, ())


def test_four_threads_claim_each_delivery_once(store, twin):
    queue(store, *(delivery(f"d{number:02}") for number in range(60)))
    barrier = threading.Barrier(4)

    def work(mine: SqlStore) -> list[str]:
        barrier.wait(timeout=20)
        claimed: list[str] = []
        while rows := claim(mine, limit=4):
            claimed += ids(rows)
        return claimed

    with ThreadPoolExecutor(4) as pool:
        claimed = [one for part in pool.map(work, (store, twin, store, twin)) for one in part]
    assert sorted(claimed) == [f"d{number:02}" for number in range(60)]


CLOSED = {
    "gone: its rows are ended by the caller": (replace(MAIL, gone=True, paused_until=NOW + HOUR), NOW, True),
    "paused": (replace(MAIL, paused_until=NOW + HOUR), NOW + HOUR - timedelta(microseconds=1), False),
    "pause over": (replace(MAIL, paused_until=NOW + HOUR), NOW + HOUR, True),
    "open": (replace(MAIL, open=True), NOW, True),
    "open and paused": (replace(MAIL, open=True, paused_until=NOW + HOUR), NOW, False),
    "open and gone": (replace(MAIL, open=True, gone=True), NOW, True),
}


@pytest.mark.parametrize("case", CLOSED)
def test_an_endpoint_that_is_closed_is_not_tried(store, case):
    endpoint, now, tried = CLOSED[case]
    queue(store, delivery(), delivery("hook", channel="hook"))
    store.save_endpoint(endpoint)
    assert bool(claim(store, now)) is tried
    assert ids(claim(store, now, channel="hook")) == ["hook"]


def test_nothing_is_claimed_while_the_service_is_paused(store):
    queue(store, delivery())
    store.set_flag("paused", "by hand")
    assert claim(store) == ()
    store.set_flag("paused", None)
    assert ids(claim(store)) == ["d1"]


def test_all_rows_of_an_endpoint_that_is_gone_are_claimed_for_the_caller_to_end_them(store):
    queue(store, delivery("a"), delivery("b"))
    store.save_endpoint(replace(MAIL, gone=True, open=True))
    assert ids(claim(store, limit=1)) == ["a"]
    assert due(store) == NOW
    assert ids(claim(store, limit=1)) == ["b"]


def test_with_an_open_breaker_one_row_at_a_time_is_tried_the_oldest(store):
    queue(store, delivery("a"), delivery("b", due_at=NOW - HOUR), delivery("c"))
    store.save_endpoint(replace(MAIL, open=True))
    (probe,) = claim(store)
    assert probe.id == "a"
    assert claim(store) == ()
    failed = ended(probe, DeliveryState.PENDING, due_at=NOW + HOUR, finished_at=None)
    assert save(store, failed, probe.lease, replace(MAIL, open=True))
    assert ids(claim(store)) == ["b"]


def test_rows_under_way_when_the_breaker_opens_count(store):
    queue(store, delivery("a"), delivery("b"), delivery("c"))
    claim(store, limit=2)
    store.save_endpoint(replace(MAIL, open=True))
    assert claim(store) == ()
    assert ids(claim(store, NOW + LEASE)) == ["a"]


def test_four_threads_probe_an_open_endpoint_once(store, twin):
    queue(store, *(delivery(f"d{number}") for number in range(8)))
    store.save_endpoint(replace(MAIL, open=True))
    barrier = threading.Barrier(4)

    def work(mine: SqlStore) -> list[str]:
        barrier.wait(timeout=20)
        return ids(claim(mine))

    with ThreadPoolExecutor(4) as pool:
        claimed = [one for part in pool.map(work, (store, twin, store, twin)) for one in part]
    assert claimed == ["d0"]


# --- commit C ---------------------------------------------------------------------------------------------------------


def test_an_outcome_is_saved_with_attempt_endpoint_and_audit(store):
    queue(store, delivery())
    (held,) = claim(store)
    after = ended(held, remote_ref="<id@mx>")
    health = Endpoint(
        channel="mail", failures=2, failing_since=NOW, paused_until=NOW, open=True, gone=True, reason="r",
        last_success_at=NOW,
    )  # fmt: skip
    assert save(store, after, held.lease, health)
    assert store.delivery("d1") == (after, (attempt(after),))
    assert store.endpoint("mail") == health
    assert [event for _, event in store.audit(limit=9)] == [SENT]
    assert claim(store, NOW + 9 * HOUR) == ()


def test_a_delivery_that_failed_waits_until_it_is_due_again(store):
    queue(store, delivery())
    (held,) = claim(store)
    again = replace(held, state=DeliveryState.PENDING, lease=None, failures=1, due_at=NOW + MINUTE, reason="greylisted")
    assert save(store, again, held.lease)
    assert claim(store) == ()
    (next_try,) = claim(store, NOW + MINUTE)
    assert (next_try.failures, next_try.claims, next_try.payload) == (1, 2, delivery().payload)


def test_whoever_lost_the_lease_adds_the_attempt_and_changes_nothing_else(store):
    queue(store, delivery())
    (slow,) = claim(store)
    (quick,) = claim(store, NOW + LEASE)
    late = ended(slow, DeliveryState.DEAD)
    assert not save(store, late, slow.lease, replace(MAIL, gone=True))
    assert store.delivery("d1") == (quick, (attempt(late),))
    assert store.endpoint("mail") == MAIL
    assert store.audit(limit=9) == ()
    assert save(store, ended(quick), quick.lease)
    assert len(store.delivery("d1")[1]) == 2


def test_an_attempt_that_is_over_cannot_leave_its_delivery_sending(store):
    queue(store, delivery())
    (held,) = claim(store)
    with pytest.raises(ValueError, match="sending"):
        save(store, held, held.lease)
    assert store.delivery("d1") == (held, ())


def test_releasing_leases_lets_a_restarted_service_send_at_once(store):
    queue(store, delivery())
    (before,) = claim(store)
    store.release_leases()
    (after,) = claim(store)
    assert after.claims == 2
    assert not save(store, ended(before), before.lease)


# --- operators --------------------------------------------------------------------------------------------------------


def test_what_waits_for_a_removed_channel_ends_and_can_be_retried(store):
    queue(store, delivery("sent"), delivery("held"), delivery("waits"), delivery("hook", channel="hook"))
    sent, held = claim(store, limit=2)
    save(store, ended(sent), sent.lease)
    assert store.retire_channels(["hook"], NOW) == 1
    (dead, _) = store.delivery("waits")
    assert (dead.state, dead.reason, dead.finished_at) == (DeliveryState.DEAD, "channel removed", NOW)
    assert store.delivery("sent")[0].state == DeliveryState.DELIVERED
    assert save(store, ended(held), held.lease)
    assert store.retire_channels([], NOW + HOUR) == 1
    assert store.retire_channels([], NOW + HOUR) == 0
    assert store.retry_deliveries(["waits"], NOW + HOUR) == 1
    assert ids(claim(store, NOW + HOUR)) == ["waits"]


def test_a_retried_delivery_starts_with_fresh_counters(store):
    queue(store, delivery("dead"), delivery("held"), delivery("waits", due_at=NOW + HOUR, failures=3))
    dead, held = claim(store)
    save(store, ended(dead, DeliveryState.DEAD, failures=8), dead.lease)
    assert store.retry_deliveries(["dead", "held", "waits", "strange"], NOW + MINUTE / 2) == 2
    again = claim(store, NOW + MINUTE / 2)
    assert sorted((one.id, one.claims, one.failures, one.reason, one.finished_at) for one in again) == [
        ("dead", 1, 0, None, None),
        ("waits", 1, 0, None, None),
    ]
    assert store.delivery("held")[0] == held


# --- time -------------------------------------------------------------------------------------------------------------


def due(store: SqlStore, now=NOW, channels=("mail", "hook")):
    return store.work(KZ, now, channels).due


def test_the_next_due_time_counts_deliveries_of_the_channels_asked_for(store):
    queue(store, delivery("a", due_at=NOW + HOUR), delivery("hook", channel="hook", due_at=NOW + MINUTE))
    assert due(store) == NOW + MINUTE
    assert due(store, channels=("mail",)) == NOW + HOUR
    assert due(store, channels=()) is None
    store.set_flag("paused", "1")
    assert due(store) is None


def test_the_next_due_time_respects_endpoints_and_leases(store):
    queue(store, delivery("a"), delivery("b", due_at=NOW + HOUR))
    store.save_endpoint(replace(MAIL, paused_until=NOW + MINUTE))
    assert due(store) == NOW + MINUTE
    store.save_endpoint(replace(MAIL, gone=True, paused_until=NOW + MINUTE))
    assert due(store) == NOW
    store.save_endpoint(MAIL)
    claim(store)
    assert due(store) == NOW + HOUR
    assert due(store, NOW + LEASE) <= NOW + LEASE


def test_the_next_due_time_waits_for_the_probe_of_an_open_breaker(store):
    queue(store, delivery("a"), delivery("b"))
    store.save_endpoint(replace(MAIL, open=True))
    assert due(store) == NOW
    (probe,) = claim(store)
    assert due(store) is None
    save(store, ended(probe), probe.lease, MAIL)
    assert due(store) == NOW
