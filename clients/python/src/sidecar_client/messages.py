"""What passes between an app and its sidecar, in Python's words."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from google.protobuf.timestamp_pb2 import Timestamp

from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from sidecar_client.gen.overlay.v1 import peer_pb2, queue_pb2

Wait = Literal["sent", "delivered", "processed"]
"""`sent`: it left this sidecar, or is in its journal where it is durable; `delivered`: it is in the other sidecar's
inbox, or journal; `processed`: an app over there has acknowledged it."""

QueueName = Literal["outgoing", "incoming", "dead_incoming", "dead_outgoing"]
"""What a sidecar keeps: durable messages on their way to peers, those that no app here has settled, and dead
letters."""

Priority = Literal["high", "normal", "low"]

Readiness = Literal["live", "api", "overlay"]
"""`live`: the process answers; `api`: it takes calls; `overlay`: it is linked to at least one peer."""

LEVELS: dict[Wait, pb.DeliveryLevel] = {
    "sent": pb.DELIVERY_LEVEL_SENT,
    "delivered": pb.DELIVERY_LEVEL_DELIVERED,
    "processed": pb.DELIVERY_LEVEL_PROCESSED,
}
LEVEL_NAMES: dict[int, Wait] = {number: name for name, number in LEVELS.items()}
QUEUES: dict[QueueName, queue_pb2.Queue] = {
    "outgoing": queue_pb2.QUEUE_OUTGOING,
    "incoming": queue_pb2.QUEUE_INCOMING,
    "dead_incoming": queue_pb2.QUEUE_DEAD_INCOMING,
    "dead_outgoing": queue_pb2.QUEUE_DEAD_OUTGOING,
}
PRIORITIES: dict[Priority, pb.Priority] = {
    "high": pb.PRIORITY_HIGH,
    "normal": pb.PRIORITY_NORMAL,
    "low": pb.PRIORITY_LOW,
}
PRIORITY_NAMES: dict[int, Priority] = {number: name for name, number in PRIORITIES.items()}


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a message that reached the level asked for."""

    message_id: str
    """The caller's, or the one the sidecar made; empty for one that went in chunks without an id."""
    level: Wait
    sent_at: float | None
    """Seconds since 1970 when it left the sidecar; None where it is not known."""
    delivered_at: float | None
    """Seconds since 1970 when the other sidecar's acknowledgement came; None below `delivered`."""
    processed_at: float | None = None
    """The same for the other app's; None below `processed`."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A subscription or watch was broken off and is taken up again: what the sidecar held for it then may be lost.

    `restarted` tells whether it is another run of the sidecar (its queues died with the former one).
    """

    detail: str
    restarted: bool


@dataclass(frozen=True, slots=True)
class PeersSnapshot:
    """Every peer known, when a watch begins or has to begin anew; what is not in it is forgotten."""

    peers: tuple[peer_pb2.Peer, ...]


@dataclass(frozen=True, slots=True)
class PeerChange:
    """A peer as it is now; with `removed`, only its id is set and it is forgotten."""

    peer: peer_pb2.Peer
    removed: bool


def seconds(time: Timestamp) -> float:
    """Seconds since 1970."""
    return time.seconds + time.nanos / 1e9


@dataclass(frozen=True, slots=True)
class IncomingRequest:
    """What another app asks."""

    peer_id: str
    """Who asks, proven by its key."""
    channel: str
    payload: bytes
    headers: Mapping[str, str]
    time_left: float | None
    """Seconds the requester waits, from when it came; None where it did not say."""
    cancelled: threading.Event = field(default_factory=threading.Event, compare=False, repr=False)
    """Set when nobody waits for the answer any longer; under asyncio the coroutine is cancelled instead."""


@dataclass(frozen=True, slots=True)
class Replied:
    """A reply."""

    payload: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class AnswerError(Exception):
    """Raised by an app that answers: the requester gets RequestFailed with this code, a short word, and these words."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message
