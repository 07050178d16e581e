"""How wide the paths are: the largest datagrams they carry, found while dialling.

Both engines fix a connection's datagrams when it is made, qh3's core for good. So a path is measured beside the
first packet of a dial, and the connection is made anew where that was too wide (RFC 8899 with a ladder for a search):

    dialler                                             acceptor
    Initial, filled up to what is wanted        --X
    a packet of no version, filled up to 8952   --X
    the same, filled up to 1452                 -->     answers any version it does not know
                                                <--     Version Negotiation (RFC 9000 section 6): 1452 bytes came
    Initial, filled up to 1452                  -->     takes its own datagrams to be as wide as this one

A connection that gets nothing through later asks the same of its path (`transport.pathwatch`).

An answer is believed when it carries the 64 random bits of its probe. A wrong one costs a narrower path, or a wider
one that `Pump` falls back from, for a while.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

from sidecar.transport.engine.base import CONNECTION_ID_BYTES, Address
from sidecar.transport.engine.packet import LEAST_INITIAL_BYTES, LongHeader

if TYPE_CHECKING:
    from sidecar.transport.pump import Pump

ETHERNET = 1452
"""An Ethernet frame's, with IPv6 below."""
RUNGS = (65_487, 16_383, 8_952, ETHERNET, LEAST_INITIAL_BYTES)
"""Bytes of UDP payload: loopback's MTU of 65,536, the most that a packet of aioquic's holds, jumbo frames of 9,000,
Ethernet, and what QUIC asks of every path."""
REMEMBERED_MAX = 1024
REMEMBERED_SECONDS = 600.0
"""So many hosts are remembered, and so long, for a path narrower than what was wanted."""
PROBES_MAX = 1024
"""Probes without an answer that are remembered."""

_GREASE = b"\x5a\x5a\x5a\x5a"
"""A version that nobody speaks: one of those reserved to be answered (RFC 9000 section 15)."""


def rung_of(size: int, most: int) -> int:
    """The widest datagrams, `most` at most, for a path that has carried one of `size` bytes."""
    return most if size >= most else next((rung for rung in RUNGS if rung <= size), LEAST_INITIAL_BYTES)


class Widths:
    """What is known of paths, and the probes under way. `send` takes a datagram and where it goes."""

    def __init__(self, send: Callable[[bytes, Address], None]) -> None:
        self._send = send
        self._probes: OrderedDict[bytes, tuple[Pump, int]] = OrderedDict()
        self._known: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def known(self, host: str, now: float) -> int | None:
        """What the path to a host is known to carry; None when it is not known to be narrow."""
        until, width = self._known.get(host, (0.0, 0))
        return width if until > now else None

    def remember(self, host: str, width: int, now: float) -> None:
        """A path has proved narrower than what was wanted."""
        self._known.pop(host, None)
        while len(self._known) >= REMEMBERED_MAX:
            self._known.popitem(last=False)
        self._known[host] = (now + REMEMBERED_SECONDS, width)

    def probe(self, pump: Pump, remote: Address, wanted: int) -> None:
        """Asks how wide the path is, for a connection that begins with datagrams of `wanted` bytes."""
        if wanted <= ETHERNET:
            return  # one step is left, which the dial takes by itself
        for rung in RUNGS:
            if rung < wanted:
                self._ask(pump, remote, rung)

    def _ask(self, pump: Pump, remote: Address, width: int) -> None:
        name = secrets.token_bytes(CONNECTION_ID_BYTES)
        while len(self._probes) >= PROBES_MAX:
            self._probes.popitem(last=False)
        self._probes[name] = (pump, width)
        self._send(_probe(name, width), remote)

    def check(self, pump: Pump, remote: Address) -> None:
        """Asks whether the path carries a connection's packets still, and small ones."""
        for width in (pump.width, LEAST_INITIAL_BYTES):
            self._ask(pump, remote, width)

    def answered_untrusted(self, header: LongHeader) -> tuple[Pump, int] | None:
        """Whose probe a Version Negotiation packet answers, and how wide that was."""
        return self._probes.pop(header.destination_id, None)


def _probe(name: bytes, size: int) -> bytes:
    """
    1 | 1 | random 6     version 0x5a5a5a5a     8, random dcid     8, `name`     zeros up to `size`
    """
    head = bytes((0xC0 | secrets.randbelow(0x40),)) + _GREASE
    ids = bytes((CONNECTION_ID_BYTES,)) + secrets.token_bytes(CONNECTION_ID_BYTES) + bytes((len(name),)) + name
    return (head + ids).ljust(size, b"\0")
