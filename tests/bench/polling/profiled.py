"""`monitor` under cProfile, every thread of it, in CPU time: `python profiled.py run --config DIR`.

At SIGUSR1 the figures so far are written into the working directory as profile-PID-1.json, profile-PID-2.json, ...: what lies between two of
them is what one phase took. Parse workers are processes of their own and are not in it. From Python 3.12 on only one thread can be profiled at a
time: then the event loop's thread is, and the worker threads (store, decider) are not.
"""

from __future__ import annotations

import cProfile
import json
import os
import signal
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import FrameType

_profiles: list[cProfile.Profile] = []
_written = 0


def _begin() -> cProfile.Profile:
    profile = cProfile.Profile(time.thread_time)
    _profiles.append(profile)
    profile.enable()
    return profile


def _write(_signal: int, _frame: FrameType | None) -> None:
    """Write calls, own seconds and seconds with callees of every function; runs in the main thread and is not in its figures."""
    _profiles[0].disable()
    _write_all()
    _profiles[0].enable()


def _write_all() -> None:
    global _written  # noqa: PLW0603 - one counter of one process
    total: defaultdict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
    for profile in _profiles:
        for row in profile.getstats():
            code = row.code
            name = code if isinstance(code, str) else f"{_short(code.co_filename)}:{code.co_firstlineno} {code.co_name}"
            sums = total[name]
            sums[0] += row.callcount
            sums[1] += row.inlinetime
            sums[2] += row.totaltime
    _written += 1
    target = Path(f"profile-{os.getpid()}-{_written}.json")
    target.with_suffix(".part").write_text(json.dumps(total))
    target.with_suffix(".part").rename(target)


def _short(path: str) -> str:
    parts = Path(path).parts
    for known in ("site-packages", "monitor"):
        if known in parts:
            return "/".join(parts[parts.index(known) + (known == "site-packages") :])
    return "/".join(parts[-2:])


def _profile_threads() -> None:
    """Give every thread a profile of its own."""
    run = threading.Thread.run

    def profiled(self: threading.Thread) -> None:
        try:
            profile = _begin()
        except ValueError:  # Python 3.12 and later: another one is active
            _profiles.pop()
            run(self)
            return
        try:
            run(self)
        finally:
            profile.disable()

    threading.Thread.run = profiled  # type: ignore[method-assign]


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _write)
    from monitor.__main__ import main

    sys.argv[0] = "monitor"
    _begin()
    _profile_threads()
    main()
