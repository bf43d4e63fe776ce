"""How a feed is asked this time: with which conditions, at which address, and who reads what comes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.feeds import moved, pace
from monitor.model import FailureKind, FeedState, Validators
from monitor.ports import Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a feed is asked this time."""

    validators: Validators | None
    address: str | None = None
    """The address to ask where it is not the configured one: the feed has moved."""
    audit: bool = False
    """The daily request without conditions, to the configured address, whose document is read whole."""
    lane: Lane = "new"

    @property
    def whole(self) -> bool:
        """The whole document is parsed, not only what is new in it."""
        return self.audit


def plan(state: FeedState, now: datetime) -> Plan:
    """Return how a feed is asked now."""
    audit = pace.wants_audit(state, now)
    killed = state.failure is not None and state.failure.kind is FailureKind.PARSER_KILLED
    return Plan(
        validators=None if audit else state.validators,
        address=None if audit else moved.direct_address(state),
        audit=audit,
        lane="suspect" if killed else "proven" if state.filled else "new",
    )
