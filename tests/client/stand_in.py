"""A gRPC server in a sidecar's place that does what a test says, for what a real one does by chance only."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from typing import Any, Self

import grpc
from google.protobuf.message_factory import GetMessageClass

from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from sidecar_client.gen.overlay.v1 import node_pb2, peer_pb2, stream_pb2

PATIENCE = 20.0
"""Seconds until a test gives up what it waits for."""

WINDOW = 16 << 20

SERVICES = [
    (name, file.DESCRIPTOR.services_by_name[name])
    for name, file in (
        ("MessageService", pb),
        ("NodeService", node_pb2),
        ("PeerService", peer_pb2),
        ("StreamService", stream_pb2),
    )
]


class Over(Exception):
    """How a call is to end."""

    def __init__(self, code: grpc.StatusCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Call:
    """A call that the client has made: what came, and what is to be said."""

    def __init__(self, context: grpc.ServicerContext) -> None:
        self.context = context
        self.requests: Queue[Any] = Queue()
        """What came; None at the client's half-close, or its end."""
        self._responses: Queue[Any] = Queue()
        self.over = threading.Event()
        context.add_callback(self._end)

    def say(self, *responses: Any) -> None:
        """Responses, in order."""
        for response in responses:
            self._responses.put(response)

    def end(self, code: grpc.StatusCode = grpc.StatusCode.OK, detail: str = "") -> None:
        """Ends the call, behind what was said."""
        self._responses.put(Over(code, detail))

    def hear(self) -> Any:
        """The next request."""
        return self.requests.get(timeout=PATIENCE)

    def messages(self, count: int) -> list[pb.Message]:
        """So many messages of a SendStream."""
        found: list[pb.Message] = []
        while len(found) < count:
            found += self.hear().messages
        return found

    def receipt(self, through: int, *failed: tuple[int, int, int]) -> None:
        """A receipt of level DELIVERED: up to which message, and which have failed with which reason."""
        receipt = pb.Receipt(level=pb.DELIVERY_LEVEL_DELIVERED, through_sequence=through)
        for first, last, reason in failed:
            exception = receipt.exceptions.add(first=first, last=last, detail="why")
            # An open enum: a newer sidecar's reason is a number that this client has no name for.
            exception.MergeFromString(b"\x18" + bytes([reason]) if reason < 128 else b"\x18\xe7\x07")
        self.say(pb.SendStreamResponse(receipts=[receipt]))

    def serve(self) -> Iterator[Any]:
        """Run by the server's thread."""
        while True:
            response = self._responses.get()
            if isinstance(response, Over):
                if response.code is not grpc.StatusCode.OK:
                    self.context.abort(response.code, response.detail)
                return
            yield response

    def listen(self, requests: Iterator[Any]) -> None:
        """Takes what comes, in a thread of its own."""

        def take() -> None:
            try:
                for request in requests:
                    self.requests.put(request)
            except Exception:  # noqa: BLE001 - it is what gRPC raises where the call is over
                pass
            self.requests.put(None)

        threading.Thread(target=take, daemon=True).start()

    def _end(self) -> None:
        self.over.set()
        self._responses.put(Over(grpc.StatusCode.OK, ""))


class StandIn:
    """The server. `calls` are those to streaming methods, in their order."""

    def __init__(self) -> None:
        self.calls: Queue[Call] = Queue()
        self.instance = 1
        self.refusal: tuple[grpc.StatusCode, str] | None = None
        """How calls end at once."""
        self._made: list[Call] = []
        self._server = grpc.server(ThreadPoolExecutor(16))
        self._server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(f"overlay.v1.{name}", self._methods(file)) for name, file in SERVICES]
        )
        self.endpoint = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def _methods(self, service: Any) -> dict[str, Any]:
        """A handler for each streaming method, and GetNode."""
        found: dict[str, Any] = {}
        for method in service.methods:
            codec: dict[str, Any] = {
                "request_deserializer": GetMessageClass(method.input_type).FromString,
                "response_serializer": GetMessageClass(method.output_type).SerializeToString,
            }
            if method.name == "GetNode":
                found[method.name] = grpc.unary_unary_rpc_method_handler(self._node, **codec)
            elif method.client_streaming:
                found[method.name] = grpc.stream_stream_rpc_method_handler(self._both_ways, **codec)
            elif method.server_streaming:
                found[method.name] = grpc.unary_stream_rpc_method_handler(self._one_way, **codec)
        return found

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        for call in self._made:
            call.end()
        self._server.stop(0).wait()

    def call(self) -> Call:
        """The next call."""
        return self.calls.get(timeout=PATIENCE)

    def _take(self, context: Any) -> Call:
        if self.refusal is not None:
            context.abort(*self.refusal)
        call = Call(context)
        self._made.append(call)
        context.send_initial_metadata(())
        return call

    def _both_ways(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        call = self._take(context)
        call.listen(requests)
        self.calls.put(call)
        yield from call.serve()

    def _one_way(self, request: Any, context: Any) -> Iterator[Any]:
        call = self._take(context)
        call.requests.put(request)
        self.calls.put(call)
        yield from call.serve()

    def _node(self, request: node_pb2.GetNodeRequest, context: Any) -> node_pb2.GetNodeResponse:
        limits = node_pb2.Limits(max_message_bytes=64 << 20, max_grpc_bytes=16 << 20)
        return node_pb2.GetNodeResponse(instance=self.instance, limits=limits)


def deliveries(*payloads: bytes, first_id: int = 0) -> list[pb.Delivery]:
    """One Delivery of these."""
    messages = [pb.Message(payload=payload) for payload in payloads]
    return [pb.Delivery(messages=messages, peer_id="p", channel="c", first_sequence=1, first_delivery_id=first_id)]
