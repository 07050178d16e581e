"""Whether the path still carries a connection's full packets: black hole detection (RFC 8899 section 4.3).

A path that becomes narrower swallows full packets and carries small ones. A QUIC connection that has much to send gets
nothing through then, not even a small packet, for its window is full of what was swallowed. So the path is asked beside
the connection, by the probes of `transport.widths`, which any sidecar answers:

    a probe as wide as the connection's packets   --X
    a probe of 1,200 bytes                        -->
                                                  <--    Version Negotiation

Only where the small one is answered and the wide one is not, time and again, are wide packets what is lost.
"""

from __future__ import annotations

from enum import Enum, auto

ROUNDS = 5
"""So many wide probes in a row without an answer are a verdict: one in 100,000 where a tenth of all packets is lost."""


class Finding(Enum):
    """What a look at a path comes to."""

    QUIET = auto()
    """Nothing is to be done."""
    ASK = auto()
    """Both probes are to be sent."""
    NARROW = auto()
    """The path swallows the connection's packets."""


class PathWatch:
    """What is known of one connection's path. `look` wants to be called about once a second."""

    def __init__(self) -> None:
        self._waited = False
        self._asked = False
        self._wide = self._small = False
        """Whether a probe of that size was answered since the last look."""
        self._swallowed = 0
        """Rounds in a row in which only the small one was."""

    def look(self, *, waiting: bool) -> Finding:
        """`waiting` tells whether packets are without their acknowledgement: at two looks in a row that is a reason to
        ask, and so is a wide probe without an answer."""
        if self._wide:
            self._swallowed = 0
        elif self._small:
            self._swallowed += 1
        suspicious = (waiting and self._waited) or (self._asked and not self._wide)
        self._waited, self._asked = waiting, suspicious
        self._wide = self._small = False
        if self._swallowed >= ROUNDS:
            return Finding.NARROW
        return Finding.ASK if suspicious else Finding.QUIET

    def answered(self, *, wide: bool) -> None:
        """One of the probes came back."""
        if wide:
            self._wide = True
        else:
            self._small = True
