"""docs/protocol.md ends with test vectors: here the sidecar makes each of them, and reads back those it can read."""

from __future__ import annotations

import hashlib
import re

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sidecar.gen.overlay.v1 import message_pb2
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.identity import Identity, peer_id_of, public_key_untrusted
from sidecar.wire import batch, proof, record, varint
from sidecar.wire.frames import FrameReader, FrameType, StreamType, encode
from sidecar.wire.lanes import (
    BULK,
    BulkHeader,
    LaneReader,
    decode_varints_untrusted,
    encode_bulk_header,
    encode_lane_frame,
    encode_lane_opening,
)
from tests.docs.blocks import REPOSITORY

VARINTS = (0, 63, 64, 16383, 16384, (1 << 30) - 1, 1 << 30, (1 << 62) - 1)
DIALLER_SEED = bytes(range(32))
ACCEPTOR_NONCE = bytes([0xAA]) * 32
DIALLER_NONCE = bytes([0xDD]) * 32
ACCEPTOR_LEAF = b"the acceptor's leaf certificate in DER"
"""A stand-in: the transcript has nothing of it but its SHA-256."""

NETWORK_ID = "example"
RECORD_MADE = 1_700_000_000.0
"""Seconds since 1970."""


def documented() -> dict[str, str]:
    """The vectors as the page prints them, by name."""
    page = (REPOSITORY / "docs/protocol.md").read_text()
    block = re.search(r"<!-- vectors -->\n```text\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    assert block is not None, "docs/protocol.md has no block of vectors"
    vectors: dict[str, str] = {}
    name = ""
    for line in block[1].splitlines():
        if line.startswith(" "):
            vectors[name] += line.strip()
        elif line.strip():
            name = line.strip()
            assert name not in vectors, f"two vectors are called {name!r}"
            vectors[name] = ""
    return vectors


def dialler() -> Identity:
    """The key of all signatures in the vectors."""
    return Identity(Ed25519PrivateKey.from_private_bytes(DIALLER_SEED))


def messages() -> bytes:
    """A batch of two: one with everything, one that is empty."""
    full = message_pb2.Message(message_id="m1", headers={"k": "v"}, payload=b"hello")
    pair = message_pb2.SendStreamRequest(messages=[full, message_pb2.Message()])
    return pair.SerializeToString()


def hello_body() -> bytes:
    """The body of a dialler's HELLO."""
    return wire_pb2.Hello(
        version=1,
        nonce=DIALLER_NONCE,
        limits=wire_pb2.Limits(
            max_message_bytes=1 << 20,
            link_bytes=1 << 20,
            link_messages=1000,
            channel_bytes=1 << 18,
            channel_messages=100,
            max_channels=8,
        ),
        network_id=NETWORK_ID,
        instance=1,
        agent="vectors/1",
        observed="192.0.2.1:7400",
        epoch=2,
    ).SerializeToString()


def proof_body() -> bytes:
    """The text that the dialler signs."""
    return proof.transcript(ACCEPTOR_LEAF, ACCEPTOR_NONCE, DIALLER_NONCE, hello_body())


def made_record() -> wire_pb2.Record:
    """A record of the dialler's."""
    me = dialler()
    return record.make(me.spki, me.sign, ["192.0.2.1:7400", "[2001:db8::1]:7400"], NETWORK_ID, RECORD_MADE)


def computed() -> dict[str, str]:
    """The vectors as this sidecar makes them."""
    p256 = ec.derive_private_key(1, ec.SECP256R1()).public_key()
    spki = p256.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    me = dialler()
    signed = made_record()
    ack = wire_pb2.Ack(
        received=wire_pb2.Received(
            lanes=[
                wire_pb2.LaneReceived(lane=1, next=5),
                wire_pb2.LaneReceived(lane=BULK, next=2, ranges=[wire_pb2.Range(first=3, last=4)]),
            ]
        )
    )
    opened = wire_pb2.ChannelOpen(channel=1, name="orders")
    lane = encode_lane_opening(1, 3) + encode_lane_frame(1, 2, len(messages())) + messages()
    return {
        "varints 0, 63, 64, 16383, 16384, 2^30 - 1, 2^30, 2^62 - 1": " ".join(
            varint.encode(value).hex() for value in VARINTS
        ),
        "Ed25519 private key (seed)": DIALLER_SEED.hex(),
        "Ed25519 SubjectPublicKeyInfo": me.spki.hex(),
        "its peer id": me.peer_id,
        "P-256 SubjectPublicKeyInfo (of the private key 1)": spki.hex(),
        "its peer id (P-256)": peer_id_of(spki),
        "batch: id m1, header k=v, payload hello; then an empty message": messages().hex(),
        "stream of lane 1 from message 3 on, with one frame: that batch on channel 1": lane.hex(),
        "stream of bulk message 7, channel 1, priority 1, with an entry of 8 bytes": (
            encode_bulk_header(BulkHeader(7, 1, 1, 8)) + bytes.fromhex("0a061a0474657374")
        ).hex(),
        "the same given up": encode_bulk_header(BulkHeader(7, 1, 1, 8)).hex(),
        "frame CHANNEL_OPEN 1 orders": encode(FrameType.CHANNEL_OPEN, opened.SerializeToString()).hex(),
        "frame ACK lane 1 next 5, bulk next 2 and 3 to 4": encode(FrameType.ACK, ack.SerializeToString()).hex(),
        "control stream with a PING 1": (
            varint.encode(StreamType.CONTROL) + encode(FrameType.PING, wire_pb2.Ping(id=1).SerializeToString())
        ).hex(),
        "acceptor's leaf certificate (38 bytes of text stand for it)": ACCEPTOR_LEAF.hex(),
        "body of the dialler's HELLO": hello_body().hex(),
        "transcript": proof_body().hex(),
        "signature over the transcript": me.sign(proof_body()).hex(),
        "RecordBody": signed.body.hex(),
        "signature over the record's context and body": signed.signature.hex(),
    }


def test_the_page_has_these_vectors() -> None:
    assert documented() == computed()


def test_varints() -> None:
    for text, value in zip(computed()[next(iter(computed()))].split(), VARINTS, strict=True):
        encoded = bytes.fromhex(text)
        assert varint.decode_untrusted(encoded, 0) == (value, len(encoded))


def test_keys() -> None:
    vectors = documented()
    for spki, peer_id in (
        ("Ed25519 SubjectPublicKeyInfo", "its peer id"),
        ("P-256 SubjectPublicKeyInfo (of the private key 1)", "its peer id (P-256)"),
    ):
        assert public_key_untrusted(bytes.fromhex(vectors[spki])).peer_id == vectors[peer_id]


def test_batch_and_lane() -> None:
    vectors = documented()
    data = bytes.fromhex(vectors["batch: id m1, header k=v, payload hello; then an empty message"])
    assert len(batch.check_untrusted(data, 5)) == 2
    stream = bytes.fromhex(vectors["stream of lane 1 from message 3 on, with one frame: that batch on channel 1"])
    opening = decode_varints_untrusted(stream, 0, 3)
    assert opening == ([StreamType.MESSAGES, 1, 3], 3)
    assert LaneReader(1, 3).feed_untrusted(stream[3:]) == [(1, 2, data)]


def test_bulk() -> None:
    vectors = documented()
    stream = bytes.fromhex(vectors["stream of bulk message 7, channel 1, priority 1, with an entry of 8 bytes"])
    assert decode_varints_untrusted(stream, 0, 5) == ([StreamType.BULK, 7, 1, 1, 8], 5)
    assert batch.check_untrusted(stream[5:], 4) == [8]


@pytest.mark.parametrize("chunk", [1, 1000])
def test_frames(chunk: int) -> None:
    vectors = documented()
    frames = bytes.fromhex(
        vectors["frame CHANNEL_OPEN 1 orders"] + vectors["frame ACK lane 1 next 5, bulk next 2 and 3 to 4"]
    )
    reader = FrameReader()
    read = [
        frame
        for start in range(0, len(frames), chunk)
        for frame in reader.feed_untrusted(frames[start : start + chunk])
    ]
    assert [kind for kind, _ in read] == [FrameType.CHANNEL_OPEN, FrameType.ACK]
    assert wire_pb2.ChannelOpen.FromString(read[0][1]).name == "orders"


def test_proof() -> None:
    vectors = documented()
    transcript = bytes.fromhex(vectors["transcript"])
    assert transcript == b"".join(
        (
            b"qp2p-sidecar/1 dialler proof\x00",
            hashlib.sha256(ACCEPTOR_LEAF).digest(),
            ACCEPTOR_NONCE,
            DIALLER_NONCE,
            hashlib.sha256(bytes.fromhex(vectors["body of the dialler's HELLO"])).digest(),
        )
    )
    shown = wire_pb2.Proof(
        certificates=[dialler().certificate_der], signature=bytes.fromhex(vectors["signature over the transcript"])
    )
    assert proof.verify_untrusted(shown, transcript).peer_id == vectors["its peer id"]


def test_record() -> None:
    vectors = documented()
    shown = wire_pb2.Record(
        body=bytes.fromhex(vectors["RecordBody"]),
        signature=bytes.fromhex(vectors["signature over the record's context and body"]),
    )
    checked = record.check_untrusted(shown, NETWORK_ID, RECORD_MADE)
    assert checked is not None
    assert checked.peer_id.hex() == hashlib.sha256(dialler().spki).hexdigest()
    assert checked.addresses == (("192.0.2.1", 7400), ("2001:db8::1", 7400))
