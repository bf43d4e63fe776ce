from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from support.feeds import NOW, a_feed, a_state, fetched, hours, minutes

from monitor.feeds import gap, polled, rhythm
from monitor.feeds.asking import Plan, plan
from monitor.feeds.links import Way
from monitor.feeds.marks import mark, pack, unpack
from monitor.feeds.moved import FOREIGN, MOVED
from monitor.feeds.noted import ENDED, LYING, NO_ENTRIES
from monitor.model import Entry, FailureKind, Feed, FeedState, Pace, PollFailure, PollResult, Validators
from monitor.ports import Fetched, Head, More, NotModified, ParsedFeed

FEED = a_feed()
GIVEN = Validators(url=FEED.url, etag='"1"')
NEW = "https://new.example/feed"


def entry(name: str, **fields: object) -> Entry:
    return Entry(**({"guid": name, "link": None, "title": name, "summary": ""} | fields))  # type: ignore[arg-type]


def parsed(*names: str, **fields: object) -> ParsedFeed:
    shown = tuple(entry(name) for name in names)
    settled = {"head": Head(title="News"), "entries": shown, "marks": pack(map(mark, shown)), "shown": len(shown)}
    return ParsedFeed(**(settled | fields))  # type: ignore[arg-type]


def not_modified(**fields: object) -> NotModified:
    return NotModified(**({"url": FEED.url, "validators": GIVEN, "pace": Pace()} | fields))  # type: ignore[arg-type]


def read(  # type: ignore[no-untyped-def]
    state: FeedState,
    document: ParsedFeed,
    answer: Fetched | None = None,
    *,
    feed: Feed = FEED,
    now=NOW,
    asked: Plan | None = None,
    lies: bool = False,
    caught: gap.Caught | None = None,
) -> PollResult:
    """What a poll at `now` changes that brought this document; without `caught`, behind a gap no walk found anything."""
    answer = answer or fetched(b"x")
    asked = asked or plan(state, now)
    found = rhythm.overlap(state, answer, document)
    missed = polled.is_gap(state, asked, answer, found, None)
    if missed:
        caught = caught or gap.Caught(why="the feed names no older documents")
    return polled.read(
        feed, state, asked, answer, document, overlap=found, caught=caught, lies=lies, now=now, jitter=0.0
    )


def unchanged(state: FeedState, answer: NotModified | Fetched, *, feed: Feed = FEED, now=NOW) -> FeedState:  # type: ignore[no-untyped-def]
    return polled.unchanged(feed, state, plan(state, now), answer, now=now, jitter=0.0).state


def failed(state: FeedState, kind: FailureKind, *, now=NOW, **fields: object) -> PollResult:  # type: ignore[no-untyped-def]
    failure = PollFailure(kind=kind, reason="x", **fields)  # type: ignore[arg-type]
    return polled.failed(FEED, state, failure, now=now, jitter=0.0)


def after(state: FeedState) -> FeedState:
    """The row as the next poll claims it."""
    return replace(state, lease="l2")


# --- what is remembered ---------------------------------------------------------------------------------------------


def test_the_first_document_is_a_baseline_and_everything_after_it_is_news() -> None:
    answer = fetched(b"one", validators=GIVEN)
    first = read(a_state(), parsed("b", "a"), answer)
    assert (first.baseline, [e.title for e in first.entries], first.lease) == (True, ["a", "b"], "l1")
    assert first.state.filled
    assert first.state.lease is None
    assert first.state.validators == GIVEN
    assert first.document is not None
    assert first.document.body == b"one"
    second = read(after(first.state), parsed("c", "b", "a"), fetched(b"two"))
    assert (second.baseline, [e.title for e in second.entries]) == (False, ["c"])
    assert second.state.validators is None  # the last answer gave none
    third = read(after(second.state), parsed("c", "b"), fetched(b"three"))
    assert (third.entries, third.document) == ((), None)


