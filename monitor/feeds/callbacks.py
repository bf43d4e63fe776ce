"""What hubs ask and send to a callback: verification requests (WebSub section 5.3) and signed pushes (section 7). Pure rules.

Whoever knows the address of a callback can send anything to it: only what we asked for is confirmed, and what is not signed as
agreed counts for nothing.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from http import HTTPStatus
from urllib.parse import parse_qsl

from monitor.feeds.websub import LEASE, NOTE, UNSIGNED, VERIFY_WAIT, share
from monitor.model import PushState, Secret, Subscription

SHORTEST_LEASE, LONGEST_LEASE = timedelta(hours=1), timedelta(days=90)
"""A hub's word about its lease counts within these: verification requests can be forged (case 104)."""

DENIED_WAIT = timedelta(days=7)
"""After a hub's refusal (case 105): publishers change their hubs' settings rarely."""

MAX_CHALLENGE = 4096
"""Characters of a challenge that are echoed."""

MAX_FIELDS = 32
"""Of a verification request; ours have five."""

SIGNATURES: Mapping[str, str] = {"sha1": "sha1", "sha256": "sha256", "sha384": "sha384", "sha512": "sha512"}
"""Methods of `X-Hub-Signature` (section 7.1.1); any other makes a signature invalid (case 109)."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the callback answers."""

    status: HTTPStatus
    body: bytes = b""


NOT_FOUND = Reply(status=HTTPStatus.NOT_FOUND)
GONE = Reply(status=HTTPStatus.GONE)
TAKEN = Reply(status=HTTPStatus.ACCEPTED)


def is_token(text: str) -> bool:
    """Tell whether a text has the form of a token: all else needs no look-up."""
    return _TOKEN.fullmatch(text) is not None


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
        0.5 + 0.3 * share(subscription.token)
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
