"""Rows against their models: secrets read from files, pydantic's errors as mistakes with lines and advice."""

from __future__ import annotations

import types
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from monitor.errors import Mistake
from monitor.model import Secret
from monitor.settings.document import Document, Where
from monitor.settings.fields import FAULT
from monitor.settings.words import choose

Model = TypeVar("Model", bound=BaseModel)

FILE_SUFFIX = "_file"
"""`password_file: path` gives `password` from a file."""

MAX_SECRET = 64 * 1024
"""Bytes of a secret's file; a longer one was given by mistake."""


@dataclass(slots=True)
class Findings:
    """What a load collects: mistakes, and values that must never be shown."""

    mistakes: list[Mistake] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)

    def add(self, document: Document, where: Where, message: str, instead: str | None = None) -> None:
        """Note a mistake at the line of a value, unless the value's own mistake is known."""
        if where not in document.broken:
            self.mistakes.append(document.mistake(where, message, instead))


def validate(
    model: type[Model], document: Document, where: Where, raw: Any, findings: Findings, **context: Any
) -> Model | None:
    """Return the row as a model, None (and mistakes) when it is wrong. `context` reaches the model's validators."""
    if not isinstance(raw, dict):
        findings.add(document, where, f"{_name(where)} must hold keys with values", f"like `{_example(model)}: ...`")
        return None
    before = len(findings.mistakes)
    values = _with_secret_files(model, document, where, raw, findings)
    broken = len(findings.mistakes) > before or any(path[: len(where)] == where for path in document.broken)
    try:
        result = model.model_validate(values, context=context)
    except ValidationError as error:
        mistakes = _mistakes(error, model, document, where, raw)
        # Where a value could not be made, what the row lacks as a whole is no mistake of its own.
        findings.mistakes.extend(mistake for place, mistake in mistakes if not (broken and _follows(place, where, raw)))
        return None
    return None if broken else result


def _follows(place: Where, where: Where, raw: Mapping[str, Any]) -> bool:
    """Tell whether a mistake may only follow from a value that is missing: it is about the row, or about a secret's key."""
    return place == where or (place[-1] not in raw and f"{place[-1]}{FILE_SUFFIX}" in raw)


def check_keys(document: Document, known: Iterable[str], findings: Findings) -> None:
    """Report the keys at the top of a file that nobody reads."""
    choices = tuple(known)
    for key in document.data:
        if key not in choices:
            findings.add(document, (key,), f"there is no key `{key}`", choose(key, choices, what="keys are"))


def check_names(
    document: Document, where: Where, used: Iterable[str], known: Collection[str] | None, what: str, findings: Findings
) -> None:
    """Report the names in a list that nothing bears; `known` is None where that cannot be told."""
    for number, name in enumerate(used):
        if known is not None and name not in known:
            findings.add(document, (*where, number), f"there is no {what} `{name}`", choose(name, known))


def secret_fields(model: type[BaseModel]) -> tuple[str, ...]:
    """Return the names under which a model takes secrets: these may also come from files."""
    return tuple(
        info.alias or name
        for name, info in model.model_fields.items()
        if any(part in (SecretStr, Secret) for part in _parts(info.annotation))
    )


