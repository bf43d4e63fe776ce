"""Fetching one feed once: our own redirect loop over the guarded client, one deadline for the whole chain.

What travels where: validators go to the URL that gave them and nowhere else; credentials go to the origin of the configured
address and nowhere else; no cookie, no referrer, nothing added to the address. A permanent redirect is followed and reported,
never learnt here: whether a feed moved is decided from many polls (moved.py).
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from monitor import __version__
from monitor.feeds.addresses import Address, BadAddressError, read, target_of
from monitor.feeds.answers import failed, refused
from monitor.feeds.freshness import freshness, refreshed
from monitor.feeds.freshness import validators as validators_of
from monitor.feeds.links import Links, header_links
from monitor.model import FailureKind, Feed, Pace, PollFailure, Secret, Validators
from monitor.net.client import Answer, Http, NetFailure
from monitor.net.headers import Lines
from monitor.net.urls import redact
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

NO_CONTACT = "reads feeds; whoever runs it gave no contact"
"""What publishers read in place of an address (conformance case 2)."""

PERMANENT = frozenset({301, 308})
FOLLOWED = frozenset({301, 302, 303, 307, 308})

IM_USED = HTTPStatus.IM_USED
"""226: only what is new, for those who asked with `A-IM: feed` (RFC 3229 section 10.4.1; conformance case 96)."""

WHOLE = re.compile(
    rb"(?:</(?:[\w.-]{1,64}:)?(?:rss|feed|rdf|urlset|sitemapindex)\s*>\s*(?:<!--[^>]{0,300}-->\s*){0,3}|\}\s*)\Z",
    re.IGNORECASE,
)
"""How a document ends that is whole although its length was not stated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hop:
    """Where a poll stands: the address to ask next and what the way there was like."""

    address: Address
    visited: frozenset[str] = frozenset()
    permanent: bool = True
    """Only permanent redirects so far."""
    permanent_target: str | None = None

    @property
    def moved_to(self) -> str | None:
        """Where the redirects led, None when there were none."""
        return self.address.url if self.visited else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """What holds for all hops of one poll."""

    feed: Feed
    validators: Validators | None
    credentials: Secret | None
    home: tuple[str, str, int | None]
    """The origin that the credentials are for."""
    codings: str
    redirects: bool


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
        self._user_agent = f"situation-monitor/{version} ({f'+{contact}' if contact else NO_CONTACT})"
        self._deadline = deadline
        self._max_body = max_body
        self._undecodable: set[str] = set()

    async def fetch(
        self,
        feed: Feed,
        validators: Validators | None,
        *,
        address: str | None = None,
        redirects: bool = True,
    ) -> Fetched | NotModified | PollFailure:
        """See `ports.Fetcher`. After content that could not be decoded, the next poll asks for plain bytes once."""
        plain = feed.id in self._undecodable
        self._undecodable.discard(feed.id)
        try:
            home = read(feed.url)
            start = home if address is None else read(address)
        except BadAddressError as error:
            return PollFailure(kind=FailureKind.BAD_URL, reason=str(error))
        asking = _Asking(
            feed=feed,
            validators=validators,
            credentials=feed.authorization or home.credentials,
            home=home.origin,
            codings="identity" if plain else "gzip, deflate",
            redirects=redirects,
        )
        outcome = await self._follow(asking, _Hop(address=start))
        if isinstance(outcome, PollFailure) and outcome.kind is FailureKind.BAD_ENCODING and not plain:
            self._undecodable.add(feed.id)
        return outcome

    async def _follow(self, asking: _Asking, hop: _Hop) -> Fetched | NotModified | PollFailure:
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._deadline.total_seconds()
        while True:
            url, validators = hop.address.url, asking.validators
            sent = validators if validators is not None and validators.url == url else None
            answer = await self._http.request(
                "GET",
                url,
                headers=self._headers(asking, hop, sent),
                deadline=timedelta(seconds=max(ends - loop.time(), 0.001)),
                max_body=self._max_body,
                allow_networks=asking.feed.allow_networks,
                proxy=asking.feed.proxy,
            )
            if isinstance(answer, NetFailure):
                return refused(answer, hop.moved_to, self._deadline)
            if answer.status not in FOLLOWED or "location" not in answer.headers:
                return _conclude(answer, hop, sent)
            following = _next(answer, hop, redirects=asking.redirects)
            if isinstance(following, PollFailure):
                return following
            hop = following

    def _headers(self, asking: _Asking, hop: _Hop, validators: Validators | None) -> list[tuple[str, str]]:
        """Return the request's headers: the same names in the same order for every poll."""
        lines = [
            ("User-Agent", asking.feed.user_agent or self._user_agent),
            ("Accept", ACCEPT),
            ("Accept-Encoding", asking.codings),
        ]
        if validators is not None and validators.etag is not None:
            lines += (("If-None-Match", validators.etag), ("A-IM", "feed"))
        if validators is not None and validators.last_modified is not None:
            lines.append(("If-Modified-Since", validators.last_modified))
        if asking.credentials is not None and hop.address.origin == asking.home:
            lines.append(("Authorization", asking.credentials.reveal()))
        return lines


