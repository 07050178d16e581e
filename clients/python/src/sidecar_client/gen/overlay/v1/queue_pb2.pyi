import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sidecar_client.gen.overlay.v1 import errors_pb2 as _errors_pb2
from sidecar_client.gen.overlay.v1 import message_pb2 as _message_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Queue(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    QUEUE_UNSPECIFIED: _ClassVar[Queue]
    QUEUE_OUTGOING: _ClassVar[Queue]
    QUEUE_INCOMING: _ClassVar[Queue]
    QUEUE_DEAD_INCOMING: _ClassVar[Queue]
    QUEUE_DEAD_OUTGOING: _ClassVar[Queue]
QUEUE_UNSPECIFIED: Queue
QUEUE_OUTGOING: Queue
QUEUE_INCOMING: Queue
QUEUE_DEAD_INCOMING: Queue
QUEUE_DEAD_OUTGOING: Queue

class QueueSummary(_message.Message):
    __slots__ = ("queue", "peer_id", "channel", "messages", "bytes", "oldest_at")
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    OLDEST_AT_FIELD_NUMBER: _ClassVar[int]
    queue: Queue
    peer_id: str
    channel: str
    messages: int
    bytes: int
    oldest_at: _timestamp_pb2.Timestamp
    def __init__(self, queue: _Optional[_Union[Queue, str]] = ..., peer_id: _Optional[str] = ..., channel: _Optional[str] = ..., messages: _Optional[int] = ..., bytes: _Optional[int] = ..., oldest_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LetterFilter(_message.Message):
    __slots__ = ("queue", "peer_id", "channel", "ids")
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    queue: Queue
    peer_id: str
    channel: str
    ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, queue: _Optional[_Union[Queue, str]] = ..., peer_id: _Optional[str] = ..., channel: _Optional[str] = ..., ids: _Optional[_Iterable[int]] = ...) -> None: ...

class Letter(_message.Message):
    __slots__ = ("id", "queue", "peer_id", "channel", "priority", "messages", "bytes", "taken_at", "expires_at", "deliveries", "reason", "detail")
    ID_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    TAKEN_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    id: int
    queue: Queue
    peer_id: str
    channel: str
    priority: _message_pb2.Priority
    messages: int
    bytes: int
    taken_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    deliveries: int
    reason: _errors_pb2.ErrorReason
    detail: str
    def __init__(self, id: _Optional[int] = ..., queue: _Optional[_Union[Queue, str]] = ..., peer_id: _Optional[str] = ..., channel: _Optional[str] = ..., priority: _Optional[_Union[_message_pb2.Priority, str]] = ..., messages: _Optional[int] = ..., bytes: _Optional[int] = ..., taken_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., deliveries: _Optional[int] = ..., reason: _Optional[_Union[_errors_pb2.ErrorReason, str]] = ..., detail: _Optional[str] = ...) -> None: ...

class ListQueuesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListQueuesResponse(_message.Message):
    __slots__ = ("queues", "journal_bytes_max", "journal_bytes")
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    queues: _containers.RepeatedCompositeFieldContainer[QueueSummary]
    journal_bytes_max: int
    journal_bytes: int
    def __init__(self, queues: _Optional[_Iterable[_Union[QueueSummary, _Mapping]]] = ..., journal_bytes_max: _Optional[int] = ..., journal_bytes: _Optional[int] = ...) -> None: ...

class ListLettersRequest(_message.Message):
    __slots__ = ("filter", "page_size", "page_token")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    filter: LetterFilter
    page_size: int
    page_token: str
    def __init__(self, filter: _Optional[_Union[LetterFilter, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListLettersResponse(_message.Message):
    __slots__ = ("letters", "next_page_token")
    LETTERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    letters: _containers.RepeatedCompositeFieldContainer[Letter]
    next_page_token: str
    def __init__(self, letters: _Optional[_Iterable[_Union[Letter, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetLetterRequest(_message.Message):
    __slots__ = ("queue", "id")
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    queue: Queue
    id: int
    def __init__(self, queue: _Optional[_Union[Queue, str]] = ..., id: _Optional[int] = ...) -> None: ...

class GetLetterResponse(_message.Message):
    __slots__ = ("letter", "messages")
    LETTER_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    letter: Letter
    messages: _containers.RepeatedCompositeFieldContainer[_message_pb2.Message]
    def __init__(self, letter: _Optional[_Union[Letter, _Mapping]] = ..., messages: _Optional[_Iterable[_Union[_message_pb2.Message, _Mapping]]] = ...) -> None: ...

class PurgeLettersRequest(_message.Message):
    __slots__ = ("filter",)
    FILTER_FIELD_NUMBER: _ClassVar[int]
    filter: LetterFilter
    def __init__(self, filter: _Optional[_Union[LetterFilter, _Mapping]] = ...) -> None: ...

class PurgeLettersResponse(_message.Message):
    __slots__ = ("messages",)
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    messages: int
    def __init__(self, messages: _Optional[int] = ...) -> None: ...

class ReplayLettersRequest(_message.Message):
    __slots__ = ("filter",)
    FILTER_FIELD_NUMBER: _ClassVar[int]
    filter: LetterFilter
    def __init__(self, filter: _Optional[_Union[LetterFilter, _Mapping]] = ...) -> None: ...

class ReplayLettersResponse(_message.Message):
    __slots__ = ("messages",)
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    messages: int
    def __init__(self, messages: _Optional[int] = ...) -> None: ...
