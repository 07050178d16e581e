"""The pacer: no more leaves than a bucket at once and its rate after, and who was held back is told until when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.transport.engine.inflight import GAIN, LEAST_PACED, SLOW_START_GAIN, InFlight
from sidecar.transport.engine.pacer import BURST_DATAGRAMS, BURST_SECONDS, Pacer

DATAGRAM = 1200
BURST = BURST_DATAGRAMS * DATAGRAM
RATE = 1e6


def test_a_bucket_leaves_at_once_and_then_what_the_rate_gives() -> None:
    pacer = Pacer(DATAGRAM)
    assert pacer.room(10.0, RATE) == BURST
    pacer.left(BURST, RATE)
    assert pacer.due == pytest.approx(10.0 + BURST / 2 / RATE)
    assert pacer.room(10.001, RATE) == pytest.approx(RATE * 0.001, abs=1)


def test_on_a_fast_path_a_bucket_is_what_the_rate_gives_in_a_moment() -> None:
    pacer, fast = Pacer(DATAGRAM), 1e9
    pacer.room(10.0, fast)
    assert pacer.room(11.0, fast) == fast * BURST_SECONDS


def test_who_was_held_back_and_comes_late_loses_nothing() -> None:
    pacer, rate = Pacer(DATAGRAM), 1e7
    pacer.left(pacer.room(10.0, rate), rate)
    assert pacer.room(10.02, rate) == pytest.approx(0.02 * rate, abs=1)
    pacer.left(0, rate)
    assert pacer.room(11.0, rate) == rate * BURST_SECONDS, "with nothing to send it is no different"


def test_who_is_not_held_back_is_woken_for_nothing() -> None:
    pacer = Pacer(DATAGRAM)
    pacer.room(10.0, RATE)
    pacer.left(BURST - DATAGRAM, RATE)
    assert pacer.due is None


@given(st.lists(st.tuples(st.floats(0, 0.01), st.integers(0, 40 * DATAGRAM)), max_size=60))
def test_never_more_than_the_rate_and_a_bucket(story: list[tuple[float, int]]) -> None:
    pacer, now, gone = Pacer(DATAGRAM), 10.0, 0
    for pause, wanted in story:
        now += pause
        size = min(pacer.room(now, RATE), wanted)
        pacer.left(size, RATE)
        gone += size
        assert gone <= BURST + (now - 10.0) * RATE + 1
        if pacer.due is not None:
            assert now < pacer.due < now + BURST / RATE


def limit_of(rtt: float, *, paced: bool = True, lost: int = 0) -> InFlight:
    """A limit that has seen a few round trips."""
    limit = InFlight(1 << 20, DATAGRAM, paced=paced)
    for number in range(5):
        limit.observe(10.0 + number * rtt, 0, rtt, rtt, lost)
    return limit


def test_a_window_is_spread_over_its_round_trip() -> None:
    early, late = limit_of(0.05), limit_of(0.05, lost=1)
    assert early.rate == pytest.approx(SLOW_START_GAIN * early.limit / 0.05)
    assert late.rate == pytest.approx(GAIN * late.limit / 0.05)


def test_a_short_path_is_not_paced() -> None:
    assert limit_of(LEAST_PACED / 2).rate == 0
    assert limit_of(0.05, paced=False).rate == 0


def test_a_path_that_was_short_is_not_paced_for_its_own_queue() -> None:
    limit = limit_of(0.001)
    limit.observe(12.0, 0, 0.08, 0.08, 0)
    assert limit.rate == 0
