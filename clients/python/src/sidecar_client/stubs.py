"""The generated stubs over one channel, for whatever the wrappers do not say.

They are the plain ones: requests and responses are the messages of `sidecar_client.gen.overlay.v1`, errors gRPC's own
(`error_from_rpc` translates them). Only the token is added to each call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from weakref import WeakSet

import grpc
import grpc.aio

from sidecar_client.deliveries import ConsumeResponse, ReceiveResponse
from sidecar_client.foreign import HealthCheckRequest, HealthCheckResponse
from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from sidecar_client.gen.overlay.v1.bootstrap_pb2_grpc import BootstrapServiceStub
from sidecar_client.gen.overlay.v1.message_pb2_grpc import MessageServiceStub
from sidecar_client.gen.overlay.v1.node_pb2_grpc import NodeServiceStub
from sidecar_client.gen.overlay.v1.peer_pb2_grpc import PeerServiceStub
from sidecar_client.gen.overlay.v1.queue_pb2_grpc import QueueServiceStub
from sidecar_client.gen.overlay.v1.stream_pb2_grpc import StreamServiceStub

if TYPE_CHECKING:
    from sidecar_client.gen.overlay.v1.bootstrap_pb2_grpc import BootstrapServiceAsyncStub
    from sidecar_client.gen.overlay.v1.message_pb2_grpc import MessageServiceAsyncStub
    from sidecar_client.gen.overlay.v1.node_pb2_grpc import NodeServiceAsyncStub
    from sidecar_client.gen.overlay.v1.peer_pb2_grpc import PeerServiceAsyncStub
    from sidecar_client.gen.overlay.v1.queue_pb2_grpc import QueueServiceAsyncStub
    from sidecar_client.gen.overlay.v1.stream_pb2_grpc import StreamServiceAsyncStub

Metadata = tuple[tuple[str, str], ...]


class Stubs:
    """The services of a sidecar, for threads."""

    def __init__(self, channel: grpc.Channel, metadata: Metadata = ()) -> None:
        through = cast(grpc.Channel, MetadataChannel(channel, metadata))
        self.messages = MessageServiceStub(through)
        self.peers = PeerServiceStub(through)
        self.streams = StreamServiceStub(through)
        self.bootstrap = BootstrapServiceStub(through)
        self.node = NodeServiceStub(through)
        self.queues = QueueServiceStub(through)
        self.health = HealthStub(through)
        self.encoded = EncodedStub(through)


class AsyncStubs:
    """The services of a sidecar, for asyncio."""

    def __init__(self, channel: grpc.aio.Channel, metadata: Metadata = ()) -> None:
        self._calls: WeakSet[Any] = WeakSet()
        through = cast(Any, MetadataChannel(channel, metadata, self._calls))
        self.messages = cast("MessageServiceAsyncStub", MessageServiceStub(through))
        self.peers = cast("PeerServiceAsyncStub", PeerServiceStub(through))
        self.streams = cast("StreamServiceAsyncStub", StreamServiceStub(through))
        self.bootstrap = cast("BootstrapServiceAsyncStub", BootstrapServiceStub(through))
        self.node = cast("NodeServiceAsyncStub", NodeServiceStub(through))
        self.queues = cast("QueueServiceAsyncStub", QueueServiceStub(through))
        self.health = HealthStub(through)
        self.encoded = EncodedStub(through)

    def cancel(self) -> None:
        """Takes back every call that is under way. A channel that closes finds those only that a task awaits itself,
        and leaves others waiting for ever."""
        for call in list(self._calls):
            call.cancel()


class HealthStub:
    """grpc.health.v1.Health, over either kind of channel. Its messages are those of `sidecar_client.foreign`."""

    def __init__(self, channel: Any) -> None:
        codec = {
            "request_serializer": HealthCheckRequest.SerializeToString,
            "response_deserializer": HealthCheckResponse.FromString,
        }
        self.Check: Any = channel.unary_unary("/grpc.health.v1.Health/Check", **codec)
        self.Watch: Any = channel.unary_stream("/grpc.health.v1.Health/Watch", **codec)


class EncodedStub:
    """The streams of MessageService, over either kind of channel, as senders and subscriptions use them: their messages
    go and come encoded."""

    def __init__(self, channel: Any) -> None:
        path = "/overlay.v1.MessageService/"
        self.SendStream: Any = channel.stream_stream(
            path + "SendStream", request_serializer=None, response_deserializer=pb.SendStreamResponse.FromString
        )
        self.Receive: Any = channel.unary_stream(
            path + "Receive", pb.ReceiveRequest.SerializeToString, ReceiveResponse.FromString
        )
        self.Consume: Any = channel.stream_stream(
            path + "Consume", pb.ConsumeRequest.SerializeToString, ConsumeResponse.FromString
        )


class MetadataChannel:
    """A channel whose every call carries the same metadata beside the caller's own.

    Interceptors would do it too, but put a layer of tasks and queues around each streaming call. `calls`, where it is
    given, gets each call that is made.
    """

    def __init__(
        self, channel: grpc.Channel | grpc.aio.Channel, metadata: Metadata, calls: WeakSet[Any] | None = None
    ) -> None:
        self.channel = channel
        self.metadata = metadata
        self.calls = calls

    def unary_unary(self, *arguments: Any, **named: Any) -> Any:
        return self.carrying(self.channel.unary_unary(*arguments, **named))

    def unary_stream(self, *arguments: Any, **named: Any) -> Any:
        return self.carrying(self.channel.unary_stream(*arguments, **named))

    def stream_unary(self, *arguments: Any, **named: Any) -> Any:
        return self.carrying(self.channel.stream_unary(*arguments, **named))

    def stream_stream(self, *arguments: Any, **named: Any) -> Any:
        return self.carrying(self.channel.stream_stream(*arguments, **named))

    def carrying(self, call: Any) -> Any:
        if self.calls is not None:
            return TrackedCall(call, self.metadata, self.calls)
        return MetadataCall(call, self.metadata) if self.metadata else call


class MetadataCall:
    """A multi-callable that adds metadata."""

    def __init__(self, call: Any, metadata: Metadata) -> None:
        self.call = call
        self.metadata = metadata

    def __call__(self, *arguments: Any, metadata: Any = None, **named: Any) -> Any:
        return self.call(*arguments, metadata=(*self.metadata, *(metadata or ())), **named)

    def with_call(self, *arguments: Any, metadata: Any = None, **named: Any) -> Any:
        """As grpc.UnaryUnaryMultiCallable.with_call."""
        return self.call.with_call(*arguments, metadata=(*self.metadata, *(metadata or ())), **named)

    def future(self, *arguments: Any, metadata: Any = None, **named: Any) -> Any:
        """As grpc.UnaryUnaryMultiCallable.future."""
        return self.call.future(*arguments, metadata=(*self.metadata, *(metadata or ())), **named)


class TrackedCall:
    """A multi-callable of asyncio that adds metadata, and remembers the calls it makes."""

    def __init__(self, call: Any, metadata: Metadata, calls: WeakSet[Any]) -> None:
        self.call = call
        self.metadata = metadata
        self.calls = calls

    def __call__(self, *arguments: Any, metadata: Any = None, **named: Any) -> Any:
        made = self.call(*arguments, metadata=(*self.metadata, *(metadata or ())), **named)
        self.calls.add(made)
        return made
