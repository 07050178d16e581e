"""What apps hand in for sending, checked where it enters: bytes that pass unparsed, and chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from google.protobuf.duration_pb2 import Duration

from sidecar.errors import Reason, SidecarError, invalid_field
from sidecar.gen.overlay.v1 import message_pb2 as pb
from sidecar.overlay.post import Delivery
from sidecar.wire.batch import HEADERS_MAX, MESSAGE_ID_MAX, BadBatch, check_untrusted

MAX_GRPC_BYTES: Final = 16 << 20
"""The most payload of one gRPC message."""

MAX_FRAME_BYTES: Final = MAX_GRPC_BYTES + (64 << 10)
"""The largest SendStreamRequest: room for what stands beside the payload."""

PRIORITIES: Final = {
    pb.PRIORITY_UNSPECIFIED: 1,
    pb.PRIORITY_HIGH: 0,
    pb.PRIORITY_NORMAL: 1,
    pb.PRIORITY_LOW: 2,
}
"""As the layers below number them."""

LEVELS: Final = {
    pb.DELIVERY_LEVEL_UNSPECIFIED: pb.DELIVERY_LEVEL_DELIVERED,
    pb.DELIVERY_LEVEL_SENT: pb.DELIVERY_LEVEL_SENT,
    pb.DELIVERY_LEVEL_DELIVERED: pb.DELIVERY_LEVEL_DELIVERED,
    pb.DELIVERY_LEVEL_PROCESSED: pb.DELIVERY_LEVEL_PROCESSED,
}

TTL_MAX: Final = 366 * 86_400
"""Seconds."""


def priority_of(value: int, field: str) -> int:
    """The priority below. SidecarError INVALID_FIELD for a number that is none."""
    try:
        return PRIORITIES[value]  # type: ignore[index] # an int at run time
    except KeyError:
        raise invalid_field(field, f"{value} is no Priority") from None


def level_of(value: int, field: str) -> pb.DeliveryLevel:
    """The level asked for, DELIVERED by default. SidecarError INVALID_FIELD for a number that is none."""
    try:
        return LEVELS[value]  # type: ignore[index] # an int at run time
    except KeyError:
        raise invalid_field(field, f"{value} is no DeliveryLevel") from None


def seconds_of(duration: Duration, field: str, most: float) -> float:
    """A duration of 0 to `most` seconds. SidecarError INVALID_FIELD."""
    seconds = duration.seconds + duration.nanos / 1e9
    if not 0 <= seconds <= most:
        raise invalid_field(field, f"{seconds:g} s, from 0 to {most:g} s are allowed")
    return seconds


def delivery_of(asked: pb.SendRequest | pb.SendStreamOpen, level: pb.DeliveryLevel, prefix: str = "") -> Delivery:
    """What is wanted beside the way. SidecarError INVALID_FIELD."""
    ttl = None
    if asked.HasField("ttl"):
        ttl = seconds_of(asked.ttl, f"{prefix}ttl", TTL_MAX)
        if not ttl:
            raise invalid_field(f"{prefix}ttl", "0 s: give it time, or leave it out")
        if not asked.durable:
            raise invalid_field(f"{prefix}ttl", "only durable messages have one; the call's deadline bounds others")
    return Delivery(
        durable=asked.durable,
        ttl=ttl,
        awaits_delivered=level != pb.DELIVERY_LEVEL_SENT,
        awaits_processed=level == pb.DELIVERY_LEVEL_PROCESSED,
    )


def too_large(what: str, size: int, limit: int, way: str) -> SidecarError:
    """The error of something above a limit; `way` says how it can be done."""
    return SidecarError(
        Reason.MESSAGE_TOO_LARGE,
        f"{what} has {size} bytes, at most {limit} are allowed: {way}",
        metadata={"limit": str(limit), "size": str(size)},
    )


def check_batch(frame: bytes, max_message_bytes: int, field: str = "") -> list[int]:
    """Proves that an app's bytes are a batch of valid messages; where each ends. SidecarError MESSAGE_TOO_LARGE or
    INVALID_FIELD names the message; `field` is where the first one stands when there is only one."""
    limit = min(max_message_bytes, MAX_GRPC_BYTES)
    try:
        return check_untrusted(frame, limit)
    except BadBatch as error:
        where = field or f"messages[{error.index}]"
        if error.limit:
            way = "send larger ones in chunks by SendStream" if limit < max_message_bytes else "send less"
            detail = f"{where}: {error.what}" + (f"; {way}" if error.limit == limit else "")
            raise SidecarError(
                Reason.MESSAGE_TOO_LARGE, detail, metadata={"limit": str(error.limit), "size": str(error.size)}
            ) from error
        raise invalid_field(where, error.what) from error


class ChunkMemory:
    """Memory for large messages that come in chunks, shared by all calls of this sidecar: reserved by the first chunk,
    given back when the message is handed on or abandoned."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._waiting: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        return f"<ChunkMemory {self.used}/{self.limit} bytes, {len(self._waiting)} waiting>"

    def reserve(self, size: int) -> bool:
        """Whether there was room. One message always has."""
        if self.used and self.used + size > self.limit:
            return False
        self.used += size
        return True

    def release(self, size: int) -> None:
        """Gives memory back; whoever waits may try again."""
        self.used -= size
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            call()

    def want(self, call: Callable[[], None]) -> None:
        """Calls once when memory was given back."""
        self._waiting.append(call)


