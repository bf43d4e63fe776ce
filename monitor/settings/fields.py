"""The kinds of value that stand in the files, each with its check and the words for when it fails."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, WithJsonSchema
from pydantic_core import PydanticCustomError

from monitor.language.text import forms, squeeze
from monitor.model import LANGUAGES, Severity
from monitor.net.guard import check_url as refuse_url
from monitor.settings.words import choose, parse_duration, say_duration

FAULT = "fault"
"""Type of the errors raised here: their context holds `message` and `instead`, ready to be shown."""

SEVERITIES = tuple(severity.word for severity in Severity)
REPORT_LANGUAGES = (*LANGUAGES, "other")
GRADES = tuple("ABCDEF")
FIELDS = ("title", "text")

ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
ID_ADVICE = "use up to 64 small Latin letters, digits, `-`, `_` and `.`, like `tengrinews-ru`"
LOOPBACK_NAMES = frozenset({"127.0.0.1", "::1", "localhost"})
"""Hosts that plain http is good enough for: nobody else hears it."""

MAX_PORT = 65535

_HEADER = re.compile(r"[\x20-\x7e]+")
_CREDENTIALS = re.compile(r"[^/]*//[^/?#]*@")


def fault(message: str, instead: str | None = None) -> PydanticCustomError:
    """Return the error to raise from a check; braces in the message are taken as they are."""
    return PydanticCustomError(FAULT, "a mistake", {"message": message, "instead": instead})


def _text(value: Any) -> str:
    """Guard for checks that run before pydantic's own: text or a fault."""
    if not isinstance(value, str):
        raise fault("must be text", "put it in quotes")
    return value


