"""What a sidecar counts, in plain numbers that cost an addition each; `sidecar.admin.exposition` prints them.

Labels are enumerated and the dictionaries below hold every combination from the start, so that a wrong one is a
KeyError and no peer can make a new one. Nothing is counted once a message on the hot path: a batch counts once, with
its length.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar, get_args

from sidecar.errors import Reason

Direction = Literal["in", "out"]
"""`in`: from a peer, or accepted; `out`: to a peer, or dialled."""

AttemptResult = Literal["ok", "refused", "failed"]
"""`refused`: one side said no; `failed`: no answer, or the handshake broke."""

CloseReason = Literal["local", "remote", "idle_timeout", "lost", "untrusted"]
"""`local` and `remote`: closed on purpose by this side or the other; `lost`: a QUIC error; `untrusted`: the peer broke
the protocol."""

ReloadResult = Literal["ok", "refused"]
"""Of the files of trust, when they have changed: in use now, or not."""

Operation = Literal["send", "receive"]

MessageResult = Literal["ok", "failed", "unknown", "duplicate"]
"""For `send` ok is DELIVERED, or SENT where no more was asked; unknown is OUTCOME_UNKNOWN. For `receive` ok is handed
to an app, duplicate was here before."""

PeerState = Literal["known", "connecting", "linked", "resuming", "blocked"]
RequestStep = Literal["sent", "received", "answered", "replied", "failed", "unanswered"]
"""`received`: for apps here; `answered`: by apps here; the others are of apps here: `sent`, and how they ended:
`replied`, `failed` where the other app answered with an error, `unanswered` otherwise."""

FlowKindName = Literal["request", "stream"]
FlowStep = Literal["opened", "came", "accepted", "suspended", "resumed"]
"""`opened` here, `came` from a peer; `accepted` at either end; `suspended` when the connection was lost, `resumed` by
another. A peer that dials beside a silent connection resumes what was not suspended here."""

FlowEnding = Literal[
    "done", "app", "cancelled", "no_subscriber", "not_allowed", "limit", "gone", "lost", "deadline", "unsupported"
]
"""`app`: reset by one; `gone`: the app at the other end went away; `lost`: with its connection, or a sidecar."""

Level = Literal["sent", "delivered", "processed"]

KeptEvent = Literal["redelivered", "dead", "expired", "repeated"]
"""Of messages that have come: handed out again, made dead letters, past their time, known from before."""

Queue = Literal["outbox", "inbox", "journal"]
"""`journal`: durable messages on their way to peers, wherever they are."""
DatagramStep = Literal["sent", "received"]
DatagramLoss = Literal["late", "crowded", "no_app", "slow_app"]
"""Before they left: their time was over, or too many waited. After they came: nobody receives, or more slowly."""
FlowState = Literal["open", "waiting"]
Component = Literal["live", "api", "overlay"]

DROP_REASONS = (
    Reason.PEER_UNREACHABLE,
    Reason.PEER_REFUSED,
    Reason.IDENTITY_MISMATCH,
    Reason.PEER_UNTRUSTED,
    Reason.LINK_CLOSED,
    Reason.OUTCOME_UNKNOWN,
    Reason.QUEUE_FULL,
    Reason.NO_SUBSCRIBER,
    Reason.DEADLINE,
    Reason.CANCELLED,
    Reason.DRAINING,
    Reason.DEAD_LETTERED,
    Reason.EXPIRED,
    Reason.PURGED,
    Reason.JOURNAL_FULL,
    Reason.JOURNAL_FAILED,
    Reason.UNSUPPORTED_BY_PEER,
)
"""Why an accepted message can fail."""

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
BYTES = tuple(float(1 << power) for power in (*range(6, 30, 2), 29))

GROUPS = tuple(float(1 << power) for power in range(13))

Key = TypeVar("Key")


def _zeros(keys: Iterable[Key]) -> dict[Key, int]:
    return dict.fromkeys(keys, 0)


def _operations() -> dict[tuple[Operation, MessageResult], int]:
    return _zeros(
        [("send", "ok"), ("send", "failed"), ("send", "unknown"), ("receive", "ok"), ("receive", "duplicate")],
    )


class Histogram:
    """Counts by size. A value equal to a bound belongs to that bound's bucket."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """Per bucket, not cumulative; the last has no bound."""
        self.total = 0.0

    def add(self, value: float, count: int = 1) -> None:
        """Counts `count` values of, or on average, `value`."""
        self.counts[bisect_left(self.bounds, value)] += count
        self.total += value * count


