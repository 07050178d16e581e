"""The sender's book, without any I/O."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.wire.batch import check_untrusted
from sidecar_client import InvalidField, LinkClosed, MessageTooLarge, OutcomeUnknown, SendFailed, SidecarUnavailable
from sidecar_client.gen.overlay.v1 import errors_pb2, node_pb2
from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from sidecar_client.outgoing import CHUNK_BYTES, FRAME_BYTES, KEPT_BYTES, WHOLE_BYTES, Outgoing, Sizes, varint

DELIVERED = pb.DELIVERY_LEVEL_DELIVERED


def frames(book: Outgoing) -> list[pb.SendStreamRequest]:
    found = []
    while (frame := next_frame(book)) is not None:
        found.append(pb.SendStreamRequest.FromString(frame))
    return found


def next_frame(book: Outgoing) -> bytes | None:
    parts = book.next_frame()
    return None if parts is None else b"".join(parts)


def through(book: Outgoing, number: int, *exceptions: tuple[int, int]) -> None:
    receipt = pb.Receipt(level=book.level, through_sequence=number)
    for first, last in exceptions:
        receipt.exceptions.add(first=first, last=last, reason=errors_pb2.ERROR_REASON_LINK_CLOSED, detail="closed")
    book.receipts(pb.SendStreamResponse(receipts=[receipt]))


def book() -> Outgoing:
    return Outgoing("peer", "channel", "high", "delivered")


def test_opening() -> None:
    opening = pb.SendStreamRequest.FromString(book().opening).open
    assert (opening.peer_id, opening.channel) == ("peer", "channel")
    assert (opening.priority, opening.level) == (pb.PRIORITY_HIGH, DELIVERED)


messages = st.lists(
    st.tuples(
        st.binary(max_size=300),
        st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
        st.text(max_size=8),
    ),
    max_size=30,
)


@given(messages)
@settings(max_examples=200, deadline=None)
def test_frames_hold_what_was_added(added: list[tuple[bytes, dict[str, str], str]]) -> None:
    out = book()
    assert [out.add(payload, headers, name) for payload, headers, name in added] == list(range(1, len(added) + 1))
    encoded = []
    while (frame := next_frame(out)) is not None:
        encoded.append(frame)
        assert check_untrusted(frame, 1 << 20)
    found = [message for frame in encoded for message in pb.SendStreamRequest.FromString(frame).messages]
    assert [(m.payload, dict(m.headers), m.message_id) for m in found] == added
    assert len(encoded) <= 1, "what waits together goes together"


def test_frames_are_bounded() -> None:
    out = book()
    for _ in range(100):
        out.add(bytes(FRAME_BYTES // 10))
    sizes = []
    while (frame := next_frame(out)) is not None:
        sizes.append(len(frame))
    assert max(sizes) <= FRAME_BYTES + 100
    assert len(sizes) <= 12


def test_large_payloads_go_in_chunks() -> None:
    out = book()
    payload = bytes(range(256)) * ((WHOLE_BYTES // 256) + 1)
    out.add(b"before")
    out.add(payload, {"k": "v"}, "id", Sizes(64 << 20, WHOLE_BYTES))
    out.add(b"after")
    first, *chunks, last = frames(out)
    assert [message.payload for message in first.messages] == [b"before"]
    assert [message.payload for message in last.messages] == [b"after"]
    parts = [frame.chunk for frame in chunks]
    assert b"".join(part.data for part in parts) == payload
    assert [part.offset for part in parts] == list(range(0, len(payload), CHUNK_BYTES))
    assert {(part.message_id, part.total) for part in parts} == {("id", len(payload))}
    assert [dict(part.headers) for part in parts] == [{"k": "v"}] + [{}] * (len(parts) - 1)


def test_the_window() -> None:
    out = Outgoing("peer", "", "normal", "delivered", window=1000)
    while not out.full():
        out.add(bytes(200 - KEPT_BYTES))
    assert out.count == 5
    frames(out)
    through(out, 3)
    assert not out.full()
    assert out.pending_bytes == 400
    assert not out.idle()
    through(out, 5)
    assert out.idle()
    while not out.full():
        out.add(b"")
    assert out.count == 5 + -(-1000 // KEPT_BYTES), "empty messages are bounded too"


def test_sizes_that_the_sidecar_tells() -> None:
    sizes = Sizes.of(node_pb2.Limits(max_message_bytes=40 << 20, max_grpc_bytes=4 << 20))
    assert sizes.goes_whole((4 << 20) - (64 << 10), "name")
    assert not sizes.goes_whole(4 << 20, "")
    with pytest.raises(InvalidField) as named:
        sizes.goes_whole(4 << 20, "name")
    assert named.value.fields[0][0] == "request_id"
    out = book()
    with pytest.raises(MessageTooLarge) as large:
        out.add(bytes((40 << 20) + 1), sizes=sizes)
    assert large.value.metadata == {"limit": str(40 << 20), "size": str((40 << 20) + 1)}
    assert out.add(bytes(4 << 20), sizes=sizes) == 1
    assert len(frames(out)) == 2


def test_what_the_sidecar_refuses_is_no_unknown_outcome() -> None:
    out = book()
    for _ in range(3):
        out.add(b"x")
    frames(out)
    through(out, 1)
    refusal = InvalidField("a header has no name")
    out.end(refusal)
    assert out.failures.of(1) is None
    assert [out.failures.of(number) for number in (2, 3)] == [refusal, refusal]


def test_outcomes_of_each_message() -> None:
    out = book()
    for _ in range(6):
        out.add(b"x")
    frames(out)
    through(out, 6, (2, 3))
    assert [out.failures.of(number) is None for number in range(1, 7)] == [True, False, False, True, True, True]
    assert isinstance(out.failures.of(2), LinkClosed)
    with pytest.raises(SendFailed) as raised:
        out.failures.raise_new()
    assert str(raised.value) == "LINK_CLOSED: 2 messages failed, the first being number 2: LINK_CLOSED: closed"
    out.failures.raise_new()


def test_receipts_of_another_level_settle_nothing() -> None:
    out = book()
    out.add(b"x")
    frames(out)
    out.receipts(pb.SendStreamResponse(receipts=[pb.Receipt(level=pb.DELIVERY_LEVEL_SENT, through_sequence=1)]))
    assert out.through == 0


def test_an_end_tells_what_may_have_arrived_from_what_did_not() -> None:
    out = book()
    for _ in range(3):
        out.add(b"x")
    frames(out)
    through(out, 1)
    out.add(b"not handed over")
    out.end(SidecarUnavailable("gone"))
    assert out.idle()
    assert out.pending_bytes == 0
    assert out.failures.of(1) is None
    assert isinstance(out.failures.of(2), OutcomeUnknown)
    assert isinstance(out.failures.of(3), OutcomeUnknown)
    assert type(out.failures.of(4)) is SidecarUnavailable
    with pytest.raises(SidecarUnavailable, match="gone"):
        out.add(b"too late")


def test_a_large_message_half_handed_over_may_not_have_arrived() -> None:
    out = book()
    out.add(bytes(WHOLE_BYTES + 1))
    assert out.next_frame() is not None
    out.end(SidecarUnavailable("gone"))
    assert out.idle()
    assert isinstance(out.failures.of(1), OutcomeUnknown)


def test_varint() -> None:
    assert [varint(value) for value in (0, 127, 128, 300, 1 << 28)] == [
        b"\x00", b"\x7f", b"\x80\x01", b"\xac\x02", b"\x80\x80\x80\x80\x01",
    ]  # fmt: skip
