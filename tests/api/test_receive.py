"""Receive and Consume over two real sidecars."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from sidecar_client import AsyncReceiver, AsyncSidecar, Received
from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from tests.api.conftest import Side, Sides
from tests.api.raw import failure, stuck

Pair = tuple[Side, Side]

CLIENT = Path(__file__).with_name("vanishing_app.py")


async def send_numbers(side: Side, to: str, count: int, channel: str = "c", first: int = 0) -> None:
    async with side.client.sender(to, channel=channel) as out:
        for number in range(first, first + count):
            await out.send(str(number).encode())


async def take(inbox: Any, count: int) -> list[Received]:
    got = []
    for _ in range(count):
        message = await anext(inbox)
        assert isinstance(message, Received)
        got.append(message)
    return got


def numbers(messages: list[Received]) -> list[int]:
    return [int(message.payload) for message in messages]


async def test_envelope(pair: Pair) -> None:
    a, b = pair
    async with b.client.receive("c") as inbox:
        await a.client.send(b.peer_id, b"1", channel="c", priority="high")
        await a.client.send(b.peer_id, b"2", channel="c", priority="low")
        first, second = await take(inbox, 2)
    node = await a.client.node()
    assert (first.peer_id, first.channel, first.priority, first.instance) == (a.peer_id, "c", "high", node.instance)
    assert (second.priority, second.bulk, second.redelivery_count, second.delivery_id) == ("low", False, 0, 0)
    assert 0 <= second.received_at - first.received_at < 10


async def test_order_within_a_channel(pair: Pair) -> None:
    a, b = pair
    async with b.client.receive("c") as inbox:
        sending = asyncio.create_task(send_numbers(a, b.peer_id, 5000))
        got = await take(inbox, 5000)
        await sending
    assert numbers(got) == list(range(5000))
    assert [message.sequence for message in got] == list(range(got[0].sequence, got[0].sequence + 5000))


async def test_what_came_before_the_subscriber_waits_for_it(pair: Pair) -> None:
    a, b = pair
    await send_numbers(a, b.peer_id, 100)
    async with b.client.receive("c") as inbox:
        assert numbers(await take(inbox, 100)) == list(range(100))


async def test_the_empty_channel_is_one_channel(pair: Pair) -> None:
    a, b = pair
    async with b.client.receive("") as inbox:
        await a.client.send(b.peer_id, b"1", channel="other")
        await a.client.send(b.peer_id, b"2")
        assert numbers(await take(inbox, 1)) == [2]


async def test_subscribers_compete(pair: Pair) -> None:
    a, b = pair
    got: list[int] = []
    everything = asyncio.Event()

    async def read(inbox: AsyncReceiver) -> None:
        async for message in inbox:
            assert isinstance(message, Received)
            got.append(int(message.payload))
            if len(got) == 200:
                everything.set()

    async with b.client.receive("c") as one, b.client.receive("c") as two:
        readers = [asyncio.create_task(read(inbox)) for inbox in (one, two)]
        for number in range(200):
            await a.client.send(b.peer_id, str(number).encode(), channel="c")
        await everything.wait()
    await asyncio.gather(*readers)
    assert sorted(got) == list(range(200))


@pytest.mark.parametrize("size", [(4 << 20) - 1000, (4 << 20) + 1, 9_999_999])
@pytest.mark.parametrize("consume", [False, True])
async def test_large_messages_come_whole(pair: Pair, size: int, consume: bool) -> None:
    a, b = pair
    payload = (bytes(range(251)) * (size // 251 + 1))[:size]
    inbox: Any = b.client.consume("c", credits=2) if consume else b.client.receive("c")
    async with inbox:
        await asyncio.gather(
            a.client.send(b.peer_id, payload, channel="c", headers={"k": "v"}, message_id="big"),
            a.client.send(b.peer_id, b"small", channel="c"),
        )
        got = {len(message.payload): message for message in await take(inbox, 2)}
    assert got[size].payload == payload
    assert (got[size].message_id, got[size].headers, got[size].bulk) == ("big", {"k": "v"}, True)
    assert bool(got[size].delivery_id) == consume


async def test_a_response_stays_within_the_limit(pair: Pair) -> None:
    a, b = pair
    for _ in range(12):
        await a.client.send(b.peer_id, bytes(60_000), channel="c")
    call: Any = b.client.stubs.messages.Receive(pb.ReceiveRequest(channel="c"))
    seen = 0
    while seen < 12:
        response = await call.read()
        assert response.ByteSize() <= 2 << 20
        seen += sum(len(delivery.messages) for delivery in response.deliveries)
    call.cancel()


async def test_receive_of_a_bad_channel(pair: Pair) -> None:
    _, b = pair
    error = await failure(b.client.receive("c" * 129).__aenter__())
    assert error.reason == "INVALID_FIELD"
    assert error.fields[0][0] == "channel"


@pytest.mark.parametrize("how", ["receive", "consume"])
async def test_a_killed_reader_costs_no_unread_message(pair: Pair, how: str) -> None:
    a, b = pair
    app = await asyncio.create_subprocess_exec(
        sys.executable, str(CLIENT), b.sidecar.address, how, stdout=asyncio.subprocess.PIPE
    )
    assert app.stdout is not None
    assert await app.stdout.readline() == b"subscribed\n"
    await send_numbers(a, b.peer_id, 10)
    first = int(await app.stdout.readline())
    app.send_signal(signal.SIGKILL)
    await app.wait()
    async with b.client.receive("c") as inbox:
        await send_numbers(a, b.peer_id, 10, first=10)
        got: list[int] = []
        while 19 not in got:
            got += numbers(await take(inbox, 1))
    # What was written to the dead app is gone, or comes again; what was not is here.
    missing = set(range(20)) - set(got)
    if how == "consume":
        assert not missing
    else:
        assert missing <= set(range(10))
        assert first in missing or first in got


async def test_a_killed_sender_costs_nobody_else(pair: Pair) -> None:
    a, b = pair
    app = await asyncio.create_subprocess_exec(
        sys.executable, str(CLIENT), a.sidecar.address, "send", b.peer_id, stdout=asyncio.subprocess.PIPE
    )
    assert app.stdout is not None
    async with b.client.receive("c") as inbox:
        await take(inbox, 100)
        app.send_signal(signal.SIGKILL)
        await app.wait()
        await a.client.send(b.peer_id, b"-1", channel="c", timeout=20)
        while numbers(await take(inbox, 1)) != [-1]:
            pass


async def test_written_and_closed_at_once(pair: Pair) -> None:
    """An app that sends, closes and ends: what its sender's `close` returned for has arrived, all of it."""
    a, b = pair
    async with b.client.receive("c") as inbox:
        for _ in range(3):
            app = await asyncio.create_subprocess_exec(
                sys.executable, str(CLIENT), a.sidecar.address, "burst", b.peer_id
            )
            got = await take(inbox, 500)
            assert numbers(got) == list(range(500))
            assert await app.wait() == 0