@dataclass(slots=True)
class Counters:
    """What only grows. Whoever does a thing adds to its figure."""

    connection_attempts: dict[tuple[Direction, AttemptResult], int] = field(
        default_factory=lambda: _zeros((way, end) for way in get_args(Direction) for end in get_args(AttemptResult))
    )
    connections_closed: dict[CloseReason, int] = field(default_factory=lambda: _zeros(get_args(CloseReason)))
    bytes: dict[Direction, int] = field(default_factory=lambda: _zeros(get_args(Direction)))
    """UDP payload."""
    packets_lost: int = 0
    """Of connections that are closed; `Gauges.packets_lost` has those of the open ones."""
    messages: dict[tuple[Operation, MessageResult], int] = field(default_factory=_operations)
    messages_dropped: dict[Reason, int] = field(default_factory=lambda: _zeros(DROP_REASONS))
    requests: dict[RequestStep, int] = field(default_factory=lambda: _zeros(get_args(RequestStep)))
    datagrams: dict[DatagramStep, int] = field(default_factory=lambda: _zeros(get_args(DatagramStep)))
    datagrams_dropped: dict[DatagramLoss, int] = field(default_factory=lambda: _zeros(get_args(DatagramLoss)))
    flow_steps: dict[tuple[FlowKindName, FlowStep], int] = field(
        default_factory=lambda: _zeros((kind, step) for kind in get_args(FlowKindName) for step in get_args(FlowStep))
    )
    flow_ends: dict[tuple[FlowKindName, FlowEnding], int] = field(
        default_factory=lambda: _zeros((kind, end) for kind in get_args(FlowKindName) for end in get_args(FlowEnding))
    )
    calls_refused: dict[Reason, int] = field(default_factory=lambda: _zeros(Reason))
    """API calls that ended with an error, by reason."""
    auth_failures: int = 0
    """API calls without the right token, and peers without the right proof or certificate, or kept out by a list."""
    trust_reloads: dict[ReloadResult, int] = field(default_factory=lambda: _zeros(get_args(ReloadResult)))
    rate_limited: int = 0
    """Connections and calls that a limit turned away."""
    bootstrap_last_success: float | None = None
    """Seconds since 1970; None before the first."""

    handshake: Histogram = field(default_factory=lambda: Histogram(SECONDS))
    """Seconds from the first packet to WELCOME."""
    rtt: Histogram = field(default_factory=lambda: Histogram(SECONDS))
    """Seconds, a link's smoothed round trip each time it is measured."""
    message_size: Histogram = field(default_factory=lambda: Histogram(BYTES))
    """Bytes of messages sent; those of one batch count with their mean."""
    delivery: dict[Level, Histogram] = field(
        default_factory=lambda: {level: Histogram(SECONDS) for level in get_args(Level)}
    )
    """Seconds from acceptance to the level that is awaited: every message of a quiet caller, a sample of a busy one's.
    Plain messages count as `delivered` also where SENT was asked for; `sent` is a durable one on this disk."""
    request: Histogram = field(default_factory=lambda: Histogram(SECONDS))
    """Seconds from a request of an app here to its reply or error."""
    journal_commit: Histogram = field(default_factory=lambda: Histogram(SECONDS))
    """Seconds of each of the journal's transactions, fsync included."""
    journal_group: Histogram = field(default_factory=lambda: Histogram(GROUPS))
    """What was done in each."""
    loop_lag: Histogram = field(default_factory=lambda: Histogram(SECONDS))
    """Seconds that the event loop was late for a timer."""


@dataclass(frozen=True, slots=True)
class Gauges:
    """How things stand when somebody asks."""

    ready: Mapping[Component, bool] = field(default_factory=dict)
    peers: Mapping[PeerState, int] = field(default_factory=dict)
    connections: Mapping[Direction, int] = field(default_factory=dict)
    queue_messages: Mapping[Queue, int] = field(default_factory=dict)
    queue_bytes: Mapping[Queue, int] = field(default_factory=dict)
    certificate_ends: float | None = None
    """When the first certificate of the own path ends, in seconds since 1970; None where no CA is asked."""
    revocations_due: float | None = None
    """When the first revocation list is due to be replaced, likewise."""
    cached_nodes: int = 0
    """Nodes in the bootstrap cache."""
    cache_faults: int = 0
    """How often it was damaged on disk, or could not be written."""
    flows: Mapping[FlowState, int] = field(default_factory=dict)
    """`waiting`: of these that came, those no app has taken."""
    flow_bytes: int = 0
    kept: Mapping[KeptEvent, int] = field(default_factory=dict)
    inflight_unacked: int = 0
    """Messages handed to apps and not acknowledged."""
    journal_bytes: int = 0
    journal_writable: bool = True
    packets_lost: int = 0
    """By the connections that are open, since each began."""
    retries: int = 0
    """Strangers who were sent a Retry."""
    retrying: bool = False
    """Whether all are at this moment."""
    udp_receive_drops: int = 0
    """Datagrams the kernel dropped before they were read."""
    udp_buffers: Mapping[str, int] = field(default_factory=lambda: {"in": 0, "out": 0})
    """Bytes that the kernel gave the UDP socket for each direction."""
