"""Dialling: resolve once, check every address, connect to the address that was checked.

The name stays in Host and SNI; only the dialled address is ours to choose, so there is no second lookup that could answer
differently (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

from monitor.net.guard import check_address

CONNECT_TIMEOUT = 10.0
"""Seconds for a name to become a connection, TLS aside (conformance case 81)."""

MAX_ADDRESSES = 4
"""Addresses of one name that are tried."""

REMEMBERED = 16_384
"""Addresses whose reading is remembered: what they are never changes."""

RESOLVER_THREADS = 8
"""Lookups at once. They have threads of their own: a dead resolver must not hold up the store's."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Turns a host and port into addresses; raises `OSError` (also `socket.gaierror`) when it cannot."""


class AddressBlockedError(Exception):
    """The name leads to an address that must not be dialled; `str(error)` says why."""


class NameUnknownError(Exception):
    """The name has no address; `temporary` when the resolver may know it later."""

    def __init__(self, host: str, *, temporary: bool) -> None:
        super().__init__(host)
        self.host = host
        self.temporary = temporary


class Resolver:
    """The system's resolver in threads of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="resolver")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a host, in the system's order of preference, each once."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _lookup, host, port)
        return tuple(dict.fromkeys(found))

    def close(self) -> None:
        """Let the threads go; a lookup under way ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class UnreachableError(Exception):
    """No address of the name took the connection; `in_time` when they refused, not when they kept silent."""

    def __init__(self, words: str, *, in_time: bool) -> None:
        super().__init__(words)
        self.in_time = in_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialler:
    """The way to the network, with the address check in front of every connection.

    `exempt` is for connections that all go to a proxy which the operator configured.
    """

    resolve: Resolve
    allow_networks: tuple[str, ...]
    exempt: bool

    async def dial(self, host: str, port: int, within: float) -> socket.socket:
        """Resolve, check, and connect to the first address that answers, all `within` seconds."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + within
        addresses = await self._addresses(host, port, ends)
        last = UnreachableError("no time left", in_time=False)
        for position, address in enumerate(addresses):
            share = (ends - loop.time()) / (len(addresses) - position)  # a dead first address leaves time for the next
            try:
                async with asyncio.timeout(share) as limit:
                    return await _connect(loop, address, port)
            except OSError as error:  # TimeoutError too: ours, or the kernel's own
                last = UnreachableError(str(error), in_time=not limit.expired())
        raise last

    async def _addresses(self, host: str, port: int, ends: float) -> Sequence[str]:
        """Return the checked addresses of a host; one that is not public spoils all of them."""
        literal = _literal(host)
        addresses = await self._lookup(host, port, ends) if literal is None else (literal,)
        if not self.exempt:
            for address in addresses:
                if why := _objection(address, self.allow_networks):
                    raise AddressBlockedError(why)
        return addresses[:MAX_ADDRESSES]

    async def _lookup(self, host: str, port: int, ends: float) -> Sequence[str]:
        try:
            async with asyncio.timeout_at(ends):
                addresses = await self.resolve(host, port)
        except TimeoutError as error:
            raise NameUnknownError(host, temporary=True) from error
        except socket.gaierror as error:
            raise NameUnknownError(host, temporary=error.errno == socket.EAI_AGAIN) from error
        except (OSError, UnicodeError) as error:  # UnicodeError: a label over 63 characters
            raise NameUnknownError(host, temporary=False) from error
        if not addresses:
            raise NameUnknownError(host, temporary=False)
        return addresses


@lru_cache(maxsize=REMEMBERED)
def _literal(host: str) -> str | None:
    """Return the address that a host is as it stands, None for a name."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


@lru_cache(maxsize=REMEMBERED)
def _objection(address: str, allow_networks: tuple[str, ...]) -> str | None:
    """Return why an address must not be dialled, None when it may (30 us each time: measured)."""
    return check_address(address, allow_networks)


async def _connect(loop: asyncio.AbstractEventLoop, address: str, port: int) -> socket.socket:
    """Return a socket connected to an address (never a name: nothing is looked up here)."""
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await loop.sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _lookup(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]
