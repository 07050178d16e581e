"""The admin endpoint, GET and HEAD only.

/livez     200 as long as the event loop turns, whatever peers do
/readyz    200, or 503 with the reasons: lines of text, or JSON where Accept asks for it
/metrics   Prometheus
/          a status page in plain text
"""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from sidecar.addresses import format_address, parse_address
from sidecar.admin.exchange import READ_BYTES, Request, Response
from sidecar.admin.exposition import Exposition
from sidecar.errors import SettingsError

if TYPE_CHECKING:
    from sidecar.admin.http import HttpConnection

MAX_CONNECTIONS = 64
"""At once; one more is answered 503 and closed."""

LAG_INTERVAL = 1.0
"""Seconds between two looks at how late the event loop is."""


class AdminServer:
    """Serves from `start` to `stop`. Its callables are asked at each request.

    `ready` gives the reasons why the sidecar is not ready, none when it is; `status` the status page.
    """

    def __init__(self, *, ready: Callable[[], list[str]], status: Callable[[], str], exposition: Exposition) -> None:
        self._ready = ready
        self._status = status
        self._exposition = exposition
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._lag_timer: asyncio.TimerHandle | None = None

    async def start(self, endpoint: str) -> str:
        """Listens at a numeric `host:port`; gives it with its real port. Raises SettingsError when it cannot be had."""
        host, port = parse_address(endpoint)
        try:
            self._server = await asyncio.start_server(self._accept, host, port, limit=READ_BYTES)
        except OSError as error:
            why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be had ({error.strerror})"
            raise SettingsError(
                f"--admin-endpoint {endpoint} {why}: stop what listens there, name another, or `none`"
            ) from None
        self._measure_lag(asyncio.get_running_loop())
        return format_address(self._server.sockets[0].getsockname())

    async def stop(self) -> None:
        """Closes the listener and every connection."""
        if self._lag_timer is not None:
            self._lag_timer.cancel()
        if self._server is not None:
            self._server.close()
        # Aborted, not cancelled: each then ends as if its client had gone.
        for writer in self._connections.values():
            writer.transport.abort()
        await asyncio.gather(*self._connections)

    def answer(self, request: Request) -> Response:
        """What a request gets."""
        if request.method not in {"GET", "HEAD"}:
            words = b"this endpoint is read-only: GET or HEAD\n"
            return Response(HTTPStatus.METHOD_NOT_ALLOWED, words, allow="GET, HEAD")
        match request.path:
            case "/livez":
                return Response(HTTPStatus.OK, b"ok\n")
            case "/readyz":
                return self._readiness(request.accept)
            case "/metrics":
                return Response(HTTPStatus.OK, *self._exposition.page(request.accept))
            case "/":
                return Response(HTTPStatus.OK, self._status().encode())
            case _:
                return Response(HTTPStatus.NOT_FOUND, b"here are /livez, /readyz, /metrics and /\n")

    def _readiness(self, accept: str) -> Response:
        reasons = self._ready()
        status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
        if "application/json" in accept:
            body = json.dumps({"ready": not reasons, "reasons": reasons}) + "\n"
            return Response(status, body.encode(), "application/json")
        return Response(status, "".join(f"{reason}\n" for reason in reasons or ["ready"]).encode())

    def _measure_lag(self, loop: asyncio.AbstractEventLoop) -> None:
        due = loop.time() + LAG_INTERVAL

        def measure() -> None:
            self._exposition.counters.loop_lag.add(max(0.0, loop.time() - due))
            self._measure_lag(loop)

        self._lag_timer = loop.call_at(due, measure)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from sidecar.admin.http import HttpConnection  # brings h11, which a sidecar that nobody asks does without

        task = asyncio.current_task()
        assert task is not None
        connection = HttpConnection(reader, writer)
        try:
            if len(self._connections) >= MAX_CONNECTIONS:
                await connection.respond(Response(HTTPStatus.SERVICE_UNAVAILABLE, b"too many connections\n"))
                return
            self._connections[task] = writer
            await self._serve(connection)
        except (TimeoutError, ConnectionError):
            pass  # It neither asked nor read in time, or it is gone: there is nobody to tell.
        finally:
            self._connections.pop(task, None)
            writer.close()

    async def _serve(self, connection: HttpConnection) -> None:
        import h11

        try:
            while (request := await connection.request()) is not None:
                await connection.respond(self.answer(request), without_body=request.method == "HEAD")
        except h11.RemoteProtocolError as error:
            await connection.refuse(Response(HTTPStatus(error.error_status_hint), f"{error}\n".encode()))
