"""PEERS: how a sidecar that is linked to one learns of the others.

A record is its subject's own signed word. It is believed for its signature, dialled only when somebody wants that
peer, and then only with the peer id it proves; addresses that would lead into this machine or site are not taken
from outside.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING

from sidecar.addresses import acceptable_untrusted, format_address, parse_address
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.identity import format_peer_id, parse_peer_id
from sidecar.overlay.peer import Peer, PeerState
from sidecar.wire import record as records
from sidecar.wire.errors import malformed
from sidecar.wire.hello import Introduction
from sidecar.wire.roles import Role
from sidecar.wire.session import Session

if TYPE_CHECKING:
    from sidecar.overlay.links import Links

RECORDS_MAX = 64
"""Records in one PEERS."""
TELL_MAX = 16
"""Linked peers that are told of a newcomer."""
ASK_MAX = 8
"""Linked peers that are asked for one."""
ASK_TIMEOUT = 1.0
TELL_INTERVAL = 1.0
"""Seconds in which changes of one's own addresses are gathered before they are told."""
REFRESH = 3600.0
"""Seconds after which one's own record is made anew."""
RECORDS_PER_SECOND = 4.0
RECORDS_BURST = 256.0
OBSERVED_MAX = records.ADDRESSES_MAX
CLAIMS_MAX = 256
WAITING_MAX = 64
"""Who may wait to hear of one peer that is being dialled back."""


