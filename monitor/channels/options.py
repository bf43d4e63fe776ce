"""Values that stand in the options of channels, each with its check and the words for when it fails.

A check raises `fault`: settings shows its `message` after the key and its `instead` as the advice. Language and zone that
the options leave open come from the validation's context (`language`, `zone`), where settings puts its defaults.
"""

from __future__ import annotations

import re
import ssl
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationInfo
from pydantic_core import PydanticCustomError

from monitor.model import LANGUAGES
from monitor.net.guard import check_url, literal_address

_LOCAL_PART = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")


def fault(message: str, instead: str | None = None) -> PydanticCustomError:
    """Return the error to raise from a check."""
    return PydanticCustomError("fault", "{message}", {"message": message, "instead": instead})


def _language(value: str | None, info: ValidationInfo) -> str | None:
    value = value or (info.context or {}).get("language")
    if value is not None and value not in LANGUAGES:
        raise fault(f"`{value}` is no language of alerts", f"choose from {', '.join(LANGUAGES)}")
    return value


def _zone(value: str | None, info: ValidationInfo) -> str | None:
    value = value or (info.context or {}).get("zone")
    try:
        ZoneInfo(value or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise fault(f"there is no time zone `{value}`", "write an IANA name, like Asia/Almaty") from None
    return value


def _network(value: str) -> str:
    try:
        return str(ip_network(value.strip()))
    except ValueError:
        raise fault(f"`{value}` is not a network", "write it like 10.0.0.0/8 or fd00::/8") from None


def _web_address(value: SecretStr) -> SecretStr:
    url = value.get_secret_value().strip()
    if sentence := check_url(url):
        raise fault(f"cannot be used: {sentence}", "write it in full, like https://example.org/hook")
    return SecretStr(url)


def _ca_file(value: Path) -> Path:
    if not value.is_absolute():
        raise fault("is a relative path", "write it in full, from /")
    try:
        ssl.create_default_context(cafile=str(value))
    except (OSError, ssl.SSLError) as error:
        why = error.strerror if isinstance(error, FileNotFoundError | PermissionError) else "it holds no certificates"
        raise fault(f"cannot be used: {why}", "name a file of certificates in PEM form") from None
    return value


def _domain(value: str) -> str:
    try:
        ascii_form = value.strip().encode("idna").decode("ascii").lower()
    except UnicodeError:
        ascii_form = ""
    if not _DOMAIN.fullmatch(ascii_form):
        raise fault(f"`{value}` is not a domain", "write it like example.org")
    return ascii_form


def mail_address(value: str) -> str:
    """Return a bare mail address with its domain in ASCII form (IDNA), or raise a fault."""
    local, at, host = value.strip().rpartition("@")
    if not at or not _LOCAL_PART.fullmatch(local) or ".." in f".{local}.":
        raise fault(f"`{value}` is not a mail address we can write to", "write it like desk@example.org")
    return f"{local}@{_domain(host)}"


def _host(value: str) -> str:
    try:
        return str(ip_address(value.strip().strip("[]")))
    except ValueError:
        return _domain(value)


Language = Annotated[str | None, AfterValidator(_language)]
Zone = Annotated[str | None, AfterValidator(_zone)]
Network = Annotated[str, AfterValidator(_network)]
WebAddress = Annotated[SecretStr, AfterValidator(_web_address)]
CaFile = Annotated[Path, AfterValidator(_ca_file)]
Domain = Annotated[str, AfterValidator(_domain)]
Host = Annotated[str, AfterValidator(_host)]
MailAddress = Annotated[str, AfterValidator(mail_address)]


class Strict(BaseModel):
    """Base of all option models: unknown keys are refused, values never stand in error texts."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=True)

    @classmethod
    def of(cls, options: Any) -> Self:
        """Return options that are checked already as they are, others checked; `pydantic.ValidationError` lists mistakes."""
        return options if isinstance(options, cls) else cls.model_validate(options)


class Reading(Strict):
    """Who reads a channel: in which language and zone. Without context the defaults are English and UTC."""

    language: Language = Field(default=None, validate_default=True, description="Language of alerts: en, ru or kk.")
    zone: Zone = Field(default=None, validate_default=True, description="Time zone of alerts (IANA name).")

    @property
    def reads(self) -> str:
        """Return the language."""
        return self.language or "en"

    @property
    def clock(self) -> str:
        """Return the zone."""
        return self.zone or "UTC"


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine, as far as its text says."""
    name = host.strip("[]").rstrip(".").lower()
    address = literal_address(name)
    if address is None:
        return name == "localhost" or name.endswith(".localhost")
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
