"""The requests of the verbs, and what is made of the answers, for both kinds of client."""

from __future__ import annotations

from collections.abc import Iterable

from sidecar_client.foreign import SERVING
from sidecar_client.gen.overlay.v1 import datagram_pb2, node_pb2, peer_pb2, queue_pb2
from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from sidecar_client.gen.overlay.v1.cursor_pb2 import Cursor
from sidecar_client.messages import (
    LEVEL_NAMES,
    LEVELS,
    PRIORITIES,
    QUEUES,
    Gap,
    PeerChange,
    PeersSnapshot,
    Priority,
    QueueName,
    Readiness,
    Sent,
    Wait,
    seconds,
)
from sidecar_client.times import duration

DEFAULT_TIMEOUT = 30.0
"""Seconds that a call may take where its caller says nothing."""

PAGE = 500
"""Peers or contacts asked for at a time."""

RETRY_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Waits between attempts to take up a broken call; the last one repeats."""


def send_request(
    peer_id: str, channel: str, priority: Priority, wait: Wait, message: pb.Message, *, durable: bool = False,
    ttl: float | None = None, request_id: str = "",
) -> pb.SendRequest:  # fmt: skip
    return pb.SendRequest(
        peer_id=peer_id, channel=channel, priority=PRIORITIES[priority], level=LEVELS[wait], message=message,
        durable=durable, ttl=None if ttl is None else duration("ttl", ttl), request_id=request_id,
    )  # fmt: skip


def letter_filter(
    queue: QueueName, peer_id: str | None, channel: str | None, ids: Iterable[int] = ()
) -> queue_pb2.LetterFilter:
    return queue_pb2.LetterFilter(queue=QUEUES[queue], peer_id=peer_id, channel=channel, ids=ids)


def sent(response: pb.SendResponse) -> Sent:
    return Sent(
        message_id=response.message_id,
        level=LEVEL_NAMES.get(response.level, "delivered"),
        sent_at=seconds(response.sent_at) if response.HasField("sent_at") else None,
        delivered_at=seconds(response.delivered_at) if response.HasField("delivered_at") else None,
        processed_at=seconds(response.processed_at) if response.HasField("processed_at") else None,
    )


def drain_request(timeout: float | None, wait: bool) -> node_pb2.DrainRequest:
    request = node_pb2.DrainRequest(no_wait=not wait)
    if timeout is not None:
        request.timeout.CopyFrom(duration("timeout", timeout))
    return request


def retry_wait(attempt: int) -> float:
    return RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]


class Ladder:
    """What `wait_ready` has learnt so far."""

    def __init__(self, level: Readiness) -> None:
        self.level = level
        self.last = "no answer yet"

    def serving(self, status: int) -> bool:
        self.last = f"the sidecar answers and is not ready at level {self.level!r}"
        return status == SERVING


class PeerWatch:
    """Folds the responses of WatchPeers into snapshots and changes, and knows where to resume."""

    def __init__(self) -> None:
        self.cursor: Cursor | None = None
        self._snapshot: list[peer_pb2.Peer] | None = []

    def request(self) -> peer_pb2.WatchPeersRequest:
        """What to (re)open the watch with."""
        if self.cursor is None:
            self._snapshot = []
        return peer_pb2.WatchPeersRequest(cursor=self.cursor)

    def expired(self) -> None:
        """The cursor is void: the next request asks for a snapshot."""
        self.cursor = None

    def take(self, response: peer_pb2.WatchPeersResponse) -> Iterable[PeersSnapshot | PeerChange]:
        """What this response tells."""
        if self._snapshot is not None:
            self._snapshot += [change.peer for change in response.changes if not change.removed]
            if not response.snapshot_complete:
                return ()
            snapshot, self._snapshot = tuple(self._snapshot), None
            self.cursor = response.cursor
            return (PeersSnapshot(snapshot),)
        self.cursor = response.cursor
        return [PeerChange(change.peer, change.removed) for change in response.changes]


class EventWatch:
    """The same for WatchEvents."""

    def __init__(self, cursor: Cursor | None) -> None:
        self.cursor = cursor

    def request(self) -> node_pb2.WatchEventsRequest:
        """What to (re)open the watch with."""
        return node_pb2.WatchEventsRequest(cursor=self.cursor)

    def expired(self) -> Gap:
        """The cursor is void: the watch goes on with what happens from now on."""
        self.cursor = None
        return Gap("events between the end of the former watch and now are not known", restarted=True)

    def take(self, response: node_pb2.WatchEventsResponse) -> Iterable[node_pb2.Event]:
        """What this response tells."""
        self.cursor = response.cursor
        return response.events


def datagram_request(peer_id: str, channel: str, payload: bytes, ttl: float | None) -> datagram_pb2.SendDatagramRequest:
    request = datagram_pb2.SendDatagramRequest(peer_id=peer_id, channel=channel, payload=payload)
    if ttl is not None:
        request.ttl.CopyFrom(duration("ttl", ttl))
    return request


def outcome(result: datagram_pb2.BroadcastResult) -> str:
    """Why a broadcast was not delivered to a peer; empty where it was."""
    return result.detail if result.reason else ""
