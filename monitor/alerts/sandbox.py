"""The template sandbox: what a template may do, and for how long.

jinja2's sandbox keeps templates from reaching Python's insides, but lets them run and write for ever. Here every loop turn and
macro call takes a step from a budget and the output is bounded, so that even a template that was never checked cannot hold
up the alerts behind it. Whether text is escaped depends on the part that is written, never on the name of the file: a line
template included by an HTML template is escaped there.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from monitor.alerts.feedtext import Piece, cut, isolated

MAX_STEPS = 20_000
"""Turns of loops and calls of macros in one rendering: ours need under 200; an endless loop ends in about 0.1 s (measured)."""

MAX_OUTPUT = 2_000_000
"""Characters one template may write."""

MARK = "background:#ffeeb3;color:#1d2939;border-radius:3px;padding:0 2px"
"""Look of a matched word; the class `hit` changes it on dark screens."""


class Failure(Exception):  # noqa: N818 - an expected outcome inside this package
    """A template did not compile, did not render, or wrote what cannot be sent; with the place of the mistake."""

    def __init__(self, file: Path, line: int | None, error: str) -> None:
        self.file, self.line, self.error = file, line, error
        super().__init__(f"{file.name}{'' if line is None else f', line {line}'}: {error}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A template file as it was read: its text, or why it cannot be read."""

    path: Path
    text: str = ""
    error: str = ""


def read(directory: Path | None) -> dict[str, Source]:
    """Return the templates of a folder by file name; none where there is no folder."""
    if directory is None or not directory.is_dir():
        return {}
    return {path.name: _source(path) for path in sorted(directory.glob("*.j2"))}


def _source(path: Path) -> Source:
    try:
        return Source(path=path, text=path.read_text(encoding="utf-8"))
    except OSError as error:
        return Source(path=path, error=f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        return Source(path=path, error=f"is not UTF-8: {error.reason} at byte {error.start}")


class Files(BaseLoader):
    """Templates as they were when they were read."""

    def __init__(self, files: Mapping[str, Source]) -> None:
        self._files = files

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Return source, file name and `still the same` for jinja2."""
        del environment
        source = self._files.get(template)
        if source is None:
            raise TemplateNotFound(template, f"there is no template {template}")
        if source.error:
            raise TemplateSyntaxError(source.error, 1, template, str(source.path))
        return source.text, str(source.path), lambda: True


class _Steps(threading.local):
    """How many steps the rendering in this thread has left."""

    left = MAX_STEPS

    def take(self) -> str:
        """Take one step and write nothing."""
        self.left -= 1
        if self.left < 0:
            raise SecurityError(f"more than {MAX_STEPS} turns of loops: does it end?")
        return ""


_STEPS = _Steps()

_COUNT_STEP = (
    ("variable_begin", ""),
    ("name", "count_step"),
    ("lparen", "("),
    ("rparen", ")"),
    ("variable_end", ""),
)


class _Counted(Extension):
    """Puts `{{ count_step() }}` after each opening `for` and `macro` tag."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Return the tokens of a template with those of the counting put in."""
        tag = ""
        begins = False
        for token in stream:
            if begins:
                tag = token.value
            begins = token.type == "block_begin"
            yield token
            if token.type == "block_end":
                if tag in {"for", "macro"}:
                    yield from (Token(token.lineno, kind, value) for kind, value in _COUNT_STEP)
                tag = ""


def environment(loader: BaseLoader, *, html: bool) -> Environment:
    """Return a sandbox: no names that do not exist, no attributes that begin with `_`, no changing of values."""
    made = ImmutableSandboxedEnvironment(
        loader=loader,
        undefined=StrictUndefined,
        autoescape=html,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=[_Counted],
    )
    made.globals["count_step"] = _STEPS.take
    made.filters |= {"cut": cut, "isolated": isolated, "marked": _marked}
    made.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "sort_keys": False}
    return made


def written(templates: Environment, path: Path, name: str, variables: Mapping[str, Any]) -> str:
    """Return what a template writes, or raise `Failure`; `path` is named where the template's own lines are not known."""
    _STEPS.left = MAX_STEPS
    with _faults(path):
        return "".join(_bounded(templates.get_template(name).generate(variables)))


def compiled(templates: Environment, path: Path) -> None:
    """Compile a template that is only included by others; raise `Failure` when it does not."""
    with _faults(path):
        templates.get_template(path.name)


def _bounded(chunks: Iterator[str]) -> Iterator[str]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_OUTPUT:
            raise SecurityError(f"writes more than {MAX_OUTPUT} characters")
        yield chunk


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    """Turn whatever compiling or rendering raises into a `Failure`: expressions of a template can raise anything."""
    try:
        yield
    except TemplateSyntaxError as error:
        file = Path(error.filename) if error.filename else path
        raise Failure(file, error.lineno, error.message or "does not compile") from error
    except Exception as error:
        file, line = _place(error, path)
        raise Failure(file, line, str(error) or type(error).__name__) from error


def _place(error: Exception, path: Path) -> tuple[Path, int | None]:
    """Return file and line of the innermost template in a traceback (jinja2 puts the templates' lines into it)."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(".j2")]
    return (Path(frames[-1].filename), frames[-1].lineno) if frames else (path, None)


def _marked(pieces: tuple[Piece, ...]) -> Markup:
    """Return pieces of text as HTML: all of it escaped, the matched words in `<mark>`."""
    opening = Markup('<mark class="hit" style="{}">').format(MARK)
    closing = Markup("</mark>")
    shown = (opening + escape(piece.text) + closing if piece.marked else escape(piece.text) for piece in pieces)
    return Markup("").join(shown)
