"""Where the entries of a document are, found in its bytes without parsing it.

Problem: nearly all that a poll costs is feedparser, which takes about a millisecond an entry, and a document that changed
shows mostly entries that are known. Choice: cut the bytes at the closing tags of entries; what an entry's bytes hash to tells
whether it was read before. Refused: regular expressions over the whole document (five times slower than `split`, measured) and
a tolerant parser of another kind, because what it sees may differ from what feedparser sees.

A wrong cut could hide an entry, so every doubt ends in None and the document is parsed whole: bytes that do not show their
tags (UTF-16, ISO 2022), a DOCTYPE with declarations, processing instructions between entries, entries that are nested,
empty-element tags or never closed, anything but comments between two entries, an entry that begins in the tail, a head whose
tags do not match, elements around the entries other than root and channel, control characters outside the entries
(readers leave them out, and a tag with one in its name becomes an item; inside an entry its reading shows that).
xxh3 is no cryptographic hash: whoever makes an entry collide with a known one hides his own entry and no other.
Comments and CDATA sections are followed, whatever tags they hold. Every byte is looked at a bounded number of times.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass

import xxhash

from monitor.feeds import charset

MAX_HEAD = 64 * 1024
"""Bytes before the first entry; more is no head."""

CDATA, COMMENT = b"<![CDATA[", b"<!--"

_ENDS = {CDATA: b"]]>", COMMENT: b"-->", b"<?": b"?>"}

_HIDDEN = re.compile(
    rb"<(?:!--[^-]*+(?:-(?!->)[^-]*+)*+-->|!\[CDATA\[[^\]]*+(?:\](?!\]>)[^\]]*+)*+\]\]>|([!?].*+))", re.DOTALL
)
"""A comment or CDATA section; or (1) all from where one begins that does not end, or anything else that hides tags."""

_ENTRY = re.compile(rb"<((?:[A-Za-z_][\w.\-]*+:)?(?:item|entry))(?=[\s/>])", re.IGNORECASE)

_HEAD_TAG = re.compile(
    rb"<(?:(!\[CDATA\[|!--|\?|!)|((?:[A-Za-z_][\w.\-]*+:)?(?:item|entry))(?=[\s/>])|(?=[A-Za-z_]))", re.IGNORECASE
)
"""All that begins in a head: what hides tags (1), an entry (2), any other element."""

_GAP = re.compile(rb"(?:\s++|<!--.*?-->)*+", re.DOTALL)
"""What may stand between two entries."""

_ROOT = re.compile(rb"<(?:(?:[A-Za-z_][\w.\-]*+:)?(?:rss|feed|rdf))(?=[\s/>])", re.IGNORECASE)

_INSIDE = rb"(?:[^<>\"']|\"[^<\"]*+\"|'[^<']*+')*+"
"""All of a tag that may follow its name: `>` counts only outside the values of attributes."""

_TAG = re.compile(rb"<(/?)([A-Za-z_][^\s<>/\"']*+)(" + _INSIDE + rb")>")

_SAID = re.compile(
    rb"<\?xml\s[^<>]*+>|<(?:[A-Za-z_][\w.\-]*+:)?(?:"
    rb"(?:language|ttl|hour|day|updateperiod|updatefrequency)(?=[\s>])(?:[^<]++|<!\[CDATA\[)*+|(?:link|complete|archive)(?=[\s/>])"
    + _INSIDE
    + rb")",
    re.IGNORECASE,
)
"""What is said outside the entries and bears on their reading, or is learnt anew by reading: encoding, language, pace, links."""

_CONTROLS = re.compile(rb"[\0-\x08\x0b\x0c\x0e-\x1f]")

_NO_CHARACTERS = b"\xef\xbf\xbe", b"\xef\xbf\xbf"
"""U+FFFE and U+FFFF in UTF-8, which readers leave out like controls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The bytes of one entry, without its closing tag, and their fingerprint (8 bytes): where they are known, the known one."""

    data: bytes
    print: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A document in pieces: what stands before its entries, the entries in order, what stands after them."""

    head: bytes
    spans: tuple[Span, ...]
    tail: bytes
    closing: bytes
    """The closing tag of an entry."""
    context: bytes
    """What else the reading of an entry depends on, and what a reading would find beside it: part of its fingerprint."""
    loose: bool
    """Spans are known from a document that was not well-formed."""

    def prints(self, *, loose: bool) -> list[bytes]:
        """Return the fingerprints of the spans; those of a `loose` document are other ones, so that this is remembered."""
        seed = _seed(self.context, loose=loose)
        return [xxhash.xxh3_64_digest(span.data, seed) for span in self.spans]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What is handed over of a document of which most is known."""

    head: bytes
    entries: bytes
    tail: bytes
    encoding: str
    note: str | None
    """What was odd about the letters of the document."""


def part(pieces: Cut, numbers: Iterable[int], text: charset.Text) -> Part:
    """Return the part of a document that holds only these of its spans; `text`: how the whole was decoded."""
    entries = b"".join(pieces.spans[number].data + pieces.closing for number in numbers)
    return Part(head=pieces.head, entries=entries, tail=pieces.tail, encoding=text.encoding, note=text.note)


def cut(body: bytes, content_type: str | None, url: str, *, known: Container[bytes], most: int) -> Cut | None:
    """Return the pieces of a document fetched from `url`, None where they are not certain or more than `most`.

    A span that is `known` was looked at when it was new, and ends where it ended then: equal bytes, equal meaning.
    """
    if not body[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") or not charset.shows_tags(body, content_type):
        return None
    found = _first_entry(body)
    if found is None:
        return None
    start, name, around = found
    head, closing = body[:start], b"</" + name + b">"
    if not 0 < body.count(closing, start) <= most:
        return None
    *pieces, tail = body[start:].split(closing)
    said = [url.encode("utf-8", "replace"), (content_type or "").encode("utf-8", "replace")]
    context = b"\0".join([*said, *around, *_SAID.findall(head), *_SAID.findall(tail)])
    seeds = _seed(context), _seed(context, loose=True)
    spans = _spans(pieces, name, known, seeds)
    if spans is None or (rest := _visible(tail)) is None or _ENTRY.search(rest) or _is_odd(head) or _is_odd(tail):
        return None
    loose = any(span.print in known and span.print != xxhash.xxh3_64_digest(span.data, seeds[0]) for span in spans)
    return Cut(head=head, spans=tuple(spans), tail=tail, closing=closing, context=context, loose=loose)


def _seed(context: bytes, *, loose: bool = False) -> int:
    return xxhash.xxh3_64_intdigest(context, int(loose))


def _holds_one_entry(span: bytes) -> bool:
    """Tell whether exactly one entry begins in a span, under whatever name."""
    shown = _visible(span)
    return shown is not None and len(_ENTRY.findall(shown)) == 1


def _visible(data: bytes) -> bytes | None:
    """Return bytes without their comments and CDATA sections, None where one does not end or something else hides tags."""
    if b"<!" not in data and b"<?" not in data:
        return data
    shown = _HIDDEN.split(data)
    return b"".join(shown[::2]) if _open(shown) is None else None


def _open(shown: list[bytes]) -> bytes | None:
    """Return what begins in bytes split by `_HIDDEN` and does not end there, or hides tags in another way; None for nothing."""
    return shown[-2] if len(shown) > 1 else None


def _end(data: bytes, match: re.Match[bytes]) -> int | None:
    """Return where what hides tags ends, None for what never does."""
    kind = match[0]
    end = data.find(_ENDS[kind], match.end())
    return None if end < 0 else end + len(_ENDS[kind])


def _is_odd(data: bytes) -> bool:
    """Tell whether readers leave out characters of this, so that it may say something else than it shows."""
    return _CONTROLS.search(data) is not None or any(each in data for each in _NO_CHARACTERS)


def _first_entry(body: bytes) -> tuple[int, bytes, list[bytes]] | None:
    """Return where the first entry begins, its tag's name and the tags around it, None for what is no feed, or not plainly."""
    at, root = 0, False
    shown, hidden = list[bytes](), 0
    while (match := _HEAD_TAG.search(body, at, MAX_HEAD)) is not None:
        if match[1]:
            end = _declared(body, match) if match[1] == b"!" else _end(body, match)
            if end is None:
                return None
            shown.append(body[hidden : match.start()])
            at = hidden = end
        elif not root:
            if not _ROOT.match(body, match.start()):
                return None
            root, at = True, match.end()
        elif match[2]:
            around = _around(b"".join([*shown, body[hidden : match.start()]]))
            return None if around is None else (match.start(), match[2], around)
        else:
            at = match.end()
    return None


