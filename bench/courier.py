"""Messages between two endpoints for `bench.paths`: each is a stream of its own, written as the limit of bytes in
flight allows and answered when it is whole."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from sidecar.transport.endpoint import Endpoint
from sidecar.transport.pump import Pump

ANSWER_BYTES = 8


class Courier:
    """One end of a connection: sends, and answers what came."""

    def __init__(self, pump: Pump) -> None:
        self.pump = pump
        self.arrived = 0
        """Bytes of messages."""
        self._now = asyncio.get_running_loop().time
        self.shaken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done with the handshake."""
        self._urgent: deque[tuple[int, memoryview]] = deque()
        self._bulk: deque[tuple[int, memoryview]] = deque()
        self._awaited: dict[int, asyncio.Future[None]] = {}
        self._answers: dict[int, bytes] = {}

    @classmethod
    async def dial(cls, endpoint: Endpoint, address: tuple[str, int]) -> Courier:
        """One whose handshake is done."""
        made: list[Courier] = []

        def protocol(pump: Pump) -> Courier:
            made.append(cls(pump))
            return made[0]

        endpoint.dial(address, protocol)
        await made[0].shaken
        return made[0]

    async def deliver(self, size: int, *, urgent: bool = False) -> float:
        """Sends that many bytes, before those that wait if they are urgent. Returns the seconds until the other side's
        word that they are whole."""
        stream = self.pump.open_stream()
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._awaited[stream] = answered
        began = self._now()
        (self._urgent if urgent else self._bulk).append((stream, memoryview(bytes(size))))
        self.pump.wake()
        await answered
        return self._now() - began

    # -- StreamProtocol

    def established(self, chain: tuple[bytes, ...], now: float) -> None:
        """See StreamProtocol."""
        self.pump.admitted()
        self.shaken.set_result(None)

    def opened(self, now: float) -> None:
        """See StreamProtocol."""

    def stream_data(self, stream_id: int, data: bytes, fin: bool, now: float) -> None:
        """See StreamProtocol."""
        if self.pump.dialled:
            answer = self._answers.pop(stream_id, b"") + data
            if not fin:
                self._answers[stream_id] = answer
            elif waiting := self._awaited.pop(int.from_bytes(answer, "big"), None):
                waiting.set_result(None)
            return
        self.arrived += len(data)
        if fin:
            self.pump.send(self.pump.open_stream(), stream_id.to_bytes(ANSWER_BYTES, "big"), fin=True)

    def stream_reset(self, stream_id: int, code: int, now: float) -> None:
        """See StreamProtocol."""

    def stop_sending(self, stream_id: int, code: int, now: float) -> None:
        """See StreamProtocol."""

    def datagram(self, data: bytes, now: float) -> None:
        """See StreamProtocol."""

    def fill(self, now: float) -> None:
        """See StreamProtocol."""
        for waiting in (self._urgent, self._bulk):
            while waiting and (room := self.pump.send_room()):
                stream, rest = waiting.popleft()
                if len(rest) > room:
                    waiting.appendleft((stream, rest[room:]))
                self.pump.send(stream, rest[:room], fin=len(rest) <= room)

    def deadline(self) -> float | None:
        """See StreamProtocol."""
        return None

    def closed(self, code: int, reason: str, application: bool, remote: bool, now: float) -> None:
        """See StreamProtocol."""
        lost = ConnectionError(f"the connection has ended: {reason or code}")
        asked = (self.shaken, *self._awaited.values()) if self.pump.dialled else ()
        for waiting in asked:
            if not waiting.done():
                waiting.set_exception(lost)


def accepting(accepted: list[Courier]) -> Callable[[Pump], Courier]:
    """What makes the protocol of accepted connections, and keeps them in a list."""

    def accept(pump: Pump) -> Courier:
        accepted.append(Courier(pump))
        return accepted[-1]

    return accept
