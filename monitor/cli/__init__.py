"""The command line: all printing and all exit codes. Commands build concrete parts and decide nothing themselves.

    command     how a command is made: session, shared options, errors as sentences and exit codes
    session     the configuration that is meant, the store, the running service
    output      tables and JSON on stdout, talk and progress on stderr
    shapes      the keys of `--json`

What is heavy (database, HTTP, templates) is imported inside the commands that use it: `monitor --help` answers at once.
"""

from __future__ import annotations

import sys
from io import TextIOWrapper

from monitor.cli.app import app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line. A character that the terminal's encoding lacks is shown as its escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="monitor")
