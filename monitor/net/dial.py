"""Dialling: resolve once, check every address, connect to the address that was checked.

The name stays in Host and SNI; only the dialled address is ours to choose, so there is no second lookup that could answer
differently (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpcore

from monitor.net.guard import check_address

CONNECT_TIMEOUT = 10.0
"""Seconds for a name to become a connection, TLS aside (conformance case 81)."""

MAX_ADDRESSES = 4
"""Addresses of one name that are tried."""

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


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """httpcore's way to the network, with the address check in front of every connection.

    `exempt` is for a pool whose connections all go to a proxy that the operator configured.
    """

    def __init__(self, resolve: Resolve, *, allow_networks: tuple[str, ...], exempt: bool) -> None:
        self._resolve = resolve
        self._allow_networks = allow_networks
        self._exempt = exempt
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, check, and connect to the first address that answers, all within `timeout` seconds."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + (CONNECT_TIMEOUT if timeout is None else timeout)
        try:
            async with asyncio.timeout_at(ends):
                addresses = await self._addresses(host, port)
        except TimeoutError as error:
            raise NameUnknownError(host, temporary=True) from error
        last: Exception = httpcore.ConnectTimeout("no time left")
        for position, address in enumerate(addresses):
            share = (ends - loop.time()) / (len(addresses) - position)  # a dead first address leaves time for the next
            if share <= 0:
                break
            try:
                stream = await self._inner.connect_tcp(
                    address, port, timeout=share, local_address=local_address, socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
            else:
                return _Connection(stream)
        raise last

    async def sleep(self, seconds: float) -> None:
        """Sleep, as httpcore asks for between retries (there are none)."""
        await asyncio.sleep(seconds)

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        """Return the checked addresses of a host; one that is not public spoils all of them."""
        try:
            addresses = [str(ipaddress.ip_address(host))]
        except ValueError:
            addresses = list(await self._lookup(host, port))
        if not self._exempt:
            for address in addresses:
                if why := check_address(address, self._allow_networks):
                    raise AddressBlockedError(why)
        return addresses[:MAX_ADDRESSES]

    async def _lookup(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = await self._resolve(host, port)
        except socket.gaierror as error:
            raise NameUnknownError(host, temporary=error.errno == socket.EAI_AGAIN) from error
        except (OSError, UnicodeError) as error:  # UnicodeError: a label over 63 characters
            raise NameUnknownError(host, temporary=False) from error
        if not addresses:
            raise NameUnknownError(host, temporary=False)
        return addresses


class _Connection(httpcore.AsyncNetworkStream):
    """A connection that does not outlive a TLS handshake that is cancelled: httpcore forgets to close it (measured)."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        try:
            return await self._inner.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await self._inner.aclose()
            raise

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _lookup(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]
