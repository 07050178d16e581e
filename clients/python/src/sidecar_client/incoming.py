"""The receiver's end of Receive and Consume, without any I/O: responses in, whole messages out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sidecar_client.errors import SidecarError
from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from sidecar_client.messages import PRIORITY_NAMES, Received, seconds


class Incoming:
    """Unfolds deliveries into messages and puts the chunks of a large one together.

    A series of chunks that its call did not finish is dropped by `restart`: the sidecar hands the message out anew.
    """

    def __init__(self) -> None:
        self.opening = 0
        """Counts the calls: 0 is the first."""
        self._assembling: bytearray | None = None
        self._total = 0
        self._headers: dict[str, str] = {}

    def restart(self) -> None:
        """A new call begins."""
        self.opening += 1
        self._assembling = None

    def messages(self, deliveries: Iterable[pb.Delivery]) -> Iterator[Received]:
        """The messages that these deliveries complete. SidecarError when chunks do not continue their series."""
        for delivery in deliveries:
            if delivery.HasField("chunk"):
                whole = self._chunk(delivery.chunk)
                if whole is not None:
                    yield received(delivery, 0, delivery.chunk.message_id, self._headers, whole, opening=self.opening)
                    self._headers = {}
                continue
            for index, message in enumerate(delivery.messages):
                yield received(
                    delivery, index, message.message_id, dict(message.headers), message.payload, opening=self.opening
                )

    def _chunk(self, chunk: pb.Chunk) -> bytes | None:
        """The whole payload, when this was its last chunk."""
        if chunk.offset == 0:
            self._assembling, self._total, self._headers = bytearray(), chunk.total, dict(chunk.headers)
        if self._assembling is None or chunk.offset != len(self._assembling) or chunk.total != self._total:
            raise SidecarError(f"the sidecar sent a chunk at {chunk.offset} of {chunk.total} that continues nothing")
        self._assembling += chunk.data
        if len(self._assembling) < self._total:
            return None
        whole, self._assembling = bytes(self._assembling), None
        return whole


def received(
    delivery: pb.Delivery, index: int, message_id: str, headers: dict[str, str], payload: bytes, *, opening: int
) -> Received:
    """The message at `index` of a delivery."""
    return Received(
        payload=payload,
        headers=headers,
        message_id=message_id,
        peer_id=delivery.peer_id,
        channel=delivery.channel,
        priority=PRIORITY_NAMES.get(delivery.priority, "normal"),
        instance=delivery.instance,
        bulk=delivery.bulk,
        sequence=delivery.first_sequence + index,
        redelivery_count=delivery.redelivery_count,
        received_at=seconds(delivery.received_at),
        delivery_id=delivery.first_delivery_id + index if delivery.first_delivery_id else 0,
        durable=delivery.durable,
        opening=opening,
    )
