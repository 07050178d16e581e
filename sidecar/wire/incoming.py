"""The streams that come in on a connection: each is read by what its first bytes say it is.

Control frames go to the session, messages to the link. What comes again, on a newer stream or another connection, takes
the place of what came before; what nobody here wants is let go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sidecar.wire.errors import Close, Untrusted, malformed
from sidecar.wire.flow import Flow, FlowCarrier, FlowStream
from sidecar.wire.flow_frames import FlowKind
from sidecar.wire.frames import FrameReader, StreamType
from sidecar.wire.kept import KeptBulkReader, KeptReader, kept_untrusted
from sidecar.wire.lanes import BulkHeader, BulkReader, LaneReader, decode_varints_untrusted
from sidecar.wire.link import Link
from sidecar.wire.streams import Streams

HELD_MAX = 1 << 20
"""Bytes of message streams that may come before WELCOME does."""
HELD_STREAMS_MAX = 128
OPENINGS: Mapping[int, int] = {StreamType.MESSAGES: 2, StreamType.BULK: 4, StreamType.KEPT: 2, StreamType.KEPT_BULK: 7}
"""By type of stream: how many integers follow the type."""
STREAM_HEADER_MAX = 64
FLOW_KINDS = frozenset(FlowKind)


class _Ignored:
    """A stream nobody here wants."""


class FlowIn(FlowStream):
    """The half of a flow's stream that comes in."""

    def __init__(self, kind: FlowKind, flow: Flow | None = None) -> None:
        super().__init__(flow)
        self.kind = kind


Reader = FrameReader | LaneReader | KeptReader | BulkReader | FlowIn | _Ignored