# Consume


async def raw_consume(side: Side, credits: int, channel: str = "c") -> Any:  # noqa: A002
    call: Any = side.client.stubs.messages.Consume()
    await call.write(pb.ConsumeRequest(open=pb.ConsumeOpen(channel=channel, credits=credits)))
    await call.initial_metadata()
    return call


def ack(first: int, last: int) -> pb.ConsumeRequest:
    return pb.ConsumeRequest(ack=pb.ConsumeAck(ranges=[pb.DeliveryRange(first=first, last=last)]))


def nack(first: int, last: int) -> pb.ConsumeRequest:
    return pb.ConsumeRequest(nack=pb.ConsumeNack(ranges=[pb.DeliveryRange(first=first, last=last)]))


async def deliveries(call: Any, count: int) -> list[tuple[int, bytes, int]]:
    """(delivery id, payload, redeliveries) of the next `count` messages; more must not come with them."""
    got: list[tuple[int, bytes, int]] = []
    while len(got) < count:
        for delivery in (await call.read()).deliveries:
            for index, message in enumerate(delivery.messages):
                got.append((delivery.first_delivery_id + index, message.payload, delivery.redelivery_count))
    assert len(got) == count, got
    return got


async def test_credit_bounds_what_is_out(pair: Pair) -> None:
    a, b = pair
    await send_numbers(a, b.peer_id, 20)
    call = await raw_consume(b, 3)
    assert [payload for _, payload, _ in await deliveries(call, 3)] == [b"0", b"1", b"2"]
    await call.write(ack(1, 2))
    assert [payload for _, payload, _ in await deliveries(call, 2)] == [b"3", b"4"]
    await call.write(pb.ConsumeRequest(credit=pb.ConsumeCredit(credits=4)))
    assert [number for number, _, _ in await deliveries(call, 4)] == [6, 7, 8, 9]
    call.cancel()


