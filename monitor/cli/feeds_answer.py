"""What trying a feed came to, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.text import Text

from monitor.alerts.feedtext import one_line
from monitor.cli import moments, output
from monitor.cli.feeds_advice import what_to_do
from monitor.cli.feeds_check import Check
from monitor.cli.words import shown_address
from monitor.feeds.health import recommended_pace
from monitor.model import Pace

if TYPE_CHECKING:
    from monitor.net.client import Answer

SHOWN = 10
"""Entries shown of a feed."""

HEADERS = (
    "date", "server", "content-type", "content-encoding", "etag", "last-modified", "cache-control", "expires", "age",
    "retry-after", "im", "content-location", "link", "location",
)  # fmt: skip
"""Lines of an answer that polling goes by, in the order they are shown."""

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HOURS = 24


def shape(check: Check, *, configured: bool) -> dict[str, Any]:
    """Return a check for `--json`; `configured`: of a feed in feeds.yaml."""
    fetched, parsed, failure, said = check.fetched, check.parsed, check.failure, check.said
    head = parsed.head if parsed else None
    hours, days = skips(said)
    return {
        "id": check.feed.id,
        "url": shown_address(check.feed.url),
        "usable": check.usable,
        "failure": failure.kind if failure else None,
        "reason": failure.reason if failure else None,
        "advice": what_to_do(failure.kind, configured=configured) if failure else None,
        "answered_by": shown_address(fetched.url) if fetched else None,
        "status": fetched.status if fetched else failure.status if failure else None,
        "content_type": fetched.content_type if fetched else None,
        "encoding": check.encoding,
        "bytes": len(fetched.body) if fetched else None,
        "etag": fetched.validators.etag if fetched and fetched.validators else None,
        "last_modified": fetched.validators.last_modified if fetched and fetched.validators else None,
        "max_age": said.max_age,
        "ttl": said.ttl,
        "period": said.period,
        "skip_hours": hours,
        "skip_days": days,
        "retry_after": failure.retry_after if failure else None,
        "pace": check.feed.pace,
        "recommended_pace": recommended(check),
        "again": check.again,
        "title": head.title if head else None,
        "language": head.language if head else None,
        "hubs": check.links.get("hub", ()),
        "topic": next(iter(check.links.get("self", ())), None),
        "archive": next(iter(check.links.get("prev-archive", ())), None),
        "next_page": next(iter(check.links.get("next", ())), None),
        "documents": [{"url": each.url, "changed": each.changed} for each in (parsed.more if parsed else ())],
        "entries": [
            {"title": entry.title, "link": entry.link, "published": entry.published, "updated": entry.updated}
            for entry in (parsed.entries if parsed else ())
        ],
        "warnings": check.warnings,
        "answers": [
            {"url": shown_address(url), "status": answer.status, "headers": dict(telling(answer))}
            for url, answer in check.answers
        ],
    }


def described(check: Check, zone: str, *, configured: bool) -> Iterable[RenderableType]:
    """Return a check for people; `configured`: of a feed in feeds.yaml."""
    failure, parsed = check.failure, check.parsed
    verdict = Text("It can be watched.", style="green") if check.usable else Text("It cannot be watched.", style="red")
    yield Text(one_line(title(check) or check.feed.name), style="bold")
    yield verdict
    if failure:
        yield Text(one_line(f"{failure.reason} {what_to_do(failure.kind, configured=configured)}"))
    yield output.facts(_facts(check, zone))
    for warning in check.warnings:
        yield Text(one_line(f"! {warning}"), style="yellow")
    for url, answer in check.answers:
        yield output.heading(f"{answer.status} {_phrase(answer.status)} from {shown_address(url)}")
        yield output.facts(telling(answer))
    if parsed and parsed.entries:
        rows = ((moments.short(entry.published, zone), entry.title) for entry in parsed.entries[:SHOWN])
        yield output.heading("Entries" if len(parsed.entries) <= SHOWN else f"The first {SHOWN} entries")
        yield output.table((f"published ({zone})", "headline"), rows, empty="")


def title(check: Check) -> str | None:
    """Return how the feed calls itself."""
    return (check.parsed.head.title or None) if check.parsed and check.parsed.head else None


def newest(check: Check) -> datetime | None:
    """Return when the newest entry was published, None where none says so."""
    entries = check.parsed.entries if check.parsed else ()
    return max((entry.published for entry in entries if entry.published), default=None)


def recommended(check: Check) -> timedelta | None:
    """Return how often this feed is best polled by what it shows and says, None where that cannot be told."""
    if check.parsed is None:
        return None
    return recommended_pace(check.parsed.entries, check.said, _answered_at(check))


def telling(answer: Answer) -> tuple[tuple[str, str], ...]:
    """Return the header lines of an answer that polling goes by."""
    return tuple((name, ", ".join(answer.headers.get_list(name))) for name in HEADERS if name in answer.headers)


def skips(said: Pace) -> tuple[list[int], list[str]]:
    """Return the hours (GMT) and the days at which a feed says that nothing comes."""
    hours = [hour for hour in range(HOURS) if said.skips >> hour & 1]
    return hours, [day for number, day in enumerate(DAYS) if said.skips >> HOURS + number & 1]


def _facts(check: Check, zone: str) -> Iterable[tuple[str, object]]:
    fetched, parsed, failure = check.fetched, check.parsed, check.failure
    recommendation = recommended(check)
    yield "address", shown_address(check.feed.url)
    yield "answered by", shown_address(fetched.url) if fetched and fetched.url != check.feed.url else None
    yield "status", fetched.status if fetched else failure.status if failure else None
    yield "asks to wait", moments.span(failure.retry_after) if failure and failure.retry_after else None
    yield "content type", (fetched.content_type or "none stated") if fetched else None
    yield "encoding", check.encoding
    yield "size", f"{len(fetched.body)} bytes" if fetched else None
    yield "validators", _validators(check) if fetched else None
    yield "asked again", check.again
    yield "stated pace", _stated(check.said) if fetched else None
    yield "polled every", moments.span(check.feed.pace) if parsed else None
    yield "recommended", f"every {moments.span(recommendation)}" if recommendation else None
    yield "pushes", ", ".join(map(shown_address, check.links.get("hub", ()))) or None
    yield "archive", next(iter(check.links.get("prev-archive", ())), None)
    yield "next page", next(iter(check.links.get("next", ())), None)
    yield "language", parsed.head.language if parsed and parsed.head else None
    yield "documents", f"{len(parsed.more)} listed, those that changed are read" if parsed and parsed.more else None
    yield "entries", len(parsed.entries) if parsed else None
    yield "newest", moments.full(newest(check), zone)


def _validators(check: Check) -> str:
    validators = check.fetched.validators if check.fetched else None
    if validators is None:
        return "none"
    given = (("ETag", validators.etag), ("Last-Modified", validators.last_modified))
    return ", ".join(f"{name} {value}" for name, value in given if value)


def _stated(said: Pace) -> str:
    hours, days = skips(said)
    spans = (("max-age", said.max_age), ("ttl", said.ttl), ("update period", said.period))
    parts = [f"{name} {moments.span(value)}" for name, value in spans if value]
    parts += [f"not at {', '.join(map(str, hours))} h GMT"] if hours else []
    parts += [f"not on {', '.join(days)}"] if days else []
    return ", ".join(parts) or "none"


def _answered_at(check: Check) -> datetime:
    """Return the moment that the feed's dates are compared with: the server's own, else ours."""
    return (check.fetched.date if check.fetched else None) or datetime.now(UTC)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