def submodel(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    """Return the model that stands under a key of a model (directly, in a list or as one of several), if one does."""
    info = model.model_fields.get(key) or next((f for f in model.model_fields.values() if f.alias == key), None)
    if info is None:
        return None
    return next(
        (part for part in _parts(info.annotation) if isinstance(part, type) and issubclass(part, BaseModel)), None
    )


def _parts(annotation: Any) -> Iterable[Any]:
    """Yield the types an annotation is made of."""
    origin = get_origin(annotation)
    if origin is None:
        yield annotation
    elif origin is Annotated:
        yield from _parts(get_args(annotation)[0])
    elif origin in (Union, types.UnionType, list, tuple, set, frozenset):
        for part in get_args(annotation):
            yield from _parts(part)


# --- secrets from files -----------------------------------------------------------------------------------------------


def _with_secret_files(
    model: type[BaseModel], document: Document, where: Where, raw: Mapping[str, Any], findings: Findings
) -> dict[str, Any]:
    """Return the row with every `<secret>_file` replaced by what the file holds, here and in the models inside."""
    values = dict(raw)
    for name in secret_fields(model):
        key = name + FILE_SUFFIX
        if key not in raw or key in model.model_fields:
            continue
        values.pop(key)
        if name in raw:
            findings.add(document, (*where, key), f"`{key}` and `{name}` are both given", "keep one of them")
            continue
        values[name] = _read_secret(document, (*where, key), raw[key], findings)
    for key, value in raw.items():
        inner = submodel(model, key)
        if inner and isinstance(value, dict):
            values[key] = _with_secret_files(inner, document, (*where, key), value, findings)
    return {key: value for key, value in values.items() if value is not None or key in raw}


def _read_secret(document: Document, where: Where, path: Any, findings: Findings) -> str | None:
    if not isinstance(path, str) or not path:
        findings.add(document, where, f"`{where[-1]}` must be the path of a file")
        return None
    file = document.file.parent / path
    try:
        with file.open("rb") as opened:
            text = opened.read(MAX_SECRET + 1).decode().strip()
    except OSError as error:
        findings.add(document, where, f"`{where[-1]}`: {path} cannot be read: {error.strerror}")
        return None
    except UnicodeDecodeError:
        findings.add(document, where, f"`{where[-1]}`: {path} is not UTF-8 text")
        return None
    if not text or len(text) > MAX_SECRET:
        findings.add(document, where, f"`{where[-1]}`: {path} is {'too long' if text else 'empty'}")
        return None
    findings.hidden.add(text)
    return text


# --- errors in words --------------------------------------------------------------------------------------------------


def _mistakes(
    error: ValidationError, model: type[BaseModel], document: Document, where: Where, raw: Any
) -> tuple[tuple[Where, Mistake], ...]:
    """Return one mistake for each value that is wrong, with its place.

    Where a value may have several forms pydantic reports each refused form; the one that got furthest is meant.
    """
    furthest: dict[Where, ErrorDetails] = {}
    for details in error.errors(include_url=False, include_input=False):
        place = _place(details, where, raw)
        kept = furthest.get(place)
        if kept is None or len(details["loc"]) > len(kept["loc"]):
            furthest[place] = details
    outer = [place for place in furthest if any(_inside(other, place) for other in furthest)]
    return tuple(
        (place, document.mistake(place, *_words(details, place, model, where)))
        for place, details in furthest.items()
        if place not in outer and place not in document.broken
    )


def _inside(inner: Where, outer: Where) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _place(details: ErrorDetails, where: Where, raw: Any) -> Where:
    """Return the way to the value in the file: pydantic's location without the names of union members."""
    place, value = list(where), raw
    for step in details["loc"]:
        inside = step in value if isinstance(value, dict) else isinstance(value, list) and step in range(len(value))
        if inside:
            value = value[step]
        if inside or details["type"] == "missing":
            place.append(step)
    return tuple(place)


def _words(details: ErrorDetails, place: Where, model: type[BaseModel], where: Where) -> tuple[str, str | None]:
    """Return what is wrong and what to write instead."""
    context = details.get("ctx", {})
    kind, name = details["type"], _name(place)
    if kind == FAULT:
        message = str(context["message"])
        return f"{name}{': ' if message.startswith(('`', 'there ')) else ' '}{message}", context["instead"]
    if kind == "extra_forbidden":
        return f"there is no key `{place[-1]}`", choose(
            str(place[-1]), _keys(model, place[len(where) : -1]), what="keys are"
        )
    if kind in _SENTENCES:
        message, instead = _SENTENCES[kind](context)
        return f"{name} {message}", instead
    return f"{name}: {details['msg'].removeprefix('Value error, ')}", None


def _keys(model: type[BaseModel], path: Where) -> tuple[str, ...]:
    """Return the keys that are known at a place inside a row."""
    for step in path:
        inner = submodel(model, step) if isinstance(step, str) else model
        if inner is None:
            return ()
        model = inner
    return tuple(info.alias or name for name, info in model.model_fields.items())


def _name(place: Where) -> str:
    """Return how a value is called in a message: its key, with the number where it is one of a list."""
    keys = [step for step in place if isinstance(step, str)]
    label = f"`{keys[-1]}`" if keys else "the file"
    return f"entry {place[-1] + 1} of {label}" if place and isinstance(place[-1], int) else label


def _example(model: type[BaseModel]) -> str:
    return next(iter(model.model_fields), "key")


def _fixed(message: str, instead: str | None = None) -> Callable[[Mapping[str, Any]], tuple[str, str | None]]:
    return lambda _context: (message, instead)


_TEXT = _fixed("must be text", "put it in quotes")
_WHOLE = _fixed("must be a whole number")
_LIST = _fixed("must be a list", "write it in brackets, like [one, two], or one a line after `- `")
_KEYS = _fixed("must hold keys with values")

_SENTENCES: Mapping[str, Callable[[Mapping[str, Any]], tuple[str, str | None]]] = {
    "missing": _fixed("is missing", "add it"),
    "string_type": _TEXT,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "bool_type": _fixed("must be true or false"),
    "bool_parsing": _fixed("must be true or false"),
    "list_type": _LIST,
    "tuple_type": _LIST,
    "dict_type": _KEYS,
    "model_type": _KEYS,
    "model_attributes_type": _KEYS,
    "too_short": _fixed("is empty", "name at least one"),
    "string_too_short": _fixed("is empty"),
    "greater_than_equal": lambda context: (f"must be at least {context['ge']}", None),
    "less_than_equal": lambda context: (f"must be at most {context['le']}", None),
    "literal_error": lambda context: ("is not known", f"choose from {str(context['expected']).replace(chr(39), '`')}"),
    "enum": lambda context: ("is not known", f"choose from {str(context['expected']).replace(chr(39), '`')}"),
}
