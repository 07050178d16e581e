import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StreamState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STREAM_STATE_UNSPECIFIED: _ClassVar[StreamState]
    STREAM_STATE_SUSPENDED: _ClassVar[StreamState]
    STREAM_STATE_RESUMED: _ClassVar[StreamState]
STREAM_STATE_UNSPECIFIED: StreamState
STREAM_STATE_SUSPENDED: StreamState
STREAM_STATE_RESUMED: StreamState

class OpenRequest(_message.Message):
    __slots__ = ("open", "data", "reset", "finish")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    RESET_FIELD_NUMBER: _ClassVar[int]
    FINISH_FIELD_NUMBER: _ClassVar[int]
    open: StreamOpen
    data: bytes
    reset: StreamReset
    finish: StreamFinished
    def __init__(self, open: _Optional[_Union[StreamOpen, _Mapping]] = ..., data: _Optional[bytes] = ..., reset: _Optional[_Union[StreamReset, _Mapping]] = ..., finish: _Optional[_Union[StreamFinished, _Mapping]] = ...) -> None: ...

class OpenResponse(_message.Message):
    __slots__ = ("accepted", "data", "finished", "state")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    accepted: StreamAccepted
    data: bytes
    finished: StreamFinished
    state: StreamState
    def __init__(self, accepted: _Optional[_Union[StreamAccepted, _Mapping]] = ..., data: _Optional[bytes] = ..., finished: _Optional[_Union[StreamFinished, _Mapping]] = ..., state: _Optional[_Union[StreamState, str]] = ...) -> None: ...

class AcceptRequest(_message.Message):
    __slots__ = ("accept", "data", "reset", "finish")
    ACCEPT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    RESET_FIELD_NUMBER: _ClassVar[int]
    FINISH_FIELD_NUMBER: _ClassVar[int]
    accept: StreamAccept
    data: bytes
    reset: StreamReset
    finish: StreamFinished
    def __init__(self, accept: _Optional[_Union[StreamAccept, _Mapping]] = ..., data: _Optional[bytes] = ..., reset: _Optional[_Union[StreamReset, _Mapping]] = ..., finish: _Optional[_Union[StreamFinished, _Mapping]] = ...) -> None: ...

class AcceptResponse(_message.Message):
    __slots__ = ("accepted", "data", "finished", "state")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    accepted: StreamAccepted
    data: bytes
    finished: StreamFinished
    state: StreamState
    def __init__(self, accepted: _Optional[_Union[StreamAccepted, _Mapping]] = ..., data: _Optional[bytes] = ..., finished: _Optional[_Union[StreamFinished, _Mapping]] = ..., state: _Optional[_Union[StreamState, str]] = ...) -> None: ...

class StreamOpen(_message.Message):
    __slots__ = ("peer_id", "name", "headers", "accept_timeout")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    name: str
    headers: _containers.ScalarMap[str, str]
    accept_timeout: _duration_pb2.Duration
    def __init__(self, peer_id: _Optional[str] = ..., name: _Optional[str] = ..., headers: _Optional[_Mapping[str, str]] = ..., accept_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class StreamAccept(_message.Message):
    __slots__ = ("name", "peer_ids")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PEER_IDS_FIELD_NUMBER: _ClassVar[int]
    name: str
    peer_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., peer_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class StreamAccepted(_message.Message):
    __slots__ = ("peer_id", "name", "headers")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    name: str
    headers: _containers.ScalarMap[str, str]
    def __init__(self, peer_id: _Optional[str] = ..., name: _Optional[str] = ..., headers: _Optional[_Mapping[str, str]] = ...) -> None: ...

class StreamReset(_message.Message):
    __slots__ = ("code", "detail")
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    code: int
    detail: str
    def __init__(self, code: _Optional[int] = ..., detail: _Optional[str] = ...) -> None: ...

class StreamFinished(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
