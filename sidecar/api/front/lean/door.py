"""A client on its way in by TLS. asyncio gives each handshake a buffer of 256 KiB for no more than a TCP connection, so
there are not many at once; a client beyond that is closed, and comes again."""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

from sidecar.api.front.lean.connection import Connection
from sidecar.api.front.lean.gate import Gate

HANDSHAKES_MAX: Final = 256
"""Handshakes of one listener at once."""
HANDSHAKE_SECONDS: Final = 10.0


class Door(asyncio.Protocol):
    """The TCP connection until its handshake is done, and then what TLS brings until the Connection takes over."""

    def __init__(self, gate: Gate, context: ssl.SSLContext) -> None:
        self._gate = gate
        self._context = context
        self._early = bytearray()
        """Of HTTP/2, what came with the last of the handshake."""
        self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins the handshake, if there is a place for it."""
        assert isinstance(transport, asyncio.Transport)
        under_way = self._gate.handshakes
        if len(under_way) >= HANDSHAKES_MAX:
            transport.abort()
            return
        task = self._gate.loop.create_task(self._greet(transport))
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    def data_received(self, data: bytes) -> None:
        """Of HTTP/2: a first read."""
        self._early += data

    def connection_lost(self, _error: Exception | None) -> None:
        """Before the Connection was there."""
        self._lost = True

    async def _greet(self, transport: asyncio.Transport) -> None:
        try:
            inner = await self._gate.loop.start_tls(
                transport, self, self._context, server_side=True, ssl_handshake_timeout=HANDSHAKE_SECONDS
            )
        except OSError:  # TLS's own errors and its time-out among them
            transport.abort()
            return
        if inner is None or self._lost:
            return
        connection = Connection(self._gate)
        inner.set_protocol(connection)
        connection.connection_made(inner)
        if self._early:
            connection.data_received(bytes(self._early))
