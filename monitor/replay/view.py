"""What a replay shows while it runs: a live screen in a terminal, lines elsewhere, nothing beside `--json`."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from monitor.replay.driver import Progress
from monitor.replay.inbox import Arrival
from monitor.replay.result import ReplayResult
from monitor.replay.scenario import Outlet, PlannedEntry, Scenario
from monitor.replay.verdict import after, table_of

ROWS, ALERTS = 8, 5
"""Lines of the list of news, and alerts of two lines each: together they fit a terminal of 30 lines."""

FRAMES = 8
"""Live frames per second: more cost more than they show."""

COLOURS: Mapping[str, str] = {"critical": "bold red", "warning": "yellow", "notice": "cyan", "info": "dim"}


class View(Protocol):
    """Hears what happens, in order."""

    def begin(self, scenario: Scenario, start: datetime, end: datetime, left_out: tuple[str, ...]) -> None:
        """Hear what is going to be played; `left_out` are watches that cannot take part."""

    def news(self, outlet: Outlet, entry: PlannedEntry, number: int) -> None:
        """Hear that state `number` of an entry was given to the service for the first time."""

    def arrival(self, arrival: Arrival) -> None:
        """Hear that the inbox got a message."""

    def event(self, sentence: str) -> None:
        """Hear what is done to the service."""

    def progress(self, progress: Progress) -> None:
        """Hear how far it is."""

    def finish(self, result: ReplayResult) -> None:
        """Hear the end."""

    def close(self) -> None:
        """Give the terminal back; called in any case, also after a failure."""


class SilentView:
    """Shows nothing: the data goes to stdout as JSON."""

    def begin(self, scenario: Scenario, start: datetime, end: datetime, left_out: tuple[str, ...]) -> None:
        """Show nothing."""

    def news(self, outlet: Outlet, entry: PlannedEntry, number: int) -> None:
        """Show nothing."""

    def arrival(self, arrival: Arrival) -> None:
        """Show nothing."""

    def event(self, sentence: str) -> None:
        """Show nothing."""

    def progress(self, progress: Progress) -> None:
        """Show nothing."""

    def finish(self, result: ReplayResult) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Show nothing."""


class PlainView(SilentView):
    """One line per alert and event, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._zone = ZoneInfo("UTC")

    def begin(self, scenario: Scenario, start: datetime, end: datetime, left_out: tuple[str, ...]) -> None:
        """Say what is played."""
        self._zone = ZoneInfo(scenario.zone)
        self._line(f"{scenario.title}: {_when(start, self._zone)} to {_when(end, self._zone)}, {scenario.zone}")
        for name in left_out:
            self._line(f"watch {name} is left out: it is limited to feeds that the scenario does not have")

    def event(self, sentence: str) -> None:
        """Say it."""
        self._line(sentence)

    def progress(self, progress: Progress) -> None:
        """Say what was alerted."""
        for alert in progress.alerts:
            self._line(f"{_when(progress.now, self._zone)} {alert['severity']:8} {alert['headline']} ({_why(alert)})")

    def finish(self, result: ReplayResult) -> None:
        """Print the account."""
        self._console.print(table_of(result))
        self._console.print(after(result))

    def _line(self, text: str) -> None:
        self._console.print(Text(text), soft_wrap=True)


class LiveView(PlainView):
    """The screen of the demo: the clock, what arrives, what is alerted and why."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._news = deque[Text](maxlen=ROWS)
        self._alerts = deque[Text](maxlen=2 * ALERTS)
        self._events = deque[Text](maxlen=3)
        self._progress: Progress | None = None
        self._title, self._span = "", timedelta(1)
        self._start = datetime.now(UTC)
        self._mails = self._hooks = 0
        self._live = Live(console=console, refresh_per_second=FRAMES, get_renderable=self._screen, transient=True)

    def begin(self, scenario: Scenario, start: datetime, end: datetime, left_out: tuple[str, ...]) -> None:
        """Open the screen."""
        super().begin(scenario, start, end, left_out)
        self._title, self._start, self._span = scenario.title, start, end - start
        self._live.start()

    def news(self, outlet: Outlet, entry: PlannedEntry, number: int) -> None:
        """Add a line to what arrives."""
        state = entry.states[number - 1]
        line = Text.assemble(
            (f"{_when(state.at, self._zone)} ", "dim"), (f"{outlet.name} ", "green"), state.title, overflow="ellipsis"
        )
        if number > 1:
            line.append(" (edited)", "magenta")
        line.no_wrap = True
        self._news.append(line)

    def arrival(self, arrival: Arrival) -> None:
        """Count a message."""
        if arrival.channel == "email":
            self._mails += 1
        else:
            self._hooks += 1

    def event(self, sentence: str) -> None:
        """Add a line about the service."""
        self._events.append(Text(sentence, style="magenta", overflow="ellipsis", no_wrap=True))

    def progress(self, progress: Progress) -> None:
        """Add what was alerted."""
        self._progress = progress
        for alert in progress.alerts:
            line = Text(overflow="ellipsis", no_wrap=True)
            line.append(f"{_when(progress.now, self._zone)} ", "dim")
            line.append(f"{alert['severity']} ", COLOURS.get(alert["severity"], ""))
            line.append(str(alert["headline"]))
            reason = Text(f"             {_why(alert)}", "dim", overflow="ellipsis", no_wrap=True)
            self._alerts.extend((line, reason))

    def finish(self, result: ReplayResult) -> None:
        """Close the screen and print the account."""
        self.close()
        super().finish(result)

    def close(self) -> None:
        """Give the terminal back."""
        if self._live.is_started:
            self._live.stop()

    def _screen(self) -> Group:
        done = 0.0
        head = Table.grid(expand=True, padding=(0, 1))
        head.add_column(no_wrap=True)
        head.add_column(ratio=1)
        head.add_column(no_wrap=True, justify="right")
        if self._progress is not None:
            done = min(1.0, max(0.0, (self._progress.now - self._start) / self._span))
            clock = f"{self._progress.now.astimezone(self._zone):%a %d %b %Y %H:%M:%S}"
            counts = f"{self._progress.polls} polls, {self._mails} mails, {self._hooks} webhooks"
            head.add_row(Text(clock, style="bold"), ProgressBar(total=1.0, completed=done), Text(counts))
        return Group(
            Panel(head, title=self._title, title_align="left"),
            Panel(_lines(self._news, ROWS), title="what arrives", title_align="left"),
            Panel(_lines(self._alerts, 2 * ALERTS), title="what is alerted, and why", title_align="left"),
            _lines(self._events, len(self._events)),
        )


def make_view(*, as_json: bool) -> View:
    """Return what fits the standard output: nothing beside JSON, a screen in a terminal, lines elsewhere."""
    if as_json:
        return SilentView()
    console = Console(file=sys.stdout)
    return LiveView(console) if console.is_terminal else PlainView(console)


def _lines(lines: deque[Text], rows: int) -> Group:
    return Group(*lines, *(Text("") for _ in range(rows - len(lines))))


def _when(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%d %b %H:%M}"


def _why(alert: Mapping[str, Any]) -> str:
    """Return source, watches and the words that were found."""
    words = ", ".join(str(word) for word in alert.get("words", ())[:3])
    watches = ", ".join(str(title) for title in alert.get("watches", ())[:2])
    found = f"{watches}: {words}" if words else watches
    return " · ".join(part for part in (str(alert.get("source") or ""), found) if part) or str(alert["reason"])
