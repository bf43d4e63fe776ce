"""Values to text and bytes, and back: JSON for nested values, packed bytes for sets of hashes.

The JSON form follows the dataclass: one name per field, times as ISO 8601, spans as microseconds, enums by their value, fields
at their default left out. Reading ignores names it does not know and fills in defaults, so rows of a neighbouring version of
the program can be read.
"""

from __future__ import annotations

import json
import struct
import types
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")

_CHECKSUM = struct.Struct(">I")
_COUNT = struct.Struct("<I")


class Damaged(ValueError):  # noqa: N818 - reads as a sentence where it is caught
    """Stored bytes are not what was written."""


# --- JSON -------------------------------------------------------------------------------------------------------------


def to_json(value: object) -> str:
    """Return a value (dataclass, tuple, mapping, scalar) as compact JSON that every database takes as text.

    Letters stand as they are (escaped, Cyrillic takes three times the room) unless one of them is half a surrogate pair.
    """
    text = _encode(value)
    return text if is_whole(text) else _encode_ascii(value)


def from_json(kind: type[T], text: str) -> T:
    """Return the value of that type that `to_json` wrote; raise `Damaged` where the text is something else."""
    try:
        return cast("T", _reader(cast("Any", kind))(json.loads(text)))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Damaged(f"no {kind.__name__} in {text[:80]!r}") from error


def _plain(value: object) -> object:
    """Return what JSON's own encoder knows for a value that it does not know (it asks again for what stands inside)."""
    if is_dataclass(value) and not isinstance(value, type):
        pairs = ((name, default, getattr(value, name)) for name, default in _defaults(type(value)))
        return {name: held for name, default, held in pairs if default is MISSING or held != default}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(name): held for name, held in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return list(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")


@cache
def _defaults(kind: type) -> tuple[tuple[str, Any], ...]:
    return tuple((field.name, field.default) for field in fields(kind))


_encode = json.JSONEncoder(separators=(",", ":"), default=_plain, ensure_ascii=False).encode
_encode_ascii = json.JSONEncoder(separators=(",", ":"), default=_plain).encode


def is_whole(text: str) -> bool:
    """Tell whether UTF-8 can hold a text: it has no halves of surrogate pairs."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _same(value: Any) -> Any:
    return value


def _microseconds(value: int) -> timedelta:
    return timedelta(microseconds=value)


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:  # noqa: PLR0911 - one line per kind of type
    """Return the function that turns parsed JSON into a value of that type; built once per type."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        inner = _reader(next(part for part in get_args(kind) if part is not type(None)))
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        item = _reader(get_args(kind)[0])
        return lambda value: tuple(map(item, value))
    if kind is datetime:
        return datetime.fromisoformat
    if kind is timedelta:
        return _microseconds
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    if is_dataclass(kind):
        return _dataclass_reader(cast("type", kind))
    return _same


def _dataclass_reader(kind: type) -> Callable[[Any], Any]:
    readers: dict[str, Callable[[Any], Any]] = {}

    def read(value: Mapping[str, Any]) -> Any:
        if not readers:
            hints = get_type_hints(kind)
            readers.update({field.name: _reader(hints[field.name]) for field in fields(kind)})
        return kind(**{name: readers[name](held) for name, held in value.items() if name in readers})

    return read


# --- bytes ------------------------------------------------------------------------------------------------------------


def pack_known(known: bytes) -> bytes:
    """Return the marks of a feed's entries as they are stored: after a CRC-32."""
    return _CHECKSUM.pack(zlib.crc32(known)) + known


def unpack_known(blob: bytes | None) -> bytes:
    """Return the marks of a stored blob; raise `Damaged` when it is not as it was written."""
    if blob is None:
        return b""
    body = blob[_CHECKSUM.size :]
    if len(blob) < _CHECKSUM.size or _CHECKSUM.unpack_from(blob)[0] != zlib.crc32(body):
        raise Damaged("the known entries of a feed are damaged")
    return body


def pack_hashes(title: tuple[int, ...], text: tuple[int, ...]) -> bytes:
    """Return a sketch's two hash lists as one blob: how many belong to the title, then all, 8 bytes each."""
    return _COUNT.pack(len(title)) + struct.pack(f"<{len(title) + len(text)}Q", *title, *text)


def unpack_hashes(blob: bytes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return (title, text) of a blob."""
    (of_title,) = _COUNT.unpack_from(blob)
    hashes = struct.unpack_from(f"<{(len(blob) - _COUNT.size) // 8}Q", blob, _COUNT.size)
    return hashes[:of_title], hashes[of_title:]
