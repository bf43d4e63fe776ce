"""feeds.yaml: the addresses that are watched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from monitor.language.text import fold
from monitor.model import Feed, Secret
from monitor.settings.document import Document
from monitor.settings.files import FeedRow, PollingRow
from monitor.settings.paces import check_feed, pacing
from monitor.settings.validate import Findings, validate

KEYS = ("feeds",)


def feeds(document: Document, findings: Findings, *, situation: str, polling: PollingRow) -> tuple[Feed, ...]:
    """Return the feeds, the disabled ones too; `polling` says what those that state no pace have."""
    rows = listed(document, "feeds", findings)
    for key, canonical in _UNIQUE.items():
        _report_doubles(document, rows, key, canonical, findings)
    made = []
    for number, raw in enumerate(rows):
        row = validate(FeedRow, document, ("feeds", number), raw, findings)
        if row:
            check_feed(document, findings, ("feeds", number), row, polling)
            made.append(_feed(row, situation, polling))
    return tuple(made)


def listed(document: Document, key: str, findings: Findings) -> list[Any]:
    """Return the rows of a file that is one list."""
    rows = document.data.get(key)
    if rows is None and key not in document.data:
        findings.add(document, (), f"`{key}` is missing", f"write `{key}:` and one `- ` for each below it")
    if rows is not None and not isinstance(rows, list):
        findings.add(document, (key,), f"`{key}` must be a list", "begin each row with `- `")
    return rows if isinstance(rows, list) else []


def address_key(url: str) -> str:
    """Return an address without what does not tell feeds apart: http or https, `www.`, a trailing slash."""
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").removeprefix("www.")
        port = f":{parts.port}" if parts.port not in {None, 80, 443} else ""
    except ValueError:
        return url
    return f"{host}{port}{parts.path.rstrip('/')}?{parts.query}"


_UNIQUE: Mapping[str, Callable[[str], str]] = {"id": str, "name": fold, "url": address_key}


def _report_doubles(
    document: Document, rows: list[Any], key: str, canonical: Callable[[str], str], findings: Findings
) -> None:
    first: dict[str, int] = {}
    for number, row in enumerate(rows):
        value = row.get(key) if isinstance(row, dict) else None
        if not isinstance(value, str) or not value.strip():
            continue
        earlier = first.setdefault(canonical(value.strip()), number)
        if earlier != number:
            line = document.line(("feeds", earlier, key))
            message = f"the {_CALLED[key]} `{value}` is taken by the feed in line {line}"
            findings.add(document, ("feeds", number, key), message, "give each feed its own")


_CALLED = {"id": "id", "name": "name", "url": "address"}


def _feed(row: FeedRow, situation: str, polling: PollingRow) -> Feed:
    spans = pacing(row, polling)
    return Feed(
        id=row.id,
        name=row.name,
        url=row.url,
        situation=situation,
        outlet=row.outlet or row.id,
        language=row.language,
        group=row.group,
        grade=row.grade,
        pace=spans.pace,
        floor=spans.floor,
        slowest=spans.slowest,
        cap=polling.cap,
        hints=polling.hints if row.hints is None else row.hints,
        user_agent=row.user_agent,
        authorization=Secret(row.authorization.get_secret_value()) if row.authorization else None,
        proxy=Secret(row.proxy.get_secret_value()) if row.proxy else None,
        allow_networks=row.allow_networks,
        enabled=row.enabled,
        reason=row.reason,
    )