def _conclude(answer: Answer, hop: _Hop, sent: Validators | None) -> Fetched | NotModified | PollFailure:
    """Return what the answer at the end of the chain means."""
    now, url, lines = _received(answer), hop.address.url, answer.headers
    pace = Pace(max_age=freshness(lines, now))
    if answer.status == HTTPStatus.NOT_MODIFIED and sent is not None:
        return NotModified(
            url=url,
            validators=refreshed(sent, lines),
            pace=pace,
            permanent_target=hop.permanent_target,
            date=answer.date,
        )
    partial = _is_partial(answer.status, lines, sent)
    failure = None if partial else failed(answer, hop.moved_to, now)
    if failure is not None:
        return failure
    complete = answer.complete or WHOLE.search(answer.body[-512:]) is not None
    return Fetched(
        url=_base(lines, hop),
        body=answer.body,
        content_type=answer.headers.get("content-type"),
        validators=validators_of(url, lines) if complete else None,
        pace=pace,
        permanent_target=hop.permanent_target,
        status=answer.status,
        date=answer.date,
        complete=complete,
        partial=partial,
        links=_links(lines, url),
    )


def _is_partial(status: int, lines: Lines, sent: Validators | None) -> bool:
    """Tell whether an answer is the difference that was asked for; one that says 226 without it is a failure (case 75)."""
    if status != IM_USED or sent is None or sent.etag is None:
        return False
    used = ",".join(lines.get_list("im")).lower().split(",")
    return any(manipulation.partition(";")[0].strip() == "feed" for manipulation in used)


def _base(lines: Lines, hop: _Hop) -> str:
    """Return the address that a document's relative links belong to: its Content-Location, within the origin that says so (91)."""
    locations = lines.get_list("content-location")
    if not locations:
        return hop.address.url
    target = target_of(hop.address.url, locations)
    return target.url if target is not None and target.origin == hop.address.origin else hop.address.url


def _links(lines: Lines, url: str) -> Links:
    links = lines.get_list("link")
    return header_links(links, url) if links else {}


def _next(answer: Answer, hop: _Hop, *, redirects: bool) -> _Hop | PollFailure:
    """Return the next hop of a redirect, or why it is not followed."""
    target = target_of(hop.address.url, answer.headers.get_list("location"))
    sentence = _objection(hop, target, answer.status)
    waiting = failed(answer, hop.moved_to, _received(answer))
    if sentence is None and waiting is not None and waiting.retry_after:
        sentence = "The publisher asks to wait before its redirect is followed."
    if sentence is None and not redirects:
        sentence = "The server answers with a redirect."
    if target is None or sentence is not None:
        return PollFailure(
            kind=FailureKind.REDIRECT,
            reason=sentence or "",
            status=answer.status,
            retry_after=waiting.retry_after if waiting else None,
            moved_to=target.url if target is not None else hop.moved_to,
        )
    permanent = hop.permanent and answer.status in PERMANENT
    return replace(
        hop,
        address=target,
        visited=hop.visited | {hop.address.url},
        permanent=permanent,
        permanent_target=target.url if permanent else hop.permanent_target,
    )


def _received(answer: Answer) -> datetime:
    """Return the moment an answer's dates count from: its own `Date`, else that of receipt (RFC 9110 section 6.6.1)."""
    return answer.date or datetime.now(UTC)


def _objection(hop: _Hop, target: Address | None, status: int) -> str | None:
    """Return why a redirect is not followed, None when it is."""
    if target is None:
        return f"The server answers {status} with a target that cannot be followed."
    if target.url in hop.visited or target.url == hop.address.url:
        return f"The redirects go in a circle at {redact(target.url)}."
    if len(hop.visited) >= MAX_REDIRECTS:
        return f"There are more than {MAX_REDIRECTS} redirects in a row."
    if hop.address.origin[0] == "https" and target.origin[0] == "http":
        return f"The redirect leads from https to unprotected http ({redact(target.url)})."
    return None
