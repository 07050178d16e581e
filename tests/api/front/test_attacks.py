"""What a hostile client may send to the lean front: each costs at most its connection, and others are served."""

from __future__ import annotations

import gzip
import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from sidecar.api.front.base import Listener
from sidecar.api.front.lean import connection as lean
from sidecar.api.front.lean import control, frames, headers
from sidecar.api.front.lean.connection import Connection
from sidecar.api.front.lean.frames import ErrorCode
from sidecar.api.front.lean.server import LeanFront
from sidecar.api.health import Health
from tests.api.front.conftest import Serving
from tests.api.front.raw import RawClient, message, request_fields
from tests.api.front.services import SERVICE, TestServices
from tests.api.front.test_cold import unary

CALM = {ErrorCode.ENHANCE_YOUR_CALM, None}
"""None: what we had not read when we closed makes the kernel reset the connection before GOAWAY is read."""


@pytest.fixture
async def served() -> AsyncIterator[Serving]:
    services, front = TestServices(), LeanFront()
    addresses = await front.start([services.service()], [Listener("127.0.0.1:0")])
    serving = Serving(front, services, Health(), addresses)
    async with serving.channel() as bystander:
        assert await unary(bystander, "before", timeout=20) == "before"
        yield serving
        assert await unary(bystander, "after", timeout=20) == "after"
    await front.stop(0)
    for probe in services.all_probes:
        await probe.over.wait()


@pytest.fixture
async def client(served: Serving) -> AsyncIterator[RawClient]:
    raw = await RawClient.connect(served.address)
    yield raw
    await raw.close()


def connections(served: Serving) -> list[Connection]:
    front = served.front
    assert isinstance(front, LeanFront)
    return front._connections()


