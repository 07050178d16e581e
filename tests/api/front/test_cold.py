"""Cold methods: every shape of call, errors, deadlines, cancellation."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import BytesValue, Int32Value, StringValue
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from sidecar.api.front import failures
from sidecar.api.front.base import answer_by
from sidecar.api.status import DETAILS, PUSHBACK, TABLE
from sidecar.errors import Reason
from tests.api.front.conftest import Serving
from tests.api.front.services import SERVICE

Channel = Any
"""grpc.aio.Channel: the published types do not know calls without serialisers."""


async def unary(channel: Channel, value: str, **named: Any) -> str:
    call = channel.unary_unary(f"/{SERVICE}/Unary", StringValue.SerializeToString, StringValue.FromString)(
        StringValue(value=value), **named
    )
    response: StringValue = await call
    return response.value


def details_of(error: grpc.aio.AioRpcError) -> tuple[ErrorInfo, BadRequest | None, RetryInfo | None]:
    trailers = {str(key): value for key, value in error.trailing_metadata() or ()}
    status = Status.FromString(trailers[DETAILS])
    assert status.code == error.code().value[0]
    assert status.message == error.details()
    info, request, retry = ErrorInfo(), BadRequest(), RetryInfo()
    unpacked = [part for part in (info, request, retry) for item in status.details if item.Unpack(part)]
    assert info in unpacked
    return info, request if request in unpacked else None, retry if retry in unpacked else None


async def test_unary(channel: Channel) -> None:
    assert await unary(channel, "hello") == "hello"


async def test_server_stream(channel: Channel, serving: Serving) -> None:
    call = channel.unary_stream(f"/{SERVICE}/Stream", Int32Value.SerializeToString, Int32Value.FromString)
    assert [item.value async for item in call(Int32Value(value=50))] == list(range(50))
    assert serving.services.iterators_closed == 1


async def test_server_stream_fails_after_its_last_response(channel: Channel) -> None:
    call = channel.unary_stream(f"/{SERVICE}/Stream", Int32Value.SerializeToString, Int32Value.FromString)
    seen = 0
    responses = call(Int32Value(value=101))
    while seen < 101:
        assert (await responses.read()).value == seen
        seen += 1
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await responses.read()
    assert raised.value.code() is grpc.StatusCode.OUT_OF_RANGE
    assert details_of(raised.value)[0].reason == "CURSOR_EXPIRED"


async def test_cancelled_server_stream_closes_its_iterator(channel: Channel, serving: Serving) -> None:
    call = channel.unary_stream(f"/{SERVICE}/Stream", Int32Value.SerializeToString, Int32Value.FromString)(
        Int32Value(value=-3)
    )
    assert [(await call.read()).value for _ in range(3)] == [0, 1, 2]
    assert not serving.services.iterator_closed.is_set()
    call.cancel()
    await serving.services.iterator_closed.wait()
    assert serving.services.iterators_closed == 1


async def test_bidi(channel: Channel) -> None:
    call = channel.stream_stream(f"/{SERVICE}/Bidi", Int32Value.SerializeToString, Int32Value.FromString)()
    for number in range(20):
        await call.write(Int32Value(value=number))
        assert (await call.read()).value == 2 * number
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF
    assert await call.code() is grpc.StatusCode.OK


@pytest.mark.parametrize("reason", Reason)
async def test_every_reason(channel: Channel, reason: Reason) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await unary(channel, f"error:{reason}")
    assert raised.value.code().value[0] == TABLE[reason].code
    assert raised.value.details() == f"it was {reason}"
    info, request, retry = details_of(raised.value)
    assert (info.reason, info.domain, dict(info.metadata)) == (reason.value, "overlay.v1", {"limit": "7"})
    assert request is not None
    assert [(v.field, v.description) for v in request.field_violations] == [("a.b", "is wrong")]
    assert (retry is not None) == (TABLE[reason].retry_after is not None)
    pushback = {str(key): value for key, value in raised.value.trailing_metadata() or ()}.get(PUSHBACK)
    assert pushback == ("-1" if TABLE[reason].final else None)


async def test_an_error_larger_than_headers_may_be_is_cut(channel: Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await unary(channel, "huge-error")
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert len((raised.value.details() or "").encode()) <= 1024
    info, request, _ = details_of(raised.value)
    assert "contact-0" in info.metadata
    assert "cut" in info.metadata
    assert request is not None
    assert 1 <= len(request.field_violations) < 200


async def test_a_bug_is_internal_and_logged_once(channel: Channel, caplog: pytest.LogCaptureFixture) -> None:
    failures._logged_bugs.clear()  # the other front has logged this one
    with caplog.at_level(logging.ERROR):
        for attempt in range(5):
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await unary(channel, f"bug:{attempt}")
            assert raised.value.code() is grpc.StatusCode.INTERNAL
            assert details_of(raised.value)[0].reason == "INTERNAL"
            assert "ZeroDivision" not in (raised.value.details() or "")
    bugs = [record for record in caplog.records if record.exc_info and record.exc_info[0] is ZeroDivisionError]
    assert len(bugs) == 1


async def test_unknown_method(channel: Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await channel.unary_unary(f"/{SERVICE}/Nothing")(b"")
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_request_that_is_no_message(channel: Channel) -> None:
    for call in (
        channel.unary_unary(f"/{SERVICE}/Unary")(b"\xff\xff\xff"),
        channel.unary_stream(f"/{SERVICE}/Stream")(b"\xff\xff\xff"),
    ):
        assert await call.code() is grpc.StatusCode.INVALID_ARGUMENT
    bidi = channel.stream_stream(f"/{SERVICE}/Bidi")()
    await bidi.write(b"\xff\xff\xff")
    assert await bidi.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert await unary(channel, "still there") == "still there"


async def test_context(channel: Channel) -> None:
    metadata = (("x-name", "value"), ("x-bytes-bin", b"\x00\x01"))
    told = json.loads(await unary(channel, "context", metadata=metadata))
    assert told["method"] == f"/{SERVICE}/Unary"
    assert told["metadata"]["x-name"] == "value"
    assert "x-bytes-bin" not in told["metadata"]
    assert told["left"] is told["answer"] is None


async def test_deadline_in_context(channel: Channel) -> None:
    await unary(channel, "connect first")
    told = json.loads(await unary(channel, "context", timeout=20))
    assert 0 < told["left"] <= 20 * 1.01
    # Of what was left when the call came.
    margins = [left - answer_by(left, 0.0) for left in (told["left"], 20 * 1.01)]
    assert margins[0] - 1e-6 <= told["left"] - told["answer"] <= margins[1] + 1e-6


@pytest.mark.parametrize(("timeout", "margin"), [(0.0, 0.0), (0.6, 0.066), (1.0, 0.11), (20.0, 0.3)])
def test_an_answer_sets_out_before_its_deadline(timeout: float, margin: float) -> None:
    assert 100.0 + timeout - answer_by(100.0 + timeout, 100.0) == pytest.approx(margin, abs=1e-6)


async def test_typed_error_before_the_deadline(channel: Channel) -> None:
    await unary(channel, "connect first")
    for _ in range(6):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await unary(channel, "wait", timeout=1.0)
        assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        # Without details it is the client's own word, which a busy machine lets come first.
        if any(name == "grpc-status-details-bin" for name, _ in raised.value.trailing_metadata() or ()):
            break
    assert details_of(raised.value)[0].reason == "DEADLINE"


async def test_sizes(channel: Channel) -> None:
    call = channel.unary_unary(f"/{SERVICE}/Bytes", BytesValue.SerializeToString, BytesValue.FromString)
    for size in (0, 1 << 20, (16 << 20) + (64 << 10)):
        assert len((await call(BytesValue(value=bytes(size)))).value) == size


async def test_oversize_costs_its_call_only(channel: Channel) -> None:
    waiting = asyncio.create_task(unary(channel, "wait", timeout=30))
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await channel.unary_unary(f"/{SERVICE}/Bytes")(bytes(33 << 20))
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await unary(channel, "still there") == "still there"
    assert not waiting.done()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
