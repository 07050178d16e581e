"""Receipts tell the truth whatever the order outcomes come in."""

from __future__ import annotations

import itertools
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.api.receipts import FULL_EXCEPTIONS, ReceiptBook, Settled
from sidecar.errors import Reason
from sidecar.gen.overlay.v1 import errors_pb2
from sidecar.gen.overlay.v1 import message_pb2 as pb

SENT, DELIVERED = pb.DELIVERY_LEVEL_SENT, pb.DELIVERY_LEVEL_DELIVERED


def book(level: pb.DeliveryLevel = DELIVERED) -> ReceiptBook:
    return ReceiptBook(level, clock=lambda: 1_700_000_000_500_000_000)


def taken(held: ReceiptBook) -> dict[int, pb.Receipt]:
    """The receipts of what the book gives, by level."""
    encoded = held.take()
    if encoded is None:
        return {}
    receipts = pb.SendStreamResponse.FromString(encoded).receipts
    by_level: dict[int, pb.Receipt] = {receipt.level: receipt for receipt in receipts}
    assert len(by_level) == len(receipts)
    return by_level


def named(receipt: pb.Receipt) -> list[tuple[int, int, str]]:
    return [(e.first, e.last, errors_pb2.ErrorReason.Name(e.reason)) for e in receipt.exceptions]


def test_nothing_is_told_when_nothing_is_known() -> None:
    held = book()
    assert held.take() is None
    held.sent(2, 3)
    assert held.take() is None, "a gap holds the receipt back"


def test_cumulative_and_told_once() -> None:
    held = book()
    held.sent(1, 10)
    held.sent(11, 5)
    held.delivered(1, 4)
    receipts = taken(held)
    assert receipts[SENT].through_sequence == 15
    assert receipts[DELIVERED].through_sequence == 4
    assert receipts[SENT].time.ToNanoseconds() == 1_700_000_000_500_000_000
    assert held.take() is None
    held.delivered(5, 11)
    assert {level: receipt.through_sequence for level, receipt in taken(held).items()} == {DELIVERED: 15}


def test_small_messages_overtake_a_bulk_one() -> None:
    held = book()
    held.sent(1, 1)
    held.sent(3, 100)
    held.delivered(3, 100)
    assert taken(held)[SENT].through_sequence == 1
    held.delivered(1, 1)
    assert taken(held)[DELIVERED].through_sequence == 1
    held.sent(2, 1)
    held.delivered(2, 1)
    receipts = taken(held)
    assert receipts[SENT].through_sequence == receipts[DELIVERED].through_sequence == 102


def test_delivered_implies_sent() -> None:
    held = book()
    held.delivered(1, 3)
    assert taken(held)[SENT].through_sequence == 3


def test_exceptions_are_named_once_in_runs() -> None:
    held = book()
    held.sent(1, 4)
    held.delivered(2, 1)
    for number in (1, 2, 3, 4):
        held.failed(number, 1, Reason.OUTCOME_UNKNOWN, "the link ended")
    held.failed(5, 1, Reason.QUEUE_FULL, "full")
    held.failed(3, 3, Reason.PEER_UNREACHABLE, "named already")
    receipts = taken(held)
    assert named(receipts[DELIVERED]) == [
        (1, 1, "ERROR_REASON_OUTCOME_UNKNOWN"),
        (3, 4, "ERROR_REASON_OUTCOME_UNKNOWN"),
        (5, 5, "ERROR_REASON_QUEUE_FULL"),
    ]
    assert receipts[DELIVERED].through_sequence == receipts[SENT].through_sequence == 5
    assert not receipts[SENT].exceptions
    assert held.take() is None
    assert held.through == 5


def test_an_exception_beyond_a_gap_is_told_at_once() -> None:
    held = book()
    held.failed(7, 2, Reason.LINK_CLOSED, "closed")
    receipts = taken(held)
    assert named(receipts[DELIVERED]) == [(7, 8, "ERROR_REASON_LINK_CLOSED")]
    assert receipts[DELIVERED].through_sequence == 0


