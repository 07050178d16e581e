"""Runs: how batches are cut to travel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.wire import batch
from sidecar.wire.batch import IN_LINE_MAX
from sidecar.wire.lanes import RUN_MAX
from sidecar.wire.run import Run, runs_of
from tests.wire.side import Book, entry, payloads_of

sizes = st.lists(
    st.integers(0, 3000) | st.sampled_from([60_000, 65_536, IN_LINE_MAX - 8, IN_LINE_MAX - 7, 80_000, 140_000]),
    min_size=1,
    max_size=12,
)


def batch_of(found: list[int]) -> tuple[list[bytes], bytes, list[int]]:
    payloads = [b"%d" % number + bytes(size) for number, size in enumerate(found)]
    data = b"".join(map(entry, payloads))
    return payloads, data, batch.ends(data)


@given(sizes, st.integers(1, 100))
def test_a_batch_is_cut_into_runs_in_order(found: list[int], first: int) -> None:
    payloads, data, ends = batch_of(found)
    runs = runs_of(data, ends, Book(0), first, RUN_MAX)
    assert b"".join(part for run in runs for part in run.parts) == data
    number = first
    for run in runs:
        assert (run.first, run.count) == (number, len(batch.ends(run.parts[0])))
        number += run.count
        assert run.size == len(run.parts[0])
        large = max(len(entry(payload)) for payload in payloads[run.first - first :][: run.count]) > IN_LINE_MAX
        assert run.bulk is large
        assert run.count == 1 or run.size <= RUN_MAX
    assert number == first + len(payloads)


@given(st.lists(st.integers(0, 300), min_size=2, max_size=30), st.data())
def test_a_run_is_split(found: list[int], data: st.DataObject) -> None:
    payloads, raw, ends = batch_of(found)
    (run,) = runs_of(raw, ends, Book(0), 5, RUN_MAX)
    count = data.draw(st.integers(1, run.count - 1))
    head, tail = run.split(count)
    assert (head.first, head.count, tail.first, tail.count) == (5, count, 5 + count, run.count - count)
    assert head.size + tail.size == run.size
    assert [*payloads_of(head.parts[0]), *payloads_of(tail.parts[0])] == payloads


@given(st.lists(st.integers(0, 300), min_size=1, max_size=30), st.integers(0, 4000), st.integers(0, 40))
def test_as_many_fit_as_fit(found: list[int], room: int, messages: int) -> None:
    _, raw, ends = batch_of(found)
    (run,) = runs_of(raw, ends, Book(0), 1, RUN_MAX)
    assert run.fit(room, messages) == sum(end <= room for end in ends[:messages])


def test_a_large_message_fits_whole_or_not() -> None:
    run = Run(batch.large_entry("id", {"k": "v"}, [bytes(50_000), bytes(50_000)]), 1, Book(0), 1)
    assert run.bulk
    assert [run.fit(run.size - 1, 9), run.fit(run.size, 1), run.fit(run.size, 0)] == [0, 1, 0]


def test_nothing_makes_no_run() -> None:
    assert runs_of(b"", [], Book(0), 1, RUN_MAX) == []


@pytest.mark.parametrize("parts", [1, 2])
def test_the_first_that_is_too_large(parts: int) -> None:
    whole = batch.large_entry("id", {}, [bytes(40_000), bytes(50_000)])
    run = Run(whole if parts == 2 else [b"".join(whole)], 1, Book(0), 1)
    assert run.too_large(89_999) == (0, 90_000)
    assert run.too_large(90_000) is None
    small = Run([entry(b"1234") + entry(b"12345") + entry(b"123456")], 3, Book(0), 1)
    assert [small.too_large(most) for most in (3, 4, 5, 6)] == [(0, 4), (1, 5), (2, 6), None]
    assert repr(small) == f"Run(first=1, count=3, size={small.size})"
