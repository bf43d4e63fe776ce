"""feedparser's two parsers, driven here and nowhere else, inside the killable worker (parse.py).

feedparser's traps, and what is done about them (each measured):
    given bytes or str it may open the file or URL they name    its `parse` is never called: its two parsers are driven here
    prefers libxml2's SAX driver, which reads external entities  so expat it is, entities off
    its sanitiser passes `jav&#x09;ascript:` and forms, and its  both switched off; nh3 cleans, links are resolved in
    HTML passes are quadratic                                     entries.py
    quadratic on many attributes, categories, namespaces and     attributes are handed over by name, categories left out,
    nested bases                                                  the others bounded
    entities that hold markup grow to millions of elements       such a document is not well-formed, and they are not followed
    resolves guids against the base address, so a moved feed     no base address is given; links are resolved in entries.py
    changes every identity
    without one, `xml:base` of an entry stays in force after it, `_Mended` ends it and joins relative ones
    and one that is relative to a relative one is lost
    fails as a whole on some end tags without start tags         `_Mended` skips them
    its loose parser fails on references to surrogates and       `mended` rewrites them first
    beyond Unicode (`&#55357;&#56832;`)
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
import warnings
import xml.sax
import xml.sax.expatreader
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import feedparser.api

_SUSPECT_REFERENCES = re.compile(
    rb"(?:&#(?:0++|0*+5[567][0-9]{3}|[0-9]{7,}+|[xX](?:0++|0*+[dD][89a-fA-F][0-9a-fA-F]{2}|[0-9a-fA-F]{6,}+));)++"
)
"""Runs of numeric references that may name no character: zero, those around the surrogates (55296 to 57343, U+D800 to
U+DFFF), very long ones. Few ordinary references match, and possessive repeats keep the search linear."""

_REFERENCE = re.compile(rb"&#([xX]?)0*+([0-9a-fA-F]*+);")

_LONGEST_NUMBER = 7
"""Digits of 1114111 (U+10FFFF), the last character; hexadecimal needs six."""

_XML_DECLARATION = re.compile(rb"^<\?xml\b[^>]*\?>")


MAX_BASE = 1000
"""Characters of a base address; a longer one is none. Nested relative ones grow with every element."""

MAX_NAMESPACES = 200
"""Namespaces of one document whose names are followed; all are searched for each element (feedparser 6.0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What feedparser made of a document, and why it is not well-formed."""

    version: str
    feed: Any
    entries: list[Any]
    error: Exception | None


_BASES = frozenset({"xml:base", "base"})


class _Mended:
    """Mixed into both parsers: a base address ends with its element, and one relative to a relative one is joined.

    And a tag that their handlers fail on (`</width>` that was never opened) is skipped, not the whole document.
    """

    baseuri: str
    depth: int
    basestack: list[str]
    langstack: list[str | None]
    lang: str | None
    namespaces_in_use: dict[str | None, str]
    _get_context: Any

    def unknown_starttag(self, tag: str, attrs: list[tuple[str, str]]) -> None:
        """Begin an element."""
        attrs = [(key, value) for key, value in attrs if key not in _BASES or self._fits(value)]
        if self.baseuri and "://" not in self.baseuri:
            attrs = [(key, _joined(self.baseuri, value) if key in _BASES else value) for key, value in attrs]
            self.baseuri = "" if any(key in _BASES for key, _ in attrs) else self.baseuri
        with contextlib.suppress(TypeError, LookupError, ValueError):
            super().unknown_starttag(tag, attrs)  # type: ignore[misc]

    def track_namespace(self, prefix: str | None, uri: str) -> None:
        """Take a namespace down, one of so many."""
        if len(self.namespaces_in_use) < MAX_NAMESPACES:
            super().track_namespace(prefix, uri)  # type: ignore[misc]

    def _add_tag(self, *_tag: str | None) -> None:
        """Take no categories: they are not used here, and each would be compared with all before it."""
        self._get_context().setdefault("tags", [])

    def _fits(self, base: str) -> bool:
        return len(self.baseuri) + len(base) <= MAX_BASE

    def unknown_endtag(self, tag: str) -> None:
        """End an element."""
        depth = self.depth
        with contextlib.suppress(TypeError, LookupError, ValueError):
            super().unknown_endtag(tag)  # type: ignore[misc]
        if self.depth == depth:  # what comes last in there did not happen
            self.depth -= 1
            for stack in (self.basestack, self.langstack):
                del stack[-1:]
            self.lang = self.langstack[-1] if self.langstack else self.lang
        self.baseuri = self.basestack[-1] if self.basestack else ""


class _Attributes:
    """The attributes of one element, as feedparser asks for them."""

    def __init__(self, attrs: Any) -> None:
        self.items = attrs.items
        values = ((attrs.getQNameByName(name), value) for name, value in attrs.items())
        self._values: dict[str, str] = dict(values)

    def getQNames(self) -> list[str]:  # noqa: N802 - SAX
        """Return the names as written."""
        return list(self._values)

    def getValueByQName(self, name: str) -> str:  # noqa: N802 - SAX
        """Return the value of a name as written."""
        return self._values[name]


class _Strict(_Mended, feedparser.api.StrictFeedParser):  # type: ignore[misc]
    """Reads what is well-formed."""

    resolve_relative_uris = sanitize_html = False

    def startElementNS(self, name: Any, qname: Any, attrs: Any) -> None:  # noqa: N802 - SAX
        """Begin an element whose attributes are found by name; SAX's own are searched from the first for each."""
        super().startElementNS(name, qname, _Attributes(attrs))


class _Loose(_Mended, feedparser.api.LooseFeedParser):  # type: ignore[misc]
    """Reads anything."""

    resolve_relative_uris = sanitize_html = False


def utf8(text: str) -> bytes:
    """Return a document as its parsers take it: in UTF-8, its own word on its encoding left out, its references mended."""
    return mended(_XML_DECLARATION.sub(b"", text.encode("utf-8", "replace"), count=1))


def parse(data: bytes) -> Result:
    """Return feedparser's reading of a document in UTF-8, with neither its HTML cleaning nor its link resolution."""
    version, data, entities = feedparser.api.replace_doctype(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        parser, error = _Strict("", None, "utf-8"), None
        try:
            _sax(parser, data)
        except xml.sax.SAXException as problem:
            error = problem
            parser = _Loose("", None, "utf-8", entities)
            parser.feed(data.decode("utf-8", "replace"))
    return Result(version=version or parser.version, feed=parser.feeddata, entries=parser.entries, error=error)


class _Expat(xml.sax.expatreader.ExpatParser):
    """Expat that follows no entity with markup in it (some kilobytes of those become millions of elements) and no name it would split."""

    _parser: Any

    def reset(self) -> None:
        """Begin a document."""
        super().reset()
        self._parser.EntityDeclHandler = self._declared

    def start_element_ns(self, name: str, attrs: Any) -> None:
        """Begin an element; names come as address, name and prefix with spaces between them."""
        if any(len(each.split()) > 3 for each in (name, *attrs)):  # noqa: PLR2004
            raise xml.sax.SAXParseException("the address of a namespace holds spaces", None, self)
        super().start_element_ns(name, attrs)

    def _declared(self, name: str, _is_parameter: int, value: str | None, *_: object) -> None:
        if value is not None and "<" in value:
            raise xml.sax.SAXParseException(f"the entity {name} holds markup", None, self)


def _sax(handler: Any, data: bytes) -> None:
    """Drive a strict parser: by expat, namespaces on, entities from outside off."""
    reader = _Expat(1)
    reader.setFeature(xml.sax.handler.feature_external_ges, False)
    reader.setContentHandler(handler)
    reader.setErrorHandler(handler)
    source = xml.sax.xmlreader.InputSource()
    source.setByteStream(io.BytesIO(data))
    source.setEncoding("utf-8")
    reader.parse(source)


def _joined(base: str, link: str) -> str:
    try:
        return urljoin(base, link)
    except ValueError:
        return base


def mended(data: bytes) -> bytes:
    """Return a document in UTF-8 whose numeric references all name characters (XML 1.0, section 4.1).

    Publishers that count in UTF-16 write an emoji as references to two surrogates: they become one to the letter.
    Lone surrogates, NUL and numbers beyond Unicode become U+FFFD.
    """
    return _SUSPECT_REFERENCES.sub(_mended_run, data)


def _mended_run(run: re.Match[bytes]) -> bytes:
    units = "".join(_character(match[2], 16 if match[1] else 10) for match in _REFERENCE.finditer(run[0]))
    text = units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return b"".join(b"&#%d;" % ord(char) for char in text)  # never raw: `&#0000060;` must not become markup


def _character(digits: bytes, base: int) -> str:
    """Return what a number without leading zeros names, maybe half a letter; U+FFFD for what cannot be one."""
    code = int(digits, base) if 0 < len(digits) <= _LONGEST_NUMBER else 0
    return chr(code) if 0 < code <= sys.maxunicode else "\N{REPLACEMENT CHARACTER}"
