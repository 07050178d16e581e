"""Headers and Version Negotiation, as an endpoint without a connection reads and writes them, and trains."""

from __future__ import annotations

import os

import pytest
from aioquic.buffer import Buffer  # type: ignore[attr-defined]  # it is re-exported
from aioquic.quic.packet import pull_quic_header
from hypothesis import given
from hypothesis import strategies as st

from sidecar.transport.engine import load
from sidecar.transport.engine.base import Address
from sidecar.transport.engine.packet import LongHeader, is_short, read_long_untrusted, version_negotiation
from sidecar.transport.engine.train import MOST_BYTES, MOST_DATAGRAMS, couple
from tests.transport.conftest import ENGINES, settings_of

HERE: Address = ("192.0.2.1", 4433)


@pytest.mark.parametrize("engine", ENGINES)
def test_reads_what_the_engines_write(engine: str) -> None:
    connection = load(engine).dial(settings_of(), None)
    connection.connect(HERE, 1.0)
    written = [data for train in connection.transmit(1.0, 1 << 20) for data in train.datagrams]
    assert written
    for data in written:
        theirs = pull_quic_header(Buffer(data=data), 8)
        header = read_long_untrusted(data)
        assert header == LongHeader(1, True, theirs.destination_cid, theirs.source_cid, b"")
        assert not is_short(data)


@given(st.binary(max_size=100))
def test_reads_or_refuses_any_bytes(data: bytes) -> None:
    header = read_long_untrusted(data)
    if header is not None:
        assert data[0] & 0x80
        assert header.destination_id in data
    assert is_short(data) is (bool(data) and data[0] < 0x80)


@given(version=st.integers(2, 2**32 - 1), mine=st.binary(max_size=255), theirs=st.binary(max_size=255))
def test_answers_other_versions_with_the_ids_swapped(version: int, mine: bytes, theirs: bytes) -> None:
    data = (
        b"\x80" + version.to_bytes(4, "big") + bytes([len(mine)]) + mine + bytes([len(theirs)]) + theirs + bytes(1200)
    )
    header = read_long_untrusted(data)
    assert header == LongHeader(version, False, mine, theirs, b"")
    answer = version_negotiation(header)
    assert answer[0] & 0x80
    assert answer[1:5] == bytes(4)
    assert answer[5:] == bytes([len(theirs)]) + theirs + bytes([len(mine)]) + mine + (1).to_bytes(4, "big")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc0",
        b"\xc0\0\0\0\1",
        b"\xc0\0\0\0\1\x08abc",
        b"\xc0\0\0\0\1\x15" + bytes(60),  # an id of 21 bytes
        b"\x80\0\0\0\1\x08" + bytes(60),  # no fixed bit
        b"\xc0\0\0\0\1\x00\x00\xbf\xff\xff\xff" + bytes(60),  # a token longer than the packet
    ],
)
def test_refuses_headers_that_are_none(data: bytes) -> None:
    assert read_long_untrusted(data) is None


@given(
    st.lists(
        st.tuples(st.sampled_from([40, 600, 1200, 1452, 9000]), st.sampled_from([HERE, ("192.0.2.2", 1)])), max_size=300
    )
)
def test_trains_keep_the_order_and_the_kernels_limits(plan: list[tuple[int, Address]]) -> None:
    datagrams = [(os.urandom(size), address) for size, address in plan]
    trains = couple(datagrams)
    assert [(data, train.address) for train in trains for data in train.datagrams] == datagrams
    for train in trains:
        assert len(train.datagrams) <= MOST_DATAGRAMS
        assert sum(map(len, train.datagrams)) <= MOST_BYTES
        assert all(len(data) == train.size for data in train.datagrams[:-1])
        assert len(train.datagrams[-1]) <= train.size


def test_equal_datagrams_go_in_one_train() -> None:
    assert [len(train.datagrams) for train in couple([(bytes(1452), HERE)] * 90)] == [45, 45]
    assert [len(train.datagrams) for train in couple([(bytes(100), HERE)] * 130)] == [64, 64, 2]