class Incoming:
    """See the module. Its session calls `data_untrusted`, and gives it the link once there is one."""

    def __init__(
        self, connection: Streams, carrier: FlowCarrier, on_frame_untrusted: Callable[[int, bytes, float], None], *,
        dialled: bool,
    ) -> None:  # fmt: skip
        self.link: Link | None = None
        self.waits = dialled
        """Whether messages that come before WELCOME are held: at the dialler, whom they may overtake, and at an
        acceptor while it looks whether the dialler can be a node."""
        self._connection = connection
        self._carrier = carrier
        self._on_frame_untrusted = on_frame_untrusted
        self._readers: dict[int, Reader] = {}
        self._openings: dict[int, bytearray] = {}
        self._control = False
        self._lanes: dict[int, int] = {}
        """By lane: the stream that it came on last."""
        self._bulk: dict[int, int] = {}
        """By the number of an unfinished large message: the stream that it came on last."""
        self._held: dict[int, tuple[bytearray, bool]] = {}
        self._held_bytes = 0

    def data_untrusted(self, stream_id: int, data: bytes, fin: bool, now: float) -> None:
        """The next bytes of a stream. Raises Untrusted."""
        reader = self._readers.get(stream_id)
        if reader is None:
            if stream_id in self._held:
                self._hold_untrusted(stream_id, data, fin)
                return
            opening = self._openings.pop(stream_id, None)
            if opening is not None:
                data = bytes(opening) + data
            found = self._open_untrusted(stream_id, data, fin)
            if found is None:
                return
            reader, data = found
        if isinstance(reader, LaneReader):
            self._require_link().inbound.on_lane_frames_untrusted(reader, reader.feed_untrusted(data))
            if fin:
                if reader.unfinished:
                    raise malformed("a lane ended within a frame")
                del self._readers[stream_id]
        elif isinstance(reader, KeptReader):
            self._kept_untrusted(stream_id, reader, data, fin)
        elif isinstance(reader, BulkReader):
            self._bulk_untrusted(stream_id, reader, data, fin)
        elif isinstance(reader, FlowIn):
            link = self._require_link()
            if fin:
                del self._readers[stream_id]
            link.flows.stream_untrusted(self._carrier, stream_id, reader.kind, reader, data, fin)
        elif isinstance(reader, FrameReader):
            for kind, body in reader.feed_untrusted(data):
                self._on_frame_untrusted(kind, body, now)
            if fin:
                raise malformed("the control stream ended")
        elif fin:
            del self._readers[stream_id]

    def reset_untrusted(self, stream_id: int) -> None:
        """The other side has given a stream up: fatal for those that live as long as the connection, harmless for
        others."""
        reader = self._readers.pop(stream_id, None)
        self._openings.pop(stream_id, None)
        self._held.pop(stream_id, None)
        if isinstance(reader, BulkReader) and self._bulk[reader.header.sequence] == stream_id:
            del self._bulk[reader.header.sequence]
        if isinstance(reader, FrameReader | LaneReader | KeptReader):
            raise malformed("the control stream or a lane was reset")
        if isinstance(reader, FlowIn):
            self._require_link().flows.stream_reset(self._carrier, stream_id, reader)

    def expect(self, stream_id: int, kind: FlowKind, flow: Flow) -> None:
        """A bidirectional stream was opened for a flow: its other half comes in."""
        self._readers[stream_id] = FlowIn(kind, flow)

    def forget(self, stream_id: int) -> None:
        """Whatever still comes on a stream is not wanted."""
        if stream_id in self._readers:
            self._readers[stream_id] = _Ignored()

    def release_untrusted(self, link: Link, now: float) -> None:
        """The link is there: what came before it is read now."""
        self.link = link
        held, self._held = self._held, {}
        for stream_id, (data, fin) in held.items():
            self.data_untrusted(stream_id, bytes(data), fin, now)

    def _open_untrusted(self, stream_id: int, data: bytes, fin: bool) -> tuple[Reader, bytes] | None:
        """The reader of a stream that begins, and the bytes behind its opening; None while that is not whole."""
        kind = decode_varints_untrusted(data, 0, 1)
        if kind is None:
            self._wait(stream_id, data, fin)
            return None
        (number,), position = kind
        if not stream_id & 2:
            return self._open_flow_untrusted(stream_id, number, data, position, fin)
        if number == StreamType.CONTROL:
            if self._control:
                raise malformed("a second control stream")
            self._control = True
            return self._read(stream_id, FrameReader()), data[position:]
        if number not in OPENINGS:
            self._ignore(stream_id, fin)
            return None
        if self.link is None:
            if not self.waits:
                raise malformed("messages before WELCOME")
            self._hold_untrusted(stream_id, data, fin)
            return None
        header = decode_varints_untrusted(data, position, OPENINGS[number])
        if header is None:
            self._wait(stream_id, data, fin)
            return None
        values, position = header
        if number in (StreamType.MESSAGES, StreamType.KEPT):
            lane, first = values
            inbound = self.link.inbound
            opened = inbound.lane_opening_untrusted if number == StreamType.MESSAGES else inbound.kept_opening_untrusted
            reader = opened(lane, first)
            former = self._lanes.get(lane, -1)
            if stream_id < former:
                self._ignore(stream_id, fin)
                return None
            # Whatever the former stream still brings comes again on this one.
            self._lanes[lane] = stream_id
            if former in self._readers:
                self._readers[former] = _Ignored()
            return self._read(stream_id, reader), data[position:]
        bulk = BulkHeader(*values[:4])
        kept = kept_untrusted(*values[4:]) if number == StreamType.KEPT_BULK else None
        former = self._bulk.get(bulk.sequence, -1)
        if not self.link.inbound.on_bulk_header_untrusted(bulk, kept) or stream_id < former:
            self._ignore(stream_id, fin)
            return None
        # The message comes again, or is given up: what came of it before is of no use, and no message is held twice.
        self._bulk[bulk.sequence] = stream_id
        if former in self._readers:
            self._readers[former] = _Ignored()
        gathering = BulkReader(bulk) if kept is None else KeptBulkReader(bulk, kept)
        return self._read(stream_id, gathering), data[position:]

    def _open_flow_untrusted(
        self, stream_id: int, kind: int, data: bytes, position: int, fin: bool
    ) -> tuple[Reader, bytes] | None:
        if kind not in FLOW_KINDS:
            self._connection.reset(stream_id, Close.STREAM)
            self._ignore(stream_id, fin)
            return None
        if self.link is None:
            if not self.waits:
                raise malformed("a flow before WELCOME")
            self._hold_untrusted(stream_id, data, fin)
            return None
        return self._read(stream_id, FlowIn(FlowKind(kind))), data[position:]

    def _hold_untrusted(self, stream_id: int, data: bytes, fin: bool) -> None:
        """Streams are not ordered among each other: messages may overtake WELCOME."""
        self._held_bytes += len(data)
        if self._held_bytes > HELD_MAX or len(self._held) >= HELD_STREAMS_MAX:
            raise malformed(f"more than {HELD_MAX} bytes or {HELD_STREAMS_MAX} streams of messages before WELCOME")
        held, _ = self._held.get(stream_id, (bytearray(), False))
        held += data
        self._held[stream_id] = (held, fin)

    def _read(self, stream_id: int, reader: Reader) -> Reader:
        self._readers[stream_id] = reader
        return reader

    def _wait(self, stream_id: int, data: bytes, fin: bool) -> None:
        if fin or len(data) > STREAM_HEADER_MAX:
            raise malformed("a stream's opening is cut off")
        self._openings[stream_id] = bytearray(data)

    def _ignore(self, stream_id: int, fin: bool) -> None:
        """Streams of types to come are not wanted, and not wrong (RFC 9114 section 6.2 is the model)."""
        if not fin:
            self._readers[stream_id] = _Ignored()
            self._connection.stop(stream_id, Close.STREAM)

    def _kept_untrusted(self, stream_id: int, reader: KeptReader, data: bytes, fin: bool) -> None:
        self._require_link().inbound.on_kept_frames_untrusted(reader, reader.feed_untrusted(data))
        if fin:
            if reader.unfinished:
                raise malformed("a lane of kept messages ended within a frame")
            del self._readers[stream_id]

    def _bulk_untrusted(self, stream_id: int, reader: BulkReader, data: bytes, fin: bool) -> None:
        inbound = self._require_link().inbound
        header = reader.header
        if inbound.has_bulk(header.sequence):  # its twin on another connection was first
            self._bulk.pop(header.sequence, None)
            del self._readers[stream_id]
            self._ignore(stream_id, fin)
            return
        if data and not inbound.bulk_may_come(header.sequence):
            raise Untrusted(Close.CREDIT, f"bulk message {header.sequence} came before its reservation")
        whole = reader.feed_untrusted(data, fin)
        if whole is not None:
            del self._readers[stream_id], self._bulk[header.sequence]
            inbound.on_bulk_untrusted(header, whole, reader.kept if isinstance(reader, KeptBulkReader) else None)

    def _require_link(self) -> Link:
        assert self.link is not None, "message streams are read only after WELCOME"
        return self.link
