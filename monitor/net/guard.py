"""Which addresses and URLs may be reached: pure rules, asked about the very address that is dialled.

Problem: feed lists, redirects and webhook URLs come from people and publishers, and this service stands inside a network.
Choice: refuse all that is not plainly public, at connect time, on resolved addresses (a name can resolve to anything, and
to something else a second later), with `allow_networks` for those who mean it. Refused: checking URLs only (DNS rebinding,
`2130706433`, `127.1` pass), and `ipaddress.is_global` alone (on 3.11 and 3.12 it lets multicast, NAT64, 6to4 and
`::127.0.0.1` through: measured), so ranges are listed here as well.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_URL = 4096
"""Characters; longer ones are no addresses of feeds or receivers."""

MAX_NAME, MAX_LABEL = 253, 63
"""Characters of a host name and of each part between its dots (RFC 1035 section 2.3.4)."""

INTERNAL = frozenset({"local", "localdomain", "internal", "lan", "intranet", "private", "corp", "home", "arpa"})
"""Last parts of names that mean something inside one network only (RFC 6762, RFC 8375, ICANN's `internal`, and what routers use)."""

SPECIAL: tuple[tuple[IPNetwork, str], ...] = tuple(
    (ipaddress.ip_network(network), words)
    for network, words in (
        ("0.0.0.0/8", "means this machine itself"),
        ("10.0.0.0/8", "is in a private network"),
        ("100.64.0.0/10", "is in a carrier's private network"),
        ("127.0.0.0/8", "is this machine itself"),
        ("169.254.0.0/16", "is link-local (cloud metadata lives there)"),
        ("172.16.0.0/12", "is in a private network"),
        ("192.0.0.0/24", "is reserved for protocols"),
        ("192.0.2.0/24", "is reserved for documentation"),
        ("192.88.99.0/24", "is a 6to4 relay"),
        ("192.168.0.0/16", "is in a private network"),
        ("198.18.0.0/15", "is reserved for benchmarks"),
        ("198.51.100.0/24", "is reserved for documentation"),
        ("203.0.113.0/24", "is reserved for documentation"),
        ("224.0.0.0/4", "is multicast"),
        ("240.0.0.0/4", "is reserved"),
        ("::1/128", "is this machine itself"),
        ("::/96", "is an old form of an IPv4 address"),
        ("64:ff9b::/96", "leads to an IPv4 address behind NAT64"),
        ("64:ff9b:1::/48", "leads to an IPv4 address behind NAT64"),
        ("100::/64", "is a discard-only address"),
        ("2001::/32", "leads to an IPv4 address through Teredo"),
        ("2001:db8::/32", "is reserved for documentation"),
        ("2002::/16", "leads to an IPv4 address through 6to4"),
        ("3fff::/20", "is reserved for documentation"),
        ("5f00::/16", "is reserved for segment routing"),
        ("fc00::/7", "is in a private network"),
        ("fe80::/10", "is link-local"),
        ("fec0::/10", "is site-local"),
        ("ff00::/8", "is multicast"),
    )
)
"""Ranges that are never a public server: IANA special-purpose registries (RFC 6890 and later) and ways to embed IPv4."""

GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")
"""The only part of IPv6 from which public addresses are given out (RFC 4291 section 2.4 and IANA's registry)."""


def check_address(address: str | IPAddress, allow_networks: Iterable[str] = ()) -> str | None:
    """Return why an address must not be dialled, None when it may.

    `allow_networks` are CIDR networks that the operator opened; an IPv4 address written inside IPv6 is judged as IPv4.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return f"{address} is no IP address"
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if any(_holds(_network(text), ip) for text in allow_networks):
        return None
    for network, words in SPECIAL:
        if _holds(network, ip):
            return f"{ip} {words}"
    if not ip.is_global or (ip.version == 6 and ip not in GLOBAL_IPV6):  # noqa: PLR2004
        return f"{ip} is not a public address"
    return None


def check_name(name: str, allow_networks: Iterable[str] = ()) -> str | None:
    """Return why somebody else (a proxy) must not be asked to look a host name up, None when he may.

    He stands inside a network of his own, and what he finds cannot be judged here; so names that are plainly not public are
    refused. `localhost` is the address it stands for; others must be written as addresses, which `allow_networks` can permit.
    """
    labels = name.lower().removesuffix(".").split(".")
    if labels[-1] == "localhost":
        return check_address("127.0.0.1", allow_networks)
    if len(labels) > 1 and labels[-1] not in INTERNAL:
        return None
    return f"{name} is a name inside a network, which only its address can stand for"


def check_url(url: str) -> str | None:
    r"""Return what is wrong with a URL in a plain sentence, None when it can be asked.

    Only http and https with a host; no spaces, control characters or backslashes, which parsers read differently
    (`http://a:80\@b/` goes to `a` for one and to `b` for another).
    """
    if not url:
        return "The address is empty."
    if len(url) > MAX_URL:
        return f"The address is longer than {MAX_URL} characters."
    if any(char.isspace() or char < " " or "\x7f" <= char <= "\x9f" or char == "\\" for char in url):
        return "The address contains a space, a control character or a backslash."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "The address cannot be read as a URL."
    return _check_parts(parts, port)


def _check_parts(parts: SplitResult, port: int | None) -> str | None:
    if parts.scheme.lower() not in {"http", "https"}:
        scheme = f"{parts.scheme}:" if parts.scheme else "no scheme"
        return f"Only http:// and https:// addresses are possible, this one has {scheme}."
    if not parts.hostname:
        return "The address names no host."
    if "%" in parts.hostname:
        return "The host name contains a percent sign."
    if port == 0:
        return "Port 0 cannot be reached."
    return None if ":" in parts.hostname else _check_host(parts.hostname)


def _check_host(host: str) -> str | None:
    """Return what is wrong with a host name for those who look it up."""
    name = host
    if not host.isascii() or host.startswith("xn--"):
        try:
            import httpx  # here, because it takes long to load and few addresses need it

            name = httpx.URL(scheme="http", host=host).raw_host.decode("ascii")
            httpx.URL(scheme="http", host=name).host  # noqa: B018 - reading it raises for what only looks international
        except (httpx.InvalidURL, ValueError):
            return "The host name is none that exists in any language."
    labels = name.removesuffix(".").split(".")
    if not all(labels):
        return "The host name has an empty part between its dots."
    if len(name) > MAX_NAME or any(len(label) > MAX_LABEL for label in labels):
        return f"The host name is too long: {MAX_LABEL} characters between two dots, {MAX_NAME} in all."
    return None


def literal_address(host: str) -> IPAddress | None:
    """Return the address that a host already is, also in the short forms that resolvers accept (`127.1`, `0x7f000001`)."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host.rstrip(".")))
    except (OSError, ValueError):  # not an address; ValueError for a NUL or non-ASCII
        return None


@lru_cache(maxsize=256)
def _network(text: str) -> IPNetwork:
    return ipaddress.ip_network(text, strict=False)


def _holds(network: IPNetwork, ip: IPAddress) -> bool:
    return network.version == ip.version and ip in network
