"""The two parsers of YAML, the fast one and the one whose errors are good, make the same documents of the same text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import law

from monitor.settings import document
from monitor.settings.document import Document, read_document

CONFIG = Path(__file__).parents[2] / "config"
FILE = Path("odd.yaml")

ODD = {
    "nothing": "",
    "a comment": "# nothing\n",
    "an anchor": "a: &x {k: 1}\nb: *x\n",
    "an anchor twice": "a: &x 1\nb: &x 2\nc: *x\n",
    "an alias in a list": "a: &x [1, 2]\nb: [*x, *x]\n",
    "an alias for a key": "a: &x k\n*x : 1\n",
    "a merge": "a: &x {k: 1}\nb:\n  <<: *x\n  l: 2\n",
    "a quoted merge": 'a: {"<<": 1}\n',
    "words of old for true": "a: yes\nb: no\nc: on\nd: off\ne: y\nf: Yes\ng: TRUE\nh: false\n",
    "nothing as a value": "a: null\nb: ~\nc:\nd: Null\ne: ''\n",
    "dates": "a: 2022-01-05\nb: 2022-01-05T10:00:00Z\nc: 2022-01-05 10:00:00\n",
    "numbers": "a: 010\nb: 0o10\nc: 0x1F\nd: 1_000\ne: 1e3\nf: .5\ng: .inf\nh: .nan\ni: +1\nj: 0b11\nk: 1:30\nl: -0\n",
    "old YAML": "%YAML 1.1\n---\na: yes\nb: 010\nc: 1:30\n",
    "new YAML": "%YAML 1.2\n---\na: yes\nb: 010\n",
    "an equals sign": "a: =\nb: =word\n",
    "a key twice": "a: 1\nb: 2\na: 3\n",
    "a key twice inside": "a:\n  k: 1\n  k: 2\n",
    "tags": "a: !!str 5\nb: !x 5\nc: !!python/object:os.system x\nd: !!set {a}\n",
    "tagged maps and lists": "a: !x {b: 1}\nc: !!omap [a: 1]\n",
    "texts over lines": "a: |\n  one\n  two\nb: >-\n  one\n  two\n\n  three\nc: one\n  two\nd: 'one\n  two'\n",
    "kept ends": "a: |+\n  one\n\n\nb: |2-\n    one\n",
    "escapes": "a: \"\\u0430\\t\\n\\x41\\N\\_\\L\"\nb: 'it''s'\n",
    "quotes as keys": "\"a b\": 1\n'c': 2\n? d\n: 3\n",
    "other kinds of keys": "1: a\ntrue: b\nnull: c\n2022-01-01: d\n",
    "a map as a key": "{a: 1}: b\n",
    "flow": "a: {b: [1, {c: d}], e}\nf: [a, b: c]\n",
    "flow over lines": "a: [\n  1,\n  2,\n]\nb: {\n  c: d,\n}\n",
    "windows lines": "a: 1\r\nb:\r\n- x\r\n- y\r\nc: |\r\n  one\r\n  two\r\n",
    "old mac lines": "a: 1\rb: 2\r",
    "a byte order mark": "\ufeffa: 1\nb: 2\n",
    "other ends of lines": "a: one\u0085b: two\nc: one\u2028d: two\ne: x\u2029\nf: y\n",
    "letters of all kinds": "қала: Қарағанды\nemoji: 🔥\narab: الماتى\nzero: a\u200bb\n",
    "a no-break space": "a:\u00a0b\nc: d\u00a0\n",
    "documents marked": "---\na: 1\n...\n",
    "two documents": "a: 1\n---\nb: 2\n",
    "a list at the top": "- a\n- b\n",
    "a word at the top": "word\n",
    "tabs to indent": "a:\n\tb: 1\n",
    "tabs between": "a:\t1\nb: [1,\t2]\nc: d\t# e\n",
    "tabs in a list": "a:\n-\tb\n",
    "tabs at the end": "a: 1\t\n\t\nb: 2\n",
    "a tab in a text": "a: 'b\tc'\nd: |\n  e\tf\n",
    "a comment without space": "a: b#c\nd: e #f\n",
    "a colon in a text": "a: b: c\n",
    "a colon in an address": "a: https://a.example:80/x\nb: [https://a.example/x]\nc: {d: e:f}\n",
    "an open bracket": "a: [1, 2\nb: 3\n",
    "an open quote": "a: 'x\nb: 3\n",
    "an unknown alias": "a: *x\n",
    "an alias within itself": "a: &x [*x]\n",
    "signs at the start": "a: @x\n",
    "a grave": "a: `x`\n",
    "a percent sign": "a: %x\n",
    "a star": "a: protest*\nb: '*'\n",
    "a question mark": "a: ?x\nb: [?x]\n",
    "a dash": "a: -x\nb: -\n",
    "variables": "a: ${HOME_OF}\nb: $${x}\nc: ${MISSING}\nd: ${\n",
    "long text": f"a: {'word ' * 3000}\n",
    "a long key": f"{'k' * 1100}: 1\n",
    "deep": "a: " + "[" * 30 + "]" * 30 + "\n",
    "a control character": "a: \x01\n",
    "a comment behind a sign": "a: |  # why\n  text\nb: >-  # why\n  text\n",
    "no text behind a sign": "- | #x\n- b\n",
    "nested dashes": "a:\n- - - x\n    - y\n",
    "indented wrongly": "a:\n  b: 1\n c: 2\n",
    "lists at the key's level": "a:\n- x\nb:\n  - y\n",
    "a list and a key": "a:\n- x\nb\n",
    "ignored": "x-a: {b: !z 1}\nc: 2\n",
    "half a pair": "a: \ud83d\n",
}


def readings(text: str, monkeypatch: pytest.MonkeyPatch) -> tuple[object, object]:
    """Return what the fast parser with the slow one behind it makes of a text, and what the slow one alone does."""
    environ = {"HOME_OF": "secret"}
    both = read_document(FILE, environ, text)
    with monkeypatch.context() as patched:
        patched.setattr(document, "_compose_fast", lambda _text: None)
        return both, read_document(FILE, environ, text)


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_both_parsers_read_odd_files_alike(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    both, slow = readings(text, monkeypatch)
    assert both == slow


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: " + "{a: " * 2000, "is nested too deeply"),
        ("a: \x01\n", "is not valid YAML: unacceptable character #x0001: special characters are not allowed"),
        ("\n\n| #{[", "is not valid YAML"),
    ],
)
def test_what_neither_parser_takes_is_a_mistake_and_no_crash(text: str, message: str) -> None:
    found, (mistake,) = read_document(FILE, {}, text)
    assert found is None
    assert mistake.message == message


def test_lines_folded_into_one_leave_nothing_between_them() -> None:
    found, _ = read_document(FILE, {}, "%YAML 1.2\n---\na: >-\n  one\n  two\n\n  three\n")
    assert found is not None
    assert found.data == {"a": "one two\nthree"}


SHIPPED = sorted(CONFIG.rglob("*.yaml"), key=lambda file: file.stat().st_size)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: str(file.relative_to(CONFIG)))
def test_both_parsers_read_the_shipped_files_alike(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both, slow = readings(file.read_text(encoding="utf-8"), monkeypatch)
    assert both == slow
    assert isinstance(both, tuple)
    assert isinstance(both[0], Document)


PIECES = [
    "a",
    "b: ",
    "- ",
    "  ",
    "\n",
    "\n  ",
    "\n- ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    ": ",
    "'",
    '"',
    "#",
    " #",
    "&x ",
    "*x ",
    "|",
    ">",
]
PIECES += [
    "\n",
    "\n",
    "a: ",
    "<<: ",
    "!x ",
    "---\n",
    "\t",
    "\r\n",
    "🔥",
    "é",
    "010",
    "yes",
    "~",
    "? ",
    "%",
    "@",
    "\u2028",
    "\ufeff",
]


@law
@given(text=st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_what_the_fast_parser_takes_the_other_reads_alike(text: str) -> None:
    with pytest.MonkeyPatch.context() as patched:
        both, slow = readings(text, patched)
    assert both == slow
