"""What the demo's apps send, acknowledge and compare."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from demo.__main__ import complaint
from demo.series import (
    FILE,
    HEADER,
    MESSAGES,
    PIECE_BYTES,
    RANGE,
    Arrived,
    Bodies,
    FilePieces,
    ShortMessages,
    Unacknowledged,
    acknowledgements,
    item,
)


def file_of(path: Path, size: int) -> FilePieces:
    path.write_bytes(random.Random(size).randbytes(size))
    return FilePieces(path)


def arrive(bodies: Bodies, kind: int, numbers: list[int], path: Path) -> Arrived:
    """What a receiver has after these items."""
    arrived = Arrived(kind, bodies.count, path)
    for number in numbers:
        payload = item(kind, number, bodies.count, bodies.body(number))
        assert HEADER.unpack_from(payload) == (kind, number, bodies.count)
        arrived.take(number, payload[HEADER.size :])
    return arrived


@pytest.mark.parametrize("kind", [MESSAGES, FILE])
def test_digest_holds_in_any_order_and_with_repeats(tmp_path: Path, kind: int) -> None:
    bodies = ShortMessages(50, "seed") if kind == MESSAGES else file_of(tmp_path / "sent", 3 * PIECE_BYTES + 17)
    numbers = [*range(bodies.count), 0, bodies.count - 1]
    random.Random(7).shuffle(numbers)
    arrived = arrive(bodies, kind, numbers, tmp_path / "received")
    assert arrived.digest() == bodies.digest
    assert (arrived.received, arrived.repeats, arrived.bytes) == (bodies.count, 2, bodies.total_bytes)


@pytest.mark.parametrize("kind", [MESSAGES, FILE])
def test_digest_differs_when_one_is_missing_or_wrong(tmp_path: Path, kind: int) -> None:
    bodies = ShortMessages(50, "seed") if kind == MESSAGES else file_of(tmp_path / "sent", 3 * PIECE_BYTES)
    missing = arrive(bodies, kind, [*range(1, bodies.count)], tmp_path / "missing")
    assert missing.digest() != bodies.digest
    missing.take(0, b"something else")
    assert missing.digest() != bodies.digest


def test_acknowledgements_are_ranges() -> None:
    payload = acknowledgements([(MESSAGES, 3), (MESSAGES, 1), (FILE, 2), (MESSAGES, 2), (MESSAGES, 9), (MESSAGES, 2)])
    assert list(RANGE.iter_unpack(payload)) == [(MESSAGES, 1, 3), (MESSAGES, 9, 9), (FILE, 2, 2)]


def test_what_is_not_acknowledged_is_left() -> None:
    series = Unacknowledged(6)
    series.acknowledge(1, 2)
    series.acknowledge(2, 2)
    series.acknowledge(5, 1 << 31)
    assert series.left() == [0, 3, 4]
    assert series.acknowledged() == 3
    assert not series.wait_progress(0.01)
    threading.Thread(target=series.acknowledge, args=(0, 5)).start()
    assert series.wait_progress(10)


WHOLE = {"count": 3, "acknowledged": 3, "received": 3, "digest": "d"}


@pytest.mark.parametrize(
    ("sent", "received", "expected"),
    [
        (WHOLE, WHOLE, None),
        ({}, WHOLE, "nothing was sent"),
        (WHOLE, {}, "nothing was received"),
        (WHOLE | {"acknowledged": 2}, WHOLE, "1 of 3 were never acknowledged"),
        (WHOLE, WHOLE | {"received": 1}, "2 of 3 are missing"),
        (WHOLE, WHOLE | {"digest": "e"}, "wrong digest: sent d, received e"),
    ],
)
def test_complaints(sent: dict[str, object], received: dict[str, object], expected: str | None) -> None:
    assert complaint(sent, received) == expected
