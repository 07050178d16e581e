"""Signed records: a peer's own word on where it may be dialled, passed on by others and believed for its signature
only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sidecar.addresses import parse_address
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.identity import public_key_untrusted
from sidecar.wire.errors import malformed
from sidecar.wire.frames import parse_untrusted

CONTEXT = b"qp2p-sidecar/1 record\x00"
ADDRESSES_MAX = 8
RECORD_MAX = 2048
LIFETIME = 24 * 3600.0
"""Seconds a record is good for; one that claims more is refused, with an hour for clocks that disagree."""
CLOCK_SKEW = 3600.0


@dataclass(frozen=True, slots=True)
class PeerRecord:
    """A record whose signature holds."""

    peer_id: bytes
    addresses: tuple[tuple[str, int], ...]
    sequence: int
    expires: int
    encoded: wire_pb2.Record


def make(
    spki: bytes, sign: Callable[[bytes], bytes], addresses: list[str], network_id: str, wall_clock: float
) -> wire_pb2.Record:
    """A record of one's own, made at `wall_clock` (seconds since 1970)."""
    body = wire_pb2.RecordBody(
        public_key=spki,
        addresses=addresses[:ADDRESSES_MAX],
        sequence=int(wall_clock * 1000),
        expires=int(wall_clock + LIFETIME),
        network_id=network_id,
    ).SerializeToString()
    return wire_pb2.Record(body=body, signature=sign(CONTEXT + body))


def check_untrusted(record: wire_pb2.Record, network_id: str, wall_clock: float) -> PeerRecord | None:
    """The record if it is in force now; None if it is expired or of another network. Untrusted when it is forged or
    malformed: an honest peer checks what it passes on."""
    if len(record.body) > RECORD_MAX:
        raise malformed(f"record of {len(record.body)} bytes, at most {RECORD_MAX} are allowed")
    body = parse_untrusted(wire_pb2.RecordBody, record.body)
    if len(body.addresses) > ADDRESSES_MAX:
        raise malformed(f"record with {len(body.addresses)} addresses, at most {ADDRESSES_MAX} are allowed")
    if body.network_id != network_id or not wall_clock < body.expires <= wall_clock + LIFETIME + CLOCK_SKEW:
        return None
    try:
        key = public_key_untrusted(body.public_key)
        addresses = tuple(parse_address(address) for address in body.addresses)
    except ValueError as error:  # BadCertificate is one
        raise malformed(f"record: {error}") from error
    if not key.verify(record.signature, CONTEXT + record.body):
        raise malformed("record: the signature is not by its own key")
    # A copy: what came holds on to all of the frame that it came in.
    alone = wire_pb2.Record(body=record.body, signature=record.signature)
    return PeerRecord(key.peer_id_bytes, addresses, body.sequence, body.expires, alone)
