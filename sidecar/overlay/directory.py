"""Who is known and where: addresses by peer id, from links, signed records and contacts that name a peer."""

from __future__ import annotations

from collections import OrderedDict

from sidecar.wire.record import PeerRecord

KNOWN_MAX = 10_000
"""Peers remembered; the one not heard of for longest goes first, linked ones never."""
ADDRESSES_MAX = 8

HostPort = tuple[str, int]


class Known:
    """What is known of one peer."""

    __slots__ = ("client", "pinned", "proven", "record", "told")

    def __init__(self) -> None:
        self.proven: list[HostPort] = []
        """Where it was reached, newest first."""
        self.told: tuple[HostPort, ...] = ()
        """What its own record says, as far as that may be dialled from here."""
        self.record: PeerRecord | None = None
        self.pinned = False
        """Linked, or wanted by a caller: not to be forgotten."""
        self.client = False
        """It dials and is not dialled: its addresses lead nowhere."""

    def addresses(self) -> list[HostPort]:
        """Where to dial, best first; nowhere to a client."""
        if self.client:
            return []
        return list(dict.fromkeys((*self.proven, *self.told)))[:ADDRESSES_MAX]


class Directory:
    """Known peers by peer id."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Known] = OrderedDict()

    def get(self, peer_id: str) -> Known | None:
        """What is known of a peer."""
        return self._known.get(peer_id)

    def touch(self, peer_id: str) -> Known:
        """The same, made when there is nothing, and moved to the newest."""
        known = self._known.get(peer_id)
        if known is None:
            known = self._known[peer_id] = Known()
            if len(self._known) > KNOWN_MAX:
                self._forget_oldest()
        else:
            self._known.move_to_end(peer_id)
        return known

    def reached(self, peer_id: str, address: HostPort) -> Known:
        """The peer answered, or called, from an address."""
        known = self.touch(peer_id)
        known.proven = [address, *(other for other in known.proven if other != address)][:ADDRESSES_MAX]
        return known

    def told(self, peer_id: str, record: PeerRecord, dialable: tuple[HostPort, ...]) -> bool:
        """A record of the peer has come; false when it is not newer than the one that is known."""
        known = self.touch(peer_id)
        if known.record is not None and known.record.sequence >= record.sequence:
            return False
        known.record, known.told = record, dialable
        if not known.pinned:
            known.client = False  # it would have no record
        return True

    def forget(self, peer_id: str) -> None:
        """Nothing is known of the peer after all."""
        self._known.pop(peer_id, None)

    def peer_ids(self) -> list[str]:
        """Everybody known."""
        return list(self._known)

    def _forget_oldest(self) -> None:
        for peer_id, known in self._known.items():
            if not known.pinned:
                del self._known[peer_id]
                return

    def __contains__(self, peer_id: str) -> bool:
        return peer_id in self._known

    def __len__(self) -> int:
        return len(self._known)

    def __repr__(self) -> str:
        return f"Directory({len(self._known)} peers)"
