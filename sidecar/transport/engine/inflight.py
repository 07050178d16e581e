"""How many bytes may be handed to a connection and not yet acknowledged, learnt from what the path has carried.

Neither engine validates its congestion window (RFC 7661): while the application is the limit each acknowledgement makes
it grow, qh3's to a gigabyte, and the burst after a quiet stretch then floods the path. This limit is the validated
window above them:

    slow start     while it is filled, grows by what is acknowledged; the first one ends when the path's queue shows in
                   the round trip (RFC 9406), every one when packets are lost
    then           while it is filled, grows by a sixteenth of what is acknowledged
    loss           x 0.7 of what was in use, once a round trip
    not filled     halves each quiet interval toward what was used, and to the initial limit when nothing was

Its rate spreads what it lets out over the round trip (`engine.pacer`). What it starts with, that it paces and on which
control it stands was chosen by `bench.paths`.

It reads no clock; sizes are bytes, times seconds.
"""

from __future__ import annotations

import math

INITIAL_DATAGRAMS = 32
"""The limit at the start and the least it is ever: so much may go to any path at once, and below it the engine's own
window decides. With 10 a burst takes a sixth longer at 20 ms, with 64 an eighth less (`bench.paths`); but each of
thousands of links may have as much in flight."""
LOSS_FACTOR = 0.7
GENTLE_SHIFT = 4
"""Past slow start the limit grows by what is acknowledged, shifted by this."""
LEAST_PACED = 0.004
"""On a path with a shorter round trip than that packets leave as they come: spreading them would take longer."""
SLOW_START_GAIN, GAIN = 2.0, 1.25
"""How much faster than once a round trip what the limit lets out may leave, so that it can grow (RFC 9002 section
7.7)."""
QUIET_MINIMUM = 0.25
"""After that long, or four round trips if longer, a limit that was not filled is halved."""
DELAY_SAMPLES = 8
"""The shortest of that many round trips in a row says whether a queue has built up (RFC 9406 section 4.2)."""
DELAY_SHARE, DELAY_LEAST, DELAY_MOST = 1 / 8, 0.004, 0.016
"""How much longer it must be than the shortest ever: a share of that, clamped."""
BASE_LIFETIME = 10.0
"""The shortest round trip ever is the shortest of the last one to two of these."""


class InFlight:
    """The limit of one connection, between its initial value and `ceiling`."""

    __slots__ = (
        "_base",
        "_base_at",
        "_base_before",
        "_ceiling",
        "_filled",
        "_initial",
        "_lost",
        "_paced",
        "_peak",
        "_quiet",
        "_recovered_at",
        "_rtts",
        "_smoothed",
        "_threshold",
        "due",
        "limit",
        "outstanding",
        "rate",
    )

    def __init__(
        self, ceiling: int, datagram: int, initial_datagrams: int = INITIAL_DATAGRAMS, *, paced: bool = True
    ) -> None:
        self._ceiling = ceiling
        self._paced = paced
        self._initial = min(ceiling, initial_datagrams * datagram)
        self.limit = self._initial
        self._threshold: float = math.inf
        self._rtts: list[float] = []
        self._base = self._base_before = math.inf
        self._base_at = 0.0
        self.outstanding = 0
        """Unacknowledged bytes, as last told."""
        self._peak = 0
        self._filled = False
        self._quiet = QUIET_MINIMUM
        self.due: float | None = None
        """When `tick` wants to be called, so that a quiet stretch is noticed while it lasts."""
        self.rate = 0.0
        """Bytes a second at which packets are to leave, 0 for as they come."""
        self._smoothed = 0.0
        self._recovered_at = -math.inf
        self._lost = 0

    def room(self, outstanding: int) -> int:
        """How many more bytes may be handed in while `outstanding` are unacknowledged."""
        self.use(outstanding)
        return max(0, self.limit - outstanding)

    def use(self, outstanding: int) -> None:
        """Notes how many bytes are unacknowledged, before the next `observe` tells how many still are."""
        self.outstanding = outstanding
        self._peak = max(self._peak, outstanding)
        if 4 * outstanding >= 3 * self.limit:
            self._filled = True

    def observe(self, now: float, outstanding: int, rtt: float, smoothed: float, packets_lost: int) -> None:
        """Takes what the engine knows after a read or a timer: unacknowledged bytes, the latest and the smoothed round
        trip, and packets lost in all."""
        acknowledged = self.outstanding - outstanding
        self.outstanding = outstanding
        self._learn_base(now, rtt)
        rtts = self._rtts
        rtts.append(rtt)
        if len(rtts) > DELAY_SAMPLES:
            del rtts[0]
        if packets_lost > self._lost:
            self._lost = packets_lost
            self._reduce(now, smoothed)
        elif acknowledged > 0 and self._filled:
            self._grow(acknowledged)
            # Until it is filled again it has not been: what is left of a burst in flight says nothing.
            self._filled = 4 * outstanding >= 3 * self.limit
            self.due = None
        if self.due is None and self.limit > self._initial:
            self._quiet = max(QUIET_MINIMUM, 4 * smoothed)
            self.due = now + self._quiet
            self._peak = outstanding
        if self._paced and self._base >= LEAST_PACED and self._base_before >= LEAST_PACED:
            self._smoothed = smoothed
            self._spread()
        else:
            self.rate = 0.0

    def tick(self, now: float) -> None:
        """Halves the limit, when its time has come, toward what was used since it was last filled."""
        if self.due is None or now < self.due:
            return
        if 2 * self._peak < self.limit:
            if self._threshold < math.inf:
                self._threshold = max(self._threshold, 0.75 * self.limit)
            self.limit = max(self._initial, self._peak, self.limit // 2)
            if self.rate:
                self._spread()
        self._peak = self.outstanding
        self.due = now + self._quiet if self.limit > self._initial else None

    def _spread(self) -> None:
        self.rate = (SLOW_START_GAIN if self.limit < self._threshold else GAIN) * self.limit / self._smoothed

    def _grow(self, acknowledged: int) -> None:
        if self._threshold == math.inf and self._delayed():
            self._threshold = self.limit
        if self.limit < self._threshold:
            grown = min(self.limit + acknowledged, self._threshold)
        else:
            grown = self.limit + (acknowledged >> GENTLE_SHIFT)
        self.limit = int(min(grown, self._ceiling))

    def _reduce(self, now: float, smoothed: float) -> None:
        if now < self._recovered_at:
            return
        self.limit = max(self._initial, int(min(self.limit, self._peak) * LOSS_FACTOR))
        self._threshold = self.limit
        self._recovered_at = now + smoothed
        self._filled = False

    def _delayed(self) -> bool:
        if len(self._rtts) < DELAY_SAMPLES:
            return False
        base = min(self._base, self._base_before)
        return min(self._rtts) > base + min(max(base * DELAY_SHARE, DELAY_LEAST), DELAY_MOST)

    def _learn_base(self, now: float, rtt: float) -> None:
        if now >= self._base_at + BASE_LIFETIME:
            self._base_before = self._base
            self._base = math.inf
            self._base_at = now
        self._base = min(self._base, rtt)
