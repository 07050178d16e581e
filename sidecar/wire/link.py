"""A link: what joins two peers, whatever connections it has at the moment.

It owns sequence numbers, what is unacknowledged, windows and what was received. Each side names its own state of the
link by an *epoch*, a random number told in HELLO and WELCOME: as long as both know each other's epoch, a new
connection goes on where the last one ended. A side that has given a link up makes a new epoch next time, and the
other then begins anew as well.

    HELLO / WELCOME say                 and this side does
    epoch known, resume_epoch mine      acknowledges what `received` says, repeats the rest
    epoch known, resume_epoch other     (both dialled at once) repeats everything unacknowledged; it is received once
    epoch not known                     resets both halves: what was sent has no known outcome, what waits stays.
                                        Connections there are speak of the former epoch and are closed; an acceptor
                                        answers with a new epoch of its own

A dialler that has begun a new epoch after its HELLO does not take the WELCOME to it: the acceptor has joined that
connection to a state that is gone.
"""

from __future__ import annotations

import secrets
from typing import Protocol

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire.datagrams import DatagramCarrier, Datagrams
from sidecar.wire.errors import Close, Untrusted
from sidecar.wire.flow import FlowCarrier
from sidecar.wire.flows import Flows
from sidecar.wire.inbound import Inbound
from sidecar.wire.outbound import Outbound
from sidecar.wire.writer import Writer

GATHERED_BYTES = 256 << 10
"""So much is worth a turn of its own while earlier messages are without their acknowledgement; less waits a moment for
what comes next, as a turn costs both sides as much as two messages of 64 KiB do."""


class Carrier(Writer, FlowCarrier, DatagramCarrier, Protocol):
    """A connection of the link."""

    limits: wire_pb2.Limits
    """What the other side accepts."""
    dialled: bool
    """Whether this side dialled it."""

    def wake(self, *, busy: bool = False) -> None:
        """Lets the connection write soon; when `busy`, a moment later may do, so that more goes with it."""
        ...

    def close(self, code: Close, reason: str) -> None:
        """Closes the connection: nothing that still comes on it is heeded."""
        ...


class Link:
    """See the module."""

    def __init__(self, peer_id: str, outbound: Outbound, inbound: Inbound, flows: Flows) -> None:
        self.peer_id = peer_id
        self.outbound = outbound
        self.inbound = inbound
        self.flows = flows
        self.datagrams = Datagrams()
        self.epoch = _new_epoch()
        self.peer_epoch = 0
        self.peer_instance = 0
        self.carriers: list[Carrier] = []
        self.carrier: Carrier | None = None
        """The connection that messages go out on: the newest that this side has dialled, else the newest."""
        self.answerer: Carrier | None = None
        """The connection that acknowledgements and credit go out on: the newest that the other side has dialled, on
        which its messages come, else the newest."""
        inbound.wake = self.answer

    def meet_untrusted(
        self, instance: int, epoch: int, resume_epoch: int, received: wire_pb2.Received, *, told_epoch: int = 0
    ) -> bool:
        """The other side has introduced itself on a new connection; true when its state of the link is a new one.
        `told_epoch` is what this side said in its HELLO; 0 for an acceptor, which has not said anything yet."""
        if told_epoch not in (0, self.epoch):
            raise Untrusted(Close.REPLACED, "the link has begun anew since the HELLO of this connection")
        fresh = epoch != self.peer_epoch
        if fresh and not told_epoch and self.inbound.inbox.full:
            raise Untrusted(Close.BUSY, "this sidecar is full of messages that nobody reads")
        if fresh and self.peer_epoch:
            carriers, self.carriers, self.carrier, self.answerer = self.carriers, [], None, None
            for carrier in carriers:
                carrier.close(Close.REPLACED, "the link has begun anew")
            if not told_epoch:
                self.epoch = _new_epoch()
            self.outbound.reset()
            self.inbound.reset()
            self.flows.fail("the link has begun anew")
        self.peer_epoch = epoch
        self.peer_instance = self.inbound.instance = instance
        if not fresh and resume_epoch == self.epoch:
            self.outbound.on_received_untrusted(received)
        return fresh

    def attach(self, carrier: Carrier) -> None:
        """A connection has been welcomed."""
        self.carriers.append(carrier)
        self._choose()
        # The other side may write on this one now, and wait for what was lost with the last.
        self.inbound.attach()
        self.answer()

    def detach(self, carrier: Carrier) -> None:
        """A connection is gone; another takes over if there is one."""
        if carrier in self.carriers:
            self.carriers.remove(carrier)
            self.flows.lost(carrier)
        self._choose()

    def _choose(self) -> None:
        former, self.carrier = self.carrier, self._newest(dialled=True)
        if self.carrier is not None and self.carrier is not former:
            alive = former if former in self.carriers else None
            self.outbound.attach(self.carrier, self.carrier.limits, alive)
            self.flows.use(self.carrier)
            self.carrier.wake()
        former, self.answerer = self.answerer, self._newest(dialled=False)
        if self.answerer is not former:
            self.inbound.attach()
            self.answer()

    def _newest(self, *, dialled: bool) -> Carrier | None:
        """The newest of those that this side has dialled, or has not; of all when there is none."""
        chosen = [carrier for carrier in self.carriers if carrier.dialled == dialled] or self.carriers
        return chosen[-1] if chosen else None

    @property
    def quiet(self) -> bool:
        """Whether no message, datagram or flow waits for anything: nothing that time could end."""
        return not (self.outbound.outbox.messages or self.datagrams.waiting or self.flows)

    def wake(self) -> None:
        """There is something to write."""
        if self.carrier is not None:
            outbound = self.outbound
            self.carrier.wake(busy=outbound.outbox.fresh_bytes < GATHERED_BYTES and outbound.unacknowledged)

    def answer(self) -> None:
        """There is something to acknowledge, or credit to give."""
        if self.answerer is not None:
            self.answerer.wake(busy=self.outbound.unacknowledged)

    def __repr__(self) -> str:
        return f"Link({self.peer_id[:8]}, {len(self.carriers)} connections, {self.outbound!r}, {self.inbound!r})"


def _new_epoch() -> int:
    return secrets.randbits(64) | 1
