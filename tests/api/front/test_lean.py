"""What only the lean front promises: GOAWAY, PINGs, windows, encodings, each seen on the wire or by grpcio's client."""

from __future__ import annotations

import asyncio
import gzip
import struct
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc
import grpc.aio
import pytest

from sidecar.api.front import load
from sidecar.api.front.base import Listener
from sidecar.api.front.lean import frames
from sidecar.api.front.lean.connection import CALLS_TOGETHER
from sidecar.api.front.lean.frames import ErrorCode
from sidecar.api.front.lean.server import LeanFront
from sidecar.api.front.lean.stream import FAST_WINDOW
from sidecar.api.health import Health
from sidecar.settings import Settings
from sidecar.turn import turn_of
from tests.api.front.conftest import Serving
from tests.api.front.raw import RawClient, message
from tests.api.front.services import SERVICE, Probe, TestServices


@pytest.fixture
async def served() -> AsyncIterator[Serving]:
    services, front = TestServices(), LeanFront()
    addresses = await front.start([services.service()], [Listener("127.0.0.1:0")])
    yield Serving(front, services, Health(), addresses)
    await front.stop(0)


@pytest.fixture
async def client(served: Serving) -> AsyncIterator[RawClient]:
    raw = await RawClient.connect(served.address)
    yield raw
    await raw.close()


async def test_a_drained_connection_ends_with_its_last_call(served: Serving, client: RawClient) -> None:
    """GOAWAY names the last call that is served; a later one is refused, so that its client may repeat it elsewhere."""
    await client.send(client.headers(1, "Echo"))
    probe = await served.services.probe()
    stopping = asyncio.create_task(served.front.stop(20))
    goaway = await client.until(frames.GOAWAY)
    assert frames.TWO_NUMBERS.unpack_from(goaway.payload) == (1, ErrorCode.NO_ERROR)
    await client.send(client.headers(3, "Echo"))
    refused = await client.until(frames.RST_STREAM)
    assert (refused.stream_id, refused.payload) == (3, frames.NUMBER.pack(ErrorCode.REFUSED_STREAM))
    await client.send(frames.frame(frames.DATA, frames.END_STREAM, 1, message(b"last words")))
    assert (await client.until(frames.DATA)).payload == message(b"last words")
    assert (await client.trailers(1))["grpc-status"] == "0"
    assert await client.ended_by() is None
    await stopping
    assert probe.completed is True


async def test_too_many_pings(client: RawClient) -> None:
    """In the words that make gRPC clients ping less."""
    ping = frames.frame(frames.PING, 0, 0, b"12345678")
    await client.send(ping * 3)
    for _ in range(3):
        answer = await client.until(frames.PING)
        assert (answer.flags, answer.payload) == (frames.ACK, b"12345678")
    await client.send(ping)
    goaway = await client.until(frames.GOAWAY)
    assert frames.TWO_NUMBERS.unpack_from(goaway.payload)[1] == ErrorCode.ENHANCE_YOUR_CALM
    assert goaway.payload[8:] == b"too_many_pings"


async def test_pings_that_follow_responses_are_welcome(client: RawClient) -> None:
    """Clients measure the way with one after each response."""
    await client.send(client.headers(1, "Echo"))
    for _ in range(20):
        await client.send(frames.frame(frames.DATA, 0, 1, message(b"x")))
        await client.until(frames.DATA)
        await client.send(frames.frame(frames.PING, 0, 0, b"12345678"))
        assert (await client.until(frames.PING)).flags == frames.ACK
    await client.send(frames.frame(frames.DATA, frames.END_STREAM, 1))
    assert (await client.trailers(1))["grpc-status"] == "0"


@pytest.mark.parametrize("method", ["Echo", "HotUnary"])
async def test_gzip(served: Serving, method: str) -> None:
    payload = b"the same again and " * 5000
    async with grpc.aio.insecure_channel(served.address, compression=grpc.Compression.Gzip) as opened:
        channel: Any = opened
        if method == "HotUnary":
            assert await channel.unary_unary(f"/{SERVICE}/HotUnary")(payload) == payload
            return
        call = channel.stream_stream(f"/{SERVICE}/Echo")()
        for number in range(20):
            await call.write(payload + bytes([number]))
        await call.done_writing()
        assert [received async for received in call] == [payload + bytes([number]) for number in range(20)]


