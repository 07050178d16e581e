# Generated from proto/ by tools/generate_proto.py.
import grpc
import grpc.aio

from sidecar_client.gen.overlay.v1 import queue_pb2

class QueueServiceStub:
    def __init__(self, channel: grpc.Channel) -> None: ...
    ListQueues: grpc.UnaryUnaryMultiCallable[queue_pb2.ListQueuesRequest, queue_pb2.ListQueuesResponse]
    ListLetters: grpc.UnaryUnaryMultiCallable[queue_pb2.ListLettersRequest, queue_pb2.ListLettersResponse]
    GetLetter: grpc.UnaryUnaryMultiCallable[queue_pb2.GetLetterRequest, queue_pb2.GetLetterResponse]
    PurgeLetters: grpc.UnaryUnaryMultiCallable[queue_pb2.PurgeLettersRequest, queue_pb2.PurgeLettersResponse]
    ReplayLetters: grpc.UnaryUnaryMultiCallable[queue_pb2.ReplayLettersRequest, queue_pb2.ReplayLettersResponse]

class QueueServiceAsyncStub:
    def __init__(self, channel: grpc.aio.Channel) -> None: ...
    ListQueues: grpc.aio.UnaryUnaryMultiCallable[queue_pb2.ListQueuesRequest, queue_pb2.ListQueuesResponse]
    ListLetters: grpc.aio.UnaryUnaryMultiCallable[queue_pb2.ListLettersRequest, queue_pb2.ListLettersResponse]
    GetLetter: grpc.aio.UnaryUnaryMultiCallable[queue_pb2.GetLetterRequest, queue_pb2.GetLetterResponse]
    PurgeLetters: grpc.aio.UnaryUnaryMultiCallable[queue_pb2.PurgeLettersRequest, queue_pb2.PurgeLettersResponse]
    ReplayLetters: grpc.aio.UnaryUnaryMultiCallable[queue_pb2.ReplayLettersRequest, queue_pb2.ReplayLettersResponse]
