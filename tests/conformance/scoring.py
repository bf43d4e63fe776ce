"""What a publisher thinks of a poller: a log of requests, judged by what the server said before each of them.

In the spirit of Rachel Kroll's feed reader score. The judge knows nothing of the product: only offers (which feeds there are, how
often they may be asked), what was answered, and what somebody ordered (`poll-now`). `judge` is a pure
function, so that a bad log shows in the right column (test_scoring.py); publisher.py serves the offers, score.py watches a service.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

AUDIT = timedelta(hours=24)
"""One unconditional request in this time is tolerated."""

LONGEST = timedelta(hours=24)
"""Nobody has to wait longer than this, whatever is said."""

HOST_REST = timedelta(hours=1)
"""So long at most the neighbours of a feed that got a 429 have to wait."""

SPACING = timedelta(seconds=2)
"""Between two visits to one host (config of the run)."""

COLUMNS = (
    "unconditional",
    "validators",
    "early",
    "max-age",
    "retry-after",
    "cookies",
    "referrer",
    "query",
    "user agent",
    "foreign",
    "host",
)
LIBRARIES = ("python", "httpx", "aiohttp", "curl", "feedparser", "mozilla", "go-http")
REDIRECTS = frozenset({301, 302, 303, 307, 308})

Lines = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A feed as it is offered."""

    name: str
    url: str
    """As configured, query included."""
    pace: timedelta
    """What the configuration says: never faster."""
    least: timedelta = timedelta(0)
    """What the document itself asks for (ttl)."""
    credentials: str | None = None
    """The Authorization that belongs to the origin of `url`."""
    leads_to: tuple[str, ...] = ()
    """Addresses that it redirects to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and its answer, at the true time: whatever the poller's clock says."""

    at: datetime
    url: str
    """Scheme, host and port that were asked, with the target as it was sent."""
    headers: Lines
    status: int
    answered: Lines = ()

    def sent(self, name: str) -> str | None:
        """Return a header of the request."""
        return _value(self.headers, name)

    def given(self, name: str) -> str | None:
        """Return a header of the answer."""
        return _value(self.answered, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What somebody asked of the service: its next visit to these feeds need not keep pace and freshness (Retry-After it must)."""

    at: datetime
    feeds: frozenset[str]


@dataclass(slots=True)
class _Url:
    """What one address gave."""

    etag: str | None = None
    modified: str | None = None
    ever: set[str] = field(default_factory=set)
    bare_at: datetime | None = None
    """The last request without conditions."""


@dataclass(slots=True)
class _Feed:
    """The last visit to a feed, and how long it has to stay away since."""

    at: datetime | None = None
    last: Exchange | None = None
    fresh: timedelta = timedelta(0)
    rest: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What was counted, by feed; `visits` are the times a feed was asked, redirects followed counted in."""

    faults: Mapping[str, Counter[str]]
    found: Sequence[str]
    """Each of them in a line: when, which feed, which column."""
    visits: Counter[str]
    requests: int
    not_modified: int

    def total(self) -> int:
        """Return the sum of all faults."""
        return sum(counter.total() for counter in self.faults.values())

    def table(self) -> str:
        """Return the table, a feed a line."""
        wide = max(map(len, self.faults))
        head = f"{'':{wide}}  visits  " + "  ".join(COLUMNS)
        lines = [
            f"{name:{wide}}  {self.visits[name]:6}  "
            + "  ".join(f"{counter[column]:{len(column)}}" for column in COLUMNS)
            for name, counter in self.faults.items()
        ]
        sums = "  ".join(f"{sum(each[column] for each in self.faults.values()):{len(column)}}" for column in COLUMNS)
        return "\n".join([head, *lines, f"{'all':{wide}}  {self.visits.total():6}  {sums}"])


def judge(exchanges: Iterable[Exchange], offers: Sequence[Offer], orders: Sequence[Order] = ()) -> Score:
    """Return what a publisher has to complain about."""
    return _Judge(offers, orders).judge(exchanges)


class _Judge:
    def __init__(self, offers: Sequence[Offer], orders: Sequence[Order]) -> None:
        self._offers = {url: offer for offer in offers for url in (bare(offer.url), *map(bare, offer.leads_to))}
        self._targets = {bare(url): _target(url) for offer in offers for url in (offer.url, *offer.leads_to)}
        self._orders = [(order.at, name) for order in orders for name in order.feeds]
        self._found = list[str]()
        self._faults = {offer.name: Counter[str]() for offer in offers}
        self._visits, self._requests, self._not_modified = Counter[str](), 0, 0
        self._urls: dict[str, _Url] = {}
        self._feeds = {offer.name: _Feed() for offer in offers}
        self._host_at: dict[str, datetime] = {}
        self._host_rest: dict[str, tuple[datetime, datetime]] = {}
        self._agent: str | None = None

    def judge(self, exchanges: Iterable[Exchange]) -> Score:
        for exchange in exchanges:
            url = bare(exchange.url)
            offer = self._offers[url]
            self._requests += 1
            self._not_modified += exchange.status == 304
            faults = [*self._manners(exchange, offer), *self._conditions(exchange, url)]
            if not self._is_hop(exchange, offer):
                self._visits[offer.name] += 1
                faults += self._pace(exchange, offer)
            self._faults[offer.name].update(faults)
            self._found += (f"{exchange.at:%d %b %H:%M:%S.%f} {offer.name}: {column}" for column in faults)
            self._learn(exchange, offer, url)
        return Score(
            faults=self._faults,
            found=self._found,
            visits=self._visits,
            requests=self._requests,
            not_modified=self._not_modified,
        )

    def _is_hop(self, exchange: Exchange, offer: Offer) -> bool:
        """Tell whether a request only follows the redirect before it."""
        last = self._feeds[offer.name].last
        if last is None or last.status not in REDIRECTS or last.at != exchange.at:
            return False
        return urljoin(last.url, last.given("location") or "") == exchange.url

    # --- the request itself ---------------------------------------------------------------------------------------

    def _manners(self, exchange: Exchange, offer: Offer) -> list[str]:
        agent = exchange.sent("user-agent")
        self._agent = self._agent or agent
        nameless = not agent or agent.lower().startswith(LIBRARIES) or "+http" not in agent
        at_home = _origin(exchange.url) == _origin(offer.url)
        found = {
            "cookies": exchange.sent("cookie"),
            "referrer": exchange.sent("referer") or exchange.sent("origin"),
            "query": _target(exchange.url) != self._targets[bare(exchange.url)],
            "user agent": nameless or agent != self._agent,
            "foreign": (exchange.sent("authorization") or None)
            not in ({offer.credentials, None} if at_home else {None}),
        }
        return [column for column, is_fault in found.items() if is_fault]

    def _conditions(self, exchange: Exchange, url: str) -> list[str]:
        known = self._urls.setdefault(url, _Url())
        asked = (exchange.sent("if-none-match"), exchange.sent("if-modified-since"))
        if asked == (None, None):
            tolerated = known.bare_at is None or exchange.at - known.bare_at >= AUDIT
            known.bare_at = exchange.at
            return [] if tolerated or (known.etag, known.modified) == (None, None) else ["unconditional"]
        if asked == (known.etag, known.modified):
            return []
        elsewhere = {value for other, each in self._urls.items() if other != url for value in each.ever}
        foreign = any(value in elsewhere - known.ever for value in asked if value is not None)
        return ["foreign" if foreign else "validators"]

    # --- when -----------------------------------------------------------------------------------------------------

    def _pace(self, exchange: Exchange, offer: Offer) -> list[str]:
        feed, host, now = self._feeds[offer.name], urlsplit(exchange.url).hostname or "", exchange.at
        faults = list[str]()
        if host in self._host_at and now - self._host_at[host] < SPACING:
            faults.append("host")
        told_at, until = self._host_rest.get(host, (now, now))
        resting = told_at < now < until
        if feed.at is not None:
            gap, ordered = now - feed.at, self._is_ordered(offer.name, feed.at, now)
            resting = resting or gap < feed.rest
            if not ordered and gap < offer.pace:
                faults.append("early")
            if not ordered and gap < max(feed.fresh, offer.least):
                faults.append("max-age")
        if resting:
            faults.append("retry-after")
        self._host_at[host] = feed.at = now
        feed.fresh = feed.rest = timedelta(0)
        return faults

    def _is_ordered(self, name: str, since: datetime, now: datetime) -> bool:
        """Tell whether somebody asked for this visit; an order counts once."""
        mine = [order for order in self._orders if order[1] == name and since <= order[0] <= now]
        for order in mine:
            self._orders.remove(order)
        return bool(mine)

    # --- what the answer said -------------------------------------------------------------------------------------

    def _learn(self, exchange: Exchange, offer: Offer, url: str) -> None:
        feed, known = self._feeds[offer.name], self._urls[url]
        feed.last = exchange
        wait = retry_after(exchange)
        feed.rest = max(feed.rest, wait)
        if exchange.status == 429:
            host = urlsplit(exchange.url).hostname or ""
            self._host_rest[host] = (exchange.at, exchange.at + min(wait, HOST_REST))
        if exchange.status not in {200, 304}:
            return
        feed.fresh = fresh(exchange)
        etag, modified = exchange.given("etag"), exchange.given("last-modified")
        if "no-store" in (exchange.given("cache-control") or ""):
            etag = modified = known.etag = known.modified = None
        if exchange.status == 304:
            etag, modified = etag or known.etag, modified or known.modified
        known.etag, known.modified = etag, modified
        known.ever |= {value for value in (etag, modified) if value is not None}


# --- headers, read without the product's help -------------------------------------------------------------------------


def retry_after(exchange: Exchange) -> timedelta:
    """Return how long an answer asks us to stay away."""
    said = exchange.given("retry-after")
    if said is None:
        return timedelta(0)
    wait = timedelta(seconds=int(said)) if said.isdigit() else _moment(said) - _date(exchange)
    return min(max(wait, timedelta(0)), LONGEST)


def fresh(exchange: Exchange) -> timedelta:
    """Return how long an answer says that it is fresh."""
    said = [each.strip() for each in (exchange.given("cache-control") or "").lower().split(",")]
    ages = [each.removeprefix("max-age=") for each in said if each.startswith("max-age=")]
    if "no-cache" in said or "no-store" in said:
        return timedelta(0)
    if ages:
        lifetime = timedelta(seconds=int(ages[0]))
    elif expires := exchange.given("expires"):
        lifetime = _moment(expires) - _date(exchange)
    else:
        return timedelta(0)
    lifetime -= timedelta(seconds=int(exchange.given("age") or 0))
    return min(max(lifetime, timedelta(0)), LONGEST)


def bare(url: str) -> str:
    """Return an address without its query."""
    return url.split("?", 1)[0]


def _moment(text: str) -> datetime:
    return parsedate_to_datetime(text)


def _date(exchange: Exchange) -> datetime:
    said = exchange.given("date")
    return _moment(said) if said else exchange.at


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _target(url: str) -> str:
    return url.split("//", 1)[1].split("/", 1)[1].split("#", 1)[0]


def _value(lines: Lines, name: str) -> str | None:
    return next((value for key, value in lines if key.lower() == name), None)