@pytest.mark.parametrize(
    ("encoding", "flag", "body", "code"),
    [
        ("zstd", 1, b"x", "12"),
        ("identity", 1, b"x", "13"),
        ("gzip", 2, gzip.compress(b"x"), "13"),
        ("gzip", 1, b"no gzip", "13"),
        ("gzip", 1, gzip.compress(b"x" * 1000)[:-9], "13"),
        ("gzip", 1, gzip.compress(b"x") + b"more", "13"),
    ],
)
async def test_encodings_that_are_none(client: RawClient, encoding: str, flag: int, body: bytes, code: str) -> None:
    request = struct.pack(">BI", flag, len(body)) + body
    await client.send(client.headers(1, "Probe", ("grpc-encoding", encoding)), frames.frame(frames.DATA, 0, 1, request))
    told = await client.trailers(1)
    assert told["grpc-status"] == code
    assert told.get("grpc-accept-encoding") == ("identity,gzip" if code == "12" else None)


async def test_windows_grow_for_a_method_that_takes(served: Serving, client: RawClient) -> None:
    """The first update opens the window of a stream that has brought messages; a paused one gets none."""
    await client.send(client.headers(1), client.headers(3))
    taking, pausing = await served.services.probe(), await served.services.probe()
    pausing.pausing = True
    piece = message(bytes(995))
    for stream_id in (3, 1):
        await client.send(*(frames.frame(frames.DATA, 0, stream_id, piece) for _ in range(40)))
    update = await client.until(frames.WINDOW_UPDATE, 1)
    assert frames.DEFAULT_WINDOW - 40 * len(piece) + frames.NUMBER.unpack(update.payload)[0] == FAST_WINDOW
    await taking.until(lambda: len(taking.received) == 40)
    assert pausing.received == []
    await client.send(frames.frame(frames.PING, 0, 0, b"12345678"))
    while (frame := await client.read()).kind != frames.PING:
        assert (frame.kind, frame.stream_id) != (frames.WINDOW_UPDATE, 3)
    pausing.pausing = False
    pausing.call.resume()
    await client.until(frames.WINDOW_UPDATE, 3)
    assert len(pausing.received) == 40


async def test_what_calls_cause_goes_out_before_the_last_of_a_read(served: Serving, client: RawClient) -> None:
    """Or two sidecars with many calls under way would work by turns."""
    turn, told = turn_of(asyncio.get_running_loop()), list[str]()
    calls = range(1, 2 * 3 * CALLS_TOGETHER, 2)
    await client.send(*(client.headers(stream_id, "HotUnary") for stream_id in calls))

    def came(probe: Probe, batch: list[bytes]) -> None:
        told.append("call")
        turn.soon(lambda: told.append("out"))
        probe.give(*batch)

    for _ in calls:
        probe = await served.services.probe()
        probe.on_messages = partial(came, probe)
    await client.send(*(frames.frame(frames.DATA, frames.END_STREAM, stream_id, message(b"x")) for stream_id in calls))
    assert {(await client.trailers(stream_id))["grpc-status"] for stream_id in calls} == {"0"}
    assert told.count("call") == told.count("out") == len(calls)
    assert max(len(run) for run in "".join(word[0] for word in told).split("o")) <= CALLS_TOGETHER


async def test_what_is_no_grpc_gets_an_answer_of_http(client: RawClient) -> None:
    fields = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "x")]
    await client.send(frames.frame(frames.HEADERS, 5, 1, client.encoder.encode(fields)))
    answer = await client.until(frames.HEADERS)
    assert {str(name): str(value) for name, value in client.decoder.decode(answer.payload)}[":status"] == "405"
    assert (await client.until(frames.DATA)).payload == b"This is a gRPC server.\n"


def test_auto_is_lean() -> None:
    assert Settings.load({}, {}).front == "auto"
    assert load("auto").name == "lean"
    assert load("grpcio").name == "grpcio"


async def test_a_unary_method_takes_one_request(client: RawClient) -> None:
    two = frames.frame(frames.DATA, frames.END_STREAM, 1, message(b"") + message(b""))
    await client.send(client.headers(1, "Unary"), two)
    assert (await client.trailers(1))["grpc-status"] == "13"
