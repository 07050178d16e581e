"""ReceiveResponse and ConsumeResponse whose messages stay encoded.

On the wire a message within a message is bytes, so a Delivery can be read either way. `received` takes the bytes apart
where there is more in them than a payload; the generated classes would make an object of each first.
"""

from __future__ import annotations

from typing import Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.message import Message

from sidecar_client.gen.overlay.v1 import message_pb2 as pb


def pool() -> descriptor_pool.DescriptorPool:
    """message.proto with `bytes` for the type of Delivery.messages, in a pool of its own, and what it imports."""
    made = descriptor_pool.DescriptorPool()

    def add(file: FileDescriptor) -> None:
        for imported in file.dependencies:
            add(imported)
        copied = descriptor_pb2.FileDescriptorProto.FromString(file.serialized_pb)
        for message in copied.message_type:
            for field in message.field:
                if message.name == "Delivery" and field.name == "messages":
                    field.type = descriptor_pb2.FieldDescriptorProto.TYPE_BYTES
                    field.ClearField("type_name")
        made.Add(copied)

    add(pb.DESCRIPTOR)
    return made


_POOL: Final = pool()


def message_class(name: str) -> type[Message]:
    """The class of a message of overlay.v1."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"overlay.v1.{name}"))


ReceiveResponse: Final = message_class("ReceiveResponse")
ConsumeResponse: Final = message_class("ConsumeResponse")
