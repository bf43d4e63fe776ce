"""One YAML file as plain values that know their lines.

Problem: pydantic tells where in the values a mistake is, people need the line in the file; YAML can build objects, expand
a few lines to gigabytes and hide a key behind a second one of the same name.
Choice: ruamel only composes the node graph (nothing is constructed), and the conversion here refuses tags, counts what it
expands, bounds the depth, sees every doubled key and puts environment variables in, noting each value's line on the way.
Refused: the round-trip loader for reading (it constructs, and its positions are lost on aliases); it serves edit.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from monitor.errors import Mistake

Where = tuple[str | int, ...]
"""The way to a value: keys and list positions from the top of its file."""

MAX_BYTES = 4 * 1024 * 1024
"""Larger than any configuration written by people; a file beyond it was given by mistake."""

MAX_VALUES = 200_000
"""Values after aliases are expanded: a few nested aliases would make billions."""

MAX_DEPTH = 16
"""Levels of nesting; the deepest real path has six."""

IGNORED_PREFIX = "x-"
"""Keys at the top of a file that start so hold anchors for later use and mean nothing by themselves."""

_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_DEEP = re.compile(r"(?:(?:[\[{]|- )\s*){64}")
"""Openings in a row that no configuration has; the parser would take seconds to run out of stack on them."""

_DISPUTED = re.compile("[\t\x85\u2028\u2029\ufeff\ud800-\udfff]|^%|[>|][-+\\d]* *#", re.MULTILINE)
"""What the two parsers read differently: tabs, line ends of other alphabets, marks of byte order, half characters,
directives, comments behind a `>`."""
_FOLD = "\a"
"""Where the round-trip parser folded two lines of a text after `>` into one."""

_STANDARD = "tag:yaml.org,2002:"
_TEXTS = ("str", "timestamp", "value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file's values, the line of each, and the values that came from outside and must not be shown."""

    file: Path
    data: dict[str, Any]
    lines: Mapping[Where, int]
    hidden: frozenset[str] = frozenset()
    """Values of environment variables: scrubbed from messages and from what is shown."""
    broken: frozenset[Where] = frozenset()
    """Values that could not be made and whose mistake is known: no second one is reported for them."""

    def line(self, where: Where) -> int | None:
        """Return the line of a value, of the nearest one around it where the value itself has none."""
        for end in range(len(where), 0, -1):
            if where[:end] in self.lines:
                return self.lines[where[:end]]
        return None

    def mistake(self, where: Where, message: str, instead: str | None = None) -> Mistake:
        """Return a mistake at the line of a value."""
        return Mistake(file=self.file, line=self.line(where), message=message, instead=instead)


def read_document(
    file: Path, environ: Mapping[str, str], text: str | None = None
) -> tuple[Document | None, tuple[Mistake, ...]]:
    """Return the file's values, and its mistakes of form; no document where nothing could be read.

    `text` stands in for the file's content.
    """
    if text is None:
        text, mistake = read_text(file)
        if mistake:
            return None, (mistake,)
    root: Node | None = _compose_fast(text)
    if root is None:
        root, mistake = compose(file, text)
        if mistake:
            return None, (mistake,)
    if root is None:
        return Document(file=file, data={}, lines={}), ()
    if not isinstance(root, MappingNode):
        return None, (_at(file, root, "the file must hold keys with values", "start it with a key such as `feeds:`"),)
    conversion = _Conversion(file=file, environ=environ)
    data = conversion.top(root)
    document = Document(
        file=file,
        data=data,
        lines=conversion.lines,
        hidden=frozenset(filter(None, conversion.hidden)),
        broken=frozenset(conversion.broken),
    )
    return document, tuple(conversion.mistakes)


