"""The senders of both clients against a server that answers as a test says."""

from __future__ import annotations

import asyncio
import copy
import pickle
import threading
import traceback
from collections.abc import Iterator
from queue import Queue
from typing import Any

import grpc
import pytest

from sidecar_client import (
    AsyncSender,
    AsyncSidecar,
    Cancelled,
    DeadlinePassed,
    Failure,
    InvalidField,
    LinkClosed,
    NoSubscriber,
    OutcomeUnknown,
    Sender,
    SendFailed,
    Sidecar,
    SidecarError,
    SidecarUnavailable,
    TokenInvalid,
)
from sidecar_client.gen.overlay.v1 import errors_pb2
from sidecar_client.outgoing import FRAME_BYTES
from tests.client.stand_in import PATIENCE, WINDOW, Call, StandIn

CLOSED = errors_pb2.ERROR_REASON_LINK_CLOSED
NOBODY = errors_pb2.ERROR_REASON_NO_SUBSCRIBER
NEWER = 999


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server


@pytest.fixture
def sidecar(stand_in: StandIn) -> Iterator[Sidecar]:
    with Sidecar(stand_in.endpoint) as client:
        yield client


def opened(sidecar: Sidecar, stand_in: StandIn) -> tuple[Sender, Call]:
    out = sidecar.sender("p", channel="c")
    call = stand_in.call()
    assert call.hear().open.channel == "c"
    return out, call


class Beside:
    """Something done in a thread of its own, and what came of it."""

    def __init__(self, do: Any) -> None:
        self._came: Queue[Any] = Queue()
        self.begun = threading.Event()
        threading.Thread(target=self._run, args=(do,), daemon=True).start()
        assert self.begun.wait(PATIENCE)

    def _run(self, do: Any) -> None:
        self.begun.set()
        try:
            self._came.put(do())
        except SidecarError as error:
            self._came.put(error)

    def result(self) -> Any:
        return self._came.get(timeout=PATIENCE)

    @property
    def over(self) -> bool:
        return not self._came.empty()


def test_failures_in_the_middle_of_a_batch(sidecar: Sidecar, stand_in: StandIn) -> None:
    """Each is named once, by number, whatever came around it; what did not fail is not touched."""
    out, call = opened(sidecar, stand_in)
    for number in range(10):
        out.send(b"%d" % number)
    assert [message.payload for message in call.messages(10)] == [b"%d" % number for number in range(10)]
    call.receipt(4, (2, 3, CLOSED))
    out.result(1, PATIENCE)
    out.result(4, PATIENCE)
    for number in (2, 3):
        with pytest.raises(LinkClosed):
            out.result(number)
    call.receipt(10, (7, 7, NOBODY))
    with pytest.raises(SendFailed) as raised:
        out.flush(PATIENCE)
    failures = [(failure.first, failure.last, type(failure.error)) for failure in raised.value.failures]
    assert failures == [(2, 3, LinkClosed), (7, 7, NoSubscriber)]
    out.flush(PATIENCE)
    with pytest.raises(NoSubscriber):
        out.result(7)
    call.end()
    out.close()


def test_a_reason_of_a_newer_sidecar(sidecar: Sidecar, stand_in: StandIn) -> None:
    out, call = opened(sidecar, stand_in)
    out.send(b"x")
    call.messages(1)
    call.receipt(1, (1, 1, NEWER))
    with pytest.raises(SendFailed) as raised:
        out.flush(PATIENCE)
    assert type(raised.value.failures[0].error) is SidecarError
    assert raised.value.reason == str(NEWER)
    out.cancel()


