"""GDELT DOC 2.0 article lists (`mode=artlist&format=json`): what the world's press says, for outlets without any feed.

GDELT names articles, it has no text of them: url, title, the time it saw them, domain, language. Its JSON is not always JSON (escapes
that do not exist, control characters), and its refusals come as plain text with status 200; both are read for what they mean.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from monitor.feeds.entries import Body, Item
from monitor.feeds.limits import Limits
from monitor.feeds.reading import whole
from monitor.model import FailureKind, PollFailure
from monitor.ports import Head, ParsedFeed

TITLE = "GDELT"

HOST = "gdeltproject.org"

MAX_SENTENCE = 500
"""Characters of a refusal; longer texts are something else."""

LANGUAGES = {"english": "en", "russian": "ru", "kazakh": "kk"}
"""Names that GDELT uses, as tags; all others count as other languages."""

_ESCAPE = re.compile(r'\\(?:(["\\/bfnrt]|u[0-9a-fA-F]{4})|)')
"""A backslash with an escape that JSON knows, or alone."""

_REFUSAL = re.compile(
    r"(?P<throttled>please limit requests)|your (?:query|search)\b|the specified phrase\b|one or more of your keywords|"
    r"queries containing|parentheses may|timespan\b|invalid\b.{0,40}(?:country|language|mode|query|timespan|date)",
    re.IGNORECASE,
)
"""How GDELT's refusals begin."""


def read(text: str, url: str, limits: Limits) -> ParsedFeed | PollFailure | None:
    """Return an article list fetched from `url`, or why GDELT gave none; None when the text is neither.

    A search without results is `{}` or an empty list, which say nothing unless they come from GDELT.
    """
    if not text.startswith("{"):
        return _refused(text, url)
    data = _loads(text)
    if not isinstance(data, dict) or not _is_list(data, url):
        return None
    return whole(tuple(_items(data.get("articles") or ())), Head(title=TITLE), url=url, limits=limits)


def _loads(text: str) -> Any:
    """Return a JSON value; where escapes that JSON does not know break it, their backslashes are taken as they stand."""
    for attempt in (text, _ESCAPE.sub(lambda match: match[0] if match[1] else r"\\", text)):
        try:
            return json.loads(attempt, strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def _is_list(data: dict[str, Any], url: str) -> bool:
    """Tell GDELT's lists from those of other interfaces: each article has the time it was seen."""
    articles = data.get("articles", [])
    if not articles:
        return _is_gdelt(url)
    return isinstance(articles, list) and all(isinstance(each, dict) and "seendate" in each for each in articles)


def _items(articles: Iterable[dict[str, Any]]) -> Iterator[Item]:
    """Yield each address once: the list repeats articles that were seen again, and one that is repeated identifies nothing."""
    known: set[str] = set()
    for article in articles:
        address = _text(article, "url")
        if not address or address in known:
            continue
        known.add(address)
        yield Item(
            guid=address,
            links=tuple(link for link in (address, _text(article, "url_mobile")) if link),
            title=Body(value=_text(article, "title"), is_html=True),
            bodies=(),
            published=(_text(article, "seendate"),),
            language=_language(_text(article, "language")),
            source_name=_text(article, "domain") or None,
        )


def _language(name: str) -> str | None:
    return LANGUAGES.get(name.strip().lower(), "other") if name.strip() else None


def _refused(text: str, url: str) -> PollFailure | None:
    """Return GDELT's sentence as a failure. Elsewhere only its own wordings count: other sites send plain text too."""
    if len(text) > MAX_SENTENCE or "<" in text:
        return None
    sentence = _sentences(text)
    refusal = _REFUSAL.match(sentence)
    if refusal is None and not _is_gdelt(url):
        return None
    throttled = refusal is not None and refusal["throttled"] is not None
    return PollFailure(
        kind=FailureKind.THROTTLED if throttled else FailureKind.NOT_A_FEED,
        reason=f"GDELT answers: {sentence}",
        status=200,
    )


def _sentences(text: str) -> str:
    """Return the lines of a text as sentences on one line, each with its end."""
    lines = (
        " ".join("".join(char if char.isprintable() else " " for char in line).split()) for line in text.splitlines()
    )
    return " ".join(line if line.endswith((".", "!", "?")) else f"{line.rstrip(' ,;:')}." for line in lines if line)


def _is_gdelt(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == HOST or host.endswith("." + HOST)


def _text(article: dict[str, Any], key: str) -> str:
    value = article.get(key)
    return value.strip() if isinstance(value, str) else ""
