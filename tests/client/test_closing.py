"""What is under way when a client closes, and streams and answers at their edges, against a server in a sidecar's
place."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from queue import Queue
from typing import Any

import grpc
import pytest

from sidecar_client import (
    AsyncSidecar,
    Cancelled,
    FrameUnexpected,
    IncomingRequest,
    Sidecar,
    SidecarError,
    StreamReset,
    requests,
)
from sidecar_client.gen.overlay.v1 import request_pb2, stream_pb2
from tests.client.stand_in import PATIENCE, StandIn


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server


@pytest.fixture
def sidecar(stand_in: StandIn) -> Iterator[Sidecar]:
    with Sidecar(stand_in.endpoint) as client:
        yield client


@pytest.fixture
async def client(stand_in: StandIn) -> Any:
    async with AsyncSidecar(stand_in.endpoint) as made:
        yield made


Begin = Callable[[Any], Any]

ITERATIONS: list[Begin] = [
    lambda client: client.receive("c"),
    lambda client: client.consume("c"),
    lambda client: client.watch_peers(),
    lambda client: client.events(),
    lambda client: client.datagrams("c"),
]


@pytest.mark.parametrize("begin", ITERATIONS)
def test_closing_the_client_ends_iterations(sidecar: Sidecar, stand_in: StandIn, begin: Begin) -> None:
    made, ended = begin(sidecar), Queue[Any]()
    threading.Thread(target=lambda: ended.put(list(made)), daemon=True).start()
    stand_in.call()
    sidecar.close()
    assert ended.get(timeout=PATIENCE) == []


@pytest.mark.parametrize("begin", ITERATIONS)
async def test_asyncio_closing_the_client_ends_iterations(
    client: AsyncSidecar, stand_in: StandIn, begin: Begin
) -> None:
    made = begin(client)
    if hasattr(made, "__aenter__"):
        await made.__aenter__()
    task = asyncio.create_task(_all_of(made))
    await asyncio.to_thread(stand_in.call)
    await client.close()
    assert await asyncio.wait_for(task, PATIENCE) == []


async def _all_of(made: Any) -> list[Any]:
    return [item async for item in made]


@pytest.mark.parametrize("begin", ITERATIONS[:2])
def test_closing_the_client_ends_resumptions(
    sidecar: Sidecar, stand_in: StandIn, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would look for a sidecar for ever."""
    monkeypatch.setattr(requests, "RETRY_SECONDS", (3600.0,))
    inbox = begin(sidecar)
    stand_in.call().end(grpc.StatusCode.UNAVAILABLE, "gone")
    ended: Queue[Any] = Queue()
    threading.Thread(target=lambda: ended.put(list(inbox)), daemon=True).start()
    sidecar.close()
    assert ended.get(timeout=PATIENCE) == []


@pytest.mark.parametrize("begin", ITERATIONS[:2])
async def test_asyncio_closing_the_client_ends_resumptions(
    client: AsyncSidecar, stand_in: StandIn, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "RETRY_SECONDS", (3600.0,))

    async with begin(client) as inbox:
        task = asyncio.create_task(_all_of(inbox))
        (await asyncio.to_thread(stand_in.call)).end(grpc.StatusCode.UNAVAILABLE, "gone")
        await client.close()
        assert await asyncio.wait_for(task, PATIENCE) == []


async def test_asyncio_closing_the_client_fails_what_waits(client: AsyncSidecar, stand_in: StandIn) -> None:
    """By an error: nobody has cancelled the task."""
    waiting = [
        asyncio.create_task(client.reply(_never, "c")),
        asyncio.create_task(client.accept_stream("s")),
    ]
    for _ in waiting:
        await asyncio.to_thread(stand_in.call)
    await client.close()
    for task in waiting:
        with pytest.raises(Cancelled):
            await asyncio.wait_for(task, PATIENCE)


async def _never(asked: IncomingRequest) -> bytes:
    await asyncio.Event().wait()
    return b""


def test_a_stream_that_is_not_accepted_leaves_no_call(sidecar: Sidecar, stand_in: StandIn) -> None:
    failed: Queue[Any] = Queue()

    def accept() -> None:
        try:
            sidecar.accept_stream("s")
        except SidecarError as error:
            failed.put(error)

    threading.Thread(target=accept, daemon=True).start()
    call = stand_in.call()
    call.say(stream_pb2.AcceptResponse(finished=stream_pb2.StreamFinished()))
    assert isinstance(failed.get(timeout=PATIENCE), StreamReset)
    assert call.over.wait(PATIENCE)


