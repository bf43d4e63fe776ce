"""Fetching one feed once: our own redirect loop over the guarded client, one deadline for the whole chain.

What travels where: validators go to the URL that gave them and nowhere else; credentials go to the origin of the configured
address and nowhere else; no cookie, no referrer, nothing added to the address. A permanent redirect is followed and reported,
never learnt here: whether a feed moved is decided from many polls (pace.py).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import httpx

from monitor import __version__
from monitor.feeds.answers import failed, refused
from monitor.feeds.freshness import freshness, refreshed
from monitor.feeds.freshness import validators as validators_of
from monitor.model import FailureKind, Feed, Pace, PollFailure, Secret, Validators
from monitor.net.client import Answer, Http, NetFailure
from monitor.net.guard import check_url
from monitor.net.urls import basic, redact
from monitor.ports import Fetched, NotModified

DEADLINE = timedelta(seconds=30)
"""For one poll, all hops together (conformance case 81)."""

MAX_BODY = 15 * 1024 * 1024
"""Bytes of a document, as received and as decoded (conformance case 80)."""

MAX_REDIRECTS = 5

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, */*;q=0.1"
)

PERMANENT = frozenset({301, 308})
FOLLOWED = frozenset({301, 302, 303, 307, 308})

END_TAGS = (b"</rss>", b"</feed>", b"</rdf:rdf>")
"""A document without stated length that ends like this is whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hop:
    """Where a poll stands: the address to ask next and what the way there was like."""

    url: httpx.URL
    visited: frozenset[str] = frozenset()
    permanent: bool = True
    """Only permanent redirects so far."""
    permanent_target: str | None = None

    @property
    def moved_to(self) -> str | None:
        """Where the redirects led, None when there were none."""
        return str(self.url) if self.visited else None


class HttpFetcher:
    """`ports.Fetcher` over HTTP. `contact` (a URL or mail address) and `version` are how publishers know us."""

    def __init__(
        self,
        http: Http,
        *,
        contact: str | None = None,
        version: str = __version__,
        deadline: timedelta = DEADLINE,
        max_body: int = MAX_BODY,
    ) -> None:
        self._http = http
        self._user_agent = f"situation-monitor/{version}" + (f" (+{contact})" if contact else "")
        self._deadline = deadline
        self._max_body = max_body
        self._undecodable: set[str] = set()

    async def fetch(self, feed: Feed, validators: Validators | None) -> Fetched | NotModified | PollFailure:
        """See `ports.Fetcher`. After content that could not be decoded, the next poll asks for plain bytes once."""
        plain = feed.id in self._undecodable
        self._undecodable.discard(feed.id)
        outcome = await self._follow(feed, validators, "identity" if plain else "gzip, deflate")
        if isinstance(outcome, PollFailure) and outcome.kind is FailureKind.BAD_ENCODING and not plain:
            self._undecodable.add(feed.id)
        return outcome

    async def _follow(
        self, feed: Feed, validators: Validators | None, codings: str
    ) -> Fetched | NotModified | PollFailure:
        start = _parsed(feed.url)
        sentence = check_url(feed.url)  # before any parser has made it look harmless
        if sentence is not None or start is None:
            return PollFailure(kind=FailureKind.BAD_URL, reason=sentence or "The address cannot be read as a URL.")
        credentials = feed.authorization or _userinfo(start)
        hop = _Hop(url=_bare(start))
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._deadline.total_seconds()
        while True:
            sent = validators if validators is not None and validators.url == str(hop.url) else None
            answer = await self._http.request(
                "GET",
                str(hop.url),
                headers=self._headers(feed, sent, credentials if _same_origin(hop.url, start) else None, codings),
                deadline=timedelta(seconds=max(ends - loop.time(), 0.001)),
                max_body=self._max_body,
                allow_networks=feed.allow_networks,
                proxy=feed.proxy,
            )
            if isinstance(answer, NetFailure):
                return refused(answer, hop.moved_to, self._deadline)
            if answer.status not in FOLLOWED or "location" not in answer.headers:
                return _conclude(answer, hop, sent)
            following = _next(answer, hop)
            if isinstance(following, PollFailure):
                return following
            hop = following

    def _headers(
        self, feed: Feed, validators: Validators | None, credentials: Secret | None, codings: str
    ) -> list[tuple[str, str]]:
        """Return the request's headers: the same names in the same order for every poll."""
        lines = [
            ("User-Agent", feed.user_agent or self._user_agent),
            ("Accept", ACCEPT),
            ("Accept-Encoding", codings),
        ]
        if validators is not None and validators.etag is not None:
            lines.append(("If-None-Match", validators.etag))
        if validators is not None and validators.last_modified is not None:
            lines.append(("If-Modified-Since", validators.last_modified))
        if credentials is not None:
            lines.append(("Authorization", credentials.reveal()))
        return lines


