"""What a client may make us do for nothing: frames that cost us more than it, or that no honest client sends often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sidecar.api.front.lean.frames import Broken, ErrorCode

PINGS_APART: Final = 10.0
"""Seconds between the PINGs of a client that gets no responses, as the grpcio front asks for."""
STRIKES: Final = 2
"""So many PINGs may come sooner."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How many of a kind a client may send in one period of the sweep."""

    what: str
    most: int


LIMITS: Final = (
    Limit("SETTINGS", 100),
    Limit("calls cancelled", 4096),  # all that may be open at once; beside one for each call that ended otherwise
    Limit("streams broken", 1000),
    Limit("frames on closed streams", 5000),
    Limit("DATA of a few bytes", 10_000),
    Limit("frames to be ignored", 10_000),
)

SETTINGS_SENT, CANCELLED, BROKEN, LATE, CRUMBS, IGNORED = range(len(LIMITS))
"""Plain numbers: they are counted for every call."""


class Allowance:
    """What is left of it in this period."""

    def __init__(self) -> None:
        self._spent = [0] * len(LIMITS)
        self._strikes = 0
        self._pinged_at = 0.0

    def __repr__(self) -> str:
        spent = ", ".join(f"{count} {limit.what}" for count, limit in zip(self._spent, LIMITS, strict=True) if count)
        return f"<Allowance spent {spent or 'nothing'}, {self._strikes} strikes>"

    def charge(self, what: int) -> None:
        """Broken ENHANCE_YOUR_CALM when the allowance for one of the numbers above is used up."""
        self._spent[what] += 1
        if self._spent[what] > LIMITS[what].most:
            raise Broken(ErrorCode.ENHANCE_YOUR_CALM, f"too many {LIMITS[what].what} in a short time")

    def refund(self, what: int) -> None:
        """One more is allowed."""
        self._spent[what] -= 1

    def renew(self) -> None:
        """A new period."""
        self._spent = [0] * len(LIMITS)

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
