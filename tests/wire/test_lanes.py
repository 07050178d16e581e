"""Readers of frames, lanes and bulk: whatever the pieces, the same comes out."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire import varint
from sidecar.wire.errors import Close, Untrusted
from sidecar.wire.frames import FRAME_MAX, FrameReader, FrameType, encode, parse_untrusted
from sidecar.wire.lanes import (
    BulkHeader,
    BulkReader,
    LaneFrame,
    LaneReader,
    decode_varints_untrusted,
    encode_bulk_header,
    encode_lane_frame,
    encode_lane_opening,
)

cuts = st.lists(st.integers(0, 4000), max_size=12)


def refusal(call: Callable[[], object]) -> Untrusted | None:
    """How a decoder refused, if it did; any other exception is a bug."""
    try:
        call()
    except Untrusted as error:
        return error
    return None


def pieces(data: bytes, at: list[int]) -> list[bytes]:
    """The bytes in pieces, cut at some places; some pieces are empty."""
    places = [0, *sorted(place for place in at if place <= len(data)), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(places)]


@given(st.lists(st.tuples(st.integers(0, 300) | st.just(varint.MAX), st.binary(max_size=700)), max_size=8), cuts)
def test_frames_in_any_pieces(frames: list[tuple[int, bytes]], at: list[int]) -> None:
    data = b"".join(varint.encode(kind) + varint.encode(len(body)) + body for kind, body in frames)
    reader = FrameReader()
    assert [frame for piece in pieces(data, at) for frame in reader.feed_untrusted(piece)] == frames
    assert not reader._held


@given(st.binary(max_size=200))
def test_frames_of_random_bytes(data: bytes) -> None:
    reader = FrameReader()
    error = refusal(lambda: list(reader.feed_untrusted(data)))
    if error is None:
        assert len(reader._held) <= FRAME_MAX + 16
    else:
        assert str(error).startswith("MALFORMED: control frame of ")


def test_a_frame_may_be_left_in_the_middle() -> None:
    """Whoever reads may stop at a frame: what was read is not held."""
    reader = FrameReader()
    for _ in reader.feed_untrusted(encode(FrameType.PING, b"1") + encode(FrameType.PING, b"2")):
        break
    assert list(reader.feed_untrusted(b"")) == [(FrameType.PING, b"2")]


@given(st.binary(max_size=80), st.sampled_from([
    wire_pb2.Hello, wire_pb2.AcceptorHello, wire_pb2.Proof, wire_pb2.Welcome, wire_pb2.Reject, wire_pb2.ChannelOpen,
    wire_pb2.Credit, wire_pb2.Ack, wire_pb2.Ping, wire_pb2.PeersRequest, wire_pb2.Peers, wire_pb2.Goaway,
]))  # fmt: skip
def test_bodies_of_random_bytes(data: bytes, kind: type[wire_pb2.Hello]) -> None:
    error = refusal(lambda: parse_untrusted(kind, data))
    assert error is None or error.code == Close.MALFORMED


lane_frames = st.lists(
    st.tuples(st.integers(0, 70), st.integers(1, 5), st.binary(min_size=5, max_size=1500)).map(
        lambda row: LaneFrame(*row)
    ),
    max_size=8,
)


def lane_bytes(frames: list[LaneFrame]) -> bytes:
    return b"".join(encode_lane_frame(f.channel, f.messages, len(f.batch)) + f.batch for f in frames)


@given(lane_frames, cuts)
def test_lanes_in_any_pieces(frames: list[LaneFrame], at: list[int]) -> None:
    reader = LaneReader(1, 0)
    found: list[LaneFrame] = []
    fed = 0
    for piece in pieces(lane_bytes(frames), at):
        found += reader.feed_untrusted(piece)
        fed += len(piece)
        assert reader.unfinished is (len(lane_bytes(found)) != fed)
    assert [LaneFrame(f.channel, f.messages, bytes(f.batch)) for f in found] == frames


@given(lane_frames)
def test_lanes_byte_by_byte(frames: list[LaneFrame]) -> None:
    reader = LaneReader(1, 0)
    data = lane_bytes(frames[:2])
    assert [frame for at in range(len(data)) for frame in reader.feed_untrusted(data[at : at + 1])] == frames[:2]


@given(st.binary(max_size=300), cuts)
def test_lanes_of_random_bytes(data: bytes, at: list[int]) -> None:
    reader = LaneReader(1, 0)

    def read() -> None:
        for piece in pieces(data, at):
            for frame in reader.feed_untrusted(piece):
                assert 0 < frame.messages <= len(frame.batch)

    error = refusal(read)
    assert error is None or error.code == Close.MALFORMED


@given(st.integers(1, 3000), st.binary(max_size=4000), cuts, st.booleans())
def test_bulk_is_as_long_as_declared(length: int, data: bytes, at: list[int], fin: bool) -> None:
    reader = BulkReader(BulkHeader(0, 0, 1, length))
    wholes: list[bytes | None] = []
    parts = pieces(data, at)

    def read() -> None:
        for number, piece in enumerate(parts, 1):
            wholes.append(reader.feed_untrusted(piece, fin and number == len(parts)))

    error = refusal(read)
    if len(data) > length or (fin and 0 < len(data) < length):
        assert error is not None
        assert error.code == Close.MALFORMED
    else:
        assert error is None
        assert wholes == [None] * (len(parts) - 1) + [data if fin else None]


@given(st.integers(0, varint.MAX), st.integers(0, varint.MAX), st.integers(0, 2), st.integers(0, varint.MAX))
def test_headers_there_and_back(sequence: int, channel: int, priority: int, length: int) -> None:
    header = BulkHeader(sequence, channel, priority, length)
    data = encode_bulk_header(header)
    assert decode_varints_untrusted(data, 1, 4) == ([*header], len(data))
    assert all(decode_varints_untrusted(data[:cut], 1, 4) is None for cut in range(1, len(data)))
    opening = encode_lane_opening(priority, sequence)
    assert decode_varints_untrusted(opening, 1, 2) == ([priority, sequence], len(opening))


def test_a_frame_above_the_largest() -> None:
    with pytest.raises(Untrusted, match=f"control frame of {FRAME_MAX + 1} bytes"):
        list(FrameReader().feed_untrusted(b"\x00" + varint.encode(FRAME_MAX + 1)))
    assert not list(FrameReader().feed_untrusted(b"\x00" + varint.encode(FRAME_MAX)))
