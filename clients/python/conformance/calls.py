"""The case `call`: one verb of the client, by its name."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from conformance.lines import Params, Result, UnknownCaseError, chosen, pattern, plain, text64, told
from sidecar_client import Gap, PeersSnapshot, Sidecar, SidecarError
from sidecar_client.gen.overlay.v1 import errors_pb2, node_pb2, peer_pb2, queue_pb2
from sidecar_client.gen.overlay.v1.cursor_pb2 import Cursor


def reason(number: int) -> str:
    """The name of an ErrorReason; empty for none."""
    return (
        plain("ERROR_REASON_", errors_pb2.ErrorReason.Name(errors_pb2.ErrorReason.ValueType(number))) if number else ""
    )


def payload_of(args: Params) -> bytes:
    """The payload that the arguments name."""
    return pattern(args["size"]) if "size" in args else base64.b64decode(args.get("b64", ""))


def peer_told(peer: peer_pb2.Peer) -> Result:
    """A peer as the runner knows it."""
    return {"peer_id": peer.peer_id, "state": plain("PEER_STATE_", peer_pb2.PeerState.Name(peer.state))}


def call_send(sidecar: Sidecar, args: Params) -> Any:
    more = chosen(
        args, "channel", "headers", "message_id", "priority", "wait", "durable", "ttl", "request_id", "timeout"
    )
    sent = sidecar.send(args["peer_id"], payload_of(args), **more)
    return {"message_id": sent.message_id, "level": sent.level}


def call_request(sidecar: Sidecar, args: Params) -> Any:
    replied = sidecar.request(args["peer_id"], payload_of(args), **chosen(args, "channel", "headers", "timeout"))
    return {"b64": text64(replied.payload), "headers": dict(replied.headers)}


def call_check_reachability(sidecar: Sidecar, args: Params) -> Any:
    response = sidecar.check_reachability(args.get("addresses", ()), **chosen(args, "timeout"))
    return [
        {
            "peer_id": check.peer_id,
            "address": check.address,
            "result": plain("REACHABILITY_", node_pb2.Reachability.Name(check.result)),
        }
        for check in response.checks
    ]


def call_queues(sidecar: Sidecar, args: Params) -> Any:
    return [
        {
            "queue": plain("QUEUE_", queue_pb2.Queue.Name(one.queue)),
            "peer_id": one.peer_id,
            "channel": one.channel,
            "messages": one.messages,
        }
        for one in sidecar.queues(**chosen(args, "timeout")).queues
    ]


def call_letters(sidecar: Sidecar, args: Params) -> Any:
    found = sidecar.letters(args["queue"], **chosen(args, "peer_id", "channel", "timeout"))
    return [
        {"id": one.id, "channel": one.channel, "messages": one.messages, "reason": reason(one.reason)} for one in found
    ]


def call_letter(sidecar: Sidecar, args: Params) -> Any:
    found = sidecar.letter(args["queue"], args["id"], **chosen(args, "timeout"))
    return {"id": found.letter.id, "payloads": [text64(message.payload) for message in found.messages]}


def call_broadcast(sidecar: Sidecar, args: Params) -> Any:
    more = chosen(args, "channel", "headers", "labels", "timeout")
    return sidecar.broadcast(payload_of(args), **more)


def call_send_datagram(sidecar: Sidecar, args: Params) -> Any:
    sidecar.send_datagram(args["peer_id"], payload_of(args), **chosen(args, "channel", "ttl", "timeout"))


def call_watch_peers(sidecar: Sidecar, args: Params) -> Any:
    first = next(sidecar.watch_peers())
    assert isinstance(first, PeersSnapshot)
    return {"snapshot": [peer.peer_id for peer in first.peers]}


def call_events(sidecar: Sidecar, args: Params) -> Any:
    cursor = Cursor(instance=args["instance"], revision=args["revision"])
    return kind_of(next(sidecar.events(cursor)))


def kind_of(event: node_pb2.Event | Gap) -> str:
    """The kind of an event."""
    return "gap" if isinstance(event, Gap) else str(event.WhichOneof("kind"))


def call_bootstrap(sidecar: Sidecar, args: Params) -> Any:
    return [
        {"address": one.address, "peer_id": one.peer_id, "error": one.error}
        for one in sidecar.bootstrap(args.get("contacts", ()), **chosen(args, "timeout"))
    ]


FILTER = ("channel", "peer_id", "ids", "timeout")

CALLS: dict[str, Callable[[Sidecar, Params], Any]] = {
    "node": lambda sidecar, args: sidecar.node(**chosen(args, "timeout")).peer_id,
    "peers": lambda sidecar, args: [peer.peer_id for peer in sidecar.peers(**chosen(args, "linked_only", "timeout"))],
    "peer": lambda sidecar, args: peer_told(sidecar.peer(args["peer_id"], **chosen(args, "timeout"))),
    "connect": lambda sidecar, args: sidecar.connect(args["target"], **chosen(args, "timeout")).peer_id,
    "disconnect": lambda sidecar, args: sidecar.disconnect(args["peer_id"], **chosen(args, "timeout")),
    "block_peer": lambda sidecar, args: sidecar.block_peer(args["peer_id"], **chosen(args, "timeout")),
    "unblock_peer": lambda sidecar, args: sidecar.unblock_peer(args["peer_id"], **chosen(args, "timeout")),
    "ping": lambda sidecar, args: sidecar.ping(args["peer_id"], **chosen(args, "timeout")),
    "bootstrap": call_bootstrap,
    "contacts": lambda sidecar, args: [one.address for one in sidecar.contacts(**chosen(args, "cached", "timeout"))],
    "add_contacts": lambda sidecar, args: [
        one.address for one in sidecar.add_contacts(*args["contacts"], **chosen(args, "timeout"))
    ],
    "remove_contact": lambda sidecar, args: sidecar.remove_contact(args["contact"], **chosen(args, "timeout")),
    "check_reachability": call_check_reachability,
    "drain": lambda sidecar, args: sidecar.drain(**chosen(args, "timeout", "wait")),
    "send": call_send,
    "broadcast": call_broadcast,
    "send_datagram": call_send_datagram,
    "request": call_request,
    "queues": call_queues,
    "letters": call_letters,
    "letter": call_letter,
    "purge": lambda sidecar, args: sidecar.purge(args["queue"], **chosen(args, *FILTER)),
    "replay": lambda sidecar, args: sidecar.replay(args["queue"], **chosen(args, *FILTER)),
    "watch_peers": call_watch_peers,
    "events": call_events,
}


def call(sidecar: Sidecar, params: Params) -> Result:
    """One verb."""
    verb = CALLS.get(params["verb"])
    if verb is None:
        raise UnknownCaseError(f"verb {params['verb']}")
    args = dict(params.get("args", {}))
    if "timeout" in params:
        args["timeout"] = params["timeout"]
    try:
        if "token" in params:
            with Sidecar(token=params["token"]) as other:
                return {"value": verb(other, args)}
        return {"value": verb(sidecar, args)}
    except SidecarError as error:
        return {"raised": told(error)}
