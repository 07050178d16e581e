"""A session: the protocol on one connection, from HELLO (see `sidecar.wire.hello`) to close.

It decodes what comes, once, and hands it to the link; it encodes what the link writes. Nothing here waits.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable

from google.protobuf.message import Message

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.trust import Credential
from sidecar.wire.errors import Close, Untrusted, malformed
from sidecar.wire.flow import Flow
from sidecar.wire.flow_frames import FlowKind
from sidecar.wire.frames import FRAME_MAX, FrameType, StreamType, encode, parse_untrusted
from sidecar.wire.hello import NO_LIMITS, TEXT_MAX, Greeting, Handshake, LocalPeer
from sidecar.wire.inbound import Inbound
from sidecar.wire.incoming import Incoming
from sidecar.wire.kept import (
    Kept,
    check_ranges_untrusted,
    encode_kept_bulk_header,
    encode_kept_frame,
    encode_kept_opening,
)
from sidecar.wire.lanes import BulkHeader, encode_bulk_header, encode_lane_frame, encode_lane_opening
from sidecar.wire.link import Link
from sidecar.wire.owner import Connection, Owner
from sidecar.wire.roles import ROLE_FRAMES, Role

ASKED_MAX = 1024
"""Questions of the other side, PING and PEERS_REQUEST, that may come before there is a chance to answer."""
ANSWERS_MAX = 256 << 10
"""Bytes of PEERS that wait to be handed to the connection; what is beyond is not answered."""
UNREAD_MAX = 1 << 20
"""Bytes of control frames that may be handed to a connection while it has no room: the other side asks, and reads
nothing."""
ANSWER_INTERVAL = 0.002
ANSWERED_LEAST, ANSWERED_MOST = 32 << 10, 512 << 10
"""Between so many bytes of messages since the last answer the next one waits until so many seconds after it."""
COPY_MAX = 16 << 10
"""Runs up to this size are joined with others before they are handed to the connection; larger ones are not copied."""
PINGS_MAX = 64
CHECK_TIMEOUT = 20.0
"""Seconds from a connection's beginning to WELCOME where the acceptor has the dialler dialled back before, and until a
visitor must have had its answer."""
RECORD_FRAMING = 8
"""More bytes than stand before a record in PEERS."""


class Session:
    """See the module. It is a StreamProtocol to its connection and a Carrier to its link."""

    def __init__(
        self, connection: Connection, local: LocalPeer, owner: Owner, *, remote: str, dialled: bool, began: float,
        timeout: float,
        expected_peer_id: str | None = None,
        expected_name: str | None = None, answers: bytes = b"",
    ) -> None:  # fmt: skip
        self.remote = remote
        """The other side's address, host:port."""
        self.dialled = dialled
        self.agent = ""
        self.limits = NO_LIMITS
        self.link: Link | None = None
        self.visits = False
        """The other side is here for a dial-back, and for no link."""
        self.closing: tuple[Close, str] | None = None
        """Why this side closes, once it does."""
        self._connection = connection
        self._owner = owner
        self._handshake = Handshake(
            local, owner.limits(), lambda peer_id: owner.greet(self, peer_id), remote=remote, dialled=dialled,
            expected_peer_id=expected_peer_id, expected_name=expected_name, answers=answers,
        )  # fmt: skip
        self.began = began
        self._handshake_deadline: float | None = began + timeout
        self._control_id: int | None = None
        self._control: list[bytes] = []
        self._incoming = Incoming(connection, self, self._frame_untrusted, dialled=dialled)
        self._lane_ids: dict[int, int] = {}
        self._lane_next: dict[int, int] = {}
        """The number that the lane's stream goes on with."""
        self._lane_out: dict[int, list[bytes]] = {}
        self._pings: dict[int, Callable[[float], None]] = {}
        self._asked = 0
        self._control_bytes = 0
        self._unread = 0
        self._answered_at = -math.inf
        self._answered_bytes = 0
        """What had been received in all when the last answer was written, and when that was."""
        self._answer_due: float | None = None

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
            try:
                self._incoming.data_untrusted(stream_id, data, fin, now)
            except Untrusted as error:
                self._close(error.code, error.reason)

    def stream_reset(self, stream_id: int, code: int, now: float) -> None:
        """A stream was given up: fatal for those that live as long as the connection, harmless for others."""
        self._guard(lambda: self._incoming.reset_untrusted(stream_id))

    def stop_sending(self, stream_id: int, code: int, now: float) -> None:
        """The peer does not want a stream of ours: only large messages it has already may be refused."""
        if stream_id == self._control_id or stream_id in self._lane_ids.values():
            self._close(Close.MALFORMED, "the control stream or a lane was refused")
        else:
            self._connection.reset(stream_id, Close.STREAM)

    def datagram(self, data: bytes, now: float) -> None:
        """An unreliable message; one that overtakes WELCOME is lost."""
        link = self.link
        if link is not None and self.closing is None:
            self._guard(lambda: link.datagrams.on_datagram_untrusted(data))

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
        if link is not None:
            if link.flows.due:  # half of the room is theirs while messages wait
                link.flows.fill(self, now, 0.5 if link.outbound.outbox.messages else 1.0)
            if link.datagrams.waiting and link.carrier is self:
                link.datagrams.fill(self, now)
            inbound = link.inbound
            if link.answerer is self:
                self._answer(inbound, now)
            else:
                self._answer_due = None  # whoever answers now has a time of its own
                if inbound.owes:
                    link.answer()
            if link.carrier is self:
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

    def _answer(self, inbound: Inbound, now: float) -> None:
        """ACK, CREDIT and OUTCOMES, as far as there are any. What came since the last answer may wait for more to be
        answered with it: a lot that comes without a pause costs both sides a packet and a turn less each time. Little
        is answered at once."""
        arrived = inbound.bytes_received - self._answered_bytes
        if ANSWERED_LEAST <= arrived < ANSWERED_MOST and now < self._answered_at + ANSWER_INTERVAL:
            self._answer_due = self._answered_at + ANSWER_INTERVAL
            return
        self._answer_due = None
        said = False
        ack = inbound.ack()
        if ack is not None:
            said = True
            self._control.append(encode(FrameType.ACK, ack.SerializeToString()))
        credit = inbound.credit()
        if credit is not None:
            said = True
            self._control.append(encode(FrameType.CREDIT, credit.SerializeToString()))
        while inbound.outcomes.due:
            said = True
            self._control.append(encode(FrameType.OUTCOMES, inbound.outcomes.take().SerializeToString()))
        if said:
            self._answered_at = now
            self._answered_bytes = inbound.bytes_received

    def deadline(self) -> float | None:
        """When the handshake must be over, or what came must be answered, or words of flows have waited enough."""
        if self.closing is not None:
            return None
        if self._handshake_deadline is not None:
            return self._handshake_deadline
        due = self._answer_due
        if self.link is not None and self.link.flows.due:
            company = self.link.flows.deadline
            if company is not None and (due is None or company < due):
                return company
        return due

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

    def ask_outcomes(self, ranges: list[wire_pb2.OutcomeRange]) -> None:
        """Asks what became of kept messages, as many as a frame holds."""
        self._write(FrameType.OUTCOMES_ASK, wire_pb2.OutcomesAsk(ranges=ranges))

    def say(self, kind: FrameType, body: Message) -> None:
        """Writes a frame of ROLE_FRAMES."""
        if self.closing is None and self._control_bytes <= ANSWERS_MAX:
            self._write(kind, body)

    def go_away(self, reason: str) -> None:
        """Tells that the link will be closed."""
        self._write(FrameType.GOAWAY, wire_pb2.Goaway(reason=reason))

    @property
    def peer_id(self) -> str | None:
        """Who the other side is; proven by the acceptor's certificate or the dialler's proof."""
        return self._handshake.peer_id

    @property
    def credential(self) -> Credential | None:
        """What the other side was let in for, once it was."""
        return self._handshake.credential

    @property
    def certificate(self) -> bytes:
        """The acceptor's leaf certificate, DER: on the dialling side the one that was judged, else this side's own."""
        return self._handshake.acceptor_leaf

    @property
    def nonce(self) -> bytes:
        """What this side's HELLO has: a reverse connection tells it again."""
        return self._handshake.nonce

    @property
    def peer_nonce(self) -> bytes:
        """What the other side's HELLO has."""
        return self._handshake.peer_nonce

    @property
    def introduced(self) -> bool:
        """Whether the dialler has said HELLO."""
        return self._handshake.introduced

    @property
    def rejected(self) -> str | None:
        """The acceptor's reason for not welcoming this dialler."""
        return self._handshake.rejected

    @property
    def rejected_code(self) -> int:
        """The close code that goes with it."""
        return self._handshake.rejected_code

    # what the link writes

    def send_room(self) -> int:
        """See Writer."""
        return self._connection.send_room()

    def write_lane(self, lane: int, first: int, channel: int, count: int, data: bytes) -> None:
        """See Writer."""
        if self._lane_next.get(lane) != first:
            self._begin_lane(lane, encode_lane_opening(lane, first))
        self._lane_next[lane] = first + count
        out = self._lane_out[lane]
        out.append(encode_lane_frame(channel, count, len(data)))
        if len(data) <= COPY_MAX:
            out.append(data)
        else:
            self._flush_lane(lane)
            self._connection.send(self._lane_ids[lane], data)

    def write_kept(self, lane: int, first: int, channel: int, count: int, data: bytes, kept: Kept) -> None:
        """See Writer."""
        if self._lane_next.get(lane) != first:
            self._begin_lane(lane, encode_kept_opening(lane, first))
        self._lane_next[lane] = first + count
        self._lane_out[lane] += (encode_kept_frame(channel, count, len(data), kept), data)

    def _begin_lane(self, lane: int, opening: bytes) -> None:
        """Opens a lane's stream; again when another connection has carried the lane meanwhile."""
        former = self._lane_ids.get(lane)
        if former is not None:
            self._flush_lane(lane)
            self._connection.send(former, b"", fin=True)
        self._lane_ids[lane] = self._connection.open_stream()
        self._lane_out[lane] = [opening]

    def _flush_lane(self, lane: int) -> None:
        out = self._lane_out[lane]
        if out:
            self._connection.send(self._lane_ids[lane], b"".join(out))
            out.clear()

    def open_bulk(self, header: BulkHeader, kept: Kept | None) -> int:
        """See Writer."""
        stream_id = self._connection.open_stream()
        encoded = encode_bulk_header(header) if kept is None else encode_kept_bulk_header(header, kept)
        self._connection.send(stream_id, encoded)
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

    def open_flow(self, kind: FlowKind, flow: Flow) -> int | None:
        """See FlowCarrier."""
        if self._connection.stream_room() <= 0:
            return None
        stream_id = self._connection.open_stream(bidirectional=True)
        self._incoming.expect(stream_id, kind, flow)
        return stream_id

    def datagram_room(self) -> int:
        """See DatagramCarrier."""
        return self._connection.datagram_room()

    def send_datagram(self, data: bytes) -> None:
        """See DatagramCarrier."""
        self._connection.send_datagram(data)

    def write_flow(self, stream_id: int, data: bytes | memoryview, fin: bool) -> None:
        """See FlowCarrier."""
        self._connection.send(stream_id, data, fin)

    def drop_flow(self, stream_id: int) -> None:
        """See FlowCarrier."""
        self._incoming.forget(stream_id)
        self._connection.reset(stream_id, Close.STREAM)
        self._connection.stop(stream_id, Close.STREAM)

    def _guard(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Untrusted as error:
            self._close(error.code, error.reason)

    # frames in

    def _frame_untrusted(self, kind: int, body: bytes, now: float) -> None:
        if self.closing is not None:
            return
        if kind in ROLE_FRAMES:
            self._role_untrusted(kind, body, now)
        elif self.link is None:
            self._handshake_untrusted(kind, body, now)
        elif kind == FrameType.ACK:
            self.link.outbound.on_received_untrusted(parse_untrusted(wire_pb2.Ack, body).received)
            self._answered(self.link)
        elif kind == FrameType.CREDIT:
            self.link.outbound.on_credit_untrusted(parse_untrusted(wire_pb2.Credit, body))
            self._answered(self.link)
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
        elif kind == FrameType.OUTCOMES:
            told = parse_untrusted(wire_pb2.Outcomes, body).ranges
            self._owner.outcomes_told(self, check_ranges_untrusted(told))
        elif kind == FrameType.OUTCOMES_ASK:
            self._count_question_untrusted()
            self.link.inbound.on_outcomes_asked_untrusted(parse_untrusted(wire_pb2.OutcomesAsk, body))
        elif kind == FrameType.GOAWAY:
            self._owner.going_away(self, parse_untrusted(wire_pb2.Goaway, body).reason[:TEXT_MAX])
        # A second HELLO, PROOF or WELCOME changes nothing; unknown types are skipped.

    def _answered(self, link: Link) -> None:
        """What lets more go may come on either connection."""
        if link.carrier is not self:
            link.wake()

    def _role_untrusted(self, kind: int, body: bytes, now: float) -> None:
        if self.peer_id is None and (self.dialled or kind != FrameType.PROBE):
            return  # nobody knows whose word it is
        self._count_question_untrusted()
        if kind == FrameType.CHECK and self.dialled and self.link is None:
            self._handshake_deadline = self.began + CHECK_TIMEOUT  # the acceptor takes its time, and says so
        self._owner.role_frame_untrusted(self, kind, body)

    def _count_question_untrusted(self) -> None:
        self._asked += 1
        if self._asked > ASKED_MAX:
            raise Untrusted(Close.BUSY, f"more than {ASKED_MAX} questions at once")

    def _handshake_untrusted(self, kind: int, body: bytes, now: float) -> None:
        handshake = self._handshake
        if kind == FrameType.REJECT:
            reject = parse_untrusted(wire_pb2.Reject, body)
            handshake.rejected, handshake.rejected_code = reject.reason[:TEXT_MAX], reject.code
            self._close(Close.DONE, "rejected")
            return
        introduced = handshake.on_frame_untrusted(kind, body)
        self._say(handshake.frames())
        if introduced is None:
            return
        self.agent, self.limits = introduced.agent, handshake.limits
        admitted = self._owner.admit(self, introduced)
        if admitted is None:
            self.visits = introduced.role is Role.VISITOR
            self._handshake_deadline = self.began + CHECK_TIMEOUT
            self._incoming.waits = introduced.role is Role.NODE
            return
        self.welcome(*admitted, now)

    def welcome(self, link: Link, greeting: Greeting, now: float) -> None:
        """Makes this a connection of the link; what came for it and was held is read. The accepting side's owner calls
        it for a dialler it has let wait."""
        if not self.dialled:
            self._write_raw(FrameType.WELCOME, self._handshake.welcome(greeting))
        self._settle(link)
        self._guard(lambda: self._incoming.release_untrusted(link, now))

    def _settle(self, link: Link) -> None:
        self._handshake_deadline = None
        self._handshake.over()
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
