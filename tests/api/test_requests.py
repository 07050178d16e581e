"""Request and Reply over real sidecars."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sidecar.api.front.lean import frames
from sidecar.mail import requests as mail
from sidecar_client import (
    AnswerError,
    DeadlinePassed,
    IncomingRequest,
    LimitReached,
    NoSubscriber,
    OutcomeUnknown,
    PeerNotAllowed,
    Replied,
    RequestFailed,
    Sidecar,
)
from sidecar_client.gen.overlay.v1 import request_pb2 as pb
from tests.api.conftest import Side, Sides, answered_after, until
from tests.api.front.raw import RawClient

Pair = tuple[Side, Side]


@asynccontextmanager
async def answering(
    side: Side, answer: Callable[[IncomingRequest], Awaitable[bytes | Replied]], channel: str = "", credit: int = 16
) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(side.client.reply(answer, channel, credits=credit))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def echo(asked: IncomingRequest) -> Replied:
    return Replied(asked.payload, {**asked.headers, "from": asked.peer_id, "on": asked.channel})


async def test_asked_and_answered(pair: Pair) -> None:
    a, b = pair
    async with answering(b, echo, "echo"):
        reply = await a.client.request(b.peer_id, b"what?", channel="echo", headers={"k": "v"})
        assert reply == Replied(b"what?", {"k": "v", "from": a.peer_id, "on": "echo"})
        large = bytes(3 << 20)
        assert (await a.client.request(b.peer_id, large, channel="echo")).payload == large
        assert (await a.client.request(b.peer_id, channel="echo")).payload == b""
        many = await asyncio.gather(
            *(a.client.request(b.peer_id, str(number).encode(), channel="echo") for number in range(200))
        )
        assert [reply.payload for reply in many] == [str(number).encode() for number in range(200)]
    assert b.sidecar.node.counters.requests["answered"] == 203
    assert b.sidecar.node.requests.held_bytes == 0


async def test_threads(pair: Pair) -> None:
    a, b = pair
    async with answering(b, echo, "echo"):

        def ask() -> bytes:
            with Sidecar(a.sidecar.address) as client:
                return client.request(b.peer_id, b"from a thread", channel="echo").payload

        assert await asyncio.to_thread(ask) == b"from a thread"


async def test_an_app_that_answers_in_a_thread(pair: Pair) -> None:
    a, b = pair
    client = Sidecar(b.sidecar.address)

    def answer(asked: IncomingRequest) -> bytes:
        if asked.payload == b"no":
            raise AnswerError("refused", "not that")
        return asked.payload.upper()

    serving = asyncio.create_task(asyncio.to_thread(client.reply, answer, "upper"))
    assert (await a.client.request(b.peer_id, b"x", channel="upper")).payload == b"X"
    with pytest.raises(RequestFailed) as error:
        await a.client.request(b.peer_id, b"no", channel="upper")
    assert (error.value.metadata["code"], error.value.detail) == ("refused", "not that")
    client.close()
    await asyncio.gather(serving, return_exceptions=True)


async def test_an_error_comes_back_typed(pair: Pair) -> None:
    a, b = pair

    async def refuse(asked: IncomingRequest) -> bytes:
        if asked.payload:
            raise AnswerError("no-such-order", "order 7 is not known")
        raise ValueError("a bug")

    async with answering(b, refuse):
        with pytest.raises(RequestFailed) as error:
            await a.client.request(b.peer_id, b"7")
        assert error.value.metadata["code"] == "no-such-order"
        assert error.value.detail == "order 7 is not known"
        with pytest.raises(RequestFailed) as error:
            await a.client.request(b.peer_id)
        assert error.value.metadata["code"] == "internal"


async def test_the_deadline_is_carried(pair: Pair) -> None:
    a, b = pair
    left: list[float | None] = []
    ended = asyncio.Event()

    async def slow(asked: IncomingRequest) -> bytes:
        left.append(asked.time_left)
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return b""

    async with answering(b, slow):
        with answered_after(1.0), pytest.raises(DeadlinePassed, match="took longer"):
            await a.client.request(b.peer_id, timeout=30)
        await ended.wait()
    assert left[0] is not None
    assert 0 < left[0] <= 1.0


async def test_a_call_whose_request_never_comes(sides: Sides) -> None:
    """It ends at its deadline, and its client's others go on."""
    a = await sides.start()
    raw = await RawClient.connect(a.sidecar.address)
    fields = [
        (":method", "POST"), (":scheme", "http"), (":path", "/overlay.v1.MessageService/Request"),
        (":authority", "test"), ("content-type", "application/grpc"), ("te", "trailers"), ("grpc-timeout", "200m"),
    ]  # fmt: skip
    await raw.send(frames.frame(frames.HEADERS, frames.END_HEADERS, 1, raw.encoder.encode(fields)))
    while (frame := await raw.read()).stream_id != 1:
        pass
    if frame.kind == frames.HEADERS:
        read = {str(name): str(value) for name, value in raw.decoder.decode(frame.payload)}
        assert read["grpc-status"] == "4"
    else:  # grpcio's way to say it
        assert (frame.kind, frame.payload) == (frames.RST_STREAM, frames.NUMBER.pack(frames.ErrorCode.CANCEL))
    await raw.close()
    assert (await a.client.node()).peer_id == a.peer_id