class Exchange:
    """The records this sidecar has, gives and asks for."""

    def __init__(self, links: Links) -> None:
        self.observed: list[str] = []
        """Where others say they see this sidecar, what most say first."""
        self._claims: OrderedDict[str, str] = OrderedDict()
        """What each said last, by peer id: whatever a peer says, it is one voice. The one that said it last is at the
        end."""
        self._votes: dict[str, int] = {}
        """How many of them name an address; the one named last at the end."""
        self._links = links
        self._own: wire_pb2.Record | None = None
        self._own_at = 0.0
        self._telling: asyncio.TimerHandle | None = None
        self._wanted: dict[bytes, tuple[asyncio.Future[None], set[Session]]] = {}

    def own_record(self) -> wire_pb2.Record | None:
        """This sidecar's word on itself; None while it does not know where it can be reached, or is not to be."""
        now = time.time()
        if self._links.local.role is Role.CLIENT:
            return None
        if self.observed and (self._own is None or now - self._own_at > REFRESH):
            identity = self._links.local.identity
            self._own = records.make(
                identity.spki, identity.sign, list(self.observed), self._links.local.network_id, now
            )
            self._own_at = now
        return self._own

    def introduced(self, session: Session, said: Introduction) -> None:
        """A peer says where it sees this sidecar, and where it is itself. Raises Untrusted."""
        if said.observed:
            try:
                seen = parse_address(said.observed)
            except ValueError as error:
                raise malformed(f"observed address: {error}") from error
            if acceptable_untrusted(seen, self._links.pump(session).remote):
                self._claim(said.peer_id, format_address(seen))
        if said.record.body:
            self._take_untrusted(session, said.record, said.peer_id)

    def _claim(self, peer_id: str, address: str) -> None:
        self._withdraw(self._claims.pop(peer_id, None))
        self._claims[peer_id] = address
        if len(self._claims) > CLAIMS_MAX:
            self._withdraw(self._claims.popitem(last=False)[1])
        # Taken out and put in again, so that the address named last comes last. Counted here and not anew each time:
        # every link made is a claim.
        self._votes[address] = self._votes.pop(address, 0) + 1
        votes = Counter(dict(reversed(self._votes.items())))
        observed = [seen for seen, _ in votes.most_common(OBSERVED_MAX)]
        if set(observed) != set(self.observed):
            self._own = None
            if self._telling is None:
                if self.observed:  # it has moved, and may be reached no longer, or at last
                    self._links.roles.standing.check()
                self._telling = asyncio.get_running_loop().call_later(TELL_INTERVAL, self._tell_own)
        self.observed = observed

    def _withdraw(self, address: str | None) -> None:
        if address is not None:
            self._votes[address] -= 1
            if not self._votes[address]:
                del self._votes[address]

    def linked(self, peer: Peer) -> None:
        """A peer was linked: it is asked for others, told where this sidecar is, and others are told of it."""
        self._meet(peer)
        self._spread(peer)

    def decided(self, peer: Peer) -> None:
        """It is known what a peer is: whoever has waited to hear of it does, and so do others, of a node."""
        waiting, peer.waiting = peer.waiting, []
        for session in waiting:
            if session.closing is None:
                self.requested(session, parse_peer_id(peer.peer_id))
        if peer.state is PeerState.LINKED:
            self._spread(peer)

    def standing_changed(self) -> None:
        """This sidecar has become a node, or is one no longer."""
        if self._links.roles.standing.role is Role.NODE:
            self._tell_own()

    def refresh(self) -> None:
        """Linked peers are asked and told again, for records end and links last."""
        linked = self._links.linked
        for peer in linked:
            self._meet(peer)
        self._links.held(linked)

    def _meet(self, peer: Peer) -> None:
        peer.sessions[-1].request_peers()
        own = self.own_record()
        if own is not None:
            peer.sessions[-1].tell_peers(wire_pb2.Peers(records=[own]))

    def _tell_own(self) -> None:
        """Others see this sidecar at a new address: its links learn that."""
        self._telling = None
        own = self.own_record()
        if own is None:
            return
        for peer in self._links.linked:
            peer.sessions[-1].tell_peers(wire_pb2.Peers(records=[own]))

    def _spread(self, peer: Peer) -> None:
        """Linked peers are told of one that has come, or has moved."""
        known = self._links.directory.get(peer.peer_id)
        if known is None or known.record is None or peer.role is not Role.NODE:
            return
        news = wire_pb2.Peers(records=[known.record.encoded])
        for other in self._links.roster.some(TELL_MAX, but=peer.peer_id):
            other.sessions[-1].tell_peers(news)

    def close(self) -> None:
        """Nothing more is told."""
        if self._telling is not None:
            self._telling.cancel()

    async def find(self, peer_id: str) -> None:
        """Asks linked peers for a record; returns when one has come, all have answered, or it took too long."""
        wanted = parse_peer_id(peer_id)
        asked = [peer.sessions[-1] for peer in self._links.roster.some(ASK_MAX)]
        if not asked:
            return
        found, _ = self._wanted.setdefault(wanted, (asyncio.get_running_loop().create_future(), set(asked)))
        for session in asked:
            session.request_peers(wanted)
        await asyncio.wait({found}, timeout=ASK_TIMEOUT)
        self._wanted.pop(wanted, None)

    def requested(self, session: Session, peer_id: bytes) -> None:
        """A peer asks for records."""
        directory = self._links.directory
        if peer_id:
            chosen = [format_peer_id(peer_id)]
            wanted = self._links.peers.get(chosen[0])
            if wanted is not None and wanted.role is None and wanted.sessions and len(wanted.waiting) < WAITING_MAX:
                wanted.waiting.append(session)  # it is being dialled back: soon there is an answer
                return
        else:
            chosen = [peer.peer_id for peer in self._links.nodes.some(RECORDS_MAX, but=session.peer_id)]
        now = time.time()
        found = [
            known.record for one in chosen if (known := directory.get(one)) is not None and known.record is not None
        ]
        session.tell_peers(
            wire_pb2.Peers(records=[record.encoded for record in found if record.expires > now], peer_id=peer_id)
        )

    def told_untrusted(self, session: Session, told: wire_pb2.Peers) -> None:
        """Records have come."""
        if len(told.records) > RECORDS_MAX:
            raise malformed(f"{len(told.records)} records, at most {RECORDS_MAX} are allowed")
        for record in told.records:
            self._take_untrusted(session, record, None)
        waiting = self._wanted.get(told.peer_id) if told.peer_id else None
        if waiting is not None:
            found, asked = waiting
            asked.discard(session)
            known = self._links.directory.get(format_peer_id(told.peer_id))
            if not found.done() and (not asked or (known is not None and known.addresses())):
                found.set_result(None)

    def _take_untrusted(self, session: Session, encoded: wire_pb2.Record, subject: str | None) -> None:
        peer = self._links.peers.get(session.peer_id or "")
        if peer is None or not self._may_tell(peer):
            return
        record = records.check_untrusted(encoded, self._links.local.network_id, time.time())
        if record is None:
            return
        peer_id = format_peer_id(record.peer_id)
        if subject is not None and peer_id != subject:
            raise malformed("the record in the hello is another peer's")
        if peer_id == self._links.local.identity.peer_id:
            return
        remote = self._links.pump(session).remote
        dialable = tuple(address for address in record.addresses if acceptable_untrusted(address, remote))
        if self._links.directory.told(peer_id, record, dialable):
            self._links.known(peer_id)
            if peer_id == session.peer_id and session in peer.sessions:
                self._spread(peer)

    def _may_tell(self, peer: Peer) -> bool:
        """Signatures cost time to check: a peer may have only so many checked."""
        now = time.monotonic()
        peer.records_left = min(RECORDS_BURST, peer.records_left + (now - peer.records_at) * RECORDS_PER_SECOND)
        peer.records_at = now
        if peer.records_left < 1:
            return False
        peer.records_left -= 1
        return True
