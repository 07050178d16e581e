"""What waits: whose turn it is, who steps aside, who hears of room."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from sidecar.errors import Reason
from sidecar.wire.outbox import CHANNEL_LEAST, CHANNEL_QUANTUM, CLASSES, WEIGHTS, Outbox, class_of
from sidecar.wire.run import Run
from tests.wire.side import KIB, MIB, Book, entry

SLICE = 64 * KIB


def run(size: int = 100, book: Book | None = None, number: int = 1) -> Run:
    return Run([entry(bytes(size))], 1, book or Book(1), number)


def test_classes_share_by_weight_over_bytes() -> None:
    outbox = Outbox(1)
    draw = random.Random(1)
    spent: Counter[int] = Counter()
    kinds = list(range(CLASSES))
    for _ in range(20_000):
        kind = outbox.turn(kinds)
        size = draw.randint(1, 2 * SLICE) if kind & 1 else draw.randint(1, 1000)
        outbox.spend(kind, size)
        spent[kind] += size
    total = sum(spent.values())
    for kind in kinds:
        assert spent[kind] / total == pytest.approx(WEIGHTS[kind] / sum(WEIGHTS), rel=0.15)


@pytest.mark.parametrize("present", [[0], [5], [3, 5], [0, 1], [1, 2, 4]])
def test_those_that_have_something_share_it_all(present: list[int]) -> None:
    outbox = Outbox(1)
    spent: Counter[int] = Counter()
    for _ in range(5000):
        kind = outbox.turn(present)
        outbox.spend(kind, 10_000)
        spent[kind] += 10_000
    total, weights = sum(spent.values()), sum(WEIGHTS[kind] for kind in present)
    assert sorted(spent) == present
    for kind in present:
        assert spent[kind] / total == pytest.approx(WEIGHTS[kind] / weights, rel=0.1)


@pytest.mark.parametrize("rounds", range(40))
def test_a_small_message_goes_before_what_is_left_of_a_large_one(rounds: int) -> None:
    """Whenever it comes in the large one's round: a class that had nothing to send has a quantum ready."""
    outbox = Outbox(1)
    large, small = class_of(1, bulk=True), class_of(1, bulk=False)
    for _ in range(rounds):
        assert outbox.turn([large]) == large
        outbox.spend(large, SLICE)
    assert outbox.turn([small, large]) == small


def test_a_class_that_comes_and_goes_gains_little() -> None:
    """What it has ready is one quantum: it does not starve a class of the same weight."""
    outbox = Outbox(1)
    spent: Counter[int] = Counter()
    small, large = 2, 3
    for number in range(4000):
        kind = outbox.turn([small, large] if number % 3 else [large])
        outbox.spend(kind, SLICE)
        spent[kind] += 1
    assert spent[large] > 0.45 * sum(spent.values())


def test_channels_of_a_class_take_turns_and_keep_their_order() -> None:
    outbox = Outbox(1 << 20)
    book = Book(30)
    for number in range(30):
        channel = "abc"[number % 3] if number < 15 else "a"
        outbox.put(channel, 1, Run([bytes(CHANNEL_QUANTUM)], 2, book, number))
    taken = []
    while outbox.classes[2].ready:
        name, head = outbox.head(2)
        assert outbox.next(2) is head
        taken.append((name, head.first))
    assert [name for name, _ in taken][:15] == list("abc") * 5
    for name in "abc":
        numbers = [number for one, number in taken if one == name]
        assert numbers == sorted(numbers)


