"""Ports for what a test starts and will start again, or has to name before it starts.

Port 0 is for what is bound once: what the system gives belongs to whoever asks next when its owner is gone, also to a
connection that is dialled. These are below what it gives.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

LOWEST, HIGHEST = 10_000, 32_000
GIVEN = Path("/proc/sys/net/ipv4/ip_local_port_range")


def is_free(port: int) -> bool:
    """Whether nobody has it, by TCP or UDP."""
    family, host = (socket.AF_INET6, "::") if socket.has_dualstack_ipv6() else (socket.AF_INET, "0.0.0.0")
    with socket.socket(family, socket.SOCK_DGRAM) as datagrams, socket.socket(family, socket.SOCK_STREAM) as streams:
        try:
            datagrams.bind((host, port))
            streams.bind((host, port))
        except OSError:
            return False
    return True


def _all() -> Iterator[int]:
    highest = min(HIGHEST, int(GIVEN.read_text().split()[0])) if GIVEN.exists() else HIGHEST
    count = max(1000, highest - LOWEST)
    number = os.getpid() * 100  # runs at the same time begin elsewhere
    while True:
        yield LOWEST + number % count
        number += 1


_ports = _all()


def free_port() -> int:
    """The next that nobody has."""
    return next(filter(is_free, _ports))
