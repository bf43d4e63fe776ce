"""The bytes of a document as text, whatever its publisher says about them.

Order (conformance case 83): byte order mark, what the bytes prove (UTF-16 by its zeros, UTF-8 by being valid UTF-8 beyond
ASCII, which no single-byte text is by chance), the HTTP charset, the XML declaration, a guess among the Cyrillic code pages.
`us-ascii` and `iso-8859-1` from HTTP give way to the document's own word: they are servers' defaults, not knowledge.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

WIDE = tuple(mark for mark, encoding in MARKS if encoding != "utf-8")

ZEROS = ((b"<\0\0\0", "utf-32-le"), (b"\0\0\0<", "utf-32-be"), (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
"""How a document without byte order mark begins."""

SAID_BY_DEFAULT = frozenset({"ascii", "iso8859-1", "cp1252"})

REFUSED = frozenset({"utf-7", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
"""Python codecs that are no charsets of documents."""

ESCAPED = ("iso2022", "hz")
"""Encodings in which ASCII bytes stand for other letters after an escape."""

ALIASES = {"cp-1251": "cp1251", "win-1251": "cp1251", "win1251": "cp1251", "x-cp1251": "cp1251", "kz-1048": "kz1048"}

CYRILLIC = ("cp1251", "koi8-r", "cp866", "iso8859-5")
"""Guessed by which of them makes the most common Russian letters of the bytes."""

COMMON = frozenset("оеаинтсрвлкмдпуяыьг")
"""The most frequent letters of Russian text."""

FEW_BROKEN = 0.05
"""Share of broken sequences up to which a text is UTF-8 with damage (cut in the middle of a letter), not something else."""

_DECLARATION = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._:\-]{1,40})["']""")
_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._:\-]{1,40})""", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A document as text, the encoding that was used, and a note where it was not what the publisher said."""

    text: str
    encoding: str
    note: str | None = None


def decode(body: bytes, content_type: str | None) -> Text:
    """Return a document's text; never fails, damage becomes U+FFFD and is noted."""
    for mark, encoding in MARKS:
        if body.startswith(mark):
            return _lenient(body[len(mark) :], encoding)
    start = body[:256].lstrip(b" \t\r\n")
    for zeros, encoding in ZEROS:
        if start.startswith(zeros):
            return _lenient(body, encoding)
    said = list(_said(body, content_type))
    escaped = next((name for name in said if name.startswith(ESCAPED)), None)  # pure ASCII bytes, yet not ASCII
    if escaped is not None:
        return _lenient(body, escaped)
    try:
        return Text(text=body.decode("utf-8"), encoding="utf-8")
    except UnicodeDecodeError:
        return _not_utf8(body, said)


def shows_tags(body: bytes, content_type: str | None) -> bool:
    """Tell whether a document's tags can be found in its bytes: whatever `decode` takes it for, `<` is 0x3C and nothing else is."""
    if body.startswith(WIDE) or b"\0" in body[:256]:
        return False
    return all(_is_ascii_based(name) for name in _said(body, content_type))


@lru_cache
def _is_ascii_based(encoding: str) -> bool:
    """Tell whether an encoding is UTF-8, or has one byte for each letter and ASCII's where ASCII has them."""
    if encoding.startswith(ESCAPED):
        return False
    everything = bytes(range(256))
    text = everything.decode(encoding, "replace")
    return encoding == "utf-8" or (len(text) == len(everything) and text[:128] == everything[:128].decode("ascii"))


def _not_utf8(body: bytes, said: list[str]) -> Text:
    damaged = body.decode("utf-8", "replace")
    letters = sum(1 for char in damaged[:200_000] if char > "\x7f")
    broken = damaged[:200_000].count("�")
    if broken <= FEW_BROKEN * letters:
        return Text(
            text=damaged, encoding="utf-8", note="Some letters are damaged: the text is not valid UTF-8 throughout."
        )
    for encoding in said:
        try:
            return Text(text=body.decode(encoding), encoding=encoding)
        except UnicodeDecodeError:
            continue
    other = next((name for name in said if name != "utf-8"), None)
    guess = other or max(CYRILLIC, key=lambda name: _likeness(body, name))
    note = f"The encoding that is stated ({', '.join(said) or 'none'}) does not fit; read as {guess}."
    return Text(text=body.decode(guess, "replace"), encoding=guess, note=note)


def _said(body: bytes, content_type: str | None) -> Iterator[str]:
    """Yield the encodings that HTTP and the document name, the more trustworthy first, as Python names them."""
    match = _DECLARATION.match(body[:1024])
    declared = _codec(match[1].decode("ascii")) if match else None
    header = _CHARSET.search(content_type or "")
    served = _codec(header[1]) if header else None
    order = (declared, served) if served in SAID_BY_DEFAULT else (served, declared)
    yield from dict.fromkeys(name for name in order if name is not None)


def _codec(name: str) -> str | None:
    """Return a charset as Python's codec for it, None when there is none. ISO 8859-1 means windows-1252 on the web."""
    wanted = name.strip().lower()
    try:
        codec = codecs.lookup(ALIASES.get(wanted, wanted)).name
        b"".decode(codec)  # not all codecs are of text
    except (LookupError, ValueError, TypeError):
        return None
    if codec in REFUSED:
        return None
    return "cp1252" if codec == "iso8859-1" else codec


def _lenient(body: bytes, encoding: str) -> Text:
    text = body.decode(encoding, "replace")
    note = "Some letters are damaged." if "�" in text else None
    return Text(text=text, encoding=encoding, note=note)


def _likeness(body: bytes, encoding: str) -> int:
    return sum(1 for char in body[:20_000].decode(encoding, "replace") if char in COMMON)
