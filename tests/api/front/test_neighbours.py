"""Clients beside each other at the lean front: what one does, hostile or merely busy, is no other's cost, and honest
haste is not taken for an attack."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

import grpc
import pytest
from google.protobuf.wrappers_pb2 import BytesValue

from sidecar.api.front.base import Listener, ServerTls
from sidecar.api.front.lean import connection as lean
from sidecar.api.front.lean import control, door, frames, memory
from sidecar.api.front.lean.frames import ErrorCode
from sidecar.api.front.lean.server import LeanFront
from sidecar.api.front.lean.stream import Stream
from sidecar.api.health import Health
from tests.api.front.conftest import Serving
from tests.api.front.raw import RawClient, message, request_fields
from tests.api.front.services import TestServices
from tests.api.front.test_attacks import client, connections, served
from tests.api.front.test_cold import unary
from tests.api.front.test_frames import Served
from tests.api.front.tls import Authority

__all__ = ["client", "served"]
"""Fixtures: a front with a bystander who is served before and after, and a connection to it."""

PING = frames.frame(frames.PING, 0, 0, b"12345678")
LARGEST = 32 << 20


def large(size: int) -> list[bytes]:
    """A `Bytes` request of so many bytes, in DATA frames of stream 1, the last of which ends it."""
    body = message(BytesValue(value=bytes(size)).SerializeToString())
    starts = range(0, len(body), 16_000)
    return [frames.frame(frames.DATA, int(at == starts[-1]), 1, body[at : at + 16_000]) for at in starts]


async def echoed(client: RawClient, stream_id: int) -> None:
    """A call that is served."""
    await client.send(
        client.headers(stream_id, "Echo"), frames.frame(frames.DATA, frames.END_STREAM, stream_id, message(b"on"))
    )
    assert (await client.until(frames.DATA, stream_id)).payload == message(b"on")


class Large:
    """A client that sends one large message, as the windows let it."""

    def __init__(self, client: RawClient, size: int) -> None:
        self.client = client
        self.frames = large(size)

    async def begin(self) -> None:
        """As far as the first window goes."""
        await self.client.send(self.client.headers(1, "Bytes"), *self.frames[:4], PING)
        await self.client.until(frames.PING)

    async def end(self) -> None:
        """The rest, until it is answered."""
        window = 0
        for frame in self.frames[4:]:
            while window < len(frame):
                window += frames.NUMBER.unpack((await self.client.until(frames.WINDOW_UPDATE, 1)).payload)[0]
            window -= len(frame) - frames.FRAME_HEAD.size
            await self.client.send(frame)
        await self.client.until(frames.DATA, 1)


async def test_who_reads_nothing_is_read_no_more(served: Serving) -> None:
    """Answers that are no responses, of calls that fail, are in no window: they must not pile up here."""
    client = await RawClient.connect(served.address, settings={frames.INITIAL_WINDOW_SIZE: frames.MOST_WINDOW})
    client.writer.transport.pause_reading()  # type: ignore[attr-defined] # of a socket
    name = "x" * 150
    last = 1
    await client.send(client.headers(last))
    await served.services.probe()
    (its,) = (each for each in connections(served) if each._streams)
    assert its._transport is not None
    # Small, so that the kernel does not hold much for it.
    client.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 << 10)
    its._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 128 << 10)
    other, rounds = await RawClient.connect(served.address), 0
    while not its._held_back:
        await client.send(*(client.headers(last + number, name, flags=5) for number in range(2, 802, 2)))
        last += 800
        rounds += 1
        await echoed(other, 2 * rounds - 1)
        assert rounds < 5000, "it is read on and on"
    await other.close()
    assert its._transport.get_write_buffer_size() < lean.UNREAD_MAX + (512 << 10)
    client.writer.transport.resume_reading()  # type: ignore[attr-defined] # of a socket
    # It reads, and is served on.
    await echoed(client, last + 2)
    await client.close()


async def test_what_is_on_its_way_when_a_call_ends(served: Serving, client: RawClient) -> None:
    """A busy client has a window of small messages on their way when it learns that its call has ended: that costs the
    call, and not the others of its connection."""
    piece = frames.frame(frames.DATA, 0, 1, message(bytes(20)))
    content = len(piece) - frames.FRAME_HEAD.size
    await client.send(client.headers(1), piece * (frames.DEFAULT_WINDOW // content))
    probe = await served.services.probe()
    window = frames.NUMBER.unpack((await client.until(frames.WINDOW_UPDATE, 1)).payload)[0]
    probe.call.finish()
    await client.until(frames.RST_STREAM, 1)
    count = window // content
    assert count > 20_000
    await client.send(piece * count)
    await echoed(client, 3)
    await client.send(piece * (frames.DEFAULT_WINDOW // content + 1))
    assert await client.ended_by() in {ErrorCode.FLOW_CONTROL_ERROR, None}


async def test_everything_is_cancelled_at_once(served: Serving, client: RawClient) -> None:
    """An app that gives up all it has open is no rapid reset."""
    numbers = range(1, 6001, 2)
    await client.send(*(client.headers(number) for number in numbers))
    await client.send(*(frames.rst_stream(number, ErrorCode.CANCEL) for number in numbers))
    await echoed(client, 6001)


async def test_one_connection_does_not_take_all_the_room(served: Serving, client: RawClient) -> None:
    head = struct.pack(">BI", 0, LARGEST)
    for stream_id in range(1, 401, 2):
        await client.send(client.headers(stream_id), frames.frame(frames.DATA, 0, stream_id, head))
    await client.send(PING)
    await client.until(frames.PING)
    other = Large(await RawClient.connect(served.address), 1 << 20)
    # Its window is asked for while it begins, and may come before the answer to its PING.
    await other.client.send(other.client.headers(1, "Bytes"), *other.frames[:4])
    await other.end()
    await other.client.close()


async def test_who_keeps_room_for_nothing_loses_it(served: Serving) -> None:
    """Many connections may take all the room; what does not come in half a minute gives way to others."""
    assert isinstance(served.front, LeanFront)
    room = served.front._memory
    head = struct.pack(">BI", 0, LARGEST)
    hogs = [await RawClient.connect(served.address) for _ in range(4)]
    for hog in hogs:
        for stream_id in range(1, 17, 2):
            await hog.send(hog.headers(stream_id, "Bytes"), frames.frame(frames.DATA, 0, stream_id, head))
        await hog.send(PING)
        await hog.until(frames.PING)
    for _ in range(memory.OVERDUE_TICKS):
        room.tick()
    other = Large(await RawClient.connect(served.address), 1 << 20)
    await other.begin()
    room.tick()
    await other.end()
    assert (await hogs[0].trailers(1))["grpc-status"] == "8"
    for each in [*hogs, other.client]:
        await each.close()


async def test_a_preface_that_trickles() -> None:
    """A byte in time is no greeting in time."""
    served = Served()
    for byte in frames.PREFACE[: lean.GREETING_TICKS]:
        assert not served.wire.closed
        await served.read(bytes([byte]))
        served.connection.tick()
    assert served.wire.closed
    await served.end()


async def test_a_window_that_opens_by_a_byte(served: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs one stream's turn, not one of all that wait."""
    client = await RawClient.connect(served.address, settings={frames.INITIAL_WINDOW_SIZE: 1 << 20})
    await client.send(*(client.headers(number) for number in range(1, 2001, 2)))
    probes = [await served.services.probe() for _ in range(1000)]
    for probe in probes:
        probe.give(bytes(200))
    (its,) = (each for each in connections(served) if len(each._streams) == 1000)
    taken = 0
    while taken < frames.DEFAULT_WINDOW:
        taken += len((await client.until(frames.DATA)).payload)
    turns = 0
    pump = Stream.pump

    def counted(stream: Stream) -> None:
        nonlocal turns
        turns += 1
        pump(stream)

    monkeypatch.setattr(Stream, "pump", counted)
    for _ in range(50):
        await client.send(frames.window_update(0, 1))
        assert len((await client.until(frames.DATA)).payload) == 1
    assert 50 <= turns <= 150
    assert len(its._blocked) > 600
    monkeypatch.undo()
    await client.send(frames.window_update(0, 1 << 20))
    while taken < 1000 * 205 - 50:
        taken += len((await client.until(frames.DATA)).payload)
    await client.close()


