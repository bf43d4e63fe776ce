"""A complete configuration, ready for Kazakhstan, written where the user wants it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from monitor.errors import UsageError

PACKAGED = "starter"
"""Folder inside the installed package (pyproject puts config/ there); a source checkout has config/ itself."""


def source() -> Traversable:
    """Return the folder the starter configuration is read from."""
    packaged = files("monitor") / PACKAGED
    if packaged.is_dir():
        return packaged
    checkout = Path(__file__).resolve().parents[2] / "config"
    if not checkout.is_dir():
        raise UsageError("this installation carries no starter configuration; install it again")
    return checkout


def write_starter(folder: Path) -> tuple[Path, ...]:
    """Write the starter configuration into a folder and return the files written.

    Existing files are never touched: if one would be, nothing is written and UsageError names them all.
    """
    wanted = {folder / name: content for name, content in _walk(source(), Path())}
    existing = [path for path in wanted if path.exists()]
    if existing:
        listed = "\n".join(f"  {path}" for path in existing)
        raise UsageError(
            f"nothing was written: these files exist already\n{listed}\nchoose another folder or move them away"
        )
    try:
        for path, content in wanted.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as opened:
                opened.write(content.read_bytes())
    except OSError as error:
        raise UsageError(f"{error.filename or folder} cannot be written: {error.strerror}") from error
    return tuple(wanted)


def _walk(folder: Traversable, name: Path) -> Iterator[tuple[Path, Traversable]]:
    """Yield the files of a folder with their names in it, in order."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.startswith((".", "__")):
            continue
        if entry.is_dir():
            yield from _walk(entry, name / entry.name)
        else:
            yield name / entry.name, entry
