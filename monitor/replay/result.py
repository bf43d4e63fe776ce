"""What a replay hands back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from monitor.replay.figures import Summary

SENDER_SLOTS = 6
"""Messages that may be under way when the service is killed: the channels' concurrency, 2 of mail and 4 of the webhook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """The account, and what it took."""

    scenario: str
    title: str
    zone: str
    start: datetime
    end: datetime
    summary: Summary
    out: Path
    took: timedelta
    """Real time."""
    requests: int
    """Polls as the publishers counted them."""
    refused: int
    """Messages that the inbox did not take, because the scenario says so or because they were wrong."""
    kills: int
    starts: int
    orphans: int
    """Worker processes that outlived a killed service."""
    seed: int
    left_out: tuple[str, ...]

    @property
    def failed(self) -> bool:
        """Tell whether something was lost, garbled or told twice, or sent again beyond what kills excuse.

        A kill excuses at most one message per sender slot, with the same id.
        """
        counts = self.summary.counts
        told_twice = counts.repeated - counts.resent
        return bool(counts.lost or counts.garbled or told_twice or counts.resent > self.kills * SENDER_SLOTS)

    def as_json(self) -> dict[str, Any]:
        """Return the result as values for `json.dumps`: the shape is documented in config/scenarios/README.md."""
        run = {
            "scenario": self.scenario,
            "title": self.title,
            "from": self.start,
            "to": self.end,
            "seconds": round(self.took.total_seconds(), 3),
            "polls": self.requests,
            "refused": self.refused,
            "kills": self.kills,
            "starts": self.starts,
            "orphans": self.orphans,
            "seed": self.seed,
            "left_out_watches": self.left_out,
            "out": self.out,
            "failed": self.failed,
        }
        plain: dict[str, Any] = _plain({"run": run, **asdict(self.summary)})
        return plain


def _plain(value: Any) -> Any:
    """Return a value in JSON's types."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value
