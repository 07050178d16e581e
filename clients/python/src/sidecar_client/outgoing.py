"""The sender's end of a SendStream, without any I/O: messages in, encoded frames out, receipts in, outcomes out."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from sidecar_client.endpoint import MAX_GRPC_BYTES
from sidecar_client.errors import (
    InvalidField,
    MessageTooLarge,
    NotFound,
    OutcomeUnknown,
    RequestError,
    SidecarError,
    SidecarUnavailable,
    error_of_reason,
)
from sidecar_client.failures import Failures
from sidecar_client.gen.overlay.v1 import errors_pb2, node_pb2
from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from sidecar_client.messages import LEVELS, PRIORITIES, Priority, Wait
from sidecar_client.times import duration

FRAME_BYTES = 1 << 20
"""Messages are gathered into frames of about this size; one that is larger alone makes its own."""

CHUNK_BYTES = 2 << 20
"""The size of the parts of a message that no frame can hold."""

ENVELOPE_BYTES = 64 << 10
"""Room that a message's headers and tags are given when it is judged whether a frame can hold it."""

WHOLE_BYTES = MAX_GRPC_BYTES - ENVELOPE_BYTES
"""The largest payload that is sent in one frame, if the sidecar takes such."""

SMALL_BYTES = 1 << 20
"""Payloads up to here are within every sidecar's limits; for a larger one the client asks for them."""

KEPT_BYTES = 64
"""What a message counts in the window beside its payload, so that empty ones are bounded too."""

WINDOW_BYTES = 16 << 20
"""How many bytes may be without an outcome before `full` says to wait."""


MESSAGE, CHUNK = b"\x0a", b"\x1a"
"""The fields of SendStreamRequest."""

PAYLOAD, DATA = b"\x1a", b"\x22"
"""Where the bytes are in a Message, and in a Chunk."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the sidecar takes, as GetNode tells it."""

    most: int
    """The largest message, in bytes of payload."""
    whole: int
    """The largest payload that goes in one frame; what is larger goes in chunks."""

    @classmethod
    def of(cls, limits: node_pb2.Limits) -> Sizes:
        """Those of a sidecar."""
        return cls(limits.max_message_bytes, min(limits.max_grpc_bytes, MAX_GRPC_BYTES) - ENVELOPE_BYTES)

    def check(self, size: int) -> None:
        """MessageTooLarge for a payload of more bytes than the sidecar takes."""
        if size > self.most:
            raise MessageTooLarge(
                f"the payload has {size} bytes, the sidecar takes at most {self.most}",
                metadata={"limit": str(self.most), "size": str(size)},
            )

    def goes_whole(self, size: int, request_id: str) -> bool:
        """Whether a payload goes in one frame. MessageTooLarge, and InvalidField for a `request_id` that chunks cannot
        carry."""
        self.check(size)
        if size > self.whole and request_id:
            words = f"a message of more than {self.whole} bytes goes in chunks, which have no request id"
            raise InvalidField(f"request_id: {words}", fields=(("request_id", words),))
        return size <= self.whole