async def test_cancelling_reaches_the_other_app(pair: Pair) -> None:
    a, b = pair
    begun, ended = asyncio.Event(), asyncio.Event()

    async def slow(asked: IncomingRequest) -> bytes:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return b""

    async with answering(b, slow):
        asking = asyncio.create_task(a.client.request(b.peer_id))
        await begun.wait()
        asking.cancel()
        await ended.wait()


async def test_nobody_answers(pair: Pair) -> None:
    a, b = pair
    with answered_after(1.5), pytest.raises(NoSubscriber):
        await a.client.request(b.peer_id, channel="nobody", timeout=30)
    await until(lambda: not b.sidecar.node.requests.waiting)


async def test_it_waits_for_an_app(pair: Pair) -> None:
    a, b = pair
    asking = asyncio.create_task(a.client.request(b.peer_id, b"early"))
    await until(lambda: b.sidecar.node.requests.waiting > 0)
    async with answering(b, echo):
        assert (await asking).payload == b"early"


async def test_load_is_spread_by_credit(pair: Pair) -> None:
    """Two apps with 4 and 1 credits: the one gets at most 4 at once, the other 1, and each is busy."""
    a, b = pair
    at_once = {"large": 0, "small": 0}
    most = {"large": 0, "small": 0}
    go = asyncio.Event()

    def worker(name: str) -> Callable[[IncomingRequest], Awaitable[bytes]]:
        async def answer(asked: IncomingRequest) -> bytes:
            at_once[name] += 1
            most[name] = max(most[name], at_once[name])
            await go.wait()
            at_once[name] -= 1
            return name.encode()

        return answer

    async with answering(b, worker("large"), credit=4), answering(b, worker("small"), credit=1):
        asking = [asyncio.create_task(a.client.request(b.peer_id)) for _ in range(20)]
        await until(lambda: sum(at_once.values()) >= 5)
        assert b.sidecar.node.requests.waiting <= 15
        go.set()
        replies = [reply.payload for reply in await asyncio.gather(*asking)]
    assert most == {"large": 4, "small": 1}
    assert set(replies) == {b"large", b"small"}


async def test_an_app_that_dies_with_requests_in_hand(pair: Pair) -> None:
    """Nobody else gets them: they may have been done."""
    a, b = pair
    begun = asyncio.Event()
    seen = 0

    async def never(asked: IncomingRequest) -> bytes:
        nonlocal seen
        seen += 1
        begun.set()
        await asyncio.Event().wait()
        return b""

    async with answering(b, never):
        asking = asyncio.create_task(a.client.request(b.peer_id))
        await begun.wait()
    async with answering(b, echo):
        with pytest.raises(OutcomeUnknown, match="went away"):
            await asking
    assert seen == 1