def _around(shown: bytes) -> list[bytes] | None:
    """Return the tags that are open at the end of a head without its comments: root and perhaps channel; None for anything else."""
    tags = list(_TAG.finditer(shown))
    if len(tags) != shown.count(b"<"):
        return None
    opened: list[re.Match[bytes]] = []
    for tag in tags:
        if tag[1]:
            if not opened or opened.pop()[2] != tag[2]:
                return None
        elif not tag[3].endswith(b"/"):
            opened.append(tag)
    is_plain = len(opened) == 1 or (len(opened) == 2 and opened[1][2].lower().rpartition(b":")[2] == b"channel")  # noqa: PLR2004
    return [tag[0] for tag in opened] if is_plain else None


def _declared(body: bytes, match: re.Match[bytes]) -> int | None:
    """Return where a DOCTYPE ends, None where it declares anything (entities change what a text says)."""
    end = body.find(b">", match.end())
    return None if end < 0 or b"[" in body[match.end() : end] else end + 1


def _spans(pieces: list[bytes], name: bytes, known: Container[bytes], seeds: tuple[int, int]) -> list[Span] | None:
    """Return the entries of a document cut at their closing tags, those put together again whose closing tag was hidden."""
    spans: list[Span] = []
    held: list[bytes] = []
    inside: bytes | None = None
    for piece in pieces:
        if not held:
            span = _span(piece.lstrip(), known, seeds)
            if span.print in known:
                spans.append(span)
                continue
        inside = _inside(piece, inside)
        held.append(piece)
        if inside is None:
            entry = _entry((b"</" + name + b">").join(held), b"<" + name)
            if entry is None:
                return None
            spans.append(_span(entry, known, seeds))
            held = []
        elif not inside:
            return None
    return None if held else spans


