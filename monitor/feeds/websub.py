"""WebSub, the subscriber's half of it (W3C Recommendation of 2018): pure rules for what a hub is asked.

    look ──▶ ask the hub (form POST) ──202──▶ pending ──GET with a challenge──▶ active ──▶ pushes (POST) ──▶ lease ends
                                                                             └─ renewed at 50 to 80 % of the lease

What is asked when is in leases.py, what hubs ask and send to us in callbacks.py; service/ does both.

Problem: whoever can reach the callback can claim to be the hub. Choice: the address of a subscription is 256 random bits and says
alone which subscription is meant; a secret signs what comes from https hubs; a hub's word about its lease is bounded; and a feed
is polled slowly on (pace.py), so that nothing is lost where a hub is silent. Numbers are cases of the conformance list.

rssCloud (113) is left out: its pings are neither signed nor tied to an address of ours that nobody can guess, and publishers
that offer it offer WebSub as well.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Literal
from urllib.parse import urlencode, urljoin, urlsplit

from monitor.model import PushState, Secret, Subscription
from monitor.net.guard import check_url

LEASE = timedelta(days=10)
"""Asked for; what most hubs give."""

VERIFY_WAIT = timedelta(minutes=10)
"""How long a hub has to verify what it accepted, and may repeat a verification whose answer was lost."""

FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
"""Between requests to a hub that fails: doubled from the first to the longest."""

PATH = "/websub/"
"""Where callbacks live, below the public address."""

NOTE = 300
"""Characters of a note."""

RANDOM_BYTES = 32
"""Of a token and of a secret each: 256 bits, in hex well below the 200 bytes that section 5.1 allows a secret."""

WEAK_SIGNATURE = "The hub signs with SHA-1, which is weak."
UNSIGNED = "The hub has no https address, so its pushes are not signed."
UNVERIFIED = "The hub accepted the request but has not verified it."
"""Notes at a subscription."""

Mode = Literal["subscribe", "unsubscribe"]


def make_token(random: bytes) -> str:
    """Return the unguessable part of a callback address from `RANDOM_BYTES` random bytes: 43 characters."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"{RANDOM_BYTES} random bytes are needed")
    return base64.urlsafe_b64encode(random).rstrip(b"=").decode("ascii")


def make_secret(hub: str, random: bytes) -> Secret | None:
    """Return the secret for a hub from random bytes; None where it would travel in clear (section 8.2: https hubs only)."""
    return Secret(random.hex()) if _is_https(hub) else None


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
    return wait * (1 + share(token) / 4)


def share(token: str) -> float:
    """Return a number in [0, 1) that is always the same for a token."""
    return int.from_bytes(hashlib.blake2b(token.encode(), digest_size=6).digest()) / 2**48


def _is_https(url: str) -> bool:
    return urlsplit(url).scheme == "https"
