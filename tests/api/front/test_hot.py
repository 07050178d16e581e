"""Hot methods: batches in and out, both ways held back, every way a call can end."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from sidecar.errors import Reason, SidecarError
from tests.api.front.conftest import Serving
from tests.api.front.services import SERVICE, Probe
from tests.api.front.test_cold import Channel, details_of

CLIENT = Path(__file__).with_name("vanishing_client.py")


def stream(channel: Channel, method: str = "Probe", **named: float) -> Any:
    return channel.stream_stream(f"/{SERVICE}/{method}")(**named)


async def read(call: Any) -> bytes:
    message = await call.read()
    assert isinstance(message, bytes), "the call has ended"
    return message


async def test_echo_in_order(channel: Channel, serving: Serving) -> None:
    call = stream(channel, "Echo")
    sent = [str(number).encode() for number in range(2000)]

    async def write() -> None:
        for message in sent:
            await call.write(message)
        await call.done_writing()

    writing = asyncio.create_task(write())
    assert [message async for message in call] == sent
    await writing
    assert await call.code() is grpc.StatusCode.OK
    probe = await serving.services.probe()
    await probe.over.wait()
    assert probe.completed is True


async def test_headers_come_with_the_first_request(channel: Channel, serving: Serving) -> None:
    call = stream(channel)
    await call.write(b"1")
    await call.initial_metadata()
    assert not call.done()
    probe = await serving.services.probe()
    assert probe.received == [b"1"]
    call.cancel()
    await probe.over.wait()


async def test_empty_messages_are_messages(channel: Channel) -> None:
    call = stream(channel, "Echo")
    await call.write(b"")
    assert await read(call) == b""
    await call.done_writing()
    assert await call.code() is grpc.StatusCode.OK


async def test_unary_request(channel: Channel, serving: Serving) -> None:
    call = channel.unary_stream(f"/{SERVICE}/HotStream")(b"question")
    await call.initial_metadata()
    probe = await serving.services.probe()
    await probe.closed.wait()
    assert probe.received == [b"question"]
    probe.give(b"1", b"2")
    assert [await call.read(), await call.read()] == [b"1", b"2"]
    probe.give(b"3")
    probe.call.finish()
    assert await read(call) == b"3"
    assert await call.read() is grpc.aio.EOF
    await probe.over.wait()
    assert probe.completed is True


async def test_unary_both_ways(channel: Channel) -> None:
    assert await channel.unary_unary(f"/{SERVICE}/HotUnary")(b"x" * 1000) == b"x" * 1000


async def test_unary_response(channel: Channel, serving: Serving) -> None:
    call = channel.stream_unary(f"/{SERVICE}/HotGather")()
    for number in range(10):
        await call.write(bytes([number]))
    await call.done_writing()
    probe = await serving.services.probe()
    await probe.closed.wait()
    probe.give(b"".join(probe.received))
    probe.call.finish()
    assert await call == bytes(range(10))


async def test_half_close_leaves_the_other_half_open(channel: Channel, serving: Serving) -> None:
    call = stream(channel)
    await call.write(b"1")
    await call.done_writing()
    probe = await serving.services.probe()
    await probe.closed.wait()
    assert probe.received == [b"1"]
    for number in range(3):
        probe.give(bytes([number]))
        assert await read(call) == bytes([number])
    probe.call.finish()
    assert await call.code() is grpc.StatusCode.OK
    await probe.over.wait()
    assert probe.completed is True


async def test_finish_ends_a_call_whose_client_still_writes(channel: Channel, serving: Serving) -> None:
    call = stream(channel)
    await call.write(b"1")
    probe = await serving.services.probe()
    await probe.until(lambda: len(probe.received) == 1)
    probe.call.finish()
    assert await call.code() is grpc.StatusCode.OK
    await probe.over.wait()
    assert probe.completed is True


async def test_error_after_what_is_ready(channel: Channel, serving: Serving) -> None:
    call = stream(channel)
    probe = await serving.services.probe()
    probe.give(*[bytes([number]) for number in range(100)])
    probe.call.finish(SidecarError(Reason.QUEUE_FULL, "no room", metadata={"limit": "5"}))
    probe.call.finish()
    assert [await read(call) for _ in range(100)] == [bytes([number]) for number in range(100)]
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call.read()
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    info, _, retry = details_of(raised.value)
    assert (info.reason, dict(info.metadata)) == ("QUEUE_FULL", {"limit": "5"})
    assert retry is not None
    await probe.over.wait()
    assert probe.completed is True


def fail_in_messages(probe: Probe, error: Exception) -> None:
    def fail(_: object = None) -> None:
        raise error

    probe.on_messages = fail


def fail_in_half_closed(probe: Probe, error: Exception) -> None:
    def fail(_: object = None) -> None:
        raise error

    probe.on_half_closed = fail


def fail_in_take(probe: Probe, error: Exception) -> None:
    def fail() -> bytes | None:
        raise error

    probe.supply = fail
    probe.call.wake()


@pytest.mark.parametrize("where", [fail_in_messages, fail_in_half_closed, fail_in_take])
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SidecarError(Reason.FRAME_UNEXPECTED, "out of order"), grpc.StatusCode.INVALID_ARGUMENT),
        (KeyError("a bug"), grpc.StatusCode.INTERNAL),
    ],
)
async def test_error_in_a_verb(
    channel: Channel,
    serving: Serving,
    where: Callable[[Probe, Exception], None],
    error: Exception,
    code: grpc.StatusCode,
) -> None:
    call = stream(channel)
    probe = await serving.services.probe()
    where(probe, error)
    if where is not fail_in_take:
        await call.write(b"1")
        await call.done_writing()
    assert await call.code() is code
    await probe.over.wait()


async def test_error_in_open(channel: Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stream(channel, "Refused").read()
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert details_of(raised.value)[0].reason == "LIMIT_REACHED"


async def test_cancelled(channel: Channel, serving: Serving) -> None:
    call = stream(channel)
    await call.write(b"1")
    probe = await serving.services.probe()
    await probe.until(lambda: bool(probe.received))
    call.cancel()
    await probe.over.wait()
    assert probe.completed is False
    # Every verb of an ended call may still be called.
    probe.call.wake()
    probe.call.resume()
    probe.call.finish()


async def test_cancelled_while_paused(channel: Channel, serving: Serving) -> None:
    call = stream(channel)
    probe = await serving.services.probe()
    probe.pausing = True
    await call.write(b"1")
    call.cancel()
    await probe.over.wait()
    assert probe.completed is False


async def test_deadline(channel: Channel, serving: Serving) -> None:
    await channel.unary_unary(f"/{SERVICE}/HotUnary")(b"connect first")
    await serving.services.probe()
    call = stream(channel, timeout=1.5)
    probe = await serving.services.probe()
    assert probe.call.context.deadline is not None
    assert probe.call.context.answer_by is not None
    assert await call.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await probe.over.wait()
    assert probe.completed is False


@pytest.mark.parametrize("method", ["Probe", "HotStream"])
async def test_killed_client(serving: Serving, method: str) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, str(CLIENT), serving.address, method, "hang")
    probe = await serving.services.probe()
    await probe.until(lambda: bool(probe.received))
    process.send_signal(signal.SIGKILL)
    await process.wait()
    await probe.over.wait()
    assert probe.completed is False
    async with serving.channel() as opened:
        channel: Channel = opened
        assert await channel.unary_unary(f"/{SERVICE}/HotUnary")(b"others go on") == b"others go on"


async def test_client_killed_while_paused(serving: Serving) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, str(CLIENT), serving.address, "Probe", "flood")
    probe = await serving.services.probe()
    probe.on_messages = lambda _: setattr(probe, "pausing", True)
    await probe.until(lambda: probe.pausing)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    await probe.over.wait()
    assert probe.completed is False


async def test_written_and_half_closed_at_once_loses_nothing(serving: Serving) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, str(CLIENT), serving.address, "Probe", "close")
    probe = await serving.services.probe()
    await probe.closed.wait()
    assert probe.received == [str(number).encode() * 50 for number in range(2000)]
    probe.call.finish()
    assert await process.wait() == 0


async def test_paused_holds_the_client_back(channel: Channel, serving: Serving) -> None:
    call = stream(channel)
    probe = await serving.services.probe()
    size, count = 64 << 10, 1024
    written = 0

    async def write() -> None:
        nonlocal written
        for _ in range(count):
            await call.write(bytes(size))
            written += 1
        await call.done_writing()

    def pause(_: list[bytes]) -> None:
        probe.pausing = True
        probe.received.clear()

    probe.on_messages = pause
    writing = asyncio.create_task(write())
    await probe.until(lambda: probe.pausing)
    await settled(lambda: written)
    assert written * size <= 16 << 20, "the client wrote on although the method is paused"
    # At most what was being read when the pause came.
    assert probe.received_bytes <= 4 * size

    probe.on_messages = lambda _: probe.received.clear()
    probe.pausing = False
    probe.call.resume()
    await probe.closed.wait()
    await writing
    assert probe.received_bytes == size * count
    probe.call.finish()


async def test_slow_reader_holds_take_back(channel: Channel, serving: Serving) -> None:
    call = stream(channel)
    probe = await serving.services.probe()
    size, count = 64 << 10, 1024
    left = count

    def supply() -> bytes | None:
        nonlocal left
        left -= 1
        return bytes(size) if left >= 0 else None

    probe.supply = supply
    probe.call.wake()
    await settled(lambda: probe.taken_bytes)
    assert 0 < probe.taken_bytes <= 16 << 20, "responses were taken that had nowhere to go"
    for _ in range(count):
        assert len(await read(call)) == size
    probe.call.finish()
    assert await call.code() is grpc.StatusCode.OK


async def test_a_stalled_reader_of_small_messages(
    channel: Channel, serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    call = stream(channel)
    probe = await serving.services.probe()
    probe.supply = lambda: b"x" * 1024
    probe.call.wake()
    await settled(lambda: probe.taken_bytes)
    assert probe.taken_bytes <= 16 << 20
    call.cancel()
    await probe.over.wait()
    assert probe.completed is False
    assert not caplog.records, "a client that goes is no error"


async def settled(figure: Callable[[], int]) -> None:
    """Returns once a figure has stood still for a while: nothing tells when a sender is blocked but its silence."""
    before, still = -1, 0
    while still < 6:
        await asyncio.sleep(0.05)
        still = still + 1 if figure() == before else 0
        before = figure()


@pytest.mark.parametrize("size", [1 << 20, 16 << 20])
async def test_large_messages(channel: Channel, size: int) -> None:
    call = stream(channel, "Echo")
    message = bytes(range(256)) * (size // 256)
    await call.write(message)
    assert await read(call) == message
    await call.done_writing()
    assert await call.code() is grpc.StatusCode.OK


async def test_oversize_message_costs_its_call(channel: Channel, serving: Serving) -> None:
    other = stream(channel, "Echo")
    await other.write(b"1")
    assert await read(other) == b"1"
    echo = await serving.services.probe()
    call = stream(channel)
    await call.write(bytes(33 << 20))
    assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    probe = await serving.services.probe()
    await probe.over.wait()
    assert probe.completed is False
    assert not echo.over.is_set()
    await other.write(b"2")
    assert await read(other) == b"2"
    await other.done_writing()


async def test_calls_on_one_channel_do_not_wait_for_each_other(channel: Channel, serving: Serving) -> None:
    stalled = stream(channel)
    probe = await serving.services.probe()
    probe.supply = lambda: b"x" * 65536
    probe.call.wake()
    await settled(lambda: probe.taken_bytes)
    call = stream(channel, "Echo")
    await call.write(b"1")
    assert await read(call) == b"1"
    await call.done_writing()
    stalled.cancel()


async def test_stop_lets_running_calls_end(serving: Serving) -> None:
    async with serving.channel() as channel:
        call = stream(channel)
        probe = await serving.services.probe()
        stopping = asyncio.create_task(serving.front.stop(20))
        await asyncio.sleep(0)
        probe.give(b"last words")
        probe.call.finish()
        assert await read(call) == b"last words"
        assert await call.code() is grpc.StatusCode.OK
        await stopping
        assert probe.completed is True


async def test_stop_cancels_what_does_not_end(serving: Serving) -> None:
    async with serving.channel() as channel:
        call = stream(channel)
        probe = await serving.services.probe()
        await serving.front.stop(0.1)
        await probe.over.wait()
        assert probe.completed is False
        assert await call.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
