"""The statements that run all the time go through an index, however long the tables are."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from sqlalchemy import event
from support.values import HOUR, KZ, MINUTE, NOW, alert, delivery, document, entry, feed, polled

from monitor.model import Push, PushResult, PushState, Subscription
from monitor.store import SqlStore, open_store


def take(store: SqlStore) -> None:
    with store.deciding(KZ) as deciding:
        deciding.intake(5)


def follow(store: SqlStore) -> None:
    with store.deciding(KZ) as deciding:
        deciding.sketches_since(7, NOW)


def save_all(store: SqlStore) -> None:
    states = store.claim_due_feeds(KZ, NOW, 5, MINUTE)
    assert store.save_polls([polled(state, entry(1), document=document()) for state in states]) == frozenset()
    states = store.claim_due_feeds(KZ, NOW + HOUR, 5, MINUTE)
    assert store.save_polls([polled(state, before=replace(state, filled=True)) for state in states]) == frozenset()


def read_a_push(store: SqlStore) -> None:
    store.enqueue_pushes([Push(feed_id="tengri", token="t", received_at=NOW, content_type=None, body=b"")])
    (push,) = store.waiting_pushes(KZ, 5)
    assert not store.save_pushes([PushResult(push=push, works=True, due_at=NOW + MINUTE)], NOW)


def subscribe(store: SqlStore) -> None:
    given = {"hub": "h", "topic": "t", "secret": None, "state": PushState.ACTIVE, "asked_at": NOW}
    store.save_subscription(Subscription(token="t", feed_id="tengri", **given))
    store.count_rejected("t")
    assert store.subscription("t") is not None
    assert store.drop_subscriptions(["tengri"])


HOT = {
    "saving polls": (save_all, {"feeds_due", "sqlite_autoindex_feeds_1"}),
    "resting": (lambda store: store.put_off(["tengri", "b"], NOW + MINUTE), {"sqlite_autoindex_feeds_1"}),
    "one state": (lambda store: store.feed_state("tengri"), {"sqlite_autoindex_feeds_1"}),
    "a push": (read_a_push, {"sqlite_autoindex_feeds_1", "sqlite_autoindex_subscriptions_1"}),
    "a subscription": (subscribe, {"sqlite_autoindex_subscriptions_1", "subscriptions_feed"}),
    "claiming feeds": (lambda store: store.claim_due_feeds(KZ, NOW, 5, MINUTE), {"feeds_due"}),
    "claiming deliveries": (lambda store: store.claim_due_deliveries("mail", NOW, 5, MINUTE), {"deliveries_due"}),
    "the next due time": (lambda store: store.work(KZ, NOW, ("mail",)).due, {"feeds_due", "deliveries_due"}),
    "intake": (take, {"intake_order"}),
    "sketches": (follow, {"sketches_order"}),
    "the newest reports": (lambda store: store.reports(KZ, limit=5), {"reports_order"}),
}


@pytest.mark.parametrize("name", HOT)
def test_a_hot_statement_uses_its_index_and_sorts_nothing(name):
    work, indexes = HOT[name]
    store = open_store("sqlite://")
    store.migrate()
    store.sync_feeds(KZ, [feed()], NOW, {})
    store.add_alerts([alert()], [delivery()], [])
    plans: list[str] = []

    def explain(connection, _cursor, statement, parameters, _context, _many) -> None:
        if re.match(r"\s*(SELECT|WITH|UPDATE|DELETE)", statement):
            cursor = connection.connection.cursor()
            parameters = parameters[0] if isinstance(parameters, list) else parameters
            plans.extend(row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))
            cursor.close()

    event.listen(store._database._engine, "before_cursor_execute", explain)
    work(store)
    store.close()
    used = {index for plan in plans for index in re.findall(r"USING (?:COVERING )?INDEX (\w+)", plan)}
    assert indexes <= used, plans
    assert not [plan for plan in plans if "TEMP B-TREE" in plan], plans
    assert not [
        plan
        for plan in plans
        if re.match(r"SCAN (feeds|intake|sketches|reports|deliveries|subscriptions)(?! USING)", plan)
    ], plans
