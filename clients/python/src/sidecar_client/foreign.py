"""Messages of `google.rpc` and `grpc.health.v1`, so that the client needs no further distribution.

They live in a descriptor pool of their own under the real names: whoever else in the process has the real files in the
default pool is not in their way.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

FieldType = descriptor_pb2.FieldDescriptorProto

STRING: Final = FieldType.TYPE_STRING
BYTES: Final = FieldType.TYPE_BYTES
INT32: Final = FieldType.TYPE_INT32
INT64: Final = FieldType.TYPE_INT64

FILES: Final[dict[str, dict[str, list[tuple[str, int, Any, bool]]]]] = {
    "google.rpc": {
        "Any": [("type_url", 1, STRING, False), ("value", 2, BYTES, False)],
        "Status": [("code", 1, INT32, False), ("message", 2, STRING, False), ("details", 3, "Any", True)],
        "Pair": [("key", 1, STRING, False), ("value", 2, STRING, False)],
        "ErrorInfo": [("reason", 1, STRING, False), ("domain", 2, STRING, False), ("metadata", 3, "Pair", True)],
        "FieldViolation": [("field", 1, STRING, False), ("description", 2, STRING, False)],
        "BadRequest": [("field_violations", 1, "FieldViolation", True)],
        "Duration": [("seconds", 1, INT64, False), ("nanos", 2, INT32, False)],
        "RetryInfo": [("retry_delay", 1, "Duration", False)],
    },
    "grpc.health.v1": {
        "HealthCheckRequest": [("service", 1, STRING, False)],
        # `status` is an enum there, which is the same on the wire.
        "HealthCheckResponse": [("status", 1, INT32, False)],
    },
}
"""package -> message -> (field, number, type, repeated). A map is written as it is on the wire: repeated pairs."""

SERVING: Final = 1
"""grpc.health.v1.HealthCheckResponse.ServingStatus.SERVING"""


def private_pool() -> descriptor_pool.DescriptorPool:
    """The files above, in a pool of their own."""
    pool = descriptor_pool.DescriptorPool()
    for package, messages in FILES.items():
        file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
        for name, fields in messages.items():
            message = file.message_type.add(name=name)
            for field_name, number, kind, repeated in fields:
                field = message.field.add(name=field_name, number=number)
                field.label = FieldType.LABEL_REPEATED if repeated else FieldType.LABEL_OPTIONAL
                if isinstance(kind, str):
                    field.type = FieldType.TYPE_MESSAGE
                    field.type_name = f".{package}.{kind}"
                else:
                    field.type = kind
        pool.Add(file)
    return pool


_POOL: Final = private_pool()


def message_class(name: str) -> type[Message]:
    """The class of a message by its full name."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(name))


Status = message_class("google.rpc.Status")
ErrorInfo = message_class("google.rpc.ErrorInfo")
BadRequest = message_class("google.rpc.BadRequest")
RetryInfo = message_class("google.rpc.RetryInfo")
HealthCheckRequest = message_class("grpc.health.v1.HealthCheckRequest")
HealthCheckResponse = message_class("grpc.health.v1.HealthCheckResponse")
