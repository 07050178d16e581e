"""The service that gRPC's interop clients call, over a front's Protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

from sidecar.api.front.base import CallContext, ColdBidi, ColdStream, ColdUnary, Hot, HotCall, Service
from sidecar.api.status import Code, ForeignStatus

HERE = Path(__file__).resolve().parent


def messages(folder: Path) -> dict[str, Any]:
    """The classes of interop.proto by their short names, from a pool of their own."""
    described = folder / "interop.binpb"
    assert protoc.main(["protoc", f"-I{HERE}", f"--descriptor_set_out={described}", "interop.proto"]) == 0
    files = descriptor_pb2.FileDescriptorSet.FromString(described.read_bytes()).file
    made = message_factory.GetMessages(files, descriptor_pool.DescriptorPool())
    return {name.rpartition(".")[2]: kind for name, kind in made.items()}


def refuse(status: Any) -> None:
    """The status that a request asks for."""
    if status.code:
        raise ForeignStatus(Code(status.code), status.message)


class Gather:
    """StreamingInputCall: how many bytes of payload came."""

    paused = False

    def __init__(self, kinds: dict[str, Any], call: HotCall) -> None:
        self._kinds = kinds
        self._call = call
        self._size = 0
        self._answer: list[bytes] = []

    def messages(self, batch: list[bytes]) -> None:
        for encoded in batch:
            self._size += len(self._kinds["StreamingInputCallRequest"].FromString(encoded).payload.body)

    def half_closed(self) -> None:
        answer = self._kinds["StreamingInputCallResponse"](aggregated_payload_size=self._size)
        self._answer = [answer.SerializeToString()]
        self._call.finish()

    def take(self, max_bytes: int) -> Sequence[bytes]:
        answer, self._answer = self._answer, []
        return answer

    def ended(self, completed: bool) -> None:
        pass


class TestService:
    """grpc.testing.TestService."""

    __test__ = False

    def __init__(self, folder: Path) -> None:
        self.kinds = messages(folder)

    def service(self) -> Service:
        kinds = self.kinds
        return Service(
            "grpc.testing.TestService",
            {
                "EmptyCall": ColdUnary(kinds["Empty"], self.empty),
                "UnaryCall": ColdUnary(kinds["SimpleRequest"], self.unary),
                "StreamingOutputCall": ColdStream(kinds["StreamingOutputCallRequest"], self.output),
                "StreamingInputCall": Hot(lambda call: Gather(kinds, call), unary_response=True),
                "FullDuplexCall": ColdBidi(kinds["StreamingOutputCallRequest"], self.full_duplex),
            },
        )

    async def empty(self, request: Any, _context: CallContext) -> Any:
        return request

    async def unary(self, request: Any, _context: CallContext) -> Any:
        refuse(request.response_status)
        return self.kinds["SimpleResponse"](payload={"body": bytes(request.response_size)}, server_id="one")

    async def output(self, request: Any, _context: CallContext) -> AsyncIterator[Any]:
        refuse(request.response_status)
        for wanted in request.response_parameters:
            await asyncio.sleep(wanted.interval_us / 1e6)
            yield self.kinds["StreamingOutputCallResponse"](payload={"body": bytes(wanted.size)})

    async def full_duplex(self, requests: AsyncIterator[Any], context: CallContext) -> AsyncIterator[Any]:
        async for request in requests:
            async for response in self.output(request, context):
                yield response