async def test_no_credits_means_one(pair: Pair) -> None:
    a, b = pair
    await send_numbers(a, b.peer_id, 3)
    call = await raw_consume(b, 0)
    assert await deliveries(call, 1) == [(1, b"0", 0)]
    await call.write(ack(1, 1))
    assert await deliveries(call, 1) == [(2, b"1", 0)]
    call.cancel()


async def test_nack_hands_out_again(pair: Pair) -> None:
    a, b = pair
    await send_numbers(a, b.peer_id, 2)
    call = await raw_consume(b, 1)
    assert await deliveries(call, 1) == [(1, b"0", 0)]
    await call.write(nack(1, 1))
    assert await deliveries(call, 1) == [(2, b"0", 1)]
    await call.write(nack(2, 2))
    assert await deliveries(call, 1) == [(3, b"0", 2)]
    await call.write(ack(3, 3))
    assert await deliveries(call, 1) == [(4, b"1", 0)]
    call.cancel()


async def test_late_and_foreign_acknowledgements_are_answered(pair: Pair) -> None:
    a, b = pair
    await send_numbers(a, b.peer_id, 3)
    call = await raw_consume(b, 3)
    await deliveries(call, 3)
    await call.write(ack(2, 2))
    await call.write(ack(1, 9))
    unknown: list[tuple[int, int]] = []
    while len(unknown) < 2:
        unknown += [(held.first, held.last) for held in (await call.read()).unknown]
    assert unknown == [(2, 2), (4, 9)]
    await call.write(nack(1, 1))
    assert [(held.first, held.last) for held in (await call.read()).unknown] == [(1, 1)]
    call.cancel()


async def unknown_to(call: Any) -> list[tuple[int, int]]:
    return [(held.first, held.last) for held in (await call.read()).unknown]


async def test_acknowledgements_of_what_one_does_not_hold_are_told_and_settle_nothing(pair: Pair) -> None:
    """What was never delivered, what another subscriber has, and what is settled already."""
    a, b = pair
    await send_numbers(a, b.peer_id, 2)
    holder = await raw_consume(b, 2)
    await deliveries(holder, 2)
    other = await raw_consume(b, 2)
    await other.write(ack(1, 2))
    assert await unknown_to(other) == [(1, 2)]
    await other.write(nack(1 << 40, (1 << 63) + 5))
    assert await unknown_to(other) == [(1 << 40, (1 << 63) + 5)]
    holder.cancel()
    assert await deliveries(other, 2) == [(1, b"0", 1), (2, b"1", 1)]
    await other.write(ack(1, 2))
    await other.write(ack(1, 2))
    assert await unknown_to(other) == [(1, 2)]
    other.cancel()


async def test_credits_beyond_their_field(pair: Pair) -> None:
    """0, and 2^63 in a field of 32 bits, of which protobuf leaves 0: they change nothing and break nothing."""
    a, b = pair
    await send_numbers(a, b.peer_id, 3)
    raw: Any = b.client.channel
    call = raw.stream_stream(
        "/overlay.v1.MessageService/Consume", response_deserializer=pb.ConsumeResponse.FromString
    )()
    await call.write(pb.ConsumeRequest(open=pb.ConsumeOpen(channel="c", credits=1)).SerializeToString())
    assert [payload for _, payload, _ in await deliveries(call, 1)] == [b"0"]
    one = pb.ConsumeRequest(credit=pb.ConsumeCredit(credits=1)).SerializeToString()
    assert one.endswith(b"\x02\x08\x01")
    for number in (b"\x00", b"\x80" * 9 + b"\x01"):
        await call.write(one[:-3] + bytes([1 + len(number)]) + b"\x08" + number)
    await call.write(ack(1, 1).SerializeToString())
    assert [payload for _, payload, _ in await deliveries(call, 1)] == [b"1"]
    call.cancel()