async def test_a_reply_to_nobody_is_an_error_of_that_reply_only(pair: Pair) -> None:
    a, b = pair
    call: Any = b.client.stubs.messages.Reply()
    await call.write(pb.ReplyRequest(open=pb.ReplyOpen(channel="x", credits=2)))
    await call.write(pb.ReplyRequest(answers=pb.ReplyAnswers(answers=[pb.Answer(request_id=77)])))
    assert list((await call.read()).unknown) == [77]
    asking = asyncio.create_task(a.client.request(b.peer_id, b"?", channel="x"))
    (asked,) = (await call.read()).requests
    answers = [pb.Answer(request_id=asked.request_id, payload=payload) for payload in (b"first", b"second")]
    await call.write(pb.ReplyRequest(answers=pb.ReplyAnswers(answers=answers)))
    assert (await asking).payload == b"first"
    assert list((await call.read()).unknown) == [asked.request_id]
    call.cancel()


async def test_only_peers_that_are_allowed(sides: Sides) -> None:
    a, b = await sides.pair()
    c = await sides.start()
    await c.client.connect(b.contact)
    task = asyncio.create_task(b.client.reply(echo, "x", peer_ids=[a.peer_id]))
    assert (await a.client.request(b.peer_id, b"1", channel="x")).payload == b"1"
    with pytest.raises(PeerNotAllowed):
        await c.client.request(b.peer_id, b"1", channel="x")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_requests_nobody_takes_are_bounded(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = pair
    monkeypatch.setattr(mail, "HELD_MAX", 1 << 20)
    waiting = [asyncio.create_task(a.client.request(b.peer_id, bytes(400 << 10), timeout=5)) for _ in range(4)]
    done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert {type(task.exception()).__name__ for task in done} == {"LimitReached"}
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    await until(lambda: not b.sidecar.node.requests.held_bytes)


@pytest.mark.parametrize(("limit", "most", "size"), [("HELD_MAX", 1 << 20, 200 << 10), ("WAITING_MAX", 4, 1)])
async def test_one_peer_leaves_room_for_another(
    sides: Sides, monkeypatch: pytest.MonkeyPatch, limit: str, most: int, size: int
) -> None:
    a, b = await sides.pair()
    c = await sides.start()
    await c.client.connect(b.contact)
    monkeypatch.setattr(mail, limit, most)
    greedy = [asyncio.create_task(a.client.request(b.peer_id, bytes(size), timeout=30)) for _ in range(4)]
    await until(lambda: sum(task.done() for task in greedy) == 2)
    other = asyncio.create_task(c.client.request(b.peer_id, bytes(size), timeout=30))
    await until(lambda: b.sidecar.node.requests.waiting == 3)
    async with answering(b, echo):
        assert (await other).payload == bytes(size)
        ends = await asyncio.gather(*greedy, return_exceptions=True)
    assert sum(isinstance(end, LimitReached) for end in ends) == 2
    assert not b.sidecar.node.requests.held_bytes


@pytest.mark.parametrize("asker_leaves", [True, False])
async def test_leaving_waits_for_the_reply(pair: Pair, asker_leaves: bool) -> None:
    """Whichever sidecar leaves: what was asked is answered first."""
    a, b = pair
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow(asked: IncomingRequest) -> bytes:
        begun.set()
        await go.wait()
        return b"done"

    async with answering(b, slow):
        asking = asyncio.create_task(a.client.request(b.peer_id))
        await begun.wait()
        side, other = (a, b) if asker_leaves else (b, a)
        leaving = asyncio.create_task(side.client.disconnect(other.peer_id))
        await until(lambda: side.sidecar.node.links.peers[other.peer_id].leaving is not None)
        assert not leaving.done()
        go.set()
        assert (await asking).payload == b"done"
        assert await leaving == 0
