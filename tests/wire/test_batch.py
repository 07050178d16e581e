"""Batches: what `check_untrusted` lets pass is exactly what protobuf reads as messages within the limits."""

from __future__ import annotations

from typing import NoReturn

import pytest
from google.protobuf.message import DecodeError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sidecar.gen.overlay.v1.message_pb2 import Message, SendStreamRequest
from sidecar.wire import batch
from sidecar.wire.batch import BadBatch, check_untrusted

LIMIT = 1000

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
messages = st.builds(
    Message,
    message_id=text,
    headers=st.dictionaries(text, text, max_size=3),
    payload=st.binary(max_size=300) | st.sampled_from([b"", b"x" * 100]),
)


def encoded(*chosen: Message) -> bytes:
    return SendStreamRequest(messages=chosen).SerializeToString()


def parsed(data: bytes) -> list[Message]:
    """The messages, where the bytes are nothing but messages."""
    request = SendStreamRequest.FromString(data)
    assert not request.HasField("open")
    assert not request.HasField("chunk")
    return list(request.messages)


@given(st.lists(messages, max_size=6))
def test_what_protobuf_makes_passes(chosen: list[Message]) -> None:
    data = encoded(*chosen)
    ends = check_untrusted(data, LIMIT)
    assert len(ends) == len(chosen)
    assert ends == batch.ends(data)
    start = 0
    for message, end in zip(chosen, ends, strict=True):
        assert parsed(data[start:end]) == [message]
        assert batch.message_size(data[start:]) == end - start
        start = end
    assert start == len(data)


@given(st.lists(messages, min_size=1, max_size=4), st.data())
def test_what_passes_after_a_change_protobuf_reads_alike(chosen: list[Message], data: st.DataObject) -> None:
    """Bits flipped, bytes cut out, put in and swapped."""
    changed = bytearray(encoded(*chosen))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed)))
        match data.draw(st.sampled_from(["flip", "cut", "put", "end"])):
            case "flip" if at < len(changed):
                changed[at] ^= 1 << data.draw(st.integers(0, 7))
            case "cut":
                del changed[at : at + data.draw(st.integers(1, 4))]
            case "put":
                changed[at:at] = data.draw(st.binary(min_size=1, max_size=4))
            case "end":
                del changed[at:]
    agrees(bytes(changed))


@given(st.lists(st.sampled_from(
    [b"\x0a", b"\x12", b"\x1a", b"\x00", b"\x01", b"\x02", b"\x04", b"\x80", b"\x81\x00", b"k", b"\xc3", b"\xa9", b'"']
), max_size=16))  # fmt: skip
@settings(max_examples=300)
@example([b"\x0a", b"\x80", b"\x80", b"\x80", b"\x80", b"\x00"])
@example([b"\x0a", b"\x04", b"\x1a", b"\x81\x00", b"k"])
def test_bytes_that_look_like_a_batch(parts: list[bytes]) -> None:
    agrees(b"".join(parts))


@given(st.binary(max_size=60))
def test_random_bytes(data: bytes) -> None:
    agrees(data)


def agrees(data: bytes) -> None:
    """Passes only what protobuf reads as so many messages, none of them beyond a limit, and knows of no other field."""
    try:
        ends = check_untrusted(data, LIMIT)
    except BadBatch:
        return
    found = parsed(data)
    assert len(found) == len(ends)
    for message in found:
        assert len(message.payload) <= LIMIT
        assert len(message.message_id.encode()) <= batch.MESSAGE_ID_MAX
    assert ends == batch.ends(data)
    # Nothing is lost where protobuf writes it anew: no unknown field, and none that came twice.
    again = encoded(*found)
    assert parsed(again) == found
    assert check_untrusted(again, LIMIT) == batch.ends(again)


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 30)), min_size=1, max_size=8), st.data())
def test_runs_of_equal_messages(shapes: list[tuple[int, int]], data: st.DataObject) -> None:
    """Entries that begin alike are proven by that: sizes on both sides of each length of a length, and one spoilt."""
    sizes = [size for size, count in shapes for _ in range(count)]
    chosen = [Message(payload=bytes([number % 251]) * size) for number, size in enumerate(sizes)]
    raw = bytearray(encoded(*chosen))
    assert check_untrusted(bytes(raw), LIMIT) == batch.ends(bytes(raw))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] = data.draw(st.integers(0, 255))
    agrees(bytes(raw))
    agrees(bytes(raw[:-1]))


