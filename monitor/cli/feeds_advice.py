"""What to do about an address that cannot be watched.

Of a feed in feeds.yaml `feeds.health` knows it: it is polled on. Of an address that somebody tries out or adds it is something else:
nothing of it is in a file yet, and nobody polls it.
"""

from __future__ import annotations

from collections.abc import Mapping

from monitor.errors import UsageError
from monitor.model import FailureKind

FIRST: Mapping[FailureKind, str] = {
    FailureKind.BAD_URL: "Write the whole address, like https://news.example/rss.",
    FailureKind.ADDRESS_BLOCKED: "Here `--allow-network` does that, like `--allow-network 10.0.0.0/8`.",
    FailureKind.DNS: "Check the spelling of the host name; if it is right, this machine's DNS.",
    FailureKind.CONNECT: "Check the address and try again later: the server may be down, or block this machine.",
    FailureKind.TLS: "See whether a browser takes the certificate, and whether this machine's clock is right.",
    FailureKind.TIMEOUT: "Try again later: the server may be overloaded. `monitor feeds add --no-check` adds it all the same.",
    FailureKind.INCOMPLETE: "Try again: the connection was cut. `monitor feeds add --no-check` adds it all the same.",
    FailureKind.TOO_LARGE: "Look for a smaller feed of this outlet: a section instead of everything.",
    FailureKind.BAD_ENCODING: "`monitor feeds add --no-check` adds it: the poll after such an answer asks for no compression.",
    FailureKind.PROTOCOL: "Check scheme and port; if they are right, the publisher has to repair the server.",
    FailureKind.REDIRECT: "Open it in a browser, and give the address that this one leads to.",
    FailureKind.THROTTLED: "Try again later, or add it with `monitor feeds add --no-check`: the service asks when it may.",
    FailureKind.UNAUTHORIZED: "Add it with `monitor feeds add --no-check`, and write its `authorization` into feeds.yaml (of a proxy,"
    " user and password stand in `proxy`).",
    FailureKind.BLOCKED: "Ask the publisher, or add it with `monitor feeds add --no-check` and try another `user_agent` or a `proxy` for it"
    " in feeds.yaml.",
    FailureKind.CHALLENGE: "Only browsers get past this check: ask the publisher, or look for another way to its reports (sitemap, news"
    " search).",
    FailureKind.MISSING: "Check the address, or give that of the outlet's front page: `monitor feeds add` finds the feeds of a site.",
    FailureKind.GONE: "Look for its successor: `monitor feeds add` with the address of the outlet's front page finds the feeds of a site.",
    FailureKind.SERVER_ERROR: "The publisher has to repair it: try again later.",
    FailureKind.UNEXPECTED_STATUS: "Open it in a browser to see what the server does with this address.",
    FailureKind.NOT_A_FEED: "`monitor feeds add` with this address looks for the feeds of its site.",
    FailureKind.EMPTY: "The publisher sends nothing there: check the address, or try again later.",
    FailureKind.PARSER_KILLED: "The document is far out of the ordinary or meant to do harm: look at it before you add it.",
}
"""What a person can do who tries an address, for every kind of failure."""

NO_FEED_FOUND = "No feed of this site was found. Look on its pages for a link called RSS or Atom, or for a news sitemap, and give that address."


def what_to_do(kind: FailureKind, *, configured: bool) -> str:
    """Return what to do about a failure: of a feed in feeds.yaml, or of an address that is tried for the first time."""
    from monitor.feeds.health import advice

    return advice(kind) if configured else FIRST[kind]


def require_address(url: str) -> None:
    """Raise `UsageError` for what cannot be asked for, whatever any server says."""
    from monitor.feeds.addresses import BadAddressError, read

    try:
        read(url)
    except BadAddressError as error:
        raise UsageError(f"`{url}` cannot be fetched: {error} {FIRST[FailureKind.BAD_URL]}") from error
