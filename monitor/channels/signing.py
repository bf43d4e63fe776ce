"""Standard Webhooks 1.0.0 signatures: `v1,` and the HMAC-SHA256 over id, timestamp and the exact bytes of the body."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable

PREFIX = "whsec_"

SECRET_BYTES = range(24, 65)
"""How long a secret may be (Standard Webhooks 1.0.0, "Signature scheme")."""


def parse(secret: str) -> bytes:
    """Return the key of a `whsec_...` secret; `ValueError` says what is wrong without quoting it."""
    if not secret.startswith(PREFIX):
        raise ValueError(f"does not begin with {PREFIX}")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"is not Base64 after {PREFIX}") from error
    if len(key) not in SECRET_BYTES:
        raise ValueError(f"has {len(key)} bytes")
    return key


def signature(keys: Iterable[bytes], webhook_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of `webhook-signature`: one signature for each key, so that receivers can change theirs in peace.

    `timestamp` is in seconds of Unix time; `webhook_id` holds no dot, which separates the signed parts.
    """
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return " ".join("v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys)
