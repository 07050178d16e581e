import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sidecar_client.gen.overlay.v1 import bootstrap_pb2 as _bootstrap_pb2
from sidecar_client.gen.overlay.v1 import cursor_pb2 as _cursor_pb2
from sidecar_client.gen.overlay.v1 import errors_pb2 as _errors_pb2
from sidecar_client.gen.overlay.v1 import role_pb2 as _role_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NodeState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NODE_STATE_UNSPECIFIED: _ClassVar[NodeState]
    NODE_STATE_SERVING: _ClassVar[NodeState]
    NODE_STATE_DRAINING: _ClassVar[NodeState]
    NODE_STATE_STOPPING: _ClassVar[NodeState]

class TrustMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRUST_MODE_UNSPECIFIED: _ClassVar[TrustMode]
    TRUST_MODE_UNVERIFIED: _ClassVar[TrustMode]
    TRUST_MODE_PRIVATE_CA: _ClassVar[TrustMode]
    TRUST_MODE_PUBLIC_CA: _ClassVar[TrustMode]

class Reachability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REACHABILITY_UNSPECIFIED: _ClassVar[Reachability]
    REACHABILITY_REACHED: _ClassVar[Reachability]
    REACHABILITY_NOT_REACHED: _ClassVar[Reachability]
    REACHABILITY_UNKNOWN: _ClassVar[Reachability]

class FlowChange(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FLOW_CHANGE_UNSPECIFIED: _ClassVar[FlowChange]
    FLOW_CHANGE_SUSPENDED: _ClassVar[FlowChange]
    FLOW_CHANGE_RESUMED: _ClassVar[FlowChange]
    FLOW_CHANGE_LOST: _ClassVar[FlowChange]
NODE_STATE_UNSPECIFIED: NodeState
NODE_STATE_SERVING: NodeState
NODE_STATE_DRAINING: NodeState
NODE_STATE_STOPPING: NodeState
TRUST_MODE_UNSPECIFIED: TrustMode
TRUST_MODE_UNVERIFIED: TrustMode
TRUST_MODE_PRIVATE_CA: TrustMode
TRUST_MODE_PUBLIC_CA: TrustMode
REACHABILITY_UNSPECIFIED: Reachability
REACHABILITY_REACHED: Reachability
REACHABILITY_NOT_REACHED: Reachability
REACHABILITY_UNKNOWN: Reachability
FLOW_CHANGE_UNSPECIFIED: FlowChange
FLOW_CHANGE_SUSPENDED: FlowChange
FLOW_CHANGE_RESUMED: FlowChange
FLOW_CHANGE_LOST: FlowChange

class Limits(_message.Message):
    __slots__ = ("max_message_bytes", "max_grpc_bytes", "max_header_bytes", "max_channel_bytes", "max_datagram_bytes")
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_GRPC_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_HEADER_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_CHANNEL_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_DATAGRAM_BYTES_FIELD_NUMBER: _ClassVar[int]
    max_message_bytes: int
    max_grpc_bytes: int
    max_header_bytes: int
    max_channel_bytes: int
    max_datagram_bytes: int
    def __init__(self, max_message_bytes: _Optional[int] = ..., max_grpc_bytes: _Optional[int] = ..., max_header_bytes: _Optional[int] = ..., max_channel_bytes: _Optional[int] = ..., max_datagram_bytes: _Optional[int] = ...) -> None: ...

class GetNodeRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetNodeResponse(_message.Message):
    __slots__ = ("peer_id", "network_id", "instance", "state", "listen_addresses", "observed_addresses", "engine", "front", "version", "limits", "started_at", "linked_peers", "known_peers", "not_ready", "trust", "certificate_expires", "certificate_names", "role", "role_reason", "role_setting")
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    NETWORK_ID_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LISTEN_ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    FRONT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    LINKED_PEERS_FIELD_NUMBER: _ClassVar[int]
    KNOWN_PEERS_FIELD_NUMBER: _ClassVar[int]
    NOT_READY_FIELD_NUMBER: _ClassVar[int]
    TRUST_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_EXPIRES_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_NAMES_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    ROLE_REASON_FIELD_NUMBER: _ClassVar[int]
    ROLE_SETTING_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    network_id: str
    instance: int
    state: NodeState
    listen_addresses: _containers.RepeatedScalarFieldContainer[str]
    observed_addresses: _containers.RepeatedScalarFieldContainer[str]
    engine: str
    front: str
    version: str
    limits: Limits
    started_at: _timestamp_pb2.Timestamp
    linked_peers: int
    known_peers: int
    not_ready: _containers.RepeatedScalarFieldContainer[str]
    trust: TrustMode
    certificate_expires: _timestamp_pb2.Timestamp
    certificate_names: _containers.RepeatedScalarFieldContainer[str]
    role: _role_pb2.Role
    role_reason: str
    role_setting: _role_pb2.Role
    def __init__(self, peer_id: _Optional[str] = ..., network_id: _Optional[str] = ..., instance: _Optional[int] = ..., state: _Optional[_Union[NodeState, str]] = ..., listen_addresses: _Optional[_Iterable[str]] = ..., observed_addresses: _Optional[_Iterable[str]] = ..., engine: _Optional[str] = ..., front: _Optional[str] = ..., version: _Optional[str] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., linked_peers: _Optional[int] = ..., known_peers: _Optional[int] = ..., not_ready: _Optional[_Iterable[str]] = ..., trust: _Optional[_Union[TrustMode, str]] = ..., certificate_expires: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., certificate_names: _Optional[_Iterable[str]] = ..., role: _Optional[_Union[_role_pb2.Role, str]] = ..., role_reason: _Optional[str] = ..., role_setting: _Optional[_Union[_role_pb2.Role, str]] = ...) -> None: ...

class CheckReachabilityRequest(_message.Message):
    __slots__ = ("addresses",)
    ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    addresses: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, addresses: _Optional[_Iterable[str]] = ...) -> None: ...