class ChunkSeries:
    """One large message on its way in. Its parts are kept as they came and never joined here."""

    def __init__(self, chunk: pb.Chunk, max_message_bytes: int) -> None:
        """Begins with the first chunk. SidecarError FRAME_UNEXPECTED, MESSAGE_TOO_LARGE."""
        if chunk.offset:
            raise SidecarError(
                Reason.FRAME_UNEXPECTED,
                f"chunk.offset: {chunk.offset} where a message begins; the first chunk of a message is at 0",
            )
        if chunk.total > max_message_bytes:
            raise too_large(
                "chunk.total: the message", chunk.total, max_message_bytes, "see max_message_bytes of GetNode"
            )
        if len(chunk.message_id.encode()) > MESSAGE_ID_MAX:
            raise too_large("chunk.message_id", len(chunk.message_id.encode()), MESSAGE_ID_MAX, "shorten it")
        beside = headers_size(chunk)
        if beside > HEADERS_MAX:
            raise too_large("chunk: message_id and headers", beside, HEADERS_MAX, "put it into the payload")
        self.message_id = chunk.message_id
        self.headers = dict(chunk.headers)
        self.total = chunk.total
        self.parts: list[bytes] = []
        self.gathered = 0
        self._take(chunk)

    def __repr__(self) -> str:
        return f"<ChunkSeries {self.message_id!r} {self.gathered}/{self.total} bytes>"

    @property
    def complete(self) -> bool:
        """Whether the last chunk has come."""
        return self.gathered == self.total

    def add(self, chunk: pb.Chunk) -> None:
        """The next chunk. SidecarError FRAME_UNEXPECTED when it is not that."""
        for field, value, expected in (
            ("offset", chunk.offset, self.gathered),
            ("total", chunk.total, self.total),
            ("message_id", chunk.message_id, self.message_id),
        ):
            if value != expected:
                raise SidecarError(
                    Reason.FRAME_UNEXPECTED,
                    f"chunk.{field}: {value!r} does not continue the message, {expected!r} does",
                )
        if chunk.headers:
            raise SidecarError(Reason.FRAME_UNEXPECTED, "chunk.headers: only the first chunk of a message has headers")
        self._take(chunk)

    def _take(self, chunk: pb.Chunk) -> None:
        size = len(chunk.data)
        if self.gathered + size > self.total or (not size and self.total):
            raise SidecarError(
                Reason.FRAME_UNEXPECTED, f"chunk.data: {size} bytes at {self.gathered} of {self.total} in all"
            )
        if size:
            self.parts.append(chunk.data)
            self.gathered += size


def headers_size(chunk: pb.Chunk) -> int:
    """Bytes of message id and headers as they stand in a Message."""
    beside = pb.Message(message_id=chunk.message_id)
    beside.headers.update(chunk.headers)
    return beside.ByteSize()
