"""The front itself: listeners, and the sweep over their connections."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from sidecar.api.front.addresses import SOCKET_MODE, check_free, host_and_port, unix_path
from sidecar.api.front.base import TRANSPORT_BYTES, Listener, Service
from sidecar.api.front.lean.connection import Connection
from sidecar.api.front.lean.door import Door
from sidecar.api.front.lean.gate import Gate
from sidecar.api.front.lean.memory import MessageMemory
from sidecar.api.front.lean.tls import server_context
from sidecar.api.status import status_of
from sidecar.errors import Reason, SidecarError

SWEEP_SECONDS: Final = 5.0
"""One timer for all connections: they are looked at this often."""

LARGE_AT_ONCE: Final = 8
"""So many of the largest messages may be on their way in at once, of all clients."""

BACKLOG: Final = 512
"""Connections that the kernel holds until we accept them."""

CLOSING_SECONDS: Final = 1.0
"""What a client has at the end to take the last that was written to it."""


class LeanFront:
    """`sidecar.api.front.base.Front` over asyncio."""

    name = "lean"

    def __init__(self, refused: Callable[[], None] = lambda: None) -> None:
        """`refused` is called for each call whose token is wrong."""
        self._refused = refused
        self._servers: list[asyncio.Server] = []
        self._gates: list[Gate] = []
        self._sockets: list[Path] = []
        self._memory = MessageMemory(LARGE_AT_ONCE * TRANSPORT_BYTES)
        self._sweep: asyncio.TimerHandle | None = None

    async def start(self, services: Sequence[Service], listeners: Sequence[Listener]) -> list[str]:
        """As `Front.start`. When one listener fails none is left serving."""
        loop = asyncio.get_running_loop()
        methods = {
            f"/{service.name}/{name}": method for service in services for name, method in service.methods.items()
        }
        addresses: list[str] = []
        try:
            for listener in listeners:
                check_free(listener.address)
                context = None if listener.tls is None else server_context(listener.tls)
                gate = Gate(methods, listener.token, listener.apps, self._memory, self._refused, loop)
                self._gates.append(gate)
                addresses.append(await self._listen(gate, listener.address, context))
        except BaseException:
            await self.stop(0)
            raise
        self._sweep = loop.call_later(SWEEP_SECONDS, self._swept)
        return addresses

    async def _listen(self, gate: Gate, address: str, context: ssl.SSLContext | None) -> str:
        """Listens and gives the address with its real port."""
        path = unix_path(address)

        def comes() -> asyncio.Protocol:
            return Connection(gate) if context is None else Door(gate, context)

        try:
            if path is not None:
                server = await gate.loop.create_unix_server(comes, path, backlog=BACKLOG)
                self._sockets.append(path)
                self._servers.append(server)
                path.chmod(SOCKET_MODE)
                return f"unix:{path}"
            host, port = host_and_port(address)
            server = await gate.loop.create_server(comes, host, port, backlog=BACKLOG)
        except OSError as error:
            raise OSError(error.errno, error.strerror, address) from error
        self._servers.append(server)
        port = server.sockets[0].getsockname()[1]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def stop(self, grace: float) -> None:
        """As `Front.stop`; may be called more than once."""
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()
        sockets, self._sockets = self._sockets, []
        for path in sockets:
            path.unlink(missing_ok=True)
        for gate in self._gates:
            for handshake in gate.handshakes:
                handshake.cancel()
        for connection in self._connections():
            connection.drain()
        await self._gone_within(grace)
        stopping = status_of(SidecarError(Reason.DRAINING, "the sidecar has stopped"))
        for connection in self._connections():
            connection.stop(stopping)
        await self._gone_within(CLOSING_SECONDS)
        for connection in self._connections():
            connection.abort()
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None

    def _connections(self) -> list[Connection]:
        return [connection for gate in self._gates for connection in gate.connections]

    async def _gone_within(self, seconds: float) -> None:
        """Returns when no connection is left, or the time is over."""
        connections = self._connections()
        if connections and seconds > 0:
            await asyncio.wait([connection.lost for connection in connections], timeout=seconds)

    def _swept(self) -> None:
        for connection in self._connections():
            connection.tick()
        self._memory.tick()
        self._sweep = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._swept)
