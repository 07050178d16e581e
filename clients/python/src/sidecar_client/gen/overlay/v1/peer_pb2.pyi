import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sidecar_client.gen.overlay.v1 import cursor_pb2 as _cursor_pb2
from sidecar_client.gen.overlay.v1 import role_pb2 as _role_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PeerState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PEER_STATE_UNSPECIFIED: _ClassVar[PeerState]
    PEER_STATE_KNOWN: _ClassVar[PeerState]
    PEER_STATE_CONNECTING: _ClassVar[PeerState]
    PEER_STATE_LINKED: _ClassVar[PeerState]
    PEER_STATE_RESUMING: _ClassVar[PeerState]
    PEER_STATE_BLOCKED: _ClassVar[PeerState]
PEER_STATE_UNSPECIFIED: PeerState
PEER_STATE_KNOWN: PeerState
PEER_STATE_CONNECTING: PeerState
PEER_STATE_LINKED: PeerState
PEER_STATE_RESUMING: PeerState
PEER_STATE_BLOCKED: PeerState

class Peer(_message.Message):
    __slots__ = ("peer_id", "state", "addresses", "agent", "rtt", "linked_at", "connections", "messages_sent", "messages_received", "queued_bytes", "bytes_sent", "bytes_received", "role", "checked_by", "labels")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    RTT_FIELD_NUMBER: _ClassVar[int]
    LINKED_AT_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_SENT_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    QUEUED_BYTES_FIELD_NUMBER: _ClassVar[int]
    BYTES_SENT_FIELD_NUMBER: _ClassVar[int]
    BYTES_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CHECKED_BY_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    state: PeerState
    addresses: _containers.RepeatedScalarFieldContainer[str]
    agent: str
    rtt: _duration_pb2.Duration
    linked_at: _timestamp_pb2.Timestamp
    connections: int
    messages_sent: int
    messages_received: int
    queued_bytes: int
    bytes_sent: int
    bytes_received: int
    role: _role_pb2.Role
    checked_by: int
    labels: _containers.ScalarMap[str, str]
    def __init__(self, peer_id: _Optional[str] = ..., state: _Optional[_Union[PeerState, str]] = ..., addresses: _Optional[_Iterable[str]] = ..., agent: _Optional[str] = ..., rtt: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., linked_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., connections: _Optional[int] = ..., messages_sent: _Optional[int] = ..., messages_received: _Optional[int] = ..., queued_bytes: _Optional[int] = ..., bytes_sent: _Optional[int] = ..., bytes_received: _Optional[int] = ..., role: _Optional[_Union[_role_pb2.Role, str]] = ..., checked_by: _Optional[int] = ..., labels: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ListPeersRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "linked_only")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    LINKED_ONLY_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    linked_only: bool
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., linked_only: bool = ...) -> None: ...

class ListPeersResponse(_message.Message):
    __slots__ = ("peers", "next_page_token")
    PEERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    peers: _containers.RepeatedCompositeFieldContainer[Peer]
    next_page_token: str
    def __init__(self, peers: _Optional[_Iterable[_Union[Peer, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetPeerRequest(_message.Message):
    __slots__ = ("peer_id",)
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    def __init__(self, peer_id: _Optional[str] = ...) -> None: ...

class GetPeerResponse(_message.Message):
    __slots__ = ("peer",)
    PEER_FIELD_NUMBER: _ClassVar[int]
    peer: Peer
    def __init__(self, peer: _Optional[_Union[Peer, _Mapping]] = ...) -> None: ...

class WatchPeersRequest(_message.Message):
    __slots__ = ("cursor",)
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    cursor: _cursor_pb2.Cursor
    def __init__(self, cursor: _Optional[_Union[_cursor_pb2.Cursor, _Mapping]] = ...) -> None: ...

class WatchPeersResponse(_message.Message):
    __slots__ = ("changes", "cursor", "snapshot_complete")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_COMPLETE_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[PeerChange]
    cursor: _cursor_pb2.Cursor
    snapshot_complete: bool
    def __init__(self, changes: _Optional[_Iterable[_Union[PeerChange, _Mapping]]] = ..., cursor: _Optional[_Union[_cursor_pb2.Cursor, _Mapping]] = ..., snapshot_complete: bool = ...) -> None: ...

class PeerChange(_message.Message):
    __slots__ = ("peer", "removed")
    PEER_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    peer: Peer
    removed: bool
    def __init__(self, peer: _Optional[_Union[Peer, _Mapping]] = ..., removed: bool = ...) -> None: ...

class ConnectRequest(_message.Message):
    __slots__ = ("target",)
    TARGET_FIELD_NUMBER: _ClassVar[int]
    target: str
    def __init__(self, target: _Optional[str] = ...) -> None: ...

class ConnectResponse(_message.Message):
    __slots__ = ("peer",)
    PEER_FIELD_NUMBER: _ClassVar[int]
    peer: Peer
    def __init__(self, peer: _Optional[_Union[Peer, _Mapping]] = ...) -> None: ...

class DisconnectRequest(_message.Message):
    __slots__ = ("peer_id",)
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    def __init__(self, peer_id: _Optional[str] = ...) -> None: ...

class DisconnectResponse(_message.Message):
    __slots__ = ("messages_lost",)
    MESSAGES_LOST_FIELD_NUMBER: _ClassVar[int]
    messages_lost: int
    def __init__(self, messages_lost: _Optional[int] = ...) -> None: ...

class BlockPeerRequest(_message.Message):
    __slots__ = ("peer_id",)
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    def __init__(self, peer_id: _Optional[str] = ...) -> None: ...

class BlockPeerResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UnblockPeerRequest(_message.Message):
    __slots__ = ("peer_id",)
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    def __init__(self, peer_id: _Optional[str] = ...) -> None: ...

class UnblockPeerResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PingRequest(_message.Message):
    __slots__ = ("peer_id",)
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    def __init__(self, peer_id: _Optional[str] = ...) -> None: ...

class PingResponse(_message.Message):
    __slots__ = ("rtt",)
    RTT_FIELD_NUMBER: _ClassVar[int]
    rtt: _duration_pb2.Duration
    def __init__(self, rtt: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
