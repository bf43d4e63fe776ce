"""The statements that run all the time go through an index, however long the tables are."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import event
from support.values import KZ, MINUTE, NOW, alert, delivery, feed

from monitor.store import SqlStore, open_store


def take(store: SqlStore) -> None:
    with store.deciding(KZ) as deciding:
        deciding.intake(5)


def follow(store: SqlStore) -> None:
    with store.deciding(KZ) as deciding:
        deciding.sketches_since(7, NOW)


HOT = {
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
        if re.match(r"\s*(SELECT|WITH|UPDATE)", statement):
            cursor = connection.connection.cursor()
            plans.extend(row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))
            cursor.close()

    event.listen(store._database._engine, "before_cursor_execute", explain)
    work(store)
    store.close()
    used = {index for plan in plans for index in re.findall(r"USING (?:COVERING )?INDEX (\w+)", plan)}
    assert indexes <= used, plans
    assert not [plan for plan in plans if "TEMP B-TREE" in plan], plans
    assert not [
        plan for plan in plans if re.match(r"SCAN (feeds|intake|sketches|reports|deliveries)(?! USING)", plan)
    ], plans
