"""Whether the XML parser below Python is fit to be shown what strangers write (threats S9 to S11).

Python brings libexpat along or uses the system's; either may be years old. Below 2.4.1 a document of some hundred bytes can
take all memory, so the service does not start. One without the newest fixes is worth a warning only: workers can be killed and
hold no secrets, so what is left of a hole there is one feed that fails. Refused: to refuse those too, because nearly every
Python of today would be refused, and distributions mend older releases without changing their number.
"""

from __future__ import annotations

from enum import StrEnum
from xml.parsers import expat

from monitor.errors import MonitorError

LEAST = (2, 4, 1)
"""The first release that bounds what entities grow to (CVE-2013-0340, "billion laughs")."""

PATCHED = (2, 8, 4)
"""Of August 2026. Older ones lack fixes that matter to whoever parses strangers' documents: time that grows with the square of
the attributes (CVE-2026-66046 until 2.8.4, CVE-2026-45186 until 2.8.1), overflows (thirteen until 2.8.2, CVE-2026-50219 among
them), much memory for little input (CVE-2025-59375 until 2.7.2), deep recursion (CVE-2024-8176 until 2.7.0)."""

_REMEDY = (
    "use a Python that was built with a newer libexpat, or update the system's libexpat (Debian, Ubuntu: libexpat1)"
)


class Verdict(StrEnum):
    """What a version of libexpat means for the service."""

    FINE = "fine"
    OLD = "old"
    """It lacks known fixes."""
    REFUSED = "refused"
    """It cannot be defended."""


def version() -> tuple[int, int, int]:
    """Return the version of libexpat that parses feeds."""
    return expat.version_info


def verdict(of: tuple[int, int, int]) -> Verdict:
    """Return what this version means."""
    if of < LEAST:
        return Verdict.REFUSED
    return Verdict.OLD if of < PATCHED else Verdict.FINE


def sentence(of: tuple[int, int, int]) -> str:
    """Return one line for people: the version, and what to do where it is not the best."""
    match verdict(of):
        case Verdict.FINE:
            return f"libexpat {_dotted(of)}"
        case Verdict.OLD:
            return (
                f"libexpat {_dotted(of)} lacks fixes up to {_dotted(PATCHED)} unless your distribution added them: "
                f"feeds can stop their worker, nothing more; {_REMEDY}"
            )
        case Verdict.REFUSED:
            return f"libexpat {_dotted(of)} is too old: a small feed could take all memory; at least {_dotted(LEAST)} is needed: {_REMEDY}"


def require() -> None:
    """Raise `MonitorError` where feeds must not be parsed at all: to be called before a service starts."""
    if verdict(version()) is Verdict.REFUSED:
        raise MonitorError(sentence(version()))


def _dotted(of: tuple[int, int, int]) -> str:
    return ".".join(map(str, of))
