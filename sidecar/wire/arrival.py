"""Messages that have come in, and what holds them until an app takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire.kept import Kept

if TYPE_CHECKING:
    from sidecar.wire.inbound import Inbound


class Source(Protocol):
    """Who messages came from: a link, or what is remembered of one."""

    peer_id: str
    instance: int
    epoch: object

    def taken(self, arrival: Arrival, size: int, count: int) -> None:
        """See Arrival.take."""
        ...


class Row:
    """A run as the journal has it."""

    __slots__ = ("id", "left", "number", "size")

    def __init__(self, row_id: int, number: int, left: int, size: int) -> None:
        self.id = row_id
        self.number = number
        """Of its first message."""
        self.left = left
        """Messages that have no outcome here."""
        self.size = size


class Arrival:
    """A run of messages that came in: what the inbox holds. `take` it when an app has it."""

    __slots__ = (
        "batch", "bulk", "channel", "count", "epoch", "expires", "first_sequence", "inbound", "instance", "kept",
        "number", "priority", "reserved", "row", "size",
    )  # fmt: skip

    def __init__(
        self, inbound: Source, channel: str, number: int, priority: int, first: int, count: int, data: bytes,
        *, bulk: bool, reserved: bool,
    ) -> None:  # fmt: skip
        self.inbound = inbound
        self.channel = channel
        self.number = number
        self.priority = priority
        self.first_sequence = first
        self.count = count
        self.batch = data
        self.size = len(data)
        self.bulk = bulk
        self.reserved = reserved
        self.epoch = inbound.epoch
        self.instance = inbound.instance
        """Which run of the sender's sidecar numbered them."""
        self.kept: Kept | None = None
        self.row: Row | None = None
        """Where it is in the journal, once it is there."""
        self.expires = 0.0
        """When it is not worth handing out any more, by the journal's clock; 0 for never."""

    def take(self, size: int, count: int) -> None:
        """An app has `count` more of the messages, `size` bytes of them: their room is the sender's again."""
        self.inbound.taken(self, size, count)


class Inbox(Protocol):
    """Where arrivals go."""

    def put(self, arrival: Arrival) -> None:
        """Takes a run."""
        ...

    def keep(self, arrival: Arrival) -> None:
        """Takes a run of kept messages; `Inbound.stored` is called once they are where they belong."""
        ...

    def asked(self, inbound: Inbound, ranges: list[wire_pb2.OutcomeRange]) -> None:
        """The other side wants to know what became of durable messages."""
        ...

    def repeated(self, count: int) -> None:
        """So many messages came that were here already."""
        ...

    def subscribed(self, channel: str) -> bool:
        """Whether an app reads the channel."""
        ...

    def reserve(self, channel: str, size: int) -> bool:
        """Reserves memory for a large message; false when there is none now."""
        ...

    def unreserve(self, channel: str, size: int) -> None:
        """Gives it back."""
        ...

    def expect(self, size: int) -> None:
        """So many bytes more (or fewer, below 0) were granted beyond the first window and have not come."""
        ...

    def left(self, channel: str) -> int:
        """Bytes that may still be granted for a channel before the inbox as a whole is full."""
        ...

    @property
    def full(self) -> bool:
        """Whether nobody new can be let in: not even first windows have room."""
        ...
