from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.feeds.charset import decode

RUSSIAN = "Правительство сообщило о введении комендантского часа в Алматы с 23:00 до 7:00"
KAZAKH = "Әкімдік: қала тұрғындары үйде болсын, өңірде тәртіп сақталуда — Һәм Ғалым Іңкәр Ұлы"


def document(text: str, declared: str | None) -> str:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else "<?xml version='1.0'?>"
    return f"{declaration}<rss><channel><item><title>{text}</title></item></channel></rss>"


@pytest.mark.parametrize("text", [RUSSIAN, KAZAKH])
@pytest.mark.parametrize(
    ("codec", "declared", "content_type"),
    [
        ("utf-8", "utf-8", "text/xml"),
        ("utf-8", None, None),
        ("utf-8", None, "text/xml; charset=us-ascii"),
        ("utf-8", "windows-1251", "text/xml"),  # the bytes know better
        ("utf-8", "utf-8", "text/xml; charset=windows-1251"),
        ("utf-8", "utf-8", "text/html; charset=ISO-8859-1"),
        ("utf-8-sig", "windows-1251", "text/xml; charset=koi8-r"),
        ("utf-16", "utf-16", "text/xml"),
        ("utf-16-le", "utf-16", "text/xml"),
        ("utf-16-be", "utf-16", None),
        ("utf-16-le", "utf-8", "text/xml; charset=utf-8"),
        ("utf-32-le", "utf-32", None),
        ("kz1048", "kz-1048", "text/xml"),
        ("kz1048", None, "text/xml; charset=KZ-1048"),
        ("ptcp154", "ptcp154", None),
    ],
)
def test_documents_are_read_letter_by_letter(
    text: str, codec: str, declared: str | None, content_type: str | None
) -> None:
    whole = document(text.replace("—", "-") if codec in {"kz1048", "ptcp154"} else text, declared)
    assert decode(whole.encode(codec), content_type).text == whole


@pytest.mark.parametrize("codec", ["cp1251", "koi8-r", "koi8-u", "cp866", "iso8859-5", "mac-cyrillic"])
@pytest.mark.parametrize(
    ("declared", "content_type"),
    [(True, "text/xml"), (True, None), (False, "text/xml; charset={}"), (True, "text/xml; charset=iso-8859-1"),
     (True, "application/xml; charset=us-ascii"), (True, "text/xml; charset=nonsense"), (True, "text/xml; charset=utf-8")],
)  # fmt: skip
def test_cyrillic_code_pages_are_read_as_stated(codec: str, declared: bool, content_type: str | None) -> None:
    whole = document(RUSSIAN, codec if declared else None)
    assert decode(whole.encode(codec), content_type.format(codec) if content_type else None).text == whole


@pytest.mark.parametrize("codec", ["cp1251", "koi8-r", "cp866", "iso8859-5"])
def test_cyrillic_without_any_statement_is_guessed_and_noted(codec: str) -> None:
    whole = document(RUSSIAN, None)
    decoded = decode(whole.encode(codec), "text/xml")
    assert decoded.text == whole
    assert decoded.note is not None


def test_the_http_charset_goes_before_the_declaration() -> None:
    whole = document(RUSSIAN, "koi8-r")
    assert decode(whole.encode("cp1251"), "text/xml; charset=windows-1251").text == whole


def test_western_text_is_not_taken_for_cyrillic() -> None:
    whole = document("Café à Almaty – “état d’urgence”", "iso-8859-1")
    assert decode(whole.encode("cp1252"), None).text == whole


def test_a_letter_cut_in_half_does_not_change_the_encoding() -> None:
    body = document(RUSSIAN * 3, "utf-8").encode().replace("Алматы".encode(), "Алмат".encode() + b"\xd1", 1)
    decoded = decode(body, "text/xml; charset=utf-8")
    assert decoded.text.count("\ufffd") == 1
    assert "введении комендантского" in decoded.text
    assert decoded.note is not None


@pytest.mark.parametrize(
    "name", ["utf-7", "rot13", "hex", "zlib", "unicode_escape", "idna", "undefined", "base64", "x" * 500]
)
def test_codecs_that_are_no_charsets_are_ignored(name: str) -> None:
    whole = document(RUSSIAN, name)
    assert decode(whole.encode(), f"text/xml; charset={name}").text == whole


@given(st.binary(max_size=200), st.text(max_size=30))
def test_no_bytes_break_the_decoding(body: bytes, content_type: str) -> None:
    assert isinstance(decode(body, content_type).text, str)
    for mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF32_BE, b"<\0", b"<?xml encoding='utf-16'?>"):
        assert isinstance(decode(mark + body, None).text, str)
