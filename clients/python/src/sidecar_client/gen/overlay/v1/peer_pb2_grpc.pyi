# Generated from proto/ by tools/generate_proto.py.
import grpc
import grpc.aio

from sidecar_client.gen.overlay.v1 import peer_pb2

class PeerServiceStub:
    def __init__(self, channel: grpc.Channel) -> None: ...
    ListPeers: grpc.UnaryUnaryMultiCallable[peer_pb2.ListPeersRequest, peer_pb2.ListPeersResponse]
    GetPeer: grpc.UnaryUnaryMultiCallable[peer_pb2.GetPeerRequest, peer_pb2.GetPeerResponse]
    WatchPeers: grpc.UnaryStreamMultiCallable[peer_pb2.WatchPeersRequest, peer_pb2.WatchPeersResponse]
    Connect: grpc.UnaryUnaryMultiCallable[peer_pb2.ConnectRequest, peer_pb2.ConnectResponse]
    Disconnect: grpc.UnaryUnaryMultiCallable[peer_pb2.DisconnectRequest, peer_pb2.DisconnectResponse]
    BlockPeer: grpc.UnaryUnaryMultiCallable[peer_pb2.BlockPeerRequest, peer_pb2.BlockPeerResponse]
    UnblockPeer: grpc.UnaryUnaryMultiCallable[peer_pb2.UnblockPeerRequest, peer_pb2.UnblockPeerResponse]
    Ping: grpc.UnaryUnaryMultiCallable[peer_pb2.PingRequest, peer_pb2.PingResponse]

class PeerServiceAsyncStub:
    def __init__(self, channel: grpc.aio.Channel) -> None: ...
    ListPeers: grpc.aio.UnaryUnaryMultiCallable[peer_pb2.ListPeersRequest, peer_pb2.ListPeersResponse]
    GetPeer: grpc.aio.UnaryUnaryMultiCallable[peer_pb2.GetPeerRequest, peer_pb2.GetPeerResponse]
    WatchPeers: grpc.aio.UnaryStreamMultiCallable[peer_pb2.WatchPeersRequest, peer_pb2.WatchPeersResponse]
    Connect: grpc.aio.UnaryUnaryMultiCallable[peer_pb2.ConnectRequest, peer_pb2.ConnectResponse]
    Disconnect: grpc.aio.UnaryUnaryMultiCallable[peer_pb2.DisconnectRequest, peer_pb2.DisconnectResponse]
    BlockPeer: grpc.aio.UnaryUnaryMultiCallable[peer_pb2.BlockPeerRequest, peer_pb2.BlockPeerResponse]
    UnblockPeer: grpc.aio.UnaryUnaryMultiCallable[peer_pb2.UnblockPeerRequest, peer_pb2.UnblockPeerResponse]
    Ping: grpc.aio.UnaryUnaryMultiCallable[peer_pb2.PingRequest, peer_pb2.PingResponse]
