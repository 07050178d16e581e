"""What a client may make us do for nothing: frames that cost us more than it, or that no honest client sends often."""

from __future__ import annotations

from enum import Enum
from typing import Final

from sidecar.api.front.lean.frames import Broken, ErrorCode

PINGS_APART: Final = 10.0
"""Seconds between the PINGs of a client that gets no responses, as the grpcio front asks for."""
STRIKES: Final = 2
"""So many PINGs may come sooner."""


class Costly(Enum):
    """Frames with an allowance."""

    SETTINGS = "SETTINGS"
    CANCELLED = "calls cancelled"
    BROKEN = "streams broken"
    LATE = "frames on closed streams"
    CRUMBS = "DATA of a few bytes"
    IGNORED = "frames to be ignored"


MOST: Final = {
    Costly.SETTINGS: 100,
    Costly.CANCELLED: 1000,  # beside one for each call that ended otherwise
    Costly.BROKEN: 1000,
    Costly.LATE: 5000,
    Costly.CRUMBS: 10_000,
    Costly.IGNORED: 10_000,
}
"""How many of each a client may send in one period of the sweep."""


class Allowance:
    """What is left of it in this period."""

    def __init__(self) -> None:
        self._spent: dict[Costly, int] = {}
        self._strikes = 0
        self._pinged_at = 0.0

    def __repr__(self) -> str:
        spent = ", ".join(f"{count} {what.value}" for what, count in self._spent.items())
        return f"<Allowance spent {spent or 'nothing'}, {self._strikes} strikes>"

    def charge(self, what: Costly) -> None:
        """Broken ENHANCE_YOUR_CALM when the allowance is used up."""
        spent = self._spent.get(what, 0) + 1
        if spent > MOST[what]:
            raise Broken(ErrorCode.ENHANCE_YOUR_CALM, f"too many {what.value} in a short time")
        self._spent[what] = spent

    def refund(self, what: Costly) -> None:
        """One more is allowed."""
        self._spent[what] = self._spent.get(what, 0) - 1

    def renew(self) -> None:
        """A new period."""
        if self._spent:
            self._spent.clear()

    def answered(self) -> None:
        """The client got something of a call: its next PINGs measure that."""
        self._strikes = 0
        self._pinged_at = 0.0

    def ping(self, now: float) -> None:
        """Broken ENHANCE_YOUR_CALM, in the words gRPC clients know, when PINGs come faster than is allowed."""
        if self._pinged_at and now - self._pinged_at < PINGS_APART:
            self._strikes += 1
            if self._strikes > STRIKES:
                raise Broken(ErrorCode.ENHANCE_YOUR_CALM, "too_many_pings")
        self._pinged_at = now
