"""Logs: events with fields on stdout, as lines for people or as JSON for machines. The only user of structlog's setup.

Control characters of feeds are escaped by both renderers, so a headline cannot write a log line of its own. Trap: structlog's
default tracebacks show local variables, secrets among them; both forms here use the plain one.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog


def configure(log_format: str, *, level: int = logging.INFO) -> None:
    """Send events and the libraries' warnings to stdout as `console` or `json`."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if log_format == "json":
        final: list[Any] = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stdout.isatty(), sort_keys=False, exception_formatter=structlog.dev.plain_traceback
        )
        final = [_escape, renderer]
    structlog.configure(
        processors=[*shared, *final],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[_drop_meta, *final], foreign_pre_chain=shared))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a tick that waits for the last one is no news


def _escape(_logger: Any, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value.encode("unicode_escape").decode() if isinstance(value, str) and not value.isprintable() else value
        for key, value in event.items()
        if key != "exception" or not isinstance(value, str)
    } | ({"exception": event["exception"]} if "exception" in event else {})


def _drop_meta(logger: Any, name: str, event: Any) -> Any:
    return structlog.stdlib.ProcessorFormatter.remove_processors_meta(logger, name, event)
