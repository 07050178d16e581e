# Generated from proto/ by tools/generate_proto.py.
import grpc
import grpc.aio

from sidecar_client.gen.overlay.v1 import node_pb2

class NodeServiceStub:
    def __init__(self, channel: grpc.Channel) -> None: ...
    GetNode: grpc.UnaryUnaryMultiCallable[node_pb2.GetNodeRequest, node_pb2.GetNodeResponse]
    WatchEvents: grpc.UnaryStreamMultiCallable[node_pb2.WatchEventsRequest, node_pb2.WatchEventsResponse]
    CheckReachability: grpc.UnaryUnaryMultiCallable[node_pb2.CheckReachabilityRequest, node_pb2.CheckReachabilityResponse]
    Drain: grpc.UnaryUnaryMultiCallable[node_pb2.DrainRequest, node_pb2.DrainResponse]

class NodeServiceAsyncStub:
    def __init__(self, channel: grpc.aio.Channel) -> None: ...
    GetNode: grpc.aio.UnaryUnaryMultiCallable[node_pb2.GetNodeRequest, node_pb2.GetNodeResponse]
    WatchEvents: grpc.aio.UnaryStreamMultiCallable[node_pb2.WatchEventsRequest, node_pb2.WatchEventsResponse]
    CheckReachability: grpc.aio.UnaryUnaryMultiCallable[node_pb2.CheckReachabilityRequest, node_pb2.CheckReachabilityResponse]
    Drain: grpc.aio.UnaryUnaryMultiCallable[node_pb2.DrainRequest, node_pb2.DrainResponse]
