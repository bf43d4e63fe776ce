"""What every test begins with: the log as no other test left it, and the same terminal everywhere."""

import logging

import pytest
import structlog


@pytest.fixture(autouse=True)
def untouched_logs():
    """A command under test configures logging for its own, soon closed, output."""
    structlog.reset_defaults()
    logging.getLogger().handlers = [
        handler for handler in logging.getLogger().handlers if type(handler) is not logging.StreamHandler
    ]
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def the_same_terminal(monkeypatch):
    """Colours and widths must not depend on who runs the tests where."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
