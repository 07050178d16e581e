"""Reverse probes: whether a peer answers at an address, tried from a socket that it has sent nothing to.

A dial from the main socket would go through the mapping that the peer has just opened in its NAT, and prove nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sidecar.addresses import format_address
from sidecar.overlay.directory import HostPort
from sidecar.transport.endpoint import Endpoint
from sidecar.transport.pump import Pump
from sidecar.trust import Trust
from sidecar.wire.errors import Close
from sidecar.wire.probe import Probe

PROBE_TIMEOUT = 2.5
"""Seconds that a peer has to answer: a handshake and a round trip, below what is left of its own dial's 5."""
PROBES_MAX = 16
"""Sockets open for probes at a time; further ones wait."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one address."""

    address: str
    error: str
    """Empty when the peer answered there."""


class Prober:
    """Probes."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust
        self.endpoint: Endpoint
        """The one whose engine and settings probes take; set once it is open."""
        self._slots = asyncio.Semaphore(PROBES_MAX)

    async def probe(self, addresses: Sequence[HostPort], peer_id: str, nonce: bytes) -> list[Tried]:
        """Dials all of them at once. Returns what is known when the first has answered, that one first, or when all
        have failed."""
        async with self._slots:
            try:
                endpoint = self.endpoint.temporary()
            except OSError as error:  # no descriptors, as a rule
                return [Tried(format_address(address), f"no socket to probe from: {error}") for address in addresses]
            try:
                return await self._probe(endpoint, addresses, peer_id, nonce)
            finally:
                endpoint.close(Close.DONE, "reverse probe")

    async def _probe(
        self, endpoint: Endpoint, addresses: Sequence[HostPort], peer_id: str, nonce: bytes
    ) -> list[Tried]:
        loop = asyncio.get_running_loop()
        outcomes: dict[str, asyncio.Future[str]] = {}
        for address in addresses:
            outcome: asyncio.Future[str] = loop.create_future()
            outcomes[format_address(address)] = outcome

            def protocol(pump: Pump, outcome: asyncio.Future[str] = outcome) -> Probe:
                return Probe(
                    pump, expected_peer_id=peer_id, nonce=nonce, deadline=loop.time() + PROBE_TIMEOUT,
                    ended=lambda why: None if outcome.done() else outcome.set_result(why), trust=self._trust,
                )  # fmt: skip

            try:
                endpoint.dial(address, protocol)
            except (ValueError, OSError) as error:
                outcome.set_result(str(error))
        pending = set(outcomes.values())
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            if any(not each.result() for each in done):
                break
        found = [Tried(address, each.result()) for address, each in outcomes.items() if each.done()]
        return sorted(found, key=lambda tried: bool(tried.error))