def test_a_feed_whose_first_document_was_empty_has_its_first_entry_as_news() -> None:
    empty = read(a_state(), parsed())
    assert empty.baseline
    assert NO_ENTRIES in (empty.state.warning or "")
    first = read(after(empty.state), parsed("a"))
    assert (first.baseline, len(first.entries)) == (False, 1)
    assert first.state.warning is None


def test_entries_that_vanish_for_a_while_are_no_news_when_they_come_back() -> None:
    full = read(a_state(), parsed("b", "a")).state
    gone = read(after(full), parsed()).state
    assert read(after(gone), parsed("b", "a")).entries == ()
    cut = read(after(full), parsed("b"), fetched(b"x", complete=False)).state
    assert cut.body_hash is None
    assert read(after(cut), parsed("b", "a")).entries == ()


def test_an_entry_shown_twice_is_handed_on_once() -> None:
    assert len(read(a_state(), parsed("a", "a")).entries) == 1


def test_the_same_bytes_need_no_parsing_but_their_validators_are_kept() -> None:
    state = read(a_state(), parsed("a"), fetched(b"same")).state
    assert polled.is_same_body(state, fetched(b"same"))
    assert not polled.is_same_body(state, fetched(b"other"))
    assert not polled.is_same_body(a_state(), fetched(b"same"))
    again = unchanged(after(state), fetched(b"same", validators=GIVEN))
    assert again.validators == GIVEN
    assert (again.known, again.body_hash) == (state.known, state.body_hash)


def test_a_failure_forgets_nothing_and_a_304_ends_it() -> None:
    state = read(a_state(), parsed("a", warning="odd"), fetched(b"x", validators=GIVEN)).state
    down = failed(after(state), FailureKind.DNS, now=NOW + hours(1))
    assert (down.entries, down.document, down.lease) == ((), None, "l2")
    worse = failed(after(down.state), FailureKind.TLS, now=NOW + hours(2)).state
    assert (worse.failures, worse.failing_since, worse.last_attempt_at) == (2, NOW + hours(1), NOW + hours(2))
    assert (worse.validators, worse.known, worse.body_hash, worse.last_success_at) == (
        state.validators, state.known, state.body_hash, NOW,
    )  # fmt: skip
    well = unchanged(after(worse), not_modified(), now=NOW + hours(3))
    assert (well.failures, well.failure, well.failing_since) == (0, None, None)
    assert (well.last_success_at, well.known, well.warning) == (NOW + hours(3), state.known, "odd")


def test_a_dead_feed_shows_its_age_from_the_first_poll() -> None:
    old = parsed(entries=(entry("a", published=NOW - hours(500)), entry("b", published=NOW - hours(400))))
    assert read(a_state(), old).state.last_entry_at == NOW - hours(400)
    future = parsed(entries=(entry("a", published=NOW + hours(500)),))
    assert read(a_state(), future).state.last_entry_at == NOW
    assert read(a_state(filled=True), old).state.last_entry_at == NOW


def test_a_poll_without_a_lease_is_a_defect() -> None:
    with pytest.raises(ValueError, match="lease"):
        read(a_state(lease=None), parsed("a"))


@pytest.mark.parametrize(
    ("dates", "order"),
    [
        ([None, None, None], "cba"),
        ([3, 2, 1], "cba"),
        ([1, 2, 3], "abc"),
        ([9, 2, 1], "cba"),
        ([1, 9, 5], "acb"),
        ([3, None, 1], "cba"),
        ([1, None, 3], "abc"),
        ([2, 2, 2], "cba"),
    ],
)
def test_entries_are_decided_in_the_order_of_their_publication(dates: list[int | None], order: str) -> None:
    shown = [
        entry(name, published=None if hour is None else NOW + hours(hour))
        for name, hour in zip("abc", dates, strict=True)
    ]
    assert "".join(e.title for e in gap.oldest_first(shown)) == order


# --- moved feeds and lying servers ----------------------------------------------------------------------------------


