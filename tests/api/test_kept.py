"""Kept messages through the API and the client: levels, requests by id, Consume's time and patience, queues."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sidecar.api.paging import token_after
from sidecar_client import (
    AsyncSidecar,
    DeadlinePassed,
    Gap,
    InvalidField,
    OutcomeUnknown,
    Pending,
    QueueFull,
    Received,
    SidecarError,
)
from sidecar_client.aio_streams import AsyncConsumer
from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from sidecar_client.gen.overlay.v1 import queue_pb2
from tests.api.conftest import Side, Sides, answered_after
from tests.api.kept_reasons import STRANGER, keeping, keeping_pair, waiting
from tests.api.raw import failure, one_waits


async def following(messages: AsyncConsumer) -> Received:
    """The next message."""
    message = await anext(aiter(messages))
    assert not isinstance(message, Gap)
    return message


async def test_the_receipt_has_the_token_and_the_time_of_each_stage(sides: Sides) -> None:
    a, b = await keeping_pair(sides)
    async with b.client.consume("orders") as messages:
        request = pb.SendRequest(
            peer_id=b.peer_id, channel="orders", level=pb.DELIVERY_LEVEL_PROCESSED, durable=True, token="mine",
            message=pb.Message(payload=b"x"),
        )  # fmt: skip
        sending = asyncio.ensure_future(a.client.stubs.messages.Send(request))
        message = await following(messages)
        assert (message.durable, message.redelivery_count) == (True, 0)
        await messages.ack(message)
        response = await sending
    assert (response.token, response.level) == ("mine", pb.DELIVERY_LEVEL_PROCESSED)
    times = [response.sent_at, response.delivered_at, response.processed_at]
    assert all(time.seconds for time in times)
    assert times == sorted(times, key=lambda time: time.ToNanoseconds())


async def test_a_stream_tells_three_levels(sides: Sides) -> None:
    a, b = await keeping_pair(sides)
    async with b.client.consume("c", credits=100) as messages:
        call: Any = a.client.stubs.messages.SendStream()
        opening = pb.SendStreamOpen(peer_id=b.peer_id, channel="c", level=pb.DELIVERY_LEVEL_PROCESSED, durable=True)
        await call.write(pb.SendStreamRequest(open=opening))
        await call.write(pb.SendStreamRequest(messages=[pb.Message(payload=b"%d" % n) for n in range(50)]))
        await call.done_writing()
        for _ in range(50):
            await messages.ack(await following(messages))
        through: dict[int, int] = {}
        async for response in call:
            for receipt in response.receipts:
                assert not receipt.exceptions
                assert receipt.time.seconds
                through[receipt.level] = receipt.through_sequence
    assert through == {1: 50, 2: 50, 3: 50}


@pytest.mark.parametrize("durable", [False, True])
async def test_a_repeated_request_sends_nothing_and_is_answered(sides: Sides, durable: bool) -> None:
    a, b = await keeping_pair(sides)
    first, second = await asyncio.gather(
        a.client.send(b.peer_id, b"once", message_id="m", request_id="r", durable=durable),
        a.client.send(b.peer_id, b"once", message_id="m", request_id="r", durable=durable),
    )
    third = await a.client.send(b.peer_id, b"once", message_id="m", request_id="r", durable=durable)
    assert first == second == third
    error = await failure(a.client.send(b.peer_id, b"other", request_id="r", durable=durable))
    assert isinstance(error, InvalidField)
    await a.client.send(b.peer_id, b"last")
    async with b.client.consume(credits=9) as messages:
        assert {(await following(messages)).payload for _ in range(2)} == {b"once", b"last"}


async def test_a_request_that_had_to_be_answered_early_goes_on(sides: Sides) -> None:
    """The call's deadline comes, the message stays, and the same call later tells what became of it."""
    a, b = await keeping(sides), await keeping(sides, "b")
    with answered_after(0.3):
        pending = await failure(a.client.send(b.peer_id, b"x", request_id="r", durable=True, timeout=30))
    assert isinstance(pending, Pending)
    repeated = asyncio.create_task(a.client.send(b.peer_id, b"x", request_id="r", durable=True, timeout=20))
    await b.client.connect(a.contact)
    assert (await repeated).level == "delivered"
    async with b.client.consume(credits=9) as messages:
        assert (await following(messages)).payload == b"x"


