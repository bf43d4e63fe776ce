"""What an SMTP conversation that did not end well means for the delivery: by stage, code and enhanced status.

The stage decides first. Until the dot that ends the mail the server cannot have accepted it; after it, silence may mean
both, and RFC 5321 section 4.5.3.2.6 warns that giving up early makes duplicates.
"""

from __future__ import annotations

import re
import ssl
from enum import IntEnum

from aiosmtplib import SMTPConnectError, SMTPException, SMTPResponseException, SMTPServerDisconnected

from monitor.channels.retry import UNREACHABLE
from monitor.model import Ambiguous, BadEndpoint, BadMessage, Gone, Outcome, Retry, Throttled


class Stage(IntEnum):
    """How far the conversation came, in its order."""

    CONNECT = 0
    HELLO = 1
    TLS = 2
    LOGIN = 3
    SENDER = 4
    RECIPIENT = 5
    DATA = 6
    DOT = 7


_DOING = {
    Stage.CONNECT: "connecting",
    Stage.HELLO: "greeting the server",
    Stage.TLS: "starting TLS",
    Stage.LOGIN: "logging in",
    Stage.SENDER: "naming the sender",
    Stage.RECIPIENT: "naming the recipient",
    Stage.DATA: "announcing the mail",
    Stage.DOT: "waiting for the receipt after the whole mail was sent",
}

_ENHANCED = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})\b")
"""RFC 3463."""

SHUTTING_DOWN = 421
NO_REPLY = -1
"""aiosmtplib's code for an answer that is no SMTP."""


class SetUpWronglyError(Exception):
    """The server does not offer what the options ask for."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


FAILURES: tuple[type[Exception], ...] = (SetUpWronglyError, SMTPException, TimeoutError, OSError)
"""What a server or the network can bring about; `ssl.SSLError` is an `OSError`."""


def is_answer(error: Exception) -> bool:
    """Tell whether the server answered properly, with whatever code, so that the conversation stands in order."""
    return isinstance(error, SetUpWronglyError) or (isinstance(error, SMTPResponseException) and error.code != NO_REPLY)


def judge(error: Exception, stage: Stage, server: str) -> Outcome:
    """Return what an error at a stage means; `server` is how details call it."""
    if isinstance(error, SetUpWronglyError):
        return BadEndpoint(reason=error.reason, detail=error.detail)
    if isinstance(error, SMTPResponseException) and error.code != NO_REPLY:
        return _answered(error.code, error.message, stage, server)
    return _broken(error, stage, server)


def _broken(error: Exception, stage: Stage, server: str) -> Outcome:
    """Judge a conversation that ended without an answer."""
    if stage is Stage.DOT:
        return Ambiguous(reason="no_receipt", detail=f"{_cause(error, server)} while {_DOING[stage]}")
    tls = error if isinstance(error, ssl.SSLError) else error.__cause__
    if isinstance(tls, ssl.SSLCertVerificationError):
        return BadEndpoint(
            reason="certificate", detail=f"the certificate of {server} is not valid: {tls.verify_message}"
        )
    if isinstance(tls, ssl.SSLError) and tls.reason == "WRONG_VERSION_NUMBER":
        return BadEndpoint(
            reason="no_tls", detail=f"{server} does not speak TLS on this port: is `tls: starttls` meant?"
        )
    detail = f"{_cause(error, server)} while {_DOING[stage]}"
    if stage is Stage.CONNECT:
        return Retry(reason=UNREACHABLE, detail=detail)
    if isinstance(error, SMTPResponseException):
        return Retry(reason="protocol", detail=detail)
    return Retry(reason="timeout" if isinstance(error, TimeoutError) else "disconnected", detail=detail)


def _answered(code: int, text: str, stage: Stage, server: str) -> Outcome:
    detail = f"{server} answered {code} {_line(text)} while {_DOING[stage]}"
    _, subject, what = _status(text)
    if code == SHUTTING_DOWN or (code < 500 and subject == 7 and stage in {Stage.SENDER, Stage.DATA, Stage.DOT}):  # noqa: PLR2004
        return Throttled(reason="throttled", detail=detail, status=code)
    if code < 500:  # noqa: PLR2004
        return Retry(reason="try_later", detail=detail, status=code)
    if stage < Stage.SENDER or code == 530:  # noqa: PLR2004 - authentication or STARTTLS wanted (RFC 3207, RFC 4954)
        reason = "login_refused" if stage is Stage.LOGIN or code == 530 else "server_refuses"  # noqa: PLR2004
        return BadEndpoint(reason=reason, detail=detail, status=code)
    match stage:
        case Stage.SENDER:
            return BadEndpoint(reason="sender_refused", detail=detail, status=code)
        case Stage.RECIPIENT:
            return _recipient_refused(code, subject, what, detail)
        case _:
            return BadMessage(reason="content_refused" if stage is Stage.DOT else "refused", detail=detail, status=code)


def _recipient_refused(code: int, subject: int, what: int, detail: str) -> Outcome:
    """Tell a recipient that does not exist from a relay that does not serve us."""
    if subject == 7 and any(word in detail.lower() for word in ("relay", "authenticat")):  # noqa: PLR2004
        return BadEndpoint(reason="relay_refused", detail=detail, status=code)
    no_status_but_unknown = subject < 0 and code in {550, 551, 553, 556}
    if subject == 1 or (subject == 2 and what == 1) or no_status_but_unknown:  # noqa: PLR2004 - 5.1.x address, 5.2.1 closed
        return Gone(reason="no_such_recipient", detail=detail, status=code)
    return BadMessage(reason="recipient_refused", detail=detail, status=code)


def _status(text: str) -> tuple[int, int, int]:
    """Return the enhanced status at the start of an answer, -1 thrice where there is none."""
    match = _ENHANCED.match(text)
    if match is None:
        return -1, -1, -1
    first, second, third = match.groups()
    return int(first), int(second), int(third)


def _cause(error: BaseException, server: str) -> str:
    if isinstance(error, SMTPResponseException):
        return f"{server} sent no valid SMTP ({_line(error.message)})"
    if isinstance(error, TimeoutError):
        return f"{server} did not answer in time"
    if isinstance(error, SMTPConnectError) and error.__cause__ is not None:
        return _cause(error.__cause__, server)
    if isinstance(error, SMTPServerDisconnected | ConnectionResetError):
        return f"{server} closed the connection"
    if isinstance(error, OSError):
        return f"{server} cannot be reached ({_line(error.strerror or str(error))})"
    return f"{server}: {_line(str(error))}"


def _line(text: str) -> str:
    """Return a server's words as one short printable line."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:200]
