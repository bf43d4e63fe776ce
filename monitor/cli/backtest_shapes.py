"""What `monitor backtest --json` prints, a document a line: `{"report": ...}` for each report, `{"summary": ...}` at the end.

Keys are only ever added.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from monitor.cli import shapes
from monitor.cli.backtest_tally import EXAMPLES, Example, OfWatch, Tally, added, given_id, hits
from monitor.cli.lines import Notes
from monitor.cli.naming import Entities, named
from monitor.cli.words import outcome_words
from monitor.model import Alert, Listing
from monitor.pipeline.backtest import Verdict

SHOWN = 50
"""Sources and forms named for a watch, the most frequent ones."""
BAD_SHOWN = 100
"""Bad lines named."""


def report(verdict: Verdict, entity: Entities, other: Verdict | None = None) -> shapes.Shape:
    """Return what became of a report; `compare` is what the candidate would make of it."""
    stored = verdict.report
    shape = {
        "id": given_id(verdict),
        "line": verdict.intake.seq,
        "title": stored.title,
        "source": stored.source,
        "feed": stored.feed_id,
        "link": stored.link,
        "published": stored.published,
        "at": verdict.intake.seen_at,
        "language": stored.language,
        "change": verdict.change,
        "version": stored.version,
        "story": stored.story_id,
        "development": verdict.development,
        "matches": [shapes.match(match) for match in verdict.matches],
        **named(verdict.mentions, entity),
        "listings": [_listing(each) for each in verdict.listings],
        "alerted": bool(verdict.alerts),
        "alerts": [_alert(each) for each in verdict.alerts],
        "why": outcome_words(verdict.change, verdict.matches, verdict.listings, verdict.alerts),
    }
    return shape if other is None else {**shape, "compare": _compare(verdict, other)}


def summary(
    tally: Tally, span: tuple[datetime, datetime] | None, notes: Notes | None, *, compared: bool
) -> shapes.Shape:
    """Return the sums; `input` is there where lines were read, `compare` where there is a candidate."""
    shape: shapes.Shape = {
        "reports": tally.reports,
        "since": span[0] if span else None,
        "until": span[1] if span else None,
        "changes": _counts(tally.changes),
        "languages": _counts(tally.languages),
        "developments": _counts(tally.developments),
        "wanted": tally.wanted,
        "alerts": tally.alerts,
        "watches": [_watch(name, of, compared=compared) for name, of in tally.watches.items()],
    }
    if compared:
        shape["compare"] = {
            "alerts": tally.candidate_alerts,
            "added": sum(of.added for of in tally.watches.values()),
            "removed": sum(of.removed for of in tally.watches.values()),
        }
    return shape if notes is None else {**shape, "input": _input(notes)}


def _listing(listing: Listing) -> shapes.Shape:
    return {"watch": listing.match.watch, "route": listing.route, "disposition": listing.disposition}


def _alert(alert: Alert) -> shapes.Shape:
    return {
        "route": alert.route,
        "severity": alert.severity,
        "reason": alert.reason,
        "watches": [match.watch for match in alert.matches],
    }


def _compare(verdict: Verdict, other: Verdict) -> shapes.Shape:
    mine, theirs = hits(verdict), hits(other)
    return {
        "added": [shapes.match(theirs[name]) for name in added(mine, theirs)],
        "removed": [shapes.match(mine[name]) for name in added(theirs, mine)],
        "alerted": bool(other.alerts),
    }


def _watch(name: str, of: OfWatch, *, compared: bool) -> shapes.Shape:
    shape = {
        "watch": name,
        "reports": of.reports,
        "alerts": of.alerts,
        "days": {day.isoformat(): number for day, number in sorted(of.days.items())},
        "sources": _counts(of.sources, SHOWN),
        "forms": _counts(of.forms, SHOWN),
    }
    if not compared:
        return shape
    return {
        **shape,
        "added": of.added,
        "removed": of.removed,
        "added_examples": _examples(of.added_examples),
        "removed_examples": _examples(of.removed_examples),
    }


def _examples(found: Iterable[Example]) -> Sequence[shapes.Shape]:
    return [{"id": each.id, "title": each.title, "words": each.words} for each in found][:EXAMPLES]


def _input(notes: Notes) -> shapes.Shape:
    return {
        "lines": notes.lines,
        "bad": notes.bad,
        "bad_lines": [{"line": each.number, "why": each.why} for each in notes.named[:BAD_SHOWN]],
        "unknown_keys": dict(notes.unknown),
    }


def _counts(counter: Counter[Any], most: int | None = None) -> Mapping[str, int]:
    return {str(name): number for name, number in counter.most_common(most)}
