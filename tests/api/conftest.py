"""Two sidecars side by side, each with the public client, in the test's own process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from sidecar.api.front import grpcio
from sidecar.api.front.lean import gate
from sidecar_client import AsyncSidecar
from tests.api.inprocess import InProcess, sidecar_in_process
from tests.processes import Sidecars


@dataclass
class Side:
    """A sidecar and the client of the app beside it."""

    sidecar: InProcess
    client: AsyncSidecar

    @property
    def peer_id(self) -> str:
        return self.sidecar.peer_id

    @property
    def contact(self) -> str:
        return self.sidecar.contact


class Sides:
    """Starts sides; they end with the test."""

    def __init__(self, closing: AsyncExitStack, processes: Sidecars, front: str) -> None:
        self._closing = closing
        self.front = front
        """The gRPC server of them all."""
        processes.common["front"] = front
        self.processes = processes
        """For sidecars that have to be stopped or killed; their network is `test`."""

    async def start(self, **settings: Any) -> Side:
        sidecar = await self._closing.enter_async_context(sidecar_in_process(**{"front": self.front, **settings}))
        client = await self._closing.enter_async_context(AsyncSidecar(sidecar.address))
        return Side(sidecar, client)

    async def pair(self, **settings: Any) -> tuple[Side, Side]:
        """Two that are linked."""
        a, b = await self.start(**settings), await self.start(**settings)
        await a.client.connect(b.contact)
        return a, b


@contextmanager
def answered_after(seconds: float) -> Iterator[None]:
    """Within, the answer of a call is due so long after it came, however far its deadline is: the client of a busy
    machine does not give up before it has heard the answer that the test is about."""
    with pytest.MonkeyPatch.context() as patch:
        for front in (grpcio, gate):
            patch.setattr(front, "answer_by", lambda deadline, now: min(deadline, now + seconds))
        yield


@pytest.fixture(params=[pytest.param("grpcio", marks=pytest.mark.slow), "lean"])
def front_name(request: pytest.FixtureRequest) -> str:
    """Every test of the API runs on each front."""
    return str(request.param)


async def until(true: Callable[[], bool]) -> None:
    """Returns once something holds that nobody tells of."""
    while True:
        if true():
            return
        await asyncio.sleep(0.01)


@pytest.fixture
async def sides(sidecars: Sidecars, front_name: str) -> AsyncIterator[Sides]:
    async with AsyncExitStack() as closing:
        yield Sides(closing, sidecars, front_name)


@pytest.fixture
async def pair(sides: Sides) -> tuple[Side, Side]:
    """Two linked sides."""
    return await sides.pair()
