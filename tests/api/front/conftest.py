"""Every test here runs once per front."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio
import pytest

from sidecar.api.front.base import Front, Listener, Service
from sidecar.api.front.grpcio import GrpcioFront
from sidecar.api.front.lean.server import LeanFront
from sidecar.api.health import Health
from sidecar.api.reflection import reflection_services
from tests.api.front.services import SERVICE, TestServices
from tests.api.front.tls import Authority

FRONTS: dict[str, Callable[[], Front]] = {"grpcio": GrpcioFront, "lean": LeanFront}

CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.use_local_subchannel_pool", 1),
)


@dataclass
class Serving:
    """A front that serves the test's services, and how to call it."""

    front: Front
    services: TestServices
    health: Health
    addresses: list[str]

    @property
    def address(self) -> str:
        return self.addresses[0]

    def channel(
        self, address: str | None = None, credentials: grpc.ChannelCredentials | None = None
    ) -> grpc.aio.Channel:
        target = address or self.address
        if credentials is None:
            return grpc.aio.insecure_channel(target, CHANNEL_OPTIONS)
        return grpc.aio.secure_channel(target, credentials, CHANNEL_OPTIONS)


Serve = Callable[..., Awaitable[Serving]]


@pytest.fixture(params=FRONTS)
def make_front(request: pytest.FixtureRequest) -> Callable[[], Front]:
    """The front that this test is about."""
    return FRONTS[request.param]


@pytest.fixture
async def serve(make_front: Callable[[], Front]) -> AsyncIterator[Serve]:
    """Serves on the listeners given, by default one on a free loopback port."""
    started: list[Serving] = []

    async def start(*listeners: Listener) -> Serving:
        services, health = TestServices(), Health()
        front = make_front()
        offered: list[Service] = [services.service(), health.service(), *reflection_services([SERVICE])]
        addresses = await front.start(offered, listeners or [Listener("127.0.0.1:0")])
        serving = Serving(front, services, health, addresses)
        started.append(serving)
        return serving

    yield start
    for serving in started:
        await serving.front.stop(0)
        for probe in serving.services.all_probes:
            await probe.over.wait()


@pytest.fixture
async def serving(serve: Serve) -> Serving:
    """A front on one free loopback port."""
    return await serve()


@pytest.fixture
async def channel(serving: Serving) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to it."""
    async with serving.channel() as opened:
        yield opened


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A CA for the session."""
    return Authority.make("test ca", tmp_path_factory.mktemp("ca"))


@pytest.fixture
def socket_path(tmp_path: Path) -> Path:
    return tmp_path / "api.sock"
