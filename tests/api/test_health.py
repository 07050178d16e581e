"""The ladder, through the wire."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from sidecar.api.front import load
from sidecar.api.front.base import Listener
from sidecar.api.health import API, OVERLAY, Health

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
async def stub(health: Health, front_name: str) -> AsyncIterator[health_pb2_grpc.HealthStub]:
    front = load(front_name)
    addresses = await front.start([health.service()], [Listener("127.0.0.1:0")])
    async with grpc.aio.insecure_channel(addresses[0]) as channel:
        yield health_pb2_grpc.HealthStub(channel)
    await front.stop(0)


async def check(stub: health_pb2_grpc.HealthStub, name: str) -> int:
    response = await stub.Check(health_pb2.HealthCheckRequest(service=name))
    return int(response.status)


async def test_ladder(stub: health_pb2_grpc.HealthStub, health: Health) -> None:
    assert [await check(stub, name) for name in ("live", "api", "", "overlay")] == [
        SERVING,
        NOT_SERVING,
        NOT_SERVING,
        NOT_SERVING,
    ]
    health.set(API, True)
    assert [await check(stub, name) for name in ("api", "", "overlay")] == [SERVING, SERVING, NOT_SERVING]
    health.set(OVERLAY, True)
    assert await check(stub, "overlay") == SERVING
    assert repr(health) == "<Health serving overall, live, api, overlay>"


async def test_unknown_name(stub: health_pb2_grpc.HealthStub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await check(stub, "reachable?")
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND
    assert "'overlay'" in (raised.value.details() or "")
    watch = stub.Watch(health_pb2.HealthCheckRequest(service="reachable?"))
    assert (await watch.read()).status == SERVICE_UNKNOWN
    watch.cancel()


async def test_watch(stub: health_pb2_grpc.HealthStub, health: Health) -> None:
    watch = stub.Watch(health_pb2.HealthCheckRequest(service="overlay"))
    other = stub.Watch(health_pb2.HealthCheckRequest(service="api"))
    assert (await watch.read()).status == NOT_SERVING
    assert (await other.read()).status == NOT_SERVING
    for serving, status in ((True, SERVING), (False, NOT_SERVING), (True, SERVING)):
        health.set(OVERLAY, serving)
        health.set(OVERLAY, serving)
        assert (await watch.read()).status == status
    health.set(API, True)
    assert (await other.read()).status == SERVING
    watch.cancel()
    other.cancel()


async def test_watches_are_bounded(stub: health_pb2_grpc.HealthStub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has no token may watch: so many at once, and one that ends makes room."""
    monkeypatch.setattr("sidecar.api.health.WATCHES_MAX", 2)
    request = health_pb2.HealthCheckRequest(service="live")
    watches = [stub.Watch(request) for _ in range(2)]
    for watch in watches:
        assert (await watch.read()).status == SERVING
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stub.Watch(request).read()
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await check(stub, "live") == SERVING
    watches[0].cancel()
    told = None
    while told is None:  # nobody else is told of its end
        again = stub.Watch(request)
        with contextlib.suppress(grpc.aio.AioRpcError):
            told = (await again.read()).status
    assert told == SERVING
    again.cancel()
    watches[1].cancel()
