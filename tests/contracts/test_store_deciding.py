"""What every store does for the decider: its reads, its lock, commit B, and pruning."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select
from support.stores import databases_fixture, migrated_file_fixture, store_fixture, store_url_fixture, twin_fixture  # noqa: F401 - fixtures
from support.values import (
    HOUR,
    KZ,
    MINUTE,
    NOW,
    alert,
    attempt,
    decision,
    delivery,
    document,
    ended,
    entry,
    feed,
    listing,
    new,
    polled,
    report,
    save,
    sketch,
    story,
    version,
)

from monitor.errors import StoreBusy
from monitor.model import (
    AuditEvent,
    Change,
    ChangeKind,
    Decision,
    Disposition,
    Endpoint,
    Entry,
    IntakeEntry,
    Match,
    Report,
)
from monitor.store import SqlStore
from monitor.store.schema import documents, intake, reports

EVENT = AuditEvent(at=NOW, kind="decided", subject="r1", data={"why": "новость", "n": 1})


def arrive(store: SqlStore, *entries: Entry, with_document: bool = False) -> tuple[IntakeEntry, ...]:
    """Let entries arrive by one poll, and return all that waits."""
    if not store.feed_states(KZ):
        store.sync_feeds(KZ, [feed()], NOW, {"tengri": NOW})
    store.poll_now(["tengri"], NOW)
    (state,) = store.claim_due_feeds(KZ, NOW, 1, MINUTE)
    assert save(store, polled(state, *entries, document=document() if with_document else None))
    return waiting(store)


def waiting(store: SqlStore) -> tuple[IntakeEntry, ...]:
    with store.deciding(KZ) as deciding:
        return deciding.intake(1000)


def decide(store: SqlStore, what: Decision) -> None:
    with store.deciding(KZ) as deciding:
        deciding.commit(what)


def tell(store: SqlStore, name: str = "r1", **given: object) -> Report:
    """Decide one fresh entry as a new report that is alerted, and return the report."""
    (*_, found) = arrive(store, entry(len(name)), with_document=True)
    of = report(name, story_id=f"s-{name}", seen_at=NOW, **given)
    decide(
        store,
        decision(
            new(found, of),
            sketches=(sketch(of, f"s-{name}"),),
            stories=(story(f"s-{name}"),),
            listings=(listing(name, alert_id=f"a-{name}"),),
            alerts=(alert(f"a-{name}", report=of, story_id=f"s-{name}"),),
            deliveries=(delivery(f"d-{name}", alert_id=f"a-{name}"),),
            audit=(EVENT,),
        ),
    )
    return of


def known(store: SqlStore, *keys: str):
    with store.deciding(KZ) as deciding:
        return deciding.known(keys)


def stored(store: SqlStore, table) -> int:
    with store._database.reading() as connection:
        return len(connection.execute(select(table)).all())


# --- commit B ---------------------------------------------------------------------------------------------------------


def test_a_decision_is_saved_whole_with_the_intake_it_consumed(store):
    of = tell(store)
    assert store.intake_waiting(KZ) == 0
    assert store.report("r1") == of
    assert [made.title for made in store.versions("r1")] == [of.title]
    assert store.story("s-r1") == (story("s-r1"), (of,))
    assert store.listings() == (listing("r1", alert_id="a-r1"),)
    assert store.alerts(limit=9) == (alert("a-r1", report=of, story_id="s-r1"),)
    assert store.deliveries(limit=9) == (delivery("d-r1", alert_id="a-r1"),)
    assert [event for _, event in store.audit(limit=9)] == [EVENT]


def test_what_a_report_is_about_follows_its_latest_version(store):
    tell(store)
    (found,) = arrive(store, entry(9))
    edited = replace(store.report("r1"), version=2, named=("place/аты\0\ud800", "place/oral"))
    decide(store, decision(replace(new(found, edited), kind=ChangeKind.REVISED)))
    assert store.report("r1") == edited
    assert known(store, "key-r1").reports["key-r1"].named == edited.named


def test_leaving_without_a_commit_changes_nothing(store):
    (found,) = arrive(store, entry(1))

    def broken() -> None:
        with store.deciding(KZ) as deciding:
            assert deciding.intake(10) == (found,)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    with store.deciding(KZ) as deciding:
        assert deciding.intake(10) == (found,)
    assert waiting(store) == (found,)


def test_a_commit_that_breaks_in_the_middle_changes_nothing(store):
    (found,) = arrive(store, entry(1), with_document=True)
    bad = decision(
        new(found, report()),
        alerts=(alert(),),
        deliveries=(delivery(payload=None),),  # the row may not be NULL: this fails after all else is written
        audit=(EVENT,),
    )
    with pytest.raises(Exception, match="payload"):
        decide(store, bad)
    assert waiting(store) == (found,)
    assert store.report("r1") is None
    assert store.alerts(limit=9) == ()
    assert store.audit(limit=9) == ()
    decide(store, decision(new(found, report())))
    assert store.report("r1") == report()


def test_after_the_commit_the_decision_is_over(store):
    with store.deciding(KZ) as deciding:
        deciding.commit(Decision(consumed=()))
        with pytest.raises(RuntimeError):
            deciding.intake(1)
        with pytest.raises(RuntimeError):
            deciding.commit(Decision(consumed=()))


def test_the_same_rows_decided_again_change_nothing(store):
    tell(store)
    before = (store.listings(), store.alerts(limit=9), store.deliveries(limit=9), store.versions("r1"))
    (found,) = arrive(store, entry(9))
    again = report("r1", story_id="s-r1")
    decide(
        store,
        decision(
            new(found, again),
            listings=(listing("r1", disposition=Disposition.COPY),),
            alerts=(alert("a-r1", headline="another"),),
            deliveries=(delivery("other-id", alert_id="a-r1", recipient="d-r1@desk.example"),),
        ),
    )
    assert (store.listings(), store.alerts(limit=9), store.deliveries(limit=9), store.versions("r1")) == before


def test_intake_that_is_gone_cannot_be_decided_again(store):
    (found,) = arrive(store, entry(1))
    once = decision(new(found, report()))
    decide(store, once)
    with pytest.raises(StoreBusy):
        decide(store, replace(once, audit=(EVENT,)))
    assert store.audit(limit=9) == ()


def test_a_revision_adds_a_version_and_keeps_when_it_was_first_seen(store):
    tell(store)
    (found,) = arrive(store, entry(2))
    later = report("r1", title="Протест: исправлено", version=2, seen_at=NOW + HOUR)
    change = Change(kind=ChangeKind.REVISED, intake=found, report=later, keys=("other",), version=version(later, found))
    decide(store, decision(change))
    assert store.report("r1") == replace(later, seen_at=NOW, story_id="s-r1")
    assert [made.number for made in store.versions("r1")] == [1, 2]
    held = known(store, "key-r1", "other", "strange")
    assert set(held.reports) == {"key-r1", "other"}
    assert held.reports["other"] is held.reports["key-r1"]
    assert held.versions["r1"] == store.versions("r1")


def test_what_was_the_same_or_buried_adds_no_version_but_is_consumed(store):
    tell(store)
    same, buried = arrive(store, entry(2), entry(3))
    ghost = report("ghost")
    decide(
        store,
        decision(
            Change(kind=ChangeKind.SAME, intake=same, report=report("r1"), keys=("moved",)),
            Change(kind=ChangeKind.BURIED, intake=buried, report=ghost, keys=("key-ghost",)),
        ),
    )
    assert store.intake_waiting(KZ) == 0
    assert len(store.versions("r1")) == 1
    assert known(store, "moved").reports["moved"].id == "r1"
    assert store.report("ghost") is None


def test_text_that_databases_refuse_is_stored_with_a_replacement_character(store):
    (found,) = arrive(store, entry(1))
    decide(store, decision(new(found, report(title="нуль \x00 и \ud800 пара"))))
    assert store.report("r1").title == "нуль \ufffd и \ufffd пара"


def test_two_changes_of_one_report_in_one_batch_end_with_the_later(store):
    first, second = arrive(store, entry(1), entry(2))
    of, later = report(), report(title="later", version=2)
    revised = Change(kind=ChangeKind.REVISED, intake=second, report=later, keys=(), version=version(later, second))
    decide(store, decision(new(first, of), revised))
    assert store.report("r1").title == "later"
    assert len(store.versions("r1")) == 2


# --- documents --------------------------------------------------------------------------------------------------------


def test_a_document_is_kept_while_its_entries_wait_or_a_report_from_it_was_alerted(store):
    first, second = arrive(store, entry(1), entry(2), with_document=True)
    assert stored(store, documents) == 1
    decide(store, decision(new(first, report("quiet"))))
    assert stored(store, documents) == 1
    told = decision(new(second, report("loud")), alerts=(alert(),), listings=(listing("loud", alert_id="a1"),))
    decide(store, told)
    assert stored(store, documents) == 1


def test_a_document_that_led_to_no_alert_is_removed_once_it_is_decided(store):
    first, second = arrive(store, entry(1), entry(2), with_document=True)
    decide(store, decision(new(first, report("r1")), listings=(listing("r1", disposition=Disposition.OLDER),)))
    decide(store, decision(new(second, report("r2"))))
    assert stored(store, documents) == 0
    assert len(store.versions("r1")) == 1


# --- what the decider reads -------------------------------------------------------------------------------------------


def test_sketches_are_read_by_sequence_and_a_newer_one_of_the_same_report_is_read_again(store):
    def since(seq: int, not_before=NOW - HOUR):
        with store.deciding(KZ) as deciding:
            return deciding.sketches_since(seq, not_before)

    found = arrive(store, entry(1), entry(2))
    old, fresh = report("old", seen_at=NOW - MINUTE), report("fresh")
    of_both = (sketch(old), sketch(fresh, "s2"))
    decide(store, decision(new(found[0], old), new(found[1], fresh), sketches=of_both))
    (one, first), (two, second) = since(0)
    assert (first, second) == of_both
    assert one < two
    assert since(one) == ((two, second),)
    assert since(0, NOW) == ((two, second),)
    (again,) = arrive(store, entry(3))
    better = replace(sketch(fresh, "s2"), text=())
    same = Change(kind=ChangeKind.SAME, intake=again, report=fresh, keys=())
    decide(store, decision(same, sketches=(better,)))
    ((three, third),) = since(two)
    assert three > two
    assert third == better


def test_stories_sources_and_what_was_told_are_found_by_story(store):
    found = arrive(store, *(entry(number) for number in range(4)))
    outlets = ("tengri", "vlast", "tengri", "orda")
    changes = [
        new(waiting, report(f"r{number}", outlet=outlet, source=outlet.title() + str(number), story_id="s1"))
        for number, (waiting, outlet) in enumerate(zip(found, outlets, strict=True))
    ]
    alerts = (
        alert("first"),
        alert("second"),
        alert("rehearsal", route="night", test=True),
        alert("elsewhere", story_id="s2"),
    )
    decide(store, decision(*changes, stories=(story(),), alerts=alerts))
    with store.deciding(KZ) as deciding:
        assert deciding.stories(["s1", "s9"]) == {"s1": story()}
        assert deciding.story_sources(["s1", "s9"]) == {
            "s1": (("tengri", "Tengri0"), ("vlast", "Vlast1"), ("orda", "Orda3"))
        }
        assert deciding.told(["s1", "s9"]) == {("s1", "desk"): "first"}


def test_listings_are_found_by_report(store):
    tell(store)
    with store.deciding(KZ) as deciding:
        assert deciding.listed(["r1", "r2"]) == {("r1", "unrest", "desk")}
        assert deciding.listed([]) == frozenset()


def test_more_keys_than_one_statement_takes_are_looked_up(store):
    (found,) = arrive(store, entry(1))
    keys = tuple(f"k{number}" for number in range(1201))
    decide(store, decision(new(found, report(), *keys)))
    assert len(known(store, *keys).reports) == 1201


# --- the lock ---------------------------------------------------------------------------------------------------------


def test_one_decider_at_a_time_so_every_entry_is_decided_once(store, twin, store_url):
    arrive(store, *(entry(number) for number in range(40)))
    barrier = threading.Barrier(4)

    def work(mine: SqlStore) -> list[int]:
        barrier.wait(timeout=20)
        decided: list[int] = []
        while True:
            try:
                with mine.deciding(KZ) as deciding:
                    batch = deciding.intake(3)
                    if not batch:
                        return decided
                    deciding.commit(decision(*(new(one, report(f"r{one.seq}")) for one in batch)))
                decided += [one.seq for one in batch]
            except StoreBusy:  # on SQLite another process may decide in between: then the batch is decided again
                assert store_url.startswith("sqlite:///")

    with ThreadPoolExecutor(4) as pool:
        decided = [seq for seqs in pool.map(work, (store, store, twin, twin)) for seq in seqs]
    assert len(decided) == len(set(decided)) == 40
    assert store.counts(KZ)["reports"] == 40


def test_other_flows_go_on_while_a_batch_is_decided(store):
    (found,) = arrive(store, entry(1))
    store.add_alerts([alert("other")], [delivery("other", alert_id="other")], [])
    with store.deciding(KZ) as deciding:
        deciding.known(["x"])
        with ThreadPoolExecutor(1) as pool:
            pool.submit(arrive_more, store).result(timeout=20)
        deciding.commit(decision(new(found, report())))
    assert store.intake_waiting(KZ) == 1
    assert store.delivery("other")[0].state == "delivered"


def arrive_more(store: SqlStore) -> None:
    store.poll_now(["tengri"], NOW)
    (state,) = store.claim_due_feeds(KZ, NOW, 1, MINUTE)
    assert save(store, polled(state, entry(2)))
    (held,) = store.claim_due_deliveries("mail", NOW, 1, MINUTE)
    assert store.save_attempt(ended(held), held.lease, attempt(held), Endpoint(channel="mail"), [])


# --- a feed under a new id --------------------------------------------------------------------------------------------


def test_the_reports_of_a_renamed_feed_follow_it(store):
    tell(store)
    store.sync_feeds(KZ, [feed("tengrinews", url=feed().url)], NOW, {})
    assert store.report("r1").feed_id == "tengrinews"
    assert [feed_id for feed_id, _, _ in store.entry_reports(KZ)] == ["tengrinews"]


# --- an entry that cannot be decided (see also test_store_aside) ------------------------------------------------------


def test_entries_wait_until_they_are_decided_or_set_aside(store):
    def wait() -> bool:
        return store.work(KZ, NOW, ()).entries

    assert not wait()
    (first, _) = arrive(store, entry(1), entry(2))
    assert wait()
    decide(store, decision(new(first, report())))
    assert wait()
    store.set_aside(KZ, NOW)
    assert not wait()


def test_the_document_of_an_entry_that_was_set_aside_is_kept(store):
    first, second = arrive(store, entry(1), entry(2), with_document=True)
    store.set_aside(KZ, NOW)
    decide(store, decision(new(second, report())))
    assert first.document_id == second.document_id
    assert stored(store, documents) == 1
    assert stored(store, intake) == 1


def test_nothing_is_set_aside_while_someone_decides(store):
    arrive(store, entry(1))
    with ThreadPoolExecutor(1) as pool:
        with store.deciding(KZ) as deciding:
            (found,) = deciding.intake(1)
            setting = pool.submit(store.set_aside, KZ, NOW)
            deciding.commit(decision(new(found, report())))
        assert setting.result(timeout=20) is None


# --- listings and alerts that no intake caused ------------------------------------------------------------------------


def test_a_backfill_adds_listings_that_are_not_there_yet(store):
    tell(store)
    late = listing("r1", watch="fuel", disposition=Disposition.BACKFILL)
    store.add_listings([replace(listing("r1"), disposition=Disposition.BACKFILL), late], [EVENT])
    assert store.listings() == (late, listing("r1", alert_id="a-r1"))
    assert len(store.audit(limit=9)) == 2


def test_a_backfill_of_a_report_that_was_pruned_meanwhile_lists_nothing(store):
    store.add_listings([listing("gone")])
    assert store.listings() == ()


def test_alerts_added_twice_stay_as_they_are(store):
    rehearsal = alert("t1", test=True, report=None, story_id=None, matches=(), note="test")
    for _ in range(2):
        store.add_alerts([rehearsal], [delivery("d1", alert_id="t1")], [])
    assert store.alerts(limit=9) == (rehearsal,)
    assert len(store.deliveries(limit=9)) == 1


# --- pruning ----------------------------------------------------------------------------------------------------------


def test_pruned_reports_leave_tombstones_and_their_alerts(store):
    of = tell(store)
    (held,) = store.claim_due_deliveries("mail", NOW, 1, MINUTE)
    store.save_attempt(ended(held), held.lease, attempt(held), Endpoint(channel="mail"), [])
    assert store.prune(KZ, NOW, 10) == 0
    assert store.prune(KZ, NOW + HOUR, 10) == 1
    assert store.report("r1") is None
    assert store.versions("r1") == ()
    assert store.listings() == ()
    assert store.story("s-r1") is None
    assert stored(store, documents) == 0
    assert store.entry_reports(KZ) == ()
    held = known(store, "key-r1", "strange")
    assert (held.reports, held.buried) == ({}, {"key-r1"})
    assert store.alert("a-r1").report == of
    assert store.delivery("d-r1")[0].state == "delivered"
    numbers = store.counts(KZ)
    assert (numbers["tombstones"], numbers["reports"]) == (1, 0)
    with store.deciding(KZ) as deciding:
        assert deciding.sketches_since(0, NOW - HOUR) == ()


def test_a_report_that_a_delivery_waits_for_is_not_pruned(store):
    tell(store)
    assert store.prune(KZ, NOW + HOUR, 10) == 0
    (held,) = store.claim_due_deliveries("mail", NOW, 1, MINUTE)
    assert store.prune(KZ, NOW + HOUR, 10) == 0
    store.save_attempt(ended(held), held.lease, attempt(held), Endpoint(channel="mail"), [])
    assert store.prune(KZ, NOW + HOUR, 10) == 1


def test_a_report_whose_own_alert_is_not_delivered_yet_is_not_pruned_though_nothing_lists_it(store):
    (found,) = arrive(store, entry(1))
    decide(store, decision(new(found, report()), alerts=(alert(),), deliveries=(delivery(),)))
    assert store.prune(KZ, NOW + HOUR, 10) == 0


def test_a_copy_listed_under_an_alert_that_is_not_delivered_yet_is_not_pruned(store):
    tell(store)
    (found,) = arrive(store, entry(5))
    copy = report("copy", story_id="s-r1")
    listed = listing("copy", disposition=Disposition.COPY, alert_id="a-r1")
    decide(store, decision(new(found, copy), listings=(listed,)))
    assert store.prune(KZ, NOW + HOUR, 10) == 0


def test_pruning_takes_the_oldest_up_to_its_limit_and_stories_without_reports(store):
    found = arrive(store, *(entry(number) for number in range(3)))
    made = [report(f"r{number}", story_id="s1" if number < 2 else "s2") for number in range(3)]
    pairs = zip(found, made, strict=True)
    decide(store, decision(*(new(one, of) for one, of in pairs), stories=(story("s1"), story("s2"))))
    assert store.prune(KZ, NOW + HOUR, 1) == 1
    assert [of.id for of in store.reports(KZ, limit=9)] == ["r2", "r1"]
    assert store.story("s1") is not None
    assert store.prune(KZ, NOW + HOUR, 1) == 1
    assert store.story("s1") is None
    assert store.story("s2") is not None


def test_tables_of_the_queue_are_empty_when_all_is_decided(store):
    tell(store)
    assert stored(store, intake) == 0
    assert stored(store, reports) == 1


def test_a_match_keeps_its_reasons(store):
    tell(store)
    (found,) = store.listings(report_id="r1")
    assert isinstance(found.match, Match)
    assert found.match.reasons[0].surface == "митинги"
