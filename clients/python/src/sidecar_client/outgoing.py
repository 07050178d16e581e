"""The sender's end of a SendStream, without any I/O: messages in, encoded frames out, receipts in, outcomes out."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

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
from sidecar_client.gen.overlay.v1 import errors_pb2, node_pb2
from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from sidecar_client.messages import LEVELS, PRIORITIES, Priority, Wait

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


@dataclass(frozen=True, slots=True)
class Failure:
    """Messages that did not reach the level, by sequence number, inclusive."""

    first: int
    last: int
    error: SidecarError


class SendFailed(SidecarError):
    """Some messages of a sender did not reach their level; `failures` says which and why."""

    def __init__(self, failures: list[Failure]) -> None:
        count = sum(failure.last - failure.first + 1 for failure in failures)
        first = failures[0]
        super().__init__(
            f"{count} message{'s' if count > 1 else ''} failed, the first being number {first.first}: {first.error}",
            code=first.error.code,
            reason=first.error.reason,
        )
        self.failures = failures


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
            opening.ttl.FromNanoseconds(round(ttl * 1e9))
        self.opening = pb.SendStreamRequest(open=opening).SerializeToString()
        self.window = window
        self.count = 0
        self.through = 0
        self.pending_bytes = 0
        self.failures: list[Failure] = []
        self.ended: SidecarError | None = None
        """Why the call is over, once it is; nothing more can be sent then."""
        self._frames: deque[tuple[int, list[bytes], int]] = deque()
        """Frames not yet taken: the last message that is complete in each, its parts, its bytes."""
        self._sizes: deque[tuple[int, int]] = deque()
        """(number, bytes in the window) of what has no outcome."""
        self._taken = 0
        """The last message that was handed to gRPC, in part at least."""
        self._reported = 0

    def __repr__(self) -> str:
        return (
            f"<Outgoing {self.count} messages, {self.through} with an outcome, {self.pending_bytes} bytes pending,"
            f" {len(self.failures)} failures{', ended' if self.ended else ''}>"
        )

    def full(self) -> bool:
        """Whether to wait for outcomes before adding more."""
        return self.pending_bytes >= self.window

    def idle(self) -> bool:
        """Whether every message has an outcome."""
        return self.through == self.count

    def add(
        self, payload: bytes, headers: Mapping[str, str] | None = None, message_id: str = "", sizes: Sizes | None = None
    ) -> int:
        """Takes a message and gives its number; `sizes` are due for one of more than SMALL_BYTES. Raises what ended the
        call, once it has ended, and MessageTooLarge."""
        if self.ended is not None:
            raise self.ended
        if sizes is not None:
            sizes.check(len(payload))
        if len(payload) > (SMALL_BYTES if sizes is None else sizes.whole):
            self._add_chunks(payload, headers, message_id)
        else:
            self._add_whole(payload, headers, message_id)
        self.count += 1
        self._sizes.append((self.count, len(payload) + KEPT_BYTES))
        self.pending_bytes += len(payload) + KEPT_BYTES
        return self.count

    def _add_whole(self, payload: bytes, headers: Mapping[str, str] | None, message_id: str) -> None:
        head = pb.Message(message_id=message_id, headers=headers).SerializeToString() if headers or message_id else b""
        tail = b"\x1a" + varint(len(payload)) if payload else b""
        size = len(head) + len(tail) + len(payload)
        parts = [b"\x0a" + varint(size) + head + tail, payload]
        if self._frames:
            last, gathered, gathered_bytes = self._frames[-1]
            if last == self.count and gathered_bytes + size <= FRAME_BYTES:
                gathered += parts
                self._frames[-1] = (self.count + 1, gathered, gathered_bytes + size)
                return
        self._frames.append((self.count + 1, parts, size))

    def _add_chunks(self, payload: bytes, headers: Mapping[str, str] | None, message_id: str) -> None:
        total = len(payload)
        view = memoryview(payload)
        for offset in range(0, total, CHUNK_BYTES):
            data = bytes(view[offset : offset + CHUNK_BYTES])
            chunk = pb.Chunk(message_id=message_id, offset=offset, total=total, data=data)
            if offset == 0 and headers:
                chunk.headers.update(headers)
            frame = pb.SendStreamRequest(chunk=chunk).SerializeToString()
            # FRAME_BYTES says that nothing is gathered behind it.
            self._frames.append((self.count + 1, [frame], max(len(frame), FRAME_BYTES)))

    def next_frame(self) -> bytes | None:
        """The next encoded SendStreamRequest; None when nothing waits."""
        if not self._frames:
            return None
        last, parts, _ = self._frames.popleft()
        self._taken = last
        return b"".join(parts)

    def receipts(self, response: pb.SendStreamResponse) -> None:
        """Takes what the sidecar tells."""
        for receipt in response.receipts:
            for exception in receipt.exceptions:
                reason = errors_pb2.ErrorReason.Name(exception.reason).removeprefix("ERROR_REASON_")
                self.failures.append(
                    Failure(exception.first, exception.last, error_of_reason(reason, exception.detail))
                )
            if receipt.level == self.level:
                self._outcomes_through(receipt.through_sequence)

    def end(self, error: SidecarError | None) -> None:
        """The call is over: what has no outcome gets one."""
        if self.ended is not None:
            return
        self.ended = error or SidecarUnavailable("the sender is closed")
        cause = error or SidecarUnavailable("the sidecar ended the call early")
        if isinstance(error, RequestError | NotFound):
            # What was accepted before has its receipts; the rest is what the sidecar refused, and what came behind it.
            self._taken = self.through
        if self.through < self._taken:
            unknown = OutcomeUnknown(
                f"the call ended before the sidecar told what became of it: {cause}", code=cause.code
            )
            self.failures.append(Failure(self.through + 1, self._taken, unknown))
        if max(self._taken, self.through) < self.count:
            self.failures.append(Failure(max(self._taken, self.through) + 1, self.count, cause))
        self._outcomes_through(self.count)
        self._frames.clear()

    def _outcomes_through(self, number: int) -> None:
        self.through = max(self.through, min(number, self.count))
        while self._sizes and self._sizes[0][0] <= self.through:
            self.pending_bytes -= self._sizes.popleft()[1]

    def error_of(self, number: int) -> SidecarError | None:
        """Why message `number` failed; None when it reached its level (ask only once it has an outcome)."""
        for failure in self.failures:
            if failure.first <= number <= failure.last:
                return failure.error
        return None

    def raise_new_failures(self) -> None:
        """SendFailed with the failures that this has not raised before; nothing when there are none."""
        new = self.failures[self._reported :]
        if new:
            self._reported = len(self.failures)
            raise SendFailed(new)


def varint(value: int) -> bytes:
    """The base-128 encoding of protobuf."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