def test_a_full_window_waits_for_outcomes(sidecar: Sidecar, stand_in: StandIn) -> None:
    out, call = opened(sidecar, stand_in)
    payload = bytes(FRAME_BYTES)
    for _ in range(WINDOW // len(payload)):
        out.send(payload)
    more = Beside(lambda: out.send(b"more"))
    other = Beside(lambda: out.send(b"other"))
    call.messages(WINDOW // len(payload))
    assert not more.over
    assert not other.over
    call.receipt(1)
    assert sorted((more.result(), other.result())) == [17, 18]
    assert sorted(message.payload for message in call.messages(2)) == [b"more", b"other"]
    call.receipt(18)
    out.flush(PATIENCE)
    call.end()
    out.close()


def test_cancel_wakes_whoever_waits(sidecar: Sidecar, stand_in: StandIn) -> None:
    out, call = opened(sidecar, stand_in)
    while out.send(bytes(FRAME_BYTES)) < WINDOW // FRAME_BYTES:
        pass
    call.messages(16)
    room = Beside(lambda: out.send(b"no room"))
    flush = Beside(out.flush)
    first = Beside(lambda: out.result(1))
    last = Beside(lambda: out.result(16))
    out.cancel()
    assert isinstance(room.result(), Cancelled)
    failed = flush.result()
    assert isinstance(failed, SendFailed)
    assert [(failure.first, failure.last) for failure in failed.failures] == [(1, 16)]
    assert isinstance(first.result(), OutcomeUnknown)
    assert isinstance(last.result(), OutcomeUnknown)
    assert call.over.wait(PATIENCE)


def test_close_sends_what_was_added_and_refuses_more(sidecar: Sidecar, stand_in: StandIn) -> None:
    out, call = opened(sidecar, stand_in)
    for number in range(3):
        out.send(b"%d" % number)
    closing = Beside(out.close)
    assert len(call.messages(3)) == 3
    assert call.hear() is None
    with pytest.raises(SidecarUnavailable, match="the sender is closed"):
        out.send(b"too late")
    assert not closing.over
    call.receipt(3)
    call.end()
    assert closing.result() is None
    out.close()


def test_close_wakes_who_waits_for_room(sidecar: Sidecar, stand_in: StandIn) -> None:
    out, call = opened(sidecar, stand_in)
    while out.send(bytes(FRAME_BYTES)) < WINDOW // FRAME_BYTES:
        pass
    room = Beside(lambda: out.send(b"no room"))
    closing = Beside(out.close)
    assert isinstance(room.result(), SidecarUnavailable)
    assert len(call.messages(16)) == 16
    call.receipt(16)
    call.end()
    assert closing.result() is None


def test_a_call_that_ends_early_names_what_has_no_outcome(sidecar: Sidecar, stand_in: StandIn) -> None:
    out, call = opened(sidecar, stand_in)
    for _ in range(5):
        out.send(b"x")
    call.messages(5)
    call.receipt(2)
    call.end()
    with pytest.raises(SendFailed) as raised:
        out.flush(PATIENCE)
    assert [(failure.first, failure.last) for failure in raised.value.failures] == [(3, 5)]
    assert isinstance(raised.value.failures[0].error, OutcomeUnknown)


def test_what_is_refused_fails_with_the_refusal(sidecar: Sidecar, stand_in: StandIn) -> None:
    out, call = opened(sidecar, stand_in)
    for _ in range(3):
        out.send(b"x")
    call.messages(3)
    call.receipt(1)
    out.result(1, PATIENCE)
    call.end(grpc.StatusCode.UNAUTHENTICATED, "no token")
    with pytest.raises(SendFailed, match="2 messages failed, the first being number 2"):
        out.flush(PATIENCE)
    with pytest.raises(TokenInvalid):
        out.send(b"x")


def test_the_error_of_a_dead_sender_does_not_grow(sidecar: Sidecar, stand_in: StandIn) -> None:
    """It is raised to everybody who tries again, and keeps nobody's frames."""
    out, call = opened(sidecar, stand_in)
    call.end(grpc.StatusCode.UNAVAILABLE, "gone")
    with pytest.raises(SidecarError):
        out.result(out.send(b"x"), PATIENCE)
    for again in (lambda: out.send(b"x"), lambda: out.result(1)):
        lengths = set()
        for _ in range(5):
            with pytest.raises(SidecarError) as raised:
                again()
            lengths.add(len(traceback.extract_tb(raised.value.__traceback__)))
        assert len(lengths) == 1


def test_what_is_no_bytes_is_the_caller_s_error(sidecar: Sidecar, stand_in: StandIn) -> None:
    """And nobody else's: the call goes on. What may change after `send` is taken as it was."""
    out, call = opened(sidecar, stand_in)
    for wrong in ("text", 5, None):
        with pytest.raises(TypeError):
            out.send(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        out.send(b"x", headers={"a": 1})  # type: ignore[dict-item]
    changing = bytearray(b"before")
    assert out.send(changing) == 1  # type: ignore[arg-type]
    changing[:] = b"after!"
    assert call.messages(1)[0].payload == b"before"
    call.receipt(1)
    out.flush(PATIENCE)
    out.cancel()


def test_waiting_has_an_end(sidecar: Sidecar, stand_in: StandIn) -> None:
    out, call = opened(sidecar, stand_in)
    out.send(b"a")
    out.send(b"b")
    call.messages(2)
    call.receipt(1)
    out.result(1, PATIENCE)
    with pytest.raises(DeadlinePassed, match="1 messages have no outcome"):
        out.flush(0.01)
    with pytest.raises(DeadlinePassed, match="message 2 has no outcome"):
        out.result(2, 0.01)
    for never in (0, 3):
        with pytest.raises(InvalidField, match="number"):
            out.result(never)
    out.cancel()


def test_failures_travel_between_processes() -> None:
    failed = SendFailed([Failure(2, 4, LinkClosed("closed", metadata={"a": "b"}))])
    for again in (pickle.loads(pickle.dumps(failed)), copy.copy(failed)):
        assert str(again) == str(failed)
        assert (again.failures[0].first, again.failures[0].last) == (2, 4)
        assert isinstance(again.failures[0].error, LinkClosed)
        assert again.failures[0].error.metadata == {"a": "b"}
        assert (again.code, again.reason) == (failed.code, failed.reason)


# asyncio


@pytest.fixture
async def pair(stand_in: StandIn) -> Any:
    async with AsyncSidecar(stand_in.endpoint) as client:
        out = await client.sender("p", channel="c").__aenter__()
        call = await asyncio.to_thread(stand_in.call)
        await asyncio.to_thread(call.hear)
        yield out, call
        await out.cancel()


Pair = tuple[AsyncSender, Call]


async def test_asyncio_failures_in_the_middle(pair: Pair) -> None:
    out, call = pair
    for number in range(10):
        await out.send(b"%d" % number)
    assert len(await asyncio.to_thread(call.messages, 10)) == 10
    call.receipt(10, (2, 3, CLOSED), (7, 7, NEWER))
    await out.result(1, PATIENCE)
    with pytest.raises(LinkClosed):
        await out.result(3, PATIENCE)
    with pytest.raises(SendFailed) as raised:
        await out.flush(PATIENCE)
    assert [(failure.first, failure.last) for failure in raised.value.failures] == [(2, 3), (7, 7)]
    for never in (0, 11):
        with pytest.raises(InvalidField, match="number"):
            await out.result(never)
    call.end()
    await out.close()
    with pytest.raises(SidecarUnavailable, match="the sender is closed"):
        await out.send(b"too late")


async def test_asyncio_sends_while_the_app_adds(pair: Pair) -> None:
    """An app that only ever adds gives the frames their turn: they do not wait for the window to be full."""
    out, call = pair
    gone = asyncio.create_task(asyncio.to_thread(call.messages, 1))
    while not gone.done():
        assert await out.send(bytes(100)) < 90_000, "the window was filled, and nothing gone"


async def test_asyncio_cancel_wakes_whoever_waits(pair: Pair) -> None:
    out, call = pair
    while await out.send(bytes(FRAME_BYTES)) < WINDOW // FRAME_BYTES:
        pass
    waiting = [asyncio.create_task(each) for each in (out.send(b"no room"), out.flush(), out.result(16))]
    await asyncio.to_thread(call.messages, 16)
    await out.cancel()
    room, flush, last = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(room, Cancelled)
    assert isinstance(flush, SendFailed)
    assert isinstance(last, OutcomeUnknown)
    assert call.over.wait(PATIENCE)


async def test_asyncio_a_cancelled_send_has_taken_nothing(pair: Pair) -> None:
    out, call = pair
    while await out.send(bytes(FRAME_BYTES)) < WINDOW // FRAME_BYTES:
        pass
    waiting = asyncio.create_task(out.send(b"no room"))
    await asyncio.to_thread(call.messages, 16)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    call.receipt(16)
    await out.flush(PATIENCE)
    assert await out.send(b"room") == 17
    assert [message.payload for message in await asyncio.to_thread(call.messages, 1)] == [b"room"]


async def test_asyncio_close_waits_for_outcomes(pair: Pair) -> None:
    out, call = pair
    await out.send(b"x")
    closing = asyncio.create_task(out.close())
    assert len(await asyncio.to_thread(call.messages, 1)) == 1
    assert await asyncio.to_thread(call.hear) is None
    assert not closing.done()
    call.receipt(1)
    call.end()
    await closing