async def test_a_client_that_closes_its_half(served: Serving) -> None:
    """HTTP/2 has no half-closed connection: its calls end, and nothing stays."""
    client = await RawClient.connect(served.address)
    await client.send(client.headers(1))
    probe = await served.services.probe()
    client.writer.write_eof()
    assert await client.ended_by() is None
    await probe.over.wait()
    assert probe.completed is False
    await client.close()


async def test_ten_thousand_messages_wait_for_a_slow_reader(served: Serving) -> None:
    """They are taken as it reads, in order, and the others are served meanwhile."""
    client = await RawClient.connect(served.address, settings={frames.INITIAL_WINDOW_SIZE: 0})
    await client.send(client.headers(1))
    probe = await served.services.probe()
    probe.give(*(struct.pack(">I", number) + bytes(96) for number in range(10_000)))
    probe.call.finish()
    other = await RawClient.connect(served.address)
    await echoed(other, 1)
    await other.close()
    assert probe.taken_bytes <= 1000
    received = bytearray()
    while len(received) < 10_000 * 105:
        await client.send(frames.window_update(1, 30_001), frames.window_update(0, 30_001))
        wanted = min(len(received) + 30_001, 10_000 * 105)
        while len(received) < wanted:
            received += (await client.until(frames.DATA)).payload
    assert [struct.unpack_from(">I", received, at + 5)[0] for at in range(0, len(received), 105)] == list(range(10_000))
    assert (await client.trailers(1))["grpc-status"] == "0"
    await client.close()


