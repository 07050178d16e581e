"""The lean front's reading over a transport in memory: however the bytes are cut it understands the same, and whatever
they are it ends the connection at worst."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from hpack import Encoder
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.api.front.base import Hot, HotCall
from sidecar.api.front.lean import frames
from sidecar.api.front.lean.connection import Connection
from sidecar.api.front.lean.gate import Gate
from sidecar.api.front.lean.headers import HeaderReader, seconds_of
from sidecar.api.front.lean.memory import MessageMemory
from tests.api.front.raw import message, request_fields
from tests.api.front.services import SERVICE, Echo, Probe


class Wire(asyncio.Transport):
    """Where a connection writes; nothing is ever full."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False
        self.reading = asyncio.Event()
        self.reading.set()

    def write(self, data: Any) -> None:
        assert not self.closed
        self.written += data

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        self.reading.clear()

    def resume_reading(self) -> None:
        self.reading.set()

    def close(self) -> None:
        self.closed = True
        self.reading.set()

    abort = close


class Served:
    """A connection, what it wrote, and the hot calls it opened."""

    def __init__(self, kind: type[Probe] = Probe) -> None:
        self.probes: list[Probe] = []
        loop = asyncio.get_running_loop()
        gate = Gate({f"/{SERVICE}/Probe": Hot(self._open)}, None, (), MessageMemory(256 << 20), lambda: None, loop)
        self._kind = kind
        self.wire = Wire()
        self.connection = Connection(gate)
        self.connection.connection_made(self.wire)

    def _open(self, call: HotCall) -> Probe:
        self.probes.append(self._kind(call))
        return self.probes[-1]

    async def read(self, data: bytes) -> None:
        """One read of the transport, handled to its end."""
        if not self.wire.closed:
            self.connection.data_received(data)
        await self.wire.reading.wait()

    async def end(self) -> None:
        self.connection.connection_lost(None)
        for probe in self.probes:
            assert probe.completed is not None


def greeting() -> bytes:
    return frames.PREFACE + frames.settings_frame({})


def call(encoder: Encoder, stream_id: int, sizes: list[int], pieces: list[int], *, padded: bool) -> list[bytes]:
    """A call with messages of these sizes, in DATA frames of these lengths, over and over."""
    body = b"".join(message(bytes([number & 0xFF]) * size) for number, size in enumerate(sizes))
    written = [frames.frame(frames.HEADERS, 4, stream_id, encoder.encode(request_fields("Probe")))]
    at = 0
    while at < len(body):
        size = pieces[len(written) % len(pieces)]
        piece = body[at : at + size]
        at += size
        if padded:
            written.append(frames.frame(frames.DATA, frames.PADDED, stream_id, b"\x03" + piece + b"\0\0\0"))
        else:
            written.append(frames.frame(frames.DATA, 0, stream_id, piece))
    return [*written, frames.frame(frames.DATA, frames.END_STREAM, stream_id)]


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.sampled_from([0, 1, 4, 5, 60, 60, 60, 256, 4000]), min_size=1, max_size=12),
    pieces=st.lists(st.sampled_from([5, 9, 65, 65, 261, 1000, 5000]), min_size=1, max_size=5),
    cuts=st.lists(st.sampled_from([1, 2, 9, 13, 14, 15, 300, 20_000]), min_size=1, max_size=6),
    padded=st.booleans(),
    streams=st.integers(1, 3),
)
async def test_cuts(sizes: list[int], pieces: list[int], cuts: list[int], padded: bool, streams: int) -> None:
    """However frames are cut from messages, mixed with those of other streams, and cut into reads."""
    encoder = Encoder()
    calls = [call(encoder, 1 + 2 * number, sizes, pieces, padded=padded) for number in range(streams)]
    mixed = [frame for turn in range(max(map(len, calls))) for each in calls for frame in each[turn : turn + 1]]
    sent = greeting() + b"".join(mixed)
    served = Served()
    at = number = 0
    while at < len(sent):
        size = cuts[number % len(cuts)]
        await served.read(sent[at : at + size])
        at += size
        number += 1
    expected = [bytes([number & 0xFF]) * size for number, size in enumerate(sizes)]
    assert [probe.received for probe in served.probes] == [expected] * streams
    assert all(probe.closed.is_set() for probe in served.probes)
    assert not served.wire.closed
    await served.end()


