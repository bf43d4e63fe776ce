"""Small scenarios made in code, for the tests of every part of the replay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.replay.scenario import Outlet, PlannedEntry, Scenario, State

START = datetime(2022, 1, 5, 6, 0, tzinfo=UTC)


def outlet(name: str = "bell", **habits: Any) -> Outlet:
    plain = Outlet(
        id=name, name=name.title(), language="en", home=f"https://{name}.example", pace=timedelta(minutes=10)
    )
    return replace(plain, **habits)


def entry(name: str, minutes: float, *, of: str = "bell", **fields: Any) -> PlannedEntry:
    at = START + timedelta(minutes=minutes)
    title = fields.pop("title", f"Headline of {name}")
    text = fields.pop("text", f"Text of {name}. And more of it.")
    states = fields.pop("states", (State(at=at, title=title, text=text),))
    return PlannedEntry(id=name, outlet=of, states=states, report=fields.pop("report", "r001"), **fields)


def scenario(*entries: PlannedEntry, outlets: tuple[Outlet, ...] = (), **fields: Any) -> Scenario:
    return Scenario(
        name="small",
        title="A small one",
        start=START,
        end=START + fields.pop("lasts", timedelta(hours=12)),
        zone="Asia/Almaty",
        outlets=outlets or (outlet(),),
        entries=tuple(sorted(entries, key=lambda each: (each.at, each.id))),
        **fields,
    )


class Make:
    """What tests build scenarios with."""

    start = START
    outlet = staticmethod(outlet)
    entry = staticmethod(entry)
    scenario = staticmethod(scenario)

    @staticmethod
    def at(minutes: float) -> datetime:
        return START + timedelta(minutes=minutes)


@pytest.fixture
def make() -> type[Make]:
    return Make


@pytest.fixture
def written(tmp_path: Any) -> Callable[..., Any]:
    """Write files into a folder and return the path of the first."""

    def write(**files: str) -> Any:
        paths = []
        for name, text in files.items():
            path = tmp_path / f"{name}.yaml"
            path.write_text(text, encoding="utf-8")
            paths.append(path)
        return paths[0]

    return write
