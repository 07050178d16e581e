"""When what a window lets out may leave: spread over its round trip, so that a path's queue need not hold it all
(RFC 9002 section 7.7).

It reads no clock; sizes are bytes, times seconds.
"""

from __future__ import annotations

BURST_DATAGRAMS = 16
"""So many may leave at once."""
BURST_SECONDS = 0.002
"""And as much as the rate gives in that time, lest a fast path costs a wake-up for every few packets."""
LATE_SECONDS = 0.025
"""And in that time for who was held back and is woken late, as on a busy machine, lest the rate is never reached."""


class Pacer:
    """A bucket that fills at the window's rate and from which packets are taken."""

    __slots__ = ("_at", "_burst", "_held", "_left", "due")

    def __init__(self, datagram: int) -> None:
        self._burst = BURST_DATAGRAMS * datagram
        self._at = 0.0
        self._left: float = self._burst
        self._held = False
        self.due: float | None = None
        """When there is room again, if there was none."""

    def room(self, now: float, rate: float) -> int:
        """Bytes that may leave now, at `rate` bytes a second. What then leaves is to be told."""
        most = max(self._burst, rate * (LATE_SECONDS if self._held else BURST_SECONDS))
        self._left = min(most, self._left + max(0.0, now - self._at) * rate)
        self._at = now
        return max(0, int(self._left))

    def left(self, size: int, rate: float) -> None:
        """So many bytes have left. Once there is room for none, more may when half a bucket is there."""
        self._left -= size
        self._held = self._left < 1
        self.due = None
        if self._held:
            self.due = self._at + (max(self._burst, rate * BURST_SECONDS) / 2 - self._left) / rate
