from __future__ import annotations

import time
import tracemalloc

import pytest

from monitor.net.answering import MAX_HEAD, MAX_HEADERS, AnswerParser, BadAnswerError, BadHttpError

OK = b"HTTP/1.1 200 OK\r\n"


def read(data: bytes, *, pieces: int = 0) -> AnswerParser:
    """Return the answer in these bytes, fed at once or in pieces of a size."""
    answer = AnswerParser()
    size = pieces or len(data)
    for start in range(0, len(data), size):
        answer.feed(data[start : start + size])
    return answer


@pytest.mark.parametrize("pieces", [0, 1, 7])
@pytest.mark.parametrize(
    ("data", "body"),
    [
        (OK + b"Content-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        ("HTTP/1.1 200 Жарайды\r\nContent-Length: 2\r\n\r\nok".encode(), b"ok"),
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", b"ok"),
        (b"\r\n" + OK + b"Content-Length: 0002 \r\n\r\nok", b"ok"),
        (OK + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (OK + b"X: a\x01b\x7f\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (OK + b"X:\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (OK + b"Content-Length: 0\r\n\r\n", b""),
        (OK + b"Transfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n002;x=y\r\nok\r\n00\r\nTrailer: x\r\n\r\n", b"ok"),
        (OK + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok"),
        (OK + b"Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 150000\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", b""),
    ],
)  # fmt: skip
def test_what_real_servers_send_is_read(data: bytes, body: bytes, pieces: int) -> None:
    answer = read(data, pieces=pieces)
    assert answer.done
    assert answer.framed
    assert bytes(answer.body) == body
    assert not {b"Link", b"Trailer"} & {name for name, _ in answer.headers}


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 2\r\nContent-Length: 2\r\n",
        b"X: y\r\ncontent-length:2\r\nY: z\r\nCONTENT-LENGTH: 2 \r\nContent-Length: 2\r\n",
        b"Content-Length: 2, 2\r\n",
        b"Content-Length: 2,2\r\nContent-Length: 2\r\n",
    ],
)
def test_a_length_that_is_said_twice_is_one_length(lines: bytes) -> None:
    answer = read(OK + lines + b"Z: last\r\n\r\nok")
    assert (answer.done, bytes(answer.body)) == (True, b"ok")
    assert [value for name, value in answer.headers if name.lower() == b"content-length"] == [b"2"]
    assert (b"Z", b"last") in answer.headers


@pytest.mark.parametrize(
    "data",
    [
        OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        OK + b"Content-Length: 2, 3\r\n\r\nok",
        OK + b"Content-Length: -2\r\n\r\nok",
        OK + b"Content-Length: +2\r\n\r\nok",
        OK + b"Content-Length: 0x2\r\n\r\nok",
        OK + b"Content-Length: 99999999999999999999999\r\n\r\nok",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n99999999999999999\r\nok\r\n0\r\n\r\n",
        OK + b"X: a\rb\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 1000 OK\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"<html>sorry</html>",
        b"\x16\x03\x01\x02\x00\x01",
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(data: bytes) -> None:
    with pytest.raises(BadHttpError):
        read(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n", "transfer coding"),
        (OK + b"Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n", "transfer coding"),
        (OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n", "transfer coding"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "another protocol"),
        (OK + b"X: y\r\n" * (MAX_HEADERS + 1) + b"\r\n", "header lines"),
        (OK + b"X: " + b"y" * 2 * MAX_HEAD, "longer than"),
        (b"HTTP/1.1 103 Early\r\n\r\n" * (MAX_HEAD // 10), "longer than"),
    ],
)
@pytest.mark.parametrize("pieces", [0, 1000])
def test_heads_past_our_limits_are_refused(data: bytes, words: str, pieces: int) -> None:
    with pytest.raises(BadAnswerError, match=words):
        read(data, pieces=pieces)


@pytest.mark.parametrize(
    "extra", [b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad", b"garbage", b"HTTP/1.1 304 X\r\n\r\n"]
)
@pytest.mark.parametrize("pieces", [0, 1])
def test_what_follows_an_answer_is_never_taken_for_the_next_one(extra: bytes, pieces: int) -> None:
    answer = read(OK + b"Content-Length: 2\r\n\r\nok" + extra, pieces=pieces)
    assert (answer.status, bytes(answer.body), answer.done, answer.keep) == (200, b"ok", True, False)


@pytest.mark.parametrize(
    ("head", "keep"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\n\r\n", False),
    ],
)
def test_a_connection_is_kept_only_where_the_server_keeps_it(head: bytes, keep: bool) -> None:
    assert read(head).keep is keep


@pytest.mark.parametrize("orderly", [True, False])
def test_a_body_without_a_stated_end_ends_with_an_orderly_connection(orderly: bool) -> None:
    answer = read(b"HTTP/1.0 200 OK\r\n\r\nhello")
    assert not answer.done
    answer.end(orderly=orderly)
    assert (answer.done, answer.framed, bytes(answer.body)) == (orderly, False, b"hello")


@pytest.mark.parametrize("data", [OK + b"Content-Length: 3\r\n\r\nok", OK + b"Content-Le", b""])
def test_an_answer_that_breaks_off_has_no_end(data: bytes) -> None:
    answer = read(data) if data else AnswerParser()
    answer.end(orderly=True)
    assert not answer.done


def test_every_byte_of_a_header_value_survives() -> None:
    value = bytes(range(0x80, 0x100)) + b"\t~"
    assert read(OK + b"X: " + value + b" \t\r\nContent-Length: 0\r\n\r\n").headers[0] == (b"X", value)


def test_a_stated_length_reserves_no_memory() -> None:
    tracemalloc.start()
    try:
        answer = read(OK + b"Content-Length: 1000000000000\r\n\r\nok")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert bytes(answer.body) == b"ok"
    assert peak < 1 << 20


def test_tiny_chunks_and_repeated_lengths_cost_no_more_than_they_weigh() -> None:
    started = time.process_time()
    chunks = read(OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"3\r\nxyz\r\n" * 100_000)
    with pytest.raises(BadHttpError):
        read(OK + b"".join(b"Content-Length: %d\r\n" % number for number in range(4000)) + b"\r\n")
    assert len(chunks.body) == 300_000
    assert time.process_time() - started < 2


@pytest.mark.parametrize("pieces", [0, 1000])
@pytest.mark.parametrize(
    "chunk",
    [
        b"1;abcdefghij\r\nx\r\n",
        b"3;" + b"x" * 60_000 + b"\r\nabc\r\n",
        b"100" + b" " * 2000 + b"\r\n" + b"x" * 256 + b"\r\n",
    ],
)
def test_chunks_that_are_mostly_framing_do_not_fill_an_answer(chunk: bytes, pieces: int) -> None:
    head = OK + b"Transfer-Encoding: chunked\r\n\r\n"
    assert read(head + chunk * (MAX_HEAD // len(chunk))).status == 200
    with pytest.raises(BadAnswerError, match="surrounds its content"):
        read(head + chunk * (1_000_000 // len(chunk)), pieces=pieces)


@pytest.mark.parametrize(
    ("size", "line"), [(1, b"1\r\n"), (1, b"00000001\r\n"), (2, b"2\r\n"), (7, b"7;a=b\r\n"), (7, b"7       \r\n")]
)
def test_an_ordinary_answer_in_small_chunks_is_read(size: int, line: bytes) -> None:
    body = b"<item/>" * 60_000
    chunks = b"".join(line + body[at : at + size] + b"\r\n" for at in range(0, len(body), size))
    answer = read(OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n", pieces=1400)
    assert answer.done
    assert bytes(answer.body) == body
