"""The end of a replay in words: the table of figures, what went wrong, what to do next."""

from __future__ import annotations

from datetime import timedelta

from rich.console import Group
from rich.table import Table
from rich.text import Text

from monitor.replay.figures import Latency
from monitor.replay.result import ReplayResult

SHOWN = 10
"""Cases listed of each kind; all of them are in summary.json."""


def table_of(result: ReplayResult) -> Table:
    """Return the figures."""
    counts, latency = result.summary.counts, result.summary.latency
    table = Table(title=f"{result.title}: the account", title_justify="left", show_header=False, min_width=60)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    rows = (
        ("published", counts.published, "entries that came out in this time"),
        ("seen", counts.seen, "entries that feeds showed when they were polled"),
        ("stored", counts.stored, "of these in the store"),
        ("matched", counts.matched, "wanted by a watch"),
        ("unmatched", counts.unmatched, "relevant, but no watch wanted them"),
        ("false", counts.false, "alerted, but not relevant"),
        ("stories", counts.stories, "reports that tell the same are one story"),
        ("alerts", counts.alerts, f"and {counts.notices} notices of the service about itself"),
        ("deliveries", counts.deliveries, f"{counts.undelivered} of them not arrived"),
        ("lost", counts.lost, "matched, and neither alerted nor listed"),
        ("repeated", counts.repeated, "said twice"),
    )
    for name, number, meaning in rows:
        wrong = name in {"lost", "repeated"} and number
        table.add_row(name, Text(str(number), style="bold red" if wrong else "bold"), meaning)
    table.add_row("latency", *_latency(latency["all"], "from publication to arrival"))
    table.add_row("  undisturbed", *_latency(latency["undisturbed"], "where no fault lay in between"))
    table.add_row("  to reader", *_latency(latency["to_reader"], "from the poll to the arrival"))
    kills = f", {result.kills} kills" if result.kills else ""
    table.caption = f"{result.requests} polls in {result.took.total_seconds():.0f} s{kills}"
    return table


def after(result: ReplayResult) -> Group:
    """Return what went wrong, where to look, and how to go live."""
    lines = [Text(f"{kind}: {case}", style="red") for kind, case in _wrong(result)]
    lines += [
        Text(f"Mails        {result.out / 'mails'}"),
        Text(f"Webhooks     {result.out / 'hooks'}"),
        Text(f"All figures  {result.out / 'summary.json'}"),
        Text("To go live on your own feeds and addresses:"),
        Text("  1. monitor init DIR                  writes a configuration"),
        Text("  2. edit feeds.yaml, watches.yaml and the channels in monitor.yaml there"),
        Text("  3. monitor check --config DIR        says what is wrong, with file and line"),
        Text("  4. monitor run --config DIR"),
    ]
    return Group(*lines)


def _wrong(result: ReplayResult) -> list[tuple[str, str]]:
    summary = result.summary
    cases = [("lost", case) for case in summary.lost[:SHOWN]]
    cases += [("repeated", case) for case in summary.repeated[:SHOWN]]
    cases += [("garbled", case) for case in summary.garbled[:SHOWN]]
    return cases


def _latency(latency: Latency, meaning: str) -> tuple[str, str]:
    if not latency.count:
        return "-", meaning
    middle, late, last = (_span(seconds) for seconds in (latency.p50, latency.p99, latency.max))
    return middle, f"{meaning}; 99 % within {late}, the last {last}"


def _span(seconds: float) -> str:
    """Return seconds as `4 s`, `7 min` or `3 h 20 min`."""
    minutes = timedelta(seconds=seconds) // timedelta(minutes=1)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"  # noqa: PLR2004 - minutes of an hour
