"""A connection, as the sending half of a link sees it."""

from __future__ import annotations

from typing import Protocol

from sidecar.wire.kept import Kept
from sidecar.wire.lanes import BulkHeader


class Writer(Protocol):
    """The connection in use, as the sending half sees it."""

    def send_room(self) -> int:
        """Bytes that may be written now."""
        ...

    def write_lane(self, lane: int, first: int, channel: int, count: int, data: bytes) -> None:
        """Writes a frame on a lane's stream; opens the stream at sequence `first` when it is not."""
        ...

    def write_kept(self, lane: int, first: int, channel: int, count: int, data: bytes, kept: Kept) -> None:
        """The same on a lane of kept messages."""
        ...

    def open_bulk(self, header: BulkHeader, kept: Kept | None) -> int:
        """Opens a bulk stream."""
        ...

    def write_bulk(self, stream_id: int, data: bytes | memoryview, fin: bool) -> None:
        """Writes a part of a bulk message."""
        ...

    def abandon_bulk(self, stream_id: int) -> None:
        """Resets a bulk stream."""
        ...

    def open_channel(self, number: int, name: str) -> None:
        """Writes CHANNEL_OPEN."""
        ...
