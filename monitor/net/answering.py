"""One answer as it comes in: the head with limits, the end of the body, what is held of it until it is read.

Choice: llhttp (`httptools`), forgiving where real servers are sloppy. h11 costs 45 us more per answer, and 80 ms for 64 KiB of
chunks of one byte where llhttp takes 1 ms (measured): one hostile feed could have stopped all others. What llhttp refuses
and others take is a length that is said twice; that is mended here.
"""

from __future__ import annotations

import httptools

MAX_HEAD, MAX_HEADERS = 100 * 1024, 256
"""Bytes around the content (heads, those of interim answers too, trailers), and header lines of one answer (conformance case 82)."""

PER_CHUNK = 12
"""Bytes around the content that are taken beyond that for each chunk: a size of eight digits and two line ends. Chunks of one byte
pass, since a server that sends a text character by character means no harm, and they cost 0.12 us each (measured: 15 MB of them
2 s, in turns of 5 ms); long extensions, which nobody needs, do not fill an answer."""

SLICE = 64 * 1024
"""Bytes parsed at a time, so that a limit is noticed before much more is taken in."""

BODILESS = frozenset({204, 304})
"""Statuses that end with their head, whatever the head says (RFC 9112 section 6.3)."""

_SWITCHING = 101


class BadHttpError(Exception):
    """What came is not HTTP; `str(error)` is the parser's word for it."""


class BadAnswerError(Exception):
    """An answer past our limits or not fit for us; `str(error)` says which."""


class AnswerParser:
    """Takes bytes (`feed`), has the answer. Interim answers (1xx) are read over, and so is what follows the last chunk."""

    def __init__(self) -> None:
        self.status = 0
        """0 until the head was read."""
        self.headers: list[tuple[bytes, bytes]] = []
        self.framed = True
        """A length or chunks say where the body ends, not the end of the connection."""
        self.done = False
        """The answer has come to its end."""
        self.keep = False
        """The peer is ready for another request after this answer."""
        self.body = bytearray()
        """What came of the body and was not taken yet."""
        self._head = bytearray()
        self._came = self._content = self._pieces = 0
        self._parser: httptools.HttpResponseParser | None = _llhttp(self)

    def feed(self, data: bytes) -> None:
        """Take the next bytes; raises `BadHttpError` or `BadAnswerError`."""
        for start in range(0, len(data), SLICE):
            self._feed(data[start : start + SLICE])

    def end(self, *, orderly: bool) -> None:
        """Take the end of the connection: `orderly` where the peer closed it, which ends a body without a stated end."""
        self._parser = None  # the two hold each other
        self.done = self.done or (orderly and self.status != 0 and not self.framed)

    # llhttp's calls

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header line."""
        if self.status:
            return
        if len(self.headers) >= MAX_HEADERS:
            raise BadAnswerError(f"it has more than {MAX_HEADERS} header lines")
        self.headers.append((name.rstrip(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """Take the end of a head."""
        if self._parser is None:
            self.keep = False  # a second answer to one request
            return
        status = self._parser.get_status_code()
        if status == _SWITCHING:
            raise BadAnswerError("it switches to another protocol")
        if status < 200:  # noqa: PLR2004 - by class, RFC 9110 section 15
            self.headers = []
            return
        self.framed = _framed(status, self.headers)
        self.keep = self._parser.should_keep_alive()
        self.status, self._head = status, bytearray()

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body."""
        if not self.done:
            self.body += data
            self._content += len(data)
            self._pieces += 1

    def on_message_complete(self) -> None:
        """Take the end of an answer."""
        if self.status:
            self.done, self._parser = True, None

    def _feed(self, data: bytes) -> None:
        if self._parser is None:
            self.keep = False
            return
        if not self.status:
            self._head += data
        self._came += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._misread(error)
        around = self._came - self._content
        if around > MAX_HEAD + PER_CHUNK * self._pieces and not self.done:
            need = f"longer than any server needs (more than {MAX_HEAD // 1024} KiB)"
            raise BadAnswerError(f"what surrounds its content is {need}")

    def _misread(self, error: httptools.HttpParserError) -> None:
        """Give up on what cannot be read: a second answer, a broken one; but not on a length that was said twice."""
        if self.done:
            self.keep = False
            return
        if isinstance(error.__context__, BadAnswerError):
            raise error.__context__
        mended = _one_length(bytes(self._head))
        if self.status or mended == self._head:
            raise BadHttpError(str(error)) from error
        self._parser, self.headers, self._head, self._came = _llhttp(self), [], bytearray(), 0
        self._feed(mended)


def _llhttp(answer: AnswerParser) -> httptools.HttpResponseParser:
    parser = httptools.HttpResponseParser(answer)
    parser.set_dangerous_leniencies(
        lenient_headers=True,
        lenient_chunked_length=True,
        lenient_version=True,
        lenient_data_after_close=True,
        lenient_optional_cr_before_lf=True,
        lenient_optional_crlf_after_chunk=True,
        lenient_spaces_after_chunk_size=True,
    )
    return parser


def _framed(status: int, headers: list[tuple[bytes, bytes]]) -> bool:
    """Tell whether the end of the body is known other than by the end of the connection; chunks win over a length."""
    if status in BODILESS:
        return True
    names = {name.lower() for name, _ in headers}
    if b"transfer-encoding" not in names:
        return b"content-length" in names
    if {value.lower() for name, value in headers if name.lower() == b"transfer-encoding"} != {b"chunked"}:
        raise BadAnswerError("its transfer coding is not known")
    return True


def _one_length(head: bytes) -> bytes:
    """Return a head in which a length that is said several times is said once (RFC 9112 section 6.3 allows that)."""
    *lines, rest = head.split(b"\n")
    kept: list[bytes] = []
    lengths: set[bytes] = set()
    for line in lines:
        name, _, value = line.partition(b":")
        if name.lower() != b"content-length":
            kept.append(line)
            continue
        found = {number.strip() for number in value.split(b",")}
        if not lengths and len(found) == 1:
            kept.append(b"Content-Length: " + min(found))
        elif found != lengths:
            return head
        lengths = found
    return b"\n".join([*kept, rest])
