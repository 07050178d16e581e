import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from sidecar_client.gen.overlay.v1 import errors_pb2 as _errors_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SendDatagramRequest(_message.Message):
    __slots__ = ("peer_id", "channel", "payload", "ttl")
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    channel: str
    payload: bytes
    ttl: _duration_pb2.Duration
    def __init__(self, peer_id: _Optional[str] = ..., channel: _Optional[str] = ..., payload: _Optional[bytes] = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class SendDatagramResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReceiveDatagramsRequest(_message.Message):
    __slots__ = ("channel",)
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    channel: str
    def __init__(self, channel: _Optional[str] = ...) -> None: ...

class ReceiveDatagramsResponse(_message.Message):
    __slots__ = ("datagrams", "dropped")
    DATAGRAMS_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    datagrams: _containers.RepeatedCompositeFieldContainer[IncomingDatagram]
    dropped: int
    def __init__(self, datagrams: _Optional[_Iterable[_Union[IncomingDatagram, _Mapping]]] = ..., dropped: _Optional[int] = ...) -> None: ...

class IncomingDatagram(_message.Message):
    __slots__ = ("peer_id", "payload")
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    payload: bytes
    def __init__(self, peer_id: _Optional[str] = ..., payload: _Optional[bytes] = ...) -> None: ...

class BroadcastRequest(_message.Message):
    __slots__ = ("channel", "payload", "headers", "labels")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    channel: str
    payload: bytes
    headers: _containers.ScalarMap[str, str]
    labels: _containers.ScalarMap[str, str]
    def __init__(self, channel: _Optional[str] = ..., payload: _Optional[bytes] = ..., headers: _Optional[_Mapping[str, str]] = ..., labels: _Optional[_Mapping[str, str]] = ...) -> None: ...

class BroadcastResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[BroadcastResult]
    def __init__(self, results: _Optional[_Iterable[_Union[BroadcastResult, _Mapping]]] = ...) -> None: ...

class BroadcastResult(_message.Message):
    __slots__ = ("peer_id", "reason", "detail")
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    reason: _errors_pb2.ErrorReason
    detail: str
    def __init__(self, peer_id: _Optional[str] = ..., reason: _Optional[_Union[_errors_pb2.ErrorReason, str]] = ..., detail: _Optional[str] = ...) -> None: ...
