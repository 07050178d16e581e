"""How many bytes may be handed to a connection and not yet acknowledged, learnt from what the path has carried.

Neither engine validates its congestion window (RFC 7661): while the application is the limit each acknowledgement makes
it grow, qh3's to a gigabyte, and the burst after a quiet stretch then floods the path. This limit is the validated
window above them:

    slow start     doubles each round trip in which it was filled, until the path's queue shows in the round trip
                   (RFC 9406) or packets are lost
    then           grows by a sixteenth each round trip in which it was filled
    loss           x 0.7 of what was in use, once a round trip; to the floor when probes go unanswered
    not filled     halves each quiet interval toward what was used, and to the initial limit when nothing was

It reads no clock; sizes are bytes, times seconds.
"""

from __future__ import annotations

import math

INITIAL_DATAGRAMS = 32
FLOOR_DATAGRAMS = 8
LOSS_FACTOR = 0.7
GENTLE_SHIFT = 4
"""A filled round trip past slow start adds `limit >> GENTLE_SHIFT`."""
ROUND_MINIMUM = 0.001
"""The shortest round; acknowledgements may come that much late, and shorter ones measure the scheduler."""
QUIET_MINIMUM = 0.25
"""After that long, or four round trips if longer, a limit that was not filled is halved."""
DELAY_SHARE, DELAY_LEAST, DELAY_MOST = 1 / 8, 0.004, 0.016
"""The growth of the round trip that ends slow start: a share of the shortest seen, clamped (RFC 9406 section 4.2)."""
BASE_LIFETIME = 10.0
"""The shortest round trip is looked for among the last one to two of these."""


class InFlight:
    """The limit of one connection, between its floor and `ceiling`."""

    __slots__ = (
        "_base",
        "_base_at",
        "_base_before",
        "_ceiling",
        "_datagram",
        "_floor",
        "_initial",
        "_lost",
        "_peak",
        "_quiet",
        "_recovered_at",
        "_round_at",
        "_round_peak",
        "_round_rtt",
        "_shrink_at",
        "_threshold",
        "limit",
    )

    def __init__(self, ceiling: int, datagram: int) -> None:
        self._ceiling = ceiling
        self._datagram = datagram
        self._initial = min(ceiling, INITIAL_DATAGRAMS * datagram)
        self._floor = min(ceiling, FLOOR_DATAGRAMS * datagram)
        self.limit = self._initial
        self._threshold: float = math.inf
        self._base = self._base_before = math.inf
        self._base_at = 0.0
        self._round_at = -math.inf
        self._round_rtt = math.inf
        self._round_peak = 0
        self._peak = 0
        self._quiet = QUIET_MINIMUM
        self._shrink_at: float | None = None
        self._recovered_at = -math.inf
        self._lost = 0

    def room(self, outstanding: int) -> int:
        """How many more bytes may be handed in while `outstanding` are unacknowledged."""
        self.use(outstanding)
        return max(0, self.limit - outstanding)

    def use(self, outstanding: int) -> None:
        """Notes how much of the limit is in use."""
        self._round_peak = max(self._round_peak, outstanding)

    def observe(self, now: float, rtt: float, smoothed: float, lost: int, unanswered: int) -> None:
        """Takes what the engine knows after a read or a timer: the latest and the smoothed round trip, packets lost in
        all, and probes in a row without an answer."""
        self._round_rtt = min(self._round_rtt, rtt)
        if lost > self._lost or unanswered >= 2:
            self._lost = lost
            self._reduce(now, smoothed, unanswered)
        elif now >= self._round_at + max(smoothed, ROUND_MINIMUM):
            self._end_round(now)
            self._quiet = max(QUIET_MINIMUM, 4 * smoothed)
            if self._shrink_at is None and self.limit > self._initial:
                self._shrink_at = now + self._quiet

    def timer(self) -> float | None:
        """When `tick` wants to be called, so that a quiet stretch is noticed while it lasts."""
        return self._shrink_at

    def tick(self, now: float) -> None:
        """Halves the limit, when its time has come, toward what was used since it was last filled."""
        if self._shrink_at is None or now < self._shrink_at:
            return
        used = max(self._peak, self._round_peak)
        if 2 * used < self.limit:
            if self._threshold < math.inf:
                self._threshold = max(self._threshold, 0.75 * self.limit)
            self.limit = max(self._initial, used, self.limit // 2)
        self._peak = 0
        self._round_peak = 0
        self._shrink_at = now + self._quiet if self.limit > self._initial else None

    def _reduce(self, now: float, smoothed: float, unanswered: int) -> None:
        if unanswered >= 2:
            self.limit = self._floor
        elif now >= self._recovered_at:
            used = max(self._peak, self._round_peak)
            self.limit = max(self._floor, int(min(self.limit, max(used, self._floor)) * LOSS_FACTOR))
            self._threshold = self.limit
        else:
            return
        self._recovered_at = now + smoothed
        self._begin_round(now)

    def _end_round(self, now: float) -> None:
        if 4 * self._round_peak >= 3 * self.limit:
            if self.limit < self._threshold and self._delayed():
                self._threshold = self.limit
            if self.limit < self._threshold:
                grown = min(2 * self.limit, self._threshold)
            else:
                grown = self.limit + max(2 * self._datagram, self.limit >> GENTLE_SHIFT)
            self.limit = int(min(grown, self._ceiling))
            self._shrink_at = None
        self._learn_base(now)
        self._begin_round(now)

    def _begin_round(self, now: float) -> None:
        self._peak = max(self._peak, self._round_peak) if self._shrink_at is not None else self._round_peak
        self._round_at = now
        self._round_rtt = math.inf
        self._round_peak = 0

    def _delayed(self) -> bool:
        base = min(self._base, self._base_before)
        return self._round_rtt > base + min(max(base * DELAY_SHARE, DELAY_LEAST), DELAY_MOST)

    def _learn_base(self, now: float) -> None:
        if now >= self._base_at + BASE_LIFETIME:
            self._base_before = self._base
            self._base = math.inf
            self._base_at = now
        self._base = min(self._base, self._round_rtt)
