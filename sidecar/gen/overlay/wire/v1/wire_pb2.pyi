from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    ROLE_CLIENT: _ClassVar[Role]
    ROLE_NODE: _ClassVar[Role]
    ROLE_AUTO: _ClassVar[Role]
    ROLE_VISITOR: _ClassVar[Role]

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    OUTCOME_PROCESSED: _ClassVar[Outcome]
    OUTCOME_DEAD: _ClassVar[Outcome]
    OUTCOME_EXPIRED: _ClassVar[Outcome]
    OUTCOME_PURGED: _ClassVar[Outcome]

class DialbackStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIALBACK_STATUS_UNSPECIFIED: _ClassVar[DialbackStatus]
    DIALBACK_STATUS_DIALLED: _ClassVar[DialbackStatus]
    DIALBACK_STATUS_REFUSED: _ClassVar[DialbackStatus]
    DIALBACK_STATUS_PRICE: _ClassVar[DialbackStatus]
ROLE_UNSPECIFIED: Role
ROLE_CLIENT: Role
ROLE_NODE: Role
ROLE_AUTO: Role
ROLE_VISITOR: Role
OUTCOME_UNSPECIFIED: Outcome
OUTCOME_PROCESSED: Outcome
OUTCOME_DEAD: Outcome
OUTCOME_EXPIRED: Outcome
OUTCOME_PURGED: Outcome
DIALBACK_STATUS_UNSPECIFIED: DialbackStatus
DIALBACK_STATUS_DIALLED: DialbackStatus
DIALBACK_STATUS_REFUSED: DialbackStatus
DIALBACK_STATUS_PRICE: DialbackStatus

class Limits(_message.Message):
    __slots__ = ("max_message_bytes", "link_bytes", "link_messages", "channel_bytes", "channel_messages", "max_channels", "kept", "durable")
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    LINK_BYTES_FIELD_NUMBER: _ClassVar[int]
    LINK_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_BYTES_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    MAX_CHANNELS_FIELD_NUMBER: _ClassVar[int]
    KEPT_FIELD_NUMBER: _ClassVar[int]
    DURABLE_FIELD_NUMBER: _ClassVar[int]
    max_message_bytes: int
    link_bytes: int
    link_messages: int
    channel_bytes: int
    channel_messages: int
    max_channels: int
    kept: bool
    durable: bool
    def __init__(self, max_message_bytes: _Optional[int] = ..., link_bytes: _Optional[int] = ..., link_messages: _Optional[int] = ..., channel_bytes: _Optional[int] = ..., channel_messages: _Optional[int] = ..., max_channels: _Optional[int] = ..., kept: bool = ..., durable: bool = ...) -> None: ...

class Received(_message.Message):
    __slots__ = ("lanes",)
    LANES_FIELD_NUMBER: _ClassVar[int]
    lanes: _containers.RepeatedCompositeFieldContainer[LaneReceived]
    def __init__(self, lanes: _Optional[_Iterable[_Union[LaneReceived, _Mapping]]] = ...) -> None: ...

class LaneReceived(_message.Message):
    __slots__ = ("lane", "next", "ranges")
    LANE_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    RANGES_FIELD_NUMBER: _ClassVar[int]
    lane: int
    next: int
    ranges: _containers.RepeatedCompositeFieldContainer[Range]
    def __init__(self, lane: _Optional[int] = ..., next: _Optional[int] = ..., ranges: _Optional[_Iterable[_Union[Range, _Mapping]]] = ...) -> None: ...

class Range(_message.Message):
    __slots__ = ("first", "last")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    first: int
    last: int
    def __init__(self, first: _Optional[int] = ..., last: _Optional[int] = ...) -> None: ...

