"""Feed text in a mail is data: never code, never markup, never a header."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from monitor.alerts import sample
from monitor.alerts.render import Renderer, unclosed
from monitor.model import Alert, Message, Recipient

VECTORS = Path(__file__).parents[2] / "../shared/data/protocol/h5sc/vectors.txt"

ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "div", "strong", "span", "p", "h1", "blockquote", "mark", "br", "bdi", "a",
}  # fmt: skip
ATTRIBUTES = {"lang", "charset", "name", "content", "class", "style", "dir", "href"}

OWN = (
    "<script>alert(1)</script>",
    "</title></style><script>alert(1)</script>",
    "<img src=https://evil.example/x.png onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "<a href=javascript:alert(1)>x</a>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "--><iframe src=//evil.example>",
    "<!--[if mso]><script>alert(1)</script><![endif]-->",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "{{ 7*7 }}{% for x in y %}{# z #}{{ ''.__class__ }}",
    "%0d%0aBcc: x@example.org\r\nBcc: y@example.org",
    "<mark onclick=alert(1)>x</mark>",
    "\u202egnp.exe \u0000 \ud800 \x1b]0;title\x07",
)
LINKS = (
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    'https://example.org/" onclick="alert(1)',
    "https://example.org/' style='x",
    "https://example.org/\r\nBcc: x@example.org",
    "https://example.org/><script>alert(1)</script>",
)

RENDERER = Renderer(None)


def _with(hostile: str, link: str = "https://example.org/a") -> Alert:
    alert = sample.full()
    assert alert.report
    match = alert.matches[0]
    reasons = tuple(
        dataclasses.replace(reason, keyword=hostile, surface=hostile, field=hostile, start=0)
        for reason in match.reasons
    )
    marking = dataclasses.replace(reasons[0], field="title", start=0, end=len(hostile))
    report = dataclasses.replace(
        alert.report,
        title=hostile,
        text=f"{hostile} and more {hostile}",
        author=hostile,
        source=hostile,
        link=link,
        grade=hostile,
    )
    return dataclasses.replace(
        alert,
        headline=hostile,
        report=report,
        matches=(dataclasses.replace(match, reasons=(*reasons, marking)),),
        watch_titles={match.watch: hostile},
        sources=(hostile, f"{hostile}2"),
        route=hostile,
    )


def _message(alert: Alert) -> Message:
    reader = Recipient(address="x", language="ru")
    return RENDERER.render(alert, reader, situation_name="K", desk_zone="UTC", now=sample.NOW).message


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text: list[str] = []
        self.odd: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.odd.append(data)

    def unknown_decl(self, data: str) -> None:
        self.odd.append(data)

    def handle_pi(self, data: str) -> None:
        self.odd.append(data)


def _assert_harmless(html: str) -> None:
    tags = _Tags()
    tags.feed(html)
    tags.close()
    assert unclosed(html) == ""
    assert tags.odd == []
    assert [tag for tag, _ in tags.found if tag in {"style", "title"}] == ["title", "style"]
    for tag, attrs in tags.found:
        assert tag in ALLOWED
        for name, value in attrs:
            assert name in ATTRIBUTES, (tag, name)
            assert name != "href" or re.match(r"https?://[^\s\"<>]+$", value or ""), value
            assert name != "style" or re.fullmatch(r"[-\w:;,.#%'() ]+", value or ""), value
            assert "url(" not in (value or "")


def _vectors() -> Iterator[str]:
    yield from OWN
    if VECTORS.exists():
        yield from re.split(r'<div id="\d+">', VECTORS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("link", LINKS)
def test_a_link_that_is_no_plain_web_address_cannot_leave_its_attribute(link: str) -> None:
    message = _message(_with("title", link))
    _assert_harmless(message.html)
    assert "\r" not in message.text
    assert not re.search(r"^Bcc", message.text, re.MULTILINE)
    assert "script:" not in message.text


def test_nothing_of_a_feed_becomes_markup() -> None:
    vectors = tuple(_vectors())
    assert len(vectors) > 100 or not VECTORS.exists()
    for hostile in vectors:
        _assert_harmless(_message(_with(hostile)).html)


@pytest.mark.parametrize("hostile", OWN)
def test_nothing_of_a_feed_becomes_a_header_or_a_second_line(hostile: str) -> None:
    message = _message(_with(hostile))
    for line in (message.subject, message.line):
        assert len(line.splitlines()) == 1
        assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", line)
    assert not re.search(r"^Bcc", message.text, re.MULTILINE)
    assert message.text.encode()
    assert message.html.encode()


def test_template_code_in_a_title_stays_as_it_is() -> None:
    message = _message(_with("{{7*7}} {% raw %}"))
    for part in (message.subject, message.line, message.text, message.html):
        assert "{{7*7}} {% raw %}" in part


def test_right_to_left_titles_do_not_turn_what_stands_around_them() -> None:
    message = _message(_with("احتجاجات"))
    assert message.subject == "[ТРЕВОГА] \u2068احتجاجات\u2069"
    assert "\u2068احتجاجات\u2069" in message.text
    assert '<h1 class="ink" dir="auto"' in message.html


def test_a_mail_loads_nothing_from_anywhere() -> None:
    for alert in sample.alerts():
        html = _message(alert).html
        assert not re.search(r"<(img|script|link|iframe|object|embed|form|video|audio)\b", html)
        assert not re.search(r"url\(|@import|src=", html)