frame_bytes = st.builds(
    frames.frame,
    st.integers(0, 11),
    st.sampled_from([0, 1, 4, 5, 8, 0x20, 0x2D]),
    st.sampled_from([0, 1, 1, 3, 2, 5, (1 << 31) - 1]),
    st.one_of(
        st.binary(max_size=40),
        st.builds(message, st.binary(max_size=30)),
        st.just(Encoder().encode([(name, value, True) for name, value in request_fields("Probe")])),
    ),
)


@settings(max_examples=80, deadline=None)
@given(written=st.lists(frame_bytes, max_size=25), tail=st.binary(max_size=20), seed=st.integers(0, 1 << 16))
async def test_anything_ends_the_connection_at_worst(written: list[bytes], tail: bytes, seed: int) -> None:
    """Valid and invalid frames in any order; an exception would be a bug."""
    served = Served(Echo)
    sent = greeting() + b"".join(written) + tail
    cut = random.Random(seed).randrange(1, 60)
    for at in range(0, len(sent), cut):
        await served.read(sent[at : at + cut])
    await served.end()


@settings(max_examples=100, deadline=None)
@given(blocks=st.lists(st.binary(max_size=60), max_size=6))
async def test_any_header_block(blocks: list[bytes]) -> None:
    """A block is a request, a reset or the end, and nothing else."""
    reader = HeaderReader()
    for block in blocks:
        try:
            reader.request_untrusted(block)
        except frames.Reset:
            continue
        except frames.Broken:
            return


@settings(max_examples=30, deadline=None)
@given(
    calls=st.lists(
        st.lists(st.tuples(st.sampled_from(["x-a", "x-b", "x-cc"]), st.text("abc/ ~", max_size=150)), max_size=4),
        min_size=1,
        max_size=12,
    ),
    table=st.sampled_from([4096, 4096, 100, 0]),
)
async def test_repeated_blocks_mean_what_they_say(calls: list[list[tuple[str, str]]], table: int) -> None:
    """What is kept of earlier blocks never stands for another request, whatever the table does in between."""
    encoder, reader = Encoder(), HeaderReader()
    encoder.header_table_size = table
    for number, more in enumerate(calls * 3):
        timeout = f"{1000 + number % 2}m"
        fields = request_fields("Probe", *more, ("grpc-timeout", timeout))
        head, seconds = reader.request_untrusted(encoder.encode(fields, huffman=number % 2 == 0))
        assert head.path == f"/{SERVICE}/Probe"
        assert head.metadata == {name: value.strip(" \t") for name, value in more}
        assert seconds == pytest.approx(1 + number % 2 / 1000)


def test_timeouts() -> None:
    told = [seconds_of(text) for text in ("1H", "2M", "3S", "4m", "5u", "0n")]
    assert told == pytest.approx([3600, 120, 3, 0.004, 5e-6, 0])
    for wrong in ("", "1", "S", "123456789S", "-1S", "1s", "1 S", "١S"):
        try:
            seconds_of(wrong)
        except ValueError:
            continue
        raise AssertionError(wrong)


async def test_a_run_is_one_list() -> None:
    """Small messages of one read reach the method together, of each stream those of it."""
    served = Served()
    encoder = Encoder()
    start = b"".join(
        frames.frame(frames.HEADERS, 4, number, encoder.encode(request_fields("Probe"))) for number in (1, 3)
    )
    await served.read(greeting() + start)
    batches: dict[int, list[int]] = {0: [], 1: []}
    for number, probe in enumerate(served.probes):
        probe.on_messages = lambda batch, number=number: batches[number].append(len(batch))  # type: ignore[misc]
    run = frames.frame(frames.DATA, 0, 1, message(b"x" * 100)) * 200
    other = frames.frame(frames.DATA, 0, 3, message(b"y" * 100)) * 50
    await served.read(run + other + run)
    assert batches == {0: [400], 1: [50]}
    await served.end()


async def test_a_large_read_is_handled_in_turns() -> None:
    """Thousands of frames of one read leave the loop to others in between."""
    served = Served()
    await served.read(greeting() + Encoder().encode([]))
    encoder = Encoder()
    start = frames.frame(frames.HEADERS, 4, 1, encoder.encode(request_fields("Probe")))
    # Of two sizes in turn, so that there are no runs.
    messages = [message(b"x" * (1 + number % 2)) for number in range(5000)]
    read = start + b"".join(frames.frame(frames.DATA, 0, 1, each) for each in messages)
    served.connection.data_received(read)
    (probe,) = served.probes
    assert 0 < len(probe.received) < 5000
    assert not served.wire.reading.is_set()
    await probe.until(lambda: len(probe.received) == 5000)
    await served.wire.reading.wait()
    await served.end()
