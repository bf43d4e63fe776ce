"""The worker process: reads documents from its input, writes what they say to its output, and lives under limits.

Started by lanes.py as `python -c "from monitor.feeds.worker import main; main()"`. A message is four bytes of length (big-endian)
and a pickle; a job has four more bytes between the two, the milliseconds of computing that it may take.
Only this process imports what parses; of the product it imports only what that needs, and its environment holds no secrets.
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
import sys
from typing import Any, BinaryIO

from monitor.model import FailureKind, PollFailure
from monitor.ports import ParsedFeed

OUT_OF_MEMORY = 77
"""Exit code of a worker that reached its limit of memory: it ends, because what is left of its memory is in pieces."""


def main() -> None:
    """Serve until the input ends. Argument: bytes of address space."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not end up among the messages
    _limit(int(sys.argv[1]))
    from monitor.feeds.document import parse_document, parse_part
    from monitor.feeds.spans import Part

    def outcome(job: Any) -> ParsedFeed | PollFailure:
        document, content_type, url, limits = job
        if isinstance(document, Part):
            return parse_part(document, url, limits)
        return parse_document(document, content_type, url, limits)

    while (received := receive(source)) is not None:
        milliseconds, job = received
        signal.setitimer(signal.ITIMER_PROF, milliseconds / 1000)
        try:
            sink.write(_answer(outcome, job))
            sink.flush()
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)


def _answer(read: Any, job: Any) -> bytes:
    """Return the message of what a document says; an error of the parsers, which hostile documents can provoke, is its failure.

    Only the error's class is named: its text may hold anything from the document.
    """
    try:
        return message(read(job))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the parsers raise, the feed's health shows it
        reason = f"The document cannot be read: it made the parser fail with {type(error).__name__}."
        return message(PollFailure(kind=FailureKind.PARSER_KILLED, reason=reason))


def message(value: Any) -> bytes:
    """Return a value as it goes through the pipe."""
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    return len(data).to_bytes(4, "big") + data


def receive(source: BinaryIO) -> tuple[int, Any] | None:
    """Return the milliseconds of the next job and the job, None at the end of the input: the service is gone or wants no more."""
    head = source.read(8)
    if len(head) < 8:  # noqa: PLR2004
        return None
    size = int.from_bytes(head[:4], "big")
    return int.from_bytes(head[4:], "big"), pickle.loads(source.read(size))  # noqa: S301 - from the service itself


def _limit(memory: int) -> None:
    """Set what holds for the worker's life; a killed one leaves no core file.

    Computing is limited for each document by a timer that counts only that: it ends the process by a signal, also in the
    midst of a library's code. (RLIMIT_CPU counts whole seconds since the start of the process.)
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