class Outgoing:
    """The book of one SendStream.

    Numbers run from 1. `through` is the number up to which every message has an outcome; those that failed are in
    `failures`. A message stays counted in `pending_bytes` until it has one.
    """

    def __init__(
        self, peer_id: str, channel: str, priority: Priority, wait: Wait, window: int = WINDOW_BYTES, *,
        durable: bool = False, ttl: float | None = None,
    ) -> None:  # fmt: skip
        self.level = LEVELS[wait]
        self.wait: Wait = wait
        opening = pb.SendStreamOpen(
            peer_id=peer_id, channel=channel, priority=PRIORITIES[priority], level=self.level, durable=durable
        )
        if ttl is not None:
            opening.ttl.CopyFrom(duration("ttl", ttl))
        self.opening = pb.SendStreamRequest(open=opening).SerializeToString()
        self.window = window
        self.count = 0
        self.through = 0
        self.added = 0
        """What all messages so far count in the window."""
        self.failures = Failures()
        self.refusal: SidecarError | None = None
        """Why nothing more can be sent, once that is so."""
        self.over = False
        """Whether the call has ended; then every message has an outcome."""
        self._frames: deque[tuple[int, list[bytes | memoryview]]] = deque()
        """Sealed frames not yet taken: the last message that is complete in each, its parts."""
        self._parts: list[bytes | memoryview] = []
        """The frame that messages are gathered into."""
        self._parts_bytes = 0
        self._settled = 0
        """The same of those with an outcome."""
        self._sums: list[int] = []
        """What `added` was after each message that has no outcome."""
        self._taken = 0
        """The last message that was handed to gRPC, in part at least."""

    def __repr__(self) -> str:
        return (
            f"<Outgoing {self.count} messages, {self.through} with an outcome, {self.pending_bytes} bytes pending,"
            f" {len(self.failures)} failures{', ended' if self.over else ''}>"
        )

    @property
    def pending_bytes(self) -> int:
        """What the messages without an outcome count in the window."""
        return self.added - self._settled

    def full(self) -> bool:
        """Whether to wait for outcomes before adding more."""
        return self.added - self._settled >= self.window

    def idle(self) -> bool:
        """Whether every message has an outcome."""
        return self.through == self.count

    def add(
        self, payload: bytes, headers: Mapping[str, str] | None = None, message_id: str = "", sizes: Sizes | None = None
    ) -> int:
        """Takes a message and gives its number; `sizes` are due for one of more than SMALL_BYTES. Raises `refusal`,
        MessageTooLarge, and TypeError for what is no bytes."""
        if self.refusal is not None:
            raise self.refusal.with_traceback(None)
        if type(payload) is not bytes:
            payload = bytes(memoryview(payload))
        size = len(payload)
        if sizes is not None:
            sizes.check(size)
        if size > (SMALL_BYTES if sizes is None else sizes.whole):
            self._add_chunks(payload, headers, message_id)
        else:
            # Whatever is done here is done for each of some hundred thousand messages a second.
            if headers or message_id:
                head = framed(MESSAGE, pb.Message(message_id=message_id, headers=headers), PAYLOAD, size)
            else:
                head = plain_head(size)
            gathered = self._parts_bytes + len(head) + size
            if gathered > FRAME_BYTES:
                self._seal()
                gathered = len(head) + size
            self._parts_bytes = gathered
            self._parts.append(head)
            self._parts.append(payload)
        self.count += 1
        self.added += size + KEPT_BYTES
        self._sums.append(self.added)
        return self.count

    def _seal(self) -> None:
        """Nothing more goes into the frame that was gathered."""
        if self._parts:
            self._frames.append((self.count, self._parts))
            self._parts, self._parts_bytes = [], 0

    def _add_chunks(self, payload: bytes, headers: Mapping[str, str] | None, message_id: str) -> None:
        self._seal()
        total = len(payload)
        view = memoryview(payload)
        for offset in range(0, total, CHUNK_BYTES):
            data = view[offset : offset + CHUNK_BYTES]
            chunk = pb.Chunk(message_id=message_id, offset=offset, total=total, headers=None if offset else headers)
            self._frames.append((self.count + 1, [framed(CHUNK, chunk, DATA, len(data)), data]))

    def next_frame(self) -> list[bytes | memoryview] | None:
        """The parts of the next encoded SendStreamRequest, to be joined; None when nothing waits."""
        if self._frames:
            self._taken, parts = self._frames.popleft()
            return parts
        if not self._parts:
            return None
        parts, self._parts, self._parts_bytes = self._parts, [], 0
        self._taken = self.count
        return parts

    def receipts(self, response: pb.SendStreamResponse) -> None:
        """Takes what the sidecar tells."""
        for receipt in response.receipts:
            for exception in receipt.exceptions:
                error = error_of_reason(name_of(exception.reason), exception.detail)
                self.failures.add(exception.first, exception.last, error)
            if receipt.level == self.level:
                self._outcomes_through(receipt.through_sequence)

    def close(self) -> None:
        """Nothing more is sent than what was added."""
        self.refusal = self.refusal or SidecarUnavailable("the sender is closed")

    def end(self, error: SidecarError | None) -> None:
        """The call is over: what has no outcome gets one."""
        if self.over:
            return
        self.over = True
        self.refusal = error or SidecarUnavailable("the sender is closed")
        cause = error or SidecarUnavailable("the sidecar ended the call early")
        if isinstance(error, RequestError | NotFound):
            # What was accepted before has its receipts; the rest is what the sidecar refused, and what came behind it.
            self._taken = self.through
        if self.through < self._taken:
            unknown = OutcomeUnknown(
                f"the call ended before the sidecar told what became of it: {cause}", code=cause.code
            )
            self.failures.add(self.through + 1, self._taken, unknown)
        if max(self._taken, self.through) < self.count:
            self.failures.add(max(self._taken, self.through) + 1, self.count, cause)
        self._outcomes_through(self.count)
        self._frames.clear()
        self._parts = []

    def _outcomes_through(self, number: int) -> None:
        news = min(number, self.count) - self.through
        if news > 0:
            self.through += news
            self._settled = self._sums[news - 1]
            del self._sums[:news]

    def check(self, number: int) -> None:
        """InvalidField for a number that no message has."""
        if not 1 <= number <= self.count:
            words = f"of {self.count} messages so far none has the number {number}"
            raise InvalidField(f"number: {words}", fields=(("number", words),))


def name_of(reason: int) -> str:
    """A reason's name; its number, where it is of a newer sidecar."""
    known = errors_pb2.ErrorReason.DESCRIPTOR.values_by_number.get(reason)
    return known.name.removeprefix("ERROR_REASON_") if known else str(reason)


def framed(field: bytes, message: pb.Message | pb.Chunk, rest: bytes, size: int) -> bytes:
    """How a frame begins: in this field of its own what the message has beside `size` bytes in its field `rest`, which
    come next."""
    begun = message.SerializeToString()
    if size:
        begun += rest + varint(size)
    return field + varint(len(begun) + size) + begun


@lru_cache(maxsize=4096)
def plain_head(size: int) -> bytes:
    """How a frame of a message begins that is nothing but so many bytes of payload."""
    return framed(MESSAGE, pb.Message(), PAYLOAD, size)


def varint(value: int) -> bytes:
    """The base-128 encoding of protobuf."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
