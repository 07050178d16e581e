"""A dialler of `qp2p-sidecar/1` written from docs/protocol.md alone, on aioquic, sharing nothing with the sidecar but
the generated frame bodies.

It is here to show that the page is enough, and is no more than a test needs: it dials, never accepts, and repeats
nothing by itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.quic import events
from aioquic.quic.configuration import QuicConfiguration
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from sidecar.gen.overlay.wire.v1 import wire_pb2

HELLO, PROOF, WELCOME, REJECT, CHANNEL_OPEN, CREDIT, ACK, PING = range(8)
NORMAL, BULK = 1, 3
CONTROL_STREAM, MESSAGES_STREAM, BULK_STREAM = 0x00, 0x01, 0x02
WINDOW_BYTES, WINDOW_MESSAGES = 1 << 20, 1000
LIMITS = wire_pb2.Limits(
    max_message_bytes=1 << 20,
    link_bytes=WINDOW_BYTES,
    link_messages=WINDOW_MESSAGES,
    channel_bytes=WINDOW_BYTES,
    channel_messages=WINDOW_MESSAGES,
    max_channels=4,
)


def varint(value: int) -> bytes:
    """RFC 9000 section 16."""
    for bits, prefix in ((6, 0), (14, 1), (30, 2), (62, 3)):
        if value < 1 << bits:
            size = (bits + 2) // 8
            return (value | prefix << bits).to_bytes(size, "big")
    raise ValueError(value)


def read_varints(data: bytes | bytearray, count: int) -> tuple[list[int], int] | None:
    """So many from the beginning, and where they end; None when they are not all there."""
    values, position = [], 0
    for _ in range(count):
        if position == len(data):
            return None
        size = 1 << (data[position] >> 6)
        if position + size > len(data):
            return None
        values.append(int.from_bytes(data[position : position + size], "big") & ((1 << (8 * size - 2)) - 1))
        position += size
    return values, position


def length(size: int) -> bytes:
    """A protobuf length."""
    out = bytearray()
    while size > 0x7F:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes((*out, size))


def entry(payload: bytes) -> bytes:
    """A message that is nothing but a payload, as an entry of a batch."""
    message = b"\x1a" + length(len(payload)) + payload
    return b"\x0a" + length(len(message)) + message


def peer_id(spki: bytes) -> str:
    """The printed peer id of a key."""
    bits = int.from_bytes(hashlib.sha256(spki).digest(), "big") << 4
    return "".join("abcdefghijklmnopqrstuvwxyz234567"[bits >> 5 * place & 31] for place in reversed(range(52)))


def transcript(acceptor_leaf: bytes, acceptor_nonce: bytes, dialler_nonce: bytes, hello: bytes) -> bytes:
    """What the dialler signs."""
    context = b"qp2p-sidecar/1 dialler proof\x00"
    leaf, said = hashlib.sha256(acceptor_leaf).digest(), hashlib.sha256(hello).digest()
    return context + leaf + acceptor_nonce + dialler_nonce + said


def public_key(key: Ed25519PrivateKey) -> bytes:
    """Its SubjectPublicKeyInfo."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def self_signed(key: Ed25519PrivateKey) -> bytes:
    """A certificate that shows a key and says nothing else of use."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "alien")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(
        datetime(2100, 1, 1, tzinfo=UTC)
    )
    return builder.sign(key, None).public_bytes(Encoding.DER)


class Refused(Exception):
    """The other side closed the connection, or refused it: the code and what it said."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code:#x}: {reason}")
        self.code = code
        self.reason = reason


