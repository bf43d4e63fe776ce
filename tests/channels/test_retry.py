"""The decisions after an attempt: row, endpoint, operator."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.channels import retry
from monitor.channels.retry import HTTP_SCHEDULE, MAIL_SCHEDULE, UNREACHABLE, after, allowance, doomed, news
from monitor.model import (
    Ambiguous,
    BadEndpoint,
    BadMessage,
    Delivered,
    Delivery,
    DeliveryState,
    Endpoint,
    Gone,
    Outcome,
    Retry,
    Throttled,
)

NOW = datetime(2022, 1, 5, 9, 41, tzinfo=UTC)
ROW = Delivery(
    id="d1", alert_id="a1", channel="hook", recipient="x", payload=b"", due_at=NOW, created_at=NOW,
    state=DeliveryState.SENDING, lease="mine", claims=1,
)  # fmt: skip
HEALTHY = Endpoint(channel="hook")
OPEN = Endpoint(channel="hook", failures=5, failing_since=NOW, open=True, paused_until=NOW, reason="answered 500")
SOON, MINUTE, DAY = timedelta(seconds=5), timedelta(minutes=1), timedelta(days=1)

FAILED = Retry(reason="server_error", detail="answered 500", status=500)
UNHEARD = Retry(reason=UNREACHABLE, detail="refused")
UNCLEAR = Ambiguous(reason="no_answer", detail="no answer came")
POISON = BadMessage(reason="refused", detail="answered 422", status=422)
WRONG = BadEndpoint(reason="unauthorized", detail="answered 401", status=401)
DONE = Delivered(detail="answered 204", status=204, remote_ref="r")


def settle(
    outcome: Outcome, row: Delivery = ROW, endpoint: Endpoint = HEALTHY, *, now: datetime = NOW, jitter: float = 0.5
) -> tuple[Delivery, Endpoint]:
    return after(outcome, row, endpoint, HTTP_SCHEDULE, now, jitter)


def test_the_schedules_span_what_the_reference_says() -> None:
    assert sum(HTTP_SCHEDULE, timedelta()) == timedelta(hours=70, minutes=42, seconds=35)
    assert len(HTTP_SCHEDULE) == 11
    assert timedelta(days=4) <= sum(MAIL_SCHEDULE, timedelta()) <= timedelta(days=5)
    assert len(MAIL_SCHEDULE) == 12


def test_a_delivered_row_is_done_and_its_endpoint_healthy() -> None:
    row, endpoint = settle(DONE, endpoint=OPEN)
    assert (row.state, row.reason, row.finished_at, row.remote_ref) == (
        DeliveryState.DELIVERED,
        "answered 204",
        NOW,
        "r",
    )
    assert row.lease is None
    assert endpoint == replace(HEALTHY, last_success_at=NOW)


@pytest.mark.parametrize(("jitter", "factor"), [(0.0, 0.8), (0.5, 1.0), (1.0, 1.2)])
@pytest.mark.parametrize("failures", range(len(HTTP_SCHEDULE)))
def test_a_failure_waits_as_the_schedule_says_give_or_take_a_fifth(failures: int, jitter: float, factor: float) -> None:
    row, _ = settle(FAILED, replace(ROW, failures=failures), jitter=jitter)
    assert row.failures == failures + 1
    assert row.state is DeliveryState.PENDING
    assert row.due_at - NOW == HTTP_SCHEDULE[failures] * factor
    assert row.reason == "answered 500"


def test_the_first_retry_of_a_mail_leaves_a_greylist_its_minute() -> None:
    row, _ = after(FAILED, ROW, HEALTHY, MAIL_SCHEDULE, NOW, 0.0)
    assert row.due_at - NOW >= MINUTE


@pytest.mark.parametrize("outcome", [FAILED, UNCLEAR])
def test_a_row_that_used_up_its_attempts_is_dead_with_the_reason(outcome: Outcome) -> None:
    row, _ = settle(outcome, replace(ROW, failures=len(HTTP_SCHEDULE)))
    assert row.state is DeliveryState.DEAD
    assert row.reason is not None
    assert row.reason.startswith("gave up after 12 attempts: ")
    assert outcome.detail in row.reason
    assert row.finished_at == NOW


def test_an_ambiguous_attempt_says_possibly_delivered_and_counts_even_while_the_breaker_is_open() -> None:
    row, _ = settle(UNCLEAR, endpoint=OPEN)
    assert row.failures == 1
    assert row.reason == "possibly delivered: no answer came"


@pytest.mark.parametrize(("outcome", "endpoint"), [(UNHEARD, HEALTHY), (UNHEARD, OPEN), (FAILED, OPEN)])
def test_what_never_arrived_burns_no_attempt(outcome: Outcome, endpoint: Endpoint) -> None:
    row, _ = settle(outcome, replace(ROW, failures=11), endpoint)
    assert (row.failures, row.state) == (11, DeliveryState.PENDING)


def test_five_failures_in_a_row_open_the_breaker_and_a_success_closes_it() -> None:
    endpoint = HEALTHY
    for count in range(1, 6):
        _, endpoint = settle(FAILED, endpoint=endpoint, now=NOW + count * MINUTE)
        assert endpoint.failures == count
        assert endpoint.open is (count == 5)
    assert endpoint.failing_since == NOW + MINUTE
    assert endpoint.paused_until is not None
    _, endpoint = settle(DONE, endpoint=endpoint, now=NOW + DAY)
    assert (endpoint.open, endpoint.failures, endpoint.paused_until) == (False, 0, None)


def test_probes_grow_apart_to_ten_minutes_and_no_further() -> None:
    endpoint, now, waits = replace(HEALTHY, failures=4), NOW, []
    for _ in range(8):
        row, endpoint = settle(FAILED, endpoint=endpoint, now=now)
        assert endpoint.paused_until is not None
        assert row.due_at >= endpoint.paused_until
        waits.append(endpoint.paused_until - now)
        now = endpoint.paused_until
    assert waits[0] == SOON
    assert waits == sorted(waits)
    assert waits[-1] == retry.PROBE_LONGEST


def test_once_the_breaker_is_open_a_row_waits_no_longer_than_a_probe_unless_it_may_have_arrived() -> None:
    often = replace(ROW, failures=9)
    opening = replace(HEALTHY, failures=4)
    assert settle(FAILED, often, opening)[0].due_at - NOW == retry.PROBE_LONGEST
    assert settle(UNCLEAR, often, opening)[0].due_at - NOW == HTTP_SCHEDULE[9]


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        (timedelta(seconds=7), timedelta(seconds=7)),
        (timedelta(seconds=0.376), SOON),
        (timedelta(days=10), DAY),
        (timedelta(0), SOON),
        (None, SOON),
    ],
)
def test_a_throttled_endpoint_pauses_as_asked_and_no_attempt_is_burned(
    asked: timedelta | None, wait: timedelta
) -> None:
    row, endpoint = settle(Throttled(reason="throttled", detail="answered 429", status=429, retry_after=asked))
    assert endpoint.paused_until == NOW + wait == row.due_at
    assert (row.failures, row.state, endpoint.failures, endpoint.open) == (0, DeliveryState.PENDING, 0, False)


def test_being_throttled_without_a_word_of_when_waits_longer_each_time() -> None:
    outcome = Throttled(reason="throttled", detail="answered 429")
    waits = [settle(outcome, replace(ROW, claims=claims))[0].due_at - NOW for claims in (1, 2, 3, 9)]
    assert waits == [SOON, timedelta(seconds=30), timedelta(minutes=2), retry.PROBE_LONGEST]


def test_a_pause_is_never_shortened_by_another_answer() -> None:
    paused = replace(HEALTHY, paused_until=NOW + DAY)
    for outcome in (DONE, FAILED, Throttled(reason="throttled", detail="", retry_after=SOON)):
        assert settle(outcome, endpoint=paused)[1].paused_until == NOW + DAY


def test_a_poison_message_is_dead_at_once_and_the_next_is_tried() -> None:
    row, endpoint = settle(POISON)
    assert (row.state, row.reason) == (DeliveryState.DEAD, "refused: answered 422")
    assert allowance(endpoint, free=4, in_flight=0, now=NOW) == 4


def test_a_receiver_that_refuses_everything_is_broken_itself_and_rows_are_kept() -> None:
    endpoint, states = HEALTHY, []
    for _ in range(7):
        row, endpoint = settle(POISON, endpoint=endpoint)
        states.append(row.state)
    assert states == [DeliveryState.DEAD] * 5 + [DeliveryState.PENDING] * 2
    assert endpoint.open


def test_a_wrong_endpoint_opens_the_breaker_at_once_and_is_tried_slowly() -> None:
    row, endpoint = settle(WRONG, jitter=0.0)
    assert (row.state, row.failures) == (DeliveryState.PENDING, 0)
    assert endpoint.open
    assert endpoint.paused_until is not None
    assert endpoint.paused_until - NOW >= timedelta(minutes=10)
    assert row.due_at == endpoint.paused_until
    _, later = settle(WRONG, endpoint=replace(endpoint, failures=50), jitter=1.0)
    assert later.paused_until is not None
    assert later.paused_until - NOW <= timedelta(hours=1, minutes=12)


def test_a_receiver_that_is_gone_is_switched_off_and_its_waiting_rows_end() -> None:
    row, endpoint = settle(Gone(reason="gone", detail="answered 410", status=410, endpoint=True))
    assert (row.state, row.reason, endpoint.gone) == (DeliveryState.DEAD, "gone: answered 410", True)
    assert allowance(endpoint, free=3, in_flight=0, now=NOW) == 3
    waiting = doomed(ROW, endpoint, NOW)
    assert waiting is not None
    assert (waiting.state, waiting.reason) == (DeliveryState.DEAD, "the receiver is gone: answered 410")


def test_a_recipient_that_is_gone_says_nothing_against_the_way_there() -> None:
    row, endpoint = settle(Gone(reason="no_such_recipient", detail="550 5.1.1", status=550), endpoint=OPEN)
    assert row.state is DeliveryState.DEAD
    assert not endpoint.open
    assert not endpoint.gone


def test_a_recipient_whom_we_removed_ourselves_says_nothing_about_the_way_there() -> None:
    assert settle(Gone(reason="recipient_removed", detail=""), endpoint=OPEN)[1] == OPEN


@pytest.mark.parametrize("outcome", [FAILED, UNHEARD, WRONG, Throttled(reason="throttled", detail="429")])
def test_no_row_waits_longer_than_two_weeks(outcome: Outcome) -> None:
    row, _ = settle(outcome, endpoint=OPEN, now=NOW + timedelta(days=14, seconds=1))
    assert row.state is DeliveryState.DEAD
    assert row.reason is not None
    assert row.reason.startswith("not delivered within 14 days: ")
    kept, _ = settle(outcome, endpoint=OPEN, now=NOW + timedelta(days=13))
    assert kept.state is DeliveryState.PENDING


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (replace(ROW, claims=5), None),
        (replace(ROW, claims=6), "sending it ended the process 5 times"),
        (replace(ROW, claims=6, reason="answered 500"), None),
        (replace(ROW, created_at=NOW - timedelta(days=15)), "not delivered within 14 days: it was never tried"),
    ],
)
def test_a_claimed_row_is_ended_unsent_only_for_a_reason(row: Delivery, reason: str | None) -> None:
    ended = doomed(row, HEALTHY, NOW)
    assert (ended.reason if ended else None) == reason


@pytest.mark.parametrize(
    ("endpoint", "in_flight", "allowed"),
    [
        (HEALTHY, 2, 3),
        (replace(HEALTHY, paused_until=NOW + SOON), 0, 0),
        (replace(HEALTHY, paused_until=NOW), 0, 3),
        (OPEN, 0, 1),
        (OPEN, 1, 0),
        (replace(OPEN, paused_until=NOW + SOON), 0, 0),
    ],
)
def test_how_many_rows_may_be_claimed_follows_the_endpoints_health(
    endpoint: Endpoint, in_flight: int, allowed: int
) -> None:
    assert allowance(endpoint, free=3, in_flight=in_flight, now=NOW) == allowed


def test_the_operator_hears_when_a_channel_fails_works_again_or_is_gone_and_nothing_else() -> None:
    gone = replace(OPEN, gone=True)
    assert news(HEALTHY, replace(HEALTHY, failures=1)) is None
    assert news(OPEN, replace(OPEN, failures=6)) is None
    assert news(HEALTHY, OPEN) == "Channel hook fails, alerts wait: answered 500"
    assert news(OPEN, HEALTHY) == "Channel hook works again."
    assert news(HEALTHY, gone) == "Channel hook is switched off, its receiver is gone: answered 500"


def test_a_server_down_for_a_day_loses_no_row_and_is_not_hammered() -> None:
    endpoint, rows, attempts, now = HEALTHY, [replace(ROW, id=f"d{n}") for n in range(50)], 0, NOW
    while now < NOW + DAY:
        due = sorted((row for row in rows if row.due_at <= now), key=lambda row: row.due_at)
        for row in due[: allowance(endpoint, free=4, in_flight=0, now=now)]:
            attempts += 1
            rows[rows.index(row)], endpoint = after(UNHEARD, row, endpoint, HTTP_SCHEDULE, now, 0.5)
        now = max(now + timedelta(seconds=1), endpoint.paused_until or now)
    assert all(row.state is DeliveryState.PENDING and row.failures == 0 for row in rows)
    assert attempts < 200
    assert endpoint.paused_until is not None
    assert endpoint.paused_until - now <= retry.PROBE_LONGEST
