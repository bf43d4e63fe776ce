"""The rules of WebSub, without a hub: what is asked, what is confirmed, what a signature is worth, what is due."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.feeds import callbacks, leases, websub
from monitor.feeds.callbacks import Signed
from monitor.feeds.leases import Begin, Repeat
from monitor.model import PushState, Secret, Subscription

NOW = datetime(2022, 1, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
HUB, TOPIC = "https://hub.example/", "https://paper.example/feed"
RANDOM = bytes(range(64))
SECRET = Secret("s3cret")


def pending(**fields):
    new = websub.asking(websub.pending("paper", HUB, TOPIC, now=NOW, random=RANDOM, held=None), NOW)
    return replace(new, **fields)


def active(**fields):
    known = {
        "state": PushState.ACTIVE,
        "attempts": 0,
        "verified_at": NOW,
        "lease_until": NOW + 10 * DAY,
        "next_at": NOW + 6 * DAY,
    }
    return pending(**(known | fields))


def query(**fields):
    return urlencode({f"hub.{name}": value for name, value in fields.items()}).encode()


def verify(subscription, now=NOW, **fields):
    known = {"mode": "subscribe", "topic": TOPIC, "challenge": "abc", "lease_seconds": "864000"}
    asked = callbacks.read_verification(query(**(known | fields)))
    return callbacks.verify(subscription, asked, now)


# --- asking -----------------------------------------------------------------------------------------------------------


def test_102_a_callback_is_https_and_holds_256_random_bits_and_the_secret_other_ones():
    subscription = pending()
    url = websub.callback_url("https://monitor.example/in/", subscription.token)
    assert url == f"https://monitor.example/in/websub/{subscription.token}"
    assert len(subscription.token) == 43
    assert callbacks.is_token(subscription.token)
    assert subscription.secret.reveal() == RANDOM[32:].hex()
    assert len(subscription.secret.reveal().encode()) < 200


def test_too_few_random_bytes_make_no_token():
    with pytest.raises(ValueError, match="32"):
        websub.make_token(b"short")


@pytest.mark.parametrize("text", ["", "a" * 42, "a" * 44, "a" * 42 + "/", "а" * 43, "a" * 43 + "\n"])
def test_what_has_not_the_form_of_a_token_is_none(text):
    assert not callbacks.is_token(text)


def test_a_secret_goes_to_https_hubs_only():
    plain = websub.pending("paper", "http://hub.example/", TOPIC, now=NOW, random=RANDOM, held=None)
    assert plain.secret is None
    assert plain.note == websub.UNSIGNED
    assert b"secret" not in websub.form("subscribe", plain, public_url="https://m.example")


def test_the_form_is_what_section_5_1_asks_for():
    sent = parse_qs(websub.form("subscribe", pending(), public_url="https://m.example").decode())
    assert sent == {
        "hub.mode": ["subscribe"],
        "hub.topic": [TOPIC],
        "hub.callback": [f"https://m.example/websub/{pending().token}"],
        "hub.lease_seconds": ["864000"],
        "hub.secret": [RANDOM[32:].hex()],
    }
    left = parse_qs(websub.form("unsubscribe", pending(), public_url="https://m.example").decode())
    assert sorted(left) == ["hub.callback", "hub.mode", "hub.topic"]


@pytest.mark.parametrize(
    ("hub", "status", "location", "target"),
    [
        (HUB, 307, "/other", "https://hub.example/other"),
        (HUB, 308, "https://b.example/h", "https://b.example/h"),
        ("http://hub.example/", 307, "https://b.example/h", "https://b.example/h"),
        (HUB, 307, "http://hub.example/", None),
        (HUB, 301, "/other", None),
        (HUB, 302, "/other", None),
        (HUB, 303, "/other", None),
        (HUB, 307, None, None),
        (HUB, 307, "ftp://hub.example/", None),
        (HUB, 307, "https://[broken", None),
        (HUB, 202, "/other", None),
    ],
)
def test_101_only_307_and_308_send_the_post_on_and_never_from_https_to_http(hub, status, location, target):
    assert websub.redirected(hub, status, location) == target


def test_waits_between_requests_to_a_failing_hub_grow_to_a_bound():
    waits = [websub.wait_after(attempts, "t") for attempts in range(1, 40)]
    assert timedelta(minutes=1) <= waits[0] <= timedelta(seconds=75)
    assert waits == sorted(waits)
    assert 6 * HOUR <= waits[-1] <= 7.5 * HOUR


def test_a_failed_request_is_repeated_after_the_wait_that_the_hub_asked_for():
    failed = websub.failed(pending(), "The hub answered 503.", NOW, asked_to_wait=2 * HOUR)
    assert (failed.next_at, failed.note, failed.state) == (NOW + 2 * HOUR, "The hub answered 503.", PushState.PENDING)


def test_an_answer_that_comes_after_the_verification_changes_nothing():
    assert websub.failed(active(), "late", NOW, asked_to_wait=None) == active()
    assert websub.accepted(active()) == active()


# --- what is due ------------------------------------------------------------------------------------------------------


def step(*subscriptions, hub=HUB, topic=TOPIC, now=NOW):
    return leases.next_step(subscriptions, hub, topic, now)


def test_a_feed_without_subscription_begins_one():
    assert step() == Begin(replaces=None)


def test_a_pending_subscription_is_asked_for_again_when_its_time_has_come():
    waiting = pending()
    assert step(waiting) is None
    assert step(waiting, now=waiting.next_at) == Repeat(subscription=waiting)


def test_107_a_living_subscription_is_renewed_by_a_new_one():
    living = active()
    assert step(living) is None
    assert step(living, now=NOW + 6 * DAY) == Begin(replaces=living)


def test_a_renewal_under_way_is_no_reason_for_another():
    assert step(active(token="old", next_at=None), pending(next_at=NOW + HOUR)) is None


def test_an_ended_lease_begins_anew():
    assert step(active(), now=NOW + 11 * DAY) == Begin(replaces=None)
    assert leases.over([active()], HUB, TOPIC, NOW + 11 * DAY) == (active(),)
    assert leases.over([active()], HUB, TOPIC, NOW) == ()


def test_a_refusal_rests_for_a_week():
    denied, _ = verify(active(), mode="denied")
    assert step(denied) is None
    assert step(denied, now=NOW + timedelta(days=7)) == Begin(replaces=None)


def test_another_hub_or_topic_begins_a_subscription_there_and_replaces_the_living_one():
    living = active()
    assert step(living, hub="https://b.example/", now=NOW + DAY) == Begin(replaces=living)
    assert step(living, topic="https://paper.example/atom", now=NOW + DAY) == Begin(replaces=living)
    assert leases.over([pending()], "https://b.example/", TOPIC, NOW) == (pending(),)


@pytest.mark.parametrize("state", PushState)
def test_a_feed_turns_to_another_hub_or_topic_once_a_day_whatever_became_of_the_last(state):
    last = pending(state=state)
    assert step(last, hub="https://b.example/", now=NOW + 23 * HOUR) is None
    assert step(last, topic="https://paper.example/atom", now=NOW - HOUR) is None
    assert step(last, hub="https://b.example/", now=NOW - DAY) == Begin(replaces=None) or state is PushState.ACTIVE


def test_a_feed_comes_back_to_the_hub_it_had_once_an_hour():
    ended = pending(state=PushState.ENDED)
    assert step(ended, now=NOW + 59 * timedelta(minutes=1)) is None
    assert step(ended, now=NOW + HOUR) == Begin(replaces=None)


# --- verification -----------------------------------------------------------------------------------------------------


def test_103_a_verification_of_what_was_asked_makes_it_active_and_echoes_the_challenge():
    confirmed, reply = verify(pending(), challenge="x+y/ж")
    assert (reply.status, reply.body) == (200, "x+y/ж".encode())
    assert confirmed.state is PushState.ACTIVE
    assert (confirmed.verified_at, confirmed.lease_until, confirmed.attempts) == (NOW, NOW + 10 * DAY, 0)


def test_a_verification_may_be_repeated_as_long_as_its_answer_may_have_been_lost():
    confirmed, _ = verify(pending())
    assert verify(confirmed, now=NOW + timedelta(minutes=9), lease_seconds="1") == (confirmed, callbacks.echo("abc"))
    assert verify(confirmed, now=NOW + timedelta(minutes=11)) == (confirmed, callbacks.NOT_FOUND)


@pytest.mark.parametrize(
    "fields",
    [
        {"topic": "https://other.example/feed"},
        {"topic": ""},
        {"topic": TOPIC + "/"},
        {"mode": "unsubscribe"},
        {"mode": ""},
        {"mode": "publish"},
        {"challenge": ""},
        {"challenge": "x" * 5000},
        {"mode": "denied", "topic": "https://other.example/feed"},
    ],
)
def test_104_and_106_what_was_not_asked_for_is_not_found_and_changes_nothing(fields):
    for subscription in (pending(), active(asked_at=NOW - DAY)):
        assert verify(subscription, **fields) == (subscription, callbacks.NOT_FOUND)


@pytest.mark.parametrize("state", [PushState.ENDED, PushState.DENIED])
def test_what_is_over_is_confirmed_by_nothing(state):
    ended = active(state=state)
    assert verify(ended) == (ended, callbacks.NOT_FOUND)
    assert verify(ended, mode="denied") == (ended, callbacks.NOT_FOUND)


@pytest.mark.parametrize(
    ("seconds", "lease"),
    [
        ("60", HOUR),
        ("0", HOUR),
        ("7200", 2 * HOUR),
        ("99999999999999999999999", 90 * DAY),
        ("-5", 10 * DAY),
        ("", 10 * DAY),
        ("1e9", 10 * DAY),
        ("٣٦٠٠", 10 * DAY),
    ],
)
def test_104_a_stated_lease_counts_within_an_hour_and_ninety_days(seconds, lease):
    confirmed, _ = verify(pending(), lease_seconds=seconds)
    assert confirmed.lease_until == NOW + lease


def test_104_a_forged_short_lease_takes_nothing_from_what_is_held():
    confirmed, _ = verify(pending(lease_until=NOW + 4 * DAY), lease_seconds="1")
    assert confirmed.lease_until == NOW + 4 * DAY


@given(st.binary(min_size=64, max_size=64), st.integers(0, 10**8))
def test_107_renewals_lie_between_half_and_four_fifths_of_the_lease(random, seconds):
    asked = websub.asking(websub.pending("paper", HUB, TOPIC, now=NOW, random=random, held=None), NOW)
    confirmed, _ = verify(asked, lease_seconds=str(seconds))
    lease = confirmed.lease_until - NOW
    assert 0.5 * lease <= confirmed.next_at - NOW <= 0.8 * lease


def test_105_a_refusal_marks_it_denied_with_what_the_hub_said():
    for subscription in (pending(), active()):
        denied, reply = verify(subscription, mode="denied", reason="not\x1b paid\n" + "x" * 1000)
        assert (denied.state, reply.status, reply.body) == (PushState.DENIED, 200, b"")
        assert "not" in denied.note
        assert len(denied.note) < 400
        assert "\n" not in denied.note


@pytest.mark.parametrize(
    "text",
    [
        b"&".join([b"a=b"] * 100),
        b"hub.mode=subscribe&hub.mode=unsubscribe",
        "hub.topic=ж".encode(),
    ],
)
def test_a_query_that_cannot_be_meant_is_none(text):
    assert callbacks.read_verification(text) is None


@given(st.binary(max_size=200))
def test_no_query_breaks_the_reading(text):
    asked = callbacks.read_verification(text)
    if asked is not None:
        callbacks.verify(pending(), asked, NOW)


def test_only_what_we_left_may_be_ended():
    leaving = active()
    asked = callbacks.read_verification(query(mode="unsubscribe", topic=TOPIC, challenge="bye"))
    assert callbacks.verify_leaving(leaving, asked).body == b"bye"
    for wrong in ({"mode": "subscribe"}, {"topic": "https://x.example/"}, {"challenge": ""}):
        assert callbacks.verify_leaving(leaving, replace(asked, **wrong)) == callbacks.NOT_FOUND


# --- pushes -----------------------------------------------------------------------------------------------------------


def signature(method, body=b"<rss/>", secret=b"s3cret"):
    return f"{method}={hmac.new(secret, body, method).hexdigest()}"


@pytest.mark.parametrize(
    ("lines", "worth"),
    [
        ([signature("sha256")], Signed.WELL),
        ([signature("sha384")], Signed.WELL),
        ([signature("sha512").upper()], Signed.WELL),
        ([signature("sha1")], Signed.WEAKLY),
        ([signature("md5")], Signed.NOT),
        ([f"sha3_256={hmac.new(b's3cret', b'<rss/>', hashlib.sha3_256).hexdigest()}"], Signed.NOT),
        ([signature("sha256", secret=b"other")], Signed.NOT),
        ([signature("sha256", body=b"<rss></rss>")], Signed.NOT),
        ([signature("sha256")[:-2]], Signed.NOT),
        (["sha256="], Signed.NOT),
        (["sha256"], Signed.NOT),
        (["sha256=žž"], Signed.NOT),
        ([signature("sha256").removeprefix("sha256=")], Signed.NOT),
        ([], Signed.NOT),
        ([signature("sha256"), signature("sha256")], Signed.NOT),
    ],
)
def test_109_the_signature_of_a_push(lines, worth):
    assert callbacks.check_signature(SECRET, lines, b"<rss/>") is worth


def test_pushes_count_until_the_lease_ends_also_after_a_newer_subscription():
    assert leases.takes_pushes(active(), NOW)
    assert leases.takes_pushes(active(state=PushState.ENDED), NOW)
    assert not leases.takes_pushes(active(), NOW + 10 * DAY)
    assert not leases.takes_pushes(active(state=PushState.DENIED), NOW)
    assert not leases.takes_pushes(pending(lease_until=NOW + DAY), NOW)


def test_secrets_stay_out_of_what_is_shown():
    assert RANDOM[32:].hex() not in repr(pending())
    assert isinstance(pending(), Subscription)
