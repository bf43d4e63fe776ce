"""WebSub, the subscriber's half of it (W3C Recommendation of 2018): pure rules; service/ asks hubs and is asked by them.

    look ──▶ ask the hub (form POST) ──202──▶ pending ──GET with a challenge──▶ active ──▶ pushes (POST) ──▶ lease ends
                                                                             └─ renewed at 50 to 80 % of the lease

Problem: whoever can reach the callback can claim to be the hub. Choice: the address of a subscription is 256 random bits and says
alone which subscription is meant; a secret signs what comes from https hubs; a hub's word about its lease is bounded; and a feed
is polled slowly on (pace.py), so that nothing is lost where a hub is silent. Numbers are cases of the conformance list.

rssCloud (113) is left out: its pings are neither signed nor tied to an address of ours that nobody can guess, and publishers
that offer it offer WebSub as well.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from http import HTTPStatus
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from monitor.model import PushState, Secret, Subscription
from monitor.net.guard import check_url

LEASE = timedelta(days=10)
"""Asked for; what most hubs give."""

SHORTEST_LEASE, LONGEST_LEASE = timedelta(hours=1), timedelta(days=90)
"""A hub's word about its lease counts within these: verification requests can be forged (case 104)."""

VERIFY_WAIT = timedelta(minutes=10)
"""How long a hub has to verify what it accepted, and may repeat a verification whose answer was lost."""

FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
"""Between requests to a hub that fails: doubled from the first to the longest."""

DENIED_WAIT = timedelta(days=7)
"""After a hub's refusal (case 105): publishers change their hubs' settings rarely."""

PATH = "/websub/"
"""Where callbacks live, below the public address."""

MAX_CHALLENGE = 4096
"""Characters of a challenge that are echoed."""

MAX_FIELDS = 32
"""Of a verification request; ours have five."""

NOTE = 300
"""Characters of a note."""

RANDOM_BYTES = 32
"""Of a token and of a secret each: 256 bits, in hex well below the 200 bytes that section 5.1 allows a secret."""

SIGNATURES: Mapping[str, str] = {"sha1": "sha1", "sha256": "sha256", "sha384": "sha384", "sha512": "sha512"}
"""Methods of `X-Hub-Signature` (section 7.1.1); any other makes a signature invalid (case 109)."""

WEAK_SIGNATURE = "The hub signs with SHA-1, which is weak."
UNSIGNED = "The hub has no https address, so its pushes are not signed."
UNVERIFIED = "The hub accepted the request but has not verified it."
"""Notes at a subscription."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")

Mode = Literal["subscribe", "unsubscribe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the callback answers."""

    status: HTTPStatus
    body: bytes = b""


NOT_FOUND = Reply(status=HTTPStatus.NOT_FOUND)
GONE = Reply(status=HTTPStatus.GONE)
TAKEN = Reply(status=HTTPStatus.ACCEPTED)


# --- asking the hub ---------------------------------------------------------------------------------------------------


