"""One endpoint's stateless resets: those it sends for connections it does not know, and those it takes from peers that
do not know one of its own."""

from __future__ import annotations

from sidecar.transport.engine.base import CONNECTION_ID_BYTES
from sidecar.transport.engine.reset import LEAST_BYTES, TOKEN_BYTES, reset_key, stateless_reset
from sidecar.transport.pump import Pump

RATE = 100.0
"""Resets a second, and in one go: each peer needs one, and floods of unknown packets are not to be answered one by
one."""


class Resets:
    """See the module."""

    def __init__(self, private_key_pem: bytes, port: int) -> None:
        self.key = reset_key(private_key_pem, port)
        """What the tokens of accepted connections are made of."""
        self._expected: dict[bytes, Pump] = {}
        self._left = RATE
        self._at = 0.0

    def expect(self, pump: Pump, token: bytes) -> None:
        """The peer would end this connection with that token."""
        self._expected[token] = pump

    def forget(self, token: bytes) -> None:
        """The connection is over."""
        self._expected.pop(token, None)

    def ended_by_untrusted(self, data: bytes) -> Pump | None:
        """The connection that a datagram for nobody ends: one with its token in the last bytes, which only its peer
        knows."""
        return self._expected.get(data[-TOKEN_BYTES:]) if len(data) >= LEAST_BYTES else None

    def answer_untrusted(self, data: bytes, segment: int, now: float) -> bytes | None:
        """The reset for a short header packet of a connection that is not ours, or no more; None when there is none."""
        self._left = min(RATE, self._left + (now - self._at) * RATE)
        self._at = now
        reset = stateless_reset(self.key, data[1 : 1 + CONNECTION_ID_BYTES], min(len(data), segment))
        if reset is None or self._left < 1:
            return None
        self._left -= 1
        return reset