def _choice(choices: tuple[str, ...], what: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        word = _text(value).strip()
        if word not in choices:
            raise fault(f"there is no {what} `{word}`", choose(word, choices))
        return word

    return check


def within(least: timedelta, most: timedelta) -> Callable[[Any], timedelta]:
    """Return the check of a duration between two bounds."""

    def check(value: Any) -> timedelta:
        if isinstance(value, timedelta):
            return value
        duration = parse_duration(value) if isinstance(value, str) else None
        if duration is None:
            raise fault("is not a duration", "write it as `90s`, `5m`, `24h` or `7d`")
        if not least <= duration <= most:
            raise fault("is out of range", f"write {say_duration(least)} to {say_duration(most)}")
        return duration

    return check


def _severity(value: Any) -> Severity:
    if isinstance(value, Severity):
        return value
    return Severity[_choice(SEVERITIES, "severity")(value).upper()]


def check_zone(value: str) -> str:
    """Return the name of an IANA time zone, or raise a fault with the nearest one."""
    name = value.strip()
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        tail = choose(name, available_timezones(), what="names are like")
        raise fault(
            f"there is no time zone `{name}`", tail if "mean" in tail else "write an IANA name, like Asia/Almaty"
        ) from None
    return name


def check_url(value: str) -> str:
    """Return an http(s) address, or raise a fault. Credentials in it would end up in logs: they have keys of their own."""
    url = value.strip()
    if _CREDENTIALS.match(url):
        raise fault("holds a user name or password", "move it to `authorization:`, like `Basic ${FEED_LOGIN}`")
    _check_address(url)
    return url


def _check_address(url: str, instead: str = "write it in full, like https://example.org/feed") -> None:
    sentence = refuse_url(url)
    if sentence:
        raise fault(f"cannot be used: {sentence.rstrip('.')}", instead)


def _check_proxy(value: SecretStr) -> SecretStr:
    """Check a proxy's address; credentials are usual in it, so it is a secret as a whole and never said."""
    url = value.get_secret_value().strip()
    if url.lower().startswith("socks"):
        raise fault("is a SOCKS proxy, which cannot be used", "name an HTTP proxy, like http://proxy.example.org:3128")
    _check_address(url, "name an HTTP proxy in full, like http://proxy.example.org:3128")
    return SecretStr(url)


def _check_header(value: str) -> str:
    text = value.strip()
    if not _HEADER.fullmatch(text):
        raise fault("goes into an HTTP header, which holds plain ASCII letters, digits and signs in one line")
    return text


def _check_secret_header(value: SecretStr) -> SecretStr:
    return SecretStr(_check_header(value.get_secret_value()))


def _check_id(value: str) -> str:
    if not ID.fullmatch(value):
        raise fault(f"cannot be `{value}`", ID_ADVICE)
    return value


def _check_title(value: str) -> str:
    title = squeeze(value)
    if not title:
        raise fault("is empty")
    return title


def _check_word(value: Any) -> str:
    word = squeeze(_text(value))
    if not forms(word):
        raise fault("is a keyword without letters or digits", "delete it")
    return word


def _check_group(value: Any) -> Any:
    """Let an entry of `all` be one word or a list of which one must be there."""
    return [value] if isinstance(value, str) else value


def _check_network(value: str) -> str:
    try:
        return str(ip_network(value.strip()))
    except ValueError:
        raise fault(f"`{value}` is not a network", "write it like 10.0.0.0/8 or fd00::/8") from None


def _check_store(value: SecretStr) -> SecretStr:
    url = value.get_secret_value().strip()
    scheme = url.partition(":")[0].partition("+")[0]
    if scheme not in {"sqlite", "postgresql"} or "://" not in url:
        raise fault("is not a database we can use", "write sqlite:///monitor.db or postgresql://user@host/name")
    return SecretStr(url)


def _check_listen(value: Any) -> str | None:
    """Return where a server listens as `host:port`, None for `none`; the host is an address, so that nothing is looked up."""
    text = "none" if value is None else _text(value).strip()
    if text == "none":
        return None
    host, colon, port = text.rpartition(":")
    try:
        ip_address(host.removeprefix("[").removesuffix("]"))
        fits = colon == ":" and port.isascii() and port.isdecimal() and int(port) <= MAX_PORT
    except ValueError:
        fits = False
    if not fits or (":" in host) != host.startswith("["):
        raise fault(f"cannot be `{text}`", "write an address and a port, like 127.0.0.1:8480 or [::1]:8480, or none")
    return text


def _check_public(value: str) -> str:
    """Return an address that others reach us at, without a slash at its end."""
    url = value.strip().rstrip("/")
    if _CREDENTIALS.match(url):
        raise fault(
            "holds a user name or password",
            "leave it out: hubs do not log in, each is given a path that nobody can guess",
        )
    _check_address(url, "write where others reach this service, like https://monitor.example.org")
    if "?" in url or "#" in url:
        raise fault("must end with the path", "leave out what begins with `?` or `#`")
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK_NAMES:
        raise fault(
            "must begin with https://", "pushes carry secrets: let a web server with a certificate pass them on"
        )
    return url


def _not_bool(value: Any) -> Any:
    """Keep pydantic from taking `true` for 1."""
    if isinstance(value, bool):
        raise fault("must be a whole number")
    return value


Count = Annotated[int, BeforeValidator(_not_bool)]
Id = Annotated[str, AfterValidator(_check_id)]
Title = Annotated[str, AfterValidator(_check_title)]
Word = Annotated[str, BeforeValidator(_check_word)]
Group = Annotated[
    tuple[Word, ...],
    BeforeValidator(_check_group),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
Zone = Annotated[str, AfterValidator(check_zone)]
WebUrl = Annotated[str, AfterValidator(check_url)]
ProxyUrl = Annotated[SecretStr, AfterValidator(_check_proxy)]
StoreUrl = Annotated[SecretStr, AfterValidator(_check_store)]
Header = Annotated[str, AfterValidator(_check_header)]
SecretHeader = Annotated[SecretStr, AfterValidator(_check_secret_header)]
Listen = Annotated[
    str | None, BeforeValidator(_check_listen), WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}]})
]
PublicUrl = Annotated[str, AfterValidator(_check_public)]
Network = Annotated[str, AfterValidator(_check_network)]
SeverityWord = Annotated[Severity, BeforeValidator(_severity), WithJsonSchema({"enum": list(SEVERITIES)})]
AlertLanguage = Annotated[
    str, BeforeValidator(_choice(LANGUAGES, "language of alerts")), WithJsonSchema({"enum": list(LANGUAGES)})
]
ReportLanguage = Annotated[
    str, BeforeValidator(_choice(REPORT_LANGUAGES, "language")), WithJsonSchema({"enum": list(REPORT_LANGUAGES)})
]
Grade = Annotated[str, BeforeValidator(_choice(GRADES, "grade")), WithJsonSchema({"enum": list(GRADES)})]
FieldName = Annotated[str, BeforeValidator(_choice(FIELDS, "field")), WithJsonSchema({"enum": list(FIELDS)})]

_SPAN = WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,6}\s*[smhd]$"})
Pace = Annotated[timedelta, BeforeValidator(within(timedelta(seconds=10), timedelta(days=7))), _SPAN]
Rest = Annotated[timedelta, BeforeValidator(within(timedelta(seconds=10), timedelta(days=30))), _SPAN]
Spacing = Annotated[timedelta, BeforeValidator(within(timedelta(0), timedelta(minutes=5))), _SPAN]
AlertWindow = Annotated[timedelta, BeforeValidator(within(timedelta(minutes=10), timedelta(days=30))), _SPAN]
Retention = Annotated[timedelta, BeforeValidator(within(timedelta(days=1), timedelta(days=3650))), _SPAN]
