"""Ways out: one file per kind of channel, and the decisions about retries and health (`retry`).

A new kind is one file with a class that fulfils `ports.Channel` and carries its `Options`, one line in `KINDS`, and its
name in the contract suite.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monitor.channels.console import ConsoleChannel
from monitor.channels.email import EmailChannel
from monitor.channels.jsonl import JsonlChannel
from monitor.channels.webhook import WebhookChannel
from monitor.net.client import Http
from monitor.ports import Channel

__all__ = ["KINDS", "build"]

Kind = type[EmailChannel] | type[WebhookChannel] | type[ConsoleChannel] | type[JsonlChannel]

KINDS: Mapping[str, Kind] = {
    "email": EmailChannel,
    "webhook": WebhookChannel,
    "console": ConsoleChannel,
    "jsonl": JsonlChannel,
}
"""By the word that stands after `kind:`; `KINDS[kind].Options` is the model of what stands beside it."""


def build(name: str, kind: str, options: Any, *, http: Http, data_dir: Path) -> Channel:
    """Return a channel. `options` are an instance of its `Options` or a mapping to check (`pydantic.ValidationError`).

    `http` is the shared client, closed by who made it; `data_dir` is where a channel that writes files has them.
    """
    return KINDS[kind].build(name, options, http=http, data_dir=data_dir)