class CheckReachabilityResponse(_message.Message):
    __slots__ = ("role", "role_reason", "checks")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    ROLE_REASON_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    role: _role_pb2.Role
    role_reason: str
    checks: _containers.RepeatedCompositeFieldContainer[ReachabilityCheck]
    def __init__(self, role: _Optional[_Union[_role_pb2.Role, str]] = ..., role_reason: _Optional[str] = ..., checks: _Optional[_Iterable[_Union[ReachabilityCheck, _Mapping]]] = ...) -> None: ...

class ReachabilityCheck(_message.Message):
    __slots__ = ("peer_id", "address", "result", "detail")
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    address: str
    result: Reachability
    detail: str
    def __init__(self, peer_id: _Optional[str] = ..., address: _Optional[str] = ..., result: _Optional[_Union[Reachability, str]] = ..., detail: _Optional[str] = ...) -> None: ...

class WatchEventsRequest(_message.Message):
    __slots__ = ("cursor",)
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    cursor: _cursor_pb2.Cursor
    def __init__(self, cursor: _Optional[_Union[_cursor_pb2.Cursor, _Mapping]] = ...) -> None: ...

class WatchEventsResponse(_message.Message):
    __slots__ = ("events", "cursor")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[Event]
    cursor: _cursor_pb2.Cursor
    def __init__(self, events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ..., cursor: _Optional[_Union[_cursor_pb2.Cursor, _Mapping]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("time", "peer_linked", "peer_unlinked", "peer_refused", "messages_lost", "instance_conflict", "state_changed", "trust_reloaded", "trust_expiring", "bootstrap_succeeded", "bootstrap_failed", "contact_added", "contact_removed", "identity_changed", "messages_dead", "journal_trouble", "flows_changed", "role_changed")
    TIME_FIELD_NUMBER: _ClassVar[int]
    PEER_LINKED_FIELD_NUMBER: _ClassVar[int]
    PEER_UNLINKED_FIELD_NUMBER: _ClassVar[int]
    PEER_REFUSED_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_LOST_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_CONFLICT_FIELD_NUMBER: _ClassVar[int]
    STATE_CHANGED_FIELD_NUMBER: _ClassVar[int]
    TRUST_RELOADED_FIELD_NUMBER: _ClassVar[int]
    TRUST_EXPIRING_FIELD_NUMBER: _ClassVar[int]
    BOOTSTRAP_SUCCEEDED_FIELD_NUMBER: _ClassVar[int]
    BOOTSTRAP_FAILED_FIELD_NUMBER: _ClassVar[int]
    CONTACT_ADDED_FIELD_NUMBER: _ClassVar[int]
    CONTACT_REMOVED_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_CHANGED_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_DEAD_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_TROUBLE_FIELD_NUMBER: _ClassVar[int]
    FLOWS_CHANGED_FIELD_NUMBER: _ClassVar[int]
    ROLE_CHANGED_FIELD_NUMBER: _ClassVar[int]
    time: _timestamp_pb2.Timestamp
    peer_linked: PeerLinked
    peer_unlinked: PeerUnlinked
    peer_refused: PeerRefused
    messages_lost: MessagesLost
    instance_conflict: InstanceConflict
    state_changed: StateChanged
    trust_reloaded: TrustReloaded
    trust_expiring: TrustExpiring
    bootstrap_succeeded: BootstrapSucceeded
    bootstrap_failed: BootstrapFailed
    contact_added: ContactAdded
    contact_removed: ContactRemoved
    identity_changed: IdentityChanged
    messages_dead: MessagesDead
    journal_trouble: JournalTrouble
    flows_changed: FlowsChanged
    role_changed: RoleChanged
    def __init__(self, time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., peer_linked: _Optional[_Union[PeerLinked, _Mapping]] = ..., peer_unlinked: _Optional[_Union[PeerUnlinked, _Mapping]] = ..., peer_refused: _Optional[_Union[PeerRefused, _Mapping]] = ..., messages_lost: _Optional[_Union[MessagesLost, _Mapping]] = ..., instance_conflict: _Optional[_Union[InstanceConflict, _Mapping]] = ..., state_changed: _Optional[_Union[StateChanged, _Mapping]] = ..., trust_reloaded: _Optional[_Union[TrustReloaded, _Mapping]] = ..., trust_expiring: _Optional[_Union[TrustExpiring, _Mapping]] = ..., bootstrap_succeeded: _Optional[_Union[BootstrapSucceeded, _Mapping]] = ..., bootstrap_failed: _Optional[_Union[BootstrapFailed, _Mapping]] = ..., contact_added: _Optional[_Union[ContactAdded, _Mapping]] = ..., contact_removed: _Optional[_Union[ContactRemoved, _Mapping]] = ..., identity_changed: _Optional[_Union[IdentityChanged, _Mapping]] = ..., messages_dead: _Optional[_Union[MessagesDead, _Mapping]] = ..., journal_trouble: _Optional[_Union[JournalTrouble, _Mapping]] = ..., flows_changed: _Optional[_Union[FlowsChanged, _Mapping]] = ..., role_changed: _Optional[_Union[RoleChanged, _Mapping]] = ...) -> None: ...

class PeerLinked(_message.Message):
    __slots__ = ("peer_id", "address", "dialled")
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    DIALLED_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    address: str
    dialled: bool
    def __init__(self, peer_id: _Optional[str] = ..., address: _Optional[str] = ..., dialled: bool = ...) -> None: ...

class PeerUnlinked(_message.Message):
    __slots__ = ("peer_id", "reason")
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    reason: str
    def __init__(self, peer_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class PeerRefused(_message.Message):
    __slots__ = ("peer_id", "address", "reason", "by_peer")
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    BY_PEER_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    address: str
    reason: str
    by_peer: bool
    def __init__(self, peer_id: _Optional[str] = ..., address: _Optional[str] = ..., reason: _Optional[str] = ..., by_peer: bool = ...) -> None: ...

class MessagesLost(_message.Message):
    __slots__ = ("peer_id", "channel", "count", "reason", "unsent")
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    UNSENT_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    channel: str
    count: int
    reason: _errors_pb2.ErrorReason
    unsent: _containers.RepeatedCompositeFieldContainer[UnsentMessages]
    def __init__(self, peer_id: _Optional[str] = ..., channel: _Optional[str] = ..., count: _Optional[int] = ..., reason: _Optional[_Union[_errors_pb2.ErrorReason, str]] = ..., unsent: _Optional[_Iterable[_Union[UnsentMessages, _Mapping]]] = ...) -> None: ...

class UnsentMessages(_message.Message):
    __slots__ = ("token", "first_sequence", "last_sequence")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    token: str
    first_sequence: int
    last_sequence: int
    def __init__(self, token: _Optional[str] = ..., first_sequence: _Optional[int] = ..., last_sequence: _Optional[int] = ...) -> None: ...

class MessagesDead(_message.Message):
    __slots__ = ("peer_id", "channel", "count", "outgoing")
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    OUTGOING_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    channel: str
    count: int
    outgoing: bool
    def __init__(self, peer_id: _Optional[str] = ..., channel: _Optional[str] = ..., count: _Optional[int] = ..., outgoing: bool = ...) -> None: ...

class JournalTrouble(_message.Message):
    __slots__ = ("error",)
    ERROR_FIELD_NUMBER: _ClassVar[int]
    error: str
    def __init__(self, error: _Optional[str] = ...) -> None: ...

class FlowsChanged(_message.Message):
    __slots__ = ("peer_id", "change", "streams", "requests", "detail")
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    change: FlowChange
    streams: int
    requests: int
    detail: str
    def __init__(self, peer_id: _Optional[str] = ..., change: _Optional[_Union[FlowChange, str]] = ..., streams: _Optional[int] = ..., requests: _Optional[int] = ..., detail: _Optional[str] = ...) -> None: ...

class InstanceConflict(_message.Message):
    __slots__ = ("peer_id", "address")
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    address: str
    def __init__(self, peer_id: _Optional[str] = ..., address: _Optional[str] = ...) -> None: ...

class BootstrapSucceeded(_message.Message):
    __slots__ = ("peer_id", "contact")
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    CONTACT_FIELD_NUMBER: _ClassVar[int]
    peer_id: str
    contact: str
    def __init__(self, peer_id: _Optional[str] = ..., contact: _Optional[str] = ...) -> None: ...

class BootstrapFailed(_message.Message):
    __slots__ = ("failures", "others")
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    OTHERS_FIELD_NUMBER: _ClassVar[int]
    failures: _containers.RepeatedCompositeFieldContainer[_bootstrap_pb2.ContactResult]
    others: int
    def __init__(self, failures: _Optional[_Iterable[_Union[_bootstrap_pb2.ContactResult, _Mapping]]] = ..., others: _Optional[int] = ...) -> None: ...

class ContactAdded(_message.Message):
    __slots__ = ("contact", "origin")
    CONTACT_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    contact: str
    origin: _bootstrap_pb2.ContactOrigin
    def __init__(self, contact: _Optional[str] = ..., origin: _Optional[_Union[_bootstrap_pb2.ContactOrigin, str]] = ...) -> None: ...

class ContactRemoved(_message.Message):
    __slots__ = ("contact", "origin")
    CONTACT_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    contact: str
    origin: _bootstrap_pb2.ContactOrigin
    def __init__(self, contact: _Optional[str] = ..., origin: _Optional[_Union[_bootstrap_pb2.ContactOrigin, str]] = ...) -> None: ...

class IdentityChanged(_message.Message):
    __slots__ = ("address", "expected_peer_id", "found_peer_id")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_PEER_ID_FIELD_NUMBER: _ClassVar[int]
    FOUND_PEER_ID_FIELD_NUMBER: _ClassVar[int]
    address: str
    expected_peer_id: str
    found_peer_id: str
    def __init__(self, address: _Optional[str] = ..., expected_peer_id: _Optional[str] = ..., found_peer_id: _Optional[str] = ...) -> None: ...

class RoleChanged(_message.Message):
    __slots__ = ("role", "reason")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    role: _role_pb2.Role
    reason: str
    def __init__(self, role: _Optional[_Union[_role_pb2.Role, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class StateChanged(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: NodeState
    def __init__(self, state: _Optional[_Union[NodeState, str]] = ...) -> None: ...

class TrustReloaded(_message.Message):
    __slots__ = ("files", "error")
    FILES_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedScalarFieldContainer[str]
    error: str
    def __init__(self, files: _Optional[_Iterable[str]] = ..., error: _Optional[str] = ...) -> None: ...

class TrustExpiring(_message.Message):
    __slots__ = ("file", "subject", "ends")
    FILE_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ENDS_FIELD_NUMBER: _ClassVar[int]
    file: str
    subject: str
    ends: _timestamp_pb2.Timestamp
    def __init__(self, file: _Optional[str] = ..., subject: _Optional[str] = ..., ends: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DrainRequest(_message.Message):
    __slots__ = ("timeout", "no_wait")
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    NO_WAIT_FIELD_NUMBER: _ClassVar[int]
    timeout: _duration_pb2.Duration
    no_wait: bool
    def __init__(self, timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., no_wait: bool = ...) -> None: ...

class DrainResponse(_message.Message):
    __slots__ = ("messages_lost",)
    MESSAGES_LOST_FIELD_NUMBER: _ClassVar[int]
    messages_lost: int
    def __init__(self, messages_lost: _Optional[int] = ...) -> None: ...