def test_a_feed_has_moved_when_many_polls_over_two_days_were_sent_there() -> None:
    state = a_state()
    warned: list[bool] = []
    for number in range(13):
        answer = fetched(b"x", permanent_target=NEW)
        state = after(read(state, parsed("a"), answer, now=NOW + hours(6 * number)).state)
        warned.append(MOVED in (state.warning or ""))
    assert warned == [False] * 9 + [True] * 4
    assert NEW in (state.warning or "")
    state = after(unchanged(state, not_modified(permanent_target=NEW), now=NOW + hours(99)))
    assert (state.warning or "").count(MOVED) == 1
    back = unchanged(state, not_modified(), now=NOW + hours(124))  # the audit, which asks the configured address
    assert (back.warning, back.moved_to, back.moved_since, back.moved_count) == (None, None, None, 0)


def test_many_polls_in_a_short_time_or_to_changing_targets_move_nothing() -> None:
    state = a_state()
    for number in range(30):
        state = after(
            read(state, parsed("a"), fetched(b"x", permanent_target=NEW), now=NOW + minutes(5 * number)).state
        )
    assert state.warning is None
    for number in range(30):
        target = f"{NEW}?session={number}"
        state = after(
            read(state, parsed("a"), fetched(b"x", permanent_target=target), now=NOW + hours(6 * number)).state
        )
    assert (state.warning, state.moved_count) == (None, 1)


def test_a_304_that_hid_entries_is_found_out_by_the_audit() -> None:
    state = after(read(a_state(), parsed("a"), fetched(b"1", validators=GIVEN)).state)
    assert state.audited_at == NOW
    for number in range(1, 4):
        state = after(unchanged(state, not_modified(), now=NOW + hours(number)))
    later = NOW + hours(25)
    asked, document, answer = plan(state, later), parsed("b", "a"), fetched(b"2", validators=GIVEN)
    assert polled.may_lie(state, asked, answer, document)
    audit = read(state, document, answer, now=later, lies=True).state
    assert LYING in (audit.warning or "")
    assert audit.validators is None
    next_day = read(after(audit), parsed("c"), fetched(b"3", validators=GIVEN), now=later + hours(1)).state
    assert (next_day.validators, LYING in (next_day.warning or "")) == (None, True)
    same = unchanged(after(next_day), fetched(b"3", validators=GIVEN), now=later + hours(2))
    assert (same.validators, (same.warning or "").count(LYING)) == (None, 1)


@pytest.mark.parametrize(
    ("names", "validators"),
    [(("b", "a"), Validators(url=FEED.url, etag='"2"')), (("a",), GIVEN), (("b", "a"), None)],
)
def test_an_audit_that_finds_honest_changes_or_none_accuses_nobody(
    names: tuple[str, ...], validators: Validators | None
) -> None:
    state = after(read(a_state(), parsed("a"), fetched(b"1", validators=GIVEN)).state)
    answer = fetched(b"2", validators=validators)
    assert not polled.may_lie(state, plan(state, NOW + hours(25)), answer, parsed(*names))
    audit = read(state, parsed(*names), answer, now=NOW + hours(25)).state
    assert audit.warning is None
    assert audit.validators == validators
    assert audit.audited_at == NOW + hours(25)


def test_a_conditional_success_is_no_audit() -> None:
    state = after(read(a_state(), parsed("a"), fetched(b"1", validators=GIVEN)).state)
    changed = read(state, parsed("b", "a"), fetched(b"2", validators=GIVEN), now=NOW + hours(5)).state
    assert (changed.audited_at, changed.warning) == (NOW, None)


def test_the_max_age_of_a_document_stays_in_force_through_304s_that_say_nothing_of_it() -> None:
    hour = Pace(max_age=hours(1))
    state = after(read(a_state(), parsed("a"), fetched(b"1", validators=GIVEN, pace=hour)).state)
    for answer, rest in (
        (not_modified(), hours(1)),
        (not_modified(pace=Pace(max_age=hours(2))), hours(2)),
        (not_modified(), hours(2)),
        (not_modified(pace=Pace(max_age=hours(0))), minutes(5)),
        (not_modified(), minutes(5)),
        (not_modified(pace=hour), hours(1)),
        (fetched(b"1", validators=GIVEN), minutes(5)),  # a whole answer takes the place of the stored one
        (not_modified(), minutes(5)),
    ):
        state = after(unchanged(state, answer))
        assert state.due_at - NOW == rest