def memory_mib() -> float:
    """Resident memory of this process."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


async def test_rapid_reset(served: Serving, client: RawClient) -> None:
    """CVE-2023-44487."""
    reset = frames.NUMBER.pack(ErrorCode.CANCEL)
    for first in range(1, 20_000, 200):
        await client.send(
            *(
                client.headers(stream_id) + frames.frame(frames.RST_STREAM, 0, stream_id, reset)
                for stream_id in range(first, first + 200, 2)
            )
        )
    assert await client.ended_by() in CALM
    assert len(served.services.all_probes) <= 4200


async def test_made_to_reset(client: RawClient) -> None:
    """CVE-2025-8671: requests that we have to reset ourselves."""
    broken = frames.frame(frames.WINDOW_UPDATE, 0, 1, frames.NUMBER.pack(0))
    for stream_id in range(1, 20_000, 2):
        await client.send(client.headers(stream_id), broken[:5] + struct.pack(">I", stream_id) + broken[9:])
        if client.gone:
            break
    assert await client.ended_by() in CALM


@pytest.mark.parametrize("size", [0, 1, 1000])
async def test_continuation_flood(client: RawClient, size: int) -> None:
    """CVE-2024-27316 and its kin."""
    block = client.encoder.encode(request_fields("Probe"))
    more = frames.frame(frames.CONTINUATION, 0, 1, (b"\x00\x01a\x00" * 250)[:size])
    await client.send(frames.frame(frames.HEADERS, 0, 1, block), *[more] * 10_000)
    assert await client.ended_by() in CALM


FLOODS = {
    "SETTINGS": frames.settings_frame({frames.INITIAL_WINDOW_SIZE: 1}),
    "settings that answer": frames.frame(frames.SETTINGS, frames.ACK, 0),
    "PING": frames.frame(frames.PING, 0, 0, b"12345678"),
    "pings that answer": frames.frame(frames.PING, frames.ACK, 0, b"12345678"),
    "PRIORITY": frames.frame(frames.PRIORITY, 0, 1, b"\0\0\0\3\1"),
    "unknown frames": frames.frame(0x42, 0, 1, b"x"),
}


@pytest.mark.parametrize("flood", FLOODS)
async def test_flood(client: RawClient, flood: str) -> None:
    for _ in range(40):
        await client.send(FLOODS[flood] * 1000)
    assert await client.ended_by() in CALM


async def test_settings_that_touch_every_stream(client: RawClient) -> None:
    """One frame of 2,000 values is one change to each stream, not 2,000."""
    for stream_id in range(1, 2001, 2):
        await client.send(client.headers(stream_id))
    value = frames.SETTING.pack(frames.INITIAL_WINDOW_SIZE, 1000)
    await client.send(*[frames.frame(frames.SETTINGS, 0, 0, value * 2000)] * 200)
    assert await client.ended_by() in CALM


async def test_hpack_bomb(client: RawClient) -> None:
    """One large entry of the table, named ten thousand times in a block of that many bytes."""
    entry = b"\x40\x01x\x7f" + bytes([0x80 | (3800 - 127) & 0x7F, (3800 - 127) >> 7]) + b"y" * 3800
    await client.send(frames.frame(frames.HEADERS, 4, 1, entry + b"\xbe" * 10_000))
    assert await client.ended_by() in CALM


async def test_header_list_above_the_limit_costs_the_call(client: RawClient) -> None:
    fields = [(f"x-{number}", "y" * 100) for number in range(120)]
    block = client.encoder.encode(request_fields("Probe", *fields), huffman=False)
    pieces = [block[start : start + 10_000] for start in range(0, len(block), 10_000)]
    await client.send(frames.frame(frames.HEADERS, 0, 1, pieces[0]))
    await client.send(*(frames.frame(frames.CONTINUATION, 0, 1, piece) for piece in pieces[1:]))
    await client.send(frames.frame(frames.CONTINUATION, 4, 1), client.headers(3, "Unary", flags=5))
    assert (await client.trailers(3))["grpc-status"] == "13"  # no request came: this connection goes on
    assert (await client.trailers(1))["grpc-status"] == "8"


async def test_header_list_without_end(client: RawClient) -> None:
    await client.send(frames.frame(frames.HEADERS, 0, 1, client.encoder.encode(request_fields("Probe"))))
    for number in range(100):
        field = client.encoder.encode([(f"x-{number}", "y" * 4000, True)], huffman=False)
        await client.send(frames.frame(frames.CONTINUATION, 0, 1, field))
    assert await client.ended_by() in CALM


async def test_window_of_zero_for_ever(served: Serving) -> None:
    """Whoever never opens its windows makes us hold 64 MiB of its answers and no more."""
    client = await RawClient.connect(served.address, settings={frames.INITIAL_WINDOW_SIZE: 0})
    before = memory_mib()
    size = 1 << 20
    request = b"\x0a" + bytes([0x80 | size & 0x7F, 0x80 | size >> 7 & 0x7F, size >> 14]) + bytes(size)
    body = message(request)
    refused = 0
    for stream_id in range(1, 401, 2):
        await client.send(client.headers(stream_id, "Bytes"))
        for start in range(0, len(body), 16_000):
            if start >= 48_000:
                break
            await client.send(frames.frame(frames.DATA, 0, stream_id, body[start : start + 16_000]))
        await client.until(frames.WINDOW_UPDATE, stream_id)
        rest = body[48_000:]
        await client.send(
            *(frames.frame(frames.DATA, 0, stream_id, rest[at : at + 16_000]) for at in range(0, len(rest), 16_000)),
            frames.frame(frames.DATA, 1, stream_id),
        )
        frame = await client.until(frames.HEADERS, stream_id)
        refused += b"grpc-status" in frame.payload or bool(frame.flags & frames.END_STREAM)
    (held,) = (each.waiting_bytes for each in connections(served) if each.waiting_bytes)
    assert held <= 66 << 20
    assert refused >= 130
    assert memory_mib() - before < 200
    await client.close()


async def test_a_subscription_that_is_not_read(served: Serving) -> None:
    """A hot method is not asked for what no window has room for."""
    client = await RawClient.connect(served.address, settings={frames.INITIAL_WINDOW_SIZE: 0})
    await client.send(*(client.headers(stream_id) for stream_id in range(1, 2001, 2)))
    probes = [await served.services.probe() for _ in range(1000)]
    for probe in probes:
        probe.supply = lambda: bytes(65536)
        probe.call.wake()
    await client.send(frames.frame(frames.PING, 0, 0, b"12345678"))
    await client.until(frames.PING)
    assert sum(probe.taken_bytes for probe in probes) == 0
    await client.close()


async def test_slow_preface(served: Serving) -> None:
    silent = [await RawClient.connect(served.address, greet=False) for _ in range(50)]
    await silent[0].send(frames.PREFACE[:10])
    for each in silent:
        # Its greeting says that it was let in.
        assert (await each.read()).kind == frames.SETTINGS
    for _ in range(lean.GREETING_TICKS + 2):
        for theirs in connections(served):
            if not theirs._settled:
                theirs.tick()
    for each in silent:
        assert await each.ended_by() is None
        await each.close()


async def test_a_client_that_is_gone_without_a_word(served: Serving) -> None:
    """It is asked by PING; without an answer its calls end."""
    client = await RawClient.connect(served.address)
    await client.send(client.headers(1))
    probe = await served.services.probe()
    (its,) = (each for each in connections(served) if each._streams)
    for _ in range(lean.QUIET_TICKS + 1):
        its.tick()
    assert (await client.until(frames.PING)).payload == lean.OUR_PING
    assert not probe.over.is_set()
    for _ in range(lean.LOST_TICKS):
        its.tick()
    await probe.over.wait()
    assert probe.completed is False
    await client.close()


@pytest.mark.parametrize("padding", [0, 200])
async def test_crumbs(client: RawClient, padding: int) -> None:
    """A message of 1 MiB, a byte a frame; and the same with more padding than data."""
    await client.send(client.headers(1), frames.frame(frames.DATA, 0, 1, struct.pack(">BI", 0, 1 << 20)))
    crumb = frames.frame(frames.DATA, 0, 1, b"x")
    if padding:
        crumb = frames.frame(frames.DATA, frames.PADDED, 1, bytes([padding]) + b"x" + bytes(padding))
    for _ in range(200):
        await client.send(crumb * 100)
    # The padded ones break the stream's window first: padding counts, and no message is complete.
    assert await client.ended_by() in CALM | {ErrorCode.FLOW_CONTROL_ERROR}


async def test_empty_data(client: RawClient) -> None:
    await client.send(client.headers(1))
    for _ in range(20):
        await client.send(frames.frame(frames.DATA, 0, 1) * 1000)
    assert await client.ended_by() in CALM


async def test_a_byte_at_a_time(served: Serving, client: RawClient) -> None:
    """Slow is no attack: what comes a byte at a time is understood."""
    call = client.headers(1, "Echo") + frames.frame(frames.DATA, 1, 1, message(b"hello"))
    for byte in call:
        await client.send(bytes([byte]))
    assert (await client.until(frames.DATA)).payload == message(b"hello")
    assert (await client.trailers(1))["grpc-status"] == "0"


WRONG: dict[str, Callable[[RawClient], bytes]] = {
    "an even stream": lambda client: client.headers(2),
    "stream 0": lambda client: client.headers(0),
    "backwards": lambda client: client.headers(5) + client.headers(3),
    "data on an idle stream": lambda _: frames.frame(frames.DATA, 0, 7, b"x"),
    "a window of an idle stream": lambda _: frames.window_update(7, 1),
    "a reset of an idle stream": lambda _: frames.rst_stream(7, ErrorCode.CANCEL),
    "PUSH_PROMISE": lambda _: frames.frame(frames.PUSH_PROMISE, 4, 1, b"\0\0\0\2"),
    "more padding than frame": lambda client: client.headers(1) + frames.frame(frames.DATA, 8, 1, b"\xffx"),
    "a frame of 16 MiB": lambda _: b"\xff\xff\xff\0\0\0\0\0\1",
    "no HTTP/2": lambda _: b"GET / HTTP/1.1\r\n\r\n",
    "a block that is no HPACK": lambda _: frames.frame(frames.HEADERS, 4, 1, b"\xff\xff\xff\xff\xff\xff"),
    "another frame in a block": lambda _: frames.frame(frames.HEADERS, 0, 1, b"") + FLOODS["PING"],
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_wrong_frames(client: RawClient, wrong: str) -> None:
    await client.send(WRONG[wrong](client))
    assert await client.ended_by() not in {ErrorCode.NO_ERROR, ErrorCode.INTERNAL_ERROR}


@pytest.mark.parametrize("stream_id", [0, 1])
async def test_more_than_the_window(client: RawClient, stream_id: int) -> None:
    """Data beyond what was granted costs the connection; so does a window that grows beyond its largest."""
    await client.send(client.headers(1))
    if stream_id:
        await client.send(frames.frame(frames.DATA, 0, 1, bytes(16_000)) * 2000)
    else:
        await client.send(frames.window_update(0, frames.MOST_WINDOW))
    assert await client.ended_by() in {ErrorCode.FLOW_CONTROL_ERROR, None}


async def test_ten_thousand_streams(served: Serving, client: RawClient) -> None:
    before = memory_mib()
    for first in range(1, 20_000, 200):
        await client.send(*(client.headers(stream_id) for stream_id in range(first, first + 200, 2)))
    await client.send(frames.frame(frames.PING, 0, 0, b"12345678"))
    refused = 0
    while (frame := await client.read()).kind != frames.PING:
        refused += frame.kind == frames.RST_STREAM
        if frame.kind == frames.GOAWAY:
            break
    assert len(served.services.all_probes) <= control.STREAMS_MAX
    assert refused or frame.kind == frames.GOAWAY
    assert memory_mib() - before < 100


async def test_gzip_bomb(served: Serving, client: RawClient) -> None:
    """A message that swells is inflated alone and only up to the largest there may be."""
    bomb = gzip.compress(bytes(48 << 20))
    assert len(bomb) < 65_000
    await client.send(client.headers(1, "Probe", ("grpc-encoding", "gzip")))
    packed = struct.pack(">BI", 1, len(bomb)) + bomb
    await client.send(*(frames.frame(frames.DATA, 0, 1, packed[at : at + 8000]) for at in range(0, len(packed), 8000)))
    assert (await client.trailers(1))["grpc-status"] == "8"
    assert served.services.all_probes[0].received == []


async def test_many_large_messages_at_once(served: Serving, client: RawClient) -> None:
    """Whoever begins 200 messages of 16 MiB gets windows for as many as there is room for."""
    head = struct.pack(">BI", 0, 16 << 20)
    for stream_id in range(1, 401, 2):
        await client.send(client.headers(stream_id), frames.frame(frames.DATA, 0, stream_id, head))
    await client.send(frames.frame(frames.PING, 0, 0, b"12345678"))
    granted = 0
    while (frame := await client.read()).kind != frames.PING:
        if frame.kind == frames.WINDOW_UPDATE and frame.stream_id:
            granted += frames.NUMBER.unpack(frame.payload)[0]
    assert 16 << 20 <= granted <= 256 << 20
    (its,) = (each for each in connections(served) if len(each._streams) > 100)
    assert its.memory.used <= its.memory.limit


async def test_too_many_connections(served: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.api.front.lean.gate.CONNECTIONS_MAX", 3)
    clients = [await RawClient.connect(served.address) for _ in range(4)]
    assert await clients[3].ended_by() is None
    for each in clients:
        await each.close()


async def test_metadata_is_checked(client: RawClient) -> None:
    """Names that no header has and line breaks in values reset the stream."""
    for stream_id, field in ((1, ("X-Upper", "x")), (3, ("x-break", "a\r\nb")), (5, ("connection", "x"))):
        await client.send(client.headers(stream_id, "Unary", field))
        reset = await client.until(frames.RST_STREAM)
        assert (reset.stream_id, reset.payload) == (stream_id, frames.NUMBER.pack(ErrorCode.PROTOCOL_ERROR))
    assert headers.LIST_BYTES == 16 << 10
    assert SERVICE
