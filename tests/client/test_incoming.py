"""The receiver's book, and the messages it makes, without any I/O."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar_client import Received, SidecarError
from sidecar_client.acks import Acks
from sidecar_client.deliveries import ConsumeResponse, ReceiveResponse
from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from sidecar_client.incoming import Incoming
from sidecar_client.received import KEPT_BYTES, plain_head


def taken(incoming: Incoming, *deliveries: pb.Delivery) -> list[Received]:
    """What these make, sent over the wire."""
    encoded = pb.ReceiveResponse(deliveries=deliveries).SerializeToString()
    incoming.take(ReceiveResponse.FromString(encoded).deliveries)  # type: ignore[attr-defined]
    found = [item for item in incoming.ready if isinstance(item, Received)]
    incoming.ready.clear()
    return found


def chunk(offset: int, total: int, data: bytes) -> pb.Delivery:
    return pb.Delivery(first_sequence=4, first_delivery_id=2, chunk=pb.Chunk(offset=offset, total=total, data=data))


def test_chunks_are_put_together() -> None:
    incoming = Incoming()
    assert taken(incoming, chunk(0, 6, b"abc")) == []
    (whole,) = taken(incoming, chunk(3, 6, b"def"))
    assert (whole.payload, whole.sequence, whole.delivery_id, whole.opening) == (b"abcdef", 4, 2, 0)
    assert taken(incoming, chunk(0, 6, b"abc")) == []
    incoming.restart()
    (whole,) = taken(incoming, chunk(0, 3, b"new"))
    assert (whole.payload, whole.opening) == (b"new", 1)
    with pytest.raises(SidecarError, match="continues nothing"):
        taken(incoming, chunk(3, 6, b"def"))


def test_a_chunk_beyond_the_whole() -> None:
    incoming = Incoming()
    assert taken(incoming, chunk(0, 6, b"abc")) == []
    with pytest.raises(SidecarError, match="continues nothing"):
        taken(incoming, chunk(3, 6, b"defg"))


def test_chunks_keep_the_message_s_name_and_headers() -> None:
    first, last = chunk(0, 4, b"ab"), chunk(2, 4, b"cd")
    first.chunk.headers["k"] = "v"
    first.chunk.message_id = last.chunk.message_id = "id"
    (whole,) = taken(Incoming(), first, last)
    assert (whole.payload, whole.headers, whole.message_id) == (b"abcd", {"k": "v"}, "id")


plain = st.builds(lambda payload: pb.Message(payload=payload).SerializeToString(), st.binary(max_size=300))
whole = st.builds(
    lambda payload, headers, name: pb.Message(payload=payload, headers=headers, message_id=name).SerializeToString(),
    st.binary(max_size=KEPT_BYTES * 2),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
    st.text(max_size=8),
)
odd = st.builds(
    lambda *parts: b"".join(parts),
    plain,
    st.sampled_from([b"", b"\x20\x05", b"\x1a\x00", b"\x1a\x01x", b"\x0a\x01i", b"\x1a\x81\x00y"]),
)
"""Encodings that nobody has to write, and everybody has to read: unknown fields, a field twice, a length too long."""


@given(st.lists(plain | whole | odd, max_size=20))
@settings(max_examples=150, deadline=None)
def test_messages_are_what_protobuf_reads(encoded: list[bytes]) -> None:
    delivery = pb.Delivery(first_sequence=7, first_delivery_id=3, peer_id="p", channel="c", priority=pb.PRIORITY_LOW)
    for message in encoded:
        delivery.messages.add().MergeFromString(message)
    wire = b"".join(b"\x0a" + varint(len(each)) + each for each in encoded) + _without_messages(delivery)
    incoming = Incoming()
    response = b"\x0a" + varint(len(wire)) + wire
    incoming.take(ReceiveResponse.FromString(response).deliveries)  # type: ignore[attr-defined]
    found = [item for item in incoming.ready if isinstance(item, Received)]
    assert [(m.payload, m.headers, m.message_id, m.sequence, m.delivery_id) for m in found] == [
        (m.payload, dict(m.headers), m.message_id, 7 + index, 3 + index) for index, m in enumerate(delivery.messages)
    ]
    assert {(m.peer_id, m.channel, m.priority) for m in found} <= {("p", "c", "low")}


def _without_messages(delivery: pb.Delivery) -> bytes:
    rest = copy.deepcopy(delivery)
    rest.ClearField("messages")
    return rest.SerializeToString()


def varint(value: int) -> bytes:
    low = value & 0x7F
    return bytes([low]) if value < 0x80 else bytes([low | 0x80]) + varint(value >> 7)


def test_the_head_of_each_size() -> None:
    for size in [*range(700), *range(16380, 16400), (1 << 21) + 3, (1 << 21) + 4, (1 << 21) + 5, 1 << 24]:
        encoded = pb.Message(payload=bytes(size)).SerializeToString()
        assert encoded == plain_head(len(encoded)) + bytes(size)
    assert not pb.Message(payload=bytes(128)).SerializeToString().startswith(plain_head(130)), "there is none"


def test_what_is_no_message_comes_behind_what_is() -> None:
    good = pb.Delivery(messages=[pb.Message(payload=b"good")], peer_id="p").SerializeToString()
    bad = b"\x0a\x02\x1a\x09"  # a message whose payload is longer than itself
    response = ReceiveResponse.FromString(b"".join(b"\x0a" + varint(len(each)) + each for each in (good, bad)))
    incoming = Incoming()
    with pytest.raises(SidecarError, match="message that is none"):
        incoming.take(response.deliveries)  # type: ignore[attr-defined]
    assert [item.payload for item in incoming.ready if isinstance(item, Received)] == [b"good"]


def test_both_ways_to_read_a_response_agree() -> None:
    """Whatever else a Delivery and a response have, by name and number."""
    named = [(field.name, field.number, field.type) for field in pb.Delivery.DESCRIPTOR.fields]
    for ours, theirs in ((ReceiveResponse, pb.ReceiveResponse), (ConsumeResponse, pb.ConsumeResponse)):
        assert [(field.name, field.number) for field in ours.DESCRIPTOR.fields] == [
            (field.name, field.number) for field in theirs.DESCRIPTOR.fields
        ]
        delivery: Any = ours.DESCRIPTOR.fields_by_name["deliveries"].message_type
        differing = set(named) ^ {(field.name, field.number, field.type) for field in delivery.fields}
        assert {name for name, _, _ in differing} == {"messages"}


def message() -> Received:
    return Received(
        payload=b"x", headers={"k": "v"}, message_id="id", peer_id="p", channel="c", priority="normal", instance=1,
        bulk=False, sequence=2, redelivery_count=0, received_at=3.0, delivery_id=4,
    )  # fmt: skip


def test_a_message_is_a_plain_value() -> None:
    """An app's tests make them, compare them, copy them, and read them in a log."""
    one = message()
    assert one == message()
    assert dataclasses.replace(one, payload=b"y") != one
    assert dataclasses.asdict(one)["headers"] == {"k": "v"}
    assert repr(one).startswith("Received(payload=b'x', headers={'k': 'v'}, message_id='id', peer_id='p', channel='c'")
    for again in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert again == one
    assert (one.durable, one.opening) == (False, 0)
    with pytest.raises(AttributeError):
        setattr(one, "payload", b"y")  # noqa: B010 - what mypy would not let pass
    (came,) = taken(Incoming(), pb.Delivery(messages=[pb.Message(payload=b"x", headers={"k": "v"})], peer_id="p"))
    assert pickle.loads(pickle.dumps(came)) == came
    assert came.headers is came.headers
    (bare,) = taken(Incoming(), pb.Delivery(messages=[pb.Message(payload=b"x")], peer_id="p"))
    bare.headers["mine"] = "1"
    assert bare.headers == {"mine": "1"}
    assert bare.delivery_id == 0


