"""Console: one line for each alert on standard output or standard error.

The line is written in the event loop, like the service's log lines: a terminal or pipe that takes no more text stops both,
and a thread for it would only hide that.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field

from monitor.channels.options import Reading
from monitor.channels.retry import HTTP_SCHEDULE
from monitor.model import Alert, BadEndpoint, Delivered, Delivery, Message, Outcome, Part, Recipient
from monitor.net.client import Http

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
"""What acts on a terminal instead of being shown: controls and their sequences, line ends, changes of direction."""


class ConsoleOptions(Reading):
    """`kind: console`."""

    stream: Literal["stdout", "stderr"] = Field(default="stdout", description="Where the lines go.")


class ConsoleChannel:
    """The terminal or log of the service; see `ports.Channel`."""

    Options: ClassVar[type[ConsoleOptions]] = ConsoleOptions
    kind = "console"
    deadline = timedelta(seconds=5)
    concurrency = 1
    schedule: Sequence[timedelta] = HTTP_SCHEDULE
    wants: Collection[Part] = (Part.LINE,)

    def __init__(self, name: str, options: ConsoleOptions) -> None:
        self.name = name
        self.recipients: tuple[Recipient, ...] = (
            Recipient(address=options.stream, language=options.reads, zone=options.clock),
        )
        self._stream: Literal["stdout", "stderr"] = options.stream

    @classmethod
    def build(cls, name: str, options: Any, *, http: Http, data_dir: Path) -> Self:
        """Return the channel; it needs neither client nor directory."""
        del http, data_dir
        return cls(name, ConsoleOptions.of(options))

    def compose(self, message: Message, *, alert: Alert, delivery_id: str, recipient: Recipient) -> bytes:
        """Return the line, without what a terminal would obey."""
        del alert, delivery_id, recipient
        return (_UNSAFE.sub(" ", message.line).strip() + "\n").encode()

    async def send(self, delivery: Delivery, *, now: datetime) -> Outcome:
        """Write the line. Letters that the terminal's encoding lacks are shown as escapes."""
        del now
        stream = sys.stdout if self._stream == "stdout" else sys.stderr
        encoding = getattr(stream, "encoding", None) or "utf-8"
        try:
            stream.write(delivery.payload.decode().encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()
        except (
            OSError,
            ValueError,
            AttributeError,
        ) as error:  # a closed pipe, a closed stream, no stream at all (None)
            return BadEndpoint(reason="closed", detail=f"{self._stream} takes no text: {error}")
        return Delivered(detail=f"written to {self._stream}")

    async def aclose(self) -> None:
        """Do nothing: the stream belongs to the process."""
