"""The bootstrap cache: the nodes most recently connected to that can be reached without help, by which a sidecar that
restarts finds its way back without being told a contact.

What goes in is decided by what was proven: a node that this sidecar has dialled itself, at the address it dialled, and
that has shown its key. Whoever dials this sidecar, and what others tell of a peer, makes no entry.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace

from sidecar.addresses import HostPort, format_address, parse_address, subnet_of
from sidecar.overlay.cache_file import CachedNode, CacheFile

NODES_MAX = 200
SUBNET_MAX = 16
"""Nodes with an endpoint in one global /24 (IPv6: /48), so that one host with many keys cannot fill the cache."""
ENDPOINTS_MAX = 4
"""Of one node."""
CERTIFICATE_MAX = 16 << 10
"""Bytes of a certificate that is kept."""


class Cache:
    """The nodes, oldest first. Without a file they are kept in memory."""

    def __init__(self, file: CacheFile | None) -> None:
        self.added: Callable[[str, HostPort], None] = lambda peer_id, endpoint: None
        """Told of each node that was not there before, and where it was dialled."""
        self.removed: Callable[[str, HostPort], None] = lambda peer_id, endpoint: None
        """Told of each node that had to give way or was forgotten, and where it was dialled last."""
        self._file = file
        self._nodes: OrderedDict[str, CachedNode] = OrderedDict()
        for node in file.read() if file is not None else ():
            self._nodes[node.peer_id] = node
        gone = self._give_way()
        if gone:
            self._write((), gone)

    # what is there

    @property
    def faults(self) -> int:
        """How often the file was damaged or could not be written."""
        return self._file.faults if self._file is not None else 0

    def get(self, peer_id: str) -> CachedNode | None:
        """A node by its peer id."""
        return self._nodes.get(peer_id)

    def newest_first(self) -> list[CachedNode]:
        """All of them, in the order in which they are tried."""
        return list(reversed(self._nodes.values()))

    def at(self, address: HostPort) -> list[str]:
        """Who has been found at an address, the newest first."""
        return [node.peer_id for node in self.newest_first() if address in node.endpoints]

    def __len__(self) -> int:
        return len(self._nodes)

    # what changes it

    def connected(self, peer_id: str, address: HostPort, certificate: bytes) -> None:
        """A node was dialled at an address, directly, and has shown the certificate (DER): it is the newest now. It is
        the caller's to leave out clients, and peers that took help to reach."""
        try:
            address = parse_address(format_address(address))
        except ValueError:  # an address with a zone means nothing after a restart
            return
        if len(certificate) > CERTIFICATE_MAX:
            return
        former = self._nodes.pop(peer_id, None)
        others = tuple(other for other in former.endpoints if other != address) if former is not None else ()
        node = self._newest(CachedNode(peer_id, 0, 0.0, (address, *others)[:ENDPOINTS_MAX], certificate))
        gone = self._give_way()
        self._write([node], gone)
        for lost in gone:
            self.removed(lost.peer_id, lost.endpoints[0])
        if former is None:
            self.added(peer_id, address)

    def refresh(self, peer_ids: Iterable[str]) -> None:
        """These are connected to right now, the last one most lately; those that are no entries do not become ones."""
        known = [self._nodes.pop(peer_id) for peer_id in peer_ids if peer_id in self._nodes]
        if known:
            self._write(list(map(self._newest, known)), ())

    def forget(self, peer_id: str, endpoint: HostPort | None = None) -> bool:
        """Removes a node, or one endpoint of it and the node with its last; whether there was any."""
        node = self._nodes.get(peer_id)
        if node is None or (endpoint is not None and endpoint not in node.endpoints):
            return False
        left = tuple(other for other in node.endpoints if other != endpoint) if endpoint is not None else ()
        if left:
            self._nodes[peer_id] = replace(node, endpoints=left)
            self._write([self._nodes[peer_id]], ())
        else:
            del self._nodes[peer_id]
            self._write((), [node])
        self.removed(peer_id, endpoint or node.endpoints[0])
        return True

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()

    # rules

    def _newest(self, node: CachedNode) -> CachedNode:
        last = next(reversed(self._nodes.values()), None)
        position = last.position + 1 if last is not None else node.position + 1
        node = replace(node, position=position, connected_at=time.time())
        self._nodes[node.peer_id] = node
        return node

    def _give_way(self) -> list[CachedNode]:
        """Removes the oldest of each subnet that has too many, then the oldest of all; those that are gone."""
        gone = []
        shares: dict[str, int] = {}
        for node in self.newest_first():
            subnets = {subnet for host, _ in node.endpoints if (subnet := subnet_of(host)) is not None}
            if any(shares.get(subnet, 0) >= SUBNET_MAX for subnet in subnets):
                gone.append(self._nodes.pop(node.peer_id))
                continue
            for subnet in subnets:
                shares[subnet] = shares.get(subnet, 0) + 1
        while len(self._nodes) > NODES_MAX:
            gone.append(self._nodes.popitem(last=False)[1])
        return gone

    def _write(self, changed: Iterable[CachedNode], gone: Iterable[CachedNode]) -> None:
        if self._file is not None:
            self._file.write(changed, [node.peer_id for node in gone], list(self._nodes.values()))

    def __repr__(self) -> str:
        return f"Cache({len(self._nodes)} nodes)"
