"""The configuration in effect, as plain values for `monitor config show`: secrets are `***` wherever they stand."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from monitor.model import Secret, Severity
from monitor.settings.load import SHORTEST_HIDDEN, hide_password, scrub
from monitor.settings.values import Settings
from monitor.settings.words import say_duration

MASK = "***"


def show(settings: Settings) -> dict[str, Any]:
    """Return the effective configuration as JSON values; nothing in it came from a secret or an environment variable."""
    hidden = [value for value in (secret.reveal() for secret in settings.hidden) if len(value) >= SHORTEST_HIDDEN]
    values = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    del values["hidden"]
    values["gazetteer"] = {"entries": len(settings.gazetteer.entities), "key": settings.gazetteer.key}
    values["store_url"] = hide_password(settings.store_url)
    return {key: _plain(value, sorted(hidden, key=len, reverse=True)) for key, value in values.items()}


def _plain(value: Any, hidden: list[str]) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    elif dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item, hidden) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, hidden) for item in value]
    return _leaf(value, hidden)


def _leaf(value: Any, hidden: list[str]) -> Any:
    match value:
        case Secret() | SecretStr():
            result: Any = MASK
        case Severity():
            result = value.word
        case timedelta():
            result = say_duration(value)
        case str() | Path():
            result = scrub(str(value), hidden)
        case _:
            result = value
    return result
