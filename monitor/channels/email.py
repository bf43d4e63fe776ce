"""Email: one mail for each recipient over SMTP, driven stage by stage.

Stage by stage, because only then is it known whether the server can have accepted a mail: `aiosmtplib.SMTP.send` raises
the same error for a connection that dropped before and after the final dot. Its other traps, all measured: `start_tls` left
open sends in clear where a server (or someone between) does not offer STARTTLS, so it is never left to the library;
`login` tries a wrong password once with every method, which locks accounts, so one method is used.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import ssl
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Self

from aiosmtplib import SMTP, SMTPDataError, SMTPException, SMTPHeloError, SMTPServerDisconnected

from monitor.channels import mime
from monitor.channels.email_options import EmailOptions
from monitor.channels.retry import MAIL_SCHEDULE
from monitor.channels.smtp_outcome import FAILURES, SetUpWronglyError, Stage, is_answer, judge
from monitor.model import Alert, BadMessage, Delivered, Delivery, Gone, Message, Outcome, Part, Recipient
from monitor.net.client import Http
from monitor.net.transport import tls_context

_NO_EHLO = frozenset({500, 501, 502, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Seconds that the stages may take (RFC 5321 section 4.5.3.2; the final dot has ten minutes there, too)."""

    connect: float = 30
    command: float = 60
    prepare: float = 300
    """All stages before the mail itself together."""
    dot: float = 600
    goodbye: float = 5

    @property
    def total(self) -> timedelta:
        """Return what an attempt may take."""
        return timedelta(seconds=self.prepare + self.dot + self.goodbye)


class EmailChannel:
    """One mail server; see `ports.Channel`."""

    Options: ClassVar[type[EmailOptions]] = EmailOptions
    kind = "email"
    concurrency = 2
    schedule: Sequence[timedelta] = MAIL_SCHEDULE
    wants: Collection[Part] = (Part.SUBJECT, Part.TEXT, Part.HTML)
    deadline = Waits().total

    def __init__(self, name: str, options: EmailOptions, *, _waits: Waits | None = None) -> None:
        self.name = name
        self.recipients = options.recipients()
        self._options = options
        self._waits = _waits or Waits()
        self.deadline = self._waits.total
        self._letterhead = options.letterhead()
        self._envelope = options.envelope_sender or self._letterhead.sender.addr_spec
        self._port = options.port_or_usual
        self._tls = None if options.tls == "none" else tls_context(options.ca_file)

    @classmethod
    def build(cls, name: str, options: Any, *, http: Http, data_dir: Path) -> Self:
        """Return the channel; it needs neither client nor directory."""
        del http, data_dir
        return cls(name, EmailOptions.of(options))

    def compose(self, message: Message, *, alert: Alert, delivery_id: str, recipient: Recipient) -> bytes:
        """Return the whole mail."""
        return mime.compose(message, self._letterhead, alert=alert, delivery_id=delivery_id, to=recipient.address)

    async def send(self, delivery: Delivery, *, now: datetime) -> Outcome:
        """Hand the mail to the server; one whose content is refused once more as text alone."""
        del now
        if all(recipient.address != delivery.recipient for recipient in self.recipients):
            return Gone(
                reason="recipient_removed", detail=f"{delivery.recipient} is no recipient of this channel any more"
            )
        ends = asyncio.get_running_loop().time() + self.deadline.total_seconds()
        outcome = await self._attempt(delivery.recipient, delivery.payload, ends)
        short = mime.text_only(delivery.payload) if _wants_less(outcome) else None
        if short is None:
            return self._hidden(outcome)
        second = await self._attempt(delivery.recipient, short, ends)
        return self._hidden(replace(second, detail=f"{second.detail} (as text alone: the whole mail was refused)"))

    async def aclose(self) -> None:
        """Do nothing: a connection lasts for one mail."""

    async def _attempt(self, recipient: str, mail: bytes, ends: float) -> Outcome:
        loop = asyncio.get_running_loop()
        talk = _Talk(self._options, self._port, self._tls, self._letterhead.domain, self._waits)
        polite = True
        try:
            async with asyncio.timeout_at(min(ends, loop.time() + self._waits.prepare)):
                await talk.prepare(self._envelope, recipient)
            receipt = await talk.hand_over(mail, max(0.1, min(self._waits.dot, ends - loop.time())))
        except FAILURES as error:
            polite = is_answer(error)
            return judge(error, talk.stage, f"{self._options.host}:{self._port}")
        else:
            return Delivered(detail=f"{self._options.host} took it: {receipt}", status=250)
        finally:
            await talk.hang_up(polite=polite)

    def _hidden(self, outcome: Outcome) -> Outcome:
        """Return the outcome without the password, should the server have repeated it."""
        if self._options.password is None:
            return outcome
        password = self._options.password.get_secret_value()
        plain = f"\0{self._options.username}\0{password}"
        detail = outcome.detail
        for secret in (password, *(base64.b64encode(text.encode()).decode().rstrip("=") for text in (password, plain))):
            detail = detail.replace(secret, "***")
        return replace(outcome, detail=detail)


