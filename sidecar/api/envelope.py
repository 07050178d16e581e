"""Deliveries as an app gets them: an envelope that this sidecar writes around messages it does not parse.

A piece of the inbox is a batch of `messages` entries; field 1 of Delivery has the same tag, so the batch stands inside
a Delivery as it is, and the envelope's fields are joined to it. What no gRPC message can hold goes out in chunks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sidecar.api.front.base import Encoded
from sidecar.gen.overlay.v1 import message_pb2 as pb
from sidecar.mail.piece import Piece
from sidecar.wire.batch import length_prefix

WHOLE_BYTES: Final = 4 << 20
"""Entries above this go out in chunks."""

CHUNK_BYTES: Final = 1 << 20
"""Bytes of payload in one chunk."""

PRIORITIES: Final = (pb.PRIORITY_HIGH, pb.PRIORITY_NORMAL, pb.PRIORITY_LOW)
"""By the number that the layers below use."""

NANOS: Final = 1_000_000_000


def delivery_field(delivery_id: int, piece: Piece) -> list[bytes]:
    """A piece as the `deliveries` field of a response, in parts."""
    envelope = envelope_of(delivery_id, piece).SerializeToString()
    size = len(piece.batch) + len(envelope)
    return [b"\x0a" + length_prefix(size), piece.batch, envelope]


def envelope_of(delivery_id: int, piece: Piece) -> pb.Delivery:
    """A delivery without its messages."""
    arrival = piece.arrival
    envelope = pb.Delivery(
        peer_id=arrival.inbound.peer_id,
        channel=arrival.channel,
        priority=PRIORITIES[arrival.priority],
        first_sequence=piece.first_sequence,
        instance=arrival.instance,
        first_delivery_id=delivery_id,
        redelivery_count=piece.redeliveries,
        bulk=arrival.bulk,
        durable=arrival.row is not None,
    )
    received = envelope.received_at
    received.seconds, received.nanos = divmod(int(piece.received_at * NANOS), NANOS)
    return envelope


def chunk_responses(delivery_id: int, piece: Piece) -> Iterator[Encoded]:
    """One large message as responses of one chunk each, in order."""
    envelope = envelope_of(delivery_id, piece).SerializeToString()
    head, payload = open_entry(piece.batch)
    total = len(payload)
    for offset in range(0, total, CHUNK_BYTES):
        data = payload[offset : offset + CHUNK_BYTES]
        chunk = pb.Chunk(message_id=head.message_id, offset=offset, total=total)
        if offset == 0:
            chunk.headers.update(head.headers)
        fields = chunk.SerializeToString()
        data_head = b"\x22" + length_prefix(len(data))
        chunk_head = b"\x52" + length_prefix(len(fields) + len(data_head) + len(data))
        size = len(envelope) + len(chunk_head) + len(fields) + len(data_head) + len(data)
        yield b"".join((b"\x0a", length_prefix(size), envelope, chunk_head, fields, data_head)), data


def open_entry(entry: bytes) -> tuple[pb.Message, memoryview]:
    """A checked entry as its message without the payload, and the payload, uncopied."""
    view = memoryview(entry)
    _, position = read_length(view, 1)
    beside = bytearray()
    payload = view[:0]
    while position < len(view):
        tag = view[position]
        size, start = read_length(view, position + 1)
        if tag == 0x1A:
            payload = view[start : start + size]
        else:
            beside += view[position : start + size]
        position = start + size
    return pb.Message.FromString(bytes(beside)), payload


def read_length(view: memoryview, position: int) -> tuple[int, int]:
    """A protobuf length in checked bytes, and where it ends."""
    value = shift = 0
    while True:
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
