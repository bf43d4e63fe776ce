"""Conformance cases 83 and 84: letters."""

from __future__ import annotations

import pytest
from conformance.desk import Desk

KAZAKH = "Әә Ғғ Ққ Ңң Өө Ұұ Үү Һһ Іі"
RUSSIAN = "Протесты в Алматы: толпа у здания акимата"
UKRAINIAN = "Їжак і ґанок, Європа"


def titled(title: str, declared: str | None = None) -> str:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    return f"{declaration}<rss version='2.0'><channel><title>News</title><item><guid>1</guid><title>{title}</title></item></channel></rss>"


ORDER: dict[str, tuple[bytes, str | None]] = {
    "mark before all": ("\N{ZERO WIDTH NO-BREAK SPACE}" + titled(RUSSIAN, "windows-1251"), "utf-8", "text/xml; charset=koi8-r"),
    "http before declaration": (titled(RUSSIAN, "utf-8"), "cp1251", "text/xml; charset=windows-1251"),
    "declaration": (titled(RUSSIAN, "koi8-r"), "koi8-r", "application/rss+xml"),
    "utf-8 by itself": (titled(RUSSIAN), "utf-8", "application/rss+xml"),
    "cp1251 guessed": (titled(RUSSIAN), "cp1251", "application/rss+xml"),
    "koi8-r guessed": (titled(RUSSIAN), "koi8-r", None),
    "us-ascii is wrong": (titled(RUSSIAN), "utf-8", "text/xml; charset=us-ascii"),
    "us-ascii for cp1251": (titled(RUSSIAN, "windows-1251"), "cp1251", "text/xml; charset=us-ascii"),
    "latin-1 for cp1251": (titled(RUSSIAN, "windows-1251"), "cp1251", "text/xml; charset=iso-8859-1"),
    "text/xml without charset": (titled(RUSSIAN, "windows-1251"), "cp1251", "text/xml"),
    "http says latin-1": (titled(RUSSIAN, "utf-8"), "utf-8", "text/xml; charset=iso-8859-1"),
    "unknown charset": (titled(RUSSIAN), "utf-8", "text/xml; charset=x-none"),
    "declaration is wrong": (titled(RUSSIAN, "windows-1251"), "utf-8", "application/rss+xml"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "encoding", "content_type"), ORDER.values(), ids=ORDER.keys())
def test_case_083_the_charset_is_found_whatever_the_server_says(
    desk: Desk, text: str, encoding: str, content_type: str | None
) -> None:
    assert desk.title_of(text.encode(encoding), content_type) == RUSSIAN


ENCODINGS: list[tuple[str, str, str]] = [
    ("windows-1251", "cp1251", RUSSIAN),
    ("koi8-r", "koi8-r", RUSSIAN),
    ("koi8-u", "koi8-u", UKRAINIAN),
    ("cp866", "cp866", RUSSIAN),
    ("utf-16", "utf-16-le", KAZAKH),
    ("utf-16", "utf-16-be", KAZAKH),
    ("utf-8", "utf-8", KAZAKH),
    ("utf-8", "utf-8-sig", KAZAKH),
    ("kz-1048", "kz1048", KAZAKH),
]


@pytest.mark.parametrize(("declared", "encoding", "title"), ENCODINGS, ids=[f"{row[1]}" for row in ENCODINGS])
def test_case_084_every_letter_is_what_it_was(desk: Desk, declared: str, encoding: str, title: str) -> None:
    assert desk.title_of(titled(title, declared).encode(encoding)) == title


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_case_084_utf_16_with_a_byte_order_mark(desk: Desk, encoding: str) -> None:
    assert desk.title_of(("\N{ZERO WIDTH NO-BREAK SPACE}" + titled(KAZAKH)).encode(encoding)) == KAZAKH


def test_case_084_utf_8_that_was_encoded_twice_is_what_was_meant(desk: Desk) -> None:
    assert desk.title_of(titled(RUSSIAN.encode().decode("latin-1")).encode()) == RUSSIAN


@pytest.mark.parametrize("outer", ["cp1251", "koi8-r"])
def test_case_084_utf_8_that_was_taken_for_another_charset_is_shown_as_it_was_sent(desk: Desk, outer: str) -> None:
    twice = RUSSIAN.encode().decode(outer, "replace")
    assert desk.title_of(titled(twice).encode()) == " ".join(twice.split())
