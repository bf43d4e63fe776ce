"""What systemd is told (sd_notify(3)): ready, alive, stopping. Without a manager every call does nothing."""

from __future__ import annotations

import os
import socket


def notify(*lines: str) -> None:
    """Send state lines such as `READY=1` to the manager that started us."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
        manager.connect(address)
        manager.send("\n".join(lines).encode())
