"""What an unsuccessful answer means for a poll: one class of failure with a sentence that says what happened."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus

from monitor.model import FailureKind, PollFailure
from monitor.net.client import Answer, NetFailure, NetKind
from monitor.net.headers import retry_after

KINDS = {
    NetKind.BAD_URL: FailureKind.BAD_URL,
    NetKind.BLOCKED: FailureKind.ADDRESS_BLOCKED,
    NetKind.DNS: FailureKind.DNS,
    NetKind.CONNECT: FailureKind.CONNECT,
    NetKind.TLS: FailureKind.TLS,
    NetKind.TIMEOUT: FailureKind.TIMEOUT,
    NetKind.INCOMPLETE: FailureKind.INCOMPLETE,
    NetKind.TOO_LARGE: FailureKind.TOO_LARGE,
    NetKind.BAD_ENCODING: FailureKind.BAD_ENCODING,
    NetKind.PROTOCOL: FailureKind.PROTOCOL,
}

STATUSES: dict[int, tuple[FailureKind, str]] = {
    204: (FailureKind.EMPTY, "The server answers that there is no content (204)."),
    205: (FailureKind.EMPTY, "The server answers without content (205)."),
    206: (FailureKind.UNEXPECTED_STATUS, "The server sent only a part of the document (206), which was not asked for."),
    226: (FailureKind.UNEXPECTED_STATUS, "The server sent only differences (226), which were not asked for."),
    304: (
        FailureKind.UNEXPECTED_STATUS,
        "The server answers `not modified` (304) to a request that set no condition.",
    ),
    401: (FailureKind.UNAUTHORIZED, "The server asks for credentials (401)."),
    403: (FailureKind.BLOCKED, "The server refuses us (403)."),
    404: (FailureKind.MISSING, "There is nothing at this address (404)."),
    407: (FailureKind.UNAUTHORIZED, "The proxy asks for credentials (407)."),
    408: (FailureKind.TIMEOUT, "The server gave up waiting for the request (408)."),
    410: (FailureKind.GONE, "The publisher says that this feed is gone for good (410)."),
    429: (FailureKind.THROTTLED, "The server says that we ask too often (429)."),
    451: (FailureKind.BLOCKED, "The server refuses for legal reasons (451)."),
}


def failed(answer: Answer, moved_to: str | None, now: datetime) -> PollFailure | None:
    """Return the failure that an answer's status stands for, None when it brings a document."""
    if 200 <= answer.status < 300 and answer.status not in STATUSES:  # noqa: PLR2004 - by class, RFC 9110 section 15
        return None
    wait = retry_after(answer.headers.get("retry-after"), answer.date or now)
    kind, reason = _meaning(answer, wait)
    return PollFailure(kind=kind, reason=reason, status=answer.status, retry_after=wait, moved_to=moved_to)


def _meaning(answer: Answer, wait: timedelta | None) -> tuple[FailureKind, str]:
    status = answer.status
    if answer.headers.get("cf-mitigated", "").lower() == "challenge":
        return FailureKind.CHALLENGE, f"A bot check stands before the feed ({status}): it lets only browsers through."
    if status in STATUSES:
        return STATUSES[status]
    if status == HTTPStatus.SERVICE_UNAVAILABLE and wait is not None:
        return FailureKind.THROTTLED, "The server is not available and says when to come back (503)."
    if 500 <= status < 600:  # noqa: PLR2004
        return FailureKind.SERVER_ERROR, f"The server has a fault of its own ({_named(status)})."
    if 300 <= status < 400:  # noqa: PLR2004
        return FailureKind.REDIRECT, f"The server answers {_named(status)} with nothing that could be followed."
    return FailureKind.UNEXPECTED_STATUS, f"The server answers {_named(status)}."


def refused(failure: NetFailure, moved_to: str | None, deadline: timedelta) -> PollFailure:
    """Return a request that brought no answer as a failed poll. `deadline` is that of the whole poll."""
    kind, reason = KINDS[failure.kind], failure.reason
    if moved_to is not None and kind is FailureKind.BAD_URL:
        kind, reason = FailureKind.REDIRECT, f"The redirect leads to an address that cannot be asked. {reason}"
    elif moved_to is not None and kind is FailureKind.TIMEOUT:
        reason = f"The redirects and their answers took longer than {deadline.total_seconds():g} s."
    elif moved_to is not None:
        reason = f"After a redirect: {reason}"
    return PollFailure(kind=kind, reason=reason, moved_to=moved_to, passing=failure.temporary)


def _named(status: int) -> str:
    """Return a status with its name where it has one."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
