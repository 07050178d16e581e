"""The services that the front's tests call."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from google.protobuf.wrappers_pb2 import BytesValue, Int32Value, StringValue

from sidecar.api.front.base import CallContext, ColdBidi, ColdStream, ColdUnary, Hot, HotCall, Service
from sidecar.errors import Reason, SidecarError

SERVICE = "test.Front"


class Probe:
    """A hot method in the hands of the test: keeps what comes, gives what it is told to, and checks its own order."""

    def __init__(self, call: HotCall) -> None:
        self.call = call
        self.received: list[bytes] = []
        self.received_bytes = 0
        self.outgoing: list[bytes] = []
        self.supply: Callable[[], bytes | None] = lambda: None
        self.taken_bytes = 0
        self.closed = asyncio.Event()
        self.over = asyncio.Event()
        self.completed: bool | None = None
        self.changed = asyncio.Event()
        self.pausing = False
        self.on_messages: Callable[[list[bytes]], None] = lambda batch: None
        self.on_half_closed: Callable[[], None] = lambda: None

    def messages(self, batch: list[bytes]) -> None:
        assert self.completed is None, "messages after ended"
        assert not self.closed.is_set(), "messages after half_closed"
        assert batch
        assert all(type(message) is bytes for message in batch)
        self.received += batch
        self.received_bytes += sum(map(len, batch))
        self.changed.set()
        self.on_messages(batch)

    def half_closed(self) -> None:
        assert self.completed is None, "half_closed after ended"
        assert not self.closed.is_set(), "half_closed twice"
        self.closed.set()
        self.changed.set()
        self.on_half_closed()

    @property
    def paused(self) -> bool:
        return self.pausing

    def take(self, max_bytes: int) -> Sequence[bytes]:
        assert self.completed is None, "take after ended"
        assert max_bytes > 0
        given, size = [], 0
        while size < max_bytes and (response := self.outgoing.pop(0) if self.outgoing else self.supply()) is not None:
            given.append(response)
            size += len(response)
        self.taken_bytes += size
        self.changed.set()
        return given

    def ended(self, completed: bool) -> None:
        assert self.completed is None, "ended twice"
        self.completed = completed
        self.over.set()
        self.changed.set()

    def give(self, *responses: bytes) -> None:
        self.outgoing += responses
        self.call.wake()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns once a condition holds that a verb of this method brings about."""
        while not condition():
            self.changed.clear()
            await self.changed.wait()


class Echo(Probe):
    """Gives back what it gets, and ends when the client does."""

    def __init__(self, call: HotCall) -> None:
        super().__init__(call)
        self.on_messages = lambda batch: self.give(*batch)
        self.on_half_closed = self.call.finish


class TestServices:
    """One service of every kind of method. `probes` has every hot call that was opened."""

    __test__ = False

    def __init__(self) -> None:
        self.probes: asyncio.Queue[Probe] = asyncio.Queue()
        self.all_probes: list[Probe] = []
        self.iterators_closed = 0
        self.iterator_closed = asyncio.Event()

    async def probe(self) -> Probe:
        """The next hot call that is opened."""
        return await self.probes.get()

    def service(self) -> Service:
        return Service(
            SERVICE,
            {
                "Unary": ColdUnary(StringValue, self.unary),
                "Bytes": ColdUnary(BytesValue, self.echo_bytes),
                "Stream": ColdStream(Int32Value, self.stream),
                "Bidi": ColdBidi(Int32Value, self.bidi),
                "Probe": Hot(self.opener(Probe)),
                "Echo": Hot(self.opener(Echo)),
                "HotStream": Hot(self.opener(Probe), unary_request=True),
                "HotUnary": Hot(self.opener(Echo), unary_request=True, unary_response=True),
                "HotGather": Hot(self.opener(Probe), unary_response=True),
                "Refused": Hot(self.refuse),
            },
        )

    def opener(self, kind: type[Probe]) -> Callable[[HotCall], Probe]:
        def opened(call: HotCall) -> Probe:
            probe = kind(call)
            self.all_probes.append(probe)
            self.probes.put_nowait(probe)
            return probe

        return opened

    def refuse(self, call: HotCall) -> Probe:
        raise SidecarError(Reason.LIMIT_REACHED, "no more", metadata={"limit": "0"})

    async def unary(self, request: StringValue, context: CallContext) -> StringValue:
        verb, _, argument = request.value.partition(":")
        match verb:
            case "error":
                raise SidecarError(
                    Reason(argument), f"it was {argument}", metadata={"limit": "7"}, fields=[("a.b", "is wrong")]
                )
            case "bug":
                raise ZeroDivisionError(argument)
            case "huge-error":
                raise SidecarError(
                    Reason.BOOTSTRAP_FAILED,
                    "é" * 5000,
                    metadata={f"contact-{number}": "x" * 200 for number in range(200)},
                    fields=[(f"field[{number}]", "y" * 200) for number in range(200)],
                )
            case "wait":
                await asyncio.Event().wait()
            case "context":
                now = asyncio.get_running_loop().time()
                told: dict[str, Any] = {
                    "method": context.method,
                    "metadata": dict(context.metadata),
                    "left": None if context.deadline is None else context.deadline - now,
                    "answer": None if context.answer_by is None else context.answer_by - now,
                }
                return StringValue(value=json.dumps(told))
        return request

    async def echo_bytes(self, request: BytesValue, _context: CallContext) -> BytesValue:
        return request

    async def stream(self, request: Int32Value, _context: CallContext) -> AsyncIterator[Int32Value]:
        try:
            for number in range(abs(request.value)):
                yield Int32Value(value=number)
            if request.value < 0:
                await asyncio.Event().wait()
            if request.value > 100:
                raise SidecarError(Reason.CURSOR_EXPIRED, "no further")
        finally:
            self.iterators_closed += 1
            self.iterator_closed.set()

    async def bidi(self, requests: AsyncIterator[Int32Value], _context: CallContext) -> AsyncIterator[Int32Value]:
        async for request in requests:
            yield Int32Value(value=2 * request.value)
