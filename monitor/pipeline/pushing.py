"""Push: one document that a hub sent, once. Parse ▶ what is new; commit A is the caller's, in a thread.

The same worker and limits as for a poll, and what a push does not show means nothing: hubs send the whole document or only what
is new (conformance case 111).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.feeds import gap, marks, pace
from monitor.model import Document, FailureKind, Feed, FeedState, Pace, PollFailure, Push, PushResult
from monitor.ports import Fetched, Lane, Parser

EMPTY = "The hub pushed a document without entries."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPush:
    """What a push brings, and a sentence where it brings nothing that can be read."""

    result: PushResult
    note: str | None = None
    failure: FailureKind | None = None


async def read_push(
    push: Push, feed: Feed, state: FeedState, *, topic: str, parser: Parser, now: datetime, suspect: bool = False
) -> ReadPush:
    """Return what a push brings to a feed as stored. Relative links belong to the topic; a `suspect` killed a worker lately."""
    fetched = Fetched(
        url=topic, body=push.body, content_type=push.content_type, validators=None, pace=Pace(), partial=True
    )
    parsed = await parser.parse(fetched, known=state.known, lane="suspect" if suspect else _lane(state))
    if isinstance(parsed, PollFailure):
        note = f"A push could not be read: {parsed.reason}"
        return ReadPush(result=PushResult(push=push), note=note, failure=parsed.kind)
    if not parsed.shown:
        return ReadPush(result=PushResult(push=push), note=EMPTY)
    before = marks.shown(state.known)
    new = {mark: entry for entry in parsed.entries if (mark := entry.fingerprint()) not in before}
    document = Document(
        url=topic, fetched_at=push.received_at, status=200, content_type=push.content_type, body=push.body
    )
    result = PushResult(
        push=push,
        entries=gap.oldest_first(list(new.values())),
        marks=parsed.marks,
        document=document if new else None,
        works=True,
        due_at=now + verifying(feed),
    )
    return ReadPush(result=result)


def verifying(feed: Feed) -> timedelta:
    """Return how often a feed is polled whose pushes work: to make sure, not to be first."""
    return max(feed.pace, pace.VERIFY)


def _lane(state: FeedState) -> Lane:
    if state.failure is not None and state.failure.kind is FailureKind.PARSER_KILLED:
        return "suspect"
    return "proven" if state.filled else "new"
