import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sidecar.gen.overlay.v1 import datagram_pb2 as _datagram_pb2
from sidecar.gen.overlay.v1 import errors_pb2 as _errors_pb2
from sidecar.gen.overlay.v1 import request_pb2 as _request_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIORITY_UNSPECIFIED: _ClassVar[Priority]
    PRIORITY_HIGH: _ClassVar[Priority]
    PRIORITY_NORMAL: _ClassVar[Priority]
    PRIORITY_LOW: _ClassVar[Priority]

class DeliveryLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DELIVERY_LEVEL_UNSPECIFIED: _ClassVar[DeliveryLevel]
    DELIVERY_LEVEL_SENT: _ClassVar[DeliveryLevel]
    DELIVERY_LEVEL_DELIVERED: _ClassVar[DeliveryLevel]
    DELIVERY_LEVEL_PROCESSED: _ClassVar[DeliveryLevel]
PRIORITY_UNSPECIFIED: Priority
PRIORITY_HIGH: Priority
PRIORITY_NORMAL: Priority
PRIORITY_LOW: Priority
DELIVERY_LEVEL_UNSPECIFIED: DeliveryLevel
DELIVERY_LEVEL_SENT: DeliveryLevel
DELIVERY_LEVEL_DELIVERED: DeliveryLevel
DELIVERY_LEVEL_PROCESSED: DeliveryLevel

class Message(_message.Message):
    __slots__ = ("message_id", "headers", "payload")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    message_id: str
    headers: _containers.ScalarMap[str, str]
    payload: bytes
    def __init__(self, message_id: _Optional[str] = ..., headers: _Optional[_Mapping[str, str]] = ..., payload: _Optional[bytes] = ...) -> None: ...

