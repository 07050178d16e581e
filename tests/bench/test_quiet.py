"""A sample that others disturbed is taken again, so often and no more."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from bench.processes import Failed
from bench.quiet import Kept, Quiet


def shares(*others: float) -> Callable[[], tuple[int, float]]:
    """Numbered samples during which others took these shares of the machine; asking for more of them is an error."""
    left = iter(enumerate(others, start=1))
    return lambda: next(left)


def quiet(again: int, left: float) -> Quiet:
    """Each sample takes a second."""
    moments = itertools.count()
    return Quiet(again, left, clock=lambda: float(next(moments)))


def test_a_quiet_sample_is_taken_once() -> None:
    assert quiet(again=2, left=9).take(shares(0.10)) == Kept(1, 0.10, tries=1, busy=False)


def test_a_disturbed_sample_is_taken_again_until_it_is_quiet() -> None:
    assert quiet(again=3, left=9).take(shares(0.5, 0.2, 0.05)) == Kept(3, 0.05, tries=3, busy=False)


def test_the_quietest_is_kept_and_marked_when_none_is_quiet() -> None:
    kept = quiet(again=2, left=9).take(shares(0.5, 0.2, 0.4))
    assert kept == Kept(2, 0.2, tries=3, busy=True)
    assert kept.marks() == {"others": 0.2, "tries": 3, "busy": 1.0}


def test_there_is_so_much_time_for_repeats_and_no_more() -> None:
    judge = quiet(again=2, left=3)
    assert judge.take(shares(0.5, 0.5, 0.5)).tries == 3
    assert judge.take(shares(0.5, 0.5)).tries == 2
    assert judge.take(shares(0.5)) == Kept(1, 0.5, tries=1, busy=True)


def test_a_failure_is_the_callers() -> None:
    def lost() -> tuple[int, float]:
        raise Failed("a message was lost")

    with pytest.raises(Failed, match="lost"):
        quiet(again=2, left=9).take(lost)
