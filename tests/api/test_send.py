"""Send and SendStream over two real sidecars."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import grpc
import grpc.aio
import pytest

from sidecar.api.front.lean import frames
from sidecar_client import MessageTooLarge, Received, SendFailed, error_from_rpc
from sidecar_client.gen.overlay.v1 import errors_pb2
from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from tests.api.conftest import Side, Sides, answered_after
from tests.api.front.raw import RawClient, message, request_fields
from tests.api.raw import failure, payload_of, stuck

Pair = tuple[Side, Side]


async def stream(side: Side, to: str, channel: str = "c", **opening: Any) -> Any:
    """A raw SendStream that is open."""
    call: Any = side.client.stubs.messages.SendStream()
    await call.write(pb.SendStreamRequest(open=pb.SendStreamOpen(peer_id=to, channel=channel, **opening)))
    return call


async def read_through(call: Any, level: pb.DeliveryLevel, number: int) -> list[pb.Receipt]:
    """Reads receipts until a level has come to a number."""
    receipts: list[pb.Receipt] = []
    while not any(receipt.level == level and receipt.through_sequence >= number for receipt in receipts):
        response = await call.read()
        assert response is not grpc.aio.EOF, receipts
        receipts += response.receipts
    return receipts


async def read_all(call: Any, receipts: list[pb.Receipt] | None = None) -> None:
    """Reads to the end."""
    while (response := await call.read()) is not grpc.aio.EOF:
        if receipts is not None:
            receipts += response.receipts


# Send


@pytest.mark.parametrize("level", [pb.DELIVERY_LEVEL_UNSPECIFIED, pb.DELIVERY_LEVEL_SENT, pb.DELIVERY_LEVEL_DELIVERED])
async def test_send_answers_with_its_level(pair: Pair, level: pb.DeliveryLevel) -> None:
    a, b = pair
    message = pb.Message(message_id="mine", headers={"k": "v"}, payload=b"p")
    request = pb.SendRequest(peer_id=b.peer_id, channel="c", level=level, message=message, token="t")
    response = await a.client.stubs.messages.Send(request, timeout=10)
    assert (response.message_id, response.token) == ("mine", "t")
    assert response.level == (level or pb.DELIVERY_LEVEL_DELIVERED)
    assert response.HasField("delivered_at") == (response.level == pb.DELIVERY_LEVEL_DELIVERED)
    if response.HasField("delivered_at"):
        assert response.sent_at.ToNanoseconds() <= response.delivered_at.ToNanoseconds()
    got = await payload_of(b.client, "c")
    assert (got.message_id, got.headers, got.payload, got.peer_id) == ("mine", {"k": "v"}, b"p", a.peer_id)


async def test_send_makes_an_id(pair: Pair) -> None:
    a, b = pair
    sent = [await a.client.send(b.peer_id, b"x") for _ in range(3)]
    ids = {each.message_id for each in sent}
    assert len(ids) == 3
    assert (await payload_of(b.client, "")).message_id in ids


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 70_000, 1 << 20, 16 << 20])
async def test_send_sizes(pair: Pair, size: int) -> None:
    a, b = pair
    payload = (bytes(range(251)) * (size // 251 + 1))[:size]
    request = pb.SendRequest(peer_id=b.peer_id, message=pb.Message(payload=payload))
    # Of a channel that nobody reads only so much is taken in.
    async with b.client.receive("") as inbox:
        await a.client.stubs.messages.Send(request, timeout=30)
        got = await anext(inbox)
    assert isinstance(got, Received)
    assert got.payload == payload


@pytest.mark.parametrize(
    ("request_of", "field"),
    [
        (lambda to: pb.SendRequest(), "peer_id"),
        (lambda to: pb.SendRequest(peer_id=to.upper()), "peer_id"),
        (lambda to: pb.SendRequest(peer_id=to, channel="c" * 129), "channel"),
        (lambda to: pb.SendRequest(peer_id=to, priority=cast(Any, 9)), "priority"),
        (lambda to: pb.SendRequest(peer_id=to, level=cast(Any, -1)), "level"),
    ],
)
async def test_send_names_the_field(pair: Pair, request_of: Any, field: str) -> None:
    a, b = pair
    error = await failure(a.client.stubs.messages.Send(request_of(b.peer_id), timeout=10))
    assert error.reason == "INVALID_FIELD"
    assert [path for path, _ in error.fields] == [field]


@pytest.mark.parametrize(
    ("message", "token", "limit"),
    [
        (pb.Message(message_id="i" * 129), "", 128),
        (pb.Message(headers={"k": "v" * 8200}), "", 8192),
        (pb.Message(), "t" * 129, 128),
    ],
)
async def test_send_limits(pair: Pair, message: pb.Message, token: str, limit: int) -> None:
    a, b = pair
    error = await failure(
        a.client.stubs.messages.Send(pb.SendRequest(peer_id=b.peer_id, message=message, token=token), timeout=10)
    )
    assert isinstance(error, MessageTooLarge)
    assert error.metadata["limit"] == str(limit)


async def test_a_message_of_empty_everything_is_a_message(pair: Pair) -> None:
    a, b = pair
    await a.client.stubs.messages.Send(pb.SendRequest(peer_id=b.peer_id), timeout=10)
    got = await payload_of(b.client, "")
    assert (got.payload, got.headers) == (b"", {})


async def test_max_message_bytes_counts_for_send_too(sides: Sides) -> None:
    a, b = await sides.pair(max_message_bytes=1000)
    await a.client.send(b.peer_id, bytes(1000))
    error = await failure(a.client.send(b.peer_id, bytes(1001)))
    assert isinstance(error, MessageTooLarge)
    assert error.metadata == {"limit": "1000", "size": "1001"}


# SendStream


async def test_receipts_are_cumulative_per_level(pair: Pair) -> None:
    a, b = pair
    call = await stream(a, b.peer_id)
    for number in range(100):
        messages = [pb.Message(payload=f"{number}-{part}".encode()) for part in range(10)]
        await call.write(pb.SendStreamRequest(messages=messages))
    await call.done_writing()
    receipts = await read_through(call, pb.DELIVERY_LEVEL_DELIVERED, 1000)
    assert await call.read() is grpc.aio.EOF
    assert await call.code() is grpc.StatusCode.OK
    assert not any(receipt.exceptions for receipt in receipts)
    for level in (pb.DELIVERY_LEVEL_SENT, pb.DELIVERY_LEVEL_DELIVERED):
        numbers = [receipt.through_sequence for receipt in receipts if receipt.level == level]
        assert numbers == sorted(numbers)
        assert numbers[-1] == 1000
    async with b.client.receive("c") as inbox:
        for number in range(1000):
            got = await anext(inbox)
            assert isinstance(got, Received)
            assert got.payload == f"{number // 10}-{number % 10}".encode()


async def test_level_sent_ends_without_acknowledgements(pair: Pair) -> None:
    a, b = pair
    call = await stream(a, b.peer_id, level=pb.DELIVERY_LEVEL_SENT)
    await call.write(pb.SendStreamRequest(messages=[pb.Message(payload=b"x")] * 5))
    await call.done_writing()
    receipts = [receipt async for response in call for receipt in response.receipts]
    assert {receipt.level for receipt in receipts} == {pb.DELIVERY_LEVEL_SENT}
    assert receipts[-1].through_sequence == 5


async def test_half_closed_at_once_loses_nothing(pair: Pair) -> None:
    a, b = pair
    for _ in range(20):
        call = await stream(a, b.peer_id)
        await call.write(pb.SendStreamRequest(messages=[pb.Message(payload=b"last words")]))
        await call.done_writing()
        await read_all(call)
    async with b.client.receive("c") as inbox:
        for _ in range(20):
            assert isinstance(await anext(inbox), Received)


async def test_an_open_call_without_messages_ends_well(pair: Pair) -> None:
    a, b = pair
    call = await stream(a, b.peer_id)
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF
    assert await call.code() is grpc.StatusCode.OK


async def test_failures_are_exceptions_in_receipts(pair: Pair) -> None:
    a, _ = pair
    stranger = "a" * 51 + "q"
    call = await stream(a, stranger)
    await call.write(pb.SendStreamRequest(messages=[pb.Message(payload=b"x")] * 7))
    await call.done_writing()
    receipts = await read_through(call, pb.DELIVERY_LEVEL_DELIVERED, 7)
    await read_all(call)
    exceptions = [exception for receipt in receipts for exception in receipt.exceptions]
    assert [(e.first, e.last, e.reason) for e in exceptions] == [(1, 7, errors_pb2.ERROR_REASON_PEER_UNKNOWN)]
    assert exceptions[0].detail


async def test_the_sender_names_what_failed(pair: Pair) -> None:
    a, _ = pair
    async with a.client.sender("a" * 51 + "q") as out:
        for _ in range(3):
            await out.send(b"x")
        with pytest.raises(SendFailed) as raised:
            await out.flush()
    assert [(failed.first, failed.last, failed.error.reason) for failed in raised.value.failures] == [
        (1, 3, "PEER_UNKNOWN")
    ]


def chunk(offset: int, total: int, size: int, message_id: str = "m", **more: Any) -> bytes:
    made = pb.Chunk(message_id=message_id, offset=offset, total=total, data=b"x" * size, **more)
    return pb.SendStreamRequest(chunk=made).SerializeToString()


MESSAGES = pb.SendStreamRequest(messages=[pb.Message(payload=b"x")]).SerializeToString()
OPEN = pb.SendStreamRequest(open=pb.SendStreamOpen()).SerializeToString()


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ([OPEN], "FRAME_UNEXPECTED"),
        ([b""], "FRAME_UNEXPECTED"),
        ([MESSAGES + OPEN], "INVALID_FIELD"),
        ([MESSAGES, OPEN], "FRAME_UNEXPECTED"),
        ([b"\xff\xff"], "INVALID_FIELD"),
        ([b"\x0a\x7f"], "INVALID_FIELD"),
        ([b"\x0a\x03\x0a\x01\xff"], "INVALID_FIELD"),
        ([b"\x0a\x04\x12\x02\x0a\x05"], "INVALID_FIELD"),
        ([b"\x0a\x02\x20\x01"], "INVALID_FIELD"),
        ([b"\x0a\x84\x01\x0a\x81\x01" + b"i" * 129], "MESSAGE_TOO_LARGE"),
        ([chunk(1, 10, 5)], "FRAME_UNEXPECTED"),
        ([chunk(0, 10, 0)], "FRAME_UNEXPECTED"),
        ([chunk(0, 10, 11)], "FRAME_UNEXPECTED"),
        ([chunk(0, 10, 5), chunk(4, 10, 6)], "FRAME_UNEXPECTED"),
        ([chunk(0, 10, 5), chunk(5, 11, 6)], "FRAME_UNEXPECTED"),
        ([chunk(0, 10, 5), chunk(5, 10, 5, "n")], "FRAME_UNEXPECTED"),
        ([chunk(0, 10, 5), chunk(5, 10, 5, headers={"k": "v"})], "FRAME_UNEXPECTED"),
        ([chunk(0, 10, 5), MESSAGES], "FRAME_UNEXPECTED"),
        ([chunk(0, 10, 5) + MESSAGES], "FRAME_UNEXPECTED"),
        ([chunk(0, 10, 5), None], "FRAME_UNEXPECTED"),
        ([chunk(0, (64 << 20) + 1, 5)], "MESSAGE_TOO_LARGE"),
        ([chunk(0, 10, 5, "i" * 129)], "MESSAGE_TOO_LARGE"),
        ([chunk(0, 10, 5, headers={"k": "v" * 8200})], "MESSAGE_TOO_LARGE"),
        ([b"\x0a\x85\x80\x80\x08\x1a\x80\x80\x80\x08" + bytes(16 << 20) + MESSAGES * 20_000], "MESSAGE_TOO_LARGE"),
    ],
)
async def test_a_bad_frame_costs_its_call_only(pair: Pair, frames: list[bytes | None], reason: str) -> None:
    a, b = pair
    good = await stream(a, b.peer_id)
    raw: Any = a.client.channel
    call = raw.stream_stream("/overlay.v1.MessageService/SendStream")()
    opening = pb.SendStreamOpen(peer_id=b.peer_id, channel="bad")
    await call.write(pb.SendStreamRequest(open=opening).SerializeToString())
    for frame in frames:
        await (call.write(frame) if frame is not None else call.done_writing())
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await read_all(call)
    assert error_from_rpc(raised.value).reason == reason
    await good.write(pb.SendStreamRequest(messages=[pb.Message(payload=b"on")]))
    await read_through(good, pb.DELIVERY_LEVEL_DELIVERED, 1)
    await good.done_writing()


@pytest.mark.parametrize(
    ("opening", "reason"),
    [
        ({"peer_id": ""}, "INVALID_FIELD"),
        ({"channel": "c" * 129}, "INVALID_FIELD"),
        ({"priority": 7}, "INVALID_FIELD"),
        ({"level": 7}, "INVALID_FIELD"),
    ],
)
async def test_a_bad_opening(pair: Pair, opening: dict[str, Any], reason: str) -> None:
    a, b = pair
    call: Any = a.client.stubs.messages.SendStream()
    await call.write(pb.SendStreamRequest(open=pb.SendStreamOpen(**({"peer_id": b.peer_id} | opening))))
    assert (await failure(call.read())).reason == reason


async def test_half_closed_without_opening(pair: Pair) -> None:
    a, _ = pair
    call: Any = a.client.stubs.messages.SendStream()
    await call.done_writing()
    assert (await failure(call.read())).reason == "FRAME_UNEXPECTED"


async def test_chunks_arrive_whole(pair: Pair) -> None:
    a, b = pair
    payload = bytes(range(256)) * (10 << 12)
    inbox = await b.client.receive("c").__aenter__()
    call = await stream(a, b.peer_id)
    step = 999_983
    for offset in range(0, len(payload), step):
        part = pb.Chunk(message_id="m", offset=offset, total=len(payload), data=payload[offset : offset + step])
        if not offset:
            part.headers["name"] = "value"
        await call.write(pb.SendStreamRequest(chunk=part))
    await call.write(pb.SendStreamRequest(messages=[pb.Message(payload=b"after")]))
    await call.done_writing()
    receipts = await read_through(call, pb.DELIVERY_LEVEL_DELIVERED, 2)
    assert not any(receipt.exceptions for receipt in receipts)
    got = {}
    for _ in range(2):
        message = await anext(inbox)
        assert isinstance(message, Received)
        got[message.payload] = message
    await inbox.close()
    assert set(got) == {payload, b"after"}
    assert (got[payload].message_id, got[payload].headers) == ("m", {"name": "value"})


@pytest.mark.parametrize("total", [0, 1, 100])
async def test_small_messages_may_come_in_chunks(pair: Pair, total: int) -> None:
    a, b = pair
    raw: Any = a.client.channel
    call = raw.stream_stream("/overlay.v1.MessageService/SendStream")()
    opening = pb.SendStreamOpen(peer_id=b.peer_id, channel="c")
    await call.write(pb.SendStreamRequest(open=opening).SerializeToString())
    await call.write(chunk(0, total, total))
    await call.done_writing()
    while await call.read() is not grpc.aio.EOF:
        pass
    assert (await payload_of(b.client, "c")).payload == b"x" * total


async def test_more_large_messages_than_memory_for_them(sides: Sides) -> None:
    """Eight calls with a message of 4 MiB each, where 16 MiB may be on their way in: all arrive."""
    a, b = await sides.pair(max_message_bytes=4 << 20)
    total, step = 4 << 20, 1 << 20
    calls = [await stream(a, b.peer_id) for _ in range(8)]
    for call in calls:
        await call.write(pb.SendStreamRequest(chunk=pb.Chunk(total=total, data=bytes(step))))

    async def finish(call: Any) -> None:
        for offset in range(step, total, step):
            await call.write(pb.SendStreamRequest(chunk=pb.Chunk(total=total, offset=offset, data=bytes(step))))
        await call.done_writing()
        await read_all(call)

    async def receive() -> None:
        async with b.client.receive("c") as inbox:
            for _ in range(8):
                got = await anext(inbox)
                assert isinstance(got, Received)
                assert len(got.payload) == total

    await asyncio.gather(receive(), *map(finish, calls))


async def test_an_abandoned_series_frees_its_memory(sides: Sides) -> None:
    a, b = await sides.pair(max_message_bytes=4 << 20)
    for _ in range(8):
        call = await stream(a, b.peer_id)
        await call.write(pb.SendStreamRequest(chunk=pb.Chunk(total=4 << 20, data=b"x")))
        await call.done_writing()
        assert (await failure(call.read())).reason == "FRAME_UNEXPECTED"
    async with b.client.receive("c"), a.client.sender(b.peer_id, channel="c") as out:
        await out.send(bytes(4 << 20))


async def test_an_unread_channel_holds_up_no_other(sides: Sides) -> None:
    a, b = await sides.pair(channel_window_bytes=256 << 10, link_window_bytes=4 << 20)
    stuck = await stream(a, b.peer_id, channel="unread")
    await stuck.write(pb.SendStreamRequest(messages=[pb.Message(payload=bytes(32 << 10))] * 64))
    async with b.client.receive("read") as inbox:
        for number in range(20):
            await a.client.send(b.peer_id, str(number).encode(), channel="read", timeout=10)
            got = await anext(inbox)
            assert isinstance(got, Received)
            assert got.payload == str(number).encode()
    stuck.cancel()


async def test_a_stream_at_its_deadline_says_how_far_it_went(sides: Sides) -> None:
    a, b = await sides.pair(channel_window_bytes=64 << 10, link_window_bytes=256 << 10)
    receipts: list[pb.Receipt] = []
    with answered_after(2.0):
        call: Any = a.client.stubs.messages.SendStream(timeout=30)
        await call.write(pb.SendStreamRequest(open=pb.SendStreamOpen(peer_id=b.peer_id, channel="unread")))
        await call.write(pb.SendStreamRequest(messages=[pb.Message(payload=bytes(16 << 10))] * 32))
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await read_all(call, receipts)
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert error_from_rpc(raised.value).reason == "DEADLINE"
    delivered = [receipt for receipt in receipts if receipt.level == pb.DELIVERY_LEVEL_DELIVERED]
    named = [(e.first, e.last, e.reason) for receipt in delivered for e in receipt.exceptions]
    assert delivered[-1].through_sequence == 32
    assert named
    assert named[-1][1:] == (32, errors_pb2.ERROR_REASON_NO_SUBSCRIBER)


async def test_a_stream_is_held_back_by_a_full_queue(sides: Sides) -> None:
    """Nobody reads: what the client can hand over is bounded by queues and windows, not by its patience."""
    a, b = await sides.pair(outbox_bytes=1 << 20, channel_window_bytes=256 << 10, link_window_bytes=1 << 20)
    call = await stream(a, b.peer_id, channel="unread")
    written = 0

    async def write() -> None:
        nonlocal written
        for _ in range(1024):
            await call.write(pb.SendStreamRequest(messages=[pb.Message(payload=bytes(64 << 10))]))
            written += 64 << 10

    writing = asyncio.create_task(write())
    await stuck(a, b.peer_id, full=True)
    for _ in range(100):  # it could go on now, and does not
        await a.client.ping(b.peer_id)
    assert not writing.done()
    assert written <= 16 << 20
    assert (await a.client.peer(b.peer_id)).queued_bytes <= 2 << 20
    call.cancel()
    with pytest.raises((asyncio.CancelledError, asyncio.InvalidStateError)):
        await writing


def frames_at_once(side: Side, *encoded: bytes) -> Any:
    """A SendStream whose frames come as fast as they can, from a client that does not wait in between."""
    channel: Any = side.client.channel
    return channel.stream_stream("/overlay.v1.MessageService/SendStream")(iter(encoded))


async def test_small_frames_that_come_together(pair: tuple[Side, Side]) -> None:
    """They are checked as one batch; numbers and order are as if they were not."""
    a, b = pair
    opening = pb.SendStreamRequest(open=pb.SendStreamOpen(peer_id=b.peer_id, channel="many"))
    sizes = [0, 1, 100, 5000, 3, 256, 256, 256, 4000, 7] * 10
    written = [
        pb.SendStreamRequest(messages=[pb.Message(payload=bytes([number % 251]) * size)] * (1 + number % 2))
        for number, size in enumerate(sizes)
    ]
    call = frames_at_once(a, *(frame.SerializeToString() for frame in (opening, *written)))
    receipts = [receipt async for part in call for receipt in pb.SendStreamResponse.FromString(part).receipts]
    expected = [each.payload for frame in written for each in frame.messages]
    assert max(receipt.through_sequence for receipt in receipts) == len(expected)
    received: list[bytes] = []
    async with b.client.receive("many", timeout=20) as inbox:
        async for got in inbox:
            assert isinstance(got, Received)
            received.append(bytes(got.payload))
            if len(received) == len(expected):
                break
    assert received == expected


async def test_a_message_within_one_frame(pair: tuple[Side, Side]) -> None:
    """Frames that are valid only together are not. Written at once: grpc.aio loses the status of a call that ends while
    it writes."""
    a, b = pair
    opening = pb.SendStreamRequest(open=pb.SendStreamOpen(peer_id=b.peer_id)).SerializeToString()
    whole = pb.SendStreamRequest(messages=[pb.Message(payload=b"\x0a" * 100)] * 3).SerializeToString()
    client = await RawClient.connect(a.sidecar.address)
    fields = [
        (name, "/overlay.v1.MessageService/SendStream" if name == ":path" else value)
        for name, value in request_fields("")
    ]
    requests = b"".join(map(message, (opening, whole, whole[:150], whole[150:], whole)))
    await client.send(
        frames.frame(frames.HEADERS, frames.END_HEADERS, 1, client.encoder.encode(fields)),
        frames.frame(frames.DATA, frames.END_STREAM, 1, requests),
    )
    status = await client.trailers(1)
    assert status["grpc-status"] == "3"
    assert "messages[1]" in status["grpc-message"]
    await client.close()
