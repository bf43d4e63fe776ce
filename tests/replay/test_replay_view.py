import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from monitor.replay.driver import Progress
from monitor.replay.figures import Counts, Latency, Summary
from monitor.replay.inbox import Arrival
from monitor.replay.result import ReplayResult
from monitor.replay.view import LiveView, PlainView, SilentView, View, make_view

ALERT = {
    "severity": "critical",
    "headline": "Curfew in two regions [not markup]",
    "source": "Bell",
    "watches": ["Curfew"],
    "words": ["curfew", "regions"],
    "reason": "new_story",
}
NOTICE = {
    "severity": "info",
    "headline": "Now watching 2 feeds",
    "source": None,
    "watches": [],
    "words": [],
    "reason": "watching",
}


@pytest.fixture
def result(make: Any) -> ReplayResult:
    numbers = dict.fromkeys(Counts.__dataclass_fields__, 3) | {"lost": 1, "repeated": 0, "garbled": 0}
    span = Latency(count=3, p50=30.0, p99=600.0, max=12_000.0)
    summary = Summary(
        counts=Counts(**numbers),
        latency={"all": span, "undisturbed": span, "to_reader": Latency(count=0, p50=0, p99=0, max=0)},
        polls={},
        alerts=(),
        deliveries=(),
        lost=("r1 for watch curfew on route default: seen, not stored",),
        repeated=(),
        unmatched=(),
        false=(),
        garbled=(),
    )
    return ReplayResult(
        scenario="small",
        title="A small one",
        zone="Asia/Almaty",
        start=make.at(0),
        end=make.at(60),
        summary=summary,
        out=Path("out"),
        took=timedelta(seconds=12),
        requests=77,
        refused=0,
        kills=2,
        starts=3,
        orphans=0,
        seed=1,
        left_out=(),
    )


def tell(make: Any, view: View, result: ReplayResult) -> None:
    entry = make.entry("a", 10, title="Curfew [bold]begins")
    scenario = make.scenario(entry)
    view.begin(scenario, make.at(0), make.at(60), ("mine",))
    view.news(scenario.outlets[0], entry, 1)
    view.progress(Progress(now=make.at(12), polls=5, alerts=[ALERT, NOTICE]))
    view.arrival(Arrival(channel="email", id="d1", at=make.at(12), recipient="desk", subject="s", file=Path("x")))
    view.event("the service was killed")
    view.finish(result)
    view.close()


def test_lines_tell_what_is_alerted_and_why_and_what_happens_to_the_service(make: Any, result: ReplayResult) -> None:
    out = io.StringIO()
    tell(make, PlainView(Console(file=out, width=100)), result)
    lines = out.getvalue().splitlines()
    assert lines[0] == "A small one: 05 Jan 12:00 to 05 Jan 13:00, Asia/Almaty"
    assert "watch mine is left out" in lines[1]
    assert lines[2] == "05 Jan 12:12 critical Curfew in two regions [not markup] (Bell · Curfew: curfew, regions)"
    assert lines[3] == "05 Jan 12:12 info     Now watching 2 feeds (watching)"
    assert lines[4] == "the service was killed"


def test_the_account_names_losses_latency_and_what_to_do_next(make: Any, result: ReplayResult) -> None:
    out = io.StringIO()
    PlainView(Console(file=out, width=120)).finish(result)
    text = out.getvalue()
    assert "lost: r1 for watch curfew on route default: seen, not stored" in text
    assert "30 s" in text
    assert "99 % within 10 min, the last 3 h 20 min" in text
    assert "77 polls in 12 s, 2 kills" in text
    for step in ("monitor init DIR", "monitor check", "monitor run"):
        assert step in text


def test_the_live_screen_shows_what_arrives_and_what_is_alerted(make: Any, result: ReplayResult) -> None:
    out = io.StringIO()
    console = Console(file=out, width=120, height=40, force_terminal=True, color_system=None)
    view = LiveView(console)
    entry = make.entry("a", 10, title="Curfew [bold]begins")
    scenario = make.scenario(replace(entry, states=(*entry.states, replace(entry.states[0], title="Edited"))))
    view.begin(scenario, make.at(0), make.at(60), ())
    try:
        view.news(scenario.outlets[0], scenario.entries[0], 1)
        view.news(scenario.outlets[0], scenario.entries[0], 2)
        view.progress(Progress(now=make.at(12), polls=5, alerts=[ALERT]))
        view.arrival(Arrival(channel="email", id="d1", at=make.at(12), recipient="d", subject="s", file=Path("x")))
        view.arrival(Arrival(channel="webhook", id="d1", at=make.at(12), recipient="", subject="s", file=Path("x")))
        view.event("the service was killed")
        with console.capture() as captured:
            console.print(view._screen())
    finally:
        view.close()
    screen = captured.get()
    assert "Wed 05 Jan 2022 12:12:00" in screen
    assert "5 polls, 1 mails, 1 webhooks" in screen
    assert "Bell Curfew [bold]begins" in screen
    assert "Edited (edited)" in screen
    assert "critical Curfew in two regions [not markup]" in screen
    assert "Bell · Curfew: curfew, regions" in screen
    assert "the service was killed" in screen


def test_the_live_screen_gives_the_terminal_back(make: Any, result: ReplayResult) -> None:
    out = io.StringIO()
    view = LiveView(Console(file=out, width=120, height=40, force_terminal=True))
    tell(make, view, result)
    assert out.getvalue().count("\x1b[?25l") == out.getvalue().count("\x1b[?25h") == 1
    assert "the account" in out.getvalue()


def test_the_view_fits_the_output(make: Any, result: ReplayResult, capsys: pytest.CaptureFixture[str]) -> None:
    silent = make_view(as_json=True)
    assert isinstance(silent, SilentView)
    tell(make, silent, result)
    assert capsys.readouterr().out == ""
    plain = make_view(as_json=False)
    assert type(plain) is PlainView