# acknowledgements


def told(acks: Acks) -> list[pb.ConsumeRequest]:
    found = []
    while (request := acks.next_request()) is not None:
        found.append(request)
    return found


def test_acks_are_gathered_into_ranges_in_their_order() -> None:
    acks = Acks("c", 5)
    acks.ack([1])
    acks.ack([2, 3])
    acks.ack([7])
    acks.nack([4], 1.5)
    acks.ack([])
    acks.nack([5], 1.5)
    acks.extend([6], 2.0)
    acks.ack([8])
    first, second, third, fourth = told(acks)
    assert [(held.first, held.last) for held in first.ack.ranges] == [(1, 3), (7, 7)]
    assert [(held.first, held.last) for held in second.nack.ranges] == [(4, 5)]
    assert second.nack.delay.ToSeconds() == 1
    assert [(held.first, held.last) for held in third.extend.ranges] == [(6, 6)]
    assert [(held.first, held.last) for held in fourth.ack.ranges] == [(8, 8)]


def test_what_was_told_is_not_told_again() -> None:
    acks = Acks("c", 5)
    acks.ack([1])
    assert len(told(acks)) == 1
    acks.ack([2])
    (request,) = told(acks)
    assert [(held.first, held.last) for held in request.ack.ranges] == [(2, 2)]
    acks.ack([3])
    acks.clear()
    assert told(acks) == []
    acks.ack([4])
    (request,) = told(acks)
    assert [(held.first, held.last) for held in request.ack.ranges] == [(4, 4)]
    acks.ack([])
    assert told(acks) == []
