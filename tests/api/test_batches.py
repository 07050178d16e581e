"""What stands between bytes and the layers below, without a server: batches, chunks, envelopes, pages, statuses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.api.batches import ChunkMemory, ChunkSeries, check_batch
from sidecar.api.envelope import CHUNK_BYTES, chunk_responses, delivery_field, open_entry
from sidecar.api.front.base import whole
from sidecar.api.paging import key_of, page_size, token_after
from sidecar.api.receive import responses_of
from sidecar.api.status import DETAILS, MESSAGE_BYTES, cut, status_of
from sidecar.errors import Reason, SidecarError
from sidecar.gen.overlay.v1 import message_pb2 as pb
from sidecar.mail.piece import Piece
from sidecar.wire.batch import check_untrusted

messages = st.builds(
    pb.Message,
    message_id=st.text(max_size=20),
    headers=st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4),
    payload=st.binary(max_size=500),
)


def arrival() -> Any:
    inbound = SimpleNamespace(peer_id="peer")
    return SimpleNamespace(inbound=inbound, channel="c", priority=2, instance=7, bulk=True, row=None)


def piece(*held: pb.Message) -> Piece:
    return Piece(arrival(), pb.SendStreamRequest(messages=held).SerializeToString(), 40, len(held), 1_700_000_000.5, 3)


@given(st.binary(max_size=200))
@settings(max_examples=500, deadline=None)
def test_whatever_passes_is_a_batch(frame: bytes) -> None:
    """Bytes that the check lets through are nothing but messages to a full parser too."""
    reason: Reason | None = None
    ends: list[int] = []
    try:
        ends = check_batch(frame, 1 << 20)
    except SidecarError as refused:
        reason = refused.reason
    if reason is not None:
        assert reason in {Reason.INVALID_FIELD, Reason.MESSAGE_TOO_LARGE}
        return
    parsed = pb.SendStreamRequest.FromString(frame)
    assert len(parsed.messages) == len(ends)
    assert not parsed.HasField("open")
    assert not parsed.HasField("chunk")


@given(st.lists(messages, min_size=1, max_size=5))
@settings(max_examples=200, deadline=None)
def test_what_protobuf_prints_passes(held: list[pb.Message]) -> None:
    frame = pb.SendStreamRequest(messages=held).SerializeToString()
    assert len(check_batch(frame, 1 << 20)) == len(held)


@given(st.lists(messages, min_size=1, max_size=5), st.integers(0, 1 << 40))
@settings(max_examples=200, deadline=None)
def test_the_envelope_stands_around_unparsed_messages(held: list[pb.Message], delivery_id: int) -> None:
    encoded = b"".join(delivery_field(delivery_id, piece(*held)))
    (delivery,) = pb.ReceiveResponse.FromString(whole(encoded)).deliveries
    assert pb.ConsumeResponse.FromString(encoded).deliveries[0] == delivery
    assert list(delivery.messages) == held
    assert (delivery.peer_id, delivery.channel, delivery.priority) == ("peer", "c", pb.PRIORITY_LOW)
    assert (delivery.first_sequence, delivery.instance, delivery.bulk) == (40, 7, True)
    assert (delivery.first_delivery_id, delivery.redelivery_count) == (delivery_id, 3)
    assert delivery.received_at.ToNanoseconds() == 1_700_000_000_500_000_000


@pytest.mark.parametrize("size", [CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES - 1])
def test_chunks_of_a_large_entry(size: int) -> None:
    message = pb.Message(message_id="id", headers={"k": "v"}, payload=bytes(size))
    parts = [pb.ReceiveResponse.FromString(whole(part)).deliveries for part in chunk_responses(5, piece(message))]
    assert all(len(deliveries) == 1 for deliveries in parts)
    chunks = [deliveries[0].chunk for deliveries in parts]
    assert b"".join(chunk.data for chunk in chunks) == message.payload
    assert [chunk.offset for chunk in chunks] == list(range(0, size, CHUNK_BYTES))
    assert {(chunk.message_id, chunk.total) for chunk in chunks} == {("id", size)}
    assert [dict(chunk.headers) for chunk in chunks] == [{"k": "v"}] + [{}] * (len(chunks) - 1)
    assert {deliveries[0].first_delivery_id for deliveries in parts} == {5}


@given(messages)
@settings(max_examples=200, deadline=None)
def test_an_entry_opens(message: pb.Message) -> None:
    head, payload = open_entry(pb.SendStreamRequest(messages=[message]).SerializeToString())
    assert bytes(payload) == message.payload
    assert (head.message_id, dict(head.headers), head.payload) == (message.message_id, dict(message.headers), b"")


def test_deliveries_share_responses_up_to_a_size() -> None:
    small = piece(pb.Message(payload=bytes(400_000)))
    large = piece(pb.Message(payload=bytes((4 << 20) + 1)))
    taken = [(1, small), (2, small), (3, small), (4, large), (5, small)]
    shapes = []
    for encoded in responses_of(taken):
        response = pb.ReceiveResponse.FromString(whole(encoded))
        shapes.append([(d.first_delivery_id, d.HasField("chunk")) for d in response.deliveries])
    chunks = [[(4, True)]] * 5
    assert shapes == [[(1, False), (2, False)], [(3, False)], *chunks, [(5, False)]]


def test_chunk_memory() -> None:
    memory = ChunkMemory(100)
    woken: list[str] = []
    assert memory.reserve(90)
    assert not memory.reserve(20)
    memory.want(lambda: woken.append("first"))
    memory.want(lambda: woken.append("second"))
    memory.release(90)
    assert list(woken) == ["first", "second"]
    assert memory.reserve(500), "one message always has room"
    assert repr(memory) == "<ChunkMemory 500/100 bytes, 0 waiting>"


def test_a_series() -> None:
    series = ChunkSeries(pb.Chunk(message_id="m", total=5, data=b"abc", headers={"k": "v"}), 100)
    assert repr(series) == "<ChunkSeries 'm' 3/5 bytes>"
    series.add(pb.Chunk(message_id="m", total=5, offset=3, data=b"de"))
    assert series.complete
    assert (series.parts, series.headers) == ([b"abc", b"de"], {"k": "v"})


def test_limits_name_the_streaming_way() -> None:
    frame = pb.SendStreamRequest(messages=[pb.Message(payload=bytes((16 << 20) + 1))]).SerializeToString()
    with pytest.raises(SidecarError, match="in chunks by SendStream") as raised:
        check_batch(frame, 64 << 20)
    assert raised.value.reason is Reason.MESSAGE_TOO_LARGE
    small = pb.SendStreamRequest(messages=[pb.Message(payload=bytes(11))]).SerializeToString()
    with pytest.raises(SidecarError, match="send less"):
        check_batch(small, 10)
    assert check_untrusted(small, 11)


def test_pages() -> None:
    assert [page_size(asked) for asked in (0, 1, 1000, 5000)] == [100, 1, 1000, 1000]
    assert key_of(token_after("peer/é")) == "peer/é"
    assert key_of("") == ""


@given(st.text(max_size=30))
@settings(max_examples=300, deadline=None)
def test_foreign_page_tokens(token: str) -> None:
    reason: Reason | None = Reason.INVALID_FIELD
    try:
        key_of(token)
        reason = None
    except SidecarError as error:
        reason = error.reason
    assert reason in {None, Reason.INVALID_FIELD}


@given(st.text(max_size=2000), st.integers(3, 1500))
@settings(max_examples=300, deadline=None)
def test_cut(text: str, size: int) -> None:
    short = cut(text, size)
    assert len(short.encode(errors="replace")) <= max(size, 3)
    if len(text.encode(errors="replace")) <= size:
        assert short == text


def test_a_status_fits_into_a_header_list() -> None:
    error = SidecarError(
        Reason.BOOTSTRAP_FAILED,
        "x" * 10_000,
        metadata={f"k{number}": "v" * 300 for number in range(100)},
        retry_after=2.5,
    )
    status = status_of(error)
    assert len(status.message) == MESSAGE_BYTES
    packed = dict(status.trailers)[DETAILS]
    assert isinstance(packed, bytes)
    assert len(packed) * 4 // 3 + MESSAGE_BYTES < 8 << 10
    info = ErrorInfo()
    assert Status.FromString(packed).details[0].Unpack(info)
    assert info.metadata["cut"]
