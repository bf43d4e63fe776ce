"""Asking a hub: one form POST through the guard, resent where a 307 or 308 points."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from monitor import __version__
from monitor.feeds import websub
from monitor.model import Feed, Subscription
from monitor.net.client import Answer, Http, NetFailure
from monitor.net.headers import retry_after
from monitor.net.urls import redact

DEADLINE = timedelta(seconds=15)
"""For one request; some hubs verify before they answer."""

MAX_ANSWER = 64 * 1024
"""Bytes; the reason of a refusal stands in the beginning."""

SHOWN = 120
"""Characters of a hub's refusal that are kept."""

REDIRECTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a hub did not take a request, and how long it asked to wait."""

    reason: str
    wait: timedelta | None = None


class Hubs:
    """The way to hubs. `contact` is how they know us, as publishers do."""

    def __init__(self, http: Http, *, public_url: str, contact: str | None) -> None:
        self._http, self._public_url = http, public_url
        self._user_agent = f"situation-monitor/{__version__}" + (f" (+{contact})" if contact else "")

    async def ask(self, mode: websub.Mode, subscription: Subscription, feed: Feed) -> Refusal | None:
        """Ask the hub of a subscription, with the feed's permissions; None when it took the request (any 2xx)."""
        body = websub.form(mode, subscription, public_url=self._public_url)
        hub = subscription.hub
        for _ in range(1 + REDIRECTS):
            answer = await self._http.request(
                "POST",
                hub,
                headers=[
                    ("User-Agent", feed.user_agent or self._user_agent),
                    ("Content-Type", "application/x-www-form-urlencoded"),
                ],
                content=body,
                deadline=DEADLINE,
                max_body=MAX_ANSWER,
                allow_networks=feed.allow_networks,
                proxy=feed.proxy,
                read="prefix",
            )
            if isinstance(answer, NetFailure):
                return Refusal(reason=f"The hub {redact(hub)} could not be asked: {answer.reason}")
            target = websub.redirected(hub, answer.status, answer.headers.get("location"))
            if target is None:
                return None if HTTPStatus(200) <= answer.status < HTTPStatus(300) else _refusal(hub, answer)
            hub = target
        return Refusal(reason=f"The hub {redact(subscription.hub)} redirects more than {REDIRECTS} times.")


def _refusal(hub: str, answer: Answer) -> Refusal:
    """Return what a refusal says, in printable words."""
    text = answer.body[: 4 * SHOWN].decode("utf-8", "replace")
    said = " ".join("".join(char if char.isprintable() else " " for char in text).split())[:SHOWN]
    wait = retry_after(answer.headers.get("retry-after"), answer.date or datetime.now(UTC))
    return Refusal(reason=f"The hub {redact(hub)} answered {answer.status}" + (f": {said}" if said else "."), wait=wait)
