"""A protocol for endpoint tests: it remembers what it is told, sends what it is given, and can be waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sidecar.transport.endpoint import Endpoint
from sidecar.transport.engine import load
from sidecar.transport.engine.base import EngineSettings
from sidecar.transport.pump import Pump
from tests.transport.conftest import settings_of


class Talker:
    """One end of a connection."""

    def __init__(self, pump: Pump) -> None:
        self.pump = pump
        self.chain: tuple[bytes, ...] | None = None
        self.received: dict[int, bytearray] = {}
        self.finished: set[int] = set()
        self.resets: list[tuple[int, int]] = []
        self.stops: list[tuple[int, int]] = []
        self.ended: tuple[int, str, bool, bool] | None = None
        self.verbs: list[str] = []
        self.wakes_at: float | None = None
        self.fills = 0
        self._bodies: list[tuple[int, memoryview]] = []
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    async def until(self, done: Callable[[], bool]) -> None:
        """Waits for something this protocol is told."""
        if not done():
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append((done, waiter))
            await waiter

    async def joined(self) -> Talker:
        """Waits for the handshake."""
        await self.until(lambda: self.chain is not None or self.ended is not None)
        assert self.chain is not None, self.ended
        return self

    async def gone(self) -> tuple[int, str, bool, bool]:
        """Waits for the end."""
        await self.until(lambda: self.ended is not None)
        assert self.ended is not None
        return self.ended

    async def body(self, stream: int) -> bytes:
        """Waits for the whole of a stream."""
        await self.until(lambda: stream in self.finished or self.ended is not None)
        assert stream in self.finished, self.ended
        return bytes(self.received[stream])

    def say(self, data: bytes) -> int:
        """Sends a body on a stream of its own, as room allows."""
        stream = self.pump.open_stream()
        self._bodies.append((stream, memoryview(data)))
        self.pump.wake()
        return stream

    def _told(self, verb: str) -> None:
        assert self.ended is None, f"{verb} after closed"
        self.verbs.append(verb)

    def _check(self) -> None:
        for done, waiter in self._waiters:
            if done() and not waiter.done():
                waiter.set_result(None)
        self._waiters = [(done, waiter) for done, waiter in self._waiters if not waiter.done()]

    admits = True
    """Whether whoever has shaken hands is let in."""

    # -- StreamProtocol

    def established(self, chain: tuple[bytes, ...], now: float) -> None:
        self._told("established")
        self.chain = chain
        if self.admits:
            self.pump.admitted()
        self._check()

    def opened(self, now: float) -> None:
        self._told("opened")

    def stream_data(self, stream_id: int, data: bytes, fin: bool, now: float) -> None:
        self._told("stream_data")
        self.received.setdefault(stream_id, bytearray()).extend(data)
        if fin:
            self.finished.add(stream_id)
        self._check()

    def stream_reset(self, stream_id: int, code: int, now: float) -> None:
        self._told("stream_reset")
        self.resets.append((stream_id, code))
        self._check()

    def stop_sending(self, stream_id: int, code: int, now: float) -> None:
        self._told("stop_sending")
        self.stops.append((stream_id, code))
        self._check()

    def datagram(self, data: bytes, now: float) -> None:
        self._told("datagram")

    def fill(self, now: float) -> None:
        assert self.ended is None, "fill after closed"
        self.fills += 1
        if self.wakes_at is not None and now >= self.wakes_at:
            self.wakes_at = None
        while self._bodies:
            stream, rest = self._bodies[0]
            room = self.pump.send_room()
            if not room and len(rest):
                break
            piece, rest = rest[:room], rest[room:]
            self.pump.send(stream, piece, fin=not len(rest))
            if len(rest):
                self._bodies[0] = (stream, rest)
            else:
                self._bodies.pop(0)
        self._check()

    def deadline(self) -> float | None:
        return self.wakes_at

    def closed(self, code: int, reason: str, application: bool, remote: bool, now: float) -> None:
        self._told("closed")
        self.ended = (code, reason, application, remote)
        self._check()


class Party:
    """An endpoint whose connections talk."""

    def __init__(self) -> None:
        self.accepted: list[Talker] = []
        self.endpoint: Endpoint

    @classmethod
    async def open(
        cls,
        engine: str,
        host: str = "127.0.0.1",
        settings: EngineSettings | None = None,
        talker: Callable[[Pump], Talker] = Talker,
        **options: object,
    ) -> Party:
        """Binds any free port."""
        party = cls()

        def accept(pump: Pump) -> Talker:
            made = talker(pump)
            party.accepted.append(made)
            return made

        party.endpoint = await Endpoint.open(
            (host, 0),
            load(engine),
            settings or settings_of(),
            accept,
            **options,  # type: ignore[arg-type]
        )
        return party

    @property
    def address(self) -> tuple[str, int]:
        """Where to dial it."""
        return self.endpoint.addresses[0]

    def dial(self, address: tuple[str, int], talker: Callable[[Pump], Talker] = Talker) -> Talker:
        """A new connection."""
        made: list[Talker] = []

        def protocol(pump: Pump) -> Talker:
            made.append(talker(pump))
            return made[0]

        self.endpoint.dial(address, protocol)
        return made[0]
