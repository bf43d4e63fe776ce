"""What one run of a command works with: the configuration it means, the store, the running service.

Commands are run by people who are not the service: root on a machine where the service has a user of its own, a colleague whose
shell lacks the service's secrets. So the process takes on the data directory's owner before it touches a file there, and a
command that only needs to find the service does so although the configuration has mistakes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.errors import NotRunning, SettingsError, UsageError

if TYPE_CHECKING:
    from monitor.ports import Store
    from monitor.settings.values import Settings

VARIABLE = "MONITOR_CONFIG"
PLACES = (Path("config"), Path("/etc/monitor"))
"""Where a configuration is looked for when none is named: a checkout or working folder, then the system's place."""

MAIN_FILE = "monitor.yaml"

PLACEHOLDER = "-is-not-set"

ANSWER_LIMIT = 60.0
"""Seconds until a service that took our question is given up: a reload or a status is a matter of milliseconds."""


def find_config(given: Path | None, environ: Mapping[str, str], places: tuple[Path, ...] = PLACES) -> Path:
    """Return the configuration folder that is meant; `UsageError` where none is named and none is found."""
    if given is not None:
        return given
    if environ.get(VARIABLE):
        return Path(environ[VARIABLE])
    for place in places:
        if (place / MAIN_FILE).exists():
            return place
    looked = " and ".join(str(place) for place in places)
    raise UsageError(
        f"no configuration found (looked for {MAIN_FILE} in {looked}): name its folder with --config DIR, "
        "or write a new one with `monitor init DIR`"
    )


@dataclass(slots=True)
class Session:
    """One run of a command. Everything is read when it is first asked for."""

    given: Path | None = None
    debug: bool = False
    _settings: Settings | None = field(default=None, repr=False)

    @property
    def config_dir(self) -> Path:
        """Return the configuration folder."""
        return find_config(self.given, os.environ)

    @property
    def now(self) -> datetime:
        """Return the present, UTC."""
        return datetime.now(UTC)

    def settings(self, *, secrets: bool = False) -> Settings:
        """Return the configuration; `SettingsError` lists all of its mistakes.

        Where the only mistake is that this shell lacks environment variables that the service has, placeholders stand for
        them: who asks for `secrets` to be right gets the error instead.
        """
        from monitor.settings import load

        if secrets:
            return load(self.config_dir, environ=os.environ)
        if self._settings is None:
            try:
                self._settings = load(self.config_dir, environ=os.environ)
            except SettingsError as error:
                self._settings = _without_secrets(self.config_dir, error)
        return self._settings

    def settings_with(self, watches: Path) -> Settings:
        """Return the configuration with another file in the place of watches.yaml; `SettingsError` names that file."""
        from monitor.settings.load import WATCHES, examine

        self.settings()  # what is wrong with the configuration itself is told first
        try:
            text = watches.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{watches}: cannot be read: {error}") from error
        settings, mistakes = examine(self.config_dir, environ=_Lenient(os.environ), texts={WATCHES: text})
        if settings is None:
            own = (replace(each, file=watches) if each.file.name == WATCHES else each for each in mistakes)
            raise SettingsError(tuple(own))
        return settings

    def data_dir(self) -> Path:
        """Return where the service writes, also when other parts of the configuration have mistakes."""
        try:
            return self.settings().data_dir
        except SettingsError:
            found = _data_dir(self.config_dir)
            if found is None:
                raise
            return found

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Give the store for reading and small changes; `StoreError` where the service never ran."""
        settings = self.settings()
        from monitor.store import become_owner, open_store

        become_owner(settings.data_dir)
        store = open_store(settings.store_url, data_dir=settings.data_dir)
        try:
            yield store
        finally:
            store.close()

    @contextmanager
    def store_if_any(self) -> Iterator[Store | None]:
        """Give the store, None where the service never ran: for commands that show the configuration all the same."""
        if self.has_store():
            with self.store() as store:
                yield store
        else:
            yield None

    def has_store(self) -> bool:
        """Tell whether there is a database; one on a server is taken to be there."""
        scheme, _, path = self.settings().store_url.partition(":///")
        if not scheme.startswith("sqlite"):
            return True
        return (self.settings().data_dir / path.partition("?")[0]).exists()

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """Ask the running service for one thing; `NotRunning` when none answers."""
        data_dir = self.data_dir()
        from monitor.store.ownership import become_owner

        become_owner(data_dir)
        return asyncio.run(_asked(data_dir, op, fields))


class _Lenient(dict[str, str]):
    """An environment in which every variable is set."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return name + PLACEHOLDER


def _without_secrets(config_dir: Path, error: SettingsError) -> Settings:
    """Return the settings with placeholders for missing variables; raise the error where that is not all that is wrong."""
    from monitor.settings import load

    try:
        settings = load(config_dir, environ=_Lenient(os.environ))
    except SettingsError:
        raise error from None
    if PLACEHOLDER in settings.store_url:
        raise error
    return settings


async def _asked(data_dir: Path, op: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    from monitor.service.control import ControlClient, socket_path

    path = socket_path(data_dir)
    client = await ControlClient.connect(path)
    try:
        async with asyncio.timeout(ANSWER_LIMIT):
            return await client.call(op, **fields)
    except TimeoutError:
        raise NotRunning(
            f"the service at {path} took the question and gave no answer within {ANSWER_LIMIT:.0f} s: "
            "look at its log, or restart it"
        ) from None
    finally:
        await client.aclose()


def _data_dir(config_dir: Path) -> Path | None:
    """Return the data directory that monitor.yaml states, None where that part of it cannot be read."""
    from monitor.settings.document import read_document
    from monitor.settings.monitor_file import basics, data_dir
    from monitor.settings.validate import Findings

    folder = config_dir.absolute()
    document, _ = read_document(folder / MAIN_FILE, os.environ)
    found = basics(document, Findings()) if document else None
    return data_dir(found.store, folder, os.environ) if found else None
