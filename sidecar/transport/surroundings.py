"""Surroundings: notices that this machine's addresses or routes have changed, and that it has slept.

Linux tells of addresses and routes over a netlink socket (rtnetlink(7)); where there is none, the addresses that
packets would leave from are compared once a second, which costs two system calls and no packet.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Callable

_log = logging.getLogger(__name__)

TICK = 1.0
SETTLE = 0.1
"""Seconds in which changes are gathered: one command, or one cable, makes a dozen."""
LEAST_INTERVAL = 1.0
"""Seconds between two changes that are told: some networks announce themselves anew all the time."""
ASLEEP = 1.0
"""Seconds of sleep that count."""
STOPPED = 5.0
"""Seconds by which a timer may be late before the process, or the machine around it, is taken to have been stopped."""
GROUPS = 0x10 | 0x40 | 0x100 | 0x400
"""RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_IFADDR and RTMGRP_IPV6_ROUTE of linux/rtnetlink.h."""
READ_BYTES = 64 << 10
FAR = ((socket.AF_INET, ("192.0.2.1", 9)), (socket.AF_INET6, ("2001:db8::1", 9)))
"""Addresses beyond every router (RFC 5737, RFC 3849); nothing is sent there."""


class Sleep:
    """Tells from two clocks how long nothing ran: one that stops while the machine sleeps, and one that does not."""

    def __init__(self, running: float, passing: float) -> None:
        self._running = running
        self._passing = passing

    def seconds(self, running: float, passing: float) -> float:
        """What both clocks show now, a tick after the last time; how long it slept or was stopped since, 0.0 for not at
        all."""
        ran, passed = running - self._running, passing - self._passing
        self._running, self._passing = running, passing
        if passed - ran > ASLEEP:
            return passed - ran
        return ran - TICK if ran - TICK > STOPPED else 0.0


class Surroundings:
    """Calls `changed` with what has happened, from the loop."""

    def __init__(self, changed: Callable[[str], None]) -> None:
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._sleep = Sleep(self._loop.time(), _passing())
        self._told_at = 0.0
        self._telling: asyncio.TimerHandle | None = None
        self._netlink = _netlink()
        self._sources: list[str] = []
        if self._netlink is not None:
            self._loop.add_reader(self._netlink, self._readable)
        else:
            self._sources = sources()
        self._ticking = self._loop.call_later(TICK, self._tick)

    def close(self) -> None:
        """Nothing is told any more."""
        self._ticking.cancel()
        if self._telling is not None:
            self._telling.cancel()
        if self._netlink is not None:
            self._loop.remove_reader(self._netlink)
            self._netlink.close()

    def _tick(self) -> None:
        self._ticking = self._loop.call_later(TICK, self._tick)
        slept = self._sleep.seconds(self._loop.time(), _passing())
        if slept:
            self._changed(f"nothing ran here for {slept:.1f} s")
        if self._netlink is None and (now := sources()) != self._sources:
            self._sources = now
            self._changed("this machine has other addresses")

    def _readable(self) -> None:
        assert self._netlink is not None
        # What exactly has changed is not looked at; when the kernel dropped some of it, that is a change as well.
        with contextlib.suppress(OSError):
            while self._netlink.recv(READ_BYTES):
                pass
        if self._telling is None:
            due = max(self._loop.time() + SETTLE, self._told_at + LEAST_INTERVAL)
            self._telling = self._loop.call_at(due, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self._told_at = self._loop.time()
        self._changed("this machine's addresses or routes have changed")


def sources() -> list[str]:
    """The addresses that packets to the world would leave from now."""
    found = []
    for family, far in FAR:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect(far)
                found.append(str(probe.getsockname()[0]))
        except OSError:  # no such family, or no route
            found.append("")
    return found


def _netlink() -> socket.socket | None:
    """A socket that hears of addresses and routes; None where there is none."""
    if not hasattr(socket, "AF_NETLINK"):
        return None
    try:
        heard = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
    except OSError as error:
        _log.info("no netlink (%s): addresses are compared every second", error.strerror)
        return None
    try:
        heard.bind((0, GROUPS))
    except OSError as error:
        heard.close()
        _log.info("no netlink (%s): addresses are compared every second", error.strerror)
        return None
    return heard


def _passing() -> float:
    """A clock that goes on while the machine sleeps; where there is none, the one on the wall."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.time()