async def test_handshakes_that_are_begun_and_not_ended(authority: Authority) -> None:
    """TLS that somebody only connects to: there are so many at once, and a place that is free again is taken."""
    pair, services, front = authority.issue("sidecar"), TestServices(), LeanFront()
    tls = ServerTls(pair.certificate, pair.key, None)
    serving = Serving(
        front, services, Health(), await front.start([services.service()], [Listener("127.0.0.1:0", tls)])
    )
    host, _, port = serving.address.rpartition(":")
    idle = [await asyncio.open_connection(host, int(port)) for _ in range(door.HANDSHAKES_MAX + 20)]
    for reader, _ in idle[door.HANDSHAKES_MAX :]:
        assert await closed(reader)
    (gate,) = front._gates
    assert len(gate.handshakes) == door.HANDSHAKES_MAX
    for _, writer in idle[:20]:
        writer.close()
    trusted = grpc.ssl_channel_credentials(authority.certificate)
    async with serving.channel(credentials=trusted) as channel:
        assert await unary(channel, "let in", timeout=20, wait_for_ready=True) == "let in"
    await front.stop(0)
    for reader, _ in idle[20:]:
        assert await closed(reader), "a handshake is no reason to stay"
    for _, writer in idle:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    assert gate.connections == set()


async def closed(reader: asyncio.StreamReader) -> bool:
    """Whether the other side has closed the connection, which is waited for."""
    try:
        return await reader.read(1) == b""
    except ConnectionError:
        return True


async def test_who_has_no_token_has_little_room() -> None:
    """Health is open to all: what may be held of a stranger's calls is small, until a token has come."""
    services, health, front = TestServices(), Health(), LeanFront()
    listener = Listener("127.0.0.1:0", token=b"a token of some length")
    (address,) = await front.start([services.service(), health.service()], [listener])
    client = await RawClient.connect(address)
    path = (":path", "/grpc.health.v1.Health/Check")
    fields = [path if name == ":path" else (name, value) for name, value in request_fields("")]

    def check(stream_id: int) -> bytes:
        return frames.frame(frames.HEADERS, 4, stream_id, client.encoder.encode(fields))

    await client.send(check(1), frames.frame(frames.DATA, 0, 1, struct.pack(">BI", 0, 5000)))
    assert (await client.trailers(1))["grpc-status"] == "8"
    numbers = range(3, 3 + 2 * control.STRANGERS_STREAMS, 2)
    await client.send(*map(check, numbers))
    await client.send(check(201))
    refused = await client.until(frames.RST_STREAM, 201)
    assert refused.payload == frames.NUMBER.pack(ErrorCode.REFUSED_STREAM)
    await client.send(frames.rst_stream(3, ErrorCode.CANCEL))
    token = ("authorization", "Bearer a token of some length")
    await client.send(client.headers(203, "Probe", token))
    await services.probe()
    await client.send(*(check(205 + 2 * number) for number in range(50)))
    await client.send(frames.frame(frames.DATA, 1, 205, message(b"\x0a\x04live")))
    assert (await client.trailers(205))["grpc-status"] == "0"
    await client.close()
    await front.stop(0)