@pytest.mark.parametrize("asked", ["at once", "when it is there"])
async def test_the_next_run_of_the_sidecar_knows_the_request(sides: Sides, asked: str) -> None:
    a = await asyncio.to_thread(sides.processes.spawn, "near")
    b = await asyncio.to_thread(sides.processes.spawn, "far")
    await asyncio.to_thread(b.kill)
    async with AsyncSidecar(a.endpoint) as client:
        error = await failure(client.send(b.peer_id, b"x", request_id="r", durable=True, timeout=2))
        # On a machine that is busy the call's own deadline may come before the answer that sets out just before it.
        assert isinstance(error, Pending | DeadlinePassed)
    await asyncio.to_thread(a.kill)
    await asyncio.to_thread(a.restart)
    await asyncio.to_thread(b.restart)
    async with AsyncSidecar(a.endpoint) as client, AsyncSidecar(b.endpoint) as other:
        await client.wait_ready()
        if asked == "when it is there":
            async with other.consume(credits=1) as messages:
                await other.connect(a.contact)
                assert (await following(messages)).payload == b"x"
        else:
            await other.connect(a.contact)
        assert (await client.send(b.peer_id, b"x", request_id="r", durable=True)).level == "delivered"
        queues = (await other.queues()).queues
        assert [queue.messages for queue in queues] == [1]


async def test_extend_and_nack_with_delay(sides: Sides) -> None:
    a, b = await sides.pair()
    for payload in (b"long", b"late", b"next"):
        await a.client.send(b.peer_id, payload)
    async with b.client.consume(credits=2, ack_deadline=1.5) as messages:
        long, late = await following(messages), await following(messages)
        await messages.extend(long, seconds=60)
        await messages.nack(late, delay=0.2)
        passed = await following(messages)
        assert passed.payload == b"next"
        await messages.ack(passed)
        for times in (1, 2):  # nacked; then overdue, as the first would have been before
            late = await following(messages)
            assert (late.payload, late.redelivery_count) == (b"late", times)
        await messages.ack(long)
        assert messages.unknown == 0


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        (pb.ConsumeRequest(nack=pb.ConsumeNack(delay={"seconds": -1})), "nack.delay"),
        (pb.ConsumeRequest(nack=pb.ConsumeNack(delay={"seconds": 86_401})), "nack.delay"),
        (pb.ConsumeRequest(extend=pb.ConsumeExtend(deadline={"seconds": 1 << 40})), "extend.deadline"),
    ],
)
async def test_times_out_of_bounds_cost_the_call(pair: tuple[Side, Side], frame: pb.ConsumeRequest, field: str) -> None:
    call: Any = pair[0].client.stubs.messages.Consume()
    await call.write(pb.ConsumeRequest(open=pb.ConsumeOpen()))
    await call.write(frame)
    error = await failure(call.read())
    assert isinstance(error, InvalidField)
    assert error.fields[0][0] == field


async def test_wrong_wishes_are_refused(sides: Sides) -> None:
    a = await keeping(sides)
    for wrong in ({"ttl": 1.0}, {"ttl": 0.0, "durable": True}, {"ttl": -1.0, "durable": True}):
        assert isinstance(await failure(a.client.send(STRANGER, b"x", **wrong)), InvalidField)  # type: ignore[arg-type]
    assert isinstance(await failure(a.client.replay("outgoing")), InvalidField)
    assert isinstance(await failure(a.client.purge("outgoing", ids=[1 << 63])), InvalidField)


async def test_credit_of_nothing_and_of_everything(pair: tuple[Side, Side]) -> None:
    """2^63 in a field of 32 bits is what is left of it there, 0; it changes nothing and breaks nothing."""
    a, b = pair
    call: Any = b.client.stubs.messages.Consume()
    await call.write(pb.ConsumeRequest(open=pb.ConsumeOpen(credits=0)))
    for more in (0, (1 << 32) - 1, (1 << 32) - 1):
        await call.write(pb.ConsumeRequest(credit=pb.ConsumeCredit(credits=more)))
    await asyncio.gather(*(a.client.send(b.peer_id, b"x") for _ in range(10)))
    came = 0
    while came < 10:
        came += sum(len(delivery.messages) for delivery in (await call.read()).deliveries)
    call.cancel()


