"""The receiver's end of Receive and Consume, without any I/O: responses in, whole messages out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from google.protobuf.message import DecodeError

from sidecar_client.errors import SidecarError
from sidecar_client.messages import Gap
from sidecar_client.received import Envelope, Received


class Incoming:
    """Unfolds deliveries into messages and puts the chunks of a large one together.

    A series of chunks that its call did not finish is dropped by `restart`: the sidecar hands the message out anew.
    """

    def __init__(self) -> None:
        self.ready: deque[Received | Gap] = deque()
        """What the app has not taken yet."""
        self.opening = 0
        """Counts the calls: 0 is the first."""
        self._assembling: bytearray | None = None
        self._total = 0
        self._headers: dict[str, str] = {}

    def restart(self) -> None:
        """A new call begins."""
        self.opening += 1
        self._assembling = None

    def take(self, deliveries: Iterable[Any]) -> None:
        """Puts the messages that these deliveries complete behind `ready`. SidecarError when chunks do not continue
        their series, or a message is none."""
        for delivery in deliveries:
            envelope = Envelope.of(delivery, self.opening)
            if delivery.HasField("chunk"):
                whole = self._chunk(delivery.chunk)
                if whole is not None:
                    self.ready.append(Received.of(whole, delivery.chunk.message_id, self._headers, envelope))
                continue
            try:
                self.ready += Received.all_of(delivery.messages, envelope)
            except DecodeError as error:
                raise SidecarError(f"the sidecar sent a message that is none: {error}") from error

    def _chunk(self, chunk: Any) -> bytes | None:
        """The whole payload, when this was its last chunk."""
        if chunk.offset == 0:
            self._assembling, self._total, self._headers = bytearray(), chunk.total, dict(chunk.headers.items())
        if (
            self._assembling is None
            or chunk.offset != len(self._assembling)
            or chunk.total != self._total
            or chunk.offset + len(chunk.data) > chunk.total
        ):
            raise SidecarError(f"the sidecar sent a chunk at {chunk.offset} of {chunk.total} that continues nothing")
        self._assembling += chunk.data
        if len(self._assembling) < self._total:
            return None
        whole, self._assembling = bytes(self._assembling), None
        return whole
