"""Signed records: believed for their signature, and only while they hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire import record
from sidecar.wire.errors import Close, Untrusted
from tests.wire.side import identity

NOW = 1_700_000_000.0
SELF = identity(0)


def made(addresses: list[str] | None = None, network: str = "test", at: float = NOW) -> wire_pb2.Record:
    return record.make(SELF.spki, SELF.sign, addresses or ["192.0.2.1:7400", "[2001:db8::1]:7400"], network, at)


def signed(number: int = 0, **changes: object) -> wire_pb2.Record:
    """A record whose body says what it should not, properly signed."""
    body = wire_pb2.RecordBody.FromString(made().body)
    for name, value in changes.items():
        body.ClearField(name)
        if isinstance(value, list):
            getattr(body, name).extend(value)
        else:
            setattr(body, name, value)
    data = body.SerializeToString()
    return wire_pb2.Record(body=data, signature=identity(number).sign(record.CONTEXT + data))


def test_a_record_says_where_its_maker_is() -> None:
    found = record.check_untrusted(made(), "test", NOW)
    assert found is not None
    assert found.peer_id == SELF.peer_id_bytes
    assert found.addresses == (("192.0.2.1", 7400), ("2001:db8::1", 7400))
    assert (found.sequence, found.expires) == (int(NOW * 1000), int(NOW + 86_400))


def test_no_more_addresses_than_are_taken() -> None:
    found = record.check_untrusted(made([f"192.0.2.{number}:1" for number in range(20)]), "test", NOW)
    assert found is not None
    assert len(found.addresses) == record.ADDRESSES_MAX


@pytest.mark.parametrize(
    ("network", "at"),
    [("other", NOW), ("test", NOW + 86_400), ("test", NOW + 10**9), ("test", NOW - 3602)],
    ids=["another network", "expired", "long expired", "from too far ahead"],
)
def test_a_record_that_is_not_in_force(network: str, at: float) -> None:
    assert record.check_untrusted(made(), network, at) is None


@pytest.mark.parametrize("at", [NOW - 3599, NOW, NOW + 86_399])
def test_a_record_that_is(at: float) -> None:
    assert record.check_untrusted(made(), "test", at) is not None


WRONG: list[tuple[str, wire_pb2.Record, str]] = [
    ("another key's signature", signed(1), "the signature is not by its own key"),
    ("no signature", wire_pb2.Record(body=made().body), "the signature is not by its own key"),
    ("another body", wire_pb2.Record(body=signed(sequence=5).body, signature=made().signature), "not by its own key"),
    ("too long", wire_pb2.Record(body=bytes(2049)), "record of 2049 bytes, at most 2048 are allowed"),
    ("no body", wire_pb2.Record(body=b"\xff"), "RecordBody cannot be decoded"),
    ("too many addresses", signed(addresses=["192.0.2.1:1"] * 9), "record with 9 addresses, at most 8 are allowed"),
    ("no address", signed(addresses=["nonsense"]), "record: "),
    ("port 0", signed(addresses=["192.0.2.1:70000"]), "record: "),
    ("no key", signed(public_key=b"x"), "record: no public key"),
    ("long key", signed(public_key=bytes(1500)), "record: 1500 bytes of public key"),
]


@pytest.mark.parametrize(("wrong", "reason"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_forged_or_malformed_record(wrong: wire_pb2.Record, reason: str) -> None:
    with pytest.raises(Untrusted, match=reason) as raised:
        record.check_untrusted(wrong, "test", NOW)
    assert raised.value.code == Close.MALFORMED


@given(st.integers(0, 10_000), st.integers(0, 7), st.booleans())
def test_no_bit_may_be_other(at: int, bit: int, body: bool) -> None:
    """A changed body may be another network's or expired; else nothing is believed."""
    changed = made()
    data = bytearray(changed.body if body else changed.signature)
    data[at % len(data)] ^= 1 << bit
    found = wire_pb2.Record(
        body=bytes(data) if body else changed.body, signature=changed.signature if body else bytes(data)
    )
    assert believed(found) is None


@given(st.binary(max_size=300), st.binary(max_size=80))
def test_random_bytes(body: bytes, signature: bytes) -> None:
    assert believed(wire_pb2.Record(body=body, signature=signature)) is None


def believed(found: wire_pb2.Record) -> record.PeerRecord | None:
    try:
        return record.check_untrusted(found, "test", NOW)
    except Untrusted:
        return None
