"""A session: the protocol on one connection, from HELLO (see `sidecar.wire.hello`) to close.

It decodes what comes, once, and hands it to the link; it encodes what the link writes. Nothing here waits.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Protocol

from google.protobuf.message import Message

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire.errors import Close, Untrusted, malformed
from sidecar.wire.frames import FRAME_MAX, FrameReader, FrameType, StreamType, encode, parse_untrusted
from sidecar.wire.hello import TEXT_MAX, Greeting, Handshake, Introduction, LocalPeer
from sidecar.wire.lanes import (
    BulkHeader,
    BulkReader,
    LaneReader,
    decode_varints_untrusted,
    encode_bulk_header,
    encode_lane_frame,
    encode_lane_opening,
)
from sidecar.wire.link import Link
from sidecar.wire.streams import Streams

HELD_MAX = 1 << 20
"""Bytes of message streams that may come before WELCOME does."""
HELD_STREAMS_MAX = 128
ASKED_MAX = 1024
"""Questions of the other side, PING and PEERS_REQUEST, that may come before there is a chance to answer."""
ANSWERS_MAX = 256 << 10
"""Bytes of PEERS that wait to be handed to the connection; what is beyond is not answered."""
UNREAD_MAX = 1 << 20
"""Bytes of control frames that may be handed to a connection while it has no room: the other side asks, and reads
nothing."""
COPY_MAX = 16 << 10
"""Runs up to this size are joined with others before they are handed to the connection; larger ones are not copied."""
PINGS_MAX = 64
STREAM_HEADER_MAX = 64
RECORD_FRAMING = 8
"""More bytes than stand before a record in PEERS."""


class Owner(Protocol):
    """Who keeps the links. The verbs may raise Untrusted to refuse."""

    def limits(self) -> wire_pb2.Limits:
        """What this side accepts on any link."""
        ...

    def greet(self, session: Session, peer_id: str) -> Greeting:
        """What to say to a peer whose certificate was just seen, before it has answered."""
        ...

    def admit(self, session: Session, peer: Introduction) -> tuple[Link, Greeting]:
        """The peer has introduced itself: the link it belongs to, and what to answer. `settled` follows."""
        ...

    def settled(self, session: Session) -> None:
        """The session is part of its link now; on the accepting side WELCOME is written."""
        ...

    def peers_requested(self, session: Session, peer_id: bytes) -> None:
        """PEERS_REQUEST; `peer_id` is empty or 32 bytes."""
        ...

    def peers_told_untrusted(self, session: Session, peers: wire_pb2.Peers) -> None:
        """PEERS."""
        ...

    def going_away(self, session: Session, reason: str) -> None:
        """GOAWAY."""
        ...

    def ended(self, session: Session, code: int, reason: str, application: bool, remote: bool) -> None:
        """The connection is gone. Always the last call."""
        ...


class Connection(Streams, Protocol):
    """The connection under a session."""

    def wake(self, *, busy: bool = False) -> None:
        """Asks for a `fill` soon; when `busy`, a moment later may do, so that more goes with it."""
        ...


class _Ignored:
    """A stream nobody here wants."""


Reader = FrameReader | LaneReader | BulkReader | _Ignored


class Session:
    """See the module. It is a StreamProtocol to its connection and a Carrier to its link."""

    def __init__(
        self, connection: Connection, local: LocalPeer, owner: Owner, *, remote: str, dialled: bool, began: float,
        timeout: float,
        expected_peer_id: str | None = None,
    ) -> None:  # fmt: skip
        self.remote = remote
        """The other side's address, host:port."""
        self.dialled = dialled
        self.agent = ""
        self.limits = wire_pb2.Limits()
        self.link: Link | None = None
        self.closing: tuple[Close, str] | None = None
        """Why this side closes, once it does."""
        self._connection = connection
        self._owner = owner
        self._handshake = Handshake(
            local, owner.limits(), lambda peer_id: owner.greet(self, peer_id), remote=remote, dialled=dialled,
            expected_peer_id=expected_peer_id,
        )  # fmt: skip
        self.began = began
        self._handshake_deadline: float | None = began + timeout
        self._control_id: int | None = None
        self._control: list[bytes] = []
        self._readers: dict[int, Reader] = {}
        self._openings: dict[int, bytearray] = {}
        self._peer_control = False
        self._peer_lanes: dict[int, int] = {}
        """By lane: the stream that it came on last."""
        self._peer_bulk: dict[int, int] = {}
        """By the number of an unfinished large message: the stream that it came on last."""
        self._held: dict[int, tuple[bytearray, bool]] = {}
        self._held_bytes = 0
        self._lane_ids: dict[int, int] = {}
        self._lane_next: dict[int, int] = {}
        """The number that the lane's stream goes on with."""
        self._lane_out: dict[int, list[bytes]] = {}
        self._pings: dict[int, Callable[[float], None]] = {}
        self._asked = 0
        self._control_bytes = 0
        self._unread = 0

    # what the connection tells

    def opened(self, now: float) -> None:
        """Accepting side: says HELLO at once."""
        self._write_raw(FrameType.HELLO, self._handshake.opening())

    def established(self, chain: tuple[bytes, ...], now: float) -> None:
        """Dialling side: judges who answered; the accepting side has nobody to judge yet."""
        if self.dialled:
            self._guard(lambda: self._judge_untrusted(chain))

    def _judge_untrusted(self, chain: tuple[bytes, ...]) -> None:
        self._handshake.judge_untrusted(chain)
        self._say(self._handshake.frames())

    def _say(self, frames: list[tuple[FrameType, bytes]]) -> None:
        for kind, body in frames:
            self._write_raw(kind, body)

    def stream_data(self, stream_id: int, data: bytes, fin: bool, now: float) -> None:
        """Bytes of a stream."""
        if self.closing is None:
            self._guard(lambda: self._stream_untrusted(stream_id, data, fin, now))

    def stream_reset(self, stream_id: int, code: int, now: float) -> None:
        """A stream was given up: fatal for those that live as long as the connection, harmless for others."""
        reader = self._readers.pop(stream_id, None)
        self._openings.pop(stream_id, None)
        self._held.pop(stream_id, None)
        if isinstance(reader, BulkReader) and self._peer_bulk[reader.header.sequence] == stream_id:
            del self._peer_bulk[reader.header.sequence]
        if self.closing is None and isinstance(reader, FrameReader | LaneReader):
            self._close(Close.MALFORMED, "the control stream or a lane was reset")

    def stop_sending(self, stream_id: int, code: int, now: float) -> None:
        """The peer does not want a stream of ours: only large messages it has already may be refused."""
        if stream_id == self._control_id or stream_id in self._lane_ids.values():
            self._close(Close.MALFORMED, "the control stream or a lane was refused")
        else:
            self._connection.reset(stream_id, Close.STREAM)

    def datagram(self, data: bytes, now: float) -> None:
        """Unreliable messages are not part of this version."""

    def fill(self, now: float) -> None:
        """Writes what is to be written now."""
        if self.closing is not None:
            return
        if self._handshake_deadline is not None and now >= self._handshake_deadline:
            self._close(Close.HANDSHAKE_TIMEOUT, "no WELCOME in time")
            return
        link = self.link
        self._asked = 0
        if self._unread > ANSWERS_MAX:
            if self._connection.send_room() > 0:
                self._unread = 0
            elif self._unread > UNREAD_MAX:
                self._close(Close.BUSY, f"{self._unread} bytes of control frames are not read")
                return
        if link is not None and link.carrier is not self:
            link.wake()  # what came here is answered there: ACK and CREDIT, and what credit lets go
        elif link is not None:
            inbound = link.inbound
            ack = inbound.ack()
            if ack is not None:
                self._control.append(encode(FrameType.ACK, ack.SerializeToString()))
            credit = inbound.credit()
            if credit is not None:
                self._control.append(encode(FrameType.CREDIT, credit.SerializeToString()))
            link.outbound.fill(self)
            for lane in self._lane_out:
                self._flush_lane(lane)
        if self._control:
            if self._control_id is None:
                self._control_id = self._connection.open_stream()
                self._control.insert(0, bytes((StreamType.CONTROL,)))
            data = b"".join(self._control)
            self._connection.send(self._control_id, data)
            self._control.clear()
            self._control_bytes = 0
            self._unread += len(data)

    def deadline(self) -> float | None:
        """When the handshake must be over."""
        return self._handshake_deadline if self.closing is None else None

    def closed(self, code: int, reason: str, application: bool, remote: bool, now: float) -> None:
        """The connection is gone."""
        reason = reason[:TEXT_MAX]  # a peer's may be as long as a packet
        self._handshake_deadline = None
        if self.closing is None:
            self.closing = (Close.DONE, reason)
        link = self.link
        if link is not None:
            link.detach(self)
        self._owner.ended(self, code, reason, application, remote)

    # verbs

    def close(self, code: Close, reason: str) -> None:
        """Closes the connection; the reason travels with it."""
        self._close(code, reason)

    def wake(self, *, busy: bool = False) -> None:
        """Asks for a chance to write."""
        self._connection.wake(busy=busy)

    def ping(self, answered: Callable[[float], None]) -> None:
        """Asks the other sidecar for an answer; `answered` gets the time it came. Untrusted when too many wait."""
        if len(self._pings) >= PINGS_MAX:
            raise Untrusted(Close.BUSY, f"{PINGS_MAX} pings wait for an answer")
        number = secrets.randbits(62)
        self._pings[number] = answered
        self._write(FrameType.PING, wire_pb2.Ping(id=number))

    def request_peers(self, peer_id: bytes = b"") -> None:
        """Asks for records."""
        self._write(FrameType.PEERS_REQUEST, wire_pb2.PeersRequest(peer_id=peer_id))

    def tell_peers(self, peers: wire_pb2.Peers) -> None:
        """Tells records, as many as a frame holds; none when the other side asks for more than it reads."""
        if self._control_bytes > ANSWERS_MAX:
            return
        size = peers.ByteSize()
        if size > FRAME_MAX:
            fitting = wire_pb2.Peers(peer_id=peers.peer_id)
            for record in peers.records:
                size = fitting.ByteSize() + record.ByteSize() + RECORD_FRAMING
                if size > FRAME_MAX:
                    break
                fitting.records.append(record)
            peers = fitting
        self._write(FrameType.PEERS, peers)

    def go_away(self, reason: str) -> None:
        """Tells that the link will be closed."""
        self._write(FrameType.GOAWAY, wire_pb2.Goaway(reason=reason))

    @property
    def peer_id(self) -> str | None:
        """Who the other side is; proven by the acceptor's certificate or the dialler's proof."""
        return self._handshake.peer_id

    @property
    def introduced(self) -> bool:
        """Whether the dialler has said HELLO."""
        return self._handshake.introduced

    @property
    def rejected(self) -> str | None:
        """The acceptor's reason for not welcoming this dialler."""
        return self._handshake.rejected

    # what the link writes

    def send_room(self) -> int:
        """See Writer."""
        return self._connection.send_room()

    def write_lane(self, lane: int, first: int, channel: int, count: int, data: bytes) -> None:
        """See Writer."""
        if self._lane_next.get(lane) != first:
            self._begin_lane(lane, first)
        self._lane_next[lane] = first + count
        out = self._lane_out[lane]
        out.append(encode_lane_frame(channel, count, len(data)))
        if len(data) <= COPY_MAX:
            out.append(data)
        else:
            self._flush_lane(lane)
            self._connection.send(self._lane_ids[lane], data)

    def _begin_lane(self, lane: int, first: int) -> None:
        """Opens a lane's stream; again when another connection has carried the lane meanwhile."""
        former = self._lane_ids.get(lane)
        if former is not None:
            self._flush_lane(lane)
            self._connection.send(former, b"", fin=True)
        self._lane_ids[lane] = self._connection.open_stream()
        self._lane_out[lane] = [encode_lane_opening(lane, first)]

    def _flush_lane(self, lane: int) -> None:
        out = self._lane_out[lane]
        if out:
            self._connection.send(self._lane_ids[lane], b"".join(out))
            out.clear()

    def open_bulk(self, header: BulkHeader) -> int:
        """See Writer."""
        stream_id = self._connection.open_stream()
        self._connection.send(stream_id, encode_bulk_header(header))
        return stream_id

    def write_bulk(self, stream_id: int, data: bytes | memoryview, fin: bool) -> None:
        """See Writer."""
        self._connection.send(stream_id, data, fin)

    def abandon_bulk(self, stream_id: int) -> None:
        """See Writer."""
        self._connection.reset(stream_id, Close.STREAM)

    def open_channel(self, number: int, name: str) -> None:
        """See Writer."""
        opened = wire_pb2.ChannelOpen(channel=number, name=name)
        self._control.append(encode(FrameType.CHANNEL_OPEN, opened.SerializeToString()))

    # streams in

    def _guard(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Untrusted as error:
            self._close(error.code, error.reason)

    def _stream_untrusted(self, stream_id: int, data: bytes, fin: bool, now: float) -> None:
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
        elif isinstance(reader, BulkReader):
            self._bulk_untrusted(stream_id, reader, data, fin)
        elif isinstance(reader, FrameReader):
            for kind, body in reader.feed_untrusted(data):
                if self.closing is None:
                    self._frame_untrusted(kind, body, now)
            if fin and self.closing is None:
                raise malformed("the control stream ended")
        elif fin:
            del self._readers[stream_id]

    def _open_untrusted(self, stream_id: int, data: bytes, fin: bool) -> tuple[Reader, bytes] | None:
        """The reader of a stream that begins, and the bytes behind its opening; None while that is not whole."""
        if not stream_id & 2:
            self._connection.reset(stream_id, Close.STREAM)
            self._ignore(stream_id, fin)
            return None
        kind = decode_varints_untrusted(data, 0, 1)
        if kind is None:
            self._wait(stream_id, data, fin)
            return None
        (number,), position = kind
        if number == StreamType.CONTROL:
            if self._peer_control:
                raise malformed("a second control stream")
            self._peer_control = True
            return self._read(stream_id, FrameReader()), data[position:]
        if number not in (StreamType.MESSAGES, StreamType.BULK):
            self._ignore(stream_id, fin)
            return None
        if self.link is None:
            if not self.dialled:
                raise malformed("messages before WELCOME")
            self._hold_untrusted(stream_id, data, fin)
            return None
        header = decode_varints_untrusted(data, position, 2 if number == StreamType.MESSAGES else 4)
        if header is None:
            self._wait(stream_id, data, fin)
            return None
        values, position = header
        if number == StreamType.MESSAGES:
            lane, first = values
            reader = self.link.inbound.lane_opening_untrusted(lane, first)
            former = self._peer_lanes.get(lane, -1)
            if stream_id < former:
                self._ignore(stream_id, fin)
                return None
            # Whatever the former stream still brings comes again on this one.
            self._peer_lanes[lane] = stream_id
            if former in self._readers:
                self._readers[former] = _Ignored()
            return self._read(stream_id, reader), data[position:]
        bulk = BulkHeader(*values)
        former = self._peer_bulk.get(bulk.sequence, -1)
        if not self.link.inbound.on_bulk_header_untrusted(bulk) or stream_id < former:
            self._ignore(stream_id, fin)
            return None
        # The message comes again, or is given up: what came of it before is of no use, and no message is held twice.
        self._peer_bulk[bulk.sequence] = stream_id
        if former in self._readers:
            self._readers[former] = _Ignored()
        return self._read(stream_id, BulkReader(bulk)), data[position:]

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

    def _bulk_untrusted(self, stream_id: int, reader: BulkReader, data: bytes, fin: bool) -> None:
        inbound = self._require_link().inbound
        header = reader.header
        if inbound.has_bulk(header.sequence):  # its twin on another connection was first
            self._peer_bulk.pop(header.sequence, None)
            del self._readers[stream_id]
            self._ignore(stream_id, fin)
            return
        if data and not inbound.bulk_may_come(header.sequence):
            raise Untrusted(Close.CREDIT, f"bulk message {header.sequence} came before its reservation")
        whole = reader.feed_untrusted(data, fin)
        if whole is not None:
            del self._readers[stream_id], self._peer_bulk[header.sequence]
            inbound.on_bulk_untrusted(header, whole)

    def _require_link(self) -> Link:
        assert self.link is not None, "message streams are read only after WELCOME"
        return self.link

    # frames in

    def _frame_untrusted(self, kind: int, body: bytes, now: float) -> None:
        if self.link is None:
            self._handshake_untrusted(kind, body, now)
        elif kind == FrameType.ACK:
            self.link.outbound.on_received_untrusted(parse_untrusted(wire_pb2.Ack, body).received)
        elif kind == FrameType.CREDIT:
            self.link.outbound.on_credit_untrusted(parse_untrusted(wire_pb2.Credit, body))
        elif kind == FrameType.CHANNEL_OPEN:
            self.link.inbound.on_channel_open_untrusted(parse_untrusted(wire_pb2.ChannelOpen, body))
        elif kind == FrameType.PING:
            ping = parse_untrusted(wire_pb2.Ping, body)
            if not ping.answer:
                self._count_question_untrusted()
                self._write(FrameType.PING, wire_pb2.Ping(id=ping.id, answer=True))
            elif (answered := self._pings.pop(ping.id, None)) is not None:
                answered(now)
        elif kind == FrameType.PEERS_REQUEST:
            wanted = parse_untrusted(wire_pb2.PeersRequest, body).peer_id
            if len(wanted) not in (0, 32):
                raise malformed(f"peer id of {len(wanted)} bytes")
            self._count_question_untrusted()
            self._owner.peers_requested(self, wanted)
        elif kind == FrameType.PEERS:
            self._owner.peers_told_untrusted(self, parse_untrusted(wire_pb2.Peers, body))
        elif kind == FrameType.GOAWAY:
            self._owner.going_away(self, parse_untrusted(wire_pb2.Goaway, body).reason[:TEXT_MAX])
        # A second HELLO, PROOF or WELCOME changes nothing; unknown types are skipped.

    def _count_question_untrusted(self) -> None:
        self._asked += 1
        if self._asked > ASKED_MAX:
            raise Untrusted(Close.BUSY, f"more than {ASKED_MAX} questions at once")

    def _handshake_untrusted(self, kind: int, body: bytes, now: float) -> None:
        handshake = self._handshake
        if kind == FrameType.REJECT:
            handshake.rejected = parse_untrusted(wire_pb2.Reject, body).reason[:TEXT_MAX]
            self._close(Close.DONE, "rejected")
            return
        introduced = handshake.on_frame_untrusted(kind, body)
        self._say(handshake.frames())
        if introduced is None:
            return
        self.agent, self.limits = introduced.agent, handshake.limits
        link, greeting = self._owner.admit(self, introduced)
        if not self.dialled:
            self._write_raw(FrameType.WELCOME, handshake.welcome(greeting))
        self._settle(link, now)
        held, self._held = self._held, {}
        for stream_id, (data, fin) in held.items():
            self._stream_untrusted(stream_id, bytes(data), fin, now)

    def _settle(self, link: Link, now: float) -> None:
        self._handshake_deadline = None
        self.link = link
        link.attach(self)
        self._owner.settled(self)

    # out

    def _write(self, kind: FrameType, body: Message) -> None:
        self._write_raw(kind, body.SerializeToString())

    def _write_raw(self, kind: FrameType, body: bytes) -> None:
        frame = encode(kind, body)
        self._control.append(frame)
        self._control_bytes += len(frame)
        self._connection.wake()

    def _close(self, code: Close, reason: str) -> None:
        if self.closing is not None:
            return
        self.closing = (code, reason)
        if not self.dialled and self.link is None and self._control_id is not None:
            # The dialler may read this before the connection's end; the close code says the same if it does not.
            reject = wire_pb2.Reject(code=code, reason=reason)
            self._connection.send(self._control_id, encode(FrameType.REJECT, reject.SerializeToString()))
        self._connection.close(code, reason[:TEXT_MAX])

    def __repr__(self) -> str:
        peer = self.peer_id[:8] if self.peer_id else "unproven"
        way = "to" if self.dialled else "from"
        return f"Session({way} {peer} at {self.remote})"
