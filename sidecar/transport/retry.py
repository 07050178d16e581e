"""Who must prove an address by Retry before a connection is made for it (RFC 9000 section 8.1.2): always all, never
anyone, or everybody while too many do not prove theirs."""

from __future__ import annotations

import logging
import math
from typing import Literal, NamedTuple

from sidecar.transport.engine.base import Address
from sidecar.transport.engine.packet import LongHeader
from sidecar.transport.engine.tokens import Refused, RetryTokens, Ticket

_log = logging.getLogger(__name__)

RetryPolicy = Literal["always", "never", "under-load"]

TURNS_ON = 50.0
"""Unverified handshakes a second from which on strangers are sent a Retry: half of what keeps all 512 places of
handshakes taken for their 5 seconds each."""
TURNS_OFF = 10.0
"""And below which they no longer are."""
HOLD = 5.0
"""Seconds for which it stays on at least: floods come in bursts."""
MEMORY = 1.0
"""Seconds over which the rate is taken: what happened so long ago counts 1/e."""


class Load:
    """The rate of handshakes that were begun and whose address has not been verified, neither by a token nor by the
    handshake's end. Whoever means it verifies a round trip later and counts no longer; invented ones never do."""

    def __init__(self) -> None:
        self.on = False
        self._since = 0.0
        self._rate = 0.0
        self._at = 0.0

    def begun(self, now: float) -> None:
        """A stranger came without a token."""
        self._change(1 / MEMORY, now)

    def verified(self, now: float) -> None:
        """One of those has proved its address."""
        self._change(-1 / MEMORY, now)

    def look(self, now: float) -> bool:
        """Whether there are too many."""
        self._change(0.0, now)
        return self.on

    def _change(self, by: float, now: float) -> None:
        self._rate = max(0.0, self._rate * math.exp((self._at - now) / MEMORY) + by)
        self._at = now
        if not self.on and self._rate >= TURNS_ON:
            self.on, self._since = True, now
            _log.warning("strangers must prove their addresses by Retry: %.0f a second have not", self._rate)
        elif self.on and self._rate < TURNS_OFF and now >= self._since + HOLD:
            self.on = False
            _log.info("strangers need no longer prove their addresses by Retry")


class Entry(NamedTuple):
    """A stranger for whom a connection may be made."""

    original: bytes
    """The connection id it chose first."""
    ticket: Ticket | None
    """The token it proved its address with; None where it was not asked to."""

    @property
    def given(self) -> bytes | None:
        """The connection id a Retry gave it."""
        return None if self.ticket is None else self.ticket.given


class Gate:
    """One endpoint's policy, its tokens and its load."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._tokens = RetryTokens()
        self._load = Load()

    def on(self, now: float) -> bool:
        """Whether strangers are sent a Retry at this moment."""
        return self._policy == "always" or (self._policy == "under-load" and self._load.look(now))

    def judge_untrusted(self, header: LongHeader, address: Address, now: float, *, crowded: bool) -> Entry | bytes:
        """Whether a connection may be made for a stranger's Initial, or else the Retry packet to answer with. `crowded`
        says that half the places for handshakes from there are taken. Raises Refused when it is to be dropped."""
        if self._policy == "never":
            return Entry(header.destination_id, None)
        ticket = self._tokens.read_untrusted(header, address, now) if header.token else None
        if ticket is not None:
            self.verified(now)
            return Entry(ticket.original, ticket)
        if self._policy == "under-load":
            self._load.begun(now)
        if self._policy == "always" or crowded or self._load.on:
            return self._tokens.retry(header, address, now)
        return Entry(header.destination_id, None)

    def made(self, entry: Entry) -> None:
        """A connection was made: its token, if it had one, serves no other."""
        if entry.ticket is not None:
            self._tokens.spend(entry.ticket)

    def verified(self, now: float) -> None:
        """An address was proven, by a token or by a handshake that is complete."""
        if self._policy == "under-load":
            self._load.verified(now)


__all__ = ["Entry", "Gate", "Load", "Refused", "RetryPolicy"]
