"""The configuration of a replayed service: the user's watches and templates, the scenario's outlets, the local inbox."""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from monitor.errors import ScenarioError
from monitor.replay.scenario import Outlet, Scenario

LOOPBACK = "127.0.0.0/8"

CHANNELS = ("mail", "hook")
"""Names of the two channels, both of every route."""

RECIPIENT = "desk@newsroom.example"

SECRET = "whsec_" + base64.b64encode(hashlib.sha256(b"replay inbox").digest()).decode()
"""Signs the webhooks of a replay. No secret: sender and receiver are this machine, and every run may know it."""


ONE_MACHINE = {"per_host": 10, "per_domain": 50, "host_spacing": "0s"}
"""Limits of a run whose publishers are all this machine, and whose minutes pass in moments: politeness would only slow it down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the run's local parts listen."""

    feeds: Mapping[str, str]
    """URL by outlet id."""
    smtp_port: int
    hook_url: str


def write_config(
    folder: Path, scenario: Scenario, addresses: Addresses, *, user: Path, data_dir: Path, store_url: str | None
) -> tuple[str, ...]:
    """Write the run's configuration; return the names of watches left out because they name feeds the scenario lacks."""
    folder.mkdir(parents=True, exist_ok=True)
    original = _read(user / "monitor.yaml", required=False)
    _write(folder / "monitor.yaml", _monitor(scenario, original, addresses, data_dir, store_url))
    _write(folder / "feeds.yaml", {"feeds": [_feed(outlet, addresses.feeds[outlet.id]) for outlet in scenario.outlets]})
    for name in ("templates", "gazetteer"):
        if (user / name).is_dir():
            shutil.copytree(user / name, folder / name, dirs_exist_ok=True)
    return _watches(user / "watches.yaml", folder / "watches.yaml", scenario.outlets)


def _monitor(
    scenario: Scenario, original: Mapping[str, Any], addresses: Addresses, data_dir: Path, store_url: str | None
) -> dict[str, Any]:
    """Return monitor.yaml: the user's situation, defaults and routes, with every route leading into the inbox."""
    situation = original.get("situation") or {"id": scenario.name, "name": scenario.title, "zone": scenario.zone}
    routes = original.get("routes") or {"default": {}}
    config: dict[str, Any] = {
        "situation": situation,
        "store": {"data_dir": str(data_dir), **({"url": store_url} if store_url else {})},
        "service": {"log": "console", "contact": "https://situation-monitor.example/replay"},
        "polling": {**(original.get("polling") or {}), **ONE_MACHINE},
        "http": {"listen": "none"},
        "channels": {
            "mail": {
                "kind": "email",
                "host": "127.0.0.1",
                "port": addresses.smtp_port,
                "tls": "none",
                "from": "Monitor <monitor@newsroom.example>",
                "to": [RECIPIENT],
            },
            "hook": {"kind": "webhook", "url": addresses.hook_url, "secret": SECRET, "allow_networks": [LOOPBACK]},
        },
        "routes": {name: {**(row or {}), "channels": list(CHANNELS)} for name, row in routes.items()},
    }
    for name in ("defaults", "operator"):
        if original.get(name):
            config[name] = original[name]
    return config


def _feed(outlet: Outlet, url: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": outlet.id,
        "name": outlet.name,
        "url": url,
        "language": outlet.language,
        "allow_networks": [LOOPBACK],
    }
    if outlet.grade:
        row["grade"] = outlet.grade
    if outlet.group:
        row["group"] = outlet.group
    return row


def _watches(source: Path, target: Path, outlets: Iterable[Outlet]) -> tuple[str, ...]:
    """Copy the watches as they are, unless some are limited to feeds or groups that are not there."""
    ids = {outlet.id for outlet in outlets}
    groups = {outlet.group for outlet in outlets if outlet.group}
    content = _read(source, required=True)
    rows = content.get("watches") or []
    left_out = tuple(
        str(row.get("name"))
        for row in rows
        if isinstance(row, dict) and (set(row.get("feeds") or ()) - ids or set(row.get("groups") or ()) - groups)
    )
    if left_out:
        kept = [row for row in rows if not (isinstance(row, dict) and str(row.get("name")) in left_out)]
        _write(target, {**content, "watches": kept})
    else:
        shutil.copyfile(source, target)
    return left_out


def _read(file: Path, *, required: bool) -> dict[str, Any]:
    """Return a file of the user as plain values; the service reads and judges it properly later."""
    try:
        content = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise ScenarioError(f"{file} is missing: a replay needs watches; `monitor init DIR` writes some") from None
        return {}
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise ScenarioError(f"{file} cannot be read: {error}") from error
    return content if isinstance(content, dict) else {}


def _write(file: Path, content: Mapping[str, Any]) -> None:
    text = io.StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.dump(dict(content), text)
    file.write_text("# Written by `monitor replay`.\n" + text.getvalue(), encoding="utf-8")
