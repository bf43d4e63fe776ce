"""What can go wrong between us and a peer, as values with a sentence for people."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from monitor.net.answering import BadAnswerError, BadHttpError
from monitor.net.connection import LostError, Progress
from monitor.net.decode import BadCodingError, TooLargeError
from monitor.net.dial import CONNECT_TIMEOUT, AddressBlockedError, NameUnknownError, UnreachableError
from monitor.net.transport import ProxyRefusedError, UnsendableError


class NetKind(StrEnum):
    """Why a request came to nothing."""

    BAD_URL = "bad_url"
    BLOCKED = "blocked"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    INCOMPLETE = "incomplete"
    TOO_LARGE = "too_large"
    BAD_ENCODING = "bad_encoding"
    PROTOCOL = "protocol"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetFailure:
    """A request that brought no usable answer."""

    kind: NetKind
    reason: str
    """A sentence for people; holds no userinfo and no query."""
    sent: bool = False
    """The whole request went out: the receiver may have acted on it although no answer came back."""
    temporary: bool = False
    """The resolver itself says that it may know the name later."""


EXPECTED: tuple[type[Exception], ...] = (
    AddressBlockedError,
    NameUnknownError,
    UnreachableError,
    ProxyRefusedError,
    UnsendableError,
    LostError,
    BadHttpError,
    BadAnswerError,
    BadCodingError,
    TooLargeError,
    ssl.SSLError,
)
"""What peers and networks can bring about; anything else is a bug and stays loud."""


def failure(error: Exception, progress: Progress) -> NetFailure:
    """Return an expected error as a value."""
    kind, reason = _explain(error, progress)
    temporary = isinstance(error, NameUnknownError) and error.temporary
    return NetFailure(kind=kind, reason=reason, sent=progress.sent, temporary=temporary)


def _explain(error: Exception, progress: Progress) -> tuple[NetKind, str]:
    match error:
        case AddressBlockedError():
            return NetKind.BLOCKED, blocked(str(error))
        case NameUnknownError():
            return NetKind.DNS, _unknown(error)
        case TooLargeError():
            return NetKind.TOO_LARGE, str(error)
        case BadCodingError():
            return NetKind.BAD_ENCODING, f"The answer's content is not readable as its Content-Encoding ({error}) says."
        case LostError() | BadHttpError() | BadAnswerError() | ssl.SSLError():
            return _broken(error, progress)
        case _:
            return _unconnected(error)


def _unknown(error: NameUnknownError) -> str:
    if error.temporary:
        return f"The name {error.host} could not be looked up just now: the resolver did not answer."
    return f"The name {error.host} has no address."


def _broken(error: Exception, progress: Progress) -> tuple[NetKind, str]:  # noqa: PLR0911 - a table of cases
    """Explain a connection that failed after it stood."""
    match error, progress.stage:
        case ssl.SSLCertVerificationError(), _:
            return NetKind.TLS, f"The server's certificate is not valid: {error.verify_message.rstrip('.')}."
        case _, "tls":
            return NetKind.TLS, "No secure connection could be agreed on with the server (TLS 1.2 or later is needed)."
        case BadAnswerError(), _:
            return NetKind.PROTOCOL, f"The answer is not usable HTTP: {error}."
        case _, "read":
            return NetKind.INCOMPLETE, "The answer broke off before its end."
        case BadHttpError(), _:
            return NetKind.PROTOCOL, f"The answer is not valid HTTP: {_short(error)}."
        case ssl.SSLError(), _:
            return NetKind.TLS, "The server ended the secure connection with an error."
        case _:
            return NetKind.PROTOCOL, "The server closed the connection without an answer."


def _unconnected(error: Exception) -> tuple[NetKind, str]:
    """Explain a connection that never stood, or a request that cannot be written."""
    match error:
        case ProxyRefusedError():
            return NetKind.CONNECT, f"The proxy refused the connection: {error}."
        case UnsendableError():
            return NetKind.BAD_URL, "The request cannot be sent: a header or the address is malformed."
        case UnreachableError(in_time=False):
            return NetKind.CONNECT, f"The server could not be reached within {CONNECT_TIMEOUT:.0f} s."
        case _:
            return NetKind.CONNECT, "The server refused the connection or cannot be reached."


def late(progress: Progress, deadline: timedelta) -> NetFailure:
    """Return the value for a request that ran into its deadline."""
    words = {
        "connect": "the server could not be reached",
        "tls": "no secure connection stood",
        "send": "the server had not taken the request",
        "wait": "the server had not answered",
        "read": "the answer had not come to its end",
    }
    reason = f"After {deadline.total_seconds():g} s {words[progress.stage]}."
    return NetFailure(kind=NetKind.TIMEOUT, reason=reason, sent=progress.sent)


def blocked(why: str) -> str:
    """Return the sentence for an address that must not be dialled."""
    return f"The address is not allowed: {why}. If it is meant, add its network to allow_networks."


def _short(error: Exception) -> str:
    """Return a library's message cut to one printable line: it may quote the peer."""
    return "".join(char if char.isprintable() else "?" for char in str(error))[:120].rstrip(".")
