"""The worker process: reads documents from its input, writes what they say to its output, and lives under limits.

Started by parse.py as `python -c "from monitor.feeds.worker import main; main()"`. A message is four bytes of length (big-endian) and a pickle.
Only this process imports what parses; of the product it imports only what that needs, and its environment holds no secrets.
"""

from __future__ import annotations

import os
import pickle
import resource
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

from monitor.feeds.limits import Limits
from monitor.model import FailureKind, PollFailure
from monitor.ports import ParsedFeed

OUT_OF_MEMORY = 77
"""Exit code of a worker that reached its limit of memory: it ends, because what is left of its memory is in pieces."""


def main() -> None:
    """Serve until the input ends. Arguments: bytes of address space, seconds of CPU for one document."""
    memory, cpu_seconds = int(sys.argv[1]), int(sys.argv[2])
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not end up among the messages
    _limit(memory)
    from monitor.feeds.document import parse_document

    while (job := receive(source)) is not None:
        _limit_cpu(cpu_seconds)
        try:
            sink.write(message(_outcome(parse_document, job)))
            sink.flush()
        except MemoryError:
            os._exit(OUT_OF_MEMORY)


def _outcome(
    parse: Callable[[bytes, str | None, str, Limits], ParsedFeed | PollFailure],
    job: tuple[bytes, str | None, str, Limits],
) -> ParsedFeed | PollFailure:
    """Return what a document says; an error of the parsers, which hostile documents can provoke, is that feed's failure.

    Only the error's class is named: its text may hold anything from the document.
    """
    try:
        return parse(*job)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the parsers raise, the feed's health shows it
        reason = f"The document cannot be read: it made the parser fail with {type(error).__name__}."
        return PollFailure(kind=FailureKind.PARSER_KILLED, reason=reason)


def message(value: Any) -> bytes:
    """Return a value as it goes through the pipe."""
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    return len(data).to_bytes(4, "big") + data


def receive(source: BinaryIO) -> Any:
    """Return the next value, None at the end of the input: the service is gone or wants no more."""
    size = source.read(4)
    if len(size) < 4:  # noqa: PLR2004
        return None
    return pickle.loads(source.read(int.from_bytes(size, "big")))  # noqa: S301 - from the service itself


def _limit(memory: int) -> None:
    """Set what holds for the worker's life; a killed one leaves no core file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _limit_cpu(seconds: int) -> None:
    """Give the next document its CPU time: the limit is for a whole process, so the soft one is moved along."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime) + 1 + seconds, hard))
