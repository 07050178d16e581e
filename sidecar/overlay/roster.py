"""Peers of one kind, of which a few can be had at random without looking at the others: with thousands of links
whatever is done for each new one must not cost more for those there are."""

from __future__ import annotations

import random
from collections.abc import Iterator

from sidecar.overlay.peer import Peer


class Roster:
    """A set of peers, in no order."""

    def __init__(self) -> None:
        self._peers: list[Peer] = []
        self._places: dict[str, int] = {}

    def set(self, peer: Peer, *, there: bool) -> None:
        """Whether the peer belongs to it, from now on."""
        place = self._places.get(peer.peer_id)
        if there and place is None:
            self._places[peer.peer_id] = len(self._peers)
            self._peers.append(peer)
        elif there and place is not None:
            self._peers[place] = peer
        elif place is not None and self._peers[place] is peer:  # and not who came after it, of the same id
            last = self._peers.pop()
            del self._places[peer.peer_id]
            if last.peer_id != peer.peer_id:
                self._peers[place] = last
                self._places[last.peer_id] = place

    def some(self, most: int, *, but: str | None = None) -> list[Peer]:
        """At most so many of them, at random; `but` names one that is not wanted."""
        drawn = random.sample(self._peers, min(len(self._peers), most + (but in self._places)))
        return [peer for peer in drawn if peer.peer_id != but][:most]

    def __iter__(self) -> Iterator[Peer]:
        return iter(list(self._peers))

    def __len__(self) -> int:
        return len(self._peers)

    def __repr__(self) -> str:
        return f"Roster({len(self._peers)} peers)"
