"""A file with one JSON line for each delivery: the record that needs no other service.

A line is the webhook's event with the delivery's id in front, so a repeat after a crash can be seen. A crash or a full disk
can leave a torn last line; the next line then starts on a line of its own.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field, field_validator

from monitor.channels import event
from monitor.channels.options import Reading, fault
from monitor.channels.retry import HTTP_SCHEDULE
from monitor.model import Alert, Ambiguous, BadEndpoint, Delivered, Delivery, Message, Outcome, Part, Recipient, Retry
from monitor.net.client import Http

DEFAULT = Path("alerts.jsonl")

_MODE = 0o640
"""Alerts may be confidential: not for everyone on the machine."""

_PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EAGAIN, errno.EINTR, errno.EMFILE, errno.ENFILE})
"""Errors that pass without anyone changing the configuration; all others are held against the path."""


class JsonlOptions(Reading):
    """`kind: jsonl`."""

    path: Path = Field(default=DEFAULT, description="The file; relative to the data directory.")

    @field_validator("path")
    @classmethod
    def _file(cls, value: Path) -> Path:
        if not value.name or "\0" in str(value):
            raise fault("is not the path of a file", f"write it like {DEFAULT}")
        return value


class JsonlChannel:
    """One file; see `ports.Channel`."""

    Options: ClassVar[type[JsonlOptions]] = JsonlOptions
    kind = "jsonl"
    deadline = timedelta(seconds=60)
    concurrency = 1
    schedule: Sequence[timedelta] = HTTP_SCHEDULE
    wants: Collection[Part] = ()

    def __init__(
        self, name: str, options: JsonlOptions, data_dir: Path, *, _deadline: timedelta = timedelta(seconds=60)
    ) -> None:
        self.name = name
        self.deadline = _deadline
        self.recipients: tuple[Recipient, ...] = (
            Recipient(address=str(options.path), language=options.reads, zone=options.clock),
        )
        self._path = data_dir / options.path

    @classmethod
    def build(cls, name: str, options: Any, *, http: Http, data_dir: Path) -> Self:
        """Return the channel; the file is made with its first line."""
        del http
        return cls(name, JsonlOptions.of(options), data_dir)

    def compose(self, message: Message, *, alert: Alert, delivery_id: str, recipient: Recipient) -> bytes:
        """Return the line."""
        del alert, recipient
        return event.encode({"delivery_id": delivery_id, **message.data}) + b"\n"

    async def send(self, delivery: Delivery, *, now: datetime) -> Outcome:
        """Append the line and wait until it is on the disk."""
        del now
        try:
            async with asyncio.timeout(self.deadline.total_seconds()):
                await asyncio.to_thread(append, self._path, delivery.payload)
        except TimeoutError:  # the thread goes on and may still write it
            detail = f"{self._path} was not written within {self.deadline.total_seconds():g} s"
            return Ambiguous(reason="timeout", detail=detail)
        except OSError as error:
            detail = f"{self._path} cannot be written: {error.strerror}"
            if error.errno in _PASSING:
                return Retry(reason="disk", detail=detail)
            return BadEndpoint(reason="path", detail=detail)
        return Delivered(detail=f"written to {self._path}")

    async def aclose(self) -> None:
        """Do nothing: the file is open only while a line is written."""


def append(path: Path, line: bytes) -> None:
    """Append a line and sync it; after a torn line start a new one. Raises `OSError`; then a part may have been written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _MODE)
    try:
        size = os.fstat(handle).st_size
        torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        left = b"\n" + line if torn else line
        while left:
            left = left[os.write(handle, left) :]
        os.fsync(handle)
    finally:
        os.close(handle)
    if is_new:
        _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    """Make the name of a new file as durable as its content."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
