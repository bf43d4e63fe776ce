"""What hubs ask of us and send us (WebSub sections 5.3 and 7), for the HTTP server to hand over.

The token in the address alone says which subscription is meant: never the document, never its Link headers (case 110). A push is
answered as soon as it is stored, before anything of it is read (case 108).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from http import HTTPStatus

import structlog

from monitor.errors import StoreError
from monitor.feeds import callbacks, leases, websub
from monitor.feeds.callbacks import GONE, NOT_FOUND, TAKEN, Reply, Signed
from monitor.model import Push, PushState, Subscription
from monitor.ports import Clock, Store
from monitor.service.pusher import Pusher
from monitor.service.subscriber import Subscriber
from monitor.service.together import Together

LATER = Reply(status=HTTPStatus.SERVICE_UNAVAILABLE)
"""Hubs send again what was not taken."""

log = structlog.get_logger("websub")


class Callback:
    """The subscriber's callback. Store trouble is answered with 503: nothing is taken that is not stored."""

    def __init__(self, *, subscriber: Subscriber, pusher: Pusher, store: Store, clock: Clock) -> None:
        self._subscriber, self._pusher, self._store, self._clock = subscriber, pusher, store, clock
        self._queue = Together(self._enqueue)

    def is_familiar(self, token: str) -> bool:
        """Tell whether a token is one of ours as far as memory knows; others may be asked for rarely."""
        return self._subscriber.is_familiar(token)

    async def verify(self, token: str, query: bytes) -> Reply:
        """Answer a verification request (cases 103 to 106)."""
        asked = callbacks.read_verification(query)
        if asked is None or not callbacks.is_token(token):
            return NOT_FOUND
        left = self._subscriber.leaving(token)
        if left is not None and asked.mode == "unsubscribe":
            return callbacks.verify_leaving(left, asked)
        now = self._clock.now()
        try:
            reply = await self._subscriber.change(
                token, lambda subscription: callbacks.verify(subscription, asked, now)
            )
        except StoreError as error:
            log.error("store unavailable, a verification was refused", error=str(error))
            return LATER
        return reply or NOT_FOUND

    async def find(self, token: str) -> Subscription | Reply:
        """Return the subscription a push is for, or the answer to one that is not wanted: asked before its body is read."""
        if not callbacks.is_token(token):
            return NOT_FOUND
        try:
            subscription = await self._subscriber.find(token)
        except StoreError as error:
            log.error("store unavailable, a push was refused", error=str(error))
            return LATER
        if subscription is None:
            return GONE if self._subscriber.leaving(token) else NOT_FOUND
        if subscription.state is PushState.PENDING:
            return NOT_FOUND
        if not leases.takes_pushes(subscription, self._clock.now()):
            return GONE
        return subscription if self._pusher.has_room(subscription.feed_id) else LATER

    async def receive(
        self, subscription: Subscription, *, content_type: str | None, signatures: Sequence[str], body: bytes
    ) -> Reply:
        """Take a push: stored when it is signed as agreed, else counted and ignored (case 109); the hub is told the same."""
        push = Push(
            feed_id=subscription.feed_id,
            token=subscription.token,
            received_at=self._clock.now(),
            content_type=content_type,
            body=body,
        )
        signed = Signed.WELL  # where nothing was agreed
        if subscription.secret is not None:
            signed = await asyncio.to_thread(callbacks.check_signature, subscription.secret, signatures, body)
        try:
            if signed is Signed.NOT:
                log.warning("push ignored, its signature is missing or wrong", feed=push.feed_id)
                await asyncio.to_thread(self._store.count_rejected, push.token)
                return TAKEN
            await self._queue.put(push)
            self._pusher.arrived(push.feed_id)
            if signed is Signed.WEAKLY and subscription.note is None:
                await self._subscriber.note(subscription.token, websub.WEAK_SIGNATURE)
        except StoreError as error:
            log.error("store unavailable, a push was refused", feed=push.feed_id, error=str(error))
            return LATER
        return TAKEN

    def _enqueue(self, pushes: Sequence[Push]) -> list[None]:
        self._store.enqueue_pushes(pushes)
        return [None] * len(pushes)
