"""What a node tells those who run it: the figures of its metrics, and its status page."""

from __future__ import annotations

from sidecar import __version__
from sidecar.metrics import Gauges
from sidecar.node import Node
from sidecar.overlay.peer import PeerState


def gauges(node: Node) -> Gauges:
    """How things stand, for the metrics."""
    counters, traffic = node.counters, node.endpoint.traffic
    counters.bytes["in"], counters.bytes["out"] = traffic.bytes_in, traffic.bytes_out
    counters.messages["receive", "ok"] = node.inbox.taken
    counters.messages["receive", "duplicate"] = node.inbox.repeats
    counters.rate_limited = node.endpoint.counters.refused
    states = [peer.state for peer in node.links.peers.values()]
    sessions = [session for peer in node.links.peers.values() for session in peer.sessions]
    dialled = sum(session.dialled for session in sessions)
    outboxes = [peer.link.outbound.outbox for peer in node.links.peers.values()]
    return Gauges(
        ready={"live": True, "api": not node.not_ready(), "overlay": bool(node.links.roster)},
        peers={
            "known": len(node.directory) - len(states),
            "blocked": len(node.trust.access.blocked),
            "connecting": states.count(PeerState.CONNECTING),
            "linked": states.count(PeerState.LINKED),
            "resuming": states.count(PeerState.RESUMING),
        },
        connections={"out": dialled, "in": len(sessions) - dialled},
        queue_messages={"outbox": sum(outbox.messages for outbox in outboxes), "inbox": node.inbox.messages},
        queue_bytes={
            "outbox": sum(outbox.bytes for outbox in outboxes),
            "inbox": node.inbox.bytes,
            "journal": node.post.courier.bytes,
        },
        kept=node.inbox.keeper.counts(),
        inflight_unacked=node.inbox.unsettled(),
        journal_bytes=node.post.journal.bytes,
        journal_writable=node.post.journal.troubled is None,
        certificate_ends=None if node.renewal is None else node.renewal.ends,
        revocations_due=None if node.renewal is None else node.renewal.revocations_due,
        cached_nodes=len(node.cache),
        cache_faults=node.cache.faults,
        flows={
            "open": sum(flow.ended is None for peer in node.links.peers.values() for flow in peer.link.flows),
            "waiting": node.requests.waiting + node.doors.waiting,
        },
        flow_bytes=node.links.flow_memory.buffered,
        packets_lost=sum(node.links.pump(session).statistics().packets_lost for session in sessions),
        retries=node.endpoint.counters.retries,
        retrying=node.endpoint.retrying,
        udp_receive_drops=node.endpoint.traffic.dropped,
        udp_buffers={"in": node.endpoint.socket.receive_buffer, "out": node.endpoint.socket.send_buffer},
    )


def status(node: Node) -> str:
    """The status page, a line a fact."""
    reasons = node.not_ready()
    waiting = sum(peer.link.outbound.outbox.messages for peer in node.links.peers.values())
    lines = [
        f"peer id     {node.identity.peer_id}",
        f"network     {node.settings.network_id}",
        f"role        {node.role_line()}",
        f"state       {node.state.value}{' (' + ', '.join(reasons) + ')' if reasons else ''}",
        f"listening   {', '.join(node.listen_addresses())}",
        f"observed    {', '.join(node.links.exchange.observed) or '-'}",
        f"trust       {node.trust.mode}",
        f"engine      {node.endpoint.engine.name}",
        f"version     {__version__}",
        f"peers       {len(node.links.roster)} linked, {len(node.directory)} known",
        f"waiting     {node.inbox.messages} messages in, {waiting} out",
    ]
    for peer in node.links.linked:
        info = node.get_peer(peer.peer_id)
        rtt = f"{info.rtt * 1000:.1f} ms" if info.rtt is not None else "-"
        lines.append(
            f"  {info.peer_id}  {peer.address}  {rtt}  {info.messages_sent} sent  {info.messages_received} received"
        )
    return "\n".join(lines) + "\n"
