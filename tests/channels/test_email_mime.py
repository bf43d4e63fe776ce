"""Mails as bytes: what stands in their headers whatever a feed says, and that the text arrives."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import default
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.alerting import ALERT, DELIVERY_ID, HEADLINE, MESSAGE, NOW

from monitor.channels import mime
from monitor.channels.email import EmailChannel
from monitor.channels.email_options import EmailOptions
from monitor.model import Alert, Message

PROTOCOL = Path(__file__).parents[2] / "../shared/data/protocol"
NAMES = [
    "Date", "From", "To", "Message-ID", "In-Reply-To", "References", "Auto-Submitted", "List-Id", "List-Unsubscribe",
    "Subject", "MIME-Version", "Content-Type",
]  # fmt: skip


@cache  # certificates take a moment to load
def channel(**more: Any) -> EmailChannel:
    base = {
        "host": "mail.example.org",
        "tls": "starttls",
        "from": "Монитор Казахстан <alerts@example.org>",
        "to": ["desk@example.net"],
        "list_id": "kazakhstan.example.org",
        "unsubscribe": "desk@example.org",
    }
    return EmailChannel("mail", EmailOptions.model_validate({**base, **more}))


def compose(message: Message = MESSAGE, *, alert: Alert = ALERT, delivery_id: str = DELIVERY_ID, **more: Any) -> bytes:
    made = channel(**more)
    return made.compose(message, alert=alert, delivery_id=delivery_id, recipient=made.recipients[0])


def read(mail: bytes) -> EmailMessage:
    parsed = message_from_bytes(mail, policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def parts(mail: bytes) -> tuple[str, str]:
    message = read(mail)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content().replace("\r\n", "\n"), html.get_content().replace("\r\n", "\n")


def test_a_mail_carries_what_clients_and_filters_need() -> None:
    mail = read(compose(reply_to="editor@example.org"))
    assert mail["Subject"] == HEADLINE
    assert mail["From"].addresses[0].display_name == "Монитор Казахстан"
    assert mail["From"].addresses[0].addr_spec == "alerts@example.org"
    assert mail["To"] == "desk@example.net"
    assert mail["Reply-To"] == "editor@example.org"
    assert mail["Message-ID"] == f"<{DELIVERY_ID}@example.org>"
    assert mail["Date"].datetime == NOW
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Id"] == "<kazakhstan.example.org>"
    assert mail["List-Unsubscribe"] == "<mailto:desk@example.org>"


def test_text_comes_first_and_html_last_and_both_arrive_whole() -> None:
    mail = compose()
    assert [part.get_content_type() for part in read(mail).iter_parts()] == ["text/plain", "text/html"]
    assert parts(mail) == (MESSAGE.text, MESSAGE.html + "\n")


def test_a_mail_is_plain_ascii_lines_that_every_server_takes() -> None:
    mail = compose(replace(MESSAGE, text="ы" * 5000 + "\n🚨" * 400, html="<p>" + "ы" * 9000 + "</p>"))
    assert mail.isascii()
    assert max(len(line) for line in mail.split(b"\r\n")) <= 998
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", mail) is None


def test_three_mails_of_one_story_hang_below_one_root_with_ids_of_their_own() -> None:
    mails = [read(compose(delivery_id=f"d{n}", alert=replace(ALERT, id=f"a{n}"))) for n in range(3)]
    assert {mail["References"] for mail in mails} == {"<story-s1feed@example.org>"}
    assert {mail["In-Reply-To"] for mail in mails} == {"<story-s1feed@example.org>"}
    assert len({mail["Message-ID"] for mail in mails}) == 3


def test_an_alert_without_a_story_starts_no_thread() -> None:
    mail = read(compose(alert=replace(ALERT, story_id=None)))
    assert mail["References"] is None
    assert mail["In-Reply-To"] is None


def test_the_same_alert_gives_the_same_bytes_but_for_the_boundary() -> None:
    def without_boundary(mail: bytes) -> bytes:
        return re.sub(rb"={15}\d+==", b"", mail)

    assert without_boundary(compose()) == without_boundary(compose())
    assert read(compose(alert=replace(ALERT, at=NOW + timedelta(hours=1))))["Date"].datetime == NOW + timedelta(hours=1)


def test_a_long_unsubscribe_address_and_list_id_stand_byte_for_byte_in_their_headers() -> None:
    uri = "mailto:desk@example.org?subject=unsubscribe%20" + "t0k3n" * 36
    list_id = ".".join(["alerts-of-the-night-desk"] * 6) + ".example.org"
    mail = compose(unsubscribe=uri, list_id=list_id, domain="a-rather-long-name-of-a-machine." * 4 + "example.org")
    assert f"\r\nList-Unsubscribe: <{uri}>\r\n".encode() in mail
    assert f"\r\nList-Id: <{list_id}>\r\n".encode() in mail
    assert b"=?utf-8?q?=3C" not in mail


@pytest.mark.parametrize(
    ("title", "subject"),
    [
        ("Plain", "Plain"),
        ("Two\r\nBcc: victim@example.net", "Two Bcc: victim@example.net"),
        ("Fold\r\n Bcc: victim@example.net", "Fold Bcc: victim@example.net"),
        ("Bare\nSubject: other\rX: y", "Bare Subject: other X: y"),
        ("Line\u2028separator\u2029and\u0085next\x0bline\x0c", "Line separator and next line"),
        ("NUL\x00 and\x1b[31m escape", "NUL and [31m escape"),
        ("Lone \ud83d surrogate \udea8", "Lone surrogate"),
        ("Direction \u202egnp.exe", "Direction gnp.exe"),
        ("=?utf-8?q?Bcc=3A_x?= word", "= ?utf-8?q?Bcc=3A_x?= word"),
        ("==??utf-8?b?QmNj?=", "== ??utf-8?b?QmNj?="),
        ("  spaces \t\u00a0 and\u3000more  ", "spaces and more"),
        ("Қазақстан 🚨 Алматы", "Қазақстан 🚨 Алматы"),
        ("Family 👩‍👩‍👧 and \u2068عربي\u2069", "Family 👩‍👩‍👧 and \u2068عربي\u2069"),
        ('{{ "".__class__.__mro__[2].__subclasses__()[40]("/etc/passwd").read() }}',) * 2,
        ("x" * 2000, "x" * 149 + "…"),
        ("ы" * 2000, "ы" * 149 + "…"),
        ("{{ 7*7 }} <b>bold</b> @everyone", "{{ 7*7 }} <b>bold</b> @everyone"),
        ("From: other@example.org", "From: other@example.org"),
        ("", "Alert a1beef"),
        ("\r\n\x00\u2028", "Alert a1beef"),
    ],
)
def test_a_subject_shows_the_title_cleaned_and_adds_no_header(title: str, subject: str) -> None:
    mail = read(compose(replace(MESSAGE, subject=title)))
    assert mail.keys() == NAMES
    assert mail["Subject"] == subject


def _sound(title: str) -> None:
    mail = BytesHeaderParser(policy=default).parsebytes(compose(replace(MESSAGE, subject=title)))
    assert mail.keys() == NAMES
    assert mail["Subject"] == (mime.clean_subject(title) or "Alert a1beef")


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=300))
def test_no_title_whatsoever_reaches_into_the_headers(title: str) -> None:
    _sound(title)


@pytest.mark.skipif(not (PROTOCOL / "blns.json").exists(), reason="the corpus of naughty strings is not here")
def test_no_naughty_string_reaches_into_the_headers() -> None:
    for text in json.loads((PROTOCOL / "blns.json").read_text(encoding="utf-8")):
        _sound(text)


@pytest.mark.parametrize(
    ("text", "arrives"),
    [
        (".\n..\n.leading dots\n", ".\n..\n.leading dots\n"),
        ("From the desk\n", "From the desk\n"),
        ("one\r\ntwo\rthree\u2028four\n", "one\ntwo\nthree\nfour\n"),
        ("NUL\x00 BEL\x07 surrogate\ud800\n", "NUL BEL surrogate\n"),
        ("ы" * 5000 + "\n", "ы" * 5000 + "\n"),
        ("emoji 🚨👩‍👩‍👧\n", "emoji 🚨👩‍👩‍👧\n"),
        ("trailing space \n", "trailing space \n"),
        ("", MESSAGE.line + "\n"),
    ],
)
def test_text_arrives_as_it_was_but_for_what_no_mail_may_hold(text: str, arrives: str) -> None:
    assert parts(compose(replace(MESSAGE, text=text)))[0] == arrives


def test_a_mail_without_html_is_its_text() -> None:
    mail = read(compose(replace(MESSAGE, html="")))
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content() == MESSAGE.text.replace("\n", "\r\n")


def test_a_subject_that_would_become_a_header_of_its_own_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mime, "encoded_words", lambda _text: "x\r\nBcc: victim@example.net")
    mail = read(compose())
    assert mail.keys() == NAMES
    assert mail["Subject"] == "Alert a1beef"


@pytest.mark.parametrize("text", ["ы" * 150, "🚨" * 40, "a" * 44 + "🚨" * 3, "қ"])
def test_encoded_words_are_short_whole_letters_and_read_back(text: str) -> None:
    lines = mime.encoded_words(text).split("\r\n ")
    assert max(map(len, lines)) <= 75
    assert "".join(str(make_header(decode_header(line))) for line in lines) == text


def test_the_short_form_keeps_the_headers_and_the_text() -> None:
    whole = compose(unsubscribe="mailto:desk@example.org?subject=" + "t0k3n" * 36)
    short = mime.text_only(whole)
    assert short is not None
    kept = read(short)
    assert kept.get_content_type() == "text/plain"
    assert kept.get_content() == MESSAGE.text.replace("\n", "\r\n")
    for name in ("Message-ID", "References", "Subject", "From", "To", "Date", "List-Unsubscribe"):
        assert kept[name] == read(whole)[name]
    assert mime.text_only(short) is None


def test_ids_from_outside_cannot_break_out_of_a_message_id() -> None:
    mail = read(compose(alert=replace(ALERT, story_id="s1>\r\nBcc: x"), delivery_id="d1> x@y"))
    assert mail["References"] == "<story-s1Bccx@example.org>"
    assert mail["Message-ID"] == "<d1xy@example.org>"
    assert mail.keys() == NAMES


@pytest.mark.parametrize(
    ("route", "expected"),
    [("desk", "desk"), ("Night Desk!", "night-desk"), ("Дежурный", "alerts"), ("a" * 90, "a" * 63)],
)
def test_without_a_list_id_the_route_is_the_list(route: str, expected: str) -> None:
    mail = read(compose(list_id=None, alert=replace(ALERT, route=route)))
    assert mail["List-Id"] == f"<{expected}.example.org>"
