# Generated from proto/ by tools/generate_proto.py.
import grpc
import grpc.aio

from sidecar_client.gen.overlay.v1 import bootstrap_pb2

class BootstrapServiceStub:
    def __init__(self, channel: grpc.Channel) -> None: ...
    Bootstrap: grpc.UnaryUnaryMultiCallable[bootstrap_pb2.BootstrapRequest, bootstrap_pb2.BootstrapResponse]
    ListContacts: grpc.UnaryUnaryMultiCallable[bootstrap_pb2.ListContactsRequest, bootstrap_pb2.ListContactsResponse]
    AddContacts: grpc.UnaryUnaryMultiCallable[bootstrap_pb2.AddContactsRequest, bootstrap_pb2.AddContactsResponse]
    RemoveContact: grpc.UnaryUnaryMultiCallable[bootstrap_pb2.RemoveContactRequest, bootstrap_pb2.RemoveContactResponse]

class BootstrapServiceAsyncStub:
    def __init__(self, channel: grpc.aio.Channel) -> None: ...
    Bootstrap: grpc.aio.UnaryUnaryMultiCallable[bootstrap_pb2.BootstrapRequest, bootstrap_pb2.BootstrapResponse]
    ListContacts: grpc.aio.UnaryUnaryMultiCallable[bootstrap_pb2.ListContactsRequest, bootstrap_pb2.ListContactsResponse]
    AddContacts: grpc.aio.UnaryUnaryMultiCallable[bootstrap_pb2.AddContactsRequest, bootstrap_pb2.AddContactsResponse]
    RemoveContact: grpc.aio.UnaryUnaryMultiCallable[bootstrap_pb2.RemoveContactRequest, bootstrap_pb2.RemoveContactResponse]
