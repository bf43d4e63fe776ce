"""Every conformance case has a test that is named after it, or a word on why not."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from conformance.decided import DECIDED_OTHERWISE

CASES = frozenset(range(1, 119))
NOT_DONE_AT_ALL = frozenset[int]()
"""Cases of things that we do not do; all others need a test, those decided otherwise too."""

NAME = re.compile(r"test_case_(\d{3})_[a-z0-9_]+")


def numbers() -> set[int]:
    functions = (
        node.name
        for file in Path(__file__).parent.glob("test_cases_*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    )
    return {int(match[1]) for name in functions if (match := NAME.fullmatch(name))}


def test_every_case_has_a_test_or_a_reason_why_it_is_not_done() -> None:
    assert sorted(CASES - numbers() - NOT_DONE_AT_ALL) == []


def test_no_test_is_named_after_a_case_that_does_not_exist() -> None:
    assert sorted(numbers() - CASES) == []


def test_what_is_not_done_at_all_is_explained() -> None:
    assert sorted(NOT_DONE_AT_ALL - set(DECIDED_OTHERWISE)) == []


def test_every_explanation_says_something() -> None:
    assert all(number in CASES and len(reason) > 40 for number, reason in DECIDED_OTHERWISE.items())