def _conclude(answer: Answer, hop: _Hop, sent: Validators | None) -> Fetched | NotModified | PollFailure:
    """Return what the answer at the end of the chain means."""
    now = _received(answer)
    pace = Pace(max_age=freshness(answer.headers, now))
    if answer.status == HTTPStatus.NOT_MODIFIED and sent is not None:
        return NotModified(
            url=str(hop.url),
            validators=refreshed(sent, answer.headers),
            pace=pace,
            permanent_target=hop.permanent_target,
            date=answer.date,
        )
    failure = failed(answer, hop.moved_to, now)
    if failure is not None:
        return failure
    complete = answer.complete or answer.body[-512:].rstrip().lower().endswith(END_TAGS)
    return Fetched(
        url=str(hop.url),
        body=answer.body,
        content_type=answer.headers.get("content-type"),
        validators=validators_of(str(hop.url), answer.headers) if complete else None,
        pace=pace,
        permanent_target=hop.permanent_target,
        status=answer.status,
        date=answer.date,
        complete=complete,
    )


def _next(answer: Answer, hop: _Hop) -> _Hop | PollFailure:
    """Return the next hop of a redirect, or why it is not followed."""
    target = _target(hop.url, answer.headers.get_list("location"))
    sentence = _objection(hop, target, answer.status)
    waiting = failed(answer, hop.moved_to, _received(answer))
    if sentence is None and waiting is not None and waiting.retry_after:
        sentence = "The publisher asks to wait before its redirect is followed."
    if target is None or sentence is not None:
        return PollFailure(
            kind=FailureKind.REDIRECT,
            reason=sentence or "",
            status=answer.status,
            retry_after=waiting.retry_after if waiting else None,
            moved_to=str(target) if target is not None else hop.moved_to,
        )
    permanent = hop.permanent and answer.status in PERMANENT
    return replace(
        hop,
        url=target,
        visited=hop.visited | {str(hop.url)},
        permanent=permanent,
        permanent_target=str(target) if permanent else hop.permanent_target,
    )


def _received(answer: Answer) -> datetime:
    """Return the moment an answer's dates count from: its own `Date`, else that of receipt (RFC 9110 section 6.6.1)."""
    return answer.date or datetime.now(UTC)


def _objection(hop: _Hop, target: httpx.URL | None, status: int) -> str | None:
    """Return why a redirect is not followed, None when it is."""
    if target is None:
        return f"The server answers {status} with a target that cannot be followed."
    if str(target) in hop.visited or target == hop.url:
        return f"The redirects go in a circle at {redact(str(target))}."
    if len(hop.visited) >= MAX_REDIRECTS:
        return f"There are more than {MAX_REDIRECTS} redirects in a row."
    if hop.url.scheme == "https" and target.scheme == "http":
        return f"The redirect leads from https to unprotected http ({redact(str(target))})."
    return None


def _target(base: httpx.URL, locations: list[str]) -> httpx.URL | None:
    """Return where a Location leads, resolved against the address that gave it; None when it leads nowhere we go.

    Spaces and raw UTF-8, which servers do send, are accepted; several different targets, backslashes, control characters
    and other schemes than http and https are not.
    """
    if len(set(locations)) != 1:
        return None
    location = _utf8(locations[0].strip())
    if not location or "\\" in location or any(char < " " or "\x7f" <= char <= "\x9f" for char in location):
        return None
    try:
        target = base.join(location)
    except (httpx.InvalidURL, ValueError):
        return None
    return _bare(target) if target.scheme in {"http", "https"} and target.host else None


def _utf8(text: str) -> str:
    """Return a header value that was read as Latin-1 as the UTF-8 it may be."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _parsed(url: str) -> httpx.URL | None:
    try:
        return httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        return None


def _bare(url: httpx.URL) -> httpx.URL:
    """Return an address as it is asked for and remembered: without credentials and fragment."""
    return url.copy_with(userinfo=b"", fragment=None)


def _userinfo(url: httpx.URL) -> Secret | None:
    return Secret(basic(url.username, url.password)) if url.userinfo else None


def _same_origin(left: httpx.URL, right: httpx.URL) -> bool:
    return (left.scheme, left.host, left.port) == (right.scheme, right.host, right.port)