def test_a_document_without_max_age_ends_what_the_one_before_said() -> None:
    state = after(read(a_state(), parsed("a"), fetched(b"1", pace=Pace(max_age=hours(1)))).state)
    assert read(state, parsed("b", "a"), fetched(b"2")).state.max_age is None


# --- feeds of which no gap can be told --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "way", "told"),
    [
        ("a", None, False),
        ("a", ("wordpress", "https://news.example/feed?paged=2"), False),
        ("a", ("archive", "https://news.example/1"), True),
        ("ba", None, True),
    ],
)
def test_a_feed_of_one_entry_has_no_gap_unless_it_names_its_older_documents(
    before: str, way: tuple[Way, str] | None, *, told: bool
) -> None:
    state = after(read(a_state(), parsed(*before)).state)
    asked, answer, document = plan(state, NOW), fetched(b"2"), parsed("z")
    found = rhythm.overlap(state, answer, document)
    assert polled.is_gap(state, asked, answer, found, way) is told


def test_a_feed_of_one_entry_is_asked_sooner_when_that_was_replaced() -> None:
    state = after(read(a_state(), parsed("a")).state)
    changed = read(state, parsed("z"), fetched(b"2", validators=GIVEN)).state
    assert (changed.gap, changed.gaps, changed.interval) == (None, 0, minutes(2.5))


def test_an_archive_that_shows_a_feed_of_one_entry_whole_is_no_gap_to_tell_of() -> None:
    state = after(read(a_state(), parsed("a")).state)
    for documents, gaps in (((), 0), (((entry("y"),),), 1)):
        caught = gap.Caught(documents=documents, closed=True)
        found = rhythm.overlap(state, fetched(b"2"), parsed("z"))
        result = polled.read(
            FEED, state, plan(state, NOW), fetched(b"2"), parsed("z"), overlap=found, caught=caught, now=NOW, jitter=0.0
        )
        assert result.state.gaps == gaps


def test_an_address_that_was_edited_shows_no_gap() -> None:
    state = after(read(a_state(), parsed("b", "a"), fetched(b"1", validators=GIVEN)).state)
    edited = replace(state, url=NEW, validators=None, body_hash=None)  # as the store leaves it
    assert read(edited, parsed("d", "c"), fetched(b"2", url=NEW)).state.gaps == 0
    assert read(state, parsed("d", "c"), fetched(b"2")).state.gaps == 1


@pytest.mark.parametrize(
    ("refusal", "rest"),
    [
        ({"status": 429, "retry_after": hours(2)}, hours(2)),
        ({"status": 429, "retry_after": hours(99)}, hours(24)),
        ({"status": 429}, minutes(10)),
        ({"status": 503, "retry_after": minutes(30)}, minutes(30)),
    ],
)
def test_a_feed_whose_older_documents_were_refused_rests_as_long_as_that_asks_for(
    refusal: dict[str, Any], rest: timedelta
) -> None:
    state = after(read(a_state(), parsed("b", "a")).state)
    failure = PollFailure(kind=FailureKind.THROTTLED, reason="x", **refusal)
    caught = gap.Caught(why="refused", refusal=failure)
    found = rhythm.overlap(state, fetched(b"2"), parsed("d", "c"))
    result = polled.read(
        FEED, state, plan(state, NOW), fetched(b"2"), parsed("d", "c"),
        overlap=found, caught=caught, now=NOW, jitter=0.0,
    )  # fmt: skip
    assert (result.refusal, result.state.failure, result.state.due_at - NOW) == (failure, None, rest)


# --- how a feed is asked ----------------------------------------------------------------------------------------------