def read_text(file: Path) -> tuple[str, Mistake | None]:
    """Return the file's text, or the mistake that keeps it from being read."""
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return "", Mistake(
            file=file, line=None, message="there is no such file", instead="`monitor init DIR` writes a complete set"
        )
    except OSError as error:
        return "", Mistake(file=file, line=None, message=f"cannot be read: {error.strerror}")
    if len(data) > MAX_BYTES:
        return "", Mistake(file=file, line=None, message=f"is larger than {MAX_BYTES // 1024 // 1024} MB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return "", Mistake(file=file, line=line, message="is not UTF-8", instead="save the file in UTF-8")
    control = _CONTROL.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        message = f"holds a control character (U+{ord(control.group()):04X})"
        return "", Mistake(file=file, line=line, message=message, instead="delete it")
    return text, None


def compose(file: Path, text: str) -> tuple[Node | None, Mistake | None]:
    """Return the node graph of one YAML document, or the mistake in its syntax."""
    deep = _DEEP.search(text)
    if deep:
        return None, Mistake(file=file, line=text.count("\n", 0, deep.start()) + 1, message="is nested too deeply")
    yaml = YAML(typ="rt", pure=True)
    yaml.composer.warn_double_anchors = False
    try:
        return yaml.compose(text), None
    except MarkedYAMLError as error:
        return None, _syntax(file, error)
    except RecursionError:
        return None, Mistake(file=file, line=None, message="is nested too deeply")
    except YAMLError as error:
        return None, Mistake(file=file, line=None, message=f"is not valid YAML: {str(error).splitlines()[0]}")
    except AssertionError:  # the parser's own, at a comment behind a `|` or `>` that no text follows
        return None, Mistake(
            file=file, line=None, message="is not valid YAML", instead="write text below each `|` or `>`"
        )


def _compose_fast(text: str) -> MappingNode | None:
    """Return the node graph of a mapping as libyaml makes it, in a tenth of the time; None for all else.

    Not for what it reads differently from the parser that edit.py uses. Its errors say less, and its places lack the index that edit.py needs.
    """
    if _DEEP.search(text) or _DISPUTED.search(text):
        return None
    yaml = YAML(typ="safe")
    yaml.composer.warn_double_anchors = False
    try:
        root = yaml.compose(text)
    except (YAMLError, RecursionError):
        return None
    return root if isinstance(root, MappingNode) else None


def _syntax(file: Path, error: MarkedYAMLError) -> Mistake:
    """Return a syntax error in words, at the line where it starts rather than where the parser gave up."""
    problem = error.problem or error.context or "unreadable"
    unclosed = error.context is not None and ("flow" in error.context or "quoted" in error.context)
    mark = error.context_mark if unclosed and error.context_mark else error.problem_mark or error.context_mark
    instead = None
    if "'\\t'" in problem or "\t" in problem:
        problem, instead = "a tab stands where YAML wants spaces", "indent with spaces"
    elif unclosed:
        problem, instead = "a bracket or a quote is opened here and not closed", "close it"
    elif "mapping values" in problem:
        instead = 'put a text that holds ": " in quotes'
    elif "alias" in problem:
        instead = "define the anchor (`&name`) above its first use (`*name`)"
    elif "another document" in problem:
        problem, instead = "a second document starts here", "delete the line `---`"
    line = mark.line + 1 if mark else None
    return Mistake(file=file, line=line, message=f"not valid YAML: {problem}", instead=instead)


def _at(file: Path, node: Node, message: str, instead: str | None = None) -> Mistake:
    return Mistake(file=file, line=node.start_mark.line + 1, message=message, instead=instead)


@dataclass(slots=True, kw_only=True)
class _Conversion:
    """Nodes to plain values, one pass; what is wrong is collected and left out."""

    file: Path
    environ: Mapping[str, str]
    lines: dict[Where, int] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    broken: set[Where] = field(default_factory=set)
    mistakes: dict[Mistake, None] = field(default_factory=dict)
    """In the order found, each once however often an alias repeats it."""
    values: int = 0

    def top(self, root: MappingNode) -> dict[str, Any]:
        return self._mapping(root, (), skip=IGNORED_PREFIX)

    def _value(self, node: Node, where: Where) -> Any:
        self.values += 1
        if self.values == MAX_VALUES + 1:
            self._wrong(node, f"aliases expand to more than {MAX_VALUES} values")
        if self.values > MAX_VALUES:
            return None
        if len(where) > MAX_DEPTH:
            self._wrong(node, "is nested too deeply")
            self.broken.add(where)
            return None
        if isinstance(node, MappingNode):
            return self._mapping(node, where)
        if isinstance(node, SequenceNode):
            return self._sequence(node, where)
        assert isinstance(node, ScalarNode)
        return self._scalar(node, where)

    def _mapping(self, node: MappingNode, where: Where, skip: str | None = None) -> dict[str, Any]:
        self._check_tag(node, "map")
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key is None or (skip and key.startswith(skip)):
                continue
            if key in result:
                first = self.lines[(*where, key)]
                self._wrong(key_node, f"`{key}` stands here a second time (first in line {first})", "keep one of them")
                continue
            self.lines[(*where, key)] = key_node.start_mark.line + 1
            result[key] = self._value(value_node, (*where, key))
        return result

    def _key(self, node: Node) -> str | None:
        if not isinstance(node, ScalarNode):
            self._wrong(node, "a key must be a single word")
            return None
        if node.value == "<<" and not node.style:
            self._wrong(node, "merging with `<<` is not supported", "write the keys out")
            return None
        return str(node.value)

    def _sequence(self, node: SequenceNode, where: Where) -> list[Any]:
        self._check_tag(node, "seq")
        result = []
        for number, item in enumerate(node.value):
            self.lines[(*where, number)] = item.start_mark.line + 1
            result.append(self._value(item, (*where, number)))
        return result

    def _scalar(self, node: ScalarNode, where: Where) -> Any:
        kind = str(node.tag).removeprefix(_STANDARD)
        text = str(node.value).replace(_FOLD, "") if node.style == ">" else str(node.value)
        if kind in _TEXTS:
            return self._expand(node, text, where)
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in {"true", "yes", "on"}
        if kind == "int":
            return _number(text)
        if kind == "float":
            return _decimal(text)
        self._check_tag(node, "str")
        self.broken.add(where)
        return None

    def _check_tag(self, node: Node, expected: str) -> None:
        if str(node.tag) != _STANDARD + expected:
            self._wrong(node, f"tags such as `{node.tag}` are not allowed", "delete the tag")

    def _expand(self, node: ScalarNode, text: str, where: Where) -> str:
        """Put environment variables in; `$${` stands for a literal `${`."""
        if "${" not in text:
            return text

        def replace(found: re.Match[str]) -> str:
            if found.group() == "$${":
                return "${"
            name = found.group(1)
            if name in self.environ:
                self.hidden.add(self.environ[name])
                return self.environ[name]
            self.broken.add(where)
            if name is None:
                message, instead = (
                    "`${` is not followed by the name of a variable and `}`",
                    "write `$${` for the characters",
                )
            else:
                message, instead = (
                    f"the environment variable {name} is not set",
                    f"set {name}, or write `$${{` for `${{`",
                )
            self._wrong(node, message, instead)
            return ""

        return _VARIABLE.sub(replace, text)

    def _wrong(self, node: Node, message: str, instead: str | None = None) -> None:
        self.mistakes[_at(self.file, node, message, instead)] = None


def _number(text: str) -> int | str:
    """Return the number; text where Python reads it differently (the validation then asks for quotes or a number)."""
    try:
        return int(text.replace("_", ""), 0)
    except ValueError:
        return text


def _decimal(text: str) -> float | str:
    try:
        return float(text.replace("_", ""))
    except ValueError:
        return text