async def test_queues_are_seen_and_emptied(sides: Sides) -> None:
    a = await keeping(sides)
    for number in range(25):
        await a.client.send(STRANGER, b"%d" % number, channel=f"c{number % 2}", durable=True, wait="sent")
    kept = await a.client.queues()
    assert [(queue.channel, queue.messages) for queue in kept.queues] == [("c0", 13), ("c1", 12)]
    assert kept.journal_bytes == sum(queue.bytes for queue in kept.queues)
    pages = await a.client.stubs.queues.ListLetters(pb_list(10))
    assert len(pages.letters) == 10
    letters = await a.client.letters("outgoing", channel="c1")
    assert len(letters) == 12
    assert (await a.client.letter("outgoing", letters[0].id)).messages[0].payload == b"1"
    assert await a.client.purge("outgoing", ids=[letters[0].id]) == 1
    assert await a.client.purge("outgoing", channel="c0") == 13
    assert await a.client.purge("outgoing", peer_id=STRANGER) == 11
    assert (await a.client.queues()).journal_bytes == 0


@pytest.mark.parametrize("after", ["one", str(1 << 63), "9" * 5000], ids=["a word", "too large", "far too large"])
async def test_foreign_page_tokens(sides: Sides, after: str) -> None:
    a = await keeping(sides)
    request = pb_list(10)
    request.page_token = token_after(after)
    error = await failure(a.client.stubs.queues.ListLetters(request))
    assert (error.reason, error.fields[0][0]) == ("INVALID_FIELD", "page_token")
    assert not (await a.client.queues()).queues, "the journal goes on"


def pb_list(size: int) -> queue_pb2.ListLettersRequest:
    """Asks for a page."""
    return queue_pb2.ListLettersRequest(filter=queue_pb2.LetterFilter(queue=queue_pb2.QUEUE_OUTGOING), page_size=size)


async def test_incoming_letters_are_purged_and_their_sender_is_told(sides: Sides) -> None:
    a, b = await keeping_pair(sides)
    sending = asyncio.create_task(failure(a.client.send(b.peer_id, b"x", durable=True, wait="processed")))
    await waiting(b.client, "incoming")
    assert await b.client.purge("incoming") == 1
    assert (await sending).reason == "PURGED"
    async with b.client.consume() as messages:
        await a.client.send(b.peer_id, b"y")
        assert (await following(messages)).payload == b"y"


async def test_processed_is_unknown_when_the_receiver_of_a_plain_message_dies(sides: Sides) -> None:
    a = await sides.start(network_id="test")
    b = await asyncio.to_thread(sides.processes.spawn)
    await a.client.connect(b.contact)
    sending = asyncio.create_task(failure(a.client.send(b.peer_id, b"x", wait="processed")))
    sent = False
    while not sent:
        peer = await a.client.peer(b.peer_id)
        sent = bool(peer.messages_sent) and not peer.queued_bytes
    await asyncio.to_thread(b.kill)
    await asyncio.to_thread(b.restart)
    await a.client.connect(b.contact)
    assert isinstance(await sending, OutcomeUnknown)


async def test_an_app_that_does_not_read_is_resource_exhausted_for_senders(sides: Sides) -> None:
    """With a time after which trying again makes sense; another channel goes on meanwhile."""
    a, b = await sides.pair(channel_window_bytes=64 << 10, link_window_bytes=256 << 10)
    async with b.client.consume("stalled", credits=1) as stalled, b.client.consume("read", credits=9) as read:
        assert stalled is not read
        error: SidecarError | None = None
        while error is None:  # the window may grow once, when it is known over here that an app is there
            (await one_waits(a, b.peer_id, "stalled", read=True)).cancel()
            try:
                with answered_after(1):
                    await a.client.send(b.peer_id, bytes(16 << 10), channel="stalled", timeout=30)
            except SidecarError as failed:
                error = failed
        assert isinstance(error, QueueFull)
        assert error.retry_after == 1.0
        await a.client.send(b.peer_id, b"x", channel="read", timeout=30)
        await read.ack(await following(read))