def test_a_feed_is_asked_by_what_is_known_of_it() -> None:
    assert plan(a_state(), NOW) == Plan(validators=None, audit=True, lane="new")
    known = a_state(filled=True, validators=GIVEN, audited_at=NOW)
    assert plan(known, NOW) == Plan(validators=GIVEN, lane="proven")
    assert plan(known, NOW + hours(24)) == Plan(validators=None, audit=True, lane="proven")
    killed = replace(known, failures=1, failure=PollFailure(kind=FailureKind.PARSER_KILLED, reason="x"))
    assert plan(killed, NOW).lane == "suspect"
    assert plan(replace(killed, failure=PollFailure(kind=FailureKind.DNS, reason="x")), NOW).lane == "proven"


def moved(**fields: object) -> FeedState:
    settled = {
        "filled": True, "validators": GIVEN, "body_hash": b"1", "audited_at": NOW, "last_success_at": NOW,
        "moved_to": NEW, "moved_count": 10, "moved_since": NOW - hours(48),
    }  # fmt: skip
    return a_state(**(settled | fields))


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        ({}, NEW),
        ({"moved_count": 9}, None),
        ({"moved_since": NOW - hours(47)}, None),
        ({"moved_to": None, "moved_since": None, "moved_count": 0}, None),
        ({"failures": 1}, None),
        ({"body_hash": None}, None),  # the configured address was edited
        ({"audited_at": NOW - hours(24)}, None),
        ({"last_success_at": None}, None),
    ],
)
def test_a_feed_that_surely_moved_is_asked_where_it_is_but_for_the_daily_audit(
    fields: dict[str, object], address: str | None
) -> None:
    assert plan(moved(**fields), NOW).address == address


def test_what_is_asked_directly_keeps_the_move_until_an_audit_finds_it_taken_back() -> None:
    state = unchanged(moved(), not_modified())
    assert (state.moved_to, state.moved_count, MOVED in (state.warning or "")) == (NEW, 10, True)
    audit = unchanged(after(state), not_modified(permanent_target=NEW), now=NOW + hours(24))
    assert (audit.moved_count, MOVED in (audit.warning or "")) == (11, True)
    assert plan(audit, NOW + hours(25)).address == NEW
    back = unchanged(after(audit), not_modified(), now=NOW + hours(48))
    assert (back.moved_to, back.warning) == (None, None)


def test_a_redirect_for_good_to_another_feed_is_reported_and_never_learnt() -> None:
    state = read(a_state(), parsed("b", "a")).state
    for number in range(40):
        answer = fetched(b"%d" % number, permanent_target=NEW)
        state = read(after(state), parsed("y", "x"), answer, now=NOW + hours(24 * number)).state
        assert FOREIGN in (state.warning or "")
        assert state.gaps == 0
    assert (state.moved_count, plan(state, NOW + hours(24 * 39 + 1)).address) == (0, None)
    back = read(after(state), parsed("y", "x", "a"), fetched(b"home"), now=NOW + hours(24 * 40)).state
    assert (back.warning, back.moved_to) == (None, None)


# --- pace of what was seen --------------------------------------------------------------------------------------------


def test_a_document_without_overlap_is_a_gap_that_is_counted_told_and_halves_the_interval() -> None:
    state = read(a_state(), parsed("b", "a"), fetched(b"1")).state
    assert (state.gaps, state.interval) == (0, None)
    lost = read(after(state), parsed("z", "y"), fetched(b"2"), now=NOW + minutes(5)).state
    assert (lost.gaps, lost.gap_at, lost.interval) == (1, NOW + minutes(5), minutes(2.5))
    assert "may be missing: the feed names no older documents." in (lost.gap or "")
    assert lost.due_at == NOW + minutes(5) + minutes(2.5)
    calm = unchanged(after(lost), not_modified(), now=NOW + minutes(8))
    assert (calm.gaps, calm.interval) == (1, minutes(2.5) * 1.25)


def test_all_that_a_walk_recovered_is_news_however_much_it_is() -> None:
    state = after(read(a_state(), parsed("old")).state)
    many, older = (tuple(f"{which}{number}" for number in range(1500)) for which in ("new", "older"))
    caught = gap.Caught(documents=(tuple(map(entry, older)),), closed=True)
    result = read(state, parsed(*many), caught=caught)
    assert {each.guid for each in result.entries} == {*many, *older}


