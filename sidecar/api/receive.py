"""Receive and Consume: subscriptions to a channel of the inbox, handed out unparsed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sidecar.api.batches import seconds_of
from sidecar.api.envelope import WHOLE_BYTES, chunk_responses, delivery_field
from sidecar.api.front.base import Encoded, HotCall
from sidecar.api.front.requests import decoded
from sidecar.errors import Reason, SidecarError, invalid_field
from sidecar.gen.overlay.v1 import message_pb2 as pb
from sidecar.mail.piece import Piece
from sidecar.mail.subscription import Subscription
from sidecar.node import Node

RESPONSE_BYTES = 1 << 20
"""Responses gather deliveries up to this size; one that is larger alone makes its own."""

JOINED_PART = 4096
"""Parts of a response that are smaller on average are joined: each costs more than its bytes."""

DELAY_MAX = 86_400.0
"""Seconds of the longest delay and deadline."""
DEADLINE_LEAST = 0.01

UNKNOWN_MAX = 10_000
"""So many unknown acknowledgements that the client has not been told of hold its next ones back."""


class Outflow:
    """What a subscription gives, as encoded responses: of either call, their `deliveries` are field 1 of both."""

    def __init__(self, subscription: Subscription) -> None:
        self.subscription = subscription
        self._pending: Iterator[Encoded] = iter(())

    def take(self, max_bytes: int) -> list[Encoded]:
        """Some `max_bytes` of responses. The subscription is asked for more only when all of what it gave last was
        written: without credits it settles that by being asked."""
        responses = self._pull(max_bytes)
        if not responses:
            self._pending = responses_of(self.subscription.take(max_bytes))
            responses = self._pull(max_bytes)
        return responses

    def _pull(self, room: int) -> list[Encoded]:
        responses: list[Encoded] = []
        for response in self._pending:
            responses.append(response)
            room -= len(response) if isinstance(response, bytes) else sum(map(len, response))
            if room <= 0:
                break
        return responses


def responses_of(taken: Iterable[tuple[int, Piece]]) -> Iterator[Encoded]:
    """Deliveries gathered into responses, large ones in chunks of their own."""
    parts: list[bytes] = []
    size = 0
    for delivery_id, piece in taken:
        if parts and size + len(piece.batch) > RESPONSE_BYTES:
            yield _response(parts, size)
            parts, size = [], 0
        if len(piece.batch) > WHOLE_BYTES and piece.count == 1:
            yield from chunk_responses(delivery_id, piece)
            continue
        parts += delivery_field(delivery_id, piece)
        size += len(piece.batch)
    if parts:
        yield _response(parts, size)


def _response(parts: list[bytes], size: int) -> Encoded:
    return tuple(parts) if size >= JOINED_PART * len(parts) else b"".join(parts)


class Receive:
    """One Receive call."""

    def __init__(self, node: Node, call: HotCall) -> None:
        self._node = node
        self._call = call
        self._outflow: Outflow | None = None

    def messages(self, batch: list[bytes]) -> None:
        """The one request."""
        request = decoded(pb.ReceiveRequest, batch[0])
        self._call.context.scope.require_receive(request.channel)
        self._outflow = Outflow(self._node.subscribe(request.channel, self._call.wake))

    def half_closed(self) -> None:
        """As every call with one request does at once."""

    @property
    def paused(self) -> bool:
        """Never: there is nothing to read."""
        return False

    def take(self, max_bytes: int) -> Sequence[Encoded]:
        """What waits in the channel. A message counts as taken once it is written to the call."""
        return self._outflow.take(max_bytes) if self._outflow is not None else ()

    def ended(self, completed: bool) -> None:
        """What did not reach the client goes to another subscriber."""
        if self._outflow is not None:
            self._outflow.subscription.close(written=completed)


class Consume:
    """One Consume call."""

    def __init__(self, node: Node, call: HotCall) -> None:
        self._node = node
        self._call = call
        self._outflow: Outflow | None = None
        self._unknown: list[tuple[int, int]] = []

    def messages(self, batch: list[bytes]) -> None:
        """Frames: the opening, then credit and acknowledgements in any order."""
        for encoded in batch:
            frame = decoded(pb.ConsumeRequest, encoded)
            kind = frame.WhichOneof("frame")
            if self._outflow is None:
                self._open(frame, kind)
            elif kind == "ack":
                for held in frame.ack.ranges:
                    self._unknown += self._outflow.subscription.ack(held.first, held.last)
            elif kind == "nack":
                delay = seconds_of(frame.nack.delay, "nack.delay", DELAY_MAX)
                for held in frame.nack.ranges:
                    self._unknown += self._outflow.subscription.nack(held.first, held.last, delay)
            elif kind == "extend":
                seconds = seconds_of(frame.extend.deadline, "extend.deadline", DELAY_MAX)
                for held in frame.extend.ranges:
                    self._unknown += self._outflow.subscription.extend(held.first, held.last, seconds)
            elif kind == "credit":
                self._outflow.subscription.add_credit(frame.credit.credits)
            else:
                raise SidecarError(
                    Reason.FRAME_UNEXPECTED,
                    "after `open`, a frame is one of `credit`, `ack`, `nack` and `extend`, and never empty",
                )
        if self._unknown:
            self._call.wake()

    def _open(self, frame: pb.ConsumeRequest, kind: str | None) -> None:
        if kind != "open":
            raise SidecarError(Reason.FRAME_UNEXPECTED, f"the first frame must be `open`, it is `{kind or 'empty'}`")
        self._call.context.scope.require_receive(frame.open.channel)
        credit = max(1, frame.open.credits)
        deadline = seconds_of(frame.open.ack_deadline, "open.ack_deadline", DELAY_MAX)
        if frame.open.HasField("ack_deadline") and deadline < DEADLINE_LEAST:
            raise invalid_field("open.ack_deadline", f"{deadline:g} s, at least {DEADLINE_LEAST:g} s are needed")
        self._outflow = Outflow(
            self._node.subscribe(
                frame.open.channel, self._call.wake, credit=credit, ack_deadline=deadline,
                max_deliveries=frame.open.max_deliveries,
            )
        )  # fmt: skip

    def half_closed(self) -> None:
        """No acknowledgement can come any more: what is not acknowledged goes to others."""
        self._call.finish()

    @property
    def paused(self) -> bool:
        """While the client does not read what it is told of its acknowledgements."""
        return len(self._unknown) >= UNKNOWN_MAX

    def take(self, max_bytes: int) -> Sequence[Encoded]:
        """What waits in the channel and is within credit."""
        if self._unknown:
            response = pb.ConsumeResponse()
            for first, last in self._unknown:
                response.unknown.add(first=first, last=last)
            was_paused = self.paused
            self._unknown.clear()
            if was_paused:
                self._call.resume()
            return [response.SerializeToString()]
        return self._outflow.take(max_bytes) if self._outflow is not None else ()

    def ended(self, completed: bool) -> None:
        """What is not acknowledged goes to another subscriber."""
        if self._outflow is not None:
            self._outflow.subscription.close()