def _wants_less(outcome: Outcome) -> bool:
    """Tell whether a mail was refused for its size or content, after the server had read it."""
    return isinstance(outcome, BadMessage) and outcome.reason == "content_refused"


class _Client(SMTP):
    """aiosmtplib's client, whose connection ends at once: a farewell over TLS would wait for a server that hangs."""

    def close(self) -> None:
        """Drop the connection."""
        transport = self.transport
        super().close()
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()


class _Talk:
    """One conversation with the server; `stage` is how far it came."""

    def __init__(
        self, options: EmailOptions, port: int, tls: ssl.SSLContext | None, local_name: str, waits: Waits
    ) -> None:
        self.stage = Stage.CONNECT
        self._options = options
        self._waits = waits
        self._smtp = _Client(
            hostname=options.host,
            port=port,
            use_tls=options.tls == "implicit",
            start_tls=False,
            tls_context=tls,
            local_hostname=local_name,
            timeout=waits.command,
        )

    async def prepare(self, sender: str, recipient: str) -> None:
        """Go through all stages up to the server's invitation to send the mail."""
        await self._smtp.connect(timeout=self._waits.connect)
        self.stage = Stage.HELLO
        await self._hello()
        if self._options.tls == "starttls":
            self.stage = Stage.TLS
            await self._encrypt()
        if self._options.username is not None:
            self.stage = Stage.LOGIN
            await self._login(self._options.username)
        self.stage = Stage.SENDER
        await self._smtp.mail(sender)
        self.stage = Stage.RECIPIENT
        await self._smtp.rcpt(recipient)
        self.stage = Stage.DATA
        answer = await self._smtp.execute_command(b"DATA")
        if answer.code != 354:  # noqa: PLR2004 - RFC 5321 section 3.3
            raise SMTPDataError(answer.code, answer.message)

    async def hand_over(self, mail: bytes, wait: float) -> str:
        """Send the mail and its final dot; return the server's receipt."""
        protocol = self._smtp.protocol
        if protocol is None:
            raise SMTPServerDisconnected("Connection lost")
        protocol.write(re.sub(rb"(?m)^\.", b"..", mail) + b".\r\n")  # RFC 5321 section 4.5.2
        self.stage = Stage.DOT  # from here on it may have arrived
        answer = await protocol.read_response(timeout=wait)
        if answer.code != 250:  # noqa: PLR2004
            raise SMTPDataError(answer.code, answer.message)
        return " ".join(answer.message.split())[:200]

    async def hang_up(self, *, polite: bool) -> None:
        """Take leave (`polite`: the server waits for our next command), then drop the connection; never raises."""
        with contextlib.suppress(SMTPException, OSError, TimeoutError):
            if polite and self._smtp.is_connected:
                await self._smtp.quit(timeout=self._waits.goodbye)
        self._smtp.close()
        await asyncio.sleep(0)  # the loop closes the socket in its next round

    async def _hello(self) -> None:
        try:
            await self._smtp.ehlo()
        except SMTPHeloError as error:
            if error.code not in _NO_EHLO:
                raise
            await self._smtp.helo()

    async def _encrypt(self) -> None:
        if not self._smtp.supports_extension("starttls"):
            raise SetUpWronglyError(
                "no_starttls", f"{self._options.host} does not offer STARTTLS; nothing was sent in clear text"
            )
        await self._smtp.starttls(server_hostname=self._options.host)
        await self._hello()

    async def _login(self, username: str) -> None:
        assert self._options.password is not None  # the options take both or none
        password = self._options.password.get_secret_value()
        methods = {
            "plain": self._smtp.auth_plain,
            "login": self._smtp.auth_login,
            "cram-md5": self._smtp.auth_crammd5,
        }
        order = ("cram-md5", "plain", "login") if self._options.tls == "none" else ("plain", "login", "cram-md5")
        for name in order:
            if name in self._smtp.server_auth_methods:
                await methods[name](username, password)
                return
        raise SetUpWronglyError(
            "no_login", f"{self._options.host} offers no login that we know (PLAIN, LOGIN, CRAM-MD5)"
        )
