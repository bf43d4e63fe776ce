"""Workers that end at once when they open a file that is no library, or reach for the network or another program."""

from __future__ import annotations

FORBIDDEN = 88
"""Exit code of a worker that did."""

WATCHED = f"""
import os, sys
from monitor.feeds import document, worker
LIBRARIES = tuple({{sys.prefix, sys.base_prefix, *filter(None, sys.path)}})
def hook(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)) and not os.fsdecode(arguments[0]).startswith(LIBRARIES):
        os._exit({FORBIDDEN})
    if event.startswith(("socket.", "subprocess.", "os.exec", "os.system", "os.posix_spawn", "urllib.")):
        os._exit({FORBIDDEN})
sys.addaudithook(hook)
"""
"""The beginning of their command."""

COMMAND = f"{WATCHED}\nworker.main()"
"""In place of `lanes.COMMAND`."""