class SendRequest(_message.Message):
    __slots__ = ("peer_id", "channel", "priority", "level", "message", "token", "durable", "ttl", "request_id")
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    DURABLE_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    channel: str
    priority: Priority
    level: DeliveryLevel
    message: Message
    token: str
    durable: bool
    ttl: _duration_pb2.Duration
    request_id: str
    def __init__(self, peer_id: _Optional[str] = ..., channel: _Optional[str] = ..., priority: _Optional[_Union[Priority, str]] = ..., level: _Optional[_Union[DeliveryLevel, str]] = ..., message: _Optional[_Union[Message, _Mapping]] = ..., token: _Optional[str] = ..., durable: bool = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class SendResponse(_message.Message):
    __slots__ = ("message_id", "token", "level", "sent_at", "delivered_at", "processed_at")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_AT_FIELD_NUMBER: _ClassVar[int]
    PROCESSED_AT_FIELD_NUMBER: _ClassVar[int]
    message_id: str
    token: str
    level: DeliveryLevel
    sent_at: _timestamp_pb2.Timestamp
    delivered_at: _timestamp_pb2.Timestamp
    processed_at: _timestamp_pb2.Timestamp
    def __init__(self, message_id: _Optional[str] = ..., token: _Optional[str] = ..., level: _Optional[_Union[DeliveryLevel, str]] = ..., sent_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., delivered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., processed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SendStreamRequest(_message.Message):
    __slots__ = ("messages", "open", "chunk")
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[Message]
    open: SendStreamOpen
    chunk: Chunk
    def __init__(self, messages: _Optional[_Iterable[_Union[Message, _Mapping]]] = ..., open: _Optional[_Union[SendStreamOpen, _Mapping]] = ..., chunk: _Optional[_Union[Chunk, _Mapping]] = ...) -> None: ...

class SendStreamOpen(_message.Message):
    __slots__ = ("peer_id", "channel", "priority", "level", "durable", "ttl")
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    DURABLE_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    channel: str
    priority: Priority
    level: DeliveryLevel
    durable: bool
    ttl: _duration_pb2.Duration
    def __init__(self, peer_id: _Optional[str] = ..., channel: _Optional[str] = ..., priority: _Optional[_Union[Priority, str]] = ..., level: _Optional[_Union[DeliveryLevel, str]] = ..., durable: bool = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Chunk(_message.Message):
    __slots__ = ("message_id", "offset", "total", "data", "headers")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    message_id: str
    offset: int
    total: int
    data: bytes
    headers: _containers.ScalarMap[str, str]
    def __init__(self, message_id: _Optional[str] = ..., offset: _Optional[int] = ..., total: _Optional[int] = ..., data: _Optional[bytes] = ..., headers: _Optional[_Mapping[str, str]] = ...) -> None: ...

class SendStreamResponse(_message.Message):
    __slots__ = ("receipts",)
    RECEIPTS_FIELD_NUMBER: _ClassVar[int]
    receipts: _containers.RepeatedCompositeFieldContainer[Receipt]
    def __init__(self, receipts: _Optional[_Iterable[_Union[Receipt, _Mapping]]] = ...) -> None: ...

class Receipt(_message.Message):
    __slots__ = ("level", "through_sequence", "exceptions", "time")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    THROUGH_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    EXCEPTIONS_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    level: DeliveryLevel
    through_sequence: int
    exceptions: _containers.RepeatedCompositeFieldContainer[DeliveryException]
    time: _timestamp_pb2.Timestamp
    def __init__(self, level: _Optional[_Union[DeliveryLevel, str]] = ..., through_sequence: _Optional[int] = ..., exceptions: _Optional[_Iterable[_Union[DeliveryException, _Mapping]]] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DeliveryException(_message.Message):
    __slots__ = ("first", "last", "reason", "detail")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    first: int
    last: int
    reason: _errors_pb2.ErrorReason
    detail: str
    def __init__(self, first: _Optional[int] = ..., last: _Optional[int] = ..., reason: _Optional[_Union[_errors_pb2.ErrorReason, str]] = ..., detail: _Optional[str] = ...) -> None: ...

class ReceiveRequest(_message.Message):
    __slots__ = ("channel",)
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    channel: str
    def __init__(self, channel: _Optional[str] = ...) -> None: ...

class ReceiveResponse(_message.Message):
    __slots__ = ("deliveries",)
    DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    deliveries: _containers.RepeatedCompositeFieldContainer[Delivery]
    def __init__(self, deliveries: _Optional[_Iterable[_Union[Delivery, _Mapping]]] = ...) -> None: ...

class Delivery(_message.Message):
    __slots__ = ("messages", "peer_id", "channel", "priority", "first_sequence", "instance", "first_delivery_id", "redelivery_count", "received_at", "chunk", "bulk", "durable")
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    FIRST_DELIVERY_ID_FIELD_NUMBER: _ClassVar[int]
    REDELIVERY_COUNT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    BULK_FIELD_NUMBER: _ClassVar[int]
    DURABLE_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[Message]
    peer_id: str
    channel: str
    priority: Priority
    first_sequence: int
    instance: int
    first_delivery_id: int
    redelivery_count: int
    received_at: _timestamp_pb2.Timestamp
    chunk: Chunk
    bulk: bool
    durable: bool
    def __init__(self, messages: _Optional[_Iterable[_Union[Message, _Mapping]]] = ..., peer_id: _Optional[str] = ..., channel: _Optional[str] = ..., priority: _Optional[_Union[Priority, str]] = ..., first_sequence: _Optional[int] = ..., instance: _Optional[int] = ..., first_delivery_id: _Optional[int] = ..., redelivery_count: _Optional[int] = ..., received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., chunk: _Optional[_Union[Chunk, _Mapping]] = ..., bulk: bool = ..., durable: bool = ...) -> None: ...

class ConsumeRequest(_message.Message):
    __slots__ = ("open", "credit", "ack", "nack", "extend")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    NACK_FIELD_NUMBER: _ClassVar[int]
    EXTEND_FIELD_NUMBER: _ClassVar[int]
    open: ConsumeOpen
    credit: ConsumeCredit
    ack: ConsumeAck
    nack: ConsumeNack
    extend: ConsumeExtend
    def __init__(self, open: _Optional[_Union[ConsumeOpen, _Mapping]] = ..., credit: _Optional[_Union[ConsumeCredit, _Mapping]] = ..., ack: _Optional[_Union[ConsumeAck, _Mapping]] = ..., nack: _Optional[_Union[ConsumeNack, _Mapping]] = ..., extend: _Optional[_Union[ConsumeExtend, _Mapping]] = ...) -> None: ...

class ConsumeOpen(_message.Message):
    __slots__ = ("channel", "credits", "ack_deadline", "max_deliveries")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    CREDITS_FIELD_NUMBER: _ClassVar[int]
    ACK_DEADLINE_FIELD_NUMBER: _ClassVar[int]
    MAX_DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    channel: str
    credits: int
    ack_deadline: _duration_pb2.Duration
    max_deliveries: int
    def __init__(self, channel: _Optional[str] = ..., credits: _Optional[int] = ..., ack_deadline: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_deliveries: _Optional[int] = ...) -> None: ...

class ConsumeCredit(_message.Message):
    __slots__ = ("credits",)
    CREDITS_FIELD_NUMBER: _ClassVar[int]
    credits: int
    def __init__(self, credits: _Optional[int] = ...) -> None: ...

class ConsumeAck(_message.Message):
    __slots__ = ("ranges",)
    RANGES_FIELD_NUMBER: _ClassVar[int]
    ranges: _containers.RepeatedCompositeFieldContainer[DeliveryRange]
    def __init__(self, ranges: _Optional[_Iterable[_Union[DeliveryRange, _Mapping]]] = ...) -> None: ...

class ConsumeNack(_message.Message):
    __slots__ = ("ranges", "delay")
    RANGES_FIELD_NUMBER: _ClassVar[int]
    DELAY_FIELD_NUMBER: _ClassVar[int]
    ranges: _containers.RepeatedCompositeFieldContainer[DeliveryRange]
    delay: _duration_pb2.Duration
    def __init__(self, ranges: _Optional[_Iterable[_Union[DeliveryRange, _Mapping]]] = ..., delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ConsumeExtend(_message.Message):
    __slots__ = ("ranges", "deadline")
    RANGES_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    ranges: _containers.RepeatedCompositeFieldContainer[DeliveryRange]
    deadline: _duration_pb2.Duration
    def __init__(self, ranges: _Optional[_Iterable[_Union[DeliveryRange, _Mapping]]] = ..., deadline: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class DeliveryRange(_message.Message):
    __slots__ = ("first", "last")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    first: int
    last: int
    def __init__(self, first: _Optional[int] = ..., last: _Optional[int] = ...) -> None: ...

class ConsumeResponse(_message.Message):
    __slots__ = ("deliveries", "unknown")
    DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    deliveries: _containers.RepeatedCompositeFieldContainer[Delivery]
    unknown: _containers.RepeatedCompositeFieldContainer[DeliveryRange]
    def __init__(self, deliveries: _Optional[_Iterable[_Union[Delivery, _Mapping]]] = ..., unknown: _Optional[_Iterable[_Union[DeliveryRange, _Mapping]]] = ...) -> None: ...