class AcceptorHello(_message.Message):
    __slots__ = ("version", "nonce", "limits")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    version: int
    nonce: bytes
    limits: Limits
    def __init__(self, version: _Optional[int] = ..., nonce: _Optional[bytes] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("version", "nonce", "limits", "network_id", "instance", "agent", "observed", "record", "epoch", "resume_epoch", "received", "role", "answers", "labels")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    VERSION_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    NETWORK_ID_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    RESUME_EPOCH_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    version: int
    nonce: bytes
    limits: Limits
    network_id: str
    instance: int
    agent: str
    observed: str
    record: Record
    epoch: int
    resume_epoch: int
    received: Received
    role: Role
    answers: bytes
    labels: _containers.ScalarMap[str, str]
    def __init__(self, version: _Optional[int] = ..., nonce: _Optional[bytes] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., network_id: _Optional[str] = ..., instance: _Optional[int] = ..., agent: _Optional[str] = ..., observed: _Optional[str] = ..., record: _Optional[_Union[Record, _Mapping]] = ..., epoch: _Optional[int] = ..., resume_epoch: _Optional[int] = ..., received: _Optional[_Union[Received, _Mapping]] = ..., role: _Optional[_Union[Role, str]] = ..., answers: _Optional[bytes] = ..., labels: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Proof(_message.Message):
    __slots__ = ("certificates", "signature")
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    certificates: _containers.RepeatedScalarFieldContainer[bytes]
    signature: bytes
    def __init__(self, certificates: _Optional[_Iterable[bytes]] = ..., signature: _Optional[bytes] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("network_id", "instance", "agent", "observed", "record", "epoch", "resume_epoch", "received", "role", "labels")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NETWORK_ID_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    RESUME_EPOCH_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    network_id: str
    instance: int
    agent: str
    observed: str
    record: Record
    epoch: int
    resume_epoch: int
    received: Received
    role: Role
    labels: _containers.ScalarMap[str, str]
    def __init__(self, network_id: _Optional[str] = ..., instance: _Optional[int] = ..., agent: _Optional[str] = ..., observed: _Optional[str] = ..., record: _Optional[_Union[Record, _Mapping]] = ..., epoch: _Optional[int] = ..., resume_epoch: _Optional[int] = ..., received: _Optional[_Union[Received, _Mapping]] = ..., role: _Optional[_Union[Role, str]] = ..., labels: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Reject(_message.Message):
    __slots__ = ("code", "reason")
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    code: int
    reason: str
    def __init__(self, code: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class ChannelOpen(_message.Message):
    __slots__ = ("channel", "name")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    channel: int
    name: str
    def __init__(self, channel: _Optional[int] = ..., name: _Optional[str] = ...) -> None: ...

class Credit(_message.Message):
    __slots__ = ("link_bytes", "link_messages", "channels", "reserved")
    LINK_BYTES_FIELD_NUMBER: _ClassVar[int]
    LINK_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    link_bytes: int
    link_messages: int
    channels: _containers.RepeatedCompositeFieldContainer[ChannelCredit]
    reserved: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, link_bytes: _Optional[int] = ..., link_messages: _Optional[int] = ..., channels: _Optional[_Iterable[_Union[ChannelCredit, _Mapping]]] = ..., reserved: _Optional[_Iterable[int]] = ...) -> None: ...

class ChannelCredit(_message.Message):
    __slots__ = ("channel", "bytes", "messages", "subscribed")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBED_FIELD_NUMBER: _ClassVar[int]
    channel: int
    bytes: int
    messages: int
    subscribed: bool
    def __init__(self, channel: _Optional[int] = ..., bytes: _Optional[int] = ..., messages: _Optional[int] = ..., subscribed: bool = ...) -> None: ...

class Ack(_message.Message):
    __slots__ = ("received",)
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    received: Received
    def __init__(self, received: _Optional[_Union[Received, _Mapping]] = ...) -> None: ...

class Ping(_message.Message):
    __slots__ = ("id", "answer")
    ID_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    id: int
    answer: bool
    def __init__(self, id: _Optional[int] = ..., answer: bool = ...) -> None: ...

class PeersRequest(_message.Message):
    __slots__ = ("peer_id",)
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    peer_id: bytes
    def __init__(self, peer_id: _Optional[bytes] = ...) -> None: ...

class Peers(_message.Message):
    __slots__ = ("records", "peer_id")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    PEER_ID_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[Record]
    peer_id: bytes
    def __init__(self, records: _Optional[_Iterable[_Union[Record, _Mapping]]] = ..., peer_id: _Optional[bytes] = ...) -> None: ...

class Record(_message.Message):
    __slots__ = ("body", "signature")
    BODY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    body: bytes
    signature: bytes
    def __init__(self, body: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class RecordBody(_message.Message):
    __slots__ = ("public_key", "addresses", "sequence", "expires", "network_id")
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    NETWORK_ID_FIELD_NUMBER: _ClassVar[int]
    public_key: bytes
    addresses: _containers.RepeatedScalarFieldContainer[str]
    sequence: int
    expires: int
    network_id: str
    def __init__(self, public_key: _Optional[bytes] = ..., addresses: _Optional[_Iterable[str]] = ..., sequence: _Optional[int] = ..., expires: _Optional[int] = ..., network_id: _Optional[str] = ...) -> None: ...

class Goaway(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class FlowOpen(_message.Message):
    __slots__ = ("id", "name", "headers", "limit", "timeout_ms", "size")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    id: int
    name: str
    headers: _containers.ScalarMap[str, str]
    limit: int
    timeout_ms: int
    size: int
    def __init__(self, id: _Optional[int] = ..., name: _Optional[str] = ..., headers: _Optional[_Mapping[str, str]] = ..., limit: _Optional[int] = ..., timeout_ms: _Optional[int] = ..., size: _Optional[int] = ...) -> None: ...

class FlowResume(_message.Message):
    __slots__ = ("id", "offset", "received", "limit", "finished")
    ID_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    id: int
    offset: int
    received: int
    limit: int
    finished: bool
    def __init__(self, id: _Optional[int] = ..., offset: _Optional[int] = ..., received: _Optional[int] = ..., limit: _Optional[int] = ..., finished: bool = ...) -> None: ...

class FlowAnswer(_message.Message):
    __slots__ = ("offset", "received", "limit", "finished", "accepted")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    offset: int
    received: int
    limit: int
    finished: bool
    accepted: bool
    def __init__(self, offset: _Optional[int] = ..., received: _Optional[int] = ..., limit: _Optional[int] = ..., finished: bool = ..., accepted: bool = ...) -> None: ...

class FlowCredit(_message.Message):
    __slots__ = ("received", "limit", "finished")
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    received: int
    limit: int
    finished: bool
    def __init__(self, received: _Optional[int] = ..., limit: _Optional[int] = ..., finished: bool = ...) -> None: ...

class FlowFin(_message.Message):
    __slots__ = ("size",)
    SIZE_FIELD_NUMBER: _ClassVar[int]
    size: int
    def __init__(self, size: _Optional[int] = ...) -> None: ...

class FlowReset(_message.Message):
    __slots__ = ("cause", "code", "detail")
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    cause: int
    code: int
    detail: str
    def __init__(self, cause: _Optional[int] = ..., code: _Optional[int] = ..., detail: _Optional[str] = ...) -> None: ...

class RequestMessage(_message.Message):
    __slots__ = ("headers", "payload")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    headers: _containers.ScalarMap[str, str]
    payload: bytes
    def __init__(self, headers: _Optional[_Mapping[str, str]] = ..., payload: _Optional[bytes] = ...) -> None: ...

class ReplyMessage(_message.Message):
    __slots__ = ("headers", "payload", "error")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    headers: _containers.ScalarMap[str, str]
    payload: bytes
    error: ReplyError
    def __init__(self, headers: _Optional[_Mapping[str, str]] = ..., payload: _Optional[bytes] = ..., error: _Optional[_Union[ReplyError, _Mapping]] = ...) -> None: ...

class ReplyError(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class Datagram(_message.Message):
    __slots__ = ("channel", "payload")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    channel: str
    payload: bytes
    def __init__(self, channel: _Optional[str] = ..., payload: _Optional[bytes] = ...) -> None: ...

class Outcomes(_message.Message):
    __slots__ = ("ranges",)
    RANGES_FIELD_NUMBER: _ClassVar[int]
    ranges: _containers.RepeatedCompositeFieldContainer[OutcomeRange]
    def __init__(self, ranges: _Optional[_Iterable[_Union[OutcomeRange, _Mapping]]] = ...) -> None: ...

class OutcomesAsk(_message.Message):
    __slots__ = ("ranges",)
    RANGES_FIELD_NUMBER: _ClassVar[int]
    ranges: _containers.RepeatedCompositeFieldContainer[OutcomeRange]
    def __init__(self, ranges: _Optional[_Iterable[_Union[OutcomeRange, _Mapping]]] = ...) -> None: ...

class OutcomeRange(_message.Message):
    __slots__ = ("first", "last", "outcome", "durable")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    DURABLE_FIELD_NUMBER: _ClassVar[int]
    first: int
    last: int
    outcome: Outcome
    durable: bool
    def __init__(self, first: _Optional[int] = ..., last: _Optional[int] = ..., outcome: _Optional[_Union[Outcome, str]] = ..., durable: bool = ...) -> None: ...

class Probe(_message.Message):
    __slots__ = ("nonce",)
    NONCE_FIELD_NUMBER: _ClassVar[int]
    nonce: bytes
    def __init__(self, nonce: _Optional[bytes] = ...) -> None: ...

class Check(_message.Message):
    __slots__ = ("challenge", "helper", "address")
    CHALLENGE_FIELD_NUMBER: _ClassVar[int]
    HELPER_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    challenge: bytes
    helper: Record
    address: str
    def __init__(self, challenge: _Optional[bytes] = ..., helper: _Optional[_Union[Record, _Mapping]] = ..., address: _Optional[str] = ...) -> None: ...

class Dialback(_message.Message):
    __slots__ = ("challenge", "acceptor", "addresses", "padding")
    CHALLENGE_FIELD_NUMBER: _ClassVar[int]
    ACCEPTOR_FIELD_NUMBER: _ClassVar[int]
    ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    challenge: bytes
    acceptor: bytes
    addresses: _containers.RepeatedScalarFieldContainer[str]
    padding: bytes
    def __init__(self, challenge: _Optional[bytes] = ..., acceptor: _Optional[bytes] = ..., addresses: _Optional[_Iterable[str]] = ..., padding: _Optional[bytes] = ...) -> None: ...

class DialbackResult(_message.Message):
    __slots__ = ("challenge", "status", "body", "signature", "reason", "price")
    CHALLENGE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    challenge: bytes
    status: DialbackStatus
    body: bytes
    signature: bytes
    reason: str
    price: int
    def __init__(self, challenge: _Optional[bytes] = ..., status: _Optional[_Union[DialbackStatus, str]] = ..., body: _Optional[bytes] = ..., signature: _Optional[bytes] = ..., reason: _Optional[str] = ..., price: _Optional[int] = ...) -> None: ...

class DialbackResultBody(_message.Message):
    __slots__ = ("public_key", "subject", "acceptor", "challenge", "address", "reachable")
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ACCEPTOR_FIELD_NUMBER: _ClassVar[int]
    CHALLENGE_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    REACHABLE_FIELD_NUMBER: _ClassVar[int]
    public_key: bytes
    subject: bytes
    acceptor: bytes
    challenge: bytes
    address: str
    reachable: bool
    def __init__(self, public_key: _Optional[bytes] = ..., subject: _Optional[bytes] = ..., acceptor: _Optional[bytes] = ..., challenge: _Optional[bytes] = ..., address: _Optional[str] = ..., reachable: bool = ...) -> None: ...

class Admitted(_message.Message):
    __slots__ = ("role", "checked_by", "reason")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CHECKED_BY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    role: Role
    checked_by: int
    reason: str
    def __init__(self, role: _Optional[_Union[Role, str]] = ..., checked_by: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class RoleTold(_message.Message):
    __slots__ = ("role", "reason")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    role: Role
    reason: str
    def __init__(self, role: _Optional[_Union[Role, str]] = ..., reason: _Optional[str] = ...) -> None: ...