def make_token(random: bytes) -> str:
    """Return the unguessable part of a callback address from `RANDOM_BYTES` random bytes: 43 characters."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"{RANDOM_BYTES} random bytes are needed")
    return base64.urlsafe_b64encode(random).rstrip(b"=").decode("ascii")


def make_secret(hub: str, random: bytes) -> Secret | None:
    """Return the secret for a hub from random bytes; None where it would travel in clear (section 8.2: https hubs only)."""
    return Secret(random.hex()) if _is_https(hub) else None


def is_token(text: str) -> bool:
    """Tell whether a text has the form of a token: all else needs no look-up."""
    return _TOKEN.fullmatch(text) is not None


def callback_url(public_url: str, token: str) -> str:
    """Return the address that the hub is given, below the address under which this service is reached from outside."""
    return f"{public_url.rstrip('/')}{PATH}{token}"


def form(mode: Mode, subscription: Subscription, *, public_url: str) -> bytes:
    """Return the body of a request to the hub (section 5.1)."""
    fields = {
        "hub.mode": mode,
        "hub.topic": subscription.topic,
        "hub.callback": callback_url(public_url, subscription.token),
    }
    if mode == "subscribe":
        fields["hub.lease_seconds"] = str(int(LEASE.total_seconds()))
        if subscription.secret is not None:
            fields["hub.secret"] = subscription.secret.reveal()
    return urlencode(fields).encode("ascii")


def redirected(hub: str, status: int, location: str | None) -> str | None:
    """Return where a hub's answer sends the same POST (307 and 308 only: case 101); None: nowhere that it may go.

    What was meant for an https hub never goes to http: the secret is in it.
    """
    if status not in {HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT} or not location:
        return None
    try:
        target = urljoin(hub, location)
    except ValueError:
        return None
    if check_url(target) or (_is_https(hub) and not _is_https(target)):
        return None
    return target


def pending(feed_id: str, hub: str, topic: str, *, now: datetime, random: bytes, held: datetime | None) -> Subscription:
    """Return a new subscription as it is stored before the hub is asked; half of `random` becomes its token, half its secret.

    `held` is the end of the lease that it renews: it will not end before that, whatever the hub says (case 104).
    """
    secret = make_secret(hub, random[RANDOM_BYTES:])
    return Subscription(
        token=make_token(random[:RANDOM_BYTES]),
        feed_id=feed_id,
        hub=hub,
        topic=topic,
        secret=secret,
        state=PushState.PENDING,
        asked_at=now,
        next_at=now + VERIFY_WAIT,
        lease_until=held,
        note=None if secret else UNSIGNED,
    )


def asking(subscription: Subscription, now: datetime) -> Subscription:
    """Return a pending subscription as it is stored before the hub is asked (again): until verified, it counts as failed."""
    attempts = subscription.attempts + 1
    wait = max(VERIFY_WAIT, wait_after(attempts, subscription.token))
    return replace(subscription, attempts=attempts, asked_at=now, next_at=now + wait)


def accepted(subscription: Subscription) -> Subscription:
    """Return the subscription after the hub said yes; unless it was verified already, it still waits for that (case 103)."""
    return replace(subscription, note=UNVERIFIED) if subscription.state is PushState.PENDING else subscription


def failed(subscription: Subscription, reason: str, now: datetime, *, asked_to_wait: timedelta | None) -> Subscription:
    """Return the subscription after a request that failed, unless the hub verified it all the same."""
    if subscription.state is not PushState.PENDING:
        return subscription
    wait = max(wait_after(subscription.attempts, subscription.token), asked_to_wait or timedelta(0))
    return replace(subscription, next_at=now + wait, note=reason[:NOTE])


def wait_after(attempts: int, token: str) -> timedelta:
    """Return how long to wait after so many failures in a row: doubling, up to a quarter more so that hubs see no bursts."""
    wait = min(FIRST_WAIT * (1 << min(max(attempts - 1, 0), 16)), LONGEST_WAIT)
    return wait * (1 + _share(token) / 4)


# --- what is to be done for a feed ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """Ask for a new subscription, in place of a living one or of none."""

    replaces: Subscription | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """Ask again for a pending one."""

    subscription: Subscription


def is_living(subscription: Subscription, now: datetime) -> bool:
    """Tell whether the hub pushes for it: verified, and the lease runs."""
    return subscription.state is PushState.ACTIVE and _runs(subscription, now)


def takes_pushes(subscription: Subscription, now: datetime) -> bool:
    """Tell whether a push for it is read: also after a newer one took its place, until its own lease ends."""
    return (
        subscription.verified_at is not None and subscription.state is not PushState.DENIED and _runs(subscription, now)
    )


def over(subscriptions: Iterable[Subscription], hub: str, topic: str, now: datetime) -> tuple[Subscription, ...]:
    """Return those that have ended and are not marked so yet: the lease is over, or the feed has another hub before the first answered."""
    return tuple(
        each
        for each in subscriptions
        if (each.state is PushState.ACTIVE and not _runs(each, now))
        or (each.state is PushState.PENDING and (each.hub, each.topic) != (hub, topic))
    )


def next_step(subscriptions: Sequence[Subscription], hub: str, topic: str, now: datetime) -> Begin | Repeat | None:
    """Return what a feed with this hub and topic needs now; `subscriptions` are all that is stored of it."""
    same = [each for each in subscriptions if (each.hub, each.topic) == (hub, topic)]
    waiting = next((each for each in same if each.state is PushState.PENDING), None)
    if waiting is not None:
        return Repeat(subscription=waiting) if _is_due(waiting, now) else None
    living = max((each for each in same if is_living(each, now)), key=_lease_end, default=None)
    if living is not None:
        return Begin(replaces=living) if _is_due(living, now) else None
    if any(each.state is PushState.DENIED and not _is_due(each, now) for each in same):
        return None
    return Begin(replaces=max((each for each in subscriptions if is_living(each, now)), key=_lease_end, default=None))


# --- being asked by the hub -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """A verification request as it was asked (section 5.3); absent fields are empty."""

    mode: str = ""
    topic: str = ""
    challenge: str = ""
    lease_seconds: str = ""
    reason: str = ""


def read_verification(query: bytes) -> Verification | None:
    """Return what the query of a GET to the callback asks; None for one that cannot be meant: too many fields, or one twice."""
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="surrogateescape"
        )
    except ValueError:
        return None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        return None
    return Verification(
        mode=fields.get("hub.mode", ""),
        topic=fields.get("hub.topic", ""),
        challenge=fields.get("hub.challenge", ""),
        lease_seconds=fields.get("hub.lease_seconds", ""),
        reason=fields.get("hub.reason", ""),
    )


def verify(subscription: Subscription, asked: Verification, now: datetime) -> tuple[Subscription, Reply]:
    """Return the subscription after a verification request for it, and the answer.

    Only what we asked for is confirmed: same topic, `subscribe`, pending (or just verified: the hub repeats what got no
    answer). A refusal may come at any time (section 5.2). All else changes nothing and is not found (cases 104, 106).
    """
    if asked.topic != subscription.topic:
        return subscription, NOT_FOUND
    if asked.mode == "denied":
        return _denied(subscription, asked.reason, now)
    if asked.mode != "subscribe" or not _is_challenge(asked.challenge):
        return subscription, NOT_FOUND
    if subscription.state is PushState.ACTIVE and now - subscription.asked_at <= VERIFY_WAIT:
        return subscription, echo(asked.challenge)
    if subscription.state is not PushState.PENDING:
        return subscription, NOT_FOUND
    return _confirmed(subscription, _lease(asked.lease_seconds), now), echo(asked.challenge)


def verify_leaving(subscription: Subscription, asked: Verification) -> Reply:
    """Return the answer to a verification for a subscription that we asked the hub to end."""
    if asked.mode != "unsubscribe" or asked.topic != subscription.topic or not _is_challenge(asked.challenge):
        return NOT_FOUND
    return echo(asked.challenge)


def echo(challenge: str) -> Reply:
    """Return the answer that confirms: exactly the challenge (section 5.3.1)."""
    return Reply(status=HTTPStatus.OK, body=challenge.encode("utf-8", "surrogateescape"))


def _confirmed(subscription: Subscription, lease: timedelta, now: datetime) -> Subscription:
    renewal = now + lease * (
        0.5 + 0.3 * _share(subscription.token)
    )  # spread, so that a hub is not asked for all at once
    return replace(
        subscription,
        state=PushState.ACTIVE,
        attempts=0,
        verified_at=now,
        lease_until=max(now + lease, subscription.lease_until or now),
        next_at=renewal,
        note=None if subscription.secret else UNSIGNED,
    )


def _denied(subscription: Subscription, reason: str, now: datetime) -> tuple[Subscription, Reply]:
    if subscription.state not in {PushState.PENDING, PushState.ACTIVE}:
        return subscription, NOT_FOUND
    said = " ".join(reason.encode("utf-8", "replace").decode().split())[:NOTE]
    note = f"The hub refused the subscription: {said}" if said else "The hub refused the subscription."
    denied = replace(subscription, state=PushState.DENIED, next_at=now + DENIED_WAIT, note=note)
    return denied, Reply(status=HTTPStatus.OK)


def _lease(seconds: str) -> timedelta:
    """Return the lease a hub states, within bounds; what we asked for where it states none."""
    if not (seconds.isascii() and seconds.isdecimal()):
        return LEASE
    whole = int(seconds[:12])  # beyond it is far above the longest anyway
    return min(max(timedelta(seconds=min(whole, 10**9)), SHORTEST_LEASE), LONGEST_LEASE)


def _is_challenge(text: str) -> bool:
    return 0 < len(text) <= MAX_CHALLENGE


# --- what the hub pushes ----------------------------------------------------------------------------------------------


class Signed(Enum):
    """What the signature of a push is worth."""

    WELL = "well"
    WEAKLY = "weakly"
    NOT = "not"


def check_signature(secret: Secret, signatures: Sequence[str], body: bytes) -> Signed:
    """Judge the `X-Hub-Signature` lines of a push over its bytes as received (section 7.1.2, case 109).

    Exactly one line counts; digests are compared in constant time.
    """
    if len(signatures) != 1:
        return Signed.NOT
    method, _, digest = signatures[0].strip().partition("=")
    name = SIGNATURES.get(method.lower())
    try:
        given = bytes.fromhex(digest)
    except ValueError:
        return Signed.NOT
    if name is None or not hmac.compare_digest(given, hmac.digest(secret.reveal().encode("utf-8"), body, name)):
        return Signed.NOT
    return Signed.WEAKLY if name == "sha1" else Signed.WELL


def _is_https(url: str) -> bool:
    return urlsplit(url).scheme == "https"


def _runs(subscription: Subscription, now: datetime) -> bool:
    return subscription.lease_until is not None and now < subscription.lease_until


def _lease_end(subscription: Subscription) -> datetime:
    assert subscription.lease_until is not None  # of living ones only
    return subscription.lease_until


def _is_due(subscription: Subscription, now: datetime) -> bool:
    return subscription.next_at is not None and subscription.next_at <= now


def _share(token: str) -> float:
    """Return a number in [0, 1) that is always the same for a token."""
    return int.from_bytes(hashlib.blake2b(token.encode(), digest_size=6).digest()) / 2**48
