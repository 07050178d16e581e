"""The client of quic-p2p-sidecar: messages between apps, each through the sidecar beside it.

`Sidecar` is for threads, `AsyncSidecar` for asyncio; both find the sidecar by SIDECAR_ENDPOINT and SIDECAR_TOKEN.
"""

from sidecar_client.aio import AsyncSidecar
from sidecar_client.aio_flows import AsyncStream
from sidecar_client.aio_streams import AsyncConsumer, AsyncReceiver, AsyncSender
from sidecar_client.endpoint import DEFAULT_ENDPOINT, Endpoint, Tls
from sidecar_client.errors import (
    BootstrapFailed,
    Busy,
    Cancelled,
    ContactUnknown,
    CursorExpired,
    DeadlinePassed,
    Draining,
    FrameUnexpected,
    IdentityMismatch,
    InternalError,
    InvalidField,
    LimitReached,
    LinkClosed,
    MessageTooLarge,
    NoSubscriber,
    NotFound,
    OutcomeUnknown,
    PeerError,
    PeerIsSelf,
    PeerNotAllowed,
    PeerRefused,
    PeerUnknown,
    PeerUnreachable,
    PeerUntrusted,
    QueueFull,
    RequestError,
    RequestFailed,
    ScopeDenied,
    SidecarError,
    SidecarUnavailable,
    StreamLost,
    StreamReset,
    TokenInvalid,
    error_from_rpc,
)
from sidecar_client.flows import Stream
from sidecar_client.messages import (
    AnswerError,
    Gap,
    IncomingRequest,
    PeerChange,
    PeersSnapshot,
    Priority,
    Readiness,
    Received,
    Replied,
    Sent,
    Wait,
)
from sidecar_client.outgoing import Failure, SendFailed
from sidecar_client.streams import Consumer, Receiver, Sender
from sidecar_client.sync import Sidecar

__version__ = "0.1.0"

__all__ = [
    # clients
    "AsyncConsumer",
    "AsyncReceiver",
    "AsyncSender",
    "AnswerError",
    "AsyncSidecar",
    "AsyncStream",
    "IncomingRequest",
    "Replied",
    "Stream",
    "Consumer",
    "Receiver",
    "Sender",
    "Sidecar",
    # where the sidecar is
    "DEFAULT_ENDPOINT",
    "Endpoint",
    "Tls",
    # what passes
    "Gap",
    "PeerChange",
    "PeersSnapshot",
    "Priority",
    "Readiness",
    "Received",
    "Sent",
    "Wait",
    # errors
    "BootstrapFailed",
    "Busy",
    "Cancelled",
    "ContactUnknown",
    "CursorExpired",
    "DeadlinePassed",
    "Draining",
    "Failure",
    "FrameUnexpected",
    "IdentityMismatch",
    "InternalError",
    "InvalidField",
    "LimitReached",
    "LinkClosed",
    "MessageTooLarge",
    "NoSubscriber",
    "NotFound",
    "OutcomeUnknown",
    "PeerError",
    "PeerIsSelf",
    "PeerRefused",
    "PeerUnknown",
    "PeerUnreachable",
    "PeerUntrusted",
    "QueueFull",
    "RequestError",
    "SendFailed",
    "SidecarError",
    "SidecarUnavailable",
    "PeerNotAllowed",
    "RequestFailed",
    "ScopeDenied",
    "StreamLost",
    "StreamReset",
    "TokenInvalid",
    "error_from_rpc",
]
