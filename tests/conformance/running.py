"""The whole service in this process, on a virtual clock: for cases that need hosts, restarts, or alerts.

    with watching(desk, tmp_path) as service:
        service.configure({"news": {"path": "/feed"}})
        service.start()
        service.advance(hours(1))       # moment by moment: each request is stamped with the time it was due
        service.stop()

The publisher is the desk's, so `desk.requests` and `desk.times` tell what was asked when.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from conformance.desk import Desk
from support.http_server import reply

from monitor.errors import MonitorError
from monitor.model import FeedState
from monitor.service.app import run_service
from monitor.service.control import ControlClient, socket_path
from monitor.settings import load
from monitor.settings.values import Settings
from monitor.store import open_store

PATIENCE = 30.0
"""Seconds of real time for a start, a stop, or a step."""

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass(slots=True, kw_only=True)
class Watching:
    """A configuration directory and the service that runs on it, or does not."""

    desk: Desk
    place: Path
    feeds: dict[str, str] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None
    client: ControlClient | None = None

    def configure(self, feeds: Mapping[str, Mapping[str, Any]], *, polling: str = "", watch: str = "protest") -> None:
        """Write the files: feeds by id with their keys (`path` on the desk's server or a `url`; pace 5 min), and `polling:`."""
        config = self.place / "config"
        config.mkdir(exist_ok=True)
        config.joinpath("monitor.yaml").write_text(
            f"situation: {{id: kz, name: Kazakhstan, zone: Asia/Almaty}}\nstore: {{data_dir: {self.data}}}\n"
            f"http: {{listen: none}}\npolling: {{{polling}}}\n"
            f"channels:\n  hook: {{kind: webhook, url: '{self.desk.server.url('/hook')}', secret: '{SECRET}',"
            " allow_networks: [127.0.0.0/8]}\nroutes:\n  desk: {channels: [hook]}\n"
        )
        config.joinpath("feeds.yaml").write_text("feeds:\n" + "".join(map(self._row, feeds, feeds.values())))
        config.joinpath("watches.yaml").write_text(f"watches:\n- {{name: unrest, title: Unrest, any: [{watch}]}}\n")
        self.desk.serve(reply(204), path="/hook")

    def _row(self, name: str, given: Mapping[str, Any]) -> str:
        keys = {"id": name, "name": name.title(), "pace": "5m", "allow_networks": ["127.0.0.0/8", "::1/128"], **given}
        keys.setdefault("url", self.desk.server.url(str(keys.pop("path", f"/{name}"))))
        return f"- {json.dumps({key: value for key, value in keys.items() if value is not None})}\n"

    @property
    def data(self) -> Path:
        return self.place / "data"

    def settings(self) -> Settings:
        return load(self.place / "config", environ={})

    # --- life -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the service at the desk's present."""
        self.desk.run(self._start())

    def stop(self) -> None:
        """Stop it the way `stop` does."""
        self.desk.run(self._stop())

    def advance(self, by: timedelta = timedelta(0)) -> list[dict[str, Any]]:
        """Let time pass from one due moment to the next, and return the alerts."""
        return self.desk.run(self._advance(self.desk.now() + by))

    def call(self, op: str, **fields: Any) -> dict[str, Any]:
        """Ask the service over its control socket."""
        assert self.client is not None
        return self.desk.run(self.client.call(op, **fields))

    def states(self) -> dict[str, FeedState]:
        """Return the feeds' rows; the service may run or not."""
        store = open_store(self.settings().store_url, data_dir=self.data)
        try:
            return {state.feed_id: state for state in store.feed_states("kz")}
        finally:
            store.close()

    def told(self) -> list[dict[str, Any]]:
        """Return the events that reached the receiver."""
        return [json.loads(request.body) for request in self.desk.server.to("/hook")]

    async def _start(self) -> None:
        now = self.desk.now()
        self.task = asyncio.create_task(
            run_service(self.settings(), virtual_clock=now, reload_settings=self.settings), name="service"
        )
        async with asyncio.timeout(PATIENCE):
            while self.client is None:
                if self.task.done():
                    await self.task
                with contextlib.suppress(MonitorError):
                    self.client = await ControlClient.connect(socket_path(self.data))
                await asyncio.sleep(0)

    async def _stop(self) -> None:
        assert self.task is not None
        if self.client is not None:
            with contextlib.suppress(MonitorError):
                await self.client.call("stop")
            await self.client.aclose()
        task, self.client, self.task = self.task, None, None
        async with asyncio.timeout(PATIENCE):
            await task

    async def _advance(self, end: datetime) -> list[dict[str, Any]]:
        assert self.client is not None
        alerts = list[dict[str, Any]]()
        time = self.desk.house.time
        while True:
            answer = await self.client.call("advance", to=time[0].isoformat())
            alerts += answer["alerts"]
            due = datetime.fromisoformat(answer["next_due"]) if answer["next_due"] else end
            if due >= end and time[0] == end:
                return alerts
            time[0] = min(max(due, time[0]), end)


@contextmanager
def watching(desk: Desk, place: Path) -> Iterator[Watching]:
    """Give a service that does not run yet, and stop it in the end if it does."""
    service = Watching(desk=desk, place=place)
    try:
        yield service
    finally:
        if service.task is not None:
            service.stop()
