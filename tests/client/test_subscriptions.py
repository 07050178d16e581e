"""The subscriptions of both clients against a server that does what a test says."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections import deque
from collections.abc import Iterator
from queue import Queue
from typing import Any

import grpc
import pytest

from sidecar_client import (
    AsyncSidecar,
    Gap,
    Received,
    Sidecar,
    SidecarError,
    requests,
)
from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from tests.client.stand_in import PATIENCE, Call, StandIn, deliveries


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server


@pytest.fixture
def sidecar(stand_in: StandIn) -> Iterator[Sidecar]:
    with Sidecar(stand_in.endpoint) as client:
        yield client


def received(*payloads: bytes) -> pb.ReceiveResponse:
    return pb.ReceiveResponse(deliveries=deliveries(*payloads))


def consumed(*payloads: bytes, first_id: int = 1) -> pb.ConsumeResponse:
    return pb.ConsumeResponse(deliveries=deliveries(*payloads, first_id=first_id))


def payload(item: Received | Gap) -> bytes:
    assert isinstance(item, Received), item
    return item.payload


def acked(call: Call, count: int) -> list[int]:
    """So many ids that were acked."""
    found: list[int] = []
    while len(found) < count:
        for held in call.hear().ack.ranges:
            found += range(held.first, held.last + 1)
    return found


def client_threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if "consume_request_iterator" in thread.name}


def test_threads_share_a_subscription(sidecar: Sidecar, stand_in: StandIn) -> None:
    """Each message goes to one of them, and all end when it is closed."""
    inbox = sidecar.receive("c")
    call = stand_in.call()
    came: Queue[Any] = Queue()

    def work() -> None:
        try:
            for item in inbox:
                came.put(payload(item))
        except BaseException as error:
            came.put(error)
            raise
        came.put(None)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    expected = set()
    for number in range(300):
        batch = [b"%d-%d" % (number, index) for index in range(number % 3 + 1)]
        expected |= set(batch)
        call.say(received(*batch))
    got = [came.get(timeout=PATIENCE) for _ in expected]
    assert set(got) == expected
    inbox.close()
    assert [came.get(timeout=PATIENCE) for _ in threads] == [None] * 8


def test_threads_resume_once(sidecar: Sidecar, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that breaks under several of them is opened again by one."""
    monkeypatch.setattr(requests, "RETRY_SECONDS", (0.001,))
    inbox = sidecar.receive("c")
    call = stand_in.call()
    came: Queue[Any] = Queue()
    for _ in range(4):
        threading.Thread(target=lambda: deque(map(came.put, inbox)), daemon=True).start()
    for number in range(5):
        call.end(grpc.StatusCode.UNAVAILABLE, "gone")
        call = stand_in.call()
        gap = came.get(timeout=PATIENCE)
        assert isinstance(gap, Gap)
        assert not gap.restarted
        call.say(received(b"%d" % number))
        assert payload(came.get(timeout=PATIENCE)) == b"%d" % number
    assert stand_in.calls.empty(), "a call that nobody reads"
    assert came.empty()
    inbox.close()


