# Generated from proto/ by tools/generate_proto.py.
import grpc
import grpc.aio

from sidecar_client.gen.overlay.v1 import stream_pb2

class StreamServiceStub:
    def __init__(self, channel: grpc.Channel) -> None: ...
    Open: grpc.StreamStreamMultiCallable[stream_pb2.OpenRequest, stream_pb2.OpenResponse]
    Accept: grpc.StreamStreamMultiCallable[stream_pb2.AcceptRequest, stream_pb2.AcceptResponse]

class StreamServiceAsyncStub:
    def __init__(self, channel: grpc.aio.Channel) -> None: ...
    Open: grpc.aio.StreamStreamMultiCallable[stream_pb2.OpenRequest, stream_pb2.OpenResponse]
    Accept: grpc.aio.StreamStreamMultiCallable[stream_pb2.AcceptRequest, stream_pb2.AcceptResponse]