@pytest.mark.timeout(20)
@pytest.mark.parametrize("block", [1, 7, 8, 9, 16, 100])
def test_changes_of_shape_cost_no_more_than_their_messages(block: int) -> None:
    """Two megabytes of messages that look alike, a few at a time: in seconds, not minutes."""
    shapes = encoded(*[Message(payload=b"")] * block, *[Message(payload=b"x")] * block)
    data = shapes * ((1 << 20) // len(shapes))
    assert len(check_untrusted(data, LIMIT)) == 2 * block * (len(data) // len(shapes))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 40)), min_size=1, max_size=6), st.data())
def test_columns(shapes: list[tuple[int, int]], data: st.DataObject) -> None:
    """Long runs of one shape, one byte of which is another."""
    raw = bytearray(encoded(*[Message(payload=bytes(size)) for size, count in shapes for _ in range(count)]))
    assert check_untrusted(bytes(raw), LIMIT) == batch.ends(bytes(raw))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    agrees(bytes(raw))


def spoilt(what: str, *, index: int = 0, limit: int = 0, size: int = 0) -> BadBatch:
    return BadBatch(index, what, limit, size)


EMPTY = "a field that Message does not have, or has once, is there"
BAD: list[tuple[bytes, BadBatch]] = [
    (b"\x12\x00", spoilt("the bytes are no `messages` entry (tag 0x12)")),
    (b"\x0a\x00\x12", spoilt("the bytes are no `messages` entry (tag 0x12)", index=1)),
    (b"\x0a", spoilt("a length is cut off or too long")),
    (b"\x0a\x80", spoilt("a length is cut off or too long")),
    (b"\x0a" + b"\x80" * 9 + b"\x01", spoilt("a length is cut off or too long")),
    (b"\x0a\xff\xff\xff\xff\x7f", spoilt("the entry is cut off")),
    (b"\x0a\x02\x1a", spoilt("the entry is cut off")),
    (b"\x0a\x02\x1a\x01", spoilt("a field is cut off")),
    (b"\x0a\x01\x1a", spoilt("a length is cut off or too long")),
    (b"\x0a\x04\x1a\x00\x1a\x00", spoilt(f"{EMPTY} (tag 0x1a)")),
    (b"\x0a\x04\x0a\x00\x0a\x00", spoilt(f"{EMPTY} (tag 0x0a)")),
    (b"\x0a\x02\x22\x00", spoilt(f"{EMPTY} (tag 0x22)")),
    (b"\x0a\x02\x18\x01", spoilt("a field is cut off")),
    (b"\x0a\x03\x0a\x01\xff", spoilt("message_id is not UTF-8")),
    (b"\x0a\x05\x0a\x03\xed\xa0\x80", spoilt("message_id is not UTF-8")),
    (b"\x0a\x05\x12\x03\x0a\x01\xff", spoilt("headers is not UTF-8")),
    (b"\x0a\x05\x12\x03\x0a\x02k", spoilt("a header is cut off")),
    (b"\x0a\x06\x12\x04\x0a\x00\x0a\x00", spoilt("a header has a field it should not (tag 0x0a)")),
    (b"\x0a\x06\x12\x04\x12\x00\x12\x00", spoilt("a header has a field it should not (tag 0x12)")),
    (b"\x0a\x04\x12\x02\x1a\x00", spoilt("a header has a field it should not (tag 0x1a)")),
    (
        encoded(Message(), Message(payload=bytes(1001))),
        spoilt("payload of 1001 bytes, at most 1000 are allowed", index=1, limit=1000, size=1001),
    ),
    (
        encoded(Message(message_id="x" * 129)),
        spoilt("message_id of 129 bytes, at most 128 are allowed", limit=128, size=129),
    ),
    (
        encoded(Message(headers={"k": "v" * 9000})),
        spoilt("message_id and headers of 9009 bytes, at most 8192 are allowed", limit=8192, size=9009),
    ),
]


@pytest.mark.parametrize(("data", "error"), BAD)
def test_each_refusal(data: bytes, error: BadBatch) -> None:
    with pytest.raises(BadBatch) as raised:
        check_untrusted(data, LIMIT)
    assert raised.value == error
    assert str(raised.value) == f"messages[{error.index}]: {error.what}"


def test_the_limits_themselves_pass() -> None:
    check_untrusted(encoded(Message(payload=bytes(LIMIT), message_id="x" * 128)), LIMIT)
    headers = {f"{number}": "v" * 240 for number in range(10, 42)}
    most = encoded(Message(headers=headers, payload=bytes(LIMIT)))
    assert len(most) <= LIMIT + batch.ENTRY_OVERHEAD_MAX
    check_untrusted(most, LIMIT)


def test_headers_beyond_the_limit_cost_no_more_than_counting() -> None:
    """What is beyond is refused by its size; it is not read."""
    data = b"\x12\x03\x0a\x01\xff" * 4000
    good = b"\x12\x00" * 4096
    body = good + data
    with pytest.raises(BadBatch, match="message_id and headers of"):
        check_untrusted(b"\x0a" + batch.length_prefix(len(body)) + body, LIMIT)


@given(text, st.dictionaries(text, text, max_size=4), st.lists(st.binary(max_size=50), min_size=1, max_size=4))
def test_a_message_in_parts_is_the_message(message_id: str, headers: dict[str, str], parts: list[bytes]) -> None:
    made = batch.large_entry(message_id, headers, parts)
    assert made[1:] == parts
    data = b"".join(made)
    assert parsed(data) == [Message(message_id=message_id, headers=headers, payload=b"".join(parts))]
    assert len(check_untrusted(data, LIMIT)) == 1


@given(st.integers(0, (1 << 35) - 1))
def test_lengths(size: int) -> None:
    prefix = batch.length_prefix(size)
    assert batch._varint_untrusted(prefix, 0, len(prefix), 0) == (size, len(prefix))


def test_protobuf_refuses_what_is_refused_here_as_cut_off() -> None:
    for data, _ in BAD[3:9]:

        def read(data: bytes = data) -> NoReturn:
            SendStreamRequest.FromString(data)
            raise AssertionError(data)

        with pytest.raises(DecodeError):
            read()