def test_at_level_sent_a_later_loss_is_no_exception() -> None:
    held = book(SENT)
    held.sent(1, 2)
    held.failed(1, 3, Reason.OUTCOME_UNKNOWN, "the link ended")
    held.delivered(1, 1)
    receipts = taken(held)
    assert set(receipts) == {SENT}
    assert named(receipts[SENT]) == [(3, 3, "ERROR_REASON_OUTCOME_UNKNOWN")]
    assert receipts[SENT].through_sequence == 3


def test_long_details_are_cut() -> None:
    held = book()
    held.failed(1, 1, Reason.PEER_REFUSED, "é" * 5000)
    assert len(taken(held)[DELIVERED].exceptions[0].detail.encode()) <= 1024


def test_full_until_told() -> None:
    held = book()
    for number in range(FULL_EXCEPTIONS):
        assert not held.full
        held.failed(2 * number + 1, 1, Reason.QUEUE_FULL, "full")
    assert held.full
    assert len(taken(held)[DELIVERED].exceptions) == FULL_EXCEPTIONS
    assert not held.full


def test_memory_is_per_gap() -> None:
    settled = Settled()
    order = list(range(2, 20_001))
    random.Random(1).shuffle(order)
    for number in order:
        settled.add(number, number)
    assert settled.gaps == 1
    assert settled.through == 0
    assert settled.add(1, 1)
    assert (settled.through, settled.gaps) == (20_000, 0)
    assert repr(settled) == "<Settled 1-20000>"


runs = st.tuples(st.integers(1, 60), st.integers(1, 12))


@given(st.lists(runs, max_size=40), runs)
@settings(max_examples=300, deadline=None)
def test_settled_against_a_set(added: list[tuple[int, int]], asked: tuple[int, int]) -> None:
    settled, model = Settled(), set[int]()
    for first, count in added:
        before = settled.through
        rose = settled.add(first, first + count - 1)
        model |= set(range(first, first + count))
        through = 0
        while through + 1 in model:
            through += 1
        assert settled.through == through
        assert rose == (through > before)
    first, last = asked[0], asked[0] + asked[1] - 1
    parts = settled.open_parts(first, last)
    assert {n for a, b in parts for n in range(a, b + 1)} == set(range(first, last + 1)) - model
    assert all(b + 1 < c for (_, b), (c, _) in itertools.pairwise(parts))


outcomes = st.lists(
    st.tuples(st.sampled_from("sdf"), st.integers(1, 40), st.integers(1, 8), st.booleans()), max_size=60
)


@given(outcomes, st.sampled_from([SENT, DELIVERED]))
@settings(max_examples=300, deadline=None)
def test_every_number_is_delivered_or_named_once(
    steps: list[tuple[str, int, int, bool]], level: pb.DeliveryLevel
) -> None:
    held = book(level)
    reached: set[int] = set()
    failed: dict[int, int] = {}
    through = 0
    for kind, first, count, take in [*steps, ("s", 1, 1, True)]:
        numbers = set(range(first, first + count))
        if kind == "s":
            held.sent(first, count)
            reached |= numbers - failed.keys() if level == SENT else set()
        elif kind == "d":
            held.delivered(first, count)
            reached |= numbers - failed.keys()
        else:
            held.failed(first, count, Reason.OUTCOME_UNKNOWN, "lost")
            failed |= dict.fromkeys(numbers - reached - failed.keys(), 0)
        if take:
            receipt = taken(held).get(level)
            if receipt is not None:
                assert receipt.through_sequence >= through
                through = receipt.through_sequence
                for exception in receipt.exceptions:
                    for number in range(exception.first, exception.last + 1):
                        failed[number] += 1
            assert set(range(1, through + 1)) <= reached | {n for n, times in failed.items() if times}
    assert all(times == 1 for times in failed.values())
    assert held.through == through
