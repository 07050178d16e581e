"""Messages as they come: those of one delivery share its envelope, and each keeps only what is its own.

A subscription makes some hundred thousand of them a second, which is why `all_of` passes their constructor by.
"""
# ruff: noqa: SLF001 - it sets what is private to its own class

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from sidecar_client.messages import PRIORITY_NAMES, Priority, seconds
from sidecar_client.outgoing import PAYLOAD, varint

KEPT_BYTES: Final = 4096
"""Messages up to here are kept as they came until their headers are asked for; of a larger one that would be twice its
payload."""

NOTHING: Final = b"\x00"
"""What no message begins with: there is no field 0."""


class Envelope:
    """What the messages of a delivery have in common; the first one's numbers, from which the others count on."""

    __slots__ = (
        "peer_id", "channel", "priority", "instance", "bulk", "sequence", "redelivery_count", "received_at",
        "delivery_id", "durable", "opening",
    )  # fmt: skip

    def __init__(
        self, peer_id: str, channel: str, priority: Priority, instance: int, bulk: bool, sequence: int,
        redelivery_count: int, received_at: float, delivery_id: int, durable: bool, opening: int,
    ) -> None:  # fmt: skip
        self.peer_id = peer_id
        self.channel = channel
        self.priority = priority
        self.instance = instance
        self.bulk = bulk
        self.sequence = sequence
        self.redelivery_count = redelivery_count
        self.received_at = received_at
        self.delivery_id = delivery_id
        self.durable = durable
        self.opening = opening

    @classmethod
    def of(cls, delivery: Any, opening: int) -> Envelope:
        """That of a Delivery."""
        return cls(
            delivery.peer_id, delivery.channel, PRIORITY_NAMES.get(delivery.priority, "normal"), delivery.instance,
            delivery.bulk, delivery.first_sequence, delivery.redelivery_count, seconds(delivery.received_at),
            delivery.first_delivery_id, delivery.durable, opening,
        )  # fmt: skip


@dataclass(init=False)
class Received:
    """A message from a peer. It is not to be changed."""

    __slots__ = ("_payload", "_envelope", "_index", "_named")

    payload: bytes
    headers: dict[str, str]
    message_id: str
    peer_id: str
    """The sender, proven by its key."""
    channel: str
    priority: Priority
    instance: int
    """Which run of the sender's sidecar numbered it; (peer_id, instance, priority, bulk, sequence) names a message."""
    bulk: bool
    sequence: int
    redelivery_count: int
    """How often it was handed to a subscriber before."""
    received_at: float
    """Seconds since 1970 when the sidecar received the run of messages that it came in."""
    delivery_id: int
    """In `consume`, what it is acknowledged by; else 0."""
    durable: bool
    opening: int
    """Which opening of its subscription handed it out: 0 for the first, more after each Gap."""

    def __init__(
        self, payload: bytes, headers: dict[str, str], message_id: str, peer_id: str, channel: str, priority: Priority,
        instance: int, bulk: bool, sequence: int, redelivery_count: int, received_at: float, delivery_id: int,
        durable: bool = False, opening: int = 0,
    ) -> None:  # fmt: skip
        self._payload = payload
        self._envelope = Envelope(
            peer_id, channel, priority, instance, bulk, sequence, redelivery_count, received_at, delivery_id, durable,
            opening,
        )  # fmt: skip
        self._index = 0
        self._named: pb.Message | tuple[str, dict[str, str]] | None = (message_id, headers)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    @classmethod
    def of(cls, payload: bytes, message_id: str, headers: dict[str, str], envelope: Envelope) -> Received:
        """The only one of a delivery."""
        message = cls.__new__(cls)
        message._payload, message._envelope, message._index = payload, envelope, 0
        message._named = (message_id, headers)
        return message

    @classmethod
    def all_of(cls, messages: Iterable[bytes], envelope: Envelope) -> list[Received]:
        """Those of a delivery. DecodeError when one is none."""
        found: list[Received] = []
        append, make = found.append, cls.__new__
        size, head, cut = -1, NOTHING, 0
        for index, encoded in enumerate(messages):
            message = make(cls)
            message._envelope = envelope
            message._index = index
            if len(encoded) != size:
                size = len(encoded)
                head = plain_head(size)
                cut = len(head)
            if encoded.startswith(head):
                message._payload = encoded[cut:]
                message._named = None
            else:
                whole = pb.Message.FromString(encoded)
                message._payload = whole.payload
                message._named = whole if size <= KEPT_BYTES else _names(whole)
            append(message)
        return found

    @staticmethod
    def ids_of(messages: Iterable[Received], opening: int) -> list[int]:
        """The delivery ids of those that this opening of their subscription handed out."""
        return [
            message._envelope.delivery_id + message._index
            for message in messages
            if message._envelope.opening == opening
        ]

    @property
    def _names(self) -> tuple[str, dict[str, str]]:
        """Its id and its headers, which most do not have and many do not ask for."""
        named = self._named
        if not isinstance(named, tuple):
            self._named = named = ("", {}) if named is None else _names(named)
        return named


def _names(message: pb.Message) -> tuple[str, dict[str, str]]:
    headers = message.headers
    return message.message_id, {name: headers[name] for name in headers}


def _numbered(message: Received) -> int:
    first: int = message._envelope.delivery_id
    return first + message._index if first else 0


def _read_only() -> dict[str, property]:
    """What a message tells, field by field: its own, or its envelope's."""
    own: dict[str, Callable[[Received], Any]] = {
        "payload": attrgetter("_payload"),
        "headers": lambda message: message._names[1],
        "message_id": lambda message: message._names[0],
        "sequence": lambda message: message._envelope.sequence + message._index,
        "delivery_id": _numbered,
    }
    return {
        field.name: property(own.get(field.name) or attrgetter(f"_envelope.{field.name}")) for field in fields(Received)
    }


for _name, _property in _read_only().items():
    setattr(Received, _name, _property)


@lru_cache(maxsize=4096)
def plain_head(size: int) -> bytes:
    """How a Message of so many bytes begins that is nothing but a payload; NOTHING where there is no such."""
    if size == 0:
        return b""
    for length in range(1, 6):
        head = PAYLOAD + varint(max(0, size - 1 - length))
        if len(head) == 1 + length:
            return head
    return NOTHING
