"""The error tree.

    MonitorError                    what happened, where, and what to do: printable to a user as it is
    ├── SettingsError               one or more mistakes in config/ (exit 2)
    ├── UsageError                  the command cannot be meant this way (exit 2)
    ├── QueryError                  a query of a watch that cannot be meant so
    ├── StoreError                  the database cannot be used
    │   ├── StoreTooNew             a newer program wrote it; this one may not open it
    │   ├── StoreBusy               another service holds it, or it stayed locked past the deadline
    │   └── StoreBroken             corrupt, read-only or on a full disk
    ├── TemplateError               a template does not render
    ├── ScenarioError               a replay scenario that cannot be played
    └── NotRunning                  a command needs a running service and none answers

Expected failures of the outside world (a feed that is down, a receiver that refuses) are no exceptions: they are
`model.PollFailure` and `model.Outcome` values.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class MonitorError(Exception):
    """Something went wrong that a user can act on; `str(error)` is the sentence to print."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One mistake in the configuration. Lines count from 1; `None` where a file as a whole is meant."""

    file: Path
    line: int | None
    message: str
    instead: str | None = None

    def __str__(self) -> str:
        """Return `file:line: message; write ... instead`."""
        where = f"{self.file}:{self.line}" if self.line is not None else str(self.file)
        return f"{where}: {self.message}" + (f"; {self.instead}" if self.instead else "")


class SettingsError(MonitorError):
    """The configuration has mistakes; all of them are listed together."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        self.mistakes = mistakes
        count = f"{len(mistakes)} mistake{'' if len(mistakes) == 1 else 's'} in the configuration"
        super().__init__("\n".join([count, *(f"  {mistake}" for mistake in mistakes)]))


class UsageError(MonitorError):
    """The command line asks for something that does not exist or makes no sense."""


class QueryError(MonitorError):
    """A query that cannot be meant so: what is wrong, at which characters [start, end) of it, and what to write instead."""

    def __init__(self, message: str, span: tuple[int, int], hint: str) -> None:
        self.message, self.span, self.hint = message, span, hint
        super().__init__(f"{message}; {hint}")


class StoreError(MonitorError):
    """The database cannot be used."""


class StoreTooNew(StoreError):  # noqa: N818 - reads as a sentence where it is caught
    """The database was written by a newer program that older ones may not open."""


class StoreBusy(StoreError):  # noqa: N818
    """Another service holds the database, or it stayed locked past the deadline."""


class StoreBroken(StoreError):  # noqa: N818
    """The database is corrupt, read-only or its disk is full."""


class TemplateError(MonitorError):
    """A template does not compile or does not render."""


class ScenarioError(MonitorError):
    """A replay scenario cannot be played."""


class NotRunning(MonitorError):  # noqa: N818
    """No service answers on the control socket."""
