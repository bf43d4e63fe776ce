"""A mail as bytes, rendered once: headers that feed text cannot reach into, a text part, then HTML.

Traps of the stdlib's `email`, all measured: a long List-Unsubscribe becomes an encoded word that no mail client reads; a
subject that holds `=?...?=` is decoded as one; folding loses letters (9 % of the naughty strings come back changed); a lone
surrogate or a line separator in a header raises, which would cost the alert. So subjects are cleaned first, headers with
text or identifiers are written here without folding, and the bytes are read back: a mail whose headers are not exactly those
that were meant goes out with a plain subject instead.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import SMTP, EmailPolicy, Policy, default
from email.utils import format_datetime
from typing import Any

from monitor.model import Alert, Message

MAX_SUBJECT = 150
"""Characters; mail clients show 60 to 80."""

_SPACE = re.compile(r"[\s\x00-\x20\x7f-\xa0\u180e\u200b\u200e\u200f\u2028-\u202f\u2060-\u2065\ufeff]+")
"""White space, controls, what nobody sees, and overrides of direction; joiners stay (emoji, Persian), isolates too."""

WORD_BYTES = 45
"""60 characters of Base64, 72 with `=?utf-8?b?` and `?=` (RFC 2047 section 2 allows 75)."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_LINE_END = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_NO_LABEL = re.compile(r"[^a-z0-9-]+")
_TOKEN = re.compile(r"[^A-Za-z0-9_-]")


class _Exact(UnstructuredHeader, BaseHeader):
    """A header that goes out as it is given: on one line where it is ASCII, else as encoded words of our own making."""

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        """Take the value for what it is, never for encoded words."""
        kwds |= {"parse_tree": cls.value_parser(""), "decoded": value}

    def fold(self, *, policy: Policy) -> str:
        """Return the header's lines. RFC 5322 section 2.1.1 allows 998 characters in one."""
        value = str(self) if self.isascii() else encoded_words(str(self))
        return f"{self.name}: {value}{policy.linesep}"


def _policy() -> EmailPolicy[EmailMessage]:
    registry = HeaderRegistry()
    for name in ("subject", "message-id", "references", "in-reply-to", "list-id", "list-unsubscribe"):
        registry.map_to_type(name, _Exact)
    return SMTP.clone(header_factory=registry, cte_type="7bit")


POLICY = _policy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """What is the same on every mail of a channel: addresses are checked by the options."""

    sender: Address
    domain: str
    reply_to: str | None = None
    list_id: str | None = None
    unsubscribe: str | None = None
    """`mailto:` address for `List-Unsubscribe` (RFC 2369)."""


def compose(message: Message, letterhead: Letterhead, *, alert: Alert, delivery_id: str, to: str) -> bytes:
    """Return the mail: ASCII lines of at most 998 characters ended by CRLF, no `Bcc`, nothing of a feed in any header name."""
    headers = _headers(letterhead, alert, delivery_id, to)
    plain = f"Alert {_TOKEN.sub('', alert.id)}"
    subject = clean_subject(message.subject) or plain
    mail = _mail(headers, subject, message)
    return mail if _is_sound(mail, headers, subject) else _mail(headers, plain, message)


def text_only(mail: bytes) -> bytes | None:
    """Return the short form of a mail: the same headers with the text part alone; None where there is no more to leave out."""
    whole = message_from_bytes(mail, policy=default)
    text = whole.get_body(("plain",)) if whole.is_multipart() else None
    if text is None:
        return None
    short = EmailMessage(policy=POLICY)
    for name, value in whole.items():
        if not name.lower().startswith(("content-", "mime-")):
            short[name] = str(value)
    _set_text(short, str(text.get_content()))
    return short.as_bytes()


def clean_subject(text: str) -> str:
    """Return a subject that shows what can be seen of a text: one line, at most 150 characters, no encoded word inside."""
    line = _SPACE.sub(" ", _SURROGATE.sub("", text)).strip()
    while "=?" in line:
        line = line.replace("=?", "= ?")
    return line if len(line) <= MAX_SUBJECT else line[: MAX_SUBJECT - 1].rstrip() + "…"


def encoded_words(text: str) -> str:
    """Return the text as encoded words (RFC 2047) of at most 75 characters each, one a line, no letter cut in two."""
    pieces, piece = [], b""
    for char in text:
        octets = char.encode()
        if len(piece) + len(octets) > WORD_BYTES:
            pieces.append(piece)
            piece = b""
        piece += octets
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(piece).decode()}?=" for piece in (*pieces, piece))


def message_id(delivery_id: str, domain: str) -> str:
    """Return the Message-ID of a delivery: the same on every attempt, so a repeat can be known."""
    return f"<{_TOKEN.sub('', delivery_id)}@{domain}>"


def _headers(letterhead: Letterhead, alert: Alert, delivery_id: str, to: str) -> Mapping[str, str | Address]:
    """Return all headers but Subject and those of the body, in their order."""
    headers: dict[str, str | Address] = {
        "Date": format_datetime(alert.at),
        "From": letterhead.sender,
        "To": Address(addr_spec=to),
        "Message-ID": message_id(delivery_id, letterhead.domain),
    }
    if letterhead.reply_to:
        headers["Reply-To"] = Address(addr_spec=letterhead.reply_to)
    if (
        alert.story_id
    ):  # a root that never was a mail itself: every mail of the story hangs below it, whichever came first
        root = f"<story-{_TOKEN.sub('', alert.story_id)}@{letterhead.domain}>"
        headers |= {"In-Reply-To": root, "References": root}
    headers["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5: keeps holiday notices from answering
    headers["List-Id"] = f"<{letterhead.list_id or _list_id(alert.route, letterhead.domain)}>"
    if letterhead.unsubscribe:
        headers["List-Unsubscribe"] = f"<{letterhead.unsubscribe}>"
    return headers


def _list_id(route: str, domain: str) -> str:
    """Return the route as a list of the domain (RFC 2919): what readers sort by where nothing else is configured."""
    label = _NO_LABEL.sub("-", route.lower()).strip("-")[:63].strip("-")
    return f"{label or 'alerts'}.{domain}"


def _mail(headers: Mapping[str, str | Address], subject: str, message: Message) -> bytes:
    mail = EmailMessage(policy=POLICY)
    for name, value in headers.items():
        mail[name] = value
    mail["Subject"] = subject
    _set_text(mail, message.text or message.line or subject)
    if message.html:
        mail.add_alternative(_body(message.html), subtype="html")
    return mail.as_bytes()


def _set_text(mail: EmailMessage, text: str) -> None:
    mail.set_content(_body(text))


def _body(text: str) -> str:
    """Return text without control characters, which some relays refuse, and with plain line ends."""
    return _CONTROL.sub("", _LINE_END.sub("\n", text))


def _is_sound(mail: bytes, headers: Mapping[str, object], subject: str) -> bool:
    """Tell whether the bytes, read back, hold exactly the headers that were meant, and the subject as it was meant."""
    back = BytesHeaderParser(policy=default).parsebytes(mail)
    meant = {name.lower() for name in headers} | {
        "subject",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
    }
    names = [name.lower() for name in back.keys()]  # noqa: SIM118 - a message's keys repeat, its iteration is not typed
    return len(names) == len(set(names)) and meant.issuperset(names) and str(back["Subject"]) == subject