def test_closed_while_it_is_opened_anew(sidecar: Sidecar, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call that was being opened does not stay behind: it would take messages that nobody reads."""
    inbox = sidecar.receive("c")
    stand_in.call().end(grpc.StatusCode.UNAVAILABLE, "gone")
    begun, closed = threading.Event(), threading.Event()
    begin = inbox._begin

    def slow() -> Any:
        begun.set()
        assert closed.wait(PATIENCE)
        return begin()

    monkeypatch.setattr(inbox, "_begin", slow)
    rest: Queue[Any] = Queue()
    threading.Thread(target=lambda: rest.put(list(inbox)), daemon=True).start()
    assert begun.wait(PATIENCE)
    inbox.close()
    closed.set()
    assert not [item for item in rest.get(timeout=PATIENCE) if isinstance(item, Received)]
    if not stand_in.calls.empty():  # it may have been cancelled before it was sent
        assert stand_in.call().over.wait(PATIENCE)


def test_a_consumer_that_cannot_be_opened_leaves_no_thread(sidecar: Sidecar, stand_in: StandIn) -> None:
    before = client_threads()
    stand_in.refusal = (grpc.StatusCode.RESOURCE_EXHAUSTED, "too many")
    for _ in range(5):
        with pytest.raises(SidecarError):
            sidecar.consume("c")
    for thread in threading.enumerate():
        if thread.name in client_threads() - before:
            thread.join(PATIENCE)
            assert not thread.is_alive()


def test_acks_go_out_as_they_are_told(sidecar: Sidecar, stand_in: StandIn) -> None:
    with sidecar.consume("c", credits=5) as jobs:
        call = stand_in.call()
        assert call.hear().open.credits == 5
        call.say(consumed(b"1", b"2", b"3"))
        first, second, third = (next(jobs) for _ in range(3))
        assert isinstance(first, Received)
        assert isinstance(second, Received)
        assert isinstance(third, Received)
        jobs.ack(first, second)
        assert acked(call, 2) == [1, 2]
        jobs.nack(third, delay=2)
        nack = call.hear().nack
        assert [(held.first, held.last) for held in nack.ranges] == [(3, 3)]
        assert nack.delay.ToSeconds() == 2
        jobs.ack(third)
        closing = threading.Thread(target=jobs.close, daemon=True)
        closing.start()
        assert acked(call, 1) == [3]
        assert call.hear() is None
        call.say(pb.ConsumeResponse(unknown=[pb.DeliveryRange(first=3, last=3)]))
        call.end()
        closing.join(PATIENCE)
        assert not closing.is_alive()


def test_a_signal_s_handler_may_close(sidecar: Sidecar, stand_in: StandIn) -> None:
    """In the thread that iterates, which waits at that time: the way a worker is told to end."""
    jobs = sidecar.consume("c")
    call = stand_in.call()
    call.hear()

    def told() -> None:
        call.say(consumed(b"job"))
        assert acked(call, 1) == [1]
        signal.raise_signal(signal.SIGUSR1)
        assert call.hear() is None
        call.end()

    former = signal.signal(signal.SIGUSR1, lambda *_: jobs.close())
    try:
        beside = threading.Thread(target=told, daemon=True)
        beside.start()
        done = []
        for job in jobs:
            done.append(payload(job))
            assert isinstance(job, Received)
            jobs.ack(job)
        beside.join(PATIENCE)
        assert done == [b"job"]
    finally:
        signal.signal(signal.SIGUSR1, former)


def test_what_cannot_be_read_ends_the_call(sidecar: Sidecar, stand_in: StandIn) -> None:
    inbox = sidecar.receive("c")
    call = stand_in.call()
    stray = pb.Delivery(chunk=pb.Chunk(offset=5, total=9, data=b"x"))
    call.say(pb.ReceiveResponse(deliveries=[*deliveries(b"good"), stray]))
    with pytest.raises(SidecarError, match="continues nothing"):
        next(inbox)
    assert payload(next(inbox)) == b"good"
    assert call.over.wait(PATIENCE)
    inbox.close()


# asyncio


@pytest.fixture
async def client(stand_in: StandIn) -> Any:
    async with AsyncSidecar(stand_in.endpoint) as made:
        yield made


async def test_asyncio_waiting_for_so_long_loses_nothing(client: AsyncSidecar, stand_in: StandIn) -> None:
    """`wait_for` cancels who waits, and not the subscription."""
    async with client.receive("c") as inbox:
        call = await asyncio.to_thread(stand_in.call)
        for number in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(inbox), 0.01)
            call.say(received(b"%d" % number))
            assert payload(await asyncio.wait_for(anext(inbox), PATIENCE)) == b"%d" % number
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(inbox), 0.01)
    assert stand_in.calls.empty()
    assert call.over.wait(PATIENCE)


async def test_asyncio_tasks_share_a_subscription(client: AsyncSidecar, stand_in: StandIn) -> None:
    came: asyncio.Queue[bytes | None] = asyncio.Queue()
    async with client.consume("c", credits=300) as jobs:
        call = await asyncio.to_thread(stand_in.call)
        await asyncio.to_thread(call.hear)

        async def work() -> None:
            async for item in jobs:
                assert isinstance(item, Received)
                await jobs.ack(item)
                came.put_nowait(item.payload)
            came.put_nowait(None)

        tasks = [asyncio.create_task(work()) for _ in range(8)]
        for number in range(100):
            call.say(consumed(b"a%d" % number, b"b%d" % number, first_id=2 * number + 1))
        got = [await asyncio.wait_for(came.get(), PATIENCE) for _ in range(200)]
        assert len(set(got)) == 200
        assert sorted(await asyncio.to_thread(acked, call, 200)) == list(range(1, 201))
        closing = asyncio.create_task(jobs.close())
        assert await asyncio.to_thread(call.hear) is None
        call.end()
        await asyncio.wait_for(closing, PATIENCE)
        await asyncio.gather(*tasks)


async def test_asyncio_cancelled_while_it_is_opened_anew(
    client: AsyncSidecar, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks next goes on with it."""
    monkeypatch.setattr(requests, "RETRY_SECONDS", (30.0,))
    async with client.receive("c") as inbox:
        (await asyncio.to_thread(stand_in.call)).end(grpc.StatusCode.UNAVAILABLE, "gone")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(inbox), 0.2)
        monkeypatch.setattr(requests, "RETRY_SECONDS", (0.001,))
        gap = await asyncio.wait_for(anext(inbox), PATIENCE)
        assert isinstance(gap, Gap)
        assert gap.detail == "gone"
        call = await asyncio.to_thread(stand_in.call)
        call.say(received(b"after"))
        assert payload(await asyncio.wait_for(anext(inbox), PATIENCE)) == b"after"


async def test_asyncio_close_ends_who_waits(client: AsyncSidecar, stand_in: StandIn) -> None:
    for begin in (client.receive, client.consume):
        inbox = begin("c")
        await inbox.__aenter__()
        call = await asyncio.to_thread(stand_in.call)

        async def all_of(inbox: Any = inbox) -> list[Any]:
            return [item async for item in inbox]

        waiting = asyncio.create_task(all_of())
        await asyncio.sleep(0)
        closing = asyncio.create_task(inbox.close())
        call.end()
        await asyncio.wait_for(closing, PATIENCE)
        assert await asyncio.wait_for(waiting, PATIENCE) == []


async def test_asyncio_what_cannot_be_opened(client: AsyncSidecar, stand_in: StandIn) -> None:
    stand_in.refusal = (grpc.StatusCode.RESOURCE_EXHAUSTED, "too many")
    for begin in (client.receive, client.consume):
        with pytest.raises(SidecarError):
            await begin("c").__aenter__()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    _, pending = await asyncio.wait(others, timeout=1) if others else (set(), set())
    assert not [task for task in pending if "_write" in repr(task)]
