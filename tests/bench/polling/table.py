"""What was measured, what was aimed at, and both as plain text."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from measuring import Usage

PHASES = {
    "fill": "first fill",
    "304": "unchanged, 304",
    "200": "unchanged, 200 with equal bytes",
    "new": "every feed has 1 new entry",
}
OURS = ("ours, off", "ours, on")
"""Deciding off: no watches. On: with watches. Both split, parse, store reports and find stories."""
ON = OURS[1]
TRANSPORT = "transport"


@dataclass(slots=True)
class Cell:
    """All rounds of one program in one phase."""

    rounds: list[Usage] = field(default_factory=list)
    polls: int = 0
    """In each round."""
    problem: str | None = None
    """Why the figures do not count."""
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def per_poll(self) -> float | None:
        """Seconds of CPU, median of the rounds; None where the work was not done."""
        if self.problem or not self.rounds or not self.polls:
            return None
        return statistics.median(each.cpu for each in self.rounds) / self.polls

    @property
    def workers_per_poll(self) -> float:
        return statistics.median(each.workers for each in self.rounds) / self.polls

    @property
    def wall(self) -> float:
        return statistics.median(each.wall for each in self.rounds)

    @property
    def memory(self) -> float:
        return max(each.memory for each in self.rounds)


Cells = dict[tuple[str, str], Cell]
"""By phase and program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One aim: `shown` is what was measured, `passed` None where it could not be judged."""

    work: str
    aim: str
    shown: str
    passed: bool | None


RATIOS: Mapping[str, Sequence[tuple[str, float]]] = {
    "new": (("reader", 1 / 20), ("rss2email", 1 / 20), ("newsboat", 1 / 8), ("sfeed", 1 / 3), (TRANSPORT, 5)),
    "304": (("reader", 1 / 3), ("rss2email", 1 / 3), ("newsboat", 1 / 15), ("sfeed", 1 / 15), (TRANSPORT, 2)),
    "200": (("reader", 1 / 40), ("newsboat", 1 / 20), ("sfeed", 1 / 8), (TRANSPORT, 2)),
    "fill": (("reader", 0.7),),
}
"""The issue's aims: our CPU per poll is at most so much of the other's, deciding on."""


def ratio(value: float) -> str:
    if value >= 0.5:
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return f"1/{1 / value:.1f}".removesuffix(".0")


def ratios(cells: Cells, start: float, feeds: int) -> list[Verdict]:
    """Judge our CPU per poll against the others'. `start` is the CPU of our service's start, shown beside."""
    verdicts = []
    for phase, aims in RATIOS.items():
        off, on = (cells.get((phase, name), Cell()).per_poll for name in OURS)
        for other, aim in aims:
            theirs = cells.get((phase, other), Cell()).per_poll
            work, text = PHASES[phase], f"at most {ratio(aim)} of {other}"
            if on is None or not theirs:
                verdicts.append(Verdict(work=work, aim=text, shown="not measured", passed=None))
                continue
            shown = f"{ratio(on / theirs)} (deciding off {ratio(off / theirs) if off else '-'}"
            shown += (
                f", our start included {ratio((on + start / feeds) / theirs)})"
                if other != TRANSPORT and phase != "fill"
                else ")"
            )
            verdicts.append(Verdict(work=work, aim=text, shown=shown, passed=on / theirs <= aim))
    return verdicts


def per_program(cells: Cells, programs: Sequence[str]) -> Iterable[str]:
    """Yield the lines of the table of all programs."""
    width = max(11, *(len(name) + 2 for name in programs))
    yield f"{'':34}" + "".join(f"{name:>{width}}" for name in programs)
    for phase, title in PHASES.items():
        row = [cells.get((phase, name)) for name in programs]
        if not any(row):
            continue
        yield title
        for label, show in _LINES:
            texts = [
                show(cell) if cell and cell.per_poll else "broken" if cell and cell.problem else "-" for cell in row
            ]
            if any(text not in {"-", "broken"} for text in texts) or label == "CPU, ms per poll":
                yield f"  {label:32}" + "".join(f"{text:>{width}}" for text in texts)


_LINES = (
    ("CPU, ms per poll", lambda cell: f"{cell.per_poll * 1000:.3f}"),
    (
        "  of that in parse workers",
        lambda cell: f"{cell.workers_per_poll * 1000:.3f}" if cell.workers_per_poll else "-",
    ),
    ("polls per second of one core", lambda cell: f"{1 / cell.per_poll:,.0f}"),
    ("polls per second, wall", lambda cell: f"{cell.polls / cell.wall:,.0f}"),
    ("wall, s", lambda cell: f"{cell.wall:.1f}"),
    ("memory of the tree, MB", lambda cell: f"{cell.memory:.0f}" if cell.memory else "-"),
    ("rounds", lambda cell: str(len(cell.rounds))),
)


def verdict_lines(verdicts: Sequence[Verdict]) -> Iterable[str]:
    """Yield a line for each aim."""
    work = max(len(each.work) for each in verdicts)
    aim = max(len(each.aim) for each in verdicts)
    marks = {True: "pass", False: "FAIL", None: " -- "}
    for each in verdicts:
        yield f"{marks[each.passed]}  {each.work:{work}}  {each.aim:{aim}}  {each.shown}"


def as_json(cells: Cells, verdicts: Sequence[Verdict], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return all of it as plain values."""
    return {
        "phases": [
            {
                "phase": phase,
                "program": name,
                "cpu_per_poll": cell.per_poll,
                "polls": cell.polls,
                "problem": cell.problem,
                "notes": cell.notes,
                "rounds": [
                    {"cpu": each.cpu, "workers": each.workers, "wall": each.wall, "memory": each.memory}
                    for each in cell.rounds
                ],
            }
            for (phase, name), cell in cells.items()
        ],
        "aims": [{"work": each.work, "aim": each.aim, "shown": each.shown, "passed": each.passed} for each in verdicts],
        **more,
    }