def _span(data: bytes, known: Container[bytes], seeds: tuple[int, int]) -> Span:
    strict = xxhash.xxh3_64_digest(data, seeds[0])
    if strict not in known and (loose := xxhash.xxh3_64_digest(data, seeds[1])) in known:
        return Span(data=data, print=loose)
    return Span(data=data, print=strict)


def _inside(piece: bytes, inside: bytes | None) -> bytes | None:
    """Return what the end of a piece is inside of (`CDATA`, `COMMENT` or None), given the same of its beginning.

    Empty bytes where that cannot be told.
    """
    if inside is None and b"<?" not in piece and piece.count(b"<!") == piece.count(CDATA):
        return CDATA if piece.rfind(CDATA) > piece.rfind(b"]]>") else None
    if inside is not None:
        _, end, piece = piece.partition(_ENDS[inside])
        if not end:
            return inside
    left = _open(_HIDDEN.split(piece))
    return None if left is None else next((kind for kind in (CDATA, COMMENT) if (b"<" + left).startswith(kind)), b"")


def _entry(piece: bytes, opening: bytes) -> bytes | None:
    """Return a piece from its opening tag on, None where it does not hold exactly one, with nothing but comments before it."""
    gap = _GAP.match(piece)
    span = piece[gap.end() :] if gap else piece
    if not span.startswith(opening) or span[len(opening) : len(opening) + 1] not in {b">", b" ", b"\n", b"\t", b"\r"}:
        return None
    if span[span.find(b">") - 1 : span.find(b">")] == b"/":
        return None
    return span if _holds_one_entry(span) else None