def test_an_index_keeps_the_marks_of_all_that_its_parts_showed() -> None:
    names = tuple(f"e{number}" for number in range(5000))
    state = read(a_state(), parsed(*names, more=(More(url="https://a.example/part.xml"),))).state
    assert len(unpack(state.known)) == len(names)


def test_the_first_document_sets_the_rhythm_and_the_interval() -> None:
    fast = tuple(entry(str(n), published=NOW - timedelta(seconds=18 * n)) for n in range(20))
    state = read(a_state(), parsed(entries=fast, marks=pack(map(mark, fast)), shown=20)).state
    assert (state.rhythm, state.interval) == (timedelta(seconds=18), minutes(2))


def test_what_the_document_says_of_its_pace_is_kept_until_another_says_otherwise() -> None:
    slow = Head(pace=Pace(ttl=hours(1), skips=1))
    state = read(a_state(), parsed("a", head=slow), fetched(b"1", validators=GIVEN)).state
    assert (state.said, state.due_at) == (slow.pace, NOW + hours(1))
    assert unchanged(after(state), not_modified()).due_at == NOW + hours(1)
    known = read(after(state), parsed("a", entries=(), head=None), fetched(b"2", validators=GIVEN)).state
    assert (known.said, known.due_at) == (slow.pace, NOW + hours(1))
    assert read(after(state), parsed("a"), fetched(b"3", validators=GIVEN)).state.said == Pace()


def test_max_age_counts_also_when_it_comes_with_a_304() -> None:
    state = read(a_state(), parsed("a"), fetched(b"1", validators=GIVEN)).state
    assert unchanged(after(state), not_modified(pace=Pace(max_age=hours(2)))).due_at == NOW + hours(2)


def test_a_feed_that_ended_is_looked_at_once_a_day_and_its_end_is_told() -> None:
    state = read(a_state(), parsed("a", head=Head(expired=True)), fetched(b"1", validators=GIVEN)).state
    assert state.warning == f"{ENDED}."
    assert state.due_at == NOW + hours(24)
    again = unchanged(after(state), not_modified())
    assert (again.warning, again.due_at) == (f"{ENDED}.", NOW + hours(24))
    alive = read(after(again), parsed("b", "a"), fetched(b"2")).state
    assert (alive.warning, alive.due_at) == (None, NOW + minutes(5))
    told = read(a_state(), parsed("a", head=Head(expired=True), warning=f"{ENDED} and more.")).state
    assert told.warning == f"{ENDED} and more."


def test_warnings_of_a_document_stay_while_nothing_of_it_is_read_again() -> None:
    state = read(a_state(), parsed("b", "a", warning="odd"), fetched(b"1")).state
    assert read(after(state), parsed("b", "a", entries=(), head=None), fetched(b"2")).state.warning == "odd"
    assert read(after(state), parsed("b", "a"), fetched(b"2")).state.warning is None


# --- parts of a feed --------------------------------------------------------------------------------------------------


def test_only_what_is_new_adds_to_what_is_known_and_takes_nothing_away() -> None:
    state = read(a_state(), parsed("b", "a"), fetched(b"1", validators=GIVEN)).state
    renewed = Validators(url=FEED.url, etag='"2"')
    part = read(after(state), parsed("c"), fetched(b"2", status=226, partial=True, validators=renewed))
    assert [e.title for e in part.entries] == ["c"]
    assert (part.state.validators, part.state.body_hash, part.state.entries) == (renewed, state.body_hash, 2)
    assert (part.state.gaps, part.state.warning) == (0, None)
    full = read(after(part.state), parsed("c", "b", "a"), fetched(b"3"))
    assert full.entries == ()
    nothing = read(after(state), parsed(), fetched(b"", status=226, partial=True)).state
    assert (nothing.warning, nothing.known) == (None, state.known)


