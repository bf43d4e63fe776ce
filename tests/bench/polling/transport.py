"""The bare transport, in a process of its own: `Http.request` and nothing else, for as many conditional GETs as the service makes.

    python transport.py URLS CONCURRENCY        each line of input asks for one round; each line of output tells what it took

What it asks for is recorded from the service's own fetcher, before the clock starts: the same headers, the same arguments. (The benchmark also
compares the lengths of both programs' requests in the server's log.)
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from monitor.feeds.fetch import HttpFetcher
from monitor.model import Feed, Validators
from monitor.net.client import Http, NetFailure, NetKind

NETWORKS = ("127.0.0.0/8",)


class Recorder:
    """Takes the place of `Http` and keeps what was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[Any, ...], Mapping[str, Any]]] = []

    async def request(self, *given: Any, **named: Any) -> NetFailure:
        self.asked.append((given, named))
        return NetFailure(kind=NetKind.BAD_URL, reason="Recorded, not sent.")


class Rounds:
    def __init__(self, urls: list[str], concurrency: int) -> None:
        self._feeds = [
            Feed(
                id=f"f{number}",
                name=f"f{number}",
                url=url,
                situation="bench",
                outlet=f"f{number}",
                pace=timedelta(hours=12),
                allow_networks=NETWORKS,
            )
            for number, url in enumerate(urls)
        ]
        self._concurrency = concurrency
        self._http = Http()
        self._validators: dict[str, Validators] = {}

    async def round(self) -> dict[str, object]:
        asked = await self._requests()
        answers: list[tuple[str, str, str | None, str | None]] = []
        cpu, wall = time.process_time(), time.perf_counter()
        waiting = iter(asked)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._concurrency):
                tasks.create_task(self._work(waiting, answers))
        spent, lasted = time.process_time() - cpu, time.perf_counter() - wall
        for url, status, etag, modified in answers:
            if etag or modified:
                self._validators[url] = Validators(url=url, etag=etag, last_modified=modified)
            elif status == "200":
                self._validators.pop(url, None)
        statuses = Counter(status for _, status, _, _ in answers)
        return {"cpu": spent, "wall": lasted, "statuses": statuses}

    async def _requests(self) -> list[tuple[tuple[Any, ...], Mapping[str, Any]]]:
        """Return what the service's fetcher would ask for now."""
        recorder = Recorder()
        fetcher = HttpFetcher(recorder)  # type: ignore[arg-type]
        for feed in self._feeds:
            await fetcher.fetch(feed, self._validators.get(feed.url))
        return recorder.asked

    async def _work(
        self,
        waiting: Iterator[tuple[tuple[Any, ...], Mapping[str, Any]]],
        answers: list[tuple[str, str, str | None, str | None]],
    ) -> None:
        for given, named in waiting:
            answer = await self._http.request(*given, **named)
            if isinstance(answer, NetFailure):
                answers.append((given[1], answer.kind.name, None, None))
                continue
            read = answer.headers.get
            answers.append((given[1], str(answer.status), read("etag"), read("last-modified")))

    async def serve(self) -> None:
        while await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await self.round()), flush=True)
        await self._http.aclose()


if __name__ == "__main__":
    asyncio.run(Rounds(Path(sys.argv[1]).read_text().split(), int(sys.argv[2])).serve())
