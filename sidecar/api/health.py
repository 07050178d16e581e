"""grpc.health.v1: whether to call this sidecar, by the rungs of a ladder.

`live` the process answers; `api` it takes calls; `overlay` it is linked to a peer. The empty name, which stands for the
server as a whole, is `api`: readiness to serve never depends on peers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

from grpc_health.v1 import health_pb2

from sidecar.api.front.base import CallContext, ColdStream, ColdUnary, Service
from sidecar.api.status import Code, ForeignStatus

SERVICE = "grpc.health.v1.Health"
OVERALL = ""
LIVE = "live"
API = "api"
OVERLAY = "overlay"

WATCHES_MAX = 1000
"""At once: who may watch need not show a token."""


class Health:
    """The ladder: `set` says how a rung stands, the service tells it to whoever asks or watches."""

    def __init__(self) -> None:
        self._serving = {OVERALL: False, LIVE: True, API: False, OVERLAY: False}
        self._changed = asyncio.Event()
        self._watches = 0

    def __repr__(self) -> str:
        rungs = ", ".join(name or "overall" for name, serving in self._serving.items() if serving)
        return f"<Health serving {rungs}>"

    def set(self, rung: str, serving: bool) -> None:
        """How a rung stands from now on; `api` carries the overall answer with it."""
        before = dict(self._serving)
        self._serving[rung] = serving
        if rung == API:
            self._serving[OVERALL] = serving
        if self._serving != before:
            # Every watcher waits for the event that stood when it last looked.
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()

    def service(self) -> Service:
        """The service for a front."""
        methods: Mapping[str, ColdUnary | ColdStream] = {
            "Check": ColdUnary(health_pb2.HealthCheckRequest, self.check),
            "Watch": ColdStream(health_pb2.HealthCheckRequest, self.watch),
        }
        return Service(SERVICE, methods)

    async def check(
        self, request: health_pb2.HealthCheckRequest, _context: CallContext
    ) -> health_pb2.HealthCheckResponse:
        """One rung now; NOT_FOUND for a name that is none."""
        if request.service not in self._serving:
            names = ", ".join(repr(name) for name in self._serving)
            raise ForeignStatus(Code.NOT_FOUND, f"no health of {request.service!r} is known; ask for one of {names}")
        return self._response(request.service)

    async def watch(
        self, request: health_pb2.HealthCheckRequest, _context: CallContext
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """One rung now and whenever it changes. An unknown name is SERVICE_UNKNOWN, as the protocol asks for."""
        if self._watches >= WATCHES_MAX:
            raise ForeignStatus(Code.RESOURCE_EXHAUSTED, f"{WATCHES_MAX} watch already: use Check")
        self._watches += 1
        try:
            told: health_pb2.HealthCheckResponse | None = None
            while True:
                changed = self._changed
                response = self._response(request.service)
                if response != told:
                    told = response
                    yield response
                await changed.wait()
        finally:
            self._watches -= 1

    def _response(self, name: str) -> health_pb2.HealthCheckResponse:
        response = health_pb2.HealthCheckResponse()
        serving = self._serving.get(name)
        if serving is None:
            response.status = response.SERVICE_UNKNOWN
        else:
            response.status = response.SERVING if serving else response.NOT_SERVING
        return response
