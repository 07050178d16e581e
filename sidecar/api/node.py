"""NodeService: who this sidecar is, what happens to it, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Final

from sidecar import __version__
from sidecar.api.batches import MAX_GRPC_BYTES
from sidecar.api.bootstrap import ORIGINS
from sidecar.api.front.base import CallContext, ColdStream, ColdUnary, Service
from sidecar.api.peer import ROLES
from sidecar.api.status import reason_number
from sidecar.errors import invalid_field
from sidecar.gen.overlay.v1 import bootstrap_pb2
from sidecar.gen.overlay.v1 import node_pb2 as pb
from sidecar.node import Node, NodeState, TimedEvent
from sidecar.overlay.events import (
    BootstrapFailed,
    BootstrapSucceeded,
    ContactAdded,
    ContactRemoved,
    Event,
    FlowChange,
    FlowsChanged,
    IdentityChanged,
    InstanceConflict,
    JournalTrouble,
    MessagesDead,
    MessagesLost,
    PeerLinked,
    PeerRefused,
    PeerUnlinked,
    RoleChanged,
    StateChanged,
    TrustExpiring,
    TrustReloaded,
)
from sidecar.trust import TrustMode
from sidecar.wire.batch import HEADERS_MAX
from sidecar.wire.budget import CHANNEL_NAME_MAX
from sidecar.wire.datagrams import CONTENT_MAX

SERVICE: Final = "overlay.v1.NodeService"

DRAIN_SECONDS: Final = 30.0
"""How long Drain waits for outcomes where neither the request nor the call's deadline says."""

EVENTS_AT_ONCE: Final = 1000

STATES: Final = {
    NodeState.SERVING: pb.NODE_STATE_SERVING,
    NodeState.DRAINING: pb.NODE_STATE_DRAINING,
    NodeState.STOPPING: pb.NODE_STATE_STOPPING,
}

FLOW_CHANGES: Final = {
    FlowChange.SUSPENDED: pb.FLOW_CHANGE_SUSPENDED,
    FlowChange.RESUMED: pb.FLOW_CHANGE_RESUMED,
    FlowChange.LOST: pb.FLOW_CHANGE_LOST,
}

REACHED: Final = {
    True: pb.REACHABILITY_REACHED,
    False: pb.REACHABILITY_NOT_REACHED,
    None: pb.REACHABILITY_UNKNOWN,
}


TRUST: Final[Mapping[TrustMode, pb.TrustMode]] = {
    "unverified": pb.TRUST_MODE_UNVERIFIED,
    "private-ca": pb.TRUST_MODE_PRIVATE_CA,
    "public-ca": pb.TRUST_MODE_PUBLIC_CA,
}


class NodeService:
    """The servicer."""

    def __init__(self, node: Node, front: str) -> None:
        self._node = node
        self._front = front
        self._draining: set[asyncio.Task[int]] = set()

    def service(self) -> Service:
        """The service for a front."""
        return Service(
            SERVICE,
            {
                "GetNode": ColdUnary(pb.GetNodeRequest, self.get_node),
                "WatchEvents": ColdStream(pb.WatchEventsRequest, self.watch_events),
                "CheckReachability": ColdUnary(pb.CheckReachabilityRequest, self.check_reachability),
                "Drain": ColdUnary(pb.DrainRequest, self.drain),
            },
        )

    async def get_node(self, _request: pb.GetNodeRequest, _context: CallContext) -> pb.GetNodeResponse:
        """As in the proto file."""
        node, standing = self._node, self._node.links.roles.standing
        response = pb.GetNodeResponse(
            peer_id=node.identity.peer_id,
            network_id=node.settings.network_id,
            instance=node.instance,
            state=STATES[node.state],
            listen_addresses=node.listen_addresses(),
            observed_addresses=node.links.exchange.observed,
            engine=node.endpoint.engine.name,
            front=self._front,
            version=__version__,
            limits=pb.Limits(
                max_message_bytes=node.settings.max_message_bytes,
                max_grpc_bytes=MAX_GRPC_BYTES,
                max_header_bytes=HEADERS_MAX,
                max_channel_bytes=CHANNEL_NAME_MAX,
                max_datagram_bytes=CONTENT_MAX,
            ),
            linked_peers=len(node.links.roster),
            known_peers=len(node.directory),
            not_ready=node.not_ready(),
            trust=TRUST[node.trust.mode],
            role=ROLES[standing.role],
            role_reason=standing.why,
            role_setting=ROLES[standing.setting],
        )
        response.started_at.FromNanoseconds(int(node.started_at * 1e9))
        if node.renewal is not None:
            response.certificate_expires.FromNanoseconds(int(node.renewal.ends * 1e9))
            response.certificate_names.extend(node.renewal.names)
        return response

    async def watch_events(
        self, request: pb.WatchEventsRequest, _context: CallContext
    ) -> AsyncIterator[pb.WatchEventsResponse]:
        """As in the proto file. The first response comes at once, if only to tell the cursor."""
        events = self._node.events
        revision = events.revision
        waiting: list[TimedEvent] = []
        if request.HasField("cursor"):
            revision = request.cursor.revision
            waiting = events.after(request.cursor.instance, revision)
        while True:
            part, waiting = waiting[:EVENTS_AT_ONCE], waiting[EVENTS_AT_ONCE:]
            revision += len(part)
            response = pb.WatchEventsResponse(events=map(event_message, part))
            response.cursor.instance, response.cursor.revision = events.instance, revision
            yield response
            if not waiting:
                await events.wait(revision)
                waiting = events.after(events.instance, revision)

    async def check_reachability(
        self, request: pb.CheckReachabilityRequest, _context: CallContext
    ) -> pb.CheckReachabilityResponse:
        """As in the proto file."""
        found = await self._node.check_reachability(request.addresses)
        standing = self._node.links.roles.standing
        return pb.CheckReachabilityResponse(
            role=ROLES[standing.role],
            role_reason=standing.why,
            checks=[
                pb.ReachabilityCheck(
                    peer_id=each.helper, address=each.address, result=REACHED[each.reachable], detail=each.detail
                )
                for each in found
            ],
        )

    async def drain(self, request: pb.DrainRequest, context: CallContext) -> pb.DrainResponse:
        """As in the proto file."""
        timeout = DRAIN_SECONDS
        if request.HasField("timeout"):
            timeout = request.timeout.seconds + request.timeout.nanos / 1e9
            if timeout < 0:
                raise invalid_field("timeout", "is negative: give the seconds to wait for outcomes, 0 for none")
        elif context.answer_by is not None and not request.no_wait:
            timeout = max(0.0, context.answer_by - asyncio.get_running_loop().time())
        # The drain goes on whatever becomes of the call that asked for it.
        draining = asyncio.create_task(self._node.drain(timeout))
        self._draining.add(draining)
        draining.add_done_callback(self._draining.discard)
        if request.no_wait:
            await asyncio.sleep(0)
            return pb.DrainResponse()
        return pb.DrainResponse(messages_lost=await asyncio.shield(draining))


