# Generated from proto/ by tools/generate_proto.py.
import grpc
import grpc.aio

from sidecar_client.gen.overlay.v1 import message_pb2

class MessageServiceStub:
    def __init__(self, channel: grpc.Channel) -> None: ...
    Send: grpc.UnaryUnaryMultiCallable[message_pb2.SendRequest, message_pb2.SendResponse]
    SendStream: grpc.StreamStreamMultiCallable[message_pb2.SendStreamRequest, message_pb2.SendStreamResponse]
    Receive: grpc.UnaryStreamMultiCallable[message_pb2.ReceiveRequest, message_pb2.ReceiveResponse]
    Consume: grpc.StreamStreamMultiCallable[message_pb2.ConsumeRequest, message_pb2.ConsumeResponse]
    Request: grpc.UnaryUnaryMultiCallable[message_pb2.RequestRequest, message_pb2.RequestResponse]
    Broadcast: grpc.UnaryUnaryMultiCallable[message_pb2.BroadcastRequest, message_pb2.BroadcastResponse]
    SendDatagram: grpc.UnaryUnaryMultiCallable[message_pb2.SendDatagramRequest, message_pb2.SendDatagramResponse]
    ReceiveDatagrams: grpc.UnaryStreamMultiCallable[message_pb2.ReceiveDatagramsRequest, message_pb2.ReceiveDatagramsResponse]
    Reply: grpc.StreamStreamMultiCallable[message_pb2.ReplyRequest, message_pb2.ReplyResponse]

class MessageServiceAsyncStub:
    def __init__(self, channel: grpc.aio.Channel) -> None: ...
    Send: grpc.aio.UnaryUnaryMultiCallable[message_pb2.SendRequest, message_pb2.SendResponse]
    SendStream: grpc.aio.StreamStreamMultiCallable[message_pb2.SendStreamRequest, message_pb2.SendStreamResponse]
    Receive: grpc.aio.UnaryStreamMultiCallable[message_pb2.ReceiveRequest, message_pb2.ReceiveResponse]
    Consume: grpc.aio.StreamStreamMultiCallable[message_pb2.ConsumeRequest, message_pb2.ConsumeResponse]
    Request: grpc.aio.UnaryUnaryMultiCallable[message_pb2.RequestRequest, message_pb2.RequestResponse]
    Broadcast: grpc.aio.UnaryUnaryMultiCallable[message_pb2.BroadcastRequest, message_pb2.BroadcastResponse]
    SendDatagram: grpc.aio.UnaryUnaryMultiCallable[message_pb2.SendDatagramRequest, message_pb2.SendDatagramResponse]
    ReceiveDatagrams: grpc.aio.UnaryStreamMultiCallable[message_pb2.ReceiveDatagramsRequest, message_pb2.ReceiveDatagramsResponse]
    Reply: grpc.aio.StreamStreamMultiCallable[message_pb2.ReplyRequest, message_pb2.ReplyResponse]