def test_what_is_known_of_parts_is_bounded_and_each_entry_is_known_once() -> None:
    state = read(a_state(), parsed("b", "a"), fetched(b"1")).state
    for number in range(50):
        answer = fetched(b"%d" % number, partial=True)
        state = read(after(state), parsed(*(f"{number}-{each}" for each in range(100)), "a"), answer).state
    shown = unpack(state.known)
    assert len(shown) == len(set(shown)) == polled.MAX_KNOWN
    assert shown[0] == mark(entry("49-0"))


def test_an_index_of_parts_keeps_what_is_known_of_the_others() -> None:
    more = (More(url="https://news.example/1.xml"),)
    state = read(a_state(), parsed("b", "a", more=more), fetched(b"1")).state
    state = read(after(state), parsed("d", "c", more=more), fetched(b"2")).state
    assert (state.gaps, len(unpack(state.known))) == (0, 4)
    assert read(after(state), parsed("b", "a", more=more), fetched(b"3")).entries == ()


# --- failures ---------------------------------------------------------------------------------------------------------


def test_a_403_where_there_was_a_feed_is_throttling_first_and_then_we_are_blocked() -> None:
    state = read(a_state(), parsed("a")).state
    kinds = list[FailureKind]()
    for _ in range(5):
        state = failed(after(state), FailureKind.BLOCKED, status=403).state
        assert state.failure is not None
        kinds.append(state.failure.kind)
    assert kinds == [FailureKind.THROTTLED] * 3 + [FailureKind.BLOCKED] * 2
    for status, filled in ((403, False), (451, True)):
        first = failed(a_state(filled=filled), FailureKind.BLOCKED, status=status).state.failure
        assert first is not None
        assert first.kind is FailureKind.BLOCKED


# --- pushes -----------------------------------------------------------------------------------------------------------

HUBBED = Head(links={"hub": ("https://hub.example/",), "self": (FEED.url,), "prev-archive": (f"{FEED.url}/1",)})


def test_links_of_a_document_are_remembered_and_the_header_goes_first() -> None:
    state = read(a_state(), parsed("a", head=HUBBED)).state
    assert (state.hub, state.topic, state.archive) == ("https://hub.example/", FEED.url, f"{FEED.url}/1")
    kept = read(after(state), parsed("a", entries=(), head=None), fetched(b"2")).state
    assert (kept.hub, kept.archive) == (state.hub, state.archive)
    header = fetched(b"3", links={"hub": ("https://better.example/",)})
    assert read(after(state), parsed("a", head=HUBBED), header).state.hub == "https://better.example/"
    without = read(after(replace(state, pushed=True)), parsed("a")).state
    assert (without.hub, without.topic, without.archive, without.pushed) == (None, None, None, False)


@pytest.mark.parametrize(
    ("new", "pushed"),
    [
        (None, True),
        (entry("b"), False),
        (entry("b", published=NOW - minutes(2)), False),
        (entry("b", published=NOW - minutes(1)), True),  # perhaps on its way
        (entry("a", title="edited"), True),
    ],
)
def test_an_entry_that_no_push_brought_ends_the_trust_in_pushes(new: Entry | None, *, pushed: bool) -> None:
    state = replace(read(a_state(), parsed("a", head=HUBBED)).state, pushed=True)
    shown = (entry("a"),) if new is None else (new, entry("a")) if new.guid != "a" else (new,)
    document = parsed(entries=shown, marks=pack(map(mark, shown)), shown=len(shown), head=HUBBED)
    found = read(after(state), document, fetched(b"2", validators=GIVEN)).state
    assert found.pushed is pushed
    assert found.due_at == NOW + (hours(1) if pushed else minutes(5))


def test_a_push_may_be_ahead_of_the_document_that_a_cache_gives() -> None:
    state = read(a_state(), parsed("a", head=HUBBED), fetched(b"1")).state
    pushed = replace(state, pushed=True, known=state.known + pack([mark(entry("b"))]))
    behind = read(after(pushed), parsed("x", "a", head=HUBBED), fetched(b"2")).state
    assert read(after(replace(behind, pushed=True)), parsed("b", "a", head=HUBBED), fetched(b"3")).state.pushed
