"""What stands in `kind: email`, checked."""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from monitor.channels.mime import Letterhead
from monitor.channels.options import (
    CaFile,
    Domain,
    Host,
    Language,
    MailAddress,
    Reading,
    Strict,
    Zone,
    fault,
    is_loopback,
    mail_address,
)
from monitor.model import Recipient

MAX_URI = 900
"""Characters of a `mailto:` in a header line of at most 998 (RFC 5322 section 2.1.1)."""

_PORTS = {"starttls": 587, "implicit": 465, "none": 25}
_MAILTO = re.compile(r"mailto:[!-;=?-~]+")


class To(Strict):
    """A recipient with a language or zone of their own."""

    address: MailAddress
    language: Language = None
    zone: Zone = None


class EmailOptions(Reading):
    """`kind: email`."""

    host: Host = Field(description="Mail server that takes our mails (a relay or submission server).")
    port: int | None = Field(default=None, ge=1, le=65535, description="Default: 587 starttls, 465 implicit, 25 none.")
    tls: Literal["starttls", "implicit", "none"] = Field(description="How the connection is encrypted.")
    allow_plain: bool = Field(default=False, description="Allow `tls: none` to another machine.")
    username: str | None = Field(default=None, min_length=1, description="Login, where the server wants one.")
    password: SecretStr | None = Field(default=None, description="Its password.")
    sender: str = Field(alias="from", description="Sender, like `Monitor <alerts@example.org>`.")
    reply_to: MailAddress | None = Field(default=None, description="Where answers go.")
    envelope_sender: MailAddress | None = Field(default=None, description="Where bounces go; default: the sender.")
    to: tuple[MailAddress | To, ...] = Field(min_length=1, description="Recipients; each gets a mail of their own.")
    list_id: Domain | None = Field(default=None, description="Name for filters (List-Id), like alerts.example.org.")
    domain: Domain | None = Field(default=None, description="Of the Message-IDs; default: that of the sender.")
    ca_file: CaFile | None = Field(default=None, description="Certificates to trust besides the public ones (PEM).")
    unsubscribe: str | None = Field(default=None, description="Address to write to for no more mails (mailto:).")

    @field_validator("sender")
    @classmethod
    def _sender(cls, value: str) -> str:
        _address(value)
        return value

    @field_validator("unsubscribe")
    @classmethod
    def _unsubscribe(cls, value: str | None) -> str | None:
        if value is None:
            return None
        uri = value if value.startswith("mailto:") else f"mailto:{value}"
        if not _MAILTO.fullmatch(uri) or "@" not in uri or len(uri) > MAX_URI:
            raise fault("is not a mail address", "write it like mailto:desk@example.org?subject=unsubscribe")
        return uri

    @field_validator("to")
    @classmethod
    def _each_once(cls, value: tuple[str | To, ...]) -> tuple[str | To, ...]:
        addresses = [entry if isinstance(entry, str) else entry.address for entry in value]
        for address in addresses:
            if addresses.count(address) > 1:
                raise fault(f"names {address} twice", "keep one of them")
        return value

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.tls == "none" and not self.allow_plain and not is_loopback(self.host):
            raise fault(
                "`tls: none` would send mails readable for everyone in between",
                "use starttls or implicit, or say `allow_plain: true`",
            )
        if (self.username is None) != (self.password is None):
            raise fault("`username` and `password` belong together", "give both or none")
        return self

    def letterhead(self) -> Letterhead:
        """Return what stands on every mail."""
        sender = _address(self.sender)
        return Letterhead(
            sender=sender,
            domain=self.domain or sender.domain,
            reply_to=self.reply_to,
            list_id=self.list_id,
            unsubscribe=self.unsubscribe,
        )

    @property
    def port_or_usual(self) -> int:
        """Return the port, the usual one for the encryption where none is given."""
        return self.port or _PORTS[self.tls]

    def recipients(self) -> tuple[Recipient, ...]:
        """Return the recipients in order."""
        entries = [entry if isinstance(entry, To) else To(address=entry) for entry in self.to]
        return tuple(
            Recipient(address=to.address, language=to.language or self.reads, zone=to.zone or self.clock)
            for to in entries
        )


def _address(text: str) -> Address:
    """Return a sender's name and address, or raise a fault."""
    name, address = parseaddr(text)
    if any(not char.isprintable() for char in text):
        raise fault("holds control characters", "write it like `Monitor <alerts@example.org>`")
    return Address(display_name=name, addr_spec=mail_address(address))