async def test_unacknowledged_messages_go_to_another(pair: Pair) -> None:
    a, b = pair
    await send_numbers(a, b.peer_id, 4)
    first = await raw_consume(b, 4)
    await deliveries(first, 4)
    await first.write(ack(1, 2))
    await first.done_writing()
    assert await first.read() is grpc.aio.EOF
    assert await first.code() is grpc.StatusCode.OK
    second = await raw_consume(b, 4)
    assert [(payload, times) for _, payload, times in await deliveries(second, 2)] == [(b"2", 1), (b"3", 1)]
    second.cancel()


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ([b""], "FRAME_UNEXPECTED"),
        ([ack(1, 1).SerializeToString()], "FRAME_UNEXPECTED"),
        ([b"\xff"], "INVALID_FIELD"),
        ([pb.ConsumeRequest(open=pb.ConsumeOpen(channel="c" * 129)).SerializeToString()], "INVALID_FIELD"),
        ([pb.ConsumeRequest(open=pb.ConsumeOpen()).SerializeToString()] * 2, "FRAME_UNEXPECTED"),
        ([pb.ConsumeRequest(open=pb.ConsumeOpen()).SerializeToString(), b""], "FRAME_UNEXPECTED"),
        (
            [pb.ConsumeRequest(open=pb.ConsumeOpen()).SerializeToString(), ack(5, 4).SerializeToString()],
            "INVALID_FIELD",
        ),
        (
            [pb.ConsumeRequest(open=pb.ConsumeOpen()).SerializeToString(), nack(0, 4).SerializeToString()],
            "INVALID_FIELD",
        ),
    ],
)
async def test_bad_frames(pair: Pair, frames: list[bytes], reason: str) -> None:
    _, b = pair
    raw: Any = b.client.channel
    call = raw.stream_stream("/overlay.v1.MessageService/Consume")()
    for frame in frames:
        await call.write(frame)
    assert (await failure(call.read())).reason == reason


async def test_consumer_of_the_client(pair: Pair) -> None:
    a, b = pair
    await send_numbers(a, b.peer_id, 10)
    async with b.client.consume("c", credits=2) as jobs:
        for expected in range(5):
            (job,) = await take(jobs, 1)
            assert int(job.payload) == expected
            await jobs.ack(job)
    async with b.client.consume("c", credits=20) as jobs:
        rest = await take(jobs, 5)
        assert numbers(rest) == [5, 6, 7, 8, 9]
        await jobs.nack(rest[4])
        (again,) = await take(jobs, 1)
        assert (again.payload, again.redelivery_count) == (b"9", rest[4].redelivery_count + 1)
        await jobs.ack(*rest[:4], again)
        assert jobs.unknown == 0
    async with b.client.receive("c") as inbox:
        await a.client.send(b.peer_id, b"10", channel="c")
        assert numbers(await take(inbox, 1)) == [10]


async def test_memory_is_bounded_when_nobody_reads(sides: Sides) -> None:
    a, b = await sides.pair(channel_window_bytes=256 << 10, link_window_bytes=1 << 20, outbox_bytes=1 << 20)
    async with AsyncSidecar(a.sidecar.address) as other:
        sending = asyncio.create_task(flood(other, b.peer_id))
        await stuck(a, b.peer_id)
        assert b.sidecar.node.inbox.bytes <= 2 << 20
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending


async def flood(client: AsyncSidecar, peer_id: str) -> None:
    async with client.sender(peer_id, channel="unread") as out:
        while True:
            await out.send(bytes(32 << 10))
