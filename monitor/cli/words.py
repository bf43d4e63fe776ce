"""Named reasons and states as sentences for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from monitor.model import Alert, ChangeKind, Disposition, Listing, Match, Reason

DISPOSITIONS: Mapping[Disposition, str] = {
    Disposition.ALERTED: "alerted",
    Disposition.COPY: "its story was told before: listed there as one more source",
    Disposition.REVISED: "an edit of what was told before",
    Disposition.OLDER: "stored: older than the alert window when first seen",
    Disposition.BACKFILL: "found when the watch was new or changed: listed without an alert",
    Disposition.BELOW: "below the lowest severity of the route",
}

REASONS: Mapping[str, str] = {
    "new_story": "the first report of this story on this route",
    "newly_matched": "an edit of the report brought in a watched word",
    "watching": "a new feed was read for the first time",
    "operator": "the service has something to say about itself",
    "test": "somebody asked for a test",
}


def state_words(disposition: Disposition) -> str:
    """Return what became of a match, in words."""
    return DISPOSITIONS[disposition]


def reason_words(reason: str) -> str:
    """Return why an alert was made, in words; a reason that this version does not know as it is."""
    return REASONS.get(reason, reason)


def outcome_words(
    change: ChangeKind, matches: Sequence[Match], listings: Sequence[Listing], alerts: Sequence[Alert]
) -> str:
    """Return what became of a report and why, in a sentence: `desk: alerted, the first report of this story on this route`."""
    if change is ChangeKind.BURIED:
        return "known once and pruned since"
    if change is ChangeKind.SAME:
        return "known already, nothing of it is new"
    if not matches:
        return "no watch wants it"
    if not listings:
        return "wanted and listed before"
    reasons = {alert.route: alert.reason for alert in alerts}
    states = {listing.route: listing.disposition for listing in listings}
    return "; ".join(
        f"{route}: {state_words(state)}" + (f", {reason_words(reasons[route])}" if route in reasons else "")
        for route, state in states.items()
    )


def matched_words(reasons: Iterable[Reason]) -> str:
    """Return the words of a text that matched, with the keyword where it is written otherwise: `шеруге (шеру), акция`."""
    shown = {
        reason.surface.casefold(): reason.surface
        if reason.surface.casefold() == reason.keyword.casefold()
        else f"{reason.surface} ({reason.keyword})"
        for reason in reasons
    }
    return ", ".join(shown.values())


def reason_line(reason: Reason) -> str:
    """Return why a keyword counts as found: `митингующие for митинг (Russian ending), title 0-10`."""
    same = reason.surface.casefold() == reason.keyword.casefold()
    keyword = "" if same else f" for {reason.keyword}"
    rule = f" ({reason.rule})" if reason.rule else ""
    return f"{reason.surface}{keyword}{rule}, {reason.field} {reason.start}-{reason.end}"


def shown_address(url: str) -> str:
    """Return an address without the credentials that may stand in it."""
    scheme, mark, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{mark}{authority.rpartition('@')[2]}{slash}{path}"