@dataclass
class Link:
    """What outlives a connection."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    network_id: str = "test"
    instance: int = field(default_factory=lambda: secrets.randbits(64) | 1)
    epoch: int = field(default_factory=lambda: secrets.randbits(64) | 1)
    peer_epoch: int = 0
    channels: list[str] = field(default_factory=lambda: [""])
    """By number, as this side opened them."""
    next_out: int = 0
    """The number of the next message of the lane `normal`."""
    next_bulk: int = 0
    acked: int = 0
    """Messages below are acknowledged."""
    acked_bulk: int = 0
    next_in: int = 0
    """The number of the next message that is expected in the lane `normal`."""
    inbox: asyncio.Queue[tuple[str, bytes]] = field(default_factory=asyncio.Queue)
    """(channel, batch)."""
    peer_channels: dict[int, str] = field(default_factory=lambda: {0: ""})


class AlienPeer(QuicConnectionProtocol):
    """One connection of a link."""

    def __init__(self, *arguments: Any, link: Link, remote: str, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.link = link
        self.remote = remote
        self.welcome: wire_pb2.Welcome | None = None
        self.limits = wire_pb2.Limits()
        """The acceptor's."""
        self.credit: dict[int, wire_pb2.ChannelCredit] = {}
        self.reserved: set[int] = set()
        self.end: Refused | None = None
        self.pongs: set[int] = set()
        self._changed = asyncio.Event()
        self._established = False
        self._acceptor_nonce = b""
        self.control: int | None = None
        self._lane_out: int | None = None
        self._lane_at = 0
        self._streams: dict[int, bytearray] = {}
        self._control_in: int | None = None
        self._lanes_in: dict[int, int] = {}
        """Stream -> the number of its next message."""
        self._held: list[int] = []

    # verbs

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits until something holds. Refused when the connection ends first."""
        while not holds():
            if self.end is not None:
                raise self.end
            self._changed.clear()
            await self._changed.wait()

    async def until_ended(self) -> Refused:
        """Waits for the end of the connection."""
        while self.end is None:
            self._changed.clear()
            await self._changed.wait()
        return self.end

    def welcomed(self) -> bool:
        """WELCOME has come."""
        return self.welcome is not None

    def all_acknowledged(self) -> bool:
        """Everything sent is in the other inbox."""
        return self.link.acked == self.link.next_out and self.link.acked_bulk == self.link.next_bulk

    def all_channels_known(self) -> bool:
        """Every CHANNEL_OPEN was answered."""
        return all(number in self.credit for number in range(1, len(self.link.channels)))

    def last_reserved(self) -> bool:
        """The newest bulk message may go."""
        return self.link.next_bulk - 1 in self.reserved

    def pinged(self) -> bool:
        """A PING was answered."""
        return bool(self.pongs)

    def send_ping(self) -> None:
        """Asks for an answer."""
        self.say(PING, wire_pb2.Ping(id=7))

    async def open_channel(self, name: str) -> int:
        """Gives a channel its number and waits for its window."""
        self.link.channels.append(name)
        number = len(self.link.channels) - 1
        self.say(CHANNEL_OPEN, wire_pb2.ChannelOpen(channel=number, name=name))
        await self.until(self.all_channels_known)
        return number

    def send(self, channel: int, entries: list[bytes], *, first: int | None = None) -> None:
        """Sends a frame of messages on the lane `normal`; `first` begins a stream there, to repeat."""
        if self._lane_out is not None and first is not None:
            self.write(self._lane_out, b"", fin=True)
            self._lane_out = None
        if self._lane_out is None:
            self._lane_at = self.link.next_out if first is None else first
            self._lane_out = self.open(varint(MESSAGES_STREAM) + varint(NORMAL) + varint(self._lane_at))
        batch = b"".join(entries)
        self.write(self._lane_out, varint(channel) + varint(len(entries)) + varint(len(batch)) + batch)
        self._lane_at += len(entries)
        self.link.next_out = max(self.link.next_out, self._lane_at)

    async def send_bulk(self, channel: int, whole: bytes) -> None:
        """Sends one large message."""
        header = self.bulk_header(self.link.next_bulk, channel, len(whole))
        self.link.next_bulk += 1
        stream = self.open(header)
        if len(whole) > self.limits.channel_bytes:
            await self.until(self.last_reserved)
        self.write(stream, whole, fin=True)

    async def give_up_bulk(self, channel: int, size: int) -> None:
        """Asks for room for a large message, takes it back once the room is there, and uses up its number."""
        number = self.link.next_bulk
        self.link.next_bulk += 1
        stream = self.open(self.bulk_header(number, channel, size))
        await self.until(self.last_reserved)
        self._quic.reset_stream(stream, 0xD)
        self.write(self.open(self.bulk_header(number, channel, size)), b"", fin=True)

    @staticmethod
    def bulk_header(number: int, channel: int, size: int) -> bytes:
        """What opens a bulk stream."""
        return b"".join(map(varint, (BULK_STREAM, number, channel, NORMAL, size)))

    # out

    def open(self, opening: bytes) -> int:
        """A new stream that begins so."""
        stream = self._quic.get_next_available_stream_id(is_unidirectional=True)
        self.write(stream, opening)
        return stream

    def write(self, stream: int, data: bytes, *, fin: bool = False) -> None:
        """The next bytes of a stream."""
        self._quic.send_stream_data(stream, data, fin)
        self.transmit()

    def say(self, kind: int, body: Any) -> None:
        """Writes a frame."""
        encoded = body if isinstance(body, bytes) else body.SerializeToString()
        if self.control is None:
            self.control = self.open(varint(CONTROL_STREAM))
        self.write(self.control, varint(kind) + varint(len(encoded)) + encoded)

    def introduce(self) -> None:
        """HELLO and PROOF, once the acceptor is known and has said HELLO."""
        if not (self._established and self._acceptor_nonce):
            return
        tls: Any = self._quic.tls
        leaf: bytes = tls._peer_certificate.public_bytes(Encoding.DER)
        link, nonce = self.link, secrets.token_bytes(32)
        hello = wire_pb2.Hello(
            version=1,
            nonce=nonce,
            limits=LIMITS,
            network_id=link.network_id,
            instance=link.instance,
            agent="alien/1",
            observed=self.remote,
            epoch=link.epoch,
            resume_epoch=link.peer_epoch,
            received=wire_pb2.Received(lanes=[wire_pb2.LaneReceived(lane=NORMAL, next=link.next_in)]),
        ).SerializeToString()
        self.say(HELLO, hello)
        self.say(PROOF, self.proof(transcript(leaf, self._acceptor_nonce, nonce, hello)))

    def proof(self, signed: bytes) -> wire_pb2.Proof:
        """The proof over a transcript."""
        return wire_pb2.Proof(certificates=[self_signed(self.link.key)], signature=self.link.key.sign(signed))

    # in

    def quic_event_received(self, event: events.QuicEvent) -> None:
        """What aioquic tells."""
        match event:
            case events.HandshakeCompleted():
                self._established = True
                self.introduce()
            case events.StreamDataReceived():
                self._stream(event.stream_id, event.data)
            case events.ConnectionTerminated() if self.end is None:
                self.end = Refused(event.error_code, event.reason_phrase)
        self._changed.set()

    def _stream(self, stream: int, data: bytes) -> None:
        held = self._streams.setdefault(stream, bytearray())
        held += data
        if stream == self._control_in:
            self._frames(held)
        elif stream in self._lanes_in:
            self._messages(stream, held)
        elif (kind := read_varints(held, 1)) is not None:
            if kind[0] == [CONTROL_STREAM]:
                del held[: kind[1]]
                self._control_in = stream
                self._frames(held)
            elif self.welcome is None:
                self._held.append(stream)
            elif kind[0] == [MESSAGES_STREAM] and (opening := read_varints(held, 3)) is not None:
                del held[: opening[1]]
                self._lanes_in[stream] = opening[0][2]
                self._messages(stream, held)

    def _frames(self, held: bytearray) -> None:
        while (header := read_varints(held, 2)) is not None:
            (kind, size), start = header
            if len(held) < start + size:
                return
            body = bytes(held[start : start + size])
            del held[: start + size]
            self._heard(kind, body)

    def _heard(self, kind: int, body: bytes) -> None:
        if kind == HELLO and not self._acceptor_nonce:
            hello = wire_pb2.AcceptorHello.FromString(body)
            self._acceptor_nonce, self.limits = hello.nonce, hello.limits
            self.introduce()
        elif kind == WELCOME and self.welcome is None:
            self._welcomed(wire_pb2.Welcome.FromString(body))
        elif kind == CHANNEL_OPEN:
            opened = wire_pb2.ChannelOpen.FromString(body)
            self.link.peer_channels[opened.channel] = opened.name
            window = wire_pb2.ChannelCredit(
                channel=opened.channel, bytes=WINDOW_BYTES, messages=WINDOW_MESSAGES, subscribed=True
            )
            self.say(CREDIT, wire_pb2.Credit(channels=[window]))
        elif kind == CREDIT:
            credit = wire_pb2.Credit.FromString(body)
            self.credit |= {channel.channel: channel for channel in credit.channels}
            self.reserved |= set(credit.reserved)
        elif kind == ACK:
            self._acknowledged(wire_pb2.Ack.FromString(body).received)
        elif kind == PING:
            ping = wire_pb2.Ping.FromString(body)
            if ping.answer:
                self.pongs.add(ping.id)
            else:
                self.say(PING, wire_pb2.Ping(id=ping.id, answer=True))

    def _welcomed(self, welcome: wire_pb2.Welcome) -> None:
        link, self.welcome = self.link, welcome
        if welcome.epoch == link.peer_epoch and welcome.resume_epoch == link.epoch:
            self._acknowledged(welcome.received)
        link.peer_epoch = welcome.epoch
        for number, name in enumerate(link.channels):
            if number:
                self.say(CHANNEL_OPEN, wire_pb2.ChannelOpen(channel=number, name=name))
        waiting, self._held = self._held, []
        for stream in waiting:
            self._stream(stream, b"")

    def _acknowledged(self, received: wire_pb2.Received) -> None:
        for lane in received.lanes:
            if lane.lane == NORMAL:
                self.link.acked = max(self.link.acked, lane.next)
            elif lane.lane == BULK:
                self.link.acked_bulk = max(self.link.acked_bulk, lane.next)

    def _messages(self, stream: int, held: bytearray) -> None:
        while (header := read_varints(held, 3)) is not None:
            (channel, count, size), start = header
            if len(held) < start + size:
                return
            batch = bytes(held[start : start + size])
            del held[: start + size]
            first = self._lanes_in[stream]
            self._lanes_in[stream] += count
            if first >= self.link.next_in:
                self.link.next_in = first + count
                self.link.inbox.put_nowait((self.link.peer_channels[channel], batch))
            received = wire_pb2.Received(lanes=[wire_pb2.LaneReceived(lane=NORMAL, next=self.link.next_in)])
            self.say(ACK, wire_pb2.Ack(received=received))


@asynccontextmanager
async def dial(
    host: str, port: int, link: Link, *, alpn: str = "qp2p-sidecar/1", kind: type[AlienPeer] = AlienPeer
) -> AsyncIterator[AlienPeer]:
    """A connection of the link, its QUIC handshake done; ConnectionError when QUIC or TLS refuse it."""
    configuration = QuicConfiguration(is_client=True, alpn_protocols=[alpn], verify_mode=ssl.CERT_NONE)
    async with connect(
        host,
        port,
        configuration=configuration,
        create_protocol=lambda *given, **more: kind(*given, link=link, remote=f"{host}:{port}", **more),
    ) as peer:
        assert isinstance(peer, AlienPeer)
        yield peer