def test_a_stream_at_its_end(sidecar: Sidecar, stand_in: StandIn) -> None:
    stream = sidecar.open_stream("p", "s")
    call = stand_in.call()
    stream.write(b"data")
    stream.finish()
    with pytest.raises(FrameUnexpected):
        stream.write(b"more")
    assert call.hear().open.name == "s"
    assert call.hear().data == b"data"
    assert call.hear().HasField("finish")
    call.say(stream_pb2.OpenResponse(data=b"abc"))
    assert (stream.read(1), stream.read(1), stream.read(5)) == (b"a", b"b", b"c")
    stream.reset(7)
    assert call.over.wait(PATIENCE)
    stream.reset(7)


def test_a_reset_of_what_has_ended_is_no_error(sidecar: Sidecar, stand_in: StandIn) -> None:
    stream = sidecar.open_stream("p", "s")
    stand_in.call().end(grpc.StatusCode.ABORTED, "reset")
    stream.reset(7)
    with pytest.raises(SidecarError):
        stream.close()


def test_one_thread_reads_while_another_closes(sidecar: Sidecar, stand_in: StandIn) -> None:
    stream = sidecar.open_stream("p", "s")
    call = stand_in.call()
    done: Queue[Any] = Queue()
    for do in (stream.read_all, stream.close):
        threading.Thread(target=lambda do=do: done.put(do()), daemon=True).start()
    assert call.hear().open.name == "s"
    assert call.hear().HasField("finish")
    call.say(stream_pb2.OpenResponse(finished=stream_pb2.StreamFinished()))
    call.end()
    assert {done.get(timeout=PATIENCE), done.get(timeout=PATIENCE)} == {b"", None}


async def test_asyncio_a_stream_at_its_end(client: AsyncSidecar, stand_in: StandIn) -> None:
    stream = await client.open_stream("p", "s")
    call = await asyncio.to_thread(stand_in.call)
    await stream.finish()
    with pytest.raises(FrameUnexpected):
        await stream.write(b"more")
    call.say(stream_pb2.OpenResponse(data=b"abc"))
    assert (await stream.read(1), await stream.read(5)) == (b"a", b"bc")
    await stream.reset(7)
    assert await asyncio.to_thread(call.over.wait, PATIENCE)
    ended = await client.open_stream("p", "s")
    (await asyncio.to_thread(stand_in.call)).end(grpc.StatusCode.ABORTED, "reset")
    with pytest.raises(SidecarError):
        await ended.read()
    with pytest.raises(SidecarError):
        await ended.write(b"x")
    await ended.reset(7)


async def test_asyncio_a_request_taken_back_while_its_answer_is_written(
    client: AsyncSidecar, stand_in: StandIn
) -> None:
    """It costs no other one its answer."""
    answered = asyncio.Event()

    async def answer(asked: IncomingRequest) -> bytes:
        answered.set()
        return asked.payload

    serving = asyncio.create_task(client.reply(answer, "c"))
    call = await asyncio.to_thread(stand_in.call)
    assert (await asyncio.to_thread(call.hear)).open.channel == "c"
    for number in range(1, 50):
        asked = request_pb2.IncomingRequest(request_id=number, payload=bytes(1 << 16))
        call.say(request_pb2.ReplyResponse(requests=[asked]), request_pb2.ReplyResponse(cancelled=[number]))
        await answered.wait()
        answered.clear()
    call.say(request_pb2.ReplyResponse(requests=[request_pb2.IncomingRequest(request_id=99, payload=b"last")]))
    while (frame := await asyncio.to_thread(call.hear)).answers.answers[0].request_id != 99:
        pass
    assert frame.answers.answers[0].payload == b"last"
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving


def test_a_responder_that_is_refused_says_so(sidecar: Sidecar, stand_in: StandIn) -> None:
    stand_in.refusal = (grpc.StatusCode.RESOURCE_EXHAUSTED, "too many")
    with pytest.raises(SidecarError, match="too many"):
        sidecar.reply(lambda asked: asked.payload, "c")
