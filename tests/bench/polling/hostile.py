"""Ten feeds that mean harm: documents that hurt parsers, served by nginx, and answers that hurt clients, from a server of our own.

python hostile.py PORT ADDRESS...       serves drip, endless and headers on these addresses until its input ends
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import sys
from collections.abc import Awaitable, Callable

HEAD = '<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>'
TAIL = "</channel></rss>"


def attributes() -> bytes:
    """16,000 attributes on one element."""
    many = " ".join(f'a{n}="{n}"' for n in range(16_000))
    return f"{HEAD}<item><title {many}>x</title></item>{TAIL}".encode()


def categories() -> bytes:
    """20,000 categories of one entry."""
    many = "".join(f"<category>c{n}</category>" for n in range(20_000))
    return f"{HEAD}<item><title>x</title>{many}</item>{TAIL}".encode()


def comments() -> bytes:
    """40,000 comments that are opened and never closed."""
    return f"{HEAD}<item><title>x</title><description>{'<!--' * 40_000}</description></item>{TAIL}".encode()


def entities() -> bytes:
    """Entities that double forty times."""
    made = "".join(f'<!ENTITY e{n} "&e{n - 1};&e{n - 1};">' for n in range(1, 41))
    return f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY e0 "boom">{made}]><rss><channel><item><title>&e40;</title></item></channel></rss>'.encode()


def bomb() -> bytes:
    """100 MB of zeros, packed."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9) as out:
        for _ in range(100):
            out.write(bytes(1_000_000))
    return packed.getvalue()


def nested() -> bytes:
    """100,000 elements inside each other."""
    return f"{HEAD}<item><description><![CDATA[{'<div><b>' * 50_000}]]></description></item>{TAIL}".encode()


def crowd() -> bytes:
    """A million entries without words, just below the limit of bytes."""
    return f"{HEAD}{'<item></item>' * 1_000_000}{TAIL}".encode()


DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "hostile/attributes.xml": attributes,
    "hostile/categories.xml": categories,
    "hostile/comments.xml": comments,
    "hostile/entities.xml": entities,
    "gzipped/bomb.xml": bomb,
    "hostile/nested.xml": nested,
    "hostile/crowd.xml": crowd,
}
SERVED = ("drip", "endless", "headers")

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n"


async def drip(writer: asyncio.StreamWriter) -> None:
    """A byte a second, a million promised."""
    writer.write(_OK + b"Content-Length: 1000000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(1)


async def endless(writer: asyncio.StreamWriter) -> None:
    """Entries as fast as they are taken, without end."""
    writer.write(_OK + b"Connection: close\r\n\r\n" + HEAD.encode())
    for _ in range(20_000):  # 1.3 GB: nobody is to take that much
        writer.write(b"<item><title>more and more and more of it, always</title></item>" * 1000)
        await writer.drain()


async def headers(writer: asyncio.StreamWriter) -> None:
    """Header lines without end."""
    writer.write(_OK)
    for n in range(200_000):
        writer.write(f"X-Padding-{n}: {'x' * 500}\r\n".encode())
        if n % 100 == 0:
            await writer.drain()


ANSWERS: dict[str, Callable[[asyncio.StreamWriter], Awaitable[None]]] = {
    "/drip.xml": drip,
    "/endless.xml": endless,
    "/headers.xml": headers,
}


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
        request = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        path = request.split(b" ", 2)[1].decode("latin-1")
        print(path, flush=True)
        async with asyncio.timeout(120):
            await ANSWERS[path](writer)
    writer.close()


async def main() -> None:
    servers = [await asyncio.start_server(_serve, address, int(sys.argv[1])) for address in sys.argv[2:]]
    await asyncio.to_thread(sys.stdin.read)
    for server in servers:
        server.close()


if __name__ == "__main__":
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(main())