@pytest.mark.parametrize(("small", "large"), [(100, 100 * KIB), (10 * KIB, 70 * KIB), (KIB, CHANNEL_QUANTUM)])
def test_channels_of_a_class_share_by_bytes(small: int, large: int) -> None:
    """However long their runs are: one of many small ones has as much as one of few large ones."""
    outbox = Outbox(64 * MIB)
    sizes = {"small": small, "large": large, "both": small}
    for channel, size in sizes.items():
        for number in range(8 * MIB // size):
            held = large if channel == "both" and number % 2 else size
            outbox.put(channel, 1, Run([bytes(held)], 2, Book(1), 1))
    sent: Counter[str] = Counter()
    while all(count < 4 * MIB for count in sent.values()) and len(outbox.classes[2].ready) == len(sizes):
        channel, _ = outbox.head(2)
        sent[channel] += outbox.next(2).size
    assert max(sent.values()) - min(sent.values()) <= 2 * CHANNEL_QUANTUM, sent


def test_a_blocked_channel_holds_up_no_other() -> None:
    outbox = Outbox(1 << 20)
    for channel in ("blocked", "open"):
        for number in (1, 2):
            outbox.put(channel, 1, run(number=number))
    outbox.block(2, "blocked")
    outbox.put("blocked", 1, run(number=3))
    assert [outbox.head(2)[0], outbox.next(2).first, outbox.next(2).first] == ["open", 1, 2]
    assert not outbox.classes[2].ready
    outbox.unblock("other")
    assert not outbox.classes[2].ready
    outbox.unblock("blocked")
    assert [outbox.next(2).first for _ in range(3)] == [1, 2, 3]
    assert not outbox.classes[2].ready


def test_what_comes_back_is_first_again() -> None:
    outbox = Outbox(1 << 20)
    for number in (1, 2):
        outbox.put("", 1, run(number=number))
    taken = outbox.next(2)
    outbox.put_back("", 1, taken)
    assert [outbox.next(2).first, outbox.next(2).first] == [1, 2]
    assert outbox.messages == 2


def test_bytes_are_counted_until_they_are_settled() -> None:
    outbox = Outbox(1 << 20)
    runs = [run(100) for _ in range(4)]
    for one in runs:
        outbox.put("", 1, one)
    size = runs[0].size
    assert (outbox.bytes, outbox.messages, outbox.peak_bytes) == (4 * size, 4, 4 * size)
    for _ in runs:
        outbox.next(2)
        assert outbox.bytes == 4 * size, "they are unacknowledged"
    outbox.settle(runs[0])
    assert (outbox.bytes, outbox.messages, outbox.peak_bytes) == (3 * size, 3, 4 * size)
    assert repr(outbox) == f"Outbox(3 messages, {3 * size}/1048576 bytes, peak {4 * size})"


def fill(outbox: Outbox, channel: str) -> list[Run]:
    """Queues until the channel is full."""
    runs = []
    while not outbox.full(channel):
        runs.append(run(10_000))
        outbox.put(channel, 1, runs[-1])
    return runs


def test_a_channel_alone_has_four_fifths() -> None:
    outbox = Outbox(1_000_000)
    fill(outbox, "")
    assert outbox.bytes == pytest.approx(800_000, abs=11_000)


def test_stuck_channels_leave_room_to_others() -> None:
    outbox = Outbox(8 * MIB)
    for number in range(50):
        fill(outbox, f"stuck {number}")
    assert outbox.bytes <= 8 * MIB + 50 * CHANNEL_LEAST
    called: list[str] = []
    assert not outbox.full("other")
    for _ in range(10):
        runs = fill(outbox, "other")
        outbox.want_room("other", lambda: called.append("room"))
        for one in runs:
            outbox.settle(one)
    assert called == ["room"] * 10


def test_room_is_told_once_and_at_half() -> None:
    outbox = Outbox(MIB)
    called: list[str] = []
    outbox.want_room("a", lambda: called.append("at once"))
    assert called == ["at once"], "there is room: nothing else would tell"
    runs = fill(outbox, "a")
    outbox.want_room("a", lambda: called.append("first"))
    outbox.want_room("a", lambda: called.append("second"))
    while len(called) == 1:
        outbox.settle(runs.pop())
    assert outbox.bytes == pytest.approx(MIB * 2 / 3, abs=11_000), "twice that is four times what is left"
    assert called == ["at once", "first", "second"]
    for one in runs:
        outbox.settle(one)
    assert len(called) == 3


def test_emptiness_is_told_once() -> None:
    outbox = Outbox(1000)
    called: list[str] = []
    outbox.when_empty(lambda: called.append("at once"))
    runs = [run(), run()]
    for one in runs:
        outbox.put("", 1, one)
    outbox.when_empty(lambda: called.append("later"))
    outbox.settle(outbox.next(2))
    assert called == ["at once"]
    outbox.settle(outbox.next(2))
    assert called == ["at once", "later"]


def test_a_caller_takes_back_its_own_wherever_it_waits() -> None:
    outbox = Outbox(1 << 20)
    mine, other = Book(4), Book(2)
    large = Run([bytes(100_000)], 1, mine, 4)
    assert large.bulk
    outbox.put("a", 1, run(book=mine, number=1))
    outbox.put("a", 1, run(book=other, number=1))
    outbox.put("b", 0, run(book=mine, number=2))
    outbox.put("blocked", 1, run(book=mine, number=3))
    outbox.put("blocked", 1, run(book=other, number=2))
    outbox.put("a", 1, large)
    outbox.block(2, "blocked")
    assert outbox.withdraw_sink(mine, Reason.CANCELLED, "no more") == 4
    assert mine.failures == {Reason.CANCELLED: 4}
    assert (outbox.messages, other.outcomes) == (2, {})
    assert not any(outbox.classes[kind].ready for kind in (0, 3))
    outbox.unblock()
    assert [outbox.next(2).sink, outbox.next(2).sink] == [other, other]
    assert outbox.withdraw(lambda run: True, Reason.CANCELLED, "x") == 0


def test_a_channel_is_taken_out_whole() -> None:
    outbox = Outbox(1 << 20)
    mine, other = Book(3), Book(1)
    outbox.put("x", 0, run(book=mine, number=1))
    outbox.put("x", 1, run(book=mine, number=2))
    outbox.block(2, "x")
    outbox.put("x", 1, Run([bytes(100_000)], 1, mine, 3))
    outbox.put("y", 1, run(book=other))
    outbox.withdraw_channel("x", Reason.LIMIT_REACHED, "too many")
    assert mine.failures == {Reason.LIMIT_REACHED: 3}
    assert (outbox.messages, other.outcomes) == (1, {})


def test_a_caller_that_queues_more_when_it_hears_of_room() -> None:
    """The callback runs in the middle of whatever made room."""
    outbox = Outbox(200_000)
    book = Book(1000)
    left = iter(range(1, 1001))

    def refill() -> None:
        while not outbox.full(""):
            number = next(left, None)
            if number is None:
                return
            outbox.put("", 1, run(9000, book, number))
        outbox.want_room("", refill)

    refill()
    order = []
    while outbox.classes[2].ready:
        one = outbox.next(2)
        order.append(one.first)
        outbox.settle(one)
    assert order == list(range(1, 1001))
    assert outbox.peak_bytes < 200_000
