"""Exclusion: peers that were let in and no longer may be. Their connections are cut at once, whatever is under way."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sidecar.addresses import format_address
from sidecar.errors import Reason
from sidecar.overlay.events import PeerRefused, PeerUnlinked
from sidecar.overlay.peer import PeerState
from sidecar.trust import Refused
from sidecar.wire.errors import not_let_in

if TYPE_CHECKING:
    from sidecar.overlay.links import Links

_log = logging.getLogger(__name__)


class Exclusion:
    """See the module."""

    def __init__(self, links: Links) -> None:
        self._links = links

    def exclude(self, peer_id: str, refused: Refused) -> None:
        """Cuts every connection to a peer, those that are being made included, and reports what waits for it."""
        links = self._links
        untrusted = not_let_in(refused)
        sessions = links.sessions_with(peer_id)
        remote = next((links.pump(session).remote for session in sessions), None)
        peer = links.peers.get(peer_id)
        if peer is not None:
            linked = peer.state in (PeerState.LINKED, PeerState.RESUMING)
            links.forget(peer, Reason.PEER_UNTRUSTED, f"{peer_id}: {refused}")
            if linked:
                where = "" if remote is None else format_address(remote)
                links.tell(PeerRefused(peer_id, where, str(refused), by_peer=False))
                links.tell(PeerUnlinked(peer_id, str(refused)))
                _log.warning("cut %s: %s", peer_id, refused)
        for session in sessions:
            session.close(untrusted.code, untrusted.reason)

    def judge_again(self) -> None:
        """Everybody who is connected, by what is trusted now."""
        links = self._links
        judged = {session.credential.peer_id: session.credential for session in links.sessions if session.credential}
        for peer_id, credential in judged.items():
            refused = links.local.trust.still(credential)
            if refused is not None:
                self.exclude(peer_id, refused)
