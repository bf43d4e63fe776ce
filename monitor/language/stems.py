"""How a keyword is looked for: the beginning of a word, and which endings may follow it.

Problem: one keyword has hundreds of forms (Kazakh chains suffixes without an end), and stemming the text breaks exactly the
names this product is for (measured: Snowball makes two different words of `Токаев` and `Токаева`).
Choice: the keyword is expanded, never the text reduced. A keyword becomes a few stems; a word of a text is a form of it when
it begins with a stem and the rest is an ending that the stem allows. Which endings those are is the language's business
(`russian`, `kazakh`, `english`); finding the stems that a word begins with is the index's.
Refused: writing out all forms (millions), a morphological dictionary (41 MB, and it does not know names).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from monitor.model import Language


class Endings(Protocol):
    """What may follow a stem. Equal objects accept the same endings, so an index may share them."""

    def accepts(self, rest: str) -> bool:
        """Tell whether a folded word may go on with `rest` (possibly empty) after the stem."""
        ...


@dataclass(frozen=True, slots=True)
class Closed:
    """A list of endings."""

    endings: frozenset[str]

    def accepts(self, rest: str) -> bool:
        """Tell whether the rest is one of the endings."""
        return rest in self.endings


@dataclass(frozen=True, slots=True)
class _Any:
    def accepts(self, rest: str) -> bool:  # noqa: ARG002 - the protocol's
        return True


class Case(IntEnum):
    """Which letters of a word a text must write with capitals. Where it writes everything so, capitals say nothing."""

    ANY = 0
    FIRST = 1
    ALL = 2


EXACT = Closed(frozenset({""}))
"""The word as it is."""
ANY = _Any()
"""Any ending: `protest*`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stem:
    """A folded beginning of a word with the endings that may follow it.

    `rule` names in a few words what joined a form to its keyword, for people: `Russian ending`, `Kazakh suffix`, `as written`.
    `case` asks for capitals in the text: of the first letter (names that are common words when written small), or of all
    (acronyms that are: КТО, WHO).
    """

    text: str
    endings: Endings
    rule: str
    language: Language | None = None
    case: Case = Case.ANY
