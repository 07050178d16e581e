"""QUIC's integers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.wire import varint


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("c2197c5eff14e88c", 151_288_809_941_952_652),
        ("9d7f3e7d", 494_878_333),
        ("7bbd", 15_293),
        ("25", 37),
        ("4025", 37),
    ],
)
def test_examples_of_rfc_9000_appendix_a_1(data: str, value: int) -> None:
    raw = bytes.fromhex(data)
    assert varint.decode_untrusted(raw, 0) == (value, len(raw))


@given(st.integers(0, varint.MAX), st.binary(max_size=9), st.binary(max_size=9))
def test_there_and_back(value: int, before: bytes, after: bytes) -> None:
    encoded = varint.encode(value)
    assert len(encoded) == next(size for size, bits in ((1, 6), (2, 14), (4, 30), (8, 62)) if value < 1 << bits)
    data = before + encoded + after
    end = len(before) + len(encoded)
    assert varint.decode_untrusted(data, len(before)) == (value, end)
    assert varint.decode_untrusted(bytearray(data), len(before)) == (value, end)
    for cut in range(len(before), end):
        assert varint.decode_untrusted(data[:cut], len(before)) is None


@given(st.binary(max_size=20), st.integers(0, 25))
def test_any_bytes_are_a_number_or_too_few(data: bytes, position: int) -> None:
    found = varint.decode_untrusted(data, position)
    if found is not None:
        value, end = found
        assert 0 <= value <= varint.MAX
        assert position < end <= len(data)


@pytest.mark.parametrize("value", [-1, 1 << 62, 1 << 64])
def test_what_does_not_fit(value: int) -> None:
    with pytest.raises(ValueError, match=r"is negative|does not fit"):
        varint.encode(value)
