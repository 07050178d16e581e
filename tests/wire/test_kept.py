"""Kept messages on the wire: frames cut anywhere, ranges, and what no sender may send."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire import varint
from sidecar.wire.errors import Untrusted
from sidecar.wire.kept import (
    RANGES_MAX,
    TTL_MAX_MS,
    Kept,
    KeptReader,
    OutcomeLog,
    Pending,
    Ranges,
    check_ranges_untrusted,
    encode_kept_frame,
)
from sidecar.wire.lanes import FRAME_MAX
from tests.wire.side import entry


@pytest.mark.parametrize("step", [1, 2, 7, 100, 10_000])
def test_frames_come_out_whole_however_they_are_cut(step: int) -> None:
    draw = random.Random(step)
    batches = [entry(draw.randbytes(draw.randrange(300))) for _ in range(20)]
    data = b"".join(
        encode_kept_frame(number, 1, len(batch), Kept(number * 1000, 3, 5)) + batch
        for number, batch in enumerate(batches)
    )
    reader = KeptReader(5, 0)
    frames = [frame for at in range(0, len(data), step) for frame in reader.feed_untrusted(data[at : at + step])]
    assert [frame.batch for frame in frames] == batches
    assert [frame.kept for frame in frames] == [Kept(number * 1000, 3, 5) for number in range(20)]
    assert not reader.unfinished


@pytest.mark.parametrize(
    "header",
    [
        (0, 0, 10, 1, 1, 0),
        (0, 11, 10, 1, 1, 0),
        (0, 1, FRAME_MAX + 1, 1, 1, 0),
        (0, 1, 10, 1, 1, TTL_MAX_MS + 1),
        (0, 1, 10, 1, 1, varint.MAX),
    ],
)
def test_a_frame_that_no_sender_may_send(header: tuple[int, ...]) -> None:
    with pytest.raises(Untrusted, match="MALFORMED"):
        KeptReader(4, 0).feed_untrusted(b"".join(map(varint.encode, header)))


spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 8), st.booleans()), max_size=40)


@given(spans)
def test_ranges_are_a_set_of_numbers(parts: list[tuple[int, int, bool]]) -> None:
    ranges, model = Ranges(), set[int]()
    for first, length, remove in parts:
        last = first + length
        if remove:
            ranges.remove(first, last)
            model -= set(range(first, last + 1))
        else:
            ranges.add(first, last)
            model |= set(range(first, last + 1))
        held = list(ranges)
        assert {number for low, high in held for number in range(low, high + 1)} == model
        assert all(one[1] + 1 < other[0] for one, other in itertools.pairwise(held))
    inside = {number for low, high in ranges.within(10, 30) for number in range(low, high + 1)}
    assert inside == model & set(range(10, 31))


def test_flags_of_a_later_version_are_ignored() -> None:
    (frame,) = KeptReader(4, 0).feed_untrusted(encode_kept_frame(0, 1, 2, Kept(1, 0xFF, 0)) + entry(b""))
    assert frame.kept.flags == 3


def test_pending_tells_what_is_stored_without_a_gap() -> None:
    pending = Pending()
    pending.stored(5, 5)
    assert pending.through == 0
    pending.stored(0, 3)
    assert pending.through == 3
    pending.stored(3, 2)
    assert pending.through == 10


def test_ranges_are_bounded() -> None:
    ask = [wire_pb2.OutcomeRange(first=number, last=number) for number in range(RANGES_MAX + 1)]
    with pytest.raises(Untrusted, match="ranges"):
        check_ranges_untrusted(ask)
    with pytest.raises(Untrusted, match="outcomes"):
        check_ranges_untrusted([wire_pb2.OutcomeRange(first=2, last=1)])
    with pytest.raises(Untrusted, match="outcomes"):
        check_ranges_untrusted([wire_pb2.OutcomeRange(first=1, last=varint.MAX + 1)])
    assert len(check_ranges_untrusted(ask[:-1])) == RANGES_MAX


def test_outcomes_are_told_again_to_who_asks() -> None:
    log = OutcomeLog()
    log.add(10, 5, wire_pb2.OUTCOME_PROCESSED, durable=False)
    log.add(15, 5, wire_pb2.OUTCOME_PROCESSED, durable=False)
    log.add(20, 1, wire_pb2.OUTCOME_DEAD, durable=False)
    told = log.take()
    assert told is not None
    assert [(part.first, part.last, part.outcome) for part in told.ranges] == [(10, 19, 1), (20, 20, 2)]
    assert not log.due
    log.asked([wire_pb2.OutcomeRange(first=12, last=100)])
    again = log.take()
    assert again is not None
    assert [(part.first, part.last, part.outcome) for part in again.ranges] == [(12, 19, 1), (20, 20, 2)]