def event_message(timed: TimedEvent) -> pb.Event:
    """An event as the API shows it."""
    message = pb.Event()
    message.time.FromNanoseconds(int(timed.time * 1e9))
    match timed.event:
        case PeerLinked(peer_id, address, dialled):
            message.peer_linked.CopyFrom(pb.PeerLinked(peer_id=peer_id, address=address, dialled=dialled))
        case PeerUnlinked(peer_id, reason):
            message.peer_unlinked.CopyFrom(pb.PeerUnlinked(peer_id=peer_id, reason=reason))
        case PeerRefused(peer_id, address, reason, by_peer):
            message.peer_refused.CopyFrom(
                pb.PeerRefused(peer_id=peer_id, address=address, reason=reason, by_peer=by_peer)
            )
        case MessagesLost(peer_id, channel, count, reason, unsent):
            message.messages_lost.CopyFrom(
                pb.MessagesLost(
                    peer_id=peer_id,
                    channel=channel,
                    count=count,
                    reason=reason_number(reason),
                    unsent=[
                        pb.UnsentMessages(token=token, first_sequence=first, last_sequence=last)
                        for token, first, last, _call in unsent
                    ],
                )
            )
        case InstanceConflict(peer_id, address):
            message.instance_conflict.CopyFrom(pb.InstanceConflict(peer_id=peer_id, address=address))
        case BootstrapSucceeded(peer_id, contact):
            message.bootstrap_succeeded.CopyFrom(pb.BootstrapSucceeded(peer_id=peer_id, contact=contact))
        case BootstrapFailed(failures, others):
            results = [bootstrap_pb2.ContactResult(address=contact, error=error) for contact, error in failures]
            message.bootstrap_failed.CopyFrom(pb.BootstrapFailed(failures=results, others=others))
        case ContactAdded(contact, origin):
            message.contact_added.CopyFrom(pb.ContactAdded(contact=contact, origin=ORIGINS[origin]))
        case ContactRemoved(contact, origin):
            message.contact_removed.CopyFrom(pb.ContactRemoved(contact=contact, origin=ORIGINS[origin]))
        case IdentityChanged(address, expected, found):
            message.identity_changed.CopyFrom(
                pb.IdentityChanged(address=address, expected_peer_id=expected, found_peer_id=found)
            )
        case MessagesDead(peer_id, channel, count, outgoing):
            message.messages_dead.CopyFrom(
                pb.MessagesDead(peer_id=peer_id, channel=channel, count=count, outgoing=outgoing)
            )
        case JournalTrouble(error):
            message.journal_trouble.CopyFrom(pb.JournalTrouble(error=error))
        case FlowsChanged(peer_id, flow_change, streams, requests, detail):
            message.flows_changed.CopyFrom(
                pb.FlowsChanged(
                    peer_id=peer_id,
                    change=FLOW_CHANGES[flow_change],
                    streams=streams,
                    requests=requests,
                    detail=detail,
                )
            )
        case _:
            _own_event(message, timed.event)
    return message


def _own_event(message: pb.Event, event: Event) -> None:
    """What happened to this sidecar itself."""
    match event:
        case RoleChanged(role, reason):
            message.role_changed.CopyFrom(pb.RoleChanged(role=ROLES[role], reason=reason))
        case StateChanged(state):
            message.state_changed.CopyFrom(pb.StateChanged(state=STATES[NodeState(state)]))
        case TrustReloaded(files, error):
            message.trust_reloaded.CopyFrom(pb.TrustReloaded(files=files, error=error))
        case TrustExpiring(file, subject, ends):
            message.trust_expiring.CopyFrom(pb.TrustExpiring(file=file, subject=subject))
            message.trust_expiring.ends.FromNanoseconds(int(ends * 1e9))
